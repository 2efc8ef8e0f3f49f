//! What an event state meets, as its state table names it.

use super::{Compositor, Key, PublishRequest, Target};
use crate::witness::met;

impl Compositor {
    /// Names the cell that a request is about to reach.
    pub(super) fn name_request(&self, request: &PublishRequest<'_>) {
        if !cfg!(debug_assertions) {
            return;
        }
        let Target::Hosted(resource) = request.target else { return name("none", "foreign resource") };
        let package = self.package(request.package);
        let key = package.map(|package| Key { resource: resource.into(), package: package.name.as_str().into() });
        let slots = key.and_then(|key| self.by_resource.get(&key)).map_or(&[][..], Vec::as_slice);
        let state = self.state(slots.len());
        let Some(package) = package else {
            return name(state, if request.package.is_some() { "another package" } else { "no package" });
        };
        let is_known = request
            .media_type
            .is_some_and(|media_type| package.media_types.iter().any(|known| known.eq_ignore_ascii_case(media_type)));
        let tags = request.if_match;
        let names = |tag| slots.iter().any(|slot| self.publications.get(slot).is_some_and(|one| one.entity_tag == tag));
        let event = match (tags, self.lifetime(request.expires_s), request.body.is_empty()) {
            ([_, _, ..], ..) => "two tags",
            // Where nothing is, no tag is known.
            ([tag], ..) if !slots.is_empty() && !names(tag.clone()) => "unknown tag",
            (_, Err(_), _) => "expires=5",
            ([], Ok(0), _) => "initial, expires=0",
            ([_], Ok(0), _) => "remove",
            ([], Ok(_), true) => "initial without body",
            ([_], Ok(_), true) => "refresh",
            ([], Ok(_), false) => {
                if is_known {
                    "initial"
                } else {
                    "initial of another type"
                }
            }
            ([_], Ok(_), false) => {
                if is_known {
                    "modify"
                } else {
                    "modify by another type"
                }
            }
        };
        name(state, event);
    }

    /// Names the cell that the time reaches.
    pub(super) fn name_time(&self, slot: u64) {
        if cfg!(debug_assertions)
            && let Some(publication) = self.publications.get(&slot)
        {
            name(self.state(self.by_resource.get(&publication.key).map_or(0, Vec::len)), "time passes");
        }
    }

    const fn state(&self, count: usize) -> &'static str {
        match count {
            0 => "none",
            count if count >= self.policy.publications_max => "full",
            _ => "one",
        }
    }
}

fn name(state: &str, event: &str) {
    met("sip_compositor", format_args!("{state} + {event}"));
}
