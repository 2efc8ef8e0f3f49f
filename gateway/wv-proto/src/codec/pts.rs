//! Plain-text syntax (PTS): messages of letters and short codes, for the bearer SMS.

pub mod assembly;
mod capability;
mod message;
mod presence;
mod reading;
mod value;
mod writing;

pub use message::{Code, PtsMessage};
pub use reading::{Refusal, read_envelope, refuse_unreadable};
pub use value::{Param, PtsValue};
pub use writing::write_envelope;

use thiserror::Error;

/// Why a text is no message, or a message cannot be written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PtsError {
    /// It does not begin with `WV` and a version.
    #[error("this does not begin like a message")]
    NotAMessage,
    /// A version that is not ours.
    #[error("a version that is not known")]
    UnsupportedVersion,
    /// What comes before the first blank is not of the right form.
    #[error("the code, the transaction or the part is not of the right form")]
    BadPreamble,
    /// A parameter is not of the right form.
    #[error("a parameter is not of the right form")]
    BadParameter,
    /// More than a message may hold.
    #[error("{0} exceeds the limit")]
    LimitExceeded(&'static str),
    /// The text is not UTF-8.
    #[error("the text is not UTF-8")]
    NotText,
    /// The primitive has no code in this syntax, or none that is known.
    #[error("the primitive cannot be written in this syntax")]
    NoSuchCode,
    /// A TransactionID that is not a number below 1000.
    #[error("the transaction has no number")]
    NoNumber,
    /// A text holds a control character.
    #[error("a text holds a character that may not be written")]
    ForbiddenCharacter,
}

/// Octets of one message, put together: 26 short messages of 160 characters, and as much again for good measure.
pub const MESSAGE_OCTETS_MAX: usize = 8 * 1024;

/// Lists in lists. A presence with structured attributes is 5 deep.
const DEPTH_MAX: usize = 8;

/// Values of one message.
const VALUES_MAX: usize = 2000;

#[cfg(test)]
mod tests;
