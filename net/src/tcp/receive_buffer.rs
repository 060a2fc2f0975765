//! What has arrived and was not read yet, in order and out of order.
//!
//! Payloads are kept as they came, without a copy, and are copied once, to the program. What arrives ahead of its
//! turn waits in a map by its number; nothing beyond the window that was told is kept, so the map is bounded.
//! What is received in order belongs to the program whatever happens to the connection (linux-facts 2.4.9,
//! 2.4.10).

use bytes::{Buf, Bytes};
use std::collections::{BTreeMap, VecDeque};

/// What became of some bytes that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// The next number moved on.
    InOrder,
    /// Kept, or thrown away beyond the window; something in front is missing.
    AheadOfTurn,
    /// Nothing new.
    Old,
}

/// No FIN has been seen.
const NOWHERE: u64 = u64::MAX;

#[derive(Debug)]
pub(super) struct ReceiveBuffer {
    /// The next number that is expected.
    pub(super) next: u64,
    /// The number of the byte that the program reads next.
    read: u64,
    /// The right edge as it was last told to the other end.
    pub(super) told: u64,
    /// Number of the FIN, once a segment has shown it.
    fin: u64,
    ready: VecDeque<Bytes>,
    ahead: BTreeMap<u64, Bytes>,
}

impl ReceiveBuffer {
    /// Nothing is known of the other end's numbers yet.
    pub(super) fn new() -> ReceiveBuffer {
        ReceiveBuffer {
            next: 0,
            read: 0,
            told: 0,
            fin: NOWHERE,
            ready: VecDeque::new(),
            ahead: BTreeMap::new(),
        }
    }

    /// The other end's SYN came: its bytes begin behind `initial`, and `window` of them may come.
    pub(super) fn begin(&mut self, initial: u64, window: u32) {
        self.next = initial.saturating_add(1);
        self.read = self.next;
        self.told = self.next.saturating_add(u64::from(window));
    }

    /// Whether the other end's FIN came in order.
    pub(super) fn fin_received(&self) -> bool {
        self.next > self.fin
    }

    /// Bytes that can be read now.
    pub(super) fn available(&self) -> usize {
        (self.next - self.read - u64::from(self.fin_received())) as usize
    }

    /// Moves the right edge to where the program's reading allows; the edge.
    pub(super) fn tell(&mut self, window: u32) -> u64 {
        self.told = self.told.max(self.read.saturating_add(u64::from(window)));
        self.told
    }

    /// Whether the edge has moved by half the window since it was told.
    pub(super) fn owes_update(&self, window: u32) -> bool {
        let edge = self.read.saturating_add(u64::from(window));
        2 * edge.saturating_sub(self.told) >= u64::from(window) && !self.fin_received()
    }

    /// Takes what a segment brought.
    pub(super) fn arrive(&mut self, seq: u64, mut payload: Bytes, fin: bool) -> Arrival {
        let end = seq.saturating_add(payload.len() as u64);
        if self.fin_received() || (end < self.next || (end == self.next && !fin)) {
            return Arrival::Old;
        }
        if seq >= self.told.max(self.next.saturating_add(1)) {
            return Arrival::AheadOfTurn;
        }
        if end > self.told {
            payload.truncate(self.told.saturating_sub(seq) as usize);
        } else if fin && end < self.told && self.fin == NOWHERE {
            self.fin = end;
        }
        let before = self.next;
        if seq > self.next {
            self.keep(seq, payload);
            return Arrival::AheadOfTurn;
        }
        self.deliver(seq, payload);
        while let Some(entry) = self.ahead.first_entry()
            && *entry.key() <= self.next
        {
            let (seq, payload) = entry.remove_entry();
            self.deliver(seq, payload);
        }
        if self.next == self.fin && self.fin != NOWHERE {
            self.next += 1;
            self.ahead.clear();
        }
        if self.next > before { Arrival::InOrder } else { Arrival::AheadOfTurn }
    }

    /// Whether something waits that came ahead of its turn.
    pub(super) fn has_hole(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// Keeps bytes that came ahead of their turn; of two that begin alike the longer.
    fn keep(&mut self, seq: u64, payload: Bytes) {
        if payload.is_empty() {
            return;
        }
        let kept = self.ahead.entry(seq).or_default();
        if kept.len() < payload.len() {
            *kept = payload;
        }
    }

    /// Appends what is new of bytes whose turn has come; nothing behind a FIN.
    fn deliver(&mut self, seq: u64, mut payload: Bytes) {
        let old = self.next - seq;
        if old >= payload.len() as u64 {
            return;
        }
        if old > 0 {
            payload.advance(old as usize);
        }
        payload.truncate(self.fin.saturating_sub(self.next) as usize);
        if !payload.is_empty() {
            self.next += payload.len() as u64;
            self.ready.push_back(payload);
        }
    }

    /// Copies what is there to the program and forgets it; how much.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> usize {
        let mut filled = 0;
        while let Some(front) = self.ready.front_mut() {
            let room = buffer.len() - filled;
            if front.len() > room {
                buffer[filled..].copy_from_slice(&front[..room]);
                front.advance(room);
                filled += room;
                break;
            }
            buffer[filled..filled + front.len()].copy_from_slice(front);
            filled += front.len();
            self.ready.pop_front();
        }
        self.read += filled as u64;
        filled
    }

    /// Copies what is there to the program and keeps it; how much.
    pub(super) fn peek(&self, buffer: &mut [u8]) -> usize {
        let mut filled = 0;
        for piece in &self.ready {
            let count = piece.len().min(buffer.len() - filled);
            buffer[filled..filled + count].copy_from_slice(&piece[..count]);
            filled += count;
        }
        filled
    }

    /// What came ahead of its turn will never have one: the connection is no more.
    pub(super) fn forget_ahead(&mut self) {
        self.ahead.clear();
    }

    /// Nobody will read any more.
    pub(super) fn clear(&mut self) {
        self.ready = VecDeque::new();
        self.ahead.clear();
        self.read = self.next - u64::from(self.fin_received());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STREAM: &[u8] = b"abcdefghijklmnopqrstuvwxyz";

    /// A buffer that expects number 100 and has told a window of `window`.
    fn buffer(window: u32) -> ReceiveBuffer {
        let mut buffer = ReceiveBuffer::new();
        buffer.begin(99, window);
        buffer
    }

    fn contents(buffer: &mut ReceiveBuffer) -> Vec<u8> {
        let mut bytes = vec![0; 100];
        let count = buffer.read(&mut bytes);
        bytes.truncate(count);
        bytes
    }

    #[test]
    fn nothing_beyond_the_window_that_was_told_is_kept() {
        let mut buffer = buffer(4);
        assert_eq!(buffer.arrive(100, Bytes::from_static(b"abcdef"), true), Arrival::InOrder);
        assert_eq!((buffer.available(), buffer.fin_received()), (4, false));
        assert_eq!(buffer.arrive(104, Bytes::new(), true), Arrival::AheadOfTurn, "a FIN takes room as well");
        assert!(!buffer.fin_received());
        assert_eq!(contents(&mut buffer), b"abcd");
        buffer.tell(4);
        assert_eq!(buffer.arrive(104, Bytes::new(), true), Arrival::InOrder);
        assert!(buffer.fin_received());
    }

    #[test]
    fn of_two_pieces_that_begin_alike_the_longer_is_kept() {
        let mut buffer = buffer(20);
        for piece in [b"bc".as_slice(), b"bcde", b"b"] {
            assert_eq!(buffer.arrive(101, Bytes::copy_from_slice(piece), false), Arrival::AheadOfTurn);
        }
        buffer.arrive(100, Bytes::from_static(b"a"), false);
        assert_eq!(contents(&mut buffer), b"abcde");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn any_cover_of_the_stream_gives_the_stream(
            pieces in proptest::collection::vec((0usize..26, 1usize..9), 0..40),
            window in 1u32..40,
        ) {
            let (mut buffer, mut got) = (buffer(window), Vec::new());
            let rest = (0..26).map(|from| (from, 3));
            for (from, length) in pieces.into_iter().chain(rest) {
                let to = (from + length).min(26);
                let piece = Bytes::from_static(&STREAM[from..to]);
                buffer.arrive(100 + from as u64, piece, to == 26);
                if from % 3 == 0 || from > 20 {
                    got.extend(contents(&mut buffer));
                    buffer.tell(window);
                }
                prop_assert!(buffer.available() <= window as usize);
            }
            while got.len() < 26 {
                let from = got.len();
                buffer.arrive(100 + from as u64, Bytes::from_static(&STREAM[from..]), true);
                got.extend(contents(&mut buffer));
                buffer.tell(window);
            }
            buffer.arrive(126, Bytes::new(), true);
            prop_assert_eq!(got, STREAM);
            prop_assert!(buffer.fin_received() && !buffer.has_hole());
        }
    }
}
