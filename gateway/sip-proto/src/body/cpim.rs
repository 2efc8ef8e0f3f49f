//! The wrapper of instant messages: `message/cpim` (RFC 3862), with the header fields of RFC 5438.

mod escape;

pub use escape::{escape, unescape};

use super::mime::{MimeError, MimePart};
use crate::error::WriteError;
use bytes::{Bytes, BytesMut};
use std::sync::Arc;

/// Message headers and the content that they speak of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cpim {
    headers: Vec<CpimHeader>,
    /// The content with its own header fields.
    pub content: MimePart,
}

/// One message header, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpimHeader {
    /// The namespace that its prefix, or the lack of one, is bound to.
    namespace: Arc<str>,
    /// The name behind the prefix.
    name: String,
    /// As it is written, prefix included.
    written: String,
    /// `;lang=fi` and the like.
    params: String,
    /// With escapes.
    value: String,
}

/// Why octets are no CPIM message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CpimError {
    /// No blank line behind the message headers.
    #[error("the message headers do not end")]
    NoBlankLine,
    /// A line that breaks the rules of RFC 3862 §2.2.
    #[error("malformed message header")]
    MalformedHeader,
    /// [`HEADERS_MAX`] or [`HEADER_OCTETS_MAX`].
    #[error("too many or too long message headers")]
    TooManyHeaders,
    // RFC 3862 §3.4
    /// A prefix that no NS header before it has bound.
    #[error("undeclared prefix")]
    UndeclaredPrefix,
    /// The content.
    #[error(transparent)]
    Content(#[from] MimeError),
}

impl Cpim {
    /// A wrapper without message headers.
    #[must_use]
    pub const fn new(content: MimePart) -> Self {
        Self { headers: Vec::new(), content }
    }

    /// The same with a header of the core namespace. The value is escaped where it has to be.
    #[must_use]
    pub fn with(self, name: &str, value: &str) -> Self {
        self.with_in(CORE, "", name, value)
    }

    // RFC 3862 §3.4
    /// The same with a header of another namespace, which is declared on first use.
    #[must_use]
    pub fn with_in(mut self, namespace: &str, prefix: &str, name: &str, value: &str) -> Self {
        let is_declared = prefix.is_empty() || self.headers.iter().any(|header| *header.namespace == *namespace);
        if !is_declared {
            self.push(CORE, String::from("NS"), "NS", format!("{prefix} <{namespace}>"));
        }
        let written = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        self.push(namespace, written, name, escape(value));
        self
    }

    fn push(&mut self, namespace: &str, written: String, name: &str, value: String) {
        let (namespace, name) = (Arc::from(namespace), name.to_owned());
        self.headers.push(CpimHeader { namespace, name, written, params: String::new(), value });
    }

    // RFC 3862 §2
    /// Reads message headers and content; the header fields of the wrapper itself stand in the message that carries it.
    ///
    /// # Errors
    /// [`CpimError`] says what is wrong.
    pub fn parse(body: &Bytes) -> Result<Self, CpimError> {
        let mut headers = Vec::new();
        let mut scope = Scope::new();
        let mut at = 0_usize;
        loop {
            let rest = body.get(at..).unwrap_or_default();
            let length = super::mime::find(rest, b"\r\n").ok_or(CpimError::NoBlankLine)?;
            let line = rest.get(..length).unwrap_or_default();
            at = at.saturating_add(length).saturating_add(2);
            if line.is_empty() {
                break;
            }
            if headers.len() >= HEADERS_MAX || line.len() > HEADER_OCTETS_MAX {
                return Err(CpimError::TooManyHeaders);
            }
            let line = std::str::from_utf8(line).map_err(|_| CpimError::MalformedHeader)?;
            headers.push(scope.read(line)?);
        }
        Ok(Self { headers, content: MimePart::parse(&body.slice(at.min(body.len())..))? })
    }

    /// The value of the first header of that name in the core namespace, without escapes.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        self.header_in(CORE, name)
    }

    /// The value of the first header of that name in a namespace, without escapes.
    #[must_use]
    pub fn header_in(&self, namespace: &str, name: &str) -> Option<String> {
        let mut found = self.headers.iter().filter(|header| *header.namespace == *namespace && header.name == name);
        found.next().map(|header| unescape(&header.value))
    }

    // RFC 3862 §3.5
    /// The features that the recipient has to know, each by namespace and name.
    pub fn required(&self) -> impl Iterator<Item = (&str, &str)> {
        let lists = self.headers.iter().filter(|header| *header.namespace == *CORE && header.name == "Require");
        let names = lists.flat_map(|header| header.value.split(',').map(str::trim)).filter(|name| !name.is_empty());
        names.map(|name| match name.split_once('.') {
            Some((prefix, name)) => (self.bound(prefix).unwrap_or_default(), name),
            None => (CORE, name),
        })
    }

    fn bound(&self, prefix: &str) -> Option<&str> {
        let declared = self.headers.iter().filter(|header| header.name == "NS" && *header.namespace == *CORE);
        declared
            .filter_map(|header| declaration(&header.value))
            .rfind(|(known, _)| *known == prefix)
            .map(|(_, uri)| uri)
    }

    // RFC 3862 §2
    /// Writes it.
    ///
    /// # Errors
    /// [`WriteError`] when a header cannot be written.
    pub fn write(&self) -> Result<Bytes, WriteError> {
        let mut out = BytesMut::with_capacity(self.content.content.len().saturating_add(512));
        for header in &self.headers {
            let is_name =
                !header.written.is_empty() && header.written.bytes().all(|octet| is_name_octet(octet) || octet == b'.');
            if !is_name || [&header.value, &header.params].iter().any(|text| text.chars().any(char::is_control)) {
                return Err(WriteError::Part);
            }
            out.extend_from_slice(header.written.as_bytes());
            out.extend_from_slice(b":");
            out.extend_from_slice(header.params.as_bytes());
            out.extend_from_slice(b" ");
            out.extend_from_slice(header.value.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
        self.content.write(&mut out)?;
        Ok(out.freeze())
    }
}

/// The prefixes that are bound so far.
struct Scope {
    default: Arc<str>,
    prefixes: Vec<(String, Arc<str>)>,
}

impl Scope {
    fn new() -> Self {
        Self { default: Arc::from(CORE), prefixes: Vec::new() }
    }

    // RFC 3862 §3.6
    fn read(&mut self, line: &str) -> Result<CpimHeader, CpimError> {
        let (written, rest) = line.split_once(':').ok_or(CpimError::MalformedHeader)?;
        let (prefix, name) = written.split_once('.').map_or((None, written), |(prefix, name)| (Some(prefix), name));
        let is_name = |name: &str| !name.is_empty() && name.bytes().all(is_name_octet);
        if !is_name(name) || prefix.is_some_and(|prefix| !is_name(prefix)) || line.chars().any(char::is_control) {
            return Err(CpimError::MalformedHeader);
        }
        let params = parameters(rest).ok_or(CpimError::MalformedHeader)?;
        let (params, value) = rest.split_at_checked(params).ok_or(CpimError::MalformedHeader)?;
        let value = value.strip_prefix(' ').ok_or(CpimError::MalformedHeader)?;
        let namespace = match prefix {
            None => Arc::clone(&self.default),
            Some(prefix) => {
                let bound = self.prefixes.iter().rev().find(|(known, _)| known == prefix);
                bound.map(|(_, uri)| Arc::clone(uri)).ok_or(CpimError::UndeclaredPrefix)?
            }
        };
        // The headers of the framework itself keep their meaning whatever the default is.
        let is_framework = prefix.is_none() && matches!(name, "NS" | "Require");
        let namespace = if is_framework { Arc::from(CORE) } else { namespace };
        if is_framework && name == "NS" {
            match declaration(value) {
                Some(("", uri)) => self.default = Arc::from(uri),
                Some((prefix, uri)) => self.prefixes.push((prefix.to_owned(), Arc::from(uri))),
                None => return Err(CpimError::MalformedHeader),
            }
        }
        Ok(CpimHeader {
            namespace,
            name: name.to_owned(),
            written: written.to_owned(),
            params: params.to_owned(),
            value: value.to_owned(),
        })
    }
}

/// Prefix and namespace of an NS header.
fn declaration(value: &str) -> Option<(&str, &str)> {
    let (prefix, rest) = value.split_once('<')?;
    let uri = rest.strip_suffix('>').filter(|uri| !uri.is_empty())?;
    Some((prefix.trim(), uri))
}

/// How long the parameters behind the colon are; none when they do not end in a space.
fn parameters(rest: &str) -> Option<usize> {
    if !rest.starts_with(';') {
        return Some(0);
    }
    let mut quoted = false;
    let mut escaped = false;
    for (at, octet) in rest.bytes().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b' ' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

// RFC 3862 §3.6: NAMECHAR.
const fn is_name_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(octet, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'^'..=b'`' | b'|' | b'~')
}

/// The namespace of the headers of RFC 3862 itself.
pub const CORE: &str = "urn:ietf:params:cpim-headers:";

// RFC 5438 §6.1
/// The namespace of the headers of IMDN.
pub const IMDN: &str = "urn:ietf:params:imdn";

/// Message headers of one message.
pub const HEADERS_MAX: usize = 64;

/// Octets of one message header.
pub const HEADER_OCTETS_MAX: usize = 8 * 1024;

#[cfg(test)]
mod tests;
