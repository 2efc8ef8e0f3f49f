//! What passed, for whoever watches.

use super::Federation;
use crate::{
    observe::{
        Direction, TraceRecord,
        wire::{Line, Wire},
    },
    wv::rendering::Renderings,
};
use bytes::Bytes;
use mapping::side::Side;

impl Federation {
    /// Something passes on this line, to this path and with this body.
    pub(super) fn trace(
        &self,
        direction: Direction,
        peer: impl FnOnce() -> String,
        way: (Line, &str, &Bytes),
        title: impl FnOnce() -> String,
    ) {
        self.tap.record(|| {
            let (line, path, body) = way;
            let Renderings { masked, original } = Renderings::of_xml(body);
            let wire = Wire::on(line, masked, self.tap.wants_originals().then_some(original));
            let wire = wire.posted(Some(path), Some(wv_proto::ssp::ContentType::TEXT));
            TraceRecord {
                at: self.clock.now(),
                correlation: self.current,
                side: Side::Wv,
                direction,
                peer: peer(),
                title: title(),
                detail: None,
                wire: Some(Box::new(wire)),
            }
        });
    }
}
