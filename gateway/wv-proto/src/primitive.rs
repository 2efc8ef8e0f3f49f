//! The messages of the protocol as types: what a client and a server say to each other.

pub mod access;
pub mod attribute_list;
pub mod block;
pub mod capability;
pub mod contact_list;
pub mod delivery;
pub mod discovery;
pub mod envelope;
pub(crate) mod field;
pub mod function;
pub mod group;
pub mod identifier;
pub mod invitation;
pub mod map;
pub mod message;
mod need;
pub mod notification;
pub mod party;
pub mod presence;
pub mod profile;
pub mod provider;
pub mod search;
pub mod segment;
pub mod service;
pub(crate) mod service_tree;
pub mod system_message;
pub mod watcher;

pub use envelope::{Envelope, Malformed, SessionDescriptor, Transaction, TransactionMode};

use crate::codec::sink::Sink;
use crate::codec::tree::{Element, Name};
use crate::schema::{ElementName, element};
use crate::status::StatusResult;
use access::{Disconnect, KeepAliveRequest, KeepAliveResponse, LoginRequest, LoginResponse, Status};
use attribute_list::{
    CreateAttributeListRequest, DeleteAttributeListRequest, GetAttributeListRequest, GetAttributeListResponse,
};
use block::{BlockEntityRequest, GetBlockedListResponse};
use contact_list::{
    CreateListRequest, CreateListResponse, DeleteListRequest, GetListResponse, ListManageRequest, ListManageResponse,
};
use delivery::{
    ForwardMessageRequest, ForwardMessageResponse, GetMessageListRequest, GetMessageListResponse, GetMessageRequest,
    GetMessageResponse, MessageNotification, RejectMessageRequest, SetDeliveryMethodRequest,
};
use field::Part;
use function::FunctionNeed;
use group::{
    AddGroupMembersRequest, CreateGroupRequest, DeleteGroupRequest, GetGroupMembersRequest, GetGroupMembersResponse,
    GetGroupPropsRequest, GetGroupPropsResponse, GetJoinedUsersRequest, GetJoinedUsersResponse, GroupChangeNotice,
    JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse, MemberAccessRequest, RejectListRequest,
    RejectListResponse, RemoveGroupMembersRequest, SetGroupPropsRequest, SubscribeGroupNoticeRequest,
    SubscribeGroupNoticeResponse,
};
use invitation::{
    CancelInviteRequest, CancelInviteUserRequest, ExtendConversationRequest, ExtendConversationResponse, InviteRequest,
    InviteResponse, InviteUserRequest, InviteUserResponse,
};
use map::{GetMapRequest, GetMapResponse};
use message::{DeliveryReportRequest, MessageDelivered, NewMessage, SendMessageRequest, SendMessageResponse};
use notification::{NotificationRequest, SubscribeNotificationRequest, UnsubscribeNotificationRequest};
use presence::{
    CancelAuthRequest, GetPresenceRequest, GetPresenceResponse, PresenceAuthRequest, PresenceAuthUser,
    PresenceNotificationRequest, SubscribePresenceRequest, UnsubscribePresenceRequest, UpdatePresenceRequest,
};
use profile::{GetPublicProfileRequest, GetPublicProfileResponse, UpdatePublicProfileRequest};
use provider::{GetSpInfoRequest, GetSpInfoResponse, VerifyIdRequest};
use search::{SearchRequest, SearchResponse, StopSearchRequest};
use segment::{DropSegmentRequest, GetSegmentRequest, GetSegmentResponse};
use service::{ClientCapabilityRequest, ClientCapabilityResponse, ServiceRequest, ServiceResponse};
use std::fmt;
use system_message::{SystemMessageRequest, SystemMessageUser};
use watcher::{
    GetReactiveAuthStatusRequest, GetReactiveAuthStatusResponse, GetWatcherListRequest, GetWatcherListResponse,
};

/// Declares the primitives. A row is the name of the variant, which is that of the type it holds, and of the element.
macro_rules! primitives {
    (
        empty { $($empty:ident $empty_element:ident,)+ }
        plain { $($plain:ident $plain_element:ident,)+ }
        boxed { $($boxed:ident $boxed_element:ident,)+ }
        result { $($result:ident,)+ }
    ) => {
        /// One message of the protocol.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each variant holds the primitive of its name")]
        pub enum Primitive {
            $($empty,)+
            $($plain($plain),)+
            $($boxed(Box<$boxed>),)+
            /// Any other primitive: only its name is kept, so that it can be refused in its own transaction.
            Other(PrimitiveName),
        }

        impl Primitive {
            /// The elements of all primitives that are understood.
            pub const ELEMENTS: &'static [ElementName] = &[
                $(element::$empty_element,)+
                $(element::$plain_element,)+
                $(element::$boxed_element,)+
            ];

            /// The name of its element.
            #[must_use]
            pub fn name(&self) -> PrimitiveName {
                PrimitiveName::Known(match self {
                    $(Self::$empty => element::$empty_element,)+
                    $(Self::$plain(_) => element::$plain_element,)+
                    $(Self::$boxed(_) => element::$boxed_element,)+
                    Self::Other(name) => return name.clone(),
                })
            }

            /// The Result it carries, if it is an answer or an end of session.
            #[must_use]
            pub fn result(&self) -> Option<&StatusResult> {
                match self {
                    $(Self::$result(primitive) => Some(&primitive.result),)+
                    _ => None,
                }
            }

            fn read_named(name: ElementName, e: Element<'_, '_>) -> Result<Self, envelope::MalformedReason> {
                Ok(match name {
                    $(element::$empty_element => Self::$empty,)+
                    $(element::$plain_element => Self::$plain(Part::read(e)?),)+
                    $(element::$boxed_element => Self::$boxed(Box::new(Part::read(e)?)),)+
                    other => Self::Other(PrimitiveName::Known(other)),
                })
            }

            /// Writes its element.
            pub(crate) fn write(&self, sink: &mut dyn Sink) {
                match self {
                    $(Self::$empty => sink.empty(element::$empty_element),)+
                    $(Self::$plain(primitive) => primitive.write(sink),)+
                    $(Self::$boxed(primitive) => primitive.write(sink),)+
                    Self::Other(PrimitiveName::Known(name)) => sink.empty(*name),
                    Self::Other(PrimitiveName::Vendor(name)) => {
                        sink.open_vendor(name, None);
                        sink.close();
                    }
                }
            }
        }
    };
}

primitives! {
    empty {
        PollingRequest POLLING_REQUEST,
        LogoutRequest LOGOUT_REQUEST,
        GetListRequest GET_LIST_REQUEST,
        GetBlockedListRequest GET_BLOCKED_LIST_REQUEST,
    }
    plain {
        Status STATUS,
        Disconnect DISCONNECT,
        KeepAliveRequest KEEP_ALIVE_REQUEST,
        KeepAliveResponse KEEP_ALIVE_RESPONSE,
        ServiceRequest SERVICE_REQUEST,
        ServiceResponse SERVICE_RESPONSE,
        GetListResponse GET_LIST_RESPONSE,
        CreateListRequest CREATE_LIST_REQUEST,
        CreateListResponse CREATE_LIST_RESPONSE,
        DeleteListRequest DELETE_LIST_REQUEST,
        ListManageRequest LIST_MANAGE_REQUEST,
        ListManageResponse LIST_MANAGE_RESPONSE,
        SubscribePresenceRequest SUBSCRIBE_PRESENCE_REQUEST,
        UnsubscribePresenceRequest UNSUBSCRIBE_PRESENCE_REQUEST,
        PresenceNotificationRequest PRESENCE_NOTIFICATION_REQUEST,
        GetPresenceRequest GET_PRESENCE_REQUEST,
        GetPresenceResponse GET_PRESENCE_RESPONSE,
        UpdatePresenceRequest UPDATE_PRESENCE_REQUEST,
        PresenceAuthRequest PRESENCE_AUTH_REQUEST,
        PresenceAuthUser PRESENCE_AUTH_USER,
        CancelAuthRequest CANCEL_AUTH_REQUEST,
        GetWatcherListRequest GET_WATCHER_LIST_REQUEST,
        GetReactiveAuthStatusRequest GET_REACTIVE_AUTH_STATUS_REQUEST,
        GetReactiveAuthStatusResponse GET_REACTIVE_AUTH_STATUS_RESPONSE,
        SubscribeNotificationRequest SUBSCRIBE_NOTIFICATION_REQUEST,
        UnsubscribeNotificationRequest UNSUBSCRIBE_NOTIFICATION_REQUEST,
        GetPublicProfileRequest GET_PUBLIC_PROFILE_REQUEST,
        GetSpInfoRequest GET_SP_INFO_REQUEST,
        StopSearchRequest STOP_SEARCH_REQUEST,
        SendMessageResponse SEND_MESSAGE_RESPONSE,
        MessageDelivered MESSAGE_DELIVERED,
        DeleteGroupRequest DELETE_GROUP_REQUEST,
        LeaveGroupRequest LEAVE_GROUP_REQUEST,
        LeaveGroupResponse LEAVE_GROUP_RESPONSE,
        GetGroupMembersRequest GET_GROUP_MEMBERS_REQUEST,
        AddGroupMembersRequest ADD_GROUP_MEMBERS_REQUEST,
        RemoveGroupMembersRequest REMOVE_GROUP_MEMBERS_REQUEST,
        GetGroupPropsRequest GET_GROUP_PROPS_REQUEST,
        RejectListRequest REJECT_LIST_REQUEST,
        RejectListResponse REJECT_LIST_RESPONSE,
        SubscribeGroupNoticeRequest SUBSCRIBE_GROUP_NOTICE_REQUEST,
        SubscribeGroupNoticeResponse SUBSCRIBE_GROUP_NOTICE_RESPONSE,
        GetJoinedUsersRequest GET_JOINED_USERS_REQUEST,
        ExtendConversationResponse EXTEND_CONVERSATION_RESPONSE,
        SetDeliveryMethodRequest SET_DELIVERY_METHOD_REQUEST,
        GetMessageListRequest GET_MESSAGE_LIST_REQUEST,
        GetMessageListResponse GET_MESSAGE_LIST_RESPONSE,
        GetMessageRequest GET_MESSAGE_REQUEST,
        RejectMessageRequest REJECT_MESSAGE_REQUEST,
        ForwardMessageResponse FORWARD_MESSAGE_RESPONSE,
        SystemMessageRequest SYSTEM_MESSAGE_REQUEST,
        SystemMessageUser SYSTEM_MESSAGE_USER,
        GetSegmentRequest GET_SEGMENT_REQUEST,
        GetSegmentResponse GET_SEGMENT_RESPONSE,
        DropSegmentRequest DROP_SEGMENT_REQUEST,
    }
    boxed {
        LoginRequest LOGIN_REQUEST,
        LoginResponse LOGIN_RESPONSE,
        ClientCapabilityRequest CLIENT_CAPABILITY_REQUEST,
        ClientCapabilityResponse CLIENT_CAPABILITY_RESPONSE,
        CreateAttributeListRequest CREATE_ATTRIBUTE_LIST_REQUEST,
        DeleteAttributeListRequest DELETE_ATTRIBUTE_LIST_REQUEST,
        GetAttributeListRequest GET_ATTRIBUTE_LIST_REQUEST,
        GetAttributeListResponse GET_ATTRIBUTE_LIST_RESPONSE,
        GetWatcherListResponse GET_WATCHER_LIST_RESPONSE,
        NotificationRequest NOTIFICATION_REQUEST,
        GetPublicProfileResponse GET_PUBLIC_PROFILE_RESPONSE,
        UpdatePublicProfileRequest UPDATE_PUBLIC_PROFILE_REQUEST,
        GetSpInfoResponse GET_SP_INFO_RESPONSE,
        SearchRequest SEARCH_REQUEST,
        SearchResponse SEARCH_RESPONSE,
        VerifyIdRequest VERIFY_ID_REQUEST,
        GetMapRequest GET_MAP_REQUEST,
        GetMapResponse GET_MAP_RESPONSE,
        SendMessageRequest SEND_MESSAGE_REQUEST,
        NewMessage NEW_MESSAGE,
        DeliveryReportRequest DELIVERY_REPORT_REQUEST,
        CreateGroupRequest CREATE_GROUP_REQUEST,
        JoinGroupRequest JOIN_GROUP_REQUEST,
        JoinGroupResponse JOIN_GROUP_RESPONSE,
        GetGroupMembersResponse GET_GROUP_MEMBERS_RESPONSE,
        MemberAccessRequest MEMBER_ACCESS_REQUEST,
        GetGroupPropsResponse GET_GROUP_PROPS_RESPONSE,
        SetGroupPropsRequest SET_GROUP_PROPS_REQUEST,
        GroupChangeNotice GROUP_CHANGE_NOTICE,
        GetJoinedUsersResponse GET_JOINED_USERS_RESPONSE,
        InviteRequest INVITE_REQUEST,
        InviteUserRequest INVITE_USER_REQUEST,
        InviteUserResponse INVITE_USER_RESPONSE,
        InviteResponse INVITE_RESPONSE,
        CancelInviteRequest CANCEL_INVITE_REQUEST,
        CancelInviteUserRequest CANCEL_INVITE_USER_REQUEST,
        ExtendConversationRequest EXTEND_CONVERSATION_REQUEST,
        GetMessageResponse GET_MESSAGE_RESPONSE,
        MessageNotification MESSAGE_NOTIFICATION,
        ForwardMessageRequest FORWARD_MESSAGE_REQUEST,
        GetBlockedListResponse GET_BLOCKED_LIST_RESPONSE,
        BlockEntityRequest BLOCK_ENTITY_REQUEST,
    }
    result {
        Status,
        LoginResponse,
        Disconnect,
        KeepAliveResponse,
        ListManageResponse,
        GetPresenceResponse,
        GetAttributeListResponse,
        GetPublicProfileResponse,
        SendMessageResponse,
        DeliveryReportRequest,
        LeaveGroupResponse,
        ExtendConversationResponse,
    }
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
    /// Its place in the service tree.
    #[must_use]
    pub fn function_group(&self) -> FunctionNeed {
        match self.name() {
            PrimitiveName::Known(name) => function_need(name),
            PrimitiveName::Vendor(_) => FunctionNeed::Nothing,
        }
    }

    /// Reads the primitive that an element is.
    pub(crate) fn read(element: Element<'_, '_>) -> Result<Self, Malformed> {
        let name = match element.name() {
            Name::Known(name) => name,
            Name::Vendor { name, .. } => return Ok(Self::Other(PrimitiveName::Vendor(name.into()))),
        };
        Self::read_named(name, element).map_err(|reason| Malformed { name: Some(PrimitiveName::Known(name)), reason })
    }
}

impl From<Status> for Primitive {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

/// The place of each primitive in the service tree; what is not listed needs nothing.
fn function_need(name: ElementName) -> FunctionNeed {
    need::NEEDS.iter().find(|(known, _)| *known == name).map_or(FunctionNeed::Nothing, |(_, need)| *need)
}
