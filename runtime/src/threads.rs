//! `to_thread`: one blocking function, off the event loop.
//!
//! A coroutine around `run_in_executor` with the loop's default executor. What it adds is the context: the
//! function sees the caller's context variables.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::{Claim, IntoJob, Result, copy_context, get_running_loop};

/// Runs a blocking function as a job of the loop's default executor, in the caller's context.
///
/// Nothing happens before this is awaited. Give a [`Job`](crate::Job) to say how much virtual time the
/// function takes.
///
/// # Order
/// The function runs when its time has passed, 1 tick after the timer; the awaiter resumes 2 ticks after it.
///
/// # Cancellation
/// Arrives at once; a function that waits for a worker is never run, one that runs ends unheard.
///
/// # Errors
/// The function's own; [`ErrorKind::Runtime`](crate::ErrorKind::Runtime) after
/// [`shutdown_default_executor`](crate::EventLoop::shutdown_default_executor).
///
/// # Source
/// CPython 3.13, `Lib/asyncio/threads.py`.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let digest = asyncio::Job::new(|| Ok("9f86d081")).takes(Duration::from_millis(20));
///     assert_eq!(asyncio::to_thread(digest).await?, "9f86d081");
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[track_caller]
pub fn to_thread<T, J>(job: J) -> ToThread<T, J>
where
    T: 'static,
    J: IntoJob<T>,
{
    ToThread { place: Location::caller(), job: Some(job), result: None }
}

/// The coroutine that [`to_thread`] returns.
#[must_use = "the function is run when this is awaited"]
pub struct ToThread<T, J> {
    place: &'static Location<'static>,
    job: Option<J>,
    result: Option<Claim<T>>,
}

impl<T: 'static, J: IntoJob<T>> Future for ToThread<T, J> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let this = self.get_mut();
        if let Some(job) = this.job.take() {
            let context = copy_context();
            let in_context = job.into_job().map(|work| move || context.run(work)?);
            let future = get_running_loop()?.run_in_executor(None, in_context);
            this.result = Some(future.claim_at(this.place));
        }
        let result = this.result.as_mut().expect("to_thread is not polled after its end");
        Pin::new(result).poll(cx)
    }
}

// Nothing in here is pinned: the job waits to be handed over.
impl<T, J> Unpin for ToThread<T, J> {}

impl<T, J> fmt::Debug for ToThread<T, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToThread").field("begun", &self.job.is_none()).finish_non_exhaustive()
    }
}
