//! A session that is kept standing: wishes of its owner, losses and any answers of the server in any order.

use super::tape::Tape;
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};
use wv_proto::{
    codec::decode,
    limit::Limits,
    primitive::{
        Envelope, Primitive, SessionDescriptor, Transaction,
        access::{DigestSchema, LoginResponse, Status},
        identifier::{ClientId, Nonce, Password, SessionCookie, SessionId, TransactionId, UserId},
    },
    session::{
        client::LoginWay,
        standing::{Command, Event, Loss, Request, StandingAccount, StandingSession, StandingSettings},
        time::Timestamp,
    },
    status::StatusCode,
    version::Version,
};

/// Every primitive of the messages in `fixtures/wv`.
static PRIMITIVES: LazyLock<Vec<Primitive>> = LazyLock::new(|| {
    let files = super::fixtures("wv");
    let envelope =
        |(_, octets): &(String, Vec<u8>)| Envelope::decode(&decode(octets, None, &Limits::default()).ok()?.tree).ok();
    let transactions = files.iter().filter_map(envelope).flat_map(|envelope| envelope.transactions);
    transactions.filter_map(|transaction| transaction.content.ok()).collect()
});

const CODES: [u16; 8] = [101, 200, 401, 409, 503, 600, 601, 604];

/// Any history of one session.
///
/// # Panics
/// When a promise of the session is broken.
pub fn run(data: &[u8]) {
    let mut tape = Tape::new(data);
    let way = if tape.flag() { LoginWay::TwoWay } else { LoginWay::FourWay(vec![DigestSchema::Md5]) };
    let version = tape.pick(&[Version::V1_1, Version::V1_2, Version::V1_3]);
    let account = StandingAccount {
        user_id: UserId::new("wv:bob@old.example"),
        client_id: ClientId::from_url("gateway"),
        session_cookie: SessionCookie::new("ck"),
        password: Password::new("secret"),
    };
    let session = StandingSession::new(Arc::new(StandingSettings::new(version, way)), account);
    let mut world = World { session, now: 0, flights: Vec::new(), tickets: Vec::new(), asked: 0, ended: 0 };
    while let Some(step) = tape.next_octet() {
        world.take(step, &mut tape);
    }
    assert_eq!(
        world.asked,
        world.ended + u64::try_from(world.session.waiting()).unwrap_or(0),
        "every request ends once"
    );
}

struct World {
    session: StandingSession,
    now: u64,
    flights: Vec<(u64, Option<TransactionId>)>,
    tickets: Vec<u64>,
    asked: u64,
    ended: u64,
}

impl World {
    fn take(&mut self, step: u8, tape: &mut Tape<'_>) {
        let event = match step % 14 {
            0 => Event::Want,
            1 => Event::Leave,
            2 => Event::Admit,
            3 => Event::Release,
            4 => Event::Retry,
            5 => {
                self.asked += 1;
                let expires = at(self.now.saturating_add(u64::from(tape.number())));
                Event::Request(Request { key: self.asked, primitive: tape.pick(&PRIMITIVES), expires })
            }
            6 => Event::WakeUp,
            7 => Event::Channel(tape.flag()),
            8 => {
                self.now += tape.wait_millis();
                self.session.expire(at(self.now));
                return self.settle();
            }
            9 if !self.tickets.is_empty() => {
                let ticket = self.tickets.remove(0);
                if tape.flag() {
                    Event::Withhold { ticket }
                } else {
                    Event::Respond { ticket, primitive: Primitive::Status(Status::from(StatusCode::SUCCESS)) }
                }
            }
            10 if !self.flights.is_empty() => {
                let (number, _) = self.flights.remove(0);
                Event::Lost { number, loss: if tape.flag() { Loss::Unreached } else { Loss::Unanswered } }
            }
            _ => {
                let place = usize::from(tape.octet()) % (self.flights.len() + 1);
                let (number, id) =
                    if place < self.flights.len() { self.flights.remove(place) } else { (u64::MAX, None) };
                let answer = tape.flag().then(|| said(id.as_ref(), tape));
                Event::Received { number, answer }
            }
        };
        self.session.handle(at(self.now), event);
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(command) = self.session.poll() {
            match command {
                Command::Send { number, message } => {
                    assert_eq!(message.transactions.len(), 1);
                    let id = message.transactions.first().and_then(|transaction| transaction.id.clone());
                    self.flights.push((number, id));
                }
                Command::Answered { .. } | Command::Failed { .. } => {
                    self.ended += 1;
                    assert!(self.ended <= self.asked, "a request ends once");
                }
                Command::Asked { ticket, .. } => self.tickets.push(ticket),
                Command::Opened(_) => assert!(self.session.session_id().is_some()),
                Command::Fallen(_)
                | Command::Left
                | Command::LoginFailed(_)
                | Command::Barred(_)
                | Command::Met(_)
                | Command::Due => {}
            }
        }
    }
}

/// What a server says to the message under way or to none: anything.
fn said(known: Option<&TransactionId>, tape: &mut Tape<'_>) -> Envelope {
    let mut transactions = Vec::new();
    for _ in 0..=tape.octet() % 3 {
        let id = if tape.flag() { known.cloned() } else { Some(TransactionId::new(format!("s{}", tape.octet() % 4))) };
        let code = StatusCode::new(tape.pick(&CODES)).unwrap_or(StatusCode::SUCCESS);
        let content = match tape.octet() % 3 {
            0 => {
                let mut login = LoginResponse::new(None, code.into());
                login.session_id = tape.flag().then(|| SessionId::new("s-1"));
                login.nonce = tape.flag().then(|| Nonce::new("abc"));
                login.keep_alive_time = tape.flag().then(|| Duration::from_secs(u64::from(tape.number())));
                login.digest_schema = tape.flag().then_some(DigestSchema::Sha);
                Primitive::LoginResponse(Box::new(login))
            }
            1 => Primitive::Status(Status::from(code)),
            _ => tape.pick(&PRIMITIVES),
        };
        transactions.push(if tape.flag() {
            Transaction::request(id, content)
        } else {
            Transaction::response(id, content)
        });
    }
    let session =
        if tape.flag() { SessionDescriptor::Inband(SessionId::new("s-1")) } else { SessionDescriptor::Outband };
    let mut envelope = Envelope::new(session, transactions.remove(0));
    envelope.transactions.extend(transactions);
    envelope.poll = tape.flag().then(|| tape.flag());
    envelope.cir = tape.flag().then(|| tape.flag());
    envelope
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}
