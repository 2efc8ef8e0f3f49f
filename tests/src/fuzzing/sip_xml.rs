//! The XML reader below all bodies of SIMPLE, against another one: what it accepts, the other accepts too and reads the
//! same, and what is cut out stands alone.

use quick_xml::{
    NsReader, XmlVersion,
    events::{BytesStart, Event},
    name::{QName, ResolveResult},
};
use sip_proto::body::xml::{XmlBinding, XmlElement, XmlError, XmlFragment, XmlLimits, XmlReader, XmlWriter};
use std::borrow::Cow;

/// A tag, an end or the text between two of them.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Start { name: Name, attributes: Vec<(Name, String)> },
    End,
    Text(String),
}

/// A namespace and a local name.
type Name = (String, String);

/// A document.
///
/// # Panics
/// When a promise of the reader is broken.
pub fn run(data: &[u8]) {
    let narrow =
        XmlLimits { document_bytes_max: 512, depth_max: 3, elements_max: 6, attributes_max: 3, text_bytes_max: 16 };
    let _ = pieces(data, &narrow);
    let limits = XmlLimits::DEFAULT;
    let Ok(own) = pieces(data, &limits) else { return };
    let text = std::str::from_utf8(data).expect("only UTF-8 is accepted");
    assert_eq!(own, referee(text.strip_prefix('\u{FEFF}').unwrap_or(text)));
    skip(data, &limits);
    for (limits, may_refuse) in [(&limits, false), (&narrow, true)] {
        match XmlFragment::parse(text, limits) {
            Ok(fragment) => stand_alone(&fragment, &own, limits),
            Err(error) => assert!(may_refuse, "{error}"),
        }
    }
    children(data, &limits);
}

/// The document around fragments has a default namespace, into which nothing of theirs may fall.
const AROUND: &[XmlBinding] = &[XmlBinding { prefix: "", namespace: "urn:around" }];

/// Everything in the document, as our reader tells it.
fn pieces(document: &[u8], limits: &XmlLimits) -> Result<Vec<Piece>, XmlError> {
    let mut reader = XmlReader::new(document, limits)?;
    let mut told = vec![start(&reader.root()?)];
    let mut depth = 1_usize;
    while depth > 0 {
        let mut text = Cow::Borrowed("");
        let child = reader.next_child_or_text(&mut text)?;
        if !text.is_empty() {
            told.push(Piece::Text(text.into_owned()));
        }
        let (piece, deeper) = match child {
            Some(child) => (start(&child), depth + 1),
            None => (Piece::End, depth - 1),
        };
        told.push(piece);
        depth = deeper;
        assert!(depth <= limits.depth_max, "deeper than allowed");
    }
    reader.finish()?;
    Ok(told)
}

fn start(element: &XmlElement<'_>) -> Piece {
    let attribute = |attribute: &sip_proto::body::xml::XmlAttribute<'_>| {
        ((attribute.namespace.to_owned(), attribute.name.to_owned()), attribute.value.to_string())
    };
    Piece::Start {
        name: (element.namespace().to_owned(), element.name().to_owned()),
        attributes: element.attributes().iter().map(attribute).collect(),
    }
}

/// What is passed over is checked like what is read.
fn skip(document: &[u8], limits: &XmlLimits) {
    let mut reader = XmlReader::new(document, limits).expect("it was read before");
    reader.root().expect("it was read before");
    reader.skip().expect("what can be read can be passed over");
    reader.finish().expect("it was read before");
}

/// A fragment holds what the document held, also inside another document.
fn stand_alone(fragment: &XmlFragment, own: &[Piece], limits: &XmlLimits) {
    let again = pieces(fragment.xml().as_bytes(), limits);
    assert_eq!(again.as_deref(), Ok(own), "{}", fragment.xml());
    let mut writer = XmlWriter::new(AROUND);
    writer.open("around");
    writer.fragment(fragment);
    writer.close();
    let written = writer.finish().expect("a fragment can be written");
    let wide = XmlLimits { depth_max: XmlLimits::DEFAULT.depth_max + 1, ..XmlLimits::DEFAULT };
    let inside = pieces(written.as_bytes(), &wide).unwrap_or_else(|error| panic!("{error}: {written}"));
    assert_eq!(inside.get(1..=own.len()), Some(own), "{written}");
}

/// Each child of the root, cut out, is what it was in the document.
fn children(document: &[u8], limits: &XmlLimits) {
    let mut reader = XmlReader::new(document, limits).expect("it was read before");
    reader.root().expect("it was read before");
    let own = pieces(document, limits).expect("it was read before");
    let mut rest = own.get(1..).unwrap_or_default();
    while let Some(child) = reader.next_child().expect("it was read before") {
        let fragment = match reader.fragment(&child) {
            Ok(fragment) => fragment,
            // With what it borrows it may have more attributes than are allowed.
            Err(error) => return assert_eq!(error, XmlError::TooManyAttributes),
        };
        rest = rest.get(usize::from(matches!(rest.first(), Some(Piece::Text(_))))..).unwrap_or_default();
        let mut depth = 0_usize;
        let is_last = |piece: &Piece| {
            match piece {
                Piece::Start { .. } => depth += 1,
                Piece::End => depth -= 1,
                Piece::Text(_) => {}
            }
            depth == 0
        };
        let length = rest.iter().position(is_last).map_or(0, |last| last + 1);
        let (element, behind) = rest.split_at(length);
        stand_alone(&fragment, element, limits);
        rest = behind;
    }
    reader.finish().expect("it was read before");
}

/// Everything in the document, as the other reader tells it.
fn referee(document: &str) -> Vec<Piece> {
    let mut reader = NsReader::from_str(document);
    reader.config_mut().check_comments = true;
    let (mut told, mut text) = (Vec::new(), String::new());
    let mut depth = 0_usize;
    loop {
        let event = reader.read_event().unwrap_or_else(|error| panic!("{error}: {document:?}"));
        match &event {
            Event::Start(_) | Event::Empty(_) | Event::End(_) if !text.is_empty() => {
                told.push(Piece::Text(std::mem::take(&mut text)));
            }
            _ => {}
        }
        match event {
            Event::Start(tag) => {
                told.push(referee_start(&mut reader, &tag));
                depth += 1;
            }
            Event::Empty(tag) => told.extend([referee_start(&mut reader, &tag), Piece::End]),
            Event::End(_) => {
                told.push(Piece::End);
                depth -= 1;
            }
            Event::Text(piece) if depth > 0 => text.push_str(&unfolded(&piece)),
            Event::CData(piece) => text.push_str(&unfolded(&piece)),
            Event::GeneralRef(name) => text.push(match &*name {
                "lt" => '<',
                "gt" => '>',
                "amp" => '&',
                "quot" => '"',
                "apos" => '\'',
                _ => name.resolve_char_ref().ok().flatten().expect("a character by number"),
            }),
            Event::Text(_) | Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
            Event::DocType(_) => panic!("a document type was accepted"),
            Event::Eof => return told,
        }
    }
}

fn referee_start(reader: &mut NsReader<&[u8]>, tag: &BytesStart<'_>) -> Piece {
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.expect("an attribute");
        if attribute.key.as_namespace_binding().is_none() {
            let value = attribute.normalized_value(XmlVersion::Explicit1_0).expect("a value").into_owned();
            attributes.push((referee_name(reader, attribute.key, false), value));
        }
    }
    Piece::Start { name: referee_name(reader, tag.name(), true), attributes }
}

fn referee_name(reader: &mut NsReader<&[u8]>, name: QName<'_>, is_element: bool) -> Name {
    let (namespace, local) = match is_element {
        true => reader.resolver_mut().resolve_element(name),
        false => reader.resolver_mut().resolve_attribute(name),
    };
    let namespace = match namespace {
        // Blanks around a namespace are forgiven.
        ResolveResult::Bound(namespace) => namespace.into_inner().trim_matches(' ').to_owned(),
        ResolveResult::Unbound => String::new(),
        ResolveResult::Unknown(prefix) => panic!("prefix {prefix:?} was never declared"),
    };
    (namespace, local.into_inner().to_owned())
}

fn unfolded(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}
