//! What known clients do in their own way is counted when it makes a difference, and shown with their sessions.

use super::*;
use acceptance::http;

/// How often a quirk was met.
fn met(quirk: &str) -> u64 {
    let answer = http::get((std::net::Ipv4Addr::LOCALHOST, shared().ports().admin).into(), "/metrics").unwrap();
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let name = format!("gateway_quirk_uses_total{{side=\"wv\",quirk=\"{quirk}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(name.as_str())).map_or(0, |count| count.trim().parse().unwrap())
}

/// The quirks that `show sessions` tells of a session.
fn shown(phone: &Phone) -> String {
    let (succeeded, said) = shared().ask(&["show", "sessions", "--json"]);
    assert!(succeeded, "{said}");
    let rows: serde_json::Value = serde_json::from_str(&said).unwrap();
    let id = phone.session_id().unwrap();
    let row = rows.as_array().unwrap().iter().find(|row| row["session"] == id.as_str()).unwrap();
    row["quirks"].as_str().unwrap().to_owned()
}

#[test]
fn wv_qrk_02_quirks_are_counted_where_they_make_a_difference() {
    let client = "WV:Phone-1.0@COLIBRIA.PC-CLIENT";
    let mut movistar = Phone::with_client(shared().csp(), &pair().wv, client, Version::V1_2, Encoding::Xml);
    let profiles_before = met("movistar");
    movistar.log_in().unwrap();
    assert!(met("movistar") > profiles_before, "the profile is counted with each login");
    assert_eq!(shown(&movistar), "");
    let names = ["html_wrapper", "bare_sender", "constant_content_size"];
    let before = names.map(met);
    let bare = movistar.user().trim_start_matches("wv:").to_owned();
    let message = MessageInfo {
        content_type: Some("text/html".into()),
        content_size: Some(148),
        recipient: Recipient::of_user(UserId::new(movistar.user())),
        sender: Some(Sender::User(User::from(UserId::new(bare)))),
        ..MessageInfo::default()
    };
    let content = Some(Content::from_text("<span>hello</span>"));
    let request = SendMessageRequest { delivery_report: false, message, content };
    let answer = movistar.request(Primitive::SendMessageRequest(Box::new(request))).unwrap();
    assert_eq!(code_of(&answer), Some(200));
    for (name, before) in names.iter().zip(before) {
        assert!(met(name) > before, "{name} was not counted");
    }
    assert_eq!(shown(&movistar), names.join(" "));
    // The same from a client of which nothing is known is understood, and no quirk.
    let mut plain = phone(Version::V1_2, Encoding::Xml);
    let bare = plain.user().trim_start_matches("wv:").to_owned();
    let message = MessageInfo {
        recipient: Recipient::of_user(UserId::new(movistar.user())),
        sender: Some(Sender::User(User::from(UserId::new(bare)))),
        ..MessageInfo::default()
    };
    let request = SendMessageRequest { delivery_report: false, message, content: Some(Content::from_text("x")) };
    assert_eq!(code_of(&plain.request(Primitive::SendMessageRequest(Box::new(request))).unwrap()), Some(200));
    assert_eq!(shown(&plain), "");
}
