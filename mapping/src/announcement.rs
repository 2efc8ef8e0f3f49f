//! What the operator says to a user, and what the user answers (1.3 system messages).

use crate::{address::Address, time::Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One thing that the operator says to one user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// Its name.
    pub id: Arc<str>,
    /// To whom.
    pub user: Address,
    /// What.
    pub text: String,
    /// What the user may choose from.
    pub options: Vec<Choice>,
    /// Whether the user has to answer.
    pub requires_answer: bool,
    /// When it loses its value; its answer is kept until then, too.
    pub expires: Timestamp,
    /// What the user answered.
    pub answer: Option<Reaction>,
}

/// One thing to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Its name.
    pub id: Arc<str>,
    /// What is shown.
    pub text: String,
}

/// What a user answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// What was chosen.
    pub choice: Option<Arc<str>>,
    /// What was entered for verification.
    pub key: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl Announcement {
    /// Whether the choice is one of those that it offers; none is, where there is nothing to choose.
    #[must_use]
    pub fn offers(&self, choice: Option<&str>) -> bool {
        match choice {
            None => self.options.is_empty(),
            Some(choice) => self.options.iter().any(|option| option.id.as_ref() == choice),
        }
    }
}
