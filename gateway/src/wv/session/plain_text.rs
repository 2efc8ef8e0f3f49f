//! Messages in plain text: their transactions have numbers below 1000, and what the server has to say is sent without
//! being asked for.

use super::{IncomingPost, Sessions, WvAdapter, post::Waiting, to_wv};
use crate::observe::{Direction, metric};
use bytes::Bytes;
use mapping::{side::Side, time::Timestamp};
use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    rc::Rc,
};
use tokio::net::UdpSocket;
use wv_proto::{
    codec::pts::{PtsMessage, assembly::Assembly, read_envelope, refuse_unreadable, write_envelope},
    primitive::{
        Envelope, Primitive, SessionDescriptor, Transaction, TransactionMode,
        identifier::{SessionId, TransactionId},
    },
    session::{login::Exposure, server::Event, transaction::PostId},
    version::{Encoding, Version},
};

/// What plain text needs beside the sessions.
#[derive(Debug, Default)]
pub(super) struct PlainText {
    socket: Option<Rc<UdpSocket>>,
    assembly: Assembly<SocketAddr>,
    numbers: HashMap<SessionId, Numbers>,
}

/// The numbers of the transactions that the server has begun in a session.
#[derive(Debug, Default)]
struct Numbers {
    last: u16,
    open: VecDeque<(u16, TransactionId)>,
}

impl Numbers {
    fn assign(&mut self, id: &TransactionId) -> u16 {
        if let Some((number, _)) = self.open.iter().find(|(_, known)| known == id) {
            return *number;
        }
        self.last = self.last.checked_rem(NUMBER_MAX).unwrap_or(0).saturating_add(1);
        if self.open.len() >= OPEN_MAX {
            self.open.pop_front();
        }
        self.open.push_back((self.last, id.clone()));
        self.last
    }

    fn find(&self, text: &str) -> Option<TransactionId> {
        let number: u16 = text.parse().ok()?;
        self.open.iter().rev().find(|(known, _)| *known == number).map(|(_, id)| id.clone())
    }
}

impl Sessions {
    /// Takes a datagram.
    fn receive_plainly(&mut self, octets: &[u8], source: SocketAddr, exposure: Exposure) {
        let now = self.clock.now();
        self.current = self.correlation();
        metric::message(Side::Wv, Direction::In, octets.len());
        let message = match self.plain_text.assembly.take(to_wv(now), &source, octets) {
            Ok(None) => return,
            Ok(Some(whole)) => PtsMessage::read(whole.as_bytes()),
            Err(error) => Err(error),
        };
        let message = match message {
            Ok(message) => message,
            Err(error) => {
                metric::malformed(Side::Wv);
                tracing::debug!(side = "wv", peer = %source, correlation = %self.current, %error, "unreadable message");
                // What does not even begin like a message gets no answer: it may come from anybody.
                let answer = refuse_unreadable(octets, error);
                return self.send_plainly(source, answer);
            }
        };
        let version = message.version;
        let mut envelope = match read_envelope(&message) {
            Ok(envelope) => envelope,
            // WV-PTS-04
            Err(refusal) => return self.send_plainly(source, Some(refusal.to_message(version))),
        };
        self.name_transactions(&mut envelope);
        let body = Bytes::copy_from_slice(octets);
        let post = IncomingPost { body, content_type: None, user_agent: None, source, exposure, msisdn: None };
        let id = PostId::new(self.next());
        let waiting = Waiting::plain(self, version, source, &envelope);
        self.waiting.insert(id, waiting);
        self.dispatch(now, id, &post, version, Encoding::Xml, envelope);
        self.wake.notify_one();
    }

    /// Gives answers of the client the ids that the server knows its transactions by.
    fn name_transactions(&self, envelope: &mut Envelope) {
        let SessionDescriptor::Inband(session) = &envelope.session else { return };
        let numbers = self.plain_text.numbers.get(session);
        for transaction in envelope.transactions.iter_mut().filter(|one| one.mode == TransactionMode::Response) {
            let number = transaction.id.take();
            transaction.id = number.and_then(|number| numbers?.find(number.as_str()));
        }
    }

    /// Sends an answer, or what the server has to say, each transaction in a message of its own.
    pub(super) fn answer_plainly(&mut self, to: SocketAddr, version: Version, answer: Option<Envelope>) {
        let Some(Envelope { session, transactions, .. }) = answer else { return };
        for mut transaction in transactions {
            self.number_transaction(&session, &mut transaction);
            let envelope = Envelope::new(session.clone(), transaction);
            match write_envelope(&envelope, version) {
                Ok(message) => self.send_plainly(to, Some(message)),
                Err(error) => {
                    metric::shed(Side::Wv, "plain_text");
                    tracing::debug!(side = "wv", peer = %to, correlation = %self.current, %error, "not sent");
                }
            }
        }
    }

    fn number_transaction(&mut self, session: &SessionDescriptor, transaction: &mut Transaction) {
        if let (SessionDescriptor::Inband(session), TransactionMode::Request, Some(id)) =
            (session, transaction.mode, &transaction.id)
        {
            let number = self.plain_text.numbers.entry(session.clone()).or_default().assign(id);
            transaction.id = Some(TransactionId::new(number.to_string()));
        }
    }

    fn send_plainly(&self, to: SocketAddr, message: Option<PtsMessage>) {
        let Some((socket, message)) = self.plain_text.socket.as_ref().zip(message) else { return };
        match message.write() {
            Ok(text) => {
                metric::message(Side::Wv, Direction::Out, text.len());
                if let Err(error) = socket.try_send_to(text.as_bytes(), to) {
                    tracing::debug!(side = "wv", peer = %to, %error, "plain text not sent");
                }
            }
            Err(error) => tracing::warn!(side = "wv", peer = %to, %error, "plain text not written"),
        }
    }

    /// Sends what waits for the client of a session, without a poll for it.
    // WV-PTS-06
    pub(super) fn push_plainly(&mut self, now: Timestamp, id: &SessionId, to: SocketAddr) {
        let post = PostId::new(self.next());
        let Some(version) = self.entries.get(id).map(|entry| entry.machine.party().version) else { return };
        let nothing = Envelope {
            session: SessionDescriptor::Inband(id.clone()),
            transactions: Vec::new(),
            poll: None,
            cir: None,
        };
        let waiting = Waiting::plain(self, version, to, &nothing);
        self.waiting.insert(post, waiting);
        if let Some(entry) = self.entries.get_mut(id) {
            entry.machine.handle(to_wv(now), Event::Push(post));
        }
    }

    /// The session is over.
    pub(super) fn forget_numbers(&mut self, id: &SessionId) {
        self.plain_text.numbers.remove(id);
    }
}

impl WvAdapter {
    /// Plain text is sent over this socket from now on.
    pub fn send_plain_text_over(&self, socket: Rc<UdpSocket>) {
        self.0.borrow_mut().plain_text.socket = Some(socket);
    }

    /// Takes a datagram of plain text.
    pub fn plain_text(&self, octets: &[u8], source: SocketAddr, exposure: Exposure) {
        self.0.borrow_mut().receive_plainly(octets, source, exposure);
    }
}

/// Whether a primitive of the server has a code in plain text. What has none would only stand in the way of the rest.
pub(super) const fn is_tellable(primitive: &Primitive) -> bool {
    matches!(primitive, Primitive::PresenceNotificationRequest(_) | Primitive::Disconnect(_))
}

/// The largest TransactionID of plain text.
const NUMBER_MAX: u16 = 999;

/// Transactions of the server whose numbers are remembered, answered or not.
const OPEN_MAX: usize = 32;
