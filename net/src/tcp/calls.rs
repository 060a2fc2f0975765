//! What the program calls while the connection is open: write, read, peek; and how bytes leave.
//!
//! A call never waits: where it would, it says `WouldBlock`. An error that ended the connection is told once, to
//! whoever looks first (linux-facts 2.4.21).

use super::segment::{Flags, Segment};
use super::send_buffer::{Fin, InFlight};
use super::{Connection, State};
use crate::errno::Errno;
use counterpoint_runtime::Instant;

impl Connection {
    /// Takes as many bytes as the send buffer has room for; how many. What fits the other end's window leaves at
    /// once.
    ///
    /// # Errors
    /// The error that ended the connection, once; `BrokenPipe` if this direction is over, `WouldBlock` if nothing
    /// fits or the connection is not established yet.
    pub fn write(&mut self, now: Instant, data: &[u8], out: &mut Vec<Segment>) -> Result<usize, Errno> {
        if !matches!(self.state, State::Established | State::CloseWait) {
            return Err(self.error.take().unwrap_or(match self.state {
                State::SynSent | State::SynReceived => Errno::WouldBlock,
                _ => Errno::BrokenPipe,
            }));
        }
        let room = (self.settings.send_buffer as usize).saturating_sub(self.send.used());
        let taken = room.min(data.len());
        if taken == 0 {
            return if data.is_empty() { Ok(0) } else { Err(Errno::WouldBlock) };
        }
        self.send.append(&data[..taken], self.settings.maximum_segment as usize);
        self.transmit(now, out);
        if self.send.unsent() > 0 {
            self.settle_probes(now);
        }
        Ok(taken)
    }

    /// Sends what waits and fits the other end's window, and the FIN behind the last byte.
    pub(super) fn transmit(&mut self, now: Instant, out: &mut Vec<Segment>) {
        let largest = u64::from(self.settings.maximum_segment.max(1));
        while self.send.has_more() && self.send.next < self.send.edge {
            let room = self.send.edge - self.send.next;
            if self.nagle_holds(room.min(largest)) {
                return;
            }
            let payload = self.send.cut(room.min(largest) as usize);
            let length = payload.len() as u64;
            let fin = self.send.fin == Fin::Queued && self.send.unsent() == 0 && room > length;
            if fin {
                self.send.fin = Fin::Sent;
            }
            let first = self.send.in_flight.is_empty();
            let seq = self.send.next;
            self.send.next = seq + length + u64::from(fin);
            let flags = if fin { Flags::ACK | Flags::FIN } else { Flags::ACK };
            let (ack, right) = (self.receive.next, self.receive.told);
            out.push(Segment { seq, ack, right, flags, payload: payload.clone(), attempt: 0 });
            self.send.in_flight.push_back(InFlight { seq, payload, sent: now, attempt: 0, fin });
            if first {
                self.backoff = 0;
                self.start_retransmission_timer(now);
            }
        }
    }

    /// Nagle's rule: a segment that is not full waits while something is unacknowledged.
    fn nagle_holds(&self, full: u64) -> bool {
        self.settings.nagle
            && self.send.fin == Fin::Open
            && (self.send.unsent() as u64) < full
            && !self.send.in_flight.is_empty()
    }

    /// Reads what is there, at most a buffer full; 0 is end of file (or an empty buffer). May send a window
    /// update.
    ///
    /// # Errors
    /// The error that ended the connection, once, behind the bytes that had come before it; `WouldBlock` if
    /// nothing is there, `NotConnected` if there never will be.
    pub fn read(&mut self, _now: Instant, buffer: &mut [u8], out: &mut Vec<Segment>) -> Result<usize, Errno> {
        let count = self.receive.read(buffer);
        if count == 0 {
            return if buffer.is_empty() { Ok(0) } else { self.nothing_to_read() };
        }
        if self.receive.owes_update(self.settings.receive_buffer) && self.is_synchronised() {
            self.receive.tell(self.settings.receive_buffer);
            out.push(self.bare(Flags::ACK));
        }
        Ok(count)
    }

    /// As [`Connection::read`], but what was read stays, and nothing is sent.
    ///
    /// # Errors
    /// As [`Connection::read`].
    pub fn peek(&mut self, buffer: &mut [u8]) -> Result<usize, Errno> {
        match self.receive.peek(buffer) {
            0 if !buffer.is_empty() => self.nothing_to_read(),
            count => Ok(count),
        }
    }

    /// What a read says without bytes: their FIN comes before an error, that before our own shutdown (2.4.4,
    /// 2.4.9).
    fn nothing_to_read(&mut self) -> Result<usize, Errno> {
        if self.receive.fin_received() {
            return Ok(0);
        }
        match self.error.take() {
            Some(errno) => Err(errno),
            None if self.receive_shut => Ok(0),
            None if self.state == State::Closed => Err(Errno::NotConnected),
            None => Err(Errno::WouldBlock),
        }
    }
}
