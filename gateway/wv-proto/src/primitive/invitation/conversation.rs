//! ExtendConversation (1.3): the talk of two becomes a group.

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::primitive::group::WelcomeNote;
use crate::primitive::identifier::{ClientId, GroupId, UserId};
use crate::primitive::party::{ScreenName, User};
use crate::schema::element;
use crate::status::StatusResult;

/// ExtendConversation-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtendConversationRequest {
    /// ExtendConversationID, chosen by whoever asks.
    pub conversation_id: Box<str>,
    /// UserIDList: who is to come into it.
    pub users: Vec<UserId>,
    /// ExtendConversationUser: who is in it already.
    pub partner: Option<User>,
    /// SubscribeNotification.
    pub subscribe_notification: Option<bool>,
    /// WelcomeNote.
    pub welcome_note: Option<WelcomeNote>,
    /// ScreenName.
    pub screen_name: Option<ScreenName>,
}

/// ExtendConversation-Response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtendConversationResponse {
    /// ExtendConversationID of the request.
    pub conversation_id: Box<str>,
    /// GroupID: the group that it became.
    pub group_id: Option<GroupId>,
    /// ResponseNote.
    pub note: Option<Box<str>>,
    /// Result.
    pub result: StatusResult,
}

impl Part for ExtendConversationRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let listed = element.child(element::USER_ID_LIST);
        let listed = listed.map(|list| list.texts_of(element::USER_ID).map(UserId::new).collect());
        let partner = element.child(element::EXTEND_CONVERSATION_USER);
        Ok(Self {
            conversation_id: element.needed_text_of(element::EXTEND_CONVERSATION_ID)?,
            users: listed.unwrap_or_default(),
            partner: partner.map(User::read).transpose()?,
            subscribe_notification: element.flag_of(element::SUBSCRIBE_NOTIFICATION)?,
            welcome_note: element.part_of(element::WELCOME_NOTE)?,
            screen_name: element.part_of(element::SCREEN_NAME)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::EXTEND_CONVERSATION_REQUEST);
        sink.leaf_text(element::EXTEND_CONVERSATION_ID, &self.conversation_id);
        sink.open(element::USER_ID_LIST);
        sink.each_text(element::USER_ID, self.users.iter().map(UserId::as_str));
        sink.close();
        if let Some(partner) = &self.partner {
            sink.open(element::EXTEND_CONVERSATION_USER);
            sink.leaf_text(element::USER_ID, partner.user_id.as_str());
            // UNCLEAR: whether an ApplicationID may stand in the place of ClientID here as it may in User: not written.
            let client_id = partner.client_id.as_ref().filter(|id| !matches!(id, ClientId::Application(_)));
            ClientId::write_option(client_id, sink);
            sink.close();
        }
        sink.maybe_flag(element::SUBSCRIBE_NOTIFICATION, self.subscribe_notification);
        if let Some(note) = &self.welcome_note {
            note.write(sink);
        }
        if let Some(screen_name) = &self.screen_name {
            screen_name.write(sink);
        }
        sink.close();
    }
}

impl Part for ExtendConversationResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            conversation_id: element.needed_text_of(element::EXTEND_CONVERSATION_ID)?,
            group_id: element.text_of(element::GROUP_ID).map(GroupId::new),
            note: element.text_of(element::RESPONSE_NOTE),
            result: element.needed_part_of(element::RESULT)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::EXTEND_CONVERSATION_RESPONSE);
        sink.leaf_text(element::EXTEND_CONVERSATION_ID, &self.conversation_id);
        sink.maybe_text(element::GROUP_ID, self.group_id.as_ref().map(GroupId::as_str));
        sink.maybe_text(element::RESPONSE_NOTE, self.note.as_deref());
        self.result.write(sink);
        sink.close();
    }
}
