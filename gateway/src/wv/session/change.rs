//! What a user changes is told its other sessions that want to hear of it (1.3).

use super::Sessions;
use mapping::time::Timestamp;
use wv_proto::{
    primitive::{
        Primitive,
        attribute_list::AttributeListTargets,
        block::{AccessList, BlockEntityRequest, Entities},
        identifier::SessionId,
        invitation::{InviteRequest, InviteType},
        notification::{AuthorizationNotice, NotificationPayload, NotificationType},
    },
    session::transaction::Ticket,
};

/// An event with what it is about.
pub(super) type Change = (NotificationType, NotificationPayload);

impl Sessions {
    /// A request that may change something: remembered until its answer says whether it did.
    // WV-NTF-04
    pub(super) fn expect_changes(&mut self, id: &SessionId, ticket: Ticket, primitive: &Primitive) {
        // Nearly always nobody wants to hear of anything.
        if self.notices.is_empty() {
            return;
        }
        let changes = changes_of(primitive);
        let is_told_by_answer = matches!(primitive, Primitive::ExtendConversationRequest(_));
        if let (true, Some(entry)) = (is_told_by_answer || !changes.is_empty(), self.entries.get_mut(id)) {
            entry.changes.push((ticket, changes));
        }
    }

    /// The request has its answer.
    pub(super) fn settle_changes(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, answer: &Primitive) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        let Some(at) = entry.changes.iter().position(|(known, _)| *known == ticket) else { return };
        let (_, changes) = entry.changes.swap_remove(at);
        // Answers without a result are those of success.
        if answer.result().is_none_or(|result| result.code.is_success()) {
            // WV-NTF-09: which group the talk became stands in the answer.
            let made = made_group(answer).map(|group| (NotificationType::ConversationExtended, group));
            for (what, payload) in changes.into_iter().chain(made) {
                self.tell_others(now, id, &what, &payload);
            }
        }
    }
}

fn changes_of(primitive: &Primitive) -> Vec<Change> {
    use NotificationPayload as About;
    use NotificationType as Type;
    let authorization = |notice| vec![(Type::AuthorizationChanged, About::Authorization(notice))];
    match primitive {
        Primitive::CreateListRequest(request) => {
            vec![(Type::ContactListCreated, About::ContactLists(vec![request.contact_list.clone()]))]
        }
        Primitive::DeleteListRequest(request) => {
            vec![(Type::ContactListDeleted, About::ContactLists(vec![request.contact_list.clone()]))]
        }
        Primitive::ListManageRequest(request) if request.change.is_some() => {
            vec![(Type::ContactListChanged, About::ContactLists(vec![request.contact_list.clone()]))]
        }
        Primitive::CreateAttributeListRequest(request) => authorization(AuthorizationNotice {
            attributes: Some(request.attributes.clone()),
            ..notice_of(&request.targets)
        }),
        Primitive::DeleteAttributeListRequest(request) => authorization(notice_of(&request.targets)),
        Primitive::PresenceAuthUser(request) => authorization(AuthorizationNotice {
            attributes: request.attributes.clone(),
            users: vec![request.user_id.clone()],
            ..AuthorizationNotice::default()
        }),
        Primitive::CancelAuthRequest(request) => authorization(AuthorizationNotice {
            users: vec![request.user_id.clone()],
            ..AuthorizationNotice::default()
        }),
        Primitive::BlockEntityRequest(request) => screening_changes(request),
        Primitive::InviteRequest(request) => extension_change(request).into_iter().collect(),
        Primitive::CreateGroupRequest(request) => vec![(Type::GroupCreated, About::Group(request.group_id.clone()))],
        Primitive::DeleteGroupRequest(request) => vec![(Type::GroupDeleted, About::Group(request.group_id.clone()))],
        _ => Vec::new(),
    }
}

fn made_group(answer: &Primitive) -> Option<NotificationPayload> {
    let Primitive::ExtendConversationResponse(response) = answer else { return None };
    response.group_id.clone().map(NotificationPayload::Group)
}

fn extension_change(request: &InviteRequest) -> Option<Change> {
    let what = match request.invite_type {
        InviteType::Conversation => NotificationType::ConversationExtended,
        InviteType::ExtendedGroup => NotificationType::GroupExtended,
        _ => return None,
    };
    Some((what, NotificationPayload::Group(request.body.group_id.clone()?)))
}

fn notice_of(targets: &AttributeListTargets) -> AuthorizationNotice {
    AuthorizationNotice {
        attributes: None,
        users: targets.users.clone(),
        contact_lists: targets.contact_lists.clone(),
        default_list: targets.default_list.then_some(true),
    }
}

fn screening_changes(request: &BlockEntityRequest) -> Vec<Change> {
    use NotificationPayload as About;
    use NotificationType as Type;
    let is_other = |list: &&AccessList| list.entities != Entities::Unnamed;
    let use_of = |list: &AccessList| list.in_use;
    let block = request.block.as_ref();
    let grant = request.grant.as_ref();
    let mut changes = Vec::new();
    changes.extend(block.filter(is_other).map(|_| (Type::BlockListChanged, About::None)));
    changes.extend(block.and_then(use_of).map(|flag| (Type::BlockListUseChanged, About::BlockListInUse(flag))));
    changes.extend(grant.filter(is_other).map(|_| (Type::GrantListChanged, About::None)));
    changes.extend(grant.and_then(use_of).map(|flag| (Type::GrantListUseChanged, About::GrantListInUse(flag))));
    changes
}
