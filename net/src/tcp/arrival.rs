//! A segment arrives: is it of this connection's present, what does it acknowledge, what does it bring.
//!
//! Whatever brings bytes or a FIN is acknowledged at once, also when it brings nothing new: its sender missed the
//! first acknowledgement. What brings nothing is never acknowledged, but for probes, so two ends cannot answer
//! each other for ever.

use super::receive_buffer::Arrival;
use super::segment::{Flags, Segment, refuse};
use super::{Connection, State};
use crate::errno::Errno;
use counterpoint_runtime::Instant;

impl Connection {
    /// Takes a segment from the other end.
    pub fn on_segment(&mut self, now: Instant, segment: Segment, out: &mut Vec<Segment>) {
        let goes_on = match self.state {
            State::SynSent => {
                self.on_segment_in_syn_sent(now, &segment, out);
                false
            }
            State::SynReceived => self.on_segment_in_syn_received(now, &segment, out),
            State::Closed => {
                out.extend(refuse(&segment));
                false
            }
            _ => true,
        };
        if goes_on {
            self.on_synchronised_segment(now, segment, out);
        }
    }

    fn on_synchronised_segment(&mut self, now: Instant, segment: Segment, out: &mut Vec<Segment>) {
        if segment.flags.contains(Flags::RST) {
            return self.on_their_reset(segment.seq, out);
        }
        // A SYN of this connection's past, or numbers nobody sent: "I am here" (RFC 5961, RFC 9293 3.10.7.4).
        let foreign = segment.flags.contains(Flags::SYN)
            || (segment.flags.contains(Flags::ACK) && segment.ack > self.send.next);
        if foreign {
            return out.push(self.bare(Flags::ACK));
        }
        if !segment.flags.contains(Flags::ACK) {
            return;
        }
        self.on_acknowledgement(now, &segment, out);
        if !segment.payload.is_empty() || segment.flags.intersects(Flags::FIN | Flags::PROBE) {
            self.on_content(now, segment, out);
        }
    }

    /// A RST counts if it bears exactly the next number; one from the window is asked about (RFC 5961).
    fn on_their_reset(&mut self, seq: u64, out: &mut Vec<Segment>) {
        if seq == self.receive.next {
            match self.state {
                State::TimeWait => self.end(),
                State::CloseWait => self.fail(Errno::BrokenPipe),
                _ => self.fail(Errno::ConnectionReset),
            }
        } else if seq > self.receive.next && seq <= self.receive.told.saturating_add(1) {
            out.push(self.bare(Flags::ACK));
        }
    }

    fn on_acknowledgement(&mut self, now: Instant, segment: &Segment, out: &mut Vec<Segment>) {
        if let Some(silence) = &mut self.silence {
            silence.broken(now);
        }
        self.send.edge = self.send.edge.max(segment.right);
        if segment.ack > self.send.unacknowledged {
            self.on_progress(now, segment.ack, out);
        } else if segment.flags.contains(Flags::HOLE) && segment.ack == self.send.unacknowledged {
            self.on_hole_told(now, out);
        }
        if segment.flags.contains(Flags::ANSWER) {
            self.on_answer(segment.attempt);
        }
        if self.send.has_more() {
            self.transmit(now, out);
            self.settle_probes(now);
        }
    }

    /// Something was acknowledged for the first time.
    fn on_progress(&mut self, now: Instant, ack: u64, out: &mut Vec<Segment>) {
        let acknowledged = self.send.acknowledge(now, ack);
        if let Some(trip) = acknowledged.sample {
            self.round_trips.sample(trip);
        }
        self.backoff = 0;
        self.holes_told = 0;
        self.soft_error = None;
        if self.send.in_flight.is_empty() {
            self.timer = Instant::MAX;
        } else {
            if ack < self.recover {
                self.mend(acknowledged.segments, out);
            }
            self.start_retransmission_timer(now);
        }
        if self.send.fin_acknowledged() {
            self.on_fin_acknowledged(now);
        }
    }

    /// Bytes, a FIN or a probe: each is answered.
    fn on_content(&mut self, now: Instant, segment: Segment, out: &mut Vec<Segment>) {
        let end = segment.seq.saturating_add(segment.payload.len() as u64);
        let nobody_reads = self.receive_shut && matches!(self.state, State::FinWait1 | State::FinWait2);
        if self.state == State::Closed {
            return;
        }
        if nobody_reads && !segment.payload.is_empty() && end > self.receive.next {
            out.push(self.bare(Flags::RST | Flags::ACK));
            return self.fail(Errno::ConnectionReset);
        }
        let fin = segment.flags.contains(Flags::FIN);
        let had_fin = self.receive.fin_received();
        let arrival = match segment.payload.is_empty() && !fin {
            true => Arrival::Old,
            false => self.receive.arrive(segment.seq, segment.payload, fin),
        };
        if self.receive.fin_received() && !had_fin {
            self.on_their_fin(now);
        } else if self.state == State::TimeWait && fin {
            self.start_time_wait(now);
        }
        self.receive.tell(self.settings.receive_buffer);
        let (flags, attempt) = if arrival == Arrival::AheadOfTurn && self.receive.has_hole() {
            (Flags::ACK | Flags::HOLE, 0)
        } else if segment.flags.contains(Flags::PROBE) {
            (Flags::ACK | Flags::ANSWER, segment.attempt)
        } else {
            (Flags::ACK, 0)
        };
        out.push(Segment { attempt, ..self.bare(flags) });
    }
}
