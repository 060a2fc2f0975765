//! Run after run, until one fails.
//!
//! Run i of a seed is a pure function of the two, so the runs are divided among threads and what is found does not
//! depend on how: of all runs that fail, the one with the lowest number is reported. What becomes of a failure then is told
//! in `finding`.
//!
//! Each thread keeps a tally of its own. Where somebody watches, or time is short, it looks at the clock after each share
//! of its runs and adds its tally to the common one, which is shown and kept.

use super::covered::{Covered, gaps_of};
use super::finding::{Finding, confirm};
use super::learning::Learning;
use super::stopwatch::Stopwatch;
use super::tally::Tally;
use crate::outside;
use crate::run::Simulation;
use crate::settings::Settings;
use crate::shrink::Budget;
use crate::watch::Watch;
use std::fmt;
use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many runs a thread takes at a time.
const SHARE: u64 = 16;
/// So many distinct failures are shrunk.
const SHRUNK_MAX: usize = 10;
/// How often a thread says what it has.
const TELL_EVERY: Duration = Duration::from_millis(200);
/// How often what the hunt has so far is kept.
const KEEP_EVERY: Duration = Duration::from_secs(2);

/// Runs a simulation so many times, on all processors, until a run fails.
///
/// # Examples
/// ```
/// use counterpoint as asyncio;
/// use counterpoint::{explore::hunt, sim::Simulation};
///
/// let simulation = Simulation::new(|| async {
///     let late = asyncio::create_task(async { Ok(()) });
///     asyncio::sleep(std::time::Duration::ZERO).await?;
///     assert!(late.done(), "in asyncio's order it is");
///     Ok(())
/// });
/// let hunted = hunt(&simulation, 100);
/// assert_eq!(hunted.findings[0].failure.message, "in asyncio's order it is");
/// ```
pub fn hunt(simulation: &Simulation, runs: u64) -> Hunted {
    Hunt::new(simulation).runs(0..runs).start()
}

/// Many runs of one simulation.
///
/// # Examples
/// ```
/// use counterpoint::{explore::Hunt, sim::Simulation};
///
/// let simulation = Simulation::new(|| async { Ok(()) }).seed(7);
/// let hunted = Hunt::new(&simulation).runs(100..200).jobs(2).start();
/// assert!(hunted.passed());
/// assert_eq!(hunted.runs, 100);
/// ```
#[derive(Clone)]
pub struct Hunt<'a> {
    simulation: &'a Simulation,
    runs: Range<u64>,
    jobs: usize,
    stop_at_first: bool,
    covers: bool,
    time: Option<Duration>,
    shrinking: Budget,
    begun: Tally,
    progress: Option<&'a (dyn Fn(Progress) + Sync)>,
    keeper: Option<&'a (dyn Fn(&Tally) + Sync)>,
}

/// How far a hunt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many runs were made.
    pub runs: u64,
    /// How many distinct behaviours they showed, or about how many.
    pub behaviours: u64,
    /// How many distinct failures they found.
    pub failures: u64,
}

/// What a hunt found.
#[derive(Debug)]
pub struct Hunted {
    /// How many runs were made, up to the one that ended the hunt.
    pub runs: u64,
    /// How many runs it had no time for: see [`Hunt::time`].
    pub left: u64,
    /// How many of them were inconclusive.
    pub inconclusive: u64,
    /// Why the first of these was.
    pub inconclusive_reason: Option<String>,
    /// The failures, each once, the one with the lowest run number first.
    pub findings: Vec<Finding>,
    /// What the runs covered; none if it was not asked for.
    pub covered: Option<Covered>,
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "only files keep it"))]
    pub(crate) tally: Tally,
}

impl<'a> Hunt<'a> {
    /// A hunt over runs 0 to 999, on all processors, that stops at the first failure.
    pub fn new(simulation: &'a Simulation) -> Hunt<'a> {
        Hunt {
            simulation,
            runs: 0..1000,
            jobs: std::thread::available_parallelism().map_or(1, NonZero::get),
            stop_at_first: true,
            covers: true,
            time: None,
            shrinking: Budget::default(),
            begun: Tally::default(),
            progress: None,
            keeper: None,
        }
    }

    /// Sets the numbers of the runs.
    pub fn runs(self, runs: Range<u64>) -> Hunt<'a> {
        Hunt { runs, ..self }
    }

    /// Sets how many threads run. What is found does not depend on it. Default: one for each processor.
    pub fn jobs(self, jobs: usize) -> Hunt<'a> {
        Hunt { jobs: jobs.max(1), ..self }
    }

    /// Stops at the lowest run that fails, or makes all runs and gives every failure once. Default: stops.
    pub fn stop_at_first(self, stop: bool) -> Hunt<'a> {
        Hunt { stop_at_first: stop, ..self }
    }

    /// Looks at what runs cover, which makes them somewhat slower. Default: on.
    pub fn coverage(self, on: bool) -> Hunt<'a> {
        Hunt { covers: on, ..self }
    }

    /// Stops when so much real time has passed, each thread after the run that it is making. Default: never.
    ///
    /// What is found then depends on the speed of the machine; each run that was made does not.
    pub fn time(self, time: Duration) -> Hunt<'a> {
        Hunt { time: Some(time), ..self }
    }

    /// Sets how many runs may be made to shrink a failure; with 0 none is shrunk. Default: 2,000, and 10 seconds. Of many
    /// distinct failures the ten with the lowest runs are shrunk.
    pub fn shrink_runs(mut self, runs: u64) -> Hunt<'a> {
        self.shrinking.runs = runs;
        self
    }

    /// Shrinks for as many runs as are allowed, however long they take: what is told then depends on no clock.
    #[cfg(feature = "cli")]
    pub(crate) fn shrink_without_clock(mut self) -> Hunt<'a> {
        self.shrinking.time = Duration::MAX;
        self
    }

    /// Tells `progress` a few times a second how far the hunt is.
    pub fn on_progress(self, progress: &'a (dyn Fn(Progress) + Sync)) -> Hunt<'a> {
        Hunt { progress: Some(progress), ..self }
    }

    /// Gives `keep` what came of all runs so far, every few seconds and at the end.
    #[cfg(feature = "cli")]
    pub(crate) fn keep(self, keep: &'a (dyn Fn(&Tally) + Sync)) -> Hunt<'a> {
        Hunt { keeper: Some(keep), ..self }
    }

    /// Goes on from what came of some of the runs before.
    #[cfg(feature = "cli")]
    pub(crate) fn go_on_from(self, begun: Tally) -> Hunt<'a> {
        Hunt { begun, ..self }
    }

    /// Hunts.
    pub fn start(self) -> Hunted {
        let shared = self.make_runs();
        self.report(shared)
    }

    /// Hunts, and looks no closer at what was found.
    #[cfg(feature = "cli")]
    pub(crate) fn tally(self) -> Tally {
        self.make_runs().total.into_inner().unwrap_or_else(PoisonError::into_inner).tally
    }

    fn make_runs(&self) -> Shared {
        let shared = Shared::new(self);
        if self.jobs == 1 {
            self.work(&shared);
        } else {
            // These threads are no part of the run in which somebody may hunt.
            outside::suspended(|| {
                std::thread::scope(|scope| {
                    let workers: Vec<_> =
                        (0..self.jobs).map(|_| scope.spawn(|| self.work(&shared))).collect();
                    for worker in workers {
                        worker.join().expect("a run catches the panics of its program");
                    }
                });
            });
        }
        if let Some(keep) = self.keeper {
            keep(&shared.total().tally);
        }
        shared
    }

    /// One thread's part.
    fn work(&self, shared: &Shared) {
        let mut worker = Worker {
            hunt: self,
            shared,
            settings: self.simulation.settings.clone(),
            watch: Watch { behaviour: self.covers, ..Watch::default() },
            share: 0..0,
            is_slow: false,
            told_at: Duration::ZERO,
            tally: Tally::default(),
        };
        outside::keep_fresh(|| worker.run_next());
        worker.hand_over();
    }

    /// A lower run has failed, so that this one cannot matter.
    fn is_over(&self, shared: &Shared, run: u64) -> bool {
        self.stop_at_first && run > shared.lowest.load(Ordering::Relaxed)
    }

    fn report(&self, shared: Shared) -> Hunted {
        let Shared { total, learning, .. } = shared;
        let mut tally = total.into_inner().unwrap_or_else(PoisonError::into_inner).tally;
        let (sampling, mut runs) = (self.simulation.settings.sampling, self.runs.clone());
        if let Some(lowest) = tally.lowest_failed().filter(|_| self.stop_at_first) {
            tally.stop_at(lowest, sampling.strategy_of(lowest));
            runs.end = runs.end.min(lowest + 1);
        }
        let covered = self.covers.then(|| {
            // Who has a failure to look at does not ask what else there is.
            let tells_gaps = tally.failures.is_empty() || !self.stop_at_first;
            let gaps =
                if tells_gaps { gaps_of(&tally.coverage, self.simulation, &learning) } else { Vec::new() };
            Covered { gaps, ..Covered::of(&tally, sampling) }
        });
        let mut firsts: Vec<_> = tally.failures.values().cloned().collect();
        firsts.sort_unstable_by_key(|first| first.run);
        // Of a program that fails in hundreds of ways nobody reads more.
        let told = |(index, first)| {
            let runs = if index < SHRUNK_MAX { self.shrinking.runs } else { 0 };
            confirm(self.simulation, &learning, first, Budget { runs, ..self.shrinking })
        };
        Hunted {
            runs: tally.done.len(),
            left: tally.done.missing(runs).len(),
            inconclusive: tally.inconclusive.len(),
            inconclusive_reason: tally.inconclusive_reason.as_ref().map(|(_, reason)| reason.clone()),
            findings: firsts.into_iter().enumerate().map(told).collect(),
            covered,
            tally,
        }
    }
}

impl fmt::Debug for Hunt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Hunt { simulation, runs, jobs, .. } = self;
        f.debug_struct("Hunt")
            .field("simulation", simulation)
            .field("runs", runs)
            .field("jobs", jobs)
            .finish()
    }
}

/// What the threads of a hunt share.
struct Shared {
    /// The runs that are to be made.
    todo: Vec<Range<u64>>,
    /// How many of these were taken.
    taken: AtomicU64,
    /// The lowest run that failed.
    lowest: AtomicU64,
    out_of_time: AtomicBool,
    learning: Learning,
    stopwatch: Stopwatch,
    total: Mutex<Total>,
}

/// What came of the runs that threads have told of.
struct Total {
    tally: Tally,
    /// When it was last given to whoever keeps it.
    kept_at: Option<Duration>,
}

impl Shared {
    fn new(hunt: &Hunt<'_>) -> Shared {
        let tally = hunt.begun.clone();
        Shared {
            todo: tally.done.missing(hunt.runs.clone()).ranges().to_vec(),
            taken: AtomicU64::new(0),
            lowest: AtomicU64::new(tally.lowest_failed().unwrap_or(u64::MAX)),
            out_of_time: AtomicBool::new(false),
            learning: Learning::default(),
            stopwatch: Stopwatch::new(),
            total: Mutex::new(Total { tally, kept_at: None }),
        }
    }

    /// Takes some runs, as numbers among those that are to be made.
    fn take(&self) -> Range<u64> {
        let first = self.taken.fetch_add(SHARE, Ordering::Relaxed);
        first..first.saturating_add(SHARE)
    }

    /// The so-manyth run that is to be made.
    fn run_at(&self, mut index: u64) -> Option<u64> {
        for range in &self.todo {
            let length = range.end - range.start;
            if index < length {
                return Some(range.start + index);
            }
            index -= length;
        }
        None
    }

    fn total(&self) -> MutexGuard<'_, Total> {
        self.total.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One thread of a hunt, on whatever threads it runs: see [`outside::keep_fresh`].
struct Worker<'a> {
    hunt: &'a Hunt<'a>,
    shared: &'a Shared,
    settings: Settings,
    watch: Watch,
    /// The runs that it has taken and not made, as numbers among those that are to be made.
    share: Range<u64>,
    /// A share takes long, so that the clock is looked at after each run.
    is_slow: bool,
    told_at: Duration,
    /// What it has not told of.
    tally: Tally,
}

impl Worker<'_> {
    /// Makes one run; false if none is left.
    fn run_next(&mut self) -> bool {
        if self.share.is_empty() {
            self.share = self.shared.take();
        }
        let Some(run) = self.shared.run_at(self.share.start) else { return false };
        if self.hunt.is_over(self.shared, run) || self.shared.out_of_time.load(Ordering::Relaxed) {
            return false; // what comes later cannot matter either
        }
        self.share.start += 1;
        self.settings.number = run;
        let made = self.shared.learning.run(self.hunt.simulation, &self.settings, &self.watch);
        if self.tally.count(run, self.settings.strategy(), made) {
            self.shared.lowest.fetch_min(run, Ordering::Relaxed);
        }
        if self.is_slow || self.share.is_empty() {
            self.look_at_the_clock();
        }
        true
    }

    fn look_at_the_clock(&mut self) {
        let Hunt { time, progress, keeper, .. } = self.hunt;
        if time.is_none() && progress.is_none() && keeper.is_none() {
            return;
        }
        let now = self.shared.stopwatch.elapsed();
        if time.is_some_and(|time| now >= time) {
            self.shared.out_of_time.store(true, Ordering::Relaxed);
        }
        let since = now.saturating_sub(self.told_at);
        self.is_slow |= since >= TELL_EVERY / 2 && self.tally.done.len() <= SHARE;
        if since >= TELL_EVERY {
            self.told_at = now;
            self.hand_over();
        }
    }

    /// Adds what it has to what all have.
    fn hand_over(&mut self) {
        let mut total = self.shared.total();
        total.tally.add(std::mem::take(&mut self.tally));
        let Total { tally, kept_at } = &mut *total;
        if let Some(progress) = self.hunt.progress {
            progress(Progress {
                runs: tally.done.len(),
                behaviours: tally.coverage.behaviours(),
                failures: tally.failures.len() as u64,
            });
        }
        if let Some(keep) = self.hunt.keeper {
            let now = self.shared.stopwatch.elapsed();
            if kept_at.is_none_or(|kept_at| now.saturating_sub(kept_at) >= KEEP_EVERY) {
                *kept_at = Some(now);
                keep(tally);
            }
        }
    }
}

impl Hunted {
    /// Did no run fail? Runs may have been inconclusive.
    pub fn passed(&self) -> bool {
        self.findings.is_empty()
    }

    /// Panics with the report and the token of the first failure, if there is one: for tests.
    ///
    /// # Panics
    /// If a run failed.
    #[track_caller]
    pub fn assert_passed(&self) {
        if let Some(finding) = self.findings.first() {
            let report = finding.report();
            match &finding.shrunk {
                None => panic!("{report}"),
                Some(shrunk) => {
                    panic!("{report}\nreplay_token brings it back from this token:  {}", shrunk.token)
                }
            }
        }
    }
}
