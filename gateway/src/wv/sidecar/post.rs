//! Posts to a WV server: a few connections, used again and again, however old the server is.

use crate::wv::ssp::Target;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, Request, Uri,
    client::conn::http1::{Builder, SendRequest},
    header::{CONTENT_TYPE, HOST, HeaderValue, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use std::{cell::RefCell, io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::Semaphore,
};
use tokio_rustls::rustls::pki_types::ServerName;
use wv_proto::{session::standing::Loss, version::ContentType};

type Sender = SendRequest<Full<Bytes>>;

/// The connections to one server.
pub(super) struct PostClient {
    target: Target,
    /// So many posts at once; others wait in order.
    turns: Semaphore,
    idle: RefCell<Vec<Sender>>,
    idle_max: usize,
}

/// The body of an answer, and its type.
#[derive(Debug)]
pub(super) struct Posted {
    pub(super) body: Bytes,
    pub(super) content_type: Option<ContentType>,
}

impl PostClient {
    pub(super) fn new(target: Target, connections_max: usize) -> Self {
        Self {
            target,
            turns: Semaphore::new(connections_max.max(1)),
            idle: RefCell::default(),
            idle_max: connections_max,
        }
    }

    /// Posts, and says what came back.
    pub(super) async fn post(&self, content_type: ContentType, body: Bytes) -> Result<Posted, Loss> {
        let _turn = self.turns.acquire().await.map_err(|_| Loss::Unreached)?;
        let request = self.request(content_type, body).ok_or(Loss::Unreached)?;
        self.exchange(request).await
    }

    /// Whether the server takes connections. An open one says nothing: the far end may be gone without a word.
    pub(super) async fn is_there(&self) -> bool {
        match tokio::time::timeout(CONNECT_PATIENCE, self.connect()).await {
            Ok(Ok(sender)) => {
                self.put_back(sender);
                true
            }
            Ok(Err(_)) | Err(_) => false,
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Posted, Loss> {
        while let Some(mut sender) = self.take() {
            if sender.ready().await.is_err() {
                continue;
            }
            match self.converse(sender, request.clone()).await {
                // The server may have closed it before it saw the request: a new one tells. It is the same message
                // under the same transaction, which is done once.
                Err(Fault::Broken) => break,
                Err(Fault::Silent) => return Err(Loss::Unanswered),
                Ok(posted) => return posted.ok_or(Loss::Unanswered),
            }
        }
        let connecting = tokio::time::timeout(CONNECT_PATIENCE, self.connect());
        let Ok(Ok(sender)) = connecting.await else { return Err(Loss::Unreached) };
        match self.converse(sender, request).await {
            Ok(posted) => posted.ok_or(Loss::Unanswered),
            Err(Fault::Broken | Fault::Silent) => Err(Loss::Unanswered),
        }
    }

    /// None is a status that says that the message was not taken.
    async fn converse(&self, mut sender: Sender, request: Request<Full<Bytes>>) -> Result<Option<Posted>, Fault> {
        let answering = async {
            let response = sender.send_request(request).await.map_err(|_| Fault::Broken)?;
            let status = response.status();
            let field = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
            let content_type = field.and_then(ContentType::parse);
            let body = Limited::new(response.into_body(), ANSWER_OCTETS_MAX).collect().await;
            let Ok(body) = body else { return Ok((sender, None)) };
            let posted = Posted { body: body.to_bytes(), content_type };
            Ok((sender, status.is_success().then_some(posted)))
        };
        let answered = tokio::time::timeout(ANSWER_PATIENCE, answering).await.unwrap_or(Err(Fault::Silent));
        answered.map(|(sender, posted)| {
            self.put_back(sender);
            posted
        })
    }

    fn take(&self) -> Option<Sender> {
        let mut idle = self.idle.borrow_mut();
        idle.retain(|sender| !sender.is_closed());
        idle.pop()
    }

    fn put_back(&self, sender: Sender) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() < self.idle_max && !sender.is_closed() {
            idle.push(sender);
        }
    }

    fn request(&self, content_type: ContentType, body: Bytes) -> Option<Request<Full<Bytes>>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.target.path.parse::<Uri>().ok()?;
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_str(&self.target.authority).ok()?);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type.as_str()));
        headers.insert(USER_AGENT, HeaderValue::from_static("wv-simple-gateway"));
        Some(request)
    }

    async fn connect(&self) -> io::Result<Sender> {
        let stream = TcpStream::connect((self.target.host.as_str(), self.target.port)).await?;
        // Small posts must not wait for each other.
        let _ = stream.set_nodelay(true);
        match &self.target.tls {
            None => shake_hands(stream).await,
            Some(trust) => {
                let connector = trust.connector().ok_or_else(|| io::Error::other("nobody is believed"))?;
                let name = ServerName::try_from(self.target.host.clone()).map_err(io::Error::other)?;
                shake_hands(Box::pin(connector.connect(name, stream)).await?).await
            }
        }
    }
}

enum Fault {
    /// The connection ended before the answer.
    Broken,
    /// Nothing came in time.
    Silent,
}

async fn shake_hands(stream: impl AsyncRead + AsyncWrite + Unpin + 'static) -> io::Result<Sender> {
    let mut builder = Builder::new();
    // Old servers: names of header fields as they were always written, and whatever they write.
    builder
        .title_case_headers(true)
        .ignore_invalid_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true);
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    tokio::task::spawn_local(async move {
        if let Err(error) = connection.await {
            tracing::debug!(side = "wv", %error, "connection to a server ended");
        }
    });
    Ok(sender)
}

/// Asks the address that a server named whether something waits for a session: it does when the status is 200.
// WV-CIR-06
pub(super) async fn ask(url: &str) -> Result<bool, Loss> {
    let uri: Uri = url.trim().parse().map_err(|_| Loss::Unreached)?;
    let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http")).ok_or(Loss::Unreached)?;
    let host = authority.host().trim_matches(['[', ']']).to_owned();
    let asking = async {
        let stream = TcpStream::connect((host.as_str(), authority.port_u16().unwrap_or(80))).await?;
        let mut sender = shake_hands(stream).await?;
        let mut request = Request::new(Full::new(Bytes::new()));
        *request.uri_mut() =
            uri.path_and_query().map_or("/", |path| path.as_str()).parse().map_err(io::Error::other)?;
        let field = HeaderValue::from_str(authority.as_str()).map_err(io::Error::other)?;
        request.headers_mut().insert(HOST, field);
        let response = sender.send_request(request).await.map_err(io::Error::other)?;
        Ok::<bool, io::Error>(response.status() == hyper::StatusCode::OK)
    };
    let answered = tokio::time::timeout(CONNECT_PATIENCE, asking).await;
    answered.map_err(|_| Loss::Unanswered)?.map_err(|_| Loss::Unreached)
}

/// How long a connection may take to be made.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// How long the server may take over an answer: a poll may be held.
const ANSWER_PATIENCE: Duration = Duration::from_secs(20);

/// Octets of an answer: more than is announced to be taken.
const ANSWER_OCTETS_MAX: usize = 4 << 20;
