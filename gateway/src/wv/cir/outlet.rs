//! Wake-ups that need no connection: datagrams, and short messages through a gateway of the operator.

use crate::{
    http_post::{HttpTarget, post_json},
    observe::metric,
};
use mapping::side::Side;
use serde_json::json;
use std::{
    fmt::Write as _,
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use tokio::{net::UdpSocket, sync::mpsc};
use wv_proto::{
    cir::{
        SUDP_PORT_DEFAULT, WAP_PUSH_PORT,
        push::{WAP_SMS_HEADER, wap_push},
    },
    primitive::capability::CirMethod,
};

/// What wake-ups leave by.
#[derive(Debug, Default)]
pub struct CirOutlet {
    datagrams: Option<UdpSocket>,
    push: Option<PushGateway>,
    push_id: u8,
}

/// Where a client can be reached.
#[derive(Clone, Debug, Default)]
pub struct CirAddress {
    /// Where its last message came from.
    pub source: Option<IpAddr>,
    /// The port that it listens on for SUDP.
    pub udp_port: Option<u16>,
    /// Its telephone number, with plus sign.
    pub number: Option<String>,
}

/// A gateway of the operator that sends short messages. Wake-ups wait for it in a queue.
#[derive(Clone, Debug)]
pub struct PushGateway(mpsc::Sender<serde_json::Value>);

impl CirOutlet {
    /// What leaves by this socket and this gateway.
    #[must_use]
    pub const fn new(datagrams: Option<UdpSocket>, push: Option<PushGateway>) -> Self {
        Self { datagrams, push, push_id: 0 }
    }

    /// Sends a wake-up by this method; false when it cannot reach the client.
    // WV-CIR-07
    pub fn send(&mut self, method: &CirMethod, to: &CirAddress, text: &str) -> bool {
        match method {
            // WV-CIR-09
            CirMethod::Sudp => self.datagram(to, to.udp_port.unwrap_or(SUDP_PORT_DEFAULT), text.as_bytes()),
            CirMethod::WapUdp => {
                let octets = wap_push(self.next_push_id(), text);
                self.datagram(to, WAP_PUSH_PORT, &octets)
            }
            CirMethod::WapSms => {
                let octets = [WAP_SMS_HEADER.as_slice(), &wap_push(self.next_push_id(), text)].concat();
                self.short_message("WAPSMS", to, json!({ "text": text, "data": hex(&octets), "port": WAP_PUSH_PORT }))
            }
            CirMethod::Ssms => self.short_message("SSMS", to, json!({ "text": text, "port": SSMS_PORT })),
            CirMethod::Stcp | CirMethod::Shttp | CirMethod::Other(_) => false,
        }
    }

    fn datagram(&self, to: &CirAddress, port: u16, octets: &[u8]) -> bool {
        let (Some(socket), Some(source)) = (&self.datagrams, to.source) else { return false };
        match socket.try_send_to(octets, SocketAddr::new(source, port)) {
            Ok(_) => true,
            Err(error) => {
                tracing::debug!(side = "wv", to = %source, port, %error, "wake-up not sent");
                false
            }
        }
    }

    fn short_message(&self, method: &str, to: &CirAddress, mut order: serde_json::Value) -> bool {
        let (Some(push), Some(number)) = (&self.push, &to.number) else { return false };
        if let Some(fields) = order.as_object_mut() {
            fields.insert("method".to_owned(), method.into());
            fields.insert("to".to_owned(), number.as_str().into());
        }
        if push.0.try_send(order).is_err() {
            metric::shed(Side::Wv, "push");
            return false;
        }
        true
    }

    fn next_push_id(&mut self) -> u8 {
        self.push_id = self.push_id.wrapping_add(1);
        self.push_id
    }
}

impl PushGateway {
    /// Starts handing wake-ups to the gateway, one after the other. Needs a local task set.
    #[must_use]
    pub fn start(target: HttpTarget) -> Self {
        let (orders, mut waiting) = mpsc::channel::<serde_json::Value>(ORDERS_MAX);
        tokio::task::spawn_local(async move {
            while let Some(order) = waiting.recv().await {
                match post_json(&target, None, &order, PATIENCE).await {
                    Ok(answer) if answer.is_success() => {}
                    Ok(answer) => tracing::warn!(side = "wv", status = answer.status, "the push gateway refuses"),
                    Err(error) => tracing::warn!(side = "wv", %error, "the push gateway cannot be reached"),
                }
            }
        });
        Self(orders)
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(octets.len().saturating_mul(2)), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// The port at which clients take SMS that wake them.
const SSMS_PORT: u16 = 3716;

/// Wake-ups that wait for the gateway of short messages; more are lost, and the clients come when they poll.
const ORDERS_MAX: usize = 1000;

/// How long the gateway of short messages may take.
const PATIENCE: Duration = Duration::from_secs(5);
