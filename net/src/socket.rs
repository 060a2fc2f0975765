//! A socket of the simulated kernel: the system calls that do not wait, as `socket.socket` has them in asyncio.
//!
//! Everything that programs use of the network stands on this. A call that would have to wait fails with
//! `WouldBlock`; readiness is told to the loop by handles ([`Socket::set_reader`]) or to waiting tasks
//! ([`Socket::poll_ready`]).

use crate::addr::{Address, Family, SocketType};
use counterpoint_runtime::Handle;
use counterpoint_runtime::Op;
use counterpoint_runtime::kernel::{KernelWait, Line};
use std::io;
use std::net::Shutdown;
use std::task::{Context, Poll};
use std::time::Duration;

/// A socket of the current process, non-blocking. A clone is the same socket (a second descriptor of it); when the last
/// one goes, it is closed.
pub struct Socket {
    event_loop: u64,
    index: u32,
    generation: u32,
}

/// What can be set on a socket.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketOption {
    /// `SO_REUSEADDR`.
    ReuseAddress(bool),
    /// `SO_REUSEPORT`.
    ReusePort(bool),
    /// `TCP_NODELAY`.
    NoDelay(bool),
    /// `SO_KEEPALIVE`, with the time that a connection is idle, the interval, and the number of probes.
    KeepAlive(Option<(Duration, Duration, u32)>),
    /// `SO_LINGER`; zero resets the connection at its close.
    Linger(Option<Duration>),
    /// `TCP_USER_TIMEOUT`.
    UserTimeout(Option<Duration>),
    /// `SO_SNDBUF`, in bytes.
    SendBuffer(u32),
    /// `SO_RCVBUF`, in bytes.
    ReceiveBuffer(u32),
    /// `SO_BROADCAST`.
    Broadcast(bool),
    /// `IPV6_V6ONLY`.
    OnlyV6(bool),
}

#[allow(unused_variables, clippy::unimplemented, reason = "signatures first")]
impl Socket {
    /// Makes a socket in the current process.
    ///
    /// # Panics
    /// Outside of an event loop.
    #[track_caller]
    pub fn new(family: Family, kind: SocketType) -> io::Result<Socket> { unimplemented!() }
    /// Two connected Unix sockets.
    pub fn pair(kind: SocketType) -> io::Result<(Socket, Socket)> { unimplemented!() }
    /// `bind`.
    pub fn bind(&self, address: &Address) -> io::Result<()> { unimplemented!() }
    /// `listen`; the accept queue holds one more.
    pub fn listen(&self, backlog: u32) -> io::Result<()> { unimplemented!() }
    /// `accept`: a new socket of this process, and the peer's address.
    pub fn accept(&self) -> io::Result<(Socket, Address)> { unimplemented!() }
    /// `connect`: for TCP always `InProgress` (EINPROGRESS) at first.
    pub fn connect(&self, address: &Address) -> io::Result<()> { unimplemented!() }
    /// `send`: how many bytes were taken.
    pub fn send(&self, data: &[u8]) -> io::Result<usize> { unimplemented!() }
    /// `sendmsg` of several buffers as one.
    pub fn send_vectored(&self, data: &[io::IoSlice<'_>]) -> io::Result<usize> { unimplemented!() }
    /// `recv_into`: 0 is the end of the stream.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> { unimplemented!() }
    /// `recv` with `MSG_PEEK`.
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> { unimplemented!() }
    /// `sendto`.
    pub fn send_to(&self, data: &[u8], address: &Address) -> io::Result<usize> { unimplemented!() }
    /// `recvfrom_into`.
    pub fn receive_from(&self, buffer: &mut [u8]) -> io::Result<(usize, Address)> { unimplemented!() }
    /// How many bytes the next `receive` can give (`FIONREAD`).
    pub fn available(&self) -> usize { unimplemented!() }
    /// `shutdown`.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> { unimplemented!() }
    /// `close`, whoever else holds it. Twice is fine. A reader or writer of it is removed.
    pub fn close(&self) { unimplemented!() }
    /// Was it closed (`fileno() == -1`)?
    pub fn is_closed(&self) -> bool { unimplemented!() }
    /// The descriptor number: counts up in a process, in the order of `new` and `accept`, and is never used again. -1 once closed.
    pub fn fileno(&self) -> i64 { unimplemented!() }
    /// `getsockname`.
    pub fn local_address(&self) -> io::Result<Address> { unimplemented!() }
    /// `getpeername`.
    pub fn peer_address(&self) -> io::Result<Address> { unimplemented!() }
    /// `SO_ERROR`: reads and clears it.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> { unimplemented!() }
    /// `setsockopt`.
    pub fn set_option(&self, option: SocketOption) -> io::Result<()> { unimplemented!() }
    /// The family.
    pub fn family(&self) -> Family { unimplemented!() }
    /// The type.
    pub fn kind(&self) -> SocketType { unimplemented!() }

    // ---- readiness

    /// Lets a handle made by `call_when_ready` run in each tick in which the socket can be read (or has an error, or its
    /// end); none takes it back. The one before is given back. (asyncio's selector registers it; level-triggered.)
    pub fn set_reader(&self, handle: Option<Handle>) -> Option<Handle> { unimplemented!() }
    /// As `set_reader`, for writing.
    pub fn set_writer(&self, handle: Option<Handle>) -> Option<Handle> { unimplemented!() }
    /// Is there a reader?
    pub fn has_reader(&self) -> bool { unimplemented!() }
    /// Is there a writer?
    pub fn has_writer(&self) -> bool { unimplemented!() }

    /// Waits until the socket may be read or written: for Rust's faces. Ready after it was ready once; call, then wait
    /// again if the call says `WouldBlock`.
    pub fn poll_ready(&self, wait: &mut KernelWait, cx: &mut Context<'_>, line: Line, op: Op) -> Poll<counterpoint_runtime::Result<()>> { unimplemented!() }
    /// Ends a wait that is not needed any more.
    pub fn give_up(&self, wait: &mut KernelWait, line: Line) { unimplemented!() }
}

impl Clone for Socket {
    fn clone(&self) -> Socket {
        Socket { event_loop: self.event_loop, index: self.index, generation: self.generation }
    }
}
