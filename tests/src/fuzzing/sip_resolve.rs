//! Where servers are, by what DNS says: any answers to whatever is asked.

use super::tape::Tape;
use sip_proto::{
    message::{Uri, header::via::Transport},
    resolve::{
        Abilities, Progress, Target, locate,
        record::{Answer, NaptrRecord, Question, QuestionKind, SrvRecord},
    },
};
use std::{cell::RefCell, collections::HashMap, sync::Arc};

/// Locates a target; every question gets an answer from the octets.
///
/// # Panics
/// When there is no end, or when a place is one that this side cannot or may not go to.
pub fn run(data: &[u8]) {
    let mut tape = Tape::new(data);
    let uri = tape.pick(&[
        "sip:a.example",
        "sips:a.example",
        "sip:a.example;transport=tls",
        "pres:u@a.example",
        "im:u@a.example",
        "sip:a.example:5090",
    ]);
    let all = [Transport::Tls, Transport::Tcp, Transport::Udp];
    let transports: Vec<Transport> = all.into_iter().filter(|_| tape.flag()).collect();
    let abilities = Abilities { transports, ipv4: tape.flag(), ipv6: tape.flag() };
    let Some(target) = Uri::parse(uri).ok().and_then(|uri| Target::from_uri(&uri)) else { return };
    let mut known: HashMap<Question, Answer> = HashMap::new();
    let end =
        (0..ROUNDS_MAX).find_map(|_| match locate(&target, &abilities, &|question| known.get(question).cloned()) {
            Progress::Ask(questions) => {
                for question in questions {
                    let answer = answer(&mut tape, question.kind);
                    assert!(known.insert(question, answer).is_none(), "asked twice");
                }
                None
            }
            end => Some(end),
        });
    let Progress::Found(location) = end.expect("no end") else { return };
    let tape = RefCell::new(tape);
    for candidate in location.order(&mut || u64::from(tape.borrow_mut().number())) {
        assert!(abilities.transports.contains(&candidate.transport));
        assert!(if candidate.address.is_ipv4() { abilities.ipv4 } else { abilities.ipv6 });
        let is_protected = uri.starts_with("sips:") || uri.ends_with("tls");
        assert!(!is_protected || candidate.transport == Transport::Tls, "a downgrade");
    }
}

fn answer(tape: &mut Tape<'_>, kind: QuestionKind) -> Answer {
    let count = tape.octet() % 5;
    let name =
        |tape: &mut Tape<'_>| -> Arc<str> { tape.pick(&["a.example", "b.example", "", "_sip._udp.a.example"]).into() };
    match (tape.octet() % 8, kind) {
        (0, _) => Answer::Failed,
        (1, _) => Answer::Nothing,
        (_, QuestionKind::Naptr) => Answer::Naptr(
            (0..count)
                .map(|_| NaptrRecord {
                    order: tape.number(),
                    preference: tape.number(),
                    flags: tape.pick(&["s", "S", "a", ""]).to_owned(),
                    service: tape.pick(&["SIP+D2U", "SIP+D2T", "SIPS+D2T", "E2U+sip"]).to_owned(),
                    has_expression: tape.flag(),
                    replacement: name(tape),
                })
                .collect(),
        ),
        (_, QuestionKind::Srv) => Answer::Srv(
            (0..count)
                .map(|_| SrvRecord {
                    priority: tape.number() % 4,
                    weight: tape.number(),
                    port: tape.number(),
                    target: name(tape),
                })
                .collect(),
        ),
        (_, QuestionKind::Ipv4) => Answer::Addresses((0..count).map(|_| [192, 0, 2, tape.octet()].into()).collect()),
        (_, QuestionKind::Ipv6) => {
            let address = |last: u8| [0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(last)].into();
            Answer::Addresses((0..count).map(|_| address(tape.octet())).collect())
        }
    }
}

/// More rounds than any way through DNS has.
const ROUNDS_MAX: usize = 8;
