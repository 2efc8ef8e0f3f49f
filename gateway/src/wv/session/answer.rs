//! Answers of the engine as primitives.

use super::{
    Sessions,
    execute::{Pending, Shape},
};
use crate::wv::translate::{authorization, contact_list, message, outcome, screening, watcher};
use mapping::{
    command::Answer,
    message::Message,
    outcome::{Detail, Outcome, combine},
    time::Timestamp,
};
use wv_proto::{
    primitive::{
        Primitive,
        access::Status,
        contact_list::{CreateListResponse, ListManageResponse},
        delivery::{ForwardMessageResponse, GetMessageListResponse, GetMessageResponse},
        identifier::{ContactListId, MessageId, SessionId},
        message::{NewMessage, SendMessageResponse},
        presence::GetPresenceResponse,
    },
    quirk::Quirk,
    status::{StatusCode, StatusResult},
    version::Version,
};

impl Sessions {
    /// The engine answered a request.
    pub(super) fn answered(&mut self, now: Timestamp, number: u64, answer: &Answer) {
        let (session, ticket, shape, refused) = match self.pending.remove(&number) {
            Some(Pending::Transaction { session, ticket, shape, refused }) => (session, ticket, shape, refused),
            Some(Pending::Lookup(question)) => return self.looked_up(now, *question, answer),
            Some(Pending::JoinedByItself { session, group }) => {
                return self.joined_by_itself(now, &session, &group, answer);
            }
            Some(Pending::Group(question)) => return self.group_question_answered(now, &question, answer),
            Some(Pending::Nothing) | None => return,
        };
        let version = self.version(&session);
        let primitive = match answer {
            Answer::ContactLists(lists) => match shape {
                Shape::Verified(request) => {
                    return self.verify_groups(now, &session, ticket, request, lists.clone());
                }
                _ => Primitive::GetListResponse(contact_list::to_names(lists, version)),
            },
            Answer::Presence { outcome, views, .. } if shape == Shape::Map && outcome.is_success() => {
                self.map_of_view(views)
            }
            Answer::Presence { outcome, details, .. } if shape == Shape::Map => {
                Primitive::Status(Status::from(self.result(&session, *outcome, details, &refused)))
            }
            Answer::Presence { outcome, views, details } => {
                let result = self.result(&session, *outcome, details, &refused);
                let presences =
                    views.iter().map(|(presentity, view)| watcher::to_presence(presentity, view, version)).collect();
                Primitive::GetPresenceResponse(GetPresenceResponse { result, presences })
            }
            Answer::AttributeLists { outcome, default_list, lists, details } => {
                let result = self.result(&session, *outcome, details, &refused);
                let response = authorization::to_attribute_lists(result, default_list.as_ref(), lists, version);
                Primitive::GetAttributeListResponse(Box::new(response))
            }
            Answer::Watchers { history, rows } => {
                let most = if let Shape::Watchers { most } = shape { most } else { None };
                Primitive::GetWatcherListResponse(Box::new(authorization::to_watcher_list(
                    *history,
                    rows,
                    most,
                    |user| self.friendly_name(user),
                )))
            }
            Answer::Decisions(rows) => {
                Primitive::GetReactiveAuthStatusResponse(authorization::to_statuses(rows, version))
            }
            Answer::Sent { outcome, message, details } => {
                let result = self.result(&session, *outcome, details, &refused);
                let message_id = message.as_ref().map(|id| MessageId::new(id.as_str()));
                sent_primitive(shape, result, message_id, version)
            }
            Answer::Waiting { messages, total } => self.waiting_primitive(now, &session, shape, messages, *total),
            Answer::Rejected { outcome, unknown } => {
                Primitive::Status(Status::from(outcome::to_message_result(*outcome, unknown, version)))
            }
            Answer::Screening(lists) if shape == Shape::Screening => {
                Primitive::GetBlockedListResponse(Box::new(screening::to_response(lists)))
            }
            Answer::Screening(_) => Primitive::Status(Status::from(StatusResult::success())),
            Answer::ContactList { outcome, list, details } => {
                let result = self.result(&session, *outcome, details, &refused);
                list_primitive(&shape, result, list.as_ref(), version)
            }
            Answer::Conversation { outcome, details, .. } => {
                Primitive::Status(Status::from(self.result(&session, *outcome, details, &refused)))
            }
            // Never the answer to these transactions.
            Answer::Conversations { .. } => {
                Primitive::Status(Status::from(StatusResult::new(StatusCode::INTERNAL_ERROR)))
            }
            Answer::Done { outcome, details } => {
                let result = self.result(&session, *outcome, details, &refused);
                match shape {
                    Shape::Sent => Primitive::SendMessageResponse(SendMessageResponse { result, message_id: None }),
                    Shape::Presence => {
                        Primitive::GetPresenceResponse(GetPresenceResponse { result, presences: Vec::new() })
                    }
                    Shape::ManagedList { .. } => {
                        Primitive::ListManageResponse(ListManageResponse { result, contacts: None, properties: None })
                    }
                    Shape::AttributeLists => {
                        let response = authorization::to_attribute_lists(result, None, &[], version);
                        Primitive::GetAttributeListResponse(Box::new(response))
                    }
                    Shape::Status
                    | Shape::Lists
                    | Shape::CreatedList
                    | Shape::Watchers { .. }
                    | Shape::Decisions
                    | Shape::Verified(_)
                    | Shape::MessageList
                    | Shape::Message
                    | Shape::Forwarded
                    | Shape::Map
                    | Shape::Screening => Primitive::Status(Status::from(result)),
                }
            }
        };
        self.settle(now, &session, ticket, primitive);
    }

    /// The messages that wait, or the one that was asked for.
    pub(super) fn waiting_primitive(
        &self,
        now: Timestamp,
        id: &SessionId,
        shape: Shape,
        messages: &[Message],
        total: usize,
    ) -> Primitive {
        let status = |code| Primitive::Status(Status::from(StatusResult::new(code)));
        let Some(entry) = self.entries.get(id) else { return status(StatusCode::INVALID_SESSION) };
        let (Shape::Message, [wanted]) = (shape, messages) else {
            return Primitive::GetMessageListResponse(GetMessageListResponse {
                messages: messages.iter().map(|message| message::to_info(message, now)).collect(),
                total: u32::try_from(total).ok(),
            });
        };
        let negotiated = entry.machine.negotiated();
        let Some(NewMessage { message, content }) = message::to_new_message(wanted, negotiated, now) else {
            return status(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        };
        let octets = content.as_ref().map_or(0, |content| content.octets().len());
        let most = negotiated.fetch_octets_max(message.content_type_or_default());
        if most.is_some_and(|most| usize::try_from(most).is_ok_and(|most| octets > most)) {
            // WV-SEG-03
            return status(match entry.machine.party().version {
                Version::V1_1 | Version::V1_2 => StatusCode::UNABLE_TO_DELIVER,
                Version::V1_3 => StatusCode::RESPONSE_TOO_LARGE,
            });
        }
        Primitive::GetMessageResponse(Box::new(GetMessageResponse { message, content }))
    }

    /// The result for what the engine said and what it was not even asked.
    pub(super) fn result(&self, id: &SessionId, said: Outcome, details: &[Detail], refused: &[Detail]) -> StatusResult {
        let version = self.version(id);
        if refused.is_empty() {
            return self.soften(id, outcome::to_result(said, details, version));
        }
        let mut all: Vec<Detail> = details.iter().chain(refused).cloned().collect();
        let named = refused.first().map(|detail| detail.target.clone());
        let whole = if details.is_empty() {
            // The engine's word holds for all that it was asked about.
            let stand_in = named.map(|target| Detail { target, outcome: said });
            combine(stand_in.iter().chain(refused))
        } else {
            combine(&all)
        };
        all.retain(|detail| !detail.outcome.is_success());
        self.soften(id, outcome::to_result(whole, &all, version))
    }

    /// Some clients take partial success for failure: they hear of success, and of the failed ones by what they see.
    fn soften(&self, id: &SessionId, result: StatusResult) -> StatusResult {
        // QUIRK no_201: every code but 200 is a failure to the client, Android
        if result.code == StatusCode::PARTIALLY_SUCCESSFUL && self.heeds(id, Quirk::No201) {
            return StatusResult::success();
        }
        result
    }
}

/// The answer to a message, or to the wish to forward one.
// WV-MSG-11
fn sent_primitive(shape: Shape, result: StatusResult, message_id: Option<MessageId>, version: Version) -> Primitive {
    match (shape, message_id) {
        (Shape::Forwarded, Some(message_id)) if version == Version::V1_3 && result.code == StatusCode::SUCCESS => {
            Primitive::ForwardMessageResponse(ForwardMessageResponse { message_id })
        }
        (Shape::Forwarded, _) => Primitive::Status(Status::from(result)),
        (_, message_id) => Primitive::SendMessageResponse(SendMessageResponse { result, message_id }),
    }
}

fn list_primitive(
    shape: &Shape,
    result: StatusResult,
    list: Option<&mapping::contact_list::ContactList>,
    version: Version,
) -> Primitive {
    match (shape, list) {
        (Shape::ManagedList { wants_list: true }, Some(list)) => Primitive::ListManageResponse(ListManageResponse {
            result,
            contacts: Some(contact_list::to_nick_names(list)),
            properties: Some(contact_list::to_properties(list)),
        }),
        (Shape::ManagedList { .. }, _) => {
            Primitive::ListManageResponse(ListManageResponse { result, contacts: None, properties: None })
        }
        // WV-LST-04: 1.3 answers full success with the list's own primitive.
        (Shape::CreatedList, Some(list)) if version == Version::V1_3 && result.code == StatusCode::SUCCESS => {
            Primitive::CreateListResponse(CreateListResponse {
                contact_list: ContactListId::new(list.written.as_str()),
                properties: contact_list::to_properties(list),
            })
        }
        (_, _) => Primitive::Status(Status::from(result)),
    }
}
