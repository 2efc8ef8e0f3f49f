//! Block and grant lists as lines.

use super::{ProvisionError, list_address, parse_user, spell};
use mapping::{
    address::Address,
    event::Operation,
    route::DomainTable,
    screening::{Entity, EntityChange, EntitySet, Screening, ScreeningChange},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The block and the grant list of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScreeningProvision {
    /// Whose lists.
    pub user: String,
    /// Who is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<EntitiesProvision>,
    /// Who alone is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<EntitiesProvision>,
}

/// One of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EntitiesProvision {
    /// Whether it is in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_use: Option<bool>,
    /// Users on it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// Groups on it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Members of groups on it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub screen_names: Vec<ScreenNameProvision>,
    /// Names of own contact lists on it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<String>,
    /// Applications on it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub applications: Vec<String>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScreenNameProvision {
    /// The group.
    pub group: String,
    /// The name in it.
    pub name: String,
}

impl ScreeningProvision {
    pub(super) fn of(user: &Address, screening: &Screening, domains: &DomainTable) -> Self {
        let list = |set: &EntitySet| (*set != EntitySet::default()).then(|| EntitiesProvision::of(set, domains));
        Self { user: spell(user, domains), block: list(&screening.block), grant: list(&screening.grant) }
    }

    /// What makes the lists of the user what they are here.
    pub(super) fn to_operation(&self, user: &Address) -> Result<Operation, ProvisionError> {
        let mut change = ScreeningChange::default();
        if let Some(block) = &self.block {
            change.block = Some(block.to_change(user)?);
        }
        if let Some(grant) = &self.grant {
            change.grant = Some(grant.to_change(user)?);
        }
        Ok(Operation::Screen(change))
    }
}

impl EntitiesProvision {
    fn of(set: &EntitySet, domains: &DomainTable) -> Self {
        let mut list = Self { in_use: set.in_use, ..Self::default() };
        for entity in &set.entities {
            match entity {
                Entity::User(user) => list.users.push(spell(user, domains)),
                Entity::Group(group) => list.groups.push(spell(group, domains)),
                Entity::ScreenName { group, name } => list
                    .screen_names
                    .push(ScreenNameProvision { group: spell(group, domains), name: name.as_ref().to_owned() }),
                Entity::ContactList(own) => list.lists.push(own.resource().unwrap_or_default().to_owned()),
                Entity::Application(id) => list.applications.push(id.as_ref().to_owned()),
            }
        }
        list
    }

    fn to_change(&self, owner: &Address) -> Result<EntityChange, ProvisionError> {
        let users = self.users.iter().map(|user| parse_user(user).map(Entity::User));
        let groups = self.groups.iter().map(|group| parse_group(group).map(Entity::Group));
        let names = self.screen_names.iter().map(|one| {
            let group = parse_group(&one.group)?;
            Ok(Entity::ScreenName { group, name: Arc::from(one.name.as_str()) })
        });
        let lists = self.lists.iter().map(|name| list_address(owner, name).map(Entity::ContactList));
        let applications = self.applications.iter().map(|id| Ok(Entity::Application(Arc::from(id.as_str()))));
        let entities = users.chain(groups).chain(names).chain(lists).chain(applications);
        Ok(EntityChange {
            in_use: self.in_use,
            whole: Some(entities.collect::<Result<_, ProvisionError>>()?),
            ..EntityChange::default()
        })
    }
}

/// A group with or without its scheme.
fn parse_group(text: &str) -> Result<Address, ProvisionError> {
    let bare = text.strip_prefix("wv:").or_else(|| text.strip_prefix("sip:")).unwrap_or(text);
    Address::parse(bare).map_err(|_| ProvisionError::User(text.to_owned()))
}
