//! What lies in the store: a record that reads is written alike again, and an engine starts with whatever it finds.

use mapping::{
    address::Address,
    announcement::Announcement,
    contact_list::{Contact, ContactList},
    engine::{Engine, EngineConfig},
    event::DeliveryId,
    message::{Content, Message, MessageId, ReportWish},
    presence::{AttributeSet, DeviceId, PresenceDocument},
    record::Fact,
    route::{DomainRoute, DomainTable, Route},
    screening::{Entity, EntitySet, Screening},
    side::{Endpoint, Side},
    time::Timestamp,
    watcher::{Beyond, Decision},
};
use std::sync::Arc;

/// Lines of a store, one record each; a line that is no record is what a damaged store holds.
///
/// # Panics
/// When a promise of the records or the engine is broken.
pub fn run(data: &[u8]) {
    let facts: Vec<Fact> =
        data.split(|octet| *octet == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    for fact in &facts {
        let text = serde_json::to_string(fact).expect("what was read can be written");
        assert_eq!(serde_json::from_str::<Fact>(&text).expect("what was written reads"), *fact);
    }
    let mut domains = DomainTable::default();
    domains.insert("wv.example", DomainRoute { side: Side::Wv, route: Route::Hosted });
    domains.insert("sip.example", DomainRoute { side: Side::Simple, route: Route::Hosted });
    let mut engine = Engine::new(EngineConfig::new(domains, [1, 2]));
    for account in ["alice@wv.example", "bob@sip.example"] {
        engine.account_added(Address::parse(account).expect("an address"));
    }
    engine.restore(Timestamp::from_secs(1_000_000), facts);
    while engine.poll().is_some() {}
    // Every wait that was restored ends.
    for _ in 0..STEPS_MAX {
        let Some(deadline) = engine.deadline() else { return };
        engine.expire(deadline);
        while engine.poll().is_some() {}
    }
}

/// Some waits come again for ever, such as those of a subscription that is renewed.
const STEPS_MAX: usize = 1_000;

/// Records of every kind that a store holds, all of them in one and each alone.
///
/// # Panics
/// Never: the addresses are addresses.
#[must_use]
pub fn records() -> Vec<Vec<u8>> {
    let address = |text: &str| Address::parse(text).expect("an address");
    let (alice, bob, list) = (address("alice@wv.example"), address("bob@sip.example"), "alice/friends@wv.example");
    let (phone, at) = (Endpoint::new(Side::Wv, "s"), Timestamp::from_secs(999_999));
    let message = |sender: &Address, recipient: &Address| Message {
        id: MessageId::new("m-1"),
        sender: sender.clone(),
        recipient: recipient.clone(),
        device: Some(DeviceId::new("phone")),
        content: Content::from_text("hello"),
        sent: at,
        expires: Timestamp::from_secs(1_000_100),
        report: ReportWish::Delivery,
        origin: Arc::from("o"),
        talk: None,
        disclosure: mapping::message::Disclosure::Named,
    };
    let all = AttributeSet::ALL;
    let member = Contact { address: bob.clone(), written: "wv:bob@sip.example".into(), nickname: Some("Bob".into()) };
    let facts = [
        Fact::Publication {
            user: alice.clone(),
            device: DeviceId::new("phone"),
            document: Box::new(PresenceDocument::default()),
        },
        Fact::ListWatch {
            watcher: alice.clone(),
            list: address(list),
            endpoint: phone.clone(),
            attributes: all,
            auto_subscribe: true,
        },
        Fact::Authorization {
            presentity: alice.clone(),
            watcher: bob.clone(),
            decision: Decision::Allow,
            attributes: all,
            beyond: Beyond::Asked,
        },
        Fact::Question { presentity: alice.clone(), watcher: bob.clone(), attributes: all, since: at },
        Fact::ContactList(ContactList {
            address: address(list),
            written: list.into(),
            display_name: Some("Friends".into()),
            is_default: true,
            members: [member].into(),
        }),
        Fact::Inbox { message: message(&bob, &alice), offered: true, copies: Some(vec![phone.clone()]) },
        Fact::Screening {
            user: alice.clone(),
            screening: Screening {
                block: EntitySet { in_use: Some(true), entities: [Entity::User(bob.clone())].into() },
                grant: EntitySet::default(),
            },
        },
        Fact::Announcement(Announcement {
            id: Arc::from("1"),
            user: alice.clone(),
            text: "maintenance".to_owned(),
            options: Vec::new(),
            requires_answer: false,
            expires: Timestamp::from_secs(1_000_100),
            answer: None,
        }),
        Fact::Outbox { message: message(&alice, &bob), delivery: DeliveryId(7), attempts: 2 },
        Fact::Origin {
            user: alice,
            origin: "o".to_owned(),
            message: MessageId::new("m-1"),
            until: Timestamp::from_secs(1_000_050),
        },
    ];
    let mut lines: Vec<Vec<u8>> =
        facts.iter().map(|fact| serde_json::to_vec(fact).expect("a record can be written")).collect();
    lines.push(lines.join(&b'\n'));
    lines
}
