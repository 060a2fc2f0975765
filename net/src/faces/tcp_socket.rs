//! A TCP socket before it listens or connects: where its options are set.

use super::ends;
use super::inet;
use super::tcp_listener::TcpListener;
use super::tcp_stream::TcpStream;
use crate::addr::{Address, Family, SocketType};
use crate::options::SocketOption;
use crate::socket::Socket;
use crate::tcp::KeepAlive;
use counterpoint_runtime::Result;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// A TCP socket that neither listens nor is connected yet.
///
/// # Examples
/// ```
/// use counterpoint_net::TcpSocket;
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let socket = TcpSocket::new_v4()?;
///     socket.set_reuseaddr(true)?;
///     socket.bind("127.0.0.1:0".parse()?)?;
///     let listener = socket.listen(5)?; // six connections may wait to be accepted
///     assert_ne!(listener.local_addr()?.port(), 0);
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[derive(Debug)]
pub struct TcpSocket {
    socket: Socket,
}

impl TcpSocket {
    /// A socket for IPv4.
    ///
    /// # Errors
    /// `ENETDOWN` on a host that is dead.
    ///
    /// # Panics
    /// Outside of an event loop.
    #[track_caller]
    pub fn new_v4() -> io::Result<TcpSocket> {
        Ok(TcpSocket { socket: Socket::new(Family::Inet, SocketType::Stream)? })
    }

    /// A socket for IPv6; bound to any address it serves IPv4 as well.
    ///
    /// # Errors
    /// `ENETDOWN` on a host that is dead.
    ///
    /// # Panics
    /// Outside of an event loop.
    #[track_caller]
    pub fn new_v6() -> io::Result<TcpSocket> {
        Ok(TcpSocket { socket: Socket::new(Family::Inet6, SocketType::Stream)? })
    }

    #[track_caller]
    pub(super) fn for_address(address: SocketAddr) -> io::Result<TcpSocket> {
        if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }
    }

    /// Sets an option.
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    #[track_caller]
    pub fn set_option(&self, option: SocketOption) -> io::Result<()> {
        self.socket.set_option(option)
    }

    /// Lets it bind a port whose connections of before are over (`SO_REUSEADDR`).
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    #[track_caller]
    pub fn set_reuseaddr(&self, on: bool) -> io::Result<()> {
        self.set_option(SocketOption::ReuseAddress(on))
    }

    /// Lets several sockets listen at one port and share its connections (`SO_REUSEPORT`).
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    #[track_caller]
    pub fn set_reuseport(&self, on: bool) -> io::Result<()> {
        self.set_option(SocketOption::ReusePort(on))
    }

    /// Sets how many bytes it takes from its program before they are acknowledged.
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    #[track_caller]
    pub fn set_send_buffer_size(&self, bytes: u32) -> io::Result<()> {
        self.set_option(SocketOption::SendBuffer(bytes))
    }

    /// Sets how many bytes wait to be read: the window.
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    #[track_caller]
    pub fn set_recv_buffer_size(&self, bytes: u32) -> io::Result<()> {
        self.set_option(SocketOption::ReceiveBuffer(bytes))
    }

    /// Off, a short segment waits while another is unacknowledged.
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    #[track_caller]
    pub fn set_nodelay(&self, on: bool) -> io::Result<()> {
        self.set_option(SocketOption::NoDelay(on))
    }

    /// Lets the other end be asked whether it lives.
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    #[track_caller]
    pub fn set_keepalive(&self, keep_alive: Option<KeepAlive>) -> io::Result<()> {
        self.set_option(SocketOption::KeepAlive(keep_alive))
    }

    /// Sets what becomes of unsent bytes at the close; zero resets the connection.
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    #[track_caller]
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.set_option(SocketOption::Linger(linger))
    }

    /// Gives it an address; port 0 takes an ephemeral one.
    ///
    /// # Errors
    /// `EADDRINUSE`, `EADDRNOTAVAIL`, `EINVAL` if it has one.
    #[track_caller]
    pub fn bind(&self, address: SocketAddr) -> io::Result<()> {
        self.socket.bind(&Address::Inet(address))
    }

    /// Where it is.
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    #[track_caller]
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        inet(self.socket.local_address())
    }

    /// Connects.
    ///
    /// # Cancellation
    /// The attempt is given up.
    ///
    /// # Errors
    /// `Cancelled`; [`std::io::Error`]s: `ConnectionRefused`, `TimedOut`, `HostUnreachable`, ...
    pub async fn connect(self, address: SocketAddr) -> Result<TcpStream> {
        Ok(TcpStream::of(ends::connect(self.socket, &Address::Inet(address)).await?))
    }

    /// Listens; one more than the backlog may wait to be accepted.
    ///
    /// # Errors
    /// `EADDRINUSE` if another socket listens there.
    #[track_caller]
    pub fn listen(self, backlog: u32) -> io::Result<TcpListener> {
        self.socket.listen(backlog)?;
        Ok(TcpListener::of(self.socket))
    }
}
