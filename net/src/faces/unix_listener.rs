//! A Unix socket that listens.

use super::unix;
use super::unix_stream::UnixStream;
use super::waiting::{Want, call};
use crate::addr::{Address, Family, SocketType, UnixAddress};
use crate::socket::Socket;
use counterpoint_runtime::Result;
use std::future::Future;
use std::io;
use std::path::Path;

/// How many connections wait to be accepted, and one more: tokio's.
const BACKLOG: u32 = 1024;

/// A Unix socket that listens. A clone is the same one; several tasks may accept from it.
///
/// The name stays when the socket goes, as the file does on Linux: see
/// [`unlink_unix_socket`](crate::unlink_unix_socket).
///
/// # Examples
/// ```
/// use counterpoint_net::{UnixListener, UnixStream};
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let listener = UnixListener::bind("/run/store.sock")?;
///     let client = UnixStream::connect("/run/store.sock").await?;
///     let (served, _) = listener.accept().await?;
///     client.write_all(b"x").await?;
///     assert_eq!(served.read(&mut [0; 10]).await?, 1);
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct UnixListener {
    socket: Socket,
}

impl UnixListener {
    /// Listens at a path; one that begins with a zero byte is an abstract name.
    ///
    /// # Errors
    /// `AddrInUse` if there is a file of this name, of a socket that is closed too.
    ///
    /// # Panics
    /// Outside of an event loop.
    #[track_caller]
    pub fn bind(path: impl AsRef<Path>) -> io::Result<UnixListener> {
        UnixListener::bind_addr(&UnixAddress::of(path))
    }

    /// As [`bind`](UnixListener::bind), at an address.
    ///
    /// # Errors
    /// As [`bind`](UnixListener::bind).
    #[track_caller]
    pub fn bind_addr(address: &UnixAddress) -> io::Result<UnixListener> {
        let socket = Socket::new(Family::Unix, SocketType::Stream)?;
        socket.bind(&Address::Unix(address.clone()))?;
        socket.listen(BACKLOG)?;
        Ok(UnixListener { socket })
    }

    /// The listener of a socket that listens.
    pub fn from_socket(socket: Socket) -> UnixListener {
        UnixListener { socket }
    }

    /// The socket, for the calls that do not wait.
    pub fn as_socket(&self) -> &Socket {
        &self.socket
    }

    /// Waits for a connection: it, and the name of its other end.
    ///
    /// # Cancellation
    /// No connection was taken. The same holds if the future is dropped halfway.
    ///
    /// # Errors
    /// `Cancelled`; [`std::io::Error`]s.
    #[track_caller]
    pub fn accept(&self) -> impl Future<Output = Result<(UnixStream, UnixAddress)>> + Send + Sync + '_ {
        call(&self.socket, Want::ACCEPT, |socket| {
            let (accepted, from) = socket.accept()?;
            Ok((UnixStream::of(accepted), unix(Ok::<Address, io::Error>(from))?))
        })
    }

    /// The name that it listens at.
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    #[track_caller]
    pub fn local_addr(&self) -> io::Result<UnixAddress> {
        unix(self.socket.local_address())
    }
}
