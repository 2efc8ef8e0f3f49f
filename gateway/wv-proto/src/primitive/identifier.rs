//! Texts that only identify something, and texts that are secret.

use crate::address::{Address, AddressError};
use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::schema::element;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Declares an opaque text of its own type, and how it is held.
macro_rules! identifier {
    ($($(#[$doc:meta])* $name:ident($held:ty),)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name($held);

        impl $name {
            /// The identifier with this text.
            #[must_use]
            pub fn new(text: impl Into<$held>) -> Self {
                Self(text.into())
            }

            /// Its text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.0)
            }
        }
    )+};
}

// Those of a session and its transactions are quoted again and again: copies share their text.
identifier! {
    /// SessionID: names a session; compared with regard to case. Mint none longer than
    /// [`IDENTIFIER_LENGTH_MAX`] (WV-TRX-07).
    SessionId(Arc<str>),
    /// TransactionID: names a transaction of one direction of a session.
    TransactionId(Arc<str>),
    /// SessionCookie: chosen by the client, quoted to it in communication initiation requests.
    SessionCookie(Box<str>),
    /// MessageID: given by the server.
    MessageId(Box<str>),
    /// UserID as it came: the text of a user address, not yet parsed.
    UserId(Box<str>),
    /// ContactList as it came: the text of a contact list address, not yet parsed.
    ContactListId(Box<str>),
    /// SearchID: given by the server to a search of one session.
    SearchId(Box<str>),
    /// GroupID as it came: the text of a group address, not yet parsed.
    GroupId(Box<str>),
}

impl SessionId {
    /// Its text, shared.
    #[must_use]
    pub fn to_shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

/// Longest SessionID or TransactionID that may be minted: the S60 client gives up on longer ones (WV-TRX-07).
pub const IDENTIFIER_LENGTH_MAX: usize = 50;

/// Declares the way from an address text to the address.
macro_rules! address_text {
    ($($name:ident),+) => {$(
        impl $name {
            /// The address that the text stands for; a text without domain means this one.
            ///
            /// # Errors
            /// See [`AddressError`].
            pub fn parse_address(&self, domain_default: &str) -> Result<Address, AddressError> {
                Address::parse(&self.0, domain_default)
            }
        }

        impl From<&Address> for $name {
            fn from(address: &Address) -> Self {
                Self::new(address.as_str())
            }
        }
    )+};
}

address_text!(UserId, ContactListId, GroupId);

/// Declares a secret text whose `Debug` prints nothing of it.
macro_rules! secret {
    ($($(#[$doc:meta])* $name:ident,)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(Box<str>);

        impl $name {
            /// The secret with this text.
            #[must_use]
            pub fn new(text: impl Into<Box<str>>) -> Self {
                Self(text.into())
            }

            /// The text, for the one who compares or sends it.
            #[must_use]
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )+};
}

secret! {
    /// Password in clear.
    Password,
    /// Nonce of a digest challenge.
    Nonce,
    /// DigestBytes: base64 of the digest.
    DigestBytes,
}

/// Which client instance of a user: opaque, compared as a whole.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ClientId {
    /// ClientID(URL?, MSISDN?), as published.
    Described {
        /// URL: free text, whatever its name says.
        url: Option<Box<str>>,
        /// MSISDN.
        msisdn: Option<Box<str>>,
    },
    /// ClientID holding bare text, as some clients and servers send it.
    Plain(Box<str>),
    /// ApplicationID in the place of ClientID (1.3).
    Application(Box<str>),
}

impl ClientId {
    /// The client of that URL.
    #[must_use]
    pub fn from_url(url: impl Into<Box<str>>) -> Self {
        Self::Described { url: Some(url.into()), msisdn: None }
    }

    /// The client of that telephone number.
    #[must_use]
    pub fn from_msisdn(msisdn: impl Into<Box<str>>) -> Self {
        Self::Described { url: None, msisdn: Some(msisdn.into()) }
    }

    /// The most telling text in it; empty when there is none.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Described { url, msisdn } => url.as_deref().or(msisdn.as_deref()).unwrap_or_default(),
            Self::Plain(text) | Self::Application(text) => text,
        }
    }
}

impl ClientId {
    /// The client named inside an element: ClientID, or ApplicationID in its place.
    pub(crate) fn read_in(element: Element<'_, '_>) -> Result<Option<Self>, MalformedReason> {
        match element.part_of(element::CLIENT_ID)? {
            Some(client_id) => Ok(Some(client_id)),
            None => Ok(element.text_of(element::APPLICATION_ID).map(Self::Application)),
        }
    }

    /// Writes the client, if there is one.
    pub(crate) fn write_option(client_id: Option<&Self>, sink: &mut dyn Sink) {
        if let Some(client_id) = client_id {
            client_id.write(sink);
        }
    }
}

impl Part for ClientId {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let (url, msisdn) = (element.text_of(element::URL), element.text_of(element::MSISDN));
        if url.is_some() || msisdn.is_some() {
            return Ok(Self::Described { url, msisdn });
        }
        if let Some(application_id) = element.text_of(element::APPLICATION_ID) {
            return Ok(Self::Application(application_id));
        }
        let text = element.trimmed();
        Ok(if text.is_empty() { Self::Described { url: None, msisdn: None } } else { Self::Plain(text) })
    }

    fn write(&self, sink: &mut dyn Sink) {
        match self {
            Self::Described { url, msisdn } => {
                sink.open(element::CLIENT_ID);
                sink.maybe_text(element::URL, url.as_deref());
                sink.maybe_text(element::MSISDN, msisdn.as_deref());
                sink.close();
            }
            Self::Plain(text) => sink.leaf_text(element::CLIENT_ID, text),
            Self::Application(text) => sink.leaf_text(element::APPLICATION_ID, text),
        }
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Described { url, msisdn } => {
                f.debug_struct("ClientId").field("url", url).field("msisdn", msisdn).finish()
            }
            Self::Plain(text) => write!(f, "ClientId({text:?})"),
            Self::Application(text) => write!(f, "ApplicationId({text:?})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_print_nothing() {
        let shown = format!("{:?} {:?} {:?}", Password::new("one"), Nonce::new("two"), DigestBytes::new("three"));
        assert_eq!(shown, "Password(..) Nonce(..) DigestBytes(..)");
    }

    #[test]
    fn a_client_is_shown_by_its_url_first() {
        assert_eq!(ClientId::from_url("phone").as_str(), "phone");
        assert_eq!(ClientId::from_msisdn("+358").as_str(), "+358");
        assert_eq!(ClientId::Described { url: None, msisdn: None }.as_str(), "");
    }
}
