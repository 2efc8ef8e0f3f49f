//! Requests of peers as operations of the engine.

use super::{Federation, endpoint_of, far::group_of, group::GroupShape};
use crate::wv::translate::{address, conversation, outcome, presence, ssp as translate};
use mapping::{
    address::Address,
    conversation::{Hearers, Talk},
    event::{EventKind, Operation, Submission},
    federation::{FarWord, FarWordKind},
    message::Message,
    outcome::Outcome,
    route::Route,
    side::Side,
    time::Timestamp,
};
use wv_proto::{
    primitive::identifier::{GroupId, MessageId as WvMessageId, TransactionId, UserId},
    ssp::{
        Fault,
        document::Unreadable,
        part::{MetaInfo, Party, SenderDisplay},
        primitive::{
            DeliveryStatusReport, GetPresenceRequest, PresenceNotification, Primitive, SendMessageRequest,
            SendMessageResponse, SubscribeRequest, UnsubscribeRequest,
        },
    },
    status::{DetailedResult, StatusCode, StatusResult},
    version::Version,
};

/// What to do when the engine answers.
pub(super) enum Pending {
    /// Answer a transaction of a peer.
    Transaction { index: usize, transaction_id: TransactionId, shape: Shape, refused: Vec<DetailedResult> },
    /// Answer a transaction about a group.
    Group { index: usize, transaction_id: TransactionId, shape: GroupShape, group: GroupId },
    /// Nothing: the outcome changes nothing here.
    Nothing,
}

/// Which primitive answers.
pub(super) enum Shape {
    /// Status.
    Status,
    /// Status, and then what there is to see.
    Watching { watcher: Address, presentities: Vec<Address> },
    /// GetPresenceResponse.
    Presence,
    /// SendMessageResponse.
    Sent(Option<WvMessageId>),
}

/// Users that a request names, and those that it cannot mean.
struct Targets {
    addresses: Vec<Address>,
    refused: Vec<DetailedResult>,
}

impl Federation {
    /// Does what a peer wants.
    pub(super) fn execute(
        &mut self,
        now: Timestamp,
        index: usize,
        transaction_id: TransactionId,
        content: Result<Primitive, Unreadable>,
    ) {
        if self.members.get(index).is_none_or(|member| member.leaves_at.is_some()) {
            return self.refuse(now, index, transaction_id, StatusCode::FORBIDDEN);
        }
        let primitive = match content {
            Ok(primitive) => primitive,
            Err(unreadable) => return self.refuse(now, index, transaction_id, code_of(&unreadable)),
        };
        match primitive {
            Primitive::SendMessageRequest(request) => self.send_message(now, index, transaction_id, *request),
            Primitive::SubscribeRequest(request) => self.subscribe(now, index, transaction_id, &request),
            Primitive::UnsubscribeRequest(request) => self.unsubscribe(now, index, transaction_id, &request),
            Primitive::GetPresenceRequest(request) => self.presence(now, index, transaction_id, &request),
            Primitive::PresenceNotification(notification) => self.notified(now, index, &notification),
            Primitive::DeliveryStatusReport(report) => self.reported(now, index, &report),
            // The other end answers; where it asks so, there is nothing to be done.
            Primitive::Status(_)
            | Primitive::GetPresenceResponse(_)
            | Primitive::SendMessageResponse(_)
            | Primitive::JoinGroupResponse(_)
            | Primitive::GetGroupMemberResponse(_)
            | Primitive::GetJoinedUsersResponse(_)
            | Primitive::GetGroupPropsResponse(_)
            | Primitive::RejectListResponse(_)
            | Primitive::GetGroupSubStatusResponse(_) => {}
            Primitive::InviteRequest(request) => self.invite(now, index, transaction_id, &request),
            Primitive::CancelInviteRequest(request) => self.cancel(now, index, transaction_id, &request),
            Primitive::InviteResponse(response) => self.responded(index, &response),
            Primitive::GroupChangeNotice(notice) => self.group_changed(index, &notice),
            Primitive::LeaveGroupIndication(indication) => self.group_left(now, index, &indication),
            group @ (Primitive::JoinGroupRequest(_)
            | Primitive::MemberAccessRequest(_)
            | Primitive::SetGroupPropsRequest(_)
            | Primitive::RejectListRequest(_)
            | Primitive::GroupQuestion(_)
            | Primitive::Members(_)) => self.execute_group(now, index, transaction_id, group),
        }
    }

    pub(super) fn refuse(&mut self, now: Timestamp, index: usize, transaction_id: TransactionId, code: StatusCode) {
        let status = StatusResult::new(code).with_meaning();
        self.answer_peer(now, index, transaction_id, Primitive::Status(status));
    }

    /// The two domains of an association: ours and the peer's.
    pub(super) fn domains_of(&self, index: usize) -> Option<(String, String)> {
        let settings = self.members.get(index)?.machine.settings();
        Some((settings.local.domain().to_owned(), settings.peer.domain().to_owned()))
    }

    /// Who asks: a user of the peer's domain and of no other.
    // WV-SSP-07
    pub(super) fn requester(
        &self,
        index: usize,
        meta: &MetaInfo,
        otherwise: Option<&UserId>,
    ) -> Result<Address, StatusCode> {
        let (_, peer) = self.domains_of(index).ok_or(StatusCode::INTERNAL_ERROR)?;
        let named = meta.user.as_ref().map(|user| &user.user_id).or(otherwise).ok_or(StatusCode::INVALID_SENDER)?;
        let user = address::to_neutral(named.as_str(), &peer).map_err(|_| StatusCode::INVALID_SENDER)?;
        if user.domain() == peer { Ok(user) } else { Err(StatusCode::new(901).unwrap_or(StatusCode::FORBIDDEN)) }
    }

    /// The users that are meant, as far as a peer may mean them: never those of a third server.
    // WV-SSP-09
    fn targets<'a>(&self, local: &str, users: impl IntoIterator<Item = &'a UserId>) -> Targets {
        let mut targets = Targets { addresses: Vec::new(), refused: Vec::new() };
        for user in users {
            let code = match address::to_neutral(user.as_str(), local) {
                Err(_) => StatusCode::UNKNOWN_USER,
                Ok(target) if self.is_ours(&target) => {
                    targets.addresses.push(target);
                    continue;
                }
                Ok(_) => StatusCode::DOMAIN_NOT_SUPPORTED,
            };
            targets.refused.push(DetailedResult::of_users(code, vec![user.clone()]));
        }
        targets
    }

    /// Whether we speak for the address's domain: it is hosted here, or lives on the other side.
    pub(super) fn is_ours(&self, target: &Address) -> bool {
        let row = self.settings.domains.find(target);
        row.is_some_and(|row| row.route == Route::Hosted || row.side == Side::Simple)
    }

    fn send_message(
        &mut self,
        now: Timestamp,
        index: usize,
        transaction_id: TransactionId,
        request: SendMessageRequest,
    ) {
        let message_id = request.message.message_id.clone();
        let refuse = |federation: &mut Self, transaction_id, status: StatusResult| {
            let response = SendMessageResponse { message_id: None, status };
            federation.answer_peer(now, index, transaction_id, Primitive::SendMessageResponse(response));
        };
        if let Some(sender) = request.message.sender.as_ref().filter(|sender| group_of(sender).is_some()) {
            let status = self.said_in_group(now, index, &request, sender);
            let response = SendMessageResponse { message_id, status };
            return self.answer_peer(now, index, transaction_id, Primitive::SendMessageResponse(response));
        }
        let said_by = request.message.sender.as_ref().and_then(Party::user).map(|user| &user.user_id);
        let sender = match self.requester(index, &request.meta, said_by) {
            Ok(sender) => sender,
            Err(code) => return refuse(self, transaction_id, StatusResult::new(code).with_meaning()),
        };
        let Some((local, peer)) = self.domains_of(index) else { return };
        let users = request.message.recipients.iter().filter_map(Party::user).map(|user| &user.user_id);
        let Targets { addresses, refused } = self.targets(&local, users);
        let conversations = self.hearers(&local, &request.message.recipients);
        if addresses.is_empty() && conversations.is_empty() {
            let status = match refused.as_slice() {
                [] => StatusResult::new(StatusCode::BAD_PARAMETER).with_meaning(),
                refused => whole_of(refused),
            };
            return refuse(self, transaction_id, status);
        }
        let origin = format!("ssp/{peer}/{}", message_id.as_ref().map_or(transaction_id.as_str(), WvMessageId::as_str));
        let Some(message) = translate::from_send(&request, &sender, &origin, self.settings.validity_default, now)
        else {
            let status = StatusResult::new(StatusCode::UNSUPPORTED_MEDIA_TYPE).with_meaning();
            return refuse(self, transaction_id, status);
        };
        let devices = Vec::new();
        let submission = Submission { recipients: addresses, devices, conversations, message };
        let shape = Shape::Sent(message_id);
        let pending = Pending::Transaction { index, transaction_id, shape, refused };
        let endpoint = endpoint_of(&local, &sender);
        self.ask(sender, endpoint, Operation::Send(submission), pending);
    }

    /// The groups here that are meant, and those in them who are to hear it alone.
    fn hearers(&self, local: &str, recipients: &[Party]) -> Vec<Hearers> {
        let of = |party: &Party| {
            let (group, name) = group_of(party)?;
            let conversation = conversation::from_group_id(group, local)?;
            let addressee = name.map(str::to_owned);
            self.is_ours(&conversation).then_some(Hearers { conversation, addressee, speaker: None })
        };
        recipients.iter().filter_map(of).collect()
    }

    /// Something was said in a group of the peer in which users of ours take part.
    fn said_in_group(
        &mut self,
        now: Timestamp,
        index: usize,
        request: &SendMessageRequest,
        sender: &Party,
    ) -> StatusResult {
        let refused = |code| StatusResult::new(code).with_meaning();
        let Some((local, peer)) = self.domains_of(index) else { return refused(StatusCode::INTERNAL_ERROR) };
        let group = group_of(sender).and_then(|(group, name)| Some((group, self.far_group(group, &peer)?, name)));
        let Some((group, conversation, name)) = group else { return refused(StatusCode::FORBIDDEN) };
        let shown = match &request.message.sender_display {
            Some(SenderDisplay::Party(Party::ScreenName(shown))) => Some(shown.name.as_ref()),
            Some(SenderDisplay::Name(shown)) => Some(shown.as_ref()),
            Some(SenderDisplay::Party(_)) | None => name,
        };
        let users = request.message.recipients.iter().filter_map(Party::user).map(|user| &user.user_id);
        let Targets { addresses, refused: unknown } = self.targets(&local, users);
        let origin = "";
        let Some(message) = translate::from_send(request, &conversation, origin, self.settings.validity_default, now)
        else {
            return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        };
        if addresses.is_empty() {
            return whole_of(&unknown);
        }
        for user in addresses {
            let talk = Talk {
                conversation: conversation.clone(),
                written: group.as_str().into(),
                speaker: shown.unwrap_or_default().to_owned(),
                addressee: None,
                endpoints: Vec::new(),
            };
            let message = Message { recipient: user.clone(), talk: Some(Box::new(talk)), ..message.clone() };
            let kind = FarWordKind::Said(Box::new(message));
            self.tell(EventKind::Far(Box::new(FarWord { user, kind })));
        }
        StatusResult::success().with_meaning()
    }

    /// Who asks to see whom; none where the peer is answered already.
    fn watched_by(
        &mut self,
        now: Timestamp,
        index: usize,
        transaction_id: &TransactionId,
        meta: &MetaInfo,
        users: &[UserId],
    ) -> Option<(Address, String, Targets)> {
        let watcher = match self.requester(index, meta, None) {
            Ok(watcher) => watcher,
            Err(code) => {
                self.refuse(now, index, transaction_id.clone(), code);
                return None;
            }
        };
        let (local, _) = self.domains_of(index)?;
        let targets = self.targets(&local, users);
        if targets.addresses.is_empty() {
            let status = Primitive::Status(whole_of(&targets.refused));
            self.answer_peer(now, index, transaction_id.clone(), status);
            return None;
        }
        Some((watcher, local, targets))
    }

    fn subscribe(&mut self, now: Timestamp, index: usize, transaction_id: TransactionId, request: &SubscribeRequest) {
        let asked = self.watched_by(now, index, &transaction_id, &request.meta, &request.users);
        let Some((watcher, local, Targets { addresses, refused })) = asked else { return };
        let attributes = presence::from_names(request.attributes.as_ref());
        let operation = Operation::Watch { targets: addresses.clone(), attributes, auto_subscribe: false };
        let shape = Shape::Watching { watcher: watcher.clone(), presentities: addresses };
        let pending = Pending::Transaction { index, transaction_id, shape, refused };
        let endpoint = endpoint_of(&local, &watcher);
        self.ask(watcher, endpoint, operation, pending);
    }

    fn unsubscribe(
        &mut self,
        now: Timestamp,
        index: usize,
        transaction_id: TransactionId,
        request: &UnsubscribeRequest,
    ) {
        let asked = self.watched_by(now, index, &transaction_id, &request.meta, &request.users);
        let Some((watcher, local, Targets { addresses, refused })) = asked else { return };
        self.forget_first_views(&watcher, &addresses);
        let pending = Pending::Transaction { index, transaction_id, shape: Shape::Status, refused };
        let endpoint = endpoint_of(&local, &watcher);
        self.ask(watcher, endpoint, Operation::Unwatch { targets: addresses }, pending);
    }

    fn presence(&mut self, now: Timestamp, index: usize, transaction_id: TransactionId, request: &GetPresenceRequest) {
        let asked = self.watched_by(now, index, &transaction_id, &request.meta, &request.users);
        let Some((watcher, local, Targets { addresses, refused })) = asked else { return };
        let attributes = presence::from_names(request.attributes.as_ref());
        let pending = Pending::Transaction { index, transaction_id, shape: Shape::Presence, refused };
        let endpoint = endpoint_of(&local, &watcher);
        self.ask(watcher, endpoint, Operation::Fetch { targets: addresses, attributes }, pending);
    }

    /// What watchers of ours are told of a user of the peer.
    fn notified(&mut self, now: Timestamp, index: usize, notification: &PresenceNotification) {
        let Some((local, peer)) = self.domains_of(index) else { return };
        for value in &notification.values {
            let presentity = address::to_neutral(value.user_id.as_str(), &peer).ok();
            // WV-SSP-07: a server speaks for the users of its own domain.
            let Some(presentity) = presentity.filter(|presentity| presentity.domain() == peer) else { continue };
            for watcher in &notification.watchers {
                if let Ok(watcher) = address::to_neutral(watcher.user_id.as_str(), &local) {
                    self.shown(now, &watcher, &presentity, value.attributes.as_ref());
                }
            }
        }
    }

    fn reported(&mut self, now: Timestamp, index: usize, report: &DeliveryStatusReport) {
        let Some((local, peer)) = self.domains_of(index) else { return };
        // WV-SSP-07
        let told = translate::from_report(report, &local, &peer, now).filter(|told| told.recipient.domain() == peer);
        if let Some(told) = told {
            self.tell(EventKind::Reported(told));
        }
    }
}

/// The code for a primitive that cannot be taken.
const fn code_of(unreadable: &Unreadable) -> StatusCode {
    match unreadable.fault {
        None => StatusCode::SERVICE_NOT_SUPPORTED,
        Some(Fault::Missing(_)) => StatusCode::BAD_REQUEST,
        Some(Fault::BadValue(_)) => StatusCode::BAD_PARAMETER,
    }
}

/// The status for a request of which nothing could be done.
fn whole_of(refused: &[DetailedResult]) -> StatusResult {
    let mut codes: Vec<StatusCode> = refused.iter().map(|detail| detail.code).collect();
    codes.dedup();
    let code = match codes.as_slice() {
        [one] => *one,
        _ => outcome::to_code(Outcome::MultipleErrors, Version::V1_3),
    };
    StatusResult::new(code).with_meaning().with_detailed(refused.to_vec())
}
