//! The order against a look at all transactions.

use super::*;
use crate::{
    primitive::identifier::UserId,
    ssp::{part::MetaInfo, primitive::UnsubscribeRequest},
};
use proptest::prelude::*;

/// The first that may leave: nothing older of its line is left.
fn first_ready(outbox: &Outbox) -> Option<u64> {
    let mut busy = Vec::new();
    for (number, entry) in &outbox.entries {
        let line = entry.request.line.as_deref();
        if line.is_some_and(|line| busy.contains(&line)) {
            continue;
        }
        if entry.machine.state == TransactionState::Queued {
            return Some(*number);
        }
        busy.extend(line);
    }
    None
}

fn first_due(outbox: &Outbox) -> Option<Timestamp> {
    let all = outbox.entries.values().filter(|entry| entry.machine.state != TransactionState::Posting);
    all.flat_map(|entry| [entry.waits_until, Some(entry.request.expires)].into_iter().flatten()).min()
}

fn request(line: u8, replaces: bool, is_impatient: bool, expires: Timestamp) -> Request {
    let primitive = UnsubscribeRequest { meta: MetaInfo::default(), users: vec![UserId::new("wv:bob@sip.example")] };
    Request {
        key: 1,
        name: None,
        line: (line > 0).then(|| format!("line {line}").into()),
        replaces: replaces && line > 0,
        is_kept: false,
        is_impatient,
        expires,
        primitive: Primitive::UnsubscribeRequest(Box::new(primitive)),
    }
}

proptest! {
    #[test]
    fn the_order_says_what_a_look_at_all_of_them_says(
        steps in prop::collection::vec((0_u8..10, 0_u8..4, any::<u8>()), 1..120)
    ) {
        let mut outbox = Outbox::new(SspLimits::default());
        let (mut commands, mut now, mut last) = (VecDeque::new(), Timestamp::from_millis(1_000_000), 0_u64);
        for (step, line, choice) in steps {
            let posting: Vec<TransactionId> = outbox.entries.values().map(|entry| entry.transaction_id.clone()).collect();
            let id = posting.get(usize::from(choice) % posting.len().max(1)).cloned();
            let id = id.unwrap_or_else(|| TransactionId::new("none"));
            let mode = TransactionMode::Request;
            match step {
                0..=2 => {
                    last += 1;
                    let life = Duration::from_secs(u64::from(choice) + 1);
                    let request = request(line, choice % 5 == 0, choice % 2 == 0, now.after(life));
                    let id = TransactionId::new(format!("{last:010}-0"));
                    outbox.push(now, id, request, &mut commands).unwrap();
                }
                3 | 4 => {
                    let expected = first_ready(&outbox);
                    let expected = expected.and_then(|number| outbox.entries.get(&number));
                    let expected = expected.map(|entry| entry.transaction_id.clone());
                    let next = outbox.next().and_then(|outgoing| outgoing.transactions.into_iter().next());
                    prop_assert_eq!(next.map(|transaction| transaction.transaction_id), expected);
                }
                5 => drop(outbox.step(now, &id, mode, TransactionEvent::Taken, &mut commands)),
                6 => drop(outbox.step(now, &id, mode, TransactionEvent::Refused, &mut commands)),
                7 => drop(outbox.answered(now, &id, &mut commands)),
                8 => {
                    now = now.after(Duration::from_secs(u64::from(choice)));
                    drop(outbox.expire(now, &mut commands));
                }
                _ if choice % 2 == 0 => outbox.resume(),
                _ => drop(outbox.setup_failed(now, &mut commands)),
            }
            prop_assert_eq!(outbox.order.ready().next(), first_ready(&outbox));
            prop_assert_eq!(outbox.deadline(), first_due(&outbox));
            prop_assert_eq!(outbox.is_waiting(), outbox.entries.values().any(Entry::is_waiting));
        }
        outbox.fail_all(&mut commands);
        prop_assert!(outbox.order.ready().next().is_none() && outbox.order.first_due().is_none());
        prop_assert_eq!(outbox.order.of_line("line 1").count(), 0);
    }
}
