//! How the command line reaches the running process.

use super::token::TokenFiles;
use crate::account::Secret;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1,
    header,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::net::TcpStream;

/// A client of the API of one running process.
#[derive(Debug)]
pub struct AdminClient {
    token: Secret,
    address: SocketAddr,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No process runs on that folder.
    #[error("no gateway is running on the folder {}", .0.display())]
    NotRunning(PathBuf),
    /// The token cannot be read.
    #[error("the admin token in {}: {source}", folder.display())]
    Token {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The connection failed.
    #[error("the gateway at {0} cannot be reached: {1}")]
    Connection(SocketAddr, io::Error),
    /// The gateway refused, and said why.
    #[error("{message}")]
    Refused {
        /// The status of the answer.
        status: u16,
        /// What it said.
        message: String,
    },
    /// It did not answer in time.
    #[error("the gateway does not answer")]
    Late,
    /// It answered something that is no answer.
    #[error("the gateway's answer cannot be read: {0}")]
    Answer(String),
}

impl AdminClient {
    /// A client of the process that runs on the folder.
    ///
    /// # Errors
    /// When none does, or its token cannot be read.
    pub fn open(folder: &Path) -> Result<Self, ClientError> {
        let found = TokenFiles::read(folder);
        let found = found.map_err(|source| ClientError::Token { folder: folder.to_owned(), source })?;
        let (token, mut address) = found.ok_or_else(|| ClientError::NotRunning(folder.to_owned()))?;
        if address.ip().is_unspecified() {
            address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        Ok(Self { token, address })
    }

    /// The address of the console with the token in it, for a browser. The token stays in the browser: what is behind
    /// `#` is not sent.
    #[must_use]
    pub fn console_link(&self) -> String {
        format!("http://{}/#token={}", self.address, self.token.reveal())
    }

    /// Asks and waits for the whole answer; an empty answer is `null`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, ClientError> {
        let exchange = async {
            let response = self.send(method, path, body).await?;
            let status = response.status();
            let collected = Limited::new(response.into_body(), ANSWER_OCTETS_MAX).collect().await;
            let octets = collected.map_err(|error| ClientError::Answer(error.to_string()))?.to_bytes();
            if octets.is_empty() && status.is_success() {
                return Ok(Value::Null);
            }
            let value = serde_json::from_slice::<Value>(&octets);
            if status.is_success() {
                return value.map_err(|error| ClientError::Answer(error.to_string()));
            }
            Err(refused(status, value.ok().as_ref(), &octets))
        };
        tokio::time::timeout(CALL_WAIT, exchange).await.map_err(|_| ClientError::Late)?
    }

    /// Asks and hands every line of an endless answer to `line` until that says to stop.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn stream(&self, path: &str, mut line: impl FnMut(&str) -> Next) -> Result<(), ClientError> {
        let response = self.send(Method::GET, path, None).await?;
        let status = response.status();
        if !status.is_success() {
            return Err(refused(status, None, b""));
        }
        let mut body = response.into_body();
        let mut pending = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| ClientError::Answer(error.to_string()))?;
            pending.extend_from_slice(frame.data_ref().map_or(&[][..], |octets| octets));
            while let Some(end) = pending.iter().position(|octet| *octet == b'\n') {
                let rest = pending.split_off(end.saturating_add(1));
                let text = String::from_utf8_lossy(&pending).trim_end().to_owned();
                pending = rest;
                if line(&text) == Next::Stop {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Response<Incoming>, ClientError> {
        let failed = |error| ClientError::Connection(self.address, error);
        let stream = TcpStream::connect(self.address).await.map_err(failed)?;
        let broken = |error: hyper::Error| ClientError::Connection(self.address, io::Error::other(error));
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // It ends with the connection, which ends with the sender or the body.
        tokio::spawn(connection);
        let octets = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.address.to_string())
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.reveal()))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(octets)))
            .map_err(|error| ClientError::Answer(error.to_string()))?;
        sender.send_request(request).await.map_err(broken)
    }
}

/// Whether a stream goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// With the next line.
    Line,
    /// Not.
    Stop,
}

fn refused(status: StatusCode, value: Option<&Value>, octets: &[u8]) -> ClientError {
    let told = value.and_then(|value| value.get("error")).and_then(Value::as_str).map(str::to_owned);
    let message = told.unwrap_or_else(|| format!("{status} {}", String::from_utf8_lossy(octets)));
    ClientError::Refused { status: status.as_u16(), message }
}

/// A text as part of a path or query.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~:@".contains(&octet) {
            out.push(char::from(octet));
        } else {
            out.push_str(&format!("%{octet:02X}"));
        }
    }
    out
}

const CALL_WAIT: Duration = Duration::from_secs(30);
const ANSWER_OCTETS_MAX: usize = 64 << 20;
