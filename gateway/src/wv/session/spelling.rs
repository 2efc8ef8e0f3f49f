//! What known clients write in a way of their own. It is understood from everybody; of them it is counted.

use super::Sessions;
use wv_proto::{
    presence_attribute::PresenceAttribute,
    primitive::{Primitive, identifier::SessionId, message::SendMessageRequest, party::Sender},
    quirk::Quirk,
};

impl Sessions {
    /// Counts what the client wrote in its own way.
    pub(super) fn note_spelling(&self, id: &SessionId, primitive: &Primitive) {
        match primitive {
            Primitive::SendMessageRequest(request) => self.note_message(id, request),
            Primitive::UpdatePresenceRequest(request) => {
                let is_bare = |attribute: &PresenceAttribute| matches!(attribute, PresenceAttribute::OnlineStatus(status) if status.value.is_none());
                if request.attributes.attributes.iter().any(is_bare) {
                    self.heeds(id, Quirk::QualifierOnlyStatus);
                }
            }
            _ => {}
        }
    }

    fn note_message(&self, id: &SessionId, request: &SendMessageRequest) {
        let message = &request.message;
        if message.content_type_or_default().to_ascii_lowercase().starts_with("text/html") {
            self.heeds(id, Quirk::HtmlWrapper);
        }
        if let Some(Sender::User(user)) = &message.sender
            && !user.user_id.as_str().get(..3).is_some_and(|scheme| scheme.eq_ignore_ascii_case("wv:"))
        {
            self.heeds(id, Quirk::BareSender);
        }
        let octets = request.content.as_ref().and_then(|content| u32::try_from(content.octets().len()).ok());
        if let (Some(said), Some(octets)) = (message.content_size, octets)
            && said != octets
        {
            self.heeds(id, Quirk::ConstantContentSize);
        }
    }
}
