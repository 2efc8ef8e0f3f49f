//! Messages and reports between a foreign home server and users here.

use super::{ALICE, BOB, CAROL, World, replay::quirk_uses};
use acceptance::{
    agent::Agent,
    phone::{Phone, text_of},
    ssp_peer::Fault,
};
use wv_proto::{
    primitive::{Primitive as CspPrimitive, identifier::TransactionId, message::MessageDelivered},
    ssp::{part::Party, primitive::Primitive},
    version::{Encoding, Version},
};

fn code(answer: &Primitive) -> u16 {
    answer.status().unwrap().code.number()
}

#[test]
fn a_foreign_user_and_a_sip_user_talk() {
    let world = World::new();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    world.home.open_session("sip.example");
    let message = world.home.message(ALICE, "wv:bob@sip.example", "12356c75abd5", "first", false);
    let answer = world.home.request("sip.example", message).unwrap();
    let Primitive::SendMessageResponse(response) = &answer else { panic!("{answer:?}") };
    assert_eq!((code(&answer), response.message_id.as_ref().unwrap().as_str()), (200, "12356c75abd5"));
    bob.expect_text("first");
    // One session serves both directions.
    assert_eq!(bob.send("sip:alice@foreign.example", "and back"), Ok(200));
    world.home.expect("the message of the SIP user", |asked| match &asked.primitive {
        Primitive::SendMessageRequest(request) => {
            let content = request.content.as_ref().unwrap();
            assert_eq!(content.octets.as_ref(), b"and back");
            let recipient = request.message.recipients.first().and_then(Party::user).unwrap();
            assert_eq!(recipient.user_id.as_str(), ALICE);
            let meta = request.meta.user.as_ref().unwrap();
            assert_eq!(meta.user_id.as_str(), "wv:bob@sip.example");
            Some(())
        }
        _ => None,
    });
    let opened = world.home.titles().iter().filter(|title| title.starts_with("SendSecretToken Request")).count();
    assert_eq!(opened, 0);
}

#[test]
fn the_gateway_opens_the_session_when_it_has_something_to_say() {
    let world = World::new();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    assert_eq!(bob.send("sip:alice@foreign.example", "hello"), Ok(200));
    world.home.expect("the message", |asked| matches!(asked.primitive, Primitive::SendMessageRequest(_)).then_some(()));
    let titles = world.home.titles();
    assert_eq!(
        titles,
        ["SendSecretToken Request", "LoginRequest Request", "LoginResponse Request", "SendMessageRequest Request"]
    );
}

#[test]
fn a_phone_here_talks_with_a_foreign_user_and_reports_go_both_ways() {
    let world = World::new();
    let mut carol = Phone::logged_in(world.gateway.csp(), CAROL, Version::V1_2, Encoding::Wbxml);
    world.home.open_session("wv.example");
    let message = world.home.message(ALICE, CAROL, "m-1", "to the phone", true);
    assert_eq!(code(&world.home.request("wv.example", message).unwrap()), 200);
    let id = carol.expect("the message", |told| match told {
        CspPrimitive::NewMessage(new) if text_of(new) == Some("to the phone") => new.message.message_id.clone(),
        _ => None,
    });
    carol.ask(CspPrimitive::MessageDelivered(MessageDelivered { message_id: id }));
    world.home.expect("the report", |asked| match &asked.primitive {
        Primitive::DeliveryStatusReport(report) => {
            assert_eq!(report.result.code.number(), 200);
            assert_eq!(report.message.message_id.as_ref().unwrap().as_str(), "m-1");
            let sender = report.message.sender.as_ref().and_then(Party::user).unwrap();
            assert_eq!(sender.user_id.as_str(), CAROL);
            Some(())
        }
        _ => None,
    });
    let sent = carol.send(&[ALICE], "from the phone", true).unwrap();
    assert_eq!(sent.result.code.number(), 200);
    let asked = world.home.expect("the message of the phone", |asked| match &asked.primitive {
        Primitive::SendMessageRequest(request) if request.delivery_report => Some(request.clone()),
        _ => None,
    });
    let report = wv_proto::ssp::primitive::DeliveryStatusReport {
        meta: world.home.meta(ALICE),
        result: wv_proto::status::StatusResult::success(),
        delivery_time: None,
        message: wv_proto::ssp::part::MessageInfo {
            message_id: asked.message.message_id.clone(),
            // Some servers leave the scheme out here.
            recipients: vec![Party::User(wv_proto::primitive::identifier::UserId::new("carol@wv.example").into())],
            sender: Some(Party::User(wv_proto::primitive::identifier::UserId::new(ALICE).into())),
            ..asked.message.clone()
        },
    };
    world.home.tell("wv.example", Primitive::DeliveryStatusReport(Box::new(report))).unwrap();
    carol.expect("the report", |told| match told {
        CspPrimitive::DeliveryReportRequest(report) => (report.result.code.number() == 200).then_some(()),
        _ => None,
    });
}

#[test]
fn wv_ssp_07_a_server_speaks_for_its_own_domain_only() {
    let world = World::new();
    world.home.open_session("sip.example");
    let message = world.home.message("wv:eve@elsewhere.example", "wv:bob@sip.example", "m1", "x", false);
    assert_eq!(code(&world.home.request("sip.example", message).unwrap()), 901);
}

#[test]
fn wv_ssp_09_nothing_is_carried_to_a_third_server() {
    let world = World::new();
    world.home.open_session("sip.example");
    let message = world.home.message(ALICE, "wv:dan@third.example", "m1", "x", false);
    assert_eq!(code(&world.home.request("sip.example", message).unwrap()), 516);
    let unknown = world.home.message(ALICE, "wv:nobody@sip.example", "m2", "x", false);
    assert_eq!(code(&world.home.request("sip.example", unknown).unwrap()), 531);
}

#[test]
fn wv_ssp_13_a_repeated_message_is_delivered_once() {
    let world = World::new();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    world.home.open_session("sip.example");
    let id = TransactionId::new("0000000052-0");
    for _ in 0..2 {
        let message = world.home.message(ALICE, "wv:bob@sip.example", "same", "only once", false);
        world.home.send_as("sip.example", &id, message).unwrap();
        assert_eq!(code(&world.home.wait_for_answer(&id).unwrap()), 200);
    }
    bob.expect_text("only once");
    let again = bob.take_requests(&sip_proto::message::Method::Message);
    assert!(again.is_empty(), "{again:?}");
}

/// Three messages in one, that are refused at once; the codes of the answers, and how many were in each message that
/// brought them.
fn refuse_three(world: &World) -> (Vec<u16>, Vec<usize>) {
    let of = |id: &str| world.home.message("wv:eve@elsewhere.example", "wv:bob@sip.example", id, "x", false);
    let ids = world.home.send_together("sip.example", vec![of("m1"), of("m2"), of("m3")]).unwrap();
    let codes = ids.iter().map(|id| code(&world.home.wait_for_answer(id).unwrap())).collect();
    let titles = world.home.titles();
    let answers = titles.iter().filter(|title| title.starts_with("SendMessageResponse"));
    (codes, answers.map(|title| title.split(", ").count()).collect())
}

#[test]
fn wv_ssp_17_answers_that_are_ready_together_come_in_one_message() {
    let world = World::new();
    world.home.open_session("sip.example");
    let (codes, sizes) = refuse_three(&world);
    assert_eq!((codes, sizes), (vec![901; 3], vec![1, 2]));
    assert!(quirk_uses(&world.gateway, "ssp_one_transaction") < 1.0);
}

// QUIRK ssp_one_transaction: refuses a message with several transactions, or asks again for what was answered in one,
// so each goes by itself; none known.
#[test]
fn wv_ssp_17_a_peer_that_refuses_them_together_gets_each_by_itself() {
    let world = World::new();
    world.home.open_session("sip.example");
    world.home.fail("SendMessageResponse Response, ", Fault::Status(400));
    let (codes, sizes) = refuse_three(&world);
    assert_eq!((codes, sizes), (vec![901; 3], vec![1, 2, 1, 1]));
    assert!(quirk_uses(&world.gateway, "ssp_one_transaction") >= 1.0);
    let (codes, sizes) = refuse_three(&world);
    assert_eq!((codes, sizes[4..].to_vec()), (vec![901; 3], vec![1; 3]));
}

#[test]
fn wv_ssp_17_the_operator_may_want_each_by_itself() {
    let world = World::with("answers_per_post = 1\n");
    world.home.open_session("sip.example");
    let (codes, sizes) = refuse_three(&world);
    assert_eq!((codes, sizes), (vec![901; 3], vec![1; 3]));
}
