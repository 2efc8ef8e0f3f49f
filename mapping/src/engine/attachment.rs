//! Devices of hosted users: their coming and going.

use crate::{
    address::Address,
    command::CommandKind,
    engine::{Engine, Standing, Word},
    event::{Attachment, Reception, RequestId},
    message::Content,
    outcome::Outcome,
    presence::DeviceId,
    record::{Fact, FactKey},
    side::Endpoint,
    watcher::EndReason,
};
use std::collections::BTreeSet;

impl Engine {
    pub(super) fn attach(&mut self, request: RequestId, user: &Address, endpoint: Endpoint, attachment: Attachment) {
        if let Some(outcome) = self.refusal_for_guests(user) {
            return self.output.done(request, outcome);
        }
        let bound = self.config.limits.attachments_per_user;
        let attachments = &self.user_mut(user).attachments;
        if attachments.len() >= bound && !attachments.contains_key(&endpoint) {
            return self.output.done(request, Outcome::Unavailable);
        }
        self.output.keep(Fact::Attachment {
            user: user.clone(),
            endpoint: endpoint.clone(),
            attachment: attachment.clone(),
        });
        let device = attachment.device.clone();
        let before = self.user_mut(user).attachments.insert(endpoint.clone(), attachment);
        if let Some(before) = before.filter(|before| before.device != device) {
            self.forget_device(user, before.device);
        }
        self.output.done(request, Outcome::Success);
        self.present(user);
        self.name_permissions(user, "another login");
        self.ask_at(user, &endpoint);
        self.offer_inbox(user, &endpoint);
        self.offer_reports(user, &endpoint);
        self.offer_announcements(user, &endpoint);
        self.offer_invitations(user, &endpoint);
        self.register(user);
        self.learn_watchers(user);
    }

    pub(super) fn detach(&mut self, request: RequestId, user: &Address, endpoint: &Endpoint) {
        self.leave(user, endpoint);
        self.output.done(request, Outcome::Success);
        self.present(user);
        self.forget_if_empty(user);
    }

    // Sessions mapping §7
    /// As long as a user of such a domain is there, its registrar knows that it is reached here.
    pub(super) fn register(&mut self, user: &Address) {
        let Some(peer) = self.config.registrars.get(user.domain()).cloned() else { return };
        let Some(actor) = self.users.get_mut(user) else { return };
        let is_there = !actor.attachments.is_empty();
        match (is_there, std::mem::replace(&mut actor.is_registered, is_there)) {
            (true, false) => self.output.push(CommandKind::Register { peer, user: user.clone() }),
            (false, true) => self.output.push(CommandKind::Deregister { user: user.clone() }),
            (true, true) | (false, false) => {}
        }
    }

    /// Ends everything that hangs on the endpoint: its attachment, its device's publication, its watches and offers.
    fn leave(&mut self, user: &Address, endpoint: &Endpoint) {
        self.end_watches(user, endpoint);
        let Some(actor) = self.users.get_mut(user) else { return };
        let Some(Attachment { device, .. }) = actor.attachments.remove(endpoint) else { return };
        self.name_permissions(user, "logout");
        let Some(actor) = self.users.get_mut(user) else { return };
        self.output.drop_fact(FactKey::Attachment(user.clone(), endpoint.clone()));
        actor.letters.endpoint_gone(endpoint);
        self.forget_copies(user);
        let Some(actor) = self.users.get_mut(user) else { return };
        for question in actor.authorizations.questions.values_mut() {
            question.asked.remove(endpoint);
        }
        self.leave_conversations(user, endpoint);
        self.register(user);
        self.learn_watchers(user);
        self.forget_device(user, device);
        // What was said of the person stays while another device is there.
        if self.users.get(user).is_some_and(|actor| actor.attachments.is_empty()) {
            self.forget_device(user, DeviceId::default());
        }
    }

    /// What a device said ends with its last attachment.
    fn forget_device(&mut self, user: &Address, device: DeviceId) {
        let Some(actor) = self.users.get_mut(user) else { return };
        let attached = actor.attachments.values().any(|other| other.device == device);
        if !attached && actor.publications.by_device.remove(&device).is_some() {
            self.output.drop_fact(FactKey::Publication(user.clone(), device));
        }
    }

    /// Ends everything of a user that is no more.
    pub(super) fn bury(&mut self, user: &Address) {
        self.bury_conversations(user);
        let Some(actor) = self.users.get(user) else { return };
        let mut endpoints: BTreeSet<Endpoint> = actor.attachments.keys().cloned().collect();
        for relation in actor.watching.relations.values() {
            endpoints.extend(relation.watches.keys().cloned());
        }
        let letters = actor.letters.inbox_numbers(user);
        for endpoint in endpoints {
            self.leave(user, &endpoint);
        }
        // Newest first, so that none gets its turn because another is gone.
        for number in letters.into_iter().rev() {
            self.letter_refused(user, number, Outcome::UnknownUser);
        }
        self.bury_invitations(user);
        let Some(actor) = self.users.get_mut(user) else { return };
        for device in std::mem::take(&mut actor.publications.by_device).into_keys() {
            self.output.drop_fact(FactKey::Publication(user.clone(), device));
        }
        for watcher in std::mem::take(&mut actor.authorizations.rules).into_keys() {
            self.output.drop_fact(FactKey::Authorization(user.clone(), watcher));
        }
        for id in actor.announcements.keys().cloned().collect::<Vec<_>>() {
            self.forget_announcement(user, &id);
        }
        let Some(actor) = self.users.get_mut(user) else { return };
        if std::mem::take(&mut actor.screening) != crate::screening::Screening::default() {
            self.output.drop_fact(FactKey::Screening(user.clone()));
        }
        for list in std::mem::take(&mut actor.lists).into_keys() {
            self.output.drop_fact(FactKey::ContactList(list));
        }
        for (list, endpoint) in std::mem::take(&mut actor.watching.lists).into_keys() {
            self.output.drop_fact(FactKey::ListWatch(list, endpoint));
        }
        for watcher in std::mem::take(&mut actor.watchers).into_keys() {
            let standing = Standing::Failed(EndReason::NoResource);
            self.output.tell(&watcher, Word::Standing { presentity: user.clone(), ticket: None, standing });
        }
        for watcher in actor.authorizations.questions.keys().cloned().collect::<Vec<_>>() {
            self.forget_question(user, &watcher);
        }
        self.dismiss_followers(user);
        self.forget_if_empty(user);
    }

    pub(super) fn forget_if_empty(&mut self, user: &Address) {
        if self.users.get(user).is_some_and(|actor| actor.is_empty()) {
            self.users.remove(user);
        }
    }
}

impl Reception {
    /// Why the device does not take the content.
    pub(crate) fn refusal(&self, content: &Content) -> Option<Outcome> {
        if !self.media_types.is_empty() && !self.media_types.contains(&content.media_type) {
            return Some(Outcome::UnsupportedContent);
        }
        let octets = u64::try_from(content.body.len()).unwrap_or(u64::MAX);
        (octets > self.content_octets_max).then_some(Outcome::TooLarge)
    }
}
