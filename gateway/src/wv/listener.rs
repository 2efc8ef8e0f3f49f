//! CSP over HTTP: connections in, posts to the sessions, replies out. One task per connection, on the lane's thread.

use super::{
    budget::Budget,
    connection::{HttpServer, Stream},
    session::{IncomingPost, WvAdapter},
};
use crate::{
    config::{section::ClearPasswords, value::Network},
    observe::{
        Direction, metric,
        wire::{Carrier, Line},
    },
    tls::TlsIdentity,
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{ALLOW, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT},
};
use mapping::side::Side;
use std::{cell::RefCell, net::IpAddr, net::SocketAddr, rc::Rc, time::Duration};
use tokio::{net::TcpListener, sync::watch};
use wv_proto::session::login::Exposure;

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
    /// Whose word on source, TLS and telephone number of a request is believed.
    pub trusted_proxies: Vec<Network>,
    /// The header fields in which a trusted proxy names the telephone number.
    pub msisdn_headers: Vec<HeaderName>,
    /// Where passwords in clear are taken.
    pub clear_passwords: ClearPasswords,
    /// How long a client may take over the head of a request, and how long a connection may be silent.
    pub patience: Duration,
}

/// What a request comes over.
#[derive(Clone, Copy, Debug)]
struct Way {
    peer: SocketAddr,
    local: Option<SocketAddr>,
    carrier: Carrier,
    exposure: Exposure,
}

impl Default for ListenerSettings {
    fn default() -> Self {
        Self {
            path: "/csp".to_owned(),
            body_octets_max: wv_proto::limit::Limits::default().document_bytes_max,
            connections_max: 16_384,
            requests_per_s_per_source: 200,
            trusted_proxies: Vec::new(),
            msisdn_headers: Vec::new(),
            clear_passwords: ClearPasswords::Protected,
            // Phones poll every few seconds to minutes over one connection.
            patience: Duration::from_secs(120),
        }
    }
}

/// Where a request truly comes from.
struct Origin {
    source: SocketAddr,
    exposure: Exposure,
    msisdn: Option<String>,
}

impl ListenerSettings {
    /// Where a request comes from, by the word of trusted proxies.
    // WV-ACC-02
    fn origin(&self, way: Way, headers: &HeaderMap) -> Origin {
        let is_trusted = |address: IpAddr| self.trusted_proxies.iter().any(|network| network.contains(address));
        let insecure = self.clear_passwords == ClearPasswords::InsecureEverywhere;
        let mut origin = Origin { source: way.peer, exposure: way.exposure, msisdn: None };
        if is_trusted(way.peer.ip()) {
            let field = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
            // The last address that is not a proxy of ours: everything before it is hearsay.
            let chain = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
            let chain: Vec<IpAddr> = chain.flat_map(|value| value.split(',')).map_while(address_of).collect();
            let client = chain.iter().rev().find(|address| !is_trusted(**address)).or(chain.first());
            if let Some(client) = client {
                origin.source = SocketAddr::new(*client, 0);
            }
            match field(&FORWARDED_PROTO) {
                Some(scheme) if scheme.eq_ignore_ascii_case("https") => origin.exposure = Exposure::Protected,
                Some(_) => origin.exposure = Exposure::Open,
                None => {}
            }
            origin.msisdn =
                self.msisdn_headers.iter().find_map(field).filter(|text| is_number(text)).map(str::to_owned);
        }
        if insecure {
            origin.exposure = Exposure::Protected;
        }
        origin
    }

    /// What the address for SHTTP that ends with this path names a session by.
    fn cir_token<'a>(&self, path: &'a str) -> Option<&'a str> {
        let behind = path.strip_prefix(self.path.trim_end_matches('/')).unwrap_or(path);
        behind.strip_prefix(CIR_PATH).or_else(|| path.strip_prefix(CIR_PATH))
    }
}

struct Served {
    settings: ListenerSettings,
    server: Rc<HttpServer>,
    adapter: WvAdapter,
    received: metric::Traffic,
    sent: metric::Traffic,
    tls: Option<TlsIdentity>,
    connections: RefCell<usize>,
    budget: Budget,
}

/// Serves until `stop` becomes true; connections under way may finish what they have begun.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve(
    listener: std::net::TcpListener,
    settings: ListenerSettings,
    adapter: WvAdapter,
    tls: Option<TlsIdentity>,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let served = Rc::new(Served {
        budget: Budget::new(settings.requests_per_s_per_source),
        server: Rc::new(HttpServer::new(settings.patience)),
        settings,
        adapter,
        received: metric::Traffic::of(Side::Wv, Direction::In),
        sent: metric::Traffic::of(Side::Wv, Direction::Out),
        tls,
        connections: RefCell::new(0),
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
                let open = Open::count(&served);
                let local = stream.local_addr().ok();
                match &served.tls {
                    None => {
                        let is_inside = local.is_some_and(|own| own.ip().is_loopback());
                        let exposure = if is_inside { Exposure::Protected } else { Exposure::Open };
                        let way = Way { peer, local, carrier: Carrier::Http, exposure };
                        tokio::task::spawn_local(converse(open, stream, way, stop.clone()));
                    }
                    Some(identity) => {
                        let identity = identity.clone();
                        tokio::task::spawn_local(secure(open, identity, stream, (peer, local), stop.clone()));
                    }
                }
            }
            Err(error) => {
                // Out of descriptors, for instance: wait until some are free again.
                tracing::warn!(side = "wv", %error, "accepting a connection failed");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// A connection that counts for as long as it is open.
struct Open(Rc<Served>);

impl Open {
    fn count(served: &Rc<Served>) -> Self {
        *served.connections.borrow_mut() += 1;
        Self(Rc::clone(served))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        *self.0.connections.borrow_mut() -= 1;
    }
}

/// Agrees on TLS first.
async fn secure(
    open: Open,
    identity: TlsIdentity,
    stream: tokio::net::TcpStream,
    (peer, local): (SocketAddr, Option<SocketAddr>),
    stop: watch::Receiver<bool>,
) {
    let handshake = Box::pin(identity.acceptor().accept(stream));
    match tokio::time::timeout(HANDSHAKE_PATIENCE, handshake).await {
        Ok(Ok(stream)) => {
            let way = Way { peer, local, carrier: Carrier::Https, exposure: Exposure::Protected };
            Box::pin(converse(open, stream, way, stop)).await;
        }
        Ok(Err(error)) => tracing::debug!(side = "wv", %peer, %error, "no TLS"),
        Err(_) => tracing::debug!(side = "wv", %peer, "no TLS in time"),
    }
}

/// Answers the requests of a connection until it ends.
fn converse(open: Open, stream: impl Stream, way: Way, stop: watch::Receiver<bool>) -> impl Future<Output = ()> {
    let answering = Rc::clone(&open.0);
    let service = move |request| answer(Rc::clone(&answering), request, way);
    let conversation = Rc::clone(&open.0.server).converse(stream, service, stop);
    async move {
        if let Err(error) = conversation.await {
            tracing::debug!(side = "wv", peer = %way.peer, %error, "connection ended");
        }
        drop(open);
    }
}

async fn answer(served: Rc<Served>, request: Request<Incoming>, way: Way) -> Response<Full<Bytes>> {
    let origin = served.settings.origin(way, request.headers());
    if !served.budget.admits(origin.source.ip()) {
        metric::shed(Side::Wv, "requests");
        return with_header(plain(StatusCode::SERVICE_UNAVAILABLE), RETRY_AFTER, "2");
    }
    let path = request.uri().path();
    if let Some(token) = served.settings.cir_token(path) {
        // WV-CIR-06
        let is_question = matches!(*request.method(), Method::GET | Method::HEAD);
        return match served.adapter.cir_asked(token).filter(|_| is_question) {
            Some(true) => {
                metric::wake_up("SHTTP");
                plain(StatusCode::OK)
            }
            Some(false) => plain(StatusCode::NO_CONTENT),
            None if is_question => plain(StatusCode::NOT_FOUND),
            None => with_header(plain(StatusCode::METHOD_NOT_ALLOWED), ALLOW, "GET, HEAD"),
        };
    }
    if path != served.settings.path && path != "/" {
        return plain(StatusCode::NOT_FOUND);
    }
    if request.method() != Method::POST {
        return with_header(plain(StatusCode::METHOD_NOT_ALLOWED), ALLOW, "POST");
    }
    let field =
        |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
    let (content_type, user_agent) = (field(CONTENT_TYPE), field(USER_AGENT));
    let is_at_root = path == "/";
    let limited = Limited::new(request.into_body(), served.settings.body_octets_max);
    let body = match tokio::time::timeout(BODY_PATIENCE, limited.collect()).await {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return plain(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Err(_)) => return plain(StatusCode::BAD_REQUEST),
        Err(_) => return plain(StatusCode::REQUEST_TIMEOUT),
    };
    served.received.count(body.len());
    let Origin { source, exposure, msisdn } = origin;
    let path = if is_at_root { "/" } else { &served.settings.path };
    let line = Line { carrier: way.carrier, local: way.local, remote: Some(way.peer) };
    let post = IncomingPost { body, content_type, user_agent, source, exposure, msisdn };
    let reply = served.adapter.post_over(line, path, post).await;
    let Ok(reply) = reply else { return plain(StatusCode::SERVICE_UNAVAILABLE) };
    served.sent.count(reply.body.len());
    // WV-HTTP-05: always 200, and a declared length of zero where there is nothing to say.
    let mut response = Response::new(Full::new(reply.body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type.as_str()));
    response
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

/// An entry of X-Forwarded-For: an address, with or without port.
fn address_of(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let plain = entry.trim_matches(['[', ']']).parse().ok();
    plain.or_else(|| entry.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

fn is_number(text: &str) -> bool {
    let digits = text.trim_start_matches('+');
    !digits.is_empty() && digits.len() <= 15 && digits.bytes().all(|octet| octet.is_ascii_digit())
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// How long the TLS of a connection may take to be agreed.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);

/// How long a body may take to arrive.
const BODY_PATIENCE: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(settings: &ListenerSettings, peer: &str, fields: &[(&'static str, &str)]) -> Origin {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let peer = peer.parse().unwrap();
        settings.origin(Way { peer, local: None, carrier: Carrier::Http, exposure: Exposure::Open }, &headers)
    }

    fn behind_a_proxy() -> ListenerSettings {
        ListenerSettings {
            trusted_proxies: vec![Network::parse("10.0.0.0/8").unwrap()],
            msisdn_headers: vec![HeaderName::from_static("msisdn")],
            ..ListenerSettings::default()
        }
    }

    #[test]
    fn wv_acc_02_a_trusted_proxy_says_where_a_request_comes_from() {
        let settings = behind_a_proxy();
        let fields = [("x-forwarded-for", "203.0.113.9, 198.51.100.7"), ("x-forwarded-for", "10.0.0.3")];
        let told = origin(&settings, "10.0.0.2:4000", &fields);
        assert_eq!(told.source.ip().to_string(), "198.51.100.7", "the last one that is not ours");
        assert_eq!(told.exposure, Exposure::Open);
        let told = origin(&settings, "10.0.0.2:4000", &[("x-forwarded-proto", "https"), ("msisdn", "+4915112345678")]);
        assert_eq!((told.exposure, told.msisdn.as_deref()), (Exposure::Protected, Some("+4915112345678")));
        assert_eq!(origin(&settings, "10.0.0.2:4000", &[("msisdn", "alice")]).msisdn, None);
    }

    #[test]
    fn wv_acc_02_the_word_of_strangers_counts_for_nothing() {
        let fields = [("x-forwarded-for", "127.0.0.1"), ("x-forwarded-proto", "https"), ("msisdn", "+4915112345678")];
        let told = origin(&behind_a_proxy(), "203.0.113.9:4000", &fields);
        assert_eq!((told.source.to_string().as_str(), told.msisdn), ("203.0.113.9:4000", None));
        assert_eq!(told.exposure, Exposure::Open);
    }

    #[test]
    fn wv_acc_01_the_operator_may_take_passwords_everywhere() {
        let settings =
            ListenerSettings { clear_passwords: ClearPasswords::InsecureEverywhere, ..ListenerSettings::default() };
        assert_eq!(origin(&settings, "203.0.113.9:4000", &[]).exposure, Exposure::Protected);
    }

    #[test]
    fn addresses_for_shttp_are_told_from_others() {
        let settings = ListenerSettings::default();
        for (path, token) in [("/csp/cir/ab", Some("ab")), ("/cir/ab", Some("ab")), ("/csp", None), ("/x/cir/ab", None)]
        {
            assert_eq!(settings.cir_token(path), token, "{path}");
        }
    }
}
