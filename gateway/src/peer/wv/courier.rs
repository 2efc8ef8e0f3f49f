//! The phone's HTTP connection: one message out, one answer in, over one connection that is opened again when it is gone.

use crate::peer::tap::Tap;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, Request, Uri,
    client::conn::http1::{Builder, SendRequest},
    header::{CONTENT_TYPE, HOST, HeaderValue, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::{
    net::TcpStream,
    sync::mpsc,
    task::{AbortHandle, JoinHandle},
};
use wv_proto::version::ContentType;

/// Where messages are posted.
#[derive(Clone, Debug)]
pub(in crate::peer) struct Destination {
    authority: String,
    host: String,
    port: u16,
    path: String,
}

/// The body of an answer and its type.
#[derive(Debug)]
pub(in crate::peer) struct Answer {
    pub(in crate::peer) body: Bytes,
    pub(in crate::peer) content_type: Option<ContentType>,
}

/// Why a message has no answer.
#[derive(Debug, thiserror::Error)]
pub(in crate::peer) enum CourierError {
    #[error("{0} cannot be reached: {1}")]
    Unreachable(String, std::io::Error),
    #[error("the connection broke: {0}")]
    Broken(#[from] hyper::Error),
    #[error("the server answered HTTP {0}")]
    Refused(u16),
    #[error("the answer cannot be read: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
    #[error("no answer within {} s", REPLY_PATIENCE.as_secs())]
    Silent,
}

/// What a courier is handed.
#[derive(Debug)]
enum Errand {
    /// A message to post, and its type.
    Post(HeaderValue, Bytes),
    /// The connection is to be broken.
    Cut,
}

/// Posts messages in a task of its own, one after another.
#[derive(Debug)]
pub(in crate::peer) struct Courier {
    errands: mpsc::Sender<Errand>,
    answers: mpsc::Receiver<Result<Answer, CourierError>>,
    task: JoinHandle<()>,
}

impl Destination {
    /// Reads `http://host:port/path`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(in crate::peer) fn parse(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|error| format!("{error}"))?;
        if uri.scheme_str() != Some("http") {
            return Err("write http://HOST:PORT/PATH".to_owned());
        }
        let authority = uri.authority().ok_or("the host is missing")?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            authority: authority.to_string(),
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            path: path.to_owned(),
        })
    }
}

impl Courier {
    /// A courier to this destination; it connects with the first message. Needs a Tokio runtime.
    pub(in crate::peer) fn start(destination: Destination, tap: Tap) -> Self {
        let (errands, outgoing) = mpsc::channel(ERRANDS_MAX);
        let (incoming, answers) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            Line { destination, tap, open: None }.serve(outgoing, incoming).await;
        });
        Self { errands, answers, task }
    }

    /// Hands a message over. There must be none under way.
    pub(in crate::peer) async fn post(&self, content_type: &str, message: Bytes) {
        let content_type = HeaderValue::from_str(content_type).unwrap_or_else(|_| HeaderValue::from_static(UNKNOWN));
        // The task ends with this value only.
        let _ = self.errands.send(Errand::Post(content_type, message)).await;
    }

    /// Breaks the connection; the next message opens another one.
    pub(in crate::peer) async fn cut(&self) {
        // The task ends with this value only.
        let _ = self.errands.send(Errand::Cut).await;
    }

    /// The answer to the message under way. Cancel-safe.
    pub(in crate::peer) async fn answer(&mut self) -> Result<Answer, CourierError> {
        self.answers.recv().await.unwrap_or(Err(CourierError::Silent))
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Line {
    destination: Destination,
    tap: Tap,
    open: Option<Open>,
}

/// An open connection; its driver ends with it.
struct Open {
    sender: SendRequest<Full<Bytes>>,
    driver: AbortHandle,
}

impl Line {
    async fn serve(mut self, mut errands: mpsc::Receiver<Errand>, answers: mpsc::Sender<Result<Answer, CourierError>>) {
        while let Some(errand) = errands.recv().await {
            let Errand::Post(content_type, message) = errand else {
                self.open = None;
                continue;
            };
            let answer = self.deliver(&content_type, message).await;
            if answers.send(answer).await.is_err() {
                return;
            }
        }
    }

    /// Posts a message, again when the connection was refused or broke under it: the server recognises a repeated
    /// message by its transaction identifier.
    async fn deliver(&mut self, content_type: &HeaderValue, message: Bytes) -> Result<Answer, CourierError> {
        let mut wait = BACK_OFF;
        let mut attempt: u32 = 1;
        loop {
            let result = match tokio::time::timeout(REPLY_PATIENCE, self.attempt(content_type, message.clone())).await {
                Ok(result) => result,
                Err(_) => Err(CourierError::Silent),
            };
            match result {
                Err(CourierError::Unreachable(..) | CourierError::Broken(_)) if attempt < ATTEMPTS_MAX => {
                    self.open = None;
                    // A connection that had been silent too long is simply opened again.
                    if attempt > 1 {
                        tokio::time::sleep(wait).await;
                        wait = wait.saturating_mul(2).min(BACK_OFF_MAX);
                    }
                    attempt = attempt.saturating_add(1);
                }
                Err(error) => {
                    self.open = None;
                    return Err(error);
                }
                Ok(answer) => return Ok(answer),
            }
        }
    }

    async fn attempt(&mut self, content_type: &HeaderValue, message: Bytes) -> Result<Answer, CourierError> {
        let request = self.request(content_type, message);
        let mut open = match self.open.take().filter(|open| !open.sender.is_closed()) {
            Some(open) => open,
            None => self.connect().await?,
        };
        open.sender.ready().await?;
        let response = open.sender.send_request(request).await?;
        let status = response.status().as_u16();
        let field = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = field.and_then(ContentType::parse);
        let body = Limited::new(response.into_body(), BODY_OCTETS_MAX).collect().await.map_err(CourierError::Body)?;
        self.open = Some(open);
        if status != 200 {
            return Err(CourierError::Refused(status));
        }
        Ok(Answer { body: body.to_bytes(), content_type })
    }

    fn request(&self, content_type: &HeaderValue, message: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(message));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.destination.path.parse().unwrap_or_default();
        let headers = request.headers_mut();
        if let Ok(host) = HeaderValue::from_str(&self.destination.authority) {
            headers.insert(HOST, host);
        }
        headers.insert(CONTENT_TYPE, content_type.clone());
        headers.insert(USER_AGENT, HeaderValue::from_static("wv-simple-gateway-peer"));
        request
    }

    async fn connect(&self) -> Result<Open, CourierError> {
        let Destination { host, port, authority, .. } = &self.destination;
        let unreachable = |error| CourierError::Unreachable(authority.clone(), error);
        let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(unreachable)?;
        // Small messages must not wait for each other.
        let _ = stream.set_nodelay(true);
        let mut builder = Builder::new();
        // Old servers know names of header fields as they were always written, and write what they like.
        builder
            .title_case_headers(true)
            .ignore_invalid_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true)
            .allow_obsolete_multiline_headers_in_responses(true);
        let (sender, connection) = builder.handshake(TokioIo::new(self.tap.listen(stream))).await?;
        let driver = tokio::spawn(async move {
            // What broke it is told by the request under way.
            let _ = connection.await;
        });
        Ok(Open { sender, driver: driver.abort_handle() })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// How long a phone waits for an answer.
const REPLY_PATIENCE: Duration = Duration::from_secs(45);

/// A message, and the order to break the connection before it.
const ERRANDS_MAX: usize = 4;
/// What a type is called that cannot be written.
const UNKNOWN: &str = "application/octet-stream";

/// Attempts for one message: long enough for a server that is started again.
const ATTEMPTS_MAX: u32 = 8;
const BACK_OFF: Duration = Duration::from_millis(50);
const BACK_OFF_MAX: Duration = Duration::from_secs(2);

/// An answer larger than a gateway ever writes.
const BODY_OCTETS_MAX: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    #[test]
    fn a_url_names_host_port_and_path() {
        let destination = Destination::parse("http://[::1]:8080/csp").unwrap();
        assert_eq!((destination.host.as_str(), destination.port, destination.path.as_str()), ("::1", 8080, "/csp"));
        assert_eq!(Destination::parse("http://wv.example").unwrap().path, "/");
        for bad in ["https://wv.example/", "wv.example:80", "http://"] {
            assert!(Destination::parse(bad).is_err(), "{bad}");
        }
    }

    /// Answers one request on a connection and closes it after that.
    async fn answer_one(listener: &TcpListener, answer: &str) {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"hello") {
            assert!(stream.read_buf(&mut seen).await.unwrap() > 0);
        }
        let length = answer.len();
        let text = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{answer}");
        stream.write_all(text.as_bytes()).await.unwrap();
    }

    #[test]
    fn a_connection_that_is_gone_is_opened_again() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/csp", listener.local_addr().unwrap());
            let mut courier = Courier::start(Destination::parse(&url).unwrap(), Tap::default());
            for answer in ["one", "two"] {
                courier.post(ContentType::CspXml.as_str(), Bytes::from_static(b"hello")).await;
                let ((), got) = tokio::join!(answer_one(&listener, answer), courier.answer());
                assert_eq!(got.unwrap().body, answer.as_bytes());
            }
        });
    }
}
