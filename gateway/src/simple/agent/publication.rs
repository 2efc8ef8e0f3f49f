//! PUBLISH: event state of users of the built-in registrar (RFC 3903 §6).

use super::{Agent, Pending, to_sip};
use crate::simple::translate::presence::from_pidf;
use bytes::Bytes;
use mapping::{
    address::Address,
    event::{Operation, Publication, PublicationChange},
    presence::DeviceId,
    side::{Endpoint, Side},
    time::Timestamp,
};
use sip_proto::{
    body::{pidf::Presence, xml::XmlLimits},
    event::state::{Command, PublicationId, PublishAnswer, PublishRequest, Target},
    message::{Header, HeaderName, Request, Response, StatusCode, header::identifier::EntityTag},
    transaction::{ServerTransactionId, via::Hop},
};
use std::sync::Arc;

impl Agent {
    pub(super) fn serve_publish(&mut self, now: Timestamp, id: ServerTransactionId, request: &Arc<Request>, hop: &Hop) {
        let requester = match self.identify(now, request, hop, super::identity::Realm::Registrar) {
            Ok(requester) => requester,
            Err(refusal) => return self.respond(now, id, &refusal),
        };
        let user = self.neutral(request.uri()).ok();
        let hosted = user.as_ref().filter(|user| self.is_registrar_user(user) && self.accounts.has(user));
        // RFC 3903 §6, step 3: for oneself only.
        if hosted.is_some_and(|user| *user != requester.user) || requester.peer.is_some() {
            return self.refuse(now, id, request, StatusCode::FORBIDDEN);
        }
        let headers = request.headers();
        let (Ok(event), Ok(if_match), Ok(expires_s), Ok(content_type)) =
            (headers.event(), entity_tags(request), headers.expires_s(), headers.content_type())
        else {
            return self.refuse(now, id, request, StatusCode::BAD_REQUEST);
        };
        let media_type = content_type.map(|media_type| media_type.to_essence());
        let document = match self.read_document(request.body(), media_type.as_deref()) {
            Ok(document) => document,
            Err(status) => return self.refuse(now, id, request, status),
        };
        let answer = self.compositor.publish(
            to_sip(now),
            &PublishRequest {
                target: hosted.map_or(Target::Foreign, |user| Target::Hosted(user.as_str())),
                package: event.as_ref().map(|event| *event.package()),
                if_match: &if_match,
                expires_s,
                media_type: media_type.as_deref(),
                body: request.body().clone(),
            },
        );
        let response = self.publish_response(request, answer);
        // The answer goes before the notifications that it sets off; both belong to one batch.
        if response.status() == StatusCode::OK {
            self.respond_when_kept(id, response);
        } else {
            self.respond(now, id, &response);
        }
        self.take_compositor_news(document.as_ref());
    }

    /// A document that cannot be read must not replace one that can.
    fn read_document(&self, body: &Bytes, media_type: Option<&str>) -> Result<Option<Presence>, StatusCode> {
        if body.is_empty() || !matches!(media_type, Some("application/pidf+xml" | "application/cpim-pidf+xml")) {
            return Ok(None);
        }
        Presence::parse(body, &XmlLimits::PRESENCE).map(Some).map_err(|error| {
            tracing::debug!(side = "simple", correlation = %self.current, %error, "presence document refused");
            StatusCode::BAD_REQUEST
        })
    }

    fn publish_response(&mut self, request: &Request, answer: PublishAnswer) -> Response {
        let tag = self.ids.tag();
        let status = StatusCode::from_number(answer.status()).unwrap_or(StatusCode::SERVER_INTERNAL_ERROR);
        let response = Response::for_request(request, status, Some(&tag));
        match answer {
            PublishAnswer::Granted { entity_tag, expires_s } => response
                .with(Header::new(HeaderName::SipETag, entity_tag))
                .with(Header::new(HeaderName::Expires, expires_s)),
            PublishAnswer::BadEvent => {
                let names: Vec<&str> = self.packages.names().collect();
                response.with(Header::new(HeaderName::AllowEvents, names.join(", ")))
            }
            PublishAnswer::IntervalTooBrief { expires_min_s } => {
                response.with(Header::new(HeaderName::MinExpires, expires_min_s))
            }
            PublishAnswer::UnsupportedMediaType => {
                response.with(Header::new(HeaderName::Accept, "application/pidf+xml"))
            }
            PublishAnswer::TooManyPublications { retry_after_s } => {
                response.with(Header::new(HeaderName::RetryAfter, retry_after_s))
            }
            PublishAnswer::NotHosted
            | PublishAnswer::SeveralPreconditions
            | PublishAnswer::PreconditionFailed
            | PublishAnswer::MissingBody => response,
        }
    }

    pub(super) fn expire_publications(&mut self, now: Timestamp) {
        self.compositor.expire(to_sip(now));
        self.take_compositor_news(None);
    }

    /// Tells the engine what is published now, and keeps the entity-tags.
    pub(super) fn take_compositor_news(&mut self, document: Option<&Presence>) {
        while let Some(command) = self.compositor.poll() {
            let (id, key) = match &command {
                Command::Stored { id, key, .. }
                | Command::Refreshed { id, key, .. }
                | Command::Removed { id, key }
                | Command::Expired { id, key } => (id.clone(), key.clone()),
            };
            let record = self.compositor.snapshot(&id);
            self.keep("publication", id.as_str(), Some(&key.resource), record);
            let change = match (&command, document) {
                (Command::Stored { .. }, Some(document)) => {
                    PublicationChange::Replace(Box::new(from_pidf(document, None)))
                }
                (Command::Removed { .. } | Command::Expired { .. }, _) => PublicationChange::Remove,
                (Command::Stored { .. } | Command::Refreshed { .. }, _) => continue,
            };
            self.tell_publication(&key.resource, &id, change);
        }
    }

    fn tell_publication(&mut self, resource: &str, id: &PublicationId, change: PublicationChange) {
        // The resource is a canonical neutral address: it was made from one.
        let Ok(user) = Address::parse(resource) else { return };
        let endpoint = Endpoint::new(Side::Simple, &format!("publication {}", id.as_str()));
        let publication = Publication { device: DeviceId::new(id.as_str()), change };
        self.ask(self.current, user, endpoint, Operation::Publish(publication), Pending::Nothing);
    }
}

/// All entity-tags of SIP-If-Match: more than one is a fault that the compositor names.
fn entity_tags(request: &Request) -> Result<Vec<EntityTag>, ()> {
    let items = request.headers().items(&HeaderName::SipIfMatch).map_err(|_| ())?;
    items.into_iter().map(|item| EntityTag::parse(item).map_err(|_| ())).collect()
}
