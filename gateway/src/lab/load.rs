//! Load: many clients of both sides in one thread, messages at a rate that does not wait for answers (open loop), and how
//! long each took from the moment at which it was due.

mod histogram;
mod meter;
mod picture;

pub use histogram::Histogram;
pub use meter::{LoadReport, Measure};
pub use picture::draw;

use super::{
    actor::Casting,
    scenario::{
        seen::Exchange,
        stage::{Act, Identity, LoginWay, Role, RoleKind, SipRequest, SipTransport},
    },
};
use crate::peer::{Acts, PeerError, Told, play_actor};
use meter::Meter;
use std::{cell::RefCell, io, rc::Rc, time::Duration};
use tokio::{
    sync::mpsc,
    task::LocalSet,
    time::{Instant, sleep, sleep_until},
};

/// What load is wanted.
#[derive(Clone, Debug)]
pub struct LoadPlan {
    /// The WV users, and where their server is; each is a session.
    pub wv: Vec<Identity>,
    /// The CSP server.
    pub csp_url: String,
    /// The SIP users; each is an agent that is registered.
    pub sip: Vec<Identity>,
    /// The SIP server.
    pub sip_address: String,
    /// Version and encoding of CSP.
    pub csp: String,
    /// The encoding.
    pub encoding: String,
    /// Messages in a second, of all together.
    pub rate: f64,
    /// For how long.
    pub duration: Duration,
    /// How often a WV client polls.
    pub poll_ms: u64,
    /// How long what is under way at the end is waited for.
    pub patience: Duration,
}

/// Why there was no load.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The system refuses threads or sockets.
    #[error("the system refuses: {0}")]
    System(#[from] io::Error),
    /// Nobody could play.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// Clients could not log in or register.
    #[error("{missing} of {all} clients did not get in within {} s{}", .patience.as_secs(), .last.as_deref().map(|last| format!("; the last refusal: {last}")).unwrap_or_default())]
    NotIn {
        /// How many did not.
        missing: usize,
        /// Of how many.
        all: usize,
        /// How long they were waited for.
        patience: Duration,
        /// What one of them was told.
        last: Option<String>,
    },
    /// There is nobody to write to.
    #[error("load needs at least two users")]
    TooFew,
}

/// A client: who it is, and how it is told what to do.
struct Client {
    identity: Identity,
    is_wv: bool,
    acts: mpsc::Sender<Act>,
}

/// Generates the load; `told` hears now and then how much of the time is over.
///
/// # Errors
/// When the clients do not get in. What goes wrong afterwards is counted.
pub fn run(plan: &LoadPlan, told: impl FnMut(Duration)) -> Result<LoadReport, LoadError> {
    if plan.wv.len().saturating_add(plan.sip.len()) < 2 {
        return Err(LoadError::TooFew);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, perform(plan, told))
}

async fn perform(plan: &LoadPlan, mut told: impl FnMut(Duration)) -> Result<LoadReport, LoadError> {
    let meter = Rc::new(RefCell::new(Meter::default()));
    let clients = enter(plan, &meter);
    let_in(&clients, &meter).await?;
    let ways = ways(&clients);
    let began = Instant::now();
    let mut number: u64 = 0;
    let interval = Duration::from_secs_f64(1.0 / plan.rate.clamp(RATE_MIN, RATE_MAX));
    loop {
        // Open loop: a message is due when the rate says so, whatever became of those before it.
        let due =
            began + Duration::from_nanos(u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX).saturating_mul(number));
        if due.duration_since(began) >= plan.duration {
            break;
        }
        sleep_until(due).await;
        let turn = usize::try_from(number).unwrap_or_default().checked_rem(ways.len()).unwrap_or_default();
        let Some((from, to)) = ways.get(turn).and_then(|(from, to)| Some((clients.get(*from)?, clients.get(*to)?)))
        else {
            break;
        };
        number = number.saturating_add(1);
        let kind = meter.borrow_mut().plan(number, due, from.is_wv, to.is_wv);
        if from.acts.try_send(from.letter(number, to)).is_err() {
            meter.borrow_mut().fail(number, &format!("{kind}: the sender has too much to do"));
        }
        if number.is_multiple_of(TELL_EVERY) {
            told(began.elapsed());
        }
    }
    let sent_for = began.elapsed();
    let end = Instant::now() + plan.patience;
    while meter.borrow().is_open() && Instant::now() < end {
        sleep(LOOK_AGAIN).await;
    }
    let report = meter.borrow_mut().conclude(sent_for);
    Ok(report)
}

/// Waits until everybody is in: so many at a time, and those once more later who were told to come back.
async fn let_in(clients: &[Client], meter: &Rc<RefCell<Meter>>) -> Result<(), LoadError> {
    let all = clients.len();
    let patience = ENTER_PATIENCE + ENTER_PAUSE * u32::try_from(all / ENTER_AT_A_TIME).unwrap_or(u32::MAX);
    let end = Instant::now() + patience;
    let come = |number: usize| {
        if let Some(client) = clients.get(number) {
            let _ = client.acts.try_send(client.arrival(number));
        }
    };
    for first in (0..all).step_by(ENTER_AT_A_TIME) {
        (first..all.min(first.saturating_add(ENTER_AT_A_TIME))).for_each(come);
        sleep(ENTER_PAUSE).await;
    }
    let mut again = Instant::now();
    while meter.borrow().entered() < all {
        let now = Instant::now();
        if now >= end {
            let (missing, last) = (all.saturating_sub(meter.borrow().entered()), meter.borrow().last_refusal());
            return Err(LoadError::NotIn { missing, all, patience, last });
        }
        if now >= again {
            let refused = meter.borrow_mut().take_refused();
            refused.into_iter().for_each(come);
            again = now + COME_BACK;
        }
        sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

/// Lets everybody enter.
fn enter(plan: &LoadPlan, meter: &Rc<RefCell<Meter>>) -> Vec<Client> {
    let wv = RoleKind::WvClient { csp: plan.csp.clone(), encoding: plan.encoding.clone() };
    let sip = RoleKind::SipAgent { transport: SipTransport::Udp };
    let wv = plan.wv.iter().map(|identity| (identity, wv.clone(), &plan.csp_url));
    let sip = plan.sip.iter().map(|identity| (identity, sip.clone(), &plan.sip_address));
    let everybody = wv.chain(sip).enumerate();
    everybody
        .map(|(number, (identity, kind, server))| {
            let (acts, wanted) = mpsc::channel(ACTS_MAX);
            let is_wv = matches!(kind, RoleKind::WvClient { .. });
            let role = Role { name: format!("L{number}"), kind, shares_user_of: None };
            let casting = Casting {
                role,
                identity: identity.clone(),
                server: server.clone(),
                listen: None,
                unique: format!("load-{}-{number}", std::process::id()),
                poll_ms: Some(plan.poll_ms),
                captures: false,
            };
            let (seen_by, of) = (Rc::clone(meter), Rc::clone(meter));
            tokio::task::spawn_local(async move {
                let tell = move |told| {
                    if let Told::Seen(seen) = told {
                        seen_by.borrow_mut().see(number, &seen, Instant::now());
                    }
                    Ok(())
                };
                if let Err(error) = play_actor(casting, Acts::from_channel(wanted), tell).await {
                    of.borrow_mut().lose_client(&error.to_string());
                }
            });
            Client { identity: identity.clone(), is_wv, acts }
        })
        .collect()
}

/// Who writes to whom: across the sides where there are two, else around.
fn ways(clients: &[Client]) -> Vec<(usize, usize)> {
    let of = |is_wv: bool| -> Vec<usize> {
        clients.iter().enumerate().filter(|(_, client)| client.is_wv == is_wv).map(|(number, _)| number).collect()
    };
    let (wv, sip) = (of(true), of(false));
    if wv.is_empty() || sip.is_empty() {
        let all = clients.len();
        return (0..all)
            .map(|number| (number, number.saturating_add(1).checked_rem(all).unwrap_or_default()))
            .collect();
    }
    let pairs = wv.iter().zip(sip.iter().cycle()).chain(wv.iter().cycle().zip(&sip).skip(wv.len().min(sip.len())));
    pairs.take(wv.len().max(sip.len())).flat_map(|(wv, sip)| [(*wv, *sip), (*sip, *wv)]).collect()
}

impl Client {
    /// How it gets in.
    fn arrival(&self, number: usize) -> Act {
        let exchange = Exchange(u64::try_from(number).unwrap_or_default().saturating_add(ARRIVALS_FROM));
        if self.is_wv {
            return Act::LogIn { exchange, way: LoginWay::FourWay, resumes: false };
        }
        Act::Send(SipRequest {
            exchange: Some(exchange),
            method: "REGISTER".to_owned(),
            uri: self.identity.property("domain").map(|domain| format!("sip:{domain}")),
            headers: vec![("Expires".to_owned(), "3600".to_owned())],
            ..SipRequest::default()
        })
    }

    /// A message to another one; its text is its number.
    fn letter(&self, number: u64, to: &Self) -> Act {
        let text = Meter::text(number);
        let exchange = Exchange(number);
        if !self.is_wv {
            return Act::Send(SipRequest {
                exchange: Some(exchange),
                method: "MESSAGE".to_owned(),
                uri: to.identity.property("sip"),
                body: text.into_bytes(),
                ..SipRequest::default()
            });
        }
        let (to, from) = (&to.identity.address, &self.identity.address);
        let xml = format!(
            "<SendMessage-Request><DeliveryReport>F</DeliveryReport><MessageInfo><ContentType>text/plain</ContentType>\
             <ContentSize>{}</ContentSize><Recipient><User><UserID>wv:{to}</UserID></User></Recipient>\
             <Sender><User><UserID>wv:{from}</UserID></User></Sender><Validity>600</Validity></MessageInfo>\
             <ContentData>{text}</ContentData></SendMessage-Request>",
            text.len()
        );
        Act::Request { exchange, xml }
    }
}

/// Exchanges of logins and registrations: messages are numbered from 1.
const ARRIVALS_FROM: u64 = 1 << 31;
/// Messages that a client may have to send still.
const ACTS_MAX: usize = 1024;
const ENTER_PATIENCE: Duration = Duration::from_secs(60);
/// Clients that come at the same moment.
const ENTER_AT_A_TIME: usize = 32;
/// Until the next ones come.
const ENTER_PAUSE: Duration = Duration::from_millis(100);
/// Until those come again who were refused for the moment.
const COME_BACK: Duration = Duration::from_secs(1);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
const RATE_MIN: f64 = 0.01;
const RATE_MAX: f64 = 100_000.0;
const TELL_EVERY: u64 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn client(is_wv: bool) -> Client {
        let identity = Identity { address: "a@b".to_owned(), password: String::new() };
        Client { identity, is_wv, acts: mpsc::channel(1).0 }
    }

    #[test]
    fn everybody_writes_across_or_around() {
        let both = [client(true), client(true), client(false)];
        assert_eq!(ways(&both), [(0, 2), (2, 0), (1, 2), (2, 1)]);
        let one = [client(false), client(false), client(false)];
        assert_eq!(ways(&one), [(0, 1), (1, 2), (2, 0)]);
    }

    #[test]
    fn a_load_without_clients_is_refused() {
        let plan = LoadPlan {
            wv: Vec::new(),
            csp_url: String::new(),
            sip: Vec::new(),
            sip_address: String::new(),
            csp: "1.2".to_owned(),
            encoding: "xml".to_owned(),
            rate: 1.0,
            duration: Duration::from_secs(1),
            poll_ms: 100,
            patience: Duration::ZERO,
        };
        assert!(matches!(run(&plan, |_| ()), Err(LoadError::TooFew)));
    }
}
