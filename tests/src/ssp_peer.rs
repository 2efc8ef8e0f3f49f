//! A home server that speaks SSP, scripted: written from what is known of such servers, with nothing of the product in it
//! but the codec.

mod fault;
mod recorder;
mod say;
mod wire;

pub use fault::Fault;
pub use recorder::Recorder;
pub use wire::post_octets;

use crate::{port, wait};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    io::Write as _,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};
use wire::{answer, read_post};
use wv_proto::{
    limit::Limits,
    primitive::{
        TransactionMode,
        identifier::{SessionId, TransactionId},
        party::User,
    },
    ssp::{
        Body, Document, Transaction,
        part::{PresenceValue, ServiceId},
        primitive::{GetPresenceResponse, PresenceNotification, Primitive, SendMessageResponse},
        setup::{SecretToken, SetupStep},
    },
    status::{StatusCode, StatusResult},
    version::Version,
};

/// A request of the gateway, as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its id.
    pub transaction_id: TransactionId,
    /// The request.
    pub primitive: Primitive,
}

/// The peer. It ends when it is dropped.
#[derive(Debug)]
pub struct SspHome {
    inner: Arc<Inner>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Inner {
    domain: String,
    port: u16,
    gateway: SocketAddr,
    is_stopped: AtomicBool,
    number: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Our secrets, by the domain of the gateway.
    own_secrets: HashMap<String, SecretToken>,
    their_secrets: HashMap<String, SecretToken>,
    /// The set-up that we opened, by the domain of the gateway.
    opened: HashMap<String, TransactionId>,
    /// Domains of the gateway in the order in which they asked for a session, by the id of the set-up.
    asking: HashMap<TransactionId, String>,
    /// Our session ids, by the domain of the gateway.
    own_sessions: HashMap<String, SessionId>,
    /// Domains of the gateway, by their session ids.
    their_sessions: HashMap<SessionId, String>,
    /// Domains of the gateway that know our session id: a request before that is none of the session.
    knowing: HashSet<String>,
    asked: VecDeque<Asked>,
    answers: HashMap<TransactionId, Primitive>,
    /// Everything that came, in order.
    titles: Vec<String>,
    faults: VecDeque<(String, Fault)>,
    presence: HashMap<String, PresenceValue>,
    /// Who answers group requests and the like, in order.
    scripted: VecDeque<Primitive>,
    /// With which code it refuses messages and subscriptions.
    refusal: Option<StatusCode>,
    is_answering: bool,
}

impl SspHome {
    /// A home server of this domain that posts to the gateway there.
    ///
    /// # Panics
    /// When it cannot listen.
    #[must_use]
    pub fn start(domain: &str, port: u16, gateway: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("the port of the peer is free");
        let state = State { is_answering: true, ..State::default() };
        let inner = Arc::new(Inner {
            domain: domain.to_owned(),
            port,
            gateway,
            is_stopped: AtomicBool::new(false),
            number: AtomicU64::new(50),
            state: Mutex::new(state),
        });
        let serving = Arc::clone(&inner);
        let thread = Some(std::thread::spawn(move || serving.serve(&listener)));
        Self { inner, thread }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.inner.port
    }

    /// From now on this becomes of the next post whose title begins so.
    pub fn fail(&self, title: &str, fault: Fault) {
        self.inner.state().faults.push_back((title.to_owned(), fault));
    }

    /// Forgets every session and set-up, as after a loss of its data.
    pub fn forget_sessions(&self) {
        let mut state = self.inner.state();
        *state = State {
            titles: std::mem::take(&mut state.titles),
            asked: std::mem::take(&mut state.asked),
            is_answering: state.is_answering,
            ..State::default()
        };
    }

    /// Whether it answers requests by itself.
    pub fn answer_by_itself(&self, does: bool) {
        self.inner.state().is_answering = does;
    }

    /// Answers the next request that is not about messages or presence with this.
    pub fn answer_next(&self, primitive: Primitive) {
        self.inner.state().scripted.push_back(primitive);
    }

    /// Refuses messages and subscriptions with this code from now on.
    pub fn refuse(&self, code: StatusCode) {
        self.inner.state().refusal = Some(code);
    }

    /// Answers a request of the gateway.
    ///
    /// # Panics
    /// When there is no session.
    pub fn answer(&self, local: &str, asked: &Asked, primitive: Primitive) {
        let transaction = Transaction {
            mode: TransactionMode::Response,
            transaction_id: asked.transaction_id.clone(),
            content: Ok(primitive),
        };
        self.inner.post_transaction(local, transaction).expect("the gateway takes the answer");
    }

    /// What it shows of one of its users to everybody.
    pub fn show(&self, value: PresenceValue) {
        self.inner.state().presence.insert(value.user_id.as_str().to_owned(), value);
    }

    /// Posts step 1 of a set-up with a domain of the gateway.
    ///
    /// # Errors
    /// When the gateway does not take it.
    pub fn open(&self, local: &str) -> Result<(), String> {
        self.inner.open(local)
    }

    /// Opens a session with a domain of the gateway and waits for it.
    ///
    /// # Panics
    /// When none is made.
    pub fn open_session(&self, local: &str) {
        self.open(local).expect("the gateway takes step 1");
        self.wait_for_session(local);
    }

    /// Waits until there is a session with that domain.
    ///
    /// # Panics
    /// When none is made.
    pub fn wait_for_session(&self, local: &str) {
        wait::until(&format!("an SSP session with {local}"), PATIENCE, || self.has_session(local).then_some(()));
    }

    /// Sends a request to a domain of the gateway and waits for its answer.
    ///
    /// # Errors
    /// When the gateway does not take it, or does not answer.
    pub fn request(&self, local: &str, primitive: Primitive) -> Result<Primitive, String> {
        let id = self.inner.mint();
        self.send_as(local, &id, primitive)?;
        self.wait_for_answer(&id)
    }

    /// Waits for the answer to a request of this id.
    ///
    /// # Errors
    /// When none comes.
    pub fn wait_for_answer(&self, id: &TransactionId) -> Result<Primitive, String> {
        wait::try_until("the answer of the gateway", PATIENCE, || self.inner.state().answers.remove(id))
    }

    /// Sends a request under an id and does not wait.
    ///
    /// # Errors
    /// When the gateway does not take it.
    pub fn send_as(&self, local: &str, id: &TransactionId, primitive: Primitive) -> Result<(), String> {
        let (mode, transaction_id) = (TransactionMode::Request, id.clone());
        self.inner.post_transaction(local, Transaction { mode, transaction_id, content: Ok(primitive) })
    }

    /// A request in the session with a domain of the gateway, as octets for whoever posts it.
    ///
    /// # Panics
    /// When there is no session.
    #[must_use]
    pub fn document(&self, local: &str, primitive: Primitive) -> Vec<u8> {
        let (mode, transaction_id) = (TransactionMode::Request, self.inner.mint());
        let session = self.inner.state().own_sessions.get(local).cloned().expect("a session");
        let transaction = Transaction { mode, transaction_id, content: Ok(primitive) };
        Document::transaction(Version::V1_3, session, transaction).write().expect("it can be written")
    }

    /// All answers that came since this was asked before.
    pub fn take_answers(&self) -> Vec<Primitive> {
        std::mem::take(&mut self.inner.state().answers).into_values().collect()
    }

    /// Tells something that nobody answers.
    ///
    /// # Errors
    /// When the gateway does not take it.
    pub fn tell(&self, local: &str, primitive: Primitive) -> Result<(), String> {
        self.send_as(local, &self.inner.mint(), primitive)
    }

    /// Waits for a request of the gateway.
    ///
    /// # Panics
    /// When it does not come.
    pub fn expect<T>(&self, what: &str, question: impl FnMut(&Asked) -> Option<T>) -> T {
        self.try_expect(what, PATIENCE, question).unwrap_or_else(|error| {
            panic!("{error}; what came: {:#?}", self.inner.state().titles);
        })
    }

    /// Waits for a request of the gateway, as long as is said.
    ///
    /// # Errors
    /// When it does not come.
    pub fn try_expect<T>(
        &self,
        what: &str,
        patience: Duration,
        mut question: impl FnMut(&Asked) -> Option<T>,
    ) -> Result<T, String> {
        wait::try_until(what, patience, || {
            let mut state = self.inner.state();
            let (place, found) =
                state.asked.iter().enumerate().find_map(|(place, asked)| Some((place, question(asked)?)))?;
            state.asked.remove(place);
            Some(found)
        })
    }

    /// The titles of everything that came, in order.
    #[must_use]
    pub fn titles(&self) -> Vec<String> {
        self.inner.state().titles.clone()
    }
}

impl Drop for SspHome {
    fn drop(&mut self) {
        self.inner.die();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What is done after a post was answered.
type Deed = Box<dyn FnOnce(&Inner) + Send>;

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mint(&self) -> TransactionId {
        TransactionId::new(format!("{:010}-0", self.number.fetch_add(1, Ordering::SeqCst)))
    }

    fn service(&self) -> ServiceId {
        ServiceId::of_domain(&self.domain)
    }

    fn serve(self: &Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.is_stopped.load(Ordering::SeqCst) {
                return;
            }
            let Ok(stream) = stream else { continue };
            let serving = Arc::clone(self);
            // Ends with the connection.
            let _ = std::thread::spawn(move || serving.converse(stream));
        }
    }

    fn die(&self) {
        self.is_stopped.store(true, Ordering::SeqCst);
        // Whoever waits for a connection gets one.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }

    fn converse(self: &Arc<Self>, mut stream: TcpStream) {
        let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
        while let Ok(Some(body)) = read_post(&mut stream) {
            if self.is_stopped.load(Ordering::SeqCst) {
                return;
            }
            let Ok(document) = Document::read(&body, &Limits::default()) else {
                if stream.write_all(&answer(400)).is_err() {
                    return;
                }
                continue;
            };
            let title = document.title();
            let fault = {
                let mut state = self.state();
                state.titles.push(title.clone());
                let place = state.faults.iter().position(|(beginning, _)| title.starts_with(beginning));
                place.and_then(|place| state.faults.remove(place)).map(|(_, fault)| fault)
            };
            let mut after: Vec<Deed> = Vec::new();
            let status = match fault {
                Some(Fault::Status(status)) => status,
                Some(Fault::Close) => return,
                Some(Fault::Hang) => {
                    std::thread::sleep(HANG);
                    return;
                }
                Some(Fault::Silence) => 200,
                Some(Fault::Die) => return self.die(),
                Some(Fault::Twice) => {
                    match (self.take(document.clone(), &mut after), self.take(document, &mut after)) {
                        (Some(status), _) => status,
                        (None, _) => return,
                    }
                }
                None => match self.take(document, &mut after) {
                    Some(status) => status,
                    None => return,
                },
            };
            if stream.write_all(&answer(status)).is_err() {
                return;
            }
            for deed in after {
                deed(self);
            }
        }
    }

    /// The status, or none where the connection is closed; and what is to be posted after it.
    fn take(&self, document: Document, after: &mut Vec<Deed>) -> Option<u16> {
        match document.body {
            Body::Setup(setup) => self.take_setup(setup.mode, setup.transaction_id, setup.step, after),
            Body::Session(message) => {
                let local = self.state().their_sessions.get(&message.session_id).cloned()?;
                for transaction in message.transactions {
                    let Ok(primitive) = transaction.content else { continue };
                    let id = transaction.transaction_id;
                    match transaction.mode {
                        TransactionMode::Response => drop(self.state().answers.insert(id, primitive)),
                        TransactionMode::Request => {
                            let answers = self.answers_to(&primitive);
                            self.state().asked.push_back(Asked { transaction_id: id.clone(), primitive });
                            let local = local.clone();
                            after.push(Box::new(move |inner| inner.reply(&local, &id, answers)));
                        }
                    }
                }
                Some(200)
            }
        }
    }

    fn reply(&self, local: &str, id: &TransactionId, answers: (Option<Primitive>, Option<Primitive>)) {
        let (response, request) = answers;
        let mode = TransactionMode::Response;
        let response =
            response.map(|primitive| Transaction { mode, transaction_id: id.clone(), content: Ok(primitive) });
        let mode = TransactionMode::Request;
        let request =
            request.map(|primitive| Transaction { mode, transaction_id: self.mint(), content: Ok(primitive) });
        for transaction in response.into_iter().chain(request) {
            // A test that kills the gateway sees to the rest.
            let _ = self.post_transaction(local, transaction);
        }
    }

    /// What this server says to a request, and what it asks then.
    fn answers_to(&self, primitive: &Primitive) -> (Option<Primitive>, Option<Primitive>) {
        let mut state = self.state();
        if !state.is_answering {
            return (None, None);
        }
        let success = StatusResult::success().with_meaning();
        let is_refused = matches!(primitive, Primitive::SendMessageRequest(_) | Primitive::SubscribeRequest(_));
        if let Some(code) = state.refusal.filter(|_| is_refused) {
            return (Some(Primitive::Status(StatusResult::new(code))), None);
        }
        match primitive {
            Primitive::SendMessageRequest(request) => {
                let message_id = request.message.message_id.clone();
                let response = SendMessageResponse { message_id, status: success };
                (Some(Primitive::SendMessageResponse(response)), None)
            }
            Primitive::SubscribeRequest(request) => {
                let watchers = request.meta.user.iter().map(|user| User::from(user.user_id.clone())).collect();
                let known = request.users.iter().filter_map(|user| state.presence.get(user.as_str()).cloned());
                let notification = PresenceNotification { watchers, values: known.collect() };
                (Some(Primitive::Status(success)), Some(Primitive::PresenceNotification(notification)))
            }
            Primitive::GetPresenceRequest(request) => {
                let known = request.users.iter().filter_map(|user| state.presence.get(user.as_str()).cloned());
                // This server leaves the Status out.
                let response = GetPresenceResponse { status: None, values: known.collect() };
                (Some(Primitive::GetPresenceResponse(response)), None)
            }
            Primitive::UnsubscribeRequest(_) | Primitive::InviteRequest(_) | Primitive::CancelInviteRequest(_) => {
                (Some(Primitive::Status(success)), None)
            }
            other if other.expects_answer() => {
                let refusal = || Primitive::Status(StatusResult::new(StatusCode::NOT_IMPLEMENTED));
                (Some(state.scripted.pop_front().unwrap_or_else(refusal)), None)
            }
            _ => (None, None),
        }
    }

    fn take_setup(
        &self,
        mode: TransactionMode,
        id: TransactionId,
        step: SetupStep,
        after: &mut Vec<Deed>,
    ) -> Option<u16> {
        let mut state = self.state();
        match (mode, step) {
            (TransactionMode::Request, SetupStep::SendSecretToken { service, secret, .. }) => {
                let local = service.domain().to_owned();
                let own = self.mint_secret();
                state.their_secrets.insert(local.clone(), secret);
                state.own_secrets.insert(local.clone(), own.clone());
                state.asking.insert(id, local);
                after.push(Box::new(move |inner| {
                    let step = SetupStep::SendSecretToken {
                        service: inner.service(),
                        secret: own,
                        version: Some("1.3".into()),
                    };
                    // An id of its own.
                    let _ = inner.post_step(TransactionMode::Response, TransactionId::new("22"), step);
                }));
            }
            (TransactionMode::Response, SetupStep::SendSecretToken { service, secret, .. }) => {
                let local = service.domain().to_owned();
                // Only where a secret was sent and none came back.
                let id = state.opened.get(&local)?.clone();
                let digest = secret.digest();
                state.their_secrets.insert(local, secret);
                after.push(Box::new(move |inner| {
                    let _ = inner.post_step(TransactionMode::Request, id, inner.login(digest));
                }));
            }
            (TransactionMode::Request, SetupStep::LoginRequest { service, digest, .. }) => {
                let local = service.domain();
                if state.own_secrets.get(local)?.digest() != digest {
                    return None;
                }
                let proof = state.their_secrets.get(local)?.digest();
                after.push(Box::new(move |inner| {
                    let _ = inner.post_step(TransactionMode::Response, id, inner.login(proof));
                }));
            }
            (TransactionMode::Response, SetupStep::LoginRequest { service, digest, .. }) => {
                let local = service.domain().to_owned();
                if state.own_secrets.get(&local)?.digest() != digest {
                    return None;
                }
                let own = SessionId::new(format!("{}@{}", id.as_str(), self.domain));
                state.own_sessions.insert(local, own.clone());
                after.push(Box::new(move |inner| {
                    let _ = inner.post_step(TransactionMode::Request, id, granted(own));
                }));
            }
            (mode, SetupStep::LoginResponse { session_id: Some(theirs), status, .. }) if status.code.is_success() => {
                let (_, local) = theirs.as_str().split_once('@')?;
                let local = local.to_owned();
                // What answers a set-up of a process that is gone opens nothing here.
                if mode == TransactionMode::Response && !state.own_sessions.contains_key(&local) {
                    return None;
                }
                state.their_sessions.retain(|_, domain| *domain != local);
                state.their_sessions.insert(theirs, local.clone());
                if mode == TransactionMode::Response {
                    state.knowing.insert(local);
                } else {
                    state.knowing.remove(&local);
                    state.asking.remove(&id)?;
                    let own = SessionId::new(format!("{}@{}", self.number.fetch_add(1, Ordering::SeqCst), self.domain));
                    state.own_sessions.insert(local.clone(), own.clone());
                    after.push(Box::new(move |inner| {
                        if inner.post_step(TransactionMode::Response, id, granted(own)).is_ok() {
                            inner.state().knowing.insert(local);
                        }
                    }));
                }
            }
            (_, SetupStep::LoginResponse { .. }) => return None,
        }
        Some(200)
    }

    fn open(&self, local: &str) -> Result<(), String> {
        let own = self.mint_secret();
        let id = TransactionId::new(self.number.fetch_add(1, Ordering::SeqCst).to_string());
        let mut state = self.state();
        state.own_secrets.insert(local.to_owned(), own.clone());
        state.opened.insert(local.to_owned(), id.clone());
        // Stored before it is sent.
        drop(state);
        let step = SetupStep::SendSecretToken { service: self.service(), secret: own, version: Some("1.3".into()) };
        self.post_step(TransactionMode::Request, id, step)
    }

    fn login(&self, digest: wv_proto::ssp::setup::PasswordDigest) -> SetupStep {
        SetupStep::LoginRequest { service: self.service(), time_to_live: Some(DAY), digest }
    }

    fn mint_secret(&self) -> SecretToken {
        let number = self.number.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        SecretToken::from_octets(std::array::from_fn(|place| number[place % 8] ^ (place as u8).wrapping_mul(37)))
    }

    fn post_step(&self, mode: TransactionMode, id: TransactionId, step: SetupStep) -> Result<(), String> {
        self.post(&Document::setup(Version::V1_3, mode, id, step))
    }

    fn post_transaction(&self, local: &str, transaction: Transaction) -> Result<(), String> {
        let session = self.state().own_sessions.get(local).cloned().ok_or("no session")?;
        self.post(&Document::transaction(Version::V1_3, session, transaction))
    }

    fn post(&self, document: &Document) -> Result<(), String> {
        let body = document.write().map_err(|error| error.to_string())?;
        match post_octets(self.gateway, &body).map_err(|error| error.to_string())? {
            200 => Ok(()),
            status => Err(format!("{}: {status}", document.title())),
        }
    }
}

fn granted(own: SessionId) -> SetupStep {
    SetupStep::LoginResponse { session_id: Some(own), time_to_live: Some(DAY), status: StatusResult::success() }
}

/// A port for a peer that is started later.
#[must_use]
pub fn port() -> u16 {
    port::free()
}

const PATIENCE: Duration = Duration::from_secs(20);

/// Longer than anybody waits for the answer to a post.
const HANG: Duration = Duration::from_secs(20);

const DAY: Duration = Duration::from_secs(86_400);
