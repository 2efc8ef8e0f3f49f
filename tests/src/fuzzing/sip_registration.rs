//! A client of a registrar that says anything at any time.

use super::tape::Tape;
use sip_proto::{
    event::{credential::CredentialSource, lifetime::Jitter},
    message::{
        Header, HeaderName, Request, Response, StatusCode, Uri,
        header::{
            address::NameAddr,
            contact::Contact,
            identifier::{CallId, Tag},
        },
    },
    registration::{Registration, RegistrationCommand, RegistrationEvent, RegistrationSettings, RegistrationState},
    time::Timestamp,
};

const CODES: [u16; 10] = [100, 200, 202, 302, 401, 403, 407, 423, 500, 503];
const CONTACTS: [&str; 6] = [
    "<sip:gw@192.0.2.1>;expires=60",
    "<sip:gw@192.0.2.1>",
    "<sip:gw@192.0.2.1>;expires=0",
    "<sip:other@192.0.2.2>, <sip:GW@192.0.2.1>",
    "*",
    "odd <",
];
const CHALLENGES: [&str; 3] =
    ["Digest realm=\"r\", nonce=\"a\"", "Digest realm=\"r\", nonce=\"b\", stale=true", "Basic realm=\"r\""];

/// # Panics
/// When a promise of the machine is broken.
pub fn run(data: &[u8]) {
    let mut tape = Tape::new(data);
    let credentials = if tape.flag() { CredentialSource::Owner } else { CredentialSource::None };
    let settings = RegistrationSettings {
        registrar: Uri::parse("sip:wv.example").expect("a URI"),
        address: NameAddr::parse("<sip:alice@wv.example>").expect("an address"),
        contact: Contact::new(Uri::parse("sip:gw@192.0.2.1").expect("a URI")),
        expires_s: u32::from(tape.number()),
        headers: Vec::new(),
        call_id: CallId::parse("register-1").expect("a Call-ID"),
        tag: Tag::parse("client").expect("a tag"),
        jitter: Jitter::default(),
        credentials,
    };
    let mut machine = if tape.flag() { Registration::new(settings) } else { Registration::resumed(settings) };
    let (mut now, mut last, mut is_open) = (0, None::<Request>, false);
    while let Some(step) = tape.next_octet() {
        let event = match (step % 7, last.clone()) {
            (0, _) => RegistrationEvent::Register,
            (1, _) => RegistrationEvent::Withdraw,
            (2 | 3, Some(request)) if is_open => {
                let response = answer(&mut tape, &request);
                is_open = !response.status().is_final();
                RegistrationEvent::Response(response)
            }
            (4, Some(_)) if is_open => {
                is_open = false;
                if tape.flag() { RegistrationEvent::TimedOut } else { RegistrationEvent::RequestFailed }
            }
            (5, _) => {
                let header = Header::new(HeaderName::Authorization, "Digest x=\"y\"");
                RegistrationEvent::Authorize(if tape.flag() { vec![header] } else { Vec::new() })
            }
            _ => {
                now += tape.wait_millis();
                machine.expire(Timestamp::from_millis(now));
                RegistrationEvent::Authorize(Vec::new())
            }
        };
        machine.handle(Timestamp::from_millis(now), event);
        while let Some(command) = machine.poll() {
            if let RegistrationCommand::SendRequest(request) = command {
                request.write().expect("a REGISTER can be written");
                let number = |request: &Request| request.headers().cseq().expect("CSeq").sequence.to_number();
                assert!(last.as_ref().is_none_or(|last| number(&request) > number(last)), "CSeq");
                assert!(!is_open, "two requests on their way");
                is_open = true;
                last = Some(request);
            }
        }
        assert_eq!(machine.state() == RegistrationState::Registering, is_open);
        let is_timed = matches!(machine.state(), RegistrationState::Waiting);
        assert!(!is_timed || machine.deadline().is_some(), "it waits for nothing");
        let is_done = matches!(machine.state(), RegistrationState::Idle);
        assert!(!is_done || machine.deadline().is_none(), "it is idle, and wants to be woken");
    }
}

fn answer(tape: &mut Tape<'_>, request: &Request) -> Response {
    let status = StatusCode::from_number(tape.pick(&CODES)).expect("a status code");
    let mut response = Response::for_request(request, status, None)
        .with(Header::new(HeaderName::Contact, tape.pick(&CONTACTS)))
        .with(Header::new(HeaderName::WwwAuthenticate, tape.pick(&CHALLENGES)))
        .with(Header::new(HeaderName::ProxyAuthenticate, tape.pick(&CHALLENGES)));
    if tape.flag() {
        response.push(Header::new(HeaderName::MinExpires, tape.number()));
        response.push(Header::new(HeaderName::RetryAfter, tape.number()));
        response.push(Header::new(HeaderName::ServiceRoute, "<sip:p@192.0.2.9;lr>"));
    }
    response
}
