//! Contact lists of a user.

use crate::{
    address::Address,
    engine::Engine,
    outcome::{Detail, Outcome},
};
use std::collections::BTreeSet;

impl Engine {
    /// The users that the targets of a request name, in order and once each, with the own contact lists opened; and the
    /// targets that name nothing.
    ///
    /// # Errors
    /// The request as a whole is not possible.
    pub(super) fn expand(
        &self,
        user: &Address,
        targets: &[Address],
        bound: usize,
    ) -> Result<(Vec<Address>, Vec<Detail>), Outcome> {
        let (mut users, mut seen, mut refused) = (Vec::new(), BTreeSet::new(), Vec::new());
        for target in targets {
            let members: Vec<Address> = if target.resource().is_none() {
                vec![target.clone()]
            } else {
                match self.users.get(user).and_then(|actor| actor.lists.get(target)) {
                    Some(list) => list.members.iter().map(|member| member.address.clone()).collect(),
                    None => {
                        refused.push(Detail { target: target.clone(), outcome: Outcome::UnknownContactList });
                        continue;
                    }
                }
            };
            users.extend(members.into_iter().filter(|member| seen.insert(member.clone())));
            if users.len() > bound {
                return Err(Outcome::BadParameter);
            }
        }
        if targets.is_empty() { Err(Outcome::BadRequest) } else { Ok((users, refused)) }
    }
}
