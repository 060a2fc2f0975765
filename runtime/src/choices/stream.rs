//! A stream of random words: ChaCha8 under a key made of the seed, one stream number a purpose.
//!
//! Words are kept in a buffer of ours, so that a draw is a load and an increment; the refill is cold and out of line.
//! A stream costs nothing until its first draw, and a run that never chooses never seeds it. Most streams of a hunt give a
//! few words and are gone: so the first block of sixteen is made alone (see `block`), and the generator, which makes
//! four blocks at a time and is the faster for it, only when those are used up.

use super::block::{WORDS_OF_BLOCK, first_block};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream is for. Two purposes never share words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The schedule of the loop with this number in its run.
    Schedule(u32),
    /// The random numbers of the task with this lane.
    Task(u64),
    /// The drawn costs of steps.
    StepCost(u32),
    /// The random bytes that the operating system would give to the call with this number in its run.
    Outside(u32),
}

impl Purpose {
    fn number(self) -> u64 {
        match self {
            Purpose::Schedule(number) => u64::from(number),
            Purpose::StepCost(number) => 1 << 32 | u64::from(number),
            Purpose::Outside(number) => 2 << 32 | u64::from(number),
            // Lanes are hashes: the top bit keeps them apart from the small numbers above.
            Purpose::Task(lane) => lane | 1 << 63,
        }
    }
}

/// A stream of words for one purpose.
///
/// # Examples
/// ```
/// use counterpoint_runtime::choices::{Purpose, Stream};
///
/// let mut one = Stream::new(7, Purpose::Schedule(0));
/// let mut two = Stream::new(7, Purpose::Schedule(0));
/// assert_eq!(one.below(10), two.below(10));
/// assert_eq!(one.below(1), 0); // nothing to choose: no word is drawn
/// ```
pub struct Stream {
    next: usize,
    words: [u32; Stream::WORDS],
    seed: u64,
    number: u64,
    begun: bool,
    generator: Option<ChaCha8Rng>,
}

impl Stream {
    const WORDS: usize = 64;

    /// The stream of a seed for a purpose, from its beginning.
    pub fn new(seed: u64, purpose: Purpose) -> Stream {
        Stream {
            next: Stream::WORDS,
            words: [0; Stream::WORDS],
            seed,
            number: purpose.number(),
            begun: false,
            generator: None,
        }
    }

    /// Starts anew with another seed.
    pub(crate) fn restart(&mut self, seed: u64, purpose: Purpose) {
        (self.next, self.seed, self.number) = (Stream::WORDS, seed, purpose.number());
        (self.begun, self.generator) = (false, None);
    }

    /// The next word.
    #[inline(always)]
    pub fn word(&mut self) -> u32 {
        if self.next >= Stream::WORDS {
            self.refill();
        }
        let word = self.words[self.next & (Stream::WORDS - 1)];
        self.next += 1;
        word
    }

    /// A number below `n`, each with the same chance; 0 without a draw if `n` is 0 or 1.
    #[inline(always)]
    pub fn below(&mut self, n: u32) -> u32 {
        if n <= 1 {
            return 0;
        }
        let product = u64::from(self.word()) * u64::from(n);
        if (product as u32) < n {
            return self.below_rarely(product, n);
        }
        (product >> 32) as u32
    }

    // Multiply-shift with rejection: the low half of the product below `2^32 mod n` would favour some numbers.
    #[cold]
    fn below_rarely(&mut self, mut product: u64, n: u32) -> u32 {
        let threshold = n.wrapping_neg() % n;
        while (product as u32) < threshold {
            product = u64::from(self.word()) * u64::from(n);
        }
        (product >> 32) as u32
    }

    #[cold]
    #[inline(never)]
    fn refill(&mut self) {
        if !std::mem::replace(&mut self.begun, true) {
            self.next = Stream::WORDS - WORDS_OF_BLOCK;
            self.words[self.next..].copy_from_slice(&first_block(&key_of(self.seed), self.number));
            return;
        }
        let (seed, number) = (self.seed, self.number);
        let generator = self.generator.get_or_insert_with(|| {
            let mut generator = ChaCha8Rng::from_seed(key_of(seed));
            generator.set_stream(number);
            generator.set_word_pos(WORDS_OF_BLOCK as u128);
            generator
        });
        let mut bytes = [0; Stream::WORDS * 4];
        generator.fill_bytes(&mut bytes);
        for (word, bytes) in self.words.iter_mut().zip(bytes.chunks_exact(4)) {
            *word = u32::from_le_bytes(bytes.try_into().expect("a word of four bytes"));
        }
        self.next = 0;
    }
}

fn key_of(seed: u64) -> [u8; 32] {
    let mut key = *b"\0\0\0\0\0\0\0\0counterpoint, bar and beat";
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[..32].try_into().expect("a key of 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_words_of_a_seed_are_a_promise() {
        let mut stream = Stream::new(1, Purpose::Schedule(0));
        let first: Vec<u32> = (0..4).map(|_| stream.below(1000)).collect();
        assert_eq!(first, KNOWN);
    }

    const KNOWN: [u32; 4] = [659, 100, 325, 786];

    #[test]
    fn purposes_do_not_share_words() {
        let purposes = [
            Purpose::Schedule(0),
            Purpose::Schedule(1),
            Purpose::StepCost(0),
            Purpose::Outside(0),
            Purpose::Outside(1),
            Purpose::Task(0),
        ];
        let firsts: Vec<[u32; 3]> = purposes
            .iter()
            .map(|purpose| {
                let mut stream = Stream::new(7, *purpose);
                [stream.word(), stream.word(), stream.word()]
            })
            .collect();
        for (index, first) in firsts.iter().enumerate() {
            assert!(!firsts[..index].contains(first));
        }
    }

    #[test]
    fn a_stream_goes_on_past_its_buffer() {
        let mut stream = Stream::new(7, Purpose::Schedule(0));
        let words: Vec<u32> = (0..200).map(|_| stream.word()).collect();
        assert_ne!(words[..64], words[64..128]);
        let mut again = Stream::new(7, Purpose::Schedule(0));
        assert!(words.iter().all(|word| *word == again.word()));
    }

    #[test]
    fn the_words_are_the_generators_across_the_first_block() {
        let mut generator = ChaCha8Rng::from_seed(key_of(7));
        generator.set_stream(Purpose::Task(3).number());
        let mut stream = Stream::new(7, Purpose::Task(3));
        assert!((0..200).all(|_| stream.word() == generator.next_u32()));
    }

    #[test]
    fn each_number_below_comes_about_as_often() {
        let mut stream = Stream::new(3, Purpose::Schedule(0));
        let mut counts = [0u32; 3];
        for _ in 0..30_000 {
            counts[stream.below(3) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
    }

    proptest! {
        #[test]
        fn below_stays_below(seed: u64, n in 1u32..) {
            let mut stream = Stream::new(seed, Purpose::Schedule(0));
            for _ in 0..10 {
                prop_assert!(stream.below(n) < n);
            }
        }
    }
}
