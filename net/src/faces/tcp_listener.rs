//! A TCP socket that listens.

use super::inet;
use super::tcp_socket::TcpSocket;
use super::tcp_stream::TcpStream;
use super::to_addresses::{ToAddresses, first_that_works};
use super::waiting::{StreamWait, Want, call};
use crate::addr::Address;
use crate::socket::Socket;
use counterpoint_runtime::{Error, Result};
use futures_core::Stream;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// How many connections wait to be accepted, and one more: tokio's.
const BACKLOG: u32 = 1024;

/// A TCP socket that listens. A clone is the same one; several tasks may accept from it.
///
/// # Examples
/// ```
/// use counterpoint_net::{TcpListener, TcpStream};
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
///     let client = TcpStream::connect(listener.local_addr()?).await?; // the kernel completes it
///     let (_served, peer) = listener.accept().await?;
///     assert_eq!(peer, client.local_addr()?);
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TcpListener {
    socket: Socket,
}

impl TcpListener {
    /// Listens at an address, with `SO_REUSEADDR`. A name's addresses are tried one after the other until one works.
    ///
    /// # Errors
    /// `Cancelled`; [`std::io::Error`]s: `AddrInUse`, `AddrNotAvailable`, or why the name has no address.
    ///
    /// # Panics
    /// When awaited outside of an event loop.
    pub async fn bind(to: impl ToAddresses) -> Result<TcpListener> {
        first_that_works(to.to_target(), |address| async move {
            let socket = TcpSocket::for_address(address)?;
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            Ok(socket.listen(BACKLOG)?)
        })
        .await
    }

    pub(super) fn of(socket: Socket) -> TcpListener {
        TcpListener { socket }
    }

    /// The listener of a socket that listens.
    pub fn from_socket(socket: Socket) -> TcpListener {
        TcpListener::of(socket)
    }

    /// The socket, for the calls that do not wait.
    pub fn as_socket(&self) -> &Socket {
        &self.socket
    }

    /// Waits for a connection: it, and where it comes from.
    ///
    /// # Cancellation
    /// No connection was taken. The same holds if the future is dropped halfway.
    ///
    /// # Errors
    /// `Cancelled`; [`std::io::Error`]s: `EINVAL` after a `shutdown`.
    #[track_caller]
    pub fn accept(&self) -> impl Future<Output = Result<(TcpStream, SocketAddr)>> + Send + Sync + '_ {
        call(&self.socket, Want::ACCEPT, accept)
    }

    /// All connections, one after the other, without an end.
    #[track_caller]
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self, wait: StreamWait::new(Want::ACCEPT) }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    #[track_caller]
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        inet(self.socket.local_address())
    }
}

fn accept(socket: &Socket) -> io::Result<(TcpStream, SocketAddr)> {
    let (accepted, from) = socket.accept()?;
    let from = inet(Ok::<Address, io::Error>(from))?;
    Ok((TcpStream::of(accepted), from))
}

/// The connections of a listener: [`TcpListener::incoming`].
#[must_use = "nothing is accepted until it is polled"]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
    wait: StreamWait,
}

impl Incoming<'_> {
    /// The next connection, and where it comes from.
    pub fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Result<(TcpStream, SocketAddr)>> {
        self.wait.poll(&self.listener.socket, cx, accept).map_err(Error::from)
    }
}

impl Stream for Incoming<'_> {
    type Item = Result<TcpStream>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<TcpStream>>> {
        let accepted = ready!(self.get_mut().poll_accept(cx));
        Poll::Ready(Some(accepted.map(|(stream, _)| stream)))
    }
}

impl Drop for Incoming<'_> {
    fn drop(&mut self) {
        self.wait.give_up(&self.listener.socket);
    }
}
