//! The trace: recorded, captured for dissectors, sent to a collector.

use super::{ANSWER, Company, HELLO, PATIENCE, Recording};
use acceptance::{
    agent::Agent,
    catalogue::{How, case},
    product::{Gateway, Setup},
    tool, wait,
};
use gateway::observe::{Direction, TraceRecord, wire::Carrier};
use mapping::side::Side;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Write},
    net::{TcpStream, UdpSocket},
    path::Path,
    process::Command,
    time::Duration,
};

fn ask_over_tcp(gateway: &Gateway) {
    let mut stream = TcpStream::connect(gateway.sip()).unwrap();
    let request = "OPTIONS sip:sip.example SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKt1\r\nMax-Forwards: 70\r\n\
                   From: <sip:bob@sip.example>;tag=1\r\nTo: <sip:sip.example>\r\nCall-ID: t1\r\nCSeq: 1 OPTIONS\r\n\
                   Content-Length: 0\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = [0; 2048];
    assert!(stream.read(&mut answer).unwrap() > 0);
}

fn read_capture(tshark: &Path, capture: &Path, arguments: &[&str]) -> String {
    let checked = ["ip.check_checksum:TRUE", "udp.check_checksum:TRUE", "tcp.check_checksum:TRUE"];
    let mut command = Command::new(tshark);
    command.arg("-r").arg(capture).args(checked.iter().flat_map(|option| ["-o", option])).args(arguments);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_bridged_conversation_is_dissected_by_tshark() {
    let Some(tshark) = tool::find("tshark") else { return };
    let gateway = Setup::embedded().start();
    let recording = Recording::begin(&gateway, "trace.json", &[]);
    let mut company = Company::arrive(&gateway);
    company.talk();
    ask_over_tcp(&gateway);
    // A whole line: of one that is being written nothing is read.
    let is_over_tcp = |record: &TraceRecord| record.wire.as_ref().is_some_and(|wire| wire.carrier == Carrier::Tcp);
    wait::until("the record over TCP", PATIENCE, || recording.records().iter().any(is_over_tcp).then_some(()));
    let capture = gateway.file("trace.pcapng");
    let file = recording.path.to_string_lossy().into_owned();
    let mut command = gateway.command(&["trace", "--read", &file, "--export", "pcapng"]);
    assert!(command.stdout(File::create(&capture).unwrap()).status().unwrap().success());

    let read = |arguments: &[&str]| read_capture(&tshark, &capture, arguments);
    let broken = "_ws.malformed || ip.checksum.status == 0 || udp.checksum.status == 0 || tcp.checksum.status == 0 || \
                  tcp.analysis.flags";
    assert_eq!(read(&["-Y", broken]), "");
    let layers = read(&["-T", "fields", "-e", "frame.protocols", "-e", "frame.comment"]);
    for wanted in ["udp:sip", "tcp:sip", "http:wbxml", "http:xml", "correlation ", "SendMessage-Request", "| masked"] {
        assert!(layers.contains(wanted), "{wanted}:\n{layers}");
    }
    let methods =
        read(&["-Y", "sip", "-T", "fields", "-e", "sip.Method", "-e", "sip.Status-Code", "-e", "udp.dstport"]);
    let port = gateway.ports().sip;
    assert!(methods.lines().any(|line| line.starts_with("MESSAGE") && line.ends_with(&port.to_string())), "{methods}");
    assert!(methods.lines().any(|line| line.starts_with("REGISTER")) && methods.contains("200"), "{methods}");
    let posts = read(&["-Y", "http.request", "-T", "fields", "-e", "http.request.uri", "-e", "tcp.dstport"]);
    let of_csp = format!("/csp\t{}", gateway.ports().csp);
    assert!(!posts.is_empty() && posts.lines().all(|line| line == of_csp), "{posts}");
    let types = read(&["-Y", "http", "-T", "fields", "-e", "http.content_type"]);
    assert!(types.contains("application/vnd.wv.csp.wbxml") && types.contains("application/vnd.wv.csp+xml"), "{types}");
    let all = read(&["-V"]);
    assert!(!all.contains(HELLO) && !all.contains(ANSWER) && !all.contains("old mill"), "texts are masked");
}

#[test]
fn secrets_are_masked_unless_that_is_asked_for() {
    let gateway = Setup::embedded().start();
    let masked = Recording::begin(&gateway, "masked.json", &[]);
    let original = Recording::begin(&gateway, "original.json", &["--no-redaction"]);
    let mut company = Company::arrive(&gateway);
    company.talk();
    let texts = |recording: &Recording| {
        let records = recording.records();
        records.iter().filter_map(|record| record.wire.as_ref()?.to_text()).collect::<String>()
    };
    wait::until("the last letter", PATIENCE, || (texts(&original).matches(HELLO).count() >= 3).then_some(()));
    let all = texts(&masked);
    assert!(!all.contains(HELLO) && !all.contains(ANSWER));
    assert!(all.contains("response=\"xxxxxxxx") && all.contains("<Password>xxx"), "{all}");
    assert!(texts(&original).contains("<Password>secret<") && !texts(&original).contains("<Password>xxx"));
    assert!(gateway.log().contains("a trace without redaction begins"));
}

#[test]
fn a_filter_narrows_what_is_recorded() {
    let gateway = Setup::embedded().start();
    let all = Recording::begin(&gateway, "all.json", &[]);
    let filtered = Recording::begin(&gateway, "filtered.json", &["--method", "OPTIONS", "--primitive", "SendMessage"]);
    let mut company = Company::arrive(&gateway);
    company.talk();
    let sent = |record: &TraceRecord| record.title.starts_with("SendMessage");
    wait::until("both letters", PATIENCE, || (all.records().iter().filter(|one| sent(one)).count() == 4).then_some(()));
    wait::until("both letters", PATIENCE, || {
        let records = filtered.records();
        assert!(records.iter().all(|one| sent(one) || one.title.contains("OPTIONS")), "{records:?}");
        (records.iter().filter(|one| sent(one)).count() == 4).then_some(())
    });
    let letter = all.records().into_iter().find(sent).unwrap();
    let file = all.path.to_string_lossy().into_owned();
    let digits = letter.correlation.to_string();
    let (is_read, text) = gateway.ask(&["trace", "--read", &file, "--correlation", &digits, "--export", "json"]);
    assert!(is_read && text.lines().count() >= 3 && text.lines().all(|line| line.contains(&digits)), "{text}");
}

/// How many messages passed, by side and direction, as the gateway counts.
fn counters(gateway: &Gateway) -> [u64; 4] {
    let count = |name: &str, side: &str| {
        let value = gateway.metric(&format!("gateway_{name}_messages_total{{side=\"{side}\"}}"));
        // Counters are whole.
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a counter is whole and not negative"
        )]
        let value = value as u64;
        value
    };
    [count("received", "wv"), count("sent", "wv"), count("received", "simple"), count("sent", "simple")]
}

fn counted(records: &[TraceRecord]) -> [u64; 4] {
    let count = |side, direction| {
        let those = records.iter().filter(|record| record.side == side && record.direction == direction);
        u64::try_from(those.count()).unwrap()
    };
    [
        count(Side::Wv, Direction::In),
        count(Side::Wv, Direction::Out),
        count(Side::Simple, Direction::In),
        count(Side::Simple, Direction::Out),
    ]
}

#[test]
fn iwf_gen_int_012_one_chain_on_both_sides_and_counters_that_match() {
    case("IWF-GEN-INT-012", How::Sockets, || {
        let gateway = Setup::embedded().start();
        let recording = Recording::begin(&gateway, "trace.json", &[]);
        // What was written last was counted before.
        let mut ping = Agent::new(gateway.sip(), "dave@sip.example");
        let (mut before, mut seen) = (counters(&gateway), recording.records());
        wait::until("a moment of rest", PATIENCE, || {
            ping.options().unwrap();
            let last = std::mem::replace(&mut seen, recording.records());
            before = counters(&gateway);
            (seen.len() > last.len() && recording.records().len() == seen.len()).then_some(())
        });
        let mut company = Company::arrive(&gateway);
        company.talk();
        wait::until("as many records as messages", PATIENCE, || {
            let (now, records) = (counters(&gateway), recording.records());
            let passed: Vec<u64> = now.iter().zip(before).map(|(now, before)| now - before).collect();
            let told: Vec<u64> = counted(&records).iter().zip(counted(&seen)).map(|(all, old)| all - old).collect();
            (passed == told && passed.iter().all(|count| *count >= 4)).then_some(())
        });
        let records = recording.records();
        let chain = |side, direction, title: &str| {
            let is_it =
                |one: &&TraceRecord| one.side == side && one.direction == direction && one.title.starts_with(title);
            records.iter().find(is_it).unwrap_or_else(|| panic!("{title}")).correlation
        };
        let sent = chain(Side::Wv, Direction::In, "SendMessage-Request");
        assert_eq!(sent, chain(Side::Simple, Direction::Out, "MESSAGE"));
        assert_eq!(sent, chain(Side::Simple, Direction::In, "200 OK to MESSAGE"));
        assert_eq!(sent, chain(Side::Wv, Direction::Out, "SendMessage-Response"));
        // The first attempt of the agent may have been challenged: that was a chain of its own.
        let told = chain(Side::Wv, Direction::Out, "NewMessage");
        let is_asked = |one: &TraceRecord| one.direction == Direction::In && one.title.starts_with("MESSAGE");
        assert!(records.iter().any(|one| is_asked(one) && one.correlation == told), "{records:#?}");
    });
}

/// The chunks of a datagram of HEP, by type; read by the published form, not by what wrote it.
fn chunks(datagram: &[u8]) -> BTreeMap<u16, Vec<u8>> {
    let number = |octets: &[u8]| u16::from_be_bytes([octets[0], octets[1]]);
    assert_eq!(&datagram[..4], b"HEP3");
    assert_eq!(usize::from(number(&datagram[4..])), datagram.len());
    let (mut rest, mut found) = (&datagram[6..], BTreeMap::new());
    while !rest.is_empty() {
        assert_eq!(number(rest), 0, "only generic chunks");
        let length = usize::from(number(&rest[4..]));
        assert!(found.insert(number(&rest[2..]), rest[6..length].to_vec()).is_none(), "a chunk twice");
        rest = &rest[length..];
    }
    found
}

#[test]
fn a_collector_gets_sip_as_it_is_and_csp_as_xml() {
    let collector = UdpSocket::bind("127.0.0.1:0").unwrap();
    collector.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let target = format!("trace.hep=udp:{}", collector.local_addr().unwrap());
    let gateway = Setup::embedded().with(&target).with("trace.hep_csp_type=77").with("node.name=north").start();
    let mut company = Company::arrive(&gateway);
    company.talk();
    let mut datagrams = Vec::new();
    let mut buffer = vec![0; 65_536];
    while let Ok(length) = collector.recv(&mut buffer) {
        datagrams.push(chunks(&buffer[..length]));
    }
    let text = |one: &BTreeMap<u16, Vec<u8>>| String::from_utf8(one[&15].clone()).unwrap();
    let sip = datagrams.iter().find(|one| one[&11] == [1] && text(one).starts_with("MESSAGE")).expect("a MESSAGE");
    let csp = datagrams.iter().find(|one| one[&11] == [77] && text(one).contains("<SendMessage-Request")).expect("CSP");
    assert_eq!((sip[&1][0], sip[&2][0], csp[&2][0]), (2, 17, 6));
    assert_eq!((&sip[&3], &sip[&4]), (&vec![127, 0, 0, 1], &vec![127, 0, 0, 1]));
    assert_eq!(sip[&7], gateway.ports().sip.to_be_bytes());
    assert_eq!(csp[&8], gateway.ports().csp.to_be_bytes());
    assert_eq!(sip[&17], csp[&17], "one chain on both sides");
    assert_eq!(sip[&19], b"north");
    let seconds = u32::from_be_bytes(sip[&9].clone().try_into().unwrap());
    assert!(seconds > 1_600_000_000 && sip[&10].len() == 4);
    assert!(datagrams.iter().all(|one| !text(one).contains(HELLO)), "masked here, too");
    assert!(gateway.metric("gateway_trace_exported_records_total") >= 10.0);
}
