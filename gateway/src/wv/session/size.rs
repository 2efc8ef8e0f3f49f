//! Answers that are larger than what a client parses: cut into slices, or refused; never cut off.

use super::{Sessions, post::Waiting, to_wv};
use bytes::Bytes;
use mapping::time::Timestamp;
use wv_proto::{
    primitive::{
        Envelope, Primitive, SessionDescriptor, Transaction, TransactionMode, access::Status,
        segment::GetSegmentResponse,
    },
    status::{StatusCode, StatusResult},
    version::Version,
};

impl Sessions {
    /// The body as the client of the session can parse it.
    // WV-SEG-01
    pub(super) fn fitted(&mut self, now: Timestamp, waiting: &Waiting, envelope: &Envelope, body: Bytes) -> Bytes {
        let SessionDescriptor::Inband(id) = &envelope.session else { return body };
        let Some(entry) = self.entries.get_mut(id) else { return body };
        let said = entry.machine.negotiated().parser_size().and_then(|size| usize::try_from(size).ok());
        let most = said.unwrap_or(usize::MAX).max(PARSER_SIZE_MIN);
        // What the server sends of its own accord was given its form when it left the queue.
        let is_answer = |transaction: &Transaction| transaction.mode == TransactionMode::Response;
        if body.len() <= most || !envelope.transactions.iter().all(is_answer) {
            return body;
        }
        let limits = &self.settings.session_policy.limits;
        let room = most.saturating_sub(SEGMENT_FRAME_OCTETS);
        if let [transaction] = envelope.transactions.as_slice()
            && let Some(number) = &transaction.id
            && waiting.version() == Version::V1_3
            && entry.machine.negotiated().may_segment()
            && let Some((info, content)) =
                entry.segments.cut(to_wv(now), number, &body, waiting.encoding(), room, limits)
        {
            let slice = Primitive::GetSegmentResponse(GetSegmentResponse { content });
            let mut first = Transaction::response(transaction.id.clone(), slice);
            first.segment = Some(info);
            return waiting.encode(&Envelope { transactions: vec![first], ..envelope.clone() });
        }
        let refusal = waiting.encode(&refusal(envelope, waiting.version()));
        if refusal.len() < body.len() { refusal } else { body }
    }
}

/// The answer that takes the place of one that is too large.
// WV-SEG-03
fn refusal(envelope: &Envelope, version: Version) -> Envelope {
    let code = match version {
        Version::V1_1 | Version::V1_2 => StatusCode::UNABLE_TO_DELIVER,
        Version::V1_3 => StatusCode::RESPONSE_TOO_LARGE,
    };
    let mut result = StatusResult::new(code);
    result.description = Some("The answer is larger than ParserSize".into());
    let refused = envelope.transactions.iter();
    let status = |transaction: &Transaction| {
        Transaction::response(transaction.id.clone(), Primitive::Status(Status::from(result.clone())))
    };
    Envelope { transactions: refused.map(status).collect(), ..envelope.clone() }
}

/// What no client means that says that it parses less: an empty answer needs about this much.
const PARSER_SIZE_MIN: usize = 1024;

/// The elements around one slice.
const SEGMENT_FRAME_OCTETS: usize = 900;
