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

mod error {
    use super::table;
    use gateway::{
        simple::translate::outcome::{Purpose, from_status, to_status},
        wv::translate::outcome::{from_code, to_code},
    };
    use wv_proto::{status::StatusCode, version::Version};

    fn number(value: &toml::Value) -> u16 {
        u16::try_from(value.as_integer().unwrap()).unwrap()
    }

    /// The code in the cell, or none where it says why there is none.
    fn cell(row: &toml::Value, column: &str) -> Option<u16> {
        let why = row.get(format!("open_{column}")).and_then(toml::Value::as_str);
        match (row.get(column), why) {
            (Some(value), None) => Some(number(value)),
            (None, Some(why)) if !why.is_empty() => None,
            _ => panic!("{}: {column} is neither a code nor open for a reason", row["row"]),
        }
    }

    #[test]
    fn every_cell_of_the_error_tables_holds() {
        let table = table("error.toml");
        let mut differences = Vec::new();
        for row in table["from_sip"].as_array().unwrap() {
            cell(row, "group");
            for (column, purpose) in [("presence", Purpose::Presence), ("message", Purpose::Message)] {
                let Some(expected) = cell(row, column) else { continue };
                for status in row["status"].as_array().unwrap().iter().map(number) {
                    let told = to_code(from_status(status, purpose), Version::V1_3).number();
                    if told != expected {
                        differences.push(format!("SIP {status} {column}: {told} instead of {expected}"));
                    }
                }
            }
        }
        for row in table["from_wv"].as_array().unwrap() {
            cell(row, "invite");
            for (column, purpose) in [("subscribe", Purpose::Presence), ("message", Purpose::Message)] {
                let Some(expected) = cell(row, column) else { continue };
                for code in row["code"].as_array().unwrap().iter().map(number) {
                    let told = to_status(from_code(StatusCode::new(code).unwrap()), purpose);
                    if told != expected {
                        differences.push(format!("WV {code} {column}: {told} instead of {expected}"));
                    }
                }
            }
        }
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }
}

#[path = "mapping_tables/specification.rs"]
mod specification;

mod presence {
    use super::table;
    use gateway::{
        simple::translate::presence::{from_pidf, to_pidf},
        wv::translate::presence::{from_update, to_sub_list},
    };
    use mapping::{
        presence::{AttributeSet, DeviceId, PresenceDocument, PresenceView},
        time::Timestamp,
    };
    use sip_proto::body::{pidf::Presence, xml::XmlLimits};
    use std::sync::Arc;
    use wv_proto::{
        codec::{self, WriterOptions},
        limit::Limits,
        presence_attribute::PresenceSubList,
        primitive::{Envelope, Primitive, SessionDescriptor, Transaction, presence::UpdatePresenceRequest},
        version::{Encoding, Version},
    };

    fn sub_list(inside: &str) -> PresenceSubList {
        let message = format!(
            r#"<WV-CSP-Message xmlns="{csp}"><Session><SessionDescriptor><SessionType>Outband</SessionType></SessionDescriptor><Transaction><TransactionDescriptor><TransactionMode>Request</TransactionMode><TransactionID>1</TransactionID></TransactionDescriptor><TransactionContent xmlns="{trc}"><UpdatePresence-Request><PresenceSubList xmlns="{pa}">{inside}</PresenceSubList></UpdatePresence-Request></TransactionContent></Transaction></Session></WV-CSP-Message>"#,
            csp = Version::V1_2.message_namespace(),
            trc = Version::V1_2.transaction_namespace(),
            pa = Version::V1_2.presence_namespace(),
        );
        let decoded = codec::decode(message.as_bytes(), None, &Limits::default()).unwrap();
        let mut envelope = Envelope::decode(&decoded.tree).unwrap();
        match envelope.transactions.remove(0).content.unwrap() {
            Primitive::UpdatePresenceRequest(request) => request.attributes,
            other => panic!("{other:?}"),
        }
    }

    /// The attributes as XML, for comparing and for reading when they differ.
    fn to_xml(list: PresenceSubList) -> String {
        let primitive = Primitive::UpdatePresenceRequest(UpdatePresenceRequest { attributes: list });
        let envelope = Envelope::new(SessionDescriptor::Outband, Transaction::request(None, primitive));
        let octets = envelope.encode(Version::V1_2, Encoding::Xml, WriterOptions::default()).unwrap();
        let text = String::from_utf8(octets.to_vec()).unwrap();
        let (_, behind) = text.split_once("<PresenceSubList").unwrap();
        let (_, behind) = behind.split_once('>').unwrap();
        behind.split("</PresenceSubList>").next().unwrap_or_default().to_owned()
    }

    fn shown(document: PresenceDocument, attributes: AttributeSet) -> PresenceView {
        PresenceView { document: Arc::new(document), attributes, changed: AttributeSet::ALL }
    }

    fn read(pidf: &str) -> PresenceDocument {
        from_pidf(&Presence::parse(pidf.as_bytes(), &XmlLimits::PRESENCE).unwrap(), None)
    }

    #[test]
    fn every_row_holds_in_both_directions() {
        let table = table("presence.toml");
        let mut differences = Vec::new();
        for row in table["row"].as_array().unwrap() {
            let (id, wv) = (row["id"].as_str().unwrap(), row["wv"].as_str().unwrap());
            let said = sub_list(wv);
            let asked = gateway::wv::translate::presence::from_names(Some(&said.names()));
            let document = from_update(&said, &DeviceId::new("phone"), Timestamp::EPOCH).unwrap();
            let pidf = to_pidf("sip:alice@wv.example", &shown(document, asked)).write().unwrap();
            for piece in row["pidf"].as_array().unwrap() {
                if !pidf.contains(piece.as_str().unwrap()) {
                    differences.push(format!("{id}: {piece} is missing in {pidf}"));
                }
            }
            for piece in row.get("absent").and_then(|value| value.as_array()).into_iter().flatten() {
                if pidf.contains(piece.as_str().unwrap()) {
                    differences.push(format!("{id}: {piece} is in {pidf}"));
                }
            }
            let expected = row.get("back").map_or(wv, |back| back.as_str().unwrap());
            let back = to_xml(to_sub_list(&shown(read(&pidf), asked), Version::V1_2));
            if to_xml(sub_list(expected)) != back {
                differences.push(format!("{id}: came back as {back}"));
            }
        }
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }

    fn pidf(inside: &str) -> String {
        format!(
            r#"<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" xmlns:op="urn:oma:xml:prs:pidf:oma-pres" xmlns:cipid="urn:ietf:params:xml:ns:pidf:cipid" xmlns:caps="urn:ietf:params:xml:ns:pidf:caps" entity="sip:bob@sip.example">{inside}</presence>"#
        )
    }

    fn told(inside: &str, names: &str) -> String {
        let asked = gateway::wv::translate::presence::from_names(Some(&sub_list(names).names()));
        to_xml(to_sub_list(&shown(read(&pidf(inside)), asked), Version::V1_2))
    }

    #[test]
    fn every_decision_about_availability_is_taken_as_the_table_says() {
        let table = table("presence.toml");
        for row in table["decision"].as_array().unwrap() {
            let cell = |name: &str| row[name].as_str().unwrap();
            let told = told(cell("pidf"), "<OnlineStatus/><UserAvailability/>");
            let value = |name: &str, value: &str| {
                format!("<{name}><Qualifier>T</Qualifier><PresenceValue>{value}</PresenceValue></{name}>")
            };
            let expected = value("OnlineStatus", cell("online")) + &value("UserAvailability", cell("availability"));
            assert_eq!(told, expected, "{}", cell("id"));
        }
    }

    #[test]
    fn every_source_is_read_as_the_table_says() {
        let table = table("presence.toml");
        let mut differences = Vec::new();
        for row in table["read"].as_array().unwrap() {
            let cell = |name: &str| row[name].as_str().unwrap();
            let told = told(cell("pidf"), cell("names"));
            if told != to_xml(sub_list(cell("wv"))) {
                differences.push(format!("{}: {told}", cell("id")));
            }
        }
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }

    #[test]
    fn the_basic_status_follows_from_what_a_phone_says() {
        let table = table("presence.toml");
        for row in table["basic"].as_array().unwrap() {
            let (id, wv) = (row["id"].as_str().unwrap(), row["wv"].as_str().unwrap());
            let document = from_update(&sub_list(wv), &DeviceId::new("phone"), Timestamp::EPOCH).unwrap();
            let pidf = to_pidf("sip:alice@wv.example", &shown(document, AttributeSet::ALL)).write().unwrap();
            let first = pidf.split("<basic>").nth(1).and_then(|rest| rest.split('<').next()).unwrap_or("none");
            assert_eq!(first, row["basic"].as_str().unwrap(), "{id}: {pidf}");
            let willingness = pidf.contains("<op:overriding-willingness><op:basic>closed");
            assert_eq!(willingness, row["unwilling"].as_bool().unwrap(), "{id}: {pidf}");
        }
    }

    #[test]
    fn every_row_of_the_mapping_is_in_the_table() {
        let rows = table("rows.toml");
        let tables = [table("presence.toml"), table("error.toml")];
        let known: Vec<String> = tables
            .iter()
            .flat_map(|table| table.values().filter_map(toml::Value::as_array).flatten())
            .filter_map(|row| row.get("id").or_else(|| row.get("row")).and_then(toml::Value::as_str))
            .map(str::to_owned)
            .collect();
        let is_known = |id: &str| {
            known
                .iter()
                .any(|row| row.strip_prefix(id).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit())))
        };
        let open = rows["open"].as_table().unwrap();
        let ids = ["presence", "errors"].iter().flat_map(|name| rows[*name].as_array().unwrap());
        let missing: Vec<&str> = ids
            .filter_map(toml::Value::as_str)
            .filter(|id| !is_known(id) && open.get(*id).and_then(toml::Value::as_str).is_none_or(str::is_empty))
            .collect();
        assert!(missing.is_empty(), "no row for {missing:?}");
        let stale: Vec<&String> = open.keys().filter(|id| is_known(id)).collect();
        assert!(stale.is_empty(), "rows that are there are not open: {stale:?}");
    }

    #[test]
    fn every_mood_of_the_other_side_finds_its_name() {
        let table = table("presence.toml");
        for (rpid, wv) in table["mood"].as_table().unwrap() {
            let inside = format!(r#"<dm:person id="p"><rpid:mood><rpid:{rpid}/></rpid:mood></dm:person>"#);
            let expected = match wv.as_str().unwrap() {
                "" => "<StatusMood><Qualifier>F</Qualifier></StatusMood>".to_owned(),
                mood => {
                    format!("<StatusMood><Qualifier>T</Qualifier><PresenceValue>{mood}</PresenceValue></StatusMood>")
                }
            };
            assert_eq!(told(&inside, "<StatusMood/>"), expected, "{rpid}");
        }
    }
}

mod address {
    use super::table;
    use gateway::{simple::translate::address as sip, wv::translate::address as wv};
    use sip_proto::message::uri::Uri;

    fn rows<'a>(table: &'a toml::Table, name: &str) -> &'a Vec<toml::Value> {
        table[name].as_array().unwrap()
    }

    fn cell<'a>(row: &'a toml::Value, name: &str) -> Option<&'a str> {
        row.get(name).and_then(toml::Value::as_str)
    }

    #[test]
    fn every_address_goes_to_the_other_side_and_back() {
        let table = table("address_side.toml");
        for row in rows(&table, "both") {
            let (wv_text, sip_text) = (cell(row, "wv").unwrap(), cell(row, "sip").unwrap());
            let neutral = wv::to_neutral(wv_text, "wv.example").unwrap();
            assert_eq!(sip::from_neutral(&neutral).unwrap().to_string(), sip_text, "{wv_text}");
            let back = sip::to_neutral(&Uri::parse(sip_text).unwrap(), "wv.example").unwrap();
            assert_eq!(wv::from_neutral(&back), cell(row, "wv_back").unwrap_or(wv_text), "{sip_text}");
        }
        for row in rows(&table, "from_sip") {
            let sip_text = cell(row, "sip").unwrap();
            let neutral = sip::to_neutral(&Uri::parse(sip_text).unwrap(), "wv.example").unwrap();
            assert_eq!(wv::from_neutral(&neutral), cell(row, "wv").unwrap(), "{sip_text}");
        }
    }

    #[test]
    fn what_names_nobody_is_refused_on_either_side() {
        let table = table("address_side.toml");
        for row in rows(&table, "wrong_wv") {
            let text = cell(row, "wv").unwrap();
            assert!(wv::to_neutral(text, "wv.example").is_err(), "{text}");
        }
        for row in rows(&table, "wrong_sip") {
            let text = cell(row, "sip").unwrap();
            assert!(sip::to_neutral(&Uri::parse(text).unwrap(), "wv.example").is_err(), "{text}");
        }
    }
}
