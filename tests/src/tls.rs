//! Services that speak TLS, and the certificates that they show.

use crate::folder::Folder;
use gateway::tls::{TlsFiles, TlsKeeper};
use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A service on the loopback interface, with a certificate signed by an authority of its own.
#[derive(Debug)]
pub struct TlsService {
    listener: TcpListener,
    config: Arc<ServerConfig>,
    authority: PathBuf,
    _folder: Folder,
}

impl TlsService {
    /// Makes the certificates with this `openssl`, and listens.
    ///
    /// # Panics
    /// When it cannot.
    #[must_use]
    pub fn start(openssl: &Path) -> Self {
        let folder = certificates(openssl);
        let file = |name: &str| folder.file(name);
        let files = TlsFiles { certificate: file("leaf.pem"), key: file("leaf.key") };
        Self {
            listener: TcpListener::bind("127.0.0.1:0").unwrap(),
            config: TlsKeeper::prepare(&files).unwrap(),
            authority: file("authority.pem"),
            _folder: folder,
        }
    }

    /// Where it is.
    ///
    /// # Panics
    /// Never: it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// The file of the certificate by which it is to be believed.
    #[must_use]
    pub fn authority(&self) -> &Path {
        &self.authority
    }

    /// The next connection.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn accept(&self) -> StreamOwned<ServerConnection, TcpStream> {
        let (stream, _) = self.listener.accept().unwrap();
        StreamOwned::new(ServerConnection::new(Arc::clone(&self.config)).unwrap(), stream)
    }
}

/// A folder with `leaf.pem` and `leaf.key` for 127.0.0.1, signed by `authority.pem`.
///
/// # Panics
/// When this `openssl` cannot make them.
#[must_use]
pub fn certificates(openssl: &Path) -> Folder {
    let folder = Folder::new("service");
    let file = |name: &str| folder.file(name);
    std::fs::write(file("leaf.cnf"), "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n").unwrap();
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let run = |arguments: &[&str], files: &[(&str, &str)]| {
        let mut command = Command::new(openssl);
        command.args(arguments).stderr(Stdio::null()).stdout(Stdio::null());
        for (option, name) in files {
            command.arg(option).arg(file(name));
        }
        assert!(command.status().unwrap().success(), "openssl {arguments:?}");
    };
    let authority = [["req", "-x509", "-days", "2", "-subj", "/CN=authority"].as_slice(), &curve].concat();
    run(&authority, &[("-keyout", "authority.key"), ("-out", "authority.pem")]);
    let request = [["req", "-subj", "/CN=127.0.0.1"].as_slice(), &curve].concat();
    run(&request, &[("-keyout", "leaf.key"), ("-out", "leaf.csr")]);
    let signed = [
        ("-in", "leaf.csr"),
        ("-CA", "authority.pem"),
        ("-CAkey", "authority.key"),
        ("-extfile", "leaf.cnf"),
        ("-out", "leaf.pem"),
    ];
    run(&["x509", "-req", "-days", "2", "-CAcreateserial"], &signed);
    folder
}
