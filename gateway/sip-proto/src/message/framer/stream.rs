//! Messages out of a stream.

use super::head::Head;
use super::malformed::{Fault, Framing, Malformed};
use crate::limit::Limits;
use crate::message::Message;
use bytes::{Buf, Bytes, BytesMut};

/// Who opened the connection: that side sends pings, the other one pongs.
// RFC 5626 §3.5.1
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowSide {
    /// We did: a line break between messages is a pong.
    Opened,
    /// The peer did: two line breaks are a ping, to be answered with one.
    Accepted,
}

/// What a stream holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "the message is the usual case and moves on at once")]
pub enum StreamItem {
    /// A message.
    Message(Message),
    /// The peer wants a sign of life: send [`StreamFramer::PONG`].
    Ping,
    /// The sign of life that was asked for.
    Pong,
}

/// Takes a stream apart, however it is cut into pieces.
///
/// `push` what was received, then `poll` until `None`. After a fault that leaves the framing lost nothing comes any more.
#[derive(Debug)]
pub struct StreamFramer {
    limits: Limits,
    side: FlowSide,
    buffer: BytesMut,
    /// How much of the buffer holds no end of a head.
    searched: usize,
    state: State,
}

#[allow(clippy::large_enum_variant, reason = "one per connection")]
enum State {
    Head,
    Body { head: Head, length: usize },
    Closed,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Head => "Head",
            Self::Body { .. } => "Body",
            Self::Closed => "Closed",
        })
    }
}

impl StreamFramer {
    /// What keeps the connection alive.
    // RFC 5626 §3.5.1
    pub const PING: &'static [u8] = b"\r\n\r\n";
    /// The answer to it.
    pub const PONG: &'static [u8] = b"\r\n";

    /// A framer at the beginning of a connection.
    #[must_use]
    pub fn new(side: FlowSide, limits: Limits) -> Self {
        Self { limits, side, buffer: BytesMut::new(), searched: 0, state: State::Head }
    }

    /// Takes octets in; what is behind a lost framing is dropped.
    pub fn push(&mut self, octets: &[u8]) {
        if !matches!(self.state, State::Closed) {
            self.buffer.extend_from_slice(octets);
        }
    }

    /// The next item, as soon as it is complete.
    ///
    /// # Errors
    /// [`Malformed`]; when its framing is lost the connection is to be closed, after the answer.
    pub fn poll(&mut self) -> Option<Result<StreamItem, Malformed>> {
        loop {
            match std::mem::replace(&mut self.state, State::Head) {
                State::Closed => {
                    self.state = State::Closed;
                    return None;
                }
                State::Body { head, length } => {
                    if self.buffer.len() < length {
                        self.state = State::Body { head, length };
                        return None;
                    }
                    let body = self.buffer.split_to(length).freeze();
                    return Some(head.finish(body, Framing::Kept).map(StreamItem::Message));
                }
                State::Head => {
                    if let Some(item) = self.take_keep_alive() {
                        return Some(Ok(item));
                    }
                    let end = self.find_head_end();
                    let is_too_long = end.unwrap_or(self.buffer.len()) > self.limits.head_octets_max;
                    if is_too_long {
                        return Some(Err(self.close(Fault::HeadTooLong)));
                    }
                    let octets = self.buffer.split_to(end?).freeze();
                    self.searched = 0;
                    if let Err(malformed) = self.begin_body(&octets) {
                        return Some(Err(malformed));
                    }
                }
            }
        }
    }

    /// Whether a message has begun and not ended: a connection that ends now cuts it.
    #[must_use]
    pub fn is_inside_message(&self) -> bool {
        matches!(self.state, State::Body { .. }) || self.buffer.iter().any(|octet| !matches!(octet, b'\r' | b'\n'))
    }

    fn begin_body(&mut self, octets: &Bytes) -> Result<(), Malformed> {
        let mut head = Head::read(octets, &self.limits);
        let length = match head.headers.content_length() {
            Ok(Some(length)) => length,
            // RFC 3261 §18.3
            Ok(None) => return Err(self.lose(head, Fault::ContentLengthMissing)),
            // RFC 4475 §3.1.2.3
            Err(error) => return Err(self.lose(head, Fault::ContentLength(error))),
        };
        if octets.len().saturating_add(length) > self.limits.message_octets_max {
            return Err(self.lose(head, Fault::MessageTooLong));
        }
        if head.length != octets.len() {
            // The head ended before the first empty line that ends in CRLF CRLF: its lines do not all end alike.
            head.blame(Fault::LineBreak);
        }
        self.state = State::Body { head, length };
        Ok(())
    }

    fn lose(&mut self, head: Head, fault: Fault) -> Malformed {
        self.state = State::Closed;
        self.buffer = BytesMut::new();
        head.give_up(fault, Framing::Lost)
    }

    /// Gives up at a head that is too long, with what its beginning tells.
    fn close(&mut self, fault: Fault) -> Malformed {
        let octets = self.buffer.split_to(self.limits.head_octets_max.min(self.buffer.len())).freeze();
        let mut head = Head::read(&octets, &self.limits);
        head.fault.0 = None;
        self.lose(head, fault)
    }

    fn find_head_end(&mut self) -> Option<usize> {
        let from = self.searched.saturating_sub(3);
        let rest = self.buffer.get(from..).unwrap_or_default();
        let found = rest.windows(4).position(|window| window == b"\r\n\r\n");
        self.searched = self.buffer.len();
        found.map(|at| from.saturating_add(at).saturating_add(4))
    }

    /// Takes line breaks in front of a message.
    fn take_keep_alive(&mut self) -> Option<StreamItem> {
        while self.buffer.starts_with(b"\r\n") {
            match self.side {
                FlowSide::Opened => {
                    self.drop_front(2);
                    return Some(StreamItem::Pong);
                }
                FlowSide::Accepted => {
                    if self.buffer.starts_with(Self::PING) {
                        self.drop_front(4);
                        return Some(StreamItem::Ping);
                    }
                    if Self::PING.starts_with(&self.buffer) {
                        return None;
                    }
                    // RFC 3261 §7.5
                    self.drop_front(2);
                }
            }
        }
        None
    }

    fn drop_front(&mut self, count: usize) {
        let count = count.min(self.buffer.len());
        self.buffer.advance(count);
        self.searched = 0;
    }
}
