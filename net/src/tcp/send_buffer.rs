//! What the program wrote, until the other end has acknowledged it.
//!
//! Bytes are copied once, into a chunk; segments are slices of it, and what is in flight are clones of those
//! slices. A chunk whose slices are all gone is filled again, so a conversation of small messages allocates
//! nothing; one of any size is given back as soon as everything is acknowledged. The numbers here are absolute,
//! and a SYN or FIN takes one, as on the wire.

use bytes::{Buf, Bytes, BytesMut};
use counterpoint_runtime::Instant;
use std::collections::VecDeque;
use std::time::Duration;

const SMALLEST_CHUNK: usize = 256;
const LARGEST_CHUNK: usize = 16 * 1024;
/// A connection that has nothing to send keeps a chunk of this size at most.
const KEPT_CHUNK: usize = 1024;

/// Where the end of this direction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fin {
    /// The program may still write.
    Open,
    /// It follows the bytes that wait.
    Queued,
    /// It was sent, maybe more than once.
    Sent,
}

/// One segment that was sent and not acknowledged yet.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) seq: u64,
    pub(super) payload: Bytes,
    /// When it was sent the first time.
    pub(super) sent: Instant,
    pub(super) attempt: u32,
    pub(super) fin: bool,
}

impl InFlight {
    fn end(&self) -> u64 {
        self.seq.saturating_add(self.payload.len() as u64).saturating_add(u64::from(self.fin))
    }
}

/// What an acknowledgement did.
#[derive(Debug, Default)]
pub(super) struct Acknowledged {
    /// Segments that are no longer in flight.
    pub(super) segments: usize,
    /// A round trip that was measured: only what was sent once can tell (Karn's rule).
    pub(super) sample: Option<Duration>,
}

#[derive(Debug)]
pub(super) struct SendBuffer {
    /// The oldest number that is not acknowledged.
    pub(super) unacknowledged: u64,
    /// The number that is sent next.
    pub(super) next: u64,
    /// Right edge of the other end's window.
    pub(super) edge: u64,
    pub(super) in_flight: VecDeque<InFlight>,
    /// Chunks that were filled before they could be sent, oldest first.
    full: VecDeque<Bytes>,
    /// What is being filled; behind `full`.
    chunk: BytesMut,
    /// Size of the chunk when it was allocated.
    chunk_size: u32,
    /// Bytes in `full` and `chunk`.
    unsent: u32,
    pub(super) fin: Fin,
}

impl SendBuffer {
    /// The SYN takes `initial` and counts as sent.
    pub(super) fn new(initial: u64) -> SendBuffer {
        SendBuffer {
            unacknowledged: initial,
            next: initial.saturating_add(1),
            edge: initial.saturating_add(1),
            in_flight: VecDeque::new(),
            full: VecDeque::new(),
            chunk: BytesMut::new(),
            chunk_size: 0,
            unsent: 0,
            fin: Fin::Open,
        }
    }

    pub(super) fn unsent(&self) -> usize {
        self.unsent as usize
    }

    /// Bytes that were sent and are not acknowledged; a FIN does not count.
    pub(super) fn sent(&self) -> usize {
        let numbers = self.next.saturating_sub(self.unacknowledged);
        let fin = u64::from(self.fin == Fin::Sent && numbers > 0);
        usize::try_from(numbers - fin).unwrap_or(usize::MAX)
    }

    /// Bytes taken from the program and not yet acknowledged.
    pub(super) fn used(&self) -> usize {
        self.unsent() + self.sent()
    }

    /// Whether a FIN or bytes wait to be sent.
    pub(super) fn has_more(&self) -> bool {
        self.unsent > 0 || self.fin == Fin::Queued
    }

    /// Whether everything is sent and acknowledged, the FIN as well.
    pub(super) fn fin_acknowledged(&self) -> bool {
        self.fin == Fin::Sent && self.unacknowledged == self.next
    }

    /// Takes bytes from the program, which will leave in segments of at most `segment` bytes: what fits one is
    /// not torn by the end of a chunk.
    pub(super) fn append(&mut self, mut data: &[u8], segment: usize) {
        self.unsent += data.len() as u32;
        if self.chunk.is_empty() && self.chunk.capacity() < data.len() {
            self.next_chunk(data.len(), segment);
        }
        while !data.is_empty() {
            let spare = self.chunk.capacity() - self.chunk.len();
            if spare == 0 {
                self.next_chunk(data.len(), segment);
                continue;
            }
            let (now, later) = data.split_at(spare.min(data.len()));
            self.chunk.extend_from_slice(now);
            data = later;
        }
    }

    /// Makes room: the old chunk again if nobody holds a slice of it, else a new one, twice as large. The largest
    /// holds whole segments.
    fn next_chunk(&mut self, wanted: usize, segment: usize) {
        if !self.chunk.is_empty() {
            self.full.push_back(self.chunk.split().freeze());
        }
        let largest = (LARGEST_CHUNK - LARGEST_CHUNK % segment.max(1)).max(LARGEST_CHUNK / 2);
        let wanted = wanted.clamp(SMALLEST_CHUNK, largest);
        if self.chunk_size as usize >= wanted && self.chunk.try_reclaim(wanted) {
            return;
        }
        let size = wanted.next_power_of_two().max(2 * self.chunk_size as usize).min(largest);
        self.chunk = BytesMut::with_capacity(size);
        self.chunk_size = size as u32;
    }

    /// The next unsent bytes, at most `limit` and maybe fewer than there are; empty if nothing waits.
    #[inline]
    pub(super) fn cut(&mut self, limit: usize) -> Bytes {
        if !self.full.is_empty() {
            return self.cut_full(limit);
        }
        let count = limit.min(self.chunk.len());
        if count == 0 {
            return Bytes::new();
        }
        self.unsent -= count as u32;
        self.chunk.split_to(count).freeze()
    }

    #[cold]
    fn cut_full(&mut self, limit: usize) -> Bytes {
        let piece = match self.full.front_mut() {
            Some(front) if front.len() > limit => front.split_to(limit),
            _ => self.full.pop_front().unwrap_or_default(),
        };
        self.unsent -= piece.len() as u32;
        piece
    }

    /// Forgets what is acknowledged: everything before `ack`, which lies in what was sent.
    pub(super) fn acknowledge(&mut self, now: Instant, ack: u64) -> Acknowledged {
        let mut acknowledged = Acknowledged::default();
        while let Some(front) = self.in_flight.front_mut() {
            if front.end() > ack {
                let old = ack.saturating_sub(front.seq) as usize;
                let old = old.min(front.payload.len());
                front.payload.advance(old);
                front.seq += old as u64;
                break;
            }
            if front.attempt == 0 {
                acknowledged.sample = Some(now.duration_since(front.sent));
            }
            acknowledged.segments += 1;
            self.in_flight.pop_front();
        }
        self.unacknowledged = ack;
        if ack == self.next && self.unsent == 0 && self.chunk_size as usize > KEPT_CHUNK {
            self.release();
        }
        acknowledged
    }

    /// Gives the memory back.
    fn release(&mut self) {
        self.chunk = BytesMut::new();
        self.chunk_size = 0;
        self.in_flight = VecDeque::new();
        self.full = VecDeque::new();
    }

    /// Throws everything away: the connection is no more.
    pub(super) fn clear(&mut self) {
        self.release();
        self.unsent = 0;
        self.unacknowledged = self.next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acknowledgement_within_a_segment_leaves_its_rest_in_flight() {
        let mut buffer = SendBuffer::new(99);
        buffer.append(b"abcdef", 100);
        let payload = buffer.cut(6);
        let flight = InFlight { seq: 100, payload, sent: Instant::ZERO, attempt: 0, fin: false };
        buffer.in_flight.push_back(flight);
        buffer.next = 106;
        assert_eq!(buffer.acknowledge(Instant::ZERO, 102).segments, 0);
        let front = &buffer.in_flight[0];
        assert_eq!((front.seq, &front.payload[..], buffer.used()), (102, b"cdef".as_slice(), 4));
        assert_eq!(buffer.acknowledge(Instant::ZERO, 106).segments, 1);
    }

    #[test]
    fn a_conversation_of_small_messages_reuses_its_chunk_and_a_big_one_is_given_back() {
        let mut buffer = SendBuffer::new(0);
        let mut chunks = std::collections::BTreeSet::new();
        for _ in 0..1000 {
            buffer.append(&[7; 60], 1448);
            let piece = buffer.cut(100);
            assert_eq!(piece.len(), 60);
            chunks.insert(piece.as_ptr() as usize);
        }
        assert!(chunks.len() <= 8, "{chunks:?}");
        buffer.append(&[7; 100_000], 1448);
        while buffer.unsent() > 100_000 % 1448 {
            assert_eq!(buffer.cut(1448).len(), 1448);
        }
        assert_eq!(buffer.cut(1448).len(), 100_000 % 1448);
        assert_eq!(buffer.chunk_size, 11 * 1448);
        buffer.acknowledge(Instant::ZERO, buffer.next);
        assert_eq!((buffer.chunk_size, buffer.chunk.capacity()), (0, 0));
    }
}
