//! The laboratory as its user meets it: `lab list`, `run`, `report`, `load` and `record` as processes, against gateways that
//! they start, against a running one by its site file, and against a Kamailio.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use acceptance::{
    folder::Folder,
    kamailio::{self, DOMAIN, Kamailio},
    port,
    product::{self, Setup},
    tool,
    wv_server::{Style, WvServer},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use gateway::lab::case::cases;
use serde_json::Value;
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{Command, Output},
};
use wv_proto::version::{Encoding, Version};

fn lab(arguments: &[&str]) -> Output {
    Command::new(product::program()).arg("lab").args(arguments).output().expect("the program can be started")
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// The packets of both sides are there and whole, as far as a dissector is installed.
fn check_capture(file: &Path) {
    let Some(tshark) = tool::find("tshark") else { return };
    let read = |arguments: &[&str]| {
        let read = Command::new(&tshark).arg("-r").arg(file).args(arguments).output().expect("tshark can be started");
        assert!(read.status.success(), "{}", text(&read.stderr));
        text(&read.stdout)
    };
    let broken = "_ws.malformed || tcp.analysis.flags";
    assert_eq!(read(&["-Y", broken]), "", "{}", file.display());
    let layers = read(&["-T", "fields", "-e", "frame.protocols", "-e", "frame.comment"]);
    assert!(layers.contains("udp:sip") && layers.contains("http:wbxml"), "{layers}");
    let posts = read(&["-Y", "http.request.method == POST", "-T", "fields", "-e", "http.user_agent"]);
    assert!(posts.lines().count() >= 3 && posts.lines().all(|agent| agent == "wv-simple-gateway-peer"), "{posts}");
    let answered = read(&["-Y", "http.response.code == 200"]).lines().count();
    assert!(answered >= posts.lines().count() - 1, "{answered} answers");
    let said = read(&["-Y", "sip", "-T", "fields", "-e", "sip.Method", "-e", "sip.Status-Code"]);
    assert!(said.lines().any(|line| !line.starts_with('\t')) && said.contains("\t200"), "{said}");
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stdout)))
}

fn path(folder: &Folder, name: &str) -> String {
    folder.file(name).display().to_string()
}

#[test]
fn list_tells_what_each_scenario_shows() {
    let listed = lab(&["list", "--select", "IWF-MSG-INT-001", "--json"]);
    let rows = json(&listed);
    assert_eq!(rows.as_array().map(Vec::len), Some(1));
    let row = &rows[0];
    assert_eq!((row["area"].as_str(), row["source"][0].as_str()), (Some("MSG"), Some("RFC 3428 8")));
    assert_eq!(row["versions"].as_array().map(Vec::len), Some(6));
    let all = text(&lab(&["list"]).stdout);
    assert!(all.contains("iwf_sub_int_001_subscribe") && all.contains("simple_02_publish"), "{all}");
    let unknown = lab(&["list", "--select", "IWF-XYZ"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("IWF-XYZ"), "{}", text(&unknown.stderr));
}

#[test]
fn a_run_against_a_gateway_of_its_own_leaves_result_reports_and_statement() {
    let folder = Folder::new("lab");
    let [result, html, junit, statement] = ["r.json", "r.html", "r.xml", "s.html"].map(|name| path(&folder, name));
    let select = "IWF-MSG-INT-001,IWF-SES-INT-001,IWF-SUB-INT-001";
    let arguments = ["run", "--select", select, "--csp", "1.2", "--encoding", "wbxml", "--result", &result];
    let captures = path(&folder, "captures");
    let files = ["--html", &html, "--junit", &junit, "--statement", &statement, "--captures", &captures];
    let run = lab(&[&arguments[..], &files].concat());
    assert_eq!(run.status.code(), Some(0), "{}{}", text(&run.stdout), text(&run.stderr));
    assert!(!text(&run.stderr).contains('#'), "a progress bar is for terminals");
    let again = lab(&["report", &result, "--html", &path(&folder, "again.html")]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    let result: Value = serde_json::from_str(&fs::read_to_string(&result).unwrap()).unwrap();
    let performances = result["performances"].as_array().unwrap();
    assert_eq!(performances.len(), 3);
    assert!(performances.iter().all(|one| one["verdict"] == "pass"), "{result}");
    let html = fs::read_to_string(html).unwrap();
    assert!(html.contains("3 pass, 0 fail") && html.contains("iwf_ses_int_001_login_publishes"), "{html}");
    for one in performances {
        assert!(!one["ladder"].as_array().unwrap().is_empty(), "{one}");
        let file = one["capture_file"].as_str().unwrap();
        assert_eq!(file, format!("{captures}/{}.pcapng", one["name"].as_str().unwrap()));
        // The page holds the same octets, whether it is written at once or later.
        let octets = STANDARD.encode(fs::read(file).unwrap());
        let later = fs::read_to_string(folder.file("again.html")).unwrap();
        assert!([&html, &later].iter().all(|page| page.matches(&octets).count() == 1), "{file}");
        check_capture(Path::new(file));
    }
    let junit = fs::read_to_string(junit).unwrap();
    assert_eq!(junit.matches("<testcase ").count(), 3);
    assert!(junit.contains("<testsuite name=\"SUB\" tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"0\""), "{junit}");
    let statement = fs::read_to_string(statement).unwrap();
    let (run, not_run) = statement.split_once("Cases that were not run").unwrap();
    assert!(run.contains("IWF-MSG-INT-001") && run.contains("CSP 1.2 wbxml"), "{statement}");
    assert_eq!(not_run.matches("IWF-").count(), cases().count() - 3);
}

#[test]
fn what_fails_and_what_proves_nothing_are_told_apart_with_their_ladders() {
    let folder = Folder::new("lab");
    let scenario = |name: &str, lines: &str| {
        let head = "scenario <b>What</b> is told\nsource RFC 3261 10\nS1 is a sip agent\n";
        fs::write(folder.file(name), format!("{head}{lines}")).unwrap();
    };
    let register = "S1 sends REGISTER to sip:$S1.domain as in\n  Expires: 600\n";
    scenario("fails.scn", &format!("{register}S1 receives 299 to REGISTER in in\n"));
    scenario("proves_nothing.scn", &format!("{register}given S1 receives 299 to REGISTER in in\nS1 receives NOTIFY\n"));
    let scenarios = folder.path().display().to_string();
    let [before, after, html, junit] = ["b.json", "a.json", "r.html", "r.xml"].map(|name| path(&folder, name));
    let arguments = ["run", "--scenarios", &scenarios, "--patience", "10", "--result", &after];
    let run = lab(&[&arguments[..], &["--html", &html, "--junit", &junit]].concat());
    assert_eq!(run.status.code(), Some(1), "{}", text(&run.stderr));
    let told = text(&run.stdout);
    assert!(told.contains("awaited: S1 receives 299 to REGISTER") && told.contains("200 to REGISTER"), "{told}");
    assert!(told.contains("REGISTER") && told.contains("0 pass, 1 fail, 1 inconclusive"), "{told}");
    let page = fs::read_to_string(&html).unwrap();
    assert!(page.contains("&lt;b&gt;What&lt;/b&gt;") && !page.contains("<b>What"), "{page}");
    assert_eq!(page.matches("href=\"data:application/octet-stream;base64,").count(), 2, "{page}");
    let xml = fs::read_to_string(&junit).unwrap();
    assert!(xml.contains("<failure message=\"") && xml.contains("<error type=\"inconclusive\""), "{xml}");
    // The same as if it had passed before: the comparison says what became worse.
    let result = fs::read_to_string(&after).unwrap();
    fs::write(&before, result.replace("\"verdict\": \"fail\"", "\"verdict\": \"pass\"")).unwrap();
    let compared = lab(&["report", &after, &before, "--html", &html]);
    assert_eq!(compared.status.code(), Some(1));
    assert!(text(&compared.stdout).contains("worse"), "{}", text(&compared.stdout));
    assert!(fs::read_to_string(&html).unwrap().contains("<h2>Compared with"));
    assert_eq!(lab(&["report", &after]).status.code(), Some(1));
    // What only proved nothing is no failure, and no success.
    let run = lab(&["run", "--scenarios", &scenarios, "--select", "proves_nothing", "--patience", "10"]);
    assert_eq!(run.status.code(), Some(3), "{}", text(&run.stdout));
}

/// A site file.
fn site(file: &Path, name: &str, csp: Option<&str>, sip: Option<SocketAddr>, users: &[(&str, &str)]) -> String {
    let mut text = format!("[system]\nname = \"{name}\"\n");
    csp.iter().for_each(|csp| text.push_str(&format!("csp = \"{csp}\"\n")));
    sip.iter().for_each(|sip| text.push_str(&format!("sip = \"{sip}\"\n")));
    for (user, password) in users {
        text.push_str(&format!("[[user]]\nuser = \"{user}\"\npassword = \"{password}\"\n"));
    }
    fs::write(file, text).unwrap();
    file.display().to_string()
}

const USERS: [(&str, &str); 4] = [
    ("wv:alice@wv.example", "secret"),
    ("wv:carol@wv.example", "secret"),
    ("sip:bob@sip.example", "secret"),
    ("sip:dave@sip.example", "secret"),
];

#[test]
fn a_running_system_is_named_by_a_site_file_and_what_it_lacks_is_not_applicable() {
    let gateway = Setup::embedded().start();
    let folder = Folder::new("lab");
    let both = site(&folder.file("both.toml"), "running", Some(&gateway.csp_uri()), Some(gateway.sip()), &USERS);
    let only_wv = site(&folder.file("wv.toml"), "WV server", Some(&gateway.csp_uri()), None, &USERS);
    let select = "IWF-MSG-INT-001,IWF-SES-INT-001,flow_2_4";
    let verdicts = |site: &str| -> Vec<(String, String)> {
        let run = lab(&["run", "--target", site, "--select", select, "--csp", "1.3", "--json"]);
        assert_eq!(run.status.code(), Some(0), "{}{}", text(&run.stdout), text(&run.stderr));
        let performances = json(&run)["performances"].as_array().unwrap().clone();
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        performances.iter().map(|one| (word(&one["scenario"]), word(&one["verdict"]))).collect()
    };
    let of = |verdicts: &[(String, String)], name: &str| -> Vec<String> {
        verdicts.iter().filter(|(scenario, _)| scenario.starts_with(name)).map(|(_, verdict)| verdict.clone()).collect()
    };
    let found = verdicts(&both);
    assert!(of(&found, "iwf_msg_int_001").iter().all(|verdict| verdict == "pass"), "{found:?}");
    // It wants a gateway with settings of its own.
    assert!(of(&found, "iwf_ses_int_001").iter().all(|verdict| verdict == "not-applicable"), "{found:?}");
    let found = verdicts(&only_wv);
    assert!(of(&found, "iwf_msg_int_001").iter().all(|verdict| verdict == "not-applicable"), "{found:?}");
    assert!(of(&found, "flow_2_4") == ["pass", "pass"], "{found:?}");
}

#[test]
fn the_simple_part_is_run_against_a_kamailio() {
    let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, port::free()));
    let Some(kamailio) = Kamailio::start(nobody, kamailio::free_port(), &["WITH_OPEN"]) else {
        println!("absent: kamailio is not installed");
        return;
    };
    let folder = Folder::new("lab");
    let users: Vec<String> = (0..20).map(|number| format!("sip:lab{number}@{DOMAIN}")).collect();
    let users: Vec<(&str, &str)> = users.iter().map(|user| (user.as_str(), "lab")).collect();
    let site = site(&folder.file("site.toml"), "Kamailio", None, Some(kamailio.address()), &users);
    let run = lab(&["run", "--target", &site, "--select", "simple,IWF-MSG-INT-001", "--patience", "30", "--json"]);
    let result = json(&run);
    let performances = result["performances"].as_array().unwrap();
    let (simple, others): (Vec<&Value>, Vec<&Value>) = performances.iter().partition(|one| one["area"] == "SIMPLE");
    assert!(simple.len() >= 5 && simple.iter().all(|one| one["verdict"] == "pass"), "{result:#}");
    assert!(others.iter().all(|one| one["verdict"] == "not-applicable" && one["reason"] == "needs a CSP server"));
    assert_eq!(run.status.code(), Some(0));
}

#[test]
fn the_wv_part_is_run_against_a_scripted_wv_server() {
    let users: Vec<String> = (1..=8).map(|number| format!("lab{number}@wv.test")).collect();
    let known: Vec<&str> = users.iter().map(String::as_str).collect();
    let server = WvServer::start(port::free(), (Version::V1_2, Encoding::Xml), Style::proper(), &known);
    let folder = Folder::new("lab");
    let named: Vec<String> = users.iter().map(|user| format!("wv:{user}")).collect();
    let users: Vec<(&str, &str)> = named.iter().map(|user| (user.as_str(), "secret")).collect();
    let csp = format!("http://127.0.0.1:{}/", server.port());
    let file = folder.file("site.toml");
    let site = site(&file, "scripted", Some(&csp), None, &users);
    let spoken = "[system]\nversions = [\"1.2\"]\nencodings = [\"xml\"]\n";
    fs::write(&file, fs::read_to_string(&file).unwrap().replace("[system]\n", spoken)).unwrap();
    let wanted = "flow_2,flow_9_life,flow_10_identifiers,IWF-MSG-INT-001,IWF-PRS-INT-031";
    let page = path(&folder, "page.html");
    let run = lab(&["run", "--target", &site, "--select", wanted, "--patience", "10", "--html", &page, "--json"]);
    let result = json(&run);
    let performances = result["performances"].as_array().unwrap();
    let is_spoken = |one: &&Value| one["verdict"] != "not-applicable";
    let (spoken, others): (Vec<&Value>, Vec<&Value>) = performances.iter().partition(is_spoken);
    let is_reason =
        |reason: &str| reason.starts_with("the system does not speak CSP") || reason == "needs a SIP server";
    assert!(
        !others.is_empty() && others.iter().all(|one| one["reason"].as_str().is_some_and(is_reason)),
        "{others:#?}"
    );
    let of = |name: &str| -> &Value {
        let one = spoken.iter().find(|one| one["name"] == format!("{name}_csp_1_2_xml"));
        one.unwrap_or_else(|| panic!("no {name}: {spoken:#?}"))
    };
    // What it does …
    for name in ["flow_2_2_transactions", "iwf_prs_int_031_own_presence"] {
        let one = of(name);
        assert!(one["verdict"] == "pass" && !one["ladder"].as_array().unwrap().is_empty(), "{one:#}");
    }
    // … what it does otherwise, and what it says that it does not do; where that is a precondition, nothing is shown.
    for (name, wanted, told) in [
        ("flow_2_4_keep_alive", "fail", "KeepAliveTime"),
        ("flow_9_life", "fail", "501"),
        ("flow_10_identifiers", "inconclusive", "501"),
    ] {
        let one = of(name);
        let trouble = one["trouble"].to_string();
        assert!(one["verdict"] == wanted && trouble.contains(told), "{one:#}");
        assert!(!one["clauses"].as_array().unwrap().is_empty() && trouble.contains("Login-Request"), "{one:#}");
    }
    assert_eq!(run.status.code(), Some(1));
    let page = fs::read_to_string(page).unwrap();
    let captures = page.matches("href=\"data:application/octet-stream;base64,").count();
    assert_eq!(captures, spoken.len(), "a capture for each");
    println!("{}", spoken.iter().map(|one| format!("{} {}\n", one["name"], one["verdict"])).collect::<String>());
}

#[test]
fn load_is_answered_and_measured() {
    let folder = Folder::new("lab");
    let svg = path(&folder, "load.svg");
    let plan = ["load", "--sessions", "8", "--rate", "20", "--seconds", "3", "--wait", "30", "--svg", &svg, "--json"];
    let loaded = lab(&plan);
    assert_eq!(loaded.status.code(), Some(0), "{}{}", text(&loaded.stdout), text(&loaded.stderr));
    let report = &json(&loaded)["report"];
    assert_eq!(report["planned"], 60, "{report:#}");
    let measures = report["measures"].as_array().unwrap();
    let counts: Vec<(String, u64)> = measures
        .iter()
        .map(|one| (format!("{} {}", one["kind"], one["until"]), one["count"].as_u64().unwrap_or_default()))
        .collect();
    assert_eq!(counts.len(), 4, "{counts:?}");
    assert!(counts.iter().all(|(_, count)| *count == 30), "{counts:?}");
    assert!(fs::read_to_string(svg).unwrap().matches("<rect").count() > 4);
    let clients_that_are_not_known = {
        let gateway = Setup::embedded().start();
        let users = [("sip:eve@sip.example", "wrong"), ("sip:bob@sip.example", "wrong")];
        let site = site(&folder.file("site.toml"), "x", None, Some(gateway.sip()), &users);
        lab(&["load", "--target", &site, "--sessions", "2", "--seconds", "1"])
    };
    assert_eq!(clients_that_are_not_known.status.code(), Some(1));
    let told = text(&clients_that_are_not_known.stderr);
    assert!(told.contains("2 of 2 clients did not get in"), "{told}");
}

#[test]
fn recorded_traffic_is_performed() {
    let folder = Folder::new("lab");
    let (trace, scenario) = (folder.file("trace.json"), path(&folder, "recorded.scn"));
    fs::write(&trace, recording()).unwrap();
    let recorded = lab(&["record", "--read", &trace.display().to_string(), "--out", &scenario, "--title", "A letter"]);
    assert_eq!(recorded.status.code(), Some(0), "{}", text(&recorded.stderr));
    let run = lab(&["run", "--scenarios", &folder.path().display().to_string()]);
    let written = fs::read_to_string(&scenario).unwrap();
    assert_eq!(run.status.code(), Some(0), "{written}\n{}{}", text(&run.stdout), text(&run.stderr));
}

/// What a gateway's trace tells of a login, a registration and a message from the phone to the agent.
fn recording() -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let line = |side: &str, direction: &str, peer: &str, kind: Option<&str>, message: &str| {
        let message = serde_json::json!({ "octets": STANDARD.encode(message) });
        let wire = serde_json::json!({ "carrier": "udp", "content_type": kind, "message": message });
        let record = serde_json::json!({ "side": side, "direction": direction, "peer": peer, "wire": wire });
        format!("{record}\n")
    };
    let csp = |mode: &str, id: &str, content: &str| {
        let message = format!(
            "<WV-CSP-Message xmlns=\"http://www.openmobilealliance.org/DTD/WV-CSP1.2\"><Session><SessionDescriptor>\
             <SessionType>Outband</SessionType></SessionDescriptor><Transaction><TransactionDescriptor>\
             <TransactionMode>{mode}</TransactionMode><TransactionID>{id}</TransactionID></TransactionDescriptor>\
             <TransactionContent xmlns=\"http://www.openmobilealliance.org/DTD/WV-TRC1.2\">{content}\
             </TransactionContent></Transaction></Session></WV-CSP-Message>"
        );
        let direction = if mode == "Request" { "in" } else { "out" };
        line("wv", direction, "wv:alice@wv.example", Some("application/vnd.wv.csp.xml"), &message)
    };
    let sip = |direction: &str, first: &str, from: &str, to: &str, id: &str, method: &str, more: &str| {
        let message = format!(
            "{first}\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK{id}\r\nMax-Forwards: 70\r\n\
             From: <sip:{from}>;tag=1\r\nTo: <sip:{to}>\r\nCall-ID: {id}\r\nCSeq: 1 {method}\r\n{more}"
        );
        line("simple", direction, "127.0.0.1:5070", None, &message)
    };
    let (bob, alice) = ("bob@sip.example", "alice@wv.example");
    let none = "Expires: 600\r\nContent-Length: 0\r\n\r\n";
    let text = "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
    let login = "<Login-Request><UserID>wv:alice@wv.example</UserID><ClientID><URL>c</URL></ClientID></Login-Request>";
    let letter = "<SendMessage-Request><DeliveryReport>F</DeliveryReport><MessageInfo><ContentType>text/plain\
                  </ContentType><ContentSize>5</ContentSize><Recipient><User><UserID>wv:bob@sip.example</UserID></User>\
                  </Recipient><Sender><User><UserID>wv:alice@wv.example</UserID></User></Sender><Validity>600</Validity>\
                  </MessageInfo><ContentData>hello</ContentData></SendMessage-Request>";
    let answer =
        "<SendMessage-Response><Result><Code>200</Code></Result><MessageID>m</MessageID></SendMessage-Response>";
    [
        csp("Request", "1", login),
        sip("in", "REGISTER sip:sip.example SIP/2.0", bob, bob, "r", "REGISTER", none),
        sip("out", "SIP/2.0 200 OK", bob, bob, "r", "REGISTER", none),
        csp("Request", "2", letter),
        csp("Response", "2", answer),
        sip("out", "MESSAGE sip:bob@127.0.0.1 SIP/2.0", alice, bob, "m", "MESSAGE", text),
        sip("in", "SIP/2.0 200 OK", alice, bob, "m", "MESSAGE", none),
    ]
    .concat()
}
