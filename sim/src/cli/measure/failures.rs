//! The failures that measurements are about: found on each kernel by each strategy, and shrunk; on all processors.

use super::super::Scenario;
use super::Watched;
use crate::explore::finding::{Finding, confirm};
use crate::explore::learning::Learning;
use crate::explore::{Hunt, Sampling};
use crate::outside;
use crate::run::Simulation;
use crate::shrink::Budget;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// A failure of a kernel, shrunk.
pub(super) struct Shrunken {
    pub(super) kernel: String,
    pub(super) simulation: Simulation,
    pub(super) finding: Finding,
}

/// What is hunted: a kernel by a strategy from a seed.
#[derive(Clone, Copy)]
struct Trial<'a> {
    kernel: &'a Scenario,
    strategy: Sampling,
    seed: u64,
}

impl Trial<'_> {
    fn make(self, cap: u64) -> Option<Shrunken> {
        let program = self.kernel.simulation().expect("a kernel has a program");
        let simulation = program.strategy(self.strategy).seed(self.seed);
        let tally = Hunt::new(&simulation).runs(0..cap).jobs(1).coverage(false).tally();
        let first = tally.failures.into_values().min_by_key(|first| first.run)?;
        let finding = confirm(&simulation, &Learning::default(), first, Budget::default());
        Some(Shrunken { kernel: self.kernel.name().to_owned(), simulation, finding })
    }
}

/// Hunts for a failure of each kernel by each strategy, from so many seeds, and shrinks what is found. The order of what
/// comes out does not depend on the number of threads.
pub(super) fn find(
    kernels: &[&Scenario],
    strategies: &[Sampling],
    seeds: u64,
    cap: u64,
    watched: &Watched,
) -> Vec<Shrunken> {
    let mut trials = Vec::new();
    for kernel in kernels {
        for strategy in strategies {
            trials.extend((1..=seeds).map(|seed| Trial { kernel, strategy: *strategy, seed }));
        }
    }
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        let more = || {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(trial) = trials.get(index) else { return false };
            watched.begin(&format!("{} by {}, seed {}", trial.kernel.name(), trial.strategy, trial.seed));
            if let Some(shrunken) = trial.make(cap) {
                found.lock().unwrap_or_else(PoisonError::into_inner).push((index, shrunken));
            }
            watched.ended();
            true
        };
        outside::keep_fresh(more);
    };
    outside::suspended(|| {
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(1, NonZero::get) {
                scope.spawn(work);
            }
        });
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(index, _)| *index);
    found.into_iter().map(|(_, shrunken)| shrunken).collect()
}
