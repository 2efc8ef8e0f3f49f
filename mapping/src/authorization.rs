//! A presentity's words on its watchers, and the questions that it has not answered.

use crate::{
    address::Address,
    command::Ground,
    contact_list::ContactList,
    few::FewMap,
    presence::AttributeSet,
    side::Endpoint,
    time::Timestamp,
    watcher::{Beyond, Decision},
};
use std::collections::{BTreeMap, BTreeSet};

/// Words and questions of one presentity.
#[derive(Clone, Debug, Default)]
pub(crate) struct Authorizations {
    pub(crate) rules: BTreeMap<Address, Rule>,
    pub(crate) questions: BTreeMap<Address, Question>,
}

/// The word on one watcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) decision: Decision,
    /// What an allowed watcher may see.
    pub(crate) attributes: AttributeSet,
    pub(crate) beyond: Beyond,
}

/// A question without an answer.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) attributes: AttributeSet,
    pub(crate) since: Timestamp,
    /// Where it was put: once per attachment.
    pub(crate) asked: BTreeSet<Endpoint>,
}

impl Authorizations {
    // WV-ATT-01
    /// The word that holds for a watcher. The most specific one counts: that on the watcher itself, else those on the
    /// contact lists that hold it, together, else the one on everybody else.
    pub(crate) fn rule_for(
        &self,
        presentity: &Address,
        watcher: &Address,
        lists: &FewMap<Address, ContactList>,
    ) -> Option<Rule> {
        if let Some(rule) = self.rules.get(watcher) {
            return Some(*rule);
        }
        let of_lists = lists
            .values()
            .filter(|list| list.members.iter().any(|member| member.address == *watcher))
            .filter_map(|list| self.rules.get(&list.address))
            .copied()
            .reduce(|one, two| match (one.decision, two.decision) {
                (Decision::Allow, Decision::Allow) => Rule {
                    attributes: one.attributes.union(two.attributes),
                    beyond: if one.beyond == Beyond::Asked { one.beyond } else { two.beyond },
                    ..one
                },
                (Decision::Allow, Decision::Block) => one,
                (Decision::Block, Decision::Allow | Decision::Block) => two,
            });
        of_lists.or_else(|| self.rules.get(presentity).copied())
    }

    /// What the word rests on that holds for a watcher.
    pub(crate) fn ground_for(
        &self,
        presentity: &Address,
        watcher: &Address,
        lists: &FewMap<Address, ContactList>,
    ) -> Ground {
        let holds = |list: &&ContactList| list.members.iter().any(|member| member.address == *watcher);
        let mut holding = lists.values().filter(holds);
        if self.rules.contains_key(watcher) {
            Ground::Watcher
        } else if holding.any(|list| self.rules.contains_key(&list.address)) {
            Ground::Lists
        } else if self.rules.contains_key(presentity) {
            Ground::Everybody
        } else {
            Ground::Nothing
        }
    }

    /// Takes the presentity's word: the rule that holds now. Allowing adds to what is granted; refusing some attributes
    /// of an allowed watcher takes these away, refusing the last refuses the watcher.
    pub(crate) fn decide(&mut self, watcher: &Address, decision: Decision, attributes: AttributeSet) -> Rule {
        let known = self.rules.get(watcher).filter(|rule| rule.decision == Decision::Allow);
        let granted = known.map_or(AttributeSet::NONE, |rule| rule.attributes);
        let beyond = known.map_or(Beyond::Silent, |rule| rule.beyond);
        let rule = match decision {
            Decision::Allow => Rule { decision, attributes: granted.union(attributes), beyond },
            Decision::Block => match granted.difference(attributes) {
                // Who was refused everything is not asked about again.
                rest if rest.is_empty() => Rule { decision, attributes: AttributeSet::NONE, beyond: Beyond::Silent },
                rest => Rule { decision: Decision::Allow, attributes: rest, beyond },
            },
        };
        self.rules.insert(watcher.clone(), rule);
        rule
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presence::Attribute;

    #[test]
    fn allowing_adds_and_refusing_takes_away() {
        let watcher = Address::parse("bob@sip.example").unwrap();
        let mut authorizations = Authorizations::default();
        let mood = AttributeSet::from_iter([Attribute::StatusMood]);
        let online = AttributeSet::from_iter([Attribute::OnlineStatus]);
        authorizations.decide(&watcher, Decision::Allow, mood);
        let both = authorizations.decide(&watcher, Decision::Allow, online);
        assert_eq!(both.attributes, mood.union(online));
        let rest = authorizations.decide(&watcher, Decision::Block, mood);
        assert_eq!((rest.decision, rest.attributes), (Decision::Allow, online));
        let none = authorizations.decide(&watcher, Decision::Block, AttributeSet::ALL);
        assert_eq!(none.decision, Decision::Block);
    }
}
