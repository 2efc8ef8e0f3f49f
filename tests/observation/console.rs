//! The console in a browser without a window: what it shows, and that nothing that users write becomes markup.

use super::{Company, HELLO};
use acceptance::{
    http,
    product::{Gateway, Setup},
    tool,
};
use std::{path::Path, process::Command};
use wv_proto::presence_attribute::{PresenceAttribute, Qualified};

/// The document as the browser has it after a while.
fn dump(chromium: &Path, gateway: &Gateway, fragment: &str) -> String {
    let profile = format!("--user-data-dir={}", gateway.file("browser").display());
    let address = format!("http://127.0.0.1:{}/#{fragment}", gateway.ports().admin);
    let mut command = Command::new(chromium);
    // The flags that a container without privileges needs, and no call home.
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
    command.args([
        "--disable-background-networking",
        "--virtual-time-budget=8000",
        "--timeout=20000",
        "--dump-dom",
        &profile,
        &address,
    ]);
    let output = command.output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_console_shows_sessions_and_ladder_and_text_stays_text() {
    let Some(chromium) = tool::find("chromium") else { return };
    let gateway = Setup::embedded().start();
    let mut company = Company::arrive(&gateway);
    let fragment = format!("token={}&contents&user=alice", gateway.admin_token());
    let page = std::thread::scope(|scope| {
        let page = scope.spawn(|| dump(&chromium, &gateway, &fragment));
        while !page.is_finished() {
            let text = "<b id=\"planted\">bold</b><img src=x onerror=\"document.title='pwned'\">".into();
            company.alice.publish(vec![PresenceAttribute::StatusText(Qualified::valid(text))]);
            company.talk();
            std::thread::yield_now();
        }
        page.join().unwrap()
    });
    assert!(page.contains("SendMessage-Request ─▶"), "no ladder:\n{page}");
    assert!(page.contains("<td title=\"alice@wv.example\">"), "no sessions:\n{page}");
    assert!(page.contains("running") && page.contains("messages per second") && page.contains("<path d=\"M"), "{page}");
    // As a text in a text: once by the writer of the protocol, once by the one of the browser.
    assert!(page.contains("&amp;lt;b id="), "the status text is not shown:\n{page}");
    assert!(!page.contains("<b id=\"planted\"") && !page.contains("pwned'\">") && !page.contains("<title>pwned"));
    assert!(!page.contains(HELLO), "letters are masked");
    assert!(!page.contains(&gateway.admin_token()), "the token is not in the document");
}

#[test]
fn the_console_asks_for_the_token() {
    let Some(chromium) = tool::find("chromium") else { return };
    let gateway = Setup::embedded().start();
    let page = dump(&chromium, &gateway, "token=wrong");
    assert!(page.contains("This token opens nothing here.") && page.contains("<div id=\"console\" hidden"), "{page}");
    let answer = http::get(([127, 0, 0, 1], gateway.ports().admin).into(), "/").unwrap();
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
}
