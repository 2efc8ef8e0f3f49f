//! Property: what is built is read again as it was built.

use super::framer::{Parsed, parse_datagram};
use super::header::{
    address::NameAddr,
    contact::{Contact, Contacts},
    cseq::{CSeq, Sequence},
    event::{Event, SubscriptionState, SubscriptionStatus, TerminationReason},
    identifier::{Branch, CallId, EntityTag, Tag},
    media_type::MediaType,
    via::{Transport, Via},
};
use super::host::Host;
use super::uri::{SipUri, Uri};
use super::{Header, HeaderName, Headers, Message, Method, Request, Response, StatusCode, validate::validate};
use crate::limit::Limits;
use bytes::Bytes;
use core::net::{Ipv4Addr, Ipv6Addr};
use proptest::prelude::*;

fn host() -> impl Strategy<Value = Host> {
    prop_oneof![
        "[a-z][a-z0-9-]{0,8}[a-z0-9]\\.example".prop_map(|name| Host::parse(&name.into()).unwrap()),
        any::<u32>().prop_map(|bits| Host::Address(Ipv4Addr::from(bits).into())),
        any::<u128>().prop_map(|bits| Host::Address(Ipv6Addr::from(bits).into())),
    ]
}

fn port() -> impl Strategy<Value = Option<u16>> {
    proptest::option::of(any::<u16>())
}

fn token() -> impl Strategy<Value = String> {
    "[A-Za-z0-9.!%*_+`'~-]{1,16}"
}

fn uri() -> impl Strategy<Value = Uri> {
    let params = proptest::collection::btree_map("x[a-z]{1,5}", proptest::option::of("\\PC{1,8}"), 0..3);
    (proptest::option::of("\\PC{1,12}"), host(), port(), params, any::<bool>()).prop_map(
        |(user, host, port, params, is_secure)| {
            let mut uri = SipUri::new(host).with_port(port);
            if let Some(user) = user {
                uri = uri.with_user(&user);
            }
            for (name, value) in params {
                uri = uri.with_param(&name, value.as_deref());
            }
            if is_secure { Uri::Sips(uri) } else { Uri::Sip(uri) }
        },
    )
}

fn address() -> impl Strategy<Value = NameAddr> {
    let params = proptest::collection::btree_map("x[a-z]{1,5}", proptest::option::of("\\PC{0,8}"), 0..3);
    (uri(), proptest::option::of("\\PC{0,12}"), params).prop_map(|(uri, display, params)| {
        let mut address = NameAddr::new(uri);
        if let Some(display) = display {
            address = address.with_display(&display);
        }
        params.iter().fold(address, |address, (name, value)| address.with_param(name, value.as_deref()))
    })
}

fn via() -> impl Strategy<Value = Via> {
    let transport = prop_oneof![
        Just(Transport::Udp),
        Just(Transport::Tls),
        Just(Transport::Wss),
        "[A-Z]{5}".prop_map(|text| Transport::Other(text.into()))
    ];
    (transport, host(), port(), token(), any::<bool>()).prop_map(|(transport, host, port, branch, is_rport)| {
        let via = Via::new(transport, host, port, &Branch::from_unique(&branch).unwrap());
        if is_rport { via.with_rport() } else { via }
    })
}

#[derive(Clone, Debug)]
struct Parts {
    vias: Vec<Via>,
    from: NameAddr,
    to: NameAddr,
    tag: String,
    call_id: String,
    sequence: u32,
    contacts: Vec<NameAddr>,
    routes: Vec<NameAddr>,
    body: Vec<u8>,
}

fn parts() -> impl Strategy<Value = Parts> {
    (
        proptest::collection::vec(via(), 1..4),
        (address(), address(), token(), token(), 0..1_u32 << 31),
        proptest::collection::vec(address(), 0..3),
        proptest::collection::vec(address(), 0..3),
        proptest::collection::vec(any::<u8>(), 0..64),
    )
        .prop_map(|(vias, (from, to, tag, call_id, sequence), contacts, routes, body)| Parts {
            vias,
            from,
            to,
            tag,
            call_id,
            sequence,
            contacts,
            routes,
            body,
        })
}

fn read(octets: &Bytes) -> Message {
    match parse_datagram(octets, &Limits::default()) {
        Ok(Parsed::Message(message)) => validate(message).unwrap(),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn requests_are_read_as_they_were_built(parts in parts(), target in uri(), method in 0..Method::KNOWN.len()) {
        let method = Method::KNOWN[method].clone();
        let tag = Tag::parse(&parts.tag).unwrap();
        let from = parts.from.clone().with_tag(&tag);
        let cseq = CSeq::new(Sequence::from_number(parts.sequence).unwrap(), method.clone());
        let mut request = Request::new(method, target.clone())
            .with(Header::new(HeaderName::From, &from))
            .with(Header::new(HeaderName::To, &parts.to))
            .with(Header::new(HeaderName::CallId, CallId::parse(&parts.call_id).unwrap()))
            .with(Header::new(HeaderName::CSeq, &cseq))
            .with(Header::new(HeaderName::Event, Event::new("presence").unwrap().with_id("7")))
            .with(Header::new(HeaderName::SipIfMatch, EntityTag::parse(&parts.tag).unwrap()))
            .with_body(&MediaType::parse("text/plain").unwrap().with_param("x", "a b"), parts.body.clone().into());
        for via in &parts.vias {
            request.push(Header::new(HeaderName::Via, via));
        }
        for contact in &parts.contacts {
            request.push(Header::new(HeaderName::Contact, contact));
        }
        for route in &parts.routes {
            request.push(Header::new(HeaderName::Route, route));
        }
        let written = request.write().unwrap();
        let Message::Request(again) = read(&written) else { panic!("response") };
        prop_assert_eq!(again.write().unwrap(), written);
        prop_assert_eq!(again.method(), request.method());
        prop_assert_eq!(again.uri(), &target);
        prop_assert!(again.uri().is_equivalent(&target));
        prop_assert_eq!(again.body(), request.body());
        let headers = again.headers();
        prop_assert_eq!(headers.vias().unwrap().iter().map(Via::detach).collect::<Vec<_>>(), parts.vias);
        prop_assert_eq!(headers.from().unwrap().detach(), from);
        prop_assert_eq!(headers.to().unwrap().detach(), parts.to);
        prop_assert_eq!(headers.cseq().unwrap(), cseq);
        let contacts = parts.contacts.into_iter().map(Contact::from).collect();
        prop_assert_eq!(headers.contacts().unwrap().detach(), Contacts::List(contacts));
        prop_assert_eq!(headers.routes().unwrap().iter().map(NameAddr::detach).collect::<Vec<_>>(), parts.routes);
        prop_assert_eq!(headers.content_type().unwrap(), request.headers().content_type().unwrap());
    }

    #[test]
    fn responses_are_read_as_they_were_built(parts in parts(), code in 100..=699_u16, reason in "\\PC{0,20}") {
        let state = SubscriptionState::new(SubscriptionStatus::Terminated).with_reason(&TerminationReason::Timeout);
        let mut request = Request::new(Method::Notify, parts.from.uri().clone())
            .with(Header::new(HeaderName::From, &parts.from))
            .with(Header::new(HeaderName::To, &parts.to))
            .with(Header::new(HeaderName::CallId, CallId::parse(&parts.call_id).unwrap()))
            .with(Header::new(HeaderName::CSeq, "1 NOTIFY"));
        for via in &parts.vias {
            request.push(Header::new(HeaderName::Via, via));
        }
        let tag = Tag::parse(&parts.tag).unwrap();
        let response = Response::for_request(&request, StatusCode::from_number(code).unwrap(), Some(&tag))
            .with_reason(&reason)
            .with(Header::new(HeaderName::SubscriptionState, &state));
        let written = response.write().unwrap();
        let Message::Response(again) = read(&written) else { panic!("request") };
        prop_assert_eq!(again.write().unwrap(), written);
        prop_assert_eq!(again.status().to_number(), code);
        prop_assert_eq!(again.reason(), reason.as_bytes());
        prop_assert_eq!(again.headers().subscription_state().unwrap().unwrap().to_string(), state.to_string());
        let expected = (code != 100).then_some(tag);
        prop_assert_eq!(again.headers().to().unwrap().tag().map(|tag| tag.detach()), expected);
    }

    #[test]
    fn what_is_read_in_place_is_what_is_kept(text in "(\"[ab\\\\\"]{0,3}\" ?)?<?[a-z]{2,4}:[a-z@0-9.:%;=&?/<> ü]{0,24}>?[;=a-z\" ]{0,12}") {
        macro_rules! same {
            ($($kind:ident),*) => {$(
                let (own, seen) = ($kind::from_text(&super::Text::from(text.as_str())), $kind::read(&text));
                prop_assert_eq!(own.as_ref().map(ToString::to_string), seen.as_ref().map(ToString::to_string));
                if let (Ok(own), Ok(seen)) = (own, seen) {
                    prop_assert_eq!(seen.to_string(), $kind::from_text(&own.to_string().into()).unwrap().to_string());
                }
            )*};
        }
        same!(NameAddr, Contact, Uri, Via, Event, MediaType, SubscriptionState);
        if let Ok(address) = NameAddr::read(&text) {
            let kept = address.detach();
            prop_assert_eq!(kept.display(), address.display());
            prop_assert_eq!(kept.tag().map(|tag| tag.to_string()), address.tag().map(|tag| tag.to_string()));
            prop_assert!(kept.uri().is_equivalent(address.uri()));
        }
    }

    #[test]
    fn values_of_a_torn_message_are_refused_or_read(parts in parts(), from in 0..400_usize, length in 0..400_usize, octet in any::<u8>()) {
        let mut request = Request::new(Method::Notify, parts.from.uri().clone())
            .with(Header::new(HeaderName::From, &parts.from))
            .with(Header::new(HeaderName::To, &parts.to))
            .with(Header::new(HeaderName::CallId, CallId::parse(&parts.call_id).unwrap()))
            .with(Header::new(HeaderName::Event, "presence;id=1"));
        for via in &parts.vias {
            request.push(Header::new(HeaderName::Via, via));
        }
        let mut octets = request.write().unwrap().to_vec();
        let from = from.min(octets.len());
        let until = from.saturating_add(length % 7).min(octets.len());
        octets.splice(from..until, [octet]);
        let headers = match parse_datagram(&octets.into(), &Limits::default()) {
            Ok(Parsed::Message(message)) => message.headers().clone(),
            Ok(Parsed::KeepAlive) => Headers::default(),
            Err(malformed) => malformed.headers().clone(),
        };
        let _ = (headers.vias().is_ok(), headers.from().is_ok(), headers.to().is_ok(), headers.event().is_ok());
        let _ = (headers.call_id().is_ok(), headers.contacts().is_ok(), headers.content_length().is_ok());
        for field in headers.iter() {
            prop_assert!(field.to_header().raw() == field.raw());
        }
    }

    #[test]
    fn any_text_is_refused_or_read_by_every_value_parser(text in "\\PC{0,40}", list in "[ -~\\t]{0,60}") {
        for text in [text, list] {
            let text = super::Text::from(text);
            let _ = (Uri::from_text(&text), Via::from_text(&text), CSeq::from_text(&text));
            let _ = (Event::from_text(&text), SubscriptionState::from_text(&text), MediaType::from_text(&text));
            if let Ok(address) = NameAddr::from_text(&text) {
                prop_assert_eq!(NameAddr::parse(&address.to_string()), Ok(address));
            }
            if let Ok(uri) = Uri::from_text(&text) {
                prop_assert!(uri.is_equivalent(&uri));
                prop_assert_eq!(uri.to_aor().and_then(|aor| aor.to_aor()), uri.to_aor());
            }
        }
    }
}
