//! SIP over UDP: what a server takes to answer OPTIONS and to relay MESSAGE, beside an echo that takes and gives as many
//! octets, and beside Kamailio where it is installed. The processor time is that of the server and its children; the user
//! agents are in this process.

mod user_agent;

use crate::{
    Effort, clock,
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

pub(crate) fn measure(effort: Effort, is_wanted: &dyn Fn(&str) -> bool, add: &mut dyn FnMut(Row)) {
    let rows = [
        Wish { name: "sip_options", what: What::Options, beside: Beside::Echo },
        Wish { name: "sip_message", what: What::Message, beside: Beside::Echo },
        Wish { name: "sip_options_kamailio", what: What::Options, beside: Beside::Kamailio },
        Wish { name: "sip_message_kamailio", what: What::Message, beside: Beside::Kamailio },
    ];
    for wish in rows.into_iter().filter(|wish| is_wanted(wish.name)) {
        add(wish.measure(effort));
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// A question that the server answers by itself.
    Options,
    /// A message from one registered user to another, and the answer back.
    Message,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beside {
    Echo,
    Kamailio,
}

struct Wish {
    name: &'static str,
    what: What,
    beside: Beside,
}

impl Wish {
    fn measure(&self, effort: Effort) -> Row {
        let gateway = start_gateway();
        let mut users = UserAgents::new(gateway.sip(), DOMAIN);
        let sizes = users.turn(self.what == What::Message, WARM_UP);
        let times = effort.round_ms.saturating_mul(OPERATIONS_PER_MS);
        let own = [gateway.process_id()];
        let mut ours = || timed(&own, || drop(users.turn(self.what == What::Message, times)));
        let (ours, baseline) = match self.beside {
            Beside::Echo => {
                let echo = Echo::start();
                let ids = [echo.process.id()];
                let (ours, baseline) =
                    fight(effort, times, &mut ours, &mut || timed(&ids, || echo.answer(&sizes, times)));
                let name =
                    if sizes.len() == 1 { "UDP echo of the same sizes" } else { "two UDP echoes of the same sizes" };
                (ours, Some(side(baseline, name)))
            }
            Beside::Kamailio => match Kamailio::start(gateway.sip(), kamailio::free_port(), &[]) {
                Some(kamailio) => {
                    let mut theirs = UserAgents::new(kamailio.address(), kamailio::DOMAIN);
                    theirs.turn(self.what == What::Message, WARM_UP);
                    let ids = family(kamailio.process_id());
                    let mut baseline = || timed(&ids, || drop(theirs.turn(self.what == What::Message, times)));
                    let (ours, baseline) = fight(effort, times, &mut ours, &mut baseline);
                    (ours, Some(side(baseline, "Kamailio")))
                }
                None => (fight(effort, times, &mut ours, &mut || Duration::MAX).0, None),
            },
        };
        let operation = match self.what {
            What::Options => "SIP OPTIONS answered over UDP",
            What::Message => "SIP MESSAGE relayed over UDP, and its answer",
        };
        Row {
            name: self.name.to_owned(),
            operation: operation.to_owned(),
            unit: Unit::CpuNanoseconds,
            ours: side(ours, ""),
            baseline,
            goal: Goal::Watched,
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
fn timed(processes: &[u32], work: impl FnOnce()) -> Duration {
    let used = || processes.iter().filter_map(|id| clock::of_process(*id)).sum::<Duration>();
    let start = used();
    work();
    used().saturating_sub(start)
}

/// A process and all that it started.
fn family(process: u32) -> Vec<u32> {
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

fn start_gateway() -> Gateway {
    Setup::configured(SITE).with("store.kind=memory").with("simple.authentication=insecure_open").start()
}

const SITE: &str = r#"
[[domain]]
name = "wv.example"
side = "wv"
route = "access"

[[domain]]
name = "sip.example"
side = "simple"
route = "registrar"

[[account]]
user = "sip:bob@sip.example"
password = "secret"

[[account]]
user = "sip:dave@sip.example"
password = "secret"

[authorization]
default = "allow"
"#;

struct Echo {
    process: Process,
    socket: UdpSocket,
    _folder: Folder,
}

impl Echo {
    fn start() -> Self {
        let folder = Folder::new("echo");
        let port = port::free();
        let mut command = Command::new(std::env::current_exe().expect("this program knows where it lies"));
        command.arg("echo-udp").arg(port.to_string());
        let process = Process::start(&mut command, &folder.file("echo.log")).expect("the echo can be started");
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).expect("an address");
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a time");
        wait::until("the echo", wait::PATIENCE, || {
            socket.send(b"0004").ok()?;
            socket.recv(&mut [0; 16]).ok()
        });
        socket.set_read_timeout(Some(wait::PATIENCE)).expect("a time");
        Self { process, socket, _folder: folder }
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

/// Operations for each millisecond that a round is wished to take.
const OPERATIONS_PER_MS: u64 = 20;
