//! Keyed draws: F(seed, kind, key), a function with no position that could shift.
//!
//! A packet of the simulated network, an operation of a disk, a fault: none has a place in one order of things. Were they
//! drawn from a stream, a packet dropped would add a draw for its retransmission and move every later one. So each draw
//! is named by its key (a segment by connection, direction, offset and attempt), and taking one thing away moves no other
//! draw. 0 is the ordinary outcome; whatever is not 0 is a *deviation*, kept if asked for.

use super::Ratio;
use std::collections::BTreeMap;

/// What is drawn. Two kinds never share a draw.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// How much longer than its floor a packet takes.
    Latency = 1,
    /// Is a packet among the slow ones, and how slow?
    Slow,
    /// Is a packet lost?
    Loss,
    /// Does a datagram arrive twice?
    Duplicate,
    /// Is a datagram held back, so that later ones overtake it?
    Reorder,
    /// Is a packet damaged? A checksum catches it.
    Corrupt,
    /// Does the network reset a connection?
    Reset,
    /// How many of the bytes that are there does a read return?
    Split,
    /// How many of the bytes does a write take?
    ShortWrite,
    /// Does a look-up of a name fail, how late is its answer, and in which order?
    Resolve,
    /// A setting of a run, such as a preset draws it.
    Setting,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 11] = [
        Kind::Latency,
        Kind::Slow,
        Kind::Loss,
        Kind::Duplicate,
        Kind::Reorder,
        Kind::Corrupt,
        Kind::Reset,
        Kind::Split,
        Kind::ShortWrite,
        Kind::Resolve,
        Kind::Setting,
    ];

    /// The kind that a recording writes as this number.
    pub fn from_number(number: u64) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| *kind as u64 == number)
    }

    /// Its name in reports and recordings.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Latency => "latency",
            Kind::Slow => "slow",
            Kind::Loss => "loss",
            Kind::Duplicate => "duplicate",
            Kind::Reorder => "reorder",
            Kind::Corrupt => "corrupt",
            Kind::Reset => "reset",
            Kind::Split => "split",
            Kind::ShortWrite => "short write",
            Kind::Resolve => "resolve",
            Kind::Setting => "setting",
        }
    }
}

/// One draw that did not come out ordinary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Drawn {
    /// What was drawn.
    pub kind: Kind,
    /// What it was drawn for.
    pub key: u64,
    /// What came out; never 0.
    pub value: u64,
}

/// All keyed draws of a run.
///
/// # Examples
/// ```
/// use counterpoint_runtime::choices::{Draws, Kind, Ratio};
///
/// let mut draws = Draws::new(7);
/// let key = Draws::key(&[1, 2, 3]);
/// assert_eq!(draws.below(Kind::Latency, key, 100), Draws::new(7).below(Kind::Latency, key, 100));
/// assert!(!draws.strikes(Kind::Loss, key, Ratio::NEVER));
/// ```
#[derive(Clone, Debug)]
pub struct Draws {
    seed: u64,
    kept: Option<Vec<Drawn>>,
    /// If set, these come out and everything else is ordinary.
    fixed: Option<BTreeMap<(Kind, u64), u64>>,
}

impl Draws {
    /// The draws of a seed.
    pub fn new(seed: u64) -> Draws {
        Draws { seed, kept: None, fixed: None }
    }

    /// No draws: what is listed comes out, and everything else is ordinary.
    pub fn fixed(drawn: impl IntoIterator<Item = Drawn>) -> Draws {
        let fixed = drawn.into_iter().map(|drawn| ((drawn.kind, drawn.key), drawn.value)).collect();
        Draws { seed: 0, kept: None, fixed: Some(fixed) }
    }

    /// Keeps what does not come out ordinary, from now on.
    pub fn keep(&mut self, on: bool) {
        self.kept = on.then(Vec::new);
    }

    /// What was kept so far, in the order of the draws.
    pub fn take_kept(&mut self) -> Vec<Drawn> {
        self.kept.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// One key of several numbers.
    #[inline]
    pub fn key(parts: &[u64]) -> u64 {
        parts.iter().fold(0x51_7C_C1_B7_27_22_0A_95, |key, part| mix(key ^ part))
    }

    /// A number below `n`, each with the same chance; 0 without a draw if `n` is 0 or 1.
    #[inline]
    pub fn below(&mut self, kind: Kind, key: u64, n: u64) -> u64 {
        if n <= 1 {
            return 0;
        }
        let value = match &self.fixed {
            Some(fixed) => fixed.get(&(kind, key)).copied().unwrap_or(0).min(n - 1),
            None => ((u128::from(self.word(kind, key)) * u128::from(n)) >> 64) as u64,
        };
        self.note(kind, key, value);
        value
    }

    /// Does a chance strike?
    #[inline]
    pub fn strikes(&mut self, kind: Kind, key: u64, chance: Ratio) -> bool {
        if chance.is_never() {
            return false;
        }
        let strikes = match &self.fixed {
            Some(fixed) => fixed.contains_key(&(kind, key)),
            None => chance.strikes(self.word(kind, key)),
        };
        self.note(kind, key, u64::from(strikes));
        strikes
    }

    // A word of 64 bits serves numbers below 2^40 with a bias under 2^-24: no rejection, so no second draw.
    #[inline]
    fn word(&self, kind: Kind, key: u64) -> u64 {
        mix(mix(self.seed ^ (kind as u64) << 56) ^ key)
    }

    #[inline]
    fn note(&mut self, kind: Kind, key: u64, value: u64) {
        if value != 0
            && let Some(kept) = &mut self.kept
        {
            kept.push(Drawn { kind, key, value });
        }
    }
}

/// The finalizer of splitmix64 over a Weyl step (Steele, Lea and Flood, 2014): each bit of the word moves each of the
/// result with a chance of about a half.
#[inline]
fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_draws_of_a_seed_are_a_promise() {
        let mut draws = Draws::new(1);
        let drawn: Vec<u64> = (0..4).map(|key| draws.below(Kind::Latency, key, 1000)).collect();
        assert_eq!(drawn, KNOWN);
    }

    const KNOWN: [u64; 4] = [968, 112, 163, 422];

    #[test]
    fn a_chance_strikes_about_as_often_as_it_says() {
        let mut draws = Draws::new(3);
        let struck = (0..100_000).filter(|key| draws.strikes(Kind::Loss, *key, Ratio::new(1, 20))).count();
        assert!((4_800..5_200).contains(&struck), "{struck}");
    }

    #[test]
    fn what_was_kept_comes_out_again_without_the_seed() {
        let mut draws = Draws::new(9);
        draws.keep(true);
        let drawn: Vec<u64> = (0..100).map(|key| draws.below(Kind::Latency, key, 3)).collect();
        let mut again = Draws::fixed(draws.take_kept());
        let same: Vec<u64> = (0..100).map(|key| again.below(Kind::Latency, key, 3)).collect();
        assert_eq!(drawn, same);
    }

    proptest! {
        #[test]
        fn a_draw_depends_on_no_other(seed: u64, keys in prop::collection::vec(any::<u64>(), 1..20), left in any::<prop::sample::Index>()) {
            let all: Vec<u64> = keys.iter().map(|key| Draws::new(seed).below(Kind::Loss, *key, 1 << 40)).collect();
            let left = left.index(keys.len());
            let mut draws = Draws::new(seed);
            for (index, key) in keys.iter().enumerate().filter(|(index, _)| *index != left) {
                prop_assert_eq!(draws.below(Kind::Loss, *key, 1 << 40), all[index]);
            }
        }
    }
}
