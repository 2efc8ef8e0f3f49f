//! What peers say: messages, reports and presence in the form of SSP.

pub mod group;

use super::{address, content, outcome, presence};
use mapping::{
    address::Address,
    message::{Content, Message, MessageId, Report, ReportWish},
    presence::{DeviceId, PresenceDocument, PresenceView, Value},
    time::Timestamp,
};
use std::{sync::Arc, time::Duration};
use wv_proto::{
    codec::date_time::DateTime,
    presence_attribute::PresenceSubList,
    primitive::{
        identifier::MessageId as WvMessageId,
        message::{Content as WvContent, MessageInfo as WvMessageInfo},
        party::{ScreenName, User},
    },
    ssp::{
        part::{ContentData, MessageInfo, MetaInfo, Party, PresenceValue, SenderDisplay, ServiceId},
        primitive::{DeliveryStatusReport, SendMessageRequest},
    },
    version::Version,
};

/// The message of a SendMessageRequest, under the name that its sender's server gave it. Its recipient is the sender
/// until the engine sets it. None when its content cannot be read in the character set that it names.
#[must_use]
pub fn from_send(
    request: &SendMessageRequest,
    sender: &Address,
    origin: &str,
    validity: Duration,
    now: Timestamp,
) -> Option<Message> {
    let data = request.content.as_ref();
    let named = data.and_then(|data| data.content_type.clone());
    let info = WvMessageInfo {
        content_type: request.message.content_type.clone().or(named),
        // The octets are still in their own character set.
        content_encoding: Some("BASE64".into()),
        ..WvMessageInfo::default()
    };
    let octets = data.map(|data| WvContent::from_octets(data.octets.clone()));
    Some(Message {
        id: MessageId::new(request.message.message_id.as_ref().map_or("", WvMessageId::as_str)),
        sender: sender.clone(),
        recipient: sender.clone(),
        device: None,
        content: content::from_client(&info, octets.as_ref())?,
        // WV-MSG-04: clocks of peers are as wrong as those of clients.
        sent: now,
        expires: now.after(request.message.validity.filter(|wish| !wish.is_zero()).unwrap_or(validity)),
        report: if request.delivery_report { ReportWish::Delivery } else { ReportWish::None },
        origin: Arc::from(origin),
        talk: None,
        disclosure: mapping::message::Disclosure::Named,
    })
}

/// The SendMessageRequest that brings a message to a peer.
#[must_use]
pub fn to_send(message: &Message, now: Timestamp) -> SendMessageRequest {
    let (info, content) = to_content(&message.content);
    let shown = message.shown_sender();
    let by_user = MetaInfo::of_user(ServiceId::of_domain(message.sender.domain()), user(&shown));
    let (meta, recipient, sender, sender_display) = match message.talk.as_deref() {
        None => (by_user, Party::User(user(&message.recipient)), Party::User(user(&shown)), None),
        // Into a group of the peer.
        Some(talk) if talk.conversation.domain() == message.recipient.domain() => {
            let group_id = address::to_group_id(&talk.conversation);
            let recipient = match &talk.addressee {
                Some(name) => Party::ScreenName(ScreenName { name: name.as_str().into(), group_id }),
                None => Party::Group(group_id),
            };
            (by_user, recipient, Party::User(user(&message.sender)), None)
        }
        // Out of a group here: its participants know each other by their names in it.
        // UNCLEAR: no server was seen to do this; the elements are those that the form has for it.
        Some(talk) => {
            let group_id = address::to_group_id(&talk.conversation);
            let shown =
                Party::ScreenName(ScreenName { name: talk.speaker.as_str().into(), group_id: group_id.clone() });
            let meta = MetaInfo::of_service(ServiceId::of_domain(talk.conversation.domain()));
            let recipient = Party::User(user(&message.recipient));
            (meta, recipient, Party::Group(group_id), Some(SenderDisplay::Party(shown)))
        }
    };
    SendMessageRequest {
        meta,
        delivery_report: message.report == ReportWish::Delivery,
        message: MessageInfo {
            message_id: Some(WvMessageId::new(message.id.as_str())),
            validity: Some(now.until(message.expires)),
            recipients: vec![recipient],
            sender: Some(sender),
            sender_display,
            date_time: date_time(message.sent),
            ..info
        },
        content: Some(content),
    }
}

/// What MessageInfo says of a content, and the content.
// WV-SSP-06
#[must_use]
pub fn to_content(content: &Content) -> (MessageInfo, ContentData) {
    let kind: Box<str> = content.media_type.as_ref().into();
    let size = u32::try_from(content.body.len()).ok();
    let info = MessageInfo { content_type: Some(kind.clone()), content_size: size, ..MessageInfo::default() };
    (info, ContentData { content_type: Some(kind), octets: content.body.clone() })
}

/// The report of a DeliveryStatusReport; none when it does not say on what.
#[must_use]
pub fn from_report(report: &DeliveryStatusReport, local: &str, peer: &str, now: Timestamp) -> Option<Report> {
    let message = &report.message;
    let named = |party: Option<&Party>, domain: &str| {
        party.and_then(Party::user).and_then(|user| address::to_neutral(user.user_id.as_str(), domain).ok())
    };
    Some(Report {
        message: MessageId::new(message.message_id.as_ref()?.as_str()),
        // The recipient of the report sent the message, its sender got it.
        sender: named(message.recipients.first(), local)?,
        recipient: named(message.sender.as_ref(), peer)?,
        outcome: outcome::from_code(report.result.code),
        at: now,
        sent: now,
        media_type: Arc::from(message.content_type.as_deref().unwrap_or("text/plain").to_ascii_lowercase()),
        size_octets: message.content_size.unwrap_or(0).into(),
        origin: Arc::from(""),
    })
}

/// The DeliveryStatusReport for a report.
#[must_use]
pub fn to_report(report: &Report) -> DeliveryStatusReport {
    let result = outcome::to_result(report.outcome, &[], Version::V1_3);
    DeliveryStatusReport {
        meta: MetaInfo::of_user(ServiceId::of_domain(report.recipient.domain()), user(&report.recipient)),
        result: if result.description.is_none() { result.with_meaning() } else { result },
        delivery_time: date_time(report.at),
        message: MessageInfo {
            message_id: Some(WvMessageId::new(report.message.as_str())),
            content_type: Some(report.media_type.as_ref().into()),
            content_size: u32::try_from(report.size_octets).ok(),
            recipients: vec![Party::User(user(&report.sender))],
            sender: Some(Party::User(user(&report.recipient))),
            date_time: date_time(report.sent),
            ..MessageInfo::default()
        },
    }
}

/// What a peer says of one of its users. Values that are impossible say nothing.
#[must_use]
pub fn from_sub_list(list: &PresenceSubList, now: Timestamp) -> PresenceDocument {
    let device = DeviceId::new("");
    let mut document = PresenceDocument::default();
    for attribute in &list.attributes {
        let one: PresenceSubList = [attribute.clone()].into_iter().collect();
        if let Ok(said) = presence::from_update(&one, &device, now) {
            document.merge(said);
        }
    }
    document
}

/// Whether the document says that its user is gone.
#[must_use]
pub fn is_offline(document: &PresenceDocument) -> bool {
    document.devices.iter().any(|device| device.online == Value::Known(false))
        && document.devices.iter().all(|device| device.online != Value::Known(true))
}

/// What a watcher may see of a presentity.
#[must_use]
pub fn to_value(presentity: &Address, view: &PresenceView) -> PresenceValue {
    let attributes = Some(presence::to_sub_list(view, Version::V1_3));
    PresenceValue { user_id: address::to_user_id(presentity), attributes }
}

fn user(address: &Address) -> User {
    User::from(address::to_user_id(address))
}

fn date_time(at: Timestamp) -> Option<DateTime> {
    i64::try_from(at.as_secs()).ok().and_then(DateTime::from_unix_seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mapping::outcome::Outcome;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn a_message_says_the_same_after_its_way_there_and_back() {
        let now = Timestamp::from_secs(1_900_000_000);
        let message = Message {
            id: MessageId::new("m1"),
            sender: address("bob@sip.example"),
            recipient: address("alice@b.example"),
            device: None,
            content: Content::from_text("two & <three> ä«"),
            sent: now,
            expires: now.after(Duration::from_secs(600)),
            report: ReportWish::Delivery,
            origin: Arc::from("o"),
            talk: None,
            disclosure: mapping::message::Disclosure::Named,
        };
        let sent = to_send(&message, now);
        assert_eq!(sent.message.content_size, Some(18), "octets, not characters");
        let read = from_send(&sent, &message.sender, "o", Duration::from_secs(1), now).unwrap();
        assert_eq!(read, Message { recipient: message.sender.clone(), ..message });
    }

    #[test]
    fn a_report_names_both_users_the_other_way_round() {
        let now = Timestamp::from_secs(1_900_000_000);
        let report = Report {
            message: MessageId::new("m1"),
            sender: address("alice@b.example"),
            recipient: address("bob@sip.example"),
            outcome: Outcome::Success,
            at: now,
            sent: now,
            media_type: Arc::from("text/plain"),
            size_octets: 5,
            origin: Arc::from(""),
        };
        let told = to_report(&report);
        assert_eq!(told.message.sender.as_ref().and_then(Party::user).unwrap().user_id.as_str(), "wv:bob@sip.example");
        // Read by the one at the other end, for whom the domains are the other way round.
        assert_eq!(from_report(&told, "b.example", "sip.example", now), Some(report));
    }
}
