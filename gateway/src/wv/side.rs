//! The WV side of a lane: the sessions of phones, the peers, and the shadows at foreign servers, as one adapter.

use super::{SidecarAdapter, WvAdapter, ssp::SspAdapter};
use crate::{
    admin::ShowTopic,
    lane::{Adapter, Intake, Neighbourhood, Ticket},
    store::WireRecord,
};
use mapping::{
    address::Address,
    command::{Command, CommandKind, DeliveryRoute},
    engine::Engine,
    side::{Endpoint, PeerName},
    time::Timestamp,
};

/// The three parts; each may be missing.
#[derive(Clone, Default)]
pub struct WvSide {
    /// The sessions of phones.
    pub access: Option<WvAdapter>,
    /// The peers.
    pub federation: Option<SspAdapter>,
    /// The shadows at foreign servers.
    pub sidecar: Option<SidecarAdapter>,
}

/// Which part is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Access,
    Federation,
    Sidecar,
    /// Whoever knows it.
    Peers,
}

impl WvSide {
    /// Takes up a kept record.
    pub fn restore(&self, now: Timestamp, record: &WireRecord) {
        match part_of_record(record) {
            Part::Access => self.access.iter().for_each(|access| access.restore(now, record)),
            Part::Federation => self.federation.iter().for_each(|federation| federation.restore(now, record)),
            Part::Sidecar | Part::Peers => self.sidecar.iter().for_each(|sidecar| sidecar.restore(now, record)),
        }
    }

    fn each(&mut self) -> impl Iterator<Item = &mut dyn Adapter> {
        let access = self.access.iter_mut().map(|access| access as &mut dyn Adapter);
        let federation = self.federation.iter_mut().map(|federation| federation as &mut dyn Adapter);
        access.chain(federation).chain(self.sidecar.iter_mut().map(|sidecar| sidecar as &mut dyn Adapter))
    }

    fn all(&self) -> impl Iterator<Item = &dyn Adapter> {
        let access = self.access.iter().map(|access| access as &dyn Adapter);
        let federation = self.federation.iter().map(|federation| federation as &dyn Adapter);
        access.chain(federation).chain(self.sidecar.iter().map(|sidecar| sidecar as &dyn Adapter))
    }

    fn part(&mut self, part: Part) -> Option<&mut dyn Adapter> {
        match part {
            Part::Access => self.access.as_mut().map(|access| access as &mut dyn Adapter),
            Part::Federation => self.federation.as_mut().map(|federation| federation as &mut dyn Adapter),
            Part::Sidecar | Part::Peers => self.sidecar.as_mut().map(|sidecar| sidecar as &mut dyn Adapter),
        }
    }

    fn part_of_peer(&self, peer: &PeerName) -> Part {
        let is_shadowed = self.sidecar.as_ref().is_some_and(|sidecar| sidecar.owns_peer(peer));
        if is_shadowed { Part::Sidecar } else { Part::Federation }
    }

    fn part_of_command(&self, kind: &CommandKind) -> Part {
        match kind {
            CommandKind::Answer { request, .. } => part_of_number(request.number),
            CommandKind::Notify(notification) => part_of_endpoint(&notification.endpoint),
            CommandKind::TellWatchers(news) => part_of_endpoint(&news.endpoint),
            CommandKind::AskAuthorization { endpoint, .. }
            | CommandKind::Retract { endpoint, .. }
            | CommandKind::Announce { endpoint, .. }
            | CommandKind::Happened { endpoint, .. }
            | CommandKind::Conversation { endpoint, .. }
            | CommandKind::Invitation { endpoint, .. } => part_of_endpoint(endpoint),
            CommandKind::Deliver { route, .. } | CommandKind::Report { route, .. } => match route {
                DeliveryRoute::Endpoint(endpoint) => part_of_endpoint(endpoint),
                DeliveryRoute::Peer(peer) => self.part_of_peer(peer),
            },
            CommandKind::OpenSubscription { peer, .. }
            | CommandKind::Publish { peer, .. }
            | CommandKind::Register { peer, .. }
            | CommandKind::LearnWatchers { peer, .. } => self.part_of_peer(peer),
            CommandKind::Far(ask) => self.part_of_peer(&ask.peer),
            // Its name does not say through which peer it goes.
            CommandKind::CloseSubscription { .. }
            | CommandKind::ForgetWatchers { .. }
            | CommandKind::Deregister { .. } => Part::Peers,
            CommandKind::Keep(_) | CommandKind::Forward(_) => Part::Access,
        }
    }
}

fn part_of_record(record: &WireRecord) -> Part {
    if SspAdapter::owns_record(record) {
        Part::Federation
    } else if SidecarAdapter::owns_record(record) {
        Part::Sidecar
    } else {
        Part::Access
    }
}

const fn part_of_number(number: u64) -> Part {
    if SspAdapter::owns_number(number) {
        Part::Federation
    } else if SidecarAdapter::owns_number(number) {
        Part::Sidecar
    } else {
        Part::Access
    }
}

fn part_of_endpoint(endpoint: &Endpoint) -> Part {
    if SspAdapter::owns_endpoint(endpoint) {
        Part::Federation
    } else if SidecarAdapter::owns_endpoint(endpoint) {
        Part::Sidecar
    } else {
        Part::Access
    }
}

impl Adapter for WvSide {
    fn collect(&mut self, intake: &mut Intake) {
        self.each().for_each(|part| part.collect(intake));
    }

    fn execute(&mut self, now: Timestamp, command: Command) {
        let part = self.part_of_command(&command.kind);
        if part == Part::Peers
            && let Some(federation) = self.part(Part::Federation)
        {
            federation.execute(now, command.clone());
        }
        match self.part(part) {
            Some(part) => part.execute(now, command),
            None => tracing::debug!(side = "wv", correlation = %command.correlation, "a command for nobody"),
        }
    }

    fn release(&mut self, now: Timestamp, ticket: Ticket) {
        if let Some(part) = self.part(part_of_number(ticket.number)) {
            part.release(now, ticket);
        }
    }

    fn refuse(&mut self, now: Timestamp) {
        self.each().for_each(|part| part.refuse(now));
    }

    fn reload(&mut self, now: Timestamp, kept: &[&WireRecord]) {
        for part in [Part::Access, Part::Federation, Part::Sidecar] {
            let own: Vec<&WireRecord> = kept.iter().copied().filter(|record| part_of_record(record) == part).collect();
            if let Some(adapter) = self.part(part) {
                adapter.reload(now, &own);
            }
        }
    }

    fn reconcile(&mut self, now: Timestamp, engine: &Engine) {
        self.each().for_each(|part| part.reconcile(now, engine));
    }

    fn reroute(&mut self, now: Timestamp, neighbourhood: &Neighbourhood, engine: &Engine) {
        self.each().for_each(|part| part.reroute(now, neighbourhood, engine));
    }

    fn dismiss(&mut self, now: Timestamp, user: &Address) {
        self.each().for_each(|part| part.dismiss(now, user));
    }

    fn log_out(&mut self, now: Timestamp, user: &Address) -> usize {
        self.each().fold(0_usize, |sum, part| sum.saturating_add(part.log_out(now, user)))
    }

    fn attended(&mut self, now: Timestamp, user: &Address, is_there: bool) {
        self.each().for_each(|part| part.attended(now, user, is_there));
    }

    fn accounts_added(&mut self, now: Timestamp, users: &[Address], engine: &Engine) {
        self.each().for_each(|part| part.accounts_added(now, users, engine));
    }

    fn leave(&mut self, now: Timestamp) {
        self.each().for_each(|part| part.leave(now));
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.all().filter_map(Adapter::deadline).min()
    }

    fn expire(&mut self, now: Timestamp) {
        self.each().filter(|part| part.deadline().is_some_and(|due| due <= now)).for_each(|part| part.expire(now));
    }

    fn show(&self, topic: ShowTopic) -> Vec<serde_json::Value> {
        self.all().flat_map(|part| part.show(topic)).collect()
    }

    fn tally(&self) -> Vec<(&'static str, usize)> {
        self.all().flat_map(Adapter::tally).collect()
    }

    fn under_way(&self) -> usize {
        self.all().fold(0_usize, |sum, part| sum.saturating_add(part.under_way()))
    }
}
