//! The transport of datagrams (`_SelectorDatagramTransport`).

use super::MAX_SIZE;
use super::channel::Channel;
use crate::addr::Address;
use crate::errors::{must_wait, value_error};
use crate::protocols::{DatagramProtocol, HeldDatagram};
use crate::readers;
use crate::running::{self, set_unless_cancelled};
use crate::scratch::with_scratch;
use crate::socket::Socket;
use bytes::Bytes;
use counterpoint_runtime::kernel::LoopOwned;
use counterpoint_runtime::{Error, ErrorKind, Future, ObjectKind, Result};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::rc::Rc;

/// What the length of a datagram counts more in the buffer, for its header.
const HEADER: usize = 8;

/// An endpoint of datagrams, as a protocol sends through it (`asyncio.DatagramTransport`).
///
/// A clone is the same transport; dropping every handle leaves it open. After `connection_lost` its calls do nothing.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/selector_events.py`, `_SelectorDatagramTransport`.
#[derive(Clone)]
pub struct DatagramTransport {
    state: LoopOwned<State>,
}

struct State {
    channel: Channel,
    /// None once the endpoint is gone.
    protocol: RefCell<Option<Rc<HeldDatagram>>>,
    /// Where everything goes, if that was said when it was made.
    address: Option<Address>,
    buffer: RefCell<VecDeque<(Bytes, Option<Address>)>>,
    /// As CPython counts: with a header for each, which is not taken off again.
    buffered: Cell<usize>,
}

impl DatagramTransport {
    /// Makes the transport, which owns the socket from here on.
    ///
    /// # Order
    /// In the next tick: `connection_made`, reading begins, the waiter is set.
    pub(crate) fn build(
        socket: Socket,
        protocol: Rc<HeldDatagram>,
        address: Option<Address>,
        waiter: Future<()>,
    ) -> Result<DatagramTransport> {
        let event_loop = running::event_loop()?;
        readers::ensure_no_transport(&event_loop, &socket)?;
        let state = State {
            channel: Channel::new(&event_loop, socket, None),
            protocol: RefCell::new(Some(Rc::clone(&protocol))),
            address,
            buffer: RefCell::default(),
            buffered: Cell::new(0),
        };
        let name = state.channel.sockname.as_ref().map(|address| format!("DatagramTransport {address}"));
        let transport = DatagramTransport { state: LoopOwned::new(ObjectKind::Stream, state) };
        transport.state.set_name(name.unwrap_or_else(|| "DatagramTransport".to_owned()));
        if let Some(state) = transport.state() {
            state.channel.claim();
        }
        event_loop.call_soon({
            let transport = transport.clone();
            move || protocol.connection_made(&transport)
        });
        event_loop.call_soon({
            let transport = transport.clone();
            move || transport.start_reading()
        });
        event_loop.call_soon(move || set_unless_cancelled(&waiter));
        Ok(transport)
    }

    fn state(&self) -> Option<Rc<State>> {
        self.state.get()
    }

    /// Sends a datagram, which may be empty: to `address`, or to where the endpoint is connected. Never waits.
    ///
    /// A failure that the system reports is told to the protocol's `error_received` before this returns.
    ///
    /// # Errors
    /// `Value` if the endpoint has another address, or neither has one; what `error_received` failed with.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/selector_events.py`, `_SelectorDatagramTransport.sendto`.
    pub fn sendto(&self, data: impl AsRef<[u8]>, address: impl Into<Option<Address>>) -> Result<()> {
        let Some(state) = self.state().filter(|state| !state.channel.gone.get()) else { return Ok(()) };
        let (data, mut address) = (data.as_ref(), address.into());
        if let Some(own) = &state.address {
            if address.as_ref().is_some_and(|address| address != own) {
                return Err(value_error(format!("Invalid address: must be None or {own}")));
            }
            address = Some(own.clone());
            if state.channel.is_lost_write() {
                return Ok(());
            }
        }
        if address.is_none() && state.channel.peername.is_none() {
            return Err(value_error("a datagram needs an address: the endpoint is not connected"));
        }
        if state.buffer.borrow().is_empty() {
            match state.send(data, address.as_ref()) {
                Ok(()) => return Ok(()),
                Err(error) if must_wait(&error) => self.start_writing(&state),
                Err(error) => return state.error_received(error),
            }
        }
        state.buffered.set(state.buffered.get() + data.len() + HEADER);
        state.buffer.borrow_mut().push_back((Bytes::copy_from_slice(data), address));
        state.maybe_pause_protocol();
        Ok(())
    }

    /// Closes it: nothing is received any more, and what is in the buffer is sent first. Twice is fine.
    ///
    /// # Order
    /// `connection_lost` comes a tick later if the buffer is empty, else in the write event that empties it.
    pub fn close(&self) {
        let Some(state) = self.state() else { return };
        self.close_with(&state);
    }

    /// As [`close`](DatagramTransport::close), for drops: never panics.
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
            self.lose_soon(state);
        }
    }

    /// Closes it at once: what is in the buffer is dropped. Twice is fine.
    ///
    /// # Order
    /// `connection_lost` comes a tick later.
    pub fn abort(&self) {
        let Some(state) = self.state() else { return };
        if state.channel.lost.get() != 0 || state.channel.gone.get() {
            return;
        }
        if !state.buffer.take().is_empty() {
            readers::drop_writer(&state.channel.socket);
        }
        state.channel.begin_closing();
        state.channel.mark_lost();
        self.lose_soon(&state);
    }

    /// Is it closing, or closed?
    pub fn is_closing(&self) -> bool {
        self.state().is_none_or(|state| state.channel.closing.get())
    }

    /// Does it give datagrams to its protocol?
    pub fn is_reading(&self) -> bool {
        self.state().is_some_and(|state| state.channel.is_reading())
    }

    /// Gives its protocol no more datagrams until [`resume_reading`](DatagramTransport::resume_reading).
    pub fn pause_reading(&self) {
        if let Some(state) = self.state() {
            state.channel.pause_reading();
        }
    }

    /// Receives again.
    pub fn resume_reading(&self) {
        if self.state().is_some_and(|state| state.channel.unpause()) {
            self.start_reading();
        }
    }

    /// As [`Transport::set_write_buffer_limits`](crate::Transport::set_write_buffer_limits).
    ///
    /// # Errors
    /// `Value` if `low` is above `high`.
    pub fn set_write_buffer_limits(&self, high: Option<usize>, low: Option<usize>) -> Result<()> {
        let Some(state) = self.state() else { return Ok(()) };
        state.channel.set_limits(high, low)?;
        state.maybe_pause_protocol();
        Ok(())
    }

    /// The low and the high mark, in bytes.
    pub fn get_write_buffer_limits(&self) -> (usize, usize) {
        self.state().map_or((0, 0), |state| state.channel.limits())
    }

    /// How many bytes are in the buffer, headers of 8 bytes counted. As in CPython, a header stays counted once its
    /// datagram is sent.
    pub fn get_write_buffer_size(&self) -> usize {
        self.state().map_or(0, |state| state.buffered.get())
    }

    /// The socket below. None if the loop is closed.
    pub fn socket(&self) -> Option<Socket> {
        Some(self.state()?.channel.socket.clone())
    }

    /// Its own address, as it was when the transport was made.
    pub fn sockname(&self) -> Option<Address> {
        self.state()?.channel.sockname.clone()
    }

    /// The address that it is connected to, if it is.
    pub fn peername(&self) -> Option<Address> {
        self.state()?.channel.peername.clone()
    }

    /// Puts another protocol in the place of this one. It is not told `connection_made`.
    pub fn set_protocol<P: DatagramProtocol>(&self, protocol: P) -> Rc<RefCell<P>> {
        let (protocol, held) = HeldDatagram::new(protocol);
        if let Some(state) = self.state().filter(|state| !state.channel.gone.get()) {
            let old = state.protocol.replace(Some(held));
            drop(old);
        }
        protocol
    }

    /// The protocol, if it is a `P`. None after `connection_lost`.
    pub fn get_protocol<P: 'static>(&self) -> Option<Rc<RefCell<P>>> {
        self.state()?.protocol.borrow().as_ref()?.downcast()
    }

    /// Are both handles of one transport?
    pub fn is_same(&self, other: &DatagramTransport) -> bool {
        self.state.is_same(&other.state)
    }

    fn start_reading(&self) {
        let Some(state) = self.state() else { return };
        let transport = self.clone();
        state.channel.add_reader(move || match transport.state() {
            Some(state) => state.read_ready(),
            None => Ok(()),
        });
    }

    fn start_writing(&self, state: &State) {
        let transport = self.clone();
        state.channel.add_writer(move || match transport.state() {
            Some(state) => state.write_ready(),
            None => Ok(()),
        });
    }

    fn lose_soon(&self, state: &State) {
        let Some(event_loop) = state.channel.event_loop() else {
            state.channel.socket.close();
            return;
        };
        let transport = self.clone();
        event_loop.call_soon(move || match transport.state() {
            Some(state) => state.lose(None),
            None => Ok(()),
        });
    }
}

impl State {
    fn protocol(&self) -> Option<Rc<HeldDatagram>> {
        self.protocol.borrow().clone()
    }

    fn error_received(&self, error: io::Error) -> Result<()> {
        self.protocol().map_or(Ok(()), |protocol| protocol.error_received(error))
    }

    fn send(&self, data: &[u8], address: Option<&Address>) -> io::Result<()> {
        match address {
            Some(address) if self.channel.peername.is_none() => {
                self.channel.socket.send_to(data, address).map(drop)
            }
            _ => self.channel.socket.send(data).map(drop),
        }
    }

    /// `_read_ready`: one datagram in each read event. What the protocol fails with goes to the exception handler.
    fn read_ready(&self) -> Result<()> {
        if self.channel.lost.get() != 0 {
            return Ok(());
        }
        let Some(protocol) = self.protocol() else { return Ok(()) };
        with_scratch(MAX_SIZE, |scratch| match self.channel.socket.receive_from(scratch) {
            Ok((count, source)) => protocol.datagram_received(&scratch[..count], &source),
            Err(error) if must_wait(&error) => Ok(()),
            Err(error) => protocol.error_received(error),
        })
    }

    /// `_sendto_ready`.
    fn write_ready(&self) -> Result<()> {
        loop {
            let Some((data, address)) = self.buffer.borrow_mut().pop_front() else { break };
            match self.send(&data, address.as_ref()) {
                Ok(()) => self.buffered.set(self.buffered.get() - data.len()),
                Err(error) if must_wait(&error) => {
                    self.buffer.borrow_mut().push_front((data, address));
                    break;
                }
                Err(error) => {
                    self.buffered.set(self.buffered.get() - data.len());
                    return self.error_received(error);
                }
            }
        }
        if self.channel.must_resume(self.buffered.get())
            && let Some(protocol) = self.protocol()
        {
            protocol.resume_writing();
        }
        if !self.buffer.borrow().is_empty() {
            return Ok(());
        }
        readers::drop_writer(&self.channel.socket);
        if self.channel.closing.get() { self.lose(None) } else { Ok(()) }
    }

    fn maybe_pause_protocol(&self) {
        if self.channel.must_pause(self.buffered.get())
            && let Some(protocol) = self.protocol()
        {
            protocol.pause_writing();
        }
    }

    /// `_call_connection_lost`.
    fn lose(&self, error: Option<&Error>) -> Result<()> {
        if self.channel.gone.get() {
            return Err(Error::new(ErrorKind::Other, "the connection of this transport was lost before"));
        }
        let result = self.protocol().map_or(Ok(()), |protocol| protocol.connection_lost(error));
        self.channel.socket.close();
        self.channel.gone.set(true);
        let protocol = self.protocol.take();
        drop(protocol); // the program's: outside of the borrow
        result
    }
}

impl fmt::Debug for DatagramTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(state) = self.state.get_quietly() else {
            return f.write_str("<DatagramTransport of a closed loop>");
        };
        let end = if state.channel.closing.get() { " closing" } else { "" };
        write!(f, "<DatagramTransport{end} fd={}>", state.channel.fileno)
    }
}
