//! The worked example in `deploy/sidecar`, as it is.

use super::presence::{BOB_IS_THERE, sees};
use acceptance::{
    agent::Agent, folder::Folder, http, kamailio, phone::Phone, process::Process, product::program, repository, tool,
    wait,
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::Command,
    time::Duration,
};
use wv_proto::{
    presence_attribute::{PresenceAttribute, PresenceSubList, Qualified},
    version::{Encoding, Version},
};

fn at(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn example(name: &str) -> PathBuf {
    repository().join("deploy/sidecar").join(name)
}

fn start(name: &str, admin: u16, folder: &Folder) -> Process {
    let mut command = Command::new(program());
    command.arg("run").arg("--config").arg(example(&format!("{name}.toml"))).current_dir(folder.path());
    let process = Process::start(&mut command, &folder.file(&format!("{name}.log"))).expect("it can be started");
    let ready = wait::try_until("/ready", PATIENCE, || {
        http::get(at(admin), "/ready").ok().filter(|answer| answer.status == 200)
    });
    assert!(ready.is_ok(), "{}", process.log());
    process
}

fn says(list: &PresenceSubList, wanted: &str) -> Option<()> {
    let is_meant = |attribute: &PresenceAttribute| match attribute {
        PresenceAttribute::StatusText(text) => text.valid_value().is_some_and(|text| text.as_ref() == wanted),
        _ => false,
    };
    list.attributes.iter().any(is_meant).then_some(())
}

#[test]
fn the_worked_example_runs_as_it_is() {
    let folder = Folder::new("sidecar");
    let Some(_) = tool::find("kamailio") else { return };
    let server = start("server", 8490, &folder);
    let mut command = Command::new("kamailio");
    command.arg("-f").arg(example("kamailio.cfg")).arg("-Y").arg(folder.path()).current_dir(folder.path());
    let mut core = Process::start(&mut command, &folder.file("kamailio.log")).expect("kamailio can be started");
    let answers = || kamailio::answers_options(at(8370)).ok().filter(|answers| *answers);
    assert!(wait::try_until("Kamailio", PATIENCE, answers).is_ok(), "{}", core.log());
    let gateway = start("gateway", 8390, &folder);
    assert!(!gateway.log().contains("WARN"), "{}", gateway.log());
    let mut alice = Phone::logged_in(at(8480), "wv:alice@old.example", Version::V1_2, Encoding::Wbxml);
    let mut bob = Agent::registered(at(8370), "bob@sip.example");
    // The shadow logs in when it is needed.
    assert_eq!(bob.send("sip:alice@old.example", "to the phone"), Ok(200), "{}", gateway.log());
    alice.expect_text("to the phone");
    assert_eq!(alice.send(&["wv:bob@old.example"], "from the phone", false).unwrap().result.code.number(), 200);
    bob.expect_text("from the phone");
    // Both ways they see each other.
    bob.publish(BOB_IS_THERE, None).unwrap();
    assert_eq!(alice.watch("wv:bob@old.example"), 200);
    alice.expect_presence("wv:bob@old.example", |list| says(list, "on the road"));
    assert_eq!(alice.publish(vec![PresenceAttribute::StatusText(Qualified::valid("at home".into()))]), 200);
    let (status, watch) = bob.watch("sip:alice@old.example", "presence", 600).unwrap();
    assert!(matches!(status, 200 | 202), "{status}");
    alice.grant("wv:bob@old.example", true);
    sees(&mut bob, &watch, "at home");
    core.terminate();
    let _ = core.wait(PATIENCE);
    drop((gateway, server));
}

const PATIENCE: Duration = Duration::from_secs(30);
