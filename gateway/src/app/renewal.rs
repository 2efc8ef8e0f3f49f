//! Reading the configuration again while the gateway runs: all or nothing.

use crate::{
    account::AccountRegistry,
    config::Configuration,
    tls::{
        TlsIdentity, TlsKeeper,
        domain::{DomainTls, DomainTlsKeeper},
    },
};
use std::{fmt, sync::Arc};

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

/// What can be renewed: accounts of the configuration, certificate and key.
#[derive(Debug)]
pub(super) struct Renewal {
    rereading: Option<Rereading>,
    current: Arc<Configuration>,
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
    pub(super) const fn new(
        rereading: Option<Rereading>,
        current: Arc<Configuration>,
        accounts: Arc<AccountRegistry>,
        keepers: Keepers,
    ) -> Self {
        Self { rereading, current, accounts, keepers }
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
    pub(super) fn renew(&mut self) -> Result<String, String> {
        let Some(rereading) = &self.rereading else {
            return Err("this gateway was not started from a configuration that can be read again".to_owned());
        };
        let fresh = (rereading.0)()?;
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
        let is_rest_equal = rest_of(&self.current) == rest_of(&fresh);
        self.accounts.replace_configured(&fresh.accounts);
        if let (Some(keeper), Some((files, prepared))) = (&mut self.keepers.tls, prepared) {
            keeper.take(files, prepared);
        }
        if let (Some(keeper), Some(prepared)) = (&mut self.keepers.sip_tls, sip_prepared) {
            keeper.take(prepared);
        }
        tracing::info!(accounts = fresh.accounts.len(), "configuration read again");
        let mut told = "accounts of the configuration, certificate and key are renewed".to_owned();
        if !is_rest_equal {
            told.push_str("; what else has changed waits for a restart");
        }
        Ok(told)
    }
}

/// Everything that is not renewed, for comparing.
fn rest_of(configuration: &Configuration) -> String {
    let mut rest = configuration.clone();
    rest.accounts.clear();
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
    format!("{rest:?}")
}
