//! One transaction towards a peer: posted until it is taken, and answered by a post of the peer.

use crate::witness::met;
use smallvec::SmallVec;

/// Where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransactionState {
    /// It waits for a session, or for its turn.
    #[default]
    Queued,
    /// Its post is under way.
    Posting,
    /// It was taken; the answer is awaited.
    Awaiting,
    /// It was not taken, and is posted again later.
    BackingOff,
    /// It is over.
    Done,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionEvent {
    /// There is a session, and it is its turn.
    Turn,
    /// The peer has taken it.
    Taken,
    /// The peer cannot read it (400).
    Unreadable,
    /// The peer cannot read the post in which it was together with others (400): it may be one of them.
    Parted,
    /// The peer answered the post with another failure.
    Refused,
    /// The connection was closed, or nothing came in time: the peer does not know the session any more.
    Unanswered,
    /// The peer cannot be reached.
    Unreachable,
    /// The answer came.
    Answered,
    /// Its wait is over.
    Waited,
    /// No session could be made.
    SetupFailed,
    /// Its lifetime is over.
    Expired,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionAction {
    /// Post it.
    Post,
    /// Wait for the answer.
    AwaitAnswer,
    /// Wait before the next post.
    BackOff,
    /// The session is of no use any more.
    DropSession,
    /// It went well.
    Succeed,
    /// It failed.
    Fail(Failure),
}

/// Why a transaction failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The peer cannot read it.
    Unreadable,
    /// The peer refuses its posts.
    Refused,
    /// The peer cannot be reached, or makes no session.
    Unreachable,
    /// The peer took it and said nothing.
    Unanswered,
    /// Its lifetime ended.
    Expired,
    /// Too many wait already.
    QueueFull,
}

/// The machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionMachine {
    /// Where it stands.
    pub state: TransactionState,
    /// Whether the peer answers it.
    pub expects_answer: bool,
    /// Whether it fails with the first set-up that does, as somebody else will try again.
    pub is_impatient: bool,
    /// How often it may still be posted.
    pub attempts_left: u32,
}

impl TransactionMachine {
    /// A transaction that was not posted yet.
    #[must_use]
    pub const fn new(expects_answer: bool, is_impatient: bool, attempts: u32) -> Self {
        Self { state: TransactionState::Queued, expects_answer, is_impatient, attempts_left: attempts }
    }

    /// Something happened.
    pub fn handle(&mut self, event: TransactionEvent) -> SmallVec<[TransactionAction; 2]> {
        use TransactionAction::{AwaitAnswer, BackOff, DropSession, Fail, Post, Succeed};
        use TransactionEvent::{
            Answered, Expired, Parted, Refused, SetupFailed, Taken, Turn, Unanswered, Unreachable, Unreadable, Waited,
        };
        use TransactionState::{Awaiting, BackingOff, Done, Posting, Queued};
        let wish = if self.is_impatient { "impatient" } else { "patient" };
        let wish = format_args!("{wish} {}", if self.expects_answer { "answered" } else { "silent" });
        let left = if self.attempts_left == 0 { "last" } else { "more" };
        met("wv_ssp_transaction", format_args!("{:?} {wish} {left} {event:?}", self.state));
        let may_retry = self.attempts_left > 0;
        let fail = |failure| SmallVec::from_iter([Fail(failure)]);
        let (state, actions) = match (self.state, event) {
            (Queued | BackingOff, Turn) => (Posting, SmallVec::from_iter([Post])),
            (Posting, Taken) if self.expects_answer => (Awaiting, SmallVec::from_iter([AwaitAnswer])),
            (Posting, Taken) | (Queued | Posting | Awaiting | BackingOff, Answered) => {
                (Done, SmallVec::from_iter([Succeed]))
            }
            // WV-SSP-10
            (Posting, Unreadable) => (Done, fail(Failure::Unreadable)),
            // WV-SSP-17
            (Posting, Parted) => (Queued, SmallVec::new()),
            (Posting, Refused) if may_retry => (BackingOff, SmallVec::from_iter([BackOff])),
            (Posting, Refused) => (Done, SmallVec::from_iter([DropSession, Fail(Failure::Refused)])),
            // WV-SSP-11
            (Posting, Unanswered) if may_retry => (Queued, SmallVec::from_iter([DropSession])),
            (Posting, Unanswered) => (Done, SmallVec::from_iter([DropSession, Fail(Failure::Unreachable)])),
            (Posting, Unreachable) if may_retry => (BackingOff, SmallVec::from_iter([BackOff])),
            (Posting, Unreachable) => (Done, fail(Failure::Unreachable)),
            (Awaiting, Waited) if !may_retry => (Done, fail(Failure::Unanswered)),
            // Under the same id, by which the peer knows that it comes again.
            (Awaiting | BackingOff, Waited) => (Queued, SmallVec::new()),
            (Queued, SetupFailed) if self.is_impatient => (Done, fail(Failure::Unreachable)),
            (Queued | BackingOff, Expired) => (Done, fail(Failure::Expired)),
            (Awaiting, Expired) => (Done, fail(Failure::Unanswered)),
            // What is under way is waited for; what is not awaited changes nothing.
            (state @ Posting, Turn | Waited | Expired)
            | (state @ Queued, Taken | Unreadable | Parted | Refused | Unanswered | Unreachable | Waited)
            | (state @ (Awaiting | BackingOff), Taken | Unreadable | Parted | Refused | Unanswered | Unreachable)
            | (state @ Awaiting, Turn)
            | (state @ (Queued | Posting | Awaiting | BackingOff), SetupFailed)
            | (
                state @ Done,
                Turn | Taken | Unreadable | Parted | Refused | Unanswered | Unreachable | Answered | Waited
                | SetupFailed | Expired,
            ) => (state, SmallVec::new()),
        };
        if actions.contains(&Post) {
            self.attempts_left = self.attempts_left.saturating_sub(1);
        }
        self.state = state;
        actions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated;

    #[test]
    fn every_state_meets_every_event() {
        use TransactionEvent as E;
        use TransactionState as S;
        let mut table = String::from(
            "# A transaction towards an SSP peer. Compared by the tests of wv-proto.\n\
             # state, whether somebody else tries again, whether it is answered, whether it may be posted again | event | actions -> next state\n",
        );
        let kinds = [
            (false, true, "patient answered"),
            (false, false, "patient silent"),
            (true, true, "impatient answered"),
            (true, false, "impatient silent"),
        ];
        for state in [S::Queued, S::Posting, S::Awaiting, S::BackingOff, S::Done] {
            for (is_impatient, expects_answer, wish) in kinds {
                for (attempts_left, left) in [(2, "more"), (0, "last")] {
                    let all = [
                        E::Turn,
                        E::Taken,
                        E::Unreadable,
                        E::Parted,
                        E::Refused,
                        E::Unanswered,
                        E::Unreachable,
                        E::Answered,
                        E::Waited,
                        E::SetupFailed,
                        E::Expired,
                    ];
                    for event in all {
                        let mut machine = TransactionMachine { state, expects_answer, is_impatient, attempts_left };
                        let actions: Vec<String> =
                            machine.handle(event).iter().map(|action| format!("{action:?}")).collect();
                        let cell = format!("{state:?} {wish} {left}");
                        let event = format!("{event:?}");
                        table += &format!("{cell:34} | {event:11} | {} -> {:?}\n", actions.join(", "), machine.state);
                    }
                }
            }
        }
        generated::compare("fixtures/state/wv_ssp_transaction.txt", &table);
    }

    #[test]
    fn wv_ssp_10_what_cannot_be_read_is_never_posted_again() {
        let mut machine = TransactionMachine::new(true, false, 5);
        machine.handle(TransactionEvent::Turn);
        let actions = machine.handle(TransactionEvent::Unreadable);
        assert_eq!(actions.as_slice(), [TransactionAction::Fail(Failure::Unreadable)]);
        assert!(machine.handle(TransactionEvent::Turn).is_empty());
    }

    #[test]
    fn nothing_is_posted_more_often_than_allowed() {
        for event in [TransactionEvent::Refused, TransactionEvent::Unanswered, TransactionEvent::Unreachable] {
            let (mut machine, mut posts) = (TransactionMachine::new(true, false, 4), 0);
            while machine.state != TransactionState::Done {
                machine.handle(TransactionEvent::Turn);
                posts += 1;
                machine.handle(event);
            }
            assert_eq!(posts, 4, "{event:?}");
        }
    }
}
