//! Two ends of SSP with a bad wire between them: whatever happens, every request ends, the posts are bounded, and what is
//! kept brings the same end back.

use super::tape::Tape;
use bytes::Bytes;
use std::collections::VecDeque;
use wv_proto::{
    limit::Limits,
    primitive::identifier::MessageId,
    session::time::Timestamp,
    ssp::{
        Body, Document,
        association::{Association, AssociationSettings, Command, Event, Kept, PostResult, Request},
        limit::SspLimits,
        part::{ContentData, MessageInfo, MetaInfo, ServiceId},
        primitive::{PresenceNotification, Primitive, SendMessageRequest, SendMessageResponse},
    },
    status::StatusResult,
    version::Version,
};

struct Play {
    now: u64,
    ends: [Association; 2],
    kept: [Option<Bytes>; 2],
    posts: VecDeque<(usize, u64, Vec<u8>)>,
    asked: u64,
    ended: u64,
    posted: usize,
}

/// Octets as a play: who asks what, and what becomes of each post.
///
/// # Panics
/// When a promise of the machines is broken.
pub fn run(data: &[u8]) {
    let mut tape = Tape::new(data);
    let mut play = Play {
        now: BEGINNING,
        ends: [fresh(0), fresh(1)],
        kept: [None, None],
        posts: VecDeque::new(),
        asked: 0,
        ended: 0,
        posted: 0,
    };
    while let Some(choice) = tape.next_octet()
        && play.posted < 2_000
    {
        let end = usize::from(choice & 1);
        match choice >> 1 & 15 {
            0..=2 => play.ask(end, choice & 32 != 0, choice & 64 != 0),
            3..=8 => play.deliver(1, None),
            9 => play.deliver(2, None),
            10 => play.deliver(1, Some(PostResult::Unanswered)),
            11 => play.deliver(0, Some(PostResult::Refused)),
            12 => play.deliver(0, Some(PostResult::BadRequest)),
            13 => play.deliver(0, Some(PostResult::Unreachable)),
            14 => play.pass(u64::from(tape.octet()) * 500),
            _ => play.restart(end),
        }
    }
    let posted = play.posted;
    for _ in 0..200 {
        let mut left = 500;
        while !play.posts.is_empty() && left > 0 {
            play.deliver(1, None);
            left -= 1;
        }
        play.pass(20_000);
    }
    assert!(play.posted < posted + 3_000, "{} posts", play.posted - posted);
    assert!(play.ends.iter().all(|end| end.waiting() == 0), "something waits for ever");
    assert!(play.ended <= play.asked, "{} of {}", play.ended, play.asked);
}

fn settings(end: usize) -> AssociationSettings {
    let [local, peer] = if end == 0 { ["a.example", "b.example"] } else { ["b.example", "a.example"] };
    AssociationSettings {
        local: ServiceId::of_domain(local),
        peer: ServiceId::of_domain(peer),
        mark: 0,
        version: Version::V1_3,
        secret: None,
        limits: SspLimits::default(),
        seed: [u8::from(end == 0); 32],
    }
}

fn fresh(end: usize) -> Association {
    Association::new(Timestamp::from_millis(BEGINNING), settings(end))
}

impl Play {
    fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    fn ask(&mut self, end: usize, is_message: bool, is_impatient: bool) {
        self.asked += 1;
        let id = format!("m{}", self.asked);
        let primitive = if is_message {
            let message = MessageInfo { message_id: Some(MessageId::new(id.as_str())), ..MessageInfo::default() };
            let content = Some(ContentData { content_type: None, octets: Bytes::from_static(b"x") });
            let (meta, delivery_report) = (MetaInfo::default(), false);
            Primitive::SendMessageRequest(Box::new(SendMessageRequest { meta, delivery_report, message, content }))
        } else {
            Primitive::PresenceNotification(PresenceNotification::default())
        };
        let request = Request {
            key: self.asked,
            name: is_message.then(|| id.into()),
            line: Some("line".into()),
            replaces: !is_message,
            is_kept: is_message,
            is_impatient,
            expires: Timestamp::from_millis(self.now + 600_000),
            primitive,
        };
        self.tell(end, Event::Request(request));
    }

    fn tell(&mut self, end: usize, event: Event) -> bool {
        let now = self.at();
        self.ends[end].handle(now, event);
        self.drain(end)
    }

    fn drain(&mut self, end: usize) -> bool {
        let mut taken = true;
        while let Some(command) = self.ends[end].poll() {
            match command {
                Command::Post { number, document, .. } => {
                    self.posted += 1;
                    self.posts.push_back((end, number, document.write().expect("what machines say can be written")));
                }
                Command::Close { .. } => taken = false,
                Command::Execute { transaction_id, content: Ok(Primitive::SendMessageRequest(request)) } => {
                    let (message_id, status) = (request.message.message_id, StatusResult::success());
                    let primitive = Primitive::SendMessageResponse(SendMessageResponse { message_id, status });
                    let now = self.at();
                    self.ends[end].handle(now, Event::Answer { transaction_id, primitive });
                }
                Command::Finished { .. } => self.ended += 1,
                Command::Keep(Kept::Association(body)) => self.kept[end] = Some(body),
                Command::Keep(Kept::Transaction { .. })
                | Command::Execute { .. }
                | Command::Take { .. }
                | Command::Superseded { .. }
                | Command::Opened
                | Command::Lost
                | Command::SetupFailed { .. } => {}
            }
        }
        taken
    }

    fn deliver(&mut self, times: u64, result: Option<PostResult>) {
        let Some((from, number, octets)) = self.posts.pop_front() else { return };
        let mut taken = true;
        for post in 0..times {
            let document = Document::read(&octets, &Limits::default()).expect("what machines say can be read");
            let event = match document.body {
                Body::Setup(message) => Event::Setup { post, message },
                Body::Session(message) => {
                    Event::Message { post, message, hash: Document::hash_of_transactions(&octets) }
                }
            };
            taken &= self.tell(1 - from, event);
        }
        let heard = if taken { PostResult::Taken } else { PostResult::Unanswered };
        self.tell(from, Event::Posted { number, result: result.unwrap_or(heard) });
    }

    fn pass(&mut self, millis: u64) {
        self.now += millis;
        for end in 0..2 {
            let now = self.at();
            if self.ends[end].deadline().is_some_and(|due| due <= now) {
                self.ends[end].expire(now);
            }
            self.drain(end);
        }
    }

    fn restart(&mut self, end: usize) {
        let now = self.at();
        self.ends[end] = match &self.kept[end] {
            Some(body) => Association::restore(now, settings(end), body).expect("what was kept is taken up"),
            None => Association::new(now, settings(end)),
        };
        self.posts.retain(|(from, ..)| *from != end);
    }
}

const BEGINNING: u64 = 1_900_000_000_000;
