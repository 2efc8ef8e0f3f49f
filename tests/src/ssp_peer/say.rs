//! What its users say.

use super::SspHome;
use wv_proto::{
    primitive::{
        TransactionMode,
        identifier::{ClientId, MessageId, TransactionId, UserId},
        party::User,
    },
    ssp::{
        Document, Transaction,
        part::{ContentData, MessageInfo, MetaInfo, Party, ServiceId},
        primitive::{Primitive, SendMessageRequest, SubscribeRequest},
    },
    version::Version,
};

impl SspHome {
    /// A SendMessageRequest of one of its users.
    #[must_use]
    pub fn message(&self, from: &str, to: &str, id: &str, text: &str, delivery_report: bool) -> Primitive {
        let (sender, recipient) = (User::from(UserId::new(from)), User::from(UserId::new(to)));
        Primitive::SendMessageRequest(Box::new(SendMessageRequest {
            meta: self.meta(from),
            delivery_report,
            message: MessageInfo {
                message_id: Some(MessageId::new(id)),
                content_type: Some("text/plain".into()),
                content_size: u32::try_from(text.len()).ok(),
                recipients: vec![Party::User(recipient)],
                sender: Some(Party::User(sender)),
                ..MessageInfo::default()
            },
            content: Some(ContentData {
                content_type: Some("text/plain".into()),
                octets: text.as_bytes().to_vec().into(),
            }),
        }))
    }

    /// Sends several requests to a domain of the gateway in one message; their ids.
    ///
    /// # Errors
    /// When the gateway does not take it.
    pub fn send_together(&self, local: &str, primitives: Vec<Primitive>) -> Result<Vec<TransactionId>, String> {
        let session = self.inner.state().own_sessions.get(local).cloned().ok_or("no session")?;
        let ids: Vec<TransactionId> = primitives.iter().map(|_| self.inner.mint()).collect();
        let transactions = ids.iter().zip(primitives).map(|(id, primitive)| Transaction {
            mode: TransactionMode::Request,
            transaction_id: id.clone(),
            content: Ok(primitive),
        });
        self.inner.post(&Document::transactions(Version::V1_3, session, transactions.collect()))?;
        Ok(ids)
    }

    /// A SubscribeRequest of one of its users.
    #[must_use]
    pub fn subscription(&self, watcher: &str, presentity: &str) -> Primitive {
        let users = vec![UserId::new(presentity)];
        Primitive::SubscribeRequest(Box::new(SubscribeRequest { meta: self.meta(watcher), users, attributes: None }))
    }

    /// The MetaInfo of one of its users.
    #[must_use]
    pub fn meta(&self, user: &str) -> MetaInfo {
        let client_id = Some(ClientId::from_url("http://load.test/1"));
        let user = User { client_id, ..User::from(UserId::new(user)) };
        MetaInfo::of_user(ServiceId::of_domain(&self.inner.domain), user)
    }
}
