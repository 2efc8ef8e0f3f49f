//! A JSON document posted to a service of the operator: one request, one connection, one answer within a time.

use crate::tls::{TlsError, TlsTrust};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, Request, Uri,
    client::conn::http1::handshake,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue},
};
use hyper_util::rt::TokioIo;
use std::{io, path::Path, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::rustls::pki_types::ServerName;

/// Where to post.
#[derive(Clone, Debug)]
pub struct HttpTarget {
    host: String,
    port: u16,
    authority: HeaderValue,
    path: Uri,
    /// The name that its certificate has to have, where TLS is spoken.
    certified: Option<ServerName<'static>>,
    trust: TlsTrust,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub enum HttpPostError {
    /// The service cannot be reached.
    #[error("not reached: {0}")]
    Unreachable(#[from] std::io::Error),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(#[from] hyper::Error),
    /// The answer is too long or broke off.
    #[error("the answer cannot be read: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
    /// It took too long.
    #[error("no answer in time")]
    Silent,
}

impl HttpTarget {
    /// Reads `http://host:port/path` or `https://…`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(url: &str) -> Result<Self, &'static str> {
        let uri: Uri = url.parse().map_err(|_| "this is no address")?;
        let is_secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err("write http://HOST:PORT/PATH or https://HOST:PORT/PATH"),
        };
        let authority = uri.authority().ok_or("the host is missing")?;
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let name =
            is_secure.then(|| ServerName::try_from(host.clone()).map_err(|_| "no certificate can be for this host"));
        Ok(Self {
            certified: name.transpose()?,
            host,
            port: authority.port_u16().unwrap_or(if is_secure { 443 } else { 80 }),
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| "the host is no host")?,
            path: uri.path_and_query().map_or("/", |path| path.as_str()).parse().map_err(|_| "the path is no path")?,
            trust: TlsTrust::default(),
        })
    }

    /// Believes the service by the certificates of this file, or by those of the system, where it speaks TLS.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn believe(&mut self, ca_file: Option<&Path>) -> Result<(), TlsError> {
        if self.certified.is_some() {
            self.trust = TlsTrust::open(ca_file)?;
        }
        Ok(())
    }

    /// Host and port, to connect to.
    #[must_use]
    pub fn place(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// The name that its certificate has to have, and who is believed; none without TLS.
    #[must_use]
    pub fn security(&self) -> Option<(&ServerName<'static>, &TlsTrust)> {
        self.certified.as_ref().map(|name| (name, &self.trust))
    }
}

impl HttpAnswer {
    /// Whether the service did what it was asked to.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}

/// Posts a document.
///
/// # Errors
/// When no whole answer comes within the time.
pub async fn post_json(
    target: &HttpTarget,
    token: Option<&str>,
    document: &serde_json::Value,
    patience: Duration,
) -> Result<HttpAnswer, HttpPostError> {
    let exchange = exchange(target, token, document);
    tokio::time::timeout(patience, exchange).await.unwrap_or(Err(HttpPostError::Silent))
}

async fn exchange(
    target: &HttpTarget,
    token: Option<&str>,
    document: &serde_json::Value,
) -> Result<HttpAnswer, HttpPostError> {
    let mut request = Request::new(Full::new(Bytes::from(document.to_string())));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = target.path.clone();
    request.headers_mut().insert(HOST, target.authority.clone());
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(mut value) = token.and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok()) {
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    let stream = TcpStream::connect((target.host.as_str(), target.port)).await?;
    match target.security() {
        None => converse(stream, request).await,
        Some((name, trust)) => {
            let nobody = || io::Error::other("no trusted certificates were read");
            let stream = trust.connector().ok_or_else(nobody)?.connect(name.clone(), stream).await?;
            converse(stream, request).await
        }
    }
}

async fn converse<S>(stream: S, request: Request<Full<Bytes>>) -> Result<HttpAnswer, HttpPostError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    let conversation = async move {
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), BODY_OCTETS_MAX).collect().await.map_err(HttpPostError::Body)?;
        Ok(HttpAnswer { status, body: body.to_bytes() })
    };
    tokio::pin!(conversation);
    tokio::select! {
        answer = &mut conversation => answer,
        // What broke it is told by the conversation.
        _ = connection => conversation.await,
    }
}

/// Octets of an answer; what is asked has short ones.
const BODY_OCTETS_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    #[test]
    fn an_address_is_read_with_and_without_tls() {
        let target = HttpTarget::parse("http://[::1]:9000/push?a=b").unwrap();
        assert_eq!((target.host.as_str(), target.port, target.path.to_string().as_str()), ("::1", 9000, "/push?a=b"));
        assert_eq!(HttpTarget::parse("http://push.example").unwrap().port, 80);
        let secure = HttpTarget::parse("https://push.example/").unwrap();
        assert_eq!((secure.port, secure.security().is_some()), (443, true));
        for bad in ["ftp://push.example/", "push.example", "http://", "https://a..b/"] {
            assert!(HttpTarget::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_document_is_posted_with_its_token_and_a_silent_service_is_given_up() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let target = HttpTarget::parse(&format!("http://{}/push", listener.local_addr().unwrap())).unwrap();
            let document = serde_json::json!({ "a": 1 });
            let serve = async {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut seen = Vec::new();
                while !seen.ends_with(b"{\"a\":1}") {
                    assert!(stream.read_buf(&mut seen).await.unwrap() > 0);
                }
                stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
                String::from_utf8(seen).unwrap()
            };
            let (answer, seen) = tokio::join!(post_json(&target, Some("t"), &document, Duration::from_secs(5)), serve);
            let answer = answer.unwrap();
            assert!(answer.is_success() && answer.body.as_ref() == b"{}");
            assert!(
                seen.starts_with("POST /push HTTP/1.1\r\n") && seen.contains("authorization: Bearer t\r\n"),
                "{seen}"
            );
            let silent = post_json(&target, None, &document, Duration::from_millis(20)).await;
            assert!(matches!(silent, Err(HttpPostError::Silent)), "{silent:?}");
        });
    }
}
