//! What users tell everybody: their public profiles, for whoever asks or searches.

use mapping::address::Address;
use std::{collections::HashMap, sync::Arc};
use tokio::sync::watch;

/// The profiles of all users, one for all lanes. Cheap to clone; never blocks for longer than a change of the map takes.
#[derive(Clone, Debug)]
pub struct Directory(Arc<watch::Sender<HashMap<Address, Profile>>>);

/// Names and values of one profile, in the order in which they were said.
pub type Profile = Vec<(Box<str>, Box<str>)>;

impl Default for Directory {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(HashMap::new())))
    }
}

impl Directory {
    /// Enters a profile; an empty one is no entry.
    pub fn put(&self, user: &Address, profile: Profile) {
        self.0.send_modify(|profiles| {
            if profile.is_empty() {
                profiles.remove(user);
            } else {
                profiles.insert(user.clone(), profile);
            }
        });
    }

    /// What the user tells everybody.
    #[must_use]
    pub fn find(&self, user: &Address) -> Profile {
        self.0.borrow().get(user).cloned().unwrap_or_default()
    }

    /// One value of a profile.
    #[must_use]
    pub fn value(&self, user: &Address, name: &str) -> Option<Box<str>> {
        let profiles = self.0.borrow();
        let profile = profiles.get(user)?;
        profile.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clone_shows_what_one_was_told() {
        let (one, user) = (Directory::default(), Address::parse("alice@wv.example").unwrap());
        let other = one.clone();
        one.put(&user, vec![("PP_CITY".into(), "Berlin".into())]);
        assert_eq!(other.value(&user, "pp_city").as_deref(), Some("Berlin"));
        other.put(&user, Vec::new());
        assert!(one.find(&user).is_empty());
    }
}
