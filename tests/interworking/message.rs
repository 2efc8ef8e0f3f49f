//! IWF-MSG: what a scenario cannot write, octets that are no UTF-8.

use crate::both;
use acceptance::catalogue::{How, case};

#[test]
fn iwf_msg_int_018_a_legacy_charset_is_converted() {
    case("IWF-MSG-INT-018", How::Sockets, || {
        let (pair, mut phone, mut agent) = both();
        let answer = agent.send_content(&pair.wv_in_sip(), "text/plain;charset=iso-8859-1", b"gr\xFC\xDFe").unwrap();
        assert_eq!(answer.status().to_number(), 200);
        phone.expect_text("gr\u{fc}\u{df}e");
    });
}
