//! Conversations of several participants, neutral: a group of phones, a room of a conference, both at once.

mod lookup;
pub(crate) mod machine;

pub use lookup::{Found, Lookup, Query};
pub use machine::{Person, Standing};

use crate::{
    address::Address,
    message::{Content, Message, MessageId},
    side::Endpoint,
};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

/// What describes a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Properties {
    /// Its title.
    pub name: Option<String>,
    /// What it is about.
    pub topic: Option<String>,
    /// Who may join.
    pub access: Access,
    /// To whom it belongs.
    pub visibility: Visibility,
    /// Whether participants may talk to each other alone.
    pub allows_private: bool,
    /// Whether it can be found.
    pub is_searchable: bool,
    /// How many may take part at once; none means as many as the gateway allows.
    pub participants_max: Option<u32>,
    /// Whether it ends with its last participant.
    pub ends_when_empty: bool,
    /// How long it stays after that.
    pub empty_lifetime: Duration,
    /// What somebody who joins is told.
    pub welcome: Option<Content>,
    /// Whether what is said is kept for those who take part.
    #[serde(default)]
    pub keeps_history: bool,
}

/// Who may join a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Everybody who is not kept out.
    #[default]
    Open,
    /// Members, and who was invited by those who manage it.
    Restricted,
}

/// To whom a conversation belongs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// To everybody.
    Public,
    /// To its owner.
    #[default]
    Private,
}

/// Properties that change; what is none stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the properties")]
pub struct PropertyChange {
    pub name: Option<String>,
    pub topic: Option<String>,
    pub access: Option<Access>,
    pub visibility: Option<Visibility>,
    pub allows_private: Option<bool>,
    pub is_searchable: Option<bool>,
    pub participants_max: Option<u32>,
    pub ends_when_empty: Option<bool>,
    pub empty_lifetime: Option<Duration>,
    pub keeps_history: Option<bool>,
    /// Without octets: nothing is told any more.
    pub welcome: Option<Content>,
}

/// What a member may do, the least first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Take part.
    #[default]
    User,
    /// Also add, remove and keep out users.
    Moderator,
    /// Everything.
    Administrator,
}

/// What a user chose for itself in one conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnProperties {
    /// Whether other participants see its address.
    pub shows_address: bool,
    /// Whether it wants to be joined with each login.
    pub joins_by_itself: bool,
    /// Whether it takes private messages.
    pub takes_private: bool,
}

impl Default for OwnProperties {
    fn default() -> Self {
        Self { shows_address: false, joins_by_itself: false, takes_private: true }
    }
}

/// Own properties that change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the own properties")]
pub struct OwnChange {
    pub shows_address: Option<bool>,
    pub joins_by_itself: Option<bool>,
    pub takes_private: Option<bool>,
}

/// How a user stands with a conversation, as it is told itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnStanding {
    /// Its role, if it is a member.
    pub role: Option<Role>,
    /// What it chose.
    pub own: OwnProperties,
}

/// A participant as another one sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// Its name in the conversation.
    pub name: String,
    /// Its address, if it may be seen.
    pub address: Option<Address>,
    /// Its role.
    pub role: Role,
}

/// Somebody in a conversation, by address or by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// The user.
    User(Address),
    /// The participant of that name.
    Name(String),
}

/// What is asked of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// To take part.
    Join {
        /// Under which name; none leaves the choice to the conversation.
        name: Option<String>,
        /// Whether changes are to be told.
        follow: bool,
        /// Own properties.
        own: OwnChange,
    },
    /// Not to take part any more.
    Leave,
    /// That it ends.
    End,
    /// Its members.
    Members,
    /// Its participants.
    Participants,
    /// Its properties and the own ones.
    Properties,
    /// Other properties.
    Change {
        /// Of the conversation.
        properties: PropertyChange,
        /// Own ones.
        own: OwnChange,
    },
    /// That users become members.
    AddMembers(Vec<Who>),
    /// That users are members no more, and take part no more.
    RemoveMembers(Vec<Who>),
    /// Other roles for members.
    SetRoles(Vec<(Who, Role)>),
    /// To keep users out, or no more; without either only who is kept out is asked.
    KeepOut {
        /// Whom from now on.
        add: Vec<Who>,
        /// Whom no more.
        remove: Vec<Who>,
    },
    /// Whether changes are told, or that they are, or not.
    Follow(Following),
    /// What was said.
    History {
        /// How many messages at most, the newest.
        at_most: Option<usize>,
    },
    /// One message that was said.
    Recall(MessageId),
}

/// What is wanted of the news of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Following {
    /// Whether they come.
    Ask,
    /// That they come.
    Begin,
    /// That they do not.
    End,
}

/// What a conversation answers besides the outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reply {
    /// Nothing.
    #[default]
    Nothing,
    /// Who joined is told.
    Joined {
        /// Its name in the conversation.
        name: String,
        /// Everybody who takes part.
        participants: Vec<Participant>,
        /// The welcome.
        welcome: Option<Content>,
    },
    /// The members.
    Members(Vec<(Address, Role)>),
    /// The participants.
    Participants {
        /// Everybody who takes part.
        participants: Vec<Participant>,
        /// Whether the asking user manages the conversation.
        is_manager: bool,
    },
    /// Properties.
    Properties {
        /// Of the conversation.
        properties: Box<Properties>,
        /// How many take part.
        active: usize,
        /// Own ones.
        standing: OwnStanding,
    },
    /// Who is kept out.
    KeptOut(Vec<Address>),
    /// Whether news come.
    Follows(bool),
    /// What was said.
    Said {
        /// Those that were asked for, oldest first.
        messages: Vec<Message>,
        /// How many there are in all.
        total: usize,
    },
}

/// What happened in a conversation, for one participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Somebody joined.
    Joined(Participant),
    /// Somebody left.
    Left(Participant),
    /// It has other properties.
    Changed {
        /// All of them.
        properties: Box<Properties>,
        /// How many take part.
        active: usize,
    },
    /// The participant itself stands otherwise.
    Standing(OwnStanding),
    /// The participant takes part no more, and did not ask for it.
    Removed(Removal),
}

/// Why somebody takes part no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// The conversation ended.
    Ended,
    /// It is kept out.
    KeptOut,
    /// It is a member no more.
    Dismissed,
    /// Only members may take part now.
    Restricted,
}

/// That a message was said in a conversation, and to whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Talk {
    /// Where.
    pub conversation: Address,
    /// The conversation as its creator wrote it.
    pub written: Arc<str>,
    /// The name of who said it.
    pub speaker: String,
    /// The name of the one who is to hear it alone; none means everybody.
    pub addressee: Option<String>,
    /// Where the recipient takes part.
    pub endpoints: Vec<Endpoint>,
}

/// A conversation, or somebody in it, as recipient of a message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hearers {
    /// Which conversation.
    pub conversation: Address,
    /// The name of the one who is to hear it alone.
    pub addressee: Option<String>,
    /// The name under which the sender believes to take part.
    pub speaker: Option<String>,
}

impl Hearers {
    /// Under which address the outcome is told: that of the conversation, or one made of it and the name.
    #[must_use]
    pub fn target(&self) -> Address {
        let Some(name) = &self.addressee else { return self.conversation.clone() };
        let resource = format!("{}/{name}", self.conversation.resource_decoded().unwrap_or_default());
        let address = &self.conversation;
        Address::from_parts(&address.user_decoded(), Some(&resource), address.domain())
            .unwrap_or_else(|_| address.clone())
    }
}

/// One conversation as `show` and a search see it.
#[derive(Clone, Debug, Serialize)]
pub struct ConversationRow {
    /// Its address.
    pub conversation: Address,
    /// Who owns it.
    pub owner: Address,
    /// Its properties.
    pub properties: Properties,
    /// Who takes part: user, name.
    pub participants: Vec<(Address, String)>,
    /// Who is a member.
    pub members: Vec<(Address, Role)>,
    /// Members that want to be joined with each login.
    pub joining_by_themselves: Vec<Address>,
}

impl PropertyChange {
    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The properties after the change.
    #[must_use]
    pub fn applied_to(self, before: &Properties) -> Properties {
        let text = |new: Option<String>, old: &Option<String>| match new {
            Some(text) => Some(text).filter(|text| !text.is_empty()),
            None => old.clone(),
        };
        Properties {
            name: text(self.name, &before.name),
            topic: text(self.topic, &before.topic),
            access: self.access.unwrap_or(before.access),
            visibility: self.visibility.unwrap_or(before.visibility),
            allows_private: self.allows_private.unwrap_or(before.allows_private),
            is_searchable: self.is_searchable.unwrap_or(before.is_searchable),
            participants_max: self.participants_max.or(before.participants_max),
            ends_when_empty: self.ends_when_empty.unwrap_or(before.ends_when_empty),
            empty_lifetime: self.empty_lifetime.unwrap_or(before.empty_lifetime),
            keeps_history: self.keeps_history.unwrap_or(before.keeps_history),
            welcome: match self.welcome {
                Some(welcome) => Some(welcome).filter(|welcome| !welcome.body.is_empty()),
                None => before.welcome.clone(),
            },
        }
    }
}

impl OwnProperties {
    pub(crate) fn apply(&mut self, change: OwnChange) {
        self.shows_address = change.shows_address.unwrap_or(self.shows_address);
        self.joins_by_itself = change.joins_by_itself.unwrap_or(self.joins_by_itself);
        self.takes_private = change.takes_private.unwrap_or(self.takes_private);
    }
}
