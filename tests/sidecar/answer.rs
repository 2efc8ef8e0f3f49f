//! Answers of servers that are not ours, as answers in sessions: each is understood, whatever it is an answer to.

use acceptance::message_file;
use std::{sync::Arc, time::Duration};
use wv_proto::{
    codec::{WriterOptions, decode_in_session},
    limit::Limits,
    primitive::{
        Envelope, Primitive, SessionDescriptor, Transaction, TransactionMode,
        access::{DigestSchema, LoginResponse},
        identifier::{ClientId, Password, SessionCookie, SessionId, UserId},
    },
    session::{
        client::LoginWay,
        standing::{Command, Event, Request, StandingAccount, StandingSession, StandingSettings},
        time::Timestamp,
    },
    status::StatusCode,
    version::{Encoding, Version},
};

const NOW: Timestamp = Timestamp::from_millis(1_000);

fn next(session: &mut StandingSession) -> Option<Command> {
    std::iter::from_fn(|| session.poll()).find(|command| !matches!(command, Command::Met(_)))
}

fn sent(session: &mut StandingSession) -> (u64, Envelope) {
    match next(session) {
        Some(Command::Send { number, message }) => (number, message),
        other => panic!("{other:?}"),
    }
}

/// A session whose Login-Request is under way.
fn entering(version: Version) -> (StandingSession, u64, Envelope) {
    let account = StandingAccount {
        user_id: UserId::new("wv:bob@old.example"),
        client_id: ClientId::from_url("gateway"),
        session_cookie: SessionCookie::new("gw"),
        password: Password::new("secret"),
    };
    let settings = StandingSettings::new(version, LoginWay::FourWay(vec![DigestSchema::Md5]));
    let mut session = StandingSession::new(Arc::new(settings), account);
    session.handle(NOW, Event::Want);
    assert_eq!(next(&mut session), Some(Command::Due));
    session.handle(NOW, Event::Admit);
    let (number, login) = sent(&mut session);
    (session, number, login)
}

/// A session in which a request is under way.
fn asking(version: Version) -> (StandingSession, u64) {
    let (mut session, number, login) = entering(version);
    let mut accepted = LoginResponse::new(None, StatusCode::SUCCESS.into());
    accepted.session_id = Some(SessionId::new("s-1"));
    let transaction =
        Transaction::response(login.transactions[0].id.clone(), Primitive::LoginResponse(Box::new(accepted)));
    let answer = Some(Envelope::new(SessionDescriptor::Outband, transaction));
    session.handle(NOW, Event::Received { number, answer });
    for _ in 0..2 {
        let (number, _) = sent(&mut session);
        session.handle(NOW, Event::Received { number, answer: None });
    }
    assert!(matches!(next(&mut session), Some(Command::Opened(_))));
    let (poll, _) = sent(&mut session);
    session.handle(NOW, Event::Received { number: poll, answer: None });
    let expires = NOW.after(Duration::from_secs(30));
    session.handle(NOW, Event::Request(Request { key: 1, primitive: Primitive::GetListRequest, expires }));
    let (number, _) = sent(&mut session);
    (session, number)
}

/// Takes the answer in a session.
///
/// # Errors
/// What is wrong with the way it is taken.
fn fault(version: Version, envelope: &Envelope) -> Result<(), String> {
    let Some(transaction) = envelope.transactions.first() else { return Ok(()) };
    let primitive = match &transaction.content {
        Ok(primitive) => primitive,
        Err(malformed) => return Err(format!("{malformed:?}")),
    };
    if matches!(primitive, Primitive::LoginResponse(_)) {
        let (mut session, number, login) = entering(version);
        // Under the id of our login: that of the file was that of another one.
        let mut envelope = envelope.clone();
        envelope.transactions[0].id = login.transactions[0].id.clone();
        session.handle(NOW, Event::Received { number, answer: Some(envelope) });
        return match next(&mut session) {
            Some(Command::Send { .. } | Command::Barred(_)) => Ok(()),
            other => Err(format!("{other:?} after a login")),
        };
    }
    let (mut session, number) = asking(version);
    session.handle(NOW, Event::Received { number, answer: Some(envelope.clone()) });
    let is_end = primitive.result().is_some_and(|result| result.code.ends_session());
    match (next(&mut session), transaction.mode) {
        (Some(Command::Fallen(_)), TransactionMode::Response) if is_end => Ok(()),
        (Some(Command::Answered { key: 1, primitive: told }), TransactionMode::Response) if told == *primitive => {
            Ok(())
        }
        (Some(Command::Asked { primitive: told, .. }), _) if told == *primitive => Ok(()),
        (other, mode) => Err(format!("{other:?} after {} in mode {mode:?}", primitive.name())),
    }
}

#[test]
fn every_answer_of_a_real_server_is_understood_in_a_session() {
    let Some(messages) = message_file::foreign("wv-server") else {
        println!("corpus absent");
        return;
    };
    let mut faults = Vec::new();
    let mut understood = 0;
    for message in &messages {
        let before = faults.len();
        for version in [Version::V1_1, Version::V1_2, Version::V1_3] {
            let found = read(&message.octets, version).and_then(|as_it_came| {
                fault(version, &as_it_came)?;
                // The same answer as that server would write it in the other encoding, or in another version.
                for encoding in [Encoding::Xml, Encoding::Wbxml] {
                    let written = as_it_came.encode(version, encoding, WriterOptions::default());
                    let written = written.map_err(|error| format!("{encoding:?}: {error}"))?;
                    let again = read(&written, version).map_err(|error| format!("{encoding:?}: {error}"))?;
                    fault(version, &again).map_err(|error| format!("{encoding:?}: {error}"))?;
                }
                Ok(())
            });
            faults.extend(found.err().map(|found| format!("{} in {}: {found}", message.name, version.as_str())));
        }
        understood += usize::from(before == faults.len());
    }
    println!("corpus {understood} of {}", messages.len());
    assert!(faults.is_empty(), "{faults:#?}");
}

/// The version of the session helps only where the message says nothing.
fn read(octets: &[u8], version: Version) -> Result<Envelope, String> {
    let decoded = decode_in_session(octets, None, version, &Limits::default()).map_err(|error| error.to_string())?;
    Envelope::decode(&decoded.tree).map_err(|error| error.to_string())
}
