//! The operator's word to a user: kept until it is seen, or answered, or out of date.

use crate::{
    address::Address,
    announcement::{Announcement, Reaction},
    command::{Answer, CommandKind},
    engine::{Engine, timer::Timer},
    event::RequestId,
    outcome::Outcome,
    record::{Fact, FactKey},
    side::Endpoint,
};
use std::sync::Arc;

impl Engine {
    /// The operator says something to a user. Beyond the bound the oldest word is forgotten.
    // WV-SYS-01
    pub(super) fn announced(&mut self, announcement: Announcement) {
        let user = announcement.user.clone();
        if !self.accounts.contains(&user) || announcement.expires <= self.now {
            return;
        }
        let bound = self.config.limits.announcements_per_user;
        let oldest = self.users.get(&user).filter(|actor| actor.announcements.len() >= bound).and_then(|actor| {
            let all = actor.announcements.values();
            all.min_by_key(|known| known.expires).map(|known| Arc::clone(&known.id))
        });
        if let Some(oldest) = oldest {
            self.forget_announcement(&user, &oldest);
        }
        self.output.keep(Fact::Announcement(announcement.clone()));
        self.timers.set(Timer::Announcement(user.clone(), Arc::clone(&announcement.id)), announcement.expires);
        let actor = self.user_mut(&user);
        actor.announcements.insert(Arc::clone(&announcement.id), announcement.clone());
        let taking = actor.attachments.iter().filter(|(_, attachment)| attachment.reception.takes_announcements);
        for endpoint in taking.map(|(endpoint, _)| endpoint.clone()).collect::<Vec<_>>() {
            self.output.push(CommandKind::Announce { endpoint, announcement: announcement.clone() });
        }
    }

    /// A device came: it hears what was not answered.
    pub(super) fn offer_announcements(&mut self, user: &Address, endpoint: &Endpoint) {
        let Some(actor) = self.users.get(user) else { return };
        let takes =
            |found: &crate::event::Attachment| found.reception.takes_announcements && found.reception.takes_stored;
        if !actor.attachments.get(endpoint).is_some_and(takes) {
            return;
        }
        let mut open: Vec<Announcement> =
            actor.announcements.values().filter(|known| known.answer.is_none()).cloned().collect();
        open.sort_by(|one, two| (one.expires, &one.id).cmp(&(two.expires, &two.id)));
        for announcement in open {
            self.output.push(CommandKind::Announce { endpoint: endpoint.clone(), announcement });
        }
    }

    /// A device has shown it. What needs no answer is done with.
    pub(super) fn announcement_seen(&mut self, user: &Address, id: &Arc<str>) {
        let needs_answer = |known: &Announcement| known.requires_answer || !known.options.is_empty();
        let known = self.users.get(user).and_then(|actor| actor.announcements.get(id));
        if known.is_some_and(|known| !needs_answer(known)) {
            self.forget_announcement(user, id);
        }
    }

    /// The user answers. The first answer counts.
    // WV-SYS-02
    pub(super) fn answer_announcement(
        &mut self,
        request: RequestId,
        user: &Address,
        id: &Arc<str>,
        choice: Option<Arc<str>>,
        key: Option<String>,
    ) {
        if let Some(outcome) = self.refusal_for_guests(user) {
            return self.output.done(request, outcome);
        }
        let reaction = Reaction { choice, key, at: self.now };
        let known = self.users.get_mut(user).and_then(|actor| actor.announcements.get_mut(id));
        let outcome = match known {
            None => Outcome::UnknownMessage,
            Some(known) if !known.offers(reaction.choice.as_deref()) => Outcome::BadParameter,
            Some(known) if known.answer.is_some() => Outcome::Success,
            Some(known) => {
                known.answer = Some(reaction);
                let fact = Fact::Announcement(known.clone());
                self.output.keep(fact);
                Outcome::Success
            }
        };
        self.output.answer(request, Answer::Done { outcome, details: Vec::new() });
    }

    /// Its time is over.
    pub(super) fn announcement_over(&mut self, user: &Address, id: &Arc<str>) {
        self.forget_announcement(user, id);
    }

    pub(super) fn forget_announcement(&mut self, user: &Address, id: &Arc<str>) {
        let Some(actor) = self.users.get_mut(user) else { return };
        if actor.announcements.remove(id).is_some() {
            self.timers.clear(&Timer::Announcement(user.clone(), Arc::clone(id)));
            self.output.drop_fact(FactKey::Announcement(user.clone(), id.as_ref().to_owned()));
        }
        self.forget_if_empty(user);
    }

    /// What the operator has said and is not forgotten, with the answers.
    pub fn announcements(&self) -> impl Iterator<Item = &Announcement> {
        self.users.values().flat_map(|actor| actor.announcements.values())
    }
}
