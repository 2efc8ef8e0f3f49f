//! What a session costs while nobody talks: resident octets of the gateway's process.

use crate::{
    Effort,
    csp::{Caller, site},
    report::{Goal, Row, Side, Unit},
};
use acceptance::{phone::Phone, product::Gateway};
use std::fs;
use tokio::runtime::Builder;
use wv_proto::{
    primitive::{
        Primitive,
        contact_list::CreateListRequest,
        identifier::{ContactListId, UserId},
        party::NickName,
    },
    version::{Encoding, Version},
};

pub(crate) fn measure(effort: Effort, is_wanted: &dyn Fn(&str) -> bool, add: &mut dyn FnMut(Row)) {
    if !is_wanted("csp_session_size") && !is_wanted("csp_connection_size") {
        return;
    }
    let gateway = site::start("memory", effort.sessions);
    // The first sessions fill what every process needs once.
    let warm = effort.sessions / 10;
    (0..warm).for_each(|number| log_in(&gateway, number, effort.sessions));
    let before = resident_octets(gateway.process_id());
    (warm..effort.sessions).for_each(|number| log_in(&gateway, number, effort.sessions));
    let with_sessions = resident_octets(gateway.process_id());
    add(row("csp_session_size", "idle session with 20 contacts", with_sessions - before, effort.sessions - warm));
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let count = effort.sessions.min(CONNECTIONS_MAX);
    let open = runtime.block_on(async {
        let mut callers = Caller::connect_all(gateway.csp(), count).await;
        for caller in &mut callers {
            // A message of nobody's: the connection has done what connections do.
            caller.post("/csp", &site::stray_poll()).await;
        }
        callers
    });
    let with_connections = resident_octets(gateway.process_id());
    drop(open);
    add(row("csp_connection_size", "open idle connection", with_connections - with_sessions, count));
}

/// A session whose list holds the twenty users after its own.
fn log_in(gateway: &Gateway, number: usize, users: usize) {
    let mut phone = Phone::logged_in(gateway.csp(), &site::user(number), Version::V1_2, Encoding::Wbxml);
    let contacts = (1..=20).map(|place| NickName {
        name: Some(format!("friend {place}").into()),
        user_id: UserId::new(site::user((number + place) % users)),
    });
    let list = CreateListRequest {
        contact_list: ContactListId::new(site::user(number).replace('@', "/friends@")),
        contacts: contacts.collect(),
        properties: Vec::new(),
    };
    let code = phone.ask(Primitive::CreateListRequest(list));
    assert_eq!(code, 200, "CreateList of {}", site::user(number));
}

fn row(name: &str, operation: &str, octets: i64, count: usize) -> Row {
    #[allow(clippy::cast_precision_loss, reason = "sizes of a process are far below 2^52")]
    let each = octets as f64 / count as f64;
    let ours = Side { amount: each, instructions: None, allocations: None, name: String::new() };
    Row {
        name: name.to_owned(),
        operation: format!("{operation}, mean of {count}"),
        unit: Unit::ResidentOctets,
        ours,
        baseline: None,
        goal: Goal::Amount(8192.0),
    }
}

/// VmRSS.
fn resident_octets(process: u32) -> i64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("the server runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says so");
    let kibi: i64 = line.trim().trim_end_matches("kB").trim().parse().expect("a number");
    kibi * 1024
}

/// The usual bound on open files leaves room for so many.
const CONNECTIONS_MAX: usize = 800;
