//! Commands of the engine: what is wanted of servers, and what shadows are to tell there.

use super::{Sidecar, presence::Role};
use crate::{
    store::WireRecord,
    wv::translate::{content, message as translate, outcome},
};
use mapping::{
    address::Address,
    command::{Command, CommandKind, DeliveryRoute},
    conversation::Reply,
    event::{Delivery, DeliveryId, EventKind, SubscriptionId},
    federation::{FarAsk, FarAskKind, FarWord, FarWordKind, Seating},
    message::{Message, MessageId, ReportWish},
    outcome::Outcome,
    side::Side,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wv_proto::{
    primitive::{
        Primitive,
        identifier::{MessageId as WvMessageId, UserId},
        message::{MessageInfo, SendMessageRequest},
        party::{Recipient, Sender},
    },
    session::standing::Failure,
    status::{DetailedResult, StatusCode, StatusResult},
};

/// What a request to a server is for.
pub(super) enum Purpose {
    /// A message.
    Deliver { delivery: DeliveryId, owner: Address, message: Box<AwaitedReport> },
    /// A lasting subscription.
    Subscribe(SubscriptionId),
    /// Lasting subscriptions, all in one.
    SubscribeAll(Vec<SubscriptionId>),
    /// A look at a presentity.
    Look(SubscriptionId),
    /// A message that the server holds is fetched.
    Fetch,
    /// A message is refused; what it is answered when the server knows so.
    Reject { ticket: u64, code: StatusCode },
    /// Who watches the shadow.
    Watchers,
    /// Something of which nobody waits for the answer.
    Tell,
}

/// What has to be known of a message to tell its sender of its fate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct AwaitedReport {
    pub(super) id: MessageId,
    pub(super) sender: Address,
    pub(super) recipient: Address,
    pub(super) media_type: Arc<str>,
    pub(super) size_octets: u64,
    pub(super) sent: Timestamp,
    pub(super) expires: Timestamp,
    pub(super) wish: ReportWish,
    pub(super) origin: Arc<str>,
}

impl AwaitedReport {
    fn of(message: &Message) -> Self {
        Self {
            id: message.id.clone(),
            sender: message.sender.clone(),
            recipient: message.recipient.clone(),
            media_type: Arc::clone(&message.content.media_type),
            size_octets: u64::try_from(message.content.body.len()).unwrap_or(u64::MAX),
            sent: message.sent,
            expires: message.expires,
            wish: message.report,
            origin: Arc::clone(&message.origin),
        }
    }
}

impl Sidecar {
    /// Carries out a command; everything that it promises is committed.
    pub(super) fn carry_out(&mut self, now: Timestamp, command: Command) {
        self.current = command.correlation;
        match command.kind {
            CommandKind::Answer { request, answer } => self.engine_answered(now, request.number, &answer),
            CommandKind::Notify(notification) => match Role::of_endpoint(&notification.endpoint) {
                Some(Role::Own(account)) => self.own_shown(now, &account, notification.view.as_ref()),
                Some(Role::Watcher(account)) => self.consent_shown(now, &account, &notification),
                None => {}
            },
            CommandKind::Deliver { delivery, owner, message, .. } => self.deliver(now, delivery, owner, &message),
            CommandKind::OpenSubscription { subscription, watcher, presentity, lasting, .. } => {
                self.open_subscription(now, subscription, &watcher, &presentity, lasting);
            }
            CommandKind::CloseSubscription { subscription } => self.close_subscription(now, &subscription),
            CommandKind::Far(ask) => self.refuse_far(*ask),
            // A WV user is told of the fate of its message by its own server, which had it acknowledged.
            CommandKind::Report { route: DeliveryRoute::Peer(_) | DeliveryRoute::Endpoint(_), .. } => {}
            // Users of a server are asked and told by it.
            CommandKind::AskAuthorization { .. }
            | CommandKind::Retract { .. }
            | CommandKind::Announce { .. }
            | CommandKind::Happened { .. }
            | CommandKind::TellWatchers(_)
            | CommandKind::Register { .. }
            | CommandKind::Deregister { .. }
            | CommandKind::LearnWatchers { .. }
            | CommandKind::ForgetWatchers { .. }
            | CommandKind::Conversation { .. }
            | CommandKind::Invitation { .. } => {}
            // Only servers of SIP are told of it.
            CommandKind::Publish { .. } => {}
            // The lane's own business.
            CommandKind::Keep(_) | CommandKind::Forward(_) => {}
        }
    }

    fn deliver(&mut self, now: Timestamp, delivery: DeliveryId, owner: Address, message: &Message) {
        let failed = |sidecar: &mut Self, outcome| {
            let delivery = Delivery { delivery, owner: owner.clone(), outcome, retry_after: None };
            sidecar.tell(EventKind::Delivered(delivery));
        };
        if message.talk.is_some() {
            return failed(self, Outcome::NotImplemented);
        }
        // Never in the name of somebody else: who has no account there cannot write there.
        let Some(index) = self.shadow_of(&message.sender, message.recipient.domain()) else {
            return failed(self, Outcome::Forbidden);
        };
        if self.is_observing(index) {
            tracing::info!(side = "wv", correlation = %self.current, "observed: would send a message to a WV user");
            return failed(self, Outcome::ServiceNotSupported);
        }
        let Some(account) = self.shadows.get(index).map(|shadow| shadow.account.clone()) else { return };
        let fitting = content::to_server(&message.content);
        let request = SendMessageRequest {
            delivery_report: message.report == ReportWish::Delivery,
            message: MessageInfo {
                // WV-MSG-02: always written; some servers never answer without it.
                content_type: Some(fitting.content_type),
                content_encoding: fitting.content_encoding,
                content_size: u32::try_from(fitting.content.octets().len()).ok(),
                recipient: Recipient::of_user(translate::user_of(&message.recipient)),
                sender: Some(Sender::User(translate::user_of(&account))),
                validity: Some(now.until(message.expires)),
                ..MessageInfo::default()
            },
            content: Some(fitting.content),
        };
        let purpose = Purpose::Deliver { delivery, owner, message: Box::new(AwaitedReport::of(message)) };
        self.ask_server(now, index, purpose, Primitive::SendMessageRequest(Box::new(request)));
    }

    /// A server answered a request, or did not.
    pub(super) fn server_answered(
        &mut self,
        now: Timestamp,
        index: usize,
        purpose: Purpose,
        answer: Result<Primitive, Failure>,
    ) {
        match purpose {
            Purpose::Deliver { delivery, owner, message } => {
                let outcome = self.delivered(now, index, &message, answer);
                let retry_after = None;
                self.tell(EventKind::Delivered(Delivery { delivery, owner, outcome, retry_after }));
            }
            Purpose::Subscribe(id) => self.subscribed(&id, &answer),
            Purpose::SubscribeAll(ids) => self.all_subscribed(now, index, ids, &answer),
            Purpose::Look(id) => self.looked(now, &id, answer),
            Purpose::Fetch => {
                if let Ok(Primitive::GetMessageResponse(response)) = answer {
                    self.fetched(now, index, *response);
                }
            }
            Purpose::Reject { ticket, code } => {
                let status = Primitive::Status(code.into());
                self.turn(now, index, super::SessionEvent::Respond { ticket, primitive: status });
            }
            Purpose::Watchers => {
                if let Ok(Primitive::GetWatcherListResponse(list)) = answer {
                    self.watchers_listed(index, &list);
                }
            }
            Purpose::Tell => {
                if let Err(failure) = answer {
                    tracing::debug!(side = "wv", ?failure, correlation = %self.current, "not told");
                }
            }
        }
    }

    fn delivered(
        &mut self,
        now: Timestamp,
        index: usize,
        message: &AwaitedReport,
        answer: Result<Primitive, Failure>,
    ) -> Outcome {
        let primitive = match answer {
            Ok(primitive) => primitive,
            // Nobody is there any more in whose name it could be tried again.
            Err(_) if self.is_retired(index) => return Outcome::Forbidden,
            Err(failure) => return outcome_of_failure(failure),
        };
        let outcome = outcome_for(primitive.result(), &message.recipient);
        let is_reported = message.wish == ReportWish::Delivery;
        if outcome != Outcome::Success || !is_reported {
            return outcome;
        }
        // The server tells later what becomes of it.
        let named = match primitive {
            Primitive::SendMessageResponse(response) => response.message_id,
            _ => None,
        };
        match named {
            Some(id) => self.await_report(now, index, &id, message.clone()),
            None => return Outcome::Success,
        }
        Outcome::Stored
    }

    fn await_report(&mut self, now: Timestamp, index: usize, id: &WvMessageId, message: AwaitedReport) {
        let Some(account) = self.shadows.get(index).map(|shadow| shadow.account.clone()) else { return };
        self.forget_old_reports(now);
        let body = serde_json::to_vec(&message).ok().map(Into::into);
        self.record(&account, id.as_str(), body);
        self.reports.insert((account, id.as_str().into()), message);
    }

    /// What a message was whose fate a server tells.
    pub(super) fn take_report(&mut self, account: &Address, id: &str) -> Option<AwaitedReport> {
        let awaited = self.reports.remove(&(account.clone(), id.into()))?;
        self.record(account, id, None);
        Some(awaited)
    }

    fn forget_old_reports(&mut self, now: Timestamp) {
        if self.reports.len() < REPORTS_MAX {
            return;
        }
        let life = self.settings.report_life;
        let is_old = |awaited: &AwaitedReport| awaited.expires.after(life) <= now;
        let old: Vec<(Address, Box<str>)> =
            self.reports.iter().filter(|(_, awaited)| is_old(awaited)).map(|(key, _)| key.clone()).collect();
        for (account, id) in old {
            self.take_report(&account, &id);
        }
    }

    fn record(&mut self, account: &Address, id: &str, body: Option<bytes::Bytes>) {
        self.inputs.push(super::Input::Wire(WireRecord {
            side: Side::Wv,
            kind: Arc::from(REPORT),
            key: Arc::from(format!("{account} {id}")),
            owner: None,
            body,
        }));
        self.wake.notify_one();
    }

    /// Takes up a kept record.
    pub(super) fn restore(&mut self, _: Timestamp, record: &WireRecord) {
        let Some((account, id)) = record.key.split_once(' ') else { return };
        let awaited = record.body.as_ref().and_then(|body| serde_json::from_slice(body).ok());
        if let (Ok(account), Some(awaited)) = (Address::parse(account), awaited) {
            self.reports.insert((account, id.into()), awaited);
        }
    }

    /// What is wanted of conversations and invited users of a server is not carried through shadows.
    fn refuse_far(&mut self, ask: FarAsk) {
        let FarAsk { user, kind, .. } = ask;
        let kind = match kind {
            FarAskKind::Converse { ticket: None, .. } => return,
            FarAskKind::Converse { conversation, endpoint, ticket: Some(ticket), .. } => FarWordKind::Answered {
                conversation,
                endpoint,
                ticket,
                outcome: Outcome::NotImplemented,
                details: Vec::new(),
                reply: Reply::Nothing,
                seating: Seating::Same,
            },
            FarAskKind::Invite { invitation, ticket } => {
                FarWordKind::InvitationTaken { invitation, ticket, outcome: Outcome::NotImplemented }
            }
            FarAskKind::Respond { .. } | FarAskKind::Withdraw { .. } => return,
        };
        self.tell(EventKind::Far(Box::new(FarWord { user, kind })));
    }

    pub(super) fn is_observing(&self, index: usize) -> bool {
        let peer = self.shadows.get(index).and_then(|shadow| self.settings.peers.get(shadow.peer));
        peer.is_some_and(|peer| peer.observe)
    }
}

/// The outcome for one target of a request; what is not answered in particular went well.
pub(super) fn outcome_for(result: Option<&StatusResult>, target: &Address) -> Outcome {
    let Some(result) = result else { return Outcome::Success };
    let detail = detail_of(result, target);
    // 900: nobody got it; where only one was meant, its own code says why.
    let only = result.detailed.first().filter(|_| !result.code.is_success() && result.detailed.len() == 1);
    outcome::from_code(detail.or(only).map_or(result.code, |detail| detail.code))
}

/// Whether the result says something of this target in particular.
pub(super) fn is_named(result: &StatusResult, target: &Address) -> bool {
    detail_of(result, target).is_some()
}

fn detail_of<'a>(result: &'a StatusResult, target: &Address) -> Option<&'a DetailedResult> {
    let is_meant =
        |user: &UserId| super::asked::neutral(user.as_str(), target.domain()).is_some_and(|user| user == *target);
    result.detailed.iter().find(|detail| detail.users.iter().any(is_meant))
}

/// What a failure of the way to a server means.
pub(super) const fn outcome_of_failure(failure: Failure) -> Outcome {
    match failure {
        Failure::Unreached | Failure::Expired => Outcome::Unavailable,
        Failure::Unanswered => Outcome::Timeout,
        Failure::QueueFull => Outcome::QueueFull,
        Failure::Barred => Outcome::Forbidden,
    }
}

/// The kind of the records that hold what is known of messages that wait for their reports.
const REPORT: &str = "csp_client_report";

/// So many messages wait for their reports before the oldest are looked for.
const REPORTS_MAX: usize = 10_000;
