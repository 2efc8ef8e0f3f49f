//! A document with its type, as NOTIFY and PUBLISH carry it.

use crate::message::header::media_type::MediaType;
use crate::message::headers::{Header, Headers};
use crate::message::name::HeaderName;
use crate::message::request::Request;
use crate::message::text::Text;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

/// Content and content type; shared, cheap to clone: what is derived of them is made once for all who have the same.
#[derive(Clone, Debug)]
pub struct Body(Arc<Document>);

#[derive(Debug)]
struct Document {
    media_type: MediaType,
    /// The type as it is written.
    written_type: Bytes,
    content: Bytes,
    tag: OnceLock<Text>,
}

impl Body {
    /// A body of this content.
    #[must_use]
    pub fn new(media_type: MediaType, content: Bytes) -> Self {
        let written_type = Bytes::from(media_type.to_string());
        Self(Arc::new(Document { media_type, written_type, content, tag: OnceLock::new() }))
    }

    /// A body of a message; `None` when it is empty or its type is missing or malformed.
    #[must_use]
    pub fn from_message(headers: &Headers, content: &Bytes) -> Option<Self> {
        if content.is_empty() {
            return None;
        }
        let media_type = headers.content_type().ok()??.detach();
        Some(Self::new(media_type, content.clone()))
    }

    /// The type.
    #[must_use]
    pub fn media_type(&self) -> &MediaType {
        &self.0.media_type
    }

    /// The content.
    #[must_use]
    pub fn content(&self) -> &Bytes {
        &self.0.content
    }

    /// Puts it into a request.
    pub(super) fn put_into(&self, request: &mut Request) {
        request.headers_mut().set(Header::from_raw(HeaderName::ContentType, self.0.written_type.clone()));
        request.set_body(self.0.content.clone());
    }

    // RFC 5839 §6.1
    /// A tag that equal documents have in common, and no others.
    pub(super) fn tag(&self) -> &Text {
        self.0.tag.get_or_init(|| Text::from(spell(&self.0.written_type, &self.0.content)))
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || (self.0.media_type == other.0.media_type && self.0.content == other.0.content)
    }
}

impl Eq for Body {}

fn spell(media_type: &[u8], content: &[u8]) -> String {
    let digest = Sha256::new().chain_update(media_type).chain_update([0]).chain_update(content).finalize();
    digest.iter().take(TAG_OCTETS).fold(String::with_capacity(2 * TAG_OCTETS), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// So much of the digest tells states of one resource apart.
const TAG_OCTETS: usize = 12;
