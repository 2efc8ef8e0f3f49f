//! The API: what the command line and other programs ask for.

use super::{
    AdminRefusal, AdminReply, AdminRequest, AdminRequestKind, AnnouncementWish, ShowTopic,
    exchange::{self, AccountsToAdd, NewPassword, PropertiesToImport, StoreToRestore, keeping},
    server::Shared,
};
use crate::store::DataFolder;
use crate::{
    account::{AccountError, AccountUser, NewAccount, Secret},
    observe::{
        TraceFilter,
        trace::{Seen, Watch},
    },
};
use axum::{
    Json, Router,
    body::{Body, Bytes, HttpBody},
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{delete, get, post, put},
};
use hyper::body::Frame;
use mapping::address::Address;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::{mpsc::error::TrySendError, oneshot};

/// The description of the API.
pub(super) const OPENAPI: &str = include_str!("openapi.json");

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/status", get(status))
        .route("/show/{topic}", get(show))
        .route("/explain", get(explain))
        .route("/announcements", post(announce))
        .route("/drain", post(drain))
        .route("/reload", post(reload))
        .route("/accounts", get(list_accounts).post(add_accounts))
        .route("/accounts/{user}", delete(remove_account))
        .route("/accounts/{user}/password", put(change_password))
        .route("/accounts/{user}/properties", delete(purge))
        .route("/properties", get(export).post(import))
        .route("/store/restore", post(restore))
        .route("/accounts/{user}/logout", post(log_out))
        .route("/trace", get(trace))
}

#[derive(Deserialize)]
struct Pair {
    watcher: String,
    presentity: String,
}

#[derive(Deserialize)]
struct Whose {
    user: Option<String>,
}

#[derive(Deserialize)]
struct TraceWish {
    #[serde(flatten)]
    filter: TraceFilter,
    /// Whether what truly passed is wanted, secrets and all.
    #[serde(default)]
    original: bool,
}

async fn status(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let phase = *shared.phase.borrow();
    Json(json!({
        "node": shared.node,
        "version": env!("CARGO_PKG_VERSION"),
        "phase": phase.as_str(),
        "accounts": shared.accounts.list().len(),
    }))
}

async fn show(State(shared): State<Arc<Shared>>, Path(topic): Path<String>) -> Response {
    match ShowTopic::ALL.into_iter().find(|known| known.as_str() == topic) {
        Some(topic) => ask(&shared, AdminRequestKind::Show(topic)).await,
        None => {
            let known = ShowTopic::ALL.map(ShowTopic::as_str).join(", ");
            refuse(StatusCode::NOT_FOUND, &format!("there is no \"{topic}\" to show; there are {known}"))
        }
    }
}

async fn explain(State(shared): State<Arc<Shared>>, Query(pair): Query<Pair>) -> Response {
    match (parse_user(&pair.watcher), parse_user(&pair.presentity)) {
        (Ok(watcher), Ok(presentity)) => ask(&shared, AdminRequestKind::Explain { watcher, presentity }).await,
        (Err(error), _) | (_, Err(error)) => refuse(StatusCode::BAD_REQUEST, &error),
    }
}

async fn announce(State(shared): State<Arc<Shared>>, Json(wish): Json<AnnouncementWish>) -> Response {
    ask(&shared, AdminRequestKind::Announce(wish)).await
}

async fn drain(State(shared): State<Arc<Shared>>) -> Response {
    ask(&shared, AdminRequestKind::Drain).await
}

async fn reload(State(shared): State<Arc<Shared>>) -> Response {
    ask(&shared, AdminRequestKind::Reload).await
}

async fn import(State(shared): State<Arc<Shared>>, Json(wanted): Json<PropertiesToImport>) -> Response {
    ask(&shared, AdminRequestKind::Import(wanted.properties)).await
}

async fn export(State(shared): State<Arc<Shared>>, Query(filter): Query<Whose>) -> Response {
    match filter.user.as_deref().map(parse_user).transpose() {
        Ok(user) => ask(&shared, AdminRequestKind::Export(user)).await,
        Err(error) => refuse(StatusCode::BAD_REQUEST, &error),
    }
}

async fn purge(State(shared): State<Arc<Shared>>, Path(user): Path<String>) -> Response {
    match parse_user(&user) {
        Ok(user) => ask(&shared, AdminRequestKind::Purge(user)).await,
        Err(error) => refuse(StatusCode::BAD_REQUEST, &error),
    }
}

async fn restore(State(shared): State<Arc<Shared>>, Json(wanted): Json<StoreToRestore>) -> Response {
    match shared.accounts.replace_store(wanted.folder.join(DataFolder::DATABASE)).await {
        Ok(()) => ask(&shared, AdminRequestKind::StartOver).await,
        Err(error) => respond::<()>(Err(error)),
    }
}

async fn log_out(State(shared): State<Arc<Shared>>, Path(user): Path<String>) -> Response {
    match AccountUser::parse(&user) {
        Ok(user) => ask(&shared, AdminRequestKind::LogOut(user.address().clone())).await,
        Err(error) => refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

async fn list_accounts(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(exchange::accounts_json(&shared.accounts))
}

async fn add_accounts(State(shared): State<Arc<Shared>>, Json(wanted): Json<AccountsToAdd>) -> Response {
    respond(exchange::add(&shared.accounts, &wanted.accounts).await.map(Json))
}

async fn remove_account(State(shared): State<Arc<Shared>>, Path(user): Path<String>) -> Response {
    match AccountUser::parse(&user) {
        Ok(user) => respond(shared.accounts.remove(&user).await.map(|()| StatusCode::NO_CONTENT)),
        Err(error) => refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

async fn change_password(
    State(shared): State<Arc<Shared>>,
    Path(user): Path<String>,
    Json(new): Json<NewPassword>,
) -> Response {
    match AccountUser::parse(&user) {
        Ok(user) => {
            let account =
                NewAccount { user, password: Secret::new(&new.password), keeping: keeping(new.digest), person: None };
            respond(shared.accounts.change_password(account).await.map(|()| StatusCode::NO_CONTENT))
        }
        Err(error) => refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

async fn trace(State(shared): State<Arc<Shared>>, Query(wish): Query<TraceWish>) -> Response {
    let watch = if wish.original {
        tracing::info!("a trace without redaction begins");
        shared.tap.watch_originals()
    } else {
        shared.tap.watch()
    };
    let body = Body::new(TraceBody { next: next_record(watch), filter: wish.filter });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}

/// Passes a question on and waits for the answer.
async fn ask(shared: &Shared, kind: AdminRequestKind) -> Response {
    let (reply, answer) = oneshot::channel();
    match shared.requests.try_send(AdminRequest { kind, reply }) {
        Ok(()) => {}
        Err(TrySendError::Full(_)) => {
            return refuse(StatusCode::SERVICE_UNAVAILABLE, "too many questions are waiting; try again in a moment");
        }
        Err(TrySendError::Closed(_)) => return refuse(StatusCode::SERVICE_UNAVAILABLE, "the gateway is closing"),
    }
    match tokio::time::timeout(ANSWER_WAIT, answer).await {
        Ok(Ok(Ok(reply))) => Json::<AdminReply>(reply).into_response(),
        Ok(Ok(Err(refusal))) => {
            let status = match refusal {
                AdminRefusal::NotAvailable(_) => StatusCode::NOT_IMPLEMENTED,
                AdminRefusal::Unknown(_) => StatusCode::NOT_FOUND,
                AdminRefusal::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
            };
            refuse(status, &refusal.to_string())
        }
        Ok(Err(_)) => refuse(StatusCode::SERVICE_UNAVAILABLE, "the gateway is closing"),
        Err(_) => refuse(StatusCode::GATEWAY_TIMEOUT, "no answer in time"),
    }
}

fn respond<T: IntoResponse>(result: Result<T, AccountError>) -> Response {
    let error = match result {
        Ok(response) => return response.into_response(),
        Err(error) => error,
    };
    let status = match &error {
        AccountError::Unknown(_) => StatusCode::NOT_FOUND,
        AccountError::Exists(_) | AccountError::Configured(_) | AccountError::StandsForAnother(_) => {
            StatusCode::CONFLICT
        }
        AccountError::NotHosted(_)
        | AccountError::WrongSide(_)
        | AccountError::EmptyPassword(_)
        | AccountError::NoSipUser(_)
        | AccountError::ShadowHashed(_) => StatusCode::BAD_REQUEST,
        AccountError::Credential(_) | AccountError::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    refuse(status, &error.to_string())
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, error_body(message)).into_response()
}

pub(super) fn error_body(message: &str) -> Json<Value> {
    Json(json!({ "error": message }))
}

/// A user with or without its scheme.
fn parse_user(text: &str) -> Result<Address, String> {
    let bare = AccountUser::parse(text).map(|user| user.address().clone());
    bare.or_else(|_| Address::parse(text)).map_err(|error| format!("{text}: {error}"))
}

type NextRecord = Pin<Box<dyn Future<Output = (Watch, Seen)> + Send>>;

/// Records as lines of JSON, for as long as somebody reads.
struct TraceBody {
    next: NextRecord,
    filter: TraceFilter,
}

fn next_record(mut watch: Watch) -> NextRecord {
    Box::pin(async move {
        let seen = watch.next().await;
        (watch, seen)
    })
}

impl HttpBody for TraceBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            let Poll::Ready((watch, seen)) = self.next.as_mut().poll(context) else { return Poll::Pending };
            self.next = next_record(watch);
            let line = match seen {
                Seen::End => return Poll::Ready(None),
                Seen::Missed(count) => json!({ "missed": count }).to_string(),
                Seen::Record(record) if !self.filter.admits(&record) => continue,
                Seen::Record(record) => match serde_json::to_string(&*record) {
                    Ok(line) => line,
                    Err(error) => json!({ "error": error.to_string() }).to_string(),
                },
            };
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from(line + "\n")))));
        }
    }
}

/// How long the rest of the process may take to answer.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
