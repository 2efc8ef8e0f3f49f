//! Requests about messages that wait, about whom a user lets through, and about answers in slices.

use super::{Pending, Sessions, Shape};
use crate::wv::{
    session::to_wv,
    translate::{announcement, screening, watcher},
};
use mapping::{
    event::{InboxOperation, Operation},
    message::MessageId,
    outcome::Outcome,
    time::Timestamp,
};
use std::sync::Arc;
use wv_proto::{
    primitive::{
        Primitive,
        block::BlockEntityRequest,
        delivery::{ForwardMessageRequest, GetMessageListRequest},
        identifier::SessionId,
        party::Sender,
        segment::{DropSegmentRequest, GetSegmentRequest, GetSegmentResponse},
        system_message::SystemMessageUser,
    },
    session::transaction::Ticket,
    status::StatusCode,
};

impl Sessions {
    /// Executes a request of this kind.
    pub(super) fn execute_waiting(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, primitive: Primitive) {
        match primitive {
            Primitive::GetMessageListRequest(request) => self.list_messages(now, id, ticket, &request),
            Primitive::GetMessageRequest(request) => {
                let operation = InboxOperation::Fetch(MessageId::new(request.message_id.as_str()));
                self.request(id, ticket, Shape::Message, Operation::Inbox(operation), Vec::new());
            }
            // WV-MSG-06: accepted in either mode.
            Primitive::MessageDelivered(delivered) => {
                let operation = InboxOperation::Take(MessageId::new(delivered.message_id.as_str()));
                self.request(id, ticket, Shape::Status, Operation::Inbox(operation), Vec::new());
            }
            Primitive::RejectMessageRequest(request) => {
                let messages = request.message_ids.iter().map(|id| MessageId::new(id.as_str())).collect();
                let operation = InboxOperation::Reject(messages);
                self.request(id, ticket, Shape::Status, Operation::Inbox(operation), Vec::new());
            }
            Primitive::ForwardMessageRequest(request) => self.forward_message(now, id, ticket, &request),
            Primitive::GetBlockedListRequest => {
                let operation = Operation::Screen(mapping::screening::ScreeningChange::default());
                self.request(id, ticket, Shape::Screening, operation, Vec::new());
            }
            Primitive::BlockEntityRequest(request) => self.block_entity(now, id, ticket, &request),
            Primitive::SystemMessageUser(request) => self.answer_system_message(now, id, ticket, request),
            Primitive::GetSegmentRequest(request) => self.find_segment(now, id, ticket, &request),
            Primitive::DropSegmentRequest(request) => self.drop_segment(now, id, ticket, &request),
            // Everything else that a client may ask was answered by its machine; what is left are primitives of a server.
            _ => self.refuse_transaction(now, id, ticket, StatusCode::BAD_REQUEST),
        }
    }

    fn list_messages(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: &GetMessageListRequest) {
        if request.group_id.is_some() {
            // What was said in groups is not kept.
            return self.refuse_transaction(now, id, ticket, StatusCode::HISTORY_NOT_SUPPORTED);
        }
        let at_most = request.message_count.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        let operation = Operation::Inbox(InboxOperation::List { at_most });
        self.request(id, ticket, Shape::MessageList, operation, Vec::new());
    }

    // WV-MSG-11
    fn forward_message(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: &ForwardMessageRequest) {
        // WV-MSG-03
        match &request.sender {
            None => {}
            Some(Sender::User(named)) if self.is_own_name(id, named.user_id.as_str()) => {}
            Some(Sender::User(_)) => return self.refuse_outcome(now, id, ticket, Outcome::Forbidden),
            Some(Sender::Group(_)) => return self.refuse_transaction(now, id, ticket, StatusCode::NOT_IMPLEMENTED),
        }
        if !request.recipient.groups.is_empty() {
            return self.refuse_transaction(now, id, ticket, StatusCode::NOT_IMPLEMENTED);
        }
        let domain = self.settings.domain_default.clone();
        let targets = watcher::from_targets(&request.recipient.users, &request.recipient.contact_lists, &domain);
        if targets.addresses.is_empty() {
            return self.refuse_targets(now, id, ticket, &targets.refused);
        }
        let operation = InboxOperation::Forward {
            message: MessageId::new(request.message_id.as_str()),
            recipients: targets.addresses,
            origin: Arc::from(self.origin(id, ticket)),
        };
        self.request(id, ticket, Shape::Forwarded, Operation::Inbox(operation), targets.refused);
    }

    fn block_entity(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: &BlockEntityRequest) {
        match screening::from_request(request, &self.settings.domain_default) {
            Some(change) => self.request(id, ticket, Shape::Status, Operation::Screen(change), Vec::new()),
            None => self.refuse_outcome(now, id, ticket, Outcome::BadAddress),
        }
    }

    /// One answer at a time is what clients send; of several the first decides what is said.
    // WV-SYS-02
    fn answer_system_message(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: SystemMessageUser) {
        let mut responses = request.responses.into_iter();
        let Some(first) = responses.next() else {
            return self.refuse_transaction(now, id, ticket, StatusCode::BAD_PARAMETER);
        };
        self.request(id, ticket, Shape::Status, announcement::from_response(first), Vec::new());
        let Some(user) = self.entries.get(id).map(|entry| entry.user.clone()) else { return };
        for further in responses {
            self.ask(user.clone(), id, announcement::from_response(further), Pending::Nothing);
        }
    }

    // WV-SEG-02
    fn find_segment(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: &GetSegmentRequest) {
        let limits = &self.settings.session_policy.limits;
        let Some(entry) = self.entries.get_mut(id) else { return };
        match entry.segments.slice(to_wv(now), &request.id, limits) {
            Some(content) => {
                self.settle_later(now, id, ticket, Primitive::GetSegmentResponse(GetSegmentResponse { content }));
            }
            None => self.refuse_transaction(now, id, ticket, StatusCode::INVALID_TRANSACTION),
        }
    }

    fn drop_segment(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: &DropSegmentRequest) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        let is_known = entry.segments.forget(&request.id.transaction);
        let code = if is_known { StatusCode::SUCCESS } else { StatusCode::INVALID_TRANSACTION };
        self.refuse_transaction(now, id, ticket, code);
    }
}
