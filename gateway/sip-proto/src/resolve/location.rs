//! Where servers are, and in which order they are tried (RFC 2782).

use crate::message::header::via::Transport;
use core::net::{IpAddr, SocketAddr};

/// All servers of a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    choices: Vec<Choice>,
}

/// The servers over one transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) transport: Transport,
    pub(super) servers: Vec<Server>,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    /// Those of the records that lead to it, outermost first.
    pub(super) ranks: Vec<Rank>,
    pub(super) port: u16,
    pub(super) addresses: Vec<IpAddr>,
}

/// What a record says of the order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rank {
    pub(super) priority: u16,
    pub(super) weight: u16,
    /// Tells records apart that say the same.
    pub(super) number: usize,
}

/// Where a request can go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Over which transport.
    pub transport: Transport,
    /// To which address.
    pub address: SocketAddr,
}

impl Location {
    pub(super) const fn new(choices: Vec<Choice>) -> Self {
        Self { choices }
    }

    pub(super) fn into_choices(self) -> Vec<Choice> {
        self.choices
    }

    /// Whether there is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.choices.iter().flat_map(|choice| &choice.servers).all(|server| server.addresses.is_empty())
    }

    /// All addresses.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        let servers = self.choices.iter().flat_map(|choice| &choice.servers);
        servers.flat_map(|server| server.addresses.iter().map(|address| SocketAddr::new(*address, server.port)))
    }

    // RFC 2782, RFC 3263 §4.3
    /// The order in which this request tries them; `random` is asked once per server.
    pub fn order(&self, random: &mut dyn FnMut() -> u64) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for choice in &self.choices {
            let servers = choice.servers.iter().collect();
            for server in ordered(servers, 0, random) {
                for address in &server.addresses {
                    let address = SocketAddr::new(*address, server.port);
                    let candidate = Candidate { transport: choice.transport.clone(), address };
                    if candidates.len() < CANDIDATES_MAX && !candidates.contains(&candidate) {
                        candidates.push(candidate);
                    }
                }
            }
        }
        candidates
    }
}

impl Server {
    pub(super) fn only(port: u16, addresses: Vec<IpAddr>) -> Self {
        Self { ranks: vec![Rank::default()], port, addresses }
    }

    /// The same, found through this record.
    pub(super) fn below(mut self, rank: Rank) -> Self {
        self.ranks.insert(0, rank);
        self
    }

    fn rank(&self, depth: usize) -> Rank {
        self.ranks.get(depth).copied().unwrap_or_default()
    }

    /// Whether other servers may have come by the same record of this depth.
    fn has_company(&self, depth: usize) -> bool {
        self.ranks.len() > depth.saturating_add(1)
    }
}

/// Servers that one record led to.
struct Group<'a> {
    rank: Rank,
    servers: Vec<&'a Server>,
}

/// By the ranks from `depth` on: priorities ascend, and equals are drawn by weight.
fn ordered<'a>(servers: Vec<&'a Server>, depth: usize, random: &mut dyn FnMut() -> u64) -> Vec<&'a Server> {
    let mut rest: Vec<Group<'a>> = Vec::new();
    for server in servers {
        let rank = server.rank(depth);
        match rest.iter_mut().find(|group| server.has_company(depth) && group.rank == rank) {
            Some(group) => group.servers.push(server),
            None => rest.push(Group { rank, servers: vec![server] }),
        }
    }
    // RFC 2782: weights of zero go first, so that they have a chance at all.
    rest.sort_by_key(|group| (group.rank.priority, group.rank.weight));
    let mut all = Vec::new();
    while !rest.is_empty() {
        let chosen = draw(&mut rest.iter().map(|group| group.rank), random);
        let Group { servers, .. } = rest.remove(chosen);
        if servers.iter().any(|server| server.has_company(depth)) {
            all.extend(ordered(servers, depth.saturating_add(1), random));
        } else {
            all.extend(servers);
        }
    }
    all
}

// RFC 2782
/// Draws one of the first priority: the first whose running sum of weights reaches a number drawn from zero to the sum.
/// The ranks come sorted.
pub(super) fn draw(sorted: &mut dyn Iterator<Item = Rank>, random: &mut dyn FnMut() -> u64) -> usize {
    let mut lowest = None;
    let is_equal = |rank: &Rank| *lowest.get_or_insert(rank.priority) == rank.priority;
    let weights: Vec<u64> = sorted.take_while(is_equal).map(|rank| u64::from(rank.weight)).collect();
    let sum = weights.iter().fold(0_u64, |sum, weight| sum.saturating_add(*weight));
    let number = random().checked_rem(sum.saturating_add(1)).unwrap_or(0);
    let mut running = 0_u64;
    let reaches = |weight: &u64| {
        running = running.saturating_add(*weight);
        running >= number
    };
    weights.iter().map(reaches).position(|is_reached| is_reached).unwrap_or(0)
}

/// Places that one request may be sent to, one after the other.
const CANDIDATES_MAX: usize = 32;
