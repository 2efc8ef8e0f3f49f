//! What belongs to users, as facts: for moving it elsewhere.

use crate::{address::Address, engine::Engine, record::Fact, screening::Screening};

impl Engine {
    /// Contact lists, authorisations, block and grant lists, and conversations of one user of this shard, or of all; not
    /// what is going on at the moment.
    #[must_use]
    pub fn properties(&self, user: Option<&Address>) -> Vec<Fact> {
        let wanted = self.users.iter().filter(|(name, _)| user.is_none_or(|user| user == *name));
        wanted
            .flat_map(|(name, actor)| {
                let lists = actor.lists.values().cloned().map(Fact::ContactList);
                let words = actor.authorizations.rules.iter().map(|(watcher, rule)| Fact::Authorization {
                    presentity: name.clone(),
                    watcher: watcher.clone(),
                    decision: rule.decision,
                    attributes: rule.attributes,
                    beyond: rule.beyond,
                });
                let screening = (actor.screening != Screening::default())
                    .then(|| Fact::Screening { user: name.clone(), screening: actor.screening.clone() });
                // Words on lists come behind the lists.
                lists.chain(words).chain(screening).collect::<Vec<_>>()
            })
            .chain(self.owned_conversations(user))
            .collect()
    }

    /// Each conversation before the people in it.
    fn owned_conversations(&self, user: Option<&Address>) -> impl Iterator<Item = Fact> {
        let wanted = self.conversations.values().filter(move |known| user.is_none_or(|user| known.owner == *user));
        wanted.flat_map(|known| {
            let people = known.people.keys().map(|person| known.person_fact(person));
            std::iter::once(known.to_fact()).chain(people)
        })
    }
}
