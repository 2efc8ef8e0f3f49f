//! One shard of the engine.

/// What one shard says to another.
#[derive(Clone, Debug)]
pub(crate) enum Word {}
