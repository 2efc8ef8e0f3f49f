//! The machine of a conversation: its rules, and the table of who may do what.

use super::*;
use crate::{conversation::Who, side::Side};

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn at(user: &str) -> Endpoint {
    Endpoint::new(Side::Wv, user)
}

fn bounds() -> Bounds {
    Bounds { participants: 4, people: 6, name_octets: 20, text_octets: 40, said_messages: 2, said_octets: 20 }
}

fn room(properties: Properties) -> Conversation {
    Conversation::new(address("alice/room@w"), Arc::from("wv:alice/Room@w"), address("alice@w"), properties, bounds())
}

fn ask(room: &mut Conversation, user: &str, ask: Ask) -> Vec<Action> {
    let event = ConversationEvent::Asked { user: address(user), endpoint: at(user), ask };
    room.handle(Timestamp::from_secs(100), event)
}

fn join(name: Option<&str>) -> Ask {
    Ask::Join { name: name.map(str::to_owned), follow: true, own: OwnChange::default() }
}

fn outcome(actions: &[Action]) -> Option<Outcome> {
    actions.iter().find_map(|action| match action {
        Action::Answer { outcome, .. } => Some(*outcome),
        _ => None,
    })
}

fn news(actions: &[Action]) -> Vec<(String, News)> {
    let told = actions.iter().filter_map(|action| match action {
        Action::Tell { user, news, .. } => Some((user.to_string(), news.clone())),
        _ => None,
    });
    told.collect()
}

#[test]
fn a_name_is_taken_once_whatever_its_case() {
    let mut room = room(Properties::default());
    assert_eq!(outcome(&ask(&mut room, "alice@w", join(Some("Al")))), Some(Outcome::Success));
    assert_eq!(outcome(&ask(&mut room, "bob@w", join(Some("AL")))), Some(Outcome::NameTaken));
    assert_eq!(outcome(&ask(&mut room, "bob@w", join(Some("bo")))), Some(Outcome::Success));
    assert_eq!(outcome(&ask(&mut room, "bob@w", join(Some("bo")))), Some(Outcome::AlreadyJoined));
}

#[test]
fn who_names_no_name_gets_a_free_one() {
    let mut room = room(Properties::default());
    ask(&mut room, "alice@w", join(Some("bob")));
    let actions = ask(&mut room, "bob@w", join(None));
    let name = actions.iter().find_map(|action| match action {
        Action::Answer { reply: Reply::Joined { name, .. }, .. } => Some(name.clone()),
        _ => None,
    });
    assert_eq!(name.as_deref(), Some("bob2"));
}

#[test]
fn a_second_device_takes_part_under_the_same_name_and_nobody_is_told() {
    let mut room = room(Properties::default());
    ask(&mut room, "alice@w", join(None));
    assert_eq!(news(&ask(&mut room, "bob@w", join(None))).len(), 1);
    let event = ConversationEvent::Asked { user: address("bob@w"), endpoint: at("bob-2"), ask: join(None) };
    let actions = room.handle(Timestamp::EPOCH, event);
    assert_eq!((outcome(&actions), news(&actions).len()), (Some(Outcome::Success), 0));
    let gone = ConversationEvent::Gone { user: address("bob@w"), endpoint: at("bob@w") };
    assert_eq!(news(&room.handle(Timestamp::EPOCH, gone)).len(), 0);
    assert_eq!(room.active(), 2);
    let gone = ConversationEvent::Gone { user: address("bob@w"), endpoint: at("bob-2") };
    assert!(matches!(&news(&room.handle(Timestamp::EPOCH, gone))[..], [(user, News::Left(_))] if user == "alice@w"));
}

#[test]
fn who_is_kept_out_goes_and_does_not_come_back_until_let_in() {
    let mut room = room(Properties::default());
    ask(&mut room, "alice@w", join(None));
    ask(&mut room, "bob@w", join(Some("bo")));
    let out = Ask::KeepOut { add: vec![Who::Name("bo".into())], remove: Vec::new() };
    let told = news(&ask(&mut room, "alice@w", out));
    assert!(told.contains(&("bob@w".to_owned(), News::Removed(Removal::KeptOut))), "{told:?}");
    assert_eq!(outcome(&ask(&mut room, "bob@w", join(None))), Some(Outcome::KeptOut));
    let back = Ask::KeepOut { add: Vec::new(), remove: vec![Who::User(address("bob@w"))] };
    ask(&mut room, "alice@w", back);
    assert_eq!(outcome(&ask(&mut room, "bob@w", join(None))), Some(Outcome::Success));
}

#[test]
fn a_restricted_conversation_lets_members_and_invited_users_in() {
    let mut room = room(Properties { access: Access::Restricted, ..Properties::default() });
    assert_eq!(outcome(&ask(&mut room, "bob@w", join(None))), Some(Outcome::ConversationRestricted));
    ask(&mut room, "alice@w", Ask::AddMembers(vec![Who::User(address("bob@w"))]));
    assert_eq!(outcome(&ask(&mut room, "bob@w", join(None))), Some(Outcome::Success));
    let by_bob =
        ConversationEvent::Invited { inviter: address("bob@w"), invitee: address("carol@w"), to: InvitedTo::TakePart };
    assert_eq!(outcome(&room.handle(Timestamp::EPOCH, by_bob)), Some(Outcome::InsufficientRights));
    let by_alice = ConversationEvent::Invited {
        inviter: address("alice@w"),
        invitee: address("carol@w"),
        to: InvitedTo::TakePart,
    };
    assert_eq!(outcome(&room.handle(Timestamp::EPOCH, by_alice)), Some(Outcome::Success));
    assert_eq!(outcome(&ask(&mut room, "carol@w", join(None))), Some(Outcome::Success));
    assert_eq!(room.role(&address("carol@w")), None);
}

#[test]
fn who_accepts_membership_is_a_member_and_nobody_else() {
    let mut room = room(Properties::default());
    let (carol, dave) = (address("carol@w"), address("dave@w"));
    let invited =
        ConversationEvent::Invited { inviter: address("alice@w"), invitee: carol.clone(), to: InvitedTo::BecomeMember };
    room.handle(Timestamp::EPOCH, invited);
    room.handle(Timestamp::EPOCH, ConversationEvent::Accepted { invitee: carol.clone() });
    room.handle(Timestamp::EPOCH, ConversationEvent::Accepted { invitee: dave.clone() });
    assert_eq!((room.role(&carol), room.role(&dave)), (Some(Role::User), None));
}

// WV-GRP-12
#[test]
fn an_empty_conversation_ends_at_once_or_after_its_lifetime() {
    let mut now = room(Properties { ends_when_empty: true, ..Properties::default() });
    ask(&mut now, "alice@w", join(None));
    assert!(ask(&mut now, "alice@w", Ask::Leave).contains(&Action::Over));
    let lifetime = std::time::Duration::from_secs(60);
    let mut later = room(Properties { ends_when_empty: true, empty_lifetime: lifetime, ..Properties::default() });
    ask(&mut later, "alice@w", join(None));
    assert!(!ask(&mut later, "alice@w", Ask::Leave).contains(&Action::Over));
    assert_eq!(later.empty_until, Some(Timestamp::from_secs(160)));
    assert!(later.handle(Timestamp::from_secs(159), ConversationEvent::EmptyOver).is_empty());
    assert_eq!(later.handle(Timestamp::from_secs(160), ConversationEvent::EmptyOver), [Action::Over]);
}

#[test]
fn the_owner_stays_and_moderators_do_not_touch_each_other() {
    let mut room = room(Properties::default());
    let (bob, carol) = (Who::User(address("bob@w")), Who::User(address("carol@w")));
    ask(&mut room, "alice@w", Ask::AddMembers(vec![bob.clone(), carol.clone()]));
    let roles = vec![(bob.clone(), Role::Moderator), (carol.clone(), Role::Moderator)];
    assert_eq!(outcome(&ask(&mut room, "alice@w", Ask::SetRoles(roles))), Some(Outcome::Success));
    for target in [Who::User(address("alice@w")), carol] {
        let removed = ask(&mut room, "bob@w", Ask::RemoveMembers(vec![target.clone()]));
        assert_eq!(outcome(&removed), Some(Outcome::InsufficientRights), "{target:?}");
    }
    let demoted = Ask::SetRoles(vec![(Who::User(address("alice@w")), Role::User)]);
    assert_eq!(outcome(&ask(&mut room, "alice@w", demoted)), Some(Outcome::InsufficientRights));
}

#[test]
fn bounds_hold() {
    let mut room = room(Properties { participants_max: Some(2), ..Properties::default() });
    ask(&mut room, "alice@w", join(None));
    ask(&mut room, "bob@w", join(None));
    assert_eq!(outcome(&ask(&mut room, "carol@w", join(None))), Some(Outcome::TooManyParticipants));
    assert_eq!(outcome(&ask(&mut room, "carol@w", join(Some(&"x".repeat(21))))), Some(Outcome::BadParameter));
    let many = (0..9).map(|number| Who::User(address(&format!("u{number}@w")))).collect();
    assert_eq!(outcome(&ask(&mut room, "alice@w", Ask::AddMembers(many))), Some(Outcome::PartialSuccess));
    assert!(room.people.len() <= 6);
    let long = PropertyChange { topic: Some("x".repeat(41)), ..PropertyChange::default() };
    let change = Ask::Change { properties: long, own: OwnChange::default() };
    assert_eq!(outcome(&ask(&mut room, "alice@w", change)), Some(Outcome::BadConversationProperty));
    let nameless = PropertyChange { is_searchable: Some(true), ..PropertyChange::default() };
    let change = Ask::Change { properties: nameless, own: OwnChange::default() };
    assert_eq!(outcome(&ask(&mut room, "alice@w", change)), Some(Outcome::NameMissing));
}

/// How the asking user stands, by a name for the table.
const STANDINGS: [&str; 7] = ["stranger", "invited", "kept-out", "joined", "member", "moderator", "administrator"];

fn with_standing(access: Access, standing: &str) -> Conversation {
    let mut room = room(Properties { access, ..Properties::default() });
    let person = match standing {
        "invited" => Person { standing: Standing::Admitted, ..Person::default() },
        "kept-out" => Person { standing: Standing::KeptOut, ..Person::default() },
        "joined" => Person {
            seat: Some(Seat { name: "me".into(), places: vec![Place { endpoint: at("me@w"), follows: true }] }),
            ..Person::default()
        },
        "member" => Person { role: Some(Role::User), ..Person::default() },
        "moderator" => Person { role: Some(Role::Moderator), ..Person::default() },
        "administrator" => Person { role: Some(Role::Administrator), ..Person::default() },
        _ => return room,
    };
    room.people.insert(address("me@w"), person);
    room
}

fn asks() -> Vec<(&'static str, Ask)> {
    let other = || Who::User(address("other@w"));
    let topic = PropertyChange { topic: Some("t".into()), ..PropertyChange::default() };
    let own = OwnChange { shows_address: Some(true), ..OwnChange::default() };
    vec![
        ("join", join(None)),
        ("leave", Ask::Leave),
        ("end", Ask::End),
        ("members", Ask::Members),
        ("participants", Ask::Participants),
        ("properties", Ask::Properties),
        ("change", Ask::Change { properties: topic, own: OwnChange::default() }),
        ("change-own", Ask::Change { properties: PropertyChange::default(), own }),
        ("add", Ask::AddMembers(vec![other()])),
        ("remove", Ask::RemoveMembers(vec![other()])),
        ("roles", Ask::SetRoles(vec![(Who::User(address("alice@w")), Role::Administrator)])),
        ("keep-out", Ask::KeepOut { add: vec![other()], remove: Vec::new() }),
        ("follow", Ask::Follow(Following::Begin)),
        ("history", Ask::History { at_most: None }),
        ("recall", Ask::Recall(MessageId::new("m"))),
    ]
}

fn shown(room: &Conversation) -> String {
    let Some(me) = room.people.get(&address("me@w")) else { return "unknown".to_owned() };
    let seat = if me.seat.is_some() { " seated" } else { "" };
    match me.role {
        Some(role) => format!("{role:?}{seat}"),
        None => format!("{:?}{seat}", me.standing),
    }
}

#[test]
fn every_standing_has_a_row_for_everything_that_is_asked() {
    let mut table =
        String::from("# conversation: access, standing, what is asked: outcome, standing after, what is to be done\n");
    for access in [Access::Open, Access::Restricted] {
        for standing in STANDINGS {
            for (name, asked) in asks() {
                let mut room = with_standing(access, standing);
                let actions = ask(&mut room, "me@w", asked);
                let outcome = outcome(&actions).unwrap();
                let rest: Vec<&str> = actions
                    .iter()
                    .filter_map(|action| match action {
                        Action::Answer { .. } => None,
                        Action::Keep => Some("Keep"),
                        Action::KeepPerson(_) => Some("KeepPerson"),
                        Action::Tell { .. } => Some("Tell"),
                        Action::Seated { .. } => Some("Seated"),
                        Action::Unseated { .. } => Some("Unseated"),
                        Action::ForgetSaid(_) => Some("ForgetSaid"),
                        Action::Over => Some("Over"),
                        Action::Happened { .. } => Some("Happened"),
                    })
                    .collect();
                let (after, rest) = (shown(&room), rest.join(", "));
                table.push_str(&format!("{access:?} {standing} {name}: {outcome:?}, {after} [{rest}]\n"));
            }
        }
    }
    crate::generated::compare("fixtures/state/mapping_conversation.txt", &table);
}
