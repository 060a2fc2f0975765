//! The system calls that every socket has, and who calls.
//!
//! A call names its process and its time; before it, what is due is done. The calls of one kind of socket are in
//! `tcp_calls`, `datagram_calls` and `unix_calls`.

use super::Network;
use crate::addr::{Address, Family, SocketType};
use crate::errno::Errno;
use crate::options::SocketOption;
use crate::stack::{Transport, mapped, plain_socket};
use crate::table::{Body, NOBODY, Socket, SocketId, UnixDatagrams, UnixStream};
use counterpoint_runtime::{Handle, Instant};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};

/// Who makes a call, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) process: u32,
    pub(crate) now: Instant,
}

/// What is wanted of one direction of a socket by a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

impl Network {
    /// Every call begins with this.
    #[inline]
    pub(crate) fn begin_call(&mut self, caller: Caller) {
        self.settle();
        self.clock = self.now.max(caller.now);
    }

    /// `socket`.
    pub(crate) fn socket(
        &mut self,
        process: u32,
        family: Family,
        kind: SocketType,
    ) -> Result<SocketId, Errno> {
        let stack = self.stack_of(process)?;
        let body = match (family, kind) {
            (Family::Unix, SocketType::Stream) => Body::UnixStream(Box::default()),
            (Family::Unix, SocketType::Datagram) => Body::UnixDatagrams(Box::default()),
            (_, SocketType::Stream) => Body::Fresh,
            (_, SocketType::Datagram) => Body::Datagrams(Box::default()),
        };
        let index = self.sockets.insert(Socket::new(family, kind, stack, body));
        Ok(self.hand_out(index, process))
    }

    /// A socket becomes a process's: it gets a descriptor.
    pub(super) fn hand_out(&mut self, index: u32, process: u32) -> SocketId {
        self.descriptors += 1;
        let socket = self.sockets.at(index);
        (socket.process, socket.number, socket.handles) = (process, self.descriptors, 1);
        self.processes[process as usize].open += 1;
        self.sockets.id(index)
    }

    /// The socket of a descriptor, if its process may use it.
    pub(crate) fn own(&mut self, caller: Caller, id: SocketId) -> Result<u32, Errno> {
        let socket = self.sockets.get(id).ok_or(Errno::BadDescriptor)?;
        if socket.process == caller.process { Ok(id.index) } else { Err(Errno::BadDescriptor) }
    }

    /// One more descriptor of a socket.
    pub(crate) fn share(&mut self, id: SocketId) {
        if let Some(socket) = self.sockets.get(id) {
            socket.handles += 1;
        }
    }

    /// A descriptor goes; the last one closes the socket.
    pub(crate) fn let_go(&mut self, id: SocketId) {
        let Some(socket) = self.sockets.get(id) else { return };
        socket.handles = socket.handles.saturating_sub(1);
        if socket.handles == 0 && socket.process != NOBODY {
            self.close(id.index);
        }
    }

    /// `close`: of all descriptors.
    pub(crate) fn close(&mut self, index: u32) {
        self.touch_closing(index);
        let socket = self.sockets.at(index);
        let (stack, local, bound) = (socket.stack, socket.local, socket.bound);
        // Nobody hears of it any more.
        let interest = std::mem::take(&mut socket.interest);
        let keep = Socket { interest, ..Socket::new(socket.family, socket.kind, stack, Body::Free) };
        self.trash.push(keep);
        let socket = self.sockets.at(index);
        let process = std::mem::replace(&mut socket.process, NOBODY);
        if process != NOBODY {
            self.processes[process as usize].open -= 1;
        }
        match &self.sockets.at(index).body {
            Body::Free => return,
            Body::Tcp(_) => return self.close_connection(index),
            Body::UnixStream(_) => self.close_unix_stream(index),
            Body::UnixDatagrams(_) => self.close_unix_datagrams(index),
            Body::UnixListener(_) => self.close_unix_listener(index),
            Body::Listener(_) => self.close_listener(index),
            Body::Fresh | Body::Datagrams(_) => {}
        }
        let transport = match self.sockets.at(index).kind {
            SocketType::Stream => Transport::Tcp,
            SocketType::Datagram => Transport::Udp,
        };
        if let (true, Some(local)) = (bound, local) {
            self.stacks[stack as usize].unbind(index, transport, local.port());
        }
        let socket = self.sockets.remove(index);
        self.trash.push(socket);
    }

    /// `bind`.
    pub(crate) fn bind(&mut self, index: u32, address: &Address) -> Result<(), Errno> {
        let address = match (address, self.sockets.at(index).family) {
            (Address::Unix(name), Family::Unix) => return self.bind_unix(index, name),
            (Address::Inet(address), Family::Inet | Family::Inet6) => *address,
            _ => return Err(Errno::AddressFamily),
        };
        let socket = self.sockets.at(index);
        fits(socket.family, address)?;
        if socket.local.is_some() {
            return Err(Errno::Invalid);
        }
        let (stack, transport) = (socket.stack, transport_of(socket.kind));
        let bound = self.stacks[stack as usize].bind(&mut self.sockets, index, transport, address)?;
        let socket = self.sockets.at(index);
        (socket.local, socket.bound) = (Some(bound), true);
        Ok(())
    }

    /// Binds a socket that has no address to any, with an ephemeral port.
    pub(super) fn bind_to_any(&mut self, index: u32) -> Result<(), Errno> {
        if self.sockets.at(index).local.is_some() {
            return Ok(());
        }
        let any = any_of(self.sockets.at(index).family);
        self.bind(index, &Address::Inet(SocketAddr::new(any, 0)))
    }

    /// `getsockname`.
    pub(crate) fn local_address(&mut self, index: u32) -> Address {
        let socket = self.sockets.at(index);
        match &socket.body {
            Body::UnixStream(end) => Address::Unix(end.name.clone()),
            Body::UnixListener(listener) => Address::Unix(listener.name.clone()),
            Body::UnixDatagrams(end) => Address::Unix(end.name.clone()),
            _ => {
                let any = SocketAddr::new(any_of(socket.family), 0);
                Address::Inet(shown(socket.family, socket.local.unwrap_or(any)))
            }
        }
    }

    /// `getpeername`.
    pub(crate) fn peer_address(&mut self, index: u32) -> Result<Address, Errno> {
        let socket = self.sockets.at(index);
        match &socket.body {
            Body::UnixStream(end) if end.peer.is_some() => Ok(Address::Unix(end.peer_name.clone())),
            Body::UnixDatagrams(end) if end.peer.is_some() => Ok(Address::Unix(end.peer_name.clone())),
            Body::Tcp(tcp) if !tcp.has_peer() => Err(Errno::NotConnected),
            Body::Tcp(_) | Body::Datagrams(_) => {
                let remote = socket.remote.ok_or(Errno::NotConnected)?;
                Ok(Address::Inet(shown(socket.family, remote)))
            }
            _ => Err(Errno::NotConnected),
        }
    }

    /// `SO_ERROR`: reads and clears it.
    pub(crate) fn take_error(&mut self, index: u32) -> Option<Errno> {
        let id = self.sockets.id(index);
        if let Some(error) = self.with_tcp(id, |connection, _, _| connection.take_error()).flatten() {
            return Some(error);
        }
        self.sockets.at(index).error.take()
    }

    /// `setsockopt`.
    pub(crate) fn set_option(&mut self, index: u32, option: SocketOption) {
        let socket = self.sockets.at(index);
        if socket.options.set(option) {
            return;
        }
        let id = self.sockets.id(index);
        let changed = self.with_tcp(id, |connection, now, out| {
            connection.change_settings(
                now,
                |settings| crate::options::set_on_connection(settings, option),
                out,
            );
        });
        if changed.is_none() {
            self.sockets.at(index).later.push(option);
        }
    }

    /// `shutdown`.
    pub(crate) fn shutdown(&mut self, index: u32, how: Shutdown) -> Result<(), Errno> {
        let done = match &mut self.sockets.at(index).body {
            Body::Tcp(_) => self.shutdown_connection(index, how),
            Body::UnixStream(_) => self.shutdown_unix(index, how),
            Body::UnixDatagrams(end) => {
                end.read_shut |= how != Shutdown::Write;
                end.write_shut |= how != Shutdown::Read;
                Ok(())
            }
            Body::Listener(_) if how != Shutdown::Write => {
                self.stop_listening(index);
                Ok(())
            }
            Body::Datagrams(datagrams) => {
                datagrams.read_shut |= how != Shutdown::Write;
                if self.sockets.at(index).remote.is_some() { Ok(()) } else { Err(Errno::NotConnected) }
            }
            _ => Err(Errno::NotConnected),
        };
        self.stir(index);
        done
    }

    /// `listen`.
    pub(crate) fn listen(&mut self, index: u32, backlog: u32) -> Result<(), Errno> {
        let backlog = backlog.min(4096);
        match &mut self.sockets.at(index).body {
            Body::Listener(listener) | Body::UnixListener(listener) => {
                listener.backlog = backlog;
                Ok(())
            }
            Body::Fresh => self.listen_tcp(index, backlog),
            Body::UnixStream(_) => self.listen_unix(index, backlog),
            Body::Datagrams(_) | Body::UnixDatagrams(_) => Err(Errno::NotSupported),
            Body::Tcp(_) | Body::Free => Err(Errno::Invalid),
        }
    }

    /// `accept`: the oldest connection, as a socket of the caller.
    pub(crate) fn accept(&mut self, index: u32, process: u32) -> Result<(SocketId, Address), Errno> {
        let socket = self.sockets.at(index);
        if matches!(socket.body, Body::Datagrams(_) | Body::UnixDatagrams(_)) {
            return Err(Errno::NotSupported);
        }
        let listener = socket.listener().ok_or(Errno::Invalid)?;
        let accepted = listener.queue.pop_front().ok_or(Errno::WouldBlock)?;
        let id = self.hand_out(accepted, process);
        let socket = self.sockets.at(accepted);
        let address = match (&socket.body, socket.remote) {
            (Body::UnixStream(end), _) => Address::Unix(end.peer_name.clone()),
            (_, Some(remote)) => Address::Inet(shown(socket.family, remote)),
            (_, None) => return Err(Errno::NotConnected),
        };
        Ok((id, address))
    }

    /// `connect`.
    pub(crate) fn connect(&mut self, index: u32, address: &Address) -> Result<(), Errno> {
        let socket = self.sockets.at(index);
        match (address, &socket.body) {
            (Address::Unix(name), Body::UnixStream(_)) => self.connect_unix(index, name),
            (Address::Unix(name), Body::UnixDatagrams(_)) => self.connect_unix_datagrams(index, name),
            (Address::Unix(_), _) | (Address::Inet(_), Body::UnixStream(_) | Body::UnixDatagrams(_)) => {
                Err(Errno::AddressFamily)
            }
            (Address::Inet(address), Body::Datagrams(_)) => {
                reaches(socket, *address)?;
                self.connect_datagrams(index, plain_socket(*address))
            }
            (Address::Inet(address), _) => {
                reaches(socket, *address)?;
                let done = self.connect_tcp(index, *address);
                self.stir(index);
                done
            }
        }
    }

    /// Sets who hears of a direction, and gives back who did.
    pub(crate) fn set_handle(
        &mut self,
        index: u32,
        direction: Direction,
        handle: Option<Handle>,
    ) -> Option<Handle> {
        let interest = &mut self.sockets.at(index).interest;
        let old = match direction {
            Direction::Read => std::mem::replace(&mut interest.reader, handle),
            Direction::Write => std::mem::replace(&mut interest.writer, handle),
        };
        self.stir_if_ready(index);
        old
    }
}

pub(super) fn transport_of(kind: SocketType) -> Transport {
    match kind {
        SocketType::Stream => Transport::Tcp,
        SocketType::Datagram => Transport::Udp,
    }
}

pub(super) fn any_of(family: Family) -> IpAddr {
    match family {
        Family::Inet6 => Ipv6Addr::UNSPECIFIED.into(),
        Family::Inet | Family::Unix => Ipv4Addr::UNSPECIFIED.into(),
    }
}

/// Can a socket of this family use the address?
fn fits(family: Family, address: SocketAddr) -> Result<(), Errno> {
    match (family, address) {
        (Family::Inet, SocketAddr::V4(_)) | (Family::Inet6, SocketAddr::V6(_)) => Ok(()),
        _ => Err(Errno::AddressFamily),
    }
}

/// Can this socket send to the address? One of IPv6 only does not reach IPv4 in IPv6's clothes (linux-facts 1.10.3).
pub(crate) fn reaches(socket: &Socket, address: SocketAddr) -> Result<(), Errno> {
    fits(socket.family, address)?;
    let foreign = socket.options.only_v6 && plain_socket(address).is_ipv4();
    if foreign { Err(Errno::NetworkUnreachable) } else { Ok(()) }
}

/// An address as a socket of this family tells it.
pub(super) fn shown(family: Family, address: SocketAddr) -> SocketAddr {
    if family == Family::Inet6 { mapped(address) } else { address }
}

impl UnixStream {
    /// A fresh one has nobody to wait for.
    pub(super) fn connected(peer: SocketId) -> UnixStream {
        UnixStream { peer: Some(peer), has_room: true, ..UnixStream::default() }
    }
}

impl UnixDatagrams {
    pub(super) fn paired(peer: SocketId) -> UnixDatagrams {
        UnixDatagrams { peer: Some(peer), paired: true, has_room: true, ..UnixDatagrams::default() }
    }
}
