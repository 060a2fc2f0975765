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
//! Entering and leaving are in `taskgroups/exit.rs`.
//!
//! The order of cancelling children is the order in which they were made (CPython's set has no order).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;

use crate::schedule::Touch;
use crate::store::{ObjectKind, TypedRef};
use crate::{AnyTask, Error, ErrorContext, ErrorKind, Result, Task, TaskBuilder};

mod exit;

pub use exit::TaskGroupRun;

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
        F: Future<Output = Result<R>>,
    {
        self.run_at(body, Location::caller())
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
        F: Future<Output = Result<T>> + 'static,
        T: 'static,
    {
        TaskBuilder::new().create_task_in(self, coroutine)
    }

    fn group(&self) -> Result<Rc<Group>> {
        let group = self.group.access(|_, _, group| Rc::clone(group));
        group.ok_or_else(Error::loop_is_closed)
    }

    fn add(&self, task: &AnyTask) {
        let Ok(group) = self.group() else { return };
        self.touch(Touch::Write);
        if task.done() {
            // An eager child that did not wait: there is nothing to call back.
            return self.child_done(&group, task);
        }
        let number = group.tasks_made.get();
        group.tasks_made.set(number + 1);
        group.tasks.borrow_mut().insert(number, task.clone());
        let theirs = self.clone();
        let callback = task.add_done_callback(move |task| {
            let Ok(group) = theirs.group() else { return };
            theirs.touch(Touch::Write);
            let removed = group.tasks.borrow_mut().remove(&number);
            drop(removed);
            theirs.child_done(&group, &task);
        });
        callback.in_any_order(); // who ends well is taken off the list, and the last one lets the owner go on
    }

    /// The running step touches the group.
    fn touch(&self, touch: Touch) {
        let slot = self.group.object().slot();
        let _ = self.group.access_quietly(|rt, _, _| rt.touch(slot, touch));
    }

    /// `_on_task_done`.
    fn child_done(&self, group: &Group, task: &AnyTask) {
        if group.tasks.borrow().is_empty() {
            // An owner that waits for the last child; `_on_completed_fut` in CPython.
            let _ = self.group.access(|rt, object, _| rt.pop_wake(&mut object.waiters));
        }
        // A cancelled one has none: its cancellation, with the message, is left to whoever awaits it.
        if let Some(error) = task.failure() {
            group.child_failed(task, error);
        }
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
        F: Future<Output = Result<T>> + 'static,
        T: 'static,
    {
        group.touch(Touch::Read);
        group.group()?.check_open()?;
        let task = self.create_task(coroutine);
        group.add(&task.any());
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

    fn child_failed(&self, task: &AnyTask, error: Error) {
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

fn report_orphan(task: &AnyTask, error: Error) {
    let name = task.name();
    let message = format!("task `{name}` has failed, but nobody waits for its group any more");
    if let Ok(event_loop) = crate::get_running_loop() {
        let context = ErrorContext::new(message).with_exception(error).with_task(Some(name));
        event_loop.call_exception_handler(&context);
    }
}
