//! A NOTIFY to the values that a subscriber needs, beside rsip, which reads the same header fields into types of its own.

use crate::{
    duel::{Allocates, Duel, Subject},
    pidf,
    report::Goal,
};
use bytes::Bytes;
use rsip::{
    headers::ToTypedHeader,
    message::{HasHeaders, HeadersExt},
};
use sip_proto::{
    limit::Limits,
    message::{
        Message,
        framer::{Parsed, parse_datagram},
    },
};
use std::hint::black_box;

pub(crate) fn duel() -> Duel {
    let octets = Bytes::from(notify());
    let same = octets.clone();
    let limits = Limits::default();
    read(&octets, &limits);
    read_with_rsip(&same);
    Duel {
        name: "sip_notify",
        operation: "SIP NOTIFY → typed header fields",
        goal: Goal::Ratio(0.1),
        ours: Subject::new(move || read(black_box(&octets), &limits)),
        baseline: Some(("rsip, the fields it types", Subject::new(move || read_with_rsip(black_box(&same))))),
        baseline_allocates: Allocates::Visibly,
    }
}

/// As a presence server sends it through a proxy.
fn notify() -> String {
    let body = pidf::DOCUMENT;
    let head = [
        "NOTIFY sip:alice@192.0.2.10:5060;transport=udp SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-7f3a-1-0;rport",
        "Via: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK-9b2c-4;received=192.0.2.2",
        "Max-Forwards: 69",
        "From: \"Bob\" <sip:bob@sip.example>;tag=a6c85cf",
        "To: <sip:alice@wv.example>;tag=1928301774",
        "Call-ID: a84b4c76e66710@192.0.2.10",
        "CSeq: 8775 NOTIFY",
        "Contact: <sip:bob@192.0.2.2:5060;transport=udp>",
        "Event: presence;id=7",
        "Subscription-State: active;expires=3599",
        "User-Agent: presence server 1.0",
        "Content-Type: application/pidf+xml;charset=utf-8",
    ]
    .join("\r\n");
    format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn read(octets: &Bytes, limits: &Limits) {
    let Ok(Parsed::Message(Message::Request(request))) = parse_datagram(octets, limits) else {
        panic!("it is a request");
    };
    let headers = request.headers();
    let vias = headers.vias().expect("Via");
    for via in &vias {
        black_box(via.branch().expect("its branch"));
    }
    black_box(vias);
    let (from, to) = (headers.from().expect("From"), headers.to().expect("To"));
    black_box((from.tag().expect("a tag"), to.tag().expect("a tag")));
    black_box((from, to));
    black_box(headers.call_id().expect("Call-ID"));
    black_box(headers.cseq().expect("CSeq"));
    black_box(headers.max_forwards().expect("Max-Forwards").expect("it is there"));
    black_box(headers.contact_first().expect("Contact").expect("it is there"));
    black_box(headers.content_type().expect("Content-Type").expect("it is there"));
    // These two rsip leaves as text.
    black_box(headers.event().expect("Event").expect("it is there"));
    black_box(headers.subscription_state().expect("Subscription-State").expect("it is there"));
    black_box(request);
}

fn read_with_rsip(octets: &Bytes) {
    let message = rsip::SipMessage::try_from(octets.as_ref()).expect("it is a message");
    for header in message.headers().iter() {
        if let rsip::Header::Via(via) = header {
            let via = via.typed().expect("Via");
            black_box(via.branch().expect("its branch"));
            black_box(via);
        }
        // Ours is read where the body is cut off.
        if let rsip::Header::ContentLength(length) = header {
            black_box(length.length().expect("Content-Length"));
        }
        if let rsip::Header::ContentType(content_type) = header {
            black_box(content_type.typed().expect("Content-Type"));
        }
    }
    let from = message.from_header().and_then(ToTypedHeader::typed).expect("From");
    let to = message.to_header().and_then(ToTypedHeader::typed).expect("To");
    black_box((from.tag().expect("a tag"), to.tag().expect("a tag")));
    black_box((from, to));
    black_box(message.call_id_header().expect("Call-ID"));
    black_box(message.cseq_header().and_then(ToTypedHeader::typed).expect("CSeq"));
    black_box(message.max_forwards_header().and_then(rsip::headers::MaxForwards::num).expect("Max-Forwards"));
    black_box(message.contact_header().and_then(ToTypedHeader::typed).expect("Contact"));
    black_box(message);
}
