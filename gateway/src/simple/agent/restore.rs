//! Building the agent, and taking up what was kept.

pub(super) mod octets;

use super::{Agent, AgentSettings, Pending, registration::contact_endpoint, request};
use crate::{
    account::AccountBook, entropy::Entropy, lane::Clock, observe::Tap, quick_hash::QuickMap, resolver::Resolver,
    simple::transport::Transports, store::WireRecord,
};
use mapping::{
    address::Address,
    correlation::Correlation,
    engine::{Engine, PublicationRow},
    event::{DetachReason, Operation, Publication, PublicationChange},
    side::{Endpoint, Side},
    time::Timestamp,
};
use sip_proto::{
    event::{
        package::PackageRegistry,
        state::{Compositor, CompositorPolicy},
    },
    id_source::IdSource,
    registrar::{Command, Registrar, RegistrarPolicy},
    transaction::{TransactionTable, timer::TimerValues},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    rc::Rc,
    sync::Arc,
};
use tokio::sync::Notify;

/// What an agent needs from its surroundings.
pub struct AgentParts {
    /// What does not change.
    pub settings: AgentSettings,
    /// The process's clock.
    pub clock: Clock,
    /// Sockets and connections.
    pub transports: Rc<Transports>,
    /// Where names are looked up.
    pub resolver: Rc<Resolver>,
    /// Who exists.
    pub accounts: AccountBook,
    /// The lane's bell.
    pub wake: Rc<Notify>,
    /// Where messages are watched.
    pub tap: Tap,
    /// Prefix of all identifiers minted here: the lane's number.
    pub prefix: String,
    /// Randomness of this start, 32 octets three times.
    pub seeds: [[u8; 32]; 4],
    /// Where further randomness comes from.
    pub entropy: Entropy,
    /// Most transactions at once.
    pub transactions_max: usize,
}

impl Agent {
    /// An agent that knows nothing yet.
    ///
    /// # Errors
    /// When the prefix is no identifier prefix.
    pub fn new(parts: AgentParts) -> Result<Self, sip_proto::id_source::BadPrefix> {
        let [for_ids, for_table, for_tags, for_nonces] = parts.seeds;
        let ids = IdSource::new(&parts.prefix, for_ids)?;
        let randomness = for_nonces.iter().take(8).fold(0_u64, |word, octet| (word << 8) | u64::from(*octet));
        Ok(Self {
            table: TransactionTable::new(
                TimerValues::default(),
                parts.transactions_max,
                IdSource::new(&parts.prefix, for_table)?,
            ),
            ids,
            randomness,
            current: Correlation::new(randomness),
            profile: request::profile(),
            packages: PackageRegistry::with_watcher_info(),
            nonce_key: for_nonces,
            realms: HashMap::new(),
            registrar: Registrar::new(RegistrarPolicy::DEFAULT),
            compositor: Compositor::new(CompositorPolicy::presence(), IdSource::new(&parts.prefix, for_tags)?),
            subscribers: super::subscription::Subscribers::default(),
            notifiers: super::notification::Notifiers::default(),
            learners: super::far_watcher::Learners::default(),
            publishers: super::publisher::Publishers::default(),
            far_registrations: super::far_registration::FarRegistrations::default(),
            deliveries: QuickMap::default(),
            purposes: QuickMap::default(),
            second_ways: QuickMap::default(),
            admission: super::admission::Admission::default(),
            errands: super::errand::Errands::new(parts.settings.quarantine),
            trunks: super::trunk::Trunks::of(&parts.settings.peers),
            challenges: super::credential::Challenges::default(),
            refuse_cpim: moka::sync::Cache::builder()
                .max_capacity(REFUSALS_MAX)
                .time_to_live(CPIM_REFUSAL_LIFE)
                .build(),
            refuse_streams: moka::sync::Cache::builder().max_capacity(REFUSALS_MAX).time_to_live(REFUSAL_LIFE).build(),
            pending: QuickMap::default(),
            held: BTreeMap::new(),
            next_number: 0,
            prefix: parts.prefix,
            budget: request::SourceBudget::default(),
            rendered: super::rendering::Rendered::default(),
            inputs: Vec::new(),
            settings: parts.settings,
            clock: parts.clock,
            entropy: parts.entropy,
            transports: parts.transports,
            resolver: parts.resolver,
            seeker: None,
            accounts: parts.accounts,
            wake: parts.wake,
            tap: parts.tap,
        })
    }

    /// Starts anew from what was kept, because a batch was lost. Who waited has been refused. Transactions go on; what
    /// becomes of requests that the lost machines sent interests nobody any more.
    pub(super) fn reload(&mut self, now: Timestamp, kept: &[&WireRecord]) {
        let mut seed = [0; 32];
        let ids = self.entropy.fill(&mut seed).ok().and_then(|()| IdSource::new(&self.prefix, seed).ok());
        let Some(ids) = ids else {
            tracing::error!("the system gives no random octets: the SIP state is not read again");
            return;
        };
        self.compositor = Compositor::new(CompositorPolicy::presence(), ids);
        self.registrar = Registrar::new(RegistrarPolicy::DEFAULT);
        self.subscribers.clear();
        self.notifiers.clear();
        self.publishers.clear();
        self.far_registrations.clear();
        self.deliveries.clear();
        self.purposes.clear();
        self.errands.clear();
        self.trunks.forget_probes();
        kept.iter().for_each(|record| self.restore(now, record));
    }

    /// Settles what only one of engine and agent knows: a process may end between the two.
    pub(super) fn reconcile(&mut self, now: Timestamp, engine: &Engine) {
        self.current = self.correlation();
        self.dismiss_strangers();
        self.reconcile_bindings(engine);
        self.reconcile_publications(engine);
        self.reconcile_notifiers(now, engine);
        self.flush();
    }

    /// What is kept for users that have no account any more ends.
    fn dismiss_strangers(&mut self) {
        let registered = self.registrar.addresses().map(Arc::clone);
        let published = self.compositor.publications().map(|(_, key, _)| Arc::clone(&key.resource));
        let strangers: BTreeSet<Arc<str>> = registered
            .chain(published)
            .filter(|user| !Address::parse(user).is_ok_and(|user| self.accounts.has(&user)))
            .collect();
        for user in strangers {
            self.withdraw(&user);
        }
    }

    /// Ends the contacts and publications of a user.
    pub(super) fn withdraw(&mut self, user: &str) {
        self.registrar.withdraw(user);
        self.compositor.withdraw(user);
        self.take_registrar_news();
        self.take_compositor_news(None);
    }

    fn reconcile_bindings(&mut self, engine: &Engine) {
        let mut known = HashSet::new();
        let mut orphans = Vec::new();
        for row in engine.attachments().filter(|row| row.endpoint.side == Side::Simple) {
            if self.find_binding(&row.endpoint.id).is_some() {
                known.insert(row.endpoint.id);
            } else {
                orphans.push((row.user, row.endpoint));
            }
        }
        for (user, endpoint) in orphans {
            self.ask(self.current, user, endpoint, Operation::Detach(DetachReason::Expired), Pending::Nothing);
        }
        let mut strangers = Vec::new();
        for address in self.registrar.addresses() {
            for binding in self.registrar.bindings(address) {
                if !known.contains(&contact_endpoint(address, &binding.id).id) {
                    strangers.push((Arc::clone(address), binding.clone()));
                }
            }
        }
        for (address, binding) in strangers {
            self.tell_binding(&Command::BindingAdded { address, binding });
        }
    }

    /// A publication of a hosted user ends when its entity-tag is not known any more: nobody can renew it.
    fn reconcile_publications(&mut self, engine: &Engine) {
        let alive: HashSet<String> = self.compositor.publications().map(|(id, _, _)| id.as_str().to_owned()).collect();
        let orphans: Vec<PublicationRow> = engine
            .publications()
            .filter(|row| self.is_registrar_user(&row.user) && !alive.contains(row.device.as_str()))
            .collect();
        for PublicationRow { user, device, .. } in orphans {
            let endpoint = Endpoint::new(Side::Simple, &format!("publication {}", device.as_str()));
            let publication = Publication { device, change: PublicationChange::Remove };
            self.ask(self.current, user, endpoint, Operation::Publish(publication), Pending::Nothing);
        }
    }

    /// Takes up a kept record. What cannot be read is logged and left behind: its peer will find out and start anew.
    pub fn restore(&mut self, now: Timestamp, record: &WireRecord) {
        let Some(body) = &record.body else { return };
        let restored = match record.kind.as_ref() {
            "registration" => self.registrar.restore(body).map(|_| ()).map_err(|error| error.to_string()),
            "publication" => self.compositor.restore(body).map(|_| ()).map_err(|error| error.to_string()),
            "notifier" => self.restore_notifier(&record.key, body),
            "subscriber" => self.restore_subscriber(now, &record.key, body),
            "publisher" => self.restore_publisher(now, &record.key, body),
            "registered" => self.restore_registered(now, &record.key, body),
            other => Err(format!("no such kind of record: {other}")),
        };
        if let Err(reason) = restored {
            tracing::warn!(side = "simple", kind = %record.kind, key = %record.key, %reason, "record not restored");
        }
    }
}

/// Addresses remembered to refuse streams.
const REFUSALS_MAX: u64 = 10_000;

/// How long such an address is remembered; then a stream is tried again.
const REFUSAL_LIFE: std::time::Duration = std::time::Duration::from_secs(600);

/// How long it is remembered who refuses wrapped messages (messaging.md §3).
const CPIM_REFUSAL_LIFE: std::time::Duration = std::time::Duration::from_secs(86_400);
