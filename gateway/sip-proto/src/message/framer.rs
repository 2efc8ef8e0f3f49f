//! Octets to messages: datagrams here, streams in [`StreamFramer`].
//!
//! One pass over the head makes the list of header fields, each a slice of what was received. A message with a fault
//! stays answerable: the fault is told only after all header fields that a response needs have been found.

mod head;
mod malformed;
mod start;
mod stream;

pub use self::malformed::{Fault, Framing, Kind, Malformed};
pub use self::stream::{FlowSide, StreamFramer, StreamItem};

use self::head::Head;
use self::start::StartLine;
use super::{Message, request::Request, response::Response};
use crate::limit::Limits;
use bytes::Bytes;

/// What a datagram holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "the message is the usual case and moves on at once")]
pub enum Parsed {
    /// A message; whether it makes sense is asked of [`super::validate`].
    Message(Message),
    /// Nothing but line breaks or zeros, sent to keep a binding of a NAT alive.
    KeepAlive,
}

/// Reads a datagram.
///
/// # Errors
/// [`Malformed`], which may still be answered.
pub fn parse_datagram(octets: &Bytes, limits: &Limits) -> Result<Parsed, Malformed> {
    if octets.iter().all(|octet| matches!(octet, b'\r' | b'\n' | 0)) {
        return Ok(Parsed::KeepAlive);
    }
    let mut head = Head::read(octets, limits);
    if octets.len() > limits.message_octets_max {
        head.blame(Fault::MessageTooLong);
    }
    let rest = octets.len().saturating_sub(head.length);
    let length = match head.headers.content_length() {
        Ok(None) => rest,
        // Octets behind the body are not part of the message.
        // RFC 3261 §18.3
        Ok(Some(length)) if length <= rest => length,
        Ok(Some(_)) => {
            head.blame(Fault::BodyShort);
            rest
        }
        Err(error) => {
            head.blame(Fault::ContentLength(error));
            rest
        }
    };
    let end = head.length.saturating_add(length);
    let body = octets.slice(head.length.min(octets.len())..end.min(octets.len()));
    head.finish(body, Framing::Kept).map(Parsed::Message)
}

impl Head {
    /// The message of this head and its body, or what is wrong with it.
    #[inline]
    fn finish(self, body: Bytes, framing: Framing) -> Result<Message, Malformed> {
        if self.fault.0.is_some() {
            return Err(self.give_up(Fault::StartLine, framing));
        }
        match self.start {
            StartLine::Request { method: Some(method), uri: Some(uri) } => {
                Ok(Message::Request(Request::from_parts(method, uri, self.headers, body)))
            }
            StartLine::Response { status: Some(status), reason } => {
                Ok(Message::Response(Response::from_parts(status, reason, self.headers, body)))
            }
            start => Err(Self { start, ..self }.give_up(Fault::StartLine, framing)),
        }
    }

    /// What is wrong with a message that begins with this head: the first fault, or the one given where none was found.
    #[cold]
    fn give_up(mut self, fault: Fault, framing: Framing) -> Malformed {
        self.blame(fault);
        let kind = self.kind();
        Malformed::new(self.fault.0.unwrap_or(Fault::StartLine), kind, self.headers, framing)
    }
}

#[cfg(test)]
mod tests;
