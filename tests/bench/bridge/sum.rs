//! What the parts of the way take elsewhere, in the same run.

use super::talk::Exchange;
use crate::{
    clock,
    csp::{Caller, Echo, Sizes, echo_turn},
    duel::per_operation,
    libwbxml::{ForeignTree, Library},
    report::Side,
    signalling::{UserAgents, family, timed},
};
use acceptance::{
    kamailio::{self, Kamailio},
    product::Gateway,
};
use std::hint::black_box;
use tokio::runtime::Runtime;

pub(crate) struct Sum {
    echo: Echo,
    callers: Vec<Caller>,
    sizes: Vec<Sizes>,
    relay: Option<Relay>,
    translation: Option<Translation>,
    best: Parts,
}

/// Processor time of each for one message.
#[derive(Clone, Copy, Debug)]
struct Parts {
    translation: f64,
    echo: f64,
    relay: f64,
}

/// Kamailio, and those who talk through it.
struct Relay {
    users: UserAgents,
    processes: Vec<u32>,
    _kamailio: Kamailio,
}

/// What is read and written.
struct Translation {
    library: Library,
    read: Vec<Vec<u8>>,
    written: Vec<ForeignTree>,
}

impl Sum {
    /// For the exchanges that one message takes.
    pub(crate) fn of(runtime: &Runtime, gateway: &Gateway, exchanges: &[Exchange], callers: usize) -> Self {
        let echo = Echo::start();
        let callers = runtime.block_on(Caller::connect_all(echo.address, callers));
        let sizes = exchanges.iter().map(|it| Sizes { request: it.request.len(), answer: it.answer.len() }).collect();
        let relay = Kamailio::start(gateway.sip(), kamailio::free_port(), &[]).map(|kamailio| {
            let mut users = UserAgents::talking(kamailio.address(), kamailio::DOMAIN);
            users.turn(true, WARM_UP);
            Relay { users, processes: family(kamailio.process_id()), _kamailio: kamailio }
        });
        let translation = Library::open().map(|library| Translation {
            library,
            read: exchanges.iter().map(|it| it.request.clone()).collect(),
            written: exchanges.iter().filter(|it| !it.answer.is_empty()).map(|it| library.decode(&it.answer)).collect(),
        });
        let best = Parts { translation: f64::INFINITY, echo: f64::INFINITY, relay: f64::INFINITY };
        Self { echo, callers, sizes, relay, translation, best }
    }

    /// One round of each.
    pub(crate) fn measure(&mut self, runtime: &Runtime, times: u64) {
        if let Some(translation) = &self.translation {
            let taken = per_operation(translation.repeat(times), times);
            self.best.translation = self.best.translation.min(taken);
        }
        let turns = times.div_ceil(super::as_count(self.callers.len()));
        let taken = timed(&[self.echo.process.id()], || {
            runtime.block_on(async {
                for _ in 0..turns {
                    self.callers = echo_turn(std::mem::take(&mut self.callers), &self.sizes).await;
                }
            });
        });
        let each = per_operation(taken, turns * super::as_count(self.callers.len()));
        self.best.echo = self.best.echo.min(each);
        if let Some(relay) = &mut self.relay {
            let taken = timed(&relay.processes, || drop(relay.users.turn(true, times)));
            self.best.relay = self.best.relay.min(per_operation(taken, times));
        }
    }

    /// The sum; nothing where one part is not installed.
    pub(crate) fn side(&self) -> Option<Side> {
        let Parts { translation, echo, relay } = self.best;
        let micros = |nanos: f64| nanos / 1000.0;
        let name = format!(
            "libwbxml {:.1} + HTTP echo {:.1} ({} exchanges) + Kamailio {:.1}",
            micros(translation),
            micros(echo),
            self.sizes.len(),
            micros(relay)
        );
        let amount = translation + echo + relay;
        amount.is_finite().then_some(Side { amount, instructions: None, allocations: None, name })
    }
}

impl Translation {
    /// What is read becomes a tree, and the trees of what is written octets.
    fn repeat(&self, times: u64) -> std::time::Duration {
        let start = clock::of_this_thread();
        for _ in 0..times {
            for octets in &self.read {
                drop(black_box(self.library.decode(black_box(octets))));
            }
            for tree in &self.written {
                black_box(black_box(tree).encode());
            }
        }
        clock::of_this_thread().saturating_sub(start)
    }
}

/// Messages before anything is measured.
const WARM_UP: u64 = 200;
