//! Names: DNS is asked where somebody is, and what it says is remembered for as long as it holds.
//!
//! What the answers mean for SIP is decided in `sip-proto`; this is where they come from.

mod dns;
pub mod search;

pub use dns::ResolverError;

use moka::{Expiry, sync::Cache};
pub use sip_proto::resolve::record::SrvRecord;
use sip_proto::resolve::{
    Abilities, Progress, Target, locate,
    record::{Answer, Question, QuestionKind},
};
use std::{
    cell::RefCell,
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

/// Where answers come from.
pub trait NameSource {
    /// Asks; the answer comes with the time for which it holds.
    fn ask(&self, question: Question) -> Asking;
}

/// A question that is being asked.
pub type Asking = Pin<Box<dyn Future<Output = (Answer, Duration)>>>;

/// Asks and remembers, for one lane.
pub struct Resolver {
    source: Box<dyn NameSource>,
    /// Losing an entry costs a question.
    cache: Cache<Question, Kept>,
    randomness: RefCell<u64>,
}

#[derive(Clone)]
struct Kept {
    answer: Answer,
    lifetime: Duration,
}

/// Each answer is kept for its own time.
struct Lifetime;

impl Expiry<Question, Kept> for Lifetime {
    fn expire_after_create(&self, _: &Question, kept: &Kept, _: Instant) -> Option<Duration> {
        Some(kept.lifetime)
    }

    fn expire_after_update(&self, _: &Question, kept: &Kept, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(kept.lifetime)
    }
}

impl Resolver {
    /// Asks these name servers; those of the system when there are none. Has to be made inside the runtime on which it
    /// is used.
    ///
    /// # Errors
    /// When the system's settings cannot be read.
    pub fn new(name_servers: &[SocketAddr], randomness: u64) -> Result<Rc<Self>, ResolverError> {
        Ok(Self::asking(Box::new(dns::NameServers::open(name_servers)?), randomness))
    }

    /// Asks this.
    #[must_use]
    pub fn asking(source: Box<dyn NameSource>, randomness: u64) -> Rc<Self> {
        let cache = Cache::builder().max_capacity(ANSWERS_MAX).expire_after(Lifetime).build();
        Rc::new(Self { source, cache, randomness: RefCell::new(randomness) })
    }

    /// Nobody is asked, and nothing is found.
    #[must_use]
    pub fn deaf() -> Rc<Self> {
        Self::asking(Box::new(Deaf), 0)
    }

    /// Where the target is, when that is known without asking.
    #[must_use]
    pub fn remembered(&self, target: &Target, abilities: &Abilities) -> Option<Progress> {
        let known = |question: &Question| self.cache.get(question).map(|kept| kept.answer);
        match locate(target, abilities, &known) {
            Progress::Ask(_) => None,
            progress => Some(progress),
        }
    }

    /// Where the target is; never [`Progress::Ask`].
    pub async fn locate(self: Rc<Self>, target: Target, abilities: Abilities) -> Progress {
        let mut known: HashMap<Question, Answer> = HashMap::new();
        let asking = async {
            loop {
                let find = |question: &Question| {
                    known.get(question).cloned().or_else(|| self.cache.get(question).map(|kept| kept.answer))
                };
                match locate(&target, &abilities, &find) {
                    Progress::Ask(questions) => known.extend(self.ask_all(questions).await),
                    progress => return progress,
                }
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.unwrap_or(Progress::Failed)
    }

    // RFC 2782
    /// The servers of a service, in the order in which they are tried; none when there are no records of it.
    pub async fn service(self: Rc<Self>, name: &str) -> Vec<SrvRecord> {
        let question = Question { kind: QuestionKind::Srv, name: Arc::from(name.to_lowercase()) };
        match self.ask(question).await {
            Answer::Srv(records) => {
                let there = records.into_iter().filter(|record| !record.target.is_empty()).collect();
                SrvRecord::order(there, &mut || self.random())
            }
            _ => Vec::new(),
        }
    }

    /// The addresses of a host.
    pub async fn addresses(self: Rc<Self>, name: &str) -> Vec<IpAddr> {
        let name: Arc<str> = Arc::from(name.to_lowercase());
        let mut addresses = Vec::new();
        for kind in [QuestionKind::Ipv4, QuestionKind::Ipv6] {
            if let Answer::Addresses(found) = self.ask(Question { kind, name: Arc::clone(&name) }).await {
                addresses.extend(found);
            }
        }
        addresses
    }

    /// A number for drawing among equals.
    #[must_use]
    pub fn random(&self) -> u64 {
        let mut word = self.randomness.borrow_mut();
        *word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*word ^ (*word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 31)
    }

    async fn ask_all(self: &Rc<Self>, questions: Vec<Question>) -> Vec<(Question, Answer)> {
        let mut asking = tokio::task::JoinSet::new();
        for question in questions {
            let resolver = Rc::clone(self);
            asking.spawn_local(async move {
                let answer = resolver.ask(question.clone()).await;
                (question, answer)
            });
        }
        asking.join_all().await
    }

    async fn ask(&self, question: Question) -> Answer {
        if let Some(kept) = self.cache.get(&question) {
            return kept.answer;
        }
        let (answer, lifetime) = self.source.ask(question.clone()).await;
        let lifetime = lifetime.min(if answer == Answer::Failed { FAILURE_LIFE } else { ANSWER_LIFE_MAX });
        tracing::debug!(kind = ?question.kind, name = %question.name, ?answer, ?lifetime, "DNS");
        crate::observe::metric::name_asked(match answer {
            Answer::Failed => "failed",
            Answer::Nothing => "nothing",
            Answer::Naptr(_) | Answer::Srv(_) | Answer::Addresses(_) => "found",
        });
        if !lifetime.is_zero() {
            self.cache.insert(question, Kept { answer: answer.clone(), lifetime });
        }
        answer
    }
}

struct Deaf;

impl NameSource for Deaf {
    fn ask(&self, _: Question) -> Asking {
        Box::pin(async { (Answer::Nothing, ANSWER_LIFE_MAX) })
    }
}

/// Answers that are remembered.
const ANSWERS_MAX: u64 = 10_000;

/// No answer is believed for longer, whatever its lifetime.
const ANSWER_LIFE_MAX: Duration = Duration::from_secs(86_400);

/// How long a failure keeps others from asking the same.
const FAILURE_LIFE: Duration = Duration::from_secs(5);

/// How long somebody waits to be told where a target is.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use sip_proto::message::{Uri, header::via::Transport};
    use std::cell::Cell;

    /// Knows one host, and counts.
    #[derive(Clone, Default)]
    struct Counting(Rc<Cell<u32>>);

    impl NameSource for Counting {
        fn ask(&self, question: Question) -> Asking {
            self.0.set(self.0.get() + 1);
            Box::pin(async move {
                match (question.kind, &*question.name) {
                    (QuestionKind::Ipv4, "host.example") => {
                        (Answer::Addresses(vec![[192, 0, 2, 1].into()]), Duration::from_secs(3600))
                    }
                    (QuestionKind::Ipv4, "fleeting.example") => {
                        (Answer::Addresses(vec![[192, 0, 2, 2].into()]), Duration::ZERO)
                    }
                    (_, "broken.example") => (Answer::Failed, Duration::from_secs(3600)),
                    _ => (Answer::Nothing, Duration::from_secs(60)),
                }
            })
        }
    }

    fn run(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, test);
    }

    fn target(uri: &str) -> Target {
        Target::from_uri(&Uri::parse(uri).unwrap()).unwrap()
    }

    fn abilities() -> Abilities {
        Abilities { transports: vec![Transport::Tcp, Transport::Udp], ipv4: true, ipv6: false }
    }

    #[test]
    fn an_answer_is_asked_for_once_while_it_holds() {
        run(async {
            let source = Counting::default();
            let resolver = Resolver::asking(Box::new(source.clone()), 1);
            assert_eq!(resolver.remembered(&target("sip:host.example"), &abilities()), None);
            let found = Rc::clone(&resolver).locate(target("sip:host.example"), abilities()).await;
            assert!(matches!(found, Progress::Found(_)), "{found:?}");
            // NAPTR, two of SRV, one address.
            assert_eq!(source.0.get(), 4);
            assert_eq!(resolver.remembered(&target("sip:host.example"), &abilities()), Some(found));
            let _ = Rc::clone(&resolver).locate(target("sip:host.example:5060"), abilities()).await;
            assert_eq!(source.0.get(), 4);
        });
    }

    #[test]
    fn an_answer_without_lifetime_serves_whoever_asked_and_nobody_else() {
        run(async {
            let resolver = Resolver::asking(Box::new(Counting::default()), 1);
            let found = Rc::clone(&resolver).locate(target("sip:fleeting.example"), abilities()).await;
            assert!(matches!(found, Progress::Found(_)), "{found:?}");
            assert_eq!(resolver.remembered(&target("sip:fleeting.example"), &abilities()), None);
        });
    }

    #[test]
    fn failures_are_told_apart_from_absence() {
        run(async {
            let resolver = Resolver::asking(Box::new(Counting::default()), 1);
            let broken = Rc::clone(&resolver).locate(target("sip:broken.example"), abilities()).await;
            let absent = Rc::clone(&resolver).locate(target("sip:absent.example"), abilities()).await;
            assert_eq!((broken, absent), (Progress::Failed, Progress::Nowhere));
        });
    }
}
