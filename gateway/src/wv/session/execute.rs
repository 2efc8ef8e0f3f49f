//! Requests of clients as operations of the engine.

mod authorization;
mod group;
mod invitation;
mod lookup;
mod map;
pub(super) mod search;
pub(super) mod service;
mod waiting;

pub(super) use group::{GroupQuestion, GroupShape};
pub(super) use lookup::LookupQuestion;

use super::{Sessions, command::announcement_of, to_wv};
use crate::wv::translate::{address, contact_list, message, outcome, presence, watcher};
use mapping::{
    address::Address,
    event::{
        Acknowledgement as NeutralAcknowledgement, EventKind, Operation, Publication, PublicationChange, Submission,
    },
    message::MessageId,
    outcome::{Detail, Outcome},
    presence::DeviceId,
    time::Timestamp,
    watcher::Decision,
};
use wv_proto::{
    primitive::{
        Primitive,
        access::Status,
        contact_list::{CreateListRequest, ListManageRequest},
        identifier::{GroupId, SessionId},
        message::SendMessageRequest,
        presence::{
            GetPresenceRequest, PresenceAuthUser, SubscribePresenceRequest, UnsubscribePresenceRequest,
            UpdatePresenceRequest,
        },
        provider::VerifyIdRequest,
    },
    quirk::Quirk,
    session::{poll::QueueKey, server::Acknowledgement, transaction::Ticket},
    status::{StatusCode, StatusResult},
    version::Version,
};

/// What to do when the engine answers.
pub(super) enum Pending {
    /// Answer the transaction of a session.
    Transaction { session: SessionId, ticket: Ticket, shape: Shape, refused: Vec<Detail> },
    /// Answer a transaction about a group.
    Group(Box<GroupQuestion>),
    /// Go on with the conversations that there are.
    Lookup(Box<LookupQuestion>),
    /// Tell the client that its user takes part in a group now.
    JoinedByItself { session: SessionId, group: GroupId },
    /// Nothing: the outcome changes nothing here.
    Nothing,
}

/// Which primitive answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Status,
    Lists,
    CreatedList,
    ManagedList { wants_list: bool },
    Presence,
    Sent,
    AttributeLists,
    Watchers { most: Option<u32> },
    Decisions,
    Verified(Box<VerifyIdRequest>),
    MessageList,
    Message,
    Forwarded,
    Screening,
    Map,
}

impl Sessions {
    /// Executes a request of a client.
    pub(super) fn execute(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, primitive: Primitive) {
        self.note_spelling(id, &primitive);
        match primitive {
            Primitive::GetListRequest => self.request(id, ticket, Shape::Lists, Operation::GetContactLists, Vec::new()),
            Primitive::CreateListRequest(request) => self.create_list(now, id, ticket, &request),
            Primitive::DeleteListRequest(request) => match self.neutral(request.contact_list.as_str()) {
                Some(list) => {
                    self.request(id, ticket, Shape::Status, Operation::DeleteContactList { list }, Vec::new());
                }
                None => self.refuse_transaction(now, id, ticket, StatusCode::CONTACT_LIST_UNKNOWN),
            },
            Primitive::ListManageRequest(request) => self.manage_list(now, id, ticket, &request),
            Primitive::UpdatePresenceRequest(request) => self.update_presence(now, id, ticket, &request),
            Primitive::GetPresenceRequest(request) => self.fetch_presence(now, id, ticket, &request),
            Primitive::SubscribePresenceRequest(request) => self.subscribe_presence(now, id, ticket, &request),
            Primitive::UnsubscribePresenceRequest(request) => self.unsubscribe_presence(now, id, ticket, &request),
            Primitive::PresenceAuthUser(request) => self.authorize(now, id, ticket, &request),
            Primitive::CancelAuthRequest(request) => match self.neutral(request.user_id.as_str()) {
                Some(watcher) => {
                    self.request(id, ticket, Shape::Status, Operation::CancelAuthorization { watcher }, Vec::new());
                }
                None => self.refuse_outcome(now, id, ticket, Outcome::BadAddress),
            },
            Primitive::CreateAttributeListRequest(request) => self.create_attribute_list(now, id, ticket, &request),
            Primitive::DeleteAttributeListRequest(request) => self.delete_attribute_list(now, id, ticket, &request),
            Primitive::GetAttributeListRequest(request) => self.attribute_list(now, id, ticket, &request),
            Primitive::GetWatcherListRequest(request) => self.watcher_list(id, ticket, request),
            Primitive::GetReactiveAuthStatusRequest(request) => self.authorization_status(now, id, ticket, &request),
            Primitive::SubscribeNotificationRequest(request) => {
                self.subscribe_notices(now, id, ticket, &request.types);
            }
            Primitive::UnsubscribeNotificationRequest(request) => {
                self.unsubscribe_notices(now, id, ticket, &request.types);
            }
            Primitive::GetSpInfoRequest(request) => self.provider_info(now, id, ticket, request.client_id),
            Primitive::SearchRequest(request) => self.search(now, id, ticket, &request),
            Primitive::StopSearchRequest(request) => self.stop_search(now, id, ticket, &request),
            Primitive::VerifyIdRequest(request) => self.verify_id(id, ticket, *request),
            Primitive::GetMapRequest(request) => self.find_map(now, id, ticket, &request),
            Primitive::GetPublicProfileRequest(request) => self.public_profiles(now, id, ticket, &request),
            Primitive::UpdatePublicProfileRequest(request) => {
                self.update_public_profile(now, id, ticket, &request);
            }
            Primitive::SendMessageRequest(request) => self.send_message(now, id, ticket, &request),
            other => self.execute_group(now, id, ticket, other),
        }
    }

    fn create_list(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: &CreateListRequest) {
        let Some(list) = self.neutral(request.contact_list.as_str()) else {
            return self.refuse_outcome(now, id, ticket, Outcome::BadAddress);
        };
        let Ok(properties) = contact_list::from_properties(&request.properties) else {
            return self.refuse_outcome(now, id, ticket, Outcome::BadContactListProperty);
        };
        let (mut members, mut refused) = (Vec::new(), Vec::new());
        for nick in &request.contacts {
            match contact_list::from_nick_name(nick, &self.settings.domain_default) {
                Ok(contact) => members.push(contact),
                Err(_) => refused.extend(watcher::refused(nick.user_id.as_str(), &self.settings.domain_default)),
            }
        }
        let operation = Operation::CreateContactList {
            list,
            written: request.contact_list.as_str().to_owned(),
            members,
            display_name: properties.display_name,
            make_default: properties.make_default,
        };
        self.request(id, ticket, Shape::CreatedList, operation, refused);
    }

    fn manage_list(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: &ListManageRequest) {
        let version = self.version(id);
        let Some(list) = self.neutral(request.contact_list.as_str()) else {
            return self.refuse_outcome(now, id, ticket, Outcome::UnknownContactList);
        };
        let domain_default = self.settings.domain_default.clone();
        let Ok((mut change, refused)) = contact_list::from_change(request.change.as_ref(), &domain_default) else {
            return self.refuse_outcome(now, id, ticket, Outcome::BadContactListProperty);
        };
        // WV-LST-05: it is about those who are added.
        change.authorize = request.authorize_and_grant.unwrap_or(false) && version == Version::V1_3;
        let refused = refused.iter().filter_map(|user| watcher::refused(user.as_str(), &domain_default)).collect();
        let shape = Shape::ManagedList { wants_list: request.wants_list(version) };
        self.request(id, ticket, shape, Operation::ManageContactList { list, change }, refused);
    }

    fn update_presence(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: &UpdatePresenceRequest) {
        let Some(entry) = self.entries.get(id) else { return };
        let device = DeviceId::new(entry.machine.party().client_id.as_str());
        match presence::from_update(&request.attributes, &device, now) {
            Ok(document) => {
                let change = PublicationChange::Merge(Box::new(document));
                let operation = Operation::Publish(Publication { device, change });
                self.request(id, ticket, Shape::Status, operation, Vec::new());
            }
            Err(_) => self.refuse_outcome(now, id, ticket, Outcome::BadPresenceValue),
        }
    }

    fn fetch_presence(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: &GetPresenceRequest) {
        let targets = watcher::from_targets(&request.users, &request.contact_lists, &self.settings.domain_default);
        if targets.addresses.is_empty() {
            return self.refuse_targets(now, id, ticket, &targets.refused);
        }
        let attributes = presence::from_names(request.attributes.as_ref());
        let operation = Operation::Fetch { targets: targets.addresses, attributes };
        self.request(id, ticket, Shape::Presence, operation, targets.refused);
    }

    fn subscribe_presence(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        ticket: Ticket,
        request: &SubscribePresenceRequest,
    ) {
        let targets = watcher::from_targets(&request.users, &request.contact_lists, &self.settings.domain_default);
        if targets.addresses.is_empty() {
            return self.refuse_targets(now, id, ticket, &targets.refused);
        }
        // WV-PRS-09: in 1.1 the element does not exist; clients that send it all the same subscribe anew themselves.
        let auto_subscribe = request.auto_subscribe.unwrap_or(false) && self.version(id) != Version::V1_1;
        let attributes = presence::from_names(request.attributes.as_ref());
        let operation = Operation::Watch { targets: targets.addresses, attributes, auto_subscribe };
        self.request(id, ticket, Shape::Status, operation, targets.refused);
    }

    fn unsubscribe_presence(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        ticket: Ticket,
        request: &UnsubscribePresenceRequest,
    ) {
        let targets = watcher::from_targets(&request.users, &request.contact_lists, &self.settings.domain_default);
        if targets.addresses.is_empty() {
            return self.refuse_targets(now, id, ticket, &targets.refused);
        }
        let operation = Operation::Unwatch { targets: targets.addresses };
        self.request(id, ticket, Shape::Status, operation, targets.refused);
    }

    fn authorize(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: &PresenceAuthUser) {
        let Some(watcher) = self.neutral(request.user_id.as_str()) else {
            return self.refuse_outcome(now, id, ticket, Outcome::BadAddress);
        };
        let decision = if request.acceptance { Decision::Allow } else { Decision::Block };
        let attributes = presence::from_names(request.attributes.as_ref());
        let operation = Operation::Authorize { watcher, decision, attributes };
        self.request(id, ticket, Shape::Status, operation, Vec::new());
    }

    fn send_message(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: &SendMessageRequest) {
        let Some(user) = self.entries.get(id).map(|entry| entry.user.clone()) else { return };
        let domain = self.settings.domain_default.clone();
        // WV-MSG-03: a missing sender is the user of the session, a wrong one is refused.
        if let Some(sender) = &request.message.sender {
            use wv_proto::primitive::party::Sender;
            match sender {
                Sender::User(named) if self.is_own_name(id, named.user_id.as_str()) => {}
                Sender::User(_) => return self.refuse_outcome(now, id, ticket, Outcome::Forbidden),
                Sender::Group(_) if request.message.recipient.groups.is_empty() => {
                    return self.refuse_outcome(now, id, ticket, Outcome::Forbidden);
                }
                Sender::Group(_) => {}
            }
        }
        let recipient = &request.message.recipient;
        let conversations = match self.hearers(&recipient.groups, request.message.sender.as_ref()) {
            Ok(conversations) => conversations,
            Err(code) => return self.refuse_transaction(now, id, ticket, code),
        };
        let targets = watcher::from_targets(&recipient.users, &recipient.contact_lists, &domain);
        if targets.addresses.is_empty() && conversations.is_empty() {
            return self.refuse_targets(now, id, ticket, &targets.refused);
        }
        let fresh = self.origin(id, ticket);
        let Some(entry) = self.entries.get_mut(id) else { return };
        let origin = entry.unheard.origin(now, ticket.post, request, fresh.clone());
        if origin != fresh {
            entry.machine.heeds(Quirk::NewIdOnRetry);
        }
        let Some(message) = message::from_send(request, &user, &origin, self.settings.validity_default, now) else {
            return self.refuse_outcome(now, id, ticket, Outcome::UnsupportedContent);
        };
        if message.content.body.len() > self.settings.content_octets_max {
            return self.refuse_outcome(now, id, ticket, Outcome::TooLarge);
        }
        // WV-MSG-15
        let devices = recipient.users.iter().filter_map(|user| {
            let client = user.client_id.as_ref()?;
            Some((self.neutral(user.user_id.as_str())?, DeviceId::new(client.as_str())))
        });
        let devices = devices.collect();
        let submission = Submission { recipients: targets.addresses, devices, conversations, message };
        let operation = Operation::Send(submission);
        self.request(id, ticket, Shape::Sent, operation, targets.refused);
    }

    /// Whether a text names the user of the session.
    fn is_own_name(&self, id: &SessionId, named: &str) -> bool {
        let user = self.entries.get(id).map(|entry| &entry.user);
        user.is_some_and(|user| self.neutral(named).as_ref() == Some(user))
    }

    /// What makes a repeated request recognisable. It grows: what is kept at one time is near to each other then.
    fn origin(&self, id: &SessionId, ticket: Ticket) -> String {
        format!("{:08x}.{:012x} {id}", self.settings.epoch.number(), ticket.post.number())
    }

    fn request(&mut self, id: &SessionId, ticket: Ticket, shape: Shape, operation: Operation, refused: Vec<Detail>) {
        let Some(user) = self.entries.get(id).map(|entry| entry.user.clone()) else { return };
        let pending = Pending::Transaction { session: id.clone(), ticket, shape, refused };
        self.ask(user, id, operation, pending);
    }

    fn refuse_outcome(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, refusal: Outcome) {
        let result = outcome::to_result(refusal, &[], self.version(id));
        self.settle_later(now, id, ticket, Primitive::Status(Status::from(result)));
    }

    /// Nothing is left to do: each text that named no address has its detail.
    fn refuse_targets(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, refused: &[Detail]) {
        let refusal = if refused.is_empty() { Outcome::BadParameter } else { Outcome::BadAddress };
        let result = outcome::to_result(refusal, refused, self.version(id));
        self.settle_later(now, id, ticket, Primitive::Status(Status::from(result)));
    }

    pub(super) fn refuse_transaction(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, code: StatusCode) {
        self.settle_later(now, id, ticket, Primitive::Status(Status::from(StatusResult::new(code))));
    }

    /// Answers from within the loop that drives the session, which picks up what comes of it.
    pub(super) fn settle_later(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, primitive: Primitive) {
        self.settle_changes(now, id, ticket, &primitive);
        if let Some(entry) = self.entries.get_mut(id) {
            let event = wv_proto::session::server::Event::Answer { ticket, primitive };
            entry.machine.handle(to_wv(now), event);
        }
    }

    pub(super) fn version(&self, id: &SessionId) -> Version {
        self.entries.get(id).map_or(Version::V1_2, |entry| entry.machine.party().version)
    }

    fn neutral(&self, text: &str) -> Option<Address> {
        address::to_neutral(text, &self.settings.domain_default).ok()
    }
}

/// What a client's answer to something of ours means to the engine.
pub(super) fn acknowledgement(
    id: &SessionId,
    user: &Address,
    key: &QueueKey,
    answer: &Acknowledgement,
) -> Option<EventKind> {
    match key {
        QueueKey::Message(named) => {
            let outcome = match answer {
                Acknowledgement::Answered(primitive) => {
                    primitive.result().map_or(Outcome::Success, |result| outcome::from_code(result.code))
                }
                Acknowledgement::Unreadable | Acknowledgement::Presumed => Outcome::Success,
            };
            let message = MessageId::new(named.as_str());
            let endpoint = super::endpoint_of(id);
            Some(EventKind::Acknowledged(NeutralAcknowledgement { user: user.clone(), endpoint, message, outcome }))
        }
        QueueKey::Report(name) => {
            let (message, recipient) = name.split_once(' ')?;
            Some(EventKind::ReportTaken {
                message: MessageId::new(message),
                recipient: Address::parse(recipient).ok()?,
                sender: user.clone(),
            })
        }
        QueueKey::Other(text) => {
            Some(EventKind::AnnouncementSeen { user: user.clone(), id: announcement_of(text)?.into() })
        }
        QueueKey::Invitation(key) => super::group::acknowledgement(user, key, answer),
        // WV-MSG-08
        QueueKey::Notice(_) | QueueKey::Presence(_) | QueueKey::Authorisation(_) | QueueKey::Group(..) => None,
    }
}
