mod matrix;

use super::super::client::LoginWay;
use super::*;
use crate::primitive::access::{DigestSchema, Disconnect, KeepAliveResponse, LoginRequest, LoginResponse, Status};
use crate::primitive::capability::AgreedCapabilityList;
use crate::primitive::identifier::{ClientId, MessageId, Nonce, Password, SessionCookie, UserId};
use crate::primitive::message::{MessageInfo, NewMessage};
use crate::primitive::service::{CapabilityAnswer, ClientCapabilityResponse, ServiceResponse};
use crate::primitive::{SessionDescriptor, Transaction};
use crate::status::StatusResult;
use crate::version::Version;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn session() -> StandingSession {
    let way = LoginWay::FourWay(vec![DigestSchema::Md5, DigestSchema::Sha]);
    let account = StandingAccount {
        user_id: UserId::new("wv:bob@old.example"),
        client_id: ClientId::from_url("gateway"),
        session_cookie: SessionCookie::new("gw-1"),
        password: Password::new("secret"),
    };
    StandingSession::new(Arc::new(StandingSettings::new(Version::V1_2, way)), account)
}

/// The next command that is more than a word on the server's habits.
fn next(session: &mut StandingSession) -> Option<Command> {
    std::iter::from_fn(|| session.poll()).find(|command| !matches!(command, Command::Met(_)))
}

fn sent(session: &mut StandingSession) -> (u64, Envelope) {
    match next(session) {
        Some(Command::Send { number, message }) => (number, message),
        other => panic!("{other:?}"),
    }
}

fn login_of(message: &Envelope) -> LoginRequest {
    match message.transactions[0].content.clone() {
        Ok(Primitive::LoginRequest(request)) => *request,
        other => panic!("{other:?}"),
    }
}

/// The answer to a message, under its id.
fn answer(number: u64, message: &Envelope, primitive: Primitive) -> Event {
    let transaction = Transaction::response(message.transactions[0].id.clone(), primitive);
    Event::Received { number, answer: Some(Envelope::new(message.session.clone(), transaction)) }
}

fn challenge(code: StatusCode) -> Primitive {
    let mut challenge = LoginResponse::new(None, code.into());
    challenge.nonce = Some(Nonce::new("abc123"));
    challenge.digest_schema = Some(DigestSchema::Md5);
    Primitive::LoginResponse(Box::new(challenge))
}

fn accepted(keep_alive: u64) -> Primitive {
    let mut response = LoginResponse::new(None, StatusCode::SUCCESS.into());
    response.session_id = Some(SessionId::new("s-1"));
    response.keep_alive_time = Some(Duration::from_secs(keep_alive));
    Primitive::LoginResponse(Box::new(response))
}

fn capabilities(poll_min: u64) -> Primitive {
    let agreed = AgreedCapabilityList {
        server_poll_min: Some(Duration::from_secs(poll_min)),
        ..AgreedCapabilityList::default()
    };
    let capabilities = CapabilityAnswer::Agreed(agreed);
    Primitive::ClientCapabilityResponse(Box::new(ClientCapabilityResponse { client_id: None, capabilities }))
}

fn services() -> Primitive {
    Primitive::ServiceResponse(ServiceResponse::default())
}

fn code(number: u16) -> StatusCode {
    StatusCode::new(number).unwrap()
}

fn status(number: u16) -> Primitive {
    Primitive::Status(Status::from(code(number)))
}

/// Lets a wanted session in, as far as the challenge.
fn admitted(session: &mut StandingSession, now: Timestamp) -> (u64, Envelope) {
    session.handle(now, Event::Want);
    assert_eq!(next(session), Some(Command::Due));
    session.handle(now, Event::Admit);
    sent(session)
}

/// Through login and negotiation, with the first poll under way.
fn open_with(session: &mut StandingSession, now: Timestamp, keep_alive: u64, poll_min: u64) -> u64 {
    let (number, login) = admitted(session, now);
    session.handle(now, answer(number, &login, accepted(keep_alive)));
    let (number, message) = sent(session);
    session.handle(now, answer(number, &message, capabilities(poll_min)));
    let (number, message) = sent(session);
    session.handle(now, answer(number, &message, services()));
    assert!(matches!(next(session), Some(Command::Opened(_))));
    let (number, poll) = sent(session);
    assert_eq!(poll.transactions[0].content, Ok(Primitive::PollingRequest));
    assert_eq!(session.standing(), Standing::Open);
    number
}

/// A session that stands and says nothing.
fn open(now: Timestamp) -> StandingSession {
    let mut session = session();
    let poll = open_with(&mut session, now, 600, 10);
    session.handle(now, Event::Received { number: poll, answer: None });
    session
}

fn new_message(id: &str) -> Primitive {
    let message = MessageInfo { message_id: Some(MessageId::new(id)), ..MessageInfo::default() };
    Primitive::NewMessage(Box::new(NewMessage { message, content: None }))
}

/// Something the server begins, in the answer to a message.
fn from_server(number: u64, id: &str, primitive: Primitive) -> Event {
    let descriptor = SessionDescriptor::Inband(SessionId::new("s-1"));
    let transaction = Transaction::request(Some(TransactionId::new(id)), primitive);
    Event::Received { number, answer: Some(Envelope::new(descriptor, transaction)) }
}

fn ask(session: &mut StandingSession, now: Timestamp, key: u64) -> (u64, Envelope) {
    let expires = now.after(Duration::from_secs(30));
    session.handle(now, Event::Request(Request { key, primitive: Primitive::GetListRequest, expires }));
    sent(session)
}

fn poll_after(session: &mut StandingSession, now: Timestamp) -> u64 {
    session.expire(now);
    let (number, poll) = sent(session);
    assert_eq!(poll.transactions[0].content, Ok(Primitive::PollingRequest));
    number
}

#[test]
fn wv_cli_01_and_02_a_challenge_of_either_code_is_answered_under_the_same_id() {
    for number in [401, 200] {
        let mut session = session();
        let (first, login) = admitted(&mut session, at(0));
        assert_eq!(login_of(&login).digest_schemas, [DigestSchema::Md5, DigestSchema::Sha]);
        session.handle(at(0), answer(first, &login, challenge(code(number))));
        let (second, proof) = sent(&mut session);
        assert_eq!(proof.transactions[0].id, login.transactions[0].id);
        let digest = login_of(&proof).digest_bytes;
        assert_eq!(digest.as_ref().map(|digest| digest.expose()), Some("ONRYj9vHKbpfB8SbQtGVoA=="));
        session.handle(at(0), answer(second, &proof, accepted(600)));
        assert_eq!(session.session_id(), Some(&SessionId::new("s-1")));
    }
}

#[test]
fn wv_cli_08_a_refused_account_is_given_up_and_a_busy_server_is_not() {
    for number in [401, 409, 531, 543] {
        let mut session = session();
        let (first, login) = admitted(&mut session, at(0));
        session.handle(at(0), answer(first, &login, status(number)));
        assert_eq!(next(&mut session), Some(Command::Barred(code(number))));
        session.handle(at(9), Event::Want);
        assert_eq!((next(&mut session), session.deadline()), (None, None));
        session.handle(at(9), Event::Release);
        assert_eq!(next(&mut session), Some(Command::Due), "a person has helped");
    }
    let mut session = session();
    let (first, login) = admitted(&mut session, at(0));
    session.handle(at(0), answer(first, &login, status(503)));
    assert_eq!(next(&mut session), Some(Command::LoginFailed(Some(code(503)))));
    assert_eq!(session.deadline(), Some(at(5)));
    for (now, then) in [(5, 15), (15, 35), (35, 75)] {
        session.expire(at(now));
        assert_eq!(next(&mut session), Some(Command::Due));
        session.handle(at(now), Event::Admit);
        let (number, _) = sent(&mut session);
        session.handle(at(now), Event::Lost { number, loss: Loss::Unreached });
        assert_eq!(next(&mut session), Some(Command::LoginFailed(None)));
        assert_eq!(session.deadline(), Some(at(then)), "twice as long each time");
    }
    session.handle(at(40), Event::Retry);
    assert_eq!(next(&mut session), Some(Command::Due), "the server is there again");
}

#[test]
fn wv_cli_08_a_forced_logout_is_not_fought() {
    let mut session = open(at(0));
    let poll = poll_after(&mut session, at(10));
    let disconnect = Primitive::Disconnect(Disconnect { result: StatusCode::FORCED_LOGOUT.into() });
    session.handle(at(10), from_server(poll, "d", disconnect.clone()));
    assert_eq!(next(&mut session), Some(Command::Fallen(StatusCode::FORCED_LOGOUT)));
    assert_eq!(session.deadline(), Some(at(70)), "a minute");
    session.handle(at(11), Event::Retry);
    assert_eq!(next(&mut session), None);
    session.expire(at(70));
    assert_eq!(next(&mut session), Some(Command::Due));
    session.handle(at(70), Event::Admit);
    let (number, login) = sent(&mut session);
    session.handle(at(70), answer(number, &login, accepted(600)));
    for primitive in [capabilities(1), services()] {
        let (number, message) = sent(&mut session);
        session.handle(at(70), answer(number, &message, primitive));
    }
    assert!(matches!(next(&mut session), Some(Command::Opened(_))));
    let (poll, _) = sent(&mut session);
    session.handle(at(71), from_server(poll, "d", disconnect));
    assert_eq!(next(&mut session), Some(Command::Fallen(StatusCode::FORCED_LOGOUT)));
    assert_eq!(next(&mut session), Some(Command::Barred(StatusCode::FORCED_LOGOUT)), "somebody else took the account");
}

#[test]
fn wv_cli_05_a_session_that_the_server_forgot_comes_back_and_asks_again() {
    for number in [600, 604] {
        let mut session = open(at(0));
        let (under_way, request) = ask(&mut session, at(20), 7);
        session.handle(at(20), answer(under_way, &request, status(number)));
        assert_eq!(next(&mut session), Some(Command::Fallen(code(number))));
        assert_eq!(next(&mut session), Some(Command::Due), "at once");
        session.handle(at(20), Event::Admit);
        let (login_number, login) = sent(&mut session);
        session.handle(at(20), answer(login_number, &login, accepted(600)));
        for primitive in [capabilities(1), services()] {
            let (number, message) = sent(&mut session);
            session.handle(at(20), answer(number, &message, primitive));
        }
        assert!(matches!(next(&mut session), Some(Command::Opened(_))));
        let (under_way, again) = sent(&mut session);
        assert_eq!(again.transactions[0].content, Ok(Primitive::GetListRequest));
        session.handle(at(20), answer(under_way, &again, status(200)));
        assert_eq!(next(&mut session), Some(Command::Answered { key: 7, primitive: status(200) }));
    }
}

#[test]
fn wv_cli_09_nothing_in_the_negotiation_keeps_a_session_from_being_used() {
    for answers in [[Some(status(501)), Some(status(501))], [None, None], [Some(services()), Some(capabilities(1))]] {
        let mut session = session();
        let (number, login) = admitted(&mut session, at(0));
        session.handle(at(0), answer(number, &login, accepted(600)));
        for primitive in answers {
            let (number, message) = sent(&mut session);
            let event = match primitive {
                Some(primitive) => answer(number, &message, primitive),
                None => Event::Received { number, answer: None },
            };
            session.handle(at(0), event);
        }
        assert!(matches!(next(&mut session), Some(Command::Opened(_))));
    }
}

#[test]
fn wv_cli_10_a_session_is_kept_alive_however_short_its_time_and_long_the_gap_between_polls() {
    let mut session = session();
    let poll = open_with(&mut session, at(0), 4, 30);
    session.handle(at(0), Event::Received { number: poll, answer: None });
    assert_eq!(session.deadline(), Some(at(2)), "half of the time");
    session.expire(at(2));
    let (number, message) = sent(&mut session);
    assert!(matches!(message.transactions[0].content, Ok(Primitive::KeepAliveRequest(_))), "{message:?}");
    let granted =
        KeepAliveResponse { result: StatusResult::success(), keep_alive_time: Some(Duration::from_secs(300)) };
    session.handle(at(2), answer(number, &message, Primitive::KeepAliveResponse(granted)));
    assert_eq!(session.deadline(), Some(at(30)), "the next poll");
}

#[test]
fn wv_cli_03_poll_is_heeded_where_it_promises_something() {
    let with_poll = |number: u64, message: &Envelope, primitive: Primitive| match answer(number, message, primitive) {
        Event::Received { number, answer } => {
            Event::Received { number, answer: answer.map(|answer| answer.with_poll(true)) }
        }
        other => other,
    };
    let mut session = open(at(0));
    let (number, message) = ask(&mut session, at(1), 1);
    session.handle(at(1), with_poll(number, &message, status(200)));
    assert!(matches!(next(&mut session), Some(Command::Answered { key: 1, .. })));
    let (poll, message) = sent(&mut session);
    // It says so, and has nothing.
    session.handle(at(1), with_poll(poll, &message, status(200)));
    assert_eq!(next(&mut session), None);
    assert_eq!(session.deadline(), Some(at(11)));
}

#[test]
fn wv_cli_07_an_id_that_is_used_twice_is_two_transactions_and_a_repeated_one_is_one() {
    let mut session = open(at(0));
    let poll = poll_after(&mut session, at(10));
    session.handle(at(10), from_server(poll, "1900000000", new_message("m-1")));
    let Some(Command::Asked { ticket: first, .. }) = next(&mut session) else { panic!("asked") };
    assert_eq!((next(&mut session), session.deadline()), (None, None), "nothing is said before it is safe");
    let delivered = usual_answer(&new_message("m-1"));
    session.handle(at(11), Event::Respond { ticket: first, primitive: delivered.clone() });
    let (response, message) = sent(&mut session);
    assert_eq!(message.transactions[0].content, Ok(delivered.clone()));
    // Its answer carries another one under the same id.
    session.handle(at(11), from_server(response, "1900000000", new_message("m-2")));
    let Some(Command::Asked { ticket: second, primitive }) = next(&mut session) else { panic!("asked") };
    assert_eq!(primitive, new_message("m-2"));
    session.handle(at(11), Event::Respond { ticket: second, primitive: usual_answer(&primitive) });
    let (response, _) = sent(&mut session);
    // And the first once more, as if its answer had been lost.
    session.handle(at(11), from_server(response, "1900000000", new_message("m-1")));
    let (_, again) = sent(&mut session);
    assert_eq!(again.transactions[0].content, Ok(delivered));
    assert_eq!(next(&mut session), None, "told once");
}

#[test]
fn what_is_withheld_is_asked_anew_when_it_is_offered_again() {
    let mut session = open(at(0));
    let poll = poll_after(&mut session, at(10));
    session.handle(at(10), from_server(poll, "g1", new_message("m-1")));
    let Some(Command::Asked { ticket, .. }) = next(&mut session) else { panic!("asked") };
    session.handle(at(10), Event::Withhold { ticket });
    let poll = poll_after(&mut session, at(20));
    session.handle(at(20), from_server(poll, "g1", new_message("m-1")));
    assert!(matches!(next(&mut session), Some(Command::Asked { .. })));
}

#[test]
fn answers_are_found_however_they_are_addressed() {
    // Without an id, with another one, as a request.
    for (id, is_request) in [(None, false), (Some("0"), false), (None, true)] {
        let mut session = open(at(0));
        let (number, message) = ask(&mut session, at(1), 3);
        let own = message.transactions[0].id.clone();
        let transaction = if is_request {
            Transaction::request(own, status(200))
        } else {
            Transaction::response(id.map(TransactionId::new), status(200))
        };
        let answer = Some(Envelope::new(SessionDescriptor::Outband, transaction));
        session.handle(at(1), Event::Received { number, answer });
        assert_eq!(next(&mut session), Some(Command::Answered { key: 3, primitive: status(200) }), "{id:?}");
    }
}

#[test]
fn an_answer_that_is_queued_comes_by_a_poll_or_not_at_all() {
    let mut session = open(at(0));
    let (number, request) = ask(&mut session, at(1), 3);
    session.handle(at(1), answer(number, &request, status(101)));
    assert_eq!(next(&mut session), None);
    let poll = poll_after(&mut session, at(10));
    let transaction = Transaction::response(request.transactions[0].id.clone(), status(200));
    let late = Some(Envelope::new(request.session.clone(), transaction));
    session.handle(at(10), Event::Received { number: poll, answer: late });
    assert_eq!(next(&mut session), Some(Command::Answered { key: 3, primitive: status(200) }));
    let (number, request) = ask(&mut session, at(11), 4);
    session.handle(at(11), answer(number, &request, status(101)));
    session.expire(at(31));
    assert_eq!(next(&mut session), Some(Command::Failed { key: 4, failure: Failure::Unanswered }));
}

#[test]
fn requests_wait_for_a_session_as_long_as_they_are_worth_it() {
    let mut session = session();
    let expires = at(30);
    session.handle(at(0), Event::Request(Request { key: 1, primitive: Primitive::GetListRequest, expires }));
    assert_eq!((next(&mut session), session.deadline()), (None, Some(at(30))));
    session.expire(at(30));
    assert_eq!(next(&mut session), Some(Command::Failed { key: 1, failure: Failure::Expired }));
    for key in 0..65 {
        session.handle(at(31), Event::Request(Request { key, primitive: Primitive::GetListRequest, expires: at(60) }));
    }
    assert_eq!(next(&mut session), Some(Command::Failed { key: 64, failure: Failure::QueueFull }));
}

#[test]
fn what_waits_for_a_session_that_is_wanted_no_more_ends() {
    let request = |key| Event::Request(Request { key, primitive: Primitive::GetListRequest, expires: at(600) });
    let ended = |key| Some(Command::Failed { key, failure: Failure::Expired });
    let mut session = session();
    session.handle(at(0), Event::Want);
    assert_eq!(next(&mut session), Some(Command::Due));
    session.handle(at(0), request(1));
    session.handle(at(1), Event::Leave);
    assert_eq!((next(&mut session), session.waiting()), (ended(1), 0));
    // One that stands is left first; a wish that comes meanwhile keeps what waits.
    for is_wanted_again in [false, true] {
        let mut session = self::session();
        open_with(&mut session, at(0), 600, 5);
        session.handle(at(1), Event::Leave);
        let (number, logout) = sent(&mut session);
        session.handle(at(1), request(2));
        if is_wanted_again {
            session.handle(at(1), Event::Want);
        }
        session.handle(at(2), answer(number, &logout, status(200)));
        let wanted = if is_wanted_again { Some(Command::Left) } else { ended(2) };
        assert_eq!(next(&mut session), wanted);
        assert_eq!(session.waiting(), usize::from(is_wanted_again));
    }
}

#[test]
fn a_session_that_is_wanted_no_more_is_logged_out() {
    let mut session = open(at(0));
    session.handle(at(1), Event::Leave);
    let (number, message) = sent(&mut session);
    assert_eq!(message.transactions[0].content, Ok(Primitive::LogoutRequest));
    // 1.1: by Disconnect.
    let disconnect = Primitive::Disconnect(Disconnect { result: StatusCode::SUCCESS.into() });
    session.handle(at(1), answer(number, &message, disconnect));
    assert_eq!(next(&mut session), Some(Command::Left));
    assert_eq!((session.standing(), session.deadline()), (Standing::Out, None));
}

/// Any history: every request ends once, and never more is under way than was agreed.
#[test]
fn any_history_ends_every_request_once() {
    for seed in 1_u64..400 {
        let mut word = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut draw = move |bound: u64| {
            word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (word >> 33) % bound
        };
        let (mut session, mut now) = (session(), at(0));
        let (mut flights, mut tickets) = (Vec::<(u64, Envelope)>::new(), Vec::<u64>::new());
        let (mut asked, mut ended) = (0_u64, 0_u64);
        for _ in 0..120 {
            let event = match draw(9) {
                0 => Event::Want,
                1 if draw(4) == 0 => Event::Leave,
                1 | 2 => Event::Admit,
                3 => {
                    asked += 1;
                    let expires = now.after(Duration::from_secs(draw(40)));
                    Event::Request(Request { key: asked, primitive: Primitive::GetListRequest, expires })
                }
                4 if !tickets.is_empty() => {
                    let ticket = tickets.remove(0);
                    if draw(3) == 0 {
                        Event::Withhold { ticket }
                    } else {
                        Event::Respond { ticket, primitive: status(200) }
                    }
                }
                5 => {
                    now = now.after(Duration::from_secs(draw(90)));
                    session.expire(now);
                    Event::WakeUp
                }
                _ if !flights.is_empty() => {
                    let (number, message) = flights.remove(0);
                    match draw(9) {
                        0 => Event::Lost { number, loss: Loss::Unanswered },
                        1 => Event::Received { number, answer: None },
                        2 => from_server(number, "g", new_message(&format!("m{}", draw(5)))),
                        3 => answer(number, &message, accepted(draw(9))),
                        4 => answer(number, &message, challenge(code(401))),
                        5 => answer(number, &message, status([101, 200, 503, 601, 604][draw(5) as usize])),
                        6 => answer(number, &message, capabilities(draw(5))),
                        _ => answer(number, &message, status(200)),
                    }
                }
                _ => Event::Retry,
            };
            session.handle(now, event);
            while let Some(command) = session.poll() {
                match command {
                    Command::Send { number, message } => flights.push((number, message)),
                    Command::Answered { .. } | Command::Failed { .. } => ended += 1,
                    Command::Asked { ticket, .. } => tickets.push(ticket),
                    Command::Fallen(_) | Command::LoginFailed(_) | Command::Barred(_) | Command::Left => {
                        flights.clear();
                        tickets.clear();
                    }
                    Command::Due | Command::Opened(_) | Command::Met(_) => {}
                }
            }
            assert!(ended <= asked, "seed {seed}");
            assert!(flights.len() <= 3, "seed {seed}: one and a poll, as was agreed, and a logout: {flights:#?}");
        }
        let waiting = u64::try_from(session.waiting()).unwrap();
        assert_eq!(asked, ended + waiting, "seed {seed}");
    }
}
