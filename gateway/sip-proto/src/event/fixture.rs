//! For tests: messages between a watcher and a notifier.

use super::body::Body;
use super::credential::CredentialSource;
use super::lifetime::Jitter;
use super::package::{Forks, PackageRegistry};
use super::subscriber::settings::{Conditional, SubscriberSettings};
use crate::message::header::address::NameAddr;
use crate::message::header::contact::Contact;
use crate::message::header::event::Event;
use crate::message::header::identifier::{CallId, Tag};
use crate::message::header::media_type::MediaType;
use crate::message::headers::Header;
use crate::message::method::Method;
use crate::message::name::HeaderName;
use crate::message::request::Request;
use crate::message::response::Response;
use crate::message::status::StatusCode;
use crate::message::uri::Uri;
use crate::time::Timestamp;
use crate::transaction::timer::TimerValues;
use bytes::Bytes;

pub(crate) fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub(crate) fn address(text: &str) -> NameAddr {
    NameAddr::parse(text).unwrap()
}

pub(crate) fn contact(text: &str) -> Contact {
    Contact::new(Uri::parse(text).unwrap())
}

pub(crate) fn document(text: &str) -> Option<Body> {
    let media_type = MediaType::parse("application/pidf+xml").unwrap();
    Some(Body::new(media_type, Bytes::copy_from_slice(text.as_bytes())))
}

pub(crate) fn packages() -> PackageRegistry {
    PackageRegistry::with_presence()
}

pub(crate) fn settings(expires_s: u32) -> SubscriberSettings {
    SubscriberSettings {
        target: Uri::parse("sip:bob@sip.example").unwrap(),
        local: address("<sip:alice@wv.example>"),
        remote: address("<sip:bob@sip.example>"),
        contact: contact("sip:gw@192.0.2.1:5060"),
        event: Event::new("presence").unwrap(),
        accept: vec![MediaType::parse("application/pidf+xml").unwrap()],
        expires_s,
        routes: Vec::new(),
        headers: Vec::new(),
        call_id: CallId::parse("call-1").unwrap(),
        tag: Tag::parse("watcher").unwrap(),
        jitter: Jitter::default(),
        timers: TimerValues::default(),
        forks: Forks::OneDialog,
        credentials: CredentialSource::None,
        conditional: Conditional::Off,
        known: None,
    }
}

/// The answer to a request as its recipient writes it.
pub(crate) fn answer(request: &Request, status: u16) -> Response {
    let status = StatusCode::from_number(status).unwrap();
    Response::for_request(request, status, Some(&Tag::parse("notifier").unwrap()))
}

/// A NOTIFY of a notifier with this tag to the watcher of [`settings`].
pub(crate) fn notify(tag: &str, sequence: u32, state: &str, body: Option<&str>) -> Request {
    let mut request = Request::new(Method::Notify, Uri::parse("sip:gw@192.0.2.1:5060").unwrap())
        .with(Header::new(HeaderName::From, format!("<sip:bob@sip.example>;tag={tag}")))
        .with(Header::new(HeaderName::To, "<sip:alice@wv.example>;tag=watcher"))
        .with(Header::new(HeaderName::CallId, "call-1"))
        .with(Header::new(HeaderName::CSeq, format!("{sequence} NOTIFY")))
        .with(Header::new(HeaderName::Contact, "<sip:pa@192.0.2.9:5060>"))
        .with(Header::new(HeaderName::Event, "presence"))
        .with(Header::new(HeaderName::SubscriptionState, state));
    if let Some(body) = document(body.unwrap_or_default()).filter(|_| body.is_some()) {
        request = request.with_body(body.media_type(), body.content().clone());
    }
    request
}

/// A SUBSCRIBE of the watcher of [`settings`] to a notifier; inside its dialog when that has a tag.
pub(crate) fn subscribe(notifier_tag: Option<&str>, sequence: u32, expires_s: Option<u32>) -> Request {
    let to_tag = notifier_tag.map(|tag| format!(";tag={tag}")).unwrap_or_default();
    let mut request = Request::new(Method::Subscribe, Uri::parse("sip:bob@sip.example").unwrap())
        .with(Header::new(HeaderName::From, "<sip:alice@wv.example>;tag=watcher"))
        .with(Header::new(HeaderName::To, format!("<sip:bob@sip.example>{to_tag}")))
        .with(Header::new(HeaderName::CallId, "call-1"))
        .with(Header::new(HeaderName::CSeq, format!("{sequence} SUBSCRIBE")))
        .with(Header::new(HeaderName::Contact, "<sip:gw@192.0.2.1:5060>"))
        .with(Header::new(HeaderName::Event, "presence"));
    if let Some(seconds) = expires_s {
        request.push(Header::new(HeaderName::Expires, seconds));
    }
    request
}
