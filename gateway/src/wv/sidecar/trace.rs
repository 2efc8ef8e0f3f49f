//! What passes between the gateway and the servers, for whoever watches.

use super::{CspPeer, Sidecar};
use crate::{
    observe::{Direction, TraceRecord, wire::Wire},
    wv::rendering::Renderings,
};
use bytes::Bytes;
use mapping::side::Side;
use wv_proto::version::ContentType;

impl Sidecar {
    /// This body goes to a server or came back from it.
    pub(super) fn trace(
        &self,
        direction: Direction,
        peer: &CspPeer,
        (body, content_type): (&Bytes, Option<ContentType>),
        title: impl FnOnce() -> String,
    ) {
        self.tap.record(|| {
            let Renderings { masked, original } = Renderings::of_csp(body, content_type);
            let wire = Wire::on(peer.target.to_line(), masked, self.tap.wants_originals().then_some(original));
            let path = (direction == Direction::Out).then_some(peer.target.path.as_str());
            let wire = wire.posted(path, content_type.map(ContentType::as_str));
            TraceRecord {
                at: self.clock.now(),
                correlation: self.current,
                side: Side::Wv,
                direction,
                peer: peer.target.authority.clone(),
                title: title(),
                detail: None,
                wire: Some(Box::new(wire)),
            }
        });
    }
}
