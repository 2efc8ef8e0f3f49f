//! What became of messages: told by notifications (RFC 5438), in and out.

use super::{Agent, message::Letter};
use crate::simple::translate::message::to_notification;
use mapping::{
    address::Address,
    command::DeliveryRoute,
    event::EventKind,
    message::{Disclosure, MessageId, Report},
    outcome::Outcome,
    time::Timestamp,
};
use sip_proto::message::header::cseq::Sequence;
use std::sync::Arc;

impl Agent {
    /// Somebody tells what became of a message. Whether it is his to tell, the engine knows: it is for the recipient only.
    pub(super) fn tell_fate(
        &mut self,
        now: Timestamp,
        message: MessageId,
        sender: &Address,
        recipient: &Address,
        outcome: Outcome,
    ) {
        let report = Report {
            message,
            sender: sender.clone(),
            recipient: recipient.clone(),
            outcome,
            at: now,
            sent: now,
            media_type: Arc::from(""),
            size_octets: 0,
            origin: Arc::from(""),
        };
        self.tell(self.current, EventKind::Reported(report));
    }

    // RFC 5438 §7.2.1
    /// Tells the sender of a message what became of it, if he wished that. It is told once: what is lost is lost.
    pub(super) fn notify_sender(&mut self, now: Timestamp, route: &DeliveryRoute, report: &Report) {
        // The same on the way to each device, so that a sender who gets it twice can tell.
        let name = format!("imdn {} {}", report.message.as_str(), report.recipient);
        let own_id = self.ids.tag_of(&name).to_string();
        let Some(body) = to_notification(report, &own_id) else { return };
        let letter = Letter {
            name,
            sequence: Sequence::FIRST,
            sender: &report.recipient,
            disclosure: Disclosure::Named,
            recipient: &report.sender,
            expires: None,
            body,
        };
        let sent = self.find_target(route).and_then(|(uri, ways)| {
            let request = self.message_request(&letter, uri, self.assertion(route), now)?;
            self.send_by(now, request, &ways, None)
        });
        if let Err(outcome) = sent {
            tracing::debug!(side = "simple", correlation = %self.current, ?outcome, "notification not sent");
        }
    }
}
