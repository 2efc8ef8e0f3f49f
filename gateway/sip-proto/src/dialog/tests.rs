use super::*;
use crate::event::fixture::{answer, contact, notify, subscribe};
use crate::snapshot::{SnapshotError, SnapshotKind, SnapshotReader, SnapshotWriter};

fn own() -> Contact {
    contact("sip:gw@192.0.2.1:5060")
}

fn with_routes(mut request: Request, routes: &str) -> Request {
    request.push(Header::new(HeaderName::RecordRoute, routes));
    request
}

fn subscriber_dialog(routes: &str) -> Dialog {
    let first = with_routes(notify("n1", 7, "active", None), routes);
    Dialog::from_notify(&first, &own(), Sequence::FIRST).unwrap()
}

fn routes(request: &Request) -> Vec<String> {
    request.headers().routes().unwrap().iter().map(ToString::to_string).collect()
}

fn sequence(number: u32) -> Sequence {
    Sequence::from_number(number).unwrap()
}

#[test]
fn s_dg_01_a_dialog_is_named_by_call_id_and_both_tags() {
    let dialog = subscriber_dialog("<sip:p1.example;lr>");
    let id = DialogId::of_request(&notify("n1", 8, "active", None)).unwrap();
    assert_eq!(dialog.id(), id);
    assert_ne!(dialog.id(), DialogId::of_request(&notify("n2", 8, "active", None)).unwrap());
    assert_eq!(DialogId::of_request(&subscribe(None, 1, None)), None);
}

#[test]
fn s_dg_01_loose_routes_are_kept_in_order_and_the_target_is_the_request_uri() {
    let request = subscriber_dialog("<sip:p2.example;lr>, <sip:p1.example;lr>").request(Method::Subscribe);
    assert_eq!(request.uri().to_string(), "sip:pa@192.0.2.9:5060");
    assert_eq!(routes(&request), ["<sip:p2.example;lr>", "<sip:p1.example;lr>"]);
    assert_eq!(request.headers().contact_first().unwrap().unwrap().detach(), own());
    assert_eq!(request.headers().cseq().unwrap().to_string(), "2 SUBSCRIBE");
}

#[test]
fn s_dg_01_a_strict_router_gets_itself_as_request_uri_and_the_target_last() {
    let routes_of_rfc = "<sip:proxy1;method=INVITE?x=y>, <sip:proxy2>, <sip:proxy3;lr>, <sip:proxy4>";
    let mut dialog = subscriber_dialog(routes_of_rfc);
    let request = dialog.request(Method::Subscribe);
    assert_eq!(request.uri().to_string(), "sip:proxy1");
    assert_eq!(dialog.request_uri(), *request.uri());
    assert_eq!(routes(&request), ["<sip:proxy2>", "<sip:proxy3;lr>", "<sip:proxy4>", "<sip:pa@192.0.2.9:5060>"]);
}

#[test]
fn s_dg_01_the_client_of_a_2xx_reverses_the_record_route() {
    let request = subscribe(None, 4, None);
    let mut response = answer(&request, 200);
    response.push(Header::new(HeaderName::Contact, "<sip:pa@192.0.2.9>"));
    response.push(Header::new(HeaderName::RecordRoute, "<sip:p1.example;lr>, <sip:p2.example;lr>"));
    let mut dialog = Dialog::from_response(&response, &own()).unwrap();
    let next = dialog.request(Method::Subscribe);
    assert_eq!(routes(&next), ["<sip:p2.example;lr>", "<sip:p1.example;lr>"]);
    assert_eq!(next.headers().cseq().unwrap().to_string(), "5 SUBSCRIBE");
    assert_eq!(dialog.remote_sequence(), None);
}

#[test]
fn what_a_dialog_needs_is_required() {
    let mut without_contact = notify("n1", 1, "active", None);
    without_contact.headers_mut().remove(&HeaderName::Contact);
    let error = Dialog::from_notify(&without_contact, &own(), Sequence::FIRST).unwrap_err();
    assert_eq!(error, DialogError::MissingContact);
    let mut without_tag = notify("n1", 1, "active", None);
    without_tag.headers_mut().set(Header::new(HeaderName::From, "<sip:bob@sip.example>"));
    assert_eq!(Dialog::from_notify(&without_tag, &own(), Sequence::FIRST).unwrap_err(), DialogError::MissingTag);
    let mut without_call_id = notify("n1", 1, "active", None);
    without_call_id.headers_mut().remove(&HeaderName::CallId);
    assert!(matches!(Dialog::from_notify(&without_call_id, &own(), Sequence::FIRST), Err(DialogError::Header(_))));
}

#[test]
fn s_dg_02_numbers_of_the_other_side_only_rise() {
    let mut dialog = subscriber_dialog("<sip:p1.example;lr>");
    for (number, fits) in [(7, false), (6, false), (9, true), (8, false), (10, true)] {
        assert_eq!(dialog.accept_sequence(sequence(number)).is_ok(), fits, "{number}");
    }
    assert_eq!(dialog.remote_sequence(), Some(sequence(10)));
}

#[test]
fn s_dg_02_own_numbers_rise_by_one_and_jump_without_leaving_their_range() {
    let mut dialog = subscriber_dialog("<sip:p1.example;lr>");
    let number = |dialog: &mut Dialog| dialog.request(Method::Subscribe).headers().cseq().unwrap().sequence.to_number();
    assert_eq!((number(&mut dialog), number(&mut dialog)), (2, 3));
    dialog.jump(1000);
    assert_eq!(number(&mut dialog), 1004);
    dialog.jump(u32::MAX);
    assert!(number(&mut dialog) >= 1005);
}

#[test]
fn a_record_reserves_numbers_and_says_when_they_are_used_up() {
    let mut dialog = subscriber_dialog("<sip:p2.example;lr>, <sip:p1.example;lr>");
    assert!(dialog.is_record_due());
    let mut writer = SnapshotWriter::new(SnapshotKind::Dialog, 1);
    dialog.write(&mut writer);
    let octets = writer.finish();
    for _ in 0..1000 {
        assert!(!dialog.is_record_due());
        dialog.request(Method::Subscribe);
    }
    assert!(dialog.is_record_due());
    let last = dialog.local_sequence();
    let mut reader = SnapshotReader::new(&octets, SnapshotKind::Dialog, 1).unwrap();
    let mut again = Dialog::read(&mut reader).unwrap();
    assert_eq!(reader.finish(), Ok(()));
    assert!(again.is_record_due());
    let request = again.request(Method::Subscribe);
    assert!(request.headers().cseq().unwrap().sequence > last);
    assert_eq!(routes(&request), ["<sip:p2.example;lr>", "<sip:p1.example;lr>"]);
    assert_eq!((again.id(), again.remote_sequence()), (dialog.id(), dialog.remote_sequence()));
}

#[test]
fn an_endless_route_set_in_a_record_is_refused() {
    let mut writer = SnapshotWriter::new(SnapshotKind::Dialog, 1);
    for text in ["c", "<sip:a@b.example>;tag=1", "<sip:b@b.example>;tag=2", "<sip:a@b.example>", "sip:b@b.example"] {
        writer.text(text);
    }
    writer.number(u64::MAX);
    let octets = writer.finish();
    let mut reader = SnapshotReader::new(&octets, SnapshotKind::Dialog, 1).unwrap();
    assert_eq!(Dialog::read(&mut reader).unwrap_err(), SnapshotError::BadValue);
}
