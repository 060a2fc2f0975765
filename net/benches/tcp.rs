//! What two ends cost without a network: segments go straight from one to the other.
//!
//! `echo` is one round trip of 64 bytes: two writes, two reads, two segments and their acknowledgements. `bulk` moves
//! 1 MiB through a window of 64 KiB in segments of 1448 bytes.

use counterpoint_net::tcp::{Connection, Segment, Settings, State};
use counterpoint_runtime::Instant;
use divan::counter::{BytesCount, ItemsCount};
use std::rc::Rc;

fn main() {
    divan::main();
}

/// Two established ends and what is on the way to each.
struct Pair {
    ends: [Connection; 2],
    out: Vec<Segment>,
    answer: Vec<Segment>,
    now: Instant,
    segments: usize,
}

impl Pair {
    fn new() -> Pair {
        let settings = Rc::new(Settings::default());
        let (now, mut out, mut answer) = (Instant::ZERO, Vec::new(), Vec::new());
        let client = Connection::connect(settings.clone(), 1, now, &mut out);
        let server = Connection::accept(settings, 2, &out.remove(0), now, &mut answer);
        let ends = [client, server];
        let mut pair = Pair { ends, out: answer, answer: Vec::new(), now, segments: 0 };
        pair.carry(0);
        assert!(pair.ends.iter().all(|end| end.state() == State::Established));
        pair
    }

    /// Brings what waits to an end, and what that sends to the other, until nobody says anything.
    fn carry(&mut self, mut to: usize) {
        while !self.out.is_empty() {
            self.segments += self.out.len();
            for segment in self.out.drain(..) {
                self.ends[to].on_segment(self.now, segment, &mut self.answer);
            }
            std::mem::swap(&mut self.out, &mut self.answer);
            to = 1 - to;
        }
    }

    fn say(&mut self, by: usize, data: &[u8], buffer: &mut [u8]) {
        let written = self.ends[by].write(self.now, data, &mut self.out);
        self.carry(1 - by);
        let read = self.ends[1 - by].read(self.now, buffer, &mut self.out);
        assert_eq!((written, read), (Ok(data.len()), Ok(data.len())));
        self.carry(by);
    }
}

const ROUND_TRIPS: usize = 1000;

#[divan::bench]
fn echo(bencher: divan::Bencher) {
    let mut pair = Pair::new();
    let mut buffer = [0; 64];
    bencher.counter(ItemsCount::new(ROUND_TRIPS)).bench_local(|| {
        for _ in 0..ROUND_TRIPS {
            pair.say(0, &[7; 64], &mut buffer);
            pair.say(1, &[8; 64], &mut buffer);
        }
    });
}

#[divan::bench]
fn bulk(bencher: divan::Bencher) {
    const SIZE: usize = 1 << 20;
    let mut pair = Pair::new();
    let (data, mut buffer) = (vec![7; SIZE], vec![0; 64 * 1024]);
    bencher.counter(BytesCount::new(SIZE)).bench_local(|| {
        let (mut written, mut read) = (0, 0);
        while read < SIZE {
            written += pair.ends[0].write(pair.now, &data[written..], &mut pair.out).unwrap_or(0);
            pair.carry(1);
            read += pair.ends[1].read(pair.now, &mut buffer, &mut pair.out).unwrap_or(0);
            pair.carry(0);
        }
        pair.segments
    });
}

#[divan::bench]
fn handshake(bencher: divan::Bencher) {
    bencher.bench_local(Pair::new);
}
