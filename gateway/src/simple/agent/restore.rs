//! Building the agent, and taking up what was kept.

use super::{Agent, AgentSettings, request};
use crate::{account::AccountBook, lane::Clock, observe::Tap, simple::transport::Transports, store::WireRecord};
use mapping::{correlation::Correlation, time::Timestamp};
use sip_proto::{
    event::{
        package::PackageRegistry,
        state::{Compositor, CompositorPolicy},
    },
    id_source::IdSource,
    registrar::{Registrar, RegistrarPolicy},
    transaction::{TransactionTable, timer::TimerValues},
};
use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
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
            packages: PackageRegistry::with_presence(),
            nonce_key: for_nonces,
            realms: HashMap::new(),
            registrar: Registrar::new(RegistrarPolicy::DEFAULT),
            compositor: Compositor::new(CompositorPolicy::presence(), IdSource::new(&parts.prefix, for_tags)?),
            subscribers: super::subscription::Subscribers::default(),
            notifiers: super::notification::Notifiers::default(),
            deliveries: HashMap::new(),
            purposes: HashMap::new(),
            second_ways: HashMap::new(),
            refuse_streams: moka::sync::Cache::builder().max_capacity(REFUSALS_MAX).time_to_live(REFUSAL_LIFE).build(),
            pending: HashMap::new(),
            held: BTreeMap::new(),
            next_number: 0,
            budget: request::SourceBudget::default(),
            inputs: Vec::new(),
            settings: parts.settings,
            clock: parts.clock,
            transports: parts.transports,
            accounts: parts.accounts,
            wake: parts.wake,
            tap: parts.tap,
        })
    }

    /// Takes up a kept record. What cannot be read is logged and left behind: its peer will find out and start anew.
    pub fn restore(&mut self, now: Timestamp, record: &WireRecord) {
        let Some(body) = &record.body else { return };
        let restored = match record.kind.as_ref() {
            "registration" => self.registrar.restore(body).map(|_| ()).map_err(|error| error.to_string()),
            "publication" => self.compositor.restore(body).map(|_| ()).map_err(|error| error.to_string()),
            "notifier" => self.restore_notifier(&record.key, body),
            "subscriber" => self.restore_subscriber(now, &record.key, body),
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
