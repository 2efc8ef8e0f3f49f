//! Users of the domains that the gateway hosts: their names, passwords and how both are kept.

pub mod book;
pub mod credential;
pub mod directory;
pub mod person;
pub mod provision;
pub mod secret;
pub mod subscriber;
pub mod user;

pub use book::{Account, AccountBook, AccountError, AccountOrigin, AccountRegistry, NewAccount};
pub use credential::{Credential, CredentialError, Keeping, SealKey, StoredAccount, StoredCredential};
pub use directory::{Directory, Profile};
pub use person::PersonDetails;
pub use secret::Secret;
pub use subscriber::{SubscriberAnswer, SubscriberError, SubscriberProof, SubscriberQuestion, SubscriberService};
pub use user::{AccountUser, UserError};
