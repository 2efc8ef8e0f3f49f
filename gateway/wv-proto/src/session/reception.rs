//! What may be sent to a client and how: pushed, announced, or not at all.

use super::message_size::octets_of_message;
use super::negotiation::{GroupDelivery, Negotiated};
use crate::primitive::Primitive;
use crate::primitive::capability::{CapabilityList, DeliveryMethod};
use crate::primitive::delivery::{MessageNotification, SetDeliveryMethodRequest};
use crate::primitive::function::Function;
use crate::primitive::identifier::GroupId;
use crate::primitive::message::NewMessage;
use crate::primitive::party::{Group, Recipient};
use crate::session::poll::{QueueKey, ServerPrimitive};
use crate::version::Encoding;

impl Negotiated {
    /// Whether messages may be pushed to the client.
    #[must_use]
    pub fn may_push(&self) -> bool {
        self.has(Function::Newm)
    }

    /// Whether messages may be announced to the client, which then fetches them.
    // WV-MSG-07
    #[must_use]
    pub fn may_announce(&self) -> bool {
        self.has(Function::Notif) && self.has(Function::Getm)
    }

    /// Whether delivery reports may be sent to the client.
    // WV-MSG-12
    #[must_use]
    pub fn takes_reports(&self) -> bool {
        self.has(Function::Mdeliv)
    }

    /// Whether the client takes answers in slices; only one that asked for it does.
    // WV-SEG-01
    #[must_use]
    pub fn may_segment(&self) -> bool {
        self.services().is_some_and(|services| services.agreed.contains(Function::Sgmnt))
    }

    /// The largest content of this type that may be pushed, in octets, when the client has said so.
    #[must_use]
    pub fn push_octets_max(&self, content_type: &str) -> Option<u32> {
        let list = self.capabilities()?;
        let said = [list.accepted_push_length, list.accepted_content_length, type_octets_max(list, content_type)];
        said.into_iter().flatten().min()
    }

    /// The largest content of this type that may be fetched, in octets, when the client has said so.
    #[must_use]
    pub fn fetch_octets_max(&self, content_type: &str) -> Option<u32> {
        let list = self.capabilities()?;
        [list.accepted_pull_length, type_octets_max(list, content_type)].into_iter().flatten().min()
    }

    /// From now on messages come in another way.
    // WV-MSG-13
    pub(super) fn set_delivery(&mut self, request: &SetDeliveryMethodRequest) {
        let list = self.capabilities.get_or_insert_with(Box::default);
        list.initial_delivery_method = Some(request.method.clone());
        if let Some(length) = request.accepted_content_length {
            list.accepted_content_length = Some(length);
            // It is the newer word on the same thing.
            list.accepted_push_length = list.accepted_push_length.map(|_| length);
        }
    }

    /// From now on messages of one group come in another way; the group that was named longest ago is forgotten when
    /// there are too many.
    // WV-MSG-13
    pub(super) fn set_group_delivery(&mut self, request: &SetDeliveryMethodRequest) {
        let Some(group) = &request.group_id else { return };
        self.groups.retain(|known| !is_same_group(&known.group, group));
        if self.groups.len() >= GROUPS_MAX {
            self.groups.remove(0);
        }
        let octets_max = request.group_content_limit.or(request.accepted_content_length);
        self.groups.push(GroupDelivery { group: group.clone(), method: request.method.clone(), octets_max });
    }

    fn group_delivery(&self, recipient: &Recipient) -> Option<&GroupDelivery> {
        let group = match recipient.groups.first()? {
            Group::Id(group) => group,
            Group::ScreenName(name) => &name.group_id,
        };
        self.groups.iter().find(|known| is_same_group(&known.group, group))
    }

    /// A queued primitive in the form in which it goes to the client.
    // WV-MSG-07
    pub(super) fn shaped(&self, entry: ServerPrimitive, encoding: Encoding, parser_size: usize) -> ServerPrimitive {
        match entry {
            ServerPrimitive { key: QueueKey::Message(id), primitive: Primitive::NewMessage(new) }
                if self.announces(&new, encoding, parser_size) =>
            {
                let primitive = Primitive::MessageNotification(Box::new(MessageNotification { message: new.message }));
                ServerPrimitive { key: QueueKey::Notice(id), primitive }
            }
            other => other,
        }
    }

    fn announces(&self, new: &NewMessage, encoding: Encoding, parser_size: usize) -> bool {
        if !self.may_announce() {
            return false;
        }
        let recipient = &new.message.recipient;
        // UNCLEAR behaviour §8: SetDeliveryMethod without a group is about users, so a group of which nothing was said is
        // pushed.
        let (method, limit) = match self.group_delivery(recipient) {
            Some(known) => (known.method.clone(), known.octets_max),
            None if recipient.groups.is_empty() => (self.delivery_method(), None),
            None => (DeliveryMethod::Push, None),
        };
        let octets = new.content.as_ref().map_or(0, |content| content.octets().len());
        let most = limit.or_else(|| self.push_octets_max(new.message.content_type_or_default()));
        let is_too_long = most.is_some_and(|most| usize::try_from(most).is_ok_and(|most| octets > most));
        !self.may_push()
            || method == DeliveryMethod::Notify
            || is_too_long
            || octets_of_message(new, encoding) > parser_size
    }

    // WV-NEG-04
    fn has(&self, function: Function) -> bool {
        self.services().is_none_or(|services| services.agreed.contains(function))
    }
}

/// Whether two texts name the same group: letter case does not count, nor does the scheme, nor a domain that one of them
/// leaves out.
fn is_same_group(one: &GroupId, other: &GroupId) -> bool {
    let parts = |group: &GroupId| {
        let text = group.as_str().trim().to_ascii_lowercase();
        let text = text.strip_prefix("wv:").unwrap_or(&text);
        let (name, domain) = text.rsplit_once('@').unwrap_or((text, ""));
        (name.to_owned(), domain.to_owned())
    };
    let ((name, domain), (other_name, other_domain)) = (parts(one), parts(other));
    name == other_name && (domain == other_domain || domain.is_empty() || other_domain.is_empty())
}

/// Groups of one session whose messages come in a way of their own.
const GROUPS_MAX: usize = 64;

/// The largest content of a type, however it comes (1.3).
fn type_octets_max(list: &CapabilityList, content_type: &str) -> Option<u32> {
    let essence = |text: &str| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let wanted = essence(content_type);
    if wanted == "text/plain" {
        return list.accepted_text_content_length;
    }
    list.accepted_content_types.iter().find(|accepted| essence(&accepted.content_type) == wanted)?.length_max
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::capability::AcceptedContentType;
    use crate::primitive::function::{Feature, FunctionSet};
    use crate::primitive::identifier::MessageId;
    use crate::primitive::identifier::UserId;
    use crate::primitive::message::{Content, MessageInfo};
    use crate::session::negotiation::Services;

    fn with(list: CapabilityList) -> Negotiated {
        Negotiated { capabilities: Some(Box::new(list)), ..Negotiated::default() }
    }

    fn agreeing(functions: &[Function]) -> Negotiated {
        let agreed: FunctionSet = functions.iter().copied().collect();
        Negotiated { services: Some(Services { agreed, refused: FunctionSet::NONE }), ..Negotiated::default() }
    }

    fn message(octets: usize) -> ServerPrimitive {
        let message = MessageInfo {
            message_id: Some(MessageId::new("m")),
            recipient: Recipient::of_user(UserId::new("wv:a")),
            ..MessageInfo::default()
        };
        let content = Some(Content::from_text(&"x".repeat(octets)));
        let primitive = Primitive::NewMessage(Box::new(NewMessage { message, content }));
        ServerPrimitive { key: QueueKey::Message(MessageId::new("m")), primitive }
    }

    fn is_announced(negotiated: &Negotiated, octets: usize) -> bool {
        let shaped = negotiated.shaped(message(octets), Encoding::Xml, 32_767);
        let is_notice = matches!(shaped.primitive, Primitive::MessageNotification(_));
        assert_eq!(is_notice, shaped.key == QueueKey::Notice(MessageId::new("m")));
        is_notice
    }

    #[test]
    fn wv_msg_07_a_message_is_announced_when_that_was_wished_or_it_is_too_large() {
        let notify = Some(DeliveryMethod::Notify);
        assert!(is_announced(
            &with(CapabilityList { initial_delivery_method: notify, ..CapabilityList::default() }),
            1
        ));
        let small = with(CapabilityList { accepted_content_length: Some(10), ..CapabilityList::default() });
        assert!(!is_announced(&small, 10) && is_announced(&small, 11));
        assert!(!is_announced(&Negotiated::default(), 20_000));
        assert!(is_announced(&Negotiated::default(), 40_000), "larger than what the client parses");
    }

    #[test]
    fn wv_msg_13_each_group_has_its_way() {
        let says = |group: &str, octets| {
            let mut entry = message(octets);
            let Primitive::NewMessage(new) = &mut entry.primitive else { panic!() };
            new.message.recipient = Recipient { groups: vec![Group::Id(GroupId::new(group))], ..Recipient::default() };
            entry
        };
        let is_announced = |negotiated: &Negotiated, group: &str, octets| {
            let shaped = negotiated.shaped(says(group, octets), Encoding::Xml, 32_767);
            matches!(shaped.primitive, Primitive::MessageNotification(_))
        };
        let notify = Some(DeliveryMethod::Notify);
        let mut negotiated = with(CapabilityList { initial_delivery_method: notify, ..CapabilityList::default() });
        let room = "wv:alice/Room@wv.example";
        assert!(!is_announced(&negotiated, room, 1), "the word on users is none on groups");
        let request = |method, limit| SetDeliveryMethodRequest {
            method,
            accepted_content_length: limit,
            group_id: Some(GroupId::new("alice/room")),
            group_content_limit: None,
        };
        negotiated.set_group_delivery(&request(DeliveryMethod::Push, Some(10)));
        assert!(!is_announced(&negotiated, room, 10) && is_announced(&negotiated, room, 11));
        negotiated.set_group_delivery(&request(DeliveryMethod::Notify, None));
        assert!(is_announced(&negotiated, room, 1) && !is_announced(&negotiated, "wv:alice/other@wv.example", 1));
        for number in 0..99 {
            let group_id = Some(GroupId::new(format!("wv:g{number}")));
            negotiated
                .set_group_delivery(&SetDeliveryMethodRequest { group_id, ..request(DeliveryMethod::Push, None) });
        }
        assert_eq!(negotiated.groups.len(), GROUPS_MAX);
    }

    #[test]
    fn wv_msg_07_a_client_that_cannot_fetch_gets_no_announcement() {
        let newer_only = agreeing(&[Function::Newm]);
        assert!(!is_announced(&newer_only, 40_000) && !newer_only.may_announce() && !newer_only.takes_reports());
        let fetching = agreeing(&[Function::Notif, Function::Getm]);
        assert!(is_announced(&fetching, 1) && !fetching.may_push());
        assert!(!agreeing(&[Function::Notif]).may_announce());
        assert!(agreeing(&[Function::Mdeliv]).takes_reports() && Negotiated::default().takes_reports());
    }

    #[test]
    fn wv_msg_13_a_later_word_on_the_method_counts() {
        let mut negotiated = with(CapabilityList { accepted_content_length: Some(10), ..CapabilityList::default() });
        let mut request = SetDeliveryMethodRequest {
            method: DeliveryMethod::Notify,
            accepted_content_length: Some(1000),
            group_id: None,
            group_content_limit: None,
        };
        negotiated.set_delivery(&request);
        assert!(is_announced(&negotiated, 1));
        request.method = DeliveryMethod::Push;
        negotiated.set_delivery(&request);
        assert!(!is_announced(&negotiated, 1000) && is_announced(&negotiated, 1001));
    }

    #[test]
    fn the_limits_of_1_3_are_told_apart() {
        let image = AcceptedContentType { length_max: Some(500), ..AcceptedContentType::from("image/gif") };
        let negotiated = with(CapabilityList {
            accepted_push_length: Some(300),
            accepted_pull_length: Some(900),
            accepted_text_content_length: Some(200),
            accepted_content_types: vec![image],
            ..CapabilityList::default()
        });
        let both = |kind: &str| (negotiated.push_octets_max(kind), negotiated.fetch_octets_max(kind));
        assert_eq!(both("text/plain; charset=utf-8"), (Some(200), Some(200)));
        assert_eq!(both("Image/GIF"), (Some(300), Some(500)));
        assert_eq!(both("text/html"), (Some(300), Some(900)));
    }

    #[test]
    fn wv_seg_01_only_who_asked_for_slices_gets_them() {
        assert!(!Negotiated::default().may_segment());
        let agreed = FunctionSet::of_feature(Feature::Fundamental);
        let services = Some(Services { agreed, refused: FunctionSet::NONE });
        assert!(Negotiated { services, ..Negotiated::default() }.may_segment());
    }
}
