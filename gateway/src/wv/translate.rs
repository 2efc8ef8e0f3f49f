//! Between the primitives of the WV side and the neutral model: one file per subject, the same names as on the other
//! side.

pub mod address;
pub mod announcement;
pub mod authorization;
pub mod contact_list;
pub mod content;
pub mod conversation;
pub mod message;
pub mod outcome;
pub mod presence;
pub mod screening;
pub mod search;
pub mod service;
pub mod ssp;
pub mod watcher;
