//! The SIP user's presence at the WV server: what it shows of itself is the shadow's, and who asks to see it is told what
//! the SIP side decided.

use super::{Sidecar, answer::Pending, command::Purpose, shadow::Consent};
use crate::wv::translate::{address, presence as translate};
use mapping::{
    address::Address,
    command::Notification,
    engine::Engine,
    event::Operation,
    presence::{AttributeSet, PresenceDocument, PresenceView, Value},
    side::{Endpoint, Side},
    time::Timestamp,
    watcher::Decision,
};
use std::{collections::BTreeSet, sync::Arc};
use wv_proto::{
    primitive::{
        Primitive,
        function::Function,
        presence::{PresenceAuthUser, UpdatePresenceRequest},
        watcher::{GetWatcherListRequest, GetWatcherListResponse, WatcherStatus},
    },
    session::standing::Standing,
};

/// For what something watches a SIP user: the endpoint says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The account itself, to show at its server what the SIP user shows.
    Own(Address),
    /// A WV user, who asked the account.
    Watcher(Address),
}

impl Role {
    pub(super) fn endpoint(&self) -> Endpoint {
        match self {
            Self::Own(account) => Endpoint::new(Side::Wv, &format!("{ENDPOINT}own {account}")),
            Self::Watcher(account) => Endpoint::new(Side::Wv, &format!("{ENDPOINT}watcher {account}")),
        }
    }

    pub(super) fn of_endpoint(endpoint: &Endpoint) -> Option<Self> {
        let (role, account) = endpoint.id.strip_prefix(ENDPOINT)?.split_once(' ')?;
        let account = Address::parse(account).ok()?;
        match role {
            "own" => Some(Self::Own(account)),
            "watcher" => Some(Self::Watcher(account)),
            _ => None,
        }
    }
}

impl Sidecar {
    /// After a start: every account watches its SIP user, and nothing else watches that is none any more.
    pub(super) fn reconcile(&mut self, now: Timestamp, engine: &Engine) {
        self.current = self.correlation();
        self.retire_removed(now);
        let mut known: BTreeSet<Address> = BTreeSet::new();
        let mut gone: Vec<(Address, Endpoint)> = Vec::new();
        let mut unbound: Vec<(Address, Address)> = Vec::new();
        for row in engine.watches() {
            let Some(role) = Role::of_endpoint(&row.endpoint) else { continue };
            let (Role::Own(account) | Role::Watcher(account)) = &role;
            let found = self.by_account.get(account).copied();
            let found = found.filter(|index| !self.is_observing(*index));
            let shadow = found.and_then(|index| self.shadows.get_mut(index));
            match (shadow, role) {
                (Some(shadow), Role::Own(account)) if shadow.user == row.presentity => drop(known.insert(account)),
                (Some(shadow), Role::Watcher(_)) if shadow.user == row.presentity => {
                    shadow.watchers.entry(row.watcher).or_insert(Consent::Asked);
                }
                (_, Role::Own(account)) => {
                    unbound.push((row.presentity, account));
                    gone.push((row.watcher, row.endpoint));
                }
                (_, Role::Watcher(_)) => gone.push((row.watcher, row.endpoint)),
            }
        }
        for (presentity, account) in unbound {
            self.unbind(&account, &presentity);
        }
        for (watcher, endpoint) in gone {
            self.ask(watcher, endpoint, Operation::Unwatch { targets: Vec::new() }, Pending::Nothing);
        }
        for index in 0..self.shadows.len() {
            let Some(shadow) = self.shadows.get(index) else { continue };
            if shadow.is_retired {
                continue;
            }
            let (account, user, always_on) = (shadow.account.clone(), shadow.user.clone(), shadow.always_on);
            if !known.contains(&account) && !self.is_observing(index) {
                self.watch_own(&account, &user);
            }
            if always_on || self.is_observing(index) {
                self.need(now, index);
            }
            if engine.is_attended(&user) {
                self.attended(now, &user, true);
            }
        }
    }

    /// The account watches the SIP user for whom it stands. The user has nothing against it: it is its own.
    pub(super) fn watch_own(&mut self, account: &Address, user: &Address) {
        let endpoint = Role::Own(account.clone()).endpoint();
        if self.settings.domains.is_hosted(user) {
            let (watcher, decision, attributes) = (account.clone(), Decision::Allow, AttributeSet::ALL);
            let operation = Operation::Authorize { watcher, decision, attributes };
            self.ask(user.clone(), endpoint.clone(), operation, Pending::Nothing);
        }
        let (targets, attributes) = (vec![user.clone()], AttributeSet::ALL);
        let operation = Operation::Watch { targets, attributes, auto_subscribe: false };
        self.ask(account.clone(), endpoint, operation, Pending::Nothing);
    }

    /// The account stands for the SIP user no more, and has nothing to see of it.
    fn unbind(&mut self, account: &Address, user: &Address) {
        if self.settings.domains.is_hosted(user) {
            let operation = Operation::CancelAuthorization { watcher: account.clone() };
            self.ask(user.clone(), Role::Own(account.clone()).endpoint(), operation, Pending::Nothing);
        }
    }

    /// What the SIP user shows of itself.
    pub(super) fn own_shown(&mut self, now: Timestamp, account: &Address, view: Option<&PresenceView>) {
        let Some(index) = self.by_account.get(account).copied() else { return };
        let Some(shadow) = self.shadows.get_mut(index) else { return };
        let document = view.map(|view| Arc::clone(&view.document));
        let before = std::mem::replace(&mut shadow.shown, document.clone());
        shadow.is_present = document.as_ref().is_some_and(|document| is_there(document));
        let standing = shadow.session.standing();
        if shadow.is_present {
            self.need(now, index);
        }
        // What nobody has seen yet is told when the session stands.
        if standing == Standing::Open && before != document {
            self.publish(now, index);
        }
        self.schedule(now, index);
    }

    /// A session stands: the server hears what the SIP user shows.
    pub(super) fn publish_again(&mut self, now: Timestamp, index: usize) {
        self.publish(now, index);
        let Some(shadow) = self.shadows.get_mut(index) else { return };
        let told: Vec<(Address, Consent)> =
            shadow.watchers.iter().map(|(watcher, consent)| (watcher.clone(), *consent)).collect();
        for (watcher, consent) in told {
            // It may have been said in a session that was lost before the server heard it.
            if consent != Consent::Asked {
                self.tell_consent(now, index, &watcher, consent);
            }
        }
        if self.may(index, Function::Getwl) && self.shadows.get(index).is_some_and(|shadow| !shadow.watchers.is_empty())
        {
            let request = Primitive::GetWatcherListRequest(GetWatcherListRequest::default());
            self.ask_server(now, index, Purpose::Watchers, request);
        }
    }

    fn publish(&mut self, now: Timestamp, index: usize) {
        let Some(shadow) = self.shadows.get(index) else { return };
        let Some(document) = shadow.shown.clone().filter(|_| self.may(index, Function::Updpr)) else { return };
        let Some(version) = self.settings.peers.get(shadow.peer).map(|peer| peer.session.version) else { return };
        let view = PresenceView { document, attributes: AttributeSet::ALL, changed: AttributeSet::ALL };
        let attributes = translate::to_sub_list(&view, version);
        let request = Primitive::UpdatePresenceRequest(UpdatePresenceRequest { attributes });
        self.ask_server(now, index, Purpose::Tell, request);
    }

    /// A WV user asks to see the SIP user: it watches it, and what comes of that is its answer.
    pub(super) fn start_consent(
        &mut self,
        now: Timestamp,
        index: usize,
        watcher: Address,
        attributes: AttributeSet,
        ticket: Option<u64>,
    ) {
        let Some(shadow) = self.shadows.get_mut(index) else { return };
        let (user, account) = (shadow.user.clone(), shadow.account.clone());
        let before = shadow.watchers.get(&watcher).copied();
        if shadow.watchers.len() >= WATCHERS_MAX && before.is_none() {
            shadow.watchers.pop_first();
        }
        match before {
            // It is decided; the server did not hear it.
            Some(consent @ (Consent::Given | Consent::Refused)) => self.tell_consent(now, index, &watcher, consent),
            Some(Consent::Asked) | None => drop(shadow.watchers.insert(watcher.clone(), Consent::Asked)),
        }
        let operation = Operation::Watch { targets: vec![user], attributes, auto_subscribe: false };
        let pending = Pending::Watch { shadow: index, watcher: watcher.clone(), ticket };
        self.ask(watcher, Role::Watcher(account).endpoint(), operation, pending);
    }

    /// What the SIP side lets a WV user see says what it decided.
    pub(super) fn consent_shown(&mut self, now: Timestamp, account: &Address, notification: &Notification) {
        let Some(index) = self.by_account.get(account).copied() else { return };
        let is_seen = notification.view.as_ref().is_some_and(|view| *view.document != PresenceDocument::default());
        if notification.is_refused {
            self.consent(now, index, &notification.watcher, Consent::Refused);
        } else if is_seen {
            self.consent(now, index, &notification.watcher, Consent::Given);
        }
    }

    /// The SIP side decided about a WV user.
    pub(super) fn consent(&mut self, now: Timestamp, index: usize, watcher: &Address, consent: Consent) {
        let Some(shadow) = self.shadows.get_mut(index) else { return };
        if shadow.watchers.insert(watcher.clone(), consent) != Some(consent) {
            self.tell_consent(now, index, watcher, consent);
        }
    }

    fn tell_consent(&mut self, now: Timestamp, index: usize, watcher: &Address, consent: Consent) {
        let (user_id, acceptance) = (address::to_user_id(watcher), consent == Consent::Given);
        let request = PresenceAuthUser { user_id, acceptance, attributes: None };
        self.ask_server(now, index, Purpose::Tell, Primitive::PresenceAuthUser(request));
    }

    /// Who watches the shadow: who is said to have stopped need not watch the SIP user.
    pub(super) fn watchers_listed(&mut self, index: usize, list: &GetWatcherListResponse) {
        let Some(shadow) = self.shadows.get_mut(index) else { return };
        let (account, domain) = (shadow.account.clone(), shadow.account.domain().to_owned());
        // Only who is named: an allowed watcher may come back, and what it may see is looked after all the while.
        let has_stopped = |status: &Option<WatcherStatus>| *status == Some(WatcherStatus::FormerSubscriber);
        let gone: Vec<Address> = list
            .watchers
            .iter()
            .filter(|watcher| has_stopped(&watcher.status))
            .filter_map(|watcher| super::asked::neutral(watcher.user.user_id.as_str(), &domain))
            .filter(|watcher| shadow.watchers.contains_key(watcher))
            .collect();
        for watcher in gone {
            if let Some(shadow) = self.shadows.get_mut(index) {
                shadow.watchers.remove(&watcher);
            }
            let endpoint = Role::Watcher(account.clone()).endpoint();
            self.ask(watcher, endpoint, Operation::Unwatch { targets: Vec::new() }, Pending::Nothing);
        }
    }
}

/// Whether the document says that its user is there.
fn is_there(document: &PresenceDocument) -> bool {
    document.devices.iter().any(|device| device.online == Value::Known(true))
}

/// What the endpoints of shadows begin with; no session of a phone does.
pub(super) const ENDPOINT: &str = "csp ";

/// WV users who asked about one SIP user.
const WATCHERS_MAX: usize = 1000;
