//! The page that a browser finds at `/`.

use crate::shutdown::Phase;

/// The page. There is no console in this build, and it says so.
pub(super) fn write(node: &str, phase: Phase) -> String {
    let node = escape(node);
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{node}</title>\
         <h1>wv-simple-gateway {version}</h1><p>Node <b>{node}</b> is <b>{phase}</b>.</p>\
         <ul><li><a href=\"/live\">/live</a><li><a href=\"/ready\">/ready</a><li><a href=\"/metrics\">/metrics</a>\
         <li><a href=\"/api/openapi.json\">/api/openapi.json</a></ul>\
         <p>The console is not available in this build yet; <code>wv-simple-gateway show</code> has what it would show.</p>\
         </html>"
    )
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}
