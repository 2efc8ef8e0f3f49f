//! Events: subscriptions and publications.
//!
//! Each machine looks after one subscription or publication and knows nothing of transactions: the owner sends its requests
//! through a [`crate::transaction::TransactionTable`] and brings back what became of them. After every `handle`, `expire` or
//! construction the owner polls the machine until it is silent, keeps its deadline in a [`crate::time::DeadlineQueue`], and
//! forgets it when its state is `Ended`. The tag that a machine was given finds it: it is the To tag of whatever the other side
//! sends.

pub mod body;
pub mod credential;
pub mod lifetime;
pub mod notifier;
pub mod package;
pub mod publisher;
pub mod state;
pub mod subscriber;

#[cfg(test)]
mod convergence;
#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod invariants;
#[cfg(test)]
mod spread;
