use super::via::ConnectionId;
use super::*;
use crate::message::header::address::NameAddr;
use crate::message::header::cseq::{CSeq, Sequence};
use crate::message::header::identifier::CallId;
use crate::message::header::via::{Transport, Via};
use crate::message::headers::Header;
use crate::message::host::Host;
use crate::message::name::HeaderName;
use crate::message::response::Response;
use crate::message::status::StatusCode;
use crate::message::uri::Uri;
use proptest::prelude::*;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn table() -> TransactionTable {
    bounded(100)
}

fn bounded(capacity: usize) -> TransactionTable {
    TransactionTable::new(TimerValues::default(), capacity, IdSource::new("1", [7; 32]).unwrap())
}

fn hop(transport: Transport) -> Hop {
    Hop {
        transport,
        address: "192.0.2.9:5062".parse().unwrap(),
        connection: Some(ConnectionId::from_number(1)),
        name: None,
    }
}

fn outgoing(transport: Transport) -> Outgoing {
    Outgoing {
        hop: hop(transport),
        sent_by_host: Host::Address("192.0.2.1".parse().unwrap()),
        sent_by_port: Some(5060),
        datagram_rule: DatagramRule::SmallOnly,
    }
}

/// A request without Via.
fn request(method: Method, sequence: u32) -> Request {
    let uri = Uri::parse("sip:bob@sip.example").unwrap();
    let from = NameAddr::parse("<sip:alice@wv.example>;tag=a1").unwrap();
    Request::new(method.clone(), uri.clone())
        .with(Header::new(HeaderName::From, from))
        .with(Header::new(HeaderName::To, NameAddr::new(uri)))
        .with(Header::new(HeaderName::CallId, CallId::parse("c1").unwrap()))
        .with(Header::new(HeaderName::CSeq, CSeq::new(Sequence::from_number(sequence).unwrap(), method)))
}

fn received(method: Method, branch: &str) -> Request {
    let mut request = request(method, 1);
    request.headers_mut().push_front(Header::new(HeaderName::Via, format!("SIP/2.0/UDP 192.0.2.9:5062;{branch}")));
    request
}

fn new_id(event: RequestEvent) -> ServerTransactionId {
    match event {
        RequestEvent::New { id, .. } => id,
        other => panic!("not new: {other:?}"),
    }
}

fn commands(table: &mut TransactionTable) -> Vec<TransactionCommand> {
    std::iter::from_fn(|| table.poll()).collect()
}

fn sent(table: &mut TransactionTable) -> Vec<String> {
    let line = |octets: &Bytes| String::from_utf8_lossy(octets).lines().next().unwrap().to_owned();
    commands(table)
        .iter()
        .map(|command| match command {
            TransactionCommand::Send { octets, .. } => line(octets),
            other => format!("{other:?}"),
        })
        .collect()
}

fn ok(request: &Request) -> Response {
    Response::for_request(request, StatusCode::OK, Some(&Tag::parse("b1").unwrap()))
}

/// The response to the request that the table has just sent.
fn answer(table: &mut TransactionTable, method: Method, status: StatusCode) -> Response {
    let via: Via = match &commands(table)[0] {
        TransactionCommand::Send { octets, .. } => {
            let text = String::from_utf8(octets.to_vec()).unwrap();
            let line = text.lines().find(|line| line.starts_with("Via: ")).unwrap().to_owned();
            Via::from_text(&line[5..].into()).unwrap()
        }
        other => panic!("{other:?}"),
    };
    let mut request = request(method, 1);
    request.headers_mut().push_front(Header::new(HeaderName::Via, via));
    Response::for_request(&request, status, None)
}

#[test]
fn a_request_is_sent_with_a_branch_of_the_lane_and_its_answer_found() {
    let mut table = table();
    let id = table.send_request(at(0), request(Method::Message, 1), &outgoing(Transport::Udp)).unwrap();
    let response = answer(&mut table, Method::Message, StatusCode::OK);
    assert!(response.headers().via_top().unwrap().branch().unwrap().as_str().starts_with("z9hG4bK1-"));
    match table.receive_response(at(10), response.clone()) {
        ResponseEvent::Final { id: found, .. } => assert_eq!(found, id),
        other => panic!("{other:?}"),
    }
    assert!(matches!(table.receive_response(at(20), response.clone()), ResponseEvent::Retransmission));
    table.expire(at(5010));
    assert!(table.is_empty());
    assert!(matches!(table.receive_response(at(5020), response), ResponseEvent::Stray));
}

#[test]
fn a_response_needs_branch_and_method_and_only_one_via() {
    let mut table = table();
    table.send_request(at(0), request(Method::Message, 1), &outgoing(Transport::Udp)).unwrap();
    let good = answer(&mut table, Method::Message, StatusCode::OK);
    let mut wrong_method = good.clone();
    wrong_method.headers_mut().set(Header::new(HeaderName::CSeq, "1 NOTIFY"));
    assert!(matches!(table.receive_response(at(1), wrong_method), ResponseEvent::Stray));
    let mut two = good.clone();
    two.push(Header::new(HeaderName::Via, "SIP/2.0/UDP other.example;branch=z9hG4bKx"));
    assert!(matches!(table.receive_response(at(1), two), ResponseEvent::Stray));
    assert!(matches!(table.receive_response(at(1), good), ResponseEvent::Final { .. }));
}

#[test]
fn s_tr_07_an_unanswered_request_is_repeated_and_times_out() {
    let mut table = table();
    let id = table.send_request(at(0), request(Method::Message, 1), &outgoing(Transport::Udp)).unwrap();
    let mut instants = Vec::new();
    let mut timed_out = None;
    commands(&mut table);
    while let Some(due) = table.deadline() {
        table.expire(due);
        for command in commands(&mut table) {
            match command {
                TransactionCommand::Send { .. } => instants.push(due.as_millis()),
                TransactionCommand::TimedOut(id) => timed_out = Some((due.as_millis(), id)),
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(instants, [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    assert_eq!(timed_out, Some((32_000, id)));
    assert!(table.is_empty());
}

#[test]
fn a_lost_connection_fails_the_request_once() {
    let mut table = table();
    let id = table.send_request(at(0), request(Method::Message, 1), &outgoing(Transport::Tcp)).unwrap();
    commands(&mut table);
    table.transport_error(at(5), TransactionId::Client(id));
    assert_eq!(commands(&mut table), [TransactionCommand::RequestFailed(id)]);
    table.transport_error(at(6), TransactionId::Client(id));
    assert_eq!(commands(&mut table), []);
}

#[test]
fn s_tr_02_a_large_request_goes_over_udp_only_when_the_stream_was_refused() {
    let mut table = table();
    let mut large = request(Method::Message, 1);
    large.set_body(Bytes::from(vec![b'x'; 1300]));
    let mut way = outgoing(Transport::Udp);
    assert_eq!(table.send_request(at(0), large.clone(), &way), Err(SendError::TooLargeForDatagram));
    assert!(table.is_empty());
    way.datagram_rule = DatagramRule::AnySize;
    assert!(table.send_request(at(0), large.clone(), &way).is_ok());
    assert!(table.send_request(at(0), large, &outgoing(Transport::Tcp)).is_ok());
}

#[test]
fn s_tr_06_a_copy_by_branch_sender_and_method_is_absorbed_and_answered_again() {
    let mut table = table();
    let copy = received(Method::Message, "branch=z9hG4bKone");
    let source = hop(Transport::Udp);
    let id = new_id(table.receive_request(at(0), copy.clone(), &source));
    assert!(matches!(table.receive_request(at(1), copy.clone(), &source), RequestEvent::Retransmission));
    assert_eq!(sent(&mut table), [""; 0]);
    table.respond(at(2), id, &ok(&copy)).unwrap();
    assert_eq!(sent(&mut table), ["SIP/2.0 200 OK"]);
    assert!(matches!(table.receive_request(at(3), copy.clone(), &source), RequestEvent::Retransmission));
    assert_eq!(sent(&mut table), ["SIP/2.0 200 OK"]);
    assert_eq!(table.respond(at(4), id, &ok(&copy)), Err(RespondError::NotWaiting));
    table.expire(at(32_002));
    assert!(table.is_empty());
    new_id(table.receive_request(at(32_003), copy, &source));
}

#[test]
fn s_tr_06_a_request_without_branch_is_matched_by_its_fields() {
    let mut table = table();
    let source = hop(Transport::Udp);
    let old = received(Method::Message, "x=1");
    let id = new_id(table.receive_request(at(0), old.clone(), &source));
    assert!(matches!(table.receive_request(at(1), old, &source), RequestEvent::Retransmission));
    let mut next = received(Method::Message, "x=1");
    next.headers_mut().set(Header::new(HeaderName::CSeq, "2 MESSAGE"));
    assert_ne!(new_id(table.receive_request(at(2), next, &source)), id);
}

#[test]
fn s_tr_08_a_hundred_covers_a_slow_answer_and_408_is_never_sent() {
    let mut table = table();
    let copy = received(Method::Message, "branch=z9hG4bKone");
    let id = new_id(table.receive_request(at(0), copy.clone(), &hop(Transport::Udp)));
    table.expire(at(3499));
    assert_eq!(sent(&mut table), [""; 0]);
    table.expire(at(3500));
    assert_eq!(sent(&mut table), ["SIP/2.0 100 Trying"]);
    for status in [StatusCode::REQUEST_TIMEOUT, StatusCode::RINGING] {
        let response = Response::for_request(&copy, status, None);
        assert_eq!(table.respond(at(3600), id, &response), Err(RespondError::Forbidden(status)));
    }
    table.respond(at(3700), id, &ok(&copy)).unwrap();
    assert_eq!(sent(&mut table), ["SIP/2.0 200 OK"]);
}

#[test]
fn s_tr_09_the_same_request_by_another_way_is_refused_with_482() {
    let mut table = table();
    let source = hop(Transport::Udp);
    new_id(table.receive_request(at(0), received(Method::Subscribe, "branch=z9hG4bKone"), &source));
    let twin = table.receive_request(at(1), received(Method::Subscribe, "branch=z9hG4bKtwo"), &source);
    assert!(matches!(twin, RequestEvent::Merged));
    assert_eq!(sent(&mut table), ["SIP/2.0 482 Loop Detected"]);
    let mut inside = received(Method::Subscribe, "branch=z9hG4bKthree");
    inside.headers_mut().set(Header::new(HeaderName::To, "<sip:bob@sip.example>;tag=b1"));
    new_id(table.receive_request(at(2), inside, &source));
}

#[test]
fn a_full_table_sheds_with_503_and_retry_after() {
    let mut table = bounded(1);
    let source = hop(Transport::Udp);
    new_id(table.receive_request(at(0), received(Method::Message, "branch=z9hG4bKone"), &source));
    let mut other = received(Method::Message, "branch=z9hG4bKtwo");
    other.headers_mut().set(Header::new(HeaderName::CallId, "c2"));
    assert!(matches!(table.receive_request(at(1), other, &source), RequestEvent::Shed));
    match &commands(&mut table)[0] {
        TransactionCommand::Send { octets, transaction: None, .. } => {
            assert!(String::from_utf8_lossy(octets).contains("\r\nRetry-After: 32\r\n"));
        }
        other => panic!("{other:?}"),
    }
    let refused = table.send_request(at(2), request(Method::Message, 1), &outgoing(Transport::Udp));
    assert_eq!(refused, Err(SendError::Full));
}

#[test]
fn a_malformed_request_is_refused_and_a_malformed_ack_is_not() {
    let mut table = table();
    for (method, answers) in [(Method::Message, 1), (Method::Ack, 0)] {
        let mut bad = received(method, "branch=z9hG4bKone");
        bad.headers_mut().remove(&HeaderName::To);
        assert!(matches!(table.receive_request(at(0), bad, &hop(Transport::Udp)), RequestEvent::Malformed(_)));
        assert_eq!(sent(&mut table).len(), answers);
    }
    assert!(table.is_empty());
}

#[test]
fn a_refused_invite_is_repeated_until_its_ack() {
    let mut table = table();
    let source = hop(Transport::Udp);
    let invite = received(Method::Invite, "branch=z9hG4bKone");
    let id = new_id(table.receive_request(at(0), invite.clone(), &source));
    let busy = Response::for_request(&invite, StatusCode::NOT_ACCEPTABLE_HERE, Some(&Tag::parse("b1").unwrap()));
    table.respond(at(10), id, &busy).unwrap();
    table.expire(at(510));
    assert_eq!(sent(&mut table), ["SIP/2.0 488 Not Acceptable Here", "SIP/2.0 488 Not Acceptable Here"]);
    let ack = received(Method::Ack, "branch=z9hG4bKone");
    assert!(matches!(table.receive_request(at(520), ack, &source), RequestEvent::Retransmission));
    table.expire(at(5000));
    assert_eq!(sent(&mut table), [""; 0]);
    table.expire(at(5520));
    assert!(table.is_empty());
}

#[test]
fn an_ack_of_rfc_2543_is_found_by_the_tag_of_the_response() {
    let mut table = table();
    let source = hop(Transport::Udp);
    let invite = received(Method::Invite, "x=1");
    let id = new_id(table.receive_request(at(0), invite.clone(), &source));
    let busy = Response::for_request(&invite, StatusCode::BUSY_HERE, Some(&Tag::parse("b1").unwrap()));
    table.respond(at(10), id, &busy).unwrap();
    for (tag, is_found) in [("b2", false), ("b1", true)] {
        let mut ack = received(Method::Ack, "x=1");
        ack.headers_mut().set(Header::new(HeaderName::To, format!("<sip:bob@sip.example>;tag={tag}")));
        let event = table.receive_request(at(20), ack, &source);
        assert_eq!(matches!(event, RequestEvent::Retransmission), is_found, "{tag}");
    }
}

#[test]
fn the_ack_of_a_2xx_reaches_the_user() {
    let mut table = table();
    let source = hop(Transport::Udp);
    let invite = received(Method::Invite, "branch=z9hG4bKone");
    let id = new_id(table.receive_request(at(0), invite.clone(), &source));
    table.respond(at(10), id, &ok(&invite)).unwrap();
    table.respond(at(510), id, &ok(&invite)).unwrap();
    assert_eq!(sent(&mut table).len(), 2);
    let ack = received(Method::Ack, "branch=z9hG4bKone");
    match table.receive_request(at(20), ack, &source) {
        RequestEvent::Ack { invite, .. } => assert_eq!(invite, Some(id)),
        other => panic!("{other:?}"),
    }
    let stray = received(Method::Ack, "branch=z9hG4bKtwo");
    assert!(matches!(table.receive_request(at(20), stray, &source), RequestEvent::Ack { invite: None, .. }));
}

#[test]
fn cancel_is_answered_and_reaches_a_ringing_invite_only() {
    let mut table = table();
    let source = hop(Transport::Udp);
    let invite = received(Method::Invite, "branch=z9hG4bKone");
    let id = new_id(table.receive_request(at(0), invite.clone(), &source));
    let cancel = received(Method::Cancel, "branch=z9hG4bKone");
    match table.receive_request(at(10), cancel.clone(), &source) {
        RequestEvent::Cancelled(found) => assert_eq!(found, id),
        other => panic!("{other:?}"),
    }
    assert!(matches!(table.receive_request(at(11), cancel, &source), RequestEvent::Retransmission));
    assert_eq!(sent(&mut table), ["SIP/2.0 200 OK", "SIP/2.0 200 OK"]);
    let mut stray = received(Method::Cancel, "branch=z9hG4bKtwo");
    stray.headers_mut().set(Header::new(HeaderName::CallId, "c2"));
    assert!(matches!(table.receive_request(at(12), stray, &source), RequestEvent::CancelledInVain));
    assert_eq!(sent(&mut table), ["SIP/2.0 481 Call/Transaction Does Not Exist"]);
}

fn line_of(octets: &Bytes, start: &str) -> String {
    let text = String::from_utf8_lossy(octets).into_owned();
    text.lines().find(|line| line.starts_with(start)).unwrap_or_default().to_owned()
}

/// The octets of the only command, which sends.
fn octets(table: &mut TransactionTable) -> Bytes {
    match commands(table).as_slice() {
        [TransactionCommand::Send { octets, .. }] => octets.clone(),
        other => panic!("{other:?}"),
    }
}

fn response_to(invite: &Bytes, method: Method, status: StatusCode) -> Response {
    let mut request = request(method, 1);
    request.headers_mut().push_front(Header::new(HeaderName::Via, &line_of(invite, "Via: ")[5..]));
    Response::for_request(&request, status, Some(&Tag::parse("b1").unwrap()))
}

#[test]
fn the_refusal_of_our_invite_is_acknowledged_on_the_same_branch() {
    let mut table = table();
    table.send_request(at(0), request(Method::Invite, 1), &outgoing(Transport::Udp)).unwrap();
    let invite = octets(&mut table);
    let busy = response_to(&invite, Method::Invite, StatusCode::BUSY_HERE);
    assert!(matches!(table.receive_response(at(10), busy.clone()), ResponseEvent::Final { .. }));
    let ack = octets(&mut table);
    assert!(ack.starts_with(b"ACK sip:bob@sip.example SIP/2.0\r\n"));
    assert_eq!(line_of(&ack, "Via: "), line_of(&invite, "Via: "));
    assert_eq!(line_of(&ack, "CSeq: "), "CSeq: 1 ACK");
    assert!(line_of(&ack, "To: ").ends_with(";tag=b1"));
    assert!(matches!(table.receive_response(at(500), busy), ResponseEvent::Retransmission));
    assert_eq!(octets(&mut table), ack);
    table.expire(at(40_000));
    assert!(table.is_empty());
}

#[test]
fn our_ringing_invite_is_cancelled_on_the_same_branch() {
    let mut table = table();
    let id = table.send_request(at(0), request(Method::Invite, 1), &outgoing(Transport::Udp)).unwrap();
    let invite = octets(&mut table);
    assert_eq!(table.cancel(at(1), id), Err(SendError::NothingToCancel));
    table.receive_response(at(10), response_to(&invite, Method::Invite, StatusCode::RINGING));
    let cancel_id = table.cancel(at(20), id).unwrap();
    let cancel = octets(&mut table);
    assert!(cancel.starts_with(b"CANCEL sip:bob@sip.example SIP/2.0\r\n"));
    assert_eq!(line_of(&cancel, "Via: "), line_of(&invite, "Via: "));
    match table.receive_response(at(30), response_to(&invite, Method::Cancel, StatusCode::OK)) {
        ResponseEvent::Final { id, .. } => assert_eq!(id, cancel_id),
        other => panic!("{other:?}"),
    }
    match table.receive_response(at(40), response_to(&invite, Method::Invite, StatusCode::REQUEST_TERMINATED)) {
        ResponseEvent::Final { id: found, .. } => assert_eq!(found, id),
        other => panic!("{other:?}"),
    }
    assert!(octets(&mut table).starts_with(b"ACK "));
}

#[test]
fn every_2xx_to_our_invite_reaches_the_user_who_acknowledges_it() {
    let mut table = table();
    table.send_request(at(0), request(Method::Invite, 1), &outgoing(Transport::Tcp)).unwrap();
    let invite = octets(&mut table);
    for wait in [10, 510] {
        let response = response_to(&invite, Method::Invite, StatusCode::OK);
        assert!(matches!(table.receive_response(at(wait), response), ResponseEvent::Final { .. }));
        table.send_ack(request(Method::Ack, 1), &outgoing(Transport::Tcp)).unwrap();
        let ack = octets(&mut table);
        assert_ne!(line_of(&ack, "Via: "), line_of(&invite, "Via: "));
    }
    assert_eq!(
        table.send_request(at(600), request(Method::Ack, 1), &outgoing(Transport::Tcp)),
        Err(SendError::UnsupportedMethod(Method::Ack))
    );
    table.expire(at(32_010));
    assert!(table.is_empty());
}

proptest! {
    /// Whatever comes in whatever order, the table keeps its bound, empties itself, and answers each new request it was told to.
    #[test]
    fn the_table_is_bounded_and_ends(steps in proptest::collection::vec((0u8..6, 0u8..4, 0u64..9000), 1..60)) {
        let mut table = bounded(5);
        let mut now = 0;
        let mut open = Vec::new();
        for (kind, branch, wait) in steps {
            now += wait;
            table.expire(at(now));
            let name = format!("branch=z9hG4bK{branch}");
            let method = [Method::Message, Method::Invite, Method::Ack, Method::Cancel][usize::from(kind) % 4].clone();
            match kind {
                0..=3 => {
                    let mut request = received(method, &name);
                    request.headers_mut().set(Header::new(HeaderName::CallId, format!("c{branch}")));
                    if let RequestEvent::New { id, request } = table.receive_request(at(now), request, &hop(Transport::Udp)) {
                        open.push((id, request));
                    }
                }
                4 => {
                    let _ = table.send_request(at(now), request(Method::Message, 1), &outgoing(Transport::Udp));
                }
                _ => {
                    if let Some((id, request)) = open.pop() {
                        let _ = table.respond(at(now), id, &Response::for_request(&request, StatusCode::BUSY_HERE, None));
                    }
                }
            }
            prop_assert!(table.len() <= 5);
            while table.poll().is_some() {}
        }
        while let Some(due) = table.deadline() {
            table.expire(due);
        }
        prop_assert!(table.is_empty());
        prop_assert!(table.servers_by_key.is_empty() && table.servers_by_merge_key.is_empty());
        prop_assert!(table.clients_by_branch.is_empty());
    }
}
