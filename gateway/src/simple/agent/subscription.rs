//! Back-end subscriptions: the gateway as subscriber at a neighbour server, on behalf of watchers.

mod entry;
mod partial;

use super::{Agent, Conclusion, Held, Purpose, far_watcher::Learned, restore::octets, to_sip, way::Way};
pub(super) use entry::{Package, Wish};

use crate::quick_hash::QuickMap;
use crate::simple::translate::{
    address,
    outcome::{Purpose as CodePurpose, from_status},
    presence::from_pidf,
    watcher::from_reason,
};
use entry::{Entry, Resumable};
use mapping::{
    address::Address,
    correlation::Correlation,
    event::{EventKind, SubscriptionId, SubscriptionUpdate},
    outcome::Outcome,
    time::Timestamp,
};
use sip_proto::{
    body::{pidf::Presence, watcher_info::WatcherTable, xml::XmlLimits},
    event::{
        body::Body,
        credential::CredentialSource,
        lifetime::Jitter,
        subscriber::{
            Subscriber, SubscriberCommand, SubscriberEvent, SubscriberState, SubscriptionChange,
            advice::is_terminating,
            settings::{Conditional, SubscriberSettings},
        },
    },
    message::{
        Header, HeaderName, Method, Request, Response, StatusCode,
        header::{
            address::NameAddr,
            event::{Event, TerminationReason},
            identifier::{CallId, Tag},
            media_type::MediaType,
        },
        text::Text,
    },
    time::DeadlineQueue,
    transaction::{ServerTransactionId, timer::TimerValues, via::Hop},
};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// All subscribers, by their own tag.
#[derive(Default)]
pub(super) struct Subscribers {
    entries: QuickMap<Arc<str>, Box<Entry>>,
    /// Those whose news the engine wants. One that it has closed takes its leave without a name, beside a new one.
    by_name: HashMap<SubscriptionId, Arc<str>>,
    deadlines: DeadlineQueue<Arc<str>>,
    /// What is known from dialogs that got lost; forgetting one costs a document.
    resumable: Resumable,
}

/// What leaves when the record of its machine is committed.
pub(super) enum Outgoing {
    Request(Request),
    Answer(ServerTransactionId, Response),
}

/// What is kept of a back-end subscription besides its machine.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    name: SubscriptionId,
    wish: Wish,
    tag: String,
    call_id: String,
    /// In records of older versions; see [`octets`].
    #[serde(default, skip_serializing)]
    machine: Vec<u8>,
    /// The newest document, where the neighbour gives tags.
    #[serde(default)]
    document: Option<String>,
}

impl Subscribers {
    pub(super) fn deadline(&self) -> Option<sip_proto::time::Timestamp> {
        self.deadlines.next()
    }

    pub(super) fn count(&self) -> usize {
        self.entries.len()
    }

    /// The causal chain that the machine works on.
    pub(super) fn chain(&self, tag: &Arc<str>) -> Option<Correlation> {
        self.entries.get(tag).map(|entry| entry.correlation)
    }

    /// Where the last request went.
    pub(super) fn stay_at(&mut self, tag: &Arc<str>, hop: Option<Hop>) {
        if let (Some(entry), Some(hop)) = (self.entries.get_mut(tag), hop) {
            entry.hop = Some(hop);
        }
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn show(&self) -> Vec<serde_json::Value> {
        let mut rows: Vec<(&Arc<str>, serde_json::Value)> = self
            .entries
            .iter()
            .map(|(tag, entry)| {
                let row = serde_json::json!({
                    "role": "subscriber", "dialog": tag, "peer": entry.wish.peer, "watcher": entry.wish.watcher,
                    "presentity": entry.wish.presentity, "state": format!("{:?}", entry.machine.state()),
                    "expires_at_ms": entry.machine.expires_at().map(|at| at.as_millis()),
                });
                (tag, row)
            })
            .collect();
        rows.sort_by(|one, other| one.0.cmp(other.0));
        rows.into_iter().map(|(_, row)| row).collect()
    }
}

impl Agent {
    pub(super) fn open_subscription(
        &mut self,
        now: Timestamp,
        correlation: Correlation,
        subscription: &SubscriptionId,
        wish: Wish,
    ) {
        // After a restart the dialog may still be there: the engine opens again, and the kept machine goes on.
        if let Some(tag) = self.subscribers.by_name.get(subscription).cloned() {
            self.tell_kept(correlation, subscription, &tag);
            if let Some(entry) = self.subscribers.entries.get_mut(&tag) {
                entry.correlation = correlation;
                entry.claim_until = None;
                entry.machine.handle(to_sip(now), SubscriberEvent::Refresh);
            }
            return self.drive_subscriber(now, &tag);
        }
        let (tag, call_id) = (self.ids.tag(), self.ids.call_id());
        let Some((mut settings, ways)) = self.subscriber_settings(&wish, tag.clone(), call_id) else {
            return self.tell_subscription(correlation, subscription, failed(Outcome::UnknownDomain));
        };
        // RFC 5839 §5.5
        let resumed = self.subscribers.resumable.0.remove(subscription);
        settings.known = resumed.as_ref().map(|(known, _)| known.clone());
        let (machine, name) = (Subscriber::new(settings), subscription.clone());
        let mut entry = Entry::new(machine, name, wish, ways, correlation);
        entry.document = resumed.map(|(_, document)| document);
        entry.machine.handle(to_sip(now), SubscriberEvent::Subscribe);
        let tag: Arc<str> = Arc::from(tag.to_string());
        self.subscribers.by_name.insert(subscription.clone(), Arc::clone(&tag));
        self.subscribers.entries.insert(Arc::clone(&tag), Box::new(entry));
        self.drive_subscriber(now, &tag);
    }

    fn subscriber_settings(
        &mut self,
        wish: &Wish,
        tag: Tag,
        call_id: CallId,
    ) -> Option<(SubscriberSettings, Vec<Way>)> {
        let peer = self.settings.peers.find(&wish.peer)?;
        let ways = peer.ways.clone();
        let is_trusted = peer.is_trusted;
        let credentials = if peer.credentials.is_some() { CredentialSource::Owner } else { CredentialSource::None };
        let local = address::from_neutral(&wish.watcher).ok()?;
        let target = address::from_neutral(&wish.presentity).ok()?;
        let jitter = Jitter::from_random(self.random());
        // RFC 3325 §6: identity is asserted to trusted neighbours only.
        let identity = is_trusted.then(|| Header::new(HeaderName::PAssertedIdentity, NameAddr::new(local.clone())));
        let settings = SubscriberSettings {
            target: target.clone(),
            local: NameAddr::new(local),
            remote: NameAddr::new(target),
            contact: self.contact_towards(&ways),
            event: Event::from_text(&Text::from_static(wish.package.event())).ok()?,
            accept: wish.package.accepted().filter_map(|accepted| MediaType::parse(accepted).ok()).collect(),
            expires_s: if wish.lasting { SUBSCRIBE_EXPIRES_S } else { 0 },
            // RFC 3608 §6.1
            routes: self.far_registrations.service_route(&wish.watcher, &wish.peer).to_vec(),
            headers: identity.into_iter().collect(),
            call_id,
            tag,
            jitter,
            timers: TimerValues::default(),
            forks: wish.package.forks(),
            credentials,
            // RFC 5839; UNCLEAR §6.4 for documents that tell changes.
            conditional: if wish.package == Package::Presence { Conditional::On } else { Conditional::Off },
            known: None,
        };
        Some((settings, ways))
    }

    /// After a restart: what was known before it is known again, as the refresh will ask for news only.
    fn tell_kept(&mut self, correlation: Correlation, subscription: &SubscriptionId, tag: &Arc<str>) {
        let Some(entry) = self.subscribers.entries.get(tag).filter(|entry| entry.claim_until.is_some()) else { return };
        let document = entry.document.clone().filter(|_| entry.machine.state() == SubscriberState::Active);
        let watcher = entry.wish.watcher.clone();
        if let Some(known) = document.and_then(|document| self.read_notified(&document, &watcher)) {
            self.tell_subscription(correlation, subscription, SubscriptionUpdate::Active(Some(Box::new(known))));
        }
    }

    pub(super) fn close_subscription(&mut self, now: Timestamp, subscription: &SubscriptionId) {
        self.subscribers.resumable.0.invalidate(subscription);
        if let Some(tag) = self.subscribers.by_name.remove(subscription) {
            self.leave(now, &tag);
        }
    }

    /// Ends one dialog; the engine may have another one under the same name.
    fn leave(&mut self, now: Timestamp, tag: &Arc<str>) {
        if let Some(entry) = self.subscribers.entries.get_mut(tag) {
            entry.correlation = self.current;
            entry.claim_until = None;
            entry.each(|machine| machine.handle(to_sip(now), SubscriberEvent::Unsubscribe));
            if self.subscribers.by_name.get(&entry.name) == Some(tag) {
                self.subscribers.by_name.remove(&entry.name);
            }
        }
        self.drive_subscriber(now, tag);
    }

    /// RFC 6665 §4.1.3: a NOTIFY finds its subscription by the tag that this side gave it.
    pub(super) fn serve_notify(&mut self, now: Timestamp, id: ServerTransactionId, request: &Arc<Request>) {
        let tag: Arc<str> = super::to_tag(request).map(|tag| Arc::from(tag.to_string())).unwrap_or_default();
        let Some(entry) = self.subscribers.entries.get_mut(&tag) else {
            return self.refuse(now, id, request, StatusCode::CALL_DOES_NOT_EXIST);
        };
        entry.correlation = self.current;
        let remote = request.headers().from().ok().and_then(|from| from.tag()).map(|tag| tag.detach());
        let machine = entry.machine_mut(entry.index_of(remote.as_ref()));
        machine.handle(to_sip(now), SubscriberEvent::Notify { transaction: id, request: Arc::clone(request) });
        self.drive_subscriber(now, &tag);
    }

    pub(super) fn advance_subscriber(
        &mut self,
        now: Timestamp,
        tag: &Arc<str>,
        remote: Option<&Tag>,
        conclusion: Conclusion,
    ) {
        let event = match conclusion {
            Conclusion::Response(response) => SubscriberEvent::Response(*response),
            Conclusion::TimedOut => SubscriberEvent::TimedOut,
            Conclusion::RequestFailed | Conclusion::Nowhere => SubscriberEvent::RequestFailed,
        };
        if let Some(entry) = self.subscribers.entries.get_mut(tag) {
            entry.machine_mut(entry.index_of(remote)).handle(to_sip(now), event);
        }
        self.drive_subscriber(now, tag);
    }

    pub(super) fn expire_subscribers(&mut self, now: Timestamp) {
        while let Some(tag) = self.subscribers.deadlines.pop_due(to_sip(now)) {
            let correlation = self.correlation();
            self.current = correlation;
            let Some(entry) = self.subscribers.entries.get_mut(&tag) else { continue };
            entry.correlation = correlation;
            if entry.claim_until.is_some_and(|until| until <= to_sip(now)) {
                self.leave(now, &tag);
                continue;
            }
            entry.each(|machine| machine.expire(to_sip(now)));
            self.drive_subscriber(now, &tag);
        }
    }

    /// Carries out what the machine wants. Answers, and requests for whose numbers a new record is due, wait for the record.
    fn drive_subscriber(&mut self, now: Timestamp, tag: &Arc<str>) {
        let (mut outgoing, mut reading, mut challenge) = (Vec::new(), Reading::Done, None);
        while let Some((index, command)) = self.subscribers.entries.get_mut(tag).and_then(|entry| entry.poll()) {
            match command {
                SubscriberCommand::SendRequest(request) => outgoing.push(Outgoing::Request(request)),
                SubscriberCommand::Respond { transaction, response } => {
                    outgoing.push(Outgoing::Answer(transaction, response));
                }
                SubscriberCommand::StateChanged(change) => {
                    if self.tell_change(now, tag, index, change) == Reading::Malformed {
                        reading = Reading::Malformed;
                    }
                }
                SubscriberCommand::Challenged { response, uri } => challenge = Some((index, response, uri)),
                SubscriberCommand::Forked(sibling) => {
                    if let Some(entry) = self.subscribers.entries.get_mut(tag) {
                        entry.siblings.push(*sibling);
                        entry.tables.push(WatcherTable::default());
                    }
                }
            }
        }
        if reading == Reading::Malformed {
            refuse_document(&mut outgoing);
            if let Some(entry) = self.subscribers.entries.get_mut(tag) {
                entry.machine.forget_entity_tag();
            }
        }
        let is_kept = self.keep_subscriber(tag);
        if is_kept || outgoing.iter().any(|one| matches!(one, Outgoing::Answer(..))) {
            self.hold(Held::Subscriber { tag: Arc::clone(tag), outgoing });
        } else {
            self.release_subscriber(now, tag, outgoing);
        }
        self.finish_subscriber(tag);
        self.wake.notify_one();
        if let Some((index, response, uri)) = challenge {
            self.authorize_subscriber(now, tag, index, &response, &uri.to_string());
        }
    }

    // RFC 3261 §22.2
    fn authorize_subscriber(&mut self, now: Timestamp, tag: &Arc<str>, index: usize, response: &Response, uri: &str) {
        let Some(peer) = self.subscribers.entries.get(tag).map(|entry| entry.wish.peer.clone()) else { return };
        let headers = self.answer_challenges(&peer, response, &Method::Subscribe, (uri, &[]));
        if let Some(entry) = self.subscribers.entries.get_mut(tag) {
            entry.machine_mut(index).handle(to_sip(now), SubscriberEvent::Authorize(headers));
        }
        self.drive_subscriber(now, tag);
    }

    /// Forgets a machine that is over, and sets the clock of one that is not.
    fn finish_subscriber(&mut self, tag: &Arc<str>) {
        let Some(entry) = self.subscribers.entries.get_mut(tag) else { return };
        entry.bury();
        if entry.machine.state() != SubscriberState::Ended {
            let deadline = entry.deadline();
            return self.subscribers.deadlines.set(Arc::clone(tag), deadline);
        }
        self.subscribers.deadlines.set(Arc::clone(tag), None);
        let Some(entry) = self.subscribers.entries.remove(tag) else { return };
        if self.subscribers.by_name.get(&entry.name) == Some(tag) {
            self.subscribers.by_name.remove(&entry.name);
        }
        if entry.wish.lasting {
            self.keep("subscriber", tag, Some(entry.wish.presentity.as_str()), None);
        }
    }

    /// What a machine wanted sent may leave.
    pub(super) fn release_subscriber(&mut self, now: Timestamp, tag: &Arc<str>, outgoing: Vec<Outgoing>) {
        for one in outgoing {
            match one {
                Outgoing::Request(request) => self.send_subscribe(now, tag, request),
                Outgoing::Answer(transaction, response) => self.respond(now, transaction, &response),
            }
        }
    }

    fn send_subscribe(&mut self, now: Timestamp, tag: &Arc<str>, request: Request) {
        let Some(entry) = self.subscribers.entries.get(tag) else { return };
        let (ways, hop) = (entry.ways.clone(), entry.hop.clone());
        let ways = self.dialog_ways(&request, ways, hop.as_ref());
        let remote = super::to_tag(&request);
        match self.send_by(now, request, &ways, hop.as_ref()) {
            Ok(id) => {
                self.purposes.insert(id, Purpose::Subscriber(Arc::clone(tag), remote));
            }
            Err(_) => self.advance_subscriber(now, tag, remote.as_ref(), Conclusion::RequestFailed),
        }
    }

    /// Keeps a lasting subscription when its numbers are used up or its lifetime has moved. Whether it was kept.
    fn keep_subscriber(&mut self, tag: &Arc<str>) -> bool {
        let Some(entry) = self.subscribers.entries.get_mut(tag) else { return false };
        let until = entry.machine.expires_at();
        let known = entry.machine.entity_tag().cloned();
        let is_same = entry.kept_until == until && entry.kept_tag == known;
        if !entry.wish.lasting || (!entry.machine.is_record_due() && is_same) {
            return false;
        }
        let Some(machine) = entry.machine.to_snapshot() else { return false };
        let Some(dialog) = entry.machine.dialog_id() else { return false };
        let kept = Kept {
            name: entry.name.clone(),
            wish: entry.wish.clone(),
            tag: dialog.local_tag.to_string(),
            call_id: dialog.call_id.to_string(),
            machine: Vec::new(),
            document: entry.document.as_ref().and_then(|body| String::from_utf8(body.content().to_vec()).ok()),
        };
        let owner = entry.wish.presentity.to_string();
        (entry.kept_until, entry.kept_tag) = (until, known);
        let Ok(body) = octets::join(&kept, &machine) else { return false };
        self.keep("subscriber", tag, Some(&owner), Some(body));
        true
    }

    /// Takes up a kept subscription.
    pub(super) fn restore_subscriber(&mut self, now: Timestamp, key: &Arc<str>, body: &[u8]) -> Result<(), String> {
        let (kept, machine): (Kept, _) = octets::split(body).map_err(|error| error.to_string())?;
        let octets = machine.unwrap_or(&kept.machine).to_vec();
        let Kept { name, wish, tag, call_id, document, .. } = kept;
        let tag = Tag::from_text(Text::from(tag)).map_err(|error| error.to_string())?;
        let call_id = CallId::from_text(Text::from(call_id)).map_err(|error| error.to_string())?;
        let (settings, ways) =
            self.subscriber_settings(&wish, tag, call_id).ok_or("the peer is not configured any more")?;
        // Refreshes after a restart are spread, so that the neighbour is not flooded.
        let spread = Duration::from_millis(self.random() % 2000);
        let mut machine =
            Subscriber::from_snapshot(to_sip(now), &octets, settings, spread).map_err(|error| error.to_string())?;
        // RFC 5839 §5.2: only who has the state may be spared it.
        let document = document.and_then(|text| to_body(text, wish.package));
        if document.is_none() {
            machine.forget_entity_tag();
        }
        let correlation = self.correlation();
        let mut entry = Entry::new(machine, name, wish, ways, correlation);
        entry.document = document;
        let (name, kept_until) = (entry.name.clone(), entry.kept_until);
        let is_leaving = entry.machine.state() == SubscriberState::Leaving;
        let mut claim_until = (!is_leaving).then(|| to_sip(now.after(CLAIM_WAIT)));
        if !is_leaving {
            // One that took its leave while its refresh was under way was not kept as leaving: the later one goes on.
            let other = self.subscribers.by_name.get(&name).cloned();
            let other = other.and_then(|other| self.subscribers.entries.get_mut(&other));
            match other {
                Some(other) if other.kept_until > kept_until => claim_until = Some(to_sip(now)),
                other => {
                    if let Some(other) = other {
                        other.claim_until = Some(to_sip(now));
                    }
                    self.subscribers.by_name.insert(name.clone(), Arc::clone(key));
                }
            }
        }
        entry.claim_until = claim_until;
        self.subscribers.entries.insert(Arc::clone(key), Box::new(entry));
        self.finish_subscriber(key);
        Ok(())
    }

    /// Tells the engine what became of a subscription that it wants to hear of.
    fn tell_change(&mut self, now: Timestamp, tag: &Arc<str>, index: usize, change: SubscriptionChange) -> Reading {
        let Some(entry) = self.subscribers.entries.get(tag) else { return Reading::Done };
        if self.subscribers.by_name.get(&entry.name) != Some(tag) {
            return Reading::Done;
        }
        if entry.wish.package == Package::WatcherInfo {
            return self.tell_learner(now, tag, index, change);
        }
        let (name, watcher, correlation) = (entry.name.clone(), entry.wish.watcher.clone(), entry.correlation);
        let change = match change {
            // RFC 6665 §4.1.2.2
            // Only the dialog is gone: the subscription is begun again, once, and a refusal of that counts.
            SubscriptionChange::Failed { status, .. }
                if entry.machine.dialog_id().is_some() && is_dialog_lost(status) =>
            {
                let reason = Some(TerminationReason::Deactivated);
                SubscriptionChange::Ended { reason, retry_after: None, body: None }
            }
            other => other,
        };
        let change = self.unfold(now, tag, change);
        self.note_document(tag, &change);
        let has_document = matches!(
            change,
            SubscriptionChange::Active { body: Some(_) } | SubscriptionChange::Ended { body: Some(_), .. }
        );
        let mut reading = Reading::Done;
        for update in self.to_updates(change, &watcher) {
            if has_document && matches!(update, SubscriptionUpdate::Active(None)) {
                reading = Reading::Malformed;
            }
            self.tell_subscription(correlation, &name, update);
        }
        reading
    }

    /// Keeps what a conditional refresh will not bring again, and what a lost dialog knew.
    fn note_document(&mut self, tag: &Arc<str>, change: &SubscriptionChange) {
        let Some(entry) = self.subscribers.entries.get_mut(tag) else { return };
        let known = entry.machine.entity_tag().cloned();
        match (change, known) {
            (SubscriptionChange::Active { .. } | SubscriptionChange::Pending, None) => entry.document = None,
            (SubscriptionChange::Active { body: Some(body) }, Some(_)) => entry.document = Some(body.clone()),
            (SubscriptionChange::Ended { reason: Some(TerminationReason::Deactivated), .. }, Some(known)) => {
                if let Some(document) = entry.document.take() {
                    self.subscribers.resumable.0.insert(entry.name.clone(), (known, document));
                }
            }
            (
                SubscriptionChange::Active { body: None }
                | SubscriptionChange::Pending
                | SubscriptionChange::Ended { .. }
                | SubscriptionChange::Failed { .. },
                _,
            ) => {}
        }
    }

    fn tell_learner(&mut self, now: Timestamp, tag: &Arc<str>, index: usize, change: SubscriptionChange) -> Reading {
        let Some(entry) = self.subscribers.entries.get_mut(tag) else { return Reading::Done };
        let (user, mut tables) = (entry.wish.presentity.clone(), std::mem::take(&mut entry.tables));
        let learned = self.learn_change(now, &user, &mut tables, index, change);
        let Some(entry) = self.subscribers.entries.get_mut(tag) else { return Reading::Done };
        entry.tables = tables;
        if learned == Learned::Gap {
            // RFC 3858 §4: a refresh brings everything.
            entry.machine_mut(index).handle(to_sip(now), SubscriberEvent::Refresh);
        }
        if learned == Learned::Malformed { Reading::Malformed } else { Reading::Done }
    }

    fn to_updates(&self, change: SubscriptionChange, watcher: &Address) -> Vec<SubscriptionUpdate> {
        let active = |body: Option<Body>| {
            SubscriptionUpdate::Active(body.and_then(|body| self.read_notified(&body, watcher)).map(Box::new))
        };
        match change {
            SubscriptionChange::Pending => vec![SubscriptionUpdate::Pending],
            SubscriptionChange::Active { body } => vec![active(body)],
            SubscriptionChange::Ended { reason, retry_after, body } => {
                let reason = from_reason(reason.as_ref().map(|reason| reason.as_str()));
                let ended = SubscriptionUpdate::Ended { reason, retry_after };
                // The answer to a fetch, for instance, comes with its end.
                body.is_some().then(|| active(body)).into_iter().chain([ended]).collect()
            }
            SubscriptionChange::Failed { status, retry_after } => vec![SubscriptionUpdate::Failed {
                outcome: from_status(status.to_number(), CodePurpose::Presence),
                retry_after,
            }],
        }
    }

    fn read_notified(&self, body: &Body, watcher: &Address) -> Option<mapping::presence::PresenceDocument> {
        let watcher = address::from_neutral(watcher).ok().map(|uri| uri.to_string());
        match Presence::parse(body.content(), &XmlLimits::PRESENCE) {
            Ok(presence) => Some(from_pidf(&presence, watcher.as_deref())),
            Err(error) => {
                tracing::debug!(side = "simple", correlation = %self.current, %error, "notified document not read");
                crate::observe::metric::malformed(mapping::side::Side::Simple);
                None
            }
        }
    }

    fn tell_subscription(
        &mut self,
        correlation: Correlation,
        subscription: &SubscriptionId,
        update: SubscriptionUpdate,
    ) {
        self.tell(correlation, EventKind::Subscription { subscription: subscription.clone(), update });
        self.wake.notify_one();
    }
}

/// Whether the refusal of a refresh speaks of the dialog only, and not of the presentity.
fn is_dialog_lost(status: StatusCode) -> bool {
    let is_unknown = matches!(status.to_number(), 404 | 410 | 604);
    is_terminating(status) && !is_unknown
}

/// What became of a document that was notified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// There was none, or it was read.
    Done,
    /// It is none.
    Malformed,
}

/// The NOTIFY that brought it is refused; what was known stays.
// RFC 3261 §21.4.1
fn refuse_document(outgoing: &mut [Outgoing]) {
    for one in outgoing {
        if let Outgoing::Answer(_, response) = one
            && response.status().is_success()
        {
            *response = Response::for_headers(response.headers(), StatusCode::BAD_REQUEST, None);
        }
    }
}

const fn failed(outcome: Outcome) -> SubscriptionUpdate {
    SubscriptionUpdate::Failed { outcome, retry_after: None }
}

/// A document that was kept.
fn to_body(text: String, package: Package) -> Option<Body> {
    let media_type = MediaType::parse(package.media_type()).ok()?;
    Some(Body::new(media_type, text.into()))
}

/// Asked of neighbours (subscription.md §5).
const SUBSCRIBE_EXPIRES_S: u32 = 3600;

/// How long a restored subscription waits for the engine to open it again: longer than the ramp of the starts takes.
const CLAIM_WAIT: Duration = Duration::from_secs(600);
