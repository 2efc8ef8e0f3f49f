//! Watching: the watcher's end with its views, and the cache of subscriptions to neighbour servers.

pub(crate) mod cache;
pub(crate) mod lease;
pub(crate) mod machine;
pub(crate) mod pace;
pub(crate) mod table;
