use super::*;
use crate::lab::scenario::{
    model::{Deed, Stages},
    stage::{GatewayWish, Order},
};
use proptest::prelude::*;

const HEAD: &str = "scenario x\nW1 is a wv client\nS1 is a sip agent\n";

fn parse(text: &str) -> Result<Scenario, Problem> {
    let scene = "scene watched WATCHER OTHER\nWATCHER sends SUBSCRIBE to $OTHER.sip as watch\n";
    Scenario::parse(Path::new("x.scn"), text, &|name| {
        (name == "watched").then(|| (PathBuf::from("scene/watched.scn"), scene.to_owned()))
    })
}

fn directions(text: &str) -> Scenario {
    parse(&format!("{HEAD}{text}")).unwrap()
}

#[test]
fn the_head_says_what_it_is_about() {
    let scenario = parse(
        "# comment\nscenario A sentence\ncase IWF-SUB-INT-028 IWF-SUB-INT-029\nclause RFC 6665 4.2.2\n\
         for csp 1.1..1.2 x xml, wbxml\nfor csp 1.3 wbxml\nonly simulation\ngateway of its own\n  set a.b = 1\n\
         W1 is a wv client\nW2 is another wv client of W1\nC is a simple server over tcp\n\nW1 logs in\n",
    )
    .unwrap();
    assert_eq!(scenario.cases, ["IWF-SUB-INT-028", "IWF-SUB-INT-029"]);
    let variants: Vec<String> = scenario.variants.iter().map(ToString::to_string).collect();
    assert_eq!(variants, ["csp 1.1 xml", "csp 1.1 wbxml", "csp 1.2 xml", "csp 1.2 wbxml", "csp 1.3 wbxml"]);
    assert_eq!(scenario.stages, Stages::Simulation);
    assert_eq!(scenario.gateway, GatewayWish::Own(vec![("a.b".to_owned(), "1".to_owned())]));
    assert_eq!(scenario.cast[1].shares_user_of, Some(0));
    assert_eq!(scenario.steps.len(), 1);
}

#[test]
fn a_scene_is_played_with_other_names() {
    let scenario = directions("given play watched S1 W1\nS1 receives NOTIFY in watch\n");
    let Direction::Do(1, Deed::Send(deed)) = &scenario.steps[0].direction else { panic!("{scenario:?}") };
    assert_eq!(deed.name.as_deref(), Some("watch"));
    assert_eq!(deed.uri.as_ref().unwrap().variables().collect::<Vec<_>>(), ["W1.sip"]);
    assert!(scenario.steps[0].is_given && !scenario.steps[1].is_given);
    assert_eq!(scenario.steps[0].place.to_string(), "scene/watched.scn:2");
}

#[test]
fn a_loop_is_written_out() {
    let scenario =
        directions("each $a $b\n  1 \"x y\"\n  2 z\nW1 sends\n  <A>$a</A>\ngateway is killed\ndone\n3s pass\n");
    let kinds: Vec<usize> = scenario.steps.iter().map(|step| step.place.line).collect();
    assert_eq!(kinds, [5, 5, 7, 9, 6, 6, 7, 9, 11]);
    assert_eq!(scenario.steps[3].direction, Direction::Operate(Order::Kill));
}

#[test]
fn problems_name_file_line_and_what_could_be_meant() {
    for (text, expected) in [
        ("W1 recieves NewMessage\n", "x.scn:4: recieves is no verb of a WV client; did you mean receives? Known: "),
        ("W3 logs in\n", "x.scn:4: W3 is no actor; did you mean W1? Known: W1, S1, let, "),
        ("W1 sends\n", "x.scn:4: the primitive is missing"),
        ("S1 sends SUBSCRIBE\n", "x.scn:4: where to?"),
        ("S1 sends SUBSCRIBE to sip:x\n  Event presence\n", "x.scn:5: write a header field"),
        ("S1 receives 200\n  Expires == 5\n", "x.scn:5: == is no test; did you mean =? Known: "),
        ("S1 receives 200 within soon\n", "x.scn:4: soon is no time"),
        ("W1 logs in\n\n  x\n", "x.scn:6: nothing can be indented"),
        ("play watchd S1 W1\n", "x.scn:4: there is no scene watchd"),
        ("play watched S1\n", "x.scn:4: the argument OTHER of watched is missing"),
        ("each $a\n  1\nW1 logs in\n", "x.scn:4: the loop has no done"),
        ("W1 logs in twice\n", "x.scn:4: \"twice\" is not understood here"),
        (
            "W1 sends Logout-Request as bye\n  <Logout-Request/>\n",
            "x.scn:4: write: sends as NAME; the XML below says what",
        ),
        ("W1 sends\n  <A>${b</A>\n", "x.scn:4: ${ without }"),
        ("in csp 1.4: W1 logs in\n", "x.scn:4: 1.4 is no version of CSP; did you mean 1.1?"),
    ] {
        let problem = parse(&format!("{HEAD}{text}")).unwrap_err().to_string();
        assert!(problem.starts_with(expected), "{problem}");
    }
    assert!(parse("").unwrap_err().to_string().starts_with("x.scn:1: a scenario begins with"));
    assert!(parse(HEAD).unwrap_err().to_string().contains("nothing happens"));
}

proptest! {
    #[test]
    fn any_text_is_a_scenario_or_has_a_problem_with_a_place(text in "(scenario x\n)?(W1 is a wv client\n)?(\\PC{0,20}\n|  \\PC{0,10}\n|W1 [a-z ]{0,20}\n|each \\$a\n|done\n){0,8}") {
        if let Err(problem) = parse(&text) {
            prop_assert!(problem.place.line >= 1 && problem.place.line <= text.lines().count().max(1) + 1);
            prop_assert!(!problem.reason.is_empty());
        }
    }

    #[test]
    fn a_direction_that_was_read_keeps_its_words(method in "[A-Z]{3,9}", name in "[a-z]{1,6}", note in "[a-zA-Z <>&]{0,20}") {
        let scenario = directions(&format!("S1 sends {method} to $W1.sip as {name}\n  Event: presence\n  | {note}\n"));
        let Direction::Do(1, Deed::Send(deed)) = &scenario.steps[0].direction else { panic!("{scenario:?}") };
        prop_assert_eq!(&deed.method, &method);
        prop_assert_eq!(deed.name.as_deref(), Some(name.as_str()));
        prop_assert_eq!(deed.body.as_ref().unwrap().fill(&|_| None).unwrap(), note);
    }
}
