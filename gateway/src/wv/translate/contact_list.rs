//! Contact lists.

use super::address;
use mapping::{
    address::AddressError,
    contact_list::{Contact, ContactList, ContactListChange},
};
use wv_proto::primitive::{
    contact_list::{GetListResponse, ListChange},
    identifier::{ContactListId, UserId},
    party::{NickName, Property},
};
use wv_proto::version::Version;

/// What the properties of a list say.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ListProperties {
    /// DisplayName.
    pub display_name: Option<String>,
    /// Default, when it is T; F changes nothing (WV-LST-03).
    pub make_default: bool,
}

/// Reads the properties of a list.
///
/// # Errors
/// The name of a property that is unknown or has an impossible value (status 752).
pub fn from_properties(properties: &[Property]) -> Result<ListProperties, Box<str>> {
    let mut read = ListProperties::default();
    for property in properties {
        if property.is_named(Property::DISPLAY_NAME) {
            read.display_name = property.value.as_deref().map(str::to_owned);
        } else if property.is_named(Property::DEFAULT) {
            read.make_default = property.flag().ok_or_else(|| property.name.clone())?;
        } else {
            return Err(property.name.clone());
        }
    }
    Ok(read)
}

/// A member as the client wrote it.
///
/// # Errors
/// When its address is none.
pub fn from_nick_name(nick: &NickName, domain_default: &str) -> Result<Contact, AddressError> {
    let (address, written) = (address::to_neutral(nick.user_id.as_str(), domain_default)?, nick.user_id.as_str());
    let written = if address::from_neutral(&address) == written { "" } else { written };
    Ok(Contact { address, written: written.into(), nickname: nick.name.clone() })
}

/// The change that a ListManage-Request asks for, and the members of it whose addresses are none.
///
/// # Errors
/// The name of a property that is not possible.
pub fn from_change(
    change: Option<&ListChange>,
    domain_default: &str,
) -> Result<(ContactListChange, Vec<UserId>), Box<str>> {
    let mut neutral = ContactListChange::default();
    let mut refused = Vec::new();
    match change {
        None => {}
        Some(ListChange::Add(nicks)) => {
            for nick in nicks {
                match from_nick_name(nick, domain_default) {
                    Ok(contact) => neutral.add.push(contact),
                    Err(_) => refused.push(nick.user_id.clone()),
                }
            }
        }
        Some(ListChange::Remove(users)) => {
            for user in users {
                match address::to_neutral(user.as_str(), domain_default) {
                    Ok(member) => neutral.remove.push(member),
                    Err(_) => refused.push(user.clone()),
                }
            }
        }
        Some(ListChange::Properties(properties)) => {
            let read = from_properties(properties)?;
            neutral.display_name = read.display_name;
            neutral.make_default = read.make_default;
        }
    }
    Ok((neutral, refused))
}

/// GetList-Response.
#[must_use]
pub fn to_names(lists: &[ContactList], version: Version) -> GetListResponse {
    let id = |list: &ContactList| ContactListId::new(list.written.as_str());
    let default = lists.iter().find(|list| list.is_default).map(id);
    let others = lists.iter().filter(|list| !list.is_default).map(id).collect();
    GetListResponse::for_version(version, others, default)
}

/// The members of a list; each with Name and UserID, as clients need both (WV-LST-01).
#[must_use]
pub fn to_nick_names(list: &ContactList) -> Vec<NickName> {
    list.members
        .iter()
        .map(|member| NickName {
            name: Some(member.nickname.as_deref().unwrap_or_else(|| member.address.user()).into()),
            user_id: if member.written.is_empty() {
                address::to_user_id(&member.address)
            } else {
                UserId::new(member.written.clone())
            },
        })
        .collect()
}

/// The properties of a list.
#[must_use]
pub fn to_properties(list: &ContactList) -> Vec<Property> {
    let default = if list.is_default { "T" } else { "F" };
    let display_name = list.display_name.as_deref().map(|name| Property::new(Property::DISPLAY_NAME, name));
    display_name.into_iter().chain([Property::new(Property::DEFAULT, default)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_property_is_refused_by_name() {
        assert_eq!(from_properties(&[Property::new("Colour", "red")]), Err("Colour".into()));
        assert_eq!(from_properties(&[Property::new("default", "T")]).map(|read| read.make_default), Ok(true));
        assert!(from_properties(&[Property::new("Default", "maybe")]).is_err());
    }

    #[test]
    fn wv_lst_03_of_the_property_default_only_t_changes_anything() {
        let read = |text: &str| from_properties(&[Property::new("Default", text)]).map(|read| read.make_default);
        assert_eq!((read("T"), read("F")), (Ok(true), Ok(false)));
        assert_eq!(from_properties(&[]).map(|read| read.make_default), Ok(false));
    }

    // WV-LST-01
    #[test]
    fn a_member_without_nickname_still_gets_a_name() {
        let bob = Contact {
            address: mapping::address::Address::parse("bob@sip.example").unwrap(),
            written: "wv:Bob@sip.example".into(),
            nickname: None,
        };
        let list = ContactList {
            address: mapping::address::Address::parse("alice/friends@wv.example").unwrap(),
            written: "wv:alice/friends@wv.example".into(),
            display_name: None,
            is_default: true,
            members: [bob].into(),
        };
        let nicks = to_nick_names(&list);
        assert_eq!(nicks[0].name.as_deref(), Some("bob"));
        assert_eq!(nicks[0].user_id.as_str(), "wv:Bob@sip.example");
    }
}
