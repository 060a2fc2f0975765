//! Run after run, until one fails.
//!
//! Run i of a seed is a pure function of the two, so the runs are divided among threads and what is found does not
//! depend on how: of all runs that fail, the one with the lowest number is reported. What becomes of a failure then is told
//! in `finding`.

use super::finding::{Finding, First, confirm};
use crate::outcome::{Failure, Identity, Outcome};
use crate::outside;
use crate::run::Simulation;
use crate::settings::Settings;
use crate::watch::Watch;
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many runs a thread takes at a time.
const SHARE: u64 = 16;

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
    progress: Option<&'a (dyn Fn(u64) + Sync)>,
}

/// What a hunt found.
#[derive(Debug)]
pub struct Hunted {
    /// How many runs were made, up to the one that ended the hunt.
    pub runs: u64,
    /// How many of them were inconclusive.
    pub inconclusive: u64,
    /// Why the first of these was.
    pub inconclusive_reason: Option<String>,
    /// The failures, each once, the one with the lowest run number first.
    pub findings: Vec<Finding>,
}

impl<'a> Hunt<'a> {
    /// A hunt over runs 0 to 999, on all processors, that stops at the first failure.
    pub fn new(simulation: &'a Simulation) -> Hunt<'a> {
        let jobs = std::thread::available_parallelism().map_or(1, NonZero::get);
        Hunt { simulation, runs: 0..1000, jobs, stop_at_first: true, progress: None }
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

    /// Tells `progress` of runs that were made: how many more.
    pub fn on_progress(self, progress: &'a (dyn Fn(u64) + Sync)) -> Hunt<'a> {
        Hunt { progress: Some(progress), ..self }
    }

    /// Hunts.
    pub fn start(self) -> Hunted {
        let shared = Shared { next: AtomicU64::new(self.runs.start), lowest: AtomicU64::new(u64::MAX) };
        let mut seen = Seen::default();
        if self.jobs == 1 {
            seen = self.work(&shared);
        } else {
            // These threads are no part of the run in which somebody may hunt.
            outside::suspended(|| {
                std::thread::scope(|scope| {
                    let workers: Vec<_> =
                        (0..self.jobs).map(|_| scope.spawn(|| self.work(&shared))).collect();
                    for worker in workers {
                        seen.add(worker.join().expect("a run catches the panics of its program"));
                    }
                });
            });
        }
        self.report(seen, shared.lowest.into_inner())
    }

    /// One thread's part.
    fn work(&self, shared: &Shared) -> Seen {
        let mut worker = Worker {
            hunt: self,
            shared,
            settings: self.simulation.settings.clone(),
            watch: Watch::default(),
            share: 0..0,
            untold: 0,
            seen: Seen::default(),
        };
        outside::keep_fresh(|| worker.run_next());
        worker.seen
    }

    /// A lower run has failed, so that this one cannot matter.
    fn is_over(&self, shared: &Shared, run: u64) -> bool {
        self.stop_at_first && run > shared.lowest.load(Ordering::Relaxed)
    }

    fn report(&self, mut seen: Seen, lowest: u64) -> Hunted {
        let mut runs = self.runs.end.saturating_sub(self.runs.start);
        if self.stop_at_first && lowest != u64::MAX {
            runs = lowest - self.runs.start + 1;
            // What the threads had tried beyond depends on their number.
            seen.inconclusive.retain(|(run, _)| *run < lowest);
            seen.failures.retain(|_, first| first.run == lowest);
            seen.failures.values_mut().for_each(|first| first.count = 1);
        }
        seen.inconclusive.sort_unstable();
        let mut firsts: Vec<First> = seen.failures.into_values().collect();
        firsts.sort_unstable_by_key(|first| first.run);
        Hunted {
            runs,
            inconclusive: seen.inconclusive.len() as u64,
            inconclusive_reason: seen.inconclusive.into_iter().next().map(|(_, reason)| reason),
            findings: firsts.into_iter().map(|first| confirm(self.simulation, first)).collect(),
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
    /// The first run that nobody has taken.
    next: AtomicU64,
    /// The lowest run that failed.
    lowest: AtomicU64,
}

/// What a thread has seen.
#[derive(Default)]
struct Seen {
    failures: BTreeMap<Identity, First>,
    inconclusive: Vec<(u64, String)>,
}

/// One thread of a hunt, on whatever threads it runs: see [`outside::keep_fresh`].
struct Worker<'a> {
    hunt: &'a Hunt<'a>,
    shared: &'a Shared,
    settings: Settings,
    watch: Watch,
    /// The runs that it has taken and not made.
    share: Range<u64>,
    /// The runs that it has made and not told of.
    untold: u64,
    seen: Seen,
}

impl Worker<'_> {
    /// Makes one run; false if none is left.
    fn run_next(&mut self) -> bool {
        if self.share.is_empty() {
            self.tell();
            let first = self.shared.next.fetch_add(SHARE, Ordering::Relaxed);
            self.share = first..first.saturating_add(SHARE).min(self.hunt.runs.end);
        }
        let run = self.share.start;
        if self.share.is_empty() || self.hunt.is_over(self.shared, run) {
            self.tell();
            return false; // what comes later cannot matter either
        }
        self.share.start += 1;
        self.untold += 1;
        self.settings.number = run;
        match self.hunt.simulation.run_as(&self.settings, &self.watch).outcome {
            Outcome::Passed => {}
            Outcome::Inconclusive(reason) => self.seen.inconclusive.push((run, reason)),
            Outcome::Failed(failure) => {
                self.shared.lowest.fetch_min(run, Ordering::Relaxed);
                self.seen.add_failure(run, 1, *failure);
            }
        }
        true
    }

    fn tell(&mut self) {
        let made = std::mem::take(&mut self.untold);
        if let Some(progress) = self.hunt.progress.filter(|_| made > 0) {
            progress(made);
        }
    }
}

impl Seen {
    fn add_failure(&mut self, run: u64, count: u64, failure: Failure) {
        match self.failures.get_mut(&failure.identity) {
            None => {
                self.failures.insert(failure.identity.clone(), First { run, count, failure });
            }
            Some(first) => {
                first.count += count;
                if run < first.run {
                    (first.run, first.failure) = (run, failure);
                }
            }
        }
    }

    fn add(&mut self, other: Seen) {
        self.inconclusive.extend(other.inconclusive);
        for First { run, count, failure } in other.failures.into_values() {
            self.add_failure(run, count, failure);
        }
    }
}

impl Hunted {
    /// Did no run fail? Runs may have been inconclusive.
    pub fn passed(&self) -> bool {
        self.findings.is_empty()
    }

    /// Panics with the report of the first failure, if there is one: for tests.
    ///
    /// # Panics
    /// If a run failed.
    #[track_caller]
    pub fn assert_passed(&self) {
        if let Some(finding) = self.findings.first() {
            panic!("{}", finding.report());
        }
    }
}
