//! Which domain lives on which side, and how it is reached.

use crate::{
    address::Address,
    side::{PeerName, Side},
};
use std::collections::HashMap;

/// How the users of a domain are reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// The gateway is their home: CSP access or built-in registrar.
    Hosted,
    /// A neighbour server is.
    Peer(PeerName),
}

/// One row of the domain table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainRoute {
    /// Where the domain's users live.
    pub side: Side,
    /// How they are reached.
    pub route: Route,
}

/// The domain table.
#[derive(Clone, Debug, Default)]
pub struct DomainTable {
    rows: HashMap<Box<str>, DomainRoute>,
}

impl DomainTable {
    /// Adds or replaces a row; the name is folded to lower case.
    pub fn insert(&mut self, name: &str, row: DomainRoute) {
        self.rows.insert(name.to_lowercase().into(), row);
    }

    /// The row for the address's domain.
    #[must_use]
    pub fn find(&self, address: &Address) -> Option<&DomainRoute> {
        self.rows.get(address.domain())
    }

    /// The row of that domain, written in lower case.
    #[must_use]
    pub fn find_name(&self, domain: &str) -> Option<&DomainRoute> {
        self.rows.get(domain)
    }

    /// Whether the gateway is the home of the address's domain.
    #[must_use]
    pub fn is_hosted(&self, address: &Address) -> bool {
        self.find(address).is_some_and(|row| row.route == Route::Hosted)
    }
}
