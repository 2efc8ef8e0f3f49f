//! `sip:` and `sips:` URIs without their scheme.

use super::{has_whole_escapes, is_user, normalize, unescape};
use crate::error::ValueError;
use crate::message::{host::Host, param::Params, scan, text::Text};
use std::fmt;

/// The parts of a SIP or SIPS URI; user, password and headers as they were written, escapes included.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SipUri {
    user: Option<Text>,
    password: Option<Text>,
    host: Host,
    port: Option<u16>,
    params: Params,
    headers: Option<Text>,
}

impl SipUri {
    /// A URI with a host only.
    #[must_use]
    pub fn new(host: Host) -> Self {
        Self { user: None, password: None, host, port: None, params: Params::default(), headers: None }
    }

    /// Reads what follows the scheme and its colon.
    pub(super) fn parse(text: &Text) -> Result<Self, ValueError> {
        let (userinfo, rest) = match text.find_octet(b'@') {
            Some(at) => (Some(text.part(0..at)), text.part(at.saturating_add(1)..text.len())),
            None => (None, text.clone()),
        };
        let (user, password) = match userinfo {
            Some(userinfo) => parse_userinfo(&userinfo)?,
            None => (None, None),
        };
        let params_end = rest.find_octet(b'?').unwrap_or(rest.len());
        let host_end = rest.find_octet(b';').unwrap_or(rest.len()).min(params_end);
        let (host, port) = Host::parse_with_port(&rest.part(0..host_end))?;
        let params = Params::parse_uri(&rest.part(host_end..params_end))?;
        let headers = if params_end < rest.len() {
            Some(parse_headers(rest.part(params_end.saturating_add(1)..rest.len()))?)
        } else {
            None
        };
        Ok(Self { user, password, host, port, params, headers })
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
        self.headers = None;
    }

    /// The parameters, to be changed.
    pub fn params_mut(&mut self) -> &mut Params {
        &mut self.params
    }

    /// The user as it was written.
    #[must_use]
    pub fn user(&self) -> Option<&Text> {
        self.user.as_ref()
    }

    /// The user with its escapes undone.
    ///
    /// # Errors
    /// [`ValueError::NotText`] when that is not UTF-8.
    pub fn user_decoded(&self) -> Result<Option<String>, ValueError> {
        let decode = |user: &Text| String::from_utf8(unescape(user)).map_err(|_| ValueError::NotText);
        self.user.as_ref().map(decode).transpose()
    }

    /// The password as it was written.
    #[must_use]
    pub fn password(&self) -> Option<&Text> {
        self.password.as_ref()
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, when one is written.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The `transport` parameter.
    #[must_use]
    pub fn transport(&self) -> Option<&Text> {
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
        let raw = param.raw().map(Text::as_str).unwrap_or_default();
        Some(String::from_utf8_lossy(&unescape(raw)).into_owned())
    }

    /// The part after the question mark, as it was written.
    #[must_use]
    pub fn headers(&self) -> Option<&Text> {
        self.headers.as_ref()
    }

    /// The headers with their escapes undone, name and value.
    pub fn header_fields(&self) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
        self.headers.iter().flat_map(|headers| headers.as_str().split('&')).map(|field| {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            (unescape(name), unescape(value))
        })
    }

    // RFC 3261 §19.1.4
    pub(super) fn is_equivalent(&self, other: &Self) -> bool {
        let part = |part: &Option<Text>| part.as_ref().map(|text| normalize(text, is_user));
        part(&self.user) == part(&other.user)
            && part(&self.password) == part(&other.password)
            && self.host == other.host
            && self.port == other.port
            && self.has_equivalent_params(other)
            && self.has_equivalent_headers(other)
    }

    fn has_equivalent_params(&self, other: &Self) -> bool {
        // RFC 3261 §19.1.4
        let never_default = ["user", "ttl", "method", "maddr", "transport"];
        let value = |uri: &Self, name: &str| {
            uri.params.raw(name).map(|raw| normalize(raw, scan::is_unreserved).to_ascii_lowercase())
        };
        let agree = |one: &Self, two: &Self| {
            one.params.iter().all(|param| {
                let name = param.name();
                match two.params.has(name) {
                    true => value(one, name) == value(two, name),
                    false => !never_default.iter().any(|never| name.is_like(never)),
                }
            })
        };
        agree(self, other) && agree(other, self)
    }

    fn has_equivalent_headers(&self, other: &Self) -> bool {
        let sorted = |uri: &Self| {
            let mut fields: Vec<_> =
                uri.header_fields().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
            fields.sort_unstable();
            fields
        };
        sorted(self) == sorted(other)
    }

    // RFC 3261 §10.3
    pub(super) fn to_aor(&self) -> Self {
        let user = self.user.as_ref().map(|user| Text::from(normalize(user, is_user)));
        let host = Text::from(self.host.to_canonical());
        let host = Host::parse(&host).unwrap_or_else(|_| self.host.clone());
        Self { user, ..Self::new(host) }
    }

    pub(super) fn detach(&self) -> Self {
        Self {
            user: self.user.as_ref().map(Text::detach),
            password: self.password.as_ref().map(Text::detach),
            host: self.host.detach(),
            port: self.port,
            params: self.params.detach(),
            headers: self.headers.as_ref().map(Text::detach),
        }
    }
}

type Userinfo = (Option<Text>, Option<Text>);

fn parse_userinfo(text: &Text) -> Result<Userinfo, ValueError> {
    let user_end = text.find_octet(b':').unwrap_or(text.len());
    let user = text.part(0..user_end);
    let password = (user_end < text.len()).then(|| text.part(user_end.saturating_add(1)..text.len()));
    let is_password = |octet| scan::is_unreserved(octet) || matches!(octet, b'&' | b'=' | b'+' | b'$' | b',' | b'%');
    let user_fits = !user.is_empty() && user.bytes().all(|octet| is_user(octet) || octet == b'%');
    let password_fits = password.iter().all(|text| text.bytes().all(is_password));
    if !user_fits || !password_fits || !has_whole_escapes(text.as_bytes()) {
        return Err(ValueError::UriCharacter);
    }
    Ok((Some(user), password))
}

fn parse_headers(text: Text) -> Result<Text, ValueError> {
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

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            f.write_str(user)?;
            if let Some(password) = &self.password {
                write!(f, ":{password}")?;
            }
            f.write_str("@")?;
        }
        write!(f, "{}", self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "{}", self.params)?;
        match &self.headers {
            Some(headers) => write!(f, "?{headers}"),
            None => Ok(()),
        }
    }
}
