//! Softphones that are not ours, baresip and linphone, at the built-in registrar: presence and messages in both directions
//! with a WV phone, over UDP, TCP and TLS.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use acceptance::{
    certificate::Authority,
    folder::Folder,
    phone::{Phone, text_of},
    port,
    process::Process,
    product::{Gateway, Setup},
    tool, wait,
};
use std::{
    fs::{self, File},
    io::Write,
    net::TcpStream,
    process::Command,
};
use wv_proto::{
    presence_attribute::{PresenceAttribute, Qualified},
    primitive::Primitive,
    version::{Encoding, Version},
};

const CONFIGURATION: &str = r#"
[[domain]]
name = "wv.example"
side = "wv"
route = "access"

[[domain]]
name = "sip.example"
side = "simple"
route = "registrar"

[[account]]
user = "wv:alice@wv.example"
password = "secret"

[[account]]
user = "sip:bob@sip.example"
password = "secret"
"#;

/// A gateway, where it is reached as a softphone writes it, and the authority that its certificate is from.
struct Site {
    gateway: Gateway,
    proxy: String,
    authority: Option<Authority>,
}

impl Site {
    fn plain(transport: &str) -> Self {
        let gateway = Setup::configured(CONFIGURATION).start();
        let proxy = format!("sip:{};transport={transport}", gateway.sip());
        Self { gateway, proxy, authority: None }
    }

    /// Nothing where certificates cannot be made.
    fn protected() -> Option<Self> {
        let authority = Authority::new()?;
        let certified = authority.sign("gateway", "DNS:sip.example,DNS:localhost,IP:127.0.0.1");
        let (plain, protected) = (port::free(), port::free());
        let text = format!("[simple]\n{}\n{CONFIGURATION}", certified.to_toml());
        let listen = format!("simple.listen=udp:127.0.0.1:{plain},tls:127.0.0.1:{protected}");
        let gateway = Setup::configured(&text).with(&listen).start();
        let proxy = format!("sip:127.0.0.1:{protected};transport=tls");
        Some(Self { gateway, proxy, authority: Some(authority) })
    }

    fn authority(&self) -> String {
        self.authority.as_ref().map(|authority| authority.file().display().to_string()).unwrap_or_default()
    }
}

/// A softphone of bob that watches alice.
trait Softphone {
    /// What it has seen and said so far.
    fn log(&self) -> String;
    /// Sends a message to alice.
    fn send(&mut self, text: &str);
}

/// Both watch each other, both talk.
fn exchange(site: &Site, softphone: &mut dyn Softphone) {
    let mut alice = Phone::logged_in(site.gateway.csp(), "wv:alice@wv.example", Version::V1_2, Encoding::Wbxml);
    alice.decide("wv:bob@sip.example", true);
    alice.publish(vec![PresenceAttribute::StatusText(Qualified::valid("seen by a softphone".into()))]);
    wait::until("the presence of the phone", wait::PATIENCE, || {
        softphone.log().contains("seen by a softphone").then_some(())
    });
    // Who has been watching agrees to be watched.
    assert_eq!(alice.watch("wv:bob@sip.example"), 200);
    alice.expect_presence("wv:bob@sip.example", |list| {
        let is_online = |attribute: &PresenceAttribute| match attribute {
            PresenceAttribute::OnlineStatus(value) => value.valid_value().copied(),
            _ => None,
        };
        list.attributes.iter().find_map(is_online)?.then_some(())
    });
    let response = alice.send(&["wv:bob@sip.example"], "from the phone", false).unwrap();
    assert_eq!(response.result.code.number(), 200);
    wait::until("the message of the phone", wait::PATIENCE, || {
        softphone.log().contains("from the phone").then_some(())
    });
    softphone.send("from the softphone");
    let sender = alice.expect("the message of the softphone", |told| match told {
        Primitive::NewMessage(new) if text_of(new) == Some("from the softphone") => new.message.sender.clone(),
        _ => None,
    });
    assert!(format!("{sender:?}").contains("bob@sip.example"), "{sender:?}");
}

struct Baresip {
    process: Process,
    control: u16,
    _folder: Folder,
}

impl Baresip {
    fn start(site: &Site) -> Option<Self> {
        tool::find("baresip")?;
        let (folder, control) = (Folder::new("baresip"), port::free());
        let authority = match site.authority().as_str() {
            "" => String::new(),
            file => format!("sip_cafile {file}\n"),
        };
        let modules = "module_app account.so\nmodule_app contact.so\nmodule_app menu.so\nmodule_app presence.so\n";
        let config = format!(
            "sip_listen 127.0.0.1:0\n{authority}module_path {MODULES}\n{modules}\
             module_app ctrl_tcp.so\nctrl_tcp_listen 127.0.0.1:{control}\n"
        );
        let account = format!(
            "<sip:bob@sip.example>;auth_user=bob;auth_pass=secret;outbound=\"{}\";regint=600;pubint=600\n",
            site.proxy
        );
        fs::write(folder.file("config"), config).unwrap();
        fs::write(folder.file("accounts"), account).unwrap();
        fs::write(folder.file("contacts"), "\"Alice\" <sip:alice@wv.example>;presence=p2p\n").unwrap();
        let mut command = Command::new("baresip");
        command.arg("-f").arg(folder.path()).arg("-s");
        let process = Process::start(&mut command, &folder.file("baresip.log")).unwrap();
        Some(Self { process, control, _folder: folder })
    }

    /// A command of its menu.
    fn command(&self, command: &str, parameter: &str) {
        let text = format!("{{\"command\":\"{command}\",\"params\":\"{parameter}\"}}");
        let mut stream = TcpStream::connect(("127.0.0.1", self.control)).unwrap();
        stream.write_all(format!("{}:{text},", text.len()).as_bytes()).unwrap();
        // It answers when it is done.
        std::io::Read::read(&mut stream, &mut [0; 64]).unwrap();
    }
}

impl Softphone for Baresip {
    fn log(&self) -> String {
        self.process.log()
    }

    fn send(&mut self, text: &str) {
        self.command("contact_next", "");
        self.command("message", text);
    }
}

struct Linphone {
    process: Process,
    commands: File,
    folder: Folder,
}

impl Linphone {
    fn start(site: &Site) -> Option<Self> {
        tool::find("linphone-daemon")?;
        let folder = Folder::new("linphone");
        fs::create_dir_all(folder.file(".local/share/linphone")).unwrap();
        let authority = match site.authority().as_str() {
            "" => String::new(),
            file => format!("root_ca={file}\nverify_server_certs=1\nverify_server_cn=0\n"),
        };
        let proxy = &site.proxy;
        let configuration = format!(
            "[sip]\nsip_port=-1\nsip_tcp_port=-1\nsip_tls_port=-1\ndefault_proxy=0\nuse_ipv6=0\n{authority}\
             [proxy_0]\nreg_proxy=<{proxy}>\nreg_route=<{proxy}>\nreg_identity=sip:bob@sip.example\nreg_expires=600\n\
             reg_sendregister=1\npublish=1\n\
             [auth_info_0]\nusername=bob\npasswd=secret\nrealm=sip.example\n\
             [friend_0]\nurl=\"Alice\" <sip:alice@wv.example>\npol=accept\nsubscribe=1\n\
             [misc]\nstore_friends=0\n"
        );
        fs::write(folder.file("linphonerc"), configuration).unwrap();
        let pipe = folder.file("commands");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let mut command = Command::new("sh");
        command.args(["-c", "exec linphone-daemon --config \"$1\" --log \"$2\" < \"$3\"", "sh"]);
        command.arg(folder.file("linphonerc")).arg(folder.file("sip.log")).arg(&pipe).env("HOME", folder.path());
        let process = Process::start(&mut command, &folder.file("linphone.log")).unwrap();
        let commands = File::options().write(true).open(&pipe).unwrap();
        Some(Self { process, commands, folder })
    }
}

impl Softphone for Linphone {
    fn log(&self) -> String {
        let sip = fs::read(self.folder.file("sip.log")).unwrap_or_default();
        format!("{}{}", self.process.log(), String::from_utf8_lossy(&sip))
    }

    fn send(&mut self, text: &str) {
        writeln!(self.commands, "message sip:alice@wv.example {text}").unwrap();
    }
}

#[test]
fn foreign_baresip_over_udp() {
    let site = Site::plain("udp");
    let Some(mut baresip) = Baresip::start(&site) else { return };
    exchange(&site, &mut baresip);
}

#[test]
fn foreign_baresip_over_tls() {
    let Some(site) = Site::protected() else { return };
    let Some(mut baresip) = Baresip::start(&site) else { return };
    exchange(&site, &mut baresip);
}

#[test]
fn foreign_linphone_over_tcp() {
    let site = Site::plain("tcp");
    let Some(mut linphone) = Linphone::start(&site) else { return };
    exchange(&site, &mut linphone);
}

#[test]
fn foreign_linphone_over_tls() {
    let Some(site) = Site::protected() else { return };
    let Some(mut linphone) = Linphone::start(&site) else { return };
    exchange(&site, &mut linphone);
}

/// Where Debian has the modules of baresip.
const MODULES: &str = "/usr/lib/baresip/modules";
