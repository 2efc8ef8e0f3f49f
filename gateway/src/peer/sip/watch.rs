//! Subscriptions of the agent's: begun, looked after, told.

use super::{
    agent::{Agent, PIDF, Purpose, media_type, presence},
    document,
};
use crate::peer::bare_address;
use serde_json::{Value, json};
use sip_proto::{
    event::{
        credential::CredentialSource,
        lifetime::Jitter,
        package::Forks,
        subscriber::{
            Subscriber, SubscriberCommand, SubscriberEvent, SubscriberState, SubscriptionChange,
            settings::{Conditional, SubscriberSettings},
        },
    },
    message::{Method, header::address::NameAddr, uri::Uri},
    time::Timestamp,
    transaction::timer::TimerValues,
};
use std::io;

/// A subscription of the agent's, found by its tag.
pub(super) struct Watch {
    pub(super) of: String,
    pub(super) subscriber: Subscriber,
}

impl Agent {
    pub(super) fn watch(&mut self, now: Timestamp, of: Uri) -> io::Result<()> {
        if self.watches.len() >= WATCHES_MAX {
            return self.error("too many subscriptions");
        }
        let tag = self.ids.tag();
        let mut subscriber = Subscriber::new(SubscriberSettings {
            target: of.clone(),
            local: NameAddr::new(self.own.clone()),
            remote: NameAddr::new(of.clone()),
            contact: self.contact.clone(),
            event: presence()?,
            accept: vec![media_type(PIDF)?],
            expires_s: self.expires_s,
            routes: Vec::new(),
            headers: Vec::new(),
            call_id: self.ids.call_id(),
            tag: tag.clone(),
            jitter: Jitter::default(),
            timers: TimerValues::default(),
            forks: Forks::OneDialog,
            credentials: CredentialSource::Owner,
            conditional: Conditional::Off,
            known: None,
        });
        subscriber.handle(now, SubscriberEvent::Subscribe);
        let of = bare_address(&of.to_string()).to_owned();
        self.watches.insert(tag.as_str().to_owned(), Watch { of, subscriber });
        Ok(())
    }

    pub(super) fn unwatch(&mut self, now: Timestamp, of: &Uri) -> io::Result<()> {
        let of = of.to_string();
        let of = bare_address(&of);
        let tags: Vec<String> =
            self.watches.iter().filter(|(_, watch)| watch.of == of).map(|(tag, _)| tag.clone()).collect();
        if tags.is_empty() {
            return self.error("nobody of that address is watched");
        }
        for tag in tags {
            self.tell_machine(now, &tag, SubscriberEvent::Unsubscribe);
        }
        Ok(())
    }

    pub(super) fn work_watches(&mut self) -> io::Result<()> {
        let tags: Vec<String> = self.watches.keys().cloned().collect();
        for tag in tags {
            while let Some(command) = self.watches.get_mut(&tag).and_then(|watch| watch.subscriber.poll()) {
                self.obey_watch(&tag, command)?;
            }
            if self.watches.get(&tag).is_some_and(|watch| watch.subscriber.state() == SubscriberState::Ended) {
                self.watches.remove(&tag);
            }
        }
        Ok(())
    }

    pub(super) fn obey_watch(&mut self, tag: &str, command: SubscriberCommand) -> io::Result<()> {
        let now = self.now();
        match command {
            SubscriberCommand::SendRequest(request) => self.send(request, Purpose::Subscribe(tag.to_owned())),
            SubscriberCommand::Respond { transaction, response } => {
                // Refused only when the transaction is over.
                let _ = self.table.respond(now, transaction, &response);
                Ok(())
            }
            SubscriberCommand::Challenged { response, uri } => {
                let headers = self.authenticator.answer(&response, &Method::Subscribe, &uri.to_string())?;
                let event =
                    if headers.is_empty() { SubscriberEvent::Unsubscribe } else { SubscriberEvent::Authorize(headers) };
                self.tell_machine(now, tag, event);
                Ok(())
            }
            SubscriberCommand::StateChanged(change) => self.tell_presence(tag, change),
            // One dialog only: presence does not fork.
            SubscriberCommand::Forked(_) => Ok(()),
        }
    }

    pub(super) fn tell_machine(&mut self, now: Timestamp, tag: &str, event: SubscriberEvent) {
        if let Some(watch) = self.watches.get_mut(tag) {
            watch.subscriber.handle(now, event);
        }
    }

    pub(super) fn tell_presence(&self, tag: &str, change: SubscriptionChange) -> io::Result<()> {
        let of = self.watches.get(tag).map(|watch| watch.of.as_str()).unwrap_or_default();
        let (state, body, more) = match change {
            SubscriptionChange::Pending => ("pending", None, json!({})),
            SubscriptionChange::Active { body } => ("active", body, json!({})),
            SubscriptionChange::Ended { reason, body, .. } => {
                ("terminated", body, json!({ "reason": reason.map(|reason| reason.to_string()) }))
            }
            SubscriptionChange::Failed { status, .. } => ("terminated", None, json!({ "code": status.to_number() })),
        };
        let said = match body.map(|body| document::read(body.content())) {
            None => json!({ "basic": null, "availability": null, "note": null }),
            Some(Ok(said)) => said,
            Some(Err(error)) => json!({ "basic": null, "unreadable": error.to_string() }),
        };
        let mut fields = json!({ "of": of, "state": state });
        if let (Value::Object(fields), Value::Object(said), Value::Object(more)) = (&mut fields, said, more) {
            fields.extend(said);
            fields.extend(more);
        }
        self.reporter.tell("presence", fields)
    }
}

/// Subscriptions at once.
const WATCHES_MAX: usize = 1000;
