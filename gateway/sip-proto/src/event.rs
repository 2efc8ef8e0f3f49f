//! Events: subscriptions and publications.
//!
//! Each machine looks after one subscription or publication and knows nothing of transactions: the owner sends its requests
//! through a [`crate::transaction::TransactionTable`] and brings back what became of them.

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
