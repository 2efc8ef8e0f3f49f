//! Subscriptions of SIP users at WV servers, each in the session of its own shadow.

use super::{
    Sidecar,
    command::{Purpose, is_named, outcome_for, outcome_of_failure},
};
use crate::wv::translate::{message::user_of, ssp};
use mapping::{
    address::Address,
    event::{EventKind, SubscriptionId, SubscriptionUpdate},
    outcome::Outcome,
    presence::PresenceDocument,
    time::Timestamp,
};
use std::collections::{BTreeSet, HashMap};
use wv_proto::{
    presence_attribute::PresenceSubList,
    primitive::{
        Primitive,
        presence::{GetPresenceRequest, Presentity, SubscribePresenceRequest, UnsubscribePresenceRequest},
    },
    session::standing::{Failure, Standing},
};

/// What the engine wants to see at servers.
#[derive(Default)]
pub(super) struct Subscriptions {
    lasting: HashMap<SubscriptionId, Subscription>,
    /// Subscriptions by shadow and presentity.
    by_place: HashMap<(usize, Address), Vec<SubscriptionId>>,
}

struct Subscription {
    shadow: usize,
    presentity: Address,
    /// What the server has told so far.
    document: Option<PresenceDocument>,
    /// Whether the next word is all there is, as after a subscription.
    is_fresh: bool,
}

impl Subscriptions {
    pub(super) fn count(&self) -> usize {
        self.lasting.len()
    }

    fn remove(&mut self, id: &SubscriptionId) -> Option<Subscription> {
        let subscription = self.lasting.remove(id)?;
        let place = (subscription.shadow, subscription.presentity.clone());
        if let Some(ids) = self.by_place.get_mut(&place) {
            ids.retain(|known| known != id);
            if ids.is_empty() {
                self.by_place.remove(&place);
            }
        }
        Some(subscription)
    }
}

impl Sidecar {
    pub(super) fn open_subscription(
        &mut self,
        now: Timestamp,
        id: SubscriptionId,
        watcher: &Address,
        presentity: &Address,
        lasting: bool,
    ) {
        let failed = |sidecar: &mut Self, id, outcome| {
            sidecar.update(id, SubscriptionUpdate::Failed { outcome, retry_after: None });
        };
        let Some(index) = self.view_of(watcher, presentity.domain()) else {
            return failed(self, id, Outcome::Forbidden);
        };
        if self.is_observing(index) {
            tracing::info!(side = "wv", correlation = %self.current, "observed: would subscribe to a WV user");
            return failed(self, id, Outcome::ServiceNotSupported);
        }
        if !lasting {
            let users = vec![user_of(presentity)];
            let request = GetPresenceRequest { users, ..GetPresenceRequest::default() };
            return self.ask_server(now, index, Purpose::Look(id), Primitive::GetPresenceRequest(request));
        }
        let subscription =
            Subscription { shadow: index, presentity: presentity.clone(), document: None, is_fresh: true };
        let is_new = self.subscriptions.lasting.insert(id.clone(), subscription).is_none();
        let sharing = self.subscriptions.by_place.entry((index, presentity.clone())).or_default();
        if is_new {
            sharing.push(id.clone());
            if let Some(shadow) = self.shadows.get_mut(index) {
                shadow.watching = shadow.watching.saturating_add(1);
            }
        }
        self.need(now, index);
        // Otherwise it is asked for when the session stands.
        if self.shadows.get(index).is_some_and(|shadow| shadow.session.standing() == Standing::Open) {
            self.subscribe(now, index, id, presentity);
        } else if self.shadows.get(index).is_some_and(|shadow| matches!(shadow.session.standing(), Standing::Barred(_)))
        {
            self.drop_subscription(now, &id);
            failed(self, id, Outcome::Unavailable);
        }
    }

    fn subscribe(&mut self, now: Timestamp, index: usize, id: SubscriptionId, presentity: &Address) {
        let users = vec![user_of(presentity)];
        let request = SubscribePresenceRequest { users, ..SubscribePresenceRequest::default() };
        let primitive = Primitive::SubscribePresenceRequest(request);
        self.ask_server(now, index, Purpose::Subscribe(id), primitive);
    }

    pub(super) fn close_subscription(&mut self, now: Timestamp, id: &SubscriptionId) {
        let Some((index, presentity)) = self.drop_subscription(now, id) else { return };
        let is_shared = self.subscriptions.by_place.contains_key(&(index, presentity.clone()));
        let is_open = self.shadows.get(index).is_some_and(|shadow| shadow.session.standing() == Standing::Open);
        if is_open && !is_shared {
            let request = UnsubscribePresenceRequest { users: vec![user_of(&presentity)], contact_lists: Vec::new() };
            self.ask_server(now, index, Purpose::Tell, Primitive::UnsubscribePresenceRequest(request));
        }
    }

    fn drop_subscription(&mut self, now: Timestamp, id: &SubscriptionId) -> Option<(usize, Address)> {
        let Subscription { shadow: index, presentity, .. } = self.subscriptions.remove(id)?;
        if let Some(shadow) = self.shadows.get_mut(index) {
            shadow.watching = shadow.watching.saturating_sub(1);
        }
        self.schedule(now, index);
        Some((index, presentity))
    }

    /// Whoever watches in a session that is not for it watches in another, or not at all.
    pub(super) fn reseat(&mut self, now: Timestamp) {
        let mut misplaced = Vec::new();
        for (id, subscription) in &self.subscriptions.lasting {
            let Some(watcher) = id.watcher() else { continue };
            let is_right = match self.shadow_of(&watcher, subscription.presentity.domain()) {
                Some(own) => own == subscription.shadow,
                None => self.shadows.get(subscription.shadow).is_some_and(|shadow| shadow.public_view),
            };
            if !is_right {
                misplaced.push((id.clone(), watcher, subscription.presentity.clone()));
            }
        }
        for (id, watcher, presentity) in misplaced {
            self.close_subscription(now, &id);
            self.open_subscription(now, id, &watcher, &presentity, true);
        }
    }

    /// A session stands: what was asked for in the one before is asked for again. Nobody is told anything before the
    /// server says something new.
    pub(super) fn subscribe_again(&mut self, now: Timestamp, index: usize) {
        let of_shadow = self.subscriptions.lasting.iter_mut().filter(|(_, subscription)| subscription.shadow == index);
        let again: Vec<(SubscriptionId, Address)> = of_shadow
            .map(|(id, subscription)| {
                subscription.is_fresh = true;
                (id.clone(), subscription.presentity.clone())
            })
            .collect();
        match again.as_slice() {
            [(id, presentity)] => self.subscribe(now, index, id.clone(), presentity),
            all => all.chunks(SUBSCRIBED_AT_ONCE_MAX).for_each(|some| self.subscribe_all(now, index, some)),
        }
    }

    /// Subscribes to several at once: one word instead of hundreds when a session is lost.
    fn subscribe_all(&mut self, now: Timestamp, index: usize, wanted: &[(SubscriptionId, Address)]) {
        let presentities: BTreeSet<&Address> = wanted.iter().map(|(_, presentity)| presentity).collect();
        let users = presentities.into_iter().map(user_of).collect();
        let request = SubscribePresenceRequest { users, ..SubscribePresenceRequest::default() };
        let ids = wanted.iter().map(|(id, _)| id.clone()).collect();
        let primitive = Primitive::SubscribePresenceRequest(request);
        self.ask_server(now, index, Purpose::SubscribeAll(ids), primitive);
    }

    /// The server answered a request for several. Whom a refusal does not name is asked for alone: a server may refuse
    /// all because of one.
    pub(super) fn all_subscribed(
        &mut self,
        now: Timestamp,
        index: usize,
        ids: Vec<SubscriptionId>,
        answer: &Result<Primitive, Failure>,
    ) {
        let result = answer.as_ref().ok().and_then(Primitive::result);
        let refusal = result.filter(|result| !result.code.is_success());
        for id in ids {
            let Some(presentity) = self.subscriptions.lasting.get(&id).map(|known| known.presentity.clone()) else {
                continue;
            };
            match refusal {
                Some(refusal) if !is_named(refusal, &presentity) => self.subscribe(now, index, id, &presentity),
                Some(_) | None => self.subscribed(&id, answer),
            }
        }
    }

    /// The account is given up: its watchers see nothing more.
    pub(super) fn watches_barred(&mut self, now: Timestamp, index: usize) {
        let of_shadow = self.subscriptions.lasting.iter().filter(|(_, subscription)| subscription.shadow == index);
        let ids: Vec<SubscriptionId> = of_shadow.map(|(id, _)| id.clone()).collect();
        for id in ids {
            self.drop_subscription(now, &id);
            self.update(id, SubscriptionUpdate::Failed { outcome: Outcome::Unavailable, retry_after: None });
        }
    }

    /// The server answered SubscribePresence-Request. What there is to see follows, or nothing does until somebody
    /// decides.
    pub(super) fn subscribed(&mut self, id: &SubscriptionId, answer: &Result<Primitive, Failure>) {
        let Some(subscription) = self.subscriptions.lasting.get(id) else { return };
        let outcome = match answer {
            Ok(primitive) => outcome_for(primitive.result(), &subscription.presentity),
            // The session is asked again when it stands again.
            Err(Failure::Unreached | Failure::Unanswered | Failure::Expired) => return,
            Err(failure) => outcome_of_failure(*failure),
        };
        if outcome == Outcome::Success {
            if subscription.document.is_none() {
                self.update(id.clone(), SubscriptionUpdate::Pending);
            }
            return;
        }
        let now = self.clock.now();
        self.drop_subscription(now, id);
        self.update(id.clone(), SubscriptionUpdate::Failed { outcome, retry_after: None });
    }

    /// The server answered GetPresence-Request.
    pub(super) fn looked(&mut self, now: Timestamp, id: &SubscriptionId, answer: Result<Primitive, Failure>) {
        let Some(presentity) = id.presentity() else { return };
        let update = match answer {
            Err(failure) => SubscriptionUpdate::Failed { outcome: outcome_of_failure(failure), retry_after: None },
            Ok(Primitive::GetPresenceResponse(response)) if response.result.code.is_success() => {
                let is_meant = |told: &Presentity| match told {
                    Presentity::User(user) => {
                        super::asked::neutral(user.as_str(), presentity.domain()).is_some_and(|user| user == presentity)
                    }
                    Presentity::ContactList(_) => false,
                };
                let found = response.presences.iter().find(|presence| is_meant(&presence.presentity));
                match found.filter(|presence| !presence.attributes.attributes.is_empty()) {
                    Some(presence) => {
                        SubscriptionUpdate::Active(Some(Box::new(ssp::from_sub_list(&presence.attributes, now))))
                    }
                    None => SubscriptionUpdate::Pending,
                }
            }
            Ok(primitive) => match outcome_for(primitive.result(), &presentity) {
                Outcome::Success => SubscriptionUpdate::Pending,
                outcome => SubscriptionUpdate::Failed { outcome, retry_after: None },
            },
        };
        self.update(id.clone(), update);
    }

    /// The server shows a user to a shadow.
    pub(super) fn shown(&mut self, now: Timestamp, index: usize, presentity: &Address, list: &PresenceSubList) {
        let Some(ids) = self.subscriptions.by_place.get(&(index, presentity.clone())).cloned() else { return };
        // Baraza tells those who may see nothing an empty list.
        if list.attributes.is_empty() {
            return;
        }
        let said = ssp::from_sub_list(list, now);
        for id in ids {
            let Some(subscription) = self.subscriptions.lasting.get_mut(&id) else { continue };
            let is_fresh = std::mem::take(&mut subscription.is_fresh);
            let document = match subscription.document.take() {
                Some(mut known) if !is_fresh => {
                    known.merge(said.clone());
                    known
                }
                Some(_) | None => said.clone(),
            };
            subscription.document = Some(document.clone());
            self.update(id, SubscriptionUpdate::Active(Some(Box::new(document))));
        }
    }

    fn update(&mut self, subscription: SubscriptionId, update: SubscriptionUpdate) {
        self.tell(EventKind::Subscription { subscription, update });
    }

    pub(super) fn reset_subscriptions(&mut self) {
        self.subscriptions = Subscriptions::default();
        self.shadows.iter_mut().for_each(|shadow| shadow.watching = 0);
    }
}

/// Users in one SubscribePresence-Request.
const SUBSCRIBED_AT_ONCE_MAX: usize = 50;
