//! How packets go: out of a socket onto its link, and in again where they are due.
//!
//! Two shortcuts that nobody can see: a packet names the socket that it is for, so that the receiver looks it up only
//! when that one is gone; and an acknowledgement that changes nothing for anybody lies *aside* at its receiver until
//! something else happens there, so that it is no event.

use super::{Arrival, Event, Network};
use crate::errno::Errno;
use crate::link::{Fate, Lost, Parcel};
use crate::packet::{Body as Load, Packet, TCP_HEADERS};
use crate::stack::{Transport, hash_of};
use crate::table::{Body, Route, SocketId, Tcp};
use crate::tcp::{Connection, Flags, Segment, State, refuse};
use bytes::Bytes;
use counterpoint_runtime::Instant;
use counterpoint_runtime::choices::Draws;
use counterpoint_runtime::trace::{Event as Traced, PacketFate, PacketRecord};
use std::net::{IpAddr, SocketAddr};

const FINGERPRINT_MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

impl Tcp {
    /// Names what is drawn for a segment, so that one more or less names no other otherwise: bytes by their place and how
    /// often they were sent, what has none by what it says, and how often in a row it said that.
    #[inline]
    fn name_of_draws(&mut self, segment: &Segment) -> u64 {
        if !segment.payload.is_empty() {
            return Draws::key(&[segment.seq, u64::from(segment.attempt)]);
        }
        let said =
            Draws::key(&[segment.seq, segment.ack, segment.right, u64::from(segment.attempt) << 8 | 1]);
        let again = if self.said.0 == said { self.said.1 + 1 } else { 0 };
        self.said = (said, again);
        said ^ u64::from(again) << 1
    }
}

impl Network {
    /// The way from a stack to an address.
    pub(super) fn route(&mut self, from: u32, destination: IpAddr) -> Result<Route, Errno> {
        if self.stacks[from as usize].has(destination) {
            return Ok(Route { stack: from, link: None });
        }
        let to = *self.addresses.get(&destination).ok_or(Errno::NetworkUnreachable)?;
        Ok(Route { stack: to, link: Some(self.link_between(from, to)) })
    }

    pub(super) fn link_between(&mut self, from: u32, to: u32) -> u32 {
        let (one, other) = (self.stacks[from as usize].key, self.stacks[to as usize].key);
        self.links.index((from, one), (to, other), &mut self.draws)
    }

    // ---- out

    /// Gives the room for segments back. What lies in its place has none: it need not be looked at.
    #[inline(always)]
    fn keep_room(&mut self, out: Vec<Segment>) {
        std::mem::forget(std::mem::replace(&mut self.out, out));
    }

    /// Sends the segments of a connection, and looks after its timer.
    pub(super) fn after_tcp(&mut self, index: u32, mut out: Vec<Segment>) {
        if !out.is_empty() {
            for segment in out.drain(..) {
                self.send_segment(index, segment);
            }
        }
        self.keep_room(out);
        let socket = self.sockets.at(index);
        let interest = socket.interest.is_any();
        let Body::Tcp(tcp) = &mut socket.body else { return };
        if tcp.connection.is_gone() {
            return self.forget_connection(index);
        }
        let wanted = tcp.connection.next_timer();
        let needs_acks = !tcp.aside.is_empty() && tcp.connection.waits_for_acks();
        if let Some(at) = wanted
            && tcp.timer.is_none_or(|set| at < set)
        {
            let idle = tcp.connection.only_keep_alive();
            tcp.timer = Some(at);
            let socket = self.sockets.id(index);
            self.idle_events += usize::from(idle);
            self.events.push(at, Event::Timer { socket, idle });
        }
        if needs_acks {
            self.make_events_of_aside(index);
        }
        if interest {
            self.stir(index);
        }
    }

    /// A segment of a connection goes onto its link.
    #[inline]
    fn send_segment(&mut self, index: u32, segment: Segment) {
        let from = self.sockets.id(index);
        let Body::Tcp(tcp) = &mut self.sockets.at(index).body else { return };
        let (Some(to), None) = (tcp.peer, &self.trace) else {
            return self.send_segment_rarely(index, segment);
        };
        let link = tcp.route.link;
        let at = match link {
            None => self.clock + self.loopback,
            Some(link) => {
                let entry = self.links.at(link);
                let Some(latency) = entry.state.certain_latency() else {
                    return self.send_segment_rarely(index, segment);
                };
                tcp.last_arrival = tcp.last_arrival.max(self.clock + latency);
                if !entry.is_open() {
                    return self
                        .events
                        .push(tcp.last_arrival, Event::Segment { from, to, link: Some(link), segment });
                }
                tcp.last_arrival
            }
        };
        self.carry_segment(from, to, link, at, segment);
    }

    /// Puts a segment on its way; an acknowledgement that nobody waits for goes aside.
    #[inline]
    fn carry_segment(
        &mut self,
        from: SocketId,
        to: SocketId,
        link: Option<u32>,
        at: Instant,
        segment: Segment,
    ) {
        if segment.is_plain_ack()
            && let Some(tcp) = self.sockets.get(to).and_then(|socket| socket.tcp())
            && !tcp.connection.waits_for_acks()
        {
            return tcp.aside.push_back((at, segment));
        }
        self.events.push(at, Event::Segment { from, to, link, segment });
    }

    /// As [`send_segment`](Network::send_segment), where something is drawn, traced, or not known yet.
    fn send_segment_rarely(&mut self, index: u32, segment: Segment) {
        let own = self.sockets.id(index);
        let socket = self.sockets.at(index);
        let stack = socket.stack;
        let (Some(source), Some(destination)) = (socket.local, socket.remote) else { return };
        let Body::Tcp(tcp) = &mut socket.body else { return };
        let (route, to, key, not_before) = (tcp.route, tcp.peer, tcp.key, tcp.last_arrival);
        let said = tcp.name_of_draws(&segment);
        let packet = Packet { source, destination, to, body: Load::Segment(segment) };
        let fate = match route.link {
            None => Fate { at: self.clock + self.loopback, again: None, lost: None, reset: false },
            Some(link) => {
                let entry = self.links.at(link);
                let key = Draws::key(&[entry.key, key, said]);
                let parcel = Parcel { key, bytes: packet.bytes(), segment: true, not_before };
                entry.state.send(self.clock, parcel, &mut self.draws)
            }
        };
        if let Some(tcp) = self.sockets.at(index).tcp() {
            tcp.last_arrival = fate.at;
        }
        self.trace_sent(stack, route.stack, &packet, &fate);
        if fate.reset {
            return self.reset_on_the_way(stack, route, fate.at, &packet);
        }
        if fate.lost.is_some() {
            return self.lose(packet);
        }
        let open = route.link.is_none_or(|link| self.links.at(link).is_open());
        match (to, packet.body) {
            (Some(to), Load::Segment(segment)) if open => {
                self.carry_segment(own, to, route.link, fate.at, segment);
            }
            (_, body) => {
                let packet = Packet { source, destination, to, body };
                self.push_arrival(fate.at, stack, route.stack, route.link, packet);
            }
        }
    }

    fn push_arrival(&mut self, at: Instant, from: u32, to: u32, link: Option<u32>, packet: Packet) {
        self.events.push(at, Event::Arrive(Box::new(Arrival { from, to, link, packet })));
    }

    /// The network lost a packet: who is never to hear of it may have to ask.
    pub(super) fn lose(&mut self, packet: Packet) {
        if packet.is_bare()
            && let Some(id) = packet.to
        {
            self.with_tcp(id, |connection, now, _| connection.on_loss(now));
        }
    }

    /// Something between the two resets the connection: each end gets a RST that it must believe.
    fn reset_on_the_way(&mut self, from: u32, route: Route, at: Instant, packet: &Packet) {
        let Load::Segment(segment) = &packet.body else { return };
        let rst =
            |seq| Segment { seq, ack: 0, right: 0, flags: Flags::RST, payload: Bytes::new(), attempt: 0 };
        let there = Packet { body: Load::Segment(rst(segment.seq)), ..packet.clone() };
        self.push_arrival(at, from, route.stack, route.link, there);
        let back = Packet {
            source: packet.destination,
            destination: packet.source,
            to: None,
            body: Load::Segment(rst(segment.ack)),
        };
        self.push_arrival(at, route.stack, from, None, back);
    }

    /// Sends a packet that belongs to no connection: a datagram, a refusal, word of the unreachable.
    pub(super) fn send_packet(&mut self, from: u32, route: Route, key: u64, packet: Packet) {
        let Some(link) = route.link else {
            let at = self.clock + self.loopback;
            self.trace_sent(from, route.stack, &packet, &Fate { at, again: None, lost: None, reset: false });
            return self.push_arrival(at, from, route.stack, None, packet);
        };
        let entry = self.links.at(link);
        let segment = packet.is_segment();
        let key = Draws::key(&[entry.key, key]);
        let parcel = Parcel { key, bytes: packet.bytes(), segment, not_before: Instant::ZERO };
        let fate = entry.state.send(self.clock, parcel, &mut self.draws);
        self.trace_sent(from, route.stack, &packet, &fate);
        if let Some(again) = fate.again {
            let packet = packet.clone();
            self.push_arrival(again, from, route.stack, Some(link), packet);
        }
        if fate.lost.is_none() {
            self.push_arrival(fate.at, from, route.stack, Some(link), packet);
        }
    }

    /// Acknowledgements that were set aside are waited for now.
    pub(super) fn make_events_of_aside(&mut self, index: u32) {
        let to = self.sockets.id(index);
        let stack = self.sockets.at(index).stack;
        let Some(tcp) = self.sockets.at(index).tcp() else { return };
        let (Some(from), sender) = (tcp.peer, tcp.route.stack) else { return };
        let aside = std::mem::take(&mut tcp.aside);
        let link = if sender == stack { None } else { Some(self.link_between(sender, stack)) };
        for (at, segment) in aside {
            self.events.push(at, Event::Segment { from, to, link, segment });
        }
    }

    // ---- in

    /// A segment between two sockets that know each other is due.
    #[inline]
    pub(super) fn segment_is_due(
        &mut self,
        from: SocketId,
        to: SocketId,
        link: Option<u32>,
        segment: Segment,
    ) {
        let usual = self.trace.is_none()
            && !segment.flags.contains(Flags::SYN)
            && link.is_none_or(|link| self.links.at(link).is_open())
            && self.sockets.get(to).is_some_and(|socket| {
                let stack = &self.stacks[socket.stack as usize];
                stack.power && !stack.frozen
            });
        if !usual {
            return self.segment_is_due_rarely(from, to, link, segment);
        }
        self.count_arrival(to.index, segment.payload.len() as u32 + TCP_HEADERS);
        self.segment_for(to, segment);
    }

    /// As any packet, with the addresses of whichever end is left; if none is, nobody could hear an answer.
    #[cold]
    fn segment_is_due_rarely(&mut self, from: SocketId, to: SocketId, link: Option<u32>, segment: Segment) {
        let own = self
            .sockets
            .get(to)
            .and_then(|own| Some((own.remote?, own.local?, own.stack, own.tcp()?.route.stack)));
        let ends = own.or_else(|| {
            let theirs = self.sockets.get(from)?;
            Some((theirs.local?, theirs.remote?, theirs.tcp()?.route.stack, theirs.stack))
        });
        let Some((source, destination, stack, sender)) = ends else { return };
        let packet = Packet { source, destination, to: Some(to), body: Load::Segment(segment) };
        self.arrive(sender, stack, link, packet);
    }

    #[inline]
    fn count_arrival(&mut self, to: u32, bytes: u32) {
        self.packets += 1;
        let word = self.clock.as_nanos() << 8 ^ u64::from(to) ^ u64::from(bytes) << 40;
        self.fingerprint = (self.fingerprint.rotate_left(5) ^ word).wrapping_mul(FINGERPRINT_MULTIPLIER);
    }

    /// A packet is due.
    pub(super) fn arrive(&mut self, from: u32, to: u32, link: Option<u32>, packet: Packet) {
        if let Some(link) = link {
            let entry = self.links.at(link);
            if entry.cuts > 0 {
                self.trace_fate(from, to, &packet, PacketFate::Cut);
                return self.lose(packet);
            }
            if entry.clogs > 0 {
                return entry.held.push_back(packet);
            }
        }
        let stack = &self.stacks[to as usize];
        if !stack.power || stack.frozen {
            self.trace_fate(from, to, &packet, PacketFate::HostDown);
            return self.lose(packet);
        }
        self.count_arrival(packet.to.map_or(0, |to| to.index), packet.bytes());
        if link.is_some() {
            self.trace_fate(from, to, &packet, PacketFate::Arrived);
        }
        match packet.body {
            Load::Segment(_) => self.segment_arrives(from, to, packet),
            Load::Datagram(_) => self.datagram_arrives(from, to, packet),
            Load::Unreachable(errno) => self.unreachable(to, packet.source, packet.destination, errno),
        }
    }

    fn segment_arrives(&mut self, from: u32, to: u32, packet: Packet) {
        let Packet { source, destination, to: hint, body: Load::Segment(segment) } = packet else { return };
        let known = hint.filter(|id| self.sockets.get(*id).is_some_and(|socket| socket.stack == to));
        let found = known.or_else(|| {
            let key = (destination.port(), source, destination.ip());
            let index = *self.stacks[to as usize].connections.get(&key)?;
            Some(self.sockets.id(index))
        });
        if let Some(id) = found {
            let opens = segment.flags.contains(Flags::SYN) && !segment.flags.contains(Flags::ACK);
            let over = |connection: &Connection| connection.state() == State::TimeWait;
            if opens
                && self
                    .sockets
                    .get(id)
                    .and_then(|socket| socket.tcp())
                    .is_some_and(|tcp| over(&tcp.connection))
            {
                self.forget_connection(id.index); // a newer SYN revives the four numbers
            } else {
                return self.segment_for(id, segment);
            }
        }
        if segment.flags.contains(Flags::SYN) && !segment.flags.contains(Flags::ACK) {
            let listener = self.stacks[to as usize].listener(&mut self.sockets, source, destination);
            if let Some(listener) = listener {
                return self.syn_arrives(from, to, listener, source, destination, &segment);
            }
        }
        if let Some(answer) = refuse(&segment) {
            let route = self.way_back(to, from);
            let key = Draws::key(&[hash_of(source), hash_of(destination), answer.seq, answer.ack]);
            let packet =
                Packet { source: destination, destination: source, to: None, body: Load::Segment(answer) };
            self.send_packet(to, route, key, packet);
        }
    }

    pub(super) fn way_back(&mut self, from: u32, to: u32) -> Route {
        let link = if from == to { None } else { Some(self.link_between(from, to)) };
        Route { stack: to, link }
    }

    fn segment_for(&mut self, id: SocketId, segment: Segment) {
        self.with_tcp(id, |connection, now, out| connection.on_segment(now, segment, out));
        if self.sockets.get(id).and_then(|socket| socket.tcp()).is_some_and(|tcp| tcp.listener.is_some()) {
            self.look_at_embryo(id);
        }
    }

    /// Lets a connection do something, with what lay aside for it done before.
    pub(super) fn with_tcp<R>(
        &mut self,
        id: SocketId,
        f: impl FnOnce(&mut Connection, Instant, &mut Vec<Segment>) -> R,
    ) -> Option<R> {
        let (now, mut out) = (self.clock, std::mem::take(&mut self.out));
        let Some(tcp) = self.sockets.get(id).and_then(|socket| socket.tcp()) else {
            self.keep_room(out);
            return None;
        };
        while let Some((at, _)) = tcp.aside.front()
            && *at <= now
            && let Some((at, segment)) = tcp.aside.pop_front()
        {
            tcp.connection.on_segment(at, segment, &mut out);
        }
        let result = f(&mut tcp.connection, now, &mut out);
        self.after_tcp(id.index, out);
        Some(result)
    }

    /// As [`with_tcp`](Network::with_tcp), for what changes nothing if it sends nothing.
    #[inline]
    pub(super) fn look_at_tcp<R>(
        &mut self,
        id: SocketId,
        f: impl FnOnce(&mut Connection, Instant, &mut Vec<Segment>) -> R,
    ) -> Option<R> {
        let now = self.clock;
        let tcp = self.sockets.get(id)?.tcp()?;
        if tcp.aside.front().is_some_and(|(at, _)| *at <= now) {
            return self.with_tcp(id, f);
        }
        let mut out = std::mem::take(&mut self.out);
        let result = f(&mut tcp.connection, now, &mut out);
        if out.is_empty() {
            self.out = out
        } else {
            self.after_tcp(id.index, out)
        }
        Some(result)
    }

    pub(super) fn on_timer(&mut self, id: SocketId) {
        let Some(socket) = self.sockets.get(id) else { return };
        let stack = socket.stack;
        if self.stacks[stack as usize].frozen {
            return self.stacks[stack as usize].held_timers.push(id);
        }
        if let Some(tcp) = self.sockets.get(id).and_then(|socket| socket.tcp()) {
            tcp.timer = None;
        }
        self.with_tcp(id, |connection, now, out| connection.on_timer(now, out));
        self.look_at_embryo(id);
    }

    /// A datagram of ours could not be delivered: told only to a socket that is connected to where it could not go.
    fn unreachable(&mut self, stack: u32, from: SocketAddr, own: SocketAddr, errno: Errno) {
        let bound = self.stacks[stack as usize].bound_at(Transport::Udp, own.port()).to_vec();
        for index in bound {
            let socket = self.sockets.at(index);
            if socket.remote == Some(from) {
                socket.error = Some(errno);
                self.stir(index);
            }
        }
    }

    // ---- the trace

    fn trace_sent(&mut self, from: u32, to: u32, packet: &Packet, fate: &Fate) {
        if self.trace.is_some() && !packet.is_plain_ack() {
            let what = match (fate.lost, fate.reset) {
                (Some(Lost::Loss), _) => PacketFate::Lost,
                (Some(Lost::Corrupt), _) => PacketFate::Damaged,
                (None, true) => PacketFate::Reset,
                (None, false) => PacketFate::Sent,
            };
            self.trace_fate(from, to, packet, what);
        }
    }

    pub(super) fn trace_fate(&mut self, from: u32, to: u32, packet: &Packet, fate: PacketFate) {
        let Some(sink) = &self.trace else { return };
        if packet.is_plain_ack() {
            return;
        }
        let name = |stack: u32, address: SocketAddr| {
            let name = &self.stacks[stack as usize].name;
            if name.is_empty() { address.to_string() } else { format!("{name}:{}", address.port()) }
        };
        sink.push(Traced::Packet(PacketRecord {
            time: self.clock,
            from: name(from, packet.source),
            to: name(to, packet.destination),
            what: packet.body.to_string(),
            fate,
        }));
    }
}
