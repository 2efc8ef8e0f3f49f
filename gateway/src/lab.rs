//! The laboratory: scenarios, and the actors that play in them. The actors are outside clients: they know the gateway by
//! its wires only.

pub mod actor;
pub mod scenario;
