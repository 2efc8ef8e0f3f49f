//! Watching: targets and authorisation.

use super::{address, presence};
use mapping::{
    address::Address,
    outcome::{Detail, Outcome},
    presence::AttributeSet,
};
use wv_proto::{
    presence_attribute::AttributeNames,
    primitive::{
        identifier::ContactListId,
        party::User,
        presence::{Presence, PresenceAuthRequest, Presentity},
    },
    version::Version,
};

/// What a request names: addresses, and the texts that are none.
#[derive(Debug, Default)]
pub struct Targets {
    /// Users and contact lists.
    pub addresses: Vec<Address>,
    /// What could not be read.
    pub refused: Vec<Detail>,
}

/// The users and contact lists that a request names.
#[must_use]
pub fn from_targets(users: &[User], lists: &[ContactListId], domain_default: &str) -> Targets {
    let mut targets = Targets::default();
    let texts = users.iter().map(|user| user.user_id.as_str()).chain(lists.iter().map(ContactListId::as_str));
    for text in texts {
        match address::to_neutral(text, domain_default) {
            Ok(address) => targets.addresses.push(address),
            Err(_) => targets.refused.extend(refused(text, domain_default)),
        }
    }
    targets
}

/// The detail for a text that is no address. It must name something: what is left of the text.
#[must_use]
pub fn refused(text: &str, domain_default: &str) -> Option<Detail> {
    let named: String = text.chars().filter(|c| c.is_alphanumeric()).take(40).collect();
    let target = Address::from_parts(&named, None, domain_default).ok()?;
    Some(Detail { target, outcome: Outcome::BadAddress })
}

/// PresenceAuth-Request: who wants to watch, and what.
#[must_use]
pub fn to_question(watcher: &Address, attributes: AttributeSet, version: Version) -> PresenceAuthRequest {
    PresenceAuthRequest {
        user_id: address::to_user_id(watcher),
        attributes: presence::to_names(attributes, version).or_else(|| Some(AttributeNames::default())),
    }
}

/// One Presence element.
#[must_use]
pub fn to_presence(presentity: &Address, view: &mapping::presence::PresenceView, version: Version) -> Presence {
    Presence {
        presentity: Presentity::User(address::to_user_id(presentity)),
        attributes: presence::to_sub_list(view, version),
    }
}
