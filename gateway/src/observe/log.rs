//! The log: events with fields, as text for people or as JSON for programs, on standard error.

use std::{fmt, io, str::FromStr};
use tracing_subscriber::{EnvFilter, fmt as text, layer::SubscriberExt, util::SubscriberInitExt};

/// How the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object for each line.
    Json,
}

/// Why the log could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level or filter cannot be read.
    #[error("the log level \"{0}\" cannot be read; write error, warn, info, debug, trace, or MODULE=LEVEL with commas")]
    BadFilter(String),
    /// There is a log already.
    #[error("the log was set up already")]
    SetUpAlready,
}

/// Sets the log up for the process. `filter` is a level such as `info`, or a list such as `info,gateway::store=debug`.
///
/// # Errors
/// When the filter cannot be read or a log is there already.
pub fn set_up(format: LogFormat, filter: &str) -> Result<(), LogError> {
    let filter = EnvFilter::builder().parse(filter).map_err(|_| LogError::BadFilter(filter.to_owned()))?;
    let registry = tracing_subscriber::registry().with(filter);
    let installed = match format {
        LogFormat::Text => registry.with(text::layer().with_writer(io::stderr).with_ansi(false)).try_init(),
        LogFormat::Json => registry.with(text::layer().json().flatten_event(true).with_writer(io::stderr)).try_init(),
    };
    installed.map_err(|_| LogError::SetUpAlready)
}

impl FromStr for LogFormat {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(UnknownFormat),
        }
    }
}

/// The word names no format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownFormat;

impl fmt::Display for UnknownFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write text or json")
    }
}

impl std::error::Error for UnknownFormat {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_cannot_be_read_is_named() {
        assert!(matches!(set_up(LogFormat::Text, "gateway=loud"), Err(LogError::BadFilter(_))));
    }

    #[test]
    fn formats_have_names() {
        assert_eq!("json".parse(), Ok(LogFormat::Json));
        assert_eq!("xml".parse::<LogFormat>(), Err(UnknownFormat));
    }
}
