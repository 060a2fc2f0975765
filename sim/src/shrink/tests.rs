//! Shrinking against a model: lanes of steps in the ordinary order but for holds and bursts, and draws.

use super::*;
use crate::outcome::{FailureKind, Identity};
use counterpoint_runtime::choices::{Drawn, Kind};
use counterpoint_runtime::schedule::{Constraints, Seen, StepName, StepPattern};
use counterpoint_runtime::{Instant, Profile};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// A step: which one of which lane.
type Step = (u64, u32);

/// So many lanes of so many steps each. A lane's next step is ready when its last one has run.
#[derive(Clone, Copy, Debug)]
struct Program {
    lanes: u64,
    steps: u32,
}

fn name((lane, step): Step) -> StepName {
    StepName { lane: lane + 1, awaited: u64::from(step), visit: 1 }
}

fn exact(step: Step) -> StepPattern {
    StepPattern::Exact(name(step).key())
}

impl Program {
    /// Runs it; `pick` says which of those that are ready, oldest first.
    fn run(self, mut pick: impl FnMut(&[Step], &[Step]) -> usize) -> (Vec<Step>, Seen) {
        let mut ready: Vec<Step> = (0..self.lanes).map(|lane| (lane, 0)).collect();
        let (mut ran, mut seen) = (Vec::new(), Seen::default());
        while !ready.is_empty() {
            let rank = pick(&ready, &ran);
            let step = ready.remove(rank);
            let others = ready.iter().map(|step| name(*step));
            seen.began(name(step), rank as u32, 0, None, others);
            ran.push(step);
            if step.1 + 1 < self.steps {
                ready.push((step.0, step.1 + 1));
            }
        }
        (ran, seen)
    }

    /// Runs it under constraints, as the loop would.
    fn follow(self, constraints: &Constraints) -> (Vec<Step>, Seen) {
        let mut ahead = BTreeSet::new();
        for burst in &constraints.bursts {
            let all = (0..self.lanes).flat_map(|lane| (0..self.steps).map(move |step| (lane, step)));
            if let Some((lane, first)) = all.into_iter().find(|step| exact(*step) == burst.from) {
                ahead.extend((first..first + burst.steps).map(|step| (lane, step)));
            }
        }
        self.run(|ready, ran| {
            let has_run = |pattern| ran.iter().any(|step| exact(*step) == pattern);
            let is_free = |step: &Step| {
                constraints.holds.iter().all(|hold| hold.held != exact(*step) || has_run(hold.until))
            };
            let early = ready.iter().position(|step| ahead.contains(step) && is_free(step));
            early.or_else(|| ready.iter().position(is_free)).unwrap_or(0)
        })
    }
}

/// Fails if all pairs of steps ran in this order, and enough of these draws came out.
struct Model {
    program: Program,
    pairs: Vec<(Step, Step)>,
    draws: Vec<Drawn>,
    /// Fails otherwise if this pair did, and not all of those.
    other: Option<(Step, Step)>,
    runs: u64,
}

impl Model {
    fn how(&self, deviations: &Deviations) -> (Tried, Seen) {
        let none = Constraints::default();
        let legal = deviations.profile != Profile::Fifo;
        let constraints = deviations.loops.get(&0).filter(|_| legal).unwrap_or(&none);
        let (ran, seen) = self.program.follow(constraints);
        let at = |step: &Step| ran.iter().position(|ran| ran == step);
        let in_order = |pair: &(Step, Step)| at(&pair.0) < at(&pair.1);
        let came_out = |needed: &Drawn| {
            deviations.draws.iter().any(|drawn| {
                (drawn.kind, drawn.key) == (needed.kind, needed.key) && drawn.value >= needed.value
            })
        };
        let tried = if self.pairs.iter().all(in_order) && self.draws.iter().all(came_out) {
            Tried::Same
        } else if self.other.as_ref().is_some_and(in_order) {
            Tried::Other(Box::new(failure("another")))
        } else {
            Tried::Passed
        };
        (tried, seen)
    }
}

fn failure(message: &str) -> Failure {
    Failure {
        kind: FailureKind::Error,
        message: message.to_owned(),
        task: None,
        place: None,
        time: Instant::ZERO,
        step: 0,
        deadlock: None,
        identity: Identity::new(FailureKind::Error, None, message, Vec::new()),
    }
}

impl Trials for Model {
    fn run(&mut self, deviations: &Deviations) -> Tried {
        self.runs += 1;
        self.how(deviations).0
    }

    fn see(&mut self, deviations: &Deviations) -> Option<Observed> {
        self.runs += 1;
        let (tried, seen) = self.how(deviations);
        let observed = Observed { seen: BTreeMap::from([(0, seen)]), ..Observed::default() };
        matches!(tried, Tried::Same).then_some(observed)
    }
}

/// A run with this order, and its deviations.
fn observed(program: Program, words: &[usize]) -> (Vec<Step>, Observed) {
    let mut words = words.iter().cycle();
    let (ran, seen) = program.run(|ready, _| words.next().expect("there are some") % ready.len());
    (ran, Observed { seen: BTreeMap::from([(0, seen)]), ..Observed::default() })
}

fn shrunk(model: &mut Model, start: Deviations) -> Option<Minimum> {
    shrink(model, start, Budget::default(), &mut || Duration::ZERO)
}

prop_compose! {
    fn any_program()(lanes in 2u64..7, steps in 1u32..6) -> Program {
        Program { lanes, steps }
    }
}

proptest! {
    #[test]
    fn under_its_own_deviations_a_run_is_the_same_again(program in any_program(), words in prop::collection::vec(0usize..9, 1..40)) {
        let (ran, observed) = observed(program, &words);
        let deviations = Deviations::of(&observed, 0, Profile::AnyReady);
        let constraints = deviations.loops.get(&0).cloned().unwrap_or_default();
        prop_assert_eq!(program.follow(&constraints).0, ran);
    }

    #[test]
    fn what_remains_is_enough_and_each_of_it_is_necessary(
        program in any_program(),
        words in prop::collection::vec(0usize..9, 1..40),
        wanted in prop::collection::vec(((0u64..7, 0u32..6), (0u64..7, 0u32..6)), 1..4),
        drawn in prop::collection::vec((prop::sample::select(&Kind::ALL[..]), 0u64..9, 1u64..9_999), 0..9),
        needed in 0usize..3,
    ) {
        let (ran, mut observed) = observed(program, &words);
        let at = |step: &Step| ran.iter().position(|ran| ran == step);
        let in_order = |pair: &(Step, Step)| at(&pair.0).is_some() && at(&pair.0) < at(&pair.1);
        let pairs: Vec<_> = wanted.iter().copied().filter(in_order).collect();
        let mut drawn: Vec<Drawn> = drawn.into_iter().map(|(kind, key, value)| Drawn { kind, key, value }).collect();
        drawn.sort_unstable();
        drawn.dedup_by_key(|drawn| (drawn.kind, drawn.key));
        observed.draws.clone_from(&drawn);
        drawn.truncate(needed);
        let mut model = Model { program, pairs, draws: drawn, other: None, runs: 0 };
        let start = Deviations::of(&observed, 77, Profile::AnyReady);
        let minimum = shrunk(&mut model, start.clone()).expect("it fails under its own deviations");
        prop_assert!(!minimum.is_exhausted && minimum.is_certain);
        prop_assert!(minimum.deviations.len() <= start.len());
        prop_assert_eq!(minimum.runs, model.runs);
        prop_assert_eq!(minimum.deviations.data_seed, 0);
        for deviation in minimum.deviations.list() {
            let fewer = minimum.deviations.without(deviation);
            prop_assert!(matches!(model.how(&fewer).0, Tried::Passed), "{:?} is not needed", deviation);
        }
        prop_assert_eq!(minimum.without.len(), minimum.deviations.len());
        prop_assert!(minimum.without.iter().all(|(_, without)| *without == Without::Passes));
        prop_assert!(matches!(model.how(&minimum.deviations).0, Tried::Same));
    }
}

/// The minimum for a program of three lanes with five steps each, from the run in which the last lane runs first.
fn backwards(pairs: Vec<(Step, Step)>) -> (Model, Minimum) {
    let program = Program { lanes: 3, steps: 5 };
    let (_, observed) = observed(program, &[2]);
    let mut model = Model { program, pairs, draws: Vec::new(), other: None, runs: 0 };
    let minimum = shrunk(&mut model, Deviations::of(&observed, 3, Profile::AnyReady)).expect("it fails");
    (model, minimum)
}

#[test]
fn one_pair_in_the_wrong_order_is_one_hold_of_these_two() {
    let (_, minimum) = backwards(vec![((2, 1), (0, 1))]);
    let [Deviation::Hold(0, hold)] = minimum.deviations.list()[..] else { panic!("{minimum:?}") };
    assert_eq!((hold.held, hold.until), (exact((0, 1)), exact((2, 1))));
    assert!(minimum.runs < 50, "{}", minimum.runs);
}

#[test]
fn a_failure_of_the_ordinary_order_needs_no_deviation() {
    let (_, minimum) = backwards(Vec::new());
    assert_eq!((minimum.deviations.profile, minimum.deviations.len()), (Profile::Fifo, 0));
    assert_eq!(minimum.runs, 6, "the start, asyncio's order, data from seed 0, and three to be sure");
}

#[test]
fn a_lane_that_overtakes_all_others_is_one_burst() {
    let program = Program { lanes: 20, steps: 3 };
    let (_, observed) = observed(program, &[19]);
    let pairs = (0..19).map(|lane| ((19, 2), (lane, 0))).collect();
    let mut model = Model { program, pairs, draws: Vec::new(), other: None, runs: 0 };
    let minimum = shrunk(&mut model, Deviations::of(&observed, 0, Profile::AnyReady)).expect("it fails");
    assert!(matches!(minimum.deviations.list()[..], [Deviation::Burst(0, _)]), "{minimum:?}");
    assert!(minimum.runs < 50, "{}", minimum.runs);
}

#[test]
fn another_failure_on_the_way_is_kept_aside() {
    let program = Program { lanes: 3, steps: 3 };
    let (_, observed) = observed(program, &[5]);
    let (pairs, other) = (vec![((2, 1), (0, 1)), ((1, 1), (0, 1))], Some(((2, 1), (0, 1))));
    let mut model = Model { program, pairs, draws: Vec::new(), other, runs: 0 };
    let minimum = shrunk(&mut model, Deviations::of(&observed, 0, Profile::AnyReady)).expect("it fails");
    let seconds: Vec<&str> = minimum.seconds.iter().map(|second| second.failure.message.as_str()).collect();
    assert_eq!(seconds, ["another"]);
    assert!(matches!(model.how(&minimum.seconds[0].deviations).0, Tried::Other(_)));
}

#[test]
fn a_lost_packet_is_a_late_one_where_that_is_enough() {
    let late = Drawn { kind: Kind::Latency, key: 4, value: 1000 };
    let lost = Drawn { kind: Kind::Loss, key: 4, value: 1 };
    struct LateOrLost;
    impl Trials for LateOrLost {
        fn run(&mut self, deviations: &Deviations) -> Tried {
            let is_late = |drawn: &Drawn| drawn.key == 4 && (drawn.kind == Kind::Loss || drawn.value >= 1000);
            if deviations.draws.iter().any(is_late) { Tried::Same } else { Tried::Passed }
        }
        fn see(&mut self, _: &Deviations) -> Option<Observed> {
            Some(Observed::default())
        }
    }
    let none = Deviations::none(0, Profile::Fifo);
    let start = none.with([Deviation::Draw(lost), Deviation::Draw(Drawn { key: 9, ..late })]);
    let minimum =
        shrink(&mut LateOrLost, start, Budget::default(), &mut || Duration::ZERO).expect("it fails");
    let [Deviation::Draw(drawn)] = minimum.deviations.list()[..] else { panic!("{minimum:?}") };
    assert!(drawn.kind == Kind::Latency && (1000..2000).contains(&drawn.value), "{drawn:?}");
}

#[test]
fn a_spent_budget_ends_the_search_with_what_was_found() {
    let program = Program { lanes: 6, steps: 5 };
    let (_, observed) = observed(program, &[5, 1, 3]);
    let start = Deviations::of(&observed, 0, Profile::AnyReady);
    let model = || Model { program, pairs: vec![((5, 0), (0, 0))], draws: Vec::new(), other: None, runs: 0 };
    let budget = Budget { runs: 8, ..Budget::default() };
    let minimum = shrink(&mut model(), start.clone(), budget, &mut || Duration::ZERO).expect("it fails");
    assert!(minimum.is_exhausted && minimum.runs <= 8 + 3, "{}", minimum.runs);
    let mut seconds = 0;
    let mut clock = || {
        seconds += 3;
        Duration::from_secs(seconds)
    };
    let minimum = shrink(&mut model(), start, Budget::default(), &mut clock).expect("it fails");
    assert!(minimum.is_exhausted && minimum.runs <= 10 + 3, "{}", minimum.runs);
}

#[test]
fn what_does_not_fail_is_not_shrunk() {
    let program = Program { lanes: 2, steps: 1 };
    let mut model = Model { program, pairs: vec![((1, 0), (0, 0))], draws: Vec::new(), other: None, runs: 0 };
    assert!(shrunk(&mut model, Deviations::none(0, Profile::AnyReady)).is_none());
}
