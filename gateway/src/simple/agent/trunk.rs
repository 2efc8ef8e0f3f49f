//! Whether neighbours are there: they are asked by OPTIONS (RFC 3261 §11), and names are looked up before anybody needs
//! them, so that what comes from a neighbour is known to come from it.

use super::{Agent, Conclusion, PeerTable, Purpose, SipPeer, message::retry_after, to_sip, way::Way};
use mapping::{side::PeerName, time::Timestamp};
use sip_proto::{
    message::{
        Header, HeaderName, Method, Request, Uri,
        header::{
            address::NameAddr,
            cseq::{CSeq, Sequence},
        },
        host::Host,
        text::Text,
        uri::SipUri,
    },
    resolve::{Progress, Target},
};
use std::{collections::BTreeMap, time::Duration};

/// All neighbours that are asked or looked up.
#[derive(Debug, Default)]
pub(super) struct Trunks {
    entries: BTreeMap<PeerName, Trunk>,
}

#[derive(Debug)]
struct Trunk {
    /// None: it is only looked up.
    probe: Option<Duration>,
    due: Timestamp,
    is_asked: bool,
    state: TrunkState,
    since: Timestamp,
}

/// What is known of a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TrunkState {
    Unknown,
    Up,
    Down,
}

impl Trunks {
    /// Those of the table that need it.
    pub(super) fn of(peers: &PeerTable) -> Self {
        let is_wanted = |peer: &&SipPeer| {
            let has_name = peer.ways.iter().any(|way| matches!(way, Way::Target { .. }));
            peer.members.is_empty() && (peer.probe.is_some() || has_name)
        };
        let start = Timestamp::from_millis(0);
        let trunk = |peer: &SipPeer| Trunk {
            probe: peer.probe,
            due: start,
            is_asked: false,
            state: TrunkState::Unknown,
            since: start,
        };
        Self { entries: peers.iter().filter(is_wanted).map(|peer| (peer.name.clone(), trunk(peer))).collect() }
    }

    /// What is known of neighbours that stay is known from now on there; the others are not there any more.
    pub(super) fn hand_over_to(self, other: &mut Self) {
        for (name, trunk) in self.entries {
            match other.entries.get_mut(&name) {
                Some(known) if known.probe == trunk.probe => *known = trunk,
                Some(_) => {}
                None if trunk.probe.is_some() => crate::observe::metric::peer_up(name.as_str(), false),
                None => {}
            }
        }
    }

    pub(super) fn deadline(&self) -> Option<sip_proto::time::Timestamp> {
        self.entries.values().filter(|trunk| !trunk.is_asked).map(|trunk| to_sip(trunk.due)).min()
    }

    /// Nobody will tell what became of questions that are under way.
    pub(super) fn forget_probes(&mut self) {
        self.entries.values_mut().for_each(|trunk| trunk.is_asked = false);
    }

    /// What is known of a peer, and since when.
    pub(super) fn state(&self, name: &PeerName) -> (&'static str, Option<u64>) {
        match self.entries.get(name).map(|trunk| (trunk.state, trunk.since)) {
            Some((TrunkState::Up, since)) => ("up", Some(since.as_millis())),
            Some((TrunkState::Down, since)) => ("down", Some(since.as_millis())),
            Some((TrunkState::Unknown, _)) | None => ("unknown", None),
        }
    }
}

impl Agent {
    pub(super) fn expire_trunks(&mut self, now: Timestamp) {
        let is_due = |trunk: &&mut Trunk| !trunk.is_asked && trunk.due <= now;
        let mut due = Vec::new();
        for (name, trunk) in &mut self.trunks.entries {
            let Some(trunk) = Some(trunk).filter(is_due) else { continue };
            trunk.is_asked = trunk.probe.is_some();
            trunk.due = now.after(trunk.probe.unwrap_or(LOOK_PACE));
            due.push((name.clone(), trunk.probe.is_some()));
        }
        for (name, is_probed) in due {
            let Some(ways) = self.settings.peers.find(&name).map(|peer| peer.ways.clone()) else { continue };
            if is_probed {
                self.probe(now, &name, &ways);
            } else {
                ways.iter().filter_map(|way| way.target(&Method::Options)).for_each(|target| self.look_up(target));
            }
        }
    }

    // RFC 3261 §11.1
    fn probe(&mut self, now: Timestamp, name: &PeerName, ways: &[Way]) {
        self.current = self.correlation();
        let sent = self.options(ways).and_then(|request| self.send_by(now, request, ways, None).ok());
        match sent {
            Some(id) => drop(self.purposes.insert(id, Purpose::Trunk(name.clone()))),
            None => self.judge_trunk(now, name, &Conclusion::RequestFailed),
        }
    }

    fn options(&mut self, ways: &[Way]) -> Option<Request> {
        let host = match ways.first()? {
            Way::Hop(hop) => Host::from(hop.address.ip()),
            way => Host::parse(&Text::from(way.to_text())).ok()?,
        };
        let port = match ways.first()? {
            Way::Hop(hop) => Some(hop.address.port()),
            Way::Target { .. } | Way::Domain(_) => None,
        };
        let target = Uri::Sip(SipUri::new(host).with_port(port));
        let own = self.contact_towards(ways).uri().detach();
        let tag = self.ids.tag();
        Some(
            Request::new(Method::Options, target.clone())
                .with(Header::new(HeaderName::MaxForwards, 70))
                .with(Header::new(HeaderName::From, NameAddr::new(own).with_tag(&tag)))
                .with(Header::new(HeaderName::To, NameAddr::new(target)))
                .with(Header::new(HeaderName::CallId, self.ids.call_id()))
                .with(Header::new(HeaderName::CSeq, CSeq::new(Sequence::FIRST, Method::Options))),
        )
    }

    /// A neighbour has answered, or has not. Whatever it answers but 503, it is there.
    pub(super) fn judge_trunk(&mut self, now: Timestamp, name: &PeerName, conclusion: &Conclusion) {
        let (state, wait) = match conclusion {
            Conclusion::Response(response) if response.status().to_number() == 503 => {
                (TrunkState::Down, retry_after(response))
            }
            Conclusion::Response(_) => (TrunkState::Up, None),
            Conclusion::TimedOut | Conclusion::RequestFailed | Conclusion::Nowhere => (TrunkState::Down, None),
        };
        let Some(trunk) = self.trunks.entries.get_mut(name) else { return };
        trunk.is_asked = false;
        let pace = trunk.probe.unwrap_or(LOOK_PACE);
        trunk.due = trunk.due.max(now.after(pace / 2));
        if trunk.state != state {
            (trunk.state, trunk.since) = (state, now);
            match state {
                TrunkState::Up => tracing::info!(side = "simple", peer = name.as_str(), "peer up"),
                TrunkState::Down => {
                    tracing::info!(side = "simple", peer = name.as_str(), status = conclusion.status(), "peer down");
                }
                TrunkState::Unknown => {}
            }
        }
        crate::observe::metric::peer_up(name.as_str(), state == TrunkState::Up);
        // Until it is asked again, and has had its time to answer.
        let wait = wait.unwrap_or(pace.saturating_add(ANSWER_TIME));
        let ways = self.settings.peers.find(name).map(|peer| peer.ways.clone()).unwrap_or_default();
        for way in ways {
            let Way::Hop(hop) = way else { continue };
            match state {
                TrunkState::Up => self.errands.quarantine.release(hop.address),
                TrunkState::Down | TrunkState::Unknown => {
                    self.errands.quarantine.add(to_sip(now), hop.address, Some(wait));
                }
            }
        }
    }

    /// Notes where the names of neighbours lead to.
    pub(super) fn learn(&mut self, target: &Target, progress: &Progress) {
        let Progress::Found(location) = progress else { return };
        let leads = |way: &Way| matches!(way, Way::Target { target: known, .. } if known == target);
        let peers = self.settings.peers.iter().filter(|peer| peer.members.is_empty() && peer.ways.iter().any(leads));
        let names: Vec<PeerName> = peers.map(|peer| peer.name.clone()).collect();
        for name in names {
            let places = location.order(&mut || 0).into_iter().map(|place| (place.transport, place.address)).collect();
            self.settings.peers.learn(&name, places);
        }
    }
}

/// How often the name of a neighbour that is not asked is looked up. What is remembered is not asked for again.
const LOOK_PACE: Duration = Duration::from_secs(60);

/// RFC 3261 §17.1.2.2: how long an answer to OPTIONS may take, and a little more.
const ANSWER_TIME: Duration = Duration::from_secs(40);
