//! IWF-MSG: messages.

use crate::both;
use acceptance::{
    agent::Agent,
    catalogue::{How, case},
    phone::{Phone, text_of},
    product::{pair, shared},
};
use wv_proto::{
    primitive::Primitive,
    version::{Encoding, Version},
};

/// Waits for the DeliveryReport about a message; its code.
fn report_code(phone: &mut Phone, message_id: &str) -> u16 {
    phone.expect("a DeliveryReport", |told| match told {
        Primitive::DeliveryReportRequest(report)
            if report.message.message_id.as_ref().is_some_and(|id| id.as_str() == message_id) =>
        {
            Some(report.result.code.number())
        }
        _ => None,
    })
}

#[test]
fn iwf_msg_int_001_a_short_text_reaches_the_sip_user() {
    case("IWF-MSG-INT-001", How::Sockets, || {
        let (pair, mut phone, mut agent) = both();
        let response = phone.send(&[&pair.sip_in_wv()], "short text with \u{e4} and \u{1F600}", false).unwrap();
        assert_eq!(response.result.code.number(), 200);
        assert!(response.message_id.is_some(), "the response has a MessageID");
        let message = agent.expect_text("short text with \u{e4} and \u{1F600}");
        assert!(message.write().unwrap().len() <= 1300, "not above 1300 octets over UDP");
    });
}

#[test]
fn iwf_msg_int_004_a_delivery_report_carries_the_message_id() {
    case("IWF-MSG-INT-004", How::Sockets, || {
        let (pair, mut phone, mut agent) = both();
        let response = phone.send(&[&pair.sip_in_wv()], "tell me", true).unwrap();
        let id = response.message_id.unwrap().as_str().to_owned();
        agent.expect_text("tell me");
        assert_eq!(report_code(&mut phone, &id), 200);
    });
}

#[test]
fn iwf_msg_int_005_an_unknown_user_is_told_in_the_response() {
    case("IWF-MSG-INT-005", How::Sockets, || {
        let (_, mut phone, _) = both();
        let response = phone.send(&["wv:nobody@sip.example"], "to nobody", true).unwrap();
        assert_eq!(response.result.code.number(), 531);
    });
}

#[test]
fn iwf_msg_int_006_a_refusal_is_told_in_the_response() {
    case("IWF-MSG-INT-006", How::Sockets, || {
        let (pair, mut phone, agent) = both();
        agent.answer_messages(403);
        let response = phone.send(&[&pair.sip_in_wv()], "refused", true).unwrap();
        assert_eq!(response.result.code.number(), 532);
    });
}

#[test]
fn iwf_msg_int_010_several_recipients() {
    case("IWF-MSG-INT-010", How::Sockets, || {
        let (pair_1, mut phone, mut agent_1) = both();
        let pair_2 = pair();
        let mut agent_2 = Agent::registered(shared().sip(), &pair_2.sip);
        let response = phone.send(&[&pair_1.sip_in_wv(), &pair_2.sip_in_wv()], "to both", false).unwrap();
        assert_eq!(response.result.code.number(), 200);
        agent_1.expect_text("to both");
        agent_2.expect_text("to both");
        let stranger = "wv:x@unknown.example";
        let response = phone.send(&[&pair_1.sip_in_wv(), stranger], "to one", false).unwrap();
        assert_eq!(response.result.code.number(), 201);
        let detail = response.result.detailed.first().unwrap();
        assert_eq!(detail.code.number(), 516);
        assert!(format!("{detail:?}").contains(stranger), "{detail:?}");
        agent_1.expect_text("to one");
    });
}

#[test]
fn iwf_msg_int_011_a_message_reaches_the_phone() {
    case("IWF-MSG-INT-011", How::Sockets, || {
        let (pair, mut phone, mut agent) = both();
        assert_eq!(agent.send(&pair.wv_in_sip(), "to the phone"), Ok(200));
        phone.expect_text("to the phone");
    });
}

#[test]
fn iwf_msg_int_012_messages_wait_for_the_login_in_order() {
    case("IWF-MSG-INT-012", How::Sockets, || {
        let (gateway, pair) = (shared(), pair());
        let mut agent = Agent::registered(gateway.sip(), &pair.sip);
        for number in 0..3 {
            assert_eq!(agent.send(&pair.wv_in_sip(), &format!("stored {number}")), Ok(202));
        }
        let mut phone = Phone::logged_in(gateway.csp(), &pair.wv, Version::V1_2, Encoding::Xml);
        for number in 0..3 {
            let text = phone.expect("the next message", |told| match told {
                Primitive::NewMessage(message) => {
                    assert!(message.message.date_time.is_some(), "it has its original time");
                    text_of(message).map(str::to_owned)
                }
                _ => None,
            });
            assert_eq!(text, format!("stored {number}"));
        }
    });
}

#[test]
fn iwf_msg_int_016_composing_is_no_message() {
    case("IWF-MSG-INT-016", How::Sockets, || {
        let (pair, mut phone, mut agent) = both();
        let body = "<?xml version=\"1.0\"?><isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\"><state>active\
                    </state></isComposing>";
        let kind = "application/im-iscomposing+xml";
        let answer = agent.send_content(&pair.wv_in_sip(), kind, body.as_bytes()).unwrap();
        assert_eq!(answer.status().to_number(), 200);
        // What is sent after it arrives, and nothing before.
        assert_eq!(agent.send(&pair.wv_in_sip(), "composed"), Ok(200));
        let first = phone.expect("a message", |told| match told {
            Primitive::NewMessage(message) => text_of(message).map(str::to_owned),
            _ => None,
        });
        assert_eq!(first, "composed");
    });
}

#[test]
fn iwf_msg_int_018_a_legacy_charset_is_converted() {
    case("IWF-MSG-INT-018", How::Sockets, || {
        let (pair, mut phone, mut agent) = both();
        let answer = agent.send_content(&pair.wv_in_sip(), "text/plain;charset=iso-8859-1", b"gr\xFC\xDFe").unwrap();
        assert_eq!(answer.status().to_number(), 200);
        phone.expect_text("gr\u{fc}\u{df}e");
    });
}
