//! The way of messages: passed on while the sender waits, or offered from the store; and their reports.

pub(crate) mod letter;
pub(crate) mod machine;
