//! Faults between an actor and the gateway: losses, copies, delays, cut connections.

use super::{Actor, Arrival, Output};
use crate::lab::scenario::stage::{Act, Fault, FaultKind, FaultWay};
use std::collections::{BTreeMap, VecDeque};

/// An actor behind a wire on which faults happen.
pub struct Faulty<A> {
    inner: A,
    rules: Vec<Fault>,
    outputs: VecDeque<Output>,
    /// By when they are due, and in which order they came.
    delayed: BTreeMap<(u64, u64), Delayed>,
    count: u64,
    now_ms: u64,
    /// The post that is under way, in case it is to be sent again.
    posted: Option<Output>,
}

enum Delayed {
    Output(Box<Output>),
    Arrival(Box<Arrival>),
}

impl<A: Actor> Faulty<A> {
    /// An actor without faults until one is performed.
    pub const fn new(inner: A) -> Self {
        Self {
            inner,
            rules: Vec::new(),
            outputs: VecDeque::new(),
            delayed: BTreeMap::new(),
            count: 0,
            now_ms: 0,
            posted: None,
        }
    }

    /// The fault that strikes the next message of this way, used up by one.
    fn strike(&mut self, way: FaultWay) -> Option<FaultKind> {
        let at = self.rules.iter().position(|rule| rule.way == way)?;
        let rule = self.rules.get_mut(at)?;
        let kind = rule.kind;
        rule.count = rule.count.saturating_sub(1);
        if rule.count == 0 {
            self.rules.remove(at);
        }
        Some(kind)
    }

    fn delay(&mut self, wait_ms: u64, what: Delayed) {
        self.count = self.count.saturating_add(1);
        self.delayed.insert((self.now_ms.saturating_add(wait_ms), self.count), what);
    }

    fn work(&mut self) {
        while let Some(output) = self.inner.poll() {
            match output {
                Output::Seen(_) | Output::Cut => self.outputs.push_back(output),
                Output::Post { .. } => {
                    self.posted = Some(output.clone());
                    match self.strike(FaultWay::From) {
                        Some(FaultKind::Delay(wait_ms)) => self.delay(wait_ms, Delayed::Output(Box::new(output))),
                        Some(FaultKind::Cut) => self.outputs.extend([Output::Cut, output]),
                        // A client sends a post that was lost again, with the same transaction: only time is lost.
                        Some(FaultKind::Lose) => self.delay(POST_AGAIN_MS, Delayed::Output(Box::new(output))),
                        Some(FaultKind::Duplicate) => {
                            self.rules.push(Fault { way: FaultWay::To, kind: FaultKind::Lose, count: 1 });
                            self.outputs.push_back(output);
                        }
                        None => self.outputs.push_back(output),
                    }
                }
                Output::Sip { .. } => match self.strike(FaultWay::From) {
                    Some(FaultKind::Delay(wait_ms)) => self.delay(wait_ms, Delayed::Output(Box::new(output))),
                    Some(FaultKind::Lose | FaultKind::Cut) => {}
                    Some(FaultKind::Duplicate) => self.outputs.extend([output.clone(), output]),
                    None => self.outputs.push_back(output),
                },
            }
        }
    }

    fn arrive(&mut self, arrival: Arrival) {
        self.inner.receive(self.now_ms, arrival);
        self.work();
    }
}

impl<A: Actor> Actor for Faulty<A> {
    fn perform(&mut self, now_ms: u64, act: Act) {
        self.now_ms = now_ms;
        match act {
            Act::Fault(fault) if fault.kind == FaultKind::Cut => self.outputs.push_back(Output::Cut),
            Act::Fault(fault) if fault.count > 0 => self.rules.push(fault),
            Act::Fault(_) => {}
            act => self.inner.perform(now_ms, act),
        }
        self.work();
    }

    fn receive(&mut self, now_ms: u64, arrival: Arrival) {
        self.now_ms = now_ms;
        let is_message = matches!(arrival, Arrival::Answer { .. } | Arrival::Sip { .. });
        match if is_message { self.strike(FaultWay::To) } else { None } {
            Some(FaultKind::Delay(wait_ms)) => self.delay(wait_ms, Delayed::Arrival(Box::new(arrival))),
            Some(FaultKind::Lose | FaultKind::Cut) => {
                // The client misses the answer and posts again, with the same transaction.
                if let (Arrival::Answer { .. }, Some(posted)) = (&arrival, self.posted.clone()) {
                    self.outputs.extend([Output::Cut, posted]);
                }
            }
            Some(FaultKind::Duplicate) if matches!(arrival, Arrival::Sip { .. }) => {
                self.arrive(arrival.clone());
                self.arrive(arrival);
            }
            Some(FaultKind::Duplicate) | None => self.arrive(arrival),
        }
    }

    fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn deadline_ms(&self) -> Option<u64> {
        let delayed = self.delayed.keys().next().map(|(due, _)| *due);
        [delayed, self.inner.deadline_ms()].into_iter().flatten().min()
    }

    fn expire(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
        while let Some(entry) = self.delayed.first_entry().filter(|entry| entry.key().0 <= now_ms) {
            match entry.remove() {
                Delayed::Output(output) => self.outputs.push_back(*output),
                Delayed::Arrival(arrival) => self.arrive(*arrival),
            }
        }
        if self.inner.deadline_ms().is_some_and(|due| due <= now_ms) {
            self.inner.expire(now_ms);
        }
        self.work();
    }
}

/// When a client sends a post again that was lost.
const POST_AGAIN_MS: u64 = 500;
