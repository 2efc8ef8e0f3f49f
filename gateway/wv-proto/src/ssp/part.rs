//! The parts that SSP primitives share.

use super::field::{Fault, Part, with_scheme};
use crate::{
    codec::{
        date_time::DateTime,
        sink::Sink,
        tree::{Element, decode_base64},
    },
    presence_attribute::{AttributeNames, PresenceSubList},
    primitive::{
        field::Part as _,
        group::{GroupProperties, WelcomeNote},
        identifier::{ClientId, GroupId, MessageId, UserId},
        message::Content,
        party::{Property, ScreenName, User},
    },
    status::{DetailedResult, StatusCode, StatusResult},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// A server as SSP names it, `wv:@domain`: its domain in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServiceId(Box<str>);

impl ServiceId {
    /// The server of a domain.
    #[must_use]
    pub fn of_domain(domain: &str) -> Self {
        Self(domain.trim().to_lowercase().into())
    }

    /// Reads `wv:@domain`; the scheme and the sign may be missing.
    ///
    /// # Errors
    /// When no domain is named.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let text = text.trim();
        let rest = text.split_at_checked(3).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("wv:"));
        let rest = rest.map_or(text, |(_, rest)| rest);
        let domain = rest.rsplit_once('@').map_or(rest, |(_, domain)| domain);
        if domain.is_empty() || domain.chars().any(char::is_whitespace) {
            return Err(Fault::BadValue("serviceID"));
        }
        Ok(Self::of_domain(domain))
    }

    /// The domain.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wv:@{}", self.0)
    }
}

/// MetaInfo: on whose behalf a request comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetaInfo {
    /// Whether a client is behind it.
    pub client_originated: bool,
    /// The server of the one who asks.
    pub service: Option<ServiceId>,
    /// The user who asks.
    pub user: Option<User>,
}

impl MetaInfo {
    /// A request of a user.
    #[must_use]
    pub fn of_user(service: ServiceId, user: User) -> Self {
        Self { client_originated: true, service: Some(service), user: Some(user) }
    }

    /// A request of a server.
    #[must_use]
    pub const fn of_service(service: ServiceId) -> Self {
        Self { client_originated: false, service: Some(service), user: None }
    }

    /// The MetaInfo of a request; a missing one says nothing.
    pub(super) fn read_in(request: Element<'_, '_>) -> Result<Self, Fault> {
        Ok(request.inner_part("MetaInfo")?.unwrap_or_default())
    }
}

impl Part for MetaInfo {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        let requestor = element.inner("Requestor");
        let service = requestor.and_then(|requestor| requestor.value("serviceID")).map(ServiceId::parse);
        let user = requestor.map(|requestor| requestor.inner_part("User")).transpose()?.flatten();
        let client_originated = element.yes_or_no("clientOriginated")?.unwrap_or(user.is_some());
        Ok(Self { client_originated, service: service.transpose()?, user })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("MetaInfo");
        sink.yes_or_no_attribute("clientOriginated", Some(self.client_originated));
        sink.start("Requestor");
        sink.maybe_attribute("serviceID", self.service.as_ref().map(ToString::to_string).as_deref());
        sink.parts(&self.user);
        sink.close();
        sink.close();
    }
}

impl Part for User {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        let client = element.inner("ClientID").map(read_client);
        let application = || element.inner("ApplicationID").and_then(|inner| inner.value("applicationID"));
        Ok(Self {
            user_id: element.user_id()?,
            friendly_name: element.value("friendlyName").map(Into::into),
            client_id: client.or_else(|| application().map(|id| ClientId::Application(id.into()))),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("User");
        sink.attribute("userID", &with_scheme(self.user_id.as_str()));
        sink.maybe_attribute("friendlyName", self.friendly_name.as_deref());
        match &self.client_id {
            None => {}
            Some(ClientId::Application(id)) => {
                sink.start("ApplicationID");
                sink.attribute("applicationID", id);
                sink.close();
            }
            Some(client) => {
                sink.start("ClientID");
                sink.attribute("url", client.as_str());
                sink.close();
            }
        }
        sink.close();
    }
}

/// A client: by its attribute, or as CSP writes it.
fn read_client(element: Element<'_, '_>) -> ClientId {
    let named = element.value("url").or_else(|| element.value("msisdn")).map(Box::from);
    let inside = || element.inner_text("URL").or_else(|| element.inner_text("MSISDN"));
    ClientId::from_url(named.or_else(inside).unwrap_or_else(|| element.trimmed()))
}

/// Somebody or something that is addressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Party {
    /// A user.
    User(User),
    /// A group.
    Group(GroupId),
    /// Somebody in a group.
    ScreenName(ScreenName),
}

impl Party {
    /// The user.
    #[must_use]
    pub const fn user(&self) -> Option<&User> {
        match self {
            Self::User(user) => Some(user),
            Self::Group(_) | Self::ScreenName(_) => None,
        }
    }

    /// Who is named in an element; other elements in it are left out.
    fn read_each(element: Element<'_, '_>) -> Result<Vec<Self>, Fault> {
        let mut parties = Vec::new();
        for child in element.children() {
            match child.local_name() {
                "User" => parties.push(Self::User(Part::read(child)?)),
                "UserID" => parties.push(Self::User(User::from(child.user_id()?))),
                "GroupID" => parties.push(Self::Group(child.group_id()?)),
                "ScreenName" => parties.push(Self::ScreenName(Part::read(child)?)),
                _ => {}
            }
        }
        Ok(parties)
    }

    /// The one who is named in an element of this name.
    pub(super) fn read_in(request: Element<'_, '_>, name: &'static str) -> Result<Self, Fault> {
        let element = request.inner(name).ok_or(Fault::Missing(name))?;
        Self::read_each(element)?.into_iter().next().ok_or(Fault::Missing(name))
    }

    /// Writes an element of this name that names the party.
    pub(super) fn write_in(&self, name: &str, sink: &mut dyn Sink) {
        sink.start(name);
        self.write(sink);
        sink.close();
    }

    fn write(&self, sink: &mut dyn Sink) {
        match self {
            Self::User(user) => Part::write(user, sink),
            Self::Group(group) => write_group(group, sink),
            Self::ScreenName(name) => Part::write(name, sink),
        }
    }
}

pub(super) fn write_group(group: &GroupId, sink: &mut dyn Sink) {
    sink.start("GroupID");
    sink.group_attribute(group);
    sink.close();
}

impl Part for ScreenName {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        Ok(Self { name: element.trimmed(), group_id: element.group_id()? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("ScreenName");
        sink.group_attribute(&self.group_id);
        sink.text(&self.name);
        sink.close();
    }
}

impl Part for StatusResult {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        let wait = element.inner_text("TryAgainTimeout").and_then(|text| text.parse::<u32>().ok());
        Ok(Self {
            code: read_code(element)?,
            description: element.inner_text("StatusDescription"),
            detailed: element.inner_parts("DetailedResult")?,
            try_again: wait.map(|seconds| Duration::from_secs(seconds.into())),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("Status");
        sink.attribute("code", &self.code.to_string());
        sink.text_element("StatusDescription", self.description.as_deref());
        sink.parts(&self.detailed);
        let wait = self.try_again.map(|wait| wait.as_secs().min(u32::MAX.into()).to_string());
        sink.text_element("TryAgainTimeout", wait.as_deref());
        sink.close();
    }
}

fn read_code(element: Element<'_, '_>) -> Result<StatusCode, Fault> {
    let number = element.needed_value("code")?.parse::<u16>().ok();
    number.and_then(StatusCode::new).ok_or(Fault::BadValue("code"))
}

impl Part for DetailedResult {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        Ok(Self {
            description: element.inner_text("StatusDescription"),
            users: read_user_ids(element)?,
            groups: element.inners("GroupID").map(Element::group_id).collect::<Result<_, _>>()?,
            screen_names: element.inner_parts("ScreenName")?,
            domains: element.inners("Domain").map(Element::trimmed).filter(|text| !text.is_empty()).collect(),
            ..Self::new(read_code(element)?)
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("DetailedResult");
        sink.attribute("code", &self.code.to_string());
        sink.text_element("StatusDescription", self.description.as_deref());
        write_user_ids(&self.users, sink);
        for group in &self.groups {
            write_group(group, sink);
        }
        sink.parts(&self.screen_names);
        for domain in &self.domains {
            sink.text_element("Domain", Some(domain));
        }
        sink.close();
    }
}

/// The users that empty elements name, as UserID or as User.
pub(super) fn read_user_ids(element: Element<'_, '_>) -> Result<Vec<UserId>, Fault> {
    let named = element.children().filter(|child| matches!(child.local_name(), "UserID" | "User"));
    named.map(Element::user_id).collect()
}

pub(super) fn write_user_ids(users: &[UserId], sink: &mut dyn Sink) {
    for user in users {
        sink.user_element("UserID", user);
    }
}

/// The texts of Name elements: screen names in a group.
pub(super) fn read_names(element: Element<'_, '_>) -> Vec<Box<str>> {
    element.inners("Name").map(Element::trimmed).collect()
}

pub(super) fn write_names(name: &str, names: &[Box<str>], sink: &mut dyn Sink) {
    sink.start(name);
    for one in names {
        sink.text_element("Name", Some(one));
    }
    sink.close();
}

/// The attributes that an AttributeList names; none without one.
pub(super) fn read_attribute_names(request: Element<'_, '_>) -> Option<AttributeNames> {
    let list = request.inner("AttributeList")?;
    Some(list.inner("PresenceSubList").map_or_else(AttributeNames::default, AttributeNames::read))
}

pub(super) fn write_attribute_names(names: Option<&AttributeNames>, sink: &mut dyn Sink) {
    if let Some(names) = names {
        sink.start("AttributeList");
        names.write(sink);
        sink.close();
    }
}

/// PresenceValue: what is told of one user. Not the CSP element of that name, which stands inside attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceValue {
    /// The user.
    pub user_id: UserId,
    /// What is told.
    pub attributes: Option<PresenceSubList>,
}

impl Part for PresenceValue {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        let list = element.inner("PresenceSubList").map(PresenceSubList::read).transpose();
        Ok(Self { user_id: element.user_id()?, attributes: list.map_err(|_| Fault::BadValue("PresenceSubList"))? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("PresenceValue");
        sink.attribute("userID", &with_scheme(self.user_id.as_str()));
        if let Some(list) = &self.attributes {
            list.write(sink);
        }
        sink.close();
    }
}

/// MessageInfo: everything about a message but its content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageInfo {
    /// The name of the message.
    pub message_id: Option<MessageId>,
    /// Where the content is.
    pub message_uri: Option<Box<str>>,
    /// Its media type.
    pub content_type: Option<Box<str>>,
    /// Its name.
    pub content_name: Option<Box<str>>,
    /// Octets of the content before BASE64.
    pub content_size: Option<u32>,
    /// How long it is worth being delivered.
    pub validity: Option<Duration>,
    /// To whom.
    pub recipients: Vec<Party>,
    /// From whom.
    pub sender: Option<Party>,
    /// How the sender is to be shown.
    pub sender_display: Option<SenderDisplay>,
    /// When it was sent.
    pub date_time: Option<DateTime>,
}

/// SenderDisplay: how the sender is to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SenderDisplay {
    /// As somebody or something that has an address.
    Party(Party),
    /// By a name.
    Name(Box<str>),
}

impl Part for MessageInfo {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        let sender = element.inner("Sender");
        let parties = sender.map(Party::read_each).transpose()?.unwrap_or_default();
        let display = sender.and_then(|sender| sender.inner("SenderDisplay"));
        let mut recipients = Vec::new();
        for recipient in element.inners("Recipient") {
            recipients.extend(Party::read_each(recipient)?);
        }
        Ok(Self {
            message_id: element.value("messageID").map(MessageId::new),
            message_uri: element.value("messageURI").map(Into::into),
            content_type: element.value("contentType").map(Into::into),
            content_name: element.value("contentName").map(Into::into),
            content_size: element.value("contentSize").and_then(|text| text.parse().ok()),
            validity: element.seconds("validity")?,
            recipients,
            sender: parties.into_iter().next(),
            sender_display: display.map(SenderDisplay::read).transpose()?.flatten(),
            date_time: element.inner("DateTime").and_then(Element::moment),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("MessageInfo");
        sink.maybe_attribute("messageID", self.message_id.as_ref().map(MessageId::as_str));
        sink.maybe_attribute("messageURI", self.message_uri.as_deref());
        sink.maybe_attribute("contentType", self.content_type.as_deref());
        sink.maybe_attribute("contentName", self.content_name.as_deref());
        sink.maybe_attribute("contentSize", self.content_size.map(|size| size.to_string()).as_deref());
        sink.seconds_attribute("validity", self.validity);
        for recipient in &self.recipients {
            recipient.write_in("Recipient", sink);
        }
        if self.sender.is_some() || self.sender_display.is_some() {
            sink.start("Sender");
            if let Some(sender) = &self.sender {
                sender.write(sink);
            }
            if let Some(display) = &self.sender_display {
                display.write(sink);
            }
            sink.close();
        }
        if let Some(moment) = self.date_time {
            sink.start("DateTime");
            sink.attribute("format", "iso8601");
            sink.text(&moment.to_extended_text());
            sink.close();
        }
        sink.close();
    }
}

impl SenderDisplay {
    fn read(element: Element<'_, '_>) -> Result<Option<Self>, Fault> {
        let party = Party::read_each(element)?.into_iter().next().map(Self::Party);
        Ok(party.or_else(|| element.inner_text("Name").map(Self::Name)))
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("SenderDisplay");
        match self {
            Self::Party(Party::User(user)) => sink.user_element("UserID", &user.user_id),
            Self::Party(party) => party.write(sink),
            Self::Name(name) => sink.text_element("Name", Some(name)),
        }
        sink.close();
    }
}

/// ContentData: the content of a message, always in BASE64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentData {
    /// Its media type.
    pub content_type: Option<Box<str>>,
    /// The octets.
    pub octets: Bytes,
}

impl Part for ContentData {
    // WV-SSP-06
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        let is_base64 = element.value("encoding").is_some_and(|word| word.eq_ignore_ascii_case("base64"));
        let octets = if is_base64 {
            decode_base64(element.text().as_bytes()).map_err(|_| Fault::BadValue("ContentData"))?
        } else {
            element.trimmed().as_bytes().to_vec()
        };
        Ok(Self { content_type: element.value("contentType").map(Into::into), octets: octets.into() })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("ContentData");
        sink.maybe_attribute("contentType", self.content_type.as_deref());
        sink.attribute("encoding", "base64");
        sink.text(&STANDARD.encode(&self.octets));
        sink.close();
    }
}

impl Part for WelcomeNote {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        let data: ContentData = element.needed_part("ContentData")?;
        Ok(Self {
            content_type: data.content_type.unwrap_or_else(|| "text/plain".into()),
            content: Content::from_octets(data.octets),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("WelcomeNote");
        let octets = self.content.octets().clone();
        ContentData { content_type: Some(self.content_type.clone()), octets }.write(sink);
        sink.close();
    }
}

impl Part for GroupProperties {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        let welcome_note = element.inner_part("WelcomeNote")?;
        Ok(Self { properties: read_properties(element), welcome_note })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("GroupProperties");
        write_each_property(&self.properties, sink);
        sink.parts(&self.welcome_note);
        sink.close();
    }
}

/// The properties that a container holds.
fn read_properties(container: Element<'_, '_>) -> Vec<Property> {
    let read = |property: Element<'_, '_>| {
        let value = property.inner("Value").map(Element::trimmed);
        property.inner_text("Name").map(|name| Property { name, value })
    };
    container.inners("Property").filter_map(read).collect()
}

fn write_each_property(properties: &[Property], sink: &mut dyn Sink) {
    for property in properties {
        sink.start("Property");
        sink.text_element("Name", Some(&property.name));
        sink.text_element("Value", property.value.as_deref());
        sink.close();
    }
}

/// OwnProperties, where they are.
pub(super) fn read_own_properties(request: Element<'_, '_>) -> Option<Vec<Property>> {
    request.inner("OwnProperties").map(read_properties)
}

pub(super) fn write_own_properties(properties: Option<&[Property]>, sink: &mut dyn Sink) {
    if let Some(properties) = properties {
        sink.start("OwnProperties");
        write_each_property(properties, sink);
        sink.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_by_its_domain() {
        for text in ["wv:@WV1.test", "@wv1.test", "wv1.test", "WV:@wv1.test", "wv:some@wv1.test"] {
            assert_eq!(ServiceId::parse(text).unwrap().domain(), "wv1.test", "{text}");
        }
        assert_eq!(ServiceId::of_domain("wv1.test").to_string(), "wv:@wv1.test");
        for text in ["", "wv:@", "wv:@a b"] {
            assert_eq!(ServiceId::parse(text), Err(Fault::BadValue("serviceID")), "{text}");
        }
    }
}
