//! Login, logout, keep-alive and the generic reply.

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::primitive::capability::{AgreedCapabilityList, CapabilityList};
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::primitive::function::FunctionSet;
use crate::primitive::identifier::{ClientId, DigestBytes, Nonce, Password, SessionCookie, SessionId, UserId};
use crate::primitive::service_tree;
use crate::primitive::system_message::SystemMessageResponse;
use crate::schema::element;
use crate::status::{StatusCode, StatusResult};
use crate::version::Version;
use crate::vocabulary::vocabulary;
use serde::{Deserialize, Serialize};
use std::time::Duration;

vocabulary! {
    /// DigestSchema: how the password is proved.
    DigestSchema {
        /// The password in clear.
        Pwd = "PWD",
        /// SHA-1.
        Sha = "SHA",
        /// MD4.
        Md4 = "MD4",
        /// MD5.
        Md5 = "MD5",
        /// What the documents call MD6; not the later hash of that name.
        Md6 = "MD6",
    }
}

/// Login-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginRequest {
    /// UserID.
    pub user_id: UserId,
    /// ClientID; the session asks for it where its version makes it mandatory.
    pub client_id: Option<ClientId>,
    /// ApplicationID beside ClientID (1.3).
    pub application_id: Option<Box<str>>,
    /// Password: two-way login.
    pub password: Option<Password>,
    /// DigestBytes: second step of four-way login.
    pub digest_bytes: Option<DigestBytes>,
    /// DigestSchema, most preferred first: first step of four-way login.
    pub digest_schemas: Vec<DigestSchema>,
    /// SessionID inside the request (1.3): the session to be taken up again.
    pub session_id: Option<SessionId>,
    /// TimeToLive.
    pub time_to_live: Option<Duration>,
    /// SessionCookie; some clients leave it out.
    pub session_cookie: Option<SessionCookie>,
    /// SystemMessageResponseList (1.3): what the user answers to the operator, together with the login.
    pub answers: Vec<SystemMessageResponse>,
    /// Functions wanted, negotiated in the same exchange (1.3).
    pub functions: Option<FunctionSet>,
    /// CapabilityList, negotiated in the same exchange (1.3).
    pub capabilities: Option<Box<CapabilityList>>,
}

impl LoginRequest {
    /// A request that names the user and the client and proves nothing yet.
    #[must_use]
    pub const fn new(user_id: UserId, client_id: ClientId, session_cookie: SessionCookie) -> Self {
        Self {
            user_id,
            client_id: Some(client_id),
            application_id: None,
            password: None,
            digest_bytes: None,
            digest_schemas: Vec::new(),
            session_id: None,
            time_to_live: None,
            session_cookie: Some(session_cookie),
            answers: Vec::new(),
            functions: None,
            capabilities: None,
        }
    }
}

/// Login-Response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginResponse {
    /// UserID (1.3).
    pub user_id: Option<UserId>,
    /// ClientID of the request.
    pub client_id: Option<ClientId>,
    /// Result; 401, or 200 without SessionID, is the digest challenge.
    pub result: StatusResult,
    /// Nonce of the challenge.
    pub nonce: Option<Nonce>,
    /// The scheme chosen.
    pub digest_schema: Option<DigestSchema>,
    /// SessionID of the new session.
    pub session_id: Option<SessionId>,
    /// KeepAliveTime granted.
    pub keep_alive_time: Option<Duration>,
    /// CapabilityRequest: whether the client has to negotiate capabilities.
    pub capability_request: Option<bool>,
    /// Functions not granted (1.3).
    pub functions: Option<FunctionSet>,
    /// AgreedCapabilityList (1.3).
    pub capabilities: Option<Box<AgreedCapabilityList>>,
}

impl LoginResponse {
    /// An answer of nothing but a result.
    #[must_use]
    pub const fn new(client_id: Option<ClientId>, result: StatusResult) -> Self {
        Self {
            user_id: None,
            client_id,
            result,
            nonce: None,
            digest_schema: None,
            session_id: None,
            keep_alive_time: None,
            capability_request: None,
            functions: None,
            capabilities: None,
        }
    }
}

/// Disconnect: the server ends the session; in 1.1 also the answer to a logout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disconnect {
    /// Why.
    pub result: StatusResult,
}

/// KeepAlive-Request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepAliveRequest {
    /// The value wanted from now on; none keeps the agreed one.
    pub time_to_live: Option<Duration>,
}

/// KeepAlive-Response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepAliveResponse {
    /// Result.
    pub result: StatusResult,
    /// The value that holds, when it is not the one wanted.
    pub keep_alive_time: Option<Duration>,
}

/// Status: the generic reply of either side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Result.
    pub result: StatusResult,
    /// ClientID, rarely used.
    pub client_id: Option<ClientId>,
}

impl From<StatusResult> for Status {
    fn from(result: StatusResult) -> Self {
        Self { result, client_id: None }
    }
}

impl From<StatusCode> for Status {
    fn from(code: StatusCode) -> Self {
        StatusResult::new(code).into()
    }
}

impl Part for LoginRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let client_id: Option<ClientId> = element.part_of(element::CLIENT_ID)?;
        Ok(Self {
            user_id: UserId::new(element.needed_text_of(element::USER_ID)?),
            client_id,
            application_id: element.text_of(element::APPLICATION_ID),
            password: read_password(element),
            digest_bytes: element.text_of(element::DIGEST_BYTES).map(DigestBytes::new),
            digest_schemas: read_digest_schemas(element),
            session_id: element.text_of(element::SESSION_ID).map(SessionId::new),
            time_to_live: element.seconds_of(element::TIME_TO_LIVE)?,
            session_cookie: element.text_of(element::SESSION_COOKIE).map(SessionCookie::new),
            answers: SystemMessageResponse::read_list(element)?.unwrap_or_default(),
            functions: element.child(element::FUNCTIONS).map(service_tree::read),
            capabilities: element.part_of(element::CAPABILITY_LIST)?.map(Box::new),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        let is_1_3 = sink.version() == Version::V1_3;
        sink.open(element::LOGIN_REQUEST);
        sink.leaf_text(element::USER_ID, self.user_id.as_str());
        ClientId::write_option(self.client_id.as_ref(), sink);
        if is_1_3 {
            sink.maybe_text(element::APPLICATION_ID, self.application_id.as_deref());
        }
        sink.maybe_text(element::PASSWORD, self.password.as_ref().map(Password::expose));
        sink.maybe_text(element::DIGEST_BYTES, self.digest_bytes.as_ref().map(DigestBytes::expose));
        self.write_digest_schemas(sink);
        if is_1_3 {
            sink.maybe_text(element::SESSION_ID, self.session_id.as_ref().map(SessionId::as_str));
        }
        sink.maybe_seconds(element::TIME_TO_LIVE, self.time_to_live);
        sink.maybe_text(element::SESSION_COOKIE, self.session_cookie.as_ref().map(SessionCookie::as_str));
        if is_1_3 {
            if !self.answers.is_empty() {
                SystemMessageResponse::write_list(&self.answers, sink);
            }
            service_tree::write(self.functions, element::FUNCTIONS, sink);
            if let Some(capabilities) = &self.capabilities {
                capabilities.write(sink);
            }
        }
        sink.close();
    }
}

/// Space at either end may belong to a password; an empty element is none.
fn read_password(login: Element<'_, '_>) -> Option<Password> {
    let text = login.child(element::PASSWORD)?.to_text();
    (!text.is_empty()).then(|| Password::new(text))
}

impl LoginRequest {
    // WV-LOGIN-09
    fn write_digest_schemas(&self, sink: &mut dyn Sink) {
        let names = self.digest_schemas.iter().map(DigestSchema::as_str);
        match sink.version() {
            Version::V1_1 if self.digest_schemas.is_empty() => {}
            Version::V1_1 => sink.leaf_text(element::DIGEST_SCHEMA, &names.collect::<Vec<_>>().join(",")),
            Version::V1_2 | Version::V1_3 => sink.each_text(element::DIGEST_SCHEMA, names),
        }
    }
}

// WV-LOGIN-09
fn read_digest_schemas(element: Element<'_, '_>) -> Vec<DigestSchema> {
    let mut schemas = Vec::new();
    for text in element.texts_of(element::DIGEST_SCHEMA) {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        schemas.extend(names.map(DigestSchema::parse));
    }
    schemas
}

impl Part for LoginResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            user_id: element.text_of(element::USER_ID).map(UserId::new),
            client_id: ClientId::read_in(element)?,
            result: element.needed_part_of(element::RESULT)?,
            nonce: element.text_of(element::NONCE).map(Nonce::new),
            digest_schema: read_digest_schemas(element).into_iter().next(),
            session_id: element.text_of(element::SESSION_ID).map(SessionId::new),
            keep_alive_time: element.seconds_of(element::KEEP_ALIVE_TIME)?,
            capability_request: element.flag_of(element::CAPABILITY_REQUEST)?,
            functions: element.child(element::FUNCTIONS).map(service_tree::read_refused),
            capabilities: element.part_of(element::AGREED_CAPABILITY_LIST)?.map(Box::new),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        let is_1_3 = sink.version() == Version::V1_3;
        sink.open(element::LOGIN_RESPONSE);
        if is_1_3 {
            sink.maybe_text(element::USER_ID, self.user_id.as_ref().map(UserId::as_str));
        }
        ClientId::write_option(self.client_id.as_ref(), sink);
        self.result.write(sink);
        sink.maybe_text(element::NONCE, self.nonce.as_ref().map(Nonce::expose));
        sink.maybe_text(element::DIGEST_SCHEMA, self.digest_schema.as_ref().map(DigestSchema::as_str));
        sink.maybe_text(element::SESSION_ID, self.session_id.as_ref().map(SessionId::as_str));
        sink.maybe_seconds(element::KEEP_ALIVE_TIME, self.keep_alive_time);
        sink.maybe_flag(element::CAPABILITY_REQUEST, self.capability_request);
        if is_1_3 {
            service_tree::write(self.functions, element::FUNCTIONS, sink);
            if let Some(capabilities) = &self.capabilities {
                capabilities.write(sink);
            }
        }
        sink.close();
    }
}

impl Part for Disconnect {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { result: element.needed_part_of(element::RESULT)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::DISCONNECT);
        self.result.write(sink);
        sink.close();
    }
}

impl Part for KeepAliveRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { time_to_live: element.seconds_of(element::TIME_TO_LIVE)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::KEEP_ALIVE_REQUEST);
        sink.maybe_seconds(element::TIME_TO_LIVE, self.time_to_live);
        sink.close();
    }
}

impl Part for KeepAliveResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            result: element.needed_part_of(element::RESULT)?,
            keep_alive_time: element.seconds_of(element::KEEP_ALIVE_TIME)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::KEEP_ALIVE_RESPONSE);
        self.result.write(sink);
        sink.maybe_seconds(element::KEEP_ALIVE_TIME, self.keep_alive_time);
        sink.close();
    }
}

impl Part for Status {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { result: element.needed_part_of(element::RESULT)?, client_id: element.part_of(element::CLIENT_ID)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::STATUS);
        self.result.write(sink);
        ClientId::write_option(self.client_id.as_ref(), sink);
        sink.close();
    }
}
