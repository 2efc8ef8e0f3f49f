//! WBXML octets to typed primitives and back, beside libwbxml, which goes to a tree and back only.

use crate::{
    duel::{Allocates, Duel, Subject},
    libwbxml::Library,
    report::Goal,
};
use acceptance::repository;
use bytes::Bytes;
use std::{fs, hint::black_box, rc::Rc};
use wv_proto::{
    codec::{WriterOptions, decode},
    limit::Limits,
    primitive::Envelope,
    version::{ContentType, Encoding, Version},
};

pub(crate) fn duels() -> Vec<Duel> {
    let library = Library::open();
    let [presence, message] = ["16-presence-notification.xml", "20-new-message.xml"].map(Message::read);
    vec![
        decoding("wbxml_presence_decode", "WBXML octets → presence notification", &presence, library),
        encoding("wbxml_presence_encode", "presence notification → WBXML octets", &presence, library),
        decoding("wbxml_message_decode", "WBXML octets → new message", &message, library),
        encoding("wbxml_message_encode", "new message → WBXML octets", &message, library),
    ]
}

/// A message of `fixtures/wv`, as the phone gets it.
struct Message {
    octets: Bytes,
    envelope: Rc<Envelope>,
}

impl Message {
    fn read(name: &str) -> Self {
        let text = fs::read(repository().join("fixtures/wv/csp-1.2").join(name)).expect("a fixture");
        let decoded = decode(&text, None, &Limits::default()).expect("a message");
        let envelope = Envelope::decode(&decoded.tree).expect("an envelope");
        let octets = write(&envelope);
        assert_eq!(read(&octets), envelope, "{name} survives the way there and back");
        Self { octets, envelope: Rc::new(envelope) }
    }
}

fn read(octets: &[u8]) -> Envelope {
    let decoded = decode(octets, Some(ContentType::CspWbxml), &Limits::default()).expect("a message");
    Envelope::decode(&decoded.tree).expect("an envelope")
}

fn write(envelope: &Envelope) -> Bytes {
    envelope.encode(Version::V1_2, Encoding::Wbxml, WriterOptions::default()).expect("a message that can be written")
}

fn decoding(name: &'static str, operation: &'static str, message: &Message, library: Option<Library>) -> Duel {
    let (octets, same) = (message.octets.clone(), message.octets.clone());
    Duel {
        name,
        operation,
        goal: Goal::Ratio(0.2),
        ours: Subject::new(move || drop(black_box(read(black_box(&octets))))),
        baseline: library.map(|library| {
            ("libwbxml, octets → tree", Subject::new(move || drop(black_box(library.decode(black_box(&same))))))
        }),
        baseline_allocates: Allocates::Invisibly,
    }
}

fn encoding(name: &'static str, operation: &'static str, message: &Message, library: Option<Library>) -> Duel {
    let (envelope, octets) = (Rc::clone(&message.envelope), message.octets.clone());
    Duel {
        name,
        operation,
        goal: Goal::Ratio(0.2),
        ours: Subject::new(move || drop(black_box(write(black_box(&envelope))))),
        baseline: library.map(|library| {
            let tree = library.decode(&octets);
            let same = tree.encode();
            // It has no tokens for some values and writes them out.
            assert!((octets.len()..octets.len() * 3 / 2).contains(&same), "{same} octets for {}", octets.len());
            ("libwbxml, tree → octets", Subject::new(move || _ = black_box(black_box(&tree).encode())))
        }),
        baseline_allocates: Allocates::Invisibly,
    }
}
