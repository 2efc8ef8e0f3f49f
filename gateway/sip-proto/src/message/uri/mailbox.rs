//! `pres:` and `im:` URIs without their scheme.

use super::{has_whole_escapes, normalize, unescape};
use crate::error::ValueError;
use crate::message::{host::Host, scan, text::Text};
use std::fmt;

/// A user and a domain, with optional headers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MailboxUri {
    user: Text,
    host: Host,
    headers: Option<Text>,
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

    pub(super) fn parse(text: &Text) -> Result<Self, ValueError> {
        // RFC 3859 §3.2
        let query = text.find('?').unwrap_or(text.len());
        let mailbox = text.part(0..query);
        let headers = (query < text.len()).then(|| text.part(query.saturating_add(1)..text.len()));
        let at = mailbox.rfind('@').ok_or(ValueError::UriCharacter)?;
        let user = mailbox.part(0..at);
        let fits = |octet: u8| octet.is_ascii_graphic() && !matches!(octet, b'@' | b'\\');
        if user.is_empty() || !user.bytes().all(fits) || !has_whole_escapes(text.as_bytes()) {
            return Err(ValueError::UriCharacter);
        }
        let host = Host::parse(&mailbox.part(at.saturating_add(1)..mailbox.len()))?;
        Ok(Self { user, host, headers })
    }

    /// The user as it was written.
    #[must_use]
    pub fn user(&self) -> &Text {
        &self.user
    }

    /// The user with its escapes undone.
    ///
    /// # Errors
    /// [`ValueError::NotText`] when that is not UTF-8.
    pub fn user_decoded(&self) -> Result<String, ValueError> {
        String::from_utf8(unescape(&self.user)).map_err(|_| ValueError::NotText)
    }

    /// The domain.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The part after the question mark, as it was written.
    #[must_use]
    pub fn headers(&self) -> Option<&Text> {
        self.headers.as_ref()
    }

    pub(super) fn is_equivalent(&self, other: &Self) -> bool {
        normalize(&self.user, is_local) == normalize(&other.user, is_local)
            && self.host == other.host
            && self.headers == other.headers
    }

    pub(super) fn to_canonical(&self) -> Self {
        let host = Host::parse(&Text::from(self.host.to_canonical())).unwrap_or_else(|_| self.host.clone());
        Self { user: Text::from(normalize(&self.user, is_local)), host, headers: None }
    }

    pub(super) fn detach(&self) -> Self {
        let headers = self.headers.as_ref().map(Text::detach);
        Self { user: self.user.detach(), host: self.host.detach(), headers }
    }
}

/// What a mailbox holds without escape.
// RFC 3859 §3.2
fn is_local(octet: u8) -> bool {
    (scan::is_unreserved(octet) && !matches!(octet, b'(' | b')')) || matches!(octet, b'$' | b'&' | b'+' | b'=' | b'/')
}

impl fmt::Display for MailboxUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.user, self.host)?;
        match &self.headers {
            Some(headers) => write!(f, "?{headers}"),
            None => Ok(()),
        }
    }
}
