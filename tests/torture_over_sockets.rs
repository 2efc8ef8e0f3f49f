//! Messages that torture readers, sent to a running gateway: each gets the verdict of the text that it comes from, and the
//! gateway answers OPTIONS right after it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use acceptance::{
    port,
    product::{Gateway, Setup},
    repository,
};
use serde::Deserialize;
use std::{
    io::{Read as _, Write as _},
    net::{Ipv6Addr, SocketAddr, TcpStream, UdpSocket},
    path::Path,
    process::Command,
    time::Duration,
};

#[derive(Deserialize)]
struct Table {
    message: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    clause: String,
    /// What the reader says.
    message: String,
    /// What an end point says of what it could read.
    server: Option<String>,
}

/// A gateway that listens at an IPv6 address for both kinds of IP traffic.
struct Tortured {
    _gateway: Gateway,
    address: SocketAddr,
    sent: u32,
}

impl Tortured {
    fn start() -> Self {
        let port = port::free();
        let setup = Setup::embedded().with(&format!("simple.listen=udp:[::1]:{port},tcp:[::1]:{port}"));
        Self { _gateway: setup.start(), address: SocketAddr::from((Ipv6Addr::LOCALHOST, port)), sent: 0 }
    }

    /// Sends the message over a connection and as a datagram; the status of the answer that comes over the connection,
    /// none where it is closed or silent.
    fn send(&mut self, octets: &[u8]) -> Option<String> {
        let answer = self.send_over_stream(octets);
        // For the transactions this is the same request once more; for the reader it is not.
        let datagrams = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
        datagrams.send_to(octets, self.address).unwrap();
        answer
    }

    fn send_over_stream(&self, octets: &[u8]) -> Option<String> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(SILENCE)).unwrap();
        stream.write_all(octets).unwrap();
        let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(length) = stream.read(&mut buffer) {
            if length == 0 || answer.len() > 65_536 {
                break;
            }
            answer.extend_from_slice(&buffer[..length]);
            let text = String::from_utf8_lossy(&answer).into_owned();
            // A provisional answer is none.
            let statuses: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("SIP/2.0 ")).collect();
            let found = statuses.iter().find(|status| !status.starts_with('1'));
            if let Some(status) = found {
                return status.split(' ').next().map(str::to_owned);
            }
        }
        None
    }

    /// The message with a branch that no other has: where texts share one, a message would be a retransmission of another,
    /// and answered where that one came from.
    fn with_own_branch(&self, octets: &[u8]) -> Vec<u8> {
        let Some(at) = octets.windows(COOKIE.len()).position(|window| window == COOKIE) else { return octets.to_vec() };
        let (before, behind) = octets.split_at(at + COOKIE.len());
        [before, format!("n{}", self.sent).as_bytes(), behind].concat()
    }

    // RFC 3261 §11
    fn is_alive(&mut self) -> bool {
        self.sent += 1;
        let socket = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let (number, local) = (self.sent, socket.local_addr().unwrap());
        let request = format!(
            "OPTIONS sip:sip.example SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bKalive{number}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:probe@sip.example>;tag=1\r\nTo: <sip:sip.example>\r\n\
             Call-ID: alive{number}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        socket.send_to(request.as_bytes(), self.address).unwrap();
        let mut buffer = [0; 4096];
        socket.recv(&mut buffer).is_ok_and(|length| buffer[..length].starts_with(b"SIP/2.0 200 "))
    }

    /// Sends one message; what is wrong with what becomes of it.
    fn judge(&mut self, name: &str, octets: &[u8], wanted: &str, server: Option<&str>) -> Option<String> {
        let answer = self.send(&self.with_own_branch(octets));
        let is_request = !octets.starts_with(b"SIP/");
        let is_right = match wanted {
            // Whatever it is answered, it was read; 400 only where an end point may say so.
            "accept" if is_request => answer.as_deref().is_some_and(|status| status != "400" || server == Some("400")),
            "accept" => true,
            "discard" => answer.is_none(),
            status => answer.as_deref() == Some(status),
        };
        if !self.is_alive() {
            return Some(format!("{name}: OPTIONS is not answered after it"));
        }
        (!is_right).then(|| format!("{name}: answered {answer:?}, wanted {wanted}"))
    }
}

fn rows(table: &Path) -> Vec<Row> {
    toml::from_str::<Table>(&std::fs::read_to_string(table).unwrap()).unwrap().message
}

/// Sends all messages of the table but those whose framing differs between datagrams and streams.
fn judge_all(table: &Path, folder: &Path, extension: &str, only: impl Fn(&Row) -> bool) -> usize {
    let mut tortured = Tortured::start();
    let rows: Vec<Row> = rows(table).into_iter().filter(only).collect();
    let mut faults = Vec::new();
    for row in &rows {
        let octets = std::fs::read(folder.join(format!("{}.{extension}", row.name))).unwrap();
        faults.extend(tortured.judge(
            &format!("{} ({})", row.name, row.clause),
            &octets,
            &row.message,
            row.server.as_deref(),
        ));
    }
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), rows.len(), faults.join("\n"));
    rows.len()
}

/// Messages that say something else over a stream than in a datagram, the end of which is that of the message.
const OF_DATAGRAMS: &[&str] =
    &["length_too_large", "octets_behind_the_body", "old_invite", "clerr", "dblreq", "inv2543", "baddn"];

/// How branches begin.
// RFC 3261 §8.1.1.7
const COOKIE: &[u8] = b"z9hG4bK";

#[test]
fn rfc4475_own_messages_on_its_subjects_get_their_verdict_over_a_socket() {
    let folder = repository().join("fixtures/sip/torture");
    let count =
        judge_all(&folder.join("verdict.toml"), &folder, "sip", |row| !OF_DATAGRAMS.contains(&row.name.as_str()));
    assert!(count > 40, "{count}");
}

#[test]
fn rfc4475_3_its_messages_get_its_verdict_over_a_socket() {
    let Some(corpus) = std::env::var_os("WVSG_CORPUS") else {
        println!("corpus absent");
        return;
    };
    let table = repository().join("fixtures/sip/rfc4475.toml");
    let folder = Path::new(&corpus).join("rfc4475");
    let count = judge_all(&table, &folder, "dat", |row| !OF_DATAGRAMS.contains(&row.name.as_str()));
    println!("corpus {count} of 49");
}

/// What RFC 5118 says of its messages.
const RFC_5118: &[(&str, &str, &str)] = &[
    ("ipv6-good", "4.1", "accept"),
    ("ipv6-bad", "4.2", "400"),
    ("port-ambiguous", "4.3", "accept"),
    ("port-unambiguous", "4.4", "accept"),
    ("via-received-param-with-delim", "4.5", "accept"),
    ("via-received-param-no-delim", "4.5", "accept"),
    ("ipv6-in-sdp", "4.6", "accept"),
    ("mult-ip-in-header", "4.7", "accept"),
    ("mult-ip-in-sdp", "4.8", "accept"),
    ("ipv4-mapped-ipv6", "4.9", "accept"),
    ("ipv6-bug-abnf-3-colons", "4.10", "accept"),
    ("ipv6-correct-abnf-2-colons", "4.10", "accept"),
];

#[test]
fn rfc5118_4_messages_with_ipv6_get_its_verdict_over_a_socket() {
    let Some(text) = system_text("rfc5118") else {
        println!("absent: doc-rfc-informational");
        return;
    };
    let mut tortured = Tortured::start();
    let mut faults = Vec::new();
    for (name, section, wanted) in RFC_5118 {
        let octets = message_of(&text, name).unwrap_or_else(|| panic!("{name} is not in the text"));
        faults.extend(tortured.judge(&format!("{name} (RFC 5118 §{section})"), octets.as_bytes(), wanted, None));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn rfc5118_4_own_messages_on_its_subjects_get_their_verdict_over_a_socket() {
    let folder = repository().join("fixtures/sip/torture");
    let count = judge_all(&folder.join("verdict.toml"), &folder, "sip", |row| row.clause.starts_with("RFC 5118"));
    assert!(count >= 10, "{count}");
}

/// The text of an RFC, where the system has it.
fn system_text(name: &str) -> Option<String> {
    let root = Path::new("/usr/share/doc/RFC/links");
    let file = root.join(format!("{name}.txt.gz"));
    let output = Command::new("gzip").arg("-dc").arg(file).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The message of that name in the text: without page breaks and indentation, with the folding of `allOneLine` undone.
fn message_of(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("Message Details: {name}\n"))?;
    let is_furniture = |line: &str| {
        line.starts_with('\u{c}') || (line.starts_with("RFC 5118") || (line.contains("[Page ") && line.ends_with(']')))
    };
    let (mut head, mut body, mut in_body, mut joins, mut joined) =
        (Vec::new(), String::new(), false, false, String::new());
    for line in rest.lines().filter(|line| !is_furniture(line)) {
        let Some(line) = line.strip_prefix("      ").map(str::trim_end) else {
            // Text of the document, which is indented less, ends the message.
            if line.trim().is_empty() {
                continue;
            } else {
                break;
            };
        };
        match line {
            "<allOneLine>" => joins = true,
            "</allOneLine>" => {
                joins = false;
                head.push(std::mem::take(&mut joined));
            }
            _ if joins => joined.push_str(line),
            _ if in_body => body.push_str(&format!("{line}\r\n")),
            _ => {
                in_body = line.starts_with("Content-Length: ") && !line.ends_with(": 0");
                head.push(line.to_owned());
            }
        }
    }
    let length = body.len();
    let head = head.join("\r\n");
    let head = match head.rsplit_once("Content-Length: ") {
        // What the document counts and what it prints differ by the blanks that end its lines.
        Some((before, _)) => format!("{before}Content-Length: {length}"),
        None => head,
    };
    Some(format!("{head}\r\n\r\n{body}"))
}

/// How long an answer may take before there is none.
const SILENCE: Duration = Duration::from_millis(700);
