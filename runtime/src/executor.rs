//! `run_in_executor`: blocking work as a simulated pool of threads does it.
//!
//! There are no threads. An executor has so many *workers*; a free one takes the oldest job at once, and the job's
//! closure runs when the time it [takes](Job::takes) has passed, as a callback of the loop. So a job is one
//! step: nothing else of the loop runs meanwhile, and jobs race with tasks by their times. All around it is
//! asyncio's: a [`concurrent::Future`] for each job, wrapped into one of ours, each costing its tick.
//!
//! A job that waits in the queue can be cancelled; one that runs cannot. The loop's default executor is in
//! `executor/default.rs`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::schedule::Touch;
use crate::store::{self, ObjectKind, TypedRef};
use crate::wait::release;
use crate::{Context, Error, ErrorKind, EventLoop, Future, Result, concurrent};

mod default;

pub use default::ShutdownDefaultExecutor;

/// A pool of workers for blocking jobs: `ThreadPoolExecutor`, simulated.
///
/// A handle: clones are the same executor. It belongs to the loop on which it was made.
///
/// # Source
/// CPython 3.13, `Lib/concurrent/futures/thread.py`. What differs: a job runs in one go, when its time has passed, and
/// in an empty context (a real worker thread would keep one).
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use counterpoint_runtime as asyncio;
/// use asyncio::{Executor, Job};
///
/// asyncio::run(async {
///     let event_loop = asyncio::get_running_loop()?;
///     let pool = Executor::new(1);
///     let hash = Job::new(|| Ok(0xc0ffee)).takes(Duration::from_millis(300));
///     assert_eq!(event_loop.run_in_executor(Some(&pool), hash).await?, 0xc0ffee);
///     assert_eq!(event_loop.time().as_nanos(), 300_000_000);
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[derive(Clone)]
pub struct Executor {
    pool: TypedRef<Rc<Pool>>,
}

/// A blocking function with the virtual time that it occupies its worker.
///
/// # Examples
/// See [`Executor`].
pub struct Job<F> {
    work: F,
    takes: Duration,
}

impl<F> Job<F> {
    /// Makes a job that takes no time.
    pub fn new(work: F) -> Self {
        Self { work, takes: Duration::ZERO }
    }

    /// The same time with another closure.
    pub(crate) fn map<G>(self, wrap: impl FnOnce(F) -> G) -> Job<G> {
        Job { work: wrap(self.work), takes: self.takes }
    }

    /// Says how long the worker is busy with it; the closure runs at the end of that time.
    #[must_use]
    pub fn takes(mut self, time: Duration) -> Self {
        self.takes = time;
        self
    }
}

impl<F> fmt::Debug for Job<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("takes", &self.takes).finish_non_exhaustive()
    }
}

/// What an executor runs: a closure that returns a `Result`, or a [`Job`] made of one.
pub trait IntoJob<T> {
    /// The closure.
    type Work: FnOnce() -> Result<T> + 'static;

    /// The closure with its time.
    fn into_job(self) -> Job<Self::Work>;
}

impl<T, F: FnOnce() -> Result<T> + 'static> IntoJob<T> for F {
    type Work = F;

    fn into_job(self) -> Job<F> {
        Job::new(self)
    }
}

impl<T, F: FnOnce() -> Result<T> + 'static> IntoJob<T> for Job<F> {
    type Work = F;

    fn into_job(self) -> Self {
        self
    }
}

struct Pool {
    loop_id: u64,
    workers: usize,
    busy: Cell<usize>,
    queue: RefCell<VecDeque<Box<dyn Queued>>>,
    shut_down: Cell<bool>,
    /// What names it in footprints.
    key: u64,
    /// What waits until no worker is busy: the shutdown of a default executor.
    idle: RefCell<Vec<Box<dyn FnOnce()>>>,
}

/// A job with its future, of whatever type.
trait Queued {
    fn takes(&self) -> Duration;
    /// False if it was cancelled while it waited.
    fn begin(&self) -> bool;
    fn cancel(&self);
    fn run(self: Box<Self>);
}

struct Submitted<T, F> {
    future: concurrent::Future<T>,
    job: Job<F>,
}

impl<T: 'static, F: FnOnce() -> Result<T>> Queued for Submitted<T, F> {
    fn takes(&self) -> Duration {
        self.job.takes
    }

    fn begin(&self) -> bool {
        // An error means that the program has marked it itself; then the work is not ours.
        self.future.set_running_or_notify_cancel().unwrap_or(false)
    }

    fn cancel(&self) {
        self.future.cancel();
    }

    fn run(self: Box<Self>) {
        let Self { future, job } = *self;
        // Refused only if the program has completed the future itself.
        let _ = match (job.work)() {
            Ok(value) => future.set_result(value),
            Err(error) => future.set_exception(error),
        };
    }
}

impl Executor {
    /// Makes an executor with so many workers.
    ///
    /// # Panics
    /// If there are no workers, or no event loop on this thread.
    #[must_use]
    #[track_caller]
    pub fn new(workers: usize) -> Self {
        assert!(workers > 0, "an executor needs at least one worker");
        let pool = Rc::new(Pool::new(store::current_id(), workers));
        Self { pool: TypedRef::new(ObjectKind::Executor, pool) }
    }

    /// Queues a job; a free worker takes it at once.
    ///
    /// # Errors
    /// [`ErrorKind::Runtime`] after [`shutdown`](Executor::shutdown), or if the loop is closed.
    ///
    /// # Examples
    /// ```
    /// use counterpoint_runtime as asyncio;
    ///
    /// asyncio::run(async {
    ///     let pool = asyncio::Executor::new(1);
    ///     let answer = pool.submit(|| Ok(42))?;
    ///     assert_eq!((pool.busy(), answer.running()), (1, true));
    ///     assert_eq!(asyncio::wrap_future(&answer).await?, 42);
    ///     Ok(())
    /// })?;
    /// # Ok::<(), asyncio::Error>(())
    /// ```
    pub fn submit<T: 'static>(&self, job: impl IntoJob<T>) -> Result<concurrent::Future<T>> {
        self.pool().ok_or_else(Error::loop_is_closed)?.submit(job)
    }

    /// Takes no more jobs. Those that are queued still run, unless they are cancelled with this.
    ///
    /// # Cancellation
    /// With `cancel_futures` the queued jobs' futures are cancelled, in order. Jobs that run go on.
    ///
    /// # Source
    /// CPython 3.13, `ThreadPoolExecutor.shutdown(wait=False)`.
    pub fn shutdown(&self, cancel_futures: bool) {
        let Some(pool) = self.pool() else { return };
        pool.shut_down.set(true);
        if cancel_futures {
            loop {
                let next = pool.queue.borrow_mut().pop_front();
                let Some(queued) = next else { break };
                queued.cancel();
            }
        }
    }

    /// How many workers are busy.
    #[must_use]
    pub fn busy(&self) -> usize {
        self.pool().map_or(0, |pool| pool.busy.get())
    }

    /// How many jobs wait for a worker.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.pool().map_or(0, |pool| pool.queue.borrow().len())
    }

    /// True after [`shutdown`](Executor::shutdown), and when the loop is gone.
    #[must_use]
    pub fn is_shut_down(&self) -> bool {
        self.pool().is_none_or(|pool| pool.shut_down.get())
    }

    fn pool(&self) -> Option<Rc<Pool>> {
        let pool = self.pool.access(|_, _, pool| Rc::clone(pool))?;
        pool.touch(Touch::Write);
        Some(pool)
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor").field("busy", &self.busy()).field("queued", &self.queued()).finish()
    }
}

impl Pool {
    fn new(loop_id: u64, workers: usize) -> Self {
        let (busy, shut_down) = (Cell::new(0), Cell::new(false));
        let key = store::access_current(|l| l.rt.new_thing("Executor")).unwrap_or(0);
        Self { loop_id, workers, busy, queue: RefCell::default(), shut_down, key, idle: RefCell::default() }
    }

    /// The running step uses the pool.
    fn touch(&self, touch: Touch) {
        let _ = store::access_quietly(self.loop_id, |l| {
            l.rt.touch_thing(self.key, touch, || "Executor".into());
        });
    }

    fn submit<T: 'static>(self: &Rc<Self>, job: impl IntoJob<T>) -> Result<concurrent::Future<T>> {
        self.touch(Touch::Write);
        if self.shut_down.get() {
            return Err(Error::new(ErrorKind::Runtime, "cannot schedule new futures after shutdown"));
        }
        let future = concurrent::Future::new();
        let submitted = Submitted { future: future.clone(), job: job.into_job() };
        self.queue.borrow_mut().push_back(Box::new(submitted));
        self.pump();
        Ok(future)
    }

    /// Gives queued jobs to free workers.
    fn pump(self: &Rc<Self>) {
        while self.busy.get() < self.workers {
            let next = self.queue.borrow_mut().pop_front();
            let Some(queued) = next else { return };
            if !queued.begin() {
                continue;
            }
            self.busy.set(self.busy.get() + 1);
            let pool = Rc::clone(self);
            let event_loop = EventLoop::of(self.loop_id).expect("an executor is used while its loop lives");
            let empty = Context::empty_of(self.loop_id);
            event_loop.call_later(queued.takes(), move || pool.finish(queued)).context(&empty);
        }
    }

    /// `_do_shutdown`, which in CPython a thread runs: when no worker is busy, the executor is shut down and
    /// `ended` completed from outside the loop.
    fn when_idle(self: &Rc<Self>, ended: Future<()>) {
        let pool = Rc::clone(self);
        let shut_down = move || {
            pool.shut_down.set(true);
            if let Some(event_loop) = EventLoop::of(pool.loop_id) {
                event_loop.call_soon_threadsafe(move || release(&ended));
            }
        };
        if self.busy.get() == 0 {
            shut_down();
        } else {
            self.idle.borrow_mut().push(Box::new(shut_down));
        }
    }

    /// The time of a job has passed: this is where its closure runs.
    fn finish(self: &Rc<Self>, queued: Box<dyn Queued>) {
        queued.run();
        self.touch(Touch::Write);
        self.busy.set(self.busy.get() - 1);
        self.pump();
        while self.busy.get() == 0 {
            let next = self.idle.borrow_mut().pop();
            let Some(idle) = next else { break };
            idle();
        }
    }
}
