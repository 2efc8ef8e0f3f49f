//! Requests about messages that wait, about whom a user lets through, and about answers in slices.

use super::{GroupShape, Pending, Sessions, Shape};
use crate::wv::{
    session::to_wv,
    translate::{announcement, screening, watcher},
};
use mapping::{
    conversation::{Ask, Following},
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
        delivery::{ForwardMessageRequest, GetMessageListRequest, GetMessageRequest, SetDeliveryMethodRequest},
        identifier::{MessageId as WvMessageId, SessionId},
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
            Primitive::GetMessageRequest(request) => self.fetch_message(now, id, ticket, &request),
            Primitive::SetDeliveryMethodRequest(request) => self.set_group_delivery(now, id, ticket, request),
            // What was said in a group waits for nobody.
            Primitive::MessageDelivered(delivered) if self.is_of_history(id, &delivered.message_id) => {
                self.refuse_transaction(now, id, ticket, StatusCode::SUCCESS);
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
        let at_most = request.message_count.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        // WV-GRP-18
        if let Some(group) = &request.group_id {
            let ask = Ask::History { at_most };
            return self.ask_group(now, id, ticket, group.clone(), GroupShape::History, ask);
        }
        let operation = Operation::Inbox(InboxOperation::List { at_most });
        self.request(id, ticket, Shape::MessageList, operation, Vec::new());
    }

    /// A message that waits, or one of those that the client was shown of the history of a group.
    fn fetch_message(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: &GetMessageRequest) {
        let message = MessageId::new(request.message_id.as_str());
        let shown = self.entries.get(id).and_then(|entry| entry.history.get(&request.message_id)).cloned();
        match shown {
            Some(group) => self.ask_group(now, id, ticket, group, GroupShape::Recalled, Ask::Recall(message)),
            None => {
                self.request(id, ticket, Shape::Message, Operation::Inbox(InboxOperation::Fetch(message)), Vec::new())
            }
        }
    }

    fn is_of_history(&self, id: &SessionId, message: &WvMessageId) -> bool {
        self.entries.get(id).is_some_and(|entry| entry.history.contains_key(message))
    }

    /// In which way the messages of a group come to this client; it has to take part there.
    // WV-MSG-13
    fn set_group_delivery(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        ticket: Ticket,
        request: SetDeliveryMethodRequest,
    ) {
        let Some(group) = request.group_id.clone() else {
            return self.refuse_transaction(now, id, ticket, StatusCode::BAD_PARAMETER);
        };
        let shape = GroupShape::Delivery(request);
        self.ask_group(now, id, ticket, group, shape, Ask::Follow(Following::Ask));
    }

    // WV-MSG-11
    fn forward_message(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: &ForwardMessageRequest) {
        // WV-MSG-03
        match &request.sender {
            None => {}
            Some(Sender::User(named)) if self.is_own_name(id, named.user_id.as_str()) => {}
            Some(Sender::User(_)) => return self.refuse_outcome(now, id, ticket, Outcome::Forbidden),
            Some(Sender::Group(_)) if request.recipient.groups.is_empty() => {
                return self.refuse_outcome(now, id, ticket, Outcome::Forbidden);
            }
            Some(Sender::Group(_)) => {}
        }
        let conversations = match self.hearers(&request.recipient.groups, request.sender.as_ref()) {
            Ok(conversations) => conversations,
            Err(code) => return self.refuse_transaction(now, id, ticket, code),
        };
        let domain = self.settings.domain_default.clone();
        let targets = watcher::from_targets(&request.recipient.users, &request.recipient.contact_lists, &domain);
        if targets.addresses.is_empty() && conversations.is_empty() {
            return self.refuse_targets(now, id, ticket, &targets.refused);
        }
        let operation = InboxOperation::Forward {
            message: MessageId::new(request.message_id.as_str()),
            recipients: targets.addresses,
            conversations,
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
