//! One run: a program, and all that decides how it goes.
//!
//! A [`Simulation`] is a description; [`Simulation::run`] makes a loop, runs the program to its end, closes the loop,
//! and says what came of it. A run is a pure function of the description: its [`Run`] is the same on every thread.
//!
//! What a program leaves behind is part of it. When its main coroutine has ended, the tasks that are still alive are
//! cancelled and waited for, as `asyncio.run` does; an error that nobody retrieved, up to the close of the loop, is a
//! failure. Once something is wrong the run is cut there: nothing that happens later changes the failure.

use crate::outcome::{Failure, FailureKind, Identity, Outcome};
use crate::panics::{Panic, caught};
use counterpoint_runtime::choices::recording::{Divergence, RecordedStep, Replay};
use counterpoint_runtime::trace::Trace;
use counterpoint_runtime::{
    Deadlock, Error, ErrorContext, ErrorKind, EventLoop, Instant, Limit, Profile, Result, Strategy,
};
use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// The most steps of a run, where nothing else is said.
const STEP_LIMIT: u64 = 1_000_000;

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
    program: Arc<dyn Fn(&EventLoop) -> Result<()> + Send + Sync>,
    pub(crate) name: String,
    pub(crate) seed: u64,
    pub(crate) number: u64,
    pub(crate) profile: Profile,
    pub(crate) strategy: Strategy,
    pub(crate) limits: Limits,
    pub(crate) step_cost: Option<(Duration, Duration)>,
    pub(crate) tasks_must_end: bool,
    trace: bool,
    record: bool,
    replay: Option<Replay>,
}

/// How long a run may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) ticks: Option<u64>,
    pub(crate) steps: Option<u64>,
    pub(crate) time: Option<Duration>,
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
    /// Its choices, if it was recorded.
    pub recorded: Option<Vec<RecordedStep>>,
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
            program: Arc::new(move |event_loop| event_loop.run_until_complete(program())),
            name: std::any::type_name::<F>().trim_end_matches("::{{closure}}").to_owned(),
            seed: 0,
            number: 0,
            profile: Profile::AnyReady,
            strategy: Strategy::RandomWalk,
            limits: Limits { ticks: None, steps: Some(STEP_LIMIT), time: None },
            step_cost: None,
            tasks_must_end: false,
            trace: false,
            record: false,
            replay: None,
        }
    }

    /// Sets the name that reports and recordings give it. Default: the name of the function.
    pub fn named(self, name: impl Into<String>) -> Simulation {
        Simulation { name: name.into(), ..self }
    }

    /// Sets the seed from which all choices follow. Default: 0.
    pub fn seed(self, seed: u64) -> Simulation {
        Simulation { seed, ..self }
    }

    /// Sets which run of the seed it is: a hunt tries one after the other. Default: 0.
    pub fn run_number(self, number: u64) -> Simulation {
        Simulation { number, ..self }
    }

    /// Sets which orders are legal. Default: [`Profile::AnyReady`].
    pub fn profile(self, profile: Profile) -> Simulation {
        Simulation { profile, ..self }
    }

    /// Sets how legal orders are sampled. Default: [`Strategy::RandomWalk`].
    pub fn strategy(self, strategy: Strategy) -> Simulation {
        Simulation { strategy, ..self }
    }

    /// Lets a run take at most so many ticks of the loop; a longer one is inconclusive. Default: no limit.
    pub fn tick_limit(mut self, ticks: u64) -> Simulation {
        self.limits.ticks = Some(ticks);
        self
    }

    /// Lets a run take at most so many steps; a longer one is inconclusive. Default: a million.
    pub fn step_limit(mut self, steps: u64) -> Simulation {
        self.limits.steps = Some(steps);
        self
    }

    /// Lets a run take at most so much virtual time; a longer one is inconclusive. Default: no limit.
    pub fn time_limit(mut self, time: Duration) -> Simulation {
        self.limits.time = Some(time);
        self
    }

    /// Charges each step a drawn time, so that timers race with ready tasks. Default: steps take no time.
    pub fn step_cost(self, min: Duration, max: Duration) -> Simulation {
        Simulation { step_cost: Some((min, max)), ..self }
    }

    /// Makes it a failure that tasks are still alive when the program has ended. Default: a note in the report.
    pub fn tasks_must_end(self, must: bool) -> Simulation {
        Simulation { tasks_must_end: must, ..self }
    }

    /// Keeps a trace of the run. Default: off.
    pub fn trace(self, on: bool) -> Simulation {
        Simulation { trace: on, ..self }
    }

    /// Keeps the choices of the run. Default: off.
    pub fn record(self, on: bool) -> Simulation {
        Simulation { record: on, ..self }
    }

    /// Follows recorded steps instead of the strategy, strictly.
    pub(crate) fn follow(self, steps: Vec<RecordedStep>) -> Simulation {
        Simulation { replay: Some(Replay::new(steps)), ..self }
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
        let event_loop = self.make_loop();
        let errors = Rc::new(RefCell::new(Vec::new()));
        let sink = errors.clone();
        event_loop.set_default_exception_handler(move |_, context: &ErrorContext| {
            sink.borrow_mut().push(context.clone());
            Ok(())
        });
        let under_test =
            UnderTest { event_loop, errors, notes: Vec::new(), tasks_must_end: self.tasks_must_end };
        let ended = caught(|| (self.program)(&under_test.event_loop));
        under_test.finish(ended)
    }

    fn make_loop(&self) -> EventLoop {
        let mut builder = EventLoop::builder()
            .seed(seed_of_run(self.seed, self.number))
            .profile(self.profile)
            .strategy(self.strategy)
            .trace(self.trace)
            .record(self.record);
        if let Some((min, max)) = self.step_cost {
            builder = builder.step_cost(min, max);
        }
        if let Some(replay) = &self.replay {
            builder = builder.replay(replay.clone());
        }
        let event_loop = builder.build();
        event_loop.set_tick_limit(self.limits.ticks);
        event_loop.set_step_limit(self.limits.steps);
        event_loop.set_time_limit(self.limits.time);
        event_loop
    }
}

/// The seed of run `number`. Run 0 is the seed's own, so that a hunt begins with the run that `run` shows.
fn seed_of_run(seed: u64, number: u64) -> u64 {
    if number == 0 {
        return seed;
    }
    // SplitMix64, one output for each number.
    let mut word = seed.wrapping_add(number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ word >> 31
}

/// A loop whose program runs or has ended.
struct UnderTest {
    event_loop: EventLoop,
    errors: Rc<RefCell<Vec<ErrorContext>>>,
    notes: Vec<String>,
    tasks_must_end: bool,
}

/// Why a run ended: one of these decides its outcome, the first that comes.
enum Ending {
    Failure(Box<Failure>),
    Limit(Limit),
    Diverged(Divergence),
}

impl UnderTest {
    fn finish(mut self, ended: std::result::Result<Result<()>, Panic>) -> Run {
        let ending = self.judge(ended).or_else(|| self.clean_up()).or_else(|| self.unretrieved());
        let run = Run {
            outcome: Outcome::Passed,
            fingerprint: self.event_loop.fingerprint(),
            steps: self.event_loop.steps(),
            ticks: self.event_loop.ticks(),
            time: self.event_loop.time(),
            notes: Vec::new(),
            trace: self.event_loop.take_trace(),
            recorded: self.event_loop.take_recording(),
            divergence: None,
        };
        let ending = self.close(ending, &run);
        let run = Run { notes: self.notes, ..run };
        match ending {
            None => run,
            Some(Ending::Failure(failure)) => Run { outcome: Outcome::Failed(failure), ..run },
            Some(Ending::Limit(limit)) => Run { outcome: Outcome::Inconclusive(limit.to_string()), ..run },
            Some(Ending::Diverged(divergence)) => Run {
                outcome: Outcome::Inconclusive(divergence.to_string()),
                divergence: Some(divergence),
                ..run
            },
        }
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
            _ => Ending::Failure(Box::new(self.failure(FailureKind::Error, error.to_string()))),
        }
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
        let left = self.event_loop.all_tasks();
        if left.is_empty() {
            return None;
        }
        let names: Vec<String> = left.iter().map(|task| format!("`{}`", task.name())).collect();
        let message = format!("still alive when the program ended: {}", names.join(", "));
        if self.tasks_must_end {
            return Some(Ending::Failure(Box::new(self.failure(FailureKind::TasksLeft, message))));
        }
        self.notes.push(message);
        let ended = caught(|| cancel_all(&self.event_loop));
        self.judge(ended)
    }

    /// The first error that the default exception handler was told of.
    fn unretrieved(&mut self) -> Option<Ending> {
        let errors = self.errors.take();
        let mut found = None;
        for context in errors.into_iter().filter(|context| context.exception.is_some()) {
            if found.is_none() {
                let mut failure = self.failure(FailureKind::Unretrieved, text_of(&context));
                failure.task = context.task;
                found = Some(Ending::Failure(Box::new(failure)));
            } else {
                self.notes.push(text_of(&context));
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

fn cancel_all(event_loop: &EventLoop) -> Result<()> {
    let left = event_loop.all_tasks();
    for task in &left {
        task.cancel();
    }
    event_loop.run_until_complete(async move {
        for task in left {
            while !task.done() {
                counterpoint_runtime::sleep(Duration::ZERO).await?;
            }
        }
        Ok(())
    })
}

fn text_of(context: &ErrorContext) -> String {
    let mut text = context.message.clone();
    if let Some(error) = &context.exception {
        text.push_str(": ");
        text.push_str(&error.to_string());
    }
    text
}
