//! From primitives to text.

use super::PtsError;
use super::capability::{write_agreed, write_list, write_some, write_whole};
use super::message::{Code, PtsMessage, TRANSACTION_MAX};
use super::presence::{write_names, write_presences, write_sub_list};
use super::value::{Param, PtsValue};
use crate::primitive::access::{LoginRequest, LoginResponse};
use crate::primitive::contact_list::{ListChange, ListManageRequest, ListManageResponse};
use crate::primitive::identifier::ClientId;
use crate::primitive::party::{NickName, Property, User};
use crate::primitive::service::{CapabilityAnswer, ServiceRequest, ServiceResponse};
use crate::primitive::{Envelope, Primitive, SessionDescriptor};
use crate::status::StatusResult;
use crate::version::Version;
use std::time::Duration;

/// The message that says this. The TransactionID is a number below 1000, or none for a poll.
///
/// # Errors
/// When there is not exactly one transaction, or it has no code or no number in this syntax.
pub fn write_envelope(envelope: &Envelope, version: Version) -> Result<PtsMessage, PtsError> {
    let [transaction] = envelope.transactions.as_slice() else { return Err(PtsError::NoSuchCode) };
    let primitive = transaction.content.as_ref().map_err(|_| PtsError::NoSuchCode)?;
    let mut writing = Writing { version, params: Vec::new() };
    if let SessionDescriptor::Inband(session) = &envelope.session {
        writing.text(b"SI", Some(session.as_str()));
    }
    let code = writing.write(primitive)?;
    let transaction = match (&transaction.id, primitive) {
        (Some(id), _) => id.as_str().parse().ok().filter(|number| *number <= TRANSACTION_MAX),
        (None, Primitive::PollingRequest | Primitive::Status(_)) => Some(0),
        (None, _) => None,
    };
    let transaction = transaction.ok_or(PtsError::NoNumber)?;
    Ok(PtsMessage { version, code: Code::new(code), transaction, params: writing.params })
}

struct Writing {
    version: Version,
    params: Vec<Param>,
}

impl Writing {
    fn write(&mut self, primitive: &Primitive) -> Result<[u8; 2], PtsError> {
        Ok(match primitive {
            Primitive::LoginRequest(request) => self.login_request(request),
            Primitive::LoginResponse(response) => self.login_response(response),
            Primitive::ClientCapabilityRequest(request) => {
                self.client(request.client_id.as_ref());
                self.value(b"CA", write_list(&request.capabilities));
                *b"CP"
            }
            Primitive::ClientCapabilityResponse(response) => {
                let agreed = match &response.capabilities {
                    CapabilityAnswer::Agreed(agreed) => write_agreed(agreed),
                    CapabilityAnswer::Repeated(list) => write_agreed(&list.to_agreed()),
                };
                self.value(b"AP", agreed);
                *b"PC"
            }
            Primitive::ServiceRequest(request) => self.service_request(request),
            Primitive::ServiceResponse(response) => self.service_response(response),
            Primitive::LogoutRequest => *b"OR",
            Primitive::Disconnect(disconnect) => {
                self.result(&disconnect.result);
                *b"DI"
            }
            Primitive::PollingRequest => *b"PO",
            Primitive::Status(status) => {
                self.result(&status.result);
                *b"ST"
            }
            Primitive::KeepAliveRequest(request) => {
                self.seconds(b"TL", request.time_to_live);
                *b"KA"
            }
            Primitive::KeepAliveResponse(response) => {
                self.result(&response.result);
                self.seconds(b"KA", response.keep_alive_time);
                *b"AK"
            }
            other => return self.write_lists_and_presence(other),
        })
    }

    fn write_lists_and_presence(&mut self, primitive: &Primitive) -> Result<[u8; 2], PtsError> {
        Ok(match primitive {
            Primitive::GetListRequest => *b"GL",
            Primitive::GetListResponse(response) => {
                self.list(b"CL", response.contact_lists.iter().map(|list| list.as_str()));
                self.text(b"DC", response.default_contact_list.as_ref().map(|list| list.as_str()));
                *b"LG"
            }
            Primitive::CreateListRequest(request) => {
                self.text(b"CL", Some(request.contact_list.as_str()));
                self.nick_names(b"UN", &request.contacts);
                self.properties(&request.properties);
                *b"CL"
            }
            Primitive::DeleteListRequest(request) => {
                self.text(b"CL", Some(request.contact_list.as_str()));
                *b"DL"
            }
            Primitive::ListManageRequest(request) => self.manage_list(request),
            Primitive::ListManageResponse(response) => self.managed_list(response),
            Primitive::GetPresenceRequest(request) => {
                self.users(&request.users);
                self.list(b"CL", request.contact_lists.iter().map(|list| list.as_str()));
                self.maybe(b"PS", request.attributes.as_ref().map(write_names));
                *b"GP"
            }
            Primitive::GetPresenceResponse(response) => {
                self.result(&response.result);
                self.presences(&response.presences);
                *b"PG"
            }
            Primitive::SubscribePresenceRequest(request) => {
                self.maybe(b"PS", request.attributes.as_ref().map(write_names));
                self.maybe(b"AS", request.auto_subscribe.map(PtsValue::flag));
                self.users(&request.users);
                self.list(b"CL", request.contact_lists.iter().map(|list| list.as_str()));
                *b"SB"
            }
            Primitive::PresenceNotificationRequest(request) => {
                self.presences(&request.presences);
                *b"PN"
            }
            // WV-PTS-07
            Primitive::CreateAttributeListRequest(request) => {
                self.value(b"PS", write_names(&request.attributes));
                self.list(b"UI", request.targets.users.iter().map(|user| user.as_str()));
                self.list(b"CL", request.targets.contact_lists.iter().map(|list| list.as_str()));
                self.value(b"DL", PtsValue::flag(request.targets.default_list));
                *b"CA"
            }
            Primitive::UpdatePresenceRequest(request) => {
                self.value(b"UV", write_sub_list(&request.attributes));
                *b"UP"
            }
            // WV-PTS-04
            _ => return Err(PtsError::NoSuchCode),
        })
    }

    fn login_request(&mut self, request: &LoginRequest) -> [u8; 2] {
        self.text(b"UI", Some(request.user_id.as_str()));
        self.client(request.client_id.as_ref());
        self.text(b"PW", request.password.as_ref().map(|password| password.expose()));
        self.text(b"DB", request.digest_bytes.as_ref().map(|digest| digest.expose()));
        self.list(b"SH", request.digest_schemas.iter().map(|schema| schema.as_str()));
        self.seconds(b"TL", request.time_to_live);
        self.text(b"SC", request.session_cookie.as_ref().map(|cookie| cookie.as_str()));
        *b"LR"
    }

    fn login_response(&mut self, response: &LoginResponse) -> [u8; 2] {
        self.client(response.client_id.as_ref());
        self.result(&response.result);
        self.text(b"NO", response.nonce.as_ref().map(|nonce| nonce.expose()));
        self.text(b"DI", response.digest_schema.as_ref().map(|schema| schema.as_str()));
        // A login inside a session that is lost names it already.
        self.params.retain(|param| param.name != *b"SI");
        self.text(b"SI", response.session_id.as_ref().map(|session| session.as_str()));
        self.seconds(b"KA", response.keep_alive_time);
        self.maybe(b"CR", response.capability_request.map(PtsValue::flag));
        *b"RL"
    }

    fn service_request(&mut self, request: &ServiceRequest) -> [u8; 2] {
        self.client(request.client_id.as_ref());
        self.maybe(b"RF", request.functions.map(write_some));
        self.value(b"AR", PtsValue::flag(request.all_functions_request));
        *b"SQ"
    }

    fn service_response(&mut self, response: &ServiceResponse) -> [u8; 2] {
        let refused = response.refused.map(|refused| write_whole(refused, self.version));
        self.maybe(b"NF", refused.filter(|value| *value != PtsValue::List(Vec::new())));
        self.maybe(b"AF", response.all_functions.map(write_some));
        *b"QS"
    }

    fn manage_list(&mut self, request: &ListManageRequest) -> [u8; 2] {
        self.text(b"CL", Some(request.contact_list.as_str()));
        match &request.change {
            Some(ListChange::Add(contacts)) => self.nick_names(b"AN", contacts),
            Some(ListChange::Remove(users)) => {
                let contacts: Vec<NickName> =
                    users.iter().map(|user_id| NickName { name: None, user_id: user_id.clone() }).collect();
                self.nick_names(b"RN", &contacts);
            }
            Some(ListChange::Properties(properties)) => self.properties(properties),
            None => {}
        }
        self.maybe(b"RL", request.receive_list.map(PtsValue::flag));
        *b"LM"
    }

    fn managed_list(&mut self, response: &ListManageResponse) -> [u8; 2] {
        self.result(&response.result);
        if let Some(contacts) = &response.contacts {
            self.nick_names(b"UN", contacts);
        }
        self.properties(response.properties.as_deref().unwrap_or_default());
        *b"ML"
    }

    fn value(&mut self, name: &[u8; 2], value: PtsValue) {
        self.params.push(Param { name: *name, value: Some(value) });
    }

    fn maybe(&mut self, name: &[u8; 2], value: Option<PtsValue>) {
        if let Some(value) = value {
            self.value(name, value);
        }
    }

    fn text(&mut self, name: &[u8; 2], text: Option<&str>) {
        self.maybe(name, text.map(PtsValue::text));
    }

    fn seconds(&mut self, name: &[u8; 2], seconds: Option<Duration>) {
        self.maybe(name, seconds.map(|seconds| PtsValue::text(seconds.as_secs().to_string())));
    }

    /// A single text goes without the list around it.
    fn list<'a>(&mut self, name: &[u8; 2], texts: impl Iterator<Item = &'a str>) {
        let mut texts: Vec<PtsValue> = texts.map(PtsValue::text).collect();
        match texts.len() {
            0 => {}
            1 => self.maybe(name, texts.pop()),
            _ => self.value(name, PtsValue::List(texts)),
        }
    }

    fn users(&mut self, users: &[User]) {
        self.list(b"UI", users.iter().map(|user| user.user_id.as_str()));
    }

    fn client(&mut self, client_id: Option<&ClientId>) {
        self.text(b"CI", client_id.map(ClientId::as_str).filter(|client| !client.is_empty()));
    }

    fn result(&mut self, result: &StatusResult) {
        let code = PtsValue::text(result.code.number().to_string());
        let value = match &result.description {
            Some(description) => PtsValue::List(vec![code, PtsValue::text(description.as_ref())]),
            None => code,
        };
        self.value(b"ST", value);
    }

    fn nick_names(&mut self, name: &[u8; 2], contacts: &[NickName]) {
        let write = |contact: &NickName| {
            let nick = PtsValue::text(contact.name.as_deref().unwrap_or_default());
            PtsValue::List(vec![nick, PtsValue::text(contact.user_id.as_str())])
        };
        if !contacts.is_empty() {
            self.value(name, PtsValue::List(contacts.iter().map(write).collect()));
        }
    }

    fn properties(&mut self, properties: &[Property]) {
        let write = |property: &Property| {
            let name = if property.is_named(Property::DISPLAY_NAME) {
                "DN"
            } else if property.is_named(Property::DEFAULT) {
                "DE"
            } else {
                &property.name
            };
            let value = property.value.as_deref().unwrap_or_default();
            PtsValue::List(vec![PtsValue::text(name), PtsValue::text(value)])
        };
        if !properties.is_empty() {
            self.value(b"CP", PtsValue::List(properties.iter().map(write).collect()));
        }
    }

    fn presences(&mut self, presences: &[crate::primitive::presence::Presence]) {
        if !presences.is_empty() {
            self.value(b"PR", write_presences(presences));
        }
    }
}
