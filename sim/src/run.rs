//! One run: a program, and all that decides how it goes.
//!
//! A [`Simulation`] is a description. A run makes a loop, runs the program to its end, closes the loop, and says what came
//! of it (see `ending`). [`Simulation::run`] is in `explore::learning`, since a run may need others first. A run is a pure function of the description: its [`Run`] is the same on
//! every thread. What its program asks of the operating system meanwhile is the run's own, too (see `outside`).

use crate::ending::{Choices, Run, UnderTest};
use crate::explore::portfolio::Sampling;
use crate::log;
use crate::outside;
use crate::recording::{RecordedFailure, Recording};
use crate::settings::Settings;
use crate::watch::Watch;
use crate::world::World;
use counterpoint_runtime::choices::recording::Replay;
use counterpoint_runtime::trace::Sink;
use counterpoint_runtime::{EventLoop, Profile, Result, Runner};
use std::fmt;
use std::future::Future;
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
    pub(crate) watch: Watch,
    /// The program takes a world.
    in_world: bool,
}

/// Makes the main coroutine and runs it to its end.
type Program = dyn Fn(&mut Runner, Option<World>) -> Result<()> + Send + Sync;

impl Simulation {
    /// A simulation of a program: a function that makes its main coroutine, called once for each run.
    ///
    /// Any ready task may be next ([`Profile::AnyReady`]), chosen by the strategies of a [`Sampling::Portfolio`] in turn,
    /// from seed 0.
    pub fn new<F, Fut>(program: F) -> Simulation
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + 'static,
    {
        Simulation::made_of(std::any::type_name::<F>(), false, move |runner, _| runner.run(program()))
    }

    /// A simulation of a program in a world: it makes hosts, lets things happen to them, and awaits their ends.
    ///
    /// # Examples
    /// See [`World`].
    pub fn with_world<F, Fut>(program: F) -> Simulation
    where
        F: Fn(World) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + 'static,
    {
        Simulation::made_of(std::any::type_name::<F>(), true, move |runner, world| {
            runner.run(program(world.expect("a run of a program in a world has one")))
        })
    }

    fn made_of(
        name: &str,
        in_world: bool,
        program: impl Fn(&mut Runner, Option<World>) -> Result<()> + Send + Sync + 'static,
    ) -> Simulation {
        Simulation {
            program: Arc::new(program),
            name: name.trim_end_matches("::{{closure}}").to_owned(),
            settings: Settings::default(),
            watch: Watch::default(),
            in_world,
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

    /// Sets how legal orders are sampled: one [`Strategy`](crate::explore::Strategy), or many in turn. Default:
    /// [`Sampling::Portfolio`].
    pub fn strategy(mut self, sampling: impl Into<Sampling>) -> Simulation {
        self.settings.sampling = sampling.into();
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
        self.watch.replay = Some(Arc::new(recording.clone()));
        self
    }

    /// Does the program take a world?
    pub(crate) fn is_in_world(&self) -> bool {
        self.in_world
    }

    /// One run with other settings than its own.
    pub(crate) fn run_as(&self, settings: &Settings, watch: &Watch) -> Run {
        let run = || {
            // Making and closing the loop are parts of the run: destructors read clocks as well.
            let _inside = outside::enter(watch.seed(settings));
            self.run_here(settings, watch)
        };
        if !watch.trace {
            return outside::on_fresh_thread(run);
        }
        // The subscriber has maps with random keys. They are not the run's, and must not spend its thread.
        let log = outside::elsewhere(log::into_trace);
        outside::on_fresh_thread(|| tracing::dispatcher::with_default(&log, run))
    }

    fn run_here(&self, settings: &Settings, watch: &Watch) -> Run {
        let sink = watch.trace.then(Sink::new);
        let mut under_test = UnderTest::new(make_loop(settings, watch, sink.clone()), settings);
        if self.in_world {
            under_test.put_into_world(settings, watch, sink);
        }
        under_test.run(&*self.program, &|run, Choices { steps, processes, draws }| Recording {
            name: self.name.clone(),
            fixed: false,
            settings: settings.clone(),
            strategy: settings.strategy(),
            lessons: watch.lessons.as_ref().map(|lessons| lessons.digest()),
            steps,
            processes,
            draws,
            fingerprint: run.fingerprint,
            failure: run.outcome.failure().map(RecordedFailure::of),
        })
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation").field("name", &self.name).field("settings", &self.settings).finish()
    }
}

fn make_loop(settings: &Settings, watch: &Watch, sink: Option<Sink>) -> EventLoop {
    let mut builder = watch.builder(settings, 0);
    if let Some(sink) = sink {
        builder = builder.trace_into(sink);
    }
    if let Some(replay) = &watch.replay {
        builder = builder.replay(Replay::new(replay.steps.clone()));
    }
    let event_loop = builder.build();
    event_loop.set_tick_limit(settings.limits.ticks);
    event_loop.set_step_limit(settings.limits.steps);
    event_loop.set_time_limit(settings.limits.time);
    event_loop
}
