//! What a machine asks of its owner until it is polled: a word or two, for which nothing is allocated.

use smallvec::SmallVec;

/// Commands in their order.
#[derive(Clone, Debug)]
pub(super) struct CommandQueue<C>(SmallVec<[C; 8]>);

impl<C> CommandQueue<C> {
    pub(super) fn from_command(command: C) -> Self {
        let mut queue = Self::default();
        queue.push_back(command);
        queue
    }

    pub(super) fn push_back(&mut self, command: C) {
        self.0.push(command);
    }

    pub(super) fn pop_front(&mut self) -> Option<C> {
        (!self.0.is_empty()).then(|| self.0.remove(0))
    }
}

impl<C> Default for CommandQueue<C> {
    fn default() -> Self {
        Self(SmallVec::new())
    }
}
