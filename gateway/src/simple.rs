//! The SIMPLE adapter: SIP registrar, notifier, subscriber and message relay.

pub mod agent;
pub mod mask;
pub mod translate;
pub mod transport;
