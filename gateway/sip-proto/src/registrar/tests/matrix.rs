//! Every state of a registration meets every event.

use super::*;

const OWN: &str = "<sip:bob@h1>";

fn bench_in(state: &str) -> Bench {
    let mut bench = Bench::new();
    match state {
        "none" => {}
        "one" => drop(bench.registered(0, &[OWN], None)),
        "one of another client" => {
            bench.call_id = CallId::parse("other@h").unwrap();
            bench.sequence = 100;
            bench.registered(0, &[OWN], None);
            bench.call_id = CallId::parse("c1@h").unwrap();
            bench.sequence = 0;
        }
        "full" => {
            for number in 1..=RegistrarPolicy::DEFAULT.contacts_max {
                bench.registered(0, &[&format!("<sip:bob@h{number}>")], None);
            }
        }
        other => panic!("{other}"),
    }
    bench.drain();
    bench
}

fn happen(bench: &mut Bench, event: &str) -> String {
    let answer = match event {
        "query" => bench.send(10, &list(&[]), None),
        "the same contact" => bench.send(10, &list(&[OWN]), Some(600)),
        "another contact" => bench.send(10, &list(&["<sip:bob@h99>"]), Some(600)),
        "the same, late" => {
            bench.sequence = 0;
            bench.send(10, &list(&[OWN]), Some(600))
        }
        "expires=0" => bench.send(10, &list(&[OWN]), Some(0)),
        "expires=5" => bench.send(10, &list(&[OWN]), Some(5)),
        "* expires=0" => bench.send(10, &Contacts::Star, Some(0)),
        "* late" => {
            bench.sequence = 0;
            bench.send(10, &Contacts::Star, Some(0))
        }
        "*" => bench.send(10, &Contacts::Star, None),
        "foreign address" => {
            let request = RegisterRequest {
                target: Target::Foreign,
                call_id: &bench.call_id,
                sequence: Sequence::from_number(500).unwrap(),
                contacts: &list(&[OWN]),
                expires_s: None,
                source: None,
            };
            bench.registrar.register(at(10), &request)
        }
        "flow breaks" => {
            let known = bench.registrar.bindings(BOB).first().map(|binding| binding.id.clone());
            if let Some(id) = known {
                bench.registrar.remove(BOB, &id);
            }
            return "done".to_owned();
        }
        "account removed" => {
            bench.registrar.withdraw(BOB);
            return "done".to_owned();
        }
        "time passes" => {
            bench.registrar.expire(at(100_000));
            return "done".to_owned();
        }
        other => panic!("{other}"),
    };
    match &answer {
        RegisterAnswer::Registered(contacts) => format!("200 with {}", contacts.len()),
        other => other.status().to_string(),
    }
}

#[test]
fn every_state_of_a_registration_has_a_row_for_every_event() {
    let states = ["none", "one", "one of another client", "full"];
    let events = [
        "query",
        "the same contact",
        "another contact",
        "the same, late",
        "expires=0",
        "expires=5",
        "* expires=0",
        "* late",
        "*",
        "foreign address",
        "flow breaks",
        "account removed",
        "time passes",
    ];
    let mut table =
        String::from("# registrar (RFC 3261 §10.3): state + event -> answer, what changed, how many remain\n");
    for state in states {
        for event in events {
            let mut bench = bench_in(state);
            let answer = happen(&mut bench, event);
            let count = bench.registrar.bindings(BOB).len();
            let mut changes = bench.drain();
            let more = changes.split_off(changes.len().min(2)).len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            table.push_str(&format!("{state} + {event} -> {answer}, {changes:?}{more}, {count}\n"));
        }
    }
    crate::generated::compare("fixtures/state/sip_registrar.txt", &table);
}
