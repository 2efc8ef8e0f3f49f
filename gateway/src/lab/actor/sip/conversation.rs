//! What belongs to one Call-ID: who speaks with whom, and how far they have counted. A dialog, or less.

use sip_proto::message::{
    Headers, Method, Request, Response,
    header::{
        address::NameAddr,
        cseq::Sequence,
        identifier::{CallId, Tag},
    },
    uri::Uri,
};

/// Requests and answers under one Call-ID.
#[derive(Clone, Debug)]
pub(super) struct Conversation {
    pub(super) call_id: CallId,
    pub(super) local: NameAddr,
    pub(super) remote: NameAddr,
    /// Where requests go: the Contact of the far end, once it is known.
    pub(super) target: Option<Uri>,
    pub(super) routes: Vec<NameAddr>,
    sequence: u32,
}

impl Conversation {
    /// One that begins here.
    pub(super) const fn new(call_id: CallId, local: NameAddr, remote: NameAddr) -> Self {
        Self { call_id, local, remote, target: None, routes: Vec::new(), sequence: 0 }
    }

    /// One that a request begins, and in which this end has this tag.
    pub(super) fn from_request(request: &Request, tag: &Tag) -> Option<Self> {
        let headers = request.headers();
        let local = headers.to().ok()?.detach();
        let local = if local.tag().is_some() { local } else { local.with_tag(tag) };
        let mut conversation = Self::new(headers.call_id().ok()?.detach(), local, headers.from().ok()?.detach());
        conversation.routes = routes_of(headers);
        conversation.take_request(request);
        Some(conversation)
    }

    /// The next number for CSeq.
    pub(super) fn next_sequence(&mut self) -> Option<Sequence> {
        self.sequence = self.sequence.saturating_add(1);
        Sequence::from_number(self.sequence).ok()
    }

    // RFC 6665 §4.4.1: a NOTIFY may come before the answer, and makes the dialog.
    /// Learns from a request of the far end.
    pub(super) fn take_request(&mut self, request: &Request) {
        let headers = request.headers();
        if let Ok(from) = headers.from()
            && self.remote.tag().is_none()
        {
            self.remote = from.detach();
        }
        if let Ok(Some(contact)) = headers.contact_first() {
            self.target = Some(contact.uri().detach());
        }
    }

    /// Learns from an answer of the far end.
    pub(super) fn take_response(&mut self, method: &Method, response: &Response) {
        if !response.status().is_success() || !matches!(method, Method::Subscribe | Method::Invite | Method::Refer) {
            return;
        }
        if let Ok(to) = response.headers().to() {
            self.remote = to.detach();
        }
        if let Ok(Some(contact)) = response.headers().contact_first() {
            self.target = Some(contact.uri().detach());
        }
        if self.routes.is_empty() {
            let mut routes = routes_of(response.headers());
            routes.reverse();
            self.routes = routes;
        }
    }
}

fn routes_of(headers: &Headers) -> Vec<NameAddr> {
    headers.record_routes().unwrap_or_default().iter().map(NameAddr::detach).collect()
}
