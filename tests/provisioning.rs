//! What belongs to users, and the store as a whole, moved in and out of a running gateway by its commands.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use acceptance::{
    folder::Folder,
    phone::Phone,
    product::{Gateway, Setup},
    wait,
};
use std::{fs, time::Duration};
use wv_proto::{
    primitive::{
        Primitive,
        identifier::UserId,
        profile::GetPublicProfileRequest,
        search::{SearchElement, SearchPair, SearchRequest, SearchResult},
    },
    version::{Encoding, Version},
};

const LINES: [&str; 4] = [
    r#"{"kind":"contact_list","user":"wv:alice@wv.example","name":"friends","display_name":"Friends","default":true,"members":[{"user":"sip:bob@sip.example","nickname":"Bob"},{"user":"wv:carol@wv.example"}]}"#,
    r#"{"kind":"authorization","user":"wv:alice@wv.example","list":"friends","decision":"allow"}"#,
    r#"{"kind":"authorization","user":"wv:alice@wv.example","watcher":"sip:bob@sip.example","decision":"allow","attributes":["OnlineStatus","StatusText"]}"#,
    r#"{"kind":"group","user":"wv:alice@wv.example","group":"wv:alice/Room@wv.example","title":"Room","access":"restricted","visibility":"private","history":true,"members":[{"user":"wv:alice@wv.example","role":"administrator"},{"user":"sip:bob@sip.example","role":"user"},{"user":"wv:carol@wv.example","role":"moderator","joins_by_itself":true}]}"#,
];

fn write(folder: &Folder, name: &str, lines: &[&str]) -> String {
    fs::write(folder.file(name), lines.join("\n")).unwrap();
    folder.file(name).to_str().unwrap().to_owned()
}

/// The contact lists as the phone is told.
fn lists(phone: &mut Phone) -> Result<String, String> {
    match phone.request(Primitive::GetListRequest)? {
        Primitive::GetListResponse(response) => Ok(format!("{response:?}")),
        other => Err(format!("{other:?}")),
    }
}

fn alice(gateway: &Gateway) -> Phone {
    Phone::logged_in(gateway.csp(), "wv:alice@wv.example", Version::V1_2, Encoding::Wbxml)
}

#[test]
fn what_belongs_to_users_is_imported_exported_and_purged_in_a_running_gateway() {
    let (gateway, folder) = (Setup::embedded().start(), Folder::new("provisioning"));
    let mut phone = alice(&gateway);
    let mut lines = LINES.to_vec();
    lines.extend([
        "# a remark",
        "{",
        r#"{"kind":"contact_list","user":"wv:alice@elsewhere.example","name":"friends"}"#,
        LINES[0],
        r#"{"kind":"contact_list","user":"wv:nobody@wv.example","name":"friends"}"#,
    ]);
    let (succeeded, said) = gateway.ask(&["account", "import", &write(&folder, "in.jsonl", &lines)]);
    assert!(!succeeded && said.contains("4 added, 4 refused"), "{said}");
    for line in ["line 6: ", "line 7: the domain of", "line 8: contact list exists", "line 9: unknown user"] {
        assert!(said.contains(line), "{line:?} is missing in:\n{said}");
    }
    let told = lists(&mut phone).unwrap();
    assert!(told.contains("alice/friends@wv.example"), "{told}");
    let (succeeded, said) = gateway.ask(&["account", "export", "--user", "wv:alice@wv.example"]);
    assert!(succeeded);
    assert_eq!(said.lines().collect::<Vec<_>>(), LINES);
    let (succeeded, said) = gateway.ask(&["account", "purge", "wv:alice@wv.example"]);
    assert!(succeeded, "{said}");
    assert_eq!(gateway.ask(&["account", "export"]), (true, String::new()));
    // The session ended; the account is still there.
    assert!(lists(&mut phone).is_err());
    let told = lists(&mut alice(&gateway)).unwrap();
    assert!(!told.contains("friends"), "{told}");
}

#[test]
fn what_was_imported_while_no_gateway_ran_is_there_when_one_does() {
    let (mut gateway, folder) = (Setup::embedded().start(), Folder::new("provisioning"));
    gateway.kill();
    let (succeeded, said) = gateway.ask(&["account", "import", &write(&folder, "in.jsonl", &LINES)]);
    assert!(succeeded && said.contains("4 added"), "{said}");
    let (_, exported) = gateway.ask(&["account", "export"]);
    assert_eq!(exported.lines().collect::<Vec<_>>(), LINES);
    gateway.start_again();
    let told = lists(&mut alice(&gateway)).unwrap();
    assert!(told.contains("alice/friends@wv.example"), "{told}");
}

#[test]
fn a_copy_of_the_store_is_made_and_put_back_while_the_gateway_runs() {
    let (mut gateway, folder) = (Setup::embedded().start(), Folder::new("provisioning"));
    let mut phone = alice(&gateway);
    let file = write(&folder, "in.jsonl", &LINES);
    assert!(gateway.ask(&["account", "import", &file]).0);
    assert!(gateway.ask(&["account", "add", "wv:eve@wv.example", "--password", "x"]).0);
    let copy = folder.file("copy");
    let copy = copy.to_str().unwrap();
    let (succeeded, said) = gateway.ask(&["store", "backup", copy]);
    assert!(succeeded, "{said}");
    assert!(!gateway.ask(&["store", "backup", copy]).0, "an older copy is not overwritten");
    // History goes on.
    assert!(gateway.ask(&["account", "purge", "wv:alice@wv.example"]).0);
    assert!(gateway.ask(&["account", "remove", "wv:eve@wv.example"]).0);
    assert_eq!(gateway.ask(&["account", "export"]), (true, String::new()));
    // And is taken back: with it the session that was open when the copy was made.
    let (succeeded, said) = gateway.ask(&["store", "restore", copy]);
    assert!(succeeded, "{said}");
    let told = wait::until("the lists of the copy", Duration::from_secs(20), || lists(&mut phone).ok());
    assert!(told.contains("alice/friends@wv.example"), "{told}");
    assert!(gateway.ask(&["account", "list"]).1.contains("wv:eve@wv.example"));
    // Without a gateway, too.
    gateway.kill();
    assert!(gateway.ask(&["account", "remove", "wv:eve@wv.example"]).0);
    let (succeeded, said) = gateway.ask(&["store", "restore", copy]);
    assert!(succeeded, "{said}");
    gateway.start_again();
    assert!(gateway.ask(&["account", "list"]).1.contains("wv:eve@wv.example"));
    // The first request finds that its connection has gone.
    let told = wait::until("the lists of the copy", Duration::from_secs(20), || lists(&mut phone).ok());
    assert!(told.contains("alice/friends@wv.example"), "{told}");
}

// WV-SRC-07
#[test]
fn who_was_imported_with_names_is_found_by_them() {
    let (gateway, folder) = (Setup::embedded().start(), Folder::new("provisioning"));
    let lines = [
        "user,password,first_name,last_name,email,msisdn",
        "wv:eve@wv.example,x,Eve,Adams,Eve.Adams@mail.example,+4915112345678",
        "wv:mallory@wv.example,x",
    ];
    let (succeeded, said) = gateway.ask(&["account", "import", &write(&folder, "in.csv", &lines)]);
    assert!(succeeded && said.contains("2 added"), "{said}");
    let mut phone = Phone::logged_in(gateway.csp(), "wv:alice@wv.example", Version::V1_3, Encoding::Wbxml);
    for (element, text) in [
        (SearchElement::UserFirstName, "eve"),
        (SearchElement::UserLastName, "Adams"),
        (SearchElement::UserEmailAddress, "eve.adams@MAIL.example"),
        (SearchElement::UserMobileNumber, "15112345678"),
        (SearchElement::UserFriendlyName, "eve adams"),
        (SearchElement::UserId, "eve@"),
    ] {
        let pairs = vec![SearchPair { element: element.clone(), text: text.into(), pair_id: None }];
        let request = SearchRequest::Begin { pairs, criteria: None, limit: Some(5) };
        let answer = phone.request(Primitive::SearchRequest(Box::new(request))).unwrap();
        let Primitive::SearchResponse(response) = answer else { panic!("{element:?}: {answer:?}") };
        let Some(SearchResult::Users(users)) = response.result else { panic!("{element:?}: nobody found") };
        assert_eq!(users.len(), 1, "{element:?}");
        assert_eq!(users[0].user_id.as_str(), "wv:eve@wv.example");
        assert_eq!(users[0].friendly_name.as_deref(), Some("Eve Adams"));
    }
    let line = r#"{"kind":"person","user":"wv:eve@wv.example","first_name":"Eve","last_name":"Adams","email":"Eve.Adams@mail.example","msisdn":"+4915112345678"}"#;
    let exported = gateway.ask(&["account", "export", "--user", "wv:eve@wv.example"]);
    assert_eq!(exported, (true, format!("{line}\n")));
    let lines = [
        line,
        r#"{"kind":"person","user":"wv:mallory@wv.example","first_name":"Mallory"}"#,
        r#"{"kind":"person","user":"wv:nobody@wv.example","first_name":"Nobody"}"#,
        r#"{"kind":"person","user":"wv:alice@wv.example","first_name":"Alice"}"#,
    ];
    let (succeeded, said) = gateway.ask(&["account", "import", &write(&folder, "persons.jsonl", &lines)]);
    assert!(!succeeded && said.contains("2 added, 2 refused"), "{said}");
    assert!(
        said.contains("line 3: there is no account") && said.contains("line 4: wv:alice@wv.example stands"),
        "{said}"
    );
    let exported = gateway.ask(&["account", "export", "--user", "wv:mallory@wv.example"]).1;
    assert_eq!(exported.trim_end(), lines[1]);
    let request = GetPublicProfileRequest { users: vec![UserId::new("wv:eve@wv.example")] };
    let told = format!("{:?}", phone.request(Primitive::GetPublicProfileRequest(request)).unwrap());
    assert!(told.contains("PP_FRIENDLY_NAME") && told.contains("Eve Adams"), "{told}");
}
