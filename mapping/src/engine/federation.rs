//! Conversations and invited users of neighbour servers.

use crate::{
    address::Address,
    command::CommandKind,
    conversation::{Ask, Hearers, News, Talk},
    engine::{Engine, Joining},
    event::{DeliveryId, RequestId},
    federation::{FarAsk, FarAskKind, FarWord, FarWordKind, Seating},
    invitation::{Invitation, InvitationAnswer},
    message::{Message, ReportWish},
    outcome::Outcome,
    record::{Fact, FactKey},
    route::Route,
    side::{Endpoint, PeerName},
};
use std::{collections::BTreeSet, sync::Arc};

impl Engine {
    /// The neighbour that is home of an address, where that is a server with conversations and invitations.
    pub(super) fn far_home(&self, address: &Address) -> Option<PeerName> {
        let row = self.config.domains.find(address)?;
        match &row.route {
            Route::Peer(peer) if self.profile(row.side).hosts_conversations => Some(peer.clone()),
            Route::Peer(_) | Route::Hosted => None,
        }
    }

    /// Asks something of a conversation of a neighbour.
    pub(super) fn ask_far(
        &mut self,
        request: RequestId,
        user: &Address,
        endpoint: Endpoint,
        (conversation, peer): (&Address, PeerName),
        ask: Ask,
    ) {
        // Only for users of this gateway: nothing is carried from one neighbour to another.
        if let Some(outcome) = self.refusal_for_guests(user) {
            return self.output.answer(request, crate::command::Answer::of_conversation(outcome));
        }
        match ask {
            // What was said there is not carried between servers.
            Ask::History { .. } | Ask::Recall(_) => {
                return self.output.answer(request, crate::command::Answer::of_conversation(Outcome::NoHistory));
            }
            Ask::Join { .. }
            | Ask::Leave
            | Ask::End
            | Ask::Members
            | Ask::Participants
            | Ask::Properties
            | Ask::Change { .. }
            | Ask::AddMembers(_)
            | Ask::RemoveMembers(_)
            | Ask::SetRoles(_)
            | Ask::KeepOut { .. }
            | Ask::Follow(_) => {}
        }
        let ticket = self.hold_for(request, user, conversation);
        let conversation = conversation.clone();
        self.push_far(peer, user, FarAskKind::Converse { conversation, endpoint, ask, ticket: Some(ticket) });
    }

    fn push_far(&mut self, peer: PeerName, user: &Address, kind: FarAskKind) {
        self.output.push(CommandKind::Far(Box::new(FarAsk { peer, user: user.clone(), kind })));
    }

    /// Says a message into a conversation of a neighbour; the verdict comes under [`Hearers::target`].
    pub(super) fn say_far(
        &mut self,
        endpoint: &Endpoint,
        hearers: &Hearers,
        message: Message,
        ticket: u64,
        peer: PeerName,
    ) {
        let sender = message.sender.clone();
        let target = hearers.target();
        if let Some(outcome) = self.refusal_for_guests(&sender) {
            return self.part_settled(ticket, &target, outcome);
        }
        let talk = Talk {
            conversation: hearers.conversation.clone(),
            written: Arc::from(""),
            speaker: hearers.speaker.clone().unwrap_or_default(),
            addressee: hearers.addressee.clone(),
            endpoints: vec![endpoint.clone()],
        };
        let message = Message { recipient: target, talk: Some(Box::new(talk)), report: ReportWish::None, ..message };
        self.pass_to_peer(&sender, message, peer, ticket);
    }

    /// Something said in a conversation here goes to a participant of a neighbour. It is worth something now and never
    /// later, so nothing is kept.
    pub(super) fn hand_over_far(
        &mut self,
        recipient: &Address,
        message: Message,
        delivery: DeliveryId,
        peer: PeerName,
    ) {
        let route = crate::command::DeliveryRoute::Peer(peer);
        self.output.push(CommandKind::Deliver { delivery, owner: recipient.clone(), route, message, repeated: false });
    }

    /// A device that took part in conversations of neighbours is gone.
    pub(super) fn leave_far(&mut self, user: &Address, endpoint: &Endpoint, conversation: &Address) -> bool {
        let Some(peer) = self.far_home(conversation) else { return false };
        self.forget_far_seat(user, conversation, endpoint);
        let still = |(known, _): &(Address, Endpoint)| known == conversation;
        if !self.users.get(user).is_some_and(|actor| actor.seats.iter().any(still)) {
            let (conversation, endpoint) = (conversation.clone(), endpoint.clone());
            let kind = FarAskKind::Converse { conversation, endpoint, ask: Ask::Leave, ticket: None };
            self.push_far(peer, user, kind);
        }
        true
    }

    pub(super) fn invite_far(&mut self, invitation: Invitation, ticket: u64, peer: PeerName) {
        let user = invitation.inviter.clone();
        self.push_far(peer, &user, FarAskKind::Invite { invitation: Box::new(invitation), ticket });
    }

    /// The inviter's server is told; whether it is another one.
    pub(super) fn respond_far(&mut self, inviter: &Address, answer: &InvitationAnswer) -> bool {
        let Some(peer) = self.far_home(inviter) else { return false };
        let kind = FarAskKind::Respond { inviter: inviter.clone(), answer: answer.clone() };
        self.push_far(peer, &answer.invitee, kind);
        true
    }

    /// The invited user's server is told; whether it is another one.
    pub(super) fn withdraw_far(&mut self, invitee: &Address, id: &str, inviter: &Address, note: Option<&str>) -> bool {
        let Some(peer) = self.far_home(invitee) else { return false };
        let (id, invitee, note) = (id.to_owned(), invitee.clone(), note.map(str::to_owned));
        self.push_far(peer, inviter, FarAskKind::Withdraw { id, invitee, note });
        true
    }

    /// A neighbour says something.
    pub(super) fn far_said(&mut self, word: FarWord) {
        let FarWord { user, kind } = word;
        match kind {
            FarWordKind::Answered { conversation, endpoint, ticket, outcome, details, reply, seating } => {
                self.seat_far(&user, &conversation, &endpoint, seating);
                self.conversation_answered(&user, &conversation, ticket, outcome, details, reply);
            }
            FarWordKind::News { conversation, written, news } => self.far_news(&user, &conversation, &written, &news),
            FarWordKind::Said(message) => self.far_talk(&user, *message),
            FarWordKind::InvitationTaken { invitation, ticket, outcome } => {
                self.invitation_taken(&user, &invitation, ticket, outcome);
            }
            FarWordKind::InvitationAnswered(answer) => self.invitation_answered(&user, answer),
        }
        self.forget_if_empty(&user);
    }

    fn seat_far(&mut self, user: &Address, conversation: &Address, endpoint: &Endpoint, seating: Seating) {
        let seat = (conversation.clone(), endpoint.clone());
        match seating {
            Seating::Same => {}
            Seating::Left => {
                if let Some(actor) = self.users.get_mut(user) {
                    actor.seats.remove(&seat);
                }
                self.forget_far_seat(user, conversation, endpoint);
            }
            Seating::Joined(joining) => {
                self.user_mut(user).far_seats.insert(seat.clone(), joining.clone());
                self.user_mut(user).seats.insert(seat.clone());
                let fact = Fact::FarSeat { user: user.clone(), conversation: seat.0, endpoint: seat.1, joining };
                self.output.keep(fact);
                if !self.users.get(user).is_some_and(|actor| actor.attachments.contains_key(endpoint)) {
                    // It went while it was joining.
                    self.leave_conversations(user, endpoint);
                }
            }
        }
    }

    fn forget_far_seat(&mut self, user: &Address, conversation: &Address, endpoint: &Endpoint) {
        let seat = (conversation.clone(), endpoint.clone());
        if self.users.get_mut(user).is_some_and(|actor| actor.far_seats.remove(&seat).is_some()) {
            self.output.drop_fact(FactKey::FarSeat(user.clone(), seat.0, seat.1));
        }
    }

    /// The user took part before the restart, and the neighbour believes that it still does.
    pub(super) fn restore_far_seat(&mut self, user: &Address, seat: (Address, Endpoint), joining: Joining) {
        let actor = self.user_mut(user);
        actor.seats.insert(seat.clone());
        actor.far_seats.insert(seat, joining);
    }

    /// Seats of devices that did not come back are left.
    pub(super) fn revive_far_seats(&mut self, user: &Address) {
        let Some(actor) = self.users.get(user) else { return };
        let lost = actor.far_seats.keys().filter(|(_, endpoint)| !actor.attachments.contains_key(endpoint));
        for endpoint in lost.map(|(_, endpoint)| endpoint.clone()).collect::<BTreeSet<_>>() {
            self.leave_conversations(user, &endpoint);
        }
    }

    /// Users of this shard in conversations of neighbours: user, conversation, and how it joined.
    pub fn far_participants(&self) -> impl Iterator<Item = (&Address, &Address, &Joining)> + '_ {
        self.users.iter().flat_map(|(user, actor)| {
            actor.far_seats.iter().map(move |((conversation, _), joining)| (user, conversation, joining))
        })
    }

    fn far_seats(&self, user: &Address, conversation: &Address) -> Vec<Endpoint> {
        let seats = self.users.get(user).map(|actor| actor.seats.iter()).into_iter().flatten();
        seats.filter(|(known, _)| known == conversation).map(|(_, endpoint)| endpoint.clone()).collect()
    }

    pub(super) fn far_news(&mut self, user: &Address, conversation: &Address, written: &Arc<str>, news: &News) {
        for endpoint in self.far_seats(user, conversation) {
            if matches!(news, News::Removed(_)) {
                self.seat_far(user, conversation, &endpoint, Seating::Left);
            }
            self.output.push(CommandKind::Conversation {
                endpoint,
                conversation: conversation.clone(),
                written: Arc::clone(written),
                news: news.clone(),
            });
        }
    }

    fn far_talk(&mut self, user: &Address, mut message: Message) {
        let Some(talk) = &mut message.talk else { return };
        let conversation = talk.conversation.clone();
        talk.endpoints = self.far_seats(user, &conversation);
        if !talk.endpoints.is_empty() && self.accounts.contains(user) {
            if message.id.as_str().is_empty() {
                message.id = self.name_message();
            }
            self.offered(user, message, None);
        }
    }

    /// Whether a guest invites into a conversation of its own server, which has allowed it already.
    pub(super) fn is_invited_from_afar(&self, inviter: &Address, conversation: &Address) -> bool {
        self.far_home(conversation).is_some_and(|home| self.far_home(inviter) == Some(home))
    }

    /// Why a request of `user` is refused that a user of this gateway or of a neighbour server may make.
    pub(super) fn refusal_for_strangers(&self, user: &Address) -> Option<Outcome> {
        if self.far_home(user).is_some() { None } else { self.refusal_for_guests(user) }
    }
}
