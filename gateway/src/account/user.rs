//! How an account is named on the command line and in the configuration: `wv:alice@wv.example`, `sip:bob@sip.example`.

use mapping::{address::Address, address::AddressError, side::Side};
use std::fmt;

/// A user with the side that its scheme names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountUser {
    side: Side,
    address: Address,
}

/// Why a text names no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// It begins with neither `wv:` nor `sip:`.
    #[error("a user is written wv:USER@DOMAIN or sip:USER@DOMAIN")]
    Scheme,
    /// What follows is no address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// It names a list or group.
    #[error("a user has no resource")]
    Resource,
}

impl AccountUser {
    /// A user of `side`; the address must name a user.
    ///
    /// # Errors
    /// When the address names a resource.
    pub fn new(side: Side, address: Address) -> Result<Self, UserError> {
        if address.resource().is_some() { Err(UserError::Resource) } else { Ok(Self { side, address }) }
    }

    /// `wv:USER@DOMAIN` or `sip:USER@DOMAIN`.
    ///
    /// # Errors
    /// See [`UserError`].
    pub fn parse(text: &str) -> Result<Self, UserError> {
        let (scheme, address) = text.split_once(':').ok_or(UserError::Scheme)?;
        let side = match scheme.to_ascii_lowercase().as_str() {
            "wv" => Side::Wv,
            "sip" => Side::Simple,
            _ => return Err(UserError::Scheme),
        };
        Self::new(side, Address::parse(address)?)
    }

    /// The side on which the user lives.
    #[must_use]
    pub const fn side(&self) -> Side {
        self.side
    }

    /// The neutral address.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }
}

impl fmt::Display for AccountUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.side {
            Side::Wv => "wv",
            Side::Simple => "sip",
        };
        write!(f, "{scheme}:{}", self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_read_with_their_side() {
        let user = AccountUser::parse("WV:Alice@wv.example").unwrap();
        assert_eq!((user.side(), user.address().as_str()), (Side::Wv, "alice@wv.example"));
        assert_eq!(user.to_string(), "wv:alice@wv.example");
        assert_eq!(AccountUser::parse("alice@wv.example"), Err(UserError::Scheme));
        assert_eq!(AccountUser::parse("wv:alice/list@wv.example"), Err(UserError::Resource));
    }
}
