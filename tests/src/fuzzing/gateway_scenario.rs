//! The scenario reader and runner: whatever text it gets, it names the problem and its line, or gives a scenario that
//! comes to an end, also where nobody ever answers.

use gateway::lab::scenario::{
    model::Scenario,
    run::{Verdict, perform},
    seen::{Exchange, Seen},
    stage::{Act, Identity, Order, Role, Setting, Stage, StageError},
};
use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    time::Duration,
};

/// A text as scenario, and every scenario on a stage on which nothing is ever heard.
///
/// # Panics
/// When a problem has no place or no reason, or a performance no end.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    // A scene that plays itself has to be refused.
    let scenes = |name: &str| match name {
        "self" => Some((PathBuf::from("self.scn"), "scene self A\nplay self A\n".to_owned())),
        "own" => Some((PathBuf::from("own.scn"), text.clone().into_owned())),
        _ => None,
    };
    let scenario = match Scenario::parse(Path::new("x.scn"), &text, &scenes) {
        Ok(scenario) => scenario,
        Err(problem) => {
            assert!(problem.place.line >= 1 && !problem.reason.is_empty(), "{problem:?}");
            assert!(problem.to_string().contains(".scn:"), "{problem}");
            return;
        }
    };
    assert!(!scenario.steps.is_empty() && !scenario.cast.is_empty() && !scenario.variants.is_empty());
    for variant in scenario.variants.iter().take(2) {
        let mut silence = Silence::default();
        match perform(&scenario, variant, &mut silence) {
            Verdict::Pass => {}
            Verdict::Fail(trouble) | Verdict::Inconclusive(trouble) => {
                assert!(!trouble.awaited.is_empty() && !trouble.instead.is_empty(), "{trouble:?}");
            }
        }
    }
}

/// A stage on which time costs nothing and nobody answers.
#[derive(Default)]
struct Silence {
    now: Duration,
    fences: VecDeque<(usize, Exchange)>,
}

impl Stage for Silence {
    fn open(&mut self, setting: &Setting) -> Result<Vec<Identity>, StageError> {
        let identity = |_: &Role| Identity { address: "a@x.example".to_owned(), password: String::new() };
        Ok(setting.roles.iter().map(identity).collect())
    }

    fn perform(&mut self, actor: usize, act: &Act) -> Result<(), StageError> {
        if let Act::Fence(exchange) = act {
            self.fences.push_back((actor, *exchange));
        }
        Ok(())
    }

    fn operate(&mut self, _: Order) -> Result<(), StageError> {
        Ok(())
    }

    fn next(&mut self, patience: Duration) -> Result<Option<(usize, Seen)>, StageError> {
        if let Some((actor, exchange)) = self.fences.pop_front() {
            return Ok(Some((actor, Seen::told(exchange, Seen::FENCE, ""))));
        }
        self.now = self.now.saturating_add(patience);
        Ok(None)
    }

    fn now(&self) -> Duration {
        self.now
    }
}
