//! What simulations are made of: the whole gateway with octets, time, randomness and disk in their hands, and a network.

pub mod chance;
pub mod disk;
pub mod node;
pub mod weather;
