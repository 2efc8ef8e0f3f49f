//! Presence.

use crate::{
    codec::{sink::Sink, tree::Element},
    presence_attribute::AttributeNames,
    primitive::{identifier::UserId, party::User},
    ssp::{
        field::{Fault, Part},
        part::{MetaInfo, PresenceValue, read_attribute_names, read_user_ids, write_attribute_names, write_user_ids},
    },
    status::StatusResult,
};

/// SubscribeRequest: watch users. A newer one of the same watcher replaces it; it has no lifetime.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscribeRequest {
    /// On whose behalf.
    pub meta: MetaInfo,
    /// Whom.
    pub users: Vec<UserId>,
    /// What to see; none means everything.
    pub attributes: Option<AttributeNames>,
}

impl Part for SubscribeRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        Ok(Self {
            meta: MetaInfo::read_in(element)?,
            users: needed_users(element)?,
            attributes: read_attribute_names(element),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("SubscribeRequest");
        self.meta.write(sink);
        write_user_ids(&self.users, sink);
        write_attribute_names(self.attributes.as_ref(), sink);
        sink.close();
    }
}

fn needed_users(element: Element<'_, '_>) -> Result<Vec<UserId>, Fault> {
    read_user_ids(element).and_then(|users| if users.is_empty() { Err(Fault::Missing("UserID")) } else { Ok(users) })
}

/// UnsubscribeRequest: watch no more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnsubscribeRequest {
    /// On whose behalf.
    pub meta: MetaInfo,
    /// Whom.
    pub users: Vec<UserId>,
}

impl Part for UnsubscribeRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        Ok(Self { meta: MetaInfo::read_in(element)?, users: needed_users(element)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("UnsubscribeRequest");
        self.meta.write(sink);
        write_user_ids(&self.users, sink);
        sink.close();
    }
}

/// PresenceNotification: what watchers are told. Without values nothing is authorised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresenceNotification {
    /// The watchers.
    pub watchers: Vec<User>,
    /// What is told.
    pub values: Vec<PresenceValue>,
}

impl Part for PresenceNotification {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        let values = element.inner_parts("PresenceValue")?;
        Ok(Self { watchers: element.inner_parts("User")?, values })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("PresenceNotification");
        sink.parts(&self.watchers);
        sink.parts(&self.values);
        sink.close();
    }
}

/// GetPresenceRequest: see users once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GetPresenceRequest {
    /// On whose behalf.
    pub meta: MetaInfo,
    /// Whom.
    pub users: Vec<UserId>,
    /// What to see; none means everything.
    pub attributes: Option<AttributeNames>,
}

impl Part for GetPresenceRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        let mut users: Vec<UserId> = element.inners("VerUserID").map(Element::user_id).collect::<Result<_, _>>()?;
        users.extend(read_user_ids(element)?);
        if users.is_empty() {
            return Err(Fault::Missing("VerUserID"));
        }
        Ok(Self { meta: MetaInfo::read_in(element)?, users, attributes: read_attribute_names(element) })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("GetPresenceRequest");
        self.meta.write(sink);
        for user in &self.users {
            sink.user_element("VerUserID", user);
        }
        write_attribute_names(self.attributes.as_ref(), sink);
        sink.close();
    }
}

/// GetPresenceResponse. The known server leaves the Status out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GetPresenceResponse {
    /// How it went.
    pub status: Option<StatusResult>,
    /// What may be seen.
    pub values: Vec<PresenceValue>,
}

impl Part for GetPresenceResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        Ok(Self { status: element.inner_part("Status")?, values: element.inner_parts("PresenceValue")? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("GetPresenceResponse");
        sink.parts(&self.status);
        sink.parts(&self.values);
        sink.close();
    }
}
