//! MESSAGE, both ways.

mod notification;
mod wrapping;

pub use notification::{Wishes, to_notification};
pub use wrapping::{Wrapping, to_body};

use bytes::Bytes;
use mapping::{
    address::Address,
    message::{Content, Disclosure, Message, MessageId, ReportWish},
    outcome::Outcome,
    time::Timestamp,
};
use sip_proto::{
    body::imdn::{Disposition, Imdn, Status},
    message::{Headers, Request, header::media_type::MediaType},
};
use std::{sync::Arc, time::Duration};
use wrapping::Opened;

/// Media types that every recipient is shown, in one form or another.
pub const TEXTS: &[&str] = &["text/plain", "text/html", "application/xhtml+xml"];

/// Media types of other things: they go to recipients that take them.
pub const OTHERS: &[&str] = &["text/*", "image/*", "audio/*", "video/*", "application/*"];

/// Media types of MESSAGE that are taken in whoever is to get them.
pub const ACCEPT: &[&str] = &[
    "text/plain",
    "text/html",
    "application/xhtml+xml",
    "message/cpim",
    "multipart/mixed",
    "multipart/alternative",
    COMPOSING,
    IMDN,
];

/// Answered 200, and goes no further: nothing on the other side shows it (messaging.md §4).
const COMPOSING: &str = "application/im-iscomposing+xml";

/// What became of a message.
const IMDN: &str = "message/imdn+xml";

/// What a MESSAGE brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inward {
    /// Something for its recipient to read.
    Message(Box<Message>),
    /// What became of a message that its recipient had sent.
    Fate {
        /// The message.
        message: MessageId,
        /// What became of it.
        outcome: Outcome,
    },
    /// Nothing that goes further.
    Nothing,
}

/// Why a MESSAGE cannot become a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// A header field that is needed, or the wrapping, is malformed (400).
    #[error("a header field or the wrapping is malformed")]
    BadHeader,
    /// The type is not taken, or something that is not known here is required (415).
    #[error("the media type is not accepted")]
    UnsupportedType,
    /// The charset is not known, or the octets are not in it (415).
    #[error("the text cannot be read in its charset")]
    BadCharset,
}

/// What a MESSAGE request from `sender` to `recipient` brings.
///
/// # Errors
/// See [`MessageError`].
pub fn from_request(
    request: &Request,
    sender: &Address,
    recipient: &Address,
    validity: Duration,
    now: Timestamp,
) -> Result<Inward, MessageError> {
    let headers = request.headers();
    let opened = Opened::of(request)?;
    let essence = opened.media_type.to_essence();
    match essence.as_str() {
        COMPOSING => return Ok(Inward::Nothing),
        IMDN => return fate(&opened.body),
        essence if !is_content(essence) => return Err(MessageError::UnsupportedType),
        _ => {}
    }
    let lifetime = headers.expires_s().map_err(|_| MessageError::BadHeader)?;
    let date = headers.date().ok().flatten().map(|date| Timestamp::from_secs(date.to_unix_s()));
    let sent = opened.sent.or(date).unwrap_or(now).min(now);
    // RFC 3428 §7: an absolute Date decides when Expires ends; one from the future is not believed. What the wrapping
    // says is for the reader.
    let begin = date.unwrap_or(now).min(now);
    let lifetime = lifetime.map_or(validity, |seconds| Duration::from_secs(seconds.into()));
    let (report, origin) = match &opened.wishes {
        Some(wishes) => (ReportWish::Delivery, wishes.to_origin()),
        None => (ReportWish::None, origin(headers)?),
    };
    Ok(Inward::Message(Box::new(Message {
        id: MessageId::new(""),
        sender: sender.clone(),
        recipient: recipient.clone(),
        device: None,
        content: readable(&opened.media_type, &opened.body)?,
        sent,
        expires: begin.after(lifetime),
        report,
        origin: Arc::from(origin),
        talk: None,
        disclosure: Disclosure::Named,
    })))
}

// RFC 5438 §7.1.2, messaging.md §5
/// What a notification says of a message. What was shown or worked on says nothing that the other side is told.
fn fate(document: &[u8]) -> Result<Inward, MessageError> {
    let imdn = Imdn::parse(document).map_err(|_| MessageError::BadHeader)?;
    let outcome = match imdn.disposition {
        Disposition::Delivery(Status::Done) => Outcome::Success,
        Disposition::Delivery(Status::Failed | Status::Error) => Outcome::Undeliverable,
        Disposition::Delivery(Status::Forbidden | Status::Stored | Status::Other)
        | Disposition::Display(_)
        | Disposition::Processing(_) => return Ok(Inward::Nothing),
    };
    Ok(Inward::Fate { message: MessageId::new(&imdn.message_id), outcome })
}

/// What makes a repeated MESSAGE recognisable after its transaction is forgotten (messaging.md §5).
fn origin(headers: &Headers) -> Result<String, MessageError> {
    let call_id = headers.call_id().map_err(|_| MessageError::BadHeader)?;
    let cseq = headers.cseq().map_err(|_| MessageError::BadHeader)?;
    let from = headers.from().map_err(|_| MessageError::BadHeader)?;
    let tag = from.tag().map(|tag| tag.to_string()).unwrap_or_default();
    Ok(format!("{tag} {call_id} {}", cseq.sequence.to_number()))
}

/// Whether a message may consist of it.
fn is_content(essence: &str) -> bool {
    // RFC 3261 §23: what is sealed for another one cannot be opened here.
    let is_sealed = essence.starts_with("application/pkcs7-");
    let kind = essence.split('/').next().unwrap_or_default();
    !is_sealed && OTHERS.iter().any(|other| other.split('/').next() == Some(kind))
}

fn readable(media_type: &MediaType, body: &Bytes) -> Result<Content, MessageError> {
    let essence = media_type.to_essence();
    if !essence.starts_with("text/") && !TEXTS.contains(&essence.as_str()) {
        return Ok(Content { media_type: Arc::from(essence), body: body.clone() });
    }
    let charset = media_type.param("charset").map(|charset| charset.to_ascii_lowercase());
    text(&essence, body, charset.as_deref())
}

fn text(media_type: &str, body: &Bytes, charset: Option<&str>) -> Result<Content, MessageError> {
    let body = match charset {
        None | Some("utf-8" | "us-ascii") => {
            std::str::from_utf8(body).map_err(|_| MessageError::BadCharset)?;
            body.clone()
        }
        Some("iso-8859-1") => body.iter().copied().map(char::from).collect::<String>().into(),
        Some(_) => return Err(MessageError::BadCharset),
    };
    Ok(Content { media_type: Arc::from(media_type), body })
}

/// The media type for the Content-Type of an outgoing MESSAGE; text is always UTF-8.
#[must_use]
pub fn to_media_type(content: &Content) -> Option<MediaType> {
    let media_type = MediaType::parse(&content.media_type).ok()?;
    Some(if content.media_type.starts_with("text/") { media_type.with_param("charset", "UTF-8") } else { media_type })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip_proto::{
        limit::Limits,
        message::framer::{Parsed, parse_datagram},
    };

    fn read(kind: &str, body: &[u8]) -> Result<Inward, MessageError> {
        let mut octets = format!(
            "MESSAGE sip:alice@wv.example SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
             From: <sip:bob@sip.example>;tag=1\r\nTo: <sip:alice@wv.example>\r\nCall-ID: 1\r\nCSeq: 1 MESSAGE\r\n\
             Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        octets.extend_from_slice(body);
        let Ok(Parsed::Message(sip_proto::message::Message::Request(request))) =
            parse_datagram(&octets.into(), &Limits::default())
        else {
            panic!("a request")
        };
        let [sender, recipient] = ["bob@sip.example", "alice@wv.example"].map(|user| Address::parse(user).unwrap());
        from_request(&request, &sender, &recipient, Duration::from_secs(60), Timestamp::from_secs(1))
    }

    #[test]
    fn what_is_no_text_is_content_octet_by_octet() {
        let picture: &[u8] = b"\x89PNG\x00\xff";
        let content = |read: Result<Inward, MessageError>| match read {
            Ok(Inward::Message(message)) => (message.content.media_type.to_string(), message.content.body.to_vec()),
            other => panic!("{other:?}"),
        };
        assert_eq!(content(read("Image/PNG;name=x.png", picture)), ("image/png".to_owned(), picture.to_vec()));
        let parts = |first: &[u8]| {
            [b"--b\r\n", first, b"\r\n--b\r\nContent-Type: image/png\r\n\r\n", picture, b"\r\n--b--"].concat()
        };
        let mixed = parts(b"Content-Type: text/plain\r\n\r\nlook");
        assert_eq!(content(read("multipart/mixed;boundary=b", &mixed)), ("text/plain".to_owned(), b"look".to_vec()));
        let only = parts(b"Content-Type: message/sipfrag\r\n\r\nx");
        assert_eq!(content(read("multipart/mixed;boundary=b", &only)), ("image/png".to_owned(), picture.to_vec()));
        for kind in ["application/pkcs7-mime", "message/sipfrag", "model/vrml"] {
            assert_eq!(read(kind, picture), Err(MessageError::UnsupportedType), "{kind}");
        }
        assert_eq!(read("text/plain", picture), Err(MessageError::BadCharset));
    }
}
