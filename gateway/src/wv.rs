//! The WV adapter: CSP server for phones.

pub mod cir;
pub mod listener;
pub mod session;
pub mod translate;

pub use session::{WvAdapter, WvParts, WvSettings};
