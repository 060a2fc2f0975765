//! Which runs are made for a proof, in which order, and when it ends.

use super::bounded::Bounded;
use super::depth_first::DepthFirst;
use super::dpor::Dpor;
use super::estimate::Estimate;
use super::history::Conflicts;
use super::proved::{Disproof, Proved};
use super::search::{Ended, Found, Search};
use super::{Holds, Prove, Reduction};
use crate::deviations::Deviations;
use crate::ending::Run;
use crate::explore::shrinking::shrink_finding;
use crate::explore::stopwatch::Stopwatch;
use crate::outcome::{Failure, Outcome};
use crate::outside;
use crate::settings::Settings;
use crate::shrink::Budget;
use crate::watch::Watch;
use counterpoint_runtime::schedule::Constraints;
use counterpoint_runtime::{Profile, Strategy};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many random walks the estimate is made of.
const PROBES: u64 = 16;
/// What is small is tried whole, before anything else.
const SMALL: u64 = 1_000;
/// Most failures need no more holds.
const USUAL_BOUND: usize = 2;

/// A proof that is being tried.
pub(super) struct Proving<'a> {
    prove: Prove<'a>,
    settings: Settings,
    watch: Stopwatch,
    search: Box<dyn Search + Send>,
    bounded: Bounded,
    estimate: Estimate,
    behaviours: BTreeSet<u64>,
    proved: Proved,
}

/// Why a part of the work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Nothing is left to be tried.
    Done,
    /// Something is.
    Left,
    /// A run failed, or strayed.
    Over,
}

impl<'a> Proving<'a> {
    pub(super) fn new(prove: Prove<'a>) -> Proving<'a> {
        let mut settings = prove.simulation.settings.clone();
        settings.sampling = Strategy::Fifo.into();
        let conflicts = match prove.reduction {
            Reduction::None => Conflicts::All,
            Reduction::Dpor => Conflicts::Footprints,
        };
        let search: Box<dyn Search + Send> = match prove.reduction {
            Reduction::None => Box::new(DepthFirst::default()),
            Reduction::Dpor => Box::new(Dpor::new()),
        };
        let proved = Proved::new(prove.simulation, prove.reduction, prove.bound);
        Proving {
            bounded: Bounded::new(prove.bound.unwrap_or(USUAL_BOUND), conflicts, prove.runs),
            prove,
            settings,
            watch: Stopwatch::new(),
            search,
            estimate: Estimate::default(),
            behaviours: BTreeSet::new(),
            proved,
        }
    }

    /// Makes the runs.
    pub(super) fn go(mut self) -> Proved {
        self.parts();
        self.proved.probes = u64::from(self.estimate.probes());
        self.proved.estimate = self.estimate.orders();
        self.proved.behaviours = self.behaviours.len() as u64;
        self.proved
    }

    fn parts(&mut self) {
        if self.probe() == Part::Over {
            return;
        }
        if self.prove.bound.is_some() {
            let part = self.within_bound(self.prove.runs);
            self.proved.within_bound = part == Part::Done;
            return;
        }
        let part = self.whole(SMALL.min(self.prove.runs));
        if part != Part::Left {
            self.proved.whole = part == Part::Done;
            return;
        }
        let half = self.proved.runs + self.prove.runs.saturating_sub(self.proved.runs) / 2;
        if self.within_bound(half) == Part::Over {
            return;
        }
        self.proved.whole = self.whole(self.prove.runs) == Part::Done;
    }

    /// Makes steps of work until one says otherwise or so many runs were made in all.
    fn while_left(&mut self, runs: u64, mut step: impl FnMut(&mut Self) -> Part + Send) -> Part
    where
        Self: Send,
    {
        let mut part = Part::Left;
        outside::keep_fresh(|| {
            let late = self.prove.time.is_some_and(|time| self.watch.elapsed() >= time);
            if self.proved.runs >= runs || late {
                return false;
            }
            part = step(self);
            part == Part::Left
        });
        part
    }

    /// Random walks: how many orders there are, roughly.
    fn probe(&mut self) -> Part {
        if self.settings.profile == Profile::Fifo {
            return Part::Done; // there is one
        }
        let settings = Settings { sampling: Strategy::RandomWalk.into(), ..self.settings.clone() };
        let first = settings.number;
        for number in first..first + PROBES {
            let settings = Settings { number, ..settings.clone() };
            let run = self.prove.simulation.run_as(&settings, &Watch { seen: true, ..Watch::default() });
            if let Some(failure) = run.outcome.failure() {
                self.proved.disproof = Some(self.disproof(&settings, &Watch::default(), failure));
                return Part::Over;
            }
            if let Some(seen) = run.observed.seen.get(&0) {
                self.estimate.add(seen);
            }
        }
        Part::Left
    }

    /// All orders, up to so many runs.
    fn whole(&mut self, runs: u64) -> Part {
        self.while_left(runs, |this| {
            let Some(prefix) = this.search.next() else { return Part::Done };
            let watch = Watch { prefix: Some(Arc::new(prefix)), ..Watch::default() };
            let (mut run, part) = this.run(&watch);
            if part != Part::Left {
                return part;
            }
            let how = match &run.outcome {
                _ if run.observed.redundant => Ended::Repeats,
                Outcome::Inconclusive(_) => Ended::Cut,
                _ => Ended::Whole,
            };
            let seen = run.observed.seen.remove(&0).unwrap_or_default();
            match this.search.learn(&seen, how) {
                Found::Run => this.note(&run),
                Found::Repetition | Found::Nothing => this.proved.redundant += 1,
                Found::Strayed(step) => {
                    this.proved.strayed = Some(step as u64 + 1);
                    return Part::Over;
                }
            }
            let only_one = this.settings.profile == Profile::Fifo;
            if only_one { Part::Done } else { Part::Left }
        })
    }

    /// All sets of few holds, up to so many runs.
    fn within_bound(&mut self, runs: u64) -> Part {
        let part = self.while_left(runs, |this| {
            let Some(constraints) = this.bounded.next() else { return Part::Done };
            let watch =
                Watch { deviations: Some(Arc::new(this.deviations(constraints))), ..Watch::default() };
            let (run, part) = this.run(&watch);
            if part == Part::Left {
                if let Some(seen) = run.observed.seen.get(&0) {
                    this.bounded.learn(seen);
                }
                this.note(&run);
            }
            part
        });
        let holds: Holds = self.bounded.holds();
        self.proved.holds = Some(holds);
        part
    }

    /// Makes one run.
    fn run(&mut self, watch: &Watch) -> (Run, Part) {
        let seen = Watch { seen: true, behaviour: true, ..watch.clone() };
        let run = self.prove.simulation.run_as(&self.settings, &seen);
        self.proved.runs += 1;
        if let Some(progress) = self.prove.progress {
            progress(1);
        }
        let Some(failure) = run.outcome.failure() else { return (run, Part::Left) };
        self.proved.disproof = Some(self.disproof(&self.settings, watch, failure));
        (run, Part::Over)
    }

    /// Counts what a run did and how it ended.
    fn note(&mut self, run: &Run) {
        if let Some(behaviour) = &run.observed.behaviour {
            self.behaviours.insert(behaviour.hash());
        }
        if let Outcome::Inconclusive(reason) = &run.outcome {
            self.proved.cut += 1;
            self.proved.cut_reason.get_or_insert_with(|| reason.clone());
        }
    }

    fn deviations(&self, constraints: Constraints) -> Deviations {
        let none = Deviations::none(self.settings.loop_seed(), self.settings.profile);
        Deviations { loops: BTreeMap::from([(0, constraints)]), ..none }
    }

    /// A run that failed, made again to be told of, and shrunk.
    fn disproof(&self, settings: &Settings, watch: &Watch, failure: &Failure) -> Disproof {
        let simulation = self.prove.simulation;
        let watched = simulation.run_as(settings, &Watch { trace: true, record: true, ..watch.clone() });
        let again = watched.outcome.failure().filter(|again| again.identity == failure.identity);
        let same = again.is_some();
        let shrunk =
            same.then(|| shrink_finding(simulation, settings, watch, &failure.identity, Budget::default()));
        Disproof {
            failure: again.unwrap_or(failure).clone(),
            watched: same.then(|| watched.clone()),
            shrunk: shrunk.and_then(Result::ok),
        }
    }
}
