//! Which cells of the state tables in `fixtures/state` the seeds reach, out of those that there are. The machines name
//! their cells themselves, in builds with debug assertions; those of the gateway and those of the actors around it count
//! alike, because they are the same machines.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt::{Arguments, Write as _},
    fs,
    path::Path,
};

thread_local! {
    static REACHED: RefCell<BTreeMap<&'static str, BTreeSet<String>>> = const { RefCell::new(BTreeMap::new()) };
}

/// From now on what the machines of this thread meet is noted.
pub(crate) fn begin() {
    REACHED.take();
    mapping::witness::set_witness(Some(note));
    sip_proto::witness::set_witness(Some(note));
    wv_proto::witness::set_witness(Some(note));
}

/// What was reached, machine by machine, and what was not.
///
/// # Panics
/// When a table cannot be read, or a machine that the simulation uses has met nothing.
#[must_use]
pub(crate) fn report() -> String {
    let reached = REACHED.take();
    let mut text = String::from("\ncells reached (state x event, of the tables in fixtures/state)\n");
    let mut missing = String::from("\ncells not reached\n");
    for table in TABLES {
        let cells = cells_of(table);
        let met: BTreeSet<&str> =
            reached.get(table).into_iter().flatten().filter_map(|cell| like(table, cell, &cells)).collect();
        let _ = writeln!(text, "{:>5} of {:<5} {table}", met.len(), cells.len());
        for cell in cells.iter().filter(|cell| !met.contains(cell.as_str())) {
            let _ = writeln!(missing, "      {table}: {cell}");
        }
        if cfg!(debug_assertions) && !UNUSED.contains(table) {
            assert!(!met.is_empty(), "{table}: its machine has met nothing");
        }
    }
    for table in every_table().difference(&TABLES.iter().map(|table| (*table).to_owned()).collect()) {
        let _ = writeln!(text, "    - of {:<5} {table}: not observed", cells_of(table).len());
    }
    text + &missing
}

fn note(table: &'static str, cell: Arguments<'_>) {
    REACHED.with_borrow_mut(|reached| {
        reached.entry(table).or_default().insert(cell.to_string());
    });
}

/// The cell of the table that stands for what was met; a table holds one value of each kind.
fn like<'a>(table: &str, met: &str, cells: &'a [String]) -> Option<&'a str> {
    let name = match table {
        "mapping_entry" => with_the_tables_wait(met),
        "mapping_relay" => with_the_tables_outcome(met),
        _ => met.to_owned(),
    };
    let exact = cells.iter().find(|cell| **cell == name);
    // Another number of the same kind: `Response 401` is met as `Response 403` is, `Subscribe 300` as `Subscribe 600`.
    let alike = || {
        let (kind, value) = name.rsplit_once(' ')?;
        let value = value.parse::<u32>().ok();
        let of_class = |cell: &&String| {
            cell.rsplit_once(' ').is_some_and(|(known, number)| {
                let number = number.parse::<u32>().ok();
                known == kind && number.zip(value).is_some_and(|(number, value)| number / 100 == value / 100)
            })
        };
        let of_kind = |cell: &&String| cell.rsplit_once(' ').is_some_and(|(known, _)| known == kind);
        cells.iter().find(of_class).or_else(|| cells.iter().find(of_kind).filter(|_| kind.ends_with("Subscribe")))
    };
    exact.or_else(alike).map(String::as_str)
}

/// `Over(Later(600s))` as `Over(Later(9s))`.
fn with_the_tables_wait(met: &str) -> String {
    match (met.split_once("Over("), met.rsplit_once('(')) {
        (Some(_), Some((before, wait))) if wait.ends_with("s))") => format!("{before}(9s))"),
        _ => met.to_owned(),
    }
}

/// `Verdict { outcome: UnknownUser, .. }` as `Verdict(Blocked)`, which is treated alike.
fn with_the_tables_outcome(met: &str) -> String {
    let Some((before, verdict)) = met.split_once(" Verdict { outcome: ") else { return met.to_owned() };
    let outcome = match verdict.split([',', ' ']).next().unwrap_or_default() {
        known @ ("Success" | "Stored") => known,
        "Forwarded" => "Stored",
        "NotLoggedIn" | "Timeout" | "Unavailable" | "QueueFull" => "NotLoggedIn",
        _ => "Blocked",
    };
    format!("{before} Verdict({outcome})")
}

/// The cells of a table: what stands before the outcome in each of its rows.
fn cells_of(table: &str) -> Vec<String> {
    let path = folder().join(format!("{table}.txt"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    // The login is a machine of its own, without a witness, in the table of the session.
    let rows = rows.filter(|row| !row.starts_with("NONE ") && !row.starts_with("CHALLENGED "));
    rows.map(cell_of).collect()
}

/// What a row is about: `state | event | ..`, `state + event -> ..` or `state event: ..`.
fn cell_of(row: &str) -> String {
    let mut columns = row.split('|');
    match (columns.next(), columns.next(), columns.next()) {
        (Some(state), Some(event), Some(_)) => format!("{} | {}", state.trim(), event.trim()),
        _ => row.split(" -> ").next().unwrap_or(row).split(": ").next().unwrap_or(row).to_owned(),
    }
}

fn every_table() -> BTreeSet<String> {
    let files = fs::read_dir(folder()).expect("the state tables are there");
    let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    names.filter_map(|name| name.strip_suffix(".txt").map(ToOwned::to_owned)).collect()
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/state"))
}

/// The tables whose machines have a witness.
const TABLES: &[&str] = &[
    "mapping_attempt",
    "mapping_authorization",
    "mapping_conversation",
    "mapping_entry",
    "mapping_gather",
    "mapping_relay",
    "mapping_showing",
    "sip_client_transaction",
    "sip_server_transaction",
    "sip_invite_client_transaction",
    "sip_invite_server_transaction",
    "sip_subscriber",
    "sip_notifier",
    "sip_publisher",
    "sip_compositor",
    "sip_registrar",
    "wv_client_session",
    "wv_server_session",
    "wv_server_transaction",
];

/// Machines that nothing in the simulation uses: nobody calls.
const UNUSED: &[&str] = &["sip_invite_client_transaction", "sip_invite_server_transaction"];
