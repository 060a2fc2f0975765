//! The first block of a ChaCha8 stream, alone: what `rand_chacha` makes as the first of four.
//!
//! D. J. Bernstein's ChaCha with eight rounds, a counter of 64 bits (0 here) and a stream number of 64. The sixteen words
//! stand in four rows, so that a step is the same for the four words of a row, and a compiler makes one instruction of it.

/// How many words a block has.
pub(super) const WORDS_OF_BLOCK: usize = 16;

const DOUBLE_ROUNDS: usize = 4;

type Row = [u32; 4];

/// Block 0 of the stream with this number under a key.
pub(super) fn first_block(key: &[u8; 32], stream: u64) -> [u32; WORDS_OF_BLOCK] {
    let constants = row(b"expand 32-byte k");
    let (low, high) = (row(&key[..16]), row(&key[16..]));
    let position = [0, 0, stream as u32, (stream >> 32) as u32];
    let (mut a, mut b, mut c, mut d) = (constants, low, high, position);
    for _ in 0..DOUBLE_ROUNDS {
        (a, b, c, d) = round(a, b, c, d);
        // The diagonals become columns, and back.
        (a, b, c, d) = round(a, turned::<1>(b), turned::<2>(c), turned::<3>(d));
        (b, c, d) = (turned::<3>(b), turned::<2>(c), turned::<1>(d));
    }
    let rows = [sum(a, constants), sum(b, low), sum(c, high), sum(d, position)];
    let mut words = [0; WORDS_OF_BLOCK];
    for (into, row) in words.chunks_exact_mut(4).zip(rows) {
        into.copy_from_slice(&row);
    }
    words
}

fn row(bytes: &[u8]) -> Row {
    std::array::from_fn(|word| {
        u32::from_le_bytes(bytes[4 * word..4 * word + 4].try_into().expect("a word of four bytes"))
    })
}

/// A quarter round of each column.
#[inline(always)]
fn round(mut a: Row, mut b: Row, mut c: Row, mut d: Row) -> (Row, Row, Row, Row) {
    a = sum(a, b);
    d = mixed::<16>(d, a);
    c = sum(c, d);
    b = mixed::<12>(b, c);
    a = sum(a, b);
    d = mixed::<8>(d, a);
    c = sum(c, d);
    b = mixed::<7>(b, c);
    (a, b, c, d)
}

#[inline(always)]
fn sum(one: Row, other: Row) -> Row {
    std::array::from_fn(|word| one[word].wrapping_add(other[word]))
}

#[inline(always)]
fn mixed<const BITS: u32>(one: Row, other: Row) -> Row {
    std::array::from_fn(|word| (one[word] ^ other[word]).rotate_left(BITS))
}

/// The words of a row, so many places to the left.
#[inline(always)]
fn turned<const PLACES: usize>(row: Row) -> Row {
    std::array::from_fn(|word| row[(word + PLACES) % 4])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    proptest! {
        #[test]
        fn a_block_alone_is_the_generators_first(key: [u8; 32], stream: u64) {
            let mut generator = ChaCha8Rng::from_seed(key);
            generator.set_stream(stream);
            let words: [u32; WORDS_OF_BLOCK] = std::array::from_fn(|_| generator.next_u32());
            prop_assert_eq!(first_block(&key, stream), words);
        }
    }
}
