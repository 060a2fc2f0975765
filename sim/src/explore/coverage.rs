//! What many runs covered: distinct behaviours, the chance of a new one, and conflicts seen in one order only.
//!
//! For each behaviour the two lowest runs that showed it are kept, for each pair of places the lowest run of each order.
//! So adding is independent of the order in which runs end or shards are merged, adding twice changes nothing, and what
//! came after a given run can be taken out again.
//!
//! Memory is bounded by sampling: hashes are spread evenly, so when there is no more room, only those below half of the
//! range are kept, then a quarter, and the counts stand for twice, four times as many. Which hashes are kept depends only
//! on the set of all that were seen (Wegman's adaptive sampling; Flajolet, "On adaptive sampling", 1990).
//!
//! Behaviours that were seen once in N runs, divided by N, are the chance that the next run shows a new one (Good, "The
//! population frequencies of species", 1953).

use counterpoint_runtime::schedule::{Behaviour, SitePair};
use std::collections::BTreeMap;

/// No run.
const NEVER: u64 = u64::MAX;

/// How many behaviours are kept: the error of the estimate is then below one in a hundred.
const BEHAVIOURS_MAX: usize = 1 << 15;
/// How many pairs of places are kept.
const PAIRS_MAX: usize = 1 << 13;

/// What some runs covered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Coverage {
    behaviours: Sample<Shown>,
    pairs: Sample<Pair>,
}

/// The two lowest runs that showed a behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) first: u64,
    pub(crate) second: Option<u64>,
}

/// Two places whose steps conflict, and the lowest run that had them in each order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    /// The places, by their hashes, the lower one first.
    pub(crate) sites: [u64; 2],
    /// The run in which they came in this order, and in the other one.
    pub(crate) runs: [Option<u64>; 2],
}

/// Keys that are spread evenly, as many of the lowest as there is room for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sample<V> {
    room: usize,
    /// Keys begin with so many zero bits.
    level: u32,
    kept: BTreeMap<u64, V>,
}

/// What is kept of a key that is seen more than once.
pub(crate) trait Joins: Copy {
    /// Of both.
    fn join(&mut self, other: &Self);
    /// What is left of it without the runs from `end` on.
    fn cut(self, end: u64) -> Option<Self>;
}

impl Default for Coverage {
    fn default() -> Coverage {
        Coverage { behaviours: Sample::new(BEHAVIOURS_MAX), pairs: Sample::new(PAIRS_MAX) }
    }
}

impl Coverage {
    /// A run showed this.
    pub(crate) fn see(&mut self, run: u64, behaviour: &Behaviour) {
        let is_new = self.behaviours.insert(spread(behaviour.hash()), Shown { first: run, second: None });
        if is_new {
            // Runs of one behaviour have the same conflicts in the same order.
            behaviour.pairs().iter().for_each(|pair| self.see_pair(run, *pair));
        }
    }

    fn see_pair(&mut self, run: u64, SitePair { first, second }: SitePair) {
        let (sites, runs) = match first <= second {
            true => ([first, second], [Some(run), None]),
            false => ([second, first], [None, Some(run)]),
        };
        if sites[0] != sites[1] {
            self.pairs.insert(spread(sites[0].rotate_left(32) ^ spread(sites[1])), Pair { sites, runs });
        }
    }

    /// Adds what other runs covered.
    pub(crate) fn add(&mut self, other: &Coverage) {
        self.behaviours.add(&other.behaviours);
        self.pairs.add(&other.pairs);
    }

    /// Takes out what only runs from this one on showed.
    pub(crate) fn cut(&mut self, end: u64) {
        self.behaviours.cut(end);
        self.pairs.cut(end);
    }

    /// How many distinct behaviours, or about how many: see [`is_exact`](Coverage::is_exact).
    pub(crate) fn behaviours(&self) -> u64 {
        self.behaviours.count(|_| true)
    }

    /// How many behaviours only one run showed.
    pub(crate) fn seen_once(&self) -> u64 {
        self.behaviours.count(|shown| shown.second.is_none())
    }

    /// How many behaviours were new in a run of which this is true.
    pub(crate) fn new_in(&self, mut matches: impl FnMut(u64) -> bool) -> u64 {
        self.behaviours.count(|shown| matches(shown.first))
    }

    /// Are the numbers exact? Else there was too much to keep, and they are estimates.
    pub(crate) fn is_exact(&self) -> bool {
        self.behaviours.level == 0 && self.pairs.level == 0
    }

    /// How many pairs of places came in both orders.
    pub(crate) fn pairs_in_both_orders(&self) -> u64 {
        self.pairs.count(|pair| pair.runs.iter().all(Option::is_some))
    }

    /// How many came in one only.
    pub(crate) fn pairs_in_one_order(&self) -> u64 {
        self.pairs.count(|pair| !pair.runs.iter().all(Option::is_some))
    }

    /// Pairs that came in one order only, as many as are kept, with the lowest run that had them: that of the lowest run
    /// first.
    pub(crate) fn gaps(&self) -> Vec<(SitePair, u64)> {
        let mut gaps: Vec<(SitePair, u64)> = self.pairs.kept.values().filter_map(Pair::gap).collect();
        gaps.sort_unstable_by_key(|(pair, run)| (*run, *pair));
        gaps
    }

    /// What is kept, for a file.
    #[cfg(feature = "cli")]
    pub(crate) fn parts(&self) -> (&Sample<Shown>, &Sample<Pair>) {
        (&self.behaviours, &self.pairs)
    }

    /// From what a file kept.
    #[cfg(feature = "cli")]
    pub(crate) fn from_parts(
        (behaviours_level, behaviours): (u32, impl IntoIterator<Item = (u64, Shown)>),
        (pairs_level, pairs): (u32, impl IntoIterator<Item = Pair>),
    ) -> Coverage {
        let mut coverage = Coverage::default();
        (coverage.behaviours.level, coverage.pairs.level) = (behaviours_level.min(63), pairs_level.min(63));
        for (key, shown) in behaviours {
            coverage.behaviours.insert(key, shown);
        }
        for pair in pairs {
            coverage.pairs.insert(spread(pair.sites[0].rotate_left(32) ^ spread(pair.sites[1])), pair);
        }
        coverage
    }
}

impl Pair {
    /// The order in which they came, if it is the only one, and the run.
    fn gap(&self) -> Option<(SitePair, u64)> {
        let [low, high] = self.sites;
        match self.runs {
            [Some(run), None] => Some((SitePair { first: low, second: high }, run)),
            [None, Some(run)] => Some((SitePair { first: high, second: low }, run)),
            _ => None,
        }
    }
}

impl<V: Joins> Sample<V> {
    fn new(room: usize) -> Sample<V> {
        Sample { room, level: 0, kept: BTreeMap::new() }
    }

    fn keeps(&self, key: u64) -> bool {
        key.leading_zeros() >= self.level
    }

    /// Adds what is known of a key; false if the key was kept before.
    fn insert(&mut self, key: u64, value: V) -> bool {
        if !self.keeps(key) {
            return true;
        }
        if let Some(kept) = self.kept.get_mut(&key) {
            kept.join(&value);
            return false;
        }
        self.kept.insert(key, value);
        while self.kept.len() > self.room {
            self.rise(self.level + 1);
        }
        true
    }

    fn rise(&mut self, level: u32) {
        if level > self.level {
            self.level = level;
            self.kept.retain(|key, _| key.leading_zeros() >= level);
        }
    }

    fn add(&mut self, other: &Sample<V>) {
        self.rise(other.level);
        for (key, value) in &other.kept {
            self.insert(*key, *value);
        }
    }

    fn cut(&mut self, end: u64) {
        let kept = std::mem::take(&mut self.kept);
        self.kept = kept.into_iter().filter_map(|(key, value)| Some((key, value.cut(end)?))).collect();
    }

    fn count(&self, mut matches: impl FnMut(&V) -> bool) -> u64 {
        (self.kept.values().filter(|value| matches(value)).count() as u64) << self.level
    }

    /// How many bits of the keys are zero, and what is kept.
    #[cfg(feature = "cli")]
    pub(crate) fn kept(&self) -> (u32, impl Iterator<Item = (u64, &V)>) {
        (self.level, self.kept.iter().map(|(key, value)| (*key, value)))
    }
}

impl Joins for Shown {
    fn join(&mut self, other: &Shown) {
        let mut runs = [self.first, self.second.unwrap_or(NEVER), other.first, other.second.unwrap_or(NEVER)];
        runs.sort_unstable();
        self.first = runs[0];
        self.second = runs.into_iter().find(|run| *run != self.first && *run != NEVER);
    }

    fn cut(self, end: u64) -> Option<Shown> {
        (self.first < end).then_some(Shown { second: self.second.filter(|run| *run < end), ..self })
    }
}

impl Joins for Pair {
    fn join(&mut self, other: &Pair) {
        for (kept, other) in self.runs.iter_mut().zip(other.runs) {
            *kept = match (*kept, other) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
    }

    fn cut(self, end: u64) -> Option<Pair> {
        let runs = self.runs.map(|run| run.filter(|run| *run < end));
        runs.iter().any(Option::is_some).then_some(Pair { runs, ..self })
    }
}

/// Spreads a hash evenly: sums of hashes are not quite (SplitMix64's last steps).
fn spread(mut word: u64) -> u64 {
    word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ word >> 31
}

#[cfg(test)]
#[path = "coverage/tests.rs"]
mod tests;
