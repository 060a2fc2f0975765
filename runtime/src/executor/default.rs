//! The default executor of a loop: made at its first use, shut down at the end of `run`.

use std::any::Any;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, ready};
use std::time::Duration;

use super::{Executor, IntoJob, Pool};
use crate::store::access;
use crate::threadsafe::chain;
use crate::{
    Error, ErrorKind, EventLoop, Future, Join, Result, TimeoutRun, concurrent, get_running_loop, timeout,
};

/// A loop keeps its default executor without knowing the type.
fn pool_of(pool: Rc<dyn Any>) -> Rc<Pool> {
    pool.downcast().expect("the default executor of a loop is a pool")
}

/// Workers of a default executor that nobody has set.
const DEFAULT_WORKERS: usize = 2;

impl EventLoop {
    /// Runs a blocking function in an executor, or in the loop's default one.
    ///
    /// The default executor is made at its first use, with 2 workers, unless
    /// [`set_default_executor`](EventLoop::set_default_executor) has set one. The function runs in an empty
    /// context; [`to_thread`](crate::to_thread) carries the caller's.
    ///
    /// # Order
    /// The function runs when its time has passed, 1 tick after the timer; the awaiter resumes 2 ticks after it.
    ///
    /// # Cancellation
    /// Arrives at once. 1 tick later the job is cancelled if it still waits for a worker; one that runs ends
    /// unheard.
    ///
    /// # Errors
    /// The function's own. [`ErrorKind::Runtime`] after a shutdown of the executor, and if the loop is closed: where
    /// asyncio raises from this call, the future returned has failed already.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/base_events.py`, `run_in_executor`.
    ///
    /// # Examples
    /// See [`Executor`].
    #[track_caller]
    pub fn run_in_executor<T: 'static>(
        &self,
        executor: Option<&Executor>,
        job: impl IntoJob<T>,
    ) -> Future<T> {
        let pool = match executor {
            Some(executor) => executor.pool().ok_or_else(Error::loop_is_closed),
            None => self.default_executor(),
        };
        let result = self.create_future();
        match pool.and_then(|pool| pool.submit(job)) {
            // Nobody else has the job's future: its result is taken.
            Ok(promised) => chain(&promised, &result, concurrent::Future::claim),
            Err(error) => drop(result.set_exception(error)),
        }
        result
    }

    /// Sets the executor that `run_in_executor(None, ..)` and [`to_thread`](crate::to_thread) use.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/base_events.py`, `set_default_executor`.
    ///
    /// # Examples
    /// ```
    /// use counterpoint_runtime as asyncio;
    ///
    /// asyncio::run(async {
    ///     let event_loop = asyncio::get_running_loop()?;
    ///     let pool = asyncio::Executor::new(8);
    ///     event_loop.set_default_executor(&pool);
    ///     let waiting = asyncio::create_task(asyncio::to_thread(|| Ok(())));
    ///     asyncio::sleep(std::time::Duration::ZERO).await?;
    ///     assert_eq!(pool.busy(), 1);
    ///     waiting.await
    /// })?;
    /// # Ok::<(), asyncio::Error>(())
    /// ```
    pub fn set_default_executor(&self, executor: &Executor) {
        let Some(pool) = executor.pool() else { return };
        let pool: Rc<dyn Any> = pool;
        let replaced = access(self.id(), |l| l.default_executor.pool.replace(pool));
        drop(replaced);
    }

    fn default_executor(&self) -> Result<Rc<Pool>> {
        let default = access(self.id(), |l| {
            let default = &l.default_executor;
            (!default.shutdown_called).then(|| default.pool.clone())
        });
        let default = default.ok_or_else(Error::loop_is_closed)?;
        let Some(default) = default else {
            return Err(Error::new(ErrorKind::Runtime, "executor shutdown has been called"));
        };
        if let Some(pool) = default {
            return Ok(pool_of(pool));
        }
        let pool = Rc::new(Pool::new(self.id(), DEFAULT_WORKERS));
        let made: Rc<dyn Any> = Rc::clone(&pool) as Rc<dyn Any>;
        let _ = access(self.id(), |l| l.default_executor.pool = Some(made));
        Ok(pool)
    }

    /// Ends the default executor when its jobs have ended; [`run`](crate::run()) does so at the end.
    ///
    /// # Order
    /// Without a default executor nothing is added. With an idle one 2 ticks; else 2 ticks after its last job.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`] if this task is cancelled. That the time given by
    /// [`timeout`](ShutdownDefaultExecutor::timeout) is over is no error: the jobs are then left to themselves.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/base_events.py`, `shutdown_default_executor`.
    ///
    /// # Examples
    /// ```
    /// use counterpoint_runtime as asyncio;
    ///
    /// asyncio::run(async {
    ///     let event_loop = asyncio::get_running_loop()?;
    ///     event_loop.shutdown_default_executor().await?;
    ///     assert!(asyncio::to_thread(|| Ok(())).await.is_err());
    ///     Ok(())
    /// })?;
    /// # Ok::<(), asyncio::Error>(())
    /// ```
    #[track_caller]
    pub fn shutdown_default_executor(&self) -> ShutdownDefaultExecutor {
        ShutdownDefaultExecutor { timeout: None, place: Location::caller(), waiting: None }
    }
}

/// The coroutine that [`EventLoop::shutdown_default_executor`] returns; it acts on the loop that runs it.
#[must_use = "nothing is shut down until this is awaited"]
pub struct ShutdownDefaultExecutor {
    timeout: Option<Duration>,
    place: &'static Location<'static>,
    waiting: Option<(Rc<Pool>, TimeoutRun<Join<()>>)>,
}

impl ShutdownDefaultExecutor {
    /// Waits no longer than this for the jobs. `None`: as long as they take.
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeout = timeout.into();
        self
    }
}

impl std::future::Future for ShutdownDefaultExecutor {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<Result<()>> {
        if self.waiting.is_none() {
            let event_loop = get_running_loop()?;
            let pool = access(event_loop.id(), |l| {
                l.default_executor.shutdown_called = true;
                l.default_executor.pool.clone()
            });
            let Some(Some(pool)) = pool else { return Poll::Ready(Ok(())) };
            let (pool, ended) = (pool_of(pool), Future::new());
            pool.when_idle(ended.clone());
            self.waiting = Some((pool, timeout(self.timeout).run(ended.wait_at(self.place))));
        }
        let (pool, waiting) = self.waiting.as_mut().expect("an executor that ends is waited for");
        let outcome = ready!(Pin::new(waiting).poll(cx));
        if outcome.as_ref().is_err_and(Error::is_timeout) {
            pool.shut_down.set(true);
            return Poll::Ready(Ok(()));
        }
        Poll::Ready(outcome)
    }
}

impl fmt::Debug for ShutdownDefaultExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShutdownDefaultExecutor").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
