//! From a failing run to the fewest deviations from the ordinary one that make it fail.
//!
//! ```text
//! deviations of the failing run
//!   │  ordinary   is any of it needed: orders, draws, data?           in `ordinary`
//!   │  removal    take away what is not needed, half by half          in `removal`, led by `causal`
//!   │  bursts     many holds until one lane are one burst of it       in `bursts`
//!   │  draws      a kind at once, then each; then milder ones         in `draws`
//!   │  weaken     hold a later step, until an earlier one             in `weaken`
//!   ▼  again, until nothing changes
//!    proof        without any one of them it does not fail            in `proof`
//! ```
//!
//! Pure: it knows no loop, only [`Trials`], who can make a run under given deviations and say how it ended. Runs are few
//! (see [`Budget`]), and none is made twice: [`Search`](search::Search) remembers. A run that fails in another way is no success; it is
//! kept aside, as a second finding.
//!
//! To add a pass: a file with a function that takes a `Search`, proposes candidates to `accept` (the best so
//! far is `best`, how it went `see`), and stops when it returns nothing new; a line in [`PASSES`]. A
//! candidate must be smaller in some measure that no other pass makes larger, or the passes go round in circles until the
//! budget is spent.

mod bursts;
mod causal;
mod draws;
mod ordinary;
mod proof;
mod removal;
mod search;
mod weaken;

pub(crate) use proof::Without;
use search::Search;
pub(crate) use search::Second;

use crate::deviations::{Deviation, Deviations};
use crate::observed::Observed;
use crate::outcome::Failure;
use std::time::Duration;

/// Who can make a run under deviations.
pub(crate) trait Trials {
    /// Makes one.
    fn run(&mut self, deviations: &Deviations) -> Tried;

    /// Makes one that fails as before, and says what was seen of it.
    fn see(&mut self, deviations: &Deviations) -> Option<Observed>;
}

/// How a run under deviations ended.
#[derive(Debug)]
pub(crate) enum Tried {
    /// It failed as before.
    Same,
    /// It passed.
    Passed,
    /// It was inconclusive.
    Inconclusive,
    /// It failed in another way.
    Other(Box<Failure>),
}

/// How much may be spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    /// In runs.
    pub(crate) runs: u64,
    /// In time, by the caller's clock.
    pub(crate) time: Duration,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { runs: 2_000, time: Duration::from_secs(10) }
    }
}

/// What remains.
#[derive(Debug)]
pub(crate) struct Minimum {
    /// The fewest that were found to make it fail.
    pub(crate) deviations: Deviations,
    /// Each of these, and what happens without it.
    pub(crate) without: Vec<(Deviation, Without)>,
    /// How many runs it took.
    pub(crate) runs: u64,
    /// It failed as before in each of the runs that were made to be sure.
    pub(crate) is_certain: bool,
    /// The budget was spent before all was tried.
    pub(crate) is_exhausted: bool,
    /// Other failures that were met, each once.
    pub(crate) seconds: Vec<Second>,
}

/// The passes, in their order.
const PASSES: [fn(&mut Search<'_>); 7] = [
    ordinary::pass,
    causal::pass,
    bursts::pass_if_many,
    removal::pass,
    bursts::pass,
    draws::pass,
    weaken::pass,
];

/// Shrinks the deviations of a failing run; none if under these it does not fail as before.
///
/// `clock` says how much time has gone by since whenever.
pub(crate) fn shrink(
    trials: &mut dyn Trials,
    start: Deviations,
    budget: Budget,
    clock: &mut dyn FnMut() -> Duration,
) -> Option<Minimum> {
    let mut search = Search::new(trials, start, budget, clock)?;
    loop {
        let before = search.best().clone();
        for pass in PASSES {
            pass(&mut search);
        }
        if *search.best() == before || search.is_exhausted() {
            break;
        }
    }
    let without = proof::necessity(&mut search);
    let is_certain = proof::verify(&mut search);
    Some(search.end(without, is_certain))
}

#[cfg(test)]
mod tests;
