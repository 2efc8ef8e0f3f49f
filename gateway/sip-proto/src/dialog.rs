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
use crate::message::uri::Uri;

pub mod record;

// RFC 3261 §12
/// The state of one dialog, of either role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialog {
    id: DialogId,
    /// Own address with own tag: From of requests sent.
    local: NameAddr,
    /// The other side's address with its tag: To of requests sent.
    remote: NameAddr,
    /// Own Contact: the target of the other side's requests.
    contact: Contact,
    remote_target: Uri,
    route_set: Vec<NameAddr>,
    local_sequence: Sequence,
    /// Up to here the last record allows sequence numbers to be used.
    reserved_sequence: Sequence,
    remote_sequence: Option<Sequence>,
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
    pub fn from_notify(notify: &Request, contact: Contact, local_sequence: Sequence) -> Result<Self, DialogError> {
        // RFC 3261 §12.1.1: the recipient of a request takes the route set in the order in which it came.
        Self::from_request(notify, notify.headers().to()?.detach(), contact, local_sequence)
    }

    // RFC 3261 §12.1.1
    /// The notifier's dialog, made from a SUBSCRIBE without To tag and the tag that goes into its answer.
    ///
    /// # Errors
    /// [`DialogError`] when the SUBSCRIBE lacks what a dialog needs.
    pub fn from_subscribe(subscribe: &Request, local_tag: &Tag, contact: Contact) -> Result<Self, DialogError> {
        let local = subscribe.headers().to()?.detach().with_tag(local_tag);
        Self::from_request(subscribe, local, contact, Sequence::FIRST)
    }

    // RFC 3261 §12.1.2
    /// The dialog of a client whose request was answered with a 2xx that opens one.
    ///
    /// # Errors
    /// [`DialogError`] when the response lacks what a dialog needs.
    pub fn from_response(response: &Response, contact: Contact) -> Result<Self, DialogError> {
        let local = response.headers().from()?;
        let remote = response.headers().to()?;
        let id = DialogId {
            call_id: response.headers().call_id()?.detach(),
            local_tag: local.tag().ok_or(DialogError::MissingTag)?.detach(),
            remote_tag: remote.tag().ok_or(DialogError::MissingTag)?.detach(),
        };
        let mut route_set = detached(response.headers().record_routes()?);
        route_set.reverse();
        Ok(Self {
            id,
            local: local.detach(),
            remote: remote.detach(),
            contact,
            remote_target: first_contact(response.headers())?,
            route_set,
            local_sequence: response.headers().cseq()?.sequence,
            reserved_sequence: Sequence::FIRST,
            remote_sequence: None,
        })
    }

    // RFC 3261 §12.2.1.1
    /// A request inside the dialog: the next sequence number, the route of the dialog and own Contact.
    pub fn request(&mut self, method: Method) -> Request {
        self.jump(1);
        let (target, routes) = self.route();
        let mut request = Request::new(method.clone(), target)
            .with(Header::new(HeaderName::MaxForwards, MAX_FORWARDS))
            .with(Header::new(HeaderName::From, &self.local))
            .with(Header::new(HeaderName::To, &self.remote))
            .with(Header::new(HeaderName::CallId, &self.id.call_id))
            .with(Header::new(HeaderName::CSeq, CSeq::new(self.local_sequence, method)))
            .with(Header::new(HeaderName::Contact, &self.contact));
        for route in routes {
            request.push(Header::new(HeaderName::Route, route));
        }
        request
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
        if let Some(contact) = headers.contact_first()? {
            self.remote_target = contact.uri().detach();
        }
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
    pub const fn id(&self) -> &DialogId {
        &self.id
    }

    /// The Request-URI of the next request.
    #[must_use]
    pub fn request_uri(&self) -> Uri {
        self.route().0
    }

    /// The URI that the other side named in its Contact.
    #[must_use]
    pub const fn remote_target(&self) -> &Uri {
        &self.remote_target
    }

    /// The address of the other side with its tag.
    #[must_use]
    pub const fn remote(&self) -> &NameAddr {
        &self.remote
    }

    /// Own address with own tag.
    #[must_use]
    pub const fn local(&self) -> &NameAddr {
        &self.local
    }

    /// Own Contact.
    #[must_use]
    pub const fn contact(&self) -> &Contact {
        &self.contact
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
        local: NameAddr,
        contact: Contact,
        local_sequence: Sequence,
    ) -> Result<Self, DialogError> {
        let remote = request.headers().from()?;
        let id = DialogId {
            call_id: request.headers().call_id()?.detach(),
            local_tag: local.tag().ok_or(DialogError::MissingTag)?.detach(),
            remote_tag: remote.tag().ok_or(DialogError::MissingTag)?.detach(),
        };
        Ok(Self {
            id,
            local,
            remote: remote.detach(),
            contact,
            remote_target: first_contact(request.headers())?,
            route_set: detached(request.headers().record_routes()?),
            local_sequence,
            reserved_sequence: Sequence::FIRST,
            remote_sequence: Some(request.headers().cseq()?.sequence),
        })
    }

    // RFC 3261 §12.2.1.1
    /// Request-URI and Route header fields.
    fn route(&self) -> (Uri, Vec<NameAddr>) {
        let Some((first, rest)) = self.route_set.split_first() else {
            return (self.remote_target.clone(), Vec::new());
        };
        if first.uri().as_sip().is_some_and(|uri| uri.is_loose_route()) {
            return (self.remote_target.clone(), self.route_set.clone());
        }
        // A strict router puts the next Route into the Request-URI: the target travels at the end.
        let mut routes = rest.to_vec();
        routes.push(NameAddr::new(self.remote_target.clone()));
        (strict_target(first.uri()), routes)
    }
}

// RFC 3261 §19.1.1
/// A route as Request-URI: without header fields and the method parameter, which are not allowed there.
fn strict_target(route: &Uri) -> Uri {
    let mut target = route.clone();
    if let Some(uri) = target.as_sip_mut() {
        uri.clear_headers();
        uri.params_mut().remove("method");
    }
    target
}

fn first_contact(headers: &Headers) -> Result<Uri, DialogError> {
    let contact = headers.contact_first()?.ok_or(DialogError::MissingContact)?;
    Ok(contact.uri().detach())
}

fn detached(routes: Vec<NameAddr<&str>>) -> Vec<NameAddr> {
    routes.iter().map(NameAddr::detach).collect()
}

// RFC 3261 §8.1.1.6
const MAX_FORWARDS: u8 = 70;

#[cfg(test)]
mod tests;
