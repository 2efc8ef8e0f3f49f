//! Block and grant lists at work.

use crate::{
    address::Address,
    command::Answer,
    conversation::{Talk, machine::is_same_name},
    engine::Engine,
    event::RequestId,
    message::{Disclosure, Message},
    outcome::Outcome,
    record::{Fact, FactKey},
    screening::{Entity, Screening, ScreeningChange},
};

impl Engine {
    /// Changes the lists of a user, or only shows them when nothing is to change.
    pub(super) fn screen(&mut self, request: RequestId, user: &Address, change: ScreeningChange) {
        if let Some(outcome) = self.refusal_for_guests(user) {
            return self.output.done(request, outcome);
        }
        let bound = self.config.limits.entities_per_screening;
        let before = self.users.get(user).map(|actor| actor.screening.clone()).unwrap_or_default();
        let mut screening = before.clone();
        screening.change(change);
        if screening.block.entities.len().max(screening.grant.entities.len()) > bound {
            return self.output.done(request, Outcome::TooManyContacts);
        }
        if screening != before {
            if screening == Screening::default() {
                self.output.drop_fact(FactKey::Screening(user.clone()));
            } else {
                self.output.keep(Fact::Screening { user: user.clone(), screening: screening.clone() });
            }
            self.user_mut(user).screening = screening.clone();
        }
        self.output.answer(request, Answer::Screening(screening));
        self.forget_if_empty(user);
    }

    /// Whether the lists of `user` keep out what comes from `sender`, and out of a conversation where it was said in one.
    /// Never anything of its own.
    // WV-BLK-02
    /// Whether the user does not want this message: for who sends it, or for his not saying so.
    pub(super) fn screens_out_sender(&self, user: &Address, message: &Message) -> bool {
        let (sender, talk) = (&message.sender, message.talk.as_deref());
        let is_hidden = message.disclosure == Disclosure::Anonymous;
        self.screens_out(user, sender, talk) || (is_hidden && self.screens_out(user, &Address::anonymous(), talk))
    }

    pub(super) fn screens_out(&self, user: &Address, sender: &Address, talk: Option<&Talk>) -> bool {
        let Some(actor) = self.users.get(user).filter(|_| user != sender) else { return false };
        !actor.screening.admits(|entity| match entity {
            Entity::User(named) => named == sender,
            Entity::Group(named) => named == sender || talk.is_some_and(|talk| talk.conversation == *named),
            Entity::ContactList(list) => {
                actor.lists.get(list).is_some_and(|list| list.members.iter().any(|member| member.address == *sender))
            }
            Entity::ScreenName { group, name } => {
                talk.is_some_and(|talk| talk.conversation == *group && is_same_name(&talk.speaker, name))
            }
            // It sends no messages under its own name.
            Entity::Application(_) => false,
        })
    }
}
