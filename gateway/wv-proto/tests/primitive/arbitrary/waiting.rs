//! Primitives about messages that wait, block lists, system messages and slices.

use super::Source;
use wv_proto::primitive::Primitive;
use wv_proto::primitive::block::{AccessList, BlockEntityRequest, Entities, EntityList, GetBlockedListResponse};
use wv_proto::primitive::capability::DeliveryMethod;
use wv_proto::primitive::delivery::{
    ForwardMessageRequest, ForwardMessageResponse, GetMessageListRequest, GetMessageListResponse, GetMessageRequest,
    GetMessageResponse, MessageNotification, RejectMessageRequest, SetDeliveryMethodRequest,
};
use wv_proto::primitive::identifier::{ContactListId, GroupId, MessageId, TransactionId, UserId};
use wv_proto::primitive::message::Content;
use wv_proto::primitive::segment::{DropSegmentRequest, GetSegmentRequest, GetSegmentResponse, SegmentId, SegmentInfo};
use wv_proto::primitive::system_message::{
    AnswerOption, SystemMessage, SystemMessageRequest, SystemMessageResponse, SystemMessageUser, Verification,
};
use wv_proto::version::Encoding;

impl Source<'_> {
    pub(super) fn segment_info(&mut self) -> SegmentInfo {
        SegmentInfo { count: self.number(), id: self.segment_id() }
    }

    fn segment_id(&mut self) -> SegmentId {
        SegmentId { transaction: self.id(TransactionId::new), reference: self.number() }
    }

    fn entity_list(&mut self) -> EntityList {
        EntityList {
            users: self.list(|source| source.id(UserId::new)),
            screen_names: self.list(Self::screen_name),
            groups: self.list(|source| source.id(GroupId::new)),
            contact_lists: self.list_1_3(|source| source.id(ContactListId::new)),
            applications: self.list_1_3(Self::text),
        }
    }

    fn access_list(&mut self) -> AccessList {
        let entities = match self.choice() % 5 {
            0 => Entities::Unnamed,
            1 => Entities::Whole(self.entity_list()),
            2 => Entities::Change { add: Some(self.entity_list()), remove: None },
            3 => Entities::Change { add: None, remove: Some(self.entity_list()) },
            _ => Entities::Change { add: Some(self.entity_list()), remove: Some(self.entity_list()) },
        };
        AccessList { in_use: self.maybe(Self::flag), entities }
    }

    fn system_message(&mut self) -> SystemMessage {
        let option = |source: &mut Self| AnswerOption { id: source.text(), text: source.text() };
        SystemMessage {
            id: self.text(),
            requires_response: self.flag(),
            text: self.text(),
            options: self.list(option),
            verification: match self.choice() % 3 {
                0 => None,
                1 => Some(Verification::InText(self.text())),
                _ => Some(Verification::Url(self.text())),
            },
        }
    }

    pub(super) fn operator_answer(&mut self) -> SystemMessageResponse {
        SystemMessageResponse { id: self.text(), option: self.maybe(Self::text), key: self.maybe(Self::text) }
    }

    /// A primitive of the kind with this number, counted from the first of these.
    pub(super) fn waiting_primitive(&mut self, kind: u8) -> Primitive {
        match kind {
            0..=8 => self.delivery_primitive(kind),
            9 => Primitive::GetBlockedListRequest,
            10 => {
                let (block, grant) = (self.maybe(Self::access_list), self.maybe(Self::access_list));
                Primitive::GetBlockedListResponse(Box::new(GetBlockedListResponse { block, grant }))
            }
            11 => {
                let (block, grant) = (self.maybe(Self::access_list), self.maybe(Self::access_list));
                Primitive::BlockEntityRequest(Box::new(BlockEntityRequest { block, grant }))
            }
            12 => Primitive::SystemMessageRequest(SystemMessageRequest {
                messages: self.filled_list(Self::system_message),
            }),
            13 => {
                Primitive::SystemMessageUser(SystemMessageUser { responses: self.filled_list(Self::operator_answer) })
            }
            14 => Primitive::GetSegmentRequest(GetSegmentRequest { id: self.segment_id() }),
            15 => Primitive::GetSegmentResponse(GetSegmentResponse { content: self.slice() }),
            _ => Primitive::DropSegmentRequest(DropSegmentRequest { id: self.segment_id() }),
        }
    }

    /// A slice is text in XML and octets in WBXML.
    fn slice(&mut self) -> Content {
        match self.encoding {
            Encoding::Xml => Content::from_text(&self.text()),
            Encoding::Wbxml => Content::from_octets(vec![0, self.choice(), 255].into()),
        }
    }

    fn delivery_primitive(&mut self, kind: u8) -> Primitive {
        match kind {
            0 => Primitive::SetDeliveryMethodRequest(SetDeliveryMethodRequest {
                method: self.word(DeliveryMethod::ALL, DeliveryMethod::Other),
                accepted_content_length: if self.is_1_3() { None } else { self.maybe(Self::number) },
                group_id: self.maybe(|source| source.id(GroupId::new)),
                group_content_limit: self.maybe_1_3(Self::number),
            }),
            1 => Primitive::GetMessageListRequest(GetMessageListRequest {
                group_id: self.maybe(|source| source.id(GroupId::new)),
                message_count: self.maybe(Self::number),
            }),
            2 => Primitive::GetMessageListResponse(GetMessageListResponse {
                messages: self.list(|source| source.message_info(None)),
                total: self.maybe_1_3(Self::number),
            }),
            3 => Primitive::GetMessageRequest(GetMessageRequest { message_id: self.id(MessageId::new) }),
            4 => {
                let content = self.content();
                let message = self.message_info(content.as_ref());
                Primitive::GetMessageResponse(Box::new(GetMessageResponse { message, content }))
            }
            5 => Primitive::RejectMessageRequest(RejectMessageRequest {
                message_ids: self.filled_list(|source| source.id(MessageId::new)),
            }),
            6 => Primitive::MessageNotification(Box::new(MessageNotification { message: self.message_info(None) })),
            7 => Primitive::ForwardMessageRequest(Box::new(ForwardMessageRequest {
                message_id: self.id(MessageId::new),
                sender: self.maybe_1_3(Self::sender),
                recipient: self.recipient(),
            })),
            _ => Primitive::ForwardMessageResponse(ForwardMessageResponse { message_id: self.id(MessageId::new) }),
        }
    }
}
