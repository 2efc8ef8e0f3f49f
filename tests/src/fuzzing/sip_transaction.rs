//! Two transaction tables and a network between them that loses, repeats and delays.

use super::tape::Tape;
use bytes::Bytes;
use sip_proto::{
    id_source::IdSource,
    limit::Limits,
    message::{
        Header, HeaderName, Message, Method, Request, Response, StatusCode, Uri,
        framer::{Parsed, parse_datagram},
        header::{identifier::Tag, via::Transport},
        host::Host,
    },
    time::Timestamp,
    transaction::{
        ClientTransactionId, DatagramRule, Outgoing, RequestEvent, ResponseEvent, ServerTransactionId,
        TransactionCommand, TransactionId, TransactionTable,
        timer::TimerValues,
        via::{ConnectionId, Hop},
    },
};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

const CODES: [u16; 7] = [100, 180, 200, 202, 404, 487, 503];

/// Any history of requests between two.
///
/// # Panics
/// When a promise of the transaction layer is broken.
pub fn run(data: &[u8]) {
    let mut tape = Tape::new(data);
    let transport = if tape.flag() { Transport::Tcp } else { Transport::Udp };
    let mut world = World::new(transport);
    while let Some(step) = tape.next_octet() {
        world.take(step, &mut tape);
        world.settle();
    }
    // Whatever the users leave alone, everything ends by its timers, but INVITEs that nobody answers.
    for (id, request) in std::mem::take(&mut world.asked) {
        world.respond(id, &request, 503);
    }
    world.settle();
    world.wire.clear();
    for _ in 0..10_000 {
        let Some(due) = world.tables.iter().filter_map(TransactionTable::deadline).min() else { break };
        world.now = world.now.max(due.as_millis());
        world.expire();
        world.settle();
        world.wire.clear();
    }
    let left = world.sent.iter().filter(|(_, sent)| sent.method != Method::Invite && !sent.is_over).count();
    assert_eq!(left, 0, "requests that never ended");
}

struct Sent {
    method: Method,
    is_over: bool,
    is_ringing: bool,
}

struct World {
    now: u64,
    transport: Transport,
    /// The one that asks and the one that answers.
    tables: [TransactionTable; 2],
    wire: VecDeque<(usize, Bytes)>,
    number: u32,
    sent: HashMap<ClientTransactionId, Sent>,
    asked: Vec<(ServerTransactionId, Arc<Request>)>,
    branches: HashSet<String>,
    last_sent: Option<TransactionId>,
}

impl World {
    fn new(transport: Transport) -> Self {
        let table = |prefix| {
            let ids = IdSource::new(prefix, [3; 32]).expect("a prefix");
            TransactionTable::new(TimerValues::default(), 16, ids)
        };
        Self {
            now: 0,
            transport,
            tables: [table("a"), table("b")],
            wire: VecDeque::new(),
            number: 0,
            sent: HashMap::new(),
            asked: Vec::new(),
            branches: HashSet::new(),
            last_sent: None,
        }
    }

    fn take(&mut self, step: u8, tape: &mut Tape<'_>) {
        match step % 10 {
            0 => {
                self.now += tape.wait_millis();
                self.expire();
            }
            1 | 2 => self.send(tape),
            3..=5 if !self.wire.is_empty() => {
                let place = usize::from(tape.octet()) % self.wire.len();
                match tape.octet() % 8 {
                    0 => drop(self.wire.remove(place)),
                    1 => {
                        let (to, octets) = self.wire[place].clone();
                        self.deliver(to, &octets);
                    }
                    _ => {
                        if let Some((to, octets)) = self.wire.remove(place) {
                            self.deliver(to, &octets);
                        }
                    }
                }
            }
            6 | 7 if !self.asked.is_empty() => {
                let place = usize::from(tape.octet()) % self.asked.len();
                let (id, request) = self.asked[place].clone();
                let code = tape.pick(&CODES);
                if code >= 200 && tape.octet() < 200 {
                    self.asked.remove(place);
                }
                self.respond(id, &request, code);
            }
            8 => {
                let ringing =
                    self.sent.iter().filter(|(_, sent)| sent.is_ringing && !sent.is_over).map(|(id, _)| *id).min();
                if let Some(id) = ringing
                    && let Ok(cancel) = self.tables[0].cancel(at(self.now), id)
                {
                    self.sent.insert(cancel, Sent { method: Method::Cancel, is_over: false, is_ringing: false });
                }
            }
            9 => {
                if let Some(id) = self.last_sent.take() {
                    let side = usize::from(matches!(id, TransactionId::Server(_)));
                    self.tables[side].transport_error(at(self.now), id);
                }
            }
            _ => {}
        }
    }

    fn send(&mut self, tape: &mut Tape<'_>) {
        self.number += 1;
        let method = tape.pick(&[Method::Message, Method::Subscribe, Method::Invite, Method::Ack]);
        let request = Request::new(method.clone(), Uri::parse("sip:bob@192.0.2.9").expect("a URI"))
            .with(Header::new(HeaderName::From, format!("<sip:alice@wv.example>;tag=t{}", self.number)))
            .with(Header::new(HeaderName::To, "<sip:bob@sip.example>"))
            .with(Header::new(HeaderName::CallId, format!("c{}", self.number)))
            .with(Header::new(HeaderName::CSeq, format!("1 {method}")));
        let outgoing = Outgoing {
            hop: self.hop(1),
            sent_by_host: Host::Address([192, 0, 2, 1].into()),
            sent_by_port: Some(5060),
            datagram_rule: DatagramRule::SmallOnly,
        };
        match self.tables[0].send_request(at(self.now), request, &outgoing) {
            Ok(id) => {
                let former = self.sent.insert(id, Sent { method, is_over: false, is_ringing: false });
                assert!(former.is_none(), "an identifier used again");
            }
            Err(_) => assert!(method == Method::Ack || self.tables[0].len() >= 16),
        }
    }

    fn respond(&mut self, id: ServerTransactionId, request: &Request, code: u16) {
        let status = StatusCode::from_number(code).expect("a status code");
        let response = Response::for_request(request, status, Some(&Tag::parse("b").expect("a token")));
        let _ = self.tables[1].respond(at(self.now), id, &response);
    }

    fn expire(&mut self) {
        for table in &mut self.tables {
            table.expire(at(self.now));
            assert!(table.deadline().is_none_or(|due| due > at(self.now)), "late");
        }
    }

    fn settle(&mut self) {
        for side in 0..2 {
            while let Some(command) = self.tables[side].poll() {
                match command {
                    TransactionCommand::Send { octets, transaction, .. } => {
                        self.last_sent = transaction;
                        if self.wire.len() < 64 {
                            self.wire.push_back((1 - side, octets));
                        }
                    }
                    TransactionCommand::TimedOut(id) | TransactionCommand::RequestFailed(id) => self.over(id),
                    TransactionCommand::ResponseFailed(_) | TransactionCommand::AckMissing(_) => {}
                }
            }
        }
    }

    fn over(&mut self, id: ClientTransactionId) {
        let sent = self.sent.get_mut(&id).expect("nobody sent it");
        // RFC 6026: several 2xx of an INVITE reach the user.
        assert!(!sent.is_over || sent.method == Method::Invite, "ended twice");
        sent.is_over = true;
    }

    fn deliver(&mut self, to: usize, octets: &Bytes) {
        let Ok(Parsed::Message(message)) = parse_datagram(octets, &Limits::default()) else {
            panic!("not a message: {octets:?}");
        };
        match message {
            Message::Response(response) => match self.tables[to].receive_response(at(self.now), response) {
                ResponseEvent::Final { id, .. } => self.over(id),
                ResponseEvent::Provisional { id, .. } => {
                    let sent = self.sent.get_mut(&id).expect("nobody sent it");
                    assert!(!sent.is_over, "provisional after the end");
                    sent.is_ringing = true;
                }
                ResponseEvent::Retransmission | ResponseEvent::Stray => {}
            },
            Message::Request(request) => {
                let source = self.hop(1 - to);
                if let RequestEvent::New { id, request } =
                    self.tables[to].receive_request(at(self.now), request, &source)
                {
                    let via = request.headers().via_top().expect("it was stamped");
                    let branch = via.branch().expect("it was minted").as_str().to_owned();
                    // Copies that arrive after the transaction ended look new.
                    let _ = self.branches.insert(format!("{} {branch}", request.method()));
                    self.asked.push((id, request));
                }
            }
        }
    }

    fn hop(&self, side: usize) -> Hop {
        let address = ([192, 0, 2, if side == 0 { 1 } else { 9 }], 5060).into();
        Hop { transport: self.transport.clone(), address, connection: Some(ConnectionId::from_number(1)), name: None }
    }
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}
