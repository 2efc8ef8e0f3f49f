//! SSP documents: what is read can be written and reads the same again.

use wv_proto::{limit::Limits, ssp::Document};

/// Octets as an SSP document.
///
/// # Panics
/// When what was written reads as something else.
pub fn run(data: &[u8]) {
    let narrow = Limits { depth_max: 6, elements_max: 12, text_bytes_max: 16, ..Limits::default() };
    let _ = Document::read(data, &narrow);
    let Ok(document) = Document::read(data, &Limits::default()) else { return };
    // A primitive that could not be read is written as none.
    let Ok(written) = document.write() else { return };
    let again = Document::read(&written, &Limits::default());
    let again = again.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&written)));
    let rewritten = again.write().expect("read from what was written");
    assert_eq!(rewritten, written, "{}", String::from_utf8_lossy(&written));
}
