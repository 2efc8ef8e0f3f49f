//! The named limits of the engine.

use std::time::Duration;

/// Limits and waits of the engine; the configuration overrides the defaults.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Watches per watcher, over all its endpoints. Bounds what one account can make the gateway hold.
    pub subscriptions_per_watcher: usize,
    /// Watchers per presentity.
    pub watchers_per_presentity: usize,
    /// Endpoints that follow who watches a presentity: a few devices of its own, and watchers about themselves.
    pub followers_per_presentity: usize,
    /// Unanswered questions per presentity; further watchers stay pending without a question.
    pub questions_per_presentity: usize,
    /// Contact lists per user.
    pub contact_lists_per_user: usize,
    /// Members per contact list.
    pub contacts_per_list: usize,
    /// Recipients of one message, contact lists expanded.
    pub recipients_per_message: usize,
    /// Stored messages per recipient.
    pub inbox_messages: usize,
    /// Stored octets per recipient.
    pub inbox_octets: usize,
    /// Entities on each of the block and grant lists of a user.
    pub entities_per_screening: usize,
    /// What the operator has said to a user and is not forgotten; beyond it the oldest is.
    pub announcements_per_user: usize,
    /// Messages of one sender waiting for far sides.
    pub outbox_messages: usize,
    /// How long a sender's answer waits for the far side.
    pub answer_wait: Duration,
    /// How long a fetch waits for far sides before it is answered with what is there.
    pub fetch_wait: Duration,
    /// How long a first notification waits for the far side before everything is shown as unknown.
    pub first_view_wait: Duration,
    /// How long a back-end subscription is kept after its last watcher left.
    pub linger: Duration,
    /// First wait after a back-end subscription failed; doubled up to [`Limits::backoff_max`].
    pub backoff_min: Duration,
    /// Longest such wait.
    pub backoff_max: Duration,
    /// How long an unknown presentity is remembered as such.
    pub unknown_wait: Duration,
    /// How long a refusal is remembered.
    pub denied_wait: Duration,
    /// How long a domain without presence is left alone.
    pub no_presence_wait: Duration,
    /// New back-end subscriptions per second.
    pub start_ramp_per_s: u32,
    /// Longest lifetime of a stored message.
    pub validity_max: Duration,
    /// Lifetime where the sender names none.
    pub validity_default: Duration,
    /// How long a repeated message is recognised.
    pub origin_window: Duration,
    /// Longest content of a message in octets.
    pub content_octets_max: usize,
    /// How long an attempt to deliver may take before it counts as failed. Longer than any SIP transaction.
    pub attempt_wait: Duration,
    /// How long an unanswered question, and a report that nobody fetched, are kept.
    pub question_age: Duration,
    /// Wait after the far side ended a subscription on probation without naming one.
    pub probation_wait: Duration,
    /// Wait after the far side gave up on a subscription without naming one.
    pub giveup_wait: Duration,
    /// Wait after a subscription ran out at the far side.
    pub renewal_wait: Duration,
    /// Devices attached per user.
    pub attachments_per_user: usize,
    /// Publications per user; one per device and one for the person.
    pub publications_per_user: usize,
    /// Words on watchers per presentity.
    pub authorizations_per_presentity: usize,
    /// Former watchers per presentity that are remembered; the oldest are forgotten first.
    pub past_watchers_per_presentity: usize,
    /// How long they are.
    pub watcher_history_max: Duration,
    /// Messages per user that are recognised when repeated; the oldest are forgotten first.
    pub origins_per_user: usize,
    /// Reports per sender that far sides owe; further ones are not waited for.
    pub awaited_reports_per_user: usize,
    /// Back-end subscriptions per shard, refusals that are remembered among them.
    pub entries_per_shard: usize,
    /// Requests per minute and watcher that start a watch. A client that subscribes to each contact by itself after
    /// its start needs hundreds.
    pub watches_per_minute: u32,
    /// Requests per minute and watcher to see presentities once.
    pub fetches_per_minute: u32,
    /// Conversations that one user owns.
    pub conversations_per_user: usize,
    /// Conversations per shard; with [`Limits::people_per_conversation`] it bounds what they can hold.
    pub conversations_per_shard: usize,
    /// Participants of one conversation: each message is sent to all of them.
    pub participants_per_conversation: usize,
    /// Members, invited and kept out users of one conversation.
    pub people_per_conversation: usize,
    /// Longest name of a participant in octets: clients in the field take 50 characters.
    pub conversation_name_octets: usize,
    /// Longest title, topic and welcome of a conversation in octets each.
    pub conversation_text_octets: usize,
    /// Messages that a conversation keeps: what somebody who comes later wants to read first.
    pub history_messages: usize,
    /// Octets of these messages.
    pub history_octets: usize,
    /// How long an answer waits for the shard of a conversation or of an invited user.
    pub conversation_wait: Duration,
    /// Open invitations per user, in either direction.
    pub invitations_per_user: usize,
    /// Longest lifetime of an invitation.
    pub invitation_validity_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            subscriptions_per_watcher: 1000,
            watchers_per_presentity: 10_000,
            followers_per_presentity: 100,
            questions_per_presentity: 50,
            contact_lists_per_user: 50,
            contacts_per_list: 500,
            recipients_per_message: 100,
            inbox_messages: 100,
            inbox_octets: 1 << 20,
            entities_per_screening: 500,
            announcements_per_user: 20,
            outbox_messages: 100,
            answer_wait: Duration::from_millis(2000),
            fetch_wait: Duration::from_secs(8),
            first_view_wait: Duration::from_secs(10),
            linger: Duration::from_secs(60),
            backoff_min: Duration::from_secs(30),
            backoff_max: Duration::from_secs(1800),
            unknown_wait: Duration::from_secs(600),
            denied_wait: Duration::from_secs(86_400),
            no_presence_wait: Duration::from_secs(3600),
            start_ramp_per_s: 50,
            validity_max: Duration::from_secs(7 * 86_400),
            validity_default: Duration::from_secs(86_400),
            origin_window: Duration::from_secs(3600),
            content_octets_max: 256 * 1024,
            attempt_wait: Duration::from_secs(40),
            question_age: Duration::from_secs(7 * 86_400),
            probation_wait: Duration::from_secs(300),
            giveup_wait: Duration::from_secs(600),
            renewal_wait: Duration::from_secs(1),
            attachments_per_user: 32,
            publications_per_user: 33,
            authorizations_per_presentity: 10_000,
            past_watchers_per_presentity: 200,
            watcher_history_max: Duration::from_secs(7 * 86_400),
            origins_per_user: 10_000,
            awaited_reports_per_user: 1000,
            entries_per_shard: 1_000_000,
            watches_per_minute: 600,
            fetches_per_minute: 600,
            conversations_per_user: 50,
            conversations_per_shard: 100_000,
            participants_per_conversation: 200,
            people_per_conversation: 1000,
            conversation_name_octets: 200,
            conversation_text_octets: 2048,
            history_messages: 50,
            history_octets: 64 * 1024,
            conversation_wait: Duration::from_secs(8),
            invitations_per_user: 100,
            invitation_validity_max: Duration::from_secs(7 * 86_400),
        }
    }
}
