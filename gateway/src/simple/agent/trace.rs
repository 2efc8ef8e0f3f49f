//! What the agent tells the trace.

use super::Agent;
use crate::{
    observe::{
        Direction, TraceRecord,
        wire::{Carrier, Line, Rendering, Wire},
    },
    simple::mask::mask,
};
use bytes::Bytes;
use mapping::side::Side;
use sip_proto::{
    message::{Request, Response, framer::Malformed, header::via::Transport, headers::Headers},
    transaction::via::Hop,
};

impl Agent {
    /// A request came.
    pub(super) fn trace_request(&self, request: &Request, hop: &Hop) {
        let title = || format!("{} {}", request.method().as_str(), request.uri());
        self.trace(Direction::In, hop, title, || received(request.headers(), request.body()));
    }

    /// A response came.
    pub(super) fn trace_response(&self, response: &Response, hop: &Hop) {
        let title = || {
            let reason = String::from_utf8_lossy(response.reason()).into_owned();
            let method = response.headers().cseq().ok().map(|cseq| format!(" to {}", cseq.method.as_str()));
            format!("{} {reason}{}", response.status().to_number(), method.unwrap_or_default())
        };
        self.trace(Direction::In, hop, title, || received(response.headers(), response.body()));
    }

    /// Something came that cannot be read.
    pub(super) fn trace_malformed(&self, malformed: &Malformed, hop: &Hop) {
        self.trace(Direction::In, hop, || format!("unreadable: {}", malformed.fault()), || None);
    }

    /// Something leaves; its first line says what it is.
    pub(super) fn trace_octets(&self, octets: &Bytes, hop: &Hop) {
        let title = || {
            let line = octets.split(|octet| *octet == b'\r').next().unwrap_or_default();
            let line = String::from_utf8_lossy(line);
            match (line.strip_prefix("SIP/2.0 "), method_of(octets)) {
                (Some(status), Some(method)) => format!("{status} to {method}"),
                (Some(status), None) => status.to_owned(),
                (None, _) => line.trim_end_matches(" SIP/2.0").to_owned(),
            }
        };
        self.trace(Direction::Out, hop, title, || Some(octets.clone()));
    }

    fn trace(
        &self,
        direction: Direction,
        hop: &Hop,
        title: impl FnOnce() -> String,
        octets: impl FnOnce() -> Option<Bytes>,
    ) {
        self.tap.record(|| TraceRecord {
            at: self.clock.now(),
            correlation: self.current,
            side: Side::Simple,
            direction,
            peer: hop.address.to_string(),
            title: title(),
            detail: None,
            wire: octets().map(|octets| Box::new(self.wire(hop, &octets))),
        });
    }

    fn wire(&self, hop: &Hop, octets: &Bytes) -> Wire {
        let carrier = match hop.transport {
            Transport::Udp => Carrier::Udp,
            Transport::Tls => Carrier::Tls,
            _ => Carrier::Tcp,
        };
        let line = Line { carrier, local: self.transports.local_of(hop), remote: Some(hop.address) };
        let original = self.tap.wants_originals().then(|| Rendering::open(octets));
        Wire::on(line, mask(octets), original)
    }
}

/// The octets of a message as they came.
fn received(headers: &Headers, body: &Bytes) -> Option<Bytes> {
    let head = headers.head_read()?.trim_start_matches(['\r', '\n']);
    Some([head.as_bytes(), body].concat().into())
}

/// The method that a response answers.
fn method_of(octets: &[u8]) -> Option<String> {
    let mut lines = octets.split(|octet| *octet == b'\n').take_while(|line| !line.trim_ascii().is_empty());
    let cseq = lines.find_map(|line| line.strip_prefix(b"CSeq:"))?;
    let method = cseq.trim_ascii().rsplit(|octet| *octet == b' ').next()?;
    Some(String::from_utf8_lossy(method).into_owned())
}
