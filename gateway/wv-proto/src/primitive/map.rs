//! Maps of places (1.3).

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::presence_attribute::PresenceSubList;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::primitive::identifier::UserId;
use crate::schema::element;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// GetMap-Request (1.3): a map of where a user is, or of a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GetMapRequest {
    /// Of where this user is.
    User(UserId),
    /// Of the place that these attributes name.
    Place(PresenceSubList),
}

/// GetMap-Response (1.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GetMapResponse {
    /// The map itself.
    Map(Map),
    /// Where it is.
    Url(Box<str>),
}

/// Map (1.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Map {
    /// ContentType.
    pub content_type: Box<str>,
    /// The octets; in messages always in BASE64.
    pub octets: Bytes,
}

impl Part for GetMapRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        match element.part_of(element::PRESENCE_SUB_LIST)? {
            Some(place) => Ok(Self::Place(place)),
            None => element.needed_text_of(element::USER_ID).map(|user| Self::User(UserId::new(user))),
        }
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GET_MAP_REQUEST);
        match self {
            Self::User(user) => sink.leaf_text(element::USER_ID, user.as_str()),
            Self::Place(place) => place.write(sink),
        }
        sink.close();
    }
}

impl Part for GetMapResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        match element.part_of(element::MAP)? {
            Some(map) => Ok(Self::Map(map)),
            None => element.needed_text_of(element::URL).map(Self::Url),
        }
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GET_MAP_RESPONSE);
        match self {
            Self::Map(map) => map.write(sink),
            Self::Url(url) => sink.leaf_text(element::URL, url),
        }
        sink.close();
    }
}

impl Part for Map {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let data = element.child(element::CONTENT_DATA).ok_or(MalformedReason::Missing(element::CONTENT_DATA))?;
        let encoding = element.text_of(element::CONTENT_ENCODING);
        let is_base64 = encoding.is_none_or(|encoding| encoding.eq_ignore_ascii_case("BASE64"));
        let octets =
            data.content_octets(is_base64, None).map_err(|_| MalformedReason::BadValue(element::CONTENT_DATA))?;
        Ok(Self {
            content_type: element.text_of(element::CONTENT_TYPE).unwrap_or_default(),
            octets: Bytes::copy_from_slice(&octets),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::MAP);
        sink.leaf_text(element::CONTENT_TYPE, &self.content_type);
        sink.leaf_text(element::CONTENT_ENCODING, "BASE64");
        sink.leaf_text(element::CONTENT_DATA, &STANDARD.encode(&self.octets));
        sink.close();
    }
}
