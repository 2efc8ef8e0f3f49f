//! What is kept of conversations, and their coming back.

use super::ConversationWord;
use crate::{
    address::Address,
    conversation::{
        Properties, Talk,
        machine::{Conversation, Person},
    },
    engine::{Engine, Word, shard_of, timer::Timer},
    message::{Message, MessageId, ReportWish},
    record::Fact,
    time::Timestamp,
};
use std::sync::Arc;

/// A conversation as it is kept, without the people in it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeptConversation {
    /// Its address.
    pub address: Address,
    /// The address as its creator wrote it.
    pub written: String,
    /// Who owns it.
    pub owner: Address,
    /// Its properties.
    pub properties: Properties,
}

impl Engine {
    /// Tells those who take part that they do; in one shard or in all.
    pub(in crate::engine) fn announce_seats(&mut self, shard: Option<u32>) {
        let shards = self.config.shards;
        let mut seats = Vec::new();
        for (address, known) in &self.conversations {
            for (user, person) in &known.people {
                if shard.is_none_or(|shard| shard_of(user, shards) == shard) {
                    let places = person.seat.iter().flat_map(|seat| &seat.places);
                    seats.extend(places.map(|place| (address.clone(), user.clone(), place.endpoint.clone())));
                }
            }
        }
        for (conversation, user, endpoint) in seats {
            let word = ConversationWord::Seated { conversation, endpoint };
            self.output.tell(&user, Word::Conversation(Box::new(word)));
        }
    }

    pub(in crate::engine) fn restore_conversation(&mut self, kept: KeptConversation) {
        let KeptConversation { address, written, owner, properties } = kept;
        let bounds = self.conversation_bounds();
        let mut conversation = Conversation::new(address.clone(), Arc::from(written), owner, properties, bounds);
        conversation.people.clear();
        self.conversations.insert(address, conversation);
    }

    pub(in crate::engine) fn restore_person(&mut self, conversation: &Address, user: Address, person: Person) {
        if let Some(known) = self.conversations.get_mut(conversation) {
            known.people.insert(user, person);
        }
    }

    /// What was said before the restart; the order in which it was said is that of the names.
    pub(in crate::engine) fn restore_said(&mut self, message: Message) {
        if let Some(known) = self.conversations.get_mut(&message.recipient) {
            let place = |said: &Message| (said.sent, said.id.clone());
            let at = known.said.partition_point(|said| place(said) < place(&message));
            known.said.insert(at, message);
        }
    }

    /// Empty conversations wait from now on.
    pub(in crate::engine) fn revive_conversations(&mut self) {
        let now = self.now;
        for known in self.conversations.values_mut() {
            let lifetime = known.properties.empty_lifetime;
            if known.properties.ends_when_empty && known.active() == 0 && !lifetime.is_zero() {
                known.empty_until = Some(now.after(lifetime));
                self.timers.set(Timer::EmptyConversation(known.address.clone()), now.after(lifetime));
            }
        }
        self.announce_seats(None);
    }

    /// The user is no more: its conversations end.
    pub(in crate::engine) fn bury_conversations(&mut self, user: &Address) {
        let owned: Vec<Address> = self
            .conversations
            .values()
            .filter(|known| known.owner == *user)
            .map(|known| known.address.clone())
            .collect();
        for address in owned {
            let Some(known) = self.conversations.get_mut(&address) else { continue };
            let actions = known.dissolved();
            self.do_conversation(&address, actions, None);
        }
    }
}

impl Conversation {
    pub(in crate::engine) fn to_fact(&self) -> Fact {
        Fact::Conversation(Box::new(KeptConversation {
            address: self.address.clone(),
            written: self.written.as_ref().to_owned(),
            owner: self.owner.clone(),
            properties: self.properties.clone(),
        }))
    }

    /// What was said, as the conversation keeps it: its recipient is the conversation itself.
    pub(super) fn to_said(&self, id: MessageId, speaker: &str, message: &Message, until: Timestamp) -> Message {
        let talk = Talk {
            conversation: self.address.clone(),
            written: Arc::clone(&self.written),
            speaker: speaker.to_owned(),
            addressee: None,
            endpoints: Vec::new(),
        };
        Message {
            id,
            recipient: self.address.clone(),
            device: None,
            expires: until,
            report: ReportWish::None,
            origin: Arc::from(""),
            talk: Some(Box::new(talk)),
            ..message.clone()
        }
    }

    pub(in crate::engine) fn person_fact(&self, user: &Address) -> Fact {
        let person = self.people.get(user).cloned().unwrap_or_default();
        Fact::Person { conversation: self.address.clone(), user: user.clone(), person: Box::new(person) }
    }
}
