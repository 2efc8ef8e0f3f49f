//! Requests that can go more than one way: to the servers that DNS names, or to several neighbours, one after the other
//! (RFC 3263 §4.3).

use super::{Agent, Conclusion, message::retry_after, to_sip, way::Way};
use crate::quick_hash::QuickMap;
use mapping::{outcome::Outcome, time::Timestamp};
use sip_proto::{
    message::{Header, HeaderName, Method, Request},
    resolve::{Progress, Target, location::Candidate, quarantine::Quarantine},
    transaction::{ClientTransactionId, via::Hop},
};
use std::{
    collections::{HashMap, VecDeque},
    rc::Rc,
    time::Duration,
};

/// A request that goes another way when the first fails.
#[derive(Debug)]
struct Errand {
    request: Request,
    /// Where it went.
    hop: Hop,
    /// Where else it can go.
    rest: VecDeque<Hop>,
    // RFC 3263 §4.3
    /// Whether there was any response: whoever has heard of the request is not passed over because it is slow.
    is_heard: bool,
}

/// A request that waits until its ways are known.
#[derive(Debug)]
struct Parked {
    id: ClientTransactionId,
    request: Request,
    ways: Vec<Way>,
    preferred: Option<Hop>,
    found: HashMap<Target, Progress>,
}

/// What becomes of requests that can go more than one way.
#[derive(Debug)]
pub(super) struct Errands {
    under_way: QuickMap<ClientTransactionId, Errand>,
    parked: HashMap<Target, Vec<Parked>>,
    pub(super) quarantine: Quarantine,
}

/// Why a request goes nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stuck {
    /// There is no such server.
    Nowhere,
    /// There may be one another time.
    Failed,
}

/// Who hears where a target is.
pub(super) trait Seeker {
    /// The look-up has ended.
    fn located(&self, target: Target, progress: Progress);
}

impl Errands {
    pub(super) fn new(quarantine: Duration) -> Self {
        let quarantine = Quarantine::new(quarantine);
        Self { under_way: QuickMap::default(), parked: HashMap::new(), quarantine }
    }

    /// Nobody waits for them any more.
    pub(super) fn clear(&mut self) {
        self.under_way.clear();
        self.parked.clear();
    }

    /// Where the request went.
    pub(super) fn hop(&self, id: ClientTransactionId) -> Option<&Hop> {
        self.under_way.get(&id).map(|errand| &errand.hop)
    }

    // RFC 3263 §4.3
    pub(super) fn hear(&mut self, id: ClientTransactionId) {
        if let Some(errand) = self.under_way.get_mut(&id) {
            errand.is_heard = true;
        }
    }
}

impl Agent {
    /// Sends a request the first of these ways that leads anywhere; where that fails, the next. `preferred` is where the
    /// one before it went, when there is a reason to stay.
    pub(super) fn send_by(
        &mut self,
        now: Timestamp,
        request: Request,
        ways: &[Way],
        preferred: Option<&Hop>,
    ) -> Result<ClientTransactionId, Outcome> {
        if let [Way::Hop(hop)] = ways {
            return self.send(now, request, hop.clone());
        }
        let id = self.table.reserve();
        let parked = Parked { id, request, ways: ways.to_vec(), preferred: preferred.cloned(), found: HashMap::new() };
        match self.set_out(now, parked) {
            Ok(Some(sent)) => Ok(sent),
            Ok(None) => Ok(id),
            Err(Stuck::Nowhere) => Err(Outcome::UnknownDomain),
            Err(Stuck::Failed) => Err(Outcome::Unavailable),
        }
    }

    /// A look-up has ended: who waited for it sets out.
    pub(super) fn resume(&mut self, now: Timestamp, target: &Target, progress: &Progress) {
        self.learn(target, progress);
        for mut parked in self.errands.parked.remove(target).unwrap_or_default() {
            let id = parked.id;
            self.take_up_chain(id);
            parked.found.insert(target.clone(), progress.clone());
            match self.set_out(now, parked) {
                Ok(Some(sent)) => self.rename(id, sent),
                Ok(None) => {}
                Err(Stuck::Nowhere) => self.conclude(now, id, Conclusion::Nowhere),
                Err(Stuck::Failed) => self.conclude(now, id, Conclusion::RequestFailed),
            }
        }
    }

    // RFC 3263 §4.3
    /// Another server is asked when this one failed, by a transaction of its own. The conclusion comes back when it is
    /// the last word.
    pub(super) fn fail_over(
        &mut self,
        now: Timestamp,
        id: ClientTransactionId,
        conclusion: Conclusion,
    ) -> Option<Conclusion> {
        let Some(errand) = self.errands.under_way.remove(&id) else { return Some(conclusion) };
        let wait = match &conclusion {
            // RFC 3261 §21.5.4
            Conclusion::Response(response) if response.status().to_number() == 503 => retry_after(response),
            Conclusion::TimedOut if !errand.is_heard => None,
            Conclusion::RequestFailed => None,
            Conclusion::Response(_) | Conclusion::TimedOut | Conclusion::Nowhere => {
                self.errands.quarantine.release(errand.hop.address);
                return Some(conclusion);
            }
        };
        self.errands.quarantine.add(to_sip(now), errand.hop.address, wait);
        tracing::debug!(side = "simple", correlation = %self.current, address = %errand.hop.address, "server failed");
        match self.send_first(now, errand.request, errand.rest) {
            Some(next) => {
                self.rename(id, next);
                None
            }
            None => Some(conclusion),
        }
    }

    /// Sends a request whose ways are all known; else asks for the first that is not.
    fn set_out(&mut self, now: Timestamp, parked: Parked) -> Result<Option<ClientTransactionId>, Stuck> {
        let (mut hops, mut stuck) = (Vec::new(), Stuck::Nowhere);
        for way in &parked.ways {
            let target = match (way, way.target(parked.request.method())) {
                (Way::Hop(hop), _) => {
                    hops.push(hop.clone());
                    continue;
                }
                (_, Some(target)) => target,
                (_, None) => continue,
            };
            let abilities = self.transports.abilities();
            let known = parked.found.get(&target).cloned();
            match known.or_else(|| self.resolver.remembered(&target, &abilities)) {
                Some(Progress::Found(location)) => {
                    let resolver = Rc::clone(&self.resolver);
                    let order = location.order(&mut || resolver.random());
                    hops.extend(order.into_iter().map(|Candidate { transport, address }| way.hop(transport, address)));
                }
                Some(Progress::Nowhere) => {}
                Some(Progress::Failed) => stuck = Stuck::Failed,
                Some(Progress::Ask(_)) | None => {
                    self.park(target, parked);
                    return Ok(None);
                }
            }
        }
        if let Some(at) = parked.preferred.as_ref().and_then(|one| hops.iter().position(|hop| is_same_place(hop, one)))
        {
            let first = hops.remove(at);
            hops.insert(0, first);
        }
        let now_sip = to_sip(now);
        hops.sort_by_key(|hop| self.errands.quarantine.until(now_sip, hop.address));
        if hops.is_empty() {
            return Err(stuck);
        }
        self.send_first(now, parked.request, hops.into()).map(Some).ok_or(Stuck::Failed)
    }

    /// Sends to the first place that takes it.
    fn send_first(&mut self, now: Timestamp, request: Request, mut rest: VecDeque<Hop>) -> Option<ClientTransactionId> {
        while let Some(hop) = rest.pop_front() {
            let mut copy = request.clone();
            // RFC 3261 §8.1.1.8: where the next request of the dialog comes to depends on how this one leaves.
            if *request.method() == Method::Subscribe {
                copy.headers_mut().set(Header::new(HeaderName::Contact, self.own_contact(&hop)));
            } else if *request.method() == Method::Register
                && let Some(contact) = self.registered_contact(&request, &hop)
            {
                copy.headers_mut().set(Header::new(HeaderName::Contact, contact));
            }
            if let Ok(id) = self.send(now, copy, hop.clone()) {
                self.errands.under_way.insert(id, Errand { request, hop, rest, is_heard: false });
                return Some(id);
            }
        }
        None
    }

    fn park(&mut self, target: Target, parked: Parked) {
        let waiting = self.errands.parked.entry(target.clone()).or_default();
        waiting.push(parked);
        if waiting.len() == 1 {
            self.look_up(target);
        }
    }

    /// Begins to look a target up; [`Self::resume`] hears what was found.
    pub(super) fn look_up(&self, target: Target) {
        let Some(seeker) = self.seeker.clone() else { return };
        let looking = Rc::clone(&self.resolver).locate(target.clone(), self.transports.abilities());
        tokio::task::spawn_local(async move {
            let progress = looking.await;
            seeker.located(target, progress);
        });
    }

    /// Whoever waits for the answer to a request waits for that to another.
    pub(super) fn rename(&mut self, id: ClientTransactionId, next: ClientTransactionId) {
        if let Some(outstanding) = self.deliveries.remove(&id) {
            self.deliveries.insert(next, outstanding);
        }
        if let Some(purpose) = self.purposes.remove(&id) {
            self.purposes.insert(next, purpose);
        }
        if let Some(errand) = self.errands.under_way.remove(&id) {
            self.errands.under_way.insert(next, errand);
        }
    }
}

fn is_same_place(one: &Hop, other: &Hop) -> bool {
    one.address == other.address && one.transport == other.transport
}
