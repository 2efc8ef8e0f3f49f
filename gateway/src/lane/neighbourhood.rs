//! Neighbours that come, go and change while the lane turns.

use super::Lane;
use crate::{
    simple::agent::PeerTable,
    wv::{ShadowRow, SspSettings},
};
use mapping::{
    engine::Routing,
    side::{PeerName, Side},
    time::Timestamp,
};
use std::collections::BTreeSet;

/// The neighbours, as everybody in a lane has to know them.
#[derive(Clone, Debug)]
pub struct Neighbourhood {
    /// Who lives where.
    pub routing: Routing,
    /// The neighbour servers that are reached over the WV side.
    pub wv_peers: BTreeSet<PeerName>,
    /// What SSP is told; none where it is not spoken.
    pub wv: Option<SspSettings>,
    /// The accounts at WV servers in which the gateway is a client.
    pub shadows: Vec<ShadowRow>,
    /// The neighbours of the other side.
    pub simple: PeerTable,
}

impl Lane {
    /// From now on these are the neighbours. What went over a neighbour that is no more ends.
    pub fn reroute(&mut self, now: Timestamp, neighbourhood: Neighbourhood) {
        self.engine.reroute(now, neighbourhood.routing.clone());
        for side in [Side::Wv, Side::Simple] {
            self.adapter(side).borrow_mut().reroute(now, &neighbourhood, &self.engine);
        }
        self.wv_peers = neighbourhood.wv_peers;
    }
}
