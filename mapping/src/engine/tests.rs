//! The engine driven by hand.

mod authorization;
mod conversing;
mod inviting;
mod looking;
mod messaging;
mod permission;
mod property;
mod restart;
mod waiting;
mod watching;
mod world;
