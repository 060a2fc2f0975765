//! A bug hides from the ordinary order, and a random walk finds it.

use crate::{bugs, ordinary, program};
use counterpoint::explore::{Profile, Strategy};
use counterpoint::sim::FailureKind::{self, Deadlock, Panic};

/// What each bug ends in, and within how many random runs it has to be found: ten times the mean at least, so that
/// another stream of choices finds it as well.
const FOUND: &[(&str, FailureKind, u64)] = &[
    ("lost-update", Panic, 50),
    ("double-init", Panic, 50),
    ("bank-audit", Panic, 80),
    ("lost-update-rpc", Panic, 250),
    ("msg-reorder-stale", Panic, 400),
    ("lazy01", Panic, 60),
    ("wronglock-3", Panic, 50),
    ("barrier-reuse", Panic, 40),
    ("abba", Deadlock, 120),
    ("dining-3", Deadlock, 400),
    ("dining-4", Deadlock, 2_000),
    ("rwr-deadlock", Deadlock, 150),
    ("lost-wakeup", Deadlock, 150),
    ("status-after-stop", Deadlock, 250),
    ("timeout-vs-reply", Panic, 80),
    ("timeout-leaks-sender", Deadlock, 80),
    ("retry-executes-twice", Panic, 200),
    ("first-completed-double", Panic, 60),
    ("gather-sibling-leak", Panic, 120),
    ("cancel-leaves-lock", Deadlock, 100),
    ("cancel-breaks-invariant", Panic, 100),
    ("stale-leader-write", Panic, 600),
    ("duplicate-vote", Panic, 120),
    ("reorder-5", Panic, 400),
    ("reorder-20", Panic, 3_000),
];

#[test]
fn every_bug_is_in_the_table() {
    let mut listed: Vec<String> = bugs().iter().map(|scenario| scenario.name().to_owned()).collect();
    let mut expected: Vec<&str> = FOUND.iter().map(|(name, ..)| *name).collect();
    listed.sort_unstable();
    expected.sort_unstable();
    assert_eq!(listed, expected);
}

#[test]
fn the_ordinary_order_passes() {
    for scenario in bugs() {
        for profile in Profile::ALL {
            let outcome = ordinary(program(&scenario), profile).run().outcome;
            assert!(outcome.is_passed(), "`{}` under {profile}: {outcome:?}", scenario.name());
        }
    }
}

#[test]
fn a_random_walk_finds_it() {
    for scenario in bugs() {
        let (name, kind, runs) =
            FOUND.iter().find(|(name, ..)| *name == scenario.name()).expect("it is in the table");
        let simulation = program(&scenario).strategy(Strategy::RandomWalk);
        let found = (0..*runs).find_map(|number| {
            let outcome = simulation.clone().run_number(number).run().outcome;
            outcome.failure().map(|failure| failure.kind)
        });
        assert_eq!(found, Some(*kind), "`{name}` within {runs} runs");
    }
}

#[test]
fn all_failures_of_a_bug_are_one() {
    for scenario in bugs() {
        let simulation = program(&scenario).strategy(Strategy::RandomWalk);
        let mut identities: Vec<String> = (0..1_000)
            .filter_map(|number| {
                let outcome = simulation.clone().run_number(number).run().outcome;
                outcome.failure().map(|failure| failure.identity.to_string())
            })
            .collect();
        identities.sort_unstable();
        identities.dedup();
        assert!(identities.len() <= 1, "`{}` fails in several ways: {identities:?}", scenario.name());
    }
}
