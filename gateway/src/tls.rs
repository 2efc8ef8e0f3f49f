//! TLS of the listeners: certificate and key from files, replaced while the gateway runs.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::watch;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

/// Where certificate and key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain, as PEM.
    pub certificate: PathBuf,
    /// The key, as PEM.
    pub key: PathBuf,
}

/// What connections are accepted with; cheap to clone.
#[derive(Clone)]
pub struct TlsIdentity(watch::Receiver<Arc<ServerConfig>>);

/// Replaces what connections are accepted with.
pub struct TlsKeeper {
    files: TlsFiles,
    current: watch::Sender<Arc<ServerConfig>>,
}

/// Why certificate and key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds nothing of the kind.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// They do not fit together, or are of a kind that is not served.
    #[error("certificate and key: {0}")]
    Unusable(#[from] tokio_rustls::rustls::Error),
}

impl TlsKeeper {
    /// Reads certificate and key.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let current = watch::Sender::new(read(&files)?);
        Ok(Self { files, current })
    }

    /// What connections are accepted with, now and after every change.
    #[must_use]
    pub fn identity(&self) -> TlsIdentity {
        TlsIdentity(self.current.subscribe())
    }

    /// Reads these files; [`Self::take`] makes them those that are used.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn prepare(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
        read(files)
    }

    /// Uses what [`Self::prepare`] has read; connections that are open go on as they are.
    pub fn take(&mut self, files: TlsFiles, prepared: Arc<ServerConfig>) {
        self.files = files;
        self.current.send_replace(prepared);
    }
}

impl TlsIdentity {
    /// What the next connection is accepted with.
    #[must_use]
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.0.borrow()))
    }
}

impl std::fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsIdentity")
    }
}

impl std::fmt::Debug for TlsKeeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsKeeper").field("files", &self.files).finish_non_exhaustive()
    }
}

fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let failed = |path: &Path, reason: String| TlsError::File { path: path.to_owned(), reason };
    let chain: Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_file_iter(&files.certificate).and_then(Iterator::collect);
    let chain = chain.map_err(|error| failed(&files.certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(failed(&files.certificate, "there is no certificate in it".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| failed(&files.key, error.to_string()))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let mut config =
        builder.with_safe_default_protocol_versions()?.with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
