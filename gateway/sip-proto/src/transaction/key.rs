//! What makes two requests the same request.

use crate::error::HeaderError;
use crate::message::header::identifier::{Branch, CallId, Tag};
use crate::message::header::via::Via;
use crate::message::host::Host;
use crate::message::method::Method;
use crate::message::request::Request;

// RFC 3261 §17.2.3
/// What a server transaction is found by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum ServerKey {
    /// Of a client that follows RFC 3261.
    Branch {
        /// Branch of the top Via.
        branch: Branch,
        /// Host of its sent-by.
        host: Host,
        /// Port of its sent-by.
        port: u16,
        /// The method; INVITE for an ACK.
        method: Method,
    },
    /// Of a client that follows RFC 2543.
    Fields(Box<FieldKey>),
}

/// The fields that identify a request without a branch of RFC 3261.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct FieldKey {
    uri: String,
    to_tag: Option<Tag>,
    from_tag: Option<Tag>,
    call_id: CallId,
    sequence: u32,
    method: Method,
    via: String,
}

// RFC 3261 §8.2.2.2
/// What a request that took two ways has in common with its twin.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct MergeKey {
    from_tag: Option<Tag>,
    call_id: CallId,
    sequence: u32,
    method: Method,
}

impl ServerKey {
    /// The key of a request whose top Via was stamped; `method` is that of the transaction looked for.
    pub(super) fn new(request: &Request, via: &Via, method: Method) -> Result<Self, HeaderError> {
        if let Some(branch) = via.branch().filter(Branch::is_unique) {
            let (host, port) = (via.host().detach(), via.port_or_default());
            return Ok(Self::Branch { branch: branch.detach(), host, port, method });
        }
        let headers = request.headers();
        Ok(Self::Fields(Box::new(FieldKey {
            uri: request.uri().to_string(),
            to_tag: headers.to()?.tag().map(|tag| tag.detach()),
            from_tag: headers.from()?.tag().map(|tag| tag.detach()),
            call_id: headers.call_id()?.detach(),
            sequence: headers.cseq()?.sequence.to_number(),
            method,
            via: via.to_string(),
        })))
    }

    /// The key of the same transaction with another method.
    pub(super) fn with_method(&self, other: &Method) -> Self {
        let mut key = self.clone();
        match &mut key {
            Self::Branch { method, .. } => *method = other.clone(),
            Self::Fields(fields) => fields.method = other.clone(),
        }
        key
    }

    /// For an ACK of RFC 2543: its To tag is that of the response, the INVITE had none.
    pub(super) fn without_to_tag(&self) -> Option<Self> {
        match self {
            Self::Branch { .. } => None,
            Self::Fields(fields) => {
                let mut fields = fields.clone();
                fields.to_tag.take().map(|_| Self::Fields(fields))
            }
        }
    }
}

impl MergeKey {
    /// The key of a request outside a dialog; `None` inside one.
    pub(super) fn new(request: &Request) -> Result<Option<Self>, HeaderError> {
        let headers = request.headers();
        if headers.to()?.tag().is_some() {
            return Ok(None);
        }
        let cseq = headers.cseq()?;
        Ok(Some(Self {
            from_tag: headers.from()?.tag().map(|tag| tag.detach()),
            call_id: headers.call_id()?.detach(),
            sequence: cseq.sequence.to_number(),
            method: cseq.method,
        }))
    }
}
