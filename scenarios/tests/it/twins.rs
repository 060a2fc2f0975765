//! No false alarm: a fixed twin survives every order.

use crate::{bugs, fixed, ordinary};
use counterpoint::explore::{Profile, Strategy};
use counterpoint::sim::Outcome;

/// How many random orders each twin has to survive: `COUNTERPOINT_RUNS`, or few enough for every day.
fn runs() -> u64 {
    match std::env::var("COUNTERPOINT_RUNS") {
        Ok(runs) => runs.parse().expect("COUNTERPOINT_RUNS is a number"),
        Err(_) => 2_000,
    }
}

#[test]
fn a_twin_passes_in_the_ordinary_order() {
    for scenario in bugs() {
        for profile in Profile::ALL {
            let outcome = ordinary(fixed(&scenario), profile).run().outcome;
            assert!(outcome.is_passed(), "the twin of `{}` under {profile}: {outcome:?}", scenario.name());
        }
    }
}

#[test]
fn a_twin_survives_random_orders() {
    for scenario in bugs() {
        let simulation = fixed(&scenario).strategy(Strategy::RandomWalk).tasks_must_end(true);
        for number in 0..runs() {
            match simulation.clone().run_number(number).run().outcome {
                Outcome::Passed => {}
                outcome => panic!("run {number} of the twin of `{}`: {outcome:?}", scenario.name()),
            }
        }
    }
}
