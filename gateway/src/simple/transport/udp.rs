//! Datagrams.

use super::{Inbound, Transports};
use bytes::Bytes;
use sip_proto::{
    message::{
        framer::{Parsed, parse_datagram},
        header::via::Transport,
        validate::validate,
    },
    transaction::via::{ConnectionId, Hop},
};
use std::{net::SocketAddr, rc::Rc, time::Duration};
use tokio::{net::UdpSocket, time::Instant};

/// Receives until the task ends. After each datagram that was waited for, whatever else has arrived is taken too, up
/// to a bound, so that the lane turns once for all of them.
pub(super) async fn receive(transports: Rc<Transports>, id: ConnectionId, socket: Rc<UdpSocket>) {
    let mut buffer = vec![0_u8; DATAGRAM_OCTETS_MAX];
    let mut standing = Standing::default();
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, source)) => take(&transports, id, &copy(&buffer, length), source),
            Err(error) => {
                // For instance the ICMP error of an earlier datagram; it says nothing about this socket.
                tracing::debug!(%error, "receiving a datagram failed");
                tokio::task::yield_now().await;
                continue;
            }
        }
        let mut is_emptied = false;
        for _ in 0..standing.burst() {
            let Ok((length, source)) = socket.try_recv_from(&mut buffer) else {
                is_emptied = true;
                break;
            };
            take(&transports, id, &copy(&buffer, length), source);
            if standing.was_met && transports.is_flooded() {
                break;
            }
        }
        if standing.look(is_emptied, Instant::now()) {
            transports.queue_stands();
        }
        if transports.is_flooded() {
            // These are refused, which is cheap but not free.
            for _ in 0..REFUSED_MAX {
                let Ok((length, source)) = socket.try_recv_from(&mut buffer) else { break };
                take(&transports, id, &copy(&buffer, length), source);
            }
            drain(&transports, id, &socket, &mut buffer);
        }
        tokio::task::yield_now().await;
    }
}

// RFC 8289 §3.2
/// Whether datagrams wait in the system for longer than a burst takes. How long each waits is not told; but a queue that
/// is never found empty for a while stands.
#[derive(Debug, Default)]
struct Standing {
    /// Since when it was not found empty.
    since: Option<Instant>,
    was_met: bool,
}

impl Standing {
    /// Notes how a burst ended; whether the queue stands.
    fn look(&mut self, is_emptied: bool, now: Instant) -> bool {
        if is_emptied {
            (self.since, self.was_met) = (None, false);
            return false;
        }
        if now.duration_since(*self.since.get_or_insert(now)) < STANDING {
            return false;
        }
        self.was_met = true;
        true
    }

    /// How much is taken in one go: of a queue that stands so much that responses among it leave room for requests.
    const fn burst(&self) -> usize {
        if self.was_met { STANDING_BURST_MAX } else { BURST_MAX }
    }
}

/// Drops the requests that wait behind a burst that was more than is taken on. They would be served too late, after their
/// senders have sent them again. Responses end work that was taken on, which would be done again without them.
fn drain(transports: &Transports, id: ConnectionId, socket: &UdpSocket, buffer: &mut [u8]) {
    for _ in 0..DRAIN_MAX {
        let Ok((length, source)) = socket.try_recv_from(buffer) else { break };
        let octets = buffer.get(..length).unwrap_or_default();
        if octets.starts_with(b"SIP/") {
            take(transports, id, &Bytes::copy_from_slice(octets), source);
        } else {
            crate::observe::metric::shed(mapping::side::Side::Simple, "datagrams");
        }
    }
}

fn copy(buffer: &[u8], length: usize) -> Bytes {
    Bytes::copy_from_slice(buffer.get(..length).unwrap_or_default())
}

pub(super) fn take(transports: &Transports, id: ConnectionId, octets: &Bytes, source: SocketAddr) {
    transports.received.count(octets.len());
    let content = match parse_datagram(octets, &transports.limits) {
        Ok(Parsed::KeepAlive) => return,
        Ok(Parsed::Message(message)) => validate(message),
        Err(malformed) => Err(malformed),
    };
    let hop = Hop { transport: Transport::Udp, address: source, connection: Some(id), name: None };
    transports.receive(Inbound { hop, content });
}

/// Largest datagram that IP carries.
const DATAGRAM_OCTETS_MAX: usize = 65_536;

/// Datagrams refused in one go when more come than are taken on.
const REFUSED_MAX: usize = 192;

/// Datagrams dropped in one go; as many as the system keeps.
const DRAIN_MAX: usize = 16_384;

// RFC 8289 §4.3
/// A queue that is not found empty for so long stands.
const STANDING: Duration = Duration::from_millis(100);

/// Datagrams taken in one go of a queue that stands, unless there is no room for more requests before.
const STANDING_BURST_MAX: usize = 512;

/// Datagrams taken in one go; bounds how long other tasks of the lane wait.
const BURST_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc8289_3_2_a_queue_that_is_found_empty_now_and_then_does_not_stand() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut standing = Standing::default();
        assert!(!standing.look(false, at(0)) && !standing.look(false, at(99)));
        assert!(!standing.look(true, at(100)) && !standing.look(false, at(5000)) && !standing.look(false, at(5099)));
        assert!(standing.look(false, at(5100)) && standing.look(false, at(5101)));
        assert_eq!(standing.burst(), STANDING_BURST_MAX);
        assert!(!standing.look(true, at(5102)));
        assert_eq!(standing.burst(), BURST_MAX);
    }
}
