//! Whom a user refuses, and whom alone it accepts (block and grant lists).

use crate::address::Address;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::Arc};

/// The block and the grant list of a user. They hold for messages and invitations, not for presence.
// WV-BLK-02
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Screening {
    /// Who is refused.
    pub block: EntitySet,
    /// Who alone is accepted.
    pub grant: EntitySet,
}

/// One of the two lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntitySet {
    /// Whether the list is in use, once the user has said so.
    pub in_use: Option<bool>,
    /// Who is on it.
    pub entities: BTreeSet<Entity>,
}

/// Who can be on a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Entity {
    /// A user.
    User(Address),
    /// A group: what comes out of it.
    Group(Address),
    /// A member of a group.
    ScreenName {
        /// The group.
        group: Address,
        /// The name in it.
        name: Arc<str>,
    },
    /// The members of a contact list of the user.
    ContactList(Address),
    /// An application.
    Application(Arc<str>),
}

/// What is to change; nothing named is a question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScreeningChange {
    /// In the block list.
    pub block: Option<EntityChange>,
    /// In the grant list.
    pub grant: Option<EntityChange>,
}

/// What is to change in one list.
// WV-BLK-03
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntityChange {
    /// Whether it is in use from now on.
    pub in_use: Option<bool>,
    /// These and no others.
    pub whole: Option<Vec<Entity>>,
    /// These more.
    pub add: Vec<Entity>,
    /// Those no longer.
    pub remove: Vec<Entity>,
}

impl Screening {
    /// Changes the lists.
    pub fn change(&mut self, change: ScreeningChange) {
        if let Some(block) = change.block {
            self.block.change(block);
        }
        if let Some(grant) = change.grant {
            self.grant.change(grant);
        }
    }

    /// Whether the block list is in use.
    // UNCLEAR WV-BLK-02: a block list whose use was never spoken of is in use, because nobody blocks in vain; a grant list
    // is not, because it would shut out everybody.
    #[must_use]
    pub fn is_blocking(&self) -> bool {
        self.block.in_use.unwrap_or(!self.block.entities.is_empty())
    }

    /// Whether the grant list is in use.
    #[must_use]
    pub fn is_granting(&self) -> bool {
        self.grant.in_use.unwrap_or(false)
    }

    /// Whether somebody is let through; `is` tells whether an entity is that somebody.
    #[must_use]
    pub fn admits(&self, is: impl Fn(&Entity) -> bool) -> bool {
        let is_blocked = self.is_blocking() && self.block.entities.iter().any(&is);
        let is_granted = !self.is_granting() || self.grant.entities.iter().any(&is);
        is_granted && !is_blocked
    }
}

impl EntitySet {
    fn change(&mut self, change: EntityChange) {
        self.in_use = change.in_use.or(self.in_use);
        if let Some(whole) = change.whole {
            self.entities = whole.into_iter().collect();
        }
        self.entities.extend(change.add);
        for entity in &change.remove {
            self.entities.remove(entity);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> Entity {
        Entity::User(Address::parse(name).unwrap())
    }

    fn set(in_use: Option<bool>, names: &[&str]) -> EntitySet {
        EntitySet { in_use, entities: names.iter().map(|name| user(name)).collect() }
    }

    #[test]
    fn wv_blk_02_both_lists_together_let_through_who_is_granted_and_not_blocked() {
        let admitted =
            |screening: &Screening| ["a@x", "b@x", "c@x"].map(|name| screening.admits(|entity| *entity == user(name)));
        let block = set(Some(true), &["a@x"]);
        let grant = set(Some(true), &["a@x", "b@x"]);
        assert_eq!(admitted(&Screening::default()), [true, true, true]);
        assert_eq!(admitted(&Screening { block: block.clone(), ..Screening::default() }), [false, true, true]);
        assert_eq!(admitted(&Screening { grant: grant.clone(), ..Screening::default() }), [true, true, false]);
        assert_eq!(admitted(&Screening { block, grant: grant.clone() }), [false, true, false]);
        let idle = Screening { block: set(Some(false), &["a@x"]), grant: set(None, &["b@x"]) };
        assert_eq!(admitted(&idle), [true, true, true]);
        let nobody = Screening { grant: set(Some(true), &[]), ..Screening::default() };
        assert_eq!(admitted(&nobody), [false, false, false]);
    }

    #[test]
    fn wv_blk_03_a_whole_list_replaces_and_parts_change() {
        let mut screening = Screening::default();
        let add = EntityChange { add: vec![user("a@x"), user("b@x")], ..EntityChange::default() };
        screening.change(ScreeningChange { block: Some(add), grant: None });
        assert!(screening.is_blocking(), "nobody blocks in vain");
        let remove = EntityChange { remove: vec![user("a@x")], in_use: Some(false), ..EntityChange::default() };
        screening.change(ScreeningChange { block: Some(remove), grant: None });
        assert_eq!(screening.block, set(Some(false), &["b@x"]));
        let whole = EntityChange { whole: Some(vec![user("c@x")]), ..EntityChange::default() };
        screening.change(ScreeningChange { block: Some(whole), grant: None });
        assert_eq!(screening.block, set(Some(false), &["c@x"]));
    }
}
