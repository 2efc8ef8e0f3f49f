//! Posts to peers: connections are kept open and used again.

use crate::{
    observe::wire::{Carrier, Line},
    resolver::{Resolver, SrvRecord},
    tls::TlsTrust,
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, Request, StatusCode, Uri,
    client::conn::http1::{SendRequest, handshake},
    header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue},
};
use hyper_util::rt::TokioIo;
use mapping::{correlation::Correlation, side::Side};
use std::{cell::RefCell, collections::HashMap, io, net::SocketAddr, rc::Rc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::rustls::pki_types::ServerName;
use wv_proto::ssp::{ContentType, association::PostResult};

/// Where a peer is.
#[derive(Clone, Debug)]
pub struct Target {
    /// Name or address of the host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Both, as the header Host says them.
    pub authority: String,
    /// The path; `/` where nothing else is configured.
    pub path: String,
    /// Whom to believe that it is there; none for plain HTTP.
    pub tls: Option<TlsTrust>,
    /// Whether DNS is asked for the servers of the host.
    pub discovery: Discovery,
}

// WV-SSP-16
/// Whether DNS is asked for the servers of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discovery {
    /// No: the host is the server.
    None,
    /// First; where it names nobody, the host is the server.
    First,
    /// Nobody else is asked.
    Only,
}

impl Target {
    /// Whoever DNS names for the domain.
    #[must_use]
    pub fn of_domain(domain: &str) -> Self {
        Self {
            host: domain.to_owned(),
            port: 80,
            authority: domain.to_owned(),
            path: "/".to_owned(),
            tls: None,
            discovery: Discovery::Only,
        }
    }
}

/// One post.
#[derive(Debug)]
pub(super) struct Posting {
    pub(super) index: usize,
    pub(super) number: u64,
    pub(super) target: Target,
    pub(super) body: Bytes,
    pub(super) transaction: Option<String>,
    pub(super) session: Option<String>,
    pub(super) title: String,
    pub(super) correlation: Correlation,
}

impl Target {
    /// Whether it is reached in the same way. Certificates do not count: they are read anew each time.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let way =
            |target: &Self| (target.authority.clone(), target.path.clone(), target.tls.is_some(), target.discovery);
        way(self) == way(other)
    }

    /// The way there, as far as it is known before a connection is open.
    pub(in crate::wv) fn to_line(&self) -> Line {
        let remote = self.host.parse().ok().map(|ip| SocketAddr::new(ip, self.port));
        Line { carrier: if self.tls.is_some() { Carrier::Https } else { Carrier::Http }, local: None, remote }
    }
}

type Sender = SendRequest<Full<Bytes>>;

/// The connections.
pub(super) struct PostClient {
    resolver: Rc<Resolver>,
    idle: RefCell<HashMap<(String, u16), Vec<Sender>>>,
}

impl PostClient {
    /// None yet; names are looked up there.
    pub(super) fn new(resolver: Rc<Resolver>) -> Self {
        Self { resolver, idle: RefCell::default() }
    }

    /// Posts, and says what became of it.
    pub(super) async fn post(&self, posting: Posting) -> PostResult {
        let Some(request) = posting.to_request() else { return PostResult::BadRequest };
        crate::observe::metric::message(Side::Wv, crate::observe::Direction::Out, posting.body.len());
        let key = (posting.target.host.clone(), posting.target.port);
        while let Some(mut sender) = self.take(&key) {
            if sender.ready().await.is_err() {
                continue;
            }
            match exchange(&mut sender, request.clone()).await {
                Ok(result) => return self.put_back(key, sender, result),
                // The peer may have closed it before it saw the request: a new one tells.
                Err(Fault::Broken) => break,
                Err(Fault::Silent) => return PostResult::Unanswered,
            }
        }
        let connecting = tokio::time::timeout(CONNECT_PATIENCE, self.connect(&posting.target));
        let Ok(Ok(mut sender)) = connecting.await else { return PostResult::Unreachable };
        match exchange(&mut sender, request).await {
            Ok(result) => self.put_back(key, sender, result),
            Err(Fault::Broken | Fault::Silent) => PostResult::Unanswered,
        }
    }

    // WV-SSP-16
    /// Connects to the first server of the target that can be reached.
    async fn connect(&self, target: &Target) -> io::Result<Sender> {
        let records = match target.discovery {
            Discovery::None => Vec::new(),
            Discovery::First | Discovery::Only => {
                Rc::clone(&self.resolver).service(&format!("_imps-server._tcp.{}", target.host)).await
            }
        };
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        if records.is_empty() && target.discovery != Discovery::Only {
            return connect(target, TcpStream::connect((target.host.as_str(), target.port)).await?).await;
        }
        for record in records {
            match self.reach(&record).await {
                Ok(stream) => return connect(target, stream).await,
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn reach(&self, record: &SrvRecord) -> io::Result<TcpStream> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in Rc::clone(&self.resolver).addresses(&record.target).await {
            match tokio::time::timeout(SERVER_PATIENCE, TcpStream::connect((address, record.port))).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = error,
                Err(_) => last = io::Error::from(io::ErrorKind::TimedOut),
            }
        }
        Err(last)
    }

    /// Nothing goes over the connections to there any more.
    pub(super) fn forget(&self, target: &Target) {
        self.idle.borrow_mut().remove(&(target.host.clone(), target.port));
    }

    fn take(&self, key: &(String, u16)) -> Option<Sender> {
        self.idle.borrow_mut().get_mut(key)?.pop()
    }

    fn put_back(&self, key: (String, u16), sender: Sender, result: PostResult) -> PostResult {
        let mut idle = self.idle.borrow_mut();
        let senders = idle.entry(key).or_default();
        senders.retain(|sender| !sender.is_closed());
        if senders.len() < IDLE_MAX && !sender.is_closed() {
            senders.push(sender);
        }
        result
    }
}

impl Posting {
    fn to_request(&self) -> Option<Request<Full<Bytes>>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.target.path.parse::<Uri>().ok()?;
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_str(&self.target.authority).ok()?);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(ContentType::TEXT));
        let fields = [(TRANSACTION, &self.transaction), (SESSION, &self.session)];
        for (name, value) in fields {
            if let Some(value) = value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()) {
                headers.insert(name, value);
            }
        }
        Some(request)
    }
}

enum Fault {
    /// The connection ended before the answer.
    Broken,
    /// Nothing came in time.
    Silent,
}

async fn exchange(sender: &mut Sender, request: Request<Full<Bytes>>) -> Result<PostResult, Fault> {
    let answering = async {
        let response = sender.send_request(request).await.map_err(|_| Fault::Broken)?;
        let status = response.status();
        // What is in it says nothing, and has to be read for the connection to be used again.
        let _ = Limited::new(response.into_body(), ANSWER_OCTETS_MAX).collect().await;
        Ok(match status {
            status if status.is_success() => PostResult::Taken,
            StatusCode::BAD_REQUEST => PostResult::BadRequest,
            _ => PostResult::Refused,
        })
    };
    tokio::time::timeout(ANSWER_PATIENCE, answering).await.unwrap_or(Err(Fault::Silent))
}

async fn connect(target: &Target, stream: TcpStream) -> io::Result<Sender> {
    // Small posts must not wait for each other.
    let _ = stream.set_nodelay(true);
    match &target.tls {
        None => converse(stream).await,
        Some(trust) => {
            let connector = trust.connector().ok_or_else(|| io::Error::other("nobody is believed"))?;
            let name = ServerName::try_from(target.host.clone()).map_err(io::Error::other)?;
            converse(Box::pin(connector.connect(name, stream)).await?).await
        }
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin + 'static) -> io::Result<Sender> {
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    tokio::task::spawn_local(async move {
        if let Err(error) = connection.await {
            tracing::debug!(side = "wv", %error, "connection to a peer ended");
        }
    });
    Ok(sender)
}

const TRANSACTION: HeaderName = HeaderName::from_static("x-wv-transactionid");
const SESSION: HeaderName = HeaderName::from_static("x-wv-sessionid");

/// How long a connection may take to be made.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// How long one of several servers may take to be reached.
const SERVER_PATIENCE: Duration = Duration::from_secs(2);

/// How long the peer may take over a post: it executes what is in it first.
const ANSWER_PATIENCE: Duration = Duration::from_secs(15);

/// Connections to one peer that are kept open.
const IDLE_MAX: usize = 8;

/// Octets of an answer; it should be empty.
const ANSWER_OCTETS_MAX: usize = 64 * 1024;
