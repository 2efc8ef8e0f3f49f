//! What became of each message of a load.

use super::histogram::Histogram;
use crate::lab::scenario::seen::{Seen, Way};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    time::Duration,
};
use tokio::time::Instant;

/// Follows the messages that are under way.
#[derive(Debug, Default)]
pub(super) struct Meter {
    entered: HashSet<usize>,
    /// Clients that were told to come back.
    refused: Vec<usize>,
    last_refusal: Option<String>,
    /// By number: from the moment at which it was due.
    open: HashMap<u64, Open>,
    planned: u64,
    measures: BTreeMap<(&'static str, &'static str), Histogram>,
    errors: BTreeMap<String, u64>,
}

#[derive(Debug)]
struct Open {
    due: Instant,
    kind: &'static str,
    is_answered: bool,
    has_arrived: bool,
}

/// What came of a load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LoadReport {
    /// Messages that were due.
    pub planned: u64,
    /// Messages in a second, as they truly were due.
    pub rate: f64,
    /// Latencies.
    pub measures: Vec<Measure>,
    /// What went wrong, and how often.
    pub errors: BTreeMap<String, u64>,
}

/// The latencies of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// Which way.
    pub kind: &'static str,
    /// Until what: `answer` or `arrival`.
    pub until: &'static str,
    /// The latencies.
    pub histogram: Histogram,
}

impl Meter {
    /// The text of a message.
    pub(super) fn text(number: u64) -> String {
        format!("{TEXT}{number}")
    }

    /// A message is due; which way it goes is returned.
    pub(super) fn plan(&mut self, number: u64, due: Instant, from_wv: bool, to_wv: bool) -> &'static str {
        let kind = match (from_wv, to_wv) {
            (true, true) => "WV to WV",
            (true, false) => "WV to SIP",
            (false, true) => "SIP to WV",
            (false, false) => "SIP to SIP",
        };
        self.planned = self.planned.saturating_add(1);
        self.open.insert(number, Open { due, kind, is_answered: false, has_arrived: false });
        kind
    }

    /// A client saw something.
    pub(super) fn see(&mut self, client: usize, seen: &Seen, at: Instant) {
        match (seen.way, seen.answers.as_deref()) {
            (Way::Received, Some("Login-Request")) => self.enter(client, &result_code(seen)),
            (Way::Received, Some("REGISTER")) => self.enter(client, &seen.message.name),
            (Way::Received, Some("SendMessage-Request")) => self.answer(seen, &result_code(seen), at),
            (Way::Received, Some("MESSAGE")) => self.answer(seen, &seen.message.name, at),
            (Way::Received, None) if seen.message.name == "NewMessage" => self.arrive(seen, "ContentData", at),
            (Way::Received, None) if seen.message.name == "MESSAGE" => self.arrive(seen, "body", at),
            (Way::Told, _) => {
                let what = format!("{}: {}", seen.message.name, seen.message.text);
                self.last_refusal = Some(what.clone());
                self.fail(seen.exchange.0, &what);
            }
            (Way::Received | Way::Sent, _) => {}
        }
    }

    /// A message failed on the way.
    pub(super) fn fail(&mut self, number: u64, why: &str) {
        self.count(why);
        self.open.remove(&number);
    }

    /// A client is no more.
    pub(super) fn lose_client(&mut self, why: &str) {
        self.last_refusal = Some(why.to_owned());
        self.count(&format!("a client ended: {why}"));
    }

    pub(super) fn entered(&self) -> usize {
        self.entered.len()
    }

    /// Clients that were told to come back since the last time.
    pub(super) fn take_refused(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.refused)
    }

    pub(super) fn last_refusal(&self) -> Option<String> {
        self.last_refusal.clone()
    }

    /// Whether anything is under way.
    pub(super) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// What is under way now has failed.
    pub(super) fn conclude(&mut self, sent_for: Duration) -> LoadReport {
        for (_, open) in std::mem::take(&mut self.open) {
            if !open.is_answered {
                self.count(&format!("{}: not answered", open.kind));
            }
            if !open.has_arrived {
                self.count(&format!("{}: not arrived", open.kind));
            }
        }
        let measures = self.measures.iter().map(|((kind, until), histogram)| Measure {
            kind,
            until,
            histogram: histogram.clone(),
        });
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = self.planned as f64 / sent_for.as_secs_f64().max(f64::EPSILON);
        LoadReport { planned: self.planned, rate, measures: measures.collect(), errors: self.errors.clone() }
    }

    fn enter(&mut self, client: usize, code: &str) {
        match code {
            "200" => {
                self.entered.insert(client);
            }
            // A challenge: the answer follows.
            "401" | "407" => {}
            code => {
                self.last_refusal = Some(code.to_owned());
                if code == "503" {
                    self.refused.push(client);
                }
            }
        }
    }

    fn answer(&mut self, seen: &Seen, code: &str, at: Instant) {
        let number = seen.exchange.0;
        let Some(open) = self.open.get_mut(&number) else { return };
        let (kind, took) = (open.kind, at.saturating_duration_since(open.due));
        open.is_answered = true;
        let is_over = open.has_arrived;
        if !code.starts_with('2') {
            return self.fail(number, &format!("{kind}: answered {code}"));
        }
        self.measures.entry((kind, "answer")).or_default().add(took);
        if is_over {
            self.open.remove(&number);
        }
    }

    fn arrive(&mut self, seen: &Seen, path: &str, at: Instant) {
        let text = seen.message.find(path).into_iter().next().map(|node| node.text.as_str()).unwrap_or_default();
        let Some(number) = text.strip_prefix(TEXT).and_then(|number| number.parse().ok()) else { return };
        let Some(open) = self.open.get_mut(&number).filter(|open| !open.has_arrived) else { return };
        let (kind, took) = (open.kind, at.saturating_duration_since(open.due));
        open.has_arrived = true;
        let is_over = open.is_answered;
        self.measures.entry((kind, "arrival")).or_default().add(took);
        if is_over {
            self.open.remove(&number);
        }
    }

    fn count(&mut self, why: &str) {
        let why: String = why.chars().take(WHY_MAX).collect();
        let why =
            if self.errors.len() < KINDS_MAX || self.errors.contains_key(&why) { why } else { "others".to_owned() };
        let count = self.errors.entry(why).or_default();
        *count = count.saturating_add(1);
    }
}

/// The code of the answer to a CSP request.
fn result_code(seen: &Seen) -> String {
    let code = seen.message.find("Result/Code").into_iter().next();
    code.map(|node| node.text.clone()).unwrap_or_else(|| seen.message.name.clone())
}

impl LoadReport {
    /// Whether every message was answered and arrived.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.errors.is_empty() && self.planned > 0
    }
}

impl Serialize for Measure {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let Self { kind, until, histogram } = self;
        let steps: Vec<Value> = histogram.steps().map(|(end, count)| json!([micros(end), count])).collect();
        let percentiles =
            PERMILLES.map(|(name, permille)| (name.to_owned(), json!(micros(histogram.at_permille(permille)))));
        json!({
            "kind": kind,
            "until": until,
            "count": histogram.count(),
            "min_us": micros(histogram.min()),
            "mean_us": micros(histogram.mean()),
            "max_us": micros(histogram.max()),
            "percentiles_us": Value::Object(percentiles.into_iter().collect()),
            "steps_us": steps,
        })
        .serialize(serializer)
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} messages, {:.1} in a second", self.planned, self.rate)?;
        write!(f, "{:<20}{:>9}{:>10}{:>10}", "milliseconds", "count", "min", "mean")?;
        for (name, _) in PERMILLES {
            write!(f, "{name:>10}")?;
        }
        writeln!(f, "{:>10}", "max")?;
        for Measure { kind, until, histogram } in &self.measures {
            write!(f, "{:<20}{:>9}", format!("{kind}, {until}"), histogram.count())?;
            let times = [histogram.min(), histogram.mean()].into_iter();
            let times = times.chain(PERMILLES.map(|(_, permille)| histogram.at_permille(permille)));
            for time in times.chain([histogram.max()]) {
                write!(f, "{:>10.2}", time.as_secs_f64() * 1000.0)?;
            }
            writeln!(f)?;
        }
        for (why, count) in &self.errors {
            writeln!(f, "{count:>9} x {}", why.replace(char::is_control, "\u{b7}"))?;
        }
        Ok(())
    }
}

/// The shares that are told.
pub(super) const PERMILLES: [(&str, u64); 4] = [("p50", 500), ("p90", 900), ("p99", 990), ("p99.9", 999)];

const TEXT: &str = "load ";
/// Kinds of errors that are told apart, and how much of each.
const KINDS_MAX: usize = 64;
const WHY_MAX: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::scenario::seen::{Exchange, Node};

    fn seen(answers: Option<&str>, exchange: u64, message: Node) -> Seen {
        Seen { way: Way::Received, exchange: Exchange(exchange), answers: answers.map(str::to_owned), message }
    }

    fn letter(text: &str) -> Node {
        Node { name: "MESSAGE".to_owned(), children: vec![Node::leaf("body", text)], ..Node::default() }
    }

    fn answer(code: &str) -> Node {
        let result = Node { name: "Result".to_owned(), children: vec![Node::leaf("Code", code)], ..Node::default() };
        Node { name: "SendMessage-Response".to_owned(), children: vec![result], ..Node::default() }
    }

    #[test]
    fn a_message_is_over_when_it_was_answered_and_has_arrived() {
        let mut meter = Meter::default();
        let due = Instant::now();
        for number in 1..=3 {
            meter.plan(number, due, true, false);
        }
        let later = due + Duration::from_millis(10);
        meter.see(0, &seen(Some("SendMessage-Request"), 1, answer("200")), later);
        meter.see(1, &seen(None, 9, letter("load 1")), later);
        meter.see(0, &seen(Some("SendMessage-Request"), 2, answer("531")), later);
        assert!(meter.is_open());
        let report = meter.conclude(Duration::from_secs(3));
        assert_eq!((report.planned, report.measures.len()), (3, 2));
        assert!(report.measures.iter().all(|measure| measure.histogram.count() == 1));
        let errors: Vec<(&str, u64)> = report.errors.iter().map(|(why, count)| (why.as_str(), *count)).collect();
        let expected = [("WV to SIP: answered 531", 1), ("WV to SIP: not answered", 1), ("WV to SIP: not arrived", 1)];
        assert_eq!(errors, expected);
        assert!(!report.is_clean() && report.to_string().contains("WV to SIP, arrival"));
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["measures"][0]["steps_us"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn a_login_counts_when_it_succeeded() {
        let mut meter = Meter::default();
        let login = |code: &str| seen(Some("Login-Request"), 0, answer(code));
        meter.see(0, &login("401"), Instant::now());
        assert_eq!(meter.entered(), 0);
        meter.see(0, &login("200"), Instant::now());
        meter.see(1, &login("409"), Instant::now());
        assert_eq!((meter.entered(), meter.last_refusal().as_deref()), (1, Some("409")));
    }
}
