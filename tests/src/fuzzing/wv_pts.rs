//! Plain-text syntax: whole messages and messages in parts.

use wv_proto::{
    codec::pts::{
        MESSAGE_OCTETS_MAX, PtsMessage,
        assembly::{Assembly, split},
        read_envelope, write_envelope,
    },
    session::time::Timestamp,
};

/// Each line is a message, or a part of one.
///
/// # Panics
/// When a promise of the codec is broken.
pub fn run(data: &[u8]) {
    let mut assembly = Assembly::default();
    let now = Timestamp::from_millis(0);
    for line in data.split(|octet| *octet == b'\n').take(64) {
        run_message(line);
        if let Ok(Some(whole)) = assembly.take(now, &0_u8, line) {
            run_message(whole.as_bytes());
        }
    }
}

fn run_message(octets: &[u8]) {
    let Ok(message) = PtsMessage::read(octets) else { return };
    let Ok(text) = message.write() else { return };
    assert_eq!(PtsMessage::read(text.as_bytes()).as_ref(), Ok(&message), "{text}");
    if let Ok(parts) = split(&text, 160) {
        let mut assembly = Assembly::default();
        let now = Timestamp::from_millis(0);
        let whole = parts.iter().filter_map(|part| assembly.take(now, &(), part.as_bytes()).ok().flatten()).last();
        assert_eq!(whole.as_deref(), Some(text.as_str()));
    }
    let Ok(envelope) = read_envelope(&message) else { return };
    let Ok(written) = write_envelope(&envelope, message.version) else { return };
    // What is written is read as the same, and is no longer than it has to be.
    if let Ok(written) = written.write() {
        assert!(written.len() <= MESSAGE_OCTETS_MAX);
        let again = PtsMessage::read(written.as_bytes()).expect("what is written can be read");
        let again = read_envelope(&again).expect("what is written is understood");
        assert_eq!(write_envelope(&again, message.version).and_then(|one| one.write()), Ok(written));
    }
}
