//! The gateway: adapters, engine task, store, observation, administration and command line.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::disallowed_types,
        clippy::disallowed_methods
    )
)]

pub mod account;
pub mod admin;
pub mod app;
pub mod charging;
pub mod cli;
pub mod config;
pub mod demo;
pub mod entropy;
pub mod http_post;
pub mod lab;
pub mod lane;
pub mod observe;
pub mod peer;
pub mod resolver;
pub mod shutdown;
pub mod simple;
pub mod store;
pub mod tls;
pub mod wv;

// The adapters know it as the gateway's own: it has nothing of SIP.
pub(crate) use sip_proto::quick_hash;
