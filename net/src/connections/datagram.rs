//! `create_datagram_endpoint`: a socket of datagrams, bound or connected or both, and a transport and protocol on it.

use super::Coroutine;
use super::tcp::Closing;
use crate::addr::{Address, Family, SocketType};
use crate::errors::{io_error, os_error, value_error};
use crate::options::SocketOption;
use crate::protocols::{DatagramProtocol, HeldDatagram};
use crate::resolver::{ensure_resolved, not_empty};
use crate::running;
use crate::sock_calls::sock_connect;
use crate::socket::Socket;
use crate::transports::DatagramTransport;
use counterpoint_runtime::{Future, Result};
use std::cell::RefCell;
use std::future::IntoFuture;
use std::net::SocketAddr;
use std::rc::Rc;

/// What [`EventLoopExt::create_datagram_endpoint`](crate::EventLoopExt::create_datagram_endpoint) returns: await it.
#[must_use = "nothing is made until this is awaited"]
pub struct CreateDatagramEndpoint<P> {
    factory: Box<dyn FnOnce() -> P>,
    options: Options,
}

#[derive(Clone, Default)]
struct Options {
    local: Option<(String, u16)>,
    remote: Option<(String, u16)>,
    family: Option<Family>,
    reuse_port: bool,
    allow_broadcast: bool,
    socket: Option<Socket>,
}

/// What one family offers: where to bind, where to connect.
#[derive(Clone, Copy)]
struct Ends {
    family: Family,
    local: Option<SocketAddr>,
    remote: Option<SocketAddr>,
}

impl<P: DatagramProtocol> CreateDatagramEndpoint<P> {
    pub(crate) fn new(factory: impl FnOnce() -> P + 'static) -> CreateDatagramEndpoint<P> {
        CreateDatagramEndpoint { factory: Box::new(factory), options: Options::default() }
    }

    /// Binds it to this address.
    pub fn local_addr(mut self, host: impl Into<String>, port: u16) -> Self {
        self.options.local = Some((host.into(), port));
        self
    }

    /// Connects it to this address: it sends there, and receives from there alone.
    pub fn remote_addr(mut self, host: impl Into<String>, port: u16) -> Self {
        self.options.remote = Some((host.into(), port));
        self
    }

    /// Uses this family only. Needed if it is neither bound nor connected.
    pub fn family(mut self, family: Family) -> Self {
        self.options.family = Some(family);
        self
    }

    /// `SO_REUSEPORT`. Default: off.
    pub fn reuse_port(mut self, reuse: bool) -> Self {
        self.options.reuse_port = reuse;
        self
    }

    /// `SO_BROADCAST`; the remote address is then sent to without being connected to. Default: off.
    pub fn allow_broadcast(mut self, allow: bool) -> Self {
        self.options.allow_broadcast = allow;
        self
    }

    /// Uses this socket; no other option may then be set.
    pub fn sock(mut self, socket: Socket) -> Self {
        self.options.socket = Some(socket);
        self
    }
}

impl<P: DatagramProtocol> IntoFuture for CreateDatagramEndpoint<P> {
    type Output = Result<(DatagramTransport, Rc<RefCell<P>>)>;
    type IntoFuture = Coroutine<(DatagramTransport, Rc<RefCell<P>>)>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (socket, remote) = self.options.open().await?;
            let (protocol, held) = HeldDatagram::new((self.factory)());
            let waiter = Future::new();
            let transport = DatagramTransport::build(socket, held, remote, waiter.clone())?;
            let unmade = Unmade(Some(transport));
            waiter.await?;
            Ok((unmade.keep(), protocol))
        })
    }
}

/// A transport that is closed unless the caller gets it.
struct Unmade(Option<DatagramTransport>);

impl Unmade {
    fn keep(mut self) -> DatagramTransport {
        self.0.take().expect("a transport is kept once")
    }
}

impl Drop for Unmade {
    fn drop(&mut self) {
        if let Some(transport) = &self.0 {
            transport.close_quietly();
        }
    }
}

impl Options {
    /// The socket, and where everything goes.
    async fn open(self) -> Result<(Socket, Option<Address>)> {
        if let Some(socket) = &self.socket {
            self.ensure_alone(socket)?;
            return Ok((socket.clone(), None));
        }
        let mut first = None;
        for ends in self.ends().await? {
            match self.open_one(ends).await {
                Ok(opened) => return Ok(opened),
                Err(error) if io_error(&error).is_some() => drop(first.get_or_insert(error)),
                Err(error) => return Err(error),
            }
        }
        Err(first.unwrap_or_else(|| value_error("can not get address information")))
    }

    fn ensure_alone(&self, socket: &Socket) -> Result<()> {
        if socket.kind() == SocketType::Stream {
            return Err(value_error(format!("A datagram socket was expected, got fd={}", socket.fileno())));
        }
        let others = self.local.is_some() || self.remote.is_some() || self.family.is_some();
        if others || self.reuse_port || self.allow_broadcast {
            return Err(value_error(
                "socket modifier keyword arguments can not be used when sock is specified",
            ));
        }
        Ok(())
    }

    /// What each family offers that both addresses have.
    async fn ends(&self) -> Result<Vec<Ends>> {
        if self.local.is_none() && self.remote.is_none() {
            let family = self.family.ok_or_else(|| value_error("unexpected address family"))?;
            return Ok(vec![Ends { family, local: None, remote: None }]);
        }
        let mut ends: Vec<Ends> = Vec::new();
        for (is_local, address) in [(true, &self.local), (false, &self.remote)] {
            let Some((host, port)) = address else { continue };
            for found in not_empty(ensure_resolved(Some(host.clone()), *port, self.family).await?)? {
                let family = Address::Inet(found).family();
                let at = ends.iter().position(|ends| ends.family == family).unwrap_or_else(|| {
                    ends.push(Ends { family, local: None, remote: None });
                    ends.len() - 1
                });
                // Of several addresses of a family the last one is used, as in CPython.
                *(if is_local { &mut ends[at].local } else { &mut ends[at].remote }) = Some(found);
            }
        }
        ends.retain(|ends| {
            (self.local.is_none() || ends.local.is_some()) && (self.remote.is_none() || ends.remote.is_some())
        });
        if ends.is_empty() {
            return Err(value_error("can not get address information"));
        }
        Ok(ends)
    }

    async fn open_one(&self, ends: Ends) -> Result<(Socket, Option<Address>)> {
        let socket = Closing::new(Socket::new(ends.family, SocketType::Datagram).map_err(os_error)?);
        if self.reuse_port {
            socket.set_option(SocketOption::ReusePort(true)).map_err(os_error)?;
        }
        if self.allow_broadcast {
            socket.set_option(SocketOption::Broadcast(true)).map_err(os_error)?;
        }
        if let Some(local) = ends.local {
            socket.bind(&local.into()).map_err(os_error)?;
        }
        let remote = ends.remote.map(Address::Inet);
        if let Some(remote) = remote.clone().filter(|_| !self.allow_broadcast) {
            sock_connect(running::event_loop()?.number(), Socket::clone(&socket), remote).await?;
        }
        Ok((socket.keep(), remote))
    }
}
