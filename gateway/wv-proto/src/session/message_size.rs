//! How large a NewMessage becomes on the wire, estimated so that it is rather too large than too small.

use super::presence_size::octets_of_text;
use crate::primitive::message::{MessageInfo, NewMessage};
use crate::primitive::party::{Group, Sender};
use crate::version::Encoding;

/// Octets of the whole transport message.
pub(super) fn octets_of_message(new: &NewMessage, encoding: Encoding) -> usize {
    let content = new.content.as_ref().map_or(0, |content| match (encoding, content.to_text()) {
        // Text that XML cannot hold goes in BASE64, which is smaller than the worst that escaping makes of it.
        (Encoding::Xml, Some(text)) if !new.message.is_base64() => octets_of_text(text),
        (Encoding::Xml | Encoding::Wbxml, _) => content.octets().len().saturating_mul(3).div_ceil(2),
    });
    FRAME.saturating_add(octets_of_info(&new.message)).saturating_add(content)
}

fn octets_of_info(info: &MessageInfo) -> usize {
    let group = |group: &Group| match group {
        Group::Id(id) => id.as_str().len(),
        Group::ScreenName(name) => name.name.len().saturating_add(name.group_id.as_str().len()),
    };
    let sender = info.sender.as_ref().map_or(0, |sender| match sender {
        Sender::User(user) => user.user_id.as_str().len(),
        Sender::Group(from) => group(from),
    });
    let texts = [&info.message_uri, &info.content_type, &info.content_encoding, &info.content_name];
    let texts: usize = texts.into_iter().flatten().map(|text| octets_of_text(text).saturating_add(FIELD)).sum();
    let users: usize = info.recipient.users.iter().map(|user| user.user_id.as_str().len().saturating_add(FIELD)).sum();
    let groups: usize = info.recipient.groups.iter().map(|to| group(to).saturating_add(FIELD)).sum();
    let lists: usize = info.recipient.contact_lists.iter().map(|list| list.as_str().len().saturating_add(FIELD)).sum();
    [sender, texts, users, groups, lists].into_iter().fold(0, usize::saturating_add)
}

/// Envelope, MessageInfo and the fields that every message has.
const FRAME: usize = 1400;
/// The tags of one field.
const FIELD: usize = 64;
