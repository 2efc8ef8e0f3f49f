//! Negotiation of services and of capabilities.

use crate::primitive::capability::{AgreedCapabilityList, CapabilityList};
use crate::primitive::function::FunctionSet;
use crate::primitive::identifier::ClientId;
use crate::version::Version;
use serde::{Deserialize, Serialize};

/// Service-Request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRequest {
    /// ClientID (1.1; other versions are read with it too).
    pub client_id: Option<ClientId>,
    /// Functions wanted; none when the element is missing.
    pub functions: Option<FunctionSet>,
    /// AllFunctionsRequest: whether everything the server has is to be listed.
    pub all_functions_request: bool,
}

/// Service-Response.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceResponse {
    /// ClientID (1.1).
    pub client_id: Option<ClientId>,
    /// Functions: what of the wanted is **not** granted (WV-NEG-01). An empty set is written as no element.
    pub refused: Option<FunctionSet>,
    /// AllFunctions: everything the server has. Must be there when it was asked for.
    pub all_functions: Option<FunctionSet>,
}

/// ClientCapability-Request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientCapabilityRequest {
    /// ClientID (1.1; other versions are read with it too).
    pub client_id: Option<ClientId>,
    /// CapabilityList.
    pub capabilities: CapabilityList,
}

/// ClientCapability-Response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientCapabilityResponse {
    /// ClientID (1.1).
    pub client_id: Option<ClientId>,
    /// What was agreed.
    pub capabilities: CapabilityAnswer,
}

/// What a ClientCapability-Response says, in the shape of its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CapabilityAnswer {
    /// CapabilityList: the list of the client with the server's values in it (1.1).
    Repeated(CapabilityList),
    /// AgreedCapabilityList (1.2, 1.3).
    Agreed(AgreedCapabilityList),
}

impl CapabilityAnswer {
    /// The answer in the shape that the version of the session asks for.
    #[must_use]
    pub fn for_version(version: Version, wanted: &CapabilityList, agreed: AgreedCapabilityList) -> Self {
        match version {
            Version::V1_1 => Self::Repeated(wanted.with_agreed(agreed)),
            Version::V1_2 | Version::V1_3 => Self::Agreed(agreed),
        }
    }
}
