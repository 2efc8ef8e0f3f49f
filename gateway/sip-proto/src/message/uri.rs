//! URIs, decided by scheme first.

mod mailbox;
mod sip;
mod tel;

pub use self::{mailbox::MailboxUri, sip::SipUri, tel::TelUri};

use super::scan::is_user;
use super::text::{Text, Words};
use crate::error::ValueError;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A URI. Equality of the type is equality of what was written; what RFC 3261 calls equal is [`Uri::is_equivalent`].
///
/// `Uri` has text of its own, `Uri<&str>` is read in the message where it stands; so are all values that have texts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Uri<T: Words = Text> {
    /// `sip:`
    Sip(SipUri<T>),
    /// `sips:`
    Sips(SipUri<T>),
    /// `tel:`
    Tel(TelUri<T>),
    /// `pres:`
    Pres(MailboxUri<T>),
    /// `im:`
    Im(MailboxUri<T>),
    /// `wv:`, opaque here.
    Wv(T),
    /// Any other scheme.
    Other(OtherUri<T>),
}

/// A URI of a scheme that is not known here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OtherUri<T: Words = Text> {
    scheme: T,
    rest: T,
}

impl<T: Words> OtherUri<T> {
    /// The scheme as it was written.
    #[must_use]
    pub fn scheme(&self) -> &T {
        &self.scheme
    }

    /// What follows the colon.
    #[must_use]
    pub fn rest(&self) -> &T {
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
        Ok(Uri::read(text)?.map(|part| text.share(part)))
    }
}

impl<'a> Uri<&'a str> {
    /// Reads a URI that is the whole text, without taking hold of it.
    ///
    /// # Errors
    /// [`ValueError`] names the part at fault.
    pub fn read(text: &'a str) -> Result<Self, ValueError> {
        // Nearly always it is one of these.
        if let Some(rest) = text.strip_prefix("sip:").filter(|rest| !rest.is_empty()) {
            return SipUri::read(rest).map(Self::Sip);
        }
        let colon = text.bytes().position(|octet| octet == b':').ok_or(ValueError::Scheme)?;
        let scheme = text.get(..colon).unwrap_or_default();
        let rest = text.get(colon.saturating_add(1)..).unwrap_or_default();
        if !is_scheme(scheme.as_bytes()) {
            return Err(ValueError::Scheme);
        }
        if rest.is_empty() {
            return Err(ValueError::UriCharacter);
        }
        // These two know all their characters.
        match scheme.as_bytes() {
            name if name.eq_ignore_ascii_case(b"sip") => return SipUri::read(rest).map(Self::Sip),
            name if name.eq_ignore_ascii_case(b"sips") => return SipUri::read(rest).map(Self::Sips),
            _ => {}
        }
        if !rest.bytes().all(is_opaque) {
            return Err(ValueError::UriCharacter);
        }
        match scheme.as_bytes() {
            name if name.eq_ignore_ascii_case(b"tel") => TelUri::read(rest).map(Self::Tel),
            name if name.eq_ignore_ascii_case(b"pres") => MailboxUri::read(rest).map(Self::Pres),
            name if name.eq_ignore_ascii_case(b"im") => MailboxUri::read(rest).map(Self::Im),
            name if name.eq_ignore_ascii_case(b"wv") => Ok(Self::Wv(rest)),
            _ => Ok(Self::Other(OtherUri { scheme, rest })),
        }
    }
}

impl<T: Words> Uri<T> {
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
            Self::Other(uri) => uri.scheme.as_ref(),
        }
    }

    /// The parts of a `sip:` or `sips:` URI.
    #[must_use]
    pub fn as_sip(&self) -> Option<&SipUri<T>> {
        match self {
            Self::Sip(uri) | Self::Sips(uri) => Some(uri),
            Self::Tel(_) | Self::Pres(_) | Self::Im(_) | Self::Wv(_) | Self::Other(_) => None,
        }
    }

    /// The parts of a `sip:` or `sips:` URI, to be changed.
    pub fn as_sip_mut(&mut self) -> Option<&mut SipUri<T>> {
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
    pub fn is_equivalent<U: Words>(&self, other: &Uri<U>) -> bool {
        match (self, other) {
            // RFC 3261 §19.1.4
            (Self::Sip(one), Uri::Sip(two)) | (Self::Sips(one), Uri::Sips(two)) => one.is_equivalent(two),
            // RFC 3966 §4
            (Self::Tel(one), Uri::Tel(two)) => one.is_equivalent(two),
            (Self::Pres(one), Uri::Pres(two)) | (Self::Im(one), Uri::Im(two)) => one.is_equivalent(two),
            (Self::Wv(one), Uri::Wv(two)) => one.as_ref().eq_ignore_ascii_case(two.as_ref()),
            (Self::Other(one), Uri::Other(two)) => {
                one.scheme.as_ref().eq_ignore_ascii_case(two.scheme.as_ref()) && one.rest.as_ref() == two.rest.as_ref()
            }
            _ => false,
        }
    }

    /// The address of record: scheme, user, host in lower case; no password, port, parameters or headers; escapes that
    /// need not be are undone. `sips:` becomes `sip:`. `None` for schemes that name no address of record.
    // RFC 3261 §10.3
    #[must_use]
    pub fn to_aor(&self) -> Option<Uri> {
        match self {
            Self::Sip(uri) | Self::Sips(uri) => Some(Uri::Sip(uri.to_aor())),
            Self::Tel(uri) => Some(Uri::Tel(uri.to_canonical())),
            Self::Pres(uri) => Some(Uri::Pres(uri.to_canonical())),
            Self::Im(uri) => Some(Uri::Im(uri.to_canonical())),
            Self::Wv(_) | Self::Other(_) => None,
        }
    }

    /// The same with octets of its own, for keeping after the message is gone.
    #[must_use]
    pub fn detach(&self) -> Uri {
        self.map(|text| Text::from(text.as_ref()))
    }

    pub(crate) fn map<U: Words>(&self, change: impl Fn(&T) -> U) -> Uri<U> {
        match self {
            Self::Sip(uri) => Uri::Sip(uri.map(change)),
            Self::Sips(uri) => Uri::Sips(uri.map(change)),
            Self::Tel(uri) => Uri::Tel(uri.map(change)),
            Self::Pres(uri) => Uri::Pres(uri.map(change)),
            Self::Im(uri) => Uri::Im(uri.map(change)),
            Self::Wv(rest) => Uri::Wv(change(rest)),
            Self::Other(uri) => Uri::Other(OtherUri { scheme: change(&uri.scheme), rest: change(&uri.rest) }),
        }
    }
}

impl<T: Words> fmt::Display for Uri<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scheme())?;
        f.write_str(":")?;
        match self {
            Self::Sip(uri) | Self::Sips(uri) => uri.fmt(f),
            Self::Tel(uri) => uri.fmt(f),
            Self::Pres(uri) | Self::Im(uri) => uri.fmt(f),
            Self::Wv(rest) => f.write_str(rest.as_ref()),
            Self::Other(uri) => f.write_str(uri.rest.as_ref()),
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

impl Serialize for Uri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Uri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
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
    memchr::memchr_iter(b'%', octets).all(|at| escaped_octet(octets, at).is_some())
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

#[cfg(test)]
mod tests;
