//! Login, logout, keep-alive and the generic reply.

use crate::primitive::capability::{AgreedCapabilityList, CapabilityList};
use crate::primitive::function::FunctionSet;
use crate::primitive::identifier::{ClientId, DigestBytes, Nonce, Password, SessionCookie, SessionId, UserId};
use crate::status::{StatusCode, StatusResult};
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
