//! What is kept of conversations, and their coming back.

use super::ConversationWord;
use crate::{
    address::Address,
    conversation::{
        Properties,
        machine::{Conversation, Person},
    },
    engine::{Engine, Word, shard_of, timer::Timer},
    record::Fact,
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
    pub(super) fn to_fact(&self) -> Fact {
        Fact::Conversation(Box::new(KeptConversation {
            address: self.address.clone(),
            written: self.written.as_ref().to_owned(),
            owner: self.owner.clone(),
            properties: self.properties.clone(),
        }))
    }

    pub(super) fn person_fact(&self, user: &Address) -> Fact {
        let person = self.people.get(user).cloned().unwrap_or_default();
        Fact::Person { conversation: self.address.clone(), user: user.clone(), person: Box::new(person) }
    }
}
