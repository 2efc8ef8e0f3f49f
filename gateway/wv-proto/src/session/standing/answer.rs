//! What comes back: answers of the server, and what it asks in them.

use super::{Command, Load, Seen, StandingSession, State};
use crate::primitive::access::Status;
use crate::primitive::identifier::TransactionId;
use crate::primitive::message::MessageDelivered;
use crate::primitive::{Envelope, Primitive, SessionDescriptor, Transaction, TransactionMode};
use crate::quirk::ServerQuirk;
use crate::session::time::Timestamp;
use crate::status::StatusCode;
use std::fmt::Write as _;
use std::time::Duration;

impl StandingSession {
    pub(super) fn receive(&mut self, now: Timestamp, number: u64, answer: Option<Envelope>) {
        let Some(flight) = self.land(number) else { return };
        (self.heard, self.losses) = (now, 0);
        let Some(answer) = answer else { return self.settle(now, flight.load, None, false) };
        let Envelope { session, transactions, poll, cir } = answer;
        if cir.is_some() {
            // QUIRK channel_flag: says CIR, whose value means one thing in one version and another in the next, so that
            // its channel does not count as working; loose servers.
            self.has_channel = false;
            self.meet(ServerQuirk::ChannelFlag);
        }
        let mut own = None;
        let mut asked = false;
        for transaction in transactions {
            let Some(transaction) = self.sort(&flight.load, transaction) else { continue };
            match transaction {
                Sorted::Answer(primitive) => own = Some(primitive),
                Sorted::Question(id, primitive) => {
                    asked = true;
                    self.question(now, id, primitive);
                }
                Sorted::Late(id, primitive) => self.late(now, &id, primitive),
            }
            if self.session.is_none() && !matches!(self.state, State::Entering { .. }) {
                // It was told to go.
                return;
            }
        }
        // An empty poll that promises more has nothing: it would be asked again and again.
        let is_promised = poll == Some(true) && (asked || flight.load != Load::Poll);
        if is_promised || (asked && poll.is_none()) {
            // WV-CLI-03
            self.poll_at = now;
        }
        self.answered(now, flight.load, &session, own);
    }

    /// What a transaction of an answer is to the message under way.
    fn sort(&mut self, load: &Load, transaction: Transaction) -> Option<Sorted> {
        let Transaction { mode, id, content, .. } = transaction;
        let own = match load {
            Load::Own(own) | Load::Request(own) | Load::KeepAlive(own) => Some(own),
            Load::Poll | Load::Response => None,
        };
        let is_own = own.is_some() && id.as_ref() == own;
        let Ok(primitive) = content else {
            if mode == TransactionMode::Request {
                self.responses.push_back((id, Primitive::Status(Status::from(StatusCode::BAD_REQUEST))));
            }
            return None;
        };
        let is_asked = is_server_initiated(&primitive);
        match (mode, id) {
            (TransactionMode::Response, id) if is_asked => {
                // QUIRK question_as_response: sends what it asks in mode Response, with any id; InterVillage.
                self.meet(ServerQuirk::QuestionAsResponse);
                Some(Sorted::Question(id, primitive))
            }
            (TransactionMode::Response, _) if is_own => Some(Sorted::Answer(primitive)),
            (TransactionMode::Response, Some(id)) if self.pending.iter().any(|pending| pending.id == id) => {
                Some(Sorted::Late(id, primitive))
            }
            (TransactionMode::Response, _) if own.is_some() => {
                // QUIRK unnamed_answer: answers without the id of the transaction or with another one; loose servers.
                self.meet(ServerQuirk::UnnamedAnswer);
                Some(Sorted::Answer(primitive))
            }
            // To a poll or a response: only the end of the session counts.
            (TransactionMode::Response, _) => Some(Sorted::Answer(primitive)),
            (TransactionMode::Request, _) if is_own && !is_asked => {
                // QUIRK answer_as_request: sends its answer in mode Request; loose servers.
                self.meet(ServerQuirk::AnswerAsRequest);
                Some(Sorted::Answer(primitive))
            }
            (TransactionMode::Request, id) => Some(Sorted::Question(id, primitive)),
        }
    }

    /// The message's own answer is here, or is not.
    fn answered(&mut self, now: Timestamp, load: Load, descriptor: &SessionDescriptor, own: Option<Primitive>) {
        if let State::Entering { id, step } = self.state.clone() {
            return match (load, own) {
                (Load::Own(sent), Some(primitive)) if sent == id => {
                    self.login_answered(now, (id, step), descriptor, &primitive);
                }
                _ => self.retreat(now, None),
            };
        }
        let end = own.as_ref().and_then(Primitive::result).map(|result| result.code).filter(|code| code.ends_session());
        let is_leaving = self.state == State::Leaving && matches!(load, Load::Own(_));
        if let Some(code) = end.filter(|_| !is_leaving) {
            // WV-CLI-05
            return self.thrown_out(now, code, &load);
        }
        self.settle(now, load, own, true);
    }

    fn settle(&mut self, now: Timestamp, load: Load, own: Option<Primitive>, has_body: bool) {
        match load {
            Load::Own(_) => match self.state {
                State::Entering { .. } => self.retreat(now, None),
                State::Describing => self.described(own.as_ref()),
                State::Agreeing => self.agreed(now, own.as_ref()),
                State::Leaving => self.left(),
                State::Out | State::Open | State::Barred(_) => {}
            },
            Load::Request(id) => match own {
                Some(primitive) if !is_queued(&primitive) => {
                    if let Some(pending) = self.take_pending(&id) {
                        self.commands.push_back(Command::Answered { key: pending.request.key, primitive });
                    }
                }
                // It may come by a poll.
                Some(_) | None => {
                    let until = now.after(self.settings.limits.answer_wait);
                    if let Some(pending) = self.pending.iter_mut().find(|pending| pending.id == id) {
                        pending.until = Some(until);
                    }
                    if !has_body {
                        self.poll_at = now;
                    }
                }
            },
            Load::KeepAlive(_) => {
                if let Some(Primitive::KeepAliveResponse(response)) = own {
                    let granted = response.keep_alive_time.filter(|time| !time.is_zero());
                    let is_as_asked = response.result.code.is_success() && granted.is_none();
                    // Nothing named: what was asked for holds.
                    let wished = is_as_asked.then_some(self.settings.time_to_live);
                    self.keep_alive = granted.or(wished).unwrap_or(self.keep_alive);
                }
            }
            Load::Poll | Load::Response => {}
        }
    }

    /// The answer to an earlier request, with a message that is none of its own.
    fn late(&mut self, now: Timestamp, id: &TransactionId, primitive: Primitive) {
        if is_queued(&primitive) {
            return;
        }
        if let Some(code) = primitive.result().map(|result| result.code).filter(|code| code.ends_session()) {
            return self.thrown_out(now, code, &Load::Poll);
        }
        if let Some(pending) = self.take_pending(id) {
            self.commands.push_back(Command::Answered { key: pending.request.key, primitive });
        }
    }

    /// The server does not know the session any more, or ended it.
    fn thrown_out(&mut self, now: Timestamp, code: StatusCode, load: &Load) {
        if let Load::Request(id) = load
            && code != StatusCode::FORCED_LOGOUT
            && let Some(pending) = self.take_pending(id)
        {
            // It was not done: it is asked again in the next session.
            self.requests.push_front(pending.request);
        }
        self.commands.push_back(Command::Fallen(code));
        // WV-CLI-08
        if code == StatusCode::FORCED_LOGOUT {
            let wait = self.settings.limits.forced_wait;
            let is_settled = now >= self.opened.after(self.settings.limits.settled_after);
            self.forced = if is_settled { 1 } else { self.forced.saturating_add(1) };
            if self.forced > 1 {
                return self.bar(code);
            }
            let forced = self.forced;
            self.fall(now, wait);
            self.forced = forced;
            return;
        }
        // At once the first time; a server that forgets again and again is not chased.
        let is_settled = now >= self.opened.after(SHORT_LIFE);
        let wait = if is_settled || self.failures == 0 { Duration::ZERO } else { self.back_off(self.failures) };
        let failures = if is_settled { 0 } else { self.failures.saturating_add(1) };
        self.fall(now, wait);
        self.failures = failures;
    }

    /// The server asks or tells something.
    fn question(&mut self, now: Timestamp, id: Option<TransactionId>, primitive: Primitive) {
        if let Primitive::Disconnect(disconnect) = &primitive {
            // WV-CLI-06
            let code = disconnect.result.code;
            if self.state == State::Leaving {
                // 1.1 answers Logout-Request so.
                return self.left();
            }
            return self.thrown_out(now, code, &Load::Poll);
        }
        if self.session.is_none() {
            return;
        }
        let mark = mark_of(&primitive);
        // WV-CLI-07: the same id and the same content; a server that uses an id twice means two transactions.
        if let Some(seen) = self.seen.iter().find(|seen| seen.id == id && seen.mark == mark) {
            if seen.ticket.is_none() {
                // QUIRK repeated_transaction: sends a transaction again that was answered, so it is answered again;
                // loose servers.
                self.meet(ServerQuirk::RepeatedTransaction);
                self.responses.push_back((id, usual_answer(&primitive)));
            }
            return;
        }
        if id.is_some() && self.seen.iter().any(|seen| seen.id == id) {
            // QUIRK reused_transaction_id: uses one id for two transactions, so their content tells them apart; Baraza.
            self.meet(ServerQuirk::ReusedTransactionId);
        }
        if self.seen.len() >= self.settings.limits.seen_max {
            self.seen.pop_front();
        }
        self.minted = self.minted.wrapping_add(1);
        let ticket = self.minted;
        self.seen.push_back(Seen { id, mark, ticket: Some(ticket) });
        self.commands.push_back(Command::Asked { ticket, primitive });
    }
}

enum Sorted {
    /// The answer to the message.
    Answer(Primitive),
    /// Something the server begins.
    Question(Option<TransactionId>, Primitive),
    /// The answer to an earlier request.
    Late(TransactionId, Primitive),
}

/// What is answered that needs no thought.
// WV-CLI-04
#[must_use]
pub fn usual_answer(primitive: &Primitive) -> Primitive {
    let message = if let Primitive::NewMessage(message) = primitive { Some(message) } else { None };
    match message.and_then(|message| message.message.message_id.clone()) {
        Some(message_id) => Primitive::MessageDelivered(MessageDelivered { message_id }),
        None => Primitive::Status(Status::from(StatusCode::SUCCESS)),
    }
}

/// Whether only a server begins a transaction with it.
const fn is_server_initiated(primitive: &Primitive) -> bool {
    matches!(
        primitive,
        Primitive::NewMessage(_)
            | Primitive::MessageNotification(_)
            | Primitive::DeliveryReportRequest(_)
            | Primitive::PresenceNotificationRequest(_)
            | Primitive::PresenceAuthRequest(_)
            | Primitive::InviteUserRequest(_)
            | Primitive::CancelInviteUserRequest(_)
            | Primitive::GroupChangeNotice(_)
            | Primitive::NotificationRequest(_)
            | Primitive::SystemMessageRequest(_)
            | Primitive::Disconnect(_)
    )
}

/// Status 101: the true answer comes later.
fn is_queued(primitive: &Primitive) -> bool {
    primitive.result().is_some_and(|result| result.code.number() == 101)
}

/// A hash of what is said.
fn mark_of(primitive: &Primitive) -> u64 {
    struct Fnv(u64);
    impl std::fmt::Write for Fnv {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            for octet in text.bytes() {
                self.0 = (self.0 ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3);
            }
            Ok(())
        }
    }
    let mut fnv = Fnv(0xcbf2_9ce4_8422_2325);
    // Nothing in it can fail.
    let _ = write!(fnv, "{primitive:?}");
    fnv.0
}

/// A session that was forgotten sooner did not serve.
const SHORT_LIFE: Duration = Duration::from_secs(30);
