//! The page that a browser finds at `/`: the console, in one document that needs nothing else.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

/// The page. Only its own script and style run: each answer marks them by a number of its own.
pub(super) fn write() -> Response {
    let mut octets = [0_u8; 16];
    if getrandom::fill(&mut octets).is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let nonce: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let mut response = Html(CONSOLE.replace("{nonce}", &nonce)).into_response();
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

const CONSOLE: &str = include_str!("console.html");
const HEADERS: [(HeaderName, &str); 3] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_runs_its_own_script_alone_and_needs_no_other_place() {
        let [one, two] = [write(), write()].map(|page| page.headers()[header::CONTENT_SECURITY_POLICY].clone());
        assert_ne!(one, two, "a number that can be guessed marks nothing");
        assert!(one.to_str().unwrap().starts_with("default-src 'none'; script-src 'nonce-"));
        for forbidden in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "https://"] {
            assert!(!CONSOLE.contains(forbidden), "{forbidden}");
        }
        // The name of the space of SVG is no place.
        assert_eq!(CONSOLE.matches("http://").count(), 1);
    }
}
