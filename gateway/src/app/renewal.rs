//! Reading the configuration again while the gateway runs: all or nothing.

use super::{neighbours, settings};
use crate::{
    account::AccountRegistry,
    config::Configuration,
    lane::LaneLink,
    tls::{
        TlsIdentity, TlsKeeper,
        domain::{DomainTls, DomainTlsKeeper},
    },
};
use mapping::route::DomainTable;
use std::{fmt, sync::Arc};
use tokio::sync::watch;

/// Reads the configuration again, from where it was read at the start.
#[derive(Clone)]
pub struct Rereading(Arc<dyn Fn() -> Result<Configuration, String> + Send + Sync>);

impl Rereading {
    /// Reads by this function; its error is for people.
    pub fn new(read: impl Fn() -> Result<Configuration, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }
}

impl fmt::Debug for Rereading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rereading")
    }
}

/// What can be renewed: accounts of the configuration, certificate and key, neighbours and the domains behind them.
#[derive(Debug)]
pub(super) struct Renewal {
    rereading: Option<Rereading>,
    /// What holds now; lanes are built on it.
    current: watch::Sender<Arc<Configuration>>,
    accounts: Arc<AccountRegistry>,
    keepers: Keepers,
}

/// What TLS is spoken with.
#[derive(Debug)]
pub(super) struct Keepers {
    /// For CSP.
    pub(super) tls: Option<TlsKeeper>,
    /// For SIP.
    pub(super) sip_tls: Option<DomainTlsKeeper>,
}

impl Renewal {
    pub(super) fn new(
        rereading: Option<Rereading>,
        current: Arc<Configuration>,
        accounts: Arc<AccountRegistry>,
        keepers: Keepers,
    ) -> Self {
        Self { rereading, current: watch::Sender::new(current), accounts, keepers }
    }

    /// The configuration that holds, now and later.
    pub(super) fn current(&self) -> watch::Receiver<Arc<Configuration>> {
        self.current.subscribe()
    }

    /// Who lives where now.
    pub(super) fn domains(&self) -> DomainTable {
        self.current.borrow().domain_table()
    }

    pub(super) const fn accounts(&self) -> &Arc<AccountRegistry> {
        &self.accounts
    }

    pub(super) fn identity(&self) -> Option<TlsIdentity> {
        self.keepers.tls.as_ref().map(TlsKeeper::identity)
    }

    pub(super) fn sip_tls(&self) -> Option<DomainTls> {
        self.keepers.sip_tls.as_ref().map(DomainTlsKeeper::subscribe)
    }

    /// Reads everything, and takes it only when all of it can be used. Tells what was renewed, and what waits for a
    /// restart.
    pub(super) async fn renew(&mut self, links: &[LaneLink]) -> Result<String, String> {
        let Some(rereading) = &self.rereading else {
            return Err("this gateway was not started from a configuration that can be read again".to_owned());
        };
        let mut fresh = (rereading.0)()?;
        fresh.believe_services().map_err(|error| format!("node.ca_file: {error}"))?;
        let current = Arc::clone(&self.current.borrow());
        let merged = neighbours::merge(&current, &fresh);
        let neighbourhood = settings::neighbourhood(&merged).map_err(|error| error.to_string())?;
        let files = fresh.wv_access.as_ref().and_then(|access| access.tls.as_ref()).map(|tls| tls.files.clone());
        let prepared = match (&self.keepers.tls, files) {
            (Some(_), Some(files)) => {
                let prepared = TlsKeeper::prepare(&files).map_err(|error| error.to_string())?;
                Some((files, prepared))
            }
            _ => None,
        };
        let sip_tls = fresh.simple.as_ref().and_then(|simple| simple.tls.as_ref());
        let sip_prepared = match (&self.keepers.sip_tls, sip_tls) {
            (Some(_), Some(tls)) => {
                Some(DomainTlsKeeper::prepare(&tls.files).map_err(|error| format!("simple.tls_certificate: {error}"))?)
            }
            _ => None,
        };
        self.accounts.replace_configured(&fresh.accounts);
        if let (Some(keeper), Some((files, prepared))) = (&mut self.keepers.tls, prepared) {
            keeper.take(files, prepared);
        }
        if let (Some(keeper), Some(prepared)) = (&mut self.keepers.sip_tls, sip_prepared) {
            keeper.take(prepared);
        }
        let news = neighbours::news(&current, &merged);
        let waiting = neighbours::waiting(&without_files(&merged), &without_files(&fresh));
        self.current.send_replace(Arc::new(merged));
        for link in links {
            let neighbourhood = neighbourhood.clone();
            // None when the lane is gone: it is built anew on what holds now.
            let _ = link.ask(move |lane, now| lane.reroute(now, neighbourhood)).await;
        }
        tracing::info!(accounts = fresh.accounts.len(), neighbours = ?news, waiting = ?waiting, "configuration read again");
        Ok(sentence(&news, &waiting))
    }
}

/// What was renewed, for people.
fn sentence(news: &[String], waiting: &[String]) -> String {
    let mut told = "accounts of the configuration, certificate and key are renewed".to_owned();
    if !news.is_empty() {
        told.push_str("; ");
        told.push_str(&news.join(", "));
    }
    if !waiting.is_empty() {
        told.push_str("; what else has changed waits for a restart: ");
        told.push_str(&waiting.join(", "));
    }
    told
}

/// The same without the names of files that are read again, for comparing.
fn without_files(configuration: &Configuration) -> Configuration {
    let mut rest = configuration.clone();
    if let Some(tls) = rest.wv_access.as_mut().and_then(|access| access.tls.as_mut()) {
        tls.files = crate::tls::TlsFiles { certificate: "-".into(), key: "-".into() };
    }
    if let Some(tls) = rest.simple.as_mut().and_then(|simple| simple.tls.as_mut()) {
        let nothing = || crate::tls::TlsFiles { certificate: "-".into(), key: "-".into() };
        tls.files.own = nothing();
        tls.files.authorities = None;
        let others = tls.files.towards.values_mut().chain(tls.files.by_name.values_mut());
        others.for_each(|files| *files = nothing());
    }
    rest
}
