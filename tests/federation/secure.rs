//! Home servers that know each other by their certificates.

use acceptance::{folder::Folder, phone::Phone, port, product::Setup, tls::certificates, tool};
use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    process::{Command, Stdio},
    time::Duration,
};
use wv_proto::version::{Encoding, Version};

fn domains(own: &str, other: &str, user: &str, peer: u16) -> String {
    format!(
        "[[domain]]\nname = \"{own}\"\nside = \"wv\"\nroute = \"access\"\n\n\
         [[domain]]\nname = \"{other}\"\nside = \"wv\"\nroute = \"ssp:other\"\n\n\
         [[peer]]\nname = \"other\"\nuri = \"ssp+https://127.0.0.1:{peer}/\"\n\n\
         [[account]]\nuser = \"wv:{user}@{own}\"\npassword = \"secret\"\n"
    )
}

#[test]
fn two_home_servers_talk_over_tls_and_a_stranger_does_not() {
    let Some(openssl) = tool::find("openssl") else { return println!("openssl absent") };
    let folder = certificates(&openssl);
    let file = |name: &str| folder.file(name).display().to_string();
    let (left, right) = (port::free(), port::free());
    let start = |text: String, own: u16| {
        Setup::configured(&text)
            .with(&format!("wv.federation.tls_listen=127.0.0.1:{own}"))
            .with(&format!("wv.federation.tls_certificate={}", file("leaf.pem")))
            .with(&format!("wv.federation.tls_key={}", file("leaf.key")))
            .with(&format!("wv.federation.tls_ca={}", file("authority.pem")))
            .start()
    };
    let gateways = [
        start(domains("left.example", "right.example", "alice", right), left),
        start(domains("right.example", "left.example", "carol", left), right),
    ];
    let mut alice = Phone::logged_in(gateways[0].csp(), "wv:alice@left.example", Version::V1_2, Encoding::Wbxml);
    let mut carol = Phone::logged_in(gateways[1].csp(), "wv:carol@right.example", Version::V1_2, Encoding::Xml);
    assert_eq!(carol.send(&["wv:alice@left.example"], "under cover", false).unwrap().result.code.number(), 200);
    alice.expect_text("under cover");
    assert_eq!(alice.send(&["wv:carol@right.example"], "and back", false).unwrap().result.code.number(), 200);
    carol.expect_text("and back");
    // Who speaks without TLS to the port of TLS gets nothing.
    let mut stranger = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, left))).unwrap();
    stranger.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    stranger.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = stranger.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&answer));
    // Nor does who speaks TLS and shows no certificate, or one of nobody known.
    let elsewhere = certificates(&openssl);
    let shown = |from: Option<&Folder>| {
        let mut command = Command::new(&openssl);
        command.args(["s_client", "-quiet", "-connect", &format!("127.0.0.1:{left}")]);
        command.arg("-CAfile").arg(file("authority.pem"));
        if let Some(from) = from {
            command.arg("-cert").arg(from.file("leaf.pem")).arg("-key").arg(from.file("leaf.key"));
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut running = command.spawn().unwrap();
        let mut input = running.stdin.take().unwrap();
        let post = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/vnd.wv.ssp+xml\r\n\
            Content-Length: 4\r\n\r\n<no>";
        // It may be gone already.
        let _ = input.write_all(post);
        let _ = input.flush();
        let answer = running.wait_with_output().unwrap().stdout;
        drop(input);
        String::from_utf8_lossy(&answer).into_owned()
    };
    assert!(shown(Some(&folder)).starts_with("HTTP/1.1 400"));
    assert_eq!(shown(None), "");
    assert_eq!(shown(Some(&elsewhere)), "");
}
