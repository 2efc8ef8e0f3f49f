//! What a foreign home server refuses, as SIP users are told.

use super::{BOB, World};
use acceptance::{
    agent::Agent,
    catalogue::{How, case},
    repository,
};
use wv_proto::status::StatusCode;

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
