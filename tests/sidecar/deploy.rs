//! The worked example in `deploy/sidecar`, as it is.

use acceptance::{
    agent::Agent, folder::Folder, http, kamailio, phone::Phone, process::Process, product::program, repository, tool,
    wait,
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
    let file = repository().join("deploy/sidecar").join(format!("{name}.toml"));
    let mut command = Command::new(program());
    command.arg("run").arg("--config").arg(file).current_dir(folder.path());
    Process::start(&mut command, &folder.file(&format!("{name}.log"))).expect("the gateway can be started")
}

#[test]
fn the_worked_example_runs_as_it_is() {
    let Some(program) = tool::find("kamailio") else { return };
    let folder = Folder::new("sidecar");
    let gateways = [("server", 47490), ("gateway", 47390)].map(|(name, admin)| (start(name, &folder), admin));
    let mut command = Command::new(program);
    command.arg("-f").arg(repository().join("deploy/sidecar/kamailio.cfg")).arg("-w").arg(folder.path());
    command.arg("-Y").arg(folder.path()).arg("-DD").arg("-E");
    let _kamailio = Process::start(&mut command, &folder.file("kamailio.log")).expect("Kamailio can be started");
    for (gateway, admin) in &gateways {
        let ready = wait::try_until("/ready", Duration::from_secs(30), || {
            http::get(at(*admin), "/ready").ok().filter(|answer| answer.status == 200)
        });
        assert!(ready.is_ok(), "{}", gateway.log());
    }
    let is_there = || kamailio::answers_options(at(47370)).ok().filter(|answers| *answers);
    let answered = wait::try_until("Kamailio", Duration::from_secs(20), is_there);
    assert!(answered.is_ok(), "{}", std::fs::read_to_string(folder.file("kamailio.log")).unwrap_or_default());
    let mut alice = Phone::logged_in(at(47480), "wv:alice@old.example", Version::V1_2, Encoding::Wbxml);
    let mut bob = Agent::registered(at(47370), "bob@sip.example");
    let status = bob.send("sip:alice@old.example", "from SIP").unwrap();
    assert!(matches!(status, 200 | 202), "{status}");
    alice.expect_text("from SIP");
    assert_eq!(alice.send(&["wv:bob@old.example"], "from WV", false).unwrap().result.code.number(), 200);
    bob.expect_text("from WV");
}
