//! The worked example in `deploy/federation`, as it is.

use acceptance::{
    agent::Agent, folder::Folder, http, phone::Phone, process::Process, product::program, repository, wait,
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    process::Command,
    time::Duration,
};
use wv_proto::{
    presence_attribute::{PresenceAttribute, PresenceSubList, Qualified},
    version::{Encoding, Version},
};

const BOB_IS_THERE: &str = r#"<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:bob@sip.example">
<tuple id="t"><status><basic>open</basic></status><note>in the middle</note></tuple><note>in the middle</note>
</presence>"#;

fn at(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn start(name: &str, folder: &Folder) -> Process {
    let file = repository().join("deploy/federation").join(format!("{name}.toml"));
    let mut command = Command::new(program());
    command.arg("run").arg("--config").arg(file).current_dir(folder.path());
    Process::start(&mut command, &folder.file(&format!("{name}.log"))).expect("the gateway can be started")
}

#[test]
fn the_worked_example_runs_as_it_is() {
    let folder = Folder::new("federation");
    let gateways = [("left", 8190), ("right", 8290)].map(|(name, admin)| (start(name, &folder), admin));
    for (gateway, admin) in &gateways {
        let ready = wait::try_until("/ready", Duration::from_secs(30), || {
            http::get(at(*admin), "/ready").ok().filter(|answer| answer.status == 200)
        });
        assert!(ready.is_ok(), "{}", gateway.log());
    }
    let mut alice = Phone::logged_in(at(8180), "wv:alice@left.example", Version::V1_2, Encoding::Wbxml);
    let mut carol = Phone::logged_in(at(8280), "wv:carol@right.example", Version::V1_3, Encoding::Xml);
    let mut bob = Agent::registered(at(8160), "bob@sip.example");
    assert_eq!(carol.send(&["wv:alice@left.example"], "right to left", false).unwrap().result.code.number(), 200);
    alice.expect_text("right to left");
    assert_eq!(alice.send(&["wv:carol@right.example"], "left to right", false).unwrap().result.code.number(), 200);
    carol.expect_text("left to right");
    assert_eq!(carol.send(&["wv:bob@sip.example"], "right to SIP", false).unwrap().result.code.number(), 200);
    bob.expect_text("right to SIP");
    assert_eq!(bob.send("sip:carol@right.example", "SIP to right"), Ok(200));
    carol.expect_text("SIP to right");
    // Presence in all directions.
    let says = |list: &PresenceSubList, wanted: &str| {
        list.attributes.iter().any(|attribute| match attribute {
            PresenceAttribute::StatusText(text) => text.valid_value().is_some_and(|text| text.as_ref() == wanted),
            _ => false,
        })
    };
    let text = |text: &str| vec![PresenceAttribute::StatusText(Qualified::valid(text.into()))];
    assert_eq!(alice.publish(text("on the left")), 200);
    assert_eq!(carol.publish(text("on the right")), 200);
    bob.publish(BOB_IS_THERE, None).unwrap();
    // Everybody agrees beforehand: WV users by a word, the SIP user by watching back.
    for watcher in ["wv:carol@right.example", "wv:bob@sip.example"] {
        alice.grant(watcher, true);
    }
    for watcher in ["wv:alice@left.example", "wv:bob@sip.example"] {
        carol.grant(watcher, true);
    }
    let (status, of_alice) = bob.watch("sip:alice@left.example", "presence", 600).unwrap();
    assert!(status == 200 || status == 202, "{status}");
    let (_, of_carol) = bob.watch("sip:carol@right.example", "presence", 600).unwrap();
    let shown = [
        ("wv:alice@left.example", "on the left"),
        ("wv:carol@right.example", "on the right"),
        ("wv:bob@sip.example", "in the middle"),
    ];
    for watcher in [&mut alice, &mut carol] {
        let own = watcher.user().to_owned();
        for (presentity, text) in shown.into_iter().filter(|(presentity, _)| *presentity != own) {
            assert_eq!(watcher.watch(presentity), 200);
            watcher.expect_presence(presentity, |list| says(list, text).then_some(()));
        }
    }
    bob.expect_notify(&of_alice, "on the left", |notify| notify.body.contains("on the left").then_some(()));
    bob.expect_notify(&of_carol, "on the right", |notify| notify.body.contains("on the right").then_some(()));
}
