//! What users of ours want of groups and users of peers.

use super::{
    Federation,
    command::{Purpose, service_of, until},
    endpoint_of,
    execute::{Pending, Shape},
};
use crate::wv::translate::{address, ssp::group as translate};
use mapping::{
    address::Address,
    conversation::{Ask, Following, OwnChange, Removal, Reply},
    engine::{Engine, Joining},
    event::{EventKind, Operation},
    federation::{FarAsk, FarAskKind, FarWord, FarWordKind, Seating},
    invitation::{Invitation, InvitationAnswer, InvitationVerdict},
    outcome::Outcome,
    side::Endpoint,
    time::Timestamp,
};
use std::time::Duration;
use wv_proto::{
    primitive::{
        identifier::TransactionId,
        party::{ScreenName, User},
    },
    ssp::{
        association::Request,
        part::{MetaInfo, Party},
        primitive::{
            CancelInviteRequest, GroupQuestion, GroupQuestionKind, InviteRequest, InviteResponse, JoinGroupRequest,
            MemberAccessRequest, MembersRequest, Primitive, RejectListRequest, SetGroupPropsRequest,
        },
    },
    status::StatusCode,
};

/// A question about a group of a peer.
pub(super) struct FarQuestion {
    user: Address,
    conversation: Address,
    endpoint: Endpoint,
    ticket: Option<u64>,
    /// How the user joins, where it does.
    joins: Option<Joining>,
    leaves: bool,
}

impl Federation {
    /// Asks a peer something about a conversation or an invitation.
    pub(super) fn ask_far(&mut self, now: Timestamp, ask: FarAsk) {
        let FarAsk { user, kind, .. } = ask;
        match kind {
            FarAskKind::Converse { conversation, endpoint, ask, ticket } => {
                let joins = match &ask {
                    Ask::Join { name, follow, .. } => Some(Joining { name: name.clone(), follow: *follow }),
                    _ => None,
                };
                let leaves = ask == Ask::Leave;
                let Some(primitive) = to_primitive(&user, &conversation, ask) else { return };
                let domain = conversation.domain().to_owned();
                let question = FarQuestion { user: user.clone(), conversation, endpoint, ticket, joins, leaves };
                self.ask_about(now, &user, &domain, Purpose::Converse(Box::new(question)), primitive, REQUEST_LIFE);
            }
            FarAskKind::Invite { invitation, ticket } => {
                let domain = invitation.invitee.domain().to_owned();
                let primitive = Primitive::InviteRequest(Box::new(translate::to_invite(&invitation, now)));
                let purpose = Purpose::Invite { invitation, ticket };
                self.ask_about(now, &user, &domain, purpose, primitive, REQUEST_LIFE);
            }
            FarAskKind::Respond { inviter, answer } => {
                let primitive = Primitive::InviteResponse(Box::new(translate::to_response(&answer, &inviter)));
                self.inform(now, (user.domain(), inviter.domain()), primitive, None, WORD_LIFE);
            }
            FarAskKind::Withdraw { id, invitee, note } => {
                let request = translate::to_cancellation(&id, &user, &invitee, note.as_deref());
                let primitive = Primitive::CancelInviteRequest(Box::new(request));
                self.inform(now, (user.domain(), invitee.domain()), primitive, None, WORD_LIFE);
            }
        }
    }

    /// Tells a peer that somebody takes part in its conversation no more.
    pub(super) fn take_leave(&mut self, now: Timestamp, user: &Address, conversation: &Address) {
        let Some(primitive) = to_primitive(user, conversation, Ask::Leave) else { return };
        self.inform(now, (user.domain(), conversation.domain()), primitive, None, REQUEST_LIFE);
    }

    /// The peer has lost the session, and perhaps who takes part in its conversations.
    pub(super) fn join_again(&mut self, now: Timestamp, index: usize) {
        let Some((local, peer)) = self.domains_of(index) else { return };
        let mut again = Vec::new();
        for (conversation, users) in self.far_members.iter().filter(|(known, _)| known.domain() == peer) {
            for (user, joining) in users.iter().filter(|(user, _)| user.domain() == local) {
                again.push((user.clone(), conversation.clone(), joining.clone()));
            }
        }
        for (user, conversation, Joining { name, follow }) in again {
            let ask = Ask::Join { name, follow, own: OwnChange::default() };
            let Some(primitive) = to_primitive(&user, &conversation, ask) else { continue };
            let purpose = Purpose::JoinAgain { user: user.clone(), conversation };
            self.ask_about(now, &user, &peer, purpose, primitive, REQUEST_LIFE);
        }
    }

    /// What a peer said to somebody who joined again.
    pub(super) fn joined_again(&mut self, user: Address, conversation: Address, outcome: Outcome) {
        if outcome.is_success() || outcome == Outcome::AlreadyJoined {
            return;
        }
        tracing::info!(side = "wv", %conversation, ?outcome, "not let in again");
        self.removed(&user, &conversation, "", Removal::Ended);
    }

    /// Asks as a user of ours what only somebody who takes part is told.
    pub(super) fn ask_whether_in(&mut self, now: Timestamp, user: &Address, conversation: &Address, removal: Removal) {
        let Some(primitive) = to_primitive(user, conversation, Ask::Participants) else { return };
        let domain = conversation.domain().to_owned();
        let purpose = Purpose::StillIn { user: user.clone(), conversation: conversation.clone(), removal };
        self.ask_about(now, user, &domain, purpose, primitive, REQUEST_LIFE);
    }

    /// What the peer told somebody who may take part no more.
    pub(super) fn told_whether_in(
        &mut self,
        user: &Address,
        conversation: &Address,
        removal: Removal,
        outcome: Outcome,
    ) {
        let is_out = matches!(
            outcome,
            Outcome::NotJoined
                | Outcome::NotMember
                | Outcome::KeptOut
                | Outcome::ConversationRestricted
                | Outcome::UnknownConversation
                | Outcome::InsufficientRights
        );
        if is_out {
            self.removed(user, conversation, "", removal);
        }
    }

    /// Who takes part where, as the engine knows it.
    pub(super) fn learn_seats(&mut self, engine: &Engine) {
        for (user, conversation, joining) in engine.far_participants() {
            if self.settings.peer_of(conversation.domain()).is_some() {
                self.seat(user, conversation, &Seating::Joined(joining.clone()));
            }
        }
    }

    fn ask_about(
        &mut self,
        now: Timestamp,
        user: &Address,
        domain: &str,
        purpose: Purpose,
        primitive: Primitive,
        life: Duration,
    ) {
        let request = Request {
            key: 0,
            name: None,
            line: Some(format!("group {user}").into()),
            replaces: false,
            is_kept: false,
            is_impatient: true,
            expires: until(now.after(life)),
            primitive,
        };
        let local = user.domain().to_owned();
        self.request(now, (&local, domain), purpose, request);
    }

    /// A peer answered a question about one of its groups; none where it could not be asked.
    pub(super) fn far_answered(&mut self, question: FarQuestion, outcome: Outcome, answer: Option<&Primitive>) {
        let FarQuestion { user, conversation, endpoint, ticket, joins, leaves } = question;
        let is_in = outcome.is_success() || outcome == Outcome::AlreadyJoined;
        let name = joins.as_ref().and_then(|joining| joining.name.clone());
        let seating = match (joins, leaves) {
            (Some(joining), _) if is_in => Seating::Joined(joining),
            (None, true) if outcome.is_success() || outcome == Outcome::NotJoined => Seating::Left,
            (_, _) => Seating::Same,
        };
        self.seat(&user, &conversation, &seating);
        let Some(ticket) = ticket else { return };
        let reply = match answer {
            Some(answer) if outcome.is_success() => {
                translate::from_reply(answer, name.as_deref(), conversation.domain())
            }
            _ => Reply::Nothing,
        };
        let details = Vec::new();
        let kind = FarWordKind::Answered { conversation, endpoint, ticket, outcome, details, reply, seating };
        self.tell(EventKind::Far(Box::new(FarWord { user, kind })));
    }

    pub(super) fn seat(&mut self, user: &Address, conversation: &Address, seating: &Seating) {
        let members = self.far_members.entry(conversation.clone()).or_default();
        match seating {
            Seating::Joined(joining) => drop(members.insert(user.clone(), joining.clone())),
            Seating::Left => drop(members.remove(user)),
            Seating::Same => {}
        }
        if members.is_empty() {
            self.far_members.remove(conversation);
        }
    }

    /// A peer has taken an invitation over, or not.
    pub(super) fn invitation_taken(&mut self, invitation: Box<Invitation>, ticket: u64, outcome: Outcome) {
        let user = invitation.inviter.clone();
        let kind = FarWordKind::InvitationTaken { invitation, ticket, outcome };
        self.tell(EventKind::Far(Box::new(FarWord { user, kind })));
    }

    /// A user of a peer invites one of ours.
    pub(super) fn invite(&mut self, now: Timestamp, index: usize, id: TransactionId, request: &InviteRequest) {
        let inviter = request.inviting.user().map(|user| &user.user_id);
        let user = match self.requester(index, &request.meta, inviter) {
            Ok(user) => user,
            Err(code) => return self.refuse(now, index, id, code),
        };
        let Some((local, _)) = self.domains_of(index) else { return };
        let invitee = request.invited.user().and_then(|user| address::to_neutral(user.user_id.as_str(), &local).ok());
        let Some(invitee) = invitee else { return self.refuse(now, index, id, StatusCode::UNKNOWN_USER) };
        // WV-SSP-09
        if !self.is_ours(&invitee) {
            return self.refuse(now, index, id, StatusCode::DOMAIN_NOT_SUPPORTED);
        }
        let Some(invitation) = translate::from_invite(request, &user, now) else {
            return self.refuse(now, index, id, StatusCode::NOT_IMPLEMENTED);
        };
        let operation = Operation::Invite { recipients: vec![invitee], invitation: Box::new(invitation) };
        self.ask_for(index, id, &local, user, operation);
    }

    fn ask_for(
        &mut self,
        index: usize,
        transaction_id: TransactionId,
        local: &str,
        user: Address,
        operation: Operation,
    ) {
        let pending = Pending::Transaction { index, transaction_id, shape: Shape::Status, refused: Vec::new() };
        let endpoint = endpoint_of(local, &user);
        self.ask(user, endpoint, operation, pending);
    }

    /// A user of a peer takes an invitation back.
    pub(super) fn cancel(&mut self, now: Timestamp, index: usize, id: TransactionId, request: &CancelInviteRequest) {
        let inviter = request.canceling.user().map(|user| &user.user_id);
        let user = match self.requester(index, &request.meta, inviter) {
            Ok(user) => user,
            Err(code) => return self.refuse(now, index, id, code),
        };
        let Some((local, _)) = self.domains_of(index) else { return };
        let invitee = request.canceled.user().and_then(|user| address::to_neutral(user.user_id.as_str(), &local).ok());
        let operation = Operation::Withdraw {
            id: request.invite_id.as_ref().to_owned(),
            recipients: invitee.into_iter().collect(),
            note: request.note.as_ref().map(|note| note.as_ref().to_owned()),
        };
        self.ask_for(index, id, &local, user, operation);
    }

    /// A user of a peer says what it thinks of an invitation of one of ours.
    pub(super) fn responded(&mut self, index: usize, response: &InviteResponse) {
        let Some((local, _)) = self.domains_of(index) else { return };
        let responding = response.responding.user().map(|user| &user.user_id);
        // WV-SSP-07
        let Ok(invitee) = self.requester(index, &response.meta, responding) else { return };
        let inviter = response.inviting.user().and_then(|user| address::to_neutral(user.user_id.as_str(), &local).ok());
        let Some(user) = inviter else { return };
        let verdict = if response.acceptance { InvitationVerdict::Accepted } else { InvitationVerdict::Declined };
        let answer = InvitationAnswer {
            id: response.invite_id.as_ref().to_owned(),
            invitee,
            verdict,
            note: response.note.as_ref().map(|note| note.as_ref().to_owned()),
        };
        let kind = FarWordKind::InvitationAnswered(answer);
        self.tell(EventKind::Far(Box::new(FarWord { user, kind })));
    }
}

/// The request that asks this of a group of a peer.
fn to_primitive(user: &Address, conversation: &Address, ask: Ask) -> Option<Primitive> {
    use GroupQuestionKind as Q;
    let group_id = address::to_group_id(conversation);
    let meta = MetaInfo::of_user(service_of(user), User::from(address::to_user_id(user)));
    let question =
        |kind| Primitive::GroupQuestion(GroupQuestion { kind, meta: meta.clone(), group_id: group_id.clone() });
    Some(match ask {
        Ask::Join { name, follow, own } => {
            let screen_name = name.map(|name| ScreenName { name: name.into(), group_id: group_id.clone() });
            Primitive::JoinGroupRequest(Box::new(JoinGroupRequest {
                meta,
                group_id,
                joined_list_request: true,
                subscribe_notification: follow,
                screen_name,
                own_properties: translate::to_own_change(own),
            }))
        }
        // Nothing of SSP says so, and the engine does not ask for it.
        Ask::History { .. } | Ask::Recall(_) => return None,
        Ask::Leave => question(Q::LeaveGroupRequest),
        Ask::End => question(Q::DeleteGroupRequest),
        Ask::Members => question(Q::GetGroupMemberRequest),
        Ask::Participants => question(Q::GetJoinedUsersRequest),
        Ask::Properties => question(Q::GetGroupPropsRequest),
        Ask::Follow(Following::Ask) => question(Q::GetGroupSubStatusRequest),
        Ask::Follow(Following::Begin) => question(Q::SubscribeGroupChangeRequest),
        Ask::Follow(Following::End) => question(Q::UnsubscribeGroupChangeRequest),
        Ask::Change { properties, own } => Primitive::SetGroupPropsRequest(Box::new(SetGroupPropsRequest {
            meta,
            group_id,
            properties: translate::to_change(&properties),
            own_properties: translate::to_own_change(own),
        })),
        Ask::AddMembers(who) => {
            Primitive::Members(MembersRequest { adds: true, meta, group_id, users: translate::to_users(&who) })
        }
        Ask::RemoveMembers(who) => {
            Primitive::Members(MembersRequest { adds: false, meta, group_id, users: translate::to_users(&who) })
        }
        Ask::SetRoles(roles) => {
            let users = roles.iter().filter_map(|(who, role)| match who {
                mapping::conversation::Who::User(user) => Some((user, *role)),
                mapping::conversation::Who::Name(_) => None,
            });
            let members = translate::to_roles(users);
            Primitive::MemberAccessRequest(Box::new(MemberAccessRequest { meta, group_id, members }))
        }
        Ask::KeepOut { add, remove } => {
            let list = |who: &[_]| (!who.is_empty()).then(|| translate::to_users(who));
            let (add, remove) = (list(&add), list(&remove));
            Primitive::RejectListRequest(Box::new(RejectListRequest { meta, group_id, add, remove }))
        }
    })
}

/// Who a party is, where it is a group or somebody in one: the group, and the name.
pub(super) fn group_of(party: &Party) -> Option<(&wv_proto::primitive::identifier::GroupId, Option<&str>)> {
    match party {
        Party::User(_) => None,
        Party::Group(group) => Some((group, None)),
        Party::ScreenName(name) => Some((&name.group_id, Some(&name.name))),
    }
}

/// How long a question about a group is worth being asked: the client waits for it.
const REQUEST_LIFE: Duration = Duration::from_secs(30);

/// How long a word on an invitation is worth being told.
const WORD_LIFE: Duration = Duration::from_secs(86_400);
