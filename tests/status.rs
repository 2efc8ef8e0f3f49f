//! What the status table of the README says is there, asked of a running gateway.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use acceptance::{
    agent::Agent,
    phone::{Phone, code_of},
    primitive_table,
    product::{pair, shared},
    rules, status,
};
use wv_proto::{
    codec,
    limit::Limits,
    primitive::Envelope,
    schema::ElementName,
    version::{ContentType, Encoding, Version},
};

/// The codes of a server that does not have what it was asked for.
const NOT_THERE: [u16; 3] = [405, 501, 506];

/// What the gateway says to a full request of that name: the code, or the name of the answer.
fn answer(name: &str, user: &str) -> Result<String, u16> {
    // The newest version has every name.
    let version = Version::V1_3;
    let phone = Phone::logged_in(shared().csp(), user, version, Encoding::Xml);
    let element = ElementName::from_text(name).unwrap_or_else(|| panic!("{name} is no element"));
    let message = primitive_table::example(version, &phone.session_id().unwrap(), element);
    let kind = ContentType::for_version(version, Encoding::Xml);
    let answer = phone.post_raw(kind.as_str(), &message).unwrap();
    if answer.body.is_empty() {
        return Ok("nothing".to_owned());
    }
    let decoded = codec::decode(&answer.body, None, &Limits::default()).unwrap();
    let content = Envelope::decode(&decoded.tree).unwrap().transactions.remove(0).content.unwrap();
    match code_of(&content) {
        Some(code) if NOT_THERE.contains(&code) => Err(code),
        Some(code) => Ok(code.to_string()),
        None => Ok(content.name().to_string()),
    }
}

#[test]
fn what_the_table_says_of_wv_primitives_holds() {
    let (pair, mut problems) = (pair(), Vec::new());
    for line in status::lines() {
        for name in &line.served {
            if let Err(code) = answer(name, &pair.wv) {
                problems.push(format!("{name} is said to be served and is answered {code}"));
            }
        }
        for name in &line.refused {
            if let Ok(answer) = answer(name, &pair.wv) {
                problems.push(format!("{name} is said to be refused and is answered {answer}: move it to `served`"));
            }
        }
    }
    assert!(problems.is_empty(), "fixtures/status.toml:\n{}", problems.join("\n"));
}

#[test]
fn what_the_table_says_of_sip_holds() {
    let options = Agent::new(shared().sip(), &pair().sip).options().unwrap();
    let named = |header: &str| -> Vec<String> {
        let values = options.headers().iter().filter(|field| field.name().as_str().eq_ignore_ascii_case(header));
        let texts = values.map(|field| String::from_utf8_lossy(field.raw()).into_owned());
        texts.flat_map(|text| text.split(',').map(|one| one.trim().to_owned()).collect::<Vec<_>>()).collect()
    };
    let (methods, packages, bodies) = (named("Allow"), named("Allow-Events"), named("Accept"));
    let mut problems = Vec::new();
    for line in status::lines() {
        for (said, there) in [(&line.methods, &methods), (&line.packages, &packages), (&line.bodies, &bodies)] {
            for name in said.iter().filter(|name| !there.contains(name)) {
                problems.push(format!("{}: {name} is not among {there:?}", line.specification));
            }
        }
    }
    assert!(problems.is_empty(), "fixtures/status.toml:\n{}", problems.join("\n"));
}

#[test]
fn every_wv_rule_is_followed_by_code_and_shown_by_a_test() {
    let problems = rules::half_cited();
    assert!(problems.is_empty(), "fixtures/rules/wv.toml:\n{}", problems.join("\n"));
}
