//! What adapters hand to their lane, and what the lane asks of adapters.

use super::Neighbourhood;
use crate::store::WireRecord;
use mapping::{address::Address, command::Command, engine::Engine, event::Event, side::Side, time::Timestamp};

/// One thing an adapter hands over. The order within a batch is kept.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "moved once within a vector; a box would be an allocation for each")]
pub enum Input {
    /// For the engine.
    Event(Event),
    /// To be committed with the batch.
    Wire(WireRecord),
    /// The adapter holds output that must not leave before everything above is committed; it gets the ticket back.
    Hold(Ticket),
}

/// Names output that an adapter holds back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// Whose output.
    pub side: Side,
    /// The adapter's number for it.
    pub number: u64,
}

/// The inputs of the batch that is gathering.
#[derive(Debug, Default)]
pub struct Intake {
    inputs: Vec<Input>,
}

impl Intake {
    /// Adds an event for the engine.
    pub fn event(&mut self, event: Event) {
        self.inputs.push(Input::Event(event));
    }

    /// Adds a wire record.
    pub fn wire(&mut self, record: WireRecord) {
        self.inputs.push(Input::Wire(record));
    }

    /// Adds a hold.
    pub fn hold(&mut self, ticket: Ticket) {
        self.inputs.push(Input::Hold(ticket));
    }

    /// Adds all of these.
    pub fn extend(&mut self, inputs: Vec<Input>) {
        if self.inputs.is_empty() {
            self.inputs = inputs;
        } else {
            self.inputs.extend(inputs);
        }
    }

    /// Whether nothing has gathered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// Takes all that has gathered.
    pub fn take(&mut self) -> Vec<Input> {
        std::mem::take(&mut self.inputs)
    }
}

/// One side's adapter as its lane sees it.
pub trait Adapter {
    /// Moves what happened since the last call to the batch.
    fn collect(&mut self, intake: &mut Intake);

    /// Carries out a command; everything that it promises is committed.
    fn execute(&mut self, now: Timestamp, command: Command);

    /// What was held under the ticket may leave now.
    fn release(&mut self, now: Timestamp, ticket: Ticket);

    /// The batch could not be committed: held output must not leave, whoever waits is told that the gateway cannot
    /// serve now (DESIGN section 4).
    fn refuse(&mut self, now: Timestamp);

    /// The batch is lost and the store was read again: the adapter's machines start anew from these records.
    fn reload(&mut self, _: Timestamp, _: &[&WireRecord]) {}

    /// After a start: ends what the engine has of this side and the adapter does not know any more, and tells the engine
    /// what the adapter has and the engine does not know. A process may end between the two.
    fn reconcile(&mut self, _: Timestamp, _: &Engine) {}

    /// From now on these are the neighbours: what went over one that is no more ends. The engine knows them already.
    fn reroute(&mut self, _: Timestamp, _: &Neighbourhood, _: &Engine) {}

    /// Ends everything of a user of this side that is open: sessions, contacts, publications. The engine does the rest.
    fn dismiss(&mut self, _: Timestamp, _: &Address) {}

    /// Ends the sessions of a user, because the operator wants it; how many there were.
    fn log_out(&mut self, _: Timestamp, _: &Address) -> usize {
        0
    }

    /// A user of the other side can be reached here from now on, or no more.
    fn attended(&mut self, _: Timestamp, _: &Address, _: bool) {}

    /// The engine knows these users from now on.
    fn accounts_added(&mut self, _: Timestamp, _: &[Address], _: &Engine) {}

    /// The process ends: what is open at servers in which the gateway is a client is closed in order. It counts as under
    /// way until it is.
    fn leave(&mut self, _: Timestamp) {}

    /// The next instant at which the adapter wants [`Adapter::expire`].
    fn deadline(&self) -> Option<Timestamp>;

    /// Time has come for something.
    fn expire(&mut self, now: Timestamp);

    /// What there is to show of this side, as rows.
    fn show(&self, topic: crate::admin::ShowTopic) -> Vec<serde_json::Value>;

    /// How many things of each kind are open, for the metrics. Cheap: asked every few seconds.
    fn tally(&self) -> Vec<(&'static str, usize)> {
        Vec::new()
    }

    /// How many requests somebody waits for, here or at the far side: a shutdown waits until there are none.
    fn under_way(&self) -> usize {
        0
    }
}
