//! A document with its type, as NOTIFY and PUBLISH carry it.

use crate::message::header::media_type::MediaType;
use crate::message::headers::Headers;
use bytes::Bytes;

/// Content and content type; shared octets, cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The type.
    pub media_type: MediaType,
    /// The content.
    pub content: Bytes,
}

impl Body {
    /// A body of a message; `None` when it is empty or its type is missing or malformed.
    #[must_use]
    pub fn from_message(headers: &Headers, content: &Bytes) -> Option<Self> {
        if content.is_empty() {
            return None;
        }
        let media_type = headers.content_type().ok()??.detach();
        Some(Self { media_type, content: content.clone() })
    }
}
