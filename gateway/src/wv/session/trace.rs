//! What the sessions tell the trace.

use super::{
    Sessions,
    post::{IncomingPost, Peer, Waiting},
};
use crate::{
    observe::{
        Direction, TraceRecord,
        wire::{Line, Wire},
    },
    wv::rendering::Renderings,
};
use bytes::Bytes;
use mapping::side::Side;
use wv_proto::version::ContentType;

/// The way that a post took.
#[derive(Clone, Debug)]
pub(super) struct Passage {
    pub(super) line: Line,
    /// Where it was posted to; known while somebody watches.
    pub(super) path: Option<Box<str>>,
}

impl Sessions {
    /// A client posted something.
    pub(super) fn trace_post(
        &self,
        post: &IncomingPost,
        passage: Option<&Passage>,
        peer: &Peer,
        title: impl FnOnce() -> String,
    ) {
        self.trace(Direction::In, peer, title, || {
            let declared = post.content_type.as_deref();
            let wire = self.wire(passage?, &post.body, declared.and_then(ContentType::parse));
            let path = passage.and_then(|passage| passage.path.as_deref()).unwrap_or("/");
            Some(wire.posted(Some(path), declared))
        });
    }

    /// The client is answered.
    pub(super) fn trace_reply(&self, waiting: &Waiting, body: &Bytes, title: impl FnOnce() -> String) {
        self.trace(Direction::Out, &waiting.peer, title, || {
            let wire = self.wire(waiting.passage.as_ref()?, body, Some(waiting.content_type()));
            Some(wire.posted(None, Some(waiting.content_type().as_str())))
        });
    }

    /// Something of which only the title is known passes.
    pub(super) fn trace_title(&self, direction: Direction, peer: &Peer, title: impl FnOnce() -> String) {
        self.trace(direction, peer, title, || None);
    }

    fn wire(&self, passage: &Passage, body: &Bytes, content_type: Option<ContentType>) -> Wire {
        let Renderings { masked, original } = Renderings::of_csp(body, content_type);
        Wire::on(passage.line, masked, self.tap.wants_originals().then_some(original))
    }

    fn trace(
        &self,
        direction: Direction,
        peer: &Peer,
        title: impl FnOnce() -> String,
        wire: impl FnOnce() -> Option<Wire>,
    ) {
        self.tap.record(|| TraceRecord {
            at: self.clock.now(),
            correlation: self.current,
            side: Side::Wv,
            direction,
            peer: peer.to_string(),
            title: title(),
            detail: None,
            wire: wire().map(Box::new),
        });
    }
}
