//! The lines of the TCP channel, in both directions.

use super::{WAKE_UP, is_field};
use crate::primitive::identifier::SessionId;

/// Puts lines together from what arrives. Never holds more than a line; after one that is too long it reads nothing more.
#[derive(Clone, Debug, Default)]
pub struct LineReader {
    open: Vec<u8>,
    is_spoiled: bool,
}

/// What a client says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientLine {
    /// The channel belongs to this session.
    Hello(SessionId),
    /// The client wants to know whether the channel works.
    Ping,
    /// Nothing at all.
    Blank,
    /// Something else.
    Other,
    /// More than a line may hold.
    TooLong,
}

/// What a server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerLine {
    /// The channel works.
    Ok,
    /// Something waits.
    WakeUp,
    /// Something else.
    Other,
    /// More than a line may hold.
    TooLong,
}

/// A line as it was read, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    Text(Vec<u8>),
    TooLong,
}

impl LineReader {
    /// The next line of a client; what belongs to it is taken off the input. None when the line is not complete.
    pub fn next_of_client(&mut self, input: &mut &[u8]) -> Option<ClientLine> {
        Some(match self.next(input)? {
            Line::Text(line) => ClientLine::parse(&line),
            Line::TooLong => ClientLine::TooLong,
        })
    }

    /// The next line of a server; what belongs to it is taken off the input. None when the line is not complete.
    pub fn next_of_server(&mut self, input: &mut &[u8]) -> Option<ServerLine> {
        Some(match self.next(input)? {
            Line::Text(line) => ServerLine::parse(&line),
            Line::TooLong => ServerLine::TooLong,
        })
    }

    // WV-CIR-02
    fn next(&mut self, input: &mut &[u8]) -> Option<Line> {
        if self.is_spoiled {
            *input = &[];
            return None;
        }
        let (taken, rest) = match input.iter().position(|octet| *octet == b'\n') {
            Some(end) => (input.get(..end)?, input.get(end.saturating_add(1)..).unwrap_or_default()),
            None => {
                // At the most one octet too many is kept, which says that there were too many.
                let room = LINE_OCTETS_MAX.saturating_add(1).saturating_sub(self.open.len());
                self.open.extend(input.iter().take(room));
                *input = &[];
                return (self.open.len() > LINE_OCTETS_MAX).then(|| self.too_long());
            }
        };
        *input = rest;
        if self.open.len().saturating_add(taken.len()) > LINE_OCTETS_MAX {
            return Some(self.too_long());
        }
        self.open.extend(taken);
        Some(Line::Text(std::mem::take(&mut self.open)))
    }

    fn too_long(&mut self) -> Line {
        self.open = Vec::new();
        self.is_spoiled = true;
        Line::TooLong
    }
}

impl ClientLine {
    fn parse(line: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(line) else { return Self::Other };
        let mut words = text.split_ascii_whitespace();
        let Some(verb) = words.next() else { return Self::Blank };
        match (verb.to_ascii_uppercase().as_str(), words.next(), words.next()) {
            ("HELO", Some(session), None) if is_field(session) => Self::Hello(SessionId::new(session)),
            // Android writes a blank behind it.
            ("PING", _, None) => Self::Ping,
            _ => Self::Other,
        }
    }

    /// The line as it is sent.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Hello(session) => format!("HELO {}{END}", session.as_str()),
            Self::Ping => format!("PING{END}"),
            Self::Blank | Self::Other | Self::TooLong => END.to_owned(),
        }
    }
}

impl ServerLine {
    fn parse(line: &[u8]) -> Self {
        let line = line.trim_ascii();
        let starts =
            |word: &str| line.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()));
        match line {
            b"OK" => Self::Ok,
            _ if starts(WAKE_UP) => Self::WakeUp,
            _ => Self::Other,
        }
    }
}

/// What ends a line.
pub(super) const END: &str = "\r\n";

/// Octets of one line: a SessionID of 50 characters, and room for what nobody sends.
pub const LINE_OCTETS_MAX: usize = 128;
