//! Presence: names and values of attributes. Only some have codes; the others cannot be told in this syntax.

use super::PtsError;
use super::capability::{read_client_type, write_client_type};
use super::value::PtsValue;
use crate::presence_attribute::{
    AttributeNames, Availability, ClientInfo, MediaContent, PresenceAttribute, PresenceAttributeName, PresenceSubList,
    Qualified, StatusContent,
};
use crate::primitive::identifier::UserId;
use crate::primitive::presence::{Presence, Presentity};

/// Reads the names of attributes. A list behind a name holds parts of that attribute, which are not told apart.
pub(super) fn read_names(value: &PtsValue) -> Result<AttributeNames, PtsError> {
    let mut names = AttributeNames::default();
    for element in value.elements() {
        match element {
            PtsValue::Simple(code) if code.is_empty() => {}
            PtsValue::Simple(code) => names.insert(name_of(code).ok_or(PtsError::BadParameter)?),
            PtsValue::List(parts) => {
                if let Some(name) = parts.first().and_then(PtsValue::as_text).and_then(name_of) {
                    names.insert(name);
                }
            }
        }
    }
    Ok(names)
}

/// Writes the names that have codes.
pub(super) fn write_names(names: &AttributeNames) -> PtsValue {
    let codes = NAMES.iter().filter(|(_, name)| names.contains(*name));
    PtsValue::List(codes.map(|(code, _)| PtsValue::text(*code)).collect())
}

/// Reads attributes with their values.
pub(super) fn read_sub_list(value: &PtsValue) -> Result<PresenceSubList, PtsError> {
    // One attribute may stand without the list around it.
    let is_single = matches!(value.elements().first(), Some(PtsValue::Simple(text)) if !text.is_empty());
    let attributes = if is_single { std::slice::from_ref(value) } else { value.elements() };
    attributes
        .iter()
        .filter(|attribute| attribute.as_text() != Some(""))
        .map(read_attribute)
        .collect::<Result<_, _>>()
        .map(|attributes| PresenceSubList { attributes })
}

// WV-PTS-05
fn read_attribute(value: &PtsValue) -> Result<PresenceAttribute, PtsError> {
    let [PtsValue::Simple(code), rest @ ..] = value.elements() else { return Err(PtsError::BadParameter) };
    let (qualifier, value) = match rest {
        [] => (None, None),
        // Without a qualifier there is nothing in its place, or no place at all.
        [value] => (None, Some(value)),
        [qualifier, value] => (read_flag(qualifier), Some(value)),
        _ => return Err(PtsError::BadParameter),
    };
    // Nothing between the commas is no value.
    let value = value.filter(|value| value.as_text() != Some(""));
    let text = || value.and_then(PtsValue::as_text);
    Ok(match name_of(code).ok_or(PtsError::BadParameter)? {
        PresenceAttributeName::OnlineStatus => {
            PresenceAttribute::OnlineStatus(qualified(qualifier, value.and_then(read_flag)))
        }
        PresenceAttributeName::UserAvailability => {
            PresenceAttribute::UserAvailability(qualified(qualifier, text().map(read_availability)))
        }
        PresenceAttributeName::StatusText => PresenceAttribute::StatusText(qualified(qualifier, text().map(Box::from))),
        PresenceAttributeName::ClientInfo => {
            PresenceAttribute::ClientInfo(Box::new(qualified(qualifier, value.map(read_client_info))))
        }
        PresenceAttributeName::StatusContent => {
            PresenceAttribute::StatusContent(Box::new(qualified(qualifier, value.map(read_content))))
        }
        // The others have no code.
        _ => return Err(PtsError::BadParameter),
    })
}

/// Writes the attributes that have codes.
pub(super) fn write_sub_list(list: &PresenceSubList) -> PtsValue {
    PtsValue::List(list.attributes.iter().filter_map(write_attribute).collect())
}

fn write_attribute(attribute: &PresenceAttribute) -> Option<PtsValue> {
    Some(match attribute {
        PresenceAttribute::OnlineStatus(status) => tuple("OS", status, |online| PtsValue::flag(*online)),
        PresenceAttribute::UserAvailability(status) => {
            tuple("UA", status, |availability| PtsValue::text(write_availability(availability)))
        }
        PresenceAttribute::StatusText(status) => tuple("ST", status, |text| PtsValue::text(text.as_ref())),
        PresenceAttribute::ClientInfo(status) => tuple("CF", status, write_client_info),
        PresenceAttribute::StatusContent(status) => tuple("SC", status, write_content),
        _ => return None,
    })
}

fn tuple<T>(code: &str, status: &Qualified<T>, write: impl Fn(&T) -> PtsValue) -> PtsValue {
    let qualifier = status.qualifier.map_or_else(|| PtsValue::text(""), PtsValue::flag);
    let value = status.value.as_ref().map_or_else(|| PtsValue::text(""), write);
    PtsValue::List(vec![PtsValue::text(code), qualifier, value])
}

/// Reads presences: one, or a list of them, whatever the number of parentheses.
// WV-PTS-05
pub(super) fn read_presences(value: &PtsValue) -> Result<Vec<Presence>, PtsError> {
    let mut presences = Vec::new();
    gather_presences(value, &mut presences)?;
    Ok(presences)
}

fn gather_presences(value: &PtsValue, presences: &mut Vec<Presence>) -> Result<(), PtsError> {
    match value.elements() {
        [PtsValue::Simple(user)] | [PtsValue::Simple(user), PtsValue::Simple(_)] if !user.is_empty() => {
            presences.push(presence(user, PresenceSubList::default()));
        }
        [PtsValue::Simple(user), list @ PtsValue::List(_)] => presences.push(presence(user, read_sub_list(list)?)),
        elements => {
            for element in elements {
                match element {
                    PtsValue::List(_) => gather_presences(element, presences)?,
                    PtsValue::Simple(text) if text.is_empty() => {}
                    PtsValue::Simple(_) => return Err(PtsError::BadParameter),
                }
            }
        }
    }
    Ok(())
}

fn presence(user: &str, attributes: PresenceSubList) -> Presence {
    Presence { presentity: Presentity::User(UserId::new(user)), attributes }
}

/// Writes presences: one without the list around it.
pub(super) fn write_presences(presences: &[Presence]) -> PtsValue {
    let write = |presence: &Presence| {
        let name = match &presence.presentity {
            Presentity::User(user) => user.as_str(),
            Presentity::ContactList(list) => list.as_str(),
        };
        PtsValue::List(vec![PtsValue::text(name), write_sub_list(&presence.attributes)])
    };
    match presences {
        [single] => write(single),
        all => PtsValue::List(all.iter().map(write).collect()),
    }
}

const fn qualified<T>(qualifier: Option<bool>, value: Option<T>) -> Qualified<T> {
    Qualified { qualifier, value, client_id: None }
}

pub(super) fn read_flag(value: &PtsValue) -> Option<bool> {
    match value.as_text()? {
        "T" | "t" => Some(true),
        "F" | "f" => Some(false),
        _ => None,
    }
}

fn read_availability(text: &str) -> Availability {
    match text.to_ascii_uppercase().as_str() {
        "AV" => Availability::Available,
        "NA" => Availability::NotAvailable,
        "DI" => Availability::Discreet,
        _ => Availability::parse(text),
    }
}

fn write_availability(availability: &Availability) -> &str {
    match availability {
        Availability::Available => "AV",
        Availability::NotAvailable => "NA",
        Availability::Discreet => "DI",
        Availability::Other(word) => word,
    }
}

fn read_client_info(value: &PtsValue) -> ClientInfo {
    let mut info = ClientInfo::default();
    for (code, text) in fields(value) {
        match code.as_str() {
            "CT" => info.client_type = Some(read_client_type(text)),
            "CP" => info.producer = Some(text.into()),
            "CV" => info.version = Some(text.into()),
            _ => {}
        }
    }
    info
}

fn write_client_info(info: &ClientInfo) -> PtsValue {
    let fields = [
        ("CT", info.client_type.as_ref().map(write_client_type)),
        ("CP", info.producer.as_deref()),
        ("CV", info.version.as_deref()),
    ];
    write_fields(&fields)
}

fn read_content(value: &PtsValue) -> StatusContent {
    let mut content = StatusContent { content: None, content_type: None };
    for (code, text) in fields(value) {
        match code.as_str() {
            "RC" => content.content = Some(MediaContent::Referred(text.into())),
            "CY" => content.content_type = Some(text.into()),
            _ => {}
        }
    }
    content
}

fn write_content(content: &StatusContent) -> PtsValue {
    let referred = match &content.content {
        Some(MediaContent::Referred(url)) => Some(url.as_ref()),
        // There is no code for a content of its own.
        Some(MediaContent::Direct(_)) | None => None,
    };
    write_fields(&[("RC", referred), ("CY", content.content_type.as_deref())])
}

fn fields(value: &PtsValue) -> impl Iterator<Item = (String, &str)> {
    let is_single = matches!(value.elements().first(), Some(PtsValue::Simple(_)));
    let fields = if is_single { std::slice::from_ref(value) } else { value.elements() };
    fields.iter().filter_map(|field| match field.elements() {
        [PtsValue::Simple(code), PtsValue::Simple(text)] => Some((code.to_ascii_uppercase(), text.as_str())),
        _ => None,
    })
}

fn write_fields(fields: &[(&str, Option<&str>)]) -> PtsValue {
    let there = fields.iter().filter_map(|(code, text)| text.map(|text| (*code, text)));
    PtsValue::List(there.map(|(code, text)| PtsValue::List(vec![PtsValue::text(code), PtsValue::text(text)])).collect())
}

fn name_of(code: &str) -> Option<PresenceAttributeName> {
    NAMES.iter().find(|(known, _)| code.eq_ignore_ascii_case(known)).map(|(_, name)| *name)
}

const NAMES: [(&str, PresenceAttributeName); 5] = [
    ("OS", PresenceAttributeName::OnlineStatus),
    ("CF", PresenceAttributeName::ClientInfo),
    ("UA", PresenceAttributeName::UserAvailability),
    ("ST", PresenceAttributeName::StatusText),
    ("SC", PresenceAttributeName::StatusContent),
];
