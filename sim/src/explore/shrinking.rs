//! From a failing run to a sentence and a token: its deviations are derived, shrunk, and explained.
//!
//! Here the pure parts meet the program: `shrink` asks for runs, `token` keeps what remains, `report` tells it. Every run is
//! made under the settings of the failing one, with deviations in the place of seed and strategy.

use super::stopwatch::Stopwatch;
use crate::deviations::{Deviation, Deviations};
use crate::ending::Run;
use crate::observed::Observed;
use crate::outcome::{Failure, Identity, Outcome};
use crate::report::{self, Case, Inevitable};
use crate::run::Simulation;
use crate::settings::Settings;
use crate::shrink::{Budget, Minimum, Second, Trials, Tried, Without, shrink};
use crate::token::{KeptStep, Token};
use crate::watch::{Continuation, Watch};
use counterpoint_runtime::Profile;
use counterpoint_runtime::schedule::Seen;
use counterpoint_runtime::trace::{Event, Trace};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// In so many continuations a step must lead to the failure to be the one from which it is too late.
const CONTINUATIONS: u32 = 20;
/// At most so many runs look for that step.
const CONTINUATIONS_MAX: u32 = 400;
/// So many runs without a deviation are shown or drawn upon.
const WITHOUT_MAX: usize = 8;

/// A failing run, shrunk to the fewest deviations from the ordinary one, and explained.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// What replays the failure, also after the program was edited.
    pub token: Token,
    /// Why it fails, in one line.
    pub sentence: String,
    /// Each deviation in words.
    pub constraints: Vec<String>,
    /// Which orders must be legal for it to fail.
    pub profile: Profile,
    /// How many runs shrinking took.
    pub runs: u64,
    /// Without each deviation it does not fail, and with all of them it does, each time.
    pub is_proven: bool,
    /// The budget was spent before all was tried.
    pub is_exhausted: bool,
    /// Other failures that were met on the way, each once.
    pub others: Vec<OtherFailure>,
    /// The shrunk run, traced.
    pub run: Run,
    pub(crate) text: String,
}

/// Another failure, met while one was shrunk. It was not shrunk itself.
#[derive(Clone, Debug)]
pub struct OtherFailure {
    /// What went wrong.
    pub failure: Failure,
    /// What replays it.
    pub token: Token,
}

impl Shrunk {
    /// Why it fails: the failure, the sentence, the steps that matter, and the nearest run that passes.
    pub fn report(&self) -> &str {
        &self.text
    }
}

/// The program, as `shrink` asks for it.
struct Program<'a> {
    simulation: &'a Simulation,
    settings: &'a Settings,
    failure: &'a Identity,
}

impl Program<'_> {
    fn made(&self, deviations: &Deviations, watch: Watch) -> Run {
        let watch = Watch { deviations: Some(Arc::new(deviations.clone())), ..watch };
        self.simulation.run_as(self.settings, &watch)
    }

    fn fails(&self, run: &Run) -> bool {
        run.outcome.failure().is_some_and(|failure| failure.identity == *self.failure)
    }
}

impl Trials for Program<'_> {
    fn run(&mut self, deviations: &Deviations) -> Tried {
        match self.made(deviations, Watch::default()).outcome {
            Outcome::Passed => Tried::Passed,
            Outcome::Inconclusive(_) => Tried::Inconclusive,
            Outcome::Failed(failure) if failure.identity == *self.failure => Tried::Same,
            Outcome::Failed(failure) => Tried::Other(failure),
        }
    }

    fn see(&mut self, deviations: &Deviations) -> Option<Observed> {
        let run = self.made(deviations, Watch { seen: true, ..Watch::default() });
        self.fails(&run).then_some(run.observed)
    }
}

/// Shrinks the run of a simulation that fails like this under these settings and this watch, which has its lessons.
///
/// # Errors
/// Says why it cannot be: the failure does not come back while its steps are watched, or under its own deviations.
pub(crate) fn shrink_finding(
    simulation: &Simulation,
    settings: &Settings,
    watch: &Watch,
    failure: &Identity,
    budget: Budget,
) -> Result<Shrunk, String> {
    let mut program = Program { simulation, settings, failure };
    let watched = simulation.run_as(settings, &Watch { seen: true, ..watch.clone() });
    if !program.fails(&watched) {
        return Err("it does not come back while its steps are watched".to_owned());
    }
    let start = Deviations::of(&watched.observed, settings.loop_seed(), settings.profile);
    let stopwatch = Stopwatch::new();
    let minimum = shrink(&mut program, start, budget, &mut || stopwatch.elapsed());
    let minimum = minimum.ok_or("it does not come back under what its order and its network deviate in")?;
    Ok(tell(&program, &watched.observed, minimum, budget, &stopwatch))
}

/// Makes the shrunk run once more, and those beside it, to tell of them.
fn tell(
    program: &Program<'_>,
    watched: &Observed,
    minimum: Minimum,
    budget: Budget,
    stopwatch: &Stopwatch,
) -> Shrunk {
    let deviations = &minimum.deviations;
    let run = program.made(deviations, Watch { trace: true, seen: true, ..Watch::default() });
    let trace = run.trace.clone().unwrap_or_default();
    let steps = KeptSteps::of(deviations, [&run.observed, watched]);
    let name = &program.simulation.name;
    let token = Token::new(name, deviations, program.failure, |number, key| steps.find(number, key));
    let without = without(program, &minimum);
    let is_proven = minimum.is_certain
        && minimum.without.iter().all(|(_, without)| *without != Without::Unknown)
        && program.fails(&run);
    let in_time = !minimum.is_exhausted && stopwatch.elapsed() < budget.time;
    let inevitable = if in_time { inevitable(program, deviations, &trace) } else { None };
    let failure = run.outcome.failure();
    let explanation = failure.map(|failure| {
        report::explain(&Case {
            failure,
            deviations,
            is_proven,
            trace: &trace,
            notes: &run.notes,
            lanes: &steps.lanes,
            without: &without,
            inevitable,
        })
    });
    let explanation = explanation.unwrap_or_default();
    let others = minimum.seconds.iter().map(|second| other(program, second)).collect();
    Shrunk {
        token,
        sentence: explanation.sentence,
        constraints: explanation.constraints,
        profile: deviations.profile,
        runs: minimum.runs,
        is_proven,
        is_exhausted: minimum.is_exhausted,
        others,
        run,
        text: explanation.text,
    }
}

/// Another failure, with its token.
fn other(program: &Program<'_>, second: &Second) -> OtherFailure {
    let Second { failure, deviations } = second;
    let observed = program.made(deviations, Watch { seen: true, ..Watch::default() }).observed;
    let steps = KeptSteps::of(deviations, [&observed]);
    let find = |number, key| steps.find(number, key);
    let token = Token::new(&program.simulation.name, deviations, &failure.identity, find);
    OtherFailure { failure: failure.clone(), token }
}

/// For each deviation the run without it, if that passes.
fn without(program: &Program<'_>, minimum: &Minimum) -> Vec<Option<Trace>> {
    let run = |(index, (deviation, without)): (usize, &(Deviation, Without))| {
        if index >= WITHOUT_MAX || *without != Without::Passes {
            return None;
        }
        let fewer = minimum.deviations.without(*deviation);
        program.made(&fewer, Watch { trace: true, ..Watch::default() }).trace
    };
    minimum.without.iter().enumerate().map(run).collect()
}

/// The first step after which the run fails, however it goes on; none if there is no such step before its end, or only
/// one order.
fn inevitable(program: &Program<'_>, deviations: &Deviations, trace: &[Event]) -> Option<Inevitable> {
    if deviations.profile == Profile::Fifo {
        return None;
    }
    let steps: Vec<(u32, u64)> =
        report::steps_of(trace).map(|step| (step.loop_number, step.number)).collect();
    let mut left = CONTINUATIONS_MAX;
    let mut fails_after = |count: usize| {
        let after: BTreeMap<u32, u64> = steps[..count].iter().copied().collect();
        (1..=CONTINUATIONS).all(|seed| {
            left = left.saturating_sub(1);
            let continuation = Some(Arc::new(Continuation { after: after.clone(), seed: u64::from(seed) }));
            left > 0 && program.fails(&program.made(deviations, Watch { continuation, ..Watch::default() }))
        })
    };
    let (mut low, mut high) = (0, steps.len());
    while low < high {
        let middle = (low + high) / 2;
        if fails_after(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    let found = left > 0 && high + 1 < steps.len();
    found.then_some(Inevitable { step: high as u64, continuations: CONTINUATIONS })
}

/// The steps of a run, as tokens keep them.
#[derive(Default)]
struct KeptSteps {
    kept: BTreeMap<(u32, u64), KeptStep>,
    lanes: BTreeMap<(u32, u64), u64>,
}

impl KeptSteps {
    /// Those of these deviations, as they were seen in some runs; what the first has counts.
    fn of<'a>(deviations: &Deviations, runs: impl IntoIterator<Item = &'a Observed>) -> KeptSteps {
        let asked: BTreeSet<(u32, u64)> = deviations.list().iter().flat_map(Deviation::steps).collect();
        let mut steps = KeptSteps::default();
        for observed in runs {
            for (number, seen) in &observed.seen {
                steps.add(&asked, *number, seen);
            }
        }
        steps
    }

    fn find(&self, in_loop: u32, key: u64) -> Option<KeptStep> {
        self.kept.get(&(in_loop, key)).copied()
    }

    fn add(&mut self, asked: &BTreeSet<(u32, u64)>, in_loop: u32, seen: &Seen) {
        let mut counts: BTreeMap<u64, u32> = BTreeMap::new();
        for step in seen.steps() {
            // What was ready and never ran has a number as well.
            for name in seen.others(step).iter().chain([&step.name]) {
                let key = (in_loop, name.key());
                if asked.contains(&key) {
                    let nth = counts.get(&name.lane).copied().unwrap_or(0);
                    self.kept.entry(key).or_insert_with(|| KeptStep::of(name, nth));
                    self.lanes.entry(key).or_insert(name.lane);
                }
            }
            *counts.entry(step.name.lane).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests;
