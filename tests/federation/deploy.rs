//! The worked example in `deploy/federation`, as it is.

use acceptance::{
    agent::Agent, folder::Folder, http, phone::Phone, process::Process, product::program, repository, wait,
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    process::Command,
    time::Duration,
};
use wv_proto::version::{Encoding, Version};

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
    let gateways = [("left", 47190), ("right", 47290)].map(|(name, admin)| (start(name, &folder), admin));
    for (gateway, admin) in &gateways {
        let ready = wait::try_until("/ready", Duration::from_secs(30), || {
            http::get(at(*admin), "/ready").ok().filter(|answer| answer.status == 200)
        });
        assert!(ready.is_ok(), "{}", gateway.log());
    }
    let mut alice = Phone::logged_in(at(47180), "wv:alice@left.example", Version::V1_2, Encoding::Wbxml);
    let mut carol = Phone::logged_in(at(47280), "wv:carol@right.example", Version::V1_3, Encoding::Xml);
    let mut bob = Agent::registered(at(47160), "bob@sip.example");
    assert_eq!(carol.send(&["wv:alice@left.example"], "right to left", false).unwrap().result.code.number(), 200);
    alice.expect_text("right to left");
    assert_eq!(alice.send(&["wv:carol@right.example"], "left to right", false).unwrap().result.code.number(), 200);
    carol.expect_text("left to right");
    assert_eq!(carol.send(&["wv:bob@sip.example"], "right to SIP", false).unwrap().result.code.number(), 200);
    bob.expect_text("right to SIP");
    assert_eq!(bob.send("sip:carol@right.example", "SIP to right"), Ok(200));
    carol.expect_text("SIP to right");
}
