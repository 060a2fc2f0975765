//! What is found is shrunk: few constraints, few runs, each of them necessary; a token brings the failure back.

use crate::{bugs, program};
use counterpoint::explore::{Hunt, Matched, Shrunk, Token, TokenVerdict, replay_token};
use counterpoint::sim::Simulation;

/// The first failure of a bug under a seed, shrunk.
fn shrunk(simulation: &Simulation, seed: u64) -> Option<Shrunk> {
    let simulation = simulation.clone().seed(seed);
    let hunted = Hunt::new(&simulation).runs(0..2_000).coverage(false).start();
    let finding = hunted.findings.into_iter().next()?;
    Some(finding.shrunk.expect("what comes back can be shrunk"))
}

#[track_caller]
fn check_token(simulation: &Simulation, token: &Token) {
    let read: Token = token.to_string().parse().expect("it was written as a token");
    assert_eq!(read, *token);
    for _ in 0..3 {
        let replayed = replay_token(simulation, &read).expect("it is of this simulation");
        assert_eq!(replayed.verdict, TokenVerdict::Same(Matched::Exactly), "{token}");
        assert!(replayed.unmet.is_empty() && replayed.run.outcome.failure().is_some(), "{token}");
    }
}

/// The value below which so many in a hundred are.
fn percentile(values: &mut [u64], percent: usize) -> u64 {
    values.sort_unstable();
    values[(values.len() - 1) * percent / 100]
}

#[test]
fn failures_shrink_to_few_constraints_in_few_runs_and_tokens_bring_them_back() {
    let (mut constraints, mut runs) = (Vec::new(), Vec::new());
    for scenario in bugs() {
        let simulation = program(&scenario);
        for shrunk in [1, 2].into_iter().filter_map(|seed| shrunk(&simulation, seed)) {
            println!(
                "{} {} runs, {} chars, proven {}: {}\n{:?}\n{}",
                scenario.name(),
                shrunk.runs,
                shrunk.token.to_string().len(),
                shrunk.is_proven,
                shrunk.token,
                shrunk.constraints,
                shrunk.report()
            );
            assert!(shrunk.is_proven && !shrunk.is_exhausted, "`{}`: {}", scenario.name(), shrunk.sentence);
            assert_eq!(shrunk.constraints.len(), shrunk.token.len(), "`{}`", scenario.name());
            check_token(&simulation, &shrunk.token);
            constraints.push(shrunk.constraints.len() as u64);
            runs.push(shrunk.runs);
        }
    }
    assert!(percentile(&mut constraints, 50) <= 2, "{constraints:?}");
    assert!(percentile(&mut constraints, 90) <= 4, "{constraints:?}");
    assert!(percentile(&mut runs, 50) < 50, "{runs:?}");
}
