//! What real peers do wrong and what is made of it: messages as they come, because the text is the point.

use proptest::prelude::*;
use std::time::Duration;
use wv_proto::codec::sink::Sink;
use wv_proto::codec::tree::Builder;
use wv_proto::codec::{WriterOptions, decode};
use wv_proto::limit::Limits;
use wv_proto::primitive::block::{AccessList, Entities, EntityList};
use wv_proto::primitive::envelope::{EnvelopeFault, MalformedReason};
use wv_proto::primitive::function::{Feature, Function, FunctionNeed};
use wv_proto::primitive::group::{Mapping, Roster, UserMapList};
use wv_proto::primitive::identifier::{ClientId, SessionId, TransactionId, UserId};
use wv_proto::primitive::notification::NotificationType;
use wv_proto::primitive::party::{Sender, User};
use wv_proto::primitive::search::SearchRequest;
use wv_proto::primitive::watcher::{GetWatcherListResponse, Watcher, WatcherStatus};
use wv_proto::primitive::{Envelope, Malformed, Primitive, SessionDescriptor, Transaction, TransactionMode};
use wv_proto::schema::{ElementName, element};
use wv_proto::status::StatusCode;
use wv_proto::version::{Encoding, Version};

const INBAND: &str = "<SessionType>Inband</SessionType><SessionID>s1</SessionID>";

fn message(session: &str, descriptor: &str, content: &str, tail: &str) -> String {
    format!(
        "<WV-CSP-Message xmlns=\"http://www.openmobilealliance.org/DTD/WV-CSP1.2\"><Session><SessionDescriptor>{session}\
         </SessionDescriptor><Transaction><TransactionDescriptor>{descriptor}</TransactionDescriptor><TransactionContent \
         xmlns=\"http://www.openmobilealliance.org/DTD/WV-TRC1.2\">{content}</TransactionContent></Transaction>{tail}\
         </Session></WV-CSP-Message>"
    )
}

fn read(text: &str) -> Envelope {
    Envelope::decode(&decode(text.as_bytes(), None, &Limits::default()).unwrap().tree).unwrap()
}

fn transaction(content: &str) -> Transaction {
    let descriptor = "<TransactionMode>Request</TransactionMode><TransactionID>7</TransactionID>";
    read(&message(INBAND, descriptor, content, "")).transactions.remove(0)
}

/// A primitive as it is written in a message.
fn written(content: Primitive, version: Version) -> String {
    let transaction = Transaction::request(Some(TransactionId::new("7")), content);
    let envelope = Envelope::new(SessionDescriptor::Inband(SessionId::new("s1")), transaction);
    let octets = envelope.encode(version, Encoding::Xml, WriterOptions::default()).unwrap();
    String::from_utf8(octets.to_vec()).unwrap()
}

fn malformed(content: &str) -> Malformed {
    let transaction = transaction(content);
    assert_eq!(transaction.id, Some(TransactionId::new("7")), "the peer is answered in its own transaction");
    transaction.content.unwrap_err()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Elements of the protocol at random, as deep as they come: read or refused, never worse, and what is read can be
    /// written and read again.
    #[test]
    fn no_mixture_of_elements_breaks_the_reader(
        first in 0usize..450,
        steps in proptest::collection::vec((0usize..450, 0u8..6, "[T0-9a-z:@]{0,6}"), 0..40),
    ) {
        let names: Vec<ElementName> = ElementName::all().collect();
        let name = |index: usize| names[index % names.len()];
        let mut builder = Builder::new(Version::V1_3, Encoding::Xml);
        for outer in [element::WV_CSP_MESSAGE, element::SESSION, element::TRANSACTION, element::TRANSACTION_CONTENT, name(first)] {
            builder.open(outer);
        }
        let mut depth = 5;
        for (index, action, text) in &steps {
            match action {
                0 if depth > 5 => {
                    builder.close();
                    depth -= 1;
                }
                1 | 2 => {
                    builder.open(name(*index));
                    depth += 1;
                }
                _ => builder.leaf_text(name(*index), text),
            }
        }
        (0..depth).for_each(|_| builder.close());
        let tree = builder.finish().unwrap();
        if let Ok(envelope) = Envelope::decode(&tree)
            && let Ok(octets) = envelope.encode(Version::V1_3, Encoding::Wbxml, WriterOptions::default())
        {
            let again = decode(&octets, None, &Limits::default()).unwrap();
            let again = Envelope::decode(&again.tree).unwrap();
            prop_assert_eq!(again.transactions[0].name(), envelope.transactions[0].name());
            prop_assert!(again.transactions[0].content.is_ok(), "{:?} from {:?}", again, envelope);
        }
    }
}

#[test]
fn an_empty_transaction_id_is_none() {
    for id in ["", "<TransactionID/>", "<TransactionID></TransactionID>", "<TransactionID> \n </TransactionID>"] {
        let descriptor = format!("<TransactionMode>Request</TransactionMode>{id}");
        let envelope = read(&message(INBAND, &descriptor, "<Polling-Request/>", ""));
        assert_eq!(envelope.transactions[0], Transaction::request(None, Primitive::PollingRequest), "{id}");
    }
}

// WV-PRM-02
#[test]
fn a_list_of_system_messages_without_one_is_written_as_it_came() {
    let read_again = |content: &str| {
        let content = transaction(content).content.unwrap();
        read(&written(content, Version::V1_3)).transactions.remove(0).content.unwrap()
    };
    let empty = "<SystemMessage-User><SystemMessageResponseList/></SystemMessage-User>";
    assert!(matches!(read_again(empty), Primitive::SystemMessageUser(user) if user.responses.is_empty()));
}

#[test]
fn poll_is_read_in_both_places() {
    let mode = "<TransactionMode>Request</TransactionMode>";
    let cases = [
        (format!("{mode}<Poll>T</Poll>"), "", Some(true)),
        (mode.to_owned(), "<Poll>T</Poll><CIR>F</CIR>", Some(true)),
        (format!("{mode}<Poll>F</Poll>"), "<Poll>T</Poll>", Some(true)),
        (format!("{mode}<Poll>F</Poll>"), "", Some(false)),
        (mode.to_owned(), "", None),
    ];
    for (descriptor, tail, poll) in cases {
        let envelope = read(&message(INBAND, &descriptor, "<Polling-Request/>", tail));
        assert_eq!(envelope.poll, poll, "{descriptor} {tail}");
        assert_eq!(envelope.cir, tail.contains("CIR").then_some(false));
    }
}

// WV-PRM-10
#[test]
fn a_session_without_name_is_outband() {
    let descriptor = "<TransactionMode>Request</TransactionMode>";
    for session in
        ["<SessionType>Inband</SessionType>", "<SessionType>Outband</SessionType><SessionID>s1</SessionID>", ""]
    {
        assert_eq!(
            read(&message(session, descriptor, "<Polling-Request/>", "")).session,
            SessionDescriptor::Outband,
            "{session}"
        );
    }
    let named = read(&message("<SessionID>S1</SessionID>", descriptor, "<Polling-Request/>", ""));
    assert_eq!(named.session, SessionDescriptor::Inband(SessionId::new("S1")));
}

#[test]
fn a_missing_mode_is_guessed_from_the_primitive() {
    let status = "<Status><Result><Code>200</Code></Result></Status>";
    let mode_of =
        |content| read(&message(INBAND, "<TransactionID>1</TransactionID>", content, "")).transactions[0].mode;
    assert_eq!(mode_of(status), TransactionMode::Response);
    assert_eq!(mode_of("<GetList-Response/>"), TransactionMode::Response);
    assert_eq!(mode_of("<GetList-Request/>"), TransactionMode::Request);
}

#[test]
fn an_unknown_primitive_keeps_its_name_and_transaction() {
    for (content, name) in [
        ("<Dance-Request><Step>1</Step></Dance-Request>", "Dance-Request"),
        ("<Extended-Request/>", "Extended-Request"),
    ] {
        let transaction = transaction(content);
        assert_eq!(transaction.id, Some(TransactionId::new("7")));
        assert_eq!(transaction.content.unwrap().name().as_str(), name);
    }
}

// WV-PRM-12
#[test]
fn what_is_missing_is_named_and_has_a_code() {
    let empty = malformed("");
    assert_eq!((empty.reason, empty.status()), (MalformedReason::MissingPrimitive, StatusCode::BAD_REQUEST));
    let list = malformed("<DeleteList-Request/>");
    assert_eq!(list.reason, MalformedReason::Missing(element::CONTACT_LIST));
    assert_eq!(list.status(), StatusCode::BAD_PARAMETER);
    let message = malformed("<SendMessage-Request><ContentData>hi</ContentData></SendMessage-Request>");
    assert_eq!(message.reason, MalformedReason::Missing(element::MESSAGE_INFO));
    assert_eq!(message.status(), StatusCode::BAD_REQUEST);
    let login = malformed("<Login-Request><UserID/></Login-Request>");
    assert_eq!(login.reason, MalformedReason::Missing(element::USER_ID));
    let time = malformed("<KeepAlive-Request><TimeToLive>soon</TimeToLive></KeepAlive-Request>");
    assert_eq!(
        (time.reason, time.status()),
        (MalformedReason::BadValue(element::TIME_TO_LIVE), StatusCode::BAD_PARAMETER)
    );
    let code = malformed("<Status><Result><Code>7</Code></Result></Status>");
    assert_eq!(code.reason, MalformedReason::BadValue(element::CODE));
}

#[test]
fn a_message_without_transaction_still_names_its_session() {
    let text = format!(
        "<WV-CSP-Message xmlns=\"http://www.openmobilealliance.org/DTD/WV-CSP1.2\"><Session><SessionDescriptor>{INBAND}\
         </SessionDescriptor></Session></WV-CSP-Message>"
    );
    let decoded = decode(text.as_bytes(), None, &Limits::default()).unwrap();
    let error = Envelope::decode(&decoded.tree).unwrap_err();
    assert_eq!(error.session, SessionDescriptor::Inband(SessionId::new("s1")));
    assert_eq!(error.fault, EnvelopeFault::MissingTransaction);
}

// WV-PRM-01
#[test]
fn order_and_unknown_children_do_not_matter() {
    let content = "<SendMessage-Request><ContentData>hi</ContentData><X-Mark xmlns=\"urn:x\">1</X-Mark><MessageInfo>\
                   <Sender><User><UserID>600000001@movistar.es</UserID></User></Sender><ContentSize>148</ContentSize>\
                   <Recipient><User><UserID>\n wv:bob@example.com \n</UserID></User></Recipient></MessageInfo>\
                   </SendMessage-Request>";
    let Ok(Primitive::SendMessageRequest(request)) = transaction(content).content else { panic!("no message") };
    assert!(!request.delivery_report);
    assert_eq!(request.message.recipient.users[0].user_id.as_str(), "wv:bob@example.com");
    assert_eq!(request.message.content_type_or_default(), "text/plain");
    assert!(
        matches!(&request.message.sender, Some(Sender::User(user)) if user.user_id.as_str() == "600000001@movistar.es")
    );
    assert_eq!(request.content.unwrap().to_text(), Some("hi"));
}

// WV-PRM-09
#[test]
fn a_wrong_size_or_time_is_no_reason_to_refuse_a_message() {
    let content = "<NewMessage><MessageInfo><MessageID>m</MessageID><ContentSize>many</ContentSize>\
                   <DateTime>2025-13-99T00:00:00Z</DateTime></MessageInfo></NewMessage>";
    let Ok(Primitive::NewMessage(message)) = transaction(content).content else { panic!("no message") };
    assert_eq!((message.message.content_size, message.message.date_time), (None, None));
}

#[test]
fn base64_is_undone() {
    let content = "<NewMessage><MessageInfo><ContentType>image/gif</ContentType><ContentEncoding>BASE64</ContentEncoding>\
                   <ContentSize>3</ContentSize></MessageInfo><ContentData>AP8B</ContentData></NewMessage>";
    let Ok(Primitive::NewMessage(message)) = transaction(content).content else { panic!("no message") };
    assert_eq!(message.content.unwrap().octets().as_ref(), [0, 255, 1]);
    let broken = malformed(&content.replace("AP8B", "%%%"));
    assert_eq!(broken.reason, MalformedReason::BadValue(element::CONTENT_DATA));
}

#[test]
fn a_client_may_be_bare_text_and_schemas_a_list() {
    let content = "<Login-Request><SessionCookie>c</SessionCookie><DigestSchema>PWD, SHA,MD5</DigestSchema>\
                   <ClientID>plain</ClientID><UserID>alice</UserID></Login-Request>";
    let Ok(Primitive::LoginRequest(login)) = transaction(content).content else { panic!("no login") };
    assert_eq!(login.client_id, Some(ClientId::Plain("plain".into())));
    let schemas: Vec<&str> = login.digest_schemas.iter().map(|schema| schema.as_str()).collect();
    assert_eq!(schemas, ["PWD", "SHA", "MD5"]);
    assert_eq!(login.user_id.parse_address("wv.example").unwrap().as_str(), "wv:alice@wv.example");
}

// WV-PRM-11
#[test]
fn targets_are_found_in_every_shape() {
    let shapes = [
        "<User><UserID>wv:bob@a</UserID></User><ContactList>wv:a/l@a</ContactList>",
        "<UserID>wv:bob@a</UserID><ContactList>wv:a/l@a</ContactList>",
        "<ContactListIDList><ContactList>wv:a/l@a</ContactList></ContactListIDList><UserIDList><UserID>wv:bob@a</UserID></UserIDList>",
    ];
    for shape in shapes {
        let content = format!("<GetPresence-Request>{shape}</GetPresence-Request>");
        let Ok(Primitive::GetPresenceRequest(request)) = transaction(&content).content else { panic!("{shape}") };
        assert_eq!((request.users.len(), request.contact_lists.len()), (1, 1), "{shape}");
        assert_eq!(request.attributes, None);
    }
}

#[test]
fn primitives_know_their_place_in_the_service_tree() {
    let need = |content: &str| transaction(content).content.unwrap().function_group();
    assert_eq!(need("<Logout-Request/>"), FunctionNeed::Nothing);
    assert_eq!(need("<GetList-Request/>"), FunctionNeed::Function(Function::Gcli));
    assert_eq!(
        need("<StopSearch-Request><SearchID>1</SearchID></StopSearch-Request>"),
        FunctionNeed::Function(Function::Stsrc)
    );
    assert_eq!(
        need("<JoinGroup-Request><GroupID>g</GroupID></JoinGroup-Request>"),
        FunctionNeed::Feature(Feature::Group)
    );
    assert_eq!(need("<Dance-Request/>"), FunctionNeed::Nothing);
}

#[test]
fn wv_blk_01_in_use_is_read_inside_the_list_and_beside_it() {
    let list = "<AddList><UserID>wv:x</UserID></AddList>";
    for text in [
        format!("<BlockUser-Request><BlockList><InUse>T</InUse>{list}</BlockList></BlockUser-Request>"),
        format!(
            "<BlockEntity-Request><BlockList>{list}</BlockList><BlockListInUse>T</BlockListInUse></BlockEntity-Request>"
        ),
    ] {
        let Ok(Primitive::BlockEntityRequest(request)) = transaction(&text).content else { panic!("{text}") };
        let add = EntityList { users: vec![UserId::new("wv:x")], ..EntityList::default() };
        let entities = Entities::Change { add: Some(add), remove: None };
        assert_eq!(request.block, Some(AccessList { in_use: Some(true), entities }), "{text}");
        assert_eq!(request.grant, None, "{text}");
    }
}

#[test]
fn an_extension_block_is_passed_over() {
    let descriptor = "<TransactionMode>Request</TransactionMode><TransactionID>7</TransactionID>";
    let block = "<ExtBlock xmlns=\"urn:vendor\"><APIClient>1</APIClient></ExtBlock></Transaction>";
    let text = message(INBAND, descriptor, "<Logout-Request/>", "").replace("</Transaction>", block);
    assert_eq!(read(&text).transactions[0].content, Ok(Primitive::LogoutRequest));
}

// WV-GRP-03
#[test]
fn joined_users_are_found_in_every_shape() {
    let mapping = "<Mapping><SName>al</SName><UserID>wv:alice@wv.example</UserID></Mapping>";
    let shapes = [
        (format!("<UserMapList><UserMapping>{mapping}</UserMapping></UserMapList>"), false),
        (format!("<UserMapList>{mapping}</UserMapList>"), true),
        (format!("<Joined><UserMapList>{mapping}</UserMapList></Joined>"), true),
    ];
    for (shape, is_flat) in shapes {
        let content = format!("<JoinGroup-Response>{shape}</JoinGroup-Response>");
        let Ok(Primitive::JoinGroupResponse(response)) = transaction(&content).content else { panic!("{shape}") };
        let mapping = Mapping { name: "al".into(), user_id: Some(UserId::new("wv:alice@wv.example")) };
        assert_eq!(response.joined, Some(Roster::Map(UserMapList { mappings: vec![mapping], is_flat })), "{shape}");
    }
}

// WV-GRP-05
#[test]
fn the_members_of_a_request_are_found_in_every_shape() {
    let shapes = [
        "<UserList><User><UserID>wv:bob@a</UserID></User></UserList>",
        "<UserIDList><UserID>wv:bob@a</UserID></UserIDList>",
        "<User><UserID>wv:bob@a</UserID></User>",
    ];
    for shape in shapes {
        let content = format!("<AddGroupMembers-Request><GroupID>g</GroupID>{shape}</AddGroupMembers-Request>");
        let Ok(Primitive::AddGroupMembersRequest(request)) = transaction(&content).content else { panic!("{shape}") };
        assert_eq!(request.members.users.len(), 1, "{shape}");
    }
}

// WV-INV-03
#[test]
fn the_inviter_may_stand_without_sender() {
    let content = "<InviteUser-Response><InviteID>i</InviteID><Acceptance>T</Acceptance><User><UserID>wv:a@b</UserID>\
                   </User></InviteUser-Response>";
    let Ok(Primitive::InviteUserResponse(response)) = transaction(content).content else { panic!() };
    assert!(matches!(response.sender, Some(Sender::User(user)) if user.user_id.as_str() == "wv:a@b"));
}

#[test]
fn wv_ntf_02_the_types_of_events_are_read_in_a_list_or_without_one() {
    let types = "<NotificationType>ATCL</NotificationType><NotificationType>XX</NotificationType>";
    for shape in [format!("<NotificationTypeList>{types}</NotificationTypeList>"), types.to_owned()] {
        let expected = [NotificationType::AddedToContactList, NotificationType::Other("XX".into())];
        let content = format!("<SubscribeNotification-Request>{shape}</SubscribeNotification-Request>");
        let Ok(Primitive::SubscribeNotificationRequest(request)) = transaction(&content).content else { panic!() };
        assert_eq!(request.types, expected);
        let content = format!("<UnsubscribeNotification-Request>{shape}</UnsubscribeNotification-Request>");
        let Ok(Primitive::UnsubscribeNotificationRequest(request)) = transaction(&content).content else { panic!() };
        assert_eq!(request.types, expected);
    }
}

#[test]
fn wv_src_05_pairs_are_read_in_every_shape_and_written_one_in_each_list() {
    let pair = |element: &str, text: &str| {
        format!("<SearchElement>{element}</SearchElement><SearchString>{text}</SearchString>")
    };
    let (one, two) = (pair("USER_FIRST_NAME", "ann"), pair("USER_LAST_NAME", "lee"));
    let shapes = [
        format!("<SearchPairList>{one}</SearchPairList><SearchPairList>{two}</SearchPairList>"),
        format!("<SearchPairList>{one}{two}</SearchPairList>"),
        format!("<SearchPairList><SearchPair>{one}</SearchPair><SearchPair>{two}</SearchPair></SearchPairList>"),
    ];
    for shape in shapes {
        let content = format!("<Search-Request>{shape}<SearchLimit>5</SearchLimit></Search-Request>");
        let transaction = transaction(&content);
        let Ok(Primitive::SearchRequest(request)) = &transaction.content else { panic!("{shape}") };
        let SearchRequest::Begin { pairs, limit, .. } = &**request else { panic!("{shape}") };
        let read: Vec<(&str, &str)> = pairs.iter().map(|pair| (pair.element.as_str(), &*pair.text)).collect();
        assert_eq!((read, *limit), (vec![("USER_FIRST_NAME", "ann"), ("USER_LAST_NAME", "lee")], Some(5)), "{shape}");
        let written = written(transaction.content.unwrap(), Version::V1_3);
        assert!(written.contains(&format!("<SearchPairList>{one}</SearchPairList>")), "{written}");
        assert!(written.contains(&format!("<SearchPairList>{two}</SearchPairList>")), "{written}");
    }
}

#[test]
fn wv_wch_01_a_watcher_has_the_shape_of_the_version() {
    let response = GetWatcherListResponse {
        history_period: Some(Duration::from_secs(60)),
        watcher_count: Some(1),
        watchers: vec![Watcher {
            user: User::from(UserId::new("wv:a@b")),
            status: Some(WatcherStatus::CurrentSubscriber),
        }],
    };
    let user = "<User><UserID>wv:a@b</UserID></User>";
    let status = "<WatcherStatus>CURRENT_SUBSCRIBER</WatcherStatus>";
    let period = "<HistoryPeriod>60</HistoryPeriod>";
    let expected = [
        (Version::V1_1, user.to_owned()),
        (Version::V1_2, format!("{period}<Watcher>{user}{status}</Watcher>")),
        (
            Version::V1_3,
            format!("{period}<WatcherCount>1</WatcherCount><Watcher><UserID>wv:a@b</UserID>{status}</Watcher>"),
        ),
    ];
    for (version, inner) in expected {
        let primitive = Primitive::GetWatcherListResponse(Box::new(response.clone()));
        let written = written(primitive, version);
        let whole = format!("<GetWatcherList-Response>{inner}</GetWatcherList-Response>");
        assert!(written.contains(&whole), "{version}: {written}");
    }
}
