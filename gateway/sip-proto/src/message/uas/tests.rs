use super::*;
use crate::message::uri::Uri;
use bytes::Bytes;

fn profile(role: Role) -> UasProfile {
    UasProfile {
        role,
        schemes: vec!["sip", "sips", "pres", "im", "tel"],
        methods: vec![
            Method::Options,
            Method::Message,
            Method::Subscribe,
            Method::Notify,
            Method::Register,
            Method::Invite,
        ],
        events: vec!["presence", "presence.winfo"],
        extensions: vec!["eventlist"],
        media_types: vec!["text/plain", "application/sdp", "multipart/*"],
        encodings: vec![],
        answers: vec![(Method::Invite, "application/sdp")],
    }
}

fn request(method: &str, uri: &str, headers: &[(&str, &'static str)]) -> Request {
    let mut request = Request::new(Method::parse(method).unwrap(), Uri::parse(uri).unwrap());
    for (name, value) in headers {
        request.push(Header::new(HeaderName::parse(name).unwrap(), value));
    }
    request
}

fn verdict(role: Role, request: &Request) -> u16 {
    let tag = Tag::parse("t").unwrap();
    check(request, &profile(role), || tag.clone()).err().map_or(200, |response| response.status().to_number())
}

#[test]
fn requests_are_refused_with_the_code_of_their_defect() {
    let mut with_body = request("MESSAGE", "sip:b@h", &[("Content-Type", "application/unknown")]);
    with_body.set_body(Bytes::from_static(b"x"));
    let mut optional = with_body.clone();
    optional.push(Header::new(HeaderName::ContentDisposition, "render;handling=optional"));
    let mut encoded = request("MESSAGE", "sip:b@h", &[("Content-Type", "text/plain"), ("e", "gzip")]);
    encoded.set_body(Bytes::from_static(b"x"));
    let mut untyped = request("MESSAGE", "sip:b@h", &[]);
    untyped.set_body(Bytes::from_static(b"x"));
    for (request, expected) in [
        (request("OPTIONS", "sip:b@h", &[]), 200),
        (request("PRACK", "sip:b@h", &[]), 405),
        (request("FROBNICATE", "sip:b@h", &[]), 501),
        (request("OPTIONS", "unknown:b", &[]), 416),
        (request("REGISTER", "sip:h", &[("To", "tel:+1")]), 400),
        (request("OPTIONS", "sip:b@h", &[("Require", "eventlist, frob")]), 420),
        (request("OPTIONS", "sip:b@h", &[("Proxy-Require", "frob")]), 200),
        (request("CANCEL", "sip:b@h", &[]), 405),
        (request("ACK", "sip:b@h", &[("Require", "frob")]), 200),
        (request("OPTIONS", "sip:b@h", &[("Max-Forwards", "0")]), 200),
        (request("SUBSCRIBE", "sip:b@h", &[]), 489),
        (request("SUBSCRIBE", "sip:b@h", &[("o", "dialog")]), 489),
        (request("SUBSCRIBE", "sip:b@h", &[("Event", "presence;id=1")]), 200),
        (request("NOTIFY", "sip:b@h", &[("Event", "presence")]), 400),
        (request("INVITE", "sip:b@h", &[("Accept", "text/x")]), 406),
        (request("INVITE", "sip:b@h", &[("Accept", "text/x, application/*")]), 200),
        (with_body, 415),
        (optional, 200),
        (encoded, 415),
        (untyped, 400),
    ] {
        assert_eq!(verdict(Role::EndPoint, &request), expected, "{request:?}");
    }
}

#[test]
fn a_proxy_looks_at_hops_and_at_what_is_asked_of_proxies() {
    for (request, expected) in [
        (request("FROBNICATE", "sip:b@h", &[]), 200),
        (request("OPTIONS", "sip:b@h", &[("Max-Forwards", "0")]), 483),
        (request("OPTIONS", "sip:b@h", &[("Proxy-Require", "frob")]), 420),
        (request("OPTIONS", "sip:b@h", &[("Require", "frob")]), 200),
    ] {
        assert_eq!(verdict(Role::Proxy, &request), expected, "{request:?}");
    }
}

#[test]
fn refusals_say_what_would_be_accepted() {
    let tag = Tag::parse("t").unwrap();
    let refusal = |request: &Request| check(request, &profile(Role::EndPoint), || tag.clone()).unwrap_err();
    let extension = refusal(&request("OPTIONS", "sip:b@h", &[("Require", "frob, eventlist, nif")]));
    assert_eq!(extension.headers().raw(&HeaderName::Unsupported).unwrap(), b"frob, nif");
    let method = refusal(&request("PRACK", "sip:b@h", &[]));
    assert_eq!(method.headers().allow().unwrap().len(), 6);
    let event = refusal(&request("PUBLISH", "sip:b@h", &[]));
    assert!(event.headers().has(&HeaderName::Allow));
    let package = refusal(&request("SUBSCRIBE", "sip:b@h", &[]));
    assert_eq!(package.headers().allow_events().unwrap().len(), 2);
}
