//! What asyncio's loop can do with the network, under its names: methods of [`EventLoop`] for whoever imports
//! [`EventLoopExt`].
//!
//! The words are here; what they do is in `connections`, `sock_calls`, `readers` and `resolver`.
//!
//! [`EventLoop`]: counterpoint_runtime::EventLoop

mod calls;

use crate::addr::Address;
use crate::connections::{
    CreateConnection, CreateDatagramEndpoint, CreateServer, CreateUnixConnection, CreateUnixServer, Hosts,
};
use crate::protocols::{DatagramProtocol, IntoProtocol};
use crate::resolver::GetAddrInfo;
use crate::socket::Socket;
use crate::transports::Transport;
use bytes::Bytes;
use counterpoint_runtime::{CallbackOutput, Result};
use std::cell::RefCell;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;

/// asyncio's loop methods for the network.
///
/// What makes a connection, a server or an endpoint must be awaited in the loop that it is asked of.
///
/// # Examples
/// ```
/// use counterpoint_net::{EventLoopExt, Socket, SocketType};
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let event_loop = asyncio::get_running_loop()?;
///     let (one, other) = Socket::pair(SocketType::Stream)?;
///     let receiving = asyncio::create_task(event_loop.sock_recv(&other, 100));
///     event_loop.sock_sendall(&one, "hello").await?;
///     assert_eq!(&receiving.await?[..], b"hello");
///
///     let heard = asyncio::Event::new();
///     let (of_loop, socket, set) = (event_loop.clone(), other.clone(), heard.clone());
///     event_loop.add_reader(&other, move || {
///         set.set();
///         of_loop.remove_reader(&socket).map(drop) // what is there stays: it would run in every tick
///     })?;
///     one.send(b"again")?;
///     heard.wait().await
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
pub trait EventLoopExt {
    /// Connects to a server: gives the transport and the protocol that `factory` makes.
    ///
    /// The host is a name or an address, tried one after the other. Keyword arguments are the builder's methods.
    ///
    /// # Order
    /// Once the socket is connected the transport is made; `connection_made` comes a tick later, and the caller goes on a
    /// tick after that. In that tick the first data is received, after the caller has gone on.
    ///
    /// # Cancellation
    /// The connection is closed.
    ///
    /// # Errors
    /// ECONNREFUSED and the like; if several addresses failed in different ways, an error without a number that names
    /// all; [`ResolveError`](crate::ResolveError) for an unknown name; `Cancelled`.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/base_events.py`, `create_connection`.
    fn create_connection<P: IntoProtocol<K>, K>(
        &self,
        factory: impl FnOnce() -> P + 'static,
        host: impl Into<String>,
        port: u16,
    ) -> CreateConnection<P>;

    /// As [`create_connection`](EventLoopExt::create_connection), over a socket that is connected already (`sock=`).
    ///
    /// # Errors
    /// `Value` if it is no stream socket; `Runtime` if a transport has it; `Cancelled`.
    fn create_connection_from<P: IntoProtocol<K>, K>(
        &self,
        factory: impl FnOnce() -> P + 'static,
        socket: Socket,
    ) -> CreateConnection<P>;

    /// Connects to a server on a Unix socket; a path that begins with a zero byte is in the abstract name space.
    ///
    /// # Order, Cancellation, Errors
    /// As [`create_connection`](EventLoopExt::create_connection).
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/unix_events.py`, `create_unix_connection`.
    fn create_unix_connection<P: IntoProtocol<K>, K>(
        &self,
        factory: impl FnOnce() -> P + 'static,
        path: impl AsRef<Path>,
    ) -> CreateUnixConnection<P>;

    /// As [`create_unix_connection`](EventLoopExt::create_unix_connection), over a socket that is connected already.
    fn create_unix_connection_from<P: IntoProtocol<K>, K>(
        &self,
        factory: impl FnOnce() -> P + 'static,
        socket: Socket,
    ) -> CreateUnixConnection<P>;

    /// Starts a server; `factory` makes the protocol of each connection.
    ///
    /// # Order
    /// Addresses are looked up in tasks of their own, gathered: 3 ticks for literal ones; then it gives way once. Each
    /// read event accepts up to `backlog` connections and makes a task for each, which makes the transport.
    ///
    /// # Errors
    /// EADDRINUSE and the like; [`ResolveError`](crate::ResolveError) for an unknown name; `Cancelled`.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/base_events.py`, `create_server`.
    fn create_server<P: IntoProtocol<K>, K>(
        &self,
        factory: impl Fn() -> P + 'static,
        hosts: impl Into<Hosts>,
        port: u16,
    ) -> CreateServer;

    /// As [`create_server`](EventLoopExt::create_server), over a socket that is bound already (`sock=`).
    fn create_server_from<P: IntoProtocol<K>, K>(
        &self,
        factory: impl Fn() -> P + 'static,
        socket: Socket,
    ) -> CreateServer;

    /// Starts a server on a Unix socket; a path that begins with a zero byte is in the abstract name space.
    ///
    /// # Order
    /// Gives way once.
    ///
    /// # Errors
    /// As [`create_server`](EventLoopExt::create_server).
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/unix_events.py`, `create_unix_server`.
    fn create_unix_server<P: IntoProtocol<K>, K>(
        &self,
        factory: impl Fn() -> P + 'static,
        path: impl AsRef<Path>,
    ) -> CreateUnixServer;

    /// As [`create_unix_server`](EventLoopExt::create_unix_server), over a socket that is bound already.
    fn create_unix_server_from<P: IntoProtocol<K>, K>(
        &self,
        factory: impl Fn() -> P + 'static,
        socket: Socket,
    ) -> CreateUnixServer;

    /// Makes an endpoint of datagrams: gives the transport and the protocol that `factory` makes.
    ///
    /// # Order
    /// As [`create_connection`](EventLoopExt::create_connection), from the connected socket on.
    ///
    /// # Cancellation
    /// The endpoint is closed.
    ///
    /// # Errors
    /// EADDRINUSE and the like; `Value` if neither an address nor a family nor a socket is given; `Cancelled`.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/base_events.py`, `create_datagram_endpoint`.
    fn create_datagram_endpoint<P: DatagramProtocol>(
        &self,
        factory: impl FnOnce() -> P + 'static,
    ) -> CreateDatagramEndpoint<P>;

    /// Makes a transport and a protocol over a socket that the program accepted itself.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/base_events.py`, `connect_accepted_socket`.
    fn connect_accepted_socket<P: IntoProtocol<K>, K>(
        &self,
        factory: impl FnOnce() -> P + 'static,
        socket: Socket,
    ) -> impl Future<Output = Result<(Transport, Rc<RefCell<P>>)>> + 'static;

    /// Connects a socket.
    ///
    /// # Order
    /// TCP: one tick after the tick in which the socket is writable. Unix and datagram sockets do not suspend.
    ///
    /// # Cancellation
    /// The attempt goes on below; closing the socket ends it.
    ///
    /// # Errors
    /// ECONNREFUSED and the like; `Runtime` if a transport has the socket; `Cancelled`.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/selector_events.py`, `sock_connect`.
    fn sock_connect(
        &self,
        socket: &Socket,
        address: impl Into<Address>,
    ) -> impl Future<Output = Result<()>> + Send + 'static;

    /// Accepts a connection: a new socket, and the peer's address.
    ///
    /// # Order
    /// Does not suspend if a connection waits; else one tick after the tick in which one came.
    ///
    /// # Cancellation
    /// A connection that is accepted in the tick of the cancellation is closed, as in CPython, and the exception handler
    /// is told of an `InvalidState`.
    ///
    /// # Errors
    /// As [`sock_connect`](EventLoopExt::sock_connect).
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/selector_events.py`, `sock_accept`.
    fn sock_accept(
        &self,
        socket: &Socket,
    ) -> impl Future<Output = Result<(Socket, Address)>> + Send + 'static;

    /// Receives up to `count` bytes: empty means the end of the stream.
    ///
    /// # Order
    /// Does not suspend if something is there; else one tick after the tick in which it came.
    ///
    /// # Cancellation
    /// What is received in the tick of the cancellation is lost, as in CPython.
    ///
    /// # Errors
    /// As [`sock_connect`](EventLoopExt::sock_connect).
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/selector_events.py`, `sock_recv`.
    fn sock_recv(
        &self,
        socket: &Socket,
        count: usize,
    ) -> impl Future<Output = Result<Bytes>> + Send + 'static;

    /// Receives into a buffer: how many bytes. As [`sock_recv`](EventLoopExt::sock_recv).
    fn sock_recv_into<'a>(
        &self,
        socket: &Socket,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = Result<usize>> + Send + 'a;

    /// Receives a datagram, and says from where. As [`sock_recv`](EventLoopExt::sock_recv).
    fn sock_recvfrom(
        &self,
        socket: &Socket,
        count: usize,
    ) -> impl Future<Output = Result<(Bytes, Address)>> + Send + 'static;

    /// Receives a datagram into a buffer, and says from where. As [`sock_recv`](EventLoopExt::sock_recv).
    fn sock_recvfrom_into<'a>(
        &self,
        socket: &Socket,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = Result<(usize, Address)>> + Send + 'a;

    /// Sends all bytes.
    ///
    /// # Order
    /// Does not suspend if the socket takes all of them; else one tick after the tick in which it took the last ones.
    ///
    /// # Cancellation
    /// How many were sent is not known.
    ///
    /// # Errors
    /// As [`sock_connect`](EventLoopExt::sock_connect).
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/selector_events.py`, `sock_sendall`.
    fn sock_sendall(
        &self,
        socket: &Socket,
        data: impl AsRef<[u8]>,
    ) -> impl Future<Output = Result<()>> + Send + 'static;

    /// Sends a datagram: how many bytes.
    ///
    /// # Errors
    /// As [`sock_connect`](EventLoopExt::sock_connect).
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/selector_events.py`, `sock_sendto`.
    fn sock_sendto(
        &self,
        socket: &Socket,
        data: impl AsRef<[u8]>,
        address: impl Into<Address>,
    ) -> impl Future<Output = Result<usize>> + Send + 'static;

    /// Lets `callback` run in each tick in which the socket can be read, in the place of the one before.
    ///
    /// # Errors
    /// `Runtime` if a transport has the socket, or the loop is closed; `Value` if the socket is closed.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/selector_events.py`, `add_reader`.
    fn add_reader<R: CallbackOutput>(
        &self,
        socket: &Socket,
        callback: impl FnMut() -> R + 'static,
    ) -> Result<()>;

    /// Takes that callback back, even if it is ready. False if there was none.
    ///
    /// # Errors
    /// As [`add_reader`](EventLoopExt::add_reader); on a closed loop it is false.
    fn remove_reader(&self, socket: &Socket) -> Result<bool>;

    /// Lets `callback` run in each tick in which the socket can be written. As [`add_reader`](EventLoopExt::add_reader).
    fn add_writer<R: CallbackOutput>(
        &self,
        socket: &Socket,
        callback: impl FnMut() -> R + 'static,
    ) -> Result<()>;

    /// Takes that callback back. As [`remove_reader`](EventLoopExt::remove_reader).
    fn remove_writer(&self, socket: &Socket) -> Result<bool>;

    /// Looks a name up: its addresses, in order.
    ///
    /// # Order
    /// One tick after a timer of the loop, which takes as long as the answer.
    ///
    /// # Errors
    /// [`ResolveError`](crate::ResolveError) if there is none; `Cancelled`.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/base_events.py`, `getaddrinfo`.
    fn getaddrinfo(&self, host: impl Into<String>, port: u16) -> GetAddrInfo;

    /// The name of an address, or its number if it has none; and the port.
    fn getnameinfo(
        &self,
        address: SocketAddr,
    ) -> impl Future<Output = Result<(String, String)>> + Send + 'static;
}
