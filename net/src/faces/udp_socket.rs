//! A UDP socket.

use super::datagrams::datagram_methods;
use super::inet;
use super::to_addresses::{ToAddresses, first_that_works};
use super::waiting::{self, Want, call};
use crate::addr::{Address, Family, SocketType};
use crate::options::SocketOption;
use crate::socket::Socket;
use counterpoint_runtime::{Error, Result};
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A UDP socket of the current process. A clone is the same socket; several tasks may use it.
///
/// A send never waits: what the network or the receiver has no room for is lost without a word. Word that nobody has the
/// port comes with a later call of a connected socket, as `ConnectionRefused`.
///
/// # Examples
/// ```
/// use counterpoint_net::UdpSocket;
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let server = UdpSocket::bind("127.0.0.1:5353").await?;
///     let client = UdpSocket::bind("0.0.0.0:0").await?;
///     client.send_to(b"who?", "localhost:5353").await?;
///     let mut buffer = [0; 100];
///     let (count, from) = server.recv_from(&mut buffer).await?;
///     assert_eq!(&buffer[..count], b"who?");
///     server.send_to(b"me", from).await?;
///     assert_eq!(client.recv(&mut buffer).await?, 2);
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct UdpSocket {
    socket: Socket,
}

impl UdpSocket {
    /// A socket at an address. A name's addresses are tried one after the other until one works.
    ///
    /// # Errors
    /// `Cancelled`; [`std::io::Error`]s: `AddrInUse`, `AddrNotAvailable`, or why the name has no address.
    ///
    /// # Panics
    /// When awaited outside of an event loop.
    pub async fn bind(to: impl ToAddresses) -> Result<UdpSocket> {
        first_that_works(to.to_target(), |address| async move {
            let family = if address.is_ipv4() { Family::Inet } else { Family::Inet6 };
            let socket = Socket::new(family, SocketType::Datagram)?;
            socket.bind(&Address::Inet(address))?;
            Ok(UdpSocket { socket })
        })
        .await
    }

    /// Hears from one address only from now on, and sends there.
    ///
    /// # Errors
    /// `Cancelled`; [`std::io::Error`]s: `NetworkUnreachable`, or why the name has no address.
    pub async fn connect(&self, to: impl ToAddresses) -> Result<()> {
        first_that_works(to.to_target(), |address| async move {
            Ok(self.socket.connect(&Address::Inet(address))?)
        })
        .await
    }

    /// Sends a datagram to an address; of a name, to its first.
    ///
    /// # Errors
    /// `Cancelled`; [`std::io::Error`]s: `EMSGSIZE`, `PermissionDenied` for a broadcast without
    /// [`set_broadcast`](UdpSocket::set_broadcast), word of the datagram before.
    pub async fn send_to(&self, data: &[u8], to: impl ToAddresses) -> Result<usize> {
        let found = to.to_target()?.resolve().await?;
        let none = || io::Error::new(io::ErrorKind::InvalidInput, "no addresses to send data to");
        let address = Address::Inet(*found.first().ok_or_else(|| Error::from(none()))?);
        call(&self.socket, Want::WRITE, |socket| socket.send_to(data, &address)).await
    }

    /// Waits for a datagram: its length, and whence it came. What does not fit the buffer is gone.
    ///
    /// # Cancellation
    /// No datagram was taken. The same holds if the future is dropped halfway.
    ///
    /// # Errors
    /// `Cancelled`; word of a datagram that was sent before, as [`std::io::Error`].
    #[track_caller]
    pub fn recv_from<'a>(
        &'a self,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = Result<(usize, SocketAddr)>> + Send + Sync + 'a {
        call(&self.socket, Want::READ, move |socket| with_inet(socket.receive_from(buffer)))
    }

    /// As [`recv_from`](UdpSocket::recv_from), but the datagram stays.
    ///
    /// # Errors
    /// As [`recv_from`](UdpSocket::recv_from).
    #[track_caller]
    pub fn peek_from<'a>(
        &'a self,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = Result<(usize, SocketAddr)>> + Send + Sync + 'a {
        call(&self.socket, Want::READ, move |socket| with_inet(socket.peek_from(buffer)))
    }

    /// Takes a datagram, without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if there is none; otherwise as [`recv_from`](UdpSocket::recv_from).
    #[track_caller]
    pub fn try_recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        with_inet(self.socket.receive_from(buffer))
    }

    datagram_methods!();

    /// Where it is.
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    #[track_caller]
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        inet(self.socket.local_address())
    }

    /// Whom it is connected to.
    ///
    /// # Errors
    /// `ENOTCONN`.
    #[track_caller]
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        inet(self.socket.peer_address())
    }

    /// Lets it send to broadcast addresses.
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    #[track_caller]
    pub fn set_broadcast(&self, on: bool) -> io::Result<()> {
        self.socket.set_option(SocketOption::Broadcast(on))
    }

    /// Do the members on this host hear what it sends to a group?
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    #[track_caller]
    pub fn set_multicast_loop_v4(&self, on: bool) -> io::Result<()> {
        self.socket.set_option(SocketOption::MulticastLoop(on))
    }

    /// Hears a group from now on. All interfaces of a host are one here.
    ///
    /// # Errors
    /// `EINVAL` if it is no group, `EADDRINUSE` if it is a member already.
    #[track_caller]
    pub fn join_multicast_v4(&self, group: Ipv4Addr, _interface: Ipv4Addr) -> io::Result<()> {
        self.socket.join_group(IpAddr::V4(group))
    }

    /// Hears a group no more.
    ///
    /// # Errors
    /// `EADDRNOTAVAIL` if it is no member.
    #[track_caller]
    pub fn leave_multicast_v4(&self, group: Ipv4Addr, _interface: Ipv4Addr) -> io::Result<()> {
        self.socket.leave_group(IpAddr::V4(group))
    }

    /// Hears a group from now on. All interfaces of a host are one here.
    ///
    /// # Errors
    /// As [`join_multicast_v4`](UdpSocket::join_multicast_v4).
    #[track_caller]
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, _interface: u32) -> io::Result<()> {
        self.socket.join_group(IpAddr::V6(*group))
    }

    /// Hears a group no more.
    ///
    /// # Errors
    /// As [`leave_multicast_v4`](UdpSocket::leave_multicast_v4).
    #[track_caller]
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, _interface: u32) -> io::Result<()> {
        self.socket.leave_group(IpAddr::V6(*group))
    }
}

fn with_inet(received: io::Result<(usize, Address)>) -> io::Result<(usize, SocketAddr)> {
    let (count, from) = received?;
    Ok((count, inet(Ok::<Address, io::Error>(from))?))
}
