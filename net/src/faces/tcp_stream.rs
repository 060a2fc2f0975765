//! A TCP connection.

use super::ends::{self, ReadEnd, WriteEnd};
use super::methods::{reading_methods, reading_traits, writing_methods, writing_traits};
use super::split::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf};
use super::tcp_socket::TcpSocket;
use super::to_addresses::{ToAddresses, first_that_works};
use super::{inet, waiting};
use crate::options::SocketOption;
use crate::socket::Socket;
use crate::tcp::KeepAlive;
use counterpoint_runtime::Result;
use std::fmt;
use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// A TCP connection of the current process. A clone is the same connection; when the last one goes, it is closed.
///
/// Several tasks may read or write it. The `poll` functions of the traits (`futures_io`, and with features `tokio` and
/// `hyper`) remember one task for each direction, the last that polled.
///
/// # Examples
/// ```
/// use counterpoint_net::{TcpListener, TcpStream};
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let listener = TcpListener::bind("127.0.0.1:7000").await?;
///     let client = asyncio::create_task(async {
///         let stream = TcpStream::connect("localhost:7000").await?;
///         stream.write_all(b"ping").await
///     });
///     let (stream, _) = listener.accept().await?;
///     let mut buffer = [0; 4];
///     stream.read_exact(&mut buffer).await?;
///     assert_eq!(&buffer, b"ping");
///     client.await
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[derive(Clone)]
pub struct TcpStream {
    pub(super) read: ReadEnd,
    pub(super) write: WriteEnd,
}

impl TcpStream {
    /// Connects. A name's addresses are tried one after the other until one works.
    ///
    /// # Cancellation
    /// The attempt is given up.
    ///
    /// # Errors
    /// `Cancelled`; otherwise the [`std::io::Error`] of the last address that was tried: `ConnectionRefused`, `TimedOut`,
    /// `HostUnreachable`, ... or why the name has no address.
    ///
    /// # Panics
    /// When awaited outside of an event loop.
    pub async fn connect(to: impl ToAddresses) -> Result<TcpStream> {
        first_that_works(to.to_target(), |address| async move {
            TcpSocket::for_address(address)?.connect(address).await
        })
        .await
    }

    #[track_caller]
    pub(super) fn of(socket: Socket) -> TcpStream {
        TcpStream { read: ReadEnd::new(socket.clone()), write: WriteEnd::new(socket) }
    }

    /// The stream of a connected socket.
    #[track_caller]
    pub fn from_socket(socket: Socket) -> TcpStream {
        TcpStream::of(socket)
    }

    /// The socket, for the calls that do not wait.
    pub fn as_socket(&self) -> &Socket {
        &self.read.socket
    }

    reading_methods!();
    writing_methods!();

    /// Ends one or both directions. The other end reads what was sent, then its end.
    ///
    /// # Errors
    /// `ENOTCONN` if both directions are over already.
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

    /// The stream of two halves, if it is the same one's.
    ///
    /// # Errors
    /// Gives the halves back if they are not of one stream.
    #[expect(clippy::result_large_err, reason = "it gives both halves back, as tokio's does")]
    pub fn reunite(
        read: OwnedReadHalf,
        write: OwnedWriteHalf,
    ) -> std::result::Result<TcpStream, ReuniteError> {
        if !read.is_pair_of(&write) {
            return Err(ReuniteError(read, write));
        }
        let stream = TcpStream { read: read.read, write: write.write.clone() };
        write.forget();
        Ok(stream)
    }

    /// Where the connection is at this end.
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    #[track_caller]
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        inet(self.as_socket().local_address())
    }

    /// Where the connection is at the other end.
    ///
    /// # Errors
    /// `ENOTCONN` once the connection is over.
    #[track_caller]
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        inet(self.as_socket().peer_address())
    }

    /// Takes the error that ended the connection, if nothing has told it yet (`SO_ERROR`).
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    #[track_caller]
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.as_socket().take_error()
    }

    /// Off, a short segment waits while another is unacknowledged (Nagle's rule).
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    #[track_caller]
    pub fn set_nodelay(&self, on: bool) -> io::Result<()> {
        self.as_socket().set_option(SocketOption::NoDelay(on))
    }

    /// Sets what becomes of unsent bytes at the close; zero resets the connection.
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    #[track_caller]
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.as_socket().set_option(SocketOption::Linger(linger))
    }

    /// Lets the other end be asked whether it lives, when nothing else is said.
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    #[track_caller]
    pub fn set_keepalive(&self, keep_alive: Option<KeepAlive>) -> io::Result<()> {
        self.as_socket().set_option(SocketOption::KeepAlive(keep_alive))
    }

    /// Sets for how long sent bytes may stay unacknowledged (`TCP_USER_TIMEOUT`).
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    #[track_caller]
    pub fn set_user_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.as_socket().set_option(SocketOption::UserTimeout(timeout))
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TcpStream").field(self.as_socket()).finish()
    }
}

reading_traits!(TcpStream);
writing_traits!(TcpStream);
