//! Attribute lists: what a presentity shows to whom without being asked, and what it may learn of its watchers.

use crate::{
    address::Address,
    authorization::Rule,
    command::{Answer, AttributeListRow, DecisionRow, DecisionState, Ground},
    contact_list::ContactList,
    engine::Engine,
    engine::far_watcher::far_status,
    event::{AttributeScope, BeyondOf, RequestId},
    outcome::{Detail, Outcome, combine},
    policy::Permission,
    presence::AttributeSet,
    record::{Fact, FactKey},
    side::Endpoint,
    time::Timestamp,
    watcher::{Decision, WatcherRow, WatcherStatus},
};
use std::time::Duration;

impl Engine {
    /// Grants the named attributes to those in the scope, in place of what was said about them before.
    pub(super) fn set_attribute_lists(
        &mut self,
        request: RequestId,
        presentity: &Address,
        scope: &AttributeScope,
        attributes: AttributeSet,
        beyond: BeyondOf,
    ) {
        if let Some(outcome) = self.refusal_for_guests(presentity) {
            return self.output.done(request, outcome);
        }
        let (named, details) = self.rules_in_scope(presentity, scope);
        let bound = self.config.limits.authorizations_per_presentity;
        let rules = &self.user_mut(presentity).authorizations.rules;
        let new = named.iter().filter(|name| !rules.contains_key(*name)).count();
        if rules.len().saturating_add(new) > bound {
            return self.output.done(request, Outcome::TooManyAttributeLists);
        }
        for name in &named {
            let beyond = match name {
                name if name == presentity => beyond.everybody,
                name if name.resource().is_some() => beyond.lists,
                _ => beyond.users,
            };
            let rule = Rule { decision: Decision::Allow, attributes, beyond };
            self.user_mut(presentity).authorizations.rules.insert(name.clone(), rule);
            self.output.keep(Fact::Authorization {
                presentity: presentity.clone(),
                watcher: name.clone(),
                decision: rule.decision,
                attributes,
                beyond,
            });
        }
        self.answer_scope(request, details);
        self.reconsider_scope(presentity, &named);
        self.forget_if_empty(presentity);
    }

    /// Takes back what was said about those in the scope.
    pub(super) fn drop_attribute_lists(&mut self, request: RequestId, presentity: &Address, scope: &AttributeScope) {
        if let Some(outcome) = self.refusal_for_guests(presentity) {
            return self.output.done(request, outcome);
        }
        let (mut named, details) = self.rules_in_scope(presentity, scope);
        let rules = &mut self.user_mut(presentity).authorizations.rules;
        named.retain(|name| rules.remove(name).is_some());
        for name in &named {
            self.output.drop_fact(FactKey::Authorization(presentity.clone(), name.clone()));
        }
        self.answer_scope(request, details);
        self.reconsider_scope(presentity, &named);
        self.forget_if_empty(presentity);
    }

    pub(super) fn attribute_lists(&mut self, request: RequestId, presentity: &Address, scope: &AttributeScope) {
        if let Some(outcome) = self.refusal_for_guests(presentity) {
            return self.output.done(request, outcome);
        }
        let (named, details) = self.rules_in_scope(presentity, scope);
        let actor = self.users.get(presentity);
        let row = |(target, rule): (&Address, &Rule)| AttributeListRow {
            target: target.clone(),
            written: actor.and_then(|actor| actor.lists.get(target)).map(|list| list.written.as_str().into()),
            attributes: if rule.decision == Decision::Allow { rule.attributes } else { AttributeSet::NONE },
            beyond: rule.beyond,
        };
        let rules = actor.map(|actor| &actor.authorizations.rules);
        let default_list = rules.filter(|_| scope.everybody).and_then(|rules| rules.get_key_value(presentity)).map(row);
        let wants_all = scope.targets.is_empty() && !scope.everybody;
        let wanted = |target: &&Address| *target != presentity && (wants_all || named.contains(*target));
        let lists =
            rules.map(|rules| rules.iter().filter(|(target, _)| wanted(target)).map(row).collect()).unwrap_or_default();
        let outcome = outcome_of(&details);
        self.output.answer(request, Answer::AttributeLists { outcome, default_list, lists, details });
    }

    /// How the presentity has decided about those who asked.
    pub(super) fn decisions(&mut self, request: RequestId, presentity: &Address, watchers: &[Address]) {
        if let Some(outcome) = self.refusal_for_guests(presentity) {
            return self.output.done(request, outcome);
        }
        let is_wanted = |watcher: &Address| {
            watcher != presentity && watcher.resource().is_none() && (watchers.is_empty() || watchers.contains(watcher))
        };
        let mut rows = Vec::new();
        if let Some(actor) = self.users.get(presentity) {
            let authorizations = &actor.authorizations;
            for (watcher, rule) in authorizations.rules.iter().filter(|(watcher, _)| is_wanted(watcher)) {
                let (state, attributes) = match rule.decision {
                    Decision::Allow if !rule.attributes.is_empty() => (DecisionState::Granted, rule.attributes),
                    Decision::Allow | Decision::Block => (DecisionState::Denied, AttributeSet::ALL),
                };
                rows.push(DecisionRow { watcher: watcher.clone(), state, attributes });
            }
            for (watcher, question) in authorizations.questions.iter().filter(|(watcher, _)| is_wanted(watcher)) {
                let (state, attributes) = (DecisionState::Pending, question.attributes);
                rows.push(DecisionRow { watcher: watcher.clone(), state, attributes });
            }
        }
        self.output.answer(request, Answer::Decisions(rows));
    }

    /// Who watches the presentity, and who did within the period.
    pub(super) fn watchers(&mut self, request: RequestId, presentity: &Address, history: Option<Duration>) {
        if let Some(outcome) = self.refusal_for_guests(presentity) {
            return self.output.done(request, outcome);
        }
        let longest = self.config.limits.watcher_history_max;
        let history = history.unwrap_or(longest).min(longest);
        let now = self.now;
        let Some(actor) = self.users.get(presentity) else {
            return self.output.answer(request, Answer::Watchers { history, rows: Vec::new() });
        };
        let mut rows: Vec<WatcherRow> = Vec::new();
        for (watcher, known) in actor.watchers.iter().filter(|(watcher, _)| *watcher != presentity) {
            // UNCLEAR subscription mapping §1: a refused watcher that stays is over for the presentity, as it is in winfo.
            let status = match known.permission {
                Permission::Granted(_) | Permission::Undecided => WatcherStatus::Current,
                Permission::Refused => WatcherStatus::Former,
            };
            rows.push(WatcherRow { watcher: watcher.clone(), status });
        }
        for (watcher, state) in actor.far_watchers.iter().flatten() {
            if rows.iter().all(|row| row.watcher != *watcher) {
                rows.push(WatcherRow { watcher: watcher.clone(), status: far_status(*state) });
            }
        }
        let is_told = |watcher: &Address| rows.iter().any(|row| row.watcher == *watcher);
        let mut past: Vec<_> =
            actor.past_watchers.iter().filter(|(who, past)| past.at.after(history) > now && !is_told(who)).collect();
        past.sort_by_key(|(_, past)| std::cmp::Reverse(past.at));
        rows.sort_by_key(|row| row.status != WatcherStatus::Current);
        rows.extend(
            past.into_iter().map(|(watcher, past)| WatcherRow { watcher: watcher.clone(), status: past.status }),
        );
        if history.is_zero() {
            rows.retain(|row| row.status == WatcherStatus::Current);
        }
        self.output.answer(request, Answer::Watchers { history, rows });
    }

    /// Somebody does not watch any more, or looked once.
    pub(super) fn remember_watcher(&mut self, presentity: &Address, watcher: &Address, status: WatcherStatus) {
        let (now, limits) = (self.now, &self.config.limits);
        let (bound, longest) = (limits.past_watchers_per_presentity, limits.watcher_history_max);
        if presentity == watcher || !self.accounts.contains(presentity) {
            return;
        }
        let actor = self.user_mut(presentity);
        if actor.watchers.contains_key(watcher) {
            return;
        }
        let past = &mut actor.past_watchers;
        if past.len() >= bound && !past.contains_key(watcher) {
            past.retain(|_, past| past.at.after(longest) > now);
            let oldest = past.iter().min_by_key(|(_, past)| past.at).map(|(watcher, _)| watcher.clone());
            if let Some(oldest) = oldest.filter(|_| past.len() >= bound) {
                past.remove(&oldest);
            }
        }
        past.insert(watcher.clone(), PastWatcher { at: now, status });
    }

    /// The names under which the words on those in the scope are kept, and what of the scope does not exist.
    fn rules_in_scope(&self, presentity: &Address, scope: &AttributeScope) -> (Vec<Address>, Vec<Detail>) {
        let (mut named, mut details) = (Vec::new(), Vec::new());
        let lists = self.users.get(presentity).map(|actor| &actor.lists);
        for target in &scope.targets {
            if target.resource().is_some() && !lists.is_some_and(|lists| lists.contains_key(target)) {
                details.push(Detail { target: target.clone(), outcome: Outcome::UnknownContactList });
            } else {
                details.push(Detail { target: target.clone(), outcome: Outcome::Success });
                // Oneself is always authorised, and the own name stands for everybody else.
                if target != presentity && !named.contains(target) {
                    named.push(target.clone());
                }
            }
        }
        if scope.everybody {
            named.push(presentity.clone());
            details.push(Detail { target: presentity.clone(), outcome: Outcome::Success });
        }
        (named, details)
    }

    fn answer_scope(&mut self, request: RequestId, mut details: Vec<Detail>) {
        if details.is_empty() {
            return self.output.done(request, Outcome::BadParameter);
        }
        let outcome = outcome_of(&details);
        details.retain(|detail| !detail.outcome.is_success() && detail.outcome != outcome);
        self.output.answer(request, Answer::Done { outcome, details });
    }

    /// What a changed word means to those who watch and to those who wait for an answer.
    fn reconsider_scope(&mut self, presentity: &Address, named: &[Address]) {
        let concerns_many = named.iter().any(|name| name == presentity || name.resource().is_some());
        if concerns_many {
            self.reconsider_all(presentity);
        } else {
            named.iter().for_each(|watcher| self.reconsider(presentity, watcher));
        }
        let Some(actor) = self.users.get(presentity) else { return };
        for watcher in actor.authorizations.questions.keys().cloned().collect::<Vec<_>>() {
            if self.is_answered(presentity, &watcher, named) {
                self.forget_question(presentity, &watcher);
            }
        }
    }

    /// Whether a question about a watcher needs no answer any more, after these words have changed: the one that holds
    /// for the watcher is the answer, whatever it lets it see.
    fn is_answered(&self, presentity: &Address, watcher: &Address, named: &[Address]) -> bool {
        let Some(actor) = self.users.get(presentity) else { return true };
        let holds = |list: &ContactList| list.members.iter().any(|member| member.address == *watcher);
        let is_new = match actor.authorizations.ground_for(presentity, watcher, &actor.lists) {
            Ground::Nothing => false,
            Ground::Watcher => named.contains(watcher),
            Ground::Lists => named.iter().any(|name| actor.lists.get(name).is_some_and(holds)),
            Ground::Everybody => named.contains(presentity),
        };
        self.permission(presentity, watcher) != Permission::Undecided
            && (is_new || self.unanswered(presentity, watcher).is_empty())
    }

    /// The questions are put to the device once more, as it wants to hear them in another way.
    pub(super) fn repeat_questions(&mut self, request: RequestId, presentity: &Address, endpoint: &Endpoint) {
        if let Some(actor) = self.users.get_mut(presentity) {
            for question in actor.authorizations.questions.values_mut() {
                question.asked.remove(endpoint);
            }
        }
        self.output.done(request, Outcome::Success);
        self.ask_at(presentity, endpoint);
    }
}

/// A watcher that is none any more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PastWatcher {
    pub(crate) at: Timestamp,
    pub(crate) status: WatcherStatus,
}

fn outcome_of(details: &[Detail]) -> Outcome {
    if details.is_empty() { Outcome::Success } else { combine(details) }
}
