//! The network: all stacks and links, and the events that are to come.
//!
//! It takes the system calls of the processes ([`calls`], `tcp_calls`, `datagram_calls`, `unix_calls`), carries packets
//! ([`delivery`]) over links that may be cut or clogged ([`faults`]), and tells which processes have something to read
//! or room to write ([`readiness`]). It moves only when it is told to ([`Network::advance`]), and knows no loop: what
//! belongs to one goes by its process.
//!
//! Before each call, what is due is done: a packet over a link without latency has arrived when the next call is made,
//! as on Linux's loopback.

mod calls;
mod datagram_calls;
mod delivery;
mod faults;
mod footprints;
mod hosts;
mod links;
mod readiness;
mod tcp_calls;
mod unix_calls;

pub(crate) use calls::{Caller, Direction, reaches};
pub use faults::Side;
pub(crate) use footprints::Use;
pub use hosts::StackSettings;
pub(crate) use readiness::mask;

use crate::dns::Names;
use crate::link::Preset;
use crate::packet::Packet;
use crate::queue::Queue;
use crate::stack::Stack;
use crate::table::{Socket, SocketId, Sockets};
use crate::tcp::Segment;
use counterpoint_runtime::Instant;
use counterpoint_runtime::choices::{Drawn, Draws, Ratio};
use counterpoint_runtime::trace::Sink;
use links::Links;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// All of a network. One a run; who holds it moves its time.
pub struct Network {
    pub(crate) now: Instant,
    /// The moment of what is being done: of an event its own, of a call its caller's.
    clock: Instant,
    pub(crate) sockets: Sockets,
    pub(crate) stacks: Vec<Stack>,
    pub(crate) names: Names,
    pub(crate) draws: Draws,
    links: Links,
    addresses: BTreeMap<IpAddr, u32>,
    processes: Vec<Process>,
    /// Processes that may have something to hear of.
    stirred: Vec<u32>,
    events: Queue<Event>,
    /// How many of the events are timers of keep-alive alone.
    idle_events: usize,
    /// How long a packet takes within a host.
    loopback: Duration,
    /// Segments that a connection wants sent; kept for its room.
    out: Vec<Segment>,
    /// What is to be dropped once nobody works on the network: closures of programs.
    trash: Vec<Socket>,
    fingerprint: u64,
    packets: u64,
    trace: Option<Sink>,
    descriptors: u64,
}

/// A process, as the network knows it.
struct Process {
    stack: u32,
    alive: bool,
    /// How many sockets it holds.
    open: usize,
    /// Sockets whose readiness may have changed.
    listed: Vec<u32>,
    stirred: bool,
}

/// Something that happens below the loops.
enum Event {
    /// A segment between two sockets that know each other: the usual case.
    Segment {
        from: SocketId,
        to: SocketId,
        link: Option<u32>,
        segment: Segment,
    },
    Arrive(Box<Arrival>),
    Timer {
        socket: SocketId,
        idle: bool,
    },
}

/// Any packet, and its way.
struct Arrival {
    from: u32,
    to: u32,
    link: Option<u32>,
    packet: Packet,
}

impl Network {
    /// A network without hosts, whose draws follow from a seed.
    pub fn new(seed: u64) -> Network {
        Network {
            now: Instant::ZERO,
            clock: Instant::ZERO,
            sockets: Sockets::default(),
            stacks: Vec::new(),
            names: Names::default(),
            draws: Draws::new(seed),
            links: Links::new(Preset::Calm),
            addresses: BTreeMap::new(),
            processes: Vec::new(),
            stirred: Vec::new(),
            events: Queue::default(),
            idle_events: 0,
            loopback: Duration::ZERO,
            out: Vec::new(),
            trash: Vec::new(),
            fingerprint: 0,
            packets: 0,
            trace: None,
            descriptors: 2, // 0, 1 and 2 are a process's standard streams
        }
    }

    /// Sets how long a packet takes within a host; none is lost there. Default: no time, as on Linux.
    pub fn set_loopback(&mut self, latency: Duration) {
        self.loopback = latency;
    }

    /// Lets packets, drops and cuts be events of a trace.
    pub fn set_trace(&mut self, sink: Option<Sink>) {
        self.trace = sink;
    }

    /// Draws nothing from now on: what is listed comes out, and everything else is ordinary.
    pub fn fix_draws(&mut self, drawn: impl IntoIterator<Item = Drawn>) {
        self.draws = Draws::fixed(drawn);
    }

    /// Keeps the draws that do not come out ordinary.
    pub fn keep_draws(&mut self, on: bool) {
        self.draws.keep(on);
    }

    /// The draws that were kept so far.
    pub fn take_draws(&mut self) -> Vec<Drawn> {
        self.draws.take_kept()
    }

    /// A hash over all packets that arrived so far, and when.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// How many packets arrived so far.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Sets what goes wrong with look-ups: how many fail, how many are late and by how much, and for how long a name that
    /// was moved is still answered with its old addresses.
    pub fn set_resolver(&mut self, failure: Ratio, slow: (Ratio, Duration), stale: Duration) {
        (self.names.failure, self.names.slow, self.names.stale) = (failure, slow, stale);
    }

    /// Gives a name its addresses from now on; none takes it away. Answers about it come so late.
    pub fn set_name(&mut self, name: &str, addresses: Vec<IpAddr>, delay: Duration) {
        self.names.set(name, addresses, delay, self.now);
    }

    /// How late it is.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// When the next event is due.
    #[inline]
    pub fn next_at(&self) -> Option<Instant> {
        self.events.next_at()
    }

    /// Would nothing ever happen but idle connections being asked whether they live?
    pub fn is_idle(&self) -> bool {
        self.idle_events > 0 && self.events.len() == self.idle_events && !self.links.is_any_cut()
    }

    /// Lets time pass, and does what is due by then.
    #[inline]
    pub fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
        self.settle();
    }

    /// Lets it be as late again as it was for a loop that nothing woke: what has happened stays, but the loop cannot know
    /// how long the network went on.
    pub(crate) fn turn_back(&mut self, now: Instant) {
        (self.now, self.clock) = (now, now);
    }

    /// Does what is due.
    #[inline]
    pub(crate) fn settle(&mut self) {
        let limit = self.now;
        while let Some((at, event)) = self.events.pop_due(limit) {
            self.clock = at;
            self.happen(event);
        }
        self.clock = limit;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Segment { from, to, link, segment } => self.segment_is_due(from, to, link, segment),
            Event::Arrive(arrival) => {
                let Arrival { from, to, link, packet } = *arrival;
                self.arrive(from, to, link, packet);
            }
            Event::Timer { socket, idle } => {
                self.idle_events -= usize::from(idle);
                self.on_timer(socket);
            }
        }
    }

    /// Is there something to be dropped?
    #[inline]
    pub(crate) fn has_trash(&self) -> bool {
        !self.trash.is_empty()
    }

    /// The end of a use: what must be dropped when nobody works on the network any more.
    pub(crate) fn take_trash(&mut self) -> Vec<Socket> {
        std::mem::take(&mut self.trash)
    }
}
