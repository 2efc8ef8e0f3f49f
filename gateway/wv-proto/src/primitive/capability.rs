//! What a client can take, and what client and server agreed on.

mod form;

pub(crate) use form::write_accepted_content;

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

    /// Whether content of this media type may be sent to the client.
    // WV-NEG-09
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

#[cfg(test)]
mod tests {
    use super::*;

    // WV-NEG-09
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
