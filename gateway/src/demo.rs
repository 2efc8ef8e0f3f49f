//! The demonstration: the gateway on the embedded default, and two scripted peers in processes of their own that talk
//! through it over real sockets. What counts is what the far end told.

mod gateway;
mod stage;
mod story;

use crate::{peer::PuppetError, shutdown::Signals};
use gateway::DemoGateway;
use stage::Stage;
use std::io;

/// What the demonstration is told.
#[derive(Clone, Copy, Debug)]
pub struct DemoWishes {
    /// Take free ports and end after the story.
    pub once: bool,
    /// The version of CSP that the phone speaks.
    pub version: &'static str,
    /// Its encoding.
    pub encoding: &'static str,
    /// Print JSON.
    pub is_json: bool,
}

/// How the demonstration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DemoOutcome {
    /// Every step was told by the far end.
    Complete,
    /// It was interrupted, or a step did not happen.
    Incomplete,
}

impl DemoOutcome {
    /// Whether every step was told by the far end.
    #[must_use]
    pub const fn is_complete(self) -> bool {
        matches!(self, Self::Complete)
    }
}

/// Why there is no demonstration, or no end of it.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The embedded default has problems, for instance because of the environment.
    #[error("the configuration has problems:\n{0}")]
    Configuration(crate::config::Problems),
    /// The gateway did not start.
    #[error(transparent)]
    Start(#[from] crate::app::StartError),
    /// The default configuration lacks what the demonstration needs.
    #[error("the gateway has no {0}")]
    Missing(&'static str),
    /// A step that the far end did not tell.
    #[error("step {number}, {title}: {source}")]
    Step {
        /// The number of the step.
        number: usize,
        /// What should have happened.
        title: &'static str,
        /// What happened instead.
        source: PuppetError,
    },
    /// A peer cannot be started.
    #[error(transparent)]
    Puppet(#[from] PuppetError),
    /// The address of the console is not to be had.
    #[error(transparent)]
    Console(#[from] crate::admin::ClientError),
    /// Files, sockets, signals or the terminal.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// Runs the demonstration.
///
/// # Errors
/// See [`DemoError`].
pub fn run(wishes: &DemoWishes) -> Result<DemoOutcome, DemoError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let gateway = gateway::start_gateway(wishes.once).await?;
        let stage = Stage::open(wishes.is_json, &gateway.tap)?;
        let outcome = tokio::select! {
            outcome = perform(wishes, &gateway, &stage) => outcome,
            () = signals.next() => Ok(DemoOutcome::Incomplete),
        };
        let outcome = match outcome {
            Ok(DemoOutcome::Complete) if !wishes.once => {
                stage.invite(&gateway)?;
                signals.next().await;
                Ok(DemoOutcome::Complete)
            }
            other => other,
        };
        gateway.stop().await;
        outcome
    })
}

async fn perform(wishes: &DemoWishes, gateway: &DemoGateway, stage: &Stage) -> Result<DemoOutcome, DemoError> {
    stage.announce(gateway)?;
    let steps = story::tell(wishes, gateway, stage).await?;
    stage.conclude(steps)?;
    Ok(DemoOutcome::Complete)
}
