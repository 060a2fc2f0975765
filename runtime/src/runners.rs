//! `run` and `Runner`: a program from its first coroutine to a closed loop.
//!
//! Closing has steps, and each takes its ticks as in asyncio: the tasks that are left are cancelled and waited for
//! (2 ticks after the last one), asynchronous generators are shut down (of which we have none: 2 ticks), the default
//! executor ends its jobs (2 ticks if there is none), and the loop is closed. Timers and callbacks that
//! come due meanwhile still run.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::awaitable::Sole;
use crate::contexts::copy_written_context;
use crate::event_loop::is_any_running;
use crate::store::make_current;
use crate::{AnyTask, Context, Error, ErrorContext, ErrorKind, EventLoop, Result, Task, TaskBuilder};

/// What [`Runner::close`] grants the default executor to end its jobs: `THREAD_JOIN_TIMEOUT`.
const EXECUTOR_TIME: Duration = Duration::from_secs(300);

/// Runs a coroutine on a new event loop and closes the loop.
///
/// The entry point of a program. Tasks that are left when it ends are cancelled and waited for.
///
/// # Errors
/// The coroutine's own; [`ErrorKind::Deadlock`] if nothing can ever happen any more and
/// [`ErrorKind::Limit`] if the loop's limit of ticks is reached; [`ErrorKind::Runtime`] inside a running
/// loop.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/runners.py`, `run`.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use counterpoint_runtime as asyncio;
///
/// let answer = asyncio::run(async {
///     asyncio::sleep(Duration::from_secs(3600)).await?; // costs no time
///     Ok(42)
/// })?;
/// assert_eq!(answer, 42);
/// # Ok::<(), asyncio::Error>(())
/// ```
#[track_caller]
pub fn run<F, T>(coroutine: F) -> Result<T>
where
    F: Future<Output = Result<T>> + 'static,
    T: 'static,
{
    if is_any_running() {
        return Err(Error::new(ErrorKind::Runtime, "run() cannot be called from a running event loop"));
    }
    let mut runner = Runner::new();
    let outcome = runner.run(coroutine);
    // The program's own error says more than what closing met after it.
    let closed = runner.close();
    let value = outcome?;
    closed.map(|()| value)
}

/// Runs coroutines one after the other on one loop, and closes it properly.
///
/// Background tasks live on between the runs. All runs share one context: a variable set by one is seen by the
/// next.
///
/// Dropping a runner closes it.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/runners.py`, `Runner`.
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
///
/// let mut runner = asyncio::Runner::new();
/// let one = runner.run(async { Ok(1) })?;
/// let two = runner.run(async move { Ok(one + 1) })?;
/// assert_eq!(two, 2);
/// runner.close()?;
/// assert!(runner.run(async { Ok(()) }).is_err());
/// # Ok::<(), asyncio::Error>(())
/// ```
pub struct Runner {
    state: State,
    /// Its loop was given to it.
    given: bool,
}

enum State {
    /// With the loop that it was given.
    Created(Option<EventLoop>),
    Initialized {
        event_loop: EventLoop,
        /// None for as long as it would be an empty one that no task needs.
        context: Option<Context>,
    },
    Closed,
}

impl Runner {
    /// Makes a runner; its loop is made when it is first needed.
    #[must_use]
    pub fn new() -> Self {
        Self { state: State::Created(None), given: false }
    }

    /// Makes a runner of a loop, which it will close: asyncio's `loop_factory`.
    ///
    /// # Examples
    /// ```
    /// use counterpoint_runtime as asyncio;
    ///
    /// let event_loop = asyncio::EventLoop::builder().seed(7).build();
    /// let mut runner = asyncio::Runner::with_loop(event_loop.clone());
    /// runner.run(async { Ok(()) })?;
    /// runner.close()?;
    /// assert!(event_loop.is_closed());
    /// # Ok::<(), asyncio::Error>(())
    /// ```
    #[must_use]
    pub fn with_loop(event_loop: EventLoop) -> Self {
        Self { state: State::Created(Some(event_loop)), given: true }
    }

    /// Runs a coroutine until it ends, in the runner's context.
    ///
    /// # Errors
    /// As [`run`]; [`ErrorKind::Runtime`] also after [`close`](Runner::close).
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/runners.py`, `Runner.run`.
    ///
    /// # Examples
    /// See [`Runner`].
    #[track_caller]
    pub fn run<F, T>(&mut self, coroutine: F) -> Result<T>
    where
        F: Future<Output = Result<T>> + 'static,
        T: 'static,
    {
        if is_any_running() {
            let message = "Runner.run() cannot be called from a running event loop";
            return Err(Error::new(ErrorKind::Runtime, message));
        }
        let (event_loop, context) = self.initialize()?;
        if context.is_none() && Context::is_written_in(event_loop.id()) {
            *context = Some(Context::empty_of(event_loop.id())); // the task's own would be a copy of that one
        }
        let task = in_context(context.as_ref()).create_task_on(event_loop, coroutine);
        let _adopting = context.is_none().then(|| Adopting { context, task: task.any() });
        event_loop.run_until_complete(Sole(task.into()))
    }

    /// Makes a task in the runner's context: the first half of [`run`](Runner::run), for those who keep its handle.
    ///
    /// The other half is [`EventLoop::run_until_complete`].
    ///
    /// # Errors
    /// [`ErrorKind::Runtime`] after [`close`](Runner::close).
    ///
    /// # Examples
    /// ```
    /// use counterpoint_runtime as asyncio;
    ///
    /// let mut runner = asyncio::Runner::new();
    /// let task = runner.create_task(async { Ok(42) })?;
    /// task.set_name("answer");
    /// assert_eq!(runner.event_loop()?.run_until_complete(&task)?, 42);
    /// assert_eq!(task.result()?, 42);
    /// runner.close()?;
    /// # Ok::<(), asyncio::Error>(())
    /// ```
    #[track_caller]
    pub fn create_task<F, T>(&mut self, coroutine: F) -> Result<Task<T>>
    where
        F: Future<Output = Result<T>> + 'static,
        T: 'static,
    {
        let (event_loop, context) = self.initialize()?;
        let context = context.get_or_insert_with(|| Context::empty_of(event_loop.id()));
        Ok(in_context(Some(context)).create_task_on(event_loop, coroutine))
    }

    /// The runner's loop.
    ///
    /// # Errors
    /// [`ErrorKind::Runtime`] after [`close`](Runner::close).
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/runners.py`, `Runner.get_loop`.
    pub fn event_loop(&mut self) -> Result<EventLoop> {
        self.initialize().map(|(event_loop, _)| event_loop.clone())
    }

    /// Ends what is left, and closes the loop. Closing twice is fine.
    ///
    /// # Order
    /// The tasks that are left are cancelled in the order in which they were made. Then 2 ticks after the last of
    /// them has ended, 2 more for asynchronous generators, 2 more for the default executor, which
    /// has 300 virtual seconds to end the jobs that run.
    ///
    /// # Errors
    /// [`ErrorKind::Deadlock`] if a task swallows the cancellation and waits for ever; the loop is closed all
    /// the same. A task that fails goes to the loop's exception handler.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/runners.py`, `Runner.close`.
    ///
    /// # Examples
    /// See [`Runner`].
    pub fn close(&mut self) -> Result<()> {
        let State::Initialized { event_loop, context: _ } = std::mem::replace(&mut self.state, State::Closed)
        else {
            return Ok(());
        };
        let outcome = shut_down(&event_loop);
        if !self.given {
            crate::set_event_loop(None);
        }
        event_loop.close()?;
        outcome
    }

    /// What [`close`](Runner::close) does before it closes the loop: ends what is left.
    ///
    /// # Errors
    /// As [`close`](Runner::close).
    pub fn shut_down(&mut self) -> Result<()> {
        match &self.state {
            State::Initialized { event_loop, .. } => shut_down(event_loop),
            State::Created(_) | State::Closed => Ok(()),
        }
    }

    fn initialize(&mut self) -> Result<(&EventLoop, &mut Option<Context>)> {
        if let State::Created(given) = &mut self.state {
            let event_loop = given.get_or_insert_with(|| {
                let event_loop = EventLoop::new();
                crate::set_event_loop(Some(&event_loop));
                event_loop
            });
            let context = {
                let _current = make_current(event_loop.id());
                copy_written_context()
            };
            if let Some(event_loop) = given.take() {
                self.state = State::Initialized { event_loop, context };
            }
        }
        match &mut self.state {
            State::Initialized { event_loop, context } => Ok((event_loop, context)),
            _ => Err(Error::new(ErrorKind::Runtime, "this runner is closed")),
        }
    }
}

fn in_context(context: Option<&Context>) -> TaskBuilder {
    context.map_or_else(TaskBuilder::new, |context| TaskBuilder::new().context(context))
}

/// The context of the first task becomes the runner's when the run ends, however it does.
struct Adopting<'a> {
    context: &'a mut Option<Context>,
    task: AnyTask,
}

impl Drop for Adopting<'_> {
    fn drop(&mut self) {
        *self.context = self.task.context_to_share();
    }
}

impl Default for Runner {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The program has failed: its tasks are dropped, not run.
            if let State::Initialized { event_loop, .. } = &self.state {
                let _ = event_loop.close();
            }
            self.state = State::Closed;
        }
        // Whoever wants to see what closing meets calls `close`.
        let _ = self.close();
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Created(_) => "created",
            State::Initialized { .. } => "initialized",
            State::Closed => "closed",
        };
        f.debug_struct("Runner").field("state", &state).finish_non_exhaustive()
    }
}

/// The steps of `Runner.close` before the loop is closed.
fn shut_down(event_loop: &EventLoop) -> Result<()> {
    if event_loop.is_closed() {
        return Ok(()); // by whoever gave it to the runner
    }
    cancel_all_tasks(event_loop)?;
    // `shutdown_asyncgens`: a coroutine that ends in its first step.
    event_loop.run_until_complete(async { Ok(()) })?;
    event_loop.run_until_complete(event_loop.shutdown_default_executor().timeout(EXECUTOR_TIME))
}

fn cancel_all_tasks(event_loop: &EventLoop) -> Result<()> {
    let tasks = event_loop.all_tasks();
    if tasks.is_empty() {
        return Ok(());
    }
    for task in &tasks {
        task.cancel();
    }
    // `gather(*tasks, return_exceptions=True)`, without the results.
    let all_done = event_loop.create_future();
    let left = Rc::new(Cell::new(tasks.len()));
    for task in &tasks {
        let (left, all_done) = (Rc::clone(&left), all_done.clone());
        task.add_done_callback(move |_| {
            left.set(left.get() - 1);
            if left.get() == 0 { all_done.set_result(()) } else { Ok(()) }
        });
    }
    event_loop.run_until_complete(all_done)?;
    for task in &tasks {
        if let Some(error) = task.failure() {
            report(event_loop, task, error);
        }
    }
    Ok(())
}

fn report(event_loop: &EventLoop, task: &AnyTask, error: Error) {
    let context = ErrorContext::new("unhandled exception during asyncio.run() shutdown")
        .with_exception(error)
        .with_task(Some(task.name()));
    let _current = make_current(event_loop.id());
    // The handler runs in the task's context. No code does, so it can be entered.
    let _ = task.context().run(|| event_loop.call_exception_handler(&context));
}
