//! What programs do with TCP sockets: connect, listen, send, receive, close.

use super::Network;
use crate::errno::Errno;
use crate::options::{SocketOption, set_on_connection};
use crate::packet::maximum_segment;
use crate::stack::{hash_of, is_broadcast, plain_socket};
use crate::table::{Body, Listener, NOBODY, Route, Socket, SocketId, Tcp};
use crate::tcp::{Connection, Segment, Settings, State};
use counterpoint_runtime::Instant;
use counterpoint_runtime::choices::{Draws, Kind};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};
use std::rc::Rc;

/// Bytes of an MTU without a link: Linux's loopback.
const LOOPBACK_MTU: u32 = 65_536;

impl Tcp {
    pub(super) fn has_peer(&self) -> bool {
        !matches!(self.connection.state(), State::SynSent | State::Closed)
    }

    fn new(connection: Connection, route: Route, key: u64) -> Tcp {
        Tcp {
            connection,
            peer: None,
            route,
            aside: VecDeque::new(),
            last_arrival: Instant::ZERO,
            timer: None,
            key,
            listener: None,
            connect_reported: false,
            said: (0, 0),
            read: 0,
            written: 0,
        }
    }
}

impl Network {
    /// The settings that a connection over a route begins with.
    fn settings_for(&mut self, stack: u32, route: Route, later: &[SocketOption]) -> Rc<Settings> {
        let mtu = route.link.map_or(LOOPBACK_MTU, |link| self.links.at(link).state.settings.mtu);
        let host = &self.stacks[stack as usize].settings;
        let largest = maximum_segment(mtu);
        if later.is_empty() && host.maximum_segment == largest {
            return Rc::clone(host);
        }
        let mut settings = Settings { maximum_segment: largest, ..Settings::clone(host) };
        later.iter().for_each(|option| set_on_connection(&mut settings, *option));
        Rc::new(settings)
    }

    /// The first sequence number of an end: of its four numbers and the time, as RFC 6528 makes it, so that segments of
    /// an earlier connection of the same numbers lie outside of the window.
    fn initial(&self, key: u64, end: u64) -> u64 {
        Draws::key(&[key, end, self.clock.as_nanos()]) & 0xFFFF_FFFF
    }

    // ---- connecting

    pub(super) fn connect_tcp(&mut self, index: u32, address: SocketAddr) -> Result<(), Errno> {
        let socket = self.sockets.at(index);
        match &mut socket.body {
            Body::Listener(_) => return Err(Errno::IsConnected),
            Body::Tcp(tcp) => match tcp.connection.state() {
                State::SynSent => return Err(Errno::Already),
                _ if tcp.connect_reported => return Err(Errno::IsConnected),
                State::Closed => {
                    // The attempt failed: that is told once, and then the socket is as new.
                    let error = tcp.connection.take_error();
                    self.make_fresh(index);
                    return Err(error.unwrap_or(Errno::ConnectionAborted));
                }
                _ => {
                    tcp.connect_reported = true;
                    return Ok(());
                }
            },
            _ => {}
        }
        let remote = reached(plain_socket(address));
        if is_broadcast(remote.ip()) || remote.ip().is_multicast() {
            return Err(Errno::NetworkUnreachable);
        }
        let (stack, local) = (socket.stack, socket.local);
        let route = self.route(stack, remote.ip())?;
        let own = match local {
            Some(local) if !local.ip().is_unspecified() => plain_socket(local).ip(),
            _ => self.stacks[stack as usize].source_for(remote.ip()).ok_or(Errno::NetworkUnreachable)?,
        };
        let local = match local {
            Some(local) => SocketAddr::new(own, local.port()),
            None => self.stacks[stack as usize].bind_for(&mut self.sockets, own, remote)?,
        };
        let connections = &self.stacks[stack as usize].connections;
        if connections.contains_key(&(local.port(), remote, own)) {
            return Err(Errno::AddressNotAvailable);
        }
        self.begin_connection(index, local, remote, route);
        Err(Errno::InProgress)
    }

    fn begin_connection(&mut self, index: u32, local: SocketAddr, remote: SocketAddr, route: Route) {
        let socket = self.sockets.at(index);
        let (stack, later) = (socket.stack, std::mem::take(&mut socket.later));
        let settings = self.settings_for(stack, route, &later);
        let key = Draws::key(&[hash_of(local), hash_of(remote)]);
        let (now, initial) = (self.clock, self.initial(key, 0));
        let mut out = std::mem::take(&mut self.out);
        let connection = Connection::connect(settings, initial, now, &mut out);
        let socket = self.sockets.at(index);
        (socket.local, socket.remote) = (Some(local), Some(remote));
        socket.body = Body::Tcp(Box::new(Tcp::new(connection, route, key)));
        self.stacks[stack as usize].connections.insert((local.port(), remote, local.ip()), index);
        self.after_tcp(index, out);
    }

    /// A failed attempt leaves the socket as new; its own port, if it had bound one, stays.
    fn make_fresh(&mut self, index: u32) {
        let socket = self.sockets.at(index);
        if let (Some(local), Some(remote)) = (socket.local, socket.remote) {
            let stack = &mut self.stacks[socket.stack as usize];
            stack.connections.remove(&(local.port(), remote, local.ip()));
        }
        socket.remote = None;
        if let (false, Some(local)) = (socket.bound, socket.local) {
            // The port that was chosen for it stays its own.
            socket.local = Some(SocketAddr::new(super::calls::any_of(socket.family), local.port()));
        }
        socket.body = Body::Fresh;
    }

    // ---- listening

    pub(super) fn listen_tcp(&mut self, index: u32, backlog: u32) -> Result<(), Errno> {
        self.bind_to_any(index)?;
        let socket = self.sockets.at(index);
        let (stack, local) = (socket.stack, socket.local.ok_or(Errno::Invalid)?);
        if self.stacks[stack as usize].other_listener(&mut self.sockets, index, local) {
            return Err(Errno::AddressInUse);
        }
        let listener = Listener { backlog, ..Listener::default() };
        self.sockets.at(index).body = Body::Listener(Box::new(listener));
        Ok(())
    }

    /// A SYN for a listener: a connection that the listener's program does not see yet.
    pub(super) fn syn_arrives(
        &mut self,
        from: u32,
        stack: u32,
        listener: u32,
        source: SocketAddr,
        destination: SocketAddr,
        syn: &Segment,
    ) {
        let holder = self.sockets.at(listener);
        let (family, options, later) = (holder.family, holder.options, holder.later.clone());
        if holder.listener().is_none_or(|listener| listener.is_full()) {
            return; // no refusal on Linux: the client tries again
        }
        let route = self.way_back(stack, from);
        let settings = self.settings_for(stack, route, &later);
        let key = Draws::key(&[hash_of(source), hash_of(destination)]);
        let (now, initial) = (self.clock, self.initial(key, 1));
        let mut out = std::mem::take(&mut self.out);
        let connection = Connection::accept(settings, initial, syn, now, &mut out);
        let mut tcp = Tcp::new(connection, route, key);
        tcp.listener = Some(self.sockets.id(listener));
        let client = (source.port(), destination, source.ip());
        let client = self.stacks[from as usize].connections.get(&client).copied();
        tcp.peer = client.map(|index| self.sockets.id(index));
        let mut socket =
            Socket::new(family, crate::addr::SocketType::Stream, stack, Body::Tcp(Box::new(tcp)));
        (socket.local, socket.remote, socket.options) = (Some(destination), Some(source), options);
        let index = self.sockets.insert(socket);
        let key = (destination.port(), source, destination.ip());
        self.stacks[stack as usize].connections.insert(key, index);
        let own = self.sockets.id(index);
        if let Some(tcp) = client.and_then(|index| self.sockets.at(index).tcp()) {
            tcp.peer = Some(own);
        }
        self.after_tcp(index, out);
    }

    /// A connection that waits for its listener may be established by now, or over.
    pub(super) fn look_at_embryo(&mut self, id: SocketId) {
        let Some(tcp) = self.sockets.get(id).and_then(|socket| socket.tcp()) else { return };
        let Some(listener) = tcp.listener else { return };
        match tcp.connection.state() {
            State::SynReceived => return,
            State::Closed => return self.forget_connection(id.index),
            _ => tcp.listener = None,
        }
        match self.sockets.get(listener).and_then(|holder| holder.listener()) {
            Some(holder) => {
                holder.queue.push_back(id.index);
                self.stir(listener.index);
            }
            None => self.refuse_unaccepted(id),
        }
    }

    /// A connection whose listener is gone: it is reset, and nobody will ever hold it.
    fn refuse_unaccepted(&mut self, id: SocketId) {
        self.with_tcp(id, |connection, now, out| connection.abort(now, out));
        self.with_tcp(id, |connection, now, out| connection.close(now, out));
    }

    pub(super) fn close_listener(&mut self, index: u32) {
        let Some(listener) = self.sockets.at(index).listener() else { return };
        for waiting in std::mem::take(&mut listener.queue) {
            let id = self.sockets.id(waiting);
            self.refuse_unaccepted(id);
        }
    }

    pub(super) fn stop_listening(&mut self, index: u32) {
        self.close_listener(index);
        self.sockets.at(index).body = Body::Fresh;
    }

    // ---- data

    pub(crate) fn send_tcp(&mut self, index: u32, data: &[u8]) -> Result<usize, Errno> {
        let data = match self.short_write(index, data.len()) {
            Some(taken) => &data[..taken],
            None => data,
        };
        let id = self.sockets.id(index);
        let sent = self.with_tcp(id, |connection, now, out| connection.write(now, data, out));
        match sent {
            Some(sent) => {
                if let (Ok(count), Some(tcp)) = (sent, self.sockets.at(index).tcp()) {
                    tcp.written += count as u64;
                }
                sent
            }
            None => Err(self.sockets.at(index).error.take().unwrap_or(Errno::BrokenPipe)),
        }
    }

    pub(crate) fn receive_tcp(&mut self, index: u32, buffer: &mut [u8], peek: bool) -> Result<usize, Errno> {
        let limit = self.split(index, buffer.len());
        let buffer = &mut buffer[..limit];
        let id = self.sockets.id(index);
        let received = self.look_at_tcp(id, |connection, now, out| {
            if peek { connection.peek(buffer) } else { connection.read(now, buffer, out) }
        });
        match received {
            Some(received) => {
                if let (Ok(count), false, Some(tcp)) = (received, peek, self.sockets.at(index).tcp()) {
                    tcp.read += count as u64;
                }
                received
            }
            None => Err(self.sockets.at(index).error.take().unwrap_or(Errno::NotConnected)),
        }
    }

    /// How much of what is there a read returns: any split that TCP may give is legal.
    #[inline]
    fn split(&mut self, index: u32, wanted: usize) -> usize {
        let Some(tcp) = self.sockets.at(index).tcp() else { return wanted };
        let (Some(link), key, read) = (tcp.route.link, tcp.key, tcp.read) else {
            return wanted;
        };
        let there = tcp.connection.available().min(wanted);
        self.part(link, Kind::Split, (key, read), there).unwrap_or(wanted)
    }

    fn short_write(&mut self, index: u32, wanted: usize) -> Option<usize> {
        let tcp = self.sockets.at(index).tcp()?;
        let (link, key, written) = (tcp.route.link?, tcp.key, tcp.written);
        self.part(link, Kind::ShortWrite, (key, written), wanted)
    }

    #[inline]
    fn part(&mut self, link: u32, kind: Kind, (key, place): (u64, u64), whole: usize) -> Option<usize> {
        let entry = self.links.at(link);
        let chance = entry.state.settings.split;
        if whole < 2 || chance.is_never() {
            return None;
        }
        // Both ends have the connection's name: the link tells them apart.
        let key = Draws::key(&[entry.key, key, place]);
        if !self.draws.strikes(kind, key, chance) {
            return None;
        }
        Some(1 + self.draws.below(kind, key ^ 1, whole as u64 - 1) as usize)
    }

    pub(super) fn shutdown_connection(&mut self, index: u32, how: Shutdown) -> Result<(), Errno> {
        let connecting = |tcp: &mut Tcp| tcp.connection.state() == State::SynSent;
        if self.sockets.at(index).tcp().is_some_and(connecting) {
            // Ends the attempt.
            self.make_fresh(index);
            self.sockets.at(index).error = Some(Errno::ConnectionReset);
            return Ok(());
        }
        let id = self.sockets.id(index);
        self.with_tcp(id, |connection, now, out| connection.shutdown(now, how, out))
            .unwrap_or(Err(Errno::NotConnected))
    }

    pub(super) fn close_connection(&mut self, index: u32) {
        let socket = self.sockets.at(index);
        socket.process = NOBODY;
        socket.handles = 0;
        if socket.bound
            && let Some(local) = socket.local
        {
            // The claim of `bind` goes; the connection keeps its numbers.
            let stack = socket.stack;
            socket.bound = false;
            self.stacks[stack as usize].unbind(index, crate::stack::Transport::Tcp, local.port());
        }
        let id = self.sockets.id(index);
        self.with_tcp(id, |connection, now, out| connection.close(now, out));
    }
}

/// Where a connection to any address goes: to this host.
fn reached(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::new(Ipv6Addr::LOCALHOST.into(), address.port()),
        _ => address,
    }
}
