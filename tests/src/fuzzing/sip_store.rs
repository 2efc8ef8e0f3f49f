//! What a SIP server keeps for its users: publications and registrations, with restarts in between.

use super::tape::Tape;
use bytes::Bytes;
use sip_proto::{
    event::state::{self, Compositor, CompositorPolicy, PublicationId, PublishAnswer, PublishRequest, Target},
    id_source::IdSource,
    message::{
        Header, HeaderName, Headers,
        header::{
            cseq::Sequence,
            identifier::{CallId, EntityTag},
        },
    },
    registrar::{self, RegisterAnswer, RegisterRequest, Registrar, RegistrarPolicy},
    time::Timestamp,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

const USERS: [&str; 3] = ["sip:alice@sip.example", "sip:bob@sip.example", "sip:carol@sip.example"];

/// A compositor under any requests, restored from its own snapshots now and then.
///
/// # Panics
/// When a promise of the compositor is broken.
pub fn run_compositor(data: &[u8]) {
    let mut tape = Tape::new(data);
    let mut seed = 1;
    let mut compositor = fresh_compositor(seed);
    let mut held: BTreeMap<PublicationId, Timestamp> = BTreeMap::new();
    let mut tags: Vec<EntityTag> = Vec::new();
    let mut now = 1_000;
    while let Some(step) = tape.next_octet() {
        match step % 8 {
            0 => {
                now += tape.wait_millis();
                compositor.expire(at(now));
                assert!(compositor.deadline().is_none_or(|deadline| deadline > at(now)));
            }
            1 => compositor.withdraw(tape.pick(&USERS)),
            2 => {
                let kept: Vec<Bytes> = held.keys().filter_map(|id| compositor.snapshot(id)).collect();
                assert_eq!(kept.len(), held.len(), "a publication without a snapshot");
                seed += 1;
                compositor = fresh_compositor(seed);
                for record in kept {
                    let id = compositor.restore(&record).expect("what was stored");
                    assert!(held.contains_key(&id));
                }
            }
            _ => {
                let answer = publish(&mut compositor, now, &tags, &mut tape);
                if let PublishAnswer::Granted { entity_tag, .. } = answer {
                    assert!(!tags.contains(&entity_tag), "an entity-tag given twice");
                    tags.push(entity_tag);
                }
            }
        }
        while let Some(command) = compositor.poll() {
            match command {
                state::Command::Stored { id, expires_at, .. } => {
                    held.insert(id, expires_at);
                }
                state::Command::Refreshed { id, expires_at, .. } => {
                    assert!(held.insert(id, expires_at).is_some(), "refreshed what nobody holds");
                }
                state::Command::Removed { id, .. } | state::Command::Expired { id, .. } => {
                    assert!(held.remove(&id).is_some(), "removed what nobody holds");
                }
            }
        }
        let known: BTreeMap<PublicationId, Timestamp> =
            compositor.publications().map(|(id, _, expires_at)| (id.clone(), expires_at)).collect();
        assert_eq!(known, held);
    }
}

fn publish(compositor: &mut Compositor, now: u64, tags: &[EntityTag], tape: &mut Tape<'_>) -> PublishAnswer {
    let fields = tape.octet();
    let mut if_match = Vec::new();
    if fields & 1 == 1 && !tags.is_empty() {
        // The newest most of all.
        let back = usize::from(tape.octet()) % tags.len().min(4);
        if_match.extend(tags.iter().rev().nth(back).cloned());
    }
    if fields & 2 == 2 && tape.octet() > 240 {
        if_match.push(EntityTag::parse("other").expect("a token"));
    }
    let target = if fields & 28 == 28 { Target::Foreign } else { Target::Hosted(tape.pick(&USERS)) };
    let package = tape.pick(&[Some("presence"), Some("presence"), Some("presence"), Some("Presence"), Some("x"), None]);
    let media_type = tape.pick(&[Some("application/pidf+xml"), Some("application/pidf+xml"), Some("text/plain"), None]);
    let body = if fields & 64 == 64 { Bytes::new() } else { Bytes::copy_from_slice(&[fields]) };
    let expires_s = (fields & 128 == 128).then(|| u32::from(tape.number()) * u32::from(tape.octet() % 2));
    compositor.publish(at(now), &PublishRequest { target, package, if_match: &if_match, expires_s, media_type, body })
}

/// A registrar under any requests, restored from its own snapshots now and then.
///
/// # Panics
/// When a promise of the registrar is broken.
pub fn run_registrar(data: &[u8]) {
    let mut tape = Tape::new(data);
    let mut registrar = Registrar::new(RegistrarPolicy::default());
    let mut held: BTreeSet<(Arc<str>, String)> = BTreeSet::new();
    let mut now = 1_000;
    while let Some(step) = tape.next_octet() {
        match step % 8 {
            0 => {
                now += tape.wait_millis();
                registrar.expire(at(now));
                assert!(registrar.deadline().is_none_or(|deadline| deadline > at(now)));
            }
            1 => registrar.withdraw(tape.pick(&USERS)),
            2 => {
                let addresses: Vec<Arc<str>> = registrar.addresses().cloned().collect();
                let kept: Vec<Bytes> = addresses.iter().filter_map(|address| registrar.snapshot(address)).collect();
                assert_eq!(kept.len(), addresses.len());
                registrar = Registrar::new(RegistrarPolicy::default());
                for record in kept {
                    registrar.restore(&record).expect("what was stored");
                }
            }
            3 => {
                let address = tape.pick(&USERS);
                let id = registrar.bindings(address).first().map(|binding| binding.id.clone());
                if let Some(id) = id {
                    registrar.remove(address, &id);
                }
            }
            _ => register(&mut registrar, now, &mut tape),
        }
        while let Some(command) = registrar.poll() {
            match command {
                registrar::Command::BindingAdded { address, binding } => {
                    assert!(held.insert((address, binding.id.as_str().to_owned())), "added twice");
                }
                registrar::Command::BindingRefreshed { address, binding } => {
                    assert!(held.contains(&(address, binding.id.as_str().to_owned())), "refreshed what is not there");
                }
                registrar::Command::BindingRemoved { address, binding, .. } => {
                    assert!(held.remove(&(address, binding.id.as_str().to_owned())), "removed what is not there");
                }
            }
        }
        let known: BTreeSet<(Arc<str>, String)> = USERS
            .iter()
            .flat_map(|user| registrar.bindings(user).iter().map(|one| (Arc::from(*user), one.id.as_str().to_owned())))
            .collect();
        assert_eq!(known, held);
    }
}

fn register(registrar: &mut Registrar, now: u64, tape: &mut Tape<'_>) {
    const CONTACTS: [&str; 8] = [
        "<sip:bob@192.0.2.3:5060>",
        "<sip:bob@192.0.2.3:5060>;expires=0",
        "<sip:bob@192.0.2.4>;q=0.5;expires=7200",
        "<sip:bob@192.0.2.4>;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\";reg-id=1",
        "<sip:BOB@192.0.2.3:5060;transport=tcp>",
        "*",
        "<tel:+358501234567>;expires=30",
        "<sip:bob@192.0.2.9>;expires=4294967295",
    ];
    let target = if tape.octet() > 240 { Target::Foreign } else { Target::Hosted(tape.pick(&USERS)) };
    let mut headers = Headers::default();
    for _ in 0..tape.octet() % 4 {
        headers.push(Header::new(HeaderName::Contact, tape.pick(&CONTACTS)));
    }
    let Ok(contacts) = headers.contacts() else { return };
    let call_id = CallId::parse(tape.pick(&["one", "two"])).expect("a Call-ID");
    let Ok(sequence) = Sequence::from_number(u32::from(tape.octet())) else { return };
    let expires_s = tape.flag().then(|| u32::from(tape.number()) * u32::from(tape.octet() % 2));
    let request = RegisterRequest {
        target,
        call_id: &call_id,
        sequence,
        contacts: &contacts.detach(),
        expires_s,
        source: tape.flag().then_some("udp:192.0.2.3:5060"),
    };
    if let RegisterAnswer::Registered(contacts) = registrar.register(at(now), &request) {
        for contact in contacts {
            assert!(contact.expires_s().is_some(), "a contact without its remaining lifetime: {contact}");
        }
    }
}

/// Records of both.
pub(super) fn snapshots() -> Vec<Vec<u8>> {
    let mut compositor = fresh_compositor(1);
    publish(&mut compositor, 0, &[], &mut Tape::new(&[0]));
    let mut registrar = Registrar::new(RegistrarPolicy::default());
    register(&mut registrar, 0, &mut Tape::new(&[0, 0, 3, 0, 2, 3, 0, 1]));
    let ids: Vec<PublicationId> = compositor.publications().map(|(id, ..)| id.clone()).collect();
    let publications = ids.iter().filter_map(|id| compositor.snapshot(id));
    publications.chain(registrar.snapshot(USERS[0])).map(|octets| octets.to_vec()).collect()
}

/// Octets of a store, read as records of both.
pub(super) fn restore(data: &[u8]) {
    let mut compositor = fresh_compositor(1);
    if let Ok(id) = compositor.restore(data) {
        let record = compositor.snapshot(&id).expect("it was just restored");
        fresh_compositor(2).restore(&record).expect("what was stored");
        compositor.expire(at(u64::MAX));
        assert_eq!(compositor.publications().count(), 0);
    }
    let mut registrar = Registrar::new(RegistrarPolicy::default());
    if let Ok(address) = registrar.restore(data) {
        if let Some(record) = registrar.snapshot(&address) {
            Registrar::new(RegistrarPolicy::default()).restore(&record).expect("what was stored");
        }
        registrar.expire(at(u64::MAX));
        assert_eq!(registrar.addresses().count(), 0);
    }
}

fn fresh_compositor(seed: u8) -> Compositor {
    Compositor::new(CompositorPolicy::presence(), IdSource::new("f", [seed; 32]).expect("a prefix"))
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}
