//! Child processes that end with this one.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A child process that writes into a file. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Ends the process when this one is gone, however it went.
    guard: Child,
    log: PathBuf,
}

impl Process {
    /// Starts the command; both its outputs are appended to the file.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command, log: &Path) -> io::Result<Self> {
        let output = File::options().create(true).append(true).open(log)?;
        let errors = output.try_clone()?;
        let child = command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn()?;
        let guard =
            Command::new("sh").args(["-c", GUARD, "sh", &child.id().to_string()]).stdin(Stdio::piped()).spawn()?;
        Ok(Self { child, guard, log: log.to_owned() })
    }

    /// Ends the process at once, as `kill -9` does, and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.guard.kill();
        let _ = self.guard.wait();
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks the process to end, as `kill -TERM` does.
    pub fn terminate(&mut self) {
        let _ = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
    }

    /// How it ended.
    ///
    /// # Errors
    /// When it has not within the time; it is killed then.
    #[allow(clippy::disallowed_methods, reason = "a deadline is measured on the real clock")]
    pub fn wait(&mut self, patience: Duration) -> Result<ExitStatus, String> {
        let end = Instant::now() + patience;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Ok(status);
            }
            if Instant::now() >= end {
                self.kill();
                return Err(format!("the process did not end in {patience:?}"));
            }
            thread::park_timeout(LOOK_AGAIN);
        }
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The number of the process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until its standard input is closed, which is when the process that holds the other end has ended.
const GUARD: &str = "cat >/dev/null; kill -TERM $1 2>/dev/null; sleep 1; kill -9 $1 2>/dev/null";

const LOOK_AGAIN: Duration = Duration::from_millis(5);
