//! A connection of two Unix sockets of one host.

use super::ends::{self, ReadEnd, WriteEnd};
use super::methods::{reading_methods, reading_traits, writing_methods, writing_traits};
use super::split::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
use super::{unix, waiting};
use crate::addr::{Address, Family, SocketType, UnixAddress};
use crate::socket::Socket;
use counterpoint_runtime::Result;
use std::fmt;
use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::net::Shutdown;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A Unix connection of the current process. A clone is the same connection; when the last one goes, it is closed.
///
/// # Examples
/// ```
/// use counterpoint_net::UnixStream;
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let (one, other) = UnixStream::pair()?;
///     one.write_all(b"ping").await?;
///     let mut buffer = [0; 10];
///     assert_eq!(other.read(&mut buffer).await?, 4);
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[derive(Clone)]
pub struct UnixStream {
    pub(super) read: ReadEnd,
    pub(super) write: WriteEnd,
}

impl UnixStream {
    /// Connects to the socket that listens at a path of this host; one that begins with a zero byte is an abstract name.
    ///
    /// # Errors
    /// `Cancelled`; [`std::io::Error`]s: `NotFound` without a file, `ConnectionRefused` if nobody listens, `WouldBlock` if
    /// too many wait to be accepted.
    ///
    /// # Panics
    /// When awaited outside of an event loop.
    pub async fn connect(path: impl AsRef<Path>) -> Result<UnixStream> {
        UnixStream::connect_addr(&UnixAddress::of(path)).await
    }

    /// As [`connect`](UnixStream::connect), to an address.
    ///
    /// # Errors
    /// As [`connect`](UnixStream::connect).
    pub async fn connect_addr(to: &UnixAddress) -> Result<UnixStream> {
        let socket = Socket::new(Family::Unix, SocketType::Stream)?;
        Ok(UnixStream::of(ends::connect(socket, &Address::Unix(to.clone())).await?))
    }

    /// Two connected streams (`socketpair`).
    ///
    /// # Errors
    /// `ENETDOWN` on a host that is dead.
    ///
    /// # Panics
    /// Outside of an event loop.
    #[track_caller]
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (one, other) = Socket::pair(SocketType::Stream)?;
        Ok((UnixStream::of(one), UnixStream::of(other)))
    }

    #[track_caller]
    pub(super) fn of(socket: Socket) -> UnixStream {
        UnixStream { read: ReadEnd::new(socket.clone()), write: WriteEnd::new(socket) }
    }

    /// The stream of a connected socket.
    #[track_caller]
    pub fn from_socket(socket: Socket) -> UnixStream {
        UnixStream::of(socket)
    }

    /// The socket, for the calls that do not wait.
    pub fn as_socket(&self) -> &Socket {
        &self.read.socket
    }

    reading_methods!();
    writing_methods!();

    /// Ends one or both directions. The other end is told at once, of an end of reading too, unlike with TCP.
    ///
    /// # Errors
    /// `ENOTCONN`.
    #[track_caller]
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.as_socket().shutdown(how)
    }

    /// The two directions, borrowed.
    #[track_caller]
    pub fn split(&self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        (
            ReadHalf { read: self.read.clone(), of: PhantomData },
            WriteHalf { write: self.write.clone(), of: PhantomData },
        )
    }

    /// The two directions, each for a task of its own.
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        (OwnedReadHalf { read: self.read }, OwnedWriteHalf::new(self.write))
    }

    /// The name of this end.
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    #[track_caller]
    pub fn local_addr(&self) -> io::Result<UnixAddress> {
        unix(self.as_socket().local_address())
    }

    /// The name of the other end: of a client mostly none.
    ///
    /// # Errors
    /// `ENOTCONN`.
    #[track_caller]
    pub fn peer_addr(&self) -> io::Result<UnixAddress> {
        unix(self.as_socket().peer_address())
    }

    /// Takes the error that ended the connection, if nothing has told it yet.
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    #[track_caller]
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.as_socket().take_error()
    }
}

impl fmt::Debug for UnixStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UnixStream").field(self.as_socket()).finish()
    }
}

reading_traits!(UnixStream);
writing_traits!(UnixStream);
