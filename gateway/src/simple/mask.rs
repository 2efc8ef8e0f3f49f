//! Messages of SIP for the trace: what proves a user and what users write to each other is masked, octet by octet, so
//! that every length stays true.

use crate::observe::wire::Rendering;
use bytes::Bytes;

/// The message as anybody may see it who may see the trace.
#[must_use]
pub fn mask(octets: &Bytes) -> Rendering {
    let end =
        octets.windows(4).position(|window| window == b"\r\n\r\n").map_or(octets.len(), |at| at.saturating_add(4));
    let mut out = octets.to_vec();
    let (head, body) = out.split_at_mut(end.min(octets.len()));
    let mut is_masked = false;
    let mut content_type = String::new();
    for line in head.split_mut(|octet| *octet == b'\n') {
        let name: Vec<u8> = line.iter().take_while(|octet| **octet != b':').map(u8::to_ascii_lowercase).collect();
        match name.trim_ascii() {
            b"content-type" | b"c" => content_type = String::from_utf8_lossy(line).to_lowercase(),
            b"subject" | b"s" => {
                is_masked |= mask_text(line.get_mut(name.len().saturating_add(1)..).unwrap_or_default())
            }
            _ => {}
        }
        // Wherever they stand: a field may go on over several lines.
        for proof in PROOFS {
            is_masked |= mask_value(line, proof);
        }
    }
    is_masked |= mask_body(body, &content_type);
    Rendering { octets: Some(Bytes::from(out)), text: None, is_masked }
}

/// The value behind each place of the name, up to the end of a quoted string or word.
fn mask_value(line: &mut [u8], name: &[u8]) -> bool {
    let mut is_masked = false;
    let mut at = 0;
    while let Some(found) = line.get(at..).and_then(|rest| find(rest, name)) {
        at = at.saturating_add(found).saturating_add(name.len());
        let value = line.get_mut(at..).unwrap_or_default();
        let is_end = |octet: &u8| matches!(octet, b'"' | b',' | b'\r');
        let quote = usize::from(value.first() == Some(&b'"'));
        let rest = value.get_mut(quote..).unwrap_or_default();
        let length = rest.iter().position(is_end).unwrap_or(rest.len());
        is_masked |= mask_text(rest.get_mut(..length).unwrap_or_default());
    }
    is_masked
}

/// Documents of the protocol stay; what a person wrote does not, and neither does what nobody here knows.
fn mask_body(body: &mut [u8], content_type: &str) -> bool {
    if body.is_empty() || content_type.contains("+xml") || content_type.contains("sdp") {
        return false;
    }
    // CPIM and multipart have heads of their own, which have to stay for the rest to be understood.
    let mut heads: u8 = if content_type.contains("message/cpim") { 2 } else { 0 };
    let is_multipart = content_type.contains("multipart/");
    let mut is_masked = false;
    for line in body.split_mut(|octet| *octet == b'\n') {
        if is_multipart && line.starts_with(b"--") {
            heads = 1;
        } else if heads == 0 {
            is_masked |= mask_text(line);
        } else if line.trim_ascii().is_empty() {
            heads = heads.saturating_sub(1);
        }
    }
    is_masked
}

fn mask_text(text: &mut [u8]) -> bool {
    let mut is_masked = false;
    for octet in text.iter_mut().filter(|octet| !octet.is_ascii_whitespace()) {
        *octet = b'x';
        is_masked = true;
    }
    is_masked
}

/// Where it is, whatever the case.
fn find(text: &[u8], name: &[u8]) -> Option<usize> {
    text.windows(name.len()).position(|window| window.eq_ignore_ascii_case(name))
}

/// What stands before a value that proves a user.
const PROOFS: [&[u8]; 3] = [b"response=", b"rspauth=", b"Basic "];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    fn masked(text: &str) -> String {
        let shown = mask(&Bytes::copy_from_slice(text.as_bytes()));
        assert_eq!(shown.is_masked, shown.octets.as_deref() != Some(text.as_bytes()));
        String::from_utf8(shown.octets.unwrap().to_vec()).unwrap()
    }

    #[test]
    fn a_proof_and_a_text_are_masked_in_their_lengths() {
        let message = "MESSAGE sip:a@d SIP/2.0\r\nAuthorization: Digest username=\"bob\",\r\n RESPONSE=\"0a1b\", \
                       nonce=\"n\"\r\nSubject: our plan\r\nContent-Type: text/plain\r\n\r\nhello you\r\n";
        let expected = "MESSAGE sip:a@d SIP/2.0\r\nAuthorization: Digest username=\"bob\",\r\n RESPONSE=\"xxxx\", \
                        nonce=\"n\"\r\nSubject: xxx xxxx\r\nContent-Type: text/plain\r\n\r\nxxxxx xxx\r\n";
        assert_eq!(masked(message), expected);
        assert_eq!(masked("A: Basic YTpi\r\n\r\n"), "A: Basic xxxx\r\n\r\n");
    }

    #[test]
    fn documents_of_the_protocol_stay() {
        let notify = "NOTIFY sip:a@d SIP/2.0\r\nContent-Type: application/pidf+xml\r\n\r\n<presence/>";
        assert_eq!(masked(notify), notify);
    }

    #[test]
    fn heads_inside_a_body_stay() {
        let cpim = "M\r\nc: Message/CPIM\r\n\r\nFrom: <im:a@d>\r\n\r\nContent-Type: text/plain\r\n\r\nhello\r\n\r\nyou";
        assert!(masked(cpim).ends_with("From: <im:a@d>\r\n\r\nContent-Type: text/plain\r\n\r\nxxxxx\r\n\r\nxxx"));
        let parts =
            "M\r\nc: multipart/mixed;boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n";
        assert!(masked(parts).ends_with("--b\r\nContent-Type: text/plain\r\n\r\nxxxxx\r\n--b--\r\n"));
    }

    proptest! {
        #[test]
        fn no_octets_change_their_number(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
            let shown = mask(&Bytes::from(octets.clone()));
            prop_assert_eq!(shown.octets.map(|shown| shown.len()), Some(octets.len()));
        }
    }
}
