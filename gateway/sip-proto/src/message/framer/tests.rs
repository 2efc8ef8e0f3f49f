use super::super::{header::identifier::Tag, name::HeaderName, status::StatusCode, validate::validate};
use super::*;
use proptest::prelude::*;

const REQUEST: &str = "MESSAGE sip:b@h SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nf: <sip:a@h>;tag=1\r\n\
    t: <sip:b@h>\r\ni: c\r\nCSeq: 1 MESSAGE\r\nSubject: one\r\n  two\r\nc: text/plain\r\nl: 5\r\n\r\nhello";

fn parse(text: &[u8]) -> Result<Parsed, Malformed> {
    parse_datagram(&Bytes::copy_from_slice(text), &Limits::default())
}

fn request(text: &str) -> Request {
    match parse(text.as_bytes()) {
        Ok(Parsed::Message(Message::Request(request))) => request,
        other => panic!("{other:?}"),
    }
}

fn status(text: &[u8]) -> Option<u16> {
    parse(text).unwrap_err().answer().map(StatusCode::to_number)
}

#[test]
fn folds_compact_names_and_blanks_before_the_colon_are_understood() {
    let request = request(&REQUEST.replace("i: c", "Call-ID \t: c"));
    assert_eq!(request.headers().raw(&HeaderName::Subject).unwrap(), b"one two");
    assert_eq!(request.headers().call_id().unwrap().as_str(), "c");
    assert_eq!(&request.body()[..], b"hello");
    assert!(validate(Message::Request(request)).is_ok());
}

#[test]
fn octets_behind_the_body_are_dropped_and_a_missing_length_takes_all() {
    assert_eq!(&request(&format!("{REQUEST} and more")).body()[..], b"hello");
    assert_eq!(&request(&REQUEST.replace("l: 5\r\n", "")).body()[..], b"hello");
    assert_eq!(&request(&format!("\r\n\r\n{REQUEST}")).body()[..], b"hello");
}

#[test]
fn a_body_may_hold_any_octets_and_so_may_unread_header_fields() {
    let mut octets = REQUEST.replace("one\r\n  two", "X").into_bytes();
    let at = octets.windows(10).position(|window| window == b"Subject: X").unwrap();
    octets[at + 9] = 0xff;
    let end = octets.len();
    octets[end - 5..].copy_from_slice(&[0, 0xff, 0xfe, b'\r', 0]);
    let Ok(Parsed::Message(message)) = parse(&octets) else { panic!("not read") };
    assert_eq!(&message.body()[..], &[0, 0xff, 0xfe, b'\r', 0]);
    assert_eq!(message.headers().raw(&HeaderName::Subject).unwrap(), &[0xff]);
    let written = message.write().unwrap();
    assert!(written.windows(11).any(|window| window == b"Subject: \xff\r"));
    assert!(written.ends_with(&[0, 0xff, 0xfe, b'\r', 0]));
}

#[test]
fn keep_alives_are_no_messages() {
    for octets in [&b"\r\n\r\n"[..], b"\r\n", b"\0\0\0\0", b""] {
        assert_eq!(parse(octets), Ok(Parsed::KeepAlive));
    }
}

#[test]
fn each_defect_has_its_answer() {
    let long_uri = format!("sip:{}@h", "b".repeat(5000));
    for (from, to, expected) in [
        ("sip:b@h", "<sip:b@h>", 400),
        ("sip:b@h", "sip:b @h", 400),
        ("sip:b@h", long_uri.as_str(), 414),
        ("SIP/2.0\r\nVia", "SIP/7.0\r\nVia", 505),
        ("SIP/2.0\r\nVia", "HTTP/1.1\r\nVia", 400),
        ("MESSAGE sip", "MESSAGE  sip", 400),
        ("SIP/2.0\r\nVia", "SIP/2.0 \r\nVia", 400),
        ("MESSAGE sip", "MESS@GE sip", 400),
        ("l: 5", "l: 6", 400),
        ("l: 5", "l: -5", 400),
        ("l: 5", "l: 5\r\nContent-Length: 4", 400),
        ("l: 5", "l: five", 400),
        ("i: c", "i c", 400),
        ("i: c", "i@: c", 400),
        ("one\r\n", "one\n", 400),
        ("one", "o\rne", 400),
        ("\r\n\r\nhello", "\r\n", 400),
        ("MESSAGE sip:b@h SIP/2.0\r\nVia", "MESSAGE sip:b@h SIP/2.0\r\n X: y\r\nVia", 400),
    ] {
        let text = REQUEST.replacen(from, to, 1);
        assert_ne!(text, REQUEST, "{from}");
        assert_eq!(status(text.as_bytes()), Some(expected), "{from} {to}");
    }
}

#[test]
fn a_malformed_request_can_still_be_answered() {
    let malformed = parse(REQUEST.replace("SIP/2.0\r\nVia", "SIP/7.0\r\nVia").as_bytes()).unwrap_err();
    let response = malformed.response(Some(&Tag::parse("t").unwrap())).unwrap();
    let text = String::from_utf8(response.write().unwrap().to_vec()).unwrap();
    assert_eq!(
        text,
        "SIP/2.0 505 Version Not Supported\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n\
        To: <sip:b@h>;tag=t\r\nCall-ID: c\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n"
    );
}

#[test]
fn responses_acks_and_noise_are_never_answered() {
    assert_eq!(status(b"SIP/2.0 700 Too much\r\nVia: SIP/2.0/UDP h\r\n\r\n"), None);
    assert_eq!(status(b"SIP/1.0 200 OK\r\nVia: SIP/2.0/UDP h\r\n\r\n"), None);
    assert_eq!(status(b"ACK  sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n\r\n"), None);
    assert_eq!(status(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"), None);
    assert_eq!(status(b"\x80\x81\x82"), None);
}

#[test]
fn limits_are_kept_and_the_answer_is_still_possible() {
    let many = REQUEST.replace("Subject: one", &"X: y\r\n".repeat(300)[..300 * 6 - 2]);
    let malformed = parse(many.as_bytes()).unwrap_err();
    assert_eq!(malformed.fault(), &Fault::TooManyHeaders);
    assert!(malformed.headers().cseq().is_ok());
    let long = REQUEST.replace("one", &"x".repeat(9000));
    assert_eq!(status(long.as_bytes()), Some(513));
    let large = format!("{}{}", REQUEST.replace("l: 5", "l: 70000"), "x".repeat(70_000));
    assert_eq!(status(large.as_bytes()), Some(513));
}

#[test]
fn reason_phrase_may_be_missing_empty_or_odd() {
    for (line, reason) in [("SIP/2.0 200", ""), ("SIP/2.0 200 ", ""), ("sip/2.0 200 = 2**3 * ü", "= 2**3 * ü")] {
        let text = format!("{line}\r\n\r\n");
        let Ok(Parsed::Message(Message::Response(response))) = parse(text.as_bytes()) else { panic!("{line}") };
        assert_eq!(response.reason(), reason.as_bytes());
    }
}

fn frames(side: FlowSide, octets: &[u8], cuts: &[usize]) -> Vec<Result<StreamItem, Malformed>> {
    let mut framer = StreamFramer::new(side, Limits::default());
    let mut found = Vec::new();
    let mut rest = octets;
    for cut in cuts.iter().copied().chain([usize::MAX]) {
        let (now, later) = rest.split_at(cut.min(rest.len()));
        framer.push(now);
        rest = later;
        while let Some(item) = framer.poll() {
            found.push(item);
        }
    }
    found
}

#[test]
fn a_stream_is_cut_by_content_length() {
    let octets = format!("\r\n\r\n{REQUEST}{REQUEST}\r\n\r\n\r\n{REQUEST}");
    let items = frames(FlowSide::Accepted, octets.as_bytes(), &[]);
    let kinds: Vec<bool> = items.iter().map(|item| matches!(item, Ok(StreamItem::Ping))).collect();
    assert_eq!(kinds, [true, false, false, true, false]);
    let items = frames(FlowSide::Opened, format!("\r\n{REQUEST}").as_bytes(), &[]);
    assert_eq!(items[0], Ok(StreamItem::Pong));
    assert!(matches!(items[1], Ok(StreamItem::Message(_))));
}

#[test]
fn framing_is_lost_without_a_usable_length_and_kept_with_one() {
    for (from, to) in [("l: 5\r\n", ""), ("l: 5", "l: -5"), ("l: 5", "l: 5\r\nl: 5"), ("l: 5", "l: 99999999")] {
        let items = frames(FlowSide::Accepted, format!("{}{REQUEST}", REQUEST.replace(from, to)).as_bytes(), &[]);
        assert_eq!(items.len(), 1, "{to}");
        assert_eq!(items[0].as_ref().unwrap_err().framing(), Framing::Lost);
        assert!(items[0].as_ref().unwrap_err().answer().is_some());
    }
    let items =
        frames(FlowSide::Accepted, format!("{}{REQUEST}", REQUEST.replace("sip:b@h ", "<sip:b@h> ")).as_bytes(), &[]);
    assert_eq!(items[0].as_ref().unwrap_err().framing(), Framing::Kept);
    assert!(matches!(items[1], Ok(StreamItem::Message(_))));
}

#[test]
fn an_endless_head_is_cut_off() {
    let octets = format!("{}X: {}", &REQUEST[..REQUEST.len() - 7], "x".repeat(40_000));
    let items = frames(FlowSide::Accepted, octets.as_bytes(), &[7, 1000]);
    let malformed = items[0].as_ref().unwrap_err();
    assert_eq!((malformed.fault(), malformed.framing()), (&Fault::HeadTooLong, Framing::Lost));
    assert_eq!(items.len(), 1);
}

proptest! {
    #[test]
    fn any_octets_are_read_without_panic(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = parse(&octets).map(|parsed| match parsed {
            Parsed::Message(message) => validate(message).is_ok(),
            Parsed::KeepAlive => true,
        });
        let _ = frames(FlowSide::Accepted, &octets, &[3, 50]);
    }

    #[test]
    fn mutations_are_read_without_panic(
        edits in proptest::collection::vec((0..REQUEST.len(), any::<u8>()), 1..12),
        cut in 0..REQUEST.len(),
    ) {
        let mut octets = REQUEST.as_bytes().to_vec();
        for (at, octet) in edits {
            octets[at] = octet;
        }
        if let Ok(Parsed::Message(message)) = parse(&octets)
            && let Ok(message) = validate(message)
        {
            // What was accepted can be written and is then accepted again.
            let written = message.write().unwrap();
            let again = parse(&written).unwrap();
            let Parsed::Message(again) = again else { panic!("keep-alive") };
            prop_assert_eq!(again.write().unwrap(), written);
        }
        octets.truncate(cut);
        let _ = parse(&octets);
    }

    #[test]
    fn chunks_do_not_change_what_a_stream_holds(
        cuts in proptest::collection::vec(0..200_usize, 0..12),
        parts in proptest::collection::vec(0..5_usize, 1..8),
        opened in any::<bool>(),
    ) {
        let bad = REQUEST.replace("l: 5\r\n", "");
        let odd = REQUEST.replace("i: c", "i c");
        let octets: String = parts.iter().map(|&part| [REQUEST, "\r\n", "\r\n\r\n", &odd, &bad][part]).collect();
        let side = if opened { FlowSide::Opened } else { FlowSide::Accepted };
        prop_assert_eq!(frames(side, octets.as_bytes(), &cuts), frames(side, octets.as_bytes(), &[]));
    }
}
