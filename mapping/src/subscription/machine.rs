//! One subscription at a neighbour server, on behalf of one watcher (subscription mapping §2). Refreshing, dialogs and
//! Timer N are the adapter's.

use crate::{subscription::lease::Sequel, witness::met};
use smallvec::SmallVec;
use std::time::Duration;

/// Where the entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryState {
    /// Nothing is wanted and nothing is known.
    Idle,
    /// The far side was asked.
    Subscribing,
    /// The far side has not decided.
    Pending,
    /// The far side tells.
    Active,
    /// It failed; another attempt follows.
    Backoff,
    /// The watcher is refused; remembered for a while.
    Denied,
    /// There is no such presentity; remembered for a while.
    Gone,
    /// The last watcher left while it was this.
    Linger(Live),
}

/// What a lingering subscription is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Live {
    Subscribing,
    Pending,
    Active,
}

/// What happens to the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryEvent {
    /// The watcher comes.
    Joined,
    /// The watcher leaves.
    Left,
    /// The far side has not decided.
    Pending,
    /// The far side says yes, with or without a document.
    Active,
    /// The subscription is over, one way or another.
    Over(Sequel),
    /// The wait is over.
    Waited,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryAction {
    /// Subscribe at the far side, as the ramp allows.
    Open,
    /// End it there.
    Close,
    /// Come back after this wait.
    Wait(Duration),
    /// Come back after back-off, at the earliest after this wait.
    BackOff(Duration),
    /// No wait any more.
    NoWait,
    /// Tell the watcher how it stands.
    Tell,
}

/// The actions of one step.
pub(crate) type EntryActions = SmallVec<[EntryAction; 3]>;

/// The machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryMachine {
    pub(crate) state: EntryState,
    /// Whether the watcher is there.
    pub(crate) watched: bool,
}

impl EntryMachine {
    pub(crate) const fn new() -> Self {
        Self { state: EntryState::Idle, watched: false }
    }

    pub(crate) fn handle(&mut self, event: EntryEvent, linger: Duration) -> EntryActions {
        let whether = if self.watched { "watched" } else { "unwatched" };
        met("mapping_entry", format_args!("{whether} {:?} {event:?}", self.state));
        use EntryAction::{Close, NoWait, Open, Tell, Wait};
        use EntryState::{Active, Backoff, Denied, Gone, Idle, Linger, Pending, Subscribing};
        let (state, actions) = match (self.state, event) {
            (Idle, EntryEvent::Joined) => (Subscribing, EntryActions::from_iter([Open, Tell])),
            (state @ (Subscribing | Pending | Active | Backoff | Denied | Gone), EntryEvent::Joined) => {
                (state, EntryActions::from_iter([Tell]))
            }
            (Linger(live), EntryEvent::Joined) => (live.to_state(), EntryActions::from_iter([NoWait, Tell])),

            (Subscribing, EntryEvent::Left) => (Linger(Live::Subscribing), EntryActions::from_iter([Wait(linger)])),
            (Pending, EntryEvent::Left) => (Linger(Live::Pending), EntryActions::from_iter([Wait(linger)])),
            (Active, EntryEvent::Left) => (Linger(Live::Active), EntryActions::from_iter([Wait(linger)])),
            (Backoff, EntryEvent::Left) => (Idle, EntryActions::from_iter([NoWait])),
            // A refusal is remembered without a watcher.
            (state @ (Denied | Gone), EntryEvent::Left) => (state, EntryActions::new()),

            (Subscribing | Pending | Active | Backoff, EntryEvent::Pending) => {
                (Pending, EntryActions::from_iter([NoWait, Tell]))
            }
            (Subscribing | Pending | Active | Backoff, EntryEvent::Active) => {
                (Active, EntryActions::from_iter([NoWait, Tell]))
            }
            (Linger(_), EntryEvent::Pending) => (Linger(Live::Pending), EntryActions::new()),
            (Linger(_), EntryEvent::Active) => (Linger(Live::Active), EntryActions::new()),

            (Subscribing | Pending | Active | Backoff, EntryEvent::Over(sequel)) => Self::over(sequel),
            (Linger(Live::Active), EntryEvent::Over(Sequel::Fixed)) => (self.state, EntryActions::new()),
            (Linger(_), EntryEvent::Over(_)) => (Idle, EntryActions::from_iter([NoWait])),

            (Backoff, EntryEvent::Waited) => (Subscribing, EntryActions::from_iter([Open])),
            (Denied | Gone, EntryEvent::Waited) if self.watched => (Subscribing, EntryActions::from_iter([Open])),
            (Denied | Gone, EntryEvent::Waited) => (Idle, EntryActions::new()),
            (Linger(_), EntryEvent::Waited) => (Idle, EntryActions::from_iter([Close])),

            // Late news of a subscription that is over, and waits that were overtaken.
            (
                state @ Idle,
                EntryEvent::Left | EntryEvent::Pending | EntryEvent::Active | EntryEvent::Over(_) | EntryEvent::Waited,
            )
            | (state @ (Denied | Gone), EntryEvent::Pending | EntryEvent::Active | EntryEvent::Over(_))
            | (state @ (Subscribing | Pending | Active), EntryEvent::Waited)
            | (state @ Linger(_), EntryEvent::Left) => (state, EntryActions::new()),
        };
        match event {
            EntryEvent::Joined => self.watched = true,
            EntryEvent::Left => self.watched = false,
            EntryEvent::Pending | EntryEvent::Active | EntryEvent::Over(_) | EntryEvent::Waited => {}
        }
        self.state = state;
        actions
    }

    fn over(sequel: Sequel) -> (EntryState, EntryActions) {
        use EntryAction::{BackOff, NoWait, Open, Tell, Wait};
        match sequel {
            Sequel::Again => (EntryState::Subscribing, EntryActions::from_iter([NoWait, Open])),
            Sequel::Later(wait) => (EntryState::Backoff, EntryActions::from_iter([Wait(wait)])),
            Sequel::BackOff(wait) => (EntryState::Backoff, EntryActions::from_iter([BackOff(wait)])),
            Sequel::Denied(wait) | Sequel::WithoutPresence(wait) => {
                (EntryState::Denied, EntryActions::from_iter([Wait(wait), Tell]))
            }
            Sequel::Gone(wait) => (EntryState::Gone, EntryActions::from_iter([Wait(wait), Tell])),
            Sequel::Fixed => (EntryState::Active, EntryActions::from_iter([NoWait, Tell])),
        }
    }
}

impl Live {
    pub(crate) const fn to_state(self) -> EntryState {
        match self {
            Self::Subscribing => EntryState::Subscribing,
            Self::Pending => EntryState::Pending,
            Self::Active => EntryState::Active,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [EntryState; 10] = [
        EntryState::Idle,
        EntryState::Subscribing,
        EntryState::Pending,
        EntryState::Active,
        EntryState::Backoff,
        EntryState::Denied,
        EntryState::Gone,
        EntryState::Linger(Live::Subscribing),
        EntryState::Linger(Live::Pending),
        EntryState::Linger(Live::Active),
    ];

    #[test]
    fn every_state_has_a_row_for_every_event() {
        let wait = Duration::from_secs(9);
        let sequels = [
            Sequel::Again,
            Sequel::Later(wait),
            Sequel::BackOff(wait),
            Sequel::Denied(wait),
            Sequel::WithoutPresence(wait),
            Sequel::Gone(wait),
            Sequel::Fixed,
        ];
        let mut events = vec![EntryEvent::Joined, EntryEvent::Left, EntryEvent::Pending, EntryEvent::Active];
        events.extend(sequels.map(EntryEvent::Over));
        events.push(EntryEvent::Waited);
        let mut table = String::from("# back-end entry: watched or not, state, event: next state, actions\n");
        for (watched, word) in [(true, "watched"), (false, "unwatched")] {
            for state in STATES {
                for event in &events {
                    let mut machine = EntryMachine { state, watched };
                    let actions = machine.handle(*event, Duration::from_secs(60));
                    let next = machine.state;
                    table.push_str(&format!("{word} {state:?} {event:?}: {next:?} {actions:?}\n"));
                }
            }
        }
        crate::generated::compare("fixtures/state/mapping_entry.txt", &table);
    }

    #[test]
    fn a_refusal_outlives_its_watcher_and_is_tested_only_for_a_new_one() {
        let (linger, wait) = (Duration::from_secs(60), Duration::from_secs(9));
        let mut machine = EntryMachine::new();
        machine.handle(EntryEvent::Joined, linger);
        machine.handle(EntryEvent::Over(Sequel::Denied(wait)), linger);
        machine.handle(EntryEvent::Left, linger);
        assert_eq!(machine.handle(EntryEvent::Joined, linger).as_slice(), [EntryAction::Tell]);
        assert_eq!(machine.handle(EntryEvent::Waited, linger).as_slice(), [EntryAction::Open]);
    }
}
