//! `pres:` and `im:` URIs without their scheme.

use super::{has_whole_escapes, normalize, unescape};
use crate::error::ValueError;
use crate::message::{
    host::Host,
    scan,
    text::{Text, Words},
};
use std::fmt;

/// A user and a domain, with optional headers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MailboxUri<T: Words = Text> {
    user: T,
    host: Host<T>,
    headers: Option<T>,
}

impl MailboxUri {
    /// An address from a user, given unescaped, and a host.
    ///
    /// # Errors
    /// [`ValueError::UriCharacter`] when the user is empty.
    pub fn new(user: &str, host: Host) -> Result<Self, ValueError> {
        if user.is_empty() {
            return Err(ValueError::UriCharacter);
        }
        Ok(Self { user: Text::from(super::escape(user, is_local)), host, headers: None })
    }
}

impl<'a> MailboxUri<&'a str> {
    pub(super) fn read(text: &'a str) -> Result<Self, ValueError> {
        // RFC 3859 §3.2
        let (mailbox, headers) = match text.split_once('?') {
            Some((mailbox, headers)) => (mailbox, Some(headers)),
            None => (text, None),
        };
        let (user, host) = mailbox.rsplit_once('@').ok_or(ValueError::UriCharacter)?;
        let fits = |octet: u8| octet.is_ascii_graphic() && !matches!(octet, b'@' | b'\\');
        if user.is_empty() || !user.bytes().all(fits) || !has_whole_escapes(text.as_bytes()) {
            return Err(ValueError::UriCharacter);
        }
        Ok(Self { user, host: Host::read(host)?, headers })
    }
}

impl<T: Words> MailboxUri<T> {
    /// The user as it was written.
    #[must_use]
    pub fn user(&self) -> &T {
        &self.user
    }

    /// The user with its escapes undone.
    ///
    /// # Errors
    /// [`ValueError::NotText`] when that is not UTF-8.
    pub fn user_decoded(&self) -> Result<String, ValueError> {
        String::from_utf8(unescape(self.user.as_ref())).map_err(|_| ValueError::NotText)
    }

    /// The domain.
    #[must_use]
    pub fn host(&self) -> &Host<T> {
        &self.host
    }

    /// The part after the question mark, as it was written.
    #[must_use]
    pub fn headers(&self) -> Option<&T> {
        self.headers.as_ref()
    }

    pub(super) fn is_equivalent<U: Words>(&self, other: &MailboxUri<U>) -> bool {
        normalize(self.user.as_ref(), is_local) == normalize(other.user.as_ref(), is_local)
            && self.host.is_same(&other.host)
            && self.headers.as_ref().map(AsRef::as_ref) == other.headers.as_ref().map(AsRef::<str>::as_ref)
    }

    pub(super) fn to_canonical(&self) -> MailboxUri {
        let host = Host::parse(&Text::from(self.host.to_canonical())).unwrap_or_else(|_| self.host.detach());
        MailboxUri { user: Text::from(normalize(self.user.as_ref(), is_local)), host, headers: None }
    }

    pub(super) fn map<U: Words>(&self, change: impl Fn(&T) -> U) -> MailboxUri<U> {
        MailboxUri {
            user: change(&self.user),
            host: self.host.map(&change),
            headers: self.headers.as_ref().map(&change),
        }
    }
}

/// What a mailbox holds without escape.
// RFC 3859 §3.2
fn is_local(octet: u8) -> bool {
    (scan::is_unreserved(octet) && !matches!(octet, b'(' | b')')) || matches!(octet, b'$' | b'&' | b'+' | b'=' | b'/')
}

impl<T: Words> fmt::Display for MailboxUri<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.user.as_ref(), self.host)?;
        match &self.headers {
            Some(headers) => write!(f, "?{}", headers.as_ref()),
            None => Ok(()),
        }
    }
}
