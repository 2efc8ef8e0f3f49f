//! Event packages: what each of them fixes for subscriptions and publications.

use std::sync::Arc;

// RFC 6665 §5.4
/// The parameters of one event package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPackage {
    /// The token of the Event header field.
    pub name: &'static str,
    /// Lifetimes.
    pub expires: ExpiresPolicy,
    /// Body types that a notifier of this package can produce and a subscriber understands, best first.
    pub content_types: &'static [&'static str],
    /// Whether a forked SUBSCRIBE may lead to several dialogs.
    pub forks: Forks,
    /// Whether the state has entity-tags. Documents that tell changes only have none of their own.
    pub has_entity_tags: bool,
    /// Shortest time between two notifications of one dialog, in seconds; kept by the owner of the notifier.
    pub notify_interval_min_s: u32,
}

// RFC 6665 §5.4.9
/// What a subscriber does with NOTIFYs from several notifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forks {
    /// The first dialog wins, the others get 481.
    OneDialog,
    /// Several dialogs may arise and are merged by the subscriber.
    Several,
}

/// Bounds of a lifetime in seconds, used for subscriptions and publications alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiresPolicy {
    /// When the request names none.
    pub default_s: u32,
    /// Below it the answer is 423.
    pub min_s: u32,
    /// Longer wishes are cut to it.
    pub max_s: u32,
}

/// What a policy says about a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiresVerdict {
    /// This many seconds are granted; zero ends the lifetime.
    Granted(u32),
    /// 423 with this Min-Expires.
    TooBrief(u32),
}

impl ExpiresPolicy {
    // RFC 3856 §6.4
    /// One hour by default, at least a minute, at most a day.
    pub const PRESENCE: Self = Self { default_s: 3600, min_s: 60, max_s: 86_400 };

    // RFC 6665 §4.2.1.1
    /// Judges the wish of a SUBSCRIBE: 423 only for less than the minimum and less than an hour; never longer than asked.
    #[must_use]
    pub fn judge(&self, asked_s: Option<u32>) -> ExpiresVerdict {
        let wish = asked_s.unwrap_or(self.default_s);
        if wish == 0 {
            ExpiresVerdict::Granted(0)
        } else if asked_s.is_some() && wish < self.min_s && wish < HOUR_S {
            ExpiresVerdict::TooBrief(self.min_s)
        } else {
            ExpiresVerdict::Granted(wish.min(self.max_s))
        }
    }
}

/// The packages that this side knows; later packages are added here.
#[derive(Clone, Debug, Default)]
pub struct PackageRegistry {
    packages: Vec<Arc<EventPackage>>,
}

impl PackageRegistry {
    /// A registry that knows the presence package.
    #[must_use]
    pub fn with_presence() -> Self {
        Self { packages: vec![Arc::new(EventPackage::presence())] }
    }

    /// A registry that knows presence and who watches it.
    #[must_use]
    pub fn with_watcher_info() -> Self {
        Self { packages: vec![Arc::new(EventPackage::presence()), Arc::new(EventPackage::presence_winfo())] }
    }

    /// Adds a package or replaces the one of the same name.
    pub fn register(&mut self, package: EventPackage) {
        self.packages.retain(|known| known.name != package.name);
        self.packages.push(Arc::new(package));
    }

    // RFC 6665 §8.2.1
    /// The package of that name; event types are compared byte by byte.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<EventPackage>> {
        self.packages.iter().find(|package| package.name == name)
    }

    // RFC 6665 §4.4.4
    /// The names for Allow-Events.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.packages.iter().map(|package| package.name)
    }
}

impl EventPackage {
    // RFC 3856 §6
    /// The presence package.
    #[must_use]
    pub const fn presence() -> Self {
        Self {
            name: "presence",
            expires: ExpiresPolicy::PRESENCE,
            content_types: &["application/pidf+xml"],
            // RFC 3856 §6.9
            forks: Forks::OneDialog,
            has_entity_tags: true,
            // RFC 3856 §6.10
            notify_interval_min_s: 5,
        }
    }

    // RFC 3857 §4
    /// Watcher information of the presence package.
    #[must_use]
    pub const fn presence_winfo() -> Self {
        Self {
            // RFC 3857 §4.1
            name: "presence.winfo",
            // RFC 3857 §4.4
            expires: ExpiresPolicy::PRESENCE,
            // RFC 3857 §4.5
            content_types: &[crate::body::watcher_info::MEDIA_TYPE],
            // RFC 3857 §4.9
            forks: Forks::Several,
            // UNCLEAR RFC 5839 §6.4: its documents are made when they leave, each with a version of its own.
            has_entity_tags: false,
            // RFC 3857 §4.10
            notify_interval_min_s: 5,
        }
    }
}

const HOUR_S: u32 = 3600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_nt_03_expires_policy_defaults_clips_and_refuses() {
        let policy = ExpiresPolicy::PRESENCE;
        for (asked, verdict) in [
            (None, ExpiresVerdict::Granted(3600)),
            (Some(0), ExpiresVerdict::Granted(0)),
            (Some(1), ExpiresVerdict::TooBrief(60)),
            (Some(59), ExpiresVerdict::TooBrief(60)),
            (Some(60), ExpiresVerdict::Granted(60)),
            (Some(86_401), ExpiresVerdict::Granted(86_400)),
            (Some(u32::MAX), ExpiresVerdict::Granted(86_400)),
        ] {
            assert_eq!(policy.judge(asked), verdict, "asked {asked:?}");
        }
    }

    #[test]
    fn an_hour_is_never_too_brief_whatever_the_minimum() {
        let policy = ExpiresPolicy { min_s: 7200, ..ExpiresPolicy::PRESENCE };
        assert_eq!(policy.judge(Some(3600)), ExpiresVerdict::Granted(3600));
        assert_eq!(policy.judge(Some(3599)), ExpiresVerdict::TooBrief(7200));
    }

    #[test]
    fn rfc3857_4_4_watcher_information_lasts_an_hour_by_default() {
        let registry = PackageRegistry::with_watcher_info();
        let package = registry.find("presence.winfo").unwrap();
        assert_eq!(package.expires.judge(None), ExpiresVerdict::Granted(3600));
        assert_eq!(package.content_types, ["application/watcherinfo+xml"]);
        // RFC 3857 §4.6: deeper recursion is not offered.
        assert!(registry.find("presence.winfo.winfo").is_none());
    }

    #[test]
    fn a_registered_package_is_found_by_its_exact_name() {
        let mut registry = PackageRegistry::with_presence();
        registry.register(EventPackage { name: "presence.winfo", ..EventPackage::presence() });
        assert!(registry.find("presence.winfo").is_some());
        assert!(registry.find("Presence").is_none());
        assert_eq!(registry.names().collect::<Vec<_>>(), ["presence", "presence.winfo"]);
    }
}
