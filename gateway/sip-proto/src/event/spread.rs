//! Many subscriptions that begin together: how their refreshes are spread over two lifetimes.

use super::fixture::{answer, at, notify, settings};
use super::lifetime::Jitter;
use super::subscriber::{Subscriber, SubscriberCommand, SubscriberEvent, settings::SubscriberSettings};
use crate::message::headers::Header;
use crate::message::name::HeaderName;
use crate::message::request::Request;
use crate::time::Timestamp;
use crate::transaction::ServerTransactionId;
use std::sync::Arc;

const SUBSCRIPTIONS: u64 = 100_000;

/// All of them begin within these seconds.
const BURST_MS: u64 = 2_000;

const LIFETIME_S: u32 = 3600;

const PERIODS: u64 = 2;

const BIN_MS: u64 = 10_000;

/// The SUBSCRIBE that the machine wants to send.
fn subscribe_of(machine: &mut Subscriber) -> Option<Request> {
    let mut found = None;
    while let Some(command) = machine.poll() {
        if let SubscriberCommand::SendRequest(request) = command {
            found = Some(request);
        }
    }
    found
}

fn grant(machine: &mut Subscriber, now: Timestamp, subscribe: &Request, status: u16) {
    let granted = answer(subscribe, status).with(Header::new(HeaderName::Expires, LIFETIME_S));
    machine.handle(now, SubscriberEvent::Response(granted));
    assert!(subscribe_of(machine).is_none());
}

/// When a subscription that begins now refreshes until the end.
fn refreshes(begin: Timestamp, end: Timestamp, jitter: Jitter, first: &Request, seen: &mut impl FnMut(Timestamp)) {
    let mut machine = Subscriber::new(SubscriberSettings { jitter, ..settings(LIFETIME_S) });
    machine.handle(begin, SubscriberEvent::Subscribe);
    let subscribe = subscribe_of(&mut machine).unwrap();
    grant(&mut machine, begin, &subscribe, 200);
    let transaction = ServerTransactionId::for_test(1);
    machine.handle(begin, SubscriberEvent::Notify { transaction, request: Arc::new(first.clone()) });
    assert!(subscribe_of(&mut machine).is_none());
    loop {
        let due = machine.deadline().unwrap();
        if due >= end {
            return;
        }
        machine.expire(due);
        let subscribe = subscribe_of(&mut machine).expect("it refreshes before it ends");
        seen(due);
        // RFC 5839 §5.4
        grant(&mut machine, due, &subscribe, 204);
    }
}

#[test]
fn s_sb_03_a_hundred_thousand_that_begin_together_refresh_at_most_at_twice_the_mean_rate() {
    let end = at(PERIODS * u64::from(LIFETIME_S) * 1000);
    let bin = |time: Timestamp| usize::try_from(time.as_millis() / BIN_MS).unwrap();
    let mut bins = vec![0_u64; bin(end)];
    let first = notify("n1", 1, &format!("active;expires={LIFETIME_S}"), None);
    // SplitMix64, as the owner of the machines draws.
    let mut state = 7_u64;
    for number in 0..SUBSCRIPTIONS {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let begin = at(number * BURST_MS / SUBSCRIPTIONS);
        let jitter = Jitter::from_random(mixed ^ (mixed >> 31));
        refreshes(begin, end, jitter, &first, &mut |due| bins[bin(due)] += 1);
    }
    let (peak, all) = (*bins.iter().max().unwrap(), bins.iter().sum::<u64>());
    let bins = u64::try_from(bins.len()).unwrap();
    println!("{all} refreshes in two lifetimes; peak {peak} in {} s, mean {}", BIN_MS / 1000, all / bins);
    assert!(peak * bins <= 2 * all, "peak {peak}, mean {} in {} s", all / bins, BIN_MS / 1000);
    // Spreading does not cost many refreshes: without it there are two in two lifetimes.
    assert!(all * 100 <= SUBSCRIPTIONS * PERIODS * 115, "{all}");
}
