//! Any message of a version, grown from a string of choices.

mod attribute;
mod authorization;
mod capability;
mod group;
mod service;
mod waiting;

use std::time::Duration;
use wv_proto::codec::date_time::DateTime;
use wv_proto::primitive::access::{
    DigestSchema, Disconnect, KeepAliveRequest, KeepAliveResponse, LoginRequest, LoginResponse, Status,
};
use wv_proto::primitive::contact_list::{
    CreateListRequest, CreateListResponse, DeleteListRequest, GetListResponse, ListChange, ListManageRequest,
    ListManageResponse,
};
use wv_proto::primitive::function::{Feature, Function, FunctionSet};
use wv_proto::primitive::identifier::{
    ClientId, ContactListId, DigestBytes, GroupId, MessageId, Nonce, Password, SessionCookie, SessionId, TransactionId,
    UserId,
};
use wv_proto::primitive::message::{
    Content, DeliveryReportRequest, Font, MessageDelivered, MessageInfo, NewMessage, SendMessageRequest,
    SendMessageResponse,
};
use wv_proto::primitive::party::{Group, NickName, Property, Recipient, ScreenName, Sender, User};
use wv_proto::primitive::presence::{
    CancelAuthRequest, GetPresenceRequest, GetPresenceResponse, PresenceAuthRequest, PresenceAuthUser,
    PresenceNotificationRequest, SubscribePresenceRequest, UnsubscribePresenceRequest, UpdatePresenceRequest,
};
use wv_proto::primitive::service::{
    CapabilityAnswer, ClientCapabilityRequest, ClientCapabilityResponse, ServiceRequest, ServiceResponse,
};
use wv_proto::primitive::{Envelope, Primitive, PrimitiveName, SessionDescriptor, Transaction};
use wv_proto::schema::element;
use wv_proto::status::{DetailedResult, StatusCode, StatusResult};
use wv_proto::version::{Encoding, Version};

/// How many kinds of primitives [`Source::primitive`] knows.
pub(crate) const PRIMITIVE_KINDS: u8 = 102;

const AUTHORIZATION_FIRST: u8 = 80;
const AUTHORIZATION_LAST: u8 = 89;
const SERVICE_FIRST: u8 = 90;
const SERVICE_LAST: u8 = 101;

/// Texts that are hard for one encoding or the other: value tokens, their prefixes, markup, other alphabets.
const TEXTS: [&str; 16] = [
    "wv:alice@wv.example",
    "wv:alice/friends@wv.example",
    "T",
    "200",
    "IM",
    "http://www.wv.example/a?b=c&d=e",
    "text/plain",
    "a<b>&\"c\" ]]>",
    "ä€𝄞",
    "GROUP_ID",
    "wv:+358401234567@wv.example",
    "line\nbreak\tand tab",
    "x",
    "www.wireless-village.org",
    "+02",
    "one,two",
];

/// Choices, one octet each; when they run out everything is the first or the smallest.
pub(crate) struct Source<'a> {
    choices: &'a [u8],
    version: Version,
    encoding: Encoding,
}

impl<'a> Source<'a> {
    pub(crate) fn new(choices: &'a [u8], version: Version, encoding: Encoding) -> Self {
        Self { choices, version, encoding }
    }

    /// A message that holds a primitive of this kind.
    pub(crate) fn envelope(&mut self, kind: u8) -> Envelope {
        let session =
            if self.flag() { SessionDescriptor::Inband(self.id(SessionId::new)) } else { SessionDescriptor::Outband };
        let id = self.maybe(|source| source.id(TransactionId::new));
        let primitive = self.primitive(kind);
        let first =
            if self.flag() { Transaction::request(id, primitive) } else { Transaction::response(id, primitive) };
        let mut envelope = Envelope::new(session, first);
        if self.flag() {
            let id = self.maybe(|source| source.id(TransactionId::new));
            envelope.transactions.push(Transaction::response(id, Status::from(StatusCode::SUCCESS).into()));
        }
        if self.is_1_3() {
            envelope.transactions[0].segment = self.maybe(Self::segment_info);
        }
        envelope.poll = self.maybe(Self::flag);
        envelope.cir = if self.since(Version::V1_2) { self.maybe(Self::flag) } else { None };
        envelope
    }

    fn since(&self, version: Version) -> bool {
        self.version >= version
    }

    fn is_1_3(&self) -> bool {
        self.version == Version::V1_3
    }

    fn choice(&mut self) -> u8 {
        let Some((first, rest)) = self.choices.split_first() else { return 0 };
        self.choices = rest;
        *first
    }

    fn flag(&mut self) -> bool {
        self.choice() & 1 == 1
    }

    fn maybe<T>(&mut self, grow: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flag().then(|| grow(self))
    }

    fn maybe_1_3<T>(&mut self, grow: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.is_1_3() { self.maybe(grow) } else { None }
    }

    fn list<T>(&mut self, mut grow: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = self.choice() % 3;
        (0..count).map(|_| grow(self)).collect()
    }

    fn list_1_3<T>(&mut self, grow: impl FnMut(&mut Self) -> T) -> Vec<T> {
        if self.is_1_3() { self.list(grow) } else { Vec::new() }
    }

    fn filled_list<T>(&mut self, mut grow: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let mut list = self.list(&mut grow);
        list.push(grow(self));
        list
    }

    fn text(&mut self) -> Box<str> {
        TEXTS[usize::from(self.choice()) % TEXTS.len()].into()
    }

    fn id<T>(&mut self, wrap: fn(Box<str>) -> T) -> T {
        wrap(self.text())
    }

    fn number(&mut self) -> u32 {
        u32::from_be_bytes([self.choice(), self.choice(), self.choice(), self.choice()])
    }

    fn port(&mut self) -> u16 {
        u16::from_be_bytes([self.choice(), self.choice()])
    }

    fn seconds(&mut self) -> Duration {
        Duration::from_secs(self.number().into())
    }

    fn word<T: Clone>(&mut self, all: &[T], other: fn(Box<str>) -> T) -> T {
        let choice = usize::from(self.choice()) % (all.len() + 1);
        all.get(choice).cloned().unwrap_or_else(|| other("Something else".into()))
    }

    fn moment(&mut self) -> DateTime {
        DateTime::from_unix_seconds(self.number().into()).unwrap()
    }

    fn client(&mut self) -> ClientId {
        match self.choice() % 5 {
            0 => ClientId::from_url(self.text()),
            1 => ClientId::from_msisdn(self.text()),
            2 => ClientId::Described { url: Some(self.text()), msisdn: Some(self.text()) },
            3 if self.is_1_3() => ClientId::Application(self.text()),
            _ => ClientId::Plain(self.text()),
        }
    }

    fn described_client(&mut self) -> ClientId {
        if self.flag() { ClientId::from_url(self.text()) } else { ClientId::Plain(self.text()) }
    }

    /// ClientID of service and capability primitives, which 1.1 has.
    fn client_1_1(&mut self) -> Option<ClientId> {
        if self.version == Version::V1_1 { self.maybe(Self::described_client) } else { None }
    }

    fn user(&mut self) -> User {
        User {
            user_id: self.id(UserId::new),
            friendly_name: self.maybe_1_3(Self::text),
            client_id: self.maybe(Self::client),
        }
    }

    /// A user where 1.3 has room for the UserID only.
    fn target(&mut self) -> User {
        if self.is_1_3() { self.id(UserId::new).into() } else { self.user() }
    }

    fn screen_name(&mut self) -> ScreenName {
        ScreenName { name: self.text(), group_id: self.id(GroupId::new) }
    }

    fn group(&mut self) -> Group {
        if self.flag() { Group::Id(self.id(GroupId::new)) } else { Group::ScreenName(self.screen_name()) }
    }

    fn recipient(&mut self) -> Recipient {
        Recipient {
            users: self.list(Self::user),
            groups: self.list(Self::group),
            contact_lists: self.list(|source| source.id(ContactListId::new)),
        }
    }

    fn sender(&mut self) -> Sender {
        if self.flag() { Sender::User(self.user()) } else { Sender::Group(self.group()) }
    }

    fn nickname(&mut self) -> NickName {
        NickName { name: self.maybe(Self::text), user_id: self.id(UserId::new) }
    }

    fn property(&mut self) -> Property {
        Property { name: self.text(), value: self.maybe(Self::text) }
    }

    fn code(&mut self) -> StatusCode {
        StatusCode::NAMED[usize::from(self.choice()) % StatusCode::NAMED.len()]
    }

    fn detail(&mut self) -> DetailedResult {
        if self.is_1_3() && self.flag() {
            return DetailedResult { search_elements: self.list(Self::text), ..DetailedResult::new(self.code()) };
        }
        let is_1_2 = self.since(Version::V1_2);
        DetailedResult {
            code: self.code(),
            description: self.maybe(Self::text),
            users: self.list(|source| source.id(UserId::new)),
            groups: self.list(|source| source.id(GroupId::new)),
            screen_names: self.list(Self::screen_name),
            messages: if is_1_2 { self.list(|source| source.id(MessageId::new)) } else { Vec::new() },
            contact_lists: if is_1_2 { self.list(|source| source.id(ContactListId::new)) } else { Vec::new() },
            domains: if is_1_2 { self.list(Self::text) } else { Vec::new() },
            search_elements: Vec::new(),
        }
    }

    fn result(&mut self) -> StatusResult {
        StatusResult {
            code: self.code(),
            description: self.maybe(Self::text),
            detailed: self.list(Self::detail),
            try_again: self.maybe_1_3(Self::seconds),
        }
    }

    /// Single leaves of one feature beside whole other features, as they survive the tree.
    fn functions(&mut self) -> FunctionSet {
        let mut set = FunctionSet::of_feature(Feature::ALL[usize::from(self.choice()) % 4]);
        let known: Vec<Function> = FunctionSet::of_version(self.version).iter().collect();
        if self.flag() {
            let function = known[usize::from(self.choice()) % known.len()];
            set = [function].into_iter().collect();
        }
        set
    }

    fn login_request(&mut self) -> LoginRequest {
        let client_id = self.maybe(Self::described_client);
        LoginRequest {
            user_id: self.id(UserId::new),
            application_id: if client_id.is_some() { None } else { self.maybe_1_3(Self::text) },
            client_id,
            password: self.maybe(|source| source.id(Password::new)),
            digest_bytes: self.maybe(|source| source.id(DigestBytes::new)),
            digest_schemas: self.list(|source| source.word(DigestSchema::ALL, DigestSchema::Other)),
            session_id: self.maybe_1_3(|source| source.id(SessionId::new)),
            time_to_live: self.maybe(Self::seconds),
            session_cookie: self.maybe(|source| source.id(SessionCookie::new)),
            answers: self.maybe_1_3(Self::operator_answer).into_iter().collect(),
            functions: self.maybe_1_3(Self::functions),
            capabilities: self.maybe_1_3(|source| Box::new(source.capabilities())),
        }
    }

    fn login_response(&mut self) -> LoginResponse {
        LoginResponse {
            user_id: self.maybe_1_3(|source| source.id(UserId::new)),
            client_id: self.maybe(Self::described_client),
            result: self.result(),
            nonce: self.maybe(|source| source.id(Nonce::new)),
            digest_schema: self.maybe(|source| source.word(DigestSchema::ALL, DigestSchema::Other)),
            session_id: self.maybe(|source| source.id(SessionId::new)),
            keep_alive_time: self.maybe(Self::seconds),
            capability_request: self.maybe(Self::flag),
            functions: self.maybe_1_3(Self::functions),
            capabilities: self.maybe_1_3(|source| Box::new(source.agreed())),
        }
    }

    fn content(&mut self) -> Option<Content> {
        match self.choice() % 4 {
            0 => None,
            1 => Some(Content::from_text("")),
            2 => Some(Content::from_text(&self.text())),
            _ => Some(Content::from_octets(vec![0, self.choice(), 255].into())),
        }
    }

    fn message_info(&mut self, content: Option<&Content>) -> MessageInfo {
        // Octets that are no text have to say BASE64 in XML.
        let is_binary = content.is_some_and(|content| content.to_text().is_none());
        let is_base64 = is_binary && self.encoding == Encoding::Xml || self.flag();
        MessageInfo {
            message_id: self.maybe(|source| source.id(MessageId::new)),
            message_uri: self.maybe(Self::text),
            content_type: self.maybe(Self::text),
            content_encoding: is_base64.then(|| "BASE64".into()),
            content_size: Some(self.number()),
            content_name: self.maybe_1_3(Self::text),
            recipient: self.recipient(),
            sender: self.maybe(Self::sender),
            date_time: self.maybe(Self::moment),
            font: self.maybe_1_3(|source| Font {
                size: source.maybe(Self::text),
                styles: source.list(Self::text),
                color: source.maybe(Self::text),
            }),
            validity: self.maybe(Self::seconds),
        }
    }

    fn list_manage_request(&mut self) -> ListManageRequest {
        let change = match self.choice() % 4 {
            0 => None,
            1 => Some(ListChange::Add(self.list(Self::nickname))),
            2 => Some(ListChange::Remove(self.list(|source| source.id(UserId::new)))),
            _ => Some(ListChange::Properties(self.list(Self::property))),
        };
        let receive_list = if self.since(Version::V1_2) { Some(self.flag()) } else { None };
        let authorize_and_grant = self.maybe_1_3(Self::flag);
        ListManageRequest { contact_list: self.id(ContactListId::new), change, receive_list, authorize_and_grant }
    }

    fn subscription(&mut self) -> SubscribePresenceRequest {
        SubscribePresenceRequest {
            users: self.list(Self::target),
            contact_lists: self.list(|source| source.id(ContactListId::new)),
            attributes: self.maybe(Self::names),
            auto_subscribe: match self.version {
                Version::V1_1 => None,
                Version::V1_2 => Some(self.flag()),
                Version::V1_3 => self.maybe(Self::flag),
            },
        }
    }

    /// A primitive of the kind with this number.
    fn primitive(&mut self, kind: u8) -> Primitive {
        match kind {
            0..=11 => self.access_primitive(kind),
            12..=18 => self.list_primitive(kind),
            19..=26 => self.presence_primitive(kind),
            27..=31 => self.message_primitive(kind),
            32 => Primitive::Other(PrimitiveName::Known(element::EXTENDED_REQUEST)),
            33 => Primitive::Other(PrimitiveName::Vendor("X-Request".into())),
            34..=50 => self.waiting_primitive(kind - 34),
            AUTHORIZATION_FIRST..=AUTHORIZATION_LAST => self.authorization_primitive(kind - AUTHORIZATION_FIRST),
            SERVICE_FIRST..=SERVICE_LAST => self.service_primitive(kind - SERVICE_FIRST),
            _ => self.group_primitive(kind - 51),
        }
    }

    fn access_primitive(&mut self, kind: u8) -> Primitive {
        match kind {
            0 => Primitive::Status(Status { result: self.result(), client_id: self.maybe(Self::described_client) }),
            1 => Primitive::PollingRequest,
            2 => Primitive::LoginRequest(Box::new(self.login_request())),
            3 => Primitive::LoginResponse(Box::new(self.login_response())),
            4 => Primitive::LogoutRequest,
            5 => Primitive::Disconnect(Disconnect { result: self.result() }),
            6 => Primitive::KeepAliveRequest(KeepAliveRequest { time_to_live: self.maybe(Self::seconds) }),
            7 => {
                let (result, keep_alive_time) = (self.result(), self.maybe(Self::seconds));
                Primitive::KeepAliveResponse(KeepAliveResponse { result, keep_alive_time })
            }
            8 => Primitive::ServiceRequest(ServiceRequest {
                client_id: self.client_1_1(),
                functions: self.maybe(Self::functions),
                all_functions_request: self.flag(),
            }),
            9 => Primitive::ServiceResponse(ServiceResponse {
                client_id: self.client_1_1(),
                refused: self.maybe(Self::functions),
                all_functions: self.maybe(Self::functions),
            }),
            10 => {
                let (client_id, capabilities) = (self.client_1_1(), self.capabilities());
                Primitive::ClientCapabilityRequest(Box::new(ClientCapabilityRequest { client_id, capabilities }))
            }
            _ => {
                let client_id = self.client_1_1();
                let capabilities = match self.version {
                    Version::V1_1 => CapabilityAnswer::Repeated(self.capabilities()),
                    Version::V1_2 | Version::V1_3 => CapabilityAnswer::Agreed(self.agreed()),
                };
                Primitive::ClientCapabilityResponse(Box::new(ClientCapabilityResponse { client_id, capabilities }))
            }
        }
    }

    fn list_primitive(&mut self, kind: u8) -> Primitive {
        let contact_list = self.id(ContactListId::new);
        match kind {
            12 => Primitive::GetListRequest,
            13 => Primitive::GetListResponse(GetListResponse {
                contact_lists: self.list(|source| source.id(ContactListId::new)),
                default_contact_list: self.maybe(|source| source.id(ContactListId::new)),
            }),
            14 => Primitive::CreateListRequest(CreateListRequest {
                contact_list,
                contacts: self.list(Self::nickname),
                properties: self.list(Self::property),
            }),
            15 => Primitive::CreateListResponse(CreateListResponse {
                contact_list,
                properties: self.list(Self::property),
            }),
            16 => Primitive::DeleteListRequest(DeleteListRequest { contact_list }),
            17 => Primitive::ListManageRequest(self.list_manage_request()),
            _ => Primitive::ListManageResponse(ListManageResponse {
                result: self.result(),
                contacts: self.maybe(|source| source.list(Self::nickname)),
                properties: self.maybe(|source| source.list(Self::property)),
            }),
        }
    }

    fn presence_primitive(&mut self, kind: u8) -> Primitive {
        match kind {
            19 => Primitive::SubscribePresenceRequest(self.subscription()),
            20 => Primitive::UnsubscribePresenceRequest(UnsubscribePresenceRequest {
                users: self.list(Self::target),
                contact_lists: self.list(|source| source.id(ContactListId::new)),
            }),
            21 => {
                let presences = self.list(Self::presence);
                Primitive::PresenceNotificationRequest(PresenceNotificationRequest { presences })
            }
            22 => {
                // Either users or lists, never both.
                let names_users = self.flag();
                Primitive::GetPresenceRequest(GetPresenceRequest {
                    users: if names_users { self.list(Self::target) } else { Vec::new() },
                    contact_lists: if names_users {
                        Vec::new()
                    } else {
                        self.list(|source| source.id(ContactListId::new))
                    },
                    attributes: self.maybe(Self::names),
                })
            }
            23 => {
                let (result, presences) = (self.result(), self.list(Self::presence));
                Primitive::GetPresenceResponse(GetPresenceResponse { result, presences })
            }
            24 => Primitive::UpdatePresenceRequest(UpdatePresenceRequest { attributes: self.attributes() }),
            25 => {
                let (user_id, attributes) = (self.id(UserId::new), self.maybe(Self::names));
                Primitive::PresenceAuthRequest(PresenceAuthRequest { user_id, attributes })
            }
            _ if self.flag() => Primitive::CancelAuthRequest(CancelAuthRequest { user_id: self.id(UserId::new) }),
            _ => Primitive::PresenceAuthUser(PresenceAuthUser {
                user_id: self.id(UserId::new),
                acceptance: self.flag(),
                attributes: if self.since(Version::V1_2) { self.maybe(Self::names) } else { None },
            }),
        }
    }

    fn message_primitive(&mut self, kind: u8) -> Primitive {
        let content = self.content();
        let message = self.message_info(content.as_ref());
        match kind {
            27 => {
                let delivery_report = self.flag();
                Primitive::SendMessageRequest(Box::new(SendMessageRequest { delivery_report, message, content }))
            }
            28 => {
                let (result, message_id) = (self.result(), self.maybe(|source| source.id(MessageId::new)));
                Primitive::SendMessageResponse(SendMessageResponse { result, message_id })
            }
            29 => Primitive::NewMessage(Box::new(NewMessage { message, content })),
            30 => Primitive::MessageDelivered(MessageDelivered { message_id: self.id(MessageId::new) }),
            _ => {
                let (result, delivery_time) = (self.result(), self.maybe(Self::moment));
                Primitive::DeliveryReportRequest(Box::new(DeliveryReportRequest { result, delivery_time, message }))
            }
        }
    }
}
