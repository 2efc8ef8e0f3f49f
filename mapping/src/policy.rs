//! Whether a watcher may see a presentity: the one place that decides it.

use crate::{
    address::Address, authorization::Rule, engine::DefaultAuthorization, presence::AttributeSet, watcher::Decision,
};

/// What a watcher may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    Granted(AttributeSet),
    /// The presentity has to say.
    Undecided,
    Refused,
}

/// Whether a presentity that cannot be asked has shown its consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    Given,
    None,
}

/// Decides, from the most specific word to the default.
pub(crate) fn permission(
    presentity: &Address,
    watcher: &Address,
    rule: Option<Rule>,
    default: DefaultAuthorization,
    consent: Consent,
) -> Permission {
    // Asking about oneself is always authorised (subscription mapping §3 rule 0).
    if presentity == watcher {
        return Permission::Granted(AttributeSet::ALL);
    }
    match (rule, default, consent) {
        (Some(Rule { decision: Decision::Allow, attributes, .. }), ..) => Permission::Granted(attributes),
        (Some(Rule { decision: Decision::Block, .. }), ..) => Permission::Refused,
        (None, DefaultAuthorization::Allow, _) | (None, DefaultAuthorization::Confirm, Consent::Given) => {
            Permission::Granted(AttributeSet::ALL)
        }
        (None, DefaultAuthorization::Confirm, Consent::None) => Permission::Undecided,
        (None, DefaultAuthorization::Block, _) => Permission::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oneself_is_seen_whatever_the_default() {
        let alice = Address::parse("alice@wv.example").unwrap();
        let bob = Address::parse("bob@sip.example").unwrap();
        let block = DefaultAuthorization::Block;
        assert_eq!(permission(&alice, &alice, None, block, Consent::None), Permission::Granted(AttributeSet::ALL));
        assert_eq!(permission(&alice, &bob, None, block, Consent::Given), Permission::Refused);
        let confirm = DefaultAuthorization::Confirm;
        assert_eq!(permission(&alice, &bob, None, confirm, Consent::None), Permission::Undecided);
        assert_eq!(permission(&alice, &bob, None, confirm, Consent::Given), Permission::Granted(AttributeSet::ALL));
    }
}
