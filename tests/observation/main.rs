//! What an operator sees: the trace in all its forms, the metrics, the console. All over sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

mod console;
mod metric;
mod trace;

use acceptance::{agent::Agent, phone::Phone, product::Gateway, wait};
use gateway::observe::TraceRecord;
use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Stdio},
    time::Duration,
};
use wv_proto::version::{Encoding, Version};

/// Two phones and a SIP user agent of the embedded default, who know each other.
struct Company {
    alice: Phone,
    carol: Phone,
    bob: Agent,
}

impl Company {
    fn arrive(gateway: &Gateway) -> Self {
        let alice = Phone::logged_in(gateway.csp(), "wv:alice@wv.example", Version::V1_2, Encoding::Wbxml);
        let carol = Phone::logged_in(gateway.csp(), "wv:carol@wv.example", Version::V1_3, Encoding::Xml);
        Self { alice, carol, bob: Agent::registered(gateway.sip(), "bob@sip.example") }
    }

    /// Letters go both ways over the gateway, and one between phones.
    fn talk(&mut self) {
        self.alice.send(&["wv:bob@sip.example"], HELLO, false).unwrap();
        self.bob.expect_text(HELLO);
        assert_eq!(self.bob.send("sip:alice@wv.example", ANSWER), Ok(200));
        self.alice.expect_text(ANSWER);
        self.alice.send(&["wv:carol@wv.example"], HELLO, false).unwrap();
        self.carol.expect_text(HELLO);
    }
}

/// A `trace` that writes into a file. It ends when this is dropped.
struct Recording {
    child: Child,
    path: PathBuf,
}

impl Recording {
    /// Begins, and waits until something is written.
    fn begin(gateway: &Gateway, name: &str, arguments: &[&str]) -> Self {
        let path = gateway.file(name);
        let file = File::create(&path).unwrap();
        let all = [&["trace", "--export", "json"], arguments].concat();
        let child = gateway.command(&all).stdout(file).stderr(Stdio::null()).spawn().unwrap();
        let recording = Self { child, path };
        let mut dave = Agent::new(gateway.sip(), "dave@sip.example");
        wait::until("the trace", PATIENCE, || {
            dave.options().unwrap();
            (!recording.records().is_empty()).then_some(())
        });
        recording
    }

    /// What is written by now.
    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }

    fn records(&self) -> Vec<TraceRecord> {
        let text = self.text();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // It may have ended with the gateway.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const HELLO: &str = "meet me at the old mill";
const ANSWER: &str = "bring the lantern along";
const PATIENCE: Duration = Duration::from_secs(20);
