//! Conversations: the shard of the owner hosts them, the shards of those who take part carry their words.

mod kept;
mod lookup;

pub use kept::KeptConversation;

use crate::{
    address::Address,
    command::{Answer, CommandKind},
    conversation::{
        Ask, ConversationRow, Found, Hearers, Lookup, News, OwnChange, Properties, PropertyChange, Reply, Talk,
        machine::{Bounds, Conversation, ConversationAction, ConversationEvent, InvitedTo, Person, Remembered},
    },
    engine::{Engine, Word, timer::Timer},
    event::RequestId,
    gather::{Gather, Purpose},
    message::{Message, MessageId, ReportWish},
    outcome::{Detail, Outcome},
    record::{Fact, FactKey},
    route::Route,
    side::Endpoint,
};
use std::{collections::BTreeMap, sync::Arc};

/// What the shards of a conversation and of those who take part in it say to each other.
#[derive(Clone, Debug)]
pub(crate) enum ConversationWord {
    /// To the host: a user makes a conversation.
    Create { user: Address, endpoint: Endpoint, ticket: u64, creation: Box<Creation> },
    /// To the host: a user asks for something.
    Ask { user: Address, endpoint: Endpoint, ticket: u64, ask: Ask },
    /// To the host: a user says something.
    Say { endpoint: Endpoint, ticket: u64, hearers: Hearers, message: Box<Message> },
    /// To the host: the endpoint of a participant is gone.
    Gone { user: Address, endpoint: Endpoint },
    /// To the host: may the inviter invite this user?
    MayInvite { inviter: Address, invitee: Address, to: InvitedTo, number: u64 },
    /// To the host: an invited user accepts to become a member.
    Accepted { invitee: Address },
    /// To any shard: a user looks for conversations.
    LookUp { user: Address, ticket: u64, lookup: Lookup },
    /// To a user: what a shard found.
    Found { shard: Address, ticket: u64, found: Vec<Found> },
    /// To a user: the answer.
    Answer { conversation: Address, ticket: u64, outcome: Outcome, details: Vec<Detail>, reply: Reply },
    /// To a participant: something happened.
    News { conversation: Address, written: Arc<str>, endpoint: Endpoint, news: News },
    /// To a participant: it takes part through this endpoint, until the host hears that the endpoint is gone.
    Seated { conversation: Address, endpoint: Endpoint },
    /// To a participant: it does not any more.
    Unseated { conversation: Address, endpoint: Endpoint },
    /// To an inviter: whether it may.
    MayInviteAnswer { number: u64, outcome: Outcome, written: Arc<str> },
}

/// A conversation that somebody wants to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creation {
    /// Its address as its creator wrote it.
    pub written: String,
    /// Its properties.
    pub properties: PropertyChange,
    /// Own properties of the creator.
    pub own: OwnChange,
    /// How the creator joins at once; none does not join.
    pub join: Option<Joining>,
    /// Who else is a member, or kept out.
    pub people: Vec<(Address, Person)>,
}

/// How somebody joins.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Joining {
    /// Under which name.
    pub name: Option<String>,
    /// Whether changes are to be told.
    pub follow: bool,
}

impl Engine {
    pub(super) fn create_conversation(
        &mut self,
        request: RequestId,
        user: &Address,
        endpoint: Endpoint,
        conversation: &Address,
        creation: Creation,
    ) {
        let refusal = self.refusal_for_guests(user).or_else(|| self.refusal_for_conversation(conversation));
        // WV-GRP-01
        let is_foreign = !conversation.user().is_empty() && conversation.owner() != *user;
        let is_elsewhere = conversation.user().is_empty() && conversation.domain() != user.domain();
        let refusal = refusal.or_else(|| (is_foreign || is_elsewhere).then_some(Outcome::InsufficientRights));
        if let Some(outcome) = refusal {
            return self.output.answer(request, Answer::of_conversation(outcome));
        }
        let ticket = self.hold_for(request, user, conversation);
        let creation = Box::new(creation);
        let word = ConversationWord::Create { user: user.clone(), endpoint, ticket, creation };
        self.output.tell(conversation, Word::Conversation(Box::new(word)));
    }

    pub(super) fn ask_conversation(
        &mut self,
        request: RequestId,
        user: &Address,
        endpoint: Endpoint,
        conversation: &Address,
        ask: Ask,
    ) {
        if let Some(peer) = self.far_home(conversation) {
            return self.ask_far(request, user, endpoint, (conversation, peer), ask);
        }
        let refusal = self.refusal_for_conversation(conversation);
        let is_unknown = self.config.domains.is_hosted(user) && !self.accounts.contains(user);
        if let Some(outcome) = refusal.or_else(|| is_unknown.then_some(Outcome::UnknownUser)) {
            return self.output.answer(request, Answer::of_conversation(outcome));
        }
        let ticket = self.hold_for(request, user, conversation);
        let word = ConversationWord::Ask { user: user.clone(), endpoint, ticket, ask };
        self.output.tell(conversation, Word::Conversation(Box::new(word)));
    }

    pub(super) fn hold_for(&mut self, request: RequestId, user: &Address, conversation: &Address) -> u64 {
        let number = self.next_number();
        let mut gather = Gather::new(self.output.correlation, user.clone(), request, Purpose::converse());
        gather.outstanding.insert(conversation.clone());
        self.hold(number, gather, self.config.limits.conversation_wait);
        number
    }

    /// Why nothing can be asked of that address.
    pub(super) fn refusal_for_conversation(&self, conversation: &Address) -> Option<Outcome> {
        if conversation.resource().is_none_or(str::is_empty) {
            return Some(Outcome::BadAddress);
        }
        match self.config.domains.find(conversation) {
            None => Some(Outcome::UnknownDomain),
            Some(row) if row.route != Route::Hosted => Some(Outcome::UnknownDomain),
            Some(row) if !self.profile(row.side).hosts_conversations => Some(Outcome::UnknownConversation),
            Some(_) => None,
        }
    }

    /// Says a message to those who hear it; the outcome comes as a verdict under [`Hearers::target`].
    pub(super) fn say(&mut self, endpoint: &Endpoint, hearers: Hearers, message: Message, ticket: u64) {
        if let Some(peer) = self.far_home(&hearers.conversation) {
            return self.say_far(endpoint, &hearers, message, ticket, peer);
        }
        if let Some(outcome) = self.refusal_for_conversation(&hearers.conversation) {
            return self.part_settled(ticket, &hearers.target(), outcome);
        }
        let conversation = hearers.conversation.clone();
        let (endpoint, message) = (endpoint.clone(), Box::new(message));
        let word = ConversationWord::Say { endpoint, ticket, hearers, message };
        self.output.tell(&conversation, Word::Conversation(Box::new(word)));
    }

    pub(super) fn conversation_word(&mut self, to: &Address, word: ConversationWord) {
        match word {
            ConversationWord::Create { user, endpoint, ticket, creation } => {
                self.conversation_created(to, &user, endpoint, ticket, *creation);
            }
            ConversationWord::Ask { user, endpoint, ticket, ask } => {
                self.conversation_asked(to, &user, endpoint, ticket, ask);
            }
            ConversationWord::Say { endpoint, ticket, hearers, message } => {
                let (sender, target) = (message.sender.clone(), hearers.target());
                let outcome = self.said(&endpoint, &hearers, *message);
                self.output.tell(&sender, Word::Verdict { ticket, recipient: target, outcome });
            }
            ConversationWord::Gone { user, endpoint } => {
                self.turn_conversation(to, ConversationEvent::Gone { user, endpoint }, None);
            }
            ConversationWord::MayInvite { inviter, invitee, to: kind, number } => {
                self.asked_for_invitation(to, &inviter, invitee, kind, number);
            }
            ConversationWord::Accepted { invitee } => {
                self.turn_conversation(to, ConversationEvent::Accepted { invitee }, None);
            }
            ConversationWord::LookUp { user, ticket, lookup } => self.looked_up(to, &user, ticket, &lookup),
            ConversationWord::Found { shard, ticket, found } => self.conversations_found(&shard, ticket, found),
            ConversationWord::Answer { conversation, ticket, outcome, details, reply } => {
                self.conversation_answered(to, &conversation, ticket, outcome, details, reply);
            }
            ConversationWord::News { conversation, written, endpoint, news } => {
                self.output.push(CommandKind::Conversation { endpoint, conversation, written, news });
            }
            ConversationWord::Seated { conversation, endpoint } => self.seated(to, conversation, endpoint),
            ConversationWord::Unseated { conversation, endpoint } => {
                if let Some(actor) = self.users.get_mut(to) {
                    actor.seats.remove(&(conversation, endpoint));
                }
                self.forget_if_empty(to);
            }
            ConversationWord::MayInviteAnswer { number, outcome, written } => {
                self.may_invite(to, number, outcome, &written);
            }
        }
    }

    fn conversation_created(
        &mut self,
        address: &Address,
        user: &Address,
        endpoint: Endpoint,
        ticket: u64,
        creation: Creation,
    ) {
        let Creation { written, properties, own, join, people } = creation;
        let properties = properties.applied_to(&Properties::default());
        let bounds = self.conversation_bounds();
        let owned = self.conversations.values().filter(|known| known.owner == *user).count();
        let refusal = if self.conversations.contains_key(address) {
            Some(Outcome::ConversationExists)
        } else if let Some(outcome) = properties.refusal(bounds.text_octets) {
            Some(outcome)
        } else if owned >= self.config.limits.conversations_per_user {
            Some(Outcome::TooManyConversations)
        } else if self.conversations.len() >= self.config.limits.conversations_per_shard {
            Some(Outcome::ConversationsFull)
        } else {
            None
        };
        if let Some(outcome) = refusal {
            return self.answer_conversation(address, user, ticket, outcome, Vec::new(), Reply::Nothing);
        }
        let mut conversation = Conversation::new(address.clone(), Arc::from(written), user.clone(), properties, bounds);
        if let Some(owner) = conversation.people.get_mut(user) {
            owner.own.apply(own);
        }
        for (other, person) in people.into_iter().take(bounds.people) {
            if other == *user {
                conversation.people.entry(other).or_default().own = person.own;
            } else if other.resource().is_none() {
                conversation.people.insert(other, Person { seat: None, ..person });
            }
        }
        self.output.keep(conversation.to_fact());
        for known in conversation.people.keys() {
            self.output.keep(conversation.person_fact(known));
        }
        self.conversations.insert(address.clone(), conversation);
        match join {
            Some(Joining { name, follow }) => {
                let ask = Ask::Join { name, follow, own: OwnChange::default() };
                self.conversation_asked(address, user, endpoint, ticket, ask);
                // A name that is not possible makes no conversation.
                let is_joined = self.conversations.get(address).is_some_and(|known| known.active() > 0);
                if !is_joined {
                    self.conversation_over(address);
                }
            }
            None => self.answer_conversation(address, user, ticket, Outcome::Success, Vec::new(), Reply::Nothing),
        }
    }

    const fn conversation_bounds(&self) -> Bounds {
        let limits = &self.config.limits;
        Bounds {
            participants: limits.participants_per_conversation,
            people: limits.people_per_conversation,
            name_octets: limits.conversation_name_octets,
            text_octets: limits.conversation_text_octets,
            said_messages: limits.history_messages,
            said_octets: limits.history_octets,
        }
    }

    fn conversation_asked(&mut self, address: &Address, user: &Address, endpoint: Endpoint, ticket: u64, ask: Ask) {
        if !self.conversations.contains_key(address) {
            let outcome = Outcome::UnknownConversation;
            return self.answer_conversation(address, user, ticket, outcome, Vec::new(), Reply::Nothing);
        }
        let event = ConversationEvent::Asked { user: user.clone(), endpoint, ask };
        self.turn_conversation(address, event, Some((user, ticket)));
    }

    fn asked_for_invitation(
        &mut self,
        address: &Address,
        inviter: &Address,
        invitee: Address,
        to: InvitedTo,
        number: u64,
    ) {
        let event = ConversationEvent::Invited { inviter: inviter.clone(), invitee, to };
        let written = self.conversations.get(address).map_or_else(|| Arc::from(""), |known| Arc::clone(&known.written));
        let outcome = match self.turn_conversation(address, event, None) {
            Some(outcome) => outcome,
            None => Outcome::UnknownConversation,
        };
        let word = ConversationWord::MayInviteAnswer { number, outcome, written };
        self.output.tell(inviter, Word::Conversation(Box::new(word)));
    }

    /// Feeds the machine and does what it says; what it answers, if it does.
    fn turn_conversation(
        &mut self,
        address: &Address,
        event: ConversationEvent,
        asking: Option<(&Address, u64)>,
    ) -> Option<Outcome> {
        let now = self.now;
        let actions = self.conversations.get_mut(address)?.handle(now, event);
        let answer = self.do_conversation(address, actions, asking);
        let timer = Timer::EmptyConversation(address.clone());
        match self.conversations.get(address).and_then(|known| known.empty_until) {
            Some(until) => self.timers.set(timer, until),
            None => self.timers.clear(&timer),
        }
        answer
    }

    fn do_conversation(
        &mut self,
        address: &Address,
        actions: Vec<ConversationAction>,
        asking: Option<(&Address, u64)>,
    ) -> Option<Outcome> {
        let mut answered = None;
        for action in actions {
            match action {
                ConversationAction::Answer { outcome, details, reply } => {
                    answered = Some(outcome);
                    if let Some((user, ticket)) = asking {
                        self.answer_conversation(address, user, ticket, outcome, details, reply);
                    }
                }
                ConversationAction::Keep => {
                    if let Some(fact) = self.conversations.get(address).map(Conversation::to_fact) {
                        self.output.keep(fact);
                    }
                }
                ConversationAction::KeepPerson(user) => self.keep_person(address, &user),
                ConversationAction::Tell { user, endpoint, news } => {
                    let Some(known) = self.conversations.get(address) else { continue };
                    let (conversation, written) = (address.clone(), Arc::clone(&known.written));
                    let word = ConversationWord::News { conversation, written, endpoint, news };
                    self.output.tell(&user, Word::Conversation(Box::new(word)));
                }
                ConversationAction::Happened { user, happening } => self.tell_happening(&user, happening),
                ConversationAction::Seated { user, endpoint } => {
                    let word = ConversationWord::Seated { conversation: address.clone(), endpoint };
                    self.output.tell(&user, Word::Conversation(Box::new(word)));
                }
                ConversationAction::Unseated { user, endpoint } => {
                    let word = ConversationWord::Unseated { conversation: address.clone(), endpoint };
                    self.output.tell(&user, Word::Conversation(Box::new(word)));
                }
                ConversationAction::ForgetSaid(message) => {
                    self.output.drop_fact(FactKey::Said(address.clone(), message));
                }
                ConversationAction::Over => self.conversation_over(address),
            }
        }
        answered
    }

    fn keep_person(&mut self, address: &Address, user: &Address) {
        let Some(known) = self.conversations.get(address) else { return };
        if known.people.contains_key(user) {
            let fact = known.person_fact(user);
            self.output.keep(fact);
        } else {
            self.output.drop_fact(FactKey::Person(address.clone(), user.clone()));
        }
    }

    fn conversation_over(&mut self, address: &Address) {
        let Some(conversation) = self.conversations.remove(address) else { return };
        self.timers.clear(&Timer::EmptyConversation(address.clone()));
        for user in conversation.people.into_keys() {
            self.output.drop_fact(FactKey::Person(address.clone(), user));
        }
        for message in conversation.said {
            self.output.drop_fact(FactKey::Said(address.clone(), message.id));
        }
        self.output.drop_fact(FactKey::Conversation(address.clone()));
    }

    pub(super) fn conversation_empty_over(&mut self, address: &Address) {
        self.turn_conversation(address, ConversationEvent::EmptyOver, None);
    }

    fn answer_conversation(
        &mut self,
        address: &Address,
        user: &Address,
        ticket: u64,
        outcome: Outcome,
        details: Vec<Detail>,
        reply: Reply,
    ) {
        let word = ConversationWord::Answer { conversation: address.clone(), ticket, outcome, details, reply };
        self.output.tell(user, Word::Conversation(Box::new(word)));
    }

    pub(super) fn conversation_answered(
        &mut self,
        user: &Address,
        conversation: &Address,
        ticket: u64,
        outcome: Outcome,
        details: Vec<Detail>,
        reply: Reply,
    ) {
        // WV-INV-02
        if matches!(reply, Reply::Joined { .. }) {
            self.joined_by_invitation(user, conversation);
        }
        if let Some(Gather { purpose: Purpose::Converse { answer }, .. }) = self.gathers.get_mut(&ticket) {
            **answer = (details, reply);
        }
        self.part_settled(ticket, conversation, outcome);
    }

    fn seated(&mut self, user: &Address, conversation: Address, endpoint: Endpoint) {
        let is_there = self.users.get(user).is_some_and(|actor| actor.attachments.contains_key(&endpoint));
        if is_there || !self.config.domains.is_hosted(user) {
            self.user_mut(user).seats.insert((conversation, endpoint));
        } else {
            let word = ConversationWord::Gone { user: user.clone(), endpoint };
            self.output.tell(&conversation, Word::Conversation(Box::new(word)));
        }
    }

    /// An endpoint is gone: it takes part in nothing any more, and nothing said there waits for it.
    // WV-GRP-16
    pub(super) fn leave_conversations(&mut self, user: &Address, endpoint: &Endpoint) {
        let Some(actor) = self.users.get_mut(user) else { return };
        let gone: Vec<Address> = actor
            .seats
            .iter()
            .filter(|(_, place)| place == endpoint)
            .map(|(conversation, _)| conversation.clone())
            .collect();
        actor.seats.retain(|(_, place)| place != endpoint);
        let is_unheard = |talk: &Talk| !talk.endpoints.iter().any(|place| actor.attachments.contains_key(place));
        let letters = actor.letters.all.iter();
        let lost: Vec<u64> = letters
            .filter(|(_, letter)| {
                letter.message.recipient == *user && letter.message.talk.as_deref().is_some_and(is_unheard)
            })
            .map(|(number, _)| *number)
            .collect();
        for conversation in gone {
            if self.leave_far(user, endpoint, &conversation) {
                continue;
            }
            let word = ConversationWord::Gone { user: user.clone(), endpoint: endpoint.clone() };
            self.output.tell(&conversation, Word::Conversation(Box::new(word)));
        }
        for number in lost {
            self.letter_refused(user, number, Outcome::NotLoggedIn);
        }
    }

    /// A message for everybody in a conversation, or for one of them.
    fn said(&mut self, endpoint: &Endpoint, hearers: &Hearers, message: Message) -> Outcome {
        let Some(known) = self.conversations.get(&hearers.conversation) else { return Outcome::UnknownConversation };
        let Some(speaker) = known.place(&message.sender, endpoint).map(str::to_owned) else {
            return Outcome::NotJoined;
        };
        if hearers.speaker.as_ref().is_some_and(|name| !name.trim().eq_ignore_ascii_case(speaker.trim())) {
            return Outcome::Forbidden;
        }
        let places = match known.hearers(&message.sender, endpoint, hearers.addressee.as_deref()) {
            Ok(places) => places,
            Err(outcome) => return outcome,
        };
        let written = Arc::clone(&known.written);
        let id = said_id(&message.id, &hearers.target());
        if hearers.addressee.is_none() {
            self.keep_said(&hearers.conversation, id.clone(), &speaker, &message);
        }
        for (recipient, endpoints) in places {
            let talk = Talk {
                conversation: hearers.conversation.clone(),
                written: Arc::clone(&written),
                speaker: speaker.clone(),
                addressee: hearers.addressee.clone(),
                endpoints,
            };
            let message = Message {
                id: id.clone(),
                recipient: recipient.clone(),
                talk: Some(Box::new(talk)),
                // UNCLEAR: whether a group message is reported on, and on whom: a report would tell addresses.
                report: ReportWish::None,
                ..message.clone()
            };
            self.output.tell(&recipient, Word::Offer { message, ticket: None });
        }
        Outcome::Success
    }

    fn keep_said(&mut self, address: &Address, id: MessageId, speaker: &str, message: &Message) {
        let until = self.now.after(self.config.limits.validity_max);
        let Some(known) = self.conversations.get_mut(address) else { return };
        let said = known.to_said(id, speaker, message, until);
        let Remembered { is_kept, dropped } = known.remember(said.clone());
        if is_kept {
            self.output.keep(Fact::Said(Box::new(said)));
        }
        for message in dropped {
            self.output.drop_fact(FactKey::Said(address.clone(), message));
        }
    }

    /// Conversations of this shard.
    pub fn conversations(&self) -> impl Iterator<Item = ConversationRow> + '_ {
        self.conversations.values().map(Conversation::to_row)
    }

    /// Where users of this shard take part: conversation, endpoint.
    pub fn seats(&self) -> impl Iterator<Item = (&Address, &Endpoint)> + '_ {
        self.users
            .values()
            .flat_map(|actor| actor.seats.iter().map(|(conversation, endpoint)| (conversation, endpoint)))
    }
}

impl Conversation {
    /// Where a message of the participant at the endpoint is heard, per user, or why it is not.
    fn hearers(
        &self,
        sender: &Address,
        endpoint: &Endpoint,
        addressee: Option<&str>,
    ) -> Result<BTreeMap<Address, Vec<Endpoint>>, Outcome> {
        let mut places: BTreeMap<Address, Vec<Endpoint>> = BTreeMap::new();
        // WV-GRP-10
        if let Some(name) = addressee {
            if !self.properties.allows_private {
                return Err(Outcome::PrivateMessagesOff);
            }
            let (user, person, seat) = self.seat_named(name).ok_or(Outcome::UnknownUser)?;
            if !person.own.takes_private {
                return Err(Outcome::PrivateMessagesRefused);
            }
            places.insert(user.clone(), seat.places.iter().map(|place| place.endpoint.clone()).collect());
            return Ok(places);
        }
        // WV-GRP-09
        for (user, person) in &self.people {
            let seat = person.seat.iter().flat_map(|seat| &seat.places);
            let heard = seat.filter(|place| *user != *sender || place.endpoint != *endpoint);
            let heard: Vec<Endpoint> = heard.map(|place| place.endpoint.clone()).collect();
            if !heard.is_empty() {
                places.insert(user.clone(), heard);
            }
        }
        Ok(places)
    }

    fn to_row(&self) -> ConversationRow {
        let seats = self.people.iter().filter_map(|(user, person)| person.seat.as_ref().map(|seat| (user, seat)));
        let waiting = self.people.iter().filter(|(_, person)| person.role.is_some() && person.own.joins_by_itself);
        ConversationRow {
            conversation: self.address.clone(),
            owner: self.owner.clone(),
            properties: self.properties.clone(),
            participants: seats.map(|(user, seat)| (user.clone(), seat.name.clone())).collect(),
            members: self.all_members(),
            joining_by_themselves: waiting.map(|(user, _)| user.clone()).collect(),
        }
    }
}

impl Answer {
    /// The answer about a conversation that was not even asked.
    pub(crate) const fn of_conversation(outcome: Outcome) -> Self {
        Self::Conversation { outcome, details: Vec::new(), reply: Reply::Nothing }
    }
}

/// The name of a message as it is heard in one conversation: the same when it is said again.
fn said_id(id: &MessageId, target: &Address) -> MessageId {
    let hash = target
        .as_str()
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, octet| (hash ^ u32::from(octet)).wrapping_mul(0x0100_0193));
    MessageId::new(&format!("{}-{hash:08x}", id.as_str()))
}
