//! One test per rule, driven through the public face.

mod bench;
mod invariant;
mod long_poll;
mod matrix;
mod notification;

use super::*;
use crate::primitive::access::{KeepAliveRequest, KeepAliveResponse};
use crate::primitive::capability::CapabilityList;
use crate::primitive::envelope::{Malformed, MalformedReason};
use crate::primitive::function::{Feature, Function, FunctionSet};
use crate::primitive::identifier::MessageId;
use crate::primitive::message::MessageDelivered;
use crate::primitive::service::{ClientCapabilityRequest, ServiceRequest};
use crate::primitive::{PrimitiveName, service};
use crate::schema::element;
use crate::session::negotiation::Strictness;
use crate::status::{DetailedResult, StatusResult};
use bench::{Bench, at, code_of, presence, secs, status};
use std::time::Duration;

#[test]
fn wv_trx_01_a_response_carries_the_id_of_its_request() {
    let mut bench = Bench::new(Version::V1_2);
    let answer = bench.request(1, "41", Primitive::KeepAliveRequest(KeepAliveRequest::default())).unwrap();
    let transaction = &answer.transactions[0];
    assert_eq!(transaction.mode, TransactionMode::Response);
    assert_eq!(transaction.id, Some(TransactionId::new("41")));
    assert_eq!(answer.session, SessionDescriptor::Inband(SessionId::new("gw-1")));
}

#[test]
fn the_owner_executes_what_the_machine_does_not_answer_itself() {
    let mut bench = Bench::new(Version::V1_2);
    let post = bench.post(1, Transaction::request(Some(TransactionId::new("5")), Primitive::GetListRequest));
    let Some(Command::Execute { ticket, primitive }) = bench.session.poll() else { panic!("not executed") };
    assert_eq!((ticket.post, primitive), (post, Primitive::GetListRequest));
    assert_eq!(bench.session.poll(), None);
    bench.session.handle(at(2), Event::Answer { ticket, primitive: status(StatusCode::SUCCESS) });
    let answer = bench.response(post).unwrap();
    assert_eq!(answer.transactions[0].id, Some(TransactionId::new("5")));
    assert_eq!(bench.session.poll(), None);
}

#[test]
fn wv_trx_02_a_resend_while_the_first_is_under_way_is_executed_once_and_answered_twice() {
    let mut bench = Bench::new(Version::V1_2);
    let request = || Transaction::request(Some(TransactionId::new("5")), Primitive::GetListRequest);
    let first = bench.post_of(1, b"body", vec![request()]);
    let Some(Command::Execute { ticket, .. }) = bench.session.poll() else { panic!("not executed") };
    let second = bench.post_of(2, b"body", vec![request()]);
    assert_eq!(bench.session.poll(), None);
    bench.session.handle(at(3), Event::Answer { ticket, primitive: status(StatusCode::SUCCESS) });
    let commands = bench.commands();
    let posts = commands.iter().filter_map(|command| match command {
        Command::Respond { post, answer } => Some((*post, answer.is_some())),
        _ => None,
    });
    assert_eq!(posts.collect::<Vec<_>>(), [(first, true), (second, true)]);
}

#[test]
fn wv_trx_02_a_resend_after_the_answer_gets_the_same_answer() {
    let mut bench = Bench::new(Version::V1_2);
    let request = || Transaction::request(Some(TransactionId::new("5")), Primitive::GetListRequest);
    let first = bench.post_of(1, b"body", vec![request()]);
    let Some(Command::Execute { ticket, .. }) = bench.session.poll() else { panic!("not executed") };
    bench.session.handle(at(2), Event::Answer { ticket, primitive: status(StatusCode::CONTACT_LIST_UNKNOWN) });
    let original = bench.response(first);
    let second = bench.post_of(3, b"body", vec![request()]);
    assert_eq!(bench.response(second), original);
}

#[test]
fn wv_trx_02_the_same_id_with_another_content_is_another_request() {
    let mut bench = Bench::new(Version::V1_2);
    let request = || Transaction::request(Some(TransactionId::new("1")), Primitive::GetListRequest);
    for body in [b"one".as_slice(), b"two".as_slice()] {
        bench.post_of(1, body, vec![request()]);
        assert!(matches!(bench.session.poll(), Some(Command::Execute { .. })));
        assert_eq!(bench.session.poll(), None);
    }
}

#[test]
fn wv_trx_08_the_machine_answers_504_when_the_owner_does_not() {
    let mut bench = Bench::new(Version::V1_2);
    let post = bench.post(0, Transaction::request(Some(TransactionId::new("5")), Primitive::GetListRequest));
    let Some(Command::Execute { ticket, .. }) = bench.session.poll() else { panic!("not executed") };
    assert_eq!(bench.session.deadline(), Some(at(20)));
    bench.session.expire(at(20));
    assert_eq!(code_of(&bench.response(post).unwrap()), StatusCode::TIMEOUT);
    bench.session.handle(at(21), Event::Answer { ticket, primitive: status(StatusCode::SUCCESS) });
    assert_eq!(bench.session.poll(), None);
}

#[test]
fn wv_trx_09_more_requests_than_may_wait_are_answered_503() {
    let mut bench = Bench::new(Version::V1_2);
    for number in 0..8 {
        bench.post_of(
            0,
            &[number],
            vec![Transaction::request(Some(TransactionId::new(number.to_string())), Primitive::GetListRequest)],
        );
    }
    bench.commands();
    let answer = bench.request(0, "9", Primitive::GetListRequest).unwrap();
    assert_eq!(code_of(&answer), StatusCode::SERVICE_UNAVAILABLE);
}

#[test]
fn wv_trx_06_several_requests_of_one_message_are_answered_in_one_body() {
    let mut bench = Bench::new(Version::V1_2);
    let post = bench.post_of(
        1,
        b"two",
        vec![
            Transaction::request(Some(TransactionId::new("1")), Primitive::GetListRequest),
            Transaction::request(
                Some(TransactionId::new("2")),
                Primitive::KeepAliveRequest(KeepAliveRequest::default()),
            ),
        ],
    );
    let Some(Command::Execute { ticket, .. }) = bench.session.poll() else { panic!("not executed") };
    assert_eq!(bench.session.poll(), None);
    bench.session.handle(at(2), Event::Answer { ticket, primitive: status(StatusCode::SUCCESS) });
    let answer = bench.response(post).unwrap();
    let ids: Vec<_> = answer.transactions.iter().map(|transaction| transaction.id.clone().unwrap()).collect();
    assert_eq!(ids, [TransactionId::new("1"), TransactionId::new("2")]);
}

#[test]
fn wv_poll_01_a_poll_without_an_id_gets_an_empty_body_when_nothing_waits() {
    let mut bench = Bench::new(Version::V1_1);
    assert_eq!(bench.poll(1), None);
}

#[test]
fn wv_keep_02_every_message_restarts_the_clock() {
    let mut bench = Bench::new(Version::V1_2);
    bench.poll(3000);
    bench.session.expire(at(3600));
    assert_eq!(bench.session.state(), State::Open);
    assert_eq!(bench.session.deadline(), Some(at(6600)));
}

#[test]
fn wv_keep_03_a_wish_that_is_taken_is_answered_without_a_time() {
    let mut bench = Bench::new(Version::V1_2);
    let wish = KeepAliveRequest { time_to_live: Some(secs(600)) };
    let answer = bench.request(1, "1", Primitive::KeepAliveRequest(wish)).unwrap();
    let expected = KeepAliveResponse { result: StatusResult::success(), keep_alive_time: None };
    assert_eq!(answer.transactions[0].content, Ok(Primitive::KeepAliveResponse(expected)));
    assert_eq!(bench.session.keep_alive().granted(), secs(600));
}

#[test]
fn wv_keep_04_a_wish_that_is_not_taken_is_corrected_or_refused() {
    let wish = KeepAliveRequest { time_to_live: Some(secs(1_000_000)) };
    for (correction, code, time, granted) in [
        (CorrectionStyle::Correct, StatusCode::SUCCESS, 86_400, 86_400),
        (CorrectionStyle::Refuse, StatusCode::NEW_VALUE_NOT_ACCEPTED, 3600, 3600),
    ] {
        let policy = SessionPolicy { correction, ..SessionPolicy::default() };
        let mut bench = Bench::with(Version::V1_2, policy, Profile::Plain);
        let answer = bench.request(1, "1", Primitive::KeepAliveRequest(wish.clone())).unwrap();
        let expected = KeepAliveResponse { result: code.into(), keep_alive_time: Some(secs(time)) };
        assert_eq!(answer.transactions[0].content, Ok(Primitive::KeepAliveResponse(expected)));
        assert_eq!(bench.session.keep_alive().granted(), secs(granted));
    }
}

#[test]
fn wv_out_03_a_lapsed_session_answers_600_until_it_is_established_again() {
    let mut bench = Bench::new(Version::V1_2);
    bench.session.expire(at(3600));
    assert_eq!(bench.commands(), [Command::Lapsed]);
    let answer = bench.request(3601, "1", Primitive::GetListRequest).unwrap();
    assert_eq!(code_of(&answer), StatusCode::SESSION_EXPIRED);
    assert_eq!(code_of(&bench.poll(3602).unwrap()), StatusCode::SESSION_EXPIRED);
    let resumption = Resumption { keep_alive: secs(600), session_cookie: Some(SessionCookie::new("new")) };
    bench.session.handle(at(3700), Event::Resume(resumption));
    assert_eq!(bench.session.state(), State::Open);
    assert_eq!(bench.session.party().session_cookie, Some(SessionCookie::new("new")));
    assert_eq!(bench.session.deadline(), Some(at(4300)));
}

#[test]
fn wv_keep_05_a_lapsed_session_is_closed_after_the_grace() {
    let mut bench = Bench::new(Version::V1_2);
    bench.session.expire(at(3600));
    assert_eq!(bench.session.deadline(), Some(at(5400)));
    bench.session.expire(at(5400));
    assert_eq!(bench.commands(), [Command::Lapsed, Command::Closed(Closing::Expired)]);
    assert_eq!(bench.session.deadline(), None);
    assert_eq!(Closing::Expired.code(), StatusCode::SESSION_EXPIRED);
}

#[test]
fn wv_out_01_logout_is_answered_before_the_session_ends() {
    for (version, expected) in [
        (Version::V1_1, Primitive::Disconnect(Disconnect { result: StatusResult::success() })),
        (Version::V1_2, status(StatusCode::SUCCESS)),
        (Version::V1_3, status(StatusCode::SUCCESS)),
    ] {
        let mut bench = Bench::new(version);
        bench.session.handle(at(0), Event::Enqueue(presence("bob")));
        bench.commands();
        let post = bench.post(1, Transaction::request(Some(TransactionId::new("8")), Primitive::LogoutRequest));
        let commands = bench.commands();
        let [Command::Respond { post: answered, answer: Some(answer) }, Command::Closed(Closing::LoggedOut)] =
            commands.as_slice()
        else {
            panic!("{commands:?}")
        };
        assert_eq!(*answered, post);
        assert_eq!(answer.transactions[0].content, Ok(expected));
        assert_eq!(answer.poll, None);
        let late = bench.request(2, "9", Primitive::GetListRequest).unwrap();
        assert_eq!(code_of(&late), StatusCode::INVALID_SESSION);
    }
}

#[test]
fn wv_out_02_a_forced_logout_reaches_the_client_with_its_next_poll() {
    let mut bench = Bench::new(Version::V1_2);
    bench.session.handle(at(1), Event::Disconnect(StatusCode::FORCED_LOGOUT));
    assert_eq!(bench.commands(), [Command::WakeUp]);
    let answer = bench.poll(2).unwrap();
    let expected = Disconnect { result: StatusCode::FORCED_LOGOUT.into() };
    assert_eq!(answer.transactions[0].content, Ok(Primitive::Disconnect(expected)));
    assert_eq!(answer.transactions[0].mode, TransactionMode::Request);
    assert_eq!(bench.session.state(), State::Closed(Closing::Disconnected(StatusCode::FORCED_LOGOUT)));
    let late = bench.poll(3).unwrap();
    assert_eq!(code_of(&late), StatusCode::FORCED_LOGOUT);
}

#[test]
fn wv_out_03_a_request_after_a_forced_logout_is_answered_601() {
    let mut bench = Bench::new(Version::V1_2);
    bench.session.handle(at(1), Event::Disconnect(StatusCode::FORCED_LOGOUT));
    let answer = bench.request(2, "7", Primitive::GetListRequest).unwrap();
    assert_eq!(code_of(&answer), StatusCode::FORCED_LOGOUT);
    assert!(!bench.session.may_go_on());
}

// WV-SES-02
#[test]
fn wv_neg_01_service_negotiation_makes_the_session_active() {
    let policy = SessionPolicy {
        offer: Offer {
            functions: FunctionSet::of_feature(Feature::Presence).union(FunctionSet::of_feature(Feature::Message)),
            ..Offer::default()
        },
        ..SessionPolicy::default()
    };
    let mut bench = Bench::with(Version::V1_2, policy, Profile::Plain);
    let wanted = FunctionSet::of_feature(Feature::Presence).union(FunctionSet::of_feature(Feature::Group));
    let request = ServiceRequest { client_id: None, functions: Some(wanted), all_functions_request: true };
    let post = bench.post(1, Transaction::request(Some(TransactionId::new("3")), Primitive::ServiceRequest(request)));
    let commands = bench.commands();
    assert!(matches!(commands[0], Command::Negotiated(_)));
    assert_eq!(commands[1], Command::Changed);
    let Command::Respond { post: answered, answer: Some(answer) } = &commands[2] else { panic!("no answer") };
    assert_eq!(*answered, post);
    let Ok(Primitive::ServiceResponse(response)) = &answer.transactions[0].content else { panic!("{answer:?}") };
    let group = FunctionSet::of_feature(Feature::Group).intersection(FunctionSet::of_version(Version::V1_2));
    assert_eq!(response.refused, Some(group));
    assert!(response.all_functions.is_some());
    assert_eq!(bench.session.state(), State::Active);
}

#[test]
fn wv_neg_03_missing_functions_are_refused_before_the_owner_sees_the_request() {
    let offer = Offer { functions: FunctionSet::of_feature(Feature::Presence), ..Offer::default() };
    let policy = SessionPolicy { offer, ..SessionPolicy::default() };
    let mut bench = Bench::with(Version::V1_2, policy, Profile::Plain);
    let search = || Primitive::Other(PrimitiveName::Known(element::SEARCH_REQUEST));
    let before = bench.request(1, "1", search()).unwrap();
    assert_eq!(code_of(&before), StatusCode::SERVICE_NOT_SUPPORTED);
    let wanted = Some(FunctionSet::of_feature(Feature::Fundamental));
    let request = ServiceRequest { client_id: None, functions: wanted, all_functions_request: false };
    bench.request(2, "2", Primitive::ServiceRequest(request));
    let after = bench.request(3, "3", search()).unwrap();
    assert_eq!(code_of(&after), StatusCode::SERVICE_NOT_AGREED);
}

#[test]
fn wv_neg_04_strict_mode_refuses_what_was_not_negotiated() {
    let offer = Offer { strictness: Strictness::Strict, ..Offer::default() };
    let policy = SessionPolicy { offer, ..SessionPolicy::default() };
    let mut bench = Bench::with(Version::V1_2, policy, Profile::Plain);
    let answer = bench.request(1, "1", Primitive::GetListRequest).unwrap();
    assert_eq!(code_of(&answer), StatusCode::SERVICE_NOT_AGREED);
    let functions = Some([Function::Gcli].into_iter().collect());
    let request = ServiceRequest { client_id: None, functions, all_functions_request: false };
    bench.request(2, "2", Primitive::ServiceRequest(request));
    bench.post(3, Transaction::request(Some(TransactionId::new("3")), Primitive::GetListRequest));
    assert!(matches!(bench.session.poll(), Some(Command::Execute { .. })));
}

#[test]
fn wv_neg_05_capabilities_are_answered_and_told_to_the_owner() {
    let mut bench = Bench::new(Version::V1_2);
    let capabilities = CapabilityList { multi_trans: Some(3), parser_size: Some(50_000), ..CapabilityList::default() };
    let request = ClientCapabilityRequest { client_id: None, capabilities };
    let answer = bench.request(1, "1", Primitive::ClientCapabilityRequest(Box::new(request))).unwrap();
    let Ok(Primitive::ClientCapabilityResponse(response)) = &answer.transactions[0].content else { panic!() };
    assert!(matches!(response.capabilities, service::CapabilityAnswer::Agreed(_)));
    assert_eq!(bench.session.negotiated().multi_trans(), 3);
    assert_eq!(bench.session.negotiated().parser_size(), Some(50_000));
    assert_eq!(bench.session.state(), State::Open);
}

#[test]
fn wv_ses_03_unknown_primitives_are_answered_501() {
    let mut bench = Bench::new(Version::V1_2);
    let unknown = Primitive::Other(PrimitiveName::Vendor("Teleport-Request".into()));
    assert_eq!(code_of(&bench.request(1, "1", unknown).unwrap()), StatusCode::NOT_IMPLEMENTED);
    let known = Primitive::Other(PrimitiveName::Known(element::SEARCH_REQUEST));
    assert_eq!(code_of(&bench.request(2, "2", known).unwrap()), StatusCode::NOT_IMPLEMENTED);
    assert_eq!(bench.session.state(), State::Open);
}

#[test]
fn wv_ses_04_malformed_primitives_are_answered_in_their_transaction() {
    let mut bench = Bench::new(Version::V1_2);
    let name = Some(PrimitiveName::Known(element::CREATE_LIST_REQUEST));
    for (reason, code) in [
        (MalformedReason::MissingPrimitive, StatusCode::BAD_REQUEST),
        (MalformedReason::BadValue(element::CONTACT_LIST), StatusCode::BAD_PARAMETER),
    ] {
        let content = Err(Malformed { name: name.clone(), reason });
        let id = Some(TransactionId::new("6"));
        let post =
            bench.post(1, Transaction { mode: TransactionMode::Request, id: id.clone(), segment: None, content });
        let answer = bench.response(post).unwrap();
        assert_eq!((code_of(&answer), &answer.transactions[0].id), (code, &id));
    }
    assert_eq!(bench.session.state(), State::Open);
}

#[test]
fn wv_ses_05_primitives_of_servers_are_answered_400() {
    let mut bench = Bench::new(Version::V1_2);
    let answer = bench.request(1, "1", presence("bob").primitive).unwrap();
    assert_eq!(code_of(&answer), StatusCode::BAD_REQUEST);
}

#[test]
fn wv_ses_06_only_clients_that_understand_it_get_201() {
    let mixed = StatusResult::new(StatusCode::PARTIALLY_SUCCESSFUL)
        .with_detailed(vec![DetailedResult::new(StatusCode::UNKNOWN_USER)]);
    for (profile, sent, code) in [
        (Profile::Plain, mixed.clone(), StatusCode::PARTIALLY_SUCCESSFUL),
        (Profile::Android, mixed, StatusCode::SUCCESS),
        (Profile::Plain, StatusCode::ACCEPTED.into(), StatusCode::SUCCESS),
        (Profile::Plain, StatusCode::QUEUED.into(), StatusCode::SUCCESS),
    ] {
        let mut bench = Bench::with(Version::V1_2, SessionPolicy::default(), profile);
        let post = bench.post(1, Transaction::request(Some(TransactionId::new("5")), Primitive::GetListRequest));
        let Some(Command::Execute { ticket, .. }) = bench.session.poll() else { panic!("not executed") };
        let primitive = Primitive::Status(sent.into());
        bench.session.handle(at(2), Event::Answer { ticket, primitive });
        assert_eq!(code_of(&bench.response(post).unwrap()), code);
    }
}

#[test]
fn quirks_can_be_switched_for_one_session() {
    let mut bench = Bench::with(Version::V1_2, SessionPolicy::default(), Profile::Android);
    let quirks = bench.session.party().quirks;
    bench.session.set_quirks(quirks.without(Quirk::No201));
    let post = bench.post(1, Transaction::request(Some(TransactionId::new("5")), Primitive::GetListRequest));
    let Some(Command::Execute { ticket, .. }) = bench.session.poll() else { panic!("not executed") };
    let primitive = status(StatusCode::PARTIALLY_SUCCESSFUL);
    bench.session.handle(at(2), Event::Answer { ticket, primitive });
    assert_eq!(code_of(&bench.response(post).unwrap()), StatusCode::PARTIALLY_SUCCESSFUL);
}

#[test]
fn a_message_delivered_that_answers_nothing_open_is_given_to_the_owner() {
    let mut bench = Bench::new(Version::V1_1);
    let delivered = Primitive::MessageDelivered(MessageDelivered { message_id: MessageId::new("m-1") });
    let post = bench.post(1, Transaction::response(Some(TransactionId::new("12")), delivered.clone()));
    let Some(Command::Execute { ticket, primitive }) = bench.session.poll() else { panic!("not executed") };
    assert_eq!(primitive, delivered);
    bench.session.handle(at(2), Event::Answer { ticket, primitive: status(StatusCode::SUCCESS) });
    assert_eq!(bench.response(post).unwrap().transactions[0].id, Some(TransactionId::new("12")));
}

#[test]
fn wv_trx_10_an_answer_to_nothing_is_ignored() {
    let mut bench = Bench::new(Version::V1_2);
    let post = bench.post(1, Transaction::response(Some(TransactionId::new("s1-77")), status(StatusCode::SUCCESS)));
    assert_eq!(bench.commands(), [Command::Respond { post, answer: None }]);
}

#[test]
fn a_broken_cir_channel_is_told_in_the_way_of_the_version() {
    for (version, profile, flag) in [
        (Version::V1_1, Profile::Plain, None),
        (Version::V1_2, Profile::Plain, None),
        (Version::V1_2, Profile::S60, Some(true)),
        (Version::V1_3, Profile::Plain, Some(false)),
    ] {
        let mut bench = Bench::with(version, SessionPolicy::default(), profile);
        bench.session.handle(at(0), Event::CirChannel(CirChannel::Broken));
        let keep_alive = || Primitive::KeepAliveRequest(KeepAliveRequest::default());
        assert_eq!(bench.request(1, "1", keep_alive()).unwrap().cir, flag);
        bench.session.handle(at(2), Event::CirChannel(CirChannel::Quiet));
        assert_eq!(bench.request(3, "2", keep_alive()).unwrap().cir, None);
    }
}

#[test]
fn a_session_that_closed_still_answers_what_was_under_way() {
    let mut bench = Bench::new(Version::V1_2);
    let post = bench.post(1, Transaction::request(Some(TransactionId::new("5")), Primitive::GetListRequest));
    let Some(Command::Execute { ticket, .. }) = bench.session.poll() else { panic!("not executed") };
    bench.request(2, "6", Primitive::LogoutRequest);
    bench.session.handle(at(3), Event::Answer { ticket, primitive: status(StatusCode::SUCCESS) });
    assert!(bench.response(post).is_some());
    assert_eq!(bench.session.keep_alive().granted(), Duration::from_secs(3600));
}
