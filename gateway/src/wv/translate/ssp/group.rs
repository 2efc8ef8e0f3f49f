//! Groups and invitations in the form of SSP.

use crate::wv::translate::{address, conversation, outcome, presence};
use mapping::{
    address::Address,
    conversation::{
        Access, News, OwnChange, OwnStanding, Participant, Properties, PropertyChange, Removal, Reply, Role,
        Visibility, Who,
    },
    invitation::{Invitation, InvitationAnswer, InvitationKind, InvitationVerdict},
    outcome::Outcome,
    time::Timestamp,
};
use std::time::Duration;
use wv_proto::{
    primitive::{
        group::{GroupProperties, WelcomeNote},
        identifier::{GroupId, UserId},
        party::{Property, ScreenName, User},
    },
    ssp::{
        part::{MetaInfo, Party, ServiceId},
        primitive::{
            CancelInviteRequest, GroupChangeNotice, InviteBody, InviteRequest, InviteResponse, LeaveGroupIndication,
            Mapping, Primitive, Roles,
        },
    },
    status::{StatusCode, StatusResult},
    version::Version,
};

/// The names of participants.
#[must_use]
pub fn to_names(participants: &[Participant]) -> Vec<Box<str>> {
    participants.iter().map(|one| one.name.as_str().into()).collect()
}

/// Participants of whom only the names are told.
#[must_use]
pub fn from_names(names: &[Box<str>]) -> Vec<Participant> {
    let of = |name: &str| Participant { name: name.to_owned(), address: None, role: Role::User };
    names.iter().map(|name| of(name)).collect()
}

/// Participants with their addresses, where these may be seen.
#[must_use]
pub fn to_mappings(participants: &[Participant], is_meant: impl Fn(Role) -> bool) -> Vec<Mapping> {
    let of = |one: &Participant| Mapping {
        name: one.name.as_str().into(),
        user_id: one.address.as_ref().map(address::to_user_id),
    };
    participants.iter().filter(|one| is_meant(one.role)).map(of).collect()
}

/// Participants of one role, read.
#[must_use]
pub fn from_mappings(mappings: &[Mapping], role: Role, domain: &str) -> Vec<Participant> {
    let of = |one: &Mapping| Participant {
        name: one.name.as_ref().to_owned(),
        address: one.user_id.as_ref().and_then(|user| address::to_neutral(user.as_str(), domain).ok()),
        role,
    };
    mappings.iter().map(of).collect()
}

/// Members by role.
#[must_use]
pub fn to_roles<'a>(members: impl IntoIterator<Item = (&'a Address, Role)>) -> Roles {
    let mut roles = Roles::default();
    for (member, role) in members {
        let list = match role {
            Role::Administrator => &mut roles.admins,
            Role::Moderator => &mut roles.moderators,
            Role::User => &mut roles.ordinary,
        };
        list.get_or_insert_default().push(address::to_user_id(member));
    }
    roles
}

/// Members by role, read; what is no address names nobody.
#[must_use]
pub fn from_roles(roles: &Roles, domain: &str) -> Vec<(Address, Role)> {
    let lists =
        [(&roles.admins, Role::Administrator), (&roles.moderators, Role::Moderator), (&roles.ordinary, Role::User)];
    let mut members = Vec::new();
    for (list, role) in lists {
        let users = from_users(list.as_deref().unwrap_or_default(), domain);
        members.extend(users.into_iter().map(|user| (user, role)));
    }
    members
}

/// Users, read; what is no address names nobody.
#[must_use]
pub fn from_users(users: &[UserId], domain: &str) -> Vec<Address> {
    users.iter().filter_map(|user| address::to_neutral(user.as_str(), domain).ok()).collect()
}

/// The users among those who are named; SSP knows no others there.
#[must_use]
pub fn to_users(who: &[Who]) -> Vec<UserId> {
    let of = |one: &Who| match one {
        Who::User(user) => Some(address::to_user_id(user)),
        Who::Name(_) => None,
    };
    who.iter().filter_map(of).collect()
}

/// Properties that are to change.
#[must_use]
pub fn to_change(change: &PropertyChange) -> Option<GroupProperties> {
    let truth = |value: bool| if value { "T" } else { "F" };
    let text = |name: &'static str, value: Option<String>| value.map(|value| Property::new(name, &value));
    let access = change.access.map(|access| match access {
        Access::Open => "Open",
        Access::Restricted => "Restricted",
    });
    let visibility = change.visibility.map(|visibility| match visibility {
        Visibility::Public => "Public",
        Visibility::Private => "Private",
    });
    let flag = |value: Option<bool>| value.map(|value| truth(value).to_owned());
    let lifetime = change.empty_lifetime.map(|lifetime| lifetime.as_secs().to_string());
    let listed = [
        text(Property::GROUP_NAME, change.name.clone()),
        text(Property::TOPIC, change.topic.clone()),
        text(Property::ACCESS_TYPE, access.map(str::to_owned)),
        text(Property::GROUP_TYPE, visibility.map(str::to_owned)),
        text(Property::PRIVATE_MESSAGING, flag(change.allows_private)),
        text(Property::SEARCHABLE, flag(change.is_searchable)),
        text(Property::MAX_ACTIVE_USERS, change.participants_max.map(|most| most.to_string())),
        text(Property::AUTO_DELETE, flag(change.ends_when_empty)),
        text(Property::VALIDITY, lifetime),
    ];
    let properties: Vec<Property> = listed.into_iter().flatten().collect();
    let welcome_note: Option<WelcomeNote> = change.welcome.as_ref().map(conversation::to_welcome_note);
    let is_empty = properties.is_empty() && welcome_note.is_none();
    (!is_empty).then_some(GroupProperties { properties, welcome_note })
}

/// Own properties that are to change.
#[must_use]
pub fn to_own_change(change: OwnChange) -> Option<Vec<Property>> {
    let flag =
        |name: &'static str, value: Option<bool>| value.map(|value| Property::new(name, if value { "T" } else { "F" }));
    let listed = [
        flag(Property::SHOW_ID, change.shows_address),
        flag(Property::AUTO_JOIN, change.joins_by_itself),
        flag(Property::PRIVATE_MESSAGING, change.takes_private),
    ];
    let properties: Vec<Property> = listed.into_iter().flatten().collect();
    (!properties.is_empty()).then_some(properties)
}

/// Properties, read.
#[must_use]
pub fn from_properties(properties: &GroupProperties) -> Properties {
    let change = conversation::from_properties(properties).unwrap_or_default();
    change.applied_to(&Properties::default())
}

/// What a user chose, read.
#[must_use]
pub fn from_own(properties: &[Property]) -> OwnStanding {
    let change = conversation::from_own_properties(properties).unwrap_or_default();
    let mut standing = OwnStanding::default();
    standing.own.shows_address = change.shows_address.unwrap_or(standing.own.shows_address);
    standing.own.joins_by_itself = change.joins_by_itself.unwrap_or(standing.own.joins_by_itself);
    standing.own.takes_private = change.takes_private.unwrap_or(standing.own.takes_private);
    standing
}

/// What a participant at a peer is told when something happened in a group here.
#[must_use]
pub fn to_notice(news: &News, group: &Address, watcher: &Address) -> Primitive {
    let (group_id, user) = (address::to_group_id(group), User::from(address::to_user_id(watcher)));
    let meta = MetaInfo::of_service(ServiceId::of_domain(group.domain()));
    let mut notice = GroupChangeNotice::new(meta, group_id.clone(), vec![user]);
    match news {
        News::Joined(one) => notice.joined = Some(to_names(std::slice::from_ref(one))),
        News::Left(one) => notice.left = Some(to_names(std::slice::from_ref(one))),
        News::Changed { properties, active } => {
            notice.properties = Some(conversation::to_properties(properties, *active, Version::V1_3));
        }
        News::Standing(standing) => {
            notice.own_properties = Some(conversation::to_own_properties(standing, Version::V1_3));
        }
        News::Removed(removal) => {
            let code = match removal {
                Removal::Ended => Outcome::UnknownConversation,
                Removal::Restricted => Outcome::ConversationRestricted,
                Removal::KeptOut => Outcome::KeptOut,
                Removal::Dismissed => Outcome::NotMember,
            };
            let status = StatusResult::new(outcome::to_code(code, Version::V1_3)).with_meaning();
            let indication = LeaveGroupIndication { group_id: Some(group_id), status: Some(status), reason: None };
            return Primitive::LeaveGroupIndication(indication);
        }
    }
    Primitive::GroupChangeNotice(Box::new(notice))
}

/// What happened in a group of a peer.
#[must_use]
pub fn from_notice(notice: &GroupChangeNotice) -> Vec<News> {
    let joined = notice.joined.iter().flat_map(|names| from_names(names)).map(News::Joined);
    let left = notice.left.iter().flat_map(|names| from_names(names)).map(News::Left);
    let changed = notice.properties.iter().map(|properties| {
        let active = properties.properties.iter().find(|one| one.is_named(Property::ACTIVE_USERS));
        let active = active.and_then(|one| one.value.as_deref()?.trim().parse().ok()).unwrap_or(0);
        News::Changed { properties: Box::new(from_properties(properties)), active }
    });
    let own = notice.own_properties.iter().map(|own| News::Standing(from_own(own)));
    joined.chain(left).chain(changed).chain(own).collect()
}

/// Why somebody takes part no more.
#[must_use]
pub const fn from_removal(code: StatusCode) -> Removal {
    match code.number() {
        803 => Removal::Restricted,
        809 => Removal::KeptOut,
        810 => Removal::Dismissed,
        _ => Removal::Ended,
    }
}

/// The outcome of a request about a group, by its code.
#[must_use]
pub const fn from_group_code(code: StatusCode) -> Outcome {
    match code.number() {
        423 => Outcome::UnknownInvitation,
        800 => Outcome::UnknownConversation,
        801 => Outcome::ConversationExists,
        803 => Outcome::ConversationRestricted,
        806 => Outcome::BadConversationProperty,
        807 => Outcome::AlreadyJoined,
        808 => Outcome::NotJoined,
        809 => Outcome::KeptOut,
        810 => Outcome::NotMember,
        811 => Outcome::NameTaken,
        812 => Outcome::PrivateMessagesOff,
        813 => Outcome::PrivateMessagesRefused,
        814 => Outcome::TooManyConversations,
        815 => Outcome::ConversationsFull,
        816 => Outcome::InsufficientRights,
        817 => Outcome::TooManyParticipants,
        821 => Outcome::NoHistory,
        822 => Outcome::NameMissing,
        201 => Outcome::PartialSuccess,
        _ => outcome::from_code(code),
    }
}

/// What a peer's answer to a question about one of its groups says besides the Status.
#[must_use]
pub fn from_reply(answer: &Primitive, asked_name: Option<&str>, domain: &str) -> Reply {
    match answer {
        Primitive::JoinGroupResponse(response) => Reply::Joined {
            name: asked_name.unwrap_or_default().to_owned(),
            participants: response.joined.as_deref().map(from_names).unwrap_or_default(),
            welcome: response.welcome_note.as_ref().map(|note| mapping::message::Content {
                media_type: note.content_type.to_ascii_lowercase().into(),
                body: note.content.octets().clone(),
            }),
        },
        Primitive::GetGroupMemberResponse(response) => Reply::Members(from_roles(&response.members, domain)),
        Primitive::GetJoinedUsersResponse(response) => {
            let of =
                |list: &Option<Vec<Mapping>>, role| from_mappings(list.as_deref().unwrap_or_default(), role, domain);
            let mut participants = of(&response.admins, Role::Administrator);
            participants.extend(of(&response.users, Role::User));
            Reply::Participants { participants, is_manager: response.admins.is_some() }
        }
        Primitive::GetGroupPropsResponse(response) => Reply::Properties {
            properties: Box::new(response.properties.as_ref().map(from_properties).unwrap_or_default()),
            active: 0,
            standing: response.own_properties.as_deref().map(from_own).unwrap_or_default(),
        },
        Primitive::RejectListResponse(response) => {
            Reply::KeptOut(from_users(response.users.as_deref().unwrap_or_default(), domain))
        }
        Primitive::GetGroupSubStatusResponse(response) => Reply::Follows(response.subscribed),
        _ => Reply::Nothing,
    }
}

/// The invitation of an InviteRequest; none where it is of a kind that is not known here.
#[must_use]
pub fn from_invite(request: &InviteRequest, inviter: &Address, now: Timestamp) -> Option<Invitation> {
    let kind = match request.invite_type.as_ref() {
        "GR" => InvitationKind::Conversation,
        "GM" => InvitationKind::Membership,
        "IM" => InvitationKind::Message,
        "PR" => InvitationKind::Presence,
        "SC" => InvitationKind::Content,
        "AP" if request.body.application_id.is_some() => InvitationKind::Application,
        _ => return None,
    };
    let body = &request.body;
    let group = body.group_id.as_ref();
    let conversation = group.and_then(|group| conversation::from_group_id(group, inviter.domain()));
    if kind.needs_conversation() && conversation.is_none() {
        return None;
    }
    Some(Invitation {
        id: request.invite_id.as_ref().to_owned(),
        kind,
        inviter: inviter.clone(),
        invitee: inviter.clone(),
        inviter_name: body.screen_name.as_ref().map(|name| name.name.as_ref().to_owned()),
        conversation,
        written: group.map(|group| group.as_str().to_owned()).unwrap_or_default(),
        attributes: body.attributes.as_ref().map(|names| presence::from_names(Some(names))),
        links: body.links.iter().map(|link| link.as_ref().to_owned()).collect(),
        application: body.application_id.as_ref().map(|application| application.as_ref().to_owned()),
        note: request.note.as_ref().map(|note| note.as_ref().to_owned()),
        expires: now.after(request.validity.filter(|wish| !wish.is_zero()).unwrap_or(INVITATION_VALIDITY)),
    })
}

/// The InviteRequest for an invitation.
#[must_use]
pub fn to_invite(invitation: &Invitation, now: Timestamp) -> InviteRequest {
    let invite_type = match invitation.kind {
        InvitationKind::Conversation
        | InvitationKind::ExtendedTalk
        | InvitationKind::TalkExtension
        | InvitationKind::ConversationExtension => "GR",
        InvitationKind::Application => "AP",
        InvitationKind::Membership => "GM",
        InvitationKind::Message => "IM",
        InvitationKind::Presence => "PR",
        InvitationKind::Content => "SC",
    };
    let group_id = invitation.conversation.as_ref().map(address::to_group_id);
    let screen_name = invitation.inviter_name.as_deref().zip(group_id.clone());
    InviteRequest {
        meta: meta_of(&invitation.inviter),
        invite_id: invitation.id.as_str().into(),
        invite_type: invite_type.into(),
        validity: Some(now.until(invitation.expires)),
        inviting: party(&invitation.inviter),
        invited: party(&invitation.invitee),
        body: InviteBody {
            group_id,
            attributes: invitation.attributes.and_then(|set| presence::to_names(set, Version::V1_3)),
            links: invitation.links.iter().map(|link| link.as_str().into()).collect(),
            application_id: invitation.application.as_deref().map(Into::into),
            screen_name: screen_name
                .map(|(name, group_id): (&str, GroupId)| ScreenName { name: name.into(), group_id }),
        },
        note: invitation.note.as_deref().map(Into::into),
    }
}

/// The InviteResponse for the word of an invited user.
#[must_use]
pub fn to_response(answer: &InvitationAnswer, inviter: &Address) -> InviteResponse {
    let acceptance = answer.verdict == InvitationVerdict::Accepted;
    let code = if acceptance { StatusCode::SUCCESS } else { StatusCode::NOT_FOUND };
    InviteResponse {
        meta: meta_of(&answer.invitee),
        invite_id: answer.id.as_str().into(),
        acceptance,
        status: Some(StatusResult::new(code).with_meaning()),
        inviting: party(inviter),
        responding: party(&answer.invitee),
        note: answer.note.as_deref().map(Into::into),
        screen_name: None,
    }
}

/// The CancelInviteRequest for an invitation that is taken back.
#[must_use]
pub fn to_cancellation(id: &str, inviter: &Address, invitee: &Address, note: Option<&str>) -> CancelInviteRequest {
    CancelInviteRequest {
        meta: meta_of(inviter),
        invite_id: id.into(),
        canceling: party(inviter),
        canceled: party(invitee),
        body: InviteBody::default(),
        note: note.map(Into::into),
    }
}

fn meta_of(user: &Address) -> MetaInfo {
    MetaInfo::of_user(ServiceId::of_domain(user.domain()), User::from(address::to_user_id(user)))
}

fn party(user: &Address) -> Party {
    Party::User(User::from(address::to_user_id(user)))
}

/// Lifetime of an invitation whose inviter names none.
const INVITATION_VALIDITY: Duration = Duration::from_secs(86_400);
