//! The SIMPLE adapter: SIP registrar, notifier, subscriber and message relay.

pub mod translate;
