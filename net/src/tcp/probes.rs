//! Asking an end that says nothing: a closed window whose opening may have been lost, and keep-alive.
//!
//! Both send an empty segment that asks for an answer. Probing of a closed window begins only after the network
//! said that word for this end was lost, and ends with the first answer to a later probe: an opening that was not
//! lost arrives by itself. With `user_timeout` it always begins, because it ends by itself, and kills even a
//! healthy end that only reads too slowly (linux-facts 2.2.12).

use super::segment::{Flags, Segment};
use super::{Connection, State};
use crate::errno::Errno;
use counterpoint_runtime::Instant;

/// An answered probe leaves this many doublings, so that the next is about two minutes away.
const ANSWERED_BACKOFF: u8 = 9;

/// Keep-alive's view of the other end.
#[derive(Debug)]
pub(super) struct Silence {
    /// When to look again.
    pub(super) due: Instant,
    heard: Instant,
    unanswered: u32,
}

impl Silence {
    /// Something came.
    pub(super) fn broken(&mut self, now: Instant) {
        self.heard = now;
        self.unanswered = 0;
    }
}

impl Connection {
    /// The network lost an acknowledgement or window update that was meant for this end (or the host that would
    /// send it).
    pub fn on_loss(&mut self, now: Instant) {
        self.edge_lost = true;
        self.probe_at_loss = self.probe;
        self.settle_probes(now);
    }

    /// Starts or stops the probing of a closed window.
    pub(super) fn settle_probes(&mut self, now: Instant) {
        let sends = self.is_synchronised() && self.state != State::FinWait2;
        if !sends || !self.send.in_flight.is_empty() {
            return;
        }
        let stalled = self.send.has_more() && (self.edge_lost || self.settings.user_timeout.is_some());
        if !stalled {
            self.timer = Instant::MAX;
        } else if self.timer == Instant::MAX {
            self.since = now;
            self.backoff = 0;
            self.start_probe_timer(now);
        }
    }

    fn start_probe_timer(&mut self, now: Instant) {
        self.timer = now + self.retransmission_timeout();
        if let Some(limit) = self.settings.user_timeout {
            self.timer = self.timer.min((self.since + limit).max(now));
        }
    }

    /// The window is still closed: a probe, or the end.
    pub(super) fn on_closed_window_timer(&mut self, now: Instant, out: &mut Vec<Segment>) {
        let most = if self.released { self.settings.orphan_retries } else { self.settings.retries };
        let too_long =
            self.settings.user_timeout.is_some_and(|limit| now.duration_since(self.since) >= limit);
        if too_long || self.backoff >= most {
            return self.fail(self.soft_error.unwrap_or(Errno::TimedOut));
        }
        self.send_probe(out);
        self.backoff += 1;
        self.start_probe_timer(now);
    }

    /// Empty, and with a number that was acknowledged long ago.
    fn send_probe(&mut self, out: &mut Vec<Segment>) {
        self.probe = self.probe.wrapping_add(1);
        let mut probe = self.bare(Flags::ACK | Flags::PROBE);
        probe.seq = self.send.unacknowledged.saturating_sub(1);
        probe.attempt = self.probe;
        out.push(probe);
    }

    /// The other end answered a probe: what it said makes up for what was lost before that probe.
    pub(super) fn on_answer(&mut self, probe: u32) {
        if probe > self.probe_at_loss && probe <= self.probe {
            self.edge_lost = false;
        }
        if self.send.in_flight.is_empty() {
            self.backoff = self.backoff.min(ANSWERED_BACKOFF);
        }
    }

    /// Begins or ends keep-alive as the settings say.
    pub(super) fn watch_silence(&mut self, now: Instant) {
        match self.settings.keep_alive {
            None => self.silence = None,
            Some(_) if self.released => {}
            Some(keep_alive) => {
                let due = now + keep_alive.idle;
                self.silence = Some(Box::new(Silence { due, heard: now, unanswered: 0 }));
            }
        }
    }

    /// Keep-alive's timer: a probe, or the end with a RST (2.6.21, 2.6.22).
    pub(super) fn on_silence(&mut self, now: Instant, out: &mut Vec<Segment>) {
        let (Some(keep_alive), Some(silence)) = (self.settings.keep_alive, &mut self.silence) else { return };
        if self.timer != Instant::MAX {
            silence.due = now + keep_alive.idle; // another timer asks already
        } else if self.send.has_more() {
            silence.due = now + keep_alive.idle;
            self.on_loss(now); // Linux probes a closed window anyway, and with that one's patience
        } else if now < silence.heard + keep_alive.idle {
            silence.due = silence.heard + keep_alive.idle;
        } else if silence.unanswered < keep_alive.probes {
            silence.unanswered += 1;
            silence.due = now + keep_alive.interval;
            self.send_probe(out);
        } else {
            out.push(self.bare(Flags::RST | Flags::ACK));
            self.fail(self.soft_error.unwrap_or(Errno::TimedOut));
        }
    }
}
