//! The engine driven by hand.

mod authorization;
mod belonging;
mod conversing;
mod following;
mod happening;
mod inviting;
mod looking;
mod messaging;
mod neighbour;
mod permission;
mod property;
mod rerouting;
mod restart;
mod sharing;
mod waiting;
mod watching;
mod world;
