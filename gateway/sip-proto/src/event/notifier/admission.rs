//! Whether a SUBSCRIBE may have what it asks for, before anybody's permission is asked.

use crate::error::HeaderError;
use crate::event::package::{EventPackage, ExpiresVerdict, PackageRegistry};
use crate::message::header::event::Event;
use crate::message::header::identifier::Tag;
use crate::message::headers::{Header, Headers};
use crate::message::name::HeaderName;
use crate::message::request::Request;
use crate::message::response::Response;
use crate::message::status::StatusCode;
use crate::message::text::{Text, Words};
use std::sync::Arc;

/// An admissible SUBSCRIBE: what it is for and how long it may last.
#[derive(Clone, Debug)]
pub struct Admission<'a> {
    /// The package.
    pub package: &'a Arc<EventPackage>,
    /// The Event header field.
    pub event: Text,
    /// The lifetime granted; zero for a fetch or the end of a subscription.
    pub expires_s: u32,
}

/// An inadmissible SUBSCRIBE: the status code and what explains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status code.
    pub status: StatusCode,
    /// The header field that explains it.
    pub explanation: Option<Header>,
}

impl<'a> Admission<'a> {
    // RFC 6665 §4.2.1.1
    /// Checks a SUBSCRIBE outside a dialog. Authentication and authorisation are the owner's, before and after.
    ///
    /// # Errors
    /// [`Refusal`]: 481 for a To tag of a dialog that is not known, 489, 400, 406 and 423 as the RFC has it.
    pub fn check(subscribe: &Request, packages: &'a PackageRegistry) -> Result<Self, Refusal> {
        let headers = subscribe.headers();
        // RFC 3261 §12.2.2
        if headers.to()?.tag().is_some() {
            return Err(Refusal::plain(StatusCode::CALL_DOES_NOT_EXIST));
        }
        let event = headers.event()?.ok_or_else(|| Refusal::bad_event(packages))?;
        let package = packages.find(event.package()).ok_or_else(|| Refusal::bad_event(packages))?;
        let expires_s = check_content(headers, package)?;
        Ok(Self { package, event: keep_event(&event, package), expires_s })
    }
}

/// The value of Event as notifiers keep it: there may be very many, and nearly all say no more than the package.
pub(super) fn keep_event<T: Words>(event: &Event<T>, package: &EventPackage) -> Text {
    let written = event.to_string();
    if written == package.name { Text::from_static(package.name) } else { Text::from(written) }
}

/// Checks what holds inside and outside of dialogs and gives the lifetime.
pub(super) fn check_content(headers: &Headers, package: &EventPackage) -> Result<u32, Refusal> {
    // RFC 6665 §8.1.1, S-NT-04
    if headers.contact_first()?.is_none() {
        return Err(Refusal::plain(StatusCode::BAD_REQUEST));
    }
    // RFC 6665 §4.1.2.1: without Accept the default type of the package is meant.
    if let Some(ranges) = headers.accept()?
        && !package.content_types.iter().any(|own| ranges.iter().any(|range| range.admits(own)))
    {
        let accept = Header::new(HeaderName::Accept, package.content_types.join(", "));
        return Err(Refusal { status: StatusCode::NOT_ACCEPTABLE, explanation: Some(accept) });
    }
    match package.expires.judge(headers.expires_s()?) {
        ExpiresVerdict::Granted(seconds) => Ok(seconds),
        ExpiresVerdict::TooBrief(min_s) => Err(Refusal {
            status: StatusCode::INTERVAL_TOO_BRIEF,
            explanation: Some(Header::new(HeaderName::MinExpires, min_s)),
        }),
    }
}

impl Refusal {
    /// A refusal without explanation.
    #[must_use]
    pub const fn plain(status: StatusCode) -> Self {
        Self { status, explanation: None }
    }

    /// The response that says so.
    #[must_use]
    pub fn to_response(&self, request: &Request, tag: &Tag) -> Response {
        let mut response = Response::for_request(request, self.status, Some(tag));
        if let Some(header) = &self.explanation {
            response.push(header.clone());
        }
        response
    }

    // RFC 6665 §8.3.2
    fn bad_event(packages: &PackageRegistry) -> Self {
        let names: Vec<&str> = packages.names().collect();
        let allow = Header::new(HeaderName::AllowEvents, names.join(", "));
        Self { status: StatusCode::BAD_EVENT, explanation: Some(allow) }
    }
}

impl From<HeaderError> for Refusal {
    fn from(_: HeaderError) -> Self {
        Self::plain(StatusCode::BAD_REQUEST)
    }
}
