//! Every scenario does what its text says.

mod bugs;
mod hunts;
mod lessons;
mod shrinking;
mod twins;

use counterpoint::cli::Scenario;
use counterpoint::explore::{Profile, Strategy};
use counterpoint::sim::Simulation;

/// The scenarios that have a fixed twin.
fn bugs() -> Vec<Scenario> {
    counterpoint_scenarios::all()
        .into_iter()
        .filter(|scenario| scenario.fixed_simulation().is_some())
        .collect()
}

/// The scenarios that are expected to pass.
fn lessons() -> Vec<Scenario> {
    counterpoint_scenarios::all()
        .into_iter()
        .filter(|scenario| scenario.fixed_simulation().is_none())
        .collect()
}

fn program(scenario: &Scenario) -> Simulation {
    scenario.simulation().expect("a scenario has a program")
}

fn fixed(scenario: &Scenario) -> Simulation {
    scenario.fixed_simulation().expect("a bug has a fixed twin")
}

/// The ordinary order under a profile.
fn ordinary(simulation: Simulation, profile: Profile) -> Simulation {
    simulation.profile(profile).strategy(Strategy::Fifo).tasks_must_end(true)
}

#[test]
fn names_are_kebab_case_and_differ() {
    let mut names: Vec<String> =
        counterpoint_scenarios::all().iter().map(|scenario| scenario.name().to_owned()).collect();
    for name in &names {
        let kebab = name.split('-').all(|word| {
            !word.is_empty()
                && word.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
        });
        assert!(kebab, "`{name}` is not in kebab-case");
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "two scenarios have one name");
}

#[test]
fn the_same_seed_is_the_same_run() {
    for scenario in counterpoint_scenarios::all() {
        let programs = [scenario.simulation(), scenario.fixed_simulation()];
        for simulation in programs.into_iter().flatten() {
            for seed in 0..20 {
                let simulation = simulation.clone().strategy(Strategy::RandomWalk).seed(seed);
                let (once, again) = (simulation.run(), simulation.run());
                assert_eq!(once.fingerprint, again.fingerprint, "`{}`, seed {seed}", scenario.name());
                assert_eq!(once.outcome.name(), again.outcome.name(), "`{}`, seed {seed}", scenario.name());
            }
        }
    }
}

#[test]
fn different_seeds_are_different_runs() {
    for scenario in bugs() {
        let fingerprint =
            |seed| program(&scenario).strategy(Strategy::RandomWalk).seed(seed).run().fingerprint;
        let mut fingerprints: Vec<u64> = (0..100).map(fingerprint).collect();
        fingerprints.sort_unstable();
        fingerprints.dedup();
        assert!(fingerprints.len() > 1, "`{}` has one order only", scenario.name());
    }
}
