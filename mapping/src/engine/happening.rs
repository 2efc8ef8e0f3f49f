//! What concerns a user is told its devices, as far as there are any: nothing of it is kept.

use crate::{
    address::Address,
    command::{CommandKind, Happening},
    engine::{Engine, Word},
};

impl Engine {
    /// Tells a user what concerns it, where it lives here and its side can be told.
    pub(super) fn tell_happening(&mut self, user: &Address, happening: Happening) {
        let hears = self.profile_for(user).is_some_and(|profile| profile.hears_happenings);
        if hears && self.config.domains.is_hosted(user) {
            self.output.tell(user, Word::Happened(Box::new(happening)));
        }
    }

    pub(super) fn happened(&mut self, user: &Address, happening: &Happening) {
        let Some(actor) = self.users.get(user) else { return };
        for endpoint in actor.attachments.keys() {
            let (endpoint, happening) = (endpoint.clone(), happening.clone());
            self.output.push(CommandKind::Happened { endpoint, happening });
        }
    }
}
