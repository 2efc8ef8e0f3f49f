//! What a conversation knows of one user.

use crate::{
    conversation::{OwnProperties, Role},
    side::Endpoint,
};
use serde::{Deserialize, Serialize};

/// One user: a member, a participant, both, or kept out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The role of a member.
    pub role: Option<Role>,
    /// What it chose for itself.
    pub own: OwnProperties,
    /// How it stands beside that.
    pub standing: Standing,
    /// Where it takes part.
    pub seat: Option<Seat>,
}

/// How a user stands with the conversation beside its role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nothing was said.
    #[default]
    Plain,
    /// It was invited by somebody who manages the conversation, and may enter.
    Admitted,
    /// It was invited to become a member.
    Awaited,
    /// It may not enter.
    KeptOut,
}

/// How a user takes part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// Under which name.
    pub name: String,
    /// Through which endpoints.
    pub places: Vec<Place>,
}

/// One endpoint through which a user takes part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Whether changes are told there.
    pub follows: bool,
}

impl Person {
    /// Whether nothing is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.role.is_none() && self.standing == Standing::Plain && self.seat.is_none()
    }

    /// Whether it may enter where not everybody may.
    pub(crate) fn may_enter(&self) -> bool {
        self.role.is_some() || matches!(self.standing, Standing::Admitted | Standing::Awaited)
    }

    /// Where it wants to be told of changes.
    pub(crate) fn followers(&self) -> impl Iterator<Item = &Place> {
        self.seat.iter().flat_map(|seat| &seat.places).filter(|place| place.follows)
    }
}
