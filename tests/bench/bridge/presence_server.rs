//! A presence server of a neighbour: it takes every subscription, tells each at once what there is, and something new when
//! it is told to.

use acceptance::wait;
use std::{
    collections::HashSet,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

pub(crate) struct PresenceServer {
    socket: UdpSocket,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    opened: Receiver<Dialog>,
    answered: Receiver<()>,
    dialogs: Vec<Dialog>,
}

/// A subscription.
#[derive(Clone, Debug)]
pub(crate) struct Dialog {
    gateway: SocketAddr,
    call_id: String,
    /// From and To of our requests.
    own: String,
    far: String,
    target: String,
    event: String,
    presentity: String,
    sequence: u32,
}

impl PresenceServer {
    pub(crate) fn start() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a time");
        let (open, opened) = sync_channel(QUEUE);
        let (answer, answered) = sync_channel(QUEUE);
        let ends = Arc::new(AtomicBool::new(false));
        let serving = Serving {
            socket: socket.try_clone().expect("a socket"),
            local: local(&socket),
            ends: Arc::clone(&ends),
            open,
            answer,
            known: HashSet::new(),
        };
        let thread = Some(thread::spawn(move || serving.serve()));
        Self { socket, ends, thread, opened, answered, dialogs: Vec::new() }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("a bound socket has an address")
    }

    /// Waits until so many subscriptions are there, and were told what there is.
    pub(crate) fn await_subscriptions(&mut self, count: usize) {
        while self.dialogs.len() < count {
            let dialog = self.opened.recv_timeout(wait::PATIENCE);
            let have = self.dialogs.len();
            let mut dialog = dialog.unwrap_or_else(|_| panic!("{have} of {count} subscriptions came"));
            self.send(&mut dialog, "there");
            self.dialogs.push(dialog);
        }
    }

    /// Tells all something new, and waits until each has answered.
    pub(crate) fn tell(&mut self, words: &str) {
        let mut dialogs = std::mem::take(&mut self.dialogs);
        dialogs.iter_mut().for_each(|dialog| self.send(dialog, words));
        self.dialogs = dialogs;
    }

    /// Sends a NOTIFY until it is answered.
    fn send(&self, dialog: &mut Dialog, words: &str) {
        dialog.sequence += 1;
        let notify = dialog.notify(&local(&self.socket), &document(&dialog.presentity, words));
        // Answers of repetitions.
        while self.answered.try_recv().is_ok() {}
        let is_answered = (0..ATTEMPTS).any(|_| {
            self.socket.send_to(notify.as_bytes(), dialog.gateway).expect("the gateway takes it");
            self.answered.recv_timeout(T1).is_ok()
        });
        assert!(is_answered, "a NOTIFY is answered");
    }
}

impl Drop for PresenceServer {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the thread has.
struct Serving {
    socket: UdpSocket,
    local: String,
    ends: Arc<AtomicBool>,
    open: SyncSender<Dialog>,
    answer: SyncSender<()>,
    known: HashSet<String>,
}

impl Serving {
    fn serve(mut self) {
        let mut buffer = vec![0; 65_536];
        while !self.ends.load(Ordering::Relaxed) {
            let Ok((length, source)) = self.socket.recv_from(&mut buffer) else { continue };
            let text = std::str::from_utf8(buffer.get(..length).unwrap_or_default()).expect("a text");
            if text.starts_with("SUBSCRIBE ") {
                self.take_subscription(text, source);
            } else if text.starts_with("SIP/2.0 ") {
                assert!(text.starts_with("SIP/2.0 200"), "{text}");
                let _ = self.answer.send(());
            } else {
                let _ = self.socket.send_to(answer(text, "", "").as_bytes(), source);
            }
        }
    }

    fn take_subscription(&mut self, text: &str, source: SocketAddr) {
        let tag = field(text, "Call-ID").replace(|character: char| !character.is_ascii_alphanumeric(), "");
        let expires = field(text, "Expires");
        let more = format!("Contact: <sip:{}>\r\nExpires: {expires}\r\n", self.local);
        let is_new = !field(text, "To").contains(";tag=");
        let tag = if is_new { format!(";tag={tag}") } else { String::new() };
        let _ = self.socket.send_to(answer(text, &tag, &more).as_bytes(), source);
        let uri = text.split(' ').nth(1).unwrap_or_default();
        let dialog = Dialog {
            gateway: source,
            call_id: field(text, "Call-ID").to_owned(),
            own: format!("{}{tag}", field(text, "To")),
            far: field(text, "From").to_owned(),
            target: field(text, "Contact").split(['<', '>']).nth(1).unwrap_or_default().to_owned(),
            event: field(text, "Event").to_owned(),
            presentity: uri.to_owned(),
            sequence: 0,
        };
        // What is repeated is answered again, and is no other subscription.
        if is_new && self.known.insert(dialog.call_id.clone()) {
            let _ = self.open.send(dialog);
        }
    }
}

impl Dialog {
    fn notify(&self, local: &str, body: &str) -> String {
        let Self { call_id, own, far, target, event, sequence, .. } = self;
        format!(
            "NOTIFY {target} SIP/2.0\r\nVia: SIP/2.0/UDP {local};rport;branch=z9hG4bK{sequence}x{call_id}\r\n\
             Max-Forwards: 70\r\nFrom: {own}\r\nTo: {far}\r\nCall-ID: {call_id}\r\nCSeq: {sequence} NOTIFY\r\n\
             Contact: <sip:{local}>\r\nEvent: {event}\r\nSubscription-State: active;expires=3600\r\n\
             Content-Type: application/pidf+xml\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}

/// What is told of a user.
pub(crate) fn document(presentity: &str, words: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
         entity=\"{presentity}\"><tuple id=\"t1\"><status><basic>open</basic></status><note>{words}</note></tuple></presence>"
    )
}

fn local(socket: &UdpSocket) -> String {
    socket.local_addr().expect("a bound socket has an address").to_string()
}

/// 200, with something behind To and more header fields.
fn answer(request: &str, tag: &str, more: &str) -> String {
    const KEPT: [&str; 5] = ["Via", "From", "To", "Call-ID", "CSeq"];
    let mut answer = String::from("SIP/2.0 200 OK\r\n");
    for line in request.lines().take_while(|line| !line.is_empty()) {
        let name = line.split(':').next().unwrap_or_default();
        if KEPT.contains(&name) {
            answer.push_str(line);
            answer.push_str(if name == "To" { tag } else { "" });
            answer.push_str("\r\n");
        }
    }
    answer + more + "Content-Length: 0\r\n\r\n"
}

fn field<'a>(text: &'a str, name: &str) -> &'a str {
    let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    found.unwrap_or_default().trim()
}

/// Until a NOTIFY is repeated (RFC 3261 §17.1.1.1), and how often.
const T1: Duration = Duration::from_millis(500);
const ATTEMPTS: u32 = 20;

/// More than are ever under way.
const QUEUE: usize = 1 << 17;
