//! TLS between SIP domains: what the gateway proves itself with, and what others have to prove (RFC 5922).

use super::{SYSTEM_ROOTS, TlsError, TlsFiles, certificates, failed, read_chain, read_key};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::watch;
use tokio_rustls::{
    TlsAcceptor, TlsConnector,
    rustls::{
        self, CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, ServerConfig,
        SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        client::{WantsClientCert, verify_server_cert_signed_by_trust_anchor, verify_server_name},
        crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, ServerName, UnixTime},
        server::{ClientHello, ParsedCertificate, ResolvesServerCert, WebPkiClientVerifier},
        sign::CertifiedKey,
    },
};

/// Where everything is that the gateway proves itself with, and by what it judges others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainTlsFiles {
    /// Certificate and key of the gateway, towards everybody that is not named in `towards`.
    pub own: TlsFiles,
    /// The authorities that are believed, as PEM; those of the system when none are named.
    pub authorities: Option<PathBuf>,
    /// What is asked of those who connect.
    pub clients: ClientProof,
    /// Other certificates and keys towards these domains.
    pub towards: BTreeMap<Arc<str>, TlsFiles>,
    // RFC 5922 §7.5, RFC 6066 §3
    /// Other certificates and keys of the gateway, for those who ask for these domains by name.
    pub by_name: BTreeMap<Arc<str>, TlsFiles>,
}

// RFC 5922 §7.4
/// What is asked of those who connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientProof {
    /// A certificate is looked at when there is one.
    Optional,
    /// Nobody connects without a certificate of an authority that is believed.
    Required,
}

/// What connections are accepted and opened with; cheap to clone.
#[derive(Clone)]
pub struct DomainTls(watch::Receiver<Arc<Credentials>>);

/// Replaces what connections are accepted and opened with.
pub struct DomainTlsKeeper {
    current: watch::Sender<Arc<Credentials>>,
}

/// Everything that was read at one time.
pub struct Credentials {
    acceptor: TlsAcceptor,
    connector: TlsConnector,
    towards: BTreeMap<Arc<str>, TlsConnector>,
}

impl DomainTlsKeeper {
    /// Reads everything.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn open(files: &DomainTlsFiles) -> Result<Self, TlsError> {
        Ok(Self { current: watch::Sender::new(Self::prepare(files)?) })
    }

    /// What is used now and after every change.
    #[must_use]
    pub fn subscribe(&self) -> DomainTls {
        DomainTls(self.current.subscribe())
    }

    /// Reads these files; [`Self::take`] makes them those that are used.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn prepare(files: &DomainTlsFiles) -> Result<Arc<Credentials>, TlsError> {
        let roots = Arc::new(read_authorities(files.authorities.as_deref())?);
        let towards = files.towards.iter().map(|(name, own)| Ok((Arc::clone(name), connector(own, &roots)?)));
        Ok(Arc::new(Credentials {
            acceptor: acceptor(files, &roots)?,
            connector: connector(&files.own, &roots)?,
            towards: towards.collect::<Result<_, TlsError>>()?,
        }))
    }

    /// Uses what [`Self::prepare`] has read; connections that are open go on as they are.
    pub fn take(&mut self, prepared: Arc<Credentials>) {
        self.current.send_replace(prepared);
    }
}

impl DomainTls {
    /// What the next connection is accepted with.
    #[must_use]
    pub fn acceptor(&self) -> TlsAcceptor {
        self.0.borrow().acceptor.clone()
    }

    /// What the next connection to the domain is opened with.
    #[must_use]
    pub fn connector(&self, name: &str) -> TlsConnector {
        let current = self.0.borrow();
        current.towards.get(name).unwrap_or(&current.connector).clone()
    }
}

impl std::fmt::Debug for DomainTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DomainTls")
    }
}

impl std::fmt::Debug for DomainTlsKeeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DomainTlsKeeper")
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials")
    }
}

// RFC 5922 §7.1
/// The SIP domains that a certificate names, lower case: those of its `sip:` URIs without user, or, where there is none,
/// its DNS names. The common name is not looked at.
#[must_use]
pub fn identities(certificate: &CertificateDer<'_>) -> Vec<Arc<str>> {
    let Ok(certificate) = webpki::EndEntityCert::try_from(certificate) else { return Vec::new() };
    let uris: Vec<Arc<str>> = certificate.valid_uri_names().filter_map(domain_of_uri).collect();
    if !uris.is_empty() {
        return uris;
    }
    certificate.valid_dns_names().map(|name| Arc::from(name.to_ascii_lowercase())).collect()
}

// RFC 5922 §7.1
fn domain_of_uri(uri: &str) -> Option<Arc<str>> {
    let (scheme, rest) = uri.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("sip") || rest.contains('@') {
        return None;
    }
    // RFC 5922 §7.2: neither port nor parameters are compared.
    let host = rest.split([':', ';', '?', '/']).next().filter(|host| !host.is_empty())?;
    Some(Arc::from(host.to_ascii_lowercase()))
}

// RFC 5922 §7.2
/// Whether one of the identities is the name, in its entirety: wildcards and suffixes mean nothing.
#[must_use]
pub fn names_domain(identities: &[Arc<str>], name: &str) -> bool {
    identities.iter().any(|identity| identity.eq_ignore_ascii_case(name))
}

/// Judges the certificates of servers: by the authorities, then by the rules of SIP instead of those of the web.
#[derive(Debug)]
struct DomainVerifier {
    roots: Arc<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for DomainVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(&certificate, &self.roots, intermediates, now, self.algorithms.all)?;
        match server_name {
            // RFC 5922 §7.3
            ServerName::DnsName(name) if names_domain(&identities(end_entity), name.as_ref()) => {}
            ServerName::DnsName(_) => return Err(CertificateError::NotValidForName.into()),
            // A neighbour that is configured by its address alone.
            ServerName::IpAddress(_) => verify_server_name(&certificate, server_name)?,
            _ => return Err(CertificateError::NotValidForName.into()),
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn acceptor(files: &DomainTlsFiles, roots: &Arc<RootCertStore>) -> Result<TlsAcceptor, TlsError> {
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let builder = if roots.is_empty() && files.clients == ClientProof::Optional {
        builder.with_no_client_auth()
    } else {
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), provider());
        // The names of all authorities of a system do not fit into one record.
        let verifier = verifier.clear_root_hint_subjects();
        let verifier = match files.clients {
            ClientProof::Optional => verifier.allow_unauthenticated(),
            ClientProof::Required => verifier,
        };
        let verifier =
            verifier.build().map_err(|error| TlsError::Unusable(rustls::Error::General(error.to_string())))?;
        builder.with_client_cert_verifier(verifier)
    };
    let by_name = files.by_name.iter().map(|(name, own)| Ok((Arc::clone(name), certified(own)?)));
    let shown = Shown { own: certified(&files.own)?, by_name: by_name.collect::<Result<_, TlsError>>()? };
    Ok(TlsAcceptor::from(Arc::new(builder.with_cert_resolver(Arc::new(shown)))))
}

fn certified(own: &TlsFiles) -> Result<Arc<CertifiedKey>, TlsError> {
    Ok(Arc::new(CertifiedKey::from_der(read_chain(own)?, read_key(own)?, &provider())?))
}

/// What is shown to those who connect.
#[derive(Debug)]
struct Shown {
    own: Arc<CertifiedKey>,
    by_name: BTreeMap<Arc<str>, Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Shown {
    // RFC 5922 §7.5
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().map(str::to_lowercase);
        let named = name.and_then(|name| self.by_name.get(name.as_str()));
        Some(Arc::clone(named.unwrap_or(&self.own)))
    }
}

/// What a client without certificate connects with: for the scripted agents.
///
/// # Errors
/// When the authorities cannot be read.
pub fn connector_without_certificate(authorities: Option<&Path>) -> Result<TlsConnector, TlsError> {
    let roots = Arc::new(read_authorities(authorities)?);
    Ok(TlsConnector::from(Arc::new(client(&roots)?.with_no_client_auth())))
}

fn connector(own: &TlsFiles, roots: &Arc<RootCertStore>) -> Result<TlsConnector, TlsError> {
    let config = client(roots)?.with_client_auth_cert(read_chain(own)?, read_key(own)?)?;
    Ok(TlsConnector::from(Arc::new(config)))
}

fn client(roots: &Arc<RootCertStore>) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, TlsError> {
    let provider = provider();
    let algorithms = provider.signature_verification_algorithms;
    let verifier = Arc::new(DomainVerifier { roots: Arc::clone(roots), algorithms });
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier))
}

fn read_authorities(file: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let of_system = || SYSTEM_ROOTS.iter().map(Path::new).find(|path| path.is_file());
    let Some(path) = file.or_else(of_system) else { return Ok(roots) };
    let (added, _) = roots.add_parsable_certificates(certificates(path)?);
    if added == 0 {
        return Err(failed(path, "no certificate in it can be used".to_owned()));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc5922_7_1_only_sip_uris_without_user_name_a_domain() {
        for (uri, domain) in [
            ("sip:example.com", Some("example.com")),
            ("SIP:Example.COM", Some("example.com")),
            ("sip:example.com:5061;transport=tls", Some("example.com")),
            ("sip:bob@example.com", None),
            ("sips:example.com", None),
            ("https://example.com", None),
            ("sip:", None),
        ] {
            assert_eq!(domain_of_uri(uri).as_deref(), domain, "{uri}");
        }
    }

    #[test]
    fn rfc5922_7_2_names_are_compared_whole_and_without_wildcards() {
        let identities: Vec<Arc<str>> = ["example.com", "*.example.net"].map(Arc::from).to_vec();
        assert!(names_domain(&identities, "EXAMPLE.com"));
        assert!(!names_domain(&identities, "foo.example.com"));
        assert!(!names_domain(&identities, "foo.example.net"));
    }
}
