//! Counts instructions of user code: by the counters of the processor where the kernel lets us, else by valgrind.

use crate::duel::as_float;
use acceptance::tool;
use std::{path::PathBuf, process::Command, sync::OnceLock};

/// Instructions of one operation of a side of a duel; none where nothing can count them.
pub(crate) fn count(name: &str, side: &str) -> Option<f64> {
    let counter = Counter::of_this_machine()?;
    // What start and end of the process cost falls out of the difference.
    let few = counter.run(name, side, FEW)?;
    let many = counter.run(name, side, MANY)?;
    Some(as_float(many.saturating_sub(few)) / as_float(MANY - FEW))
}

/// What counts.
#[derive(Clone, Debug)]
pub(crate) enum Counter {
    Perf(PathBuf),
    Valgrind(PathBuf),
}

impl Counter {
    /// The best that works here.
    pub(crate) fn of_this_machine() -> Option<&'static Self> {
        static FOUND: OnceLock<Option<Counter>> = OnceLock::new();
        FOUND
            .get_or_init(|| {
                let perf = tool::find("perf").map(Counter::Perf);
                perf.filter(Counter::works).or_else(|| tool::find("valgrind").map(Counter::Valgrind))
            })
            .as_ref()
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Perf(_) => "counters of the processor",
            Self::Valgrind(_) => "valgrind",
        }
    }

    fn works(&self) -> bool {
        let Self::Perf(perf) = self else { return true };
        let output = Command::new(perf).args(["stat", "-x", ",", "-e", "instructions:u", "true"]).output();
        output.is_ok_and(|output| read_perf(&String::from_utf8_lossy(&output.stderr)).is_some())
    }

    fn run(&self, name: &str, side: &str, times: u64) -> Option<u64> {
        let own = std::env::current_exe().ok()?;
        let (mut command, read): (Command, fn(&str) -> Option<u64>) = match self {
            Self::Perf(perf) => {
                let mut command = Command::new(perf);
                command.args(["stat", "-x", ",", "-e", "instructions:u", "--"]);
                (command, read_perf)
            }
            Self::Valgrind(valgrind) => {
                let mut command = Command::new(valgrind);
                command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
                (command, read_callgrind)
            }
        };
        let output = command.arg(own).args(["repeat", name, side]).arg(times.to_string()).output().ok()?;
        output.status.success().then(|| read(&String::from_utf8_lossy(&output.stderr))).flatten()
    }
}

fn read_perf(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.contains("instructions"))?;
    line.split(',').next()?.parse().ok()
}

fn read_callgrind(text: &str) -> Option<u64> {
    let (_, after) = text.rsplit_once("Collected :")?;
    after.split_whitespace().next()?.parse().ok()
}

const FEW: u64 = 100;
const MANY: u64 = 1100;
