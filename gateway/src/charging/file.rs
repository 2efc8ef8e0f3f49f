//! The file that lines go to.

use super::ChargingLine;
use crate::{lane::Clock, observe::metric};
use sip_proto::body::datetime;
use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread::JoinHandle,
};

/// Takes lines from lanes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ChargingLines(SyncSender<Word>);

/// What the thread is told.
#[derive(Debug)]
enum Word {
    Line(Box<ChargingLine>),
    End,
}

impl ChargingLines {
    /// Takes a line; where the file is too slow for it, it is lost and counted.
    pub fn take(&self, line: ChargingLine) {
        match self.0.try_send(Word::Line(Box::new(line))) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => metric::charging_lost(1),
        }
    }
}

/// The file and the thread that writes it.
#[derive(Debug)]
pub struct ChargingFile {
    words: SyncSender<Word>,
    thread: JoinHandle<()>,
}

impl ChargingFile {
    /// Opens the file, appending to what is there. When it has grown to `rotate_octets` it is renamed with the time in its
    /// name, and a new one is begun.
    ///
    /// # Errors
    /// When the file cannot be opened or the thread cannot be started.
    pub fn open(path: &Path, rotate_octets: u64) -> io::Result<(ChargingLines, Self)> {
        let (sender, receiver) = sync_channel(LINES_MAX);
        let mut writer = Writer { path: path.to_owned(), rotate_octets, file: append(path)?, octets: 0 };
        writer.octets = writer.file.metadata()?.len();
        let thread = std::thread::Builder::new().name("charging".to_owned()).spawn(move || writer.run(&receiver))?;
        Ok((ChargingLines(sender.clone()), Self { words: sender, thread }))
    }

    /// Waits until everything is written that was taken. Later lines are lost.
    pub fn finish(self) {
        let told = self.words.send(Word::End).is_ok();
        if self.thread.join().is_err() || !told {
            tracing::error!("the charging records broke off");
        }
    }
}

struct Writer {
    path: PathBuf,
    rotate_octets: u64,
    file: File,
    octets: u64,
}

impl Writer {
    fn run(&mut self, words: &Receiver<Word>) {
        let mut octets = Vec::new();
        let mut is_over = false;
        while !is_over && let Ok(first) = words.recv() {
            octets.clear();
            let mut count = 0_u64;
            // What has gathered meanwhile is written together.
            for word in std::iter::once(first).chain(words.try_iter().take(BATCH_LINES)) {
                let Word::Line(line) = word else {
                    is_over = true;
                    break;
                };
                if serde_json::to_writer(&mut octets, &line).is_ok() {
                    octets.push(b'\n');
                    count = count.saturating_add(1);
                }
            }
            if let Err(error) = self.write(&octets) {
                tracing::error!(path = %self.path.display(), %error, "charging records cannot be written");
                metric::charging_lost(count);
            }
        }
        if let Err(error) = self.file.sync_all() {
            tracing::error!(path = %self.path.display(), %error, "charging records may not be on the disk");
        }
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        if self.octets > 0 && self.octets.saturating_add(octets.len() as u64) > self.rotate_octets {
            self.rotate()?;
        }
        self.file.write_all(octets)?;
        self.octets = self.octets.saturating_add(octets.len() as u64);
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        let now = Clock::new().now();
        let stamp: String = datetime::write(sip_proto::time::Timestamp::from_millis(now.as_millis()))
            .chars()
            .filter(|letter| letter.is_ascii_alphanumeric())
            .collect();
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{stamp}"));
        // Two in the same moment must not overwrite each other.
        let mut free = PathBuf::from(&name);
        for number in 1_u32.. {
            if !free.exists() {
                break;
            }
            let mut next = name.clone();
            next.push(format!("-{number}"));
            free = next.into();
        }
        std::fs::rename(&self.path, &free)?;
        self.file = append(&self.path)?;
        self.octets = 0;
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    // Who talks to whom is nobody else's business.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Lines that wait for the file.
const LINES_MAX: usize = 65_536;

/// Lines written at once.
const BATCH_LINES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use mapping::{outcome::Outcome, time::Timestamp};

    fn report(number: usize) -> ChargingLine {
        ChargingLine::Report {
            at: Timestamp::from_secs(1),
            correlation: "c".into(),
            message: format!("m{number}"),
            sender: "a@b".into(),
            recipient: "c@d".into(),
            outcome: Outcome::Success,
        }
    }

    #[test]
    fn what_was_taken_is_there_in_order_over_all_files() {
        let folder = std::env::temp_dir().join(format!("wvsg-charging-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("charging.jsonl");
        for start in 0..2 {
            let (lines, file) = ChargingFile::open(&path, 20_000).unwrap();
            (0..500).for_each(|number| lines.take(report(start * 500 + number)));
            file.finish();
            lines.take(report(0));
        }
        let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(files.len() > 1, "{files:?}");
        // The one being written sorts first and was written last.
        files.sort_by_key(|file| (file == &path, std::fs::metadata(file).unwrap().modified().unwrap(), file.clone()));
        let all: String = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
        let names: Vec<String> = all
            .lines()
            .map(|line| {
                serde_json::from_str::<serde_json::Value>(line).unwrap()["message"].as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(names, (0..1000).map(|number| format!("m{number}")).collect::<Vec<_>>());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
