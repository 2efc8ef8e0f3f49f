//! The table of a server-initiated transaction: every state of it meets every event.

use super::*;
use crate::primitive::message::{MessageInfo, NewMessage};
use crate::primitive::presence::{Presence, Presentity};
use crate::session::negotiation::Negotiated;
use crate::version::Encoding;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn presence(name: &str) -> ServerPrimitive {
    let user = UserId::new(format!("wv:{name}@wv.example"));
    let presences = vec![Presence { presentity: Presentity::User(user.clone()), attributes: Default::default() }];
    let primitive = Primitive::PresenceNotificationRequest(PresenceNotificationRequest { presences });
    ServerPrimitive { key: QueueKey::Presence(user), primitive }
}

fn message(name: &str) -> ServerPrimitive {
    let id = MessageId::new(name);
    let message = MessageInfo { message_id: Some(id.clone()), ..MessageInfo::default() };
    let primitive = Primitive::NewMessage(Box::new(NewMessage { message, content: None }));
    ServerPrimitive { key: QueueKey::Message(id), primitive }
}

/// An outbox with one primitive in a state; the time is then 100 s.
fn outbox_in(state: &str, entry: &ServerPrimitive) -> Outbox {
    let limits = SessionLimits::default();
    let mut outbox = Outbox::new(Epoch::new(1));
    if state == "empty" {
        return outbox;
    }
    outbox.enqueue(entry.clone(), &limits);
    if state == "queued" {
        return outbox;
    }
    outbox.next(at(100), Occasion::Poll, &limits, &Negotiated::default(), Encoding::Xml);
    match state {
        "sent" => {}
        "overdue" => {
            outbox.reopen();
        }
        "sent for the last time" => {
            for _ in 0..limits.resends_max {
                outbox.reopen();
                outbox.next(at(100), Occasion::Poll, &limits, &Negotiated::default(), Encoding::Xml);
            }
        }
        "overdue for the last time" => {
            for _ in 0..limits.resends_max {
                outbox.reopen();
                outbox.next(at(100), Occasion::Poll, &limits, &Negotiated::default(), Encoding::Xml);
            }
            outbox.reopen();
        }
        "retracted" => outbox.retract(&entry.key),
        other => panic!("{other}"),
    }
    outbox
}

fn happen(outbox: &mut Outbox, event: &str, entry: &ServerPrimitive) -> String {
    let limits = SessionLimits::default();
    let sent = |next: Option<(TransactionId, Primitive)>| match next {
        Some((id, primitive)) => format!("send {} {}", id.as_str(), primitive.name()),
        None => "nothing to send".to_owned(),
    };
    match event {
        "the same again" => format!("{:?}", outbox.enqueue(entry.clone(), &limits)),
        "something else" => format!("{:?}", outbox.enqueue(message("other"), &limits)),
        "retract" => {
            outbox.retract(&entry.key);
            "done".to_owned()
        }
        "answer" => {
            let keys = outbox.acknowledge(&TransactionId::new("s1-1"));
            keys.map_or("not open".to_owned(), |keys| format!("about {}", keys.len()))
        }
        "poll at once" => sent(outbox.next(at(100), Occasion::Poll, &limits, &Negotiated::default(), Encoding::Xml)),
        "poll after a while" => {
            sent(outbox.next(at(140), Occasion::Poll, &limits, &Negotiated::default(), Encoding::Xml))
        }
        "answer to another" => {
            sent(outbox.next(at(100), Occasion::Acknowledgement, &limits, &Negotiated::default(), Encoding::Xml))
        }
        "time passes" => format!("{:?}", outbox.expire(at(1000), &limits)),
        "client lost all" => {
            outbox.reopen();
            "done".to_owned()
        }
        "replaced session" => format!("{} handed over", outbox.take_all().len()),
        other => panic!("{other}"),
    }
}

#[test]
fn every_state_of_a_transaction_has_a_row_for_every_event() {
    let states =
        ["empty", "queued", "sent", "overdue", "sent for the last time", "overdue for the last time", "retracted"];
    let events = [
        "the same again",
        "something else",
        "retract",
        "answer",
        "poll at once",
        "poll after a while",
        "answer to another",
        "time passes",
        "client lost all",
        "replaced session",
    ];
    let mut table = String::from(
        "# server-initiated transaction of a CSP session: kind, state, event: what comes of it, queued, open, Poll\n",
    );
    for (kind, entry) in [("presence", presence("bob")), ("message", message("m-1"))] {
        for state in states {
            for event in events {
                let mut outbox = outbox_in(state, &entry);
                let done = happen(&mut outbox, event, &entry);
                let given_up = std::iter::from_fn(|| outbox.next_unanswered()).map(|one| match one {
                    Unanswered::Presumed(..) => ", presumed delivered",
                    Unanswered::GivenUp(_) => ", given up",
                });
                let given_up: String = given_up.collect();
                let poll = if outbox.is_waiting() { "T" } else { "F" };
                table.push_str(&format!(
                    "{kind}, {state}, {event}: {done}{given_up}; {} queued, {} open, {poll}\n",
                    outbox.queued_count(),
                    outbox.open_count()
                ));
            }
        }
    }
    crate::generated::compare("fixtures/state/wv_server_transaction.txt", &table);
}

#[test]
fn wv_prs_11_a_newer_state_takes_the_place_of_one_that_was_not_acknowledged() {
    let (limits, negotiated) = (SessionLimits::default(), Negotiated::default());
    let next = |outbox: &mut Outbox| outbox.next(at(100), Occasion::Poll, &limits, &negotiated, Encoding::Xml);
    let mut outbox = Outbox::new(Epoch::new(1));
    outbox.enqueue(presence("bob"), &limits);
    outbox.enqueue(presence("bob"), &limits);
    assert_eq!(outbox.queued_count(), 1, "the newer one waits in the place of the older one");
    let (old, _) = next(&mut outbox).unwrap();
    outbox.enqueue(presence("bob"), &limits);
    outbox.reopen();
    let (new, _) = next(&mut outbox).unwrap();
    assert_ne!(new, old, "the older one is not sent again");
    assert!(next(&mut outbox).is_none());
    // What the client says about the older one, late, is not about the state that holds.
    assert!(outbox.acknowledge(&old).is_none_or(|keys| keys.is_empty()));
    assert_eq!(outbox.acknowledge(&new).map(|keys| keys.len()), Some(1));
}
