//! TLS: certificate and key of the listeners from files, replaced while the gateway runs; and whom the gateway believes
//! when it calls services itself.

pub mod domain;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::watch;
use tokio_rustls::{
    TlsAcceptor, TlsConnector,
    rustls::{
        ClientConfig, RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
        server::WebPkiClientVerifier,
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

/// Whom the gateway believes when it calls a service over TLS; nobody until files were read. Cheap to clone.
#[derive(Clone, Default)]
pub struct TlsTrust(Option<Arc<ClientConfig>>);

impl TlsTrust {
    /// Believes those whose certificates are signed by one of this file, or of the file that the system has for that.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn open(ca_file: Option<&Path>) -> Result<Self, TlsError> {
        Self::open_showing(ca_file, None)
    }

    /// The same, and shows a certificate of our own to whoever asks for one.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn open_showing(ca_file: Option<&Path>, own: Option<&TlsFiles>) -> Result<Self, TlsError> {
        let of_system = || SYSTEM_ROOTS.iter().map(Path::new).find(|path| path.is_file());
        let path = ca_file.or_else(of_system).ok_or(TlsError::NoRoots)?;
        let mut roots = RootCertStore::empty();
        // The file of the system may hold what nobody can read.
        let (added, _) = roots.add_parsable_certificates(certificates(path)?);
        if added == 0 {
            return Err(failed(path, "no certificate in it can be used".to_owned()));
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions()?.with_root_certificates(roots);
        let mut config = match own {
            Some(own) => builder.with_client_auth_cert(read_chain(own)?, read_key(own)?)?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Some(Arc::new(config))))
    }

    /// What connections are begun with; none when no file was read.
    #[must_use]
    pub fn connector(&self) -> Option<TlsConnector> {
        self.0.clone().map(TlsConnector::from)
    }

    /// The same for connections that block.
    #[must_use]
    pub fn config(&self) -> Option<Arc<ClientConfig>> {
        self.0.clone()
    }
}

impl std::fmt::Debug for TlsTrust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsTrust")
    }
}

/// Where systems keep the certificates that everybody believes.
const SYSTEM_ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

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
    /// Neither a file is named nor has the system one.
    #[error("no file of trusted certificates: write node.ca_file")]
    NoRoots,
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
    /// Reads certificate and key once. With authorities only those are let in whose certificates they have signed.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn open(files: &TlsFiles, authorities: Option<&Path>) -> Result<Self, TlsError> {
        let config = match authorities {
            None => read(files)?,
            Some(path) => read_certified(files, path)?,
        };
        Ok(Self(watch::Sender::new(config).subscribe()))
    }

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

fn failed(path: &Path, reason: String) -> TlsError {
    TlsError::File { path: path.to_owned(), reason }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let chain = chain.map_err(|error| failed(path, error.to_string()))?;
    if chain.is_empty() { Err(failed(path, "there is no certificate in it".to_owned())) } else { Ok(chain) }
}

fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
    let mut config = builder.with_single_cert(read_chain(files)?, read_key(files)?)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn read_certified(files: &TlsFiles, authorities: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates(authorities)?);
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let verifier = verifier.build().map_err(|error| failed(authorities, error.to_string()))?;
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = builder.with_client_cert_verifier(verifier);
    let mut config = builder.with_single_cert(read_chain(files)?, read_key(files)?)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn read_chain(files: &TlsFiles) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    certificates(&files.certificate)
}

fn read_key(files: &TlsFiles) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(&files.key).map_err(|error| failed(&files.key, error.to_string()))
}
