use super::*;
use crate::event::fixture::{answer, at, contact, document, packages, subscribe};

fn transaction() -> ServerTransactionId {
    ServerTransactionId::for_test(1)
}

fn opening(permission: Permission) -> Opening {
    let tag = Tag::parse("notifier").unwrap();
    Opening { tag, contact: contact("sip:pa@192.0.2.9:5060"), permission, timeout_rule: TimeoutRule::Remove }
}

fn accept(request: &Request, permission: Permission) -> Notifier {
    let packages = packages();
    let admission = Admission::check(request, &packages).unwrap();
    Notifier::accept(at(0), transaction(), request, admission, opening(permission)).unwrap()
}

fn drain(machine: &mut Notifier) -> Vec<NotifierCommand> {
    std::iter::from_fn(|| machine.poll()).collect()
}

fn told(machine: &mut Notifier) -> Vec<String> {
    drain(machine).iter().map(line).collect()
}

fn line(command: &NotifierCommand) -> String {
    match command {
        NotifierCommand::Respond { response, .. } => {
            let expires_s = response.headers().expires_s().unwrap();
            format!("{}{}", response.status(), expires_s.map(|seconds| format!(" {seconds}")).unwrap_or_default())
        }
        NotifierCommand::SendRequest(request) => {
            let state = request.headers().subscription_state().unwrap().unwrap();
            format!("NOTIFY {state} {}", String::from_utf8_lossy(request.body())).trim_end().to_owned()
        }
        NotifierCommand::Challenged { response, uri } => format!("challenged {} {uri}", response.status()),
        NotifierCommand::LeaseGranted { expires_at } => format!("until {}", expires_at.as_millis()),
        NotifierCommand::Removed(cause) => format!("removed {cause:?}"),
    }
}

fn sent(machine: &mut Notifier) -> Request {
    drain(machine)
        .into_iter()
        .find_map(|command| match command {
            NotifierCommand::SendRequest(request) => Some(request),
            _ => None,
        })
        .unwrap()
}

/// An active subscription of an hour whose first NOTIFY was answered.
fn active() -> Notifier {
    let mut machine = accept(&subscribe(None, 1, Some(3600)), Permission::Granted(document("one")));
    let first = sent(&mut machine);
    machine.handle(at(5), NotifierEvent::Response(answer(&first, 200)));
    machine
}

fn hear(machine: &mut Notifier, millis: u64, request: Request) -> Vec<String> {
    machine.handle(at(millis), NotifierEvent::Subscribe { transaction: transaction(), request: Arc::new(request) });
    told(machine)
}

#[test]
fn s_nt_01_02_a_subscribe_gets_200_and_a_notify_at_once() {
    let mut machine = accept(&subscribe(None, 1, Some(600)), Permission::Granted(document("one")));
    let commands = drain(&mut machine);
    let lines: Vec<String> = commands.iter().map(line).collect();
    assert_eq!(lines, ["200 600", "until 600000", "NOTIFY active;expires=600 one"]);
    let NotifierCommand::Respond { response, .. } = &commands[0] else { panic!() };
    assert_eq!(response.headers().to().unwrap().tag().unwrap().as_str(), "notifier");
    assert!(response.headers().contact_first().unwrap().is_some());
    let NotifierCommand::SendRequest(notify) = &commands[2] else { panic!() };
    assert_eq!(notify.uri().to_string(), "sip:gw@192.0.2.1:5060");
    assert_eq!(notify.headers().from().unwrap().tag().unwrap().as_str(), "notifier");
    assert_eq!(notify.headers().to().unwrap().tag().unwrap().as_str(), "watcher");
    assert_eq!(notify.headers().event().unwrap().unwrap().package(), &"presence");
    assert!(notify.headers().content_type().unwrap().unwrap().is("application/pidf+xml"));
}

#[test]
fn s_nt_02_record_route_is_copied_and_followed() {
    let mut request = subscribe(None, 1, Some(600));
    request.push(Header::new(HeaderName::RecordRoute, "<sip:p1.example;lr>"));
    let mut machine = accept(&request, Permission::Undecided);
    let commands = drain(&mut machine);
    let NotifierCommand::Respond { response, .. } = &commands[0] else { panic!() };
    assert_eq!(response.headers().record_routes().unwrap().len(), 1);
    let NotifierCommand::SendRequest(notify) = &commands[2] else { panic!() };
    assert_eq!(notify.headers().routes().unwrap()[0].to_string(), "<sip:p1.example;lr>");
}

#[test]
fn s_nt_03_04_inadmissible_requests_are_refused_with_their_reason() {
    let refused = |change: &dyn Fn(&mut Request)| {
        let mut request = subscribe(None, 1, Some(600));
        change(&mut request);
        let refusal = Admission::check(&request, &packages()).unwrap_err();
        let explanation = refusal.explanation.as_ref();
        let said = explanation.map(|header| format!(" {}: {}", header.name().as_str(), header.text().unwrap()));
        format!("{}{}", refusal.status, said.unwrap_or_default())
    };
    let set = |name: HeaderName, value: &'static str| {
        refused(&move |request: &mut Request| request.headers_mut().set(Header::new(name.clone(), value)))
    };
    let without = |name: HeaderName| refused(&move |request: &mut Request| request.headers_mut().remove(&name));
    assert_eq!(set(HeaderName::Event, "dialog"), "489 Allow-Events: presence");
    assert_eq!(without(HeaderName::Event), "489 Allow-Events: presence");
    assert_eq!(set(HeaderName::Accept, "text/plain"), "406 Accept: application/pidf+xml");
    assert_eq!(without(HeaderName::Contact), "400");
    assert_eq!(set(HeaderName::Expires, "59"), "423 Min-Expires: 60");
    assert_eq!(set(HeaderName::Expires, "soon"), "400");
    assert_eq!(set(HeaderName::To, "<sip:bob@sip.example>;tag=old"), "481");
    let (clipped, defaulted) = (subscribe(None, 1, Some(1_000_000)), subscribe(None, 1, None));
    assert_eq!(Admission::check(&clipped, &packages()).unwrap().expires_s, 86_400);
    assert_eq!(Admission::check(&defaulted, &packages()).unwrap().expires_s, 3600);
}

#[test]
fn s_nt_02_a_refresh_is_followed_by_the_whole_state_and_the_time_left() {
    let mut machine = active();
    let said = hear(&mut machine, 1000, subscribe(Some("notifier"), 2, Some(600)));
    assert_eq!(said, ["200 600", "until 601000", "NOTIFY active;expires=600 one"]);
}

#[test]
fn s_dg_01_a_refresh_moves_the_target() {
    let mut machine = active();
    let mut refresh = subscribe(Some("notifier"), 2, Some(600));
    refresh.headers_mut().set(Header::new(HeaderName::Contact, "<sip:gw@198.51.100.1:5062>"));
    machine.handle(at(9), NotifierEvent::Subscribe { transaction: transaction(), request: Arc::new(refresh) });
    assert_eq!(sent(&mut machine).uri().to_string(), "sip:gw@198.51.100.1:5062");
}

#[test]
fn s_dg_02_a_refresh_out_of_order_gets_500_and_one_of_another_dialog_481() {
    let mut machine = active();
    hear(&mut machine, 10, subscribe(Some("notifier"), 5, Some(600)));
    for sequence in [4, 5] {
        assert_eq!(hear(&mut machine, 20, subscribe(Some("notifier"), sequence, Some(0))), ["500"]);
    }
    assert_eq!(hear(&mut machine, 20, subscribe(Some("stranger"), 9, Some(0))), ["481"]);
    let mut other = subscribe(Some("notifier"), 10, Some(600));
    other.headers_mut().set(Header::new(HeaderName::Event, "presence;id=2"));
    assert_eq!(hear(&mut machine, 20, other), ["489"]);
    assert_eq!(hear(&mut machine, 20, subscribe(Some("notifier"), 11, Some(5))), ["423"]);
}

#[test]
fn s_nt_02_a_fetch_is_answered_with_one_terminated_notify() {
    let mut machine = accept(&subscribe(None, 1, Some(0)), Permission::Granted(document("one")));
    assert_eq!(told(&mut machine), ["200 0", "removed Fetched", "NOTIFY terminated;reason=timeout one"]);
    let mut machine = accept(&subscribe(None, 1, Some(0)), Permission::Undecided);
    assert_eq!(told(&mut machine), ["200 0", "removed Fetched", "NOTIFY terminated;reason=timeout"]);
}

#[test]
fn s_nt_02_unsubscribing_is_answered_with_a_last_notify() {
    let mut machine = active();
    let said = hear(&mut machine, 1000, subscribe(Some("notifier"), 2, Some(0)));
    assert_eq!(said, ["200 0", "removed Unsubscribed", "NOTIFY terminated;reason=timeout one"]);
    assert_eq!(machine.state(), NotifierState::Terminating);
    assert_eq!(hear(&mut machine, 1001, subscribe(Some("notifier"), 3, Some(600))), ["481"]);
    machine.handle(at(1002), NotifierEvent::TimedOut);
    assert_eq!(machine.state(), NotifierState::Ended);
}

#[test]
fn s_nt_06_one_notify_at_a_time_and_only_the_newest_state_after_it() {
    let mut machine = active();
    machine.handle(at(10), NotifierEvent::Update(document("two")));
    let second = sent(&mut machine);
    for text in ["three", "four", "five"] {
        machine.handle(at(11), NotifierEvent::Update(document(text)));
    }
    assert_eq!(told(&mut machine), [""; 0]);
    machine.handle(at(12), NotifierEvent::Response(answer(&second, 100)));
    assert_eq!(told(&mut machine), [""; 0]);
    machine.handle(at(13), NotifierEvent::Response(answer(&second, 200)));
    assert_eq!(told(&mut machine), ["NOTIFY active;expires=3600 five"]);
    machine.handle(at(14), NotifierEvent::Response(answer(&second, 200)));
    assert_eq!(told(&mut machine), [""; 0]);
}

#[test]
fn s_nt_07_failures_remove_the_subscription_or_delay_the_notify() {
    for status in [404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604] {
        let mut machine = active();
        machine.handle(at(10), NotifierEvent::Update(None));
        let notify = sent(&mut machine);
        machine.handle(at(11), NotifierEvent::Response(answer(&notify, status)));
        assert_eq!(told(&mut machine), [format!("removed NotifyRefused(StatusCode({status}))")]);
        assert_eq!(machine.state(), NotifierState::Ended);
    }
    let mut machine = active();
    machine.handle(at(10), NotifierEvent::Update(document("two")));
    let notify = sent(&mut machine);
    let busy = answer(&notify, 503).with(Header::new(HeaderName::RetryAfter, 20));
    machine.handle(at(1000), NotifierEvent::Response(busy));
    machine.handle(at(2000), NotifierEvent::Update(document("three")));
    assert_eq!((told(&mut machine), machine.deadline()), (Vec::new(), Some(at(21_000))));
    machine.expire(at(21_000));
    assert_eq!(told(&mut machine), ["NOTIFY active;expires=3579 three"]);
}

#[test]
fn s_nt_07_removal_after_silence_is_a_switch() {
    for (rule, state) in [(TimeoutRule::Remove, NotifierState::Ended), (TimeoutRule::Keep, NotifierState::Active)] {
        let mut machine = active();
        machine.timeout_rule = rule;
        machine.handle(at(10), NotifierEvent::Update(None));
        machine.handle(at(32_010), NotifierEvent::TimedOut);
        assert_eq!(machine.state(), state);
    }
}

#[test]
fn s_nt_08_pending_shows_nothing_until_permission_is_given_or_denied() {
    let mut machine = accept(&subscribe(None, 1, Some(3600)), Permission::Undecided);
    let first = sent(&mut machine);
    assert_eq!(first.headers().subscription_state().unwrap().unwrap().to_string(), "pending;expires=3600");
    assert!(first.body().is_empty());
    machine.handle(at(5), NotifierEvent::Update(document("secret")));
    machine.handle(at(6), NotifierEvent::Response(answer(&first, 200)));
    assert_eq!(told(&mut machine), [""; 0]);
    let mut denied = machine.clone();
    machine.handle(at(10), NotifierEvent::Grant(document("one")));
    assert_eq!(told(&mut machine), ["NOTIFY active;expires=3600 one"]);
    let reason = TerminationReason::Rejected;
    denied.handle(at(10), NotifierEvent::Terminate { reason, retry_after_s: None });
    assert_eq!(told(&mut denied), ["removed Terminated", "NOTIFY terminated;reason=rejected"]);
}

#[test]
fn s_nt_09_expiry_and_drain_say_why() {
    let mut machine = active();
    assert_eq!(machine.deadline(), Some(at(3_600_000)));
    machine.expire(at(3_600_000));
    assert_eq!(told(&mut machine), ["removed Expired", "NOTIFY terminated;reason=timeout one"]);
    let mut machine = active();
    let reason = TerminationReason::Deactivated;
    machine.handle(at(10), NotifierEvent::Terminate { reason, retry_after_s: None });
    assert_eq!(told(&mut machine), ["removed Terminated", "NOTIFY terminated;reason=deactivated"]);
    let mut machine = active();
    let reason = TerminationReason::Probation;
    machine.handle(at(10), NotifierEvent::Terminate { reason, retry_after_s: Some(30) });
    assert_eq!(told(&mut machine), ["removed Terminated", "NOTIFY terminated;reason=probation;retry-after=30"]);
}

#[test]
fn the_last_notify_waits_for_the_one_on_its_way() {
    let mut machine = active();
    machine.handle(at(10), NotifierEvent::Update(document("two")));
    let second = sent(&mut machine);
    machine.expire(at(3_600_000));
    assert_eq!(told(&mut machine), ["removed Expired"]);
    machine.handle(at(3_600_100), NotifierEvent::Response(answer(&second, 200)));
    let last = sent(&mut machine);
    assert_eq!(last.headers().subscription_state().unwrap().unwrap().to_string(), "terminated;reason=timeout");
    machine.handle(at(3_600_200), NotifierEvent::Response(answer(&last, 200)));
    assert_eq!(machine.state(), NotifierState::Ended);
}

#[test]
fn s_dg_02_a_restart_keeps_the_dialog_and_numbers_notifies_above_the_old_ones() {
    let mut machine = active();
    let octets = machine.to_snapshot().unwrap();
    for text in ["two", "three"] {
        machine.handle(at(10), NotifierEvent::Update(document(text)));
        let notify = sent(&mut machine);
        machine.handle(at(11), NotifierEvent::Response(answer(&notify, 200)));
    }
    assert!(!machine.is_record_due());
    let used = machine.dialog.local_sequence();
    let mut again = Notifier::from_snapshot(&octets, &packages(), TimeoutRule::Remove).unwrap();
    assert_eq!((again.dialog_id(), again.expires_at()), (machine.dialog_id(), machine.expires_at()));
    again.handle(at(1_000_000), NotifierEvent::Update(document("four")));
    let notify = sent(&mut again);
    assert!(notify.headers().cseq().unwrap().sequence > used);
    assert_eq!(hear(&mut again, 1_000_001, subscribe(Some("notifier"), 1, Some(0))), ["500"]);
    for cut in 0..octets.len() {
        assert!(Notifier::from_snapshot(&octets[..cut], &packages(), TimeoutRule::Remove).is_err());
    }
}

const CHALLENGE: &str = "Digest realm=\"watchers\", nonce=\"n1\"";

fn credentials() -> Header {
    Header::new(HeaderName::Authorization, "Digest username=\"gw\"")
}

#[test]
fn rfc3261_22_2_a_challenged_notify_is_sent_again_with_credentials_once_for_each_nonce() {
    let mut machine = active();
    machine.handle(at(10), NotifierEvent::Update(document("two")));
    let refused = |notify: &Request| answer(notify, 401).with(Header::new(HeaderName::WwwAuthenticate, CHALLENGE));
    let notify = sent(&mut machine);
    machine.handle(at(20), NotifierEvent::Response(refused(&notify)));
    assert_eq!(told(&mut machine), ["challenged 401 sip:gw@192.0.2.1:5060"]);
    machine.handle(at(20), NotifierEvent::Authorize(vec![credentials()]));
    let again = sent(&mut machine);
    assert!(again.headers().raw(&HeaderName::Authorization).is_some());
    assert_eq!(&again.body()[..], b"two");
    assert!(again.headers().cseq().unwrap().sequence > notify.headers().cseq().unwrap().sequence);
    // The same nonce again: the credentials are wrong.
    machine.handle(at(30), NotifierEvent::Response(refused(&again)));
    assert_eq!(told(&mut machine), [""; 0]);
    machine.handle(at(40), NotifierEvent::Update(document("three")));
    assert!(sent(&mut machine).headers().raw(&HeaderName::Authorization).is_none());
}

#[test]
fn rfc3261_22_2_the_last_notify_is_challenged_too() {
    for (headers, state) in [(vec![credentials()], NotifierState::Terminating), (vec![], NotifierState::Ended)] {
        let mut machine = active();
        machine.expire(at(3_600_000));
        let last = sent(&mut machine);
        let challenge = Header::new(HeaderName::WwwAuthenticate, CHALLENGE);
        machine.handle(at(3_600_001), NotifierEvent::Response(answer(&last, 401).with(challenge)));
        assert_eq!(told(&mut machine), ["challenged 401 sip:gw@192.0.2.1:5060"]);
        machine.handle(at(3_600_001), NotifierEvent::Authorize(headers));
        assert_eq!(machine.state(), state);
        if state == NotifierState::Terminating {
            assert_eq!(told(&mut machine), ["NOTIFY terminated;reason=timeout one"]);
        }
    }
}

fn tag(notify: &Request) -> String {
    notify.headers().entity_tag().unwrap().unwrap().to_string()
}

fn having(tag: Option<&str>, sequence: u32, expires_s: u32, has: &str) -> Request {
    subscribe(tag, sequence, Some(expires_s)).with(Header::new(HeaderName::SuppressIfMatch, has))
}

/// An active subscription, the tag of its state, and nothing under way.
fn tagged() -> (Notifier, String) {
    let mut machine = accept(&subscribe(None, 1, Some(3600)), Permission::Granted(document("one")));
    let first = sent(&mut machine);
    machine.handle(at(5), NotifierEvent::Response(answer(&first, 200)));
    (machine, tag(&first))
}

#[test]
fn rfc5839_6_1_a_tag_stands_for_one_state_also_after_a_restart() {
    let (mut machine, one) = tagged();
    let octets = machine.to_snapshot().unwrap();
    machine.handle(at(10), NotifierEvent::Update(document("two")));
    let notify = sent(&mut machine);
    assert_ne!(tag(&notify), one);
    let mut again = Notifier::from_snapshot(&octets, &packages(), TimeoutRule::Remove).unwrap();
    again.handle(at(20), NotifierEvent::Update(document("one")));
    assert_eq!(tag(&sent(&mut again)), one);
}

#[test]
fn rfc5839_6_3_a_refresh_by_one_who_has_the_state_gets_204_and_no_notify() {
    let (mut machine, one) = tagged();
    let said = hear(&mut machine, 1000, having(Some("notifier"), 2, 600, &one));
    assert_eq!(said, ["204 600", "until 601000"]);
    // What is the same is not told either, what is not is.
    machine.handle(at(1010), NotifierEvent::Update(document("one")));
    assert_eq!(told(&mut machine), [""; 0]);
    machine.handle(at(1020), NotifierEvent::Update(document("two")));
    let second = sent(&mut machine);
    assert_eq!(&second.body()[..], b"two");
    machine.handle(at(1030), NotifierEvent::Response(answer(&second, 200)));
    // The condition is gone with the state that it was about.
    machine.handle(at(1040), NotifierEvent::Update(document("one")));
    assert_eq!(told(&mut machine), ["NOTIFY active;expires=600 one"]);
    let (mut machine, _) = tagged();
    let said = hear(&mut machine, 1000, having(Some("notifier"), 2, 600, "other"));
    assert_eq!(said, ["200 600", "until 601000", "NOTIFY active;expires=600 one"]);
}

#[test]
fn rfc5839_5_7_the_end_may_be_conditional_too() {
    let (mut machine, one) = tagged();
    assert_eq!(hear(&mut machine, 1000, having(Some("notifier"), 2, 0, &one)), ["204 0", "removed Unsubscribed"]);
    assert_eq!(machine.state(), NotifierState::Ended);
}

#[test]
fn rfc5839_6_2_outside_of_a_dialog_the_notify_comes_without_body() {
    let (_, one) = tagged();
    let mut machine = accept(&having(None, 1, 3600, &one), Permission::Granted(document("one")));
    let first = sent(&mut machine);
    assert!(first.body().is_empty() && first.headers().content_type().unwrap().is_none());
    assert_eq!(tag(&first), one);
    let mut machine = accept(&having(None, 1, 0, &one), Permission::Granted(document("one")));
    assert_eq!(told(&mut machine), ["200 0", "removed Fetched", "NOTIFY terminated;reason=timeout"]);
    let mut machine = accept(&having(None, 1, 3600, &one), Permission::Granted(document("two")));
    assert_eq!(told(&mut machine)[2], "NOTIFY active;expires=3600 two");
}

#[test]
fn rfc5839_5_2_a_star_mutes_all_but_changes_of_the_subscription() {
    let mut machine = accept(&having(None, 1, 3600, "*"), Permission::Undecided);
    let first = sent(&mut machine);
    machine.handle(at(5), NotifierEvent::Response(answer(&first, 200)));
    machine.handle(at(10), NotifierEvent::Grant(document("one")));
    let granted = sent(&mut machine);
    assert_eq!(granted.headers().subscription_state().unwrap().unwrap().to_string(), "active;expires=3600");
    assert!(granted.body().is_empty());
    machine.handle(at(15), NotifierEvent::Response(answer(&granted, 200)));
    machine.handle(at(20), NotifierEvent::Update(document("two")));
    assert_eq!(told(&mut machine), [""; 0]);
    let said = hear(&mut machine, 1000, subscribe(Some("notifier"), 2, Some(600)));
    assert_eq!(said[2], "NOTIFY active;expires=600 two");
}

#[test]
fn every_state_decides_about_every_event() {
    use NotifierState::{Active, Ended, Pending, Terminating};
    let mut table = String::from("# notifier (RFC 6665 §4.2), a NOTIFY is on its way\n");
    for state in [Pending, Active, Terminating, Ended] {
        for name in EVENTS {
            let (mut machine, last) = in_state(state);
            assert_eq!(machine.state(), state);
            step(&mut machine, name, &last);
            table += &format!("{state:?} + {name} -> {:?} {:?}\n", machine.state(), told(&mut machine));
        }
    }
    crate::generated::compare("fixtures/state/sip_notifier.txt", &table);
}

const EVENTS: [&str; 15] = [
    "Subscribe 600",
    "Subscribe 0",
    "Subscribe 5",
    "Response 200",
    "Response 401",
    "Response 403",
    "Response 481",
    "Response 500",
    "TimedOut",
    "RequestFailed",
    "Authorize",
    "Update",
    "Grant",
    "Terminate",
    "TimerExpires",
];

fn step(machine: &mut Notifier, name: &str, last: &Request) {
    let now = at(1000);
    let reason = TerminationReason::NoResource;
    match name.split_once(' ') {
        Some(("Response", code)) => {
            let response = answer(last, code.parse().unwrap());
            let challenge = Header::new(HeaderName::WwwAuthenticate, CHALLENGE);
            machine.handle(now, NotifierEvent::Response(response.with(challenge)));
        }
        Some((_, expires_s)) => {
            let request = Arc::new(subscribe(Some("notifier"), 9, expires_s.parse().ok()));
            machine.handle(now, NotifierEvent::Subscribe { transaction: transaction(), request });
        }
        None => match name {
            "TimedOut" => machine.handle(now, NotifierEvent::TimedOut),
            "RequestFailed" => machine.handle(now, NotifierEvent::RequestFailed),
            "Authorize" => machine.handle(now, NotifierEvent::Authorize(vec![credentials()])),
            "Update" => machine.handle(now, NotifierEvent::Update(document("new"))),
            "Grant" => machine.handle(now, NotifierEvent::Grant(document("new"))),
            "Terminate" => machine.handle(now, NotifierEvent::Terminate { reason, retry_after_s: None }),
            _ => machine.expire(at(3_600_000)),
        },
    }
}

fn in_state(state: NotifierState) -> (Notifier, Request) {
    let permission = match state {
        NotifierState::Pending => Permission::Undecided,
        NotifierState::Active | NotifierState::Terminating | NotifierState::Ended => {
            Permission::Granted(document("one"))
        }
    };
    let mut machine = accept(&subscribe(None, 1, Some(3600)), permission);
    let last = sent(&mut machine);
    match state {
        NotifierState::Pending | NotifierState::Active => {}
        NotifierState::Terminating => machine.expire(at(3_600_000)),
        NotifierState::Ended => machine.handle(at(1), NotifierEvent::TimedOut),
    }
    drain(&mut machine);
    (machine, last)
}
