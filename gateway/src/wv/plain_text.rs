//! CSP in plain text over UDP: one message, or one part of a message, in each datagram, as a gateway of short messages
//! hands them on.

use super::{WvAdapter, budget::Budget};
use crate::observe::metric;
use mapping::side::Side;
use std::{rc::Rc, time::Duration};
use tokio::{net::UdpSocket, sync::watch};
use wv_proto::{codec::pts::MESSAGE_OCTETS_MAX, session::login::Exposure};

/// What plain text is served with.
#[derive(Debug)]
pub struct PlainTextListener {
    /// Where datagrams arrive.
    pub socket: Rc<UdpSocket>,
    /// Whether others can listen.
    pub exposure: Exposure,
    /// Messages per second and source address.
    pub requests_per_s_per_source: u32,
}

impl PlainTextListener {
    /// Serves until `stop` becomes true.
    ///
    /// # Errors
    /// When the socket cannot be used.
    pub async fn serve(self, adapter: WvAdapter, mut stop: watch::Receiver<bool>) -> std::io::Result<()> {
        let budget = Budget::new(self.requests_per_s_per_source);
        let mut buffer = vec![0_u8; MESSAGE_OCTETS_MAX.saturating_add(1)];
        loop {
            let received = tokio::select! {
                received = self.socket.recv_from(&mut buffer) => received,
                _ = stop.changed() => return Ok(()),
            };
            match received {
                Ok((_, source)) if !budget.admits(source.ip()) => metric::shed(Side::Wv, "requests"),
                Ok((count, source)) => {
                    adapter.plain_text(buffer.get(..count).unwrap_or_default(), source, self.exposure);
                }
                Err(error) => {
                    // Somebody is not there any more to whom something was sent, for instance.
                    tracing::debug!(side = "wv", %error, "receiving plain text failed");
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }
    }
}
