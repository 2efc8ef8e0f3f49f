//! Presence of users of the other side, made known to the presence server of their domain (RFC 3903 §4).

use super::{Agent, Conclusion, Purpose, to_sip};
use crate::simple::translate::{address, presence::to_pidf};
use bytes::Bytes;
use mapping::{
    address::Address,
    correlation::Correlation,
    presence::{AttributeSet, PresenceDocument, PresenceView},
    side::PeerName,
    time::Timestamp,
};
use sip_proto::{
    event::{
        body::Body,
        credential::CredentialSource,
        lifetime::Jitter,
        publisher::{
            PublicationChange, Publisher, PublisherCommand, PublisherEvent, PublisherSettings, PublisherState,
        },
    },
    message::{
        Header, HeaderName, Method, Request, Response,
        header::{address::NameAddr, event::Event, identifier::EntityTag, media_type::MediaType},
        text::Text,
    },
    time::DeadlineQueue,
    transaction::via::Hop,
};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// All publications, by their user.
#[derive(Default)]
pub(super) struct Publishers {
    entries: HashMap<Address, Entry>,
    deadlines: DeadlineQueue<Address>,
}

struct Entry {
    machine: Publisher,
    peer: PeerName,
    /// Where the publication is.
    hop: Option<Hop>,
    correlation: Correlation,
    /// The newest document, while the one before it is too young.
    waiting: Option<Body>,
    /// When the next document may go.
    not_before: Timestamp,
    /// One of before a restart is withdrawn when its user has not come back until then.
    claim_until: Option<Timestamp>,
}

/// What is kept of a publication.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    peer: PeerName,
    entity_tag: String,
    expires_at_ms: u64,
}

impl Publishers {
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

    /// What is there now is changed there.
    pub(super) fn stay_at(&mut self, user: &Address, hop: Option<Hop>) {
        if let (Some(entry), Some(hop)) = (self.entries.get_mut(user), hop) {
            entry.hop = Some(hop);
        }
    }

    /// The causal chain that the machine works on.
    pub(super) fn chain(&self, user: &Address) -> Option<Correlation> {
        self.entries.get(user).map(|entry| entry.correlation)
    }

    pub(super) fn show(&self) -> Vec<serde_json::Value> {
        let mut rows: Vec<(&Address, serde_json::Value)> = self
            .entries
            .iter()
            .map(|(user, entry)| {
                let state = format!("{:?}", entry.machine.state());
                let tag = entry.machine.entity_tag().map(ToString::to_string);
                (user, serde_json::json!({ "resource": user, "peer": entry.peer, "state": state, "entity_tag": tag }))
            })
            .collect();
        rows.sort_by(|one, other| one.0.cmp(other.0));
        rows.into_iter().map(|(_, row)| row).collect()
    }
}

impl Agent {
    /// The engine wants a user's presence known, or withdrawn.
    pub(super) fn make_known(
        &mut self,
        now: Timestamp,
        user: &Address,
        peer: &PeerName,
        document: Option<&Arc<PresenceDocument>>,
    ) {
        let body = match document.map(|document| render(user, document)) {
            Some(Some(body)) => Some(body),
            Some(None) => return tracing::warn!(side = "simple", presentity = %user, "presence cannot be written"),
            None => None,
        };
        if !self.publishers.entries.contains_key(user) {
            let Some(machine) = body.is_some().then(|| self.new_publisher(user, peer)).flatten() else { return };
            let (peer, correlation, not_before) = (peer.clone(), self.current, now);
            let entry = Entry { machine, peer, hop: None, correlation, waiting: None, not_before, claim_until: None };
            self.publishers.entries.insert(user.clone(), entry);
        }
        let Some(entry) = self.publishers.entries.get_mut(user) else { return };
        entry.correlation = self.current;
        entry.claim_until = None;
        match body {
            // RFC 3903 §9, sessions.md §2: what changes quickly is told once a second.
            Some(body) if now < entry.not_before => entry.waiting = Some(body),
            Some(body) => {
                entry.not_before = now.after(PACE);
                entry.machine.handle(to_sip(now), PublisherEvent::Publish(body));
            }
            None => {
                entry.waiting = None;
                entry.machine.handle(to_sip(now), PublisherEvent::Remove);
            }
        }
        self.drive_publisher(now, user);
    }

    fn new_publisher(&mut self, user: &Address, peer: &PeerName) -> Option<Publisher> {
        self.publisher_settings(user, peer).map(Publisher::new)
    }

    fn publisher_settings(&mut self, user: &Address, peer: &PeerName) -> Option<PublisherSettings> {
        let peer = self.settings.peers.find(peer)?;
        let (is_trusted, is_known) = (peer.is_trusted, peer.credentials.is_some());
        let target = address::from_neutral(user).ok()?;
        let local = NameAddr::new(target.clone());
        // RFC 3325 §6
        let identity = is_trusted.then(|| Header::new(HeaderName::PAssertedIdentity, local.clone()));
        let jitter = u16::try_from(self.random() % 100).unwrap_or(0);
        Some(PublisherSettings {
            target,
            local,
            event: Event::from_text(&Text::from_static("presence")).ok()?,
            expires_s: PUBLISH_EXPIRES_S,
            routes: Vec::new(),
            headers: identity.into_iter().collect(),
            call_id: self.ids.call_id(),
            tag: self.ids.tag(),
            jitter: Jitter::from_permille(jitter),
            credentials: if is_known { CredentialSource::Owner } else { CredentialSource::None },
        })
    }

    pub(super) fn advance_publisher(&mut self, now: Timestamp, user: &Address, conclusion: Conclusion) {
        let event = match conclusion {
            Conclusion::Response(response) => PublisherEvent::Response(*response),
            Conclusion::TimedOut => PublisherEvent::TimedOut,
            Conclusion::RequestFailed | Conclusion::Nowhere => PublisherEvent::RequestFailed,
        };
        if let Some(entry) = self.publishers.entries.get_mut(user) {
            entry.machine.handle(to_sip(now), event);
        }
        self.drive_publisher(now, user);
    }

    pub(super) fn expire_publishers(&mut self, now: Timestamp) {
        while let Some(user) = self.publishers.deadlines.pop_due(to_sip(now)) {
            let correlation = self.correlation();
            self.current = correlation;
            let Some(entry) = self.publishers.entries.get_mut(&user) else { continue };
            entry.correlation = correlation;
            entry.machine.expire(to_sip(now));
            if entry.claim_until.take_if(|until| *until <= now).is_some() {
                entry.machine.handle(to_sip(now), PublisherEvent::Remove);
            }
            if entry.not_before <= now
                && let Some(body) = entry.waiting.take()
            {
                entry.not_before = now.after(PACE);
                entry.machine.handle(to_sip(now), PublisherEvent::Publish(body));
            }
            self.drive_publisher(now, &user);
        }
    }

    /// Carries out what the machine wants, and forgets it when it wants nothing any more.
    fn drive_publisher(&mut self, now: Timestamp, user: &Address) {
        while let Some(command) = self.publishers.entries.get_mut(user).and_then(|entry| entry.machine.poll()) {
            match command {
                PublisherCommand::SendRequest(request) => self.send_publish(now, user, request),
                PublisherCommand::Challenged(response) => return self.authorize_publisher(now, user, &response),
                PublisherCommand::StateChanged(PublicationChange::Refused { status, .. }) => {
                    tracing::info!(side = "simple", presentity = %user, status = status.to_number(), "publication refused");
                }
                PublisherCommand::StateChanged(PublicationChange::Published { expires_at }) => {
                    self.keep_publication(user, expires_at);
                }
                PublisherCommand::StateChanged(PublicationChange::Removed) => {
                    self.keep("publisher", user.as_str(), Some(user.as_str()), None);
                    self.wake.notify_one();
                }
            }
        }
        let Some(entry) = self.publishers.entries.get(user) else { return };
        if entry.machine.state() == PublisherState::Idle && entry.waiting.is_none() {
            self.publishers.entries.remove(user);
            return self.publishers.deadlines.set(user.clone(), None);
        }
        let pace = entry.waiting.is_some().then(|| to_sip(entry.not_before));
        let claim = entry.claim_until.map(to_sip);
        let deadline = entry.machine.deadline().into_iter().chain(pace).chain(claim).min();
        self.publishers.deadlines.set(user.clone(), deadline);
    }

    /// Keeps the tag by which the publication can be modified after a restart.
    fn keep_publication(&mut self, user: &Address, expires_at: sip_proto::time::Timestamp) {
        let Some(entry) = self.publishers.entries.get(user) else { return };
        let Some(tag) = entry.machine.entity_tag() else { return };
        let (peer, entity_tag) = (entry.peer.clone(), tag.to_string());
        let kept = Kept { peer, entity_tag, expires_at_ms: expires_at.as_millis() };
        if let Ok(body) = serde_json::to_vec(&kept) {
            self.keep("publisher", user.as_str(), Some(user.as_str()), Some(body.into()));
            self.wake.notify_one();
        }
    }

    // RFC 3903 §4.1
    /// Takes up a kept publication: the engine says again what is to be published, which then modifies it.
    pub(super) fn restore_publisher(&mut self, now: Timestamp, key: &str, body: &[u8]) -> Result<(), String> {
        let user = Address::parse(key).map_err(|error| error.to_string())?;
        let kept: Kept = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let tag = EntityTag::from_text(Text::from(kept.entity_tag)).map_err(|error| error.to_string())?;
        let expires_at = sip_proto::time::Timestamp::from_millis(kept.expires_at_ms);
        let settings = self.publisher_settings(&user, &kept.peer).ok_or("the peer is not configured any more")?;
        let machine = Publisher::resumed(settings, tag, expires_at);
        let claim_until = Some(now.after(CLAIM_WAIT));
        let (peer, correlation, waiting) = (kept.peer, self.correlation(), None);
        let entry = Entry { machine, peer, hop: None, correlation, waiting, not_before: now, claim_until };
        self.publishers.entries.insert(user.clone(), entry);
        self.drive_publisher(now, &user);
        Ok(())
    }

    fn send_publish(&mut self, now: Timestamp, user: &Address, mut request: Request) {
        let entry = self.publishers.entries.get(user).map(|entry| (entry.peer.clone(), entry.hop.clone()));
        let sent = entry.and_then(|(peer, hop)| {
            let ways = self.settings.peers.find(&peer)?.ways.clone();
            // RFC 3608 §6.1
            for route in self.far_registrations.service_route(user, &peer) {
                request.push(Header::new(HeaderName::Route, route));
            }
            self.send_by(now, request, &ways, hop.as_ref()).ok()
        });
        match (sent, self.publishers.entries.get_mut(user)) {
            (Some(id), _) => {
                self.purposes.insert(id, Purpose::Publisher(user.clone()));
            }
            (None, Some(entry)) => entry.machine.handle(to_sip(now), PublisherEvent::RequestFailed),
            (None, None) => {}
        }
    }

    // RFC 3261 §22.2
    fn authorize_publisher(&mut self, now: Timestamp, user: &Address, response: &Response) {
        let Some(peer) = self.publishers.entries.get(user).map(|entry| entry.peer.clone()) else { return };
        let uri = address::from_neutral(user).map(|uri| uri.to_string()).unwrap_or_default();
        let headers = self.answer_challenges(&peer, response, &Method::Publish, (&uri, &[]));
        if let Some(entry) = self.publishers.entries.get_mut(user) {
            entry.machine.handle(to_sip(now), PublisherEvent::Authorize(headers));
        }
        self.drive_publisher(now, user);
    }
}

/// The whole document: whom it is shown to is the business of the presence server.
fn render(user: &Address, document: &Arc<PresenceDocument>) -> Option<Body> {
    let entity = address::from_neutral(user).ok()?.to_string();
    let (document, attributes) = (Arc::clone(document), AttributeSet::ALL);
    let view = PresenceView { document, attributes, changed: attributes };
    let content = Bytes::from(to_pidf(&entity, &view).write().ok()?);
    Some(Body::new(MediaType::parse("application/pidf+xml").ok()?, content))
}

/// Asked of presence servers.
const PUBLISH_EXPIRES_S: u32 = 3600;

/// How long a publication of before a restart waits for its user: those whose sessions were kept are there at once.
const CLAIM_WAIT: Duration = Duration::from_secs(60);

/// Shortest time between two documents of one user.
const PACE: Duration = Duration::from_secs(1);
