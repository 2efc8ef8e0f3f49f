use super::assembly::{Assembly, split};
use super::*;
use crate::primitive::identifier::{SessionId, TransactionId};
use crate::primitive::{Primitive, SessionDescriptor, TransactionMode};
use crate::session::time::Timestamp;
use crate::status::StatusCode;
use crate::version::Version;
use proptest::prelude::*;

fn read(text: &str) -> Result<PtsMessage, PtsError> {
    PtsMessage::read(text.as_bytes())
}

fn primitive(text: &str) -> Primitive {
    let envelope = read_envelope(&read(text).unwrap()).unwrap_or_else(|refusal| panic!("{text}: {refusal:?}"));
    envelope.transactions[0].content.clone().unwrap()
}

/// Reads a message, writes what it says and reads that again.
fn again(text: &str) -> String {
    let message = read(text).unwrap();
    let envelope = read_envelope(&message).unwrap();
    let written = write_envelope(&envelope, message.version).unwrap().write().unwrap();
    assert_eq!(read_envelope(&read(&written).unwrap()).unwrap(), envelope, "{written}");
    written
}

#[test]
fn wv_pts_01_the_samples_are_read_and_written_again() {
    for sample in [
        "WV12LR1 UI=wv:ann@a.com CI=\"http://app?a=b\" PW=\"my pass\" TL=3600 SC=c1",
        "WV12RL1 CI=http://app ST=200 SI=s1 KA=3600 CR=T",
        "WV12SB7 SI=s1 PS=(OS,UA) AS=F UI=(wv:bob@b.com,wv:eve@b.com)",
        "WV12ST7 SI=s1 ST=(201,\"Partially successful\")",
        "WV12PN8 SI=s1 PR=(wv:bob@b.com,((OS,T,T),(UA,T,AV)))",
        "WV12UP9 SI=s1 UV=((UA,T,DI),(ST,T,\"in a meeting\"))",
        "WV12PO0 SI=s1",
        "WV11OR999 SI=s1",
        "WV13CP2 SI=s1 CA=((CT,MP),(ID,P),(MT,1),(PS,32767),(PM,10),(SB,SMS),(SC,(SS,ST,SHTTP)),(UP,3717))",
        "WV12CA6 SI=s1 PS=(OS,UA) UI=(wv:bob@b.com,wv:eve@b.com) CL=wv:ann/friends@a.com DL=F",
        "WV13CA6 SI=s1 PS=() DL=T",
        "WV12LM4 SI=s1 CL=wv:ann/friends@a.com AN=((Bob,wv:bob@b.com),(,wv:eve@b.com)) RL=T",
        "WV12UP5 SI=s1 UV=((CF,T,((CT,MP),(CP,Acme))),(SC,T,((RC,\"http://x/?a=1&b=2\"),(CY,image/gif))))",
    ] {
        assert_eq!(again(sample), sample);
    }
}

#[test]
fn wv_pts_01_every_code_is_written_as_it_is_read() {
    for sample in [
        "WV12CP2 SI=s1 CA=((CT,CO),(DL,en),(SC,(SU,WS,WU,OWN)),(TA,10.0.0.9),(TP,3171))",
        "WV12CP2 SI=s1 CA=((CT,PD))",
        "WV12CP2 SI=s1 CA=((CT,CL))",
        "WV12CP2 SI=s1 CA=((CT,OT))",
        "WV12CP2 SI=s1 CA=((CT,WATCH))",
        "WV12PC2 SI=s1 AP=((CI,\"http://cir?x=1\"),(MT,1),(PM,10),(SB,HTTP),(SC,ST),(TA,10.0.0.1),(TP,3171),(UP,3717))",
        "WV12SQ3 SI=s1 RF=(FF,PF) AR=F",
        "WV12SQ3 SI=s1 RF=(WV) AR=T",
        "WV13QS3 SI=s1 NF=(GE) AF=(FF,PF,IF)",
        "WV12QS3 SI=s1",
        "WV12DI0 SI=s1 ST=(601,\"logged in elsewhere\")",
        "WV12DI9 ST=200",
        "WV12KA4 SI=s1 TL=60",
        "WV12AK4 SI=s1 ST=200 KA=60",
        "WV12GL5 SI=s1",
        "WV12LG5 SI=s1 CL=(wv:ann/friends@a.com,wv:ann/work@a.com) DC=wv:ann/friends@a.com",
        "WV12CL6 SI=s1 CL=wv:ann/new@a.com UN=((Bob,wv:bob@b.com),(,wv:eve@b.com)) CP=((DN,\"New ones\"),(DE,T))",
        "WV12CL6 SI=s1 CL=wv:ann/new@a.com UN=wv:bob@b.com CP=(OWN,1)",
        "WV12DL7 SI=s1 CL=wv:ann/new@a.com",
        "WV12LM8 SI=s1 CL=wv:ann/new@a.com RN=(wv:bob@b.com) RL=F",
        "WV12LM8 SI=s1 CL=wv:ann/new@a.com CP=((DN,Old)) RL=F",
        "WV12LM8 SI=s1 CL=wv:ann/new@a.com RL=T",
        "WV12ML8 SI=s1 ST=200 UN=((Bob,wv:bob@b.com)) CP=((DN,Old))",
        "WV12ML8 SI=s1 ST=(700,\"no such list\")",
        "WV12GP9 SI=s1 UI=(wv:bob@b.com,wv:eve@b.com) CL=wv:ann/new@a.com PS=(OS,UA)",
        "WV12PG9 SI=s1 ST=200 PR=(wv:bob@b.com,((OS,T,T),(ST,F)))",
    ] {
        again(sample);
    }
}

// WV-PTS-04
#[test]
fn wv_pts_04_what_cannot_be_read_is_refused_as_far_as_it_is_known() {
    let written = |message: Option<PtsMessage>| message.map(|message| message.write().unwrap());
    assert_eq!(written(refuse_unreadable(b"WV12SB7 UI=((", PtsError::BadParameter)).unwrap(), "WV12ST7 ST=400");
    assert_eq!(written(refuse_unreadable(b"WV99SB7 UI=a", PtsError::UnsupportedVersion)).unwrap(), "WV12ST0 ST=505");
    assert_eq!(written(refuse_unreadable(b"hello", PtsError::BadParameter)), None);
    assert_eq!(written(refuse_unreadable(b"\xff\xfe", PtsError::BadParameter)), None);
    for (sample, refusal) in [
        ("WV12XX7 SI=s1", "WV12ST7 SI=s1 ST=501"),
        ("WV12LM7 SI=s1 CL=x AN=((a,b,c,d))", "WV12ST7 SI=s1 ST=402"),
        ("WV12CP7 CA=((MT,many))", "WV12ST7 ST=402"),
    ] {
        let message = read(sample).unwrap();
        let refused = read_envelope(&message).map(|_| sample).unwrap_err();
        assert_eq!(refused.to_message(message.version).write().unwrap(), refusal, "{sample}");
    }
}

#[test]
fn wv_pts_01_letters_of_either_case_and_trailing_line_ends_are_taken() {
    let message = read("wv12sb7 si=S1 ps=os ui=wv:bob@b.com\r\n").unwrap();
    assert_eq!((message.code.to_string().as_str(), message.transaction, message.text(b"SI")), ("SB", 7, Some("S1")));
    assert!(matches!(primitive("WV12GP1 PS=UA UI=wv:bob@b.com"), Primitive::GetPresenceRequest(_)));
}

#[test]
fn wv_pts_05_values_come_in_all_their_forms() {
    let online = "WV12PN8 SI=s1 PR=(wv:bob@b.com,((OS,T,T)))";
    let doubled = "WV12PN8 SI=s1 PR=((wv:bob@b.com,((OS,T,T))))";
    let bare = "WV12PN8 SI=s1 PR=(wv:bob@b.com,(OS,T,T))";
    assert_eq!(primitive(online), primitive(doubled));
    assert_eq!(primitive(online), primitive(bare));
    assert_eq!(primitive("WV12UP1 UV=((ST,,text))"), primitive("WV12UP1 UV=((ST,text))"));
    assert_eq!(primitive("WV12UP1 UV=(UA,T,DI)"), primitive("WV12UP1 UV=((UA,T,DI))"));
    assert_eq!(primitive("WV12UP1 UV=CF"), primitive("WV12UP1 UV=((CF,,))"));
    let Primitive::PresenceNotificationRequest(two) = primitive("WV12PN1 PR=((a@x,((OS,T,T))),(b@x))") else {
        panic!()
    };
    assert_eq!(two.presences.len(), 2);
    let named = primitive("WV12SB1 PS=(OS,(CF,(CT,CP)),UA) UI=a@x");
    let Primitive::SubscribePresenceRequest(named) = named else { panic!() };
    assert_eq!(named.attributes.unwrap().iter().count(), 3);
}

#[test]
fn wv_pts_04_an_unknown_code_is_refused_and_not_guessed() {
    let refusal = read_envelope(&read("WV12XX5 SI=s1 ZZ=1").unwrap()).unwrap_err();
    let session = SessionDescriptor::Inband(SessionId::new("s1"));
    assert_eq!(refusal, Refusal { session, transaction: 5, code: StatusCode::NOT_IMPLEMENTED });
    for bad in ["WV12LR1 PW=x", "WV12UP1 SI=s", "WV12UP1 UV=((XX,T,1))", "WV12SB1 PS=(OS,XX) UI=a@x", "WV12KA1 TL=soon"]
    {
        let refusal = read_envelope(&read(bad).unwrap()).unwrap_err();
        assert_eq!(refusal.code, StatusCode::BAD_PARAMETER, "{bad}");
    }
    // Known primitives without known parameters are handed on by their name.
    assert!(matches!(primitive("WV12GB1 SI=s1"), Primitive::Other(_)));
}

#[test]
fn malformed_texts_are_refused() {
    for (text, error) in [
        ("", PtsError::NotAMessage),
        ("WVCI 1.2 ck", PtsError::NotAMessage),
        ("WV99LR1", PtsError::UnsupportedVersion),
        ("WV12L", PtsError::BadPreamble),
        ("WV12LR", PtsError::BadPreamble),
        ("WV12LR1000", PtsError::BadPreamble),
        ("WV12LR1abc", PtsError::BadPreamble),
        ("WV12LR1ba UI=x", PtsError::BadPreamble),
        ("WV12LR1 U", PtsError::BadParameter),
        ("WV12LR1 UI=(a", PtsError::BadParameter),
        ("WV12LR1 UI=a\"b", PtsError::BadParameter),
        ("WV12LR1 UI=\"a", PtsError::BadParameter),
        ("WV12LR1 UI=(a)b", PtsError::BadParameter),
        ("WV12LR1 1I=a", PtsError::BadParameter),
        ("WV12LR1 UI=((((((((((a))))))))))", PtsError::LimitExceeded("the depth of lists")),
    ] {
        assert_eq!(read(text), Err(error), "{text:?}");
    }
    assert_eq!(PtsMessage::read(b"WV12LR1 UI=\xff"), Err(PtsError::NotText));
    let many = format!("WV12SB1 UI=({})", vec!["a"; 3000].join(","));
    assert_eq!(read(&many), Err(PtsError::LimitExceeded("the number of values")));
}

#[test]
fn control_characters_are_not_written() {
    let message = read("WV12ST1 SI=s1 ST=200").unwrap();
    let mut envelope = read_envelope(&message).unwrap();
    envelope.session = SessionDescriptor::Inband(SessionId::new("s\r\nWV12OR1"));
    let written = write_envelope(&envelope, Version::V1_2).unwrap().write();
    assert_eq!(written, Err(PtsError::ForbiddenCharacter));
}

#[test]
fn a_transaction_without_a_number_is_not_written() {
    let mut envelope = read_envelope(&read("WV12PN8 SI=s1").unwrap()).unwrap();
    assert_eq!(envelope.transactions[0].mode, TransactionMode::Request);
    envelope.transactions[0].id = Some(TransactionId::new("s1-1"));
    assert_eq!(write_envelope(&envelope, Version::V1_2), Err(PtsError::NoNumber));
}

#[test]
fn wv_pts_03_the_sample_in_two_parts_is_put_together_in_any_order() {
    let parts = ["WV12UP9ab SI=s1 UV=((UA,T,DI),(ST,T,\"in a", "WV12UP9bb  meeting\"))"];
    let whole = "WV12UP9 SI=s1 UV=((UA,T,DI),(ST,T,\"in a meeting\"))";
    let now = Timestamp::from_millis(0);
    for order in [[0, 1], [1, 0]] {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.take(now, &"ann", parts[order[0]].as_bytes()), Ok(None));
        assert_eq!(assembly.take(now, &"bob", b"WV12PO0"), Ok(Some("WV12PO0".to_owned())));
        assert_eq!(assembly.take(now, &"ann", parts[order[1]].as_bytes()), Ok(Some(whole.to_owned())));
        assert!(assembly.is_empty());
    }
}

#[test]
fn parts_whose_others_do_not_come_are_forgotten() {
    let mut assembly = Assembly::default();
    let now = Timestamp::from_millis(0);
    assert_eq!(assembly.take(now, &1, b"WV12UP9ab SI=s1"), Ok(None));
    assembly.expire(Timestamp::from_millis(300_000));
    assert!(assembly.is_empty());
    for number in 0..1000_u32 {
        assert_eq!(assembly.take(now, &number, b"WV12UP9ab SI=s1"), Ok(None));
    }
    assert!(assembly.take(now, &1000, b"WV12UP9ab SI=s1").is_err());
}

#[test]
fn wv_pts_02_values_with_marks_stand_between_quotation_marks() {
    for (value, written) in [
        ("plain", "plain"),
        ("two words", "\"two words\""),
        ("say \"x\"", "\"say \"\"x\"\"\""),
        ("a,b", "\"a,b\""),
        ("(a", "\"(a\""),
        ("a)", "\"a)\""),
        ("a=b", "\"a=b\""),
        ("a&b", "\"a&b\""),
    ] {
        let params = vec![Param { name: *b"PW", value: Some(PtsValue::Simple(value.to_owned())) }];
        let message = PtsMessage { version: Version::V1_2, code: Code::new(*b"LR"), transaction: 1, params };
        let text = format!("WV12LR1 PW={written}");
        assert_eq!(message.write().as_deref(), Ok(text.as_str()));
        assert_eq!(read(&text), Ok(message));
    }
    for bare in ["a\"b", "a(b", "a=b", "a&b", "\"open", "\"a\"b"] {
        assert_eq!(read(&format!("WV12LR1 PW={bare}")), Err(PtsError::BadParameter), "{bare}");
    }
}

#[test]
fn a_message_for_more_than_26_parts_is_not_taken_apart() {
    let text = format!("WV12UP9 UV=((ST,T,{}))", "x".repeat(5000));
    assert!(split(&text, 160).is_err());
    assert_eq!(split("WV12PO0 SI=s1", 160).unwrap(), ["WV12PO0 SI=s1"]);
}

fn value() -> impl Strategy<Value = PtsValue> {
    let simple = "[ -~\u{e0}-\u{ff}]{0,12}".prop_map(PtsValue::Simple);
    simple.prop_recursive(4, 24, 4, |inner| proptest::collection::vec(inner, 1..4).prop_map(PtsValue::List))
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(params in proptest::collection::vec(("[A-Z]{2}", proptest::option::of(value())), 0..6), number in 0_u16..1000) {
        let params = params.into_iter().map(|(name, value)| Param { name: name.as_bytes().try_into().unwrap(), value });
        let message = PtsMessage { version: Version::V1_2, code: Code::new(*b"LR"), transaction: number, params: params.collect() };
        let text = message.write().unwrap();
        prop_assert_eq!(PtsMessage::read(text.as_bytes()), Ok(message), "{}", text);
    }

    #[test]
    fn parts_give_the_message_again(payload in "[ -~\u{e0}-\u{ff}]{1,1500}", room in 100_usize..200) {
        let text = format!("WV12UP9 {payload}");
        let Ok(parts) = split(&text, room) else { return Ok(()) };
        prop_assert!(parts.iter().all(|part| part.len() <= room));
        let mut assembly = Assembly::default();
        let now = Timestamp::from_millis(0);
        let whole: Vec<String> =
            parts.iter().rev().filter_map(|part| assembly.take(now, &(), part.as_bytes()).unwrap()).collect();
        prop_assert_eq!(whole, [text]);
    }

    #[test]
    fn anything_is_read_or_refused(text in "WV1[1-3][A-Z]{2}[0-9]{1,3}( [A-Z]{2}(=[ -~]{0,20})?){0,5}") {
        if let Ok(message) = read(&text) {
            let _ = read_envelope(&message);
        }
    }
}
