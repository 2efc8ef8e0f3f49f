//! What belongs to users, moved in and out: each line goes through the engine as if its owner had asked, so that limits,
//! records and watchers are served as ever.

use super::{StartError, settings};
use crate::{
    account::{
        AccountBook, AccountError, AccountRegistry, AccountUser, PersonDetails,
        provision::{Deed, Provision, Wish},
    },
    admin::{ProvisionRefusal, Provisioned},
    config::Configuration,
    lane::{Clock, LaneLink},
    store::{Batch, OpenStore, Snapshot, StoreError},
};
use mapping::{
    address::Address,
    command::{Answer, CommandKind},
    correlation::Correlation,
    engine::{Engine, shard_of},
    event::{Event, EventKind, Operation, Request, RequestId},
    outcome::{Detail, Outcome},
    record::Fact,
    route::DomainTable,
    side::Endpoint,
};
use std::collections::VecDeque;

/// Has the running engine take the lines over; the answer comes when all that were taken are committed.
pub(super) async fn import(
    links: &[LaneLink],
    domains: &DomainTable,
    accounts: &AccountRegistry,
    lines: Vec<Provision>,
) -> Provisioned {
    let mut provisioned = Provisioned::default();
    let mut waiting = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        match line.to_deed(domains) {
            Ok(Deed::Describe(user, person)) => provisioned.count_person(index, accounts.describe(&user, person).await),
            Ok(Deed::Ask(wish)) => match lane_of(links, &wish.user) {
                Some(link) => waiting.push((index, link.request(wish.user, wish.side, wish.operation).await)),
                None => provisioned.refuse(index, NOT_KEPT.to_owned()),
            },
            Err(error) => provisioned.refuse(index, error.to_string()),
        }
    }
    for (index, answer) in waiting {
        let answer = match answer {
            Some(answer) => answer.await.ok(),
            None => None,
        };
        match answer {
            Some(answer) => provisioned.count(index, &answer),
            None => provisioned.refuse(index, NOT_KEPT.to_owned()),
        }
    }
    provisioned.refused.sort_by_key(|refusal| refusal.line);
    provisioned
}

/// What belongs to one user or to all, as lines.
pub(super) async fn export(
    links: &[LaneLink],
    domains: &DomainTable,
    accounts: &AccountRegistry,
    user: Option<Address>,
) -> Vec<Provision> {
    let mut lines = persons(accounts, user.as_ref());
    for link in links {
        let user = user.clone();
        // A lane that is gone has nothing.
        let facts = link.ask(move |lane, _| lane.engine().properties(user.as_ref())).await.unwrap_or_default();
        lines.extend(Provision::of_facts(&facts, domains));
    }
    lines
}

/// What is known of the person behind one account, or behind each.
fn persons(accounts: &AccountRegistry, user: Option<&Address>) -> Vec<Provision> {
    let all = accounts.list();
    let wanted = all.iter().filter(|account| user.is_none_or(|user| account.user.address() == user));
    wanted.filter_map(|account| Provision::of_account(account)).collect()
}

/// Ends everything that belongs to a user, and what it has under way; the account stays. Answers when that is committed.
pub(super) async fn purge(links: &[LaneLink], book: &AccountBook, domains: &DomainTable, user: Address) -> bool {
    let (Some(link), Some(row)) = (lane_of(links, &user), domains.find(&user)) else { return false };
    let (gone, stays) = (user.clone(), book.has(&user));
    let purged = link.ask(move |lane, now| {
        lane.dismiss(now, &gone);
        if stays {
            lane.engine_mut().account_added(gone);
        }
    });
    if purged.await.is_none() {
        return false;
    }
    // The answer to whatever is asked next comes behind the commit.
    match link.request(user, row.side, Operation::GetContactLists).await {
        Some(answer) => answer.await.is_ok(),
        None => false,
    }
}

/// Has an engine of its own take the lines over, while no gateway runs on the store.
///
/// # Errors
/// When the store did not keep them: then none was taken.
pub fn import_offline(
    configuration: &Configuration,
    store: &OpenStore,
    snapshot: Snapshot,
    accounts: &AccountRegistry,
    lines: &[Provision],
) -> Result<Provisioned, StartError> {
    let (now, domains) = (Clock::new().now(), configuration.domain_table());
    let seed = [getrandom::u64(), getrandom::u64()].map(Result::unwrap_or_default);
    let mut engine = Engine::new(mapping::engine::EngineConfig { seed, ..settings::engine(configuration, 0, 1) });
    for user in accounts.book().users() {
        engine.account_added(user);
    }
    engine.restore(now, snapshot.facts);
    // What a restored engine would like to tell others is told when the gateway runs.
    while engine.poll().is_some() {}
    let (mut batch, mut provisioned, mut persons) = (Batch::default(), Provisioned::default(), Vec::new());
    for (index, line) in lines.iter().enumerate() {
        let Wish { user, side, operation } = match line.to_deed(&domains) {
            Ok(Deed::Ask(wish)) => wish,
            Ok(Deed::Describe(user, person)) => {
                persons.push((index, user, person));
                continue;
            }
            Err(error) => {
                provisioned.refuse(index, error.to_string());
                continue;
            }
        };
        let (id, endpoint) = (RequestId { side, number: 1 }, Endpoint::new(side, "administration"));
        let kind = EventKind::Request(Request { id, user, endpoint, operation });
        let mut events = VecDeque::from([Event { correlation: Correlation::new(0), kind }]);
        while let Some(event) = events.pop_front() {
            engine.handle(now, event);
            while let Some(command) = engine.poll() {
                match command.kind {
                    CommandKind::Keep(record) => batch.records.push(record),
                    CommandKind::Answer { answer, .. } => provisioned.count(index, &answer),
                    CommandKind::Forward(word) => {
                        events.push_back(Event { correlation: command.correlation, kind: EventKind::Forwarded(word) })
                    }
                    // For clients, of which there are none.
                    _ => {}
                }
            }
        }
    }
    if !batch.is_empty() {
        keep(store, batch)?;
    }
    describe(store, accounts, persons, &mut provisioned)?;
    Ok(provisioned)
}

/// What belongs to one user or to all, as it lies in a store on which no gateway runs.
#[must_use]
pub fn export_offline(
    configuration: &Configuration,
    accounts: &AccountRegistry,
    facts: &[Fact],
    user: Option<&Address>,
) -> Vec<Provision> {
    let domains = configuration.domain_table();
    let is_of = |fact: &Fact, user: &Address| match fact {
        Fact::Conversation(kept) => kept.owner == *user,
        // They are told with their conversation.
        Fact::Person { .. } => true,
        fact => fact.owner() == *user,
    };
    let mut wanted: Vec<&Fact> = facts.iter().filter(|fact| user.is_none_or(|user| is_of(fact, user))).collect();
    // As a running gateway tells them: user by user, lists before the words on them.
    wanted.sort_by_key(|fact| (fact.owner(), !matches!(fact, Fact::ContactList(_)), fact.key()));
    let mut lines = persons(accounts, user);
    lines.extend(Provision::of_facts(wanted, &domains));
    lines
}

fn keep(store: &OpenStore, batch: Batch) -> Result<(), StoreError> {
    let mut handle = store.lane_handle();
    runtime(store)?.block_on(async {
        let ticket = handle.submit(batch).map_err(|_| StoreError::Closed)?;
        loop {
            let progress = handle.progress();
            if progress.is_committed(ticket) {
                return Ok(());
            }
            if progress.failure().is_some() {
                return Err(StoreError::Closed);
            }
            handle.progressed().await?;
        }
    })
}

/// Persons whose account the store has.
fn describe(
    store: &OpenStore,
    accounts: &AccountRegistry,
    persons: Vec<(usize, AccountUser, PersonDetails)>,
    provisioned: &mut Provisioned,
) -> Result<(), StoreError> {
    runtime(store)?.block_on(async {
        for (index, user, person) in persons {
            provisioned.count_person(index, accounts.describe(&user, person).await);
        }
    });
    provisioned.refused.sort_by_key(|refusal| refusal.line);
    Ok(())
}

fn runtime(store: &OpenStore) -> Result<tokio::runtime::Runtime, StoreError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|source| StoreError::Folder { path: store.folder().path().to_owned(), source })
}

fn lane_of<'a>(links: &'a [LaneLink], user: &Address) -> Option<&'a LaneLink> {
    let lanes = u32::try_from(links.len()).unwrap_or(1);
    links.get(usize::try_from(shard_of(user, lanes)).unwrap_or(0))
}

impl Provisioned {
    fn refuse(&mut self, line: usize, reason: String) {
        self.refused.push(ProvisionRefusal { line, reason });
    }

    fn count_person(&mut self, line: usize, described: Result<(), AccountError>) {
        match described {
            Ok(()) => self.taken = self.taken.saturating_add(1),
            Err(error) => self.refuse(line, error.to_string()),
        }
    }

    fn count(&mut self, line: usize, answer: &Answer) {
        let (outcome, details) = match answer {
            Answer::Done { outcome, details }
            | Answer::Sent { outcome, details, .. }
            | Answer::ContactList { outcome, details, .. }
            | Answer::Conversation { outcome, details, .. }
            | Answer::Presence { outcome, details, .. } => (*outcome, details.as_slice()),
            _ => (Outcome::Success, &[][..]),
        };
        match outcome {
            Outcome::Success => self.taken = self.taken.saturating_add(1),
            Outcome::PartialSuccess => {
                self.taken = self.taken.saturating_add(1);
                self.refuse(line, format!("taken but for {}", spell_details(details)));
            }
            outcome => self.refuse(line, word(outcome)),
        }
    }
}

fn spell_details(details: &[Detail]) -> String {
    let parts: Vec<String> =
        details.iter().map(|detail| format!("{} ({})", detail.target, word(detail.outcome))).collect();
    parts.join(", ")
}

/// An outcome in plain words.
fn word(outcome: Outcome) -> String {
    serde_json::to_value(outcome)
        .ok()
        .and_then(|value| value.as_str().map(|text| text.replace('_', " ")))
        .unwrap_or_else(|| format!("{outcome:?}"))
}

const NOT_KEPT: &str = "not kept: the store or the gateway did not take it; try again";
