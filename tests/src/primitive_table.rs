//! The table of CSP primitives in the README: what the schema has in each version, and what the gateway does with it.

use crate::rust_files;
use std::collections::BTreeSet;
use wv_proto::{
    codec::{Writer, WriterOptions, sink::Sink},
    primitive::Primitive,
    schema::{ElementName, Model, Particle, ValueKind, element, model},
    version::{Encoding, Version},
};

/// Who says a primitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The client asks.
    Client,
    /// The server asks, or either side answers.
    Server,
}

/// The primitives of a version, as its schema lists them.
#[must_use]
pub fn of_version(version: Version) -> Vec<ElementName> {
    let Some(content) = model(version, element::TRANSACTION_CONTENT) else { return Vec::new() };
    let mut names: Vec<ElementName> = ElementName::all().filter(|name| content.may_hold(*name)).collect();
    names.sort_by_key(|name| name.as_str());
    names
}

/// The primitives of all versions.
#[must_use]
pub fn all() -> Vec<ElementName> {
    let mut names: Vec<ElementName> = Version::ALL.into_iter().flat_map(of_version).collect();
    names.sort_by_key(|name| name.as_str());
    names.dedup();
    names
}

/// Who says it.
#[must_use]
pub fn speaker(name: ElementName) -> Speaker {
    let is_answer = name.as_str().ends_with("-Response") && name != element::INVITE_USER_RESPONSE;
    let is_of_server = [
        element::STATUS,
        element::DISCONNECT,
        element::NEW_MESSAGE,
        element::MESSAGE_NOTIFICATION,
        element::DELIVERY_REPORT_REQUEST,
        element::PRESENCE_NOTIFICATION_REQUEST,
        element::PRESENCE_AUTH_REQUEST,
        element::INVITE_USER_REQUEST,
        element::CANCEL_INVITE_USER_REQUEST,
        element::GROUP_CHANGE_NOTICE,
        element::NOTIFICATION_REQUEST,
        element::SYSTEM_MESSAGE_REQUEST,
    ];
    if is_answer || is_of_server.contains(&name) { Speaker::Server } else { Speaker::Client }
}

/// The primitives that the server makes somewhere, by the names of their types.
#[must_use]
pub fn made() -> BTreeSet<String> {
    let of_server = |file: &str| {
        (file.starts_with("gateway/src/wv/") || file.starts_with("gateway/wv-proto/src/session/"))
            && !file.contains("tests")
            && !file.ends_with("client.rs")
    };
    let mut made = BTreeSet::new();
    for (_, text) in rust_files().iter().filter(|(file, _)| of_server(file)) {
        for (at, mark) in text.match_indices("Primitive::") {
            let rest = text.get(at + mark.len()..).unwrap_or_default();
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
            let after = rest.get(name.len()..).unwrap_or_default();
            let inside = after.trim_start_matches('(').split([')', '\n']).next().unwrap_or_default();
            // A pattern names what is inside; whoever makes one puts a value there.
            let is_pattern = inside == "_" || after.split_once('\n').is_some_and(|(line, _)| line.contains("=>"));
            if after.starts_with('(') && !is_pattern {
                made.insert(name);
            }
        }
    }
    made
}

/// The name of the type of a primitive: that of the element without its hyphens.
#[must_use]
pub fn type_name(name: ElementName) -> String {
    name.as_str().replace('-', "").to_ascii_lowercase()
}

/// Whether the primitive is understood, not only known by name.
#[must_use]
pub fn is_typed(name: ElementName) -> bool {
    Primitive::ELEMENTS.contains(&name)
}

/// A message in XML with a request of that name in a session, with everything in it that the schema has.
///
/// # Panics
/// When the schema holds what cannot be written.
#[must_use]
pub fn example(version: Version, session: &str, name: ElementName) -> Vec<u8> {
    let mut writer = Writer::new(version, Encoding::Xml, WriterOptions::default());
    writer.open_with_namespace(element::WV_CSP_MESSAGE, version.message_namespace());
    writer.open(element::SESSION);
    writer.open(element::SESSION_DESCRIPTOR);
    writer.leaf_text(element::SESSION_TYPE, "Inband");
    writer.leaf_text(element::SESSION_ID, session);
    writer.close();
    writer.open(element::TRANSACTION);
    writer.open(element::TRANSACTION_DESCRIPTOR);
    writer.leaf_text(element::TRANSACTION_MODE, "Request");
    writer.leaf_text(element::TRANSACTION_ID, name.as_str());
    writer.close();
    writer.open_with_namespace(element::TRANSACTION_CONTENT, version.transaction_namespace());
    write_example(&mut writer, version, name, DEPTH_MAX);
    for _ in 0..4 {
        writer.close();
    }
    writer.finish().expect("the texts of an example can be written")
}

/// Writes an element with everything in it that the schema has, once.
fn write_example(sink: &mut dyn Sink, version: Version, name: ElementName, depth: usize) {
    match name {
        element::PRESENCE_SUB_LIST => sink.open_with_namespace(name, version.presence_namespace()),
        _ => sink.open(name),
    }
    match model(version, name) {
        // One recipient is enough, and a group may not be hosted.
        Some(Model::Children(_)) if name == element::RECIPIENT => {
            write_example(sink, version, element::USER, depth.saturating_sub(1));
        }
        Some(Model::Children(particle)) if depth > 0 => inside(sink, version, particle, depth - 1),
        Some(Model::Text | Model::TextOr(_)) => sink.text(example_text(version, name)),
        _ => {}
    }
    sink.close();
}

fn inside(sink: &mut dyn Sink, version: Version, particle: &Particle, depth: usize) {
    match particle {
        Particle::Element(name, _) => write_example(sink, version, *name, depth),
        Particle::Sequence(parts, _) => parts.iter().for_each(|part| inside(sink, version, part, depth)),
        Particle::Choice(parts, _) => parts.iter().take(1).for_each(|part| inside(sink, version, part, depth)),
    }
}

fn example_text(version: Version, name: ElementName) -> &'static str {
    match (name, name.kind(version)) {
        (element::CONTACT_LIST | element::GROUP_ID, _) => "wv:nobody/nothing@wv.example",
        (element::SUBSCRIBE_TYPE, _) => "G",
        (element::DELIVERY_METHOD, _) => "P",
        (element::INVITE_TYPE, _) => "IM",
        (element::SEARCH_ELEMENT, _) => "USER_ID",
        (_, ValueKind::Boolean) => "T",
        (_, ValueKind::Integer | ValueKind::NumericText) => "1",
        (_, ValueKind::DateTime) => "20300101T000000Z",
        (_, ValueKind::Text | ValueKind::Binary) => "wv:nobody@wv.example",
    }
}

/// Deeper than any primitive.
const DEPTH_MAX: usize = 8;

/// Where the table stands in the README.
const BEGIN: &str = "<!-- primitives: generated by tests/primitives.rs -->\n";
const END: &str = "<!-- end of primitives -->\n";

/// The README with the table of these rows: name, and what is said of it in each version.
///
/// # Panics
/// When the README has no place for it.
#[must_use]
pub fn in_readme(readme: &str, rows: &[(String, Speaker, [String; 3])]) -> String {
    let (before, rest) = readme.split_once(BEGIN).expect("README.md has the mark where the primitives begin");
    let (_, after) = rest.split_once(END).expect("README.md has the mark where the primitives end");
    let mut table = String::from("| primitive | said by | 1.1 | 1.2 | 1.3 |\n|---|---|---|---|---|\n");
    for (name, speaker, [v1_1, v1_2, v1_3]) in rows {
        let speaker = if *speaker == Speaker::Client { "client" } else { "server" };
        table.push_str(&format!("| {name} | {speaker} | {v1_1} | {v1_2} | {v1_3} |\n"));
    }
    format!("{before}{BEGIN}{table}{END}{after}")
}
