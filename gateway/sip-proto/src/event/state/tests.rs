//! The order of the checks, the life of a publication, and what no sequence of requests may break.

mod matrix;

use super::*;
use proptest::prelude::*;
use std::collections::HashSet;

const ALICE: &str = "sip:alice@wv.example";
const PIDF: &str = "application/pidf+xml";

fn compositor() -> Compositor {
    Compositor::new(CompositorPolicy::presence(), IdSource::new("7", [3; 32]).unwrap())
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_secs(seconds)
}

fn initial(body: &'static str, expires_s: Option<u32>) -> PublishRequest<'static> {
    PublishRequest {
        target: Target::Hosted(ALICE),
        package: Some("presence"),
        if_match: &[],
        expires_s,
        media_type: Some(PIDF),
        body: Bytes::from_static(body.as_bytes()),
    }
}

fn granted(answer: PublishAnswer) -> (EntityTag, u32) {
    match answer {
        PublishAnswer::Granted { entity_tag, expires_s } => (entity_tag, expires_s),
        other => panic!("refused: {other:?}"),
    }
}

fn drain(compositor: &mut Compositor) -> Vec<Command> {
    std::iter::from_fn(|| compositor.poll()).collect()
}

#[test]
fn a_publication_keeps_its_identity_over_refresh_modify_and_remove() {
    let mut compositor = compositor();
    let (first, expires_s) = granted(compositor.publish(at(0), &initial("<a/>", Some(1800))));
    assert_eq!(expires_s, 1800);
    let stored = drain(&mut compositor);
    let [Command::Stored { id, key, body, expires_at, .. }] = stored.as_slice() else { panic!("{stored:?}") };
    assert_eq!((&**body, *expires_at, &*key.package), (&b"<a/>"[..], at(1800), "presence"));
    let (id, key) = (id.clone(), key.clone());

    let refresh = PublishRequest { if_match: std::slice::from_ref(&first), media_type: None, ..initial("", None) };
    let (second, expires_s) = granted(compositor.publish(at(100), &refresh));
    assert_eq!(expires_s, 3600);
    assert_ne!(second, first);
    let expected = Command::Refreshed { id: id.clone(), key: key.clone(), expires_at: at(3700) };
    assert_eq!(drain(&mut compositor), [expected]);

    let modify = PublishRequest { if_match: std::slice::from_ref(&second), ..initial("<b/>", Some(60)) };
    let (third, _) = granted(compositor.publish(at(200), &modify));
    assert!(matches!(drain(&mut compositor).as_slice(), [Command::Stored { id: same, .. }] if *same == id));
    assert_eq!(compositor.deadline(), Some(at(260)));

    let remove = PublishRequest { if_match: &[third], ..initial("", Some(0)) };
    let (_, expires_s) = granted(compositor.publish(at(210), &remove));
    assert_eq!(expires_s, 0);
    assert_eq!(drain(&mut compositor), [Command::Removed { id, key }]);
    assert_eq!(compositor.deadline(), None);
    assert_eq!(compositor.publish(at(220), &refresh), PublishAnswer::PreconditionFailed);
}

#[test]
fn the_checks_come_in_the_order_of_the_specification() {
    let mut compositor = compositor();
    let tags = [EntityTag::parse("a").unwrap(), EntityTag::parse("b").unwrap()];
    let mut request = PublishRequest {
        target: Target::Foreign,
        package: Some("dialog"),
        if_match: &tags,
        expires_s: Some(1),
        media_type: Some("text/plain"),
        body: Bytes::from_static(b"x"),
    };
    assert_eq!(compositor.publish(at(0), &request).status(), 404);
    request.target = Target::Hosted(ALICE);
    assert_eq!(compositor.publish(at(0), &request).status(), 489);
    request.package = None;
    assert_eq!(compositor.publish(at(0), &request).status(), 489);
    request.package = Some("presence");
    assert_eq!(compositor.publish(at(0), &request).status(), 400);
    request.if_match = &tags[..1];
    assert_eq!(compositor.publish(at(0), &request).status(), 412);
    request.if_match = &[];
    assert_eq!(compositor.publish(at(0), &request), PublishAnswer::IntervalTooBrief { expires_min_s: 60 });
    request.expires_s = Some(u32::MAX);
    assert_eq!(compositor.publish(at(0), &request).status(), 415);
    request.media_type = None;
    assert_eq!(compositor.publish(at(0), &request).status(), 415);
    request.body = Bytes::new();
    assert_eq!(compositor.publish(at(0), &request).status(), 400);
    request.body = Bytes::from_static(b"x");
    request.media_type = Some("Application/CPIM-pidf+xml");
    assert_eq!(granted(compositor.publish(at(0), &request)).1, 86_400);
    assert_eq!(drain(&mut compositor).len(), 1);
}

#[test]
fn a_publication_that_is_not_refreshed_expires() {
    let mut compositor = compositor();
    let (tag, _) = granted(compositor.publish(at(0), &initial("<a/>", Some(60))));
    drain(&mut compositor);
    compositor.expire(at(59));
    assert_eq!(compositor.poll(), None);
    // Even when the owner is late, the publication is over.
    let refresh = PublishRequest { if_match: &[tag], ..initial("", Some(60)) };
    assert_eq!(compositor.publish(at(60), &refresh), PublishAnswer::PreconditionFailed);
    assert!(matches!(drain(&mut compositor).as_slice(), [Command::Expired { .. }]));
}

#[test]
fn an_initial_publication_that_ends_at_once_stores_nothing() {
    let mut compositor = compositor();
    assert_eq!(granted(compositor.publish(at(0), &initial("<a/>", Some(0)))).1, 0);
    assert_eq!(compositor.poll(), None);
    assert_eq!(compositor.publications().count(), 0);
}

#[test]
fn publications_of_one_resource_are_bounded_and_those_of_another_are_not_touched() {
    let mut compositor = compositor();
    for second in 0..16 {
        granted(compositor.publish(at(second), &initial("<a/>", Some(600))));
    }
    let answer = compositor.publish(at(20), &initial("<a/>", Some(600)));
    assert_eq!(answer, PublishAnswer::TooManyPublications { retry_after_s: 580 });
    let other = PublishRequest { target: Target::Hosted("sip:carol@wv.example"), ..initial("<a/>", None) };
    granted(compositor.publish(at(20), &other));
    drain(&mut compositor);
    compositor.withdraw(ALICE);
    assert_eq!(drain(&mut compositor).len(), 16);
    assert_eq!(compositor.publications().count(), 1);
}

#[test]
fn a_publication_survives_a_restart() {
    let mut before = compositor();
    let (tag, _) = granted(before.publish(at(0), &initial("<a/>", Some(600))));
    let stored = drain(&mut before);
    let [Command::Stored { id, .. }] = stored.as_slice() else { panic!("{stored:?}") };
    let record = before.snapshot(id).unwrap();

    let mut after = Compositor::new(CompositorPolicy::presence(), IdSource::new("7", [4; 32]).unwrap());
    assert_eq!(after.restore(&record).as_ref(), Ok(id));
    assert_eq!(after.restore(&record).as_ref(), Ok(id));
    let refresh = PublishRequest { if_match: &[tag], ..initial("", Some(600)) };
    granted(after.publish(at(30), &refresh));
    assert!(matches!(drain(&mut after).as_slice(), [Command::Refreshed { id: same, .. }] if same == id));
    after.expire(at(630));
    assert!(matches!(drain(&mut after).as_slice(), [Command::Expired { id: same, .. }] if same == id));
    assert_eq!(after.snapshot(id), None);
    assert!(after.restore(&record[1..]).is_err());
}

proptest! {
    #[test]
    fn tags_never_repeat_and_the_owner_knows_exactly_what_is_alive(
        steps in proptest::collection::vec((0_u64..100, 0_usize..4, 0_usize..6, any::<bool>()), 1..60),
    ) {
        let mut compositor = compositor();
        let (mut tags, mut seen) = (Vec::<EntityTag>::new(), HashSet::new());
        let mut alive = HashSet::new();
        let mut now = 0;
        for (wait, expires, tag, has_body) in steps {
            now += wait;
            let if_match: Vec<_> = tags.iter().rev().nth(tag).cloned().into_iter().collect();
            let request = PublishRequest {
                if_match: &if_match,
                ..initial(if has_body { "<a/>" } else { "" }, [None, Some(0), Some(60), Some(7)][expires])
            };
            if let PublishAnswer::Granted { entity_tag, .. } = compositor.publish(at(now), &request) {
                prop_assert!(seen.insert(entity_tag.clone()));
                tags.push(entity_tag);
            }
            for command in drain(&mut compositor) {
                match command {
                    Command::Stored { id, .. } => { alive.insert(id); }
                    Command::Refreshed { id, .. } => prop_assert!(alive.contains(&id)),
                    Command::Removed { id, .. } | Command::Expired { id, .. } => prop_assert!(alive.remove(&id)),
                }
            }
            let known: HashSet<_> = compositor.publications().map(|(id, ..)| id.clone()).collect();
            prop_assert_eq!(&known, &alive);
            prop_assert!(compositor.deadline().is_none_or(|deadline| deadline > at(now)));
        }
    }

    #[test]
    fn no_record_makes_it_panic(record in proptest::collection::vec(any::<u8>(), 0..80)) {
        prop_assert!(compositor().restore(&record).is_err());
    }
}
