//! SSP, the protocol between home servers: documents, the machines of a session, and what both are made of.
//!
//! Attributes hold identifiers and the truth values Yes and No; only inside PresenceSubList everything is as in CSP.
//! What is read may come as the one known server writes it: ids without scheme, texts between line breaks, an attribute
//! with a slip of the pen. What is written is exact.

pub mod answerer;
pub mod association;
pub mod document;
mod field;
pub mod limit;
pub mod opener;
pub mod part;
pub mod primitive;
pub mod setup;
pub mod transaction;

pub use document::{Body, ContentType, Document, DocumentError, SessionMessage, SetupMessage, Transaction};
pub use field::Fault;
