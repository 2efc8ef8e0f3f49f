//! URIs, decided by scheme first.

mod mailbox;
mod sip;
mod tel;

pub use self::{mailbox::MailboxUri, sip::SipUri, tel::TelUri};

use super::{scan, text::Text};
use crate::error::ValueError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A URI. Equality of the type is equality of what was written; what RFC 3261 calls equal is [`Uri::is_equivalent`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Uri {
    /// `sip:`
    Sip(SipUri),
    /// `sips:`
    Sips(SipUri),
    /// `tel:`
    Tel(TelUri),
    /// `pres:`
    Pres(MailboxUri),
    /// `im:`
    Im(MailboxUri),
    /// `wv:`, opaque here.
    Wv(Text),
    /// Any other scheme.
    Other(OtherUri),
}

/// A URI of a scheme that is not known here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OtherUri {
    scheme: Text,
    rest: Text,
}

impl OtherUri {
    /// The scheme as it was written.
    #[must_use]
    pub fn scheme(&self) -> &Text {
        &self.scheme
    }

    /// What follows the colon.
    #[must_use]
    pub fn rest(&self) -> &Text {
        &self.rest
    }
}

impl Uri {
    /// Reads a URI that is the whole text.
    ///
    /// # Errors
    /// [`ValueError`] names the part at fault.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        Self::from_text(&Text::from(text))
    }

    /// Reads a URI that is the whole shared text.
    ///
    /// # Errors
    /// [`ValueError`] names the part at fault.
    pub fn from_text(text: &Text) -> Result<Self, ValueError> {
        let colon = text.find_octet(b':').ok_or(ValueError::Scheme)?;
        let scheme = text.part(0..colon);
        let rest = text.part(colon.saturating_add(1)..text.len());
        if !is_scheme(scheme.as_bytes()) {
            return Err(ValueError::Scheme);
        }
        if rest.is_empty() || !rest.bytes().all(is_opaque) {
            return Err(ValueError::UriCharacter);
        }
        match scheme.as_bytes() {
            name if name.eq_ignore_ascii_case(b"sip") => SipUri::parse(&rest).map(Self::Sip),
            name if name.eq_ignore_ascii_case(b"sips") => SipUri::parse(&rest).map(Self::Sips),
            name if name.eq_ignore_ascii_case(b"tel") => TelUri::parse(&rest).map(Self::Tel),
            name if name.eq_ignore_ascii_case(b"pres") => MailboxUri::parse(&rest).map(Self::Pres),
            name if name.eq_ignore_ascii_case(b"im") => MailboxUri::parse(&rest).map(Self::Im),
            name if name.eq_ignore_ascii_case(b"wv") => Ok(Self::Wv(rest)),
            _ => Ok(Self::Other(OtherUri { scheme, rest })),
        }
    }

    /// The scheme, in lower case where it is known.
    #[must_use]
    pub fn scheme(&self) -> &str {
        match self {
            Self::Sip(_) => "sip",
            Self::Sips(_) => "sips",
            Self::Tel(_) => "tel",
            Self::Pres(_) => "pres",
            Self::Im(_) => "im",
            Self::Wv(_) => "wv",
            Self::Other(uri) => &uri.scheme,
        }
    }

    /// The parts of a `sip:` or `sips:` URI.
    #[must_use]
    pub fn as_sip(&self) -> Option<&SipUri> {
        match self {
            Self::Sip(uri) | Self::Sips(uri) => Some(uri),
            Self::Tel(_) | Self::Pres(_) | Self::Im(_) | Self::Wv(_) | Self::Other(_) => None,
        }
    }

    /// The parts of a `sip:` or `sips:` URI, to be changed.
    pub fn as_sip_mut(&mut self) -> Option<&mut SipUri> {
        match self {
            Self::Sip(uri) | Self::Sips(uri) => Some(uri),
            Self::Tel(_) | Self::Pres(_) | Self::Im(_) | Self::Wv(_) | Self::Other(_) => None,
        }
    }

    /// Whether the URI asks for TLS on every hop.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        matches!(self, Self::Sips(_))
    }

    /// Whether both are the same by the comparison rules of their scheme. Not transitive, hence no `Eq`.
    #[must_use]
    pub fn is_equivalent(&self, other: &Self) -> bool {
        match (self, other) {
            // RFC 3261 §19.1.4
            (Self::Sip(one), Self::Sip(two)) | (Self::Sips(one), Self::Sips(two)) => one.is_equivalent(two),
            // RFC 3966 §4
            (Self::Tel(one), Self::Tel(two)) => one.is_equivalent(two),
            (Self::Pres(one), Self::Pres(two)) | (Self::Im(one), Self::Im(two)) => one.is_equivalent(two),
            (Self::Wv(one), Self::Wv(two)) => one.is_like(two),
            (Self::Other(one), Self::Other(two)) => one.scheme.is_like(&two.scheme) && one.rest == two.rest,
            _ => false,
        }
    }

    /// The address of record: scheme, user, host in lower case; no password, port, parameters or headers; escapes that
    /// need not be are undone. `sips:` becomes `sip:`. `None` for schemes that name no address of record.
    // RFC 3261 §10.3
    #[must_use]
    pub fn to_aor(&self) -> Option<Self> {
        match self {
            Self::Sip(uri) | Self::Sips(uri) => Some(Self::Sip(uri.to_aor())),
            Self::Tel(uri) => Some(Self::Tel(uri.to_canonical())),
            Self::Pres(uri) => Some(Self::Pres(uri.to_canonical())),
            Self::Im(uri) => Some(Self::Im(uri.to_canonical())),
            Self::Wv(_) | Self::Other(_) => None,
        }
    }

    /// The same with octets of its own, for keeping after the message is gone.
    #[must_use]
    pub fn detach(&self) -> Self {
        match self {
            Self::Sip(uri) => Self::Sip(uri.detach()),
            Self::Sips(uri) => Self::Sips(uri.detach()),
            Self::Tel(uri) => Self::Tel(uri.detach()),
            Self::Pres(uri) => Self::Pres(uri.detach()),
            Self::Im(uri) => Self::Im(uri.detach()),
            Self::Wv(rest) => Self::Wv(rest.detach()),
            Self::Other(uri) => Self::Other(OtherUri { scheme: uri.scheme.detach(), rest: uri.rest.detach() }),
        }
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.scheme())?;
        match self {
            Self::Sip(uri) | Self::Sips(uri) => write!(f, "{uri}"),
            Self::Tel(uri) => write!(f, "{uri}"),
            Self::Pres(uri) | Self::Im(uri) => write!(f, "{uri}"),
            Self::Wv(rest) => write!(f, "{rest}"),
            Self::Other(uri) => write!(f, "{}", uri.rest),
        }
    }
}

impl From<Uri> for String {
    fn from(uri: Uri) -> Self {
        uri.to_string()
    }
}

impl TryFrom<String> for Uri {
    type Error = ValueError;
    fn try_from(text: String) -> Result<Self, ValueError> {
        Self::from_text(&Text::from(text))
    }
}

/// Scheme.
// RFC 3986 §3.1
fn is_scheme(octets: &[u8]) -> bool {
    octets.first().is_some_and(u8::is_ascii_alphabetic)
        && octets.iter().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'-' | b'.'))
}

/// What no URI may hold stays out: blanks, controls, quotes, angle brackets.
fn is_opaque(octet: u8) -> bool {
    octet > b' ' && octet != 0x7f && !matches!(octet, b'"' | b'<' | b'>')
}

/// Whether every percent sign begins an escape.
pub(crate) fn has_whole_escapes(octets: &[u8]) -> bool {
    octets.iter().enumerate().filter(|&(_, &octet)| octet == b'%').all(|(at, _)| escaped_octet(octets, at).is_some())
}

/// The octet that the escape at `at` stands for.
fn escaped_octet(octets: &[u8], at: usize) -> Option<u8> {
    let digit = |offset: usize| {
        let octet = *octets.get(at.checked_add(offset)?)?;
        char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
    };
    Some(digit(1)?.wrapping_shl(4) | digit(2)?)
}

/// Escapes every octet that is not in the class.
pub(crate) fn escape(text: &str, class: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for octet in text.bytes() {
        push_escaped(&mut out, octet, &class);
    }
    out
}

fn push_escaped(out: &mut String, octet: u8, class: impl Fn(u8) -> bool) {
    if class(octet) {
        out.push(char::from(octet));
    } else {
        out.push_str(&format!("%{octet:02X}"));
    }
}

/// Undoes all escapes.
pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let octets = text.as_bytes();
    let mut out = Vec::with_capacity(octets.len());
    let mut at = 0;
    while let Some(&octet) = octets.get(at) {
        match escaped_octet(octets, at).filter(|_| octet == b'%') {
            Some(value) => {
                out.push(value);
                at = at.saturating_add(3);
            }
            None => {
                out.push(octet);
                at = at.saturating_add(1);
            }
        }
    }
    out
}

/// The one spelling of a part: what need not be escaped is not, what must be is, in upper case digits.
pub(crate) fn normalize(text: &str, class: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for octet in unescape(text) {
        push_escaped(&mut out, octet, &class);
    }
    out
}

/// What a user part holds without escape.
// RFC 3261 §25.1
pub(crate) fn is_user(octet: u8) -> bool {
    scan::is_unreserved(octet) || matches!(octet, b'&' | b'=' | b'+' | b'$' | b',' | b';' | b'?' | b'/')
}

#[cfg(test)]
mod tests;
