//! The table of a watcher's permission: every state of it meets every event.

use super::world::{World, address, contact, session};
use crate::{
    command::CommandKind,
    event::{DetachReason, Operation},
    presence::{AttributeSet, Mood},
    record::FactKey,
    side::{Endpoint, Side},
    watcher::Decision,
};

const ALICE: &str = "alice@wv.example";

/// Brings alice's watcher into a state.
fn world_in(state: &str, watcher: &str, endpoint: &Endpoint) -> World {
    let mut world = World::new();
    world.attach(ALICE, &session("a"));
    if endpoint.side == Side::Wv {
        world.attach(watcher, endpoint);
    }
    let steps: &[&str] = match state {
        "nobody" => &[],
        "pending" => &["watch"],
        "allowed" => &["watch", "allow"],
        "refused" => &["watch", "block"],
        "cancelled" => &["watch", "allow", "cancel"],
        "allowed before" => &["allow"],
        "refused before" => &["block"],
        other => panic!("{other}"),
    };
    for step in steps {
        happen(&mut world, step, watcher, endpoint);
    }
    // What was shown at first must not hold back what comes.
    world.wait_millis(10_000);
    world.take();
    world
}

fn happen(world: &mut World, event: &str, watcher: &str, endpoint: &Endpoint) {
    let decide = |decision| Operation::Authorize { watcher: address(watcher), decision, attributes: AttributeSet::ALL };
    let targets = vec![address(ALICE)];
    match event {
        "watch" => {
            let operation = Operation::Watch { targets, attributes: AttributeSet::ALL, auto_subscribe: false };
            world.request(watcher, endpoint, operation);
        }
        "unwatch" => drop(world.request(watcher, endpoint, Operation::Unwatch { targets })),
        "fetch" => drop(world.request(watcher, endpoint, Operation::Fetch { targets, attributes: AttributeSet::ALL })),
        "allow" => drop(world.request(ALICE, &session("a"), decide(Decision::Allow))),
        "block" => drop(world.request(ALICE, &session("a"), decide(Decision::Block))),
        "cancel" => {
            let watcher = address(watcher);
            world.request(ALICE, &session("a"), Operation::CancelAuthorization { watcher });
        }
        "another login" => world.attach(ALICE, &session("b")),
        "logout" => {
            let operation = Operation::Detach(DetachReason::Logout);
            world.request(ALICE, &session("a"), operation);
        }
        "presence" => super::watching::publish(world, ALICE, &session("a"), Mood::Happy),
        "question too old" => world.wait_millis(QUESTION_AGE_MILLIS),
        other => panic!("{other}"),
    }
}

/// Longer than a question is kept.
const QUESTION_AGE_MILLIS: u64 = 8 * 86_400_000;

fn shown(world: &mut World) -> String {
    let words: Vec<String> = world
        .take()
        .into_iter()
        .filter_map(|kind| match kind {
            CommandKind::Answer { answer, .. } => Some(super::watching::outcome(answer)).map(|is| format!("{is:?}")),
            CommandKind::Notify(told) => {
                let view =
                    told.view.map(|view| if view.document.person.mood.known().is_some() { " mood" } else { " view" });
                Some(format!("{:?}{}", told.state, view.unwrap_or_default()))
            }
            CommandKind::AskAuthorization { .. } => Some("ask".to_owned()),
            _ => None,
        })
        .collect();
    let kept = |is: fn(&FactKey) -> bool| world.facts.keys().any(is);
    let question = if kept(|key| matches!(key, FactKey::Question(..))) { ", question kept" } else { "" };
    let rule = if kept(|key| matches!(key, FactKey::Authorization(..))) { ", word kept" } else { "" };
    format!("{}{question}{rule}", if words.is_empty() { "nothing".to_owned() } else { words.join(", ") })
}

#[test]
fn every_state_of_a_permission_has_a_row_for_every_event() {
    let states = ["nobody", "pending", "allowed", "refused", "cancelled", "allowed before", "refused before"];
    let events = [
        "watch",
        "unwatch",
        "fetch",
        "allow",
        "block",
        "cancel",
        "another login",
        "logout",
        "presence",
        "question too old",
    ];
    let mut table = String::from(
        "# permission of a watcher by a WV presentity: side of the watcher, state, event: what is told, what is kept\n",
    );
    for (watcher, endpoint) in [("carol@wv.example", session("c")), ("bob@sip.example", contact("dialog"))] {
        for state in states {
            for event in events {
                let mut world = world_in(state, watcher, &endpoint);
                happen(&mut world, event, watcher, &endpoint);
                table.push_str(&format!("{:?}, {state}, {event}: {}\n", endpoint.side, shown(&mut world)));
            }
        }
    }
    crate::generated::compare("fixtures/state/mapping_authorization.txt", &table);
}
