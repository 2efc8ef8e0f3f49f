//! Commands of the engine.

use super::{
    Agent, Pending,
    subscription::{Package, Wish},
};
use mapping::{
    command::{Answer, Command, CommandKind},
    event::RequestId,
    time::Timestamp,
};

impl Agent {
    /// Carries out a command; everything that it promises is committed.
    pub(super) fn execute(&mut self, now: Timestamp, command: Command) {
        let correlation = command.correlation;
        self.current = correlation;
        match command.kind {
            CommandKind::Answer { request, answer } => self.answer(now, request, &answer),
            CommandKind::Notify(notification) => self.notify(now, &notification),
            CommandKind::TellWatchers(news) => self.tell_watchers(now, &news),
            CommandKind::Register { peer, user } => self.register_far(now, &peer, &user),
            CommandKind::Deregister { user } => self.deregister_far(now, &user),
            CommandKind::LearnWatchers { peer, user } => self.learn_watchers(now, peer, &user),
            CommandKind::ForgetWatchers { user } => self.forget_watchers(now, &user),
            CommandKind::Deliver { delivery, owner, route, message, .. } => {
                self.deliver(now, correlation, delivery, owner, &route, &message);
            }
            CommandKind::OpenSubscription { subscription, peer, watcher, presentity, lasting } => {
                let wish = Wish { peer, watcher, presentity, lasting, package: Package::Presence };
                self.open_subscription(now, correlation, &subscription, wish);
            }
            CommandKind::CloseSubscription { subscription } => self.close_subscription(now, &subscription),
            CommandKind::Publish { peer, user, document } => self.make_known(now, &user, &peer, document.as_ref()),
            CommandKind::Report { route, report } => self.notify_sender(now, &route, &report),
            // Users of this side are not asked: they follow who watches them, and watch back.
            // A message that is on its way to a contact cannot be called back.
            CommandKind::AskAuthorization { .. } | CommandKind::Retract { .. } | CommandKind::Announce { .. } => {}
            // Nobody of this side hears of more than was asked for.
            CommandKind::Happened { .. } => {}
            // Groups are not shown to this side yet: nobody of it takes part, and nobody is invited but by a message.
            CommandKind::Conversation { .. } | CommandKind::Invitation { .. } | CommandKind::Far(_) => {}
            // The lane's own business.
            CommandKind::Keep(_) | CommandKind::Forward(_) => {}
        }
    }

    fn answer(&mut self, now: Timestamp, request: RequestId, answer: &Answer) {
        match self.pending.remove(&request.number) {
            Some(Pending::Message { transaction, request }) => self.answer_message(now, transaction, &request, answer),
            Some(Pending::Subscribe { notifier, transaction, request }) => {
                self.answer_subscribe(now, &notifier, transaction, &request, answer);
            }
            Some(Pending::Follow { notifier }) => {
                if let Answer::Done { outcome, .. } = answer {
                    self.answer_follow(now, &notifier, *outcome);
                }
            }
            Some(Pending::Nothing) | None => {}
        }
    }
}
