//! Requests from the network: notifications, messages, questions about the agent.

use super::agent::{Agent, media_type};
use crate::peer::bare_address;
use serde_json::json;
use sip_proto::{
    body::{
        cpim::{self, Cpim},
        imdn::{Disposition, Imdn, Status},
        mime::MimePart,
    },
    event::subscriber::SubscriberEvent,
    message::{
        Method, Request, Response, StatusCode,
        uas::{Role, UasProfile, allow, check},
        uri::Uri,
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
        if let Err(refusal) = check(&request, &profile, || tag.clone()) {
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
                self.take_message(&request, status)
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

    /// Tells of a message, and tells its sender that it was delivered if he wished that.
    fn take_message(&mut self, request: &Request, answered: StatusCode) -> io::Result<()> {
        let headers = request.headers();
        let from = headers.from().map(|from| from.uri().to_string()).unwrap_or_default();
        let call_id = headers.call_id().map(|call_id| call_id.to_string()).unwrap_or_default();
        let content_type = headers.content_type().ok().flatten().map(|kind| kind.to_essence());
        let wrapped = content_type.as_deref() == Some("message/cpim");
        let wrapped = wrapped.then(|| Cpim::parse(request.body()).ok()).flatten();
        let (content_type, body) = match &wrapped {
            Some(cpim) => (cpim.content.media_type().map(|kind| kind.to_essence()), &cpim.content.content),
            None => (content_type, request.body()),
        };
        if content_type.as_deref() == Some("message/imdn+xml") {
            return self.tell_notification(&from, body);
        }
        self.reporter.tell(
            "message",
            json!({
                "from": bare_address(&from), "text": String::from_utf8_lossy(body), "call_id": call_id,
                "content_type": content_type, "answered": answered.to_number(),
            }),
        )?;
        match (wrapped, Uri::parse(&from)) {
            (Some(cpim), Ok(sender)) if answered.is_success() => self.write_notification(sender, &cpim),
            _ => Ok(()),
        }
    }

    fn tell_notification(&self, from: &str, document: &[u8]) -> io::Result<()> {
        let Ok(imdn) = Imdn::parse(document) else { return self.error("a notification that cannot be read") };
        let is_delivered = imdn.disposition == Disposition::Delivery(Status::Done);
        self.reporter.tell(
            "notification",
            json!({ "from": bare_address(from), "message_id": imdn.message_id, "delivered": is_delivered }),
        )
    }

    // RFC 5438 §7.2.1
    fn write_notification(&mut self, sender: Uri, cpim: &Cpim) -> io::Result<()> {
        let wished = cpim.header_in(cpim::IMDN, "Disposition-Notification").unwrap_or_default();
        let named = cpim.header_in(cpim::IMDN, "Message-ID").zip(cpim.header("DateTime"));
        let Some((message_id, sent)) = named.filter(|_| wished.contains("positive-delivery")) else { return Ok(()) };
        let imdn = Imdn {
            message_id,
            sent,
            recipient: Some(self.own.to_string()),
            original_recipient: None,
            disposition: Disposition::Delivery(Status::Done),
        };
        let document = imdn.write().map_err(io::Error::other)?;
        let content = MimePart::new(&media_type("message/imdn+xml")?, document.into())
            .with("Content-Disposition", "notification");
        let own_id = self.ids.tag().to_string();
        let body = Cpim::new(content)
            .with("From", &format!("<{}>", self.own))
            .with("To", &format!("<{sender}>"))
            .with_in(cpim::IMDN, "imdn", "Message-ID", &own_id);
        let body = body.write().map_err(io::Error::other)?;
        self.write_letter_of(sender, &media_type("message/cpim")?, body)
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
