//! TCP as a state machine without I/O: fed segments, calls and time, it says which segments to send.
//!
//! Nothing here knows hosts, ports, listeners or links: who owns a [`Connection`] carries what it puts into `out`
//! away, brings what arrives, and calls [`Connection::on_timer`] when [`Connection::next_timer`] has come. An end
//! behaves as Linux does (the facts in the comments' brackets are rows of the measurements that the tests cite):
//!
//! ```text
//!   connect ─► SynSent ──SYN-ACK──────► Established ◄──ACK── SynReceived ◄─ accept
//!                 └──SYN (both at once)──► SynReceived ┘
//!
//!   Established ─ own FIN ─► FinWait1 ─ its ACK ─► FinWait2 ─ their FIN ─► TimeWait ─ 60 s ─► Closed
//!        │                      └ their FIN ─► Closing ─ ACK of ours ─────────┘                 ▲
//!        └ their FIN ─► CloseWait ─ own FIN ─► LastAck ─ its ACK ───────────────────────────────┤
//!   any ─ reset, patience at an end, abort ──────────────────────────────────────────────────────┘
//! ```
//!
//! What differs from a real one, on purpose: every segment is acknowledged at once, and there is no congestion
//! window, so a sender fills the window it is granted. A loss is mended by the timer, by three segments that came
//! behind a hole, and two segments for each acknowledged one from then on; there is no tail-loss probe. A closed
//! window is probed only after [`Connection::on_loss`] said that word of its opening may be lost: otherwise that
//! word arrives by itself, and an endless probing would keep a run alive that is deadlocked.
//!
//! Calls: a segment that the network keeps aside (see [`Connection::waits_for_acks`]) is to be applied before any
//! other call.

mod arrival;
mod calls;
mod handshake;
mod probes;
mod readiness;
mod receive_buffer;
mod retransmission;
mod segment;
mod send_buffer;
mod settings;
mod teardown;

pub use readiness::Readiness;
pub use segment::{Flags, Segment, refuse};
pub use settings::{KeepAlive, Settings};

use crate::errno::Errno;
use bytes::Bytes;
use counterpoint_runtime::Instant;
use probes::Silence;
use receive_buffer::ReceiveBuffer;
use retransmission::RoundTrips;
use send_buffer::SendBuffer;
use std::rc::Rc;

/// The states of RFC 9293 without Listen, which is a listener's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Our SYN is on its way.
    SynSent,
    /// Their SYN came, ours is not acknowledged.
    SynReceived,
    /// Both directions are open.
    Established,
    /// Our FIN is queued or sent, theirs did not come.
    FinWait1,
    /// Our FIN is acknowledged, theirs did not come.
    FinWait2,
    /// Their FIN came, ours was not asked for.
    CloseWait,
    /// Both FINs crossed; ours is not acknowledged.
    Closing,
    /// Their FIN came first, ours is queued or sent.
    LastAck,
    /// All is done; only a late FIN is acknowledged again.
    TimeWait,
    /// No connection (any more).
    Closed,
}

/// One end of a connection.
#[derive(Debug)]
pub struct Connection {
    settings: Rc<Settings>,
    send: SendBuffer,
    receive: ReceiveBuffer,
    round_trips: RoundTrips,
    /// Handshake, retransmission, probing of a closed window, or the end of a waiting state: never two at once.
    /// `Instant::MAX` if none runs.
    timer: Instant,
    /// When the handshake began, or the window was found closed.
    since: Instant,
    /// What was sent before this number may have been lost.
    recover: u64,
    /// How many of the segments in flight were sent again for `recover`.
    resent: u32,
    /// Number of the newest probe.
    probe: u32,
    /// The newest probe when a loss was told: only an answer to a later one makes up for it.
    probe_at_loss: u32,
    /// Acknowledgements in a row that told of a hole.
    holes_told: u8,
    /// How often the timer was doubled: timers in a row without an answer.
    backoff: u8,
    state: State,
    error: Option<Errno>,
    /// An ICMP error that did not end the connection; told in place of a time-out (2.6.6, 2.6.7).
    soft_error: Option<Errno>,
    /// A read says end of file where it would wait.
    receive_shut: bool,
    send_shut: bool,
    /// The program let go.
    released: bool,
    /// Made by a listener: until it is established nobody holds it.
    passive: bool,
    /// Word of the other end's window may be lost.
    edge_lost: bool,
    silence: Option<Box<Silence>>,
}

impl Connection {
    fn new(settings: Rc<Settings>, initial: u64, now: Instant, state: State) -> Connection {
        Connection {
            settings,
            send: SendBuffer::new(initial),
            receive: ReceiveBuffer::new(),
            round_trips: RoundTrips::default(),
            timer: Instant::MAX,
            since: now,
            recover: 0,
            resent: 0,
            probe: 0,
            probe_at_loss: 0,
            holes_told: 0,
            backoff: 0,
            state,
            error: None,
            soft_error: None,
            receive_shut: false,
            send_shut: false,
            released: false,
            passive: false,
            edge_lost: false,
            silence: None,
        }
    }

    /// Where the connection stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Whether it is closed and the program let go: it may be forgotten.
    pub fn is_gone(&self) -> bool {
        self.released && self.state == State::Closed
    }

    /// Its options.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Changes options while it lives (`setsockopt`); what waited for Nagle's rule may go out.
    pub fn change_settings(
        &mut self,
        now: Instant,
        change: impl FnOnce(&mut Settings),
        out: &mut Vec<Segment>,
    ) {
        change(Rc::make_mut(&mut self.settings));
        if self.is_synchronised() {
            self.watch_silence(now);
            self.transmit(now, out);
            self.settle_probes(now);
        }
    }

    /// The error that waits to be told, and clears it (`SO_ERROR`): the one that ended the connection, else the
    /// last that an ICMP message brought.
    pub fn take_error(&mut self) -> Option<Errno> {
        self.error.take().or_else(|| self.soft_error.take())
    }

    /// The earliest moment at which [`Connection::on_timer`] has something to do. It moves with almost every
    /// segment, mostly to a later moment: whoever keeps it may leave an earlier one standing, as an early call
    /// does nothing.
    pub fn next_timer(&self) -> Option<Instant> {
        let silence = self.silence.as_ref().map_or(Instant::MAX, |silence| silence.due);
        let due = self.timer.min(silence);
        (due != Instant::MAX).then_some(due)
    }

    /// Whether the next timer is there for keep-alive only, so that nothing would happen between two ends that
    /// live.
    pub fn only_keep_alive(&self) -> bool {
        self.timer == Instant::MAX && self.silence.is_some()
    }

    /// Time has passed. Harmless when nothing is due.
    pub fn on_timer(&mut self, now: Instant, out: &mut Vec<Segment>) {
        if self.silence.as_ref().is_some_and(|silence| silence.due <= now) {
            self.on_silence(now, out);
        }
        if self.timer == Instant::MAX || now < self.timer {
            return;
        }
        match self.state {
            State::SynSent | State::SynReceived => self.on_handshake_timer(now, out),
            State::TimeWait | State::FinWait2 => self.end(),
            _ if self.send.in_flight.is_empty() => self.on_closed_window_timer(now, out),
            _ => self.on_retransmission_timer(now, out),
        }
    }

    /// Whether an acknowledgement that arrives now would change something that somebody can see, or send
    /// something. If not, the network may keep segments that are [plain acknowledgements](Segment::is_plain_ack)
    /// aside and apply them, with the time of their arrival, before the next call of any kind.
    pub fn waits_for_acks(&self) -> bool {
        match self.state {
            State::TimeWait | State::FinWait2 => false,
            State::Established | State::CloseWait => {
                self.send.has_more() || !self.has_room() || self.send.unacknowledged < self.recover
            }
            _ => true,
        }
    }

    /// Bytes that can be read now.
    pub fn available(&self) -> usize {
        self.receive.available()
    }

    /// Bytes of the program that were not sent yet.
    pub fn unsent(&self) -> usize {
        self.send.unsent()
    }

    /// Bytes that were sent and are not acknowledged.
    pub fn unacknowledged(&self) -> usize {
        match self.state {
            State::SynSent | State::SynReceived => 0,
            _ => self.send.sent(),
        }
    }

    /// Whether both ends know each other's numbers and something is left to say or to hear.
    fn is_synchronised(&self) -> bool {
        !matches!(self.state, State::SynSent | State::SynReceived | State::TimeWait | State::Closed)
    }

    /// A segment without bytes that says where this end stands.
    #[inline]
    fn bare(&self, flags: Flags) -> Segment {
        Segment {
            seq: self.send.next,
            ack: self.receive.next,
            right: self.receive.told,
            flags,
            payload: Bytes::new(),
            attempt: 0,
        }
    }
}
