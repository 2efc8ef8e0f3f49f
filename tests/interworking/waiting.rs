//! IWF-MSG: messages that wait, are announced, fetched, rejected, forwarded or kept out; in every version and encoding.

use crate::both;
use acceptance::{
    agent::Agent,
    catalogue::{How, case},
    phone::{Phone, text_of},
    product::{Setup, pair, shared},
};
use std::time::Duration;
use wv_proto::{
    primitive::{
        Primitive,
        block::{AccessList, BlockEntityRequest, Entities, EntityList},
        capability::{AcceptedContentType, CapabilityList, DeliveryMethod},
        delivery::{
            ForwardMessageRequest, GetMessageListRequest, GetMessageListResponse, GetMessageRequest,
            GetMessageResponse, RejectMessageRequest, SetDeliveryMethodRequest,
        },
        function::{Feature, Function, FunctionSet},
        identifier::{ClientId, GroupId, MessageId, UserId},
        message::{Content, MessageDelivered, MessageInfo, SendMessageRequest},
        party::{Recipient, User},
        segment::{DropSegmentRequest, GetSegmentRequest, SegmentId},
        service::{ClientCapabilityRequest, ServiceRequest},
        system_message::{SystemMessageResponse, SystemMessageUser},
    },
    version::{Encoding, Version},
};

const FORMS: [(Version, Encoding); 6] = [
    (Version::V1_1, Encoding::Xml),
    (Version::V1_1, Encoding::Wbxml),
    (Version::V1_2, Encoding::Xml),
    (Version::V1_2, Encoding::Wbxml),
    (Version::V1_3, Encoding::Xml),
    (Version::V1_3, Encoding::Wbxml),
];

/// Two WV users, both logged in in this form.
fn two_phones(version: Version, encoding: Encoding) -> (Phone, Phone) {
    let log_in = || Phone::logged_in(shared().csp(), &pair().wv, version, encoding);
    (log_in(), log_in())
}

fn describe(phone: &mut Phone, capabilities: CapabilityList) {
    let request = ClientCapabilityRequest { client_id: None, capabilities };
    let answer = phone.request(Primitive::ClientCapabilityRequest(Box::new(request))).unwrap();
    assert!(matches!(answer, Primitive::ClientCapabilityResponse(_)), "{answer:?}");
}

fn text_only() -> CapabilityList {
    CapabilityList {
        accepted_content_types: vec![AcceptedContentType::from("text/plain")],
        ..CapabilityList::default()
    }
}

fn method(phone: &mut Phone, method: DeliveryMethod, accepted_content_length: Option<u32>) {
    let request =
        SetDeliveryMethodRequest { method, accepted_content_length, group_id: None, group_content_limit: None };
    assert_eq!(phone.ask(Primitive::SetDeliveryMethodRequest(request)), 200);
}

/// Waits for the next announcement; what it says.
fn announced(phone: &mut Phone) -> MessageInfo {
    phone.expect("a MessageNotification", |told| match told {
        Primitive::MessageNotification(notice) => Some(notice.message.clone()),
        _ => None,
    })
}

fn id_of(info: &MessageInfo) -> MessageId {
    info.message_id.clone().expect("a message has its MessageID")
}

fn fetch(phone: &mut Phone, message_id: &MessageId) -> Result<GetMessageResponse, u16> {
    let request = Primitive::GetMessageRequest(GetMessageRequest { message_id: message_id.clone() });
    match phone.request(request).unwrap() {
        Primitive::GetMessageResponse(response) => Ok(*response),
        other => Err(acceptance::phone::code_of(&other).unwrap()),
    }
}

fn take(phone: &mut Phone, message_id: &MessageId) -> u16 {
    phone.ask(Primitive::MessageDelivered(MessageDelivered { message_id: message_id.clone() }))
}

fn listed(phone: &mut Phone, message_count: Option<u32>) -> GetMessageListResponse {
    let request = GetMessageListRequest { group_id: None, message_count };
    match phone.request(Primitive::GetMessageListRequest(request)).unwrap() {
        Primitive::GetMessageListResponse(response) => response,
        other => panic!("{other:?}"),
    }
}

/// Sends a text that is asked to be reported on; its MessageID.
fn send(from: &mut Phone, to: &str, text: &str) -> String {
    let response = from.send(&[to], text, true).unwrap();
    assert_eq!(response.result.code.number(), 200, "{response:?}");
    response.message_id.unwrap().as_str().to_owned()
}

/// Waits for the report on the message; its code and whether it says when.
fn reported(phone: &mut Phone, message_id: &str) -> (u16, bool) {
    phone.expect("a DeliveryReport", |told| match told {
        Primitive::DeliveryReportRequest(report)
            if report.message.message_id.as_ref().is_some_and(|id| id.as_str() == message_id) =>
        {
            Some((report.result.code.number(), report.delivery_time.is_some()))
        }
        _ => None,
    })
}

#[test]
fn iwf_msg_int_013_a_message_is_announced_and_fetched() {
    case("IWF-MSG-INT-013", How::Sockets, || {
        for (version, encoding) in FORMS {
            let (gateway, pair) = (shared(), pair());
            let mut phone = Phone::logged_in(gateway.csp(), &pair.wv, version, encoding);
            describe(
                &mut phone,
                CapabilityList { initial_delivery_method: Some(DeliveryMethod::Notify), ..text_only() },
            );
            let mut agent = Agent::registered(gateway.sip(), &pair.sip);
            assert_eq!(agent.send(&pair.wv_in_sip(), "fetch me"), Ok(200));
            let info = announced(&mut phone);
            assert_eq!(info.content_type_or_default(), "text/plain");
            let id = id_of(&info);
            let fetched = fetch(&mut phone, &id).unwrap();
            assert_eq!(fetched.content, Some(Content::from_text("fetch me")), "{version} {encoding:?}");
            assert_eq!(take(&mut phone, &id), 200);
            assert_eq!(fetch(&mut phone, &id), Err(426), "what was taken waits no longer");
        }
    });
}

#[test]
fn wv_msg_08_what_was_announced_and_fetched_waits_until_it_is_taken() {
    for (version, encoding) in FORMS {
        let (mut sender, mut phone) = two_phones(version, encoding);
        method(&mut phone, DeliveryMethod::Notify, None);
        let sent = send(&mut sender, phone.user(), "a letter");
        let id = id_of(&announced(&mut phone));
        assert_eq!(id.as_str(), sent);
        fetch(&mut phone, &id).unwrap();
        assert!(sender.take_told().is_empty(), "fetched is not taken");
        assert_eq!(take(&mut phone, &id), 200);
        // WV-MSG-12: the time of delivery came with 1.2.
        assert_eq!(reported(&mut sender, &sent), (200, version != Version::V1_1), "{version} {encoding:?}");
        assert_eq!(take(&mut phone, &id), 200, "said twice");
        assert_eq!(take(&mut phone, &MessageId::new("unknown")), 426);
    }
}

#[test]
fn wv_msg_13_the_method_changes_while_the_session_lasts() {
    for (version, encoding) in FORMS {
        let (mut sender, mut phone) = two_phones(version, encoding);
        let to = phone.user().to_owned();
        method(&mut phone, DeliveryMethod::Notify, None);
        send(&mut sender, &to, "one");
        announced(&mut phone);
        method(&mut phone, DeliveryMethod::Push, None);
        send(&mut sender, &to, "two");
        phone.expect_text("two");
        let of_group = |method| {
            Primitive::SetDeliveryMethodRequest(SetDeliveryMethodRequest {
                method,
                accepted_content_length: None,
                group_id: Some(GroupId::new("wv:x/club@wv.example")),
                group_content_limit: None,
            })
        };
        assert_eq!(phone.ask(of_group(DeliveryMethod::Push)), 800, "there is no such group");
        assert_eq!(phone.ask(of_group(DeliveryMethod::Notify)), 800);
        assert_eq!(phone.ask(of_group(DeliveryMethod::Other("X".into()))), 402);
    }
}

#[test]
fn iwf_msg_int_027_a_waiting_message_is_forwarded_or_rejected() {
    case("IWF-MSG-INT-027", How::Sockets, || {
        for (version, encoding) in FORMS {
            let (mut sender, mut phone) = two_phones(version, encoding);
            let mut friend = Phone::logged_in(shared().csp(), &pair().wv, version, encoding);
            method(&mut phone, DeliveryMethod::Notify, None);
            let to = phone.user().to_owned();
            let (first, second) = (send(&mut sender, &to, "forward me"), send(&mut sender, &to, "reject me"));
            let ids = [id_of(&announced(&mut phone)), id_of(&announced(&mut phone))];
            let list = listed(&mut phone, None);
            assert_eq!(list.messages.iter().map(id_of).collect::<Vec<_>>(), ids, "oldest first");
            assert_eq!(listed(&mut phone, Some(1)).messages.len(), 1);
            let forward = ForwardMessageRequest {
                message_id: ids[0].clone(),
                sender: None,
                recipient: Recipient::of_user(UserId::new(friend.user())),
            };
            let answer = phone.request(Primitive::ForwardMessageRequest(Box::new(forward.clone()))).unwrap();
            match (version, answer) {
                (Version::V1_3, Primitive::ForwardMessageResponse(response)) => {
                    assert_ne!(response.message_id, ids[0]);
                }
                (Version::V1_1 | Version::V1_2, Primitive::Status(status)) => {
                    assert_eq!(status.result.code.number(), 200);
                }
                (_, other) => panic!("{version}: {other:?}"),
            }
            friend.expect_text("forward me");
            let (forwarded, rejected) = if version == Version::V1_3 { (541, 538) } else { (200, 538) };
            assert_eq!(reported(&mut sender, &first).0, forwarded);
            assert_eq!(phone.ask(Primitive::ForwardMessageRequest(Box::new(forward))), 426);
            let reject =
                |ids: &[MessageId]| Primitive::RejectMessageRequest(RejectMessageRequest { message_ids: ids.to_vec() });
            assert_eq!(phone.ask(reject(&ids)), 201, "one of them is gone already");
            assert_eq!(reported(&mut sender, &second).0, rejected);
            assert_eq!(phone.ask(reject(&ids)), 426);
            assert!(listed(&mut phone, None).messages.is_empty());
        }
    });
}

#[test]
fn iwf_msg_int_022_a_blocked_sender_is_refused() {
    case("IWF-MSG-INT-022", How::Sockets, || {
        let (pair, mut phone, mut agent) = both();
        let block = AccessList {
            in_use: Some(true),
            entities: Entities::Change {
                add: Some(EntityList { users: vec![UserId::new(pair.sip_in_wv())], ..EntityList::default() }),
                remove: None,
            },
        };
        let request = BlockEntityRequest { block: Some(block), grant: None };
        assert_eq!(phone.ask(Primitive::BlockEntityRequest(Box::new(request))), 200);
        assert_eq!(agent.send(&pair.wv_in_sip(), "unwanted"), Ok(403));
        assert!(phone.take_told().is_empty());
    });
}

#[test]
fn wv_blk_02_block_and_grant_lists_are_kept_shown_and_obeyed() {
    for (version, encoding) in FORMS {
        let (mut sender, mut phone) = two_phones(version, encoding);
        let to = phone.user().to_owned();
        let users = |names: &[&str]| EntityList {
            users: names.iter().map(|name| UserId::new(*name)).collect(),
            ..EntityList::default()
        };
        let change = |in_use, list| Some(AccessList { in_use, entities: list });
        let screen = |phone: &mut Phone, block, grant| {
            phone.ask(Primitive::BlockEntityRequest(Box::new(BlockEntityRequest { block, grant })))
        };
        let code = |sender: &mut Phone| sender.send(&[&to], "hello", false).unwrap().result.code.number();
        let named = users(&[sender.user()]);
        let add = Entities::Change { add: Some(named.clone()), remove: None };
        assert_eq!(screen(&mut phone, change(Some(true), add), None), 200);
        assert_eq!(code(&mut sender), 532, "{version} {encoding:?}");
        let shown = match phone.request(Primitive::GetBlockedListRequest).unwrap() {
            Primitive::GetBlockedListResponse(response) => *response,
            other => panic!("{other:?}"),
        };
        assert_eq!(shown.block, Some(AccessList { in_use: Some(true), entities: Entities::Whole(named.clone()) }));
        assert_eq!(shown.grant.and_then(|grant| grant.in_use), Some(false));
        assert_eq!(screen(&mut phone, change(Some(false), Entities::Unnamed), None), 200);
        assert_eq!(code(&mut sender), 200);
        let others = Entities::Whole(users(&["wv:somebody@wv.example"]));
        assert_eq!(screen(&mut phone, None, change(Some(true), others)), 200);
        assert_eq!(code(&mut sender), 532, "not granted");
        let granted = Entities::Change { add: Some(named), remove: None };
        assert_eq!(screen(&mut phone, None, change(None, granted)), 200);
        assert_eq!(code(&mut sender), 200);
    }
}

#[test]
fn iwf_msg_int_017_html_becomes_text_for_a_phone_that_takes_text_only() {
    case("IWF-MSG-INT-017", How::Sockets, || {
        let (pair, mut phone, mut agent) = both();
        describe(&mut phone, text_only());
        let html = "<html><body><span style=\"color:red\">one &amp; <b>two</b></span></body></html>";
        let answer = agent.send_content(&pair.wv_in_sip(), "text/html", html.as_bytes()).unwrap();
        assert_eq!(answer.status().to_number(), 200);
        phone.expect_text("one & two");
        let types = ["text/plain", "text/html"].map(AcceptedContentType::from).to_vec();
        describe(&mut phone, CapabilityList { accepted_content_types: types, ..CapabilityList::default() });
        agent.send_content(&pair.wv_in_sip(), "text/html", html.as_bytes()).unwrap();
        phone.expect_text(html);
    });
}

#[test]
fn a_text_comes_in_a_character_set_that_the_phone_knows() {
    for (version, encoding) in [(Version::V1_1, Encoding::Xml), (Version::V1_2, Encoding::Wbxml)] {
        let (mut sender, mut phone) = two_phones(version, encoding);
        describe(
            &mut phone,
            CapabilityList { any_content: Some(true), accepted_charsets: vec![4], ..CapabilityList::default() },
        );
        send(&mut sender, phone.user(), "gr\u{fc}n");
        let (kind, content) = phone.expect("a NewMessage", |told| match told {
            Primitive::NewMessage(new) => {
                Some((new.message.content_type_or_default().to_owned(), new.content.clone().unwrap()))
            }
            _ => None,
        });
        assert_eq!((kind.as_str(), content.octets().as_ref()), ("text/plain; charset=iso-8859-1", &b"gr\xfcn"[..]));
    }
}

/// Asks for every function of these features.
fn agree(phone: &mut Phone, features: &[Feature]) {
    let wanted = features.iter().map(|feature| FunctionSet::of_feature(*feature));
    let functions = Some(wanted.fold(FunctionSet::NONE, FunctionSet::union));
    let request = ServiceRequest { client_id: None, functions, all_functions_request: false };
    let answer = phone.request(Primitive::ServiceRequest(request)).unwrap();
    assert!(matches!(answer, Primitive::ServiceResponse(_)), "{answer:?}");
}

#[test]
fn wv_seg_03_what_a_phone_cannot_parse_is_announced_and_refused_with_a_clear_code() {
    for (version, encoding) in FORMS {
        let (mut sender, mut phone) = two_phones(version, encoding);
        describe(&mut phone, CapabilityList { parser_size: Some(8000), ..text_only() });
        send(&mut sender, phone.user(), &"long ".repeat(4000));
        let id = id_of(&announced(&mut phone));
        let code = if version == Version::V1_3 { 432 } else { 410 };
        assert_eq!(fetch(&mut phone, &id), Err(code), "{version} {encoding:?}");
        // It waits on, and a phone with a larger parser gets it.
        describe(&mut phone, CapabilityList { parser_size: Some(64_000), ..text_only() });
        assert!(fetch(&mut phone, &id).is_ok());
    }
}

#[test]
fn wv_seg_02_a_1_3_phone_fetches_a_long_message_in_slices() {
    for encoding in [Encoding::Xml, Encoding::Wbxml] {
        let (mut sender, mut phone) = two_phones(Version::V1_3, encoding);
        describe(&mut phone, CapabilityList { parser_size: Some(8000), ..text_only() });
        agree(&mut phone, &[Feature::Fundamental, Feature::Message]);
        let text = "a long & <b>odd</b> message; ".repeat(700);
        send(&mut sender, phone.user(), &text);
        let id = id_of(&announced(&mut phone));
        let request = Primitive::GetMessageRequest(GetMessageRequest { message_id: id.clone() });
        let (transaction, answer) = phone.request_numbered(request).unwrap();
        let mut octets = slice_of(&answer);
        let mut reference = 2;
        loop {
            let id = SegmentId { transaction: transaction.clone(), reference };
            let request = Primitive::GetSegmentRequest(GetSegmentRequest { id });
            match phone.request(request).unwrap() {
                Primitive::GetSegmentResponse(slice) => octets.extend_from_slice(slice.content.octets()),
                other => {
                    assert_eq!(acceptance::phone::code_of(&other), Some(420), "there are no more");
                    break;
                }
            }
            reference += 1;
        }
        assert!(reference > 3, "it took several slices");
        let whole = Phone::read_octets(&octets, Version::V1_3).unwrap();
        let Ok(Primitive::GetMessageResponse(fetched)) = &whole.transactions[0].content else { panic!("{whole:?}") };
        assert_eq!(fetched.content, Some(Content::from_text(&text)), "{encoding:?}");
        let drop = |reference| {
            let id = SegmentId { transaction: transaction.clone(), reference };
            Primitive::DropSegmentRequest(DropSegmentRequest { id })
        };
        assert_eq!(phone.ask(drop(1)), 200);
        assert_eq!(phone.ask(drop(1)), 420);
        assert_eq!(take(&mut phone, &id), 200);
    }
}

fn slice_of(answer: &Primitive) -> Vec<u8> {
    match answer {
        Primitive::GetSegmentResponse(slice) => slice.content.octets().to_vec(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn wv_msg_07_content_larger_than_wanted_is_announced_or_refused() {
    for (version, encoding) in FORMS {
        let (mut sender, mut phone) = two_phones(version, encoding);
        let to = phone.user().to_owned();
        let length = match version {
            Version::V1_1 | Version::V1_2 => CapabilityList { accepted_content_length: Some(10), ..text_only() },
            Version::V1_3 => CapabilityList { accepted_push_length: Some(10), ..text_only() },
        };
        describe(&mut phone, length);
        send(&mut sender, &to, "ten octets");
        phone.expect_text("ten octets");
        send(&mut sender, &to, "eleven octets");
        assert_eq!(announced(&mut phone).content_size, Some(13), "{version} {encoding:?}");
        // A phone that only takes what is pushed cannot be told of it.
        let only_pushed = [Function::Newm].into_iter().collect();
        let request = ServiceRequest { client_id: None, functions: Some(only_pushed), all_functions_request: false };
        phone.request(Primitive::ServiceRequest(request)).unwrap();
        let response = sender.send(&[&to], "eleven octets", false).unwrap();
        assert_eq!(response.result.code.number(), 410, "{version} {encoding:?}: {response:?}");
    }
}

#[test]
fn wv_msg_10_every_client_of_the_user_gets_the_message_and_the_first_makes_the_report() {
    let (gateway, user) = (shared(), pair().wv);
    let mut sender = Phone::logged_in(gateway.csp(), &pair().wv, Version::V1_2, Encoding::Xml);
    let client = |name: &str| {
        let mut phone = Phone::with_client(gateway.csp(), &user, name, Version::V1_2, Encoding::Wbxml);
        phone.log_in().unwrap();
        phone
    };
    let (mut one, mut other) = (client("one"), client("other"));
    let sent = send(&mut sender, &user, "for both");
    one.expect_text("for both");
    assert_eq!(reported(&mut sender, &sent).0, 200);
    other.expect_text("for both");
    assert!(sender.take_told().is_empty(), "one report");
}

#[test]
fn wv_msg_14_what_waited_comes_as_the_client_takes_it() {
    for (version, encoding) in FORMS {
        let (gateway, user) = (shared(), pair().wv);
        let mut sender = Phone::logged_in(gateway.csp(), &pair().wv, version, encoding);
        let html = SendMessageRequest {
            delivery_report: false,
            message: MessageInfo {
                content_type: Some("text/html".into()),
                recipient: Recipient::of_user(UserId::new(user.as_str())),
                validity: Some(Duration::from_secs(60)),
                ..MessageInfo::default()
            },
            content: Some(Content::from_text("<i>x</i>")),
        };
        assert_eq!(sender.ask(Primitive::SendMessageRequest(Box::new(html))), 200);
        let mut phone = Phone::logged_in(gateway.csp(), &user, version, encoding);
        describe(&mut phone, CapabilityList { any_content: Some(true), ..CapabilityList::default() });
        let text = phone.expect("a message", |told| match told {
            Primitive::NewMessage(new) => text_of(new).map(str::to_owned),
            _ => None,
        });
        assert_eq!(text, "<i>x</i>", "{version} {encoding:?}");
    }
}

#[test]
fn wv_sys_02_the_operator_asks_and_the_user_answers() {
    for encoding in [Encoding::Xml, Encoding::Wbxml] {
        let (gateway, user) = (shared(), pair().wv);
        let mut phone = Phone::logged_in(gateway.csp(), &user, Version::V1_3, encoding);
        phone.poll();
        let choices = ["--option", "y=Yes", "--option", "n=No", "--requires-answer"];
        let (done, said) = gateway.ask(&[&["announce", &user, "May we?"], &choices[..]].concat());
        assert!(done && said.contains("is on its way"), "{said}");
        let message = phone.expect("a SystemMessage", |told| match told {
            Primitive::SystemMessageRequest(request) => request.messages.first().cloned(),
            _ => None,
        });
        assert_eq!((&*message.text, message.requires_response, message.options.len()), ("May we?", true, 2));
        let answer = |option: &str| {
            let response = SystemMessageResponse { id: message.id.clone(), option: Some(option.into()), key: None };
            Primitive::SystemMessageUser(SystemMessageUser { responses: vec![response] })
        };
        assert_eq!(phone.ask(answer("maybe")), 402);
        assert_eq!(phone.ask(answer("y")), 200);
        let (_, shown) = gateway.ask(&["show", "announcements"]);
        let row = shown.lines().find(|line| line.contains(&*message.id)).unwrap_or_else(|| panic!("{shown}"));
        assert!(row.contains("May we?") && row.split_whitespace().any(|cell| cell == "y"), "{row}");
    }
}

#[test]
fn iwf_msg_int_019_a_full_store_refuses_for_now() {
    case("IWF-MSG-INT-019", How::Sockets, || {
        let gateway = Setup::embedded().with("limits.inbox_messages=2").start();
        let mut agent = Agent::registered(gateway.sip(), "bob@sip.example");
        for text in ["first", "second"] {
            assert_eq!(agent.send("sip:alice@wv.example", text), Ok(202));
        }
        let refused = agent.send_content("sip:alice@wv.example", "text/plain", b"third").unwrap();
        assert_eq!(refused.status().to_number(), 480);
        assert!(refused.headers().retry_after().unwrap().is_some());
        let mut carol = Phone::logged_in(gateway.csp(), "wv:carol@wv.example", Version::V1_2, Encoding::Xml);
        let response = carol.send(&["wv:alice@wv.example"], "fourth", false).unwrap();
        assert_eq!(response.result.code.number(), 507);
    });
}

#[test]
fn wv_msg_15_a_message_for_one_client_of_the_user_goes_to_that_client() {
    for (version, encoding) in FORMS {
        let (gateway, user) = (shared(), pair().wv);
        let mut sender = Phone::logged_in(gateway.csp(), &pair().wv, version, encoding);
        let client = |name: &str| {
            let mut phone = Phone::with_client(gateway.csp(), &user, name, version, encoding);
            phone.log_in().unwrap();
            phone
        };
        let (mut one, mut other) = (client("one"), client("other"));
        let to = User { client_id: Some(ClientId::from_url("other")), ..User::from(UserId::new(user.as_str())) };
        let request = SendMessageRequest {
            delivery_report: false,
            message: MessageInfo { recipient: Recipient::of_user(to), ..MessageInfo::default() },
            content: Some(Content::from_text("for one of you")),
        };
        assert_eq!(sender.ask(Primitive::SendMessageRequest(Box::new(request))), 200);
        other.expect_text("for one of you");
        assert!(one.take_told().is_empty(), "{version} {encoding:?}");
    }
}
