//! Requests and answers from what the scenario says of them; the rest is filled in.

use super::{Conversation, Exchange, SipActor, SipAnswer, SipRequest};
use bytes::Bytes;
use sip_proto::{
    auth::{AnswerInput, Challenger, Secret, answer, choose},
    message::{
        Method, Request, Response, StatusCode,
        header::{address::NameAddr, cseq::CSeq},
        headers::{Header, Headers},
        name::HeaderName,
        uri::Uri,
    },
};

impl SipActor {
    /// The request that is wanted; its exchange begins or goes on.
    pub(super) fn write_request(&mut self, exchange: Exchange, wanted: &SipRequest) -> Result<Request, String> {
        let method = Method::parse(&wanted.method).map_err(|error| format!("{}: {error}", wanted.method))?;
        let uri = wanted.uri.as_ref().map(|uri| Uri::parse(uri).map_err(|error| format!("{uri}: {error}")));
        let uri = uri.transpose()?;
        if !wanted.is_inside {
            let to = uri.clone().ok_or("a request that begins an exchange needs a URI")?;
            self.begin(exchange, &method, to, &wanted.headers)?;
        }
        let conversation = self.conversations.get_mut(&exchange).ok_or("nothing is known of that exchange")?;
        let sequence = conversation.next_sequence().ok_or("the numbers of CSeq are used up")?;
        let far = uri.or_else(|| conversation.target.clone()).unwrap_or_else(|| conversation.remote.uri().clone());
        let mut request = Request::new(method.clone(), far)
            .with(Header::new(HeaderName::MaxForwards, MAX_FORWARDS))
            .with(Header::new(HeaderName::From, &conversation.local))
            .with(Header::new(HeaderName::To, &conversation.remote))
            .with(Header::new(HeaderName::CallId, &conversation.call_id))
            .with(Header::new(HeaderName::CSeq, CSeq::new(sequence, method.clone())));
        if wanted.is_inside {
            for route in &conversation.routes {
                request.push(Header::new(HeaderName::Route, route));
            }
        }
        if has_contact(&method) {
            request.push(Header::new(HeaderName::Contact, &self.contact));
        }
        if !wanted.body.is_empty() {
            request.push(Header::new(HeaderName::ContentType, content_type(&method)));
            request.set_body(Bytes::from(wanted.body.clone()));
        }
        // From of a request that begins something is part of the conversation already.
        let wanted_headers = wanted.headers.iter().filter(|(name, _)| wanted.is_inside || !is_from(name));
        override_headers(request.headers_mut(), wanted_headers)?;
        if is_in_lines(&request) {
            // RFC 3862 §2.2, RFC 2046 §4.1.1
            let lines = String::from_utf8_lossy(&wanted.body).replace('\n', "\r\n");
            request.set_body(Bytes::from(lines));
        }
        Ok(request)
    }

    fn begin(
        &mut self,
        exchange: Exchange,
        method: &Method,
        to: Uri,
        headers: &[(String, String)],
    ) -> Result<(), String> {
        // RFC 3261 §10.2: To is the address of record.
        let to = if *method == Method::Register { self.own.clone() } else { to };
        let tag = self.ids.tag();
        let own = headers.iter().find(|(name, _)| is_from(name));
        let own = match own {
            Some((_, value)) => {
                Uri::parse(value.trim_matches(['<', '>'])).map_err(|error| format!("{value}: {error}"))?
            }
            None => self.own.clone(),
        };
        let conversation = Conversation::new(self.ids.call_id(), NameAddr::new(own).with_tag(&tag), NameAddr::new(to));
        self.by_call_id.insert(conversation.call_id.to_string(), exchange);
        self.conversations.insert(exchange, conversation);
        Ok(())
    }

    /// The request again, with an answer to the challenge.
    // RFC 3261 §22.2
    pub(super) fn authorize(&mut self, exchange: Exchange, request: &Request, response: &Response) -> Option<Request> {
        let challenger = match response.status() {
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => Challenger::Proxy,
            _ => Challenger::Server,
        };
        let challenges = response.headers().challenges(&challenger.challenge_name()).ok()?;
        let challenge = choose(&challenges).into_iter().next()?;
        let uri = request.uri().to_string();
        let cnonce = self.ids.tag().to_string();
        let input = AnswerInput {
            method: request.method(),
            uri: &uri,
            user: &self.user,
            secret: &Secret::Password(self.password.clone()),
            cnonce: &cnonce,
            nonce_count: 1,
            body: request.body(),
        };
        let credentials = answer(&challenge, &input)?;
        let sequence = self.conversations.get_mut(&exchange)?.next_sequence()?;
        let mut again = request.clone();
        again.headers_mut().set(Header::new(HeaderName::CSeq, CSeq::new(sequence, request.method().clone())));
        again.push(Header::new(challenger.credentials_name(), credentials));
        Some(again)
    }

    /// The answer to a request.
    pub(super) fn write_response(
        &mut self,
        exchange: Exchange,
        request: &Request,
        status: u16,
        wanted: &SipAnswer,
    ) -> Result<Response, String> {
        let status = StatusCode::from_number(status).map_err(|error| format!("{status}: {error}"))?;
        let tag = self.conversations.get(&exchange).and_then(|conversation| conversation.local.tag());
        let mut response = Response::for_request(request, status, tag.as_ref());
        let method = request.method();
        if status.is_success() {
            if has_contact(method) && *method != Method::Register {
                response.copy_record_route(request.headers());
                response.push(Header::new(HeaderName::Contact, &self.contact));
            }
            // RFC 6665 §4.2.1.1, RFC 3903 §6
            if matches!(method, Method::Subscribe | Method::Publish | Method::Register) {
                let asked = request.headers().expires_s().ok().flatten().unwrap_or(EXPIRES_S);
                response.push(Header::new(HeaderName::Expires, asked));
            }
            if *method == Method::Publish {
                response.push(Header::new(HeaderName::SipETag, self.ids.entity_tag()));
            }
        }
        if !wanted.body.is_empty() {
            response.set_body(Bytes::from(wanted.body.clone()));
        }
        override_headers(response.headers_mut(), wanted.headers.iter())?;
        Ok(response)
    }
}

/// Header fields of the scenario take the place of those of the same name; one without value takes it away.
fn override_headers<'w>(
    headers: &mut Headers,
    wanted: impl Iterator<Item = &'w (String, String)>,
) -> Result<(), String> {
    let mut seen: Vec<HeaderName> = Vec::new();
    for (name, value) in wanted {
        let name = HeaderName::parse(name).map_err(|error| format!("{name}: {error}"))?;
        if !seen.contains(&name) {
            headers.remove(&name);
            seen.push(name.clone());
        }
        if !value.is_empty() {
            headers.push(Header::from_raw(name, Bytes::from(value.clone())));
        }
    }
    Ok(())
}

fn is_from(name: &str) -> bool {
    name.eq_ignore_ascii_case("From")
}

// RFC 3261 §8.1.1.8, RFC 3428 §4, RFC 3903 §4
const fn has_contact(method: &Method) -> bool {
    matches!(method, Method::Register | Method::Subscribe | Method::Notify | Method::Invite | Method::Refer)
}

/// What a body is when nothing else is said.
const fn content_type(method: &Method) -> &'static str {
    match method {
        Method::Publish | Method::Notify => "application/pidf+xml",
        _ => "text/plain;charset=UTF-8",
    }
}

// RFC 3261 §8.1.1.6
const MAX_FORWARDS: u8 = 70;
const EXPIRES_S: u32 = 3600;

/// Whether the body is of a type whose lines end in CR LF.
fn is_in_lines(request: &Request) -> bool {
    let media_type = request.headers().content_type().ok().flatten().map(|kind| kind.to_essence());
    media_type.is_some_and(|essence| essence == "message/cpim" || essence.starts_with("multipart/"))
}
