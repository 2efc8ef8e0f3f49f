//! One shard of the engine: the actors of the users it owns.
//!
//! Every user is an actor in the shard that owns its address ([`shard_of`]). Users speak to each other in words only
//! ([`crate::command::CommandKind::Forward`]), whether they share a shard or not, so that one shard or many makes no
//! difference. A word to a user of the same shard takes the short way inside.
//!
//! The driver of a shard:
//!
//! 1. start: [`Engine::new`], [`Engine::account_added`] for all accounts, [`Engine::restore`] with the kept facts, then
//!    [`Engine::poll`]. All shards are restored before words are carried between them.
//! 2. loop: [`Engine::handle`] for an event whose [`crate::event::EventKind::owner`] is this shard's (events without
//!    owner go to every shard), or [`Engine::expire`] at the [`Engine::deadline`]; then [`Engine::poll`] until it is
//!    empty. That is a batch; batches may be joined.
//! 3. commit all `Keep` records of the batch, in order; then release its other commands, in order. A `Forward` goes to
//!    the shard of its `to` as [`crate::event::EventKind::Forwarded`], in order for each pair of shards.
//! 4. when a commit fails: drop what was not released, make the shard anew as in 1, and tell every other shard by
//!    [`Engine::shard_restored`].

mod announcement;
mod attachment;
mod attribute_list;
mod belonging;
mod cell;
mod conversation;
mod far_watcher;
mod federation;
mod fetch;
mod follower;
mod gathering;
mod happening;
mod inbox;
mod invitation;
mod list;
mod output;
mod presentity;
mod random;
mod recipient;
mod report;
mod rerouting;
mod restore;
mod screening;
mod sender;
mod show;
mod subscription;
mod timer;
mod user;
mod watcher;
mod word;

pub use crate::relay::machine::Storage;
pub(crate) use conversation::ConversationWord;
pub use conversation::{Creation, Joining, KeptConversation};
pub(crate) use invitation::InvitationWord;
pub use invitation::{Received, Sent};
pub use rerouting::Routing;
pub use show::{
    AttachmentRow, EntryRow, EntryStateName, Explanation, PublicationRow, QuestionRow, QueueRow, QueueState,
    StandingName, Tally, WatchRow,
};
pub(crate) use word::{Seen, Standing, Word};

use crate::{
    address::Address,
    command::Command,
    contact_list::ContactList,
    conversation::machine::Conversation,
    correlation::Correlation,
    event::{Event, EventKind, Operation, Request},
    gather::Gather,
    limit::Limits,
    outcome::Outcome,
    route::{DomainRoute, DomainTable, Route},
    side::{PeerName, Side, SideProfile},
    subscription::cache::Cache,
    time::Timestamp,
};
use output::Output;
use random::Random;
use std::collections::{BTreeMap, BTreeSet};
use timer::{Timer, Timers};
use user::User;
use watcher::Wish;

/// What one shard is told at its start.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Who lives where.
    pub domains: DomainTable,
    /// Domains hosted here whose users' presence is made known to a presence server, and through which peer.
    pub presence_servers: BTreeMap<String, PeerName>,
    /// Domains hosted here whose users are registered where they are, and through which peer.
    pub registrars: BTreeMap<String, PeerName>,
    /// Peers that have agreed to one subscription for all watchers here, and the identity that subscribes there.
    pub shared_views: BTreeMap<PeerName, Address>,
    /// Where peers are, for telling whether one has moved ([`Routing::places`]).
    pub places: BTreeMap<PeerName, String>,
    /// Domains hosted here whose users' watchers are learned of from a presence server, and through which peer.
    pub watcher_servers: BTreeMap<String, PeerName>,
    /// Limits and waits.
    pub limits: Limits,
    /// What holds for a watcher on whom the presentity has said nothing.
    pub authorization: DefaultAuthorization,
    /// Whether messages to recipients that cannot be reached are kept.
    pub storage: Storage,
    /// How the two sides differ; one profile per side, WV first.
    pub profiles: [SideProfile; 2],
    /// Seed of identifiers and jitter; drawn anew for every start.
    pub seed: [u64; 2],
    /// Which shard this is, from 0.
    pub shard: u32,
    /// How many there are.
    pub shards: u32,
}

impl EngineConfig {
    /// The only shard, with default limits and profiles.
    #[must_use]
    pub fn new(domains: DomainTable, seed: [u64; 2]) -> Self {
        Self {
            domains,
            presence_servers: BTreeMap::new(),
            registrars: BTreeMap::new(),
            shared_views: BTreeMap::new(),
            places: BTreeMap::new(),
            watcher_servers: BTreeMap::new(),
            limits: Limits::default(),
            authorization: DefaultAuthorization::Confirm,
            storage: Storage::On,
            profiles: [SideProfile::of(Side::Wv), SideProfile::of(Side::Simple)],
            seed,
            shard: 0,
            shards: 1,
        }
    }
}

/// What holds for a watcher on whom the presentity has said nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultAuthorization {
    /// It may see everything.
    Allow,
    /// The presentity is asked.
    Confirm,
    /// It is refused.
    Block,
}

/// The shard, out of `shards`, that owns the user (or the owner of the list) that the address names. Stable over
/// restarts and machines: FNV-1a over the canonical text.
#[must_use]
pub fn shard_of(address: &Address, shards: u32) -> u32 {
    let owner = address.owner();
    let hash = owner
        .as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3));
    // The upper half is mixed better.
    u32::try_from((hash >> 32) % u64::from(shards.max(1))).unwrap_or(0)
}

/// One shard.
#[derive(Debug)]
pub struct Engine {
    config: EngineConfig,
    now: Timestamp,
    random: Random,
    /// The place of the newest message in the order of acceptance.
    last_place: u64,
    output: Output,
    timers: Timers,
    accounts: BTreeSet<Address>,
    /// Boxed: a tree is half empty, and a user is large.
    users: BTreeMap<Address, Box<User>>,
    gathers: BTreeMap<u64, Gather>,
    conversations: BTreeMap<Address, Conversation>,
    /// Relations that followers may have to hear of: watched user, watcher.
    touched: BTreeSet<(Address, Address)>,
    cache: Cache,
    last_number: u64,
}

impl Engine {
    /// An empty shard. Accounts follow by [`Engine::account_added`], then the durable facts by [`Engine::restore`].
    #[must_use]
    pub fn new(config: EngineConfig) -> Self {
        Self {
            now: Timestamp::EPOCH,
            random: Random::new(config.seed),
            last_place: 0,
            output: Output::new(config.shard, config.shards),
            timers: Timers::default(),
            accounts: BTreeSet::new(),
            users: BTreeMap::new(),
            gathers: BTreeMap::new(),
            conversations: BTreeMap::new(),
            touched: BTreeSet::new(),
            cache: Cache::default(),
            last_number: 0,
            config,
        }
    }

    /// Takes one event. [`Engine::poll`] until it is empty before the next one.
    pub fn handle(&mut self, now: Timestamp, event: Event) {
        self.now = now;
        self.output.correlation = event.correlation;
        match event.kind {
            EventKind::Request(request) => self.request(request),
            EventKind::Delivered(delivery) => self.delivered(&delivery),
            EventKind::Acknowledged(acknowledgement) => self.acknowledged(&acknowledgement),
            EventKind::Reported(report) => self.reported(report),
            EventKind::ReportTaken { message, recipient, sender } => self.report_taken(&sender, &message, &recipient),
            EventKind::Announced(announcement) => self.announced(announcement),
            EventKind::AnnouncementSeen { user, id } => self.announcement_seen(&user, &id),
            EventKind::Subscription { subscription, update } => self.subscription_changed(&subscription, update),
            EventKind::Peer { reachable: false, .. } => {}
            EventKind::Peer { peer, reachable: true } => {
                self.resume_letters(&peer, None);
                self.resume_entries(&peer);
            }
            EventKind::Admission { peer, users } => {
                let users = (!users.is_empty()).then_some(&users);
                self.resume_letters(&peer, users);
                self.retest_refusals(&peer, users);
            }
            EventKind::InvitationAnswerTaken { inviter, id, invitee } => {
                self.invitation_answer_taken(&inviter, &id, &invitee);
            }
            EventKind::FarWatchers { user, watchers } => self.far_watchers(&user, watchers),
            EventKind::Far(word) => self.far_said(*word),
            EventKind::Forwarded(forwarded) => self.word(&forwarded.to, *forwarded.word),
        }
        self.settle();
    }

    /// The next thing to do, in order.
    pub fn poll(&mut self) -> Option<Command> {
        self.output.next_command()
    }

    /// When [`Engine::expire`] must be called at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.timers.next_due()
    }

    /// Does what is due.
    pub fn expire(&mut self, now: Timestamp) {
        self.now = now;
        while let Some(timer) = self.timers.pop_due(now) {
            // A wait starts a causal chain of its own unless what it belongs to knows better.
            self.output.correlation = Correlation::new(self.random.next());
            self.waited(timer);
            self.settle();
        }
    }

    /// A user of a hosted domain exists from now on.
    pub fn account_added(&mut self, user: Address) {
        if self.owns(&user) {
            self.accounts.insert(user);
        }
    }

    /// A user of a hosted domain is no more: everything of it ends.
    pub fn account_removed(&mut self, now: Timestamp, user: &Address) {
        self.now = now;
        self.output.correlation = Correlation::new(self.random.next());
        if self.accounts.remove(user) {
            self.bury(user);
        }
        self.settle();
    }

    /// Whether the address is owned by this shard.
    #[must_use]
    pub fn owns(&self, address: &Address) -> bool {
        shard_of(address, self.config.shards) == self.config.shard
    }

    fn request(&mut self, request: Request) {
        let Request { id, user, endpoint, operation } = request;
        match operation {
            Operation::Attach(attachment) => self.attach(id, &user, endpoint, attachment),
            Operation::Detach(_) => self.detach(id, &user, &endpoint),
            Operation::Send(submission) => self.send(id, user, endpoint, submission),
            Operation::Publish(publication) => self.publish(id, &user, publication),
            Operation::Watch { targets, attributes, auto_subscribe } => {
                self.watch(id, user, endpoint, &targets, Wish { attributes, auto_subscribe });
            }
            Operation::FollowWatchers { follower } => self.follow_watchers(id, &user, endpoint, follower),
            Operation::UnfollowWatchers => self.unfollow_watchers(id, &user, &endpoint),
            Operation::Unwatch { targets } => self.unwatch(id, &user, &endpoint, &targets),
            Operation::Fetch { targets, attributes } => self.fetch(id, user, &targets, attributes),
            Operation::Authorize { watcher, decision, attributes } => {
                self.authorize(id, &user, &watcher, decision, attributes);
            }
            Operation::CancelAuthorization { watcher } => self.cancel_authorization(id, &user, &watcher),
            Operation::SetAttributeLists { scope, attributes, beyond } => {
                self.set_attribute_lists(id, &user, &scope, attributes, beyond);
            }
            Operation::DropAttributeLists { scope } => self.drop_attribute_lists(id, &user, &scope),
            Operation::GetAttributeLists { scope } => self.attribute_lists(id, &user, &scope),
            Operation::GetWatchers { history } => self.watchers(id, &user, history),
            Operation::GetDecisions { watchers } => self.decisions(id, &user, &watchers),
            Operation::RepeatQuestions => self.repeat_questions(id, &user, &endpoint),
            Operation::Inbox(operation) => self.inbox(id, &user, endpoint, operation),
            Operation::AnswerAnnouncement { id: named, choice, key } => {
                self.answer_announcement(id, &user, &named, choice, key);
            }
            Operation::Screen(change) => self.screen(id, &user, change),
            Operation::GetContactLists => self.contact_lists(id, &user),
            Operation::CreateContactList { list, written, members, display_name, make_default } => {
                let (is_default, none) = (make_default, Vec::new().into());
                let list = ContactList { address: list, written, display_name, is_default, members: none };
                self.create_list(id, &user, list, members);
            }
            Operation::DeleteContactList { list } => self.delete_list(id, &user, &list),
            Operation::ManageContactList { list, change } => self.manage_list(id, &user, &list, change),
            Operation::CreateConversation { conversation, creation } => {
                self.create_conversation(id, &user, endpoint, &conversation, *creation);
            }
            Operation::Converse { conversation, ask } => self.ask_conversation(id, &user, endpoint, &conversation, ask),
            Operation::LookUp(lookup) => self.look_up(id, &user, &lookup),
            Operation::Invite { recipients, invitation } => self.invite(id, &user, &recipients, *invitation),
            Operation::ExtendTalk(extension) => self.extend_talk(id, &user, endpoint, *extension),
            Operation::Respond(response) => self.respond(id, &user, &endpoint, response),
            Operation::Withdraw { id: name, recipients, note } => {
                self.withdraw(id, &user, &name, &recipients, note.as_deref());
            }
        }
    }

    fn waited(&mut self, timer: Timer) {
        match timer {
            Timer::Gather(number) => self.gather_over(number),
            Timer::AnswerWait(owner, number) => self.answer_wait_over(&owner, number),
            Timer::Attempt(owner, number) => self.attempt_over(&owner, number),
            Timer::Retry(owner, number) => self.retry_due(&owner, number),
            Timer::Expiry(owner, number) => self.letter_expired(&owner, number),
            Timer::Origin(user) => self.origins_over(&user),
            Timer::Announcement(user, id) => self.announcement_over(&user, &id),
            Timer::Report(sender, message, recipient) => self.report_over(&sender, &message, &recipient),
            Timer::Notify(watcher, presentity, endpoint) => self.show_waiting(&watcher, &presentity, &endpoint),
            Timer::FirstView(watcher, presentity, endpoint) => self.show_unknown(&watcher, &presentity, &endpoint),
            Timer::Entry(presentity, watcher) => self.entry_waited(presentity, watcher),
            Timer::Fetch(subscription) => self.look_over(&subscription),
            Timer::Ramp => self.ramp_due(),
            Timer::Question(presentity, watcher) => self.question_over(&presentity, &watcher),
            Timer::EmptyConversation(conversation) => self.conversation_empty_over(&conversation),
            Timer::Invitation(invitee, inviter, id) => self.invitation_over(&invitee, &inviter, &id),
            Timer::Sent(inviter, id, invitee) => self.sent_over(&inviter, &id, &invitee),
        }
    }

    /// Passes the words around that stay in this shard.
    fn settle(&mut self) {
        while let Some(forwarded) = self.output.next_word() {
            self.word(&forwarded.to, *forwarded.word);
        }
        self.tell_followers();
    }

    fn word(&mut self, to: &Address, word: Word) {
        match word {
            Word::Offer { message, ticket } => self.offered(to, message, ticket),
            Word::Verdict { ticket, recipient, outcome } => self.part_settled(ticket, &recipient, outcome),
            Word::Fate(report) => self.fate(report),
            Word::StartWatch { watcher, attributes, ticket } => self.start_watch(to, watcher, attributes, ticket),
            Word::StopWatch { watcher } => self.stop_watch(to, &watcher),
            Word::Standing { presentity, ticket, standing } => self.standing(to, &presentity, ticket, standing),
            Word::Look { watcher, attributes, ticket } => self.look(to, watcher, attributes, ticket),
            Word::Seen { presentity, ticket, seen } => self.seen(ticket, &presentity, seen),
            Word::Conversation(word) => self.conversation_word(to, *word),
            Word::Invitation(word) => self.invitation_word(to, *word),
            Word::Happened(happening) => self.happened(to, &happening),
        }
    }

    const fn profile(&self, side: Side) -> &SideProfile {
        let [wv, simple] = &self.config.profiles;
        match side {
            Side::Wv => wv,
            Side::Simple => simple,
        }
    }

    /// The profile of the side on which the address lives.
    fn profile_for(&self, address: &Address) -> Option<&SideProfile> {
        self.config.domains.find(address).map(|row| self.profile(row.side))
    }

    /// Why a request of `user` is refused that only a user of this gateway may make.
    fn refusal_for_guests(&self, user: &Address) -> Option<Outcome> {
        if !self.config.domains.is_hosted(user) {
            Some(Outcome::Forbidden)
        } else if !self.accounts.contains(user) {
            Some(Outcome::UnknownUser)
        } else {
            None
        }
    }

    /// Whether a request of `from` may be carried to the neighbour that serves `to`: never for strangers, and never
    /// back to where it came from (addressing: no relaying, loop guard).
    fn may_cross(&self, from: &Address, to: &DomainRoute) -> bool {
        match (self.config.domains.find(from), &to.route) {
            (None, _) => false,
            (Some(DomainRoute { route: Route::Peer(from), .. }), Route::Peer(to)) => from != to,
            (Some(_), _) => true,
        }
    }

    /// Names a message. Names grow in the order of acceptance, also where the clock was set back.
    fn name_message(&mut self) -> crate::message::MessageId {
        self.last_place = self.now.as_millis().max(self.last_place.saturating_add(1));
        self.random.message_id(self.last_place)
    }

    const fn next_number(&mut self) -> u64 {
        self.last_number = self.last_number.wrapping_add(1);
        self.last_number
    }

    fn user_mut(&mut self, user: &Address) -> &mut User {
        self.users.entry(user.clone()).or_default()
    }
}

#[cfg(test)]
mod tests;
