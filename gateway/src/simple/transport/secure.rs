//! Connections over TLS, whatever carries their octets.

use super::{Connection, Transports};
use crate::tls::domain;
use std::{io, sync::Arc};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};

/// A connection that is protected now, and the SIP domains that its other side has proven to be.
pub(super) struct Secured {
    pub(super) connection: Connection,
    pub(super) identities: Arc<[Arc<str>]>,
}

/// Shakes hands as server.
pub(super) async fn accept(transports: &Transports, connection: Connection) -> io::Result<Secured> {
    let acceptor = transports.tls()?.acceptor();
    let stream = Box::pin(acceptor.accept(tokio::io::join(connection.reader, connection.writer))).await?;
    let identities = proven(stream.get_ref().1.peer_certificates());
    Ok(Secured { connection: split(stream), identities })
}

// RFC 5922 §7.3, §7.8
/// Shakes hands as client: the server learns the name that is meant, and has to prove it.
pub(super) async fn connect(transports: &Transports, connection: Connection, name: &str) -> io::Result<Secured> {
    let connector = transports.tls()?.connector(name);
    let server = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
    let stream = Box::pin(connector.connect(server, tokio::io::join(connection.reader, connection.writer))).await?;
    let identities = proven(stream.get_ref().1.peer_certificates());
    Ok(Secured { connection: split(stream), identities })
}

fn proven(chain: Option<&[CertificateDer<'_>]>) -> Arc<[Arc<str>]> {
    chain.and_then(<[_]>::first).map(domain::identities).unwrap_or_default().into()
}

fn split(stream: impl AsyncRead + AsyncWrite + Unpin + 'static) -> Connection {
    let (reader, writer) = tokio::io::split(stream);
    Connection { reader: Box::new(reader), writer: Box::new(writer) }
}
