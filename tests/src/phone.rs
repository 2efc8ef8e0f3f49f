//! A WV phone inside the test: the client of `wv-proto` over a blocking connection.

use crate::{http, wait};
use std::{
    collections::VecDeque,
    net::SocketAddr,
    time::{Duration, SystemTime},
};
use wv_proto::{
    codec::{WriterOptions, decode_in_session},
    limit::Limits,
    presence_attribute::{AttributeNames, PresenceAttribute, PresenceSubList},
    primitive::{
        Envelope, Primitive,
        access::Status,
        identifier::{ClientId, Password, SessionCookie, TransactionId, UserId},
        message::{Content, MessageInfo, SendMessageRequest, SendMessageResponse},
        party::{Recipient, Sender, User},
        presence::{
            PresenceAuthUser, PresenceNotificationRequest, Presentity, SubscribePresenceRequest,
            UnsubscribePresenceRequest, UpdatePresenceRequest,
        },
    },
    session::{
        client::{ClientSession, ClientSetup, Command, Event, LoginWay},
        time::Timestamp,
    },
    version::{ContentType, Encoding, Version},
};

/// A phone.
#[derive(Debug)]
pub struct Phone {
    user: String,
    server: SocketAddr,
    connection: Option<http::Connection>,
    version: Version,
    encoding: Encoding,
    session: ClientSession,
    told: VecDeque<Primitive>,
    answer: Option<Result<Primitive, String>>,
    answered: Option<TransactionId>,
}

impl Phone {
    /// A phone that is not logged in.
    #[must_use]
    pub fn new(server: SocketAddr, user: &str, version: Version, encoding: Encoding) -> Self {
        Self::with_client(server, user, "test-phone", version, encoding)
    }

    /// A phone that is not logged in, with a client of a name of its own.
    #[must_use]
    pub fn with_client(server: SocketAddr, user: &str, client: &str, version: Version, encoding: Encoding) -> Self {
        let setup = ClientSetup {
            user_id: UserId::new(user),
            client_id: ClientId::from_url(client),
            session_cookie: SessionCookie::new(format!("cookie-{client}")),
            password: Password::new("secret"),
            way: LoginWay::TwoWay,
            time_to_live: Some(Duration::from_secs(3600)),
            poll_interval: None,
            id_prefix: "t".into(),
        };
        Self {
            user: user.to_owned(),
            server,
            connection: None,
            version,
            encoding,
            session: ClientSession::new(setup),
            told: VecDeque::new(),
            answer: None,
            answered: None,
        }
    }

    /// A phone that has logged in.
    ///
    /// # Panics
    /// When the login fails.
    #[must_use]
    pub fn logged_in(server: SocketAddr, user: &str, version: Version, encoding: Encoding) -> Self {
        let mut phone = Self::new(server, user, version, encoding);
        phone.log_in().unwrap_or_else(|error| panic!("{user}: {error}"));
        phone
    }

    /// Logs in.
    ///
    /// # Errors
    /// Why not.
    pub fn log_in(&mut self) -> Result<(), String> {
        self.drive(Event::LogIn);
        if self.session.is_active() {
            return Ok(());
        }
        match self.answer.take() {
            Some(Err(error)) => Err(error),
            Some(Ok(_)) | None => Err("not logged in".to_owned()),
        }
    }

    /// The session's number, once logged in.
    #[must_use]
    pub fn session_id(&self) -> Option<String> {
        self.session.session_id().map(|id| id.as_str().to_owned())
    }

    /// The user's address.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Sends a request and returns its answer.
    ///
    /// # Errors
    /// When there is none.
    pub fn request(&mut self, primitive: Primitive) -> Result<Primitive, String> {
        self.answer = None;
        self.drive(Event::Request(primitive));
        self.answer.take().unwrap_or_else(|| Err("no answer".to_owned()))
    }

    /// Sends a request and returns its answer with the TransactionID.
    ///
    /// # Errors
    /// When there is none.
    pub fn request_numbered(&mut self, primitive: Primitive) -> Result<(TransactionId, Primitive), String> {
        let answer = self.request(primitive)?;
        self.answered.take().map(|id| (id, answer)).ok_or_else(|| "an answer without TransactionID".to_owned())
    }

    /// The message that octets are.
    ///
    /// # Errors
    /// Why they are none.
    pub fn read_octets(octets: &[u8], version: Version) -> Result<Envelope, String> {
        let decoded =
            decode_in_session(octets, None, version, &Limits::default()).map_err(|error| error.to_string())?;
        Envelope::decode(&decoded.tree).map_err(|error| error.to_string())
    }

    /// Sends a request and returns the code of its answer.
    ///
    /// # Panics
    /// When there is no answer, or one without a result.
    pub fn ask(&mut self, primitive: Primitive) -> u16 {
        let name = primitive.name();
        let answer = self.request(primitive).unwrap_or_else(|error| panic!("{name}: {error}"));
        code_of(&answer).unwrap_or_else(|| panic!("{name} was answered by {answer:?}"))
    }

    /// Polls once.
    pub fn poll(&mut self) {
        self.drive(Event::Poll);
    }

    /// Polls until something arrives that the question says yes to; what arrives beside it is kept.
    ///
    /// # Errors
    /// When it does not arrive in time.
    pub fn try_expect<T>(
        &mut self,
        what: &str,
        patience: Duration,
        mut question: impl FnMut(&Primitive) -> Option<T>,
    ) -> Result<T, String> {
        wait::try_until(what, patience, || {
            let found = self.told.iter().enumerate().find_map(|(at, told)| question(told).map(|value| (at, value)));
            match found {
                Some((at, value)) => {
                    self.told.remove(at);
                    Some(value)
                }
                None => {
                    self.poll();
                    None
                }
            }
        })
        .map_err(|error| format!("{error}; {} was told {:?}", self.user, self.told))
    }

    /// Polls until something arrives that the question says yes to; what arrives beside it is kept.
    ///
    /// # Panics
    /// When it does not arrive in time.
    pub fn expect<T>(&mut self, what: &str, question: impl FnMut(&Primitive) -> Option<T>) -> T {
        self.try_expect(what, wait::PATIENCE, question).unwrap_or_else(|error| panic!("{error}"))
    }

    /// What arrived and nobody asked for, after one more poll.
    pub fn take_told(&mut self) -> Vec<Primitive> {
        self.poll();
        self.told.drain(..).collect()
    }

    /// Publishes attributes; the code of the answer.
    pub fn publish(&mut self, attributes: Vec<PresenceAttribute>) -> u16 {
        let attributes = PresenceSubList { attributes };
        self.ask(Primitive::UpdatePresenceRequest(UpdatePresenceRequest { attributes }))
    }

    /// Watches somebody, all attributes; the code of the answer.
    pub fn watch(&mut self, presentity: &str) -> u16 {
        self.watch_attributes(presentity, None)
    }

    /// Watches some attributes of somebody; the code of the answer.
    pub fn watch_attributes(&mut self, presentity: &str, attributes: Option<AttributeNames>) -> u16 {
        self.ask(Primitive::SubscribePresenceRequest(SubscribePresenceRequest {
            users: vec![User::from(UserId::new(presentity))],
            attributes,
            ..SubscribePresenceRequest::default()
        }))
    }

    /// Watches somebody no longer; the code of the answer.
    pub fn unwatch(&mut self, presentity: &str) -> u16 {
        self.ask(Primitive::UnsubscribePresenceRequest(UnsubscribePresenceRequest {
            users: vec![User::from(UserId::new(presentity))],
            contact_lists: Vec::new(),
        }))
    }

    /// Waits until somebody asks to watch, and answers.
    ///
    /// # Panics
    /// When nobody asks, or the answer is refused.
    pub fn decide(&mut self, watcher: &str, acceptance: bool) {
        self.expect("a PresenceAuth-Request", |told| match told {
            Primitive::PresenceAuthRequest(request) if request.user_id.as_str() == watcher => Some(()),
            _ => None,
        });
        self.grant(watcher, acceptance);
    }

    /// Decides about a watcher.
    ///
    /// # Panics
    /// When the decision is refused.
    pub fn grant(&mut self, watcher: &str, acceptance: bool) {
        let decision = PresenceAuthUser { user_id: UserId::new(watcher), acceptance, attributes: None };
        assert_eq!(self.ask(Primitive::PresenceAuthUser(decision)), 200, "PresenceAuth-User");
    }

    /// Waits for a presence notification of somebody that the question says yes to.
    ///
    /// # Panics
    /// When none comes.
    pub fn expect_presence<T>(
        &mut self,
        presentity: &str,
        mut question: impl FnMut(&PresenceSubList) -> Option<T>,
    ) -> T {
        let what = format!("presence of {presentity}");
        self.expect(&what, |told| match told {
            Primitive::PresenceNotificationRequest(PresenceNotificationRequest { presences }) => {
                presences.iter().find_map(|presence| match &presence.presentity {
                    Presentity::User(user) if same_user(user.as_str(), presentity) => question(&presence.attributes),
                    Presentity::User(_) | Presentity::ContactList(_) => None,
                })
            }
            _ => None,
        })
    }

    /// Sends a text.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn send(&mut self, to: &[&str], text: &str, delivery_report: bool) -> Result<SendMessageResponse, String> {
        let message = MessageInfo {
            content_type: Some("text/plain".into()),
            content_size: u32::try_from(text.len()).ok(),
            recipient: Recipient {
                users: to.iter().map(|user| User::from(UserId::new(*user))).collect(),
                ..Recipient::default()
            },
            sender: Some(Sender::User(User::from(UserId::new(self.user.as_str())))),
            validity: Some(Duration::from_secs(3600)),
            ..MessageInfo::default()
        };
        let content = Some(Content::from_text(text));
        let request = SendMessageRequest { delivery_report, message, content };
        match self.request(Primitive::SendMessageRequest(Box::new(request)))? {
            Primitive::SendMessageResponse(response) => Ok(response),
            other => Err(format!("SendMessage-Request was answered by {other:?}")),
        }
    }

    /// Waits for a message with the text; its MessageID.
    ///
    /// # Panics
    /// When it does not come.
    pub fn expect_text(&mut self, text: &str) -> String {
        self.expect("a NewMessage", |told| match told {
            Primitive::NewMessage(message) if text_of(message) == Some(text) => {
                Some(message.message.message_id.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default())
            }
            _ => None,
        })
    }

    /// Posts octets as they are, on a connection of their own.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn post_raw(&self, content_type: &str, octets: &[u8]) -> Result<http::Answer, String> {
        let mut connection = http::Connection::open(self.server).map_err(|error| error.to_string())?;
        connection.post("/csp", content_type, octets).map_err(|error| error.to_string())
    }

    fn drive(&mut self, event: Event) {
        self.session.handle(now(), event);
        while let Some(command) = self.session.poll() {
            match command {
                Command::Send(envelope) => {
                    let event = match self.exchange(&envelope) {
                        Ok(answer) => Event::Received(answer),
                        Err(error) => {
                            self.connection = None;
                            self.answer = Some(Err(error));
                            Event::Lost
                        }
                    };
                    self.session.handle(now(), event);
                }
                Command::Answered { primitive, transaction } => {
                    self.answered = Some(transaction);
                    self.answer = Some(Ok(primitive));
                }
                Command::Notified(primitive) => self.told.push_back(primitive),
                Command::LoggedIn { .. } => {}
                Command::LoginFailed(code) => {
                    self.answer.get_or_insert(Err(format!("login failed with {code:?}")));
                }
                Command::Unanswered(id) => {
                    self.answer.get_or_insert(Err(format!("transaction {id:?} was not answered")));
                }
                Command::Ended(code) => {
                    self.answer.get_or_insert(Err(format!("the session ended with {code:?}")));
                }
            }
        }
    }

    fn exchange(&mut self, envelope: &Envelope) -> Result<Option<Envelope>, String> {
        let body = envelope
            .encode(self.version, self.encoding, WriterOptions::default())
            .map_err(|error| format!("not written: {error}"))?;
        let content_type = ContentType::for_version(self.version, self.encoding);
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => http::Connection::open(self.server).map_err(|error| format!("{}: {error}", self.server))?,
        };
        let answer = connection.post("/csp", content_type.as_str(), &body).map_err(|error| error.to_string())?;
        if answer.header("connection").is_none_or(|value| !value.eq_ignore_ascii_case("close")) {
            self.connection = Some(connection);
        }
        if answer.status != 200 {
            return Err(format!("HTTP {}", answer.status));
        }
        if answer.body.is_empty() {
            return Ok(None);
        }
        let named = answer.header("content-type").and_then(ContentType::parse);
        let decoded = decode_in_session(&answer.body, named, self.version, &Limits::default())
            .map_err(|error| format!("the answer cannot be decoded: {error}"))?;
        Envelope::decode(&decoded.tree).map(Some).map_err(|error| format!("the answer is no message: {error}"))
    }
}

/// The code that an answer carries.
#[must_use]
pub fn code_of(answer: &Primitive) -> Option<u16> {
    match answer {
        Primitive::Status(Status { result, .. }) => Some(result.code.number()),
        other => other.result().map(|result| result.code.number()),
    }
}

/// The text of a message.
#[must_use]
pub fn text_of(message: &wv_proto::primitive::message::NewMessage) -> Option<&str> {
    message.content.as_ref().and_then(Content::to_text)
}

/// Whether two addresses name the same user; a WV server may write the users of the other side with or without scheme.
fn same_user(one: &str, other: &str) -> bool {
    let bare = |user: &str| user.trim_start_matches("wv:").trim_start_matches("sip:").to_ascii_lowercase();
    bare(one) == bare(other)
}

#[allow(clippy::disallowed_methods, reason = "the owner of a machine reads the clock for it")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
