//! How many orders a program has, roughly (Knuth: "Estimating the efficiency of backtrack programs", 1975).
//!
//! A random walk down the tree of all orders picks each branch with the same chance; the product of the numbers of
//! branches that it passed is, in the mean, the number of leaves.

use counterpoint_runtime::schedule::Seen;

/// The mean over some random walks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Estimate {
    sum: u128,
    probes: u32,
}

impl Estimate {
    /// One more random walk.
    pub(super) fn add(&mut self, seen: &Seen) {
        let branches = seen.steps().iter().map(|step| seen.others(step).len() as u128 + 1);
        self.sum = self.sum.saturating_add(branches.fold(1, u128::saturating_mul));
        self.probes += 1;
    }

    pub(super) fn probes(&self) -> u32 {
        self.probes
    }

    /// The number of orders; at most what fits.
    pub(super) fn orders(&self) -> u64 {
        let mean = self.sum / u128::from(self.probes.max(1));
        u64::try_from(mean).unwrap_or(u64::MAX)
    }
}
