//! Logins: the machine decides, this side looks accounts up and opens sessions.

use super::subscriber::SubscriberBackend;
use super::{Entry, SESSION, Sessions, execute::Pending, post::IncomingPost, post::evidence, to_wv, user_of};
use crate::{account::Credential, wv::translate::announcement};
use mapping::{address::Address, correlation::Correlation, event::DetachReason, time::Timestamp};
use std::{collections::HashMap, net::IpAddr};
use wv_proto::{
    primitive::{
        Envelope, Primitive, Transaction, TransactionMode,
        access::LoginResponse,
        identifier::{Password, SessionId, UserId},
        system_message::SystemMessageResponse,
    },
    quirk::{Evidence, Profile},
    session::{
        digest::mint_nonce,
        login::{
            Comparison, Credentials, KnownSession, LoginAttempt, LoginCommand, LoginEvent, OldSession, Opening,
            SentDigest,
        },
        poll::{QueueKey, ServerPrimitive},
        server::{Event, ServerSession},
        transaction::PostId,
    },
    status::StatusCode,
    version::{Encoding, Version},
};

/// What a session leaves to the one that takes its place.
pub(super) struct Inheritance {
    version: Version,
    queue: Vec<ServerPrimitive>,
    chains: HashMap<QueueKey, Correlation>,
}

/// What is known of a login besides what its machine knows.
pub(super) struct LoginNote {
    profile: Profile,
    encoding: Encoding,
    /// The user, as he named himself.
    user: String,
    pub(super) client: String,
    pub(super) source: IpAddr,
    /// The telephone number that the network vouches for.
    pub(super) number: Option<String>,
    /// What the user answers to the operator.
    answers: Vec<SystemMessageResponse>,
}

/// What a login holds to prove it.
pub(super) struct SentProof {
    pub(super) password: Option<Password>,
    pub(super) digest: Option<Box<SentDigest>>,
}

impl SentProof {
    pub(super) fn is_empty(&self) -> bool {
        self.password.is_none() && self.digest.is_none()
    }
}

impl Sessions {
    #[allow(clippy::too_many_arguments, reason = "the parts of one message")]
    pub(super) fn begin_login(
        &mut self,
        now: Timestamp,
        id: PostId,
        post: &IncomingPost,
        version: Version,
        encoding: Encoding,
        envelope: Envelope,
        at: usize,
    ) {
        let session = envelope.session.clone();
        let Some(transaction) = envelope.transactions.into_iter().nth(at) else { return };
        let (Ok(Primitive::LoginRequest(request)), TransactionMode::Request) = (transaction.content, transaction.mode)
        else {
            return self.reply(id, None);
        };
        let refuse = |code: StatusCode| {
            // WV-LOGIN-13
            let response = LoginResponse::new(request.client_id.clone(), code.into());
            let response = Primitive::LoginResponse(Box::new(response));
            Envelope::new(session.clone(), Transaction::response(transaction.id.clone(), response))
        };
        if !self.may_log_in(now, post) {
            crate::observe::metric::shed(mapping::side::Side::Wv, "logins");
            return self.reply(id, Some(refuse(StatusCode::SERVICE_UNAVAILABLE)));
        }
        // WV-ACC-03
        if self.back_off.wait(now, request.user_id.as_str(), post.source.ip()).is_some() {
            crate::observe::metric::shed(mapping::side::Side::Wv, "login_back_off");
            return self.reply(id, Some(refuse(StatusCode::SERVICE_UNAVAILABLE)));
        }
        let client = request.client_id.as_ref().map(|client| client.as_str().to_owned()).unwrap_or_default();
        let cookie = request.session_cookie.as_ref().map(|cookie| cookie.as_str().to_owned());
        let transaction_text = transaction.id.as_ref().map(|id| id.as_str().to_owned());
        let evidence = Evidence {
            is_plain_text: self.waiting.get(&id).is_some_and(|waiting| waiting.plain.is_some()),
            ..evidence(post, &client, cookie.as_deref(), transaction_text.as_deref())
        };
        let profile = Profile::recognise(&evidence);
        self.source_has(id, profile.quirks());
        let (Some(nonce), Some(session_id)) = (self.random().map(mint_nonce), self.mint_session_id()) else {
            return self.reply(id, Some(refuse(StatusCode::INTERNAL_ERROR)));
        };
        let attempt = LoginAttempt {
            post: id,
            version,
            exposure: post.exposure,
            session,
            transaction: transaction.id,
            request: *request,
            nonce,
            session_id,
        };
        let user = attempt.request.user_id.as_str().to_owned();
        let (source, number) = (post.source.ip(), post.msisdn.clone());
        let answers = match version {
            Version::V1_1 | Version::V1_2 => Vec::new(),
            Version::V1_3 => attempt.request.answers.clone(),
        };
        let note = LoginNote { profile, encoding, user, client, source, number, answers };
        self.notes.insert(id, note);
        self.logins.handle(to_wv(now), LoginEvent::Request(Box::new(attempt)));
        self.drive_logins(now);
    }

    /// Carries out what the login machine wants.
    pub(super) fn drive_logins(&mut self, now: Timestamp) {
        let inputs_before = self.inputs.len();
        let mut responses = Vec::new();
        let mut inherited = HashMap::new();
        while let Some(command) = self.logins.poll() {
            self.take_up_chain(&command);
            match command {
                LoginCommand::FindCredentials { post, user_id, password, digest, old } => {
                    let proof = SentProof { password, digest };
                    self.find_credentials(now, post, &user_id, proof, old.as_ref());
                }
                LoginCommand::Replace { session_id, by } => {
                    let inheritance = self.replace(now, &session_id);
                    inherited.insert(by, inheritance);
                }
                LoginCommand::Open(opening) => {
                    let inheritance = inherited.remove(&opening.session_id).flatten();
                    self.open(now, *opening, inheritance);
                }
                LoginCommand::Resume { session_id, resumption } => {
                    if let Some(entry) = self.entries.get_mut(&session_id) {
                        entry.machine.handle(to_wv(now), Event::Resume(resumption));
                    }
                    self.drive(now, &session_id);
                }
                LoginCommand::Respond { post, answer } => {
                    self.note_outcome(now, post, &answer);
                    responses.push((post, Some(answer)));
                }
            }
        }
        // A granted session is kept before its client hears of it.
        self.answer_posts(inputs_before, responses);
    }

    /// What follows belongs to the causal chain of the login, even when a slow comparison lies between.
    fn take_up_chain(&mut self, command: &LoginCommand) {
        let post = match command {
            LoginCommand::FindCredentials { post, .. } | LoginCommand::Respond { post, .. } => *post,
            LoginCommand::Open(opening) => opening.post,
            LoginCommand::Replace { .. } | LoginCommand::Resume { .. } => return,
        };
        if let Some(waiting) = self.waiting.get(&post) {
            self.current = waiting.correlation;
        }
    }

    fn find_credentials(
        &mut self,
        now: Timestamp,
        post: PostId,
        user_id: &UserId,
        proof: SentProof,
        old: Option<&SessionId>,
    ) {
        let user = user_of(user_id, &self.settings.domain_default).filter(|user| self.settings.is_hosted(user));
        let sessions = user.as_ref().map(|user| self.sessions_of(user)).unwrap_or_default();
        let old = match (old.and_then(|old| self.entries.get(old)), &user) {
            (Some(entry), Some(user)) if entry.user == *user => OldSession::Own,
            (Some(_), _) => OldSession::Foreign,
            (None, _) => OldSession::Unknown,
        };
        if let (Some(user), SubscriberBackend::Service(service)) = (&user, &self.subscribers) {
            let service = service.clone();
            return self.ask_service(now, post, user, &service, proof, sessions, old);
        }
        let account = user.as_ref().and_then(|user| self.accounts.find(user));
        let is_vouched = account.is_some() && user.as_ref().is_some_and(|user| self.is_vouched(post, user));
        let credentials = match (&account, &proof.password) {
            // WV-ACC-04
            _ if is_vouched && proof.is_empty() => Credentials::Vouched,
            (None, _) => Credentials::Unknown,
            (Some(account), password) => match (account.credential.clear(), password) {
                (Some(secret), _) => Credentials::Password(Password::new(secret.reveal())),
                (None, None) => Credentials::Hashed(Comparison::NotMade),
                (None, Some(password)) => {
                    return self.compare_hash(post, account.credential.clone(), password.clone(), sessions, old);
                }
            },
        };
        self.logins.handle(to_wv(now), LoginEvent::Credentials { post, credentials, sessions, old });
    }

    /// Whether the network says that the login comes from the telephone number that the user is called by.
    // WV-ACC-04
    pub(super) fn is_vouched(&self, post: PostId, user: &Address) -> bool {
        let number = self.notes.get(&post).and_then(|note| note.number.as_deref()).unwrap_or_default();
        let named = user.as_str().split('@').next().unwrap_or_default();
        let digits = |text: &str| text.trim_start_matches('+').to_owned();
        !number.is_empty()
            && digits(number) == digits(named)
            && digits(named).bytes().all(|octet| octet.is_ascii_digit())
    }

    /// Counts what failed for want of proof.
    // WV-ACC-03
    fn note_outcome(&mut self, now: Timestamp, post: PostId, answer: &Envelope) {
        let Some(note) = self.notes.remove(&post) else { return };
        let contents = answer.transactions.iter().filter_map(|transaction| transaction.content.as_ref().ok());
        let Some(code) = contents.filter_map(Primitive::result).map(|result| result.code).next() else { return };
        match code {
            StatusCode::INVALID_PASSWORD | StatusCode::UNKNOWN_USER => {
                self.back_off.failed(now, &note.user, note.source);
            }
            StatusCode::SUCCESS => self.back_off.succeeded(&note.user, note.source),
            _ => {}
        }
    }

    /// A slow hash is compared on another thread: the lane goes on meanwhile.
    fn compare_hash(
        &self,
        post: PostId,
        credential: Credential,
        password: Password,
        sessions: Vec<KnownSession>,
        old: OldSession,
    ) {
        let Some(own) = self.own.clone() else { return };
        tokio::task::spawn_local(async move {
            let compared = tokio::task::spawn_blocking(move || credential.verify(password.expose())).await;
            let comparison = if compared.unwrap_or(false) { Comparison::Equal } else { Comparison::Different };
            let Some(own) = own.upgrade() else { return };
            let mut machines = own.borrow_mut();
            let now = machines.clock.now();
            if let Some(waiting) = machines.waiting.get(&post) {
                machines.current = waiting.correlation;
            }
            let credentials = Credentials::Hashed(comparison);
            machines.logins.handle(to_wv(now), LoginEvent::Credentials { post, credentials, sessions, old });
            machines.drive_logins(now);
            machines.wake.notify_one();
        });
    }

    fn sessions_of(&self, user: &Address) -> Vec<KnownSession> {
        let ids = self.by_user.get(user).map(Vec::as_slice).unwrap_or_default();
        ids.iter()
            .filter_map(|id| self.entries.get(id).map(|entry| (id, entry)))
            .filter(|(_, entry)| entry.machine.may_go_on())
            .map(|(id, entry)| KnownSession {
                session_id: id.clone(),
                client_id: entry.machine.party().client_id.clone(),
            })
            .collect()
    }

    /// The older session of the same client: it hears 601 with its next message, and counts no longer. What waits in it
    /// waits in its heir.
    pub(super) fn replace(&mut self, now: Timestamp, id: &SessionId) -> Option<Inheritance> {
        self.detach(id, DetachReason::Forced);
        let entry = self.entries.get_mut(id)?;
        let (owner, version) = (entry.user.to_shared(), entry.machine.party().version);
        let (queue, chains) = (entry.machine.take_queue(), std::mem::take(&mut entry.chains));
        entry.machine.handle(to_wv(now), Event::Disconnect(StatusCode::FORCED_LOGOUT));
        self.record(SESSION, id, owner, None);
        self.drive(now, id);
        Some(Inheritance { version, queue, chains })
    }

    fn open(&mut self, now: Timestamp, opening: Opening, inheritance: Option<Inheritance>) {
        let Some(user) = user_of(&opening.user_id, &self.settings.domain_default) else { return };
        // One text for all who name the user.
        let user = self.accounts.find(&user).map_or(user, |account| account.user.address().clone());
        let answers = self.notes.get_mut(&opening.post).map(|note| std::mem::take(&mut note.answers));
        let note = self.notes.get(&opening.post);
        let (profile, encoding) =
            note.map_or((Profile::default(), Encoding::Xml), |note| (note.profile, note.encoding));
        let source = self.waiting.get(&opening.post).map(|waiting| (waiting.source, waiting.plain));
        let (id, version) = (opening.session_id.clone(), opening.version);
        let policy = std::sync::Arc::clone(&self.settings.session_policy);
        let machine = ServerSession::open(to_wv(now), policy, opening, encoding, profile, self.settings.epoch);
        if profile != Profile::Plain {
            // WV-QRK-02
            crate::observe::metric::quirk(mapping::side::Side::Wv, profile.as_str());
        }
        tracing::debug!(side = "wv", session = %id, %user, ?profile, correlation = %self.current, "session opened");
        self.add_for_user(&user, &id);
        let mut entry = Entry::new(machine, user);
        // What was written for another version is not queued: the engine says the lasting part of it again.
        if let Some(inheritance) = inheritance.filter(|inheritance| inheritance.version == version) {
            entry.chains = inheritance.chains;
            for primitive in inheritance.queue {
                entry.machine.handle(to_wv(now), Event::Enqueue(primitive));
            }
        }
        self.entries.insert(id.clone(), Box::new(entry));
        self.keep(&id);
        self.answer_operator(&id, answers.unwrap_or_default());
        self.attach(&id);
        if let Some((source, plain)) = source {
            self.note_source(&id, source, plain);
        }
        self.drive(now, &id);
    }

    /// What was answered together with the login is not asked again.
    // WV-SYS-03
    fn answer_operator(&mut self, id: &SessionId, answers: Vec<SystemMessageResponse>) {
        let Some(user) = self.entries.get(id).map(|entry| entry.user.clone()) else { return };
        for answer in answers {
            self.ask(user.clone(), id, announcement::from_response(answer), Pending::Nothing);
        }
    }

    fn may_log_in(&mut self, now: Timestamp, post: &IncomingPost) -> bool {
        let minute = now.as_secs() / 60;
        if self.login_budget.len() > SOURCES_MAX {
            self.login_budget.retain(|_, (known, _)| *known == minute);
        }
        // So many within one minute cannot all be real.
        if self.login_budget.len() > SOURCES_MAX && !self.login_budget.contains_key(&post.source.ip()) {
            return false;
        }
        let (known, spent) = self.login_budget.entry(post.source.ip()).or_insert((minute, 0));
        if *known != minute {
            (*known, *spent) = (minute, 0);
        }
        *spent = spent.saturating_add(1);
        // A four-way login takes two requests.
        *spent <= self.settings.logins_per_minute_per_source.saturating_mul(2)
    }

    /// The lane's number and 128 random bits, well below the 50 characters that old phones take (WV-TRX-07).
    fn mint_session_id(&self) -> Option<SessionId> {
        let octets = self.random::<16>()?;
        let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        Some(SessionId::new(format!("{}-{hex}", self.settings.lane)))
    }

    fn random<const N: usize>(&self) -> Option<[u8; N]> {
        let mut octets = [0; N];
        match self.entropy.fill(&mut octets) {
            Ok(()) => Some(octets),
            Err(error) => {
                tracing::error!(%error, "the system gives no random octets");
                None
            }
        }
    }
}

/// Sources remembered before the ones of past minutes are forgotten.
const SOURCES_MAX: usize = 10_000;
