//! The tables as one page for people: `fixtures/mapping/SPECIFICATION.md`.

use super::table;
use acceptance::generated;
use std::fmt::Write as _;

#[test]
fn the_page_says_what_the_tables_say() {
    let mut page = String::from(HEAD);
    addresses(&mut page);
    presence(&mut page);
    errors(&mut page);
    outcomes(&mut page);
    generated::compare("fixtures/mapping/SPECIFICATION.md", &page);
}

fn rows(table: &toml::Table, name: &str) -> Vec<toml::Value> {
    table.get(name).and_then(toml::Value::as_array).cloned().unwrap_or_default()
}

/// What stands in a cell; numbers and lists of them as they are read.
fn text(row: &toml::Value, column: &str) -> String {
    match row.get(column) {
        Some(toml::Value::String(text)) => text.clone(),
        Some(toml::Value::Array(values)) => values
            .iter()
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(", "),
        Some(value) => value.to_string(),
        None => row
            .get(format!("open_{column}"))
            .and_then(toml::Value::as_str)
            .map_or_else(String::new, |why| format!("— ({why})")),
    }
}

/// Markup as code, so that it is shown and not obeyed.
fn code(markup: &str) -> String {
    if markup.is_empty() { String::new() } else { format!("`{}`", markup.replace('|', "\\|")) }
}

fn head(page: &mut String, title: &str, columns: &[&str]) {
    writeln!(page, "\n### {title}\n\n| {} |\n|{}", columns.join(" | "), "---|".repeat(columns.len())).unwrap();
}

fn line(page: &mut String, cells: &[String]) {
    writeln!(page, "| {} |", cells.join(" | ")).unwrap();
}

fn addresses(page: &mut String) {
    page.push_str("\n## 1. Addresses\n\nThe default domain of these examples is `wv.example`.\n");
    let table = table("address_side.toml");
    head(page, "Both ways", &["WV", "SIP", "and back, where letters were folded or something was completed"]);
    for row in rows(&table, "both") {
        line(page, &["wv", "sip", "wv_back"].map(|column| code(&text(&row, column))));
    }
    head(page, "Read from SIP and written otherwise", &["SIP", "WV"]);
    for row in rows(&table, "from_sip") {
        line(page, &["sip", "wv"].map(|column| code(&text(&row, column))));
    }
    head(page, "Refused", &["side", "text"]);
    for (side, column) in [("WV", "wv"), ("SIP", "sip")] {
        for row in rows(&table, &format!("wrong_{column}")) {
            line(page, &[side.to_owned(), code(&text(&row, column))]);
        }
    }
}

fn presence(page: &mut String) {
    page.push_str("\n## 2. Presence\n");
    let table = table("presence.toml");
    head(
        page,
        "Attributes, both ways",
        &["row", "WV", "in the document for a SIP watcher", "not in it", "back, where it differs"],
    );
    for row in rows(&table, "row") {
        let cells = ["wv", "pidf", "absent", "back"].map(|column| code(&text(&row, column)));
        line(page, &[&[text(&row, "id")][..], &cells[..]].concat());
    }
    for row in rows(&table, "open") {
        line(
            page,
            &[
                text(&row, "id"),
                text(&row, "attribute"),
                text(&row, "open_"),
                String::new(),
                format!("— ({})", text(&row, "why")),
            ],
        );
    }
    head(page, "Availability from a document", &["row", "document", "OnlineStatus", "UserAvailability"]);
    for row in rows(&table, "decision") {
        line(page, &[text(&row, "id"), code(&text(&row, "pidf")), text(&row, "online"), text(&row, "availability")]);
    }
    head(page, "Basic status from what a phone says", &["row", "WV", "basic", "overriding willingness closed"]);
    for row in rows(&table, "basic") {
        line(page, &[text(&row, "id"), code(&text(&row, "wv")), text(&row, "basic"), text(&row, "unwilling")]);
    }
    head(page, "Documents of the other side, by their sources", &["row", "document", "WV"]);
    for row in rows(&table, "read") {
        line(page, &[text(&row, "id"), code(&text(&row, "pidf")), code(&text(&row, "wv"))]);
    }
    head(page, "Moods", &["RPID", "StatusMood"]);
    for (rpid, mood) in table.get("mood").and_then(toml::Value::as_table).into_iter().flatten() {
        let mood = mood.as_str().filter(|mood| !mood.is_empty()).unwrap_or("Qualifier F");
        line(page, &[rpid.clone(), mood.to_owned()]);
    }
}

fn errors(page: &mut String) {
    page.push_str("\n## 3. Errors\n");
    let table = table("error.toml");
    head(page, "SIP final response to WV code (1.3)", &["SIP", "presence", "message", "group"]);
    for row in rows(&table, "from_sip") {
        line(page, &["row", "presence", "message", "group"].map(|column| text(&row, column)));
    }
    head(page, "WV code to SIP response", &["WV", "SUBSCRIBE", "MESSAGE", "INVITE"]);
    for row in rows(&table, "from_wv") {
        line(page, &["row", "subscribe", "message", "invite"].map(|column| text(&row, column)));
    }
}

fn outcomes(page: &mut String) {
    let table = table("outcome.toml");
    let columns = ["name", "wv_1_1", "wv_1_2", "wv_1_3", "subscribe", "message"];
    head(
        page,
        "Neutral outcomes, in every version",
        &["outcome", "CSP 1.1", "CSP 1.2", "CSP 1.3", "SUBSCRIBE", "MESSAGE"],
    );
    for row in rows(&table, "outcome") {
        line(page, &columns.map(|column| text(&row, column)));
    }
}

const HEAD: &str = "# Mapping between Wireless Village / OMA IMPS and SIP/SIMPLE

Made from the tables in this folder by `tests/mapping_tables.rs`, which also executes every row through the product in each
direction that it has. A dash with a reason in brackets is a row or cell that has no counterpart, or does not hold yet.
To change something, change the table; `WVSG_REWRITE=1 cargo test -p acceptance --test mapping_tables` writes this page.
";
