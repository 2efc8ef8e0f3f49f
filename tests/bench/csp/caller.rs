//! A connection that stays open, one request after the other.

use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

pub(crate) struct Caller {
    stream: TcpStream,
    received: Vec<u8>,
    /// What it posts.
    pub(crate) kind: &'static str,
}

impl Caller {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket of TCP");
        Self { stream, received: Vec::with_capacity(4096), kind: "application/vnd.wv.csp.wbxml" }
    }

    pub(crate) async fn connect_all(address: SocketAddr, count: usize) -> Vec<Self> {
        let mut callers = Vec::new();
        for _ in 0..count {
            callers.push(Self::connect(address).await);
        }
        callers
    }

    /// Posts a body; the body of the answer.
    pub(crate) async fn post(&mut self, path: &str, body: &[u8]) -> Vec<u8> {
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: phone\r\n\
             Content-Type: {}\r\nContent-Length: {}\r\n\r\n",
            self.kind,
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.stream.write_all(&request).await.expect("the server takes it");
        self.received.clear();
        loop {
            let count = self.stream.read_buf(&mut self.received).await.expect("the server answers");
            assert!(count > 0, "the server closed the connection");
            if let Some(answer) = answer_in(&self.received) {
                return answer.to_vec();
            }
        }
    }

    /// Lets all post at once; the bodies of the answers in the order of the callers.
    pub(crate) async fn each(
        callers: Vec<Self>,
        mut request: impl FnMut(usize) -> (String, Vec<u8>),
    ) -> (Vec<Self>, Vec<Vec<u8>>) {
        let mut under_way = JoinSet::new();
        for (number, mut caller) in callers.into_iter().enumerate() {
            let (path, body) = request(number);
            under_way.spawn(async move {
                let answer = caller.post(&path, &body).await;
                (number, caller, answer)
            });
        }
        let mut done = under_way.join_all().await;
        done.sort_by_key(|(number, _, _)| *number);
        done.into_iter().map(|(_, caller, answer)| (caller, answer)).unzip()
    }
}

/// The body of a whole answer.
fn answer_in(received: &[u8]) -> Option<&[u8]> {
    let end = received.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(received.get(..end)?).expect("a head of HTTP");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok()).flatten()
    });
    received.get(end + 4..end + 4 + length.unwrap_or(0))
}
