//! Typed access to the header fields of a message, parsed from their text on demand.

use super::header::{
    address::NameAddr,
    authentication::Authentication,
    contact::{Contact, Contacts},
    cseq::CSeq,
    date::Date,
    event::{Event, SubscriptionState},
    identifier::{CallId, EntityTag},
    media_type::MediaType,
    retry_after::RetryAfter,
    via::Via,
};
use super::{
    headers::{Header, Headers},
    method::Method,
    name::HeaderName,
    scan::{self, Items},
    text::Text,
};
use crate::error::{HeaderError, ValueError};
use core::net::SocketAddr;
use smallvec::SmallVec;
use std::cell::Cell;

/// The hops of a message; seldom more than two.
pub type Vias<'a> = SmallVec<[Via<&'a str>; 2]>;

type Found<T> = Result<T, HeaderError>;

/// The header fields that every message has.
impl Headers {
    /// The first Via: the hop before us in a request, ourselves in a response.
    ///
    /// # Errors
    /// [`HeaderError`] when it is missing or malformed.
    pub fn via_top(&self) -> Found<Via<&str>> {
        let missing = || HeaderError::Missing(HeaderName::Via);
        let bad = |error| HeaderError::Bad(HeaderName::Via, error);
        let field = self.first(&HeaderName::Via).ok_or_else(missing)?;
        let text = field.text().map_err(bad)?;
        // Nearly always it stands alone.
        if let Ok(via) = Via::read(text) {
            return Ok(via);
        }
        let items = Items::of(text).collect::<Result<SmallVec<[&str; 4]>, _>>().map_err(bad)?;
        Via::read(items.first().ok_or_else(missing)?).map_err(bad)
    }

    /// Notes in the first Via where the request came from, see [`Via::stamp`], and returns it.
    ///
    /// # Errors
    /// [`HeaderError`] when it is missing or malformed.
    pub fn stamp_source(&mut self, source: SocketAddr) -> Found<Via> {
        let before = self.via_top()?.detach();
        let mut via = before.clone();
        via.stamp(source);
        if via != before {
            let header = Header::new(HeaderName::Via, &via);
            if !self.replace_single(header.clone()) {
                self.pop_first(&HeaderName::Via)?;
                self.push_front(header);
            }
        }
        Ok(via)
    }

    /// All hops, the last one first.
    ///
    /// # Errors
    /// [`HeaderError::Bad`].
    pub fn vias(&self) -> Found<Vias<'_>> {
        let mut vias = Vias::new();
        self.each_value(&HeaderName::Via, Via::read, |via| {
            vias.push(via);
            Ok(())
        })?;
        Ok(vias)
    }

    /// Call-ID.
    ///
    /// # Errors
    /// [`HeaderError`] when it is missing, repeated or malformed.
    pub fn call_id(&self) -> Found<CallId<&str>> {
        self.mandatory(&HeaderName::CallId, CallId::from_text)
    }

    /// From.
    ///
    /// # Errors
    /// [`HeaderError`] when it is missing, repeated or malformed.
    pub fn from(&self) -> Found<NameAddr<&str>> {
        self.mandatory(&HeaderName::From, NameAddr::read)
    }

    /// To.
    ///
    /// # Errors
    /// [`HeaderError`] when it is missing, repeated or malformed.
    pub fn to(&self) -> Found<NameAddr<&str>> {
        self.mandatory(&HeaderName::To, NameAddr::read)
    }

    /// CSeq.
    ///
    /// # Errors
    /// [`HeaderError`] when it is missing, repeated or malformed.
    pub fn cseq(&self) -> Found<CSeq> {
        self.mandatory(&HeaderName::CSeq, CSeq::read)
    }

    /// Max-Forwards.
    ///
    /// # Errors
    /// [`HeaderError`] when it is repeated, or no number up to 255.
    pub fn max_forwards(&self) -> Found<Option<u8>> {
        self.optional(HeaderName::MaxForwards, |text| {
            // RFC 3261 §20.22
            u8::try_from(scan::parse_number(text)?).map_err(|_| ValueError::Number)
        })
    }
}

/// Addresses and routes.
impl Headers {
    /// All contacts, or `*`.
    ///
    /// # Errors
    /// [`HeaderError::Bad`], also for `*` among other values.
    pub fn contacts(&self) -> Found<Contacts<&str>> {
        let mut list = Vec::new();
        let is_star = self.each_contact(|contact| list.push(contact))?;
        Ok(if is_star { Contacts::Star } else { Contacts::List(list) })
    }

    /// The first contact: the remote target of a dialog.
    ///
    /// # Errors
    /// [`HeaderError::Bad`].
    pub fn contact_first(&self) -> Found<Option<Contact<&str>>> {
        let mut first = None;
        self.each_contact(|contact| {
            first.get_or_insert(contact);
        })?;
        Ok(first)
    }

    /// Shows each contact; tells whether there is the star instead.
    #[inline]
    fn each_contact<'a>(&'a self, mut show: impl FnMut(Contact<&'a str>)) -> Found<bool> {
        let (mut count, is_star) = (0_usize, Cell::new(false));
        let read = |item: &'a str| match (is_star.get(), item) {
            (true, _) => Err(ValueError::Scheme),
            (false, "*") => Ok(None),
            (false, _) => Contact::read(item).map(Some),
        };
        self.each_value(&HeaderName::Contact, read, |contact| {
            count = count.saturating_add(1);
            match contact {
                Some(contact) => show(contact),
                None if count > 1 => return Err(ValueError::Scheme),
                None => is_star.set(true),
            }
            Ok(())
        })?;
        Ok(is_star.get())
    }

    /// Route.
    ///
    /// # Errors
    /// [`HeaderError::Bad`].
    pub fn routes(&self) -> Found<Vec<NameAddr<&str>>> {
        self.list(&HeaderName::Route, NameAddr::read)
    }

    /// Record-Route, in the order of the message.
    ///
    /// # Errors
    /// [`HeaderError::Bad`].
    pub fn record_routes(&self) -> Found<Vec<NameAddr<&str>>> {
        self.list(&HeaderName::RecordRoute, NameAddr::read)
    }

    /// Path.
    ///
    /// # Errors
    /// [`HeaderError::Bad`].
    pub fn paths(&self) -> Found<Vec<NameAddr<&str>>> {
        self.list(&HeaderName::Path, NameAddr::read)
    }

    /// Service-Route.
    ///
    /// # Errors
    /// [`HeaderError::Bad`].
    // RFC 3608 §5
    pub fn service_routes(&self) -> Found<Vec<NameAddr<&str>>> {
        self.list(&HeaderName::ServiceRoute, NameAddr::read)
    }

    /// P-Asserted-Identity.
    ///
    /// # Errors
    /// [`HeaderError::Bad`].
    pub fn asserted_identities(&self) -> Found<Vec<NameAddr<&str>>> {
        self.list(&HeaderName::PAssertedIdentity, NameAddr::read)
    }

    /// The services that Privacy asks for: `id`, `user`, `header`, `none` ...
    ///
    /// # Errors
    /// [`HeaderError`] when it is repeated or malformed.
    // RFC 3323 §4.2
    pub fn privacy(&self) -> Found<Vec<Text>> {
        let Some(text) = self.single(&HeaderName::Privacy)? else {
            return Ok(Vec::new());
        };
        let service = |part: &str| {
            let part = part.trim_matches([' ', '\t']);
            let is_token = !part.is_empty() && part.bytes().all(scan::is_token);
            if is_token { Ok(Text::from(part)) } else { Err(HeaderError::Bad(HeaderName::Privacy, ValueError::Token)) }
        };
        text.split(';').map(service).collect()
    }

    /// Refer-To.
    ///
    /// # Errors
    /// [`HeaderError`] when it is repeated or malformed.
    pub fn refer_to(&self) -> Found<Option<NameAddr<&str>>> {
        self.optional(HeaderName::ReferTo, NameAddr::read)
    }
}

/// Events and publication.
impl Headers {
    /// Event.
    ///
    /// # Errors
    /// [`HeaderError`] when it is repeated or malformed.
    pub fn event(&self) -> Found<Option<Event<&str>>> {
        self.optional(HeaderName::Event, Event::read)
    }

    /// Subscription-State.
    ///
    /// # Errors
    /// [`HeaderError`] when it is repeated or malformed.
    pub fn subscription_state(&self) -> Found<Option<SubscriptionState<&str>>> {
        self.optional(HeaderName::SubscriptionState, SubscriptionState::read)
    }

    /// Expires in seconds.
    ///
    /// # Errors
    /// [`HeaderError`] when it is repeated, or no number below 2^32.
    pub fn expires_s(&self) -> Found<Option<u32>> {
        // RFC 3261 §20.19
        self.optional(HeaderName::Expires, scan::parse_number)
    }

    /// Min-Expires in seconds.
    ///
    /// # Errors
    /// [`HeaderError`] when it is repeated or malformed.
    pub fn min_expires_s(&self) -> Found<Option<u32>> {
        self.optional(HeaderName::MinExpires, scan::parse_number)
    }

    /// Retry-After.
    ///
    /// # Errors
    /// [`HeaderError`] when it is repeated or malformed.
    pub fn retry_after(&self) -> Found<Option<RetryAfter>> {
        self.optional(HeaderName::RetryAfter, RetryAfter::read)
    }

    /// SIP-ETag.
    ///
    /// # Errors
    /// [`HeaderError`] when it is repeated or malformed.
    pub fn entity_tag(&self) -> Found<Option<EntityTag<&str>>> {
        self.optional(HeaderName::SipETag, EntityTag::from_text)
    }

    /// SIP-If-Match.
    ///
    /// # Errors
    /// [`HeaderError`] when it is repeated or malformed.
    pub fn if_match(&self) -> Found<Option<EntityTag<&str>>> {
        // RFC 3903 §6
        self.optional(HeaderName::SipIfMatch, EntityTag::from_text)
    }

    /// Suppress-If-Match; `*` is an entity tag too.
    ///
    /// # Errors
    /// [`HeaderError`] when it is repeated or malformed.
    pub fn suppress_if_match(&self) -> Found<Option<EntityTag<&str>>> {
        // RFC 5839 §7.2
        self.optional(HeaderName::SuppressIfMatch, EntityTag::from_text)
    }

    /// Allow-Events.
    ///
    /// # Errors
    /// [`HeaderError::Bad`].
    pub fn allow_events(&self) -> Found<Vec<&str>> {
        self.tokens(&HeaderName::AllowEvents)
    }
}

/// Capabilities and content.
impl Headers {
    /// Accept; `None` when there is no such header field, an empty list when it admits nothing.
    ///
    /// # Errors
    /// [`HeaderError::Bad`].
    pub fn accept(&self) -> Found<Option<Vec<MediaType<&str>>>> {
        let list = self.list(&HeaderName::Accept, MediaType::read)?;
        Ok(self.has(&HeaderName::Accept).then_some(list))
    }

    /// Allow.
    ///
    /// # Errors
    /// [`HeaderError::Bad`].
    pub fn allow(&self) -> Found<Vec<Method>> {
        self.list(&HeaderName::Allow, Method::parse)
    }

    /// The option tags of Require, Proxy-Require, Supported or Unsupported, or any other list of tokens.
    ///
    /// # Errors
    /// [`HeaderError::Bad`].
    pub fn tokens<'a>(&'a self, name: &HeaderName) -> Found<Vec<&'a str>> {
        self.list(name, |text| {
            let is_token = !text.is_empty() && text.bytes().all(scan::is_token);
            if is_token { Ok(text) } else { Err(ValueError::Token) }
        })
    }

    /// Whether a list of tokens (Supported, Require) names this one.
    #[must_use]
    pub fn has_token(&self, name: &HeaderName, token: &str) -> bool {
        self.items(name).is_ok_and(|items| items.iter().any(|item| item.eq_ignore_ascii_case(token)))
    }

    /// Content-Type.
    ///
    /// # Errors
    /// [`HeaderError`] when it is repeated or malformed.
    pub fn content_type(&self) -> Found<Option<MediaType<&str>>> {
        self.optional(HeaderName::ContentType, MediaType::read)
    }

    /// Content-Length.
    ///
    /// # Errors
    /// [`HeaderError`] when it is repeated, or no number.
    pub fn content_length(&self) -> Found<Option<usize>> {
        // RFC 4475 §3.1.2.3
        // RFC 4475 §3.3.9
        self.optional(HeaderName::ContentLength, |text| {
            usize::try_from(scan::parse_number(text)?).map_err(|_| ValueError::Number)
        })
    }

    /// Date.
    ///
    /// # Errors
    /// [`HeaderError`] when it is repeated or malformed.
    pub fn date(&self) -> Found<Option<Date>> {
        self.optional(HeaderName::Date, Date::parse)
    }
}

/// Authentication.
impl Headers {
    /// The challenges of WWW-Authenticate, or of Proxy-Authenticate, in their order.
    ///
    /// # Errors
    /// [`HeaderError::Bad`].
    pub fn challenges(&self, name: &HeaderName) -> Found<Vec<Authentication>> {
        self.authentications(name)
    }

    /// The credentials of Authorization, or of Proxy-Authorization, in their order.
    ///
    /// # Errors
    /// [`HeaderError::Bad`].
    pub fn credentials(&self, name: &HeaderName) -> Found<Vec<Authentication>> {
        self.authentications(name)
    }

    fn authentications(&self, name: &HeaderName) -> Found<Vec<Authentication>> {
        let bad = |error| HeaderError::Bad(name.clone(), error);
        // These four are the exception, their commas do not separate values.
        // RFC 3261 §7.3.1
        self.all(name).map(|header| header.text().and_then(Authentication::read).map_err(bad)).collect()
    }

    /// Authentication-Info.
    ///
    /// # Errors
    /// [`HeaderError`] when it is repeated or malformed.
    pub fn authentication_info(&self) -> Found<Option<Authentication>> {
        self.optional(HeaderName::AuthenticationInfo, Authentication::from_params)
    }
}

impl Headers {
    #[inline]
    fn optional<'a, T>(
        &'a self,
        name: HeaderName,
        read: impl Fn(&'a str) -> Result<T, ValueError>,
    ) -> Found<Option<T>> {
        match self.single(&name)? {
            Some(text) => read(text).map(Some).map_err(|error| HeaderError::Bad(name, error)),
            None => Ok(None),
        }
    }

    #[inline]
    fn mandatory<'a, T>(&'a self, name: &HeaderName, read: impl Fn(&'a str) -> Result<T, ValueError>) -> Found<T> {
        let text = self.single(name)?.ok_or_else(|| HeaderError::Missing(name.clone()))?;
        read(text).map_err(|error| HeaderError::Bad(name.clone(), error))
    }

    fn list<'a, T>(&'a self, name: &HeaderName, read: impl Fn(&'a str) -> Result<T, ValueError>) -> Found<Vec<T>> {
        let mut list = Vec::new();
        self.each_value(name, read, |value| {
            list.push(value);
            Ok(())
        })?;
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&str, &'static str)]) -> Headers {
        let mut headers = Headers::default();
        for (name, value) in list {
            headers.push(Header::new(HeaderName::parse(name).unwrap(), value));
        }
        headers
    }

    #[test]
    fn contact_list_spans_header_fields() {
        let headers = headers(&[("m", "<sip:a@h>, \"B, C\" <sip:b@h>"), ("Contact", "sip:c@h")]);
        let Contacts::List(list) = headers.contacts().unwrap() else { panic!("star") };
        assert_eq!(list.len(), 3);
    }

    #[test]
    fn privacy_is_a_list_with_semicolons() {
        let privacy = headers(&[("Privacy", "id ; critical")]).privacy().unwrap();
        assert_eq!(privacy, ["id", "critical"].map(Text::from));
        assert_eq!(headers(&[]).privacy(), Ok(vec![]));
        assert!(headers(&[("Privacy", "id;;")]).privacy().is_err());
    }

    #[test]
    fn stamping_touches_the_first_via_only() {
        let mut headers = headers(&[("Via", "SIP/2.0/UDP a;rport , SIP/2.0/UDP b;rport")]);
        headers.stamp_source("192.0.2.9:7".parse().unwrap()).unwrap();
        let vias: Vec<String> = headers.vias().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(vias, ["SIP/2.0/UDP a;rport=7;received=192.0.2.9", "SIP/2.0/UDP b;rport"]);
        let mut forged = super::tests::headers(&[("Via", "SIP/2.0/UDP a;received=192.0.2.66")]);
        forged.stamp_source("192.0.2.9:7".parse().unwrap()).unwrap();
        assert_eq!(forged.via_top().unwrap().received(), Some("192.0.2.9".parse().unwrap()));
    }

    #[test]
    fn what_can_be_read_whole_is_one_element_and_what_cannot_is_a_list() {
        let one = r#"SIP/2.0/UDP a;x="b, c <";branch=z9hG4bK1"#;
        let two = format!("{one} , SIP/2.0/TCP d");
        for (value, expected) in [(one, 1), (two.as_str(), 2)] {
            let mut headers = Headers::default();
            headers.push(Header::new(HeaderName::Via, value));
            assert_eq!(headers.vias().unwrap().len(), expected);
            assert_eq!(headers.items(&HeaderName::Via).unwrap().len(), expected);
        }
        assert!(headers(&[("Via", "SIP/2.0/UDP a,")]).vias().is_err());
    }

    #[test]
    fn star_stands_alone() {
        assert_eq!(headers(&[("Contact", "*")]).contacts(), Ok(Contacts::Star));
        for (values, error) in [
            ([("Contact", "*"), ("Contact", "<")], ValueError::AngleOpen),
            ([("Contact", "*, nonsense"), ("To", "")], ValueError::Scheme),
        ] {
            assert_eq!(headers(&values).contacts(), Err(HeaderError::Bad(HeaderName::Contact, error)));
        }
    }

    #[test]
    fn mandatory_and_repeated_header_fields_are_told_apart() {
        assert_eq!(headers(&[]).to(), Err(HeaderError::Missing(HeaderName::To)));
        assert_eq!(headers(&[("t", "sip:a@h"), ("To", "sip:a@h")]).to(), Err(HeaderError::Repeated(HeaderName::To)));
    }

    #[test]
    fn scalars_are_held_to_their_range() {
        assert!(headers(&[("Max-Forwards", "300")]).max_forwards().is_err());
        assert!(headers(&[("Expires", "10000000000")]).expires_s().is_err());
        assert!(headers(&[("Content-Length", "-999")]).content_length().is_err());
        assert_eq!(headers(&[("l", " 5")]).content_length().ok(), None);
    }

    #[test]
    fn empty_accept_is_not_a_missing_one() {
        assert_eq!(headers(&[]).accept(), Ok(None));
        assert_eq!(headers(&[("Accept", "")]).accept(), Ok(Some(vec![])));
    }

    #[test]
    fn commas_in_a_challenge_do_not_part_it() {
        let headers =
            headers(&[("WWW-Authenticate", "Digest realm=\"a\", nonce=\"b\""), ("WWW-Authenticate", "Other x=y")]);
        assert_eq!(headers.challenges(&HeaderName::WwwAuthenticate).unwrap().len(), 2);
    }
}
