//! How a connection ends: half by half, by letting go, by a reset, or because patience is at an end.
//!
//! A program that lets go does not wait: what it wrote is still delivered by the machine (an orphan), with less
//! patience, and with a minute for the other end's FIN (linux-facts 2.4.14, 2.5.3, 2.5.4). Unread bytes, or a
//! linger of zero, make it a reset instead (2.4.7, 2.4.10).

use super::segment::{Flags, Segment};
use super::send_buffer::Fin;
use super::{Connection, State};
use crate::errno::Errno;
use counterpoint_runtime::Instant;
use std::net::Shutdown;
use std::time::Duration;

/// `TCP_TIMEWAIT_LEN`, and `tcp_fin_timeout` of an orphan in FinWait2.
const MINUTE: Duration = Duration::from_secs(60);

impl Connection {
    /// Ends a direction, or both. While connecting, either ends the attempt: the error is then `ConnectionReset`
    /// and the socket as new (linux-facts 1.2.9). Reading after the shutdown of reading still gives what arrives.
    ///
    /// # Errors
    /// `NotConnected` if both directions are over already (2.3.4).
    pub fn shutdown(&mut self, now: Instant, how: Shutdown, out: &mut Vec<Segment>) -> Result<(), Errno> {
        match self.state {
            State::Closed | State::TimeWait => return Err(Errno::NotConnected),
            State::SynSent => {
                self.fail(Errno::ConnectionReset);
                (self.receive_shut, self.send_shut) = (false, false);
                return Ok(());
            }
            _ => {}
        }
        if how != Shutdown::Write {
            self.receive_shut = true;
        }
        if how != Shutdown::Read {
            self.finish(now, out);
        }
        Ok(())
    }

    /// Our FIN follows what waits to be sent.
    fn finish(&mut self, now: Instant, out: &mut Vec<Segment>) {
        self.send_shut = true;
        self.state = match self.state {
            State::Established => State::FinWait1,
            State::CloseWait => State::LastAck,
            _ => return,
        };
        self.send.fin = Fin::Queued;
        self.transmit(now, out);
        self.settle_probes(now);
    }

    /// The program lets go. What it wrote is still delivered, unless bytes were left unread or linger is zero:
    /// then a RST goes out and both are lost.
    pub fn close(&mut self, now: Instant, out: &mut Vec<Segment>) {
        if self.released {
            return;
        }
        self.released = true;
        self.silence = None;
        let resets = self.receive.available() > 0 || self.settings.linger == Some(Duration::ZERO);
        self.receive.clear();
        match self.state {
            State::Closed | State::TimeWait => {}
            State::SynSent => self.end(),
            State::SynReceived => self.reset(out),
            _ if resets => self.reset(out),
            _ => {
                self.receive_shut = true;
                self.finish(now, out);
                if self.state == State::FinWait2 {
                    self.timer = now + MINUTE;
                }
            }
        }
    }

    /// Lets go with a RST at once, whatever is unsent or unread; in TimeWait without.
    pub fn abort(&mut self, _now: Instant, out: &mut Vec<Segment>) {
        self.released = true;
        self.receive.clear();
        self.reset(out);
    }

    /// Tells the other end by a RST, if it does not know the end anyway, and ends.
    fn reset(&mut self, out: &mut Vec<Segment>) {
        let tells = match self.state {
            State::Closed | State::SynSent | State::TimeWait => false,
            State::Closing | State::LastAck => self.send.has_more(),
            _ => true,
        };
        if tells {
            out.push(self.bare(Flags::RST | Flags::ACK));
        }
        self.end();
    }

    /// Their FIN came in order.
    pub(super) fn on_their_fin(&mut self, now: Instant) {
        self.receive_shut = true;
        match self.state {
            State::Established => self.state = State::CloseWait,
            State::FinWait1 => self.state = State::Closing,
            State::FinWait2 => self.start_time_wait(now),
            _ => {}
        }
    }

    /// Our FIN arrived there.
    pub(super) fn on_fin_acknowledged(&mut self, now: Instant) {
        match self.state {
            State::FinWait1 => {
                self.state = State::FinWait2;
                if self.released {
                    self.timer = now + MINUTE;
                }
            }
            State::Closing => self.start_time_wait(now),
            State::LastAck => self.end(),
            _ => {}
        }
    }

    /// A minute, from the last FIN on, in which late segments are still answered.
    pub(super) fn start_time_wait(&mut self, now: Instant) {
        self.state = State::TimeWait;
        self.silence = None;
        self.timer = now + MINUTE;
    }

    /// Ends with an error for whoever looks first.
    pub(super) fn fail(&mut self, errno: Errno) {
        self.error = Some(errno);
        self.end();
    }

    /// Ends; nobody ever held it.
    pub(super) fn vanish(&mut self) {
        self.released = true;
        self.end();
    }

    /// No connection any more: what was to be sent is thrown away, what was received in order can still be read.
    pub(super) fn end(&mut self) {
        self.state = State::Closed;
        (self.receive_shut, self.send_shut) = (true, true);
        self.timer = Instant::MAX;
        self.silence = None;
        self.soft_error = None;
        self.send.clear();
        self.receive.forget_ahead();
    }
}
