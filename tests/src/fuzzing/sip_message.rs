//! SIP messages: datagrams, streams, and the values of header fields.

use super::tape::Tape;
use bytes::Bytes;
use sip_proto::{
    auth::{Algorithm, AnswerInput, Challenger, DigestChallenge, DigestServer, Secret, Staleness, Verdict, answer},
    limit::Limits,
    message::{
        Header, HeaderName, Headers, Message, Method, Request, Text, Uri,
        framer::{FlowSide, Malformed, Parsed, StreamFramer, StreamItem, parse_datagram},
        header::{
            address::NameAddr,
            authentication::Authentication,
            contact::Contact,
            cseq::CSeq,
            date::Date,
            event::{Event, SubscriptionState},
            identifier::{CallId, EntityTag, Tag},
            media_type::MediaType,
            retry_after::RetryAfter,
            via::Via,
        },
        host::Host,
        status::StatusCode,
        validate::{is_for_end_point, validate},
    },
    time::Timestamp,
};

/// A datagram: everything in it can be asked for, and what is written reads the same again.
///
/// # Panics
/// When a promise of the message layer is broken.
pub fn run_datagram(data: &[u8]) {
    let octets = Bytes::copy_from_slice(data);
    let narrow = Limits { header_count_max: 4, head_octets_max: 200, uri_octets_max: 20, ..Limits::default() };
    if let Err(malformed) = parse_datagram(&octets, &narrow) {
        refuse(&malformed);
    }
    match parse_datagram(&octets, &Limits::default()) {
        Ok(Parsed::KeepAlive) => {}
        Err(malformed) => refuse(&malformed),
        Ok(Parsed::Message(message)) => {
            ask_everything(message.headers());
            write_again(&message);
            respond(&message);
            if let Err(malformed) = validate(message) {
                refuse(&malformed);
            }
        }
    }
}

/// A stream gives the same however it is cut into pieces.
///
/// # Panics
/// When a promise of the framer is broken.
pub fn run_stream(data: &[u8]) {
    let mut tape = Tape::new(data);
    let side = if tape.flag() { FlowSide::Opened } else { FlowSide::Accepted };
    let cut = usize::from(tape.octet()).max(1);
    let limits = Limits { head_octets_max: 600, message_octets_max: 1_000, ..Limits::default() };
    let whole = items(tape.rest(), tape.rest().len().max(1), side, &limits);
    let pieces = items(tape.rest(), cut, side, &limits);
    // A head that is too long is noticed at another octet, so what its beginning tells differs.
    let told = |items: &[Result<StreamItem, Malformed>]| {
        items.iter().map(|item| item.clone().map_err(|fault| fault.fault().clone())).collect::<Vec<_>>()
    };
    assert_eq!(told(&whole), told(&pieces), "cut into {cut}");
    let octet_by_octet = items(tape.rest(), 1, side, &limits);
    assert_eq!(told(&whole), told(&octet_by_octet));
}

/// A URI: what is accepted reads as itself when it is written.
///
/// # Panics
/// When a promise of the URI is broken.
pub fn run_uri(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(uri) = Uri::parse(&text) else { return };
    let written = uri.to_string();
    let again = Uri::parse(&written).unwrap_or_else(|error| panic!("{written}: {error}"));
    assert_eq!(again, uri, "{written}");
    if let Some(sip) = uri.as_sip() {
        let _ = (sip.user_decoded(), sip.password(), sip.port(), sip.transport(), sip.is_loose_route(), sip.gruu());
        let _ = (sip.header_fields().count(), sip.host().to_address(), sip.host().to_canonical());
        let mut plain = sip.clone();
        plain.clear_headers();
        assert!(plain.headers().is_none());
        if let Ok(Some(user)) = sip.user_decoded() {
            let built = plain.with_user(&user);
            assert_eq!(built.user_decoded(), Ok(Some(user)));
        }
    }
}

/// One value, read as each kind of header field: what is accepted reads as itself when it is written.
///
/// # Panics
/// When a promise of a value is broken.
pub fn run_header(data: &[u8]) {
    let Ok(text) = Text::parse(Bytes::copy_from_slice(data)) else { return };
    macro_rules! round {
        ($($read:expr),* $(,)?) => {$({
            let read = $read;
            if let Ok(value) = read(&text) {
                let written = value.to_string();
                let again = read(&Text::from(written.as_str()));
                assert_eq!(again.as_ref(), Ok(&value), "{written}");
            }
        })*};
    }
    round!(
        NameAddr::from_text,
        Contact::from_text,
        Via::from_text,
        CSeq::from_text,
        Event::from_text,
        SubscriptionState::from_text,
        MediaType::from_text,
        RetryAfter::from_text,
        Authentication::from_text,
        Host::parse,
        |text: &Text| Date::parse(text),
        |text: &Text| CallId::parse(text),
        |text: &Text| Tag::parse(text),
        |text: &Text| EntityTag::parse(text),
        |text: &Text| Method::parse(text),
        |text: &Text| HeaderName::parse(text),
    );
    let _ = Authentication::from_params(&text);
}

/// Credentials and challenges that somebody else wrote.
///
/// # Panics
/// When credentials that nobody could know are accepted.
pub fn run_credentials(data: &[u8]) {
    let mut server = DigestServer::new("sip.example", [7; 32]);
    let now = Timestamp::from_secs(1_000_000);
    let mut request = Request::new(Method::Message, Uri::parse("sip:bob@sip.example").expect("a URI"));
    request.push(Header::from_raw(HeaderName::Authorization, Bytes::copy_from_slice(data)));
    if let Ok(credentials) = server.read(&request, Challenger::Server) {
        let secret = Secret::from_password(credentials.algorithm(), credentials.user(), "sip.example", "secret");
        // A nonce of this server holds a keyed hash, and the response one of the secret.
        let verdict = server.verify(now, &request, &credentials, &secret);
        assert_ne!(verdict, Verdict::Accepted);
    }
    let _ = server.challenges(now, Challenger::Server, Staleness::Yes);
    let Ok(text) = Text::parse(Bytes::copy_from_slice(data)) else { return };
    if let Ok(value) = Authentication::from_text(&text)
        && let Some(challenge) = DigestChallenge::from_value(&value)
    {
        let input = AnswerInput {
            user: "bob",
            secret: &Secret::from_password(Algorithm::Md5, "bob", "sip.example", "secret"),
            method: &Method::Message,
            uri: "sip:alice@wv.example",
            body: b"",
            cnonce: "0a4f113b",
            nonce_count: 1,
        };
        let _ = answer(&challenge, &input);
    }
}

fn refuse(malformed: &Malformed) {
    ask_everything(malformed.headers());
    let tag = Tag::parse("gw").expect("a token");
    if let Some(response) = malformed.response(Some(&tag)) {
        write_again(&Message::Response(response));
    }
}

fn respond(message: &Message) {
    let tag = Tag::parse("gw").expect("a token");
    match message {
        Message::Request(request) => {
            let response = sip_proto::message::Response::for_request(request, StatusCode::OK, Some(&tag));
            write_again(&Message::Response(response));
        }
        Message::Response(response) => {
            let _ = is_for_end_point(response);
        }
    }
}

/// What was written once is written the same when it was read again.
fn write_again(message: &Message) {
    let Ok(written) = message.write() else { return };
    let again = match parse_datagram(&written, &Limits::default()) {
        Ok(Parsed::Message(again)) => again,
        // Lines may grow when they are written in full; only limits may refuse them.
        Err(malformed) if matches!(malformed.fault().status(), StatusCode::MESSAGE_TOO_LARGE) => return,
        other => panic!("{other:?}: {}", String::from_utf8_lossy(&written)),
    };
    assert_eq!(again.body(), message.body());
    assert_eq!(again.write().as_ref(), Ok(&written));
    assert_eq!(validate(message.clone()).is_ok(), validate(again).is_ok(), "{}", String::from_utf8_lossy(&written));
}

fn ask_everything(headers: &Headers) {
    let _ = (headers.via_top(), headers.vias(), headers.call_id(), headers.from(), headers.to(), headers.cseq());
    let _ = (headers.max_forwards(), headers.contacts(), headers.contact_first(), headers.routes());
    let _ = (headers.record_routes(), headers.paths(), headers.asserted_identities(), headers.privacy());
    let _ = (headers.refer_to(), headers.event(), headers.subscription_state(), headers.expires_s());
    let _ = (headers.min_expires_s(), headers.retry_after(), headers.entity_tag(), headers.if_match());
    let _ = (headers.suppress_if_match(), headers.allow_events(), headers.accept(), headers.allow());
    let _ = (headers.tokens(&HeaderName::Supported), headers.content_type(), headers.content_length(), headers.date());
    for name in [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate] {
        let _ = headers.challenges(&name);
    }
    for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
        let _ = headers.credentials(&name);
    }
    let _ = headers.authentication_info();
    let mut stamped = headers.clone();
    let _ = stamped.stamp_source(([192, 0, 2, 7], 5060).into());
}

fn items(octets: &[u8], cut: usize, side: FlowSide, limits: &Limits) -> Vec<Result<StreamItem, Malformed>> {
    let mut framer = StreamFramer::new(side, limits.clone());
    let mut items = Vec::new();
    for piece in octets.chunks(cut) {
        framer.push(piece);
        items.extend(std::iter::from_fn(|| framer.poll()));
    }
    let _ = framer.is_inside_message();
    items
}
