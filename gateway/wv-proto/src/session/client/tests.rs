mod matrix;

use super::*;
use crate::primitive::access::Disconnect;
use crate::primitive::capability::AgreedCapabilityList;
use crate::primitive::identifier::{MessageId, Nonce};
use crate::primitive::message::{MessageInfo, NewMessage};

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn setup(way: LoginWay) -> ClientSetup {
    ClientSetup {
        user_id: UserId::new("wv:alice@wv.example"),
        client_id: ClientId::from_url("lab-phone-1"),
        session_cookie: SessionCookie::new("ck-1"),
        password: Password::new("secret"),
        way,
        time_to_live: Some(Duration::from_secs(3600)),
        poll_interval: Some(Duration::from_secs(5)),
        id_prefix: "c".into(),
    }
}

fn sent(client: &mut ClientSession) -> Envelope {
    match client.poll() {
        Some(Command::Send(message)) => message,
        other => panic!("{other:?}"),
    }
}

fn login_of(message: &Envelope) -> LoginRequest {
    match message.transactions[0].content.clone() {
        Ok(Primitive::LoginRequest(request)) => *request,
        other => panic!("{other:?}"),
    }
}

fn answer(message: &Envelope, primitive: Primitive) -> Event {
    let transaction = Transaction::response(message.transactions[0].id.clone(), primitive);
    Event::Received(Some(Envelope::new(message.session.clone(), transaction)))
}

fn accepted() -> Primitive {
    let mut response = LoginResponse::new(None, StatusCode::SUCCESS.into());
    response.session_id = Some(SessionId::new("gw-1"));
    response.keep_alive_time = Some(Duration::from_secs(600));
    Primitive::LoginResponse(Box::new(response))
}

fn logged_in() -> ClientSession {
    let mut client = ClientSession::new(setup(LoginWay::TwoWay));
    client.handle(at(0), Event::LogIn);
    let login = sent(&mut client);
    client.handle(at(0), answer(&login, accepted()));
    let session_id = SessionId::new("gw-1");
    assert_eq!(client.poll(), Some(Command::LoggedIn { session_id, keep_alive: Some(Duration::from_secs(600)) }));
    assert!(client.is_active());
    client
}

fn from_server(id: &str, primitive: Primitive) -> Event {
    let session = SessionDescriptor::Inband(SessionId::new("gw-1"));
    Event::Received(Some(Envelope::new(session, Transaction::request(Some(TransactionId::new(id)), primitive))))
}

fn new_message() -> Primitive {
    let message = MessageInfo { message_id: Some(MessageId::new("m-1")), ..MessageInfo::default() };
    Primitive::NewMessage(Box::new(NewMessage { message, content: None }))
}

#[test]
fn a_two_way_login_sends_the_password_at_once() {
    let mut client = ClientSession::new(setup(LoginWay::TwoWay));
    client.handle(at(0), Event::LogIn);
    let message = sent(&mut client);
    assert_eq!(message.session, SessionDescriptor::Outband);
    assert_eq!(login_of(&message).password, Some(Password::new("secret")));
    assert!(client.is_busy());
}

#[test]
fn wv_cli_01_and_02_a_challenge_of_either_code_is_answered_under_the_same_id() {
    for code in [StatusCode::UNAUTHORIZED, StatusCode::SUCCESS] {
        let mut client = ClientSession::new(setup(LoginWay::FourWay(vec![DigestSchema::Md5])));
        client.handle(at(0), Event::LogIn);
        let first = sent(&mut client);
        assert_eq!(login_of(&first).digest_schemas, [DigestSchema::Md5]);
        assert_eq!(login_of(&first).password, None);
        let mut challenge = LoginResponse::new(None, code.into());
        challenge.nonce = Some(Nonce::new("abc123"));
        challenge.digest_schema = Some(DigestSchema::Md5);
        client.handle(at(0), answer(&first, Primitive::LoginResponse(Box::new(challenge.clone()))));
        let second = sent(&mut client);
        assert_eq!(second.transactions[0].id, first.transactions[0].id);
        let request = login_of(&second);
        assert_eq!(request.digest_bytes.as_ref().map(|digest| digest.expose()), Some("ONRYj9vHKbpfB8SbQtGVoA=="));
        assert!(request.digest_schemas.is_empty());
        // A second challenge is a refusal.
        let mut again = client.clone();
        again.handle(at(0), answer(&second, Primitive::LoginResponse(Box::new(challenge))));
        assert_eq!(again.poll(), Some(Command::LoginFailed(code)));
        client.handle(at(0), answer(&second, accepted()));
        assert!(matches!(client.poll(), Some(Command::LoggedIn { .. })));
    }
}

#[test]
fn a_login_can_fail_by_response_by_status_and_by_silence() {
    let refused = LoginResponse::new(None, StatusCode::UNKNOWN_USER.into());
    let answers = [
        (Some(Primitive::LoginResponse(Box::new(refused))), StatusCode::UNKNOWN_USER),
        (Some(Primitive::Status(StatusCode::SERVICE_UNAVAILABLE.into())), StatusCode::SERVICE_UNAVAILABLE),
        (None, StatusCode::TIMEOUT),
    ];
    for (primitive, code) in answers {
        let mut client = ClientSession::new(setup(LoginWay::TwoWay));
        client.handle(at(0), Event::LogIn);
        let login = sent(&mut client);
        client.handle(at(1), primitive.map_or(Event::Lost, |primitive| answer(&login, primitive)));
        assert_eq!(client.poll(), Some(Command::LoginFailed(code)));
        assert_eq!(client.poll(), None);
        assert!(!client.is_active());
    }
}

#[test]
fn requests_go_out_one_at_a_time_with_fresh_ids() {
    let mut client = logged_in();
    client.handle(at(1), Event::Request(Primitive::GetListRequest));
    client.handle(at(1), Event::Request(Primitive::LogoutRequest));
    let first = sent(&mut client);
    assert_eq!(client.poll(), None);
    client.handle(at(2), answer(&first, Primitive::Status(StatusCode::SUCCESS.into())));
    assert!(matches!(client.poll(), Some(Command::Answered { .. })));
    let second = sent(&mut client);
    assert_ne!(second.transactions[0].id, first.transactions[0].id);
}

#[test]
fn wv_http_02_an_empty_answer_to_a_request_is_told() {
    let mut client = logged_in();
    client.handle(at(1), Event::Request(Primitive::GetListRequest));
    let message = sent(&mut client);
    client.handle(at(2), Event::Received(None));
    assert_eq!(client.poll(), message.transactions[0].id.clone().map(Command::Unanswered));
}

#[test]
fn wv_cli_03_polls_come_at_the_interval_and_at_once_when_asked() {
    let mut client = logged_in();
    assert_eq!(client.deadline(), Some(at(5)));
    client.expire(at(4));
    assert_eq!(client.poll(), None);
    client.expire(at(5));
    let poll = sent(&mut client);
    assert_eq!(poll.transactions[0].content, Ok(Primitive::PollingRequest));
    assert_eq!(poll.transactions[0].id, None);
    client.handle(at(5), Event::Received(None));
    assert_eq!(client.poll(), None);
    client.handle(at(6), Event::Request(Primitive::GetListRequest));
    let request = sent(&mut client);
    let transaction =
        Transaction::response(request.transactions[0].id.clone(), Primitive::Status(StatusCode::SUCCESS.into()));
    let flagged = Envelope::new(request.session.clone(), transaction).with_poll(true);
    client.handle(at(6), Event::Received(Some(flagged)));
    assert!(matches!(client.poll(), Some(Command::Answered { .. })));
    assert_eq!(sent(&mut client).transactions[0].content, Ok(Primitive::PollingRequest));
}

#[test]
fn wv_cli_03_the_servers_minimum_between_polls_is_kept() {
    let mut client = logged_in();
    client.handle(at(1), Event::Request(Primitive::GetListRequest));
    let message = sent(&mut client);
    let agreed =
        AgreedCapabilityList { server_poll_min: Some(Duration::from_secs(30)), ..AgreedCapabilityList::default() };
    let response = ClientCapabilityResponse { client_id: None, capabilities: CapabilityAnswer::Agreed(agreed) };
    client.handle(at(2), answer(&message, Primitive::ClientCapabilityResponse(Box::new(response))));
    assert_eq!(client.deadline(), Some(at(31)));
}

#[test]
fn wv_cli_04_and_07_a_message_is_acknowledged_every_time_and_told_once() {
    let mut client = logged_in();
    for turn in 0..2 {
        client.handle(at(turn), Event::Poll);
        sent(&mut client);
        client.handle(at(turn), from_server("s1-1", new_message()));
        if turn == 0 {
            assert_eq!(client.poll(), Some(Command::Notified(new_message())));
        }
        let acknowledgement = sent(&mut client);
        let transaction = &acknowledgement.transactions[0];
        assert_eq!(transaction.mode, TransactionMode::Response);
        assert_eq!(transaction.id, Some(TransactionId::new("s1-1")));
        let delivered = MessageDelivered { message_id: MessageId::new("m-1") };
        assert_eq!(transaction.content, Ok(Primitive::MessageDelivered(delivered)));
        client.handle(at(turn), Event::Received(None));
        assert_eq!(client.poll(), None);
    }
}

#[test]
fn wv_cli_05_and_06_the_session_ends_by_code_or_by_disconnect() {
    let mut client = logged_in();
    client.handle(at(1), Event::Request(Primitive::GetListRequest));
    let message = sent(&mut client);
    client.handle(at(2), answer(&message, Primitive::Status(StatusCode::INVALID_SESSION.into())));
    assert!(matches!(client.poll(), Some(Command::Answered { .. })));
    assert_eq!(client.poll(), Some(Command::Ended(StatusCode::INVALID_SESSION)));
    let mut client = logged_in();
    client.handle(at(1), Event::Poll);
    sent(&mut client);
    let disconnect = Primitive::Disconnect(Disconnect { result: StatusCode::FORCED_LOGOUT.into() });
    client.handle(at(2), from_server("s1-1", disconnect));
    assert_eq!(client.poll(), Some(Command::Ended(StatusCode::FORCED_LOGOUT)));
    assert_eq!(client.poll(), None);
    assert_eq!(client.deadline(), None);
    client.handle(at(3), Event::Resume);
    let again = sent(&mut client);
    assert_eq!(again.session, SessionDescriptor::Inband(SessionId::new("gw-1")));
}

#[test]
fn a_request_without_a_session_is_told_to_be_unanswered() {
    let mut client = ClientSession::new(setup(LoginWay::TwoWay));
    client.handle(at(0), Event::Request(Primitive::GetListRequest));
    assert!(matches!(client.poll(), Some(Command::Unanswered(_))));
    assert_eq!(client.poll(), None);
}
