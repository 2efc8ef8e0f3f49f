//! Reading the configuration again while the gateway runs: all or nothing.

use crate::{
    account::AccountRegistry,
    config::Configuration,
    tls::{TlsIdentity, TlsKeeper},
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
    tls: Option<TlsKeeper>,
}

impl Renewal {
    pub(super) const fn new(
        rereading: Option<Rereading>,
        current: Arc<Configuration>,
        accounts: Arc<AccountRegistry>,
        tls: Option<TlsKeeper>,
    ) -> Self {
        Self { rereading, current, accounts, tls }
    }

    pub(super) fn identity(&self) -> Option<TlsIdentity> {
        self.tls.as_ref().map(TlsKeeper::identity)
    }

    /// Reads everything, and takes it only when all of it can be used. Tells what was renewed, and what waits for a
    /// restart.
    pub(super) fn renew(&mut self) -> Result<String, String> {
        let Some(rereading) = &self.rereading else {
            return Err("this gateway was not started from a configuration that can be read again".to_owned());
        };
        let fresh = (rereading.0)()?;
        let files = fresh.wv_access.as_ref().and_then(|access| access.tls.as_ref()).map(|tls| tls.files.clone());
        let prepared = match (&self.tls, files) {
            (Some(_), Some(files)) => {
                let prepared = TlsKeeper::prepare(&files).map_err(|error| error.to_string())?;
                Some((files, prepared))
            }
            _ => None,
        };
        let is_rest_equal = rest_of(&self.current) == rest_of(&fresh);
        self.accounts.replace_configured(&fresh.accounts);
        if let (Some(keeper), Some((files, prepared))) = (&mut self.tls, prepared) {
            keeper.take(files, prepared);
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
    format!("{rest:?}")
}
