//! The client's end of a session: requests, polls, losses and any answers of the server in any order.

use super::tape::Tape;
use std::{sync::LazyLock, time::Duration};
use wv_proto::{
    codec::decode,
    limit::Limits,
    primitive::{
        Envelope, Primitive, SessionDescriptor, Transaction, TransactionMode,
        access::{DigestSchema, LoginResponse, Status},
        identifier::{ClientId, Nonce, Password, SessionCookie, SessionId, TransactionId, UserId},
    },
    session::{
        client::{ClientSession, ClientSetup, Command, Event, LoginWay},
        time::Timestamp,
    },
    status::StatusCode,
};

/// Every primitive of the messages in `fixtures/wv`.
static PRIMITIVES: LazyLock<Vec<Primitive>> = LazyLock::new(|| {
    let files = super::fixtures("wv");
    let envelope =
        |(_, octets): &(String, Vec<u8>)| Envelope::decode(&decode(octets, None, &Limits::default()).ok()?.tree).ok();
    let transactions = files.iter().filter_map(envelope).flat_map(|envelope| envelope.transactions);
    transactions.filter_map(|transaction| transaction.content.ok()).collect()
});

const CODES: [StatusCode; 5] = [
    StatusCode::SUCCESS,
    StatusCode::UNAUTHORIZED,
    StatusCode::INVALID_PASSWORD,
    StatusCode::FORCED_LOGOUT,
    StatusCode::SESSION_EXPIRED,
];

/// Any history of one client.
///
/// # Panics
/// When a promise of the client is broken.
pub fn run(data: &[u8]) {
    let mut tape = Tape::new(data);
    let way =
        if tape.flag() { LoginWay::TwoWay } else { LoginWay::FourWay(vec![DigestSchema::Md5, DigestSchema::Sha]) };
    let setup = ClientSetup {
        user_id: UserId::new("wv:alice@wv.example"),
        client_id: ClientId::from_url("phone"),
        session_cookie: SessionCookie::new("ck"),
        password: Password::new("secret"),
        way,
        time_to_live: Some(Duration::from_secs(600)),
        poll_interval: tape.flag().then(|| Duration::from_secs(5)),
        id_prefix: "c".into(),
    };
    let mut world = World { client: ClientSession::new(setup), now: 0, under_way: None, asked: 0, answered: 0 };
    while let Some(step) = tape.next_octet() {
        world.take(step, &mut tape);
    }
    // Every request is told of once, even when the server falls silent.
    for _ in 0..data.len().saturating_add(8) {
        world.handle(Event::Lost);
    }
    assert!(world.under_way.is_none(), "the client goes on sending to nobody");
}

struct World {
    client: ClientSession,
    now: u64,
    under_way: Option<Envelope>,
    asked: u64,
    answered: u64,
}

impl World {
    fn take(&mut self, step: u8, tape: &mut Tape<'_>) {
        match step % 8 {
            // A login that another one replaces is told of like a request.
            0 => {
                self.asked += 1;
                self.handle(Event::LogIn);
            }
            1 => {
                self.asked += 1;
                self.handle(Event::Resume);
            }
            2 => {
                self.asked += 1;
                self.handle(Event::Request(tape.pick(&PRIMITIVES)));
            }
            3 => self.handle(Event::Poll),
            4 => self.handle(Event::Lost),
            5 => {
                self.now += tape.wait_millis();
                self.client.expire(at(self.now));
                self.settle();
            }
            _ => {
                let answer = tape.flag().then(|| self.said(tape));
                self.handle(Event::Received(answer));
            }
        }
    }

    /// What a server says: to the message under way or to none, anything.
    fn said(&self, tape: &mut Tape<'_>) -> Envelope {
        let known = self.under_way.as_ref().and_then(|sent| sent.transactions.first()).and_then(|one| one.id.clone());
        let mut transactions = Vec::new();
        for _ in 0..=tape.octet() % 3 {
            let id =
                if tape.flag() { known.clone() } else { Some(TransactionId::new(format!("s{}", tape.octet() % 4))) };
            let mode = if tape.flag() { TransactionMode::Response } else { TransactionMode::Request };
            let content = match tape.octet() % 3 {
                0 => {
                    let mut login = LoginResponse::new(None, tape.pick(&CODES).into());
                    login.session_id = tape.flag().then(|| SessionId::new("gw-1"));
                    login.nonce = tape.flag().then(|| Nonce::new("abc"));
                    login.keep_alive_time = tape.flag().then(|| Duration::from_secs(u64::from(tape.number())));
                    login.digest_schema = tape.flag().then_some(DigestSchema::Sha);
                    Primitive::LoginResponse(Box::new(login))
                }
                1 => Primitive::Status(Status::from(tape.pick(&CODES))),
                _ => tape.pick(&PRIMITIVES),
            };
            transactions.push(match mode {
                TransactionMode::Request => Transaction::request(id, content),
                TransactionMode::Response => Transaction::response(id, content),
            });
        }
        let mut envelope = Envelope::new(SessionDescriptor::Inband(SessionId::new("gw-1")), transactions.remove(0));
        envelope.transactions.extend(transactions);
        envelope.poll = tape.flag().then(|| tape.flag());
        envelope
    }

    fn handle(&mut self, event: Event) {
        if matches!(event, Event::Received(_) | Event::Lost) {
            self.under_way = None;
        }
        self.client.handle(at(self.now), event);
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(command) = self.client.poll() {
            match command {
                Command::Send(message) => {
                    assert!(self.under_way.is_none(), "one message is under way at a time");
                    assert_eq!(message.transactions.len(), 1);
                    self.under_way = Some(message);
                }
                Command::Unanswered(_) => {
                    self.answered += 1;
                    assert!(self.answered <= self.asked, "a request is told of as unanswered once");
                }
                Command::LoggedIn { .. } => assert!(self.client.session_id().is_some()),
                Command::LoginFailed(_) | Command::Answered { .. } | Command::Notified(_) | Command::Ended(_) => {}
            }
        }
        assert_eq!(self.client.is_busy(), self.under_way.is_some());
        assert!(self.client.deadline().is_none() || self.client.is_active());
    }
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}
