//! `TaskGroup`: tasks that end together, or are cancelled together.
//!
//! ```text
//!   run ──▶ the body runs ──ends──▶ waits for the children ──none left──▶ left
//!                 │                          │
//!                 └── a child fails, or the body does, or the owner is cancelled ──▶ aborting
//! ```
//! *Aborting* goes beside the stages: all children are cancelled, once, and no more can be made. A child that
//! fails also cancels the *owner* (the task that runs the group), so that the body stops; at the end the group
//! takes that request back.
//!
//! The order of cancelling children is the order in which they were made (CPython's set has no order).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::store::{ObjectKind, TypedRef};
use crate::wait::release;
use crate::{AnyTask, Error, ErrorContext, ErrorKind, Future, Join, Result, Task, TaskBuilder};

/// A group of tasks that is left only when all of them have ended.
///
/// If one fails, the others and the body are cancelled, and the errors come together in one of kind
/// [`ErrorKind::Group`]. A handle: clones are the same group, so that children can make more children.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/taskgroups.py`.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let group = asyncio::TaskGroup::new();
///     let (one, two) = group.run(async {
///         let one = group.create_task(async { Ok(1) })?;
///         let two = group.create_task(async {
///             asyncio::sleep(Duration::from_secs(1)).await?;
///             Ok(2)
///         })?;
///         Ok((one, two))
///     }).await?;
///     assert_eq!(one.result()? + two.result()?, 3);
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[derive(Clone)]
pub struct TaskGroup {
    group: TypedRef<Rc<Group>>,
}

/// CPython's attributes of the same names, and one more.
#[derive(Default)]
struct Group {
    entered: Cell<bool>,
    exiting: Cell<bool>,
    aborting: Cell<bool>,
    /// The run was dropped halfway. Ours: in Python a group cannot be left without waiting.
    abandoned: Cell<bool>,
    parent: RefCell<Option<AnyTask>>,
    parent_cancel_requested: Cell<bool>,
    /// The children that are not done, by their number in the group.
    tasks: RefCell<BTreeMap<u64, AnyTask>>,
    tasks_made: Cell<u64>,
    errors: RefCell<Vec<Error>>,
    on_completed: RefCell<Option<Future<()>>>,
}

impl TaskGroup {
    /// Makes a group; [`run`](TaskGroup::run) enters it.
    ///
    /// # Panics
    /// If there is no event loop on this thread.
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        Self { group: TypedRef::new(ObjectKind::TaskGroup, Rc::new(Group::default())) }
    }

    /// Runs the body of the group, then waits until every child has ended.
    ///
    /// The body may borrow, and gives the result. Children may make more children while the group waits.
    ///
    /// # Order
    /// Without children nothing is added. The group is left 2 ticks after the last child has ended. A child's
    /// error reaches its siblings and the body after 2 ticks.
    ///
    /// # Cancellation
    /// The children are cancelled, and the group is left when they have ended (4 ticks for a sleeping child).
    /// Dropping the future halfway cancels the children too, but then nobody waits for them.
    ///
    /// # Errors
    /// [`ErrorKind::Group`] with the children's errors in the order in which they ended, the body's own last;
    /// children that were cancelled are not among them. [`ErrorKind::Cancelled`] if the owner was cancelled and
    /// nothing failed. [`ErrorKind::Runtime`] outside a task, or if it has been entered before.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/taskgroups.py`, `TaskGroup.__aenter__`, `TaskGroup.__aexit__`.
    ///
    /// # Examples
    /// ```
    /// use counterpoint_runtime as asyncio;
    ///
    /// asyncio::run(async {
    ///     let group = asyncio::TaskGroup::new();
    ///     let outcome = group.run(async {
    ///         group.create_task(async { Err::<(), _>(asyncio::Error::msg("no")) })?;
    ///         asyncio::sleep(std::time::Duration::from_secs(3600)).await // cancelled by the group
    ///     });
    ///     let error = outcome.await.unwrap_err();
    ///     assert_eq!(error.errors()[0].message(), Some("no"));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), asyncio::Error>(())
    /// ```
    #[track_caller]
    pub fn run<F, R>(&self, body: F) -> TaskGroupRun<F, R>
    where
        F: std::future::Future<Output = Result<R>>,
    {
        TaskGroupRun {
            place: Location::caller(),
            group: self.clone(),
            stage: Stage::Before,
            body: Some(body),
        }
    }

    /// Makes a task of this group.
    ///
    /// [`TaskBuilder::create_task_in`] does so with a name or a context.
    ///
    /// # Order
    /// As [`create_task`](crate::create_task): its first step is in the next tick.
    ///
    /// # Errors
    /// [`ErrorKind::Runtime`] if the group has not been entered, is finished, or is being cancelled; the
    /// coroutine is dropped.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/taskgroups.py`, `TaskGroup.create_task`.
    ///
    /// # Examples
    /// See [`TaskGroup`].
    #[track_caller]
    pub fn create_task<F, T>(&self, coroutine: F) -> Result<Task<T>>
    where
        F: std::future::Future<Output = Result<T>> + 'static,
        T: 'static,
    {
        TaskBuilder::new().create_task_in(self, coroutine)
    }

    fn group(&self) -> Result<Rc<Group>> {
        let group = self.group.access(|_, _, group| Rc::clone(group));
        group.ok_or_else(Error::loop_is_closed)
    }
}

impl Default for TaskGroup {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TaskGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("TaskGroup");
        if let Ok(group) = self.group() {
            out.field("tasks", &group.tasks.borrow().len());
            out.field("errors", &group.errors.borrow().len());
            out.field("entered", &group.entered.get());
            out.field("aborting", &group.aborting.get());
        }
        out.finish()
    }
}

impl TaskBuilder {
    /// Makes the task in a group; see [`TaskGroup::create_task`].
    ///
    /// # Errors
    /// [`ErrorKind::Runtime`] if the group has not been entered, is finished, or is being cancelled.
    ///
    /// # Examples
    /// ```
    /// use counterpoint_runtime as asyncio;
    ///
    /// asyncio::run(async {
    ///     let group = asyncio::TaskGroup::new();
    ///     group.run(async {
    ///         let task = asyncio::TaskBuilder::new().name("teller").create_task_in(&group, async { Ok(()) })?;
    ///         assert_eq!(task.name(), "teller");
    ///         Ok(())
    ///     }).await
    /// })?;
    /// # Ok::<(), asyncio::Error>(())
    /// ```
    #[track_caller]
    pub fn create_task_in<F, T>(self, group: &TaskGroup, coroutine: F) -> Result<Task<T>>
    where
        F: std::future::Future<Output = Result<T>> + 'static,
        T: 'static,
    {
        let group = group.group()?;
        group.check_open()?;
        let task = self.create_task(coroutine);
        group.add(task.any());
        Ok(task)
    }
}

impl Group {
    fn check_open(&self) -> Result<()> {
        let refused = if !self.entered.get() {
            "this task group has not been entered"
        } else if self.exiting.get() && self.tasks.borrow().is_empty() {
            "this task group is finished"
        } else if self.aborting.get() {
            "this task group is shutting down"
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Runtime, refused))
    }

    fn add(self: Rc<Self>, task: AnyTask) {
        if task.done() {
            // An eager child that did not wait: there is nothing to call back.
            return self.child_done(&task);
        }
        let number = self.tasks_made.get();
        self.tasks_made.set(number + 1);
        self.tasks.borrow_mut().insert(number, task.clone());
        task.add_done_callback(move |task| {
            let removed = self.tasks.borrow_mut().remove(&number);
            drop(removed);
            self.child_done(&task);
        });
    }

    /// `_on_task_done`.
    fn child_done(&self, task: &AnyTask) {
        if self.tasks.borrow().is_empty()
            && let Some(on_completed) = &*self.on_completed.borrow()
        {
            release(on_completed);
        }
        let Ok(Some(error)) = task.exception() else { return };
        self.errors.borrow_mut().push(error.clone());
        let parent = self.parent.borrow().clone();
        let parent = parent.expect("a group that was entered has an owner");
        if parent.done() || self.abandoned.get() {
            // Only after the group was dropped halfway: nobody else will see the error.
            report_orphan(task, error);
            return;
        }
        if !self.aborting.get() && !self.parent_cancel_requested.get() {
            self.abort();
            self.parent_cancel_requested.set(true);
            parent.cancel();
        }
    }

    fn abort(&self) {
        self.aborting.set(true);
        let tasks: Vec<AnyTask> = self.tasks.borrow().values().cloned().collect();
        for task in tasks {
            if !task.done() {
                task.cancel();
            }
        }
    }
}

pin_project! {
    /// The future that [`TaskGroup::run`] returns.
    #[must_use = "the body runs when this is awaited"]
    pub struct TaskGroupRun<F, R> {
        place: &'static Location<'static>,
        group: TaskGroup,
        stage: Stage<R>,
        #[pin]
        body: Option<F>,
    }

    impl<F, R> PinnedDrop for TaskGroupRun<F, R> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if matches!(this.stage, Stage::Before | Stage::After) {
                return;
            }
            // First the body, whose wait may have been cancelled by our request to the owner.
            this.body.set(None);
            if let Ok(group) = this.group.group() {
                group.abandon();
            }
        }
    }
}

enum Stage<R> {
    Before,
    Body,
    /// The body has ended; children are left.
    Waiting(Exit<R>),
    After,
}

/// `__aexit__` between its suspensions.
struct Exit<R> {
    place: &'static Location<'static>,
    outcome: Result<R>,
    /// `propagate_cancellation_error`.
    cancelled: Option<Error>,
    waiter: Option<Join<()>>,
}

impl<F, R> std::future::Future for TaskGroupRun<F, R>
where
    F: std::future::Future<Output = Result<R>>,
{
    type Output = Result<R>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<R>> {
        let mut this = self.project();
        let group = this.group.group()?;
        if let Stage::Before = this.stage {
            group.enter()?;
            *this.stage = Stage::Body;
        }
        if let Stage::Body = this.stage {
            let body = this.body.as_mut().as_pin_mut().expect("a group's body is dropped when it has ended");
            let outcome = ready!(body.poll(cx));
            this.body.set(None);
            *this.stage = Stage::Waiting(group.begin_exit(outcome, this.place));
        }
        let Stage::Waiting(exit) = this.stage else {
            unreachable!("a task group is not polled after its end");
        };
        ready!(group.poll_completed(exit, cx));
        let Stage::Waiting(exit) = std::mem::replace(this.stage, Stage::After) else {
            unreachable!("nothing else changes the stage");
        };
        Poll::Ready(group.finish(exit))
    }
}

impl<F, R> fmt::Debug for TaskGroupRun<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroupRun").field("group", &self.group).finish_non_exhaustive()
    }
}

impl Group {
    /// `__aenter__`.
    fn enter(&self) -> Result<()> {
        if self.entered.get() {
            return Err(Error::new(ErrorKind::Runtime, "this task group has already been entered"));
        }
        let Some(parent) = crate::current_task() else {
            return Err(Error::new(ErrorKind::Runtime, "a task group can only be entered inside a task"));
        };
        self.parent.replace(Some(parent));
        self.entered.set(true);
        Ok(())
    }

    fn begin_exit<R>(&self, outcome: Result<R>, place: &'static Location<'static>) -> Exit<R> {
        self.exiting.set(true);
        let mut cancelled = None;
        if let Err(error) = &outcome {
            cancelled = error.is_cancelled().then(|| error.clone());
            if !self.aborting.get() {
                self.abort();
            }
        }
        Exit { place, outcome, cancelled, waiter: None }
    }

    /// Waits until no child is left. The wait may be cancelled any number of times: the first cancellation
    /// aborts the group, the others are for the children's own stubbornness.
    fn poll_completed<R>(&self, exit: &mut Exit<R>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if exit.waiter.is_none() {
                if self.tasks.borrow().is_empty() {
                    return Poll::Ready(());
                }
                let on_completed = Future::new();
                exit.waiter = Some(on_completed.clone().wait_at(exit.place));
                self.on_completed.replace(Some(on_completed));
            }
            let waiter = exit.waiter.as_mut().expect("a group that waits has a waiter");
            let outcome = ready!(std::future::Future::poll(Pin::new(waiter), cx));
            exit.waiter = None;
            self.on_completed.take();
            if let Err(error) = outcome
                && !self.aborting.get()
            {
                exit.cancelled = Some(error);
                self.abort();
            }
        }
    }

    /// The end of `__aexit__`.
    fn finish<R>(&self, exit: Exit<R>) -> Result<R> {
        let Exit { outcome, mut cancelled, place: _, waiter: _ } = exit;
        let parent = self.parent.borrow().clone().expect("a group that was entered has an owner");
        if self.parent_cancel_requested.get() && parent.uncancel() == 0 {
            cancelled = None;
        }
        let mut errors = self.errors.take();
        if let Some(cancelled) = cancelled
            && errors.is_empty()
        {
            return Err(cancelled);
        }
        let outcome = match outcome {
            Err(error) if !error.is_cancelled() => {
                errors.push(error.clone());
                Err(error)
            }
            outcome => outcome,
        };
        if errors.is_empty() {
            return outcome;
        }
        // A request from outside is pending: put it in again, so that it is delivered at the owner's next
        // await and counted once.
        if parent.cancelling() > 0 {
            parent.uncancel();
            parent.cancel();
        }
        Err(Error::group("unhandled errors in a TaskGroup", errors))
    }

    /// The run was dropped halfway: the children are cancelled, and a request to the owner is taken back.
    fn abandon(&self) {
        self.exiting.set(true);
        self.abandoned.set(true);
        self.on_completed.take();
        if !self.aborting.get() {
            self.abort();
        }
        if self.parent_cancel_requested.replace(false)
            && let Some(parent) = &*self.parent.borrow()
        {
            parent.uncancel();
        }
    }
}

fn report_orphan(task: &AnyTask, error: Error) {
    let name = task.name();
    let message = format!("task `{name}` has failed, but nobody waits for its group any more");
    if let Ok(event_loop) = crate::get_running_loop() {
        let context = ErrorContext::new(message).with_exception(error).with_task(Some(name));
        event_loop.call_exception_handler(&context);
    }
}
