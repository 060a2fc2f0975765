//! How a stream's transport reads: one `recv` in each read event, into a buffer that all share.

use super::MAX_SIZE;
use super::stream::{State, Transport};
use crate::errors::{must_wait, os_error};
use crate::protocols::{HeldProtocol, Read};
use crate::readers;
use crate::scratch::with_scratch;
use std::io;

impl Transport {
    /// `_add_reader(fd, _read_ready)`.
    pub(super) fn start_reading(&self) {
        let Some(state) = self.state() else { return };
        let transport = self.clone();
        state.channel.add_reader(move || transport.read_ready());
    }

    /// `_read_ready`.
    fn read_ready(&self) {
        let Some(state) = self.state() else { return };
        if state.channel.lost.get() != 0 {
            return;
        }
        let protocol = state.protocol.borrow().clone();
        match protocol {
            Some(protocol) if protocol.is_buffered() => self.read_into_lent(&state, &protocol),
            Some(protocol) => with_scratch(MAX_SIZE, |scratch| self.read_into(scratch, &state, &protocol)),
            None => {}
        }
    }

    /// `_read_ready__data_received`.
    fn read_into(&self, scratch: &mut [u8], state: &State, protocol: &HeldProtocol) {
        match state.channel.socket.receive(scratch) {
            Ok(0) => self.end_received(state, protocol),
            Ok(count) => {
                if let Err(error) = protocol.data_received(&scratch[..count]) {
                    self.fatal_error(state, error, "Fatal error: protocol.data_received() call failed.");
                }
            }
            Err(error) => self.read_failed(state, error),
        }
    }

    /// `_read_ready__get_buffer`.
    fn read_into_lent(&self, state: &State, protocol: &HeldProtocol) {
        match protocol.read_with(|buffer| state.channel.socket.receive(buffer)) {
            Read::Updated(Ok(())) => {}
            Read::Updated(Err(error)) => {
                self.fatal_error(state, error, "Fatal error: protocol.buffer_updated() call failed.");
            }
            Read::End => self.end_received(state, protocol),
            Read::Failed(error) => self.read_failed(state, error),
            Read::NoBuffer(error) => {
                self.fatal_error(state, error, "Fatal error: protocol.get_buffer() call failed.");
            }
        }
    }

    fn read_failed(&self, state: &State, error: io::Error) {
        if !must_wait(&error) {
            self.fatal_error(state, os_error(error), "Fatal read error on socket transport");
        }
    }

    /// `_read_ready__on_eof`.
    fn end_received(&self, state: &State, protocol: &HeldProtocol) {
        match protocol.eof_received() {
            Ok(true) => drop(readers::drop_reader(&state.channel.socket)),
            Ok(false) => self.close(),
            Err(error) => {
                self.fatal_error(state, error, "Fatal error: protocol.eof_received() call failed.");
            }
        }
    }
}
