//! Certificates for tests, made by openssl: an authority, and what it signs.

use crate::folder::Folder;
use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// An authority with its folder of certificates.
#[derive(Debug)]
pub struct Authority {
    openssl: PathBuf,
    folder: Folder,
}

/// Files of a certificate and its key.
#[derive(Clone, Debug)]
pub struct Certified {
    /// The certificate.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

impl Authority {
    /// A new one; none where openssl is absent.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn new() -> Option<Self> {
        let openssl = crate::tool::find("openssl")?;
        let authority = Self { openssl, folder: Folder::new("authority") };
        let usage = "basicConstraints=critical,CA:TRUE";
        authority.make(&authority.own(), &["-subj", "/CN=authority", "-addext", usage]);
        Some(authority)
    }

    /// Its certificate.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.own().certificate
    }

    /// Signs a certificate for these names, such as `DNS:sip.example` or `URI:sip:sip.example`. Another one of the same
    /// file name replaces it.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn sign(&self, file: &str, names: &str) -> Certified {
        let signed = self.files(file);
        let own = self.own();
        let names = format!("subjectAltName={names}");
        let (certificate, key) = (own.certificate.display().to_string(), own.key.display().to_string());
        let by_authority = ["-CA", &certificate, "-CAkey", &key];
        let subject = format!("/CN={file}");
        let what = ["-subj", &subject, "-addext", &names, "-addext", "basicConstraints=critical,CA:FALSE"];
        self.make(&signed, &[&by_authority[..], &what[..]].concat());
        signed
    }

    /// Sends octets over TLS to a port of this machine, with a certificate when one is given, and returns what comes
    /// back until the other side closes, with what the client tells of the handshake.
    ///
    /// # Panics
    /// When the client cannot be started.
    #[must_use]
    pub fn exchange(&self, port: u16, own: Option<&Certified>, octets: &[u8]) -> String {
        self.exchange_named(port, "sip.example", own, octets)
    }

    /// The same, asking for this server by name.
    ///
    /// # Panics
    /// When the client cannot be started.
    #[must_use]
    pub fn exchange_named(&self, port: u16, name: &str, own: Option<&Certified>, octets: &[u8]) -> String {
        let mut command = Command::new(&self.openssl);
        command.args(["s_client", "-connect", &format!("127.0.0.1:{port}"), "-servername", name, "-ign_eof"]);
        command.arg("-CAfile").arg(self.file());
        if let Some(own) = own {
            command.arg("-cert").arg(&own.certificate).arg("-key").arg(&own.key);
        }
        let mut client =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("openssl");
        client.stdin.as_mut().expect("a pipe").write_all(octets).expect("openssl reads");
        let output = client.wait_with_output().expect("openssl ends");
        [output.stdout, output.stderr].iter().map(|part| String::from_utf8_lossy(part)).collect()
    }

    fn make(&self, files: &Certified, arguments: &[&str]) {
        let output = Command::new(&self.openssl)
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
            .args(arguments)
            .arg("-keyout")
            .arg(&files.key)
            .arg("-out")
            .arg(&files.certificate)
            .output()
            .expect("openssl can be started");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn own(&self) -> Certified {
        self.files("authority")
    }

    fn files(&self, name: &str) -> Certified {
        let file = |ending: &str| self.folder.file(&format!("{name}.{ending}"));
        Certified { certificate: file("pem"), key: file("key") }
    }
}

impl Certified {
    /// The settings that make these the files of an option prefix such as `simple` or `peer[0]`.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let text = |path: &Path| path.display().to_string();
        format!("tls_certificate = {:?}\ntls_key = {:?}\n", text(&self.certificate), text(&self.key))
    }
}
