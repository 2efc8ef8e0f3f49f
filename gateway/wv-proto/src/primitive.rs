//! The messages of the protocol as types: what a client and a server say to each other.

pub mod access;
pub mod block;
pub mod capability;
pub mod contact_list;
pub mod delivery;
pub mod envelope;
pub(crate) mod field;
pub mod function;
pub mod identifier;
pub mod message;
pub mod party;
pub mod presence;
pub mod segment;
pub mod service;
pub(crate) mod service_tree;
pub mod system_message;

pub use envelope::{Envelope, Malformed, SessionDescriptor, Transaction, TransactionMode};

use crate::codec::sink::Sink;
use crate::codec::tree::{Element, Name};
use crate::schema::{ElementName, element};
use crate::status::StatusResult;
use access::{Disconnect, KeepAliveRequest, KeepAliveResponse, LoginRequest, LoginResponse, Status};
use block::{BlockEntityRequest, GetBlockedListResponse};
use contact_list::{
    CreateListRequest, CreateListResponse, DeleteListRequest, GetListResponse, ListManageRequest, ListManageResponse,
};
use delivery::{
    ForwardMessageRequest, ForwardMessageResponse, GetMessageListRequest, GetMessageListResponse, GetMessageRequest,
    GetMessageResponse, MessageNotification, RejectMessageRequest, SetDeliveryMethodRequest,
};
use field::Part;
use function::{Feature, Function, FunctionNeed};
use message::{DeliveryReportRequest, MessageDelivered, NewMessage, SendMessageRequest, SendMessageResponse};
use presence::{
    CancelAuthRequest, GetPresenceRequest, GetPresenceResponse, PresenceAuthRequest, PresenceAuthUser,
    PresenceNotificationRequest, SubscribePresenceRequest, UnsubscribePresenceRequest, UpdatePresenceRequest,
};
use segment::{DropSegmentRequest, GetSegmentRequest, GetSegmentResponse};
use service::{ClientCapabilityRequest, ClientCapabilityResponse, ServiceRequest, ServiceResponse};
use std::fmt;
use system_message::{SystemMessageRequest, SystemMessageUser};

/// One message of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant holds the primitive of its name")]
pub enum Primitive {
    Status(Status),
    PollingRequest,
    LoginRequest(Box<LoginRequest>),
    LoginResponse(Box<LoginResponse>),
    LogoutRequest,
    Disconnect(Disconnect),
    KeepAliveRequest(KeepAliveRequest),
    KeepAliveResponse(KeepAliveResponse),
    ServiceRequest(ServiceRequest),
    ServiceResponse(ServiceResponse),
    ClientCapabilityRequest(Box<ClientCapabilityRequest>),
    ClientCapabilityResponse(Box<ClientCapabilityResponse>),
    GetListRequest,
    GetListResponse(GetListResponse),
    CreateListRequest(CreateListRequest),
    CreateListResponse(CreateListResponse),
    DeleteListRequest(DeleteListRequest),
    ListManageRequest(ListManageRequest),
    ListManageResponse(ListManageResponse),
    SubscribePresenceRequest(SubscribePresenceRequest),
    UnsubscribePresenceRequest(UnsubscribePresenceRequest),
    PresenceNotificationRequest(PresenceNotificationRequest),
    GetPresenceRequest(GetPresenceRequest),
    GetPresenceResponse(GetPresenceResponse),
    UpdatePresenceRequest(UpdatePresenceRequest),
    PresenceAuthRequest(PresenceAuthRequest),
    PresenceAuthUser(PresenceAuthUser),
    CancelAuthRequest(CancelAuthRequest),
    SendMessageRequest(Box<SendMessageRequest>),
    SendMessageResponse(SendMessageResponse),
    NewMessage(Box<NewMessage>),
    MessageDelivered(MessageDelivered),
    DeliveryReportRequest(Box<DeliveryReportRequest>),
    SetDeliveryMethodRequest(SetDeliveryMethodRequest),
    GetMessageListRequest(GetMessageListRequest),
    GetMessageListResponse(GetMessageListResponse),
    GetMessageRequest(GetMessageRequest),
    GetMessageResponse(Box<GetMessageResponse>),
    RejectMessageRequest(RejectMessageRequest),
    MessageNotification(Box<MessageNotification>),
    ForwardMessageRequest(Box<ForwardMessageRequest>),
    ForwardMessageResponse(ForwardMessageResponse),
    GetBlockedListRequest,
    GetBlockedListResponse(Box<GetBlockedListResponse>),
    BlockEntityRequest(Box<BlockEntityRequest>),
    SystemMessageRequest(SystemMessageRequest),
    SystemMessageUser(SystemMessageUser),
    GetSegmentRequest(GetSegmentRequest),
    GetSegmentResponse(GetSegmentResponse),
    DropSegmentRequest(DropSegmentRequest),
    /// Any other primitive: only its name is kept, so that it can be refused in its own transaction.
    Other(PrimitiveName),
}

/// The name of a primitive.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum PrimitiveName {
    /// A name that the documents know.
    Known(ElementName),
    /// A name that they do not know.
    Vendor(Box<str>),
}

impl PrimitiveName {
    /// The name as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(name) => name.as_str(),
            Self::Vendor(name) => name,
        }
    }
}

impl fmt::Debug for PrimitiveName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for PrimitiveName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Primitive {
    /// The name of its element.
    #[must_use]
    pub fn name(&self) -> PrimitiveName {
        PrimitiveName::Known(match self {
            Self::Status(_) => element::STATUS,
            Self::PollingRequest => element::POLLING_REQUEST,
            Self::LoginRequest(_) => element::LOGIN_REQUEST,
            Self::LoginResponse(_) => element::LOGIN_RESPONSE,
            Self::LogoutRequest => element::LOGOUT_REQUEST,
            Self::Disconnect(_) => element::DISCONNECT,
            Self::KeepAliveRequest(_) => element::KEEP_ALIVE_REQUEST,
            Self::KeepAliveResponse(_) => element::KEEP_ALIVE_RESPONSE,
            Self::ServiceRequest(_) => element::SERVICE_REQUEST,
            Self::ServiceResponse(_) => element::SERVICE_RESPONSE,
            Self::ClientCapabilityRequest(_) => element::CLIENT_CAPABILITY_REQUEST,
            Self::ClientCapabilityResponse(_) => element::CLIENT_CAPABILITY_RESPONSE,
            Self::GetListRequest => element::GET_LIST_REQUEST,
            Self::GetListResponse(_) => element::GET_LIST_RESPONSE,
            Self::CreateListRequest(_) => element::CREATE_LIST_REQUEST,
            Self::CreateListResponse(_) => element::CREATE_LIST_RESPONSE,
            Self::DeleteListRequest(_) => element::DELETE_LIST_REQUEST,
            Self::ListManageRequest(_) => element::LIST_MANAGE_REQUEST,
            Self::ListManageResponse(_) => element::LIST_MANAGE_RESPONSE,
            Self::SubscribePresenceRequest(_) => element::SUBSCRIBE_PRESENCE_REQUEST,
            Self::UnsubscribePresenceRequest(_) => element::UNSUBSCRIBE_PRESENCE_REQUEST,
            Self::PresenceNotificationRequest(_) => element::PRESENCE_NOTIFICATION_REQUEST,
            Self::GetPresenceRequest(_) => element::GET_PRESENCE_REQUEST,
            Self::GetPresenceResponse(_) => element::GET_PRESENCE_RESPONSE,
            Self::UpdatePresenceRequest(_) => element::UPDATE_PRESENCE_REQUEST,
            Self::PresenceAuthRequest(_) => element::PRESENCE_AUTH_REQUEST,
            Self::PresenceAuthUser(_) => element::PRESENCE_AUTH_USER,
            Self::CancelAuthRequest(_) => element::CANCEL_AUTH_REQUEST,
            Self::SendMessageRequest(_) => element::SEND_MESSAGE_REQUEST,
            Self::SendMessageResponse(_) => element::SEND_MESSAGE_RESPONSE,
            Self::NewMessage(_) => element::NEW_MESSAGE,
            Self::MessageDelivered(_) => element::MESSAGE_DELIVERED,
            Self::DeliveryReportRequest(_) => element::DELIVERY_REPORT_REQUEST,
            Self::SetDeliveryMethodRequest(_) => element::SET_DELIVERY_METHOD_REQUEST,
            Self::GetMessageListRequest(_) => element::GET_MESSAGE_LIST_REQUEST,
            Self::GetMessageListResponse(_) => element::GET_MESSAGE_LIST_RESPONSE,
            Self::GetMessageRequest(_) => element::GET_MESSAGE_REQUEST,
            Self::GetMessageResponse(_) => element::GET_MESSAGE_RESPONSE,
            Self::RejectMessageRequest(_) => element::REJECT_MESSAGE_REQUEST,
            Self::MessageNotification(_) => element::MESSAGE_NOTIFICATION,
            Self::ForwardMessageRequest(_) => element::FORWARD_MESSAGE_REQUEST,
            Self::ForwardMessageResponse(_) => element::FORWARD_MESSAGE_RESPONSE,
            Self::GetBlockedListRequest => element::GET_BLOCKED_LIST_REQUEST,
            Self::GetBlockedListResponse(_) => element::GET_BLOCKED_LIST_RESPONSE,
            Self::BlockEntityRequest(_) => element::BLOCK_ENTITY_REQUEST,
            Self::SystemMessageRequest(_) => element::SYSTEM_MESSAGE_REQUEST,
            Self::SystemMessageUser(_) => element::SYSTEM_MESSAGE_USER,
            Self::GetSegmentRequest(_) => element::GET_SEGMENT_REQUEST,
            Self::GetSegmentResponse(_) => element::GET_SEGMENT_RESPONSE,
            Self::DropSegmentRequest(_) => element::DROP_SEGMENT_REQUEST,
            Self::Other(name) => return name.clone(),
        })
    }

    /// Its place in the service tree.
    #[must_use]
    pub fn function_group(&self) -> FunctionNeed {
        match self.name() {
            PrimitiveName::Known(name) => function_need(name),
            PrimitiveName::Vendor(_) => FunctionNeed::Nothing,
        }
    }

    /// The Result it carries, if it is an answer or an end of session.
    #[must_use]
    pub const fn result(&self) -> Option<&StatusResult> {
        match self {
            Self::Status(status) => Some(&status.result),
            Self::LoginResponse(response) => Some(&response.result),
            Self::Disconnect(disconnect) => Some(&disconnect.result),
            Self::KeepAliveResponse(response) => Some(&response.result),
            Self::ListManageResponse(response) => Some(&response.result),
            Self::GetPresenceResponse(response) => Some(&response.result),
            Self::SendMessageResponse(response) => Some(&response.result),
            Self::DeliveryReportRequest(report) => Some(&report.result),
            Self::PollingRequest
            | Self::LoginRequest(_)
            | Self::LogoutRequest
            | Self::KeepAliveRequest(_)
            | Self::ServiceRequest(_)
            | Self::ServiceResponse(_)
            | Self::ClientCapabilityRequest(_)
            | Self::ClientCapabilityResponse(_)
            | Self::GetListRequest
            | Self::GetListResponse(_)
            | Self::CreateListRequest(_)
            | Self::CreateListResponse(_)
            | Self::DeleteListRequest(_)
            | Self::ListManageRequest(_)
            | Self::SubscribePresenceRequest(_)
            | Self::UnsubscribePresenceRequest(_)
            | Self::PresenceNotificationRequest(_)
            | Self::GetPresenceRequest(_)
            | Self::UpdatePresenceRequest(_)
            | Self::PresenceAuthRequest(_)
            | Self::PresenceAuthUser(_)
            | Self::CancelAuthRequest(_)
            | Self::SendMessageRequest(_)
            | Self::NewMessage(_)
            | Self::MessageDelivered(_)
            | Self::SetDeliveryMethodRequest(_)
            | Self::GetMessageListRequest(_)
            | Self::GetMessageListResponse(_)
            | Self::GetMessageRequest(_)
            | Self::GetMessageResponse(_)
            | Self::RejectMessageRequest(_)
            | Self::MessageNotification(_)
            | Self::ForwardMessageRequest(_)
            | Self::ForwardMessageResponse(_)
            | Self::GetBlockedListRequest
            | Self::GetBlockedListResponse(_)
            | Self::BlockEntityRequest(_)
            | Self::SystemMessageRequest(_)
            | Self::SystemMessageUser(_)
            | Self::GetSegmentRequest(_)
            | Self::GetSegmentResponse(_)
            | Self::DropSegmentRequest(_)
            | Self::Other(_) => None,
        }
    }
}

impl Primitive {
    /// Reads the primitive that an element is.
    pub(crate) fn read(element: Element<'_, '_>) -> Result<Self, Malformed> {
        let name = match element.name() {
            Name::Known(name) => name,
            Name::Vendor { name, .. } => return Ok(Self::Other(PrimitiveName::Vendor(name.into()))),
        };
        Self::read_named(name, element).map_err(|reason| Malformed { name: Some(PrimitiveName::Known(name)), reason })
    }

    fn read_named(name: ElementName, e: Element<'_, '_>) -> Result<Self, envelope::MalformedReason> {
        Ok(match name {
            element::STATUS => Self::Status(Part::read(e)?),
            element::POLLING_REQUEST => Self::PollingRequest,
            element::LOGIN_REQUEST => Self::LoginRequest(Box::new(Part::read(e)?)),
            element::LOGIN_RESPONSE => Self::LoginResponse(Box::new(Part::read(e)?)),
            element::LOGOUT_REQUEST => Self::LogoutRequest,
            element::DISCONNECT => Self::Disconnect(Part::read(e)?),
            element::KEEP_ALIVE_REQUEST => Self::KeepAliveRequest(Part::read(e)?),
            element::KEEP_ALIVE_RESPONSE => Self::KeepAliveResponse(Part::read(e)?),
            element::SERVICE_REQUEST => Self::ServiceRequest(Part::read(e)?),
            element::SERVICE_RESPONSE => Self::ServiceResponse(Part::read(e)?),
            element::CLIENT_CAPABILITY_REQUEST => Self::ClientCapabilityRequest(Box::new(Part::read(e)?)),
            element::CLIENT_CAPABILITY_RESPONSE => Self::ClientCapabilityResponse(Box::new(Part::read(e)?)),
            element::GET_LIST_REQUEST => Self::GetListRequest,
            element::GET_LIST_RESPONSE => Self::GetListResponse(Part::read(e)?),
            element::CREATE_LIST_REQUEST => Self::CreateListRequest(Part::read(e)?),
            element::CREATE_LIST_RESPONSE => Self::CreateListResponse(Part::read(e)?),
            element::DELETE_LIST_REQUEST => Self::DeleteListRequest(Part::read(e)?),
            element::LIST_MANAGE_REQUEST => Self::ListManageRequest(Part::read(e)?),
            element::LIST_MANAGE_RESPONSE => Self::ListManageResponse(Part::read(e)?),
            element::SUBSCRIBE_PRESENCE_REQUEST => Self::SubscribePresenceRequest(Part::read(e)?),
            element::UNSUBSCRIBE_PRESENCE_REQUEST => Self::UnsubscribePresenceRequest(Part::read(e)?),
            element::PRESENCE_NOTIFICATION_REQUEST => Self::PresenceNotificationRequest(Part::read(e)?),
            element::GET_PRESENCE_REQUEST => Self::GetPresenceRequest(Part::read(e)?),
            element::GET_PRESENCE_RESPONSE => Self::GetPresenceResponse(Part::read(e)?),
            element::UPDATE_PRESENCE_REQUEST => Self::UpdatePresenceRequest(Part::read(e)?),
            element::PRESENCE_AUTH_REQUEST => Self::PresenceAuthRequest(Part::read(e)?),
            element::PRESENCE_AUTH_USER => Self::PresenceAuthUser(Part::read(e)?),
            element::CANCEL_AUTH_REQUEST => Self::CancelAuthRequest(Part::read(e)?),
            element::SEND_MESSAGE_REQUEST => Self::SendMessageRequest(Box::new(Part::read(e)?)),
            element::SEND_MESSAGE_RESPONSE => Self::SendMessageResponse(Part::read(e)?),
            element::NEW_MESSAGE => Self::NewMessage(Box::new(Part::read(e)?)),
            element::MESSAGE_DELIVERED => Self::MessageDelivered(Part::read(e)?),
            element::DELIVERY_REPORT_REQUEST => Self::DeliveryReportRequest(Box::new(Part::read(e)?)),
            element::SET_DELIVERY_METHOD_REQUEST => Self::SetDeliveryMethodRequest(Part::read(e)?),
            element::GET_MESSAGE_LIST_REQUEST => Self::GetMessageListRequest(Part::read(e)?),
            element::GET_MESSAGE_LIST_RESPONSE => Self::GetMessageListResponse(Part::read(e)?),
            element::GET_MESSAGE_REQUEST => Self::GetMessageRequest(Part::read(e)?),
            element::GET_MESSAGE_RESPONSE => Self::GetMessageResponse(Box::new(Part::read(e)?)),
            element::REJECT_MESSAGE_REQUEST => Self::RejectMessageRequest(Part::read(e)?),
            element::MESSAGE_NOTIFICATION => Self::MessageNotification(Box::new(Part::read(e)?)),
            element::FORWARD_MESSAGE_REQUEST => Self::ForwardMessageRequest(Box::new(Part::read(e)?)),
            element::FORWARD_MESSAGE_RESPONSE => Self::ForwardMessageResponse(Part::read(e)?),
            element::GET_BLOCKED_LIST_REQUEST => Self::GetBlockedListRequest,
            element::GET_BLOCKED_LIST_RESPONSE => Self::GetBlockedListResponse(Box::new(Part::read(e)?)),
            element::BLOCK_ENTITY_REQUEST => Self::BlockEntityRequest(Box::new(Part::read(e)?)),
            element::SYSTEM_MESSAGE_REQUEST => Self::SystemMessageRequest(Part::read(e)?),
            element::SYSTEM_MESSAGE_USER => Self::SystemMessageUser(Part::read(e)?),
            element::GET_SEGMENT_REQUEST => Self::GetSegmentRequest(Part::read(e)?),
            element::GET_SEGMENT_RESPONSE => Self::GetSegmentResponse(Part::read(e)?),
            element::DROP_SEGMENT_REQUEST => Self::DropSegmentRequest(Part::read(e)?),
            other => Self::Other(PrimitiveName::Known(other)),
        })
    }

    /// Writes its element.
    pub(crate) fn write(&self, sink: &mut dyn Sink) {
        match self {
            Self::Status(primitive) => primitive.write(sink),
            Self::PollingRequest => sink.empty(element::POLLING_REQUEST),
            Self::LoginRequest(primitive) => primitive.write(sink),
            Self::LoginResponse(primitive) => primitive.write(sink),
            Self::LogoutRequest => sink.empty(element::LOGOUT_REQUEST),
            Self::Disconnect(primitive) => primitive.write(sink),
            Self::KeepAliveRequest(primitive) => primitive.write(sink),
            Self::KeepAliveResponse(primitive) => primitive.write(sink),
            Self::ServiceRequest(primitive) => primitive.write(sink),
            Self::ServiceResponse(primitive) => primitive.write(sink),
            Self::ClientCapabilityRequest(primitive) => primitive.write(sink),
            Self::ClientCapabilityResponse(primitive) => primitive.write(sink),
            Self::GetListRequest => sink.empty(element::GET_LIST_REQUEST),
            Self::GetListResponse(primitive) => primitive.write(sink),
            Self::CreateListRequest(primitive) => primitive.write(sink),
            Self::CreateListResponse(primitive) => primitive.write(sink),
            Self::DeleteListRequest(primitive) => primitive.write(sink),
            Self::ListManageRequest(primitive) => primitive.write(sink),
            Self::ListManageResponse(primitive) => primitive.write(sink),
            Self::SubscribePresenceRequest(primitive) => primitive.write(sink),
            Self::UnsubscribePresenceRequest(primitive) => primitive.write(sink),
            Self::PresenceNotificationRequest(primitive) => primitive.write(sink),
            Self::GetPresenceRequest(primitive) => primitive.write(sink),
            Self::GetPresenceResponse(primitive) => primitive.write(sink),
            Self::UpdatePresenceRequest(primitive) => primitive.write(sink),
            Self::PresenceAuthRequest(primitive) => primitive.write(sink),
            Self::PresenceAuthUser(primitive) => primitive.write(sink),
            Self::CancelAuthRequest(primitive) => primitive.write(sink),
            Self::SendMessageRequest(primitive) => primitive.write(sink),
            Self::SendMessageResponse(primitive) => primitive.write(sink),
            Self::NewMessage(primitive) => primitive.write(sink),
            Self::MessageDelivered(primitive) => primitive.write(sink),
            Self::DeliveryReportRequest(primitive) => primitive.write(sink),
            Self::SetDeliveryMethodRequest(primitive) => primitive.write(sink),
            Self::GetMessageListRequest(primitive) => primitive.write(sink),
            Self::GetMessageListResponse(primitive) => primitive.write(sink),
            Self::GetMessageRequest(primitive) => primitive.write(sink),
            Self::GetMessageResponse(primitive) => primitive.write(sink),
            Self::RejectMessageRequest(primitive) => primitive.write(sink),
            Self::MessageNotification(primitive) => primitive.write(sink),
            Self::ForwardMessageRequest(primitive) => primitive.write(sink),
            Self::ForwardMessageResponse(primitive) => primitive.write(sink),
            Self::GetBlockedListRequest => sink.empty(element::GET_BLOCKED_LIST_REQUEST),
            Self::GetBlockedListResponse(primitive) => primitive.write(sink),
            Self::BlockEntityRequest(primitive) => primitive.write(sink),
            Self::SystemMessageRequest(primitive) => primitive.write(sink),
            Self::SystemMessageUser(primitive) => primitive.write(sink),
            Self::GetSegmentRequest(primitive) => primitive.write(sink),
            Self::GetSegmentResponse(primitive) => primitive.write(sink),
            Self::DropSegmentRequest(primitive) => primitive.write(sink),
            Self::Other(PrimitiveName::Known(name)) => sink.empty(*name),
            Self::Other(PrimitiveName::Vendor(name)) => {
                sink.open_vendor(name, None);
                sink.close();
            }
        }
    }
}

impl From<Status> for Primitive {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

/// The place of each primitive in the service tree; what is not listed needs nothing.
fn function_need(name: ElementName) -> FunctionNeed {
    NEEDS.iter().find(|(known, _)| *known == name).map_or(FunctionNeed::Nothing, |(_, need)| *need)
}

const fn leaf(function: Function) -> FunctionNeed {
    FunctionNeed::Function(function)
}

const NEEDS: &[(ElementName, FunctionNeed)] = &[
    (element::GET_SP_INFO_REQUEST, leaf(Function::Getspi)),
    (element::GET_MAP_REQUEST, leaf(Function::Getmap)),
    (element::GET_SEGMENT_REQUEST, leaf(Function::Sgmnt)),
    (element::DROP_SEGMENT_REQUEST, leaf(Function::Sgmnt)),
    (element::SEARCH_REQUEST, leaf(Function::Srch)),
    (element::STOP_SEARCH_REQUEST, leaf(Function::Stsrc)),
    (element::INVITE_REQUEST, leaf(Function::Invit)),
    (element::INVITE_USER_REQUEST, leaf(Function::Invit)),
    (element::INVITE_USER_RESPONSE, leaf(Function::Invit)),
    (element::INVITE_RESPONSE, leaf(Function::Invit)),
    (element::CANCEL_INVITE_REQUEST, leaf(Function::Cainv)),
    (element::CANCEL_INVITE_USER_REQUEST, leaf(Function::Cainv)),
    (element::VERIFY_ID_REQUEST, leaf(Function::Vrid)),
    (element::GET_LIST_REQUEST, leaf(Function::Gcli)),
    (element::CREATE_LIST_REQUEST, leaf(Function::Ccli)),
    (element::DELETE_LIST_REQUEST, leaf(Function::Dcli)),
    (element::LIST_MANAGE_REQUEST, leaf(Function::Mcls)),
    (element::GET_WATCHER_LIST_REQUEST, leaf(Function::Getwl)),
    (element::PRESENCE_AUTH_REQUEST, leaf(Function::React)),
    (element::PRESENCE_AUTH_USER, leaf(Function::React)),
    (element::CANCEL_AUTH_REQUEST, leaf(Function::Caaut)),
    (element::GET_REACTIVE_AUTH_STATUS_REQUEST, leaf(Function::Getaut)),
    (element::GET_PRESENCE_REQUEST, leaf(Function::Getpr)),
    (element::UPDATE_PRESENCE_REQUEST, leaf(Function::Updpr)),
    (element::SUBSCRIBE_PRESENCE_REQUEST, FunctionNeed::Feature(Feature::Presence)),
    (element::UNSUBSCRIBE_PRESENCE_REQUEST, FunctionNeed::Feature(Feature::Presence)),
    (element::PRESENCE_NOTIFICATION_REQUEST, FunctionNeed::Feature(Feature::Presence)),
    (element::CREATE_ATTRIBUTE_LIST_REQUEST, leaf(Function::Cali)),
    (element::DELETE_ATTRIBUTE_LIST_REQUEST, leaf(Function::Dali)),
    (element::GET_ATTRIBUTE_LIST_REQUEST, leaf(Function::Gals)),
    (element::SEND_MESSAGE_REQUEST, FunctionNeed::Feature(Feature::Message)),
    (element::DELIVERY_REPORT_REQUEST, leaf(Function::Mdeliv)),
    (element::FORWARD_MESSAGE_REQUEST, leaf(Function::Fwmsg)),
    (element::SET_DELIVERY_METHOD_REQUEST, leaf(Function::Setd)),
    (element::GET_MESSAGE_LIST_REQUEST, leaf(Function::Getlm)),
    (element::GET_MESSAGE_REQUEST, leaf(Function::Getm)),
    (element::REJECT_MESSAGE_REQUEST, leaf(Function::Rejcm)),
    (element::MESSAGE_NOTIFICATION, leaf(Function::Notif)),
    (element::NEW_MESSAGE, leaf(Function::Newm)),
    (element::MESSAGE_DELIVERED, FunctionNeed::Feature(Feature::Message)),
    (element::GET_BLOCKED_LIST_REQUEST, leaf(Function::Glblu)),
    (element::BLOCK_ENTITY_REQUEST, leaf(Function::Blent)),
    (element::CREATE_GROUP_REQUEST, leaf(Function::Creag)),
    (element::DELETE_GROUP_REQUEST, leaf(Function::Delgr)),
    (element::GET_GROUP_PROPS_REQUEST, leaf(Function::Getgp)),
    (element::SET_GROUP_PROPS_REQUEST, leaf(Function::Setgp)),
    (element::JOIN_GROUP_REQUEST, FunctionNeed::Feature(Feature::Group)),
    (element::LEAVE_GROUP_REQUEST, FunctionNeed::Feature(Feature::Group)),
    (element::SUBSCRIBE_GROUP_NOTICE_REQUEST, leaf(Function::Subgcn)),
    (element::GROUP_CHANGE_NOTICE, leaf(Function::Grchn)),
    (element::EXTEND_CONVERSATION_REQUEST, leaf(Function::Excon)),
    (element::GET_GROUP_MEMBERS_REQUEST, leaf(Function::Getgm)),
    (element::ADD_GROUP_MEMBERS_REQUEST, leaf(Function::Addgm)),
    (element::REMOVE_GROUP_MEMBERS_REQUEST, leaf(Function::Rmvgm)),
    (element::MEMBER_ACCESS_REQUEST, leaf(Function::Mbrac)),
    (element::REJECT_LIST_REQUEST, leaf(Function::Rejec)),
    (element::GET_JOINED_USERS_REQUEST, leaf(Function::Getju)),
];
