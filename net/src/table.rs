//! The sockets of a network: one table for all hosts, so that a packet finds its end by a number.
//!
//! A socket has an owner, a process, until it is closed; a connection lives on without one for as long as TCP has
//! something to say. A number that is used again has another generation.

use crate::addr::{Family, SocketType, UnixAddress};
use crate::errno::Errno;
use crate::options::{Options, SocketOption};
use crate::tcp::{Connection, Segment};
use bytes::Bytes;
use counterpoint_runtime::kernel::Waiters;
use counterpoint_runtime::{Handle, Instant};
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

/// No process, no stack.
pub(crate) const NOBODY: u32 = u32::MAX;

/// Names a socket for as long as it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SocketId {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

/// A socket, or a connection that nobody holds any more.
pub(crate) struct Socket {
    pub(crate) generation: u32,
    /// Descriptors that name it.
    pub(crate) handles: u32,
    /// The process whose it is; nobody's once it is closed, or before it is accepted.
    pub(crate) process: u32,
    pub(crate) stack: u32,
    /// The number of its first descriptor: the order in which readiness is told.
    pub(crate) number: u64,
    pub(crate) family: Family,
    pub(crate) kind: SocketType,
    pub(crate) options: Options,
    /// What was set for the connection that it is not yet.
    pub(crate) later: Vec<SocketOption>,
    pub(crate) local: Option<SocketAddr>,
    pub(crate) remote: Option<SocketAddr>,
    /// Its port was chosen by `bind`, not by `connect`.
    pub(crate) bound: bool,
    pub(crate) error: Option<Errno>,
    pub(crate) body: Body,
    pub(crate) interest: Interest,
}

/// Who wants to hear of readiness.
#[derive(Default)]
pub(crate) struct Interest {
    pub(crate) reader: Option<Handle>,
    pub(crate) writer: Option<Handle>,
    pub(crate) waiters: Option<Waiters>,
    pub(crate) read_waited: bool,
    pub(crate) write_waited: bool,
    /// It stands in its process's list of those to look at.
    pub(crate) listed: bool,
}

impl Interest {
    pub(crate) fn is_any(&self) -> bool {
        self.read_waited || self.write_waited || self.reader.is_some() || self.writer.is_some()
    }
}

pub(crate) enum Body {
    /// A number that no socket has.
    Free,
    /// A stream socket that is neither connected nor listens.
    Fresh,
    Listener(Box<Listener>),
    Tcp(Box<Tcp>),
    Datagrams(Box<Datagrams>),
    UnixStream(Box<UnixStream>),
    UnixListener(Box<Listener>),
    UnixDatagrams(Box<UnixDatagrams>),
}

/// Sockets that wait to be accepted.
#[derive(Default)]
pub(crate) struct Listener {
    pub(crate) backlog: u32,
    pub(crate) queue: VecDeque<u32>,
    pub(crate) name: UnixAddress,
}

impl Listener {
    pub(crate) fn is_full(&self) -> bool {
        self.queue.len() > self.backlog as usize
    }
}

/// An end of a TCP connection, and what the network knows of it.
pub(crate) struct Tcp {
    pub(crate) connection: Connection,
    pub(crate) peer: Option<SocketId>,
    pub(crate) route: Route,
    /// Acknowledgements that nobody waits for, until something else happens here.
    pub(crate) aside: VecDeque<(Instant, Segment)>,
    /// When the last segment that was sent arrives: the next does not overtake it.
    pub(crate) last_arrival: Instant,
    /// For which moment a timer event is in the queue.
    pub(crate) timer: Option<Instant>,
    /// What its draws are named by.
    pub(crate) key: u64,
    /// The listener that it waits for, until it is established.
    pub(crate) listener: Option<SocketId>,
    /// A further `connect` has said that it is up.
    pub(crate) connect_reported: bool,
    /// What the last segment without bytes said, and how often in a row: names of their draws.
    pub(crate) said: (u64, u32),
    /// How many bytes were read and written: names of the draws of splits.
    pub(crate) read: u64,
    pub(crate) written: u64,
}

/// How packets go from one stack to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) stack: u32,
    /// The link; none within a host.
    pub(crate) link: Option<u32>,
}

/// A UDP socket.
#[derive(Default)]
pub(crate) struct Datagrams {
    pub(crate) queue: VecDeque<(Bytes, SocketAddr)>,
    /// Kernel memory that the queue takes.
    pub(crate) memory: u32,
    pub(crate) groups: Vec<IpAddr>,
    pub(crate) read_shut: bool,
    /// How many were sent: names of their draws.
    pub(crate) sent: u64,
}

/// An end of a Unix connection.
#[derive(Default)]
pub(crate) struct UnixStream {
    pub(crate) peer: Option<SocketId>,
    pub(crate) received: VecDeque<u8>,
    pub(crate) read_shut: bool,
    pub(crate) write_shut: bool,
    /// Its peer's buffer has room for more: kept up to date by what reads and writes there.
    pub(crate) has_room: bool,
    pub(crate) name: UnixAddress,
    pub(crate) peer_name: UnixAddress,
}

/// A Unix datagram socket.
#[derive(Default)]
pub(crate) struct UnixDatagrams {
    pub(crate) queue: VecDeque<(Bytes, UnixAddress)>,
    pub(crate) name: UnixAddress,
    pub(crate) peer: Option<SocketId>,
    pub(crate) peer_name: UnixAddress,
    pub(crate) read_shut: bool,
    pub(crate) write_shut: bool,
    /// Its peer's queue has room: kept up to date by what reads and writes there.
    pub(crate) has_room: bool,
    /// Whose full queue refused a datagram: tasks wait for room there, though a selector says that there is some.
    pub(crate) refused_by: Option<SocketId>,
    /// Made by `pair`: only its peer may send to it, and its queue is not short.
    pub(crate) paired: bool,
}

/// The table.
#[derive(Default)]
pub(crate) struct Sockets {
    slots: Vec<Socket>,
    free: Vec<u32>,
}

impl Sockets {
    pub(crate) fn insert(&mut self, socket: Socket) -> u32 {
        if let Some(index) = self.free.pop() {
            let generation = self.slots[index as usize].generation;
            self.slots[index as usize] = Socket { generation, ..socket };
            return index;
        }
        self.slots.push(socket);
        self.slots.len() as u32 - 1
    }

    /// Frees a number; what is to be dropped outside of the network is given back.
    pub(crate) fn remove(&mut self, index: u32) -> Socket {
        let slot = &mut self.slots[index as usize];
        if !matches!(slot.body, Body::Free) {
            self.free.push(index);
        }
        let empty = Socket::empty(slot.generation.wrapping_add(1));
        std::mem::replace(slot, empty)
    }

    #[inline]
    pub(crate) fn at(&mut self, index: u32) -> &mut Socket {
        &mut self.slots[index as usize]
    }

    #[inline]
    pub(crate) fn get(&mut self, id: SocketId) -> Option<&mut Socket> {
        self.slots.get_mut(id.index as usize).filter(|socket| socket.generation == id.generation)
    }

    pub(crate) fn id(&self, index: u32) -> SocketId {
        SocketId { index, generation: self.slots[index as usize].generation }
    }

    /// The numbers of all sockets.
    pub(crate) fn indices(&self) -> impl Iterator<Item = u32> + use<> {
        0..self.slots.len() as u32
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

impl Socket {
    pub(crate) fn new(family: Family, kind: SocketType, stack: u32, body: Body) -> Socket {
        Socket {
            generation: 0,
            handles: 0,
            process: NOBODY,
            stack,
            number: 0,
            family,
            kind,
            options: Options::default(),
            later: Vec::new(),
            local: None,
            remote: None,
            bound: false,
            error: None,
            body,
            interest: Interest::default(),
        }
    }

    fn empty(generation: u32) -> Socket {
        Socket { generation, ..Socket::new(Family::Inet, SocketType::Stream, NOBODY, Body::Free) }
    }

    pub(crate) fn tcp(&mut self) -> Option<&mut Tcp> {
        match &mut self.body {
            Body::Tcp(tcp) => Some(tcp),
            _ => None,
        }
    }

    pub(crate) fn listener(&mut self) -> Option<&mut Listener> {
        match &mut self.body {
            Body::Listener(listener) | Body::UnixListener(listener) => Some(listener),
            _ => None,
        }
    }

    pub(crate) fn is_listening(&self) -> bool {
        matches!(self.body, Body::Listener(_) | Body::UnixListener(_))
    }
}
