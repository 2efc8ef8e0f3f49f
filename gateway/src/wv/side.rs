//! The WV side of a lane: the sessions of phones and the peers, as one adapter.

use super::{WvAdapter, ssp::SspAdapter};
use crate::{
    admin::ShowTopic,
    lane::{Adapter, Intake, Ticket},
    store::WireRecord,
};
use mapping::{
    address::Address,
    command::{Command, CommandKind, DeliveryRoute},
    engine::Engine,
    side::Endpoint,
    time::Timestamp,
};

/// Both halves; either may be missing.
#[derive(Clone, Default)]
pub struct WvSide {
    /// The sessions of phones.
    pub access: Option<WvAdapter>,
    /// The peers.
    pub federation: Option<SspAdapter>,
}

/// Which half is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    Access,
    Federation,
}

impl WvSide {
    /// Takes up a kept record.
    pub fn restore(&self, now: Timestamp, record: &WireRecord) {
        match half_of_record(record) {
            Half::Access => self.access.iter().for_each(|access| access.restore(now, record)),
            Half::Federation => self.federation.iter().for_each(|federation| federation.restore(now, record)),
        }
    }

    fn each(&mut self) -> impl Iterator<Item = &mut dyn Adapter> {
        let access = self.access.iter_mut().map(|access| access as &mut dyn Adapter);
        access.chain(self.federation.iter_mut().map(|federation| federation as &mut dyn Adapter))
    }

    fn all(&self) -> impl Iterator<Item = &dyn Adapter> {
        let access = self.access.iter().map(|access| access as &dyn Adapter);
        access.chain(self.federation.iter().map(|federation| federation as &dyn Adapter))
    }

    fn half(&mut self, half: Half) -> Option<&mut dyn Adapter> {
        match half {
            Half::Access => self.access.as_mut().map(|access| access as &mut dyn Adapter),
            Half::Federation => self.federation.as_mut().map(|federation| federation as &mut dyn Adapter),
        }
    }
}

fn half_of_record(record: &WireRecord) -> Half {
    if SspAdapter::owns_record(record) { Half::Federation } else { Half::Access }
}

fn half_of_number(number: u64) -> Half {
    if SspAdapter::owns_number(number) { Half::Federation } else { Half::Access }
}

fn half_of_endpoint(endpoint: &Endpoint) -> Half {
    if SspAdapter::owns_endpoint(endpoint) { Half::Federation } else { Half::Access }
}

fn half_of_command(kind: &CommandKind) -> Half {
    match kind {
        CommandKind::Answer { request, .. } => half_of_number(request.number),
        CommandKind::Notify(notification) => half_of_endpoint(&notification.endpoint),
        CommandKind::TellWatchers(news) => half_of_endpoint(&news.endpoint),
        CommandKind::AskAuthorization { endpoint, .. }
        | CommandKind::Retract { endpoint, .. }
        | CommandKind::Announce { endpoint, .. }
        | CommandKind::Happened { endpoint, .. }
        | CommandKind::Conversation { endpoint, .. }
        | CommandKind::Invitation { endpoint, .. } => half_of_endpoint(endpoint),
        CommandKind::Deliver { route, .. } | CommandKind::Report { route, .. } => match route {
            DeliveryRoute::Endpoint(endpoint) => half_of_endpoint(endpoint),
            DeliveryRoute::Peer(_) => Half::Federation,
        },
        CommandKind::OpenSubscription { .. }
        | CommandKind::CloseSubscription { .. }
        | CommandKind::Publish { .. }
        | CommandKind::LearnWatchers { .. }
        | CommandKind::ForgetWatchers { .. }
        | CommandKind::Far(_) => Half::Federation,
        CommandKind::Keep(_) | CommandKind::Forward(_) => Half::Access,
    }
}

impl Adapter for WvSide {
    fn collect(&mut self, intake: &mut Intake) {
        self.each().for_each(|half| half.collect(intake));
    }

    fn execute(&mut self, now: Timestamp, command: Command) {
        match self.half(half_of_command(&command.kind)) {
            Some(half) => half.execute(now, command),
            None => tracing::debug!(side = "wv", correlation = %command.correlation, "a command for nobody"),
        }
    }

    fn release(&mut self, now: Timestamp, ticket: Ticket) {
        if let Some(half) = self.half(half_of_number(ticket.number)) {
            half.release(now, ticket);
        }
    }

    fn refuse(&mut self, now: Timestamp) {
        self.each().for_each(|half| half.refuse(now));
    }

    fn reload(&mut self, now: Timestamp, kept: &[&WireRecord]) {
        for half in [Half::Access, Half::Federation] {
            let own: Vec<&WireRecord> = kept.iter().copied().filter(|record| half_of_record(record) == half).collect();
            if let Some(adapter) = self.half(half) {
                adapter.reload(now, &own);
            }
        }
    }

    fn reconcile(&mut self, now: Timestamp, engine: &Engine) {
        self.each().for_each(|half| half.reconcile(now, engine));
    }

    fn dismiss(&mut self, now: Timestamp, user: &Address) {
        self.each().for_each(|half| half.dismiss(now, user));
    }

    fn log_out(&mut self, now: Timestamp, user: &Address) -> usize {
        self.each().fold(0_usize, |sum, half| sum.saturating_add(half.log_out(now, user)))
    }

    fn account_added(&mut self, now: Timestamp, user: &Address) {
        self.each().for_each(|half| half.account_added(now, user));
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.all().filter_map(Adapter::deadline).min()
    }

    fn expire(&mut self, now: Timestamp) {
        self.each().filter(|half| half.deadline().is_some_and(|due| due <= now)).for_each(|half| half.expire(now));
    }

    fn show(&self, topic: ShowTopic) -> Vec<serde_json::Value> {
        self.all().flat_map(|half| half.show(topic)).collect()
    }

    fn tally(&self) -> Vec<(&'static str, usize)> {
        self.all().flat_map(Adapter::tally).collect()
    }

    fn under_way(&self) -> usize {
        self.all().fold(0_usize, |sum, half| sum.saturating_add(half.under_way()))
    }
}
