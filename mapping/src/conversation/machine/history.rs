//! What was said in a conversation that keeps it.

use super::{Action, Actions, Conversation, Standing};
use crate::{
    address::Address,
    conversation::Reply,
    message::{Message, MessageId},
    outcome::Outcome,
};

impl Conversation {
    /// Keeps what was said, if it is to be kept: whether it was, and what has to give way.
    // WV-GRP-18
    pub(crate) fn remember(&mut self, message: Message) -> Remembered {
        let is_known = self.said.iter().any(|known| known.id == message.id);
        if !self.properties.keeps_history || is_known || message.content.body.len() > self.bounds.said_octets {
            return Remembered::default();
        }
        self.said.push_back(message);
        let mut dropped = Vec::new();
        let octets = |known: &Message| known.content.body.len();
        let mut held: usize = self.said.iter().map(octets).sum();
        while self.said.len() > self.bounds.said_messages || held > self.bounds.said_octets {
            let Some(oldest) = self.said.pop_front() else { break };
            held = held.saturating_sub(octets(&oldest));
            dropped.push(oldest.id);
        }
        Remembered { is_kept: !self.said.is_empty(), dropped }
    }

    pub(super) fn tell_history(&self, user: &Address, at_most: Option<usize>, actions: &mut Actions) {
        if let Some(outcome) = self.refusal_of_history(user) {
            return actions.answer(outcome);
        }
        let total = self.said.len();
        let skipped = total.saturating_sub(at_most.unwrap_or(total));
        actions.reply(Reply::Said { messages: self.said.iter().skip(skipped).cloned().collect(), total });
    }

    pub(super) fn recall(&self, user: &Address, message: &MessageId, actions: &mut Actions) {
        if let Some(outcome) = self.refusal_of_history(user) {
            return actions.answer(outcome);
        }
        match self.said.iter().find(|known| known.id == *message) {
            Some(found) => actions.reply(Reply::Said { messages: vec![found.clone()], total: 1 }),
            None => actions.answer(Outcome::UnknownMessage),
        }
    }

    /// What was kept is not wanted any more.
    pub(super) fn forget_history(&mut self, actions: &mut Actions) {
        let forgotten = std::mem::take(&mut self.said);
        actions.0.extend(forgotten.into_iter().map(|message| Action::ForgetSaid(message.id)));
    }

    fn refusal_of_history(&self, user: &Address) -> Option<Outcome> {
        if self.people.get(user).is_some_and(|person| person.standing == Standing::KeptOut) {
            Some(Outcome::KeptOut)
        } else if self.role(user).is_none() && !self.is_seated(user) {
            Some(Outcome::NotJoined)
        } else if self.properties.keeps_history {
            None
        } else {
            Some(Outcome::NoHistory)
        }
    }
}

/// What became of a message that was said.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    /// Whether it is kept.
    pub(crate) is_kept: bool,
    /// What is kept no longer.
    pub(crate) dropped: Vec<MessageId>,
}
