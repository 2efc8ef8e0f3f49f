//! Who may reach whom: every source with every target.

use super::*;
use crate::simple::agent::{identity::Realm, way::Way};
use mapping::{message::Disclosure, side::PeerName};
use sip_proto::message::{Header, HeaderName, Method, uri::Uri};

/// Users of each domain: by access, of the registrar, of the neighbours, of an SSP peer, and of none.
const TARGETS: [&str; 7] = [
    "alice@wv.example",
    "dave@sip.example",
    "zoe@a.example",
    "yves@b.example",
    "xara@u.example",
    "will@w.example",
    "vera@nowhere.example",
];

/// Ports of a trusted neighbour, of another one, of one that is not trusted, and of anybody.
const A: u16 = 5071;
const B: u16 = 5072;
const U: u16 = 5073;
const STRANGER: u16 = 5099;

async fn agent() -> Bench {
    let bench = Bench::new().await;
    {
        let mut agent = bench.adapter.0.borrow_mut();
        let table = &mut agent.settings.domains;
        table.insert("wv.example", DomainRoute { side: Side::Wv, route: Route::Hosted });
        for (domain, side, peer) in [
            ("a.example", Side::Simple, "a"),
            ("b.example", Side::Simple, "b"),
            ("u.example", Side::Simple, "u"),
            ("w.example", Side::Wv, "w"),
        ] {
            table.insert(domain, DomainRoute { side, route: Route::Peer(PeerName::new(peer)) });
        }
        let peer = |name: &str, port: u16, is_trusted| SipPeer {
            name: PeerName::new(name),
            ways: vec![Way::Hop(Hop {
                transport: Transport::Udp,
                address: SocketAddr::from(([127, 0, 0, 1], port)),
                connection: None,
                name: None,
            })],
            domain: None,
            credentials: None,
            is_trusted,
            speaks_for: None,
            probe: None,
            members: Vec::new(),
        };
        agent.settings.peers = PeerTable::new(vec![peer("a", A, true), peer("b", B, true), peer("u", U, false)]);
    }
    bench
}

fn request(from: &str, asserted: Option<&str>, privacy: &str, target: &str) -> Request {
    let uri = |text: &str| format!("<sip:{text}>");
    let request = Request::new(Method::Message, Uri::parse(&format!("sip:{target}")).unwrap())
        .with(Header::new(HeaderName::From, format!("{};tag=f", uri(from))))
        .with(Header::new(HeaderName::To, uri(target)))
        .with(Header::new(HeaderName::CallId, "c"))
        .with(Header::new(HeaderName::CSeq, "1 MESSAGE"));
    let request = match asserted {
        Some(asserted) => request.with(Header::new(HeaderName::PAssertedIdentity, uri(asserted))),
        None => request,
    };
    if privacy.is_empty() { request } else { request.with(Header::new(HeaderName::Privacy, privacy)) }
}

/// The status that refuses the request at the door, or 200.
fn verdict(bench: &Bench, port: u16, request: &Request) -> (u16, Disclosure) {
    let mut agent = bench.adapter.0.borrow_mut();
    let now = agent.clock.now();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let hop = Hop { transport: Transport::Udp, address, connection: None, name: None };
    match agent.identify(now, request, &hop, Realm::Registrar) {
        Err(refusal) => (refusal.status().to_number(), Disclosure::Named),
        Ok(requester) => {
            let target = agent.neutral(request.uri()).unwrap();
            (if agent.may_reach(&requester, &target) { 200 } else { 403 }, requester.disclosure)
        }
    }
}

#[test]
fn s_au_07_nobody_is_relayed_for_who_does_not_live_here_to_where_nobody_lives_here() {
    run(nobody_is_relayed_for());
}

async fn nobody_is_relayed_for() {
    let bench = agent().await;
    let of_registrar = [200, 200, 200, 200, 200, 200, 403];
    // Those of a WV home server, too: beside it the gateway is the way between two servers.
    let of_neighbour = [200, 200, 403, 403, 403, 200, 403];
    for (port, from, asserted, expected) in [
        // A user of the registrar reaches every domain of the table.
        (STRANGER, "bob@sip.example", None, of_registrar),
        (STRANGER, "nobody@sip.example", None, [404; 7]),
        // Only its own users speak for themselves; what they assert says nothing.
        (STRANGER, "alice@wv.example", None, [403; 7]),
        (STRANGER, "zoe@a.example", None, [403; 7]),
        (STRANGER, "zoe@a.example", Some("bob@sip.example"), [403; 7]),
        (STRANGER, "vera@nowhere.example", None, [403; 7]),
        (STRANGER, "bob@sip.example", Some("zoe@a.example"), of_registrar),
        // A trusted neighbour brings its users, and those of others behind it, to those who live here.
        (A, "zoe@a.example", None, of_neighbour),
        (A, "yves@b.example", None, of_neighbour),
        (A, "vera@nowhere.example", None, of_neighbour),
        (A, "someone@else.example", Some("zoe@a.example"), of_neighbour),
        (B, "yves@b.example", None, of_neighbour),
        // It does not speak for those who live here.
        (A, "bob@sip.example", None, [403; 7]),
        (A, "alice@wv.example", None, [403; 7]),
        (A, "zoe@a.example", Some("alice@wv.example"), [403; 7]),
        // One that is not trusted is a stranger.
        (U, "xara@u.example", None, [403; 7]),
        (U, "someone@else.example", Some("zoe@a.example"), [403; 7]),
    ] {
        for (target, expected) in TARGETS.iter().zip(expected) {
            let (status, _) = verdict(&bench, port, &request(from, asserted, "", target));
            assert_eq!(status, expected, "{from} ({asserted:?}) from port {port} to {target}");
        }
    }
}

#[test]
fn rfc3325_7_privacy_hides_the_sender_and_none_does_not() {
    run(privacy_hides_the_sender());
}

async fn privacy_hides_the_sender() {
    let bench = agent().await;
    let (hidden, shown) = ((200, Disclosure::Anonymous), (200, Disclosure::Named));
    let nobody = "anonymous@anonymous.invalid";
    for (port, from, asserted, privacy, expected) in [
        (A, "zoe@a.example", None, "", shown),
        (A, "zoe@a.example", None, "id", hidden),
        (A, "zoe@a.example", None, "ID", hidden),
        (A, "zoe@a.example", None, "user;critical", hidden),
        (A, "zoe@a.example", None, "header", shown),
        (A, "zoe@a.example", None, "header;session;id", hidden),
        (A, nobody, Some("zoe@a.example"), "id", hidden),
        (A, nobody, Some("zoe@a.example"), "", hidden),
        (A, nobody, Some("zoe@a.example"), "none", shown),
        (STRANGER, "bob@sip.example", None, "id", hidden),
        // S-AU-04: who is nobody to the gateway too is refused.
        (A, nobody, None, "", (433, Disclosure::Named)),
        (A, "x@ANONYMOUS.invalid", None, "none", (433, Disclosure::Named)),
        (STRANGER, nobody, Some("zoe@a.example"), "id", (433, Disclosure::Named)),
        // RFC 3323 §5: what is not known cannot be done.
        (A, "zoe@a.example", None, "id;history;critical", (500, Disclosure::Named)),
        (A, "zoe@a.example", None, "history", shown),
        (A, "zoe@a.example", None, "id;;", (400, Disclosure::Named)),
    ] {
        let verdict = verdict(&bench, port, &request(from, asserted, privacy, TARGETS[0]));
        assert_eq!(verdict, expected, "{from} ({asserted:?}), {privacy:?}, port {port}");
    }
}
