//! Accounts of the configuration that come, go and change while the gateway runs.

use super::{ALICE, BOB, SHADOW, USERS, configuration, message::talk, presence::sees};
use acceptance::{
    agent::Agent,
    port,
    product::{Gateway, Setup},
    wait,
    wv_server::{Style, WvServer},
};
use sip_proto::message::Method;
use std::{fs, time::Duration};
use wv_proto::version::{Encoding, Version};

const SPOKEN: (Version, Encoding) = (Version::V1_2, Encoding::Xml);
const PATIENCE: Duration = Duration::from_secs(20);

/// Another account at the server.
const DAVE: &str = "dave@old.example";
/// A SIP user without an account.
const EVE: &str = "eve@sip.example";

/// A gateway without any account at its server.
struct Site {
    base: String,
    gateway: Gateway,
    server: WvServer,
}

fn shadow(user: &str, account: &str, more: &str) -> String {
    format!("\n[[shadow]]\nuser = \"sip:{user}\"\naccount = \"wv:{account}\"\npassword = \"secret\"\n{more}")
}

impl Site {
    fn new(shadows: &str) -> Self {
        let port = port::free();
        let whole = configuration(port, SPOKEN, "");
        let base = whole.split("[[shadow]]").next().unwrap().to_owned();
        let server = WvServer::start(port, SPOKEN, Style::proper(), &USERS);
        let gateway = Setup::configured(&format!("{base}{shadows}")).start();
        Self { base, gateway, server }
    }

    /// Has the configuration with these accounts read again; what is told.
    fn try_reload(&self, shadows: &str) -> (bool, String) {
        fs::write(self.gateway.file("gateway.toml"), format!("{}{shadows}", self.base)).unwrap();
        self.gateway.ask(&["reload"])
    }

    fn reload(&self, shadows: &str, wanted: &[&str]) {
        let (is_done, told) = self.try_reload(shadows);
        assert!(is_done && !told.contains("restart"), "{told}");
        wanted.iter().for_each(|wanted| assert!(told.contains(wanted), "{told}"));
    }

    fn logins(&self, user: &str) -> usize {
        self.server.logins().iter().filter(|known| *known == user).count()
    }

    fn expect_logout(&self, user: &str) {
        wait::until("the logout", PATIENCE, || (!self.server.is_logged_in(user)).then_some(()));
    }
}

#[test]
fn a_shadow_comes_and_goes_while_another_goes_on() {
    let bobs = shadow(BOB, SHADOW, "");
    let both = format!("{bobs}{}", shadow(EVE, DAVE, ""));
    let site = Site::new(&bobs);
    let mut bob = Agent::registered(site.gateway.sip(), BOB);
    talk(&site.server, &mut bob, "before");
    site.server.show(ALICE, "at home");
    let (_, bobs_watch) = bob.watch("sip:alice@old.example", "presence", 600).unwrap();
    sees(&mut bob, &bobs_watch, "at home");
    // Without an account nothing is written and nothing is seen.
    let mut eve = Agent::registered(site.gateway.sip(), EVE);
    assert_eq!(eve.send("sip:alice@old.example", "too early"), Ok(403));
    let (status, watch) = eve.watch("sip:alice@old.example", "presence", 600).unwrap();
    if status != 403 {
        eve.expect_notify(&watch, "the end", |notify| notify.state.starts_with("terminated").then_some(()));
    }
    site.reload(&both, &["shadow wv:dave@old.example added"]);
    // She is there, so her account is logged in without another word; and the refusal is forgotten.
    site.server.expect_logins(DAVE, 1, PATIENCE);
    assert!(matches!(eve.send("sip:alice@old.example", "from eve"), Ok(200 | 202)));
    site.server.expect_message(ALICE, "from eve");
    let id = site.server.say(ALICE, DAVE, "to eve");
    eve.expect_text("to eve");
    site.server.expect_delivered(&id);
    let (_, watch) = eve.watch("sip:alice@old.example", "presence", 600).unwrap();
    sees(&mut eve, &watch, "at home");
    // It goes: logged out, and its watcher hears the end.
    site.reload(&bobs, &["shadow wv:dave@old.example removed"]);
    eve.expect_notify(&watch, "the end", |notify| notify.state.starts_with("terminated").then_some(()));
    site.expect_logout(DAVE);
    assert!(site.server.titles().contains(&"Logout-Request".to_owned()));
    assert_eq!(eve.send("sip:alice@old.example", "too late"), Ok(403));
    let (_, told) = site.gateway.ask(&["show", "subscriptions", "--json"]);
    assert!(!told.contains("dave@old.example") && told.contains("csp own bob@old.example"), "{told}");
    let (_, told) = site.gateway.ask(&["show", "sessions", "--json"]);
    assert!(!told.contains("dave@old.example"), "{told}");
    // It comes back, and is what it was.
    site.reload(&both, &["shadow wv:dave@old.example added"]);
    site.server.expect_logins(DAVE, 2, PATIENCE);
    assert!(matches!(eve.send("sip:alice@old.example", "again"), Ok(200 | 202)));
    site.server.expect_message(ALICE, "again");
    // The one that stayed noticed nothing.
    assert_eq!(site.logins(SHADOW), 1);
    site.server.show(ALICE, "on the way");
    sees(&mut bob, &bobs_watch, "on the way");
    let ended = bob.take_requests(&Method::Notify);
    assert!(!ended.iter().any(|notify| format!("{notify:?}").contains("terminated")), "{ended:#?}");
    talk(&site.server, &mut bob, "after");
    // After a restart the file is what holds.
    let mut site = site;
    site.gateway.kill();
    site.gateway.start_again();
    let mut eve = Agent::registered(site.gateway.sip(), EVE);
    assert!(matches!(eve.send("sip:alice@old.example", "after the restart"), Ok(200 | 202)));
    site.server.expect_message(ALICE, "after the restart");
}

#[test]
fn an_account_may_stand_for_somebody_else() {
    let site = Site::new(&shadow(BOB, SHADOW, ""));
    let mut bob = Agent::registered(site.gateway.sip(), BOB);
    let mut eve = Agent::registered(site.gateway.sip(), EVE);
    talk(&site.server, &mut bob, "mine");
    bob.publish(super::presence::BOB_IS_THERE, None).unwrap();
    site.server.expect_shown(SHADOW, true, Some("on the road"));
    site.server.ask_to_see(ALICE, SHADOW);
    site.server.expect_answer("PresenceAuth-Request", 200);
    site.reload(&shadow(EVE, SHADOW, ""), &["shadow wv:bob@old.example changed"]);
    site.server.expect_logins(SHADOW, 2, PATIENCE);
    assert_eq!(bob.send("sip:alice@old.example", "not mine"), Ok(403));
    assert!(matches!(eve.send("sip:alice@old.example", "mine now"), Ok(200 | 202)));
    site.server.expect_message(ALICE, "mine now");
    site.server.say(ALICE, SHADOW, "to eve");
    eve.expect_text("to eve");
    // What the account shows is hers, and nobody at the server watches bob through it any more.
    let text = super::presence::BOB_IS_THERE.replace("bob@", "eve@").replace("on the road", "in the garden");
    eve.publish(&text, None).unwrap();
    site.server.expect_shown(SHADOW, true, Some("in the garden"));
    let (_, told) = site.gateway.ask(&["show", "subscriptions", "--json"]);
    let rows: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert!(!rows.to_string().contains(r#""presentity":"bob@sip.example""#) && !told.contains(BOB), "{told}");
}

#[test]
fn another_password_is_tried_at_once() {
    let site = Site::new(&shadow(BOB, SHADOW, ""));
    site.server.change_password(SHADOW, "another");
    let mut bob = Agent::registered(site.gateway.sip(), BOB);
    assert_eq!(bob.send("sip:alice@old.example", "x"), Ok(403));
    let changed = shadow(BOB, SHADOW, "").replace("secret", "another");
    site.reload(&changed, &["shadow wv:bob@old.example changed"]);
    site.server.expect_logins(SHADOW, 1, PATIENCE);
    talk(&site.server, &mut bob, "with the new one");
}

#[test]
fn what_waits_in_the_name_of_a_removed_account_fails_and_is_told() {
    let bobs = shadow(BOB, SHADOW, "");
    let site = Site::new(&bobs);
    let mut bob = Agent::registered(site.gateway.sip(), BOB);
    talk(&site.server, &mut bob, "before");
    let Site { base, gateway, server } = site;
    let port = server.port();
    drop(server);
    let wrapped = "From: <sip:bob@sip.example>\r\nTo: <sip:alice@old.example>\r\nDateTime: 2026-01-01T00:00:00Z\r\n\
                   NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: Tq9xyz\r\n\
                   imdn.Disposition-Notification: positive-delivery, negative-delivery\r\n\r\n\
                   Content-Type: text/plain\r\n\r\nnever arrives";
    let status = bob.send_content("sip:alice@old.example", "message/cpim", wrapped.as_bytes()).unwrap();
    assert_eq!(status.status().to_number(), 202);
    fs::write(gateway.file("gateway.toml"), &base).unwrap();
    assert!(gateway.ask(&["reload"]).0);
    let told = bob.expect_text("Tq9xyz");
    assert!(!String::from_utf8_lossy(told.body()).contains("<delivered/>"), "{told:?}");
    let (_, queued) = gateway.ask(&["show", "queues"]);
    assert!(!queued.contains("alice@old.example"), "{queued}");
    // The server is back and hears nothing of it.
    let server = WvServer::start(port, SPOKEN, Style::proper(), &USERS);
    fs::write(gateway.file("gateway.toml"), format!("{base}{bobs}")).unwrap();
    assert!(gateway.ask(&["reload"]).0);
    talk(&server, &mut bob, "after");
    assert_eq!(server.titles().iter().filter(|title| *title == "SendMessage-Request").count(), 1);
}

#[test]
fn a_public_view_opens_and_closes() {
    let site = Site::new(&shadow(BOB, SHADOW, ""));
    site.server.show(ALICE, "at home");
    let mut eve = Agent::registered(site.gateway.sip(), EVE);
    let (_, refused) = eve.watch("sip:alice@old.example", "presence", 600).unwrap();
    eve.expect_notify(&refused, "the end", |notify| notify.state.starts_with("terminated").then_some(()));
    site.reload(&shadow(BOB, SHADOW, "public_view = true\n"), &["shadow wv:bob@old.example changed"]);
    let (_, watch) = eve.watch("sip:alice@old.example", "presence", 600).unwrap();
    sees(&mut eve, &watch, "at home");
    // With an account of her own she sees through that.
    let both = format!("{}{}", shadow(BOB, SHADOW, "public_view = true\n"), shadow(EVE, DAVE, ""));
    site.reload(&both, &["shadow wv:dave@old.example added"]);
    site.server.expect_logins(DAVE, 1, PATIENCE);
    site.server.expect("her own subscription", |said| {
        (said.user == DAVE && said.primitive.name().to_string() == "SubscribePresence-Request").then_some(())
    });
    site.server.show(ALICE, "still at home");
    sees(&mut eve, &watch, "still at home");
    site.reload(&shadow(BOB, SHADOW, "public_view = true\n"), &["shadow wv:dave@old.example removed"]);
    site.server.show(ALICE, "on the way");
    sees(&mut eve, &watch, "on the way");
    site.reload(&shadow(BOB, SHADOW, ""), &["shadow wv:bob@old.example changed"]);
    eve.expect_notify(&watch, "the end", |notify| notify.state.starts_with("terminated").then_some(()));
}

#[test]
fn what_cannot_be_used_changes_nothing() {
    let bobs = shadow(BOB, SHADOW, "");
    let site = Site::new(&bobs);
    let mut bob = Agent::registered(site.gateway.sip(), BOB);
    talk(&site.server, &mut bob, "before");
    // One that would be right, and one at a server that there is not; bob's is gone.
    let wrong = format!("{}{}", shadow(EVE, DAVE, ""), shadow(BOB, "bob@nowhere.example", ""));
    let (is_done, told) = site.try_reload(&wrong);
    assert!(!is_done, "{told}");
    let mut eve = Agent::registered(site.gateway.sip(), EVE);
    assert_eq!(eve.send("sip:alice@old.example", "x"), Ok(403));
    talk(&site.server, &mut bob, "after");
    assert_eq!((site.logins(SHADOW), site.logins(DAVE)), (1, 0));
}
