//! A site: the system under test where it is not a gateway that the laboratory starts itself. Who its users are, where it
//! listens, what it speaks.

use super::{
    pool::Cast,
    scenario::{
        model::{PartKind, Scenario, Stages, Variant},
        stage::{GatewayWish, Identity, Role, RoleKind, SipTransport, StageError},
    },
};
use serde::Deserialize;
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

/// A site as its file describes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// The system.
    pub system: System,
    /// Its users.
    #[serde(default, rename = "user")]
    pub users: Vec<SiteUser>,
    /// The SIMPLE servers that the laboratory may be, which the system knows as its neighbours.
    #[serde(default, rename = "server")]
    pub servers: Vec<SiteServer>,
    #[serde(skip)]
    given: Given,
}

/// What is tested.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// What it is called in reports.
    pub name: String,
    /// Its CSP server, `http://HOST:PORT/PATH`; none when it speaks no CSP.
    pub csp: Option<String>,
    /// Its SIP server, `HOST:PORT`; none when it speaks no SIP.
    pub sip: Option<String>,
    /// The versions of CSP that it speaks.
    #[serde(default = "all_versions")]
    pub versions: Vec<String>,
    /// The encodings that it speaks.
    #[serde(default = "all_encodings")]
    pub encodings: Vec<String>,
}

/// A user.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteUser {
    /// `wv:alice@wv.example` or `sip:bob@sip.example`.
    pub user: String,
    /// The password.
    pub password: String,
}

/// A server that the laboratory may be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteServer {
    /// Its domain.
    pub domain: String,
    /// Where the system expects it.
    pub listen: SocketAddr,
    /// By which transport.
    #[serde(default)]
    pub transport: ServerTransport,
}

/// How SIP goes to a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerTransport {
    /// Datagrams.
    #[default]
    Udp,
    /// Connections.
    Tcp,
}

/// What is wrong with a site.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SiteError {
    /// It is no TOML, or has other keys.
    #[error("{0}")]
    Form(String),
    /// An address that is none.
    #[error("\"{0}\" is no {1}")]
    Address(String, &'static str),
    /// There is nothing to test.
    #[error("[system] has neither csp nor sip")]
    NoAddress,
}

/// How many users of each kind were given out.
#[derive(Debug, Default)]
struct Given {
    wv: AtomicUsize,
    sip: AtomicUsize,
    servers: AtomicUsize,
}

impl Site {
    /// Reads the text of a site file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, SiteError> {
        let site: Self = toml::from_str(text).map_err(|error| SiteError::Form(error.to_string()))?;
        if site.system.csp.is_none() && site.system.sip.is_none() {
            return Err(SiteError::NoAddress);
        }
        for user in &site.users {
            let bare = user.user.strip_prefix("wv:").or_else(|| user.user.strip_prefix("sip:"));
            let parts = bare.and_then(|bare| bare.split_once('@'));
            if !parts.is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty()) {
                return Err(SiteError::Address(user.user.clone(), "user, such as wv:alice@wv.example"));
            }
        }
        let csp = site.system.csp.iter().find(|url| !url.starts_with("http://"));
        match csp {
            Some(url) => Err(SiteError::Address(url.clone(), "address of a CSP server, http://HOST:PORT/PATH")),
            None => Ok(site),
        }
    }

    /// Why a scenario does not apply to this site; none when it does.
    #[must_use]
    pub fn lacks(&self, scenario: &Scenario, variant: &Variant) -> Option<String> {
        if scenario.stages == Stages::Simulation {
            return Some("only for virtual time".to_owned());
        }
        if let GatewayWish::Own(_) = scenario.gateway {
            return Some("needs a gateway of its own, with settings or to be killed".to_owned());
        }
        let (mut wv, mut sip) = (0, 0);
        for part in &scenario.cast {
            let is_new = usize::from(part.shares_user_of.is_none());
            match &part.kind {
                PartKind::WvClient(own) => {
                    let Variant { csp, encoding } = own.as_ref().unwrap_or(variant);
                    if self.system.csp.is_none() {
                        return Some("needs a CSP server".to_owned());
                    }
                    if !self.system.versions.contains(csp) || !self.system.encodings.contains(encoding) {
                        return Some(format!("the system does not speak CSP {csp} in {encoding}"));
                    }
                    wv += is_new;
                }
                PartKind::SipAgent(_) | PartKind::SimpleServer(_) if self.system.sip.is_none() => {
                    return Some("needs a SIP server".to_owned());
                }
                PartKind::SipAgent(_) => sip += is_new,
                PartKind::SimpleServer(transport) => {
                    let wanted = scenario.cast.iter().filter(|other| other.kind == part.kind).count();
                    if self.servers(*transport).count() < wanted {
                        return Some(format!(
                            "needs {wanted} neighbour servers ({transport:?}) that the site does not name"
                        ));
                    }
                }
            }
        }
        for (scheme, wanted) in [("wv:", wv), ("sip:", sip)] {
            let there = self.users(scheme).count();
            if there < wanted {
                return Some(format!("needs {wanted} users {scheme}…, the site names {there}"));
            }
        }
        None
    }

    /// Somebody for a part. Users take turns, so that those of one scenario differ and the next one gets others while
    /// there are some.
    ///
    /// # Errors
    /// When there is nobody of the kind.
    pub fn give(&self, role: &Role) -> Result<Cast, StageError> {
        let nobody = || StageError::NotOffered(format!("user for {}", role.name));
        let turn = |given: &AtomicUsize, count: usize| given.fetch_add(1, Ordering::Relaxed).checked_rem(count);
        let user = |scheme: &'static str, given: &AtomicUsize| {
            let number = turn(given, self.users(scheme).count())?;
            let user = self.users(scheme).nth(number)?;
            let address = user.user.strip_prefix(scheme)?.to_owned();
            Some((Identity { address, password: user.password.clone() }, None))
        };
        match &role.kind {
            RoleKind::WvClient { .. } => user("wv:", &self.given.wv).ok_or_else(nobody),
            RoleKind::SipAgent { .. } => user("sip:", &self.given.sip).ok_or_else(nobody),
            RoleKind::SimpleServer { transport } => {
                let number = turn(&self.given.servers, self.servers(*transport).count()).ok_or_else(nobody)?;
                let server = self.servers(*transport).nth(number).ok_or_else(nobody)?;
                let identity = Identity { address: format!("user@{}", server.domain), password: String::new() };
                Ok((identity, Some(server.listen)))
            }
        }
    }

    /// The users of a scheme.
    pub fn users(&self, scheme: &str) -> impl Iterator<Item = &SiteUser> {
        self.users.iter().filter(move |user| user.user.starts_with(scheme))
    }

    fn servers(&self, transport: SipTransport) -> impl Iterator<Item = &SiteServer> {
        self.servers.iter().filter(move |server| match server.transport {
            ServerTransport::Udp => transport == SipTransport::Udp,
            ServerTransport::Tcp => transport == SipTransport::Tcp,
        })
    }

    /// A commented site file to start from: a gateway that runs as `init lab` configures it.
    pub const EXAMPLE: &'static str = include_str!("site/example.toml");
}

fn all_versions() -> Vec<String> {
    ["1.1", "1.2", "1.3"].map(str::to_owned).to_vec()
}

fn all_encodings() -> Vec<String> {
    ["xml", "wbxml"].map(str::to_owned).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::catalogue::{Catalogue, Selection};

    fn lacks(site: &str, name: &str) -> Option<String> {
        let site = Site::parse(site).unwrap();
        let selection = Selection { words: vec![name.to_owned()], ..Selection::default() };
        let runs = Catalogue::embedded().unwrap().runs(&selection).unwrap();
        site.lacks(&runs[0].scenario, &runs[0].variant)
    }

    #[test]
    fn the_example_has_what_most_cases_need() {
        assert_eq!(lacks(Site::EXAMPLE, "iwf_msg_int_001"), None);
        assert_eq!(lacks(Site::EXAMPLE, "iwf_sub_int_001"), None);
    }

    #[test]
    fn what_a_system_has_not_is_told() {
        let only_sip = "[system]\nname = \"x\"\nsip = \"127.0.0.1:5060\"\n";
        assert_eq!(lacks(only_sip, "iwf_msg_int_001").as_deref(), Some("needs a CSP server"));
        let nobody = "[system]\nname = \"x\"\ncsp = \"http://h/\"\nsip = \"127.0.0.1:5060\"\n";
        assert_eq!(lacks(nobody, "iwf_msg_int_001").as_deref(), Some("needs 1 users wv:…, the site names 0"));
        let old = "[system]\nname = \"x\"\ncsp = \"http://h/\"\nversions = [\"1.2\"]\n";
        assert!(lacks(old, "iwf_msg_int_001").unwrap().contains("CSP 1.1"));
    }

    #[test]
    fn a_file_that_is_no_site_is_refused() {
        for (text, part) in [
            ("[system]\nname = \"x\"\n", "neither csp nor sip"),
            ("[system]\nname = \"x\"\nsip = \"h\"\ncolour = 1\n", "colour"),
            ("[system]\nname = \"x\"\ncsp = \"https://h/\"\n", "http://HOST:PORT/PATH"),
            ("[system]\nname = \"x\"\nsip = \"h\"\n[[user]]\nuser = \"bob\"\npassword = \"\"\n", "\"bob\" is no user"),
        ] {
            let error = Site::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
