//! What the server says, as events.

use crate::peer::{bare_address, report::Reporter};
use serde_json::{Map, Value, json};
use std::io;
use wv_proto::{
    presence_attribute::{PresenceAttribute, Qualified},
    primitive::{
        Primitive,
        contact_list::ListManageResponse,
        message::{DeliveryReportRequest, NewMessage},
        party::{Group, Sender},
        presence::{Presence, Presentity},
    },
    status::StatusCode,
};

/// Tells the answer to a request. `id` is the number of the command.
///
/// # Errors
/// When nobody reads any more.
pub(super) fn tell_answer(reporter: Reporter, to: &str, id: u64, answer: &Primitive) -> io::Result<()> {
    let mut fields = json!({ "to": to, "id": id, "code": code(answer), "primitive": answer.name().as_str() });
    let more = match answer {
        Primitive::SendMessageResponse(response) => {
            json!({ "message_id": response.message_id.as_ref().map(|id| id.as_str()) })
        }
        Primitive::GetListResponse(response) => json!({
            "lists": response.contact_lists.iter().map(|list| list.as_str()).collect::<Vec<_>>(),
            "default_list": response.default_contact_list.as_ref().map(|list| list.as_str()),
        }),
        Primitive::ListManageResponse(response) => json!({ "contacts": contacts(response) }),
        Primitive::GetPresenceResponse(response) => {
            for presence in &response.presences {
                tell_presence(reporter, presence, "fetched")?;
            }
            Value::Null
        }
        _ => Value::Null,
    };
    let details = answer.result().map(|result| result.detailed.iter().map(|one| one.code.number()).collect::<Vec<_>>());
    if let (Value::Object(fields), Value::Object(more)) = (&mut fields, more) {
        fields.extend(more);
    }
    if let (Value::Object(fields), Some(details)) = (&mut fields, details.filter(|details| !details.is_empty())) {
        fields.insert("detailed_codes".to_owned(), details.into());
    }
    reporter.tell("answer", fields)
}

/// The code of an answer; an answer without Result is a success.
pub(super) fn code(answer: &Primitive) -> u16 {
    answer.result().map_or(StatusCode::SUCCESS, |result| result.code).number()
}

/// Tells what the server began.
///
/// # Errors
/// When nobody reads any more.
pub(super) fn tell_notified(reporter: Reporter, primitive: &Primitive) -> io::Result<()> {
    match primitive {
        Primitive::PresenceNotificationRequest(notification) => {
            for presence in &notification.presences {
                tell_presence(reporter, presence, "notified")?;
            }
            Ok(())
        }
        Primitive::PresenceAuthRequest(request) => {
            let attributes = request.attributes.as_ref();
            let attributes: Vec<&str> =
                attributes.iter().flat_map(|names| names.iter()).map(|name| name.element().as_str()).collect();
            let watcher = bare_address(request.user_id.as_str());
            reporter.tell("authorization_asked", json!({ "watcher": watcher, "attributes": attributes }))
        }
        Primitive::NewMessage(message) => reporter.tell("message", message_fields(message)),
        Primitive::DeliveryReportRequest(report) => reporter.tell("report", report_fields(report)),
        other => reporter.tell("notified", json!({ "primitive": other.name().as_str() })),
    }
}

fn message_fields(message: &NewMessage) -> Value {
    let from = message.message.sender.as_ref().map(|sender| match sender {
        Sender::User(user) => bare_address(user.user_id.as_str()).to_owned(),
        Sender::Group(Group::Id(group)) => group.as_str().to_owned(),
        Sender::Group(Group::ScreenName(name)) => name.name.to_string(),
    });
    json!({
        "from": from,
        "text": message.content.as_ref().and_then(|content| content.to_text()),
        "message_id": message.message.message_id.as_ref().map(|id| id.as_str()),
        "content_type": message.message.content_type_or_default(),
        "octets": message.content.as_ref().map_or(0, |content| content.octets().len()),
    })
}

fn report_fields(report: &DeliveryReportRequest) -> Value {
    let recipient = report.message.recipient.users.first().map(|user| bare_address(user.user_id.as_str()));
    json!({
        "message_id": report.message.message_id.as_ref().map(|id| id.as_str()),
        "code": report.result.code.number(),
        "recipient": recipient,
    })
}

fn contacts(response: &ListManageResponse) -> Option<Vec<Value>> {
    let contact = |contact: &wv_proto::primitive::party::NickName| json!({ "name": contact.name, "address": bare_address(contact.user_id.as_str()) });
    response.contacts.as_ref().map(|contacts| contacts.iter().map(contact).collect())
}

fn tell_presence(reporter: Reporter, presence: &Presence, how: &str) -> io::Result<()> {
    reporter.tell("presence", presence_fields(presence, how))
}

/// The three attributes that everybody has by name, and all of them as they are; null is "not known".
fn presence_fields(presence: &Presence, how: &str) -> Value {
    let of = match &presence.presentity {
        Presentity::User(user_id) => bare_address(user_id.as_str()),
        Presentity::ContactList(list) => list.as_str(),
    };
    let mut attributes = Map::new();
    for attribute in &presence.attributes.attributes {
        let (name, value) = attribute_value(attribute);
        attributes.insert(name, value);
    }
    let known = |name: &str| attributes.get(name).cloned().unwrap_or_default();
    let (online, availability, text) = (known("OnlineStatus"), known("UserAvailability"), known("StatusText"));
    json!({
        "of": of, "how": how, "online": online, "availability": availability, "text": text, "attributes": attributes,
    })
}

fn attribute_value(attribute: &PresenceAttribute) -> (String, Value) {
    let name = attribute.name().map(|name| name.element().as_str().to_owned());
    let value = match attribute {
        PresenceAttribute::OnlineStatus(value) | PresenceAttribute::Registration(value) => valid(value),
        PresenceAttribute::FreeTextLocation(value)
        | PresenceAttribute::Plmn(value)
        | PresenceAttribute::PreferredLanguage(value)
        | PresenceAttribute::StatusText(value)
        | PresenceAttribute::Alias(value) => valid(value),
        PresenceAttribute::UserAvailability(value) => {
            value.valid_value().map_or(Value::Null, |availability| availability.as_str().into())
        }
        PresenceAttribute::StatusMood(value) => value.valid_value().map_or(Value::Null, |mood| mood.as_str().into()),
        PresenceAttribute::ClientInfo(value) => valid(value),
        PresenceAttribute::TimeZone(value) => valid(value),
        PresenceAttribute::GeoLocation(value) => valid(value),
        PresenceAttribute::Address(value) => valid(value),
        PresenceAttribute::CommCap(value) => valid(value),
        PresenceAttribute::PreferredContacts(value) => valid(value),
        PresenceAttribute::StatusContent(value) => valid(value),
        PresenceAttribute::ContactInfo(value) => valid(value),
        PresenceAttribute::InfoLink(value) => valid(value),
        PresenceAttribute::Vendor(vendor) => return (vendor.name.to_string(), json!(vendor.text)),
    };
    (name.unwrap_or_default(), value)
}

fn valid<T: serde::Serialize>(value: &Qualified<T>) -> Value {
    value.valid_value().and_then(|value| serde_json::to_value(value).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wv_proto::{presence_attribute::Availability, primitive::identifier::UserId};

    #[test]
    fn presence_tells_what_holds_and_what_does_not() {
        let presence = Presence {
            presentity: Presentity::User(UserId::new("wv:bob@sip.example")),
            attributes: [
                PresenceAttribute::OnlineStatus(Qualified::valid(true)),
                PresenceAttribute::UserAvailability(Qualified::valid(Availability::Discreet)),
                PresenceAttribute::StatusText(Qualified::unknown()),
            ]
            .into_iter()
            .collect(),
        };
        let fields = presence_fields(&presence, "notified");
        assert_eq!(fields["of"], "bob@sip.example");
        assert_eq!((&fields["online"], &fields["availability"]), (&json!(true), &json!("DISCREET")));
        assert_eq!(fields["attributes"].as_object().map(Map::len), Some(3));
        assert_eq!(fields["attributes"]["StatusText"], Value::Null);
    }
}
