//! What has come of the runs of a hunt, so far: of one thread, of one shard, of all.
//!
//! Tallies of different runs add up, in any order. So threads keep their own, a hunt that was killed goes on from the one
//! that it had written, and shards are merged.

use super::coverage::Coverage;
use super::finding::First;
use super::runs::RunSet;
use crate::ending::Run;
use crate::outcome::{Failure, Identity, Outcome};
use counterpoint_runtime::Strategy;
use std::collections::BTreeMap;

/// What has come of some runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// The runs that were made.
    pub(crate) done: RunSet,
    /// Those of them that were inconclusive.
    pub(crate) inconclusive: RunSet,
    /// Why the first of these was.
    pub(crate) inconclusive_reason: Option<(u64, String)>,
    /// The first run that failed in each way.
    pub(crate) failures: BTreeMap<Identity, First>,
    /// How many runs of each strategy failed.
    pub(crate) failed: BTreeMap<Strategy, u64>,
    /// What they covered, of those whose behaviour was looked at.
    pub(crate) coverage: Coverage,
}

impl Tally {
    /// A run has ended; true if it failed.
    pub(crate) fn count(&mut self, number: u64, strategy: Strategy, run: Run) -> bool {
        self.done.insert(number..number + 1);
        if let Some(behaviour) = &run.observed.behaviour {
            self.coverage.see(number, behaviour);
        }
        match run.outcome {
            Outcome::Passed => return false,
            Outcome::Inconclusive(reason) => {
                self.inconclusive.insert(number..number + 1);
                self.add_reason(number, reason);
                return false;
            }
            Outcome::Failed(failure) => self.add_failure(number, 1, *failure),
        }
        *self.failed.entry(strategy).or_default() += 1;
        true
    }

    pub(crate) fn add_failure(&mut self, run: u64, count: u64, failure: Failure) {
        match self.failures.get_mut(&failure.identity) {
            None => {
                self.failures.insert(failure.identity.clone(), First { run, count, failure });
            }
            Some(first) => {
                first.count += count;
                if run < first.run {
                    (first.run, first.failure) = (run, failure);
                }
            }
        }
    }

    fn add_reason(&mut self, run: u64, reason: String) {
        if self.inconclusive_reason.as_ref().is_none_or(|(first, _)| run < *first) {
            self.inconclusive_reason = Some((run, reason));
        }
    }

    /// Adds what came of other runs.
    pub(crate) fn add(&mut self, other: Tally) {
        self.done.add(&other.done);
        self.inconclusive.add(&other.inconclusive);
        if let Some((run, reason)) = other.inconclusive_reason {
            self.add_reason(run, reason);
        }
        for First { run, count, failure } in other.failures.into_values() {
            self.add_failure(run, count, failure);
        }
        for (strategy, count) in other.failed {
            *self.failed.entry(strategy).or_default() += count;
        }
        self.coverage.add(&other.coverage);
    }

    /// The lowest run that failed.
    pub(crate) fn lowest_failed(&self) -> Option<u64> {
        self.failures.values().map(|first| first.run).min()
    }

    /// Leaves the runs up to the lowest one that failed, which the strategy made: what was tried beyond depends on the
    /// number of threads.
    pub(crate) fn stop_at(&mut self, lowest: u64, strategy: Strategy) {
        self.done.cut(lowest + 1);
        self.inconclusive.cut(lowest + 1);
        self.inconclusive_reason.take_if(|(run, _)| *run > lowest);
        self.failures.retain(|_, first| first.run == lowest);
        self.failures.values_mut().for_each(|first| first.count = 1);
        self.failed = BTreeMap::from([(strategy, 1)]);
        self.coverage.cut(lowest + 1);
    }
}
