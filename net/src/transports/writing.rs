//! How a stream's transport writes: at once if it can, the rest when the socket has room.

use super::stream::{State, Transport};
use crate::errors::{must_wait, os_error, runtime_error};
use crate::readers;
use bytes::{Buf, Bytes};
use counterpoint_runtime::Result;
use std::io::IoSlice;
use std::net::Shutdown;

/// How many pieces one `sendmsg` takes (`SC_IOV_MAX` on Linux).
const PIECES_MAX: usize = 1024;

impl Transport {
    /// Sends bytes: at once as far as the socket takes them, the rest when it does. Never waits.
    ///
    /// Writes to a connection that was lost are dropped, and from the fifth on a warning is logged.
    ///
    /// # Order
    /// If the buffer grows over the high mark, the protocol's `pause_writing` is called before this returns.
    ///
    /// # Errors
    /// `Runtime` after [`write_eof`](Transport::write_eof).
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/selector_events.py`, `_SelectorSocketTransport.write`.
    pub fn write(&self, data: impl AsRef<[u8]>) -> Result<()> {
        let Some(state) = self.state().filter(|state| !state.channel.gone.get()) else { return Ok(()) };
        if state.eof.get() {
            return Err(runtime_error("Cannot call write() after write_eof()"));
        }
        let mut data = data.as_ref();
        if data.is_empty() || state.channel.is_lost_write() {
            return Ok(());
        }
        if state.buffer.borrow().is_empty() {
            match state.channel.socket.send(data) {
                Ok(count) => data = &data[count..],
                Err(error) if must_wait(&error) => {}
                Err(error) => {
                    self.fatal_error(&state, os_error(error), "Fatal write error on socket transport");
                    return Ok(());
                }
            }
            if data.is_empty() {
                return Ok(());
            }
            self.start_writing(&state);
        }
        state.push(Bytes::copy_from_slice(data));
        state.maybe_pause_protocol();
        Ok(())
    }

    /// Sends several pieces as one.
    ///
    /// As in CPython 3.13.0 it never pauses the protocol, however large the buffer grows. Empty pieces are left out.
    ///
    /// # Errors
    /// `Runtime` after [`write_eof`](Transport::write_eof).
    pub fn writelines<D: AsRef<[u8]>>(&self, pieces: impl IntoIterator<Item = D>) -> Result<()> {
        let Some(state) = self.state().filter(|state| !state.channel.gone.get()) else { return Ok(()) };
        if state.eof.get() {
            return Err(runtime_error("Cannot call writelines() after write_eof()"));
        }
        let mut pieces = pieces.into_iter().filter(|piece| !piece.as_ref().is_empty()).peekable();
        if pieces.peek().is_none() || state.channel.is_lost_write() {
            return Ok(());
        }
        for piece in pieces {
            state.push(Bytes::copy_from_slice(piece.as_ref()));
        }
        let written = self.write_ready(&state);
        if !state.buffer.borrow().is_empty() {
            self.start_writing(&state);
        }
        written
    }

    /// Ends the own direction once everything is sent. Twice is fine.
    ///
    /// # Errors
    /// That of `shutdown`, if it is called at once: ENOTCONN once the connection is gone.
    pub fn write_eof(&self) -> Result<()> {
        let Some(state) = self.state() else { return Ok(()) };
        if state.channel.closing.get() || state.eof.replace(true) {
            return Ok(());
        }
        if state.buffer.borrow().is_empty() { state.shut_down() } else { Ok(()) }
    }

    /// Can the own direction end alone? Always.
    pub fn can_write_eof(&self) -> bool {
        true
    }

    /// Sets the marks of the buffer, in bytes: over `high` the protocol is told to pause, at `low` to resume.
    ///
    /// Without `high` it is four times `low`, or 64 KiB; without `low` it is a quarter of `high`.
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

    /// How many bytes are in the buffer.
    pub fn get_write_buffer_size(&self) -> usize {
        self.state().map_or(0, |state| state.buffered.get())
    }

    fn start_writing(&self, state: &State) {
        let transport = self.clone();
        state.channel.add_writer(move || match transport.state() {
            Some(state) => transport.write_ready(&state),
            None => Ok(()),
        });
    }

    /// `_write_sendmsg`.
    fn write_ready(&self, state: &State) -> Result<()> {
        if state.channel.lost.get() != 0 {
            return Ok(());
        }
        match state.send_buffer() {
            Ok(count) => state.remove_sent(count),
            Err(error) if must_wait(&error) => return Ok(()),
            Err(error) => {
                readers::drop_writer(&state.channel.socket);
                state.drop_buffer();
                self.fatal_error(state, os_error(error), "Fatal write error on socket transport");
                return Ok(());
            }
        }
        state.maybe_resume_protocol(); // may append to the buffer
        if !state.buffer.borrow().is_empty() {
            return Ok(());
        }
        readers::drop_writer(&state.channel.socket);
        if state.channel.closing.get() {
            return self.lose(state, None);
        }
        if state.eof.get() { state.shut_down() } else { Ok(()) }
    }
}

impl State {
    fn push(&self, piece: Bytes) {
        self.buffered.set(self.buffered.get() + piece.len());
        self.buffer.borrow_mut().push_back(piece);
    }

    fn shut_down(&self) -> Result<()> {
        self.channel.socket.shutdown(Shutdown::Write).map_err(os_error)
    }

    fn send_buffer(&self) -> std::io::Result<usize> {
        let buffer = self.buffer.borrow();
        if let (1, Some(piece)) = (buffer.len(), buffer.front()) {
            return self.channel.socket.send(piece);
        }
        let pieces: Vec<IoSlice<'_>> =
            buffer.iter().take(PIECES_MAX).map(|piece| IoSlice::new(piece)).collect();
        self.channel.socket.send_vectored(&pieces)
    }

    /// `_adjust_leftover_buffer`.
    fn remove_sent(&self, mut count: usize) {
        self.buffered.set(self.buffered.get() - count);
        let mut buffer = self.buffer.borrow_mut();
        while count != 0 {
            let Some(piece) = buffer.front_mut() else { return };
            if piece.len() <= count {
                count -= piece.len();
                buffer.pop_front();
            } else {
                piece.advance(count);
                count = 0;
            }
        }
    }

    fn maybe_pause_protocol(&self) {
        if self.channel.must_pause(self.buffered.get()) {
            let protocol = self.protocol.borrow().clone();
            if let Some(protocol) = protocol {
                protocol.pause_writing();
            }
        }
    }

    fn maybe_resume_protocol(&self) {
        if self.channel.must_resume(self.buffered.get()) {
            let protocol = self.protocol.borrow().clone();
            if let Some(protocol) = protocol {
                protocol.resume_writing();
            }
        }
    }
}
