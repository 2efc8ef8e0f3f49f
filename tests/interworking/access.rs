//! Who gets in, how, and for how long: logins, services of the operator, TLS, forced logouts, plain text.

use crate::{both, watched};
use acceptance::{
    agent::Agent,
    catalogue::{How, case},
    folder::Folder,
    http,
    phone::Phone,
    product::{Setup, configuration_with_pairs, pair, shared},
    tls::TlsService,
    tool, wait,
};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, UdpSocket},
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
};
use wv_proto::{
    codec::{
        WriterOptions, decode_in_session,
        pts::{PtsMessage, read_envelope},
    },
    limit::Limits,
    primitive::{
        Envelope, Primitive, SessionDescriptor, Transaction,
        access::{LoginRequest, LoginResponse},
        capability::{CapabilityList, CirMethod},
        identifier::{ClientId, Nonce, Password, SessionCookie, SessionId, TransactionId, UserId},
        service::ClientCapabilityRequest,
        system_message::SystemMessageResponse,
    },
    session::digest::{DigestMethod, digest_bytes},
    version::{Encoding, Version},
};

/// A login by hand.
struct Login<'a> {
    user: &'a str,
    client: &'a str,
    password: Option<&'a str>,
    session: Option<&'a str>,
    version: Version,
    /// More lines of the head.
    head: &'a str,
    /// What is answered to the operator: which message, what.
    answer: Option<(&'a str, &'a str)>,
}

impl<'a> Login<'a> {
    fn of(user: &'a str) -> Self {
        Self {
            user,
            client: "by-hand",
            password: Some("secret"),
            session: None,
            version: Version::V1_2,
            head: "",
            answer: None,
        }
    }

    fn octets(&self) -> Vec<u8> {
        let client = ClientId::from_url(self.client);
        let mut request = LoginRequest::new(UserId::new(self.user), client, SessionCookie::new("ck"));
        request.password = self.password.map(Password::new);
        request.answers.extend(self.answer.map(|(id, option)| SystemMessageResponse {
            id: id.into(),
            option: Some(option.into()),
            key: None,
        }));
        let session = match self.session {
            Some(session) => SessionDescriptor::Inband(SessionId::new(session)),
            None => SessionDescriptor::Outband,
        };
        let primitive = Primitive::LoginRequest(Box::new(request));
        let envelope = Envelope::new(session, Transaction::request(Some(TransactionId::new("1")), primitive));
        let body = envelope.encode(self.version, Encoding::Xml, WriterOptions::default()).unwrap();
        let head = format!(
            "POST /csp HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/vnd.wv.csp.xml\r\n{}Content-Length: {}\r\n\r\n",
            self.head,
            body.len()
        );
        [head.as_bytes(), &body].concat()
    }

    fn answer(&self, server: SocketAddr) -> LoginResponse {
        let answer = http::Connection::open(server).unwrap().exchange(&self.octets()).unwrap();
        assert_eq!(answer.status, 200);
        response_in(&answer.body, self.version)
    }

    fn code(&self, server: SocketAddr) -> u16 {
        self.answer(server).result.code.number()
    }
}

fn response_in(body: &[u8], version: Version) -> LoginResponse {
    let decoded = decode_in_session(body, None, version, &Limits::default()).unwrap();
    let envelope = Envelope::decode(&decoded.tree).unwrap();
    match envelope.transactions.into_iter().next().unwrap().content {
        Ok(Primitive::LoginResponse(response)) => *response,
        other => panic!("{other:?}"),
    }
}

#[test]
fn iwf_ses_int_010_a_session_that_is_established_again_keeps_everything() {
    case("IWF-SES-INT-010", How::Sockets, || {
        let (pair, mut phone, mut agent, _) = watched();
        assert_eq!(phone.watch(&pair.sip_in_wv()), 200);
        let session = phone.session_id().unwrap();
        phone.take_told();
        agent.take_requests(&sip_proto::message::Method::Notify);
        let again = Login { client: "test-phone", session: Some(&session), ..Login::of(&pair.wv) };
        let response = again.answer(shared().csp());
        assert_eq!(response.result.code.number(), 200);
        assert_eq!(response.session_id.as_ref().map(|id| id.as_str()), Some(session.as_str()));
        assert_eq!(agent.send(&pair.wv_in_sip(), "still there").unwrap() / 100, 2);
        phone.expect_text("still there");
        let told = agent.take_requests(&sip_proto::message::Method::Notify);
        assert!(told.is_empty(), "nothing changed for the watcher");
        // And as a plain new login of the same client: the session changes, what others see does not.
        let plain = Login { client: "test-phone", ..Login::of(&pair.wv) }.answer(shared().csp());
        assert_eq!(plain.result.code.number(), 200);
        assert_ne!(plain.session_id.map(|id| id.as_str().to_owned()), Some(session));
    });
}

#[test]
fn iwf_ses_int_017_a_session_that_nobody_knows_is_not_established_again() {
    case("IWF-SES-INT-017", How::Sockets, || {
        let (server, pair) = (shared().csp(), pair());
        for (version, code) in [(Version::V1_3, 502), (Version::V1_2, 604), (Version::V1_1, 604)] {
            let lost = Login { session: Some("0-forgotten"), version, ..Login::of(&pair.wv) };
            assert_eq!(lost.code(server), code, "{version:?}");
            assert_eq!(Login { version, ..Login::of(&pair.wv) }.code(server), 200, "a fresh login works");
        }
        let mine = Login::of(&pair.wv).answer(server).session_id.unwrap();
        let other = Login { client: "another", session: Some(mine.as_str()), ..Login::of(&pair.wv) };
        assert_eq!(other.code(server), 422, "the session of another client");
    });
}

#[test]
fn wv_login_11_how_many_sessions_a_user_may_have_is_the_operators_choice() {
    let gateway = Setup::configured(&configuration_with_pairs())
        .with("wv.access.sessions_per_user_max=1")
        .with("wv.access.same_client=refuse")
        .start();
    let user = "wv:w0@wv.example";
    assert_eq!(Login { client: "one", ..Login::of(user) }.code(gateway.csp()), 200);
    assert_eq!(Login { client: "two", ..Login::of(user) }.code(gateway.csp()), 603, "another client");
    assert_eq!(Login { client: "one", ..Login::of(user) }.code(gateway.csp()), 603, "the same client");
}

#[test]
fn wv_out_02_the_operator_ends_the_sessions_of_a_user() {
    let (pair, mut phone, _) = both();
    let (is_done, told) = shared().ask(&["account", "logout", &pair.wv]);
    assert!(is_done && told.contains("logged out of 1 session"), "{told}");
    phone.poll();
    let told = format!("{:?}", phone.request(Primitive::GetListRequest));
    assert!(told.contains("601") || told.starts_with("Err"), "the session is over: {told}");
    let (is_done, told) = shared().ask(&["account", "logout", &pair.wv]);
    assert!(is_done && told.contains("no session"), "{told}");
}

#[test]
fn wv_sys_03_the_operator_is_answered_together_with_the_login() {
    let (gateway, user) = (shared(), pair().wv);
    let options = ["--option", "y=Yes", "--option", "n=No", "--requires-answer"];
    let (done, said) = gateway.ask(&[&["announce", &user, "May we?"], &options[..]].concat());
    assert!(done, "{said}");
    let row_of = || {
        let (_, shown) = gateway.ask(&["show", "announcements"]);
        shown.lines().find(|line| line.contains(user.trim_start_matches("wv:"))).unwrap_or_default().to_owned()
    };
    let mut phone = Phone::logged_in(gateway.csp(), &user, Version::V1_3, Encoding::Xml);
    let id = phone.expect("a SystemMessage", |told| match told {
        Primitive::SystemMessageRequest(request) => request.messages.first().map(|message| message.id.clone()),
        _ => None,
    });
    assert!(!row_of().split_whitespace().any(|cell| cell == "y"));
    // Older versions have no such element.
    for (version, is_answered) in [(Version::V1_2, false), (Version::V1_3, true)] {
        let login = Login { version, answer: Some((&id, "y")), ..Login::of(&user) };
        assert_eq!(login.code(gateway.csp()), 200);
        wait::until("the word of the user", wait::PATIENCE, || {
            (row_of().split_whitespace().any(|cell| cell == "y") == is_answered).then_some(())
        });
    }
}

#[test]
fn wv_acc_03_who_guesses_has_to_wait() {
    let gateway = Setup::configured(&configuration_with_pairs()).start();
    let guess = Login { password: Some("guess"), ..Login::of("wv:w0@wv.example") };
    for _ in 0..4 {
        assert_eq!(guess.code(gateway.csp()), 409);
    }
    assert_eq!(Login::of("wv:w0@wv.example").code(gateway.csp()), 503, "even the right password has to wait");
    assert_eq!(Login::of("wv:w1@wv.example").code(gateway.csp()), 200, "others need not");
}

#[test]
fn wv_acc_04_a_trusted_proxy_vouches_for_a_telephone_number() {
    let accounts = "[[account]]\nuser = \"wv:+4915112345678@wv.example\"\npassword = \"secret\"\n";
    let text = format!("{}{accounts}", configuration_with_pairs());
    let gateway = Setup::configured(&text).with("wv.access.trusted_proxies=127.0.0.0/8").start();
    let user = "wv:+4915112345678@wv.example";
    let vouched = Login { password: None, head: "MSISDN: +4915112345678\r\n", ..Login::of(user) };
    assert_eq!(vouched.code(gateway.csp()), 200);
    let wrong = Login { head: "MSISDN: +4915100000000\r\n", ..vouched };
    assert_eq!(wrong.code(gateway.csp()), 409);
    let other = Login { password: None, head: "MSISDN: +4915112345678\r\n", ..Login::of("wv:w0@wv.example") };
    assert_eq!(other.code(gateway.csp()), 409, "the number of somebody else");
    // What the proxy says of the first hop counts, too: a password that came in the clear is refused.
    let exposed =
        Login { head: "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: http\r\n", ..Login::of("wv:w1@wv.example") };
    assert_eq!(exposed.code(gateway.csp()), 403);
    let behind_tls = Login { head: "X-Forwarded-Proto: https\r\n", ..Login::of("wv:w1@wv.example") };
    assert_eq!(behind_tls.code(gateway.csp()), 200);
}

/// Reads what is posted, and answers it.
fn serve(stream: &mut (impl Read + Write), answer: &str) -> serde_json::Value {
    let mut reader = BufReader::new(stream);
    let (mut length, mut line) = (0, String::from("-"));
    while !line.trim().is_empty() {
        line.clear();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let text = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{answer}", answer.len());
    reader.get_mut().write_all(text.as_bytes()).unwrap();
    reader.get_mut().flush().unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// A service of the operator that answers these, one after the other, and tells what it was asked.
pub(crate) fn operator_service(answers: &'static [&'static str]) -> (SocketAddr, mpsc::Receiver<serde_json::Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, questions) = mpsc::sync_channel(16);
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            asked.send(serve(&mut stream, answer)).unwrap();
        }
    });
    (address, questions)
}

#[test]
fn wv_acc_05_a_service_of_the_operator_knows_the_subscribers() {
    let answers = &["{\"result\":\"accepted\"}", "{\"result\":\"refused\"}", "{\"result\":\"unknown\"}", "nonsense"];
    let (service, questions) = operator_service(answers);
    let gateway = Setup::configured(&configuration_with_pairs())
        .with("auth.backend=http")
        .with(&format!("auth.url=http://{service}/subscriber"))
        .with("auth.token=letmein")
        .start();
    let user = "wv:newcomer@wv.example";
    assert_eq!(Login::of(user).code(gateway.csp()), 200);
    let question = questions.recv().unwrap();
    assert_eq!((&question["user"], &question["proof"]), (&user.into(), &"password".into()));
    assert_eq!(Login::of(user).code(gateway.csp()), 409, "refused");
    assert_eq!(Login::of("wv:nobody@wv.example").code(gateway.csp()), 531, "unknown");
    assert_eq!(Login::of(user).code(gateway.csp()), 503, "an answer that is not understood");
    assert_eq!(Login::of(user).code(gateway.csp()), 503, "a service that is gone");
    // The newcomer has an account now: he can be written to.
    let mut agent = Agent::registered(gateway.sip(), "s0@sip.example");
    assert_eq!(agent.send("sip:newcomer@wv.example", "welcome").unwrap() / 100, 2);
}

#[test]
fn wv_acc_05_services_of_the_operator_are_called_over_tls() {
    let Some(openssl) = tool::find("openssl") else { return };
    let service = TlsService::start(&openssl);
    let address = service.address();
    let text = format!(
        "{}[[account]]\nuser = \"wv:+4915112345678@wv.example\"\npassword = \"secret\"\n",
        configuration_with_pairs()
    );
    let setup = |ca_file: &Path| {
        Setup::configured(&text)
            .with("auth.backend=http")
            .with(&format!("auth.url=https://{address}/subscriber"))
            .with(&format!("wv.access.cir_push_url=https://{address}/push"))
            .with("wv.access.cir_methods=WAPSMS,SSMS")
            .with(&format!("node.ca_file={}", ca_file.display()))
    };
    let gateway = setup(service.authority()).start();
    let user = "wv:+4915112345678@wv.example";
    let answers = std::thread::scope(|scope| {
        let served = scope.spawn(|| serve(&mut service.accept(), "{\"result\":\"accepted\"}"));
        let mut phone = Phone::new(gateway.csp(), user, Version::V1_2, Encoding::Xml);
        phone.log_in().unwrap();
        let asked = served.join().unwrap();
        let capabilities = CapabilityList { supported_cir_methods: vec![CirMethod::Ssms], ..CapabilityList::default() };
        let request = ClientCapabilityRequest { client_id: None, capabilities };
        phone.request(Primitive::ClientCapabilityRequest(Box::new(request))).unwrap();
        phone.poll();
        let pushed = scope.spawn(|| serve(&mut service.accept(), "{}"));
        let mut agent = Agent::registered(gateway.sip(), "s0@sip.example");
        assert_eq!(agent.send("sip:+4915112345678@wv.example", "wake up").unwrap() / 100, 2);
        (asked, pushed.join().unwrap())
    });
    assert_eq!((&answers.0["user"], &answers.1["method"]), (&user.into(), &"SSMS".into()));
    // Somebody whom nobody vouches for is told nothing.
    let stranger = TlsService::start(&openssl);
    let gateway = setup(stranger.authority()).start();
    std::thread::scope(|scope| {
        let refused = scope.spawn(|| service.accept().read(&mut [0]).is_err());
        assert_eq!(Login::of("wv:w0@wv.example").code(gateway.csp()), 503);
        assert!(refused.join().unwrap(), "the gateway believed a stranger");
    });
}

#[test]
fn wv_neg_04_the_operator_may_insist_on_negotiation() {
    for (setting, code) in [("false", 200), ("true", 506)] {
        let gateway = Setup::configured(&configuration_with_pairs())
            .with(&format!("wv.access.strict_services={setting}"))
            .start();
        let session = Login::of("wv:w0@wv.example").answer(gateway.csp()).session_id.unwrap();
        let request = Transaction::request(Some(TransactionId::new("2")), Primitive::GetListRequest);
        let envelope = Envelope::new(SessionDescriptor::Inband(session), request);
        let body = envelope.encode(Version::V1_2, Encoding::Xml, WriterOptions::default()).unwrap();
        let mut connection = http::Connection::open(gateway.csp()).unwrap();
        let answer = connection.post("/csp", "application/vnd.wv.csp.xml", &body).unwrap();
        let answer = String::from_utf8(answer.body).unwrap();
        let is_refused = answer.contains("<Code>506</Code>");
        assert_eq!(is_refused, code == 506, "{answer}");
    }
}

fn certificate(openssl: &Path, folder: &Folder, name: &str) {
    let status = Command::new(openssl)
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", &format!("/CN={name}"), "-keyout"])
        .arg(folder.file("key.pem"))
        .arg("-out")
        .arg(folder.file("certificate.pem"))
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
}

/// Sends octets over TLS; what comes back, with what the client tells of the certificate.
fn over_tls(openssl: &Path, port: u16, octets: &[u8]) -> (Vec<u8>, String) {
    let mut client = Command::new(openssl)
        .args(["s_client", "-connect", &format!("127.0.0.1:{port}"), "-ign_eof"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    client.stdin.as_mut().unwrap().write_all(octets).unwrap();
    let output = client.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.stdout, text)
}

#[test]
fn wv_acc_01_a_password_is_taken_over_tls_and_the_certificate_is_read_again() {
    let Some(openssl) = tool::find("openssl") else { return };
    let folder = Folder::new("tls");
    certificate(&openssl, &folder, "first.example");
    let port = acceptance::port::free();
    let gateway = Setup::configured(&configuration_with_pairs())
        .with(&format!("wv.access.tls_listen=127.0.0.1:{port}"))
        .with(&format!("wv.access.tls_certificate={}", folder.file("certificate.pem").display()))
        .with(&format!("wv.access.tls_key={}", folder.file("key.pem").display()))
        .start();
    let login = Login { head: "Connection: close\r\n", ..Login::of("wv:w0@wv.example") };
    let (octets, text) = over_tls(&openssl, port, &login.octets());
    assert!(text.contains("CN = first.example") || text.contains("CN=first.example"), "{text}");
    let body = octets.windows(4).rposition(|window| window == b"\r\n\r\n").unwrap() + 4;
    let body = String::from_utf8_lossy(&octets[body..]).into_owned();
    assert!(body.contains("<SessionID>") && body.contains("<Code>200</Code>"), "{body}");
    certificate(&openssl, &folder, "second.example");
    let (is_done, told) = gateway.ask(&["reload"]);
    assert!(is_done && told.contains("renewed"), "{told}");
    let (_, text) = over_tls(&openssl, port, &login.octets());
    assert!(text.contains("second.example"), "{text}");
    // A certificate that cannot be used changes nothing.
    std::fs::write(folder.file("certificate.pem"), "nothing").unwrap();
    let (is_done, _) = gateway.ask(&["reload"]);
    assert!(!is_done);
    let (_, text) = over_tls(&openssl, port, &login.octets());
    assert!(text.contains("second.example"), "{text}");
}

/// A client that speaks plain text over UDP.
struct Texter(UdpSocket);

impl Texter {
    fn to(port: u16) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(("127.0.0.1", port)).unwrap();
        socket.set_read_timeout(Some(wait::PATIENCE)).unwrap();
        Self(socket)
    }

    fn say(&self, text: &str) {
        self.0.send(text.as_bytes()).unwrap();
    }

    fn hear(&self) -> PtsMessage {
        let mut octets = [0; 8192];
        let count = self.0.recv(&mut octets).unwrap();
        PtsMessage::read(&octets[..count]).unwrap_or_else(|error| panic!("{error}: {:?}", &octets[..count]))
    }

    fn ask(&self, text: &str) -> PtsMessage {
        self.say(text);
        self.hear()
    }
}

#[test]
fn wv_pts_06_a_session_over_datagrams_of_plain_text() {
    let port = acceptance::port::free();
    let gateway =
        Setup::configured(&configuration_with_pairs()).with(&format!("wv.access.pts_udp=127.0.0.1:{port}")).start();
    let texter = Texter::to(port);
    // Four-way login.
    let challenge = texter.ask("WV12LR1 UI=wv:w0@wv.example CI=texter SH=(MD5,SHA) TL=3600 SC=c1");
    assert_eq!((challenge.code.to_string().as_str(), challenge.text(b"ST")), ("RL", Some("401")));
    let nonce = Nonce::new(challenge.text(b"NO").unwrap());
    let digest = digest_bytes(DigestMethod::Md5, &nonce, &Password::new("secret"));
    let digest = digest.expose();
    let granted = texter.ask(&format!("WV12LR1 UI=wv:w0@wv.example CI=texter DB=\"{digest}\" TL=3600 SC=c1"));
    assert_eq!(granted.text(b"ST"), Some("200"));
    let session = granted.text(b"SI").unwrap().to_owned();
    let ask = |text: &str| {
        let (head, rest) = text.split_once(' ').unwrap_or((text, ""));
        texter.ask(&format!("{head} SI={session} {rest}"))
    };
    assert_eq!(ask("WV12CP2 CA=((CT,MP),(SB,SMS),(MT,1))").code.to_string(), "PC");
    assert_eq!(ask("WV12SQ3 RF=(FF,PF) AR=T").code.to_string(), "QS");
    // Unknown codes are answered, and so is what cannot be read.
    let unknown = ask("WV12XX4 AB=1");
    assert_eq!((unknown.transaction, unknown.text(b"ST")), (4, Some("501")));
    assert_eq!(texter.ask("WV12SB5 UI=(").text(b"ST"), Some("400"));
    assert_eq!(texter.ask("WV12PO0 SI=nobody").text(b"ST"), Some("604"));
    // In two parts, and out of order.
    texter.say(&format!("WV12UP6bb {}", " garden\"))"));
    assert_eq!(texter.ask(&format!("WV12UP6ab SI={session} UV=((UA,T,AV),(ST,T,\"in the")).text(b"ST"), Some("200"));
    // What the server has to say comes without a poll.
    let mut agent = Agent::registered(gateway.sip(), "s0@sip.example");
    let (status, watch) = agent.watch("sip:w0@wv.example", "presence", 600).unwrap();
    assert!(matches!(status, 200 | 202));
    // WV-PTS-07
    assert_eq!(ask("WV12CA9 PS=(OS,ST) UI=wv:s0@sip.example DL=F").text(b"ST"), Some("200"));
    agent.expect_notify(&watch, "the status text", |notify| notify.body.contains("in the garden").then_some(()));
    assert_eq!(ask("WV12SB7 PS=(OS,UA) UI=wv:s0@sip.example").text(b"ST"), Some("200"));
    let told = texter.hear();
    assert_eq!(told.code.to_string(), "PN");
    assert!(matches!(
        read_envelope(&told).unwrap().transactions[0].content,
        Ok(Primitive::PresenceNotificationRequest(_))
    ));
    texter.say(&format!("WV12ST{} SI={session} ST=200", told.transaction));
    texter.say(&format!("WV12OR8 SI={session}"));
    let bye = loop {
        // Another notification may be on its way.
        let heard = texter.hear();
        if (heard.code.to_string().as_str(), heard.transaction) == ("ST", 8) {
            break heard;
        }
    };
    assert_eq!(bye.text(b"ST"), Some("200"));
}
