//! Users of the other side, registered at the registrar of their domain while they are there (RFC 3261 §10.2): where a SIP
//! core reaches users by registration, it finds them at this gateway.

use super::{Agent, Conclusion, Purpose, to_sip};
use crate::simple::translate::address;
use mapping::{address::Address, correlation::Correlation, side::PeerName, time::Timestamp};
use sip_proto::{
    event::{credential::CredentialSource, lifetime::Jitter},
    message::{
        Header, HeaderName, Method, Request, Response, Uri,
        header::{address::NameAddr, contact::Contact},
        uri::SipUri,
    },
    registration::{
        Registration, RegistrationChange, RegistrationCommand, RegistrationEvent, RegistrationSettings,
        RegistrationState, instance_of,
    },
    time::DeadlineQueue,
    transaction::via::Hop,
};
use std::{collections::HashMap, time::Duration};

/// All of them, by their user.
#[derive(Default)]
pub(super) struct FarRegistrations {
    entries: HashMap<Address, Entry>,
    deadlines: DeadlineQueue<Address>,
}

struct Entry {
    machine: Registration,
    peer: PeerName,
    /// Where the registrar is that has answered.
    hop: Option<Hop>,
    correlation: Correlation,
    // RFC 3608 §5
    /// Through which proxies requests of the user leave.
    service_route: Vec<NameAddr>,
    /// One of before a restart is withdrawn when its user has not come back until then.
    claim_until: Option<Timestamp>,
}

/// What is kept of a registration.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    peer: PeerName,
}

impl FarRegistrations {
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

    pub(super) fn stay_at(&mut self, user: &Address, hop: Option<Hop>) {
        if let (Some(entry), Some(hop)) = (self.entries.get_mut(user), hop) {
            entry.hop = Some(hop);
        }
    }

    /// The causal chain that the machine works on.
    pub(super) fn chain(&self, user: &Address) -> Option<Correlation> {
        self.entries.get(user).map(|entry| entry.correlation)
    }

    // RFC 3608 §6.1
    /// Through which proxies requests of this user to this neighbour go.
    pub(super) fn service_route(&self, user: &Address, peer: &PeerName) -> &[NameAddr] {
        self.entries.get(user).filter(|entry| entry.peer == *peer).map_or(&[], |entry| &entry.service_route)
    }

    pub(super) fn show(&self) -> Vec<serde_json::Value> {
        let mut rows: Vec<(&Address, serde_json::Value)> = self
            .entries
            .iter()
            .map(|(user, entry)| {
                let contact = entry.machine.settings().contact.uri().to_string();
                let row = serde_json::json!({
                    "side": "simple", "user": user, "contact": contact, "registrar": entry.peer,
                    "state": format!("{:?}", entry.machine.state()),
                });
                (user, row)
            })
            .collect();
        rows.sort_by(|one, other| one.0.cmp(other.0));
        rows.into_iter().map(|(_, row)| row).collect()
    }
}

impl Agent {
    /// The user is there: its registrar is to know it.
    pub(super) fn register_far(&mut self, now: Timestamp, peer: &PeerName, user: &Address) {
        if !self.far_registrations.entries.contains_key(user) {
            let Some(settings) = self.registration_settings(user, peer) else { return };
            self.take_up_registration(user, peer.clone(), Registration::new(settings), None);
        }
        self.tell_registration(now, user, RegistrationEvent::Register);
    }

    /// The user is gone.
    pub(super) fn deregister_far(&mut self, now: Timestamp, user: &Address) {
        self.tell_registration(now, user, RegistrationEvent::Withdraw);
    }

    fn take_up_registration(
        &mut self,
        user: &Address,
        peer: PeerName,
        machine: Registration,
        claim_until: Option<Timestamp>,
    ) {
        let (correlation, service_route) = (self.current, Vec::new());
        let entry = Entry { machine, peer, hop: None, correlation, service_route, claim_until };
        self.far_registrations.entries.insert(user.clone(), entry);
    }

    fn tell_registration(&mut self, now: Timestamp, user: &Address, event: RegistrationEvent) {
        let Some(entry) = self.far_registrations.entries.get_mut(user) else { return };
        entry.correlation = self.current;
        entry.claim_until = None;
        entry.machine.handle(to_sip(now), event);
        self.drive_registration(now, user);
    }

    fn registration_settings(&mut self, user: &Address, peer: &PeerName) -> Option<RegistrationSettings> {
        let peer = self.settings.peers.find(peer)?;
        let (is_trusted, is_known, ways) = (peer.is_trusted, peer.credentials.is_some(), peer.ways.clone());
        let uri = address::from_neutral(user).ok()?;
        let registrar = Uri::Sip(SipUri::new(uri.as_sip()?.host().clone()));
        let local = NameAddr::new(uri);
        // RFC 3325 §6
        let identity = is_trusted.then(|| Header::new(HeaderName::PAssertedIdentity, local.clone()));
        let jitter = u16::try_from(self.random() % 100).unwrap_or(0);
        // UNCLEAR sessions.md §2: "+sip.instance per ClientID". There is one registration for all clients of a user: the
        // gateway brings each message to all of them, a core that knew each would bring it once for each.
        let contact = address::to_contact(user, &self.contact_towards(&ways)).ok()?;
        let instance = instance_of(user.as_str());
        Some(RegistrationSettings {
            registrar,
            address: local,
            contact: contact.with_param("+sip.instance", Some(&instance)),
            expires_s: REGISTER_EXPIRES_S,
            headers: identity.into_iter().collect(),
            call_id: self.ids.call_id(),
            tag: self.ids.tag(),
            jitter: Jitter::from_permille(jitter),
            credentials: if is_known { CredentialSource::Owner } else { CredentialSource::None },
        })
    }

    pub(super) fn advance_registration(&mut self, now: Timestamp, user: &Address, conclusion: Conclusion) {
        let event = match conclusion {
            Conclusion::Response(response) => RegistrationEvent::Response(*response),
            Conclusion::TimedOut => RegistrationEvent::TimedOut,
            Conclusion::RequestFailed | Conclusion::Nowhere => RegistrationEvent::RequestFailed,
        };
        if let Some(entry) = self.far_registrations.entries.get_mut(user) {
            entry.machine.handle(to_sip(now), event);
        }
        self.drive_registration(now, user);
    }

    pub(super) fn expire_far_registrations(&mut self, now: Timestamp) {
        while let Some(user) = self.far_registrations.deadlines.pop_due(to_sip(now)) {
            self.current = self.correlation();
            let Some(entry) = self.far_registrations.entries.get_mut(&user) else { continue };
            entry.correlation = self.current;
            entry.machine.expire(to_sip(now));
            if entry.claim_until.take_if(|until| *until <= now).is_some() {
                entry.machine.handle(to_sip(now), RegistrationEvent::Withdraw);
            }
            self.drive_registration(now, &user);
        }
    }

    /// Carries out what the machine wants, and forgets it when it wants nothing any more.
    fn drive_registration(&mut self, now: Timestamp, user: &Address) {
        while let Some(command) = self.far_registrations.entries.get_mut(user).and_then(|entry| entry.machine.poll()) {
            match command {
                RegistrationCommand::SendRequest(request) => self.send_register(now, user, request),
                RegistrationCommand::Challenged(response) => return self.authorize_registration(now, user, &response),
                RegistrationCommand::StateChanged(change) => self.note_registration(user, change),
            }
        }
        let Some(entry) = self.far_registrations.entries.get(user) else { return };
        if entry.machine.state() == RegistrationState::Idle {
            self.far_registrations.entries.remove(user);
            return self.far_registrations.deadlines.set(user.clone(), None);
        }
        let claim = entry.claim_until.map(to_sip);
        let deadline = entry.machine.deadline().into_iter().chain(claim).min();
        self.far_registrations.deadlines.set(user.clone(), deadline);
    }

    fn note_registration(&mut self, user: &Address, change: RegistrationChange) {
        let Some(entry) = self.far_registrations.entries.get_mut(user) else { return };
        match change {
            RegistrationChange::Registered { service_route, .. } => {
                entry.service_route = service_route;
                let kept = serde_json::to_vec(&Kept { peer: entry.peer.clone() });
                if let Ok(body) = kept {
                    self.keep("registered", user.as_str(), Some(user.as_str()), Some(body.into()));
                }
            }
            RegistrationChange::Withdrawn => {
                self.keep("registered", user.as_str(), Some(user.as_str()), None);
            }
            RegistrationChange::Refused { status } => {
                tracing::warn!(side = "simple", user = %user, status = status.to_number(), "registration refused");
            }
        }
        self.wake.notify_one();
    }

    /// Takes up a kept registration: the engine says again who is there, and who is not is withdrawn.
    pub(super) fn restore_registered(&mut self, now: Timestamp, key: &str, body: &[u8]) -> Result<(), String> {
        let user = Address::parse(key).map_err(|error| error.to_string())?;
        let kept: Kept = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let settings = self.registration_settings(&user, &kept.peer).ok_or("the peer is not configured any more")?;
        let claim_until = Some(now.after(CLAIM_WAIT));
        self.take_up_registration(&user, kept.peer, Registration::resumed(settings), claim_until);
        self.drive_registration(now, &user);
        Ok(())
    }

    fn send_register(&mut self, now: Timestamp, user: &Address, request: Request) {
        let entry = self.far_registrations.entries.get(user).map(|entry| (entry.peer.clone(), entry.hop.clone()));
        let sent = entry.and_then(|(peer, hop)| {
            let ways = self.settings.peers.find(&peer)?.ways.clone();
            self.send_by(now, request, &ways, hop.as_ref()).ok()
        });
        match (sent, self.far_registrations.entries.get_mut(user)) {
            (Some(id), _) => {
                self.purposes.insert(id, Purpose::Registration(user.clone()));
            }
            (None, Some(entry)) => entry.machine.handle(to_sip(now), RegistrationEvent::RequestFailed),
            (None, None) => {}
        }
    }

    // RFC 3261 §22.2
    fn authorize_registration(&mut self, now: Timestamp, user: &Address, response: &Response) {
        let Some(entry) = self.far_registrations.entries.get(user) else { return };
        let (peer, uri) = (entry.peer.clone(), entry.machine.settings().registrar.to_string());
        let headers = self.answer_challenges(&peer, response, &Method::Register, (&uri, &[]));
        if let Some(entry) = self.far_registrations.entries.get_mut(user) {
            entry.machine.handle(to_sip(now), RegistrationEvent::Authorize(headers));
        }
        self.drive_registration(now, user);
    }

    /// The contact of a REGISTER that leaves over this hop.
    pub(super) fn registered_contact(&self, request: &Request, hop: &Hop) -> Option<Contact> {
        let written = request.headers().contact_first().ok()??.detach();
        let Uri::Sip(own) = self.own_contact(hop).uri().clone() else { return None };
        let user = written.uri().as_sip()?.user()?.to_string();
        let mut contact = written;
        *contact.address_mut().uri_mut() = Uri::Sip(own.with_user_as_written(&user).ok()?);
        Some(contact)
    }
}

/// Asked of registrars.
// RFC 3261 §10.2.1.1
const REGISTER_EXPIRES_S: u32 = 3600;

/// How long a registration of before a restart waits for its user: those whose sessions were kept are there at once.
const CLAIM_WAIT: Duration = Duration::from_secs(60);
