//! Connectionless WAP push (WAPUDP, WAPSMS): the wake-up as the body of a WSP push.

/// A WSP push with this text as its body, for the application `x-wap-application:wv.ua`.
// WV-CIR-08
#[must_use]
pub fn wap_push(push_id: u8, text: &str) -> Vec<u8> {
    let mut octets = Vec::with_capacity(HEADERS.len().saturating_add(text.len()).saturating_add(3));
    octets.extend([push_id, PDU_PUSH, u8::try_from(HEADERS.len()).unwrap_or(0)]);
    octets.extend(HEADERS);
    octets.extend(text.as_bytes());
    octets
}

/// The type of a push PDU.
const PDU_PUSH: u8 = 0x06;

/// Content type application/vnd.wv.csp.cir by its short code, then X-Wap-Application-Id with the short code of wv.ua.
const HEADERS: [u8; 3] = [0x80 | 0x46, 0x80 | 0x2f, 0x80 | 0x0a];

/// The user data header that takes an SMS to the port of WAP push: destination and source port, 16 bits each.
pub const WAP_SMS_HEADER: [u8; 7] = [0x06, 0x05, 0x04, 0x0b, 0x84, 0x23, 0xf0];
