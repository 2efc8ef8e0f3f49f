//! A WV server, scripted: written from what is known of such servers, with nothing of the product in it but the codec.
//! Its own users are words of the test; clients log in to the accounts that it knows.

mod session;
mod wire;
mod word;

use crate::wait;
use session::bare;
use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};
use wv_proto::{
    codec::{WriterOptions, decode},
    limit::Limits,
    presence_attribute::{PresenceAttribute, PresenceSubList},
    primitive::{
        Envelope, Primitive, TransactionMode,
        access::Disconnect,
        identifier::{MessageId, Nonce, SessionId, TransactionId},
        message::{NewMessage, SendMessageRequest},
    },
    status::StatusCode,
    version::{Encoding, Version},
};

/// How the server is.
#[derive(Clone, Debug)]
pub struct Style {
    /// HTTP/1.0.
    pub is_old_http: bool,
    /// Each answer ends its connection.
    pub closes: bool,
    /// It takes nothing very seriously: XML with junk, addresses with and without scheme, ids used twice, 200 for a
    /// challenge.
    pub is_loose: bool,
    /// Whether it says Poll.
    pub tells_poll: bool,
    /// Whether it says again what was not acknowledged, under the old id.
    pub offers_again: bool,
    /// The keep-alive time that it grants.
    pub keep_alive: Duration,
    /// The shortest time between polls.
    pub poll_min: Duration,
    /// Whether it wakes over TCP.
    pub wakes: bool,
}

impl Style {
    /// A server as the documents have it.
    #[must_use]
    pub const fn proper() -> Self {
        Self {
            is_old_http: false,
            closes: false,
            is_loose: false,
            tells_poll: true,
            offers_again: false,
            keep_alive: Duration::from_secs(600),
            poll_min: Duration::from_secs(1),
            wakes: false,
        }
    }

    /// A server of the old days.
    #[must_use]
    pub const fn old() -> Self {
        Self {
            is_old_http: true,
            closes: true,
            is_loose: true,
            tells_poll: false,
            keep_alive: Duration::from_secs(4),
            ..Self::proper()
        }
    }
}

/// What a client said.
#[derive(Clone, Debug)]
pub struct Said {
    /// Who is logged in.
    pub user: String,
    /// What.
    pub primitive: Primitive,
    /// Whether it began the transaction.
    pub mode: TransactionMode,
}

/// The server. It ends when it is dropped, and with it everything that it knew.
#[derive(Debug)]
pub struct WvServer {
    inner: Arc<Inner>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Inner {
    port: u16,
    channel: Option<u16>,
    version: Version,
    encoding: Encoding,
    style: Style,
    is_stopped: AtomicBool,
    start: std::time::Instant,
    counter: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct WvUser {
    password: String,
    presence: PresenceSubList,
    /// Whether watchers have to be allowed.
    asks: bool,
    decisions: HashMap<String, bool>,
}

#[derive(Debug, Default)]
struct Session {
    user: String,
    queue: VecDeque<Primitive>,
    sent: VecDeque<(TransactionId, Primitive)>,
    watched: BTreeSet<String>,
    bell: Option<TcpStream>,
}

#[derive(Debug, Default)]
struct State {
    users: HashMap<String, WvUser>,
    sessions: HashMap<SessionId, Session>,
    by_user: HashMap<String, SessionId>,
    nonces: HashMap<String, Nonce>,
    offline: HashMap<String, Vec<Primitive>>,
    messages: HashMap<MessageId, SendMessageRequest>,
    held: HashMap<MessageId, NewMessage>,
    delivered: Vec<MessageId>,
    rejected: Vec<MessageId>,
    /// What was answered to what the server asked.
    answers: Vec<(String, u16)>,
    said: VecDeque<Said>,
    titles: Vec<String>,
    /// When polls came, from the start of the server.
    polls: Vec<Duration>,
    /// When accounts were logged in.
    entries: Vec<Duration>,
    logins: Vec<String>,
    login_faults: VecDeque<u16>,
    faults: VecDeque<(String, u16)>,
}

impl WvServer {
    /// A server on this port that knows these users, `user@domain`, all with the password `secret`.
    ///
    /// # Panics
    /// When it cannot listen.
    #[must_use]
    pub fn start(port: u16, (version, encoding): (Version, Encoding), style: Style, users: &[&str]) -> Self {
        let listener =
            wait::until("the port of the server", PATIENCE, || TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
        let bell = style.wakes.then(|| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port for wake-ups"));
        let known = || WvUser { password: "secret".to_owned(), ..WvUser::default() };
        let users = users.iter().map(|user| ((*user).to_owned(), known())).collect();
        let inner = Arc::new(Inner {
            port,
            channel: bell.as_ref().and_then(|bell| bell.local_addr().ok()).map(|address| address.port()),
            version,
            encoding,
            style,
            is_stopped: AtomicBool::new(false),
            start: now(),
            counter: AtomicU64::new(1),
            state: Mutex::new(State { users, ..State::default() }),
        });
        let serving = Arc::clone(&inner);
        let mut threads = vec![std::thread::spawn(move || serving.serve(&listener))];
        threads.extend(bell.map(|bell| {
            let serving = Arc::clone(&inner);
            std::thread::spawn(move || serving.serve_bells(&bell))
        }));
        Self { inner, threads }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.inner.port
    }

    /// From now on this user has to allow whoever wants to see it; the server asks the user where it is logged in.
    pub fn ask_for(&self, user: &str) {
        if let Some(user) = self.inner.state().users.get_mut(user) {
            user.asks = true;
        }
    }

    /// One of its users lets another see it.
    pub fn allow(&self, user: &str, watcher: &str) {
        let mut state = self.inner.state();
        if let Some(known) = state.users.get_mut(user) {
            known.decisions.insert(watcher.to_owned(), true);
        }
        self.inner.notify(&mut state, user);
    }

    /// Whether the user's session has a connection over which it is woken.
    #[must_use]
    pub fn has_bell(&self, user: &str) -> bool {
        self.inner.state().sessions.values().any(|session| session.user == user && session.bell.is_some())
    }

    /// The next login is answered by this code.
    pub fn refuse_login(&self, code: u16) {
        self.inner.state().login_faults.push_back(code);
    }

    /// The next request of that name is answered by this code; 604 forgets the session too.
    pub fn fail(&self, title: &str, code: u16) {
        self.inner.state().faults.push_back((title.to_owned(), code));
    }

    /// One more user, with the password `secret`.
    pub fn add_user(&self, user: &str) {
        let known = WvUser { password: "secret".to_owned(), ..WvUser::default() };
        self.inner.state().users.insert(user.to_owned(), known);
    }

    /// One user less.
    pub fn remove_user(&self, user: &str) {
        self.inner.state().users.remove(user);
    }

    /// Another password from now on.
    pub fn change_password(&self, user: &str, password: &str) {
        if let Some(user) = self.inner.state().users.get_mut(user) {
            user.password = password.to_owned();
        }
    }

    /// Ends a user's session by Disconnect.
    pub fn throw_out(&self, user: &str, code: u16) {
        let disconnect = Disconnect { result: StatusCode::new(code).expect("a code").into() };
        self.queue(user, Primitive::Disconnect(disconnect));
    }

    /// Forgets every session.
    pub fn forget_sessions(&self) {
        self.inner.state().sessions.clear();
    }

    fn queue(&self, user: &str, primitive: Primitive) {
        let mut state = self.inner.state();
        let found = state.sessions.iter().find(|(_, session)| session.user == user).map(|(id, _)| id.clone());
        match found {
            Some(id) => {
                if let Some(session) = state.sessions.get_mut(&id) {
                    session.queue.push_back(primitive);
                }
                self.inner.ring(&state, &id);
            }
            None => state.offline.entry(user.to_owned()).or_default().push(primitive),
        }
    }

    /// What the condition yields for the first thing a client said for which it yields something.
    ///
    /// # Panics
    /// When the time is over.
    pub fn expect<T>(&self, what: &str, question: impl FnMut(&Said) -> Option<T>) -> T {
        self.expect_within(what, PATIENCE, question)
    }

    /// The same with another patience.
    ///
    /// # Panics
    /// When the time is over.
    pub fn expect_within<T>(&self, what: &str, patience: Duration, mut question: impl FnMut(&Said) -> Option<T>) -> T {
        let found = wait::try_until(what, patience, || {
            let mut state = self.inner.state();
            let (place, found) =
                state.said.iter().enumerate().find_map(|(place, said)| Some((place, question(said)?)))?;
            state.said.remove(place);
            Some(found)
        });
        found.unwrap_or_else(|error| panic!("{error}: {:#?}", self.inner.state().titles))
    }

    /// The message of that text that a client sent; its id.
    ///
    /// # Panics
    /// When none comes.
    pub fn expect_message(&self, to: &str, text: &str) -> MessageId {
        self.expect_message_within(to, text, PATIENCE)
    }

    /// The same with another patience.
    ///
    /// # Panics
    /// When none comes.
    pub fn expect_message_within(&self, to: &str, text: &str, patience: Duration) -> MessageId {
        let is_meant = |request: &SendMessageRequest| {
            let users = &request.message.recipient.users;
            users.iter().any(|user| bare(user.user_id.as_str()) == to)
                && request.content.as_ref().is_some_and(|content| content.octets().as_ref() == text.as_bytes())
        };
        let found = wait::try_until(text, patience, || {
            let state = self.inner.state();
            state.messages.iter().find(|(_, request)| is_meant(request)).map(|(id, _)| id.clone())
        });
        found.unwrap_or_else(|error| panic!("{error}: {:#?}", self.titles()))
    }

    /// The message of those octets that a client sent, and the type that it gave them; its id.
    ///
    /// # Panics
    /// When none comes.
    pub fn expect_content(&self, to: &str, kind: &str, octets: &[u8]) -> MessageId {
        let is_meant = |request: &SendMessageRequest| {
            let users = &request.message.recipient.users;
            users.iter().any(|user| bare(user.user_id.as_str()) == to)
                && request.message.content_type.as_deref() == Some(kind)
                && request.content.as_ref().is_some_and(|content| content.octets().as_ref() == octets)
        };
        let found = wait::try_until(kind, PATIENCE, || {
            let state = self.inner.state();
            state.messages.iter().find(|(_, request)| is_meant(request)).map(|(id, _)| id.clone())
        });
        found.unwrap_or_else(|error| panic!("{error}: {:#?}", self.inner.state().messages))
    }

    /// Waits until the client has acknowledged the message.
    ///
    /// # Panics
    /// When it does not.
    pub fn expect_delivered(&self, id: &MessageId) {
        wait::until("MessageDelivered", PATIENCE, || self.inner.state().delivered.contains(id).then_some(()));
    }

    /// Whether the client has acknowledged the message.
    #[must_use]
    pub fn is_delivered(&self, id: &MessageId) -> bool {
        self.inner.state().delivered.contains(id)
    }

    /// Waits until the client has refused the message.
    ///
    /// # Panics
    /// When it does not.
    pub fn expect_rejected(&self, id: &MessageId) {
        wait::until("RejectMessage-Request", PATIENCE, || self.inner.state().rejected.contains(id).then_some(()));
    }

    /// Waits until what the server asked, by its name, was answered by this code.
    ///
    /// # Panics
    /// When it was not.
    pub fn expect_answer(&self, question: &str, code: u16) {
        let found = wait::try_until(question, PATIENCE, || {
            self.inner.state().answers.contains(&(question.to_owned(), code)).then_some(())
        });
        found.unwrap_or_else(|error| panic!("{error}: {:#?}", self.inner.state().answers));
    }

    /// Waits until the user shows a status text, and whether it is online.
    ///
    /// # Panics
    /// When it does not.
    pub fn expect_shown(&self, user: &str, online: bool, text: Option<&str>) {
        let shows = |list: &PresenceSubList| {
            let is_online = list.attributes.iter().any(|attribute| {
                matches!(attribute, PresenceAttribute::OnlineStatus(value) if value.valid_value() == Some(&online))
            });
            let says = |wanted: &str| {
                list.attributes.iter().any(|attribute| {
                    matches!(attribute, PresenceAttribute::StatusText(value)
                        if value.valid_value().is_some_and(|text| text.as_ref() == wanted))
                })
            };
            is_online && text.is_none_or(says)
        };
        let found = wait::try_until("the presence of the SIP user", PATIENCE, || {
            self.inner.state().users.get(user).is_some_and(|user| shows(&user.presence)).then_some(())
        });
        found.unwrap_or_else(|error| panic!("{error}: {:#?}", self.titles()));
    }

    /// Waits until one of its users was told whether it may see a logged-in one.
    ///
    /// # Panics
    /// When it was not.
    pub fn expect_decision(&self, presentity: &str, watcher: &str, decision: bool) {
        let found = wait::try_until("PresenceAuth-User", PATIENCE, || {
            let state = self.inner.state();
            (state.users.get(presentity)?.decisions.get(watcher) == Some(&decision)).then_some(())
        });
        found.unwrap_or_else(|error| panic!("{error}: {:#?}", self.titles()));
    }

    /// What one of its users was told about seeing a logged-in one, so far.
    #[must_use]
    pub fn decision(&self, presentity: &str, watcher: &str) -> Option<bool> {
        self.inner.state().users.get(presentity)?.decisions.get(watcher).copied()
    }

    /// Waits until the user has logged in so often.
    ///
    /// # Panics
    /// When it does not.
    pub fn expect_logins(&self, user: &str, count: usize, patience: Duration) {
        let found = wait::try_until("a login", patience, || {
            let logins = self.inner.state().logins.iter().filter(|known| *known == user).count();
            (logins >= count).then_some(())
        });
        found.unwrap_or_else(|error| panic!("{error}: {:#?}", self.titles()));
    }

    /// Who logged in, in order.
    #[must_use]
    pub fn logins(&self) -> Vec<String> {
        self.inner.state().logins.clone()
    }

    /// Whether the user is logged in.
    #[must_use]
    pub fn is_logged_in(&self, user: &str) -> bool {
        self.inner.state().sessions.values().any(|session| session.user == user)
    }

    /// When polls came and when accounts were logged in, from the start of the server.
    #[must_use]
    pub fn times(&self) -> (Vec<Duration>, Vec<Duration>) {
        let state = self.inner.state();
        (state.polls.clone(), state.entries.clone())
    }

    /// How many sessions stand.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.inner.state().sessions.len()
    }

    /// The names of everything that came, in order.
    #[must_use]
    pub fn titles(&self) -> Vec<String> {
        self.inner.state().titles.clone()
    }
}

impl Drop for WvServer {
    fn drop(&mut self) {
        self.inner.is_stopped.store(true, Ordering::SeqCst);
        // Whoever waits for a connection gets one.
        for port in [Some(self.inner.port), self.inner.channel].into_iter().flatten() {
            let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn number(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::SeqCst)
    }

    const fn channel(&self) -> Option<u16> {
        self.channel
    }

    fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::SeqCst)
    }

    fn serve(self: &Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.is_stopped() {
                return;
            }
            let Ok(stream) = stream else { continue };
            let serving = Arc::clone(self);
            // Ends with the connection.
            let _ = std::thread::spawn(move || serving.converse(stream));
        }
    }

    fn converse(&self, mut stream: TcpStream) {
        let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
        while let Ok(Some(post)) = wire::read_post(&mut stream) {
            if self.is_stopped() {
                return;
            }
            let answered = self.answer_to(&post);
            let octets = wire::answer(&self.style, (self.version, self.encoding), &answered);
            if stream.write_all(&octets).is_err() || self.style.closes {
                return;
            }
        }
    }

    fn answer_to(&self, post: &wire::Post) -> Vec<u8> {
        if post.is_get {
            return Vec::new();
        }
        let limits = Limits::default();
        let Ok(decoded) = decode(&post.body, None, &limits) else { return Vec::new() };
        assert_eq!((decoded.version, decoded.encoding), (self.version, self.encoding), "{}", post.path);
        let Ok(envelope) = Envelope::decode(&decoded.tree) else { return Vec::new() };
        let Some(answer) = self.take(envelope) else { return Vec::new() };
        let octets = answer.encode(self.version, self.encoding, WriterOptions::default()).unwrap_or_default();
        if self.style.is_loose && self.encoding == Encoding::Xml {
            return wire::loosen(&String::from_utf8_lossy(&octets)).into_bytes();
        }
        octets.to_vec()
    }

    /// Wakes a session.
    fn ring(&self, state: &State, id: &SessionId) {
        let bell = state.sessions.get(id).and_then(|session| session.bell.as_ref());
        if let Some(mut bell) = bell.and_then(|bell| bell.try_clone().ok()) {
            let _ = bell.write_all(format!("WVCI {} cookie\r\n", self.version.as_str()).as_bytes());
        }
    }

    fn serve_bells(self: &Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.is_stopped() {
                return;
            }
            let Ok(stream) = stream else { continue };
            let serving = Arc::clone(self);
            // Ends with the connection.
            let _ = std::thread::spawn(move || serving.keep_bell(&stream));
        }
    }

    fn keep_bell(&self, stream: &TcpStream) {
        let (Ok(reading), Ok(mut writing)) = (stream.try_clone(), stream.try_clone()) else { return };
        for line in BufReader::new(reading).lines() {
            let Ok(line) = line else { return };
            if let Some(id) = line.trim().strip_prefix("HELO ") {
                let mut state = self.state();
                let Some(session) = state.sessions.get_mut(&SessionId::new(id)) else { return };
                session.bell = stream.try_clone().ok();
            }
            if writing.write_all(b"OK\r\n").is_err() {
                return;
            }
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "what comes from a process is measured on the real clock")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

const PATIENCE: Duration = Duration::from_secs(20);
