//! What a message was on the wire: its octets, with secrets masked or as they were, and the way it took.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// A message as it passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wire {
    /// What carried it.
    pub carrier: Carrier,
    /// The gateway's address, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<SocketAddr>,
    /// The address of the far end, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<SocketAddr>,
    /// The path of an HTTP request; none in an answer and where there is no HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The type of an HTTP body as it was declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// What is shown.
    pub message: Rendering,
    /// What nobody is shown but who asked for it.
    #[serde(skip)]
    pub original: Option<Rendering>,
}

/// What carries messages. TLS is named, and what is inside is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Carrier {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// A stream inside TLS.
    Tls,
    /// HTTP bodies.
    Http,
    /// HTTP bodies inside TLS.
    Https,
}

/// The content of a message in one of its two forms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendering {
    /// The octets, in BASE64 where they are written as text; none where secrets could not be told from the rest.
    #[serde(default, with = "base64_text", skip_serializing_if = "Option::is_none")]
    pub octets: Option<Bytes>,
    /// The same to be read, where octets cannot be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Whether something in it is masked.
    #[serde(default)]
    pub is_masked: bool,
}

/// The way that messages take between the gateway and a far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// What carries them.
    pub carrier: Carrier,
    /// The gateway's address, where it is known.
    pub local: Option<SocketAddr>,
    /// The address of the far end, where it is known.
    pub remote: Option<SocketAddr>,
}

impl Wire {
    /// A message on this line.
    #[must_use]
    pub fn on(line: Line, message: Rendering, original: Option<Rendering>) -> Self {
        let Line { carrier, local, remote } = line;
        Self { carrier, local, remote, path: None, content_type: None, message, original }
    }

    /// The same with its body declared as that, and for a request with its path.
    #[must_use]
    pub fn posted(mut self, path: Option<&str>, content_type: Option<&str>) -> Self {
        self.path = path.map(str::to_owned);
        self.content_type = content_type.map(str::to_owned);
        self
    }

    /// The same with what it truly was, where that is known.
    #[must_use]
    pub fn to_original(&self) -> Self {
        let message = self.original.clone().unwrap_or_else(|| self.message.clone());
        Self { message, original: None, ..self.clone() }
    }

    /// The message to be read.
    #[must_use]
    pub fn to_text(&self) -> Option<String> {
        let octets = || self.message.octets.as_ref().map(|octets| String::from_utf8_lossy(octets).into_owned());
        self.message.text.clone().or_else(octets)
    }
}

impl Rendering {
    /// Octets that hold no secret.
    #[must_use]
    pub fn open(octets: &Bytes) -> Self {
        Self { octets: Some(octets.clone()), text: None, is_masked: false }
    }
}

impl Carrier {
    /// Whether bodies of HTTP are carried.
    #[must_use]
    pub const fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }
}

mod base64_text {
    use super::{Bytes, Deserialize, Engine, STANDARD};

    pub(super) fn serialize<S: serde::Serializer>(octets: &Option<Bytes>, serializer: S) -> Result<S::Ok, S::Error> {
        match octets {
            Some(octets) => serializer.serialize_str(&STANDARD.encode(octets)),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Bytes>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let decode = |text: String| STANDARD.decode(text).map(Bytes::from).map_err(serde::de::Error::custom);
        text.map(decode).transpose()
    }
}
