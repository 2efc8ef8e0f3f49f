//! What a client can take, and what client and server agreed on.

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::schema::{ElementName, element};
use crate::version::Version;
use crate::vocabulary::vocabulary;
use serde::{Deserialize, Serialize};
use std::time::Duration;

vocabulary! {
    /// ClientType.
    ClientType {
        /// A telephone.
        MobilePhone = "MOBILE_PHONE",
        /// A computer.
        Computer = "COMPUTER",
        /// A handheld without telephone.
        Pda = "PDA",
        /// A command line.
        Cli = "CLI",
        /// Anything else.
        Unspecified = "OTHER",
    }
}

vocabulary! {
    /// InitialDeliveryMethod, DeliveryMethod.
    DeliveryMethod {
        /// The server pushes NewMessage.
        Push = "P",
        /// The server notifies and the client fetches.
        Notify = "N",
    }
}

vocabulary! {
    /// SupportedBearer.
    Bearer {
        /// HTTP.
        Http = "HTTP",
        /// HTTPS.
        Https = "HTTPS",
        /// WSP.
        Wsp = "WSP",
        /// SMS.
        Sms = "SMS",
    }
}

vocabulary! {
    /// SupportedCIRMethod: how the server tells the client to poll.
    CirMethod {
        /// WAP push by SMS.
        WapSms = "WAPSMS",
        /// WAP push by UDP.
        WapUdp = "WAPUDP",
        /// Standalone SMS (1.2, 1.3).
        Ssms = "SSMS",
        /// Standalone UDP datagram.
        Sudp = "SUDP",
        /// Standalone TCP connection.
        Stcp = "STCP",
        /// Standalone HTTP polling (1.2, 1.3).
        Shttp = "SHTTP",
    }
}

/// AcceptedContentType: a media type and, in 1.3, how much of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedContentType {
    /// The media type.
    pub content_type: Box<str>,
    /// AcceptedRichContentLength in octets (1.3).
    pub length_max: Option<u32>,
    /// ContentPolicy (1.3).
    pub policy: Option<Box<str>>,
    /// ContentPolicyLimit (1.3).
    pub policy_limit: Option<u32>,
}

impl From<&str> for AcceptedContentType {
    fn from(content_type: &str) -> Self {
        Self { content_type: content_type.into(), length_max: None, policy: None, policy_limit: None }
    }
}

/// CapabilityList: what the client says of itself. Fields of another version are left out when it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapabilityList {
    /// ClientType.
    pub client_type: Option<ClientType>,
    /// InitialDeliveryMethod.
    pub initial_delivery_method: Option<DeliveryMethod>,
    /// AnyContent: instead of a list of types.
    pub any_content: Option<bool>,
    /// AcceptedCharset as MIBenum, beside AnyContent (1.1, 1.2).
    pub accepted_charsets: Vec<u32>,
    /// AcceptedContentType.
    pub accepted_content_types: Vec<AcceptedContentType>,
    /// AcceptedTransferEncoding.
    pub accepted_transfer_encodings: Vec<Box<str>>,
    /// AcceptedContentLength: largest content to be pushed, in octets (1.1, 1.2).
    pub accepted_content_length: Option<u32>,
    /// SupportedBearer.
    pub supported_bearers: Vec<Bearer>,
    /// MultiTrans: open transactions at once.
    pub multi_trans: Option<u32>,
    /// ParserSize: largest primitive in octets.
    pub parser_size: Option<u32>,
    /// SupportedCIRMethod.
    pub supported_cir_methods: Vec<CirMethod>,
    /// UDPPort on which the client listens.
    pub udp_port: Option<u16>,
    /// TCPAddress of the server (answer in 1.1).
    pub tcp_address: Option<Box<str>>,
    /// TCPPort of the server (answer in 1.1).
    pub tcp_port: Option<u16>,
    /// ServerPollMin: shortest time between polls.
    pub server_poll_min: Option<Duration>,
    /// DefaultLanguage.
    pub default_language: Option<Box<str>>,
    /// AcceptedPullLength in octets (1.3).
    pub accepted_pull_length: Option<u32>,
    /// AcceptedPushLength in octets (1.3).
    pub accepted_push_length: Option<u32>,
    /// AcceptedTextContentLength in octets (1.3).
    pub accepted_text_content_length: Option<u32>,
    /// MultiTransPerMessage (1.3).
    pub multi_trans_per_message: Option<u32>,
    /// OfflineETEMHandling (1.3).
    pub offline_etem_handling: Option<Box<str>>,
    /// OnlineETEMHandling (1.3).
    pub online_etem_handling: Option<Box<str>>,
    /// PlainTextCharset as MIBenum (1.3).
    pub plain_text_charsets: Vec<u32>,
    /// SupportedOfflineBearer (1.3).
    pub supported_offline_bearers: Vec<Bearer>,
    /// SessionPriority (1.3).
    pub session_priority: Option<u32>,
}

impl CapabilityList {
    /// This list with what was agreed put in the place of what was wished, as a 1.1 server answers.
    #[must_use]
    pub fn with_agreed(&self, agreed: AgreedCapabilityList) -> Self {
        Self {
            supported_bearers: agreed.supported_bearers,
            supported_cir_methods: agreed.supported_cir_methods,
            tcp_address: agreed.tcp_address,
            tcp_port: agreed.tcp_port,
            multi_trans: agreed.multi_trans.or(self.multi_trans),
            server_poll_min: agreed.server_poll_min.or(self.server_poll_min),
            ..self.clone()
        }
    }

    /// What this list says of the things that an AgreedCapabilityList says before 1.3.
    #[must_use]
    pub fn to_agreed(&self) -> AgreedCapabilityList {
        AgreedCapabilityList {
            supported_bearers: self.supported_bearers.clone(),
            supported_cir_methods: self.supported_cir_methods.clone(),
            tcp_address: self.tcp_address.clone(),
            tcp_port: self.tcp_port,
            server_poll_min: self.server_poll_min,
            multi_trans: self.multi_trans,
            ..AgreedCapabilityList::default()
        }
    }

    /// Whether content of this media type may be sent to the client (WV-NEG-09: no list and no AnyContent means
    /// text/plain only).
    #[must_use]
    pub fn accepts(&self, content_type: &str) -> bool {
        let essence = |text: &str| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let wanted = essence(content_type);
        if self.any_content == Some(true) {
            return true;
        }
        if self.accepted_content_types.is_empty() {
            return wanted == "text/plain";
        }
        self.accepted_content_types.iter().any(|accepted| essence(&accepted.content_type) == wanted)
    }
}

/// AgreedCapabilityList: the server's answer (1.2, 1.3). Fields of another version are left out when it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreedCapabilityList {
    /// SupportedBearer.
    pub supported_bearers: Vec<Bearer>,
    /// SupportedCIRMethod that the server will use.
    pub supported_cir_methods: Vec<CirMethod>,
    /// TCPAddress to which the client connects for STCP.
    pub tcp_address: Option<Box<str>>,
    /// TCPPort to which the client connects for STCP.
    pub tcp_port: Option<u16>,
    /// ServerPollMin: shortest time between polls.
    pub server_poll_min: Option<Duration>,
    /// CIRURL (1.2) or CIRHTTPAddress (1.3): what the client asks for SHTTP.
    pub cir_url: Option<Box<str>>,
    /// AnyContent (1.3).
    pub any_content: Option<bool>,
    /// AcceptedContentType (1.3).
    pub accepted_content_types: Vec<AcceptedContentType>,
    /// AcceptedPullLength in octets (1.3).
    pub accepted_pull_length: Option<u32>,
    /// AcceptedPushLength in octets (1.3).
    pub accepted_push_length: Option<u32>,
    /// AcceptedTextContentLength in octets (1.3).
    pub accepted_text_content_length: Option<u32>,
    /// AcceptedTransferEncoding (1.3).
    pub accepted_transfer_encodings: Vec<Box<str>>,
    /// CIRSMSAddress (1.3).
    pub cir_sms_address: Option<Box<str>>,
    /// MultiTrans (1.3; used for the answer in 1.1 too).
    pub multi_trans: Option<u32>,
    /// MultiTransPerMessage (1.3).
    pub multi_trans_per_message: Option<u32>,
    /// OfflineETEMHandling (1.3).
    pub offline_etem_handling: Option<Box<str>>,
    /// OnlineETEMHandling (1.3).
    pub online_etem_handling: Option<Box<str>>,
    /// SupportedOfflineBearer (1.3).
    pub supported_offline_bearers: Vec<Bearer>,
    /// UDPAddress (1.3).
    pub udp_address: Option<Box<str>>,
    /// UDPPort (1.3).
    pub udp_port: Option<u16>,
    /// SessionPriority (1.3).
    pub session_priority: Option<u32>,
    /// UserSessionLimit (1.3).
    pub user_session_limit: Option<u32>,
}

impl Part for AcceptedContentType {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            content_type: element.text_of(element::CONTENT_TYPE).unwrap_or_else(|| element.trimmed()),
            length_max: element.integer_of(element::ACCEPTED_RICH_CONTENT_LENGTH)?,
            policy: element.text_of(element::CONTENT_POLICY),
            policy_limit: element.integer_of(element::CONTENT_POLICY_LIMIT)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        match sink.version() {
            Version::V1_1 | Version::V1_2 => sink.leaf_text(element::ACCEPTED_CONTENT_TYPE, &self.content_type),
            Version::V1_3 => {
                sink.open(element::ACCEPTED_CONTENT_TYPE);
                sink.leaf_text(element::CONTENT_TYPE, &self.content_type);
                sink.maybe_integer(element::ACCEPTED_RICH_CONTENT_LENGTH, self.length_max);
                sink.maybe_text(element::CONTENT_POLICY, self.policy.as_deref());
                sink.maybe_integer(element::CONTENT_POLICY_LIMIT, self.policy_limit);
                sink.close();
            }
        }
    }
}

/// Writes AnyContent or, unless it says T, the types.
pub(crate) fn write_accepted_content(any_content: Option<bool>, types: &[AcceptedContentType], sink: &mut dyn Sink) {
    if any_content == Some(true) || types.is_empty() {
        sink.maybe_flag(element::ANY_CONTENT, any_content);
    } else {
        for accepted in types {
            accepted.write(sink);
        }
    }
}

fn read_bearers(element: Element<'_, '_>, name: ElementName) -> Vec<Bearer> {
    element.texts_of(name).map(|text| Bearer::parse(&text)).collect()
}

fn read_cir_methods(element: Element<'_, '_>) -> Vec<CirMethod> {
    element.texts_of(element::SUPPORTED_CIR_METHOD).map(|text| CirMethod::parse(&text)).collect()
}

impl Part for CapabilityList {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let delivery_method = element.text_of(element::INITIAL_DELIVERY_METHOD);
        Ok(Self {
            client_type: element.text_of(element::CLIENT_TYPE).map(|text| ClientType::parse(&text)),
            initial_delivery_method: delivery_method.map(|text| DeliveryMethod::parse(&text)),
            any_content: element.flag_of(element::ANY_CONTENT)?,
            accepted_charsets: element.integers_of(element::ACCEPTED_CHARSET),
            accepted_content_types: element.parts_of(element::ACCEPTED_CONTENT_TYPE)?,
            accepted_transfer_encodings: element.texts_of(element::ACCEPTED_TRANSFER_ENCODING).collect(),
            accepted_content_length: element.integer_of(element::ACCEPTED_CONTENT_LENGTH)?,
            supported_bearers: read_bearers(element, element::SUPPORTED_BEARER),
            multi_trans: element.integer_of(element::MULTI_TRANS)?,
            parser_size: element.integer_of(element::PARSER_SIZE)?,
            supported_cir_methods: read_cir_methods(element),
            udp_port: element.port_of(element::UDP_PORT)?,
            tcp_address: element.text_of(element::TCP_ADDRESS),
            tcp_port: element.port_of(element::TCP_PORT)?,
            server_poll_min: element.seconds_of(element::SERVER_POLL_MIN)?,
            default_language: element.text_of(element::DEFAULT_LANGUAGE),
            accepted_pull_length: element.integer_of(element::ACCEPTED_PULL_LENGTH)?,
            accepted_push_length: element.integer_of(element::ACCEPTED_PUSH_LENGTH)?,
            accepted_text_content_length: element.integer_of(element::ACCEPTED_TEXT_CONTENT_LENGTH)?,
            multi_trans_per_message: element.integer_of(element::MULTI_TRANS_PER_MESSAGE)?,
            offline_etem_handling: element.text_of(element::OFFLINE_ETEM_HANDLING),
            online_etem_handling: element.text_of(element::ONLINE_ETEM_HANDLING),
            plain_text_charsets: element.integers_of(element::PLAIN_TEXT_CHARSET),
            supported_offline_bearers: read_bearers(element, element::SUPPORTED_OFFLINE_BEARER),
            session_priority: element.integer_of(element::SESSION_PRIORITY)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::CAPABILITY_LIST);
        match sink.version() {
            Version::V1_1 | Version::V1_2 => self.write_before_1_3(sink),
            Version::V1_3 => self.write_from_1_3(sink),
        }
        sink.close();
    }
}

impl CapabilityList {
    fn write_before_1_3(&self, sink: &mut dyn Sink) {
        sink.maybe_text(element::CLIENT_TYPE, self.client_type.as_ref().map(ClientType::as_str));
        self.write_delivery_method(sink);
        write_accepted_content(self.any_content, &self.accepted_content_types, sink);
        if self.any_content == Some(true) {
            sink.each_integer(element::ACCEPTED_CHARSET, &self.accepted_charsets);
        }
        sink.each_text(element::ACCEPTED_TRANSFER_ENCODING, self.accepted_transfer_encodings.iter().map(AsRef::as_ref));
        sink.maybe_integer(element::ACCEPTED_CONTENT_LENGTH, self.accepted_content_length);
        sink.each_text(element::SUPPORTED_BEARER, self.supported_bearers.iter().map(Bearer::as_str));
        sink.maybe_integer(element::MULTI_TRANS, self.multi_trans);
        sink.maybe_integer(element::PARSER_SIZE, self.parser_size);
        sink.each_text(element::SUPPORTED_CIR_METHOD, self.supported_cir_methods.iter().map(CirMethod::as_str));
        sink.maybe_integer(element::UDP_PORT, self.udp_port.map(u32::from));
        if sink.version() == Version::V1_1 {
            sink.maybe_text(element::TCP_ADDRESS, self.tcp_address.as_deref());
            sink.maybe_integer(element::TCP_PORT, self.tcp_port.map(u32::from));
        }
        sink.maybe_seconds(element::SERVER_POLL_MIN, self.server_poll_min);
        sink.maybe_text(element::DEFAULT_LANGUAGE, self.default_language.as_deref());
    }

    fn write_from_1_3(&self, sink: &mut dyn Sink) {
        write_accepted_content(self.any_content, &self.accepted_content_types, sink);
        sink.maybe_integer(element::ACCEPTED_PULL_LENGTH, self.accepted_pull_length);
        sink.maybe_integer(element::ACCEPTED_PUSH_LENGTH, self.accepted_push_length);
        sink.maybe_integer(element::ACCEPTED_TEXT_CONTENT_LENGTH, self.accepted_text_content_length);
        sink.each_text(element::ACCEPTED_TRANSFER_ENCODING, self.accepted_transfer_encodings.iter().map(AsRef::as_ref));
        sink.maybe_text(element::CLIENT_TYPE, self.client_type.as_ref().map(ClientType::as_str));
        sink.maybe_text(element::DEFAULT_LANGUAGE, self.default_language.as_deref());
        self.write_delivery_method(sink);
        sink.maybe_integer(element::MULTI_TRANS, self.multi_trans);
        sink.maybe_integer(element::MULTI_TRANS_PER_MESSAGE, self.multi_trans_per_message);
        sink.maybe_text(element::OFFLINE_ETEM_HANDLING, self.offline_etem_handling.as_deref());
        sink.maybe_text(element::ONLINE_ETEM_HANDLING, self.online_etem_handling.as_deref());
        sink.each_integer(element::PLAIN_TEXT_CHARSET, &self.plain_text_charsets);
        sink.maybe_integer(element::PARSER_SIZE, self.parser_size);
        sink.maybe_seconds(element::SERVER_POLL_MIN, self.server_poll_min);
        sink.each_text(element::SUPPORTED_BEARER, self.supported_bearers.iter().map(Bearer::as_str));
        sink.each_text(element::SUPPORTED_OFFLINE_BEARER, self.supported_offline_bearers.iter().map(Bearer::as_str));
        sink.each_text(element::SUPPORTED_CIR_METHOD, self.supported_cir_methods.iter().map(CirMethod::as_str));
        sink.maybe_integer(element::UDP_PORT, self.udp_port.map(u32::from));
        sink.maybe_integer(element::SESSION_PRIORITY, self.session_priority);
    }

    fn write_delivery_method(&self, sink: &mut dyn Sink) {
        let method = self.initial_delivery_method.as_ref().map(DeliveryMethod::as_str);
        sink.maybe_text(element::INITIAL_DELIVERY_METHOD, method);
    }
}

impl Part for AgreedCapabilityList {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let url_of = |name| element.child(name).and_then(|child| child.text_of(element::URL).or(Some(child.trimmed())));
        let cir_url = url_of(element::CIR_URL).or_else(|| url_of(element::CIR_HTTP_ADDRESS));
        Ok(Self {
            supported_bearers: read_bearers(element, element::SUPPORTED_BEARER),
            supported_cir_methods: read_cir_methods(element),
            tcp_address: element.text_of(element::TCP_ADDRESS),
            tcp_port: element.port_of(element::TCP_PORT)?,
            server_poll_min: element.seconds_of(element::SERVER_POLL_MIN)?,
            cir_url: cir_url.filter(|url| !url.is_empty()),
            any_content: element.flag_of(element::ANY_CONTENT)?,
            accepted_content_types: element.parts_of(element::ACCEPTED_CONTENT_TYPE)?,
            accepted_pull_length: element.integer_of(element::ACCEPTED_PULL_LENGTH)?,
            accepted_push_length: element.integer_of(element::ACCEPTED_PUSH_LENGTH)?,
            accepted_text_content_length: element.integer_of(element::ACCEPTED_TEXT_CONTENT_LENGTH)?,
            accepted_transfer_encodings: element.texts_of(element::ACCEPTED_TRANSFER_ENCODING).collect(),
            cir_sms_address: element.text_of(element::CIR_SMS_ADDRESS),
            multi_trans: element.integer_of(element::MULTI_TRANS)?,
            multi_trans_per_message: element.integer_of(element::MULTI_TRANS_PER_MESSAGE)?,
            offline_etem_handling: element.text_of(element::OFFLINE_ETEM_HANDLING),
            online_etem_handling: element.text_of(element::ONLINE_ETEM_HANDLING),
            supported_offline_bearers: read_bearers(element, element::SUPPORTED_OFFLINE_BEARER),
            udp_address: element.text_of(element::UDP_ADDRESS),
            udp_port: element.port_of(element::UDP_PORT)?,
            session_priority: element.integer_of(element::SESSION_PRIORITY)?,
            user_session_limit: element.integer_of(element::USER_SESSION_LIMIT)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::AGREED_CAPABILITY_LIST);
        match sink.version() {
            Version::V1_1 | Version::V1_2 => self.write_before_1_3(sink),
            Version::V1_3 => self.write_from_1_3(sink),
        }
        sink.close();
    }
}

impl AgreedCapabilityList {
    fn write_before_1_3(&self, sink: &mut dyn Sink) {
        self.write_bearers(sink);
        sink.each_text(element::SUPPORTED_CIR_METHOD, self.supported_cir_methods.iter().map(CirMethod::as_str));
        sink.maybe_text(element::TCP_ADDRESS, self.tcp_address.as_deref());
        sink.maybe_integer(element::TCP_PORT, self.tcp_port.map(u32::from));
        sink.maybe_seconds(element::SERVER_POLL_MIN, self.server_poll_min);
        self.write_cir_url(element::CIR_URL, sink);
    }

    fn write_from_1_3(&self, sink: &mut dyn Sink) {
        write_accepted_content(self.any_content, &self.accepted_content_types, sink);
        sink.maybe_integer(element::ACCEPTED_PULL_LENGTH, self.accepted_pull_length);
        sink.maybe_integer(element::ACCEPTED_PUSH_LENGTH, self.accepted_push_length);
        sink.maybe_integer(element::ACCEPTED_TEXT_CONTENT_LENGTH, self.accepted_text_content_length);
        sink.each_text(element::ACCEPTED_TRANSFER_ENCODING, self.accepted_transfer_encodings.iter().map(AsRef::as_ref));
        self.write_cir_url(element::CIR_HTTP_ADDRESS, sink);
        sink.maybe_text(element::CIR_SMS_ADDRESS, self.cir_sms_address.as_deref());
        sink.maybe_integer(element::MULTI_TRANS, self.multi_trans);
        sink.maybe_integer(element::MULTI_TRANS_PER_MESSAGE, self.multi_trans_per_message);
        sink.maybe_text(element::OFFLINE_ETEM_HANDLING, self.offline_etem_handling.as_deref());
        sink.maybe_text(element::ONLINE_ETEM_HANDLING, self.online_etem_handling.as_deref());
        sink.maybe_seconds(element::SERVER_POLL_MIN, self.server_poll_min);
        self.write_bearers(sink);
        sink.each_text(element::SUPPORTED_OFFLINE_BEARER, self.supported_offline_bearers.iter().map(Bearer::as_str));
        sink.each_text(element::SUPPORTED_CIR_METHOD, self.supported_cir_methods.iter().map(CirMethod::as_str));
        sink.maybe_text(element::TCP_ADDRESS, self.tcp_address.as_deref());
        sink.maybe_integer(element::TCP_PORT, self.tcp_port.map(u32::from));
        sink.maybe_text(element::UDP_ADDRESS, self.udp_address.as_deref());
        sink.maybe_integer(element::UDP_PORT, self.udp_port.map(u32::from));
        sink.maybe_integer(element::SESSION_PRIORITY, self.session_priority);
        sink.maybe_integer(element::USER_SESSION_LIMIT, self.user_session_limit);
    }

    fn write_bearers(&self, sink: &mut dyn Sink) {
        sink.each_text(element::SUPPORTED_BEARER, self.supported_bearers.iter().map(Bearer::as_str));
    }

    fn write_cir_url(&self, name: ElementName, sink: &mut dyn Sink) {
        if let Some(url) = &self.cir_url {
            sink.open(name);
            sink.leaf_text(element::URL, url);
            sink.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_without_types_accepts_plain_text_only() {
        let mut list = CapabilityList::default();
        assert!(list.accepts("text/plain; charset=utf-8"));
        assert!(!list.accepts("image/gif"));
        list.any_content = Some(true);
        assert!(list.accepts("image/gif"));
    }

    #[test]
    fn a_listed_type_is_accepted_whatever_its_letter_case() {
        let list = CapabilityList { accepted_content_types: vec!["Image/GIF".into()], ..CapabilityList::default() };
        assert!(list.accepts("image/gif"));
        assert!(!list.accepts("text/plain"));
    }
}
