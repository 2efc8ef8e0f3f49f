//! Commands of the engine: what is wanted of peers and told to their users.

use super::{Federation, answer::outcome_of, far::FarQuestion, parts_of};
use crate::wv::translate::ssp::{self as translate, group::from_group_code};
use mapping::{
    address::Address,
    command::{Command, CommandKind, DeliveryRoute, Notification},
    conversation::Removal,
    event::{Delivery, DeliveryId, EventKind, SubscriptionId},
    invitation::Invitation,
    message::{Message, Report, ReportWish},
    outcome::Outcome,
    presence::PresenceView,
    time::Timestamp,
};
use std::time::Duration;
use wv_proto::{
    primitive::party::User,
    ssp::{
        association::Request,
        part::ServiceId,
        primitive::{PresenceNotification, Primitive},
        transaction::Failure,
    },
};

/// What a request to a peer is for.
pub(super) enum Purpose {
    /// A message.
    Deliver { delivery: DeliveryId, owner: Address, recipient: Address, is_reported: bool },
    /// A lasting subscription.
    Subscribe(SubscriptionId),
    /// A look at a presentity.
    Look(SubscriptionId),
    /// A question about a group.
    Converse(Box<FarQuestion>),
    /// That a user is in a group after the session was lost.
    JoinAgain { user: Address, conversation: Address },
    /// Whether a user is still in a group of which somebody was removed.
    StillIn { user: Address, conversation: Address, removal: Removal },
    /// An invitation.
    Invite { invitation: Box<Invitation>, ticket: u64 },
    /// Something that is told and forgotten.
    Tell,
}

impl Federation {
    /// Carries out a command; everything that it promises is committed.
    pub(super) fn carry_out(&mut self, now: Timestamp, command: Command) {
        self.current = command.correlation;
        match command.kind {
            CommandKind::Answer { request, answer } => self.answered(now, request.number, &answer),
            CommandKind::Notify(notification) => self.notify(now, &notification),
            CommandKind::Deliver { delivery, owner, message, .. } => self.deliver(now, delivery, owner, &message),
            CommandKind::Report { route: DeliveryRoute::Peer(_), report } => self.report(now, &report),
            CommandKind::OpenSubscription { subscription, watcher, presentity, lasting, .. } => {
                self.open_subscription(now, subscription, watcher, presentity, lasting);
            }
            CommandKind::CloseSubscription { subscription } => self.close_subscription(now, &subscription),
            CommandKind::Conversation { endpoint, conversation, news, .. } => {
                self.tell_group(now, &endpoint, &conversation, &news);
            }
            CommandKind::Far(ask) => self.ask_far(now, *ask),
            // Users of a peer are asked and told by their own server.
            CommandKind::Report { .. }
            | CommandKind::AskAuthorization { .. }
            | CommandKind::Retract { .. }
            | CommandKind::Announce { .. }
            | CommandKind::Happened { .. }
            | CommandKind::Invitation { .. } => {}
            // Only servers of SIP are told of it.
            CommandKind::Publish { .. }
            | CommandKind::TellWatchers(_)
            | CommandKind::Register { .. }
            | CommandKind::Deregister { .. }
            | CommandKind::LearnWatchers { .. }
            | CommandKind::ForgetWatchers { .. } => {}
            // The lane's own business.
            CommandKind::Keep(_) | CommandKind::Forward(_) => {}
        }
    }

    /// What became of a request to a peer.
    pub(super) fn finished(&mut self, now: Timestamp, key: u64, result: Result<Option<Primitive>, Failure>) {
        let Some(purpose) = self.purposes.remove(&key) else { return };
        match (purpose, result) {
            (Purpose::Deliver { delivery, owner, recipient, is_reported }, Ok(answer)) => {
                let outcome = outcome_of(answer.as_ref(), &recipient);
                let retry_after = answer.as_ref().and_then(Primitive::status).and_then(|status| status.try_again);
                // The peer tells later what becomes of it.
                let outcome = if outcome == Outcome::Success && is_reported { Outcome::Stored } else { outcome };
                self.tell(EventKind::Delivered(Delivery { delivery, owner, outcome, retry_after }));
            }
            (Purpose::Subscribe(id), Ok(answer)) => self.subscribed(&id, answer.as_ref()),
            (Purpose::Look(id), Ok(answer)) => self.looked(now, &id, answer),
            (Purpose::Converse(question), Ok(answer)) => {
                let outcome = group_outcome(answer.as_ref());
                self.far_answered(*question, outcome, answer.as_ref());
            }
            (Purpose::Invite { invitation, ticket }, Ok(answer)) => {
                let outcome = group_outcome(answer.as_ref());
                self.invitation_taken(invitation, ticket, outcome);
            }
            (Purpose::JoinAgain { user, conversation }, Ok(answer)) => {
                self.joined_again(user, conversation, group_outcome(answer.as_ref()));
            }
            (Purpose::StillIn { user, conversation, removal }, Ok(answer)) => {
                self.told_whether_in(&user, &conversation, removal, group_outcome(answer.as_ref()));
            }
            (Purpose::Tell, Ok(_)) => {}
            (purpose, Err(failure)) => self.fail(now, purpose, failure),
        }
    }

    /// A request to a peer failed.
    pub(super) fn fail(&mut self, _: Timestamp, purpose: Purpose, failure: Failure) {
        let outcome = outcome_of_failure(failure);
        match purpose {
            Purpose::Deliver { delivery, owner, .. } => {
                self.tell(EventKind::Delivered(Delivery { delivery, owner, outcome, retry_after: None }));
            }
            Purpose::Subscribe(id) | Purpose::Look(id) => self.subscription_failed(&id, outcome),
            Purpose::Converse(question) => self.far_answered(*question, outcome, None),
            Purpose::Invite { invitation, ticket } => self.invitation_taken(invitation, ticket, outcome),
            // It is tried once more when the next session is there.
            Purpose::Tell | Purpose::JoinAgain { .. } | Purpose::StillIn { .. } => {
                tracing::debug!(side = "wv", ?failure, correlation = %self.current, "not told")
            }
        }
    }

    fn deliver(&mut self, now: Timestamp, delivery: DeliveryId, owner: Address, message: &Message) {
        let peer = message.recipient.domain().to_owned();
        // What was said in a group here is said by the group.
        let group = message.talk.as_deref().map(|talk| &talk.conversation).filter(|group| group.domain() != peer);
        let local = group.unwrap_or(&message.sender).domain().to_owned();
        let recipient = message.recipient.clone();
        let is_reported = message.report == ReportWish::Delivery;
        let purpose = Purpose::Deliver { delivery, owner, recipient, is_reported };
        let request = Request {
            key: 0,
            name: Some(format!("message {} {}", message.id.as_str(), message.recipient).into()),
            line: Some(format!("message {} {}", message.sender, message.recipient).into()),
            replaces: false,
            is_kept: group.is_none(),
            // The engine keeps what cannot be delivered, and tries again; but not what was said in a group.
            is_impatient: group.is_none(),
            expires: until(message.expires),
            primitive: Primitive::SendMessageRequest(Box::new(translate::to_send(message, now))),
        };
        self.request(now, (&local, &peer), purpose, request);
    }

    fn report(&mut self, now: Timestamp, report: &Report) {
        let (local, peer) = (report.recipient.domain().to_owned(), report.sender.domain().to_owned());
        let primitive = Primitive::DeliveryStatusReport(Box::new(translate::to_report(report)));
        self.inform(now, (&local, &peer), primitive, None, REPORT_LIFE);
    }

    /// Tells a peer something of which nobody waits for the answer.
    pub(super) fn inform(
        &mut self,
        now: Timestamp,
        domains: (&str, &str),
        primitive: Primitive,
        line: Option<Line>,
        life: Duration,
    ) {
        let (line, replaces) = line.map_or((None, false), |Line { name, replaces }| (Some(name), replaces));
        let request = Request {
            key: 0,
            name: None,
            line,
            replaces,
            is_kept: life > KEPT_LIFE,
            is_impatient: false,
            expires: until(now.after(life)),
            primitive,
        };
        self.request(now, domains, Purpose::Tell, request);
    }

    fn notify(&mut self, now: Timestamp, notification: &Notification) {
        let Some(view) = &notification.view else { return };
        let Some((local, watcher)) = parts_of(&notification.endpoint) else { return };
        self.forget_first_views(&watcher, std::slice::from_ref(&notification.presentity));
        // The newest word replaces what has not left yet, so it says everything.
        let view = PresenceView { changed: view.attributes, ..view.clone() };
        let value = translate::to_value(&notification.presentity, &view);
        self.tell_presence(now, &local, &watcher, &notification.presentity, vec![value]);
    }

    /// PresenceNotification to one watcher.
    pub(super) fn tell_presence(
        &mut self,
        now: Timestamp,
        local: &str,
        watcher: &Address,
        presentity: &Address,
        values: Vec<wv_proto::ssp::part::PresenceValue>,
    ) {
        let watchers = vec![User::from(crate::wv::translate::address::to_user_id(watcher))];
        let primitive = Primitive::PresenceNotification(PresenceNotification { watchers, values });
        let line = Line { name: format!("presence {watcher} {presentity}").into(), replaces: true };
        self.inform(now, (local, watcher.domain()), primitive, Some(line), PRESENCE_LIFE);
    }
}

/// The outcome of a request about a group or an invitation.
fn group_outcome(answer: Option<&Primitive>) -> Outcome {
    let Some(answer) = answer else { return Outcome::InternalError };
    answer.status().map_or(Outcome::Success, |status| from_group_code(status.code))
}

/// What goes one after the other.
pub(super) struct Line {
    pub(super) name: Box<str>,
    pub(super) replaces: bool,
}

/// The server that speaks for a user.
pub(super) fn service_of(user: &Address) -> ServiceId {
    ServiceId::of_domain(user.domain())
}

pub(super) const fn until(at: Timestamp) -> wv_proto::session::time::Timestamp {
    super::to_wv(at)
}

/// What a failure of the way to a peer means.
pub(super) const fn outcome_of_failure(failure: Failure) -> Outcome {
    match failure {
        // WV-SSP-10
        Failure::Unreadable => Outcome::Undeliverable,
        Failure::Refused | Failure::Unreachable => Outcome::Unavailable,
        Failure::Unanswered => Outcome::Timeout,
        Failure::Expired => Outcome::Expired,
        Failure::QueueFull => Outcome::QueueFull,
    }
}

/// How long presence is worth being told: what the known server does.
const PRESENCE_LIFE: Duration = Duration::from_secs(120);

/// How long a report is.
const REPORT_LIFE: Duration = Duration::from_secs(86_400);

/// What is told for longer than this survives a restart.
const KEPT_LIFE: Duration = Duration::from_secs(600);
