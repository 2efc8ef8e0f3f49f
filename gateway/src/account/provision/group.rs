//! Groups with their members as lines.

use super::{ProvisionError, Wish, is_false, owner, parse_user, spell};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mapping::{
    address::Address,
    conversation::{Access, OwnChange, OwnProperties, Person, PropertyChange, Role, Standing, Visibility},
    engine::{Creation, KeptConversation},
    event::Operation,
    message::Content,
    route::DomainTable,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupProvision {
    /// Who owns it.
    pub user: String,
    /// Its address: `wv:USER/NAME@DOMAIN`, or `wv:/NAME@DOMAIN`.
    pub group: String,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Who may join.
    #[serde(default)]
    pub access: Access,
    /// To whom it belongs.
    #[serde(default)]
    pub visibility: Visibility,
    /// Whether participants may talk to each other alone.
    #[serde(default, skip_serializing_if = "is_false")]
    pub private_messages: bool,
    /// Whether it can be found.
    #[serde(default, skip_serializing_if = "is_false")]
    pub searchable: bool,
    /// Whether what is said is kept.
    #[serde(default, skip_serializing_if = "is_false")]
    pub history: bool,
    /// How many may take part at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participants_max: Option<u32>,
    /// Whether it ends so many seconds after its last participant has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_when_empty_after_s: Option<u64>,
    /// What somebody who joins is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub welcome: Option<WelcomeProvision>,
    /// Its members, the owner among them.
    #[serde(default)]
    pub members: Vec<GroupMemberProvision>,
    /// Who may not enter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_out: Vec<String>,
}

/// What somebody who joins is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WelcomeProvision {
    /// Media type.
    pub media_type: String,
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The octets, where they are no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupMemberProvision {
    /// Who.
    pub user: String,
    /// What it may do.
    #[serde(default)]
    pub role: Role,
    /// Whether the others see its address.
    #[serde(default, skip_serializing_if = "is_false")]
    pub shows_address: bool,
    /// Whether it joins with each login.
    #[serde(default, skip_serializing_if = "is_false")]
    pub joins_by_itself: bool,
    /// Whether it refuses private messages.
    #[serde(default, skip_serializing_if = "is_false")]
    pub refuses_private: bool,
}

impl GroupProvision {
    /// The line of a group and the people in it.
    #[must_use]
    pub fn of(kept: &KeptConversation, people: &[(&Address, &Person)], domains: &DomainTable) -> Self {
        let properties = &kept.properties;
        let is_as_written = parse_group(&kept.written).is_ok_and(|address| address == kept.address);
        let members = people.iter().filter_map(|(user, person)| {
            Some(GroupMemberProvision {
                user: spell(user, domains),
                role: person.role?,
                shows_address: person.own.shows_address,
                joins_by_itself: person.own.joins_by_itself,
                refuses_private: !person.own.takes_private,
            })
        });
        let kept_out = people.iter().filter(|(_, person)| person.standing == Standing::KeptOut);
        Self {
            user: spell(&kept.owner, domains),
            group: if is_as_written { kept.written.clone() } else { spell(&kept.address, domains) },
            title: properties.name.clone(),
            topic: properties.topic.clone(),
            access: properties.access,
            visibility: properties.visibility,
            private_messages: properties.allows_private,
            searchable: properties.is_searchable,
            history: properties.keeps_history,
            participants_max: properties.participants_max,
            ends_when_empty_after_s: properties.ends_when_empty.then_some(properties.empty_lifetime.as_secs()),
            welcome: properties.welcome.as_ref().map(WelcomeProvision::of),
            members: members.collect(),
            kept_out: kept_out.map(|(user, _)| spell(user, domains)).collect(),
        }
    }

    /// What the engine is asked for.
    ///
    /// # Errors
    /// When a user or the group is none.
    pub fn to_wish(&self, domains: &DomainTable) -> Result<Wish, ProvisionError> {
        let (user, side) = owner(&self.user, domains)?;
        let mut people = Vec::with_capacity(self.members.len());
        for member in &self.members {
            people.push((parse_user(&member.user)?, member.to_person()));
        }
        for other in &self.kept_out {
            people.push((parse_user(other)?, Person { standing: Standing::KeptOut, ..Person::default() }));
        }
        let creation = Creation {
            written: self.group.clone(),
            properties: self.to_properties()?,
            own: OwnChange::default(),
            join: None,
            people,
        };
        let operation =
            Operation::CreateConversation { conversation: parse_group(&self.group)?, creation: Box::new(creation) };
        Ok(Wish { user, side, operation })
    }

    fn to_properties(&self) -> Result<PropertyChange, ProvisionError> {
        Ok(PropertyChange {
            name: self.title.clone(),
            topic: self.topic.clone(),
            access: Some(self.access),
            visibility: Some(self.visibility),
            allows_private: Some(self.private_messages),
            is_searchable: Some(self.searchable),
            participants_max: self.participants_max,
            ends_when_empty: Some(self.ends_when_empty_after_s.is_some()),
            empty_lifetime: self.ends_when_empty_after_s.map(Duration::from_secs),
            keeps_history: Some(self.history),
            welcome: self.welcome.as_ref().map(WelcomeProvision::to_content).transpose()?,
        })
    }
}

impl WelcomeProvision {
    fn of(content: &Content) -> Self {
        let text = std::str::from_utf8(&content.body).ok().map(str::to_owned);
        let base64 = text.is_none().then(|| STANDARD.encode(&content.body));
        Self { media_type: content.media_type.as_ref().to_owned(), text, base64 }
    }

    fn to_content(&self) -> Result<Content, ProvisionError> {
        let wrong = || ProvisionError::Syntax("a welcome has either text or base64".to_owned());
        let body = match (&self.text, &self.base64) {
            (Some(text), None) => text.clone().into_bytes(),
            (None, Some(base64)) => STANDARD.decode(base64).map_err(|_| wrong())?,
            _ => return Err(wrong()),
        };
        Ok(Content { media_type: self.media_type.to_ascii_lowercase().into(), body: body.into() })
    }
}

impl GroupMemberProvision {
    fn to_person(&self) -> Person {
        let own = OwnProperties {
            shows_address: self.shows_address,
            joins_by_itself: self.joins_by_itself,
            takes_private: !self.refuses_private,
        };
        Person { role: Some(self.role), own, ..Person::default() }
    }
}

/// The address of a group with or without its scheme.
fn parse_group(text: &str) -> Result<Address, ProvisionError> {
    let wrong = || ProvisionError::GroupName(text.to_owned());
    let bare = text.get(..3).filter(|scheme| scheme.eq_ignore_ascii_case("wv:")).and_then(|_| text.get(3..));
    let address = Address::parse(bare.unwrap_or(text)).map_err(|_| wrong())?;
    if address.resource().is_some_and(|name| !name.is_empty()) { Ok(address) } else { Err(wrong()) }
}
