use super::*;
use crate::event::fixture::{address, answer, at, document};

fn settings() -> PublisherSettings {
    PublisherSettings {
        target: Uri::parse("sip:bob@sip.example").unwrap(),
        local: address("<sip:bob@sip.example>"),
        event: Event::new("presence").unwrap(),
        expires_s: 3600,
        routes: Vec::new(),
        headers: Vec::new(),
        call_id: CallId::parse("pub-1").unwrap(),
        tag: Tag::parse("publisher").unwrap(),
        jitter: Jitter::default(),
        credentials: CredentialSource::Owner,
    }
}

fn drain(machine: &mut Publisher) -> Vec<PublisherCommand> {
    std::iter::from_fn(|| machine.poll()).collect()
}

/// What the machine said, and the last request it sent.
fn told(machine: &mut Publisher) -> (Vec<String>, Option<Request>) {
    let commands = drain(machine);
    let last = commands.iter().rev().find_map(|command| match command {
        PublisherCommand::SendRequest(request) => Some(request.clone()),
        PublisherCommand::Challenged(_) | PublisherCommand::StateChanged(_) => None,
    });
    (commands.iter().map(line).collect(), last)
}

fn line(command: &PublisherCommand) -> String {
    match command {
        PublisherCommand::SendRequest(request) => {
            let headers = request.headers();
            let tag = headers.if_match().unwrap().map(|tag| format!(" if {tag}")).unwrap_or_default();
            let body = String::from_utf8_lossy(request.body());
            format!("PUBLISH {}{tag} {body}", headers.expires_s().unwrap().unwrap()).trim_end().to_owned()
        }
        PublisherCommand::Challenged(_) => "challenged".into(),
        PublisherCommand::StateChanged(PublicationChange::Published { expires_at }) => {
            format!("published until {}", expires_at.as_millis())
        }
        PublisherCommand::StateChanged(PublicationChange::Removed) => "removed".into(),
        PublisherCommand::StateChanged(PublicationChange::Refused { status, .. }) => format!("refused {status}"),
    }
}

fn publish(machine: &mut Publisher, millis: u64, text: &str) -> (Vec<String>, Option<Request>) {
    machine.handle(at(millis), PublisherEvent::Publish(document(text).unwrap()));
    told(machine)
}

fn reply(machine: &mut Publisher, millis: u64, response: Response) -> (Vec<String>, Option<Request>) {
    machine.handle(at(millis), PublisherEvent::Response(response));
    told(machine)
}

fn stored(request: &Request, tag: &str, expires_s: u32) -> Response {
    answer(request, 200).with(Header::new(HeaderName::SipETag, tag)).with(Header::new(HeaderName::Expires, expires_s))
}

/// A machine whose first document is stored under `e1` at zero.
fn published() -> Publisher {
    let mut machine = Publisher::new(settings());
    let (_, request) = publish(&mut machine, 0, "one");
    reply(&mut machine, 0, stored(&request.unwrap(), "e1", 3600));
    machine
}

#[test]
fn s_pb_01_every_answer_brings_a_new_tag_even_to_a_refresh() {
    let mut machine = Publisher::new(settings());
    let (said, request) = publish(&mut machine, 0, "one");
    assert_eq!(said, ["PUBLISH 3600 one"]);
    assert_eq!(reply(&mut machine, 0, stored(&request.unwrap(), "e1", 3600)).0, ["published until 3600000"]);
    assert_eq!(machine.deadline(), Some(at(3_300_000)));
    machine.expire(at(3_300_000));
    let (said, refresh) = told(&mut machine);
    assert_eq!(said, ["PUBLISH 3600 if e1"]);
    reply(&mut machine, 3_300_000, stored(&refresh.unwrap(), "e2", 600));
    assert_eq!(machine.deadline(), Some(at(3_780_000)));
    assert_eq!(publish(&mut machine, 3_400_000, "two").0, ["PUBLISH 3600 if e2 two"]);
}

#[test]
fn s_pb_02_a_lost_tag_leads_to_an_initial_publication_with_the_whole_state() {
    let mut machine = published();
    machine.expire(at(3_300_000));
    let (_, refresh) = told(&mut machine);
    let (said, initial) = reply(&mut machine, 3_300_001, answer(&refresh.unwrap(), 412));
    assert_eq!(said, ["PUBLISH 3600 one"]);
    assert!(initial.unwrap().headers().if_match().unwrap().is_none());
    let (_, modify) = publish(&mut machine, 3_300_002, "two");
    assert!(modify.is_none());
}

#[test]
fn s_pb_02_too_brief_raises_the_lifetime() {
    let mut machine = Publisher::new(settings());
    let (_, request) = publish(&mut machine, 0, "one");
    let brief = answer(&request.unwrap(), 423).with(Header::new(HeaderName::MinExpires, 7200));
    let (said, again) = reply(&mut machine, 1, brief);
    assert_eq!(said, ["PUBLISH 7200 one"]);
    assert_eq!(again.unwrap().headers().cseq().unwrap().sequence.to_number(), 2);
}

#[test]
fn s_pb_02_permanent_refusals_are_told_and_not_repeated() {
    for status in [404, 413, 415, 489, 501] {
        let mut machine = Publisher::new(settings());
        let (_, request) = publish(&mut machine, 0, "one");
        assert_eq!(reply(&mut machine, 1, answer(&request.unwrap(), status)).0, [format!("refused {status}")]);
        assert_eq!((machine.state(), machine.deadline()), (PublisherState::Idle, None));
        assert_eq!(publish(&mut machine, 2, "plain").0, ["PUBLISH 3600 plain"]);
    }
}

#[test]
fn a_refused_change_leaves_the_old_state_published_and_refreshed() {
    let mut machine = published();
    let (_, modify) = publish(&mut machine, 10, "two");
    assert_eq!(reply(&mut machine, 20, answer(&modify.unwrap(), 415)).0, ["refused 415"]);
    assert_eq!(machine.state(), PublisherState::Published);
    machine.expire(machine.deadline().unwrap());
    assert_eq!(told(&mut machine).0, ["PUBLISH 3600 if e1"]);
}

#[test]
fn s_pb_03_05_one_request_at_a_time_and_only_the_newest_state_after_it() {
    let mut machine = Publisher::new(settings());
    let (_, request) = publish(&mut machine, 0, "one");
    for text in ["two", "three"] {
        assert_eq!(publish(&mut machine, 1, text).0, [""; 0]);
    }
    let (said, _) = reply(&mut machine, 5, stored(&request.unwrap(), "e1", 3600));
    assert_eq!(said, ["published until 3600005", "PUBLISH 3600 if e1 three"]);
}

#[test]
fn s_pb_05_retry_after_holds_back_new_states_too() {
    let mut machine = Publisher::new(settings());
    let (_, request) = publish(&mut machine, 0, "one");
    let busy = answer(&request.unwrap(), 503).with(Header::new(HeaderName::RetryAfter, 60));
    assert_eq!(reply(&mut machine, 0, busy).0, ["refused 503"]);
    assert_eq!(publish(&mut machine, 10, "two").0, [""; 0]);
    assert_eq!(machine.deadline(), Some(at(60_000)));
    machine.expire(at(60_000));
    assert_eq!(told(&mut machine).0, ["PUBLISH 3600 two"]);
    machine.handle(at(92_000), PublisherEvent::TimedOut);
    assert_eq!(told(&mut machine).0, ["refused 408"]);
    machine.expire(machine.deadline().unwrap());
    assert_eq!(told(&mut machine).0, ["PUBLISH 3600 two"]);
}

#[test]
fn removal_refers_to_the_tag_and_carries_no_document() {
    let mut machine = published();
    machine.handle(at(10), PublisherEvent::Remove);
    let (said, remove) = told(&mut machine);
    assert_eq!(said, ["PUBLISH 0 if e1"]);
    assert_eq!(reply(&mut machine, 11, answer(&remove.unwrap(), 200)).0, ["removed"]);
    assert_eq!((machine.state(), machine.deadline()), (PublisherState::Idle, None));
    machine.handle(at(12), PublisherEvent::Remove);
    let mut stubborn = published();
    stubborn.handle(at(10), PublisherEvent::Remove);
    let (_, remove) = told(&mut stubborn);
    assert_eq!(reply(&mut stubborn, 11, answer(&remove.unwrap(), 403)).0, ["refused 403", "removed"]);
    assert_eq!(stubborn.deadline(), None);
    assert_eq!(told(&mut machine).0, ["removed"]);
    assert_eq!(publish(&mut machine, 13, "two").0, ["PUBLISH 3600 two"]);
}

#[test]
fn a_publication_that_expired_unrefreshed_begins_anew() {
    let mut machine = published();
    machine.expire(at(3_300_000));
    machine.handle(at(3_332_000), PublisherEvent::TimedOut);
    told(&mut machine);
    machine.expire(at(3_337_000));
    machine.handle(at(3_590_000), PublisherEvent::TimedOut);
    told(&mut machine);
    machine.expire(at(3_600_000));
    assert_eq!(told(&mut machine).0, ["PUBLISH 3600 one"]);
}

#[test]
fn a_challenge_is_answered_once_per_nonce() {
    let challenge = |request: &Request| {
        answer(request, 401).with(Header::new(HeaderName::WwwAuthenticate, "Digest realm=\"sip.example\", nonce=\"a\""))
    };
    let mut machine = Publisher::new(settings());
    let (_, request) = publish(&mut machine, 0, "one");
    assert_eq!(reply(&mut machine, 1, challenge(&request.unwrap())).0, ["challenged"]);
    publish(&mut machine, 2, "two");
    let credentials = Header::new(HeaderName::Authorization, "Digest username=\"bob\"");
    machine.handle(at(3), PublisherEvent::Authorize(vec![credentials]));
    let (said, again) = told(&mut machine);
    assert_eq!(said, ["PUBLISH 3600 two"]);
    let again = again.unwrap();
    assert!(again.headers().has(&HeaderName::Authorization));
    assert_eq!(reply(&mut machine, 4, challenge(&again)).0, ["refused 401"]);
    let (_, request) = publish(&mut machine, 5, "three");
    assert_eq!(reply(&mut machine, 6, challenge(&request.unwrap())).0, ["challenged"]);
    machine.handle(at(7), PublisherEvent::Authorize(Vec::new()));
    assert_eq!((told(&mut machine).0, machine.state()), (vec!["refused 401".to_owned()], PublisherState::Idle));
}

#[test]
fn every_state_decides_about_every_event() {
    use PublisherState::{Idle, Published, Publishing, Waiting};
    let mut table = String::from("# publisher (RFC 3903)\n");
    for state in [Idle, Publishing, Published, Waiting] {
        for name in EVENTS {
            let (mut machine, last) = in_state(state);
            assert_eq!(machine.state(), state);
            step(&mut machine, name, &last);
            table += &format!("{state:?} + {name} -> {:?} {:?}\n", machine.state(), told(&mut machine).0);
        }
    }
    crate::generated::compare("fixtures/state/sip_publisher.txt", &table);
}

const EVENTS: [&str; 12] = [
    "Publish",
    "Remove",
    "Response 200",
    "Response 412",
    "Response 423",
    "Response 401",
    "Response 404",
    "Response 503",
    "TimedOut",
    "RequestFailed",
    "Authorize",
    "TimerNext",
];

fn step(machine: &mut Publisher, name: &str, last: &Request) {
    let now = at(1000);
    match name.split_once(' ') {
        Some((_, code)) => {
            let response = answer(last, code.parse().unwrap()).with(Header::new(HeaderName::SipETag, "e9"));
            machine.handle(now, PublisherEvent::Response(response));
        }
        None => match name {
            "Publish" => machine.handle(now, PublisherEvent::Publish(document("new").unwrap())),
            "Remove" => machine.handle(now, PublisherEvent::Remove),
            "TimedOut" => machine.handle(now, PublisherEvent::TimedOut),
            "RequestFailed" => machine.handle(now, PublisherEvent::RequestFailed),
            "Authorize" => machine.handle(now, PublisherEvent::Authorize(Vec::new())),
            _ => machine.expire(at(3_500_000)),
        },
    }
}

fn in_state(state: PublisherState) -> (Publisher, Request) {
    let mut machine = Publisher::new(settings());
    let (_, last) = publish(&mut machine, 0, "one");
    let last = last.unwrap();
    match state {
        PublisherState::Idle => machine = Publisher::new(settings()),
        PublisherState::Publishing => {}
        PublisherState::Published => machine = published(),
        PublisherState::Waiting => machine.handle(at(1), PublisherEvent::TimedOut),
    }
    drain(&mut machine);
    (machine, last)
}
