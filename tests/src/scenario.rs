//! Scenarios on two stages: over real sockets, with the gateway and every actor as processes of their own, and in virtual
//! time with the whole gateway inside.

mod pool;
mod stage;
mod virtual_stage;

use crate::repository;
use gateway::lab::scenario::{
    model::{Scenario, Stages, Variant},
    problem::Problem,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

pub use pool::Pool;
pub use stage::SocketStage;
pub use virtual_stage::VirtualStage;

/// A scenario to be performed for one version and encoding.
#[derive(Clone, Debug)]
pub struct Run {
    /// The name of the file without its ending, and the variant.
    pub name: String,
    /// The scenario.
    pub scenario: Scenario,
    /// The variant.
    pub variant: Variant,
}

/// The folder of the scenarios.
#[must_use]
pub fn folder() -> PathBuf {
    repository().join("fixtures/scenario")
}

/// Reads a scenario of a folder; its scenes lie in `scene/` below that.
///
/// # Errors
/// What is wrong with it, with file and line.
pub fn read(folder: &Path, path: &Path) -> Result<Scenario, Problem> {
    let text = fs::read_to_string(path).unwrap_or_default();
    Scenario::parse(short(path), &text, &|name| {
        let path = folder.join("scene").join(format!("{name}.scn"));
        let text = fs::read_to_string(&path).ok()?;
        Some((short(&path).to_owned(), text))
    })
}

/// All scenarios of a folder that make sense on a stage, for all their variants, in the order of their names.
///
/// # Errors
/// Every problem of every file.
pub fn runs(folder: &Path, may_run: impl Fn(Stages) -> bool) -> Result<Vec<Run>, Vec<Problem>> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "scn")).collect();
    paths.sort();
    let (mut runs, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        match read(folder, &path) {
            Ok(scenario) if may_run(scenario.stages) => {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                for variant in &scenario.variants {
                    let csp = variant.csp.replace('.', "_");
                    let name = format!("{stem}_csp_{csp}_{}", variant.encoding);
                    runs.push(Run { name, scenario: scenario.clone(), variant: variant.clone() });
                }
            }
            Ok(_) => {}
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(runs) } else { Err(problems) }
}

/// A path as it is seen from the root of the repository.
fn short(path: &Path) -> &Path {
    path.strip_prefix(repository()).unwrap_or(path)
}
