//! Connections and servers over Unix sockets.

use super::Coroutine;
use super::connecting::{Making, make_transport, making};
use super::serving::{factory_of, serve};
use super::tcp::Closing;
use crate::addr::{Address, Family, SocketType, UnixAddress};
use crate::errors::{os_error, os_error_with, value_error};
use crate::protocols::IntoProtocol;
use crate::running;
use crate::servers::{Factory, Server};
use crate::sock_calls::sock_connect;
use crate::socket::Socket;
use crate::transports::Transport;
use counterpoint_runtime::Result;
use std::cell::RefCell;
use std::future::IntoFuture;
use std::io;
use std::rc::Rc;

/// A path, or a socket.
#[derive(Clone)]
pub(crate) enum UnixTarget {
    Path(UnixAddress),
    Socket(Socket),
}

/// Where a server over a Unix socket listens.
#[derive(Clone)]
pub(crate) struct UnixListening {
    pub(crate) at: UnixTarget,
    pub(crate) backlog: u32,
    pub(crate) start_serving: bool,
}

fn ensure_unix_stream(socket: &Socket) -> Result<()> {
    if socket.family() == Family::Unix && socket.kind() == SocketType::Stream {
        return Ok(());
    }
    Err(value_error(format!("A UNIX Domain Stream Socket was expected, got fd={}", socket.fileno())))
}

impl UnixTarget {
    /// The socket, connected.
    pub(crate) async fn connect(self) -> Result<Socket> {
        let path = match self {
            UnixTarget::Socket(socket) => {
                ensure_unix_stream(&socket)?;
                return Ok(socket);
            }
            UnixTarget::Path(path) => path,
        };
        let socket = Closing::new(Socket::new(Family::Unix, SocketType::Stream).map_err(os_error)?);
        sock_connect(running::event_loop()?.number(), Socket::clone(&socket), Address::Unix(path)).await?;
        Ok(socket.keep())
    }

    fn bind(self) -> Result<Socket> {
        let path = match self {
            UnixTarget::Socket(socket) => {
                ensure_unix_stream(&socket)?;
                return Ok(socket);
            }
            UnixTarget::Path(path) => path,
        };
        let socket = Socket::new(Family::Unix, SocketType::Stream).map_err(os_error)?;
        let address = Address::Unix(path);
        match socket.bind(&address) {
            Ok(()) => Ok(socket),
            Err(error) => {
                socket.close();
                if error.kind() == io::ErrorKind::AddrInUse {
                    return Err(os_error_with(error, format!("Address {address} is already in use")));
                }
                Err(os_error(error))
            }
        }
    }
}

impl UnixListening {
    pub(crate) fn at(at: UnixTarget) -> UnixListening {
        UnixListening { at, backlog: 100, start_serving: true }
    }
}

/// `create_unix_server`, for whatever factory.
pub(crate) async fn create_unix_server(
    listening: UnixListening,
    factory: impl FnOnce() -> Factory,
) -> Result<Server> {
    let socket = listening.at.bind()?;
    serve(vec![socket], factory(), listening.backlog, listening.start_serving).await
}

/// What [`EventLoopExt::create_unix_connection`](crate::EventLoopExt::create_unix_connection) returns: await it.
#[must_use = "nothing is connected until this is awaited"]
pub struct CreateUnixConnection<P> {
    factory: Making<Rc<RefCell<P>>>,
    target: UnixTarget,
}

impl<P: 'static> CreateUnixConnection<P> {
    pub(crate) fn new<K>(factory: impl FnOnce() -> P + 'static, target: UnixTarget) -> CreateUnixConnection<P>
    where
        P: IntoProtocol<K>,
    {
        CreateUnixConnection { factory: making(factory), target }
    }
}

impl<P: 'static> IntoFuture for CreateUnixConnection<P> {
    type Output = Result<(Transport, Rc<RefCell<P>>)>;
    type IntoFuture = Coroutine<(Transport, Rc<RefCell<P>>)>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let socket = self.target.connect().await?;
            make_transport(socket, self.factory).await
        })
    }
}

/// What [`EventLoopExt::create_unix_server`](crate::EventLoopExt::create_unix_server) returns: await it.
#[must_use = "nothing listens until this is awaited"]
pub struct CreateUnixServer {
    factory: Factory,
    listening: UnixListening,
}

/// The builder methods that every server over a Unix socket has.
macro_rules! unix_listening_options {
    () => {
        /// How many connections may wait to be accepted; also how many are accepted in one tick at most. Default: 100.
        pub fn backlog(mut self, backlog: u32) -> Self {
            self.listening.backlog = backlog;
            self
        }

        /// Begins to accept at once. Default: yes. Without it, `start_serving` or `serve_forever` begin.
        pub fn start_serving(mut self, start: bool) -> Self {
            self.listening.start_serving = start;
            self
        }
    };
}
pub(crate) use unix_listening_options;

impl CreateUnixServer {
    pub(crate) fn new<P, K>(factory: impl Fn() -> P + 'static, listening: UnixListening) -> CreateUnixServer
    where
        P: IntoProtocol<K>,
    {
        CreateUnixServer { factory: factory_of(factory), listening }
    }

    unix_listening_options!();
}

impl IntoFuture for CreateUnixServer {
    type Output = Result<Server>;
    type IntoFuture = Coroutine<Server>;

    fn into_future(self) -> Coroutine<Server> {
        Box::pin(create_unix_server(self.listening, || self.factory))
    }
}
