//! The primitives of SSP, typed.

mod group;
mod invitation;
mod message;
mod presence;
mod roster;

pub use group::{
    GetGroupPropsResponse, GroupChangeNotice, GroupQuestion, GroupQuestionKind, GroupStatus, JoinGroupRequest,
    JoinGroupResponse, LeaveGroupIndication, SetGroupPropsRequest,
};
pub use invitation::{CancelInviteRequest, InviteBody, InviteRequest, InviteResponse};
pub use message::{DeliveryStatusReport, SendMessageRequest, SendMessageResponse};
pub use presence::{
    GetPresenceRequest, GetPresenceResponse, PresenceNotification, SubscribeRequest, UnsubscribeRequest,
};
pub use roster::{
    GetJoinedUsersResponse, Mapping, MemberAccessRequest, MembersRequest, MembersResponse, RejectListRequest,
    RejectListResponse, Roles,
};

use super::{
    field::{Fault, Part},
    part::MetaInfo,
};
use crate::{
    codec::{sink::Sink, tree::Element},
    status::StatusResult,
};

macro_rules! primitives {
    ($($name:ident $kind:ty,)+) => {
        /// One primitive.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the names are those of the elements")]
        pub enum Primitive {
            $($name($kind),)+
            /// A request about a group that says nothing but which.
            GroupQuestion(GroupQuestion),
            /// AddGroupMemberRequest or RemoveGroupMemberRequest.
            Members(MembersRequest),
        }

        impl Primitive {
            /// The name of its element.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)+
                    Self::GroupQuestion(question) => question.kind.name(),
                    Self::Members(request) => request.name(),
                }
            }

            /// Reads it by the name of its element; none where the name is not known.
            pub(super) fn read(element: Element<'_, '_>) -> Option<Result<Self, Fault>> {
                let name = element.local_name();
                $(if name == stringify!($name) {
                    return Some(Part::read(element).map(Self::$name));
                })+
                if let Some(kind) = GroupQuestionKind::of_name(name) {
                    return Some(GroupQuestion::read(kind, element).map(Self::GroupQuestion));
                }
                MembersRequest::read(element).map(|request| request.map(Self::Members))
            }

            pub(super) fn write(&self, sink: &mut dyn Sink) {
                match self {
                    $(Self::$name(inner) => Part::write(inner, sink),)+
                    Self::GroupQuestion(question) => question.write(sink),
                    Self::Members(request) => request.write(sink),
                }
            }
        }
    };
}

primitives! {
    Status StatusResult,
    InviteRequest Box<InviteRequest>,
    InviteResponse Box<InviteResponse>,
    CancelInviteRequest Box<CancelInviteRequest>,
    SubscribeRequest Box<SubscribeRequest>,
    UnsubscribeRequest Box<UnsubscribeRequest>,
    PresenceNotification PresenceNotification,
    GetPresenceRequest Box<GetPresenceRequest>,
    GetPresenceResponse GetPresenceResponse,
    SendMessageRequest Box<SendMessageRequest>,
    SendMessageResponse SendMessageResponse,
    DeliveryStatusReport Box<DeliveryStatusReport>,
    JoinGroupRequest Box<JoinGroupRequest>,
    JoinGroupResponse Box<JoinGroupResponse>,
    LeaveGroupIndication LeaveGroupIndication,
    GetGroupMemberResponse MembersResponse,
    GetJoinedUsersResponse Box<GetJoinedUsersResponse>,
    MemberAccessRequest Box<MemberAccessRequest>,
    GetGroupPropsResponse Box<GetGroupPropsResponse>,
    SetGroupPropsRequest Box<SetGroupPropsRequest>,
    RejectListRequest Box<RejectListRequest>,
    RejectListResponse RejectListResponse,
    GetGroupSubStatusResponse GroupStatus,
    GroupChangeNotice Box<GroupChangeNotice>,
}

impl<P: Part> Part for Box<P> {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        P::read(element).map(Self::new)
    }

    fn write(&self, sink: &mut dyn Sink) {
        P::write(self, sink);
    }
}

impl Primitive {
    /// On whose behalf the request comes; none where the primitive has no MetaInfo.
    #[must_use]
    pub fn meta(&self) -> Option<&MetaInfo> {
        match self {
            Self::InviteRequest(request) => Some(&request.meta),
            Self::InviteResponse(request) => Some(&request.meta),
            Self::CancelInviteRequest(request) => Some(&request.meta),
            Self::SubscribeRequest(request) => Some(&request.meta),
            Self::UnsubscribeRequest(request) => Some(&request.meta),
            Self::GetPresenceRequest(request) => Some(&request.meta),
            Self::SendMessageRequest(request) => Some(&request.meta),
            Self::DeliveryStatusReport(report) => Some(&report.meta),
            Self::JoinGroupRequest(request) => Some(&request.meta),
            Self::MemberAccessRequest(request) => Some(&request.meta),
            Self::SetGroupPropsRequest(request) => Some(&request.meta),
            Self::RejectListRequest(request) => Some(&request.meta),
            Self::GroupChangeNotice(notice) => Some(&notice.meta),
            Self::GroupQuestion(question) => Some(&question.meta),
            Self::Members(request) => Some(&request.meta),
            Self::Status(_)
            | Self::PresenceNotification(_)
            | Self::GetPresenceResponse(_)
            | Self::SendMessageResponse(_)
            | Self::JoinGroupResponse(_)
            | Self::LeaveGroupIndication(_)
            | Self::GetGroupMemberResponse(_)
            | Self::GetJoinedUsersResponse(_)
            | Self::GetGroupPropsResponse(_)
            | Self::RejectListResponse(_)
            | Self::GetGroupSubStatusResponse(_) => None,
        }
    }

    /// Whether a request of this kind is answered. The known server sends nothing for the others, and a Status that
    /// comes all the same is taken.
    // WV-SSP-08
    #[must_use]
    pub const fn expects_answer(&self) -> bool {
        !matches!(
            self,
            Self::PresenceNotification(_)
                | Self::DeliveryStatusReport(_)
                | Self::GroupChangeNotice(_)
                | Self::InviteResponse(_)
        )
    }

    /// Whether it says a result and little more.
    #[must_use]
    pub fn is_brief(&self) -> bool {
        let (Self::Status(status) | Self::SendMessageResponse(SendMessageResponse { status, .. })) = self else {
            return false;
        };
        status.detailed.len() <= DETAILS_OF_BRIEF_MAX
    }

    /// The result that an answer carries; none where it carries none, which is success.
    #[must_use]
    pub const fn status(&self) -> Option<&StatusResult> {
        match self {
            Self::Status(status) => Some(status),
            Self::GetPresenceResponse(response) => response.status.as_ref(),
            Self::SendMessageResponse(response) => Some(&response.status),
            Self::JoinGroupResponse(response) => Some(&response.status),
            Self::LeaveGroupIndication(indication) => indication.status.as_ref(),
            Self::GetGroupMemberResponse(response) => response.status.as_ref(),
            Self::GetJoinedUsersResponse(response) => response.status.as_ref(),
            Self::GetGroupPropsResponse(response) => response.status.as_ref(),
            Self::RejectListResponse(response) => response.status.as_ref(),
            Self::GetGroupSubStatusResponse(response) => response.status.as_ref(),
            _ => None,
        }
    }
}

/// Detailed results in an answer that says little more than a result.
const DETAILS_OF_BRIEF_MAX: usize = 4;
