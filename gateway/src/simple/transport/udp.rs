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
use std::{net::SocketAddr, rc::Rc};
use tokio::net::UdpSocket;

/// Receives until the task ends. After each datagram that was waited for, whatever else has arrived is taken too, up
/// to a bound, so that the lane turns once for all of them.
pub(super) async fn receive(transports: Rc<Transports>, id: ConnectionId, socket: Rc<UdpSocket>) {
    let mut buffer = vec![0_u8; DATAGRAM_OCTETS_MAX];
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
        for _ in 0..BURST_MAX {
            let Ok((length, source)) = socket.try_recv_from(&mut buffer) else { break };
            take(&transports, id, &copy(&buffer, length), source);
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
    crate::observe::metric::message(mapping::side::Side::Simple, crate::observe::Direction::In, octets.len());
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

/// Datagrams taken in one go; bounds how long other tasks of the lane wait.
const BURST_MAX: usize = 64;
