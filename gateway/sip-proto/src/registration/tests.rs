use super::*;
use crate::event::fixture::{address, answer, at, contact};
use proptest::prelude::*;

fn settings() -> RegistrationSettings {
    RegistrationSettings {
        registrar: Uri::parse("sip:wv.example").unwrap(),
        address: address("<sip:alice@wv.example>"),
        contact: contact("sip:gw-7@192.0.2.1:5060"),
        expires_s: 3600,
        headers: Vec::new(),
        call_id: CallId::parse("reg-1").unwrap(),
        tag: Tag::parse("client").unwrap(),
        jitter: Jitter::default(),
        credentials: CredentialSource::Owner,
    }
}

/// What the machine said, and the last request it sent.
fn told(machine: &mut Registration) -> (Vec<String>, Option<Request>) {
    let (mut lines, mut last) = (Vec::new(), None);
    while let Some(command) = machine.poll() {
        lines.push(match &command {
            RegistrationCommand::SendRequest(request) => {
                format!("REGISTER {}", request.headers().expires_s().unwrap().unwrap())
            }
            RegistrationCommand::Challenged(_) => "challenged".into(),
            RegistrationCommand::StateChanged(RegistrationChange::Registered { expires_at, service_route }) => {
                let routes: String = service_route.iter().map(|route| format!(" by {route}")).collect();
                format!("registered until {}{routes}", expires_at.as_millis())
            }
            RegistrationCommand::StateChanged(RegistrationChange::Withdrawn) => "withdrawn".into(),
            RegistrationCommand::StateChanged(RegistrationChange::Refused { status }) => format!("refused {status}"),
        });
        if let RegistrationCommand::SendRequest(request) = command {
            last = Some(request);
        }
    }
    (lines, last)
}

fn tell(machine: &mut Registration, millis: u64, event: RegistrationEvent) -> (Vec<String>, Option<Request>) {
    machine.handle(at(millis), event);
    told(machine)
}

fn reply(machine: &mut Registration, millis: u64, response: Response) -> (Vec<String>, Option<Request>) {
    tell(machine, millis, RegistrationEvent::Response(response))
}

fn bound(request: &Request, contacts: &str) -> Response {
    answer(request, 200).with(Header::new(HeaderName::Contact, contacts))
}

/// A machine that has sent its first request at zero.
fn registering() -> (Registration, Request) {
    let mut machine = Registration::new(settings());
    let (said, request) = tell(&mut machine, 0, RegistrationEvent::Register);
    assert_eq!(said, ["REGISTER 3600"]);
    (machine, request.unwrap())
}

fn registered() -> Registration {
    let (mut machine, request) = registering();
    reply(&mut machine, 0, bound(&request, "<sip:gw-7@192.0.2.1:5060>;expires=600"));
    machine
}

#[test]
fn rfc3261_10_2_the_request_names_registrar_address_and_binding() {
    let (_, request) = registering();
    assert_eq!(request.uri().to_string(), "sip:wv.example");
    let headers = request.headers();
    assert_eq!(headers.to().unwrap().to_string(), "<sip:alice@wv.example>");
    assert_eq!(headers.from().unwrap().tag().unwrap().as_str(), "client");
    let contact = headers.contact_first().unwrap().unwrap();
    assert_eq!((contact.uri().to_string(), contact.expires_s()), ("sip:gw-7@192.0.2.1:5060".into(), Some(3600)));
    assert!(headers.has_token(&HeaderName::Supported, "path"));
}

#[test]
fn rfc3261_10_2_4_the_binding_is_refreshed_before_it_ends_as_the_registrar_has_it() {
    let (mut machine, request) = registering();
    let answer = bound(&request, "<sip:other@192.0.2.9>, <sip:gw-7@192.0.2.1:5060>;expires=600")
        .with(Header::new(HeaderName::ServiceRoute, "<sip:p.wv.example;lr>"));
    assert_eq!(reply(&mut machine, 0, answer).0, ["registered until 600000 by <sip:p.wv.example;lr>"]);
    assert_eq!(machine.deadline(), Some(at(480_000)));
    machine.expire(at(480_000));
    let (said, refresh) = told(&mut machine);
    assert_eq!(said, ["REGISTER 3600"]);
    let refresh = refresh.unwrap();
    let number = |request: &Request| request.headers().cseq().unwrap().sequence.to_number();
    assert_eq!(number(&refresh), number(&request) + 1);
    assert_eq!(refresh.headers().call_id().unwrap(), request.headers().call_id().unwrap());
}

#[test]
fn rfc3261_10_2_2_a_binding_is_withdrawn_by_no_time() {
    let mut machine = registered();
    let (said, request) = tell(&mut machine, 10, RegistrationEvent::Withdraw);
    assert_eq!(said, ["REGISTER 0"]);
    assert_eq!(reply(&mut machine, 20, answer(&request.unwrap(), 200)).0, ["withdrawn"]);
    assert_eq!((machine.state(), machine.deadline()), (RegistrationState::Idle, None));
    assert_eq!(tell(&mut machine, 30, RegistrationEvent::Register).0, ["REGISTER 3600"]);
}

#[test]
fn rfc3261_10_2_8_too_brief_raises_the_lifetime() {
    let (mut machine, request) = registering();
    let brief = answer(&request, 423).with(Header::new(HeaderName::MinExpires, 7200));
    assert_eq!(reply(&mut machine, 0, brief).0, ["REGISTER 7200"]);
}

#[test]
fn what_changes_while_a_request_is_on_its_way_is_done_after_it() {
    let (mut machine, request) = registering();
    assert_eq!(tell(&mut machine, 1, RegistrationEvent::Withdraw).0, [""; 0]);
    let (said, withdrawal) = reply(&mut machine, 2, bound(&request, "<sip:gw-7@192.0.2.1:5060>"));
    assert_eq!(said, ["registered until 3600002", "REGISTER 0"]);
    assert_eq!(tell(&mut machine, 3, RegistrationEvent::Register).0, [""; 0]);
    assert_eq!(reply(&mut machine, 4, answer(&withdrawal.unwrap(), 200)).0, ["REGISTER 3600"]);
}

#[test]
fn what_is_refused_is_tried_again_later_and_what_never_was_bound_is_not_withdrawn() {
    let (mut machine, request) = registering();
    assert_eq!(reply(&mut machine, 0, answer(&request, 403)).0, ["refused 403"]);
    assert_eq!((machine.state(), machine.deadline()), (RegistrationState::Waiting, Some(at(600_000))));
    assert_eq!(tell(&mut machine, 10, RegistrationEvent::Withdraw).0, ["withdrawn"]);

    let (mut busy, request) = registering();
    let answer = answer(&request, 503).with(Header::new(HeaderName::RetryAfter, 7));
    assert_eq!(reply(&mut busy, 0, answer).0, ["refused 503"]);
    assert_eq!(busy.deadline(), Some(at(7_000)));
    assert_eq!(tell(&mut busy, 10, RegistrationEvent::Withdraw).0, ["REGISTER 0"]);

    let (mut silent, _) = registering();
    assert_eq!(tell(&mut silent, 32_000, RegistrationEvent::TimedOut).0, ["refused 408"]);
    assert_eq!(silent.deadline(), Some(at(37_000)));
}

#[test]
fn a_registrar_that_lists_other_bindings_only_has_not_taken_ours() {
    let (mut machine, request) = registering();
    assert_eq!(reply(&mut machine, 0, bound(&request, "<sip:other@192.0.2.9>")).0, ["refused 503"]);
    assert_eq!(machine.state(), RegistrationState::Waiting);
}

#[test]
fn rfc5626_4_1_an_instance_is_always_the_same_and_finds_the_binding() {
    let instance = instance_of("alice@wv.example");
    assert_eq!(instance, instance_of("alice@wv.example"));
    assert_ne!(instance, instance_of("bob@wv.example"));
    let contact = contact("sip:gw-7@192.0.2.1:5060").with_param("+sip.instance", Some(&instance));
    let value = contact.instance().unwrap();
    let groups: Vec<usize> = value.strip_prefix("urn:uuid:").unwrap().split('-').map(str::len).collect();
    assert_eq!((groups, value.as_bytes()[23]), (vec![8, 4, 4, 4, 12], b'8'));
    let mut machine = Registration::new(RegistrationSettings { contact, ..settings() });
    let (_, request) = tell(&mut machine, 0, RegistrationEvent::Register);
    // A registrar that rewrites what is behind a NAT.
    let answer =
        bound(&request.unwrap(), &format!("<sip:gw-7@198.51.100.7:1024>;+sip.instance=\"{instance}\";expires=60"));
    assert_eq!(reply(&mut machine, 0, answer).0, ["registered until 60000"]);
}

#[test]
fn a_challenge_is_answered_once_per_nonce() {
    let challenge = |request: &Request| {
        answer(request, 401).with(Header::new(HeaderName::WwwAuthenticate, "Digest realm=\"wv.example\", nonce=\"a\""))
    };
    let (mut machine, request) = registering();
    assert_eq!(reply(&mut machine, 1, challenge(&request)).0, ["challenged"]);
    let credentials = vec![Header::new(HeaderName::Authorization, "Digest username=\"gw\"")];
    let (said, again) = tell(&mut machine, 2, RegistrationEvent::Authorize(credentials));
    assert_eq!(said, ["REGISTER 3600"]);
    let again = again.unwrap();
    assert!(again.headers().has(&HeaderName::Authorization));
    assert_eq!(reply(&mut machine, 3, challenge(&again)).0, ["refused 401"]);
    machine.expire(machine.deadline().unwrap());
    let (_, third) = told(&mut machine);
    assert_eq!(reply(&mut machine, 900_000, challenge(&third.unwrap())).0, ["challenged"]);
    assert_eq!(tell(&mut machine, 900_001, RegistrationEvent::Authorize(Vec::new())).0, ["refused 401"]);
}

#[test]
fn what_was_there_before_a_restart_is_taken_up_or_withdrawn() {
    let mut machine = Registration::resumed(settings());
    assert_eq!(tell(&mut machine, 0, RegistrationEvent::Register).0, ["REGISTER 3600"]);
    let mut machine = Registration::resumed(settings());
    assert_eq!(tell(&mut machine, 0, RegistrationEvent::Withdraw).0, ["REGISTER 0"]);
}

#[test]
fn every_state_decides_about_every_event() {
    use RegistrationState::{Challenged, Idle, Registered, Registering, Waiting};
    let mut table = String::from("# registration (RFC 3261 §10.2)\n");
    for state in [Idle, Registering, Challenged, Registered, Waiting] {
        for name in EVENTS {
            let (mut machine, last) = in_state(state);
            assert_eq!(machine.state(), state);
            step(&mut machine, name, &last);
            table += &format!("{state:?} + {name} -> {:?} {:?}\n", machine.state(), told(&mut machine).0);
        }
    }
    crate::generated::compare("fixtures/state/sip_registration.txt", &table);
}

const EVENTS: [&str; 12] = [
    "Register",
    "Withdraw",
    "Response 100",
    "Response 200",
    "Response 423",
    "Response 401",
    "Response 403",
    "Response 503",
    "TimedOut",
    "RequestFailed",
    "Authorize",
    "TimerNext",
];

fn step(machine: &mut Registration, name: &str, last: &Request) {
    let now = at(1000);
    match name.split_once(' ') {
        Some((_, code)) => machine.handle(now, RegistrationEvent::Response(answer(last, code.parse().unwrap()))),
        None => match name {
            "Register" => machine.handle(now, RegistrationEvent::Register),
            "Withdraw" => machine.handle(now, RegistrationEvent::Withdraw),
            "TimedOut" => machine.handle(now, RegistrationEvent::TimedOut),
            "RequestFailed" => machine.handle(now, RegistrationEvent::RequestFailed),
            "Authorize" => machine.handle(now, RegistrationEvent::Authorize(Vec::new())),
            _ => machine.expire(at(3_500_000)),
        },
    }
}

fn in_state(state: RegistrationState) -> (Registration, Request) {
    let (mut machine, last) = registering();
    match state {
        RegistrationState::Idle => machine = Registration::new(settings()),
        RegistrationState::Registering => {}
        RegistrationState::Challenged => {
            let challenge = Header::new(HeaderName::WwwAuthenticate, "Digest realm=\"wv.example\", nonce=\"a\"");
            machine.handle(at(1), RegistrationEvent::Response(answer(&last, 401).with(challenge)));
        }
        RegistrationState::Registered => machine = registered(),
        RegistrationState::Waiting => machine.handle(at(1), RegistrationEvent::TimedOut),
    }
    told(&mut machine);
    (machine, last)
}

proptest! {
    /// Whatever a registrar did before: once it answers as it should, the binding is there exactly when it is wanted.
    #[test]
    fn the_registrar_ends_up_with_what_is_wanted(deeds in proptest::collection::vec((0..6_u8, 0..4_usize), 0..40)) {
        let mut machine = Registration::new(settings());
        let (mut now, mut open, mut is_wanted, mut is_bound) = (0, None::<Request>, false, false);
        let settle = |machine: &mut Registration, open: &mut Option<Request>| {
            if let (_, Some(request)) = told(machine) {
                prop_assert!(open.is_none(), "two requests on their way");
                *open = Some(request);
            }
            Ok(())
        };
        let takes = |request: &Request| request.headers().expires_s().unwrap() != Some(0);
        for (deed, code) in deeds {
            now += 1000;
            match (deed, open.take()) {
                (0, request) => {
                    open = request;
                    is_wanted = true;
                    machine.handle(at(now), RegistrationEvent::Register);
                }
                (1, request) => {
                    open = request;
                    is_wanted = false;
                    machine.handle(at(now), RegistrationEvent::Withdraw);
                }
                (2, Some(request)) => {
                    let code = [200, 403, 500, 423][code];
                    if code == 200 {
                        is_bound = takes(&request);
                    }
                    machine.handle(at(now), RegistrationEvent::Response(answer(&request, code)));
                }
                // The request arrived, its answer did not.
                (3, Some(request)) => {
                    is_bound = takes(&request);
                    machine.handle(at(now), RegistrationEvent::TimedOut);
                }
                (4, Some(_)) => machine.handle(at(now), RegistrationEvent::RequestFailed),
                (_, request) => {
                    open = request;
                    now = machine.deadline().map_or(now, |at| at.as_millis().max(now));
                    machine.expire(at(now));
                }
            }
            settle(&mut machine, &mut open)?;
        }
        for _ in 0..4 {
            if let Some(request) = open.take() {
                is_bound = takes(&request);
                machine.handle(at(now), RegistrationEvent::Response(answer(&request, 200)));
            } else if machine.state() == RegistrationState::Waiting {
                now = machine.deadline().unwrap().as_millis();
                machine.expire(at(now));
            }
            settle(&mut machine, &mut open)?;
        }
        prop_assert!(open.is_none());
        if is_wanted {
            prop_assert_eq!((machine.state(), is_bound), (RegistrationState::Registered, true));
        } else {
            prop_assert_eq!(machine.state(), RegistrationState::Idle);
        }
    }
}
