//! Bodies: the documents that SIP messages carry.

pub mod capability;
pub mod cipid;
pub mod data_model;
pub mod datetime;
pub mod location;
pub mod namespace;
pub mod oma;
pub mod passthrough;
pub mod pidf;
pub mod rpid;
mod vocabulary;
pub mod xml;
