//! Logins that a service of the operator judges.

use super::{Sessions, WvAdapter, login::SentProof};
use crate::account::{
    AccountRegistry, AccountUser, Keeping, NewAccount, Secret, SubscriberAnswer, SubscriberProof, SubscriberQuestion,
    SubscriberService,
};
use mapping::{address::Address, side::Side, time::Timestamp};
use std::sync::Arc;
use wv_proto::session::{
    login::{Comparison, Credentials, KnownSession, LoginEvent, OldSession},
    transaction::PostId,
};

/// Who knows the subscribers.
#[derive(Clone, Debug, Default)]
pub enum SubscriberBackend {
    /// The accounts of the gateway.
    #[default]
    Store,
    /// A service of the operator.
    Service(Arc<SubscriberDesk>),
}

/// A service of the operator, and where those are noted whom it knows.
#[derive(Debug)]
pub struct SubscriberDesk {
    /// The service.
    pub service: SubscriberService,
    /// The accounts: whoever logs in for the first time gets one, so that he can be written to from then on.
    pub accounts: Arc<AccountRegistry>,
}

impl Sessions {
    /// Asks the service; the lane goes on meanwhile.
    // WV-ACC-05
    #[allow(clippy::too_many_arguments, reason = "what the answer is told with")]
    pub(super) fn ask_service(
        &mut self,
        now: Timestamp,
        post: PostId,
        user: &Address,
        desk: &Arc<SubscriberDesk>,
        proof: SentProof,
        sessions: Vec<KnownSession>,
        old: OldSession,
    ) {
        let Some(question) = self.subscriber_question(post, user, proof) else {
            // Nothing is proved yet: whoever wants to prove it by a digest is challenged, known or not.
            let credentials = Credentials::Delegated(Comparison::NotMade);
            return self.logins.handle(super::to_wv(now), LoginEvent::Credentials { post, credentials, sessions, old });
        };
        let Some(own) = self.own.clone() else { return };
        let (desk, user, is_known) = (Arc::clone(desk), user.clone(), self.accounts.has(user));
        tokio::task::spawn_local(async move {
            let credentials = desk.judge(&question, &user, is_known).await;
            let Some(own) = own.upgrade() else { return };
            let mut machines = own.borrow_mut();
            let now = machines.clock.now();
            if let Some(waiting) = machines.waiting.get(&post) {
                machines.current = waiting.correlation;
            }
            machines.logins.handle(super::to_wv(now), LoginEvent::Credentials { post, credentials, sessions, old });
            machines.drive_logins(now);
            machines.wake.notify_one();
        });
    }

    fn subscriber_question(&self, post: PostId, user: &Address, proof: SentProof) -> Option<SubscriberQuestion> {
        let note = self.notes.get(&post)?;
        let proof = match (proof.password, proof.digest) {
            (Some(password), _) => SubscriberProof::Password(Secret::new(password.expose())),
            (None, Some(digest)) => SubscriberProof::Digest {
                schema: digest.schema.as_str().to_owned(),
                nonce: digest.nonce.expose().to_owned(),
                digest: digest.bytes.expose().to_owned(),
            },
            // WV-ACC-04
            (None, None) if self.is_vouched(post, user) => SubscriberProof::Network(note.number.clone()?),
            (None, None) => return None,
        };
        let user = format!("wv:{user}");
        Some(SubscriberQuestion { user, client: note.client.clone(), source: note.source.to_string(), proof })
    }
}

impl WvAdapter {
    /// Logins are judged by these from now on.
    pub fn judge_logins_by(&self, subscribers: SubscriberBackend) {
        self.0.borrow_mut().subscribers = subscribers;
    }
}

impl SubscriberDesk {
    async fn judge(&self, question: &SubscriberQuestion, user: &Address, is_known: bool) -> Credentials {
        match self.service.ask(question).await {
            Ok(SubscriberAnswer::Accepted) if !is_known && !self.adopt(user).await => Credentials::Unavailable,
            Ok(SubscriberAnswer::Accepted) => match &question.proof {
                SubscriberProof::Network(_) => Credentials::Vouched,
                SubscriberProof::Password(_) | SubscriberProof::Digest { .. } => {
                    Credentials::Delegated(Comparison::Equal)
                }
            },
            Ok(SubscriberAnswer::Refused) => Credentials::Delegated(Comparison::Different),
            Ok(SubscriberAnswer::Unknown) => Credentials::Unknown,
            Err(error) => {
                tracing::warn!(side = "wv", %error, "the subscriber service cannot be asked");
                Credentials::Unavailable
            }
        }
    }

    /// Gives a subscriber an account whose password nobody knows.
    async fn adopt(&self, user: &Address) -> bool {
        let mut octets = [0_u8; 24];
        if getrandom::fill(&mut octets).is_err() {
            return false;
        }
        let Ok(user) = AccountUser::new(Side::Wv, user.clone()) else { return false };
        let password: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        let account = NewAccount { user, password: Secret::new(&password), keeping: Keeping::HashOnly, person: None };
        let (accounts, runtime) = (Arc::clone(&self.accounts), tokio::runtime::Handle::current());
        // Hashing takes its time.
        let added = tokio::task::spawn_blocking(move || runtime.block_on(accounts.add(vec![account]))).await;
        match added {
            // Somebody else may have been faster.
            Ok(Ok(_)) => true,
            Ok(Err(error)) => {
                tracing::warn!(side = "wv", %error, "the subscriber has no account");
                false
            }
            Err(_) => false,
        }
    }
}
