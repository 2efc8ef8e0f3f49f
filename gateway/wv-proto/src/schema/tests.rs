//! The tables against the facts they were made from.

use std::collections::{BTreeMap, BTreeSet};

use super::token::{Tag, ValueToken};
use super::*;

type Tables =
    (&'static [Tag], &'static [token::AttributeStart], &'static [ValueToken], &'static [(ElementName, Model)]);

fn tables(version: Version) -> Tables {
    match version {
        Version::V1_1 => (&v1_1::TAGS, &v1_1::ATTRIBUTE_STARTS, &v1_1::VALUES, &v1_1::MODELS),
        Version::V1_2 => (&v1_2::TAGS, &v1_2::ATTRIBUTE_STARTS, &v1_2::VALUES, &v1_2::MODELS),
        Version::V1_3 => (&v1_3::TAGS, &v1_3::ATTRIBUTE_STARTS, &v1_3::VALUES, &v1_3::MODELS),
    }
}

#[test]
fn tables_are_complete() {
    let counts = Version::ALL.map(|version| {
        let (tags, attributes, values, _) = tables(version);
        (tags.len(), attributes.len(), values.len())
    });
    // 1.2 has one value token more than its document: the obsolete IM, which is still read.
    assert_eq!(counts, [(303, 3, 97), (352, 6, 107), (433, 9, 188)]);
    assert_eq!(ElementName::all().count(), 450);
}

#[test]
fn names_are_sorted_and_found_by_their_text() {
    assert!(spelling::NAMES.is_sorted());
    for name in ElementName::all() {
        assert_eq!(ElementName::from_text(name.as_str()), Some(name));
        assert_eq!(ElementName::from_text(&name.as_str().to_lowercase()), None, "{name} is case-sensitive");
    }
    for (alias, name) in &spelling::ALIASES {
        assert_eq!(ElementName::from_text(alias), Some(*name));
    }
    for text in ["", "Nothing", "login-request", "WV-CSP-Message ", &"x".repeat(5000)] {
        assert_eq!(ElementName::from_text(text), None);
    }
}

#[test]
fn tokens_are_unique_in_both_directions() {
    for version in Version::ALL {
        let (tags, ..) = tables(version);
        let places: BTreeSet<_> = tags.iter().map(|row| (row.page, row.token)).collect();
        assert_eq!(places.len(), tags.len());
        let mut by_name: BTreeMap<ElementName, Vec<(u8, u8)>> = BTreeMap::new();
        for row in tags {
            assert!((0x05..=0x3F).contains(&row.token) && row.page <= 0x0B, "{}", row.name);
            assert_eq!(read_tag(version, row.page, row.token), Some(row.name));
            by_name.entry(row.name).or_default().push((row.page, row.token));
        }
        for (name, places) in by_name {
            assert_eq!(tag(version, name), places.first().copied(), "{name}");
            // Two tables have ContentType on page 5 as well; it is read there and written on page 0.
            let is_double = name == element::CONTENT_TYPE && version != Version::V1_1;
            assert_eq!(places.len(), if is_double { 2 } else { 1 }, "{name}");
        }
        assert_eq!(tag(version, element::CONTENT_TYPE), Some((0, 0x10)));
    }
}

#[test]
fn tokens_that_were_decided_are_as_decided() {
    let rows = [
        (Version::V1_1, 0x00, 0x09, Some(element::WV_CSP_MESSAGE)),
        (Version::V1_1, 0x06, 0x06, Some(element::BLOCK_ENTITY_REQUEST)),
        (Version::V1_2, 0x04, 0x1E, Some(element::AUTO_SUBSCRIBE)),
        (Version::V1_3, 0x04, 0x1E, Some(element::AUTO_SUBSCRIBE)),
        (Version::V1_2, 0x03, 0x14, Some(element::CIR_URL)),
        (Version::V1_3, 0x03, 0x14, Some(element::CIR_HTTP_ADDRESS)),
        (Version::V1_2, 0x09, 0x0B, Some(element::REACTIVE_AUTH_STATE)),
        (Version::V1_3, 0x09, 0x0B, Some(element::ANSWER_OPTION_TEXT)),
        (Version::V1_3, 0x0B, 0x08, Some(element::ANSWER_OPTIONS_TEXT)),
        (Version::V1_2, 0x0A, 0x05, Some(element::WV_CSP_VERSION_DISCOVERY_REQUEST)),
        (Version::V1_2, 0x05, 0x36, Some(element::CONTENT_TYPE)),
        (Version::V1_2, 0x05, 0x26, Some(element::REFERRED_CONTENT)),
        (Version::V1_2, 0x0B, 0x3F, None),
        (Version::V1_2, 0x0C, 0x05, None),
    ];
    for (version, page, token, expected) in rows {
        assert_eq!(read_tag(version, page, token), expected, "{version} {page:#x} {token:#x}");
    }
    // Removed in 1.3 and still read there, for the clients that kept it; not written.
    assert_eq!(read_tag(Version::V1_3, 0x00, 0x18), Some(element::IN_USE));
    assert_eq!(tag(Version::V1_3, element::IN_USE), None);
}

// WV-ENC-03
#[test]
fn value_tokens_are_read_and_written_by_version() {
    for version in Version::ALL {
        let (_, _, values, _) = tables(version);
        for row in values {
            assert!(row.text.len() <= 31);
            let within = if row.text == "GROUP_ID" { element::SEARCH_ELEMENT } else { element::NAME };
            assert_eq!(read_value(version, Some(within), u32::from(row.number)), Some(row.text));
        }
    }
    let written = |version, within, text| value_token(version, within, text);
    assert_eq!(written(Version::V1_1, element::POLL, "T"), Some(0x2C));
    assert_eq!(written(Version::V1_1, element::STATUS, "OPEN"), None);
    assert_eq!(written(Version::V1_1, element::CAP, "IM"), Some(0x12));
    assert_eq!(written(Version::V1_2, element::NAME, "AccessType"), None);
    assert_eq!(written(Version::V1_2, element::NAME, "ShowID"), Some(0x37));
    assert_eq!(written(Version::V1_2, element::WATCHER_STATUS, "DENIED"), Some(0x34));
    assert_eq!(written(Version::V1_2, element::SUPPORTED_CIR_METHOD, "SHTTP"), None);
    assert_eq!(written(Version::V1_3, element::SUPPORTED_CIR_METHOD, "SHTTP"), Some(0xA5));
    assert_eq!(written(Version::V1_3, element::CAP, "AUDIO_CALL"), None);
    assert_eq!(read_value(Version::V1_1, None, 0x68), Some("IM"));
    assert_eq!(read_value(Version::V1_2, None, 0x68), Some("IM"));
    assert_eq!(read_value(Version::V1_3, None, 0x68), Some("AP"));
    assert_eq!(read_value(Version::V1_3, None, 0x5E), Some("AUDIO_CALL"));
    assert_eq!(read_value(Version::V1_3, None, 0x0001_000B), None);
}

#[test]
fn namespaces_have_their_attribute_tokens() {
    let tokens = [[0x05, 0x07, 0x06], [0x08, 0x0A, 0x09], [0x0B, 0x0D, 0x0C]];
    for (version, [message, transaction, presence]) in Version::ALL.into_iter().zip(tokens) {
        let rows = [
            (message, version.message_namespace()),
            (transaction, version.transaction_namespace()),
            (presence, version.presence_namespace()),
        ];
        for (token, namespace) in rows {
            assert_eq!(attribute_start(version, namespace), Some((token, version.as_str())));
            assert_eq!(
                read_attribute_start(token).map(|start| [start, version.as_str()].concat()).as_deref(),
                Some(namespace)
            );
        }
    }
    assert_eq!(attribute_start(Version::V1_3, "urn:vendor"), None);
}

#[test]
fn every_element_with_a_token_has_a_model_and_every_child_too() {
    fn children(particle: &Particle, names: &mut Vec<ElementName>) {
        match particle {
            Particle::Element(name, _) => names.push(*name),
            Particle::Sequence(parts, _) | Particle::Choice(parts, _) => {
                assert!(parts.len() > 1 || matches!(particle, Particle::Sequence(_, Occurrence::Optional)));
                parts.iter().for_each(|part| children(part, names));
            }
        }
    }
    for version in Version::ALL {
        let (tags, _, _, models) = tables(version);
        assert!(models.is_sorted_by_key(|row| row.0));
        for row in tags {
            assert!(model(version, row.name).is_some(), "{version} {}", row.name);
        }
        for (name, model_of_name) in models {
            if let Model::Children(particle) | Model::TextOr(particle) = model_of_name {
                let mut names = Vec::new();
                children(particle, &mut names);
                assert!(names.iter().all(|child| model(version, *child).is_some()), "{version} {name}: {names:?}");
                assert!(names.iter().all(|child| model_of_name.may_hold(*child)));
            }
        }
    }
}

#[test]
fn models_say_what_the_documents_say() {
    use Occurrence::{Many, One, Optional};
    use Particle::Element;
    let expected = Particle::Sequence(
        &[
            Element(element::USER_ID, One),
            Element(element::CLIENT_ID, One),
            Element(element::PASSWORD, Optional),
            Element(element::DIGEST_BYTES, Optional),
            Element(element::DIGEST_SCHEMA, Many),
            Element(element::TIME_TO_LIVE, Optional),
            Element(element::SESSION_COOKIE, One),
        ],
        One,
    );
    assert_eq!(model(Version::V1_2, element::LOGIN_REQUEST), Some(&Model::Children(expected)));
    assert_eq!(model(Version::V1_1, element::LOGOUT_REQUEST), Some(&Model::Empty));
    assert_eq!(model(Version::V1_1, element::CIR), None);
    assert!(matches!(model(Version::V1_1, element::STATUS), Some(Model::TextOr(_))));
    assert_eq!(model(Version::V1_2, element::EXT_BLOCK), Some(&Model::Any));
}

#[test]
fn value_kinds_are_known_in_every_version() {
    use ValueKind::{Binary, Boolean, DateTime, Integer, NumericText, Text};
    let rows = [
        (element::POLL, Boolean),
        (element::CODE, Integer),
        (element::DATE_TIME, DateTime),
        (element::CONTENT_DATA, Binary),
        (element::SEARCH_ID, NumericText),
        (element::USER_ID, Text),
    ];
    for version in Version::ALL {
        for (name, kind) in rows {
            assert_eq!(name.kind(version), kind, "{version} {name}");
        }
    }
    let count = |version, wanted| {
        ElementName::all().filter(|name| tag(version, *name).is_some() && name.kind(version) == wanted).count()
    };
    assert_eq!(Version::ALL.map(|version| count(version, Boolean)), [13, 16, 23]);
    assert_eq!(Version::ALL.map(|version| count(version, Integer)), [16, 18, 37]);
}
