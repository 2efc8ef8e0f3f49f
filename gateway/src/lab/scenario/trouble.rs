//! What went wrong in a performance, so that nobody has to run it again to understand it.

use super::{
    model::{Part, PartKind},
    problem::Place,
    seen::{Seen, Way},
    stage::Identity,
};
use crate::observe::{Direction, TraceRecord, ladder::Ladder};
use mapping::{correlation::Correlation, side::Side, time::Timestamp};
use std::{fmt, time::Duration};

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The direction that was not fulfilled.
    pub place: Option<Place>,
    /// The version and encoding.
    pub variant: String,
    /// The title of the scenario.
    pub title: String,
    /// What was awaited.
    pub awaited: String,
    /// What came instead.
    pub instead: Vec<String>,
    /// The messages of both protocols until then.
    pub ladder: Vec<String>,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        writeln!(f, "{} ({})", self.title, self.variant)?;
        writeln!(f, "  awaited: {}", self.awaited)?;
        for instead in &self.instead {
            writeln!(f, "  instead: {instead}")?;
        }
        if self.ladder.is_empty() {
            return writeln!(f, "  no message was exchanged until then");
        }
        writeln!(f, "  until then:")?;
        self.ladder.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

/// A message on the ladder.
#[derive(Clone, Debug)]
pub(super) struct Rung {
    /// When it was seen.
    pub(super) at: Duration,
    /// By whom.
    pub(super) actor: usize,
    /// What.
    pub(super) seen: Seen,
}

/// The ladder of both protocols; the number at the end of a line tells which exchange of the actor it belongs to.
pub(super) fn draw(cast: &[Part], identities: &[Identity], rungs: &[Rung]) -> Vec<String> {
    let mut ladder = Ladder::default();
    let mut lines = Vec::new();
    for Rung { at, actor, seen } in rungs {
        let Some(part) = cast.get(*actor) else { continue };
        let address = identities.get(*actor).map(|identity| identity.address.as_str()).unwrap_or_default();
        if seen.way == Way::Told {
            let remark = format!("{}: {} {}", part.name, seen.message.name, seen.message.text);
            lines.push(ladder.remark(&remark));
            continue;
        }
        lines.extend(ladder.draw(&TraceRecord {
            at: Timestamp::from_millis(u64::try_from(at.as_millis()).unwrap_or(u64::MAX)),
            correlation: Correlation::new(seen.exchange.0),
            side: match part.kind {
                PartKind::WvClient(_) => Side::Wv,
                PartKind::SipAgent(_) | PartKind::SimpleServer(_) => Side::Simple,
            },
            // As the gateway sees it.
            direction: if seen.way == Way::Sent { Direction::In } else { Direction::Out },
            peer: format!("{} {address}", part.name),
            title: summary(seen),
            detail: None,
            wire: None,
        }));
    }
    lines
}

/// A message in a few words: its name, and what tells it from others of the name.
pub(super) fn summary(seen: &Seen) -> String {
    let mut words = seen.message.name.clone();
    if let Some(request) = &seen.answers {
        words.push_str(&format!(" to {request}"));
    }
    for path in TELLING {
        for node in seen.message.find(path).into_iter().filter(|node| !node.text.is_empty()).take(3) {
            let text: String = node.text.chars().take(TEXT_MAX).collect();
            words.push_str(&format!(" {}={text:?}", node.name));
        }
    }
    words
}

/// Paths to what tells messages apart.
const TELLING: &[&str] = &[
    "Result/Code",
    "Subscription-State",
    "basic",
    "OnlineStatus/PresenceValue",
    "UserAvailability/PresenceValue",
    "StatusText/PresenceValue",
    "ContentData",
];
const TEXT_MAX: usize = 40;
