//! Messages whose answer did not reach the client: it sends them again under another TransactionID, and means the same.

use mapping::time::Timestamp;
use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};
use wv_proto::{primitive::message::SendMessageRequest, session::transaction::PostId};

/// The last messages of one session.
// WV-TRX-12
#[derive(Debug, Default)]
pub(super) struct Unheard {
    sent: VecDeque<Sent>,
}

#[derive(Debug)]
struct Sent {
    post: PostId,
    fingerprint: u64,
    origin: String,
    at: Timestamp,
    /// Whether the client had gone when it was answered.
    is_unheard: bool,
}

impl Unheard {
    /// The origin of a message: that of the earlier one that it repeats, or this one.
    pub(super) fn origin(
        &mut self,
        now: Timestamp,
        post: PostId,
        request: &SendMessageRequest,
        origin: String,
    ) -> String {
        self.sent.retain(|sent| now < sent.at.after(WINDOW));
        let fingerprint = fingerprint(request);
        let known = self.sent.iter_mut().find(|sent| sent.is_unheard && sent.fingerprint == fingerprint);
        if let Some(known) = known {
            (known.post, known.is_unheard) = (post, false);
            return known.origin.clone();
        }
        while self.sent.len() >= REMEMBERED_MAX {
            self.sent.pop_front();
        }
        self.sent.push_back(Sent { post, fingerprint, origin: origin.clone(), at: now, is_unheard: false });
        origin
    }

    /// The client had gone before it was answered.
    pub(super) fn not_heard(&mut self, post: PostId) {
        for sent in self.sent.iter_mut().filter(|sent| sent.post == post) {
            sent.is_unheard = true;
        }
    }
}

/// The same for messages that say the same to the same.
fn fingerprint(request: &SendMessageRequest) -> u64 {
    let mut hasher = DefaultHasher::new();
    request.delivery_report.hash(&mut hasher);
    request.message.recipient.hash(&mut hasher);
    request.message.content_type.hash(&mut hasher);
    request.content.as_ref().map(|content| content.octets()).hash(&mut hasher);
    hasher.finish()
}

/// Messages that are remembered: clients send them again before they send many others.
const REMEMBERED_MAX: usize = 8;

/// How long a client goes on trying; the engine remembers origins as long.
const WINDOW: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;
    use wv_proto::primitive::message::{Content, MessageInfo};

    fn request(text: &str) -> SendMessageRequest {
        let content = Some(Content::from_text(text));
        SendMessageRequest { delivery_report: false, message: MessageInfo::default(), content }
    }

    #[test]
    fn wv_trx_12_only_an_answer_that_was_not_heard_makes_a_repetition() {
        let (mut unheard, now) = (Unheard::default(), Timestamp::from_secs(1));
        let send = |unheard: &mut Unheard, post, text, origin: &str| {
            unheard.origin(now, PostId::new(post), &request(text), origin.to_owned())
        };
        assert_eq!(send(&mut unheard, 1, "ok", "a"), "a");
        assert_eq!(send(&mut unheard, 2, "ok", "b"), "b", "the same word said twice");
        unheard.not_heard(PostId::new(2));
        assert_eq!(send(&mut unheard, 3, "other", "c"), "c");
        assert_eq!(send(&mut unheard, 4, "ok", "d"), "b", "said again because nobody answered");
        assert_eq!(send(&mut unheard, 5, "ok", "e"), "e");
        unheard.not_heard(PostId::new(4));
        let late = Timestamp::from_secs(4000);
        assert_eq!(unheard.origin(late, PostId::new(6), &request("ok"), "f".to_owned()), "f");
    }
}
