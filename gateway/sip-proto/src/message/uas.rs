//! The checks that every server makes before it looks at the sense of a request.

use super::header::{identifier::Tag, media_type::MediaType};
use super::{
    headers::Header, method::Method, name::HeaderName, request::Request, response::Response, status::StatusCode,
};

/// What role the server plays for the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The request ends here.
    EndPoint,
    /// The request is passed on.
    Proxy,
}

/// What a server understands.
#[derive(Clone, Debug)]
pub struct UasProfile {
    /// End point or proxy.
    pub role: Role,
    /// URI schemes that a Request-URI may have, in lower case.
    pub schemes: Vec<&'static str>,
    /// Methods that are served.
    pub methods: Vec<Method>,
    /// Event packages that are served; empty leaves the question to the layer above.
    pub events: Vec<&'static str>,
    /// Extensions that are supported.
    pub extensions: Vec<&'static str>,
    /// Media types of bodies that are understood, `kind/subtype`; a kind may be followed by `*`.
    pub media_types: Vec<&'static str>,
    /// Encodings of bodies that are understood, besides none.
    pub encodings: Vec<&'static str>,
    /// Media types of the bodies of answers, where the method demands one.
    pub answers: Vec<(Method, &'static str)>,
}

/// Checks a request that was validated, in the order of the RFC. The tag is for To of the refusal.
///
/// # Errors
/// The response that refuses the request. An ACK is never refused.
// RFC 3261 §8.2
pub fn check(request: &Request, profile: &UasProfile, to_tag: impl Fn() -> Tag) -> Result<(), Box<Response>> {
    if request.method() == &Method::Ack {
        return Ok(());
    }
    let refuse = |status| Response::for_request(request, status, Some(&to_tag()));
    let bad_request = |_| Box::new(refuse(StatusCode::BAD_REQUEST));
    check_target(request, profile, &refuse)?;
    // Only who forwards counts hops.
    // RFC 3261 §16.3
    // RFC 4475 §3.3.11
    if profile.role == Role::Proxy && request.headers().max_forwards().map_err(bad_request)? == Some(0) {
        return Err(Box::new(refuse(StatusCode::TOO_MANY_HOPS)));
    }
    // RFC 3261 §8.2.2.3
    if request.method() != &Method::Cancel {
        let name = match profile.role {
            Role::EndPoint => HeaderName::Require,
            Role::Proxy => HeaderName::ProxyRequire,
        };
        let mut unknown = request.headers().tokens(&name).map_err(bad_request)?;
        unknown.retain(|tag| !profile.extensions.iter().any(|known| tag.eq_ignore_ascii_case(known)));
        if !unknown.is_empty() {
            let header = Header::new(HeaderName::Unsupported, unknown.join(", "));
            return Err(Box::new(refuse(StatusCode::BAD_EXTENSION).with(header)));
        }
    }
    if profile.role == Role::EndPoint {
        check_event(request, profile, &refuse)?;
        check_content(request, profile, &refuse)?;
    }
    Ok(())
}

/// Method and Request-URI.
fn check_target(
    request: &Request,
    profile: &UasProfile,
    refuse: &impl Fn(StatusCode) -> Response,
) -> Result<(), Box<Response>> {
    // What is known and not served is 405, what is not known 501.
    // RFC 3261 §8.2.1
    // RFC 3261 §21.5.2
    if profile.role == Role::EndPoint && !profile.methods.contains(request.method()) {
        let status = match request.method() {
            Method::Other(_) => StatusCode::NOT_IMPLEMENTED,
            _ => StatusCode::METHOD_NOT_ALLOWED,
        };
        return Err(Box::new(refuse(status).with(allow(profile))));
    }
    // RFC 3261 §8.2.2.1
    if !profile.schemes.iter().any(|known| request.uri().scheme().eq_ignore_ascii_case(known)) {
        return Err(Box::new(refuse(StatusCode::UNSUPPORTED_URI_SCHEME)));
    }
    // RFC 3261 §10.3
    // RFC 4475 §3.3.4
    if request.method() == &Method::Register
        && request.headers().to().is_ok_and(|to| to.uri().as_sip().is_none())
        && profile.role == Role::EndPoint
    {
        return Err(Box::new(refuse(StatusCode::BAD_REQUEST)));
    }
    Ok(())
}

fn check_event(
    request: &Request,
    profile: &UasProfile,
    refuse: &impl Fn(StatusCode) -> Response,
) -> Result<(), Box<Response>> {
    if !matches!(request.method(), Method::Subscribe | Method::Notify | Method::Publish) {
        return Ok(());
    }
    let headers = request.headers();
    let event = headers.event().map_err(|_| Box::new(refuse(StatusCode::BAD_REQUEST)))?;
    let is_known = |package: &str| profile.events.is_empty() || profile.events.contains(&package);
    // RFC 6665 §4.2.1.1
    // RFC 3903 §6
    if !event.is_some_and(|event| is_known(event.package())) {
        let refusal = refuse(StatusCode::BAD_EVENT);
        let list = profile.events.join(", ");
        return Err(Box::new(if list.is_empty() {
            refusal
        } else {
            refusal.with(Header::new(HeaderName::AllowEvents, list))
        }));
    }
    // RFC 6665 §4.2.2
    if request.method() == &Method::Notify && !headers.has(&HeaderName::SubscriptionState) {
        return Err(Box::new(refuse(StatusCode::BAD_REQUEST).with_reason("Missing Subscription-State")));
    }
    Ok(())
}

/// Body of the request and of the answer.
fn check_content(
    request: &Request,
    profile: &UasProfile,
    refuse: &impl Fn(StatusCode) -> Response,
) -> Result<(), Box<Response>> {
    let headers = request.headers();
    let bad_request = |_| Box::new(refuse(StatusCode::BAD_REQUEST));
    if !request.body().is_empty() {
        let Some(media_type) = headers.content_type().map_err(bad_request)? else {
            // RFC 3261 §20.15
            return Err(Box::new(refuse(StatusCode::BAD_REQUEST).with_reason("Missing Content-Type")));
        };
        // RFC 3261 §8.2.3
        let is_optional = headers
            .raw(&HeaderName::ContentDisposition)
            .is_some_and(|value| value.to_ascii_lowercase().windows(17).any(|window| window == b"handling=optional"));
        if !is_optional {
            if !is_understood(&media_type, profile) {
                let accept = Header::new(HeaderName::Accept, profile.media_types.join(", "));
                return Err(Box::new(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE).with(accept)));
            }
            let encodings = headers.items(&HeaderName::ContentEncoding).map_err(bad_request)?;
            let is_known = |encoding: &&str| {
                let mut known = profile.encodings.iter().chain(&["identity"]);
                known.any(|known| encoding.eq_ignore_ascii_case(known))
            };
            if !encodings.iter().all(is_known) {
                let known = if profile.encodings.is_empty() { "identity".into() } else { profile.encodings.join(", ") };
                let accept = Header::new(HeaderName::AcceptEncoding, known);
                return Err(Box::new(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE).with(accept)));
            }
        }
    }
    let accept = headers.accept().map_err(bad_request)?;
    let answer = profile.answers.iter().find(|(method, _)| method == request.method());
    if let (Some(ranges), Some((_, essence))) = (accept, answer) {
        // RFC 3261 §21.4.7
        // RFC 4475 §3.3.15
        if !ranges.iter().any(|range| range.admits(essence)) {
            return Err(Box::new(refuse(StatusCode::NOT_ACCEPTABLE)));
        }
    }
    Ok(())
}

fn is_understood(media_type: &MediaType<&str>, profile: &UasProfile) -> bool {
    profile.media_types.iter().any(|known| match known.strip_suffix("/*") {
        Some(kind) => media_type.kind().eq_ignore_ascii_case(kind),
        None => media_type.is(known),
    })
}

/// Allow with the methods that are served.
#[must_use]
pub fn allow(profile: &UasProfile) -> Header {
    let list: Vec<&str> = profile.methods.iter().map(Method::as_str).collect();
    Header::new(HeaderName::Allow, list.join(", "))
}

#[cfg(test)]
mod tests;
