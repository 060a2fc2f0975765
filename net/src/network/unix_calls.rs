//! Unix sockets: streams and datagrams within a host, without a link and without latency.
//!
//! What differs from TCP, as on Linux: a connection is up at once or refused at once, a peer that closed is told of by
//! the first write, and nothing that was sent can be lost. A sender is writable again when at most a quarter of its buffer
//! is used.

use super::Network;
use crate::addr::{Address, Family, SocketType, UnixAddress};
use crate::errno::Errno;
use crate::table::{Body, Listener, NOBODY, Socket, SocketId, UnixDatagrams, UnixStream};
use bytes::Bytes;
use std::net::Shutdown;

/// Linux's `max_dgram_qlen`, and one more.
const DATAGRAM_QUEUE: usize = 11;
/// Longest path of a name.
const LONGEST_PATH: usize = 107;
/// Most bytes of one datagram: what the send buffer holds.
const LARGEST_DATAGRAM: usize = 212_960;

impl Network {
    fn unix(&mut self, id: Option<SocketId>) -> Option<&mut UnixStream> {
        match &mut self.sockets.get(id?)?.body {
            Body::UnixStream(end) => Some(end),
            _ => None,
        }
    }

    fn unix_datagrams(&mut self, id: Option<SocketId>) -> Option<&mut UnixDatagrams> {
        match &mut self.sockets.get(id?)?.body {
            Body::UnixDatagrams(end) => Some(end),
            _ => None,
        }
    }

    /// Two connected sockets.
    pub(crate) fn pair(&mut self, process: u32, kind: SocketType) -> Result<(SocketId, SocketId), Errno> {
        let one = self.socket(process, Family::Unix, kind)?;
        let other = self.socket(process, Family::Unix, kind)?;
        for (own, peer) in [(one, other), (other, one)] {
            self.sockets.at(own.index).body = match kind {
                SocketType::Stream => Body::UnixStream(Box::new(UnixStream::connected(peer))),
                SocketType::Datagram => Body::UnixDatagrams(Box::new(UnixDatagrams::paired(peer))),
            };
        }
        Ok((one, other))
    }

    pub(super) fn bind_unix(&mut self, index: u32, name: &UnixAddress) -> Result<(), Errno> {
        let id = self.sockets.id(index);
        let socket = self.sockets.at(index);
        let own = match &mut socket.body {
            Body::UnixStream(end) => &mut end.name,
            Body::UnixDatagrams(end) => &mut end.name,
            _ => return Err(Errno::Invalid),
        };
        if *own != UnixAddress::Unnamed {
            return Err(Errno::Invalid);
        }
        let stack = &mut self.stacks[socket.stack as usize];
        let name = match name {
            UnixAddress::Unnamed => {
                stack.autobound += 1;
                UnixAddress::Abstract(format!("{:05x}", stack.autobound).into_bytes())
            }
            UnixAddress::Path(path) if path.as_os_str().len() > LONGEST_PATH => return Err(Errno::Invalid),
            _ => name.clone(),
        };
        if stack.unix.contains_key(&name) {
            return Err(Errno::AddressInUse);
        }
        stack.unix.insert(name.clone(), Some(id));
        *own = name;
        Ok(())
    }

    /// Takes the file of a Unix socket away; who is connected stays so.
    pub(crate) fn unlink_unix(&mut self, process: u32, name: &UnixAddress) -> Result<(), Errno> {
        let stack = self.stack_of(process)?;
        self.stacks[stack as usize].unix.remove(name).map(|_| ()).ok_or(Errno::NotFound)
    }

    /// Who has a name.
    fn holder(&mut self, stack: u32, name: &UnixAddress) -> Result<SocketId, Errno> {
        match self.stacks[stack as usize].unix.get(name) {
            Some(Some(holder)) if self.sockets.get(*holder).is_some() => Ok(*holder),
            Some(_) => Err(Errno::ConnectionRefused),
            None if matches!(name, UnixAddress::Abstract(_)) => Err(Errno::ConnectionRefused),
            None => Err(Errno::NotFound),
        }
    }

    pub(super) fn listen_unix(&mut self, index: u32, backlog: u32) -> Result<(), Errno> {
        let Body::UnixStream(end) = &mut self.sockets.at(index).body else { return Err(Errno::Invalid) };
        if end.peer.is_some() || end.name == UnixAddress::Unnamed {
            return Err(Errno::Invalid);
        }
        let name = std::mem::take(&mut end.name);
        self.sockets.at(index).body =
            Body::UnixListener(Box::new(Listener { backlog, name, ..Listener::default() }));
        Ok(())
    }

    pub(super) fn connect_unix(&mut self, index: u32, name: &UnixAddress) -> Result<(), Errno> {
        let own = self.sockets.id(index);
        let socket = self.sockets.at(index);
        let stack = socket.stack;
        let Body::UnixStream(end) = &mut socket.body else { return Err(Errno::Invalid) };
        if end.peer.is_some() {
            return Err(Errno::IsConnected);
        }
        let client_name = end.name.clone();
        let listener = self.holder(stack, name)?;
        let holder = self.sockets.at(listener.index);
        if matches!(holder.body, Body::UnixDatagrams(_)) {
            return Err(Errno::WrongType);
        }
        let Some(listening) = holder.listener() else { return Err(Errno::ConnectionRefused) };
        if listening.is_full() {
            return Err(Errno::WouldBlock);
        }
        let server_name = listening.name.clone();
        let mut served = UnixStream::connected(own);
        (served.name, served.peer_name) = (server_name.clone(), client_name);
        let body = Body::UnixStream(Box::new(served));
        let served = self.sockets.insert(Socket::new(Family::Unix, SocketType::Stream, stack, body));
        let served_id = self.sockets.id(served);
        if let Some(listening) = self.sockets.at(listener.index).listener() {
            listening.queue.push_back(served);
        }
        if let Some(end) = self.unix(Some(own)) {
            (end.peer, end.has_room, end.peer_name) = (Some(served_id), true, server_name);
        }
        self.stir(listener.index);
        self.stir(index);
        Ok(())
    }

    /// Bytes that the peer has not read.
    fn unread(&mut self, peer: Option<SocketId>) -> usize {
        self.unix(peer).map_or(0, |peer| peer.received.len())
    }

    fn send_buffer(&mut self, index: u32) -> usize {
        let stack = self.sockets.at(index).stack;
        self.stacks[stack as usize].settings.send_buffer as usize
    }

    pub(crate) fn send_unix(&mut self, index: u32, data: &[u8]) -> Result<usize, Errno> {
        let Body::UnixStream(end) = &mut self.sockets.at(index).body else { return Err(Errno::NotConnected) };
        let (peer, shut) = (end.peer, end.write_shut);
        if peer.is_none() {
            return Err(Errno::NotConnected);
        }
        if shut || self.unix(peer).is_none_or(|peer| peer.read_shut) {
            return Err(Errno::BrokenPipe);
        }
        let buffer = self.send_buffer(index);
        let taken = buffer.saturating_sub(self.unread(peer)).min(data.len());
        if taken == 0 && !data.is_empty() {
            return Err(Errno::WouldBlock);
        }
        let Some(there) = self.unix(peer) else { return Err(Errno::BrokenPipe) };
        there.received.extend(&data[..taken]);
        let room = 4 * there.received.len() <= buffer;
        if let Body::UnixStream(end) = &mut self.sockets.at(index).body {
            end.has_room = room;
        }
        self.stir_peer(peer);
        Ok(taken)
    }

    fn stir_peer(&mut self, peer: Option<SocketId>) {
        if let Some(peer) = peer
            && self.sockets.get(peer).is_some()
        {
            self.stir(peer.index);
        }
    }

    pub(crate) fn receive_unix(&mut self, index: u32, buffer: &mut [u8], peek: bool) -> Result<usize, Errno> {
        let socket = self.sockets.at(index);
        let Body::UnixStream(end) = &mut socket.body else { return Err(Errno::NotConnected) };
        if end.peer.is_none() {
            return Err(Errno::Invalid);
        }
        if end.received.is_empty() {
            return match (socket.error.take(), end.read_shut) {
                _ if buffer.is_empty() => Ok(0),
                (Some(error), _) => Err(error),
                (None, true) => Ok(0),
                (None, false) => Err(Errno::WouldBlock),
            };
        }
        let count = end.received.len().min(buffer.len());
        let (front, back) = end.received.as_slices();
        let first = front.len().min(count);
        buffer[..first].copy_from_slice(&front[..first]);
        buffer[first..count].copy_from_slice(&back[..count - first]);
        if !peek {
            end.received.drain(..count);
            let (left, peer) = (end.received.len(), end.peer);
            let send_buffer = self.send_buffer(index);
            if let Some(there) = self.unix(peer) {
                there.has_room = 4 * left <= send_buffer;
            }
            self.stir_peer(peer);
        }
        Ok(count)
    }

    pub(super) fn shutdown_unix(&mut self, index: u32, how: Shutdown) -> Result<(), Errno> {
        let Body::UnixStream(end) = &mut self.sockets.at(index).body else { return Err(Errno::NotConnected) };
        let Some(peer) = end.peer else { return Err(Errno::NotConnected) };
        let (read, write) = (how != Shutdown::Write, how != Shutdown::Read);
        end.read_shut |= read;
        end.write_shut |= write;
        if let Some(there) = self.unix(Some(peer)) {
            there.read_shut |= write;
            there.write_shut |= read;
        }
        self.stir_peer(Some(peer));
        Ok(())
    }

    pub(super) fn close_unix_stream(&mut self, index: u32) {
        self.close_unix_end(index, false);
    }

    /// An end goes. Its peer learns it at once, and of lost bytes too.
    fn close_unix_end(&mut self, index: u32, never_accepted: bool) {
        let stack = self.sockets.at(index).stack;
        let Body::UnixStream(end) = &mut self.sockets.at(index).body else { return };
        let (peer, lost, name) = (end.peer, !end.received.is_empty() || never_accepted, end.name.clone());
        self.release_name(stack, index, &name);
        if let Some(there) = self.unix(peer) {
            (there.read_shut, there.write_shut) = (true, true);
        }
        if lost
            && let Some(peer) = peer
            && let Some(socket) = self.sockets.get(peer)
        {
            socket.error = Some(Errno::ConnectionReset);
        }
        self.stir_peer(peer);
    }

    pub(super) fn close_unix_listener(&mut self, index: u32) {
        let stack = self.sockets.at(index).stack;
        let Some(listener) = self.sockets.at(index).listener() else { return };
        let (queue, name) = (std::mem::take(&mut listener.queue), listener.name.clone());
        self.release_name(stack, index, &name);
        for waiting in queue {
            self.close_unix_end(waiting, true);
            if self.sockets.at(waiting).process == NOBODY {
                let socket = self.sockets.remove(waiting);
                self.trash.push(socket);
            }
        }
    }

    /// A file stays when its socket goes; an abstract name is free.
    fn release_name(&mut self, stack: u32, index: u32, name: &UnixAddress) {
        let id = self.sockets.id(index);
        let names = &mut self.stacks[stack as usize].unix;
        if names.get(name) != Some(&Some(id)) {
            return;
        }
        match name {
            UnixAddress::Path(_) => names.insert(name.clone(), None),
            _ => names.remove(name),
        };
    }

    // ---- datagrams

    pub(super) fn connect_unix_datagrams(&mut self, index: u32, name: &UnixAddress) -> Result<(), Errno> {
        let stack = self.sockets.at(index).stack;
        let peer = self.holder(stack, name)?;
        if self.unix_datagrams(Some(peer)).is_none() {
            return Err(Errno::WrongType);
        }
        let own = self.sockets.id(index);
        if let Some(end) = self.unix_datagrams(Some(own)) {
            (end.peer, end.peer_name) = (Some(peer), name.clone());
        }
        self.look_for_room(index);
        Ok(())
    }

    pub(crate) fn send_unix_datagram(
        &mut self,
        index: u32,
        data: &[u8],
        to: Option<&UnixAddress>,
    ) -> Result<usize, Errno> {
        if data.len() > LARGEST_DATAGRAM {
            return Err(Errno::MessageSize);
        }
        let own = self.sockets.id(index);
        let stack = self.sockets.at(index).stack;
        let Some(end) = self.unix_datagrams(Some(own)) else { return Err(Errno::NotSupported) };
        if end.write_shut {
            return Err(Errno::BrokenPipe);
        }
        let (name, paired, connected) = (end.name.clone(), end.paired, end.peer);
        let peer = match to {
            Some(to) => self.holder(stack, to)?,
            None => connected.ok_or(Errno::NotConnected)?,
        };
        let Some(there) = self.unix_datagrams(Some(peer)) else { return Err(Errno::ConnectionRefused) };
        if there.peer.is_some_and(|theirs| theirs != own) {
            return Err(Errno::NotPermitted);
        }
        let bytes: usize = there.queue.iter().map(|(data, _)| data.len() + 768).sum();
        let full =
            if paired { bytes + data.len() + 768 > 212_992 } else { there.queue.len() >= DATAGRAM_QUEUE };
        if full {
            if let Some(end) = self.unix_datagrams(Some(own)) {
                end.refused_by = Some(peer);
            }
            self.look_for_room(index);
            return Err(Errno::WouldBlock);
        }
        there.queue.push_back((Bytes::copy_from_slice(data), name));
        self.look_for_room(index);
        self.stir_peer(Some(peer));
        Ok(data.len())
    }

    /// Has the peer's queue room? A sender that is connected to nobody is always writable (linux-facts 4.4.2).
    fn look_for_room(&mut self, index: u32) {
        let own = self.sockets.id(index);
        let Some(end) = self.unix_datagrams(Some(own)) else { return };
        let (peer, paired) = (end.peer, end.paired);
        let queued = self.unix_datagrams(peer).map_or(0, |there| there.queue.len());
        if let Some(end) = self.unix_datagrams(Some(own)) {
            end.has_room = peer.is_none() || paired || queued < DATAGRAM_QUEUE;
        }
    }

    pub(crate) fn receive_unix_datagram(
        &mut self,
        index: u32,
        buffer: &mut [u8],
        peek: bool,
    ) -> Result<(usize, Address), Errno> {
        let own = self.sockets.id(index);
        let Some(end) = self.unix_datagrams(Some(own)) else { return Err(Errno::NotSupported) };
        let Some((data, name)) = end.queue.front() else {
            return if end.read_shut {
                Ok((0, Address::Unix(UnixAddress::Unnamed)))
            } else {
                Err(Errno::WouldBlock)
            };
        };
        let length = data.len().min(buffer.len());
        buffer[..length].copy_from_slice(&data[..length]);
        let name = name.clone();
        if !peek {
            end.queue.pop_front();
            self.tell_senders(own);
        }
        Ok((length, Address::Unix(name)))
    }

    /// A place is free in a queue: who is connected to it may send.
    fn tell_senders(&mut self, to: SocketId) {
        for index in self.sockets.indices() {
            let own = self.sockets.id(index);
            let Some(end) = self.unix_datagrams(Some(own)) else { continue };
            if end.refused_by == Some(to) {
                end.refused_by = None;
            } else if end.peer != Some(to) {
                continue;
            }
            self.look_for_room(index);
            self.stir(index);
        }
    }

    pub(super) fn close_unix_datagrams(&mut self, index: u32) {
        let own = self.sockets.id(index);
        let stack = self.sockets.at(index).stack;
        let Some(end) = self.unix_datagrams(Some(own)) else { return };
        let name = end.name.clone();
        self.release_name(stack, index, &name);
        self.tell_senders(own);
    }
}
