//! Real gateways on every side: WV domains of their own, and one SIP domain that both reach over SIP.

use super::group::{create, named, say};
use acceptance::{
    agent::Agent,
    phone::{Phone, text_of},
    product::{Gateway, Setup},
};
use wv_proto::{
    presence_attribute::{PresenceAttribute, PresenceSubList, Qualified},
    primitive::{
        Primitive as CspPrimitive,
        group::{JoinGroupRequest, LeaveGroupRequest, RejectEntries, RejectListRequest, Roster},
        identifier::{GroupId, UserId},
        party::{Group, Sender},
    },
    version::{Encoding, Version},
};

const ALICE: &str = "wv:alice@left.example";
const CAROL: &str = "wv:carol@right.example";
const DAN: &str = "wv:dan@right.example";
const BOB: &str = "wv:bob@sip.example";

/// Two WV domains that federate over SSP, and the home of the SIP users, which knows both over SIP.
struct Sites {
    left: Gateway,
    right: Gateway,
    core: Gateway,
}

fn domain(name: &str, side: &str, route: &str) -> String {
    format!("[[domain]]\nname = \"{name}\"\nside = \"{side}\"\nroute = \"{route}\"\n\n")
}

fn sip_peer(name: &str, port: u16) -> String {
    format!("[[peer]]\nname = \"{name}\"\nuri = \"sip:127.0.0.1:{port}\"\ntrusted = true\n\n")
}

fn village(own: &str, other: &str, users: &[&str], (ssp, sip): (u16, u16)) -> String {
    let accounts = users.iter().map(|user| format!("[[account]]\nuser = \"{user}\"\npassword = \"secret\"\n\n"));
    let rows =
        [domain(own, "wv", "access"), domain(other, "wv", "ssp:other"), domain("sip.example", "simple", "peer:core")];
    let peers =
        format!("[[peer]]\nname = \"other\"\nuri = \"ssp+http://127.0.0.1:{ssp}\"\n\n{}", sip_peer("core", sip));
    format!("{}{peers}{}{ALLOW}", rows.concat(), accounts.collect::<String>())
}

const ALLOW: &str = "[authorization]\ndefault = \"allow\"\n";

impl Sites {
    fn start() -> Self {
        let [left, right, core] = [(); 3].map(|()| Setup::embedded());
        let (of_left, of_right, of_core) = (left.ports(), right.ports(), core.ports());
        let core_text = [
            domain("sip.example", "simple", "registrar"),
            domain("left.example", "wv", "peer:left"),
            domain("right.example", "wv", "peer:right"),
        ];
        let core_peers = format!("{}{}", sip_peer("left", of_left.sip), sip_peer("right", of_right.sip));
        let account = "[[account]]\nuser = \"sip:bob@sip.example\"\npassword = \"secret\"\n\n";
        let core_text = format!("{}{core_peers}{account}{ALLOW}", core_text.concat().replace("\"wv\"", "\"simple\""));
        Self {
            left: left
                .reconfigured(&village("left.example", "right.example", &[ALICE], (of_right.ssp, of_core.sip)))
                .start(),
            right: right
                .reconfigured(&village("right.example", "left.example", &[CAROL, DAN], (of_left.ssp, of_core.sip)))
                .start(),
            core: core.reconfigured(&core_text).start(),
        }
    }

    fn phone(&self, user: &str, version: Version, encoding: Encoding) -> Phone {
        let gateway = if user.contains("@left.") { &self.left } else { &self.right };
        Phone::logged_in(gateway.csp(), user, version, encoding)
    }
}

fn says(list: &PresenceSubList, wanted: &str) -> bool {
    list.attributes.iter().any(|attribute| match attribute {
        PresenceAttribute::StatusText(text) => text.valid_value().is_some_and(|text| text.as_ref() == wanted),
        _ => false,
    })
}

#[test]
fn presence_and_messages_go_in_all_six_directions() {
    let sites = Sites::start();
    let mut alice = sites.phone(ALICE, Version::V1_2, Encoding::Wbxml);
    let mut carol = sites.phone(CAROL, Version::V1_3, Encoding::Xml);
    let mut bob = Agent::registered(sites.core.sip(), "bob@sip.example");
    let code = |phone: &mut Phone, to: &str, text: &str| phone.send(&[to], text, false).unwrap().result.code.number();
    assert_eq!(code(&mut alice, CAROL, "left to right"), 200);
    carol.expect_text("left to right");
    assert_eq!(code(&mut carol, ALICE, "right to left"), 200);
    alice.expect_text("right to left");
    assert_eq!(code(&mut alice, BOB, "left to SIP"), 200);
    bob.expect_text("left to SIP");
    assert_eq!(code(&mut carol, BOB, "right to SIP"), 200);
    bob.expect_text("right to SIP");
    assert_eq!(bob.send("sip:alice@left.example", "SIP to left"), Ok(200));
    alice.expect_text("SIP to left");
    assert_eq!(bob.send("sip:carol@right.example", "SIP to right"), Ok(200));
    carol.expect_text("SIP to right");
    let text = |text: &str| vec![PresenceAttribute::StatusText(Qualified::valid(text.into()))];
    assert_eq!(alice.publish(text("on the left")), 200);
    assert_eq!(carol.publish(text("on the right")), 200);
    bob.publish(BOB_IS_THERE, None).unwrap();
    let shown = [(ALICE, "on the left"), (CAROL, "on the right"), (BOB, "in the middle")];
    for watcher in [&mut alice, &mut carol] {
        let own = watcher.user().to_owned();
        for (presentity, text) in shown.into_iter().filter(|(presentity, _)| *presentity != own) {
            assert_eq!(watcher.watch(presentity), 200);
            watcher.expect_presence(presentity, |list| says(list, text).then_some(()));
        }
    }
    for (presentity, text) in [("sip:alice@left.example", "on the left"), ("sip:carol@right.example", "on the right")] {
        let (_, watch) = bob.watch(presentity, "presence", 600).unwrap();
        bob.expect_notify(&watch, text, |notify| notify.body.contains(text).then_some(()));
    }
}

const BOB_IS_THERE: &str = r#"<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:bob@sip.example">
<tuple id="t"><status><basic>open</basic></status><note>in the middle</note></tuple><note>in the middle</note>
</presence>"#;

fn join(phone: &mut Phone, group: &GroupId, name: &str) -> u16 {
    let request = JoinGroupRequest {
        group_id: group.clone(),
        screen_name: Some(named(name, group)),
        joined_request: true,
        subscribe_notification: true,
        own_properties: Vec::new(),
    };
    match phone.request(CspPrimitive::JoinGroupRequest(Box::new(request))).unwrap() {
        CspPrimitive::JoinGroupResponse(_) => 200,
        other => acceptance::phone::code_of(&other).unwrap(),
    }
}

/// What is heard in the group, and by whom it was said.
fn hears(phone: &mut Phone, text: &str, group: &GroupId, by: &str) {
    phone.expect(text, |told| match told {
        CspPrimitive::NewMessage(new) if text_of(new) == Some(text) => {
            assert_eq!(new.message.sender, Some(Sender::Group(Group::ScreenName(named(by, group)))), "{text}");
            Some(())
        }
        _ => None,
    });
}

fn hears_nothing(phone: &mut Phone, text: &str) {
    phone.poll();
    let heard = phone.take_told();
    let has_text = |told: &CspPrimitive| matches!(told, CspPrimitive::NewMessage(new) if text_of(new) == Some(text));
    assert!(!heard.iter().any(has_text), "{heard:?}");
}

fn holds(roster: Option<&Roster>, name: &str) -> bool {
    matches!(roster, Some(Roster::Map(map)) if map.mappings.iter().any(|one| one.name.as_ref() == name))
}

fn sees_left(phone: &mut Phone, name: &str) {
    phone.expect(&format!("{name} leaving"), |told| match told {
        CspPrimitive::GroupChangeNotice(notice) => {
            let left = notice.left.iter().flat_map(|left| &left.screen_names);
            left.into_iter().any(|left| left.name.as_ref() == name).then_some(())
        }
        _ => None,
    });
}

fn sees_joined(phone: &mut Phone, name: &str) {
    phone.expect(&format!("{name} joining"), |told| match told {
        CspPrimitive::GroupChangeNotice(notice) => holds(notice.joined.as_ref(), name).then_some(()),
        _ => None,
    });
}

/// Alice on the left with a group in which two of the right take part.
fn in_a_group(sites: &Sites) -> (GroupId, [Phone; 3]) {
    let group = GroupId::new("wv:alice/room@left.example");
    let mut alice = sites.phone(ALICE, Version::V1_3, Encoding::Xml);
    let mut carol = sites.phone(CAROL, Version::V1_3, Encoding::Wbxml);
    let mut dan = sites.phone(DAN, Version::V1_3, Encoding::Xml);
    create(&mut alice, &group, "al");
    assert_eq!(join(&mut carol, &group, "ca"), 200);
    sees_joined(&mut alice, "ca");
    assert_eq!(join(&mut dan, &group, "da"), 200);
    sees_joined(&mut alice, "da");
    sees_joined(&mut carol, "da");
    (group, [alice, carol, dan])
}

#[test]
fn a_group_spans_two_gateways() {
    let sites = Sites::start();
    let (group, [mut alice, mut carol, mut dan]) = in_a_group(&sites);
    let room = || Group::Id(group.clone());
    assert_eq!(join(&mut carol, &group, "cc"), 807);
    // All hear what is said on either side, but for who said it.
    assert_eq!(say(&mut alice, room(), "from the left"), 200);
    hears(&mut carol, "from the left", &group, "al");
    hears(&mut dan, "from the left", &group, "al");
    assert_eq!(say(&mut carol, room(), "from the right"), 200);
    hears(&mut alice, "from the right", &group, "ca");
    hears(&mut dan, "from the right", &group, "ca");
    // In private, over the border and back over it.
    assert_eq!(say(&mut alice, Group::ScreenName(named("ca", &group)), "only you"), 200);
    hears(&mut carol, "only you", &group, "al");
    assert_eq!(say(&mut carol, Group::ScreenName(named("al", &group)), "you too"), 200);
    hears(&mut alice, "you too", &group, "ca");
    assert_eq!(say(&mut carol, Group::ScreenName(named("da", &group)), "among us"), 200);
    hears(&mut dan, "among us", &group, "ca");
    // Who is kept out is told so, although the peer does not name it; the other one stays.
    let add = Some(RejectEntries { users: vec![UserId::new(DAN)], screen_names: Vec::new() });
    let reject = RejectListRequest { group_id: group.clone(), add, remove: None };
    let answer = alice.request(CspPrimitive::RejectListRequest(reject)).unwrap();
    assert!(matches!(answer, CspPrimitive::RejectListResponse(_)), "{answer:?}");
    let code = dan.expect("being kept out", |told| match told {
        CspPrimitive::LeaveGroupResponse(left) => Some(left.result.code.number()),
        _ => None,
    });
    assert_eq!(code, 809);
    sees_left(&mut carol, "da");
    assert_eq!(join(&mut dan, &group, "da"), 809);
    assert_eq!(say(&mut alice, room(), "without dan"), 200);
    hears(&mut carol, "without dan", &group, "al");
    hears_nothing(&mut dan, "without dan");
    // Who leaves is gone.
    let leave = || CspPrimitive::LeaveGroupRequest(LeaveGroupRequest { group_id: group.clone() });
    assert_eq!(carol.ask(leave()), 200);
    sees_left(&mut alice, "ca");
    assert_eq!(carol.ask(leave()), 808);
    assert!(say(&mut carol, room(), "from outside") >= 400);
}

#[test]
fn who_takes_part_in_a_foreign_group_is_in_after_either_side_was_killed() {
    let mut sites = Sites::start();
    let (group, [mut alice, mut carol, mut dan]) = in_a_group(&sites);
    let room = || Group::Id(group.clone());
    sites.right.kill();
    sites.right.start_again();
    assert_eq!(say(&mut alice, room(), "after the kill on the right"), 200);
    hears(&mut carol, "after the kill on the right", &group, "al");
    hears(&mut dan, "after the kill on the right", &group, "al");
    assert_eq!(say(&mut carol, room(), "still in"), 200);
    hears(&mut alice, "still in", &group, "ca");
    sites.left.kill();
    sites.left.start_again();
    assert_eq!(say(&mut carol, room(), "after the kill on the left"), 200);
    hears(&mut alice, "after the kill on the left", &group, "ca");
    assert_eq!(say(&mut alice, room(), "to all"), 200);
    hears(&mut carol, "to all", &group, "al");
    hears(&mut dan, "to all", &group, "al");
    // Who left before the kill is out after it.
    assert_eq!(dan.ask(CspPrimitive::LeaveGroupRequest(LeaveGroupRequest { group_id: group.clone() })), 200);
    sees_left(&mut carol, "da");
    sites.right.kill();
    sites.right.start_again();
    assert_eq!(say(&mut alice, room(), "without dan"), 200);
    hears(&mut carol, "without dan", &group, "al");
    hears_nothing(&mut dan, "without dan");
}
