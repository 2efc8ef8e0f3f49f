use super::*;
use crate::outcome::Outcome::{Blocked, Expired, NotLoggedIn, Stored, Success};
use RelayAction::{Attempt, Forget, Report, Retry, Settle, Store};

fn verdict(outcome: Outcome) -> RelayEvent {
    RelayEvent::Verdict { outcome, retry_after: None }
}

#[test]
fn a_quick_verdict_is_the_answer_and_nothing_is_stored() {
    let mut machine = RelayMachine::new(Storage::On);
    assert_eq!(machine.handle(RelayEvent::Turn).as_slice(), [Attempt]);
    assert_eq!(machine.handle(verdict(Blocked)).as_slice(), [Settle(Blocked), Forget]);
    assert_eq!(machine.state, RelayState::Done);
}

#[test]
fn a_slow_verdict_finds_the_message_stored_and_is_reported() {
    let mut machine = RelayMachine::new(Storage::On);
    machine.handle(RelayEvent::Turn);
    assert_eq!(machine.handle(RelayEvent::WaitOver).as_slice(), [Store, Settle(Stored)]);
    assert_eq!(machine.handle(verdict(Blocked)).as_slice(), [Report(Blocked), Forget]);
}

#[test]
fn an_absent_recipient_is_tried_again_until_the_message_expires() {
    let mut machine = RelayMachine::new(Storage::On);
    machine.handle(RelayEvent::Turn);
    assert_eq!(machine.handle(verdict(NotLoggedIn)).as_slice(), [Store, Settle(Stored), Retry(None)]);
    assert_eq!(machine.handle(RelayEvent::Turn).as_slice(), [Attempt]);
    assert_eq!(machine.handle(verdict(NotLoggedIn)).as_slice(), [Retry(None)]);
    assert_eq!(machine.handle(RelayEvent::Expiry).as_slice(), [Report(Expired), Forget]);
}

#[test]
fn without_storage_the_sender_is_told_at_once() {
    let mut machine = RelayMachine::new(Storage::Off);
    machine.handle(RelayEvent::Turn);
    assert_eq!(machine.handle(verdict(NotLoggedIn)).as_slice(), [Settle(NotLoggedIn), Forget]);
}

#[test]
fn success_within_the_wait_is_answered_first_and_then_reported() {
    let mut machine = RelayMachine::new(Storage::On);
    machine.handle(RelayEvent::Turn);
    assert_eq!(machine.handle(verdict(Success)).as_slice(), [Settle(Success), Report(Success), Forget]);
}

#[test]
fn every_state_has_a_row_for_every_event() {
    let states = [RelayState::Queued, RelayState::Passing, RelayState::Late, RelayState::Waiting, RelayState::Done];
    let events = [
        RelayEvent::Turn,
        verdict(Success),
        verdict(Stored),
        verdict(NotLoggedIn),
        verdict(Blocked),
        RelayEvent::WaitOver,
        RelayEvent::Expiry,
    ];
    let mut table = String::from("# relay: storage, state, event: next state, actions\n");
    for storage in [Storage::On, Storage::Off] {
        for state in states {
            for event in events {
                let mut machine = RelayMachine { state, storage };
                let actions = machine.handle(event);
                let event = match event {
                    RelayEvent::Verdict { outcome, .. } => format!("Verdict({outcome:?})"),
                    other => format!("{other:?}"),
                };
                table.push_str(&format!("{storage:?} {state:?} {event}: {:?} {actions:?}\n", machine.state));
            }
        }
    }
    crate::generated::compare("fixtures/state/mapping_relay.txt", &table);
}
