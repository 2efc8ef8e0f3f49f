//! Looking for conversations: what is looked for, and what was found. Every shard is asked about its own.

use crate::{
    address::Address,
    conversation::{
        Hearers,
        machine::{Conversation, Standing},
    },
};
use std::sync::Arc;

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Conversations of this kind that the asking user may find; at most so many per shard.
    Matching {
        /// Of which kind.
        query: Query,
        /// How many at most, per shard.
        at_most: usize,
    },
    /// Whether these conversations, and who is named in them, exist.
    Named(Vec<Hearers>),
    /// Those in which the asking user wants to take part with each login.
    OfMember,
}

/// Of which kind a conversation is to be. Texts are lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// Its address has this in it.
    Address(String),
    /// Its name has this in it.
    Name(String),
    /// Its topic has this in it.
    Topic(String),
    /// This user takes part.
    Participant(Address),
    /// This user owns it.
    Owner(Address),
    /// This user wants to take part in it with each login.
    JoiningByItself(Address),
    /// Not of that kind.
    Not(Box<Query>),
    /// Of all these kinds.
    All(Vec<Query>),
    /// Of one of these kinds.
    Any(Vec<Query>),
}

/// A conversation, or somebody in it, that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Which conversation.
    pub conversation: Address,
    /// The conversation as its creator wrote it.
    pub written: Arc<str>,
    /// Who in it was asked for.
    pub name: Option<String>,
}

impl Lookup {
    /// What of it is this conversation, for the asking user.
    pub(crate) fn found_in(&self, known: &Conversation, asking: &Address) -> Vec<Found> {
        let found = |name: Option<String>| Found {
            conversation: known.address.clone(),
            written: Arc::clone(&known.written),
            name,
        };
        match self {
            Self::Matching { query, .. } if known.may_be_found_by(asking) && query.fits(known, asking) => {
                vec![found(None)]
            }
            Self::OfMember if known.joins_by_itself(asking) => vec![found(None)],
            Self::Matching { .. } | Self::OfMember => Vec::new(),
            Self::Named(wanted) => wanted
                .iter()
                .filter(|one| one.conversation == known.address)
                .filter(|one| one.addressee.as_ref().is_none_or(|name| known.seat_named(name).is_some()))
                .map(|one| found(one.addressee.clone()))
                .collect(),
        }
    }

    /// How many one shard tells at most.
    pub(crate) fn at_most(&self) -> usize {
        match self {
            Self::Matching { at_most, .. } => *at_most,
            Self::Named(wanted) => wanted.len(),
            Self::OfMember => JOINED_BY_ITSELF_MAX,
        }
    }
}

impl Query {
    fn fits(&self, known: &Conversation, asking: &Address) -> bool {
        let has = |text: &Option<String>, part: &str| text.as_ref().is_some_and(|it| it.to_lowercase().contains(part));
        match self {
            Self::Address(part) => {
                known.written.to_lowercase().contains(part) || known.address.as_str().to_lowercase().contains(part)
            }
            Self::Name(part) => has(&known.properties.name, part),
            Self::Topic(part) => has(&known.properties.topic, part),
            Self::Participant(user) => known.is_seen_in(user, asking),
            Self::Owner(user) => known.owner == *user,
            // What somebody chose for itself is told to nobody else.
            Self::JoiningByItself(user) => user == asking && known.joins_by_itself(user),
            Self::Not(inner) => !inner.fits(known, asking),
            Self::All(parts) => parts.iter().all(|part| part.fits(known, asking)),
            Self::Any(parts) => parts.iter().any(|part| part.fits(known, asking)),
        }
    }
}

impl Conversation {
    /// Whether a search of that user finds it.
    // WV-SRC-06
    fn may_be_found_by(&self, asking: &Address) -> bool {
        let person = self.people.get(asking);
        if person.is_some_and(|person| person.standing == Standing::KeptOut) {
            return false;
        }
        self.properties.is_searchable || person.is_some_and(|person| person.may_enter() || person.seat.is_some())
    }

    fn joins_by_itself(&self, user: &Address) -> bool {
        self.people.get(user).is_some_and(|person| person.role.is_some() && person.own.joins_by_itself)
    }

    /// Whether the user takes part, as far as the asking one may know.
    // WV-GRP-08
    fn is_seen_in(&self, user: &Address, asking: &Address) -> bool {
        let person = self.people.get(user).filter(|person| person.seat.is_some());
        person.is_some_and(|person| user == asking || person.own.shows_address || self.is_manager(asking))
    }
}

/// In so many conversations of one shard a user is joined by itself.
const JOINED_BY_ITSELF_MAX: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::{
        OwnProperties, Properties, Visibility,
        machine::{Bounds, Person, Seat},
    };

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    fn known(is_searchable: bool) -> Conversation {
        let bounds =
            Bounds { participants: 9, people: 9, name_octets: 50, text_octets: 50, said_messages: 9, said_octets: 99 };
        let properties = Properties {
            name: Some("Chess Club".to_owned()),
            topic: Some("openings".to_owned()),
            is_searchable,
            visibility: Visibility::Public,
            ..Properties::default()
        };
        let room = address("alice/Room@w");
        Conversation::new(room, Arc::from("wv:alice/Room@w"), address("alice@w"), properties, bounds)
    }

    fn finds(known: &Conversation, asking: &str, query: Query) -> bool {
        let lookup = Lookup::Matching { query, at_most: 5 };
        !lookup.found_in(known, &address(asking)).is_empty()
    }

    #[test]
    fn wv_src_06_only_what_is_searchable_is_found_by_strangers() {
        let by_name = || Query::Name("chess".to_owned());
        assert!(finds(&known(true), "bob@w", by_name()));
        assert!(!finds(&known(false), "bob@w", by_name()));
        assert!(finds(&known(false), "alice@w", by_name()));
        let mut hostile = known(true);
        hostile.people.insert(address("bob@w"), Person { standing: Standing::KeptOut, ..Person::default() });
        assert!(!finds(&hostile, "bob@w", by_name()));
    }

    #[test]
    fn who_hides_its_address_is_found_in_no_conversation() {
        let mut known = known(true);
        let seat = Some(Seat { name: "neo".to_owned(), places: Vec::new() });
        known.people.insert(address("carol@w"), Person { seat, ..Person::default() });
        let carol = || Query::Participant(address("carol@w"));
        assert!(!finds(&known, "bob@w", carol()));
        assert!(finds(&known, "alice@w", carol()) && finds(&known, "carol@w", carol()));
        let own = OwnProperties { shows_address: true, joins_by_itself: true, ..OwnProperties::default() };
        known.people.get_mut(&address("carol@w")).unwrap().own = own;
        assert!(finds(&known, "bob@w", carol()));
        assert!(!finds(&known, "bob@w", Query::JoiningByItself(address("carol@w"))));
        assert!(finds(&known, "bob@w", Query::All(vec![Query::Topic("open".to_owned()), carol()])));
        assert!(!finds(&known, "bob@w", Query::Not(Box::new(Query::Owner(address("alice@w"))))));
    }

    #[test]
    fn names_are_found_where_they_take_part() {
        let mut known = known(false);
        let seat = Some(Seat { name: "neo".to_owned(), places: Vec::new() });
        known.people.insert(address("carol@w"), Person { seat, ..Person::default() });
        let named = |name: Option<&str>| Hearers {
            conversation: address("alice/Room@w"),
            addressee: name.map(str::to_owned),
            speaker: None,
        };
        let lookup = Lookup::Named(vec![named(None), named(Some("NEO")), named(Some("smith"))]);
        let found: Vec<_> = lookup.found_in(&known, &address("bob@w")).into_iter().map(|one| one.name).collect();
        assert_eq!(found, [None, Some("NEO".to_owned())]);
    }
}
