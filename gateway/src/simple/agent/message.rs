//! MESSAGE: in from SIP users, out to contacts and neighbours.

use super::{Agent, Anonymity, Conclusion, Pending, contact::parse_source, credential::is_fresh, to_sip, way::Way};
use crate::simple::translate::{
    address,
    message::{ACCEPT, Inward, MessageError, Wrapping, from_request, to_body},
    outcome::{Purpose as CodePurpose, from_status, to_status, wants_retry_after},
};
use mapping::{
    address::Address,
    command::{Answer, DeliveryRoute},
    correlation::Correlation,
    event::{Delivery, DeliveryId, EventKind, Operation, Submission},
    message::{Disclosure, Message, ReportWish},
    outcome::Outcome,
    side::{Endpoint, PeerName, Side},
    time::Timestamp,
};
use sip_proto::{
    message::{
        Header, HeaderName, Method, Request, Response, StatusCode, Uri,
        header::{
            address::NameAddr,
            cseq::{CSeq, Sequence},
            date::Date,
            media_type::MediaType,
            via::Transport,
        },
        uas,
    },
    transaction::{
        ClientTransactionId, DATAGRAM_OCTETS_MAX, DatagramRule, Outgoing, SendError, ServerTransactionId, via::Hop,
    },
};
use std::{
    fmt::{self, Write as _},
    sync::Arc,
    time::Duration,
};

/// A MESSAGE of ours without final response.
#[derive(Debug)]
pub(super) struct Outstanding {
    delivery: DeliveryId,
    owner: Address,
    pub(super) correlation: Correlation,
    /// What is sent again should the wrapping be refused.
    wrapped: Option<Box<Wrapped>>,
    /// What is sent again, with credentials, should it be challenged.
    sent: Option<Box<Sent>>,
}

/// A request to a neighbour that may challenge it.
#[derive(Debug)]
struct Sent {
    peer: PeerName,
    request: Request,
    ways: Vec<Way>,
    challenges: u8,
}

impl Outstanding {
    // RFC 3261 §22.2
    /// Whoever answered is answered: what it asks for is shown to it and not to another server.
    pub(super) fn stay_at(&mut self, hop: Option<Hop>) {
        if let (Some(sent), Some(hop)) = (&mut self.sent, hop) {
            sent.ways = vec![Way::Hop(hop)];
        }
    }
}

/// A message that was sent wrapped, and where to.
#[derive(Debug)]
struct Wrapped {
    message: Message,
    route: DeliveryRoute,
}

/// Whether a request says something anew that was refused a moment ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Try {
    First,
    Second,
}

/// What a MESSAGE is made of.
pub(super) struct Letter<'a> {
    /// From which its identifiers are made.
    pub(super) name: String,
    pub(super) sequence: Sequence,
    pub(super) sender: &'a Address,
    /// Whether the recipient may learn that.
    pub(super) disclosure: Disclosure,
    pub(super) recipient: &'a Address,
    /// When it was sent and when it loses its value, where that is said.
    pub(super) expires: Option<(Timestamp, Timestamp)>,
    pub(super) body: (MediaType, bytes::Bytes),
}

/// Whether the sender's identity is asserted to the next hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assertion {
    Made,
    None,
}

impl Agent {
    /// RFC 3428 §7
    pub(super) fn serve_message(&mut self, now: Timestamp, id: ServerTransactionId, request: &Arc<Request>, hop: &Hop) {
        let requester = match self.identify(now, request, hop, super::identity::Realm::Registrar) {
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
        let disclosure = match (requester.disclosure, self.settings.anonymity) {
            (Disclosure::Anonymous, Anonymity::Refused) => return self.refuse_anonymous(now, id, request),
            (disclosure, Anonymity::Refused | Anonymity::Delivered) => disclosure,
        };
        let mut message = match from_request(request, &requester.user, &recipient, validity, now) {
            Ok(Inward::Message(message)) => *message,
            Ok(Inward::Fate { message, outcome }) => {
                self.tell_fate(now, message, &recipient, &requester.user, outcome);
                let tag = self.ids.tag();
                let response = Response::for_request(request, StatusCode::OK, Some(&tag));
                return self.respond_when_kept(id, response);
            }
            // RFC 3994: nobody on the other side is shown who is composing.
            Ok(Inward::Nothing) => return self.refuse(now, id, request, StatusCode::OK),
            Err(error) => return self.refuse_content(now, id, request, error),
        };
        message.disclosure = disclosure;
        if disclosure == Disclosure::Anonymous {
            // RFC 5438 §14.2: nobody is told what became of a message of nobody.
            message.report = ReportWish::None;
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

    // RFC 5079 §4
    /// Who does not say who he is, is not heard.
    pub(super) fn refuse_anonymous(&mut self, now: Timestamp, id: ServerTransactionId, request: &Request) {
        let status = StatusCode::from_number(433).unwrap_or(StatusCode::FORBIDDEN);
        self.refuse(now, id, request, status);
    }

    // RFC 3428 §7
    fn refuse_content(&mut self, now: Timestamp, id: ServerTransactionId, request: &Request, error: MessageError) {
        let tag = self.ids.tag();
        let response = match error {
            MessageError::BadHeader => Response::for_request(request, StatusCode::BAD_REQUEST, Some(&tag)),
            MessageError::UnsupportedType | MessageError::BadCharset => {
                Response::for_request(request, StatusCode::UNSUPPORTED_MEDIA_TYPE, Some(&tag))
                    .with(Header::new(HeaderName::Accept, ACCEPT.join(", ")))
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
        // RFC 3261 §21.4.13
        if status == StatusCode::UNSUPPORTED_MEDIA_TYPE && purpose == CodePurpose::Message {
            response.push(Header::new(HeaderName::Accept, ACCEPT.join(", ")));
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
        let target = target_name(route);
        let wrapping = match message.report {
            ReportWish::Delivery if !self.refuse_cpim.contains_key(&target) => Wrapping::Cpim,
            ReportWish::Delivery | ReportWish::None => Wrapping::Bare,
        };
        let sent = self.send_message(now, message, route, (wrapping, Try::First));
        let (sent, challenged) = sent.map_or_else(|outcome| (Err(outcome), None), |(id, sent)| (Ok(id), sent));
        let wrapped =
            (wrapping == Wrapping::Cpim).then(|| Box::new(Wrapped { message: message.clone(), route: route.clone() }));
        let outstanding = Outstanding { delivery, owner, correlation, wrapped, sent: challenged };
        match sent {
            Ok(id) => {
                self.deliveries.insert(id, outstanding);
            }
            Err(outcome) => self.tell_delivery(outstanding, outcome, None),
        }
    }

    fn send_message(
        &mut self,
        now: Timestamp,
        message: &Message,
        route: &DeliveryRoute,
        (wrapping, repeated): (Wrapping, Try),
    ) -> Result<(ClientTransactionId, Option<Box<Sent>>), Outcome> {
        let (uri, ways) = self.find_target(route)?;
        let body = to_body(message, wrapping).ok_or(Outcome::UnsupportedContent)?;
        let letter = Letter {
            // RFC 3261 §8.1.3.5: whatever attempt this is, it has the Call-ID, From and To of the first, also after a
            // restart, and a higher CSeq. By that a recipient can tell a repetition.
            name: format!("{} {}", message.id.as_str(), message.recipient),
            sequence: attempt_sequence(message, now, repeated),
            sender: &message.sender,
            disclosure: message.disclosure,
            recipient: &message.recipient,
            expires: Some((message.sent, message.expires)),
            body,
        };
        let mut request = self.message_request(&letter, uri, self.assertion(route), now)?;
        if let DeliveryRoute::Peer(peer) = route {
            // RFC 3608 §6.1
            for hop in self.far_registrations.service_route(&message.sender, peer) {
                request.push(Header::new(HeaderName::Route, hop));
            }
        }
        let peer = match route {
            DeliveryRoute::Peer(peer) => self.settings.peers.find(peer).filter(|peer| peer.credentials.is_some()),
            DeliveryRoute::Endpoint(_) => None,
        };
        let Some(peer) = peer.map(|peer| peer.name.clone()) else {
            return Ok((self.send_by(now, request, &ways, None)?, None));
        };
        let uri = request.uri().to_string();
        let credentials = self.known_credentials(&peer, &Method::Message, (&uri, request.body()));
        let request = credentials.into_iter().fold(request, Request::with);
        let id = self.send_by(now, request.clone(), &ways, None)?;
        Ok((id, Some(Box::new(Sent { peer, request, ways, challenges: 0 }))))
    }

    // RFC 3261 §22.2
    /// Sends a challenged message again, with credentials and a higher number.
    fn authorize_message(
        &mut self,
        now: Timestamp,
        mut outstanding: Outstanding,
        mut sent: Box<Sent>,
        response: &Response,
    ) {
        sent.challenges = sent.challenges.saturating_add(1);
        let request = &mut sent.request;
        for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
            request.headers_mut().remove(&name);
        }
        let sequence = request.headers().cseq().ok().and_then(|cseq| cseq.sequence.next());
        request
            .headers_mut()
            .set(Header::new(HeaderName::CSeq, CSeq::new(sequence.unwrap_or(Sequence::FIRST), Method::Message)));
        let (uri, body) = (request.uri().to_string(), request.body().clone());
        let credentials = self.answer_challenges(&sent.peer, response, &Method::Message, (&uri, &body));
        if credentials.is_empty() {
            return self.tell_delivery(outstanding, Outcome::Unavailable, None);
        }
        credentials.into_iter().for_each(|header| sent.request.push(header));
        match self.send_by(now, sent.request.clone(), &sent.ways, None) {
            Ok(id) => {
                outstanding.sent = Some(sent);
                self.deliveries.insert(id, outstanding);
            }
            Err(outcome) => self.tell_delivery(outstanding, outcome, None),
        }
    }

    /// Who refuses wrapped messages gets them bare, at once, and for a day without asking (messaging.md §3).
    fn send_bare(&mut self, now: Timestamp, mut outstanding: Outstanding, wrapped: &Wrapped) {
        self.refuse_cpim.insert(target_name(&wrapped.route), ());
        match self.send_message(now, &wrapped.message, &wrapped.route, (Wrapping::Bare, Try::Second)) {
            Ok((id, sent)) => {
                outstanding.wrapped = None;
                outstanding.sent = sent;
                self.deliveries.insert(id, outstanding);
            }
            Err(outcome) => self.tell_delivery(outstanding, outcome, None),
        }
    }

    pub(super) fn find_target(&self, route: &DeliveryRoute) -> Result<(Option<Uri>, Vec<Way>), Outcome> {
        match route {
            DeliveryRoute::Peer(name) => {
                let peer = self.settings.peers.find(name).ok_or(Outcome::UnknownDomain)?;
                Ok((None, peer.ways.clone()))
            }
            DeliveryRoute::Endpoint(endpoint) => {
                let binding = self.find_binding(&endpoint.id).ok_or(Outcome::NotLoggedIn)?;
                let uri = binding.contact.uri();
                uri.as_sip().ok_or(Outcome::BadAddress)?;
                let source = binding.source.as_deref().and_then(parse_source);
                let hop = self.contact_hop(uri, source).ok_or(Outcome::Undeliverable)?;
                Ok((Some(uri.clone()), vec![Way::Hop(hop)]))
            }
        }
    }

    // RFC 3428 §4
    /// A MESSAGE.
    pub(super) fn message_request(
        &mut self,
        letter: &Letter<'_>,
        target: Option<sip_proto::message::Uri>,
        assertion: Assertion,
        now: Timestamp,
    ) -> Result<Request, Outcome> {
        let sender = address::from_neutral(letter.sender).map_err(|_| Outcome::BadAddress)?;
        let recipient = address::from_neutral(letter.recipient).map_err(|_| Outcome::BadAddress)?;
        let (tag, call_id) = (self.ids.tag_of(&letter.name), self.ids.call_id_of(&letter.name));
        let mut identity = Vec::new();
        // RFC 3325 §5
        if assertion == Assertion::Made {
            identity.push(Header::new(HeaderName::PAssertedIdentity, NameAddr::new(sender.clone())));
        }
        let from = match letter.disclosure {
            Disclosure::Named => NameAddr::new(sender),
            // RFC 3323 §4.1, RFC 3325 §7: those who are trusted know him, and are told to keep it to themselves.
            Disclosure::Anonymous => {
                identity.push(Header::new(HeaderName::Privacy, "id"));
                let uri = address::from_neutral(&Address::anonymous()).map_err(|_| Outcome::BadAddress)?;
                NameAddr::new(uri)
            }
        };
        let lifetime = letter.expires.into_iter().flat_map(|(sent, expires)| {
            let seconds = u32::try_from(now.until(expires).as_secs()).unwrap_or(u32::MAX);
            let date = Header::new(HeaderName::Date, Date::from_unix_s(sent.as_secs()));
            [date, Header::new(HeaderName::Expires, seconds)]
        });
        let (media_type, body) = &letter.body;
        let request = Request::new(Method::Message, target.unwrap_or_else(|| recipient.clone()))
            .with(Header::new(HeaderName::MaxForwards, 70))
            .with(Header::new(HeaderName::From, from.with_tag(&tag)))
            .with(Header::new(HeaderName::To, NameAddr::new(recipient)))
            .with(Header::new(HeaderName::CallId, call_id))
            .with(Header::new(HeaderName::CSeq, CSeq::new(letter.sequence, Method::Message)));
        let request = lifetime.fold(request, Request::with).with_body(media_type, body.clone());
        Ok(identity.into_iter().fold(request, Request::with))
    }

    /// Identities are asserted to trusted neighbours, and to nobody else.
    pub(super) fn assertion(&self, route: &DeliveryRoute) -> Assertion {
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
        let is_perhaps_large = octets_at_most(&request) > DATAGRAM_OCTETS_MAX;
        if is_perhaps_large && self.refuse_streams.contains_key(&outgoing.hop.address) {
            outgoing.datagram_rule = DatagramRule::AnySize;
        }
        let is_tried_again = is_perhaps_large && outgoing.datagram_rule == DatagramRule::SmallOnly;
        let again = is_tried_again.then(|| request.clone());
        match (self.table.send_request(to_sip(now), request, &outgoing), again) {
            (Ok(id), _) => Ok(id),
            (Err(SendError::TooLargeForDatagram), Some(again)) => {
                outgoing.datagram_rule = DatagramRule::AnySize;
                let datagram = outgoing.hop.clone();
                outgoing.hop = Hop { transport: Transport::Tcp, connection: None, ..outgoing.hop };
                let kept = again.clone();
                let id = self.table.send_request(to_sip(now), again, &outgoing).map_err(|_| Outcome::Unavailable)?;
                self.second_ways.insert(id, (kept, datagram));
                Ok(id)
            }
            (Err(SendError::Full), _) => Err(Outcome::Unavailable),
            (
                Err(
                    SendError::TooLargeForDatagram
                    | SendError::UnsupportedMethod(_)
                    | SendError::NothingToCancel
                    | SendError::Write(_),
                ),
                _,
            ) => Err(Outcome::InternalError),
        }
    }

    /// The stream was refused: the request goes as a datagram, and whoever waits for its answer waits on. Returns
    /// whether there was this second way.
    pub(super) fn take_second_way(&mut self, now: Timestamp, id: ClientTransactionId) -> bool {
        let Some((request, hop)) = self.second_ways.remove(&id) else { return false };
        self.refuse_streams.insert(hop.address, ());
        let outgoing = Outgoing { datagram_rule: DatagramRule::AnySize, ..self.outgoing(hop) };
        let Ok(second) = self.table.send_request(to_sip(now), request, &outgoing) else { return false };
        self.rename(id, second);
        true
    }

    pub(super) fn conclude_delivery(&mut self, now: Timestamp, mut outstanding: Outstanding, conclusion: &Conclusion) {
        let status = conclusion.status();
        if let (401 | 407, Conclusion::Response(response)) = (status, conclusion)
            && let Some(sent) = outstanding.sent.take()
            && sent.challenges < CHALLENGES_MAX
            && is_fresh(response, &sent.request)
        {
            return self.authorize_message(now, outstanding, sent, response);
        }
        if let Some(wrapped) = outstanding.wrapped.take() {
            match status {
                415 => return self.send_bare(now, outstanding, &wrapped),
                // Whoever takes the wrapping owes the notification that it asks for.
                200..=299 => return self.tell_delivery(outstanding, Outcome::Stored, None),
                _ => {}
            }
        }
        let retry_after = match conclusion {
            Conclusion::Response(response) => retry_after(response),
            Conclusion::Nowhere => return self.tell_delivery(outstanding, Outcome::UnknownDomain, None),
            Conclusion::TimedOut | Conclusion::RequestFailed => None,
        };
        self.tell_delivery(outstanding, from_status(status, CodePurpose::Message), retry_after);
    }

    fn tell_delivery(&mut self, outstanding: Outstanding, outcome: Outcome, retry_after: Option<Duration>) {
        let Outstanding { delivery, owner, correlation, wrapped: _, sent: _ } = outstanding;
        self.tell(correlation, EventKind::Delivered(Delivery { delivery, owner, outcome, retry_after }));
        self.wake.notify_one();
    }
}

/// How long a request is at most when it is written. Nothing is written for it.
fn octets_at_most(request: &Request) -> usize {
    let mut uri = Length(0);
    // Counting does not fail.
    let _ = write!(uri, "{}", request.uri());
    let line = |name: usize, value: usize| name.saturating_add(value).saturating_add(LINE_OCTETS);
    let lines = request.headers().iter().map(|field| line(field.name().as_str().len(), field.raw().len()));
    lines.fold(MORE_OCTETS.saturating_add(uri.0).saturating_add(request.body().len()), usize::saturating_add)
}

/// Counts what is written.
struct Length(usize);

impl fmt::Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.saturating_add(text.len());
        Ok(())
    }
}

/// A number that is higher for every later attempt: tenths of a second since the message was sent, which no record needs
/// to remember. Attempts are further apart than that.
fn attempt_sequence(message: &Message, now: Timestamp, repeated: Try) -> Sequence {
    let tenths = message.sent.until(now).as_millis() / 100;
    let number = tenths.saturating_add(if repeated == Try::Second { RETRY_STEP } else { 1 });
    u32::try_from(number).ok().and_then(|number| Sequence::from_number(number).ok()).unwrap_or(Sequence::FIRST)
}

/// Whom a route leads to, for remembering what is refused there.
fn target_name(route: &DeliveryRoute) -> Arc<str> {
    match route {
        DeliveryRoute::Peer(peer) => Arc::from(format!("peer {}", peer.as_str())),
        DeliveryRoute::Endpoint(endpoint) => Arc::from(endpoint.id.as_ref()),
    }
}

pub(super) fn retry_after(response: &Response) -> Option<Duration> {
    response.headers().retry_after().ok().flatten().map(|value| Duration::from_secs(u64::from(value.seconds)))
}

/// One for the server, one for a proxy, and once again for each because the nonce was stale.
const CHALLENGES_MAX: u8 = 4;

/// How much higher the number of a second try is: attempts before it may have been challenged.
const RETRY_STEP: u128 = 1 + CHALLENGES_MAX as u128;

/// Colon, blank and end of a line.
const LINE_OCTETS: usize = 4;

/// The rest of the start line, our Via and Content-Length: a name of a host is no longer than 255 octets.
const MORE_OCTETS: usize = 400;

/// When a full or overloaded part of the gateway may be asked again.
const RETRY_AFTER_S: u32 = 30;

#[cfg(test)]
mod tests {
    use super::*;
    use sip_proto::message::{Header, HeaderName, Method, uri::Uri};

    #[test]
    fn rfc3261_18_1_1_no_request_is_longer_than_it_is_taken_for() {
        let via = format!("SIP/2.0/TCP {}:65535;branch=z9hG4bK-{};rport", "h".repeat(255), "b".repeat(50));
        for user in [1, 250, 1200] {
            let uri = Uri::parse(&format!("sip:{}@h", "u".repeat(user))).unwrap();
            let request = Request::new(Method::Subscribe, uri).with(Header::new(HeaderName::MaxForwards, 70));
            let assumed = octets_at_most(&request);
            let written = request.with(Header::new(HeaderName::Via, &via)).write().unwrap();
            assert!(assumed >= written.len() && assumed < user + 500, "{assumed} for {}", written.len());
        }
    }
}
