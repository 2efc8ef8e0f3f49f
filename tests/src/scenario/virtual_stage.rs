//! The stage of virtual time: the whole gateway and all actors in one thread; octets and time are carried by hand, so that
//! a wait of an hour takes no longer than what happens in it.

mod house;
mod line;

use gateway::lab::{
    actor::Casting,
    pool::Pool,
    scenario::{
        seen::Seen,
        stage::{Act, GatewayWish, Identity, Order, Role, RoleKind, Setting, Stage, StageError},
    },
};
use house::{GATEWAY, House};
use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use tokio::{runtime::Runtime, task::LocalSet};

/// A stage in virtual time. Everything on it follows from its seed: how long each message is under way, and with that
/// which overtakes which.
pub struct VirtualStage {
    seed: u64,
    runtime: Runtime,
    tasks: LocalSet,
    house: Option<House>,
}

impl VirtualStage {
    /// A stage on which nobody is yet. With seed 0 everything takes equally long.
    ///
    /// # Panics
    /// When there is no runtime to be had.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        Self { seed, runtime, tasks: LocalSet::new(), house: None }
    }

    /// Does something in the house, where tasks can run beside it.
    fn inside<T>(&mut self, work: impl AsyncFnOnce(&mut House) -> T) -> Result<T, StageError> {
        let house = self.house.as_mut().ok_or_else(|| StageError::Gateway("the stage is not open".to_owned()))?;
        Ok(self.tasks.block_on(&self.runtime, work(house)))
    }
}

impl Stage for VirtualStage {
    fn open(&mut self, setting: &Setting) -> Result<Vec<Identity>, StageError> {
        let pool = Pool::simulated(&setting.roles, |number| address_of(SERVERS, number, 5060))
            .map_err(|error| StageError::Gateway(error.to_string()))?;
        let settings = match &setting.gateway {
            GatewayWish::Shared => &[],
            GatewayWish::Own(settings) => settings.as_slice(),
        };
        let (text, settings) = pool.configuration_with(settings);
        let mut house = House::new(&text, &settings, self.seed).map_err(StageError::Gateway)?;
        let mut identities: Vec<Identity> = Vec::new();
        for (number, role) in setting.roles.iter().enumerate() {
            let shared = role.shares_user_of.and_then(|other| identities.get(other).cloned());
            let (identity, listen) = match shared {
                Some(identity) => (identity, None),
                None => pool.give(role)?,
            };
            let address = listen.unwrap_or_else(|| match role.kind {
                RoleKind::WvClient { .. } => address_of(PHONES, number, 4000),
                RoleKind::SipAgent { .. } | RoleKind::SimpleServer { .. } => address_of(AGENTS, number, 5060),
            });
            house.enter(&casting(role, &identity, address), self.seed).map_err(StageError::Gateway)?;
            identities.push(identity);
        }
        self.house = Some(house);
        self.inside(async |house| house.start().await)?;
        Ok(identities)
    }

    fn perform(&mut self, actor: usize, act: &Act) -> Result<(), StageError> {
        let act = act.clone();
        self.inside(async |house| house.perform(actor, act).await)
    }

    fn operate(&mut self, order: Order) -> Result<(), StageError> {
        match order {
            Order::Kill => {
                self.inside(async |house| house.kill())?;
                // What ran beside the gateway ends with it.
                self.tasks = LocalSet::new();
                Ok(())
            }
            Order::Drain => Err(StageError::NotOffered("end in order (write: only sockets)".to_owned())),
            Order::Start => self.inside(async |house| house.start().await),
        }
    }

    fn next(&mut self, patience: Duration) -> Result<Option<(usize, Seen)>, StageError> {
        self.inside(async |house| house.next(patience).await)
    }

    fn now(&self) -> Duration {
        self.house.as_ref().map(House::now).unwrap_or_default()
    }
}

fn casting(role: &Role, identity: &Identity, address: SocketAddr) -> Casting {
    let server = match role.kind {
        RoleKind::WvClient { .. } => "http://10.0.0.1:8080/csp".to_owned(),
        RoleKind::SipAgent { .. } | RoleKind::SimpleServer { .. } => GATEWAY.to_string(),
    };
    Casting {
        role: role.clone(),
        identity: identity.clone(),
        server,
        listen: Some(address),
        unique: role.name.clone(),
        poll_ms: None,
        captures: false,
    }
}

/// An address of its own for everybody.
fn address_of(net: u8, number: usize, port: u16) -> SocketAddr {
    let number = u16::try_from(number.saturating_add(1)).unwrap_or(u16::MAX);
    let [high, low] = number.to_be_bytes();
    SocketAddr::from((Ipv4Addr::new(10, net, high, low), port))
}

/// The networks of the actors.
const PHONES: u8 = 1;
const AGENTS: u8 = 2;
const SERVERS: u8 = 3;
