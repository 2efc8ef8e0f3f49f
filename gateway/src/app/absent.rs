//! In place of the adapter of a side that is not configured.

use crate::{
    admin::ShowTopic,
    lane::{Adapter, Intake, Ticket},
};
use mapping::{command::Command, side::Side, time::Timestamp};

/// A side that is not there. Nobody can be reached on it: the domain table has no domain of it, so what the engine
/// still wants of it is about endpoints from before the configuration was changed.
#[derive(Debug)]
pub(super) struct AbsentSide(pub(super) Side);

impl Adapter for AbsentSide {
    fn collect(&mut self, _: &mut Intake) {}

    fn execute(&mut self, _: Timestamp, command: Command) {
        tracing::debug!(side = ?self.0, correlation = %command.correlation, "a command for a side that is not configured");
    }

    fn release(&mut self, _: Timestamp, _: Ticket) {}

    fn refuse(&mut self, _: Timestamp) {}

    fn deadline(&self) -> Option<Timestamp> {
        None
    }

    fn expire(&mut self, _: Timestamp) {}

    fn show(&self, _: ShowTopic) -> Vec<serde_json::Value> {
        Vec::new()
    }
}
