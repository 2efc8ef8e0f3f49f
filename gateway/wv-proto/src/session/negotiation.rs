//! What client and server agree on: capabilities and functions.

use super::limit::SessionLimits;
use crate::cir::http_token;
use crate::primitive::capability::{AgreedCapabilityList, Bearer, CapabilityList, CirMethod, DeliveryMethod};
use crate::primitive::function::{FunctionNeed, FunctionSet};
use crate::primitive::identifier::{GroupId, SessionId};
use crate::primitive::service::{
    CapabilityAnswer, ClientCapabilityRequest, ClientCapabilityResponse, ServiceRequest, ServiceResponse,
};
use crate::status::StatusCode;
use crate::version::Version;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What the server offers to every client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The functions the server has, of any version.
    pub functions: FunctionSet,
    /// The bearers it can be reached by.
    pub bearers: Vec<Bearer>,
    /// The CIR methods it can use, most preferred first.
    pub cir_methods: Vec<CirMethod>,
    /// Where clients connect for STCP.
    pub tcp_address: Option<Box<str>>,
    /// The port for STCP.
    pub tcp_port: Option<u16>,
    /// Where clients ask for SHTTP; what names the session comes behind it.
    pub cir_url: Option<Box<str>>,
    /// The shortest time between polls that the server wants.
    pub poll_min: Duration,
    /// Whether functions must be negotiated before use.
    pub strictness: Strictness,
}

/// How functions that were not negotiated are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Strictness {
    /// They count as agreed.
    #[default]
    Tolerant,
    /// They are refused with 506.
    Strict,
}

impl Default for Offer {
    fn default() -> Self {
        let versions = Version::ALL.into_iter().map(FunctionSet::of_version);
        Self {
            functions: versions.fold(FunctionSet::NONE, FunctionSet::union),
            bearers: vec![Bearer::Http],
            cir_methods: Vec::new(),
            tcp_address: None,
            tcp_port: None,
            cir_url: None,
            poll_min: Duration::from_secs(10),
            strictness: Strictness::Tolerant,
        }
    }
}

/// What was agreed with one client; the owner reads it to know what it may send.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Negotiated {
    pub(crate) services: Option<Services>,
    pub(crate) capabilities: Option<Box<CapabilityList>>,
    pub(crate) cir_methods: Vec<CirMethod>,
    pub(crate) poll_min: Option<Duration>,
    pub(crate) multi_trans: Option<u16>,
    pub(crate) multi_trans_per_message: Option<u16>,
    /// Groups whose messages come in a way of their own.
    #[serde(default)]
    pub(crate) groups: Vec<GroupDelivery>,
}

/// In which way the messages of one group come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupDelivery {
    pub(crate) group: GroupId,
    pub(crate) method: DeliveryMethod,
    /// The largest content to be pushed, in octets.
    pub(crate) octets_max: Option<u32>,
}

/// The functions agreed and refused in the last service negotiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Services {
    /// Wanted and offered.
    pub agreed: FunctionSet,
    /// Wanted and not offered.
    pub refused: FunctionSet,
}

impl Negotiated {
    /// Whether the services were negotiated.
    #[must_use]
    pub const fn services(&self) -> Option<Services> {
        self.services
    }

    /// What the client said of itself, once it has.
    #[must_use]
    pub fn capabilities(&self) -> Option<&CapabilityList> {
        self.capabilities.as_deref()
    }

    /// The CIR methods that both sides have.
    #[must_use]
    pub fn cir_methods(&self) -> &[CirMethod] {
        &self.cir_methods
    }

    /// The shortest time between polls, once agreed.
    #[must_use]
    pub const fn poll_min(&self) -> Option<Duration> {
        self.poll_min
    }

    /// How many server-initiated transactions may be open at once.
    // WV-TRX-05
    #[must_use]
    pub fn multi_trans(&self) -> u16 {
        self.multi_trans.unwrap_or(1)
    }

    /// How many transactions one message may hold.
    // WV-TRX-06
    #[must_use]
    pub fn multi_trans_per_message(&self) -> u16 {
        self.multi_trans_per_message.unwrap_or(1)
    }

    /// The largest primitive the client parses, in octets, when it has said so.
    #[must_use]
    pub fn parser_size(&self) -> Option<u32> {
        self.capabilities().and_then(|list| list.parser_size)
    }

    /// The largest content that may be pushed, in octets, when the client has said so.
    #[must_use]
    pub fn content_length_max(&self) -> Option<u32> {
        let list = self.capabilities()?;
        list.accepted_push_length.or(list.accepted_content_length).or(list.accepted_text_content_length)
    }

    /// Whether messages are pushed or announced at first.
    #[must_use]
    pub fn delivery_method(&self) -> DeliveryMethod {
        let named = self.capabilities().and_then(|list| list.initial_delivery_method.clone());
        named.unwrap_or(DeliveryMethod::Push)
    }

    /// Whether content of this media type may be sent to the client.
    // WV-NEG-09
    #[must_use]
    pub fn accepts(&self, content_type: &str) -> bool {
        match self.capabilities() {
            Some(list) => list.accepts(content_type),
            None => CapabilityList::default().accepts(content_type),
        }
    }

    /// Whether client and server agreed on this function.
    #[must_use]
    pub fn has_agreed(&self, need: FunctionNeed) -> bool {
        self.services.is_some_and(|services| services.agreed.grants(need))
    }

    /// The code that refuses a request which needs this function, or none when it is allowed.
    // WV-NEG-03
    #[must_use]
    pub fn refusal(&self, need: FunctionNeed, offer: &Offer, version: Version) -> Option<StatusCode> {
        let need = match need {
            // UNCLEAR WV-NEG-03: 1.3 has no names any more for reactive authorisation and attribute lists, so nobody can
            // agree on them there; a server that has them takes their primitives from whoever has the feature.
            FunctionNeed::Function(function) if offer.functions.contains(function) && !function.is_in(version) => {
                FunctionNeed::Feature(function.feature())
            }
            other => other,
        };
        if !offer.of_version(version).grants(need) {
            let was_refused = self.services.is_some_and(|services| services.refused.grants(need));
            return Some(if was_refused { StatusCode::SERVICE_NOT_AGREED } else { StatusCode::SERVICE_NOT_SUPPORTED });
        }
        // WV-NEG-04
        let is_agreed = self.services.is_some_and(|services| services.agreed.grants(need));
        match offer.strictness {
            Strictness::Tolerant => None,
            Strictness::Strict => {
                (!is_agreed && need != FunctionNeed::Nothing).then_some(StatusCode::SERVICE_NOT_AGREED)
            }
        }
    }

    /// Negotiates services and says what to answer.
    pub fn serve(&mut self, request: &ServiceRequest, offer: &Offer, version: Version) -> ServiceResponse {
        let offered = offer.of_version(version);
        // WV-NEG-10
        let wanted = request.functions.unwrap_or(offered).intersection(FunctionSet::of_version(version));
        let services = Services { agreed: wanted.intersection(offered), refused: wanted.difference(offered) };
        self.services = Some(services);
        ServiceResponse {
            client_id: answered_client_id(version, request.client_id.as_ref()),
            // WV-NEG-01
            refused: (!services.refused.is_empty()).then_some(services.refused),
            // WV-NEG-02
            all_functions: request.all_functions_request.then_some(offered),
        }
    }

    /// Negotiates capabilities and says what to answer.
    pub fn describe(
        &mut self,
        request: ClientCapabilityRequest,
        offer: &Offer,
        version: Version,
        limits: &SessionLimits,
    ) -> ClientCapabilityResponse {
        let client_id = answered_client_id(version, request.client_id.as_ref());
        let agreed = self.agree(&request.capabilities, offer, version, limits);
        // WV-NEG-05
        let capabilities = CapabilityAnswer::for_version(version, &request.capabilities, agreed);
        self.capabilities = Some(Box::new(request.capabilities));
        ClientCapabilityResponse { client_id, capabilities }
    }

    /// Negotiates capabilities inside a login.
    pub fn describe_in_login(
        &mut self,
        wanted: &CapabilityList,
        offer: &Offer,
        version: Version,
        limits: &SessionLimits,
    ) -> AgreedCapabilityList {
        let agreed = self.agree(wanted, offer, version, limits);
        self.capabilities = Some(Box::new(wanted.clone()));
        agreed
    }

    fn agree(
        &mut self,
        wanted: &CapabilityList,
        offer: &Offer,
        version: Version,
        limits: &SessionLimits,
    ) -> AgreedCapabilityList {
        // WV-NEG-07
        let usable = offer.cir_methods.iter().filter(|method| is_cir_method_in(method, version));
        self.cir_methods = usable.filter(|method| wanted.supported_cir_methods.contains(method)).cloned().collect();
        // WV-NEG-06
        let poll_min = wanted.server_poll_min.unwrap_or_default().max(offer.poll_min);
        self.poll_min = Some(poll_min);
        self.multi_trans = Some(bounded(wanted.multi_trans, limits.multi_trans_max));
        self.multi_trans_per_message = Some(bounded(wanted.multi_trans_per_message, limits.multi_trans_max));
        let is_connected = self.cir_methods.contains(&CirMethod::Stcp);
        let is_asked = self.cir_methods.contains(&CirMethod::Shttp);
        let common: Vec<Bearer> =
            offer.bearers.iter().filter(|bearer| wanted.supported_bearers.contains(bearer)).cloned().collect();
        AgreedCapabilityList {
            supported_bearers: if common.is_empty() { offer.bearers.clone() } else { common },
            supported_cir_methods: self.cir_methods.clone(),
            tcp_address: offer.tcp_address.clone().filter(|_| is_connected),
            tcp_port: offer.tcp_port.filter(|_| is_connected),
            server_poll_min: Some(poll_min),
            cir_url: offer.cir_url.clone().filter(|_| is_asked),
            any_content: wanted.any_content,
            accepted_content_types: wanted.accepted_content_types.clone(),
            accepted_pull_length: wanted.accepted_pull_length,
            accepted_push_length: wanted.accepted_push_length,
            accepted_text_content_length: wanted.accepted_text_content_length,
            accepted_transfer_encodings: wanted.accepted_transfer_encodings.clone(),
            multi_trans: Some(u32::from(self.multi_trans())),
            multi_trans_per_message: wanted.multi_trans_per_message.map(|_| u32::from(self.multi_trans_per_message())),
            // WV-ETM-01
            online_etem_handling: wanted.online_etem_handling.as_ref().map(|_| ONLINE_ETEM.into()),
            offline_etem_handling: wanted.offline_etem_handling.as_ref().map(|_| OFFLINE_ETEM.into()),
            ..AgreedCapabilityList::default()
        }
    }
}

/// How messages reach a client that is online, in the word of 1.3: as the server sees fit.
const ONLINE_ETEM: &str = "SERVERLOGIC";

/// How messages reach a client that is not: stored, and sent when it comes.
const OFFLINE_ETEM: &str = "SENDSTORE";

impl Offer {
    /// The functions the server has in this version.
    #[must_use]
    pub fn of_version(&self, version: Version) -> FunctionSet {
        self.functions.intersection(FunctionSet::of_version(version))
    }
}

/// Puts behind the address for SHTTP what names the session.
// WV-CIR-06
pub(super) fn name_session(agreed: &mut AgreedCapabilityList, session: &SessionId) {
    if let Some(url) = &mut agreed.cir_url {
        *url = format!("{url}{}", http_token(session)).into();
    }
}

// WV-NEG-08
fn answered_client_id<T: Clone>(version: Version, asked: Option<&T>) -> Option<T> {
    match version {
        Version::V1_1 => asked.cloned(),
        Version::V1_2 | Version::V1_3 => None,
    }
}

fn bounded(wish: Option<u32>, most: u16) -> u16 {
    u16::try_from(wish.unwrap_or(1)).unwrap_or(u16::MAX).min(most).max(1)
}

fn is_cir_method_in(method: &CirMethod, version: Version) -> bool {
    match method {
        CirMethod::WapSms | CirMethod::WapUdp | CirMethod::Sudp | CirMethod::Stcp => true,
        CirMethod::Ssms | CirMethod::Shttp => version > Version::V1_1,
        CirMethod::Other(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::function::{Feature, Function, FunctionGroup};
    use crate::primitive::identifier::ClientId;

    fn without(group: FunctionGroup) -> Offer {
        let all = Offer::default().functions;
        Offer { functions: all.difference(FunctionSet::of_group(group)), ..Offer::default() }
    }

    fn service(functions: FunctionSet, all: bool) -> ServiceRequest {
        ServiceRequest { client_id: None, functions: Some(functions), all_functions_request: all }
    }

    #[test]
    fn wv_neg_01_nothing_refused_means_no_functions_element() {
        let mut negotiated = Negotiated::default();
        let answer = negotiated.serve(
            &service(FunctionSet::of_feature(Feature::Presence), false),
            &Offer::default(),
            Version::V1_2,
        );
        assert_eq!(answer.refused, None);
        assert_eq!(answer.all_functions, None);
    }

    #[test]
    fn wv_neg_01_only_what_was_asked_and_is_not_there_is_refused() {
        let mut negotiated = Negotiated::default();
        let wanted = FunctionSet::of_feature(Feature::Fundamental).union(FunctionSet::of_feature(Feature::Presence));
        let answer = negotiated.serve(&service(wanted, true), &without(FunctionGroup::Search), Version::V1_2);
        let expected =
            FunctionSet::of_group(FunctionGroup::Search).intersection(FunctionSet::of_version(Version::V1_2));
        assert_eq!(answer.refused, Some(expected));
    }

    #[test]
    fn wv_neg_02_all_functions_is_there_exactly_when_asked_for() {
        let mut negotiated = Negotiated::default();
        let offer = without(FunctionGroup::Search);
        let answer = negotiated.serve(&service(FunctionSet::NONE, true), &offer, Version::V1_1);
        assert_eq!(answer.all_functions, Some(offer.of_version(Version::V1_1)));
    }

    #[test]
    fn wv_etm_01_a_client_that_names_its_handling_is_told_that_of_the_server() {
        let agreed = |online: Option<&str>, offline: Option<&str>| {
            let wanted = CapabilityList {
                online_etem_handling: online.map(Box::from),
                offline_etem_handling: offline.map(Box::from),
                ..CapabilityList::default()
            };
            let agreed =
                Negotiated::default().agree(&wanted, &Offer::default(), Version::V1_3, &SessionLimits::default());
            (agreed.online_etem_handling, agreed.offline_etem_handling)
        };
        assert_eq!(agreed(None, None), (None, None));
        assert_eq!(agreed(Some("FORKALL"), Some("REJECT")), (Some("SERVERLOGIC".into()), Some("SENDSTORE".into())));
    }

    #[test]
    fn wv_neg_03_missing_functions_are_405_and_refused_ones_506() {
        let mut negotiated = Negotiated::default();
        let offer = without(FunctionGroup::Search);
        let need = FunctionNeed::Function(Function::Srch);
        let version = Version::V1_2;
        assert_eq!(negotiated.refusal(need, &offer, version), Some(StatusCode::SERVICE_NOT_SUPPORTED));
        negotiated.serve(&service(FunctionSet::of_feature(Feature::Fundamental), false), &offer, version);
        assert_eq!(negotiated.refusal(need, &offer, version), Some(StatusCode::SERVICE_NOT_AGREED));
    }

    #[test]
    fn wv_neg_03_what_a_version_has_no_name_for_goes_with_its_feature() {
        let mut negotiated = Negotiated::default();
        let need = FunctionNeed::Function(Function::React);
        let with = |functions| Offer { functions, ..Offer::default() };
        let presence = with(FunctionSet::of_feature(Feature::Presence));
        assert_eq!(negotiated.refusal(need, &presence, Version::V1_3), None);
        let without = with(FunctionSet::of_group(FunctionGroup::ContactList));
        assert_eq!(negotiated.refusal(need, &without, Version::V1_3), Some(StatusCode::SERVICE_NOT_SUPPORTED));
        negotiated.serve(&service(FunctionSet::of_feature(Feature::Message), false), &presence, Version::V1_3);
        let strict = Offer { strictness: Strictness::Strict, ..presence };
        assert_eq!(negotiated.refusal(need, &strict, Version::V1_3), Some(StatusCode::SERVICE_NOT_AGREED));
    }

    #[test]
    fn wv_neg_04_functions_not_negotiated_are_refused_only_in_strict_mode() {
        let mut negotiated = Negotiated::default();
        let strict = Offer { strictness: Strictness::Strict, ..Offer::default() };
        let need = FunctionNeed::Function(Function::Getpr);
        let version = Version::V1_2;
        assert_eq!(negotiated.refusal(need, &Offer::default(), version), None);
        assert_eq!(negotiated.refusal(need, &strict, version), Some(StatusCode::SERVICE_NOT_AGREED));
        assert_eq!(negotiated.refusal(FunctionNeed::Nothing, &strict, version), None);
        negotiated.serve(&service(FunctionSet::of_feature(Feature::Presence), false), &strict, version);
        assert_eq!(negotiated.refusal(need, &strict, version), None);
    }

    // WV-NEG-08
    #[test]
    fn wv_neg_05_the_answer_has_the_shape_of_its_version() {
        let limits = SessionLimits::default();
        let wanted = CapabilityList { parser_size: Some(9000), multi_trans: Some(3), ..CapabilityList::default() };
        let client_id = Some(ClientId::from_url("phone"));
        let request = ClientCapabilityRequest { client_id: client_id.clone(), capabilities: wanted };
        let old = Negotiated::default().describe(request.clone(), &Offer::default(), Version::V1_1, &limits);
        assert_eq!(old.client_id, client_id);
        let CapabilityAnswer::Repeated(list) = old.capabilities else { panic!("1.1 repeats the list") };
        assert_eq!((list.parser_size, list.multi_trans), (Some(9000), Some(3)));
        assert_eq!(list.server_poll_min, Some(Duration::from_secs(10)));
        let new = Negotiated::default().describe(request, &Offer::default(), Version::V1_2, &limits);
        assert_eq!(new.client_id, None);
        assert!(matches!(new.capabilities, CapabilityAnswer::Agreed(_)));
    }

    #[test]
    fn wv_neg_06_the_longer_time_between_polls_holds() {
        let limits = SessionLimits::default();
        for (wish, expected) in [(None, 10), (Some(8), 10), (Some(30), 30)] {
            let wanted = CapabilityList { server_poll_min: wish.map(Duration::from_secs), ..CapabilityList::default() };
            let mut negotiated = Negotiated::default();
            negotiated.describe_in_login(&wanted, &Offer::default(), Version::V1_2, &limits);
            assert_eq!(negotiated.poll_min(), Some(Duration::from_secs(expected)));
        }
    }

    #[test]
    fn wv_neg_07_only_common_cir_methods_are_agreed_with_their_addresses() {
        let limits = SessionLimits::default();
        let offer = Offer {
            cir_methods: vec![CirMethod::Shttp, CirMethod::Stcp],
            tcp_address: Some("192.0.2.10".into()),
            tcp_port: Some(3171),
            cir_url: Some("http://192.0.2.10/cir".into()),
            ..Offer::default()
        };
        let wanted = CapabilityList {
            supported_cir_methods: vec![CirMethod::Stcp, CirMethod::Shttp],
            ..CapabilityList::default()
        };
        let old = Negotiated::default().describe_in_login(&wanted, &offer, Version::V1_1, &limits);
        assert_eq!(old.supported_cir_methods, [CirMethod::Stcp]);
        assert_eq!((old.tcp_port, old.cir_url.as_deref()), (Some(3171), None));
        let new = Negotiated::default().describe_in_login(&wanted, &offer, Version::V1_2, &limits);
        assert_eq!(new.supported_cir_methods, [CirMethod::Shttp, CirMethod::Stcp]);
        assert_eq!(new.cir_url.as_deref(), Some("http://192.0.2.10/cir"));
        let none = Negotiated::default().describe_in_login(&wanted, &Offer::default(), Version::V1_2, &limits);
        assert!(none.supported_cir_methods.is_empty() && none.tcp_address.is_none());
    }

    #[test]
    fn a_client_that_says_nothing_gets_one_transaction_and_plain_text() {
        let negotiated = Negotiated::default();
        assert_eq!((negotiated.multi_trans(), negotiated.multi_trans_per_message()), (1, 1));
        assert!(negotiated.accepts("text/plain") && !negotiated.accepts("image/gif"));
        assert_eq!(negotiated.delivery_method(), DeliveryMethod::Push);
    }

    #[test]
    fn absurd_announcements_are_bounded() {
        let limits = SessionLimits::default();
        let wanted = CapabilityList { multi_trans: Some(u32::MAX), ..CapabilityList::default() };
        let mut negotiated = Negotiated::default();
        negotiated.describe_in_login(&wanted, &Offer::default(), Version::V1_1, &limits);
        assert_eq!(negotiated.multi_trans(), 10);
        let zero = CapabilityList { multi_trans: Some(0), ..CapabilityList::default() };
        negotiated.describe_in_login(&zero, &Offer::default(), Version::V1_1, &limits);
        assert_eq!(negotiated.multi_trans(), 1);
    }
}
