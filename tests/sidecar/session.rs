//! Sessions of shadows: what drives them out, and how they come back.

use super::{ALICE, BOB, SHADOW, World, message::talk, presence::sees};
use acceptance::{
    agent::Agent,
    catalogue::{How, case},
    folder::Folder,
    wait,
    wv_server::Style,
};
use std::time::Duration;
use wv_proto::version::{Encoding, Version};

#[test]
fn iwf_ses_int_013_a_shadow_that_is_forced_out_comes_back_once() {
    case("IWF-SES-INT-013", How::Sockets, || {
        let world = World::new();
        let mut bob = Agent::registered(world.gateway.sip(), BOB);
        world.server.show(ALICE, "before");
        let (_, watch) = bob.watch("sip:alice@old.example", "presence", 600).unwrap();
        sees(&mut bob, &watch, "before");
        world.server.throw_out(SHADOW, 601);
        wait::until("the end of the session", Duration::from_secs(20), || {
            let (_, told) = world.gateway.ask(&["show", "sessions", "--json"]);
            told.contains("601").then_some(())
        });
        assert_eq!(world.server.logins().len(), 1, "it is not fought");
        // After a minute, once.
        world.server.expect_logins(SHADOW, 2, Duration::from_secs(75));
        world.server.show(ALICE, "after");
        sees(&mut bob, &watch, "after");
        let ended = bob.take_requests(&sip_proto::message::Method::Notify);
        let is_over = |notify: &&sip_proto::message::request::Request| format!("{notify:?}").contains("terminated");
        assert_eq!(ended.iter().filter(is_over).count(), 0, "the watcher's dialog stays");
        world.server.throw_out(SHADOW, 601);
        wait::until("the alarm", Duration::from_secs(20), || {
            world.gateway.log().contains("shadow account given up").then_some(())
        });
        let (_, told) = world.gateway.ask(&["show", "sessions", "--json"]);
        assert!(told.contains("barred"), "{told}");
    });
}

#[test]
fn iwf_ses_int_014_a_session_that_the_server_forgot_comes_back_in_silence() {
    case("IWF-SES-INT-014", How::Sockets, || {
        let world = World::new();
        let mut bob = Agent::registered(world.gateway.sip(), BOB);
        world.server.show(ALICE, "steady");
        let (_, watch) = bob.watch("sip:alice@old.example", "presence", 600).unwrap();
        sees(&mut bob, &watch, "steady");
        bob.take_requests(&sip_proto::message::Method::Notify);
        world.server.forget_sessions();
        world.server.expect_logins(SHADOW, 2, Duration::from_secs(30));
        talk(&world.server, &mut bob, "in the new session");
        let told = bob.take_requests(&sip_proto::message::Method::Notify);
        assert!(told.is_empty(), "nothing changed, so nothing is told: {told:#?}");
        world.server.show(ALICE, "changed");
        sees(&mut bob, &watch, "changed");
        // A request in a session that is gone is asked again in the next.
        world.server.fail("SendMessage-Request", 604);
        let status = bob.send("sip:alice@old.example", "through it").unwrap();
        assert!(matches!(status, 200 | 202), "{status}");
        world.server.expect_message(ALICE, "through it");
    });
}

#[test]
fn a_session_that_comes_back_asks_for_everybody_at_once() {
    let users = ["carol@old.example", "erin@old.example", "frank@old.example"];
    // A loose server refuses all because of one, and then each is asked for alone.
    for style in [Style::proper(), Style { is_loose: true, ..Style::proper() }] {
        let world = World::of((Version::V1_2, Encoding::Xml), style.clone(), "");
        users.iter().for_each(|user| world.server.add_user(user));
        let mut bob = Agent::registered(world.gateway.sip(), BOB);
        let watches: Vec<_> = users
            .iter()
            .map(|user| {
                world.server.show(user, "before");
                let (_, watch) = bob.watch(&format!("sip:{user}"), "presence", 600).unwrap();
                sees(&mut bob, &watch, "before");
                watch
            })
            .collect();
        let asked = || world.server.titles().iter().filter(|title| *title == "SubscribePresence-Request").count();
        assert_eq!(asked(), users.len());
        // One of them is gone when the session comes back.
        world.server.remove_user(users[2]);
        world.server.forget_sessions();
        world.server.expect_logins(SHADOW, 2, Duration::from_secs(30));
        bob.expect_notify(&watches[2], "the end", |notify| notify.state.contains("noresource").then_some(()));
        for (user, watch) in users.iter().zip(&watches).take(2) {
            world.server.show(user, "after");
            sees(&mut bob, watch, "after");
        }
        let wanted = if style.is_loose { users.len() + 1 + users.len() } else { users.len() + 1 };
        assert_eq!(asked(), wanted);
    }
}

#[test]
fn a_refused_account_is_given_up_and_told_of() {
    let world = World::new();
    world.server.change_password(SHADOW, "another");
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    assert_eq!(bob.send("sip:alice@old.example", "x"), Ok(403));
    let (_, told) = world.gateway.ask(&["show", "sessions", "--json"]);
    assert!(told.contains("barred") && told.contains("409"), "{told}");
    assert_eq!(world.server.logins().len(), 0);
}

#[test]
fn shadows_are_imported_with_their_passwords_sealed() {
    let world = World::new();
    let (dave, password) = ("dave@old.example", "correct horse battery");
    world.server.change_password(dave, password);
    let folder = Folder::new("import");
    let file = folder.file("shadows.csv");
    let text = format!("user,password,shadow_of\nwv:{dave},{password},sip:eve@sip.example\nwv:x@old.example,y,sip:z\n");
    std::fs::write(&file, text).unwrap();
    let (_, told) = world.gateway.ask(&["account", "import", file.to_str().unwrap(), "--json"]);
    assert!(told.contains("wv:x@old.example stands for no sip: user"), "{told}");
    let mut eve = Agent::registered(world.gateway.sip(), "eve@sip.example");
    world.server.expect_logins(dave, 1, Duration::from_secs(20));
    assert!(matches!(eve.send("sip:alice@old.example", "imported"), Ok(200 | 202)));
    world.server.expect_message(ALICE, "imported");
    let kept = world.gateway.data();
    assert!(!kept.is_empty());
    let is_in_clear = |octets: &Vec<u8>| octets.windows(password.len()).any(|part| part == password.as_bytes());
    assert!(!kept.iter().any(is_in_clear), "nothing in the data folder holds the password");
    // For whom it stands is exported, without the password, and imported again.
    let (_, exported) = world.gateway.ask(&["account", "export"]);
    let line = format!("{{\"kind\":\"person\",\"user\":\"wv:{dave}\",\"shadow_of\":\"sip:eve@sip.example\"}}");
    assert_eq!(exported.lines().filter(|known| *known == line).count(), 1, "{exported}");
    assert!(!exported.contains(password));
    let site = folder.file("site.jsonl");
    let named = line.replace("\"shadow_of\"", "\"first_name\":\"Eve\",\"shadow_of\"");
    std::fs::write(&site, format!("{named}\n{}\n", line.replace("eve@", "bob@"))).unwrap();
    let (_, told) = world.gateway.ask(&["account", "import", site.to_str().unwrap()]);
    assert!(told.contains("1 refused") && told.contains("does not stand for that user"), "{told}");
    let (_, exported) = world.gateway.ask(&["account", "export", "--user", &format!("wv:{dave}")]);
    assert_eq!(exported.trim_end(), named);
    assert!(matches!(eve.send("sip:alice@old.example", "still"), Ok(200 | 202)));
    world.server.expect_message(ALICE, "still");
    // Who is removed is logged out.
    let (removed, told) = world.gateway.ask(&["account", "remove", "wv:dave@old.example"]);
    assert!(removed, "{told}");
    wait::until("the logout", Duration::from_secs(20), || (!world.server.is_logged_in(dave)).then_some(()));
}

#[test]
fn a_login_in_clear_is_a_login() {
    let world = World::in_clear();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    talk(&world.server, &mut bob, "in clear");
}

#[test]
fn a_server_that_wakes_is_not_polled() {
    let style = Style { wakes: true, ..Style::proper() };
    let world = World::of((Version::V1_2, Encoding::Wbxml), style, "");
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    talk(&world.server, &mut bob, "once");
    wait::until("the channel", Duration::from_secs(20), || world.server.has_bell(SHADOW).then_some(()));
    talk(&world.server, &mut bob, "woken");
}

#[test]
fn a_shadow_that_nobody_needs_is_logged_out() {
    let world = World::lingering();
    // It is nowhere to be reached, and only writes.
    let mut bob = Agent::new(world.gateway.sip(), BOB);
    assert!(matches!(bob.send("sip:alice@old.example", "once"), Ok(200 | 202)));
    world.server.expect_message(ALICE, "once");
    wait::until("the logout", Duration::from_secs(20), || (!world.server.is_logged_in(SHADOW)).then_some(()));
    assert!(world.server.titles().contains(&"Logout-Request".to_owned()));
    assert_eq!(bob.register(600), Ok(200));
    talk(&world.server, &mut bob, "again");
}
