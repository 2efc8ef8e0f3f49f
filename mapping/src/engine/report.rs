//! Delivery reports on their way back to the sender.

use crate::{
    address::Address,
    command::{CommandKind, DeliveryRoute},
    engine::{Engine, timer::Timer},
    message::{MessageId, Report},
    outcome::Outcome,
    record::{Fact, FactKey},
    relay::letter::Way,
    route::Route,
    side::Endpoint,
};

impl Engine {
    /// A far server or client reports.
    pub(super) fn reported(&mut self, report: Report) {
        let Some(actor) = self.users.get_mut(&report.sender) else { return };
        if let Some(number) = actor.letters.find(&report.recipient, &report.message) {
            // The report overtook the final answer to the attempt.
            if let Some(Way::Relay(relay)) = actor.letters.letter_mut(number).map(|letter| &mut letter.way) {
                relay.running.clear();
                return self.verdict(&report.sender.clone(), number, report.outcome, None);
            }
        }
        // Only reports that are owed are passed on: one per message and recipient, and none that nobody asked for.
        if let Some(owed) = actor.awaited.get(&(report.message.clone(), report.recipient.clone())).cloned() {
            // What the message was is known here; far sides tell its fate.
            self.fate(Report { outcome: report.outcome, at: report.at, ..owed });
        }
    }

    /// The fate of a message reaches its sender's shard.
    pub(super) fn fate(&mut self, report: Report) {
        let (sender, message, recipient) = (report.sender.clone(), report.message.clone(), report.recipient.clone());
        let key = (message.clone(), recipient.clone());
        let timer = Timer::Report(sender.clone(), message.clone(), recipient.clone());
        if report.outcome == Outcome::Stored {
            // The far side took it over and owes the report.
            let bound = self.config.limits.awaited_reports_per_user;
            if self.user_mut(&sender).awaited.len() >= bound {
                return self.forget_if_empty(&sender);
            }
            let until = self.now.after(self.config.limits.question_age);
            self.output.keep(Fact::Awaited { report: report.clone(), until });
            self.user_mut(&sender).awaited.insert(key, report);
            return self.timers.set(timer, until);
        }
        if self.user_mut(&sender).awaited.remove(&key).is_some() {
            self.timers.clear(&timer);
            self.output.drop_fact(FactKey::Awaited(sender.clone(), message, recipient));
        }
        match self.config.domains.find(&sender).map(|row| row.route.clone()) {
            Some(Route::Peer(peer)) => {
                self.output.push(CommandKind::Report { route: DeliveryRoute::Peer(peer), report })
            }
            Some(Route::Hosted) => self.report_home(&sender, key, report),
            None => {}
        }
        self.forget_if_empty(&sender);
    }

    fn report_home(&mut self, sender: &Address, key: (MessageId, Address), report: Report) {
        let acknowledged = self.profile_for(sender).is_some_and(|profile| profile.acknowledges_reports);
        let (bound, until) = (self.config.limits.inbox_messages, self.now.after(self.config.limits.question_age));
        let actor = self.user_mut(sender);
        let taking = actor.attachments.iter().filter(|(_, attachment)| attachment.reception.takes_reports);
        let endpoints: Vec<Endpoint> = taking.map(|(endpoint, _)| endpoint.clone()).collect();
        // A report is worth less than a message: when too many lie here, a further one is shown but not kept.
        if (acknowledged || endpoints.is_empty()) && actor.reports.len() < bound {
            actor.reports.insert(key.clone(), report.clone());
            self.output.keep(Fact::Report(report.clone()));
            self.timers.set(Timer::Report(sender.clone(), key.0, key.1), until);
        }
        for endpoint in endpoints {
            self.output.push(CommandKind::Report { route: DeliveryRoute::Endpoint(endpoint), report: report.clone() });
        }
    }

    /// A device came: it gets the reports that nobody has taken.
    pub(super) fn offer_reports(&mut self, user: &Address, endpoint: &Endpoint) {
        let acknowledged = self.profile_for(user).is_some_and(|profile| profile.acknowledges_reports);
        let Some(actor) = self.users.get(user) else { return };
        if !actor.attachments.get(endpoint).is_some_and(|attachment| attachment.reception.takes_reports) {
            return;
        }
        let mut reports: Vec<Report> = actor.reports.values().cloned().collect();
        reports.sort_by_key(|report| report.at);
        for report in reports {
            if !acknowledged {
                self.forget_report(user, &report.message, &report.recipient);
            }
            self.output.push(CommandKind::Report { route: DeliveryRoute::Endpoint(endpoint.clone()), report });
        }
    }

    pub(super) fn report_taken(&mut self, sender: &Address, message: &MessageId, recipient: &Address) {
        self.forget_report(sender, message, recipient);
        self.forget_if_empty(sender);
    }

    pub(super) fn report_over(&mut self, sender: &Address, message: &MessageId, recipient: &Address) {
        let key = (message.clone(), recipient.clone());
        if self.users.get_mut(sender).is_some_and(|actor| actor.awaited.remove(&key).is_some()) {
            self.output.drop_fact(FactKey::Awaited(sender.clone(), message.clone(), recipient.clone()));
        }
        self.report_taken(sender, message, recipient);
    }

    fn forget_report(&mut self, sender: &Address, message: &MessageId, recipient: &Address) {
        let Some(actor) = self.users.get_mut(sender) else { return };
        if actor.reports.remove(&(message.clone(), recipient.clone())).is_some() {
            self.timers.clear(&Timer::Report(sender.clone(), message.clone(), recipient.clone()));
            self.output.drop_fact(FactKey::Report(sender.clone(), message.clone(), recipient.clone()));
        }
    }
}
