//! The WV adapter: CSP server for phones.

pub mod translate;
