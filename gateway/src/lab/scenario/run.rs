//! Performing a scenario.

mod deed;

use super::{
    model::{Direction, Expectation, Scenario, Step, Variant},
    pattern::{Mismatch, Pattern},
    seen::{Exchange, Seen, Way},
    stage::{Act, Identity, Role, Setting, Stage, StageError},
    trouble::{Rung, Trouble},
};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// How a performance ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything happened that had to.
    Pass,
    /// Something did not happen, or happened that must not.
    Fail(Box<Trouble>),
    /// A precondition did not hold, or the stage broke, so nothing was shown.
    Inconclusive(Box<Trouble>),
}

/// A performance that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Performed {
    /// How it ended.
    pub verdict: Verdict,
    /// The messages of both protocols.
    pub ladder: Vec<String>,
}

/// How patiently what has to come is waited for, in percent of what the scenarios say: less for systems that answer at
/// once or not at all, more for slow ones. Times that have to pass are not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience(pub u32);

impl Patience {
    fn stretch(self, time: Duration) -> Duration {
        time.saturating_mul(self.0).checked_div(100).unwrap_or(time)
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self(100)
    }
}

/// Performs a scenario on a stage.
pub fn perform(scenario: &Scenario, variant: &Variant, stage: &mut dyn Stage) -> Verdict {
    perform_with(scenario, variant, stage, Patience::default()).verdict
}

/// Performs a scenario on a stage, as patiently as is wanted.
pub fn perform_with(scenario: &Scenario, variant: &Variant, stage: &mut dyn Stage, patience: Patience) -> Performed {
    let roles = scenario.cast.iter().map(|part| Role {
        name: part.name.clone(),
        kind: variant.role_kind(&part.kind),
        shares_user_of: part.shares_user_of,
    });
    let setting = Setting { roles: roles.collect(), gateway: scenario.gateway.clone() };
    let count = setting.roles.len();
    let mut play = Play {
        scenario,
        variant,
        identities: Vec::new(),
        inboxes: (0..count).map(|_| VecDeque::new()).collect(),
        values: BTreeMap::new(),
        names: BTreeMap::new(),
        last_exchange: 0,
        ladder: Vec::new(),
        patience,
        stage,
    };
    let verdict = play.perform(&setting);
    Performed { verdict, ladder: play.draw() }
}

/// A performance in the middle.
struct Play<'a> {
    scenario: &'a Scenario,
    variant: &'a Variant,
    identities: Vec<Identity>,
    /// What each actor has seen and nobody waited for yet.
    inboxes: Vec<VecDeque<(Duration, Seen)>>,
    values: BTreeMap<String, String>,
    /// Exchanges by actor and name.
    names: BTreeMap<(usize, String), Exchange>,
    last_exchange: u64,
    ladder: Vec<Rung>,
    patience: Patience,
    stage: &'a mut dyn Stage,
}

/// Why the play stops.
enum Stop {
    Stage(StageError),
    Unfulfilled { awaited: String, instead: Vec<String> },
}

impl From<StageError> for Stop {
    fn from(error: StageError) -> Self {
        Self::Stage(error)
    }
}

impl Play<'_> {
    fn perform(&mut self, setting: &Setting) -> Verdict {
        let scenario = self.scenario;
        match self.stage.open(setting) {
            Ok(identities) => self.identities = identities,
            Err(error) => {
                let awaited = "the stage to open".to_owned();
                let trouble = self.trouble(scenario.steps.first(), awaited, vec![error.to_string()]);
                return Verdict::Inconclusive(Box::new(trouble));
            }
        }
        for step in &scenario.steps {
            if step.versions.as_ref().is_some_and(|versions| !versions.contains(&self.variant.csp)) {
                continue;
            }
            match self.take_step(step) {
                Ok(()) => {}
                Err(Stop::Stage(error)) => {
                    let trouble = self.trouble(Some(step), step.text.clone(), vec![error.to_string()]);
                    return Verdict::Inconclusive(Box::new(trouble));
                }
                Err(Stop::Unfulfilled { awaited, instead }) => {
                    let trouble = Box::new(self.trouble(Some(step), awaited, instead));
                    return if step.is_given { Verdict::Inconclusive(trouble) } else { Verdict::Fail(trouble) };
                }
            }
        }
        Verdict::Pass
    }

    /// The ladder so far.
    fn draw(&self) -> Vec<String> {
        super::trouble::draw(&self.scenario.cast, &self.identities, &self.ladder)
    }

    fn take_step(&mut self, step: &Step) -> Result<(), Stop> {
        match &step.direction {
            Direction::Do(actor, deed) => {
                let act = self.act(*actor, deed)?;
                Ok(self.stage.perform(*actor, &act)?)
            }
            Direction::Expect(expectation) => self.expect(expectation),
            Direction::Absent { actor, pattern, during } => self.expect_none(*actor, pattern, *during),
            Direction::Let(name, template) => {
                let value = self.fill(template)?;
                self.values.insert(name.clone(), value);
                Ok(())
            }
            Direction::Pass(time) => self.pass(*time),
            Direction::Operate(order) => Ok(self.stage.operate(*order)?),
        }
    }

    fn expect(&mut self, expectation: &Expectation) -> Result<(), Stop> {
        let Expectation { actor, pattern, .. } = expectation;
        let began = self.stage.now();
        let within = expectation.within.map(|within| self.patience.stretch(within));
        let patience =
            within.unwrap_or(self.patience.stretch(PATIENCE)).max(expectation.not_before.unwrap_or_default());
        let end = began.saturating_add(patience);
        let mut looked_at = 0;
        self.stage.perform(*actor, &Act::Attend)?;
        loop {
            if let Some((at, captured)) = self.search(expectation, &mut looked_at)? {
                return self.accept(expectation, began, at, captured);
            }
            let left = end.saturating_sub(self.stage.now());
            if left.is_zero() || !self.take_next(left)? {
                let time = if expectation.within.is_some() { format!(" within {patience:?}") } else { String::new() };
                return Err(self.unfulfilled(*actor, pattern, &time, patience));
            }
        }
    }

    /// Looks through what the actor has seen since it was last looked through.
    fn search(&self, expectation: &Expectation, looked_at: &mut usize) -> Result<Option<Found>, Stop> {
        let Expectation { actor, pattern, is_next, .. } = expectation;
        let exchange = self.inside(*actor, pattern)?;
        let inbox = self.inboxes.get(*actor).into_iter().flatten();
        for (at, (_, seen)) in inbox.enumerate().skip(*looked_at) {
            *looked_at = at.saturating_add(1);
            match pattern.check(seen, exchange, &|name| self.value(name)) {
                Ok(captured) => return Ok(Some((at, captured))),
                Err(Mismatch::Unset(name)) => return Err(unset(&name)),
                Err(Mismatch::Condition(reason)) if *is_next => {
                    let awaited = self.awaited(*actor, pattern, " next");
                    return Err(Stop::Unfulfilled {
                        awaited,
                        instead: vec![format!("{}: {reason}", seen.message.name)],
                    });
                }
                Err(Mismatch::Other | Mismatch::Condition(_)) => {}
            }
            if seen.way == Way::Told && seen.message.name == Seen::REFUSED {
                let awaited = self.awaited(*actor, pattern, "");
                let instead = vec![format!("it cannot do what it was told: {}", seen.message.text)];
                return Err(Stop::Unfulfilled { awaited, instead });
            }
        }
        Ok(None)
    }

    fn accept(
        &mut self,
        expectation: &Expectation,
        began: Duration,
        at: usize,
        captured: Vec<(String, String)>,
    ) -> Result<(), Stop> {
        let taken = self.inboxes.get_mut(expectation.actor).and_then(|inbox| inbox.remove(at));
        let Some((came, seen)) = taken else { return Ok(()) };
        if expectation.not_before.is_some_and(|wait| came < began.saturating_add(wait)) {
            let wait = expectation.not_before.unwrap_or_default();
            let awaited = self.awaited(expectation.actor, &expectation.pattern, &format!(" not before {wait:?}"));
            let instead = vec![format!("it came after {:?}", came.saturating_sub(began))];
            return Err(Stop::Unfulfilled { awaited, instead });
        }
        if let Some(within) = expectation
            .within
            .map(|within| self.patience.stretch(within))
            .filter(|within| came > began.saturating_add(*within))
        {
            let awaited = self.awaited(expectation.actor, &expectation.pattern, &format!(" within {within:?}"));
            let instead = vec![format!("it came after {:?}", came.saturating_sub(began))];
            return Err(Stop::Unfulfilled { awaited, instead });
        }
        self.values.extend(captured);
        if let Some(name) = &expectation.name {
            self.names.insert((expectation.actor, name.clone()), seen.exchange);
        }
        Ok(())
    }

    fn expect_none(&mut self, actor: usize, pattern: &Pattern, during: Option<Duration>) -> Result<(), Stop> {
        if let Some(time) = during {
            self.stage.perform(actor, &Act::Attend)?;
            self.pass(time)?;
        }
        self.fence(actor)?;
        let exchange = self.inside(actor, pattern)?;
        let value = |name: &str| self.value(name);
        let inbox = self.inboxes.get(actor).into_iter().flatten();
        let found = inbox.map(|(_, seen)| seen).find(|seen| pattern.check(seen, exchange, &value).is_ok());
        match found {
            None => Ok(()),
            Some(seen) => Err(Stop::Unfulfilled {
                awaited: format!("{} must not receive {}", self.actor_name(actor), pattern.describe(&value)),
                instead: vec![format!("it came: {}", super::trouble::summary(seen))],
            }),
        }
    }

    /// Waits until the actor has seen all that was under way.
    fn fence(&mut self, actor: usize) -> Result<(), Stop> {
        let exchange = self.next_exchange();
        self.stage.perform(actor, &Act::Fence(exchange))?;
        let patience = self.patience.stretch(PATIENCE);
        let end = self.stage.now().saturating_add(patience);
        loop {
            let inbox = self.inboxes.get_mut(actor);
            let is_over = |(_, seen): &(Duration, Seen)| seen.exchange == exchange && seen.way == Way::Told;
            if let Some((inbox, at)) = inbox.and_then(|inbox| inbox.iter().position(is_over).map(|at| (inbox, at))) {
                inbox.remove(at);
                return Ok(());
            }
            let left = end.saturating_sub(self.stage.now());
            if left.is_zero() || !self.take_next(left)? {
                let awaited = format!("an answer from the gateway to {}", self.actor_name(actor));
                return Err(Stop::Unfulfilled { awaited, instead: vec![format!("nothing within {patience:?}")] });
            }
        }
    }

    fn pass(&mut self, time: Duration) -> Result<(), Stop> {
        let end = self.stage.now().saturating_add(time);
        loop {
            let left = end.saturating_sub(self.stage.now());
            if left.is_zero() {
                return Ok(());
            }
            self.take_next(left)?;
        }
    }

    /// Takes the next thing that is seen; false when there is none in time.
    fn take_next(&mut self, patience: Duration) -> Result<bool, Stop> {
        let Some((actor, seen)) = self.stage.next(patience)? else { return Ok(false) };
        let now = self.stage.now();
        if self.ladder.len() >= LADDER_MAX {
            self.ladder.remove(0);
        }
        if seen.message.name != Seen::FENCE {
            self.ladder.push(Rung { at: now, actor, seen: seen.clone() });
        }
        if seen.way != Way::Sent
            && let Some(inbox) = self.inboxes.get_mut(actor)
        {
            inbox.push_back((now, seen));
        }
        Ok(true)
    }

    /// The exchange that a pattern names.
    fn inside(&self, actor: usize, pattern: &Pattern) -> Result<Option<Exchange>, Stop> {
        pattern.inside.as_ref().map(|name| self.exchange(actor, name)).transpose()
    }

    fn exchange(&self, actor: usize, name: &str) -> Result<Exchange, Stop> {
        self.names.get(&(actor, name.to_owned())).copied().ok_or_else(|| Stop::Unfulfilled {
            awaited: format!("an exchange {name} of {}", self.actor_name(actor)),
            instead: vec!["no step before has named one so (as NAME)".to_owned()],
        })
    }

    fn next_exchange(&mut self) -> Exchange {
        self.last_exchange = self.last_exchange.saturating_add(1);
        Exchange(self.last_exchange)
    }

    /// The value of a variable: one that was set, or a property of an actor.
    fn value(&self, name: &str) -> Option<String> {
        if let Some(value) = self.values.get(name) {
            return Some(value.clone());
        }
        let (actor, property) = name.split_once('.')?;
        let index = self.scenario.cast.iter().position(|part| part.name == actor)?;
        self.identities.get(index)?.property(property)
    }

    fn fill(&self, template: &super::template::Template) -> Result<String, Stop> {
        template.fill(&|name| self.value(name)).map_err(|name| unset(&name))
    }

    fn actor_name(&self, actor: usize) -> &str {
        self.scenario.cast.get(actor).map_or("", |part| part.name.as_str())
    }

    fn awaited(&self, actor: usize, pattern: &Pattern, more: &str) -> String {
        format!("{} receives{more} {}", self.actor_name(actor), pattern.describe(&|name| self.value(name)))
    }

    /// What came instead of what was awaited: first what was nearly it.
    fn unfulfilled(&self, actor: usize, pattern: &Pattern, time: &str, patience: Duration) -> Stop {
        let exchange = self.inside(actor, pattern).ok().flatten();
        let mut instead = Vec::new();
        for (_, seen) in self.inboxes.get(actor).into_iter().flatten() {
            match pattern.check(seen, exchange, &|name| self.value(name)) {
                Err(Mismatch::Condition(reason)) => instead.push(format!("{}, but {reason}", seen.message.name)),
                Ok(_) | Err(Mismatch::Other | Mismatch::Unset(_)) => {
                    instead.push(format!("{} (not awaited)", super::trouble::summary(seen)));
                }
            }
        }
        if instead.is_empty() {
            instead.push(format!("nothing in {patience:?}"));
        }
        Stop::Unfulfilled { awaited: format!("{}{time}", self.awaited(actor, pattern, "")), instead }
    }

    fn trouble(&self, step: Option<&Step>, awaited: String, instead: Vec<String>) -> Trouble {
        Trouble {
            place: step.map(|step| step.place.clone()),
            variant: self.variant.to_string(),
            title: self.scenario.title.clone(),
            awaited,
            instead,
            ladder: self.draw(),
        }
    }
}

/// Where a message was found, and what was captured of it.
type Found = (usize, Vec<(String, String)>);

fn unset(name: &str) -> Stop {
    Stop::Unfulfilled {
        awaited: format!("a value of ${name}"),
        instead: vec!["no step before gives it one, and no actor has such a property".to_owned()],
    }
}

/// How long something is waited for that has no time of its own: long enough for a loaded machine, and for the
/// retransmissions of a lost message.
const PATIENCE: Duration = Duration::from_secs(30);
/// Messages that are kept for the ladder of a failure.
const LADDER_MAX: usize = 400;

#[cfg(test)]
mod tests;
