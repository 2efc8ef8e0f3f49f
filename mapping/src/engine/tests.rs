//! The engine driven by hand.

mod messaging;
mod world;
