//! The laboratory: scenarios, the actors that play in them, and where and how they are performed. The actors are outside
//! clients: they know the gateway by its wires only.

pub mod actor;
pub mod campaign;
pub mod capture;
pub mod case;
pub mod catalogue;
pub mod gateway_process;
pub mod load;
pub mod pool;
pub mod port;
pub mod process;
pub mod record;
pub mod report;
pub mod result;
pub mod scenario;
pub mod site;
pub mod stage;
pub mod venue;
