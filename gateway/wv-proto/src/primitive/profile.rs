//! Public profiles (1.3): what a user tells everybody who searches.

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::primitive::identifier::UserId;
use crate::primitive::party::{self, Property};
use crate::schema::element;
use crate::status::StatusResult;
use serde::{Deserialize, Serialize};

/// GetPublicProfile-Request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetPublicProfileRequest {
    /// Of whom.
    pub users: Vec<UserId>,
}

/// GetPublicProfile-Response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetPublicProfileResponse {
    /// Result.
    pub result: StatusResult,
    /// The profiles.
    pub profiles: Vec<PublicProfile>,
}

/// UpdatePublicProfile-Request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdatePublicProfileRequest {
    /// ClearPublicProfile: whether everything said before is forgotten first.
    pub clear: bool,
    /// What is said now; a property without value is taken back.
    pub profile: Option<PublicProfile>,
}

/// PublicProfile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicProfile {
    /// Whose; an update may leave it out.
    pub user_id: Option<UserId>,
    /// The properties.
    pub properties: Vec<Property>,
}

impl Part for GetPublicProfileRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { users: party::read_users(element)?.into_iter().map(|user| user.user_id).collect() })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GET_PUBLIC_PROFILE_REQUEST);
        sink.each_text(element::USER_ID, self.users.iter().map(UserId::as_str));
        sink.close();
    }
}

impl Part for GetPublicProfileResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            result: element.needed_part_of(element::RESULT)?,
            profiles: element.parts_of(element::PUBLIC_PROFILE)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GET_PUBLIC_PROFILE_RESPONSE);
        self.result.write(sink);
        for profile in &self.profiles {
            profile.write(sink);
        }
        sink.close();
    }
}

impl Part for UpdatePublicProfileRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            clear: element.flag_of(element::CLEAR_PUBLIC_PROFILE)?.unwrap_or(false),
            profile: element.part_of(element::PUBLIC_PROFILE)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::UPDATE_PUBLIC_PROFILE_REQUEST);
        sink.leaf_boolean(element::CLEAR_PUBLIC_PROFILE, self.clear);
        if let Some(profile) = &self.profile {
            profile.write(sink);
        }
        sink.close();
    }
}

impl Part for PublicProfile {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            user_id: element.text_of(element::USER_ID).map(UserId::new),
            properties: Property::read_list(element),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::PUBLIC_PROFILE);
        sink.maybe_text(element::USER_ID, self.user_id.as_ref().map(UserId::as_str));
        for property in &self.properties {
            property.write(sink);
        }
        sink.close();
    }
}
