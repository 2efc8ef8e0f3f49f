//! Accounts that come, go and change while the gateway runs.

use super::{
    SessionEvent, ShadowRow, Sidecar,
    shadow::{Origin, Shadow},
};
use crate::lane::Neighbourhood;
use mapping::{address::Address, engine::Engine, event::EventKind, time::Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// For whom a server has another word than before, by the place of the server; where nobody is named, for everybody.
#[derive(Default)]
pub(super) struct Admissions(BTreeMap<usize, Option<BTreeSet<Address>>>);

impl Admissions {
    fn add(&mut self, peer: usize, user: Address) {
        if let Some(users) = self.0.entry(peer).or_insert_with(|| Some(BTreeSet::new())) {
            users.insert(user);
        }
    }

    fn add_everybody(&mut self, peer: usize) {
        self.0.insert(peer, None);
    }
}

impl Sidecar {
    /// From now on these are the accounts of the configuration. Nothing happens to those that stay.
    pub(super) fn reroute(&mut self, now: Timestamp, neighbourhood: &Neighbourhood, engine: &Engine) {
        self.settings.domains = neighbourhood.routing.domains.clone();
        self.current = self.correlation();
        let mut admissions = Admissions::default();
        let rows: HashMap<&Address, &ShadowRow> = neighbourhood.shadows.iter().map(|row| (&row.account, row)).collect();
        self.retire_those(now, &mut admissions, |shadow| match rows.get(&shadow.account) {
            Some(row) => row.user != shadow.user,
            None => shadow.origin == Origin::Configuration,
        });
        for row in &neighbourhood.shadows {
            match self.by_account.get(&row.account).copied() {
                Some(index) => self.change(now, index, row, &mut admissions),
                None => self.enrol(now, row.clone(), Origin::Configuration, &mut admissions),
            }
        }
        // The store may know what the configuration knows no more.
        for row in self.stored_shadows() {
            self.enrol(now, row, Origin::Store, &mut admissions);
        }
        self.admit(now, admissions);
        self.reconcile(now, engine);
    }

    /// Accounts of the store are new, or are told of once more.
    pub(super) fn accounts_added(&mut self, now: Timestamp, accounts: &[Address], engine: &Engine) {
        self.current = self.correlation();
        let mut admissions = Admissions::default();
        for account in accounts {
            let Some(row) = self.stored_shadow(account) else { continue };
            if let Some(index) = self.by_account.get(account).copied() {
                self.look_up_password(now, index);
                continue;
            }
            let user = row.user.clone();
            self.enrol(now, row, Origin::Store, &mut admissions);
            self.watch_own(account, &user);
            if engine.is_attended(&user) {
                self.attended(now, &user, true);
            }
        }
        self.admit(now, admissions);
    }

    /// Accounts of the store that are no more are logged out and forgotten.
    pub(super) fn retire_removed(&mut self, now: Timestamp) {
        let (mut admissions, accounts) = (Admissions::default(), self.accounts.clone());
        self.retire_those(now, &mut admissions, |shadow| {
            shadow.origin == Origin::Store && !accounts.has(&shadow.account)
        });
        self.admit(now, admissions);
    }

    pub(super) fn is_retired(&self, index: usize) -> bool {
        self.shadows.get(index).is_none_or(|shadow| shadow.is_retired)
    }

    fn retire_those(&mut self, now: Timestamp, admissions: &mut Admissions, is_gone: impl Fn(&Shadow) -> bool) {
        for index in 0..self.shadows.len() {
            if self.shadows.get(index).is_some_and(|shadow| !shadow.is_retired && is_gone(shadow)) {
                self.retire(now, index, admissions);
            }
        }
    }

    /// An account is none any more: it is logged out.
    fn retire(&mut self, now: Timestamp, index: usize, admissions: &mut Admissions) {
        let Some(shadow) = self.shadows.get_mut(index) else { return };
        shadow.is_retired = true;
        (shadow.always_on, shadow.public_view) = (false, false);
        (shadow.is_present, shadow.is_registered, shadow.shown) = (false, false, None);
        shadow.watchers.clear();
        let (account, user, peer) = (shadow.account.clone(), shadow.user.clone(), shadow.peer);
        tracing::debug!(side = "wv", %account, "shadow removed");
        self.by_account.remove(&account);
        let place = (user.clone(), peer);
        if self.by_user.get(&place) == Some(&index) {
            self.by_user.remove(&place);
        }
        self.retired.insert(account, index);
        admissions.add(peer, user);
        self.turn(now, index, SessionEvent::Leave);
        self.turn(now, index, SessionEvent::Release);
    }

    /// One more account while the gateway runs.
    fn enrol(&mut self, now: Timestamp, row: ShadowRow, origin: Origin, admissions: &mut Admissions) {
        if self.by_account.contains_key(&row.account) {
            return;
        }
        let (user, account, is_public) = (row.user.clone(), row.account.clone(), row.public_view);
        match self.retired.remove(&account) {
            Some(index) => self.revive(now, index, row, origin),
            None => self.add_shadow(row, origin),
        }
        let Some(shadow) = self.by_account.get(&account).and_then(|index| self.shadows.get(*index)) else { return };
        tracing::debug!(side = "wv", %account, "shadow added");
        admissions.add(shadow.peer, user);
        if is_public {
            admissions.add_everybody(shadow.peer);
        }
    }

    /// An account that was removed is back, perhaps for somebody else.
    fn revive(&mut self, now: Timestamp, index: usize, row: ShadowRow, origin: Origin) {
        let standing = self.standing_account(&row, index);
        let Some(shadow) = self.shadows.get_mut(index) else { return };
        (shadow.is_retired, shadow.origin) = (false, origin);
        (shadow.always_on, shadow.public_view) = (row.always_on, row.public_view);
        (shadow.user, shadow.password) = (row.user.clone(), row.password);
        shadow.watchers.clear();
        shadow.session.replace_account(standing);
        self.by_account.insert(row.account, index);
        self.by_user.insert((row.user, shadow.peer), index);
        self.turn(now, index, SessionEvent::Release);
    }

    /// The row of an account may say something else.
    fn change(&mut self, now: Timestamp, index: usize, row: &ShadowRow, admissions: &mut Admissions) {
        let Some(shadow) = self.shadows.get_mut(index) else { return };
        (shadow.origin, shadow.always_on) = (Origin::Configuration, row.always_on);
        match (std::mem::replace(&mut shadow.public_view, row.public_view), row.public_view) {
            (false, true) => admissions.add_everybody(shadow.peer),
            (true, false) => admissions.add(shadow.peer, row.user.clone()),
            (true, true) | (false, false) => {}
        }
        self.change_password(now, index, row);
        self.schedule(now, index);
    }

    /// Who was refused and may be no more, and who waits, is tried again; who watched through an account that is not for
    /// it any more watches through another or is told.
    fn admit(&mut self, now: Timestamp, admissions: Admissions) {
        if admissions.0.is_empty() {
            return;
        }
        for (peer, users) in admissions.0 {
            if let Some(peer) = self.settings.peers.get(peer).map(|peer| peer.name.clone()) {
                self.tell(EventKind::Admission { peer, users: users.unwrap_or_default() });
            }
        }
        self.reseat(now);
    }
}
