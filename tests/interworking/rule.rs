//! Rules of WV behaviour that show only at a running gateway. The names of the tests begin with the rules' ids.

use acceptance::{
    phone::{Phone, code_of},
    product::{pair, shared},
};
use wv_proto::{
    primitive::{
        Primitive,
        contact_list::{CreateListRequest, ListChange, ListManageRequest},
        identifier::{ContactListId, MessageId, UserId},
        message::{Content, MessageDelivered, MessageInfo, SendMessageRequest},
        party::{NickName, Recipient, Sender, User},
        presence::SubscribePresenceRequest,
    },
    version::{Encoding, Version},
};

fn list_of(user: &str) -> ContactListId {
    ContactListId::new(user.replacen('@', "/friends@", 1))
}

fn create_list(user: &str) -> Primitive {
    Primitive::CreateListRequest(CreateListRequest {
        contact_list: list_of(user),
        contacts: Vec::new(),
        properties: Vec::new(),
    })
}

#[test]
fn wv_http_05_what_was_taken_is_answered_200_and_an_empty_body_says_so() {
    let phone = Phone::logged_in(shared().csp(), &pair().wv, Version::V1_2, Encoding::Xml);
    let poll = format!(
        r#"<WV-CSP-Message xmlns="{}"><Session><SessionDescriptor><SessionType>Inband</SessionType><SessionID>{}</SessionID></SessionDescriptor><Transaction><TransactionDescriptor><TransactionMode>Request</TransactionMode></TransactionDescriptor><TransactionContent xmlns="{}"><Polling-Request/></TransactionContent></Transaction></Session></WV-CSP-Message>"#,
        Version::V1_2.message_namespace(),
        phone.session_id().unwrap(),
        Version::V1_2.transaction_namespace(),
    );
    let answer = phone.post_raw("application/vnd.wv.csp.xml", poll.as_bytes()).unwrap();
    assert_eq!((answer.status, answer.body.len(), answer.header("content-length")), (200, 0, Some("0")));
    let answer = phone.post_raw("application/vnd.wv.csp.xml", b"<WV-CSP-Message").unwrap();
    assert_eq!(answer.status, 200, "an unreadable message was taken too");
    assert!(String::from_utf8_lossy(&answer.body).contains("<Code>400</Code>"));
}

#[test]
fn wv_lst_04_a_created_list_is_answered_in_the_way_of_the_version() {
    for (version, by) in [(Version::V1_2, "Status"), (Version::V1_3, "CreateList-Response")] {
        let user = pair().wv;
        let mut phone = Phone::logged_in(shared().csp(), &user, version, Encoding::Wbxml);
        let answer = phone.request(create_list(&user)).unwrap();
        assert_eq!(answer.name().as_str(), by);
        let again = phone.request(create_list(&user)).unwrap();
        assert_eq!((again.name().as_str(), code_of(&again)), ("Status", Some(701)), "the list is there already");
    }
}

#[test]
fn wv_msg_03_a_missing_sender_is_the_user_and_a_wrong_one_is_refused() {
    let (from, to) = (pair().wv, pair().wv);
    let mut phone = Phone::logged_in(shared().csp(), &from, Version::V1_2, Encoding::Xml);
    let mut other = Phone::logged_in(shared().csp(), &to, Version::V1_2, Encoding::Xml);
    let request = |sender: Option<&str>| {
        Primitive::SendMessageRequest(Box::new(SendMessageRequest {
            delivery_report: false,
            message: MessageInfo {
                content_type: Some("text/plain".into()),
                recipient: Recipient::of_user(User::from(UserId::new(to.as_str()))),
                sender: sender.map(|sender| Sender::User(User::from(UserId::new(sender)))),
                ..MessageInfo::default()
            },
            content: Some(Content::from_text("from whom?")),
        }))
    };
    assert_eq!(phone.ask(request(Some(&to))), 403);
    assert_eq!(phone.ask(request(None)), 200);
    let sender = other.expect("the message", |told| match told {
        Primitive::NewMessage(message) => message.message.sender.clone(),
        _ => None,
    });
    let Sender::User(user) = sender else { panic!("{sender:?}") };
    assert_eq!(user.user_id.as_str(), from);
}

#[test]
fn wv_msg_06_a_message_delivered_out_of_turn_is_answered_by_status() {
    let mut phone = Phone::logged_in(shared().csp(), &pair().wv, Version::V1_2, Encoding::Xml);
    let late = Primitive::MessageDelivered(MessageDelivered { message_id: MessageId::new("m-unknown") });
    let answer = phone.request(late).unwrap();
    assert_eq!(answer.name().as_str(), "Status");
}

#[test]
fn wv_prs_09_automatic_subscription_of_a_1_1_client_is_ignored() {
    for (version, questions) in [(Version::V1_1, 0), (Version::V1_2, 1)] {
        let (watcher, watched) = (pair().wv, pair().wv);
        let mut phone = Phone::logged_in(shared().csp(), &watcher, version, Encoding::Wbxml);
        let mut other = Phone::logged_in(shared().csp(), &watched, Version::V1_2, Encoding::Wbxml);
        phone.request(create_list(&watcher)).unwrap();
        let subscription = SubscribePresenceRequest {
            contact_lists: vec![list_of(&watcher)],
            auto_subscribe: Some(true),
            ..SubscribePresenceRequest::default()
        };
        assert_eq!(phone.ask(Primitive::SubscribePresenceRequest(subscription)), 200);
        let nick = NickName { name: Some("Other".into()), user_id: UserId::new(watched.as_str()) };
        let change = ListManageRequest {
            contact_list: list_of(&watcher),
            change: Some(ListChange::Add(vec![nick])),
            receive_list: Some(false),
            authorize_and_grant: None,
        };
        assert_eq!(phone.ask(Primitive::ListManageRequest(change)), 200);
        // A message comes after whatever the change of the list caused.
        phone.send(&[&watched], "after the list", false).unwrap();
        other.expect("the message", |told| match told {
            Primitive::NewMessage(_) => Some(()),
            _ => None,
        });
        let asked = other.take_told().iter().filter(|told| matches!(told, Primitive::PresenceAuthRequest(_))).count();
        assert_eq!(asked, questions, "{version:?}");
    }
}
