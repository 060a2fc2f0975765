//! What is known while a failure is shrunk: the best so far, how runs ended, what was spent.

use super::{Budget, Minimum, Trials, Tried, Without};
use crate::deviations::{Deviation, Deviations};
use crate::observed::Observed;
use crate::outcome::{Failure, Identity};
use std::collections::BTreeMap;
use std::time::Duration;

/// So many runs of the budget are kept for the proof.
const KEPT_FOR_PROOF: u64 = 20;

/// The ends of runs with more deviations are not remembered: they would fill the memory, and hardly come again.
const REMEMBERED_MAX: usize = 64;

/// Another failure that was met.
#[derive(Clone, Debug)]
pub(crate) struct Second {
    pub(crate) failure: Failure,
    /// What makes it happen.
    pub(crate) deviations: Deviations,
}

/// How a run ended, remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Same,
    Passed,
    Inconclusive,
    Otherwise,
}

/// A search for fewer deviations.
pub(crate) struct Search<'a> {
    trials: &'a mut dyn Trials,
    clock: &'a mut dyn FnMut() -> Duration,
    budget: Budget,
    began: Duration,
    runs: u64,
    best: Deviations,
    /// How the best went, if it was asked.
    seen: Option<Option<Observed>>,
    known: BTreeMap<Deviations, Ended>,
    seconds: BTreeMap<Identity, Second>,
    is_exhausted: bool,
}

impl<'a> Search<'a> {
    /// Begins with these deviations; none if the run does not fail under them.
    pub(super) fn new(
        trials: &'a mut dyn Trials,
        start: Deviations,
        budget: Budget,
        clock: &'a mut dyn FnMut() -> Duration,
    ) -> Option<Search<'a>> {
        let began = clock();
        let mut search = Search {
            trials,
            clock,
            budget,
            began,
            runs: 0,
            best: start.clone(),
            seen: None,
            known: BTreeMap::new(),
            seconds: BTreeMap::new(),
            is_exhausted: false,
        };
        (search.try_out(&start) == Some(Ended::Same)).then_some(search)
    }

    /// The fewest so far.
    pub(crate) fn best(&self) -> &Deviations {
        &self.best
    }

    /// The list of the best.
    pub(super) fn list(&self) -> Vec<Deviation> {
        self.best.list()
    }

    /// Does it fail as before under these? Then they are the best from now on.
    pub(super) fn accept(&mut self, candidate: Deviations) -> bool {
        if candidate == self.best {
            return false;
        }
        let accepted = self.try_out(&candidate) == Some(Ended::Same);
        if accepted {
            (self.best, self.seen) = (candidate, None);
        }
        accepted
    }

    /// As [`accept`](Search::accept), of the best with another list.
    pub(super) fn accept_list(&mut self, list: impl IntoIterator<Item = Deviation>) -> bool {
        self.accept(self.best.with(list))
    }

    /// As [`accept`](Search::accept), of the best with one deviation replaced.
    pub(super) fn accept_instead(&mut self, old: Deviation, new: Deviation) -> bool {
        let list = self.list();
        if list.contains(&new) {
            return false;
        }
        self.accept_list(list.into_iter().map(|each| if each == old { new } else { each }))
    }

    /// The last of `count` candidates that is accepted, if from some one on all are refused, by halving; `candidate` makes
    /// them.
    pub(super) fn accept_furthest(
        &mut self,
        count: usize,
        mut accept: impl FnMut(&mut Search<'a>, usize) -> bool,
    ) {
        let (mut good, mut bad) = (0, count); // the candidates below `good` are accepted
        // Mostly none is, or all are.
        if count > 0 && accept(self, count - 1) {
            return;
        }
        bad = bad.saturating_sub(1);
        while good < bad {
            let middle = (good + bad) / 2;
            if accept(self, middle) {
                good = middle + 1;
            } else {
                bad = middle;
            }
        }
    }

    /// How the best went: a run more, unless it was asked before.
    pub(super) fn see(&mut self) -> Option<&Observed> {
        if self.seen.is_none() {
            if !self.may_run(KEPT_FOR_PROOF) {
                return None;
            }
            self.runs += 1;
            self.seen = Some(self.trials.see(&self.best));
        }
        self.seen.as_ref()?.as_ref()
    }

    /// Is the budget spent?
    pub(super) fn is_exhausted(&self) -> bool {
        self.is_exhausted
    }

    /// How the run under these deviations ends; none if it is not known and the budget is spent.
    fn try_out(&mut self, deviations: &Deviations) -> Option<Ended> {
        if let Some(ended) = self.known.get(deviations) {
            return Some(*ended);
        }
        self.may_run(KEPT_FOR_PROOF).then(|| self.run(deviations))
    }

    /// As `try_out`, with what was kept for the proof.
    pub(super) fn try_for_proof(&mut self, deviations: &Deviations) -> Option<Ended> {
        if let Some(ended) = self.known.get(deviations) {
            return Some(*ended);
        }
        self.may_run(0).then(|| self.run(deviations))
    }

    /// Makes a run, whether its end is known or not.
    pub(super) fn run(&mut self, deviations: &Deviations) -> Ended {
        self.runs += 1;
        let ended = match self.trials.run(deviations) {
            Tried::Same => Ended::Same,
            Tried::Passed => Ended::Passed,
            Tried::Inconclusive => Ended::Inconclusive,
            Tried::Other(failure) => {
                let second = || Second { failure: (*failure).clone(), deviations: deviations.clone() };
                self.seconds.entry(failure.identity.clone()).or_insert_with(second);
                Ended::Otherwise
            }
        };
        if deviations.len() <= REMEMBERED_MAX {
            self.known.insert(deviations.clone(), ended);
        }
        ended
    }

    /// Takes fewer deviations that are known to fail as before.
    pub(super) fn take(&mut self, fewer: Deviations) {
        (self.best, self.seen) = (fewer, None);
    }

    fn may_run(&mut self, kept: u64) -> bool {
        let spent = (self.clock)().saturating_sub(self.began);
        // A small budget keeps less: something must be tried.
        let kept = kept.min(self.budget.runs / 4);
        let may = self.runs + kept < self.budget.runs && spent < self.budget.time;
        self.is_exhausted |= !may;
        may
    }

    pub(super) fn end(self, without: Vec<(Deviation, Without)>, is_certain: bool) -> Minimum {
        Minimum {
            deviations: self.best,
            without,
            runs: self.runs,
            is_certain,
            is_exhausted: self.is_exhausted,
            seconds: self.seconds.into_values().collect(),
        }
    }
}
