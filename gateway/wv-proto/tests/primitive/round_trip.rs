//! What is written is read again as it was, for every primitive, version and encoding.

use crate::arbitrary::{PRIMITIVE_KINDS, Source};
use proptest::prelude::*;
use std::collections::BTreeSet;
use wv_proto::codec::tree::{Builder, Element};
use wv_proto::codec::{WriterOptions, decode};
use wv_proto::limit::Limits;
use wv_proto::primitive::Envelope;
use wv_proto::schema::{ElementName, Model, Occurrence, Particle, element, model};
use wv_proto::version::{Encoding, Version};

fn there_and_back(envelope: &Envelope, version: Version, encoding: Encoding) -> Envelope {
    let octets = envelope.encode(version, encoding, WriterOptions::default()).unwrap();
    let decoded = decode(&octets, None, &Limits::default()).unwrap();
    assert_eq!((decoded.version, decoded.encoding), (version, encoding));
    Envelope::decode(&decoded.tree).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_message_is_read_as_it_was_written(
        choices in proptest::collection::vec(any::<u8>(), 0..400),
        kind in 0..PRIMITIVE_KINDS,
    ) {
        for version in Version::ALL {
            for encoding in [Encoding::Xml, Encoding::Wbxml] {
                let envelope = Source::new(&choices, version, encoding).envelope(kind);
                prop_assert_eq!(&there_and_back(&envelope, version, encoding), &envelope, "{} {:?}", version, encoding);
            }
        }
    }
}

/// An element of a content model, and where in the order it stands.
struct Place {
    name: ElementName,
    rank: usize,
    may_repeat: bool,
    /// Whether it is inside something that repeats as a whole, where the order is free.
    is_free: bool,
}

/// The places of a content model; in what repeats as a whole, the order is free.
fn places(particle: &Particle, rank: &mut usize, is_inside_repetition: bool, found: &mut Vec<Place>) {
    let repeats = |occurrence: &Occurrence| matches!(occurrence, Occurrence::Many | Occurrence::OneOrMore);
    match particle {
        Particle::Element(name, occurrence) => {
            let may_repeat = is_inside_repetition || repeats(occurrence);
            found.push(Place { name: *name, rank: *rank, may_repeat, is_free: is_inside_repetition });
            *rank += usize::from(!is_inside_repetition);
        }
        Particle::Sequence(parts, occurrence) => {
            parts.iter().for_each(|part| places(part, rank, is_inside_repetition || repeats(occurrence), found));
        }
        Particle::Choice(parts, occurrence) => {
            let start = *rank;
            let mut end = start;
            for part in *parts {
                *rank = start;
                places(part, rank, is_inside_repetition || repeats(occurrence), found);
                end = end.max(*rank);
            }
            *rank = end;
        }
    }
}

/// What in the children of an element is not as the content model of the version has it.
fn disorder(version: Version, parent: Element<'_, '_>) -> Option<String> {
    let inside = || parent.children().find_map(|child| disorder(version, child));
    let Some(Model::Children(particle) | Model::TextOr(particle)) =
        parent.known().and_then(|name| model(version, name))
    else {
        return inside();
    };
    let mut found = Vec::new();
    places(particle, &mut 0, false, &mut found);
    let mut last: Option<&Place> = None;
    // That Address has a ClientID like the other client status attributes is likely and not certain (1.3 table).
    let is_likely = |child: &ElementName| parent.is(element::ADDRESS) && *child == element::CLIENT_ID;
    for child in parent.children().filter_map(Element::known).filter(|child| !is_likely(child)) {
        let is_next = |place: &&Place| match last {
            Some(last) if place.rank == last.rank => place.is_free || (place.name == last.name && place.may_repeat),
            Some(last) => place.rank > last.rank,
            None => true,
        };
        let Some(place) = found.iter().filter(|place| place.name == child).find(is_next) else {
            return Some(format!("{child} is out of place in {parent:?}"));
        };
        last = Some(place);
    }
    inside()
}

/// Whether the version has the primitive at all.
fn is_in(version: Version, envelope: &Envelope) -> bool {
    let content = model(version, element::TRANSACTION_CONTENT);
    let name = envelope.transactions[0].name().and_then(|name| ElementName::from_text(name.as_str()));
    content.zip(name).is_some_and(|(content, name)| content.may_hold(name))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_message_is_written_in_the_published_order(
        choices in proptest::collection::vec(any::<u8>(), 0..400),
        kind in 0..PRIMITIVE_KINDS,
    ) {
        for version in Version::ALL {
            let envelope = Source::new(&choices, version, Encoding::Xml).envelope(kind);
            if is_in(version, &envelope) {
                let mut builder = Builder::new(version, Encoding::Xml);
                envelope.write(&mut builder).unwrap();
                let tree = builder.finish().unwrap();
                prop_assert_eq!(disorder(version, tree.root()), None, "{}", version);
            }
        }
    }
}

#[test]
fn every_kind_of_primitive_is_grown() {
    let names: BTreeSet<String> = (0..PRIMITIVE_KINDS)
        .flat_map(|kind| {
            [[0; 64], [1; 64]].map(|choices| Source::new(&choices, Version::V1_2, Encoding::Xml).envelope(kind))
        })
        .map(|envelope| envelope.transactions[0].name().unwrap().as_str().to_owned())
        .collect();
    assert_eq!(names.len(), 103, "{names:?}");
}
