use super::*;
use crate::primitive::access::DigestSchema;
use crate::primitive::capability::CapabilityList;
use crate::primitive::function::{Feature, FunctionGroup, FunctionSet};
use crate::primitive::identifier::{DigestBytes, Password, TransactionId, UserId};
use crate::session::digest::{DigestMethod, digest_bytes, mint_nonce};
use crate::session::limit::SessionLimits;
use crate::session::negotiation::Offer;
use std::time::Duration;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn secret() -> Password {
    Password::new("secret")
}

fn request() -> LoginRequest {
    let mut request = LoginRequest::new(
        UserId::new("wv:alice@wv.example"),
        ClientId::from_url("lab-phone-1"),
        SessionCookie::new("ck-1"),
    );
    request.time_to_live = Some(Duration::from_secs(7205));
    request
}

fn with_password(text: &str) -> LoginRequest {
    LoginRequest { password: Some(Password::new(text)), ..request() }
}

/// What the outside world says during one login.
struct Login {
    version: Version,
    exposure: Exposure,
    session: SessionDescriptor,
    credentials: Credentials,
    sessions: Vec<KnownSession>,
    old: OldSession,
    now: u64,
}

impl Default for Login {
    fn default() -> Self {
        Self {
            version: Version::V1_2,
            exposure: Exposure::Protected,
            session: SessionDescriptor::Outband,
            credentials: Credentials::Password(secret()),
            sessions: Vec::new(),
            old: OldSession::Unknown,
            now: 0,
        }
    }
}

impl Login {
    /// Runs one request through the machine: what it wanted done, and what it answered.
    fn run(&self, machine: &mut LoginMachine, request: LoginRequest) -> (Vec<LoginCommand>, LoginResponse) {
        let post = PostId::new(1);
        let attempt = LoginAttempt {
            exposure: self.exposure,
            post,
            version: self.version,
            session: self.session.clone(),
            transaction: Some(TransactionId::new("nok1")),
            request,
            nonce: mint_nonce([7; 16]),
            session_id: SessionId::new("gw-new"),
        };
        machine.handle(at(self.now), LoginEvent::Request(Box::new(attempt)));
        assert!(matches!(machine.poll(), Some(LoginCommand::FindCredentials { .. })));
        assert_eq!(machine.poll(), None);
        machine.handle(
            at(self.now),
            LoginEvent::Credentials {
                post,
                credentials: self.credentials.clone(),
                sessions: self.sessions.clone(),
                old: self.old,
            },
        );
        let mut commands: Vec<_> = std::iter::from_fn(|| machine.poll()).collect();
        let Some(LoginCommand::Respond { post: answered, answer }) = commands.pop() else { panic!("{commands:?}") };
        assert_eq!(answered, post);
        assert_eq!(answer.session, self.session);
        assert_eq!(answer.transactions[0].id, Some(TransactionId::new("nok1")));
        match answer.transactions[0].content.clone() {
            Ok(Primitive::LoginResponse(response)) => (commands, *response),
            other => panic!("{other:?}"),
        }
    }
}

fn machine() -> LoginMachine {
    LoginMachine::new(LoginPolicy::default())
}

fn known(session: &str, client: &str) -> KnownSession {
    KnownSession { session_id: SessionId::new(session), client_id: ClientId::from_url(client) }
}

// WV-LOGIN-12
#[test]
fn wv_login_01_the_right_password_opens_a_session() {
    let (commands, response) = Login::default().run(&mut machine(), with_password("secret"));
    let [LoginCommand::Open(opening)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!(opening.session_id, SessionId::new("gw-new"));
    assert_eq!(opening.session_cookie, Some(SessionCookie::new("ck-1")));
    assert_eq!(opening.keep_alive, Duration::from_secs(7205));
    assert_eq!(response.result.code, StatusCode::SUCCESS);
    assert_eq!(response.session_id, Some(SessionId::new("gw-new")));
    assert_eq!(response.client_id, Some(ClientId::from_url("lab-phone-1")));
    assert_eq!(response.keep_alive_time, Some(Duration::from_secs(7205)));
    assert_eq!(response.capability_request, Some(true));
}

#[test]
fn wv_login_02_a_wrong_password_is_409_and_an_unknown_user_531() {
    let (commands, response) = Login::default().run(&mut machine(), with_password("guess"));
    assert!(commands.is_empty());
    assert_eq!((response.result.code, response.session_id), (StatusCode::INVALID_PASSWORD, None));
    let login = Login { credentials: Credentials::Unknown, ..Login::default() };
    let (commands, response) = login.run(&mut machine(), with_password("secret"));
    assert!(commands.is_empty());
    assert_eq!(response.result.code, StatusCode::UNKNOWN_USER);
}

#[test]
fn wv_acc_01_a_password_is_not_taken_where_others_can_listen() {
    let open = Login { exposure: Exposure::Open, ..Login::default() };
    let (commands, response) = open.run(&mut machine(), with_password("secret"));
    assert!(commands.is_empty());
    assert_eq!((response.result.code, response.session_id), (StatusCode::FORBIDDEN, None));
    // Nor is it asked for, where only a hash of it is known.
    let hashed = Login { credentials: Credentials::Hashed(Comparison::NotMade), ..open };
    let schemas = vec![DigestSchema::Md5, DigestSchema::Pwd];
    let (_, response) = hashed.run(&mut machine(), LoginRequest { digest_schemas: schemas.clone(), ..request() });
    assert_eq!(response.result.code, StatusCode::INVALID_PASSWORD);
    let protected = Login { exposure: Exposure::Protected, ..hashed };
    let (_, response) = protected.run(&mut machine(), LoginRequest { digest_schemas: schemas, ..request() });
    assert_eq!((response.result.code, response.digest_schema), (StatusCode::UNAUTHORIZED, Some(DigestSchema::Pwd)));
}

#[test]
fn wv_acc_05_somebody_else_may_judge_the_digest() {
    let login = Login { credentials: Credentials::Delegated(Comparison::NotMade), ..Login::default() };
    let mut machine = machine();
    let schemas = vec![DigestSchema::Sha];
    let (_, response) = login.run(&mut machine, LoginRequest { digest_schemas: schemas, ..request() });
    assert_eq!((response.result.code, response.digest_schema), (StatusCode::UNAUTHORIZED, Some(DigestSchema::Sha)));
    let nonce = response.nonce.unwrap();
    let bytes = digest_bytes(DigestMethod::Sha1, &nonce, &secret());
    let attempt = LoginAttempt {
        exposure: Exposure::Open,
        post: PostId::new(2),
        version: Version::V1_2,
        session: SessionDescriptor::Outband,
        transaction: Some(TransactionId::new("nok1")),
        request: LoginRequest { digest_bytes: Some(bytes.clone()), ..request() },
        nonce: mint_nonce([8; 16]),
        session_id: SessionId::new("gw-new"),
    };
    machine.handle(at(1), LoginEvent::Request(Box::new(attempt)));
    let Some(LoginCommand::FindCredentials { post, digest: Some(digest), .. }) = machine.poll() else { panic!() };
    assert_eq!(*digest, SentDigest { nonce, schema: DigestSchema::Sha, bytes });
    let credentials = Credentials::Delegated(Comparison::Equal);
    let sessions = Vec::new();
    machine.handle(at(1), LoginEvent::Credentials { post, credentials, sessions, old: OldSession::Unknown });
    assert!(matches!(machine.poll(), Some(LoginCommand::Open(_))));
}

#[test]
fn wv_acc_05_a_service_that_cannot_be_asked_is_503() {
    let login = Login { credentials: Credentials::Unavailable, ..Login::default() };
    let (commands, response) = login.run(&mut machine(), with_password("secret"));
    assert!(commands.is_empty());
    assert_eq!(response.result.code, StatusCode::SERVICE_UNAVAILABLE);
    let wrong = Login { credentials: Credentials::Delegated(Comparison::Different), ..Login::default() };
    assert_eq!(wrong.run(&mut machine(), with_password("x")).1.result.code, StatusCode::INVALID_PASSWORD);
}

#[test]
fn wv_keep_01_the_keep_alive_time_is_cut_to_the_limit() {
    let wish = LoginRequest { time_to_live: Some(Duration::from_secs(999_999)), ..with_password("secret") };
    let (_, response) = Login::default().run(&mut machine(), wish);
    assert_eq!(response.keep_alive_time, Some(Duration::from_secs(86_400)));
    let none = LoginRequest { time_to_live: None, ..with_password("secret") };
    let (_, response) = Login::default().run(&mut machine(), none);
    assert_eq!(response.keep_alive_time, Some(Duration::from_secs(3600)));
}

fn challenge(machine: &mut LoginMachine, login: &Login, schemas: &[&str]) -> LoginResponse {
    let digest_schemas = schemas.iter().map(|name| DigestSchema::parse(name)).collect();
    let (commands, response) = login.run(machine, LoginRequest { digest_schemas, ..request() });
    assert!(commands.is_empty());
    response
}

#[test]
fn wv_login_03_schemas_without_a_password_are_challenged() {
    let response = challenge(&mut machine(), &Login::default(), &["MD5", "SHA"]);
    assert_eq!(response.result.code, StatusCode::UNAUTHORIZED);
    assert_eq!(response.nonce.as_ref().map(|nonce| nonce.expose().len()), Some(32));
    assert_eq!(response.digest_schema, Some(DigestSchema::Md5));
    assert_eq!((response.session_id, response.keep_alive_time), (None, None));
}

fn proof(method: DigestMethod, password: &str) -> LoginRequest {
    let bytes = digest_bytes(method, &mint_nonce([7; 16]), &Password::new(password));
    LoginRequest { digest_bytes: Some(bytes), ..request() }
}

#[test]
fn wv_login_07_the_second_request_with_the_same_id_opens_the_session() {
    for (name, method) in [("MD5", DigestMethod::Md5), ("SHA", DigestMethod::Sha1)] {
        let mut machine = machine();
        challenge(&mut machine, &Login::default(), &[name]);
        let (commands, response) = Login::default().run(&mut machine, proof(method, "secret"));
        assert!(matches!(commands.as_slice(), [LoginCommand::Open(_)]));
        assert_eq!(response.result.code, StatusCode::SUCCESS);
    }
}

#[test]
fn wv_login_06_a_nonce_serves_once_whether_the_digest_is_right_or_wrong() {
    let mut machine = machine();
    challenge(&mut machine, &Login::default(), &["MD5"]);
    let (_, wrong) = Login::default().run(&mut machine, proof(DigestMethod::Md5, "guess"));
    assert_eq!(wrong.result.code, StatusCode::INVALID_PASSWORD);
    let (commands, right) = Login::default().run(&mut machine, proof(DigestMethod::Md5, "secret"));
    assert!(commands.is_empty());
    assert_eq!(right.result.code, StatusCode::INVALID_PASSWORD);
    assert_eq!(machine.challenge_count(), 0);
}

#[test]
fn wv_login_06_a_challenge_is_dropped_after_a_minute() {
    let mut machine = machine();
    challenge(&mut machine, &Login::default(), &["MD5"]);
    assert_eq!(machine.deadline(), Some(at(60)));
    machine.expire(at(60));
    assert_eq!((machine.challenge_count(), machine.deadline()), (0, None));
    let late = Login { now: 61, ..Login::default() };
    let (_, response) = late.run(&mut machine, proof(DigestMethod::Md5, "secret"));
    assert_eq!(response.result.code, StatusCode::INVALID_PASSWORD);
}

#[test]
fn wv_login_14_another_cookie_or_client_does_not_answer_the_challenge() {
    for change in [0, 1] {
        let mut machine = machine();
        challenge(&mut machine, &Login::default(), &["MD5"]);
        let mut second = proof(DigestMethod::Md5, "secret");
        if change == 0 {
            second.session_cookie = Some(SessionCookie::new("ck-2"));
        } else {
            second.client_id = Some(ClientId::from_url("other"));
        }
        let (commands, response) = Login::default().run(&mut machine, second);
        assert!(commands.is_empty());
        assert_eq!(response.result.code, StatusCode::INVALID_PASSWORD);
    }
}

#[test]
fn wv_login_08_no_schema_in_common_is_543_or_409_before_1_3() {
    for (version, code) in [
        (Version::V1_1, StatusCode::INVALID_PASSWORD),
        (Version::V1_2, StatusCode::INVALID_PASSWORD),
        (Version::V1_3, StatusCode::NO_MATCHING_DIGEST_SCHEMA),
    ] {
        let login = Login { version, ..Login::default() };
        assert_eq!(challenge(&mut machine(), &login, &["MD4", "MD6"]).result.code, code);
    }
}

#[test]
fn wv_login_09_the_comma_list_of_1_1_is_understood() {
    let login = Login { version: Version::V1_1, ..Login::default() };
    let response = challenge(&mut machine(), &login, &["PWD,SHA,MD4,MD5,MD6"]);
    assert_eq!(response.digest_schema, Some(DigestSchema::Sha));
}

#[test]
fn wv_login_05_where_only_a_hash_is_known_the_password_is_asked_for_in_clear() {
    let mut machine = machine();
    let hashed = Login { credentials: Credentials::Hashed(Comparison::NotMade), ..Login::default() };
    assert_eq!(challenge(&mut machine, &hashed, &["MD5", "PWD"]).digest_schema, Some(DigestSchema::Pwd));
    assert_eq!(challenge(&mut machine, &hashed, &["MD5"]).result.code, StatusCode::INVALID_PASSWORD);
    for (comparison, code) in
        [(Comparison::Equal, StatusCode::SUCCESS), (Comparison::Different, StatusCode::INVALID_PASSWORD)]
    {
        let login = Login { credentials: Credentials::Hashed(comparison), ..Login::default() };
        let (_, response) = login.run(&mut machine, with_password("secret"));
        assert_eq!(response.result.code, code);
    }
}

#[test]
fn a_login_that_proves_nothing_is_refused_unless_the_network_vouches() {
    let (commands, response) = Login::default().run(&mut machine(), request());
    assert!(commands.is_empty());
    assert_eq!(response.result.code, StatusCode::INVALID_PASSWORD);
    let vouched = Login { credentials: Credentials::Vouched, ..Login::default() };
    let (commands, _) = vouched.run(&mut machine(), request());
    assert!(matches!(commands.as_slice(), [LoginCommand::Open(_)]));
    let digest = LoginRequest { digest_bytes: Some(DigestBytes::new("AAAA")), ..request() };
    let (commands, _) = Login::default().run(&mut machine(), digest);
    assert!(commands.is_empty());
}

#[test]
fn wv_login_10_the_same_client_replaces_its_older_session() {
    let login =
        Login { sessions: vec![known("gw-old", "lab-phone-1"), known("gw-else", "tablet")], ..Login::default() };
    let (commands, response) = login.run(&mut machine(), with_password("secret"));
    let [LoginCommand::Replace { session_id, by }, LoginCommand::Open(_)] = commands.as_slice() else { panic!() };
    assert_eq!((session_id.as_str(), by.as_str()), ("gw-old", "gw-new"));
    assert_eq!(response.result.code, StatusCode::SUCCESS);
}

#[test]
fn wv_login_10_by_policy_the_same_client_is_refused() {
    let policy = LoginPolicy { same_client: SameClient::IsRefused, ..LoginPolicy::default() };
    let login = Login { sessions: vec![known("gw-old", "lab-phone-1")], ..Login::default() };
    let (commands, response) = login.run(&mut LoginMachine::new(policy), with_password("secret"));
    assert!(commands.is_empty());
    assert_eq!(response.result.code, StatusCode::ALREADY_LOGGED_IN);
}

#[test]
fn wv_login_11_another_client_gets_a_session_of_its_own_or_603() {
    let sessions = vec![known("gw-old", "tablet")];
    let login = Login { sessions, ..Login::default() };
    let (commands, _) = login.run(&mut machine(), with_password("secret"));
    assert!(matches!(commands.as_slice(), [LoginCommand::Open(_)]));
    for multi_session in [MultiSession::Single, MultiSession::Allowed(1)] {
        let policy = LoginPolicy { multi_session, ..LoginPolicy::default() };
        let (commands, response) = login.run(&mut LoginMachine::new(policy), with_password("secret"));
        assert!(commands.is_empty());
        assert_eq!(response.result.code, StatusCode::ALREADY_LOGGED_IN);
    }
}

fn inband(session: &str) -> Login {
    Login { session: SessionDescriptor::Inband(SessionId::new(session)), ..Login::default() }
}

#[test]
fn wv_res_01_a_login_inside_its_old_session_establishes_it_again() {
    let login = Login { sessions: vec![known("gw-old", "lab-phone-1")], old: OldSession::Own, ..inband("gw-old") };
    let (commands, response) = login.run(&mut machine(), with_password("secret"));
    let [LoginCommand::Resume { session_id, resumption }] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!(session_id, &SessionId::new("gw-old"));
    assert_eq!(resumption.keep_alive, Duration::from_secs(7205));
    assert_eq!(response.session_id, Some(SessionId::new("gw-old")));
    assert_eq!(response.capability_request, Some(false));
}

#[test]
fn wv_res_02_a_session_of_another_client_or_user_is_422() {
    let client = Login { sessions: vec![known("gw-old", "tablet")], old: OldSession::Own, ..inband("gw-old") };
    let user = Login { old: OldSession::Foreign, ..inband("gw-old") };
    for login in [client, user] {
        let (commands, response) = login.run(&mut machine(), with_password("secret"));
        assert!(commands.is_empty());
        assert_eq!(response.result.code, StatusCode::CLIENT_ID_MISMATCH);
    }
}

#[test]
fn wv_res_03_a_session_that_is_gone_is_502_or_604_before_1_3() {
    for (version, code) in [
        (Version::V1_1, StatusCode::INVALID_SESSION),
        (Version::V1_2, StatusCode::INVALID_SESSION),
        (Version::V1_3, StatusCode::SESSION_NOT_RECOVERED),
    ] {
        let login = Login { version, ..inband("gw-gone") };
        let (commands, response) = login.run(&mut machine(), with_password("secret"));
        assert!(commands.is_empty());
        assert_eq!(response.result.code, code);
    }
}

#[test]
fn nothing_is_told_about_old_sessions_without_a_proof() {
    let login = Login { old: OldSession::Foreign, ..inband("gw-old") };
    let (_, response) = login.run(&mut machine(), with_password("guess"));
    assert_eq!(response.result.code, StatusCode::INVALID_PASSWORD);
}

#[test]
fn a_login_of_1_3_may_negotiate_everything_at_once() {
    let all = Offer::default().functions;
    let offer = Offer { functions: all.difference(FunctionSet::of_group(FunctionGroup::Search)), ..Offer::default() };
    let mut machine = LoginMachine::new(LoginPolicy { offer, ..LoginPolicy::default() });
    let login = Login { version: Version::V1_3, ..Login::default() };
    let request = LoginRequest {
        functions: Some(FunctionSet::of_feature(Feature::Fundamental)),
        capabilities: Some(Box::new(CapabilityList { multi_trans: Some(2), ..CapabilityList::default() })),
        ..with_password("secret")
    };
    let (commands, response) = login.run(&mut machine, request);
    let [LoginCommand::Open(opening)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!(opening.negotiated.multi_trans(), 2);
    assert!(opening.negotiated.services().is_some());
    let search = FunctionSet::of_group(FunctionGroup::Search).intersection(FunctionSet::of_version(Version::V1_3));
    assert_eq!(response.functions, Some(search));
    assert!(response.capabilities.is_some());
    assert_eq!(response.capability_request, Some(false));
}

#[test]
fn wv_trx_08_a_login_that_the_owner_does_not_look_up_is_answered_504() {
    let mut machine = machine();
    let attempt = LoginAttempt {
        exposure: Exposure::Protected,
        post: PostId::new(4),
        version: Version::V1_2,
        session: SessionDescriptor::Outband,
        transaction: None,
        request: request(),
        nonce: mint_nonce([1; 16]),
        session_id: SessionId::new("gw-new"),
    };
    machine.handle(at(0), LoginEvent::Request(Box::new(attempt)));
    machine.poll();
    assert_eq!(machine.deadline(), Some(at(20)));
    machine.expire(at(20));
    let Some(LoginCommand::Respond { answer, .. }) = machine.poll() else { panic!("no answer") };
    let content = answer.transactions[0].content.as_ref().unwrap();
    assert_eq!(content.result().unwrap().code, StatusCode::TIMEOUT);
    machine.handle(
        at(21),
        LoginEvent::Credentials {
            post: PostId::new(4),
            credentials: Credentials::Vouched,
            sessions: Vec::new(),
            old: OldSession::Unknown,
        },
    );
    assert_eq!(machine.poll(), None);
}

#[test]
fn logins_that_never_end_cannot_fill_the_memory() {
    let limits = SessionLimits { challenges_max: 3, ..SessionLimits::default() };
    let mut machine = LoginMachine::new(LoginPolicy { limits, ..LoginPolicy::default() });
    for number in 0..10 {
        let first = LoginRequest {
            session_cookie: Some(SessionCookie::new(format!("ck-{number}"))),
            digest_schemas: vec![DigestSchema::Md5],
            ..request()
        };
        Login::default().run(&mut machine, first);
        assert!(machine.challenge_count() <= 3);
    }
}

#[test]
fn wv_trx_07_a_session_id_that_phones_cannot_take_is_never_sent() {
    let mut machine = machine();
    let attempt = LoginAttempt {
        exposure: Exposure::Protected,
        post: PostId::new(1),
        version: Version::V1_2,
        session: SessionDescriptor::Outband,
        transaction: None,
        request: with_password("secret"),
        nonce: mint_nonce([1; 16]),
        session_id: SessionId::new("g".repeat(51)),
    };
    machine.handle(at(0), LoginEvent::Request(Box::new(attempt)));
    machine.poll();
    machine.handle(
        at(0),
        LoginEvent::Credentials {
            post: PostId::new(1),
            credentials: Credentials::Vouched,
            sessions: Vec::new(),
            old: OldSession::Unknown,
        },
    );
    let Some(LoginCommand::Respond { answer, .. }) = machine.poll() else { panic!("no answer") };
    let content = answer.transactions[0].content.as_ref().unwrap();
    assert_eq!(content.result().unwrap().code, StatusCode::INTERNAL_ERROR);
}

mod random {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[derive(Clone, Debug)]
    enum Step {
        Attempt { client: u8, cookie: u8, kind: u8, nonce: u8 },
        LookUp { which: u8, credentials: u8, sessions: u8, old: u8 },
        Wait(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0_u8..2, 0_u8..2, 0_u8..6, 0_u8..3)
                .prop_map(|(client, cookie, kind, nonce)| Step::Attempt { client, cookie, kind, nonce }),
            5 => (any::<u8>(), 0_u8..5, 0_u8..3, 0_u8..3)
                .prop_map(|(which, credentials, sessions, old)| Step::LookUp { which, credentials, sessions, old }),
            1 => (0_u8..70).prop_map(Step::Wait),
        ]
    }

    fn attempt(number: u64, client: u8, cookie: u8, kind: u8, nonce: u8) -> LoginAttempt {
        let mut request = LoginRequest::new(
            UserId::new("wv:alice@wv.example"),
            ClientId::from_url(format!("client-{client}")),
            SessionCookie::new(format!("ck-{cookie}")),
        );
        match kind {
            0 => request.password = Some(secret()),
            1 => request.password = Some(Password::new("guess")),
            2 => request.digest_schemas = vec![DigestSchema::Md5],
            3 => request.digest_bytes = Some(digest_bytes(DigestMethod::Md5, &mint_nonce([nonce; 16]), &secret())),
            4 => request.digest_bytes = Some(DigestBytes::new("AAAA")),
            _ => {}
        }
        LoginAttempt {
            exposure: Exposure::Protected,
            post: PostId::new(number),
            version: Version::V1_2,
            session: if kind == 5 {
                SessionDescriptor::Inband(SessionId::new("gw-0"))
            } else {
                SessionDescriptor::Outband
            },
            transaction: Some(TransactionId::new("1")),
            request,
            nonce: mint_nonce([nonce; 16]),
            session_id: SessionId::new(format!("gw-{number}")),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_login_is_answered_once_and_none_succeeds_without_a_proof(
            steps in prop::collection::vec(step(), 1..80),
        ) {
            let limits = SessionLimits { challenges_max: 4, ..SessionLimits::default() };
            let mut machine = LoginMachine::new(LoginPolicy { limits, ..LoginPolicy::default() });
            let (mut now, mut posts) = (0, 0);
            let mut open = HashSet::new();
            let mut asked: Vec<(PostId, bool)> = Vec::new();
            for step in steps.into_iter().chain([Step::Wait(20)]) {
                let mut may_succeed = false;
                match step {
                    Step::Attempt { client, cookie, kind, nonce } => {
                        posts += 1;
                        open.insert(PostId::new(posts));
                        let attempt = attempt(posts, client, cookie, kind, nonce);
                        let proves = matches!(kind, 0 | 3);
                        machine.handle(at(now), LoginEvent::Request(Box::new(attempt)));
                        asked.push((PostId::new(posts), proves));
                    }
                    Step::LookUp { which, credentials, sessions, old } => {
                        if asked.is_empty() {
                            continue;
                        }
                        let (post, proves) = asked.remove(usize::from(which) % asked.len());
                        may_succeed = (proves && credentials == 0) || credentials >= 3;
                        let credentials = match credentials {
                            0 => Credentials::Password(secret()),
                            1 => Credentials::Unknown,
                            2 => Credentials::Hashed(Comparison::Different),
                            3 => Credentials::Hashed(Comparison::Equal),
                            _ => Credentials::Vouched,
                        };
                        let sessions = (0..sessions).map(|one| known(&format!("gw-{one}"), &format!("client-{one}")));
                        let old = [OldSession::Unknown, OldSession::Own, OldSession::Foreign][usize::from(old)];
                        let sessions = sessions.collect();
                        machine.handle(at(now), LoginEvent::Credentials { post, credentials, sessions, old });
                    }
                    Step::Wait(seconds) => {
                        now += u64::from(seconds);
                        machine.expire(at(now));
                    }
                }
                while let Some(command) = machine.poll() {
                    match command {
                        LoginCommand::Respond { post, .. } => prop_assert!(open.remove(&post), "answered twice"),
                        LoginCommand::Open(_) | LoginCommand::Resume { .. } | LoginCommand::Replace { .. } => {
                            prop_assert!(may_succeed, "a session without a proof");
                        }
                        LoginCommand::FindCredentials { .. } => {}
                    }
                }
                prop_assert!(machine.challenge_count() <= 4);
            }
            prop_assert!(open.is_empty());
        }
    }
}
