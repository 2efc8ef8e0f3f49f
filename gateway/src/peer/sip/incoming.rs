//! Requests from the network: notifications, messages, questions about the agent.

use super::agent::Agent;
use crate::peer::bare_address;
use serde_json::json;
use sip_proto::{
    event::subscriber::SubscriberEvent,
    message::{
        Method, Request, Response, StatusCode,
        uas::{Role, UasProfile, allow, check},
    },
    time::Timestamp,
    transaction::{RequestEvent, ServerTransactionId, via::Hop},
};
use std::{io, sync::Arc};

impl Agent {
    pub(super) fn take_request(&mut self, now: Timestamp, request: Request, hop: &Hop) -> io::Result<()> {
        let (id, request) = match self.table.receive_request(now, request, hop) {
            RequestEvent::New { id, request } => (id, request),
            // Invitations are refused: nothing of theirs comes back.
            RequestEvent::Retransmission
            | RequestEvent::Merged
            | RequestEvent::Ack { .. }
            | RequestEvent::Cancelled(_)
            | RequestEvent::CancelledInVain
            | RequestEvent::Shed
            | RequestEvent::Malformed(_) => return Ok(()),
        };
        let tag = self.ids.tag();
        let profile = profile();
        if let Err(refusal) = check(&request, &profile, &tag) {
            self.respond(now, id, &refusal);
            return Ok(());
        }
        let answer = |status| Response::for_request(&request, status, Some(&tag));
        match request.method() {
            Method::Notify => {
                self.take_notify(now, id, Arc::clone(&request));
                Ok(())
            }
            Method::Message => {
                let status = self.answer;
                self.respond(now, id, &answer(status));
                self.tell_message(&request, status)
            }
            _ => {
                self.respond(now, id, &answer(StatusCode::OK).with(allow(&profile)));
                Ok(())
            }
        }
    }

    // RFC 6665 §4.1.3
    fn take_notify(&mut self, now: Timestamp, id: ServerTransactionId, request: Arc<Request>) {
        let tag = request.headers().to().ok().and_then(|to| to.tag()).map(|tag| tag.detach());
        match tag.filter(|tag| self.watches.contains_key(tag.as_str())) {
            Some(tag) => {
                self.tell_machine(now, tag.as_str(), SubscriberEvent::Notify { transaction: id, request });
            }
            None => {
                let refusal = Response::for_request(&request, StatusCode::CALL_DOES_NOT_EXIST, None);
                self.respond(now, id, &refusal);
            }
        }
    }

    fn tell_message(&self, request: &Request, answered: StatusCode) -> io::Result<()> {
        let headers = request.headers();
        let from = headers.from().map(|from| from.uri().to_string()).unwrap_or_default();
        let content_type = headers.content_type().ok().flatten().map(|kind| kind.to_essence());
        let call_id = headers.call_id().map(|call_id| call_id.to_string()).unwrap_or_default();
        self.reporter.tell(
            "message",
            json!({
                "from": bare_address(&from), "text": String::from_utf8_lossy(request.body()), "call_id": call_id,
                "content_type": content_type, "answered": answered.to_number(),
            }),
        )
    }

    fn respond(&mut self, now: Timestamp, id: ServerTransactionId, response: &Response) {
        // Refused only when the transaction is over.
        let _ = self.table.respond(now, id, response);
    }
}

fn profile() -> UasProfile {
    UasProfile {
        role: Role::EndPoint,
        schemes: vec!["sip", "sips", "tel", "im", "pres"],
        methods: vec![Method::Message, Method::Notify, Method::Options],
        events: vec!["presence"],
        extensions: Vec::new(),
        media_types: vec!["text/*", "message/*", "application/*", "multipart/*", "image/*"],
        encodings: Vec::new(),
        answers: Vec::new(),
    }
}
