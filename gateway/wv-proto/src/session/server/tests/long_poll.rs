//! Polls that are held.

use super::super::*;
use super::bench::{Bench, presence};
use crate::primitive::capability::{CapabilityList, CirMethod};
use crate::primitive::service::ClientCapabilityRequest;

fn bench(seconds: u64) -> Bench {
    let policy = SessionPolicy { long_poll: Duration::from_secs(seconds), ..SessionPolicy::default() };
    Bench::with(Version::V1_2, policy, Profile::Plain)
}

fn poll(bench: &mut Bench, now: u64) -> PostId {
    bench.post(now, Transaction::request(None, Primitive::PollingRequest))
}

#[test]
fn wv_poll_11_a_held_poll_brings_what_comes_meanwhile_and_nobody_is_woken() {
    let mut bench = bench(10);
    let post = poll(&mut bench, 0);
    assert_eq!(bench.commands(), []);
    assert!(bench.session.holds(post));
    bench.session.handle(super::bench::at(3), Event::Enqueue(presence("bob")));
    let commands = bench.commands();
    let [Command::Respond { post: answered, answer: Some(_) }] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!(*answered, post);
    assert!(!bench.session.holds(post));
}

#[test]
fn wv_poll_11_a_held_poll_is_answered_with_nothing_when_its_time_is_over() {
    let mut bench = bench(60);
    let post = poll(&mut bench, 0);
    assert_eq!(bench.session.deadline(), Some(super::bench::at(14)), "whatever is configured");
    bench.session.expire(super::bench::at(14));
    assert_eq!(bench.commands(), [Command::Respond { post, answer: None }]);
}

#[test]
fn wv_poll_11_one_poll_is_held_at_a_time_and_none_without_the_option() {
    let mut bench = bench(10);
    let (first, second) = (poll(&mut bench, 0), poll(&mut bench, 1));
    assert_eq!(bench.commands(), [Command::Respond { post: first, answer: None }]);
    assert!(bench.session.holds(second));
    let mut plain = Bench::new(Version::V1_2);
    assert_eq!(plain.poll(0), None);
}

#[test]
fn wv_poll_11_a_client_with_a_channel_is_not_kept_waiting() {
    let mut policy = SessionPolicy { long_poll: Duration::from_secs(10), ..SessionPolicy::default() };
    policy.offer.cir_methods = vec![CirMethod::Stcp];
    let mut bench = Bench::with(Version::V1_2, policy, Profile::Plain);
    let capabilities = CapabilityList { supported_cir_methods: vec![CirMethod::Stcp], ..CapabilityList::default() };
    let request = ClientCapabilityRequest { client_id: None, capabilities };
    bench.request(0, "1", Primitive::ClientCapabilityRequest(Box::new(request)));
    assert_eq!(bench.poll(1), None);
}

#[test]
fn wv_out_02_a_held_poll_carries_the_disconnect() {
    let mut bench = bench(10);
    let post = poll(&mut bench, 0);
    bench.session.handle(super::bench::at(1), Event::Disconnect(StatusCode::FORCED_LOGOUT));
    let commands = bench.commands();
    let Some(Command::Respond { post: answered, answer: Some(answer) }) = commands.first() else {
        panic!("{commands:?}")
    };
    assert_eq!(*answered, post);
    assert!(matches!(answer.transactions[0].content, Ok(Primitive::Disconnect(_))));
    assert_eq!(commands.last(), Some(&Command::Closed(Closing::Disconnected(StatusCode::FORCED_LOGOUT))));
}

#[test]
fn a_logout_answers_the_poll_that_is_held() {
    let mut bench = bench(10);
    let post = poll(&mut bench, 0);
    bench.post(1, Transaction::request(Some(TransactionId::new("9")), Primitive::LogoutRequest));
    assert!(bench.commands().contains(&Command::Respond { post, answer: None }));
}

#[test]
fn wv_cir_06_the_address_for_shttp_names_the_session() {
    let mut policy = SessionPolicy::default();
    policy.offer.cir_methods = vec![CirMethod::Shttp];
    policy.offer.cir_url = Some("http://gw/csp/cir/".into());
    let mut bench = Bench::with(Version::V1_2, policy, Profile::Plain);
    let capabilities = CapabilityList { supported_cir_methods: vec![CirMethod::Shttp], ..CapabilityList::default() };
    let request = ClientCapabilityRequest { client_id: None, capabilities };
    let answer = bench.request(0, "1", Primitive::ClientCapabilityRequest(Box::new(request))).unwrap();
    let token = crate::cir::http_token(&SessionId::new("gw-1"));
    assert!(format!("{answer:?}").contains(&format!("http://gw/csp/cir/{token}")), "{answer:?}");
}
