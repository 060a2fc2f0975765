//! What the runs of a hunt covered, for people.

use super::coverage::Coverage;
use super::learning::Learning;
use super::portfolio::Sampling;
use super::tally::Tally;
use crate::ending::Run;
use crate::report::{Names, is_own, is_own_file};
use crate::run::Simulation;
use crate::settings::Settings;
use crate::watch::Watch;
use counterpoint_runtime::Strategy;
use counterpoint_runtime::schedule::{Seen, SitePair};
use counterpoint_runtime::trace::{Event, StepRecord};
use std::collections::{BTreeMap, BTreeSet};

/// How many pairs that were met in one order only are named.
const GAPS_MAX: usize = 10;
/// How many pairs are looked at for that.
const PAIRS_MAX: usize = 256;
/// How many runs are made again for that.
const RUNS_MAX: usize = 16;
/// The most steps of such a run.
const STEPS_MAX: u64 = 5_000;

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
    /// Some of these that might come in the other order as well, as far as can be told: what no run has tried.
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

/// The pairs of places that came in one order only and might come in the other, in words: their runs are made again.
///
/// Most pairs have one order because one leads to the other: who makes a task comes before it. So only those count where,
/// when the first was picked, the lane of the second was ready as well.
pub(crate) fn gaps_of(coverage: &Coverage, simulation: &Simulation, learning: &Learning) -> Vec<Gap> {
    let mut gaps = coverage.gaps();
    gaps.truncate(PAIRS_MAX);
    let mut runs: Vec<u64> = gaps.iter().map(|(_, run)| *run).collect();
    runs.dedup(); // they are in order
    runs.truncate(RUNS_MAX);
    let (mut places, mut open) = (BTreeMap::new(), BTreeSet::new());
    for run in runs {
        let looked = look_at(run, simulation, learning);
        let trace = looked.trace.as_deref().unwrap_or_default();
        add_places(trace, &mut places);
        let pairs: Vec<SitePair> = gaps.iter().map(|(pair, _)| *pair).collect();
        looked.observed.seen.values().for_each(|seen| add_open(seen, &pairs, &places, &mut open));
    }
    gaps.retain(|(pair, _)| open.contains(pair));
    let named = gaps.into_iter().filter_map(|(pair, run)| {
        let text = |site| places.get(&site).map(|place: &Place| place.text.clone());
        Some(Gap { pair, first: text(pair.first)?, second: text(pair.second)?, run })
    });
    named.take(GAPS_MAX).collect()
}

/// Where a step begins: the lane, and in words.
struct Place {
    lane: u64,
    text: String,
}

fn look_at(run: u64, simulation: &Simulation, learning: &Learning) -> Run {
    let mut settings = Settings { number: run, ..simulation.settings.clone() };
    settings.limits.steps = Some(settings.limits.steps.map_or(STEPS_MAX, |steps| steps.min(STEPS_MAX)));
    learning.run(simulation, &settings, &Watch { trace: true, seen: true, ..Watch::default() })
}

/// Adds the places at which steps began, by their hashes.
fn add_places(trace: &[Event], places: &mut BTreeMap<u64, Place>) {
    let names = Names::of(trace);
    for event in trace {
        // The library's own callbacks say nothing to a program's author.
        if let Event::Step(step) = event
            && !(step.lane == "callback of the loop" || is_own(&step.lane))
        {
            let place = || Place { lane: step.name.lane, text: text_of(step, &names) };
            places.entry(step.name.site()).or_insert_with(place);
        }
    }
}

/// Adds the pairs of which the second's lane was ready when the first was picked.
fn add_open(seen: &Seen, pairs: &[SitePair], places: &BTreeMap<u64, Place>, open: &mut BTreeSet<SitePair>) {
    let mut seconds: BTreeMap<u64, Vec<(u64, SitePair)>> = BTreeMap::new();
    for pair in pairs.iter().filter(|pair| !open.contains(*pair)) {
        if let Some(second) = places.get(&pair.second) {
            seconds.entry(pair.first).or_default().push((second.lane, *pair));
        }
    }
    for step in seen.steps() {
        let Some(seconds) = seconds.get(&step.name.site()) else { continue };
        let lanes: BTreeSet<u64> = seen.others(step).iter().map(|other| other.lane).collect();
        open.extend(seconds.iter().filter(|(lane, _)| lanes.contains(lane)).map(|(_, pair)| *pair));
    }
}

fn text_of(step: &StepRecord, names: &Names) -> String {
    let name = names.speaker(&step.lane);
    match step.place.filter(|place| !is_own_file(place.file())) {
        _ if step.name.awaited == 0 => format!("`{name}` from its start"),
        Some(place) => format!("`{name}` from {}:{}", place.file(), place.line()),
        None => format!("`{name}` after {}", step.op.name()),
    }
}
