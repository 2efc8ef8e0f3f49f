//! A lane: the one place where an engine shard, the adapters of both sides and the store meet in order.
//!
//! Everything in a lane happens on one thread. Adapters take octets in and leave [`Input`]s; the lane turns: it feeds
//! the inputs to the engine, commits what must be kept, and only then releases what promises something (DESIGN
//! section 4, output commit). While a commit is under way further inputs gather; they make the next batch.

mod account;
mod charge;
mod clock;
mod intake;
mod neighbourhood;
mod turn;

pub use clock::Clock;
pub use intake::{Adapter, Input, Intake, Ticket};
pub use neighbourhood::Neighbourhood;
pub use turn::{Lane, LaneLink, LaneParts, LaneTask, Rebuild, Turned};
