//! What the server begins: queue, polls, acknowledgements, resends.

use super::super::*;
use super::bench::{Bench, at, message, presence, secs, status};
use crate::primitive::access::KeepAliveRequest;
use crate::primitive::capability::CapabilityList;
use crate::primitive::identifier::MessageId;
use crate::primitive::message::MessageDelivered;
use crate::primitive::service::ClientCapabilityRequest;
use crate::session::poll::QueueKey;

fn id_of(answer: &Envelope) -> TransactionId {
    let transaction = &answer.transactions[0];
    assert_eq!(transaction.mode, TransactionMode::Request);
    transaction.id.clone().unwrap()
}

fn delivered(id: &str) -> Primitive {
    Primitive::MessageDelivered(MessageDelivered { message_id: MessageId::new(id) })
}

fn enqueue(bench: &mut Bench, now: u64, entry: ServerPrimitive) {
    bench.session.handle(at(now), Event::Enqueue(entry));
}

fn announce(bench: &mut Bench, capabilities: CapabilityList) {
    let request = ClientCapabilityRequest { client_id: None, capabilities };
    bench.request(0, "cap", Primitive::ClientCapabilityRequest(Box::new(request)));
}

#[test]
fn wv_trx_03_a_request_of_the_client_may_bear_the_id_of_a_transaction_of_the_server() {
    let mut bench = Bench::new(Version::V1_2);
    enqueue(&mut bench, 0, message("m-1"));
    let id = id_of(&bench.poll(1).unwrap());
    bench.post(2, Transaction::request(Some(id.clone()), Primitive::GetListRequest));
    let commands = bench.commands();
    assert!(commands.iter().any(|command| matches!(command, Command::Execute { .. })), "{commands:?}");
    assert!(!commands.iter().any(|command| matches!(command, Command::Acknowledged { .. })), "{commands:?}");
    let (commands, _) = bench.respond(3, &id, delivered("m-1"));
    assert!(commands.iter().any(|command| matches!(command, Command::Acknowledged { .. })), "{commands:?}");
}

#[test]
fn wv_poll_02_a_poll_fetches_what_waits_and_the_acknowledgement_ends_it() {
    let mut bench = Bench::new(Version::V1_2);
    enqueue(&mut bench, 0, message("m-1"));
    let answer = bench.poll(1).unwrap();
    let id = id_of(&answer);
    assert_eq!(answer.poll, None);
    let (commands, body) = bench.respond(2, &id, delivered("m-1"));
    assert_eq!(body, None);
    let keys = vec![QueueKey::Message(MessageId::new("m-1"))];
    let answer = Acknowledgement::Answered(delivered("m-1"));
    assert_eq!(commands, [Command::Acknowledged { transaction: id, keys, answer }]);
    assert_eq!(bench.poll(3), None);
}

#[test]
fn wv_poll_03_the_next_one_rides_on_the_answer_to_an_acknowledgement() {
    let mut bench = Bench::new(Version::V1_2);
    enqueue(&mut bench, 0, message("m-1"));
    enqueue(&mut bench, 0, message("m-2"));
    let first = bench.poll(1).unwrap();
    assert_eq!(first.poll, Some(true));
    let (_, second) = bench.respond(2, &id_of(&first), delivered("m-1"));
    let second = second.unwrap();
    assert_ne!(id_of(&second), id_of(&first));
    assert_eq!(second.poll, None);
}

// WV-POLL-04
#[test]
fn wv_poll_03_nothing_rides_on_the_answer_to_a_request_but_the_poll_flag() {
    let mut bench = Bench::new(Version::V1_2);
    enqueue(&mut bench, 0, message("m-1"));
    let answer = bench.request(1, "1", Primitive::KeepAliveRequest(KeepAliveRequest::default())).unwrap();
    assert_eq!(answer.transactions.len(), 1);
    assert_eq!(answer.transactions[0].mode, TransactionMode::Response);
    assert_eq!(answer.poll, Some(true));
}

#[test]
fn wv_poll_10_the_owner_wakes_the_client_once_per_filling_of_the_queue() {
    let mut bench = Bench::new(Version::V1_2);
    enqueue(&mut bench, 0, message("m-1"));
    enqueue(&mut bench, 0, message("m-2"));
    assert_eq!(bench.commands(), [Command::WakeUp]);
}

#[test]
fn wv_trx_05_one_transaction_is_open_unless_the_client_allows_more() {
    let mut bench = Bench::new(Version::V1_2);
    enqueue(&mut bench, 0, message("m-1"));
    enqueue(&mut bench, 0, message("m-2"));
    assert!(bench.poll(1).is_some());
    assert_eq!(bench.poll(2), None);
    let mut bench = Bench::new(Version::V1_2);
    announce(&mut bench, CapabilityList { multi_trans: Some(2), ..CapabilityList::default() });
    for number in 0..3 {
        enqueue(&mut bench, 0, message(&format!("m-{number}")));
    }
    bench.commands();
    assert!(bench.poll(1).is_some() && bench.poll(1).is_some());
    assert_eq!(bench.poll(2), None);
    assert_eq!(bench.session.open_count(), 2);
}

#[test]
fn wv_trx_06_several_transactions_share_a_message_only_when_agreed() {
    for (profile, expected) in [(Profile::Plain, 2), (Profile::Android, 1)] {
        let mut bench = Bench::with(Version::V1_3, SessionPolicy::default(), profile);
        let capabilities =
            CapabilityList { multi_trans: Some(3), multi_trans_per_message: Some(2), ..CapabilityList::default() };
        announce(&mut bench, capabilities);
        for number in 0..3 {
            enqueue(&mut bench, 0, message(&format!("m-{number}")));
        }
        bench.commands();
        let answer = bench.poll(1).unwrap();
        assert_eq!(answer.transactions.len(), expected);
        assert_eq!(answer.poll, Some(true));
    }
}

#[test]
fn wv_trx_04_ids_are_never_used_again_and_carry_the_epoch() {
    let mut bench = Bench::new(Version::V1_2);
    let mut ids = Vec::new();
    for number in 0..20 {
        enqueue(&mut bench, number, message(&format!("m-{number}")));
        bench.commands();
        let id = id_of(&bench.poll(number).unwrap());
        bench.respond(number, &id, delivered("m"));
        assert!(id.as_str().starts_with("s1-") && id.as_str().len() <= 50);
        ids.push(id);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 20);
}

#[test]
fn wv_poll_05_a_poll_at_the_limit_sends_the_open_transaction_again_under_its_id() {
    let mut bench = Bench::new(Version::V1_2);
    enqueue(&mut bench, 0, message("m-1"));
    let first = bench.poll(10).unwrap();
    assert_eq!(bench.poll(11), None);
    assert_eq!(bench.poll(12), Some(first));
}

#[test]
fn wv_poll_05_a_transaction_that_stays_unanswered_waits_again_after_its_time() {
    let mut bench = Bench::new(Version::V1_2);
    announce(&mut bench, CapabilityList { multi_trans: Some(3), ..CapabilityList::default() });
    enqueue(&mut bench, 0, message("m-1"));
    bench.commands();
    let first = bench.poll(10).unwrap();
    assert_eq!(bench.session.deadline(), Some(at(70)));
    bench.session.expire(at(70));
    assert_eq!(bench.commands(), [Command::WakeUp]);
    let again = bench.poll(71).unwrap();
    assert_eq!(id_of(&again), id_of(&first));
}

#[test]
fn wv_poll_06_a_notification_counts_as_delivered_after_two_resends() {
    let mut bench = Bench::new(Version::V1_2);
    enqueue(&mut bench, 0, presence("bob"));
    bench.commands();
    let first = bench.poll(10).unwrap();
    assert_eq!(bench.poll(20), Some(first.clone()));
    assert_eq!(bench.poll(30), Some(first.clone()));
    let post = bench.post(40, Transaction::request(None, Primitive::PollingRequest));
    let keys = vec![presence("bob").key];
    assert_eq!(
        bench.commands(),
        [
            Command::Acknowledged { transaction: id_of(&first), keys, answer: Acknowledgement::Presumed },
            Command::Respond { post, answer: None },
        ]
    );
}

#[test]
fn wv_poll_07_a_message_goes_on_under_a_new_id_after_two_resends() {
    let mut bench = Bench::new(Version::V1_2);
    enqueue(&mut bench, 0, message("m-1"));
    bench.commands();
    let ids: Vec<_> = (1..=4).map(|turn| id_of(&bench.poll(turn * 10).unwrap())).collect();
    assert_eq!(ids[0], ids[1]);
    assert_eq!(ids[0], ids[2]);
    assert_ne!(ids[0], ids[3]);
    // A late answer to the old id counts all the same.
    let (commands, _) = bench.respond(45, &ids[0], delivered("m-1"));
    assert!(matches!(commands.as_slice(), [Command::Acknowledged { .. }]));
    assert_eq!(bench.session.open_count(), 0);
}

#[test]
fn a_message_that_is_never_acknowledged_goes_back_to_the_owner() {
    let mut bench = Bench::new(Version::V1_2);
    enqueue(&mut bench, 0, message("m-1"));
    bench.commands();
    for turn in 1..=12 {
        assert!(bench.poll(turn * 10).is_some(), "turn {turn}");
    }
    bench.post(130, Transaction::request(None, Primitive::PollingRequest));
    assert_eq!(bench.commands()[0], Command::GivenUp(message("m-1").key));
    assert_eq!(bench.session.open_count(), 0);
}

#[test]
fn wv_poll_08_only_the_latest_presence_of_a_presentity_waits() {
    let mut bench = Bench::new(Version::V1_2);
    for _ in 0..5 {
        enqueue(&mut bench, 0, presence("bob"));
    }
    assert_eq!(bench.session.queued_count(), 1);
    assert_eq!(bench.commands(), [Command::WakeUp]);
}

#[test]
fn wv_poll_08_a_full_queue_sheds_presence_before_messages() {
    let limits = SessionLimits { queue_max: 2, ..SessionLimits::default() };
    let policy = SessionPolicy { limits, ..SessionPolicy::default() };
    let mut bench = Bench::with(Version::V1_2, policy, Profile::Plain);
    enqueue(&mut bench, 0, message("m-1"));
    enqueue(&mut bench, 0, presence("bob"));
    bench.commands();
    enqueue(&mut bench, 0, message("m-2"));
    assert_eq!(bench.commands(), [Command::Shed(presence("bob").key)]);
    enqueue(&mut bench, 0, message("m-3"));
    assert_eq!(bench.commands(), [Command::Shed(message("m-3").key)]);
    assert_eq!(bench.session.queued_count(), 2);
}

#[test]
fn wv_poll_09_waiting_presence_goes_into_one_notification_as_far_as_the_client_can_parse() {
    let mut bench = Bench::new(Version::V1_2);
    announce(&mut bench, CapabilityList { parser_size: Some(2000), ..CapabilityList::default() });
    enqueue(&mut bench, 0, presence("u0"));
    enqueue(&mut bench, 0, message("m-1"));
    for number in 1..10 {
        enqueue(&mut bench, 0, presence(&format!("u{number}")));
    }
    bench.commands();
    let answer = bench.poll(1).unwrap();
    let Ok(Primitive::PresenceNotificationRequest(batch)) = &answer.transactions[0].content else { panic!() };
    assert!((2..10).contains(&batch.presences.len()), "{}", batch.presences.len());
    let in_batch = batch.presences.len();
    let (commands, next) = bench.respond(2, &id_of(&answer), status(StatusCode::SUCCESS));
    let [Command::Acknowledged { keys, .. }] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!(keys.len(), in_batch);
    assert!(matches!(next.unwrap().transactions[0].content, Ok(Primitive::NewMessage(_))));
    assert_eq!(bench.session.queued_count(), 10 - in_batch);
}

#[test]
fn presence_that_is_too_large_for_the_client_is_sent_alone() {
    let mut bench = Bench::new(Version::V1_2);
    announce(&mut bench, CapabilityList { parser_size: Some(10), ..CapabilityList::default() });
    enqueue(&mut bench, 0, presence("u0"));
    enqueue(&mut bench, 0, presence("u1"));
    bench.commands();
    let answer = bench.poll(1).unwrap();
    let Ok(Primitive::PresenceNotificationRequest(batch)) = &answer.transactions[0].content else { panic!() };
    assert_eq!(batch.presences.len(), 1);
}

#[test]
fn what_is_retracted_is_not_sent() {
    let mut bench = Bench::new(Version::V1_2);
    enqueue(&mut bench, 0, message("m-1"));
    bench.session.handle(at(1), Event::Retract(message("m-1").key));
    bench.commands();
    assert_eq!(bench.poll(2), None);
}

#[test]
fn what_is_retracted_on_its_way_is_not_sent_again() {
    let mut bench = Bench::new(Version::V1_2);
    enqueue(&mut bench, 0, message("m-1"));
    enqueue(&mut bench, 0, message("m-2"));
    bench.commands();
    let first = bench.poll(2).unwrap();
    bench.session.handle(at(3), Event::Retract(message("m-1").key));
    let next = bench.poll(10).unwrap();
    assert_ne!(id_of(&next), id_of(&first));
    assert_eq!(bench.session.queued_count(), 0);
}

#[test]
fn a_message_on_its_way_is_not_queued_twice() {
    let mut bench = Bench::new(Version::V1_2);
    enqueue(&mut bench, 0, message("m-1"));
    bench.commands();
    bench.poll(1);
    enqueue(&mut bench, 2, message("m-1"));
    assert_eq!(bench.session.queued_count(), 0);
    assert_eq!(bench.commands(), []);
}

#[test]
fn a_session_established_again_sends_what_was_open_once_more() {
    let mut bench = Bench::new(Version::V1_2);
    enqueue(&mut bench, 0, message("m-1"));
    bench.commands();
    let first = bench.poll(1).unwrap();
    let resumption = Resumption { keep_alive: secs(600), session_cookie: None };
    bench.session.handle(at(2), Event::Resume(resumption));
    assert_eq!(bench.commands(), [Command::Changed, Command::WakeUp]);
    assert_eq!(id_of(&bench.poll(3).unwrap()), id_of(&first));
    assert!(bench.session.party().session_cookie.is_some());
}

#[test]
fn the_queue_can_be_taken_over_by_another_session() {
    let mut bench = Bench::new(Version::V1_2);
    enqueue(&mut bench, 0, presence("u0"));
    enqueue(&mut bench, 0, presence("u1"));
    bench.commands();
    bench.poll(1);
    enqueue(&mut bench, 2, message("m-1"));
    let keys: Vec<_> = bench.session.take_queue().into_iter().map(|entry| entry.key).collect();
    assert_eq!(keys, [presence("u0").key, presence("u1").key, message("m-1").key]);
    assert_eq!((bench.session.queued_count(), bench.session.open_count()), (0, 0));
}

#[test]
fn nothing_is_queued_in_a_session_that_ends() {
    let mut bench = Bench::new(Version::V1_2);
    bench.session.handle(at(1), Event::Disconnect(StatusCode::FORCED_LOGOUT));
    bench.commands();
    enqueue(&mut bench, 2, message("m-1"));
    assert_eq!(bench.commands(), [Command::Shed(message("m-1").key)]);
}

#[test]
fn wv_trx_11_an_acknowledgement_in_the_wrong_mode_counts_and_is_answered() {
    let mut bench = Bench::new(Version::V1_2);
    enqueue(&mut bench, 0, message("m-1"));
    bench.commands();
    let id = id_of(&bench.poll(1).unwrap());
    let post = bench.post(2, Transaction::request(Some(id.clone()), delivered("m-1")));
    let commands = bench.commands();
    let [Command::Acknowledged { transaction, .. }, Command::Respond { post: answered, answer: Some(answer) }] =
        commands.as_slice()
    else {
        panic!("{commands:?}")
    };
    assert_eq!((transaction, *answered), (&id, post));
    assert_eq!(answer.transactions[0], Transaction::response(Some(id), status(StatusCode::SUCCESS)));
    // Without an open transaction it is a request like any other.
    bench.post(3, Transaction::request(Some(TransactionId::new("4")), delivered("m-1")));
    assert!(matches!(bench.session.poll(), Some(Command::Execute { .. })));
}
