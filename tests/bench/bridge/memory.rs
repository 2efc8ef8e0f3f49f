//! What a session takes that watches twenty users of a neighbour, each by a subscription in its own name.

use super::{
    presence_server::{PresenceServer, document},
    site,
};
use crate::{
    Effort,
    csp::Crowd,
    report::{Goal, Row, Unit},
    size::{REST, resident_octets},
};
use std::time::Duration;
use tokio::runtime::Runtime;

pub(crate) fn measure(runtime: &Runtime, effort: Effort, is_wanted: &dyn Fn(&str) -> bool, add: &mut dyn FnMut(Row)) {
    if !is_wanted(NAME) {
        return;
    }
    let sessions = effort.sessions / 10;
    let empty = site::start_beside(&PresenceServer::start(), 1, "");
    std::thread::sleep(REST);
    let before = resident_octets(empty.process_id());
    drop(empty);
    let mut server = PresenceServer::start();
    let gateway = site::start_beside(&server, sessions, "");
    let mut crowd = runtime.block_on(Crowd::log_in(&gateway, sessions));
    for contact in 0..CONTACTS {
        runtime.block_on(crowd.watch(&format!("wv:s{contact}@far.example")));
        server.await_subscriptions(sessions * (contact + 1));
        runtime.block_on(crowd.take_presence());
    }
    // So long transactions are kept (RFC 3261 §17.2.2).
    std::thread::sleep(TRANSACTIONS + REST);
    let octets = resident_octets(gateway.process_id()) - before;
    #[allow(clippy::cast_precision_loss, reason = "sizes of a process are far below 2^52")]
    let (each, document) = (octets as f64 / sessions as f64, document("sip:s0@far.example", "there").len() as f64);
    #[allow(clippy::cast_precision_loss, reason = "twenty")]
    let contacts = CONTACTS as f64;
    add(Row {
        name: NAME.to_owned(),
        operation: format!(
            "session that watches {CONTACTS} users of a neighbour in its own name ({document} octets each), mean of {sessions}"
        ),
        unit: Unit::ResidentOctets,
        ours: super::side(each),
        baseline: None,
        goal: Goal::Amount(8192.0 + contacts * (1024.0 + 2.0 * document)),
    });
}

const NAME: &str = "bridge_session_size";

const CONTACTS: usize = 20;

const TRANSACTIONS: Duration = Duration::from_secs(33);
