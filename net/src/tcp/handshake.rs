//! How a connection comes to be: SYN, SYN-ACK, ACK, and what happens when one of them is lost or refused.
//!
//! The client repeats its SYN at 1 s spacing five times before it doubles, as kernels from 6.5 on do (linux-facts
//! 1.4.1); a listener's half-open connection repeats its SYN-ACK and vanishes without a word after 63 s (1.5.4,
//! 1.5.6). Two ends that connect to each other, and one that connects to itself (1.2.16), meet in SynReceived.

use super::segment::{Flags, Segment, refuse};
use super::{Connection, Settings, State};
use crate::errno::Errno;
use counterpoint_runtime::Instant;
use std::rc::Rc;
use std::time::Duration;

const FIRST_TIMER: Duration = Duration::from_secs(1);
/// Repetitions of a SYN at the same distance.
const LINEAR: u8 = 4;
const LONGEST_TIMER: u64 = 120;

/// How long a SYN is repeated: until the first timer at or after this.
fn syn_patience(retries: u8) -> Duration {
    const DOUBLINGS: u8 = 6;
    let doubled = (2u64 << retries.min(DOUBLINGS)) - 1;
    Duration::from_secs(doubled + u64::from(retries.saturating_sub(DOUBLINGS)) * LONGEST_TIMER)
}

fn doubled(times: u8) -> Duration {
    Duration::from_secs((1u64 << times.min(7)).min(LONGEST_TIMER))
}

impl Connection {
    /// Begins to connect: sends a SYN. `initial` is the drawn number of this end's first byte, minus one.
    pub fn connect(settings: Rc<Settings>, initial: u64, now: Instant, out: &mut Vec<Segment>) -> Connection {
        let mut connection = Connection::new(settings, initial, now, State::SynSent);
        connection.send_syn(out);
        connection.start_handshake_timer(now, FIRST_TIMER);
        connection
    }

    /// A listener got a SYN: sends SYN-ACK. The connection belongs to the listener until it is established; if
    /// that never happens it is gone without a word.
    pub fn accept(
        settings: Rc<Settings>,
        initial: u64,
        syn: &Segment,
        now: Instant,
        out: &mut Vec<Segment>,
    ) -> Connection {
        let mut connection = Connection::new(settings, initial, now, State::SynReceived);
        connection.passive = true;
        connection.on_their_syn(syn);
        connection.send_syn(out);
        connection.start_handshake_timer(now, FIRST_TIMER);
        connection
    }

    /// Their numbers are known from here on.
    fn on_their_syn(&mut self, syn: &Segment) {
        self.receive.begin(syn.seq, self.settings.receive_buffer);
        self.send.edge = match syn.flags.contains(Flags::ACK) {
            true => syn.right,
            false => self.send.next.saturating_add(syn.right),
        };
    }

    /// The SYN, with an ACK if theirs has come.
    fn send_syn(&self, out: &mut Vec<Segment>) {
        let mut syn = self.bare(Flags::SYN);
        syn.seq = self.send.unacknowledged;
        syn.attempt = u32::from(self.backoff);
        if self.state == State::SynReceived {
            syn.flags = Flags::SYN | Flags::ACK;
        } else {
            syn.right = u64::from(self.settings.receive_buffer);
        }
        out.push(syn);
    }

    fn start_handshake_timer(&mut self, now: Instant, after: Duration) {
        self.timer = now + after;
        if let Some(limit) = self.settings.user_timeout {
            self.timer = self.timer.min((self.since + limit).max(now));
        }
    }

    /// No answer yet: the SYN again, or the end.
    pub(super) fn on_handshake_timer(&mut self, now: Instant, out: &mut Vec<Segment>) {
        let waited = now.duration_since(self.since);
        let given_up = match self.settings.user_timeout {
            Some(limit) => waited >= limit,
            None if self.state == State::SynSent => waited >= syn_patience(self.settings.syn_retries),
            None => self.backoff >= self.settings.synack_retries,
        };
        if given_up && self.passive {
            return self.vanish();
        }
        if given_up {
            return self.fail(self.soft_error.unwrap_or(Errno::TimedOut));
        }
        self.backoff = self.backoff.saturating_add(1);
        self.send_syn(out);
        let linear = if self.state == State::SynSent { LINEAR } else { 0 };
        self.start_handshake_timer(now, doubled(self.backoff.saturating_sub(linear)));
    }

    /// A segment in SynSent (RFC 9293, 3.10.7.3).
    pub(super) fn on_segment_in_syn_sent(&mut self, now: Instant, segment: &Segment, out: &mut Vec<Segment>) {
        let flags = segment.flags;
        if flags.contains(Flags::ACK) && segment.ack != self.send.next {
            out.extend(refuse(segment));
        } else if flags.contains(Flags::RST) {
            if flags.contains(Flags::ACK) {
                self.fail(Errno::ConnectionRefused);
            }
        } else if flags.contains(Flags::SYN | Flags::ACK) {
            self.on_their_syn(segment);
            self.establish(now);
            out.push(self.bare(Flags::ACK));
        } else if flags.contains(Flags::SYN) {
            self.on_their_syn(segment);
            self.state = State::SynReceived;
            self.backoff = 0;
            self.send_syn(out);
            self.start_handshake_timer(now, FIRST_TIMER);
        }
    }

    /// A segment in SynReceived. Whether it established the connection and is to be looked at further.
    pub(super) fn on_segment_in_syn_received(
        &mut self,
        now: Instant,
        segment: &Segment,
        out: &mut Vec<Segment>,
    ) -> bool {
        let flags = segment.flags;
        if flags.contains(Flags::RST) {
            if segment.seq == self.receive.next {
                if self.passive { self.vanish() } else { self.fail(Errno::ConnectionReset) }
            }
            return false;
        }
        let repeats_syn = flags.contains(Flags::SYN) && segment.seq.checked_add(1) == Some(self.receive.next);
        if flags.contains(Flags::ACK) && segment.ack != self.send.next {
            out.extend(refuse(segment));
            return false;
        }
        match (flags.contains(Flags::SYN), flags.contains(Flags::ACK)) {
            (true, true) if repeats_syn => {
                self.send.edge = self.send.edge.max(segment.right);
                self.establish(now);
                false
            }
            (true, false) if repeats_syn => {
                self.send_syn(out);
                false
            }
            (false, true) => {
                self.establish(now);
                true
            }
            _ => false,
        }
    }

    /// Our SYN is acknowledged.
    fn establish(&mut self, now: Instant) {
        if self.backoff == 0 {
            self.round_trips.sample(now.duration_since(self.since));
        } else {
            self.round_trips.begin_patiently();
        }
        self.send.unacknowledged = self.send.next;
        self.state = State::Established;
        self.backoff = 0;
        self.timer = Instant::MAX;
        self.soft_error = None;
        self.watch_silence(now);
    }

    /// The network says that the other end cannot be reached: the end of an attempt to connect (1.3.8), else only
    /// noted (2.6.6). A listener's half-open connection vanishes.
    pub fn on_unreachable(&mut self, _now: Instant, errno: Errno) {
        match self.state {
            State::Closed => {}
            State::SynReceived if self.passive => self.vanish(),
            State::SynSent | State::SynReceived => self.fail(errno),
            _ => self.soft_error = Some(errno),
        }
    }
}
