//! Where a shard puts what it wants done: commands for outside, words for other users.

use crate::{
    address::Address,
    command::{Answer, Command, CommandKind, Forwarded},
    correlation::Correlation,
    engine::{Word, shard_of},
    event::RequestId,
    outcome::{Detail, Outcome},
    record::{Fact, FactKey, Record},
};
use std::collections::VecDeque;

/// Output of one shard, in order.
#[derive(Debug)]
pub(crate) struct Output {
    /// The causal chain that is being worked on.
    pub(crate) correlation: Correlation,
    shard: u32,
    shards: u32,
    commands: VecDeque<Command>,
    words: VecDeque<(Correlation, Forwarded)>,
}

impl Output {
    pub(crate) const fn new(shard: u32, shards: u32) -> Self {
        Self { correlation: Correlation::new(0), shard, shards, commands: VecDeque::new(), words: VecDeque::new() }
    }

    pub(crate) fn push(&mut self, kind: CommandKind) {
        self.commands.push_back(Command { correlation: self.correlation, kind });
    }

    pub(crate) fn keep(&mut self, fact: Fact) {
        self.push(CommandKind::Keep(Record::Put(fact)));
    }

    pub(crate) fn drop_fact(&mut self, key: FactKey) {
        self.push(CommandKind::Keep(Record::Delete(key)));
    }

    pub(crate) fn answer(&mut self, request: RequestId, answer: Answer) {
        self.push(CommandKind::Answer { request, answer });
    }

    pub(crate) fn done(&mut self, request: RequestId, outcome: Outcome) {
        self.answer(request, Answer::Done { outcome, details: Vec::<Detail>::new() });
    }

    /// Sends a word to the user's shard: by way of the owner of the shards, or by the short way when it is this one.
    pub(crate) fn tell(&mut self, to: &Address, word: Word) {
        let forwarded = Forwarded { to: to.clone(), word: Box::new(word) };
        if shard_of(to, self.shards) == self.shard {
            self.words.push_back((self.correlation, forwarded));
        } else {
            self.push(CommandKind::Forward(forwarded));
        }
    }

    pub(crate) fn next_word(&mut self) -> Option<Forwarded> {
        let (correlation, forwarded) = self.words.pop_front()?;
        self.correlation = correlation;
        Some(forwarded)
    }

    pub(crate) fn next_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }
}
