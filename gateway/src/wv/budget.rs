//! How many requests each source may make in a second.

use std::{cell::RefCell, collections::HashMap, net::IpAddr, time::Duration};

/// The budget of every source, new each second.
#[derive(Debug)]
pub(super) struct Budget {
    per_second: u32,
    spent: RefCell<(std::time::Instant, HashMap<IpAddr, u32>)>,
}

impl Budget {
    /// So many requests per second and source.
    #[allow(clippy::disallowed_methods, reason = "a budget per second, not part of any machine")]
    pub(super) fn new(per_second: u32) -> Self {
        Self { per_second, spent: RefCell::new((std::time::Instant::now(), HashMap::new())) }
    }

    /// Whether this source may make one request more.
    #[allow(clippy::disallowed_methods, reason = "a budget per second, not part of any machine")]
    pub(super) fn admits(&self, source: IpAddr) -> bool {
        let mut spent = self.spent.borrow_mut();
        if spent.0.elapsed() >= Duration::from_secs(1) {
            spent.0 = std::time::Instant::now();
            spent.1.clear();
        }
        let count = spent.1.entry(source).or_insert(0);
        *count = count.saturating_add(1);
        *count <= self.per_second
    }

    /// One request of this source does not count: it showed that it comes from somebody who is known.
    pub(super) fn give_back(&self, source: IpAddr) {
        if let Some(count) = self.spent.borrow_mut().1.get_mut(&source) {
            *count = count.saturating_sub(1);
        }
    }
}
