//! Rich presence (RFC 4480): what a person does, feels, and where.

use super::datetime;
use super::namespace::{LOCATION_TYPE, RPID, XML};
use super::pidf::{Note, canonical_namespace};
use super::vocabulary::vocabulary;
use super::xml::{XmlElement, XmlError, XmlFragment, XmlName, XmlReader, XmlWriter};
use crate::time::Timestamp;
use std::borrow::Cow;

// RFC 4480 §3.2
vocabulary! {
    /// What a person does.
    ActivityName {
        Appointment = "appointment", Away = "away", Breakfast = "breakfast", Busy = "busy", Dinner = "dinner",
        Holiday = "holiday", InTransit = "in-transit", LookingForWork = "looking-for-work", Lunch = "lunch",
        Meal = "meal", Meeting = "meeting", OnThePhone = "on-the-phone", Performance = "performance",
        PermanentAbsence = "permanent-absence", Playing = "playing", Presentation = "presentation",
        Shopping = "shopping", Sleeping = "sleeping", Spectator = "spectator", Steering = "steering",
        Travel = "travel", Tv = "tv", Unknown = "unknown", Vacation = "vacation", Working = "working",
        Worship = "worship",
    }
}

// RFC 4480 §3.4
vocabulary! {
    /// What a person feels.
    MoodName {
        Afraid = "afraid", Amazed = "amazed", Angry = "angry", Annoyed = "annoyed", Anxious = "anxious",
        Ashamed = "ashamed", Bored = "bored", Brave = "brave", Calm = "calm", Cold = "cold", Confused = "confused",
        Contented = "contented", Cranky = "cranky", Curious = "curious", Depressed = "depressed",
        Disappointed = "disappointed", Disgusted = "disgusted", Distracted = "distracted",
        Embarrassed = "embarrassed", Excited = "excited", Flirtatious = "flirtatious", Frustrated = "frustrated",
        Grumpy = "grumpy", Guilty = "guilty", Happy = "happy", Hot = "hot", Humbled = "humbled",
        Humiliated = "humiliated", Hungry = "hungry", Hurt = "hurt", Impressed = "impressed", InAwe = "in_awe",
        InLove = "in_love", Indignant = "indignant", Interested = "interested", Invincible = "invincible",
        Jealous = "jealous", Lonely = "lonely", Mean = "mean", Moody = "moody", Nervous = "nervous",
        Neutral = "neutral", Offended = "offended", Playful = "playful", Proud = "proud", Relieved = "relieved",
        Remorseful = "remorseful", Restless = "restless", Sad = "sad", Sarcastic = "sarcastic",
        Serious = "serious", Shocked = "shocked", Shy = "shy", Sick = "sick", Sleepy = "sleepy",
        Stressed = "stressed", Surprised = "surprised", Thirsty = "thirsty", Worried = "worried",
        Unknown = "unknown",
    }
}

vocabulary! {
    /// Which part of life a person is in (RFC 4480 §3.11).
    Sphere { Home = "home", Work = "work", Unknown = "unknown" }
}

vocabulary! {
    /// Whether a device is being used (RFC 4480 §3.13).
    InputState { Active = "active", Idle = "idle" }
}

/// One value of a list that the standard lets grow.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Listed<T> {
    /// One of the words of the standard.
    Named(T),
    /// `other`, in words of the person.
    Other(String),
    /// An element of somebody else's.
    Foreign(XmlFragment),
}

/// Activities or moods with the notes that belong to them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RichList<T> {
    /// The values in document order.
    pub values: Vec<Listed<T>>,
    /// Notes about them.
    pub notes: Vec<Note>,
}

impl<T> Default for RichList<T> {
    fn default() -> Self {
        Self { values: Vec::new(), notes: Vec::new() }
    }
}

/// `rpid:activities`.
pub type Activities = RichList<ActivityName>;
/// `rpid:mood`.
pub type Moods = RichList<MoodName>;

// RFC 4480 §3.9
/// `rpid:place-type`: what kind of place the person is at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PlaceType {
    /// Names of the location type registry (RFC 4589): `office`, `street`.
    pub kinds: Vec<XmlName>,
    /// In own words.
    pub other: Option<String>,
    /// Notes about it.
    pub notes: Vec<Note>,
}

// RFC 4480 §3.8
/// `rpid:place-is`: what communication the place allows; names such as `noisy`, `dark`, `uncomfortable`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are those of the elements")]
pub struct PlaceIs {
    pub audio: Option<XmlName>,
    pub video: Option<XmlName>,
    pub text: Option<XmlName>,
}

// RFC 4480 §3.12
/// `rpid:status-icon`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StatusIcon {
    /// Where the image is.
    pub uri: String,
    /// Media type, as some clients add it in a namespace of theirs; read only.
    pub content_type: Option<String>,
}

// RFC 4480 §3.14
/// `rpid:time-offset`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TimeOffset {
    /// Minutes east of UTC.
    pub minutes: i16,
    /// Name of the zone.
    pub description: Option<String>,
}

// RFC 4480 §3.13
/// `rpid:user-input`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UserInput {
    /// Used or not.
    pub state: InputState,
    /// After how many seconds without input it counts as idle.
    pub idle_threshold_seconds: Option<u32>,
    /// When it was last used.
    pub last_input: Option<Timestamp>,
}

/// Words that are written as another word: the text of the standard has `lunch`, its schema has not.
const fn written_activity(name: ActivityName) -> ActivityName {
    match name {
        ActivityName::Lunch => ActivityName::Meal,
        other => other,
    }
}

pub(super) fn read_activities(reader: &mut XmlReader<'_>, list: &mut Activities) -> Result<(), XmlError> {
    read_list(reader, list, ActivityName::parse)
}

pub(super) fn read_moods(reader: &mut XmlReader<'_>, list: &mut Moods) -> Result<(), XmlError> {
    read_list(reader, list, MoodName::parse)
}

fn read_list<T>(
    reader: &mut XmlReader<'_>,
    list: &mut RichList<T>,
    parse: fn(&str) -> Option<T>,
) -> Result<(), XmlError> {
    while let Some(element) = reader.next_child()? {
        let is_ours = canonical_namespace(&element) == RPID;
        match (element.name(), parse(element.name())) {
            ("note", _) => list.notes.push(read_note(reader, &element)?),
            ("other", _) if is_ours => list.values.push(Listed::Other(reader.text()?.into_owned())),
            (_, Some(name)) if is_ours => {
                list.values.push(Listed::Named(name));
                reader.skip()?;
            }
            _ => list.values.push(Listed::Foreign(reader.fragment(&element)?)),
        }
    }
    Ok(())
}

pub(super) fn write_activities(writer: &mut XmlWriter, list: &Activities) {
    write_list(writer, "rpid:activities", list, |name| written_activity(*name).as_str());
}

pub(super) fn write_moods(writer: &mut XmlWriter, list: &Moods) {
    write_list(writer, "rpid:mood", list, |name| name.as_str());
}

fn write_list<T>(writer: &mut XmlWriter, name: &'static str, list: &RichList<T>, word: fn(&T) -> &'static str) {
    writer.open(name);
    for note in &list.notes {
        note.write(writer, "rpid:note");
    }
    for value in &list.values {
        match value {
            Listed::Named(name) => {
                writer.open_prefixed("rpid", word(name));
                writer.close();
            }
            Listed::Other(text) => writer.leaf("rpid:other", text),
            Listed::Foreign(fragment) => writer.fragment(fragment),
        }
    }
    writer.close();
}

pub(super) fn read_note(reader: &mut XmlReader<'_>, element: &XmlElement<'_>) -> Result<Note, XmlError> {
    let language = element.attribute_of(XML, "lang").map(str::to_owned);
    Ok(Note { language, text: reader.text()?.into_owned() })
}

impl PlaceType {
    pub(super) fn read(reader: &mut XmlReader<'_>) -> Result<Self, XmlError> {
        let mut place = Self::default();
        while let Some(element) = reader.next_child()? {
            match (canonical_namespace(&element), element.name()) {
                (LOCATION_TYPE, name) => {
                    place.kinds.push(XmlName::parse(name)?);
                    reader.skip()?;
                }
                (RPID, "other") => place.other = Some(reader.text()?.into_owned()),
                (_, "note") => place.notes.push(read_note(reader, &element)?),
                // Before RFC 4589 the kinds were elements of RPID itself.
                (RPID, name) => {
                    place.kinds.push(XmlName::parse(name)?);
                    reader.skip()?;
                }
                _ => reader.skip()?,
            }
        }
        Ok(place)
    }

    pub(super) fn write(&self, writer: &mut XmlWriter) {
        writer.open("rpid:place-type");
        for note in &self.notes {
            note.write(writer, "rpid:note");
        }
        for kind in &self.kinds {
            writer.open_named("lt", kind);
            writer.close();
        }
        writer.leaf_if("rpid:other", self.other.as_deref());
        writer.close();
    }
}

impl PlaceIs {
    pub(super) fn read(reader: &mut XmlReader<'_>) -> Result<Self, XmlError> {
        let mut place = Self::default();
        while let Some(element) = reader.next_child()? {
            let target = match element.name() {
                "audio" => &mut place.audio,
                "video" => &mut place.video,
                "text" => &mut place.text,
                _ => {
                    reader.skip()?;
                    continue;
                }
            };
            while let Some(value) = reader.next_child()? {
                *target = Some(XmlName::parse(value.name())?);
                reader.skip()?;
            }
        }
        Ok(place)
    }

    pub(super) fn write(&self, writer: &mut XmlWriter) {
        writer.open("rpid:place-is");
        let parts = [("rpid:audio", &self.audio), ("rpid:video", &self.video), ("rpid:text", &self.text)];
        for (name, value) in parts {
            if let Some(value) = value {
                writer.open(name);
                writer.open_named("rpid", value);
                writer.close();
                writer.close();
            }
        }
        writer.close();
    }
}

/// `rpid:sphere`; nothing when it is a word we do not know. Some write the word as text.
pub(super) fn read_sphere(reader: &mut XmlReader<'_>) -> Result<Option<Sphere>, XmlError> {
    let mut text = Cow::Borrowed("");
    let mut sphere = None;
    while let Some(element) = reader.next_child_or_text(&mut text)? {
        sphere = sphere.or(Sphere::parse(element.name()));
        reader.skip()?;
    }
    Ok(sphere.or_else(|| Sphere::parse(&text)))
}

pub(super) fn write_sphere(writer: &mut XmlWriter, sphere: Sphere) {
    writer.open("rpid:sphere");
    writer.open_prefixed("rpid", sphere.as_str());
    writer.close();
    writer.close();
}

impl StatusIcon {
    pub(super) fn read(reader: &mut XmlReader<'_>, element: &XmlElement<'_>) -> Result<Self, XmlError> {
        let attributes = element.attributes().iter();
        // QUIRK icon_attributes: the namespace of these attributes is not public, RCS clients
        let content_type = attributes.filter(|a| a.name == "contenttype").map(|a| a.value.to_string()).next();
        Ok(Self { uri: reader.text()?.trim().to_owned(), content_type })
    }

    pub(super) fn write(&self, writer: &mut XmlWriter) {
        writer.leaf("rpid:status-icon", &self.uri);
    }
}

impl TimeOffset {
    /// Nothing when the text is no number of minutes that a zone can have.
    pub(super) fn read(reader: &mut XmlReader<'_>, element: &XmlElement<'_>) -> Result<Option<Self>, XmlError> {
        let description = element.attribute("description").map(str::to_owned);
        let minutes =
            reader.text()?.trim().parse::<i16>().ok().filter(|minutes| (-MINUTES_MAX..=MINUTES_MAX).contains(minutes));
        Ok(minutes.map(|minutes| Self { minutes, description }))
    }

    pub(super) fn write(&self, writer: &mut XmlWriter) {
        writer.open("rpid:time-offset");
        writer.attribute_if("description", self.description.as_deref());
        writer.text(&self.minutes.to_string());
        writer.close();
    }
}

/// No zone is farther from UTC than 14 hours; a day is a safe bound.
const MINUTES_MAX: i16 = 1440;

impl UserInput {
    pub(super) fn read(reader: &mut XmlReader<'_>, element: &XmlElement<'_>) -> Result<Option<Self>, XmlError> {
        let idle_threshold_seconds = element.attribute("idle-threshold").and_then(|text| text.trim().parse().ok());
        let last_input = element.attribute("last-input").and_then(datetime::parse);
        let state = InputState::parse(&reader.text()?);
        Ok(state.map(|state| Self { state, idle_threshold_seconds, last_input }))
    }

    pub(super) fn write(&self, writer: &mut XmlWriter) {
        writer.open("rpid:user-input");
        writer.attribute_if("idle-threshold", self.idle_threshold_seconds.map(|s| s.to_string()).as_deref());
        writer.attribute_if("last-input", self.last_input.map(datetime::write).as_deref());
        writer.text(self.state.as_str());
        writer.close();
    }
}
