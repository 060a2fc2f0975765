//! All that decides a run, beside its program: plain values, as a recording keeps them.

use crate::explore::portfolio::Sampling;
use counterpoint_runtime::{Profile, Strategy};
use std::time::Duration;

/// The most steps of a run, where nothing else is said.
const STEP_LIMIT: u64 = 1_000_000;

/// After so many steps no strategy passes anybody over any more.
const FAIR_AFTER: u64 = 20_000;

/// All that decides a run, beside its program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) seed: u64,
    /// Which run of the seed.
    pub(crate) number: u64,
    pub(crate) profile: Profile,
    pub(crate) sampling: Sampling,
    pub(crate) limits: Limits,
    pub(crate) step_cost: Option<(Duration, Duration)>,
    pub(crate) tasks_must_end: bool,
}

/// How long a run may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) ticks: Option<u64>,
    pub(crate) steps: Option<u64>,
    pub(crate) time: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            seed: 0,
            number: 0,
            profile: Profile::AnyReady,
            sampling: Sampling::Portfolio,
            limits: Limits { ticks: None, steps: Some(STEP_LIMIT), time: None },
            step_cost: None,
            tasks_must_end: false,
        }
    }
}

impl Settings {
    /// The strategy of this run.
    pub(crate) fn strategy(&self) -> Strategy {
        self.sampling.strategy_of(self.number)
    }

    /// Does the strategy of this run learn from earlier ones?
    pub(crate) fn learns(&self) -> bool {
        self.profile != Profile::Fifo && self.strategy().learns()
    }

    /// After how many steps the order becomes fair; none if it is from the first.
    ///
    /// A strategy by priorities may let one task wait for ever, and a program that polls would not end through no fault of
    /// its own. So the last half of a run that reaches its limit is always fair.
    pub(crate) fn fair_after(&self) -> Option<u64> {
        let fair = matches!(self.strategy(), Strategy::Fifo | Strategy::RandomWalk | Strategy::WeightedWalk);
        let is_fair = fair || self.profile == Profile::Fifo;
        (!is_fair).then(|| self.limits.steps.map_or(FAIR_AFTER, |steps| FAIR_AFTER.min(steps / 2)))
    }

    /// The seed of the loop. Run 0 has the seed's own, so that a hunt begins with the run that a single one shows.
    pub(crate) fn loop_seed(&self) -> u64 {
        if self.number == 0 {
            return self.seed;
        }
        // SplitMix64, one output for each number.
        let mut word = self.seed.wrapping_add(self.number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ word >> 31
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_of_a_seed_has_a_seed_of_its_own() {
        let seed_of = |number| Settings { seed: 7, number, ..Settings::default() }.loop_seed();
        assert_eq!(seed_of(0), 7);
        let mut seeds: Vec<u64> = (0..1000).map(seed_of).collect();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 1000);
        assert_eq!(seed_of(1), 0x63CB_E1E4_5932_0DD7, "a recording relies on it");
    }
}
