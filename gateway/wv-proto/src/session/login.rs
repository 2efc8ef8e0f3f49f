//! Logins: who somebody is, which session he gets, and what the Login-Response says.

mod event;

pub use event::{
    Comparison, Credentials, Exposure, KnownSession, LoginAttempt, LoginCommand, LoginEvent, LoginPolicy, MultiSession,
    OldSession, Opening, Resumption, SameClient, SentDigest,
};

use super::closed::code_for_version;
use super::digest::{Proof, is_digest_right, is_same_password, offered_schemas};
use super::keep_alive::Grant;
use super::negotiation::{Negotiated, name_session};
use super::time::Timestamp;
use super::transaction::PostId;
use crate::primitive::access::{LoginRequest, LoginResponse};
use crate::primitive::identifier::{ClientId, IDENTIFIER_LENGTH_MAX, Nonce, SessionCookie, SessionId};
use crate::primitive::service::ServiceRequest;
use crate::primitive::{Envelope, Primitive, SessionDescriptor, Transaction};
use crate::status::StatusCode;
use crate::version::Version;
use std::collections::{HashMap, VecDeque};

/// The machine: one for many users, without any session of its own.
#[derive(Debug)]
pub struct LoginMachine {
    policy: LoginPolicy,
    attempts: HashMap<PostId, Box<LoginAttempt>>,
    /// The attempts in the order of their arrival; some are decided already.
    arrivals: VecDeque<(Timestamp, PostId)>,
    challenges: HashMap<Claim, Challenge>,
    order: VecDeque<(Timestamp, Claim)>,
    commands: VecDeque<LoginCommand>,
}

/// Who claims to log in: what both steps of a four-way login have in common.
// WV-LOGIN-14
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Claim {
    user_id: String,
    client_id: Option<ClientId>,
    session_cookie: Option<SessionCookie>,
}

#[derive(Debug)]
struct Challenge {
    nonce: Nonce,
    proof: Proof,
    since: Timestamp,
}

/// What a login proves.
enum Verdict {
    Proved,
    Challenge(Proof),
    Refused(StatusCode),
}

impl LoginMachine {
    /// A machine without logins under way.
    #[must_use]
    pub fn new(policy: LoginPolicy) -> Self {
        Self {
            policy,
            attempts: HashMap::new(),
            arrivals: VecDeque::new(),
            challenges: HashMap::new(),
            order: VecDeque::new(),
            commands: VecDeque::new(),
        }
    }

    /// Something happened.
    pub fn handle(&mut self, now: Timestamp, event: LoginEvent) {
        self.expire(now);
        match event {
            LoginEvent::Request(attempt) => self.begin(now, attempt),
            LoginEvent::Credentials { post, credentials, sessions, old } => {
                if let Some(attempt) = self.attempts.remove(&post) {
                    self.decide(now, &attempt, &credentials, &sessions, old);
                }
                while self.arrivals.front().is_some_and(|(_, first)| !self.attempts.contains_key(first)) {
                    self.arrivals.pop_front();
                }
            }
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<LoginCommand> {
        self.commands.pop_front()
    }

    /// When [`Self::expire`] is to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        let challenge = self.order.front().map(|(since, _)| since.after(self.policy.limits.challenge_life));
        let attempt = self.arrivals.front().map(|(since, _)| since.after(self.policy.limits.answer_wait));
        challenge.into_iter().chain(attempt).min()
    }

    /// Time has passed.
    // WV-LOGIN-06
    pub fn expire(&mut self, now: Timestamp) {
        while let Some((since, _)) = self.order.front()
            && since.after(self.policy.limits.challenge_life) <= now
        {
            if let Some((since, claim)) = self.order.pop_front() {
                self.forget(since, &claim);
            }
        }
        // WV-TRX-08
        while let Some((since, post)) = self.arrivals.front().copied() {
            let is_late = since.after(self.policy.limits.answer_wait) <= now;
            if !is_late && self.attempts.contains_key(&post) {
                break;
            }
            self.arrivals.pop_front();
            if let Some(attempt) = self.attempts.remove(&post) {
                self.refuse(&attempt, StatusCode::TIMEOUT);
            }
        }
    }

    /// How many challenges wait for their answer.
    #[must_use]
    pub fn challenge_count(&self) -> usize {
        self.challenges.len()
    }

    fn begin(&mut self, now: Timestamp, attempt: Box<LoginAttempt>) {
        // WV-TRX-09
        if self.attempts.len() >= self.policy.limits.challenges_max {
            return self.refuse(&attempt, StatusCode::SERVICE_UNAVAILABLE);
        }
        self.commands.push_back(LoginCommand::FindCredentials {
            post: attempt.post,
            user_id: attempt.request.user_id.clone(),
            password: attempt.request.password.clone(),
            digest: self.sent_digest(&attempt),
            old: attempt.old_session().cloned(),
        });
        self.arrivals.push_back((now, attempt.post));
        self.attempts.insert(attempt.post, attempt);
    }

    /// The digest of the request, when it answers a challenge.
    fn sent_digest(&self, attempt: &LoginAttempt) -> Option<Box<SentDigest>> {
        let bytes = attempt.request.digest_bytes.clone()?;
        let challenge = self.challenges.get(&attempt.claim())?;
        Some(Box::new(SentDigest { nonce: challenge.nonce.clone(), schema: challenge.proof.to_schema(), bytes }))
    }

    fn decide(
        &mut self,
        now: Timestamp,
        attempt: &LoginAttempt,
        credentials: &Credentials,
        sessions: &[KnownSession],
        old: OldSession,
    ) {
        match self.judge(attempt, credentials) {
            Verdict::Refused(code) => self.refuse(attempt, code),
            Verdict::Challenge(proof) => self.challenge(now, attempt, proof),
            Verdict::Proved => match attempt.old_session() {
                Some(named) => self.resume(attempt, named, sessions, old),
                None => self.admit(attempt, sessions),
            },
        }
    }

    /// What the login proves, given what is known of the user.
    fn judge(&mut self, attempt: &LoginAttempt, credentials: &Credentials) -> Verdict {
        let request = &attempt.request;
        if *credentials == Credentials::Unknown {
            // WV-LOGIN-02
            return Verdict::Refused(StatusCode::UNKNOWN_USER);
        }
        if *credentials == Credentials::Unavailable {
            // WV-ACC-05
            return Verdict::Refused(StatusCode::SERVICE_UNAVAILABLE);
        }
        if *credentials == Credentials::Vouched {
            return Verdict::Proved;
        }
        if request.password.is_some() && attempt.exposure == Exposure::Open {
            // WV-ACC-01
            return Verdict::Refused(StatusCode::FORBIDDEN);
        }
        // WV-LOGIN-07
        if let Some(sent) = &request.digest_bytes {
            // WV-LOGIN-06
            let is_right = match (self.take_challenge(&attempt.claim()), credentials) {
                (Some(Challenge { nonce, proof: Proof::Digest(method), .. }), Credentials::Password(password)) => {
                    is_digest_right(method, &nonce, password, sent)
                }
                (Some(Challenge { proof: Proof::Digest(_), .. }), Credentials::Delegated(comparison)) => {
                    *comparison == Comparison::Equal
                }
                (_, _) => false,
            };
            return Verdict::of(is_right);
        }
        if let Some(sent) = &request.password {
            // WV-LOGIN-01
            self.take_challenge(&attempt.claim());
            return Verdict::of(match credentials {
                Credentials::Password(password) => is_same_password(password, sent),
                Credentials::Hashed(comparison) | Credentials::Delegated(comparison) => {
                    *comparison == Comparison::Equal
                }
                Credentials::Unknown | Credentials::Unavailable | Credentials::Vouched => false,
            });
        }
        Self::choose(request, credentials, attempt.exposure)
    }

    /// The first schema of the client that the credentials can check.
    // WV-LOGIN-05
    fn choose(request: &LoginRequest, credentials: &Credentials, exposure: Exposure) -> Verdict {
        if request.digest_schemas.is_empty() {
            return Verdict::Refused(StatusCode::INVALID_PASSWORD);
        }
        let offered = offered_schemas(&request.digest_schemas);
        let usable = offered.iter().filter_map(Proof::from_schema).find(|proof| match (proof, credentials) {
            (Proof::Digest(_), Credentials::Password(_) | Credentials::Delegated(_)) => true,
            // WV-ACC-01
            (Proof::ClearPassword, Credentials::Hashed(_) | Credentials::Delegated(_)) => {
                exposure == Exposure::Protected
            }
            (Proof::Digest(_) | Proof::ClearPassword, _) => false,
        });
        // WV-LOGIN-08
        usable.map_or(Verdict::Refused(StatusCode::NO_MATCHING_DIGEST_SCHEMA), Verdict::Challenge)
    }

    // WV-LOGIN-03
    fn challenge(&mut self, now: Timestamp, attempt: &LoginAttempt, proof: Proof) {
        while self.order.len() >= self.policy.limits.challenges_max.max(1) {
            let Some((since, oldest)) = self.order.pop_front() else { break };
            self.forget(since, &oldest);
        }
        let claim = attempt.claim();
        let challenge = Challenge { nonce: attempt.nonce.clone(), proof, since: now };
        self.order.push_back((now, claim.clone()));
        self.challenges.insert(claim, challenge);
        let mut response = attempt.response(StatusCode::UNAUTHORIZED);
        response.nonce = Some(attempt.nonce.clone());
        response.digest_schema = Some(proof.to_schema());
        self.respond(attempt, response);
    }

    // WV-RES-01
    fn resume(&mut self, attempt: &LoginAttempt, named: &SessionId, sessions: &[KnownSession], old: OldSession) {
        let known = match old {
            OldSession::Own => sessions.iter().find(|session| session.session_id == *named),
            OldSession::Unknown => None,
            // WV-RES-02
            OldSession::Foreign => return self.refuse(attempt, StatusCode::CLIENT_ID_MISMATCH),
        };
        let Some(known) = known else {
            // WV-RES-03
            return self.refuse(attempt, StatusCode::SESSION_NOT_RECOVERED);
        };
        if known.client_id != attempt.client_id() {
            return self.refuse(attempt, StatusCode::CLIENT_ID_MISMATCH);
        }
        let keep_alive = Grant::decide(attempt.request.time_to_live, &self.policy.limits).time();
        let resumption = Resumption { keep_alive, session_cookie: attempt.request.session_cookie.clone() };
        self.commands.push_back(LoginCommand::Resume { session_id: named.clone(), resumption });
        let mut response = attempt.response(StatusCode::SUCCESS);
        response.session_id = Some(named.clone());
        response.keep_alive_time = Some(keep_alive);
        // WV-LOGIN-12
        response.capability_request = Some(false);
        self.respond(attempt, response);
    }

    fn admit(&mut self, attempt: &LoginAttempt, sessions: &[KnownSession]) {
        let client_id = attempt.client_id();
        let (same, others): (Vec<_>, Vec<_>) = sessions.iter().partition(|session| session.client_id == client_id);
        // WV-LOGIN-11
        let may_open = match self.policy.multi_session {
            MultiSession::Allowed(most) => others.len() < most,
            MultiSession::Single => others.is_empty(),
        };
        let may_replace = same.is_empty() || self.policy.same_client == SameClient::Replaces;
        if !may_open || !may_replace {
            return self.refuse(attempt, StatusCode::ALREADY_LOGGED_IN);
        }
        // WV-TRX-07
        if attempt.session_id.as_str().len() > IDENTIFIER_LENGTH_MAX {
            return self.refuse(attempt, StatusCode::INTERNAL_ERROR);
        }
        for session in same {
            // WV-LOGIN-10
            let by = attempt.session_id.clone();
            self.commands.push_back(LoginCommand::Replace { session_id: session.session_id.clone(), by });
        }
        self.open(attempt, client_id);
    }

    fn open(&mut self, attempt: &LoginAttempt, client_id: ClientId) {
        let keep_alive = Grant::decide(attempt.request.time_to_live, &self.policy.limits).time();
        let mut response = attempt.response(StatusCode::SUCCESS);
        response.session_id = Some(attempt.session_id.clone());
        response.keep_alive_time = Some(keep_alive);
        // WV-LOGIN-12
        response.capability_request = Some(true);
        let mut negotiated = Negotiated::default();
        self.negotiate(attempt, &mut negotiated, &mut response);
        self.commands.push_back(LoginCommand::Open(Box::new(Opening {
            post: attempt.post,
            session_id: attempt.session_id.clone(),
            user_id: attempt.request.user_id.clone(),
            client_id,
            session_cookie: attempt.request.session_cookie.clone(),
            version: attempt.version,
            keep_alive,
            negotiated,
        })));
        self.respond(attempt, response);
    }

    /// In 1.3 a login may carry what is otherwise negotiated after it.
    fn negotiate(&self, attempt: &LoginAttempt, negotiated: &mut Negotiated, response: &mut LoginResponse) {
        if attempt.version != Version::V1_3 {
            return;
        }
        let offer = &self.policy.offer;
        if let Some(functions) = attempt.request.functions {
            let request = ServiceRequest { client_id: None, functions: Some(functions), all_functions_request: false };
            response.functions = negotiated.serve(&request, offer, attempt.version).refused;
        }
        if let Some(wanted) = &attempt.request.capabilities {
            let mut agreed = negotiated.describe_in_login(wanted, offer, attempt.version, &self.policy.limits);
            name_session(&mut agreed, &attempt.session_id);
            response.capabilities = Some(Box::new(agreed));
            response.capability_request = Some(false);
        }
    }

    fn take_challenge(&mut self, claim: &Claim) -> Option<Challenge> {
        self.challenges.remove(claim)
    }

    /// Drops a challenge unless a newer one has taken its place.
    fn forget(&mut self, since: Timestamp, claim: &Claim) {
        if self.challenges.get(claim).is_some_and(|challenge| challenge.since == since) {
            self.challenges.remove(claim);
        }
    }

    fn refuse(&mut self, attempt: &LoginAttempt, code: StatusCode) {
        let code = code_for_version(code, attempt.version);
        self.respond(attempt, attempt.response(code));
    }

    fn respond(&mut self, attempt: &LoginAttempt, response: LoginResponse) {
        // WV-LOGIN-13
        let primitive = Primitive::LoginResponse(Box::new(response));
        // WV-TRX-01
        let transaction = Transaction::response(attempt.transaction.clone(), primitive);
        let answer = Envelope::new(attempt.session.clone(), transaction);
        self.commands.push_back(LoginCommand::Respond { post: attempt.post, answer });
    }
}

impl LoginAttempt {
    /// The session that the login wants to establish again.
    #[must_use]
    pub fn old_session(&self) -> Option<&SessionId> {
        match &self.session {
            SessionDescriptor::Inband(session) => Some(session),
            SessionDescriptor::Outband => self.request.session_id.as_ref(),
        }
    }

    /// The client; one without any text when the request names none.
    #[must_use]
    pub fn client_id(&self) -> ClientId {
        let named = self.request.client_id.clone();
        let application = || self.request.application_id.clone().map(ClientId::Application);
        named.or_else(application).unwrap_or(ClientId::Described { url: None, msisdn: None })
    }

    fn claim(&self) -> Claim {
        Claim {
            user_id: self.request.user_id.as_str().to_ascii_lowercase(),
            client_id: self.request.client_id.clone(),
            session_cookie: self.request.session_cookie.clone(),
        }
    }

    fn response(&self, code: StatusCode) -> LoginResponse {
        LoginResponse::new(self.request.client_id.clone(), code.into())
    }
}

impl Verdict {
    // WV-LOGIN-02
    fn of(is_right: bool) -> Self {
        if is_right { Self::Proved } else { Self::Refused(StatusCode::INVALID_PASSWORD) }
    }
}

#[cfg(test)]
mod tests;
