//! The worked sequences of `fixtures/wv`: read as the types below, and written from them octet for octet.

use std::path::Path;
use std::time::Duration;
use wv_proto::codec::date_time::DateTime;
use wv_proto::codec::{WriterOptions, decode};
use wv_proto::limit::Limits;
use wv_proto::presence_attribute::{
    Availability, Capability, CapabilityState, CommC, PresenceAttribute, PresenceAttributeName, Qualified,
};
use wv_proto::primitive::access::{DigestSchema, Disconnect, LoginRequest, LoginResponse, Status};
use wv_proto::primitive::capability::{
    AcceptedContentType, AgreedCapabilityList, Bearer, CapabilityList, CirMethod, ClientType, DeliveryMethod,
};
use wv_proto::primitive::contact_list::{
    CreateListRequest, CreateListResponse, GetListResponse, ListManageRequest, ListManageResponse,
};
use wv_proto::primitive::function::{Feature, Function, FunctionSet};
use wv_proto::primitive::identifier::{
    ClientId, ContactListId, DigestBytes, MessageId, Nonce, Password, SessionCookie, SessionId, TransactionId, UserId,
};
use wv_proto::primitive::message::{
    Content, MessageDelivered, MessageInfo, NewMessage, SendMessageRequest, SendMessageResponse,
};
use wv_proto::primitive::party::{NickName, Property, Recipient, Sender, User};
use wv_proto::primitive::presence::{Presence, PresenceNotificationRequest, Presentity, SubscribePresenceRequest};
use wv_proto::primitive::service::{
    CapabilityAnswer, ClientCapabilityRequest, ClientCapabilityResponse, ServiceRequest, ServiceResponse,
};
use wv_proto::primitive::{Envelope, Primitive, SessionDescriptor, Transaction};
use wv_proto::status::{StatusCode, StatusResult};
use wv_proto::version::{Encoding, Version};

fn alice() -> UserId {
    UserId::new("wv:alice@wv.example")
}

fn bob() -> UserId {
    UserId::new("wv:bob@sip.example")
}

fn friends() -> ContactListId {
    ContactListId::new("wv:alice/friends@wv.example")
}

fn work() -> ContactListId {
    ContactListId::new("wv:alice/work@wv.example")
}

fn ok() -> StatusResult {
    StatusResult::success()
}

fn status() -> Primitive {
    Status::from(StatusCode::SUCCESS).into()
}

fn outband(transaction: Transaction) -> Envelope {
    Envelope::new(SessionDescriptor::Outband, transaction)
}

fn request(session: &str, id: &str, primitive: Primitive) -> Envelope {
    let id = (!id.is_empty()).then(|| TransactionId::new(id));
    Envelope::new(SessionDescriptor::Inband(SessionId::new(session)), Transaction::request(id, primitive))
}

fn response(session: &str, id: &str, primitive: Primitive) -> Envelope {
    let transaction = Transaction::response(Some(TransactionId::new(id)), primitive);
    Envelope::new(SessionDescriptor::Inband(SessionId::new(session)), transaction)
}

fn seconds(count: u64) -> Option<Duration> {
    Some(Duration::from_secs(count))
}

fn everything() -> FunctionSet {
    Function::ALL.iter().copied().collect()
}

fn properties(pairs: &[(&str, &str)]) -> Vec<Property> {
    pairs.iter().map(|(name, value)| Property::new(name, value)).collect()
}

fn login(client: &str, cookie: &str, time_to_live: u64) -> LoginRequest {
    let mut login = LoginRequest::new(alice(), ClientId::from_url(client), SessionCookie::new(cookie));
    login.time_to_live = seconds(time_to_live);
    login
}

fn logged_in(client: &str, session: &str) -> Primitive {
    let mut response = LoginResponse::new(Some(ClientId::from_url(client)), ok());
    response.session_id = Some(SessionId::new(session));
    response.keep_alive_time = seconds(3600);
    response.capability_request = Some(true);
    Primitive::LoginResponse(Box::new(response))
}

fn message(from: UserId, to: UserId, size: u32) -> MessageInfo {
    MessageInfo {
        content_type: Some("text/plain".into()),
        content_size: Some(size),
        recipient: Recipient::of_user(to),
        sender: Some(Sender::User(User::from(from))),
        ..MessageInfo::default()
    }
}

fn login_of_1_2() -> Vec<(&'static str, Envelope)> {
    let id = || Some(TransactionId::new("1"));
    let mut first = login("lab-phone-1", "ck-0001", 3600);
    first.digest_schemas = vec![DigestSchema::Md5, DigestSchema::Sha];
    let challenge_result = StatusResult::new(StatusCode::UNAUTHORIZED);
    let mut challenge = LoginResponse::new(Some(ClientId::from_url("lab-phone-1")), challenge_result);
    challenge.nonce = Some(Nonce::new("abc123"));
    challenge.digest_schema = Some(DigestSchema::Md5);
    let mut second = login("lab-phone-1", "ck-0001", 3600);
    second.digest_bytes = Some(DigestBytes::new("ONRYj9vHKbpfB8SbQtGVoA=="));
    vec![
        ("01-login-request", outband(Transaction::request(id(), Primitive::LoginRequest(Box::new(first))))),
        ("02-login-challenge", outband(Transaction::response(id(), Primitive::LoginResponse(Box::new(challenge))))),
        ("03-login-digest", outband(Transaction::request(id(), Primitive::LoginRequest(Box::new(second))))),
        ("04-login-success", outband(Transaction::response(id(), logged_in("lab-phone-1", "gw-7f3a")))),
    ]
}

fn negotiation_of_1_2() -> Vec<(&'static str, Envelope)> {
    let wanted = CapabilityList {
        client_type: Some(ClientType::MobilePhone),
        initial_delivery_method: Some(DeliveryMethod::Push),
        accepted_content_types: vec!["text/plain".into()],
        accepted_transfer_encodings: vec!["BASE64".into()],
        accepted_content_length: Some(32000),
        supported_bearers: vec![Bearer::Http],
        multi_trans: Some(1),
        parser_size: Some(64000),
        supported_cir_methods: vec![CirMethod::Stcp],
        server_poll_min: seconds(10),
        ..CapabilityList::default()
    };
    let agreed = AgreedCapabilityList {
        supported_bearers: vec![Bearer::Http],
        supported_cir_methods: vec![CirMethod::Stcp],
        tcp_address: Some("192.0.2.10".into()),
        tcp_port: Some(3171),
        server_poll_min: seconds(10),
        ..AgreedCapabilityList::default()
    };
    let asked = ClientCapabilityRequest { client_id: None, capabilities: wanted.clone() };
    let capabilities = CapabilityAnswer::for_version(Version::V1_2, &wanted, agreed);
    let answered = ClientCapabilityResponse { client_id: None, capabilities };
    let service = ServiceRequest { client_id: None, functions: Some(everything()), all_functions_request: true };
    let granted = ServiceResponse { client_id: None, refused: None, all_functions: Some(everything()) };
    vec![
        ("05-capability-request", request("gw-7f3a", "2", Primitive::ClientCapabilityRequest(Box::new(asked)))),
        ("06-capability-response", response("gw-7f3a", "2", Primitive::ClientCapabilityResponse(Box::new(answered)))),
        ("07-service-request", request("gw-7f3a", "3", Primitive::ServiceRequest(service))),
        ("08-service-response", response("gw-7f3a", "3", Primitive::ServiceResponse(granted))),
    ]
}

fn use_of_1_2() -> Vec<(&'static str, Envelope)> {
    let list = CreateListRequest {
        contact_list: friends(),
        contacts: vec![NickName { name: Some("Bob".into()), user_id: bob() }],
        properties: properties(&[("DisplayName", "Friends"), ("Default", "T")]),
    };
    let names = [
        PresenceAttributeName::OnlineStatus,
        PresenceAttributeName::UserAvailability,
        PresenceAttributeName::StatusText,
    ];
    let subscription = SubscribePresenceRequest {
        contact_lists: vec![friends()],
        attributes: Some(names.into_iter().collect()),
        auto_subscribe: Some(true),
        ..SubscribePresenceRequest::default()
    };
    let attributes = [
        PresenceAttribute::OnlineStatus(Qualified::valid(true)),
        PresenceAttribute::UserAvailability(Qualified::valid(Availability::Available)),
        PresenceAttribute::StatusText(Qualified::unknown()),
    ];
    let presence = Presence { presentity: Presentity::User(bob()), attributes: attributes.into_iter().collect() };
    let notification = PresenceNotificationRequest { presences: vec![presence] };
    let session = "gw-7f3a";
    vec![
        ("09-get-list-request", request(session, "4", Primitive::GetListRequest)),
        ("10-get-list-response", response(session, "4", Primitive::GetListResponse(GetListResponse::default()))),
        ("11-create-list-request", request(session, "5", Primitive::CreateListRequest(list))),
        ("12-create-list-status", response(session, "5", status())),
        ("13-subscribe-presence-request", request(session, "6", Primitive::SubscribePresenceRequest(subscription))),
        ("14-subscribe-presence-status", response(session, "6", status())),
        ("15-polling-request", request(session, "", Primitive::PollingRequest)),
        ("16-presence-notification", request(session, "g1", Primitive::PresenceNotificationRequest(notification))),
        ("17-presence-notification-status", response(session, "g1", status())),
    ]
}

fn messages_of_1_2() -> Vec<(&'static str, Envelope)> {
    let sent = SendMessageRequest {
        delivery_report: false,
        message: message(alice(), bob(), 5),
        content: Some(Content::from_text("hello")),
    };
    let answered = SendMessageResponse { result: ok(), message_id: Some(MessageId::new("m-41")) };
    let mut message = message(bob(), alice(), 2);
    message.message_id = Some(MessageId::new("m-42"));
    message.date_time = Some(DateTime::parse("20250301T120000Z").unwrap());
    let pushed = NewMessage { message, content: Some(Content::from_text("hi")) };
    let delivered = MessageDelivered { message_id: MessageId::new("m-42") };
    let session = "gw-7f3a";
    vec![
        ("18-send-message-request", request(session, "7", Primitive::SendMessageRequest(Box::new(sent)))),
        ("19-send-message-response", response(session, "7", Primitive::SendMessageResponse(answered))),
        ("20-new-message", request(session, "g2", Primitive::NewMessage(Box::new(pushed)))),
        ("21-message-delivered", response(session, "g2", Primitive::MessageDelivered(delivered))),
        ("22-logout-request", request(session, "8", Primitive::LogoutRequest)),
        ("23-logout-status", response(session, "8", status())),
    ]
}

fn negotiation_of_1_1() -> Vec<(&'static str, Envelope)> {
    let session = "gw-7f3b";
    let client = || Some(ClientId::from_url("lab-phone-2"));
    let id = || Some(TransactionId::new("nok1"));
    let mut first = login("lab-phone-2", "ck-0002", 86400);
    first.password = Some(Password::new("secret"));
    let answered = CapabilityList {
        client_type: Some(ClientType::MobilePhone),
        initial_delivery_method: Some(DeliveryMethod::Push),
        accepted_content_length: Some(102_400),
        supported_bearers: vec![Bearer::Http],
        multi_trans: Some(3),
        parser_size: Some(131_072),
        server_poll_min: seconds(10),
        ..CapabilityList::default()
    };
    let wanted = CapabilityList {
        any_content: Some(true),
        accepted_charsets: vec![106],
        accepted_transfer_encodings: vec!["BASE64".into()],
        server_poll_min: seconds(8),
        ..answered.clone()
    };
    let asked = ClientCapabilityRequest { client_id: client(), capabilities: wanted };
    let answered = ClientCapabilityResponse { client_id: client(), capabilities: CapabilityAnswer::Repeated(answered) };
    let functions: FunctionSet = [Function::Gcli, Function::Mcls].into_iter().collect();
    let functions = Some(functions.union(FunctionSet::of_feature(Feature::Message)));
    let service = ServiceRequest { client_id: client(), functions, all_functions_request: false };
    let granted = ServiceResponse { client_id: client(), refused: None, all_functions: None };
    vec![
        ("01-login-request", outband(Transaction::request(id(), Primitive::LoginRequest(Box::new(first))))),
        ("02-login-success", outband(Transaction::response(id(), logged_in("lab-phone-2", session)))),
        ("03-capability-request", request(session, "nok2", Primitive::ClientCapabilityRequest(Box::new(asked)))),
        ("04-capability-response", response(session, "nok2", Primitive::ClientCapabilityResponse(Box::new(answered)))),
        ("05-service-request", request(session, "nok3", Primitive::ServiceRequest(service))),
        ("06-service-response", response(session, "nok3", Primitive::ServiceResponse(granted))),
    ]
}

fn use_of_1_1() -> Vec<(&'static str, Envelope)> {
    let session = "gw-7f3b";
    let lists = GetListResponse { contact_lists: vec![friends()], default_contact_list: None };
    let read =
        ListManageRequest { contact_list: friends(), change: None, receive_list: None, authorize_and_grant: None };
    let list = ListManageResponse {
        result: ok(),
        contacts: Some(vec![
            NickName { name: Some("Bob".into()), user_id: bob() },
            NickName { name: None, user_id: UserId::new("wv:dave@sip.example") },
        ]),
        properties: Some(properties(&[("DisplayName", "Friends")])),
    };
    let subscription =
        SubscribePresenceRequest { contact_lists: vec![friends()], ..SubscribePresenceRequest::default() };
    let polled = response(session, "nok6", status()).with_poll(true);
    vec![
        ("07-get-list-response", response(session, "nok4", Primitive::GetListResponse(lists))),
        ("08-list-manage-request", request(session, "nok5", Primitive::ListManageRequest(read))),
        ("09-list-manage-response", response(session, "nok5", Primitive::ListManageResponse(list))),
        ("10-subscribe-presence-request", request(session, "nok6", Primitive::SubscribePresenceRequest(subscription))),
        ("11-subscribe-presence-status-poll", polled),
        ("12-polling-request", request(session, "", Primitive::PollingRequest)),
        ("13-logout-disconnect", response(session, "nok8", Primitive::Disconnect(Disconnect { result: ok() }))),
    ]
}

fn shapes_of_1_3() -> Vec<(&'static str, Envelope)> {
    let session = "gw-7f3c";
    let agreed = AgreedCapabilityList {
        accepted_content_types: vec![AcceptedContentType { length_max: Some(1000), .."text/plain".into() }],
        accepted_push_length: Some(32000),
        cir_url: Some("http://192.0.2.10/cir".into()),
        multi_trans: Some(1),
        server_poll_min: seconds(10),
        supported_bearers: vec![Bearer::Http],
        supported_cir_methods: vec![CirMethod::Shttp],
        ..AgreedCapabilityList::default()
    };
    let answered = ClientCapabilityResponse { client_id: None, capabilities: CapabilityAnswer::Agreed(agreed) };
    let answered = Primitive::ClientCapabilityResponse(Box::new(answered));
    let lists = GetListResponse::for_version(Version::V1_3, vec![work()], Some(friends()));
    let subscription = SubscribePresenceRequest {
        users: vec![bob().into()],
        contact_lists: vec![work()],
        attributes: Some([].into_iter().collect()),
        auto_subscribe: None,
    };
    let reachable = CommC { capability: Capability::Im, state: Some(CapabilityState::Open), contact: None, note: None };
    let attributes = [
        PresenceAttribute::OnlineStatus(Qualified::valid(true).of_client(ClientId::from_url("desk"))),
        PresenceAttribute::OnlineStatus(Qualified::valid(false).of_client(ClientId::from_url("phone"))),
        PresenceAttribute::CommCap(Qualified::valid(vec![reachable])),
    ];
    let presence = Presence { presentity: Presentity::User(bob()), attributes: attributes.into_iter().collect() };
    let notification = PresenceNotificationRequest { presences: vec![presence] };
    let created = CreateListResponse { contact_list: work(), properties: Vec::new() };
    vec![
        ("01-agreed-capability-list", response(session, "1", answered).with_poll(true)),
        ("02-get-list-response", response(session, "2", Primitive::GetListResponse(lists))),
        ("03-subscribe-presence-request", request(session, "3", Primitive::SubscribePresenceRequest(subscription))),
        (
            "04-presence-notification-two-clients",
            request(session, "g1", Primitive::PresenceNotificationRequest(notification)),
        ),
        ("05-create-list-response", response(session, "4", Primitive::CreateListResponse(created))),
    ]
}

fn check(version: Version, expected: Vec<(&'static str, Envelope)>) {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/wv").join(format!("csp-{}", version.as_str()));
    let count = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(count, expected.len(), "a fixture of {version} has no expectation, or the other way round");
    for (name, envelope) in expected {
        let file = std::fs::read_to_string(folder.join(format!("{name}.xml"))).unwrap();
        let body = file.split_once("-->\n").map(|(_, body)| body.trim_end()).unwrap();
        let decoded = decode(file.as_bytes(), None, &Limits::default()).unwrap();
        assert_eq!(decoded.version, version, "{name}");
        assert_eq!(Envelope::decode(&decoded.tree).unwrap(), envelope, "{name}");
        let xml = envelope.encode(version, Encoding::Xml, WriterOptions::default()).unwrap();
        assert_eq!(std::str::from_utf8(&xml).unwrap(), body, "{name}");
        let wbxml = envelope.encode(version, Encoding::Wbxml, WriterOptions::default()).unwrap();
        let decoded = decode(&wbxml, None, &Limits::default()).unwrap();
        assert_eq!((decoded.version, decoded.encoding), (version, Encoding::Wbxml), "{name}");
        assert_eq!(Envelope::decode(&decoded.tree).unwrap(), envelope, "{name}");
    }
}

// WV-PRM-03
// WV-PRM-04
#[test]
fn the_sequence_of_1_2_is_read_and_written_as_published() {
    let parts = [login_of_1_2(), negotiation_of_1_2(), use_of_1_2(), messages_of_1_2()];
    check(Version::V1_2, parts.into_iter().flatten().collect());
}

// WV-PRM-05
// WV-PRM-06
#[test]
fn the_sequence_of_1_1_is_read_and_written_as_published() {
    check(Version::V1_1, negotiation_of_1_1().into_iter().chain(use_of_1_1()).collect());
}

// WV-PRM-08
#[test]
fn the_shapes_of_1_3_are_read_and_written_as_published() {
    check(Version::V1_3, shapes_of_1_3());
}
