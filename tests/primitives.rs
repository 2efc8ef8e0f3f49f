//! The table of CSP primitives in the README, made from the schema and from what a running gateway answers.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use acceptance::{
    generated,
    phone::{Phone, code_of},
    primitive_table::{self, Speaker},
    product::{pair, shared},
    repository,
};
use std::{collections::BTreeSet, fs};
use wv_proto::{
    codec,
    limit::Limits,
    primitive::Envelope,
    schema::{ElementName, element},
    version::{ContentType, Encoding, Version},
};

/// The codes of a server that does not have what it was asked for.
const NOT_THERE: [u16; 3] = [405, 501, 506];

/// The code with which a request of that name, with everything in it that the schema has, is refused as not there; none
/// when it is served, whatever becomes of it.
fn refusal(phone: &Phone, version: Version, name: ElementName) -> Option<u16> {
    let message = primitive_table::example(version, &phone.session_id().unwrap(), name);
    let kind = ContentType::for_version(version, Encoding::Xml);
    let answer = phone.post_raw(kind.as_str(), &message).unwrap();
    if answer.body.is_empty() {
        return None;
    }
    let decoded = codec::decode(&answer.body, None, &Limits::default()).unwrap();
    let content = Envelope::decode(&decoded.tree).unwrap().transactions.remove(0).content.unwrap();
    code_of(&content).filter(|code| NOT_THERE.contains(code))
}

fn verdict(phone: &Phone, version: Version, name: ElementName, made: &BTreeSet<String>) -> String {
    if !primitive_table::of_version(version).contains(&name) {
        return "–".to_owned();
    }
    let refused = |name| refusal(phone, version, name).map(|code| format!("refused: {code}"));
    let fault = match primitive_table::speaker(name) {
        // It opens the session that every other one needs.
        Speaker::Client if name == element::LOGIN_REQUEST => None,
        Speaker::Client => refused(name),
        Speaker::Server if primitive_table::is_typed(name) && made.contains(&primitive_table::type_name(name)) => None,
        // Who refuses the request never says the answer.
        Speaker::Server => {
            let request = name.as_str().strip_suffix("-Response").map(|stem| format!("{stem}-Request"));
            let request = request.and_then(|request| ElementName::from_text(&request));
            Some(request.and_then(refused).unwrap_or_else(|| "no".to_owned()))
        }
    };
    fault.unwrap_or_else(|| "yes".to_owned())
}

#[test]
fn the_table_of_primitives_is_what_the_gateway_does() {
    let made: BTreeSet<String> = primitive_table::made().iter().map(|name| name.to_ascii_lowercase()).collect();
    let phones =
        Version::ALL.map(|version| (version, Phone::logged_in(shared().csp(), &pair().wv, version, Encoding::Xml)));
    // What ends a session comes last.
    let mut names = primitive_table::all();
    names.sort_by_key(|name| *name == element::LOGOUT_REQUEST);
    let mut rows: Vec<_> = names
        .into_iter()
        .map(|name| {
            let verdicts = phones.each_ref().map(|(version, phone)| verdict(phone, *version, name, &made));
            (name.to_string(), primitive_table::speaker(name), verdicts)
        })
        .collect();
    rows.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    generated::compare("README.md", &primitive_table::in_readme(&readme, &rows));
}
