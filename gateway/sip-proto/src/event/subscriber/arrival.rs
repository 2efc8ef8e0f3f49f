//! Which NOTIFYs are heard: those of the dialog, the one that opens it, and those of other notifiers where the package has several.

use super::notification::{Notification, Standing};
use super::{Subscriber, SubscriberCommand, SubscriberState};
use crate::dialog::{Dialog, DialogError};
use crate::event::package::Forks;
use crate::message::request::Request;
use crate::message::status::StatusCode;
use crate::time::Timestamp;
use crate::transaction::ServerTransactionId;

impl Subscriber {
    // RFC 6665 §4.1.3, §4.4.1
    pub(super) fn on_notify(&mut self, now: Timestamp, transaction: ServerTransactionId, notify: &Request) {
        let read = self.check_dialog(now, notify).and_then(|place| {
            let notification = Notification::from_request(notify, &self.settings)?;
            Ok((place, notification))
        });
        match read {
            Err(status) => self.respond(transaction, notify, status),
            Ok((Place::Fork, notification)) => self.fork(now, transaction, notify, notification),
            Ok((Place::Here, notification)) => match self.take_dialog(notify, &notification) {
                Err(status) => self.respond(transaction, notify, status),
                Ok(()) => {
                    self.respond(transaction, notify, StatusCode::OK);
                    self.take(now, notification);
                }
            },
        }
    }

    /// Whether a NOTIFY belongs to this dialog or may open another one beside it.
    fn check_dialog(&self, now: Timestamp, notify: &Request) -> Result<Place, StatusCode> {
        if !self.settings.is_addressed_by(notify.headers()) {
            return Err(StatusCode::CALL_DOES_NOT_EXIST);
        }
        let Some(dialog) = &self.dialog else {
            return Ok(Place::Here);
        };
        if dialog.is_of(notify) {
            return Ok(Place::Here);
        }
        // RFC 6665 §5.4.9, RFC 3856 §6.9
        let is_open = self.fork_until.is_some_and(|until| now < until) && self.forked < FORKS_MAX;
        if self.settings.forks == Forks::Several && is_open {
            Ok(Place::Fork)
        } else {
            Err(StatusCode::CALL_DOES_NOT_EXIST)
        }
    }

    /// Opens the dialog with the first NOTIFY and keeps its numbers with the others.
    fn take_dialog(&mut self, notify: &Request, notification: &Notification) -> Result<(), StatusCode> {
        if let Some(dialog) = &mut self.dialog {
            let cseq = notify.headers().cseq().map_err(|_| StatusCode::BAD_REQUEST)?;
            dialog.accept_sequence(cseq.sequence).map_err(|_| StatusCode::SERVER_INTERNAL_ERROR)?;
            return dialog.refresh_target(notify.headers()).map_err(|_| StatusCode::BAD_REQUEST);
        }
        // RFC 6665 §4.4.1
        if matches!(notification.standing, Standing::Terminated { .. }) {
            return Ok(());
        }
        match Dialog::from_notify(notify, &self.settings.contact, self.sequence) {
            Ok(dialog) => {
                self.dialog = Some(Box::new(dialog));
                Ok(())
            }
            Err(
                DialogError::Header(_)
                | DialogError::MissingTag
                | DialogError::MissingContact
                | DialogError::SequenceTooLow { .. },
            ) => Err(StatusCode::BAD_REQUEST),
        }
    }

    // RFC 6665 §4.1.4
    fn fork(&mut self, now: Timestamp, transaction: ServerTransactionId, notify: &Request, notification: Notification) {
        self.forked = self.forked.saturating_add(1);
        let mut sibling = Self::new((*self.settings).clone());
        sibling.settings.forks = Forks::OneDialog;
        sibling.state = SubscriberState::Subscribing;
        sibling.asked_at = self.asked_at;
        sibling.wish_s = self.wish_s;
        sibling.sequence = self.sequence;
        match sibling.take_dialog(notify, &notification) {
            Err(status) => self.respond(transaction, notify, status),
            Ok(()) => {
                sibling.respond(transaction, notify, StatusCode::OK);
                sibling.take(now, notification);
                self.commands.push_back(SubscriberCommand::Forked(Box::new(sibling)));
            }
        }
    }
}

/// Which dialog a NOTIFY belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Here,
    Fork,
}

/// So many notifiers beside the first may answer one SUBSCRIBE.
const FORKS_MAX: u8 = 7;
