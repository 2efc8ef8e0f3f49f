//! SIP over UDP: what a server takes to answer OPTIONS and to relay MESSAGE, beside an echo that takes and gives as many
//! octets, and beside Kamailio where it is installed. The processor time is that of the server and its children; the user
//! agents are in this process.

mod user_agent;
mod watching;

use crate::{
    Effort, clock,
    csp::site::{DOMAINS, sip_accounts},
    duel::per_operation,
    report::{Goal, Row, Side, Unit},
};
use acceptance::{
    folder::Folder,
    kamailio::{self, Kamailio},
    port,
    process::Process,
    product::{Gateway, Setup},
    wait,
};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    process::Command,
    time::Duration,
};
use user_agent::Sizes;
pub(crate) use user_agent::UserAgents;
use watching::Watching;

pub(crate) fn measure(effort: Effort, is_wanted: &dyn Fn(&str) -> bool, add: &mut dyn FnMut(Row)) {
    let memory = "memory";
    let rows = [
        Wish { name: "sip_options", what: What::Options, store: memory, beside: Beside::Echo, goal: Goal::Watched },
        Wish { name: "sip_message", what: What::Message, store: memory, beside: Beside::Echo, goal: Goal::Watched },
        Wish::beside_kamailio("sip_options_kamailio", What::Options, memory, Goal::Watched),
        Wish::beside_kamailio("sip_message_kamailio", What::Message, memory, Goal::Ratio(0.5)),
        Wish::beside_kamailio("sip_message_embedded_kamailio", What::Message, "embedded", Goal::Ratio(1.0)),
        Wish::beside_kamailio("sip_subscribe_kamailio", What::Subscribe, memory, Goal::Ratio(0.35)),
        Wish::beside_kamailio("sip_subscribe_embedded_kamailio", What::Subscribe, "embedded", Goal::Ratio(0.7)),
        Wish::beside_kamailio("sip_fan_out_kamailio", What::FanOut, memory, Goal::Ratio(0.333)),
    ];
    for wish in rows.into_iter().filter(|wish| is_wanted(wish.name)) {
        add(wish.measure(effort));
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// A question that the server answers by itself.
    Options,
    /// A message from one registered user to another, and the answer back; thirty-two such pairs at once.
    Message,
    /// A new subscription: its answer, the first NOTIFY and the answer to that.
    Subscribe,
    /// A NOTIFY to one of a hundred watchers of a user who publishes, and its answer.
    FanOut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beside {
    Echo,
    Kamailio,
}

struct Wish {
    name: &'static str,
    what: What,
    store: &'static str,
    beside: Beside,
    goal: Goal,
}

/// Those who use a server.
enum Users {
    Talking(UserAgents, What),
    Watching(Watching, What),
}

impl Users {
    fn at(server: SocketAddr, domain: &str, what: What) -> Self {
        match what {
            What::Options | What::Message => {
                let mut users = UserAgents::talking(server, domain);
                users.turn(what == What::Message, WARM_UP);
                Self::Talking(users, what)
            }
            What::Subscribe => {
                let mut users = Watching::new(server, domain, USERS);
                users.subscribe(WARM_UP);
                Self::Watching(users, what)
            }
            What::FanOut => {
                let mut users = Watching::new(server, domain, WATCHERS + 1);
                users.watch_first(WATCHERS);
                users.tell(2, WATCHERS);
                Self::Watching(users, what)
            }
        }
    }

    /// Does it so often.
    fn turn(&mut self, times: u64) {
        match self {
            Self::Talking(users, what) => drop(users.turn(*what == What::Message, times)),
            Self::Watching(users, What::FanOut) => users.tell(times / WATCHERS, WATCHERS),
            Self::Watching(users, _) => users.subscribe(times),
        }
    }
}

impl Wish {
    const fn beside_kamailio(name: &'static str, what: What, store: &'static str, goal: Goal) -> Self {
        Self { name, what, store, beside: Beside::Kamailio, goal }
    }

    fn measure(&self, effort: Effort) -> Row {
        let gateway = start_gateway(self.store);
        let times = effort.round_ms.saturating_mul(self.what.operations_per_ms());
        let own = [gateway.process_id()];
        let (ours, baseline) = match self.beside {
            Beside::Echo => {
                let mut users = UserAgents::talking(gateway.sip(), DOMAIN);
                let sizes = users.turn(self.what == What::Message, WARM_UP);
                let mut ours = || timed(&own, || drop(users.turn(self.what == What::Message, times)));
                let echo = Echo::start();
                let ids = [echo.process.id()];
                let (ours, baseline) =
                    fight(effort, times, &mut ours, &mut || timed(&ids, || echo.answer(&sizes, times)));
                let name =
                    if sizes.len() == 1 { "UDP echo of the same sizes" } else { "two UDP echoes of the same sizes" };
                (ours, Some(side(baseline, name)))
            }
            Beside::Kamailio => {
                let mut users = Users::at(gateway.sip(), DOMAIN, self.what);
                let mut ours = || timed(&own, || users.turn(times));
                match Kamailio::start(gateway.sip(), kamailio::free_port(), self.what.switches()) {
                    Some(kamailio) => {
                        let mut theirs = Users::at(kamailio.address(), kamailio::DOMAIN, self.what);
                        let ids = family(kamailio.process_id());
                        let mut baseline = || timed(&ids, || theirs.turn(times));
                        let (ours, baseline) = fight(effort, times, &mut ours, &mut baseline);
                        (ours, Some(side(baseline, "Kamailio")))
                    }
                    None => (fight(effort, times, &mut ours, &mut || Duration::MAX).0, None),
                }
            }
        };
        Row {
            name: self.name.to_owned(),
            operation: self.what.describe(self.store),
            unit: Unit::CpuNanoseconds,
            ours: side(ours, ""),
            baseline,
            goal: self.goal,
        }
    }
}

impl What {
    fn describe(self, store: &str) -> String {
        match self {
            Self::Options => "SIP OPTIONS answered over UDP".to_owned(),
            Self::Message => format!("SIP MESSAGE relayed over UDP, and its answer, {store} store"),
            Self::Subscribe => format!("SIP SUBSCRIBE and its first NOTIFY, with answers, {store} store"),
            Self::FanOut => format!("SIP PUBLISH to {WATCHERS} watchers, each NOTIFY, {store} store"),
        }
    }

    /// How Kamailio is started. Subscriptions are in its memory only.
    const fn switches(self) -> &'static [&'static str] {
        match self {
            Self::Options | Self::Message => &[],
            Self::Subscribe | Self::FanOut => &["WITH_MEM", "WITH_OPEN"],
        }
    }

    /// Operations for each millisecond that a round is wished to take; a multiple of what is done at once, or all.
    const fn operations_per_ms(self) -> u64 {
        match self {
            Self::Options | Self::Message | Self::FanOut => 20,
            Self::Subscribe => 8,
        }
    }
}

/// The best rounds of both, in turn, per operation.
fn fight(
    effort: Effort,
    times: u64,
    ours: &mut dyn FnMut() -> Duration,
    baseline: &mut dyn FnMut() -> Duration,
) -> (f64, f64) {
    let mut best = (f64::INFINITY, f64::INFINITY);
    for _ in 0..effort.rounds {
        best.1 = best.1.min(per_operation(baseline(), times));
        best.0 = best.0.min(per_operation(ours(), times));
    }
    best
}

fn side(amount: f64, name: &str) -> Side {
    Side { amount, instructions: None, allocations: None, name: name.to_owned() }
}

/// What the processes use while the work is done.
pub(crate) fn timed(processes: &[u32], work: impl FnOnce()) -> Duration {
    let used = || processes.iter().filter_map(|id| clock::of_process(*id)).sum::<Duration>();
    let start = used();
    work();
    used().saturating_sub(start)
}

/// A process and all that it started.
pub(crate) fn family(process: u32) -> Vec<u32> {
    let mut ids = vec![process];
    let mut at = 0;
    while let Some(id) = ids.get(at) {
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        ids.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        at += 1;
    }
    ids
}

/// The domain that the gateway serves.
const DOMAIN: &str = "sip.example";

fn start_gateway(store: &str) -> Gateway {
    let text = format!("{DOMAINS}{}", sip_accounts(usize::try_from(USERS).expect("they are few")));
    Setup::configured(&text)
        .with(&format!("store.kind={store}"))
        .with("simple.authentication=insecure_open")
        .with("limits.notify_interval_min_ms=0")
        .with("limits.coalesce_ms=0")
        .with("limits.subscriptions_per_watcher=10000000")
        .with("limits.watchers_per_presentity=10000000")
        .with("limits.watches_per_minute=100000000")
        .with("limits.requests_per_s_per_source=100000000")
        .start()
}

pub(crate) struct Echo {
    process: Process,
    pub(crate) address: SocketAddr,
    socket: UdpSocket,
    _folder: Folder,
}

impl Echo {
    pub(crate) fn start() -> Self {
        let folder = Folder::new("echo");
        let port = port::free();
        let mut command = Command::new(std::env::current_exe().expect("this program knows where it lies"));
        command.arg("echo-udp").arg(port.to_string());
        let process = Process::start(&mut command, &folder.file("echo.log")).expect("the echo can be started");
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        socket.connect(address).expect("an address");
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a time");
        wait::until("the echo", wait::PATIENCE, || {
            socket.send(b"0004").ok()?;
            socket.recv(&mut [0; 16]).ok()
        });
        socket.set_read_timeout(Some(wait::PATIENCE)).expect("a time");
        Self { process, address, socket, _folder: folder }
    }

    /// As many exchanges of these sizes as a server has that does something.
    fn answer(&self, sizes: &[Sizes], times: u64) {
        let mut buffer = vec![0; 65_536];
        let mut left = times;
        while left > 0 {
            let count = left.min(user_agent::AT_ONCE);
            for size in sizes {
                let mut request = format!("{:04}", size.answer).into_bytes();
                request.resize(size.request, b'e');
                for _ in 0..count {
                    self.socket.send(&request).expect("the echo takes it");
                }
                for _ in 0..count {
                    self.socket.recv(&mut buffer).expect("the echo answers");
                }
            }
            left -= count;
        }
    }
}

/// Operations before anything is measured.
const WARM_UP: u64 = 200;

/// Users who watch each other.
const USERS: u64 = 200;

/// Who watches one user.
const WATCHERS: u64 = 100;
