//! CSP over HTTP: connections in, posts to the sessions, replies out. One task per connection, on the lane's thread.

use super::session::{IncomingPost, WvAdapter};
use crate::observe::{Direction, metric};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use mapping::side::Side;
use std::{
    cell::RefCell, collections::HashMap, convert::Infallible, net::IpAddr, net::SocketAddr, rc::Rc, time::Duration,
};
use tokio::{net::TcpListener, sync::watch};

/// What bounds the listener.
#[derive(Clone, Debug)]
pub struct ListenerSettings {
    /// Path that is served, besides `/`.
    pub path: String,
    /// Largest body in octets.
    pub body_octets_max: usize,
    /// Connections at once.
    pub connections_max: usize,
    /// Requests per second and source address.
    pub requests_per_s_per_source: u32,
    /// How long a client may take over the head of a request, and how long a connection may be silent.
    pub patience: Duration,
}

impl Default for ListenerSettings {
    fn default() -> Self {
        Self {
            path: "/csp".to_owned(),
            body_octets_max: wv_proto::limit::Limits::default().document_bytes_max,
            connections_max: 16_384,
            requests_per_s_per_source: 200,
            // Phones poll every few seconds to minutes over one connection.
            patience: Duration::from_secs(120),
        }
    }
}

impl ListenerSettings {
    /// What the address for SHTTP that ends with this path names a session by.
    fn cir_token<'a>(&self, path: &'a str) -> Option<&'a str> {
        let behind = path.strip_prefix(self.path.trim_end_matches('/')).unwrap_or(path);
        behind.strip_prefix(CIR_PATH).or_else(|| path.strip_prefix(CIR_PATH))
    }
}

struct Served {
    settings: ListenerSettings,
    adapter: WvAdapter,
    received: metric::Traffic,
    sent: metric::Traffic,
    connections: RefCell<usize>,
    spent: RefCell<(std::time::Instant, HashMap<IpAddr, u32>)>,
}

/// Serves until `stop` becomes true; connections under way may finish what they have begun.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve(
    listener: std::net::TcpListener,
    settings: ListenerSettings,
    adapter: WvAdapter,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    #[allow(clippy::disallowed_methods, reason = "a budget per second, not part of any machine")]
    let start = std::time::Instant::now();
    let served = Rc::new(Served {
        settings,
        adapter,
        received: metric::Traffic::of(Side::Wv, Direction::In),
        sent: metric::Traffic::of(Side::Wv, Direction::Out),
        connections: RefCell::new(0),
        spent: RefCell::new((start, HashMap::new())),
    });
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => return Ok(()),
        };
        match accepted {
            Ok((stream, peer)) => {
                if *served.connections.borrow() >= served.settings.connections_max {
                    metric::shed(Side::Wv, "connections");
                    continue;
                }
                // Small answers must not wait for each other.
                let _ = stream.set_nodelay(true);
                *served.connections.borrow_mut() += 1;
                tokio::task::spawn_local(connection(Rc::clone(&served), stream, peer, stop.clone()));
            }
            Err(error) => {
                // Out of descriptors, for instance: wait until some are free again.
                tracing::warn!(side = "wv", %error, "accepting a connection failed");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(
    served: Rc<Served>,
    stream: tokio::net::TcpStream,
    peer: SocketAddr,
    mut stop: watch::Receiver<bool>,
) {
    let answering = Rc::clone(&served);
    let service = service_fn(move |request| answer(Rc::clone(&answering), request, peer));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(served.settings.patience)
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
        tracing::debug!(side = "wv", %peer, %error, "connection ended");
    }
    *served.connections.borrow_mut() -= 1;
}

async fn answer(
    served: Rc<Served>,
    request: Request<Incoming>,
    peer: SocketAddr,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if !served.admits(peer.ip()) {
        metric::shed(Side::Wv, "requests");
        return Ok(with_header(plain(StatusCode::SERVICE_UNAVAILABLE), RETRY_AFTER, "2"));
    }
    let path = request.uri().path();
    if let Some(token) = served.settings.cir_token(path) {
        // WV-CIR-06
        let is_question = matches!(*request.method(), Method::GET | Method::HEAD);
        return Ok(match served.adapter.cir_asked(token).filter(|_| is_question) {
            Some(true) => {
                metric::wake_up("SHTTP");
                plain(StatusCode::OK)
            }
            Some(false) => plain(StatusCode::NO_CONTENT),
            None if is_question => plain(StatusCode::NOT_FOUND),
            None => with_header(plain(StatusCode::METHOD_NOT_ALLOWED), ALLOW, "GET, HEAD"),
        });
    }
    if path != served.settings.path && path != "/" {
        return Ok(plain(StatusCode::NOT_FOUND));
    }
    if request.method() != Method::POST {
        return Ok(with_header(plain(StatusCode::METHOD_NOT_ALLOWED), ALLOW, "POST"));
    }
    let field =
        |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
    let (content_type, user_agent) = (field(CONTENT_TYPE), field(USER_AGENT));
    let limited = Limited::new(request.into_body(), served.settings.body_octets_max);
    let body = match tokio::time::timeout(BODY_PATIENCE, limited.collect()).await {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE)),
        Ok(Err(_)) => return Ok(plain(StatusCode::BAD_REQUEST)),
        Err(_) => return Ok(plain(StatusCode::REQUEST_TIMEOUT)),
    };
    served.received.count(body.len());
    let reply = served.adapter.post(IncomingPost { body, content_type, user_agent, source: peer }).await;
    let Ok(reply) = reply else { return Ok(plain(StatusCode::SERVICE_UNAVAILABLE)) };
    served.sent.count(reply.body.len());
    // WV-HTTP-05: always 200, and a declared length of zero where there is nothing to say.
    let mut response = Response::new(Full::new(reply.body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type.as_str()));
    Ok(response)
}

impl Served {
    #[allow(clippy::disallowed_methods, reason = "a budget per second, not part of any machine")]
    fn admits(&self, source: IpAddr) -> bool {
        let mut spent = self.spent.borrow_mut();
        if spent.0.elapsed() >= Duration::from_secs(1) {
            spent.0 = std::time::Instant::now();
            spent.1.clear();
        }
        let count = spent.1.entry(source).or_insert(0);
        *count = count.saturating_add(1);
        *count <= self.settings.requests_per_s_per_source
    }
}

fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = status;
    response
}

fn with_header(
    mut response: Response<Full<Bytes>>,
    name: hyper::header::HeaderName,
    value: &'static str,
) -> Response<Full<Bytes>> {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}

/// What stands between the path of the server and the token of a session in the address for SHTTP.
pub const CIR_PATH: &str = "/cir/";

/// Header fields of one request; phones send a dozen.
const HEADERS_MAX: usize = 64;

/// Octets of the head of one request, and of what is read at once.
const HEAD_OCTETS_MAX: usize = 16 * 1024;

/// How long a body may take to arrive.
const BODY_PATIENCE: Duration = Duration::from_secs(15);
