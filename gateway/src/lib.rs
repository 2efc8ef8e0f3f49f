//! The gateway: adapters, engine task, store, observation, administration and command line.
