//! Users of a SIP presence server who watch each other, all behind one socket.

use acceptance::wait;
use std::{
    collections::HashSet,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
};

/// Requests under way at once.
const AT_ONCE: u64 = 32;

pub(crate) struct Watching {
    server: SocketAddr,
    domain: String,
    socket: UdpSocket,
    local: String,
    users: u64,
    count: u64,
    entity_tag: Option<String>,
}

impl Watching {
    /// So many users, each of whom has published.
    pub(crate) fn new(server: SocketAddr, domain: &str, users: u64) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket.set_read_timeout(Some(wait::PATIENCE)).expect("a time");
        let local = socket.local_addr().expect("a bound socket has an address").to_string();
        let mut all = Self { server, domain: domain.to_owned(), socket, local, users, count: 0, entity_tag: None };
        for user in 0..users {
            all.publish(user, "here");
            all.entity_tag = None;
        }
        all
    }

    /// So many new subscriptions, each until its first NOTIFY is answered.
    pub(crate) fn subscribe(&mut self, times: u64) {
        let mut left = times;
        while left > 0 {
            let count = left.min(AT_ONCE);
            for _ in 0..count {
                let presentity = self.count / self.users % self.users;
                self.send_subscribe(self.count % self.users, presentity);
            }
            self.settle(count, count);
            left -= count;
        }
    }

    /// So many users watch the first one.
    pub(crate) fn watch_first(&mut self, watchers: u64) {
        for watcher in 1..=watchers {
            self.send_subscribe(watcher, 0);
            self.settle(1, 1);
        }
    }

    /// The first one publishes something new so often, and all watchers are told.
    pub(crate) fn tell(&mut self, times: u64, watchers: u64) {
        for _ in 0..times {
            let words = format!("on the way since {:08}", self.count);
            self.send_publish(0, &words);
            self.settle(1, watchers);
        }
    }

    fn publish(&mut self, user: u64, words: &str) {
        self.send_publish(user, words);
        self.settle(1, 0);
    }

    fn send_publish(&mut self, user: u64, words: &str) {
        let uri = format!("sip:u{user}@{}", self.domain);
        let condition = self.entity_tag.as_ref().map(|tag| format!("SIP-If-Match: {tag}\r\n")).unwrap_or_default();
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
             entity=\"{uri}\"><tuple id=\"t1\"><status><basic>open</basic></status><note>{words}</note></tuple></presence>"
        );
        let more = format!(
            "{condition}Event: presence\r\nExpires: 3600\r\nContent-Type: application/pidf+xml\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.send("PUBLISH", user, &uri, &more);
    }

    fn send_subscribe(&mut self, watcher: u64, presentity: u64) {
        let uri = format!("sip:u{presentity}@{}", self.domain);
        let more = format!(
            "Contact: <sip:u{watcher}@{}>\r\nEvent: presence\r\nAccept: application/pidf+xml\r\nExpires: 3600\r\n\
             Content-Length: 0\r\n\r\n",
            self.local
        );
        self.send("SUBSCRIBE", watcher, &uri, &more);
    }

    fn send(&mut self, method: &str, from: u64, uri: &str, more: &str) {
        self.count += 1;
        let (local, count, domain) = (&self.local, self.count, &self.domain);
        let request = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {local};rport;branch=z9hG4bKwatching{count}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:u{from}@{domain}>;tag=w{count}\r\nTo: <{uri}>\r\n\
             Call-ID: w{count}x{local}\r\nCSeq: 1 {method}\r\n{more}"
        );
        self.socket.send_to(request.as_bytes(), self.server).expect("the server takes it");
    }

    /// Until so many requests have their final answer, and so many NOTIFYs have come and were answered.
    fn settle(&mut self, answers: u64, notifications: u64) {
        let (mut answers, mut notifications) = (answers, notifications);
        let mut seen = HashSet::new();
        let mut buffer = vec![0; 65_536];
        while answers > 0 || notifications > 0 {
            let (length, source) = self.socket.recv_from(&mut buffer).expect("the server goes on");
            let text = std::str::from_utf8(buffer.get(..length).unwrap_or_default()).expect("a text");
            if text.starts_with("NOTIFY ") {
                self.acknowledge(text, source);
                if seen.insert(field(text, "Via:").to_owned()) {
                    notifications = notifications.saturating_sub(1);
                }
            } else if text.starts_with("SIP/2.0 2") {
                answers = answers.saturating_sub(1);
                if let Some(tag) = text.lines().find_map(|line| line.strip_prefix("SIP-ETag:")) {
                    self.entity_tag = Some(tag.trim().to_owned());
                }
            } else {
                assert!(text.starts_with("SIP/2.0 1"), "{text}");
            }
        }
    }

    fn acknowledge(&self, notify: &str, source: SocketAddr) {
        const KEPT: [&str; 5] = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"];
        let mut answer = String::from("SIP/2.0 200 OK\r\n");
        for line in notify.lines().take_while(|line| !line.is_empty()) {
            if KEPT.iter().any(|name| line.starts_with(name)) {
                answer.push_str(line);
                answer.push_str("\r\n");
            }
        }
        answer.push_str("Content-Length: 0\r\n\r\n");
        self.socket.send_to(answer.as_bytes(), source).expect("the server takes it");
    }
}

fn field<'a>(text: &'a str, name: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default()
}
