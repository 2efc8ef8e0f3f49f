//! MESSAGE: in from SIP users, out to contacts and neighbours.

use super::{Agent, Conclusion, Pending, contact::parse_source, to_sip};
use crate::simple::translate::{
    address,
    message::{from_request, is_accepted, is_swallowed, to_media_type},
    outcome::{Purpose as CodePurpose, from_status, to_status, wants_retry_after},
};
use mapping::{
    address::Address,
    command::{Answer, DeliveryRoute},
    correlation::Correlation,
    event::{Delivery, DeliveryId, EventKind, Operation, Submission},
    message::Message,
    outcome::Outcome,
    side::{Endpoint, Side},
    time::Timestamp,
};
use sip_proto::{
    message::{
        Header, HeaderName, Method, Request, Response, StatusCode,
        header::{
            address::NameAddr,
            cseq::{CSeq, Sequence},
            date::Date,
            via::Transport,
        },
        uas,
    },
    transaction::{ClientTransactionId, DatagramRule, Outgoing, SendError, ServerTransactionId, via::Hop},
};
use std::{sync::Arc, time::Duration};

/// A MESSAGE of ours without final response.
#[derive(Debug)]
pub(super) struct Outstanding {
    delivery: DeliveryId,
    owner: Address,
    pub(super) correlation: Correlation,
}

/// Whether the sender's identity is asserted to the next hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Assertion {
    Made,
    None,
}

impl Agent {
    /// RFC 3428 §7
    pub(super) fn serve_message(&mut self, now: Timestamp, id: ServerTransactionId, request: &Arc<Request>, hop: &Hop) {
        let requester = match self.identify(now, request, hop) {
            Ok(requester) => requester,
            Err(refusal) => return self.respond(now, id, &refusal),
        };
        let recipient = match self.neutral(request.uri()) {
            Ok(recipient) => recipient,
            Err(_) => return self.refuse(now, id, request, StatusCode::NOT_FOUND),
        };
        if !self.may_reach(&requester, &recipient) {
            return self.refuse(now, id, request, StatusCode::FORBIDDEN);
        }
        let validity = self.settings.validity_default;
        let message = match from_request(request, &requester.user, &recipient, validity, now) {
            Ok(message) => message,
            Err(error) => return self.refuse_content(now, id, request, error),
        };
        if is_swallowed(&message.content.media_type) {
            return self.refuse(now, id, request, StatusCode::OK);
        }
        if !is_accepted(&message.content.media_type) {
            return self.refuse_content(
                now,
                id,
                request,
                crate::simple::translate::message::MessageError::UnsupportedType,
            );
        }
        if message.content.body.len() > self.settings.content_octets_max {
            return self.refuse(now, id, request, StatusCode::REQUEST_ENTITY_TOO_LARGE);
        }
        if message.expires <= now {
            // RFC 3428 §7: late already.
            return self.refuse(now, id, request, StatusCode::OK);
        }
        let endpoint = Endpoint::new(Side::Simple, &format!("message {}", requester.user));
        let operation = Operation::Send(Submission {
            recipients: vec![recipient],
            devices: Vec::new(),
            conversations: Vec::new(),
            message,
        });
        let pending = Pending::Message { transaction: id, request: Arc::clone(request) };
        self.ask(self.current, requester.user, endpoint, operation, pending);
    }

    fn refuse_content(
        &mut self,
        now: Timestamp,
        id: ServerTransactionId,
        request: &Request,
        error: crate::simple::translate::message::MessageError,
    ) {
        use crate::simple::translate::message::MessageError;
        let tag = self.ids.tag();
        let response = match error {
            MessageError::BadHeader => Response::for_request(request, StatusCode::BAD_REQUEST, Some(&tag)),
            MessageError::UnsupportedType | MessageError::BadCharset => {
                let accept = crate::simple::translate::message::ACCEPTED.join(", ");
                Response::for_request(request, StatusCode::UNSUPPORTED_MEDIA_TYPE, Some(&tag))
                    .with(Header::new(HeaderName::Accept, accept))
            }
        };
        self.respond(now, id, &response);
    }

    /// The engine's answer to a MESSAGE.
    pub(super) fn answer_message(
        &mut self,
        now: Timestamp,
        id: ServerTransactionId,
        request: &Request,
        answer: &Answer,
    ) {
        let outcome = match answer {
            Answer::Sent { outcome, .. } | Answer::Done { outcome, .. } => *outcome,
            _ => Outcome::InternalError,
        };
        let response = self.outcome_response(request, outcome, CodePurpose::Message);
        self.respond(now, id, &response);
    }

    /// The response for an outcome.
    pub(super) fn outcome_response(&mut self, request: &Request, outcome: Outcome, purpose: CodePurpose) -> Response {
        let status = StatusCode::from_number(to_status(outcome, purpose)).unwrap_or(StatusCode::SERVER_INTERNAL_ERROR);
        let tag = self.ids.tag();
        let mut response = Response::for_request(request, status, Some(&tag));
        if wants_retry_after(outcome) {
            response.push(Header::new(HeaderName::RetryAfter, RETRY_AFTER_S));
        }
        if status == StatusCode::METHOD_NOT_ALLOWED {
            response.push(uas::allow(&self.profile));
        }
        response
    }

    /// Sends a message on; what becomes of it is told to the engine.
    pub(super) fn deliver(
        &mut self,
        now: Timestamp,
        correlation: Correlation,
        delivery: DeliveryId,
        owner: Address,
        route: &DeliveryRoute,
        message: &Message,
    ) {
        let outstanding = Outstanding { delivery, owner, correlation };
        let sent = self.find_target(route).and_then(|(uri, hop)| {
            let request = self.message_request(message, uri, self.assertion(route), now)?;
            self.send(now, request, hop)
        });
        match sent {
            Ok(id) => {
                self.deliveries.insert(id, outstanding);
            }
            Err(outcome) => self.tell_delivery(outstanding, outcome, None),
        }
    }

    fn find_target(&self, route: &DeliveryRoute) -> Result<(Option<sip_proto::message::Uri>, Hop), Outcome> {
        match route {
            DeliveryRoute::Peer(name) => {
                let peer = self.settings.peers.find(name).ok_or(Outcome::UnknownDomain)?;
                Ok((None, peer.hop()))
            }
            DeliveryRoute::Endpoint(endpoint) => {
                let binding = self.find_binding(&endpoint.id).ok_or(Outcome::NotLoggedIn)?;
                let uri = binding.contact.uri();
                uri.as_sip().ok_or(Outcome::BadAddress)?;
                let source = binding.source.as_deref().and_then(parse_source);
                let hop = self.contact_hop(uri, source).ok_or(Outcome::Undeliverable)?;
                Ok((Some(uri.clone()), hop))
            }
        }
    }

    /// RFC 3428 §4
    fn message_request(
        &mut self,
        message: &Message,
        target: Option<sip_proto::message::Uri>,
        assertion: Assertion,
        now: Timestamp,
    ) -> Result<Request, Outcome> {
        let sender = address::from_neutral(&message.sender).map_err(|_| Outcome::BadAddress)?;
        let recipient = address::from_neutral(&message.recipient).map_err(|_| Outcome::BadAddress)?;
        let media_type = to_media_type(&message.content).ok_or(Outcome::UnsupportedContent)?;
        // RFC 3261 §8.1.3.5: whatever attempt this is, it has the Call-ID, From and To of the first, also after a restart,
        // and a higher CSeq. By that a recipient can tell a repetition.
        let name = format!("{} {}", message.id.as_str(), message.recipient);
        let (tag, call_id) = (self.ids.tag_of(&name), self.ids.call_id_of(&name));
        let seconds = u32::try_from(now.until(message.expires).as_secs()).unwrap_or(u32::MAX);
        // RFC 3325 §6
        let asserted = match assertion {
            Assertion::Made => Some(Header::new(HeaderName::PAssertedIdentity, NameAddr::new(sender.clone()))),
            Assertion::None => None,
        };
        let request = Request::new(Method::Message, target.unwrap_or_else(|| recipient.clone()))
            .with(Header::new(HeaderName::MaxForwards, 70))
            .with(Header::new(HeaderName::From, NameAddr::new(sender).with_tag(&tag)))
            .with(Header::new(HeaderName::To, NameAddr::new(recipient)))
            .with(Header::new(HeaderName::CallId, call_id))
            .with(Header::new(HeaderName::CSeq, CSeq::new(attempt_sequence(message, now), Method::Message)))
            .with(Header::new(HeaderName::Date, Date::from_unix_s(message.sent.as_secs())))
            .with(Header::new(HeaderName::Expires, seconds))
            .with_body(&media_type, message.content.body.clone());
        Ok(asserted.into_iter().fold(request, Request::with))
    }

    /// Identities are asserted to trusted neighbours, and to nobody else.
    fn assertion(&self, route: &DeliveryRoute) -> Assertion {
        let peer = match route {
            DeliveryRoute::Peer(name) => self.settings.peers.find(name),
            DeliveryRoute::Endpoint(_) => None,
        };
        if peer.is_some_and(|peer| peer.is_trusted) { Assertion::Made } else { Assertion::None }
    }

    /// Starts a client transaction. A request too large for a datagram goes over a stream, and as a datagram all the
    /// same where streams are refused (RFC 3261 §18.1.1).
    pub(super) fn send(&mut self, now: Timestamp, request: Request, hop: Hop) -> Result<ClientTransactionId, Outcome> {
        let mut outgoing = self.outgoing(hop);
        let again = request.clone();
        match self.table.send_request(to_sip(now), request, &outgoing) {
            Ok(id) => Ok(id),
            Err(SendError::TooLargeForDatagram) => {
                outgoing.datagram_rule = DatagramRule::AnySize;
                if self.refuse_streams.contains_key(&outgoing.hop.address) {
                    return self.table.send_request(to_sip(now), again, &outgoing).map_err(|_| Outcome::Unavailable);
                }
                let datagram = outgoing.hop.clone();
                outgoing.hop = Hop { transport: Transport::Tcp, connection: None, ..outgoing.hop };
                let kept = again.clone();
                let id = self.table.send_request(to_sip(now), again, &outgoing).map_err(|_| Outcome::Unavailable)?;
                self.second_ways.insert(id, (kept, datagram));
                Ok(id)
            }
            Err(SendError::Full) => Err(Outcome::Unavailable),
            Err(SendError::UnsupportedMethod(_) | SendError::NothingToCancel | SendError::Write(_)) => {
                Err(Outcome::InternalError)
            }
        }
    }

    /// The stream was refused: the request goes as a datagram, and whoever waits for its answer waits on. Returns
    /// whether there was this second way.
    pub(super) fn take_second_way(&mut self, now: Timestamp, id: ClientTransactionId) -> bool {
        let Some((request, hop)) = self.second_ways.remove(&id) else { return false };
        self.refuse_streams.insert(hop.address, ());
        let outgoing = Outgoing { datagram_rule: DatagramRule::AnySize, ..self.outgoing(hop) };
        let Ok(second) = self.table.send_request(to_sip(now), request, &outgoing) else { return false };
        if let Some(outstanding) = self.deliveries.remove(&id) {
            self.deliveries.insert(second, outstanding);
        }
        if let Some(purpose) = self.purposes.remove(&id) {
            self.purposes.insert(second, purpose);
        }
        true
    }

    pub(super) fn conclude_delivery(&mut self, outstanding: Outstanding, conclusion: &Conclusion) {
        let retry_after = match conclusion {
            Conclusion::Response(response) => retry_after(response),
            Conclusion::TimedOut | Conclusion::RequestFailed => None,
        };
        self.tell_delivery(outstanding, from_status(conclusion.status(), CodePurpose::Message), retry_after);
    }

    fn tell_delivery(&mut self, outstanding: Outstanding, outcome: Outcome, retry_after: Option<Duration>) {
        let Outstanding { delivery, owner, correlation } = outstanding;
        self.tell(correlation, EventKind::Delivered(Delivery { delivery, owner, outcome, retry_after }));
        self.wake.notify_one();
    }
}

/// A number that is higher for every later attempt: tenths of a second since the message was sent, which no record needs
/// to remember. Attempts are further apart than that.
fn attempt_sequence(message: &Message, now: Timestamp) -> Sequence {
    let tenths = message.sent.until(now).as_millis() / 100;
    u32::try_from(tenths.saturating_add(1))
        .ok()
        .and_then(|number| Sequence::from_number(number).ok())
        .unwrap_or(Sequence::FIRST)
}

pub(super) fn retry_after(response: &Response) -> Option<Duration> {
    response.headers().retry_after().ok().flatten().map(|value| Duration::from_secs(u64::from(value.seconds)))
}

/// When a full or overloaded part of the gateway may be asked again.
const RETRY_AFTER_S: u32 = 30;
