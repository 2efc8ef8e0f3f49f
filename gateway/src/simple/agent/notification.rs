//! Front-end dialogs: the gateway as notifier for SIP watchers.

use super::{
    Agent, Conclusion, Held, Pending, Purpose,
    contact::{transport_of, word_of},
    identity::Realm,
    restore::octets,
    to_sip,
    watcher_info::Telling,
};
use crate::quick_hash::QuickMap;
use crate::simple::translate::{address, outcome::Purpose as CodePurpose, presence::to_pidf, watcher::to_reason};
use bytes::Bytes;
use mapping::{
    address::Address,
    command::{Answer, Notification},
    correlation::Correlation,
    engine::Engine,
    event::Operation,
    message::Disclosure,
    outcome::Outcome,
    presence::{AttributeSet, PresenceView},
    side::{Endpoint, Side},
    time::Timestamp,
    watcher::{EndReason, WatchState},
};
use sip_proto::{
    dialog::DialogId,
    event::{
        body::Body,
        notifier::{
            Notifier, NotifierCommand, NotifierEvent, NotifierState, Opening, Permission, RemovalCause, TimeoutRule,
            admission::Admission,
        },
    },
    message::{
        Request, Response, StatusCode,
        header::{address::NameAddr, event::TerminationReason, identifier::Tag, media_type::MediaType},
    },
    time::DeadlineSet,
    transaction::{ServerTransactionId, via::Hop},
};
use std::{collections::HashSet, sync::Arc};

/// All notifiers, by their own tag.
#[derive(Default)]
pub(super) struct Notifiers {
    entries: QuickMap<Arc<str>, Box<Entry>>,
    deadlines: DeadlineSet<Arc<str>>,
}

pub(super) struct Entry {
    pub(super) machine: Notifier,
    pub(super) watcher: Address,
    pub(super) presentity: Address,
    /// Where the last SUBSCRIBE came from.
    pub(super) origin: Hop,
    /// The causal chain of the newest notification.
    pub(super) correlation: Correlation,
    /// What made it, until the engine has answered; nothing leaves before.
    opening: Option<Box<Waiting>>,
    /// Its place among the deadlines.
    due: Option<sip_proto::time::Timestamp>,
    /// What it tells of who watches the presentity, where that is what it is for.
    pub(super) telling: Option<Box<Telling>>,
}

impl Entry {
    /// Whether the engine has agreed and its first news are awaited.
    pub(super) fn is_opening(&self) -> bool {
        self.opening.as_ref().is_some_and(|waiting| waiting.is_answered)
    }
}

struct Waiting {
    transaction: ServerTransactionId,
    request: Arc<Request>,
    is_answered: bool,
}

/// What is kept of a front-end dialog besides its machine.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    watcher: Address,
    presentity: Address,
    origin: std::net::SocketAddr,
    #[serde(default)]
    is_stream: bool,
    /// Absent in records of older versions, which knew two.
    #[serde(default)]
    transport: Option<String>,
    /// Whom the other side of TLS has to prove to be.
    #[serde(default)]
    name: Option<Arc<str>>,
    /// In records of older versions; see [`octets`].
    #[serde(default, skip_serializing)]
    machine: Vec<u8>,
}

impl Notifiers {
    /// The dialogs that are such.
    pub(super) fn names(&self, is_such: impl Fn(&Entry) -> bool) -> Vec<Arc<str>> {
        self.entries.iter().filter(|(_, entry)| is_such(entry)).map(|(name, _)| Arc::clone(name)).collect()
    }

    /// The causal chain that the machine works on.
    pub(super) fn chain(&self, name: &Arc<str>) -> Option<Correlation> {
        self.entries.get(name).map(|entry| entry.correlation)
    }

    /// The one of that name.
    pub(super) fn entry(&mut self, name: &Arc<str>) -> Option<&mut Entry> {
        self.entries.get_mut(name).map(Box::as_mut)
    }

    /// Makes another user the watcher of a dialog.
    #[cfg(test)]
    pub(super) fn disguise(&mut self, name: &Arc<str>, watcher: &str) {
        self.entries.get_mut(name).unwrap().watcher = Address::parse(watcher).unwrap();
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

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
                    "role": "notifier", "dialog": name, "watcher": entry.watcher, "presentity": entry.presentity,
                    "state": format!("{:?}", entry.machine.state()),
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
    /// A SUBSCRIBE outside of dialogs. The machine is made at once, so that it can be kept with the watch; what it wants
    /// to say waits for the engine's word.
    pub(super) fn serve_subscribe(
        &mut self,
        now: Timestamp,
        id: ServerTransactionId,
        request: &Arc<Request>,
        hop: &Hop,
    ) {
        let is_winfo = asks_for_watchers(request);
        let realm = if is_winfo { Realm::Hosted } else { Realm::Registrar };
        let requester = match self.identify(now, request, hop, realm) {
            Ok(requester) => requester,
            Err(refusal) => return self.respond(now, id, &refusal),
        };
        // Address mapping §6: one who does not say who he is never watches.
        if requester.disclosure == Disclosure::Anonymous {
            return self.refuse_anonymous(now, id, request);
        }
        let presentity = match self.neutral(request.uri()) {
            Ok(presentity) => presentity,
            Err(_) => return self.refuse(now, id, request, StatusCode::NOT_FOUND),
        };
        if !self.may_reach(&requester, &presentity) {
            return self.refuse(now, id, request, StatusCode::FORBIDDEN);
        }
        let tag = self.ids.tag();
        let machine = match self.prepare_notifier(now, request, hop, &tag) {
            Ok(machine) => machine,
            Err(refusal) => return self.respond(now, id, &refusal.to_response(request, &tag)),
        };
        let name: Arc<str> = Arc::from(tag.to_string());
        let opening = Waiting { transaction: id, request: Arc::clone(request), is_answered: false };
        let entry = Entry {
            machine,
            watcher: requester.user.clone(),
            presentity: presentity.clone(),
            origin: hop.clone(),
            correlation: self.current,
            opening: Some(Box::new(opening)),
            due: None,
            telling: is_winfo.then(Box::default),
        };
        self.notifiers.entries.insert(Arc::clone(&name), Box::new(entry));
        self.keep_notifier(&name);
        let pending = Pending::Subscribe { notifier: Arc::clone(&name), transaction: id, request: Arc::clone(request) };
        if is_winfo {
            return self.follow_watchers(&name, presentity, requester.user, pending);
        }
        let operation =
            Operation::Watch { targets: vec![presentity], attributes: AttributeSet::ALL, auto_subscribe: false };
        self.ask(self.current, requester.user, dialog_endpoint(&name), operation, pending);
    }

    fn prepare_notifier(
        &self,
        now: Timestamp,
        request: &Request,
        hop: &Hop,
        tag: &Tag,
    ) -> Result<Notifier, sip_proto::event::notifier::admission::Refusal> {
        let admission = Admission::check(request, &self.packages)?;
        let opening = Opening {
            tag: tag.clone(),
            contact: self.own_contact(hop),
            permission: Permission::Undecided,
            timeout_rule: TimeoutRule::Remove,
        };
        Notifier::prepare(to_sip(now), request, admission, opening)
    }

    /// A SUBSCRIBE inside a dialog: refresh or end. It must come from the watcher like the one that made the dialog.
    pub(super) fn serve_refresh(&mut self, now: Timestamp, id: ServerTransactionId, request: &Arc<Request>, hop: &Hop) {
        let name = DialogId::of_request(request).map(|dialog| Arc::<str>::from(dialog.local_tag.to_string()));
        let Some(name) = name.filter(|name| self.notifiers.entries.contains_key(name)) else {
            // RFC 6665 §4.2.1.1
            return self.refuse(now, id, request, StatusCode::CALL_DOES_NOT_EXIST);
        };
        let is_winfo = self.notifiers.entries.get(&name).is_some_and(|entry| entry.telling.is_some());
        let realm = if is_winfo { Realm::Hosted } else { Realm::Registrar };
        let requester = match self.identify(now, request, hop, realm) {
            Ok(requester) => requester,
            Err(refusal) => return self.respond(now, id, &refusal),
        };
        let chain = self.current;
        let Some(entry) = self.notifiers.entries.get_mut(&name) else { return };
        // Neighbours need not assert the identity again inside a dialog.
        if requester.peer.is_none() && requester.user != entry.watcher {
            return self.refuse(now, id, request, StatusCode::FORBIDDEN);
        }
        // Clients behind a NAT and those that connect anew are found where they spoke last.
        entry.origin = hop.clone();
        entry.correlation = chain;
        if let Some(telling) = &mut entry.telling {
            telling.tell_all();
        }
        entry.machine.handle(to_sip(now), NotifierEvent::Subscribe { transaction: id, request: Arc::clone(request) });
        self.hold_notifier(&name);
    }

    /// The engine's answer to a SUBSCRIBE.
    pub(super) fn answer_subscribe(
        &mut self,
        now: Timestamp,
        name: &Arc<str>,
        id: ServerTransactionId,
        request: &Request,
        answer: &Answer,
    ) {
        let outcome = match answer {
            Answer::Done { outcome, .. } | Answer::Presence { outcome, .. } => *outcome,
            _ => Outcome::InternalError,
        };
        if outcome.is_success() {
            if let Some(waiting) = self.notifiers.entries.get_mut(name).and_then(|entry| entry.opening.as_mut()) {
                waiting.is_answered = true;
            }
            // The first notification follows in the same batch as a rule, and decides what the first NOTIFY says; the
            // 200 leaves with the next turn in any case.
            return self.hold(Held::Accept(Arc::clone(name)));
        }
        let response = self.outcome_response(request, outcome, CodePurpose::Presence);
        self.respond(now, id, &response);
        self.forget_notifier(name);
    }

    /// The turn after the answer: whatever has not been said by a notification is said now.
    pub(super) fn accept_waiting(&mut self, now: Timestamp, name: &Arc<str>) {
        self.settle_opening(now, name, Permission::Undecided);
    }

    /// Lets the machine begin with what is permitted.
    fn settle_opening(&mut self, now: Timestamp, name: &Arc<str>, permission: Permission) {
        let Some(entry) = self.notifiers.entries.get_mut(name) else { return };
        let Some(waiting) = entry.opening.take() else { return };
        entry.machine.begin(to_sip(now), waiting.transaction, &waiting.request, permission);
        self.drive_notifier(now, name);
    }

    /// The engine has agreed, and there is something to tell.
    pub(super) fn grant_opening(&mut self, now: Timestamp, name: &Arc<str>) {
        self.settle_opening(now, name, Permission::Granted(None));
    }

    /// News for a SIP watcher.
    pub(super) fn notify(&mut self, now: Timestamp, notification: &Notification) {
        let Some(name) = notification.endpoint.id.strip_prefix("dialog ") else { return };
        let Some((name, _)) = self.notifiers.entries.get_key_value(name) else { return };
        let name = Arc::clone(name);
        let body = notification.view.as_ref().and_then(|view| self.render(&notification.presentity, view));
        let chain = self.current;
        let Some(entry) = self.notifiers.entries.get_mut(&name) else { return };
        entry.correlation = chain;
        if entry.opening.as_ref().is_some_and(|waiting| waiting.is_answered) {
            let permission = match notification.state {
                WatchState::Active => Permission::Granted(body),
                WatchState::Pending => Permission::Undecided,
                WatchState::Ended(reason) => {
                    self.settle_opening(now, &name, Permission::Undecided);
                    return self.terminate_notifier(now, &name, reason);
                }
            };
            return self.settle_opening(now, &name, permission);
        }
        match (notification.state, entry.machine.state()) {
            (WatchState::Active, NotifierState::Pending) => {
                entry.machine.handle(to_sip(now), NotifierEvent::Grant(body));
            }
            (WatchState::Active, _) => entry.machine.handle(to_sip(now), NotifierEvent::Update(body)),
            (WatchState::Pending, _) => {}
            (WatchState::Ended(reason), _) => return self.terminate_notifier(now, &name, reason),
        }
        self.drive_notifier(now, &name);
    }

    pub(super) fn terminate_notifier(&mut self, now: Timestamp, name: &Arc<str>, reason: EndReason) {
        let reason = TerminationReason::read(to_reason(reason));
        if let Some(entry) = self.notifiers.entries.get_mut(name) {
            entry.machine.handle(to_sip(now), NotifierEvent::Terminate { reason, retry_after_s: None });
        }
        self.drive_notifier(now, name);
    }

    /// The document that the watcher may see. Watchers with the same view share one rendering.
    fn render(&self, presentity: &Address, view: &PresenceView) -> Option<Body> {
        self.rendered.get_or_render(presentity, view, || {
            let entity = address::from_neutral(presentity).ok()?.to_string();
            match to_pidf(&entity, view).write() {
                Ok(text) => Some(Body::new(MediaType::parse("application/pidf+xml").ok()?, Bytes::from(text))),
                Err(error) => {
                    tracing::warn!(side = "simple", correlation = %self.current, %error, "document not written");
                    None
                }
            }
        })
    }

    pub(super) fn advance_notifier(&mut self, now: Timestamp, name: &Arc<str>, conclusion: Conclusion) {
        self.doubt_winfo(name, &conclusion);
        let event = match conclusion {
            Conclusion::Response(response) => NotifierEvent::Response(*response),
            Conclusion::TimedOut => NotifierEvent::TimedOut,
            Conclusion::RequestFailed | Conclusion::Nowhere => NotifierEvent::RequestFailed,
        };
        if let Some(entry) = self.notifiers.entries.get_mut(name) {
            entry.machine.handle(to_sip(now), event);
        }
        self.drive_notifier(now, name);
    }

    pub(super) fn expire_notifiers(&mut self, now: Timestamp) {
        while let Some(name) = self.notifiers.deadlines.pop_due(to_sip(now)) {
            let chain = self.correlation();
            self.current = chain;
            if let Some(entry) = self.notifiers.entries.get_mut(&name) {
                entry.due = None;
                entry.correlation = chain;
                entry.machine.expire(to_sip(now));
                if entry.telling.as_mut().is_some_and(|telling| telling.take_due(now)) {
                    entry.machine.handle(to_sip(now), NotifierEvent::Update(None));
                }
            }
            self.drive_notifier(now, &name);
        }
    }

    /// Keeps the machine as it is, and lets it speak once that is committed.
    fn hold_notifier(&mut self, name: &Arc<str>) {
        self.keep_notifier(name);
        self.hold(Held::Notifier(Arc::clone(name)));
    }

    /// Lets the machine speak; where the numbers that the record reserved are used up, once there is a new one.
    pub(super) fn drive_notifier(&mut self, now: Timestamp, name: &Arc<str>) {
        let is_due = self
            .notifiers
            .entries
            .get(name)
            .is_some_and(|entry| entry.machine.is_record_due() && is_kept_in(entry.machine.state()));
        if is_due { self.hold_notifier(name) } else { self.release_notifier(now, name) }
    }

    /// Lets the machine speak.
    pub(super) fn release_notifier(&mut self, now: Timestamp, name: &Arc<str>) {
        while let Some(command) = self.notifiers.entries.get_mut(name).and_then(|entry| entry.machine.poll()) {
            match command {
                NotifierCommand::Respond { transaction, response } => self.respond(now, transaction, &response),
                NotifierCommand::SendRequest(request) => self.send_notify(now, name, request),
                NotifierCommand::Challenged { response, uri } => self.authorize_notifier(now, name, &response, &uri),
                NotifierCommand::LeaseGranted { .. } => {}
                NotifierCommand::Removed(cause) => self.end_watch(name, cause),
            }
        }
        let Notifiers { entries, deadlines } = &mut self.notifiers;
        let Some(entry) = entries.get_mut(name) else { return };
        if entry.machine.state() == NotifierState::Ended {
            return self.forget_notifier(name);
        }
        let due = entry.telling.as_ref().and_then(|telling| telling.due());
        let deadline = entry.machine.deadline().into_iter().chain(due).min();
        deadlines.shift(name, &mut entry.due, deadline);
    }

    fn send_notify(&mut self, now: Timestamp, name: &Arc<str>, request: Request) {
        let request = self.complete_winfo(now, name, request);
        let origin = self.notifiers.entries.get(name).map(|entry| entry.origin.clone());
        let routes: Vec<NameAddr> =
            request.headers().routes().unwrap_or_default().iter().map(NameAddr::detach).collect();
        let sent = self
            .dialog_hop(request.uri(), &routes, origin.as_ref(), None)
            .ok_or(Outcome::Undeliverable)
            .and_then(|hop| self.send(now, request, hop));
        match sent {
            Ok(id) => {
                self.purposes.insert(id, Purpose::Notifier(Arc::clone(name)));
            }
            Err(_) => {
                self.doubt_winfo(name, &Conclusion::RequestFailed);
                if let Some(entry) = self.notifiers.entries.get_mut(name) {
                    entry.machine.handle(to_sip(now), NotifierEvent::RequestFailed);
                }
            }
        }
    }

    /// The dialog is over: the engine forgets the watch.
    fn end_watch(&mut self, name: &Arc<str>, cause: RemovalCause) {
        // The engine ended it itself.
        if cause == RemovalCause::Terminated {
            return;
        }
        let Some(entry) = self.notifiers.entries.get(name) else { return };
        let (watcher, presentity) = (entry.watcher.clone(), entry.presentity.clone());
        if entry.telling.is_some() {
            self.unfollow_watchers(name, presentity);
            return self.wake.notify_one();
        }
        let operation = Operation::Unwatch { targets: vec![presentity] };
        self.ask(self.current, watcher, dialog_endpoint(name), operation, Pending::Nothing);
        self.wake.notify_one();
    }

    fn forget_notifier(&mut self, name: &Arc<str>) {
        if let Some(mut entry) = self.notifiers.entries.remove(name) {
            self.notifiers.deadlines.shift(name, &mut entry.due, None);
            self.keep("notifier", name, Some(entry.watcher.as_str()), None);
            self.wake.notify_one();
        }
    }

    fn keep_notifier(&mut self, name: &Arc<str>) {
        let Some(entry) = self.notifiers.entries.get_mut(name) else { return };
        let Some(machine) = entry.machine.to_snapshot() else { return };
        let kept = Kept {
            watcher: entry.watcher.clone(),
            presentity: entry.presentity.clone(),
            origin: entry.origin.address,
            is_stream: entry.origin.transport.is_reliable(),
            transport: Some(word_of(&entry.origin.transport).to_owned()),
            name: entry.origin.name.clone(),
            machine: Vec::new(),
        };
        // With the watch, which belongs to the watcher.
        let owner = entry.watcher.to_string();
        if let Ok(body) = octets::join(&kept, &machine) {
            self.keep("notifier", name, Some(&owner), Some(body));
        }
    }

    /// The batch was lost: whoever waits for the answer to a SUBSCRIBE is refused.
    pub(super) fn refuse_subscribers(&mut self, now: Timestamp) {
        let mut waiting = Vec::new();
        for entry in self.notifiers.entries.values_mut() {
            if let Some(opening) = entry.opening.take() {
                waiting.push((opening.transaction, opening.request));
            }
        }
        for (transaction, request) in waiting {
            self.refuse(now, transaction, &request, StatusCode::SERVICE_UNAVAILABLE);
        }
    }

    /// What the machine held back is not said; its answers say that the gateway cannot serve now.
    pub(super) fn refuse_notifier(&mut self, now: Timestamp, name: &Arc<str>) {
        while let Some(command) = self.notifiers.entries.get_mut(name).and_then(|entry| entry.machine.poll()) {
            if let NotifierCommand::Respond { transaction, response } = command {
                let refusal = Response::for_headers(response.headers(), StatusCode::SERVICE_UNAVAILABLE, None);
                self.respond(now, transaction, &refusal);
            }
        }
    }

    /// Ends the watches whose dialog is gone, and the dialogs whose watch is: their watchers may subscribe anew.
    pub(super) fn reconcile_notifiers(&mut self, now: Timestamp, engine: &Engine) {
        let mut known = HashSet::new();
        let mut orphans = Vec::new();
        for row in engine.watches().filter(|row| row.endpoint.side == Side::Simple) {
            let Some(name) = row.endpoint.id.strip_prefix("dialog ").map(Arc::<str>::from) else { continue };
            if self.notifiers.entries.contains_key(&name) {
                known.insert(name);
            } else {
                orphans.push((row.watcher, row.presentity, row.endpoint));
            }
        }
        for (watcher, presentity, endpoint) in orphans {
            let operation = Operation::Unwatch { targets: vec![presentity] };
            self.ask(self.current, watcher, endpoint, operation, Pending::Nothing);
        }
        let (mut strangers, mut followers) = (Vec::new(), Vec::new());
        for (name, entry) in &self.notifiers.entries {
            if entry.telling.is_some() {
                followers.push((Arc::clone(name), entry.presentity.clone(), entry.watcher.clone()));
            } else if !known.contains(name) {
                strangers.push(Arc::clone(name));
            }
        }
        // The engine does not keep who follows: it is told again.
        for (name, presentity, follower) in followers {
            let pending = Pending::Follow { notifier: Arc::clone(&name) };
            self.follow_watchers(&name, presentity, follower, pending);
        }
        for name in strangers {
            self.terminate_notifier(now, &name, EndReason::Deactivated);
        }
    }

    /// Takes up a kept dialog.
    pub(super) fn restore_notifier(&mut self, name: &Arc<str>, body: &[u8]) -> Result<(), String> {
        let (kept, machine): (Kept, _) = octets::split(body).map_err(|error| error.to_string())?;
        let machine = machine.unwrap_or(&kept.machine);
        let machine =
            Notifier::from_snapshot(machine, &self.packages, TimeoutRule::Remove).map_err(|error| error.to_string())?;
        let word = kept.transport.as_deref().unwrap_or(if kept.is_stream { "tcp" } else { "udp" });
        let origin = Hop { transport: transport_of(word), address: kept.origin, connection: None, name: kept.name };
        let deadline = machine.deadline();
        let correlation = self.correlation();
        let (watcher, presentity) = (kept.watcher, kept.presentity);
        let telling = (machine.package() != "presence").then(Box::default);
        let opening = None;
        let mut entry = Entry { machine, watcher, presentity, origin, correlation, opening, due: None, telling };
        self.notifiers.deadlines.shift(name, &mut entry.due, deadline);
        self.notifiers.entries.insert(Arc::clone(name), Box::new(entry));
        Ok(())
    }
}

/// Whether there is a record of machines in this state.
const fn is_kept_in(state: NotifierState) -> bool {
    matches!(state, NotifierState::Pending | NotifierState::Active)
}

/// Whether a SUBSCRIBE wants to know who watches.
fn asks_for_watchers(request: &Request) -> bool {
    let event = request.headers().event().ok().flatten();
    event.is_some_and(|event| **event.package() == *"presence.winfo")
}

/// The endpoint of a front-end dialog.
fn dialog_endpoint(name: &str) -> Endpoint {
    Endpoint::new(Side::Simple, &format!("dialog {name}"))
}
