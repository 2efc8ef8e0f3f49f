//! Every state meets every event: the table in `fixtures/state/wv_server_session.txt` is what happens.

use super::super::*;
use super::bench::{Bench, at, message, presence, secs, status};
use crate::primitive::access::{DigestSchema, KeepAliveRequest, LoginRequest};
use crate::primitive::envelope::{Malformed, MalformedReason};
use crate::primitive::identifier::{DigestBytes, Password};
use crate::primitive::service::ServiceRequest;
use crate::session::digest::{DigestMethod, digest_bytes, mint_nonce};
use crate::session::login::{
    Credentials, Exposure, LoginAttempt, LoginCommand, LoginEvent, LoginMachine, LoginPolicy, OldSession,
};
use std::fmt::Write as _;

// WV-LOGIN-13
// WV-SES-01
#[test]
fn every_state_decides_every_event() {
    let mut table = String::from(
        "# CSP server session: what happens in each state on each event. Compared by the tests of wv-proto.\n\
         # state | event | commands -> next state\n",
    );
    for name in ["NONE", "CHALLENGED"] {
        for event in LOGINS {
            writeln!(table, "{name:<10} | {event:<26} | {}", login_cell(name, event)).unwrap();
        }
    }
    for name in ["OPEN", "ACTIVE", "LAPSED", "ENDING", "CLOSED"] {
        for event in EVENTS {
            writeln!(table, "{name:<10} | {event:<26} | {}", session_cell(name, event)).unwrap();
        }
    }
    crate::generated::compare("fixtures/state/wv_server_session.txt", &table);
}

const LOGINS: [&str; 8] = [
    "login, right password",
    "login, wrong password",
    "login, unknown user",
    "login, schemas offered",
    "login, no schema in common",
    "login, right digest",
    "login, wrong digest",
    "60 s pass, right digest",
];

const EVENTS: [&str; 19] = [
    "request for the owner",
    "poll",
    "push",
    "response, transaction open",
    "response, none open",
    "malformed request",
    "unknown request",
    "KeepAlive-Request",
    "Service-Request",
    "Logout-Request",
    "answer of the owner",
    "enqueue",
    "retract",
    "disconnect",
    "resume",
    "CIR channel broken",
    "60 s pass",
    "keep-alive time passes",
    "keep-alive and grace pass",
];

fn session_in(name: &str, event: &str) -> Bench {
    let mut bench = Bench::new(Version::V1_2);
    if ["response, transaction open", "60 s pass"].contains(&event) {
        bench.session.handle(at(0), Event::Enqueue(presence("bob")));
        bench.poll(0);
    }
    match name {
        "OPEN" => {}
        "ACTIVE" => {
            bench.request(0, "svc", service());
        }
        "LAPSED" => bench.session.expire(at(3600)),
        "ENDING" => bench.session.handle(at(0), Event::Disconnect(StatusCode::FORCED_LOGOUT)),
        "CLOSED" => {
            bench.request(0, "out", Primitive::LogoutRequest);
        }
        other => panic!("{other}"),
    }
    bench.commands();
    bench
}

fn session_cell(name: &str, event: &str) -> String {
    let mut bench = session_in(name, event);
    let now = if name == "LAPSED" { 3601 } else { 30 };
    let request = |primitive| Transaction::request(Some(TransactionId::new("7")), primitive);
    match event {
        "request for the owner" => drop(bench.post(now, request(Primitive::GetListRequest))),
        "poll" => drop(bench.post(now, Transaction::request(None, Primitive::PollingRequest))),
        "push" => {
            bench.session.handle(at(now), Event::Enqueue(presence("bob")));
            bench.commands();
            bench.session.handle(at(now), Event::Push(PostId::new(99)));
        }
        "response, transaction open" => {
            let id = Some(TransactionId::new("s1-1"));
            bench.post(now, Transaction::response(id, status(StatusCode::SUCCESS)));
        }
        "response, none open" => {
            let id = Some(TransactionId::new("s1-9"));
            bench.post(now, Transaction::response(id, status(StatusCode::SUCCESS)));
        }
        "malformed request" => {
            let content = Err(Malformed { name: None, reason: MalformedReason::MissingPrimitive });
            let id = Some(TransactionId::new("7"));
            bench.post(now, Transaction { mode: TransactionMode::Request, id, segment: None, content });
        }
        "unknown request" => {
            let name = crate::primitive::PrimitiveName::Vendor("Teleport-Request".into());
            bench.post(now, request(Primitive::Other(name)));
        }
        "KeepAlive-Request" => {
            let wish = KeepAliveRequest { time_to_live: Some(secs(600)) };
            bench.post(now, request(Primitive::KeepAliveRequest(wish)));
        }
        "Service-Request" => drop(bench.post(now, request(service()))),
        "Logout-Request" => drop(bench.post(now, request(Primitive::LogoutRequest))),
        "answer of the owner" => {
            let ticket = Ticket { post: PostId::new(99), index: 0 };
            bench.session.handle(at(now), Event::Answer { ticket, primitive: status(StatusCode::SUCCESS) });
        }
        "enqueue" => bench.session.handle(at(now), Event::Enqueue(message("m-1"))),
        "retract" => bench.session.handle(at(now), Event::Retract(message("m-1").key)),
        "disconnect" => bench.session.handle(at(now), Event::Disconnect(StatusCode::FORCED_LOGOUT)),
        "resume" => {
            let resumption = Resumption { keep_alive: secs(600), session_cookie: None };
            bench.session.handle(at(now), Event::Resume(resumption));
        }
        "CIR channel broken" => bench.session.handle(at(now), Event::CirChannel(CirChannel::Broken)),
        "60 s pass" => bench.session.expire(at(now + 60)),
        "keep-alive time passes" => bench.session.expire(at(3600)),
        "keep-alive and grace pass" => bench.session.expire(at(5400)),
        other => panic!("{other}"),
    }
    let commands: Vec<_> = bench.commands().iter().map(shown).collect();
    format!("{} -> {}", joined(&commands), state_name(bench.session.state()))
}

fn login_cell(name: &str, event: &str) -> String {
    let mut machine = LoginMachine::new(LoginPolicy::default());
    let mut now = 0;
    if name == "CHALLENGED" {
        log_in(&mut machine, now, "login, schemas offered");
        while machine.poll().is_some() {}
    }
    if event.starts_with("60 s") {
        now = 60;
    }
    log_in(&mut machine, now, event);
    let mut opened = false;
    let mut shown = Vec::new();
    while let Some(command) = machine.poll() {
        shown.push(match command {
            LoginCommand::FindCredentials { .. } => continue,
            LoginCommand::Replace { .. } => "Replace".to_owned(),
            LoginCommand::Open(_) => {
                opened = true;
                "Open".to_owned()
            }
            LoginCommand::Resume { .. } => "Resume".to_owned(),
            LoginCommand::Respond { answer, .. } => body(&answer),
        });
    }
    let next = match (opened, machine.challenge_count()) {
        (true, _) => "OPEN",
        (false, 0) => "NONE",
        (false, _) => "CHALLENGED",
    };
    format!("{} -> {next}", joined(&shown))
}

fn log_in(machine: &mut LoginMachine, now: u64, event: &str) {
    let nonce = mint_nonce([1; 16]);
    let mut request = LoginRequest::new(
        UserId::new("wv:alice@wv.example"),
        ClientId::from_url("lab-phone-1"),
        SessionCookie::new("ck-1"),
    );
    match event {
        "login, right password" | "login, unknown user" => request.password = Some(Password::new("secret")),
        "login, wrong password" => request.password = Some(Password::new("guess")),
        "login, schemas offered" => request.digest_schemas = vec![DigestSchema::Md5],
        "login, no schema in common" => request.digest_schemas = vec![DigestSchema::Md4],
        "login, wrong digest" => request.digest_bytes = Some(DigestBytes::new("AAAA")),
        _ => request.digest_bytes = Some(digest_bytes(DigestMethod::Md5, &nonce, &Password::new("secret"))),
    }
    let post = PostId::new(1);
    let attempt = LoginAttempt {
        exposure: Exposure::Protected,
        post,
        version: Version::V1_2,
        session: SessionDescriptor::Outband,
        transaction: Some(TransactionId::new("1")),
        request,
        nonce,
        session_id: SessionId::new("gw-1"),
    };
    machine.handle(at(now), LoginEvent::Request(Box::new(attempt)));
    let credentials = match event {
        "login, unknown user" => Credentials::Unknown,
        _ => Credentials::Password(Password::new("secret")),
    };
    let answer = LoginEvent::Credentials { post, credentials, sessions: Vec::new(), old: OldSession::Unknown };
    machine.handle(at(now), answer);
}

fn service() -> Primitive {
    Primitive::ServiceRequest(ServiceRequest { client_id: None, functions: None, all_functions_request: false })
}

fn shown(command: &Command) -> String {
    match command {
        Command::Execute { .. } => "Execute".to_owned(),
        Command::Respond { answer: None, .. } => "Respond(empty)".to_owned(),
        Command::Respond { answer: Some(answer), .. } => body(answer),
        Command::Acknowledged { answer: Acknowledgement::Presumed, .. } => "Acknowledged(presumed)".to_owned(),
        Command::Acknowledged { .. } => "Acknowledged".to_owned(),
        Command::GivenUp(_) => "GivenUp".to_owned(),
        Command::Shed(_) => "Shed".to_owned(),
        Command::WakeUp => "WakeUp".to_owned(),
        Command::Negotiated(_) => "Negotiated".to_owned(),
        Command::Changed => "Changed".to_owned(),
        Command::Lapsed => "Lapsed".to_owned(),
        Command::Closed(closing) => format!("Closed({})", closing.code()),
    }
}

fn body(answer: &Envelope) -> String {
    let content = answer.transactions[0].content.as_ref().unwrap();
    match content.result() {
        Some(result) => format!("Respond({} {})", content.name(), result.code),
        None => format!("Respond({})", content.name()),
    }
}

fn joined(commands: &[String]) -> String {
    if commands.is_empty() { "ignored".to_owned() } else { commands.join(", ") }
}

fn state_name(state: State) -> &'static str {
    match state {
        State::Open => "OPEN",
        State::Active => "ACTIVE",
        State::Lapsed => "LAPSED",
        State::Ending(_) => "ENDING",
        State::Closed(_) => "CLOSED",
    }
}
