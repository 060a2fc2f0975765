//! Who hears of what: the sockets of a process that may be ready, and what they hand up.
//!
//! As a selector does: level-triggered for handles, once for waiting tasks. A socket is looked at when something happened
//! to it or to who wants to hear of it, so idle sockets cost nothing. Reported in the order of descriptor numbers; of one
//! socket the reader before the writer.

use super::Network;
use crate::addr::UnixAddress;
use crate::table::{Body, NOBODY, Socket};
use counterpoint_runtime::kernel::{Line, Readiness};
use std::net::SocketAddr;

impl Network {
    /// Something happened to a socket: its process is to look at it.
    #[inline]
    pub(super) fn stir(&mut self, index: u32) {
        let socket = self.sockets.at(index);
        if socket.process == NOBODY || socket.interest.listed || !socket.interest.is_any() {
            return;
        }
        socket.interest.listed = true;
        let number = socket.process;
        let process = &mut self.processes[number as usize];
        process.listed.push(index);
        if !process.stirred {
            process.stirred = true;
            self.stirred.push(number);
        }
    }

    /// Somebody wants to hear of a socket from now on: its process is to look at it if there is anything to hear.
    #[inline]
    pub(crate) fn stir_if_ready(&mut self, index: u32) {
        let socket = self.sockets.at(index);
        let aside = socket.tcp().is_some_and(|tcp| !tcp.aside.is_empty());
        let interest = &socket.interest;
        let hears = aside
            || interest.wants(Line::Read) && is_readable(socket)
            || interest.wants(Line::Write) && is_writable(socket);
        if hears {
            self.stir(index);
        }
    }

    /// May another process than this one have something to hear of?
    pub fn is_another_stirred(&mut self, process: u32) -> bool {
        self.stirred.retain(|other| *other != process);
        self.processes[process as usize].stirred = false;
        !self.stirred.is_empty()
    }

    /// A socket in words, for reports: what it is, and whom it talks to.
    pub(crate) fn name_of(&mut self, index: u32) -> String {
        let host = |network: &Network, address: SocketAddr| {
            let name = network.owner_of(address.ip()).map(|stack| network.stack_name(stack));
            match name {
                Some(name) if !name.is_empty() => format!("{name}:{}", address.port()),
                _ => address.to_string(),
            }
        };
        let socket = self.sockets.at(index);
        let (local, remote) = (socket.local, socket.remote);
        match (&socket.body, local, remote) {
            (Body::Listener(_), Some(local), _) => format!("listening at {local}"),
            (Body::UnixListener(listener), ..) => format!("listening at {}", listener.name),
            (Body::UnixStream(end), ..) if end.peer_name != UnixAddress::Unnamed => {
                format!("to {}", end.peer_name)
            }
            (Body::UnixStream(end), ..) => format!("of {}", end.name),
            (_, _, Some(remote)) => format!("to {}", host(self, remote)),
            (_, Some(local), None) => format!("at {local}"),
            _ => "without an address".to_owned(),
        }
    }

    /// The processes that may have something to hear of, since this was last asked.
    pub fn take_stirred(&mut self, stirred: &mut Vec<u32>) {
        for process in self.stirred.drain(..) {
            self.processes[process as usize].stirred = false;
            stirred.push(process);
        }
    }

    /// May any process have something to hear of?
    pub fn is_any_stirred(&self) -> bool {
        !self.stirred.is_empty()
    }

    /// Has the process sockets to look at?
    pub fn is_stirred(&self, process: u32) -> bool {
        !self.processes[process as usize].listed.is_empty()
    }

    /// Tells what is ready for a process.
    pub fn poll(&mut self, process: u32, ready: &mut Readiness) {
        let mut listed = std::mem::take(&mut self.processes[process as usize].listed);
        if listed.len() > 1 {
            let sockets = &mut self.sockets;
            listed.sort_unstable_by_key(|index| sockets.at(*index).number);
        }
        listed.retain(|index| {
            // What lay aside for it may have made room.
            let id = self.sockets.id(*index);
            if self.sockets.at(*index).tcp().is_some_and(|tcp| !tcp.aside.is_empty()) {
                self.with_tcp(id, |_, _, _| ());
            }
            let socket = self.sockets.at(*index);
            let stays = socket.process == process && tell(socket, ready);
            if socket.process == process {
                socket.interest.listed = stays;
            }
            stays
        });
        // Something may have been listed meanwhile.
        let process = &mut self.processes[process as usize];
        listed.append(&mut process.listed);
        process.listed = listed;
    }
}

/// Tells what of one socket is ready. True if it is to be looked at again the next time.
fn tell(socket: &mut Socket, ready: &mut Readiness) -> bool {
    let (reads, writes) = (socket.interest.wants(Line::Read), socket.interest.wants(Line::Write));
    let readable = reads && is_readable(socket);
    let writable = writes && is_writable(socket);
    // As in a blocking call, a task waits for the room that it did not find; a selector does not know of that.
    let refused = matches!(&socket.body, Body::UnixDatagrams(end) if end.refused_by.is_some());
    let interest = &mut socket.interest;
    let mut again = false;
    if readable {
        if let Some(reader) = &interest.reader {
            ready.callback(reader);
            again = true;
        }
        if std::mem::take(&mut interest.read_waited)
            && let Some(waiters) = &interest.waiters
        {
            ready.waiters(waiters, Line::Read);
        }
    }
    if writable {
        if let Some(writer) = &interest.writer {
            ready.callback(writer);
            again = true;
        }
        if !refused
            && std::mem::take(&mut interest.write_waited)
            && let Some(waiters) = &interest.waiters
        {
            ready.waiters(waiters, Line::Write);
        }
    }
    again
}

impl crate::table::Interest {
    fn wants(&self, line: Line) -> bool {
        match line {
            Line::Read => self.read_waited || self.reader.is_some(),
            Line::Write => self.write_waited || self.writer.is_some(),
        }
    }
}

/// What epoll would say: `EPOLLIN` and the others, where `is_readable` says what a selector makes of them.
pub(crate) fn mask(socket: &Socket) -> crate::tcp::Readiness {
    let hung_up = |writable| crate::tcp::Readiness { writable, hung_up: true, ..Default::default() };
    let error = socket.error.is_some();
    match &socket.body {
        Body::Free => crate::tcp::Readiness::default(),
        // linux-facts 1.1.10, 1.2.10: a fresh one is writable and hung up; one whose attempt failed is readable as well.
        Body::Fresh if socket.remote.is_some() => {
            crate::tcp::Readiness { readable: true, read_closed: true, error, ..hung_up(true) }
        }
        Body::Fresh => crate::tcp::Readiness { error, ..hung_up(true) },
        Body::Tcp(tcp) => tcp.connection.readiness(),
        Body::UnixStream(end) if end.peer.is_none() => hung_up(true),
        Body::UnixStream(end) => crate::tcp::Readiness {
            readable: !end.received.is_empty() || end.read_shut,
            writable: end.has_room,
            read_closed: end.read_shut,
            hung_up: end.read_shut && end.write_shut,
            error,
        },
        Body::Datagrams(datagrams) => crate::tcp::Readiness {
            readable: !datagrams.queue.is_empty() || datagrams.read_shut,
            writable: true,
            read_closed: datagrams.read_shut,
            error,
            ..Default::default()
        },
        Body::Listener(_) | Body::UnixListener(_) | Body::UnixDatagrams(_) => crate::tcp::Readiness {
            readable: is_readable(socket),
            writable: is_writable(socket),
            ..Default::default()
        },
    }
}

/// Would a read not wait? (`EPOLLIN`, or an error or the end.)
pub(super) fn is_readable(socket: &Socket) -> bool {
    match &socket.body {
        Body::Free => false,
        Body::Fresh => true,
        Body::Listener(listener) | Body::UnixListener(listener) => !listener.queue.is_empty(),
        Body::Tcp(tcp) => tcp.connection.is_readable(),
        Body::Datagrams(datagrams) => {
            !datagrams.queue.is_empty() || socket.error.is_some() || datagrams.read_shut
        }
        Body::UnixStream(end) => {
            !end.received.is_empty() || end.read_shut || socket.error.is_some() || end.peer.is_none()
        }
        Body::UnixDatagrams(end) => !end.queue.is_empty() || socket.error.is_some() || end.read_shut,
    }
}

/// Would a write not wait? What a Unix socket says of it depends on its peer: see `unix_calls`.
pub(super) fn is_writable(socket: &Socket) -> bool {
    match &socket.body {
        Body::Free | Body::Listener(_) | Body::UnixListener(_) => false,
        Body::Fresh | Body::Datagrams(_) => true,
        Body::Tcp(tcp) => tcp.connection.is_writable(),
        Body::UnixStream(end) => {
            end.has_room || socket.error.is_some() || end.peer.is_none() || (end.read_shut && end.write_shut)
        }
        Body::UnixDatagrams(end) => end.has_room,
    }
}
