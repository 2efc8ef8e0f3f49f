//! Building the sessions, and taking up what was kept.

use super::{Entry, SESSION, Sessions, SubscriberBackend, execute::Pending, to_wv, user_of, wake::SOURCE};
use crate::{
    account::{AccountBook, Directory},
    entropy::Entropy,
    lane::Clock,
    observe::{Tap, metric},
    quick_hash::QuickMap,
    store::WireRecord,
    wv::{cir::CirOutlet, translate::content},
};
use mapping::{
    address::Address,
    correlation::Correlation,
    engine::Engine,
    event::{Attachment, DetachReason, Operation, Reception},
    presence::DeviceId,
    route::DomainTable,
    side::Side,
    time::Timestamp,
};
use std::{
    collections::{BTreeSet, HashMap},
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use tokio::sync::Notify;
use wv_proto::{
    primitive::{
        function::{Function, FunctionSet},
        identifier::SessionId,
    },
    session::{
        closed::ClosedSessions,
        login::{LoginMachine, LoginPolicy, MultiSession, SameClient},
        negotiation::{Negotiated, Offer},
        poll::Epoch,
        server::{ServerSession, SessionPolicy},
    },
    snapshot,
    version::Version,
};

/// What does not change.
#[derive(Clone, Debug)]
pub struct WvSettings {
    /// The lane's number, which begins the ids of its sessions.
    pub lane: u32,
    /// Domain of addresses without one.
    pub domain_default: String,
    /// The domain table.
    pub domains: DomainTable,
    /// Limits and offer of sessions.
    pub session_policy: Arc<SessionPolicy>,
    /// Counts the starts of the process: server-initiated transactions are never numbered alike (WV-TRX-04).
    pub epoch: Epoch,
    /// Lifetime of messages whose sender names none.
    pub validity_default: Duration,
    /// Largest content of a message in octets.
    pub content_octets_max: usize,
    /// Logins per minute and source address.
    pub logins_per_minute_per_source: u32,
    /// Sessions of one user at once, each of another client.
    pub sessions_per_user_max: usize,
    /// What becomes of the older session when the same client logs in again.
    pub same_client: SameClient,
    /// Who runs this server.
    pub provider: Provider,
}

/// What the sessions need from their surroundings.
pub struct WvParts {
    /// What does not change.
    pub settings: WvSettings,
    /// The process's clock.
    pub clock: Clock,
    /// Who exists.
    pub accounts: AccountBook,
    /// What users tell everybody; one for all lanes.
    pub directory: Directory,
    /// The lane's bell.
    pub wake: Rc<Notify>,
    /// Where messages are watched.
    pub tap: Tap,
    /// What wake-ups leave by that need no connection.
    pub outlet: CirOutlet,
    /// A random start for correlations.
    pub randomness: u64,
    /// Where nonces and session ids come from.
    pub entropy: Entropy,
}

/// What GetSPInfo tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provider {
    /// Name.
    pub name: Box<str>,
    /// Description.
    pub description: Option<Box<str>>,
    /// Where to read more.
    pub url: Option<Box<str>>,
    /// Where maps are, with `{latitude}` and `{longitude}` in it.
    pub map_url: Option<Box<str>>,
}

impl WvSettings {
    /// Whether the user's home is here, on this side.
    pub(super) fn is_hosted(&self, user: &Address) -> bool {
        self.domains.find(user).is_some_and(|row| row.side == Side::Wv && row.route == mapping::route::Route::Hosted)
    }
}

/// The functions that are built: the others are refused in the negotiation and answered 405 or 501.
#[must_use]
pub fn offered_functions() -> FunctionSet {
    const BUILT: &[Function] = &[
        Function::Getspi,
        Function::Srch,
        Function::Advsr,
        Function::Stsrc,
        Function::Vrid,
        Function::Gcli,
        Function::Ccli,
        Function::Dcli,
        Function::Mcls,
        Function::Getwl,
        Function::React,
        Function::Caaut,
        Function::Getaut,
        Function::Getpr,
        Function::Updpr,
        Function::Cali,
        Function::Dali,
        Function::Gals,
        Function::Sgmnt,
        Function::Mdeliv,
        Function::Fwmsg,
        Function::Setd,
        Function::Getlm,
        Function::Getm,
        Function::Rejcm,
        Function::Notif,
        Function::Newm,
        Function::Glblu,
        Function::Blent,
        Function::Invit,
        Function::Cainv,
        Function::Creag,
        Function::Delgr,
        Function::Getgp,
        Function::Setgp,
        Function::Subgcn,
        Function::Grchn,
        Function::Excon,
        Function::Getgm,
        Function::Addgm,
        Function::Rmvgm,
        Function::Mbrac,
        Function::Rejec,
        Function::Getju,
    ];
    let mut offered = FunctionSet::NONE;
    BUILT.iter().for_each(|function| offered.insert(*function));
    offered
}

impl Sessions {
    pub(super) fn new(parts: WvParts) -> Self {
        let policy = &parts.settings.session_policy;
        let logins = LoginMachine::new(LoginPolicy {
            limits: policy.limits.clone(),
            offer: policy.offer.clone(),
            multi_session: match parts.settings.sessions_per_user_max {
                0 | 1 => MultiSession::Single,
                // The session that is to be opened counts, too.
                most => MultiSession::Allowed(most),
            },
            same_client: parts.settings.same_client,
        });
        Self {
            logins,
            entries: QuickMap::default(),
            by_user: HashMap::new(),
            closed: ClosedSessions::default(),
            deadlines: BTreeSet::new(),
            waiting: QuickMap::default(),
            notes: QuickMap::default(),
            back_off: super::back_off::BackOff::default(),
            subscribers: SubscriberBackend::default(),
            pending: QuickMap::default(),
            held: QuickMap::default(),
            notices: QuickMap::default(),
            notice_number: 0,
            searches: QuickMap::default(),
            directory: parts.directory,
            login_budget: HashMap::new(),
            outlet: parts.outlet,
            plain_text: super::plain_text::PlainText::default(),
            tokens: HashMap::new(),
            sources: HashMap::new(),
            request_seconds: metric::request_seconds(Side::Wv),
            next_number: 0,
            kinds: Vec::new(),
            current: Correlation::new(parts.randomness),
            randomness: parts.randomness,
            entropy: parts.entropy,
            inputs: Vec::new(),
            own: None,
            settings: parts.settings,
            clock: parts.clock,
            accounts: parts.accounts,
            wake: parts.wake,
            tap: parts.tap,
        }
    }

    /// Takes up a kept session. What cannot be read is logged and left behind: its client hears 604 and logs in anew.
    pub(super) fn restore(&mut self, now: Timestamp, record: &WireRecord) {
        match record.kind.as_ref() {
            SOURCE => return self.restore_source(record),
            super::execute::service::PROFILE => return self.restore_profile(record),
            super::notice::NOTICES => return self.restore_notices(record),
            _ => {}
        }
        let Some(body) = record.body.as_ref().filter(|_| record.kind.as_ref() == SESSION) else { return };
        let policy = Arc::clone(&self.settings.session_policy);
        match snapshot::restore(to_wv(now), policy, self.settings.epoch, body) {
            Ok(machine) => self.take_up(machine),
            Err(error) => tracing::warn!(side = "wv", session = %record.key, %error, "session not restored"),
        }
    }

    fn take_up(&mut self, machine: ServerSession) {
        let id = machine.party().session_id.clone();
        let user = user_of(&machine.party().user_id, &self.settings.domain_default);
        let Some(user) = user.filter(|user| self.accounts.has(user)) else {
            // The account is no more, or the domain is not served any more.
            let owner = Arc::from(machine.party().user_id.as_str());
            return self.record(SESSION, &id, owner, None);
        };
        self.add_for_user(&user, &id);
        let mut entry = Entry::new(machine, user);
        entry.is_receiving = true;
        if let Some((source, plain)) = self.sources.remove(&id) {
            (entry.source, entry.plain, entry.is_source_kept) = (Some(source), plain, true);
        }
        self.entries.insert(id.clone(), Box::new(entry));
        self.offer_token(&id);
        self.schedule(&id);
    }

    /// One session for each user is the rule.
    pub(super) fn add_for_user(&mut self, user: &Address, id: &SessionId) {
        let sessions = self.by_user.entry(user.clone()).or_insert_with(|| Vec::with_capacity(1));
        sessions.push(id.clone());
    }

    /// Starts anew from what was kept, because a batch was lost. Who waited has been refused.
    pub(super) fn reload(&mut self, now: Timestamp, kept: &[&WireRecord]) {
        for entry in self.entries.values_mut() {
            if let Some(link) = entry.link.take() {
                link.release(to_wv(now));
            }
        }
        // WV-TRX-04: what the lost machines sent was numbered in their epoch, and nothing of that need be kept.
        self.settings.epoch = Epoch::new(self.settings.epoch.number().saturating_add(1));
        self.entries.clear();
        self.tokens.clear();
        self.by_user.clear();
        self.notices.clear();
        self.deadlines.clear();
        kept.iter().for_each(|record| self.restore(now, record));
    }

    /// Ends all sessions of a user.
    pub(super) fn dismiss(&mut self, now: Timestamp, user: &Address) {
        for id in self.by_user.get(user).cloned().unwrap_or_default() {
            // Nobody inherits what waits in it.
            drop(self.replace(now, &id));
        }
    }

    /// Ends sessions of users that are no more and attachments of sessions that are no more, and attaches the sessions that
    /// the engine does not know.
    pub(super) fn reconcile(&mut self, now: Timestamp, engine: &Engine) {
        self.current = self.correlation();
        self.bury_sources();
        let strangers: BTreeSet<Address> =
            self.by_user.keys().filter(|user| !self.accounts.has(user)).cloned().collect();
        for user in strangers {
            self.dismiss(now, &user);
        }
        let mut orphans: Vec<(Address, SessionId)> = Vec::new();
        for row in engine.attachments().filter(|row| row.endpoint.side == Side::Wv) {
            let id = SessionId::new(row.endpoint.id);
            match self.entries.get_mut(&id) {
                Some(entry) if entry.user == row.user => entry.is_attached = true,
                Some(_) | None => orphans.push((row.user, id)),
            }
        }
        for (user, id) in orphans {
            tracing::info!(side = "wv", session = %id, %user, "session not known any more: detached");
            self.ask(user, &id, Operation::Detach(DetachReason::Forced), Pending::Nothing);
        }
        let strangers: Vec<SessionId> = self
            .entries
            .iter()
            .filter(|(_, entry)| !entry.is_attached && entry.machine.may_go_on())
            .map(|(id, _)| id.clone())
            .collect();
        for id in strangers {
            self.attach(&id);
        }
    }
}

/// What the client of a session takes, as far as it has said.
pub(super) fn attachment(machine: &ServerSession) -> Attachment {
    let party = machine.party();
    let negotiated = machine.negotiated();
    // WV-MSG-07: what is too large for being pushed is announced, where the client can fetch it.
    let content_octets_max = if negotiated.may_announce() {
        u64::MAX
    } else {
        pushed_octets_max(negotiated).unwrap_or(CONTENT_OCTETS_DEFAULT)
    };
    let media_types = content::reachable_types(negotiated, party.encoding);
    Attachment {
        device: DeviceId::new(party.client_id.as_str()),
        reception: Reception {
            takes_messages: negotiated.may_push() || negotiated.may_announce(),
            takes_stored: true,
            // WV-SYS-01
            takes_announcements: party.version == Version::V1_3,
            takes_reports: negotiated.takes_reports(),
            media_types: media_types.into(),
            content_octets_max,
        },
        publishes_online: true,
    }
}

/// The largest content that fits into what the client parses, and that it wants.
fn pushed_octets_max(negotiated: &Negotiated) -> Option<u64> {
    let length = negotiated.content_length_max().map(u64::from);
    // Escaped or in BASE64, and with everything around it.
    let parsed = negotiated.parser_size().map(|size| u64::from(size).saturating_mul(2) / 3);
    length.into_iter().chain(parsed).min()
}

/// Sessions of one user at once, where nothing else is configured.
const SESSIONS_PER_USER_MAX: usize = 8;

/// Taken by a client that has not said what it takes.
const CONTENT_OCTETS_DEFAULT: u64 = 32 * 1024;

impl Default for WvSettings {
    fn default() -> Self {
        Self {
            lane: 0,
            domain_default: String::new(),
            domains: DomainTable::default(),
            session_policy: Arc::new(SessionPolicy {
                offer: Offer { functions: offered_functions(), ..Offer::default() },
                ..SessionPolicy::default()
            }),
            epoch: Epoch::new(0),
            validity_default: Duration::from_secs(86_400),
            content_octets_max: 256 * 1024,
            logins_per_minute_per_source: 60,
            sessions_per_user_max: SESSIONS_PER_USER_MAX,
            same_client: SameClient::Replaces,
            provider: Provider::default(),
        }
    }
}
