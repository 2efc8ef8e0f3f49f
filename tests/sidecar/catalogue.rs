//! Cases of the interworking catalogue for the gateway as a client of a WV server.

use super::{ALICE, BOB, SHADOW, World, message::talk, presence::BOB_IS_THERE};
use acceptance::{
    agent::{Agent, Watch},
    catalogue::{How, case},
    wv_server::Style,
};
use std::time::Duration;
use wv_proto::{
    presence_attribute::{Availability, PresenceAttribute, Qualified},
    version::{Encoding, Version},
};

/// Attributes of a user who is there, and this one.
fn there_and(attribute: PresenceAttribute) -> Vec<PresenceAttribute> {
    vec![PresenceAttribute::OnlineStatus(Qualified::valid(true)), attribute]
}

fn available(how: Availability) -> Vec<PresenceAttribute> {
    there_and(PresenceAttribute::UserAvailability(Qualified::valid(how)))
}

/// Waits for a notification in which all of these stand, and none of those.
fn expect_document(bob: &mut Agent, watch: &Watch, wanted: &[&str], unwanted: &[&str]) {
    let is_meant =
        |body: &str| wanted.iter().all(|part| body.contains(part)) && !unwanted.iter().any(|part| body.contains(part));
    bob.expect_notify(watch, &wanted.join(", "), |notify| is_meant(&notify.body).then_some(()));
}

#[test]
fn presence_of_wv_users_is_shown_as_the_catalogue_has_it() {
    let world = World::new();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    world.server.show(ALICE, "first");
    let (_, watch) = bob.watch("sip:alice@old.example", "presence", 600).unwrap();
    expect_document(&mut bob, &watch, &["first"], &[]);
    case("IWF-PRS-INT-002", How::Sockets, || {
        world.server.show_all(ALICE, available(Availability::Discreet));
        expect_document(&mut bob, &watch, &["busy", "<basic>open</basic>"], &[]);
    });
    case("IWF-PRS-INT-003", How::Sockets, || {
        world.server.show_all(ALICE, available(Availability::NotAvailable));
        expect_document(&mut bob, &watch, &["away"], &["busy"]);
    });
    case("IWF-PRS-INT-001", How::Sockets, || {
        world.server.show_all(ALICE, available(Availability::Available));
        expect_document(&mut bob, &watch, &["<basic>open</basic>"], &["busy", "away"]);
    });
    case("IWF-PRS-INT-006", How::Sockets, || {
        let text = PresenceAttribute::StatusText(Qualified::valid("grün 😀 <&>".into()));
        world.server.show_all(ALICE, there_and(text));
        expect_document(&mut bob, &watch, &["grün 😀 &lt;&amp;"], &[]);
    });
    case("IWF-PRS-INT-004", How::Sockets, || {
        world.server.show_all(ALICE, vec![PresenceAttribute::OnlineStatus(Qualified::valid(false))]);
        expect_document(&mut bob, &watch, &["<basic>closed</basic>"], &[]);
    });
    case("IWF-SUB-INT-036", How::Sockets, || {
        let (_, fetch) = bob.watch("sip:alice@old.example", "presence", 0).unwrap();
        bob.expect_notify(&fetch, "the answer", |notify| {
            (notify.state.starts_with("terminated") && notify.body.contains("<basic>closed</basic>")).then_some(())
        });
    });
    case("IWF-SUB-INT-041", How::Sockets, || {
        assert_eq!(bob.refresh(&watch, 0), Ok(200));
        bob.expect_notify(&watch, "the end", |notify| notify.state.starts_with("terminated").then_some(()));
    });
}

#[test]
fn presence_of_sip_users_is_shown_as_the_catalogue_has_it() {
    let world = World::new();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    let mut tag = String::new();
    case("IWF-PRS-INT-016", How::Sockets, || {
        tag = bob.publish(BOB_IS_THERE, None).unwrap();
        world.server.expect_shown(SHADOW, true, Some("on the road"));
        tag = bob.publish(&BOB_IS_THERE.replace("open", "closed"), Some(&tag)).unwrap();
        world.server.expect_shown(SHADOW, false, None);
    });
    case("IWF-PRS-INT-024", How::Sockets, || {
        tag = bob.publish(BOB_IS_THERE, Some(&tag)).unwrap();
        world.server.expect_shown(SHADOW, true, Some("on the road"));
        let told =
            |world: &World| world.server.titles().iter().filter(|title| *title == "UpdatePresence-Request").count();
        let before = told(&world);
        // The same again is not told; the message behind it is the proof that it was passed.
        bob.publish(BOB_IS_THERE, Some(&tag)).unwrap();
        talk(&world.server, &mut bob, "behind it");
        assert_eq!(told(&world), before);
    });
}

#[test]
fn messages_to_sip_users_pass_as_the_catalogue_has_it() {
    let world = World::new();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    talk(&world.server, &mut bob, "first");
    case("IWF-MSG-INT-001", How::Sockets, || {
        let id = world.server.say(ALICE, SHADOW, "kurz und grün");
        let request = bob.expect_text("kurz und grün");
        assert!(request.body().len() <= 1300);
        world.server.expect_delivered(&id);
    });
    case("IWF-MSG-INT-006", How::Sockets, || {
        bob.answer_messages(403);
        let id = world.server.say(ALICE, SHADOW, "unwanted");
        world.server.expect_rejected(&id);
        bob.answer_messages(200);
    });
}

#[test]
fn iwf_msg_int_003_what_is_no_text_passes_octet_by_octet() {
    let spoken = [Version::V1_1, Version::V1_2, Version::V1_3]
        .into_iter()
        .flat_map(|version| [(version, Encoding::Xml), (version, Encoding::Wbxml)]);
    case("IWF-MSG-INT-003", How::Sockets, || {
        for spoken in spoken {
            let world = World::of(spoken, Style::proper(), "");
            let mut bob = Agent::registered(world.gateway.sip(), BOB);
            talk(&world.server, &mut bob, "first");
            for octets in [PICTURE, b"letters all of it"] {
                let id = world.server.say_content(ALICE, SHADOW, "image/png", octets);
                bob.expect("the picture", |request| {
                    let kind = request.headers().content_type().ok().flatten().map(|kind| kind.to_string());
                    (kind.as_deref() == Some("image/png") && request.body().as_ref() == octets).then_some(())
                });
                world.server.expect_delivered(&id);
                let answer = bob.send_content("sip:alice@old.example", "image/png", octets).unwrap();
                assert!(matches!(answer.status().to_number(), 200 | 202), "{spoken:?} {answer:?}");
                world.server.expect_content(ALICE, "image/png", octets);
            }
        }
    });
}

/// The beginning of a picture: with a zero, and no UTF-8.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR";

#[test]
fn messages_of_sip_users_pass_as_the_catalogue_has_it() {
    let world = World::new();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    let count = |title: &str| world.server.titles().iter().filter(|known| *known == title).count();
    case("IWF-MSG-INT-011", How::Sockets, || {
        assert!(matches!(bob.send("sip:alice@old.example", "to the phone"), Ok(200 | 202)));
        world.server.expect_message(ALICE, "to the phone");
    });
    case("IWF-MSG-INT-016", How::Sockets, || {
        let before = count("SendMessage-Request");
        let composing =
            "<isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\"><state>active</state></isComposing>";
        let kind = "application/im-iscomposing+xml";
        let answer = bob.send_content("sip:alice@old.example", kind, composing.as_bytes()).unwrap();
        assert_eq!(answer.status().to_number(), 200);
        assert!(matches!(bob.send("sip:alice@old.example", "behind it"), Ok(200 | 202)));
        world.server.expect_message(ALICE, "behind it");
        assert_eq!(count("SendMessage-Request"), before + 1, "only the message");
    });
    case("IWF-MSG-INT-018", How::Sockets, || {
        let answer = bob.send_content("sip:alice@old.example", "text/plain;charset=iso-8859-1", b"gr\xfcn").unwrap();
        assert!(matches!(answer.status().to_number(), 200 | 202));
        world.server.expect_message(ALICE, "grün");
    });
    let wrapped = |id: &str| {
        format!(
            "From: Somebody <sip:eve@sip.example>\r\nTo: <sip:alice@old.example>\r\nDateTime: 2026-01-01T00:00:00Z\r\n\
             NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: {id}\r\n\
             imdn.Disposition-Notification: positive-delivery\r\n\r\nContent-Type: text/plain\r\n\r\nin a wrapping"
        )
    };
    case("IWF-MSG-INT-015", How::Sockets, || {
        let answer = bob.send_content("sip:alice@old.example", "message/cpim", wrapped("Wq1").as_bytes()).unwrap();
        assert!(matches!(answer.status().to_number(), 200 | 202));
        world.server.expect_message(ALICE, "in a wrapping");
        // The shadow of who was asserted writes, whatever is said inside.
        let senders = world.server.expect("the message", |said| {
            (said.primitive.name().to_string() == "SendMessage-Request").then(|| said.user.clone())
        });
        assert_eq!(senders, SHADOW);
    });
    case("IWF-MSG-INT-014", How::Sockets, || {
        let id = world.server.expect_message(ALICE, "in a wrapping");
        world.server.report(&id, 200);
        let told = bob.expect_text("Wq1");
        assert!(String::from_utf8_lossy(told.body()).contains("<delivered/>"), "{told:?}");
    });
    case("IWF-MSG-INT-020", How::Sockets, || {
        let before = count("SendMessage-Request");
        for _ in 0..2 {
            let answer = bob.send_content("sip:alice@old.example", "message/cpim", wrapped("Wq2").as_bytes()).unwrap();
            assert!(matches!(answer.status().to_number(), 200 | 202));
        }
        assert!(matches!(bob.send("sip:alice@old.example", "behind both"), Ok(200 | 202)));
        world.server.expect_message_within(ALICE, "behind both", Duration::from_secs(30));
        assert_eq!(count("SendMessage-Request"), before + 2, "one of the two, and the last");
    });
}
