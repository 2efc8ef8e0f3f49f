//! The engine driven by hand.

mod messaging;
mod watching;
mod world;
