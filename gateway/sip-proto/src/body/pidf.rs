//! Presence documents: PIDF (RFC 3863) with the data model (RFC 4479) and its extensions.
//!
//! The reader is tolerant: any prefix, any order, namespaces of drafts, missing identifiers. The writer is conservative:
//! the order of the schemas, unique identifiers that begin with a letter, only elements that the standards define.

mod writer;

use super::capability::ServiceCapabilities;
use super::cipid::Cipid;
pub use super::data_model::{Device, Person};
use super::datetime;
use super::location::LocationObject;
use super::namespace::WV_PASSTHROUGH;
use super::namespace::{CAPABILITIES, CIPID, DATA_MODEL, DRAFTS, GEOPRIV, JABBER_CLIENT, OMA_PRESENCE, PIDF, RPID};
use super::oma::{ActivityState, ServiceDescription};
use super::passthrough::Passthrough;
use super::rpid::{StatusIcon, UserInput, read_note};
use super::vocabulary::vocabulary;
use super::xml::{XmlElement, XmlError, XmlFragment, XmlLimits, XmlReader, XmlWriter};
use crate::time::Timestamp;
use std::borrow::Cow;
use thiserror::Error;

/// A presence document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Presence {
    /// Whose presence it is. Some peers leave it out: then it is who was subscribed to.
    pub entity: Option<String>,
    /// Services.
    pub tuples: Vec<Tuple>,
    /// Notes about the presentity as a whole.
    pub notes: Vec<Note>,
    /// Persons; more than one when several publications were put together.
    pub persons: Vec<Person>,
    /// Devices.
    pub devices: Vec<Device>,
    /// What is none of these.
    pub extensions: Vec<XmlFragment>,
}

/// A service of the presentity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tuple {
    /// Its identifier.
    pub id: ElementId,
    /// Whether it takes messages; nothing is no statement.
    pub basic: Option<Basic>,
    /// Where it is reached.
    pub contact: Option<Contact>,
    /// In words.
    pub notes: Vec<Note>,
    /// When it was said.
    pub timestamp: Option<Timestamp>,
    /// `dm:deviceID`: the device it runs on.
    pub device_id: Option<String>,
    /// `rpid:user-input`.
    pub user_input: Option<UserInput>,
    /// `rpid:status-icon`.
    pub status_icon: Option<StatusIcon>,
    /// CIPID elements.
    pub cipid: Cipid,
    /// `caps:servcaps`.
    pub capabilities: Option<ServiceCapabilities>,
    /// `op:registration-state`.
    pub registration_state: Option<ActivityState>,
    /// `op:barring-state`.
    pub barring_state: Option<ActivityState>,
    /// `op:willingness`.
    pub willingness: Option<Basic>,
    /// `op:session-participation`.
    pub session_participation: Option<Basic>,
    /// `op:service-description`.
    pub service: Option<ServiceDescription>,
    /// `gp:geopriv` in the status.
    pub location: Option<LocationObject>,
    /// `show` of XMPP, which some gateways put here: `away`, `xa`, `dnd`, `chat`.
    pub show: Option<String>,
    /// WV attributes.
    pub passthrough: Vec<Passthrough>,
    /// What is none of these, in the status.
    pub status_extensions: Vec<XmlFragment>,
    /// What is none of these, beside the status.
    pub extensions: Vec<XmlFragment>,
}

// RFC 3863 §4.1.4
vocabulary! {
    /// Whether a service takes messages.
    Basic { Open = "open", Closed = "closed" }
}

/// Where a service is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Contact {
    /// The URI.
    pub uri: String,
    /// How preferred it is.
    pub priority: Option<Priority>,
}

/// A preference from 0 to 1 with three decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(u16);

/// Words for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Note {
    /// `xml:lang`.
    pub language: Option<String>,
    /// The words.
    pub text: String,
}

/// An identifier of an element: a name that begins with a letter.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ElementId(Cow<'static, str>);

/// Why a presence document was not read or not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PidfError {
    /// It is no XML that is accepted here.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// The root is not `presence`.
    #[error("not a presence document")]
    NotPresence,
    /// An element that must be understood is not.
    #[error("an element that must be understood is unknown")]
    NotUnderstood,
    /// A document without `entity` is not written.
    #[error("no entity")]
    MissingEntity,
}

impl Presence {
    /// An empty document: nothing is known.
    #[must_use]
    pub fn new(entity: &str) -> Self {
        Self { entity: Some(entity.to_owned()), ..Self::default() }
    }

    // RFC 5025 §3.2.1
    /// What a watcher sees that is politely blocked: one closed service and nothing else.
    #[must_use]
    pub fn closed(entity: &str) -> Self {
        let tuple = Tuple { id: ElementId::from_text("t1"), basic: Some(Basic::Closed), ..Tuple::default() };
        Self { tuples: vec![tuple], ..Self::new(entity) }
    }

    /// Reads a document.
    ///
    /// # Errors
    /// [`PidfError`].
    pub fn parse(document: &[u8], limits: &XmlLimits) -> Result<Self, PidfError> {
        let mut reader = XmlReader::new(document, limits)?;
        let root = reader.root()?;
        if root.name() != "presence" || !matches!(root.namespace(), PIDF | "") {
            return Err(PidfError::NotPresence);
        }
        let entity = root.attribute("entity").map(str::trim).filter(|entity| !entity.is_empty());
        let mut presence = Self { entity: entity.map(str::to_owned), ..Self::default() };
        let mut unknown = Unknown::default();
        while let Some(element) = reader.next_child()? {
            match (canonical_namespace(&element), element.name()) {
                (PIDF | "", "tuple") => presence.tuples.extend(Tuple::read(&mut reader, &element)?),
                (PIDF | "", "note") => presence.notes.push(read_note(&mut reader, &element)?),
                (DATA_MODEL, "person") => presence.persons.extend(Person::read(&mut reader, &element)?),
                (DATA_MODEL, "device") => presence.devices.extend(Device::read(&mut reader, &element)?),
                _ => unknown.take(&mut reader, &element)?,
            }
        }
        reader.finish()?;
        // RFC 3863 §4.2.3: the document itself is the optional element that would have to be ignored.
        presence.extensions = unknown.optional().ok_or(PidfError::NotUnderstood)?;
        Ok(presence)
    }

    /// Writes the document.
    ///
    /// # Errors
    /// [`PidfError::MissingEntity`], or a value that XML cannot carry.
    pub fn write(&self) -> Result<String, PidfError> {
        let entity = self.entity.as_deref().ok_or(PidfError::MissingEntity)?;
        Ok(writer::write(self, entity)?)
    }
}

impl Tuple {
    /// Nothing when it has to be ignored.
    fn read<'a>(reader: &mut XmlReader<'a>, element: &XmlElement<'a>) -> Result<Option<Self>, XmlError> {
        let mut tuple = Self { id: ElementId::of(element), ..Self::default() };
        let (mut unknown, mut unknown_status) = (Unknown::default(), Unknown::default());
        while let Some(child) = reader.next_child()? {
            match (canonical_namespace(&child), child.name()) {
                (PIDF | "", "status") => {
                    while let Some(child) = reader.next_child()? {
                        tuple.read_child(reader, &child, canonical_namespace(&child), &mut unknown_status)?;
                    }
                }
                (namespace, _) => tuple.read_child(reader, &child, namespace, &mut unknown)?,
            }
        }
        let kept = unknown.optional().zip(unknown_status.optional());
        Ok(kept.map(|(extensions, status_extensions)| {
            tuple.extensions = extensions;
            tuple.status_extensions = status_extensions;
            tuple
        }))
    }

    /// Elements are taken wherever they stand: peers differ about what belongs into the status.
    fn read_child<'a>(
        &mut self,
        reader: &mut XmlReader<'a>,
        child: &XmlElement<'a>,
        namespace: &str,
        unknown: &mut Unknown,
    ) -> Result<(), XmlError> {
        match (namespace, child.name()) {
            (PIDF | "", "basic") => self.basic = Basic::parse(&reader.text()?),
            (PIDF | "", "contact") => self.contact = Some(Contact::read(reader, child)?),
            (PIDF | "" | DATA_MODEL, "note") => self.notes.push(read_note(reader, child)?),
            (PIDF | "" | DATA_MODEL, "timestamp") => self.timestamp = datetime::parse(&reader.text()?),
            (DATA_MODEL, "deviceID") => self.device_id = read_word(reader)?,
            (RPID, "user-input") => self.user_input = UserInput::read(reader, child)?,
            (RPID, "status-icon") => self.status_icon = Some(StatusIcon::read(reader, child)?),
            (CAPABILITIES, "servcaps") => self.capabilities = Some(ServiceCapabilities::read(reader)?),
            (CIPID, name) => match self.cipid.read(reader, name)? {
                Some(()) => {}
                None => unknown.take(reader, child)?,
            },
            (OMA_PRESENCE, "registration-state") => self.registration_state = ActivityState::parse(&reader.text()?),
            (OMA_PRESENCE, "barring-state") => self.barring_state = ActivityState::parse(&reader.text()?),
            (OMA_PRESENCE, "willingness") => self.willingness = read_oma_basic(reader)?,
            (OMA_PRESENCE, "session-participation") => self.session_participation = read_oma_basic(reader)?,
            (OMA_PRESENCE, "service-description") => self.service = Some(ServiceDescription::read(reader)?),
            (JABBER_CLIENT, "show") => self.show = read_word(reader)?,
            (GEOPRIV, "geopriv") => read_location(reader, child, &mut self.location, unknown)?,
            (WV_PASSTHROUGH, _) => self.passthrough.push(Passthrough::read(reader, child)?),
            _ => unknown.take(reader, child)?,
        }
        Ok(())
    }
}

impl Contact {
    fn read(reader: &mut XmlReader<'_>, element: &XmlElement<'_>) -> Result<Self, XmlError> {
        let priority = element.attribute("priority").and_then(Priority::parse);
        Ok(Self { uri: trim(&reader.text()?).to_owned(), priority })
    }
}

impl Priority {
    /// In thousandths; more than 1000 is 1000.
    #[must_use]
    pub const fn from_thousandths(thousandths: u16) -> Self {
        Self(if thousandths > 1000 { 1000 } else { thousandths })
    }

    /// In thousandths.
    #[must_use]
    pub const fn thousandths(self) -> u16 {
        self.0
    }

    /// From `0.8`, `1`, `.25`; finer decimals are cut.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let is_digits = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        let mut digits = fraction.bytes();
        let mut thousandths: u16 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        for _ in 0..3 {
            let digit = digits.next().map_or(0, |octet| u16::from(octet.wrapping_sub(b'0')));
            thousandths = thousandths.checked_mul(10)?.checked_add(digit)?;
        }
        (thousandths <= 1000).then_some(Self(thousandths))
    }

    /// With as many decimals as needed.
    #[must_use]
    pub fn write(self) -> String {
        let all = format!("{}.{:03}", self.0 / 1000, self.0 % 1000);
        all.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

impl Note {
    /// A note without language.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self { language: None, text: text.to_owned() }
    }

    pub(super) fn write(&self, writer: &mut XmlWriter, name: &'static str) {
        writer.open(name);
        writer.attribute_if("xml:lang", self.language.as_deref());
        writer.text(&self.text);
        writer.close();
    }
}

impl ElementId {
    /// An identifier as close to the text as the rules allow: a name that begins with a letter and has no colon.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_begun = |text: &str| text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        // Nearly all are written like that.
        if text.len() <= ID_LENGTH_MAX && is_begun(text) && text.bytes().all(|octet| is_allowed(octet.into())) {
            return Self(Cow::Owned(text.to_owned()));
        }
        let mut id: String =
            text.trim().chars().map(|c| if is_allowed(c) { c } else { '_' }).take(ID_LENGTH_MAX).collect();
        if !is_begun(&id) {
            id.insert_str(0, EMPTY_ID);
        }
        Self(Cow::Owned(id))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn of(element: &XmlElement<'_>) -> Self {
        Self::from_text(element.attribute("id").unwrap_or_default())
    }
}

impl Default for ElementId {
    fn default() -> Self {
        Self(Cow::Borrowed(EMPTY_ID))
    }
}

/// What an identifier without characters becomes, and what stands before one that does not begin with a letter.
const EMPTY_ID: &str = "ID-";

/// Longer identifiers are cut; unique ones are a quarter of that.
const ID_LENGTH_MAX: usize = 128;

/// Collects what is not understood.
#[derive(Debug, Default)]
pub(super) struct Unknown {
    kept: Vec<XmlFragment>,
    is_mandatory: bool,
}

impl Unknown {
    pub(super) fn take<'a>(&mut self, reader: &mut XmlReader<'a>, element: &XmlElement<'a>) -> Result<(), XmlError> {
        // RFC 3863 §4.2.3
        self.is_mandatory |= matches!(element.attribute_of(PIDF, "mustUnderstand"), Some("true" | "1"));
        self.kept.push(reader.fragment(element)?);
        Ok(())
    }

    pub(super) fn keep(&mut self, fragment: XmlFragment) {
        self.kept.push(fragment);
    }

    /// What was collected; nothing when the element around it has to be ignored.
    pub(super) fn optional(self) -> Option<Vec<XmlFragment>> {
        (!self.is_mandatory).then_some(self.kept)
    }
}

/// Reads a location; one that is not understood is kept as it is.
pub(super) fn read_location<'a>(
    reader: &mut XmlReader<'a>,
    element: &XmlElement<'a>,
    location: &mut Option<LocationObject>,
    unknown: &mut Unknown,
) -> Result<(), XmlError> {
    let fragment = reader.fragment(element)?;
    let limits = XmlLimits::PRESENCE;
    let read = {
        let mut inner = XmlReader::new(fragment.xml().as_bytes(), &limits)?;
        inner.root()?;
        LocationObject::read(&mut inner)?
    };
    match read {
        Some(read) if location.is_none() => *location = Some(read),
        _ => unknown.keep(fragment),
    }
    Ok(())
}

/// Reads text without the blanks around it; nothing when nothing is left.
pub(super) fn read_word(reader: &mut XmlReader<'_>) -> Result<Option<String>, XmlError> {
    let text = reader.text()?;
    let word = trim(&text);
    Ok((!word.is_empty()).then(|| word.to_owned()))
}

/// The text without the blanks around it, of which there are seldom any.
pub(super) fn trim(text: &str) -> &str {
    match text.as_bytes() {
        [b'!'..=b'~'] | [b'!'..=b'~', .., b'!'..=b'~'] => text,
        _ => text.trim(),
    }
}

/// Reads `op:basic` inside an OMA element.
pub(super) fn read_oma_basic(reader: &mut XmlReader<'_>) -> Result<Option<Basic>, XmlError> {
    let mut basic = None;
    while let Some(element) = reader.next_child()? {
        if element.name() == "basic" {
            basic = basic.or(Basic::parse(&reader.text()?));
        } else {
            reader.skip()?;
        }
    }
    Ok(basic)
}

// QUIRK draft_namespaces: namespaces of early drafts are read as what they became, Asterisk and Jitsi era clients
/// The namespace an element would have in a document of today.
pub(super) fn canonical_namespace<'a>(element: &XmlElement<'a>) -> &'a str {
    if matches!(element.namespace(), PIDF | DATA_MODEL | RPID | "") {
        return element.namespace();
    }
    let Some((_, canonical)) = DRAFTS.iter().find(|(draft, _)| *draft == element.namespace()) else {
        return element.namespace();
    };
    match element.name() {
        "person" | "device" | "deviceID" | "note" | "timestamp" => DATA_MODEL,
        "status" => PIDF,
        _ if *canonical == DATA_MODEL => RPID,
        _ => canonical,
    }
}
