//! What the server says about itself, about identifiers, and in words that vendors agree on.

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::primitive::identifier::{ClientId, ContactListId, GroupId, UserId};
use crate::primitive::party::{self, ScreenName};
use crate::schema::element;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// GetSPInfo-Request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetSpInfoRequest {
    /// ClientID.
    pub client_id: Option<ClientId>,
}

/// GetSPInfo-Response.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetSpInfoResponse {
    /// ClientID of the request.
    pub client_id: Option<ClientId>,
    /// Name of the provider.
    pub name: Box<str>,
    /// Logo.
    pub logo: Option<Logo>,
    /// Description.
    pub description: Option<Box<str>>,
    /// URL.
    pub url: Option<Box<str>>,
}

/// Logo of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logo {
    /// ContentType.
    pub content_type: Box<str>,
    /// The octets; in messages always in BASE64.
    pub octets: Bytes,
}

/// VerifyID-Request (1.2, 1.3): do these exist?
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyIdRequest {
    /// UserID.
    pub users: Vec<UserId>,
    /// ContactList.
    pub contact_lists: Vec<ContactListId>,
    /// GroupID.
    pub groups: Vec<GroupId>,
    /// ScreenName.
    pub screen_names: Vec<ScreenName>,
    /// Domain.
    pub domains: Vec<Box<str>>,
}

impl Part for GetSpInfoRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { client_id: element.part_of(element::CLIENT_ID)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GET_SP_INFO_REQUEST);
        ClientId::write_option(self.client_id.as_ref(), sink);
        sink.close();
    }
}

impl Part for GetSpInfoResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            client_id: element.part_of(element::CLIENT_ID)?,
            name: element.present_text_of(element::NAME).ok_or(MalformedReason::Missing(element::NAME))?,
            logo: element.part_of(element::LOGO)?,
            description: element.present_text_of(element::DESCRIPTION),
            url: element.present_text_of(element::URL),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GET_SP_INFO_RESPONSE);
        ClientId::write_option(self.client_id.as_ref(), sink);
        sink.leaf_text(element::NAME, &self.name);
        if let Some(logo) = &self.logo {
            logo.write(sink);
        }
        sink.maybe_text(element::DESCRIPTION, self.description.as_deref());
        sink.maybe_text(element::URL, self.url.as_deref());
        sink.close();
    }
}

impl Part for Logo {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let data = element.child(element::CONTENT_DATA).ok_or(MalformedReason::Missing(element::CONTENT_DATA))?;
        let encoding = element.text_of(element::CONTENT_ENCODING);
        let is_base64 = encoding.is_none_or(|encoding| encoding.eq_ignore_ascii_case("BASE64"));
        let size = element.integer_of(element::CONTENT_SIZE)?;
        let octets =
            data.content_octets(is_base64, size).map_err(|_| MalformedReason::BadValue(element::CONTENT_DATA))?;
        Ok(Self {
            content_type: element.text_of(element::CONTENT_TYPE).unwrap_or_default(),
            octets: Bytes::copy_from_slice(&octets),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        use base64::Engine as _;
        sink.open(element::LOGO);
        sink.leaf_text(element::CONTENT_TYPE, &self.content_type);
        sink.maybe_integer(element::CONTENT_SIZE, u32::try_from(self.octets.len()).ok());
        sink.leaf_text(element::CONTENT_ENCODING, "BASE64");
        let text = base64::engine::general_purpose::STANDARD.encode(&self.octets);
        sink.leaf_text(element::CONTENT_DATA, &text);
        sink.close();
    }
}

impl Part for VerifyIdRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let list = element.child(element::ID_LIST).unwrap_or(element);
        Ok(Self {
            users: party::read_users(list)?.into_iter().map(|user| user.user_id).collect(),
            contact_lists: party::read_contact_lists(list),
            groups: list.texts_of(element::GROUP_ID).map(GroupId::new).collect(),
            screen_names: list.parts_of(element::SCREEN_NAME)?,
            domains: list.texts_of(element::DOMAIN).collect(),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::VERIFY_ID_REQUEST);
        sink.open(element::ID_LIST);
        sink.each_text(element::USER_ID, self.users.iter().map(UserId::as_str));
        sink.each_text(element::CONTACT_LIST, self.contact_lists.iter().map(ContactListId::as_str));
        sink.each_text(element::GROUP_ID, self.groups.iter().map(GroupId::as_str));
        for screen_name in &self.screen_names {
            screen_name.write(sink);
        }
        sink.each_text(element::DOMAIN, self.domains.iter().map(AsRef::as_ref));
        sink.close();
        sink.close();
    }
}
