//! What the administration asks, put together from all lanes.

use crate::{
    admin::{ShowTopic, Step, Table},
    lane::{Lane, LaneLink},
};
use mapping::{
    address::Address,
    engine::{Engine, Explanation, StandingName, WatchRow},
    presence::AttributeSet,
    side::Side,
    time::Timestamp,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// What is in memory now, as a table.
pub(super) async fn show(links: &[LaneLink], topic: ShowTopic) -> Table {
    let mut rows = Vec::new();
    for link in links {
        // A lane that is gone has nothing.
        rows.extend(link.ask(move |lane, _| lane_rows(lane, topic)).await.unwrap_or_default());
    }
    table(rows, topic)
}

fn lane_rows(lane: &Lane, topic: ShowTopic) -> Vec<Value> {
    let engine = lane.engine();
    let mut rows = match topic {
        ShowTopic::Subscriptions => subscriptions(engine),
        ShowTopic::Publications => publications(engine),
        ShowTopic::Queues => queues(engine),
        ShowTopic::Announcements => announcements(engine),
        ShowTopic::Conversations => conversations(engine),
        ShowTopic::Sessions | ShowTopic::Dialogs | ShowTopic::Peers => Vec::new(),
    };
    for side in [Side::Wv, Side::Simple] {
        rows.extend(lane.adapter(side).borrow().show(topic));
    }
    rows
}

fn subscriptions(engine: &Engine) -> Vec<Value> {
    let watches = engine.watches().map(|row| {
        json!({
            "watcher": row.watcher, "presentity": row.presentity, "state": standing(&row.standing),
            "through": row.endpoint.id, "attributes": names(row.attributes), "notified": row.notified.map(seconds),
        })
    });
    let entries = engine.entries().map(|row| {
        json!({
            "watcher": row.watcher, "presentity": row.presentity, "state": word(&row.state),
            "through": format!("peer {}", row.peer.as_str()), "attributes": null, "notified": null,
        })
    });
    watches.chain(entries).collect()
}

fn publications(engine: &Engine) -> Vec<Value> {
    let rows = engine
        .publications()
        .map(|row| json!({ "user": row.user, "device": row.device.as_str(), "document": word(&row.document) }));
    rows.collect()
}

fn conversations(engine: &Engine) -> Vec<Value> {
    let rows = engine.conversations().map(|row| {
        let named = |(user, name): &(Address, String)| format!("{name} ({user})");
        let participants: Vec<String> = row.participants.iter().map(named).collect();
        json!({
            "conversation": row.conversation, "owner": row.owner, "access": word(&row.properties.access),
            "name": row.properties.name, "members": row.members.len(), "participants": participants.join(", "),
        })
    });
    rows.collect()
}

fn queues(engine: &Engine) -> Vec<Value> {
    let rows = engine.queues().map(|row| {
        json!({
            "sender": row.sender, "recipient": row.recipient, "message": row.message.as_str(),
            "state": word(&row.state), "attempts": row.attempts, "octets": row.content_octets,
            "expires": seconds(row.expires),
        })
    });
    rows.collect()
}

fn announcements(engine: &Engine) -> Vec<Value> {
    let rows = engine.announcements().map(|known| {
        let choices: Vec<&str> = known.options.iter().map(|choice| choice.id.as_ref()).collect();
        let answer = known.answer.as_ref();
        json!({
            "user": known.user, "id": known.id, "text": known.text, "choices": choices.join(", "),
            "answer": answer.map(|answer| answer.choice.as_deref().unwrap_or("answered")),
            "key": answer.and_then(|answer| answer.key.as_deref()),
            "answered": answer.map(|answer| seconds(answer.at)), "expires": seconds(known.expires),
        })
    });
    rows.collect()
}

/// Rows under the columns of all of them; who is concerned stands first.
fn table(rows: Vec<Value>, topic: ShowTopic) -> Table {
    let rows: Vec<Map<String, Value>> = rows
        .into_iter()
        .filter_map(|row| match row {
            Value::Object(row) => Some(row),
            _ => None,
        })
        .collect();
    let mut columns: Vec<String> = Vec::new();
    for key in rows.iter().flat_map(Map::keys) {
        if !columns.contains(key) {
            columns.push(key.clone());
        }
    }
    if rows.is_empty() {
        columns = usual_columns(topic).iter().map(|column| (*column).to_owned()).collect();
    }
    columns.sort_by_key(|column| FIRST_COLUMNS.iter().position(|first| first == column).unwrap_or(FIRST_COLUMNS.len()));
    let rows = rows.iter().map(|row| columns.iter().map(|column| cell(row.get(column))).collect()).collect();
    Table { columns, rows }
}

/// The columns of a table without rows.
const fn usual_columns(topic: ShowTopic) -> &'static [&'static str] {
    match topic {
        ShowTopic::Sessions => &["side", "user", "session", "state"],
        ShowTopic::Subscriptions => &["watcher", "presentity", "state", "through"],
        ShowTopic::Dialogs => &["watcher", "presentity", "role", "state"],
        ShowTopic::Publications => &["user", "device", "document"],
        ShowTopic::Queues => &["sender", "recipient", "message", "state"],
        ShowTopic::Peers => &["side", "peer", "address", "trusted"],
        ShowTopic::Announcements => &["user", "id", "text", "answer"],
        ShowTopic::Conversations => &["conversation", "owner", "access", "participants"],
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Why a watcher sees what it sees, from the shards of both.
pub(super) async fn explain(links: &[LaneLink], watcher: Address, presentity: Address) -> Vec<Step> {
    let mut whole: Option<Explanation> = None;
    for link in links {
        let (watcher, presentity) = (watcher.clone(), presentity.clone());
        let Some(part) = link.ask(move |lane, _| lane.engine().explain(&watcher, &presentity)).await else { continue };
        whole = Some(match whole {
            None => part,
            Some(known) => join(known, part),
        });
    }
    whole.map(|whole| steps(&whole)).unwrap_or_default()
}

fn join(known: Explanation, part: Explanation) -> Explanation {
    let mut watches = known.watches;
    watches.extend(part.watches);
    Explanation {
        presentity_exists: known.presentity_exists.or(part.presentity_exists),
        rule: known.rule.or(part.rule),
        question: known.question.or(part.question),
        granted: known.granted.or(part.granted),
        entry: known.entry.or(part.entry),
        watches,
    }
}

fn steps(whole: &Explanation) -> Vec<Step> {
    let step = |what: &str, result: String| Step { what: what.to_owned(), result };
    let account = match whole.presentity_exists {
        Some(true) => "the presentity exists".to_owned(),
        Some(false) => "there is no such account here".to_owned(),
        None => "the presentity lives at a neighbour server".to_owned(),
    };
    let rule = match &whole.rule {
        Some((decision, attributes)) => format!("{} {}", word(decision), names(*attributes)),
        None => "the presentity has said nothing: the default holds".to_owned(),
    };
    let mut steps = vec![step("account", account), step("authorization", rule)];
    if let Some(question) = &whole.question {
        steps.push(step("question", format!("asked at {}, not answered", seconds(question.since))));
    }
    if whole.presentity_exists.is_some() {
        let granted = match whole.granted {
            Some(AttributeSet::NONE) => "nothing".to_owned(),
            Some(granted) => names(granted),
            None => "the watcher is not known to the presentity".to_owned(),
        };
        steps.push(step("permission", granted));
    }
    if let Some(entry) = &whole.entry {
        let document = if entry.has_document { "a document" } else { "no document" };
        let result =
            format!("{} at {}, {document}, {} failures", word(&entry.state), entry.peer.as_str(), entry.failures);
        steps.push(step("subscription", result));
    }
    if whole.watches.is_empty() {
        steps.push(step("watch", "the watcher watches at no device".to_owned()));
    }
    steps.extend(whole.watches.iter().map(|watch| step("watch", watch_text(watch))));
    steps
}

fn watch_text(watch: &WatchRow) -> String {
    let list = watch.list.as_ref().map(|list| format!(" through {list}")).unwrap_or_default();
    let notified = match watch.notified {
        Some(at) => format!("last notified at {}", seconds(at)),
        None => "not notified yet".to_owned(),
    };
    format!("{}{list}: {}, {notified}", watch.endpoint.id, standing(&watch.standing))
}

/// How a watcher stands; what it sees is told elsewhere.
fn standing(standing: &StandingName) -> String {
    match standing {
        StandingName::Active(_) => "active".to_owned(),
        StandingName::Failed(reason) => format!("failed: {}", word(reason)),
        StandingName::Unclear | StandingName::Pending | StandingName::Refused => word(standing),
    }
}

/// A value of the engine in its own words.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(text)) => text,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// The names of a set of attributes; all of them is one word.
fn names(attributes: AttributeSet) -> String {
    if attributes == AttributeSet::ALL {
        return "all".to_owned();
    }
    let names: Vec<String> = attributes.iter().map(|attribute| word(&attribute)).collect();
    names.join(" ")
}

fn seconds(at: Timestamp) -> String {
    let millis = at.as_millis();
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

const FIRST_COLUMNS: [&str; 6] = ["side", "user", "watcher", "presentity", "sender", "recipient"];
