//! The registrar: which contacts an address of record has at the moment (RFC 3261 §10.3).

mod snapshot;

pub use crate::event::state::Target;
mod cell;

use crate::message::header::contact::{Contact, Contacts, Preference};
use crate::message::header::cseq::Sequence;
use crate::message::header::identifier::CallId;
use crate::time::{DeadlineQueue, Timestamp};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Bindings of any number of addresses of record.
#[derive(Debug)]
pub struct Registrar {
    policy: RegistrarPolicy,
    registrations: BTreeMap<u64, Registration>,
    by_address: HashMap<Arc<str>, u64>,
    deadlines: DeadlineQueue<u64>,
    next_slot: u64,
    commands: VecDeque<Command>,
}

/// What the registrar grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrarPolicy {
    /// Granted when none is asked for.
    pub expires_default_s: u32,
    /// Less is refused with 423; more than an hour has no effect.
    pub expires_min_s: u32,
    /// More is cut to this.
    pub expires_max_s: u32,
    /// Contacts of one address of record. More devices than any person has; bounds the fan-out of a request.
    pub contacts_max: usize,
}

/// One REGISTER as far as it matters here; who may send it was checked before.
#[derive(Clone, Debug)]
pub struct RegisterRequest<'a> {
    /// Whose contacts, as the owner canonicalises it.
    pub target: Target<'a>,
    /// Call-ID.
    pub call_id: &'a CallId,
    /// Number of CSeq.
    pub sequence: Sequence,
    /// Contact; an empty list asks what there is.
    pub contacts: &'a Contacts,
    /// Expires.
    pub expires_s: Option<u32>,
    /// Where the request came from, in the words of the owner, who needs it to reach a contact behind a NAT.
    pub source: Option<&'a str>,
}

/// What is answered to a REGISTER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegisterAnswer {
    /// 200 with all contacts, most preferred first, each with its remaining `expires`.
    Registered(Vec<Contact>),
    /// 404.
    NotHosted,
    /// 400: `*` without `Expires: 0`.
    MisusedStar,
    /// 423 with Min-Expires.
    IntervalTooBrief {
        /// The least lifetime.
        expires_min_s: u32,
    },
    /// 403: more contacts than one address of record may have.
    TooManyContacts,
    /// 500: a later request of the same client has been processed already.
    OutOfOrder,
}

/// A contact that is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Its name over all refreshes.
    pub id: BindingId,
    /// Where, with all parameters but `expires`.
    pub contact: Contact,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was registered or refreshed last.
    pub updated_at: Timestamp,
    /// Where the request came from.
    pub source: Option<String>,
    call_id: CallId,
    sequence: Sequence,
}

/// Names a binding of an address of record: instance and flow where the client tells them, else the URI.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BindingId(Arc<str>);

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A contact came.
    BindingAdded {
        /// Address of record.
        address: Arc<str>,
        /// The contact.
        binding: Binding,
    },
    /// A contact stays, maybe with another URI or other parameters.
    BindingRefreshed {
        /// Address of record.
        address: Arc<str>,
        /// The contact as it is now.
        binding: Binding,
    },
    /// A contact is gone.
    BindingRemoved {
        /// Address of record.
        address: Arc<str>,
        /// The contact as it was.
        binding: Binding,
        /// Why.
        cause: RemovalCause,
    },
}

/// Why a contact is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RemovalCause {
    /// Somebody said so.
    Requested,
    /// It was not refreshed.
    Expired,
}

#[derive(Debug)]
struct Registration {
    address: Arc<str>,
    bindings: Vec<Binding>,
}

impl Registrar {
    /// A registrar without bindings.
    #[must_use]
    pub fn new(policy: RegistrarPolicy) -> Self {
        Self {
            policy,
            registrations: BTreeMap::new(),
            by_address: HashMap::new(),
            deadlines: DeadlineQueue::new(),
            next_slot: 0,
            commands: VecDeque::new(),
        }
    }

    // RFC 3261 §10.3
    /// Processes one REGISTER, completely or not at all.
    pub fn register(&mut self, now: Timestamp, request: &RegisterRequest<'_>) -> RegisterAnswer {
        self.name_request(request);
        let Target::Hosted(address) = request.target else { return RegisterAnswer::NotHosted };
        // A binding whose end has come is gone, even when nobody has called `expire` yet.
        self.expire(now);
        let before = self.bindings(address);
        let after = match request.contacts {
            Contacts::Star => remove_all(before, request),
            Contacts::List(contacts) => self.update(now, before, contacts, request),
        };
        match after {
            Ok(after) => {
                let answer = RegisterAnswer::Registered(answer_contacts(now, &after));
                self.commit(address, after);
                answer
            }
            Err(refusal) => refusal,
        }
    }

    /// The next change; to be asked until `None` after every input.
    pub fn poll(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// When [`Registrar::expire`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadlines.next()
    }

    /// Ends the bindings whose time is over.
    pub fn expire(&mut self, now: Timestamp) {
        while let Some(slot) = self.deadlines.pop_due(now) {
            if let Some(registration) = self.registrations.get(&slot) {
                self.name_event(&registration.bindings, "time passes");
            }
            let Some(registration) = self.registrations.get_mut(&slot) else { continue };
            let address = registration.address.clone();
            let over = registration.bindings.extract_if(.., |binding| binding.expires_at <= now);
            self.commands.extend(over.map(|binding| Command::BindingRemoved {
                address: address.clone(),
                binding,
                cause: RemovalCause::Expired,
            }));
            self.settle(slot);
        }
    }

    /// Ends one binding, for instance because its flow broke.
    pub fn remove(&mut self, address: &str, id: &BindingId) {
        self.name_event(self.bindings(address), "flow breaks");
        let after = self.bindings(address).iter().filter(|binding| binding.id != *id).cloned().collect();
        self.commit(address, after);
    }

    /// Ends all bindings of an address of record, for instance because its account was removed.
    pub fn withdraw(&mut self, address: &str) {
        self.name_event(self.bindings(address), "account removed");
        self.commit(address, Vec::new());
    }

    /// The bindings of an address of record, most preferred first.
    #[must_use]
    pub fn bindings(&self, address: &str) -> &[Binding] {
        let slot = self.by_address.get(address);
        slot.and_then(|slot| self.registrations.get(slot)).map_or(&[], |registration| &registration.bindings)
    }

    /// The addresses of record that have bindings.
    pub fn addresses(&self) -> impl Iterator<Item = &Arc<str>> {
        self.registrations.values().map(|registration| &registration.address)
    }

    /// What the bindings would be after a request with a list of contacts.
    fn update(
        &self,
        now: Timestamp,
        before: &[Binding],
        contacts: &[Contact],
        request: &RegisterRequest<'_>,
    ) -> Result<Vec<Binding>, RegisterAnswer> {
        let mut after = before.to_vec();
        for contact in contacts {
            let expires_s = self.lifetime(contact.expires_s().or(request.expires_s))?;
            let place = after.iter().position(|binding| binding.is_of(contact));
            let known = place.and_then(|place| after.get(place));
            if known.is_some_and(|known| before.contains(known) && !known.may_change(request)) {
                return Err(RegisterAnswer::OutOfOrder);
            }
            let id = known.map_or_else(|| BindingId::unused(contact, before, &after), |known| known.id.clone());
            if let Some(place) = place {
                after.remove(place);
            }
            if expires_s > 0 {
                after.push(Binding::new(now, id, contact, expires_s, request));
            }
        }
        let is_growing = after.len() > before.len();
        if is_growing && after.len() > self.policy.contacts_max {
            return Err(RegisterAnswer::TooManyContacts);
        }
        after.sort_by_key(|binding| (Reverse(binding.preference()), Reverse(binding.updated_at)));
        Ok(after)
    }

    fn lifetime(&self, asked_s: Option<u32>) -> Result<u32, RegisterAnswer> {
        let expires_max_s = self.policy.expires_max_s.max(1);
        // RFC 3261 §10.3: an hour or more is never too brief.
        let expires_min_s = self.policy.expires_min_s.min(HOUR_S).min(expires_max_s);
        match asked_s {
            None => Ok(self.policy.expires_default_s.clamp(1, expires_max_s)),
            Some(0) => Ok(0),
            Some(asked_s) if asked_s < expires_min_s => Err(RegisterAnswer::IntervalTooBrief { expires_min_s }),
            Some(asked_s) => Ok(asked_s.min(expires_max_s)),
        }
    }

    /// Makes `after` the bindings of the address and tells the owner what that changes.
    fn commit(&mut self, address: &str, after: Vec<Binding>) {
        let slot = match self.by_address.get(address) {
            Some(slot) => *slot,
            None if after.is_empty() => return,
            None => self.insert(address.into()),
        };
        let Some(registration) = self.registrations.get_mut(&slot) else { return };
        let address = registration.address.clone();
        let before = std::mem::replace(&mut registration.bindings, after);
        for binding in &registration.bindings {
            let (address, binding) = (address.clone(), binding.clone());
            match before.iter().find(|known| known.id == binding.id) {
                None => self.commands.push_back(Command::BindingAdded { address, binding }),
                Some(known) if *known != binding => {
                    self.commands.push_back(Command::BindingRefreshed { address, binding });
                }
                Some(_) => {}
            }
        }
        let is_gone = |known: &Binding| registration.bindings.iter().all(|binding| binding.id != known.id);
        for binding in before.into_iter().filter(is_gone) {
            let (address, cause) = (address.clone(), RemovalCause::Requested);
            self.commands.push_back(Command::BindingRemoved { address, binding, cause });
        }
        self.settle(slot);
    }

    fn insert(&mut self, address: Arc<str>) -> u64 {
        let slot = self.next_slot;
        self.next_slot = self.next_slot.wrapping_add(1);
        self.by_address.insert(address.clone(), slot);
        self.registrations.insert(slot, Registration { address, bindings: Vec::new() });
        slot
    }

    /// Sets the deadline of a registration, or forgets it when it is empty.
    fn settle(&mut self, slot: u64) {
        let bindings = self.registrations.get(&slot).map_or(&[][..], |registration| &registration.bindings);
        self.deadlines.set(slot, bindings.iter().map(|binding| binding.expires_at).min());
        if bindings.is_empty()
            && let Some(registration) = self.registrations.remove(&slot)
        {
            self.by_address.remove(&registration.address);
        }
    }
}

impl Binding {
    fn new(now: Timestamp, id: BindingId, contact: &Contact, expires_s: u32, request: &RegisterRequest<'_>) -> Self {
        let mut contact = contact.detach();
        contact.address_mut().params_mut().remove("expires");
        Self {
            id,
            contact,
            expires_at: now.after(Duration::from_secs(u64::from(expires_s))),
            updated_at: now,
            source: request.source.map(str::to_owned),
            call_id: request.call_id.detach(),
            sequence: request.sequence,
        }
    }

    /// How preferred it is.
    #[must_use]
    pub fn preference(&self) -> Preference {
        self.contact.preference().unwrap_or(Preference::MAX)
    }

    /// Whether the contact of a request is this binding.
    fn is_of(&self, contact: &Contact) -> bool {
        let flow = |contact: &Contact| contact.instance().zip(contact.registration_number());
        match (flow(&self.contact), flow(contact)) {
            // RFC 5626 §6
            (Some(own), Some(other)) => own == other,
            (None, None) | (None, Some(_)) | (Some(_), None) => self.contact.uri().is_equivalent(contact.uri()),
        }
    }

    // RFC 3261 §10.3
    /// Whether the request comes after the one that made the binding, or from elsewhere.
    fn may_change(&self, request: &RegisterRequest<'_>) -> bool {
        self.call_id != *request.call_id || self.sequence < request.sequence
    }
}

impl BindingId {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name for a new contact. A binding that moved keeps the URI it came with as its name, so that may be taken.
    fn unused(contact: &Contact, before: &[Binding], after: &[Binding]) -> Self {
        let name = match contact.instance().zip(contact.registration_number()) {
            Some((instance, number)) => format!("{instance};{number}"),
            None => contact.uri().to_string(),
        };
        let is_taken = |id: &str| before.iter().chain(after).any(|binding| binding.id.as_str() == id);
        let mut id = name.clone();
        let mut number: usize = 1;
        while is_taken(&id) {
            number = number.saturating_add(1);
            id = format!("{name};{number}");
        }
        Self(id.into())
    }
}

impl RegistrarPolicy {
    /// An hour by default, a minute at least, a day at most, ten contacts.
    pub const DEFAULT: Self =
        Self { expires_default_s: 3600, expires_min_s: 60, expires_max_s: 86_400, contacts_max: 10 };
}

impl Default for RegistrarPolicy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl RegisterAnswer {
    /// The status code.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Registered(_) => 200,
            Self::MisusedStar => 400,
            Self::TooManyContacts => 403,
            Self::NotHosted => 404,
            Self::IntervalTooBrief { .. } => 423,
            Self::OutOfOrder => 500,
        }
    }
}

/// What `*` leaves: nothing, or no change when the request is late.
fn remove_all(before: &[Binding], request: &RegisterRequest<'_>) -> Result<Vec<Binding>, RegisterAnswer> {
    if request.expires_s != Some(0) {
        return Err(RegisterAnswer::MisusedStar);
    }
    if before.iter().all(|binding| binding.may_change(request)) {
        Ok(Vec::new())
    } else {
        Err(RegisterAnswer::OutOfOrder)
    }
}

fn answer_contacts(now: Timestamp, bindings: &[Binding]) -> Vec<Contact> {
    let answer = |binding: &Binding| {
        let expires_s = now.seconds_until(binding.expires_at).to_string();
        binding.contact.clone().with_param("expires", Some(&expires_s))
    };
    bindings.iter().map(answer).collect()
}

const HOUR_S: u32 = 3600;

#[cfg(test)]
mod tests;
