//! The requests that a session answers itself, and what it hands to its owner.

use super::{Closing, Command, ServerSession, State};
use crate::primitive::access::{Disconnect, KeepAliveRequest, KeepAliveResponse, Status};
use crate::primitive::capability::DeliveryMethod;
use crate::primitive::delivery::SetDeliveryMethodRequest;
use crate::primitive::service::{CapabilityAnswer, ClientCapabilityRequest, ServiceRequest};
use crate::primitive::{Primitive, PrimitiveName};
use crate::quirk::{Quirk, QuirkSet};
use crate::schema::element;
use crate::session::keep_alive::{CorrectionStyle, Grant};
use crate::session::negotiation::name_session;
use crate::session::time::Timestamp;
use crate::session::transaction::Ticket;
use crate::status::{StatusCode, StatusResult};
use crate::version::Version;
use std::sync::Arc;

impl ServerSession {
    /// Answers a request, or hands it to the owner.
    pub(super) fn request(&mut self, now: Timestamp, ticket: Ticket, primitive: Primitive) {
        if !self.is_established() {
            // A logout before it in the same message ended the session.
            return self.answer(now, ticket, status(StatusCode::INVALID_SESSION));
        }
        // WV-SES-01
        match primitive {
            Primitive::KeepAliveRequest(request) => {
                let answer = self.keep_alive_answer(now, &request);
                self.answer(now, ticket, answer);
            }
            Primitive::ServiceRequest(request) => self.serve(now, ticket, &request),
            Primitive::ClientCapabilityRequest(request) => self.describe(now, ticket, *request),
            Primitive::LogoutRequest => self.log_out(now, ticket),
            request => match self.refusal(&request) {
                Some(code) => self.answer(now, ticket, status(code)),
                None => match request {
                    // Who takes part in a group is known to the owner only.
                    Primitive::SetDeliveryMethodRequest(request) if request.group_id.is_none() || is_odd(&request) => {
                        self.set_delivery(now, ticket, &request);
                    }
                    request => self.commands.push_back(Command::Execute { ticket, primitive: request }),
                },
            },
        }
    }

    /// The code that refuses a request before the owner sees it.
    fn refusal(&self, request: &Primitive) -> Option<StatusCode> {
        if is_foreign(request) {
            // WV-SES-05
            return Some(StatusCode::BAD_REQUEST);
        }
        let need = request.function_group();
        let refused = self.negotiated.refusal(need, &self.policy.offer, self.party.version);
        if request.name() == PrimitiveName::Known(element::EXTENDED_REQUEST) {
            // WV-EXT-01
            return refused.or(Some(StatusCode::SERVICE_NOT_SUPPORTED));
        }
        // WV-SES-03
        if let Primitive::Other(PrimitiveName::Known(_) | PrimitiveName::Vendor(_)) = request {
            return refused.or(Some(StatusCode::NOT_IMPLEMENTED));
        }
        refused
    }

    fn keep_alive_answer(&mut self, now: Timestamp, request: &KeepAliveRequest) -> Primitive {
        let Some(wish) = request.time_to_live else {
            return keep_alive_response(StatusCode::SUCCESS, None);
        };
        match (Grant::decide(Some(wish), &self.policy.limits), self.policy.correction) {
            (Grant::AsWished(granted), CorrectionStyle::Correct | CorrectionStyle::Refuse) => {
                self.keep_alive.change(now, granted);
                self.commands.push_back(Command::Changed);
                // WV-KEEP-03
                keep_alive_response(StatusCode::SUCCESS, None)
            }
            (Grant::Corrected(granted), CorrectionStyle::Correct) => {
                // WV-KEEP-04
                self.keep_alive.change(now, granted);
                self.commands.push_back(Command::Changed);
                keep_alive_response(StatusCode::SUCCESS, Some(granted))
            }
            (Grant::Corrected(_), CorrectionStyle::Refuse) => {
                keep_alive_response(StatusCode::NEW_VALUE_NOT_ACCEPTED, Some(self.keep_alive.granted()))
            }
        }
    }

    fn serve(&mut self, now: Timestamp, ticket: Ticket, request: &ServiceRequest) {
        let policy = Arc::clone(&self.policy);
        let response = self.negotiated.serve(request, &policy.offer, self.party.version);
        // WV-SES-02
        self.state = State::Active;
        self.agreed();
        self.answer(now, ticket, Primitive::ServiceResponse(response));
    }

    fn describe(&mut self, now: Timestamp, ticket: Ticket, request: ClientCapabilityRequest) {
        let policy = Arc::clone(&self.policy);
        let mut response = self.negotiated.describe(request, &policy.offer, self.party.version, &policy.limits);
        if let CapabilityAnswer::Agreed(agreed) = &mut response.capabilities {
            name_session(agreed, &self.party.session_id);
        }
        self.outbox.agree(self.negotiated.multi_trans(), self.negotiated.parser_size());
        self.agreed();
        self.answer(now, ticket, Primitive::ClientCapabilityResponse(Box::new(response)));
    }

    // WV-MSG-13
    fn set_delivery(&mut self, now: Timestamp, ticket: Ticket, request: &SetDeliveryMethodRequest) {
        if is_odd(request) {
            return self.answer(now, ticket, status(StatusCode::BAD_PARAMETER));
        }
        self.negotiated.set_delivery(request);
        self.agreed();
        self.answer(now, ticket, status(StatusCode::SUCCESS));
    }

    /// The client takes part in the group: its messages come in this way from now on.
    // WV-MSG-13
    pub fn set_group_delivery(&mut self, request: &SetDeliveryMethodRequest) {
        self.negotiated.set_group_delivery(request);
    }

    fn agreed(&mut self) {
        self.commands.push_back(Command::Negotiated(Box::new(self.negotiated.clone())));
        self.commands.push_back(Command::Changed);
    }

    // WV-OUT-01
    fn log_out(&mut self, now: Timestamp, ticket: Ticket) {
        let answer = match self.party.version {
            Version::V1_1 => Primitive::Disconnect(Disconnect { result: StatusResult::success() }),
            Version::V1_2 | Version::V1_3 => status(StatusCode::SUCCESS),
        };
        // Nothing more is announced to a client that leaves.
        self.state = State::Closed(Closing::LoggedOut);
        self.drop_held_poll();
        self.answer(now, ticket, answer);
        self.commands.push_back(Command::Closed(Closing::LoggedOut));
    }
}

const fn is_odd(request: &SetDeliveryMethodRequest) -> bool {
    matches!(request.method, DeliveryMethod::Other(_))
}

/// The answer as this client can take it.
// WV-SES-06
pub(super) fn tamed(mut answer: Primitive, quirks: QuirkSet) -> Primitive {
    let result = match &mut answer {
        Primitive::Status(status) => Some(&mut status.result),
        Primitive::ListManageResponse(response) => Some(&mut response.result),
        Primitive::GetPresenceResponse(response) => Some(&mut response.result),
        Primitive::SendMessageResponse(response) => Some(&mut response.result),
        Primitive::GetAttributeListResponse(response) => Some(&mut response.result),
        Primitive::GetPublicProfileResponse(response) => Some(&mut response.result),
        _ => None,
    };
    if let Some(result) = result {
        let number = result.code.number();
        // QUIRK no_201: takes every code but 200 for a failure, so an answer 201 becomes 200; Android.
        let is_mixed = result.code == StatusCode::PARTIALLY_SUCCESSFUL && quirks.has(Quirk::No201);
        if number < 200 || result.code == StatusCode::ACCEPTED || is_mixed {
            result.code = StatusCode::SUCCESS;
            result.description = None;
        }
    }
    answer
}

/// Whether a client never sends this as a request inside a session: only servers do, or only outside of sessions.
fn is_foreign(primitive: &Primitive) -> bool {
    matches!(
        primitive,
        Primitive::Status(_)
            | Primitive::LoginRequest(_)
            | Primitive::LoginResponse(_)
            | Primitive::Disconnect(_)
            | Primitive::KeepAliveResponse(_)
            | Primitive::ServiceResponse(_)
            | Primitive::ClientCapabilityResponse(_)
            | Primitive::GetListResponse(_)
            | Primitive::CreateListResponse(_)
            | Primitive::ListManageResponse(_)
            | Primitive::PresenceNotificationRequest(_)
            | Primitive::GetPresenceResponse(_)
            | Primitive::PresenceAuthRequest(_)
            | Primitive::GetAttributeListResponse(_)
            | Primitive::GetWatcherListResponse(_)
            | Primitive::GetReactiveAuthStatusResponse(_)
            | Primitive::NotificationRequest(_)
            | Primitive::GetPublicProfileResponse(_)
            | Primitive::GetSpInfoResponse(_)
            | Primitive::GetMapResponse(_)
            | Primitive::SearchResponse(_)
            | Primitive::SendMessageResponse(_)
            | Primitive::NewMessage(_)
            | Primitive::DeliveryReportRequest(_)
            | Primitive::GetMessageListResponse(_)
            | Primitive::GetMessageResponse(_)
            | Primitive::MessageNotification(_)
            | Primitive::ForwardMessageResponse(_)
            | Primitive::GetBlockedListResponse(_)
            | Primitive::SystemMessageRequest(_)
            | Primitive::GetSegmentResponse(_)
            | Primitive::JoinGroupResponse(_)
            | Primitive::LeaveGroupResponse(_)
            | Primitive::GetGroupMembersResponse(_)
            | Primitive::GetGroupPropsResponse(_)
            | Primitive::GetJoinedUsersResponse(_)
            | Primitive::RejectListResponse(_)
            | Primitive::SubscribeGroupNoticeResponse(_)
            | Primitive::GroupChangeNotice(_)
            | Primitive::InviteUserRequest(_)
            | Primitive::InviteResponse(_)
            | Primitive::CancelInviteUserRequest(_)
            | Primitive::ExtendConversationResponse(_)
    )
}

fn keep_alive_response(code: StatusCode, keep_alive_time: Option<std::time::Duration>) -> Primitive {
    Primitive::KeepAliveResponse(KeepAliveResponse { result: code.into(), keep_alive_time })
}

fn status(code: StatusCode) -> Primitive {
    Primitive::Status(Status::from(code))
}
