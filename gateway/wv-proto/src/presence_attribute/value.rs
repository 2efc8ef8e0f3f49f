//! Values of presence attributes that are more than one text.

use super::VendorElement;
use crate::primitive::capability::{AcceptedContentType, ClientType};
use crate::vocabulary::vocabulary;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

vocabulary! {
    /// Value of UserAvailability.
    Availability {
        /// Available.
        Available = "AVAILABLE",
        /// Not available.
        NotAvailable = "NOT_AVAILABLE",
        /// Not to be disturbed.
        Discreet = "DISCREET",
    }
}

vocabulary! {
    /// Value of StatusMood.
    Mood {
        /// Angry.
        Angry = "ANGRY",
        /// Anxious.
        Anxious = "ANXIOUS",
        /// Ashamed.
        Ashamed = "ASHAMED",
        /// Bored.
        Bored = "BORED",
        /// Excited.
        Excited = "EXCITED",
        /// Happy.
        Happy = "HAPPY",
        /// In love.
        InLove = "IN_LOVE",
        /// Invincible.
        Invincible = "INVINCIBLE",
        /// Jealous.
        Jealous = "JEALOUS",
        /// Sad.
        Sad = "SAD",
        /// Sleepy.
        Sleepy = "SLEEPY",
    }
}

vocabulary! {
    /// Means of communication: Cap, PrefC.
    Capability {
        /// A call.
        Call = "CALL",
        /// A short message.
        Sms = "SMS",
        /// A multimedia message.
        Mms = "MMS",
        /// An instant message.
        Im = "IM",
        /// Mail.
        Email = "EMAIL",
        /// A voice call (1.1, 1.2).
        AudioCall = "AUDIO_CALL",
        /// A video call (1.1, 1.2).
        VideoCall = "VIDEO_CALL",
        /// A video stream (1.1, 1.2).
        VideoStream = "VIDEO_STREAM",
        /// An instant message, online (1.1, 1.2).
        ImOnline = "IM_ONLINE",
        /// An instant message, offline (1.1, 1.2).
        ImOffline = "IM_OFFLINE",
    }
}

vocabulary! {
    /// Whether a means of communication works now: CommC/Status, Cstatus.
    CapabilityState {
        /// It does.
        Open = "OPEN",
        /// It does not.
        Closed = "CLOSED",
    }
}

/// Value of ClientInfo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientInfo {
    /// ClientContentLimit (1.3).
    pub content_limit: Option<ContentLimit>,
    /// ClientType.
    pub client_type: Option<ClientType>,
    /// DevManufacturer.
    pub manufacturer: Option<Box<str>>,
    /// ClientProducer.
    pub producer: Option<Box<str>>,
    /// Model.
    pub model: Option<Box<str>>,
    /// ClientVersion.
    pub version: Option<Box<str>>,
    /// Language.
    pub language: Option<Box<str>>,
    /// ClientIMPriority (1.3).
    pub message_priority: Option<u32>,
    /// ApplicationID (1.3).
    pub application_id: Option<Box<str>>,
    /// What vendors put there, as it came.
    #[serde(default)]
    pub vendor: Vec<VendorElement>,
}

/// ClientContentLimit (1.3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentLimit {
    /// AcceptedContentType.
    pub accepted_content_types: Vec<AcceptedContentType>,
    /// AnyContent, instead of types.
    pub any_content: Option<bool>,
    /// AcceptedTextContentLength in octets.
    pub accepted_text_content_length: Option<u32>,
    /// AcceptedTransferEncoding.
    pub accepted_transfer_encodings: Vec<Box<str>>,
    /// MaxPullLength in octets.
    pub pull_length_max: Option<u32>,
    /// MaxPushLength in octets.
    pub push_length_max: Option<u32>,
    /// PlainTextCharset as MIBenum.
    pub plain_text_charsets: Vec<u32>,
}

/// Value of TimeZone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeZone {
    /// Zone: offset from UTC, such as `+02`.
    pub zone: Box<str>,
}

/// Value of GeoLocation; the texts as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeoLocation {
    /// Longitude, such as `35 24 15.652W`.
    pub longitude: Option<Box<str>>,
    /// Latitude, such as `12 36 22.5N`.
    pub latitude: Option<Box<str>>,
    /// Altitude.
    pub altitude: Option<Box<str>>,
    /// Accuracy.
    pub accuracy: Option<Box<str>>,
}

/// Value of Address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CivicAddress {
    /// Country.
    pub country: Option<Box<str>>,
    /// City.
    pub city: Option<Box<str>>,
    /// Street.
    pub street: Option<Box<str>>,
    /// Crossing1.
    pub crossing_1: Option<Box<str>>,
    /// Crossing2.
    pub crossing_2: Option<Box<str>>,
    /// Building.
    pub building: Option<Box<str>>,
    /// NamedArea.
    pub named_area: Option<Box<str>>,
    /// Accuracy.
    pub accuracy: Option<Box<str>>,
}

/// CommC: one entry of CommCap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommC {
    /// Cap.
    pub capability: Capability,
    /// Status; none when the sender left it out.
    pub state: Option<CapabilityState>,
    /// Contact.
    pub contact: Option<Box<str>>,
    /// Note. Leave it out instead of writing an empty one: Nokia 1.1 clients dislike that.
    pub note: Option<Box<str>>,
}

/// AddrPref: one entry of PreferredContacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddrPref {
    /// PrefC.
    pub capability: Capability,
    /// Caddr.
    pub address: Box<str>,
    /// Cstatus; none when the sender left it out.
    pub state: Option<CapabilityState>,
    /// Cname.
    pub name: Option<Box<str>>,
    /// Cpriority: the lower, the more preferred.
    pub priority: Option<Box<str>>,
}

/// Value of StatusContent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusContent {
    /// The content, or where it is; none when only the type is said.
    pub content: Option<MediaContent>,
    /// ContentType.
    pub content_type: Option<Box<str>>,
}

/// A content, or where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MediaContent {
    /// DirectContent: the octets, BASE64 undone. Written in BASE64.
    Direct(Bytes),
    /// ReferredContent: a URL.
    Referred(Box<str>),
}

/// Value of ContactInfo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContactInfo {
    /// ContainedvCard.
    Contained(Box<str>),
    /// ReferredvCard: a URL.
    Referred(Box<str>),
}

/// Inf_link: one entry of InfoLink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InfoLink {
    /// Link: a URL.
    pub link: Box<str>,
    /// Text.
    pub text: Option<Box<str>>,
    /// ContentType.
    pub content_type: Option<Box<str>>,
}
