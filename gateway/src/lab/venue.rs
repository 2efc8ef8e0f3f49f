//! Where scenarios are performed: against gateways that the laboratory starts, or at a site that is there.

use super::{
    catalogue::Run,
    gateway_process::GatewayProcess,
    pool::{Cast, Pool},
    scenario::{
        model::{Scenario, Stages, Variant},
        stage::{Role, RoleKind, StageError},
    },
    site::Site,
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// A venue.
#[derive(Debug)]
pub struct Venue {
    /// The program that is gateway and actors.
    program: PathBuf,
    kind: Kind,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one")]
enum Kind {
    Own { pool: Pool, gateway: OnceLock<Result<GatewayProcess, StageError>> },
    Site(Site),
}

impl Venue {
    /// Gateways that the program is; one of them is shared by all runs that want none of their own.
    ///
    /// # Errors
    /// When no ports are free.
    pub fn own(program: &Path, runs: &[Run]) -> io::Result<Self> {
        let kind = Kind::Own { pool: Pool::shared(runs)?, gateway: OnceLock::new() };
        Ok(Self { program: program.to_owned(), kind })
    }

    /// A site.
    #[must_use]
    pub fn at(program: &Path, site: Site) -> Self {
        Self { program: program.to_owned(), kind: Kind::Site(site) }
    }

    /// Whether several scenarios can be performed at the same time: users of a site would meet each other.
    #[must_use]
    pub const fn is_for_several(&self) -> bool {
        matches!(self.kind, Kind::Own { .. })
    }

    /// Why a scenario does not apply here.
    #[must_use]
    pub fn lacks(&self, scenario: &Scenario, variant: &Variant) -> Option<String> {
        match &self.kind {
            Kind::Own { .. } if scenario.stages == Stages::Simulation => Some("only for virtual time".to_owned()),
            Kind::Own { .. } => None,
            Kind::Site(site) => site.lacks(scenario, variant),
        }
    }

    /// The program that plays actors.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Somebody for a part.
    pub(super) fn give(&self, role: &Role) -> Result<Cast, StageError> {
        match &self.kind {
            Kind::Own { pool, .. } => pool.give(role),
            Kind::Site(site) => site.give(role),
        }
    }

    /// Where somebody in this part finds the system.
    pub(super) fn server(&self, kind: &RoleKind) -> Result<String, StageError> {
        match &self.kind {
            Kind::Own { pool, gateway } => {
                let gateway = gateway.get_or_init(|| start(&self.program, pool, &[]));
                gateway.as_ref().map(|gateway| server_of(gateway, kind)).map_err(Clone::clone)
            }
            Kind::Site(site) => {
                let server = match kind {
                    RoleKind::WvClient { .. } => &site.system.csp,
                    RoleKind::SipAgent { .. } | RoleKind::SimpleServer { .. } => &site.system.sip,
                };
                server.clone().ok_or_else(|| StageError::NotOffered("such a server".to_owned()))
            }
        }
    }

    /// A gateway for one scenario alone.
    pub(super) fn start_own(&self, pool: &Pool, settings: &[(String, String)]) -> Result<GatewayProcess, StageError> {
        match self.kind {
            Kind::Own { .. } => start(&self.program, pool, settings),
            Kind::Site(_) => Err(StageError::NotOffered("gateway of its own".to_owned())),
        }
    }
}

/// Where somebody in this part finds a gateway.
pub(super) fn server_of(gateway: &GatewayProcess, kind: &RoleKind) -> String {
    match kind {
        RoleKind::WvClient { .. } => gateway.csp_url(),
        RoleKind::SipAgent { .. } | RoleKind::SimpleServer { .. } => gateway.sip().to_string(),
    }
}

fn start(program: &Path, pool: &Pool, settings: &[(String, String)]) -> Result<GatewayProcess, StageError> {
    let (text, settings) = pool.configuration_with(settings);
    GatewayProcess::start(program, &text, &settings).map_err(|error| StageError::Gateway(error.to_string()))
}
