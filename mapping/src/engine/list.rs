//! Contact lists of a user, and the watches that hang on them.

use crate::{
    address::Address,
    command::{Answer, Happening},
    contact_list::{Contact, ContactList, ContactListChange},
    engine::Engine,
    event::RequestId,
    outcome::{Detail, Outcome},
    presence::AttributeSet,
    record::{Fact, FactKey},
    screening::Entity,
    side::Endpoint,
    watcher::Decision,
};
use std::collections::BTreeSet;

/// The users behind the targets of a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Expansion {
    pub(super) users: Vec<Target>,
    /// Targets that name nothing.
    pub(super) refused: Vec<Detail>,
}

/// A user, and the contact list that named it.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) user: Address,
    pub(super) list: Option<Address>,
}

impl Engine {
    /// The users that the targets of a request name, in order and once each, with the own contact lists opened.
    ///
    /// # Errors
    /// The request as a whole is not possible.
    pub(super) fn expand(&self, user: &Address, targets: &[Address], bound: usize) -> Result<Expansion, Outcome> {
        if targets.is_empty() {
            return Err(Outcome::BadRequest);
        }
        let (mut expansion, mut seen) = (Expansion::default(), BTreeSet::new());
        for target in targets {
            if target.resource().is_none() {
                if seen.insert(target.clone()) {
                    expansion.users.push(Target { user: target.clone(), list: None });
                }
            } else {
                match self.users.get(user).and_then(|actor| actor.lists.get(target)) {
                    Some(list) => {
                        let members = list.members.iter().map(|member| &member.address);
                        expansion.users.extend(
                            members
                                .filter(|member| seen.insert((*member).clone()))
                                .map(|member| Target { user: member.clone(), list: Some(target.clone()) }),
                        );
                    }
                    None => {
                        let outcome = Outcome::UnknownContactList;
                        expansion.refused.push(Detail { target: target.clone(), outcome });
                    }
                }
            }
            if expansion.users.len() > bound {
                return Err(Outcome::BadParameter);
            }
        }
        Ok(expansion)
    }

    pub(super) fn contact_lists(&mut self, request: RequestId, user: &Address) {
        if let Some(outcome) = self.refusal_for_guests(user) {
            return self.output.done(request, outcome);
        }
        let lists = self.users.get(user).map(|actor| actor.lists.values().cloned().collect()).unwrap_or_default();
        self.output.answer(request, Answer::ContactLists(lists));
    }

    pub(super) fn create_list(
        &mut self,
        request: RequestId,
        user: &Address,
        mut list: ContactList,
        mut members: Vec<Contact>,
    ) {
        if let Some(outcome) = self.refusal_for_list(user, &list.address) {
            return self.output.answer(request, Answer::no_list(outcome));
        }
        let (lists_max, contacts_max) =
            (self.config.limits.contact_lists_per_user, self.config.limits.contacts_per_list);
        let lists = &self.user_mut(user).lists;
        let refusal = if lists.contains_key(&list.address) {
            Some(Outcome::ContactListExists)
        } else if lists.len() >= lists_max {
            Some(Outcome::TooManyContactLists)
        } else if members.len() > contacts_max {
            Some(Outcome::TooManyContacts)
        } else {
            None
        };
        if let Some(outcome) = refusal {
            self.output.answer(request, Answer::no_list(outcome));
            return self.forget_if_empty(user);
        }
        self.share_addresses(&mut members);
        let refused = list.add(members);
        if list.is_default {
            self.unmake_default(user, &list.address);
        }
        self.output.keep(Fact::ContactList(list.clone()));
        self.user_mut(user).lists.insert(list.address.clone(), list.clone());
        let listed: BTreeSet<Address> = list.members.iter().map(|member| member.address.clone()).collect();
        self.output.answer(request, Answer::of_list(list, refused));
        self.tell_listed(user, listed.iter());
    }

    pub(super) fn delete_list(&mut self, request: RequestId, user: &Address, list: &Address) {
        if let Some(outcome) = self.refusal_for_list(user, list) {
            return self.output.done(request, outcome);
        }
        if self.users.get_mut(user).is_none_or(|actor| actor.lists.remove(list).is_none()) {
            return self.output.done(request, Outcome::UnknownContactList);
        }
        self.output.drop_fact(FactKey::ContactList(list.clone()));
        for (endpoint, ..) in self.endpoints_watching(user, list) {
            if let Some(actor) = self.users.get_mut(user) {
                actor.watching.lists.remove(&(list.clone(), endpoint.clone()));
                self.output.drop_fact(FactKey::ListWatch(list.clone(), endpoint.clone()));
                for presentity in actor.watching.watched_through(list, &endpoint) {
                    self.remove_watch(user, &presentity, &endpoint);
                }
            }
        }
        self.output.done(request, Outcome::Success);
        if self.users.get_mut(user).is_some_and(|actor| actor.authorizations.rules.remove(list).is_some()) {
            self.output.drop_fact(FactKey::Authorization(user.clone(), list.clone()));
            self.reconsider_all(user);
        }
        self.forget_if_empty(user);
    }

    pub(super) fn manage_list(
        &mut self,
        request: RequestId,
        user: &Address,
        address: &Address,
        mut change: ContactListChange,
    ) {
        self.share_addresses(&mut change.add);
        if let Some(outcome) = self.refusal_for_list(user, address) {
            return self.output.answer(request, Answer::no_list(outcome));
        }
        let Some(known) = self.users.get(user).and_then(|actor| actor.lists.get(address)) else {
            return self.output.answer(request, Answer::no_list(Outcome::UnknownContactList));
        };
        let before: BTreeSet<Address> = known.members.iter().map(|member| member.address.clone()).collect();
        let mut list = known.clone();
        let authorized = change.authorized();
        let refused = list.apply(change);
        if list.members.len() > self.config.limits.contacts_per_list || !self.may_authorize(user, &authorized) {
            // All parts of a change together or none of them.
            return self.output.answer(request, Answer::no_list(Outcome::TooManyContacts));
        }
        if list != *known {
            if list.is_default && !known.is_default {
                self.unmake_default(user, address);
            }
            self.output.keep(Fact::ContactList(list.clone()));
            self.user_mut(user).lists.insert(address.clone(), list.clone());
        }
        let after: BTreeSet<Address> = list.members.iter().map(|member| member.address.clone()).collect();
        self.output.answer(request, Answer::of_list(list, refused));
        self.authorize_members(user, &authorized);
        self.tell_listed(user, after.difference(&before));
        self.reconsider_list(user, address);
        self.follow_list(user, address, &before, &after);
    }

    /// Watches of the list follow its members where the watcher asked for that.
    fn follow_list(&mut self, user: &Address, list: &Address, before: &BTreeSet<Address>, after: &BTreeSet<Address>) {
        for (endpoint, attributes, auto_subscribe) in self.endpoints_watching(user, list) {
            if !auto_subscribe {
                continue;
            }
            for gone in before.difference(after) {
                let through = self
                    .users
                    .get(user)
                    .and_then(|actor| actor.watching.relations.get(gone))
                    .and_then(|relation| relation.watches.get(&endpoint))
                    .is_some_and(|watch| watch.list.as_ref() == Some(list));
                if through {
                    self.remove_watch(user, gone, &endpoint);
                }
            }
            for new in after.difference(before) {
                let known = self.is_watched(user, new, &endpoint);
                // A member that cannot be watched stays a member: there is no request to answer.
                if !known && self.begin_watch(user, new, &endpoint, Some(list.clone()), attributes, None).is_ok() {
                    self.start_relation(user, new, None);
                }
            }
        }
    }

    /// Whether so many more may be authorised and granted.
    fn may_authorize(&self, user: &Address, members: &[Address]) -> bool {
        let limits = &self.config.limits;
        let Some(actor) = self.users.get(user) else { return members.is_empty() };
        let rules = members.iter().filter(|member| !actor.authorizations.rules.contains_key(*member)).count();
        let grant = &actor.screening.grant.entities;
        let entities = members.iter().filter(|member| !grant.contains(&Entity::User((*member).clone()))).count();
        actor.authorizations.rules.len().saturating_add(rules) <= limits.authorizations_per_presentity
            && grant.len().saturating_add(entities) <= limits.entities_per_screening
    }

    // WV-LST-05
    fn authorize_members(&mut self, user: &Address, members: &[Address]) {
        if members.is_empty() {
            return;
        }
        let actor = self.user_mut(user);
        actor.screening.grant.entities.extend(members.iter().cloned().map(Entity::User));
        let screening = actor.screening.clone();
        self.output.keep(Fact::Screening { user: user.clone(), screening });
        for member in members {
            self.decide(user, member, Decision::Allow, AttributeSet::ALL);
            self.reconsider(user, member);
        }
    }

    /// Who is new on a list hears of it, where it can be told.
    // WV-NTF-06
    fn tell_listed<'a>(&mut self, user: &Address, members: impl Iterator<Item = &'a Address>) {
        for member in members.filter(|member| *member != user) {
            self.tell_happening(member, Happening::Listed { by: user.clone() });
        }
    }

    fn endpoints_watching(&self, user: &Address, list: &Address) -> Vec<(Endpoint, AttributeSet, bool)> {
        self.users
            .get(user)
            .map(|actor| {
                actor
                    .watching
                    .lists
                    .iter()
                    .filter(|((watched, _), _)| watched == list)
                    .map(|((_, endpoint), watch)| (endpoint.clone(), watch.attributes, watch.auto_subscribe))
                    .collect()
            })
            .unwrap_or_default()
    }

    /// At most one list of a user is the default one.
    fn unmake_default(&mut self, user: &Address, but: &Address) {
        let Some(actor) = self.users.get_mut(user) else { return };
        for list in actor.lists.values_mut().filter(|list| list.is_default && list.address != *but) {
            list.is_default = false;
            self.output.keep(Fact::ContactList(list.clone()));
        }
    }

    /// Members that have an account here share its address: there are many lists, and each name is in many of them.
    fn share_addresses(&self, members: &mut [Contact]) {
        for member in members {
            if let Some(known) = self.accounts.get(&member.address) {
                member.address = known.clone();
            }
        }
    }

    /// The same for a list that was kept.
    pub(super) fn share_addresses_of(&self, list: &mut ContactList) {
        let mut members = list.members.to_vec();
        self.share_addresses(&mut members);
        list.members = members.into();
    }

    fn refusal_for_list(&self, user: &Address, list: &Address) -> Option<Outcome> {
        if let Some(outcome) = self.refusal_for_guests(user) {
            return Some(outcome);
        }
        if list.resource().is_none_or(str::is_empty) {
            return Some(Outcome::BadAddress);
        }
        (list.owner() != *user).then_some(Outcome::Forbidden)
    }
}

impl ContactList {
    /// Adds members, or renames those that are there; the ones that are no users are refused.
    fn add(&mut self, members: Vec<Contact>) -> Vec<Detail> {
        let mut refused = Vec::new();
        let mut all = self.members.to_vec();
        for member in members {
            if member.address.resource().is_some() {
                refused.push(Detail { target: member.address, outcome: Outcome::BadAddress });
                continue;
            }
            match all.iter_mut().find(|known| known.address == member.address) {
                Some(known) => *known = member,
                None => all.push(member),
            }
        }
        self.members = all.into();
        refused
    }

    fn apply(&mut self, change: ContactListChange) -> Vec<Detail> {
        let ContactListChange { add, remove, display_name, make_default, authorize: _ } = change;
        let stay = |member: &&Contact| !remove.contains(&member.address);
        self.members = self.members.iter().filter(stay).cloned().collect();
        if let Some(name) = display_name {
            // Nothing to show takes the name away.
            self.display_name = Some(name).filter(|name| !name.is_empty());
        }
        self.is_default |= make_default;
        self.add(add)
    }
}

impl ContactListChange {
    /// The users that are to be authorised, once each.
    fn authorized(&self) -> Vec<Address> {
        let users = self.add.iter().map(|member| &member.address).filter(|address| address.resource().is_none());
        let users: BTreeSet<Address> = users.filter(|_| self.authorize).cloned().collect();
        users.into_iter().collect()
    }
}

impl Answer {
    const fn no_list(outcome: Outcome) -> Self {
        Self::ContactList { outcome, list: None, details: Vec::new() }
    }

    fn of_list(list: ContactList, details: Vec<Detail>) -> Self {
        let outcome = if details.is_empty() { Outcome::Success } else { Outcome::PartialSuccess };
        Self::ContactList { outcome, list: Some(list), details }
    }
}
