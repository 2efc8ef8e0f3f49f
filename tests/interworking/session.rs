//! IWF-SES: sessions.

use crate::{both, view::texts, watched};
use acceptance::{
    catalogue::{How, case},
    phone::Phone,
    product::{pair, shared},
};
use wv_proto::{
    primitive::Primitive,
    version::{Encoding, Version},
};

#[test]
fn iwf_ses_int_002_logout_is_answered_and_closes_the_presence() {
    case("IWF-SES-INT-002", How::Sockets, || {
        let (_, mut phone, mut agent, watch) = watched();
        agent.take_requests(&sip_proto::message::Method::Notify);
        assert_eq!(phone.ask(Primitive::LogoutRequest), 200);
        agent.expect_notify(&watch, "the closed document", |notify| {
            (!texts(&notify.body, "basic").contains(&"open".to_owned())).then_some(())
        });
    });
}

#[test]
fn iwf_ses_int_002_logout_of_1_1_is_answered_by_disconnect() {
    case("IWF-SES-INT-002", How::Sockets, || {
        let (gateway, pair) = (shared(), pair());
        let mut phone = Phone::logged_in(gateway.csp(), &pair.wv, Version::V1_1, Encoding::Wbxml);
        let answer = phone.request(Primitive::LogoutRequest);
        // The client machine takes Disconnect as the end of the session, with its code.
        assert!(format!("{answer:?}").contains("200"), "{answer:?}");
        let again = phone.request(Primitive::GetListRequest);
        assert!(again.is_err(), "the session is over: {again:?}");
    });
}

#[test]
fn iwf_ses_int_008_the_logout_of_one_device_leaves_the_other() {
    case("IWF-SES-INT-008", How::Sockets, || {
        let (pair, _phone, mut agent, watch) = watched();
        let server = shared().csp();
        let mut second = Phone::with_client(server, &pair.wv, "second-phone", Version::V1_2, Encoding::Xml);
        second.log_in().unwrap();
        agent.expect_notify(&watch, "two tuples", |notify| (texts(&notify.body, "basic").len() == 2).then_some(()));
        assert_eq!(second.ask(Primitive::LogoutRequest), 200);
        agent.expect_notify(&watch, "one open tuple", |notify| {
            let open = texts(&notify.body, "basic").into_iter().filter(|basic| basic == "open").count();
            (open == 1).then_some(())
        });
    });
}

#[test]
fn iwf_ses_int_009_a_login_of_the_same_client_replaces_its_session() {
    case("IWF-SES-INT-009", How::Sockets, || {
        let (pair, mut phone, _) = both();
        let again = Phone::logged_in(shared().csp(), &pair.wv, Version::V1_2, Encoding::Wbxml);
        assert_ne!(again.session_id(), phone.session_id());
        let told = format!("{:?}", phone.request(Primitive::GetListRequest));
        assert!(told.contains("601") || told.starts_with("Err"), "the old session is over: {told}");
    });
}
