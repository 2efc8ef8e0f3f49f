//! From text to primitives.

use super::PtsError;
use super::capability::{number, read_agreed, read_functions, read_list};
use super::message::{Code, Preamble, PtsMessage};
use super::presence::{read_flag, read_names, read_presences, read_sub_list};
use super::value::{Param, PtsValue};
use crate::primitive::access::{
    DigestSchema, Disconnect, KeepAliveRequest, KeepAliveResponse, LoginRequest, LoginResponse, Status,
};
use crate::primitive::attribute_list::{AttributeListTargets, CreateAttributeListRequest};
use crate::primitive::contact_list::{
    CreateListRequest, DeleteListRequest, GetListResponse, ListChange, ListManageRequest, ListManageResponse,
};
use crate::primitive::identifier::{
    ClientId, ContactListId, DigestBytes, Nonce, Password, SessionCookie, SessionId, TransactionId, UserId,
};
use crate::primitive::party::{NickName, Property, User};
use crate::primitive::presence::{
    GetPresenceRequest, GetPresenceResponse, PresenceNotificationRequest, SubscribePresenceRequest,
    UpdatePresenceRequest,
};
use crate::primitive::service::{
    CapabilityAnswer, ClientCapabilityRequest, ClientCapabilityResponse, ServiceRequest, ServiceResponse,
};
use crate::primitive::{Envelope, Primitive, PrimitiveName, SessionDescriptor, Transaction};
use crate::schema::element;
use crate::status::{StatusCode, StatusResult};
use crate::version::Version;
use std::time::Duration;

/// A message that is answered without being understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The session that it names.
    pub session: SessionDescriptor,
    /// Its transaction.
    pub transaction: u16,
    /// With which code.
    pub code: StatusCode,
}

/// What a message says.
///
/// # Errors
/// When its code is not known, or a parameter cannot be what it is meant to be.
// WV-PTS-04
pub fn read_envelope(message: &PtsMessage) -> Result<Envelope, Refusal> {
    let session = match message.text(b"SI") {
        // The answer to a login names the session that begins.
        Some(session) if message.code.letters() != *b"RL" => SessionDescriptor::Inband(SessionId::new(session)),
        Some(_) | None => SessionDescriptor::Outband,
    };
    let refuse = |code| Refusal { session: session.clone(), transaction: message.transaction, code };
    let read = Reading(message).read().map_err(|_| refuse(StatusCode::BAD_PARAMETER))?;
    let (primitive, is_request) = read.ok_or_else(|| refuse(StatusCode::NOT_IMPLEMENTED))?;
    // A poll without an id has the id 0.
    let is_bare = primitive == Primitive::PollingRequest && message.transaction == 0;
    let id = (!is_bare).then(|| TransactionId::new(message.transaction.to_string()));
    let transaction =
        if is_request { Transaction::request(id, primitive) } else { Transaction::response(id, primitive) };
    Ok(Envelope::new(session, transaction))
}

/// The answer to a message that cannot be read, when at least its beginning can.
// WV-PTS-04
#[must_use]
pub fn refuse_unreadable(octets: &[u8], error: PtsError) -> Option<PtsMessage> {
    let head = octets.split(|octet| matches!(octet, b' ' | b'\r' | b'\n')).next()?;
    let preamble = Preamble::read(std::str::from_utf8(head).ok()?);
    let (version, transaction, code) = match (preamble, error) {
        (Ok(preamble), _) => (preamble.version, preamble.transaction, StatusCode::BAD_REQUEST),
        (Err(PtsError::UnsupportedVersion), _) => (Version::V1_2, 0, StatusCode::VERSION_NOT_SUPPORTED),
        (Err(_), _) => return None,
    };
    Some(refuse(SessionDescriptor::Outband, transaction, code, version))
}

/// A Status with this code.
fn refuse(session: SessionDescriptor, transaction: u16, code: StatusCode, version: Version) -> PtsMessage {
    let mut params = Vec::new();
    if let SessionDescriptor::Inband(session) = session {
        params.push(Param { name: *b"SI", value: Some(PtsValue::text(session.as_str())) });
    }
    params.push(Param { name: *b"ST", value: Some(PtsValue::text(code.number().to_string())) });
    PtsMessage { version, code: Code::new(*b"ST"), transaction, params }
}

impl Refusal {
    /// The answer.
    #[must_use]
    pub fn to_message(&self, version: Version) -> PtsMessage {
        refuse(self.session.clone(), self.transaction, self.code, version)
    }
}

struct Reading<'a>(&'a PtsMessage);

impl Reading<'_> {
    /// The primitive, and whether it begins a transaction.
    fn read(&self) -> Result<Option<(Primitive, bool)>, PtsError> {
        let request = match &self.0.code.letters() {
            b"LR" => Some(self.login_request()?),
            b"CP" => Some(self.capability_request()?),
            b"SQ" => Some(self.service_request()),
            b"OR" => Some(Primitive::LogoutRequest),
            b"PO" => Some(Primitive::PollingRequest),
            b"KA" => Some(Primitive::KeepAliveRequest(KeepAliveRequest { time_to_live: self.seconds(b"TL")? })),
            b"GL" => Some(Primitive::GetListRequest),
            b"CL" => Some(self.create_list()?),
            b"DL" => Some(Primitive::DeleteListRequest(DeleteListRequest { contact_list: self.list()? })),
            b"LM" => Some(self.manage_list()?),
            b"GP" => Some(self.get_presence()?),
            b"SB" => Some(self.subscribe_presence()?),
            b"UP" => Some(Primitive::UpdatePresenceRequest(UpdatePresenceRequest {
                attributes: read_sub_list(self.0.find(b"UV").ok_or(PtsError::BadParameter)?)?,
            })),
            b"CA" => Some(self.create_attribute_list()?),
            // The primitive is known, the parameters of its answer are not.
            b"GB" => Some(Primitive::Other(PrimitiveName::Known(element::GET_BLOCKED_LIST_REQUEST))),
            b"PN" => Some(Primitive::PresenceNotificationRequest(PresenceNotificationRequest {
                presences: self.0.find(b"PR").map(read_presences).transpose()?.unwrap_or_default(),
            })),
            b"DI" => Some(Primitive::Disconnect(Disconnect { result: self.result()? })),
            _ => None,
        };
        if let Some(request) = request {
            return Ok(Some((request, true)));
        }
        Ok(self.response()?.map(|response| (response, false)))
    }

    fn response(&self) -> Result<Option<Primitive>, PtsError> {
        Ok(Some(match &self.0.code.letters() {
            b"ST" => Primitive::Status(Status::from(self.result()?)),
            b"RL" => self.login_response()?,
            b"PC" => {
                let agreed = self.0.find(b"AP").or_else(|| self.0.find(b"CA")).map(read_agreed).transpose()?;
                let capabilities = CapabilityAnswer::Agreed(agreed.unwrap_or_default());
                Primitive::ClientCapabilityResponse(Box::new(ClientCapabilityResponse {
                    client_id: None,
                    capabilities,
                }))
            }
            b"QS" => Primitive::ServiceResponse(ServiceResponse {
                client_id: None,
                refused: self.0.find(b"NF").map(|value| read_functions(value, self.0.version)),
                all_functions: self.0.find(b"AF").map(|value| read_functions(value, self.0.version)),
            }),
            b"AK" => Primitive::KeepAliveResponse(KeepAliveResponse {
                result: self.result()?,
                keep_alive_time: self.seconds(b"KA")?,
            }),
            b"LG" => Primitive::GetListResponse(GetListResponse {
                contact_lists: self.texts(b"CL").map(ContactListId::new).collect(),
                default_contact_list: self.0.text(b"DC").map(ContactListId::new),
            }),
            b"ML" => Primitive::ListManageResponse(ListManageResponse {
                result: self.result()?,
                contacts: self.0.find(b"UN").map(read_nick_names).transpose()?,
                properties: self.0.find(b"CP").map(read_properties),
            }),
            b"PG" => Primitive::GetPresenceResponse(GetPresenceResponse {
                result: self.result()?,
                presences: self.0.find(b"PR").map(read_presences).transpose()?.unwrap_or_default(),
            }),
            _ => return Ok(None),
        }))
    }

    fn login_request(&self) -> Result<Primitive, PtsError> {
        let user = self.texts(b"UI").next().ok_or(PtsError::BadParameter)?;
        Ok(Primitive::LoginRequest(Box::new(LoginRequest {
            user_id: UserId::new(user),
            client_id: self.client_id(),
            application_id: None,
            password: self.0.text(b"PW").map(Password::new),
            digest_bytes: self.0.text(b"DB").map(DigestBytes::new),
            digest_schemas: self.texts(b"SH").map(DigestSchema::parse).collect(),
            session_id: None,
            time_to_live: self.seconds(b"TL")?,
            session_cookie: self.0.text(b"SC").map(SessionCookie::new),
            answers: Vec::new(),
            functions: None,
            capabilities: None,
        })))
    }

    fn login_response(&self) -> Result<Primitive, PtsError> {
        let mut response = LoginResponse::new(self.client_id(), self.result()?);
        response.nonce = self.0.text(b"NO").map(Nonce::new);
        response.digest_schema = self.0.text(b"DI").or_else(|| self.0.text(b"SH")).map(DigestSchema::parse);
        response.session_id = self.0.text(b"SI").map(SessionId::new);
        response.keep_alive_time = self.seconds(b"KA")?;
        response.capability_request = self.flag(b"CR");
        Ok(Primitive::LoginResponse(Box::new(response)))
    }

    fn capability_request(&self) -> Result<Primitive, PtsError> {
        let capabilities = self.0.find(b"CA").map(read_list).transpose()?.unwrap_or_default();
        let request = ClientCapabilityRequest { client_id: self.client_id(), capabilities };
        Ok(Primitive::ClientCapabilityRequest(Box::new(request)))
    }

    fn service_request(&self) -> Primitive {
        Primitive::ServiceRequest(ServiceRequest {
            client_id: self.client_id(),
            functions: self.0.find(b"RF").map(|value| read_functions(value, self.0.version)),
            all_functions_request: self.flag(b"AR").unwrap_or(false),
        })
    }

    fn create_list(&self) -> Result<Primitive, PtsError> {
        let mut properties = self.0.find(b"CP").map(read_properties).unwrap_or_default();
        if self.flag(b"DL") == Some(true) {
            properties.push(Property::new(Property::DEFAULT, "T"));
        }
        Ok(Primitive::CreateListRequest(CreateListRequest {
            contact_list: self.list()?,
            contacts: self.0.find(b"UN").map(read_nick_names).transpose()?.unwrap_or_default(),
            properties,
        }))
    }

    fn manage_list(&self) -> Result<Primitive, PtsError> {
        let change = if let Some(value) = self.0.find(b"AN") {
            Some(ListChange::Add(read_nick_names(value)?))
        } else if let Some(value) = self.0.find(b"RN") {
            // As the added ones, with names, or users alone.
            let users = read_nick_names(value)?.into_iter().map(|nick| nick.user_id);
            Some(ListChange::Remove(users.collect()))
        } else {
            self.0.find(b"CP").map(|value| ListChange::Properties(read_properties(value)))
        };
        Ok(Primitive::ListManageRequest(ListManageRequest {
            contact_list: self.list()?,
            change,
            receive_list: self.flag(b"RL"),
            authorize_and_grant: None,
        }))
    }

    fn get_presence(&self) -> Result<Primitive, PtsError> {
        Ok(Primitive::GetPresenceRequest(GetPresenceRequest {
            users: self.users(),
            contact_lists: self.texts(b"CL").map(ContactListId::new).collect(),
            attributes: self.0.find(b"PS").map(read_names).transpose()?,
        }))
    }

    fn subscribe_presence(&self) -> Result<Primitive, PtsError> {
        Ok(Primitive::SubscribePresenceRequest(SubscribePresenceRequest {
            users: self.users(),
            contact_lists: self.texts(b"CL").map(ContactListId::new).collect(),
            attributes: self.0.find(b"PS").map(read_names).transpose()?,
            auto_subscribe: self.flag(b"AS"),
        }))
    }

    // WV-PTS-07
    fn create_attribute_list(&self) -> Result<Primitive, PtsError> {
        Ok(Primitive::CreateAttributeListRequest(Box::new(CreateAttributeListRequest {
            attributes: self.0.find(b"PS").map(read_names).transpose()?.unwrap_or_default(),
            targets: AttributeListTargets {
                users: self.texts(b"UI").map(UserId::new).collect(),
                contact_lists: self.texts(b"CL").map(ContactListId::new).collect(),
                default_list: self.flag(b"DL").unwrap_or(false),
            },
            ..CreateAttributeListRequest::default()
        })))
    }

    fn users(&self) -> Vec<User> {
        self.texts(b"UI").map(|user| User::from(UserId::new(user))).collect()
    }

    fn list(&self) -> Result<ContactListId, PtsError> {
        self.texts(b"CL").next().map(ContactListId::new).ok_or(PtsError::BadParameter)
    }

    fn client_id(&self) -> Option<ClientId> {
        self.0.text(b"CI").map(ClientId::from_url)
    }

    fn texts(&self, name: &[u8; 2]) -> impl Iterator<Item = &str> {
        self.0.find(name).into_iter().flat_map(PtsValue::texts)
    }

    fn flag(&self, name: &[u8; 2]) -> Option<bool> {
        read_flag(self.0.find(name)?)
    }

    fn seconds(&self, name: &[u8; 2]) -> Result<Option<Duration>, PtsError> {
        let seconds = self.0.text(name).map(number).transpose()?;
        Ok(seconds.map(|seconds| Duration::from_secs(u64::from(seconds))))
    }

    /// `code` or `(code,description)`.
    fn result(&self) -> Result<StatusResult, PtsError> {
        let value = self.0.find(b"ST").ok_or(PtsError::BadParameter)?;
        let mut texts = value.elements().iter().filter_map(PtsValue::as_text);
        let code = texts.next().and_then(|text| text.parse().ok()).and_then(StatusCode::new);
        let mut result = StatusResult::new(code.ok_or(PtsError::BadParameter)?);
        result.description = texts.next().filter(|text| !text.is_empty()).map(Box::from);
        Ok(result)
    }
}

/// `((nickname,userid),…)`; a nickname may be empty, and one contact may stand without the list around it.
fn read_nick_names(value: &PtsValue) -> Result<Vec<NickName>, PtsError> {
    let is_single = matches!(value.elements(), [PtsValue::Simple(_), PtsValue::Simple(_)]);
    let contacts = if is_single { std::slice::from_ref(value) } else { value.elements() };
    let read = |contact: &PtsValue| match contact.elements() {
        [PtsValue::Simple(user)] => Ok(NickName { name: None, user_id: UserId::new(user.as_str()) }),
        [PtsValue::Simple(name), PtsValue::Simple(user)] => {
            Ok(NickName { name: (!name.is_empty()).then(|| name.as_str().into()), user_id: UserId::new(user.as_str()) })
        }
        _ => Err(PtsError::BadParameter),
    };
    contacts.iter().filter(|contact| contact.as_text() != Some("")).map(read).collect()
}

/// `((DN,text),(DE,T))`; other names are passed on as they are.
fn read_properties(value: &PtsValue) -> Vec<Property> {
    let is_single = matches!(value.elements(), [PtsValue::Simple(_), PtsValue::Simple(_)]);
    let pairs = if is_single { std::slice::from_ref(value) } else { value.elements() };
    let read = |pair: &PtsValue| match pair.elements() {
        [PtsValue::Simple(name), PtsValue::Simple(text)] => {
            let name = match name.to_ascii_uppercase().as_str() {
                "DN" => Property::DISPLAY_NAME,
                "DE" => Property::DEFAULT,
                _ => name.as_str(),
            };
            Some(Property::new(name, text))
        }
        _ => None,
    };
    pairs.iter().filter_map(read).collect()
}
