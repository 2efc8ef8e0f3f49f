//! The gateway as a whole: the only place where the sides meet. It starts everything in order, and ends it in order.

mod absent;
mod announcement;
pub mod assembly;
mod inquiry;
mod lane_thread;
mod neighbours;
mod provision;
mod renewal;
mod settings;
mod socket;
mod supervisor;

pub use provision::{export_offline, import_offline};
pub use renewal::Rereading;
pub use socket::{BindError, Ports};
pub use supervisor::Conclusion;

use crate::{
    account::{AccountError, AccountRegistry, CredentialError, Directory, SealKey},
    admin::{AdminError, AdminParts, AdminServer},
    charging::{Charging, ChargingFile, ChargingGate},
    config::{
        Configuration,
        section::{AccessTls, ChargingWishes},
        value::SipTransport,
    },
    entropy::Entropy,
    lane::{Clock, LaneLink},
    observe::{Readiness, Tap, metric, panic},
    resolver::ResolverError,
    shutdown::{Shutdown, Trigger},
    store::{DataFolder, OpenStore, Snapshot, StoreError},
    tls::{TlsError, TlsIdentity, TlsKeeper, domain::DomainTlsKeeper},
    wv::{SubscriberBackend, SubscriberDesk},
};
use assembly::{LanePlan, Surroundings};
use lane_thread::{LaneCrew, LaneOrder};
use metrics_exporter_prometheus::PrometheusHandle;
use renewal::{Keepers, Renewal};
use socket::Sockets;
use std::{
    fmt, io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, OnceLock},
    thread::JoinHandle,
};
use supervisor::Supervisor;
use tokio::sync::mpsc;

/// How a start differs from what the configuration says.
#[derive(Clone, Debug, Default)]
pub struct StartOptions {
    /// Which ports are listened on.
    pub ports: Ports,
    /// Another folder for store, key file and admin token.
    pub data_dir: Option<PathBuf>,
    /// Who takes SIGTERM and SIGINT.
    pub signals: SignalUse,
    /// How the configuration is read again; none refuses that.
    pub rereading: Option<Rereading>,
}

/// Who takes the signals that end the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignalUse {
    /// Somebody else, or nobody: the gateway ends by [`Running::stop`] and by the administration only.
    #[default]
    Ignored,
    /// The gateway: the first ends it in order, the second at once.
    Heeded,
}

/// The gateway, in service. Dropping it asks for the end without waiting for it.
#[derive(Debug)]
pub struct Running {
    /// Where CSP is listened for; none without `[wv.access]`.
    pub csp: Option<SocketAddr>,
    /// The CSP address that clients are told.
    pub csp_url: Option<String>,
    /// Where CSP is listened for over TLS; none where that is not configured.
    pub csp_tls: Option<SocketAddr>,
    /// Where clients that want to be woken connect; none when that is not offered.
    pub cir: Option<SocketAddr>,
    /// Where peers post; none without `[wv.federation]`.
    pub ssp: Option<SocketAddr>,
    /// Where SIP is listened for.
    pub sip: Vec<(SipTransport, SocketAddr)>,
    /// Where the administration listens.
    pub admin: SocketAddr,
    /// The folder of store, key file and admin token.
    pub data_dir: PathBuf,
    /// Where messages of both sides are watched.
    pub tap: Tap,
    #[cfg(test)]
    links: Arc<[LaneLink]>,
    trigger: Trigger,
    supervisor: Option<JoinHandle<Conclusion>>,
}

/// Why the gateway did not start. Nothing of it is running then.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder or the store.
    #[error("node.data_dir: {0}")]
    Store(#[from] StoreError),
    /// The key file of the accounts.
    #[error("the account key: {0}")]
    Credential(#[from] CredentialError),
    /// The accounts.
    #[error("the accounts: {0}")]
    Account(#[from] AccountError),
    /// An address that cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Certificate and key.
    #[error("wv.access.tls_listen: {0}")]
    Tls(#[from] TlsError),
    /// By whom services are believed.
    #[error("node.ca_file: {0}")]
    Trust(TlsError),
    /// Certificate and key of the SIP side, or the authorities.
    #[error("simple.tls_certificate: {0}")]
    SipTls(#[source] TlsError),
    /// The administration.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The charging records.
    #[error("charging records cannot be written to {}: {reason}", path.display())]
    Charging {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: io::Error,
    },
    /// Whom to ask for names.
    #[error("node.name_servers: {0}")]
    Resolver(#[from] ResolverError),
    /// An address in the configuration that cannot be told to peers.
    #[error("simple.advertise: {0} is no host")]
    Advertise(String),
    /// A lane ended before it was in service.
    #[error("lane {0} did not start: {1}")]
    Lane(u32, String),
    /// A thread, a runtime, a signal handler or random numbers were refused.
    #[error("the system refuses: {0}")]
    System(#[from] io::Error),
}

/// How many lanes there are. One for now: with more, a connection whose user is owned by another lane has to be handed
/// over, which comes together with the work on clusters. Everything else is written for any number.
const LANES: u32 = 1;

/// Questions of the administration that wait; more are told to come back.
const INQUIRIES_MAX: usize = 64;

/// Tasks that wait for a lane; more make the asker wait.
const LANE_TASKS_MAX: usize = 1024;

/// Starts the gateway: folder, store, accounts, then all sockets, then the lanes; in service when every lane is.
/// Blocks for the time that takes; may be called inside a runtime.
///
/// # Errors
/// See [`StartError`]. The first thing that fails is told, and everything that was opened is closed again.
pub fn start(configuration: Configuration, options: StartOptions) -> Result<Running, StartError> {
    panic::install_hook();
    let mut configuration = configuration;
    if let Some(data_dir) = options.data_dir {
        configuration.node.data_dir = data_dir;
    }
    configuration.believe_services().map_err(StartError::Trust)?;
    let folder = DataFolder::open(&configuration.node.data_dir)?;
    let key = SealKey::open(folder.path())?;
    let opening = OpenStore::open(configuration.store, folder, configuration.limits.store_queue_batches)?;
    let (store, snapshot) = (Arc::new(opening.store), opening.snapshot);
    let opened = AccountRegistry::open(
        &opening.accounts,
        &configuration.accounts,
        key,
        store.client(),
        configuration.domain_table(),
    );
    let result = opened.map_err(StartError::from).and_then(|accounts| {
        let tls = configuration.wv_access.as_ref().and_then(|access| access.tls.as_ref());
        let tls = tls.map(|tls| TlsKeeper::open(tls.files.clone())).transpose()?;
        let sip_tls = configuration.simple.as_ref().and_then(|simple| simple.tls.as_ref());
        let sip_tls = sip_tls.map(|tls| DomainTlsKeeper::open(&tls.files)).transpose().map_err(StartError::SipTls)?;
        let sockets = Sockets::bind(&configuration, options.ports)?;
        let (configuration, accounts) = (Arc::new(configuration), Arc::new(accounts));
        let renewal = Renewal::new(
            options.rereading,
            Arc::clone(&configuration),
            Arc::clone(&accounts),
            Keepers { tls, sip_tls },
        );
        let (charging, charging_file) = open_charging(&configuration)?;
        let readiness = settings::readiness(&configuration);
        let tap = Tap::default();
        let site = Site { configuration, accounts, tap, readiness, renewal, charging, charging_file };
        launch(site, options.ports, options.signals, &store, snapshot, sockets)
    });
    match result {
        Ok((running, supervisor)) => running.supervise(supervisor, store),
        Err(error) => {
            supervisor::close(store);
            Err(error)
        }
    }
}

/// What all parts share.
struct Site {
    configuration: Arc<Configuration>,
    accounts: Arc<AccountRegistry>,
    tap: Tap,
    readiness: Readiness,
    renewal: Renewal,
    charging: Charging,
    charging_file: Option<ChargingFile>,
}

/// Opens the charging records, and names the service that may refuse.
fn open_charging(configuration: &Configuration) -> Result<(Charging, Option<ChargingFile>), StartError> {
    let ChargingWishes { file, rotate_octets, service } = &configuration.charging;
    let gate = service
        .clone()
        .map(|service| ChargingGate::new(service.target, service.token, service.patience, service.when_silent));
    let opened = file.as_ref().map(|file| {
        let path = configuration.node.data_dir.join(file);
        ChargingFile::open(&path, *rotate_octets).map_err(|reason| StartError::Charging { path, reason })
    });
    let (lines, file) = opened.transpose()?.unzip();
    Ok((Charging { lines, gate }, file))
}

impl Site {
    /// Who judges logins over CSP.
    fn subscribers(&self) -> SubscriberBackend {
        match &self.configuration.auth {
            None => SubscriberBackend::Store,
            Some(service) => {
                let (service, accounts) = (service.clone(), Arc::clone(&self.accounts));
                SubscriberBackend::Service(Arc::new(SubscriberDesk { service, accounts }))
            }
        }
    }
}

/// Starts the administration and the lanes on bound sockets.
fn launch(
    site: Site,
    ports: Ports,
    signals: SignalUse,
    store: &Arc<OpenStore>,
    snapshot: Snapshot,
    sockets: Sockets,
) -> Result<(Running, Supervisor), StartError> {
    let mut shutdown = Shutdown::new();
    let (requests, inquiries) = mpsc::channel(INQUIRIES_MAX);
    let parts = AdminParts {
        accounts: Arc::clone(&site.accounts),
        requests,
        metrics: metrics_end(),
        tap: site.tap.clone(),
        member: shutdown.member("admin"),
        readiness: site.readiness.clone(),
    };
    let admin = start_admin(&site.configuration, store, ports, parts)?;
    let (csp_tls, ssp) = (sockets.csp_tls_address(), sockets.ssp_address());
    let (csp, cir, sip) = (sockets.csp_address(), sockets.cir_address(), sockets.sip_addresses());
    let (lanes, started) = start_lanes(&site, store, snapshot, sockets, &mut shutdown);
    if let Err(error) = started {
        // Nobody is in service yet, so every phase passes at once.
        supervisor::end_early(shutdown, lanes, admin);
        return Err(error);
    }
    let running = Running {
        csp,
        csp_tls,
        ssp,
        cir,
        csp_url: csp.zip(site.configuration.wv_access.as_ref()).map(|(at, wv)| wv.advertised(at)),
        sip,
        admin: admin.address(),
        data_dir: store.folder().path().to_owned(),
        tap: site.tap.clone(),
        #[cfg(test)]
        links: Arc::clone(&lanes.links),
        trigger: shutdown.trigger(),
        supervisor: None,
    };
    let drain = site.configuration.limits.drain;
    let (book, renewal, charging) = (site.accounts.book(), site.renewal, site.charging_file);
    let supervisor = Supervisor { shutdown, admin, lanes, inquiries, book, renewal, charging, signals, drain };
    Ok((running, supervisor))
}

/// The administration, on a free port where that is wished.
fn start_admin(
    configuration: &Configuration,
    store: &OpenStore,
    ports: Ports,
    parts: AdminParts,
) -> Result<AdminServer, StartError> {
    let mut configuration = configuration.clone();
    configuration.admin.listen = ports.choose(configuration.admin.listen);
    Ok(AdminServer::start(&configuration, store.folder().path(), parts)?)
}

fn start_lanes(
    site: &Site,
    store: &Arc<OpenStore>,
    snapshot: Snapshot,
    sockets: Sockets,
    shutdown: &mut Shutdown,
) -> (LaneCrew, Result<(), StartError>) {
    let (links, tasks): (Vec<LaneLink>, Vec<_>) = (0..LANES).map(|_| LaneLink::new(LANE_TASKS_MAX)).unzip();
    let neighbours: Arc<[LaneLink]> = links.into();
    let surroundings = Surroundings {
        clock: Clock::new(),
        entropy: Entropy::of_system(),
        book: site.accounts.book(),
        directory: Directory::default(),
        tap: site.tap.clone(),
        readiness: site.readiness.clone(),
        charging: site.charging.clone(),
    };
    let snapshot = Arc::new(snapshot);
    let mut crew = LaneCrew::new(Arc::clone(&neighbours));
    let mut sockets = Some(sockets);
    for (number, tasks) in (0..LANES).zip(tasks) {
        let plan = LanePlan::new(site.renewal.current(), (number, LANES), surroundings.clone());
        let order = LaneOrder {
            plan,
            tls: site.renewal.identity(),
            ssp_tls: match ssp_identity(&site.configuration) {
                Ok(identity) => identity,
                Err(error) => return (crew, Err(error)),
            },
            sip_tls: site.renewal.sip_tls(),
            subscribers: site.subscribers(),
            store: Arc::clone(store),
            // All connections and datagrams come to the first lane.
            sockets: sockets.take().unwrap_or_default(),
            tasks,
            neighbours: Arc::clone(&neighbours),
            member: shutdown.member("lane"),
        };
        if let Err(error) = crew.add(order, Arc::clone(&snapshot)) {
            return (crew, Err(error));
        }
    }
    let started = crew.wait_until_in_service();
    (crew, started)
}

/// What peers are shown over TLS.
fn ssp_identity(configuration: &Configuration) -> Result<Option<TlsIdentity>, StartError> {
    let Some(federation) = &configuration.wv_federation else { return Ok(None) };
    let open = |tls: &AccessTls| TlsIdentity::open(&tls.files, federation.tls_ca.as_deref());
    Ok(federation.tls.as_ref().map(open).transpose()?)
}

/// The process has one recorder, however often the gateway is started in it.
fn metrics_end() -> PrometheusHandle {
    static INSTALLED: OnceLock<PrometheusHandle> = OnceLock::new();
    INSTALLED
        .get_or_init(|| {
            metric::install().unwrap_or_else(|error| {
                tracing::warn!(%error, "this process counts elsewhere: /metrics stays empty");
                metric::recorder().1
            })
        })
        .clone()
}

impl Running {
    fn supervise(mut self, supervisor: Supervisor, store: Arc<OpenStore>) -> Result<Self, StartError> {
        self.supervisor = Some(supervisor.start(store)?);
        tracing::debug!(key = "simple.msrp_listen", "not served by this build: not listened on");
        tracing::info!(
            csp = self.csp_url.as_deref().unwrap_or("none"),
            sip = ?self.sip.iter().map(|(transport, at)| format!("{}:{at}", transport.as_str())).collect::<Vec<_>>(),
            admin = %self.admin,
            "in service"
        );
        Ok(self)
    }

    /// Asks for the end, in order, and waits for it: for as long as `limits.drain_ms` and a little more.
    #[must_use]
    pub fn stop(self) -> Conclusion {
        self.trigger.pull();
        self.wait()
    }

    /// Asks for the end from elsewhere.
    #[must_use]
    pub fn trigger(&self) -> Trigger {
        self.trigger.clone()
    }

    /// Waits for the end, which a signal, the administration or a trigger brings.
    #[must_use]
    pub fn wait(mut self) -> Conclusion {
        let Some(thread) = self.supervisor.take() else { return Conclusion::Failed };
        thread.join().unwrap_or(Conclusion::Failed)
    }
}

impl Running {
    /// Where everything listens, for programs.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let sip: Vec<String> = self.sip.iter().map(|(transport, at)| format!("{}:{at}", transport.as_str())).collect();
        serde_json::json!({
            "csp": self.csp_url, "csp_tls": self.csp_tls, "cir": self.cir.map(|at| format!("tcp:{at}")), "ssp": self.ssp.map(|at| format!("http://{at}/")), "sip": sip, "admin": format!("http://{}/", self.admin), "data_dir": self.data_dir,
        })
    }
}

/// Where everything listens, for people.
impl fmt::Display for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(url) = &self.csp_url {
            writeln!(f, "CSP    {url}")?;
        }
        if let Some(at) = &self.csp_tls {
            writeln!(f, "CSP    https://{at}")?;
        }
        if let Some(at) = &self.cir {
            writeln!(f, "CIR    tcp:{at}")?;
        }
        if let Some(at) = &self.ssp {
            writeln!(f, "SSP    http://{at}/")?;
        }
        for (transport, at) in &self.sip {
            writeln!(f, "SIP    {}:{at}", transport.as_str())?;
        }
        write!(f, "admin  http://{}/", self.admin)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.trigger.pull();
    }
}

#[cfg(test)]
mod tests;
