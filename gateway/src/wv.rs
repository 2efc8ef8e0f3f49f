//! The WV adapter: CSP server for phones.

mod budget;
pub mod cir;
pub mod connection;
pub mod listener;
pub mod plain_text;
pub mod session;
mod side;
pub mod sidecar;
pub mod ssp;
pub mod translate;

pub use session::{SubscriberBackend, SubscriberDesk, WvAdapter, WvParts, WvSettings};
pub use side::WvSide;
pub use sidecar::{CspPeer, ShadowRow, SidecarAdapter, SidecarParts, SidecarSettings};
pub use ssp::{SspAdapter, SspParts, SspPeer, SspSettings};
