//! Logins of several users at once: two steps, four steps, wrong ones and repeated ones.

use super::tape::Tape;
use std::{collections::HashSet, time::Duration};
use wv_proto::{
    primitive::{
        Primitive, SessionDescriptor,
        access::{DigestSchema, LoginRequest},
        identifier::{ClientId, DigestBytes, Nonce, Password, SessionCookie, SessionId, TransactionId, UserId},
    },
    session::{
        digest::{DigestMethod, digest_bytes, mint_nonce},
        limit::SessionLimits,
        login::{
            Comparison, Credentials, Exposure, KnownSession, LoginAttempt, LoginCommand, LoginEvent, LoginMachine,
            LoginPolicy, MultiSession, OldSession, SameClient,
        },
        time::Timestamp,
        transaction::PostId,
    },
    version::Version,
};

/// Any history of logins.
///
/// # Panics
/// When a promise of the login machine is broken.
pub fn run(data: &[u8]) {
    let mut tape = Tape::new(data);
    let mut world = World::new(&mut tape);
    while let Some(step) = tape.next_octet() {
        match step % 4 {
            0 => world.pass(tape.wait_millis()),
            1 | 2 => world.ask(&mut tape),
            _ => world.tell(&mut tape),
        }
    }
    world.pass(600_000);
    assert_eq!(world.machine.challenge_count(), 0, "challenges that nobody answers are forgotten");
    assert_eq!(world.machine.deadline(), None);
}

struct World {
    machine: LoginMachine,
    now: u64,
    posts: u64,
    /// Logins without an answer.
    open: HashSet<PostId>,
    /// Logins whose user is to be looked up.
    wanted: Vec<PostId>,
    nonce: Option<Nonce>,
}

impl World {
    fn new(tape: &mut Tape<'_>) -> Self {
        let limits = SessionLimits { challenges_max: 4, ..SessionLimits::default() };
        let multi_session = if tape.flag() { MultiSession::Single } else { MultiSession::Allowed(2) };
        let same_client = if tape.flag() { SameClient::IsRefused } else { SameClient::Replaces };
        let policy = LoginPolicy { limits, multi_session, same_client, ..LoginPolicy::default() };
        let machine = LoginMachine::new(policy);
        Self { machine, now: 0, posts: 0, open: HashSet::new(), wanted: Vec::new(), nonce: None }
    }

    fn ask(&mut self, tape: &mut Tape<'_>) {
        self.posts += 1;
        let post = PostId::new(self.posts);
        let session = match tape.octet() % 4 {
            0 => SessionDescriptor::Inband(SessionId::new(format!("s-{}", tape.octet() % 4))),
            _ => SessionDescriptor::Outband,
        };
        let attempt = LoginAttempt {
            exposure: tape.pick(&[Exposure::Protected, Exposure::Open]),
            post,
            version: tape.pick(&[Version::V1_1, Version::V1_2, Version::V1_3]),
            session,
            transaction: tape.flag().then(|| TransactionId::new("t")),
            request: self.request(tape),
            nonce: mint_nonce([tape.octet(); 16]),
            session_id: SessionId::new(format!("gw-{}", self.posts)),
        };
        self.open.insert(post);
        self.handle(LoginEvent::Request(Box::new(attempt)));
    }

    fn request(&self, tape: &mut Tape<'_>) -> LoginRequest {
        let user = tape.pick(&["wv:alice@wv.example", "wv:carol@wv.example", "ALICE", "", "sip:x"]);
        let client = ClientId::from_url(tape.pick(&["phone", "tablet", ""]));
        let mut request = LoginRequest::new(UserId::new(user), client, SessionCookie::new("ck"));
        request.time_to_live = tape.flag().then(|| Duration::from_secs(u64::from(tape.number())));
        let what = tape.octet();
        if what & 1 == 1 {
            request.password = Some(Password::new(tape.pick(&["secret", "wrong", ""])));
        }
        if what & 2 == 2 {
            const SCHEMAS: [DigestSchema; 3] = [DigestSchema::Md5, DigestSchema::Sha, DigestSchema::Pwd];
            request.digest_schemas = (0..tape.octet() % 4).map(|_| tape.pick(&SCHEMAS)).collect();
        }
        if what & 4 == 4 {
            request.digest_bytes = Some(match &self.nonce {
                Some(nonce) if tape.flag() => {
                    digest_bytes(tape.pick(&[DigestMethod::Md5, DigestMethod::Sha1]), nonce, &Password::new("secret"))
                }
                _ => DigestBytes::new(tape.text()),
            });
        }
        request
    }

    fn tell(&mut self, tape: &mut Tape<'_>) {
        if self.wanted.is_empty() {
            return;
        }
        let post = self.wanted.remove(usize::from(tape.octet()) % self.wanted.len());
        let credentials = match tape.octet() % 8 {
            0 => Credentials::Unknown,
            1 => Credentials::Hashed(Comparison::NotMade),
            2 => Credentials::Hashed(Comparison::Equal),
            3 => Credentials::Hashed(Comparison::Different),
            4 => Credentials::Vouched,
            5 => Credentials::Unavailable,
            6 => Credentials::Delegated(tape.pick(&[Comparison::Equal, Comparison::Different, Comparison::NotMade])),
            _ => Credentials::Password(Password::new("secret")),
        };
        let known = |tape: &mut Tape<'_>| KnownSession {
            session_id: SessionId::new(format!("s-{}", tape.octet() % 4)),
            client_id: ClientId::from_url(tape.pick(&["phone", "tablet"])),
        };
        let sessions = (0..tape.octet() % 4).map(|_| known(tape)).collect();
        let old = tape.pick(&[OldSession::Unknown, OldSession::Own, OldSession::Foreign]);
        self.handle(LoginEvent::Credentials { post, credentials, sessions, old });
    }

    fn pass(&mut self, millis: u64) {
        self.now += millis;
        self.machine.expire(at(self.now));
        self.settle();
        assert!(self.machine.deadline().is_none_or(|deadline| deadline > at(self.now)));
    }

    fn handle(&mut self, event: LoginEvent) {
        self.machine.handle(at(self.now), event);
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(command) = self.machine.poll() {
            match command {
                LoginCommand::FindCredentials { post, .. } => {
                    assert!(self.open.contains(&post), "looked up for nobody");
                    self.wanted.push(post);
                }
                LoginCommand::Respond { post, answer } => {
                    assert!(self.open.remove(&post), "answered twice");
                    for transaction in answer.transactions {
                        if let Ok(Primitive::LoginResponse(response)) = transaction.content {
                            self.nonce = response.nonce.or(self.nonce.take());
                        }
                    }
                }
                LoginCommand::Open(opening) => assert!(self.open.contains(&opening.post), "opened for nobody"),
                LoginCommand::Replace { .. } | LoginCommand::Resume { .. } => {}
            }
        }
        assert!(self.machine.challenge_count() <= 4);
    }
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}
