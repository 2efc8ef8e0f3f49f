//! The part of a user agent that watches others.

use super::{Agent, EXPIRES_S, PAUSE_MS, PIDF, Purpose, Watch, presence};
use crate::truth::{Truth, bare};
use sip_proto::{
    body::{pidf::Presence, xml::XmlLimits},
    event::{
        credential::CredentialSource,
        lifetime::Jitter,
        package::Forks,
        subscriber::{
            Subscriber, SubscriberCommand, SubscriberEvent, SubscriberState, SubscriptionChange,
            settings::{Conditional, SubscriberSettings},
        },
    },
    message::{
        Method,
        header::{address::NameAddr, media_type::MediaType},
        uri::Uri,
    },
    time::Timestamp,
    transaction::timer::TimerValues,
};

impl Agent {
    pub(super) fn begin_watch(&mut self, now: u64, whom: &str) {
        let target = Uri::parse(whom).expect("a URI");
        let tag = self.ids.tag();
        let mut subscriber = Subscriber::new(SubscriberSettings {
            target: target.clone(),
            local: NameAddr::new(self.own.clone()),
            remote: NameAddr::new(target),
            contact: self.contact.clone(),
            event: presence(),
            accept: vec![MediaType::parse(PIDF).expect("a media type")],
            expires_s: EXPIRES_S,
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
        subscriber.handle(Timestamp::from_millis(now), SubscriberEvent::Subscribe);
        self.watches.insert(tag.as_str().to_owned(), Watch { whom: whom.to_owned(), subscriber });
    }

    pub(super) fn work_watches(&mut self, now: u64, truth: &mut Truth) {
        for tag in self.watches.keys().cloned().collect::<Vec<_>>() {
            while let Some(command) = self.watches.get_mut(&tag).and_then(|watch| watch.subscriber.poll()) {
                self.obey(now, &tag, command, truth);
            }
            if self.watches.get(&tag).is_some_and(|watch| watch.subscriber.state() == SubscriberState::Ended) {
                self.watches.remove(&tag);
            }
        }
    }

    pub(super) fn obey(&mut self, now: u64, tag: &str, command: SubscriberCommand, truth: &mut Truth) {
        let at = Timestamp::from_millis(now);
        match command {
            SubscriberCommand::SendRequest(request) => {
                self.dispatch(now, request, Purpose::Subscribe(tag.to_owned()));
            }
            SubscriberCommand::Respond { transaction, response } => {
                drop(self.table.respond(at, transaction, &response));
            }
            SubscriberCommand::Challenged { response, uri } => {
                let headers = self.credentials(&response, &Method::Subscribe, &uri.to_string());
                if let Some(watch) = self.watches.get_mut(tag) {
                    watch.subscriber.handle(at, SubscriberEvent::Authorize(headers));
                }
            }
            SubscriberCommand::StateChanged(change) => self.look(now, tag, change, truth),
            SubscriberCommand::Forked(_) => {}
        }
    }

    pub(super) fn look(&mut self, now: u64, tag: &str, change: SubscriptionChange, truth: &mut Truth) {
        let Some(whom) = self.watches.get(tag).map(|watch| watch.whom.clone()) else { return };
        let body = match change {
            SubscriptionChange::Pending => None,
            SubscriptionChange::Active { body } => body,
            SubscriptionChange::Ended { body, .. } => {
                self.watch_again(now, &whom);
                body
            }
            SubscriptionChange::Failed { .. } => {
                self.watch_again(now, &whom);
                None
            }
        };
        let Some(body) = body else { return };
        match Presence::parse(body.content(), &XmlLimits::PRESENCE) {
            Ok(presence) => {
                let of_tuples = presence.tuples.iter().flat_map(|tuple| &tuple.notes);
                let of_persons = presence.persons.iter().flat_map(|person| &person.notes);
                let note = of_tuples.chain(of_persons).chain(&presence.notes).next();
                let value = note.map(|note| note.text.to_string());
                let whom = bare(&whom);
                truth.seen(now, &self.user, &whom, value.as_deref());
                self.seen.insert(whom, value);
            }
            Err(error) => truth.violated(format!("{} was notified of what it cannot read: {error}", self.user)),
        }
    }

    pub(super) fn watch_again(&mut self, now: u64, whom: &str) {
        if self.wanted.contains(whom) {
            self.rewatch_at.insert(whom.to_owned(), now + PAUSE_MS);
        }
    }
}
