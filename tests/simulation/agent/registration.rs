//! The part of a user agent that is registered.

use super::{Agent, EXPIRES_S, PAUSE_MS, Purpose, is_challenge};
use crate::truth::Truth;
use sip_proto::message::{
    HeaderName, Method, Request, Response, StatusCode,
    header::{address::NameAddr, cseq::CSeq},
    headers::Header,
    uri::Uri,
};

impl Agent {
    pub(super) fn register(&mut self, now: u64, credentials: Vec<Header>) {
        let domain = self.user.split('@').nth(1).unwrap_or_default();
        let registrar = Uri::parse(&format!("sip:{domain}")).expect("a URI");
        let own = NameAddr::new(self.own.clone());
        let mut request = Request::new(Method::Register, registrar)
            .with(Header::new(HeaderName::MaxForwards, 70))
            .with(Header::new(HeaderName::From, own.clone().with_tag(&self.registration.tag)))
            .with(Header::new(HeaderName::To, own))
            .with(Header::new(HeaderName::CallId, &self.registration.call_id))
            .with(Header::new(HeaderName::CSeq, CSeq::new(self.registration.sequence, Method::Register)))
            .with(Header::new(HeaderName::Contact, &self.contact))
            .with(Header::new(HeaderName::Expires, self.registration.expires_s));
        self.registration.sequence = self.registration.sequence.next().unwrap_or(self.registration.sequence);
        credentials.into_iter().for_each(|header| request.push(header));
        self.dispatch(now, request, Purpose::Register);
    }

    pub(super) fn registered(&mut self, now: u64, answer: Result<Response, StatusCode>, truth: &mut Truth) {
        match answer {
            Ok(response) if is_challenge(&response) && self.registration.challenges < 3 => {
                self.registration.challenges += 1;
                let domain = self.user.split('@').nth(1).unwrap_or_default();
                let headers = self.credentials(&response, &Method::Register, &format!("sip:{domain}"));
                self.register(now, headers);
            }
            Ok(response) if response.status().is_success() => {
                let wanted = self.registration.expires_s > 0;
                truth.count("sip registered".to_owned());
                self.registration.is_registered = wanted;
                self.registration.due = wanted.then(|| now + u64::from(EXPIRES_S) * 700);
            }
            Ok(_) | Err(_) => self.registration.due = Some(now + PAUSE_MS),
        }
    }
}
