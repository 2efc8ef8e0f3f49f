//! Devices of hosted users: their coming and going.

use crate::{
    address::Address,
    engine::Engine,
    event::{Attachment, Reception, RequestId},
    message::Content,
    outcome::Outcome,
    record::{Fact, FactKey},
    side::Endpoint,
};

impl Engine {
    pub(super) fn attach(&mut self, request: RequestId, user: &Address, endpoint: Endpoint, attachment: Attachment) {
        if let Some(outcome) = self.refusal_for_guests(user) {
            return self.output.done(request, outcome);
        }
        self.output.keep(Fact::Attachment {
            user: user.clone(),
            endpoint: endpoint.clone(),
            attachment: attachment.clone(),
        });
        self.user_mut(user).attachments.insert(endpoint.clone(), attachment);
        self.output.done(request, Outcome::Success);
        self.offer_inbox(user, &endpoint);
        self.offer_reports(user, &endpoint);
    }

    pub(super) fn detach(&mut self, request: RequestId, user: &Address, endpoint: &Endpoint) {
        if let Some(actor) = self.users.get_mut(user)
            && actor.attachments.remove(endpoint).is_some()
        {
            self.output.drop_fact(FactKey::Attachment(user.clone(), endpoint.clone()));
            actor.letters.endpoint_gone(endpoint);
        }
        self.output.done(request, Outcome::Success);
        self.forget_if_empty(user);
    }

    pub(super) fn forget_if_empty(&mut self, user: &Address) {
        if self.users.get(user).is_some_and(super::user::User::is_empty) {
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
