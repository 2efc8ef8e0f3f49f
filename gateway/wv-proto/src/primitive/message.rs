//! Instant messages and delivery reports.

use crate::codec::date_time::DateTime;
use crate::codec::is_xml_text;
use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::primitive::identifier::MessageId;
use crate::primitive::party::{Recipient, Sender};
use crate::schema::{ElementName, element};
use crate::status::StatusResult;
use crate::version::{Encoding, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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

/// ContentData with its ContentEncoding undone: the octets of the content itself.
///
/// Written as text where the encoding can hold it as text, otherwise as octets or in BASE64, and then MessageInfo says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content(Bytes);

impl Content {
    /// The content made of these octets.
    #[must_use]
    pub const fn from_octets(octets: Bytes) -> Self {
        Self(octets)
    }

    /// The content that is this text, in UTF-8.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }

    /// Its octets.
    #[must_use]
    pub const fn octets(&self) -> &Bytes {
        &self.0
    }

    /// Its text, if it is text in UTF-8.
    #[must_use]
    pub fn to_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Its text, if a message can hold it as text.
    pub(crate) fn plain_text(&self) -> Option<&str> {
        self.to_text().filter(|text| is_xml_text(text.as_bytes()))
    }

    /// Its octets in BASE64.
    pub(crate) fn to_base64(&self) -> String {
        STANDARD.encode(&self.0)
    }

    fn needs_base64(&self, info: &MessageInfo, encoding: Encoding) -> bool {
        info.is_base64() || (encoding == Encoding::Xml && self.plain_text().is_none())
    }
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

/// Reads MessageInfo and the ContentData beside it.
pub(crate) fn read_message(element: Element<'_, '_>) -> Result<(MessageInfo, Option<Content>), MalformedReason> {
    let info: MessageInfo = element.needed_part_of(element::MESSAGE_INFO)?;
    let content = match element.child(element::CONTENT_DATA) {
        None => None,
        Some(data) => {
            let octets = data.content_octets(info.is_base64(), info.content_size);
            let octets = octets.map_err(|_| MalformedReason::BadValue(element::CONTENT_DATA))?;
            Some(Content(Bytes::copy_from_slice(&octets)))
        }
    };
    Ok((info, content))
}

/// Writes MessageInfo and ContentData so that the one describes the other.
pub(crate) fn write_message(info: &MessageInfo, content: Option<&Content>, sink: &mut dyn Sink) {
    let is_base64 = content.is_some_and(|content| content.needs_base64(info, sink.encoding()));
    let content_encoding = if is_base64 { Some("BASE64") } else { info.content_encoding.as_deref() };
    // ContentSize is mandatory; what is not known is measured.
    let size = content.map_or(0, |content| u32::try_from(content.0.len()).unwrap_or(u32::MAX));
    info.write_with(content_encoding, info.content_size.unwrap_or(size), sink);
    match content {
        None => {}
        Some(content) if is_base64 => sink.leaf_text(element::CONTENT_DATA, &content.to_base64()),
        Some(content) => match content.plain_text() {
            Some(text) => sink.leaf_text(element::CONTENT_DATA, text),
            None => sink.leaf_octets(element::CONTENT_DATA, &content.0),
        },
    }
}

/// A moment that cannot be read is left out: servers send wrong months and years.
// WV-PRM-09
fn read_moment(element: Element<'_, '_>, name: ElementName) -> Option<DateTime> {
    element.child(name)?.date_time().ok()
}

impl Part for MessageInfo {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            message_id: element.text_of(element::MESSAGE_ID).map(MessageId::new),
            message_uri: element.text_of(element::MESSAGE_URI),
            content_type: element.text_of(element::CONTENT_TYPE),
            content_encoding: element.text_of(element::CONTENT_ENCODING),
            // WV-PRM-09
            content_size: element.integer_of(element::CONTENT_SIZE).unwrap_or(None),
            content_name: element.text_of(element::CONTENT_NAME),
            recipient: element.part_of(element::RECIPIENT)?.unwrap_or_default(),
            sender: Sender::read_in(element)?,
            date_time: read_moment(element, element::DATE_TIME),
            font: element.part_of(element::FONT)?,
            validity: element.seconds_of(element::VALIDITY)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        self.write_with(self.content_encoding.as_deref(), self.content_size.unwrap_or(0), sink);
    }
}

impl MessageInfo {
    fn write_with(&self, content_encoding: Option<&str>, content_size: u32, sink: &mut dyn Sink) {
        let is_1_3 = sink.version() == Version::V1_3;
        sink.open(element::MESSAGE_INFO);
        sink.maybe_text(element::MESSAGE_ID, self.message_id.as_ref().map(MessageId::as_str));
        sink.maybe_text(element::MESSAGE_URI, self.message_uri.as_deref());
        sink.maybe_text(element::CONTENT_TYPE, self.content_type.as_deref());
        sink.maybe_text(element::CONTENT_ENCODING, content_encoding);
        sink.leaf_integer(element::CONTENT_SIZE, content_size);
        if is_1_3 {
            sink.maybe_text(element::CONTENT_NAME, self.content_name.as_deref());
        }
        self.recipient.write(sink);
        if let Some(sender) = &self.sender {
            sender.write(sink);
        }
        if let Some(moment) = &self.date_time {
            sink.leaf_date_time(element::DATE_TIME, moment);
        }
        if let (true, Some(font)) = (is_1_3, &self.font) {
            font.write(sink);
        }
        sink.maybe_seconds(element::VALIDITY, self.validity);
        sink.close();
    }
}

impl Part for Font {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            size: element.text_of(element::SIZE),
            styles: element.texts_of(element::STYLE).collect(),
            color: element.text_of(element::COLOR),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::FONT);
        sink.maybe_text(element::SIZE, self.size.as_deref());
        sink.each_text(element::STYLE, self.styles.iter().map(AsRef::as_ref));
        sink.maybe_text(element::COLOR, self.color.as_deref());
        sink.close();
    }
}

impl Part for SendMessageRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let (message, content) = read_message(element)?;
        let delivery_report = element.flag_of(element::DELIVERY_REPORT)?.unwrap_or(false);
        Ok(Self { delivery_report, message, content })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::SEND_MESSAGE_REQUEST);
        sink.leaf_boolean(element::DELIVERY_REPORT, self.delivery_report);
        write_message(&self.message, self.content.as_ref(), sink);
        sink.close();
    }
}

impl Part for SendMessageResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            result: element.needed_part_of(element::RESULT)?,
            message_id: element.text_of(element::MESSAGE_ID).map(MessageId::new),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::SEND_MESSAGE_RESPONSE);
        self.result.write(sink);
        sink.maybe_text(element::MESSAGE_ID, self.message_id.as_ref().map(MessageId::as_str));
        sink.close();
    }
}

impl Part for NewMessage {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let (message, content) = read_message(element)?;
        Ok(Self { message, content })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::NEW_MESSAGE);
        write_message(&self.message, self.content.as_ref(), sink);
        sink.close();
    }
}

impl Part for MessageDelivered {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { message_id: MessageId::new(element.needed_text_of(element::MESSAGE_ID)?) })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::MESSAGE_DELIVERED);
        sink.leaf_text(element::MESSAGE_ID, self.message_id.as_str());
        sink.close();
    }
}

impl Part for DeliveryReportRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            result: element.needed_part_of(element::RESULT)?,
            delivery_time: read_moment(element, element::DELIVERY_TIME),
            message: element.needed_part_of(element::MESSAGE_INFO)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::DELIVERY_REPORT_REQUEST);
        self.result.write(sink);
        if let Some(moment) = &self.delivery_time {
            sink.leaf_date_time(element::DELIVERY_TIME, moment);
        }
        self.message.write(sink);
        sink.close();
    }
}
