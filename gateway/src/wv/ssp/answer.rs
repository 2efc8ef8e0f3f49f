//! Answers of the engine as answers to peers.

use super::{
    Federation,
    execute::{Pending, Shape},
};
use crate::wv::translate::{address, outcome, ssp as translate};
use mapping::{
    command::Answer,
    conversation::Reply,
    outcome::{Detail, Outcome},
    time::Timestamp,
};
use wv_proto::{
    ssp::primitive::{GetPresenceResponse, Primitive, SendMessageResponse},
    status::{DetailedResult, StatusResult},
    version::Version,
};

impl Federation {
    pub(super) fn answered(&mut self, now: Timestamp, number: u64, answer: &Answer) {
        let (index, transaction_id, shape, refused) = match self.pending.remove(&number) {
            Some(Pending::Transaction { index, transaction_id, shape, refused }) => {
                (index, transaction_id, shape, refused)
            }
            Some(Pending::Group { index, transaction_id, shape, group }) => {
                let (outcome, details, reply) = match answer {
                    Answer::Conversation { outcome, details, reply } => (*outcome, details.as_slice(), reply),
                    Answer::Done { outcome, details } => (*outcome, details.as_slice(), &Reply::Nothing),
                    // The engine answers a question about a conversation with nothing else.
                    _ => (Outcome::InternalError, &[][..], &Reply::Nothing),
                };
                let (question, answered) = ((shape, group), (outcome, details));
                return self.group_answered(now, (index, transaction_id), question, answered, reply);
            }
            Some(Pending::Nothing) | None => return,
        };
        match (shape, answer) {
            (Shape::Sent(message_id), Answer::Sent { outcome, details, .. }) => {
                let status = status_of(*outcome, details, &refused);
                // 201 means that some have it.
                let message_id = message_id.filter(|_| status.code.is_success());
                let response = SendMessageResponse { message_id, status };
                self.answer_peer(now, index, transaction_id, Primitive::SendMessageResponse(response));
            }
            (Shape::Presence, Answer::Presence { outcome, views, details }) => {
                // What is not decided shows nothing, and is no failure.
                let is_silent = |outcome: Outcome| outcome == Outcome::NotDecided;
                let details: Vec<Detail> =
                    details.iter().filter(|detail| !is_silent(detail.outcome)).cloned().collect();
                let outcome = if is_silent(*outcome) { Outcome::Success } else { *outcome };
                let values = views
                    .iter()
                    .map(|(presentity, view)| translate::to_value(presentity, view))
                    .filter(|value| value.attributes.as_ref().is_some_and(|list| !list.attributes.is_empty()));
                let response = GetPresenceResponse {
                    status: Some(status_of(outcome, &details, &refused)),
                    values: values.collect(),
                };
                self.answer_peer(now, index, transaction_id, Primitive::GetPresenceResponse(response));
            }
            (Shape::Watching { watcher, presentities }, Answer::Done { outcome, details }) => {
                let status = status_of(*outcome, details, &refused);
                self.answer_peer(now, index, transaction_id, Primitive::Status(status));
                let failed = |presentity: &mapping::address::Address| {
                    details.iter().any(|detail| detail.target == *presentity && !detail.outcome.is_success())
                };
                let watched = presentities.into_iter().filter(|presentity| !failed(presentity));
                if outcome.is_success() || *outcome == Outcome::PartialSuccess {
                    self.owe_first_views(now, index, &watcher, watched);
                }
            }
            (_, Answer::Done { outcome, details } | Answer::Conversation { outcome, details, .. }) => {
                let status = status_of(*outcome, details, &refused);
                self.answer_peer(now, index, transaction_id, Primitive::Status(status));
            }
            (_, _) => {
                let status = status_of(Outcome::InternalError, &[], &[]);
                self.answer_peer(now, index, transaction_id, Primitive::Status(status));
            }
        }
    }
}

/// The Status of an outcome, with what was refused before the engine was asked.
pub(super) fn status_of(outcome: Outcome, details: &[Detail], refused: &[DetailedResult]) -> StatusResult {
    let whole = if outcome.is_success() && !refused.is_empty() { Outcome::PartialSuccess } else { outcome };
    let mut status = outcome::to_result(whole, details, Version::V1_3);
    status.detailed.extend_from_slice(refused);
    if status.description.is_none() { status.with_meaning() } else { status }
}

/// The outcome of a request of ours, by the Status of its answer; what is not answered in particular went well.
pub(super) fn outcome_of(primitive: Option<&Primitive>, target: &mapping::address::Address) -> Outcome {
    let Some(primitive) = primitive else { return Outcome::InternalError };
    let Some(status) = primitive.status() else { return Outcome::Success };
    let named = address::to_user_id(target);
    let detail = status.detailed.iter().find(|detail| detail.users.contains(&named));
    outcome::from_code(detail.map_or(status.code, |detail| detail.code))
}
