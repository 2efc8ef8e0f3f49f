//! The machine of one conversation: who takes part and who may do what. Its owner carries words, facts and messages.

mod history;
mod management;
mod person;

pub(crate) use history::Remembered;
pub use person::{Person, Standing};
pub(crate) use person::{Place, Seat};

use super::{Access, Following, OwnChange, OwnStanding, Participant, Properties, Removal, Reply, Role};
use crate::{
    address::Address,
    command::Happening,
    conversation::{Ask, News, PropertyChange},
    message::{Message, MessageId},
    outcome::{Detail, Outcome},
    side::Endpoint,
    time::Timestamp,
    witness::met,
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// One conversation.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    pub(crate) address: Address,
    /// The address as its creator wrote it.
    pub(crate) written: Arc<str>,
    pub(crate) owner: Address,
    pub(crate) properties: Properties,
    pub(crate) people: BTreeMap<Address, Person>,
    /// When it ends unless somebody joins.
    pub(crate) empty_until: Option<Timestamp>,
    /// What was said, oldest first, as far as it is kept.
    pub(crate) said: VecDeque<Message>,
    bounds: Bounds,
}

/// How large a conversation may get.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) participants: usize,
    pub(crate) people: usize,
    pub(crate) name_octets: usize,
    pub(crate) text_octets: usize,
    pub(crate) said_messages: usize,
    pub(crate) said_octets: usize,
}

/// What happens to a conversation.
#[derive(Clone, Debug)]
pub(crate) enum ConversationEvent {
    /// A user asks for something.
    Asked { user: Address, endpoint: Endpoint, ask: Ask },
    /// A device of a participant is gone.
    Gone { user: Address, endpoint: Endpoint },
    /// Somebody who takes part or is a member wants to invite a user: may it?
    Invited { inviter: Address, invitee: Address, to: InvitedTo },
    /// An invited user accepts to become a member.
    Accepted { invitee: Address },
    /// It was empty long enough.
    EmptyOver,
}

/// To what somebody is invited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InvitedTo {
    TakePart,
    BecomeMember,
}

/// What the conversation wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConversationAction {
    /// Answer what was asked.
    Answer { outcome: Outcome, details: Vec<Detail>, reply: Reply },
    /// Its properties are to be kept.
    Keep,
    /// What is known of the user is to be kept, or forgotten when nothing is.
    KeepPerson(Address),
    /// Tell a participant.
    Tell { user: Address, endpoint: Endpoint, news: News },
    /// Tell a user, wherever it is.
    Happened { user: Address, happening: Happening },
    /// The user takes part through this endpoint from now on.
    Seated { user: Address, endpoint: Endpoint },
    /// The user does not any more.
    Unseated { user: Address, endpoint: Endpoint },
    /// A message that was said needs not be kept any more.
    ForgetSaid(MessageId),
    /// It is over: nothing of it is to be kept.
    Over,
}

use ConversationAction as Action;

/// Collects what is to be done about one event.
#[derive(Debug, Default)]
pub(crate) struct Actions(pub(crate) Vec<Action>);

impl Actions {
    fn answer(&mut self, outcome: Outcome) {
        self.0.push(Action::Answer { outcome, details: Vec::new(), reply: Reply::Nothing });
    }

    fn reply(&mut self, reply: Reply) {
        self.0.push(Action::Answer { outcome: Outcome::Success, details: Vec::new(), reply });
    }
}

impl Conversation {
    /// A new conversation of its owner.
    pub(crate) fn new(
        address: Address,
        written: Arc<str>,
        owner: Address,
        properties: Properties,
        bounds: Bounds,
    ) -> Self {
        let mut people = BTreeMap::new();
        people.insert(owner.clone(), Person { role: Some(Role::Administrator), ..Person::default() });
        Self { address, written, owner, properties, people, empty_until: None, said: VecDeque::new(), bounds }
    }

    /// Takes an event.
    pub(crate) fn handle(&mut self, now: Timestamp, event: ConversationEvent) -> Vec<Action> {
        let mut actions = Actions::default();
        match event {
            ConversationEvent::Asked { user, endpoint, ask } => {
                self.name(&user, &ask);
                self.asked(now, &user, endpoint, ask, &mut actions);
            }
            ConversationEvent::Gone { user, endpoint } => {
                self.unseat(now, &user, &endpoint, &mut actions);
            }
            ConversationEvent::Invited { inviter, invitee, to } => self.invited(&inviter, invitee, to, &mut actions),
            ConversationEvent::Accepted { invitee } => self.accepted(&invitee, &mut actions),
            ConversationEvent::EmptyOver => self.empty_over(now, &mut actions),
        }
        actions.0
    }

    /// Names the cell of the state table that something that is asked is about to reach.
    fn name(&self, user: &Address, ask: &Ask) {
        if !cfg!(debug_assertions) {
            return;
        }
        let person = self.people.get(user);
        let standing = match (person.map(|person| (person.role, person.standing)), self.is_seated(user)) {
            (Some((Some(Role::Administrator), _)), _) => "administrator",
            (Some((Some(Role::Moderator), _)), _) => "moderator",
            (Some((Some(Role::User), _)), _) => "member",
            (Some((None, Standing::KeptOut)), _) => "kept-out",
            (Some((None, _)), true) => "joined",
            (Some((None, Standing::Admitted | Standing::Awaited)), false) => "invited",
            (Some((None, Standing::Plain)) | None, false) | (None, true) => "stranger",
        };
        let asked = match ask {
            Ask::Join { .. } => "join",
            Ask::Leave => "leave",
            Ask::End => "end",
            Ask::Members => "members",
            Ask::Participants => "participants",
            Ask::Properties => "properties",
            Ask::Change { properties, .. } if *properties == PropertyChange::default() => "change-own",
            Ask::Change { .. } => "change",
            Ask::AddMembers(_) => "add",
            Ask::RemoveMembers(_) => "remove",
            Ask::SetRoles(_) => "roles",
            Ask::KeepOut { .. } => "keep-out",
            Ask::Follow(_) => "follow",
            Ask::History { .. } => "history",
            Ask::Recall(_) => "recall",
        };
        met("mapping_conversation", format_args!("{:?} {standing} {asked}", self.properties.access));
    }

    fn asked(&mut self, now: Timestamp, user: &Address, endpoint: Endpoint, ask: Ask, actions: &mut Actions) {
        match ask {
            Ask::Join { name, follow, own } => self.join(user, endpoint, name, follow, own, actions),
            Ask::Leave => self.leave(now, user, &endpoint, actions),
            Ask::End => self.end(user, &endpoint, actions),
            Ask::Members => self.members(user, actions),
            Ask::Participants => self.participants(user, actions),
            Ask::Properties => self.tell_properties(user, actions),
            Ask::Change { properties, own } => self.change(now, user, &endpoint, properties, own, actions),
            Ask::AddMembers(who) => self.add_members(user, who, actions),
            Ask::RemoveMembers(who) => self.remove_members(now, user, who, actions),
            Ask::SetRoles(roles) => self.set_roles(user, roles, actions),
            Ask::KeepOut { add, remove } => self.keep_out(now, user, add, remove, actions),
            Ask::Follow(following) => self.follow(user, &endpoint, following, actions),
            Ask::History { at_most } => self.tell_history(user, at_most, actions),
            Ask::Recall(message) => self.recall(user, &message, actions),
        }
    }

    fn join(
        &mut self,
        user: &Address,
        endpoint: Endpoint,
        name: Option<String>,
        follow: bool,
        own: OwnChange,
        actions: &mut Actions,
    ) {
        let name = match self.name_for(user, &endpoint, name) {
            Ok(name) => name,
            Err(outcome) => return actions.answer(outcome),
        };
        let person = self.people.entry(user.clone()).or_default();
        person.own.apply(own);
        let is_first = person.seat.is_none();
        let seat = person.seat.get_or_insert_with(|| Seat { name: name.clone(), places: Vec::new() });
        seat.places.push(Place { endpoint: endpoint.clone(), follows: follow });
        self.empty_until = None;
        actions.0.push(Action::KeepPerson(user.clone()));
        let participants = self.roster(self.is_manager(user));
        let welcome = self.properties.welcome.clone();
        actions.0.push(Action::Seated { user: user.clone(), endpoint });
        actions.reply(Reply::Joined { name, participants, welcome });
        if is_first {
            self.tell_of(user, actions, News::Joined);
        }
    }

    /// The name under which the user may join, or why it may not.
    fn name_for(&self, user: &Address, endpoint: &Endpoint, wish: Option<String>) -> Result<String, Outcome> {
        let person = self.people.get(user);
        if person.is_some_and(|person| person.standing == Standing::KeptOut) {
            return Err(Outcome::KeptOut);
        }
        // WV-GRP-11
        let is_expected = person.is_some_and(Person::may_enter);
        if self.properties.access == Access::Restricted && !is_expected {
            return Err(Outcome::ConversationRestricted);
        }
        let wish = wish.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        if wish.as_ref().is_some_and(|name| name.len() > self.bounds.name_octets) {
            return Err(Outcome::BadParameter);
        }
        // WV-GRP-02
        if let Some(seat) = person.and_then(|person| person.seat.as_ref()) {
            let is_other = wish.is_some_and(|name| !is_same_name(&name, &seat.name));
            let is_full = seat.places.len() >= PLACES_MAX;
            let is_there = is_other || is_full || seat.places.iter().any(|place| place.endpoint == *endpoint);
            return if is_there { Err(Outcome::AlreadyJoined) } else { Ok(seat.name.clone()) };
        }
        let wanted =
            self.properties.participants_max.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX));
        if self.active() >= wanted.min(self.bounds.participants) {
            return Err(Outcome::TooManyParticipants);
        }
        match wish {
            Some(name) if self.seat_named(&name).is_some() => Err(Outcome::NameTaken),
            Some(name) => Ok(name),
            None => Ok(self.free_name(user)),
        }
    }

    /// The user's own name, with a number behind it where that is taken.
    fn free_name(&self, user: &Address) -> String {
        let own: String = user.user_decoded().chars().take(NAME_STEM_MAX).collect();
        let numbered = (2..).map(|number: u32| format!("{own}{number}"));
        let mut names = std::iter::once(own.clone()).chain(numbered);
        names.find(|name| self.seat_named(name).is_none()).unwrap_or(own.clone())
    }

    fn leave(&mut self, now: Timestamp, user: &Address, endpoint: &Endpoint, actions: &mut Actions) {
        if self.place(user, endpoint).is_none() {
            return actions.answer(Outcome::NotJoined);
        }
        actions.answer(Outcome::Success);
        self.unseat(now, user, endpoint, actions);
    }

    /// Takes one place of a user away; with its last one it has left.
    fn unseat(&mut self, now: Timestamp, user: &Address, endpoint: &Endpoint, actions: &mut Actions) {
        let Some(person) = self.people.get_mut(user) else { return };
        let Some(seat) = &mut person.seat else { return };
        let before = seat.places.len();
        seat.places.retain(|place| place.endpoint != *endpoint);
        if seat.places.len() == before {
            return;
        }
        let is_last = seat.places.is_empty();
        actions.0.push(Action::Unseated { user: user.clone(), endpoint: endpoint.clone() });
        if is_last {
            self.tell_of(user, actions, News::Left);
            self.clear_seat(user);
        }
        actions.0.push(Action::KeepPerson(user.clone()));
        self.look_whether_empty(now, actions);
    }

    /// Somebody takes part no more without having asked for it.
    fn remove(&mut self, user: &Address, removal: Removal, actions: &mut Actions) {
        let Some(seat) = self.people.get(user).and_then(|person| person.seat.clone()) else { return };
        self.tell_of(user, actions, News::Left);
        self.clear_seat(user);
        for place in seat.places {
            let news = News::Removed(removal);
            actions.0.push(Action::Tell { user: user.clone(), endpoint: place.endpoint.clone(), news });
            actions.0.push(Action::Unseated { user: user.clone(), endpoint: place.endpoint });
        }
        actions.0.push(Action::KeepPerson(user.clone()));
    }

    fn clear_seat(&mut self, user: &Address) {
        if let Some(person) = self.people.get_mut(user) {
            person.seat = None;
            if person.is_empty() {
                self.people.remove(user);
            }
        }
    }

    // WV-GRP-12
    fn look_whether_empty(&mut self, now: Timestamp, actions: &mut Actions) {
        if !self.properties.ends_when_empty || self.active() > 0 {
            return;
        }
        if self.properties.empty_lifetime.is_zero() {
            actions.0.push(Action::Over);
        } else {
            self.empty_until = Some(now.after(self.properties.empty_lifetime));
        }
    }

    fn empty_over(&mut self, now: Timestamp, actions: &mut Actions) {
        if self.active() == 0 && self.empty_until.is_some_and(|until| until <= now) {
            actions.0.push(Action::Over);
        }
    }

    fn end(&mut self, user: &Address, endpoint: &Endpoint, actions: &mut Actions) {
        if self.role(user) != Some(Role::Administrator) {
            return actions.answer(Outcome::InsufficientRights);
        }
        actions.answer(Outcome::Success);
        self.dissolve(Some(endpoint), actions);
    }

    /// What is to be done when its owner is no more.
    pub(crate) fn dissolved(&mut self) -> Vec<Action> {
        let mut actions = Actions::default();
        self.dissolve(None, &mut actions);
        actions.0
    }

    /// Everybody is told that it is over, but for the one who wanted it.
    fn dissolve(&mut self, asking: Option<&Endpoint>, actions: &mut Actions) {
        for (user, person) in &self.people {
            for place in person.seat.iter().flat_map(|seat| &seat.places) {
                let (user, endpoint) = (user.clone(), place.endpoint.clone());
                if Some(&place.endpoint) != asking {
                    let news = News::Removed(Removal::Ended);
                    actions.0.push(Action::Tell { user: user.clone(), endpoint: endpoint.clone(), news });
                }
                actions.0.push(Action::Unseated { user, endpoint });
            }
        }
        actions.0.push(Action::Over);
    }

    fn participants(&self, user: &Address, actions: &mut Actions) {
        let is_manager = self.is_manager(user);
        if !is_manager && !self.is_seated(user) {
            return actions.answer(Outcome::NotJoined);
        }
        actions.reply(Reply::Participants { participants: self.roster(is_manager), is_manager });
    }

    fn tell_properties(&self, user: &Address, actions: &mut Actions) {
        if self.people.get(user).is_some_and(|person| person.standing == Standing::KeptOut) {
            return actions.answer(Outcome::KeptOut);
        }
        let properties = Box::new(self.properties.clone());
        actions.reply(Reply::Properties { properties, active: self.active(), standing: self.own_standing(user) });
    }

    fn follow(&mut self, user: &Address, endpoint: &Endpoint, following: Following, actions: &mut Actions) {
        let person = self.people.get_mut(user);
        let mut places = person.and_then(|person| person.seat.as_mut()).into_iter().flat_map(|seat| &mut seat.places);
        let Some(place) = places.find(|place| place.endpoint == *endpoint) else {
            return actions.answer(Outcome::NotJoined);
        };
        match following {
            Following::Ask => actions.reply(Reply::Follows(place.follows)),
            Following::Begin | Following::End => {
                place.follows = following == Following::Begin;
                actions.0.push(Action::KeepPerson(user.clone()));
                actions.answer(Outcome::Success);
            }
        }
    }

    /// Tells the others who follow about a user that is seated.
    fn tell_of(&self, user: &Address, actions: &mut Actions, news: fn(Participant) -> News) {
        let Some(subject) = self.people.get(user) else { return };
        let Some(seat) = &subject.seat else { return };
        for (other, person) in self.people.iter().filter(|(other, _)| *other != user) {
            // WV-GRP-08
            let is_shown = subject.own.shows_address || person.role >= Some(Role::Moderator);
            let participant = Participant {
                name: seat.name.clone(),
                address: is_shown.then(|| user.clone()),
                role: subject.role.unwrap_or_default(),
            };
            for place in person.followers() {
                let (user, endpoint, news) = (other.clone(), place.endpoint.clone(), news(participant.clone()));
                actions.0.push(Action::Tell { user, endpoint, news });
            }
        }
    }

    /// Everybody who takes part, as one who may see all addresses or only the shown ones sees it.
    pub(crate) fn roster(&self, sees_all: bool) -> Vec<Participant> {
        let seats =
            self.people.iter().filter_map(|(user, person)| person.seat.as_ref().map(|seat| (user, person, seat)));
        seats
            .map(|(user, person, seat)| Participant {
                name: seat.name.clone(),
                address: (sees_all || person.own.shows_address).then(|| user.clone()),
                role: person.role.unwrap_or_default(),
            })
            .collect()
    }

    /// How many take part.
    pub(crate) fn active(&self) -> usize {
        self.people.values().filter(|person| person.seat.is_some()).count()
    }

    pub(crate) fn role(&self, user: &Address) -> Option<Role> {
        self.people.get(user).and_then(|person| person.role)
    }

    pub(crate) fn is_manager(&self, user: &Address) -> bool {
        self.role(user) >= Some(Role::Moderator)
    }

    fn is_seated(&self, user: &Address) -> bool {
        self.people.get(user).is_some_and(|person| person.seat.is_some())
    }

    fn own_standing(&self, user: &Address) -> OwnStanding {
        let person = self.people.get(user);
        OwnStanding {
            role: person.and_then(|person| person.role),
            own: person.map(|person| person.own).unwrap_or_default(),
        }
    }

    /// The place that the user has through the endpoint, and its name.
    pub(crate) fn place(&self, user: &Address, endpoint: &Endpoint) -> Option<&str> {
        let seat = self.people.get(user)?.seat.as_ref()?;
        seat.places.iter().any(|place| place.endpoint == *endpoint).then_some(seat.name.as_str())
    }

    /// The participant of that name.
    pub(crate) fn seat_named(&self, name: &str) -> Option<(&Address, &Person, &Seat)> {
        let seats =
            self.people.iter().filter_map(|(user, person)| person.seat.as_ref().map(|seat| (user, person, seat)));
        seats.into_iter().find(|(_, _, seat)| is_same_name(&seat.name, name))
    }
}

/// Names in a conversation are compared without regard to letter case.
pub(crate) fn is_same_name(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// Through how many devices one user takes part at once.
const PLACES_MAX: usize = 16;

/// How much of a user's own name begins a name made here.
const NAME_STEM_MAX: usize = 40;

#[cfg(test)]
mod tests;
