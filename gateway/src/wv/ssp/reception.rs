//! What peers post, given to the association that it is for.

use super::{Federation, IncomingDocument, Verdict, member::Member};
use crate::observe::Direction;
use mapping::time::Timestamp;
use std::collections::VecDeque;
use tokio::sync::oneshot;
use wv_proto::{
    primitive::TransactionMode,
    ssp::{Body, SetupMessage, association::Event, setup::SetupStep},
};

/// A first step, and the domains of ours that are still to be tried.
pub(super) struct Trial {
    message: SetupMessage,
    candidates: VecDeque<Box<str>>,
}

impl Federation {
    /// Takes what a peer posted.
    pub(super) fn receive(&mut self, incoming: IncomingDocument) -> oneshot::Receiver<Verdict> {
        let now = self.clock.now();
        let (reply, verdict) = oneshot::channel();
        let post = self.next();
        self.current = self.correlation();
        let source = || incoming.line.remote.map(|remote| remote.to_string()).unwrap_or_default();
        self.trace(Direction::In, source, (incoming.line, "/", &incoming.octets), || incoming.document.title());
        self.posts.insert(post, reply);
        match incoming.document.body {
            Body::Setup(message) => self.receive_setup(now, post, message, incoming.host.as_deref()),
            Body::Session(message) => {
                let known = self.members.find(|member| member.machine.knows_session(&message.session_id));
                match known {
                    Some(index) => self.turn(now, index, Event::Message { post, message, hash: incoming.hash }),
                    None => self.reply(post, Verdict::Closed),
                }
            }
        }
        self.wake.notify_one();
        verdict
    }

    fn receive_setup(&mut self, now: Timestamp, post: u64, message: SetupMessage, host: Option<&str>) {
        if let (SetupStep::SendSecretToken { service, .. }, TransactionMode::Request) = (&message.step, message.mode) {
            let domain: Box<str> = service.domain().into();
            if self.settings.peer_of(&domain).is_none() {
                return self.reply(post, Verdict::Closed);
            }
            // Step 1 does not say which domain of ours is meant; the peer knows, and refuses the call-back of another.
            let mut candidates = self.candidates(&domain, host);
            let Some(first) = candidates.pop_front() else { return self.reply(post, Verdict::Closed) };
            let id = message.transaction_id.clone();
            if self.trials.len() >= TRIALS_MAX {
                self.trials.clear();
            }
            self.trials.insert((domain.clone(), id), Trial { message: message.clone(), candidates });
            let Some(index) = self.member(now, &first, &domain) else { return self.reply(post, Verdict::Closed) };
            return self.turn(now, index, Event::Setup { post, message });
        }
        let knows = |member: &Member| member.machine.knows_setup(message.mode, &message.transaction_id, &message.step);
        match self.members.find(knows) {
            Some(index) => self.turn(now, index, Event::Setup { post, message }),
            None => self.reply(post, Verdict::Closed),
        }
    }

    /// The domains of ours that a peer may mean, the most likely first.
    fn candidates(&self, peer: &str, host: Option<&str>) -> VecDeque<Box<str>> {
        let is_open = |local: &str| {
            let member = self.members.between(local, peer).and_then(|index| self.members.get(index));
            member.is_some_and(|member| member.machine.session().is_some())
        };
        let mut locals: Vec<Box<str>> = self.settings.locals.clone();
        locals.sort_by_key(|local| (host != Some(local.as_ref()), is_open(local)));
        locals.into()
    }

    /// The peer refused the call-back: it may have meant another domain of ours.
    pub(super) fn try_another(&mut self, now: Timestamp, index: usize) {
        let Some((_, domain)) = self.members.get(index).map(Member::domains) else { return };
        let key = self.trials.keys().find(|(peer, _)| *peer == domain).cloned();
        let Some(mut trial) = key.as_ref().and_then(|key| self.trials.remove(key)) else { return };
        let (Some(key), Some(local)) = (key, trial.candidates.pop_front()) else { return };
        let message = trial.message.clone();
        self.trials.insert(key, trial);
        if let Some(index) = self.member(now, &local, &domain) {
            // Nobody waits for what becomes of it.
            let post = self.next();
            self.turn(now, index, Event::Setup { post, message });
        }
    }
}

/// First steps that are remembered for another try.
const TRIALS_MAX: usize = 1000;
