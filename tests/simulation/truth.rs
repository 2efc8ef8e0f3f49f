//! What was promised and what was seen: the judge of a run.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Everything that the invariants need to know, seen from outside the gateway.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    letters: BTreeMap<Text, Letter>,
    /// The text whose sender was told of this MessageID.
    by_message_id: BTreeMap<String, Text>,
    /// The newest letter of each pair that has arrived.
    newest: BTreeMap<(usize, usize), u64>,
    values: BTreeMap<String, u64>,
    said_in_rooms: BTreeMap<String, usize>,
    /// Under which MessageIDs, by who heard what.
    heard_in_rooms: BTreeMap<(String, String), BTreeSet<String>>,
    grants: BTreeMap<(String, String), Grant>,
    counts: BTreeMap<String, u64>,
    violations: Vec<String>,
    crashed_at: Vec<u64>,
    now: u64,
}

/// A text that nobody else sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Text {
    /// Number of its sender.
    pub(crate) from: usize,
    /// Number of its recipient.
    pub(crate) to: usize,
    /// Number among those of the pair.
    pub(crate) number: u64,
}

/// What its sender was told of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was accepted.
    Accepted,
    /// It was refused.
    Refused,
}

#[derive(Debug, Default)]
struct Letter {
    told: Option<Fate>,
    sent_at: u64,
    answered_at: Option<u64>,
    is_reported_lost: bool,
    /// A device of its recipient did not want it.
    is_declined: bool,
    /// What identified it when it arrived: MessageID or Call-ID.
    arrivals: BTreeSet<String>,
}

/// A presentity's word on a watcher.
#[derive(Clone, Copy, Debug, Default)]
struct Grant {
    asked_at: Option<u64>,
    revoked_at: Option<u64>,
}

impl Truth {
    /// Something is as it must not be.
    pub(crate) fn violated(&mut self, what: String) {
        self.violations.push(what);
    }

    /// What is as it must not be, until now.
    #[must_use]
    pub(crate) fn violations(&self) -> &[String] {
        &self.violations
    }

    /// It is this late.
    pub(crate) fn set_time(&mut self, now: u64) {
        self.now = now;
    }

    /// The gateway was killed, or lost what it had not kept.
    pub(crate) fn forgot(&mut self) {
        self.crashed_at.push(self.now);
    }

    /// Something happened that counts.
    pub(crate) fn count(&mut self, what: String) {
        *self.counts.entry(what).or_insert(0) += 1;
    }

    /// How often what happened.
    #[must_use]
    pub(crate) const fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }

    /// A letter leaves its sender.
    pub(crate) fn sent(&mut self, now: u64, text: &Text) {
        self.count("letters sent".to_owned());
        self.letters.entry(*text).or_default().sent_at = now;
    }

    /// Its sender was told what becomes of it.
    pub(crate) fn answered(&mut self, now: u64, text: &Text, fate: Fate) {
        self.count(format!("letters {fate:?}").to_lowercase());
        let letter = self.letters.entry(*text).or_default();
        letter.told = Some(fate);
        letter.answered_at = Some(now);
    }

    /// Its sender was told under which MessageID the gateway knows it.
    pub(crate) fn named(&mut self, text: &Text, message_id: &str) {
        self.by_message_id.insert(message_id.to_owned(), *text);
    }

    /// Its sender was told nothing.
    pub(crate) fn unanswered(&mut self, _: &Text) {
        self.count("letters unanswered".to_owned());
    }

    /// Its sender got a delivery report.
    pub(crate) fn reported(&mut self, message_id: &str, code: u16) {
        self.count("delivery reports".to_owned());
        if let Some(text) = self.by_message_id.get(message_id).copied()
            && !(200..300).contains(&code)
        {
            self.letters.entry(text).or_default().is_reported_lost = true;
        }
    }

    /// A device of its recipient did not want a letter.
    pub(crate) fn declined(&mut self, words: &str) {
        self.count("letters declined".to_owned());
        match Text::parse(words).and_then(|text| self.letters.get_mut(&text)) {
            Some(letter) => letter.is_declined = true,
            None => self.violated(format!("a device was brought what nobody sent: {words:?}")),
        }
    }

    /// A letter arrived.
    pub(crate) fn delivered(&mut self, at: &str, words: &str, id: &str) {
        let Some(text) = Text::parse(words) else {
            return self.violated(format!("{at} received what nobody sent: {words:?}"));
        };
        let Some(letter) = self.letters.get_mut(&text) else {
            return self.violated(format!("{at} received {text} before it was sent"));
        };
        let is_first = letter.arrivals.is_empty();
        letter.arrivals.insert(id.to_owned());
        // What was not answered when the gateway forgot it comes once more from its sender, and is new then.
        let is_open = |at: &&u64| letter.sent_at <= **at && letter.answered_at.is_none_or(|answered| **at <= answered);
        let forgotten = self.crashed_at.iter().filter(is_open).count();
        if letter.arrivals.len() > 1 + forgotten {
            let arrivals = letter.arrivals.clone();
            return self.violated(format!("{text} came again to {at} and cannot be known as the same: {arrivals:?}"));
        }
        if !is_first {
            return self.count("letters repeated".to_owned());
        }
        self.count("letters delivered".to_owned());
        let newest = self.newest.entry((text.from, text.to)).or_insert(0);
        let last = std::mem::replace(newest, text.number.max(*newest));
        if last > text.number {
            self.violated(format!("{text} came to {at} after number {last} of the same pair"));
        }
    }

    /// What somebody will say in a conversation.
    pub(crate) fn said_in_room(&mut self, who: usize) -> String {
        let text = format!("room {who} {}", self.said_in_rooms.len());
        self.said_in_rooms.insert(text.clone(), who);
        text
    }

    /// Somebody heard something in a conversation.
    pub(crate) fn heard_in_room(&mut self, at: &str, words: &str, id: &str) {
        if !self.said_in_rooms.contains_key(words) {
            return self.violated(format!("{at} heard in a conversation what nobody said: {words:?}"));
        }
        let ids = self.heard_in_rooms.entry((at.to_owned(), words.to_owned())).or_default();
        ids.insert(id.to_owned());
        // What was not answered when the gateway forgot it is said once more by its speaker, and is new then.
        if ids.len() > 1 + self.crashed_at.len() {
            let ids = ids.clone();
            return self.violated(format!("{words:?} came again to {at} and cannot be known as the same: {ids:?}"));
        }
        self.count("heard in rooms".to_owned());
    }

    /// Somebody says something of himself.
    pub(crate) fn published(&mut self, now: u64, _: &str, value: &str) {
        self.values.entry(value.to_owned()).or_insert(now);
    }

    /// A presentity asks that the watcher may see.
    pub(crate) fn grant_asked(&mut self, now: u64, presentity: &str, watcher: &str) {
        let grant = self.grants.entry((bare(presentity), bare(watcher))).or_default();
        grant.asked_at.get_or_insert(now);
        grant.revoked_at = None;
    }

    /// The gateway has accepted that the watcher may not see.
    pub(crate) fn revoked(&mut self, now: u64, presentity: &str, watcher: &str) {
        let grant = self.grants.entry((bare(presentity), bare(watcher))).or_default();
        *grant = Grant { revoked_at: Some(now), ..*grant };
    }

    /// Whether the watcher may see for certain.
    #[must_use]
    pub(crate) fn may_see(&self, presentity: &str, watcher: &str) -> bool {
        let grant = self.grants.get(&(bare(presentity), bare(watcher))).copied().unwrap_or_default();
        grant.asked_at.is_some() && grant.revoked_at.is_none()
    }

    /// A watcher saw something.
    pub(crate) fn seen(&mut self, _: u64, watcher: &str, presentity: &str, value: Option<&str>) {
        self.count("presence seen".to_owned());
        let Some(value) = value else { return };
        let Some(said_at) = self.values.get(value).copied() else {
            return self.violated(format!("{watcher} saw of {presentity} what nobody said: {value:?}"));
        };
        if !value.starts_with(&format!("{}-", name(presentity))) {
            self.violated(format!("{watcher} saw of {presentity} what another said: {value:?}"));
        }
        let grant = self.grants.get(&(bare(presentity), bare(watcher))).copied().unwrap_or_default();
        let may_have = grant.asked_at.is_some() && grant.revoked_at.is_none_or(|at| said_at <= at);
        if !may_have {
            self.violated(format!("{watcher} saw {value:?} of {presentity} and may not: {grant:?}"));
        }
    }

    /// After quiet: what was accepted and neither arrived nor was reported lost. Only those numbered below `reported` get
    /// reports; the others cannot be told when a letter that was accepted is declined later.
    pub(crate) fn judge_letters(&mut self, reported: usize) {
        let lost: Vec<Text> = self
            .letters
            .iter()
            .filter(|(_, letter)| letter.told == Some(Fate::Accepted))
            .filter(|(_, letter)| letter.arrivals.is_empty() && !letter.is_reported_lost)
            .filter(|(text, letter)| text.from < reported || !letter.is_declined)
            .map(|(text, _)| *text)
            .collect();
        for text in lost {
            self.violated(format!("{text} was accepted and is lost"));
        }
    }
}

impl Text {
    fn parse(words: &str) -> Option<Self> {
        let mut numbers = words.strip_prefix("letter ")?.split(' ');
        let from = numbers.next()?.parse().ok()?;
        let to = numbers.next()?.parse().ok()?;
        Some(Self { from, to, number: numbers.next()?.parse().ok()? })
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "letter {} {} {}", self.from, self.to, self.number)
    }
}

/// An address without scheme.
#[must_use]
pub(crate) fn bare(address: &str) -> String {
    let address = address.rsplit_once(':').map_or(address, |(_, bare)| bare);
    address.to_ascii_lowercase()
}

/// The name in an address.
#[must_use]
pub(crate) fn name(address: &str) -> String {
    let bare = bare(address);
    bare.split('@').next().unwrap_or_default().to_owned()
}
