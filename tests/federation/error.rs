//! What a foreign home server refuses, as SIP users are told.

use super::{BOB, World};
use acceptance::{
    agent::Agent,
    catalogue::{How, case},
    repository,
};
use wv_proto::{ssp::primitive::Primitive, status::StatusCode};

/// The rows of the error table that have a SIP status in the column, each code with it.
fn cells(column: &str) -> Vec<(u16, u16)> {
    let text = std::fs::read_to_string(repository().join("fixtures/mapping/error.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    let number = |value: &toml::Value| u16::try_from(value.as_integer().unwrap()).unwrap();
    let rows = table["from_wv"].as_array().unwrap().iter();
    rows.filter_map(|row| row.get(column).map(|status| (row, number(status))))
        .flat_map(|(row, status)| row["code"].as_array().unwrap().iter().map(move |code| (number(code), status)))
        .collect()
}

#[test]
fn iwf_gen_int_007_each_code_of_a_wv_server_has_its_sip_status() {
    case("IWF-GEN-INT-007", How::Sockets, || {
        // What is not stored is answered with what the server said.
        let world = World::with("[messages]\nstore = false\n");
        let mut bob = Agent::registered(world.gateway.sip(), BOB);
        // The session stands, so that a code is the answer to the message.
        assert_eq!(bob.send("sip:alice@foreign.example", "first"), Ok(200));
        let cells = cells("message");
        assert!(cells.len() > 30, "{cells:?}");
        let mut differences = Vec::new();
        for (code, status) in cells {
            world.home.refuse(StatusCode::new(code).unwrap());
            let told = bob.send("sip:alice@foreign.example", &format!("answered {code}"));
            if told.as_ref() != Ok(&status) {
                differences.push(format!("{code}: {told:?} instead of {status}"));
            }
        }
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    });
}

/// What a watcher is told, who was answered before the home server was asked: its word as the reason for which the
/// subscription ends (RFC 6665 §4.1.3), or that it waits, where the server is asked again later.
const fn told_for(code: u16, status: u16) -> &'static str {
    match (code, status) {
        // Credit may come.
        (902 | 903, _) => "pending",
        (_, 403) => "terminated;reason=rejected",
        (_, 404) => "terminated;reason=noresource",
        (_, _) => "pending",
    }
}

/// What a user of the SIP side is told of a subscription that the home server answers with this code.
fn watch_refused(world: &World, bob: &mut Agent, code: u16, wanted: &str) -> String {
    world.home.refuse(StatusCode::new(code).unwrap());
    let presentity = format!("s{code}@foreign.example");
    let (taken, watch) = bob.watch(&format!("sip:{presentity}"), "presence", 600).unwrap();
    assert!(taken == 200 || taken == 202, "{code}: {taken}");
    world.home.expect("a subscription", |asked| match &asked.primitive {
        Primitive::SubscribeRequest(request) => {
            request.users.iter().any(|user| user.as_str().ends_with(&presentity)).then_some(())
        }
        _ => None,
    });
    bob.expect_notify(&watch, &format!("what became of it after {code}"), |notify| {
        let waits = notify.state.starts_with("pending") || notify.state.starts_with("active");
        // Before the server's word is here, a watch waits too.
        (!waits || wanted == "pending").then(|| notify.state.clone())
    })
}

#[test]
fn iwf_gen_int_007_a_watcher_is_told_what_each_code_of_a_wv_server_means() {
    case("IWF-GEN-INT-007", How::Sockets, || {
        let cells = cells("subscribe");
        assert!(cells.len() > 30, "{cells:?}");
        let mut world = World::new();
        let mut bob = Agent::registered(world.gateway.sip(), BOB);
        let mut differences = Vec::new();
        for (code, status) in cells {
            let told = watch_refused(&world, &mut bob, code, told_for(code, status));
            if !told.starts_with(told_for(code, status)) {
                differences.push(format!("{code}: {told} for {status}"));
            }
            // Who has no presence at all is not asked again for an hour.
            if status == 489 {
                world = World::new();
                bob = Agent::registered(world.gateway.sip(), BOB);
            }
        }
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    });
}
