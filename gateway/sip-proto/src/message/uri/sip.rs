//! `sip:` and `sips:` URIs without their scheme.

use super::{has_whole_escapes, is_user, normalize, unescape};
use crate::error::ValueError;
use crate::message::{
    host::Host,
    param::Params,
    scan,
    text::{Text, Words},
};
use memchr::memchr;
use std::fmt;

/// The parts of a SIP or SIPS URI; user, password and headers as they were written, escapes included.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SipUri<T: Words = Text> {
    user: Option<T>,
    host: Host<T>,
    port: Option<u16>,
    params: Params<T>,
    rare: Option<Box<Rare<T>>>,
}

/// What hardly any URI has; at least one of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Rare<T: Words> {
    password: Option<T>,
    headers: Option<T>,
}

impl<T: Words> Rare<T> {
    fn of(password: Option<T>, headers: Option<T>) -> Option<Box<Self>> {
        (password.is_some() || headers.is_some()).then(|| Box::new(Self { password, headers }))
    }
}

impl SipUri {
    /// A URI with a host only.
    #[must_use]
    pub fn new(host: Host) -> Self {
        Self { user: None, host, port: None, params: Params::default(), rare: None }
    }

    /// The same with another user, given unescaped.
    #[must_use]
    pub fn with_user(mut self, user: &str) -> Self {
        self.user = Some(Text::from(super::escape(user, is_user)));
        self
    }

    /// The same with another user, given as it is to be written, escapes included.
    ///
    /// # Errors
    /// [`ValueError::UriCharacter`] when a character would have to be escaped, or an escape is broken.
    pub fn with_user_as_written(mut self, user: &str) -> Result<Self, ValueError> {
        let is_allowed = |octet: u8| is_user(octet) || octet == b'%';
        if user.is_empty() || !user.bytes().all(is_allowed) || !has_whole_escapes(user.as_bytes()) {
            return Err(ValueError::UriCharacter);
        }
        self.user = Some(Text::from(user.to_owned()));
        Ok(self)
    }

    /// The same with a port.
    #[must_use]
    pub fn with_port(mut self, port: Option<u16>) -> Self {
        self.port = port;
        self
    }

    /// The same with a parameter, its value given unescaped.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: Option<&str>) -> Self {
        self.params.set_escaped(name, value);
        self
    }

    /// Takes the headers off.
    pub fn clear_headers(&mut self) {
        self.rare = self.rare.take().and_then(|rare| Rare::of(rare.password, None));
    }

    /// The parameters, to be changed.
    pub fn params_mut(&mut self) -> &mut Params {
        &mut self.params
    }
}

impl<'a> SipUri<&'a str> {
    /// Reads what follows the scheme and its colon.
    pub(super) fn read(text: &'a str) -> Result<Self, ValueError> {
        let octets = text.as_bytes();
        let user_end = scan::end_of(octets, 0, is_user);
        // Nearly always there is neither password nor escape.
        let is_plain = user_end > 0 && octets.get(user_end) == Some(&b'@');
        let (user, password, start) = match if is_plain { Some(user_end) } else { memchr(b'@', octets) } {
            Some(at) => {
                let user = text.get(..at).unwrap_or_default();
                let (user, password) = if is_plain { (user, None) } else { parse_userinfo(user)? };
                (Some(user), password, at.saturating_add(1))
            }
            None => (None, None, 0),
        };
        let rest = text.get(start..).unwrap_or_default();
        let (host, port, end) = Host::begin_with_port(rest)?;
        if end == rest.len() {
            return Ok(Self { user, host, port, params: Params::default(), rare: Rare::of(password, None) });
        }
        let tail = rest.get(end..).unwrap_or_default();
        let (params, end) = Params::begin_uri(tail)?;
        let headers = tail.get(end..).filter(|rest| !rest.is_empty());
        // A question mark is all that stands between parameters and headers.
        let part = |headers: &'a str| parse_headers(headers.strip_prefix('?').ok_or(ValueError::UriCharacter)?);
        Ok(Self { user, host, port, params, rare: Rare::of(password, headers.map(part).transpose()?) })
    }
}

impl<T: Words> SipUri<T> {
    /// The user as it was written.
    #[must_use]
    pub fn user(&self) -> Option<&T> {
        self.user.as_ref()
    }

    /// The user with its escapes undone.
    ///
    /// # Errors
    /// [`ValueError::NotText`] when that is not UTF-8.
    pub fn user_decoded(&self) -> Result<Option<String>, ValueError> {
        let decode = |user: &T| String::from_utf8(unescape(user.as_ref())).map_err(|_| ValueError::NotText);
        self.user.as_ref().map(decode).transpose()
    }

    /// The password as it was written.
    #[must_use]
    pub fn password(&self) -> Option<&T> {
        self.rare.as_ref()?.password.as_ref()
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &Host<T> {
        &self.host
    }

    /// The port, when one is written.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &Params<T> {
        &self.params
    }

    /// The `transport` parameter.
    #[must_use]
    pub fn transport(&self) -> Option<&str> {
        self.params.raw("transport")
    }

    /// Whether the URI of a route asks for loose routing.
    #[must_use]
    pub fn is_loose_route(&self) -> bool {
        self.params.has("lr")
    }

    /// The `gr` parameter with its escapes undone; empty when it has no value.
    // RFC 5627 §3.1
    #[must_use]
    pub fn gruu(&self) -> Option<String> {
        let param = self.params.find("gr")?;
        let raw = param.raw().unwrap_or_default();
        Some(String::from_utf8_lossy(&unescape(raw)).into_owned())
    }

    /// The part after the question mark, as it was written.
    #[must_use]
    pub fn headers(&self) -> Option<&T> {
        self.rare.as_ref()?.headers.as_ref()
    }

    /// The headers with their escapes undone, name and value.
    pub fn header_fields(&self) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
        self.headers().into_iter().flat_map(|headers| headers.as_ref().split('&')).map(|field| {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            (unescape(name), unescape(value))
        })
    }

    // RFC 3261 §19.1.4
    pub(super) fn is_equivalent<U: Words>(&self, other: &SipUri<U>) -> bool {
        same_part(self.user.as_ref(), other.user.as_ref())
            && same_part(self.password(), other.password())
            && self.host.is_same(&other.host)
            && self.port == other.port
            && self.covers_params(other)
            && other.covers_params(self)
            && self.sorted_headers() == other.sorted_headers()
    }

    /// Whether each parameter here agrees with that of the other, or may be missing there.
    // RFC 3261 §19.1.4
    fn covers_params<U: Words>(&self, other: &SipUri<U>) -> bool {
        let never_default = ["user", "ttl", "method", "maddr", "transport"];
        let spelled = |raw: Option<&str>| raw.map(|raw| normalize(raw, scan::is_unreserved).to_ascii_lowercase());
        self.params.iter().all(|param| match other.params.find(param.name()) {
            Some(same) => spelled(param.raw()) == spelled(same.raw()),
            None => !never_default.iter().any(|never| param.name().eq_ignore_ascii_case(never)),
        })
    }

    fn sorted_headers(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut fields: Vec<_> = self.header_fields().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        fields.sort_unstable();
        fields
    }

    // RFC 3261 §10.3
    pub(super) fn to_aor(&self) -> SipUri {
        let user = self.user.as_ref().map(|user| Text::from(normalize(user.as_ref(), is_user)));
        let host = Text::from(self.host.to_canonical());
        let host = Host::parse(&host).unwrap_or_else(|_| self.host.detach());
        SipUri { user, ..SipUri::new(host) }
    }

    pub(super) fn map<U: Words>(&self, change: impl Fn(&T) -> U) -> SipUri<U> {
        SipUri {
            user: self.user.as_ref().map(&change),
            host: self.host.map(&change),
            port: self.port,
            params: self.params.map(&change),
            rare: self
                .rare
                .as_ref()
                .and_then(|rare| Rare::of(rare.password.as_ref().map(&change), rare.headers.as_ref().map(&change))),
        }
    }
}

/// Whether two parts are the same when their escapes are undone.
fn same_part<T: Words, U: Words>(one: Option<&T>, two: Option<&U>) -> bool {
    let spelled = |part: &str| normalize(part, is_user);
    one.map(|part| spelled(part.as_ref())) == two.map(|part| spelled(part.as_ref()))
}

/// User and password, which may hold escapes.
#[inline(never)]
fn parse_userinfo(text: &str) -> Result<(&str, Option<&str>), ValueError> {
    let user_end = memchr(b':', text.as_bytes()).unwrap_or(text.len());
    let (user, rest) = text.split_at_checked(user_end).unwrap_or_default();
    let password = rest.strip_prefix(':');
    let is_password = |octet| scan::is_unreserved(octet) || matches!(octet, b'&' | b'=' | b'+' | b'$' | b',' | b'%');
    let user_fits = !user.is_empty() && user.bytes().all(|octet| is_user(octet) || octet == b'%');
    let password_fits = password.iter().all(|text| text.bytes().all(is_password));
    if !user_fits || !password_fits || !has_whole_escapes(text.as_bytes()) {
        return Err(ValueError::UriCharacter);
    }
    Ok((user, password))
}

#[inline(never)]
fn parse_headers(text: &str) -> Result<&str, ValueError> {
    // RFC 3261 §25.1
    let class = |octet| {
        scan::is_unreserved(octet)
            || matches!(octet, b'[' | b']' | b'/' | b'?' | b':' | b'+' | b'$' | b'%' | b'&' | b'=')
    };
    let is_field =
        |field: &str| field.split_once('=').is_some_and(|(name, value)| !name.is_empty() && !value.contains('='));
    if text.bytes().all(class) && has_whole_escapes(text.as_bytes()) && text.split('&').all(is_field) {
        return Ok(text);
    }
    Err(ValueError::UriCharacter)
}

impl<T: Words> fmt::Display for SipUri<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            f.write_str(user.as_ref())?;
            if let Some(password) = self.password() {
                write!(f, ":{}", password.as_ref())?;
            }
            f.write_str("@")?;
        }
        self.host.fmt(f)?;
        if let Some(port) = self.port {
            f.write_str(":")?;
            port.fmt(f)?;
        }
        self.params.fmt(f)?;
        match self.headers() {
            Some(headers) => write!(f, "?{}", headers.as_ref()),
            None => Ok(()),
        }
    }
}
