//! Any capability lists.

use super::Source;
use wv_proto::primitive::capability::{
    AcceptedContentType, AgreedCapabilityList, Bearer, CapabilityList, CirMethod, ClientType, DeliveryMethod,
};
use wv_proto::version::Version;

impl Source<'_> {
    pub(super) fn accepted(&mut self) -> AcceptedContentType {
        AcceptedContentType {
            content_type: self.text(),
            length_max: self.maybe_1_3(Self::number),
            policy: self.maybe_1_3(Self::text),
            policy_limit: self.maybe_1_3(Self::number),
        }
    }

    pub(super) fn bearer(&mut self) -> Bearer {
        self.word(Bearer::ALL, Bearer::Other)
    }

    pub(super) fn cir_method(&mut self) -> CirMethod {
        self.word(CirMethod::ALL, CirMethod::Other)
    }

    pub(super) fn capabilities(&mut self) -> CapabilityList {
        let is_1_3 = self.is_1_3();
        let is_1_1 = self.version == Version::V1_1;
        let any_content = self.maybe(|_| true);
        let is_any = any_content.is_some();
        CapabilityList {
            client_type: self.maybe(|source| source.word(ClientType::ALL, ClientType::Other)),
            initial_delivery_method: self.maybe(|source| source.word(DeliveryMethod::ALL, DeliveryMethod::Other)),
            any_content,
            accepted_charsets: if is_any && !is_1_3 { self.list(Self::number) } else { Vec::new() },
            accepted_content_types: if is_any { Vec::new() } else { self.list(Self::accepted) },
            accepted_transfer_encodings: self.list(Self::text),
            accepted_content_length: if is_1_3 { None } else { self.maybe(Self::number) },
            supported_bearers: self.list(Self::bearer),
            multi_trans: self.maybe(Self::number),
            parser_size: self.maybe(Self::number),
            supported_cir_methods: self.list(Self::cir_method),
            udp_port: self.maybe(Self::port),
            tcp_address: if is_1_1 { self.maybe(Self::text) } else { None },
            tcp_port: if is_1_1 { self.maybe(Self::port) } else { None },
            server_poll_min: self.maybe(Self::seconds),
            default_language: self.maybe(Self::text),
            accepted_pull_length: self.maybe_1_3(Self::number),
            accepted_push_length: self.maybe_1_3(Self::number),
            accepted_text_content_length: self.maybe_1_3(Self::number),
            multi_trans_per_message: self.maybe_1_3(Self::number),
            offline_etem_handling: self.maybe_1_3(Self::text),
            online_etem_handling: self.maybe_1_3(Self::text),
            plain_text_charsets: self.list_1_3(Self::number),
            supported_offline_bearers: self.list_1_3(Self::bearer),
            session_priority: self.maybe_1_3(Self::number),
        }
    }

    pub(super) fn agreed(&mut self) -> AgreedCapabilityList {
        let any_content = self.maybe_1_3(|_| true);
        AgreedCapabilityList {
            supported_bearers: self.list(Self::bearer),
            supported_cir_methods: self.list(Self::cir_method),
            tcp_address: self.maybe(Self::text),
            tcp_port: self.maybe(Self::port),
            server_poll_min: self.maybe(Self::seconds),
            cir_url: self.maybe(Self::text),
            any_content,
            accepted_content_types: if any_content.is_some() { Vec::new() } else { self.list_1_3(Self::accepted) },
            accepted_pull_length: self.maybe_1_3(Self::number),
            accepted_push_length: self.maybe_1_3(Self::number),
            accepted_text_content_length: self.maybe_1_3(Self::number),
            accepted_transfer_encodings: self.list_1_3(Self::text),
            cir_sms_address: self.maybe_1_3(Self::text),
            multi_trans: self.maybe_1_3(Self::number),
            multi_trans_per_message: self.maybe_1_3(Self::number),
            offline_etem_handling: self.maybe_1_3(Self::text),
            online_etem_handling: self.maybe_1_3(Self::text),
            supported_offline_bearers: self.list_1_3(Self::bearer),
            udp_address: self.maybe_1_3(Self::text),
            udp_port: self.maybe_1_3(Self::port),
            session_priority: self.maybe_1_3(Self::number),
            user_session_limit: self.maybe_1_3(Self::number),
        }
    }
}
