//! Neighbours that come, go and change places.

use super::{
    watching::{ALICE, ZOE, closed, online, opened, update, watch},
    world::{World, address, contact, domains, session, text},
};
use crate::{
    command::{CommandKind, DeliveryRoute},
    engine::Routing,
    event::{Delivery, EventKind, SubscriptionId, SubscriptionUpdate},
    outcome::Outcome,
    presence::PresenceDocument,
    route::{DomainRoute, Route},
    side::{PeerName, Side},
};

const YAN: &str = "yan@stays.example";

fn world(shards: u32) -> World {
    let mut world = World::with(shards, |config| config.domains = routing(Some("core")).domains);
    world.attach(ALICE, &session("a"));
    world.take();
    world
}

/// With the neighbour that serves peer.example, and one that stays whatever happens.
fn routing(peer: Option<&str>) -> Routing {
    let mut domains = match peer {
        Some(_) => domains(),
        None => crate::route::DomainTable::default(),
    };
    domains.insert("wv.example", DomainRoute { side: Side::Wv, route: Route::Hosted });
    domains.insert("sip.example", DomainRoute { side: Side::Simple, route: Route::Hosted });
    let row = |name: &str| DomainRoute { side: Side::Simple, route: Route::Peer(PeerName::new(name)) };
    domains.insert("stays.example", row("other"));
    if let Some(peer) = peer {
        domains.insert("peer.example", row(peer));
    }
    Routing { domains, ..Routing::default() }
}

fn reroute(world: &mut World, routing: &Routing) -> Vec<CommandKind> {
    let now = world.now;
    for engine in &mut world.engines {
        engine.reroute(now, routing.clone());
    }
    world.run_all();
    // Changes that come soon after another are told together.
    world.wait_millis(600);
    world.take()
}

/// Of whom alice is told that she sees nothing.
fn unseen(seen: &[CommandKind]) -> Vec<String> {
    let told = seen.iter().filter_map(|kind| match kind {
        CommandKind::Notify(told) => {
            let shows_nothing = told.view.as_ref().is_none_or(|view| *view.document == PresenceDocument::default());
            shows_nothing.then(|| told.presentity.to_string())
        }
        _ => None,
    });
    told.collect()
}

fn delivered_to(seen: &[CommandKind]) -> Vec<String> {
    let told = seen.iter().filter_map(|kind| match kind {
        CommandKind::Deliver { route: DeliveryRoute::Peer(peer), message, .. } => {
            Some(format!("{} {}", peer.as_str(), message.recipient))
        }
        _ => None,
    });
    told.collect()
}

fn reports(seen: &[CommandKind]) -> Vec<(String, Outcome)> {
    let told = seen.iter().filter_map(|kind| match kind {
        CommandKind::Report { report, .. } => Some((report.recipient.to_string(), report.outcome)),
        _ => None,
    });
    told.collect()
}

/// A message to each that waits because the neighbour cannot be reached.
fn waiting(world: &mut World) {
    for (origin, to) in [("o1", ZOE), ("o2", YAN)] {
        world.send(ALICE, &session("a"), &[to], text(origin, "hello"));
        let delivery = world.seen.iter().rev().find_map(|kind| match kind {
            CommandKind::Deliver { delivery, .. } => Some(*delivery),
            _ => None,
        });
        let (owner, outcome) = (address(ALICE), Outcome::Unavailable);
        let delivery = delivery.expect("an attempt is made");
        world.event(EventKind::Delivered(Delivery { delivery, owner, outcome, retry_after: None }));
    }
    world.take();
}

#[test]
fn what_went_over_a_neighbour_that_is_gone_ends_and_nothing_else_does() {
    for shards in [1, 3] {
        let mut world = world(shards);
        watch(&mut world, ALICE, &session("a"), &[ZOE, YAN]);
        update(&mut world, ALICE, online());
        waiting(&mut world);
        let seen = reroute(&mut world, &routing(None));
        assert_eq!(closed(&seen), 1, "{seen:?}");
        assert_eq!(unseen(&seen), [ZOE]);
        assert_eq!(reports(&seen), [(ZOE.to_owned(), Outcome::UnknownDomain)]);
        assert!(opened(&seen).is_empty() && delivered_to(&seen).is_empty(), "{seen:?}");
        let left: Vec<String> =
            world.engines.iter().flat_map(|engine| engine.queues()).map(|row| row.recipient.to_string()).collect();
        assert_eq!(left, [YAN]);
        let entries: Vec<String> =
            world.engines.iter().flat_map(|engine| engine.entries()).map(|row| row.presentity.to_string()).collect();
        assert_eq!(entries, [YAN]);
        // The same once more changes nothing, and what is kept says the same.
        assert!(reroute(&mut world, &routing(None)).is_empty());
        // It comes back: who watches sees again.
        let seen = reroute(&mut world, &routing(Some("core")));
        assert_eq!(opened(&seen).len(), 1, "{seen:?}");
    }
}

#[test]
fn what_can_go_another_way_does() {
    for shards in [1, 3] {
        let mut world = world(shards);
        watch(&mut world, ALICE, &session("a"), &[ZOE]);
        update(&mut world, ALICE, online());
        waiting(&mut world);
        let seen = reroute(&mut world, &routing(Some("new")));
        assert_eq!((closed(&seen), opened(&seen).len()), (1, 1), "{seen:?}");
        assert_eq!(delivered_to(&seen), [format!("new {ZOE}")]);
        assert!(unseen(&seen).is_empty() && reports(&seen).is_empty(), "{seen:?}");
    }
}

#[test]
fn a_neighbour_that_keeps_its_name_and_moves_is_asked_at_its_new_place() {
    let at = |place: &str| {
        let places = [(PeerName::new("core"), place.to_owned())].into_iter().collect();
        Routing { places, ..routing(Some("core")) }
    };
    let mut world = world(1);
    reroute(&mut world, &at("here"));
    watch(&mut world, ALICE, &session("a"), &[ZOE]);
    update(&mut world, ALICE, online());
    waiting(&mut world);
    let seen = reroute(&mut world, &at("there"));
    assert_eq!((closed(&seen), opened(&seen).len()), (1, 1), "{seen:?}");
    assert_eq!(delivered_to(&seen), [format!("core {ZOE}")]);
}

#[test]
fn who_watched_from_there_watches_no_more() {
    let mut world = world(1);
    watch(&mut world, ZOE, &contact("dialog of zoe"), &[ALICE]);
    watch(&mut world, YAN, &contact("dialog of yan"), &[ALICE]);
    world.take();
    let seen = reroute(&mut world, &routing(None));
    assert!(unseen(&seen).is_empty(), "{seen:?}");
    let watchers: Vec<String> =
        world.engines.iter().flat_map(|engine| engine.watches()).map(|row| row.watcher.to_string()).collect();
    assert_eq!(watchers, [YAN]);
}

#[test]
fn what_was_refused_or_waits_is_tried_when_a_neighbour_has_another_word_for_somebody() {
    for shards in [1, 3] {
        let mut world = world(shards);
        watch(&mut world, ALICE, &session("a"), &[ZOE, YAN]);
        for presentity in [ZOE, YAN] {
            let refused = SubscriptionUpdate::Failed { outcome: Outcome::Forbidden, retry_after: None };
            let subscription = SubscriptionId::lasting(&address(ALICE), &address(presentity));
            world.event(EventKind::Subscription { subscription, update: refused });
        }
        waiting(&mut world);
        let mut admit = |users: &[&str]| {
            let users = users.iter().map(|user| address(user)).collect();
            world.event(EventKind::Admission { peer: PeerName::new("core"), users });
            world.take()
        };
        // Not about her.
        assert!(admit(&["carol@wv.example"]).is_empty());
        let seen = admit(&["carol@wv.example", ALICE]);
        assert_eq!((opened(&seen).len(), delivered_to(&seen)), (1, vec![format!("core {ZOE}")]), "{seen:?}");
        // Under way by now.
        assert!(admit(&[]).is_empty());
    }
    // Where nobody is named, everybody is meant.
    let mut world = world(1);
    watch(&mut world, ALICE, &session("a"), &[ZOE]);
    update(&mut world, ALICE, SubscriptionUpdate::Failed { outcome: Outcome::Forbidden, retry_after: None });
    world.take();
    world.event(EventKind::Admission { peer: PeerName::new("core"), users: [].into() });
    assert_eq!(opened(&world.take()).len(), 1);
}
