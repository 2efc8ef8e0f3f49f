//! SSP over HTTP: posts of peers in, an empty answer or none out.

use super::{IncomingDocument, SspAdapter, Verdict, member::count_quirks};
use crate::{
    observe::{
        Direction, metric,
        wire::{Carrier, Line},
    },
    tls::TlsIdentity,
    wv::budget::Budget,
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HOST, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use mapping::side::Side;
use std::{cell::RefCell, net::SocketAddr, rc::Rc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::watch,
};
use wv_proto::{
    limit::Limits,
    quirk::SspQuirk,
    ssp::{Body, ContentType, Document},
};

/// What bounds the listener.
#[derive(Clone, Copy, Debug)]
pub struct SspListenerSettings {
    /// Connections at once.
    pub connections_max: usize,
    /// Requests per second and source address, but for those in a session.
    pub requests_per_s_per_source: u32,
}

struct Served {
    local: Option<SocketAddr>,
    settings: SspListenerSettings,
    limits: Limits,
    adapter: SspAdapter,
    received: metric::Traffic,
    tls: Option<TlsIdentity>,
    connections: RefCell<usize>,
    budget: Budget,
}

/// The connection is closed without an answer: the peer is not known, or its session is not.
#[derive(Debug, thiserror::Error)]
#[error("closed without an answer")]
struct Unanswered;

/// Serves until `stop` becomes true; connections under way may finish what they have begun.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve(
    listener: std::net::TcpListener,
    settings: SspListenerSettings,
    adapter: SspAdapter,
    tls: Option<TlsIdentity>,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let served = Rc::new(Served {
        local: listener.local_addr().ok(),
        budget: Budget::new(settings.requests_per_s_per_source),
        settings,
        limits: Limits::default(),
        adapter,
        received: metric::Traffic::of(Side::Wv, Direction::In),
        tls,
        connections: RefCell::new(0),
    });
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => return Ok(()),
        };
        match accepted {
            Ok(_) if *served.connections.borrow() >= served.settings.connections_max => {
                metric::shed(Side::Wv, "connections");
            }
            Ok((stream, peer)) => {
                // Small answers must not wait for each other.
                let _ = stream.set_nodelay(true);
                *served.connections.borrow_mut() += 1;
                tokio::task::spawn_local(connection(Rc::clone(&served), stream, peer, stop.clone()));
            }
            Err(error) => {
                tracing::warn!(side = "wv", %error, "accepting a connection of a peer failed");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(served: Rc<Served>, stream: tokio::net::TcpStream, peer: SocketAddr, stop: watch::Receiver<bool>) {
    match &served.tls {
        None => converse(&served, stream, peer, stop).await,
        Some(identity) => {
            let handshake = Box::pin(identity.acceptor().accept(stream));
            match tokio::time::timeout(HANDSHAKE_PATIENCE, handshake).await {
                Ok(Ok(stream)) => Box::pin(converse(&served, stream, peer, stop)).await,
                Ok(Err(error)) => tracing::debug!(side = "wv", %peer, %error, "no TLS"),
                Err(_) => tracing::debug!(side = "wv", %peer, "no TLS in time"),
            }
        }
    }
    *served.connections.borrow_mut() -= 1;
}

/// Answers the posts of a connection until it ends. Whoever speaks TLS to a plain port is closed, too.
async fn converse(
    served: &Rc<Served>,
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    peer: SocketAddr,
    mut stop: watch::Receiver<bool>,
) {
    let answering = Rc::clone(served);
    let service = service_fn(move |request| answer(Rc::clone(&answering), request, peer));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_PATIENCE)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_OCTETS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(side = "wv", %peer, %error, "connection of a peer ended");
    }
}

async fn answer(
    served: Rc<Served>,
    request: Request<Incoming>,
    peer: SocketAddr,
) -> Result<Response<Full<Bytes>>, Unanswered> {
    if !served.budget.admits(peer.ip()) {
        metric::shed(Side::Wv, "requests");
        return Ok(empty(StatusCode::SERVICE_UNAVAILABLE));
    }
    if request.method() != Method::POST {
        return Ok(empty(StatusCode::METHOD_NOT_ALLOWED));
    }
    let (head, body) = request.into_parts();
    let field = |name| head.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if !ContentType::is_acceptable(field(CONTENT_TYPE)) {
        return Ok(empty(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let limited = Limited::new(body, served.limits.document_bytes_max);
    let body = match tokio::time::timeout(BODY_PATIENCE, limited.collect()).await {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Ok(empty(StatusCode::PAYLOAD_TOO_LARGE)),
        Ok(Err(_)) => return Ok(empty(StatusCode::BAD_REQUEST)),
        Err(_) => return Ok(empty(StatusCode::REQUEST_TIMEOUT)),
    };
    served.received.count(body.len());
    let document = match Document::read(&body, &served.limits) {
        Ok(document) => document,
        Err(error) => {
            tracing::debug!(side = "wv", %peer, %error, "a post that cannot be read");
            return Ok(empty(StatusCode::BAD_REQUEST));
        }
    };
    let is_setup = matches!(document.body, Body::Setup(_));
    let host = field(HOST).filter(|_| is_setup);
    let host = host.map(|host| host.rsplit_once(':').map_or(host, |(name, _)| name).to_lowercase());
    count_quirks(&SspQuirk::seen_in(&body));
    let hash = Document::hash_of_transactions(&body);
    let carrier = if served.tls.is_some() { Carrier::Https } else { Carrier::Http };
    let line = Line { carrier, local: served.local, remote: Some(peer) };
    match served.adapter.receive(IncomingDocument { document, hash, host, octets: body, line }).await {
        Ok(Verdict::Taken) => {
            if !is_setup {
                // All users of a home server come from one address.
                served.budget.give_back(peer.ip());
            }
            Ok(empty(StatusCode::OK))
        }
        Ok(Verdict::Closed) => Err(Unanswered),
        // It could not be kept.
        Err(_) => Ok(empty(StatusCode::SERVICE_UNAVAILABLE)),
    }
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = status;
    response
}

/// How long the TLS of a connection may take to be agreed.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);

/// How long a connection may be silent between two posts.
const IDLE_PATIENCE: Duration = Duration::from_secs(300);

/// How long a body may take to arrive.
const BODY_PATIENCE: Duration = Duration::from_secs(15);

/// Header fields of one request.
const HEADERS_MAX: usize = 64;

/// Octets of the head of one request, and of what is read at once.
const HEAD_OCTETS_MAX: usize = 16 * 1024;
