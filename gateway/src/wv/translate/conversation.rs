//! Groups: what clients ask of them and are told about them.

mod invitation;

pub use invitation::{from_invite, to_answer, to_cancellation, to_extension, to_invitation};

use super::address;
use mapping::{
    address::Address,
    conversation::{
        Access, News, OwnChange, OwnStanding, Participant, Properties, PropertyChange, Removal, Role, Visibility, Who,
    },
    message::Content,
    outcome::{Detail, Outcome},
};
use std::{sync::Arc, time::Duration};
use wv_proto::{
    primitive::{
        Primitive,
        group::{
            AdminMapList, GroupChangeNotice, GroupProperties, JoinedUsers, LeaveGroupResponse, Mapping, Membership,
            NameShape, Roster, UserList, UserMapList, WelcomeNote,
        },
        identifier::GroupId,
        message::Content as WvContent,
        party::{Property, ScreenName, User},
    },
    status::{StatusCode, StatusResult},
    version::Version,
};

/// How a client wants lists of joined users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListStyle {
    /// The version of its session.
    pub version: Version,
    /// Whether it takes the first child of a list for its container.
    // QUIRK flat_user_map: wants Mapping directly under UserMapList, Android
    pub is_flat: bool,
}

/// Reads the properties of a group.
///
/// # Errors
/// The name of a property that is not known, or has an impossible value (status 806).
// WV-GRP-14
pub fn from_properties(properties: &GroupProperties) -> Result<PropertyChange, Box<str>> {
    let mut change = PropertyChange::default();
    for property in &properties.properties {
        read_property(property, &mut change).ok_or_else(|| property.name.clone())?;
    }
    change.welcome = properties.welcome_note.as_ref().map(|note| Content {
        media_type: Arc::from(note.content_type.trim().to_ascii_lowercase()),
        body: note.content.octets().clone(),
    });
    Ok(change)
}

fn read_property(property: &Property, change: &mut PropertyChange) -> Option<()> {
    let text = property.value.as_deref().unwrap_or_default().trim();
    let is = |name: &str| property.is_named(name);
    if is(Property::GROUP_NAME) {
        change.name = Some(text.to_owned());
    } else if is(Property::TOPIC) {
        change.topic = Some(text.to_owned());
    } else if is(Property::ACCESS_TYPE) {
        change.access = Some(one_of(text, [("Open", Access::Open), ("Restricted", Access::Restricted)])?);
    } else if is(Property::GROUP_TYPE) {
        change.visibility = Some(one_of(text, [("Public", Visibility::Public), ("Private", Visibility::Private)])?);
    } else if is(Property::PRIVATE_MESSAGING) {
        change.allows_private = Some(property.flag()?);
    } else if is(Property::SEARCHABLE) {
        change.is_searchable = Some(property.flag()?);
    } else if is(Property::AUTO_DELETE) {
        change.ends_when_empty = Some(property.flag()?);
    } else if is(Property::MAX_ACTIVE_USERS) {
        change.participants_max = Some(text.parse().ok()?);
    } else if is(Property::VALIDITY) {
        change.empty_lifetime = Some(Duration::from_secs(text.parse::<u32>().ok()?.into()));
    } else if is(Property::HISTORY) {
        change.keeps_history = Some(property.flag()?);
    } else if !is(Property::ACTIVE_USERS) {
        return None;
    }
    // ActiveUsers is told and not set; clients give back what they were told.
    Some(())
}

fn one_of<T: Copy, const N: usize>(text: &str, values: [(&str, T); N]) -> Option<T> {
    values.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, value)| *value)
}

/// Reads own properties.
///
/// # Errors
/// The name of a property that is not known, or has an impossible value (status 806).
pub fn from_own_properties(properties: &[Property]) -> Result<OwnChange, Box<str>> {
    let mut change = OwnChange::default();
    for property in properties {
        let flag = || property.flag().ok_or_else(|| property.name.clone());
        if property.is_named(Property::SHOW_ID) {
            change.shows_address = Some(flag()?);
        } else if property.is_named(Property::AUTO_JOIN) {
            change.joins_by_itself = Some(flag()?);
        } else if property.is_named(Property::PRIVATE_MESSAGING) {
            change.takes_private = Some(flag()?);
        } else if !property.is_named(Property::IS_MEMBER) && !property.is_named(Property::PRIVILEGE_LEVEL) {
            return Err(property.name.clone());
        }
    }
    Ok(change)
}

const fn truth(value: bool) -> &'static str {
    if value { "T" } else { "F" }
}

/// GroupProperties.
#[must_use]
pub fn to_properties(properties: &Properties, active: usize, version: Version) -> GroupProperties {
    let access = match properties.access {
        Access::Open => "Open",
        Access::Restricted => "Restricted",
    };
    let visibility = match properties.visibility {
        Visibility::Public => "Public",
        Visibility::Private => "Private",
    };
    let name = properties.name.as_deref().map(|name| Property::new(Property::GROUP_NAME, name));
    let topic = properties.topic.as_deref().map(|topic| Property::new(Property::TOPIC, topic));
    let most = properties.participants_max.map(|most| Property::new(Property::MAX_ACTIVE_USERS, &most.to_string()));
    let is_limited = properties.ends_when_empty && !properties.empty_lifetime.is_zero() && version >= Version::V1_2;
    let lifetime = properties.empty_lifetime.as_secs().to_string();
    let validity = is_limited.then(|| Property::new(Property::VALIDITY, &lifetime));
    // UNCLEAR elements §7: the name came with 1.3; before that it is told only to whom it makes a difference.
    let is_told = properties.keeps_history || version == Version::V1_3;
    let history = is_told.then(|| Property::new(Property::HISTORY, truth(properties.keeps_history)));
    let listed = name
        .into_iter()
        .chain(topic)
        .chain([
            Property::new(Property::ACCESS_TYPE, access),
            Property::new(Property::GROUP_TYPE, visibility),
            Property::new(Property::PRIVATE_MESSAGING, truth(properties.allows_private)),
            Property::new(Property::SEARCHABLE, truth(properties.is_searchable)),
            Property::new(Property::ACTIVE_USERS, &active.to_string()),
        ])
        .chain(most)
        .chain([Property::new(Property::AUTO_DELETE, truth(properties.ends_when_empty))])
        .chain(validity)
        .chain(history);
    GroupProperties { properties: listed.collect(), welcome_note: properties.welcome.as_ref().map(to_welcome_note) }
}

/// WelcomeNote.
#[must_use]
pub fn to_welcome_note(content: &Content) -> WelcomeNote {
    WelcomeNote {
        content_type: content.media_type.as_ref().into(),
        content: WvContent::from_octets(content.body.clone()),
    }
}

/// OwnProperties.
#[must_use]
pub fn to_own_properties(standing: &OwnStanding, version: Version) -> Vec<Property> {
    let role = match standing.role.unwrap_or_default() {
        Role::User => "User",
        Role::Moderator => "Mod",
        Role::Administrator => "Admin",
    };
    let shows = Property::new(Property::SHOW_ID, truth(standing.own.shows_address));
    [
        Property::new(Property::IS_MEMBER, truth(standing.role.is_some())),
        Property::new(Property::PRIVILEGE_LEVEL, role),
        Property::new(Property::PRIVATE_MESSAGING, truth(standing.own.takes_private)),
        Property::new(Property::AUTO_JOIN, truth(standing.own.joins_by_itself)),
    ]
    .into_iter()
    .chain((version >= Version::V1_2).then_some(shows))
    .collect()
}

fn to_mapping(participant: &Participant) -> Mapping {
    Mapping { name: participant.name.as_str().into(), user_id: participant.address.as_ref().map(address::to_user_id) }
}

fn screen_name(name: &str, group: &GroupId) -> ScreenName {
    ScreenName { name: name.into(), group_id: group.clone() }
}

/// The joined users in the form of the client's version.
// WV-GRP-03
// WV-GRP-06
#[must_use]
pub fn to_roster(participants: &[Participant], group: &GroupId, style: ListStyle) -> Roster {
    match style.version {
        Version::V1_1 => {
            let shape = if style.is_flat { NameShape::InUserList } else { NameShape::Direct };
            Roster::Names(participants.iter().map(|one| screen_name(&one.name, group)).collect(), shape)
        }
        Version::V1_2 | Version::V1_3 => {
            let mappings = participants.iter().map(to_mapping).collect();
            Roster::Map(UserMapList { mappings, is_flat: style.is_flat })
        }
    }
}

/// GroupChangeNotice for somebody who was joined by itself: everybody who takes part.
#[must_use]
pub fn to_joined_notice(participants: &[Participant], group: &GroupId, style: ListStyle) -> Primitive {
    let mut notice = GroupChangeNotice::new(group.clone());
    notice.joined = Some(to_roster(participants, group, style));
    Primitive::GroupChangeNotice(Box::new(notice))
}

/// The joined users for GetJoinedUsers: by role for those who manage the group.
#[must_use]
pub fn to_joined(participants: &[Participant], is_manager: bool, style: ListStyle) -> JoinedUsers {
    let of = |role: Role| participants.iter().filter(|one| one.role == role).map(to_mapping).collect();
    if is_manager {
        let (admins, moderators, users) = (of(Role::Administrator), of(Role::Moderator), of(Role::User));
        return JoinedUsers::ByRole(AdminMapList { admins, moderators, users });
    }
    let mappings = participants.iter().map(to_mapping).collect();
    JoinedUsers::Users(UserMapList { mappings, is_flat: style.is_flat })
}

/// Users as a UserList.
#[must_use]
pub fn to_user_list<'a>(users: impl IntoIterator<Item = &'a Address>) -> UserList {
    UserList::of_users(users.into_iter().map(|user| User::from(address::to_user_id(user))).collect())
}

/// The members by role.
#[must_use]
pub fn to_membership(members: &[(Address, Role)]) -> Membership {
    let of = |role: Role| {
        let users: Vec<&Address> = members.iter().filter(|(_, has)| *has == role).map(|(user, _)| user).collect();
        (!users.is_empty()).then(|| to_user_list(users))
    };
    Membership { admins: of(Role::Administrator), moderators: of(Role::Moderator), users: of(Role::User) }
}

/// What a request names: users and screen names, and the texts that name nobody.
#[derive(Debug, Default)]
pub struct Named {
    /// Who is named.
    pub who: Vec<Who>,
    /// What could not be read.
    pub refused: Vec<Detail>,
}

impl Named {
    /// The users and screen names of a list.
    #[must_use]
    pub fn of<'a>(
        users: impl IntoIterator<Item = &'a str>,
        names: impl IntoIterator<Item = &'a ScreenName>,
        domain_default: &str,
    ) -> Self {
        let mut named = Self::default();
        for text in users {
            match address::to_neutral(text, domain_default) {
                Ok(user) => named.who.push(Who::User(user)),
                Err(_) => named.refused.extend(super::watcher::refused(text, domain_default)),
            }
        }
        named.who.extend(names.into_iter().map(|name| Who::Name(name.name.as_ref().to_owned())));
        named
    }

    /// The users and screen names of a UserList.
    #[must_use]
    pub fn of_list(list: &UserList, domain_default: &str) -> Self {
        Self::of(list.users.iter().map(|user| user.user_id.as_str()), &list.screen_names, domain_default)
    }
}

/// What a client is told when something happened in a group.
#[must_use]
pub fn to_notice(news: &News, group: &GroupId, style: ListStyle) -> Primitive {
    let mut notice = GroupChangeNotice::new(group.clone());
    match news {
        News::Joined(participant) => {
            notice.joined = Some(to_roster(std::slice::from_ref(participant), group, style));
        }
        News::Left(participant) => {
            let (left, shape) = to_left(participant, group, style);
            (notice.left, notice.left_shape) = (Some(left), shape);
        }
        News::Changed { properties, active } => {
            notice.properties = Some(to_properties(properties, *active, style.version));
        }
        News::Standing(standing) => notice.own_properties = Some(to_own_properties(standing, style.version)),
        // WV-GRP-07
        News::Removed(removal) => {
            let code = match removal {
                Removal::Ended => StatusCode::new(800),
                Removal::Restricted => StatusCode::new(803),
                Removal::KeptOut => StatusCode::new(809),
                Removal::Dismissed => StatusCode::new(810),
            };
            let result = StatusResult::new(code.unwrap_or(StatusCode::INTERNAL_ERROR)).with_meaning();
            return Primitive::LeaveGroupResponse(LeaveGroupResponse { group_id: Some(group.clone()), result });
        }
    }
    Primitive::GroupChangeNotice(Box::new(notice))
}

fn to_left(participant: &Participant, group: &GroupId, style: ListStyle) -> (UserList, NameShape) {
    let name = screen_name(&participant.name, group);
    let by_name = UserList { users: Vec::new(), screen_names: vec![name] };
    match (style.version, style.is_flat, &participant.address) {
        (Version::V1_1, false, _) => (by_name, NameShape::Direct),
        // Such a client knows by its address whom it was told with it.
        (Version::V1_2 | Version::V1_3, true, Some(address)) => (to_user_list([address]), NameShape::InUserList),
        (Version::V1_1 | Version::V1_2 | Version::V1_3, _, _) => (by_name, NameShape::InUserList),
    }
}

/// The group that a text names; what is no address of a group names none.
#[must_use]
pub fn from_group_id(group: &GroupId, domain_default: &str) -> Option<Address> {
    address::to_neutral(group.as_str(), domain_default).ok().filter(|address| address.resource().is_some())
}

/// Details of members that do not exist.
#[must_use]
pub fn unknown(user: &Address) -> Detail {
    Detail { target: user.clone(), outcome: Outcome::UnknownUser }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group() -> GroupId {
        GroupId::new("wv:alice/room@wv.example")
    }

    fn participant(address: Option<&str>) -> Participant {
        Participant { name: "al".into(), address: address.map(|text| Address::parse(text).unwrap()), role: Role::User }
    }

    #[test]
    fn what_an_android_client_creates_is_understood() {
        let pairs = [("Name", "room"), ("Accesstype", "Open"), ("PrivateMessaging", "F"), ("AutoDelete", "T")];
        let properties = pairs.iter().map(|(name, value)| Property::new(name, value)).collect();
        let change = from_properties(&GroupProperties { properties, welcome_note: None }).unwrap();
        assert_eq!(change.name.as_deref(), Some("room"));
        assert_eq!((change.access, change.ends_when_empty), (Some(Access::Open), Some(true)));
        let odd = GroupProperties { properties: vec![Property::new("Colour", "red")], welcome_note: None };
        assert_eq!(from_properties(&odd), Err("Colour".into()));
        let shouted =
            GroupProperties { properties: vec![Property::new("ACCESSTYPE", "restricted")], welcome_note: None };
        assert_eq!(from_properties(&shouted).map(|change| change.access), Ok(Some(Access::Restricted)));
    }

    // WV-GRP-03
    // WV-GRP-06
    #[test]
    fn each_version_gets_its_own_shape_of_who_joined() {
        let news = News::Joined(participant(Some("alice@wv.example")));
        let shape = |version, is_flat| match to_notice(&news, &group(), ListStyle { version, is_flat }) {
            Primitive::GroupChangeNotice(notice) => notice.joined.unwrap(),
            other => panic!("{other:?}"),
        };
        assert!(matches!(shape(Version::V1_1, false), Roster::Names(_, NameShape::Direct)));
        assert!(matches!(shape(Version::V1_1, true), Roster::Names(_, NameShape::InUserList)));
        assert!(matches!(shape(Version::V1_2, false), Roster::Map(UserMapList { is_flat: false, .. })));
        assert!(matches!(shape(Version::V1_3, true), Roster::Map(UserMapList { is_flat: true, .. })));
    }

    #[test]
    fn a_client_of_flat_lists_hears_of_the_same_contact_when_it_leaves() {
        let style = ListStyle { version: Version::V1_2, is_flat: true };
        let shown = to_left(&participant(Some("alice@wv.example")), &group(), style);
        assert_eq!((shown.0.users.len(), shown.0.screen_names.len()), (1, 0));
        let hidden = to_left(&participant(None), &group(), style);
        assert_eq!((hidden.0.users.len(), hidden.0.screen_names.len()), (0, 1));
    }
}
