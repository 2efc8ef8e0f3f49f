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
        tokio::task::yield_now().await;
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

/// Datagrams taken in one go; bounds how long other tasks of the lane wait.
const BURST_MAX: usize = 64;
