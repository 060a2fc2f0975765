//! The transport of a stream: what a program can ask of it, its beginning and its end (`_SelectorSocketTransport`).

use super::channel::Channel;
use crate::addr::{Address, Family, SocketType};
use crate::errors::{io_error, os_error};
use crate::options::SocketOption;
use crate::protocols::{HeldProtocol, IntoProtocol};
use crate::readers;
use crate::registry::told;
use crate::running::{self, set_unless_cancelled};
use crate::servers::Server;
use crate::socket::Socket;
use bytes::Bytes;
use counterpoint_runtime::kernel::LoopOwned;
use counterpoint_runtime::{Error, ErrorContext, ErrorKind, Future, ObjectKind, Result};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

/// A connection, as a protocol writes to it (`asyncio.Transport`).
///
/// A clone is the same transport; dropping every handle leaves it open. After `connection_lost` its calls do nothing.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/selector_events.py`, `_SelectorSocketTransport`.
#[derive(Clone)]
pub struct Transport {
    pub(super) state: LoopOwned<State>,
}

pub(super) struct State {
    pub(super) channel: Channel,
    /// None once the connection is lost.
    pub(super) protocol: RefCell<Option<Rc<HeldProtocol>>>,
    /// The server that accepted it, and what it is there.
    server: RefCell<Option<(Server, u64)>>,
    /// `write_eof` was called.
    pub(super) eof: Cell<bool>,
    pub(super) buffer: RefCell<VecDeque<Bytes>>,
    /// How many bytes are in the buffer.
    pub(super) buffered: Cell<usize>,
}

/// What a transport is made of.
pub(crate) struct NewTransport {
    pub(crate) socket: Socket,
    pub(crate) protocol: Rc<HeldProtocol>,
    /// Set once the transport reads.
    pub(crate) waiter: Future<()>,
    /// What `accept` said of the peer.
    pub(crate) peername: Option<Address>,
    pub(crate) server: Option<Server>,
}

impl NewTransport {
    /// Makes the transport, which owns the socket from here on.
    ///
    /// # Order
    /// In the next tick: `connection_made`, reading begins, the waiter is set.
    ///
    /// # Errors
    /// `Runtime` if a transport has the descriptor, or the server is closed.
    pub(crate) fn build(self) -> Result<Transport> {
        let event_loop = running::event_loop()?;
        readers::ensure_no_transport(&event_loop, &self.socket)?;
        let state = State {
            channel: Channel::new(&event_loop, self.socket, self.peername),
            protocol: RefCell::new(Some(Rc::clone(&self.protocol))),
            server: RefCell::new(None),
            eof: Cell::new(false),
            buffer: RefCell::default(),
            buffered: Cell::new(0),
        };
        let transport = Transport { state: LoopOwned::new(ObjectKind::Stream, state) };
        let state = transport.state.get().expect("the transport was made just now");
        if let Some(peer) = &state.channel.peername {
            transport.state.set_name(format!("Transport {}", told(peer)));
        }
        if let Some(server) = self.server {
            let member = server.attach(&transport, &state.channel.socket)?;
            *state.server.borrow_mut() = Some((server, member));
        }
        state.channel.claim();
        set_no_delay(&state.channel.socket)?;
        event_loop.call_soon({
            let (protocol, transport) = (self.protocol, transport.clone());
            move || protocol.connection_made(&transport)
        });
        event_loop.call_soon({
            let transport = transport.clone();
            move || transport.start_reading()
        });
        event_loop.call_soon(move || set_unless_cancelled(&self.waiter));
        Ok(transport)
    }
}

/// `base_events._set_nodelay`.
fn set_no_delay(socket: &Socket) -> Result<()> {
    if socket.family() == Family::Unix || socket.kind() != SocketType::Stream {
        return Ok(());
    }
    socket.set_option(SocketOption::NoDelay(true)).map_err(os_error)
}

impl Transport {
    /// The state; none if the loop is closed.
    pub(super) fn state(&self) -> Option<Rc<State>> {
        self.state.get()
    }

    fn look<R>(&self, otherwise: R, f: impl FnOnce(&State) -> R) -> R {
        self.state().map_or(otherwise, |state| f(&state))
    }

    /// Are both handles of one transport?
    pub fn is_same(&self, other: &Transport) -> bool {
        self.state.is_same(&other.state)
    }

    /// The socket below (`get_extra_info("socket")`), to set options or look at it. None if the loop is closed.
    pub fn socket(&self) -> Option<Socket> {
        Some(self.state()?.channel.socket.clone())
    }

    /// Its own address, as it was when the transport was made (`get_extra_info("sockname")`).
    pub fn sockname(&self) -> Option<Address> {
        self.state()?.channel.sockname.clone()
    }

    /// The peer's address, as it was when the transport was made (`get_extra_info("peername")`). None if the connection
    /// had been reset by then.
    pub fn peername(&self) -> Option<Address> {
        self.state()?.channel.peername.clone()
    }

    /// Puts another protocol in the place of this one. It is not told `connection_made`.
    pub fn set_protocol<P: IntoProtocol<K>, K>(&self, protocol: P) -> Rc<RefCell<P>> {
        let (protocol, held) = protocol.into_held();
        if let Some(state) = self.state().filter(|state| !state.channel.gone.get()) {
            let old = state.protocol.replace(Some(held.0));
            drop(old);
        }
        protocol
    }

    /// The protocol, if it is a `P`. None after `connection_lost`.
    pub fn get_protocol<P: 'static>(&self) -> Option<Rc<RefCell<P>>> {
        self.state()?.protocol.borrow().as_ref()?.downcast()
    }

    /// Is it closing, or closed?
    pub fn is_closing(&self) -> bool {
        self.look(true, |state| state.channel.closing.get())
    }

    /// Does it give data to its protocol?
    pub fn is_reading(&self) -> bool {
        self.look(false, |state| state.channel.is_reading())
    }

    /// Gives its protocol no more data until [`resume_reading`](Transport::resume_reading). Twice is fine.
    pub fn pause_reading(&self) {
        self.look((), |state| state.channel.pause_reading());
    }

    /// Reads again. Twice is fine.
    ///
    /// # Order
    /// What has come meanwhile is received in the next tick.
    pub fn resume_reading(&self) {
        if self.look(false, |state| state.channel.unpause()) {
            self.start_reading();
        }
    }

    /// Closes it: nothing is read any more, and what is in the buffer is sent first. Twice is fine.
    ///
    /// # Order
    /// `connection_lost` comes a tick later if the buffer is empty, else in the write event that empties it.
    pub fn close(&self) {
        let Some(state) = self.state() else { return };
        self.close_with(&state);
    }

    /// As [`close`](Transport::close), for drops: never panics.
    pub(crate) fn close_quietly(&self) {
        if let Some(state) = self.state.get_quietly()
            && let Some(event_loop) = state.channel.event_loop()
        {
            event_loop.enter(|| self.close_with(&state)); // another loop may be the current one
        }
    }

    fn close_with(&self, state: &State) {
        if state.channel.begin_closing() && state.buffer.borrow().is_empty() {
            state.channel.mark_lost();
            readers::drop_writer(&state.channel.socket);
            self.lose_soon(state, None);
        }
    }

    /// Closes it at once: what is in the buffer is dropped. Twice is fine.
    ///
    /// # Order
    /// `connection_lost` comes a tick later.
    pub fn abort(&self) {
        if let Some(state) = self.state() {
            self.force_close(&state, None);
        }
    }

    /// `_fatal_error`: an error ends the connection. One of the system is the protocol's to see, others are reported.
    pub(super) fn fatal_error(&self, state: &State, error: Error, message: &'static str) {
        if io_error(&error).is_none()
            && let Some(event_loop) = state.channel.event_loop()
        {
            event_loop.call_exception_handler(&ErrorContext::new(message).with_exception(error.clone()));
        }
        self.force_close(state, Some(error));
    }

    /// `_force_close`.
    fn force_close(&self, state: &State, error: Option<Error>) {
        if state.channel.lost.get() != 0 || state.channel.gone.get() {
            return;
        }
        if state.drop_buffer() {
            readers::drop_writer(&state.channel.socket);
        }
        state.channel.begin_closing();
        state.channel.mark_lost();
        self.lose_soon(state, error);
    }

    fn lose_soon(&self, state: &State, error: Option<Error>) {
        let Some(event_loop) = state.channel.event_loop() else {
            state.channel.socket.close();
            return;
        };
        let transport = self.clone();
        event_loop.call_soon(move || match transport.state() {
            Some(state) => transport.lose(&state, error.as_ref()),
            None => Ok(()),
        });
    }

    /// `_call_connection_lost`: the protocol is told, and everything let go.
    pub(super) fn lose(&self, state: &State, error: Option<&Error>) -> Result<()> {
        if state.channel.gone.get() {
            // In CPython, too: closed in `resume_writing`, which found the buffer empty. There an AttributeError.
            return Err(Error::new(ErrorKind::Other, "the connection of this transport was lost before"));
        }
        let protocol = state.protocol.borrow().clone();
        let result = protocol.map_or(Ok(()), |protocol| protocol.connection_lost(error));
        state.channel.socket.close();
        state.channel.gone.set(true);
        let protocol = state.protocol.take();
        drop(protocol); // the program's: outside of the borrow
        let server = state.server.take();
        if let Some((server, member)) = server {
            server.detach(member);
        }
        result
    }
}

impl State {
    /// Forgets what is to be written; false if there was nothing.
    pub(super) fn drop_buffer(&self) -> bool {
        self.buffered.set(0);
        let buffer = self.buffer.take();
        !buffer.is_empty()
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(state) = self.state.get_quietly() else {
            return f.write_str("<Transport of a closed loop>");
        };
        let channel = &state.channel;
        let end = if channel.gone.get() {
            " closed"
        } else if channel.closing.get() {
            " closing"
        } else {
            ""
        };
        write!(f, "<Transport{end} fd={} buffer={}>", channel.fileno, state.buffered.get())
    }
}
