//! The configuration reader: whatever text it gets, it names the problems or gives a configuration.

use gateway::config::{Configuration, Sources};

/// A text as configuration file.
///
/// # Panics
/// When it is refused without a reason.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Err(problems) = Configuration::read(&Sources::from_text("gw.toml", &text)) {
        assert!(!problems.as_slice().is_empty());
        assert!(!problems.to_string().is_empty());
    }
    // The first line as the value of an option, over the embedded default.
    let (value, path) = text.split_once('\n').unwrap_or((&text, "limits.coalesce_ms"));
    let flagged = Sources::embedded().with_flag(path.lines().next().unwrap_or_default(), value);
    if let Err(problems) = Configuration::read(&flagged) {
        assert!(!problems.to_string().is_empty());
    }
}
