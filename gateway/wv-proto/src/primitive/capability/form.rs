//! Capability lists as elements, in the order of each version.

use super::{AcceptedContentType, AgreedCapabilityList, Bearer, CapabilityList, CirMethod, ClientType, DeliveryMethod};
use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::schema::{ElementName, element};
use crate::version::Version;

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
