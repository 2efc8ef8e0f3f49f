//! Random documents and random octets.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::codec::date_time::DateTime;
use crate::codec::sink::Sink;
use crate::codec::tree::{Builder, Element, Tree};
use crate::codec::{DateTimeForm, WriterOptions, decode, encode};
use crate::limit::Limits;
use crate::schema::{ElementName, Model, Occurrence, Particle, ValueKind, element, model, unexpected_child};
use crate::version::{Encoding, Version};

const DEPTH_MAX: usize = 12;

/// Draws a document from the content models, one decision an octet; without octets it takes the shortest way out.
struct Author<'c> {
    version: Version,
    choices: &'c [u8],
    sink: Builder<'static>,
    depth: usize,
    elements: usize,
}

impl Author<'_> {
    fn choice(&mut self) -> u8 {
        match self.choices {
            [first, rest @ ..] => {
                self.choices = rest;
                *first
            }
            [] => 0,
        }
    }

    fn times(&mut self, occurrence: Occurrence) -> u8 {
        if self.elements > 400 {
            return 0;
        }
        match occurrence {
            Occurrence::One => 1,
            Occurrence::Optional => self.choice() % 2,
            Occurrence::Many => self.choice() % 3,
            Occurrence::OneOrMore => 1 + self.choice() % 2,
        }
    }

    fn element(&mut self, name: ElementName) {
        if self.depth >= DEPTH_MAX {
            return;
        }
        self.depth += 1;
        self.elements += 1;
        match name {
            element::WV_CSP_MESSAGE => self.sink.open_with_namespace(name, self.version.message_namespace()),
            element::TRANSACTION_CONTENT => self.sink.open_with_namespace(name, self.version.transaction_namespace()),
            element::PRESENCE_SUB_LIST => self.sink.open_with_namespace(name, self.version.presence_namespace()),
            _ if name.is_extension_container() => self.sink.open_with_namespace(name, "urn:example:vendor"),
            _ => self.sink.open(name),
        }
        match model(self.version, name).unwrap() {
            Model::Empty => {}
            Model::Text => self.value(name),
            Model::Any => {
                self.sink.open_vendor("Name", Some("urn:example:vendor"));
                self.sink.attribute("kind", "a & b");
                self.sink.text("vendor value");
                self.sink.close();
            }
            Model::Children(particle) => self.particle(particle),
            Model::TextOr(particle) => {
                if self.choice().is_multiple_of(2) {
                    self.particle(particle);
                } else {
                    self.value(name);
                }
            }
        }
        self.sink.close();
        self.depth -= 1;
    }

    fn particle(&mut self, particle: &Particle) {
        match particle {
            Particle::Element(name, occurrence) => {
                for _ in 0..self.times(*occurrence) {
                    self.element(*name);
                }
            }
            Particle::Sequence(parts, occurrence) => {
                for _ in 0..self.times(*occurrence) {
                    parts.iter().for_each(|part| self.particle(part));
                }
            }
            Particle::Choice(parts, occurrence) => {
                for _ in 0..self.times(*occurrence) {
                    let index = usize::from(self.choice()) % parts.len();
                    self.particle(&parts[index]);
                }
            }
        }
    }

    fn value(&mut self, name: ElementName) {
        let choice = self.choice();
        let number = u32::from_be_bytes([0, self.choice() % 2, self.choice(), choice]);
        let texts =
            ["", "T", "IM", "SMS", "http://", "GROUP_ID", "History", "AccessType", "a<b>&\"c'\r\n", "wv:ü@é", "007"];
        let text = texts[usize::from(choice) % texts.len()];
        match name.kind(self.version) {
            ValueKind::Boolean => self.sink.boolean(choice.is_multiple_of(2)),
            ValueKind::Integer => self.sink.integer(number),
            ValueKind::DateTime => self.sink.date_time(&DateTime::from_unix_seconds(i64::from(number) * 7919).unwrap()),
            ValueKind::Binary if choice.is_multiple_of(2) => self.sink.octets(&number.to_be_bytes()),
            ValueKind::Text | ValueKind::NumericText | ValueKind::Binary => self.sink.text(text),
        }
    }
}

fn tree_of(version: Version, root: ElementName, choices: &[u8]) -> Tree<'static> {
    let sink = Builder::new(version, Encoding::Xml);
    let mut author = Author { version, choices, sink, depth: 0, elements: 0 };
    author.element(root);
    author.sink.finish().unwrap()
}

fn survives(tree: &Tree<'_>, version: Version) -> Result<(), TestCaseError> {
    for encoding in [Encoding::Xml, Encoding::Wbxml] {
        for date_time_form in [DateTimeForm::Octets, DateTimeForm::Text] {
            let options = WriterOptions { date_time_form, ..WriterOptions::default() };
            let written = encode(tree, version, encoding, options).unwrap();
            let again = decode(&written, None, &Limits::default()).unwrap();
            prop_assert_eq!(again.encoding, encoding);
            prop_assert_eq!(&again.tree, tree);
            prop_assert_eq!(encode(&again.tree, version, encoding, options).unwrap(), written);
        }
    }
    Ok(())
}

fn keeps_to_its_models(version: Version, element: Element<'_, '_>) -> bool {
    unexpected_child(version, element).is_none() && element.children().all(|child| keeps_to_its_models(version, child))
}

fn versions() -> impl Strategy<Value = Version> {
    prop::sample::select(Version::ALL.to_vec())
}

#[test]
fn every_element_of_every_version_survives_both_encodings() {
    for version in Version::ALL {
        for name in ElementName::all().filter(|name| model(version, *name).is_some()) {
            for choices in [&[][..], &[1; 400], &[7; 400]] {
                let tree = tree_of(version, name, choices);
                for encoding in [Encoding::Xml, Encoding::Wbxml] {
                    let written = encode(&tree, version, encoding, WriterOptions::default()).unwrap();
                    let result = crate::codec::decode_in_session(&written, None, version, &Limits::default());
                    // A root in the namespace of a vendor has no version.
                    if !name.is_extension_container() {
                        assert_eq!(result.unwrap().tree, tree, "{version} {name} {encoding:?}");
                    }
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn messages_of_all_versions_survive_both_encodings(version in versions(), choices in vec(any::<u8>(), 0..600)) {
        let tree = tree_of(version, element::WV_CSP_MESSAGE, &choices);
        prop_assert!(keeps_to_its_models(version, tree.root()));
        survives(&tree, version)?;
    }

    #[test]
    fn texts_survive_both_encodings(text in "[\\PC\t\n\r]{0,80}", octets in vec(any::<u8>(), 1..80)) {
        let mut sink = Builder::new(Version::V1_2, Encoding::Wbxml);
        sink.open_with_namespace(element::SEND_MESSAGE_REQUEST, Version::V1_2.transaction_namespace());
        sink.leaf_text(element::DESCRIPTION, &text);
        sink.leaf_text(element::CONTENT_DATA, &text);
        sink.leaf_octets(element::CONTENT_DATA, &octets);
        sink.close();
        survives(&sink.finish().unwrap(), Version::V1_2)?;
    }

    #[test]
    fn arbitrary_octets_do_no_harm(head in 0usize..5, tail in vec(any::<u8>(), 0..300)) {
        let heads: [&[u8]; 5] = [b"", b"<", &[3, 0x11, 0x6A, 0], &[3, 0x12, 0x6A, 4, b'a', 0, b'b', 0, 0xC9], b"<?xml version='1.0'?><a>"];
        let octets = [heads[head], &tail].concat();
        let _ = decode(&octets, None, &Limits::default());
        let _ = decode(&octets, None, &Limits::default().before_login());
    }

    #[test]
    fn mutated_messages_do_no_harm(
        version in versions(),
        choices in vec(any::<u8>(), 0..200),
        is_binary in any::<bool>(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..12),
    ) {
        let encoding = if is_binary { Encoding::Wbxml } else { Encoding::Xml };
        let tree = tree_of(version, element::WV_CSP_MESSAGE, &choices);
        let mut octets = encode(&tree, version, encoding, WriterOptions::default()).unwrap();
        for (index, octet, change) in changes {
            let at = index.index(octets.len().max(1)).min(octets.len().saturating_sub(1));
            match change {
                0 if !octets.is_empty() => octets[at] = octet,
                1 => octets.insert(at, octet),
                _ => octets.truncate(at.max(octets.len().saturating_sub(3))),
            }
        }
        // What is read must be readable again, or be refused by name.
        if let Ok(read) = decode(&octets, None, &Limits::default())
            && let Ok(written) = encode(&read.tree, read.version, Encoding::Wbxml, WriterOptions::default())
        {
            let again = crate::codec::decode_in_session(&written, None, read.version, &Limits::default());
            prop_assert!(again.is_ok(), "{:?}", again.map(|_| ()));
        }
    }
}
