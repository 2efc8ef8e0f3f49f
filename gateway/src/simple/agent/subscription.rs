//! Back-end subscriptions: the gateway as subscriber at a neighbour server, on behalf of watchers.

use super::{Agent, Conclusion, Purpose, to_sip};
use crate::simple::translate::{
    address,
    outcome::{Purpose as CodePurpose, from_status},
    presence::from_pidf,
    watcher::from_reason,
};
use mapping::{
    address::Address,
    correlation::Correlation,
    event::{EventKind, SubscriptionId, SubscriptionUpdate},
    outcome::Outcome,
    side::PeerName,
    time::Timestamp,
};
use sip_proto::{
    body::{pidf::Presence, xml::XmlLimits},
    event::{
        body::Body,
        credential::CredentialSource,
        lifetime::Jitter,
        package::Forks,
        subscriber::{
            Subscriber, SubscriberCommand, SubscriberEvent, SubscriberState, SubscriptionChange,
            settings::{Conditional, SubscriberSettings},
        },
    },
    message::{
        Header, HeaderName, Request, Response, StatusCode,
        header::{address::NameAddr, event::Event, media_type::MediaType},
        text::Text,
    },
    time::DeadlineQueue,
    transaction::{ServerTransactionId, timer::TimerValues, via::Hop},
};
use std::{collections::HashMap, sync::Arc};

/// All subscribers, by the name the engine gave the subscription and by their own tag.
#[derive(Default)]
pub(super) struct Subscribers {
    entries: HashMap<Arc<str>, Entry>,
    by_tag: HashMap<String, Arc<str>>,
    deadlines: DeadlineQueue<Arc<str>>,
}

struct Entry {
    machine: Subscriber,
    wish: Wish,
    hop: Hop,
    correlation: Correlation,
}

/// What the engine wants of a neighbour.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Wish {
    /// Through which peer.
    pub(super) peer: PeerName,
    /// On whose behalf.
    pub(super) watcher: Address,
    /// To whom.
    pub(super) presentity: Address,
    /// Whether one document is enough.
    pub(super) lasting: bool,
}

/// What is kept of a back-end subscription besides its machine.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    wish: Wish,
    tag: String,
    call_id: String,
    machine: Vec<u8>,
}

impl Subscribers {
    pub(super) fn deadline(&self) -> Option<sip_proto::time::Timestamp> {
        self.deadlines.next()
    }

    pub(super) fn count(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn show(&self) -> Vec<serde_json::Value> {
        let mut rows: Vec<(&Arc<str>, serde_json::Value)> = self
            .entries
            .iter()
            .map(|(name, entry)| {
                let row = serde_json::json!({
                    "role": "subscriber", "subscription": name, "peer": entry.wish.peer, "watcher": entry.wish.watcher,
                    "presentity": entry.wish.presentity, "state": format!("{:?}", entry.machine.state()),
                    "expires_at_ms": entry.machine.expires_at().map(|at| at.as_millis()),
                });
                (name, row)
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
        if let Some(entry) = self.subscribers.entries.get_mut(&subscription.0) {
            entry.correlation = correlation;
            entry.machine.handle(to_sip(now), SubscriberEvent::Refresh);
            return self.drive_subscriber(now, &subscription.0);
        }
        let entry = self.subscriber_entry(correlation, wish);
        let Some((mut entry, tag)) = entry else {
            return self.tell_subscription(correlation, subscription, failed(Outcome::UnknownDomain));
        };
        entry.machine.handle(to_sip(now), SubscriberEvent::Subscribe);
        let name = Arc::clone(&subscription.0);
        self.subscribers.by_tag.insert(tag, Arc::clone(&name));
        self.subscribers.entries.insert(Arc::clone(&name), entry);
        self.drive_subscriber(now, &name);
    }

    fn subscriber_entry(&mut self, correlation: Correlation, wish: Wish) -> Option<(Entry, String)> {
        let tag = self.ids.tag();
        let call_id = self.ids.call_id();
        let (settings, hop) = self.subscriber_settings(&wish, tag.clone(), call_id)?;
        Some((Entry { machine: Subscriber::new(settings), wish, hop, correlation }, tag.to_string()))
    }

    fn subscriber_settings(
        &mut self,
        wish: &Wish,
        tag: sip_proto::message::header::identifier::Tag,
        call_id: sip_proto::message::header::identifier::CallId,
    ) -> Option<(SubscriberSettings, Hop)> {
        let peer = self.settings.peers.find(&wish.peer)?;
        let hop = Hop { transport: peer.transport.clone(), address: peer.address, connection: None };
        let is_trusted = peer.is_trusted;
        let local = address::from_neutral(&wish.watcher).ok()?;
        let target = address::from_neutral(&wish.presentity).ok()?;
        let jitter = u16::try_from(self.random() % 100).unwrap_or(0);
        // RFC 3325 §6: identity is asserted to trusted neighbours only.
        let identity = is_trusted.then(|| Header::new(HeaderName::PAssertedIdentity, NameAddr::new(local.clone())));
        let settings = SubscriberSettings {
            target: target.clone(),
            local: NameAddr::new(local),
            remote: NameAddr::new(target),
            contact: self.own_contact(&hop),
            event: Event::from_text(&Text::from_static("presence")).ok()?,
            accept: vec![MediaType::parse("application/pidf+xml").ok()?],
            expires_s: if wish.lasting { SUBSCRIBE_EXPIRES_S } else { 0 },
            routes: Vec::new(),
            headers: identity.into_iter().collect(),
            call_id,
            tag,
            jitter: Jitter::from_permille(jitter),
            timers: TimerValues::default(),
            forks: Forks::OneDialog,
            credentials: CredentialSource::None,
            conditional: Conditional::Off,
        };
        Some((settings, hop))
    }

    pub(super) fn close_subscription(&mut self, now: Timestamp, subscription: &SubscriptionId) {
        if let Some(entry) = self.subscribers.entries.get_mut(&subscription.0) {
            entry.machine.handle(to_sip(now), SubscriberEvent::Unsubscribe);
            self.drive_subscriber(now, &subscription.0);
        }
    }

    /// RFC 6665 §4.1.3: a NOTIFY finds its subscription by the tag that this side gave it.
    pub(super) fn serve_notify(&mut self, now: Timestamp, id: ServerTransactionId, request: &Arc<Request>) {
        let tag = super::to_tag(request).map(|tag| tag.to_string()).unwrap_or_default();
        let Some(name) = self.subscribers.by_tag.get(&tag).cloned() else {
            return self.refuse(now, id, request, StatusCode::CALL_DOES_NOT_EXIST);
        };
        if let Some(entry) = self.subscribers.entries.get_mut(&name) {
            entry.correlation = self.current;
            entry
                .machine
                .handle(to_sip(now), SubscriberEvent::Notify { transaction: id, request: Arc::clone(request) });
        }
        self.drive_subscriber(now, &name);
    }

    pub(super) fn advance_subscriber(&mut self, now: Timestamp, name: &Arc<str>, conclusion: Conclusion) {
        let event = match conclusion {
            Conclusion::Response(response) => SubscriberEvent::Response(response),
            Conclusion::TimedOut => SubscriberEvent::TimedOut,
            Conclusion::RequestFailed => SubscriberEvent::RequestFailed,
        };
        if let Some(entry) = self.subscribers.entries.get_mut(name) {
            entry.machine.handle(to_sip(now), event);
        }
        self.drive_subscriber(now, name);
    }

    pub(super) fn expire_subscribers(&mut self, now: Timestamp) {
        while let Some(name) = self.subscribers.deadlines.pop_due(to_sip(now)) {
            if let Some(entry) = self.subscribers.entries.get_mut(&name) {
                entry.machine.expire(to_sip(now));
            }
            self.drive_subscriber(now, &name);
        }
    }

    /// Carries out what the machine wants.
    fn drive_subscriber(&mut self, now: Timestamp, name: &Arc<str>) {
        let mut answers: Vec<(ServerTransactionId, Response)> = Vec::new();
        while let Some((command, hop, correlation)) = self
            .subscribers
            .entries
            .get_mut(name)
            .and_then(|entry| entry.machine.poll().map(|command| (command, entry.hop.clone(), entry.correlation)))
        {
            match command {
                SubscriberCommand::SendRequest(request) => self.send_subscribe(now, name, request, &hop),
                SubscriberCommand::Respond { transaction, response } => answers.push((transaction, response)),
                SubscriberCommand::StateChanged(change) => {
                    let watcher = self.subscribers.entries.get(name).map(|entry| entry.wish.watcher.clone());
                    let update = self.to_update(change, watcher.as_ref());
                    self.tell_subscription(correlation, &SubscriptionId(Arc::clone(name)), update);
                }
                // Credentials of the gateway at a neighbour are not built yet, and one dialog is all presence allows.
                SubscriberCommand::Challenged { .. } | SubscriberCommand::Forked(_) => {}
            }
        }
        self.keep_subscriber(name);
        for (transaction, response) in answers {
            self.respond_when_kept(transaction, response);
        }
        let Some(entry) = self.subscribers.entries.get(name) else { return };
        if entry.machine.state() == SubscriberState::Ended {
            self.subscribers.deadlines.set(Arc::clone(name), None);
            self.subscribers.entries.remove(name);
            self.subscribers.by_tag.retain(|_, known| known != name);
            self.keep("subscriber", name, None, None);
        } else {
            let deadline = entry.machine.deadline();
            self.subscribers.deadlines.set(Arc::clone(name), deadline);
        }
        self.wake.notify_one();
    }

    fn send_subscribe(&mut self, now: Timestamp, name: &Arc<str>, request: Request, hop: &Hop) {
        let routes = request.headers().routes().unwrap_or_default();
        let hop = self.dialog_hop(request.uri(), &routes, None).unwrap_or_else(|| hop.clone());
        match self.send(now, request, hop) {
            Ok(id) => {
                self.purposes.insert(id, Purpose::Subscriber(Arc::clone(name)));
            }
            Err(_) => {
                if let Some(entry) = self.subscribers.entries.get_mut(name) {
                    entry.machine.handle(to_sip(now), SubscriberEvent::RequestFailed);
                }
            }
        }
    }

    fn keep_subscriber(&mut self, name: &Arc<str>) {
        let Some(entry) = self.subscribers.entries.get_mut(name) else { return };
        if !entry.wish.lasting || !entry.machine.is_record_due() {
            return;
        }
        let Some(machine) = entry.machine.to_snapshot() else { return };
        let (Some(dialog), owner) = (entry.machine.dialog_id(), entry.wish.presentity.to_string()) else { return };
        let kept = Kept {
            wish: entry.wish.clone(),
            tag: dialog.local_tag.to_string(),
            call_id: dialog.call_id.to_string(),
            machine: machine.to_vec(),
        };
        if let Ok(body) = serde_json::to_vec(&kept) {
            self.keep("subscriber", name, Some(&owner), Some(body.into()));
        }
    }

    /// Takes up a kept subscription.
    pub(super) fn restore_subscriber(&mut self, now: Timestamp, name: &Arc<str>, body: &[u8]) -> Result<(), String> {
        let kept: Kept = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let tag = sip_proto::message::header::identifier::Tag::from_text(Text::from(kept.tag.clone()))
            .map_err(|error| error.to_string())?;
        let call_id = sip_proto::message::header::identifier::CallId::from_text(Text::from(kept.call_id.clone()))
            .map_err(|error| error.to_string())?;
        let (settings, hop) =
            self.subscriber_settings(&kept.wish, tag, call_id).ok_or("the peer is not configured any more")?;
        // Refreshes after a restart are spread, so that the neighbour is not flooded.
        let spread = std::time::Duration::from_millis(self.random() % 2000);
        let machine = Subscriber::from_snapshot(to_sip(now), &kept.machine, settings, spread)
            .map_err(|error| error.to_string())?;
        let deadline = machine.deadline();
        let correlation = self.correlation();
        let entry = Entry { machine, wish: kept.wish, hop, correlation };
        self.subscribers.by_tag.insert(kept.tag, Arc::clone(name));
        self.subscribers.entries.insert(Arc::clone(name), entry);
        self.subscribers.deadlines.set(Arc::clone(name), deadline);
        Ok(())
    }

    fn to_update(&self, change: SubscriptionChange, watcher: Option<&Address>) -> SubscriptionUpdate {
        match change {
            SubscriptionChange::Pending => SubscriptionUpdate::Pending,
            SubscriptionChange::Active { body } => {
                SubscriptionUpdate::Active(body.and_then(|body| self.read_notified(&body, watcher)).map(Box::new))
            }
            // The answer to a fetch comes with its end.
            SubscriptionChange::Ended { body: Some(body), .. } => {
                SubscriptionUpdate::Active(self.read_notified(&body, watcher).map(Box::new))
            }
            SubscriptionChange::Ended { reason, retry_after, body: None } => SubscriptionUpdate::Ended {
                reason: from_reason(reason.as_ref().map(|reason| reason.as_str())),
                retry_after,
            },
            SubscriptionChange::Failed { status, retry_after } => SubscriptionUpdate::Failed {
                outcome: from_status(status.to_number(), CodePurpose::Presence),
                retry_after,
            },
        }
    }

    fn read_notified(&self, body: &Body, watcher: Option<&Address>) -> Option<mapping::presence::PresenceDocument> {
        let watcher = watcher.and_then(|watcher| address::from_neutral(watcher).ok()).map(|uri| uri.to_string());
        match Presence::parse(&body.content, &XmlLimits::PRESENCE) {
            Ok(presence) => Some(from_pidf(&presence, watcher.as_deref())),
            Err(error) => {
                tracing::debug!(side = "simple", correlation = %self.current, %error, "notified document not read");
                metrics::counter!("gateway_malformed_messages_total", "side" => "simple").increment(1);
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

const fn failed(outcome: Outcome) -> SubscriptionUpdate {
    SubscriptionUpdate::Failed { outcome, retry_after: None }
}

/// Asked of neighbours (subscription.md §5).
const SUBSCRIBE_EXPIRES_S: u32 = 3600;
