//! The engine driven by hand.

mod messaging;
mod property;
mod restart;
mod watching;
mod world;
