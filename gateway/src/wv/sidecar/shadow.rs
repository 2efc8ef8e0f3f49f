//! The accounts: who needs them, when they log in, and what becomes of their sessions.

use super::{Peer, ShadowRow, Sidecar, to_wv};
use crate::{
    account::{AccountUser, Secret},
    wv::translate::address,
};
use mapping::{address::Address, presence::PresenceDocument, time::Timestamp};
use std::{collections::BTreeMap, sync::Arc};
use wv_proto::{
    primitive::identifier::{ClientId, Password, SessionCookie},
    session::standing::{
        Channel, Command as SessionCommand, Event as SessionEvent, Standing, StandingAccount, StandingSession,
    },
    status::StatusCode,
};

/// An account and its session.
pub(super) struct Shadow {
    /// The SIP user.
    pub(super) user: Address,
    /// The account.
    pub(super) account: Address,
    /// The place of its server.
    pub(super) peer: usize,
    pub(super) session: Box<StandingSession>,
    pub(super) channel: Option<super::channel::Channel>,
    pub(super) password: Secret,
    pub(super) origin: Origin,
    /// Whether it is none any more.
    pub(super) is_retired: bool,
    pub(super) always_on: bool,
    pub(super) public_view: bool,
    /// What the SIP user shows of itself.
    pub(super) shown: Option<Arc<PresenceDocument>>,
    /// Whether the SIP user shows that it is there.
    pub(super) is_present: bool,
    /// Whether the SIP user can be reached here.
    pub(super) is_registered: bool,
    /// Lasting subscriptions in its session.
    pub(super) watching: usize,
    /// WV users who asked to see the SIP user, and whether they were told yes.
    pub(super) watchers: BTreeMap<Address, Consent>,
    /// When nobody needed it any more.
    idle_since: Option<Timestamp>,
    /// Under which time it stands among those that are due.
    due: Option<Timestamp>,
    /// How its last login went.
    pub(super) last_code: Option<StatusCode>,
}

/// Where an account is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Configuration,
    Store,
}

/// What a WV user was told about seeing the SIP user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consent {
    Asked,
    Given,
    Refused,
}

impl Sidecar {
    /// One more account, unless there is one of that name: what the configuration says comes first.
    pub(super) fn add_shadow(&mut self, row: ShadowRow, origin: Origin) {
        if self.by_account.contains_key(&row.account) {
            return;
        }
        let Some(peer) = self.settings.peer_of(row.account.domain()) else { return };
        let Some(settings) = self.settings.peers.get(peer).map(|peer| Arc::clone(&peer.session)) else { return };
        let index = self.shadows.len();
        let session = Box::new(StandingSession::new(settings, self.standing_account(&row, index)));
        self.by_account.insert(row.account.clone(), index);
        self.by_user.insert((row.user.clone(), peer), index);
        self.shadows.push(Shadow {
            user: row.user,
            account: row.account,
            peer,
            session,
            channel: None,
            password: row.password,
            origin,
            is_retired: false,
            always_on: row.always_on,
            public_view: row.public_view,
            shown: None,
            is_present: false,
            is_registered: false,
            watching: 0,
            watchers: BTreeMap::new(),
            idle_since: None,
            due: None,
            last_code: None,
        });
    }

    pub(super) fn standing_account(&self, row: &ShadowRow, index: usize) -> StandingAccount {
        StandingAccount {
            user_id: address::to_user_id(&row.account),
            client_id: ClientId::from_url(format!("http://{}/iwf/{}", row.account.domain(), self.settings.node)),
            session_cookie: SessionCookie::new(format!("{}-{index}", self.settings.node)),
            password: Password::new(row.password.reveal()),
        }
    }

    /// The shadow of a SIP user at a server.
    pub(super) fn shadow_of(&self, user: &Address, domain: &str) -> Option<usize> {
        let peer = self.settings.peer_of(domain)?;
        self.by_user.get(&(user.clone(), peer)).or_else(|| self.by_account.get(user)).copied()
    }

    /// The shadow in whose session a watcher sees; one without an account sees what everybody may.
    pub(super) fn view_of(&self, watcher: &Address, domain: &str) -> Option<usize> {
        let own = self.shadow_of(watcher, domain);
        own.or_else(|| {
            let peer = self.settings.peer_of(domain)?;
            self.shadows.iter().position(|shadow| shadow.public_view && shadow.peer == peer)
        })
    }

    /// Somebody needs the session.
    pub(super) fn need(&mut self, now: Timestamp, index: usize) {
        if self.is_leaving || self.is_retired(index) {
            return;
        }
        self.look_up_password(now, index);
        if let Some(shadow) = self.shadows.get_mut(index) {
            shadow.idle_since = None;
            if !shadow.session.is_wanted() {
                shadow.session.handle(to_wv(now), SessionEvent::Want);
                self.drive(now, index);
            }
        }
    }

    /// Looks whether anybody needs the session, and when to look again.
    pub(super) fn schedule(&mut self, now: Timestamp, index: usize) {
        let linger = self.settings.linger;
        let Some(shadow) = self.shadows.get_mut(index) else { return };
        let is_there = shadow.is_present || shadow.is_registered;
        let is_needed = shadow.always_on || is_there || shadow.watching > 0 || shadow.session.waiting() > 0;
        shadow.idle_since = match shadow.idle_since {
            _ if is_needed || !shadow.session.is_wanted() => None,
            Some(since) => Some(since),
            None => Some(now),
        };
        let over = shadow.idle_since.map(|since| since.after(linger));
        let own = shadow.session.deadline().map(|at| Timestamp::from_millis(at.as_millis()));
        let channel = shadow.channel.as_ref().and_then(super::channel::Channel::deadline);
        let due = over.into_iter().chain(own).chain(channel).min();
        if shadow.due != due {
            if let Some(before) = shadow.due {
                self.due.remove(&(before, index));
            }
            shadow.due = due;
            self.due.extend(due.map(|due| (due, index)));
        }
    }

    pub(super) fn opened(&mut self, now: Timestamp, index: usize, channel: &Channel) {
        let Some(shadow) = self.shadows.get_mut(index) else { return };
        shadow.last_code = Some(StatusCode::SUCCESS);
        tracing::debug!(side = "wv", account = %shadow.account, ?channel, "shadow session opened");
        self.open_channel(now, index, channel);
        self.subscribe_again(now, index);
        self.publish_again(now, index);
    }

    pub(super) fn session_news(&mut self, now: Timestamp, index: usize, news: &SessionCommand) {
        let Some(shadow) = self.shadows.get_mut(index) else { return };
        let account = shadow.account.clone();
        shadow.channel = None;
        match news {
            SessionCommand::Fallen(code) => {
                shadow.last_code = Some(*code);
                tracing::debug!(side = "wv", %account, code = code.number(), "shadow session lost");
            }
            SessionCommand::LoginFailed(code) => {
                shadow.last_code = *code;
                let code = code.map_or(0, StatusCode::number);
                tracing::debug!(side = "wv", %account, code, "shadow login failed; it is tried again");
            }
            SessionCommand::Barred(code) => {
                shadow.last_code = Some(*code);
                // For operators: nobody but a person can help.
                tracing::warn!(side = "wv", %account, code = code.number(), "shadow account given up");
                self.watches_barred(now, index);
            }
            SessionCommand::Left => tracing::debug!(side = "wv", %account, "shadow session closed"),
            _ => {}
        }
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let entries = self.peers.iter().filter(|peer| !peer.entering.is_empty()).map(|peer| peer.next_entry);
        let probes = self.peers.iter().filter_map(Peer::next_probe);
        entries.chain(probes).chain(self.due.first().map(|(at, _)| *at)).min()
    }

    pub(super) fn expire(&mut self, now: Timestamp) {
        self.current = self.correlation();
        for peer in 0..self.peers.len() {
            self.let_in(now, peer);
        }
        self.probe(now);
        let due: Vec<usize> = self.due.iter().take_while(|(at, _)| *at <= now).map(|(_, index)| *index).collect();
        for index in due {
            self.current = self.correlation();
            let Some(shadow) = self.shadows.get_mut(index) else { continue };
            let linger = self.settings.linger;
            if shadow.idle_since.is_some_and(|since| since.after(linger) <= now) {
                shadow.idle_since = None;
                shadow.session.handle(to_wv(now), SessionEvent::Leave);
            } else {
                shadow.session.expire(to_wv(now));
            }
            self.drive(now, index);
            self.expire_channel(now, index);
            self.schedule(now, index);
        }
    }

    /// The process ends: every account is logged out.
    pub(super) fn leave(&mut self, now: Timestamp) {
        if std::mem::replace(&mut self.is_leaving, true) {
            return;
        }
        self.current = self.correlation();
        for index in 0..self.shadows.len() {
            self.turn(now, index, SessionEvent::Leave);
        }
    }

    /// Accounts that are not logged out yet.
    pub(super) fn staying(&self) -> usize {
        let is_in = |shadow: &&Shadow| !matches!(shadow.session.standing(), Standing::Out | Standing::Barred(_));
        self.shadows.iter().filter(is_in).count()
    }

    /// A SIP user came or went at the registrar.
    pub(super) fn attended(&mut self, now: Timestamp, user: &Address, is_there: bool) {
        for peer in 0..self.peers.len() {
            let Some(index) = self.by_user.get(&(user.clone(), peer)).copied() else { continue };
            if self.is_observing(index) {
                continue;
            }
            if let Some(shadow) = self.shadows.get_mut(index) {
                shadow.is_registered = is_there;
            }
            if is_there {
                self.need(now, index);
            }
            self.schedule(now, index);
        }
    }

    /// The shadow that an account of the store is, if it is one.
    pub(super) fn stored_shadow(&self, account: &Address) -> Option<ShadowRow> {
        let known = self.accounts.find(account)?;
        let user = AccountUser::parse(known.person.shadow_of.as_deref()?).ok()?;
        Some(ShadowRow {
            user: user.address().clone(),
            account: account.clone(),
            password: known.credential.clear()?.clone(),
            always_on: false,
            public_view: false,
        })
    }

    /// The shadows among the accounts of the store.
    pub(super) fn stored_shadows(&self) -> Vec<ShadowRow> {
        self.accounts.users().iter().filter_map(|account| self.stored_shadow(account)).collect()
    }

    /// An account of the store may have got another password; with that it is tried again.
    pub(super) fn look_up_password(&mut self, now: Timestamp, index: usize) {
        let Some(shadow) = self.shadows.get(index).filter(|shadow| shadow.origin == Origin::Store) else { return };
        if let Some(row) = self.stored_shadow(&shadow.account) {
            self.change_password(now, index, &row);
        }
    }

    /// Takes another password, if it is another, and tries the account again with it.
    pub(super) fn change_password(&mut self, now: Timestamp, index: usize, row: &ShadowRow) {
        let standing = self.standing_account(row, index);
        let Some(shadow) = self.shadows.get_mut(index).filter(|shadow| shadow.password != row.password) else { return };
        shadow.password = row.password.clone();
        shadow.session.replace_account(standing);
        self.turn(now, index, SessionEvent::Release);
    }
}
