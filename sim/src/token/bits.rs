//! Bits as letters: six bits a letter, in the alphabet of base64 for URLs, and a checksum over letters.
//!
//! There are no bytes in between, so that nothing is padded but the last letter.

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// How many bits a digit of a number has; one more says that others follow.
const DIGIT_BITS: u32 = 3;

/// Bits, as they are written.
#[derive(Default)]
pub(super) struct Writer(Vec<bool>);

impl Writer {
    /// The low bits of a word, the lowest first.
    pub(super) fn bits(&mut self, word: u64, count: u32) {
        self.0.extend((0..count).map(|bit| word >> bit & 1 == 1));
    }

    /// A number, small ones in few bits.
    pub(super) fn number(&mut self, mut number: u64) {
        loop {
            let more = number >> DIGIT_BITS != 0;
            self.bits(number, DIGIT_BITS);
            self.bits(u64::from(more), 1);
            if !more {
                return;
            }
            number >>= DIGIT_BITS;
        }
    }

    /// All that was written, as letters.
    pub(super) fn letters(&self) -> String {
        let value = |bits: &[bool]| bits.iter().rev().fold(0, |value, bit| value << 1 | usize::from(*bit));
        self.0.chunks(6).map(|bits| char::from(LETTERS[value(bits)])).collect()
    }
}

/// Bits, as they are read. Each reads none where the bits have ended.
pub(super) struct Reader {
    bits: Vec<bool>,
    next: usize,
}

impl Reader {
    /// The bits of letters; none if one is not of the alphabet.
    pub(super) fn new(letters: &str) -> Option<Reader> {
        let mut bits = Vec::with_capacity(letters.len() * 6);
        for letter in letters.bytes() {
            let value = value_of(letter)?;
            bits.extend((0..6).map(|bit| value >> bit & 1 == 1));
        }
        Some(Reader { bits, next: 0 })
    }

    /// A word of so many bits.
    pub(super) fn bits(&mut self, count: u32) -> Option<u64> {
        let end = self.next + count as usize;
        let bits = self.bits.get(self.next..end)?;
        self.next = end;
        Some(bits.iter().rev().fold(0, |word, bit| word << 1 | u64::from(*bit)))
    }

    /// A number.
    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(DIGIT_BITS as usize) {
            let digit = self.bits(DIGIT_BITS)?;
            number |= digit.checked_shl(shift).filter(|shifted| shifted >> shift == digit)?;
            if self.bits(1)? == 0 {
                return Some(number);
            }
        }
        None
    }

    /// A number that says how many of something follow, each of some bits: no more than there are bits.
    pub(super) fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= self.bits.len() - self.next).then_some(count)
    }

    /// Is nothing left but what pads the last letter?
    pub(super) fn is_at_end(&self) -> bool {
        self.bits.len() - self.next < 6 && !self.bits[self.next..].contains(&true)
    }
}

/// What a letter stands for.
pub(super) fn value_of(letter: u8) -> Option<u32> {
    LETTERS.iter().position(|known| *known == letter).map(|value| value as u32)
}

/// A cyclic code of 18 bits, as three letters: one wrong letter, or two swapped neighbours, always give another.
pub(super) fn checksum(text: &str) -> String {
    // (x + 1)(x^17 + x^3 + 1).
    const POLYNOMIAL: u32 = 0b110_0000_0000_0001_1011;
    let mut rest = (1 << 18) - 1;
    for letter in text.bytes() {
        rest ^= u32::from(letter) << 10;
        for _ in 0..8 {
            rest <<= 1;
            if rest >> 18 & 1 == 1 {
                rest ^= POLYNOMIAL;
            }
        }
    }
    let mut writer = Writer::default();
    writer.bits(u64::from(rest), 18);
    writer.letters()
}
