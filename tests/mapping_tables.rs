//! The mapping tables in `fixtures/mapping`, executed.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use acceptance::repository;
use gateway::{
    simple::translate::outcome::{Purpose, from_status, to_status},
    wv::translate::outcome::to_code,
};
use mapping::outcome::Outcome;
use wv_proto::version::Version;

fn table(name: &str) -> toml::Table {
    let path = repository().join("fixtures/mapping").join(name);
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}

fn outcome(name: &toml::Value) -> Outcome {
    serde_json::from_value(serde_json::Value::String(name.as_str().unwrap().to_owned())).unwrap()
}

#[test]
fn every_outcome_has_its_code_in_each_version_and_its_status() {
    let table = table("outcome.toml");
    let rows = table["outcome"].as_array().unwrap();
    for row in rows {
        let outcome = outcome(&row["name"]);
        let expected = |column: &str| u16::try_from(row[column].as_integer().unwrap()).unwrap();
        for (column, version) in [("wv_1_1", Version::V1_1), ("wv_1_2", Version::V1_2), ("wv_1_3", Version::V1_3)] {
            assert_eq!(to_code(outcome, version).number(), expected(column), "{outcome:?} {column}");
        }
        assert_eq!(to_status(outcome, Purpose::Presence), expected("subscribe"), "{outcome:?} subscribe");
        assert_eq!(to_status(outcome, Purpose::Message), expected("message"), "{outcome:?} message");
    }
}

#[test]
fn every_status_means_an_outcome() {
    let table = table("outcome.toml");
    for row in table["status"].as_array().unwrap() {
        let code = u16::try_from(row["code"].as_integer().unwrap()).unwrap();
        assert_eq!(from_status(code, Purpose::Presence), outcome(&row["subscribe"]), "{code} subscribe");
        assert_eq!(from_status(code, Purpose::Message), outcome(&row["message"]), "{code} message");
    }
}
