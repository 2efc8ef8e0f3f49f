//! For tests: compares the table of state and event of a machine with its reviewed file under `fixtures/state`.

/// Compares a table with the file of that name and prints the whole table when they differ, so that it can be reviewed and taken over.
macro_rules! compare {
    ($name:literal, $table:expr) => {{
        let reviewed = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/state/", $name));
        let table: &str = $table;
        assert!(reviewed == table, "fixtures/state/{} differs from what the machine does:\n>>>\n{table}<<<", $name);
    }};
}

pub(crate) use compare;
