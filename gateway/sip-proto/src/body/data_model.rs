//! The parts of the presence data model (RFC 4479) beside services: person and device.

use super::capability::DeviceCapabilities;
use super::cipid::Cipid;
use super::datetime;
use super::location::LocationObject;
use super::namespace::{CAPABILITIES, CIPID, DATA_MODEL, GEOPRIV, OMA_PRESENCE, PIDF, RPID, WV_PASSTHROUGH};
use super::oma::NetworkAvailability;
use super::passthrough::Passthrough;
use super::pidf::{Basic, ElementId, Note, Unknown, canonical_namespace, read_location, read_oma_basic, read_word};
use super::rpid::{
    self, Activities, Moods, PlaceIs, PlaceType, Sphere, StatusIcon, TimeOffset, UserInput, read_note, read_sphere,
};
use super::xml::{XmlElement, XmlError, XmlFragment, XmlReader};
use crate::time::Timestamp;

/// `dm:person`: the human being.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Person {
    /// Its identifier.
    pub id: ElementId,
    /// `rpid:activities`; `None` is no statement.
    pub activities: Option<Activities>,
    /// `rpid:mood`.
    pub moods: Option<Moods>,
    /// `rpid:place-is`.
    pub place_is: Option<PlaceIs>,
    /// `rpid:place-type`.
    pub place_type: Option<PlaceType>,
    /// `rpid:sphere`.
    pub sphere: Option<Sphere>,
    /// `rpid:status-icon`.
    pub status_icon: Option<StatusIcon>,
    /// `rpid:time-offset`.
    pub time_offset: Option<TimeOffset>,
    /// `rpid:user-input`.
    pub user_input: Option<UserInput>,
    /// CIPID elements.
    pub cipid: Cipid,
    /// `op:overriding-willingness`.
    pub overriding_willingness: Option<Basic>,
    /// `gp:geopriv`.
    pub location: Option<LocationObject>,
    /// WV attributes.
    pub passthrough: Vec<Passthrough>,
    /// What is none of these.
    pub extensions: Vec<XmlFragment>,
    /// In words.
    pub notes: Vec<Note>,
    /// When it was said.
    pub timestamp: Option<Timestamp>,
}

/// `dm:device`: what the services run on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Device {
    /// Its identifier in the document.
    pub id: ElementId,
    /// `dm:deviceID`: its name in the world, a URN.
    pub device_id: Option<String>,
    /// `caps:devcaps`.
    pub capabilities: Option<DeviceCapabilities>,
    /// `op:network-availability`.
    pub networks: Vec<NetworkAvailability>,
    /// `rpid:user-input`.
    pub user_input: Option<UserInput>,
    /// `gp:geopriv`.
    pub location: Option<LocationObject>,
    /// `status/basic`, which the data model does not have; a hint, never written.
    pub basic_hint: Option<Basic>,
    /// WV attributes.
    pub passthrough: Vec<Passthrough>,
    /// What is none of these.
    pub extensions: Vec<XmlFragment>,
    /// In words.
    pub notes: Vec<Note>,
    /// When it was said.
    pub timestamp: Option<Timestamp>,
}

impl Person {
    /// Nothing when it has to be ignored.
    pub(super) fn read<'a>(reader: &mut XmlReader<'a>, element: &XmlElement<'a>) -> Result<Option<Self>, XmlError> {
        let mut person = Self { id: ElementId::of(element), ..Self::default() };
        let mut unknown = Unknown::default();
        while let Some(child) = reader.next_child()? {
            match (canonical_namespace(&child), child.name()) {
                // QUIRK person_status: the elements stand in a status as in a tuple, Asterisk and Jitsi era clients
                (PIDF | DATA_MODEL | "", "status") => {
                    while let Some(child) = reader.next_child()? {
                        person.read_child(reader, &child, canonical_namespace(&child), &mut unknown)?;
                    }
                }
                (namespace, _) => person.read_child(reader, &child, namespace, &mut unknown)?,
            }
        }
        Ok(unknown.optional().map(|extensions| {
            person.extensions = extensions;
            person
        }))
    }

    fn read_child<'a>(
        &mut self,
        reader: &mut XmlReader<'a>,
        child: &XmlElement<'a>,
        namespace: &str,
        unknown: &mut Unknown,
    ) -> Result<(), XmlError> {
        match (namespace, child.name()) {
            (DATA_MODEL | PIDF | "" | RPID, "note") => self.notes.push(read_note(reader, child)?),
            (DATA_MODEL | PIDF | "", "timestamp") => self.timestamp = datetime::parse(&reader.text()?),
            (RPID, "activities") => rpid::read_activities(reader, self.activities.get_or_insert_default())?,
            (RPID, "mood") => rpid::read_moods(reader, self.moods.get_or_insert_default())?,
            (RPID, "place-is") => self.place_is = Some(PlaceIs::read(reader)?),
            (RPID, "place-type") => self.place_type = Some(PlaceType::read(reader)?),
            (RPID, "sphere") => self.sphere = read_sphere(reader)?,
            (RPID, "status-icon") => self.status_icon = Some(StatusIcon::read(reader, child)?),
            (RPID, "time-offset") => self.time_offset = TimeOffset::read(reader, child)?,
            (RPID, "user-input") => self.user_input = UserInput::read(reader, child)?,
            (CIPID, name) => match self.cipid.read(reader, name)? {
                Some(()) => {}
                None => unknown.take(reader, child)?,
            },
            (OMA_PRESENCE, "overriding-willingness") => self.overriding_willingness = read_oma_basic(reader)?,
            (GEOPRIV, "geopriv") => read_location(reader, child, &mut self.location, unknown)?,
            (WV_PASSTHROUGH, _) => self.passthrough.push(Passthrough::read(reader, child)?),
            _ => unknown.take(reader, child)?,
        }
        Ok(())
    }
}

impl Device {
    /// Nothing when it has to be ignored.
    pub(super) fn read<'a>(reader: &mut XmlReader<'a>, element: &XmlElement<'a>) -> Result<Option<Self>, XmlError> {
        let mut device = Self { id: ElementId::of(element), ..Self::default() };
        let mut unknown = Unknown::default();
        while let Some(child) = reader.next_child()? {
            match (canonical_namespace(&child), child.name()) {
                (DATA_MODEL, "deviceID") => device.device_id = read_word(reader)?,
                (DATA_MODEL | PIDF | "" | RPID, "note") => device.notes.push(read_note(reader, &child)?),
                (DATA_MODEL | PIDF | "", "timestamp") => device.timestamp = datetime::parse(&reader.text()?),
                // QUIRK device_status: a status of the device, outside of the data model, IMS clients
                (DATA_MODEL | PIDF | "", "status") => device.basic_hint = read_oma_basic(reader)?,
                (CAPABILITIES, "devcaps") => device.capabilities = Some(DeviceCapabilities::read(reader)?),
                (OMA_PRESENCE, "network-availability") => {
                    device.networks.extend(NetworkAvailability::read_all(reader)?);
                }
                (RPID, "user-input") => device.user_input = UserInput::read(reader, &child)?,
                (GEOPRIV, "geopriv") => read_location(reader, &child, &mut device.location, &mut unknown)?,
                (WV_PASSTHROUGH, _) => device.passthrough.push(Passthrough::read(reader, &child)?),
                _ => unknown.take(reader, &child)?,
            }
        }
        Ok(unknown.optional().map(|extensions| {
            device.extensions = extensions;
            device
        }))
    }
}
