//! The six messages that make a session between two servers.

use super::{
    field::{Fault, Part},
    part::ServiceId,
};
use crate::{
    codec::{
        sink::Sink,
        tree::{Element, decode_base64},
    },
    primitive::identifier::SessionId,
    status::StatusResult,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest as _, Md5};
use std::{fmt, time::Duration};
use subtle::ConstantTimeEq as _;

/// One of the messages. Who opens the session sends them in mode Request, the other one in mode Response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetupStep {
    /// Steps 1 and 2: a secret goes to where the domain is found.
    SendSecretToken {
        /// Whose secret.
        service: ServiceId,
        /// The secret.
        secret: SecretToken,
        /// The version that is spoken, as text.
        version: Option<Box<str>>,
    },
    /// Steps 3 and 4: the proof of having received the other one's secret.
    LoginRequest {
        /// Whose proof.
        service: ServiceId,
        /// How long the session is to last.
        time_to_live: Option<Duration>,
        /// The proof.
        digest: PasswordDigest,
    },
    /// Steps 5 and 6: the id that the sender puts into its messages.
    LoginResponse {
        /// The id; none when the login was refused.
        session_id: Option<SessionId>,
        /// How long the session lasts.
        time_to_live: Option<Duration>,
        /// How it went.
        status: StatusResult,
    },
}

impl SetupStep {
    /// The name of its element.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SendSecretToken { .. } => TOKEN,
            Self::LoginRequest { .. } => REQUEST,
            Self::LoginResponse { .. } => RESPONSE,
        }
    }

    /// Reads it by the name of its element; none where the name is not known.
    pub(super) fn read(element: Element<'_, '_>) -> Option<Result<Self, Fault>> {
        Some(match element.local_name() {
            TOKEN => read_token(element),
            REQUEST => read_request(element),
            RESPONSE => read_response(element),
            _ => return None,
        })
    }

    pub(super) fn write(&self, sink: &mut dyn Sink) {
        sink.start(self.name());
        match self {
            Self::SendSecretToken { service, secret, version } => {
                sink.attribute("serviceID", &service.to_string());
                sink.attribute("protocol", "WV-SSP");
                sink.maybe_attribute("protocolVersion", version.as_deref());
                sink.text_element("SecretToken", Some(secret.expose()));
            }
            Self::LoginRequest { service, time_to_live, digest } => {
                sink.attribute("serviceID", &service.to_string());
                sink.seconds_attribute("timeToLive", *time_to_live);
                sink.start("PasswordDigest");
                sink.attribute("encoding", "base64");
                sink.text(&STANDARD.encode(&digest.0));
                sink.close();
            }
            Self::LoginResponse { session_id, time_to_live, status } => {
                sink.maybe_attribute("sessionID", session_id.as_ref().map(SessionId::as_str));
                sink.seconds_attribute("timeToLive", *time_to_live);
                Part::write(status, sink);
            }
        }
        sink.close();
    }
}

fn read_token(element: Element<'_, '_>) -> Result<SetupStep, Fault> {
    let token = element.inner("SecretToken").ok_or(Fault::Missing("SecretToken"))?;
    let secret = if is_base64(token) {
        let octets = decode_base64(token.text().as_bytes()).map_err(|_| Fault::BadValue("SecretToken"))?;
        String::from_utf8(octets).map_err(|_| Fault::BadValue("SecretToken"))?.into()
    } else {
        token.trimmed()
    };
    if secret.is_empty() {
        return Err(Fault::Missing("SecretToken"));
    }
    // QUIRK ssp_procotol_version: writes the attribute as procotolVersion; Baraza.
    let version = element.value("protocolVersion").or_else(|| element.value("procotolVersion"));
    Ok(SetupStep::SendSecretToken {
        service: ServiceId::parse(element.needed_value("serviceID")?)?,
        secret: SecretToken(secret),
        version: version.map(Into::into),
    })
}

fn read_request(element: Element<'_, '_>) -> Result<SetupStep, Fault> {
    let digest = element.inner("PasswordDigest").ok_or(Fault::Missing("PasswordDigest"))?;
    let octets = decode_base64(digest.text().as_bytes()).map_err(|_| Fault::BadValue("PasswordDigest"))?;
    Ok(SetupStep::LoginRequest {
        service: ServiceId::parse(element.needed_value("serviceID")?)?,
        time_to_live: element.seconds("timeToLive")?,
        digest: PasswordDigest(octets),
    })
}

fn read_response(element: Element<'_, '_>) -> Result<SetupStep, Fault> {
    Ok(SetupStep::LoginResponse {
        session_id: element.value("sessionID").map(SessionId::new),
        time_to_live: element.seconds("timeToLive")?,
        status: element.needed_part("Status")?,
    })
}

fn is_base64(element: Element<'_, '_>) -> bool {
    element.value("encoding").is_some_and(|word| word.eq_ignore_ascii_case("base64"))
}

const TOKEN: &str = "SendSecretToken";
const REQUEST: &str = "LoginRequest";
const RESPONSE: &str = "LoginResponse";

/// A secret that one server made for the other.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretToken(Box<str>);

impl SecretToken {
    /// The secret with this text; white space around it does not count.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim().into())
    }

    /// The secret made of random octets: 32 hexadecimal digits.
    #[must_use]
    pub fn from_octets(octets: [u8; 16]) -> Self {
        Self(octets.iter().fold(String::new(), |text, octet| format!("{text}{octet:02x}")).into())
    }

    /// The text, for the one who sends or keeps it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The proof of knowing it.
    // WV-SSP-02
    #[must_use]
    pub fn digest(&self) -> PasswordDigest {
        PasswordDigest(Md5::digest(self.0.as_bytes()).to_vec())
    }
}

impl fmt::Debug for SecretToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretToken(..)")
    }
}

/// The proof of knowing a secret: its MD5.
#[derive(Clone)]
pub struct PasswordDigest(Vec<u8>);

impl PartialEq for PasswordDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for PasswordDigest {}

impl fmt::Debug for PasswordDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordDigest(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wv_ssp_02_the_proof_is_the_md5_of_the_text() {
        let proof = STANDARD.encode(SecretToken::new("\n532d65dfdb524a52e852dbab96898467\n").digest().0);
        assert_eq!(proof, STANDARD.encode(Md5::digest(b"532d65dfdb524a52e852dbab96898467")));
        assert_eq!(SecretToken::from_octets([0xab; 16]).expose(), "ab".repeat(16));
        assert_eq!(format!("{:?}", SecretToken::new("x")), "SecretToken(..)");
    }
}
