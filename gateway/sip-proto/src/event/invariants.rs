//! For tests: what holds for every machine after every step of any history.

use super::fixture::{answer, at, contact, document, notify, packages, settings, subscribe};
use super::notifier::admission::Admission;
use super::notifier::{Notifier, NotifierCommand, NotifierEvent, NotifierState, Opening, Permission, TimeoutRule};
use super::subscriber::{Subscriber, SubscriberCommand, SubscriberEvent, SubscriberState};
use crate::message::header::event::TerminationReason;
use crate::message::header::identifier::Tag;
use crate::message::headers::Header;
use crate::message::name::HeaderName;
use crate::message::request::Request;
use crate::transaction::ServerTransactionId;
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

const CODES: [u16; 12] = [100, 200, 202, 204, 302, 401, 403, 423, 481, 489, 500, 503];
const STATES: [&str; 6] =
    ["active;expires=600", "active", "pending;expires=60", "terminated", "odd", "active;expires=0"];

fn transaction() -> ServerTransactionId {
    ServerTransactionId::for_test(1)
}

fn number(request: &Request) -> u32 {
    request.headers().cseq().unwrap().sequence.to_number()
}

fn code(choice: u8) -> u16 {
    CODES[usize::from(choice) % CODES.len()]
}

proptest! {
    /// One SUBSCRIBE at a time, numbers that only rise, every NOTIFY answered once, silence after the end.
    #[test]
    fn a_subscriber_keeps_its_word(steps in proptest::collection::vec((0u8..9, any::<u8>(), 0u64..400_000), 0..50)) {
        let mut machine = Subscriber::new(settings(600));
        machine.handle(at(0), SubscriberEvent::Subscribe);
        let (mut now, mut last, mut open, mut heard) = (0, subscribe(None, 1, None), 0, 1);
        for (kind, choice, wait) in steps {
            let mut due = 0;
            now += wait;
            match kind {
                0 => machine.handle(at(now), SubscriberEvent::Refresh),
                1 if choice > 200 => machine.handle(at(now), SubscriberEvent::Unsubscribe),
                2 | 3 if open > 0 => {
                    let status = code(choice);
                    open -= i32::from(status >= 200);
                    let response = answer(&last, status)
                        .with(Header::new(HeaderName::Expires, 600))
                        .with(Header::new(HeaderName::MinExpires, 60 * u32::from(choice)));
                    machine.handle(at(now), SubscriberEvent::Response(response));
                }
                4 if open > 0 => {
                    open -= 1;
                    machine.handle(at(now), SubscriberEvent::TimedOut);
                }
                5..=7 => {
                    heard += u32::from(choice % 3);
                    due = 1;
                    let tag = if choice > 230 { "n2" } else { "n1" };
                    let request = Arc::new(notify(tag, heard, STATES[usize::from(choice) % STATES.len()], Some("x")));
                    machine.handle(at(now), SubscriberEvent::Notify { transaction: transaction(), request });
                }
                _ => machine.expire(at(now)),
            }
            while let Some(command) = machine.poll() {
                match command {
                    SubscriberCommand::SendRequest(request) => {
                        prop_assert!(open == 0 || machine.state() != SubscriberState::Ended);
                        prop_assert!(number(&request) > number(&last) || number(&last) == 1);
                        open += 1;
                        last = request;
                    }
                    SubscriberCommand::Respond { .. } => due -= 1,
                    SubscriberCommand::Challenged { .. }
                    | SubscriberCommand::StateChanged(_)
                    | SubscriberCommand::Forked(_) => {}
                }
            }
            prop_assert_eq!(due, 0, "answers");
            prop_assert!(open <= 1, "requests on their way");
            if machine.state() == SubscriberState::Ended {
                prop_assert_eq!(machine.deadline(), None);
                open = 0;
            }
        }
        while let Some(due) = machine.deadline().filter(|due| *due < at(now + 100_000_000)) {
            machine.expire(due);
            while machine.poll().is_some() {}
        }
        prop_assert!(machine.state() == SubscriberState::Ended, "without a notifier no subscription lasts");
    }

    /// One NOTIFY at a time, numbers rise by one, every SUBSCRIBE answered once, nothing after the last NOTIFY.
    #[test]
    fn a_notifier_keeps_its_word(steps in proptest::collection::vec((0u8..8, any::<u8>(), 0u64..400_000), 0..50)) {
        let request = subscribe(None, 1, Some(600));
        let packages = packages();
        let opening = Opening {
            tag: Tag::parse("notifier").unwrap(),
            contact: contact("sip:pa@192.0.2.9"),
            permission: Permission::Undecided,
            timeout_rule: TimeoutRule::Keep,
        };
        let admission = Admission::check(&request, &packages).unwrap();
        let mut machine = Notifier::accept(at(0), transaction(), &request, admission, opening).unwrap();
        let (mut now, mut last, mut open, mut asked, mut due, mut parted) = (0, None::<Request>, 0, 1, 1, false);
        for (kind, choice, wait) in std::iter::once((7, 0, 0)).chain(steps) {
            now += wait;
            match (kind, last.clone()) {
                (0, _) => machine.handle(at(now), NotifierEvent::Update(document("x"))),
                (1, _) => machine.handle(at(now), NotifierEvent::Grant(document("y"))),
                (2, _) if choice > 220 => {
                    let reason = TerminationReason::Deactivated;
                    machine.handle(at(now), NotifierEvent::Terminate { reason, retry_after_s: None });
                }
                (3 | 4, Some(notify)) if open > 0 => {
                    let status = code(choice);
                    open -= i32::from(status >= 200);
                    machine.handle(at(now), NotifierEvent::Response(answer(&notify, status)));
                }
                (5, Some(_)) if open > 0 => {
                    open -= 1;
                    machine.handle(at(now), NotifierEvent::TimedOut);
                }
                (6, _) => {
                    asked += u32::from(choice % 3);
                    due += 1;
                    let request = Arc::new(subscribe(Some("notifier"), asked, Some(u32::from(choice) * 4)));
                    machine.handle(at(now), NotifierEvent::Subscribe { transaction: transaction(), request });
                }
                _ => machine.expire(at(now)),
            }
            while let Some(command) = machine.poll() {
                match command {
                    NotifierCommand::SendRequest(request) => {
                        prop_assert!(!parted, "after the last NOTIFY");
                        prop_assert!(last.as_ref().is_none_or(|last| number(&request) == number(last) + 1));
                        let state = request.headers().subscription_state().unwrap().unwrap();
                        let is_last = state.reason().is_some();
                        prop_assert_eq!(state.expires_s().is_none(), is_last);
                        parted = is_last;
                        open += 1;
                        last = Some(request);
                    }
                    NotifierCommand::Respond { .. } => due -= 1,
                    NotifierCommand::Challenged { .. } => machine.handle(at(now), NotifierEvent::Authorize(Vec::new())),
                    NotifierCommand::LeaseGranted { .. } | NotifierCommand::Removed(_) => {}
                }
            }
            prop_assert_eq!(due, 0, "answers");
            prop_assert!(open <= 1, "requests on their way");
            if machine.state() == NotifierState::Ended {
                prop_assert_eq!(machine.deadline(), None);
                open = 0;
            }
        }
    }

    /// Whatever octets a store gives back, reading them is safe.
    #[test]
    fn no_octets_make_a_machine_by_accident(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Subscriber::from_snapshot(at(0), &octets, settings(600), Duration::ZERO).is_err());
        prop_assert!(Notifier::from_snapshot(&octets, &packages(), TimeoutRule::Remove).is_err());
    }
}
