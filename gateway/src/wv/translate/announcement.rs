//! System messages (1.3).

use mapping::{announcement::Announcement, event::Operation};
use wv_proto::primitive::system_message::{AnswerOption, SystemMessage, SystemMessageRequest, SystemMessageResponse};

/// The SystemMessage-Request that tells a user what the operator says.
#[must_use]
pub fn to_request(announcement: &Announcement) -> SystemMessageRequest {
    let option = |choice: &mapping::announcement::Choice| AnswerOption {
        id: choice.id.as_ref().into(),
        text: choice.text.as_str().into(),
    };
    let message = SystemMessage {
        id: announcement.id.as_ref().into(),
        requires_response: announcement.requires_answer,
        text: announcement.text.as_str().into(),
        options: announcement.options.iter().map(option).collect(),
        verification: None,
    };
    SystemMessageRequest { messages: vec![message] }
}

/// The operation that one SystemMessageResponse means.
#[must_use]
pub fn from_response(response: SystemMessageResponse) -> Operation {
    Operation::AnswerAnnouncement {
        id: response.id.into(),
        choice: response.option.map(Into::into),
        key: response.key.map(Into::into),
    }
}
