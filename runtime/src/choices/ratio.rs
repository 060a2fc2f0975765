//! A chance as a fraction of whole numbers: no float rounds it differently on another machine.

use std::fmt;

/// A chance: so many out of so many.
///
/// # Examples
/// ```
/// use counterpoint_runtime::choices::Ratio;
///
/// assert_eq!(Ratio::percent(5), Ratio::new(5, 100));
/// assert_eq!(Ratio::new(1, 20_000).to_string(), "1/20000");
/// assert!(Ratio::NEVER.is_never());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ratio {
    part: u32,
    whole: u32,
}

impl Ratio {
    /// Never.
    pub const NEVER: Ratio = Ratio { part: 0, whole: 1 };
    /// Always.
    pub const ALWAYS: Ratio = Ratio { part: 1, whole: 1 };

    /// `part` out of `whole`.
    ///
    /// # Panics
    /// If `whole` is 0 or `part` is more than `whole`.
    #[track_caller]
    pub const fn new(part: u32, whole: u32) -> Ratio {
        assert!(
            whole != 0 && part <= whole,
            "a ratio is a part of a whole: `part` is at most `whole`, which is not 0"
        );
        Ratio { part, whole }
    }

    /// So many of a hundred.
    ///
    /// # Panics
    /// If it is more than 100.
    #[track_caller]
    pub const fn percent(percent: u32) -> Ratio {
        Ratio::new(percent, 100)
    }

    /// Is it 0?
    pub const fn is_never(self) -> bool {
        self.part == 0
    }

    /// Does it strike, for an evenly drawn word?
    pub(crate) const fn strikes(self, word: u64) -> bool {
        ((word as u128 * self.whole as u128) >> 64) < self.part as u128
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part, self.whole)
    }
}
