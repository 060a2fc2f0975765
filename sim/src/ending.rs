//! How a run ends: what its program did, what it left behind, and which of these is the outcome.
//!
//! What a program leaves behind is part of it. When its main coroutine has ended, the tasks that are still alive are
//! cancelled and waited for, as `asyncio.run` does; an error that nobody retrieved, up to the close of the loop, is a
//! failure.
//!
//! Once something is wrong the run is cut there. What comes to light later, while the loop is closed, is a note: it
//! never changes the failure, so that a failure is the same whether or not something else follows it.
//!
//! A use of the outside world comes before whatever it led to: a thread that could not be started ends in a panic, and
//! the thread is what was wrong.

use crate::observed::Observed;
use crate::outcome::{Failure, FailureKind, Identity, Outcome};
use crate::outside::{self, Escape};
use crate::panics::{Panic, caught};
use crate::recording::{RecordedProcess, Recording};
use crate::report;
use crate::settings::Settings;
use crate::watch::Watch;
use crate::world::{Below, World};
use counterpoint_runtime::choices::Drawn;
use counterpoint_runtime::choices::recording::{Divergence, RecordedStep};
use counterpoint_runtime::trace::{Sink, Trace};
use counterpoint_runtime::{
    Deadlock, Error, ErrorContext, ErrorKind, EventLoop, Instant, Limit, Result, Runner,
};
use std::cell::RefCell;
use std::panic::Location;
use std::rc::Rc;

/// One run, after it has ended.
///
/// # Examples
/// ```
/// use counterpoint as asyncio;
/// use counterpoint::sim::Simulation;
/// use std::time::Duration;
///
/// let run = Simulation::new(|| asyncio::sleep(Duration::from_secs(5))).trace(true).run();
/// assert_eq!(run.time.to_string(), "00:00:05.000");
/// assert!(run.interleaving().contains("starts, sleeps"));
/// assert_eq!(run.report(), "", "nothing went wrong");
/// ```
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
    pub(crate) observed: Observed,
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

/// A loop whose program runs or has ended.
pub(crate) struct UnderTest {
    event_loop: EventLoop,
    runner: Runner,
    errors: Rc<RefCell<Vec<ErrorContext>>>,
    notes: Vec<String>,
    must_end: bool,
    /// After how many steps the order became fair; 0 if it was from the first, none if it cannot be said.
    fair_after: Option<u64>,
    world: Option<(Below, World)>,
    /// How late it was when the loop was closed.
    ended_at: Instant,
}

/// What was chosen in a run.
pub(crate) struct Choices {
    pub(crate) steps: Vec<RecordedStep>,
    pub(crate) processes: Vec<RecordedProcess>,
    pub(crate) draws: Vec<Drawn>,
}

/// With fewer steps than these it says nothing that they were fair.
const FAIR_STEPS_MIN: u64 = 1_000;

/// Why a run did not pass: the first that comes decides.
enum Ending {
    Failure(Box<Failure>),
    Limit(Limit),
    Diverged(Box<Divergence>),
    /// It would repeat a run that was made.
    Redundant,
}

impl UnderTest {
    pub(crate) fn new(event_loop: EventLoop, settings: &Settings) -> UnderTest {
        let errors = Rc::new(RefCell::new(Vec::new()));
        let sink = errors.clone();
        event_loop.set_default_exception_handler(move |_, context: &ErrorContext| {
            sink.borrow_mut().push(context.clone());
            Ok(())
        });
        let runner = Runner::with_loop(event_loop.clone());
        UnderTest {
            event_loop,
            runner,
            errors,
            notes: Vec::new(),
            must_end: settings.tasks_must_end,
            fair_after: Some(settings.fair_after().unwrap_or(0)),
            world: None,
            ended_at: Instant::ZERO,
        }
    }

    /// Puts a world below the loop.
    pub(crate) fn put_into_world(&mut self, settings: &Settings, watch: &Watch, sink: Option<Sink>) {
        let errors = Rc::clone(&self.errors);
        let world = crate::world::start(&self.event_loop, settings, watch, sink, errors);
        self.world = Some(world.expect("a loop that was just made stands on nothing"));
        self.fair_after = None; // each loop counts its own steps
    }

    /// Runs the program to its end, and closes the loop; what was chosen, if it was kept, becomes a recording.
    pub(crate) fn run(
        mut self,
        program: &dyn Fn(&mut Runner, Option<World>) -> Result<()>,
        recording_of: &dyn Fn(&Run, Choices) -> Recording,
    ) -> Run {
        let world = self.world.as_ref().map(|(_, world)| world.clone());
        let ended = caught(|| program(&mut self.runner, world));
        let judged = self.judge(ended);
        let ending = self.or_escape(judged).or_else(|| {
            let ending = self.clean_up();
            self.or_escape(ending)
        });
        // Whatever came before: only a process that has ended gives its steps to the recording.
        let ending = match (ending, self.end_world()) {
            (Some(ending), Some(Ending::Failure(failure))) => {
                self.notes.push(failure.to_string());
                Some(ending)
            }
            (ending, in_world) => ending.or(in_world),
        };
        let ending = ending.or_else(|| self.unretrieved());
        let below = self.world.as_ref().map_or((0, 0), |(below, _)| (below.fingerprint(), below.steps()));
        let trace = self.event_loop.take_trace();
        let steps = self.event_loop.take_recording();
        let (processes, draws) =
            self.world.as_ref().map(|(below, _)| below.take_recorded()).unwrap_or_default();
        let mut observed = self.world.as_ref().map(|(below, _)| below.take_observed()).unwrap_or_default();
        observed.take_from(0, &self.event_loop);
        observed.draws.clone_from(&draws);
        let mut run = Run {
            outcome: Outcome::Passed,
            fingerprint: self.event_loop.fingerprint() ^ below.0,
            steps: self.event_loop.steps() + below.1,
            ticks: self.event_loop.ticks(),
            time: self.now(),
            notes: Vec::new(),
            trace,
            recording: None,
            divergence: None,
            observed,
        };
        let choices = steps.map(|steps| Choices { steps, processes, draws });
        self.ended_at = run.time;
        let ending = self.close(ending, &run);
        run.notes = std::mem::take(&mut self.notes);
        match ending {
            None => {}
            Some(Ending::Failure(failure)) => run.outcome = Outcome::Failed(failure),
            Some(Ending::Limit(limit)) => run.outcome = Outcome::Inconclusive(self.reason_of(limit)),
            Some(Ending::Redundant) => {
                run.outcome = Outcome::Inconclusive("it would repeat a run that was made".to_owned());
            }
            Some(Ending::Diverged(divergence)) => {
                run.outcome = Outcome::Inconclusive(divergence.to_string());
                run.divergence = Some(*divergence);
            }
        }
        run.recording = choices.map(|choices| recording_of(&run, choices));
        run
    }

    /// Why a run that reached this limit tells nothing; or what it tells, if nobody was passed over for long.
    fn reason_of(&self, limit: Limit) -> String {
        let Limit::Steps(steps) = limit else { return limit.to_string() };
        let fairly = match self.fair_after {
            Some(0) => "all of them in a fair order".to_owned(),
            Some(after) => format!("the last {} of them in a fair order", steps.saturating_sub(after)),
            None => return limit.to_string(),
        };
        if steps < FAIR_STEPS_MIN {
            return limit.to_string(); // of so few nobody expects an end
        }
        format!("{limit}, {fairly}: it runs for ever, or takes longer than the limit")
    }

    /// Hosts that still run do so no more; one that failed without anybody looking is a failure.
    fn end_world(&self) -> Option<Ending> {
        let (below, _) = self.world.as_ref()?;
        let ended = caught(|| below.end());
        let panic = ended.err()?;
        Some(Ending::Failure(Box::new(self.panicked(panic, None))))
    }

    /// How late it is, on whichever host: the test's own loop has no part in what a panic on a host cuts short.
    fn now(&self) -> Instant {
        let own = self.event_loop.time();
        if self.event_loop.is_closed() {
            return self.ended_at.max(own); // the world is gone with the loop
        }
        self.world.as_ref().map_or(own, |(_, world)| world.now().max(own))
    }

    /// The lane whose step ran last, on whichever host.
    fn last_lane(&self) -> Option<String> {
        let below = self.world.as_ref().and_then(|(below, _)| below.last_lane());
        below.or_else(|| self.event_loop.last_lane())
    }

    fn judge(&self, ended: std::result::Result<Result<()>, Panic>) -> Option<Ending> {
        match ended {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(self.judge_error(&error)),
            Err(panic) => Some(Ending::Failure(Box::new(self.panicked(panic, self.last_lane())))),
        }
    }

    fn judge_error(&self, error: &Error) -> Ending {
        if let Some(divergence) = error.downcast_ref::<Divergence>() {
            return Ending::Diverged(Box::new(divergence.clone()));
        }
        if self.event_loop.is_redundant() && error.kind() == ErrorKind::Limit {
            return Ending::Redundant;
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
            time: self.now(),
            step: self.event_loop.steps(),
            deadlock: None,
        }
    }

    fn panicked(&self, panic: Panic, task: Option<String>) -> Failure {
        let identity = Identity::new(FailureKind::Panic, panic.place.as_deref(), &panic.message, Vec::new());
        Failure { task, place: panic.place, identity, ..self.failure(FailureKind::Panic, panic.message) }
    }

    /// The program's use of the outside world, if it made one, instead of the ending that came of it.
    fn or_escape(&mut self, ending: Option<Ending>) -> Option<Ending> {
        if matches!(ending, Some(Ending::Diverged(_))) {
            return ending; // it says nothing of the program that was recorded
        }
        let Some(escape) = outside::take_escape() else { return ending };
        let Escape { call, step, time } = *escape;
        if let Some(Ending::Failure(failure)) = ending {
            self.notes.push(failure.to_string());
        }
        let lanes = step.iter().map(|step| step.lane_hash).collect();
        let identity = Identity::new(FailureKind::Outside, None, &call.to_string(), lanes);
        let message = match &step {
            Some(step) => format!("{call} by `{}`", step.lane),
            None => format!("{call} outside of any task"),
        };
        let number = step.as_ref().map_or_else(|| self.event_loop.steps(), |step| step.number);
        let failure = self.failure(FailureKind::Outside, message);
        let task = step.map(|step| step.lane);
        Some(Ending::Failure(Box::new(Failure { identity, task, time, step: number, ..failure })))
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
        if self.errors.borrow().is_empty() {
            return None;
        }
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
        let late = self.or_escape(late);
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
