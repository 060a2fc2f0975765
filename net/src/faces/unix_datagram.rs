//! A Unix socket that sends and receives whole messages.

use super::datagrams::datagram_methods;
use super::unix;
use super::waiting::{self, Want, call};
use crate::addr::{Address, Family, SocketType, UnixAddress};
use crate::socket::Socket;
use counterpoint_runtime::Result;
use std::future::Future;
use std::io;
use std::net::Shutdown;
use std::path::Path;

/// A Unix datagram socket of the current process. A clone is the same socket; several tasks may use it.
///
/// Nothing is lost here: who sends waits until the receiver's queue has room.
///
/// # Examples
/// ```
/// use counterpoint_net::UnixDatagram;
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let log = UnixDatagram::bind("/dev/log")?;
///     let program = UnixDatagram::unbound()?;
///     program.send_to(b"started", "/dev/log").await?;
///     let mut buffer = [0; 100];
///     assert_eq!(log.recv(&mut buffer).await?, 7);
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct UnixDatagram {
    socket: Socket,
}

impl UnixDatagram {
    /// A socket with a name.
    ///
    /// # Errors
    /// `AddrInUse` if there is a file of this name.
    ///
    /// # Panics
    /// Outside of an event loop.
    #[track_caller]
    pub fn bind(path: impl AsRef<Path>) -> io::Result<UnixDatagram> {
        let datagram = UnixDatagram::unbound()?;
        datagram.socket.bind(&Address::Unix(UnixAddress::of(path)))?;
        Ok(datagram)
    }

    /// A socket without a name.
    ///
    /// # Errors
    /// `ENETDOWN` on a host that is dead.
    ///
    /// # Panics
    /// Outside of an event loop.
    #[track_caller]
    pub fn unbound() -> io::Result<UnixDatagram> {
        Ok(UnixDatagram { socket: Socket::new(Family::Unix, SocketType::Datagram)? })
    }

    /// Two connected sockets (`socketpair`).
    ///
    /// # Errors
    /// `ENETDOWN` on a host that is dead.
    ///
    /// # Panics
    /// Outside of an event loop.
    #[track_caller]
    pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
        let (one, other) = Socket::pair(SocketType::Datagram)?;
        Ok((UnixDatagram { socket: one }, UnixDatagram { socket: other }))
    }

    /// Sends to one socket from now on.
    ///
    /// # Errors
    /// `NotFound` without a file, `ConnectionRefused` if nobody has the name.
    #[track_caller]
    pub fn connect(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.socket.connect(&Address::Unix(UnixAddress::of(path)))
    }

    /// Sends a datagram to a name, as soon as there is room.
    ///
    /// # Cancellation
    /// It was not sent.
    ///
    /// # Errors
    /// `Cancelled`; [`std::io::Error`]s: `NotFound`, `ConnectionRefused`, `PermissionDenied` if the receiver is connected
    /// to another one.
    #[track_caller]
    pub fn send_to<'a>(
        &'a self,
        data: &'a [u8],
        path: impl AsRef<Path>,
    ) -> impl Future<Output = Result<usize>> + Send + Sync + 'a {
        let to = Address::Unix(UnixAddress::of(path));
        call(&self.socket, Want::WRITE, move |socket| socket.send_to(data, &to))
    }

    /// Waits for a datagram: its length, and the sender's name. What does not fit the buffer is gone.
    ///
    /// # Cancellation
    /// No datagram was taken. The same holds if the future is dropped halfway.
    ///
    /// # Errors
    /// `Cancelled`; [`std::io::Error`]s.
    #[track_caller]
    pub fn recv_from<'a>(
        &'a self,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = Result<(usize, UnixAddress)>> + Send + Sync + 'a {
        call(&self.socket, Want::READ, move |socket| {
            let (count, from) = socket.receive_from(buffer)?;
            Ok((count, unix(Ok::<Address, io::Error>(from))?))
        })
    }

    datagram_methods!();

    /// Ends one or both directions.
    ///
    /// # Errors
    /// `ENOTCONN`.
    #[track_caller]
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.socket.shutdown(how)
    }

    /// Its name.
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    #[track_caller]
    pub fn local_addr(&self) -> io::Result<UnixAddress> {
        unix(self.socket.local_address())
    }

    /// The name of whom it is connected to.
    ///
    /// # Errors
    /// `ENOTCONN`.
    #[track_caller]
    pub fn peer_addr(&self) -> io::Result<UnixAddress> {
        unix(self.socket.peer_address())
    }
}
