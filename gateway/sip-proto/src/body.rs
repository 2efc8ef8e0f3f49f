//! Bodies: the documents that SIP messages carry.

pub mod capability;
pub mod cipid;
pub mod composing;
pub mod cpim;
pub mod data_model;
pub mod datetime;
pub mod imdn;
pub mod location;
pub mod mime;
pub mod multipart;
pub mod namespace;
pub mod oma;
pub mod partial;
pub mod passthrough;
pub mod pidf;
pub mod rpid;
mod vocabulary;
pub mod watcher_info;
pub mod xml;
