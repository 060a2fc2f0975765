//! A socket of the simulated kernel: the system calls that do not wait, as `socket.socket` has them in asyncio.
//!
//! Everything that programs use of the network stands on this. A call that would have to wait fails with
//! `WouldBlock`; readiness is told to the loop by handles ([`Socket::set_reader`]) or to waiting tasks
//! ([`Socket::poll_ready`]).

use crate::addr::{Address, Family, SocketType};
use crate::errno::Errno;
use crate::network::{Caller, Direction, Network, Use, reaches};
use crate::options::SocketOption;
use crate::registry::{call, call_of, call_quietly};
use crate::table::{Body, SocketId};
use counterpoint_runtime::kernel::{self, KernelWait, Line, Process, Waiters};
use counterpoint_runtime::{Handle, ObjectKind, Op, Result};
use std::io;
use std::net::{IpAddr, Shutdown};
use std::task::{Context, Poll};

/// A socket of the current process, non-blocking. A clone is the same socket, as a second descriptor of it; when the last
/// one goes, it is closed.
///
/// # Examples
/// ```
/// use counterpoint_net::{Address, Family, Socket, SocketType};
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let listener = Socket::new(Family::Inet, SocketType::Stream)?;
///     listener.bind(&Address::Inet("127.0.0.1:80".parse()?))?;
///     listener.listen(1)?;
///     let client = Socket::new(Family::Inet, SocketType::Stream)?;
///     let begun = client.connect(&listener.local_address()?).unwrap_err();
///     assert_eq!(begun.raw_os_error(), Some(115)); // EINPROGRESS
///     let (served, _) = listener.accept()?; // on the loopback it is up when the next call is made
///     assert_eq!(client.send(b"hello")?, 5);
///     let mut buffer = [0; 10];
///     assert_eq!(served.receive(&mut buffer)?, 5);
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
pub struct Socket {
    event_loop: u64,
    process: Process,
    id: SocketId,
}

impl Socket {
    /// Makes a socket in the current process.
    ///
    /// # Errors
    /// `ENETDOWN` on a host that is dead.
    ///
    /// # Panics
    /// Outside of an event loop.
    #[track_caller]
    pub fn new(family: Family, kind: SocketType) -> io::Result<Socket> {
        let id = call("a socket", |network, caller| network.socket(caller.process, family, kind))?;
        Ok(Socket::of_current(id))
    }

    /// Two connected Unix sockets (`socketpair`).
    ///
    /// # Errors
    /// As [`new`](Socket::new).
    #[track_caller]
    pub fn pair(kind: SocketType) -> io::Result<(Socket, Socket)> {
        let (one, other) = call("a pair of sockets", |network, caller| network.pair(caller.process, kind))?;
        Ok((Socket::of_current(one), Socket::of_current(other)))
    }

    fn of_current(id: SocketId) -> Socket {
        let caller = kernel::caller().expect("the call went through its loop");
        let process = caller.process.expect("the call went through its process");
        Socket { event_loop: caller.event_loop, process, id }
    }

    /// A call of the socket's own process.
    #[track_caller]
    #[inline]
    fn call<R>(
        &self,
        what: Use<'_>,
        f: impl FnOnce(&mut Network, Caller, u32) -> std::result::Result<R, Errno>,
    ) -> io::Result<R> {
        let ours = kernel::caller().filter(|caller| caller.event_loop == self.event_loop);
        let Some(caller) = ours else {
            kernel::check_bound(self.event_loop);
            return Err(Errno::BadDescriptor.into()); // its loop is closed, or does not run
        };
        let watched = caller.watched;
        let caller = Caller { process: self.process.number, now: caller.now };
        let made = call_of(self.process, caller, |network| {
            let index = network.own(caller, self.id)?;
            if watched {
                network.touch(index, what);
            }
            f(network, caller, index)
        });
        made.unwrap_or(Err(Errno::BadDescriptor)).map_err(io::Error::from)
    }

    /// `bind`. Port 0 takes an ephemeral one.
    ///
    /// # Errors
    /// `EADDRINUSE`, `EADDRNOTAVAIL` (not this host's), `EINVAL` (bound already), `EAFNOSUPPORT`.
    #[track_caller]
    pub fn bind(&self, address: &Address) -> io::Result<()> {
        self.call(Use::Change, |network, _, index| network.bind(index, address))
    }

    /// `listen`; the queue of those who wait to be accepted holds one more.
    ///
    /// # Errors
    /// `EADDRINUSE` if another socket listens there, `EINVAL` if it is connected.
    #[track_caller]
    pub fn listen(&self, backlog: u32) -> io::Result<()> {
        self.call(Use::Change, |network, _, index| network.listen(index, backlog))
    }

    /// `accept`: the oldest connection as a new socket of this process, and its peer's address.
    ///
    /// # Errors
    /// `EAGAIN` if none waits, `EINVAL` if it does not listen.
    #[track_caller]
    pub fn accept(&self) -> io::Result<(Socket, Address)> {
        let (id, address) =
            self.call(Use::Receive, |network, caller, index| network.accept(index, caller.process))?;
        Ok((Socket { event_loop: self.event_loop, process: self.process, id }, address))
    }

    /// `connect`. A TCP socket begins to, and says `EINPROGRESS`; once it is writable, [`take_error`](Socket::take_error)
    /// says what came of it.
    ///
    /// # Errors
    /// As Linux gives them: the table of the book has them all.
    #[track_caller]
    pub fn connect(&self, address: &Address) -> io::Result<()> {
        self.call(Use::SendTo(address), |network, _, index| network.connect(index, address))
    }

    /// `send`: how many bytes were taken.
    ///
    /// # Errors
    /// `EAGAIN` if there is no room, `EPIPE` after an end, the error that ended the connection, once.
    #[track_caller]
    #[inline]
    pub fn send(&self, data: &[u8]) -> io::Result<usize> {
        self.call(Use::Send, |network, _, index| network.send(index, data))
    }

    /// `sendmsg` of several buffers as one.
    ///
    /// # Errors
    /// As [`send`](Socket::send).
    #[track_caller]
    pub fn send_vectored(&self, data: &[io::IoSlice<'_>]) -> io::Result<usize> {
        let joined: Vec<u8> = data.iter().flat_map(|part| part.iter().copied()).collect();
        self.send(&joined)
    }

    /// `recv`: how many bytes came; 0 is the end of the stream.
    ///
    /// # Errors
    /// `EAGAIN` if nothing is there, the error that ended the connection, once.
    #[track_caller]
    #[inline]
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.call(Use::Receive, |network, _, index| network.receive(index, buffer, false))
    }

    /// `recv` with `MSG_PEEK`: what was read stays.
    ///
    /// # Errors
    /// As [`receive`](Socket::receive).
    #[track_caller]
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.call(Use::Receive, |network, _, index| network.receive(index, buffer, true))
    }

    /// `sendto`.
    ///
    /// # Errors
    /// `EMSGSIZE`, `EACCES` (a broadcast without the option), an ICMP error that came before, once.
    #[track_caller]
    pub fn send_to(&self, data: &[u8], address: &Address) -> io::Result<usize> {
        self.call(Use::SendTo(address), |network, _, index| network.send_to(index, data, address))
    }

    /// `recvfrom`: what does not fit the buffer is gone.
    ///
    /// # Errors
    /// `EAGAIN` if nothing is there, an ICMP error, once.
    #[track_caller]
    pub fn receive_from(&self, buffer: &mut [u8]) -> io::Result<(usize, Address)> {
        self.call(Use::Receive, |network, _, index| network.receive_from(index, buffer, false))
    }

    /// `recvfrom` with `MSG_PEEK`.
    ///
    /// # Errors
    /// As [`receive_from`](Socket::receive_from).
    #[track_caller]
    pub fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, Address)> {
        self.call(Use::Receive, |network, _, index| network.receive_from(index, buffer, true))
    }

    /// How many bytes the next [`receive`](Socket::receive) can give at most (`FIONREAD`); 0 of a closed socket.
    #[track_caller]
    pub fn available(&self) -> usize {
        self.call(Use::Look, |network, _, index| Ok(network.available(index))).unwrap_or(0)
    }

    /// `shutdown`.
    ///
    /// # Errors
    /// `ENOTCONN`.
    #[track_caller]
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.call(Use::Change, |network, _, index| network.shutdown(index, how))
    }

    /// Ends the direction of writing, for a drop: anywhere, and without an answer.
    pub(crate) fn shutdown_quietly(&self) {
        let _ = call_quietly(self.process, |network| {
            let caller = Caller { process: self.process.number, now: network.now() };
            if let Ok(index) = network.own(caller, self.id) {
                network.touch_closing(index);
                let _ = network.shutdown(index, Shutdown::Write);
            }
        });
    }

    /// `close`, whoever else holds it. Twice is fine. Nobody hears of it any more.
    pub fn close(&self) {
        let _ = call_quietly(self.process, |network| {
            let caller = Caller { process: self.process.number, now: network.now() };
            if let Ok(index) = network.own(caller, self.id) {
                network.close(index);
            }
        });
    }

    /// Was it closed?
    pub fn is_closed(&self) -> bool {
        self.fileno() < 0
    }

    /// The number of its descriptor: counts up in the order of `new` and `accept`, and is never used again. -1 once it is
    /// closed.
    pub fn fileno(&self) -> i64 {
        let number = call_quietly(self.process, |network| {
            let caller = Caller { process: self.process.number, now: network.now() };
            let index = network.own(caller, self.id).ok()?;
            Some(network.sockets.at(index).number as i64)
        });
        number.flatten().unwrap_or(-1)
    }

    /// `getsockname`.
    ///
    /// # Errors
    /// `EBADF` once it is closed.
    #[track_caller]
    pub fn local_address(&self) -> io::Result<Address> {
        self.call(Use::Nothing, |network, _, index| Ok(network.local_address(index)))
    }

    /// `getpeername`.
    ///
    /// # Errors
    /// `ENOTCONN`.
    #[track_caller]
    pub fn peer_address(&self) -> io::Result<Address> {
        self.call(Use::Look, |network, _, index| network.peer_address(index))
    }

    /// `SO_ERROR`: reads and clears it.
    ///
    /// # Errors
    /// `EBADF` once it is closed.
    #[track_caller]
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.call(Use::Change, |network, _, index| Ok(network.take_error(index).map(io::Error::from)))
    }

    /// `setsockopt`.
    ///
    /// # Errors
    /// `EBADF` once it is closed.
    #[track_caller]
    pub fn set_option(&self, option: SocketOption) -> io::Result<()> {
        self.call(Use::Change, |network, _, index| {
            network.set_option(index, option);
            Ok(())
        })
    }

    /// Hears a group from now on (`IP_ADD_MEMBERSHIP`).
    ///
    /// # Errors
    /// `EINVAL` if it is no group, `EADDRINUSE` if it is a member already.
    #[track_caller]
    pub fn join_group(&self, group: IpAddr) -> io::Result<()> {
        self.call(Use::Change, |network, _, index| network.join_group(index, group))
    }

    /// Hears a group no more (`IP_DROP_MEMBERSHIP`).
    ///
    /// # Errors
    /// `EADDRNOTAVAIL` if it is no member.
    #[track_caller]
    pub fn leave_group(&self, group: IpAddr) -> io::Result<()> {
        self.call(Use::Change, |network, _, index| network.leave_group(index, group))
    }

    /// The family; of a closed socket `Inet`.
    pub fn family(&self) -> Family {
        call_quietly(self.process, |network| network.sockets.get(self.id).map(|socket| socket.family))
            .flatten()
            .unwrap_or(Family::Inet)
    }

    /// The type; of a closed socket `Stream`.
    pub fn kind(&self) -> SocketType {
        call_quietly(self.process, |network| network.sockets.get(self.id).map(|socket| socket.kind))
            .flatten()
            .unwrap_or(SocketType::Stream)
    }

    // ---- readiness

    /// What `epoll` would say of it now; all false of a closed one.
    #[track_caller]
    pub fn readiness(&self) -> crate::tcp::Readiness {
        self.call(Use::Look, |network, _, index| Ok(crate::network::mask(network.sockets.at(index))))
            .unwrap_or_default()
    }

    /// Would a call of this line not wait?
    pub(crate) fn is_ready(&self, line: Line) -> bool {
        let ready = self.readiness();
        let ended = ready.error || ready.hung_up;
        match line {
            Line::Read => ready.readable || ready.read_closed || ended,
            Line::Write => ready.writable || ended,
        }
    }

    /// Lets a handle made by `call_when_ready` run in each tick in which the socket can be read, has an error, or has come
    /// to its end; none takes it back. The one before is given back.
    pub fn set_reader(&self, handle: Option<Handle>) -> Option<Handle> {
        self.set_handle(Direction::Read, handle)
    }

    /// As [`set_reader`](Socket::set_reader), for writing.
    pub fn set_writer(&self, handle: Option<Handle>) -> Option<Handle> {
        self.set_handle(Direction::Write, handle)
    }

    fn set_handle(&self, direction: Direction, handle: Option<Handle>) -> Option<Handle> {
        let set = call_quietly(self.process, |network| {
            let caller = Caller { process: self.process.number, now: network.now() };
            let index = network.own(caller, self.id).ok()?;
            network.set_handle(index, direction, handle)
        });
        set.flatten()
    }

    /// Is there a reader?
    pub fn has_reader(&self) -> bool {
        self.interest(|socket| socket.interest.reader.is_some())
    }

    /// Is there a writer?
    pub fn has_writer(&self) -> bool {
        self.interest(|socket| socket.interest.writer.is_some())
    }

    fn interest(&self, f: impl FnOnce(&crate::table::Socket) -> bool) -> bool {
        call_quietly(self.process, |network| network.sockets.get(self.id).is_some_and(|socket| f(socket)))
            .unwrap_or(false)
    }

    /// Waits until the socket may be read or written: for faces of Rust. Ready after it was ready once: call, and wait
    /// again if the call says `WouldBlock`.
    ///
    /// # Errors
    /// `Cancelled` if the task was; `Runtime` if the loop is closed; `EBADF` if the socket is.
    pub fn poll_ready(
        &self,
        wait: &mut KernelWait,
        cx: &mut Context<'_>,
        line: Line,
        op: Op,
    ) -> Poll<Result<()>> {
        if wait.begun() {
            return wait.go_on(cx, op);
        }
        match self.waiters(line) {
            Some(waiters) => wait.begin(waiters, cx, line, op),
            None => Poll::Ready(Err(io::Error::from(Errno::BadDescriptor).into())),
        }
    }

    /// Ends a wait that is not needed any more.
    #[inline]
    pub fn give_up(&self, wait: &mut KernelWait) {
        if wait.begun() {
            self.end_wait(wait);
        }
    }

    #[cold]
    fn end_wait(&self, wait: &mut KernelWait) {
        if let Some((_, line)) = wait.end() {
            let _ = call_quietly(self.process, |network| {
                if let Some(socket) = network.sockets.get(self.id) {
                    match line {
                        Line::Read => socket.interest.read_waited = false,
                        Line::Write => socket.interest.write_waited = false,
                    }
                }
            });
        }
    }

    /// What tasks wait in; from now on somebody waits in this line.
    fn waiters(&self, line: Line) -> Option<Waiters> {
        call_quietly(self.process, |network| {
            if network.sockets.get(self.id)?.interest.waiters.is_none() {
                let waiters = Waiters::new(ObjectKind::Socket);
                waiters.set_name(network.name_of(self.id.index));
                network.sockets.get(self.id)?.interest.waiters = Some(waiters);
            }
            network.wait_at(self.id, line)
        })
        .flatten()
    }
}

impl Network {
    /// What the tasks of a socket's process wait in: in this line, from now on.
    fn wait_at(&mut self, id: SocketId, line: Line) -> Option<Waiters> {
        let socket = self.sockets.get(id)?;
        match line {
            Line::Read => socket.interest.read_waited = true,
            Line::Write => socket.interest.write_waited = true,
        }
        let waiters = socket.interest.waiters.clone();
        self.stir_if_ready(id.index);
        waiters
    }

    /// `send`.
    #[inline]
    fn send(&mut self, index: u32, data: &[u8]) -> std::result::Result<usize, Errno> {
        match &self.sockets.at(index).body {
            Body::Tcp(_) | Body::Fresh => self.send_tcp(index, data),
            Body::UnixStream(_) => self.send_unix(index, data),
            Body::Datagrams(_) => self.send_datagram(index, data, None),
            Body::UnixDatagrams(_) => self.send_unix_datagram(index, data, None),
            Body::Listener(_) | Body::UnixListener(_) | Body::Free => Err(Errno::NotConnected),
        }
    }

    /// `recv`.
    #[inline]
    fn receive(&mut self, index: u32, buffer: &mut [u8], peek: bool) -> std::result::Result<usize, Errno> {
        match &self.sockets.at(index).body {
            Body::Tcp(_) | Body::Fresh => self.receive_tcp(index, buffer, peek),
            Body::UnixStream(_) => self.receive_unix(index, buffer, peek),
            Body::Datagrams(_) | Body::UnixDatagrams(_) => {
                self.receive_from(index, buffer, peek).map(|(count, _)| count)
            }
            Body::Listener(_) | Body::UnixListener(_) | Body::Free => Err(Errno::NotConnected),
        }
    }

    fn send_to(&mut self, index: u32, data: &[u8], address: &Address) -> std::result::Result<usize, Errno> {
        match (&self.sockets.at(index).body, address) {
            (Body::Datagrams(_), Address::Inet(address)) => {
                reaches(self.sockets.at(index), *address)?;
                self.send_datagram(index, data, Some(*address))
            }
            (Body::UnixDatagrams(_), Address::Unix(name)) => self.send_unix_datagram(index, data, Some(name)),
            (Body::Datagrams(_) | Body::UnixDatagrams(_), _) => Err(Errno::AddressFamily),
            (Body::Tcp(_) | Body::UnixStream(_), _) => self.send(index, data),
            _ => Err(Errno::BrokenPipe),
        }
    }

    fn receive_from(
        &mut self,
        index: u32,
        buffer: &mut [u8],
        peek: bool,
    ) -> std::result::Result<(usize, Address), Errno> {
        match &self.sockets.at(index).body {
            Body::Datagrams(_) => self.receive_datagram(index, buffer, peek),
            Body::UnixDatagrams(_) => self.receive_unix_datagram(index, buffer, peek),
            _ => {
                let count = self.receive(index, buffer, peek)?;
                let peer = self.peer_address(index)?;
                Ok((count, peer))
            }
        }
    }

    fn available(&mut self, index: u32) -> usize {
        match &self.sockets.at(index).body {
            Body::Tcp(tcp) => tcp.connection.available(),
            Body::UnixStream(end) => end.received.len(),
            Body::Datagrams(datagrams) => datagrams.queue.front().map_or(0, |(data, _)| data.len()),
            Body::UnixDatagrams(end) => end.queue.front().map_or(0, |(data, _)| data.len()),
            _ => 0,
        }
    }
}

impl Clone for Socket {
    fn clone(&self) -> Socket {
        let _ = call_quietly(self.process, |network| network.share(self.id));
        Socket { event_loop: self.event_loop, process: self.process, id: self.id }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = call_quietly(self.process, |network| network.let_go(self.id));
    }
}

impl PartialEq for Socket {
    fn eq(&self, other: &Socket) -> bool {
        self.process == other.process && self.id == other.id
    }
}

impl Eq for Socket {}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = call_quietly(self.process, |network| {
            network.sockets.get(self.id)?;
            Some(network.name_of(self.id.index))
        });
        write!(f, "Socket({})", name.flatten().as_deref().unwrap_or("closed"))
    }
}
