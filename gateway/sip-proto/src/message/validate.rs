//! What every message must have, whoever reads it.

use super::framer::{Fault, Framing, Kind, Malformed};
use super::header::address::NameAddr;
use super::{Message, headers::Headers, method::Method, name::HeaderName, request::Request, response::Response};
use crate::error::{HeaderError, ValueError};

/// Checks a message that was read; what is wrong with a request can be answered, a wrong response is dropped.
///
/// # Errors
/// [`Malformed`], its framing kept.
pub fn validate(message: Message) -> Result<Message, Malformed> {
    match message {
        Message::Request(request) => match check_request(&request) {
            Ok(()) => Ok(Message::Request(request)),
            Err(fault) => {
                let kind = Kind::Request(Some(request.method().clone()));
                Err(Malformed::new(fault, kind, request.headers().clone(), Framing::Kept))
            }
        },
        Message::Response(response) => match check_response(&response) {
            Ok(()) => Ok(Message::Response(response)),
            Err(fault) => Err(Malformed::new(fault, Kind::Response, response.headers().clone(), Framing::Kept)),
        },
    }
}

/// Whether a response came to the end of its way: one that names further hops was not meant for an end point.
// RFC 3261 §8.1.3.3
#[must_use]
pub fn is_for_end_point(response: &Response) -> bool {
    response.headers().items(&HeaderName::Via).is_ok_and(|vias| vias.len() == 1)
}

fn check_request(request: &Request) -> Result<(), Fault> {
    // RFC 4475 §3.1.2.11
    if request.uri().as_sip().is_some_and(|uri| uri.headers().is_some()) {
        return Err(Fault::UriHeaders);
    }
    let headers = request.headers();
    check_mandatory(headers)?;
    let cseq = headers.cseq()?;
    if &cseq.method != request.method() {
        // RFC 3261 §8.1.1.5
        // RFC 4475 §3.1.2.17
        // RFC 4475 §3.1.2.18
        return Err(match request.method() {
            Method::Other(_) => Fault::MethodUnknown,
            _ => Fault::MethodMismatch,
        });
    }
    check_singles(headers)?;
    check_values(headers)?;
    Ok(())
}

fn check_response(response: &Response) -> Result<(), Fault> {
    let headers = response.headers();
    check_mandatory(headers)?;
    headers.cseq()?;
    check_singles(headers)?;
    check_values(headers)?;
    Ok(())
}

/// Without these no message can be matched or answered. Max-Forwards may be missing.
// RFC 3261 §8.1.1
fn check_mandatory(headers: &Headers) -> Result<(), HeaderError> {
    if headers.vias()?.is_empty() {
        return Err(HeaderError::Missing(HeaderName::Via));
    }
    headers.call_id()?;
    // A tag is a token; From of old clients has none.
    // RFC 3261 §19.3
    // RFC 4475 §3.4.1
    let has_bad_tag = |address: &NameAddr<&str>| address.params().has("tag") && address.tag().is_none();
    for (name, address) in [(HeaderName::From, headers.from()?), (HeaderName::To, headers.to()?)] {
        if has_bad_tag(&address) {
            return Err(HeaderError::Bad(name, ValueError::Token));
        }
    }
    Ok(())
}

/// Header fields that have one value and may therefore stand once only.
// RFC 3261 §7.3.1
// RFC 4475 §3.3.8
const SINGLE: &[HeaderName] = &[
    HeaderName::CallId,
    HeaderName::ContentDisposition,
    HeaderName::ContentType,
    HeaderName::CSeq,
    HeaderName::Date,
    HeaderName::Event,
    HeaderName::Expires,
    HeaderName::From,
    HeaderName::MaxForwards,
    HeaderName::MimeVersion,
    HeaderName::MinExpires,
    HeaderName::Organization,
    HeaderName::Priority,
    HeaderName::ReferTo,
    HeaderName::Replaces,
    HeaderName::ReplyTo,
    HeaderName::RetryAfter,
    HeaderName::Server,
    HeaderName::SipETag,
    HeaderName::SipIfMatch,
    HeaderName::Subject,
    HeaderName::SubscriptionState,
    HeaderName::SuppressIfMatch,
    HeaderName::Timestamp,
    HeaderName::To,
    HeaderName::UserAgent,
];

fn check_singles(headers: &Headers) -> Result<(), HeaderError> {
    let mut seen = 0_u64;
    for header in headers.iter() {
        let Some(place) = SINGLE.iter().position(|single| single == header.name()) else {
            continue;
        };
        let bit = 1_u64.checked_shl(u32::try_from(place).unwrap_or(u32::MAX)).unwrap_or(0);
        if seen & bit != 0 {
            return Err(HeaderError::Repeated(header.name().clone()));
        }
        seen |= bit;
    }
    Ok(())
}

/// Values that the layers above read: malformed ones are told here once. Date is left to who needs it.
// RFC 4475 §3.1.2.12
fn check_values(headers: &Headers) -> Result<(), HeaderError> {
    headers.max_forwards()?;
    headers.contacts()?;
    headers.routes()?;
    headers.record_routes()?;
    headers.content_type()?;
    headers.event()?;
    headers.subscription_state()?;
    headers.expires_s()?;
    headers.min_expires_s()?;
    headers.retry_after()?;
    headers.entity_tag()?;
    headers.if_match()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::framer::{Parsed, parse_datagram};
    use super::*;
    use crate::limit::Limits;
    use bytes::Bytes;

    const HEAD: &str = "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: c\r\n";

    fn fault(start: &str, rest: &str) -> Option<Fault> {
        let text = format!("{start}\r\n{HEAD}{rest}\r\n");
        let Ok(Parsed::Message(message)) = parse_datagram(&Bytes::from(text), &Limits::default()) else {
            panic!("not read")
        };
        validate(message).err().map(|malformed| malformed.fault().clone())
    }

    #[test]
    fn complete_messages_pass() {
        assert_eq!(fault("OPTIONS sip:b@h SIP/2.0", "CSeq: 1 OPTIONS\r\n"), None);
        assert_eq!(fault("SIP/2.0 200 OK", "CSeq: 1 OPTIONS\r\n"), None);
    }

    #[test]
    fn each_defect_has_its_fault() {
        let options = "OPTIONS sip:b@h SIP/2.0";
        for (start, rest, expected) in [
            (options, "", Fault::Header(HeaderError::Missing(HeaderName::CSeq))),
            (options, "CSeq: 1 INVITE\r\n", Fault::MethodMismatch),
            ("NEW sip:b@h SIP/2.0", "CSeq: 1 INVITE\r\n", Fault::MethodUnknown),
            ("OPTIONS sip:b@h?a=b SIP/2.0", "CSeq: 1 OPTIONS\r\n", Fault::UriHeaders),
            (options, "CSeq: 1 OPTIONS\r\nt: <sip:b@h>\r\n", Fault::Header(HeaderError::Repeated(HeaderName::To))),
            (
                options,
                "CSeq: 1 OPTIONS\r\nEvent: a\r\no: a\r\n",
                Fault::Header(HeaderError::Repeated(HeaderName::Event)),
            ),
        ] {
            assert_eq!(fault(start, rest), Some(expected), "{start} {rest}");
        }
        assert!(fault(options, "CSeq: 1 OPTIONS\r\nMax-Forwards: 256\r\n").is_some());
        assert!(fault(options, "CSeq: 1 OPTIONS\r\nContact: <sip:a@h>;;\r\n").is_some());
    }

    #[test]
    fn a_malformed_date_is_left_to_who_needs_it() {
        assert_eq!(fault("OPTIONS sip:b@h SIP/2.0", "CSeq: 1 OPTIONS\r\nDate: tomorrow\r\n"), None);
    }
}
