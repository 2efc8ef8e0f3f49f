use super::*;
use crate::primitive::delivery::SetDeliveryMethodRequest;
use crate::primitive::identifier::TransactionId;
use crate::primitive::service::{ClientCapabilityRequest, ServiceRequest};
use crate::primitive::{Envelope, Primitive, SessionDescriptor, Transaction};
use crate::session::login::Opening;
use crate::session::server::{Event, Post, State};
use crate::session::transaction::{Identity, PostId};
use proptest::prelude::*;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn session(client_id: ClientId) -> ServerSession {
    let opening = Opening {
        post: PostId::new(1),
        session_id: SessionId::new("gw-1"),
        user_id: UserId::new("wv:alice@wv.example"),
        client_id,
        session_cookie: Some(SessionCookie::new("wv:nokia.1")),
        version: Version::V1_2,
        keep_alive: Duration::from_secs(600),
        negotiated: Negotiated::default(),
    };
    let policy = Arc::new(SessionPolicy::default());
    ServerSession::open(at(0), policy, opening, Encoding::Wbxml, Profile::S60, Epoch::new(4))
}

fn capabilities() -> CapabilityList {
    CapabilityList {
        client_type: Some(ClientType::MobilePhone),
        initial_delivery_method: Some(DeliveryMethod::Notify),
        any_content: Some(false),
        accepted_charsets: vec![106],
        accepted_content_types: vec![AcceptedContentType {
            content_type: "text/plain".into(),
            length_max: Some(1000),
            policy: Some("C".into()),
            policy_limit: Some(2),
        }],
        accepted_transfer_encodings: vec!["BASE64".into()],
        accepted_content_length: Some(32_000),
        supported_bearers: vec![Bearer::Http, Bearer::Other("PIGEON".into())],
        multi_trans: Some(3),
        parser_size: Some(64_000),
        supported_cir_methods: vec![CirMethod::Stcp],
        udp_port: Some(3717),
        tcp_address: Some("192.0.2.1".into()),
        tcp_port: Some(3171),
        server_poll_min: Some(Duration::from_secs(30)),
        default_language: Some("en".into()),
        accepted_pull_length: Some(1),
        accepted_push_length: Some(2),
        accepted_text_content_length: Some(3),
        multi_trans_per_message: Some(2),
        offline_etem_handling: Some("SENDSTORE".into()),
        online_etem_handling: Some("SERVERLOGIC".into()),
        plain_text_charsets: vec![3, 106],
        supported_offline_bearers: vec![Bearer::Sms],
        session_priority: Some(5),
    }
}

fn negotiate(session: &mut ServerSession) {
    let requests = [
        Primitive::ClientCapabilityRequest(Box::new(ClientCapabilityRequest {
            client_id: None,
            capabilities: capabilities(),
        })),
        Primitive::ServiceRequest(ServiceRequest {
            client_id: None,
            functions: Some([Function::Getpr, Function::Getju].into_iter().collect()),
            all_functions_request: false,
        }),
    ];
    for (number, primitive) in (2_u64..).zip(requests) {
        let transaction = Transaction::request(Some(TransactionId::new(number.to_string())), primitive);
        let message = Envelope::new(SessionDescriptor::Inband(SessionId::new("gw-1")), transaction);
        let identity = Identity::of(&number.to_be_bytes());
        session.handle(at(1), Event::Post(Post { id: PostId::new(number), identity, message }));
        while session.poll().is_some() {}
    }
}

fn back(session: &ServerSession, epoch: u32) -> ServerSession {
    restore(at(50), Arc::new(SessionPolicy::default()), Epoch::new(epoch), &export(session)).unwrap()
}

#[test]
fn wv_snap_01_what_matters_survives() {
    let mut session = session(ClientId::from_url("WV:IMPEC01$00001@NOK.S60"));
    negotiate(&mut session);
    session.set_group_delivery(&SetDeliveryMethodRequest {
        method: DeliveryMethod::Notify,
        accepted_content_length: Some(7),
        group_id: Some(GroupId::new("wv:alice/room@wv.example")),
        group_content_limit: None,
    });
    let restored = back(&session, 9);
    assert_eq!(restored.party(), session.party());
    assert_eq!(restored.negotiated(), session.negotiated());
    assert_eq!(restored.negotiated().capabilities(), Some(&capabilities()));
    assert_eq!(restored.state(), State::Active);
    assert_eq!(restored.keep_alive().granted(), Duration::from_secs(600));
    assert_eq!(restored.deadline(), Some(at(650)));
}

#[test]
fn what_an_earlier_release_kept_is_still_read() {
    let session = session(ClientId::from_url("phone"));
    let mut octets = export(&session).to_vec();
    octets[3] = FORMAT_WITHOUT_GROUPS;
    // The empty list of groups was not there.
    octets.truncate(octets.len() - 4);
    let restored = restore(at(0), Arc::default(), Epoch::new(9), &octets).unwrap();
    assert_eq!(restored.negotiated(), session.negotiated());
}

#[test]
fn every_shape_of_client_id_survives() {
    let shapes = [
        ClientId::Described { url: None, msisdn: Some("+358".into()) },
        ClientId::Described { url: None, msisdn: None },
        ClientId::Plain("jimmy".into()),
        ClientId::Application("app".into()),
    ];
    for shape in shapes {
        let restored = back(&session(shape.clone()), 9);
        assert_eq!((&restored.party().client_id, restored.state()), (&shape, State::Open));
    }
}

#[test]
fn wv_trx_04_the_epoch_never_goes_back() {
    let session = session(ClientId::from_url("phone"));
    assert_eq!(back(&session, 9).epoch(), Epoch::new(9));
    assert_eq!(back(&session, 4).epoch(), Epoch::new(5));
    assert_eq!(back(&session, 0).epoch(), Epoch::new(5));
}

#[test]
fn the_places_of_the_functions_are_those_of_the_format() {
    // A function in another place would turn stored agreements into different ones: then the format needs a new number.
    assert_eq!((Function::Getspi as u8, Function::Getpr as u8, Function::Getju as u8), (0, 17, 45));
    assert_eq!(Function::ALL.len(), 46);
}

#[test]
fn octets_that_are_no_snapshot_are_refused() {
    let mut session = session(ClientId::from_url("phone"));
    negotiate(&mut session);
    let good = export(&session).to_vec();
    let verdict = |octets: &[u8]| restore(at(0), Arc::default(), Epoch::new(9), octets).map(|_| ()).unwrap_err();
    assert_eq!(verdict(b""), SnapshotError::NotASnapshot);
    assert_eq!(verdict(b"garbage"), SnapshotError::NotASnapshot);
    assert_eq!(verdict(b"WVS\x63"), SnapshotError::UnknownFormat(0x63));
    let long = [good.as_slice(), b"x"].concat();
    assert_eq!(verdict(&long), SnapshotError::TrailingOctets);
    for end in 4..good.len() {
        assert_eq!(verdict(&good[..end]), SnapshotError::Truncated, "cut at {end}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_snapshots_never_panic(place in 0_usize..400, octet in any::<u8>(), garbage in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut session = session(ClientId::from_url("phone"));
        negotiate(&mut session);
        let mut octets = export(&session).to_vec();
        let place = place % octets.len();
        octets[place] = octet;
        let _ = restore(at(0), Arc::default(), Epoch::new(9), &octets);
        let _ = restore(at(0), Arc::default(), Epoch::new(9), &[b"WVS\x02".as_slice(), &garbage].concat());
    }
}
