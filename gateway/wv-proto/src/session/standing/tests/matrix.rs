//! Every state of the session meets every event.

use super::*;

const STATES: [&str; 10] =
    ["OUT", "WANTED", "ENTERING", "PROVING", "DESCRIBING", "AGREEING", "OPEN", "TALKING", "LEAVING", "BARRED"];

const EVENTS: [&str; 21] = [
    "want",
    "leave",
    "admit",
    "release",
    "retry",
    "request",
    "respond",
    "withhold",
    "wake-up",
    "channel works",
    "channel lost",
    "empty body",
    "an answer",
    "login accepted",
    "challenge",
    "login refused",
    "604 to it",
    "601 to it",
    "Disconnect",
    "a question",
    "lost",
];

/// The session, and what is under way.
fn session_in(state: &str) -> (StandingSession, Option<(u64, Envelope)>) {
    let mut session = session();
    let mut under_way = None;
    match state {
        "OUT" => {}
        "WANTED" => session.handle(at(0), Event::Want),
        "ENTERING" => under_way = Some(admitted(&mut session, at(0))),
        "PROVING" => {
            let (number, login) = admitted(&mut session, at(0));
            session.handle(at(0), answer(number, &login, challenge(code(401))));
            under_way = Some(sent(&mut session));
        }
        "DESCRIBING" | "AGREEING" => {
            let (number, login) = admitted(&mut session, at(0));
            session.handle(at(0), answer(number, &login, accepted(600)));
            let (number, message) = sent(&mut session);
            if state == "AGREEING" {
                session.handle(at(0), answer(number, &message, capabilities(10)));
                under_way = Some(sent(&mut session));
            } else {
                under_way = Some((number, message));
            }
        }
        "OPEN" => session = open(at(0)),
        "TALKING" => {
            session = open(at(0));
            under_way = Some(ask(&mut session, at(1), 1));
        }
        "LEAVING" => {
            session = open(at(0));
            session.handle(at(1), Event::Leave);
            under_way = Some(sent(&mut session));
        }
        "BARRED" => {
            let (number, login) = admitted(&mut session, at(0));
            session.handle(at(0), answer(number, &login, status(409)));
        }
        other => panic!("{other}"),
    }
    while session.poll().is_some() {}
    (session, under_way)
}

fn event_of(event: &str, under_way: Option<(u64, Envelope)>) -> Event {
    let unknown = Transaction::request(Some(TransactionId::new("x")), Primitive::GetListRequest);
    let (number, message) = under_way.unwrap_or_else(|| (99, Envelope::new(SessionDescriptor::Outband, unknown)));
    let said = |primitive| answer(number, &message, primitive);
    match event {
        "want" => Event::Want,
        "leave" => Event::Leave,
        "admit" => Event::Admit,
        "release" => Event::Release,
        "retry" => Event::Retry,
        "request" => Event::Request(Request { key: 2, primitive: Primitive::GetListRequest, expires: at(60) }),
        "respond" => Event::Respond { ticket: 1, primitive: status(200) },
        "withhold" => Event::Withhold { ticket: 1 },
        "wake-up" => Event::WakeUp,
        "channel works" => Event::Channel(true),
        "channel lost" => Event::Channel(false),
        "empty body" => Event::Received { number, answer: None },
        "an answer" => said(services()),
        "login accepted" => said(accepted(600)),
        "challenge" => said(challenge(code(401))),
        "login refused" => {
            said(Primitive::LoginResponse(Box::new(LoginResponse::new(None, StatusCode::INVALID_PASSWORD.into()))))
        }
        "604 to it" => said(status(604)),
        "601 to it" => said(status(601)),
        "Disconnect" => {
            let disconnect = Disconnect { result: StatusCode::FORCED_LOGOUT.into() };
            from_server(number, "d", Primitive::Disconnect(disconnect))
        }
        "a question" => from_server(number, "g1", new_message("m-1")),
        "lost" => Event::Lost { number, loss: Loss::Unanswered },
        other => panic!("{other}"),
    }
}

fn shown(command: &Command) -> String {
    match command {
        Command::Due => "due".to_owned(),
        Command::Send { message, .. } => match &message.transactions[0].content {
            Ok(primitive) => format!("send {}", primitive.name()),
            Err(malformed) => format!("send {malformed:?}"),
        },
        Command::Opened(_) => "opened".to_owned(),
        Command::Fallen(code) => format!("fallen {code}"),
        Command::Left => "left".to_owned(),
        Command::LoginFailed(code) => format!("login failed {}", code.map_or(0, StatusCode::number)),
        Command::Barred(code) => format!("barred {code}"),
        Command::Answered { primitive, .. } => format!("answered {}", primitive.name()),
        Command::Failed { failure, .. } => format!("failed {failure:?}"),
        Command::Met(quirk) => format!("met {}", quirk.as_str()),
        Command::Asked { primitive, .. } => format!("asked {}", primitive.name()),
    }
}

#[test]
fn every_state_decides_every_event() {
    let mut table = String::from("# standing CSP session: state | event | commands -> next state\n");
    for state in STATES {
        for event in EVENTS {
            let (mut session, under_way) = session_in(state);
            assert_eq!(session.state_name(), state);
            session.handle(at(2), event_of(event, under_way));
            write_row(&mut table, state, event, &mut session);
        }
        let (mut session, _) = session_in(state);
        session.expire(at(900));
        write_row(&mut table, state, "time passes", &mut session);
    }
    crate::generated::compare("fixtures/state/wv_standing_session.txt", &table);
}

fn write_row(table: &mut String, state: &str, event: &str, session: &mut StandingSession) {
    let commands: Vec<String> = std::iter::from_fn(|| session.poll()).map(|command| shown(&command)).collect();
    let commands = if commands.is_empty() { "ignored".to_owned() } else { commands.join(", ") };
    table.push_str(&format!("{state:<10} | {event:<14} | {commands} -> {}\n", session.state_name()));
}
