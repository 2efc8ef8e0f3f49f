//! REGISTER: users of hosted domains and their contacts.

use super::{Agent, Pending, contact::word_of, to_sip};
use mapping::{
    address::Address,
    event::{Attachment, DetachReason, Operation},
    presence::DeviceId,
    side::{Endpoint, Side},
    time::Timestamp,
};
use sip_proto::{
    message::{
        Header, HeaderName, Request, Response, StatusCode,
        header::{contact::Contacts, date::Date},
    },
    registrar::{Binding, BindingId, Command, RegisterAnswer, RegisterRequest, RemovalCause, Target},
    transaction::{ServerTransactionId, via::Hop},
};
use std::sync::Arc;

impl Agent {
    /// RFC 3261 §10.3
    pub(super) fn serve_register(
        &mut self,
        now: Timestamp,
        id: ServerTransactionId,
        request: &Arc<Request>,
        hop: &Hop,
    ) {
        let headers = request.headers();
        let (Ok(to), Ok(call_id), Ok(cseq), Ok(contacts), Ok(expires_s)) =
            (headers.to(), headers.call_id(), headers.cseq(), headers.contacts(), headers.expires_s())
        else {
            return self.refuse(now, id, request, StatusCode::BAD_REQUEST);
        };
        let (call_id, contacts) = (call_id.detach(), contacts.detach());
        let requester = match self.identify(now, request, hop, super::identity::Realm::Registrar) {
            Ok(requester) => requester,
            Err(refusal) => return self.respond(now, id, &refusal),
        };
        // RFC 3261 §10.3: third parties may register for others; nobody is configured to do so here.
        let user = match self.neutral(to.uri()) {
            Ok(user) if user == requester.user && requester.peer.is_none() => user,
            Ok(_) | Err(_) => return self.refuse(now, id, request, StatusCode::FORBIDDEN),
        };
        if contacts_are_foreign(&contacts) {
            // RFC 4475 §3.3.4: a contact of a scheme that no request can be sent to.
            return self.refuse(now, id, request, StatusCode::BAD_REQUEST);
        }
        let source = source_words(hop);
        let answer = self.registrar.register(
            to_sip(now),
            &RegisterRequest {
                target: Target::Hosted(user.as_str()),
                call_id: &call_id,
                sequence: cseq.sequence,
                contacts: &contacts,
                expires_s,
                source: Some(&source),
            },
        );
        let response = self.register_response(now, request, answer);
        // The answer goes before what it sets off, such as stored messages; both belong to one batch.
        if response.status() == StatusCode::OK {
            self.respond_when_kept(id, response);
        } else {
            self.respond(now, id, &response);
        }
        self.take_registrar_news();
    }

    fn register_response(&mut self, now: Timestamp, request: &Request, answer: RegisterAnswer) -> Response {
        let tag = self.ids.tag();
        let response = |status| Response::for_request(request, status, Some(&tag));
        match answer {
            // RFC 3261 §10.3, step 8
            RegisterAnswer::Registered(contacts) => contacts
                .into_iter()
                .fold(response(StatusCode::OK), |ok, contact| ok.with(Header::new(HeaderName::Contact, contact)))
                .with(Header::new(HeaderName::Date, Date::from_unix_s(now.as_secs()))),
            RegisterAnswer::NotHosted => response(StatusCode::NOT_FOUND),
            RegisterAnswer::MisusedStar => response(StatusCode::BAD_REQUEST),
            RegisterAnswer::IntervalTooBrief { expires_min_s } => {
                response(StatusCode::INTERVAL_TOO_BRIEF).with(Header::new(HeaderName::MinExpires, expires_min_s))
            }
            RegisterAnswer::TooManyContacts => response(StatusCode::FORBIDDEN),
            RegisterAnswer::OutOfOrder => response(StatusCode::SERVER_INTERNAL_ERROR),
        }
    }

    pub(super) fn expire_registrations(&mut self, now: Timestamp) {
        self.registrar.expire(to_sip(now));
        self.take_registrar_news();
    }

    /// Tells the engine which contacts came and went, and keeps what is registered now.
    pub(super) fn take_registrar_news(&mut self) {
        let mut changed: Vec<Arc<str>> = Vec::new();
        while let Some(command) = self.registrar.poll() {
            let (Command::BindingAdded { address, .. }
            | Command::BindingRefreshed { address, .. }
            | Command::BindingRemoved { address, .. }) = &command;
            if !changed.contains(address) {
                changed.push(Arc::clone(address));
            }
            self.tell_binding(&command);
        }
        for address in changed {
            let record = self.registrar.snapshot(&address);
            self.keep("registration", &address, Some(&address), record);
        }
    }

    pub(super) fn tell_binding(&mut self, command: &Command) {
        let (address, binding, operation) = match command {
            Command::BindingAdded { address, binding } | Command::BindingRefreshed { address, binding } => {
                (address, binding, Operation::Attach(attachment(binding, self.settings.content_octets_max)))
            }
            Command::BindingRemoved { address, binding, cause } => {
                let reason = match cause {
                    RemovalCause::Requested => DetachReason::Logout,
                    RemovalCause::Expired => DetachReason::Expired,
                };
                (address, binding, Operation::Detach(reason))
            }
        };
        // The address of record is a canonical neutral address: it was made from one.
        let Ok(user) = Address::parse(address) else { return };
        let endpoint = contact_endpoint(address, &binding.id);
        self.ask(self.current, user, endpoint, operation, Pending::Nothing);
    }
}

/// A contact as device that takes messages.
fn attachment(binding: &Binding, content_octets_max: usize) -> Attachment {
    Attachment {
        device: DeviceId::new(binding.id.as_str()),
        reception: mapping::event::Reception {
            takes_reports: true,
            takes_stored: true,
            takes_announcements: false,
            takes_messages: true,
            // RFC 3428 §7: it says itself what it does not take.
            media_types: Arc::from([]),
            content_octets_max: u64::try_from(content_octets_max).unwrap_or(u64::MAX),
        },
        // Presence of SIP users comes by PUBLISH.
        publishes_online: false,
    }
}

impl Agent {
    /// The binding of a contact's endpoint.
    pub(super) fn find_binding(&self, endpoint: &str) -> Option<&Binding> {
        let mut words = endpoint.strip_prefix("contact ")?.splitn(2, ' ');
        let (address, name) = (words.next()?, words.next()?);
        self.registrar.bindings(address).iter().find(|binding| binding.id.as_str() == name)
    }
}

/// The endpoint of a registered contact.
pub(super) fn contact_endpoint(address: &str, id: &BindingId) -> Endpoint {
    Endpoint::new(Side::Simple, &format!("contact {address} {}", id.as_str()))
}

fn contacts_are_foreign(contacts: &Contacts) -> bool {
    match contacts {
        Contacts::Star => false,
        Contacts::List(list) => list.iter().any(|contact| contact.uri().as_sip().is_none()),
    }
}

/// Where the request came from, to be read back by `contact::parse_source`.
fn source_words(hop: &Hop) -> String {
    format!("{} {}", word_of(&hop.transport), hop.address)
}
