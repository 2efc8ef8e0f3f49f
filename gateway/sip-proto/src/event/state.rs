//! The event state compositor: takes publications (RFC 3903 §6), knows which are alive, and tells the owner what changed.
//!
//! The state itself (the bodies) goes to the owner with [`Command::Stored`]; kept here are the entity-tags and lifetimes.
//! A publication keeps its [`PublicationId`] over all its entity-tags, so that the owner can take it for one device.

mod snapshot;

mod cell;

use crate::id_source::IdSource;
use crate::message::header::identifier::EntityTag;
use crate::time::{DeadlineQueue, Timestamp};
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Event states of any number of resources.
#[derive(Debug)]
pub struct Compositor {
    policy: CompositorPolicy,
    ids: IdSource,
    publications: BTreeMap<u64, Publication>,
    by_resource: HashMap<Key, Vec<u64>>,
    by_id: HashMap<PublicationId, u64>,
    deadlines: DeadlineQueue<u64>,
    next_slot: u64,
    commands: VecDeque<Command>,
}

/// What the compositor accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompositorPolicy {
    /// Event packages with the media types of their states, lower case, without parameters.
    pub packages: Vec<PublishedPackage>,
    /// Granted when none is asked for.
    pub expires_default_s: u32,
    /// Less is refused with 423.
    pub expires_min_s: u32,
    /// More is cut to this.
    pub expires_max_s: u32,
    /// Publications of one resource and package; each is a device. More devices than any person has.
    pub publications_max: usize,
}

/// An event package that can be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedPackage {
    /// Its name.
    pub name: String,
    /// Media types of its states.
    pub media_types: Vec<String>,
}

/// One PUBLISH as far as it matters here. Contact and Record-Route do not (RFC 3903 §6).
#[derive(Clone, Debug)]
pub struct PublishRequest<'a> {
    /// For whom, as the owner canonicalises it.
    pub target: Target<'a>,
    /// Package named in Event; `None` when the header field is missing.
    pub package: Option<&'a str>,
    /// The entity-tags of SIP-If-Match.
    pub if_match: &'a [EntityTag],
    /// Expires.
    pub expires_s: Option<u32>,
    /// Media type of the body, without parameters.
    pub media_type: Option<&'a str>,
    /// The body; empty for none.
    pub body: Bytes,
}

/// Whether the Request-URI is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// An address of record that the owner hosts.
    Hosted(&'a str),
    /// Any other.
    Foreign,
}

/// What is answered to a PUBLISH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublishAnswer {
    /// 200 with SIP-ETag and Expires.
    Granted {
        /// The new entity-tag.
        entity_tag: EntityTag,
        /// The granted lifetime; 0 for a removal.
        expires_s: u32,
    },
    /// 404.
    NotHosted,
    /// 489 with Allow-Events.
    BadEvent,
    /// 400: more than one entity-tag in SIP-If-Match.
    SeveralPreconditions,
    /// 412: no publication has that entity-tag.
    PreconditionFailed,
    /// 423 with Min-Expires.
    IntervalTooBrief {
        /// The least lifetime.
        expires_min_s: u32,
    },
    /// 415 with Accept.
    UnsupportedMediaType,
    /// 400: neither state nor a publication that could be refreshed.
    MissingBody,
    /// 500 with Retry-After: the resource has too many publications; 503 would make the sender look for another server.
    TooManyPublications {
        /// When the first of them ends, unless refreshed.
        retry_after_s: u32,
    },
}

/// Names one publication over its whole life: the first entity-tag it was given.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicationId(Arc<str>);

/// Which state a publication belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The address of record.
    pub resource: Arc<str>,
    /// The event package.
    pub package: Arc<str>,
}

/// What the owner has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Store this state, in place of an earlier one of the same publication.
    Stored {
        /// Which.
        id: PublicationId,
        /// Whose.
        key: Key,
        /// Media type of the state.
        media_type: String,
        /// The state.
        body: Bytes,
        /// When it ends.
        expires_at: Timestamp,
    },
    /// Keep the state for longer; the entity-tag is a new one.
    Refreshed {
        /// Which.
        id: PublicationId,
        /// Whose.
        key: Key,
        /// When it ends.
        expires_at: Timestamp,
    },
    /// Drop the state: its publisher said so.
    Removed {
        /// Which.
        id: PublicationId,
        /// Whose.
        key: Key,
    },
    /// Drop the state: its publisher fell silent.
    Expired {
        /// Which.
        id: PublicationId,
        /// Whose.
        key: Key,
    },
}

#[derive(Clone, Debug)]
struct Publication {
    id: PublicationId,
    key: Key,
    entity_tag: EntityTag,
    expires_at: Timestamp,
}

impl Compositor {
    /// A compositor without publications. The seed of `ids` must be fresh for every start of the process: an entity-tag
    /// must never return.
    #[must_use]
    pub fn new(policy: CompositorPolicy, ids: IdSource) -> Self {
        Self {
            policy,
            ids,
            publications: BTreeMap::new(),
            by_resource: HashMap::new(),
            by_id: HashMap::new(),
            deadlines: DeadlineQueue::new(),
            next_slot: 0,
            commands: VecDeque::new(),
        }
    }

    // RFC 3903 §6
    /// Processes one PUBLISH, completely or not at all. Requests must come in the order of their arrival.
    pub fn publish(&mut self, now: Timestamp, request: &PublishRequest<'_>) -> PublishAnswer {
        self.name_request(request);
        self.decide(now, request).unwrap_or_else(|refusal| refusal)
    }

    /// The next thing to do; to be asked until `None` after every input.
    pub fn poll(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// When [`Compositor::expire`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadlines.next()
    }

    /// Ends the publications whose time is over.
    pub fn expire(&mut self, now: Timestamp) {
        while let Some(slot) = self.deadlines.pop_due(now) {
            self.name_time(slot);
            if let Some(publication) = self.remove(slot) {
                self.commands.push_back(Command::Expired { id: publication.id, key: publication.key });
            }
        }
    }

    /// Ends all publications of a resource, for instance because its account was removed.
    pub fn withdraw(&mut self, resource: &str) {
        let slots: Vec<u64> = self
            .publications
            .iter()
            .filter(|(_, publication)| &*publication.key.resource == resource)
            .map(|(slot, _)| *slot)
            .collect();
        for slot in slots {
            if let Some(publication) = self.remove(slot) {
                self.commands.push_back(Command::Removed { id: publication.id, key: publication.key });
            }
        }
    }

    /// The publications that are alive, oldest first, with their ends.
    pub fn publications(&self) -> impl Iterator<Item = (&PublicationId, &Key, Timestamp)> {
        self.publications.values().map(|publication| (&publication.id, &publication.key, publication.expires_at))
    }

    /// The steps in their order; the first that fails is the answer.
    fn decide(&mut self, now: Timestamp, request: &PublishRequest<'_>) -> Result<PublishAnswer, PublishAnswer> {
        let Target::Hosted(resource) = request.target else { return Err(PublishAnswer::NotHosted) };
        let package = self.package(request.package).ok_or(PublishAnswer::BadEvent)?;
        // RFC 2045 §5.1: media types are compared without case.
        let is_known =
            |media_type: &str| package.media_types.iter().any(|known| known.eq_ignore_ascii_case(media_type));
        let is_understood = request.media_type.is_some_and(is_known);
        let key = Key { resource: resource.into(), package: package.name.as_str().into() };
        // A publication whose end has come is gone, even when nobody has called `expire` yet.
        self.expire(now);
        let slot = self.precondition(&key, request.if_match)?;
        let expires_s = self.lifetime(request.expires_s)?;
        if !request.body.is_empty() && !is_understood {
            return Err(PublishAnswer::UnsupportedMediaType);
        }
        if request.body.is_empty() && slot.is_none() {
            return Err(PublishAnswer::MissingBody);
        }
        if slot.is_none() && expires_s > 0 {
            self.check_room(now, &key)?;
        }
        let entity_tag = self.ids.entity_tag();
        let answer = PublishAnswer::Granted { entity_tag: entity_tag.clone(), expires_s };
        if expires_s == 0 {
            // RFC 3903 §6: such a request stores nothing, whatever it carries.
            if let Some(publication) = slot.and_then(|slot| self.remove(slot)) {
                self.commands.push_back(Command::Removed { id: publication.id, key: publication.key });
            }
            return Ok(answer);
        }
        let expires_at = now.after(Duration::from_secs(u64::from(expires_s)));
        let id = self.keep(slot, key.clone(), entity_tag, expires_at);
        self.commands.push_back(if request.body.is_empty() {
            Command::Refreshed { id, key, expires_at }
        } else {
            let media_type = request.media_type.unwrap_or_default().to_ascii_lowercase();
            Command::Stored { id, key, media_type, body: request.body.clone(), expires_at }
        });
        Ok(answer)
    }

    fn package(&self, name: Option<&str>) -> Option<&PublishedPackage> {
        self.policy.packages.iter().find(|package| Some(package.name.as_str()) == name)
    }

    /// The publication that SIP-If-Match names, if it names one.
    fn precondition(&self, key: &Key, if_match: &[EntityTag]) -> Result<Option<u64>, PublishAnswer> {
        let wanted = match if_match {
            [] => return Ok(None),
            [one] => one,
            _ => return Err(PublishAnswer::SeveralPreconditions),
        };
        let slots = self.by_resource.get(key).map_or(&[][..], Vec::as_slice);
        let is_wanted = |slot: &&u64| self.publications.get(slot).is_some_and(|known| known.entity_tag == *wanted);
        slots.iter().find(is_wanted).copied().map(Some).ok_or(PublishAnswer::PreconditionFailed)
    }

    fn lifetime(&self, asked_s: Option<u32>) -> Result<u32, PublishAnswer> {
        let expires_min_s = self.policy.expires_min_s;
        match asked_s {
            None => Ok(self.policy.expires_default_s.clamp(1, self.policy.expires_max_s.max(1))),
            Some(0) => Ok(0),
            Some(asked_s) if asked_s < expires_min_s => Err(PublishAnswer::IntervalTooBrief { expires_min_s }),
            Some(asked_s) => Ok(asked_s.min(self.policy.expires_max_s.max(1))),
        }
    }

    fn check_room(&self, now: Timestamp, key: &Key) -> Result<(), PublishAnswer> {
        let slots = self.by_resource.get(key).map_or(&[][..], Vec::as_slice);
        if slots.len() < self.policy.publications_max {
            return Ok(());
        }
        let ends = slots.iter().filter_map(|slot| self.publications.get(slot)).map(|known| known.expires_at);
        let retry_after_s = ends.min().map_or(1, |end| now.seconds_until(end).max(1));
        Err(PublishAnswer::TooManyPublications { retry_after_s })
    }

    fn keep(&mut self, slot: Option<u64>, key: Key, entity_tag: EntityTag, expires_at: Timestamp) -> PublicationId {
        let known = slot.and_then(|slot| self.publications.get_mut(&slot).map(|publication| (slot, publication)));
        if let Some((slot, publication)) = known {
            publication.entity_tag = entity_tag;
            publication.expires_at = expires_at;
            self.deadlines.set(slot, Some(expires_at));
            return publication.id.clone();
        }
        let id = PublicationId(entity_tag.as_str().into());
        self.insert(Publication { id: id.clone(), key, entity_tag, expires_at });
        id
    }

    fn insert(&mut self, publication: Publication) {
        let slot = self.next_slot;
        self.next_slot = self.next_slot.wrapping_add(1);
        self.by_resource.entry(publication.key.clone()).or_default().push(slot);
        self.by_id.insert(publication.id.clone(), slot);
        self.deadlines.set(slot, Some(publication.expires_at));
        self.publications.insert(slot, publication);
    }

    fn remove(&mut self, slot: u64) -> Option<Publication> {
        self.deadlines.set(slot, None);
        let publication = self.publications.remove(&slot)?;
        self.by_id.remove(&publication.id);
        if let Some(slots) = self.by_resource.get_mut(&publication.key) {
            slots.retain(|other| *other != slot);
            if slots.is_empty() {
                self.by_resource.remove(&publication.key);
            }
        }
        Some(publication)
    }
}

impl CompositorPolicy {
    // RFC 3903 §10.4, RFC 3856 §6.4
    /// Presence in PIDF, an hour by default, a minute at least, a day at most, sixteen devices.
    #[must_use]
    pub fn presence() -> Self {
        let media_types = vec!["application/pidf+xml".to_owned(), "application/cpim-pidf+xml".to_owned()];
        Self {
            packages: vec![PublishedPackage { name: "presence".to_owned(), media_types }],
            expires_default_s: 3600,
            expires_min_s: 60,
            expires_max_s: 86_400,
            publications_max: 16,
        }
    }
}

impl PublishAnswer {
    /// The status code.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Granted { .. } => 200,
            Self::SeveralPreconditions | Self::MissingBody => 400,
            Self::NotHosted => 404,
            Self::PreconditionFailed => 412,
            Self::UnsupportedMediaType => 415,
            Self::IntervalTooBrief { .. } => 423,
            Self::BadEvent => 489,
            Self::TooManyPublications { .. } => 500,
        }
    }
}

impl PublicationId {
    /// As text, for keys of records.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests;
