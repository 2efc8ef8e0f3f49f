//! What is said between this gateway and the home servers of other domains about conversations and invitations: what has
//! no delivery and no subscription to go by.

use crate::{
    address::Address,
    conversation::{Ask, News, Reply},
    engine::Joining,
    invitation::{Invitation, InvitationAnswer},
    message::Message,
    outcome::{Detail, Outcome},
    side::{Endpoint, PeerName},
};
use std::sync::Arc;

/// Something that is wanted of a neighbour server.
#[derive(Clone, Debug)]
pub struct FarAsk {
    /// Of which.
    pub peer: PeerName,
    /// On behalf of whom.
    pub user: Address,
    /// What.
    pub kind: FarAskKind,
}

/// What is wanted of a neighbour server.
#[derive(Clone, Debug)]
pub enum FarAskKind {
    /// To ask something of a conversation there; a [`FarWordKind::Answered`] follows where there is a ticket.
    Converse {
        /// Which conversation.
        conversation: Address,
        /// Through which device of the user.
        endpoint: Endpoint,
        /// What.
        ask: Ask,
        /// To be quoted.
        ticket: Option<u64>,
    },
    /// To invite a user there; a [`FarWordKind::InvitationTaken`] follows.
    Invite {
        /// To what.
        invitation: Box<Invitation>,
        /// To be quoted.
        ticket: u64,
    },
    /// To tell an inviter there what the user says.
    Respond {
        /// Who invited.
        inviter: Address,
        /// The word of the user.
        answer: InvitationAnswer,
    },
    /// To tell an invited user there that the user takes the invitation back.
    Withdraw {
        /// The user's name for it.
        id: String,
        /// Who was invited.
        invitee: Address,
        /// What the user says.
        note: Option<String>,
    },
}

/// What a neighbour server says to a user.
#[derive(Clone, Debug)]
pub struct FarWord {
    /// To whom.
    pub user: Address,
    /// What.
    pub kind: FarWordKind,
}

/// What a neighbour server says.
#[derive(Clone, Debug)]
pub enum FarWordKind {
    /// The answer of a conversation.
    Answered {
        /// Of which.
        conversation: Address,
        /// Through which device of the user it was asked.
        endpoint: Endpoint,
        /// As it was given.
        ticket: u64,
        /// How it went.
        outcome: Outcome,
        /// Parts that went differently.
        details: Vec<Detail>,
        /// What else was asked for.
        reply: Reply,
        /// What the device does from now on.
        seating: Seating,
    },
    /// Something happened in a conversation.
    News {
        /// In which.
        conversation: Address,
        /// The conversation as it is written there.
        written: Arc<str>,
        /// What.
        news: News,
    },
    /// Something was said in a conversation; where the user takes part is filled in here.
    Said(Box<Message>),
    /// An invitation of the user was taken over, or not.
    InvitationTaken {
        /// Which one.
        invitation: Box<Invitation>,
        /// As it was given.
        ticket: u64,
        /// How it went.
        outcome: Outcome,
    },
    /// The word on an invitation of the user.
    InvitationAnswered(InvitationAnswer),
}

/// Whether somebody takes part in a conversation after it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seating {
    /// It does, and has joined so.
    Joined(Joining),
    /// It does not.
    Left,
    /// As before.
    Same,
}
