//! Peers that come, go and change while the gateway runs.

use super::{Federation, SspSettings, member::DomainPair, restore::ASSOCIATION, to_wv};
use mapping::{address::Address, time::Timestamp};
use std::time::Duration;
use wv_proto::ssp::association::{Command, Event};

impl Federation {
    /// From now on these are the peers. Nothing happens to those that stay.
    pub(super) fn reroute(&mut self, now: Timestamp, settings: SspSettings) {
        self.settings = settings;
        self.current = self.correlation();
        let (mut gone, mut stays): (Vec<(DomainPair, usize)>, Vec<usize>) = (Vec::new(), Vec::new());
        for (domains, index) in self.members.by_domains() {
            let peer = self.members.get(index).map(|member| &member.peer);
            let is_same = self.settings.peer_of(&domains.1).map(|known| &known.name) == peer;
            if is_same && self.association_settings(&domains.0, &domains.1).is_some() {
                stays.push(index);
            } else {
                gone.push((domains.clone(), index));
            }
        }
        for index in stays {
            self.renew_member(index);
        }
        for (domains, index) in gone {
            self.leave_peer(now, &domains, index);
        }
        let settings = &self.settings;
        self.trials.retain(|(peer, _), _| settings.peer_of(peer).is_some());
        self.far_members.retain(|conversation, _| settings.peer_of(conversation.domain()).is_some());
    }

    /// The peer stays, and may be elsewhere, have another secret, or take more in one post.
    fn renew_member(&mut self, index: usize) {
        let Some(member) = self.members.get_mut(index) else { return };
        let Some(peer) = self.settings.peers.iter().find(|peer| peer.name == member.peer) else { return };
        if !peer.target.is_like(&member.target) {
            self.client.forget(&member.target);
        }
        member.target = peer.target.clone();
        member.machine.change_secret(peer.secret.clone());
        let answers = peer.answers_per_post.unwrap_or(self.settings.limits.answers_per_post_max);
        member.machine.change_answers_per_post(answers);
    }

    /// Ends what waits for the peer, tells it what has ended while there is a session, and forgets it.
    fn leave_peer(&mut self, now: Timestamp, domains: &DomainPair, index: usize) {
        tracing::info!(side = "wv", domain = %domains.1, local = %domains.0, "SSP peer removed");
        self.turn(now, index, Event::Leave);
        let has_session = self.members.get(index).is_some_and(|member| member.machine.session().is_some());
        let (local, peer) = (domains.0.as_ref(), domains.1.as_ref());
        let is_of =
            |(watcher, presentity): (&Address, &Address)| watcher.domain() == local && presentity.domain() == peer;
        for id in self.subscriptions.matching(is_of) {
            if has_session {
                self.close_subscription(now, &id);
            } else {
                self.subscriptions.forget(&id);
            }
        }
        let seats: Vec<(Address, Address)> = self
            .far_members
            .iter()
            .flat_map(|(conversation, users)| users.keys().map(move |user| (user.clone(), conversation.clone())))
            .filter(|(user, conversation)| is_of((user, conversation)))
            .collect();
        for (user, conversation) in seats.into_iter().filter(|_| has_session) {
            self.take_leave(now, &user, &conversation);
        }
        self.subscriptions.owe_nothing(peer);
        self.members.retire(domains);
        self.record(ASSOCIATION, &format!("{local} {peer}"), None);
        if let Some(member) = self.members.get_mut(index) {
            member.leaves_at = Some(now.after(LAST_WORDS_WAIT));
        }
        self.dismiss(now, index);
    }

    /// Forgets an association with somebody who is no peer any more, once it has been told everything.
    pub(super) fn dismiss(&mut self, now: Timestamp, index: usize) {
        let Some(member) = self.members.get_mut(index) else { return };
        let is_over = |at: Timestamp| at <= now || member.machine.waiting() == 0;
        if !member.leaves_at.is_some_and(is_over) {
            return;
        }
        member.machine.handle(to_wv(now), Event::Forget);
        while let Some(command) = member.machine.poll() {
            if let Command::Finished { key, .. } = command {
                self.purposes.remove(&key);
            }
        }
        self.members.remove(index);
    }
}

/// How long a former peer may take over what it is told last.
const LAST_WORDS_WAIT: Duration = Duration::from_secs(20);
