//! Taking messages out of their wrapping, and wrapping them.

use super::{ACCEPT, MessageError, TEXTS, is_content, notification::Wishes, to_media_type};
use crate::simple::translate::address;
use bytes::Bytes;
use mapping::{
    message::{Message, ReportWish},
    time::Timestamp,
};
use sip_proto::{
    body::{
        cpim::{self, Cpim},
        datetime,
        mime::MimePart,
        multipart,
    },
    message::{Request, header::media_type::MediaType},
};

/// Whether a message is wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapping {
    /// As CPIM, which notifications need.
    Cpim,
    /// Not at all, for those who know nothing of it.
    Bare,
}

/// What was inside.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) media_type: MediaType,
    pub(super) body: Bytes,
    /// When it was sent, as the wrapping says.
    pub(super) sent: Option<Timestamp>,
    /// The notifications that are wished for.
    pub(super) wishes: Option<Wishes>,
}

impl Opened {
    pub(super) fn of(request: &Request) -> Result<Self, MessageError> {
        let declared = request.headers().content_type().map_err(|_| MessageError::BadHeader)?;
        let declared = declared.map(|media_type| media_type.detach());
        // UNCLEAR RFC 3428 §7: a body without Content-Type is read as plain text, as old clients mean it.
        let media_type = declared.map_or_else(|| MediaType::parse("text/plain"), Ok);
        let media_type = media_type.map_err(|_| MessageError::BadHeader)?;
        let mut opened = Self { media_type, body: request.body().clone(), sent: None, wishes: None };
        for _ in 0..DEPTH_MAX {
            let essence = opened.media_type.to_essence();
            if essence == "message/cpim" {
                opened.unwrap_cpim()?;
            } else if let Some(kind) = essence.strip_prefix("multipart/") {
                opened.choose_part(kind)?;
            } else {
                return Ok(opened);
            }
        }
        Err(MessageError::UnsupportedType)
    }

    // RFC 3862 §2, §3.5
    /// Who sent it is said by the request, which was proven, and not by the wrapping, which was not.
    fn unwrap_cpim(&mut self) -> Result<(), MessageError> {
        let message = Cpim::parse(&self.body).map_err(|_| MessageError::BadHeader)?;
        let is_known = |(namespace, name): (&str, &str)| {
            (namespace == cpim::CORE && CORE_HEADERS.contains(&name))
                || (namespace == cpim::IMDN && matches!(name, "Message-ID" | "Disposition-Notification"))
        };
        if !message.required().all(is_known) {
            return Err(MessageError::UnsupportedType);
        }
        let sent = message.header("DateTime").and_then(|text| datetime::parse(&text));
        self.sent = self.sent.or(sent.map(|at| Timestamp::from_millis(at.as_millis())));
        self.wishes = self.wishes.take().or_else(|| Wishes::of(&message));
        self.take(&message.content)
    }

    // RFC 2046 §5.1.3, §5.1.4
    fn choose_part(&mut self, kind: &str) -> Result<(), MessageError> {
        let boundary = self.media_type.param("boundary").ok_or(MessageError::BadHeader)?.into_owned();
        let parts = multipart::parse(&self.body, &boundary).map_err(|_| MessageError::BadHeader)?;
        let is_readable = |part: &&MimePart| {
            part.media_type().is_some_and(|media_type| {
                let essence = media_type.to_essence();
                ACCEPT.contains(&essence.as_str()) || essence.starts_with("multipart/")
            })
        };
        let is_text = |part: &&MimePart| {
            part.media_type().is_some_and(|media_type| TEXTS.contains(&media_type.to_essence().as_str()))
        };
        let is_other =
            |part: &&MimePart| part.media_type().is_some_and(|media_type| is_content(&media_type.to_essence()));
        let chosen = match kind {
            // The last one is the richest.
            "alternative" => parts.iter().rfind(is_readable),
            _ => parts.iter().find(is_text).or_else(|| parts.iter().find(is_readable)),
        };
        // Whether the recipient takes anything else is not known here.
        let chosen = chosen.or_else(|| parts.iter().find(is_other));
        self.take(chosen.ok_or(MessageError::UnsupportedType)?)
    }

    fn take(&mut self, part: &MimePart) -> Result<(), MessageError> {
        self.media_type = part.media_type().ok_or(MessageError::BadHeader)?;
        self.body = part.decoded().map_err(|_| MessageError::BadHeader)?;
        Ok(())
    }
}

/// The body for a message, and its type. Only who asks for notifications needs the wrapping.
#[must_use]
pub fn to_body(message: &Message, wrapping: Wrapping) -> Option<(MediaType, Bytes)> {
    let media_type = to_media_type(&message.content)?;
    if wrapping == Wrapping::Bare || message.report == ReportWish::None {
        return Some((media_type, message.content.body.clone()));
    }
    let from = address::from_neutral(&message.shown_sender()).ok()?;
    let to = address::from_neutral(&message.recipient).ok()?;
    let length = message.content.body.len().to_string();
    let content = MimePart::new(&media_type, message.content.body.clone()).with("Content-Length", &length);
    // RFC 5438 §7.1.1
    let wrapped = Cpim::new(content)
        .with("From", &format!("<{from}>"))
        .with("To", &format!("<{to}>"))
        .with("DateTime", &datetime::write(to_sip(message.sent)))
        .with_in(cpim::IMDN, "imdn", "Message-ID", message.id.as_str())
        .with_in(cpim::IMDN, "imdn", "Disposition-Notification", "positive-delivery, negative-delivery");
    Some((MediaType::parse("message/cpim").ok()?, wrapped.write().ok()?))
}

pub(super) const fn to_sip(at: Timestamp) -> sip_proto::time::Timestamp {
    sip_proto::time::Timestamp::from_millis(at.as_millis())
}

/// What RFC 3862 itself names, and what is heeded of it.
const CORE_HEADERS: &[&str] = &["From", "To", "cc", "DateTime", "Subject", "NS", "Require"];

/// Wrappings in wrappings. A sealed message of a conference has three.
const DEPTH_MAX: usize = 5;
