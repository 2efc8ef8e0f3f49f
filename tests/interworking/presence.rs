//! IWF-PRS: what a scenario cannot say of a whole document.

use crate::{view::has, watched};
use acceptance::catalogue::{How, case};
use sip_proto::message::Method;
use wv_proto::presence_attribute::{PresenceAttribute, Qualified};

#[test]
fn iwf_prs_int_029_every_id_of_a_document_is_unique() {
    case("IWF-PRS-INT-029", How::Sockets, || {
        let (_, mut phone, mut agent, watch) = watched();
        // What came before does not count.
        agent.take_requests(&Method::Notify);
        let text = PresenceAttribute::StatusText(Qualified::valid("any".into()));
        assert_eq!(phone.publish(vec![text]), 200);
        let body =
            agent.expect_notify(&watch, "the change", |notify| has(&notify.body, "tuple").then(|| notify.body.clone()));
        let mut ids: Vec<&str> = body.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let count = ids.len();
        assert!(
            ids.iter().all(|id| id.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')),
            "{body}"
        );
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "ids are unique: {body}");
    });
}
