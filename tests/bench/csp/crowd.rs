//! Phones that write to each other in a ring.

use super::{What, bell::Bell, caller::Caller, site::user};
use acceptance::{phone::Phone, product::Gateway};
use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use wv_proto::{
    codec::{WriterOptions, decode_in_session},
    limit::Limits,
    presence_attribute::{PresenceAttribute, PresenceSubList, Qualified},
    primitive::{
        Envelope, Primitive, SessionDescriptor, Transaction, TransactionMode,
        access::Status,
        capability::{CapabilityList, CirMethod},
        identifier::{SessionId, TransactionId, UserId},
        message::{Content, MessageDelivered, MessageInfo, SendMessageRequest},
        party::{Recipient, User},
        presence::{SubscribePresenceRequest, UpdatePresenceRequest},
        service::ClientCapabilityRequest,
    },
    status::StatusCode,
    version::{ContentType, Encoding, Version},
};

/// How many octets a request and its answer have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) request: usize,
    pub(crate) answer: usize,
}

pub(crate) struct Crowd {
    callers: Vec<Caller>,
    sessions: Vec<SessionId>,
    /// Of all but the first.
    bells: Vec<Bell>,
    /// What the last polls brought, to be answered.
    receipts: Vec<Option<Envelope>>,
    turns: u64,
}

impl Crowd {
    /// Logs so many users in.
    pub(crate) async fn log_in(gateway: &Gateway, count: usize) -> Self {
        let sessions = (0..count).map(|number| {
            let phone = Phone::logged_in(gateway.csp(), &user(number), Version::V1_2, Encoding::Wbxml);
            SessionId::new(phone.session_id().expect("a session"))
        });
        let sessions = sessions.collect();
        let callers = Caller::connect_all(gateway.csp(), count).await;
        Self { callers, sessions, bells: Vec::new(), receipts: Vec::new(), turns: 0 }
    }

    /// Does once what is measured. The sizes of the last one's requests and answers.
    pub(crate) async fn turn(&mut self, what: What) -> Vec<Sizes> {
        self.turns += 1;
        match what {
            What::Messages => self.write_round().await,
            What::Polls => vec![self.poll_nothing().await],
            What::FanOut => self.tell_all().await,
            What::Woken => {
                let told = self.tell_by_bells().await;
                self.answer_all().await;
                vec![told]
            }
        }
    }

    /// Everybody watches the first one.
    pub(crate) async fn watch_first(&mut self) {
        self.watch(&user(0)).await;
        // What there is to be told at the beginning, and a second look because it may come in two parts.
        for _ in 0..2 {
            self.take_presence().await;
        }
    }

    /// Everybody watches somebody.
    pub(crate) async fn watch(&mut self, presentity: &str) {
        let (_, answers) = self
            .all(|number, session| {
                let users = vec![User::from(UserId::new(presentity))];
                let wish = SubscribePresenceRequest { users, ..SubscribePresenceRequest::default() };
                let id = TransactionId::new(format!("w{number}"));
                request(session, Some(id), Primitive::SubscribePresenceRequest(wish))
            })
            .await;
        assert!(answers.iter().all(|answer| is_success(answer.as_ref())), "{:?}", answers.first());
    }

    /// Everybody watches the first one, and is woken over a connection of its own.
    pub(crate) async fn watch_first_by_bells(&mut self, gateway: &Gateway) {
        let (_, answers) = self
            .all(|number, session| {
                let supported_cir_methods = vec![CirMethod::Stcp];
                let capabilities = CapabilityList { supported_cir_methods, ..CapabilityList::default() };
                let wish = ClientCapabilityRequest { client_id: None, capabilities };
                let id = TransactionId::new(format!("c{number}"));
                request(session, Some(id), Primitive::ClientCapabilityRequest(Box::new(wish)))
            })
            .await;
        assert!(answers.iter().all(Option::is_some));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, gateway.ports().cir));
        self.watch_first().await;
        for session in self.sessions.iter().skip(1) {
            self.bells.push(Bell::connect(address, session).await);
        }
    }

    /// The first one says something new; all others are woken, and fetch it.
    pub(crate) async fn tell_by_bells(&mut self) -> Sizes {
        self.turns += 1;
        self.say_something_new().await;
        for bell in &mut self.bells {
            bell.rung().await;
        }
        let size = self.fetch_presence().await;
        let told = self.receipts.iter().flatten().count();
        assert!(told + 1 >= self.sessions.len(), "{told} of {} were told", self.sessions.len());
        size
    }

    /// Everybody sends a message to the next, takes the one of the neighbour, and acknowledges it.
    async fn write_round(&mut self) -> Vec<Sizes> {
        let (count, turn) = (self.sessions.len(), self.turns);
        let (sent, answers) = self.all(|number, session| send(session, &user((number + 1) % count), turn)).await;
        assert!(answers.iter().all(|answer| is_success(answer.as_ref())), "{:?}", answers.first());
        let (polled, brought) = self.all(|_, session| request(session, None, Primitive::PollingRequest)).await;
        let receipts: Vec<Envelope> =
            brought.iter().zip(&self.sessions).map(|(brought, session)| receipt(brought.as_ref(), session)).collect();
        let (delivered, _) = self.all(|number, _| receipts[number].clone()).await;
        vec![sent, polled, delivered]
    }

    async fn poll_nothing(&mut self) -> Sizes {
        let (size, answers) = self.all(|_, session| request(session, None, Primitive::PollingRequest)).await;
        assert!(answers.iter().all(Option::is_none), "a poll that should find nothing found {answers:?}");
        size
    }

    /// The first one says something new, and all others are told.
    async fn tell_all(&mut self) -> Vec<Sizes> {
        self.say_something_new().await;
        let (sizes, told) = self.take_presence().await;
        assert!(told + 1 >= self.sessions.len(), "{told} of {} were told", self.sessions.len());
        sizes
    }

    async fn say_something_new(&mut self) {
        let words = format!("on the way since {:08}", self.turns);
        let said = PresenceAttribute::StatusText(Qualified::valid(words.into()));
        let update = UpdatePresenceRequest { attributes: PresenceSubList { attributes: vec![said] } };
        let id = TransactionId::new(format!("p{}", self.turns));
        let body = encode(&request(&self.sessions[0], Some(id), Primitive::UpdatePresenceRequest(update)));
        let answer = self.callers[0].post("/csp", &body).await;
        assert!(is_success(decode(&answer).as_ref()), "UpdatePresence was refused");
    }

    /// Everybody polls and acknowledges the presence that comes; how many got some.
    pub(crate) async fn take_presence(&mut self) -> (Vec<Sizes>, usize) {
        let polled = self.fetch_presence().await;
        let told = self.receipts.iter().flatten().count();
        (vec![polled, self.answer_all().await], told)
    }

    /// Everybody polls.
    async fn fetch_presence(&mut self) -> Sizes {
        let (polled, brought) = self.all(|_, session| request(session, None, Primitive::PollingRequest)).await;
        self.receipts = brought
            .iter()
            .zip(&self.sessions)
            .map(|(brought, session)| {
                let notification = brought.as_ref()?.transactions.first()?;
                let is_presence = matches!(notification.content, Ok(Primitive::PresenceNotificationRequest(_)));
                let status = Primitive::Status(Status::from(StatusCode::SUCCESS));
                let answer = Transaction::response(notification.id.clone(), status);
                is_presence.then(|| Envelope::new(SessionDescriptor::Inband(session.clone()), answer))
            })
            .collect();
        polled
    }

    /// Everybody acknowledges what the last poll brought, or polls again where it brought nothing.
    pub(crate) async fn answer_all(&mut self) -> Sizes {
        let receipts = std::mem::take(&mut self.receipts);
        let poll = |session: &SessionId| request(session, None, Primitive::PollingRequest);
        let (answered, _) = self.all(|number, session| receipts[number].clone().unwrap_or_else(|| poll(session))).await;
        answered
    }

    async fn all(&mut self, make: impl Fn(usize, &SessionId) -> Envelope) -> (Sizes, Vec<Option<Envelope>>) {
        let mut octets = 0;
        let callers = std::mem::take(&mut self.callers);
        let (callers, answers) = Caller::each(callers, |number| {
            let body = encode(&make(number, &self.sessions[number]));
            octets = body.len();
            ("/csp".to_owned(), body)
        })
        .await;
        self.callers = callers;
        let size = Sizes { request: octets, answer: answers.last().map_or(0, Vec::len) };
        (size, answers.iter().map(|answer| decode(answer)).collect())
    }
}

pub(crate) fn request(session: &SessionId, id: Option<TransactionId>, primitive: Primitive) -> Envelope {
    Envelope::new(SessionDescriptor::Inband(session.clone()), Transaction::request(id, primitive))
}

/// What is said in a turn.
pub(crate) fn text(turn: u64) -> String {
    format!("{turn:08}: are we still meeting at the station?")
}

/// A message as it is posted.
pub(crate) fn send_to(session: &SessionId, to: &str, turn: u64) -> Vec<u8> {
    encode(&send(session, to, turn))
}

/// Whether what was posted went well.
pub(crate) fn is_taken(answer: &[u8]) -> bool {
    is_success(decode(answer).as_ref())
}

fn send(session: &SessionId, to: &str, turn: u64) -> Envelope {
    let text = text(turn);
    let message = MessageInfo {
        content_type: Some("text/plain".into()),
        content_size: u32::try_from(text.len()).ok(),
        recipient: Recipient { users: vec![User::from(UserId::new(to))], ..Recipient::default() },
        validity: Some(Duration::from_secs(3600)),
        ..MessageInfo::default()
    };
    let content = Some(Content::from_text(&text));
    let primitive =
        Primitive::SendMessageRequest(Box::new(SendMessageRequest { delivery_report: false, message, content }));
    request(session, Some(TransactionId::new(format!("s{turn}"))), primitive)
}

/// The acknowledgement of the one message that a poll brought.
pub(crate) fn receipt(brought: Option<&Envelope>, session: &SessionId) -> Envelope {
    let found = brought.and_then(|envelope| envelope.transactions.first());
    let Some(Transaction { mode: TransactionMode::Request, id, content: Ok(Primitive::NewMessage(message)), .. }) =
        found
    else {
        panic!("a poll should have brought a message, not {brought:?}");
    };
    let message_id = message.message.message_id.clone().expect("a message has an identifier");
    let primitive = Primitive::MessageDelivered(MessageDelivered { message_id });
    Envelope::new(SessionDescriptor::Inband(session.clone()), Transaction::response(id.clone(), primitive))
}

fn is_success(answer: Option<&Envelope>) -> bool {
    let content = answer.and_then(|answer| answer.transactions.first()).and_then(|it| it.content.as_ref().ok());
    content.and_then(Primitive::result).is_some_and(|result| result.code.is_success())
}

pub(crate) fn encode(envelope: &Envelope) -> Vec<u8> {
    envelope.encode(Version::V1_2, Encoding::Wbxml, WriterOptions::default()).expect("it can be written").to_vec()
}

pub(crate) fn decode(octets: &[u8]) -> Option<Envelope> {
    if octets.is_empty() {
        return None;
    }
    let limits = Limits::default();
    let decoded =
        decode_in_session(octets, Some(ContentType::CspWbxml), Version::V1_2, &limits).expect("the answer is WBXML");
    Some(Envelope::decode(&decoded.tree).expect("the answer is a message"))
}
