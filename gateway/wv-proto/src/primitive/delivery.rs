//! Messages that wait at the server: how they are announced, listed, fetched, rejected and forwarded.

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::primitive::capability::DeliveryMethod;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::primitive::identifier::{GroupId, MessageId};
use crate::primitive::message::{Content, MessageInfo, read_message, write_message};
use crate::primitive::party::{Recipient, Sender};
use crate::schema::element;
use crate::version::Version;

/// SetDeliveryMethod-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetDeliveryMethodRequest {
    /// DeliveryMethod: pushed or announced.
    pub method: DeliveryMethod,
    /// AcceptedContentLength: from now on the largest content to be pushed, in octets (1.1, 1.2).
    pub accepted_content_length: Option<u32>,
    /// The one group that is meant; none means messages from users.
    pub group_id: Option<GroupId>,
    /// GroupContentLimit: the largest content of that group to be pushed, in octets (1.3).
    pub group_content_limit: Option<u32>,
}

/// GetMessageList-Request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GetMessageListRequest {
    /// The group whose history is asked for; none means the messages that wait.
    pub group_id: Option<GroupId>,
    /// MessageCount: how many at most.
    pub message_count: Option<u32>,
}

/// GetMessageList-Response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GetMessageListResponse {
    /// The messages, oldest first.
    pub messages: Vec<MessageInfo>,
    /// MessageTotalCount: how many there are, listed or not (1.3).
    pub total: Option<u32>,
}

/// GetMessage-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetMessageRequest {
    /// MessageID.
    pub message_id: MessageId,
}

/// GetMessage-Response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetMessageResponse {
    /// MessageInfo.
    pub message: MessageInfo,
    /// ContentData.
    pub content: Option<Content>,
}

/// RejectMessage-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectMessageRequest {
    /// MessageID, at least one.
    pub message_ids: Vec<MessageId>,
}

/// MessageNotification: a message waits and may be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageNotification {
    /// MessageInfo.
    pub message: MessageInfo,
}

/// ForwardMessage-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardMessageRequest {
    /// MessageID of the message that waits.
    pub message_id: MessageId,
    /// Who forwards it (1.3).
    pub sender: Option<Sender>,
    /// To whom.
    pub recipient: Recipient,
}

/// ForwardMessage-Response (1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardMessageResponse {
    /// MessageID of the message that was made of the old one.
    pub message_id: MessageId,
}

impl Part for SetDeliveryMethodRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            method: DeliveryMethod::parse(&element.needed_text_of(element::DELIVERY_METHOD)?),
            accepted_content_length: element.integer_of(element::ACCEPTED_CONTENT_LENGTH)?,
            group_id: element.text_of(element::GROUP_ID).map(GroupId::new),
            group_content_limit: element.integer_of(element::GROUP_CONTENT_LIMIT)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        let is_1_3 = sink.version() == Version::V1_3;
        sink.open(element::SET_DELIVERY_METHOD_REQUEST);
        sink.leaf_text(element::DELIVERY_METHOD, self.method.as_str());
        // UNCLEAR elements §6: 1.3 has no token for AcceptedContentLength; it is read there and not written.
        if !is_1_3 {
            sink.maybe_integer(element::ACCEPTED_CONTENT_LENGTH, self.accepted_content_length);
        }
        sink.maybe_text(element::GROUP_ID, self.group_id.as_ref().map(GroupId::as_str));
        if is_1_3 {
            sink.maybe_integer(element::GROUP_CONTENT_LIMIT, self.group_content_limit);
        }
        sink.close();
    }
}

impl Part for GetMessageListRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            group_id: element.text_of(element::GROUP_ID).map(GroupId::new),
            message_count: element.integer_of(element::MESSAGE_COUNT)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GET_MESSAGE_LIST_REQUEST);
        sink.maybe_text(element::GROUP_ID, self.group_id.as_ref().map(GroupId::as_str));
        sink.maybe_integer(element::MESSAGE_COUNT, self.message_count);
        sink.close();
    }
}

impl Part for GetMessageListResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        // 1.3 puts a list around them.
        let list = element.child(element::MESSAGE_INFO_LIST).unwrap_or(element);
        Ok(Self {
            messages: list.parts_of(element::MESSAGE_INFO)?,
            total: element.integer_of(element::MESSAGE_TOTAL_COUNT)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        let is_1_3 = sink.version() == Version::V1_3;
        sink.open(element::GET_MESSAGE_LIST_RESPONSE);
        if is_1_3 && !self.messages.is_empty() {
            sink.open(element::MESSAGE_INFO_LIST);
        }
        for message in &self.messages {
            message.write(sink);
        }
        if is_1_3 && !self.messages.is_empty() {
            sink.close();
        }
        if is_1_3 {
            sink.maybe_integer(element::MESSAGE_TOTAL_COUNT, self.total);
        }
        sink.close();
    }
}

impl Part for GetMessageRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { message_id: MessageId::new(element.needed_text_of(element::MESSAGE_ID)?) })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GET_MESSAGE_REQUEST);
        sink.leaf_text(element::MESSAGE_ID, self.message_id.as_str());
        sink.close();
    }
}

impl Part for GetMessageResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let (message, content) = read_message(element)?;
        Ok(Self { message, content })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GET_MESSAGE_RESPONSE);
        write_message(&self.message, self.content.as_ref(), sink);
        sink.close();
    }
}

impl Part for RejectMessageRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let message_ids: Vec<MessageId> = element.texts_of(element::MESSAGE_ID).map(MessageId::new).collect();
        if message_ids.is_empty() {
            return Err(MalformedReason::Missing(element::MESSAGE_ID));
        }
        Ok(Self { message_ids })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::REJECT_MESSAGE_REQUEST);
        sink.each_text(element::MESSAGE_ID, self.message_ids.iter().map(MessageId::as_str));
        sink.close();
    }
}

impl Part for MessageNotification {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { message: element.needed_part_of(element::MESSAGE_INFO)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::MESSAGE_NOTIFICATION);
        self.message.write(sink);
        sink.close();
    }
}

impl Part for ForwardMessageRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            message_id: MessageId::new(element.needed_text_of(element::MESSAGE_ID)?),
            sender: Sender::read_in(element)?,
            recipient: element.needed_part_of(element::RECIPIENT)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::FORWARD_MESSAGE_REQUEST);
        sink.leaf_text(element::MESSAGE_ID, self.message_id.as_str());
        if let (Version::V1_3, Some(sender)) = (sink.version(), &self.sender) {
            sender.write(sink);
        }
        self.recipient.write(sink);
        sink.close();
    }
}

impl Part for ForwardMessageResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { message_id: MessageId::new(element.needed_text_of(element::MESSAGE_ID)?) })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::FORWARD_MESSAGE_RESPONSE);
        sink.leaf_text(element::MESSAGE_ID, self.message_id.as_str());
        sink.close();
    }
}
