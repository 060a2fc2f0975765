//! What runs learn from earlier ones, so that each is still a pure function of its seed and number.
//!
//! A strategy that learned from whatever ran before it would depend on the number of threads, and no run could be made
//! alone. So a run learns from a few runs that are fixed in advance:
//!
//! | epoch | runs | learn from |
//! |---|---|---|
//! | 0 | 0 to 7 | nothing |
//! | 1 | 8 to 63 | runs 0 to 7 |
//! | 2 | 64 to 511 | these, and 56 to 63 |
//! | 3 | 512 and later | these, and 504 to 511 |
//!
//! Whoever makes a run makes the runs that it learns from first, each as its own epoch has it; a hunt does so once for all
//! its threads. They are watched, and cut after [`STEPS_MAX`] steps, since what is seen takes room.

use crate::ending::Run;
use crate::explore::portfolio::UNTAUGHT;
use crate::run::Simulation;
use crate::settings::Settings;
use crate::watch::Watch;
use counterpoint_runtime::schedule::Lessons;
use std::sync::{Arc, OnceLock};

/// Where the later epochs begin.
const EPOCHS: [u64; 3] = [UNTAUGHT, 64, 512];
/// How many runs before an epoch it learns from.
const LEARNED_FROM: u64 = 8;
/// The most steps of a run that is learned from.
const STEPS_MAX: u64 = 10_000;

/// The lessons for the runs of one simulation and seed, each learned when it is first asked for.
#[derive(Debug, Default)]
pub(crate) struct Learning {
    epochs: [OnceLock<Arc<Lessons>>; EPOCHS.len()],
}

impl Learning {
    /// Makes a run of the simulation, with the lessons that it needs. All runs have the same settings, but for the number.
    pub(crate) fn run(&self, simulation: &Simulation, settings: &Settings, watch: &Watch) -> Run {
        match self.lessons(simulation, settings, watch) {
            None => simulation.run_as(settings, watch),
            lessons => simulation.run_as(settings, &Watch { lessons, ..watch.clone() }),
        }
    }

    /// The lessons for a run; none if it needs none.
    pub(crate) fn lessons(
        &self,
        simulation: &Simulation,
        settings: &Settings,
        watch: &Watch,
    ) -> Option<Arc<Lessons>> {
        let follows = watch.replay.is_some() || watch.deviations.is_some() || watch.prefix.is_some();
        let epoch = epoch_of(settings.number);
        (epoch > 0 && settings.learns() && !follows).then(|| self.of_epoch(epoch, simulation, settings))
    }

    fn of_epoch(&self, epoch: usize, simulation: &Simulation, settings: &Settings) -> Arc<Lessons> {
        let learn = || {
            let mut lessons = match epoch {
                1 => Lessons::default(),
                _ => self.of_epoch(epoch - 1, simulation, settings).as_ref().clone(),
            };
            let begin = EPOCHS[epoch - 1];
            for number in begin - LEARNED_FROM..begin {
                let mut settings = Settings { number, ..settings.clone() };
                settings.limits.steps =
                    Some(settings.limits.steps.map_or(STEPS_MAX, |steps| steps.min(STEPS_MAX)));
                let seen =
                    self.run(simulation, &settings, &Watch { seen: true, ..Watch::default() }).observed.seen;
                lessons.learn(seen.iter().map(|(number, seen)| (*number, seen)));
            }
            Arc::new(lessons)
        };
        Arc::clone(self.epochs[epoch - 1].get_or_init(learn))
    }
}

/// The epoch of a run.
fn epoch_of(run: u64) -> usize {
    EPOCHS.iter().filter(|begin| run >= **begin).count()
}

impl Simulation {
    /// Runs the program once.
    ///
    /// On Linux the clocks and the random bytes of the C library are the run's while it is active. It runs on this
    /// thread, or on another one if somebody has asked for random bytes here, as every `HashMap` does: so a program
    /// should not put results into thread-locals.
    ///
    /// Where the strategy learns, as most of a hunt's do, a run with a [number](Simulation::run_number) of 8 or more is
    /// taught by up to 24 others, which are made first and not told of.
    ///
    /// # Examples
    /// ```
    /// use counterpoint as asyncio;
    /// use counterpoint::sim::Simulation;
    /// use std::time::Duration;
    ///
    /// let simulation = Simulation::new(|| asyncio::sleep(Duration::from_secs(3600)));
    /// let run = simulation.run();
    /// assert!(run.outcome.is_passed());
    /// assert_eq!(run.time.to_string(), "01:00:00.000");
    /// assert_eq!(run.fingerprint, simulation.run().fingerprint);
    /// ```
    pub fn run(&self) -> Run {
        Learning::default().run(self, &self.settings, &self.watch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_begin_after_the_runs_that_they_learn_from() {
        let epochs = [0, 7, 8, 63, 64, 511, 512, u64::MAX].map(epoch_of);
        assert_eq!(epochs, [0, 0, 1, 1, 2, 2, 3, 3]);
        assert!(EPOCHS.iter().all(|begin| epoch_of(begin - LEARNED_FROM) == epoch_of(begin - 1)));
    }
}
