use super::*;

fn uri(text: &str) -> Uri {
    Uri::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn equal_uris_of_the_rfc_are_equivalent() {
    // RFC 3261 §19.1.4
    for (one, two) in [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        ("tel:+358-555-1234567", "TEL:+3585551234567"),
    ] {
        assert!(uri(one).is_equivalent(&uri(two)), "{one} {two}");
        assert!(uri(two).is_equivalent(&uri(one)), "{two} {one}");
    }
}

#[test]
fn different_uris_of_the_rfc_are_not_equivalent() {
    // RFC 3261 §19.1.4
    for (one, two) in [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:a@h", "sips:a@h"),
        ("sip:a%2Fb@h", "sip:a%2fc@h"),
        ("tel:+1", "tel:1;phone-context=x.example"),
    ] {
        assert!(!uri(one).is_equivalent(&uri(two)), "{one} {two}");
    }
}

#[test]
fn what_was_read_is_written_again() {
    for text in [
        "sip:alice:secret@atlanta.example:5061;transport=tcp;lr?to=a%40b&x=",
        "sips:1212@gateway.example",
        "sip:user;par=u%40example.net@example.com",
        "sip:[2001:db8::10]:5070",
        "sip:user@[2001:db8::10]",
        "sip:o'malley@wv.example",
        "sip:alice%2Ffriends@wv.example",
        "sip:f%C3%BC@wv.example",
        "sip:%00@h",
        "sip:sips%3Auser%40example.com@example.net",
        "tel:+1-201-555-0123;x=y",
        "pres:bob@sip.example",
        "im:bob@sip.example?from=a%40b",
        "wv:alice/friends@wv.example",
        "nobodyKnowsThisScheme:totallyopaquecontent",
        "soap.beep://192.0.2.103:3002",
    ] {
        assert_eq!(uri(text).to_string(), text);
        assert_eq!(uri(text).detach(), uri(text));
    }
}

#[test]
fn malformed_uris_are_refused() {
    for text in [
        "",
        "sip:",
        "sip:@h",
        "alice@h",
        "1sip:a@h",
        "sip:a b@h",
        "sip:a@h ",
        "sip:a@h;",
        "sip:a@h;lr;lr",
        "sip:a@h?x",
        "sip:a@h:5060:1",
        "sip:a%4@h",
        "sip:a@b@h",
        "sip:2001:db8::10",
        "sip:user@[2001:db8::10",
        "sip:a@h;x=%zz",
        "sip:<a>@h",
        "sip:a@h\r\n",
        "tel:",
        "tel:+",
        "tel:+12ab",
        "pres:@h",
        "pres:h",
    ] {
        assert!(Uri::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn address_of_record_drops_what_does_not_identify() {
    for (text, aor) in [
        ("sips:%61lice:x@WV.Example:5061;transport=tls;gr=1?a=b", "sip:alice@wv.example"),
        ("sip:a%40b@sip.example", "sip:a%40b@sip.example"),
        ("sip:alice%2ffriends@wv.example", "sip:alice/friends@wv.example"),
        ("tel:+1-201-555-0123", "tel:+12015550123"),
        ("pres:bob@SIP.example", "pres:bob@sip.example"),
        ("sip:[2001:DB8::1]", "sip:[2001:db8::1]"),
    ] {
        assert_eq!(uri(text).to_aor(), Some(uri(aor)), "{text}");
    }
    assert_eq!(uri("wv:a@b").to_aor(), None);
}

#[test]
fn parts_are_decoded_once() {
    let gruu = uri("sip:foo@sip.example;gr=bar");
    assert_eq!(gruu.as_sip().unwrap().gruu().as_deref(), Some("bar"));
    let name = uri("sip:f%C3%BC%2541@h");
    assert_eq!(name.as_sip().unwrap().user_decoded().unwrap().as_deref(), Some("fü%41"));
    let odd = uri("sip:%FF@h");
    assert_eq!(odd.as_sip().unwrap().user_decoded(), Err(ValueError::NotText));
    // The user of an unknown scheme is nobody's business here.
    assert!(uri("wv:bob@h").as_sip().is_none());
}

#[test]
fn building_escapes_what_may_not_stand_there() {
    let host = crate::message::host::Host::parse(&"h".into()).unwrap();
    let built = Uri::Sip(SipUri::new(host.clone()).with_user("a b@ü").with_param("x", Some("1;2")).with_port(Some(1)));
    assert_eq!(built.to_string(), "sip:a%20b%40%C3%BC@h:1;x=1%3B2");
    assert_eq!(Uri::Im(MailboxUri::new("a?b", host).unwrap()).to_string(), "im:a%3Fb@h");
}
