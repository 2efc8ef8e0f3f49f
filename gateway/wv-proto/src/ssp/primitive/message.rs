//! Messages and delivery reports.

use crate::{
    codec::{date_time::DateTime, sink::Sink, tree::Element},
    primitive::identifier::MessageId,
    ssp::{
        field::{Fault, Part},
        part::{ContentData, MessageInfo, MetaInfo},
    },
    status::StatusResult,
};

/// SendMessageRequest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SendMessageRequest {
    /// On whose behalf.
    pub meta: MetaInfo,
    /// Whether the sender wants to know what becomes of it.
    pub delivery_report: bool,
    /// Everything about the message but its content.
    pub message: MessageInfo,
    /// The content.
    pub content: Option<ContentData>,
}

impl Part for SendMessageRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        Ok(Self {
            meta: MetaInfo::read_in(element)?,
            delivery_report: element.yes_or_no("deliveryReport")?.unwrap_or(false),
            message: element.needed_part("MessageInfo")?,
            content: element.inner_part("ContentData")?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("SendMessageRequest");
        sink.yes_or_no_attribute("deliveryReport", Some(self.delivery_report));
        self.meta.write(sink);
        self.message.write(sink);
        sink.parts(&self.content);
        sink.close();
    }
}

/// SendMessageResponse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendMessageResponse {
    /// The name that the request gave the message; none when it failed.
    pub message_id: Option<MessageId>,
    /// How it went.
    pub status: StatusResult,
}

impl Part for SendMessageResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        Ok(Self { message_id: element.value("messageID").map(MessageId::new), status: element.needed_part("Status")? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("SendMessageResponse");
        sink.attribute("messageID", self.message_id.as_ref().map_or("", MessageId::as_str));
        Part::write(&self.status, sink);
        sink.close();
    }
}

/// DeliveryStatusReport: the fate of a message. Recipient is the one who sent it, Sender the one who got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryStatusReport {
    /// On whose behalf.
    pub meta: MetaInfo,
    /// What became of the message.
    pub result: StatusResult,
    /// When.
    pub delivery_time: Option<DateTime>,
    /// Which message.
    pub message: MessageInfo,
}

impl Part for DeliveryStatusReport {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        let result = element.inner("DeliveryResult").ok_or(Fault::Missing("DeliveryResult"))?;
        Ok(Self {
            meta: MetaInfo::read_in(element)?,
            result: result.needed_part("Status")?,
            delivery_time: element.inner("DeliveryTime").and_then(Element::moment),
            message: element.needed_part("MessageInfo")?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("DeliveryStatusReport");
        self.meta.write(sink);
        sink.start("DeliveryResult");
        Part::write(&self.result, sink);
        sink.close();
        sink.text_element("DeliveryTime", self.delivery_time.map(DateTime::to_extended_text).as_deref());
        self.message.write(sink);
        sink.close();
    }
}
