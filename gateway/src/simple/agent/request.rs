//! Requests from outside: generic checks, then one function per method.

use super::{Agent, Held, Pending, subscription::Outgoing, to_tag};
use crate::simple::translate::message::{ACCEPT, OTHERS};
use mapping::{side::Side, time::Timestamp};
use sip_proto::{
    body::{partial, watcher_info::MEDIA_TYPE},
    message::{
        Header, HeaderName, Method, Request, Response, StatusCode,
        framer::Malformed,
        uas::{self, Role, UasProfile},
    },
    transaction::{
        ServerTransactionId,
        via::{Hop, ResponseTarget, response_target, stamp_received},
    },
};
use std::{collections::HashMap, net::IpAddr, sync::Arc};

/// What this side serves.
pub(super) fn profile() -> UasProfile {
    UasProfile {
        role: Role::EndPoint,
        schemes: vec!["sip", "sips", "pres", "im", "tel"],
        methods: vec![
            Method::Register,
            Method::Subscribe,
            Method::Notify,
            Method::Publish,
            Method::Message,
            Method::Options,
            Method::Cancel,
        ],
        // The layers above give the answer that names the packages.
        events: vec!["presence", "presence.winfo"],
        extensions: Vec::new(),
        media_types: ACCEPT
            .iter()
            .chain(OTHERS)
            .copied()
            .chain(["application/pidf+xml", partial::MEDIA_TYPE, MEDIA_TYPE, "multipart/*"])
            .collect(),
        encodings: Vec::new(),
        answers: Vec::new(),
    }
}

impl Agent {
    /// Serves a new request.
    pub(super) fn serve(&mut self, now: Timestamp, id: ServerTransactionId, request: &Arc<Request>, hop: &Hop) {
        // Neighbours that are trusted carry the requests of many users.
        let is_trusted = self.source_peer(hop).is_some_and(|peer| peer.is_trusted);
        let per_s = self.settings.requests_per_s_per_source;
        if !(is_trusted || self.budget.admits(now, hop.address.ip(), per_s))
            || self.pending.len() >= self.settings.pending_requests_max
        {
            crate::observe::metric::shed(Side::Simple, "requests");
            let tag = self.ids.tag();
            let shed = Response::for_request(request, StatusCode::SERVICE_UNAVAILABLE, Some(&tag))
                .with(Header::new(HeaderName::RetryAfter, SHED_RETRY_AFTER_S));
            return self.respond(now, id, &shed);
        }
        // RFC 3261 §9.2: the table has answered a CANCEL already; §13.3: sessions are not offered.
        let ids = std::cell::RefCell::new(&mut self.ids);
        if let Err(refusal) = uas::check(request, &self.profile, || ids.borrow_mut().tag()) {
            return self.respond(now, id, &refusal);
        }
        match request.method() {
            Method::Register => self.serve_register(now, id, request, hop),
            Method::Subscribe if to_tag(request).is_some() => self.serve_refresh(now, id, request, hop),
            Method::Subscribe => self.serve_subscribe(now, id, request, hop),
            Method::Notify => self.serve_notify(now, id, request),
            Method::Publish => self.serve_publish(now, id, request, hop),
            Method::Message => self.serve_message(now, id, request, hop),
            Method::Options => self.serve_options(now, id, request),
            _ => self.refuse(now, id, request, StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    /// RFC 3261 §11.2
    fn serve_options(&mut self, now: Timestamp, id: ServerTransactionId, request: &Request) {
        let tag = self.ids.tag();
        // Neighbours that ask whether we are there look elsewhere while we are leaving.
        if !self.transports.is_accepting() {
            let leaving = Response::for_request(request, StatusCode::SERVICE_UNAVAILABLE, Some(&tag))
                .with(Header::new(HeaderName::RetryAfter, LEAVING_RETRY_AFTER_S));
            return self.respond(now, id, &leaving);
        }
        let names: Vec<&str> = self.packages.names().collect();
        let response = Response::for_request(request, StatusCode::OK, Some(&tag))
            .with(uas::allow(&self.profile))
            .with(Header::new(HeaderName::Accept, self.profile.media_types.join(", ")))
            .with(Header::new(HeaderName::AllowEvents, names.join(", ")));
        self.respond(now, id, &response);
    }

    /// Answers what could not be read, as far as it says where to.
    pub(super) fn refuse_malformed(&mut self, malformed: &Malformed, hop: &Hop) {
        crate::observe::metric::malformed(Side::Simple);
        let correlation = self.correlation();
        self.current = correlation;
        self.trace_malformed(malformed, hop);
        tracing::debug!(side = "simple", peer = %hop.address, %correlation, reason = %malformed.fault(), "malformed message");
        let tag = self.ids.tag();
        let Some(mut response) = malformed.response(Some(&tag)) else { return };
        let target = match stamp_received(response.headers_mut(), hop.address) {
            Ok(via) => response_target(&via, hop),
            // Where no Via can be read, the answer can only go back where the request came from.
            // RFC 4475 §3.1.2.1
            // RFC 4475 §3.1.2.16
            Err(_) => ResponseTarget { hop: hop.clone(), fallback: None },
        };
        if let Ok(octets) = response.write() {
            self.trace_octets(&octets, hop);
            self.transports.send(octets, &target, None);
        }
    }

    /// The batch was lost: everybody who waits is told that the gateway cannot serve now.
    pub(super) fn refuse_pending(&mut self, now: Timestamp) {
        self.inputs.clear();
        for (_, pending) in std::mem::take(&mut self.pending) {
            if let Pending::Message { transaction, request } | Pending::Subscribe { transaction, request, .. } = pending
            {
                self.refuse(now, transaction, &request, StatusCode::SERVICE_UNAVAILABLE);
            }
        }
        self.refuse_subscribers(now);
        for (_, (correlation, held)) in std::mem::take(&mut self.held) {
            self.current = correlation;
            match held {
                Held::Response { transaction, response } => self.refuse_response(now, transaction, &response),
                Held::Notifier(name) => self.refuse_notifier(now, &name),
                Held::Subscriber { outgoing, .. } => {
                    for one in outgoing {
                        if let Outgoing::Answer(transaction, response) = one {
                            self.refuse_response(now, transaction, &response);
                        }
                    }
                }
                // Refused with the subscribers.
                Held::Accept(_) => {}
            }
        }
        self.flush();
    }

    fn refuse_response(&mut self, now: Timestamp, transaction: ServerTransactionId, response: &Response) {
        let refusal = Response::for_headers(response.headers(), StatusCode::SERVICE_UNAVAILABLE, None);
        self.respond(now, transaction, &refusal);
    }
}

/// Counts new requests per source address and second.
#[derive(Debug, Default)]
pub(super) struct SourceBudget {
    second: u64,
    spent: HashMap<IpAddr, u32>,
}

impl SourceBudget {
    fn admits(&mut self, now: Timestamp, source: IpAddr, per_s: u32) -> bool {
        if self.second != now.as_secs() {
            self.second = now.as_secs();
            self.spent.clear();
        }
        if self.spent.len() >= SOURCES_MAX && !self.spent.contains_key(&source) {
            return false;
        }
        let spent = self.spent.entry(source).or_insert(0);
        *spent = spent.saturating_add(1);
        *spent <= per_s
    }
}

/// Sources counted within one second; more are refused, for they cannot all be real.
const SOURCES_MAX: usize = 65_536;

/// When a gateway that is leaving may be asked again: somebody else, or its next life, is there by then.
const LEAVING_RETRY_AFTER_S: u32 = 10;

/// When a shed request may come again.
const SHED_RETRY_AFTER_S: u32 = 2;
