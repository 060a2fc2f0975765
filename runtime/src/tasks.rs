//! Tasks: coroutines that the loop runs.
//!
//! ```text
//!                create_task                 its body waits
//!                     │                  ┌──────────────────────┐
//!                     ▼                  │                      ▼
//!   (must cancel) ─ ready ──the loop──► step ──returns──►     waiting ──cancel──► what it waits for is cancelled
//!       │             ▲  picks it        │                      │
//!       │             └──────────────────┼──────── wakeup ◄─────┘ woken or cancelled: one entry in the ready queue
//!       ▼ never runs                     ▼
//!    cancelled                    finished │ failed │ cancelled
//! ```
//!
//! A cancel request goes to what the task waits for. If that cannot take it (the task runs, is ready, or waits for
//! something that is done already) it is remembered, and raised when the task runs next. Only the depth of one is
//! kept; `cancelling` counts the requests. A task that is cancelled before its first step never runs.

mod cancelling;

use crate::Error;
use crate::Result;
use crate::bodies::TaskBody;
use crate::contexts::Context as VarContext;
use crate::event_loop::EventLoop;
use crate::futures::{Erased, Future, FutureState, Join};
use crate::handles::CallbackOutput;
use crate::lanes;
use crate::ops::Op;
use crate::schedule::Touch;
use crate::slots::{BoxedBody, Kind, NONE, flag};
use crate::store::{access, access_current};
use crate::waits::{Rt, attention};
use std::any::type_name;
use std::cmp::Reverse;
use std::future::IntoFuture;
use std::panic::Location;

/// A coroutine that the loop runs (`asyncio.Task`). It is a future as well.
///
/// A clone is the same task. Awaiting it gives everyone a clone of its result. Dropping every handle leaves it running.
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let task = asyncio::create_task(async { Ok(6 * 7) });
///     assert_eq!(task.await?, 42);
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
pub struct Task<T>(Future<T>);

/// A task of any type: what can be asked of it without knowing its result.
pub struct AnyTask(Future<Erased>);

macro_rules! what_every_task_can {
    () => {
        /// Its name: the one that was set, or `Task-` and its number in the order of creation.
        #[track_caller]
        pub fn name(&self) -> String {
            let name = access(self.0.loop_id, |l| {
                l.rt.touch_slot(self.0.slot, Touch::Read);
                l.rt.task_name(self.0.slot)
            });
            name.unwrap_or_default()
        }

        /// Sets its name.
        #[track_caller]
        pub fn set_name(&self, name: impl Into<String>) {
            let name = name.into();
            let _ = access(self.0.loop_id, |l| {
                l.rt.touch_slot(self.0.slot, Touch::Write);
                l.rt.names.insert(self.0.slot, name)
            });
        }

        /// Asks it to end with a cancellation; false if it is done already.
        ///
        /// What it waits for is cancelled first, down a chain of tasks to the innermost one. If nothing there can
        /// take the request it is remembered, and raised when the task runs next.
        ///
        /// # Order
        /// The task sees the error one tick later, whoever awaits it two ticks later.
        ///
        /// # Source
        /// CPython 3.13, `Task.cancel` and `Task.__step`.
        #[track_caller]
        pub fn cancel(&self) -> bool {
            self.0.cancel()
        }

        /// As `cancel`, with a message for whoever sees the error.
        #[track_caller]
        pub fn cancel_with(&self, message: impl Into<String>) -> bool {
            self.0.cancel_with(message)
        }

        /// How many cancels were requested and not withdrawn.
        #[track_caller]
        pub fn cancelling(&self) -> u32 {
            let cancels = access(self.0.loop_id, |l| {
                l.rt.touch_requests(self.0.slot, Touch::Read);
                l.rt.cold[self.0.slot as usize].cancels
            });
            cancels.unwrap_or(0)
        }

        /// Withdraws one cancel request, and says how many are left. At zero, one that was not raised yet will not be.
        #[track_caller]
        pub fn uncancel(&self) -> u32 {
            access(self.0.loop_id, |l| l.rt.uncancel(self.0.slot)).unwrap_or(0)
        }

        /// Drops its coroutine at once, as tokio does; the task ends cancelled. False if it is done already.
        ///
        /// Nothing in the coroutine can catch this or await in a clean-up: its destructors run, and that is all.
        #[track_caller]
        pub fn abort(&self) -> bool {
            abort(self.0.loop_id, self.0.slot)
        }

        /// Is it finished, failed or cancelled?
        #[track_caller]
        pub fn done(&self) -> bool {
            self.0.done()
        }

        /// Did it end cancelled?
        #[track_caller]
        pub fn cancelled(&self) -> bool {
            self.0.cancelled()
        }

        /// The error that it failed with; none if it has a result.
        ///
        /// # Errors
        /// `InvalidState` if it runs still, `Cancelled` if it was cancelled.
        #[track_caller]
        pub fn exception(&self) -> Result<Option<Error>> {
            self.0.exception()
        }

        /// What it has come to. A look: it takes no message and counts as no reader.
        #[track_caller]
        pub fn state(&self) -> FutureState {
            self.0.state()
        }
    };
}

impl<T: 'static> Task<T> {
    what_every_task_can!();

    /// A clone of the result.
    ///
    /// # Errors
    /// `InvalidState` if it runs still; else the error that it failed with or was cancelled with. Only the first
    /// reader of a cancelled task sees the message.
    #[track_caller]
    pub fn result(&self) -> Result<T>
    where
        T: Clone,
    {
        self.0.result()
    }

    /// Looks at the result, if there is one. It counts as no reader.
    #[track_caller]
    pub fn peek<R>(&self, f: impl FnOnce(&T) -> R) -> Option<R> {
        self.0.peek(f)
    }

    /// Lets `callback` run when it is done: see [`Future::add_done_callback`].
    #[track_caller]
    pub fn add_done_callback<R: CallbackOutput>(
        &self,
        callback: impl FnOnce(Task<T>) -> R + 'static,
    ) -> crate::DoneCallback {
        self.0.add_done_callback(|future| callback(Task(future)))
    }

    /// Takes a done callback back; false if it is scheduled already, or was taken back before.
    #[track_caller]
    pub fn remove_done_callback(&self, callback: &crate::DoneCallback) -> bool {
        self.0.remove_done_callback(callback)
    }

    /// The task as the future that it is.
    pub fn as_future(&self) -> Future<T> {
        self.0.clone()
    }

    /// The task without the type of its result.
    pub fn any(&self) -> AnyTask {
        AnyTask(self.0.erased())
    }
}

impl AnyTask {
    what_every_task_can!();

    /// Lets `callback` run when it is done: see [`Future::add_done_callback`].
    #[track_caller]
    pub fn add_done_callback<R: CallbackOutput>(
        &self,
        callback: impl FnOnce(AnyTask) -> R + 'static,
    ) -> crate::DoneCallback {
        self.0.add_done_callback(|future| callback(AnyTask(future)))
    }

    /// Takes a done callback back; false if it is scheduled already, or was taken back before.
    #[track_caller]
    pub fn remove_done_callback(&self, callback: &crate::DoneCallback) -> bool {
        self.0.remove_done_callback(callback)
    }

    /// The error that it failed with; a cancellation is none, and is not consumed.
    pub(crate) fn failure(&self) -> Option<Error> {
        self.0.failure()
    }

    /// The context that it runs in.
    pub(crate) fn context(&self) -> VarContext {
        VarContext::of_slot(self.0.loop_id, self.0.slot)
    }

    /// The context that it runs in, for others to run in; none if it has ended and left an empty one.
    pub(crate) fn context_to_share(&self) -> Option<VarContext> {
        VarContext::left_by(self.0.loop_id, self.0.slot)
    }
}

impl<T> Clone for Task<T> {
    fn clone(&self) -> Task<T> {
        Task(self.0.clone())
    }
}

impl<T> PartialEq for Task<T> {
    fn eq(&self, other: &Task<T>) -> bool {
        self.0 == other.0
    }
}

impl<T> Eq for Task<T> {}

impl Clone for AnyTask {
    fn clone(&self) -> AnyTask {
        AnyTask(self.0.clone())
    }
}

impl PartialEq for AnyTask {
    fn eq(&self, other: &AnyTask) -> bool {
        self.0 == other.0
    }
}

impl Eq for AnyTask {}

impl<T: 'static> std::fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Task({}, {:?})", self.name(), self.state())
    }
}

impl std::fmt::Debug for AnyTask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Task({}, {:?})", self.name(), self.state())
    }
}

impl<T> From<Task<T>> for Future<T> {
    fn from(task: Task<T>) -> Future<T> {
        task.0
    }
}

impl<T: 'static> From<&Task<T>> for Future<T> {
    fn from(task: &Task<T>) -> Future<T> {
        task.as_future()
    }
}

impl<T: Clone + 'static> IntoFuture for Task<T> {
    type Output = Result<T>;
    type IntoFuture = Join<T>;
    #[inline]
    #[track_caller]
    fn into_future(self) -> Join<T> {
        self.0.into_future()
    }
}

impl<T: Clone + 'static> IntoFuture for &Task<T> {
    type Output = Result<T>;
    type IntoFuture = Join<T>;
    #[track_caller]
    fn into_future(self) -> Join<T> {
        self.0.clone().into_future()
    }
}

// ---- making tasks

/// Makes a task of a coroutine in the running loop (`asyncio.create_task`).
///
/// # Order
/// Its first step runs in the next tick, in the order of creation, in a copy of the current context.
///
/// # Panics
/// Outside of any event loop.
#[inline]
#[track_caller]
pub fn create_task<F, T>(coroutine: F) -> Task<T>
where
    F: std::future::Future<Output = Result<T>> + 'static,
    T: 'static,
{
    spawn(None, &TaskBuilder::PLAIN, coroutine)
}

/// The task that runs now; none in a callback or outside of a loop.
pub fn current_task() -> Option<AnyTask> {
    access_current(|l| {
        let current = l.rt.current;
        if current == NONE || l.rt.slot(current).word.kind() != Kind::Task {
            return None;
        }
        l.rt.slot_mut(current).node.handles += 1;
        Some(AnyTask(Future::counted(l.id, current)))
    })?
}

/// The tasks of the running loop that are not done, in the order of their creation.
#[track_caller]
pub fn all_tasks() -> Vec<AnyTask> {
    match access_current(|l| l.rt.all_tasks(l.id)) {
        Some(tasks) => tasks,
        None => crate::event_loop::no_loop_here("all_tasks"),
    }
}

/// Makes a task with a name, a context, or an eager start (`create_task`'s keyword arguments).
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let teller = asyncio::TaskBuilder::new().name("teller").create_task(async { Ok(()) });
///     assert_eq!(teller.name(), "teller");
///     teller.await
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct TaskBuilder {
    name: Option<String>,
    context: Option<VarContext>,
    eager_start: Option<bool>,
}

impl TaskBuilder {
    const PLAIN: TaskBuilder = TaskBuilder { name: None, context: None, eager_start: None };

    /// A task like that of `create_task`, until told otherwise.
    pub fn new() -> TaskBuilder {
        TaskBuilder::PLAIN
    }

    /// Gives the task a name. It becomes part of its lane path, so it names the task in reports and tokens as well.
    pub fn name(self, name: impl Into<String>) -> TaskBuilder {
        TaskBuilder { name: Some(name.into()), ..self }
    }

    /// Runs the task in this very context instead of a copy of the current one.
    pub fn context(self, context: &VarContext) -> TaskBuilder {
        TaskBuilder { context: Some(context.clone()), ..self }
    }

    /// Runs the first step at once, inside the call (3.12's eager tasks), or not, whatever the loop's factory says.
    pub fn eager_start(self, eager: bool) -> TaskBuilder {
        TaskBuilder { eager_start: Some(eager), ..self }
    }

    /// Makes the task in the current loop.
    ///
    /// # Panics
    /// Outside of any event loop.
    #[track_caller]
    pub fn create_task<F, T>(self, coroutine: F) -> Task<T>
    where
        F: std::future::Future<Output = Result<T>> + 'static,
        T: 'static,
    {
        spawn(None, &self, coroutine)
    }

    /// Makes the task in a loop that need not run.
    ///
    /// # Panics
    /// If the loop is closed.
    #[track_caller]
    pub fn create_task_on<F, T>(self, event_loop: &EventLoop, coroutine: F) -> Task<T>
    where
        F: std::future::Future<Output = Result<T>> + 'static,
        T: 'static,
    {
        spawn(Some(event_loop), &self, coroutine)
    }
}

#[inline]
#[track_caller]
pub(crate) fn spawn<F, T>(on: Option<&EventLoop>, options: &TaskBuilder, coroutine: F) -> Task<T>
where
    F: std::future::Future<Output = Result<T>> + 'static,
    T: 'static,
{
    let place = Location::caller();
    let body: BoxedBody = Box::pin(TaskBody::Running(coroutine));
    let make = |l: &mut crate::event_loop::Loop| {
        let name = match &options.name {
            None => l.rt.hashes.of(type_name::<F>()),
            Some(name) => lanes::name_hash(name),
        };
        let slot = l.rt.new_task(body, name, place);
        if options.name.is_some() || options.context.is_some() || l.rt.attention != 0 {
            l.rt.dress_task(slot, options, type_name::<F>());
        }
        let eager = l.running && options.eager_start.unwrap_or(l.eager);
        if !eager {
            l.rt.schedule(slot);
        }
        (Task(Future::counted(l.id, slot)), eager)
    };
    let made = match on {
        None => access_current(make),
        Some(event_loop) => access(event_loop.id(), make),
    };
    let (task, eager) = match (made, on) {
        (Some(made), _) => made,
        (None, None) => crate::event_loop::no_loop_here("create_task"),
        (None, Some(_)) => crate::event_loop::loop_is_closed("create_task"),
    };
    if eager {
        crate::tick::run_eagerly(task.0.loop_id, task.0.slot);
        let _ = access(task.0.loop_id, |l| l.rt.eager_task_returns(task.0.slot));
    }
    task
}

/// Drops the coroutine of a task that is not done.
#[track_caller]
fn abort(loop_id: u64, slot: u32) -> bool {
    let found = access(loop_id, |l| {
        let rt = &mut l.rt;
        if rt.slot(slot).is(flag::DONE | flag::ABORTED) {
            rt.touch_slot(slot, Touch::Read);
            return None;
        }
        rt.touch_requests(slot, Touch::Write);
        rt.slot_mut(slot).node.flags |= flag::ABORTED;
        if rt.runs(slot) {
            // It aborts itself: its coroutine is on the stack, and goes when this step is over.
            rt.aborted.push(slot);
            rt.attention |= attention::TRASH;
            return Some(None);
        }
        // Held, so that what the coroutine drops cannot free it.
        rt.slot_mut(slot).node.handles += 1;
        Some(rt.slot_mut(slot).body.as_mut().map(crate::wakers::address))
    });
    let Some(Some(body)) = found else { return false };
    if let Some(body) = body {
        crate::tick::end_with(loop_id, slot, body, Error::cancelled());
        drop(Future::<Erased>::counted(loop_id, slot));
    }
    true
}

impl Rt {
    /// A slot for a task, with one handle, in a copy of the current context.
    #[inline]
    fn new_task(&mut self, body: BoxedBody, name: u64, place: &'static Location<'static>) -> u32 {
        let context = self.copy_context();
        let (lane, nth) = self.child_lane(name);
        let slot = self.new_slot(Kind::Task);
        self.tasks_created += 1;
        let cold = &mut self.cold[slot as usize];
        (cold.lane, cold.nth, cold.order, cold.cancels) = (lane, nth, self.tasks_created, 0);
        let this = &mut self.slots[slot as usize];
        this.body = Some(body);
        (this.node.handles, this.node.op, this.node.place) = (1, Op::None, Some(place));
        if context != NONE {
            self.set_slot_context(slot, context);
        }
        slot
    }

    #[cold]
    fn dress_task(&mut self, slot: u32, options: &TaskBuilder, function: &'static str) {
        if let Some(name) = &options.name {
            self.names.insert(slot, name.clone());
        }
        if let Some(context) = &options.context {
            let shared = self.share_context(context.number);
            self.set_slot_context(slot, shared);
        }
        if self.watches_footprints() {
            self.touch_new_task(slot);
        }
        self.observe_spawn(slot, options.name.as_deref().unwrap_or(function));
    }

    pub(crate) fn task_name(&self, slot: u32) -> String {
        self.names.get(&slot).cloned().unwrap_or_else(|| format!("Task-{}", self.cold[slot as usize].order))
    }

    pub(crate) fn all_tasks(&mut self, loop_id: u64) -> Vec<AnyTask> {
        let slots = self.live_tasks();
        slots
            .into_iter()
            .map(|slot| {
                self.slot_mut(slot).node.handles += 1;
                AnyTask(Future::counted(loop_id, slot))
            })
            .collect()
    }

    /// The slots of the tasks that are not done, in the order of creation: that in which `create_task` returned them.
    pub(crate) fn live_tasks(&self) -> Vec<u32> {
        if self.all_slots_are_free() {
            return Vec::new();
        }
        let mut slots: Vec<u32> =
            (1..self.slots.len() as u32).filter(|slot| self.slot(*slot).is_live_task()).collect();
        slots.sort_unstable_by_key(|slot| {
            let order = self.cold[*slot as usize].order;
            let late = self.observed.returned_late.get(slot).filter(|late| late.0 == order);
            // Of those that were returned after the same last one, the innermost was returned first.
            (late.map_or(order, |late| late.1), Reverse(order))
        });
        slots
    }

    /// An eager task comes behind those that its first step made.
    fn eager_task_returns(&mut self, slot: u32) {
        let order = self.cold[slot as usize].order;
        if self.tasks_created != order {
            self.observed.returned_late.insert(slot, (order, self.tasks_created));
        }
    }

    /// Is this slot's body on the stack? With eager tasks more than one is.
    pub(crate) fn runs(&self, slot: u32) -> bool {
        self.current == slot || self.observed.suspended.contains(&slot)
    }
}
