//! IWF-SUB: subscriptions and authorisation. IWF-GEN: domains.

use crate::{both, view::has, view::pidf, watched, watching};
use acceptance::{
    agent::Agent,
    catalogue::{How, case},
    product::{pair, shared},
};
use wv_proto::{
    presence_attribute::{AttributeNames, Mood, PresenceAttribute, PresenceAttributeName, Qualified},
    primitive::{
        Primitive,
        identifier::UserId,
        party::User,
        presence::{CancelAuthRequest, GetPresenceRequest, PresenceAuthUser},
    },
};

fn status_text(text: &str) -> PresenceAttribute {
    PresenceAttribute::StatusText(Qualified::valid(text.into()))
}

#[test]
fn iwf_sub_int_001_a_presentity_that_agrees_is_seen() {
    case("IWF-SUB-INT-001", How::Sockets, || {
        let (pair, mut phone, mut agent) = watching();
        agent.publish(&pidf(&pair.sip, "open", "seen"), None).unwrap();
        phone.expect_presence(&pair.sip_in_wv(), |list| format!("{list:?}").contains("seen").then_some(()));
    });
}

#[test]
fn iwf_sub_int_007_nothing_is_seen_before_the_presentity_agrees() {
    case("IWF-SUB-INT-007", How::Sockets, || {
        let (pair, mut phone, mut agent) = both();
        agent.publish(&pidf(&pair.sip, "open", "private"), None).unwrap();
        assert_eq!(phone.watch(&pair.sip_in_wv()), 200);
        let told = format!("{:?}", phone.take_told());
        assert!(!told.contains("private"), "{told}");
        // The SIP user agrees by watching the one who asks.
        agent.watch(&pair.wv_in_sip(), "presence", 600).unwrap();
        phone.expect_presence(&pair.sip_in_wv(), |list| format!("{list:?}").contains("private").then_some(()));
    });
}

#[test]
fn iwf_sub_int_019_a_watched_presentity_is_known_at_once() {
    case("IWF-SUB-INT-019", How::Sockets, || {
        let (pair, mut phone, mut agent) = watching();
        agent.publish(&pidf(&pair.sip, "open", "cached"), None).unwrap();
        phone.expect_presence(&pair.sip_in_wv(), |list| format!("{list:?}").contains("cached").then_some(()));
        let users = vec![User::from(UserId::new(pair.sip_in_wv()))];
        let request = GetPresenceRequest { users, ..GetPresenceRequest::default() };
        let answer = phone.request(Primitive::GetPresenceRequest(request)).unwrap();
        assert!(format!("{answer:?}").contains("cached"), "{answer:?}");
    });
}

#[test]
fn iwf_sub_int_028_the_presentity_is_asked_once_and_accepts() {
    case("IWF-SUB-INT-028", How::Sockets, || {
        let (pair, mut phone, mut agent) = both();
        let (status, watch) = agent.watch(&pair.wv_in_sip(), "presence", 600).unwrap();
        assert!(matches!(status, 200 | 202), "{status}");
        agent.expect_notify(&watch, "pending", |notify| notify.state.starts_with("pending").then_some(()));
        phone.decide(&pair.sip_in_wv(), true);
        agent.expect_notify(&watch, "active with a document", |notify| {
            (notify.state.starts_with("active") && has(&notify.body, "presence")).then_some(())
        });
        let asked = phone.take_told().into_iter().filter(|told| matches!(told, Primitive::PresenceAuthRequest(_)));
        assert_eq!(asked.count(), 0, "asked only once");
    });
}

#[test]
fn iwf_sub_int_029_a_refused_watcher_is_rejected_and_then_forbidden() {
    case("IWF-SUB-INT-029", How::Sockets, || {
        let (pair, mut phone, mut agent) = both();
        let (_, watch) = agent.watch(&pair.wv_in_sip(), "presence", 600).unwrap();
        phone.decide(&pair.sip_in_wv(), false);
        agent.expect_notify(&watch, "terminated", |notify| {
            (notify.state.starts_with("terminated") && notify.state.contains("rejected")).then_some(())
        });
        let (status, _) = agent.watch(&pair.wv_in_sip(), "presence", 600).unwrap();
        assert_eq!(status, 403);
    });
}

#[test]
fn iwf_sub_int_031_a_cancelled_authorisation_ends_the_watch() {
    case("IWF-SUB-INT-031", How::Sockets, || {
        let (pair, mut phone, mut agent, watch) = watched();
        let user_id = UserId::new(pair.sip_in_wv());
        assert_eq!(phone.ask(Primitive::CancelAuthRequest(CancelAuthRequest { user_id })), 200);
        agent.expect_notify(&watch, "terminated", |notify| {
            (notify.state.starts_with("terminated") && notify.state.contains("rejected")).then_some(())
        });
    });
}

#[test]
fn iwf_sub_int_032_only_the_granted_attributes_are_shown() {
    case("IWF-SUB-INT-032", How::Sockets, || {
        let (pair, mut phone, mut agent) = both();
        let (_, watch) = agent.watch(&pair.wv_in_sip(), "presence", 600).unwrap();
        let mut names = AttributeNames::default();
        names.insert(PresenceAttributeName::OnlineStatus);
        names.insert(PresenceAttributeName::StatusText);
        let user_id = UserId::new(pair.sip_in_wv());
        let grant = PresenceAuthUser { user_id, acceptance: true, attributes: Some(names) };
        assert_eq!(phone.ask(Primitive::PresenceAuthUser(grant)), 200);
        let mood = PresenceAttribute::StatusMood(Qualified::valid(Mood::Happy));
        assert_eq!(phone.publish(vec![mood, status_text("without mood")]), 200);
        agent.expect_notify(&watch, "the text", |notify| {
            assert!(!has(&notify.body, "mood"), "{}", notify.body);
            notify.body.contains("without mood").then_some(())
        });
    });
}

#[test]
fn iwf_sub_int_036_a_fetch_is_one_notify() {
    case("IWF-SUB-INT-036", How::Sockets, || {
        let (pair, mut phone, mut agent, _) = watched();
        assert_eq!(phone.publish(vec![status_text("fetched")]), 200);
        let (status, watch) = agent.watch(&pair.wv_in_sip(), "presence", 0).unwrap();
        assert!(matches!(status, 200 | 202), "{status}");
        agent.expect_notify(&watch, "the only NOTIFY", |notify| {
            assert!(notify.state.starts_with("terminated") && notify.state.contains("timeout"), "{}", notify.state);
            assert!(notify.body.contains("fetched"), "{}", notify.body);
            Some(())
        });
    });
}

#[test]
fn iwf_sub_int_038_too_brief_an_interval_is_refused() {
    case("IWF-SUB-INT-038", How::Sockets, || {
        let (pair, _phone, mut agent) = both();
        let (status, _) = agent.watch(&pair.wv_in_sip(), "presence", 5).unwrap();
        assert_eq!(status, 423);
    });
}

#[test]
fn iwf_sub_int_039_a_bad_event_is_refused() {
    case("IWF-SUB-INT-039", How::Sockets, || {
        let (pair, _phone, mut agent) = both();
        let (status, _) = agent.watch(&pair.wv_in_sip(), "foo", 600).unwrap();
        assert_eq!(status, 489);
    });
}

#[test]
fn iwf_sub_int_041_leaving_ends_with_timeout() {
    case("IWF-SUB-INT-041", How::Sockets, || {
        let (_, _phone, mut agent, watch) = watched();
        assert_eq!(agent.refresh(&watch, 0), Ok(200));
        agent.expect_notify(&watch, "the last NOTIFY", |notify| {
            (notify.state.starts_with("terminated") && notify.state.contains("timeout")).then_some(())
        });
    });
}

#[test]
fn iwf_sub_int_042_a_foreign_domain_is_forbidden_and_an_unknown_user_not_found() {
    case("IWF-SUB-INT-042", How::Sockets, || {
        let mut agent = Agent::registered(shared().sip(), &pair().sip);
        assert_eq!(agent.watch("sip:x@unknown.example", "presence", 600).unwrap().0, 403);
        assert_eq!(agent.watch("sip:nobody@wv.example", "presence", 600).unwrap().0, 404);
    });
}

#[test]
fn iwf_prs_int_023_only_what_was_asked_for_is_told() {
    case("IWF-PRS-INT-023", How::Sockets, || {
        let (pair, mut phone, mut agent, _) = watched();
        let mut names = AttributeNames::default();
        names.insert(PresenceAttributeName::OnlineStatus);
        assert_eq!(phone.watch_attributes(&pair.sip_in_wv(), Some(names)), 200);
        let tag = agent.publish(&pidf(&pair.sip, "open", "first"), None).unwrap();
        phone.expect_presence(&pair.sip_in_wv(), |list| format!("{list:?}").contains("Some(true)").then_some(()));
        let tag = agent.publish(&pidf(&pair.sip, "open", "only the note"), Some(&tag)).unwrap();
        agent.publish(&pidf(&pair.sip, "closed", "and then closed"), Some(&tag)).unwrap();
        let mut count = 0;
        phone.expect_presence(&pair.sip_in_wv(), |list| {
            count += 1;
            let told = format!("{list:?}");
            assert!(told.contains("OnlineStatus") && !told.contains("StatusText"), "{told}");
            Some(())
        });
        assert_eq!(count, 1, "the note alone is not told");
    });
}

#[test]
fn iwf_gen_int_002_an_unknown_domain_is_refused_on_both_sides() {
    case("IWF-GEN-INT-002", How::Sockets, || {
        let (_, mut phone, mut agent) = both();
        let response = phone.send(&["wv:x@unknown.example"], "nowhere", false).unwrap();
        assert_eq!(response.result.code.number(), 516);
        assert_eq!(agent.send("sip:x@unknown.example", "nowhere"), Ok(403));
    });
}
