//! Names of header fields.

use super::{scan, text::Text};
use crate::error::ValueError;
use bytes::Bytes;
use std::fmt;

macro_rules! names {
    ($($variant:ident $text:literal $compact:literal;)*) => {
        /// The name of a header field; compared without regard to case, the compact form is the same name.
        // RFC 3261 §7.3.3
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum HeaderName {
            $(#[doc = concat!("`", $text, "`.")] $variant,)*
            /// Any other name.
            Other(OtherName),
        }

        impl HeaderName {
            /// The names known here.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant),*];

            /// The name in its long form.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(name) => &name.0,
                }
            }

            /// The place among the names known here.
            #[inline]
            pub(super) const fn place(&self) -> Option<usize> {
                match self {
                    $(Self::$variant => Some(Known::$variant as usize),)*
                    Self::Other(_) => None,
                }
            }

            const LONG: &'static [&'static str] = &[$($text),*];
            const COMPACT: &'static [&'static str] = &[$($compact),*];
        }

        #[derive(Clone, Copy)]
        enum Known {
            $($variant,)*
        }
    };
}

names! {
    Via "Via" "v";
    MaxForwards "Max-Forwards" "";
    From "From" "f";
    To "To" "t";
    CallId "Call-ID" "i";
    CSeq "CSeq" "";
    Contact "Contact" "m";
    Route "Route" "";
    RecordRoute "Record-Route" "";
    Event "Event" "o";
    SubscriptionState "Subscription-State" "";
    Expires "Expires" "";
    MinExpires "Min-Expires" "";
    RetryAfter "Retry-After" "";
    SipETag "SIP-ETag" "";
    SipIfMatch "SIP-If-Match" "";
    SuppressIfMatch "Suppress-If-Match" "";
    Accept "Accept" "";
    AcceptEncoding "Accept-Encoding" "";
    AcceptLanguage "Accept-Language" "";
    Allow "Allow" "";
    AllowEvents "Allow-Events" "u";
    Require "Require" "";
    ProxyRequire "Proxy-Require" "";
    Supported "Supported" "k";
    Unsupported "Unsupported" "";
    ContentType "Content-Type" "c";
    ContentLength "Content-Length" "l";
    ContentEncoding "Content-Encoding" "e";
    ContentDisposition "Content-Disposition" "";
    ContentId "Content-ID" "";
    ContentLanguage "Content-Language" "";
    MimeVersion "MIME-Version" "";
    Date "Date" "";
    Timestamp "Timestamp" "";
    Authorization "Authorization" "";
    WwwAuthenticate "WWW-Authenticate" "";
    ProxyAuthorization "Proxy-Authorization" "";
    ProxyAuthenticate "Proxy-Authenticate" "";
    AuthenticationInfo "Authentication-Info" "";
    PAssertedIdentity "P-Asserted-Identity" "";
    PPreferredIdentity "P-Preferred-Identity" "";
    Privacy "Privacy" "";
    Identity "Identity" "y";
    Path "Path" "";
    ServiceRoute "Service-Route" "";
    ReferTo "Refer-To" "r";
    ReferSub "Refer-Sub" "";
    ReferredBy "Referred-By" "b";
    Replaces "Replaces" "";
    RSeq "RSeq" "";
    RAck "RAck" "";
    SessionExpires "Session-Expires" "x";
    MinSe "Min-SE" "";
    Subject "Subject" "s";
    ReplyTo "Reply-To" "";
    InReplyTo "In-Reply-To" "";
    Organization "Organization" "";
    Priority "Priority" "";
    AlertInfo "Alert-Info" "";
    CallInfo "Call-Info" "";
    ErrorInfo "Error-Info" "";
    Reason "Reason" "";
    Warning "Warning" "";
    Server "Server" "";
    UserAgent "User-Agent" "";
    AcceptContact "Accept-Contact" "a";
    RejectContact "Reject-Contact" "j";
    RequestDisposition "Request-Disposition" "d";
    MaxBreadth "Max-Breadth" "";
    FlowTimer "Flow-Timer" "";
}

/// The name of a header field that is not known here, as it was written.
#[derive(Clone, Debug)]
pub struct OtherName(Text);

impl PartialEq for OtherName {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_like(&other.0)
    }
}

impl Eq for OtherName {}

impl std::hash::Hash for OtherName {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        for octet in self.0.as_bytes() {
            octet.to_ascii_lowercase().hash(state);
        }
    }
}

impl HeaderName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`ValueError::Token`] when it is not a token.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        Self::from_octets(text.as_bytes())
    }

    /// Reads a name where it stands.
    ///
    /// # Errors
    /// [`ValueError::Token`] when it is not a token.
    pub fn from_octets(octets: &[u8]) -> Result<Self, ValueError> {
        if let Some(known) = Self::from_known(octets) {
            return Ok(known);
        }
        if octets.is_empty() || !octets.iter().all(|&octet| scan::is_token(octet)) {
            return Err(ValueError::Token);
        }
        Ok(Self::Other(OtherName(Text::parse(Bytes::copy_from_slice(octets))?)))
    }
}

/// Slots of the table of long names; several times their number, so that few share one.
const SLOTS: usize = 512;

/// Place in the list of names plus one by hash of the long name, then the next free slot; zero is empty.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "runs in the compiler, which checks it")]
const LONG_SLOTS: [u8; SLOTS] = {
    let mut slots = [0; SLOTS];
    let mut place = 0;
    while place < HeaderName::LONG.len() {
        let mut slot = slot_of(HeaderName::LONG[place].as_bytes());
        while slots[slot] != 0 {
            slot = (slot + 1) % SLOTS;
        }
        slots[slot] = place as u8 + 1;
        place += 1;
    }
    slots
};

/// Place in the list of names plus one by letter of the compact form.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "runs in the compiler, which checks it")]
const COMPACT_SLOTS: [u8; 256] = {
    let mut slots = [0; 256];
    let mut place = 0;
    while place < HeaderName::COMPACT.len() {
        if let [letter] = HeaderName::COMPACT[place].as_bytes() {
            slots[*letter as usize] = place as u8 + 1;
            slots[letter.to_ascii_uppercase() as usize] = place as u8 + 1;
        }
        place += 1;
    }
    slots
};

/// Hash of a name: its length and the letters at both ends and in the middle, without their case.
const fn slot_of(name: &[u8]) -> usize {
    let (Some(first), Some(last)) = (name.first(), name.last()) else {
        return 0;
    };
    let middle = name.split_at(name.len() / 2).1;
    let middle = match middle.first() {
        Some(octet) => *octet | 0x20,
        None => 0,
    };
    let mix = ((*first | 0x20) as usize).wrapping_mul(31);
    let mix = mix.wrapping_add(((*last | 0x20) as usize).wrapping_mul(17));
    let mix = mix.wrapping_add((middle as usize).wrapping_mul(7));
    mix.wrapping_add(name.len().wrapping_mul(3)) % SLOTS
}

impl HeaderName {
    fn from_known(octets: &[u8]) -> Option<Self> {
        let known = |place: u8| Self::KNOWN.get(usize::from(place.checked_sub(1)?)).cloned();
        if let [letter] = octets {
            return known(*COMPACT_SLOTS.get(usize::from(*letter))?);
        }
        let from = slot_of(octets);
        let (before, after) = LONG_SLOTS.split_at_checked(from)?;
        for &place in after.iter().chain(before) {
            // An empty slot ends the search.
            let text = Self::LONG.get(usize::from(place.checked_sub(1)?))?.as_bytes();
            // Nearly always written like this.
            if octets == text || octets.eq_ignore_ascii_case(text) {
                return known(place);
            }
        }
        None
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_is_found_in_any_case_and_in_its_compact_form() {
        for (name, compact) in HeaderName::KNOWN.iter().zip(HeaderName::COMPACT) {
            for text in [name.as_str(), &name.as_str().to_uppercase(), &name.as_str().to_lowercase()] {
                assert_eq!(&HeaderName::parse(text).unwrap(), name);
            }
            if !compact.is_empty() {
                assert_eq!(&HeaderName::parse(compact).unwrap(), name);
                assert_eq!(&HeaderName::parse(&compact.to_uppercase()).unwrap(), name);
            }
        }
    }

    #[test]
    fn compact_and_odd_case_are_the_same_name() {
        for (text, name) in [
            ("v", HeaderName::Via),
            ("VIA", HeaderName::Via),
            ("o", HeaderName::Event),
            ("u", HeaderName::AllowEvents),
            ("cseq", HeaderName::CSeq),
            ("L", HeaderName::ContentLength),
        ] {
            assert_eq!(HeaderName::parse(text), Ok(name), "{text}");
        }
        assert_eq!(HeaderName::parse("X-One"), HeaderName::parse("x-oNE"));
        assert_eq!(HeaderName::parse("X One"), Err(ValueError::Token));
    }
}
