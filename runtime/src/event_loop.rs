//! The event loop: what it holds, and what a program asks of it.
//!
//! The loop is asyncio's, and knows neither hosts nor a network. It never waits: it offers [`EventLoop::is_ready`],
//! [`EventLoop::next_deadline`] and [`EventLoop::tick`], and a driver calls them (see `driver`). One turn is in `tick`,
//! tasks are in `tasks`, what a run is made of stands in [`EventLoopBuilder`].
//!
//! An [`EventLoop`] is a counted handle, as every other. When the last one goes the loop is closed.

mod builder;

pub use builder::EventLoopBuilder;

use crate::bodies::{CallbackBody, RepeatingBody};
use crate::choices::recording::RecordedStep;
use crate::choices::{Purpose, Stream};
use crate::clock::{Instant, nanos};
use crate::exceptions::Handlers;
use crate::futures::Future;
use crate::handles::{CallbackOutput, Handle, TimerHandle};
use crate::kernel::{Attached, Readiness};
use crate::limits::Limits;
use crate::ops::Op;
use crate::picking::attention_of;
use crate::schedule::{Behaviour, Heeded, Seen, Touch};
use crate::slots::{BoxedBody, flag};
use crate::store::{self, Objects, access, access_current, access_quietly};
use crate::strategy::{Picker, Strategy};
use crate::tasks::{AnyTask, Task, TaskBuilder};
use crate::timers::Timer;
use crate::trace::Trace;
use crate::waits::{Rt, attention};
use crate::{Error, ErrorKind, Result};
use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

/// A loop: everything that its handles point at.
pub(crate) struct Loop {
    pub(crate) id: u64,
    pub(crate) rt: Rt,
    pub(crate) objects: Objects,
    pub(crate) picker: Picker,
    pub(crate) schedule: Stream,
    pub(crate) costs: Stream,
    /// By lane: the random numbers of the tasks that asked for some.
    pub(crate) random: BTreeMap<u64, Stream>,
    pub(crate) settings: EventLoopBuilder,
    pub(crate) name: Cow<'static, str>,
    pub(crate) running: bool,
    /// It runs as another thread of the program: whoever drives this thread's loops drives it too.
    pub(crate) in_thread: bool,
    pub(crate) stopping: bool,
    /// The heap was cleaned since the last tick: CPython does it once in an iteration.
    pub(crate) cleaned: bool,
    pub(crate) eager: bool,
    pub(crate) debug: bool,
    pub(crate) slow_callback: Duration,
    /// Nanoseconds that the running step was charged.
    pub(crate) charged: u64,
    pub(crate) ticks: u64,
    pub(crate) limits: Limits,
    pub(crate) handles: u32,
    pub(crate) handlers: Handlers,
    pub(crate) default_executor: DefaultExecutor,
    /// What stands below it.
    pub(crate) kernel: Option<Attached>,
}

/// `_default_executor` and `_executor_shutdown_called`. Its type is the library's, a layer above.
#[derive(Default)]
pub(crate) struct DefaultExecutor {
    pub(crate) pool: Option<Rc<dyn Any>>,
    pub(crate) shutdown_called: bool,
}

/// asyncio's event loop: a handle; a clone is the same loop.
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
/// use std::time::Duration;
///
/// let event_loop = asyncio::EventLoop::new();
/// let answer = event_loop.run_until_complete(async {
///     asyncio::sleep(Duration::from_secs(1)).await?;
///     Ok(42)
/// })?;
/// assert_eq!(answer, 42);
/// assert_eq!(event_loop.time(), asyncio::Instant::ZERO + Duration::from_secs(1));
/// event_loop.close()?;
/// # Ok::<(), asyncio::Error>(())
/// ```
pub struct EventLoop {
    id: u64,
}

impl EventLoop {
    /// Makes a loop with asyncio's order.
    #[expect(clippy::new_without_default, reason = "a loop is a thing to be made on purpose")]
    pub fn new() -> EventLoop {
        EventLoop::builder().build()
    }

    /// Begins to make a loop.
    pub fn builder() -> EventLoopBuilder {
        EventLoopBuilder::default()
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// A handle of a loop of this thread that is not closed.
    pub(crate) fn of(loop_id: u64) -> Option<EventLoop> {
        access_quietly(loop_id, |l| l.handles += 1)?;
        Some(EventLoop { id: loop_id })
    }

    #[track_caller]
    fn open<R>(&self, what: &str, f: impl FnOnce(&mut Loop) -> R) -> R {
        match access(self.id, f) {
            Some(result) => result,
            None => loop_is_closed(what),
        }
    }

    fn look<R>(&self, f: impl FnOnce(&mut Loop) -> R) -> Option<R> {
        store::look_at(self.id, f)
    }

    /// Lets `callback` run in the next tick.
    ///
    /// # Order
    /// In the order of the calls, in every profile. It runs in a copy of the current context.
    ///
    /// # Panics
    /// If the loop is closed.
    #[track_caller]
    pub fn call_soon<R: CallbackOutput>(&self, callback: impl FnOnce() -> R + 'static) -> Handle {
        let body: BoxedBody = Box::pin(CallbackBody::Waiting(callback));
        let place = Location::caller();
        self.open("call_soon", |l| l.call_soon(body, place))
    }

    /// As [`call_soon`](EventLoop::call_soon), and allowed from another loop of the program: its other threads.
    ///
    /// # Panics
    /// If the loop is closed.
    #[track_caller]
    pub fn call_soon_threadsafe<R: CallbackOutput>(&self, callback: impl FnOnce() -> R + 'static) -> Handle {
        let body: BoxedBody = Box::pin(CallbackBody::Waiting(callback));
        let place = Location::caller();
        let made = access_quietly(self.id, |l| l.call_soon(body, place));
        store::note_woken(self.id);
        match made {
            Some(made) => made,
            None => loop_is_closed("call_soon_threadsafe"),
        }
    }

    /// Lets `callback` run after a duration.
    ///
    /// # Order
    /// In the tick in which the timer is due, after what was ready before. Equal deadlines fire in the order of
    /// CPython's heap.
    ///
    /// # Panics
    /// If the loop is closed.
    #[track_caller]
    pub fn call_later<R: CallbackOutput>(
        &self,
        delay: Duration,
        callback: impl FnOnce() -> R + 'static,
    ) -> TimerHandle {
        let body: BoxedBody = Box::pin(CallbackBody::Waiting(callback));
        let place = Location::caller();
        self.open("call_later", |l| {
            let at = l.rt.now.saturating_add(nanos(delay));
            l.call_at(at, body, place)
        })
    }

    /// Lets `callback` run at a moment; if it has passed, in the next tick.
    ///
    /// # Panics
    /// If the loop is closed.
    #[track_caller]
    pub fn call_at<R: CallbackOutput>(
        &self,
        when: Instant,
        callback: impl FnOnce() -> R + 'static,
    ) -> TimerHandle {
        let body: BoxedBody = Box::pin(CallbackBody::Waiting(callback));
        let place = Location::caller();
        self.open("call_at", |l| l.call_at(when.as_nanos(), body, place))
    }

    /// Makes a callback that runs in each tick whose [`Readiness`] holds its handle (asyncio's reader and writer
    /// handles), until it is cancelled or its last handle goes.
    ///
    /// # Panics
    /// If the loop is closed.
    #[track_caller]
    pub fn call_when_ready<R: CallbackOutput>(&self, callback: impl FnMut() -> R + 'static) -> Handle {
        let body: BoxedBody = Box::pin(RepeatingBody { callback, failed: None });
        let place = Location::caller();
        self.open("call_when_ready", |l| {
            let slot = l.rt.new_callback(body);
            let node = &mut l.rt.slot_mut(slot).node;
            (node.place, node.op) = (Some(place), Op::None);
            node.flags |= flag::REPEATING;
            Handle::counted(l.id, slot)
        })
    }

    /// Virtual time as this loop was last told it.
    pub fn time(&self) -> Instant {
        Instant::from_nanos(self.look(|l| l.rt.now).unwrap_or(0))
    }

    /// How many ticks have begun.
    pub fn ticks(&self) -> u64 {
        self.look(|l| l.ticks).unwrap_or(0)
    }

    /// How many steps were run.
    pub fn steps(&self) -> u64 {
        self.look(|l| l.rt.steps).unwrap_or(0)
    }

    /// A hash over all steps so far: equal for equal runs, on every machine.
    pub fn fingerprint(&self) -> u64 {
        self.look(|l| l.rt.fingerprint).unwrap_or(0)
    }

    /// The trace so far, which then begins anew; none if it was not asked for.
    pub fn take_trace(&self) -> Option<Trace> {
        self.look(|l| {
            if l.rt.observed.trace.is_some() {
                l.rt.close_step(&l.objects);
            }
            l.rt.observed.trace.as_ref().map(crate::trace::Sink::take)
        })
        .flatten()
    }

    /// The recorded steps so far; none if they were not asked for.
    pub fn take_recording(&self) -> Option<Vec<RecordedStep>> {
        self.look(|l| l.rt.observed.recorded.as_mut().map(std::mem::take)).flatten()
    }

    /// What was seen of the steps so far; none if it was not asked for.
    pub fn take_seen(&self) -> Option<Seen> {
        self.look(|l| l.rt.observed.seen.as_mut().map(std::mem::take)).flatten()
    }

    /// The behaviour so far; none if it was not asked for.
    pub fn take_behaviour(&self) -> Option<Behaviour> {
        self.look(|l| l.rt.observed.behaviour.as_mut().map(Behaviour::take)).flatten()
    }

    /// What became of the constraints that the loop was to follow, so far.
    pub fn heeded(&self) -> Vec<Heeded> {
        let heeded = |l: &mut Loop| match &l.picker {
            Picker::Ordered(order) => order.heeded(),
            Picker::Fifo(_) | Picker::RandomWalk(_) => Vec::new(),
        };
        self.look(heeded).unwrap_or_default()
    }

    /// Did the run end because it repeats one that was made?
    pub fn is_redundant(&self) -> bool {
        self.look(|l| l.rt.observed.redundant).unwrap_or(false)
    }

    /// The name of the task or callback whose step runs, or ran when it panicked.
    pub fn last_lane(&self) -> Option<String> {
        self.look(|l| (l.rt.last != 0).then(|| l.rt.lane_path(l.rt.last))).flatten()
    }

    /// The lane paths of the tasks that are not done, in the order of their creation.
    pub fn live_lanes(&self) -> Vec<String> {
        let lanes = |l: &mut Loop| l.rt.live_tasks().iter().map(|task| l.rt.lane_path(*task)).collect();
        self.look(lanes).unwrap_or_default()
    }

    /// The running step takes so long: time goes on by it, as if it computed.
    ///
    /// By default code costs no virtual time.
    #[track_caller]
    pub fn charge(&self, duration: Duration) {
        let _ = access(self.id, |l| {
            l.rt.set_now(l.rt.now.saturating_add(nanos(duration)));
            l.charged = l.charged.saturating_add(nanos(duration));
            l.rt.attention |= attention::COST;
        });
    }

    /// Makes a pending future of this loop.
    #[track_caller]
    pub fn create_future<T: 'static>(&self) -> Future<T> {
        let place = Location::caller();
        self.open("create_future", |l| Future::counted(l.id, l.rt.new_future(place)))
    }

    /// Makes a task of a coroutine in this loop, which need not run.
    ///
    /// # Panics
    /// If the loop is closed.
    #[track_caller]
    pub fn create_task<F, T>(&self, coroutine: F) -> Task<T>
    where
        F: std::future::Future<Output = Result<T>> + 'static,
        T: 'static,
    {
        crate::tasks::spawn(Some(self), &TaskBuilder::new(), coroutine)
    }

    /// Sets how `create_task` makes tasks here: 3.12's eager ones run their first step inside the call.
    #[track_caller]
    pub fn set_task_factory(&self, factory: TaskFactory) {
        self.open("set_task_factory", |l| l.eager = factory == TaskFactory::Eager);
    }

    /// The tasks that are not done, in the order of their creation.
    #[track_caller]
    pub fn all_tasks(&self) -> Vec<AnyTask> {
        access(self.id, |l| l.rt.all_tasks(l.id)).unwrap_or_default()
    }

    /// Ends the run after the current tick. Before a run, it will be one tick long.
    pub fn stop(&self) {
        let _ = self.look(|l| l.stopping = true);
    }

    /// Does it run?
    pub fn is_running(&self) -> bool {
        self.look(|l| l.running).unwrap_or(false)
    }

    /// Was it closed?
    pub fn is_closed(&self) -> bool {
        !store::is_registered(self.id)
    }

    /// Turns debug mode on or off: steps that were charged much time are reported.
    pub fn set_debug(&self, on: bool) {
        let _ = self.look(|l| l.debug = on);
    }

    /// Is debug mode on?
    pub fn debug(&self) -> bool {
        self.look(|l| l.debug).unwrap_or(false)
    }

    /// From which charged time on debug mode reports a step. Default: 100 ms.
    pub fn set_slow_callback_duration(&self, duration: Duration) {
        let _ = self.look(|l| l.slow_callback = duration);
    }

    /// From which charged time on debug mode reports a step.
    pub fn slow_callback_duration(&self) -> Duration {
        self.look(|l| l.slow_callback).unwrap_or_default()
    }

    // ---- the seam: what a driver calls

    /// Is anything ready to run?
    pub fn is_ready(&self) -> bool {
        self.look(|l| !l.rt.ready.is_empty() || l.stopping).unwrap_or(false)
    }

    /// Has the program left nothing that could still run: no live task, nothing ready, no default executor? Timers
    /// do not count: nobody would wait for them.
    pub fn is_at_rest(&self) -> bool {
        let rest = |l: &mut Loop| {
            l.rt.ready.is_empty() && l.default_executor.pool.is_none() && l.rt.live_tasks().is_empty()
        };
        self.look(rest).unwrap_or(true)
    }

    /// The moment at which the next timer is due.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.look(Loop::next_deadline).flatten().map(Instant::from_nanos)
    }

    /// One turn: CPython's `_run_once` without its `select`. `now` is what this loop is told of time; what the kernel
    /// has for it comes in before due timers. False once the loop has been stopped.
    ///
    /// # Panics
    /// If a step panics: the panic is the program's, and goes on to the driver's caller.
    #[track_caller]
    pub fn tick(&self, now: Instant, readiness: &Readiness) -> bool {
        crate::tick::tick(self.id, now, readiness)
    }
}

/// How `create_task` makes tasks (`loop.set_task_factory`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskFactory {
    /// The first step comes in the next tick.
    Lazy,
    /// The first step runs inside `create_task` (`asyncio.eager_task_factory`).
    Eager,
}

impl Clone for EventLoop {
    fn clone(&self) -> EventLoop {
        let _ = self.look(|l| l.handles += 1);
        EventLoop { id: self.id }
    }
}

impl Drop for EventLoop {
    fn drop(&mut self) {
        let last = self.look(|l| {
            l.handles -= 1;
            l.handles == 0 && !l.running && l.rt.looks == 0
        });
        if last == Some(true) {
            crate::close::close(self.id);
        }
    }
}

impl PartialEq for EventLoop {
    fn eq(&self, other: &EventLoop) -> bool {
        self.id == other.id
    }
}

impl Eq for EventLoop {}

impl std::fmt::Debug for EventLoop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.look(|l| l.name.clone());
        write!(f, "EventLoop({})", name.as_deref().unwrap_or("closed"))
    }
}

/// The loop that runs on this thread.
///
/// # Errors
/// `Runtime` if none does.
pub fn get_running_loop() -> Result<EventLoop> {
    let running = access_current(|l| {
        l.handles += u32::from(l.running);
        l.running.then(|| EventLoop { id: l.id })
    });
    running.flatten().ok_or_else(|| Error::new(ErrorKind::Runtime, "no running event loop"))
}

/// Does a loop run on this thread?
pub(crate) fn is_any_running() -> bool {
    access_current(|l| l.running) == Some(true)
}

/// Sets the loop that objects are made in while none runs on this thread, or none.
pub fn set_event_loop(event_loop: Option<&EventLoop>) {
    store::make_current(event_loop.map_or(0, EventLoop::id)).keep();
}

impl Loop {
    pub(crate) fn next_deadline(&mut self) -> Option<u64> {
        self.clean_timers();
        self.rt.timers.first().map(|timer| timer.at)
    }

    pub(crate) fn clean_timers(&mut self) {
        if !self.cleaned {
            self.cleaned = true;
            let slots = &self.rt.slots;
            self.rt.timers.clean(|timer| slots[timer.slot as usize].node.wait != timer.wait);
        }
    }

    pub(crate) fn call_soon(&mut self, body: BoxedBody, place: &'static Location<'static>) -> Handle {
        let slot = self.rt.new_callback(body);
        let node = &mut self.rt.slot_mut(slot).node;
        (node.place, node.op) = (Some(place), Op::None);
        self.rt.touch_line_of_callbacks(Touch::Put);
        self.rt.schedule_callback(slot);
        Handle::counted(self.id, slot)
    }

    pub(crate) fn call_at(
        &mut self,
        at: u64,
        body: BoxedBody,
        place: &'static Location<'static>,
    ) -> TimerHandle {
        let slot = self.rt.new_callback(body);
        let node = &mut self.rt.slot_mut(slot).node;
        (node.place, node.op) = (Some(place), Op::Sleep);
        node.flags &= !flag::DUE;
        let timer = Timer { at, slot, wait: node.wait };
        self.rt.timers.push(timer);
        self.rt.touch_timers(at);
        TimerHandle::new(Handle::counted(self.id, slot), Instant::from_nanos(at))
    }

    /// Makes an empty loop ready for a run.
    fn begin(&mut self, id: u64, settings: EventLoopBuilder) {
        self.id = id;
        self.name = settings.name.clone();
        self.handles = 1;
        // Who follows a recording asks no strategy.
        let strategy = if settings.replay.is_some() { Strategy::RandomWalk } else { settings.strategy };
        let directed = settings.directed.as_ref().filter(|_| settings.replay.is_none());
        self.picker = strategy.start(settings.profile, directed, settings.lessons.as_ref());
        let schedule_seed = settings.schedule_seed.unwrap_or(settings.seed);
        self.schedule.restart(schedule_seed, Purpose::Schedule(settings.number));
        self.costs.restart(settings.seed, Purpose::StepCost(settings.number));
        self.rt.configure(&settings);
        if let Picker::Ordered(order) = &self.picker {
            self.rt.attention |= attention_of(&**order);
        }
        self.settings = settings;
    }
}

#[cold]
#[track_caller]
pub(crate) fn no_loop_here(what: &str) -> ! {
    no_loop_at(what, Location::caller())
}

#[cold]
#[track_caller]
pub(crate) fn no_loop_at(what: &str, place: &Location<'_>) -> ! {
    panic!(
        "{what} was used outside of a running event loop, at {place}.\n\
         Use it in async code under `run` or a test attribute, or make a loop current with `set_event_loop`."
    )
}

#[cold]
#[track_caller]
pub(crate) fn loop_is_closed(what: &str) -> ! {
    panic!(
        "{what} was called on a closed event loop, at {}.\nMake a new loop for another run.",
        Location::caller()
    )
}
