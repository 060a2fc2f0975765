//! Servers: sockets that listen, and the connections that they accepted.
//!
//! A server lives as long as its sockets listen, whoever drops it. Closing it closes the listening sockets alone: the
//! connections stay, and `wait_closed` waits for them.

mod accepting;

pub(crate) use accepting::Factory;

use crate::errors::{os_error, runtime_error};
use crate::readers;
use crate::socket::Socket;
use crate::transports::Transport;
use counterpoint_runtime::kernel::{KernelWait, Line, LoopOwned, Waiters};
use counterpoint_runtime::{Error, Future, ObjectKind, Op, Result, sleep};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future as StdFuture;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

/// A server (`asyncio.Server`). A clone is the same server; dropping every handle leaves it serving.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/base_events.py`, `Server`.
///
/// # Examples
/// ```
/// use counterpoint_net::{StreamReader, StreamWriter, start_server};
/// use counterpoint_runtime as asyncio;
///
/// async fn greet(_reader: StreamReader, writer: StreamWriter) -> asyncio::Result<()> {
///     writer.write("hello")
/// }
///
/// asyncio::run(async {
///     let server = start_server(greet, ["127.0.0.1", "::1"], 8000).start_serving(false).await?;
///     assert_eq!((server.is_serving(), server.sockets().len()), (false, 2));
///     let forever = asyncio::create_task(server.serve_forever());
///     asyncio::sleep(std::time::Duration::from_secs(1)).await?;
///     assert!(server.is_serving());
///     server.close();
///     assert!(forever.await.unwrap_err().is_cancelled());
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[derive(Clone)]
pub struct Server {
    state: LoopOwned<State>,
}

struct State {
    /// None once it is closed.
    sockets: RefCell<Option<Vec<Socket>>>,
    /// In the order in which they were accepted.
    clients: RefCell<BTreeMap<u64, Transport>>,
    next_client: Cell<u64>,
    /// Connections that were accepted when it was closed already. In CPython nothing closes them but the garbage
    /// collector; here they are closed with the last handle of the server.
    abandoned: RefCell<Vec<Socket>>,
    /// Everything that `wait_closed` waits for has happened (`_waiters is None`).
    over: Cell<bool>,
    waiters: Waiters,
    factory: Factory,
    backlog: u32,
    serving: Cell<bool>,
    forever: RefCell<Option<Future<()>>>,
}

impl Server {
    /// A server that does not listen yet.
    pub(crate) fn new(sockets: Vec<Socket>, factory: Factory, backlog: u32) -> Result<Server> {
        let name = sockets.first().and_then(|socket| socket.local_address().ok());
        let name = name.map_or_else(|| "Server".to_owned(), |address| format!("Server {address}"));
        let waiters = Waiters::new(ObjectKind::Server);
        waiters.set_name(name.clone());
        let state = State {
            sockets: RefCell::new(Some(sockets)),
            clients: RefCell::default(),
            next_client: Cell::new(0),
            abandoned: RefCell::default(),
            over: Cell::new(false),
            waiters,
            factory,
            backlog,
            serving: Cell::new(false),
            forever: RefCell::default(),
        };
        let server = Server { state: LoopOwned::new(ObjectKind::Server, state) };
        server.state.set_name(name);
        Ok(server)
    }

    fn state(&self) -> Option<Rc<State>> {
        self.state.get()
    }

    /// `_attach`: what the transport is here.
    ///
    /// # Errors
    /// If the server is closed (an assertion of CPython's): the connection then stays open, and nobody reads it.
    pub(crate) fn attach(&self, transport: &Transport, socket: &Socket) -> Result<u64> {
        let Some(state) = self.state() else { return Err(runtime_error("the event loop is closed")) };
        if state.sockets.borrow().is_none() {
            state.abandoned.borrow_mut().push(socket.clone());
            return Err(Error::msg("a connection was accepted, but its server is closed"));
        }
        let member = state.next_client.get();
        state.next_client.set(member + 1);
        state.clients.borrow_mut().insert(member, transport.clone());
        Ok(member)
    }

    /// `_detach`: the connection is lost.
    pub(crate) fn detach(&self, member: u64) {
        let Some(state) = self.state() else { return };
        let client = state.clients.borrow_mut().remove(&member);
        drop(client);
        if state.clients.borrow().is_empty() && state.sockets.borrow().is_none() {
            state.wake_up();
        }
    }

    /// `_start_serving`.
    pub(crate) fn begin_serving(&self) -> Result<()> {
        let Some(state) = self.state() else { return Err(runtime_error("the event loop is closed")) };
        if state.serving.replace(true) {
            return Ok(());
        }
        let sockets = state.sockets.borrow().clone();
        for socket in sockets.ok_or_else(|| runtime_error("the server is closed"))? {
            socket.listen(state.backlog).map_err(os_error)?;
            self.start_accepting(&socket);
        }
        Ok(())
    }

    /// Closes the listening sockets. Connections stay; those that were not accepted yet are reset. Twice is fine.
    ///
    /// # Order
    /// `serve_forever` and, if there is no connection, `wait_closed` return a tick later.
    pub fn close(&self) {
        let Some(state) = self.state() else { return };
        let Some(sockets) = state.sockets.take() else { return };
        for socket in sockets {
            readers::drop_reader(&socket);
            socket.close();
        }
        state.serving.set(false);
        let forever = state.forever.borrow().clone().filter(|forever| !forever.done());
        if let Some(forever) = forever {
            forever.cancel();
            let _ = state.forever.take();
        }
        if state.clients.borrow().is_empty() {
            state.wake_up();
        }
    }

    /// Closes every connection ([`Transport::close`]), in the order in which they were accepted.
    pub fn close_clients(&self) {
        for transport in self.clients() {
            transport.close();
        }
    }

    /// Aborts every connection ([`Transport::abort`]), in the order in which they were accepted.
    pub fn abort_clients(&self) {
        for transport in self.clients() {
            transport.abort();
        }
    }

    fn clients(&self) -> Vec<Transport> {
        self.state().map(|state| state.clients.borrow().values().cloned().collect()).unwrap_or_default()
    }

    /// Does it accept connections?
    pub fn is_serving(&self) -> bool {
        self.state().is_some_and(|state| state.serving.get())
    }

    /// The sockets that it listens on; none once it is closed.
    pub fn sockets(&self) -> Vec<Socket> {
        self.state().and_then(|state| state.sockets.borrow().clone()).unwrap_or_default()
    }

    /// Begins to accept connections, if it was made with `start_serving(false)`. Twice is fine.
    ///
    /// # Order
    /// Gives way once.
    ///
    /// # Errors
    /// EADDRINUSE and the like from `listen`; `Runtime` if it is closed; `Cancelled`.
    pub fn start_serving(&self) -> impl StdFuture<Output = Result<()>> + Send + 'static {
        let server = self.clone();
        async move {
            server.begin_serving()?;
            sleep(Duration::ZERO).await
        }
    }

    /// Accepts connections until this is cancelled or the server closed: ends with `Cancelled` in both cases.
    ///
    /// # Cancellation
    /// Closes the server and waits until its connections are gone, then passes the cancellation on.
    ///
    /// # Errors
    /// `Cancelled`; `Runtime` if it is awaited elsewhere already, or the server is closed.
    #[track_caller]
    pub fn serve_forever(&self) -> impl StdFuture<Output = Result<()>> + Send + 'static {
        let server = self.clone();
        async move {
            let forever = server.begin_forever()?;
            let _reset = Reset(server.clone());
            let ended = (&forever).await;
            let Err(error) = ended else { return Ok(()) };
            if !error.is_cancelled() {
                return Err(error);
            }
            server.close();
            // As Python's `finally: raise`: of two cancellations the second one is seen.
            Err(server.wait_closed().await.err().unwrap_or(error))
        }
    }

    fn begin_forever(&self) -> Result<Future<()>> {
        let Some(state) = self.state() else { return Err(runtime_error("the event loop is closed")) };
        if state.forever.borrow().is_some() {
            return Err(runtime_error(format!(
                "server {self:?} is already being awaited on serve_forever()"
            )));
        }
        if state.sockets.borrow().is_none() {
            return Err(runtime_error(format!("server {self:?} is closed")));
        }
        self.begin_serving()?;
        let forever = Future::new();
        *state.forever.borrow_mut() = Some(forever.clone());
        Ok(forever)
    }

    /// Waits until the server is closed and its last connection lost, in whatever order (3.12.1).
    ///
    /// # Order
    /// Returns one tick after that; if all of it has happened it does not suspend.
    ///
    /// # Cancellation
    /// Only this wait ends.
    ///
    /// # Errors
    /// `Cancelled`.
    #[track_caller]
    pub fn wait_closed(&self) -> ServerWaitClosed {
        ServerWaitClosed { server: self.clone(), wait: KernelWait::new(Location::caller()) }
    }
}

impl State {
    /// `_wakeup`.
    fn wake_up(&self) {
        if !self.over.replace(true) {
            self.waiters.wake(Line::Read);
        }
    }
}

/// Nobody is in `serve_forever` any more, however that ended.
struct Reset(Server);

impl Drop for Reset {
    fn drop(&mut self) {
        if let Some(state) = self.0.state.get_quietly() {
            let _ = state.forever.take();
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.state.get_quietly() {
            Some(state) => write!(f, "<{:?} serving={}>", state.waiters, state.serving.get()),
            None => f.write_str("<Server of a closed loop>"),
        }
    }
}

/// The future of [`Server::wait_closed`].
#[must_use = "nothing waits until it is awaited"]
pub struct ServerWaitClosed {
    server: Server,
    wait: KernelWait,
}

impl StdFuture for ServerWaitClosed {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let ServerWaitClosed { server, wait } = self.get_mut();
        let Some(state) = server.state() else {
            return Poll::Ready(Err(runtime_error("the event loop is closed")));
        };
        if !wait.begun() && state.over.get() && wait.gives_way(cx, Op::Close) {
            return Poll::Pending;
        }
        if wait.is_giving_way() {
            return wait.end_giving_way(cx); // it was over, and stays so
        }
        if !wait.begun() && state.over.get() {
            return Poll::Ready(Ok(()));
        }
        state.waiters.poll_wait(wait, cx, Line::Read, Op::Close)
    }
}

impl Drop for ServerWaitClosed {
    fn drop(&mut self) {
        if self.wait.is_giving_way() {
            self.wait.end();
        } else if self.wait.begun()
            && let Some(state) = self.server.state.get_quietly()
        {
            state.waiters.give_up(&mut self.wait, Line::Read);
        }
    }
}
