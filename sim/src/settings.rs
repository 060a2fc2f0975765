//! All that decides a run, beside its program: plain values, as a recording keeps them.

use counterpoint_runtime::{Profile, Strategy};
use std::time::Duration;

/// The most steps of a run, where nothing else is said.
const STEP_LIMIT: u64 = 1_000_000;

/// All that decides a run, beside its program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) seed: u64,
    /// Which run of the seed.
    pub(crate) number: u64,
    pub(crate) profile: Profile,
    pub(crate) strategy: Strategy,
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
            strategy: Strategy::RandomWalk,
            limits: Limits { ticks: None, steps: Some(STEP_LIMIT), time: None },
            step_cost: None,
            tasks_must_end: false,
        }
    }
}

impl Settings {
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
