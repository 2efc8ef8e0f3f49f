//! What users of the server say to those who are logged in.

use super::{WvServer, session::bare};
use bytes::Bytes;
use std::time::Duration;
use wv_proto::{
    presence_attribute::{Availability, PresenceAttribute, Qualified},
    primitive::{
        Primitive,
        delivery::MessageNotification,
        identifier::{GroupId, MessageId},
        invitation::{InviteBody, InviteType, InviteUserRequest},
        message::{Content, DeliveryReportRequest, MessageInfo, NewMessage},
        party::{Group, Recipient, ScreenName, Sender, User},
        presence::PresenceAuthRequest,
    },
    status::StatusCode,
};

impl WvServer {
    /// One of its users says something to a logged-in one; the message's id.
    pub fn say(&self, from: &str, to: &str, text: &str) -> MessageId {
        let (id, new) = self.message(from, to, text);
        self.queue(to, Primitive::NewMessage(Box::new(new)));
        id
    }

    /// The same with octets of any kind.
    pub fn say_content(&self, from: &str, to: &str, kind: &str, octets: &'static [u8]) -> MessageId {
        let (id, mut new) = self.message(from, to, "");
        new.message.content_type = Some(kind.into());
        new.message.content_size = u32::try_from(octets.len()).ok();
        new.content = Some(Content::from_octets(Bytes::from_static(octets)));
        self.queue(to, Primitive::NewMessage(Box::new(new)));
        id
    }

    /// The same, but only told of: the client has to fetch it.
    pub fn announce(&self, from: &str, to: &str, text: &str) -> MessageId {
        let (id, new) = self.message(from, to, text);
        let notification = MessageNotification { message: new.message.clone() };
        self.inner.state().held.insert(id.clone(), new);
        self.queue(to, Primitive::MessageNotification(Box::new(notification)));
        id
    }

    fn message(&self, from: &str, to: &str, text: &str) -> (MessageId, NewMessage) {
        let id = MessageId::new(format!("n-{}", self.inner.number()));
        let message = MessageInfo {
            message_id: Some(id.clone()),
            content_type: Some("text/plain".into()),
            content_size: Some(148),
            recipient: Recipient::of_user(User::from(self.inner.written(to))),
            sender: Some(self.inner.sender(from)),
            ..MessageInfo::default()
        };
        (id, NewMessage { message, content: Some(Content::from_text(text)) })
    }

    /// One of its users shows itself.
    pub fn show(&self, user: &str, text: &str) {
        self.show_all(
            user,
            vec![
                PresenceAttribute::OnlineStatus(Qualified::valid(true)),
                PresenceAttribute::UserAvailability(Qualified::valid(Availability::Available)),
                PresenceAttribute::StatusText(Qualified::valid(text.into())),
            ],
        );
    }

    /// The same with these attributes.
    pub fn show_all(&self, user: &str, attributes: Vec<PresenceAttribute>) {
        let mut state = self.inner.state();
        if let Some(known) = state.users.get_mut(user) {
            known.presence = attributes.into_iter().collect();
        }
        self.inner.notify(&mut state, user);
    }

    /// One of its users wants to see a logged-in one.
    pub fn ask_to_see(&self, watcher: &str, presentity: &str) {
        let request = PresenceAuthRequest { user_id: self.inner.written(watcher), attributes: None };
        self.queue(presentity, Primitive::PresenceAuthRequest(request));
    }

    /// One of its users invites a logged-in one, to a group where one is named.
    pub fn invite(&self, from: &str, to: &str, invite_type: InviteType, group: Option<&str>, note: &str) {
        let body = InviteBody {
            group_id: group.map(|group| GroupId::new(format!("wv:{group}"))),
            note: Some(note.into()),
            validity: Some(Duration::from_secs(600)),
            ..InviteBody::default()
        };
        let invite_id = format!("i-{}", self.inner.number()).into();
        let request = InviteUserRequest { invite_id, invite_type, sender: Some(self.inner.sender(from)), body };
        self.queue(to, Primitive::InviteUserRequest(Box::new(request)));
    }

    /// Somebody in a group says something that a logged-in user hears.
    pub fn say_in_group(&self, (group, name): (&str, &str), to: &str, text: &str) -> MessageId {
        let (id, mut new) = self.message(to, to, text);
        let screen_name = ScreenName { name: name.into(), group_id: GroupId::new(format!("wv:{group}")) };
        new.message.sender = Some(Sender::Group(Group::ScreenName(screen_name)));
        self.queue(to, Primitive::NewMessage(Box::new(new)));
        id
    }

    /// Tells the sender of a message what became of it.
    pub fn report(&self, id: &MessageId, code: u16) {
        let sent = self.inner.state().messages.get(id).cloned().expect("the message is known");
        let sender = match &sent.message.sender {
            Some(Sender::User(user)) => bare(user.user_id.as_str()),
            other => panic!("{other:?}"),
        };
        let message = MessageInfo { message_id: Some(id.clone()), ..sent.message };
        let result = StatusCode::new(code).expect("a code").into();
        let report = DeliveryReportRequest { result, delivery_time: None, message };
        self.queue(&sender, Primitive::DeliveryReportRequest(Box::new(report)));
    }
}
