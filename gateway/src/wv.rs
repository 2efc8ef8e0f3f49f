//! The WV adapter: CSP server for phones.

mod budget;
pub mod cir;
pub mod listener;
pub mod plain_text;
pub mod session;
pub mod translate;

pub use session::{SubscriberBackend, SubscriberDesk, WvAdapter, WvParts, WvSettings};
