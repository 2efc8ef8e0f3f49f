//! The thread that looks after the lanes: it answers the administration, tells of accounts, counts what is open, and
//! leads the end.

use super::{SignalUse, StartError, announcement, inquiry, lane_thread::LaneCrew, provision, renewal::Renewal};
use crate::{
    account::AccountBook,
    admin::{AdminRefusal, AdminReply, AdminRequest, AdminRequestKind, AdminServer},
    charging::ChargingFile,
    lane::LaneLink,
    observe::metric,
    shutdown::{Ending, Phase, Shutdown, Signals, Trigger},
    store::OpenStore,
};
use mapping::{address::Address, side::Side};
use std::{collections::BTreeSet, sync::Arc, thread::JoinHandle, time::Duration};
use tokio::sync::mpsc;

/// How the process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// It was asked to, and went through its phases.
    Ended(Ending),
    /// A lane was lost; what it had committed is in the store.
    LaneLost(u32),
    /// The supervisor itself was lost.
    Failed,
}

impl Conclusion {
    /// Whether everything that was promised is kept. What a far side had not answered when the time for draining was
    /// over does not count: either it is in the store, or nobody was promised anything.
    #[must_use]
    pub fn is_orderly(&self) -> bool {
        match self {
            Self::Ended(Ending::Orderly) => true,
            Self::Ended(Ending::Late(late)) => late.iter().all(|(_, phase)| *phase == Phase::Drain),
            Self::Ended(Ending::Forced) | Self::LaneLost(_) | Self::Failed => false,
        }
    }
}

/// What the supervisor looks after.
pub(super) struct Supervisor {
    pub(super) shutdown: Shutdown,
    pub(super) admin: AdminServer,
    pub(super) lanes: LaneCrew,
    pub(super) inquiries: mpsc::Receiver<AdminRequest>,
    pub(super) book: AccountBook,
    pub(super) renewal: Renewal,
    pub(super) charging: Option<ChargingFile>,
    pub(super) signals: SignalUse,
    pub(super) drain: Duration,
}

impl Supervisor {
    /// Goes to work on a thread of its own; the gateway is in service from when this returns.
    pub(super) fn start(self, store: Arc<OpenStore>) -> Result<JoinHandle<Conclusion>, StartError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let signals = match self.signals {
            SignalUse::Heeded => {
                let _inside = runtime.enter();
                Some(Signals::listen()?)
            }
            SignalUse::Ignored => None,
        };
        self.shutdown.start();
        let thread = std::thread::Builder::new().name("supervisor".to_owned());
        Ok(thread.spawn(move || self.run(&runtime, signals, store))?)
    }

    fn run(self, runtime: &tokio::runtime::Runtime, signals: Option<Signals>, store: Arc<OpenStore>) -> Conclusion {
        let Self { shutdown, admin, mut lanes, inquiries, book, renewal, charging, drain, .. } = self;
        let links = Arc::clone(&lanes.links);
        let trigger = shutdown.trigger();
        let lost_trigger = shutdown.trigger();
        let phase = shutdown.phase();
        let conclusion = runtime.block_on(async {
            let chores = async {
                tokio::join!(
                    answer(inquiries, Arc::clone(&links), trigger, Grounds { book: book.clone(), renewal }),
                    tell_accounts(book, Arc::clone(&links)),
                    count(Arc::clone(&links)),
                );
            };
            let ending = async {
                match signals {
                    Some(mut signals) => shutdown.run(&mut signals, drain).await,
                    None => shutdown.run_unsignalled(drain).await,
                }
            };
            let loss = async {
                let ended = lanes.ended().await;
                // In the last phase lanes end because they are asked to.
                let lost = ended.filter(|_| *phase.borrow() < Phase::Close);
                if let Some(lane) = lost {
                    tracing::error!(lane, "lane lost: the others finish, then the process ends");
                    lost_trigger.pull();
                }
                lost
            };
            end(chores, ending, loss).await
        });
        if conclusion == Conclusion::Ended(Ending::Forced) {
            // The process is to end now; what was committed is in the store.
            tracing::warn!("ended at once by a second signal");
            return conclusion;
        }
        lanes.join();
        if let Some(file) = charging {
            file.finish();
        }
        close(store);
        admin.join();
        conclusion
    }
}

/// Does the chores until the end has been gone through, and tells whether it was the loss of a lane that brought it.
async fn end(
    chores: impl Future<Output = ()>,
    ending: impl Future<Output = Ending>,
    loss: impl Future<Output = Option<u32>>,
) -> Conclusion {
    tokio::pin!(chores, ending, loss);
    let mut lost = None;
    let mut is_watching = true;
    loop {
        tokio::select! {
            ending = &mut ending => return lost.map_or(Conclusion::Ended(ending), Conclusion::LaneLost),
            lane = &mut loss, if is_watching => {
                is_watching = false;
                lost = lane;
            }
            () = &mut chores => return Conclusion::Failed,
        }
    }
}

/// Closes the store behind the last lane.
pub(super) fn close(store: Arc<OpenStore>) {
    match Arc::try_unwrap(store) {
        Ok(store) => store.close(),
        Err(_) => tracing::error!("a lane still holds the store: not closed in order"),
    }
}

/// Takes back a start that did not come to its end.
pub(super) fn end_early(shutdown: Shutdown, lanes: LaneCrew, admin: AdminServer) {
    // On a thread of its own, because the caller may be inside a runtime.
    let ending = std::thread::spawn(move || {
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
            runtime.block_on(shutdown.finish(Duration::ZERO));
        }
        lanes.join();
        admin.join();
    });
    if ending.join().is_err() {
        tracing::error!("taking back the start ended by a panic");
    }
}

/// What answers are made from.
struct Grounds {
    book: AccountBook,
    renewal: Renewal,
}

/// Answers the administration, one question after the other.
async fn answer(
    mut inquiries: mpsc::Receiver<AdminRequest>,
    links: Arc<[LaneLink]>,
    trigger: Trigger,
    grounds: Grounds,
) {
    let Grounds { book, mut renewal } = grounds;
    while let Some(AdminRequest { kind, reply }) = inquiries.recv().await {
        let domains = renewal.domains();
        let result = match kind {
            AdminRequestKind::Show(topic) => Ok(AdminReply::Table(inquiry::show(&links, topic).await)),
            AdminRequestKind::Explain { watcher, presentity } => {
                Ok(AdminReply::Steps(inquiry::explain(&links, watcher, presentity).await))
            }
            AdminRequestKind::Import(lines) => {
                Ok(AdminReply::Provisioned(provision::import(&links, &domains, renewal.accounts(), lines).await))
            }
            AdminRequestKind::Export(user) => {
                Ok(AdminReply::Provisions(provision::export(&links, &domains, renewal.accounts(), user).await))
            }
            AdminRequestKind::Purge(user) => match provision::purge(&links, &book, &domains, user.clone()).await {
                true => Ok(AdminReply::Done(format!("everything of {user} has ended"))),
                false => Err(AdminRefusal::Failed(format!("{user}: not served here, or not kept"))),
            },
            AdminRequestKind::StartOver => {
                for link in links.iter() {
                    // None when the lane is gone: it is built anew from the store.
                    let _ = link.ask(|lane, _| lane.start_over()).await;
                }
                Ok(AdminReply::Done("the gateway goes on with the copy".to_owned()))
            }
            AdminRequestKind::Announce(wish) => announcement::announce(&links, &book, wish).await,
            AdminRequestKind::Drain => {
                trigger.pull();
                Ok(AdminReply::Done("the gateway finishes what is under way and ends".to_owned()))
            }
            // In a box: what is prepared is large, and rarely there.
            AdminRequestKind::Reload => {
                Box::pin(renewal.renew(&links)).await.map(AdminReply::Done).map_err(AdminRefusal::Failed)
            }
            AdminRequestKind::LogOut(user) => Ok(AdminReply::Done(log_out(&links, user).await)),
        };
        // Refused when the asker has gone in the meantime.
        let _ = reply.send(result);
    }
    // The administration is gone before the process: there is nothing to answer, and nothing to end.
    std::future::pending().await
}

/// Ends the sessions of a user in all lanes.
async fn log_out(links: &[LaneLink], user: Address) -> String {
    let mut count = 0_usize;
    for link in links {
        let user = user.clone();
        let ended = link.ask(move |lane, now| {
            let sides = [Side::Wv, Side::Simple].map(|side| lane.adapter(side).borrow_mut().log_out(now, &user));
            sides.iter().fold(0_usize, |sum, ended| sum.saturating_add(*ended))
        });
        // A lane that is gone has no sessions.
        count = count.saturating_add(ended.await.unwrap_or(0));
    }
    match count {
        0 => format!("{user} has no session"),
        1 => format!("{user} is logged out of 1 session"),
        more => format!("{user} is logged out of {more} sessions"),
    }
}

/// Tells the lanes which users come and go.
async fn tell_accounts(mut book: AccountBook, links: Arc<[LaneLink]>) {
    let mut known = book.users();
    // Lanes may have been built on an older state of the book; hearing of a user twice does no harm.
    let mut news = change(&BTreeSet::new(), &known);
    loop {
        for link in links.iter() {
            let (added, removed) = news.clone();
            let told = link.ask(move |lane, now| {
                lane.accounts_added(now, &added);
                lane.accounts_removed(now, &removed);
            });
            // None when the lane is gone, and then it is rebuilt from the book.
            let _ = told.await;
        }
        if !book.changed().await {
            return std::future::pending().await;
        }
        let users = book.users();
        news = change(&known, &users);
        known = users;
    }
}

/// Who came and who went.
fn change(old: &BTreeSet<Address>, new: &BTreeSet<Address>) -> (Vec<Address>, Vec<Address>) {
    (new.difference(old).cloned().collect(), old.difference(new).cloned().collect())
}

/// Counts what is open, every few seconds.
async fn count(links: Arc<[LaneLink]>) {
    let mut pace = tokio::time::interval(COUNT_PACE);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        for (number, link) in links.iter().enumerate() {
            let _ = link
                .ask(move |lane, _| {
                    for side in [Side::Wv, Side::Simple] {
                        for (thing, count) in lane.adapter(side).borrow().tally() {
                            metric::open(side, thing, number, count);
                        }
                    }
                    let tally = lane.engine().tally();
                    metric::shard("attachments", number, tally.attachments);
                    metric::shard("subscriptions", number, tally.watches);
                    metric::shard("far_subscriptions", number, tally.entries);
                    metric::shard("publications", number, tally.publications);
                    metric::shard("messages", number, tally.queues);
                })
                .await;
        }
    }
}

/// How often the gauges are set. Counting walks over all users of a lane, so not at every scrape.
const COUNT_PACE: Duration = Duration::from_secs(5);
