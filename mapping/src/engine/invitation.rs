//! Invitations: the inviter's shard waits for the word of the invited user, whose shard keeps asking it.

use crate::{
    address::Address,
    command::{Answer, CommandKind},
    conversation::{Access, Ask, OwnChange, PropertyChange, Visibility, machine::InvitedTo},
    engine::{ConversationWord, Creation, Engine, Joining, Word, list::Expansion, timer::Timer},
    event::RequestId,
    gather::{Gather, Purpose},
    invitation::{
        Extension, Invitation, InvitationAnswer, InvitationKind, InvitationNews, InvitationVerdict, Response,
    },
    message::{Content, Message, ReportWish},
    outcome::Outcome,
    record::{Fact, FactKey},
    route::{DomainRoute, Route},
    side::Endpoint,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What the shards of inviter and invited user say to each other.
#[derive(Clone, Debug)]
pub(crate) enum InvitationWord {
    /// To the invited user.
    Invite { invitation: Box<Invitation>, ticket: u64 },
    /// To the inviter: whether the invitation was taken over.
    Taken { invitation: Box<Invitation>, ticket: u64, outcome: Outcome },
    /// To the inviter: the word of the invited user.
    Answered(InvitationAnswer),
    /// To the invited user: it is taken back.
    Withdrawn { id: String, inviter: Address, note: Option<String> },
}

/// An invitation that waits for permission of the conversation.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    invitation: Invitation,
    ticket: u64,
}

/// An invitation of a user, as its inviter's shard knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// When it is void.
    pub expires: Timestamp,
    /// The answer, until a client of the inviter has it.
    pub answer: Option<InvitationAnswer>,
}

/// An invitation to a user, as its own shard knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// The invitation.
    pub invitation: Invitation,
    /// Whether the user has accepted by doing what it was invited to.
    pub is_accepted: bool,
}

impl Engine {
    /// Invites users; the invitation holds nobody as invited yet.
    pub(super) fn invite(&mut self, request: RequestId, user: &Address, recipients: &[Address], pattern: Invitation) {
        if let Some(outcome) = self.refusal_for_strangers(user) {
            return self.output.done(request, outcome);
        }
        let expanded = self.expand(user, recipients, self.config.limits.recipients_per_message);
        let Expansion { users: targets, mut refused } = match expanded {
            Ok(expansion) => expansion,
            Err(outcome) => return self.output.done(request, outcome),
        };
        let known = self.users.get(user).map_or(0, |actor| actor.sent_invitations.len());
        if known.saturating_add(targets.len()) > self.config.limits.invitations_per_user {
            return self.output.done(request, Outcome::QueueFull);
        }
        let latest = self.now.after(self.config.limits.invitation_validity_max);
        let expires = pattern.expires.min(latest);
        let ticket = self.next_number();
        let mut gather = Gather::new(self.output.correlation, user.clone(), request, Purpose::converse());
        gather.details.append(&mut refused);
        gather.outstanding.extend(targets.iter().map(|target| target.user.clone()));
        self.hold(ticket, gather, self.config.limits.conversation_wait);
        for target in targets {
            let invitation = Invitation { inviter: user.clone(), invitee: target.user, expires, ..pattern.clone() };
            self.invite_one(invitation, ticket);
        }
        self.complete(ticket);
    }

    /// A talk of two becomes a conversation into which the others are invited.
    // WV-INV-07
    pub(super) fn extend_talk(&mut self, request: RequestId, user: &Address, endpoint: Endpoint, extension: Extension) {
        let Extension { conversation, written, id, recipients, name, follow, welcome, expires } = extension;
        if recipients.len() > self.config.limits.recipients_per_message {
            return self.output.answer(request, Answer::of_conversation(Outcome::BadParameter));
        }
        let properties = PropertyChange {
            access: Some(Access::Restricted),
            visibility: Some(Visibility::Private),
            allows_private: Some(true),
            ends_when_empty: Some(true),
            welcome,
            ..PropertyChange::default()
        };
        let join = Some(Joining { name: name.clone(), follow });
        let (own, people) = (OwnChange::default(), Vec::new());
        let creation = Creation { written: written.clone(), properties, own, join, people };
        self.create_conversation(request, user, endpoint, &conversation, creation);
        for invitee in recipients {
            // The words follow each other: the conversation is there when it is asked. Nobody waits for these answers.
            let invitation = Invitation {
                id: id.clone(),
                kind: InvitationKind::ExtendedTalk,
                inviter: user.clone(),
                invitee,
                inviter_name: name.clone(),
                conversation: Some(conversation.clone()),
                written: written.clone(),
                attributes: None,
                links: Vec::new(),
                note: None,
                application: None,
                expires: expires.min(self.now.after(self.config.limits.invitation_validity_max)),
            };
            self.invite_one(invitation, NOBODY_WAITS);
        }
    }

    fn invite_one(&mut self, invitation: Invitation, ticket: u64) {
        let row = self.config.domains.find(&invitation.invitee).cloned();
        let is_home = |row: &DomainRoute| row.route == Route::Hosted || self.far_home(&invitation.invitee).is_some();
        // Never from one neighbour to another.
        let may_leave = |row: &DomainRoute| row.route == Route::Hosted || self.far_home(&invitation.inviter).is_none();
        let is_taking =
            row.as_ref().is_some_and(|row| is_home(row) && may_leave(row) && self.profile(row.side).takes_invitations);
        let needs_conversation = invitation.kind.needs_conversation();
        match (row, is_taking, &invitation.conversation) {
            (None, ..) => self.part_settled(ticket, &invitation.invitee, Outcome::UnknownDomain),
            // WV-INV-06
            (Some(_), false, _) if !invitation.kind.can_be_said() => {
                self.part_settled(ticket, &invitation.invitee, Outcome::NotImplemented);
            }
            (Some(_), _, Some(conversation)) if needs_conversation => {
                let conversation = conversation.clone();
                self.ask_conversation_for(&conversation, invitation, ticket);
            }
            (Some(_), false, _) => self.invite_by_message(&invitation, ticket),
            (Some(_), true, _) => self.pass_invitation(invitation, ticket),
        }
    }

    fn ask_conversation_for(&mut self, conversation: &Address, invitation: Invitation, ticket: u64) {
        if self.is_invited_from_afar(&invitation.inviter, conversation) {
            let row = self.config.domains.find(&invitation.invitee);
            return match row.is_some_and(|row| self.profile(row.side).takes_invitations) {
                true => self.pass_invitation(invitation, ticket),
                // WV-INV-06
                false => self.invite_by_message(&invitation, ticket),
            };
        }
        if let Some(outcome) = self.refusal_for_conversation(conversation) {
            return self.part_settled(ticket, &invitation.invitee, outcome);
        }
        let number = self.next_number();
        let to = match invitation.kind {
            InvitationKind::Membership => InvitedTo::BecomeMember,
            InvitationKind::Conversation
            | InvitationKind::ExtendedTalk
            | InvitationKind::TalkExtension
            | InvitationKind::ConversationExtension
            | InvitationKind::Message
            | InvitationKind::Presence
            | InvitationKind::Content
            | InvitationKind::Application => InvitedTo::TakePart,
        };
        let (inviter, invitee) = (invitation.inviter.clone(), invitation.invitee.clone());
        self.user_mut(&inviter).asking.insert(number, Asking { invitation, ticket });
        let word = ConversationWord::MayInvite { inviter, invitee, to, number };
        self.output.tell(conversation, Word::Conversation(Box::new(word)));
    }

    /// The conversation says whether the user may invite.
    pub(super) fn may_invite(&mut self, user: &Address, number: u64, outcome: Outcome, written: &str) {
        let Some(Asking { mut invitation, ticket }) =
            self.users.get_mut(user).and_then(|actor| actor.asking.remove(&number))
        else {
            return;
        };
        if outcome != Outcome::Success {
            return self.part_settled(ticket, &invitation.invitee, outcome);
        }
        written.clone_into(&mut invitation.written);
        let side = self.config.domains.find(&invitation.invitee).map(|row| (row.route == Route::Hosted, row.side));
        match side {
            Some((true, side)) if self.profile(side).takes_invitations => self.pass_invitation(invitation, ticket),
            // WV-INV-06
            _ => self.invite_by_message(&invitation, ticket),
        }
    }

    fn pass_invitation(&mut self, invitation: Invitation, ticket: u64) {
        self.expect_taking(&invitation);
        let invitee = invitation.invitee.clone();
        if let Some(peer) = self.far_home(&invitee) {
            return self.invite_far(invitation, ticket, peer);
        }
        let word = InvitationWord::Invite { invitation: Box::new(invitation), ticket };
        self.output.tell(&invitee, Word::Invitation(Box::new(word)));
    }

    /// The invited user may be told, and the inviter take it back, before the word comes that it was taken over.
    // WV-INV-08
    fn expect_taking(&mut self, invitation: &Invitation) {
        let key = (invitation.id.clone(), invitation.invitee.clone());
        let actor = self.user_mut(&invitation.inviter);
        if !actor.sent_invitations.contains_key(&key) {
            actor.sent_invitations.insert(key.clone(), Sent { expires: invitation.expires, answer: None });
            actor.untaken_invitations.insert(key.clone());
            self.timers.set(Timer::Sent(invitation.inviter.clone(), key.0, key.1), invitation.expires);
        }
    }

    /// Where nobody can be asked, the invitation is said as a text.
    fn invite_by_message(&mut self, invitation: &Invitation, ticket: u64) {
        let message = Message {
            id: self.name_message(),
            sender: invitation.inviter.clone(),
            recipient: invitation.invitee.clone(),
            device: None,
            content: Content::from_text(&invitation.to_text()),
            sent: self.now,
            expires: invitation.expires,
            report: ReportWish::None,
            origin: Arc::from(""),
            talk: None,
            disclosure: crate::message::Disclosure::Named,
        };
        self.send_one(&invitation.inviter, message, ticket);
    }

    pub(super) fn invitation_word(&mut self, to: &Address, word: InvitationWord) {
        match word {
            InvitationWord::Invite { invitation, ticket } => self.invited(to, *invitation, ticket),
            InvitationWord::Taken { invitation, ticket, outcome } => {
                self.invitation_taken(to, &invitation, ticket, outcome);
            }
            InvitationWord::Answered(answer) => self.invitation_answered(to, answer),
            InvitationWord::Withdrawn { id, inviter, note } => self.invitation_withdrawn(to, id, inviter, note),
        }
    }

    fn invited(&mut self, user: &Address, invitation: Invitation, ticket: u64) {
        let outcome = self.take_invitation(user, &invitation);
        let inviter = invitation.inviter.clone();
        let word = InvitationWord::Taken { invitation: Box::new(invitation), ticket, outcome };
        self.output.tell(&inviter, Word::Invitation(Box::new(word)));
        self.forget_if_empty(user);
    }

    fn take_invitation(&mut self, user: &Address, invitation: &Invitation) -> Outcome {
        if !self.accounts.contains(user) {
            return Outcome::UnknownUser;
        }
        if invitation.expires <= self.now {
            return Outcome::Expired;
        }
        // WV-BLK-02
        if self.screens_out(user, &invitation.inviter, None) {
            return Outcome::Blocked;
        }
        let bound = self.config.limits.invitations_per_user;
        let key = (invitation.inviter.clone(), invitation.id.clone());
        let actor = self.user_mut(user);
        if actor.invitations.len() >= bound && !actor.invitations.contains_key(&key) {
            return Outcome::QueueFull;
        }
        let received = Received { invitation: invitation.clone(), is_accepted: false };
        actor.invitations.insert(key, received.clone());
        let endpoints: Vec<Endpoint> = actor.attachments.keys().cloned().collect();
        self.output.keep(Fact::Invitation(Box::new(received)));
        let (inviter, id) = (invitation.inviter.clone(), invitation.id.clone());
        self.timers.set(Timer::Invitation(user.clone(), inviter, id), invitation.expires);
        for endpoint in endpoints {
            let news = InvitationNews::Invited(Box::new(invitation.clone()));
            self.output.push(CommandKind::Invitation { endpoint, news });
        }
        Outcome::Success
    }

    pub(super) fn invitation_taken(&mut self, user: &Address, invitation: &Invitation, ticket: u64, outcome: Outcome) {
        let key = (invitation.id.clone(), invitation.invitee.clone());
        let actor = self.user_mut(user);
        let (was_untaken, is_wanted) =
            (actor.untaken_invitations.remove(&key), actor.sent_invitations.contains_key(&key));
        if was_untaken && outcome != Outcome::Success {
            self.forget_sent(user, &key);
        }
        // What was taken back in the meantime is over.
        if outcome == Outcome::Success && (is_wanted || !was_untaken) {
            let sent = Sent { expires: invitation.expires, answer: None };
            self.timers.set(Timer::Sent(user.clone(), key.0.clone(), key.1.clone()), sent.expires);
            self.keep_sent(user, &key, &sent);
            self.user_mut(user).sent_invitations.insert(key, sent);
        }
        self.part_settled(ticket, &invitation.invitee, outcome);
        self.forget_if_empty(user);
    }

    fn keep_sent(&mut self, inviter: &Address, (id, invitee): &(String, Address), sent: &Sent) {
        self.output.keep(Fact::Sent {
            inviter: inviter.clone(),
            id: id.clone(),
            invitee: invitee.clone(),
            sent: Box::new(sent.clone()),
        });
    }

    /// An invited user says yes or no.
    pub(super) fn respond(&mut self, request: RequestId, user: &Address, endpoint: &Endpoint, response: Response) {
        let Response { id, inviter, accepts, note, joins } = response;
        let found = self.users.get(user).and_then(|actor| {
            let mut known = actor.invitations.iter();
            // WV-INV-03: where the inviter is not named, the newest invitation of that name is meant.
            match &inviter {
                Some(inviter) => known.find(|((from, name), _)| from == inviter && *name == id),
                None => known.filter(|((_, name), _)| *name == id).max_by_key(|(_, one)| one.invitation.expires),
            }
            .map(|(key, received)| (key.clone(), received.clone()))
        });
        let Some((key, received)) = found else {
            // WV-INV-01
            return self.output.done(request, Outcome::UnknownInvitation);
        };
        self.output.done(request, Outcome::Success);
        self.forget_invitation(user, &key);
        self.settle_elsewhere(user, Some(endpoint), &key);
        if !received.is_accepted {
            self.tell_verdict(user, &received.invitation, accepts, note);
        }
        if let (true, true, Some(conversation)) = (joins, accepts, &received.invitation.conversation) {
            let ask = Ask::Join { name: None, follow: true, own: OwnChange::default() };
            let (user, endpoint) = (user.clone(), endpoint.clone());
            let word = ConversationWord::Ask { user, endpoint, ticket: NOBODY_WAITS, ask };
            self.output.tell(conversation, Word::Conversation(Box::new(word)));
        }
        self.forget_if_empty(user);
    }

    /// Who joins a conversation has accepted the invitations to it.
    pub(super) fn joined_by_invitation(&mut self, user: &Address, conversation: &Address) {
        let Some(actor) = self.users.get_mut(user) else { return };
        let mut accepted = Vec::new();
        for received in actor.invitations.values_mut() {
            let invitation = &received.invitation;
            let is_to_take_part = invitation.kind.needs_conversation() && invitation.kind != InvitationKind::Membership;
            if is_to_take_part && invitation.conversation.as_ref() == Some(conversation) && !received.is_accepted {
                received.is_accepted = true;
                accepted.push(received.clone());
            }
        }
        for received in accepted {
            self.tell_verdict(user, &received.invitation, true, None);
            self.output.keep(Fact::Invitation(Box::new(received)));
        }
    }

    fn tell_verdict(&mut self, user: &Address, invitation: &Invitation, accepts: bool, note: Option<String>) {
        if let (InvitationKind::Membership, true, Some(conversation)) =
            (invitation.kind, accepts, &invitation.conversation)
        {
            let word = ConversationWord::Accepted { invitee: user.clone() };
            self.output.tell(conversation, Word::Conversation(Box::new(word)));
        }
        let verdict = if accepts { InvitationVerdict::Accepted } else { InvitationVerdict::Declined };
        let answer = InvitationAnswer { id: invitation.id.clone(), invitee: user.clone(), verdict, note };
        self.output.tell(&invitation.inviter, Word::Invitation(Box::new(InvitationWord::Answered(answer))));
    }

    fn forget_invitation(&mut self, user: &Address, key: &(Address, String)) -> Option<Received> {
        let received = self.users.get_mut(user)?.invitations.remove(key)?;
        self.timers.clear(&Timer::Invitation(user.clone(), key.0.clone(), key.1.clone()));
        self.output.drop_fact(FactKey::Invitation(user.clone(), key.0.clone(), key.1.clone()));
        Some(received)
    }

    fn settle_elsewhere(&mut self, user: &Address, but: Option<&Endpoint>, (inviter, id): &(Address, String)) {
        let Some(actor) = self.users.get(user) else { return };
        for endpoint in actor.attachments.keys().filter(|endpoint| Some(*endpoint) != but) {
            let news = InvitationNews::Settled { id: id.clone(), inviter: inviter.clone() };
            self.output.push(CommandKind::Invitation { endpoint: endpoint.clone(), news });
        }
    }

    pub(super) fn invitation_answered(&mut self, user: &Address, answer: InvitationAnswer) {
        let key = (answer.id.clone(), answer.invitee.clone());
        let Some(actor) = self.users.get_mut(user) else { return };
        let Some(sent) = actor.sent_invitations.get_mut(&key).filter(|sent| sent.answer.is_none()) else { return };
        sent.answer = Some(answer.clone());
        let sent = sent.clone();
        let endpoints: Vec<Endpoint> = actor.attachments.keys().cloned().collect();
        if self.respond_far(user, &answer) {
            self.forget_sent(user, &key);
            return self.forget_if_empty(user);
        }
        self.keep_sent(user, &key, &sent);
        // An answer that nobody fetches is kept as long as a report.
        let until = self.now.after(self.config.limits.question_age);
        self.timers.set(Timer::Sent(user.clone(), key.0, key.1), until);
        for endpoint in endpoints {
            let news = InvitationNews::Answered(answer.clone());
            self.output.push(CommandKind::Invitation { endpoint, news });
        }
    }

    /// A client of the inviter has the answer.
    pub(super) fn invitation_answer_taken(&mut self, user: &Address, id: &str, invitee: &Address) {
        let key = (id.to_owned(), invitee.clone());
        let is_answered = self
            .users
            .get(user)
            .and_then(|actor| actor.sent_invitations.get(&key))
            .is_some_and(|sent| sent.answer.is_some());
        if is_answered {
            self.forget_sent(user, &key);
            self.forget_if_empty(user);
        }
    }

    fn forget_sent(&mut self, user: &Address, key: &(String, Address)) {
        if self.users.get_mut(user).is_some_and(|actor| actor.sent_invitations.remove(key).is_some()) {
            self.timers.clear(&Timer::Sent(user.clone(), key.0.clone(), key.1.clone()));
            self.output.drop_fact(FactKey::Sent(user.clone(), key.0.clone(), key.1.clone()));
        }
    }

    /// The inviter takes an invitation back, from these users or, without any, from all.
    pub(super) fn withdraw(
        &mut self,
        request: RequestId,
        user: &Address,
        id: &str,
        recipients: &[Address],
        note: Option<&str>,
    ) {
        let known = self.users.get(user).map(|actor| actor.sent_invitations.iter()).into_iter().flatten();
        let open: Vec<(String, Address)> = known
            .filter(|((name, invitee), sent)| {
                name == id && sent.answer.is_none() && (recipients.is_empty() || recipients.contains(invitee))
            })
            .map(|(key, _)| key.clone())
            .collect();
        if open.is_empty() {
            return self.output.done(request, Outcome::UnknownInvitation);
        }
        for key in open {
            self.forget_sent(user, &key);
            let word =
                InvitationWord::Withdrawn { id: id.to_owned(), inviter: user.clone(), note: note.map(str::to_owned) };
            self.output.tell(&key.1, Word::Invitation(Box::new(word)));
        }
        self.output.done(request, Outcome::Success);
        self.forget_if_empty(user);
    }

    fn invitation_withdrawn(&mut self, user: &Address, id: String, inviter: Address, note: Option<String>) {
        if self.withdraw_far(user, &id, &inviter, note.as_deref()) {
            return;
        }
        let key = (inviter.clone(), id.clone());
        let Some(received) = self.forget_invitation(user, &key) else { return };
        if !received.is_accepted {
            self.tell_withdrawal(user, &id, &inviter, note.as_deref());
        }
        self.forget_if_empty(user);
    }

    fn tell_withdrawal(&mut self, user: &Address, id: &str, inviter: &Address, note: Option<&str>) {
        let Some(actor) = self.users.get(user) else { return };
        for endpoint in actor.attachments.keys() {
            let (id, inviter, note) = (id.to_owned(), inviter.clone(), note.map(str::to_owned));
            let news = InvitationNews::Withdrawn { id, inviter, note };
            self.output.push(CommandKind::Invitation { endpoint: endpoint.clone(), news });
        }
    }

    /// Nobody answered in time: the invited user needs not any more.
    pub(super) fn invitation_over(&mut self, user: &Address, inviter: &Address, id: &str) {
        let key = (inviter.clone(), id.to_owned());
        if self.forget_invitation(user, &key).is_some_and(|received| !received.is_accepted) {
            self.tell_withdrawal(user, id, inviter, None);
        }
        self.forget_if_empty(user);
    }

    /// Nobody answered in time, or nobody fetched the answer.
    // WV-INV-04
    pub(super) fn sent_over(&mut self, user: &Address, id: &str, invitee: &Address) {
        let key = (id.to_owned(), invitee.clone());
        let sent = self.users.get(user).and_then(|actor| actor.sent_invitations.get(&key));
        match sent.map(|sent| sent.answer.is_some()) {
            None => {}
            Some(true) => {
                self.forget_sent(user, &key);
                self.forget_if_empty(user);
            }
            Some(false) => {
                let verdict = InvitationVerdict::Unanswered;
                let answer = InvitationAnswer { id: id.to_owned(), invitee: invitee.clone(), verdict, note: None };
                self.invitation_answered(user, answer);
            }
        }
    }

    /// A device came: it is told what waits.
    pub(super) fn offer_invitations(&mut self, user: &Address, endpoint: &Endpoint) {
        let Some(actor) = self.users.get(user) else { return };
        for received in actor.invitations.values().filter(|received| !received.is_accepted) {
            let news = InvitationNews::Invited(Box::new(received.invitation.clone()));
            self.output.push(CommandKind::Invitation { endpoint: endpoint.clone(), news });
        }
        for answer in actor.sent_invitations.values().filter_map(|sent| sent.answer.clone()) {
            let news = InvitationNews::Answered(answer);
            self.output.push(CommandKind::Invitation { endpoint: endpoint.clone(), news });
        }
    }

    pub(super) fn restore_invitation(&mut self, received: Received) {
        let Invitation { inviter, invitee, id, expires, .. } = received.invitation.clone();
        self.timers.set(Timer::Invitation(invitee.clone(), inviter.clone(), id.clone()), expires);
        self.user_mut(&invitee).invitations.insert((inviter, id), received);
    }

    pub(super) fn restore_sent(&mut self, inviter: &Address, id: String, invitee: Address, sent: Sent) {
        let until = match &sent.answer {
            Some(_) => self.now.after(self.config.limits.question_age),
            None => sent.expires,
        };
        self.timers.set(Timer::Sent(inviter.clone(), id.clone(), invitee.clone()), until);
        self.user_mut(inviter).sent_invitations.insert((id, invitee), sent);
    }

    /// The user is no more: who invited it is told so, and what it invited to is void.
    pub(super) fn bury_invitations(&mut self, user: &Address) {
        let Some(actor) = self.users.get(user) else { return };
        let received: Vec<(Address, String)> = actor.invitations.keys().cloned().collect();
        let sent: Vec<(String, Address)> = actor.sent_invitations.keys().cloned().collect();
        for key in received {
            if let Some(received) = self.forget_invitation(user, &key)
                && !received.is_accepted
            {
                self.tell_verdict(user, &received.invitation, false, None);
            }
        }
        for key in sent {
            self.forget_sent(user, &key);
            let word = InvitationWord::Withdrawn { id: key.0, inviter: user.clone(), note: None };
            self.output.tell(&key.1, Word::Invitation(Box::new(word)));
        }
    }
}

impl Invitation {
    /// The invitation as a text, for somebody who cannot be invited otherwise.
    fn to_text(&self) -> String {
        let mut text = self.note.clone().unwrap_or_default();
        if self.kind.needs_conversation() {
            if !text.is_empty() {
                text.push('\n');
            }
            let is_membership = self.kind == InvitationKind::Membership;
            text.push_str(if is_membership { "Become a member of the group " } else { "Join the group " });
            text.push_str(&self.written);
        }
        for link in &self.links {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(link);
        }
        if text.is_empty() {
            text.push_str(match self.kind {
                InvitationKind::Presence => "I would like to see your presence.",
                InvitationKind::Content => "I would like to show you something.",
                InvitationKind::Conversation
                | InvitationKind::ExtendedTalk
                | InvitationKind::TalkExtension
                | InvitationKind::ConversationExtension
                | InvitationKind::Membership
                | InvitationKind::Application
                | InvitationKind::Message => "I would like to talk to you.",
            });
        }
        text
    }
}

/// The ticket of a question whose answer nobody waits for; no gather has it.
const NOBODY_WAITS: u64 = 0;
