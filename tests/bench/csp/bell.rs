//! The connection over which a phone is told that something waits for it.

use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use wv_proto::primitive::identifier::SessionId;

pub(crate) struct Bell {
    stream: TcpStream,
    heard: Vec<u8>,
}

impl Bell {
    /// Connects for a session.
    pub(crate) async fn connect(address: SocketAddr, session: &SessionId) -> Self {
        let mut stream = TcpStream::connect(address).await.expect("the server listens");
        stream.write_all(format!("HELO {session}\r\n").as_bytes()).await.expect("the server takes it");
        let mut bell = Self { stream, heard: Vec::new() };
        assert_eq!(bell.next_line().await, b"OK\r\n");
        bell
    }

    /// Waits until it rings.
    pub(crate) async fn rung(&mut self) {
        let line = self.next_line().await;
        assert!(line.starts_with(b"WVCI 1.2 "), "{}", String::from_utf8_lossy(&line));
    }

    async fn next_line(&mut self) -> Vec<u8> {
        loop {
            if let Some(end) = self.heard.iter().position(|octet| *octet == b'\n') {
                return self.heard.drain(..=end).collect();
            }
            let count = self.stream.read_buf(&mut self.heard).await.expect("the server rings");
            assert!(count > 0, "the server closed the connection");
        }
    }
}
