//! A run of a hunt is the same alone, whatever it learned, and in a world of hosts as well.

use crate::{bugs, program};
use counterpoint::explore::Hunt;

#[test]
fn what_a_hunt_found_late_is_found_alone_and_on_two_threads() {
    for scenario in bugs() {
        let simulation = program(&scenario).seed(3);
        // Of the last epoch: such a run is taught by 24 others, of its hosts' loops as well.
        let hunted =
            |jobs| Hunt::new(&simulation).runs(520..2_000).jobs(jobs).coverage(false).shrink_runs(0).start();
        let (one, two) = (hunted(1), hunted(2));
        let found = |hunted: &counterpoint::explore::Hunted| {
            hunted.findings.first().map(|finding| (finding.run, finding.watched.fingerprint))
        };
        assert_eq!(found(&one), found(&two), "`{}`", scenario.name());
        let (run, fingerprint) = found(&one).unwrap_or_else(|| panic!("`{}` is not found", scenario.name()));
        let alone = simulation.clone().run_number(run).run();
        assert_eq!(alone.fingerprint, fingerprint, "`{}`, run {run}", scenario.name());
        let identity = alone.outcome.failure().map(|failure| failure.identity.clone());
        assert_eq!(identity.as_ref(), Some(&one.findings[0].failure.identity), "`{}`", scenario.name());
    }
}
