//! Every state of the client meets every event.

use super::*;
use crate::primitive::service::ServiceResponse;

const STATES: [&str; 7] = ["IDLE", "LOGGING-IN", "PROVING", "ACTIVE", "ASKING", "POLLING", "ENDED"];

const EVENTS: [&str; 18] = [
    "log in",
    "resume",
    "request",
    "poll",
    "nothing under that id",
    "empty body",
    "its answer",
    "login accepted",
    "challenge",
    "challenge without nonce",
    "login refused",
    "601 to it",
    "Poll is T",
    "NewMessage",
    "PresenceAuth-Request",
    "Disconnect",
    "lost",
    "time passes",
];

fn client_in(state: &str) -> ClientSession {
    let mut client = match state {
        "IDLE" | "LOGGING-IN" | "PROVING" => ClientSession::new(setup(LoginWay::FourWay(vec![DigestSchema::Md5]))),
        _ => logged_in(),
    };
    match state {
        "IDLE" | "ACTIVE" => {}
        "LOGGING-IN" => client.handle(at(0), Event::LogIn),
        "PROVING" => {
            client.handle(at(0), Event::LogIn);
            let login = sent(&mut client);
            client.handle(at(0), answer(&login, challenge(Some(Nonce::new("abc123")))));
        }
        "ASKING" => client.handle(at(0), Event::Request(Primitive::GetListRequest)),
        "POLLING" => client.handle(at(0), Event::Poll),
        "ENDED" => {
            client.handle(at(0), Event::Request(Primitive::LogoutRequest));
            let logout = sent(&mut client);
            client.handle(at(0), answer(&logout, Primitive::Status(StatusCode::SUCCESS.into())));
        }
        other => panic!("{other}"),
    }
    while client.poll().is_some() {}
    client
}

fn challenge(nonce: Option<Nonce>) -> Primitive {
    let mut challenge = LoginResponse::new(None, StatusCode::UNAUTHORIZED.into());
    challenge.nonce = nonce;
    challenge.digest_schema = Some(DigestSchema::Md5);
    Primitive::LoginResponse(Box::new(challenge))
}

/// What the server says to the message that is under way, or to one that never was.
fn said(client: &ClientSession, primitive: Primitive) -> Event {
    let unknown = Transaction::request(Some(TransactionId::new("x")), Primitive::GetListRequest);
    let under_way = client.under_way.clone();
    answer(&under_way.unwrap_or_else(|| Envelope::new(SessionDescriptor::Outband, unknown)), primitive)
}

fn happen(client: &mut ClientSession, event: &str) {
    let event = match event {
        "log in" => Event::LogIn,
        "resume" => Event::Resume,
        "request" => Event::Request(Primitive::GetListRequest),
        "poll" => Event::Poll,
        "nothing under that id" => {
            let transaction =
                Transaction::response(Some(TransactionId::new("x")), Primitive::Status(StatusCode::SUCCESS.into()));
            Event::Received(Some(Envelope::new(SessionDescriptor::Outband, transaction)))
        }
        "empty body" => Event::Received(None),
        "its answer" => {
            let response = ServiceResponse { client_id: None, refused: None, all_functions: None };
            said(client, Primitive::ServiceResponse(response))
        }
        "login accepted" => said(client, accepted()),
        "challenge" => said(client, challenge(Some(Nonce::new("abc123")))),
        "challenge without nonce" => said(client, challenge(None)),
        "login refused" => {
            let refusal = LoginResponse::new(None, StatusCode::INVALID_PASSWORD.into());
            said(client, Primitive::LoginResponse(Box::new(refusal)))
        }
        "601 to it" => said(client, Primitive::Status(StatusCode::FORCED_LOGOUT.into())),
        "Poll is T" => {
            let Event::Received(Some(mut envelope)) = said(client, Primitive::Status(StatusCode::SUCCESS.into()))
            else {
                panic!("an answer")
            };
            envelope.poll = Some(true);
            Event::Received(Some(envelope))
        }
        "NewMessage" => from_server("s1-1", new_message()),
        "PresenceAuth-Request" => {
            let user_id = UserId::new("wv:bob@wv.example");
            let question = crate::primitive::presence::PresenceAuthRequest { user_id, attributes: None };
            from_server("s1-1", Primitive::PresenceAuthRequest(question))
        }
        "Disconnect" => {
            from_server("s1-1", Primitive::Disconnect(Disconnect { result: StatusCode::FORCED_LOGOUT.into() }))
        }
        "lost" => Event::Lost,
        "time passes" => return client.expire(at(300)),
        other => panic!("{other}"),
    };
    client.handle(at(10), event);
}

fn shown(command: &Command) -> String {
    match command {
        Command::Send(envelope) => match &envelope.transactions[0].content {
            Ok(primitive) => format!("send {}", primitive.name()),
            Err(malformed) => format!("send {malformed:?}"),
        },
        Command::LoggedIn { .. } => "logged in".to_owned(),
        Command::LoginFailed(code) => format!("login failed {code}"),
        Command::Answered { primitive, .. } => format!("answered {}", primitive.name()),
        Command::Unanswered(_) => "unanswered".to_owned(),
        Command::Notified(primitive) => format!("told {}", primitive.name()),
        Command::Ended(code) => format!("ended {code}"),
    }
}

fn state_of(client: &ClientSession) -> &'static str {
    let under_way = client.under_way.as_ref().map(|sent| sent.transactions[0].content == Ok(Primitive::PollingRequest));
    match (&client.state, under_way) {
        (State::Idle, _) => "IDLE",
        (State::LoggingIn { step: Step::First, .. }, _) => "LOGGING-IN",
        (State::LoggingIn { step: Step::Proving, .. }, _) => "PROVING",
        (State::Active, None) => "ACTIVE",
        (State::Active, Some(false)) => "ASKING",
        (State::Active, Some(true)) => "POLLING",
        (State::Ended, _) => "ENDED",
    }
}

#[test]
fn every_state_decides_every_event() {
    let mut table = String::from("# CSP client session: state | event | commands -> next state\n");
    for state in STATES {
        for event in EVENTS {
            let mut client = client_in(state);
            happen(&mut client, event);
            let commands: Vec<String> = std::iter::from_fn(|| client.poll()).map(|command| shown(&command)).collect();
            let commands = if commands.is_empty() { "ignored".to_owned() } else { commands.join(", ") };
            table.push_str(&format!("{state:<10} | {event:<23} | {commands} -> {}\n", state_of(&client)));
        }
    }
    crate::generated::compare("fixtures/state/wv_client_session.txt", &table);
}
