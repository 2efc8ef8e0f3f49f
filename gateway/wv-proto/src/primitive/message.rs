//! Instant messages and delivery reports.

use crate::codec::date_time::DateTime;
use crate::primitive::identifier::MessageId;
use crate::primitive::party::{Recipient, Sender};
use crate::status::StatusResult;
use bytes::Bytes;
use std::time::Duration;

/// MessageInfo: everything about a message but its content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageInfo {
    /// MessageID; given by the server.
    pub message_id: Option<MessageId>,
    /// MessageURI.
    pub message_uri: Option<Box<str>>,
    /// ContentType; none means text/plain.
    pub content_type: Option<Box<str>>,
    /// ContentEncoding; none means none.
    pub content_encoding: Option<Box<str>>,
    /// ContentSize: a hint, wrong in practice.
    pub content_size: Option<u32>,
    /// ContentName (1.3).
    pub content_name: Option<Box<str>>,
    /// Recipient.
    pub recipient: Recipient,
    /// Sender; clients leave it out and the server fills it in.
    pub sender: Option<Sender>,
    /// DateTime.
    pub date_time: Option<DateTime>,
    /// Font (1.3).
    pub font: Option<Font>,
    /// Validity.
    pub validity: Option<Duration>,
}

impl MessageInfo {
    /// Media type of a message that names none (elements of MessageInfo, default).
    pub const CONTENT_TYPE_DEFAULT: &'static str = "text/plain";

    /// The media type, named or not.
    #[must_use]
    pub fn content_type_or_default(&self) -> &str {
        self.content_type.as_deref().unwrap_or(Self::CONTENT_TYPE_DEFAULT)
    }

    /// Whether ContentEncoding says BASE64.
    #[must_use]
    pub fn is_base64(&self) -> bool {
        self.content_encoding.as_deref().is_some_and(|encoding| encoding.trim().eq_ignore_ascii_case("base64"))
    }
}

/// Font (1.3): how the sender wants the text shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Font {
    /// Size.
    pub size: Option<Box<str>>,
    /// Style.
    pub styles: Vec<Box<str>>,
    /// Color.
    pub color: Option<Box<str>>,
}

/// ContentData as it stands in the primitive, ContentEncoding not undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text.
    Text(Box<str>),
    /// Octets of the binary encoding.
    Octets(Bytes),
}

/// SendMessage-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendMessageRequest {
    /// DeliveryReport: whether the sender wants to be told what became of it.
    pub delivery_report: bool,
    /// MessageInfo.
    pub message: MessageInfo,
    /// ContentData.
    pub content: Option<Content>,
}

/// SendMessage-Response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendMessageResponse {
    /// Result.
    pub result: StatusResult,
    /// MessageID, unless nothing was accepted.
    pub message_id: Option<MessageId>,
}

/// NewMessage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// MessageInfo.
    pub message: MessageInfo,
    /// ContentData.
    pub content: Option<Content>,
}

/// MessageDelivered: answer to NewMessage, or a request of its own after GetMessage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageDelivered {
    /// MessageID.
    pub message_id: MessageId,
}

/// DeliveryReport-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryReportRequest {
    /// What became of the message.
    pub result: StatusResult,
    /// DeliveryTime.
    pub delivery_time: Option<DateTime>,
    /// MessageInfo of the message.
    pub message: MessageInfo,
}
