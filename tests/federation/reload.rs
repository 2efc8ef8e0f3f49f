//! Neighbours that come and go while the gateway runs.

use super::{ALICE, BOB, CAROL, DOMAINS};
use acceptance::{
    agent::Agent,
    phone::Phone,
    product::{Gateway, Setup},
    ssp_peer::{SspHome, port},
    wait,
};
use sip_proto::message::Method;
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};
use wv_proto::{
    presence_attribute::{PresenceAttribute, PresenceSubList, Qualified},
    primitive::{Primitive as CspPrimitive, identifier::UserId},
    ssp::{part::PresenceValue, primitive::Primitive},
    version::{Encoding, Version},
};

const EVE: &str = "wv:eve@second.example";

/// The configuration with a neighbour, under whose route its domain is reached.
struct Site {
    base: String,
    gateway: Gateway,
}

impl Site {
    fn new(base: &str) -> Self {
        Self { base: base.to_owned(), gateway: Setup::configured(base).start() }
    }

    fn ssp(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.gateway.ports().ssp))
    }

    /// Writes the configuration with this added and has it read again; what is told.
    fn reload(&self, more: &str) -> (bool, String) {
        fs::write(self.gateway.file("gateway.toml"), format!("{}{more}", self.base)).unwrap();
        self.gateway.ask(&["reload"])
    }

    fn peer_rows(&self) -> Vec<serde_json::Value> {
        let (is_told, text) = self.gateway.ask(&["show", "peers", "--json"]);
        assert!(is_told, "{text}");
        let rows: serde_json::Value = serde_json::from_str(&text).unwrap();
        rows.as_array().cloned().or_else(|| rows["rows"].as_array().cloned()).unwrap()
    }

    fn peers(&self) -> Vec<String> {
        let rows = self.peer_rows();
        let mut names: Vec<String> = rows.iter().filter_map(|row| row["peer"].as_str().map(str::to_owned)).collect();
        names.sort();
        names.dedup();
        names
    }
}

fn ssp_peer(name: &str, domain: &str, port: u16) -> String {
    format!(
        "\n[[domain]]\nname = \"{domain}\"\nside = \"wv\"\nroute = \"ssp:{name}\"\n\
         [[peer]]\nname = \"{name}\"\nuri = \"ssp+http://127.0.0.1:{port}\"\n"
    )
}

fn sip_peer(domain: &str, port: u16, more: &str) -> String {
    format!(
        "\n[[domain]]\nname = \"{domain}\"\nside = \"simple\"\nroute = \"peer:core\"\n\
         [[peer]]\nname = \"core\"\nuri = \"sip:127.0.0.1:{port}\"\ntrusted = true\n{more}"
    )
}

fn text_value(user: &str, text: &str) -> PresenceValue {
    let attributes = vec![
        PresenceAttribute::OnlineStatus(Qualified::valid(true)),
        PresenceAttribute::StatusText(Qualified::valid(text.into())),
    ];
    PresenceValue { user_id: UserId::new(user), attributes: Some(PresenceSubList { attributes }) }
}

fn says(list: &PresenceSubList, wanted: &str) -> bool {
    list.attributes.iter().any(|attribute| match attribute {
        PresenceAttribute::StatusText(text) => text.valid_value().is_some_and(|text| text.as_ref() == wanted),
        _ => false,
    })
}

/// Whether nothing that is shown holds any more.
fn is_invalid(list: &PresenceSubList) -> bool {
    list.attributes.iter().any(|attribute| match attribute {
        PresenceAttribute::OnlineStatus(online) => online.qualifier == Some(false),
        _ => false,
    })
}

fn messages(home: &SspHome, text: &str) -> usize {
    let count = AtomicU32::new(0);
    let _ = home.try_expect(text, Duration::from_millis(1), |asked| {
        if let Primitive::SendMessageRequest(request) = &asked.primitive
            && request.content.as_ref().is_some_and(|content| content.octets.as_ref() == text.as_bytes())
        {
            count.fetch_add(1, Ordering::Relaxed);
        }
        None::<()>
    });
    usize::try_from(count.load(Ordering::Relaxed)).unwrap()
}

fn expect_message(home: &SspHome, text: &str) {
    home.expect(text, |asked| match &asked.primitive {
        Primitive::SendMessageRequest(request) => {
            request.content.as_ref().filter(|content| content.octets.as_ref() == text.as_bytes()).map(|_| ())
        }
        _ => None,
    });
}

#[test]
fn an_ssp_peer_comes_and_goes_while_another_goes_on_talking() {
    let (first, second) = (port(), port());
    let site = Site::new(&format!("{DOMAINS}[[peer]]\nname = \"home\"\nuri = \"ssp+http://127.0.0.1:{first}\"\n"));
    let home = SspHome::start("foreign.example", first, site.ssp());
    let other = SspHome::start("second.example", second, site.ssp());
    let mut carol = Phone::logged_in(site.gateway.csp(), CAROL, Version::V1_2, Encoding::Xml);
    let mut bob = Agent::registered(site.gateway.sip(), BOB);
    home.open_session("sip.example");
    home.open_session("wv.example");
    home.show(text_value(ALICE, "stays"));
    assert_eq!(carol.watch(ALICE), 200);
    carol.expect_presence(ALICE, |list| says(list, "stays").then_some(()));
    // Nobody knows the other one yet.
    assert_eq!(bob.send("sip:eve@second.example", "too early"), Ok(403));
    assert!(other.open("sip.example").is_err(), "step 1 of a stranger is taken");
    let (is_over, sent) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let number = sent.load(Ordering::Relaxed);
                let message = home.message(ALICE, "wv:bob@sip.example", &format!("t{number}"), "traffic", false);
                let answer = home.request("sip.example", message).unwrap();
                assert_eq!(answer.status().unwrap().code.number(), 200, "message {number}");
                sent.store(number + 1, Ordering::Relaxed);
            }
        });
        let traffic = |count: u32| {
            let from = sent.load(Ordering::Relaxed);
            wait::until("traffic", Duration::from_secs(20), || {
                (sent.load(Ordering::Relaxed) >= from + count).then_some(())
            });
        };
        traffic(5);
        let (is_done, told) = site.reload(&ssp_peer("village", "second.example", second));
        assert!(is_done && told.contains("peer village added") && !told.contains("restart"), "{told}");
        traffic(5);
        assert_eq!(bob.send("sip:eve@second.example", "hello"), Ok(200));
        expect_message(&other, "hello");
        other.show(text_value(EVE, "new here"));
        assert_eq!(carol.watch(EVE), 200);
        carol.expect_presence(EVE, |list| says(list, "new here").then_some(()));
        let message = other.message(EVE, "wv:bob@sip.example", "e1", "from the newcomer", false);
        assert_eq!(other.request("sip.example", message).unwrap().status().unwrap().code.number(), 200);
        bob.expect_text("from the newcomer");
        let answer = other.request("wv.example", other.subscription(EVE, CAROL)).unwrap();
        assert_eq!(answer.status().unwrap().code.number(), 200);
        assert_eq!(site.peers(), ["home", "third", "village"]);
        // A message is on its way that the other server does not answer, and a report of it is wished for.
        other.answer_by_itself(false);
        assert_eq!(carol.send(&[EVE], "never arrives", true).unwrap().result.code.number(), 200);
        traffic(5);
        let (is_done, told) = site.reload("");
        assert!(is_done && told.contains("peer village removed") && !told.contains("restart"), "{told}");
        // Who sent it and who watched hear of the end.
        carol.expect("the report of the failure", |told| match told {
            CspPrimitive::DeliveryReportRequest(report) => (report.result.code.number() != 200).then_some(()),
            _ => None,
        });
        carol.expect_presence(EVE, |list| is_invalid(list).then_some(()));
        // The last word to the server that was removed, in the session that was there.
        other.expect("the end of the subscription", |asked| {
            matches!(asked.primitive, Primitive::UnsubscribeRequest(_)).then_some(())
        });
        assert_eq!(bob.send("sip:eve@second.example", "too late"), Ok(403));
        assert!(other.open("sip.example").is_err(), "step 1 of a former peer is taken");
        wait::until("the former peer to be forgotten", Duration::from_secs(30), || {
            (site.peers() == ["home", "third"]).then_some(())
        });
        let refused = other.request("sip.example", other.message(EVE, "wv:bob@sip.example", "e2", "x", false));
        assert!(refused.is_err(), "{refused:?}");
        assert_eq!(messages(&other, "too late"), 0);
        traffic(5);
        is_over.store(true, Ordering::Relaxed);
    });
    // The one that stayed noticed nothing: no set-up of ours, and its users are seen and hear as before.
    let opened = home.titles().iter().filter(|title| title.starts_with("SendSecretToken Request")).count();
    assert_eq!(opened, 0, "{:?}", home.titles());
    let watched = home.titles().iter().filter(|title| title.starts_with("SubscribeRequest")).count();
    assert_eq!(watched, 1);
    let delivered = bob.take_requests(&Method::Message).len();
    assert_eq!(delivered, usize::try_from(sent.load(Ordering::Relaxed)).unwrap());
    assert_eq!(bob.send("sip:alice@foreign.example", "still here"), Ok(200));
    expect_message(&home, "still here");
    let told =
        carol.take_told().into_iter().filter(|told| matches!(told, CspPrimitive::PresenceNotificationRequest(_)));
    assert_eq!(told.count(), 0, "presence of the one that stayed");
}

#[test]
fn what_is_removed_while_it_cannot_be_reached_fails_at_once_and_comes_back() {
    let second = port();
    let site = Site::new(&DOMAINS.replace("ssp:home", "ssp:third"));
    let peer = ssp_peer("village", "second.example", second);
    assert!(site.reload(&peer).0);
    let mut carol = Phone::logged_in(site.gateway.csp(), CAROL, Version::V1_3, Encoding::Xml);
    // Nobody listens there.
    assert_eq!(carol.send(&[EVE], "waits", true).unwrap().result.code.number(), 200);
    let (_, queued) = site.gateway.ask(&["show", "queues"]);
    assert!(queued.contains("eve@second.example"), "{queued}");
    assert!(site.reload("").0);
    carol.expect("the report of the failure", |told| match told {
        CspPrimitive::DeliveryReportRequest(report) => (report.result.code.number() != 200).then_some(()),
        _ => None,
    });
    let (_, queued) = site.gateway.ask(&["show", "queues"]);
    assert!(!queued.contains("eve@second.example"), "{queued}");
    // What was removed may come back, and after a restart the file is what holds.
    assert!(site.reload(&peer).0);
    let other = SspHome::start("second.example", second, site.ssp());
    assert_eq!(carol.send(&[EVE], "arrives", false).unwrap().result.code.number(), 200);
    expect_message(&other, "arrives");
    let mut site = site;
    site.gateway.kill();
    site.gateway.start_again();
    let mut carol = Phone::logged_in(site.gateway.csp(), CAROL, Version::V1_3, Encoding::Xml);
    assert_eq!(carol.send(&[EVE], "after the restart", false).unwrap().result.code.number(), 200);
    expect_message(&other, "after the restart");
}

#[test]
fn what_cannot_be_used_changes_nothing_and_what_waits_for_a_restart_is_named() {
    let second = port();
    let site = Site::new(DOMAINS.replace("ssp:home", "ssp:third").as_str());
    let before = site.peers();
    // A route to a peer that there is not, beside one that would be right.
    let wrong = "\n[[domain]]\nname = \"wrong.example\"\nside = \"wv\"\nroute = \"ssp:nobody\"\n";
    let (is_done, told) = site.reload(&format!("{}{wrong}", ssp_peer("village", "second.example", second)));
    assert!(!is_done, "{told}");
    assert_eq!(site.peers(), before);
    let hosted = "\n[[domain]]\nname = \"new.example\"\nside = \"wv\"\nroute = \"access\"\n[limits]\nlinger_s = 7\n";
    let (is_done, told) = site.reload(&format!("{}{hosted}", ssp_peer("village", "second.example", second)));
    assert!(is_done, "{told}");
    assert!(told.contains("peer village added") && told.contains("domain second.example added"), "{told}");
    assert!(told.contains("restart: limits, domain new.example"), "{told}");
}

#[test]
fn a_sip_peer_comes_moves_and_goes() {
    let site = Site::new(&DOMAINS.replace("ssp:home", "ssp:third"));
    let mut carol = Phone::logged_in(site.gateway.csp(), CAROL, Version::V1_2, Encoding::Xml);
    let zoe = "wv:zoe@far.example";
    let unknown = carol.send(&[zoe], "too early", false).unwrap().result.code.number();
    assert!(unknown >= 400, "{unknown}");
    let mut first = Agent::new(site.gateway.sip(), "zoe@far.example");
    assert!(site.reload(&sip_peer("far.example", first.port(), "probe_s = 1\n")).0);
    assert_eq!(carol.send(&[zoe], "hello", false).unwrap().result.code.number(), 200);
    first.expect_text("hello");
    wait::until("the peer to be up", Duration::from_secs(30), || {
        site.peer_rows().iter().any(|row| row["peer"] == "core" && row["state"] == "up").then_some(())
    });
    assert_eq!(site.gateway.metric("gateway_peer_up_count{peer=\"core\"}"), 1.0);
    assert_eq!(carol.watch(zoe), 200);
    first.expect("SUBSCRIBE", |request| (*request.method() == Method::Subscribe).then_some(()));
    // Its users are believed because it is trusted, and watch from there.
    assert_eq!(first.send("sip:carol@wv.example", "from the neighbour"), Ok(200));
    carol.expect_text("from the neighbour");
    let (status, watch) = first.watch("sip:carol@wv.example", "presence", 600).unwrap();
    assert!(status == 200 || status == 202, "{status}");
    first.expect_notify(&watch, "the first view", |_| Some(()));
    // It moves: what is watched there is watched at the new place.
    let mut second = Agent::new(site.gateway.sip(), "zoe@far.example");
    let (is_done, told) = site.reload(&sip_peer("far.example", second.port(), "probe_s = 1\n"));
    assert!(is_done && told.contains("peer core changed"), "{told}");
    second.expect("SUBSCRIBE", |request| (*request.method() == Method::Subscribe).then_some(()));
    assert_eq!(carol.send(&[zoe], "at the new place", false).unwrap().result.code.number(), 200);
    second.expect_text("at the new place");
    // It goes, and with it what was watched and who watched.
    let (is_done, told) = site.reload("");
    assert!(is_done && told.contains("peer core removed"), "{told}");
    carol.expect_presence(zoe, |list| is_invalid(list).then_some(()));
    first.expect_notify(&watch, "the end", |notify| notify.state.contains("terminated").then_some(()));
    let refused = carol.send(&[zoe], "too late", false).unwrap().result.code.number();
    assert_eq!(refused, unknown);
    assert!(second.send("sip:carol@wv.example", "not believed").unwrap() >= 400);
    assert!(!site.peers().contains(&"core".to_owned()));
    wait::until("the metric to say so", Duration::from_secs(20), || {
        (site.gateway.metric("gateway_peer_up_count{peer=\"core\"}") == 0.0).then_some(())
    });
}
