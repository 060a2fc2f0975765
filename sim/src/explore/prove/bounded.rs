//! All sets of few holds, smallest first.
//!
//! A hold swaps two steps that conflict: the one that came first is held until the other has run. The pool of holds
//! is made of all such pairs that any run has shown; it grows while the search goes on, and what that adds to smaller
//! sets comes before larger ones. A hold that would change nothing in a run is not added to it: the run would be the
//! same, step for step. So every set that is left out gives a run that a smaller set gave, and a bound is covered
//! when nothing of its size is left. Sets that hold two steps for each other are contradictions, and not tried.

use super::history::{Conflicts, History};
use counterpoint_runtime::schedule::{Constraints, Hold, Seen, StepPattern};
use std::collections::{BTreeMap, BTreeSet};

/// Two steps, by their keys: the first is held until the second has run.
type Pair = (u64, u64);

/// Some pairs of the pool, by their numbers, in order.
type Set = Vec<u32>;

/// The search.
#[derive(Debug)]
pub(super) struct Bounded {
    bound: usize,
    conflicts: Conflicts,
    /// No more runs than this will be made: sets beyond are not planned.
    runs_max: usize,
    /// Some were not planned.
    is_cut: bool,
    pool: Vec<Pair>,
    numbers: BTreeMap<Pair, u32>,
    /// The runs that were made and may be added to: the set of each, and when each step ran.
    made: Vec<(Set, BTreeMap<u64, u32>)>,
    /// Smallest first.
    left: BTreeSet<(usize, Set)>,
    /// All sets that were ever to be tried.
    known: BTreeSet<Set>,
    tried: BTreeMap<usize, u64>,
    running: Set,
}

/// How far a search came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holds {
    /// All sets of so many holds and fewer were tried; none if not even the ordinary order was.
    pub complete: Option<usize>,
    /// How many holds there are to choose from: conflicting pairs of steps that runs have shown.
    pub pairs: usize,
    /// The sets of the next size that were tried.
    pub tried: u64,
    /// How many sets of that size are known to be left.
    pub left: u64,
    /// There are more than that.
    pub more: bool,
}

impl Bounded {
    /// A search over sets of at most so many holds, with a budget of runs.
    pub(super) fn new(bound: usize, conflicts: Conflicts, runs_max: u64) -> Bounded {
        Bounded {
            bound,
            conflicts,
            runs_max: usize::try_from(runs_max).unwrap_or(usize::MAX),
            is_cut: false,
            pool: Vec::new(),
            numbers: BTreeMap::new(),
            made: Vec::new(),
            left: BTreeSet::from([(0, Vec::new())]),
            known: BTreeSet::from([Vec::new()]),
            tried: BTreeMap::new(),
            running: Vec::new(),
        }
    }

    /// The holds of the next run; none if all were tried.
    pub(super) fn next(&mut self) -> Option<Constraints> {
        let (_, set) = self.left.pop_first()?;
        let holds = set.iter().map(|number| hold(self.pool[*number as usize])).collect();
        self.running = set;
        Some(Constraints { holds, bursts: Vec::new() })
    }

    /// The run was made.
    pub(super) fn learn(&mut self, seen: &Seen) {
        let set = std::mem::take(&mut self.running);
        *self.tried.entry(set.len()).or_default() += 1;
        let fresh = self.add_pairs(seen);
        let keys = seen.steps().iter().map(|step| step.name.key()).zip(0..);
        if set.len() < self.bound {
            self.made.push((set, keys.collect()));
        }
        let last = self.made.len().saturating_sub(1);
        for index in 0..self.made.len() {
            let pairs = if index == last { 0..self.pool.len() } else { fresh..self.pool.len() };
            pairs.for_each(|pair| self.add_to(index, pair as u32));
        }
    }

    /// How far it came.
    pub(super) fn holds(&self) -> Holds {
        let next = self.left.first().map_or(self.bound + 1, |(size, _)| *size);
        Holds {
            complete: next.checked_sub(1),
            pairs: self.pool.len(),
            tried: self.tried.get(&next).copied().unwrap_or(0),
            left: self.left.iter().take_while(|(size, _)| *size == next).count() as u64,
            more: self.is_cut,
        }
    }

    /// The holds that it has chosen from so far.
    #[cfg(test)]
    pub(super) fn pairs(&self) -> Vec<Hold> {
        self.pool.iter().map(|pair| hold(*pair)).collect()
    }

    /// Adds the pairs that a run shows to the pool; how many there were before.
    fn add_pairs(&mut self, seen: &Seen) -> usize {
        let before = self.pool.len();
        let fixed = History::of(seen, true, Conflicts::Nothing);
        let steps = fixed.steps.len();
        for second in 0..steps {
            for first in 0..second {
                let conflict = fixed.conflict(first, second)
                    || self.conflicts == Conflicts::All
                        && fixed.steps[first].name.lane != fixed.steps[second].name.lane;
                if !conflict || fixed.precedes(first, second) {
                    continue;
                }
                let pair = (fixed.steps[first].name.key(), fixed.steps[second].name.key());
                let next = self.pool.len() as u32;
                if *self.numbers.entry(pair).or_insert(next) == next {
                    self.pool.push(pair);
                }
            }
        }
        before
    }

    /// Plans a run with one hold more, if that changes anything.
    fn add_to(&mut self, made: usize, pair: u32) {
        let (set, ran) = &self.made[made];
        let enough = self.left.len() >= self.runs_max;
        if enough && self.left.last().is_some_and(|(size, _)| *size <= set.len() + 1) {
            self.is_cut = true;
            return;
        }
        let (held, until) = self.pool[pair as usize];
        let Some(when) = ran.get(&held) else { return };
        if ran.get(&until).is_some_and(|until| until < when) {
            return;
        }
        let against = self.numbers.get(&(until, held));
        if set.contains(&pair) || against.is_some_and(|against| set.contains(against)) {
            return;
        }
        let mut larger = set.clone();
        larger.insert(larger.partition_point(|other| *other < pair), pair);
        if self.known.insert(larger.clone()) {
            self.left.insert((larger.len(), larger));
        }
    }
}

fn hold((held, until): Pair) -> Hold {
    Hold { held: StepPattern::Exact(held), until: StepPattern::Exact(until) }
}
