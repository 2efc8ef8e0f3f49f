//! Whether a configuration has the right keys with the right kinds of values. Finds everything, not the first.

use super::{
    layer::Override,
    option::{ConfigOption, Kind, OPTIONS},
    place::{Places, Source},
    problem::{Place, Problem, ProblemKind, nearest},
    value::{DomainRouting, HostPort, Network, PeerUri, SipListen, is_domain, is_http_uri},
};
use crate::account::AccountUser;
use std::{net::SocketAddr, ops::Range};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// What a walk over a file found.
#[derive(Debug)]
pub(super) struct Shape<'a> {
    source: Source<'a>,
    pub(super) problems: Vec<Problem>,
    pub(super) places: Places,
    /// Whether the text is TOML at all.
    pub(super) is_toml: bool,
}

/// A table on the way: its path with indices, and as the option table writes it.
#[derive(Clone, Debug, Default)]
struct Path {
    full: String,
    pattern: String,
}

impl<'a> Shape<'a> {
    /// Reads `text` and checks it against the table of options.
    pub(super) fn of_file(name: &'a str, text: &'a str) -> Self {
        let source = Source::new(name, text);
        let mut shape = Self { source, problems: Vec::new(), places: Places::default(), is_toml: true };
        let (table, errors) = DeTable::parse_recoverable(text);
        shape.is_toml = errors.is_empty();
        for error in errors {
            let place = shape.source.place(error.span().map_or(0, |span| span.start));
            shape.problems.push(Problem::new(place, "", ProblemKind::Syntax(error.message().to_owned())));
        }
        shape.table(table.get_ref(), &Path::default());
        shape
    }

    /// Lays a value from outside the file over it. Returns whether the value may be used.
    pub(super) fn lay_over(&mut self, place: Place, entry: &Override) -> bool {
        match check_override(&entry.path, &entry.text) {
            Some(kind) => {
                self.problems.push(Problem::new(place, &entry.path, kind));
                false
            }
            None => {
                self.places.insert(&entry.path, place);
                true
            }
        }
    }

    fn table(&mut self, table: &DeTable<'_>, path: &Path) {
        for (key, value) in table {
            let place = self.source.place_of(&key.span());
            let inner = path.join(key.get_ref());
            if let Some(option) = ConfigOption::find(&inner.pattern) {
                self.places.insert(&inner.full, self.source.place_of(&value.span()));
                self.leaf(option.kind, value, &inner.full);
            } else if is_table(&inner.pattern) {
                self.places.insert(&inner.full, place);
                self.section(value, &inner);
            } else if is_table(&format!("{}[]", inner.pattern)) {
                self.rows(value, &inner);
            } else {
                let kind = unknown(&path.pattern, key.get_ref());
                self.problems.push(Problem::new(place, &inner.full, kind));
            }
        }
    }

    fn section(&mut self, value: &Spanned<DeValue<'_>>, path: &Path) {
        match value.get_ref() {
            DeValue::Table(table) => self.table(table, path),
            other => self.wrong_type(value.span(), &path.full, "a table", other),
        }
    }

    fn rows(&mut self, value: &Spanned<DeValue<'_>>, path: &Path) {
        let DeValue::Array(rows) = value.get_ref() else {
            return self.wrong_type(value.span(), &path.full, "a list of tables", value.get_ref());
        };
        for (index, row) in rows.iter().enumerate() {
            let inner = path.row(index);
            self.places.insert(&inner.full, self.source.place_of(&row.span()));
            self.section(row, &inner);
        }
    }

    fn leaf(&mut self, kind: Kind, value: &Spanned<DeValue<'_>>, path: &str) {
        let found = match (kind, value.get_ref()) {
            (Kind::List(inner), DeValue::Array(elements)) => {
                for element in elements {
                    self.leaf(*inner, element, path);
                }
                return;
            }
            (Kind::Flag, DeValue::Boolean(_)) => return,
            (Kind::Integer(min, max), DeValue::Integer(number)) => {
                let digits = number.as_str().replace('_', "");
                i128::from_str_radix(&digits, number.radix())
                    .map_or(Some(ProblemKind::OutOfRange { value: i128::MAX, min, max }), |n| check_number(n, min, max))
            }
            (Kind::List(_) | Kind::Flag | Kind::Integer(..), other) => {
                return self.wrong_type(value.span(), path, kind.describe(), other);
            }
            (kind, DeValue::String(text)) => check_text(kind, text),
            (_, other) => return self.wrong_type(value.span(), path, kind.describe(), other),
        };
        if let Some(found) = found {
            let place = self.source.place_of(&value.span());
            self.problems.push(Problem::new(place, path, found));
        }
    }

    fn wrong_type(&mut self, span: Range<usize>, path: &str, expected: &'static str, found: &DeValue<'_>) {
        let kind = ProblemKind::WrongType { expected, found: describe(found) };
        self.problems.push(Problem::new(self.source.place_of(&span), path, kind));
    }
}

impl Path {
    fn join(&self, key: &str) -> Self {
        if self.full.is_empty() {
            return Self { full: key.to_owned(), pattern: key.to_owned() };
        }
        Self { full: format!("{}.{key}", self.full), pattern: format!("{}.{key}", self.pattern) }
    }

    fn row(&self, index: usize) -> Self {
        Self { full: format!("{}[{index}]", self.full), pattern: format!("{}[]", self.pattern) }
    }
}

impl Kind {
    /// The kind in words.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Text | Self::OptionalText | Self::Secret => "a text",
            Self::Flag => "true or false",
            Self::Integer(..) => "a whole number",
            Self::Choice(_) => "one of a few words",
            Self::Socket => "ADDRESS:PORT",
            Self::Transport => "udp:ADDRESS:PORT, tcp:ADDRESS:PORT or tls:ADDRESS:PORT",
            Self::Network => "a network such as 10.0.0.0/8",
            Self::Path => "a path beginning with /",
            Self::HttpUri => "http://HOST[:PORT][/PATH] or https://…",
            Self::HostPort => "HOST or HOST:PORT",
            Self::Domain => "a domain name",
            Self::Route => "access, registrar, dns, peer:NAME, ssp:NAME or csp-client:NAME",
            Self::PeerUri => "sip:HOST[:PORT][;transport=udp|tcp], ssp+http(s)://HOST… or csp+http(s)://HOST…",
            Self::User => "wv:USER@DOMAIN or sip:USER@DOMAIN",
            Self::List(_) => "a list",
        }
    }
}

/// Checks a value that came as text from the environment or the command line.
fn check_override(path: &str, text: &str) -> Option<ProblemKind> {
    let Some(option) = ConfigOption::find(path) else {
        return Some(unknown_path(path));
    };
    if option.path.contains("[]") {
        return Some(ProblemKind::Contradiction("lists of tables can be written in a file only"));
    }
    match option.kind {
        Kind::Flag => (!matches!(text, "true" | "false"))
            .then_some(ProblemKind::WrongType { expected: option.kind.describe(), found: "another text" }),
        Kind::Integer(min, max) => match text.trim().parse::<i128>() {
            Ok(number) => check_number(number, min, max),
            Err(_) => Some(ProblemKind::WrongType { expected: option.kind.describe(), found: "another text" }),
        },
        Kind::List(inner) => split_list(text).find_map(|element| check_text(*inner, element)),
        kind => check_text(kind, text),
    }
}

/// The elements of a list that is written as one text with commas; also of one that is written as in the file, with
/// brackets and quotes, since that is what one copies.
pub(super) fn split_list(text: &str) -> impl Iterator<Item = &str> {
    let text = text.trim();
    // An IPv6 address has brackets too.
    let inside = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let text = inside.filter(|inside| inside.trim_start().starts_with(['"', '\''])).unwrap_or(text);
    text.split(',').map(|element| element.trim().trim_matches(['"', '\''])).filter(|element| !element.is_empty())
}

fn check_number(value: i128, min: u64, max: u64) -> Option<ProblemKind> {
    let inside = (i128::from(min)..=i128::from(max)).contains(&value);
    (!inside).then_some(ProblemKind::OutOfRange { value, min, max })
}

fn check_text(kind: Kind, text: &str) -> Option<ProblemKind> {
    let right = match kind {
        Kind::OptionalText => true,
        Kind::Text => !text.trim().is_empty(),
        Kind::Secret => {
            let empty = ProblemKind::Impossible { value: String::new(), reason: "a secret may not be empty" };
            return text.is_empty().then_some(empty);
        }
        Kind::Choice(words) => {
            let allowed = || words.iter().map(|word| (*word).to_owned()).collect();
            return (!words.contains(&text))
                .then(|| ProblemKind::NotAllowed { value: text.to_owned(), allowed: allowed() });
        }
        Kind::Socket => text.parse::<SocketAddr>().is_ok(),
        Kind::Transport => SipListen::parse(text).is_some(),
        Kind::Network => Network::parse(text).is_some(),
        Kind::Path => text.starts_with('/') && text.bytes().all(|b| b.is_ascii_graphic() && b != b'?' && b != b'#'),
        Kind::HttpUri => is_http_uri(text),
        Kind::HostPort => HostPort::parse(text).is_some(),
        Kind::Domain => is_domain(text),
        Kind::Route => DomainRouting::parse(text).is_some(),
        Kind::PeerUri => PeerUri::parse(text).is_some(),
        Kind::User => AccountUser::parse(text).is_ok(),
        Kind::Flag | Kind::Integer(..) | Kind::List(_) => false,
    };
    (!right).then(|| ProblemKind::Impossible { value: text.to_owned(), reason: expected(kind) })
}

const fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Socket => "expected ADDRESS:PORT, such as 127.0.0.1:8080",
        Kind::Transport => "expected udp:ADDRESS:PORT, tcp:ADDRESS:PORT or tls:ADDRESS:PORT",
        Kind::Network => "expected a network such as 10.0.0.0/8",
        Kind::Path => "expected a path beginning with /",
        Kind::HttpUri => "expected http://HOST[:PORT][/PATH] or https://…",
        Kind::HostPort => "expected HOST or HOST:PORT",
        Kind::Domain => "expected a domain name",
        Kind::Route => "expected access, ssp:PEER, csp-client:PEER, registrar, peer:PEER[,PEER] or dns",
        Kind::PeerUri => {
            "expected sip:HOST[:PORT][;transport=udp|tcp], ssp+http(s)://HOST[:PORT][/PATH] or csp+http(s)://…"
        }
        Kind::User => "expected wv:USER@DOMAIN or sip:USER@DOMAIN",
        Kind::Text | Kind::OptionalText | Kind::Secret | Kind::Choice(_) => "expected a text that is not empty",
        Kind::Flag | Kind::Integer(..) | Kind::List(_) => "expected another type",
    }
}

/// What is wrong with a path of which the beginning may be right.
fn unknown_path(path: &str) -> ProblemKind {
    let mut known = "";
    for (at, _) in path.match_indices('.') {
        let table = path.get(..at).unwrap_or_default();
        if is_table(table) {
            known = table;
        }
    }
    let rest = path.strip_prefix(known).unwrap_or(path).trim_start_matches('.');
    unknown(known, rest.split('.').next().unwrap_or(rest))
}

fn unknown(table: &str, key: &str) -> ProblemKind {
    let allowed = children(table);
    let nearest = nearest(key, allowed.iter().map(String::as_str));
    ProblemKind::UnknownKey { allowed, nearest }
}

/// The names that may stand in a table.
fn children(table: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for option in OPTIONS {
        let rest = if table.is_empty() {
            Some(option.path)
        } else {
            option.path.strip_prefix(table).and_then(|rest| rest.strip_prefix('.'))
        };
        let name = rest.and_then(|rest| rest.split('.').next()).map(|name| name.trim_end_matches("[]"));
        if let Some(name) = name
            && !names.iter().any(|known| known == name)
        {
            names.push(name.to_owned());
        }
    }
    names
}

fn is_table(pattern: &str) -> bool {
    OPTIONS.iter().any(|option| option.path.strip_prefix(pattern).is_some_and(|rest| rest.starts_with('.')))
}

const fn describe(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
