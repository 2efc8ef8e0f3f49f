//! The gateway as a process of its own: what it prints, how it ends, and what it refuses.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use gateway::store::TemporaryFolder;
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

const FREE_PORTS: [&str; 10] = [
    "--set",
    "wv.access.cir_tcp=127.0.0.1:0",
    "--set",
    "wv.access.listen=127.0.0.1:0",
    "--set",
    "simple.listen=udp:127.0.0.1:0,tcp:127.0.0.1:0",
    "--set",
    "admin.listen=127.0.0.1:0",
    "--set",
    "wv.federation.listen=127.0.0.1:0",
];

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wv-simple-gateway"));
    command.current_dir(folder).args(arguments).env_remove("WVSG_LOG").stderr(Stdio::piped());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

/// A running process and what it printed when it was in service.
fn start(folder: &Path) -> (Child, Value) {
    let arguments = [&["run", "--json", "--log", "error"], FREE_PORTS.as_slice()].concat();
    let mut child = command(folder, &arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap().success());
}

fn status_of(url: &str, path: &str) -> String {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn the_process_says_where_it_listens_and_ends_by_a_signal() {
    let folder = TemporaryFolder::create().unwrap();
    let (mut child, told) = start(folder.path());
    let admin = told["admin"].as_str().unwrap();
    assert_eq!(status_of(admin, "/ready"), "HTTP/1.1 200 OK");
    assert_eq!(status_of(admin, "/live"), "HTTP/1.1 200 OK");
    assert!(told["csp"].as_str().unwrap().ends_with("/csp") && told["sip"].as_array().unwrap().len() == 2, "{told}");
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!folder.path().join("data/admin.token").exists(), "the token ends with the process");
}

#[test]
fn the_command_line_drains_the_process() {
    let folder = TemporaryFolder::create().unwrap();
    let (mut child, _) = start(folder.path());
    let shown = run(folder.path(), &["show", "sessions", "--json"]);
    assert!(shown.status.success() && serde_json::from_slice::<Value>(&shown.stdout).unwrap().is_array());
    assert!(run(folder.path(), &["drain"]).status.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(run(folder.path(), &["drain"]).status.code(), Some(1), "nobody is there any more");
}

#[test]
fn a_second_process_on_the_same_folder_is_refused() {
    let folder = TemporaryFolder::create().unwrap();
    let (mut child, _) = start(folder.path());
    let refused = run(folder.path(), &[&["run"], FREE_PORTS.as_slice()].concat());
    let text = String::from_utf8(refused.stderr).unwrap();
    let holder = format!("node.data_dir: the folder data is in use by another process (process {})", child.id());
    assert!(refused.status.code() == Some(1) && text.contains(&holder), "{text}");
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_taken_port_is_told_with_its_key() {
    let folder = TemporaryFolder::create().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let listen = format!("wv.access.listen={address}");
    let refused = run(folder.path(), &["run", "--set", &listen, "--set", "admin.listen=127.0.0.1:0"]);
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(1) && text.contains(&format!("wv.access.listen {address}: ")), "{text}");
}
