//! Scenarios on two stages: over real sockets, with the gateway and every actor as processes of their own, and in virtual
//! time with the whole gateway inside.

mod virtual_stage;

use crate::repository;
use gateway::lab::{
    catalogue::{Catalogue, CatalogueError, Selection},
    scenario::model::Stages,
};
use std::path::PathBuf;

pub use gateway::lab::{catalogue::Run, stage::SocketStage, venue::Venue};
pub use virtual_stage::VirtualStage;

/// The folder of the scenarios.
#[must_use]
pub fn folder() -> PathBuf {
    repository().join("fixtures/scenario")
}

/// All scenarios of the repository.
///
/// # Errors
/// Every problem of every file.
pub fn catalogue() -> Result<Catalogue, CatalogueError> {
    Catalogue::of_folder(&folder(), &repository())
}

/// All scenarios of the repository that make sense on a stage, for all their variants, in the order of their names.
///
/// # Errors
/// Every problem of every file.
pub fn runs(may_run: impl Fn(Stages) -> bool) -> Result<Vec<Run>, CatalogueError> {
    let runs = catalogue()?.runs(&Selection::default())?;
    Ok(runs.into_iter().filter(|run| may_run(run.scenario.stages)).collect())
}
