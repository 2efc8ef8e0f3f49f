//! MESSAGE, both ways.

use bytes::Bytes;
use mapping::{
    address::Address,
    message::{Content, Message, MessageId, ReportWish},
    time::Timestamp,
};
use sip_proto::message::{Headers, Request, header::media_type::MediaType};
use std::{sync::Arc, time::Duration};

/// Media types of MESSAGE that are taken in.
pub const ACCEPTED: &[&str] = &["text/plain", "text/html", "application/xhtml+xml"];

/// Media types that are answered 200 and go no further: nothing on the other side shows them (messaging.md §4).
pub const SWALLOWED: &[&str] = &["application/im-iscomposing+xml", "message/imdn+xml"];

/// Why a MESSAGE cannot become a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// A header field that is needed is malformed (400).
    #[error("a header field is malformed")]
    BadHeader,
    /// The type is not taken (415).
    #[error("the media type is not accepted")]
    UnsupportedType,
    /// The charset is not known, or the octets are not in it (415).
    #[error("the text cannot be read in its charset")]
    BadCharset,
}

/// The message of a MESSAGE request from `sender` to `recipient`.
///
/// # Errors
/// See [`MessageError`].
pub fn from_request(
    request: &Request,
    sender: &Address,
    recipient: &Address,
    validity: Duration,
    now: Timestamp,
) -> Result<Message, MessageError> {
    let headers = request.headers();
    let lifetime = headers.expires_s().map_err(|_| MessageError::BadHeader)?;
    let sent = headers.date().ok().flatten().map_or(now, |date| {
        // RFC 3428 §7: an absolute Date decides when Expires ends; one from the future is not believed.
        Timestamp::from_secs(date.to_unix_s()).min(now)
    });
    let lifetime = lifetime.map_or(validity, |seconds| Duration::from_secs(seconds.into()));
    Ok(Message {
        id: MessageId::new(""),
        sender: sender.clone(),
        recipient: recipient.clone(),
        device: None,
        content: from_body(headers, request.body())?,
        sent,
        expires: sent.after(lifetime),
        // A report needs IMDN, which is not spoken yet: without it MESSAGE asks for none.
        report: ReportWish::None,
        origin: Arc::from(origin(headers)?),
        talk: None,
    })
}

/// What makes a repeated MESSAGE recognisable after its transaction is forgotten (messaging.md §5).
fn origin(headers: &Headers) -> Result<String, MessageError> {
    let call_id = headers.call_id().map_err(|_| MessageError::BadHeader)?;
    let cseq = headers.cseq().map_err(|_| MessageError::BadHeader)?;
    let from = headers.from().map_err(|_| MessageError::BadHeader)?;
    let tag = from.tag().map(|tag| tag.to_string()).unwrap_or_default();
    Ok(format!("{tag} {call_id} {}", cseq.sequence.to_number()))
}

fn from_body(headers: &Headers, body: &Bytes) -> Result<Content, MessageError> {
    let declared = headers.content_type().map_err(|_| MessageError::BadHeader)?;
    let Some(media_type) = declared else {
        // UNCLEAR RFC 3428 §7: a body without Content-Type is read as plain text, as old clients mean it.
        return text("text/plain", body, None);
    };
    let essence = media_type.to_essence();
    if essence.starts_with("text/") || essence.ends_with("+xml") {
        let charset = media_type.param("charset").map(|charset| charset.to_ascii_lowercase());
        return text(&essence, body, charset.as_deref());
    }
    Ok(Content { media_type: Arc::from(essence), body: body.clone() })
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

/// Whether the media type is taken in.
#[must_use]
pub fn is_accepted(media_type: &str) -> bool {
    ACCEPTED.contains(&media_type)
}

/// Whether the media type is answered and dropped.
#[must_use]
pub fn is_swallowed(media_type: &str) -> bool {
    SWALLOWED.contains(&media_type)
}
