//! The two ends of a set-up, with what they know.

use super::{
    Association, Session, Standing,
    event::{Command, PostPurpose},
};
use crate::{
    primitive::{
        TransactionMode,
        identifier::{SessionId, TransactionId},
    },
    quirk::SspQuirk,
    session::time::Timestamp,
    ssp::{
        answerer::{AnswererAction, AnswererEvent, AnswererState},
        document::{Document, SetupMessage},
        opener::{OpenerAction, OpenerEvent, OpenerState},
        setup::{SecretToken, SetupStep},
    },
    status::StatusResult,
};
use std::time::Duration;

/// A set-up under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Half {
    /// The id of the one who opens.
    pub(super) transaction_id: TransactionId,
    /// Our secret.
    pub(super) own: SecretToken,
    /// The peer's secret.
    pub(super) peer: Option<SecretToken>,
    /// The id that we put into our messages.
    pub(super) session_id: Option<SessionId>,
    /// When it began.
    pub(super) since: Timestamp,
    /// The step of ours that is out.
    pub(super) step: u8,
    /// When step 2 or 3 is repeated.
    pub(super) repeat_at: Option<Timestamp>,
}

impl Association {
    pub(super) fn setup_came(&mut self, now: Timestamp, post: u64, message: SetupMessage) {
        let SetupMessage { mode, transaction_id, step } = message;
        let is_repeated_id = matches!(step, SetupStep::LoginResponse { .. }) && self.has_made(mode, &transaction_id);
        if is_repeated_id {
            return self.commands.push_back(Command::Take { post });
        }
        let half = match mode {
            TransactionMode::Request => &self.answering,
            TransactionMode::Response => &self.opening,
        };
        let is_right = match (&step, half) {
            (SetupStep::LoginRequest { digest, .. }, Some(half)) => {
                half.transaction_id == transaction_id && half.own.digest() == *digest
            }
            _ => false,
        };
        let is_known = half.as_ref().is_some_and(|half| half.transaction_id == transaction_id);
        let is_success = matches!(&step, SetupStep::LoginResponse { status, session_id: Some(_), .. }
            if status.code.is_success());
        let refused = match (mode, step) {
            (TransactionMode::Request, step @ SetupStep::SendSecretToken { .. }) => {
                self.begin_answering(now, transaction_id, &step);
                self.step_answerer(now, AnswererEvent::Token, Some(step))
            }
            (TransactionMode::Request, step @ SetupStep::LoginRequest { .. }) => {
                let event = if is_right { AnswererEvent::RightProof } else { AnswererEvent::WrongProof };
                self.step_answerer(now, event, Some(step))
            }
            (TransactionMode::Request, step @ SetupStep::LoginResponse { .. }) if is_known => {
                let event = if is_success { AnswererEvent::Granted } else { AnswererEvent::Denied };
                self.step_answerer(now, event, Some(step))
            }
            (TransactionMode::Response, step @ SetupStep::SendSecretToken { .. }) => {
                self.step_opener(now, OpenerEvent::Token, Some(step))
            }
            (TransactionMode::Response, step @ SetupStep::LoginRequest { .. }) => {
                let event = if is_right { OpenerEvent::RightProof } else { OpenerEvent::WrongProof };
                self.step_opener(now, event, Some(step))
            }
            (TransactionMode::Response, step @ SetupStep::LoginResponse { .. }) if is_known => {
                let event = if is_success { OpenerEvent::Granted } else { OpenerEvent::Denied };
                self.step_opener(now, event, Some(step))
            }
            (_, SetupStep::LoginResponse { .. }) => true,
        };
        self.commands.push_back(if refused { Command::Close { post } } else { Command::Take { post } });
    }

    /// Whether a session was made by this set-up already.
    fn has_made(&self, mode: TransactionMode, id: &TransactionId) -> bool {
        let is_opened_here = mode == TransactionMode::Response;
        self.sessions.iter().any(|session| session.setup == *id && session.is_opened_here == is_opened_here)
    }

    fn begin_answering(&mut self, now: Timestamp, transaction_id: TransactionId, step: &SetupStep) {
        let SetupStep::SendSecretToken { secret, .. } = step else { return };
        let known = self.answering.take();
        // The same step once more finds the same secret.
        let again = known.filter(|half| half.transaction_id == transaction_id && half.peer.as_ref() == Some(secret));
        let own = again.as_ref().map_or_else(|| self.mint_secret(), |half| half.own.clone());
        let since = again.map_or(now, |half| half.since);
        self.answering = Some(Half {
            transaction_id,
            own,
            peer: Some(secret.clone()),
            session_id: None,
            since,
            step: 2,
            repeat_at: None,
        });
        self.is_changed = true;
    }

    /// Turns the end that opens; whether what came is refused.
    pub(super) fn step_opener(&mut self, now: Timestamp, event: OpenerEvent, step: Option<SetupStep>) -> bool {
        let mut refused = false;
        for action in self.opener.handle(event) {
            self.is_changed = true;
            match action {
                OpenerAction::SendToken => self.open(now),
                OpenerAction::SendProof => {
                    let Some(half) = &mut self.opening else { continue };
                    if let Some(SetupStep::SendSecretToken { secret, .. }) = &step {
                        half.peer = Some(secret.clone());
                    }
                    (half.step, half.repeat_at) = (3, None);
                    let Some(digest) = half.peer.as_ref().map(SecretToken::digest) else { continue };
                    let (service, time_to_live) = self.own_side();
                    self.send_opening(SetupStep::LoginRequest { service, time_to_live, digest });
                }
                OpenerAction::Wait => {
                    self.met.push(SspQuirk::LateStore);
                    let at = now.after(self.settings.limits.repeat_pause);
                    if let Some(half) = &mut self.opening {
                        half.repeat_at = Some(at);
                    }
                }
                OpenerAction::SendId => {
                    let own = self.mint_session_id();
                    if let Some(half) = &mut self.opening {
                        (half.session_id, half.step, half.repeat_at) = (Some(own.clone()), 5, None);
                    }
                    self.send_opening(self.granted(own));
                }
                OpenerAction::Establish => {
                    let Some(half) = self.opening.take() else { continue };
                    self.establish(now, half, step.as_ref(), true);
                }
                OpenerAction::GiveUp => {
                    let is_call_back = self.opening.take().is_some_and(|half| half.step == 1);
                    self.setup_failed(now, true, is_call_back);
                }
                OpenerAction::Refuse => refused = true,
            }
        }
        refused
    }

    /// Turns the end that is asked; whether what came is refused.
    pub(super) fn step_answerer(&mut self, now: Timestamp, event: AnswererEvent, step: Option<SetupStep>) -> bool {
        let mut refused = false;
        for action in self.answerer.handle(event) {
            self.is_changed = true;
            match action {
                AnswererAction::SendToken => self.call_back(),
                AnswererAction::Wait => {
                    self.met.push(SspQuirk::LateStore);
                    let at = now.after(self.settings.limits.repeat_pause);
                    if let Some(half) = &mut self.answering {
                        half.repeat_at = Some(at);
                    }
                }
                AnswererAction::SendProof => {
                    let Some(half) = &mut self.answering else { continue };
                    (half.step, half.repeat_at) = (4, None);
                    let Some(digest) = half.peer.as_ref().map(SecretToken::digest) else { continue };
                    let (service, time_to_live) = self.own_side();
                    let step = SetupStep::LoginRequest { service, time_to_live, digest };
                    self.send_answering(PostPurpose::Answering(4), None, step);
                }
                AnswererAction::SendId => {
                    let own = self.mint_session_id();
                    if let Some(half) = &mut self.answering {
                        half.session_id = Some(own.clone());
                    }
                    let step = self.granted(own.clone());
                    self.send_answering(PostPurpose::LastStep(own), None, step);
                }
                AnswererAction::Establish => {
                    let Some(half) = self.answering.take() else { continue };
                    self.establish(now, half, step.as_ref(), false);
                }
                AnswererAction::GiveUp => {
                    let is_call_back = self.answering.take().is_some_and(|half| half.step == 2);
                    self.setup_failed(now, false, is_call_back);
                }
                AnswererAction::Refuse => refused = true,
            }
        }
        refused
    }

    /// Step 1.
    fn open(&mut self, now: Timestamp) {
        let (own, transaction_id) = (self.mint_secret(), self.mint_setup_id());
        let step = self.token(own.clone());
        self.opening =
            Some(Half { transaction_id, own, peer: None, session_id: None, since: now, step: 1, repeat_at: None });
        self.send_opening(step);
    }

    /// Step 2, under an id of our own.
    fn call_back(&mut self) {
        let Some(own) = self.answering.as_ref().map(|half| half.own.clone()) else { return };
        let (id, step) = (self.mint_setup_id(), self.token(own));
        self.send_answering(PostPurpose::Answering(2), Some(id), step);
    }

    fn token(&self, secret: SecretToken) -> SetupStep {
        let version = Some(self.settings.version.as_str().into());
        SetupStep::SendSecretToken { service: self.settings.local.clone(), secret, version }
    }

    fn granted(&self, own: SessionId) -> SetupStep {
        let (_, time_to_live) = self.own_side();
        SetupStep::LoginResponse { session_id: Some(own), time_to_live, status: StatusResult::success() }
    }

    fn own_side(&self) -> (crate::ssp::part::ServiceId, Option<Duration>) {
        (self.settings.local.clone(), Some(self.settings.limits.time_to_live))
    }

    fn send_opening(&mut self, step: SetupStep) {
        let Some(half) = &self.opening else { return };
        let (id, purpose) = (half.transaction_id.clone(), PostPurpose::Opening(half.step));
        self.send_step(purpose, TransactionMode::Request, id, step);
    }

    fn send_answering(&mut self, purpose: PostPurpose, id: Option<TransactionId>, step: SetupStep) {
        let Some(half) = &self.answering else { return };
        let id = id.unwrap_or_else(|| half.transaction_id.clone());
        self.send_step(purpose, TransactionMode::Response, id, step);
    }

    fn send_step(&mut self, purpose: PostPurpose, mode: TransactionMode, id: TransactionId, step: SetupStep) {
        let header = matches!(step, SetupStep::SendSecretToken { .. }).then(|| id.clone());
        let document = Document::setup(self.settings.version, mode, id, step);
        self.post(purpose, document, header, None);
    }

    fn establish(&mut self, now: Timestamp, half: Half, step: Option<&SetupStep>, is_opened_here: bool) {
        let Some(SetupStep::LoginResponse { session_id: Some(peer), time_to_live, .. }) = step else { return };
        let Some(own) = half.session_id else { return };
        let limits = &self.settings.limits;
        let wish = time_to_live.filter(|wish| !wish.is_zero()).unwrap_or(limits.time_to_live);
        let until = now.after(wish.min(limits.time_to_live).max(TIME_TO_LIVE_MIN));
        let (setup, peer) = (half.transaction_id, peer.clone());
        let standing = if is_opened_here { Standing::Usable } else { Standing::Confirming };
        self.sessions.push_front(Session { setup, own, peer, until, is_opened_here, standing });
        // Crossing set-ups leave two, of which the peer may use either.
        self.sessions.truncate(self.settings.limits.sessions_max);
        (self.setup_failures, self.open_after) = (0, now);
        self.outbox.resume();
        self.commands.push_back(Command::Opened);
    }

    fn setup_failed(&mut self, now: Timestamp, is_opened_here: bool, is_call_back: bool) {
        self.setup_failures = self.setup_failures.saturating_add(1);
        let limits = &self.settings.limits;
        let doublings = self.setup_failures.saturating_sub(1).min(16);
        let pause = limits.setup_backoff_min.saturating_mul(1 << doublings).min(limits.setup_backoff_max);
        // Of two that open to each other again and again, one is earlier.
        let is_first = self.settings.local.domain() < self.settings.peer.domain();
        let pause = if is_first { pause } else { pause.saturating_mul(2) };
        self.open_after = self.open_after.max(now.after(pause));
        if is_opened_here && self.living().is_none() {
            for (key, failure) in self.outbox.setup_failed(now, &mut self.commands) {
                self.commands.push_back(Command::Finished { key, result: Err(failure) });
            }
        }
        self.commands.push_back(Command::SetupFailed { is_opened_here, is_call_back });
    }

    fn mint_secret(&mut self) -> SecretToken {
        let drawn = self.draw();
        self.settings.secret.clone().unwrap_or_else(|| SecretToken::from_octets(drawn))
    }

    fn mint_setup_id(&mut self) -> TransactionId {
        let (number, mark) = (self.mint_number(), self.settings.mark);
        TransactionId::new(format!("{number}{mark:05}"))
    }

    fn mint_session_id(&mut self) -> SessionId {
        let (number, mark) = (self.mint_number(), self.settings.mark);
        SessionId::new(format!("{number}{mark:05}@{}", self.settings.local.domain()))
    }

    /// The states of a set-up as a snapshot numbers them.
    pub(super) const OPENER_STATES: [OpenerState; 6] = [
        OpenerState::Idle,
        OpenerState::AwaitsToken,
        OpenerState::AwaitsProof,
        OpenerState::AwaitsId,
        OpenerState::Repeats,
        OpenerState::AwaitsProofAgain,
    ];

    /// The states of a set-up as a snapshot numbers them.
    pub(super) const ANSWERER_STATES: [AnswererState; 5] = [
        AnswererState::Idle,
        AnswererState::AwaitsProof,
        AnswererState::Repeats,
        AnswererState::AwaitsProofAgain,
        AnswererState::AwaitsId,
    ];
}

/// No session is renewed more often, whatever the peer wishes.
const TIME_TO_LIVE_MIN: Duration = Duration::from_secs(60);
