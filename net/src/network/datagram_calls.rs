//! UDP: what programs do with it, and how a datagram finds its sockets.
//!
//! Nothing waits: a datagram leaves at once or not at all, and one that finds no room is dropped without a word. Word that
//! a port is closed comes back as on Linux: to a socket that is connected there, with its next call.

use super::Network;
use super::calls::shown;
use crate::addr::Address;
use crate::errno::Errno;
use crate::packet::{Body as Load, Packet};
use crate::stack::{Transport, hash_of, is_broadcast, plain, plain_socket, rank};
use crate::table::{Body, Datagrams, Route};
use bytes::Bytes;
use counterpoint_runtime::choices::{Draws, Kind};
use counterpoint_runtime::trace::PacketFate;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Most bytes of a datagram over IPv4.
const LARGEST: usize = 65_507;
/// Linux's `rmem_default`.
const RECEIVE_MEMORY: u32 = 212_992;

/// What a datagram of this length takes of the receiver's memory (linux-facts 3.2.8).
fn memory_of(length: usize) -> u32 {
    ((length as u32 + 320).next_power_of_two() + 256).max(832)
}

impl Network {
    fn datagrams(&mut self, index: u32) -> Result<&mut Datagrams, Errno> {
        match &mut self.sockets.at(index).body {
            Body::Datagrams(datagrams) => Ok(datagrams),
            _ => Err(Errno::NotSupported),
        }
    }

    pub(super) fn connect_datagrams(&mut self, index: u32, remote: SocketAddr) -> Result<(), Errno> {
        let socket = self.sockets.at(index);
        if is_broadcast(remote.ip()) && !socket.options.broadcast {
            return Err(Errno::AccessDenied);
        }
        let stack = socket.stack;
        if !remote.ip().is_multicast() && !is_broadcast(remote.ip()) {
            self.route(stack, remote.ip())?;
        }
        self.bind_to_any(index)?;
        self.sockets.at(index).remote = Some(to_this_host(remote));
        Ok(())
    }

    /// `send`, or `sendto` with an address.
    pub(crate) fn send_datagram(
        &mut self,
        index: u32,
        data: &[u8],
        to: Option<SocketAddr>,
    ) -> Result<usize, Errno> {
        if data.len() > LARGEST {
            return Err(Errno::MessageSize);
        }
        let socket = self.sockets.at(index);
        let remote =
            to.map(plain_socket).map(to_this_host).or(socket.remote).ok_or(Errno::DestinationRequired)?;
        if let Some(error) = socket.error.take() {
            return Err(error);
        }
        if remote.port() == 0 {
            return Err(Errno::Invalid);
        }
        if is_broadcast(remote.ip()) && !socket.options.broadcast {
            return Err(Errno::AccessDenied);
        }
        self.bind_to_any(index)?;
        let datagrams = self.datagrams(index)?;
        datagrams.sent += 1;
        let ordinal = datagrams.sent;
        let data = Bytes::copy_from_slice(data);
        if remote.ip().is_multicast() || is_broadcast(remote.ip()) {
            self.send_to_many(index, remote, ordinal, &data);
        } else {
            self.send_to_one(index, remote, ordinal, &data)?;
        }
        Ok(data.len())
    }

    fn send_to_one(
        &mut self,
        index: u32,
        remote: SocketAddr,
        ordinal: u64,
        data: &Bytes,
    ) -> Result<(), Errno> {
        let socket = self.sockets.at(index);
        let (stack, local) = (socket.stack, socket.local.ok_or(Errno::Invalid)?);
        let route = self.route(stack, remote.ip())?;
        let source = self.source_of(stack, local, remote.ip())?;
        self.send_datagram_over(stack, route, source, remote, ordinal, data);
        Ok(())
    }

    fn source_of(&mut self, stack: u32, local: SocketAddr, remote: IpAddr) -> Result<SocketAddr, Errno> {
        let own = plain(local.ip());
        let own = if own.is_unspecified() {
            self.stacks[stack as usize].source_for(remote).ok_or(Errno::NetworkUnreachable)?
        } else {
            own
        };
        Ok(SocketAddr::new(own, local.port()))
    }

    fn send_datagram_over(
        &mut self,
        stack: u32,
        route: Route,
        source: SocketAddr,
        destination: SocketAddr,
        ordinal: u64,
        data: &Bytes,
    ) {
        let key = Draws::key(&[hash_of(source), hash_of(destination), ordinal]);
        let packet = Packet { source, destination, to: None, body: Load::Datagram(data.clone()) };
        if self.loses_a_fragment(route, key, &packet) {
            return;
        }
        self.send_packet(stack, route, key, packet);
    }

    /// A datagram longer than the MTU goes in pieces, and one lost piece loses it whole.
    fn loses_a_fragment(&mut self, route: Route, key: u64, packet: &Packet) -> bool {
        let Some(link) = route.link else { return false };
        let settings = self.links.at(link).state.settings;
        let fragments = packet.bytes().div_ceil(settings.mtu);
        (1..fragments).any(|fragment| {
            self.draws.strikes(Kind::Loss, Draws::key(&[key, u64::from(fragment)]), settings.loss)
        })
    }

    /// To a group or to all: a copy for each host where somebody may listen, this one included.
    fn send_to_many(&mut self, index: u32, group: SocketAddr, ordinal: u64, data: &Bytes) {
        let socket = self.sockets.at(index);
        let (stack, Some(local), loops) = (socket.stack, socket.local, !socket.options.no_multicast_loop)
        else {
            return;
        };
        let within_host = matches!(group.ip(), IpAddr::V4(ip) if ip.octets() == [127, 255, 255, 255]);
        for to in 0..self.stacks.len() as u32 {
            let own = to == stack;
            let skipped = if own { group.ip().is_multicast() && !loops } else { within_host };
            let Ok(source) = self.source_of(stack, local, group_source(group.ip())) else { continue };
            if !skipped && (own || !self.stacks[to as usize].addresses.is_empty()) {
                let route = self.way_back(stack, to);
                self.send_datagram_over(stack, route, source, group, ordinal, data);
            }
        }
    }

    /// A datagram is due.
    pub(super) fn datagram_arrives(&mut self, from: u32, stack: u32, packet: Packet) {
        let Load::Datagram(data) = &packet.body else { return };
        let (source, destination) = (packet.source, packet.destination);
        if destination.ip().is_multicast() || is_broadcast(destination.ip()) {
            for index in self.members(stack, destination) {
                self.queue_datagram(from, stack, index, data.clone(), &packet);
            }
            return;
        }
        match self.receiver(stack, source, destination) {
            Some(index) => self.queue_datagram(from, stack, index, data.clone(), &packet),
            None => {
                let route = self.way_back(stack, from);
                let key = Draws::key(&[hash_of(source), hash_of(destination), self.clock.as_nanos()]);
                let body = Load::Unreachable(Errno::ConnectionRefused);
                let answer = Packet { source: destination, destination: source, to: None, body };
                self.send_packet(stack, route, key, answer);
            }
        }
    }

    /// The socket for a datagram: the one that fits best, the last bound among equals.
    fn receiver(&mut self, stack: u32, source: SocketAddr, destination: SocketAddr) -> Option<u32> {
        let bound = self.stacks[stack as usize].bound_at(Transport::Udp, destination.port());
        let mut best = None;
        for index in bound {
            let socket = self.sockets.at(*index);
            let connected = match socket.remote {
                Some(remote) if remote != source => continue,
                remote => u8::from(remote.is_some()),
            };
            let local = socket.local?;
            if let Some(rank) = rank(local.ip(), socket.options.only_v6, destination.ip())
                && best.is_none_or(|(other, _)| (connected, rank) >= other)
            {
                best = Some(((connected, rank), *index));
            }
        }
        best.map(|(_, index)| index)
    }

    /// Who hears a group or a broadcast: sockets of its port, bound to any address or to the group, on a host that has a
    /// member (linux-facts 3.5.6).
    fn members(&mut self, stack: u32, destination: SocketAddr) -> Vec<u32> {
        let bound = self.stacks[stack as usize].bound_at(Transport::Udp, destination.port()).to_vec();
        let group = destination.ip();
        let sockets = &mut self.sockets;
        let joined = bound.iter().any(|index| {
            matches!(&sockets.at(*index).body, Body::Datagrams(datagrams) if datagrams.groups.contains(&group))
        });
        if group.is_multicast() && !joined {
            return Vec::new();
        }
        let hears = |index: &u32| {
            let local = sockets.at(*index).local.map(|local| plain(local.ip()));
            local.is_some_and(|local| local.is_unspecified() || local == group)
        };
        bound.into_iter().filter(hears).collect()
    }

    fn queue_datagram(&mut self, from: u32, stack: u32, index: u32, data: Bytes, packet: &Packet) {
        let limit = self.stacks[stack as usize].datagram_queue;
        let memory = memory_of(data.len());
        let source = packet.source;
        let Ok(datagrams) = self.datagrams(index) else { return };
        let room = match limit {
            Some(limit) => datagrams.queue.len() < limit,
            None => datagrams.memory + memory <= RECEIVE_MEMORY,
        };
        if !room {
            return self.trace_fate(from, stack, packet, PacketFate::NoRoom);
        }
        datagrams.memory += memory;
        datagrams.queue.push_back((data, source));
        self.stir(index);
    }

    /// `recvfrom`: what does not fit the buffer is gone.
    pub(crate) fn receive_datagram(
        &mut self,
        index: u32,
        buffer: &mut [u8],
        peek: bool,
    ) -> Result<(usize, Address), Errno> {
        let socket = self.sockets.at(index);
        if let Some(error) = socket.error.take() {
            return Err(error);
        }
        let family = socket.family;
        let datagrams = self.datagrams(index)?;
        let Some((data, source)) = datagrams.queue.front() else {
            if datagrams.read_shut {
                let nobody = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
                return Ok((0, Address::Inet(nobody)));
            }
            return Err(Errno::WouldBlock);
        };
        let length = data.len().min(buffer.len());
        buffer[..length].copy_from_slice(&data[..length]);
        let source = *source;
        if !peek && let Some((data, _)) = datagrams.queue.pop_front() {
            datagrams.memory -= memory_of(data.len());
        }
        Ok((length, Address::Inet(shown(family, source))))
    }

    /// `IP_ADD_MEMBERSHIP`.
    pub(crate) fn join_group(&mut self, index: u32, group: IpAddr) -> Result<(), Errno> {
        if !group.is_multicast() {
            return Err(Errno::Invalid);
        }
        let groups = &mut self.datagrams(index)?.groups;
        if groups.contains(&group) {
            return Err(Errno::AddressInUse);
        }
        groups.push(group);
        Ok(())
    }

    /// `IP_DROP_MEMBERSHIP`.
    pub(crate) fn leave_group(&mut self, index: u32, group: IpAddr) -> Result<(), Errno> {
        let groups = &mut self.datagrams(index)?.groups;
        let place = groups.iter().position(|own| *own == group).ok_or(Errno::AddressNotAvailable)?;
        groups.remove(place);
        Ok(())
    }
}

fn to_this_host(remote: SocketAddr) -> SocketAddr {
    match remote.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), remote.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => {
            SocketAddr::new(std::net::Ipv6Addr::LOCALHOST.into(), remote.port())
        }
        _ => remote,
    }
}

/// An address of the kind whence packets to a group are sent: that of the host towards the others.
fn group_source(group: IpAddr) -> IpAddr {
    match group {
        IpAddr::V4(ip) if ip.octets() == [127, 255, 255, 255] => Ipv4Addr::LOCALHOST.into(),
        _ => group,
    }
}
