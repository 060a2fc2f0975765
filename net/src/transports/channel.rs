//! What both kinds of transport are made of: the socket, its addresses, the marks of the buffer, and how far it is gone.

use crate::addr::Address;
use crate::errors::value_error;
use crate::readers;
use crate::running;
use crate::socket::Socket;
use counterpoint_runtime::{CallbackOutput, EventLoop, Result};
use std::cell::Cell;

/// The part of a transport's state that does not depend on its kind (`_SelectorTransport`, `_FlowControlMixin`).
pub(super) struct Channel {
    pub(super) event_loop: u64,
    pub(super) socket: Socket,
    /// The number of the descriptor, also when it is closed.
    pub(super) fileno: i64,
    pub(super) sockname: Option<Address>,
    pub(super) peername: Option<Address>,
    /// `close` or `abort` was called, or an error ended it.
    pub(super) closing: Cell<bool>,
    /// Reading is paused.
    paused: Cell<bool>,
    /// Not zero: `connection_lost` is scheduled. More than one: so many writes came after that (`_conn_lost`).
    pub(super) lost: Cell<u32>,
    /// `connection_lost` was called; the socket is closed.
    pub(super) gone: Cell<bool>,
    high: Cell<usize>,
    low: Cell<usize>,
    protocol_paused: Cell<bool>,
    claimed: Cell<bool>,
}

impl Channel {
    pub(super) fn new(event_loop: &EventLoop, socket: Socket, peername: Option<Address>) -> Channel {
        let (fileno, sockname) = (socket.fileno(), socket.local_address().ok());
        let peername = peername.or_else(|| socket.peer_address().ok());
        Channel {
            event_loop: event_loop.number(),
            socket,
            fileno,
            sockname,
            peername,
            closing: Cell::new(false),
            paused: Cell::new(false),
            lost: Cell::new(0),
            gone: Cell::new(false),
            high: Cell::new(64 * 1024),
            low: Cell::new(16 * 1024),
            protocol_paused: Cell::new(false),
            claimed: Cell::new(false),
        }
    }

    /// From here on, until it closes, nobody else may watch the descriptor.
    pub(super) fn claim(&self) {
        self.claimed.set(true);
        readers::claim(self.event_loop, self.fileno);
    }

    fn unclaim(&self) {
        if self.claimed.replace(false) {
            readers::unclaim(self.event_loop, self.fileno);
        }
    }

    /// The loop; none if it is closed.
    pub(super) fn event_loop(&self) -> Option<EventLoop> {
        running::numbered(self.event_loop)
    }

    // ---- the end

    /// Closing begins: nothing is read any more. False if it had begun.
    pub(super) fn begin_closing(&self) -> bool {
        if self.closing.replace(true) {
            return false;
        }
        self.unclaim();
        readers::drop_reader(&self.socket);
        true
    }

    /// `connection_lost` is to come.
    pub(super) fn mark_lost(&self) {
        self.lost.set(self.lost.get() + 1);
    }

    /// A write after the end: says whether it is one, and warns from the fifth on.
    pub(super) fn is_lost_write(&self) -> bool {
        if self.lost.get() == 0 {
            return false;
        }
        if self.lost.get() >= super::LOG_THRESHOLD_FOR_LOST_WRITES {
            tracing::warn!("a transport is written to although its connection was lost");
        }
        self.mark_lost();
        true
    }

    // ---- reading

    pub(super) fn is_reading(&self) -> bool {
        !self.closing.get() && !self.paused.get()
    }

    pub(super) fn pause_reading(&self) {
        if self.is_reading() {
            self.paused.set(true);
            readers::drop_reader(&self.socket);
        }
    }

    /// Takes the pause back; false if there was none, or nothing will be read any more.
    pub(super) fn unpause(&self) -> bool {
        !self.closing.get() && self.paused.replace(false)
    }

    pub(super) fn add_reader<R: CallbackOutput>(&self, callback: impl FnMut() -> R + 'static) {
        if let Some(event_loop) = self.event_loop().filter(|_| self.is_reading()) {
            readers::put_reader(&event_loop, &self.socket, callback);
        }
    }

    pub(super) fn add_writer<R: CallbackOutput>(&self, callback: impl FnMut() -> R + 'static) {
        if let Some(event_loop) = self.event_loop() {
            readers::put_writer(&event_loop, &self.socket, callback);
        }
    }

    // ---- the marks of the buffer

    /// Low and high.
    pub(super) fn limits(&self) -> (usize, usize) {
        (self.low.get(), self.high.get())
    }

    pub(super) fn set_limits(&self, high: Option<usize>, low: Option<usize>) -> Result<()> {
        let high = high.unwrap_or_else(|| low.map_or(64 * 1024, |low| low.saturating_mul(4)));
        let low = low.unwrap_or(high / 4);
        if high < low {
            return Err(value_error(format!("high ({high}) must be >= low ({low}) must be >= 0")));
        }
        self.high.set(high);
        self.low.set(low);
        Ok(())
    }

    /// Is the protocol to be told to pause, with so much in the buffer? Then it counts as told.
    pub(super) fn must_pause(&self, size: usize) -> bool {
        size > self.high.get() && !self.protocol_paused.replace(true)
    }

    /// Is the protocol to be told to resume? Then it counts as told.
    pub(super) fn must_resume(&self, size: usize) -> bool {
        let must = self.protocol_paused.get() && size <= self.low.get();
        if must {
            self.protocol_paused.set(false);
        }
        must
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.unclaim();
    }
}
