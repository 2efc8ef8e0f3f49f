//! Sessions that are over: what a client hears that still uses one.

use super::limit::SessionLimits;
use super::time::Timestamp;
use crate::primitive::access::Status;
use crate::primitive::identifier::SessionId;
use crate::primitive::{Envelope, Primitive, SessionDescriptor, Transaction, TransactionMode};
use crate::status::StatusCode;
use crate::version::Version;
use std::collections::{HashMap, VecDeque};

/// Remembers for a while how sessions ended.
#[derive(Clone, Debug, Default)]
pub struct ClosedSessions {
    codes: HashMap<SessionId, StatusCode>,
    order: VecDeque<(Timestamp, SessionId)>,
}

impl ClosedSessions {
    /// Remembers the code that ended a session; the oldest is forgotten when there are too many.
    pub fn remember(&mut self, now: Timestamp, session: SessionId, code: StatusCode, limits: &SessionLimits) {
        self.expire(now, limits);
        while self.codes.len() >= limits.closed_max.max(1) {
            let Some((_, oldest)) = self.order.pop_front() else { break };
            self.codes.remove(&oldest);
        }
        if self.codes.insert(session.clone(), code).is_none() {
            self.order.push_back((now, session));
        }
    }

    /// The code for a request in a session that is not open: 600 or 601 while it is remembered, 604 otherwise.
    // WV-OUT-03
    #[must_use]
    pub fn code(&self, session: &SessionId) -> StatusCode {
        self.codes.get(session).copied().unwrap_or(StatusCode::INVALID_SESSION)
    }

    /// Forgets what has been remembered long enough.
    pub fn expire(&mut self, now: Timestamp, limits: &SessionLimits) {
        while let Some((since, _)) = self.order.front()
            && since.after(limits.closed_life) <= now
        {
            if let Some((_, session)) = self.order.pop_front() {
                self.codes.remove(&session);
            }
        }
    }

    /// When the next one is to be forgotten.
    #[must_use]
    pub fn deadline(&self, limits: &SessionLimits) -> Option<Timestamp> {
        self.order.front().map(|(since, _)| since.after(limits.closed_life))
    }
}

/// The answer that refuses every request of a message with one code, for messages that reach no session: the session is
/// unknown, over, or the service is overloaded. None when the message holds nothing that is to be answered.
// WV-HTTP-02
#[must_use]
pub fn refuse(message: &Envelope, code: StatusCode) -> Option<Envelope> {
    let requests = message.transactions.iter().filter(|transaction| transaction.mode == TransactionMode::Request);
    let transactions: Vec<Transaction> = requests
        .map(|request| Transaction::response(request.id.clone(), Primitive::Status(Status::from(code))))
        .collect();
    (!transactions.is_empty()).then(|| Envelope {
        session: message.session.clone(),
        transactions,
        poll: None,
        cir: None,
    })
}

/// The answer to a message that could not be read: within the session when at least that was understood.
// WV-HTTP-04
#[must_use]
pub fn refuse_unreadable(session: SessionDescriptor, code: StatusCode) -> Envelope {
    Envelope::new(session, Transaction::response(None, Primitive::Status(Status::from(code))))
}

/// The code to send in the place of one that clients of this version do not know.
#[must_use]
pub fn code_for_version(code: StatusCode, version: Version) -> StatusCode {
    match (code, version) {
        // WV-RES-03
        (StatusCode::SESSION_NOT_RECOVERED, Version::V1_1 | Version::V1_2) => StatusCode::INVALID_SESSION,
        // WV-LOGIN-08
        (StatusCode::NO_MATCHING_DIGEST_SCHEMA, Version::V1_1 | Version::V1_2) => StatusCode::INVALID_PASSWORD,
        (StatusCode::RESPONSE_TOO_LARGE, Version::V1_1 | Version::V1_2) => StatusCode::INTERNAL_ERROR,
        (StatusCode::MESSAGE_FORWARDED, Version::V1_1 | Version::V1_2) => StatusCode::SUCCESS,
        (StatusCode::MESSAGE_EXPIRED, Version::V1_1 | Version::V1_2) => StatusCode::UNABLE_TO_DELIVER,
        (StatusCode::NOT_ENOUGH_CREDIT | StatusCode::HIGHER_SERVICE_CLASS_REQUIRED, Version::V1_1 | Version::V1_2) => {
            StatusCode::FORBIDDEN
        }
        (StatusCode::TOO_MANY_CONTACT_LISTS, Version::V1_1) => StatusCode::TOO_MANY_CONTACTS,
        (StatusCode::TOO_MANY_ATTRIBUTE_LISTS, Version::V1_1) => StatusCode::INTERNAL_ERROR,
        (StatusCode::AUTO_SUBSCRIBE_NOT_SUPPORTED, Version::V1_1) => StatusCode::SUCCESS,
        (StatusCode::ADDRESS_ERROR | StatusCode::MSISDN_ERROR, Version::V1_1) => StatusCode::UNKNOWN_USER,
        (known, Version::V1_1 | Version::V1_2 | Version::V1_3) => known,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::identifier::TransactionId;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn wv_out_03_a_closed_session_is_remembered_for_a_while() {
        let limits = SessionLimits::default();
        let mut closed = ClosedSessions::default();
        let session = SessionId::new("gw-1");
        closed.remember(at(0), session.clone(), StatusCode::SESSION_EXPIRED, &limits);
        assert_eq!(closed.code(&session), StatusCode::SESSION_EXPIRED);
        assert_eq!(closed.code(&SessionId::new("GW-1")), StatusCode::INVALID_SESSION);
        assert_eq!(closed.deadline(&limits), Some(at(3600)));
        closed.expire(at(3600), &limits);
        assert_eq!(closed.code(&session), StatusCode::INVALID_SESSION);
        assert_eq!(closed.deadline(&limits), None);
    }

    #[test]
    fn the_memory_of_closed_sessions_is_bounded() {
        let limits = SessionLimits { closed_max: 2, ..SessionLimits::default() };
        let mut closed = ClosedSessions::default();
        for number in 0..5 {
            let session = SessionId::new(format!("gw-{number}"));
            closed.remember(at(number), session, StatusCode::FORCED_LOGOUT, &limits);
        }
        let known = |number: u64| closed.code(&SessionId::new(format!("gw-{number}"))) == StatusCode::FORCED_LOGOUT;
        assert!(!known(2) && known(3) && known(4));
    }

    #[test]
    fn a_refusal_answers_requests_and_nothing_else() {
        let session = SessionDescriptor::Inband(SessionId::new("gone"));
        let poll = Envelope::new(session.clone(), Transaction::request(None, Primitive::PollingRequest));
        let answer = refuse(&poll, StatusCode::INVALID_SESSION).unwrap();
        assert_eq!(answer.session, session);
        assert_eq!(
            answer.transactions,
            [Transaction::response(None, Primitive::Status(StatusCode::INVALID_SESSION.into()))]
        );
        let status = Primitive::Status(StatusCode::SUCCESS.into());
        let response = Envelope::new(session, Transaction::response(Some(TransactionId::new("s1-1")), status));
        assert_eq!(refuse(&response, StatusCode::INVALID_SESSION), None);
    }

    #[test]
    fn wv_http_04_an_unreadable_message_is_answered_400() {
        let answer = refuse_unreadable(SessionDescriptor::Outband, StatusCode::BAD_REQUEST);
        assert_eq!(answer.session, SessionDescriptor::Outband);
        let status = Primitive::Status(StatusCode::BAD_REQUEST.into());
        assert_eq!(answer.transactions, [Transaction::response(None, status)]);
    }

    #[test]
    fn new_codes_are_replaced_for_old_clients() {
        let rows = [
            (StatusCode::SESSION_NOT_RECOVERED, [604, 604, 502]),
            (StatusCode::NO_MATCHING_DIGEST_SCHEMA, [409, 409, 543]),
            (StatusCode::RESPONSE_TOO_LARGE, [500, 500, 432]),
            (StatusCode::MESSAGE_FORWARDED, [200, 200, 541]),
            (StatusCode::MESSAGE_EXPIRED, [410, 410, 542]),
            (StatusCode::TOO_MANY_CONTACT_LISTS, [754, 753, 753]),
            (StatusCode::TOO_MANY_ATTRIBUTE_LISTS, [500, 755, 755]),
            (StatusCode::AUTO_SUBSCRIBE_NOT_SUPPORTED, [200, 760, 760]),
            (StatusCode::ADDRESS_ERROR, [531, 901, 901]),
            (StatusCode::NOT_ENOUGH_CREDIT, [403, 403, 902]),
            (StatusCode::HIGHER_SERVICE_CLASS_REQUIRED, [403, 403, 903]),
            (StatusCode::MSISDN_ERROR, [531, 920, 920]),
            (StatusCode::UNKNOWN_USER, [531, 531, 531]),
        ];
        for (code, expected) in rows {
            let sent = Version::ALL.map(|version| code_for_version(code, version).number());
            assert_eq!(sent, expected, "{code}");
        }
    }
}
