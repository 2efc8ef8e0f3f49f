//! Dialogs: who speaks to whom over which route, and with which sequence numbers.

use crate::error::HeaderError;
use crate::message::header::address::NameAddr;
use crate::message::header::contact::Contact;
use crate::message::header::cseq::{CSeq, Sequence};
use crate::message::header::identifier::{CallId, Tag};
use crate::message::headers::{Header, Headers};
use crate::message::method::Method;
use crate::message::name::HeaderName;
use crate::message::request::Request;
use crate::message::response::Response;
use crate::message::uri::{SipUri, Uri};
use bytes::Bytes;
use std::fmt::{self, Write as _};
use std::ops::Range;
use std::sync::Arc;

pub mod record;

// RFC 3261 §12
/// The state of one dialog, of either role. What its requests repeat is one text, which they share: there may be very many
/// dialogs, and each says the same again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialog {
    text: Arc<str>,
    ends: Ends,
    /// Where each route ends that stands behind the rest.
    route_ends: Option<Box<[u32]>>,
    local_sequence: Sequence,
    /// Up to here the last record allows sequence numbers to be used.
    reserved_sequence: Sequence,
    remote_sequence: Option<Sequence>,
}

/// Where the parts of the text end; each begins where the one before ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ends {
    call_id: u32,
    /// Own address with own tag: From of requests sent.
    local: u32,
    /// The other side's address with its tag: To of requests sent.
    remote: u32,
    /// Own Contact: the target of the other side's requests.
    contact: u32,
    /// The URI that the other side named in its Contact.
    target: u32,
}

// RFC 3261 §12
/// What names a dialog.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DialogId {
    /// The Call-ID.
    pub call_id: CallId,
    /// The tag of this side.
    pub local_tag: Tag,
    /// The tag of the other side.
    pub remote_tag: Tag,
}

/// Why a message opens no dialog or does not belong to it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialogError {
    /// A header field is missing or malformed: 400.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// From or To lacks the tag that names the other side: 400.
    #[error("the tag of the other side is missing")]
    MissingTag,
    /// No Contact to send requests to: 400.
    #[error("the message that opens the dialog has no Contact")]
    MissingContact,
    // RFC 3261 §12.2.2
    /// The sequence number is not higher than the last one: 500.
    #[error("the sequence number does not follow the last one")]
    SequenceTooLow {
        /// What came.
        received: Sequence,
        /// The highest number seen before.
        last: Sequence,
    },
}

impl DialogId {
    /// The dialog that a request received here belongs to: own tag in To, the other's in From. `None` without both tags.
    #[must_use]
    pub fn of_request(request: &Request) -> Option<Self> {
        Some(Self {
            call_id: request.headers().call_id().ok()?.detach(),
            local_tag: request.headers().to().ok()?.tag()?.detach(),
            remote_tag: request.headers().from().ok()?.tag()?.detach(),
        })
    }
}

impl Dialog {
    // RFC 6665 §4.4.1
    /// The subscriber's dialog, made from the first NOTIFY: remote tag, target and route set come from it.
    ///
    /// `local_sequence` is that of the last SUBSCRIBE sent, `contact` the one it carried.
    ///
    /// # Errors
    /// [`DialogError`] when the NOTIFY lacks what a dialog needs.
    pub fn from_notify(notify: &Request, contact: &Contact, local_sequence: Sequence) -> Result<Self, DialogError> {
        let local = notify.headers().to()?;
        local.tag().ok_or(DialogError::MissingTag)?;
        // RFC 3261 §12.1.1: the recipient of a request takes the route set in the order in which it came.
        Self::from_request(notify, &local, contact, local_sequence)
    }

    // RFC 3261 §12.1.1
    /// The notifier's dialog, made from a SUBSCRIBE without To tag and the tag that goes into its answer.
    ///
    /// # Errors
    /// [`DialogError`] when the SUBSCRIBE lacks what a dialog needs.
    pub fn from_subscribe(subscribe: &Request, local_tag: &Tag, contact: &Contact) -> Result<Self, DialogError> {
        let to = subscribe.headers().to()?;
        if to.tag().is_none() {
            return Self::from_request(subscribe, &format_args!("{to};tag={local_tag}"), contact, Sequence::FIRST);
        }
        Self::from_request(subscribe, &to.detach().with_tag(local_tag), contact, Sequence::FIRST)
    }

    // RFC 3261 §12.1.2
    /// The dialog of a client whose request was answered with a 2xx that opens one.
    ///
    /// # Errors
    /// [`DialogError`] when the response lacks what a dialog needs.
    pub fn from_response(response: &Response, contact: &Contact) -> Result<Self, DialogError> {
        let headers = response.headers();
        let (local, remote) = (headers.from()?, headers.to()?);
        local.tag().ok_or(DialogError::MissingTag)?;
        remote.tag().ok_or(DialogError::MissingTag)?;
        let mut routes = headers.record_routes()?;
        routes.reverse();
        let target = first_contact(headers)?;
        let parts = Parts { call_id: &headers.call_id()?, local: &local, remote: &remote, contact, target: &target };
        Self::of(&parts, &routes, headers.cseq()?.sequence, None)
    }

    // RFC 3261 §12.2.1.1
    /// A request inside the dialog: the next sequence number, the route of the dialog and own Contact.
    pub fn request(&mut self, method: Method) -> Request {
        self.jump(1);
        let mut headers = Headers::over(Arc::clone(&self.text), HEADERS_USUAL);
        headers.push(Header::from_raw(HeaderName::MaxForwards, Bytes::from_static(MAX_FORWARDS)));
        headers.push_part(HeaderName::From, self.local_place());
        headers.push_part(HeaderName::To, self.remote_place());
        headers.push_part(HeaderName::CallId, self.call_id_place());
        headers.push(Header::new(HeaderName::CSeq, CSeq::new(self.local_sequence, method.clone())));
        headers.push_part(HeaderName::Contact, self.contact_place());
        if self.is_loose() {
            self.route_places().for_each(|place| headers.push_part(HeaderName::Route, place));
            return Request::from_parts(method, self.remote_target(), headers, Bytes::new());
        }
        // A strict router puts the next Route into the Request-URI: the target travels at the end.
        self.route_places().skip(1).for_each(|place| headers.push_part(HeaderName::Route, place));
        headers.push(Header::new(HeaderName::Route, NameAddr::new(self.remote_target())));
        Request::from_parts(method, self.request_uri(), headers, Bytes::new())
    }

    // RFC 3261 §12.2.2
    /// Checks that a request of the other side comes in order and remembers its number.
    ///
    /// # Errors
    /// [`DialogError::SequenceTooLow`] for a number that does not exceed the last one.
    pub fn accept_sequence(&mut self, received: Sequence) -> Result<(), DialogError> {
        match self.remote_sequence {
            Some(last) if received <= last => Err(DialogError::SequenceTooLow { received, last }),
            Some(_) | None => {
                self.remote_sequence = Some(received);
                Ok(())
            }
        }
    }

    // RFC 3261 §12.2.1.2, §12.2.2
    /// Takes the target of the other side from a target refresh request or its 2xx; without Contact the old one stays.
    ///
    /// # Errors
    /// [`DialogError::Header`] when the Contact is malformed.
    pub fn refresh_target(&mut self, headers: &Headers) -> Result<(), DialogError> {
        let Some(contact) = headers.contact_first()? else { return Ok(()) };
        let target = contact.uri().to_string();
        if target == self.part(self.target_place()) {
            return Ok(());
        }
        let parts = Parts {
            call_id: &self.part(self.call_id_place()),
            local: &self.part(self.local_place()),
            remote: &self.part(self.remote_place()),
            contact: &self.part(self.contact_place()),
            target: &target,
        };
        let routes: Vec<&str> = self.route_places().map(|place| self.part(place)).collect();
        let moved = Self::of(&parts, &routes, self.local_sequence, self.remote_sequence)?;
        *self = Self { reserved_sequence: self.reserved_sequence, ..moved };
        Ok(())
    }

    /// Moves the own sequence number up: what a restart may have used without a record is skipped. The number stays at the
    /// end of its range instead of leaving it; no dialog lives that long.
    pub fn jump(&mut self, by: u32) {
        let number = self.local_sequence.to_number().saturating_add(by);
        self.local_sequence = Sequence::from_number(number).unwrap_or(self.local_sequence);
    }

    /// What names the dialog.
    #[must_use]
    pub fn id(&self) -> DialogId {
        #[expect(clippy::expect_used, reason = "it was one when the dialog was made")]
        let call_id = CallId::parse(self.part(self.call_id_place())).expect("the Call-ID of a dialog is one");
        DialogId { call_id, local_tag: self.local_tag(), remote_tag: self.remote_tag() }
    }

    /// Whether a request received here belongs to the dialog.
    #[must_use]
    pub fn is_of(&self, request: &Request) -> bool {
        let headers = request.headers();
        let has_tag = |address: Result<NameAddr<&str>, HeaderError>, own: Range<usize>| {
            let own = NameAddr::read(self.part(own));
            address.is_ok_and(|address| {
                let tag = address.tag();
                tag.is_some() && own.is_ok_and(|own| own.tag() == tag)
            })
        };
        headers.call_id().is_ok_and(|call_id| call_id.as_str() == self.part(self.call_id_place()))
            && has_tag(headers.to(), self.local_place())
            && has_tag(headers.from(), self.remote_place())
    }

    /// The tag of this side.
    #[must_use]
    pub fn local_tag(&self) -> Tag {
        self.tag_of(self.local_place())
    }

    /// The tag of the other side.
    #[must_use]
    pub fn remote_tag(&self) -> Tag {
        self.tag_of(self.remote_place())
    }

    /// The Request-URI of the next request.
    #[must_use]
    pub fn request_uri(&self) -> Uri {
        match self.route_places().next() {
            Some(first) if !self.is_loose() => {
                NameAddr::read(self.part(first)).map_or_else(|_| self.remote_target(), |first| strict_target(&first))
            }
            Some(_) | None => self.remote_target(),
        }
    }

    /// The URI that the other side named in its Contact.
    #[must_use]
    pub fn remote_target(&self) -> Uri {
        #[expect(clippy::expect_used, reason = "it was one when the dialog was made")]
        Uri::read(self.part(self.target_place())).expect("the target of a dialog is a URI").detach()
    }

    /// Own Contact.
    #[must_use]
    pub fn contact(&self) -> &str {
        self.part(self.contact_place())
    }

    /// The number of the last request sent.
    #[must_use]
    pub const fn local_sequence(&self) -> Sequence {
        self.local_sequence
    }

    /// The number of the last request received.
    #[must_use]
    pub const fn remote_sequence(&self) -> Option<Sequence> {
        self.remote_sequence
    }

    fn from_request(
        request: &Request,
        local: &dyn fmt::Display,
        contact: &Contact,
        local_sequence: Sequence,
    ) -> Result<Self, DialogError> {
        let headers = request.headers();
        let remote = headers.from()?;
        remote.tag().ok_or(DialogError::MissingTag)?;
        let target = first_contact(headers)?;
        let parts = Parts { call_id: &headers.call_id()?, local, remote: &remote, contact, target: &target };
        let remote_sequence = Some(headers.cseq()?.sequence);
        Self::of(&parts, &headers.record_routes()?, local_sequence, remote_sequence)
    }

    /// A dialog of these parts; both addresses have their tags.
    fn of(
        parts: &Parts<'_>,
        routes: &[impl fmt::Display],
        local_sequence: Sequence,
        remote_sequence: Option<Sequence>,
    ) -> Result<Self, DialogError> {
        let mut text = String::with_capacity(TEXT_USUAL);
        let mut end_of = |part: &dyn fmt::Display| {
            // Writing to a string does not fail.
            let _ = write!(text, "{part}");
            // A message is never so long that this cuts anything.
            u32::try_from(text.len()).unwrap_or(u32::MAX)
        };
        let ends = Ends {
            call_id: end_of(parts.call_id),
            local: end_of(parts.local),
            remote: end_of(parts.remote),
            contact: end_of(parts.contact),
            target: end_of(parts.target),
        };
        let route_ends: Box<[u32]> = routes.iter().map(|route| end_of(route)).collect();
        let dialog = Self {
            text: Arc::from(text),
            ends,
            route_ends: (!route_ends.is_empty()).then_some(route_ends),
            local_sequence,
            reserved_sequence: Sequence::FIRST,
            remote_sequence,
        };
        // What was written is read again for each request, and has to be what it was.
        let bad = |name| |error| DialogError::Header(HeaderError::Bad(name, error));
        Uri::read(dialog.part(dialog.target_place())).map_err(bad(HeaderName::Contact))?;
        CallId::parse(dialog.part(dialog.call_id_place())).map_err(bad(HeaderName::CallId))?;
        for (name, place) in [(HeaderName::From, dialog.local_place()), (HeaderName::To, dialog.remote_place())] {
            let address = NameAddr::read(dialog.part(place)).map_err(bad(name))?;
            address.tag().ok_or(DialogError::MissingTag)?;
        }
        Ok(dialog)
    }

    /// Whether requests go to the target itself, over its routes.
    fn is_loose(&self) -> bool {
        let Some(first) = self.route_places().next() else { return true };
        NameAddr::read(self.part(first)).is_ok_and(|route| route.uri().as_sip().is_some_and(SipUri::is_loose_route))
    }

    fn tag_of(&self, place: Range<usize>) -> Tag {
        let address = NameAddr::read(self.part(place));
        #[expect(clippy::expect_used, reason = "it had one when the dialog was made")]
        address.ok().and_then(|address| Some(address.tag()?.detach())).expect("addresses of a dialog have tags")
    }

    fn part(&self, place: Range<usize>) -> &str {
        self.text.get(place).unwrap_or_default()
    }

    const fn call_id_place(&self) -> Range<usize> {
        0..at(self.ends.call_id)
    }

    const fn local_place(&self) -> Range<usize> {
        at(self.ends.call_id)..at(self.ends.local)
    }

    const fn remote_place(&self) -> Range<usize> {
        at(self.ends.local)..at(self.ends.remote)
    }

    const fn contact_place(&self) -> Range<usize> {
        at(self.ends.remote)..at(self.ends.contact)
    }

    const fn target_place(&self) -> Range<usize> {
        at(self.ends.contact)..at(self.ends.target)
    }

    fn route_places(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let mut start = at(self.ends.target);
        self.route_ends.iter().flatten().map(move |end| {
            let place = start..at(*end);
            start = place.end;
            place
        })
    }
}

/// What a dialog is made of, as it is to be written.
struct Parts<'a> {
    call_id: &'a dyn fmt::Display,
    local: &'a dyn fmt::Display,
    remote: &'a dyn fmt::Display,
    contact: &'a dyn fmt::Display,
    target: &'a dyn fmt::Display,
}

#[allow(clippy::as_conversions, reason = "no platform of ours has shorter addresses")]
const fn at(end: u32) -> usize {
    end as usize
}

// RFC 3261 §19.1.1
/// A route as Request-URI: without header fields and the method parameter, which are not allowed there.
fn strict_target(route: &NameAddr<&str>) -> Uri {
    let mut target = route.uri().detach();
    if let Some(uri) = target.as_sip_mut() {
        uri.clear_headers();
        uri.params_mut().remove("method");
    }
    target
}

fn first_contact(headers: &Headers) -> Result<Uri<&str>, DialogError> {
    let contact = headers.contact_first()?.ok_or(DialogError::MissingContact)?;
    Ok(contact.uri().clone())
}

// RFC 3261 §8.1.1.6
const MAX_FORWARDS: &[u8] = b"70";

/// Header fields of a NOTIFY or SUBSCRIBE.
const HEADERS_USUAL: usize = 12;

/// Octets of the text of a dialog.
const TEXT_USUAL: usize = 384;

#[cfg(test)]
mod tests;
