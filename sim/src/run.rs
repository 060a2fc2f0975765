//! One run: a program, and all that decides how it goes.
//!
//! A [`Simulation`] is a description; [`Simulation::run`] makes a loop, runs the program to its end, closes the loop,
//! and says what came of it. A run is a pure function of the description: its [`Run`] is the same on every thread.
//!
//! What a program leaves behind is part of it. When its main coroutine has ended, the tasks that are still alive are
//! cancelled and waited for, as `asyncio.run` does; an error that nobody retrieved, up to the close of the loop, is a
//! failure. Once something is wrong the run is cut there: nothing that happens later changes the failure.

use crate::log;
use crate::outcome::{Failure, FailureKind, Identity, Outcome};
use crate::panics::{Panic, caught};
use crate::recording::{RecordedFailure, Recording};
use crate::report;
use crate::settings::Settings;
use counterpoint_runtime::choices::recording::{Divergence, RecordedStep, Replay};
use counterpoint_runtime::trace::Trace;
use counterpoint_runtime::{
    Deadlock, Error, ErrorContext, ErrorKind, EventLoop, Instant, Limit, Profile, Result, Runner, Strategy,
};
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// A program and all that decides a run of it.
///
/// # Examples
/// ```
/// use counterpoint as asyncio;
/// use counterpoint::sim::Simulation;
///
/// let simulation = Simulation::new(|| async {
///     let lock = asyncio::Lock::new();
///     let _held = lock.acquire().await?;
///     lock.acquire().await?; // waits for itself
///     Ok(())
/// });
/// let run = simulation.run();
/// let failure = run.outcome.failure().expect("a deadlock");
/// assert!(failure.message.contains("1 task waits for itself"), "{}", failure.message);
/// ```
#[derive(Clone)]
pub struct Simulation {
    program: Arc<Program>,
    pub(crate) name: String,
    pub(crate) settings: Settings,
    watch: Watch,
}

/// Makes the main coroutine and runs it to its end.
type Program = dyn Fn(&mut Runner) -> Result<()> + Send + Sync;

/// What is kept of a run beside its outcome.
#[derive(Clone, Default)]
pub(crate) struct Watch {
    pub(crate) trace: bool,
    pub(crate) record: bool,
    /// The steps that are followed instead of the strategy.
    pub(crate) replay: Option<Replay>,
}

/// One run, after it has ended.
#[derive(Clone, Debug)]
pub struct Run {
    /// What it ended in.
    pub outcome: Outcome,
    /// A hash over all its steps: equal for equal runs, on every machine.
    pub fingerprint: u64,
    /// How many steps ran.
    pub steps: u64,
    /// How many ticks the loop took.
    pub ticks: u64,
    /// Virtual time at its end.
    pub time: Instant,
    /// What is not a failure but worth knowing: tasks that were left, errors that followed the failure.
    pub notes: Vec<String>,
    /// What happened, if it was traced.
    pub trace: Option<Trace>,
    /// Its choices, if they were recorded.
    pub recording: Option<Recording>,
    /// Where it left the recording that it followed.
    pub divergence: Option<Divergence>,
}

impl Simulation {
    /// A simulation of a program: a function that makes its main coroutine, called once for each run.
    ///
    /// Any ready task may be next ([`Profile::AnyReady`]), chosen by a random walk, from seed 0.
    pub fn new<F, Fut>(program: F) -> Simulation
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + 'static,
    {
        Simulation {
            program: Arc::new(move |runner| runner.run(program())),
            name: std::any::type_name::<F>().trim_end_matches("::{{closure}}").to_owned(),
            settings: Settings::default(),
            watch: Watch::default(),
        }
    }

    /// Sets the name that reports and recordings give it. Default: the name of the function.
    pub fn named(self, name: impl Into<String>) -> Simulation {
        Simulation { name: name.into(), ..self }
    }

    /// Sets the seed from which all choices follow. Default: 0.
    pub fn seed(mut self, seed: u64) -> Simulation {
        self.settings.seed = seed;
        self
    }

    /// Sets which run of the seed it is: a hunt tries one after the other. Default: 0.
    pub fn run_number(mut self, number: u64) -> Simulation {
        self.settings.number = number;
        self
    }

    /// Sets which orders are legal. Default: [`Profile::AnyReady`].
    pub fn profile(mut self, profile: Profile) -> Simulation {
        self.settings.profile = profile;
        self
    }

    /// Sets how legal orders are sampled. Default: [`Strategy::RandomWalk`].
    pub fn strategy(mut self, strategy: Strategy) -> Simulation {
        self.settings.strategy = strategy;
        self
    }

    /// Lets a run take at most so many ticks of the loop; a longer one is inconclusive. Default: no limit.
    pub fn tick_limit(mut self, ticks: u64) -> Simulation {
        self.settings.limits.ticks = Some(ticks);
        self
    }

    /// Lets a run take at most so many steps; a longer one is inconclusive. Default: a million.
    pub fn step_limit(mut self, steps: u64) -> Simulation {
        self.settings.limits.steps = Some(steps);
        self
    }

    /// Lets a run take at most so much virtual time; a longer one is inconclusive. Default: no limit.
    pub fn time_limit(mut self, time: Duration) -> Simulation {
        self.settings.limits.time = Some(time);
        self
    }

    /// Charges each step a drawn time, so that timers race with ready tasks. Default: steps take no time.
    pub fn step_cost(mut self, min: Duration, max: Duration) -> Simulation {
        self.settings.step_cost = Some((min, max));
        self
    }

    /// Makes it a failure that tasks are still alive when the program has ended. Default: a note in the report.
    pub fn tasks_must_end(mut self, must: bool) -> Simulation {
        self.settings.tasks_must_end = must;
        self
    }

    /// Keeps a trace of the run. Default: off.
    pub fn trace(mut self, on: bool) -> Simulation {
        self.watch.trace = on;
        self
    }

    /// Keeps the choices of the run. Default: off.
    pub fn record(mut self, on: bool) -> Simulation {
        self.watch.record = on;
        self
    }

    /// Follows a recording step by step instead of the strategy, under the settings of the recorded run.
    ///
    /// [`Run::divergence`] says where the run left the recording, if it did.
    pub fn replay(mut self, recording: &Recording) -> Simulation {
        self.settings = recording.settings.clone();
        self.watch.replay = Some(Replay::new(recording.steps.clone()));
        self
    }

    /// Runs the program once.
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
        self.run_as(&self.settings, &self.watch)
    }

    /// One run with other settings than its own.
    pub(crate) fn run_as(&self, settings: &Settings, watch: &Watch) -> Run {
        let event_loop = make_loop(settings, watch);
        let errors = Rc::new(RefCell::new(Vec::new()));
        let sink = errors.clone();
        event_loop.set_default_exception_handler(move |_, context: &ErrorContext| {
            sink.borrow_mut().push(context.clone());
            Ok(())
        });
        let runner = Runner::with_loop(event_loop.clone());
        let under_test =
            UnderTest { event_loop, runner, errors, notes: Vec::new(), must_end: settings.tasks_must_end };
        let run = || under_test.run(&*self.program);
        let (run, steps) = if watch.trace { log::into_trace(run) } else { run() };
        let recording = steps.map(|steps| Recording {
            name: self.name.clone(),
            fixed: false,
            settings: settings.clone(),
            steps,
            fingerprint: run.fingerprint,
            failure: run.outcome.failure().map(RecordedFailure::of),
        });
        Run { recording, ..run }
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation").field("name", &self.name).field("settings", &self.settings).finish()
    }
}

fn make_loop(settings: &Settings, watch: &Watch) -> EventLoop {
    let mut builder = EventLoop::builder()
        .seed(settings.loop_seed())
        .profile(settings.profile)
        .strategy(settings.strategy)
        .trace(watch.trace)
        .record(watch.record);
    if let Some((min, max)) = settings.step_cost {
        builder = builder.step_cost(min, max);
    }
    if let Some(replay) = &watch.replay {
        builder = builder.replay(replay.clone());
    }
    let event_loop = builder.build();
    event_loop.set_tick_limit(settings.limits.ticks);
    event_loop.set_step_limit(settings.limits.steps);
    event_loop.set_time_limit(settings.limits.time);
    event_loop
}

/// A loop whose program runs or has ended.
struct UnderTest {
    event_loop: EventLoop,
    runner: Runner,
    errors: Rc<RefCell<Vec<ErrorContext>>>,
    notes: Vec<String>,
    must_end: bool,
}

/// Why a run did not pass: the first that comes decides.
enum Ending {
    Failure(Box<Failure>),
    Limit(Limit),
    Diverged(Divergence),
}

impl UnderTest {
    fn run(mut self, program: &Program) -> (Run, Option<Vec<RecordedStep>>) {
        let ended = caught(|| program(&mut self.runner));
        let ending = self.judge(ended).or_else(|| self.clean_up()).or_else(|| self.unretrieved());
        let mut run = Run {
            outcome: Outcome::Passed,
            fingerprint: self.event_loop.fingerprint(),
            steps: self.event_loop.steps(),
            ticks: self.event_loop.ticks(),
            time: self.event_loop.time(),
            notes: Vec::new(),
            trace: self.event_loop.take_trace(),
            recording: None,
            divergence: None,
        };
        let steps = self.event_loop.take_recording();
        let ending = self.close(ending, &run);
        run.notes = self.notes;
        match ending {
            None => {}
            Some(Ending::Failure(failure)) => run.outcome = Outcome::Failed(failure),
            Some(Ending::Limit(limit)) => run.outcome = Outcome::Inconclusive(limit.to_string()),
            Some(Ending::Diverged(divergence)) => {
                run.outcome = Outcome::Inconclusive(divergence.to_string());
                run.divergence = Some(divergence);
            }
        }
        (run, steps)
    }

    fn judge(&self, ended: std::result::Result<Result<()>, Panic>) -> Option<Ending> {
        match ended {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(self.judge_error(&error)),
            Err(panic) => Some(Ending::Failure(Box::new(self.panicked(panic, self.event_loop.last_lane())))),
        }
    }

    fn judge_error(&self, error: &Error) -> Ending {
        if let Some(divergence) = error.downcast_ref::<Divergence>() {
            return Ending::Diverged(divergence.clone());
        }
        match (error.downcast_ref::<Limit>(), error.downcast_ref::<Deadlock>()) {
            (Some(limit), _) if error.kind() == ErrorKind::Limit => Ending::Limit(*limit),
            (_, Some(deadlock)) if error.kind() == ErrorKind::Deadlock => {
                let mut failure = self.failure(FailureKind::Deadlock, deadlock.to_string());
                failure.identity = Identity::of_deadlock(deadlock);
                failure.deadlock = Some(deadlock.clone());
                Ending::Failure(Box::new(failure))
            }
            _ => Ending::Failure(Box::new(self.failed(FailureKind::Error, error, error.to_string()))),
        }
    }

    fn failed(&self, kind: FailureKind, error: &Error, message: String) -> Failure {
        let place = error.place().map(text_of_place);
        let identity = Identity::new(kind, place.as_deref(), &message, Vec::new());
        Failure { place, identity, ..self.failure(kind, message) }
    }

    fn failure(&self, kind: FailureKind, message: String) -> Failure {
        Failure {
            kind,
            identity: Identity::new(kind, None, &message, Vec::new()),
            message,
            task: None,
            place: None,
            time: self.event_loop.time(),
            step: self.event_loop.steps(),
            deadlock: None,
        }
    }

    fn panicked(&self, panic: Panic, task: Option<String>) -> Failure {
        let identity = Identity::new(FailureKind::Panic, panic.place.as_deref(), &panic.message, Vec::new());
        Failure { task, place: panic.place, identity, ..self.failure(FailureKind::Panic, panic.message) }
    }

    /// What `asyncio.run` does at its end: the tasks that are left are cancelled and waited for.
    fn clean_up(&mut self) -> Option<Ending> {
        if self.event_loop.is_at_rest() {
            return None; // the ticks that it takes to end nothing would be noise in every report
        }
        let left = self.event_loop.live_lanes();
        if !left.is_empty() {
            let names: Vec<String> = left.iter().map(|lane| format!("`{lane}`")).collect();
            let message = format!("still alive when the program ended: {}", names.join(", "));
            if self.must_end {
                return Some(Ending::Failure(Box::new(self.failure(FailureKind::TasksLeft, message))));
            }
            self.notes.push(message);
        }
        let ended = caught(|| self.runner.shut_down());
        self.judge(ended)
    }

    /// The first error that the default exception handler was told of.
    fn unretrieved(&mut self) -> Option<Ending> {
        let mut found = None;
        for context in self.errors.take() {
            let Some(error) = &context.exception else { continue };
            let failure =
                self.failed(FailureKind::Unretrieved, error, format!("{}: {error}", context.message));
            if found.is_none() {
                found = Some(Ending::Failure(Box::new(Failure { task: context.task, ..failure })));
            } else {
                self.notes.push(failure.to_string());
            }
        }
        found
    }

    /// Closes the loop: destructors run, and errors that nobody retrieved come to light.
    fn close(&mut self, ending: Option<Ending>, run: &Run) -> Option<Ending> {
        let closed = caught(|| self.event_loop.close());
        let late = match closed {
            Err(panic) => Some(Ending::Failure(Box::new(self.panicked(panic, None)))),
            Ok(_) => self.unretrieved(),
        };
        match (ending, late) {
            (None, Some(Ending::Failure(mut failure))) => {
                (failure.time, failure.step) = (run.time, run.steps);
                Some(Ending::Failure(failure))
            }
            (Some(ending), Some(Ending::Failure(failure))) => {
                self.notes.insert(0, failure.to_string());
                Some(ending)
            }
            (ending, _) => ending,
        }
    }
}

fn text_of_place(place: &'static Location<'static>) -> String {
    format!("{}:{}", place.file(), place.line())
}

impl Run {
    /// What went wrong, and how the tasks came there, in words; empty if nothing did. It says more of a traced run.
    pub fn report(&self) -> String {
        match &self.outcome {
            Outcome::Passed => String::new(),
            Outcome::Inconclusive(reason) => format!("inconclusive: {reason}\n"),
            Outcome::Failed(failure) => {
                report::of_failure(failure, self.trace.as_deref().unwrap_or_default(), &self.notes)
            }
        }
    }

    /// All steps, in words; none if the run was not traced.
    pub fn interleaving(&self) -> String {
        report::interleaving(self.trace.as_deref().unwrap_or_default(), usize::MAX)
    }
}
