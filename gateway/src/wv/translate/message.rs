//! Messages and delivery reports.

use super::{address, content, outcome};
use mapping::{
    address::Address,
    message::{Message, MessageId, Report, ReportWish},
    time::Timestamp,
};
use std::{sync::Arc, time::Duration};
use wv_proto::{
    codec::date_time::DateTime,
    primitive::{
        identifier::{GroupId, MessageId as WvMessageId},
        message::{DeliveryReportRequest, MessageInfo, NewMessage, SendMessageRequest},
        party::{Group, Recipient, ScreenName, Sender, User},
    },
    session::negotiation::Negotiated,
    version::Version,
};

/// The message of a SendMessage-Request. Its recipient is the sender until the engine sets it per target. None when its
/// content cannot be read in the character set that it names.
#[must_use]
pub fn from_send(
    request: &SendMessageRequest,
    sender: &Address,
    origin: &str,
    validity: Duration,
    now: Timestamp,
) -> Option<Message> {
    Some(Message {
        id: MessageId::new(""),
        sender: sender.clone(),
        recipient: sender.clone(),
        device: None,
        content: content::from_client(&request.message, request.content.as_ref())?,
        // WV-MSG-04: clients' clocks are often wrong; the time that counts is the gateway's.
        sent: now,
        expires: now.after(request.message.validity.unwrap_or(validity)),
        report: if request.delivery_report { ReportWish::Delivery } else { ReportWish::None },
        origin: Arc::from(origin),
        talk: None,
    })
}

/// The NewMessage that brings a message to a client; none when the client takes nothing that could be made of it.
#[must_use]
pub fn to_new_message(message: &Message, negotiated: &Negotiated, now: Timestamp) -> Option<NewMessage> {
    let fitting = content::to_client(&message.content, negotiated)?;
    let info = MessageInfo {
        // WV-MSG-02: always written.
        content_type: Some(fitting.content_type),
        content_encoding: fitting.content_encoding,
        content_size: u32::try_from(fitting.content.octets().len()).ok(),
        ..to_info(message, now)
    };
    Some(NewMessage { message: info, content: Some(fitting.content) })
}

/// What GetMessageList-Response says of a message.
#[must_use]
pub fn to_info(message: &Message, now: Timestamp) -> MessageInfo {
    MessageInfo {
        message_id: Some(WvMessageId::new(message.id.as_str())),
        content_type: Some(message.content.media_type.as_ref().into()),
        content_size: u32::try_from(message.content.body.len()).ok(),
        recipient: heard_by(message),
        sender: Some(said_by(message)),
        date_time: date_time(message.sent),
        validity: Some(now.until(message.expires)),
        ..MessageInfo::default()
    }
}

/// The DeliveryReport-Request for a report.
#[must_use]
pub fn to_delivery_report(report: &Report, version: Version) -> DeliveryReportRequest {
    DeliveryReportRequest {
        result: outcome::to_result(report.outcome, &[], version),
        delivery_time: match version {
            Version::V1_1 => None,
            Version::V1_2 | Version::V1_3 => date_time(report.at),
        },
        message: MessageInfo {
            message_id: Some(WvMessageId::new(report.message.as_str())),
            content_type: Some(report.media_type.as_ref().into()),
            content_size: u32::try_from(report.size_octets).ok(),
            recipient: recipient(&report.recipient),
            sender: Some(sender(&report.sender)),
            date_time: date_time(report.sent),
            ..MessageInfo::default()
        },
    }
}

/// The recipient as the client is told it: the group in which it was said, or who is to hear it alone there.
// WV-GRP-09
fn heard_by(message: &Message) -> Recipient {
    let Some(talk) = &message.talk else { return recipient(&message.recipient) };
    let group_id = GroupId::new(talk.written.as_ref());
    let group = match &talk.addressee {
        Some(name) => Group::ScreenName(ScreenName { name: name.as_str().into(), group_id }),
        None => Group::Id(group_id),
    };
    Recipient { groups: vec![group], ..Recipient::default() }
}

/// The sender as the client is told it: in a group, by its screen name.
fn said_by(message: &Message) -> Sender {
    let Some(talk) = &message.talk else { return sender(&message.sender) };
    let (name, group_id) = (talk.speaker.as_str().into(), GroupId::new(talk.written.as_ref()));
    Sender::Group(Group::ScreenName(ScreenName { name, group_id }))
}

/// The User element of an address.
#[must_use]
pub fn user_of(address: &Address) -> User {
    User::from(address::to_user_id(address))
}

fn recipient(address: &Address) -> Recipient {
    Recipient::of_user(user_of(address))
}

fn sender(address: &Address) -> Sender {
    Sender::User(User::from(address::to_user_id(address)))
}

fn date_time(at: Timestamp) -> Option<DateTime> {
    i64::try_from(at.as_secs()).ok().and_then(DateTime::from_unix_seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use mapping::message::Content;
    use wv_proto::primitive::message::Content as WvContent;

    fn read(text: &str, size: u32) -> Message {
        let request = SendMessageRequest {
            delivery_report: true,
            message: MessageInfo {
                content_type: Some("Text/Plain; charset=utf-8".into()),
                content_size: Some(size),
                ..MessageInfo::default()
            },
            content: Some(WvContent::from_text(text)),
        };
        let alice = Address::parse("alice@wv.example").unwrap();
        from_send(&request, &alice, "s/1", Duration::from_secs(60), Timestamp::EPOCH).unwrap()
    }

    #[test]
    fn a_wrong_content_size_is_no_fault() {
        let message = read("hello", 148);
        assert_eq!((message.content.media_type.as_ref(), message.content.body.as_ref()), ("text/plain", &b"hello"[..]));
        assert_eq!(message.report, ReportWish::Delivery);
        assert_eq!(message.expires, Timestamp::from_secs(60));
    }

    #[test]
    fn control_characters_do_not_reach_a_phone() {
        let mut message = read("x", 1);
        message.content = Content::from_text("a\u{1}b");
        let new = to_new_message(&message, &Negotiated::default(), Timestamp::EPOCH).unwrap();
        assert_eq!(new.content, Some(WvContent::from_text("a\u{fffd}b")));
        message.content = Content { media_type: "image/png".into(), body: Bytes::from_static(&[0, 255]) };
        assert_eq!(to_new_message(&message, &Negotiated::default(), Timestamp::EPOCH), None, "it takes text only");
    }

    #[test]
    fn wv_msg_02_the_type_of_a_new_message_is_always_written() {
        let new = to_new_message(&read("hello", 5), &Negotiated::default(), Timestamp::EPOCH).unwrap();
        assert_eq!(new.message.content_type.as_deref(), Some("text/plain"));
        assert_eq!(new.message.content_size, Some(5));
    }

    #[test]
    fn wv_msg_04_the_time_of_a_message_is_the_gateways() {
        let claimed = DateTime::from_unix_seconds(4_000_000_000);
        let request = SendMessageRequest {
            delivery_report: false,
            message: MessageInfo { date_time: claimed, ..MessageInfo::default() },
            content: Some(WvContent::from_text("hello")),
        };
        let (alice, now) = (Address::parse("alice@wv.example").unwrap(), Timestamp::from_secs(1_109_912_767));
        let message = from_send(&request, &alice, "s/1", Duration::from_secs(60), now).unwrap();
        assert_eq!(message.sent, now);
        let new = to_new_message(&message, &Negotiated::default(), now).unwrap();
        assert_eq!(new.message.date_time, DateTime::from_unix_seconds(1_109_912_767));
    }
}
