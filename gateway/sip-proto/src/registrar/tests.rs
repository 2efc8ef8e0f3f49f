//! The rules of RFC 3261 §10.3, and what no sequence of requests may break.

mod matrix;

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

const BOB: &str = "sip:bob@sip.example";

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_secs(seconds)
}

fn list(contacts: &[&str]) -> Contacts {
    Contacts::List(contacts.iter().map(|text| Contact::from_text(&(*text).into()).unwrap()).collect())
}

/// One client: a registrar, a Call-ID, a growing CSeq.
struct Bench {
    registrar: Registrar,
    call_id: CallId,
    sequence: u32,
}

impl Bench {
    fn new() -> Self {
        Self {
            registrar: Registrar::new(RegistrarPolicy::DEFAULT),
            call_id: CallId::parse("c1@h").unwrap(),
            sequence: 0,
        }
    }

    fn send(&mut self, now: u64, contacts: &Contacts, expires_s: Option<u32>) -> RegisterAnswer {
        self.sequence += 1;
        let request = RegisterRequest {
            target: Target::Hosted(BOB),
            call_id: &self.call_id,
            sequence: Sequence::from_number(self.sequence).unwrap(),
            contacts,
            expires_s,
            source: Some("udp:192.0.2.1:5060"),
        };
        self.registrar.register(at(now), &request)
    }

    fn registered(&mut self, now: u64, contacts: &[&str], expires_s: Option<u32>) -> Vec<String> {
        match self.send(now, &list(contacts), expires_s) {
            RegisterAnswer::Registered(contacts) => contacts.iter().map(ToString::to_string).collect(),
            other => panic!("refused: {other:?}"),
        }
    }

    fn drain(&mut self) -> Vec<String> {
        let show = |command| match command {
            Command::BindingAdded { binding, .. } => format!("added {}", binding.id.as_str()),
            Command::BindingRefreshed { binding, .. } => format!("refreshed {}", binding.id.as_str()),
            Command::BindingRemoved { binding, cause, .. } => format!("removed {} {cause:?}", binding.id.as_str()),
        };
        std::iter::from_fn(|| self.registrar.poll()).map(show).collect()
    }
}

#[test]
fn contacts_are_answered_in_order_of_preference_with_what_remains() {
    let mut bench = Bench::new();
    bench.registered(0, &["<sip:bob@h1>;q=0.5;expires=600"], None);
    let contacts = bench.registered(100, &["<sip:bob@h2>;q=0.7"], Some(120));
    assert_eq!(contacts, ["<sip:bob@h2>;q=0.7;expires=120", "<sip:bob@h1>;q=0.5;expires=500"]);
    // A query changes nothing.
    let contacts = bench.registered(110, &[], None);
    assert_eq!(contacts, ["<sip:bob@h2>;q=0.7;expires=110", "<sip:bob@h1>;q=0.5;expires=490"]);
    assert_eq!(bench.drain(), ["added sip:bob@h1", "added sip:bob@h2"]);
    assert_eq!(bench.registrar.deadline(), Some(at(220)));
}

#[test]
fn lifetimes_come_from_contact_then_header_then_default_and_are_bounded() {
    let mut bench = Bench::new();
    let contacts = bench.registered(0, &["<sip:a@h>;expires=61", "<sip:b@h>"], Some(70));
    assert_eq!(contacts, ["<sip:a@h>;expires=61", "<sip:b@h>;expires=70"]);
    let mut bench = Bench::new();
    let contacts = bench.registered(0, &["<sip:a@h>", "<sip:b@h>;expires=999999"], None);
    assert_eq!(contacts, ["<sip:a@h>;expires=3600", "<sip:b@h>;expires=86400"]);
    let answer = bench.send(0, &list(&["<sip:c@h>", "<sip:d@h>;expires=59"]), None);
    assert_eq!(answer, RegisterAnswer::IntervalTooBrief { expires_min_s: 60 });
    assert_eq!(bench.registrar.bindings(BOB).len(), 2);
}

#[test]
fn a_contact_is_refreshed_and_removed_by_an_equivalent_uri() {
    let mut bench = Bench::new();
    bench.registered(0, &["<sip:bob@Host.Example;transport=tcp>"], None);
    bench.registered(10, &["<sip:bob@host.example;transport=TCP>"], None);
    assert_eq!(bench.registered(20, &["<sip:bob@host.example;transport=tcp>;expires=0"], None), [""; 0]);
    let shown = bench.drain();
    assert_eq!(shown.len(), 3);
    assert!(shown[0].starts_with("added") && shown[1].starts_with("refreshed") && shown[2].ends_with("Requested"));
    assert_eq!(bench.registrar.deadline(), None);
    assert_eq!(bench.registrar.addresses().count(), 0);
}

#[test]
fn an_instance_that_moves_keeps_its_binding() {
    let mut bench = Bench::new();
    bench.registered(0, &["<sip:bob@h1>;reg-id=1;+sip.instance=\"<urn:uuid:1>\""], None);
    let contacts = bench.registered(5, &["<sip:bob@h2>;reg-id=1;+sip.instance=\"<urn:uuid:1>\""], Some(60));
    assert_eq!(contacts, ["<sip:bob@h2>;reg-id=1;+sip.instance=\"<urn:uuid:1>\";expires=60"]);
    assert_eq!(bench.drain(), ["added urn:uuid:1;1", "refreshed urn:uuid:1;1"]);
}

#[test]
fn a_binding_that_moved_does_not_share_its_name() {
    let mut bench = Bench::new();
    bench.registered(0, &["<sip:bob@h1>"], None);
    bench.registered(1, &["<sip:bob@h1>;reg-id=1;+sip.instance=\"<urn:uuid:1>\""], None);
    bench.registered(2, &["<sip:bob@h2>;reg-id=1;+sip.instance=\"<urn:uuid:1>\""], None);
    bench.registered(3, &["<sip:bob@h1>"], None);
    let names = ["added sip:bob@h1", "refreshed sip:bob@h1", "refreshed sip:bob@h1", "added sip:bob@h1;2"];
    assert_eq!(bench.drain(), names);
}

#[test]
fn a_late_request_changes_nothing() {
    let mut bench = Bench::new();
    bench.registered(0, &["<sip:a@h>"], None);
    bench.sequence = 0;
    assert_eq!(bench.send(1, &list(&["<sip:b@h>", "<sip:a@h>;expires=0"]), None), RegisterAnswer::OutOfOrder);
    bench.sequence = 0;
    assert_eq!(bench.send(1, &Contacts::Star, Some(0)), RegisterAnswer::OutOfOrder);
    assert_eq!(bench.registrar.bindings(BOB).len(), 1);
    // Another client of the user is not bound to that order.
    bench.call_id = CallId::parse("c2@h").unwrap();
    bench.sequence = 0;
    assert_eq!(bench.send(1, &Contacts::Star, Some(0)), RegisterAnswer::Registered(Vec::new()));
}

#[test]
fn star_removes_all_and_only_with_expires_zero() {
    let mut bench = Bench::new();
    bench.registered(0, &["<sip:a@h>", "<sip:b@h>"], None);
    assert_eq!(bench.send(1, &Contacts::Star, None), RegisterAnswer::MisusedStar);
    assert_eq!(bench.send(1, &Contacts::Star, Some(60)), RegisterAnswer::MisusedStar);
    assert_eq!(bench.send(1, &Contacts::Star, Some(0)).status(), 200);
    assert_eq!(bench.registrar.bindings(BOB), []);
    assert_eq!(bench.drain().len(), 4);
}

#[test]
fn a_contact_named_twice_in_one_request_counts_once() {
    let mut bench = Bench::new();
    assert_eq!(bench.registered(0, &["<sip:a@h>", "<sip:a@h>;expires=90"], None), ["<sip:a@h>;expires=90"]);
    assert_eq!(bench.drain(), ["added sip:a@h"]);
}

#[test]
fn contacts_are_bounded() {
    let mut bench = Bench::new();
    for number in 0..10 {
        bench.registered(0, &[&format!("<sip:bob@h{number}>")], None);
    }
    assert_eq!(bench.send(0, &list(&["<sip:bob@h10>"]), None), RegisterAnswer::TooManyContacts);
    bench.registered(0, &["<sip:bob@h10>", "<sip:bob@h0>;expires=0"], None);
}

#[test]
fn bindings_expire_and_strangers_are_not_found() {
    let mut bench = Bench::new();
    bench.registered(0, &["<sip:a@h>;expires=60", "<sip:b@h>;expires=90"], None);
    bench.drain();
    bench.registrar.expire(at(60));
    assert_eq!(bench.drain(), ["removed sip:a@h Expired"]);
    assert_eq!(bench.registrar.deadline(), Some(at(90)));
    assert_eq!(bench.registered(95, &[], None), [""; 0]);
    assert_eq!(bench.drain(), ["removed sip:b@h Expired"]);
    let call_id = CallId::parse("c").unwrap();
    let request = RegisterRequest {
        target: Target::Foreign,
        call_id: &call_id,
        sequence: Sequence::from_number(1).unwrap(),
        contacts: &Contacts::Star,
        expires_s: None,
        source: None,
    };
    assert_eq!(bench.registrar.register(at(0), &request), RegisterAnswer::NotHosted);
}

#[test]
fn a_broken_flow_and_a_removed_account_end_bindings() {
    let mut bench = Bench::new();
    bench.registered(0, &["<sip:a@h>", "<sip:b@h>"], None);
    let id = bench.registrar.bindings(BOB)[0].id.clone();
    bench.registrar.remove(BOB, &id);
    assert_eq!(bench.registrar.bindings(BOB).len(), 1);
    bench.registrar.withdraw(BOB);
    bench.registrar.withdraw("sip:nobody@sip.example");
    assert_eq!(bench.drain().len(), 4);
    assert_eq!(bench.registrar.snapshot(BOB), None);
}

#[test]
fn bindings_survive_a_restart_with_their_order_of_requests() {
    let mut bench = Bench::new();
    bench.registered(0, &["<sip:a@h>;q=0.2", "<sip:b@h>;expires=60;reg-id=2;+sip.instance=\"<urn:uuid:2>\""], None);
    let record = bench.registrar.snapshot(BOB).unwrap();
    let before = bench.registrar.bindings(BOB).to_vec();
    bench.registrar = Registrar::new(RegistrarPolicy::DEFAULT);
    assert_eq!(bench.registrar.restore(&record).as_deref(), Ok(BOB));
    assert_eq!(bench.registrar.restore(&record).as_deref(), Ok(BOB));
    assert_eq!(bench.registrar.bindings(BOB), before);
    bench.sequence = 0;
    assert_eq!(bench.send(1, &list(&["<sip:a@h>"]), None), RegisterAnswer::OutOfOrder);
    bench.registrar.expire(at(60));
    assert_eq!(bench.drain(), ["removed urn:uuid:2;2 Expired"]);
}

proptest! {
    #[test]
    fn the_owner_knows_exactly_what_is_bound(
        steps in proptest::collection::vec(
            (0_u64..200, proptest::collection::vec((0_u8..12, 0_usize..4), 0..4), any::<bool>(), 0_u32..4),
            1..40,
        ),
    ) {
        let mut bench = Bench::new();
        let mut bound = BTreeSet::new();
        let mut now = 0;
        for (wait, contacts, is_star, back) in steps {
            now += wait;
            bench.sequence = bench.sequence.saturating_sub(back);
            let texts: Vec<String> = contacts
                .iter()
                .map(|(host, expires)| format!("<sip:b@h{host}>;expires={}", [0, 60, 600, 7][*expires]))
                .collect();
            let contacts = if is_star && texts.is_empty() {
                Contacts::Star
            } else {
                list(&texts.iter().map(String::as_str).collect::<Vec<_>>())
            };
            let answer = bench.send(now, &contacts, Some(0));
            for command in std::iter::from_fn(|| bench.registrar.poll()) {
                match command {
                    Command::BindingAdded { binding, .. } => prop_assert!(bound.insert(binding.id)),
                    Command::BindingRefreshed { binding, .. } => prop_assert!(bound.contains(&binding.id)),
                    Command::BindingRemoved { binding, .. } => prop_assert!(bound.remove(&binding.id)),
                }
            }
            let known: BTreeSet<_> = bench.registrar.bindings(BOB).iter().map(|b| b.id.clone()).collect();
            prop_assert_eq!(&known, &bound);
            prop_assert!(known.len() <= RegistrarPolicy::DEFAULT.contacts_max);
            prop_assert!(bench.registrar.deadline().is_none_or(|deadline| deadline > at(now)));
            if let RegisterAnswer::Registered(contacts) = answer {
                prop_assert_eq!(contacts.len(), known.len());
            }
        }
    }

    #[test]
    fn no_record_makes_it_panic(record in proptest::collection::vec(any::<u8>(), 0..80)) {
        prop_assert!(Registrar::new(RegistrarPolicy::DEFAULT).restore(&record).is_err());
    }
}
