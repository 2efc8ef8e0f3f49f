use super::*;
use crate::resolve::location::Candidate;
use crate::resolve::quarantine::Quarantine;
use crate::time::Timestamp;
use core::time::Duration;
use proptest::prelude::*;
use std::collections::HashMap;

/// A zone, in the words of a zone file without class and lifetime: `name NAPTR order preference service replacement`,
/// `name SRV priority weight port target`, `name A address`.
fn zone(lines: &str) -> HashMap<Question, Answer> {
    let mut zone = HashMap::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| words[at].parse().unwrap();
        let (kind, answer) = match words[1] {
            "NAPTR" => {
                let record = NaptrRecord {
                    order: number(2),
                    preference: number(3),
                    flags: "s".to_owned(),
                    service: words[4].to_owned(),
                    has_expression: false,
                    replacement: words[5].into(),
                };
                (QuestionKind::Naptr, Answer::Naptr(vec![record]))
            }
            "SRV" => {
                let target = words[5].trim_end_matches('.').into();
                let record = SrvRecord { priority: number(2), weight: number(3), port: number(4), target };
                (QuestionKind::Srv, Answer::Srv(vec![record]))
            }
            "A" => (QuestionKind::Ipv4, Answer::Addresses(vec![words[2].parse().unwrap()])),
            _ => (QuestionKind::Ipv6, Answer::Addresses(vec![words[2].parse().unwrap()])),
        };
        let entry = zone.entry(Question { kind, name: words[0].into() });
        entry.and_modify(|known| join(known, &answer)).or_insert(answer);
    }
    zone
}

fn join(known: &mut Answer, more: &Answer) {
    match (known, more) {
        (Answer::Naptr(known), Answer::Naptr(more)) => known.extend(more.iter().cloned()),
        (Answer::Srv(known), Answer::Srv(more)) => known.extend(more.iter().cloned()),
        (Answer::Addresses(known), Answer::Addresses(more)) => known.extend(more.iter().copied()),
        _ => {}
    }
}

fn abilities(transports: &[Transport]) -> Abilities {
    Abilities { transports: transports.to_vec(), ipv4: true, ipv6: true }
}

fn everything() -> Abilities {
    abilities(&[Transport::Tls, Transport::Tcp, Transport::Udp])
}

/// Asks until there is an end.
fn resolve(target: &Target, abilities: &Abilities, zone: &HashMap<Question, Answer>) -> (Progress, Vec<Question>) {
    let mut known: HashMap<Question, Answer> = HashMap::new();
    let mut asked = Vec::new();
    for _ in 0..8 {
        match locate(target, abilities, &|question| known.get(question).cloned()) {
            Progress::Ask(questions) => {
                for question in questions {
                    let answer = zone.get(&question).cloned().unwrap_or(Answer::Nothing);
                    asked.push(question.clone());
                    assert!(known.insert(question, answer).is_none(), "asked twice");
                }
            }
            end => return (end, asked),
        }
    }
    panic!("no end: {asked:?}");
}

/// Where a URI leads, as `transport address`, with the first of equals drawn first.
fn way(uri: &str, abilities: &Abilities, lines: &str) -> Vec<String> {
    let target = Target::from_uri(&Uri::parse(uri).unwrap()).unwrap();
    way_to(&target, abilities, lines)
}

fn way_to(target: &Target, abilities: &Abilities, lines: &str) -> Vec<String> {
    match resolve(target, abilities, &zone(lines)).0 {
        Progress::Found(location) => words(&location.order(&mut || 0)),
        end => vec![format!("{end:?}")],
    }
}

fn words(candidates: &[Candidate]) -> Vec<String> {
    candidates.iter().map(|candidate| format!("{} {}", candidate.transport.as_str(), candidate.address)).collect()
}

/// The example of RFC 3263 §4.1.
const EXAMPLE: &str = "
    example.com NAPTR 50 50 SIPS+D2T _sips._tcp.example.com
    example.com NAPTR 90 50 SIP+D2T _sip._tcp.example.com
    example.com NAPTR 100 50 SIP+D2U _sip._udp.example.com
    _sips._tcp.example.com SRV 0 1 5061 server1.example.com
    _sip._tcp.example.com SRV 0 1 5060 server1.example.com
    _sip._tcp.example.com SRV 1 2 5070 server2.example.com
    _sip._udp.example.com SRV 0 1 5060 server2.example.com
    server1.example.com A 192.0.2.1
    server2.example.com A 192.0.2.2
    server2.example.com AAAA 2001:db8::2
    example.com A 192.0.2.9
";

#[test]
fn rfc3263_4_1_what_the_uri_says_is_not_asked_of_naptr() {
    for (uri, expected) in [
        ("sip:192.0.2.7", "UDP 192.0.2.7:5060"),
        ("sip:192.0.2.7:5090", "UDP 192.0.2.7:5090"),
        ("sips:192.0.2.7", "TLS 192.0.2.7:5061"),
        ("sip:[2001:db8::7];transport=tcp", "TCP [2001:db8::7]:5060"),
        ("sip:bob@192.0.2.7;transport=tls", "TLS 192.0.2.7:5061"),
        ("sip:example.com:5090", "UDP 192.0.2.9:5090"),
        ("sips:example.com:5090", "TLS 192.0.2.9:5090"),
        ("sip:example.com:5060;transport=tcp", "TCP 192.0.2.9:5060"),
        ("sip:elsewhere.example;maddr=192.0.2.7", "UDP 192.0.2.7:5060"),
    ] {
        let target = Target::from_uri(&Uri::parse(uri).unwrap()).unwrap();
        let (end, asked) = resolve(&target, &everything(), &zone(EXAMPLE));
        let Progress::Found(location) = end else { panic!("{uri}: {end:?}") };
        assert_eq!(words(&location.order(&mut || 0)), [expected], "{uri}");
        let is_address = |question: &Question| matches!(question.kind, QuestionKind::Ipv4 | QuestionKind::Ipv6);
        assert!(asked.iter().all(is_address), "{uri}: {asked:?}");
    }
}

#[test]
fn rfc3263_4_1_naptr_chooses_the_preferred_transport_that_is_spoken() {
    assert_eq!(way("sip:example.com", &everything(), EXAMPLE), ["TLS 192.0.2.1:5061"]);
    let without_tls = abilities(&[Transport::Udp, Transport::Tcp]);
    let expected = [
        "TCP 192.0.2.1:5060",
        "TCP [2001:db8::2]:5070",
        "TCP 192.0.2.2:5070",
        "UDP [2001:db8::2]:5060",
        "UDP 192.0.2.2:5060",
    ];
    assert_eq!(way("sip:example.com", &without_tls, EXAMPLE), expected);
    let datagrams = abilities(&[Transport::Udp]);
    assert_eq!(way("sip:example.com", &datagrams, EXAMPLE), expected[3..]);
}

#[test]
fn rfc3263_4_1_a_sips_uri_never_goes_without_tls() {
    assert_eq!(way("sips:example.com", &everything(), EXAMPLE), ["TLS 192.0.2.1:5061"]);
    let without_tls = abilities(&[Transport::Udp, Transport::Tcp]);
    for uri in ["sips:example.com", "sips:example.com:5061", "sips:192.0.2.1", "sips:example.com;transport=udp"] {
        assert_eq!(way(uri, &without_tls, EXAMPLE), ["Nowhere"], "{uri}");
    }
    let clear = "
        example.com NAPTR 10 10 SIP+D2T _sip._tcp.example.com
        _sip._tcp.example.com SRV 0 0 5060 a.example
        a.example A 192.0.2.1
        example.com A 192.0.2.9";
    assert_eq!(way("sips:example.com", &everything(), clear), ["TLS 192.0.2.9:5061"]);
}

#[test]
fn rfc3263_4_1_without_naptr_the_srv_records_say_which_transports_there_are() {
    let lines = "
        _sip._udp.example.com SRV 0 0 5080 a.example
        a.example A 192.0.2.1
        example.com A 192.0.2.9";
    assert_eq!(way("sip:example.com", &everything(), lines), ["UDP 192.0.2.1:5080"]);
    let both = format!("{lines}\n_sip._tcp.example.com SRV 0 0 5081 a.example");
    assert_eq!(way("sip:example.com", &everything(), &both), ["TCP 192.0.2.1:5081", "UDP 192.0.2.1:5080"]);
    let secure = format!("{lines}\n_sips._tcp.example.com SRV 0 0 5082 a.example");
    assert_eq!(way("sips:example.com", &everything(), &secure), ["TLS 192.0.2.1:5082"]);
}

#[test]
fn rfc3263_4_1_naptr_records_of_other_kinds_are_left_out() {
    let mut known = zone(EXAMPLE);
    let question = Question { kind: QuestionKind::Naptr, name: "example.com".into() };
    if let Some(Answer::Naptr(records)) = known.get_mut(&question) {
        records[0].has_expression = true;
        records[1].flags = "a".to_owned();
        records[2].service = "sip+d2u".to_owned();
    }
    let target = Target::from_uri(&Uri::parse("sip:example.com").unwrap()).unwrap();
    let Progress::Found(location) = resolve(&target, &everything(), &known).0 else { panic!("not found") };
    assert_eq!(words(&location.order(&mut || 0)), ["UDP [2001:db8::2]:5060", "UDP 192.0.2.2:5060"]);
}

#[test]
fn rfc3263_4_2_without_srv_the_addresses_are_tried_at_the_usual_port() {
    let lines = "example.com A 192.0.2.1\nexample.com A 192.0.2.2\nexample.com AAAA 2001:db8::1";
    let expected = ["UDP [2001:db8::1]:5060", "UDP 192.0.2.1:5060", "UDP 192.0.2.2:5060"];
    assert_eq!(way("sip:example.com", &everything(), lines), expected);
    let old = Abilities { ipv6: false, ..everything() };
    assert_eq!(way("sip:example.com", &old, lines), expected[1..]);
    assert_eq!(way("sip:example.com;transport=tls", &old, lines), ["TLS 192.0.2.1:5061", "TLS 192.0.2.2:5061"]);
}

#[test]
fn rfc3263_4_2_a_written_transport_asks_for_its_srv_records() {
    assert_eq!(
        way("sip:example.com;transport=tcp", &everything(), EXAMPLE),
        ["TCP 192.0.2.1:5060", "TCP [2001:db8::2]:5070", "TCP 192.0.2.2:5070"]
    );
    assert_eq!(way("sip:example.com;transport=tls", &everything(), EXAMPLE), ["TLS 192.0.2.1:5061"]);
    assert_eq!(way("sip:example.com;transport=sctp", &everything(), EXAMPLE), ["Nowhere"]);
}

#[test]
fn rfc2782_a_dot_says_that_the_service_is_not_there() {
    let lines = "_sip._udp.example.com SRV 0 0 0 .\nexample.com A 192.0.2.9";
    assert_eq!(way("sip:example.com", &everything(), lines), ["Nowhere"]);
    assert_eq!(way("sip:example.com;transport=udp", &everything(), lines), ["Nowhere"]);
}

#[test]
fn rfc2782_weights_share_the_requests_among_equals() {
    let lines = "
        _sip._udp.example.com SRV 1 10 5060 a.example
        _sip._udp.example.com SRV 1 30 5060 b.example
        _sip._udp.example.com SRV 1 0 5060 c.example
        _sip._udp.example.com SRV 2 60 5060 d.example
        a.example A 192.0.2.1
        b.example A 192.0.2.2
        c.example A 192.0.2.3
        d.example A 192.0.2.4";
    let target = Target::from_uri(&Uri::parse("sip:example.com;transport=udp").unwrap()).unwrap();
    let Progress::Found(location) = resolve(&target, &everything(), &zone(lines)).0 else { panic!("not found") };
    let (mut word, mut first) = (7_u64, HashMap::new());
    for _ in 0..4100 {
        let order = location.order(&mut || {
            word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            word >> 33
        });
        assert_eq!(order.len(), 4);
        assert_eq!(order[3].address.to_string(), "192.0.2.4:5060", "the higher priority comes last");
        *first.entry(order[0].address.ip().to_string()).or_insert(0) += 1;
    }
    // 41 numbers are drawn: 0 for c, 1 to 10 for a, 11 to 40 for b.
    assert!((900..=1100).contains(&first["192.0.2.1"]), "{first:?}");
    assert!((2850..=3150).contains(&first["192.0.2.2"]), "{first:?}");
    assert!((50..=150).contains(&first["192.0.2.3"]), "{first:?}");
}

#[test]
fn rfc5509_3_presence_and_messages_have_servers_of_their_own() {
    let lines = format!(
        "{EXAMPLE}
        _pres._sip.example.com SRV 0 0 5060 simple.example.com
        _im._sip.example.com SRV 0 0 5099 im.example.com
        simple.example.com A 192.0.2.50
        im.example.com A 192.0.2.60"
    );
    assert_eq!(way("pres:fred@example.com", &everything(), &lines), ["UDP 192.0.2.50:5060"]);
    assert_eq!(way("im:fred@example.com", &everything(), &lines), ["UDP 192.0.2.60:5099"]);
    assert_eq!(way("sip:fred@example.com", &everything(), &lines), ["TLS 192.0.2.1:5061"]);
    let target = Target::from_uri(&Uri::parse("sip:example.com").unwrap()).unwrap();
    assert_eq!(way_to(&target.for_service(Service::Presence), &everything(), &lines), ["UDP 192.0.2.50:5060"]);
    let fixed = Target::from_uri(&Uri::parse("sip:example.com;transport=tcp").unwrap()).unwrap();
    assert_eq!(fixed.for_service(Service::Presence), fixed);
}

#[test]
fn rfc3861_4_the_priorities_of_the_outer_records_come_first() {
    let lines = "
        _pres._sip.example.com SRV 1 0 5060 second.example
        _pres._sip.example.com SRV 0 0 5060 first.example
        _sip._udp.first.example SRV 9 0 5071 a.example
        _sip._udp.first.example SRV 8 0 5072 a.example
        _sip._udp.second.example SRV 0 0 5073 a.example
        a.example A 192.0.2.1";
    let expected = ["UDP 192.0.2.1:5072", "UDP 192.0.2.1:5071", "UDP 192.0.2.1:5073"];
    assert_eq!(way("pres:fred@example.com", &everything(), lines), expected);
}

#[test]
fn rfc3856_5_without_records_of_presence_the_uri_is_one_of_sip() {
    assert_eq!(way("pres:fred@example.com", &everything(), EXAMPLE), ["TLS 192.0.2.1:5061"]);
    let denied = format!("{EXAMPLE}\n_pres._sip.example.com SRV 0 0 0 .");
    assert_eq!(way("pres:fred@example.com", &everything(), &denied), ["Nowhere"]);
}

#[test]
fn a_failure_of_dns_is_not_the_absence_of_a_domain() {
    let target = Target::from_uri(&Uri::parse("sip:example.com").unwrap()).unwrap();
    let end = locate(&target, &everything(), &|_| Some(Answer::Failed));
    assert_eq!(end, Progress::Failed);
    assert_eq!(locate(&target, &everything(), &|_| Some(Answer::Nothing)), Progress::Nowhere);
}

#[test]
fn rfc3261_21_5_4_who_failed_is_tried_last_for_as_long_as_it_said() {
    let at = |s: u64| Timestamp::from_millis(s * 1000);
    let candidate = |port| Candidate { transport: Transport::Udp, address: SocketAddr::from(([192, 0, 2, 1], port)) };
    let mut quarantine = Quarantine::new(Duration::from_secs(30));
    quarantine.add(at(0), candidate(1).address, None);
    quarantine.add(at(0), candidate(2).address, Some(Duration::from_secs(10)));
    let order = |quarantine: &Quarantine, now| {
        let mut order = [candidate(1), candidate(2), candidate(3)];
        quarantine.sort(at(now), &mut order);
        order.map(|candidate| candidate.address.port())
    };
    assert_eq!(order(&quarantine, 1), [3, 2, 1]);
    assert_eq!(order(&quarantine, 11), [2, 3, 1]);
    assert_eq!(order(&quarantine, 31), [1, 2, 3]);
    quarantine.add(at(40), candidate(1).address, Some(Duration::MAX));
    assert!(quarantine.until(at(40 + 3601), candidate(1).address).is_none());
    quarantine.add(at(40), candidate(1).address, None);
    quarantine.release(candidate(1).address);
    assert_eq!(order(&quarantine, 41), [1, 2, 3]);
}

use core::net::SocketAddr;

fn any_answer(kind: QuestionKind, seed: u64) -> Answer {
    let small = |shift: u32| (seed >> shift) as u16 & 3;
    let name = |shift: u32| -> Arc<str> {
        Arc::from(["a.example", "b.example", "", "_sip._udp.a.example"][usize::from(small(shift))])
    };
    match (seed & 15, kind) {
        (0, _) => Answer::Failed,
        (1..=3, _) => Answer::Nothing,
        (_, QuestionKind::Naptr) => Answer::Naptr(
            (0..small(4))
                .map(|step| NaptrRecord {
                    order: small(6),
                    preference: step,
                    flags: ["s", "S", "a", ""][usize::from(small(8))].to_owned(),
                    service: ["SIP+D2U", "SIP+D2T", "SIPS+D2T", "E2U+sip"][usize::from(small(10) ^ step)].to_owned(),
                    has_expression: small(12) == 3,
                    replacement: name(14),
                })
                .collect(),
        ),
        (_, QuestionKind::Srv) => Answer::Srv(
            (0..small(4))
                .map(|step| SrvRecord {
                    priority: small(6) ^ step,
                    weight: small(8),
                    port: small(10),
                    target: name(12 + 2 * u32::from(step)),
                })
                .collect(),
        ),
        (_, QuestionKind::Ipv4) => {
            Answer::Addresses(vec![[192, 0, 2, (seed >> 8) as u8].into(); usize::from(small(4))])
        }
        (_, QuestionKind::Ipv6) => {
            Answer::Addresses(vec![[0x2001, 0xdb8, 0, 0, 0, 0, 0, small(8)].into(); usize::from(small(4))])
        }
    }
}

proptest! {
    /// Whatever DNS says, locating ends after few rounds, asks nothing twice, and keeps to what is spoken and allowed.
    #[test]
    fn rfc3263_4_locating_ends_and_never_downgrades(
        uri in 0usize..6, spoken in 0usize..7, families in 0u8..4, seed in any::<u64>()
    ) {
        let uri = ["sip:example.com", "sips:example.com", "sip:example.com;transport=tls", "pres:u@example.com",
            "im:u@example.com", "sip:example.com:5090"][uri];
        let all = [Transport::Tls, Transport::Tcp, Transport::Udp];
        let transports: Vec<Transport> =
            all.into_iter().enumerate().filter(|(at, _)| (spoken + 1) >> at & 1 == 1).map(|(_, one)| one).collect();
        let abilities = Abilities { transports, ipv4: families & 1 == 1, ipv6: families & 2 == 2 };
        let target = Target::from_uri(&Uri::parse(uri).unwrap()).unwrap();
        let mut known: HashMap<Question, Answer> = HashMap::new();
        let mut ended = None;
        for round in 0..8_u64 {
            match locate(&target, &abilities, &|question| known.get(question).cloned()) {
                Progress::Ask(questions) => {
                    prop_assert!(!questions.is_empty());
                    for (number, question) in (0_u64..).zip(questions) {
                        let mixed = (seed ^ (round << 32) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                        let answer = any_answer(question.kind, mixed ^ (mixed >> 29));
                        prop_assert!(known.insert(question, answer).is_none(), "asked twice");
                    }
                }
                end => { ended = Some(end); break; }
            }
        }
        let ended = ended.expect("no end");
        if let Progress::Found(location) = ended {
            let mut word = seed;
            let order = location.order(&mut || { word = word.rotate_left(7) ^ 0x5bd1; word });
            prop_assert!(!order.is_empty());
            for (at, candidate) in order.iter().enumerate() {
                prop_assert!(abilities.speaks(&candidate.transport) && abilities.reaches(candidate.address.ip()));
                prop_assert!(!order[..at].contains(candidate));
                if uri.starts_with("sips:") || uri.ends_with("tls") {
                    prop_assert_eq!(&candidate.transport, &Transport::Tls);
                }
            }
            let starts_protected = order[0].transport == Transport::Tls;
            prop_assert!(!starts_protected || uri.starts_with("pres") || uri.starts_with("im")
                || order.iter().all(|candidate| candidate.transport == Transport::Tls));
        }
    }
}
