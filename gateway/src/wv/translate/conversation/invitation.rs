//! Invitations, and the talk of two that becomes a group.

use super::from_group_id;
use crate::wv::translate::{address, presence};
use mapping::{
    address::Address,
    invitation::{Invitation, InvitationAnswer, InvitationKind, InvitationVerdict},
    time::Timestamp,
};
use std::time::Duration;
use wv_proto::{
    primitive::{
        Primitive,
        identifier::GroupId,
        invitation::{
            CancelInviteUserRequest, ExtendConversationRequest, InviteBody, InviteRequest, InviteResponse, InviteType,
            InviteUserRequest,
        },
        party::{ScreenName, Sender, User},
    },
    status::StatusCode,
    version::Version,
};

/// The invitation of an Invite-Request; whom it invites is set by the engine.
///
/// # Errors
/// The code that refuses it.
// WV-INV-05
pub fn from_invite(
    request: &InviteRequest,
    inviter: &Address,
    domain_default: &str,
    validity: Duration,
    now: Timestamp,
) -> Result<Invitation, StatusCode> {
    let body = &request.body;
    let kind = kind_of(request)?;
    let conversation = match &body.group_id {
        Some(group) => from_group_id(group, domain_default),
        None => None,
    };
    if kind.needs_conversation() && body.group_id.is_none() {
        return Err(StatusCode::MISSING_GROUP_ID);
    }
    if kind.needs_conversation() && conversation.is_none() {
        return Err(StatusCode::new(800).unwrap_or(StatusCode::BAD_PARAMETER));
    }
    if kind == InvitationKind::Content && body.urls.is_empty() {
        return Err(StatusCode::BAD_REQUEST);
    }
    let written = body.group_id.as_ref().map(|group| group.as_str().to_owned()).unwrap_or_default();
    Ok(Invitation {
        id: request.invite_id.as_ref().to_owned(),
        kind,
        inviter: inviter.clone(),
        invitee: inviter.clone(),
        inviter_name: body.screen_name.as_ref().map(|name| name.name.as_ref().to_owned()),
        conversation,
        written,
        attributes: body.attributes.as_ref().map(|names| presence::from_names(Some(names))),
        links: body.urls.iter().map(|url| url.as_ref().to_owned()).collect(),
        note: body.note.as_ref().map(|note| note.as_ref().to_owned()),
        application: body.application_id.as_ref().map(|id| id.as_ref().to_owned()),
        expires: now.after(body.validity.filter(|wish| !wish.is_zero()).unwrap_or(validity)),
    })
}

fn kind_of(request: &InviteRequest) -> Result<InvitationKind, StatusCode> {
    match &request.invite_type {
        InviteType::Group => Ok(InvitationKind::Conversation),
        InviteType::Membership => Ok(InvitationKind::Membership),
        InviteType::Message => Ok(InvitationKind::Message),
        InviteType::Presence => Ok(InvitationKind::Presence),
        InviteType::Content => Ok(InvitationKind::Content),
        InviteType::Application if request.body.application_id.is_none() => Err(StatusCode::INVALID_APPLICATION_ID),
        InviteType::Application => Ok(InvitationKind::Application),
        // UNCLEAR elements §3: what these ask beside taking part; they are passed on, and the group has to be named.
        InviteType::Conversation => Ok(InvitationKind::TalkExtension),
        InviteType::ExtendedGroup => Ok(InvitationKind::ConversationExtension),
        InviteType::Other(_) => Err(StatusCode::BAD_PARAMETER),
    }
}

fn group_id(invitation: &Invitation) -> Option<GroupId> {
    let conversation = invitation.conversation.as_ref()?;
    let is_written = !invitation.written.is_empty();
    Some(if is_written {
        GroupId::new(invitation.written.as_str())
    } else {
        GroupId::new(address::from_neutral(conversation))
    })
}

fn user_sender(user: &Address) -> Option<Sender> {
    Some(Sender::User(User::from(address::to_user_id(user))))
}

/// InviteUser-Request.
#[must_use]
pub fn to_invitation(invitation: &Invitation, version: Version, now: Timestamp) -> Primitive {
    let is_1_3 = version == Version::V1_3;
    let invite_type = match invitation.kind {
        InvitationKind::TalkExtension if is_1_3 => InviteType::Conversation,
        InvitationKind::ConversationExtension if is_1_3 => InviteType::ExtendedGroup,
        InvitationKind::Conversation
        | InvitationKind::ExtendedTalk
        | InvitationKind::TalkExtension
        | InvitationKind::ConversationExtension => InviteType::Group,
        InvitationKind::Application if is_1_3 => InviteType::Application,
        // Before that nobody knows applications.
        InvitationKind::Application => InviteType::Message,
        // The type came with 1.2; a client before that is asked to join.
        InvitationKind::Membership if version == Version::V1_1 => InviteType::Group,
        InvitationKind::Membership => InviteType::Membership,
        InvitationKind::Message => InviteType::Message,
        InvitationKind::Presence => InviteType::Presence,
        InvitationKind::Content => InviteType::Content,
    };
    let group = group_id(invitation);
    let name = invitation.inviter_name.as_deref().zip(group.clone());
    let attributes = invitation.attributes.and_then(|set| presence::to_names(set, version));
    Primitive::InviteUserRequest(Box::new(InviteUserRequest {
        invite_id: invitation.id.as_str().into(),
        invite_type,
        sender: user_sender(&invitation.inviter),
        body: InviteBody {
            application_id: invitation.application.as_deref().filter(|_| is_1_3).map(Into::into),
            group_id: group,
            attributes,
            urls: invitation.links.iter().map(|link| link.as_str().into()).collect(),
            note: invitation.note.as_deref().map(Into::into),
            screen_name: name.map(|(name, group_id)| ScreenName { name: name.into(), group_id }),
            validity: Some(now.until(invitation.expires)),
        },
    }))
}

/// ExtendConversation-Request of the server: the group stands in the ScreenName of who asks.
// UNCLEAR: no source shows how the invited user learns the group; ScreenName is the only place for it.
#[must_use]
pub fn to_extension(invitation: &Invitation) -> Primitive {
    let name = invitation.inviter_name.clone().unwrap_or_else(|| invitation.inviter.user_decoded());
    let screen_name = group_id(invitation).map(|group_id| ScreenName { name: name.as_str().into(), group_id });
    Primitive::ExtendConversationRequest(Box::new(ExtendConversationRequest {
        conversation_id: invitation.id.as_str().into(),
        users: vec![address::to_user_id(&invitation.invitee)],
        partner: Some(User::from(address::to_user_id(&invitation.inviter))),
        subscribe_notification: Some(true),
        welcome_note: None,
        screen_name,
    }))
}

/// Invite-Response.
// WV-INV-04
#[must_use]
pub fn to_answer(answer: &InvitationAnswer) -> Primitive {
    let note = match answer.verdict {
        InvitationVerdict::Unanswered => Some(NOT_ANSWERED),
        InvitationVerdict::Accepted | InvitationVerdict::Declined => answer.note.as_deref(),
    };
    Primitive::InviteResponse(Box::new(InviteResponse {
        invite_id: answer.id.as_str().into(),
        acceptance: answer.verdict == InvitationVerdict::Accepted,
        sender: user_sender(&answer.invitee),
        note: note.map(Into::into),
    }))
}

/// CancelInviteUser-Request.
#[must_use]
pub fn to_cancellation(id: &str, inviter: &Address, note: Option<&str>) -> Primitive {
    Primitive::CancelInviteUserRequest(Box::new(CancelInviteUserRequest {
        invite_id: id.into(),
        sender: user_sender(inviter),
        note: note.map(Into::into),
        urls: Vec::new(),
    }))
}

/// What the note of an answer says that is none.
const NOT_ANSWERED: &str = "522 Unresponded group request";
