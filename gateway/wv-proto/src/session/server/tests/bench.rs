//! A session on the bench, with the counting of messages done.

use super::super::*;
use crate::presence_attribute::{PresenceAttribute, PresenceSubList, Qualified};
use crate::primitive::identifier::MessageId;
use crate::primitive::message::{MessageInfo, NewMessage};
use crate::primitive::presence::{Presence, PresenceNotificationRequest, Presentity};
use crate::session::poll::QueueKey;
use crate::session::transaction::Identity;
use std::time::Duration;

pub(super) struct Bench {
    pub(super) session: ServerSession,
    posts: u64,
}

impl Bench {
    pub(super) fn new(version: Version) -> Self {
        Self::with(version, SessionPolicy::default(), Profile::Plain)
    }

    pub(super) fn with(version: Version, policy: SessionPolicy, profile: Profile) -> Self {
        let session =
            ServerSession::open(at(0), Arc::new(policy), opening(version), Encoding::Xml, profile, Epoch::new(1));
        Self { session, posts: 0 }
    }

    /// Sends a message of one transaction.
    pub(super) fn post(&mut self, now: u64, transaction: Transaction) -> PostId {
        let body = self.posts.to_be_bytes();
        self.post_of(now, &body, vec![transaction])
    }

    pub(super) fn post_of(&mut self, now: u64, body: &[u8], transactions: Vec<Transaction>) -> PostId {
        self.posts += 1;
        let id = PostId::new(self.posts);
        let session = SessionDescriptor::Inband(SessionId::new("gw-1"));
        let message = Envelope { session, transactions, poll: None, cir: None };
        self.session.handle(at(now), Event::Post(Post { id, identity: Identity::of(body), message }));
        id
    }

    /// Sends a request and gives back the body that answers it.
    pub(super) fn request(&mut self, now: u64, id: &str, primitive: Primitive) -> Option<Envelope> {
        let post = self.post(now, Transaction::request(Some(TransactionId::new(id)), primitive));
        self.response(post)
    }

    /// Polls without an id and gives back the body of the answer.
    pub(super) fn poll(&mut self, now: u64) -> Option<Envelope> {
        let post = self.post(now, Transaction::request(None, Primitive::PollingRequest));
        self.response(post)
    }

    /// Answers a transaction of the server and gives back the body that came for it.
    pub(super) fn respond(
        &mut self,
        now: u64,
        id: &TransactionId,
        primitive: Primitive,
    ) -> (Vec<Command>, Option<Envelope>) {
        let post = self.post(now, Transaction::response(Some(id.clone()), primitive));
        let mut commands = self.commands();
        let at =
            commands.iter().position(|command| matches!(command, Command::Respond { post: one, .. } if *one == post));
        match commands.remove(at.unwrap()) {
            Command::Respond { answer, .. } => (commands, answer),
            other => panic!("{other:?}"),
        }
    }

    /// The body that answers this message; it must be the only one.
    pub(super) fn response(&mut self, post: PostId) -> Option<Envelope> {
        let mut answers = self.commands().into_iter().filter_map(|command| match command {
            Command::Respond { post: answered, answer } => Some((answered, answer)),
            _ => None,
        });
        let (answered, answer) = answers.next().expect("no answer");
        assert_eq!(answered, post);
        assert_eq!(answers.next(), None);
        answer
    }

    pub(super) fn commands(&mut self) -> Vec<Command> {
        std::iter::from_fn(|| self.session.poll()).collect()
    }
}

pub(super) fn opening(version: Version) -> Opening {
    Opening {
        post: PostId::new(0),
        session_id: SessionId::new("gw-1"),
        user_id: UserId::new("wv:alice@wv.example"),
        client_id: ClientId::from_url("lab-phone-1"),
        session_cookie: Some(SessionCookie::new("ck-1")),
        version,
        keep_alive: secs(3600),
        negotiated: Negotiated::default(),
    }
}

pub(super) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

pub(super) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn status(code: StatusCode) -> Primitive {
    Primitive::Status(Status::from(code))
}

pub(super) fn code_of(answer: &Envelope) -> StatusCode {
    match &answer.transactions[0].content {
        Ok(primitive) => primitive.result().unwrap().code,
        Err(malformed) => panic!("{malformed}"),
    }
}

/// A presence notification about one presentity.
pub(super) fn presence(name: &str) -> ServerPrimitive {
    let user = UserId::new(format!("wv:{name}@sip.example"));
    let attributes: PresenceSubList = [PresenceAttribute::OnlineStatus(Qualified::valid(true))].into_iter().collect();
    let presences = vec![Presence { presentity: Presentity::User(user.clone()), attributes }];
    ServerPrimitive {
        key: QueueKey::Presence(user),
        primitive: Primitive::PresenceNotificationRequest(PresenceNotificationRequest { presences }),
    }
}

/// A message with this id.
pub(super) fn message(id: &str) -> ServerPrimitive {
    let message = MessageInfo { message_id: Some(MessageId::new(id)), ..MessageInfo::default() };
    ServerPrimitive {
        key: QueueKey::Message(MessageId::new(id)),
        primitive: Primitive::NewMessage(Box::new(NewMessage { message, content: None })),
    }
}
