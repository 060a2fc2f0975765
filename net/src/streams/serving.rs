//! `start_server`: a handler for the reader and writer of each connection.

use super::DEFAULT_LIMIT;
use super::protocol::{Connected, StreamReaderProtocol};
use super::reader::StreamReader;
use super::writer::StreamWriter;
use crate::addr::UnixAddress;
use crate::connections::{
    Coroutine, Hosts, Listening, UnixListening, UnixTarget, create_server, create_unix_server,
    listening_options, unix_listening_options,
};
use crate::errors::value_error;
use crate::protocols::IntoProtocol;
use crate::servers::{Factory, Server};
use crate::socket::Socket;
use counterpoint_runtime::{AnyTask, Result, create_task};
use std::future::{Future, IntoFuture};
use std::path::Path;
use std::rc::Rc;

/// Starts a server that calls `client_connected` for each connection.
///
/// That is a function or closure that is given the reader and the writer. If it returns a coroutine, a task is made of it
/// in `connection_made`; a plain callback returns nothing. An error of the task goes to the loop's exception handler
/// ("Unhandled exception in client_connected_cb") and closes the connection, a cancellation closes it as well. A task
/// that ends well leaves the connection open, for as long as somebody holds the writer.
///
/// The host is a name, an address, several of them, or `None` for every interface. Keyword arguments are the builder's
/// methods.
///
/// # Order
/// 4 ticks from the call to its return: addresses are looked up in tasks of their own, then it gives way once.
///
/// # Errors
/// EADDRINUSE and the like; [`ResolveError`](crate::ResolveError) for an unknown name; `Value` for a limit of
/// zero; `Cancelled`.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/streams.py`, `start_server`.
///
/// # Examples
/// ```
/// use counterpoint_net::{StreamReader, StreamWriter, open_connection, start_server};
/// use counterpoint_runtime as asyncio;
///
/// async fn echo(reader: StreamReader, writer: StreamWriter) -> asyncio::Result<()> {
///     while let Some(line) = reader.next_line().await? {
///         writer.write(&line)?;
///         writer.drain().await?;
///     }
///     Ok(()) // the writer goes, and the connection with it
/// }
///
/// asyncio::run(async {
///     let server = start_server(echo, "127.0.0.1", 8000).await?;
///     let (reader, writer) = open_connection("127.0.0.1", 8000).await?;
///     writer.write("hello\n")?;
///     assert_eq!(&reader.readline().await?[..], b"hello\n");
///     writer.close();
///     server.close();
///     server.wait_closed().await
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
pub fn start_server<C, M>(client_connected: C, hosts: impl Into<Hosts>, port: u16) -> StartServer
where
    C: ClientConnected<M>,
{
    StartServer::new(client_connected, Listening::at(hosts, port))
}

/// As [`start_server`], over a socket that is bound already (`sock=`).
pub fn start_server_from<C, M>(client_connected: C, socket: Socket) -> StartServer
where
    C: ClientConnected<M>,
{
    StartServer::new(client_connected, Listening::over(socket))
}

/// Starts a server on a Unix socket; a path that begins with a zero byte is in the abstract name space.
///
/// # Order
/// Gives way once.
///
/// # Errors
/// As [`start_server`].
///
/// # Source
/// CPython 3.13, `Lib/asyncio/streams.py`, `start_unix_server`.
pub fn start_unix_server<C, M>(client_connected: C, path: impl AsRef<Path>) -> StartUnixServer
where
    C: ClientConnected<M>,
{
    let at = UnixTarget::Path(UnixAddress::of(path));
    StartUnixServer::new(client_connected, UnixListening::at(at))
}

/// As [`start_unix_server`], over a socket that is bound already (`sock=`).
pub fn start_unix_server_from<C, M>(client_connected: C, socket: Socket) -> StartUnixServer
where
    C: ClientConnected<M>,
{
    StartUnixServer::new(client_connected, UnixListening::at(UnixTarget::Socket(socket)))
}

/// What [`start_server`] calls for each connection. `M` says of what kind it is, and is inferred.
pub trait ClientConnected<M>: 'static {
    /// Calls it; the task that it made, if it made one.
    #[doc(hidden)]
    fn connected(&self, reader: StreamReader, writer: StreamWriter) -> Result<Option<AnyTask>>;
}

/// The kind of a function whose result is a coroutine.
pub enum Handler {}

/// The kind of a function without a result.
pub enum Callback {}

/// The kind of a function that may fail.
pub enum FallibleCallback {}

impl<C, F, T> ClientConnected<(Handler, T)> for C
where
    C: Fn(StreamReader, StreamWriter) -> F + 'static,
    F: Future<Output = Result<T>> + 'static,
    T: 'static,
{
    fn connected(&self, reader: StreamReader, writer: StreamWriter) -> Result<Option<AnyTask>> {
        Ok(Some(create_task(self(reader, writer)).any()))
    }
}

impl<C> ClientConnected<Callback> for C
where
    C: Fn(StreamReader, StreamWriter) + 'static,
{
    fn connected(&self, reader: StreamReader, writer: StreamWriter) -> Result<Option<AnyTask>> {
        self(reader, writer);
        Ok(None)
    }
}

impl<C> ClientConnected<FallibleCallback> for C
where
    C: Fn(StreamReader, StreamWriter) -> Result<()> + 'static,
{
    fn connected(&self, reader: StreamReader, writer: StreamWriter) -> Result<Option<AnyTask>> {
        self(reader, writer)?;
        Ok(None)
    }
}

fn connected_of<C, M>(client_connected: C) -> Connected
where
    C: ClientConnected<M>,
{
    Rc::new(move |reader, writer| client_connected.connected(reader, writer))
}

/// What makes the protocol of each connection.
fn factory_of(connected: Connected, limit: usize) -> Factory {
    Rc::new(move || {
        let reader = StreamReader::with_limit(limit).unwrap_or_else(|_| StreamReader::new());
        StreamReaderProtocol::with_callback(reader, Rc::clone(&connected)).into_held().1.0
    })
}

fn ensure_limit(limit: usize) -> Result<()> {
    if limit == 0 { Err(value_error("Limit cannot be <= 0")) } else { Ok(()) }
}

/// What [`start_server`] returns: await it.
#[must_use = "nothing listens until this is awaited"]
pub struct StartServer {
    connected: Connected,
    listening: Listening,
    limit: usize,
}

impl StartServer {
    fn new<C: ClientConnected<M>, M>(client_connected: C, listening: Listening) -> StartServer {
        StartServer { connected: connected_of(client_connected), listening, limit: DEFAULT_LIMIT }
    }

    /// The limit of each reader, in bytes. Default: 64 KiB.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    listening_options!();
}

impl IntoFuture for StartServer {
    type Output = Result<Server>;
    type IntoFuture = Coroutine<Server>;

    fn into_future(self) -> Coroutine<Server> {
        Box::pin(async move {
            ensure_limit(self.limit)?;
            create_server(self.listening, || factory_of(self.connected, self.limit)).await
        })
    }
}

/// What [`start_unix_server`] returns: await it.
#[must_use = "nothing listens until this is awaited"]
pub struct StartUnixServer {
    connected: Connected,
    listening: UnixListening,
    limit: usize,
}

impl StartUnixServer {
    fn new<C: ClientConnected<M>, M>(client_connected: C, listening: UnixListening) -> StartUnixServer {
        StartUnixServer { connected: connected_of(client_connected), listening, limit: DEFAULT_LIMIT }
    }

    /// The limit of each reader, in bytes. Default: 64 KiB.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    unix_listening_options!();
}

impl IntoFuture for StartUnixServer {
    type Output = Result<Server>;
    type IntoFuture = Coroutine<Server>;

    fn into_future(self) -> Coroutine<Server> {
        Box::pin(async move {
            ensure_limit(self.limit)?;
            create_unix_server(self.listening, || factory_of(self.connected, self.limit)).await
        })
    }
}
