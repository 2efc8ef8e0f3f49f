//! Members, roles, properties, and who is kept out.

use super::{Action, Actions, Conversation, InvitedTo, Person, Standing};
use crate::{
    address::Address,
    command::Happening,
    conversation::{Access, News, OwnChange, Properties, PropertyChange, Removal, Reply, Role, Who},
    outcome::{Detail, Outcome, combine},
    side::Endpoint,
    time::Timestamp,
};
use std::{collections::BTreeSet, sync::Arc};

impl Conversation {
    pub(super) fn members(&self, user: &Address, actions: &mut Actions) {
        if self.role(user).is_none() && !self.is_seated(user) {
            return actions.answer(Outcome::NotJoined);
        }
        actions.reply(Reply::Members(self.all_members()));
    }

    pub(crate) fn all_members(&self) -> Vec<(Address, Role)> {
        let roles = self.people.iter().filter_map(|(user, person)| person.role.map(|role| (user.clone(), role)));
        roles.collect()
    }

    // WV-GRP-13
    pub(super) fn change(
        &mut self,
        now: Timestamp,
        user: &Address,
        endpoint: &Endpoint,
        change: PropertyChange,
        own: OwnChange,
        actions: &mut Actions,
    ) {
        if own != OwnChange::default() && self.role(user).is_none() && !self.is_seated(user) {
            return actions.answer(Outcome::NotMember);
        }
        if !change.is_empty() && self.role(user) != Some(Role::Administrator) {
            return actions.answer(Outcome::InsufficientRights);
        }
        let properties = change.applied_to(&self.properties);
        if let Some(outcome) = properties.refusal(self.bounds.text_octets) {
            return actions.answer(outcome);
        }
        if own != OwnChange::default()
            && let Some(person) = self.people.get_mut(user)
        {
            person.own.apply(own);
            actions.0.push(Action::KeepPerson(user.clone()));
        }
        let is_changed = properties != self.properties;
        if is_changed {
            self.properties = properties;
            actions.0.push(Action::Keep);
        }
        actions.answer(Outcome::Success);
        if is_changed {
            self.tell_change(endpoint, actions);
            self.enforce_access(actions);
            if !self.properties.keeps_history {
                self.forget_history(actions);
            }
            self.empty_until = None;
            // An empty conversation is not ended by the very request that lets it end with its last participant.
            if self.properties.empty_lifetime.is_zero() {
                return;
            }
            self.look_whether_empty(now, actions);
        }
    }

    fn tell_change(&self, but: &Endpoint, actions: &mut Actions) {
        for (user, person) in &self.people {
            for place in person.followers().filter(|place| place.endpoint != *but) {
                let properties = Box::new(self.properties.clone());
                let news = News::Changed { properties, active: self.active() };
                actions.0.push(Action::Tell { user: user.clone(), endpoint: place.endpoint.clone(), news });
            }
        }
    }

    /// Who may not be there any more goes.
    fn enforce_access(&mut self, actions: &mut Actions) {
        if self.properties.access == Access::Open {
            return;
        }
        let strangers = self.people.iter().filter(|(_, person)| person.seat.is_some() && !person.may_enter());
        for user in strangers.map(|(user, _)| user.clone()).collect::<Vec<_>>() {
            self.remove(&user, Removal::Restricted, actions);
        }
    }

    pub(super) fn add_members(&mut self, user: &Address, who: Vec<Who>, actions: &mut Actions) {
        if !self.is_manager(user) {
            return actions.answer(Outcome::InsufficientRights);
        }
        let details = who
            .into_iter()
            .map(|who| self.each(who, |conversation, target| conversation.add_member(target, actions)))
            .collect();
        self.answer_each(details, Reply::Nothing, actions);
        self.tell_members(user, actions);
    }

    fn add_member(&mut self, target: &Address, actions: &mut Actions) -> Outcome {
        let known = self.people.get(target);
        if known.is_some_and(|person| person.standing == Standing::KeptOut) {
            return Outcome::KeptOut;
        }
        if target.resource().is_some() {
            return Outcome::BadAddress;
        }
        if known.is_none() && self.people.len() >= self.bounds.people {
            return Outcome::TooManyParticipants;
        }
        let person = self.people.entry(target.clone()).or_default();
        if person.role.is_none() {
            (person.role, person.standing) = (Some(Role::User), Standing::Plain);
            actions.0.push(Action::KeepPerson(target.clone()));
            self.tell_standing(target, actions);
            self.tell_granted(target, actions);
        }
        Outcome::Success
    }

    pub(super) fn remove_members(&mut self, now: Timestamp, user: &Address, who: Vec<Who>, actions: &mut Actions) {
        if !self.is_manager(user) {
            return actions.answer(Outcome::InsufficientRights);
        }
        let rank = self.role(user);
        let details: Vec<Detail> = who
            .into_iter()
            .map(|who| self.each(who, |conversation, target| conversation.remove_member(rank, target, actions)))
            .collect();
        self.answer_each(details, Reply::Nothing, actions);
        self.tell_members(user, actions);
        self.look_whether_empty(now, actions);
    }

    fn remove_member(&mut self, rank: Option<Role>, target: &Address, actions: &mut Actions) -> Outcome {
        if !self.may_touch(rank, target) {
            return Outcome::InsufficientRights;
        }
        let Some(person) = self.people.get_mut(target).filter(|person| person.role.is_some() || person.seat.is_some())
        else {
            return Outcome::NotMember;
        };
        person.role = None;
        person.standing = Standing::Plain;
        self.tell_revoked(target, actions);
        self.let_go(target, Removal::Dismissed, actions);
        Outcome::Success
    }

    /// Ends the part of a user that has lost its place; without a seat only what is known of it is kept.
    fn let_go(&mut self, target: &Address, removal: Removal, actions: &mut Actions) {
        if self.is_seated(target) {
            return self.remove(target, removal, actions);
        }
        if self.people.get(target).is_some_and(Person::is_empty) {
            self.people.remove(target);
        }
        actions.0.push(Action::KeepPerson(target.clone()));
    }

    /// Whether somebody of that rank may change the standing of the target: never that of the owner, and a moderator
    /// never that of its like.
    fn may_touch(&self, rank: Option<Role>, target: &Address) -> bool {
        *target != self.owner && (rank == Some(Role::Administrator) || self.role(target) < Some(Role::Moderator))
    }

    pub(super) fn set_roles(&mut self, user: &Address, roles: Vec<(Who, Role)>, actions: &mut Actions) {
        if self.role(user) != Some(Role::Administrator) {
            return actions.answer(Outcome::InsufficientRights);
        }
        let details = roles
            .into_iter()
            .map(|(who, role)| self.each(who, |conversation, target| conversation.set_role(target, role, actions)))
            .collect();
        self.answer_each(details, Reply::Nothing, actions);
    }

    fn set_role(&mut self, target: &Address, role: Role, actions: &mut Actions) -> Outcome {
        let is_owner = *target == self.owner;
        match self.people.get_mut(target) {
            Some(person) if person.role.is_some() => {
                if is_owner && role != Role::Administrator {
                    return Outcome::InsufficientRights;
                }
                if person.role != Some(role) {
                    person.role = Some(role);
                    actions.0.push(Action::KeepPerson(target.clone()));
                    self.tell_standing(target, actions);
                }
                Outcome::Success
            }
            Some(_) | None => Outcome::NotMember,
        }
    }

    fn tell_standing(&self, target: &Address, actions: &mut Actions) {
        let standing = self.own_standing(target);
        let Some(person) = self.people.get(target) else { return };
        for place in person.followers() {
            let news = News::Standing(standing);
            actions.0.push(Action::Tell { user: target.clone(), endpoint: place.endpoint.clone(), news });
        }
    }

    pub(super) fn keep_out(
        &mut self,
        now: Timestamp,
        user: &Address,
        add: Vec<Who>,
        remove: Vec<Who>,
        actions: &mut Actions,
    ) {
        if !self.is_manager(user) {
            return actions.answer(Outcome::InsufficientRights);
        }
        let rank = self.role(user);
        let mut details: Vec<Detail> = remove
            .into_iter()
            .map(|who| self.each(who, |conversation, target| conversation.let_in(target, actions)))
            .collect();
        details.extend(
            add.into_iter()
                .map(|who| self.each(who, |conversation, target| conversation.shut_out(rank, target, actions))),
        );
        let out = self.people.iter().filter(|(_, person)| person.standing == Standing::KeptOut);
        let reply = Reply::KeptOut(out.map(|(user, _)| user.clone()).collect());
        self.answer_each(details, reply, actions);
        self.tell_members(user, actions);
        self.look_whether_empty(now, actions);
    }

    fn let_in(&mut self, target: &Address, actions: &mut Actions) -> Outcome {
        let Some(person) = self.people.get_mut(target).filter(|person| person.standing == Standing::KeptOut) else {
            return Outcome::Success;
        };
        person.standing = Standing::Plain;
        self.let_go(target, Removal::KeptOut, actions);
        Outcome::Success
    }

    fn shut_out(&mut self, rank: Option<Role>, target: &Address, actions: &mut Actions) -> Outcome {
        if !self.may_touch(rank, target) {
            return Outcome::InsufficientRights;
        }
        if target.resource().is_some() {
            return Outcome::BadAddress;
        }
        if !self.people.contains_key(target) && self.people.len() >= self.bounds.people {
            return Outcome::TooManyParticipants;
        }
        let person = self.people.entry(target.clone()).or_default();
        let was_inside = person.role.is_some() || person.seat.is_some();
        (person.role, person.standing) = (None, Standing::KeptOut);
        if was_inside {
            self.tell_revoked(target, actions);
        }
        self.let_go(target, Removal::KeptOut, actions);
        Outcome::Success
    }

    pub(super) fn invited(&mut self, inviter: &Address, invitee: Address, to: InvitedTo, actions: &mut Actions) {
        let is_manager = self.is_manager(inviter);
        let outcome = if self.role(inviter).is_none() && !self.is_seated(inviter) {
            Outcome::NotJoined
        } else if self.people.get(&invitee).is_some_and(|person| person.standing == Standing::KeptOut) {
            Outcome::KeptOut
        } else if !is_manager && (to == InvitedTo::BecomeMember || self.properties.access == Access::Restricted) {
            Outcome::InsufficientRights
        } else if !self.people.contains_key(&invitee) && self.people.len() >= self.bounds.people {
            Outcome::TooManyParticipants
        } else {
            Outcome::Success
        };
        if outcome == Outcome::Success && is_manager && self.role(&invitee).is_none() {
            let person = self.people.entry(invitee.clone()).or_default();
            person.standing = match to {
                InvitedTo::TakePart if person.standing == Standing::Awaited => Standing::Awaited,
                InvitedTo::TakePart => Standing::Admitted,
                InvitedTo::BecomeMember => Standing::Awaited,
            };
            actions.0.push(Action::KeepPerson(invitee));
        }
        actions.answer(outcome);
    }

    pub(super) fn accepted(&mut self, invitee: &Address, actions: &mut Actions) {
        if let Some(person) = self.people.get_mut(invitee).filter(|person| person.standing == Standing::Awaited) {
            (person.role, person.standing) = (Some(Role::User), Standing::Plain);
            actions.0.push(Action::KeepPerson(invitee.clone()));
            self.tell_standing(invitee, actions);
            self.tell_granted(invitee, actions);
            self.tell_members(invitee, actions);
        }
    }

    fn tell_granted(&self, target: &Address, actions: &mut Actions) {
        let happening = Happening::MembershipGranted { written: Arc::clone(&self.written) };
        actions.0.push(Action::Happened { user: target.clone(), happening });
    }

    fn tell_revoked(&self, target: &Address, actions: &mut Actions) {
        let happening = Happening::MembershipRevoked { written: Arc::clone(&self.written) };
        actions.0.push(Action::Happened { user: target.clone(), happening });
    }

    /// The other members hear once that there are more, or fewer, if there are; whom it is about has heard already.
    // WV-NTF-07
    fn tell_members(&self, but: &Address, actions: &mut Actions) {
        let concerned =
            |action: &Action| if let Action::Happened { user, .. } = action { Some(user.clone()) } else { None };
        let about: BTreeSet<Address> = actions.0.iter().filter_map(concerned).collect();
        if about.is_empty() {
            return;
        }
        let members = self.people.iter().filter(|(_, person)| person.role.is_some()).map(|(user, _)| user);
        for member in members.filter(|member| *member != but && !about.contains(*member)) {
            let happening = Happening::MembersChanged { written: Arc::clone(&self.written) };
            actions.0.push(Action::Happened { user: member.clone(), happening });
        }
    }

    /// Does something with one user that is named by address or by name.
    fn each(&mut self, who: Who, act: impl FnOnce(&mut Self, &Address) -> Outcome) -> Detail {
        match who {
            Who::User(target) => Detail { outcome: act(self, &target), target },
            Who::Name(name) => match self.seat_named(&name).map(|(user, ..)| user.clone()) {
                Some(user) => Detail { outcome: act(self, &user), target: self.target_of(&name) },
                None => Detail { target: self.target_of(&name), outcome: Outcome::UnknownUser },
            },
        }
    }

    fn target_of(&self, name: &str) -> Address {
        let (conversation, addressee) = (self.address.clone(), Some(name.to_owned()));
        super::super::Hearers { conversation, addressee, speaker: None }.target()
    }

    fn answer_each(&self, mut details: Vec<Detail>, reply: Reply, actions: &mut Actions) {
        let outcome = combine(&details);
        details.retain(|detail| !detail.outcome.is_success());
        actions.0.push(Action::Answer { outcome, details, reply });
    }
}

impl Properties {
    /// Why a conversation cannot be so.
    pub(crate) fn refusal(&self, text_octets: usize) -> Option<Outcome> {
        // WV-GRP-15
        if self.is_searchable && self.name.is_none() && self.topic.is_none() {
            return Some(Outcome::NameMissing);
        }
        let is_long = |text: &Option<String>| text.as_ref().is_some_and(|text| text.len() > text_octets);
        let is_welcome_long = self.welcome.as_ref().is_some_and(|welcome| welcome.body.len() > text_octets);
        let is_bad = self.participants_max == Some(0) || is_long(&self.name) || is_long(&self.topic) || is_welcome_long;
        is_bad.then_some(Outcome::BadConversationProperty)
    }
}
