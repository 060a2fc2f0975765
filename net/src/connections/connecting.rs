//! `create_connection` and `connect_accepted_socket`: a connected socket, and a transport and protocol on it.

use super::tcp::Target;
use super::{Coroutine, ensure_stream};
use crate::addr::Family;
use crate::protocols::{HeldProtocol, IntoProtocol};
use crate::socket::Socket;
use crate::transports::{NewTransport, Transport};
use counterpoint_runtime::{Future, Result};
use std::cell::RefCell;
use std::future::IntoFuture;
use std::rc::Rc;
use std::time::Duration;

/// What a protocol factory made: what the caller gets of it, and what the transport holds.
pub(crate) type Made<R> = (R, Rc<HeldProtocol>);

/// A factory for one connection.
pub(crate) type Making<R> = Box<dyn FnOnce() -> Made<R>>;

/// A program's factory, with its type forgotten as far as it goes.
pub(crate) fn making<P, K>(factory: impl FnOnce() -> P + 'static) -> Making<Rc<RefCell<P>>>
where
    P: IntoProtocol<K>,
{
    Box::new(move || {
        let (protocol, held) = factory().into_held();
        (protocol, held.0)
    })
}

/// `_create_connection_transport`: returns in the tick after `connection_made`.
///
/// # Cancellation
/// Closes the transport.
pub(crate) async fn make_transport<R>(
    socket: Socket,
    factory: impl FnOnce() -> Made<R>,
) -> Result<(Transport, R)> {
    let waiter = Future::new();
    let (result, transport) = {
        let (result, protocol) = factory();
        let waiter = waiter.clone();
        (result, NewTransport { socket, protocol, waiter, peername: None, server: None }.build()?)
    };
    let unmade = Unmade(Some(transport));
    waiter.await?;
    Ok((unmade.keep(), result))
}

/// A transport that is closed unless the caller gets it.
struct Unmade(Option<Transport>);

impl Unmade {
    fn keep(mut self) -> Transport {
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

/// What [`EventLoopExt::create_connection`](crate::EventLoopExt::create_connection) returns: await it.
#[must_use = "nothing is connected until this is awaited"]
pub struct CreateConnection<P> {
    factory: Making<Rc<RefCell<P>>>,
    target: Target,
}

impl<P: 'static> CreateConnection<P> {
    pub(crate) fn new<K>(factory: impl FnOnce() -> P + 'static, target: Target) -> CreateConnection<P>
    where
        P: IntoProtocol<K>,
    {
        CreateConnection { factory: making(factory), target }
    }

    /// Tries addresses of this family only.
    pub fn family(mut self, family: Family) -> Self {
        self.target.family = Some(family);
        self
    }

    /// Binds the socket to this address before it connects.
    pub fn local_addr(mut self, host: impl Into<String>, port: u16) -> Self {
        self.target.local = Some((host.into(), port));
        self
    }

    /// Lets the next address begin this long after the one before, instead of after its failure (RFC 8305).
    pub fn happy_eyeballs_delay(mut self, delay: Duration) -> Self {
        self.target.happy_eyeballs_delay = Some(delay);
        self
    }

    /// Orders the addresses so that the families alternate, after `first - 1` of the first; 0 leaves them as they are.
    pub fn interleave(mut self, first: usize) -> Self {
        self.target.interleave = Some(first);
        self
    }

    /// Fails with a `Group` of the errors of all addresses instead of one error.
    pub fn all_errors(mut self, all_errors: bool) -> Self {
        self.target.all_errors = all_errors;
        self
    }
}

impl<P: 'static> IntoFuture for CreateConnection<P> {
    type Output = Result<(Transport, Rc<RefCell<P>>)>;
    type IntoFuture = Coroutine<(Transport, Rc<RefCell<P>>)>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let socket = self.target.connect().await?;
            make_transport(socket, self.factory).await
        })
    }
}

/// `connect_accepted_socket`.
pub(crate) async fn connect_accepted<R>(factory: Making<R>, socket: Socket) -> Result<(Transport, R)> {
    ensure_stream(&socket)?;
    make_transport(socket, factory).await
}
