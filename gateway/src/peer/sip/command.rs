//! What a person or a program can tell the agent to do.

use crate::peer::{bare_address, line::Words};
use sip_proto::message::{StatusCode, uri::Uri};

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Register, or refresh at once.
    Register,
    /// End the registration.
    Unregister,
    /// Publish own presence.
    Publish(OwnState, Option<String>),
    /// Withdraw it.
    Unpublish,
    /// Subscribe to presence.
    Watch(Uri),
    /// End that.
    Unwatch(Uri),
    /// Send a message.
    Send(Uri, String),
    /// Answer further messages with this.
    Answer(StatusCode),
    /// List the commands.
    Help,
    /// End the process.
    Quit,
}

/// Own presence in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnState {
    /// There and free.
    Open,
    /// Not there.
    Closed,
    /// There, but busy.
    Busy,
    /// There, but away.
    Away,
}

/// What `help` prints.
pub(super) const HELP: &str = "\
register                            register, or refresh at once
unregister                          end the registration
publish open|closed|busy|away [TEXT]
                                    own presence
unpublish                           withdraw it
watch ADDRESS                       subscribe to presence
unwatch ADDRESS                     end that
send ADDRESS TEXT                   send a message
answer CODE                         answer further messages with this code; 200 at the start
quit                                end the process; so does the end of the input
";

impl Command {
    /// Reads a command.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        let mut words = Words::of(line);
        match words.next().unwrap_or_default() {
            "register" => Ok(Self::Register),
            "unregister" => Ok(Self::Unregister),
            "publish" => {
                let state = match words.need("open, closed, busy or away")? {
                    "open" => OwnState::Open,
                    "closed" => OwnState::Closed,
                    "busy" => OwnState::Busy,
                    "away" => OwnState::Away,
                    word => return Err(format!("{word} is none of open, closed, busy, away")),
                };
                Ok(Self::Publish(state, words.rest().map(str::to_owned)))
            }
            "unpublish" => Ok(Self::Unpublish),
            "watch" => Ok(Self::Watch(uri(&mut words)?)),
            "unwatch" => Ok(Self::Unwatch(uri(&mut words)?)),
            "send" => {
                let to = uri(&mut words)?;
                Ok(Self::Send(to, words.rest().ok_or("the text is missing")?.to_owned()))
            }
            "answer" => {
                let code = words.need("the code")?;
                let status = code.parse().ok().and_then(|number| StatusCode::from_number(number).ok());
                let is_final = |status: &StatusCode| status.is_final() && *status != StatusCode::REQUEST_TIMEOUT;
                status.filter(is_final).map(Self::Answer).ok_or_else(|| format!("{code} is no code to answer with"))
            }
            "help" => Ok(Self::Help),
            "quit" => Ok(Self::Quit),
            word => Err(format!("no such command: {word}; help lists them")),
        }
    }
}

/// An address, as a SIP URI whatever its scheme was.
pub(super) fn uri_of(text: &str) -> Result<Uri, String> {
    Uri::parse(&format!("sip:{}", bare_address(text))).map_err(|error| format!("{text}: {error}"))
}

fn uri(words: &mut Words<'_>) -> Result<Uri, String> {
    uri_of(words.need("an address")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_with_any_scheme_or_none() {
        for line in ["watch alice@wv.example", "watch wv:alice@wv.example", "watch sip:alice@wv.example"] {
            let Ok(Command::Watch(uri)) = Command::parse(line) else { panic!("{line}") };
            assert_eq!(uri.to_string(), "sip:alice@wv.example");
        }
    }

    #[test]
    fn wrong_commands_say_what_is_wrong() {
        for (line, expected) in [
            ("dance", "no such command: dance; help lists them"),
            ("publish asleep", "asleep is none of open, closed, busy, away"),
            ("send alice@x", "the text is missing"),
            ("answer 100", "100 is no code to answer with"),
        ] {
            assert_eq!(Command::parse(line), Err(expected.to_owned()));
        }
    }

    #[test]
    fn help_names_every_command() {
        for line in HELP.lines().filter(|line| !line.starts_with(' ')) {
            let word = line.split_whitespace().next().unwrap();
            let known = Command::parse(word).err().is_none_or(|error| !error.starts_with("no such command"));
            assert!(known, "{word}");
        }
    }
}
