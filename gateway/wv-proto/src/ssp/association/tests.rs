//! Two associations against each other, over a wire that the test holds.

use super::*;
use crate::{
    limit::Limits,
    ssp::{
        document::Body,
        part::{ContentData, MessageInfo, MetaInfo},
        primitive::{SendMessageRequest, SendMessageResponse},
    },
    status::StatusResult,
};
use proptest::prelude::*;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(1_900_000_000_000 + millis)
}

fn association(local: &str, peer: &str) -> Association {
    Association::new(at(0), settings(local, peer))
}

fn settings(local: &str, peer: &str) -> AssociationSettings {
    AssociationSettings {
        local: ServiceId::of_domain(local),
        peer: ServiceId::of_domain(peer),
        mark: 1,
        version: Version::V1_3,
        secret: None,
        limits: SspLimits::default(),
        seed: [local.len() as u8; 32],
    }
}

fn message(id: &str) -> Primitive {
    let message =
        MessageInfo { message_id: Some(crate::primitive::identifier::MessageId::new(id)), ..MessageInfo::default() };
    let content = Some(ContentData { content_type: None, octets: bytes::Bytes::from_static(b"hello") });
    Primitive::SendMessageRequest(Box::new(SendMessageRequest {
        meta: MetaInfo::default(),
        delivery_report: false,
        message,
        content,
    }))
}

fn request(key: u64) -> Event {
    Event::Request(Request {
        key,
        name: Some(format!("m{key}").into()),
        line: None,
        replaces: false,
        is_kept: true,
        is_impatient: false,
        expires: at(86_400_000),
        primitive: message(&format!("m{key}")),
    })
}

/// What happens to a post on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Arrives,
    /// It arrives, and the answer of HTTP is lost.
    ArrivesUnheard,
    ArrivesTwice,
    Refused,
    BadRequest,
    Unreachable,
}

/// Two ends with everything between them.
struct Wire {
    now: u64,
    ends: [Association; 2],
    /// From which end, and what.
    posts: VecDeque<(usize, u64, Document)>,
    executed: Vec<Vec<String>>,
    finished: Vec<(usize, u64, Result<Option<Primitive>, Failure>)>,
    kept: [Option<bytes::Bytes>; 2],
    posted: usize,
    last: u64,
}

impl Wire {
    fn new() -> Self {
        Self {
            now: 0,
            ends: [association("a.example", "b.example"), association("b.example", "a.example")],
            posts: VecDeque::new(),
            executed: vec![Vec::new(), Vec::new()],
            finished: Vec::new(),
            kept: [None, None],
            posted: 0,
            last: 0,
        }
    }

    fn tell(&mut self, end: usize, event: Event) -> bool {
        let now = at(self.now);
        self.ends[end].handle(now, event);
        self.drain(end)
    }

    /// Whether the post that was handed in is taken.
    fn drain(&mut self, end: usize) -> bool {
        let mut taken = true;
        while let Some(command) = self.ends[end].poll() {
            match command {
                Command::Post { number, document, .. } => {
                    let octets = document.write().unwrap();
                    self.posted += 1;
                    self.posts.push_back((end, number, Document::read(&octets, &Limits::default()).unwrap()));
                }
                Command::Take { .. } => {}
                Command::Close { .. } => taken = false,
                Command::Execute { transaction_id, content } => {
                    let Ok(Primitive::SendMessageRequest(request)) = content else { continue };
                    let message_id = request.message.message_id;
                    self.executed[end].push(message_id.as_ref().unwrap().as_str().to_owned());
                    let primitive = Primitive::SendMessageResponse(SendMessageResponse {
                        message_id,
                        status: StatusResult::success(),
                    });
                    let now = at(self.now);
                    self.ends[end].handle(now, Event::Answer { transaction_id, primitive });
                }
                Command::Finished { key, result } => self.finished.push((end, key, result)),
                Command::Keep(Kept::Association(body)) => self.kept[end] = Some(body),
                Command::Keep(Kept::Transaction { .. })
                | Command::Superseded { .. }
                | Command::Opened
                | Command::Lost
                | Command::SetupFailed { .. } => {}
            }
        }
        taken
    }

    fn deliver(&mut self, fate: Fate) {
        let Some((from, number, document)) = self.posts.pop_front() else { return };
        let times = match fate {
            Fate::Arrives | Fate::ArrivesUnheard => 1,
            Fate::ArrivesTwice => 2,
            Fate::Refused | Fate::BadRequest | Fate::Unreachable => 0,
        };
        let mut taken = true;
        for _ in 0..times {
            self.last += 1;
            let event = match document.body.clone() {
                Body::Setup(message) => Event::Setup { post: self.last, message },
                Body::Session(message) => {
                    let hash = Document::hash_of_transactions(&document.write().unwrap());
                    Event::Message { post: self.last, message, hash }
                }
            };
            taken &= self.tell(1 - from, event);
        }
        let result = match fate {
            Fate::Arrives | Fate::ArrivesTwice if taken => PostResult::Taken,
            Fate::Arrives | Fate::ArrivesTwice | Fate::ArrivesUnheard => PostResult::Unanswered,
            Fate::Refused => PostResult::Refused,
            Fate::BadRequest => PostResult::BadRequest,
            Fate::Unreachable => PostResult::Unreachable,
        };
        self.tell(from, Event::Posted { number, result });
    }

    fn run(&mut self) {
        for _ in 0..1000 {
            if self.posts.is_empty() {
                return;
            }
            self.deliver(Fate::Arrives);
        }
        panic!("no end: {:?}", self.posts);
    }

    /// Time passes until nothing is due before `until`.
    fn pass(&mut self, until: u64) {
        for _ in 0..10_000 {
            self.run();
            let due = self.ends.iter().filter_map(Association::deadline).min();
            let Some(due) = due.filter(|due| *due <= at(until)) else { break };
            self.now = self.now.max(due.as_millis() - at(0).as_millis());
            for end in 0..2 {
                let now = at(self.now);
                self.ends[end].expire(now);
                self.drain(end);
            }
        }
        self.now = self.now.max(until);
    }

    fn restart(&mut self, end: usize) {
        let settings = self.ends[end].settings().clone();
        let kept = self.kept[end].clone();
        let now = at(self.now);
        self.ends[end] = match kept {
            Some(body) => Association::restore(now, settings, &body).unwrap(),
            None => Association::new(now, settings),
        };
        self.posts.retain(|(from, ..)| *from != end);
    }
}

#[test]
fn wv_ssp_03_six_steps_make_a_session_and_the_request_follows() {
    let mut wire = Wire::new();
    wire.tell(0, request(1));
    let mut titles = Vec::new();
    while let Some((from, _, document)) = wire.posts.front() {
        titles.push(format!("{from} {}", document.title()));
        wire.deliver(Fate::Arrives);
    }
    assert_eq!(
        titles,
        [
            "0 SendSecretToken Request",
            "1 SendSecretToken Response",
            "0 LoginRequest Request",
            "1 LoginRequest Response",
            "0 LoginResponse Request",
            "1 LoginResponse Response",
            "0 SendMessageRequest Request",
            "1 SendMessageResponse Response",
        ]
    );
    assert_eq!(wire.executed[1], ["m1"]);
    assert!(matches!(wire.finished.as_slice(), [(0, 1, Ok(Some(Primitive::SendMessageResponse(_))))]));
    let (own, peer) = wire.ends[0].session().unwrap();
    assert!(own.as_str().ends_with("@a.example") && peer.as_str().ends_with("@b.example"));
    assert_eq!(wire.ends[1].session(), Some((peer, own)));
    // One session serves both directions.
    wire.tell(1, request(2));
    assert_eq!(wire.posts.len(), 1);
    wire.run();
    assert_eq!(wire.executed[0], ["m2"]);
}

#[test]
fn crossing_set_ups_end_in_one_that_works_both_ways() {
    let mut wire = Wire::new();
    wire.tell(0, request(1));
    wire.tell(1, request(2));
    wire.run();
    assert_eq!((wire.executed[1].as_slice(), wire.executed[0].as_slice()), (&["m1".into()][..], &["m2".into()][..]));
    for key in 3..6 {
        wire.tell(0, request(key));
        wire.tell(1, request(key + 10));
        wire.run();
    }
    assert_eq!(wire.finished.len(), 8);
    assert!(wire.finished.iter().all(|(.., result)| result.is_ok()));
}

#[test]
fn wv_ssp_12_a_half_open_set_up_is_gone_after_its_time_and_begins_anew() {
    for lost in 0..6 {
        let mut wire = Wire::new();
        wire.tell(0, request(1));
        for _ in 0..lost {
            wire.deliver(Fate::Arrives);
        }
        // The step vanishes and nobody hears of it.
        wire.posts.clear();
        wire.pass(61_000 + 300_000);
        assert_eq!(wire.executed[1], ["m1"], "step {}", lost + 1);
        assert_eq!(wire.finished.len(), 1, "step {}", lost + 1);
        assert_eq!(wire.ends[0].state(at(wire.now)), AssociationState::Open);
    }
}

#[test]
fn a_step_that_comes_too_early_is_made_once_more() {
    for (arrived, title) in [(1, "SendSecretToken Response"), (2, "LoginRequest Request")] {
        let mut wire = Wire::new();
        wire.tell(0, request(1));
        for _ in 0..arrived {
            wire.deliver(Fate::Arrives);
        }
        let (_, _, document) = wire.posts.front().unwrap();
        assert_eq!(document.title(), title);
        wire.deliver(Fate::Refused);
        assert!(wire.posts.is_empty(), "{title}");
        wire.pass(1_100);
        assert_eq!(wire.executed[1], ["m1"], "{title}");
    }
}

#[test]
fn the_end_that_was_asked_sends_nothing_before_its_last_step_is_taken() {
    let mut wire = Wire::new();
    wire.tell(0, request(1));
    for _ in 0..3 {
        wire.deliver(Fate::Arrives);
    }
    wire.tell(1, request(2));
    wire.deliver(Fate::Arrives);
    wire.deliver(Fate::Arrives);
    let titles: Vec<String> =
        wire.posts.iter().map(|(from, _, document)| format!("{from} {}", document.title())).collect();
    assert_eq!(titles, ["1 LoginResponse Response"]);
    wire.run();
    assert_eq!((wire.executed[0].as_slice(), wire.executed[1].as_slice()), (&["m2".into()][..], &["m1".into()][..]));
}

// QUIRK ssp_dead_session: goes on in a session that its peer has replaced, and repeats what is refused there until it
// expires; Baraza.
#[test]
fn what_the_peer_sends_in_a_session_it_refuses_to_us_is_taken() {
    let mut wire = Wire::new();
    wire.tell(0, request(1));
    wire.run();
    let (_, peer) = wire.ends[0].session().unwrap();
    let peer = peer.clone();
    wire.tell(0, request(2));
    wire.deliver(Fate::Unreachable);
    wire.tell(0, request(3));
    wire.pass(100_000);
    assert!(wire.ends[0].knows_session(&peer));
    assert_eq!(wire.finished.len(), 3);
    wire.restart(0);
    assert!(wire.ends[0].knows_session(&peer));
    wire.tell(1, request(4));
    wire.pass(200_000);
    assert_eq!(wire.executed[0], ["m4"]);
}

#[test]
fn wv_ssp_11_a_peer_that_has_forgotten_the_session_gets_a_new_one() {
    let mut wire = Wire::new();
    wire.tell(0, request(1));
    wire.run();
    wire.ends[1] = association("b.example", "a.example");
    wire.kept[1] = None;
    wire.tell(0, request(2));
    wire.pass(200_000);
    assert_eq!(wire.executed[1], ["m1", "m2"]);
    assert_eq!(wire.finished.len(), 2);
}

#[test]
fn wv_ssp_13_what_comes_twice_is_executed_once_and_answered_again() {
    let mut wire = Wire::new();
    wire.tell(0, request(1));
    for _ in 0..6 {
        wire.deliver(Fate::Arrives);
    }
    wire.deliver(Fate::ArrivesTwice);
    wire.run();
    assert_eq!(wire.executed[1], ["m1"]);
    assert_eq!(wire.finished.len(), 1);
}

#[test]
fn the_session_and_a_half_survive_a_restart() {
    for steps in 0..8 {
        for end in 0..2 {
            let mut wire = Wire::new();
            wire.tell(0, request(1));
            for _ in 0..steps {
                wire.deliver(Fate::Arrives);
            }
            wire.restart(end);
            wire.tell(0, request(2));
            wire.pass(400_000);
            assert!(wire.executed[1].contains(&"m2".to_owned()), "after {steps} steps, end {end}");
        }
    }
}

#[test]
fn a_session_is_renewed_and_never_missing() {
    let mut wire = Wire::new();
    wire.tell(0, request(1));
    wire.run();
    let first = wire.ends[0].session().unwrap().0.clone();
    wire.pass(86_500_000);
    let second = wire.ends[0].session().unwrap().0.clone();
    assert_ne!(first, second);
    wire.tell(1, request(2));
    wire.run();
    assert_eq!(wire.executed[0], ["m2"]);
}

#[test]
fn who_cannot_prove_anything_gets_no_session() {
    let mut wire = Wire::new();
    wire.tell(0, request(1));
    wire.deliver(Fate::Arrives);
    wire.posts.clear();
    // Somebody who never got the call-back goes on.
    let id = wire.ends[1].answering.as_ref().unwrap().transaction_id.clone();
    let service = ServiceId::of_domain("a.example");
    let digest = SecretToken::new("guessed").digest();
    let step = SetupStep::LoginRequest { service, time_to_live: None, digest };
    let message =
        super::super::document::SetupMessage { mode: TransactionMode::Request, transaction_id: id.clone(), step };
    assert!(!wire.tell(1, Event::Setup { post: 1, message }));
    let step = SetupStep::LoginResponse {
        session_id: Some(SessionId::new("1@a.example")),
        time_to_live: None,
        status: StatusResult::success(),
    };
    let message = super::super::document::SetupMessage { mode: TransactionMode::Request, transaction_id: id, step };
    assert!(!wire.tell(1, Event::Setup { post: 2, message }));
    assert_eq!(wire.ends[1].session(), None);
}

/// Requests are executed here, and answered when a test says so.
struct Desk {
    end: Association,
    now: u64,
    posts: Vec<(u64, Document)>,
    session: SessionId,
    requests: u64,
}

impl Desk {
    fn new() -> Self {
        let mut wire = Wire::new();
        wire.tell(0, request(1));
        wire.run();
        let [_, end] = wire.ends;
        let session = end.session().unwrap().1.clone();
        Self { end, now: wire.now, posts: Vec::new(), session, requests: 0 }
    }

    fn handle(&mut self, event: Event) {
        self.end.handle(at(self.now), event);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(command) = self.end.poll() {
            if let Command::Post { number, document, transaction_header, session_header } = command {
                assert!(transaction_header.is_none() || session_header.as_ref() != Some(&self.session));
                self.posts.push((number, *document));
            }
        }
    }

    fn ask(&mut self, id: u64) {
        let (mode, transaction_id) = (TransactionMode::Request, TransactionId::new(id.to_string()));
        let transaction = Transaction { mode, transaction_id, content: Ok(message(&format!("m{id}"))) };
        let message = SessionMessage { session_id: self.session.clone(), transactions: vec![transaction] };
        self.requests += 1;
        self.handle(Event::Message { post: self.requests, message, hash: id });
    }

    fn answer(&mut self, id: u64) {
        let status = StatusResult::success();
        let primitive = Primitive::SendMessageResponse(SendMessageResponse { message_id: None, status });
        self.handle(Event::Answer { transaction_id: TransactionId::new(id.to_string()), primitive });
    }

    /// As many messages are asked and answered.
    fn serve(&mut self, ids: std::ops::RangeInclusive<u64>) {
        for id in ids {
            self.ask(id);
            self.answer(id);
        }
    }

    fn land(&mut self, place: usize, result: PostResult) {
        let (number, _) = self.posts.remove(place);
        self.handle(Event::Posted { number, result });
    }

    fn pass(&mut self, millis: u64) {
        self.now += millis;
        self.end.expire(at(self.now));
        self.drain();
    }

    /// The ids in each post that is under way.
    fn under_way(&self) -> Vec<Vec<u64>> {
        let ids = |document: &Document| match &document.body {
            Body::Session(message) => {
                message.transactions.iter().map(|one| one.transaction_id.as_str().parse().unwrap_or(0)).collect()
            }
            Body::Setup(_) => panic!("a set-up"),
        };
        self.posts.iter().map(|(_, document)| ids(document)).collect()
    }
}

#[test]
fn wv_ssp_17_answers_gather_while_one_is_under_way_and_go_in_one_message_in_order() {
    let mut desk = Desk::new();
    desk.serve(1..=1);
    assert_eq!(desk.under_way(), [[1]], "an answer alone does not wait");
    desk.serve(2..=5);
    assert_eq!(desk.under_way(), [[1]]);
    desk.land(0, PostResult::Taken);
    assert_eq!(desk.under_way(), [[2, 3, 4, 5]]);
    desk.land(0, PostResult::Taken);
    assert_eq!((desk.under_way().len(), desk.end.waiting()), (0, 0));
}

#[test]
fn wv_ssp_17_a_full_message_goes_at_once_and_no_answer_waits_long() {
    let mut desk = Desk::new();
    let most = SspLimits::default().answers_per_post_max as u64;
    desk.serve(1..=most + 3);
    assert_eq!(desk.under_way(), [vec![1], (2..=most + 1).collect()]);
    let due = desk.end.deadline().unwrap();
    assert_eq!(due, at(desk.now).after(SspLimits::default().gather_wait));
    desk.pass(due.as_millis() - at(desk.now).as_millis());
    assert_eq!(desk.under_way()[2..], [[most + 2, most + 3]]);
}

#[test]
fn wv_ssp_17_nothing_overtakes_the_answers_that_gather() {
    let mut desk = Desk::new();
    desk.serve(1..=3);
    desk.handle(request(9));
    let under_way = desk.under_way();
    assert_eq!(under_way[..2], [vec![1], vec![2, 3]]);
    assert_eq!(under_way.len(), 3, "and the request after them");
    // An answer that says more than a result goes by itself.
    desk.ask(4);
    let primitive = Primitive::GetPresenceResponse(crate::ssp::primitive::GetPresenceResponse::default());
    desk.handle(Event::Answer { transaction_id: TransactionId::new("4"), primitive });
    assert_eq!(desk.under_way()[3..], [[4]]);
}

// QUIRK ssp_one_transaction: refuses a message with several transactions, or asks again for what was answered in one,
// so each goes by itself; none known.
#[test]
fn wv_ssp_17_answers_that_are_not_taken_together_are_given_one_by_one() {
    let mut desk = Desk::new();
    desk.serve(1..=4);
    desk.land(0, PostResult::Taken);
    assert_eq!(desk.under_way(), [[2, 3, 4]]);
    desk.land(0, PostResult::BadRequest);
    assert_eq!(desk.under_way(), [[2], [3], [4]]);
    assert_eq!(desk.end.take_met(), [SspQuirk::OneTransaction]);
    // One of them was the bad one: it is over, and the others arrive.
    desk.land(1, PostResult::BadRequest);
    desk.land(0, PostResult::Taken);
    desk.land(0, PostResult::Taken);
    assert_eq!(desk.end.waiting(), 0);
    desk.serve(5..=6);
    assert_eq!(desk.under_way(), [[5], [6]], "nothing gathers any more");
    desk.end.change_answers_per_post(8);
    desk.serve(7..=9);
    assert_eq!(desk.under_way(), [[5], [6]], "the operator says that they may");
    desk.land(0, PostResult::Taken);
    desk.land(0, PostResult::Taken);
    assert_eq!(desk.under_way(), [[7, 8, 9]]);
}

#[test]
fn wv_ssp_17_a_peer_that_lost_some_of_several_answers_gets_each_by_itself() {
    let mut desk = Desk::new();
    desk.serve(1..=3);
    desk.land(0, PostResult::Taken);
    desk.land(0, PostResult::Taken);
    desk.ask(1);
    desk.land(0, PostResult::Taken);
    assert_eq!(desk.end.take_met(), [], "it left by itself before");
    desk.ask(3);
    assert_eq!(desk.end.take_met(), [SspQuirk::OneTransaction]);
    desk.ask(2);
    assert_eq!(desk.under_way(), [[3], [2]]);
}

#[test]
fn wv_ssp_17_what_was_refused_together_is_tried_again_alone() {
    for (result, pause) in [(PostResult::Refused, 10_000), (PostResult::Unreachable, 10_000)] {
        let mut desk = Desk::new();
        desk.serve(1..=3);
        desk.land(0, PostResult::Taken);
        desk.land(0, result);
        assert!(desk.under_way().is_empty());
        desk.pass(pause);
        assert_eq!(desk.under_way(), [[2], [3]], "{result:?}");
        desk.land(0, PostResult::Taken);
        desk.land(0, PostResult::Taken);
        assert_eq!(desk.end.waiting(), 0);
    }
}

#[test]
fn wv_ssp_17_posts_that_are_under_way_are_counted_until_they_land() {
    let mut desk = Desk::new();
    desk.end.change_answers_per_post(1);
    desk.serve(1..=20);
    let most = SspLimits::default().posts_max;
    assert_eq!(desk.under_way().len(), most);
    desk.land(0, PostResult::Taken);
    assert_eq!(desk.under_way().len(), most);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_the_wire_does_every_request_ends_and_nothing_is_done_twice(
        fates in proptest::collection::vec(0_u8..12, 0..60),
        keys in 1_u64..8,
    ) {
        let mut wire = Wire::new();
        for key in 1..=keys {
            wire.tell(usize::from(key % 3 == 0), request(key));
        }
        for fate in fates {
            let fate = match fate {
                0 => Fate::ArrivesTwice,
                1 => Fate::Refused,
                2 => Fate::Unreachable,
                3 => Fate::ArrivesUnheard,
                4 => Fate::BadRequest,
                5 => { wire.pass(wire.now + 1_500); Fate::Arrives }
                _ => Fate::Arrives,
            };
            wire.deliver(fate);
        }
        wire.pass(wire.now + 2_000_000);
        prop_assert_eq!(wire.finished.len() as u64, keys, "{:?}", wire.finished);
        prop_assert!(wire.posted < 400, "{} posts", wire.posted);
        for (_, key, result) in &wire.finished {
            if matches!(result, Ok(Some(_))) {
                let name = format!("m{key}");
                prop_assert!(wire.executed.iter().flatten().any(|done| *done == name));
            }
        }
        for done in &wire.executed {
            let once: std::collections::BTreeSet<&String> = done.iter().collect();
            prop_assert_eq!(once.len(), done.len(), "{:?}", done);
        }
        for end in &wire.ends {
            prop_assert_eq!(end.waiting(), 0);
        }
    }

    #[test]
    fn octets_that_are_no_snapshot_are_refused(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
        let mut body = b"WVSP\x01".to_vec();
        body.extend(octets);
        let _ = Association::restore(at(0), settings("a.example", "b.example"), &body);
        let _ = association("a.example", "b.example").restore_transaction(&body);
    }
}
