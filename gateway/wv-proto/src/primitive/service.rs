//! Negotiation of services and of capabilities.

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::primitive::capability::{AgreedCapabilityList, CapabilityList};
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::primitive::function::FunctionSet;
use crate::primitive::identifier::ClientId;
use crate::primitive::service_tree;
use crate::schema::element;
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

/// ClientID stands in these primitives in 1.1 only; other versions are read with it too.
fn write_client_id(client_id: Option<&ClientId>, sink: &mut dyn Sink) {
    match sink.version() {
        Version::V1_1 => ClientId::write_option(client_id, sink),
        Version::V1_2 | Version::V1_3 => {}
    }
}

impl Part for ServiceRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            client_id: element.part_of(element::CLIENT_ID)?,
            functions: element.child(element::FUNCTIONS).map(service_tree::read),
            all_functions_request: element.flag_of(element::ALL_FUNCTIONS_REQUEST)?.unwrap_or(false),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::SERVICE_REQUEST);
        write_client_id(self.client_id.as_ref(), sink);
        service_tree::write(self.functions, element::FUNCTIONS, sink);
        sink.leaf_boolean(element::ALL_FUNCTIONS_REQUEST, self.all_functions_request);
        sink.close();
    }
}

impl Part for ServiceResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            client_id: element.part_of(element::CLIENT_ID)?,
            refused: element.child(element::FUNCTIONS).map(service_tree::read_refused),
            all_functions: element.child(element::ALL_FUNCTIONS).map(service_tree::read),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::SERVICE_RESPONSE);
        write_client_id(self.client_id.as_ref(), sink);
        // WV-NEG-01
        service_tree::write(self.refused, element::FUNCTIONS, sink);
        service_tree::write(self.all_functions, element::ALL_FUNCTIONS, sink);
        sink.close();
    }
}

impl Part for ClientCapabilityRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            client_id: element.part_of(element::CLIENT_ID)?,
            capabilities: element.part_of(element::CAPABILITY_LIST)?.unwrap_or_default(),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::CLIENT_CAPABILITY_REQUEST);
        write_client_id(self.client_id.as_ref(), sink);
        self.capabilities.write(sink);
        sink.close();
    }
}

impl Part for ClientCapabilityResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let repeated: Option<CapabilityList> = element.part_of(element::CAPABILITY_LIST)?;
        let agreed: Option<AgreedCapabilityList> = element.part_of(element::AGREED_CAPABILITY_LIST)?;
        let capabilities = match (agreed, repeated) {
            (None, Some(repeated)) => CapabilityAnswer::Repeated(repeated),
            (agreed, _) => CapabilityAnswer::Agreed(agreed.unwrap_or_default()),
        };
        Ok(Self { client_id: element.part_of(element::CLIENT_ID)?, capabilities })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::CLIENT_CAPABILITY_RESPONSE);
        // From 1.2 on the list is the first child, because a client takes the first child for it.
        write_client_id(self.client_id.as_ref(), sink);
        // WV-NEG-05
        match (&self.capabilities, sink.version()) {
            (CapabilityAnswer::Repeated(list), Version::V1_1) => list.write(sink),
            (CapabilityAnswer::Agreed(list), Version::V1_2 | Version::V1_3) => list.write(sink),
            (CapabilityAnswer::Agreed(list), Version::V1_1) => {
                CapabilityList::default().with_agreed(list.clone()).write(sink);
            }
            (CapabilityAnswer::Repeated(list), Version::V1_2 | Version::V1_3) => list.to_agreed().write(sink),
        }
        sink.close();
    }
}
