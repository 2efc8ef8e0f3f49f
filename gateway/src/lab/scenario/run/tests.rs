use super::*;
use crate::lab::scenario::{
    seen::Node,
    stage::{Order, StageError},
};
use std::path::Path;

/// A stage on which everything is known beforehand: who sees what, and when.
#[derive(Default)]
struct Script {
    now: Duration,
    /// In the order of time.
    comes: VecDeque<(Duration, usize, Seen)>,
    acts: Vec<(usize, Act)>,
}

impl Stage for Script {
    fn open(&mut self, setting: &Setting) -> Result<Vec<Identity>, StageError> {
        let identity = |role: &Role| Identity {
            address: format!("{}@x.example", role.name.to_lowercase()),
            password: String::new(),
        };
        Ok(setting.roles.iter().map(identity).collect())
    }

    fn perform(&mut self, actor: usize, act: &Act) -> Result<(), StageError> {
        if let Act::Fence(exchange) = act {
            self.comes.push_front((self.now, actor, Seen::told(*exchange, Seen::FENCE, "")));
        }
        self.acts.push((actor, act.clone()));
        Ok(())
    }

    fn operate(&mut self, _: Order) -> Result<(), StageError> {
        Err(StageError::NotOffered("gateway".to_owned()))
    }

    fn next(&mut self, patience: Duration) -> Result<Option<(usize, Seen)>, StageError> {
        let end = self.now + patience;
        if self.comes.front().is_some_and(|(at, _, _)| *at <= end)
            && let Some((at, actor, seen)) = self.comes.pop_front()
        {
            self.now = self.now.max(at);
            return Ok(Some((actor, seen)));
        }
        self.now = end;
        Ok(None)
    }

    fn now(&self) -> Duration {
        self.now
    }
}

fn notify(state: &str) -> Seen {
    let children = vec![Node::leaf("Subscription-State", state)];
    Seen {
        way: Way::Received,
        exchange: Exchange(1),
        answers: None,
        message: Node { name: "NOTIFY".into(), children, ..Node::default() },
    }
}

fn play(text: &str, comes: Vec<(u64, usize, Seen)>) -> (Verdict, Script) {
    let text = format!("scenario A sentence\nW1 is a wv client\nS1 is a sip agent\n{text}");
    let scenario = Scenario::parse(Path::new("x.scn"), &text, &|_| None).unwrap();
    let comes = comes.into_iter().map(|(at, actor, seen)| (Duration::from_millis(at), actor, seen)).collect();
    let mut script = Script { comes, ..Script::default() };
    let verdict = perform(&scenario, &scenario.variants[0], &mut script);
    (verdict, script)
}

fn trouble(verdict: Verdict) -> String {
    match verdict {
        Verdict::Fail(trouble) | Verdict::Inconclusive(trouble) => trouble.to_string(),
        Verdict::Pass => panic!("it passed"),
    }
}

const WATCH: &str = "S1 sends SUBSCRIBE to $W1.sip as watch\n  Event: presence\n";

#[test]
fn acts_have_the_names_of_this_stage_and_captures_are_used() {
    let text = format!(
        "{WATCH}S1 receives NOTIFY in watch\n  Subscription-State ~ active*\n  Subscription-State as $state\n\
         W1 sends\n  <A>$state of $S1.wv</A>\n"
    );
    let (verdict, script) = play(&text, vec![(5, 1, notify("pending")), (9, 1, notify("active;expires=5"))]);
    assert_eq!(verdict, Verdict::Pass);
    let Act::Send(request) = &script.acts[0].1 else { panic!("{:?}", script.acts) };
    assert_eq!((request.uri.as_deref(), request.exchange), (Some("sip:w1@x.example"), Some(Exchange(1))));
    assert!(
        matches!(&script.acts[2].1, Act::Request { xml, .. } if xml == "<A>active;expires=5 of wv:s1@x.example</A>")
    );
}

#[test]
fn what_did_not_come_is_told_with_all_that_came() {
    let text = format!("{WATCH}S1 receives NOTIFY in watch within 2s\n  Subscription-State ~ active*\n");
    let (verdict, script) = play(&text, vec![(5, 1, notify("pending"))]);
    assert_eq!(script.now, Duration::from_secs(2));
    assert!(matches!(verdict, Verdict::Fail(_)));
    let told = trouble(verdict);
    let expected = "x.scn:6: A sentence (csp 1.2 wbxml)\n  awaited: S1 receives NOTIFY in watch, Subscription-State is \
                    like \"active*\" within 2s\n  instead: NOTIFY, but Subscription-State is like \"active*\", but there \
                    is [\"pending\"]\n  until then:\n";
    assert!(told.starts_with(expected), "{told}");
    assert!(told.contains("|-- NOTIFY Subscription-State=\"pending\" --"), "the ladder is drawn: {told}");
}

#[test]
fn a_precondition_that_fails_shows_nothing() {
    let (verdict, _) = play(&format!("{WATCH}given S1 receives NOTIFY\n"), Vec::new());
    assert!(matches!(verdict, Verdict::Inconclusive(_)));
    assert!(trouble(verdict).contains("instead: nothing in 30s"));
    let (verdict, _) = play("gateway is killed\n", Vec::new());
    assert!(trouble(verdict).contains("this stage offers no gateway"));
}

#[test]
fn what_must_not_come_and_came_is_told() {
    let comes = || vec![(5, 1, notify("pending"))];
    let (verdict, _) = play(&format!("{WATCH}1s pass\nS1 receives no NOTIFY in watch\n"), comes());
    assert!(trouble(verdict).contains("it came: NOTIFY Subscription-State=\"pending\""));
    let (verdict, _) = play(&format!("{WATCH}S1 receives NOTIFY\nS1 receives no NOTIFY for 1s\n"), comes());
    assert_eq!(verdict, Verdict::Pass);
}

#[test]
fn too_early_is_as_wrong_as_out_of_order() {
    let comes = || vec![(5, 1, notify("pending")), (2000, 1, notify("active"))];
    let (verdict, _) = play(&format!("{WATCH}S1 receives NOTIFY not before 1s\n"), comes());
    assert!(trouble(verdict).contains("it came after 5ms"));
    let (verdict, _) = play(&format!("{WATCH}S1 receives next NOTIFY\n  Subscription-State = active\n"), comes());
    assert!(trouble(verdict).contains("receives next NOTIFY"));
}

#[test]
fn an_unset_variable_and_an_unknown_exchange_are_named() {
    let (verdict, _) = play("W1 sends\n  <A>$none</A>\n", Vec::new());
    assert!(trouble(verdict).contains("awaited: a value of $none"));
    let (verdict, _) = play("S1 receives NOTIFY in watch\n", Vec::new());
    assert!(trouble(verdict).contains("awaited: an exchange watch of S1"));
}

#[test]
fn an_actor_that_cannot_do_it_ends_the_wait() {
    let refused = Seen::told(Exchange(1), Seen::REFUSED, "no such header field");
    let (verdict, script) = play(&format!("{WATCH}S1 receives 200\n"), vec![(1, 1, refused)]);
    assert!(trouble(verdict).contains("it cannot do what it was told: no such header field"));
    assert_eq!(script.now, Duration::from_millis(1));
}
