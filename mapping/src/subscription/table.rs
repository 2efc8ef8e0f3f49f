//! The watcher's end: which endpoints watch whom, what they were shown last, and what they are to be shown next.

use crate::{
    address::Address,
    correlation::Correlation,
    engine::{Seen, Standing},
    few::GrowingMap,
    presence::{AttributeSet, PresenceDocument, PresenceView},
    publication::difference,
    side::{Endpoint, PendingView, RefusalStyle, SideProfile},
    time::Timestamp,
    watcher::{EndReason, WatchState},
};
use smallvec::SmallVec;
use std::{collections::BTreeMap, sync::Arc};

/// All watches of one user.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watching {
    pub(crate) relations: BTreeMap<Address, Relation>,
    /// Contact lists watched as such: list, endpoint.
    pub(crate) lists: BTreeMap<(Address, Endpoint), ListWatch>,
}

/// A contact list watched as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListWatch {
    pub(crate) attributes: AttributeSet,
    pub(crate) auto_subscribe: bool,
}

/// One user's relation to one presentity, shared by its endpoints.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    pub(crate) standing: Standing,
    pub(crate) watches: GrowingMap<Endpoint, EndpointWatch>,
    /// The different sets that the watches want, and how many want each.
    wanted: SmallVec<[(AttributeSet, usize); 1]>,
}

/// One endpoint's watch.
#[derive(Clone, Debug)]
pub(crate) struct EndpointWatch {
    pub(crate) attributes: AttributeSet,
    /// The contact list through which it was made.
    pub(crate) list: Option<Address>,
    /// The gather whose answer comes before any notification.
    pub(crate) held: Option<u64>,
    /// Whether it was granted, and kept.
    pub(crate) kept: bool,
    pub(crate) shown: Option<Shown>,
    pub(crate) sent: Option<Timestamp>,
    /// The causal chain of the newest change that waits for the interval.
    pub(crate) waits: Option<Correlation>,
}

/// What an endpoint was shown last.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    phase: Phase,
    attributes: AttributeSet,
    document: Arc<PresenceDocument>,
}

/// What kind of thing is shown. A change of kind does not wait for the notification interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Undecided,
    Seen,
    Refused,
    Unseen,
}

/// What to do about an endpoint.
#[derive(Clone, Debug)]
pub(crate) enum Showing {
    /// Nothing new.
    Nothing,
    /// Send this now.
    Now { state: WatchState, view: Option<PresenceView>, shown: Shown },
    /// There is news, but not before this time.
    At(Timestamp),
    /// The watch is over.
    End(EndReason),
}

impl Watching {
    /// How many watches there are, over all endpoints.
    pub(crate) fn len(&self) -> usize {
        self.relations.values().map(|relation| relation.watches.len()).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.relations.is_empty() && self.lists.is_empty()
    }

    /// The presentities that the endpoint watches.
    pub(crate) fn watched_by(&self, endpoint: &Endpoint) -> Vec<Address> {
        self.relations
            .iter()
            .filter(|(_, relation)| relation.watches.contains_key(endpoint))
            .map(|(presentity, _)| presentity.clone())
            .collect()
    }

    /// The presentities that the endpoint watches through the list.
    pub(crate) fn watched_through(&self, list: &Address, endpoint: &Endpoint) -> Vec<Address> {
        self.relations
            .iter()
            .filter(|(_, relation)| {
                relation.watches.get(endpoint).is_some_and(|watch| watch.list.as_ref() == Some(list))
            })
            .map(|(presentity, _)| presentity.clone())
            .collect()
    }
}

impl Relation {
    pub(crate) fn new() -> Self {
        Self { standing: Standing::Unclear, watches: GrowingMap::new(), wanted: SmallVec::new() }
    }

    /// Enters the watch of an endpoint, in the place of the one that it had.
    pub(crate) fn enter(&mut self, endpoint: Endpoint, watch: EndpointWatch) {
        let wants = watch.attributes;
        if let Some(before) = self.watches.insert(endpoint, watch) {
            self.want_less(before.attributes);
        }
        match self.wanted.iter_mut().find(|(set, _)| *set == wants) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => self.wanted.push((wants, 1)),
        }
    }

    /// Removes the watch of an endpoint.
    pub(crate) fn leave(&mut self, endpoint: &Endpoint) -> Option<EndpointWatch> {
        let watch = self.watches.remove(endpoint)?;
        self.want_less(watch.attributes);
        Some(watch)
    }

    fn want_less(&mut self, set: AttributeSet) {
        if let Some((_, count)) = self.wanted.iter_mut().find(|(known, _)| *known == set) {
            *count = count.saturating_sub(1);
        }
        self.wanted.retain(|(_, count)| *count > 0);
    }

    /// What all endpoints together want to see.
    pub(crate) fn attributes(&self) -> AttributeSet {
        self.wanted.iter().fold(AttributeSet::NONE, |all, (set, _)| all.union(*set))
    }

    /// The endpoints whose watches are to be kept: also those that may have changed and whose answer is held.
    pub(crate) fn not_kept(&self) -> Vec<Endpoint> {
        let open = self.watches.iter().filter(|(_, watch)| !watch.kept || watch.held.is_some());
        open.map(|(endpoint, _)| endpoint.clone()).collect()
    }
}

impl EndpointWatch {
    pub(crate) const fn new(attributes: AttributeSet, list: Option<Address>, held: Option<u64>) -> Self {
        Self { attributes, list, held, kept: false, shown: None, sent: None, waits: None }
    }

    /// What the endpoint is to be shown of this standing.
    pub(crate) fn showing(&self, standing: &Standing, profile: &SideProfile, now: Timestamp) -> Showing {
        if self.shown.is_none() {
            name(standing, profile);
        }
        let nothing = || Arc::new(PresenceDocument::default());
        let (phase, state, document, attributes) = match (standing, profile.refusal, profile.pending_view) {
            (Standing::Unclear | Standing::Pending, _, PendingView::Silence) => return Showing::Nothing,
            (Standing::Unclear | Standing::Pending, _, PendingView::Told) => {
                (Phase::Undecided, WatchState::Pending, None, AttributeSet::NONE)
            }
            (Standing::Active(Seen { document, granted }), ..) => {
                let attributes = self.attributes.intersection(*granted);
                (Phase::Seen, WatchState::Active, Some(Arc::clone(document)), attributes)
            }
            (Standing::Refused | Standing::Declined(_), RefusalStyle::Ends, _) => {
                return Showing::End(EndReason::Rejected);
            }
            // What was shown before is told to be known no more.
            (Standing::Refused | Standing::Declined(_), RefusalStyle::Stays, _) => {
                let shown = self.shown.as_ref().map_or(AttributeSet::NONE, |shown| shown.attributes);
                (Phase::Refused, WatchState::Active, Some(nothing()), shown)
            }
            (Standing::Failed(reason), RefusalStyle::Ends, _) => return Showing::End(*reason),
            (Standing::Failed(_), RefusalStyle::Stays, _) => {
                (Phase::Unseen, WatchState::Active, Some(nothing()), self.attributes)
            }
        };
        self.compare(phase, state, document, attributes, profile, now)
    }

    /// Everything asked for as unknown: the far side has said nothing for too long.
    pub(crate) fn showing_unknown(&self) -> Option<(PresenceView, Shown)> {
        if self.shown.is_some() || self.held.is_some() {
            return None;
        }
        let (document, attributes) = (Arc::new(PresenceDocument::default()), self.attributes);
        let shown = Shown { phase: Phase::Unseen, attributes, document: Arc::clone(&document) };
        Some((PresenceView { document, attributes, changed: attributes }, shown))
    }

    fn compare(
        &self,
        phase: Phase,
        state: WatchState,
        document: Option<Arc<PresenceDocument>>,
        attributes: AttributeSet,
        profile: &SideProfile,
        now: Timestamp,
    ) -> Showing {
        let current = document.clone().unwrap_or_default();
        let changed = match &self.shown {
            None => attributes,
            Some(shown) => difference(&shown.document, &current)
                .intersection(attributes)
                .union(attributes.difference(shown.attributes)),
        };
        let same_phase = self.shown.as_ref().is_some_and(|shown| shown.phase == phase);
        let same_set = self.shown.as_ref().is_some_and(|shown| shown.attributes == attributes);
        if same_phase && same_set && changed.is_empty() {
            return Showing::Nothing;
        }
        // RFC 3856 §6.10: what follows a decision goes at once, later changes are merged.
        match self.sent.map(|sent| sent.after(profile.notify_interval_min)) {
            Some(next) if same_phase && same_set && next > now => Showing::At(next),
            Some(_) | None => {
                let view = document.map(|document| PresenceView { document, attributes, changed });
                Showing::Now { state, view, shown: Shown { phase, attributes, document: current } }
            }
        }
    }
}

/// Names the cell of the state table that a first showing reaches.
fn name(standing: &Standing, profile: &SideProfile) {
    let side = match profile.refusal {
        RefusalStyle::Stays => "Wv",
        RefusalStyle::Ends => "Simple",
    };
    let standing = match standing {
        Standing::Unclear => "Unclear",
        Standing::Pending => "Pending",
        Standing::Active(_) => "Active",
        Standing::Refused => "Refused",
        Standing::Failed(_) => "Failed(NoResource)",
        Standing::Declined(_) => "Declined(Blocked)",
    };
    crate::witness::met("mapping_showing", format_args!("{side} {standing}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        presence::{Attribute, Mood, Person, Value},
        side::Side,
    };

    fn happy(mood: Mood) -> Standing {
        let person = Person { mood: Value::Known(mood), ..Person::default() };
        let document = Arc::new(PresenceDocument { person, devices: Vec::new() });
        Standing::Active(Seen { document, granted: AttributeSet::ALL })
    }

    fn show(watch: &mut EndpointWatch, standing: &Standing, millis: u64) -> Option<PresenceView> {
        let now = Timestamp::from_millis(millis);
        match watch.showing(standing, &SideProfile::of(Side::Simple), now) {
            Showing::Now { view, shown, .. } => {
                (watch.shown, watch.sent) = (Some(shown), Some(now));
                view
            }
            Showing::Nothing | Showing::At(_) | Showing::End(_) => None,
        }
    }

    #[test]
    fn what_all_want_is_what_those_want_who_are_left() {
        let (mood, alias) =
            (AttributeSet::from_iter([Attribute::StatusMood]), AttributeSet::from_iter([Attribute::Alias]));
        let endpoint = |name: &str| Endpoint::new(Side::Simple, name);
        let mut relation = Relation::new();
        for (name, set) in [("a", mood), ("b", alias), ("c", alias)] {
            relation.enter(endpoint(name), EndpointWatch::new(set, None, None));
        }
        assert_eq!(relation.attributes(), mood.union(alias));
        relation.enter(endpoint("a"), EndpointWatch::new(alias, None, None));
        assert_eq!(relation.attributes(), alias);
        assert!(relation.leave(&endpoint("b")).is_some() && relation.leave(&endpoint("b")).is_none());
        assert_eq!(relation.attributes(), alias);
        assert!(relation.leave(&endpoint("a")).is_some() && relation.leave(&endpoint("c")).is_some());
        assert_eq!(relation.attributes(), AttributeSet::NONE);
    }

    #[test]
    fn the_first_view_is_full_and_later_ones_hold_changes_only() {
        let asked = AttributeSet::from_iter([Attribute::StatusMood, Attribute::Alias]);
        let mut watch = EndpointWatch::new(asked, None, None);
        assert_eq!(show(&mut watch, &happy(Mood::Happy), 0).unwrap().changed, asked);
        assert!(show(&mut watch, &happy(Mood::Happy), 9000).is_none(), "nothing changed");
        let view = show(&mut watch, &happy(Mood::Sad), 9000).unwrap();
        assert_eq!(view.changed, AttributeSet::from_iter([Attribute::StatusMood]));
        assert_eq!(view.attributes, asked);
    }

    #[test]
    fn the_first_change_goes_at_once_and_later_ones_wait_for_the_interval() {
        let mut watch = EndpointWatch::new(AttributeSet::ALL, None, None);
        show(&mut watch, &happy(Mood::Happy), 0).unwrap();
        let profile = SideProfile::of(Side::Simple);
        let showing = watch.showing(&happy(Mood::Sad), &profile, Timestamp::from_millis(100));
        assert!(matches!(showing, Showing::At(at) if at == Timestamp::from_millis(5000)), "{showing:?}");
        // A decision does not wait.
        let showing = watch.showing(&Standing::Refused, &profile, Timestamp::from_millis(100));
        assert!(matches!(showing, Showing::End(EndReason::Rejected)));
    }

    #[test]
    fn every_standing_has_a_row_for_every_side() {
        let standings = [
            ("Unclear", Standing::Unclear),
            ("Pending", Standing::Pending),
            ("Active", happy(Mood::Happy)),
            ("Refused", Standing::Refused),
            ("Failed(NoResource)", Standing::Failed(EndReason::NoResource)),
            ("Declined(Blocked)", Standing::Declined(crate::outcome::Outcome::Blocked)),
        ];
        let asked = AttributeSet::from_iter([Attribute::StatusMood, Attribute::Alias]);
        let mut table = String::from("# first showing: side, standing: what the endpoint is shown\n");
        for side in [Side::Wv, Side::Simple] {
            for (name, standing) in &standings {
                let watch = EndpointWatch::new(asked, None, None);
                let shown = match watch.showing(standing, &SideProfile::of(side), Timestamp::EPOCH) {
                    Showing::Nothing => "nothing".to_owned(),
                    Showing::At(_) => "later".to_owned(),
                    Showing::End(reason) => format!("end {reason:?}"),
                    Showing::Now { state, view: None, .. } => format!("{state:?} without a view"),
                    Showing::Now { state, view: Some(view), .. } => {
                        let known = view.document.person.mood.known().is_some();
                        format!("{state:?} {:?} {}", view.attributes, if known { "known" } else { "unknown" })
                    }
                };
                table.push_str(&format!("{side:?} {name}: {shown}\n"));
            }
        }
        crate::generated::compare("fixtures/state/mapping_showing.txt", &table);
    }
}
