//! A scripted peer on strings: a child process that is sent commands and whose events are waited for.

use serde_json::Value;
use std::{
    ffi::OsStr,
    io,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::Instant,
};

/// A scripted peer in a process of its own. All events are kept; dropping it kills the process.
#[derive(Debug)]
pub struct Puppet {
    name: String,
    child: Child,
    commands: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    /// What was read of a line that has not ended.
    begun: Vec<u8>,
    events: Vec<Value>,
    /// Places of the events that nobody waited for yet.
    open: Vec<usize>,
}

/// Why a puppet does not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum PuppetError {
    /// The process cannot be started, written to or read from.
    #[error("{name}: {source}")]
    Process {
        /// Which puppet.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// The process ended before it told what was waited for.
    #[error("{name} ended while \"{event}\" was waited for; it told {told}")]
    Ended {
        /// Which puppet.
        name: String,
        /// The event.
        event: String,
        /// The last events it told.
        told: String,
    },
    /// The event did not come in time.
    #[error("{name} did not tell \"{event}\" within {} ms; it told {told}", patience.as_millis())]
    Late {
        /// Which puppet.
        name: String,
        /// The event.
        event: String,
        /// How long it was waited for.
        patience: Duration,
        /// The last events it told.
        told: String,
    },
}

impl Puppet {
    /// Starts `program peer wv --json ARGUMENTS…`. Needs a Tokio runtime with IO and time.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn wv<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(program: &Path, arguments: I) -> Result<Self, PuppetError> {
        Self::start(program, "wv", arguments)
    }

    /// Starts `program peer sip --json ARGUMENTS…`. Needs a Tokio runtime with IO and time.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn sip<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(program: &Path, arguments: I) -> Result<Self, PuppetError> {
        Self::start(program, "sip", arguments)
    }

    fn start<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(
        program: &Path,
        kind: &str,
        arguments: I,
    ) -> Result<Self, PuppetError> {
        let name = format!("peer {kind}");
        let failed = |source| PuppetError::Process { name: name.clone(), source };
        let mut child = Command::new(program)
            .args(["peer", kind, "--json"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
        let commands = child.stdin.take();
        let output = child.stdout.take().ok_or_else(closed).map_err(failed)?;
        Ok(Self {
            name,
            child,
            commands,
            output: BufReader::new(output),
            begun: Vec::new(),
            events: Vec::new(),
            open: Vec::new(),
        })
    }

    /// Gives the puppet a name of its own for error messages.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Sends a command, as a person would write it.
    ///
    /// # Errors
    /// When the process does not read any more.
    pub async fn command(&mut self, line: &str) -> Result<(), PuppetError> {
        let closed = || Err(io::Error::from(io::ErrorKind::BrokenPipe));
        let result = match &mut self.commands {
            Some(commands) => commands.write_all(format!("{line}\n").as_bytes()).await,
            None => closed(),
        };
        result.map_err(|source| self.failed(source))
    }

    /// Waits for an event of that name that fulfils the condition, and takes it: events in other order than expected are
    /// found as well, but each of them only once. See [`Puppet::forget_past`].
    ///
    /// # Errors
    /// When the event does not come in time or the process ends.
    pub async fn expect(
        &mut self,
        event: &str,
        condition: impl Fn(&Value) -> bool,
        patience: Duration,
    ) -> Result<Value, PuppetError> {
        let deadline = Instant::now() + patience;
        loop {
            let fits = |told: &&Value| told.get("event").is_some_and(|name| name == event) && condition(told);
            let mut candidates = self.open.iter().enumerate();
            let found = candidates.find_map(|(place, at)| Some((place, self.events.get(*at).filter(fits)?.clone())));
            if let Some((place, event)) = found {
                self.open.remove(place);
                return Ok(event);
            }
            match tokio::time::timeout_at(deadline, self.read_event()).await {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => {
                    let (name, event, told) = (self.name.clone(), event.to_owned(), self.last_told());
                    return Err(PuppetError::Ended { name, event, told });
                }
                Ok(Err(source)) => return Err(self.failed(source)),
                Err(_) => {
                    let (name, event, told) = (self.name.clone(), event.to_owned(), self.last_told());
                    return Err(PuppetError::Late { name, event, patience, told });
                }
            }
        }
    }

    /// Sends a command and waits for the event that belongs to it.
    ///
    /// # Errors
    /// Those of [`Puppet::command`] and [`Puppet::expect`].
    pub async fn ask(
        &mut self,
        line: &str,
        event: &str,
        condition: impl Fn(&Value) -> bool,
        patience: Duration,
    ) -> Result<Value, PuppetError> {
        self.command(line).await?;
        self.expect(event, condition, patience).await
    }

    /// Lets [`Puppet::expect`] see only what is told from now on; what was told stays in [`Puppet::events`].
    pub fn forget_past(&mut self) {
        self.open.clear();
    }

    /// Every event so far, in order, whether waited for or not; those after the first ten thousand are found by
    /// [`Puppet::expect`] too, but the earliest are gone then.
    #[must_use]
    pub fn events(&self) -> &[Value] {
        &self.events
    }

    /// The number of the process.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Asks the process to quit and waits for its end.
    ///
    /// # Errors
    /// When it does not end in time; it is killed then.
    pub async fn quit(mut self, patience: Duration) -> Result<ExitStatus, PuppetError> {
        // A process that has ended already does not read.
        let _ = self.command("quit").await;
        self.commands = None;
        let ended = tokio::time::timeout(patience, self.end()).await;
        let late = || io::Error::from(io::ErrorKind::TimedOut);
        ended.unwrap_or_else(|_| Err(late())).map_err(|source| self.failed(source))
    }

    async fn end(&mut self) -> io::Result<ExitStatus> {
        // A full pipe would keep it from ending.
        while self.read_event().await? {}
        self.child.wait().await
    }

    /// Reads the next event; false at the end of the output. Cancel-safe: what was read of a line is kept.
    async fn read_event(&mut self) -> io::Result<bool> {
        loop {
            let room = LINE_OCTETS_MAX.saturating_sub(self.begun.len() as u64);
            let count = (&mut self.output).take(room).read_until(b'\n', &mut self.begun).await?;
            if count == 0 && self.begun.is_empty() {
                return Ok(false);
            }
            let line = std::mem::take(&mut self.begun);
            let Ok(event) = serde_json::from_slice(&line) else { continue };
            if self.events.len() >= EVENTS_MAX {
                self.events.remove(0);
                self.open.retain_mut(|at| at.checked_sub(1).inspect(|earlier| *at = *earlier).is_some());
            }
            self.open.push(self.events.len());
            self.events.push(event);
            return Ok(true);
        }
    }

    fn last_told(&self) -> String {
        let told: Vec<String> = self.events.iter().rev().take(TOLD_MAX).rev().map(Value::to_string).collect();
        if told.is_empty() { "nothing".to_owned() } else { told.join(" ") }
    }

    fn failed(&self, source: io::Error) -> PuppetError {
        PuppetError::Process { name: self.name.clone(), source }
    }
}

/// Events that are kept; a test that needs more takes them as they come.
const EVENTS_MAX: usize = 10_000;

/// Events that an error message repeats.
const TOLD_MAX: usize = 8;

/// An event is some hundred octets and a message.
const LINE_OCTETS_MAX: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// A program that answers every line with an event, whatever its arguments are. Another process writes it: a file
    /// that this one had open for writing could not be started while a child of another test still held it (ETXTBSY).
    fn program(folder: &crate::store::TemporaryFolder) -> std::path::PathBuf {
        let path = folder.path().join("echo");
        let script = "#!/bin/sh\nwhile read -r word; do\n[ \"$word\" = quit ] && exit 3\n\
                      printf '{\"event\":\"%s\",\"arguments\":\"%s\"}\\n' \"$word\" \"$*\"\ndone\n";
        let write = "printf %s \"$1\" >\"$2\" && chmod 755 \"$2\"";
        let written = std::process::Command::new("/bin/sh").args(["-c", write, "sh", script]).arg(&path).status();
        assert!(written.unwrap().success());
        path
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn events_are_found_once_in_any_order_and_kept() {
        let folder = crate::store::TemporaryFolder::create().unwrap();
        let program = program(&folder);
        run(async {
            let mut puppet = Puppet::wv(&program, ["--user", "x"]).unwrap();
            puppet.command("one").await.unwrap();
            let two = puppet.ask("two", "two", |_| true, PATIENCE).await.unwrap();
            assert_eq!(two["arguments"], "peer wv --json --user x");
            assert_eq!(puppet.events().len(), 2);
            puppet.expect("one", |_| true, PATIENCE).await.unwrap();
            let late = puppet.expect("one", |_| true, Duration::from_millis(20)).await.unwrap_err().to_string();
            assert!(late.contains("did not tell \"one\" within 20 ms; it told {"), "{late}");
            puppet.ask("three", "three", |_| true, PATIENCE).await.unwrap();
            puppet.ask("four", "five", |_| true, Duration::from_millis(20)).await.unwrap_err();
            puppet.forget_past();
            puppet.expect("four", |_| true, Duration::from_millis(20)).await.unwrap_err();
            assert_eq!(puppet.quit(PATIENCE).await.unwrap().code(), Some(3));
        });
    }

    #[test]
    fn an_end_is_told_and_a_program_that_is_missing_too() {
        let folder = crate::store::TemporaryFolder::create().unwrap();
        let program = program(&folder);
        run(async {
            let mut puppet = Puppet::sip(&program, [""; 0]).unwrap().named("bob");
            puppet.command("quit").await.unwrap();
            let ended = puppet.expect("one", |_| true, PATIENCE).await.unwrap_err().to_string();
            assert_eq!(ended, "bob ended while \"one\" was waited for; it told nothing");
            assert!(Puppet::wv(&folder.path().join("none"), [""; 0]).is_err());
        });
    }
}
