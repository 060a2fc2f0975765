//! A host's half of the network: its addresses, its ports and who has them, its Unix names.
//!
//! Knows no links and no other host. The rules of `bind` are Linux's, with its surprises: what lets two sockets share a
//! port is asked of both, and a connection that is over but waits its minute counts.

use crate::addr::UnixAddress;
use crate::errno::Errno;
use crate::table::{Body, Socket, SocketId, Sockets};
use crate::tcp::Settings;
use counterpoint_runtime::choices::Draws;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::rc::Rc;

/// Linux's `ip_local_port_range`.
const EPHEMERAL: RangeInclusive<u16> = 32768..=60999;

/// TCP and UDP have ports of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Transport {
    Tcp,
    Udp,
}

/// Names a connection on its host: own port, the other end, own address.
pub(crate) type ConnectionKey = (u16, SocketAddr, IpAddr);

/// A host's half of the network.
pub(crate) struct Stack {
    pub(crate) name: String,
    /// The hash of the name: what draws name it by.
    pub(crate) key: u64,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) power: bool,
    pub(crate) frozen: bool,
    /// How often it was switched on.
    pub(crate) incarnation: u64,
    bound: BTreeMap<(Transport, u16), Vec<u32>>,
    pub(crate) connections: BTreeMap<ConnectionKey, u32>,
    ports: RangeInclusive<u16>,
    next_port: u16,
    /// Ports are counted up instead of Linux's even and odd ones.
    counted: bool,
    pub(crate) unix: BTreeMap<UnixAddress, Option<SocketId>>,
    pub(crate) autobound: u32,
    pub(crate) settings: Rc<Settings>,
    /// Datagrams that a socket's queue holds; none: by Linux's memory.
    pub(crate) datagram_queue: Option<usize>,
    /// Sockets whose timers came while it was frozen.
    pub(crate) held_timers: Vec<SocketId>,
}

impl Stack {
    pub(crate) fn new(name: &str, addresses: Vec<IpAddr>) -> Stack {
        let bytes = name.bytes().map(u64::from).collect::<Vec<_>>();
        Stack {
            name: name.to_owned(),
            key: Draws::key(&bytes),
            addresses,
            power: true,
            frozen: false,
            incarnation: 0,
            bound: BTreeMap::new(),
            connections: BTreeMap::new(),
            ports: EPHEMERAL,
            next_port: 0,
            counted: false,
            unix: BTreeMap::new(),
            autobound: 0,
            settings: Rc::new(Settings::default()),
            datagram_queue: None,
            held_timers: Vec::new(),
        }
    }

    /// Ephemeral ports are counted up from here.
    pub(crate) fn count_ports_from(&mut self, first: u16) {
        (self.ports, self.next_port, self.counted) = (first..=u16::MAX, first, true);
    }

    /// Sets the range of ephemeral ports (`ip_local_port_range`).
    pub(crate) fn set_ports(&mut self, ports: RangeInclusive<u16>) {
        (self.ports, self.next_port) = (ports, 0);
    }

    /// The power goes: nothing of it stays.
    pub(crate) fn forget(&mut self) {
        self.bound.clear();
        self.connections.clear();
        self.unix.clear();
        self.held_timers.clear();
        self.power = false;
        self.frozen = false;
        if !self.counted {
            self.next_port = 0;
        }
    }

    /// Is this one of the host's own addresses?
    pub(crate) fn has(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.addresses.contains(&address)
    }

    /// Whence packets to an address go.
    pub(crate) fn source_for(&self, destination: IpAddr) -> Option<IpAddr> {
        if self.has(destination) {
            return Some(match destination {
                IpAddr::V4(address) if address.is_loopback() => Ipv4Addr::LOCALHOST.into(),
                _ => destination,
            });
        }
        self.addresses.iter().copied().find(|own| own.is_ipv4() == destination.is_ipv4())
    }

    /// May this socket have the address? Checks and takes it; port 0 takes an ephemeral one.
    pub(crate) fn bind(
        &mut self,
        sockets: &mut Sockets,
        index: u32,
        transport: Transport,
        address: SocketAddr,
    ) -> Result<SocketAddr, Errno> {
        let ip = plain(address.ip());
        if !ip.is_unspecified() && !ip.is_multicast() && !is_broadcast(ip) && !self.has(ip) {
            return Err(Errno::AddressNotAvailable);
        }
        let mut address = address;
        if address.port() == 0 {
            let free = |stack: &Stack, sockets: &mut Sockets, port| {
                let address = SocketAddr::new(address.ip(), port);
                stack.bound.get(&(transport, port)).is_none_or(Vec::is_empty)
                    && stack.conflict(sockets, index, transport, address).is_none()
            };
            let port = self.ephemeral(sockets, 1, free).ok_or(Errno::AddressInUse)?;
            address.set_port(port);
        } else if self.conflict(sockets, index, transport, address).is_some() {
            return Err(Errno::AddressInUse);
        }
        self.claim(index, transport, address.port());
        Ok(address)
    }

    /// Takes an ephemeral port for a connection to an address.
    pub(crate) fn bind_for(
        &mut self,
        sockets: &mut Sockets,
        own: IpAddr,
        remote: SocketAddr,
    ) -> Result<SocketAddr, Errno> {
        let free = |stack: &Stack, sockets: &mut Sockets, port: u16| {
            let bound = stack.bound.get(&(Transport::Tcp, port)).into_iter().flatten();
            !bound.copied().any(|other| sockets.at(other).bound)
                && !stack.connections.contains_key(&(port, remote, own))
        };
        let port = self.ephemeral(sockets, 0, free).ok_or(Errno::AddressNotAvailable)?;
        Ok(SocketAddr::new(own, port))
    }

    /// The next ephemeral port that is free: those of one parity first, so that `bind` and `connect` rarely meet.
    fn ephemeral(
        &mut self,
        sockets: &mut Sockets,
        parity: u16,
        free: impl Fn(&Stack, &mut Sockets, u16) -> bool,
    ) -> Option<u16> {
        let (first, last) = (u32::from(*self.ports.start()), u32::from(*self.ports.end()));
        let count = last - first + 1;
        if self.next_port == 0 {
            let draw = Draws::key(&[self.key, self.incarnation, 0x70_72_74]);
            self.next_port = (first + (draw % u64::from(count)) as u32) as u16;
        }
        let start = u32::from(self.next_port) - first;
        let around = (0..count).map(move |step| (first + (start + step) % count) as u16);
        // Linux's order: all of one parity, then the others.
        let parities = if self.counted { [None, None] } else { [Some(parity), Some(1 - parity)] };
        let mut ordered = parities.into_iter().take(if self.counted { 1 } else { 2 }).flat_map(|wanted| {
            around.clone().filter(move |port| wanted.is_none_or(|wanted| port % 2 == wanted))
        });
        let port = ordered.find(|port| free(self, sockets, *port))?;
        self.next_port = if u32::from(port) == last { first as u16 } else { port + 1 };
        Some(port)
    }

    /// Another socket whose claim forbids this one.
    fn conflict(
        &self,
        sockets: &mut Sockets,
        index: u32,
        transport: Transport,
        address: SocketAddr,
    ) -> Option<u32> {
        let own = sockets.at(index);
        let (options, own_v6_only) = (own.options, own.options.only_v6);
        let bound = self.bound.get(&(transport, address.port())).into_iter().flatten().copied();
        let clashes = |other: &Socket| {
            let Some(local) = other.local else { return false };
            if !overlap(address.ip(), own_v6_only, local.ip(), other.options.only_v6) {
                return false;
            }
            let shared = options.reuse_port && other.options.reuse_port
                || options.reuse_address && other.options.reuse_address && !other.is_listening();
            !shared
        };
        if let Some(other) = bound.into_iter().find(|other| *other != index && clashes(sockets.at(*other))) {
            return Some(other);
        }
        if transport == Transport::Udp {
            return None;
        }
        let port = address.port();
        let mut connections = self.connections_at(port).filter(|other| *other != index);
        connections.find(|other| clashes(sockets.at(*other)))
    }

    /// Connections of a port of ours, those included that nobody holds any more.
    pub(crate) fn connections_at(&self, port: u16) -> impl Iterator<Item = u32> {
        let from = (port, SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0), LOWEST);
        self.connections.range(from..).take_while(move |entry| entry.0.0 == port).map(|entry| *entry.1)
    }

    fn claim(&mut self, index: u32, transport: Transport, port: u16) {
        self.bound.entry((transport, port)).or_default().push(index);
    }

    /// Gives a claim back.
    pub(crate) fn unbind(&mut self, index: u32, transport: Transport, port: u16) {
        if let Some(holders) = self.bound.get_mut(&(transport, port)) {
            holders.retain(|holder| *holder != index);
            if holders.is_empty() {
                self.bound.remove(&(transport, port));
            }
        }
    }

    /// Sockets bound to a port, the oldest first.
    pub(crate) fn bound_at(&self, transport: Transport, port: u16) -> &[u32] {
        self.bound.get(&(transport, port)).map_or(&[], Vec::as_slice)
    }

    /// The listener for a connection from `source` to an address of ours: the most specific; among several with
    /// `SO_REUSEPORT` by a hash of the four numbers.
    pub(crate) fn listener(
        &self,
        sockets: &mut Sockets,
        source: SocketAddr,
        destination: SocketAddr,
    ) -> Option<u32> {
        let mut best: (u8, Vec<u32>) = (0, Vec::new());
        for index in self.bound_at(Transport::Tcp, destination.port()) {
            let socket = sockets.at(*index);
            if !matches!(socket.body, Body::Listener(_)) {
                continue;
            }
            let Some(rank) =
                socket.local.and_then(|local| rank(local.ip(), socket.options.only_v6, destination.ip()))
            else {
                continue;
            };
            if rank > best.0 {
                best = (rank, vec![*index]);
            } else if rank == best.0 {
                best.1.push(*index);
            }
        }
        let hash = Draws::key(&[hash_of(source), hash_of(destination)]);
        let listeners = best.1;
        (!listeners.is_empty()).then(|| listeners[(hash % listeners.len() as u64) as usize])
    }

    /// Another socket that listens where this one would.
    pub(crate) fn other_listener(&self, sockets: &mut Sockets, index: u32, local: SocketAddr) -> bool {
        let (only_v6, reuse_port) = (sockets.at(index).options.only_v6, sockets.at(index).options.reuse_port);
        self.bound_at(Transport::Tcp, local.port()).iter().any(|other| {
            let other_socket = sockets.at(*other);
            *other != index
                && matches!(other_socket.body, Body::Listener(_))
                && !(reuse_port && other_socket.options.reuse_port)
                && other_socket.local.is_some_and(|there| {
                    overlap(local.ip(), only_v6, there.ip(), other_socket.options.only_v6)
                })
        })
    }
}

const LOWEST: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// How well a bound address fits a destination: 3 exactly, 2 the wildcard of its family, 1 `[::]` for IPv4.
pub(crate) fn rank(bound: IpAddr, only_v6: bool, destination: IpAddr) -> Option<u8> {
    if plain(bound) == destination {
        return Some(3);
    }
    match (bound.is_unspecified(), bound.is_ipv4() == destination.is_ipv4()) {
        (true, true) => Some(2),
        (true, false) if bound.is_ipv6() && !only_v6 => Some(1),
        _ => None,
    }
}

/// Would two sockets of one port get in each other's way?
fn overlap(one: IpAddr, one_only_v6: bool, other: IpAddr, other_only_v6: bool) -> bool {
    let (one_plain, other_plain) = (plain(one), plain(other));
    if one_plain.is_ipv4() == other_plain.is_ipv4() {
        return one_plain == other_plain || one_plain.is_unspecified() || other_plain.is_unspecified();
    }
    one.is_ipv6() && one.is_unspecified() && !one_only_v6
        || other.is_ipv6() && other.is_unspecified() && !other_only_v6
}

/// An IPv4 address in IPv6's clothes as what it is.
pub(crate) fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// As [`plain`], with the port.
pub(crate) fn plain_socket(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(_) => address,
        SocketAddr::V6(_) => match plain(address.ip()) {
            IpAddr::V4(v4) => SocketAddr::new(v4.into(), address.port()),
            IpAddr::V6(_) => address,
        },
    }
}

/// An address as a socket of IPv6 tells it.
pub(crate) fn mapped(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(v4) => SocketAddr::new(v4.to_ipv6_mapped().into(), address.port()),
        IpAddr::V6(_) => address,
    }
}

pub(crate) fn is_broadcast(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if v4.is_broadcast() || v4.octets() == [127, 255, 255, 255])
}

/// A number for an address and port.
pub(crate) fn hash_of(address: SocketAddr) -> u64 {
    let ip = match address.ip() {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    };
    Draws::key(&[(ip >> 64) as u64, ip as u64, u64::from(address.port())])
}
