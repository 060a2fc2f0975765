//! How a host is described and started.

use super::host::{Host, HostEntry};
use super::processes::Program;
use super::{State, World};
use counterpoint_net::StackSettings;
use counterpoint_runtime::kernel::Waiters;
use counterpoint_runtime::{ObjectKind, Result};
use std::fmt;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;

/// A host to be.
#[must_use = "a host is there once it is started"]
pub struct HostBuilder {
    world: World,
    name: String,
    addresses: Vec<IpAddr>,
    stack: Option<StackSettings>,
}

/// What cannot be in a world.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorldError {
    /// Two hosts of one name.
    NameTaken {
        /// The name.
        name: String,
    },
    /// Two hosts of one address.
    AddressTaken {
        /// The address.
        address: IpAddr,
        /// The host that has it.
        host: String,
    },
    /// An address that no host can have.
    BadAddress {
        /// The address.
        address: IpAddr,
        /// The host that was to have it.
        host: String,
    },
    /// A name that is none.
    BadName {
        /// The name.
        name: String,
    },
    /// There is no host of this name.
    NoSuchHost {
        /// The name.
        name: String,
        /// The hosts that there are.
        known: Vec<String>,
    },
    /// Settings of a link that contradict each other.
    Link(String),
    /// A partition that parts nobody.
    Partition(String),
}

impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WorldError::NameTaken { name } => {
                write!(f, "there is a host `{name}` already: give each its own name, or restart that one")
            }
            WorldError::AddressTaken { address, host } => {
                write!(f, "host `{host}` has the address {address} already: give each host its own")
            }
            WorldError::BadAddress { address, host } => {
                write!(f, "host `{host}` cannot have the address {address}: give it one that is not special")
            }
            WorldError::BadName { name } => {
                write!(
                    f,
                    "`{name}` is no name of a host: use letters, digits, `-` and `.`, and not `localhost`"
                )
            }
            WorldError::NoSuchHost { name, known } => {
                write!(f, "there is no host `{name}`; the hosts are {}", known.join(", "))
            }
            WorldError::Link(text) | WorldError::Partition(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for WorldError {}

impl HostBuilder {
    pub(super) fn new(world: World, name: String) -> HostBuilder {
        HostBuilder { world, name, addresses: Vec::new(), stack: None }
    }

    /// Gives it an address. Default: the next of 10.0.0.0/8, and the same number in fd00::/64.
    pub fn address(mut self, address: impl Into<IpAddr>) -> HostBuilder {
        self.addresses.push(address.into());
        self
    }

    /// Sets what its sockets begin with, and what its kernel allows.
    pub fn stack(self, settings: StackSettings) -> HostBuilder {
        HostBuilder { stack: Some(settings), ..self }
    }

    /// Starts it: the power is on, and its program runs. After a crash, a restart calls `program` again.
    ///
    /// # Errors
    /// [`WorldError`] if the name or an address is taken, or is none.
    pub fn start<F, Fut>(self, program: F) -> Result<Host>
    where
        F: Fn() -> Fut + 'static,
        Fut: Future<Output = Result<()>> + 'static,
    {
        let program: Program = Rc::new(move || Box::pin(program()));
        let HostBuilder { world, name, mut addresses, stack } = self;
        let state = world.state();
        let index = state.hosts.borrow().len() as u32;
        let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.' || byte == b'_';
        if name.is_empty() || name == "localhost" || !name.bytes().all(good) || name.parse::<IpAddr>().is_ok()
        {
            return Err(WorldError::BadName { name }.into());
        }
        if state.names.borrow().contains_key(&name) {
            return Err(WorldError::NameTaken { name }.into());
        }
        if addresses.is_empty() {
            addresses = state.free_addresses();
        }
        for address in &addresses {
            let special = address.is_loopback() || address.is_unspecified() || address.is_multicast();
            if special {
                return Err(WorldError::BadAddress { address: *address, host: name }.into());
            }
            let owner = state
                .network
                .with(|network| network.owner_of(*address).map(|stack| network.stack_name(stack).to_owned()));
            if let Some(host) = owner {
                return Err(WorldError::AddressTaken { address: *address, host }.into());
            }
        }
        let number = state.network.with(|network| {
            let number = network.add_stack(&name, addresses);
            if let Some(stack) = stack {
                network.configure_stack(number, stack);
            }
            network.tell_of_host(number, "starts");
            number
        });
        let waiters = state.main.enter(|| Waiters::new(ObjectKind::Process));
        waiters.set_name(name.clone());
        state.names.borrow_mut().insert(name.clone(), index);
        state.hosts.borrow_mut().push(HostEntry::new(name, number, program, waiters));
        state.start_process(index)?;
        Ok(Host::new(world, index))
    }
}

impl fmt::Debug for HostBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostBuilder").field("name", &self.name).field("addresses", &self.addresses).finish()
    }
}

impl State {
    /// The next addresses that no host has.
    fn free_addresses(&self) -> Vec<IpAddr> {
        let from = self.last_address.get() + 1;
        let free = self.network.with(|network| {
            let is_free = |pair: &[IpAddr]| pair.iter().all(|ip| network.owner_of(*ip).is_none());
            (from..).map(|n| (n, default_addresses(n))).find(|(_, pair)| is_free(pair))
        });
        let (n, addresses) = free.expect("there are more addresses than hosts");
        self.last_address.set(n);
        addresses
    }
}

/// The addresses of the nth host: 10.x.y.z and fd00::n.
fn default_addresses(n: u32) -> Vec<IpAddr> {
    let v4 = Ipv4Addr::from(0x0A00_0000 | n);
    let v6 = Ipv6Addr::from(0xFD00_u128 << 112 | u128::from(n));
    vec![v4.into(), v6.into()]
}
