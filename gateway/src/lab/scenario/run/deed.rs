//! Deeds of the text become acts of the stage: variables get their values, names of exchanges their numbers.

use super::{Play, Stop};
use crate::lab::scenario::{
    model::{AnswerDeed, Deed, SendDeed},
    seen::Exchange,
    stage::{Act, Fault, SipAnswer, SipRequest},
    template::Template,
};

impl Play<'_> {
    pub(super) fn act(&mut self, actor: usize, deed: &Deed) -> Result<Act, Stop> {
        Ok(match deed {
            Deed::LogIn { name, way, resumes } => {
                Act::LogIn { exchange: self.begin(actor, name.as_ref()), way: *way, resumes: *resumes }
            }
            Deed::Request { name, xml } => {
                let xml = self.fill(xml)?;
                Act::Request { exchange: self.begin(actor, name.as_ref()), xml }
            }
            Deed::Post { name, content_type, body } => {
                let octets = self.fill(body)?.into_bytes();
                let content_type = content_type.clone();
                Act::Post { exchange: self.begin(actor, name.as_ref()), content_type, octets }
            }
            Deed::AnswerPrimitives { primitive, answer } => {
                Act::AnswerPrimitives { primitive: primitive.clone(), answer: *answer }
            }
            Deed::Acknowledge => Act::Acknowledge,
            Deed::Silence(is_silent) => Act::Silence(*is_silent),
            Deed::Send(send) => Act::Send(self.sip_request(actor, send)?),
            Deed::Answer(answer) => Act::Answer(self.sip_answer(actor, answer)?),
            Deed::AnswerRequests { method, answer } => {
                let answer = answer.as_ref().map(|answer| self.sip_answer(actor, answer)).transpose()?;
                Act::AnswerRequests { method: method.clone(), answer }
            }
            Deed::Fault { way, kind, count } => Act::Fault(Fault { way: *way, kind: *kind, count: *count }),
        })
    }

    /// A new exchange, under its name.
    fn begin(&mut self, actor: usize, name: Option<&String>) -> Exchange {
        let exchange = self.next_exchange();
        if let Some(name) = name {
            self.names.insert((actor, name.clone()), exchange);
        }
        exchange
    }

    fn sip_request(&mut self, actor: usize, deed: &SendDeed) -> Result<SipRequest, Stop> {
        let inside = deed.inside.as_ref().map(|name| self.exchange(actor, name)).transpose()?;
        let headers = self.headers(&deed.headers)?;
        let body = self.body(deed.body.as_ref())?;
        let uri = deed.uri.as_ref().map(|uri| self.fill(uri)).transpose()?;
        let exchange = match inside {
            Some(exchange) => exchange,
            None => self.begin(actor, deed.name.as_ref()),
        };
        Ok(SipRequest {
            exchange: Some(exchange),
            is_inside: inside.is_some(),
            method: deed.method.clone(),
            uri,
            headers,
            body,
            refuses_challenges: deed.refuses_challenges,
        })
    }

    fn sip_answer(&self, actor: usize, deed: &AnswerDeed) -> Result<SipAnswer, Stop> {
        let status = deed.status.as_ref().map(|status| self.code(status)).transpose()?;
        Ok(SipAnswer {
            exchange: deed.inside.as_ref().map(|name| self.exchange(actor, name)).transpose()?,
            method: deed.method.clone(),
            status,
            headers: self.headers(&deed.headers)?,
            body: self.body(deed.body.as_ref())?,
        })
    }

    fn code(&self, template: &Template) -> Result<u16, Stop> {
        let text = self.fill(template)?;
        let code = text.parse().ok().filter(|code| (100..700).contains(code));
        code.ok_or_else(|| Stop::Unfulfilled {
            awaited: "a code to answer with".to_owned(),
            instead: vec![format!("{text} is none")],
        })
    }

    fn headers(&self, headers: &[(String, Template)]) -> Result<Vec<(String, String)>, Stop> {
        headers.iter().map(|(name, value)| Ok((name.clone(), self.fill(value)?))).collect()
    }

    fn body(&self, body: Option<&Template>) -> Result<Vec<u8>, Stop> {
        Ok(body.map(|body| self.fill(body)).transpose()?.unwrap_or_default().into_bytes())
    }
}
