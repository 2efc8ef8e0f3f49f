//! The vocabulary of `rsip` beside ours. Its types stay in this file; its parsers are only compared with ours.

use super::header::via::Transport;

/// The transport that `rsip` knows by this token; case does not count.
pub(super) fn transport(token: &str) -> Option<Transport> {
    Some(match token.parse::<rsip::Transport>().ok()? {
        rsip::Transport::Udp => Transport::Udp,
        rsip::Transport::Tcp => Transport::Tcp,
        rsip::Transport::Tls => Transport::Tls,
        rsip::Transport::TlsSctp => Transport::TlsSctp,
        rsip::Transport::Sctp => Transport::Sctp,
        rsip::Transport::Ws => Transport::Ws,
        rsip::Transport::Wss => Transport::Wss,
    })
}

#[cfg(test)]
mod tests {
    use crate::limit::Limits;
    use crate::message::framer::{Parsed, parse_datagram};
    use crate::message::{Message, Method, StatusCode};
    use bytes::Bytes;
    use proptest::prelude::*;
    use rsip::headers::UntypedHeader;
    use rsip::prelude::{HeadersExt, ToTypedHeader};

    #[test]
    fn methods_are_the_same_words() {
        let ours: Vec<&str> = Method::KNOWN.iter().map(Method::as_str).collect();
        for method in rsip::Method::all() {
            assert!(ours.contains(&method.to_string().as_str()), "{method}");
        }
        assert_eq!(ours.len(), rsip::Method::all().len());
    }

    #[test]
    fn status_codes_have_the_same_names() {
        let squeeze =
            |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        let mut differences = Vec::new();
        for number in 100..=699 {
            let ours = StatusCode::from_number(number).unwrap();
            let theirs = rsip::StatusCode::from(number);
            let is_known = ours.has_own_reason() && !matches!(theirs, rsip::StatusCode::Other(..));
            if is_known && squeeze(ours.reason()) != squeeze(&format!("{theirs:?}")) {
                differences.push(number);
            }
        }
        // 406 and 606 have one phrase, which an enumeration cannot give twice.
        assert_eq!(differences, [606]);
    }

    fn word() -> impl Strategy<Value = String> {
        "[a-z][a-z0-9]{0,11}"
    }

    proptest! {
        #[test]
        fn both_parsers_read_the_same_from_plain_requests(
            user in word(), host in "[a-z][a-z0-9]{0,8}\\.example", display in proptest::option::of("[A-Za-z]{1,8}"),
            tag in word(), branch in word(), call_id in word(), sequence in 1..0x7fff_ffff_u32,
            port in proptest::option::of(1..u16::MAX), method in 0..Method::KNOWN.len(),
            body in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let method = Method::KNOWN[method].as_str();
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            let display = display.map(|display| format!("\"{display}\" ")).unwrap_or_default();
            let head = format!(
                "{method} sip:{user}@{host}{port} SIP/2.0\r\nVia: SIP/2.0/TCP {host}{port};branch=z9hG4bK{branch}\r\n\
                From: {display}<sip:{user}@{host}>;tag={tag}\r\nTo: <sip:{user}@{host}>\r\nCall-ID: {call_id}\r\n\
                CSeq: {sequence} {method}\r\nMax-Forwards: 70\r\nContact: <sip:{user}@{host}{port}>\r\n\
                Content-Length: {}\r\n\r\n", body.len());
            let octets = Bytes::from([head.as_bytes(), &body].concat());
            let Ok(Parsed::Message(Message::Request(ours))) = parse_datagram(&octets, &Limits::default()) else {
                panic!("not read: {head}");
            };
            let theirs = rsip::Request::try_from(octets.to_vec()).unwrap();
            prop_assert_eq!(ours.method().as_str(), theirs.method().to_string());
            prop_assert_eq!(ours.uri().to_string(), theirs.uri().to_string());
            prop_assert_eq!(&ours.body()[..], &theirs.body()[..]);
            let headers = ours.headers();
            let via = theirs.via_header().unwrap().typed().unwrap();
            let own_via = headers.via_top().unwrap();
            prop_assert_eq!(own_via.branch().unwrap().to_string(), via.branch().unwrap().value());
            prop_assert_eq!(own_via.transport().as_str(), via.transport.to_string());
            prop_assert_eq!(own_via.port(), via.uri.port().map(|port| *port.value()));
            let from = theirs.from_header().unwrap().typed().unwrap();
            let own_from = headers.from().unwrap();
            prop_assert_eq!(own_from.tag().unwrap().to_string(), from.tag().unwrap().value());
            prop_assert_eq!(own_from.uri().to_string(), from.uri.to_string());
            let call = theirs.call_id_header().unwrap().value().to_owned();
            prop_assert_eq!(headers.call_id().unwrap().to_string(), call);
            let cseq = theirs.cseq_header().unwrap().typed().unwrap();
            prop_assert_eq!(headers.cseq().unwrap().sequence.to_number(), cseq.seq);
            let contact = theirs.contact_header().unwrap().typed().unwrap();
            prop_assert_eq!(headers.contact_first().unwrap().unwrap().uri().to_string(), contact.uri.to_string());
        }
    }
}
