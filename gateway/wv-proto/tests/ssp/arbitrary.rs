//! Any SSP document, grown from a string of choices.

use std::time::Duration;
use wv_proto::{
    codec::date_time::DateTime,
    presence_attribute::{
        AttributeNames, Availability, PresenceAttribute, PresenceAttributeName, PresenceSubList, Qualified,
    },
    primitive::{
        TransactionMode,
        group::{GroupProperties, WelcomeNote},
        identifier::{ClientId, GroupId, MessageId, SessionId, TransactionId, UserId},
        message::Content,
        party::{Property, ScreenName, User},
    },
    ssp::{
        Document, Transaction,
        part::{ContentData, MessageInfo, MetaInfo, Party, PresenceValue, SenderDisplay, ServiceId},
        primitive::{
            CancelInviteRequest, DeliveryStatusReport, GetGroupPropsResponse, GetJoinedUsersResponse,
            GetPresenceRequest, GetPresenceResponse, GroupChangeNotice, GroupQuestion, GroupQuestionKind, GroupStatus,
            InviteBody, InviteRequest, InviteResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupIndication,
            Mapping, MemberAccessRequest, MembersRequest, MembersResponse, PresenceNotification, Primitive,
            RejectListRequest, RejectListResponse, Roles, SendMessageRequest, SendMessageResponse,
            SetGroupPropsRequest, SubscribeRequest, UnsubscribeRequest,
        },
        setup::{SecretToken, SetupStep},
    },
    status::{DetailedResult, StatusCode, StatusResult},
    version::Version,
};

/// How many kinds of primitives there are.
pub(crate) const PRIMITIVE_KINDS: u8 = 34;

/// How many steps of the set-up there are.
pub(crate) const SETUP_KINDS: u8 = 3;

const TEXTS: [&str; 8] = ["x", "a<b>&\"c\" ]]>", "ä€𝄞", "two words", "http://wv.example/?a=b&c=d", "T", "200", "it's"];

const ADDRESSES: [&str; 4] =
    ["wv:alice@wv.example", "wv:+358401234567@wv.example", "wv:a%40b@sip.example", "wv:bob@b.example"];

/// Choices, one octet each; when they run out everything is the first or the smallest.
pub(crate) struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    pub(crate) const fn new(choices: &'a [u8]) -> Self {
        Self(choices)
    }

    /// A document of this kind.
    pub(crate) fn document(&mut self, kind: u8) -> Document {
        let mode = if self.flag() { TransactionMode::Response } else { TransactionMode::Request };
        let id = TransactionId::new(self.text());
        if kind >= PRIMITIVE_KINDS {
            return Document::setup(Version::V1_3, mode, id, self.step(kind - PRIMITIVE_KINDS));
        }
        let transaction = Transaction { mode, transaction_id: id, content: Ok(self.primitive(kind)) };
        Document::transaction(Version::V1_3, SessionId::new("8@wv.example"), transaction)
    }

    fn choice(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn flag(&mut self) -> bool {
        self.choice() & 1 == 1
    }

    fn maybe<T>(&mut self, grow: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flag().then(|| grow(self))
    }

    fn list<T>(&mut self, mut grow: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.choice() % 3).map(|_| grow(self)).collect()
    }

    fn filled<T>(&mut self, mut grow: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..=self.choice() % 3).map(|_| grow(self)).collect()
    }

    fn text(&mut self) -> Box<str> {
        TEXTS[usize::from(self.choice()) % TEXTS.len()].into()
    }

    fn seconds(&mut self) -> Duration {
        Duration::from_secs(u64::from(self.choice()) * 1000)
    }

    fn moment(&mut self) -> DateTime {
        DateTime::from_unix_seconds(i64::from(self.choice()) * 10_000_000).unwrap()
    }

    fn user_id(&mut self) -> UserId {
        UserId::new(ADDRESSES[usize::from(self.choice()) % ADDRESSES.len()])
    }

    fn group_id(&mut self) -> GroupId {
        GroupId::new(["wv:alice/room@wv.example", "wv:/hall@b.example"][usize::from(self.choice() & 1)])
    }

    fn user(&mut self) -> User {
        let client = |source: &mut Self| {
            if source.flag() { ClientId::Application(source.text()) } else { ClientId::from_url(source.text()) }
        };
        User { user_id: self.user_id(), friendly_name: self.maybe(Self::text), client_id: self.maybe(client) }
    }

    fn screen_name(&mut self) -> ScreenName {
        ScreenName { name: self.text(), group_id: self.group_id() }
    }

    fn party(&mut self) -> Party {
        match self.choice() % 3 {
            0 => Party::User(self.user()),
            1 => Party::Group(self.group_id()),
            _ => Party::ScreenName(self.screen_name()),
        }
    }

    fn meta(&mut self) -> MetaInfo {
        let service = ServiceId::of_domain("wv.example");
        if self.flag() { MetaInfo::of_service(service) } else { MetaInfo::of_user(service, self.user()) }
    }

    fn code(&mut self) -> StatusCode {
        StatusCode::NAMED[usize::from(self.choice()) % StatusCode::NAMED.len()]
    }

    fn status(&mut self) -> StatusResult {
        let detail = |source: &mut Self| DetailedResult {
            description: source.maybe(Self::text),
            users: source.list(Self::user_id),
            groups: source.list(Self::group_id),
            screen_names: source.list(Self::screen_name),
            domains: source.list(Self::text),
            ..DetailedResult::new(source.code())
        };
        StatusResult {
            code: self.code(),
            description: self.maybe(Self::text),
            detailed: self.list(detail),
            try_again: self.maybe(Self::seconds),
        }
    }

    fn names(&mut self) -> AttributeNames {
        let mut names = AttributeNames::default();
        for name in self.list(|source| usize::from(source.choice())) {
            names.insert(PresenceAttributeName::ALL[name % PresenceAttributeName::ALL.len()]);
        }
        names
    }

    fn value(&mut self) -> PresenceValue {
        let list = |source: &mut Self| {
            let online = Qualified { qualifier: source.maybe(Self::flag), ..Qualified::valid(source.flag()) };
            let online = if source.flag() { online.of_client(ClientId::from_url(source.text())) } else { online };
            let attributes = [
                PresenceAttribute::OnlineStatus(online),
                PresenceAttribute::UserAvailability(Qualified::valid(Availability::Discreet)),
                PresenceAttribute::StatusText(Qualified::valid(source.text())),
            ];
            attributes.into_iter().collect::<PresenceSubList>()
        };
        PresenceValue { user_id: self.user_id(), attributes: self.maybe(list) }
    }

    fn info(&mut self) -> MessageInfo {
        let display = |source: &mut Self| match source.choice() % 4 {
            0 => SenderDisplay::Name(source.text()),
            1 => SenderDisplay::Party(Party::User(source.user_id().into())),
            2 => SenderDisplay::Party(Party::Group(source.group_id())),
            _ => SenderDisplay::Party(Party::ScreenName(source.screen_name())),
        };
        MessageInfo {
            message_id: self.maybe(|source| MessageId::new(source.text())),
            message_uri: self.maybe(Self::text),
            content_type: self.maybe(Self::text),
            content_name: self.maybe(Self::text),
            content_size: self.maybe(|source| u32::from(source.choice())),
            validity: self.maybe(Self::seconds),
            recipients: self.list(Self::party),
            sender: self.maybe(Self::party),
            sender_display: self.maybe(display),
            date_time: self.maybe(Self::moment),
        }
    }

    fn content(&mut self) -> ContentData {
        ContentData { content_type: self.maybe(Self::text), octets: vec![0, self.choice(), 255].into() }
    }

    fn welcome(&mut self) -> WelcomeNote {
        WelcomeNote { content_type: self.text(), content: Content::from_text(&self.text()) }
    }

    fn own(&mut self) -> Vec<Property> {
        self.list(|source| Property { name: source.text(), value: source.maybe(Self::text) })
    }

    fn properties(&mut self) -> GroupProperties {
        GroupProperties { properties: self.own(), welcome_note: self.maybe(Self::welcome) }
    }

    fn users(&mut self) -> Vec<UserId> {
        self.list(Self::user_id)
    }

    fn roles(&mut self) -> Roles {
        Roles {
            admins: self.maybe(Self::users),
            moderators: self.maybe(Self::users),
            ordinary: self.maybe(Self::users),
        }
    }

    fn mappings(&mut self) -> Vec<Mapping> {
        self.list(|source| Mapping { name: source.text(), user_id: source.maybe(Self::user_id) })
    }

    fn body(&mut self) -> InviteBody {
        InviteBody {
            group_id: self.maybe(Self::group_id),
            application_id: self.maybe(Self::text),
            attributes: self.maybe(Self::names),
            links: self.list(Self::text),
            screen_name: self.maybe(Self::screen_name),
        }
    }

    fn notice(&mut self) -> GroupChangeNotice {
        GroupChangeNotice {
            joined: self.maybe(|source| source.list(Self::text)),
            left: self.maybe(|source| source.list(Self::text)),
            joined_blocked: self.maybe(Self::users),
            left_blocked: self.maybe(Self::users),
            properties: self.maybe(Self::properties),
            own_properties: self.maybe(Self::own),
            ..GroupChangeNotice::new(self.meta(), self.group_id(), self.list(Self::user))
        }
    }

    fn step(&mut self, kind: u8) -> SetupStep {
        let service = ServiceId::of_domain("wv.example");
        let secret = SecretToken::from_octets([self.choice(); 16]);
        match kind {
            0 => SetupStep::SendSecretToken { service, secret, version: self.maybe(Self::text) },
            1 => SetupStep::LoginRequest { service, time_to_live: self.maybe(Self::seconds), digest: secret.digest() },
            _ => SetupStep::LoginResponse {
                session_id: self.maybe(|source| SessionId::new(source.text())),
                time_to_live: self.maybe(Self::seconds),
                status: self.status(),
            },
        }
    }

    fn primitive(&mut self, kind: u8) -> Primitive {
        use Primitive as P;
        let (meta, group_id) = (self.meta(), self.group_id());
        let status = self.maybe(Self::status);
        match kind {
            0 => P::Status(self.status()),
            1 => P::SubscribeRequest(Box::new(SubscribeRequest {
                meta,
                users: self.filled(Self::user_id),
                attributes: self.maybe(Self::names),
            })),
            2 => P::UnsubscribeRequest(Box::new(UnsubscribeRequest { meta, users: self.filled(Self::user_id) })),
            3 => P::PresenceNotification(PresenceNotification {
                watchers: self.list(Self::user),
                values: self.list(Self::value),
            }),
            4 => P::GetPresenceRequest(Box::new(GetPresenceRequest {
                meta,
                users: self.filled(Self::user_id),
                attributes: self.maybe(Self::names),
            })),
            5 => P::GetPresenceResponse(GetPresenceResponse { status, values: self.list(Self::value) }),
            6 => P::SendMessageRequest(Box::new(SendMessageRequest {
                meta,
                delivery_report: self.flag(),
                message: self.info(),
                content: self.maybe(Self::content),
            })),
            7 => P::SendMessageResponse(SendMessageResponse {
                message_id: self.maybe(|source| MessageId::new(source.text())),
                status: self.status(),
            }),
            8 => P::DeliveryStatusReport(Box::new(DeliveryStatusReport {
                meta,
                result: self.status(),
                delivery_time: self.maybe(Self::moment),
                message: self.info(),
            })),
            9 => P::InviteRequest(Box::new(InviteRequest {
                meta,
                invite_id: self.text(),
                invite_type: self.text(),
                validity: self.maybe(Self::seconds),
                inviting: self.party(),
                invited: self.party(),
                body: self.body(),
                note: self.maybe(Self::text),
            })),
            10 => P::InviteResponse(Box::new(InviteResponse {
                meta,
                invite_id: self.text(),
                acceptance: self.flag(),
                status,
                inviting: self.party(),
                responding: self.party(),
                note: self.maybe(Self::text),
                screen_name: self.maybe(Self::screen_name),
            })),
            11 => P::CancelInviteRequest(Box::new(CancelInviteRequest {
                meta,
                invite_id: self.text(),
                canceling: self.party(),
                canceled: self.party(),
                body: self.body(),
                note: self.maybe(Self::text),
            })),
            12 => P::JoinGroupRequest(Box::new(JoinGroupRequest {
                meta,
                group_id,
                joined_list_request: self.flag(),
                subscribe_notification: self.flag(),
                screen_name: self.maybe(Self::screen_name),
                own_properties: self.maybe(Self::own),
            })),
            13 => P::JoinGroupResponse(Box::new(JoinGroupResponse {
                status: self.status(),
                joined: self.maybe(|source| source.list(Self::text)),
                welcome_note: self.maybe(Self::welcome),
            })),
            14 => P::LeaveGroupIndication(LeaveGroupIndication {
                group_id: self.maybe(Self::group_id),
                status,
                reason: self.maybe(Self::text),
            }),
            15 => P::GetGroupMemberResponse(MembersResponse { status, members: self.roles() }),
            16 => P::GetJoinedUsersResponse(Box::new(GetJoinedUsersResponse {
                status,
                admins: self.maybe(Self::mappings),
                users: self.maybe(Self::mappings),
                blocked: self.maybe(Self::mappings),
            })),
            17 => P::MemberAccessRequest(Box::new(MemberAccessRequest { meta, group_id, members: self.roles() })),
            18 => P::GetGroupPropsResponse(Box::new(GetGroupPropsResponse {
                status,
                properties: self.maybe(Self::properties),
                own_properties: self.maybe(Self::own),
            })),
            19 => P::SetGroupPropsRequest(Box::new(SetGroupPropsRequest {
                meta,
                group_id,
                properties: self.maybe(Self::properties),
                own_properties: self.maybe(Self::own),
            })),
            20 => P::RejectListRequest(Box::new(RejectListRequest {
                meta,
                group_id,
                add: self.maybe(Self::users),
                remove: self.maybe(Self::users),
            })),
            21 => P::RejectListResponse(RejectListResponse { status, users: self.maybe(Self::users) }),
            22 => P::GetGroupSubStatusResponse(GroupStatus {
                group_id: self.maybe(Self::group_id),
                subscribed: self.flag(),
                status,
            }),
            23 => P::GroupChangeNotice(Box::new(self.notice())),
            24 | 25 => P::Members(MembersRequest { adds: kind == 24, meta, group_id, users: self.users() }),
            other => {
                let kind = GroupQuestionKind::ALL[usize::from(other - 26)];
                P::GroupQuestion(GroupQuestion { kind, meta, group_id })
            }
        }
    }
}
