//! The gateway that the demonstration starts: the embedded default in a temporary folder.

use super::DemoError;
use crate::{
    admin::AdminClient,
    app::{self, Ports, Running, SignalUse, StartOptions},
    config::{Configuration, Sources, value::SipTransport},
    observe::Tap,
    store::TemporaryFolder,
};
use std::net::SocketAddr;

/// The gateway, in service for the demonstration.
#[derive(Debug)]
pub(super) struct DemoGateway {
    /// Where phones post.
    pub(super) csp_url: String,
    /// Where SIP user agents send.
    pub(super) sip_address: SocketAddr,
    /// Where a browser looks.
    pub(super) admin_url: String,
    /// Where messages of both sides are watched.
    pub(super) tap: Tap,
    running: Running,
    /// Removed when the gateway has ended.
    folder: TemporaryFolder,
}

/// Starts the gateway: on free ports, or on the default ones and free ones where these are taken.
pub(super) async fn start_gateway(once: bool) -> Result<DemoGateway, DemoError> {
    let folder = TemporaryFolder::create()?;
    let configuration = Configuration::read(&Sources::embedded()).map_err(DemoError::Configuration)?;
    let options = StartOptions {
        ports: if once { Ports::Free } else { Ports::FreeWhereTaken },
        data_dir: Some(folder.path().to_owned()),
        signals: SignalUse::Ignored,
        rereading: None,
    };
    let started = tokio::task::spawn_blocking(move || app::start(configuration, options)).await;
    let running = started.map_err(std::io::Error::other)??;
    let datagrams = running.sip.iter().find(|(transport, _)| *transport == SipTransport::Udp);
    let (_, sip_address) = *datagrams.ok_or(DemoError::Missing("SIP over UDP"))?;
    Ok(DemoGateway {
        csp_url: running.csp_url.clone().ok_or(DemoError::Missing("CSP"))?,
        sip_address,
        admin_url: AdminClient::open(folder.path())?.console_link(),
        tap: running.tap.clone(),
        running,
        folder,
    })
}

impl DemoGateway {
    /// Ends the gateway in order.
    pub(super) async fn stop(self) {
        let Self { running, folder, .. } = self;
        // Its own threads end it; a panic among them has been reported there.
        let _ = tokio::task::spawn_blocking(move || running.stop()).await;
        drop(folder);
    }
}
