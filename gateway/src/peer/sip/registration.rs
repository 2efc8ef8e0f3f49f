//! The registration: one binding, kept alive.

use sip_proto::{
    event::lifetime::{Jitter, refresh_delay},
    id_source::IdSource,
    message::{
        HeaderName, Method, Request, Response, StatusCode,
        header::{
            address::NameAddr,
            contact::Contact,
            cseq::{CSeq, Sequence},
            identifier::{CallId, Tag},
        },
        headers::Header,
        host::Host,
        uri::{SipUri, Uri},
    },
    time::Timestamp,
};

/// The binding of one contact.
#[derive(Debug)]
pub(super) struct Registration {
    own: NameAddr,
    registrar: Uri,
    contact: Contact,
    call_id: CallId,
    tag: Tag,
    sequence: Sequence,
    /// The lifetime to ask for; zero ends the binding.
    wish_s: u32,
    usual_s: u32,
    refresh_at: Option<Timestamp>,
    challenged: u8,
}

/// What became of a REGISTER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// To be sent again with credentials.
    Challenged,
    /// To be sent again as it would be now.
    Again,
    /// The binding holds for so many seconds.
    Registered(u32),
    /// The binding is gone.
    Unregistered,
    /// The registrar does not want to.
    Refused,
}

impl Registration {
    pub(super) fn new(own: NameAddr, host: Host, contact: Contact, usual_s: u32, ids: &mut IdSource) -> Self {
        Self {
            own,
            registrar: Uri::Sip(SipUri::new(host)),
            contact,
            call_id: ids.call_id(),
            tag: ids.tag(),
            sequence: Sequence::FIRST,
            wish_s: usual_s,
            usual_s,
            refresh_at: None,
            challenged: 0,
        }
    }

    /// The binding is wanted, or not any more.
    pub(super) fn want(&mut self, is_wanted: bool) {
        self.wish_s = if is_wanted { self.usual_s } else { 0 };
        self.challenged = 0;
        self.refresh_at = None;
    }

    // RFC 3261 §10.2
    pub(super) fn request(&mut self, credentials: Vec<Header>) -> Request {
        let mut request = Request::new(Method::Register, self.registrar.clone())
            .with(Header::new(HeaderName::MaxForwards, MAX_FORWARDS))
            .with(Header::new(HeaderName::From, self.own.clone().with_tag(&self.tag)))
            .with(Header::new(HeaderName::To, &self.own))
            .with(Header::new(HeaderName::CallId, &self.call_id))
            .with(Header::new(HeaderName::CSeq, CSeq::new(self.sequence, Method::Register)))
            .with(Header::new(HeaderName::Contact, &self.contact))
            .with(Header::new(HeaderName::Expires, self.wish_s));
        self.sequence = self.sequence.next().unwrap_or(self.sequence);
        for header in credentials {
            request.push(header);
        }
        request
    }

    pub(super) fn take(&mut self, now: Timestamp, response: &Response) -> Outcome {
        match response.status() {
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED
                if self.challenged < CHALLENGES_MAX =>
            {
                self.challenged = self.challenged.saturating_add(1);
                Outcome::Challenged
            }
            // RFC 3261 §10.2.8
            StatusCode::INTERVAL_TOO_BRIEF => {
                let min_s = response.headers().min_expires_s().ok().flatten();
                match min_s.filter(|min_s| *min_s > self.wish_s) {
                    Some(min_s) => {
                        self.usual_s = min_s;
                        self.wish_s = min_s;
                        Outcome::Again
                    }
                    None => Outcome::Refused,
                }
            }
            status if status.is_success() && self.wish_s == 0 => Outcome::Unregistered,
            status if status.is_success() => {
                self.challenged = 0;
                let granted_s = self.granted_s(response);
                self.refresh_at = refresh_delay(granted_s, Jitter::default()).map(|wait| now.after(wait));
                Outcome::Registered(granted_s)
            }
            _ => Outcome::Refused,
        }
    }

    // RFC 3261 §10.2.4
    fn granted_s(&self, response: &Response) -> u32 {
        let contacts = response.headers().contacts().ok();
        let own = contacts.as_ref().and_then(|contacts| match contacts {
            sip_proto::message::header::contact::Contacts::List(list) => {
                list.iter().find(|contact| contact.uri().is_equivalent(self.contact.uri()))
            }
            _ => None,
        });
        let of_contact = own.and_then(Contact::expires_s);
        let of_response = response.headers().expires_s().ok().flatten();
        of_contact.or(of_response).unwrap_or(self.wish_s)
    }

    /// The Request-URI of every REGISTER.
    pub(super) const fn registrar(&self) -> &Uri {
        &self.registrar
    }

    /// When to send a REGISTER again.
    pub(super) const fn deadline(&self) -> Option<Timestamp> {
        self.refresh_at
    }

    /// Whether it is time for that; true once.
    pub(super) fn is_due(&mut self, now: Timestamp) -> bool {
        let is_due = self.refresh_at.is_some_and(|at| at <= now);
        if is_due {
            self.refresh_at = None;
        }
        is_due
    }
}

// RFC 3261 §8.1.1.6
const MAX_FORWARDS: u8 = 70;

/// One challenge, and once again because the nonce was stale.
const CHALLENGES_MAX: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use sip_proto::message::text::Text;

    fn registration() -> Registration {
        let mut ids = IdSource::new("t", [7; 32]).unwrap();
        let own = NameAddr::parse("<sip:bob@sip.example>").unwrap();
        let contact = Contact::new(Uri::parse("sip:bob@127.0.0.1:5070").unwrap());
        Registration::new(own, Host::parse(&Text::from("sip.example")).unwrap(), contact, 600, &mut ids)
    }

    fn answer(registration: &mut Registration, response: Response) -> Outcome {
        registration.take(Timestamp::EPOCH, &response)
    }

    #[test]
    fn what_the_registrar_grants_is_refreshed_in_time() {
        let mut registration = registration();
        assert_eq!(registration.request(Vec::new()).headers().expires_s(), Ok(Some(600)));
        let contact = "<sip:bob@127.0.0.1:5070>;expires=100";
        let granted = Response::new(StatusCode::OK).with(Header::new(HeaderName::Contact, contact));
        assert_eq!(answer(&mut registration, granted), Outcome::Registered(100));
        assert_eq!(registration.deadline(), Some(Timestamp::from_secs(80)));
        assert!(!registration.is_due(Timestamp::from_secs(79)));
        assert!(registration.is_due(Timestamp::from_secs(80)));
        assert!(!registration.is_due(Timestamp::from_secs(81)));
    }

    #[test]
    fn challenges_and_short_lifetimes_are_taken_but_not_for_ever() {
        let mut registration = registration();
        let challenge = || Response::new(StatusCode::UNAUTHORIZED);
        assert_eq!(answer(&mut registration, challenge()), Outcome::Challenged);
        assert_eq!(answer(&mut registration, challenge()), Outcome::Challenged);
        assert_eq!(answer(&mut registration, challenge()), Outcome::Refused);
        let brief = Response::new(StatusCode::INTERVAL_TOO_BRIEF).with(Header::new(HeaderName::MinExpires, 900));
        assert_eq!(answer(&mut registration, brief.clone()), Outcome::Again);
        assert_eq!(registration.request(Vec::new()).headers().expires_s(), Ok(Some(900)));
        assert_eq!(answer(&mut registration, brief), Outcome::Refused);
        registration.want(false);
        assert_eq!(answer(&mut registration, Response::new(StatusCode::OK)), Outcome::Unregistered);
    }
}
