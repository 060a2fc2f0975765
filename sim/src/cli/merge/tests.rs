//! What shards found adds up, whichever they are: here of a program that fails in several ways.

use super::*;
use crate::cli::results::Which;
use crate::explore::Hunt;
use crate::run::Simulation;
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use rand::Rng as _;
use std::ops::Range;

const RUNS: u64 = 60;

/// A program that fails in some of its runs, in one of a few ways.
fn simulation() -> Simulation {
    Simulation::new(|| async {
        let drawn = counterpoint_runtime::rng().next_u32();
        match drawn % 11 {
            0 => panic!("the till is empty"),
            1 => panic!("the till is locked"),
            2 => Err(counterpoint_runtime::Error::msg("no till")),
            _ => Ok(()),
        }
    })
}

fn which(all: bool) -> Which {
    Which {
        scenario: "till".to_owned(),
        fixed: false,
        seed: 0,
        profile: "any-ready".to_owned(),
        strategy: "portfolio".to_owned(),
        step_limit: None,
        runs: RUNS,
        all,
        coverage: true,
        program: String::new(),
    }
}

fn results(runs: Range<u64>, all: bool) -> Results {
    let simulation = simulation();
    let hunted = Hunt::new(&simulation).runs(runs.clone()).jobs(1).stop_at_first(!all).shrink_runs(0).start();
    let mut results = Results::new(which(all), None, [runs.start, runs.end], &hunted.tally);
    results.ended = true;
    results
}

/// What a report says of the runs, without the files.
fn essence(report: Report) -> String {
    let mut value = report.value();
    value["merged"] = serde_json::Value::Null;
    value.to_string()
}

fn merged_of(parts: Vec<Results>) -> Report {
    let named = parts.into_iter().enumerate().map(|(number, results)| (format!("{number}.json"), results));
    merged(named.collect()).expect("parts of one hunt")
}

#[test]
fn the_program_fails_in_several_ways() {
    let report = merged_of(vec![results(0..RUNS, true)]);
    assert_eq!(report.findings.len(), 3, "{}", report.value());
    assert!(report.findings.iter().any(|(first, _)| first.count > 1), "{}", report.value());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn parts_in_any_order_merge_to_the_whole(
        cuts in proptest::collection::btree_set(1..RUNS, 0..5),
        all: bool,
        order in any::<u64>(),
    ) {
        let ends: Vec<u64> = cuts.iter().copied().chain([RUNS]).collect();
        let begins = [0].into_iter().chain(cuts.iter().copied());
        let mut parts: Vec<Results> = begins.zip(&ends).map(|(begin, end)| results(begin..*end, all)).collect();
        let count = parts.len();
        parts.rotate_left(order as usize % count);
        parts.swap(0, order as usize / 7 % count);
        prop_assert_eq!(essence(merged_of(parts)), essence(merged_of(vec![results(0..RUNS, all)])));
    }
}

#[test]
fn an_unfinished_part_answers_for_what_it_has() {
    let mut part = results(0..RUNS / 2, true);
    part.ended = false;
    part.runs = [0, RUNS];
    let report = merged_of(vec![part]);
    let missing = report.merged.expect("it was merged").missing;
    assert_eq!(missing.to_string(), "30 to 59");
}
