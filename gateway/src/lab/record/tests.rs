use super::*;
use crate::lab::scenario::{model::Scenario, stage::RoleKind};
use serde_json::json;
use std::path::Path;

fn line(side: &str, direction: &str, peer: &str, content_type: Option<&str>, message: &str) -> String {
    let wire =
        json!({ "carrier": "http", "content_type": content_type, "message": { "octets": STANDARD.encode(message) } });
    json!({ "at": 1, "correlation": "01", "side": side, "direction": direction, "peer": peer, "title": "", "wire": wire })
        .to_string()
}

fn csp(mode: &str, id: &str, session: Option<&str>, content: &str) -> String {
    let session = session.map_or_else(
        || "<SessionType>Outband</SessionType>".to_owned(),
        |session| format!("<SessionType>Inband</SessionType><SessionID>{session}</SessionID>"),
    );
    format!(
        "<WV-CSP-Message xmlns=\"http://www.openmobilealliance.org/DTD/WV-CSP1.2\"><Session><SessionDescriptor>{session}\
         </SessionDescriptor><Transaction><TransactionDescriptor><TransactionMode>{mode}</TransactionMode>\
         <TransactionID>{id}</TransactionID></TransactionDescriptor><TransactionContent \
         xmlns=\"http://www.openmobilealliance.org/DTD/WV-TRC1.2\">{content}</TransactionContent></Transaction></Session>\
         </WV-CSP-Message>"
    )
}

fn sip(first: &str, call_id: &str, sequence: &str, more: &str, body: &str) -> String {
    format!(
        "{first}\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK{call_id}{}\r\nMax-Forwards: 70\r\n\
         From: <sip:bob@sip.example>;tag=1\r\nTo: <sip:alice@wv.example>;tag=2\r\nCall-ID: {call_id}\r\n\
         CSeq: {sequence}\r\n{more}Content-Length: {}\r\n\r\n{body}",
        sequence.replace(' ', ""),
        body.len()
    )
}

fn recorded() -> Recorder {
    let mut recorder = Recorder::default();
    let wv = |direction, message: String| {
        line("wv", direction, "wv:alice@wv.example", Some("application/vnd.wv.csp.xml"), &message)
    };
    let simple = |direction, message: String| line("simple", direction, "127.0.0.1:5070", None, &message);
    let letter = "<SendMessage-Request><DeliveryReport>F</DeliveryReport><MessageInfo><ContentType>text/plain</ContentType>\
                  <ContentSize>2</ContentSize><Recipient><User><UserID>wv:bob@sip.example</UserID></User></Recipient>\
                  <Sender><User><UserID>wv:alice@wv.example</UserID></User></Sender></MessageInfo>\
                  <ContentData>5$</ContentData></SendMessage-Request>";
    let register = "REGISTER sip:sip.example SIP/2.0";
    for text in [
        wv(
            "in",
            csp(
                "Request",
                "1",
                None,
                "<Login-Request><UserID>wv:alice@wv.example</UserID><ClientID><URL>c</URL></ClientID></Login-Request>",
            ),
        ),
        simple("in", sip(register, "r", "1 REGISTER", "Contact: <sip:bob@127.0.0.1:5070>\r\nExpires: 600\r\n", "")),
        simple("out", sip("SIP/2.0 401 No", "r", "1 REGISTER", "", "")),
        simple("in", sip(register, "r", "2 REGISTER", "Contact: <sip:bob@127.0.0.1:5070>\r\nExpires: 600\r\n", "")),
        simple("out", sip("SIP/2.0 200 OK", "r", "2 REGISTER", "", "")),
        wv("in", csp("Request", "2", Some("s"), letter)),
        simple(
            "in",
            sip(
                "MESSAGE sip:alice@wv.example SIP/2.0",
                "m",
                "1 MESSAGE",
                "Content-Type: text/plain\r\n",
                "scenario\nW1 logs in",
            ),
        ),
        // The same again.
        simple(
            "in",
            sip(
                "MESSAGE sip:alice@wv.example SIP/2.0",
                "m",
                "1 MESSAGE",
                "Content-Type: text/plain\r\n",
                "scenario\nW1 logs in",
            ),
        ),
        simple("out", sip("SIP/2.0 200 OK", "m", "1 MESSAGE", "", "")),
        wv(
            "out",
            csp(
                "Response",
                "2",
                Some("s"),
                "<SendMessage-Response><Result><Code>200</Code></Result><MessageID>9</MessageID></SendMessage-Response>",
            ),
        ),
    ] {
        recorder.take(&text);
    }
    recorder
}

#[test]
fn traffic_becomes_a_scenario_that_reads() {
    let recorded = recorded().finish("A letter\nand more").unwrap();
    let expected = "\
scenario A letter and more
for csp 1.2 xml
W1 is a wv client
S1 is a sip agent

W1 logs in
W1 receives Login-Response
  Result/Code = 200
W1 receives Service-Response
S1 sends REGISTER to sip:$S1.domain as x1
  Expires: 600
S1 receives 200 to REGISTER in x1
W1 sends as r1
  <SendMessage-Request><DeliveryReport>F</DeliveryReport><MessageInfo><ContentType>text/plain</ContentType><ContentSize>2</ContentSize><Recipient><User><UserID>${S1.wv}</UserID></User></Recipient><Sender><User><UserID>${W1.wv}</UserID></User></Sender></MessageInfo><ContentData>5$$</ContentData></SendMessage-Request>
S1 sends MESSAGE to ${W1.sip} as x2
  Content-Type: text/plain
  | scenario
  | W1 logs in
S1 receives 200 to MESSAGE in x2
W1 receives SendMessage-Response in r1
  Result/Code = 200
";
    assert_eq!(recorded.text, expected);
    assert_eq!((recorded.actors, recorded.directions), (2, 9));
    let scenario = Scenario::parse(Path::new("x.scn"), &recorded.text, &|_| None).unwrap();
    assert!(matches!(scenario.variants[0].role_kind(&scenario.cast[1].kind), RoleKind::SipAgent { .. }));
}

#[test]
fn a_trace_without_messages_is_refused_with_what_to_do() {
    let mut recorder = Recorder::default();
    assert_eq!(recorder.finish("x"), Err(RecordError::Nothing));
    recorder.take("{\"missed\":3}");
    recorder.take(r#"{"at":1,"correlation":"01","side":"wv","direction":"in","peer":"x","title":"t","detail":null}"#);
    let error = recorder.finish("x").unwrap_err();
    assert!(error.to_string().contains("--no-redaction"), "{error}");
}
