//! A NOTIFY of a neighbour's server that many phones are told of: what each of them takes beyond the first, from the
//! arrival of the NOTIFY until the notification waits in each session.

use super::{presence_server::PresenceServer, side, site, talk::settle};
use crate::{
    Effort, clock,
    csp::Crowd,
    report::{Goal, Row, Unit},
};
use acceptance::product::Gateway;
use std::time::Duration;
use tokio::runtime::Runtime;

pub(crate) fn measure(runtime: &Runtime, effort: Effort, is_wanted: &dyn Fn(&str) -> bool, add: &mut dyn FnMut(Row)) {
    if !is_wanted(NAME) {
        return;
    }
    let mut one = Watched::by(runtime, 1);
    let mut all = Watched::by(runtime, WATCHERS);
    let times = effort.round_ms.saturating_mul(TIMES_PER_100_MS) / 100;
    let (mut of_one, mut of_all) = (Duration::MAX, Duration::MAX);
    for _ in 0..times.max(10) {
        of_one = of_one.min(one.tell(runtime));
        of_all = of_all.min(all.tell(runtime));
    }
    #[allow(clippy::cast_precision_loss, reason = "a hundred")]
    let each = (of_all.as_secs_f64() - of_one.as_secs_f64()) * 1e9 / (WATCHERS - 1) as f64;
    add(Row {
        name: NAME.to_owned(),
        operation: format!(
            "SIP NOTIFY → {WATCHERS} WV watchers, until queued, each beyond the first ({:.1} µs for one)",
            of_one.as_secs_f64() * 1e6
        ),
        unit: Unit::CpuNanoseconds,
        ours: side(each),
        baseline: None,
        goal: Goal::Amount(3000.0),
    });
}

/// Phones that all watch one user of the neighbour, through one subscription.
struct Watched {
    gateway: Gateway,
    server: PresenceServer,
    crowd: Crowd,
    watchers: usize,
    turns: u64,
}

impl Watched {
    fn by(runtime: &Runtime, watchers: usize) -> Self {
        let mut server = PresenceServer::start();
        let gateway = site::start_beside(&server, watchers, SHARED);
        let mut crowd = runtime.block_on(Crowd::log_in(&gateway, watchers));
        runtime.block_on(crowd.watch(PRESENTITY));
        server.await_subscriptions(1);
        let mut all = Self { gateway, server, crowd, watchers, turns: 0 };
        settle(all.gateway.process_id());
        runtime.block_on(all.crowd.take_presence());
        for _ in 0..WARM_UP {
            all.tell(runtime);
        }
        all
    }

    /// One NOTIFY; what it took until nothing more happened, and then it waited for every phone.
    fn tell(&mut self, runtime: &Runtime) -> Duration {
        self.turns += 1;
        let before = self.used();
        self.server.tell(&format!("on the way since {:08}", self.turns));
        settle(self.gateway.process_id());
        let taken = self.used().saturating_sub(before);
        if self.turns == 1 {
            assert_eq!(self.queued(), self.watchers, "the administration says for how many phones it is queued");
        }
        let (_, told) = runtime.block_on(self.crowd.take_presence());
        assert_eq!(told, self.watchers, "each phone's next poll brings it");
        taken
    }

    fn used(&self) -> Duration {
        clock::of_process(self.gateway.process_id()).expect("it runs")
    }

    /// For how many sessions something waits, as `show sessions` says.
    fn queued(&self) -> usize {
        let (success, told) = self.gateway.ask(&["show", "sessions", "--json"]);
        assert!(success, "{told}");
        told.matches("\"queued\":").count()
            - told.matches("\"queued\":0").count()
            - told.matches("\"queued\": 0").count()
    }
}

const NAME: &str = "bridge_fan_out";

/// The neighbour agrees to one subscription for all who watch.
const SHARED: &str = "shared_view = \"wv:w0@wv.example\"\n";

const PRESENTITY: &str = "wv:s@far.example";

const WATCHERS: usize = 100;

/// NOTIFYs of each before anything is measured.
const WARM_UP: usize = 10;

/// NOTIFYs for 100 ms of a round's wish.
const TIMES_PER_100_MS: u64 = 100;
