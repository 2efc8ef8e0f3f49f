use super::*;
use crate::relay::machine::Storage;

#[test]
fn every_attempt_of_a_message_to_several_devices_has_its_row() {
    let not_now = Some((Outcome::Unavailable, Some(Duration::from_secs(9))));
    let never = Some((Outcome::Blocked, None));
    let states = [
        ("one runs", 1, None),
        ("two run", 2, None),
        ("one runs, one said not now", 1, not_now),
        ("one runs, one said never", 1, never),
        ("two run, one said never", 2, never),
        ("none runs", 0, None),
    ];
    let mut table =
        String::from("# attempts of one message: state, end of an attempt: verdict on the whole, what runs on\n");
    for (state, running, failure) in states {
        for outcome in [Outcome::Success, Outcome::Stored, Outcome::Unavailable, Outcome::NotLoggedIn, Outcome::Blocked]
        {
            for (delivery, whose) in [(1, "own"), (7, "unknown")] {
                let mut relay = Relay::new(RelayMachine::new(Storage::On), Target::Devices);
                relay.running.extend((1..=running).map(DeliveryId));
                relay.failure = failure;
                let verdict = relay.finish(DeliveryId(delivery), outcome, None);
                let verdict = verdict.map_or("none yet".to_owned(), |(outcome, wait)| match wait {
                    Some(wait) => format!("{outcome:?} again after {wait:?}"),
                    None => format!("{outcome:?}"),
                });
                let row = format!("{state}, {whose} {outcome:?}: {verdict}, {} run\n", relay.running.len());
                table.push_str(&row);
            }
        }
    }
    crate::generated::compare("fixtures/state/mapping_attempt.txt", &table);
}
