//! Subscriptions of watchers of ours at peers, and first views of their watchers.

use super::{
    Federation,
    answer::outcome_of,
    command::{Purpose, service_of, until},
    execute::Pending,
};
use crate::wv::translate::{address, ssp as translate};
use mapping::{
    address::Address,
    event::{EventKind, SubscriptionId, SubscriptionUpdate},
    outcome::Outcome,
    presence::PresenceDocument,
    time::Timestamp,
};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};
use wv_proto::{
    presence_attribute::PresenceSubList,
    primitive::{identifier::UserId, party::User},
    ssp::{
        association::Request,
        part::MetaInfo,
        primitive::{GetPresenceRequest, Primitive, SubscribeRequest, UnsubscribeRequest},
    },
};

/// What the engine wants of peers, and what their watchers are owed.
#[derive(Default)]
pub(super) struct Subscriptions {
    lasting: HashMap<SubscriptionId, Subscription>,
    /// Watcher and presentity, and when the watcher is told that it sees nothing.
    owed: BTreeMap<(Address, Address), (Timestamp, String)>,
}

struct Subscription {
    watcher: Address,
    presentity: Address,
    /// What the peer has told so far.
    document: Option<PresenceDocument>,
}

impl Subscriptions {
    /// When the first watcher is to be told that it sees nothing.
    pub(super) fn first_due(&self) -> Option<Timestamp> {
        self.owed.values().map(|(due, _)| *due).min()
    }

    /// Those whose watcher and presentity are such.
    pub(super) fn matching(&self, is_such: impl Fn((&Address, &Address)) -> bool) -> Vec<SubscriptionId> {
        let such = self.lasting.iter().filter(|(_, known)| is_such((&known.watcher, &known.presentity)));
        such.map(|(id, _)| id.clone()).collect()
    }

    pub(super) fn forget(&mut self, id: &SubscriptionId) {
        self.lasting.remove(id);
    }

    /// Watchers of that domain are told nothing any more.
    pub(super) fn owe_nothing(&mut self, domain: &str) {
        self.owed.retain(|(watcher, _), _| watcher.domain() != domain);
    }

    pub(super) fn count(&self) -> usize {
        self.lasting.len()
    }
}

impl Federation {
    pub(super) fn open_subscription(
        &mut self,
        now: Timestamp,
        id: SubscriptionId,
        watcher: Address,
        presentity: Address,
        lasting: bool,
    ) {
        let meta = meta_of(&watcher);
        let users = vec![address::to_user_id(&presentity)];
        let (purpose, primitive) = if lasting {
            let subscription =
                Subscription { watcher: watcher.clone(), presentity: presentity.clone(), document: None };
            self.subscriptions.lasting.insert(id.clone(), subscription);
            let request = SubscribeRequest { meta, users, attributes: None };
            (Purpose::Subscribe(id), Primitive::SubscribeRequest(Box::new(request)))
        } else {
            let request = GetPresenceRequest { meta, users, attributes: None };
            (Purpose::Look(id), Primitive::GetPresenceRequest(Box::new(request)))
        };
        self.ask_peer(now, &watcher, &presentity, purpose, primitive, true);
    }

    fn ask_peer(
        &mut self,
        now: Timestamp,
        watcher: &Address,
        presentity: &Address,
        purpose: Purpose,
        primitive: Primitive,
        is_impatient: bool,
    ) {
        let (local, peer) = (watcher.domain().to_owned(), presentity.domain().to_owned());
        let request = Request {
            key: 0,
            name: None,
            line: Some(format!("watch {watcher} {presentity}").into()),
            replaces: false,
            is_kept: false,
            is_impatient,
            expires: until(now.after(REQUEST_LIFE)),
            primitive,
        };
        self.request(now, (&local, &peer), purpose, request);
    }

    pub(super) fn close_subscription(&mut self, now: Timestamp, id: &SubscriptionId) {
        let Some(Subscription { watcher, presentity, .. }) = self.subscriptions.lasting.remove(id) else { return };
        let request = UnsubscribeRequest { meta: meta_of(&watcher), users: vec![address::to_user_id(&presentity)] };
        let primitive = Primitive::UnsubscribeRequest(Box::new(request));
        self.ask_peer(now, &watcher, &presentity, Purpose::Tell, primitive, false);
    }

    /// The peer has lost the session, and perhaps what it was asked for.
    pub(super) fn subscribe_again(&mut self, now: Timestamp, index: usize) {
        let Some((local, peer)) = self.domains_of(index) else { return };
        let of_member = self.subscriptions.lasting.iter().filter(|(_, subscription)| {
            subscription.watcher.domain() == local && subscription.presentity.domain() == peer
        });
        let again: Vec<(SubscriptionId, Address, Address)> = of_member
            .map(|(id, subscription)| (id.clone(), subscription.watcher.clone(), subscription.presentity.clone()))
            .collect();
        for (id, watcher, presentity) in again {
            let users = vec![address::to_user_id(&presentity)];
            let request = SubscribeRequest { meta: meta_of(&watcher), users, attributes: None };
            let primitive = Primitive::SubscribeRequest(Box::new(request));
            self.ask_peer(now, &watcher, &presentity, Purpose::Subscribe(id), primitive, false);
        }
    }

    /// The peer answered a SubscribeRequest. It does not carry questions, so a watcher waits until it is shown something.
    pub(super) fn subscribed(&mut self, id: &SubscriptionId, answer: Option<&Primitive>) {
        let Some(subscription) = self.subscriptions.lasting.get(id) else { return };
        let outcome = outcome_of(answer, &subscription.presentity);
        if outcome == Outcome::Success {
            if subscription.document.is_none() {
                self.update(id.clone(), SubscriptionUpdate::Pending);
            }
        } else {
            self.subscriptions.lasting.remove(id);
            self.update(id.clone(), SubscriptionUpdate::Failed { outcome, retry_after: None });
        }
    }

    pub(super) fn subscription_failed(&mut self, id: &SubscriptionId, outcome: Outcome) {
        self.subscriptions.lasting.remove(id);
        self.update(id.clone(), SubscriptionUpdate::Failed { outcome, retry_after: None });
    }

    /// The peer answered a GetPresenceRequest. The known server shows nothing to somebody who may see nothing.
    pub(super) fn looked(&mut self, now: Timestamp, id: &SubscriptionId, answer: Option<Primitive>) {
        let Some(presentity) = id.presentity() else { return };
        let outcome = outcome_of(answer.as_ref(), &presentity);
        let update = match answer {
            _ if outcome != Outcome::Success => SubscriptionUpdate::Failed { outcome, retry_after: None },
            Some(Primitive::GetPresenceResponse(response)) => {
                let is_meant = |user: &UserId| {
                    address::to_neutral(user.as_str(), presentity.domain()).is_ok_and(|user| user == presentity)
                };
                let value = response.values.into_iter().find(|value| is_meant(&value.user_id));
                match value.and_then(|value| value.attributes) {
                    Some(list) => SubscriptionUpdate::Active(Some(Box::new(translate::from_sub_list(&list, now)))),
                    None => SubscriptionUpdate::Pending,
                }
            }
            _ => SubscriptionUpdate::Pending,
        };
        self.update(id.clone(), update);
    }

    /// A peer shows a user of its own to a watcher of ours.
    pub(super) fn shown(
        &mut self,
        now: Timestamp,
        watcher: &Address,
        presentity: &Address,
        list: Option<&PresenceSubList>,
    ) {
        let id = SubscriptionId::lasting(watcher, presentity);
        // What nobody watches any more is told until the peer has heard so.
        let Some(subscription) = self.subscriptions.lasting.get_mut(&id) else { return };
        let Some(list) = list.filter(|list| !list.attributes.is_empty()) else { return };
        let said = translate::from_sub_list(list, now);
        let document = match subscription.document.take() {
            // Who goes is told to be gone, and nothing else is said: nothing else holds.
            Some(_) | None if translate::is_offline(&said) => said,
            Some(mut known) => {
                known.merge(said);
                known
            }
            None => said,
        };
        subscription.document = Some(document.clone());
        self.update(id, SubscriptionUpdate::Active(Some(Box::new(document))));
    }

    fn update(&mut self, subscription: SubscriptionId, update: SubscriptionUpdate) {
        self.tell(EventKind::Subscription { subscription, update });
    }

    /// Each of these is told that it sees nothing, unless it is shown something before.
    // WV-SSP-14
    pub(super) fn owe_first_views(
        &mut self,
        now: Timestamp,
        index: usize,
        watcher: &Address,
        presentities: impl Iterator<Item = Address>,
    ) {
        let Some((local, _)) = self.domains_of(index) else { return };
        for presentity in presentities {
            let due = (now.after(FIRST_VIEW_WAIT), local.clone());
            self.subscriptions.owed.insert((watcher.clone(), presentity), due);
        }
        self.wake.notify_one();
    }

    pub(super) fn forget_first_views(&mut self, watcher: &Address, presentities: &[Address]) {
        for presentity in presentities {
            self.subscriptions.owed.remove(&(watcher.clone(), presentity.clone()));
        }
    }

    pub(super) fn tell_first_views(&mut self, now: Timestamp) {
        let due: Vec<(Address, Address, String)> = self
            .subscriptions
            .owed
            .iter()
            .filter(|(_, (due, _))| *due <= now)
            .map(|((watcher, presentity), (_, local))| (watcher.clone(), presentity.clone(), local.clone()))
            .collect();
        for (watcher, presentity, local) in due {
            self.forget_first_views(&watcher, std::slice::from_ref(&presentity));
            self.tell_presence(now, &local, &watcher, &presentity, Vec::new());
        }
    }

    /// Nobody waits for this answer.
    pub(super) fn drop_watches(&mut self, local: &str, watcher: &Address) {
        let (endpoint, operation) =
            (super::endpoint_of(local, watcher), mapping::event::Operation::Unwatch { targets: Vec::new() });
        self.ask(watcher.clone(), endpoint, operation, Pending::Nothing);
    }
}

pub(super) fn meta_of(user: &Address) -> MetaInfo {
    MetaInfo::of_user(service_of(user), User::from(address::to_user_id(user)))
}

/// How long a watcher waits for its first view: longer than the engine and the store take.
const FIRST_VIEW_WAIT: Duration = Duration::from_millis(150);

/// How long a request about presence is worth being made.
const REQUEST_LIFE: Duration = Duration::from_secs(120);
