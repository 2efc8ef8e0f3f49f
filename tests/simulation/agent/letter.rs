//! The part of a user agent that writes.

use super::{Agent, Letter, OVERTAKING_MS, Purpose, is_challenge};
use crate::truth::{Fate, Truth};
use sip_proto::message::{HeaderName, Method, Response, StatusCode, header::cseq::CSeq, headers::Header};

impl Agent {
    /// One letter is under way at a time (RFC 3428 §8).
    pub(super) fn send_letter(&mut self, now: u64) {
        let is_under_way = self.purposes.values().any(|purpose| matches!(purpose, Purpose::Message(_)));
        if !is_under_way
            && self.write_at.is_none()
            && let Some(letter) = self.letters.pop_front()
        {
            self.dispatch(now, letter.request.clone(), Purpose::Message(Box::new(letter)));
        }
    }

    pub(super) fn letter_answered(
        &mut self,
        now: u64,
        mut letter: Letter,
        answer: Result<Response, StatusCode>,
        truth: &mut Truth,
    ) {
        if let Ok(response) = &answer
            && is_challenge(response)
            && !letter.is_authorized
            && let Ok(cseq) = letter.request.headers().cseq()
        {
            let uri = letter.request.uri().to_string();
            let credentials = self.credentials(response, &Method::Message, &uri);
            let sequence = cseq.sequence.next().unwrap_or(cseq.sequence);
            letter.request.headers_mut().set(Header::new(HeaderName::CSeq, CSeq::new(sequence, Method::Message)));
            credentials.into_iter().for_each(|credential| letter.request.push(credential));
            letter.is_authorized = true;
            self.letters.push_front(letter);
            return;
        }
        match answer {
            Ok(response) => {
                let code = response.status().to_number();
                truth.count(format!("sip {code}"));
                let fate = if response.status().is_success() { Fate::Accepted } else { Fate::Refused };
                truth.answered(now, &letter.text, fate);
            }
            Err(_) => {
                self.write_at = Some(now + OVERTAKING_MS);
                truth.unanswered(&letter.text);
            }
        }
    }
}
