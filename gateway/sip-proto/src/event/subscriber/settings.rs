//! What a subscription is about, fixed for its life.

use crate::event::credential::CredentialSource;
use crate::event::lifetime::Jitter;
use crate::event::package::Forks;
use crate::message::header::address::NameAddr;
use crate::message::header::contact::Contact;
use crate::message::header::event::Event;
use crate::message::header::identifier::{CallId, EntityTag, Tag};
use crate::message::header::media_type::MediaType;
use crate::message::headers::{Header, Headers};
use crate::message::name::HeaderName;
use crate::message::request::Request;
use crate::message::text::Text;
use crate::message::uri::Uri;
use crate::transaction::timer::TimerValues;

/// The constants of one subscription.
#[derive(Clone, Debug)]
pub struct SubscriberSettings {
    /// Request-URI of the initial SUBSCRIBE.
    pub target: Uri,
    /// From, without tag.
    pub local: NameAddr,
    /// To, without tag.
    pub remote: NameAddr,
    /// Where NOTIFYs are to come.
    pub contact: Contact,
    /// Package and id.
    pub event: Event,
    /// Body types that are understood.
    pub accept: Vec<MediaType>,
    /// The lifetime to ask for; zero fetches the state once.
    pub expires_s: u32,
    /// Routes set in advance: outbound proxies.
    pub routes: Vec<NameAddr>,
    /// Further header fields of every SUBSCRIBE: identity, supported extensions, product.
    pub headers: Vec<Header>,
    /// A fresh Call-ID.
    pub call_id: CallId,
    /// A fresh From tag.
    pub tag: Tag,
    /// How much earlier to refresh.
    pub jitter: Jitter,
    /// Timer N is 64 times T1.
    pub timers: TimerValues,
    /// Whether several notifiers may answer. [`Forks::Several`] only for packages that say so, or peers known to fork.
    pub forks: Forks,
    /// Who answers challenges.
    pub credentials: CredentialSource,
    /// Whether refreshes ask to be spared a NOTIFY that tells nothing new.
    pub conditional: Conditional,
    /// The tag of the state that the owner has from an earlier subscription.
    pub known: Option<EntityTag>,
}

// RFC 5839 §4
/// Whether refreshes carry Suppress-If-Match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conditional {
    /// Never.
    #[default]
    Off,
    /// When the last NOTIFY had a SIP-ETag.
    On,
}

impl SubscriberSettings {
    /// Adds what every SUBSCRIBE says besides addresses and numbers.
    pub(super) fn complete(&self, request: &mut Request, expires_s: u32, known: Option<&EntityTag>) {
        request.push(Header::new(HeaderName::Event, &self.event));
        request.push(Header::new(HeaderName::Expires, expires_s));
        // RFC 3856 §6.5
        let accept: Vec<String> = self.accept.iter().map(ToString::to_string).collect();
        if !accept.is_empty() {
            request.push(Header::new(HeaderName::Accept, accept.join(", ")));
        }
        if let Some(tag) = known {
            request.push(Header::new(HeaderName::SuppressIfMatch, tag));
        }
        for header in &self.headers {
            request.push(header.clone());
        }
    }

    /// Whether a NOTIFY answers this SUBSCRIBE: Call-ID and own tag are the same.
    // RFC 6665 §4.4.1
    pub(super) fn is_addressed_by(&self, notify: &Headers) -> bool {
        let own_tag = notify.to().ok().and_then(|to| to.tag());
        notify.call_id().is_ok_and(|call_id| call_id == self.call_id) && own_tag.is_some_and(|tag| tag == self.tag)
    }

    /// The name of the package.
    #[must_use]
    pub fn package(&self) -> &Text {
        self.event.package()
    }
}
