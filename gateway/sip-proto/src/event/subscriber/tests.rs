use super::*;
use crate::event::credential::CredentialSource;
use crate::event::fixture::{answer, at, document, notify, settings};
use crate::event::package::Forks;

const TRANSACTION: u64 = 1;

fn transaction() -> ServerTransactionId {
    ServerTransactionId::for_test(TRANSACTION)
}

fn drain(machine: &mut Subscriber) -> Vec<SubscriberCommand> {
    std::iter::from_fn(|| machine.poll()).collect()
}

/// One line per command.
fn told(machine: &mut Subscriber) -> Vec<String> {
    drain(machine).iter().map(line).collect()
}

fn line(command: &SubscriberCommand) -> String {
    match command {
        SubscriberCommand::SendRequest(request) => {
            let expires_s = request.headers().expires_s().unwrap().unwrap();
            let inside = if request.headers().to().unwrap().tag().is_some() { " inside" } else { "" };
            format!("SUBSCRIBE {expires_s}{inside}")
        }
        SubscriberCommand::Respond { response, .. } => response.status().to_string(),
        SubscriberCommand::Challenged { .. } => "challenged".into(),
        SubscriberCommand::StateChanged(SubscriptionChange::Pending) => "pending".into(),
        SubscriberCommand::StateChanged(SubscriptionChange::Active { body }) => format!("active{}", text(body)),
        SubscriberCommand::StateChanged(SubscriptionChange::Ended { reason, retry_after, body }) => {
            let reason = reason.as_ref().map_or("-", |reason| reason.as_str());
            format!("ended {reason} {}{}", retry_after.map_or(0, |wait| wait.as_secs()), text(body))
        }
        SubscriberCommand::StateChanged(SubscriptionChange::Failed { status, retry_after }) => {
            format!("failed {status} {}", retry_after.map_or(0, |wait| wait.as_secs()))
        }
        SubscriberCommand::Forked(_) => "forked".into(),
    }
}

fn text(body: &Option<Body>) -> String {
    body.as_ref().map(|body| format!(" {}", String::from_utf8_lossy(body.content()))).unwrap_or_default()
}

fn request(machine: &mut Subscriber) -> Request {
    drain(machine)
        .into_iter()
        .find_map(|command| match command {
            SubscriberCommand::SendRequest(request) => Some(request),
            _ => None,
        })
        .unwrap()
}

/// A machine that has sent its first SUBSCRIBE at zero.
fn started(settings: SubscriberSettings) -> (Subscriber, Request) {
    let mut machine = Subscriber::new(settings);
    machine.handle(at(0), SubscriberEvent::Subscribe);
    let request = request(&mut machine);
    (machine, request)
}

fn hear(machine: &mut Subscriber, millis: u64, notify: Request) -> Vec<String> {
    let request = Arc::new(notify);
    machine.handle(at(millis), SubscriberEvent::Notify { transaction: transaction(), request });
    told(machine)
}

fn reply(machine: &mut Subscriber, millis: u64, response: Response) -> Vec<String> {
    machine.handle(at(millis), SubscriberEvent::Response(response));
    told(machine)
}

fn granted(request: &Request, expires_s: u32) -> Response {
    answer(request, 200).with(Header::new(HeaderName::Expires, expires_s))
}

/// A machine with an active subscription of an hour since zero.
fn active() -> Subscriber {
    let (mut machine, request) = started(settings(3600));
    reply(&mut machine, 10, granted(&request, 3600));
    hear(&mut machine, 20, notify("n1", 1, "active;expires=3600", Some("one")));
    machine
}

#[test]
fn s_sb_01_the_request_names_package_lifetime_contact_and_types() {
    let (_, request) = started(settings(3600));
    let headers = request.headers();
    assert_eq!(request.method(), &Method::Subscribe);
    assert_eq!(headers.event().unwrap().unwrap().package(), &"presence");
    assert_eq!(headers.expires_s().unwrap(), Some(3600));
    assert!(headers.accept().unwrap().unwrap()[0].is("application/pidf+xml"));
    assert!(headers.contact_first().unwrap().is_some());
    assert_eq!(headers.from().unwrap().tag().unwrap().as_str(), "watcher");
    assert_eq!(headers.to().unwrap().tag(), None);
    assert_eq!(headers.max_forwards().unwrap(), Some(70));
}

#[test]
fn s_dg_03_the_first_notify_makes_the_dialog_even_before_the_answer_and_gives_the_route() {
    let (mut machine, request_sent) = started(settings(3600));
    let mut first = notify("n1", 5, "active;expires=3600", Some("one"));
    first.push(Header::new(HeaderName::RecordRoute, "<sip:p2.example;lr>, <sip:p1.example;lr>"));
    assert_eq!(hear(&mut machine, 5, first), ["200", "active one"]);
    assert_eq!(machine.dialog_id().unwrap().remote_tag.as_str(), "n1");
    let mut late = granted(&request_sent, 3600);
    late.push(Header::new(HeaderName::RecordRoute, "<sip:other.example;lr>"));
    assert_eq!(reply(&mut machine, 10, late), [""; 0]);
    machine.expire(at(3_300_010));
    let refresh = request(&mut machine);
    let routes: Vec<String> = refresh.headers().routes().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(routes, ["<sip:p2.example;lr>", "<sip:p1.example;lr>"]);
    assert_eq!(refresh.uri().to_string(), "sip:pa@192.0.2.9:5060");
    assert_eq!(refresh.headers().to().unwrap().tag().unwrap().as_str(), "n1");
    assert_eq!(refresh.headers().cseq().unwrap().sequence.to_number(), 2);
}

#[test]
fn s_dg_03_a_terminated_first_notify_makes_no_dialog() {
    let (mut machine, _) = started(settings(3600));
    let said = hear(&mut machine, 5, notify("n1", 1, "terminated;reason=noresource", None));
    assert_eq!(said, ["200", "ended noresource 0"]);
    assert_eq!(machine.dialog_id(), None);
}

#[test]
fn s_dg_04_a_second_notifier_gets_481() {
    let mut machine = active();
    assert_eq!(hear(&mut machine, 30, notify("n2", 1, "active;expires=3600", Some("two"))), ["481"]);
    assert_eq!(hear(&mut machine, 40, notify("n1", 2, "active;expires=3600", Some("two"))), ["200", "active two"]);
}

#[test]
fn s_dg_04_forks_are_machines_of_their_own_where_the_package_allows_them() {
    let (mut machine, _) = started(SubscriberSettings { forks: Forks::Several, ..settings(3600) });
    hear(&mut machine, 5, notify("n1", 1, "active;expires=3600", None));
    let second = Arc::new(notify("n2", 1, "active;expires=3600", Some("two")));
    machine.handle(at(6), SubscriberEvent::Notify { transaction: transaction(), request: second });
    let forked = drain(&mut machine).pop().unwrap();
    let SubscriberCommand::Forked(mut sibling) = forked else { panic!("{forked:?}") };
    assert_eq!(told(&mut sibling), ["200", "active two"]);
    assert_eq!(hear(&mut sibling, 7, notify("n2", 2, "terminated;reason=timeout", None)), ["200", "ended timeout 0"]);
    assert_eq!(hear(&mut machine, 32_000, notify("n3", 1, "active;expires=9", None)), ["481"]);
}

#[test]
fn s_dg_05_strangers_get_481() {
    for (name, value) in [
        (HeaderName::CallId, "call-2"),
        (HeaderName::To, "<sip:alice@wv.example>;tag=other"),
        (HeaderName::To, "<sip:alice@wv.example>"),
        (HeaderName::Event, "presence;id=7"),
    ] {
        let (mut machine, _) = started(settings(3600));
        let mut stranger = notify("n1", 1, "active;expires=3600", None);
        stranger.headers_mut().set(Header::new(name, value));
        assert_eq!(hear(&mut machine, 5, stranger), ["481"], "{value}");
    }
    let (mut machine, _) = started(settings(3600));
    machine.expire(at(32_000));
    assert_eq!(told(&mut machine), ["failed 408 0"]);
    assert_eq!(hear(&mut machine, 32_001, notify("n1", 1, "active;expires=3600", None)), ["481"]);
}

#[test]
fn s_dg_02_a_notify_out_of_order_gets_500() {
    let mut machine = active();
    hear(&mut machine, 30, notify("n1", 7, "active;expires=3600", Some("two")));
    for sequence in [6, 7] {
        assert_eq!(hear(&mut machine, 40, notify("n1", sequence, "active;expires=3600", Some("old"))), ["500"]);
    }
    assert_eq!(hear(&mut machine, 50, notify("n1", 9, "active;expires=3600", Some("new"))), ["200", "active new"]);
}

#[test]
fn a_notify_without_its_mandatory_fields_is_refused() {
    for (name, status) in
        [(HeaderName::SubscriptionState, "400"), (HeaderName::Event, "489"), (HeaderName::Contact, "400")]
    {
        let (mut machine, _) = started(settings(3600));
        let mut bad = notify("n1", 1, "active;expires=3600", None);
        bad.headers_mut().remove(&name);
        assert_eq!(hear(&mut machine, 5, bad), [status], "{name:?}");
    }
    let mut machine = active();
    let mut other = notify("n1", 2, "active;expires=3600", None);
    other.headers_mut().set(Header::new(HeaderName::Event, "dialog"));
    assert_eq!(hear(&mut machine, 5, other), ["489"]);
}

#[test]
fn s_sb_02_the_lifetime_follows_the_answer_and_then_the_notify() {
    let (mut machine, request) = started(settings(3600));
    reply(&mut machine, 0, granted(&request, 1800));
    assert_eq!(machine.expires_at(), Some(at(1_800_000)));
    hear(&mut machine, 0, notify("n1", 1, "active;expires=600", None));
    assert_eq!(machine.expires_at(), Some(at(600_000)));
    assert_eq!(machine.deadline(), Some(at(480_000)));
    hear(&mut machine, 100_000, notify("n1", 2, "active", None));
    assert_eq!((machine.expires_at(), machine.deadline()), (Some(at(600_000)), Some(at(480_000))));
    hear(&mut machine, 100_000, notify("n1", 3, "active;expires=100", None));
    assert_eq!(machine.expires_at(), Some(at(200_000)));
}

#[test]
fn s_sb_02_a_lifetime_longer_than_asked_is_not_believed() {
    let (mut machine, request) = started(settings(600));
    reply(&mut machine, 0, granted(&request, 90_000));
    assert_eq!(machine.expires_at(), Some(at(600_000)));
    hear(&mut machine, 0, notify("n1", 1, "active;expires=90000", None));
    assert_eq!(machine.expires_at(), Some(at(600_000)));
}

#[test]
fn s_sb_03_the_refresh_comes_in_time_inside_the_dialog() {
    let mut machine = active();
    assert_eq!(machine.deadline(), Some(at(3_300_000)));
    machine.expire(at(3_300_000));
    assert_eq!(told(&mut machine), ["SUBSCRIBE 3600 inside"]);
    hear(&mut machine, 3_300_010, notify("n1", 2, "active;expires=3600", None));
    assert_eq!(machine.deadline(), Some(at(6_600_000)));
}

#[test]
fn s_sb_04_terminating_codes_end_the_subscription_and_others_do_not() {
    for (status, said) in [(404, "failed 404 0"), (481, "failed 481 0"), (489, "failed 489 0"), (604, "failed 604 0")] {
        let mut machine = active();
        machine.expire(at(3_300_000));
        let refresh = request(&mut machine);
        assert_eq!(reply(&mut machine, 3_300_010, answer(&refresh, status)), [said]);
    }
    for status in [400, 403, 500, 503] {
        let mut machine = active();
        machine.expire(at(3_300_000));
        let refresh = request(&mut machine);
        assert_eq!(reply(&mut machine, 3_300_000, answer(&refresh, status)), [""; 0], "{status}");
        assert_eq!(machine.state(), SubscriberState::Active);
        assert_eq!(machine.deadline(), Some(at(3_305_000)));
        machine.expire(at(3_305_000));
        assert_eq!(told(&mut machine), ["SUBSCRIBE 3600 inside"]);
    }
}

#[test]
fn s_sb_04_a_failed_refresh_waits_as_told_and_the_subscription_ends_at_its_known_end() {
    let mut machine = active();
    machine.expire(at(3_300_000));
    let refresh = request(&mut machine);
    let busy = answer(&refresh, 503).with(Header::new(HeaderName::RetryAfter, 1000));
    reply(&mut machine, 3_300_000, busy);
    assert_eq!(machine.deadline(), Some(at(3_600_020)));
    machine.expire(at(3_600_020));
    assert_eq!(told(&mut machine), ["ended timeout 0"]);
}

#[test]
fn s_sb_04_no_notify_after_a_refresh_ends_the_subscription_unless_204_announced_it() {
    let mut machine = active();
    machine.expire(at(3_300_000));
    let refresh = request(&mut machine);
    reply(&mut machine, 3_300_010, granted(&refresh, 3600));
    machine.expire(at(3_332_000));
    assert_eq!(told(&mut machine), ["failed 408 0"]);
    let mut machine = active();
    machine.expire(at(3_300_000));
    let refresh = request(&mut machine);
    reply(&mut machine, 3_300_010, answer(&refresh, 204).with(Header::new(HeaderName::Expires, 3600)));
    machine.expire(at(3_332_000));
    assert_eq!(told(&mut machine), [""; 0]);
    assert_eq!(machine.state(), SubscriberState::Active);
}

#[test]
fn s_sb_05_too_brief_is_repeated_with_the_minimum_once_it_helps() {
    let (mut machine, request_sent) = started(settings(60));
    let brief = |request: &Request, min: u32| answer(request, 423).with(Header::new(HeaderName::MinExpires, min));
    assert_eq!(reply(&mut machine, 10, brief(&request_sent, 30)), ["failed 423 0"]);
    let (mut machine, request_sent) = started(settings(60));
    machine.handle(at(10), SubscriberEvent::Response(brief(&request_sent, 300)));
    let again = request(&mut machine);
    assert_eq!(again.headers().expires_s().unwrap(), Some(300));
    assert_eq!(again.headers().cseq().unwrap().sequence.to_number(), 2);
    assert_eq!(again.headers().call_id().unwrap().as_str(), "call-1");
}

#[test]
fn s_sb_05_redirections_are_followed_five_times() {
    let (mut machine, mut sent) = started(settings(3600));
    for hop in 0..5 {
        let target = format!("<sip:bob@h{hop}.example>");
        machine.handle(
            at(10),
            SubscriberEvent::Response(answer(&sent, 302).with(Header::new(HeaderName::Contact, target))),
        );
        sent = request(&mut machine);
        assert_eq!(sent.uri().to_string(), format!("sip:bob@h{hop}.example"));
    }
    let more = answer(&sent, 302).with(Header::new(HeaderName::Contact, "<sip:bob@h.example>"));
    assert_eq!(reply(&mut machine, 20, more), ["failed 302 0"]);
}

#[test]
fn s_sb_05_202_counts_as_200_and_refusals_carry_retry_after() {
    let (mut machine, request) = started(settings(3600));
    assert_eq!(reply(&mut machine, 10, answer(&request, 202)), [""; 0]);
    assert_eq!(machine.state(), SubscriberState::Subscribing);
    let (mut machine, request) = started(settings(3600));
    let busy = answer(&request, 503).with(Header::new(HeaderName::RetryAfter, 120));
    assert_eq!(reply(&mut machine, 10, busy), ["failed 503 120"]);
}

#[test]
fn a_challenge_is_passed_to_the_owner_once_per_nonce() {
    let challenge = |request: &Request, nonce: &str| {
        let value = format!("Digest realm=\"sip.example\", nonce=\"{nonce}\"");
        answer(request, 401).with(Header::new(HeaderName::WwwAuthenticate, value))
    };
    let (mut machine, request_sent) = started(settings(3600));
    assert_eq!(reply(&mut machine, 10, challenge(&request_sent, "a")), ["failed 401 0"]);
    let owner = || SubscriberSettings { credentials: CredentialSource::Owner, ..settings(3600) };
    let (mut machine, request_sent) = started(owner());
    assert_eq!(reply(&mut machine, 10, challenge(&request_sent, "a")), ["challenged"]);
    let credentials = Header::new(HeaderName::Authorization, "Digest username=\"alice\"");
    machine.handle(at(11), SubscriberEvent::Authorize(vec![credentials]));
    let again = request(&mut machine);
    assert!(again.headers().has(&HeaderName::Authorization));
    assert_eq!(again.headers().cseq().unwrap().sequence.to_number(), 2);
    assert_eq!(reply(&mut machine, 20, challenge(&again, "a")), ["failed 401 0"]);
    let (mut machine, request_sent) = started(owner());
    reply(&mut machine, 10, challenge(&request_sent, "a"));
    machine.handle(at(11), SubscriberEvent::Unsubscribe);
    assert_eq!(told(&mut machine), ["failed 401 0"]);
}

#[test]
fn s_sb_06_pending_and_unknown_states_show_no_document() {
    for state in ["pending;expires=3600", "waiting;expires=3600"] {
        let (mut machine, _) = started(settings(3600));
        assert_eq!(hear(&mut machine, 5, notify("n1", 1, state, Some("secret"))), ["200", "pending"]);
        assert_eq!(machine.state(), SubscriberState::Pending);
        assert_eq!(hear(&mut machine, 6, notify("n1", 2, "active;expires=3590", Some("one"))), ["200", "active one"]);
    }
}

#[test]
fn s_sb_08_a_fetch_ends_with_its_only_notify() {
    let (mut machine, request) = started(settings(0));
    assert_eq!(reply(&mut machine, 5, granted(&request, 0)), [""; 0]);
    let said = hear(&mut machine, 10, notify("n1", 1, "terminated;reason=timeout", Some("one")));
    assert_eq!(said, ["200", "ended timeout 0 one"]);
    let (mut machine, _) = started(settings(0));
    let said = hear(&mut machine, 10, notify("n1", 1, "active;expires=0", Some("one")));
    assert_eq!(said, ["200", "active one", "ended timeout 0"]);
    let (mut machine, _) = started(settings(0));
    machine.expire(at(32_000));
    assert_eq!(told(&mut machine), ["failed 408 0"]);
}

#[test]
fn s_sb_09_unsubscribing_waits_for_the_last_notify_or_timer_n() {
    let mut machine = active();
    machine.handle(at(50), SubscriberEvent::Unsubscribe);
    let leave = request(&mut machine);
    assert_eq!(leave.headers().expires_s().unwrap(), Some(0));
    assert_eq!(reply(&mut machine, 60, granted(&leave, 0)), [""; 0]);
    assert_eq!(hear(&mut machine, 65, notify("n1", 2, "active;expires=3500", Some("late"))), ["200"]);
    assert_eq!(hear(&mut machine, 70, notify("n1", 3, "terminated;reason=timeout", None)), ["200", "ended timeout 0"]);
    let mut machine = active();
    machine.handle(at(50), SubscriberEvent::Unsubscribe);
    drain(&mut machine);
    machine.expire(at(32_050));
    assert_eq!(told(&mut machine), ["ended timeout 0"]);
}

#[test]
fn unsubscribing_before_the_first_notify_happens_after_it() {
    let (mut machine, request_sent) = started(settings(3600));
    machine.handle(at(5), SubscriberEvent::Unsubscribe);
    reply(&mut machine, 6, granted(&request_sent, 3600));
    let said = hear(&mut machine, 10, notify("n1", 1, "active;expires=3600", None));
    assert_eq!(said, ["200", "active", "SUBSCRIBE 0 inside"]);
}

#[test]
fn s_sb_10_refreshes_are_conditional_when_wanted() {
    let (mut machine, _) = started(SubscriberSettings { conditional: Conditional::On, ..settings(3600) });
    let tagged = notify("n1", 1, "active;expires=3600", Some("one")).with(Header::new(HeaderName::SipETag, "e1"));
    hear(&mut machine, 5, tagged);
    machine.handle(at(6), SubscriberEvent::RequestFailed);
    machine.expire(at(5006));
    let refresh = request(&mut machine);
    assert_eq!(refresh.headers().suppress_if_match().unwrap().unwrap().as_str(), "e1");
}

#[test]
fn s_sb_13_an_empty_notify_keeps_what_is_known() {
    let mut machine = active();
    let said = hear(&mut machine, 30, notify("n1", 2, "active;expires=3600", None));
    assert_eq!(said, ["200", "active"]);
}

#[test]
fn a_restart_keeps_the_dialog_and_jumps_the_numbers() {
    let mut machine = active();
    let octets = machine.to_snapshot().unwrap();
    let wait = Duration::from_secs(7);
    let mut again = Subscriber::from_snapshot(at(100_000), &octets, settings(3600), wait).unwrap();
    assert_eq!(again.dialog_id(), machine.dialog_id());
    assert_eq!(again.deadline(), Some(at(107_000)));
    again.expire(at(107_000));
    let refresh = request(&mut again);
    assert!(refresh.headers().cseq().unwrap().sequence.to_number() > 1000);
    assert_eq!(hear(&mut again, 107_010, notify("n1", 1, "active;expires=9", None)), ["500"]);
    assert_eq!(hear(&mut again, 107_010, notify("n1", 2, "active;expires=3600", None)), ["200", "active"]);
    for cut in 0..octets.len() {
        assert!(Subscriber::from_snapshot(at(0), &octets[..cut], settings(3600), wait).is_err());
    }
    assert!(Subscriber::new(settings(3600)).to_snapshot().is_none());
    assert_eq!(document("x").unwrap().content().len(), 1);
}

#[test]
fn every_state_decides_about_every_event() {
    use SubscriberState::{Active, Ended, Idle, Leaving, Pending, Subscribing};
    let mut table = String::from("# subscriber (RFC 6665 §4.1)\n");
    for state in [Idle, Subscribing, Pending, Active, Leaving, Ended] {
        for name in EVENTS {
            let (mut machine, last) = in_state(state);
            assert_eq!(machine.state(), state);
            step(&mut machine, name, &last);
            table += &format!("{state:?} + {name} -> {:?} {:?}\n", machine.state(), told(&mut machine));
        }
    }
    crate::generated::compare("fixtures/state/sip_subscriber.txt", &table);
}

const EVENTS: [&str; 17] = [
    "Subscribe",
    "Refresh",
    "Unsubscribe",
    "Response 200",
    "Response 202",
    "Response 204",
    "Response 302",
    "Response 403",
    "Response 481",
    "Response 500",
    "TimedOut",
    "RequestFailed",
    "Notify pending",
    "Notify active",
    "Notify terminated",
    "Authorize",
    "TimerN",
];

fn step(machine: &mut Subscriber, name: &str, last: &Request) {
    let now = at(1000);
    match name.split_once(' ') {
        Some(("Response", code)) => {
            let response = answer(last, code.parse().unwrap()).with(Header::new(HeaderName::Expires, 3600));
            machine.handle(now, SubscriberEvent::Response(response));
        }
        Some((_, state)) => {
            let request = Arc::new(notify("n1", 9, state, Some("body")));
            machine.handle(now, SubscriberEvent::Notify { transaction: transaction(), request });
        }
        None => match name {
            "Subscribe" => machine.handle(now, SubscriberEvent::Subscribe),
            "Refresh" => machine.handle(now, SubscriberEvent::Refresh),
            "Unsubscribe" => machine.handle(now, SubscriberEvent::Unsubscribe),
            "TimedOut" => machine.handle(now, SubscriberEvent::TimedOut),
            "RequestFailed" => machine.handle(now, SubscriberEvent::RequestFailed),
            "Authorize" => machine.handle(now, SubscriberEvent::Authorize(Vec::new())),
            _ => machine.expire(at(33_000)),
        },
    }
}

/// A machine in that state with a SUBSCRIBE on its way, where the state has any.
fn in_state(state: SubscriberState) -> (Subscriber, Request) {
    let (mut machine, mut last) = started(settings(3600));
    match state {
        SubscriberState::Idle => machine = Subscriber::new(settings(3600)),
        SubscriberState::Subscribing => {}
        SubscriberState::Pending | SubscriberState::Active => {
            let name = if state == SubscriberState::Active { "active" } else { "pending" };
            hear(&mut machine, 5, notify("n1", 1, name, None));
            reply(&mut machine, 6, granted(&last, 3600));
            machine.handle(at(7), SubscriberEvent::Refresh);
            last = request(&mut machine);
        }
        SubscriberState::Leaving => {
            machine = active();
            machine.handle(at(7), SubscriberEvent::Unsubscribe);
            last = request(&mut machine);
        }
        SubscriberState::Ended => machine.handle(at(5), SubscriberEvent::TimedOut),
    }
    drain(&mut machine);
    (machine, last)
}
