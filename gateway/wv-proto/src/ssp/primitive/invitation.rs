//! Invitations.

use crate::{
    codec::{sink::Sink, tree::Element},
    presence_attribute::AttributeNames,
    primitive::{identifier::GroupId, party::ScreenName},
    ssp::{
        field::{Fault, Part},
        part::{MetaInfo, Party, read_attribute_names, write_attribute_names, write_group},
    },
    status::StatusResult,
};
use std::time::Duration;

/// InviteRequest: one invited party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteRequest {
    /// On whose behalf.
    pub meta: MetaInfo,
    /// The inviter's name for it.
    pub invite_id: Box<str>,
    /// To what, in the words of CSP.
    pub invite_type: Box<str>,
    /// How long it holds.
    pub validity: Option<Duration>,
    /// Who invites.
    pub inviting: Party,
    /// Who is invited.
    pub invited: Party,
    /// To which group, application, presence or content, and what is said with it.
    pub body: InviteBody,
    /// InviteNote.
    pub note: Option<Box<str>>,
}

/// What InviteRequest and CancelInviteRequest say of the matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InviteBody {
    /// GroupID.
    pub group_id: Option<GroupId>,
    /// ApplicationID.
    pub application_id: Option<Box<str>>,
    /// AttributeList.
    pub attributes: Option<AttributeNames>,
    /// ContentIDList.
    pub links: Vec<Box<str>>,
    /// ScreenName of the one who invites.
    pub screen_name: Option<ScreenName>,
}

impl InviteBody {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        let links = element.inner("ContentIDList").into_iter().flat_map(|list| list.inners("ContentID"));
        let application = element.inner("ApplicationID");
        Ok(Self {
            group_id: element.inner("GroupID").map(Element::group_id).transpose()?,
            application_id: application.and_then(|inner| inner.value("applicationID")).map(Into::into),
            attributes: read_attribute_names(element),
            links: links.filter_map(|link| link.value("url")).map(Into::into).collect(),
            screen_name: element.inner_part("ScreenName")?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        if let Some(group) = &self.group_id {
            write_group(group, sink);
        }
        if let Some(application) = &self.application_id {
            sink.start("ApplicationID");
            sink.attribute("applicationID", application);
            sink.close();
        }
        write_attribute_names(self.attributes.as_ref(), sink);
        if !self.links.is_empty() {
            sink.start("ContentIDList");
            for link in &self.links {
                sink.start("ContentID");
                sink.attribute("url", link);
                sink.close();
            }
            sink.close();
        }
    }
}

impl Part for InviteRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        Ok(Self {
            meta: MetaInfo::read_in(element)?,
            invite_id: element.needed_value("inviteID")?.into(),
            invite_type: element.needed_value("inviteType")?.into(),
            validity: element.seconds("validity")?,
            inviting: Party::read_in(element, "Inviting")?,
            invited: Party::read_in(element, "Invited")?,
            body: InviteBody::read(element)?,
            note: element.inner_text("InviteNote"),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("InviteRequest");
        sink.attribute("inviteID", &self.invite_id);
        sink.attribute("inviteType", &self.invite_type);
        sink.seconds_attribute("validity", self.validity);
        self.meta.write(sink);
        self.inviting.write_in("Inviting", sink);
        self.invited.write_in("Invited", sink);
        self.body.write(sink);
        sink.text_element("InviteNote", self.note.as_deref());
        sink.parts(&self.body.screen_name);
        sink.close();
    }
}

/// InviteResponse: the word of the invited party. A request of its own, which nobody answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteResponse {
    /// On whose behalf.
    pub meta: MetaInfo,
    /// The inviter's name for the invitation.
    pub invite_id: Box<str>,
    /// Yes or no.
    pub acceptance: bool,
    /// 200 with a yes, 404 with a no.
    pub status: Option<StatusResult>,
    /// Who invited.
    pub inviting: Party,
    /// Who answers.
    pub responding: Party,
    /// ResponseNote.
    pub note: Option<Box<str>>,
    /// ScreenName of the one who answers.
    pub screen_name: Option<ScreenName>,
}

impl Part for InviteResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        let status: Option<StatusResult> = element.inner_part("Status")?;
        let acceptance = element.yes_or_no("acceptance")?;
        let implied = status.as_ref().is_some_and(|status| status.code.is_success());
        Ok(Self {
            meta: MetaInfo::read_in(element)?,
            invite_id: element.needed_value("inviteID")?.into(),
            acceptance: acceptance.unwrap_or(implied),
            status,
            inviting: Party::read_in(element, "Inviting")?,
            responding: Party::read_in(element, "Responding")?,
            note: element.inner_text("ResponseNote"),
            screen_name: element.inner_part("ScreenName")?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("InviteResponse");
        sink.attribute("inviteID", &self.invite_id);
        sink.yes_or_no_attribute("acceptance", Some(self.acceptance));
        self.meta.write(sink);
        sink.parts(&self.status);
        self.inviting.write_in("Inviting", sink);
        self.responding.write_in("Responding", sink);
        sink.text_element("ResponseNote", self.note.as_deref());
        sink.parts(&self.screen_name);
        sink.close();
    }
}

/// CancelInviteRequest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelInviteRequest {
    /// On whose behalf.
    pub meta: MetaInfo,
    /// The inviter's name for the invitation.
    pub invite_id: Box<str>,
    /// Who takes it back.
    pub canceling: Party,
    /// From whom.
    pub canceled: Party,
    /// What the invitation was about.
    pub body: InviteBody,
    /// CancelNote.
    pub note: Option<Box<str>>,
}

impl Part for CancelInviteRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        Ok(Self {
            meta: MetaInfo::read_in(element)?,
            invite_id: element.needed_value("inviteID")?.into(),
            canceling: Party::read_in(element, "Canceling")?,
            canceled: Party::read_in(element, "Canceled")?,
            body: InviteBody::read(element)?,
            note: element.inner_text("CancelNote"),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("CancelInviteRequest");
        sink.attribute("inviteID", &self.invite_id);
        self.meta.write(sink);
        self.canceling.write_in("Canceling", sink);
        self.canceled.write_in("Canceled", sink);
        self.body.write(sink);
        sink.text_element("CancelNote", self.note.as_deref());
        sink.parts(&self.body.screen_name);
        sink.close();
    }
}
