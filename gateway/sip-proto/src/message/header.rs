//! Typed header field values.

pub mod address;
pub mod authentication;
pub mod contact;
pub mod cseq;
pub mod date;
pub mod event;
pub mod identifier;
pub mod media_type;
pub mod retry_after;
pub mod via;
