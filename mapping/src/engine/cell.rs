//! What the permissions of watchers meet, as their state table names it.

use crate::{address::Address, engine::Engine, policy::Permission, side::Side, watcher::Decision, witness::met};

impl Engine {
    /// Names the cell of a watcher's permission that an event is about to reach.
    pub(super) fn name_permission(&self, presentity: &Address, watcher: &Address, event: &str) {
        if !cfg!(debug_assertions) {
            return;
        }
        let (Some(of), Some(by)) = (self.config.domains.find(presentity), self.config.domains.find(watcher)) else {
            return;
        };
        // The other side's presentities are not asked.
        if of.side != Side::Wv {
            return;
        }
        let actor = self.users.get(presentity);
        let rule = actor.and_then(|actor| actor.authorizations.rules.get(watcher)).map(|rule| rule.decision);
        let watches = actor.and_then(|actor| actor.watchers.get(watcher)).map(|known| known.permission);
        let is_asked = actor.is_some_and(|actor| actor.authorizations.questions.contains_key(watcher));
        let state = match (watches, rule) {
            (Some(_), Some(Decision::Allow)) => "allowed",
            (Some(_), Some(Decision::Block)) => "refused",
            (None, Some(Decision::Allow)) => "allowed before",
            (None, Some(Decision::Block)) => "refused before",
            (_, None) if is_asked => "pending",
            (Some(Permission::Undecided), None) => "cancelled",
            (Some(_) | None, None) => "nobody",
        };
        met("mapping_authorization", format_args!("{:?}, {state}, {event}", by.side));
    }

    /// Names the cells of all watchers of a presentity to whom something happens.
    pub(super) fn name_permissions(&self, presentity: &Address, event: &str) {
        if !cfg!(debug_assertions) {
            return;
        }
        let Some(actor) = self.users.get(presentity) else { return };
        let known = actor.watchers.keys().chain(actor.authorizations.rules.keys());
        for watcher in known.chain(actor.authorizations.questions.keys()) {
            self.name_permission(presentity, watcher, event);
        }
    }
}
