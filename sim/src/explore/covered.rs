//! What the runs of a hunt covered, for people.

use super::coverage::Coverage;
use super::learning::Learning;
use super::portfolio::Sampling;
use super::tally::Tally;
use crate::report::Names;
use crate::run::Simulation;
use crate::settings::Settings;
use crate::watch::Watch;
use counterpoint_runtime::Strategy;
use counterpoint_runtime::schedule::SitePair;
use counterpoint_runtime::trace::{Event, StepRecord};
use std::collections::BTreeMap;

/// How many places that were met in one order only are named.
const GAPS_MAX: usize = 10;
/// The most steps of a run that is made again to name places.
const STEPS_MAX: u64 = 20_000;

/// What the runs of a hunt covered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Covered {
    /// How many distinct behaviours they showed: runs that differ only in the order of steps that have nothing to do with
    /// each other are one.
    pub behaviours: u64,
    /// How many of these only one run showed. Divided by the number of runs it is the chance that the next run shows a
    /// new one.
    pub seen_once: u64,
    /// The numbers are exact; else they are estimates, as there were too many to keep.
    pub exact: bool,
    /// How many pairs of places, whose steps conflict, came in both orders.
    pub pairs_in_both_orders: u64,
    /// How many came in one order only.
    pub pairs_in_one_order: u64,
    /// Some of these: what no run has tried.
    pub gaps: Vec<Gap>,
    /// What each strategy contributed, in the order in which a hunt takes them.
    pub yields: Vec<Yield>,
}

/// Two places of a program that conflict, and came in one order only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    pub(crate) pair: SitePair,
    /// What came first, as a task and a place.
    pub first: String,
    /// What came after it.
    pub second: String,
    /// A run that had them.
    pub run: u64,
}

/// What a strategy contributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Yield {
    /// The strategy.
    pub strategy: Strategy,
    /// How many runs.
    pub runs: u64,
    /// How many behaviours that no earlier run had shown.
    pub new_behaviours: u64,
    /// How many runs failed.
    pub failed: u64,
}

impl Covered {
    /// Of these runs; gaps have no texts yet.
    pub(crate) fn of(tally: &Tally, sampling: Sampling) -> Covered {
        let coverage = &tally.coverage;
        let mut runs: Vec<(Strategy, u64)> = Vec::new();
        for (strategy, count) in tally.done.ranges().iter().flat_map(|range| sampling.shares(range.clone())) {
            match runs.iter_mut().find(|share| share.0 == strategy) {
                Some(share) => share.1 += count,
                None => runs.push((strategy, count)),
            }
        }
        let yields = runs.into_iter().map(|(strategy, runs)| Yield {
            strategy,
            runs,
            new_behaviours: coverage.new_in(|run| sampling.strategy_of(run) == strategy),
            failed: tally.failed.get(&strategy).copied().unwrap_or_default(),
        });
        Covered {
            behaviours: coverage.behaviours(),
            seen_once: coverage.seen_once(),
            exact: coverage.is_exact(),
            pairs_in_both_orders: coverage.pairs_in_both_orders(),
            pairs_in_one_order: coverage.pairs_in_one_order(),
            gaps: Vec::new(),
            yields: yields.collect(),
        }
    }
}

/// The places that came in one order only, in words, as far as they can be told: their runs are made again.
pub(crate) fn gaps_of(coverage: &Coverage, simulation: &Simulation, learning: &Learning) -> Vec<Gap> {
    let mut gaps = coverage.gaps();
    gaps.truncate(GAPS_MAX);
    let mut places: BTreeMap<u64, BTreeMap<u64, String>> = BTreeMap::new();
    let named = gaps.into_iter().filter_map(|(pair, run)| {
        let places = places.entry(run).or_insert_with(|| places_of(run, simulation, learning));
        let text = |site| places.get(&site).cloned();
        Some(Gap { pair, first: text(pair.first)?, second: text(pair.second)?, run })
    });
    named.collect()
}

/// The places that a run's steps began at, by their hashes.
fn places_of(run: u64, simulation: &Simulation, learning: &Learning) -> BTreeMap<u64, String> {
    let mut settings = Settings { number: run, ..simulation.settings.clone() };
    settings.limits.steps = Some(settings.limits.steps.map_or(STEPS_MAX, |steps| steps.min(STEPS_MAX)));
    let traced = learning.run(simulation, &settings, &Watch { trace: true, ..Watch::default() });
    let trace = traced.trace.as_deref().unwrap_or_default();
    let names = Names::of(trace);
    let steps = trace.iter().filter_map(|event| match event {
        Event::Step(step) => Some((step.name.site(), text_of(step, &names))),
        _ => None,
    });
    steps.collect()
}

fn text_of(step: &StepRecord, names: &Names) -> String {
    let name = names.speaker(&step.lane);
    match step.place {
        _ if step.name.awaited == 0 => format!("`{name}` from its start"),
        Some(place) => format!("`{name}` from {}:{}", place.file(), place.line()),
        None => format!("`{name}` after {}", step.op.name()),
    }
}
