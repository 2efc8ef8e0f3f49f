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

            fn from_known(octets: &[u8]) -> Option<Self> {
                $(if octets.eq_ignore_ascii_case($text.as_bytes())
                    || (!$compact.is_empty() && octets.eq_ignore_ascii_case($compact.as_bytes()))
                {
                    return Some(Self::$variant);
                })*
                None
            }
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
        Self::from_octets(&Bytes::copy_from_slice(text.as_bytes()))
    }

    /// Reads a name out of shared octets.
    ///
    /// # Errors
    /// [`ValueError::Token`] when it is not a token.
    pub fn from_octets(octets: &Bytes) -> Result<Self, ValueError> {
        if let Some(known) = Self::from_known(octets) {
            return Ok(known);
        }
        if octets.is_empty() || !octets.iter().all(|&octet| scan::is_token(octet)) {
            return Err(ValueError::Token);
        }
        Ok(Self::Other(OtherName(Text::parse(octets.clone())?)))
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
