//! What a session costs while nobody talks: resident octets of the gateway's process.

use crate::{
    Effort,
    csp::{Caller, site},
    report::{Goal, Row, Side, Unit},
};
use acceptance::{phone::Phone, product::Gateway};
use std::{fs, ops::Range, time::Duration};
use tokio::runtime::Builder;
use wv_proto::{
    primitive::{
        Primitive,
        contact_list::CreateListRequest,
        identifier::{ContactListId, SessionId, UserId},
        party::NickName,
    },
    version::{Encoding, Version},
};

pub(crate) fn measure(effort: Effort, is_wanted: &dyn Fn(&str) -> bool, add: &mut dyn FnMut(Row)) {
    if !is_wanted("csp_session_size") && !is_wanted("csp_connection_size") {
        return;
    }
    let count = effort.sessions;
    // An empty process has no accounts either: what reading so many leaves behind would hide what sessions take.
    let empty = site::start("memory", 1);
    std::thread::sleep(REST);
    let before = resident_octets(empty.process_id());
    drop(empty);
    let gateway = site::start("memory", count);
    let sessions = log_all_in(&gateway, count);
    std::thread::sleep(REST);
    let with_sessions = resident_octets(gateway.process_id());
    add(row("csp_session_size", "idle session with 20 contacts, and its account", with_sessions - before, count));
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let count = count.min(open_files_max().saturating_sub(OTHER_FILES));
    let open = runtime.block_on(async {
        let mut callers = Caller::connect_all(gateway.csp(), count).await;
        for (caller, session) in callers.iter_mut().zip(&sessions) {
            // The connection has done what connections do.
            assert!(caller.post("/csp", &site::poll(session)).await.is_empty(), "nothing waits for {session}");
        }
        callers
    });
    std::thread::sleep(REST);
    let with_connections = resident_octets(gateway.process_id());
    drop(open);
    add(row("csp_connection_size", "open idle connection", with_connections - with_sessions, count));
}

/// A storm of logins, many at a time.
fn log_all_in(gateway: &Gateway, users: usize) -> Vec<SessionId> {
    let share = users.div_ceil(AT_A_TIME).max(1);
    let shares = (0..users).step_by(share).map(|from| from..users.min(from + share));
    std::thread::scope(|scope| {
        let log_in =
            |range: Range<usize>| -> Vec<SessionId> { range.map(|number| log_in(gateway, number, users)).collect() };
        let under_way: Vec<_> = shares.map(|range| scope.spawn(move || log_in(range))).collect();
        under_way.into_iter().flat_map(|one| one.join().expect("all can log in")).collect()
    })
}

/// A session whose list holds the twenty users after its own. Its connection is closed.
fn log_in(gateway: &Gateway, number: usize, users: usize) -> SessionId {
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
    SessionId::new(phone.session_id().expect("a session"))
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
pub(crate) fn resident_octets(process: u32) -> i64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("the server runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says so");
    let kibi: i64 = line.trim().trim_end_matches("kB").trim().parse().expect("a number");
    kibi * 1024
}

/// How many files this process may open, and the gateway as its child.
fn open_files_max() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").expect("Linux says so");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("files are limited");
    line.split_whitespace().next().and_then(|soft| soft.parse().ok()).unwrap_or(usize::MAX)
}

/// Logins at the same time.
const AT_A_TIME: usize = 16;

/// How long nobody talks before a size is taken.
pub(crate) const REST: Duration = Duration::from_secs(5);

/// Open files that are no connections.
const OTHER_FILES: usize = 100;
