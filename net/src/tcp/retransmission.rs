//! Sending again what was not acknowledged: one timer, doubling, and patience that ends (linux-facts 2.6.1 to
//! 2.6.3).
//!
//! The timer's length comes from measured round trips. When it fires, the oldest segment goes out again, and as
//! acknowledgements come in, those behind it, two for each that arrived, so an outage heals in a few round trips.
//! Three acknowledgements that tell of a hole do the same without waiting for the timer. Patience is Linux's: not
//! a number of attempts, but the time that so many would take.

use super::Connection;
use super::segment::{Flags, Segment};
use crate::errno::Errno;
use counterpoint_runtime::Instant;
use std::time::Duration;

const SHORTEST: u64 = 200_000_000;
const LONGEST: u64 = 120_000_000_000;
const BEFORE_ANY_SAMPLE: u64 = 1_000_000_000;
/// When the handshake took more than one attempt, and so gave no sample: the way may be a long one (RFC 6298, 5.7).
const AFTER_A_LOST_SYN: u64 = 3_000_000_000;

/// Round trips seen so far: nanoseconds, zero before the first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RoundTrips {
    smoothed: u64,
    /// Four times the mean deviation; before the first, the timer that a lost SYN asks for.
    deviation: u64,
}

impl RoundTrips {
    pub(super) fn sample(&mut self, trip: Duration) {
        let trip = u64::try_from(trip.as_nanos()).unwrap_or(u64::MAX / 8).clamp(1, u64::MAX / 8);
        if self.smoothed == 0 {
            (self.smoothed, self.deviation) = (trip, 2 * trip);
            return;
        }
        let error = trip.abs_diff(self.smoothed);
        self.deviation = self.deviation - self.deviation / 4 + error;
        self.smoothed = (self.smoothed - self.smoothed / 8 + trip / 8).max(1);
    }

    /// The handshake had to be repeated.
    pub(super) fn begin_patiently(&mut self) {
        self.deviation = AFTER_A_LOST_SYN;
    }

    /// The timer's length after so many doublings.
    pub(super) fn timeout(&self, doublings: u8) -> Duration {
        let base = match self.smoothed {
            0 => BEFORE_ANY_SAMPLE.max(self.deviation),
            smoothed => smoothed.saturating_add(self.deviation.max(SHORTEST)),
        };
        let factor = 1u64 << doublings.min(16);
        Duration::from_nanos(base.saturating_mul(factor).min(LONGEST))
    }
}

/// The time that `retries` attempts take nominally, from a first timer of 200 ms: 15 are 924.6 s, 8 are 102.2 s.
pub(super) fn patience(retries: u8) -> Duration {
    const DOUBLINGS: u8 = 9;
    let doubled = (2u64 << retries.min(DOUBLINGS)) - 1;
    let capped = u64::from(retries.saturating_sub(DOUBLINGS));
    Duration::from_nanos(doubled * SHORTEST + capped * LONGEST)
}

impl Connection {
    pub(super) fn retransmission_timeout(&self) -> Duration {
        self.round_trips.timeout(self.backoff)
    }

    /// Starts the timer for what is in flight.
    pub(super) fn start_retransmission_timer(&mut self, now: Instant) {
        let mut due = now + self.retransmission_timeout();
        if let (Some(limit), Some(front)) = (self.settings.user_timeout, self.send.in_flight.front()) {
            due = due.min((front.sent + limit).max(now));
        }
        self.timer = due;
    }

    /// Nothing was acknowledged for too long: again, or the end.
    pub(super) fn on_retransmission_timer(&mut self, now: Instant, out: &mut Vec<Segment>) {
        let Some(front) = self.send.in_flight.front() else { return };
        let waited = now.duration_since(front.sent);
        if waited >= self.patience() {
            return self.fail(self.soft_error.unwrap_or(Errno::TimedOut));
        }
        self.backoff = self.backoff.saturating_add(1);
        self.holes_told = 0;
        self.recover = self.send.next;
        self.resent = 0;
        self.resend(1, out);
        self.start_retransmission_timer(now);
    }

    /// How long sent bytes may stay unacknowledged.
    fn patience(&self) -> Duration {
        match self.settings.user_timeout {
            Some(limit) => limit,
            None if self.released => patience(self.settings.orphan_retries),
            None => patience(self.settings.retries),
        }
    }

    /// An acknowledgement that tells of a hole and acknowledges nothing new.
    pub(super) fn on_hole_told(&mut self, now: Instant, out: &mut Vec<Segment>) {
        if self.send.in_flight.is_empty() || self.send.unacknowledged < self.recover {
            return;
        }
        self.holes_told = self.holes_told.saturating_add(1);
        if self.holes_told == 3 {
            self.recover = self.send.next;
            self.resent = 0;
            self.resend(1, out);
            self.start_retransmission_timer(now);
        }
    }

    /// `segments` of what was in flight arrived while a loss is being mended: twice as many go out again.
    pub(super) fn mend(&mut self, segments: usize, out: &mut Vec<Segment>) {
        self.resent = self.resent.saturating_sub(segments as u32);
        self.resend((2 * segments).max(1), out);
    }

    /// Sends up to `count` segments again that were in flight when the loss was noticed.
    fn resend(&mut self, count: usize, out: &mut Vec<Segment>) {
        let (ack, right) = (self.receive.next, self.receive.told);
        let again = self.send.in_flight.iter_mut().skip(self.resent as usize).take(count);
        for lost in again.take_while(|lost| lost.seq < self.recover) {
            lost.attempt = lost.attempt.saturating_add(1);
            self.resent += 1;
            let flags = if lost.fin { Flags::ACK | Flags::FIN } else { Flags::ACK };
            let (payload, attempt) = (lost.payload.clone(), lost.attempt);
            out.push(Segment { seq: lost.seq, ack, right, flags, payload, attempt });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_linux_nominal_time() {
        assert_eq!(patience(15), Duration::from_millis(924_600));
        assert_eq!(patience(8), Duration::from_millis(102_200));
        assert_eq!(patience(3), Duration::from_millis(3_000));
    }

    #[test]
    fn a_repeated_handshake_begins_with_three_seconds() {
        let mut trips = RoundTrips::default();
        trips.begin_patiently();
        assert_eq!(trips.timeout(0), Duration::from_secs(3));
        trips.sample(Duration::from_secs(2));
        assert_eq!(trips.timeout(0), Duration::from_secs(6));
    }

    #[test]
    fn the_timer_is_a_round_trip_and_at_least_200_ms() {
        let mut trips = RoundTrips::default();
        assert_eq!(trips.timeout(0), Duration::from_secs(1));
        trips.sample(Duration::from_millis(40));
        assert_eq!(trips.timeout(0), Duration::from_millis(240));
        assert_eq!(trips.timeout(2), Duration::from_millis(960));
        assert_eq!(trips.timeout(200), Duration::from_secs(120));
        for _ in 0..100 {
            trips.sample(Duration::MAX);
            trips.sample(Duration::ZERO);
        }
        assert_eq!(trips.timeout(0), Duration::from_secs(120));
    }
}
