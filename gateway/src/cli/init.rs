//! `init`: configurations to start from. Every option is in the file with its sentence, from the same table that checks it.

use super::{CliError, output::Output};
use crate::{
    config::option::{ConfigOption, Fallback, OPTIONS},
    lab::site::Site,
};
use clap::ValueEnum;
use serde_json::json;
use std::{fs, fs::OpenOptions, io::Write, path::Path, process::ExitCode};

/// What the gateway is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Mode {
    /// CSP server for WV phones, ordinary SIP users for a SIMPLE core.
    Access,
    /// Peer of a WV home server over SSP and of a SIMPLE server.
    Federation,
    /// Client of a WV server that may not be touched, with an account there for each SIP user.
    Sidecar,
    /// Home of both domains, on loopback, for scripted peers and load; with site.toml, for `lab run --target`.
    Lab,
}

pub(super) fn write(mode: Mode, dir: &Path, output: Output) -> Result<ExitCode, CliError> {
    let text = render(mode)?;
    fs::create_dir_all(dir).map_err(|source| CliError::File { path: dir.to_owned(), source })?;
    let path = dir.join("gateway.toml");
    create(&path, &text)?;
    let mut next = format!("wv-simple-gateway check-config {0}\nwv-simple-gateway run --config {0}", path.display());
    if mode == Mode::Lab {
        let site = dir.join("site.toml");
        create(&site, Site::EXAMPLE)?;
        next.push_str(&format!("\nwv-simple-gateway lab run --target {}", site.display()));
    }
    let text = format!("wrote {}; next:\n{next}", path.display());
    output.print(&text, &json!({ "written": path.display().to_string() }));
    Ok(ExitCode::SUCCESS)
}

fn create(path: &Path, text: &str) -> Result<(), CliError> {
    let failed = |source| CliError::File { path: path.to_owned(), source };
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

fn render(mode: Mode) -> Result<String, CliError> {
    let plan = match mode {
        Mode::Access => &ACCESS,
        Mode::Lab => &LAB,
        Mode::Federation => &FEDERATION,
        Mode::Sidecar => &SIDECAR,
    };
    let mut text = String::from(plan.head);
    let mut table = "";
    for option in OPTIONS {
        if option.table() == table {
            continue;
        }
        table = option.table();
        match table.strip_suffix("[]") {
            Some(name) => rows(&mut text, plan, name),
            None => section(&mut text, plan, table),
        }
    }
    Ok(text)
}

fn section(text: &mut String, plan: &Plan, table: &str) {
    let is_on = !plan.off.contains(&table);
    text.push_str(&format!("\n{}[{table}]\n", if is_on { "" } else { "# " }));
    for option in OPTIONS.iter().filter(|option| option.table() == table) {
        text.push_str(&format!("# {}\n", option.about));
        match plan.values.iter().find(|(path, _)| *path == option.path) {
            Some((_, value)) => text.push_str(&format!("{} = {value}\n", option.name())),
            None => text.push_str(&format!("# {} = {}\n", option.name(), default_text(option))),
        }
    }
}

fn rows(text: &mut String, plan: &Plan, name: &str) {
    text.push('\n');
    for option in OPTIONS.iter().filter(|option| option.table().strip_suffix("[]") == Some(name)) {
        text.push_str(&format!("# {}: {}\n", option.name(), option.about));
    }
    let Some((_, written)) = plan.rows.iter().find(|(table, _)| *table == name) else {
        text.push_str(&format!("# [[{name}]]\n"));
        return;
    };
    for row in *written {
        text.push_str(&format!("[[{name}]]\n"));
        for (key, value) in *row {
            text.push_str(&format!("{key} = {value}\n"));
        }
    }
}

fn default_text(option: &ConfigOption) -> String {
    match option.default {
        Fallback::Text(text) => format!("\"{text}\""),
        Fallback::Texts(texts) => {
            let texts: Vec<String> = texts.iter().map(|text| format!("\"{text}\"")).collect();
            format!("[{}]", texts.join(", "))
        }
        Fallback::Integer(number) => number.to_string(),
        Fallback::Flag(flag) => flag.to_string(),
        Fallback::None(meaning) => format!("\u{2026}  # without it: {meaning}"),
        Fallback::Required => "\u{2026}".to_owned(),
    }
}

/// A configuration to start from: values are TOML text.
struct Plan {
    head: &'static str,
    /// Sections that are there for reading only.
    off: &'static [&'static str],
    values: &'static [(&'static str, &'static str)],
    rows: &'static [(&'static str, &'static [Row])],
}

type Row = &'static [(&'static str, &'static str)];

const ACCESS: Plan = Plan {
    head: "\
# The gateway between WV phones and a SIMPLE core: CSP server for the phones, a set of ordinary SIP users for the core.
# To change: the names of the domains, the address of the core, and the listeners (127.0.0.1 is this machine only).
# Users: wv-simple-gateway account add wv:USER@DOMAIN --config gateway.toml
",
    off: &["wv.federation", "wv.sidecar"],
    values: &[
        ("node.name", "\"gw1\""),
        ("node.data_dir", "\"data\""),
        ("wv.access.listen", "\"127.0.0.1:8080\""),
        ("wv.access.cir_tcp", "\"127.0.0.1:3171\""),
        ("simple.listen", "[\"udp:127.0.0.1:5060\", \"tcp:127.0.0.1:5060\"]"),
        ("authorization.default", "\"confirm\""),
        ("store.kind", "\"embedded\""),
        ("admin.listen", "\"127.0.0.1:8090\""),
    ],
    rows: &[
        (
            "domain",
            &[
                &[("name", "\"wv.example\""), ("side", "\"wv\""), ("route", "\"access\"")],
                &[("name", "\"sip.example\""), ("side", "\"simple\""), ("route", "\"peer:core\"")],
            ],
        ),
        ("peer", &[&[("name", "\"core\""), ("uri", "\"sip:127.0.0.1:5070;transport=udp\""), ("trusted", "true")]]),
    ],
};

const FEDERATION: Plan = Plan {
    head: "\
# The gateway between the home server of a WV domain and a SIMPLE domain: SSP peer of the one, SIP peer of the other.
# To change: the names of the domains, where both servers are, and the listeners (127.0.0.1 is this machine only).
# The home server finds the gateway where its DNS says _imps-server._tcp of the SIP domain is, or where it is told: at
# wv.federation.listen. Each server proves who it is by getting what is sent to the other one's address, so nobody else
# may be able to read that: use ssp+https://, or a network of your own.
",
    off: &["wv.access", "wv.sidecar"],
    values: &[
        ("node.name", "\"gw1\""),
        ("node.data_dir", "\"data\""),
        ("wv.federation.listen", "\"127.0.0.1:8082\""),
        ("simple.listen", "[\"udp:127.0.0.1:5060\", \"tcp:127.0.0.1:5060\"]"),
        ("authorization.default", "\"confirm\""),
        ("store.kind", "\"embedded\""),
        ("admin.listen", "\"127.0.0.1:8090\""),
    ],
    rows: &[
        (
            "domain",
            &[
                &[("name", "\"wv.example\""), ("side", "\"wv\""), ("route", "\"ssp:home\"")],
                &[("name", "\"sip.example\""), ("side", "\"simple\""), ("route", "\"peer:core\"")],
            ],
        ),
        (
            "peer",
            &[
                &[("name", "\"home\""), ("uri", "\"ssp+http://127.0.0.1:9180/\"")],
                &[("name", "\"core\""), ("uri", "\"sip:127.0.0.1:5070;transport=udp\""), ("trusted", "true")],
            ],
        ),
    ],
};

const SIDECAR: Plan = Plan {
    head: "\
# The gateway beside a WV server that nobody may touch: logged in there as a client, once for each SIP user, and a SIP
# peer of their SIMPLE server. To change: the names of the domains, where both servers are, the version and encoding of
# the WV server, and the accounts. Many accounts at once, their passwords sealed:
# wv-simple-gateway account import shadows.csv --config gateway.toml    (first line: user,password,shadow_of)
",
    off: &["wv.access", "wv.federation"],
    values: &[
        ("node.name", "\"gw1\""),
        ("node.data_dir", "\"data\""),
        ("wv.sidecar.poll_interval_s", "10"),
        ("simple.listen", "[\"udp:127.0.0.1:5060\", \"tcp:127.0.0.1:5060\"]"),
        ("authorization.default", "\"confirm\""),
        ("store.kind", "\"embedded\""),
        ("admin.listen", "\"127.0.0.1:8090\""),
    ],
    rows: &[
        (
            "domain",
            &[
                &[("name", "\"old.example\""), ("side", "\"wv\""), ("route", "\"csp-client:old\"")],
                &[("name", "\"sip.example\""), ("side", "\"simple\""), ("route", "\"peer:core\"")],
            ],
        ),
        (
            "peer",
            &[
                &[
                    ("name", "\"old\""),
                    ("uri", "\"csp+http://127.0.0.1:8080/csp\""),
                    ("csp_version", "\"1.2\""),
                    ("encoding", "\"wbxml\""),
                ],
                &[("name", "\"core\""), ("uri", "\"sip:127.0.0.1:5070;transport=udp\""), ("trusted", "true")],
            ],
        ),
        (
            "shadow",
            &[&[
                ("user", "\"sip:bob@sip.example\""),
                ("account", "\"wv:bob@old.example\""),
                ("password", "\"secret\""),
            ]],
        ),
    ],
};

const LAB: Plan = Plan {
    head: "\
# A laboratory on one machine: the gateway is the home of both domains, accounts have the password \"secret\", and limits
# are out of the way of load. Never for a network that others can reach.
",
    off: &["wv.federation", "wv.sidecar"],
    values: &[
        ("node.name", "\"lab\""),
        ("node.data_dir", "\"lab-data\""),
        ("wv.access.listen", "\"127.0.0.1:8080\""),
        ("wv.access.cir_tcp", "\"127.0.0.1:3171\""),
        ("simple.listen", "[\"udp:127.0.0.1:5060\", \"tcp:127.0.0.1:5060\"]"),
        ("simple.authentication", "\"insecure_open\""),
        ("authorization.default", "\"confirm\""),
        ("admin.listen", "\"127.0.0.1:8090\""),
        ("limits.notify_interval_min_ms", "0"),
        ("limits.coalesce_ms", "0"),
        ("limits.requests_per_s_per_source", "1000000"),
        ("limits.logins_per_minute_per_source", "1000000"),
        ("limits.watches_per_minute", "1000000"),
        ("limits.fetches_per_minute", "1000000"),
    ],
    rows: &[
        (
            "domain",
            &[
                &[("name", "\"wv.example\""), ("side", "\"wv\""), ("route", "\"access\"")],
                &[("name", "\"sip.example\""), ("side", "\"simple\""), ("route", "\"registrar\"")],
                &[("name", "\"core.example\""), ("side", "\"simple\""), ("route", "\"peer:core\"")],
            ],
        ),
        ("peer", &[&[("name", "\"core\""), ("uri", "\"sip:127.0.0.1:5070;transport=udp\""), ("trusted", "true")]]),
        (
            "account",
            &[
                &[("user", "\"wv:alice@wv.example\""), ("password", "\"secret\"")],
                &[("user", "\"wv:carol@wv.example\""), ("password", "\"secret\"")],
                &[("user", "\"sip:bob@sip.example\""), ("password", "\"secret\"")],
                &[("user", "\"sip:dave@sip.example\""), ("password", "\"secret\"")],
            ],
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{Configuration, Sources},
        store::TemporaryFolder,
    };

    #[test]
    fn what_init_writes_is_accepted_and_explains_every_option() {
        for mode in [Mode::Access, Mode::Federation, Mode::Sidecar, Mode::Lab] {
            let text = render(mode).unwrap();
            Configuration::read(&Sources::from_text("gateway.toml", &text)).unwrap();
            for option in OPTIONS {
                assert!(text.contains(option.about), "{} is not explained", option.path);
            }
        }
    }

    #[test]
    fn the_defaults_that_init_shows_are_accepted_when_they_are_switched_on() {
        let lines: Vec<String> = render(Mode::Access)
            .unwrap()
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(rest) if rest.contains(" = ") && !rest.contains('\u{2026}') => rest.to_owned(),
                Some(rest) if rest == "[wv.federation]" || rest == "[wv.sidecar]" => rest.to_owned(),
                _ => line.to_owned(),
            })
            .collect();
        Configuration::read(&Sources::from_text("gateway.toml", &lines.join("\n"))).unwrap();
    }

    #[test]
    fn a_file_that_is_there_is_not_overwritten() {
        let folder = TemporaryFolder::create().unwrap();
        let dir = folder.path().join("new");
        assert_eq!(write(Mode::Lab, &dir, Output::new(true)).unwrap(), ExitCode::SUCCESS);
        assert!(matches!(write(Mode::Lab, &dir, Output::new(true)), Err(CliError::File { .. })));
    }
}
