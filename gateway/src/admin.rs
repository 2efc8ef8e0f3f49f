//! The administration: a listener of its own for health, metrics and the API, and the questions that it passes on to the
//! rest of the process.

mod api;
pub mod client;
pub(crate) mod exchange;
mod page;
pub mod server;
pub mod token;

pub use client::{AdminClient, ClientError};
pub use server::{AdminError, AdminParts, AdminServer};

use crate::account::provision::Provision;
use mapping::address::Address;
use serde::{Deserialize, Serialize};
use std::fmt;
use tokio::sync::oneshot;

/// A question to the rest of the process. Comes through a bounded channel; when that is full the asker is told to come
/// back, and when the reply is dropped it is told that there is none.
#[derive(Debug)]
pub struct AdminRequest {
    /// What is asked.
    pub kind: AdminRequestKind,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Result<AdminReply, AdminRefusal>>,
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminRequestKind {
    /// What is in memory now; answered by [`AdminReply::Table`].
    Show(ShowTopic),
    /// Why a watcher sees what it sees; answered by [`AdminReply::Steps`].
    Explain {
        /// Who watches.
        watcher: Address,
        /// Who is watched.
        presentity: Address,
    },
    /// Take over what belongs to users; answered by [`AdminReply::Provisioned`].
    Import(Vec<Provision>),
    /// Tell what belongs to a user, or to all; answered by [`AdminReply::Provisions`].
    Export(Option<Address>),
    /// End everything of a user, but not its account; answered by [`AdminReply::Done`].
    Purge(Address),
    /// Start again from the store, which was replaced by a copy; answered by [`AdminReply::Done`].
    StartOver,
    /// Say something to a user; answered by [`AdminReply::Done`].
    Announce(AnnouncementWish),
    /// End the sessions of a user; answered by [`AdminReply::Done`].
    LogOut(Address),
    /// Finish what is under way and end; answered by [`AdminReply::Done`].
    Drain,
    /// Read the configuration again, all or nothing; answered by [`AdminReply::Done`].
    Reload,
}

/// What the operator wants to say to a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnouncementWish {
    /// To whom, such as `wv:alice@wv.example`.
    pub user: String,
    /// What.
    pub text: String,
    /// What the user may choose from.
    #[serde(default)]
    pub options: Vec<ChoiceWish>,
    /// Whether the user has to answer.
    #[serde(default)]
    pub requires_answer: bool,
    /// For how many seconds it is worth telling; a day where nothing is said.
    #[serde(default)]
    pub validity_s: Option<u32>,
}

/// One thing to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoiceWish {
    /// Its name.
    pub id: String,
    /// What is shown.
    pub text: String,
}

/// What can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ShowTopic {
    /// CSP sessions.
    Sessions,
    /// Subscriptions of watchers.
    Subscriptions,
    /// SIP dialogs.
    Dialogs,
    /// Publications of presentities.
    Publications,
    /// Messages that wait, and queues.
    Queues,
    /// Neighbour servers.
    Peers,
    /// What the operator said to users, with their answers.
    Announcements,
    /// Groups: who takes part in which.
    Conversations,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdminReply {
    /// Rows under columns.
    Table(Table),
    /// Steps in order, each with what came of it.
    Steps(Vec<Step>),
    /// It was done; one sentence.
    Done(String),
    /// How many lines were taken over, and which not.
    Provisioned(Provisioned),
    /// What belongs to users.
    Provisions(Vec<Provision>),
}

/// What became of lines that were to be taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provisioned {
    /// How many were taken.
    pub taken: usize,
    /// Which were not, in order.
    pub refused: Vec<ProvisionRefusal>,
}

/// A line that was not taken over, or not wholly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvisionRefusal {
    /// Which one, from 0.
    pub line: usize,
    /// Why.
    pub reason: String,
}

/// Rows under columns. Each row has as many cells as there are columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// The names of the columns, in the words of the house.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

/// One step of an explanation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What was looked at: `authorization`, `subscription`, `document`, `notification` …
    pub what: String,
    /// What came of it.
    pub result: String,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdminRefusal {
    /// This build cannot do it.
    #[error("{0} is not available in this build yet")]
    NotAvailable(&'static str),
    /// What is asked about does not exist.
    #[error("{0}")]
    Unknown(String),
    /// It was tried and did not work.
    #[error("{0}")]
    Failed(String),
}

impl ShowTopic {
    /// Its name on the command line and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Subscriptions => "subscriptions",
            Self::Dialogs => "dialogs",
            Self::Publications => "publications",
            Self::Queues => "queues",
            Self::Peers => "peers",
            Self::Announcements => "announcements",
            Self::Conversations => "conversations",
        }
    }

    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Sessions,
        Self::Subscriptions,
        Self::Dialogs,
        Self::Publications,
        Self::Queues,
        Self::Peers,
        Self::Announcements,
        Self::Conversations,
    ];
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(columns: &[&str]) -> Self {
        Self { columns: columns.iter().map(|column| (*column).to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds the rows of another lane's table with the same columns.
    pub fn append(&mut self, other: Self) {
        if self.columns.is_empty() {
            self.columns = other.columns;
        }
        self.rows.extend(other.rows);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths: Vec<usize> = self.columns.iter().map(|column| column.chars().count()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in std::iter::once(&self.columns).chain(&self.rows) {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            writeln!(f, "{}", cells.join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
