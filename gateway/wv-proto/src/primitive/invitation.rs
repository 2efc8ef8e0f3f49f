//! Invitations, their answers and their end; and the talk of two that becomes a group.

mod conversation;

pub use conversation::{ExtendConversationRequest, ExtendConversationResponse};

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::presence_attribute::AttributeNames;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::primitive::identifier::GroupId;
use crate::primitive::party::{Recipient, ScreenName, Sender, User};
use crate::primitive::presence::{read_attribute_names, write_attribute_names};
use crate::schema::{ElementName, element};
use crate::version::Version;
use std::time::Duration;

/// InviteType: to what somebody is invited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InviteType {
    /// `GR`: into a group.
    Group,
    /// `IM`: to exchange messages.
    Message,
    /// `PR`: to watch presence.
    Presence,
    /// `SC`: to look at shared content.
    Content,
    /// `GM` (1.2): to become a member of a group.
    Membership,
    /// `AP` (1.3): into an application.
    Application,
    /// `EC` (1.3): to extend a conversation.
    Conversation,
    /// `EG` (1.3): to extend a group.
    ExtendedGroup,
    /// Anything else.
    Other(Box<str>),
}

/// What an invitation is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InviteBody {
    /// ApplicationID (1.3).
    pub application_id: Option<Box<str>>,
    /// GroupID.
    pub group_id: Option<GroupId>,
    /// PresenceSubList: names of attributes.
    pub attributes: Option<AttributeNames>,
    /// URLList.
    pub urls: Vec<Box<str>>,
    /// InviteNote.
    pub note: Option<Box<str>>,
    /// ScreenName.
    pub screen_name: Option<ScreenName>,
    /// Validity.
    pub validity: Option<Duration>,
}

/// Invite-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteRequest {
    /// InviteID, chosen by the inviter.
    pub invite_id: Box<str>,
    /// InviteType.
    pub invite_type: InviteType,
    /// Sender (1.3).
    pub sender: Option<Sender>,
    /// Recipient.
    pub recipient: Recipient,
    /// What it is about.
    pub body: InviteBody,
}

/// InviteUser-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteUserRequest {
    /// InviteID of the inviter.
    pub invite_id: Box<str>,
    /// InviteType.
    pub invite_type: InviteType,
    /// Sender: the inviter.
    pub sender: Option<Sender>,
    /// What it is about; its ScreenName is told in 1.3 only.
    pub body: InviteBody,
}

/// InviteUser-Response: the answer of an invited user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteUserResponse {
    /// InviteID of the inviter.
    pub invite_id: Box<str>,
    /// Acceptance.
    pub acceptance: bool,
    /// Sender: to whom the answer goes, the inviter (1.2, 1.3).
    pub sender: Option<Sender>,
    /// ResponseNote.
    pub note: Option<Box<str>>,
    /// ScreenName.
    pub screen_name: Option<ScreenName>,
}

/// Invite-Response: the answer as the inviter gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteResponse {
    /// InviteID of the inviter.
    pub invite_id: Box<str>,
    /// Acceptance.
    pub acceptance: bool,
    /// Sender: who answers.
    pub sender: Option<Sender>,
    /// ResponseNote; InviteNote in 1.3.
    pub note: Option<Box<str>>,
}

/// CancelInvite-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelInviteRequest {
    /// InviteID of the inviter.
    pub invite_id: Box<str>,
    /// Recipient; nobody means everybody who was invited.
    pub recipient: Recipient,
    /// InviteNote.
    pub note: Option<Box<str>>,
    /// URLList.
    pub urls: Vec<Box<str>>,
    /// ScreenName.
    pub screen_name: Option<ScreenName>,
}

/// CancelInviteUser-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelInviteUserRequest {
    /// InviteID of the inviter.
    pub invite_id: Box<str>,
    /// Sender: the inviter.
    pub sender: Option<Sender>,
    /// InviteNote.
    pub note: Option<Box<str>>,
    /// URLList.
    pub urls: Vec<Box<str>>,
}

impl InviteType {
    /// The types that have a name.
    pub const NAMED: [Self; 8] = [
        Self::Group,
        Self::Message,
        Self::Presence,
        Self::Content,
        Self::Membership,
        Self::Application,
        Self::Conversation,
        Self::ExtendedGroup,
    ];

    /// The type of that text; letter case does not matter.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let named = Self::NAMED.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(text));
        named.unwrap_or_else(|| Self::Other(text.into()))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Group => "GR",
            Self::Message => "IM",
            Self::Presence => "PR",
            Self::Content => "SC",
            Self::Membership => "GM",
            Self::Application => "AP",
            Self::Conversation => "EC",
            Self::ExtendedGroup => "EG",
            Self::Other(text) => text,
        }
    }
}

fn invite_id(element: Element<'_, '_>) -> Result<Box<str>, MalformedReason> {
    element.needed_text_of(element::INVITE_ID)
}

fn acceptance(element: Element<'_, '_>) -> Result<bool, MalformedReason> {
    element.flag_of(element::ACCEPTANCE)?.ok_or(MalformedReason::Missing(element::ACCEPTANCE))
}

fn read_urls(element: Element<'_, '_>) -> Vec<Box<str>> {
    element.child(element::URL_LIST).map(|list| list.texts_of(element::URL).collect()).unwrap_or_default()
}

fn write_urls(urls: &[Box<str>], sink: &mut dyn Sink) {
    if !urls.is_empty() {
        sink.open(element::URL_LIST);
        sink.each_text(element::URL, urls.iter().map(AsRef::as_ref));
        sink.close();
    }
}

fn write_sender(sender: Option<&Sender>, sink: &mut dyn Sink) {
    if let Some(sender) = sender {
        sender.write(sink);
    }
}

fn write_name(name: Option<&ScreenName>, sink: &mut dyn Sink) {
    if let Some(name) = name {
        name.write(sink);
    }
}

impl InviteBody {
    fn read_in(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            application_id: element.text_of(element::APPLICATION_ID),
            group_id: element.text_of(element::GROUP_ID).map(GroupId::new),
            attributes: read_attribute_names(element),
            urls: read_urls(element),
            note: element.text_of(element::INVITE_NOTE),
            screen_name: element.part_of(element::SCREEN_NAME)?,
            validity: element.seconds_of(element::VALIDITY)?,
        })
    }

    fn write_in(&self, may_name: bool, sink: &mut dyn Sink) {
        if sink.version() == Version::V1_3 {
            sink.maybe_text(element::APPLICATION_ID, self.application_id.as_deref());
        }
        sink.maybe_text(element::GROUP_ID, self.group_id.as_ref().map(GroupId::as_str));
        write_attribute_names(self.attributes.as_ref(), sink);
        write_urls(&self.urls, sink);
        sink.maybe_text(element::INVITE_NOTE, self.note.as_deref());
        if may_name {
            write_name(self.screen_name.as_ref(), sink);
        }
        sink.maybe_seconds(element::VALIDITY, self.validity);
    }
}

fn open(name: ElementName, invite_id: &str, sink: &mut dyn Sink) {
    sink.open(name);
    sink.leaf_text(element::INVITE_ID, invite_id);
}

impl Part for InviteRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            invite_id: invite_id(element)?,
            invite_type: InviteType::parse(&element.needed_text_of(element::INVITE_TYPE)?),
            sender: Sender::read_in(element)?,
            recipient: element.part_of(element::RECIPIENT)?.unwrap_or_default(),
            body: InviteBody::read_in(element)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        open(element::INVITE_REQUEST, &self.invite_id, sink);
        sink.leaf_text(element::INVITE_TYPE, self.invite_type.as_str());
        if sink.version() == Version::V1_3 {
            write_sender(self.sender.as_ref(), sink);
        }
        self.recipient.write(sink);
        self.body.write_in(true, sink);
        sink.close();
    }
}

impl Part for InviteUserRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            invite_id: invite_id(element)?,
            invite_type: InviteType::parse(&element.needed_text_of(element::INVITE_TYPE)?),
            sender: Sender::read_in(element)?,
            body: InviteBody::read_in(element)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        open(element::INVITE_USER_REQUEST, &self.invite_id, sink);
        sink.leaf_text(element::INVITE_TYPE, self.invite_type.as_str());
        write_sender(self.sender.as_ref(), sink);
        let may_name = sink.version() == Version::V1_3;
        self.body.write_in(may_name, sink);
        sink.close();
    }
}

impl Part for InviteUserResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        // WV-INV-03: the Android client writes the inviter's User without Sender around it.
        let bare = || element.part_of::<User>(element::USER).map(|user| user.map(Sender::User));
        let sender = match Sender::read_in(element)? {
            Some(sender) => Some(sender),
            None => bare()?,
        };
        Ok(Self {
            invite_id: invite_id(element)?,
            acceptance: acceptance(element)?,
            sender,
            note: element.text_of(element::RESPONSE_NOTE),
            screen_name: element.part_of(element::SCREEN_NAME)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        open(element::INVITE_USER_RESPONSE, &self.invite_id, sink);
        sink.leaf_boolean(element::ACCEPTANCE, self.acceptance);
        if sink.version() >= Version::V1_2 {
            write_sender(self.sender.as_ref(), sink);
        }
        sink.maybe_text(element::RESPONSE_NOTE, self.note.as_deref());
        write_name(self.screen_name.as_ref(), sink);
        sink.close();
    }
}

impl Part for InviteResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let note = element.text_of(element::RESPONSE_NOTE).or_else(|| element.text_of(element::INVITE_NOTE));
        Ok(Self {
            invite_id: invite_id(element)?,
            acceptance: acceptance(element)?,
            sender: Sender::read_in(element)?,
            note,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        open(element::INVITE_RESPONSE, &self.invite_id, sink);
        sink.leaf_boolean(element::ACCEPTANCE, self.acceptance);
        write_sender(self.sender.as_ref(), sink);
        let note = match sink.version() {
            Version::V1_1 | Version::V1_2 => element::RESPONSE_NOTE,
            Version::V1_3 => element::INVITE_NOTE,
        };
        sink.maybe_text(note, self.note.as_deref());
        sink.close();
    }
}

impl Part for CancelInviteRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            invite_id: invite_id(element)?,
            recipient: element.part_of(element::RECIPIENT)?.unwrap_or_default(),
            note: element.text_of(element::INVITE_NOTE),
            urls: read_urls(element),
            screen_name: element.part_of(element::SCREEN_NAME)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        open(element::CANCEL_INVITE_REQUEST, &self.invite_id, sink);
        self.recipient.write(sink);
        sink.maybe_text(element::INVITE_NOTE, self.note.as_deref());
        write_urls(&self.urls, sink);
        write_name(self.screen_name.as_ref(), sink);
        sink.close();
    }
}

impl Part for CancelInviteUserRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            invite_id: invite_id(element)?,
            sender: Sender::read_in(element)?,
            note: element.text_of(element::INVITE_NOTE),
            urls: read_urls(element),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        open(element::CANCEL_INVITE_USER_REQUEST, &self.invite_id, sink);
        write_sender(self.sender.as_ref(), sink);
        sink.maybe_text(element::INVITE_NOTE, self.note.as_deref());
        write_urls(&self.urls, sink);
        sink.close();
    }
}
