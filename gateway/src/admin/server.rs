//! The listener of the administration, on a thread and runtime of its own: it answers when every lane is busy.

use super::{
    AdminRequest, api, page,
    token::{self, TokenFiles},
};
use crate::{
    account::{AccountRegistry, Secret},
    config::section::Configuration,
    observe::{Readiness, Tap, metric, readiness::Verdict},
    shutdown::{Member, Phase},
};
use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use metrics_exporter_prometheus::PrometheusHandle;
use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    thread::JoinHandle,
};
use tokio::sync::{mpsc, watch};

/// The running administration.
#[derive(Debug)]
pub struct AdminServer {
    address: SocketAddr,
    thread: JoinHandle<()>,
}

/// What the administration needs of the rest of the process.
#[derive(Debug)]
pub struct AdminParts {
    /// The accounts, to be changed.
    pub accounts: Arc<AccountRegistry>,
    /// Where questions to the rest of the process go.
    pub requests: mpsc::Sender<AdminRequest>,
    /// Where metrics are read.
    pub metrics: PrometheusHandle,
    /// Where traces are watched.
    pub tap: Tap,
    /// The life of the process: `/ready` depends on it, and the listener ends with [`Phase::Close`].
    pub member: Member,
    /// What else `/ready` depends on.
    pub readiness: Readiness,
}

/// Why the administration did not start.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The address cannot be listened on.
    #[error("admin.listen {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The token file cannot be written, or the thread not started.
    #[error("the admin token: {0}")]
    Token(#[from] io::Error),
}

/// What the handlers share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) node: String,
    pub(super) token: Secret,
    pub(super) accounts: Arc<AccountRegistry>,
    pub(super) requests: mpsc::Sender<AdminRequest>,
    pub(super) metrics: PrometheusHandle,
    pub(super) tap: Tap,
    pub(super) phase: watch::Receiver<Phase>,
    pub(super) readiness: Readiness,
}

impl AdminServer {
    /// Starts listening. Token and address are in `folder` from when this returns until the listener ends.
    ///
    /// # Errors
    /// See [`AdminError`].
    pub fn start(configuration: &Configuration, folder: &Path, parts: AdminParts) -> Result<Self, AdminError> {
        let listen = configuration.admin.listen;
        let failed = |source| AdminError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let token = token::draw()?;
        let files = TokenFiles::write(folder, &token, address)?;
        let AdminParts { accounts, requests, metrics, tap, member, readiness } = parts;
        let node = configuration.node.name.clone();
        let phase = member.phase();
        let shared = Arc::new(Shared { node, token, accounts, requests, metrics, tap, phase, readiness });
        let export = configuration.trace.clone().map(|target| target.export(shared.tap.clone()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("admin".to_owned()).spawn(move || {
            if let Some(export) = export {
                // It ends with the runtime.
                runtime.spawn(export);
            }
            if let Err(error) = runtime.block_on(serve(listener, shared, member)) {
                tracing::error!(%error, "the admin listener ended");
            }
            drop(files);
        })?;
        tracing::info!(%address, "admin listens");
        Ok(Self { address, thread })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for its end, which comes with [`Phase::Close`].
    pub fn join(self) {
        if self.thread.join().is_err() {
            tracing::error!("the admin listener ended by a panic");
        }
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>, mut member: Member) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let mut end = shared.phase.clone();
    let closing = async move {
        member.reached(Phase::Persist);
        member.wait_for(Phase::Close).await;
    };
    let served = axum::serve(listener, router(shared)).with_graceful_shutdown(closing);
    tokio::select! {
        result = served => result,
        // A connection that does not end by itself does not hold the process up.
        () = async {
            let _ = end.wait_for(|phase| *phase >= Phase::Close).await;
            tokio::time::sleep(LINGER).await;
        } => Ok(()),
    }
}

pub(super) fn router(shared: Arc<Shared>) -> Router {
    let protected = api::routes().layer(middleware::from_fn_with_state(Arc::clone(&shared), require_token));
    Router::new()
        .route("/", get(|| async { page::write() }))
        .route("/live", get(|| async { "live\n" }))
        .route("/ready", get(ready))
        .route("/metrics", get(render))
        .route("/api/openapi.json", get(|| async { ([(header::CONTENT_TYPE, "application/json")], api::OPENAPI) }))
        .nest("/api/v1", protected)
        .layer(middleware::from_fn(count))
        .with_state(shared)
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let phase = *shared.phase.borrow();
    let (status, more) = match shared.readiness.verdict() {
        _ if phase != Phase::Running => (StatusCode::SERVICE_UNAVAILABLE, None),
        Verdict::Whole => (StatusCode::OK, None),
        Verdict::Degraded(told) => (StatusCode::OK, Some(told)),
        Verdict::Severed(told) => (StatusCode::SERVICE_UNAVAILABLE, Some(told)),
    };
    let more = more.map(|told| format!("{told}\n")).unwrap_or_default();
    (status, format!("{phase}\n{more}")).into_response()
}

async fn render(State(shared): State<Arc<Shared>>) -> Response {
    shared.metrics.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], shared.metrics.render()).into_response()
}

async fn require_token(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let is_right = given.and_then(|value| value.strip_prefix("Bearer ")).is_some_and(|text| shared.token.matches(text));
    if is_right {
        return next.run(request).await;
    }
    let asked = [(header::WWW_AUTHENTICATE, "Bearer")];
    (StatusCode::UNAUTHORIZED, asked, api::error_body("the token of data_dir/admin.token is needed")).into_response()
}

async fn count(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    metric::admin_request(response.status().as_u16());
    response
}

/// How long open connections may stay after the end.
const LINGER: std::time::Duration = std::time::Duration::from_secs(1);
