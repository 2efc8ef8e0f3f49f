//! How long a message takes at half of what the gateway can do, beside echoes that are asked as often: from the moment at
//! which it was due (open loop) until its sender knows that the recipient has it. The echoes are those of one HTTP exchange
//! and, after it, one UDP exchange.

use super::{PAIRS, side, site};
use crate::{
    Effort,
    csp::{self, Caller, is_taken, send_to, site::user},
    duel::as_float,
    plot::{Curve, Plot},
    report::{Goal, Row, Side, Unit},
    signalling::{self, UserAgents},
};
use acceptance::{
    phone::Phone,
    product::{self, Gateway},
};
use std::{fmt::Write as _, fs, net::SocketAddr, path::Path, time::Duration};
use tokio::{
    net::UdpSocket,
    runtime::Runtime,
    task::JoinSet,
    time::{Instant, sleep_until},
};
use wv_proto::{
    primitive::identifier::SessionId,
    version::{Encoding, Version},
};

pub(crate) fn measure(runtime: &Runtime, effort: Effort, is_wanted: &dyn Fn(&str) -> bool, add: &mut dyn FnMut(Row)) {
    if !is_wanted(NAME) {
        return;
    }
    let gateway = site::start("embedded", PAIRS);
    let mut agents = UserAgents::new(gateway.sip(), "sip.example");
    agents.register_all((0..PAIRS).map(|number| format!("u{number}")), 86_400);
    let mut writers = runtime.block_on(Writer::all(&gateway));
    let http = csp::Echo::start();
    let udp = signalling::Echo::start();
    let mut askers = runtime.block_on(Asker::all(http.address, udp.address));
    let lasts = Duration::from_millis(effort.round_ms.saturating_mul(LASTS));
    // Warm, and then as fast as it goes.
    runtime.block_on(load(&mut writers, None, lasts));
    let capacity = runtime.block_on(load(&mut writers, None, lasts)).rate;
    let rate = capacity / 2.0;
    let (mut ours, mut echoes): (Option<Latencies>, Option<Latencies>) = (None, None);
    for _ in 0..effort.rounds {
        let echo = runtime.block_on(load(&mut askers, Some(rate), lasts)).latencies;
        echoes = Some(echoes.map_or(echo.clone(), |best| best.better(echo)));
        let own = runtime.block_on(load(&mut writers, Some(rate), lasts)).latencies;
        ours = Some(ours.map_or(own.clone(), |best| best.better(own)));
    }
    let (Some(ours), Some(echoes)) = (ours, echoes) else { return };
    write(&ours, &echoes, rate);
    for (permille, limit) in [(500, 1e6), (990, 5e6)] {
        let (all, echo) = (ours.at(permille), echoes.at(permille));
        add(Row {
            name: format!("{NAME}_p{}", permille / 10),
            operation: format!(
                "added latency of a message WV → SIP until answered, {rate:.0} a second, p{} ({:.2} ms in all)",
                permille / 10,
                all / 1e6
            ),
            unit: Unit::Nanoseconds,
            ours: side(all - echo),
            baseline: Some(Side { name: "HTTP and UDP echo".to_owned(), ..side(echo) }),
            goal: Goal::Amount(limit),
        });
    }
}

/// Somebody who does one thing after the other.
trait Doing: Send + 'static {
    fn once(&mut self) -> impl Future<Output = ()> + Send;
}

/// A phone that writes to a SIP user.
struct Writer {
    caller: Caller,
    session: SessionId,
    to: String,
    count: u64,
}

impl Writer {
    async fn all(gateway: &Gateway) -> Vec<Self> {
        let mut all = Vec::new();
        for number in 0..PAIRS {
            let phone = Phone::logged_in(gateway.csp(), &user(number), Version::V1_2, Encoding::Wbxml);
            let session = SessionId::new(phone.session_id().expect("a session"));
            let caller = Caller::connect(gateway.csp()).await;
            all.push(Self { caller, session, to: format!("wv:u{number}@sip.example"), count: 0 });
        }
        all
    }
}

impl Doing for Writer {
    async fn once(&mut self) {
        self.count += 1;
        let answer = self.caller.post("/csp", &send_to(&self.session, &self.to, self.count)).await;
        assert!(is_taken(&answer), "a message was refused");
    }
}

/// Somebody who asks both echoes.
struct Asker {
    caller: Caller,
    socket: UdpSocket,
}

impl Asker {
    async fn all(http: SocketAddr, udp: SocketAddr) -> Vec<Self> {
        let mut all = Vec::new();
        for _ in 0..PAIRS {
            let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
            socket.connect(udp).await.expect("an address");
            all.push(Self { caller: Caller::connect(http).await, socket });
        }
        all
    }
}

impl Doing for Asker {
    async fn once(&mut self) {
        drop(self.caller.post("/100", &[b'e'; 250]).await);
        let mut request = b"0300".to_vec();
        request.resize(500, b'e');
        self.socket.send(&request).await.expect("the echo takes it");
        self.socket.recv(&mut [0; 4096]).await.expect("the echo answers");
    }
}

/// What came of a load.
struct Loaded {
    rate: f64,
    latencies: Latencies,
}

/// In nanoseconds, the shortest first.
#[derive(Clone)]
struct Latencies(Vec<u64>);

impl Latencies {
    fn at(&self, permille: usize) -> f64 {
        let place = (self.0.len() * permille / 1000).min(self.0.len().saturating_sub(1));
        self.0.get(place).copied().map_or(0.0, as_float)
    }

    /// The round with the shorter tail: noise only adds.
    fn better(self, other: Self) -> Self {
        if other.at(990) < self.at(990) { other } else { self }
    }
}

/// Lets all do it for so long: so often in a second whatever became of what was before, or without a pause.
async fn load<D: Doing>(all: &mut Vec<D>, rate: Option<f64>, lasts: Duration) -> Loaded {
    let count = super::as_count(all.len());
    let began = Instant::now();
    let mut under_way = JoinSet::new();
    for (number, mut one) in all.drain(..).enumerate() {
        let pace = rate.map(|rate| Duration::from_secs_f64(as_float(count) / rate));
        under_way.spawn(async move {
            let mut latencies = Vec::new();
            let mut due = began + pace.unwrap_or_default().mul_f64(as_float(super::as_count(number)) / as_float(count));
            while due < began + lasts && began.elapsed() < 2 * lasts {
                // Who is late because the one before took long counts that; who is woken late does not.
                let is_late = Instant::now() > due;
                sleep_until(due).await;
                let since = if is_late { due } else { Instant::now() };
                one.once().await;
                latencies.push(u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX));
                due = pace.map_or_else(Instant::now, |pace| due + pace);
            }
            (number, one, latencies)
        });
    }
    let mut done = under_way.join_all().await;
    let took = began.elapsed().as_secs_f64();
    done.sort_by_key(|(number, _, _)| *number);
    let mut latencies = Vec::new();
    for (_, one, its) in done {
        all.push(one);
        latencies.extend(its);
    }
    latencies.sort_unstable();
    Loaded { rate: as_float(super::as_count(latencies.len())) / took, latencies: Latencies(latencies) }
}

/// Leaves what the picture is drawn from.
fn write(ours: &Latencies, echoes: &Latencies, rate: f64) {
    let mut text = format!("permille\tmessage_ns\techo_ns\t{rate:.0}\n");
    for permille in (0..1000).step_by(10).chain([995, 999]) {
        let _ = writeln!(text, "{permille}\t{:.0}\t{:.0}", ours.at(permille), echoes.at(permille));
    }
    fs::write(product::target_folder().join(FILE), text).expect("the target folder can be written");
}

/// Draws what the last run left: how long a message takes, and how long the echoes.
pub(crate) fn picture(from: &Path, to: &Path) {
    let Ok(text) = fs::read_to_string(from.with_file_name(FILE)) else { return };
    let rate = text.lines().next().and_then(|line| line.rsplit('\t').next()).unwrap_or_default();
    let rows: Vec<Vec<f64>> = text
        .lines()
        .skip(1)
        .map(|line| line.split('\t').filter_map(|cell| cell.parse().ok()).collect())
        .filter(|row: &Vec<f64>| row.len() == 3)
        .collect();
    // As far from the end as tells the tail apart: nine tenths, ninety-nine hundredths, …
    let place = |permille: f64| 1000.0 / (1000.0 - permille);
    let curve = |name: &str, cell: fn(&[f64]) -> f64| Curve {
        name: name.to_owned(),
        points: rows.iter().map(|row| (place(row[0]), cell(row) / 1e6)).collect(),
    };
    let plot = Plot {
        title: format!("latency at half load, {rate} a second: message WV → SIP until answered, beside echoes"),
        x: "share that is not slower".to_owned(),
        y: "ms".to_owned(),
        marks: [(0.0, "0 %"), (500.0, "50 %"), (900.0, "90 %"), (990.0, "99 %"), (999.0, "99.9 %")]
            .map(|(permille, name)| (place(permille), name.to_owned()))
            .to_vec(),
        curves: vec![
            curve("message", |row| row[1]),
            curve("HTTP and UDP echo", |row| row[2]),
            curve("added", |row| row[1] - row[2]),
        ],
        bounds: vec![(place(500.0), 1.0), (place(990.0), 5.0)],
    };
    plot.draw(to);
}

const NAME: &str = "bridge_latency";

/// Beside the table.
const FILE: &str = "latency.tsv";

/// How long a load lasts, in wished rounds.
const LASTS: u64 = 40;
