//! CSP messages in files: our own fixtures and the corpus of foreign messages.

use crate::{corpus, repository};
use std::{fs, path::Path};

/// A message and where it stands.
#[derive(Clone, Debug)]
pub struct MessageFile {
    /// The name of the file.
    pub name: String,
    /// The message.
    pub octets: Vec<u8>,
}

/// The messages of `fixtures/wv`.
///
/// # Panics
/// When there are none.
#[must_use]
pub fn fixtures() -> Vec<MessageFile> {
    let messages: Vec<MessageFile> = ["csp-1.1", "csp-1.2", "csp-1.3"]
        .iter()
        .flat_map(|folder| read_folder(&repository().join("fixtures/wv").join(folder)))
        .collect();
    assert!(!messages.is_empty(), "fixtures/wv holds no message");
    messages
}

/// The messages of one folder of the corpus (`wv`: sent by clients, `wv-server`: by servers); none without a corpus.
///
/// # Panics
/// When there is a corpus without the folder.
#[must_use]
pub fn foreign(folder: &str) -> Option<Vec<MessageFile>> {
    let Some(corpus) = corpus() else {
        println!("corpus absent");
        return None;
    };
    let messages = read_folder(&corpus.join(folder));
    assert!(!messages.is_empty(), "the corpus has no folder {folder}");
    Some(messages)
}

/// The files of the corpus that are not well-formed, each for the reason that its README gives.
pub const NOT_WELL_FORMED: &[&str] = &[
    "aosp-vector-dec-incomplete-str-i.wbxml.hex",
    "aosp-vector-dec-invalid-entity.wbxml.hex",
    "aosp-vector-enc-invalid-entity.wbxml.hex",
    "movistar-cocoa-csp12-CreateList-Request-malformed.xml",
];

fn read_folder(folder: &Path) -> Vec<MessageFile> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut messages: Vec<MessageFile> = entries.flatten().filter_map(|entry| read(&entry.path())).collect();
    messages.sort_by(|one, other| one.name.cmp(&other.name));
    messages
}

fn read(path: &Path) -> Option<MessageFile> {
    let name = path.file_name()?.to_str()?.to_owned();
    let octets = fs::read(path).ok()?;
    match path.extension()?.to_str()? {
        "xml" => Some(MessageFile { name, octets }),
        "hex" => Some(MessageFile { name, octets: from_hex(&octets)? }),
        _ => None,
    }
}

/// Octets written as pairs of hexadecimal digits; everything else between them is skipped.
#[must_use]
pub fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text.iter().filter_map(|octet| char::from(*octet).to_digit(16)).collect();
    digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(high << 4 | low).ok(),
            _ => None,
        })
        .collect()
}
