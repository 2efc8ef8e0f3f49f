//! The ways to a neighbour: to an address that is configured, or to whatever DNS says of a name.

use sip_proto::{
    message::{Method, header::via::Transport},
    resolve::{Service, Target},
    transaction::via::Hop,
};
use std::{net::SocketAddr, sync::Arc};

/// A way to a neighbour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// To this address.
    Hop(Hop),
    /// To where DNS says that this is.
    Target {
        /// What is looked up.
        target: Target,
        // RFC 5922 §7.3
        /// The domain that a server has to prove to be over TLS, if it is not the name that is looked up.
        name: Option<Arc<str>>,
    },
    // RFC 3861 §3
    /// To the servers of a domain, by what is asked of them: users are known by their addresses only, which belong to no
    /// protocol, so that the rules for `pres:` and `im:` hold.
    Domain(Target),
}

impl Way {
    /// What has to be looked up for requests of this method; none for an address.
    pub(super) fn target(&self, method: &Method) -> Option<Target> {
        match self {
            Self::Hop(_) => None,
            Self::Target { target, .. } => Some(target.clone()),
            Self::Domain(target) => Some(match method {
                Method::Message => target.for_service(Service::Messages),
                Method::Subscribe | Method::Publish => target.for_service(Service::Presence),
                _ => target.clone(),
            }),
        }
    }

    /// The hop to a place that was found on this way.
    pub(super) fn hop(&self, transport: Transport, address: SocketAddr) -> Hop {
        let name = match self {
            Self::Hop(hop) => hop.name.clone(),
            Self::Target { target, name } => name.clone().or_else(|| target.name().cloned()),
            Self::Domain(target) => target.name().cloned(),
        };
        let name = name.filter(|_| transport == Transport::Tls);
        Hop { transport, address, connection: None, name }
    }

    /// How it is shown.
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Hop(hop) => hop.address.to_string(),
            Self::Target { target, .. } | Self::Domain(target) => {
                target.name().map(|name| name.to_string()).unwrap_or_default()
            }
        }
    }
}
