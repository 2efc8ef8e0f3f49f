//! The part of a user agent that asks oddly.

use super::{Agent, Purpose, is_challenge};
use crate::{
    odd::{Oddity, kind},
    truth::Truth,
};
use bytes::Bytes;
use sip_proto::message::{
    HeaderName, Method, Request, Response, StatusCode,
    header::{
        address::NameAddr,
        cseq::{CSeq, Sequence},
        media_type::MediaType,
    },
    headers::Header,
    uri::Uri,
};

impl Agent {
    /// Sends a request of this kind. Who is not registered has nothing to go on from.
    pub(crate) fn ask_oddly(&mut self, now: u64, number: usize, truth: &mut Truth) {
        if !self.registration.is_registered {
            return;
        }
        let kind = kind(number);
        let domain = self.user.split('@').nth(1).unwrap_or_default();
        let domain = if kind.is_foreign { "nowhere.example" } else { domain };
        let target = if kind.method == Method::Register { format!("sip:{domain}") } else { self.own.to_string() };
        let foreign = || Uri::parse("sip:nobody@nowhere.example").expect("a URI");
        let about = if kind.is_foreign { foreign() } else { self.own.clone() };
        let call_id = if kind.is_late { self.registration.call_id.clone() } else { self.ids.call_id() };
        let from = NameAddr::new(self.own.clone()).with_tag(&self.ids.tag());
        let mut request = Request::new(kind.method.clone(), Uri::parse(&target).expect("a URI"))
            .with(Header::new(HeaderName::MaxForwards, 70))
            .with(Header::new(HeaderName::From, from))
            .with(Header::new(HeaderName::To, NameAddr::new(about)))
            .with(Header::new(HeaderName::CallId, call_id))
            .with(Header::new(HeaderName::CSeq, CSeq::new(Sequence::FIRST, kind.method)));
        for (name, value) in kind.headers {
            let value = if *value == "CONTACT" { self.contact.to_string() } else { (*value).to_owned() };
            request.push(Header::new(HeaderName::parse(name).expect("a name"), value));
        }
        if let Some((media_type, text)) = kind.body {
            request = request.with_body(&MediaType::parse(media_type).expect("a media type"), Bytes::from(text));
        }
        truth.count("odd requests".to_owned());
        let oddity = Oddity { what: kind.what, answers: kind.answers, request: request.clone(), is_authorized: false };
        self.dispatch(now, request, Purpose::Odd(Box::new(oddity)));
    }

    /// Judges the answer, or proves who asks.
    pub(super) fn odd_answered(
        &mut self,
        now: u64,
        oddity: Oddity,
        answer: Result<Response, StatusCode>,
        truth: &mut Truth,
    ) {
        let Ok(response) = answer else { return };
        let code = response.status().to_number();
        if is_challenge(&response) && !oddity.is_authorized {
            return self.prove_oddly(now, oddity, &response);
        }
        // A nonce may have been forgotten with the process; and a gateway that cannot now may say so.
        if !oddity.answers.contains(&code) && !matches!(code, 401 | 407 | 503) {
            truth.violated(format!("{} was answered {code} to {}, not {:?}", self.user, oddity.what, oddity.answers));
        }
    }

    fn prove_oddly(&mut self, now: u64, mut oddity: Oddity, response: &Response) {
        let method = oddity.request.method().clone();
        let Ok(cseq) = oddity.request.headers().cseq() else { return };
        let credentials = self.credentials(response, &method, &oddity.request.uri().to_string());
        let sequence = cseq.sequence.next().unwrap_or(cseq.sequence);
        oddity.request.headers_mut().set(Header::new(HeaderName::CSeq, CSeq::new(sequence, method)));
        credentials.into_iter().for_each(|credential| oddity.request.push(credential));
        oddity.is_authorized = true;
        self.dispatch(now, oddity.request.clone(), Purpose::Odd(Box::new(oddity)));
    }
}
