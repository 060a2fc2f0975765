//! That each remaining deviation is necessary, and that all of them are enough.
//!
//! This is what makes the sentence of a finding one with "if and only if": without any one of them the run does not fail
//! like this, with all of them it does, each time.

use super::Search;
use super::search::Ended;
use crate::deviations::Deviation;

/// In so many runs more it must fail as before.
const VERIFIED: usize = 3;

/// What happens without a deviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Without {
    /// It passes.
    Passes,
    /// It fails in another way.
    FailsOtherwise,
    /// It is inconclusive.
    Inconclusive,
    /// The budget was spent before it could be tried.
    Unknown,
}

/// What happens without each; what turns out to be unnecessary is taken away.
pub(super) fn necessity(search: &mut Search<'_>) -> Vec<(Deviation, Without)> {
    'anew: loop {
        let mut without = Vec::new();
        for deviation in search.list() {
            let fewer = search.best().without(deviation);
            let ended = match search.try_for_proof(&fewer) {
                Some(Ended::Same) => {
                    search.take(fewer);
                    continue 'anew;
                }
                Some(Ended::Passed) => Without::Passes,
                Some(Ended::Otherwise) => Without::FailsOtherwise,
                Some(Ended::Inconclusive) => Without::Inconclusive,
                None => Without::Unknown,
            };
            without.push((deviation, ended));
        }
        return without;
    }
}

/// Does it fail as before, each time?
pub(super) fn verify(search: &mut Search<'_>) -> bool {
    let best = search.best().clone();
    (0..VERIFIED).all(|_| search.run(&best) == Ended::Same)
}
