//! Every state of an event state meets every event.

use super::*;

fn compositor_in(state: &str) -> (Compositor, EntityTag) {
    let mut compositor = compositor();
    let mut latest = EntityTag::parse("none").unwrap();
    let count = match state {
        "none" => 0,
        "one" => 1,
        "full" => CompositorPolicy::presence().publications_max,
        other => panic!("{other}"),
    };
    for _ in 0..count {
        (latest, _) = granted(compositor.publish(at(0), &initial("<a/>", Some(1800))));
    }
    drain(&mut compositor);
    (compositor, latest)
}

fn happen(compositor: &mut Compositor, tag: EntityTag, event: &str) -> String {
    let tags = [tag, EntityTag::parse("second").unwrap()];
    let known = &tags[..1];
    let request = match event {
        "initial" => initial("<a/>", None),
        "initial, expires=0" => initial("<a/>", Some(0)),
        "initial without body" => initial("", None),
        "initial of another type" => PublishRequest { media_type: Some("text/plain"), ..initial("x", None) },
        "refresh" => PublishRequest { if_match: known, media_type: None, ..initial("", None) },
        "modify" => PublishRequest { if_match: known, ..initial("<b/>", None) },
        "modify by another type" => {
            PublishRequest { if_match: known, media_type: Some("text/plain"), ..initial("x", None) }
        }
        "remove" => PublishRequest { if_match: known, media_type: None, ..initial("", Some(0)) },
        "unknown tag" => PublishRequest { if_match: &tags[1..], ..initial("<b/>", None) },
        "two tags" => PublishRequest { if_match: &tags, ..initial("<b/>", None) },
        "expires=5" => PublishRequest { if_match: known, ..initial("<b/>", Some(5)) },
        "another package" => PublishRequest { package: Some("dialog"), ..initial("<a/>", None) },
        "no package" => PublishRequest { package: None, ..initial("<a/>", None) },
        "foreign resource" => PublishRequest { target: Target::Foreign, ..initial("<a/>", None) },
        "time passes" => {
            compositor.expire(at(100_000));
            return "done".to_owned();
        }
        other => panic!("{other}"),
    };
    compositor.publish(at(10), &request).status().to_string()
}

#[test]
fn every_state_of_an_event_state_has_a_row_for_every_event() {
    let events = [
        "initial",
        "initial, expires=0",
        "initial without body",
        "initial of another type",
        "refresh",
        "modify",
        "modify by another type",
        "remove",
        "unknown tag",
        "two tags",
        "expires=5",
        "another package",
        "no package",
        "foreign resource",
        "time passes",
    ];
    let mut table = String::from("# event state compositor (RFC 3903 §6): state + event -> answer, what changed\n");
    for state in ["none", "one", "full"] {
        for event in events {
            let (mut compositor, tag) = compositor_in(state);
            let answer = happen(&mut compositor, tag, event);
            let mut changes: Vec<&str> = drain(&mut compositor)
                .iter()
                .map(|command| match command {
                    Command::Stored { .. } => "stored",
                    Command::Refreshed { .. } => "refreshed",
                    Command::Removed { .. } => "removed",
                    Command::Expired { .. } => "expired",
                })
                .collect();
            let more = changes.split_off(changes.len().min(2)).len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            table.push_str(&format!("{state} + {event} -> {answer}, {changes:?}{more}\n"));
        }
    }
    crate::generated::compare("fixtures/state/sip_compositor.txt", &table);
}
