//! `create_server`: sockets that listen at every address of one host, several or all.

use super::{Coroutine, ensure_stream};
use crate::addr::{Address, Family, SocketType};
use crate::errors::{os_error_with, plain_os_error};
use crate::options::SocketOption;
use crate::protocols::IntoProtocol;
use crate::resolver::{Host, ensure_resolved, not_empty};
use crate::servers::{Factory, Server};
use crate::socket::Socket;
use crate::tcp::KeepAlive;
use counterpoint_runtime::{Result, gather, sleep};
use std::future::IntoFuture;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

/// Where a server listens: one host, several, or every interface (`None`, or the empty string).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts(Vec<Host>);

impl From<&str> for Hosts {
    fn from(host: &str) -> Hosts {
        Hosts(vec![Some(host.to_owned()).filter(|host| !host.is_empty())])
    }
}

impl From<String> for Hosts {
    fn from(host: String) -> Hosts {
        Hosts::from(host.as_str())
    }
}

impl From<&String> for Hosts {
    fn from(host: &String) -> Hosts {
        Hosts::from(host.as_str())
    }
}

impl From<IpAddr> for Hosts {
    fn from(address: IpAddr) -> Hosts {
        Hosts(vec![Some(address.to_string())])
    }
}

impl From<Option<&str>> for Hosts {
    fn from(host: Option<&str>) -> Hosts {
        Hosts::from(host.unwrap_or_default())
    }
}

impl<S: Into<String>> From<Vec<S>> for Hosts {
    fn from(hosts: Vec<S>) -> Hosts {
        Hosts(hosts.into_iter().map(|host| Some(host.into())).collect())
    }
}

impl<S: Into<String>, const N: usize> From<[S; N]> for Hosts {
    fn from(hosts: [S; N]) -> Hosts {
        Hosts(hosts.into_iter().map(|host| Some(host.into())).collect())
    }
}

/// Where a server listens, with `create_server`'s keyword arguments.
#[derive(Clone)]
pub(crate) struct Listening {
    hosts: Vec<Host>,
    port: u16,
    /// A socket that is bound already, in place of hosts and port.
    socket: Option<Socket>,
    pub(crate) family: Option<Family>,
    pub(crate) backlog: u32,
    pub(crate) reuse_address: bool,
    pub(crate) reuse_port: bool,
    pub(crate) keep_alive: bool,
    pub(crate) start_serving: bool,
}

impl Listening {
    pub(crate) fn at(hosts: impl Into<Hosts>, port: u16) -> Listening {
        Listening {
            hosts: hosts.into().0,
            port,
            socket: None,
            family: None,
            backlog: 100,
            reuse_address: true,
            reuse_port: false,
            keep_alive: false,
            start_serving: true,
        }
    }

    pub(crate) fn over(socket: Socket) -> Listening {
        Listening { socket: Some(socket), ..Listening::at(Vec::<String>::new(), 0) }
    }

    /// The sockets, bound.
    pub(crate) async fn bind(&self) -> Result<Vec<Socket>> {
        if let Some(socket) = &self.socket {
            ensure_stream(socket)?;
            return Ok(vec![socket.clone()]);
        }
        let (port, family) = (self.port, self.family);
        let lookups: Vec<_> = self
            .hosts
            .iter()
            .cloned()
            .map(|host| async move { not_empty(ensure_resolved(host, port, family).await?) })
            .collect();
        let mut addresses: Vec<SocketAddr> = Vec::new();
        for address in gather(lookups).await?.into_iter().flatten() {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        let bound = self.bind_to(&addresses)?;
        if bound.is_empty() {
            return Err(plain_os_error(format!("could not bind on any address out of {addresses:?}")));
        }
        Ok(bound)
    }

    fn bind_to(&self, addresses: &[SocketAddr]) -> Result<Vec<Socket>> {
        let mut sockets = Vec::new();
        for address in addresses {
            match self.bind_one(Address::Inet(*address)) {
                Ok(socket) => sockets.extend(socket),
                Err(error) => {
                    sockets.iter().for_each(Socket::close);
                    return Err(error);
                }
            }
        }
        Ok(sockets)
    }

    /// None if the family, or the address, is not of this host.
    fn bind_one(&self, address: Address) -> Result<Option<Socket>> {
        let Ok(socket) = Socket::new(address.family(), SocketType::Stream) else { return Ok(None) };
        match self.set_up(&socket, &address) {
            Ok(()) => Ok(Some(socket)),
            Err(error) => {
                socket.close();
                if error.kind() == io::ErrorKind::AddrNotAvailable {
                    return Ok(None);
                }
                let text = error.to_string().to_lowercase();
                let message = format!("error while attempting to bind on address {address}: {text}");
                Err(os_error_with(error, message))
            }
        }
    }

    fn set_up(&self, socket: &Socket, address: &Address) -> io::Result<()> {
        if self.reuse_address {
            socket.set_option(SocketOption::ReuseAddress(true))?;
        }
        if self.reuse_port {
            socket.set_option(SocketOption::ReusePort(true))?;
        }
        if self.keep_alive {
            socket.set_option(SocketOption::KeepAlive(Some(KeepAlive::default())))?;
        }
        if address.family() == Family::Inet6 {
            socket.set_option(SocketOption::OnlyV6(true))?;
        }
        socket.bind(address)
    }
}

/// The server over bound sockets, serving if it is to.
pub(super) async fn serve(
    sockets: Vec<Socket>,
    factory: Factory,
    backlog: u32,
    start_serving: bool,
) -> Result<Server> {
    let server = Server::new(sockets, factory, backlog)?;
    if start_serving {
        server.begin_serving()?;
        sleep(Duration::ZERO).await?;
    }
    Ok(server)
}

/// A program's factory for every connection, with its type forgotten.
pub(super) fn factory_of<P, K>(factory: impl Fn() -> P + 'static) -> Factory
where
    P: IntoProtocol<K>,
{
    Rc::new(move || factory().into_held().1.0)
}

/// `create_server`, for whatever factory.
pub(crate) async fn create_server(listening: Listening, factory: impl FnOnce() -> Factory) -> Result<Server> {
    let sockets = listening.bind().await?;
    serve(sockets, factory(), listening.backlog, listening.start_serving).await
}

/// What [`EventLoopExt::create_server`](crate::EventLoopExt::create_server) returns: await it.
#[must_use = "nothing listens until this is awaited"]
pub struct CreateServer {
    factory: Factory,
    listening: Listening,
}

/// The builder methods that every server over TCP has.
macro_rules! listening_options {
    () => {
        /// Listens at addresses of this family only.
        pub fn family(mut self, family: $crate::Family) -> Self {
            self.listening.family = Some(family);
            self
        }

        /// How many connections may wait to be accepted; also how many are accepted in one tick at most. Default: 100.
        pub fn backlog(mut self, backlog: u32) -> Self {
            self.listening.backlog = backlog;
            self
        }

        /// `SO_REUSEADDR`. Default: on.
        pub fn reuse_address(mut self, reuse: bool) -> Self {
            self.listening.reuse_address = reuse;
            self
        }

        /// `SO_REUSEPORT`. Default: off.
        pub fn reuse_port(mut self, reuse: bool) -> Self {
            self.listening.reuse_port = reuse;
            self
        }

        /// `SO_KEEPALIVE`. Default: off.
        pub fn keep_alive(mut self, keep: bool) -> Self {
            self.listening.keep_alive = keep;
            self
        }

        /// Begins to accept at once. Default: yes. Without it, `start_serving` or `serve_forever` begin.
        pub fn start_serving(mut self, start: bool) -> Self {
            self.listening.start_serving = start;
            self
        }
    };
}
pub(crate) use listening_options;

impl CreateServer {
    pub(crate) fn new<P, K>(factory: impl Fn() -> P + 'static, listening: Listening) -> CreateServer
    where
        P: IntoProtocol<K>,
    {
        CreateServer { factory: factory_of(factory), listening }
    }

    listening_options!();
}

impl IntoFuture for CreateServer {
    type Output = Result<Server>;
    type IntoFuture = Coroutine<Server>;

    fn into_future(self) -> Coroutine<Server> {
        Box::pin(create_server(self.listening, || self.factory))
    }
}
