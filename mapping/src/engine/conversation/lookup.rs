//! Lookups: every shard is asked, and the answer waits for all of them.

use super::ConversationWord;
use crate::{
    address::Address,
    conversation::{Found, Lookup},
    engine::{Engine, Word, shard_of},
    event::RequestId,
    gather::{Gather, Purpose},
    outcome::Outcome,
};
use std::collections::BTreeMap;

impl Engine {
    pub(in crate::engine) fn look_up(&mut self, request: RequestId, user: &Address, lookup: &Lookup) {
        let number = self.next_number();
        let purpose = Purpose::LookUp { found: Vec::new() };
        let mut gather = Gather::new(self.output.correlation, user.clone(), request, purpose);
        let shards = stand_ins(self.config.shards);
        gather.outstanding.extend(shards.iter().cloned());
        self.hold(number, gather, self.config.limits.conversation_wait);
        for shard in shards {
            let word = ConversationWord::LookUp { user: user.clone(), ticket: number, lookup: lookup.clone() };
            self.output.tell(&shard, Word::Conversation(Box::new(word)));
        }
    }

    /// Another shard, or this one, looks for conversations.
    pub(super) fn looked_up(&mut self, shard: &Address, user: &Address, ticket: u64, lookup: &Lookup) {
        let found = self.conversations.values().flat_map(|known| lookup.found_in(known, user));
        let found = found.take(lookup.at_most()).collect();
        let word = ConversationWord::Found { shard: shard.clone(), ticket, found };
        self.output.tell(user, Word::Conversation(Box::new(word)));
    }

    pub(super) fn conversations_found(&mut self, shard: &Address, ticket: u64, mut part: Vec<Found>) {
        let Some(gather) = self.gathers.get_mut(&ticket) else { return };
        if let Purpose::LookUp { found } = &mut gather.purpose
            && gather.outstanding.contains(shard)
        {
            found.append(&mut part);
        }
        self.part_settled(ticket, shard, Outcome::Success);
    }
}

/// One address for each shard, by which the shard is told something that is about none of its users.
fn stand_ins(shards: u32) -> Vec<Address> {
    let mut found = BTreeMap::new();
    for number in 0..STAND_INS_TRIED_MAX {
        if found.len() >= usize::try_from(shards.max(1)).unwrap_or(usize::MAX) {
            break;
        }
        if let Ok(address) = Address::from_parts(&format!("shard{number}"), None, "invalid") {
            found.entry(shard_of(&address, shards)).or_insert(address);
        }
    }
    found.into_values().collect()
}

/// Far more names than it takes to meet every shard.
const STAND_INS_TRIED_MAX: u32 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shard_has_a_stand_in() {
        for shards in [1, 2, 3, 16, 64, 256] {
            let found = stand_ins(shards);
            assert_eq!(found.len(), usize::try_from(shards).unwrap());
            let met: std::collections::BTreeSet<u32> = found.iter().map(|one| shard_of(one, shards)).collect();
            assert_eq!(met.len(), found.len());
        }
    }
}
