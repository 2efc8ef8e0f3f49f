//! A client machine and the server machines talk through the codec, in every version and encoding.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use wv_proto::codec::{self, WriterOptions};
use wv_proto::limit::Limits;
use wv_proto::primitive::access::{DigestSchema, Status};
use wv_proto::primitive::capability::CapabilityList;
use wv_proto::primitive::identifier::{ClientId, MessageId, Password, SessionCookie, SessionId, UserId};
use wv_proto::primitive::message::{Content, MessageInfo, NewMessage};
use wv_proto::primitive::party::{Recipient, Sender};
use wv_proto::primitive::service::{ClientCapabilityRequest, ServiceRequest};
use wv_proto::primitive::{Envelope, Primitive, TransactionMode};
use wv_proto::quirk::{Evidence, Profile};
use wv_proto::session::client::{self, ClientSession, ClientSetup, LoginWay};
use wv_proto::session::closed::{ClosedSessions, refuse};
use wv_proto::session::digest::mint_nonce;
use wv_proto::session::limit::SessionLimits;
use wv_proto::session::login::{
    Credentials, Exposure, KnownSession, LoginAttempt, LoginCommand, LoginEvent, LoginMachine, LoginPolicy, OldSession,
    Opening,
};
use wv_proto::session::negotiation::Negotiated;
use wv_proto::session::poll::{Epoch, QueueKey, ServerPrimitive};
use wv_proto::session::server::{self, Acknowledgement, Closing, ServerSession, SessionPolicy};
use wv_proto::session::time::Timestamp;
use wv_proto::session::transaction::{Identity, PostId};
use wv_proto::status::StatusCode;
use wv_proto::version::{Encoding, Version};
use wv_proto::{primitive::SessionDescriptor, snapshot};

/// The owner of the server machines: what an adapter does, in small.
struct Server {
    login: LoginMachine,
    session: Option<ServerSession>,
    closed: ClosedSessions,
    posts: u64,
    epoch: u32,
    /// What became of server-initiated transactions.
    acknowledged: Vec<QueueKey>,
    /// The requests that reached the owner.
    executed: Vec<String>,
}

impl Server {
    fn new() -> Self {
        Self {
            login: LoginMachine::new(LoginPolicy::default()),
            session: None,
            closed: ClosedSessions::default(),
            posts: 0,
            epoch: 1,
            acknowledged: Vec::new(),
            executed: Vec::new(),
        }
    }

    /// One HTTP exchange.
    fn post(&mut self, now: Timestamp, body: &[u8]) -> Bytes {
        let decoded = codec::decode(body, None, &Limits::default()).unwrap();
        let (version, encoding) = (decoded.version, decoded.encoding);
        let message = Envelope::decode(&decoded.tree).unwrap();
        self.posts += 1;
        let post = PostId::new(self.posts);
        let login = message.transactions.iter().find_map(|transaction| match &transaction.content {
            Ok(Primitive::LoginRequest(request)) => Some((transaction.id.clone(), (**request).clone())),
            _ => None,
        });
        let answer = match login {
            Some((transaction, request)) => {
                let attempt = LoginAttempt {
                    exposure: Exposure::Protected,
                    post,
                    version,
                    session: message.session,
                    transaction,
                    request,
                    nonce: mint_nonce([self.posts.to_le_bytes()[0]; 16]),
                    session_id: SessionId::new(format!("gw-{}", self.posts)),
                };
                self.log_in(now, encoding, attempt)
            }
            None => self.in_session(now, post, body, message),
        };
        match answer {
            Some(answer) => answer.encode(version, encoding, WriterOptions::default()).unwrap(),
            None => Bytes::new(),
        }
    }

    fn log_in(&mut self, now: Timestamp, encoding: Encoding, attempt: LoginAttempt) -> Option<Envelope> {
        let client_id = attempt.client_id();
        let profile = Profile::recognise(&Evidence { client_id: Some(client_id.as_str()), ..Evidence::default() });
        self.login.handle(now, LoginEvent::Request(Box::new(attempt)));
        let mut response = None;
        while let Some(command) = self.login.poll() {
            match command {
                LoginCommand::FindCredentials { post, old, .. } => {
                    let own = self.session.as_ref().filter(|session| session.may_go_on()).map(|session| KnownSession {
                        session_id: session.party().session_id.clone(),
                        client_id: session.party().client_id.clone(),
                    });
                    let is_own = own.as_ref().is_some_and(|known| Some(&known.session_id) == old.as_ref());
                    self.login.handle(
                        now,
                        LoginEvent::Credentials {
                            post,
                            credentials: Credentials::Password(Password::new("secret")),
                            sessions: own.into_iter().collect(),
                            old: if is_own { OldSession::Own } else { OldSession::Unknown },
                        },
                    );
                }
                LoginCommand::Replace { session_id, .. } => {
                    let code = StatusCode::FORCED_LOGOUT;
                    self.closed.remember(now, session_id, code, &SessionLimits::default());
                }
                LoginCommand::Open(opening) => {
                    let policy = Arc::new(SessionPolicy::default());
                    let epoch = Epoch::new(self.epoch);
                    self.session = Some(ServerSession::open(now, policy, *opening, encoding, profile, epoch));
                }
                LoginCommand::Resume { resumption, .. } => {
                    self.session.as_mut().unwrap().handle(now, server::Event::Resume(resumption));
                    self.settle(now);
                }
                LoginCommand::Respond { answer, .. } => response = Some(answer),
            }
        }
        response
    }

    fn in_session(&mut self, now: Timestamp, id: PostId, body: &[u8], message: Envelope) -> Option<Envelope> {
        let SessionDescriptor::Inband(named) = &message.session else { panic!("{message:?}") };
        let known = self.session.as_mut().filter(|session| session.party().session_id == *named);
        let Some(session) = known else {
            return refuse(&message, self.closed.code(named));
        };
        session.handle(now, server::Event::Post(server::Post { id, identity: Identity::of(body), message }));
        self.settle(now).expect("a body or an empty one")
    }

    /// Does what the session wants; gives back the answer to the message under way.
    fn settle(&mut self, now: Timestamp) -> Option<Option<Envelope>> {
        let mut response = None;
        let session = self.session.as_mut().unwrap();
        while let Some(command) = session.poll() {
            match command {
                server::Command::Execute { ticket, primitive } => {
                    self.executed.push(primitive.name().to_string());
                    let primitive = Primitive::Status(Status::from(StatusCode::SUCCESS));
                    session.handle(now, server::Event::Answer { ticket, primitive });
                }
                server::Command::Respond { answer, .. } => response = Some(answer),
                server::Command::Acknowledged { keys, answer, .. } => {
                    assert!(matches!(answer, Acknowledgement::Answered(_)));
                    self.acknowledged.extend(keys);
                }
                server::Command::Closed(closing) => {
                    let id = session.party().session_id.clone();
                    self.closed.remember(now, id, closing.code(), &SessionLimits::default());
                    assert_eq!(closing, Closing::LoggedOut);
                }
                server::Command::GivenUp(_)
                | server::Command::Shed(_)
                | server::Command::WakeUp
                | server::Command::Negotiated(_)
                | server::Command::Changed
                | server::Command::Lapsed => {}
            }
        }
        response
    }

    fn enqueue(&mut self, now: Timestamp, entry: ServerPrimitive) {
        self.session.as_mut().unwrap().handle(now, server::Event::Enqueue(entry));
        self.settle(now);
    }

    /// Kill -9 and start again.
    fn restart(&mut self, now: Timestamp) {
        let octets = snapshot::export(self.session.as_ref().unwrap());
        self.epoch += 1;
        let policy = Arc::new(SessionPolicy::default());
        self.session = Some(snapshot::restore(now, policy, Epoch::new(self.epoch), &octets).unwrap());
    }
}

/// A client, a server, and the wire between them.
struct Line {
    client: ClientSession,
    server: Server,
    version: Version,
    encoding: Encoding,
    now: u64,
    told: VecDeque<client::Command>,
}

impl Line {
    fn new(version: Version, encoding: Encoding, way: LoginWay) -> Self {
        let setup = ClientSetup {
            user_id: UserId::new("wv:alice@wv.example"),
            client_id: ClientId::from_url("lab-phone-1"),
            session_cookie: SessionCookie::new("ck-0001"),
            password: Password::new("secret"),
            way,
            time_to_live: Some(Duration::from_secs(3600)),
            poll_interval: None,
            id_prefix: "c".into(),
        };
        let client = ClientSession::new(setup);
        Self { client, server: Server::new(), version, encoding, now: 1, told: VecDeque::new() }
    }

    fn tell(&mut self, event: client::Event) {
        self.client.handle(Timestamp::from_millis(self.now * 1000), event);
        while let Some(command) = self.client.poll() {
            let client::Command::Send(message) = command else {
                self.told.push_back(command);
                continue;
            };
            self.now += 1;
            let now = Timestamp::from_millis(self.now * 1000);
            let body = message.encode(self.version, self.encoding, WriterOptions::default()).unwrap();
            let answer = self.server.post(now, &body);
            let answer = (!answer.is_empty()).then(|| {
                let decoded = codec::decode(&answer, None, &Limits::default()).unwrap();
                assert_eq!((decoded.version, decoded.encoding), (self.version, self.encoding));
                Envelope::decode(&decoded.tree).unwrap()
            });
            self.client.handle(now, client::Event::Received(answer));
        }
    }

    fn request(&mut self, primitive: Primitive) -> Primitive {
        self.tell(client::Event::Request(primitive));
        match self.told.pop_front() {
            Some(client::Command::Answered { primitive, .. }) => primitive,
            other => panic!("{other:?}"),
        }
    }

    fn log_in(&mut self) {
        self.tell(client::Event::LogIn);
        assert!(matches!(self.told.pop_front(), Some(client::Command::LoggedIn { .. })), "{:?}", self.told);
    }

    fn enqueue(&mut self, id: &str) {
        let now = Timestamp::from_millis(self.now * 1000);
        self.server.enqueue(now, message(id));
    }

    fn notified(&mut self) -> Vec<String> {
        let mut ids = Vec::new();
        for command in self.told.drain(..) {
            match command {
                client::Command::Notified(Primitive::NewMessage(message)) => {
                    ids.push(message.message.message_id.unwrap().to_string());
                }
                other => panic!("{other:?}"),
            }
        }
        ids
    }
}

fn message(id: &str) -> ServerPrimitive {
    let message = MessageInfo {
        message_id: Some(MessageId::new(id)),
        content_type: Some("text/plain".into()),
        content_size: Some(5),
        recipient: Recipient::of_user(UserId::new("wv:alice@wv.example")),
        sender: Some(Sender::User(UserId::new("wv:bob@sip.example").into())),
        ..MessageInfo::default()
    };
    let content = Some(Content::from_text("hello"));
    ServerPrimitive {
        key: QueueKey::Message(MessageId::new(id)),
        primitive: Primitive::NewMessage(Box::new(NewMessage { message, content })),
    }
}

fn four_way() -> LoginWay {
    LoginWay::FourWay(vec![DigestSchema::Md5])
}

fn capabilities(multi_trans: u32) -> Primitive {
    let capabilities = CapabilityList {
        multi_trans: Some(multi_trans),
        parser_size: Some(64_000),
        accepted_content_length: Some(32_000),
        ..CapabilityList::default()
    };
    let client_id = Some(ClientId::from_url("lab-phone-1"));
    Primitive::ClientCapabilityRequest(Box::new(ClientCapabilityRequest { client_id, capabilities }))
}

// WV-HTTP-03
#[test]
fn a_whole_session_works_in_every_version_and_encoding() {
    for version in Version::ALL {
        for encoding in [Encoding::Xml, Encoding::Wbxml] {
            for way in [LoginWay::TwoWay, four_way()] {
                let mut line = Line::new(version, encoding, way);
                line.log_in();
                assert!(matches!(line.request(capabilities(1)), Primitive::ClientCapabilityResponse(_)));
                let client_id = Some(ClientId::from_url("lab-phone-1"));
                let service = ServiceRequest { client_id, functions: None, all_functions_request: true };
                let Primitive::ServiceResponse(response) = line.request(Primitive::ServiceRequest(service)) else {
                    panic!("{version:?}")
                };
                assert!(response.all_functions.is_some() && response.refused.is_none());
                assert!(matches!(line.request(Primitive::GetListRequest), Primitive::Status(_)));
                assert_eq!(line.server.executed, ["GetList-Request"]);
                for id in ["m-1", "m-2", "m-3"] {
                    line.enqueue(id);
                }
                line.tell(client::Event::Poll);
                assert_eq!(line.notified(), ["m-1", "m-2", "m-3"], "{version:?} {encoding:?}");
                assert_eq!(line.server.acknowledged.len(), 3);
                let farewell = line.request(Primitive::LogoutRequest);
                assert_eq!(farewell.result().unwrap().code, StatusCode::SUCCESS);
                assert_eq!(matches!(farewell, Primitive::Disconnect(_)), version == Version::V1_1);
                assert_eq!(line.told.pop_front(), Some(client::Command::Ended(StatusCode::SUCCESS)));
            }
        }
    }
}

#[test]
fn a_session_survives_the_restart_of_the_server() {
    let mut line = Line::new(Version::V1_2, Encoding::Wbxml, four_way());
    line.log_in();
    line.request(capabilities(2));
    line.enqueue("m-1");
    line.tell(client::Event::Poll);
    assert_eq!(line.notified(), ["m-1"]);
    let now = Timestamp::from_millis(line.now * 1000);
    line.server.restart(now);
    assert_eq!(line.server.session.as_ref().unwrap().negotiated().multi_trans(), 2);
    line.enqueue("m-2");
    line.tell(client::Event::Poll);
    // Were the id of the first message used again, the client would keep the second one to itself.
    assert_eq!(line.notified(), ["m-2"]);
    assert_eq!(line.server.acknowledged.len(), 2);
}

#[test]
fn a_lapsed_session_is_established_again_and_keeps_its_queue() {
    let mut line = Line::new(Version::V1_2, Encoding::Xml, four_way());
    line.log_in();
    let session_id = line.client.session_id().cloned();
    line.enqueue("m-1");
    line.now += 3700;
    line.tell(client::Event::Poll);
    let told: Vec<_> = line.told.drain(..).collect();
    assert_eq!(told, [client::Command::Ended(StatusCode::SESSION_EXPIRED)]);
    line.tell(client::Event::Resume);
    assert!(matches!(line.told.pop_front(), Some(client::Command::LoggedIn { .. })));
    assert_eq!(line.client.session_id().cloned(), session_id);
    line.tell(client::Event::Poll);
    assert_eq!(line.notified(), ["m-1"]);
}

#[test]
fn after_a_new_login_the_old_session_hears_601() {
    let mut line = Line::new(Version::V1_1, Encoding::Xml, LoginWay::TwoWay);
    line.log_in();
    let first = line.client.clone();
    line.log_in();
    line.client = first;
    let answer = line.request(Primitive::GetListRequest);
    assert_eq!(answer.result().unwrap().code, StatusCode::FORCED_LOGOUT);
    assert_eq!(line.told.pop_front(), Some(client::Command::Ended(StatusCode::FORCED_LOGOUT)));
}

#[test]
fn a_wrong_password_opens_nothing() {
    for way in [LoginWay::TwoWay, four_way()] {
        let mut line = Line::new(Version::V1_2, Encoding::Xml, way.clone());
        let setup = ClientSetup {
            user_id: UserId::new("wv:alice@wv.example"),
            client_id: ClientId::from_url("lab-phone-1"),
            session_cookie: SessionCookie::new("ck-0001"),
            password: Password::new("guess"),
            way,
            time_to_live: None,
            poll_interval: None,
            id_prefix: "c".into(),
        };
        line.client = ClientSession::new(setup);
        line.tell(client::Event::LogIn);
        assert_eq!(line.told.pop_front(), Some(client::Command::LoginFailed(StatusCode::INVALID_PASSWORD)));
        assert!(line.server.session.is_none());
    }
}

/// Messages of real clients, from the folder that `WVSG_CORPUS` names.
fn corpus() -> Option<Vec<(String, Vec<u8>)>> {
    let folder = std::path::PathBuf::from(std::env::var_os("WVSG_CORPUS")?).join("wv");
    let mut messages: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name()?.to_str()?.to_owned();
            let octets = std::fs::read(&path).unwrap();
            match path.extension()?.to_str()? {
                "xml" => Some((name, octets)),
                "hex" => {
                    let digits: Vec<u32> = octets.iter().filter_map(|octet| char::from(*octet).to_digit(16)).collect();
                    Some((name, digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()))
                }
                _ => None,
            }
        })
        // What a server answered is not for a server to read.
        .filter(|(name, _)| !name.starts_with("baraza-"))
        .collect();
    messages.sort();
    assert!(!messages.is_empty(), "the corpus holds no message");
    Some(messages)
}

#[test]
fn every_message_of_a_real_client_is_answered_once() {
    let Some(messages) = corpus() else {
        println!("corpus absent");
        return;
    };
    let (mut logins, mut served) = (0, 0);
    for (name, octets) in &messages {
        let Ok(decoded) = codec::decode(octets, None, &Limits::default()) else { continue };
        let Ok(message) = Envelope::decode(&decoded.tree) else { continue };
        let mut server = Server::new();
        let now = Timestamp::from_millis(1000);
        let transaction = &message.transactions[0];
        if let Ok(Primitive::LoginRequest(request)) = &transaction.content {
            logins += 1;
            let (client_id, cookie) = (request.client_id.clone(), request.session_cookie.clone());
            let evidence = Evidence {
                client_id: client_id.as_ref().map(ClientId::as_str),
                session_cookie: cookie.as_ref().map(SessionCookie::as_str),
                transaction_id: transaction.id.as_ref().map(|id| id.as_str()),
                ..Evidence::default()
            };
            assert_eq!(Profile::recognise(&evidence) == Profile::S60, name.starts_with("nokia-s60"), "{name}");
            assert!(!server.post(now, octets).is_empty(), "{name}");
            continue;
        }
        let SessionDescriptor::Inband(session_id) = message.session.clone() else { continue };
        served += 1;
        let opening = Opening {
            post: PostId::new(0),
            session_id,
            user_id: UserId::new("wv:alice@wv.example"),
            client_id: ClientId::from_url("lab-phone-1"),
            session_cookie: None,
            version: decoded.version,
            keep_alive: Duration::from_secs(3600),
            negotiated: Negotiated::default(),
        };
        let policy = Arc::new(SessionPolicy::default());
        let session = ServerSession::open(now, policy, opening, decoded.encoding, Profile::Plain, Epoch::new(1));
        server.session = Some(session);
        let needs_a_body = message
            .transactions
            .iter()
            .any(|one| one.mode == TransactionMode::Request && one.content != Ok(Primitive::PollingRequest));
        let is_read = message.transactions.iter().all(|one| one.content.is_ok());
        let leaves = transaction.content == Ok(Primitive::LogoutRequest);
        let answer = server.in_session(now, PostId::new(1), octets, message);
        assert!(answer.is_some() || !needs_a_body, "{name}: an empty answer to a request");
        if let Some(answer) = answer {
            let body = answer.encode(decoded.version, decoded.encoding, WriterOptions::default());
            assert!(body.is_ok(), "{name}: {body:?}");
        }
        assert_eq!(server.session.unwrap().may_go_on(), !leaves, "{name}");
        if !is_read {
            println!("{name}: malformed, answered");
        }
    }
    println!("corpus {} of {}: {logins} logins, {served} in sessions", logins + served, messages.len());
    assert!(logins > 0 && served > 0);
}
