//! Messages of the user's, sent one after another.

use super::agent::{Agent, MAX_FORWARDS, Purpose, is_challenge, media_type};
use bytes::Bytes;
use serde_json::json;
use sip_proto::message::{
    HeaderName, Method, Request, Response,
    header::{
        address::NameAddr,
        cseq::{CSeq, Sequence},
        media_type::MediaType,
    },
    headers::Header,
    uri::Uri,
};
use std::io;

/// A message to be sent. One is under way at a time.
// RFC 3428 §8
pub(super) struct Letter {
    /// Number of its command.
    pub(super) command: u64,
    request: Request,
    is_authorized: bool,
}

impl Agent {
    // RFC 3428 §4
    pub(super) fn write_letter(&mut self, to: Uri, text: String) -> io::Result<()> {
        let text_plain = media_type("text/plain")?.with_param("charset", "UTF-8");
        self.write_letter_of(to, &text_plain, Bytes::from(text))
    }

    /// A letter of any type.
    pub(super) fn write_letter_of(&mut self, to: Uri, media_type: &MediaType, body: Bytes) -> io::Result<()> {
        if self.outbox.len() >= LETTERS_MAX {
            return self.error("too many messages wait");
        }
        let tag = self.ids.tag();
        let request = Request::new(Method::Message, to.clone())
            .with(Header::new(HeaderName::MaxForwards, MAX_FORWARDS))
            .with(Header::new(HeaderName::From, NameAddr::new(self.own.clone()).with_tag(&tag)))
            .with(Header::new(HeaderName::To, NameAddr::new(to)))
            .with(Header::new(HeaderName::CallId, self.ids.call_id()))
            .with(Header::new(HeaderName::CSeq, CSeq::new(Sequence::FIRST, Method::Message)))
            .with_body(media_type, body);
        self.outbox.push_back(Letter { command: self.command, request, is_authorized: false });
        Ok(())
    }

    pub(super) fn send_letter(&mut self) -> io::Result<()> {
        let is_under_way = self.pending.values().any(|purpose| matches!(purpose, Purpose::Message(_)));
        if is_under_way {
            return Ok(());
        }
        let Some(letter) = self.outbox.pop_front() else { return Ok(()) };
        self.send(letter.request.clone(), Purpose::Message(Box::new(letter)))
    }

    pub(super) fn letter_answered(&mut self, mut letter: Letter, response: &Response) -> io::Result<()> {
        if is_challenge(response) && !letter.is_authorized {
            let uri = letter.request.uri().to_string();
            let credentials = self.authenticator.answer(response, &Method::Message, &uri)?;
            if let (false, Ok(cseq)) = (credentials.is_empty(), letter.request.headers().cseq()) {
                let sequence = cseq.sequence.next().unwrap_or(cseq.sequence);
                let headers = letter.request.headers_mut();
                headers.set(Header::new(HeaderName::CSeq, CSeq::new(sequence, Method::Message)));
                credentials.into_iter().for_each(|credential| headers.push(credential));
                letter.is_authorized = true;
                self.outbox.push_front(letter);
                return Ok(());
            }
        }
        let call_id = letter.request.headers().call_id().map(|call_id| call_id.to_string()).unwrap_or_default();
        let reason = String::from_utf8_lossy(response.reason());
        let code = response.status().to_number();
        self.reporter.tell(
            "answer",
            json!({ "to": "MESSAGE", "code": code, "reason": reason, "id": letter.command, "call_id": call_id }),
        )
    }
}

/// Messages that wait.
const LETTERS_MAX: usize = 1000;
