//! `wait_for`: one awaitable under a deadline.
//!
//! With time left it is `timeout(..).run(awaitable)`: a coroutine is polled in place, in the caller's task.
//! Without any (zero), an awaitable that is not done is cancelled and waited for, through a private future, so
//! that the wait itself can be cancelled.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;

use super::{TimeoutRun, timed_out, timeout};
use crate::wait::release;
use crate::{Awaitable, DoneCallback, Future, Join, Result};

/// Waits for one awaitable, at most for this time, and cancels it when the time is up.
///
/// A coroutine runs in the calling task, with its context variables. `None`: without a limit. Zero: what is done
/// is returned; a coroutine never starts.
///
/// # Order
/// Nothing is added to what is awaited. From the timer to the caller: 1 tick for a coroutine, 2 for a task. Zero:
/// 3 ticks.
///
/// # Cancellation
/// Passed on to the awaitable; [`shield`](crate::shield()) it if it should run on. If it
/// ends with a value in the tick of the cancellation, the cancellation wins.
///
/// # Errors
/// [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) when the time is up and the awaitable ended with that
/// cancellation; an awaitable that swallows it and returns a value gives that value. Else the awaitable's own.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/tasks.py`, `wait_for`.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let slow = async {
///         asyncio::sleep(Duration::from_secs(3600)).await?;
///         Ok("at last")
///     };
///     let outcome = asyncio::wait_for(slow, Duration::from_secs(1)).await;
///     assert!(outcome.unwrap_err().is_timeout());
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[track_caller]
pub fn wait_for<A: Awaitable>(awaitable: A, timeout: impl Into<Option<Duration>>) -> WaitFor<A> {
    WaitFor {
        place: Location::caller(),
        stage: Stage::Before { awaitable: Some(awaitable), timeout: timeout.into() },
    }
}

pin_project! {
    /// The coroutine that [`wait_for`] returns.
    #[must_use = "nothing is waited for until this is awaited"]
    pub struct WaitFor<A: Awaitable> {
        place: &'static Location<'static>,
        #[pin]
        stage: Stage<A>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<A: Awaitable> {
        Before { awaitable: Option<A>, timeout: Option<Duration> },
        /// In place, under a deadline.
        Inline { #[pin] run: TimeoutRun<A::IntoFuture> },
        /// No time was given: cancelled, and waited for.
        Cancelling { cancelling: CancelAndWait<<A as Awaitable>::Output> },
    }
}

impl<A: Awaitable> std::future::Future for WaitFor<A> {
    type Output = Result<<A as Awaitable>::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut stage = this.stage;
        loop {
            let next = match stage.as_mut().project() {
                StageProjection::Before { awaitable, timeout: limit } => {
                    let awaitable = awaitable.take().expect("a wait_for is not polled after its end");
                    if *limit == Some(Duration::ZERO) {
                        let future = awaitable.ensure_future();
                        if future.done() {
                            return Poll::Ready(A::claim(&future));
                        }
                        Stage::Cancelling { cancelling: CancelAndWait::new(future, this.place) }
                    } else {
                        Stage::Inline { run: timeout(*limit).run(awaitable.into_future()) }
                    }
                }
                StageProjection::Inline { run } => return run.poll(cx),
                StageProjection::Cancelling { cancelling } => {
                    ready!(cancelling.poll(cx))?;
                    return Poll::Ready(match A::claim(&cancelling.future) {
                        Err(cancelled) if cancelled.is_cancelled() => Err(timed_out(cancelled)),
                        outcome => outcome,
                    });
                }
            };
            stage.set(next);
        }
    }
}

impl<A: Awaitable> fmt::Debug for WaitFor<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitFor").finish_non_exhaustive()
    }
}

/// `_cancel_and_wait`.
struct CancelAndWait<T: 'static> {
    future: Future<T>,
    callback: Option<DoneCallback>,
    waiter: Join<()>,
}

impl<T: 'static> CancelAndWait<T> {
    fn new(future: Future<T>, place: &'static Location<'static>) -> Self {
        let waiter = Future::new();
        let released = waiter.clone();
        let callback = Some(future.add_done_callback(move |_| release(&released)));
        future.cancel();
        Self { future, callback, waiter: waiter.wait_at(place) }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let outcome = ready!(std::future::Future::poll(Pin::new(&mut self.waiter), cx));
        self.end();
        Poll::Ready(outcome)
    }

    fn end(&mut self) {
        if let Some(callback) = self.callback.take() {
            self.future.remove_done_callback(&callback);
        }
    }
}

impl<T: 'static> Drop for CancelAndWait<T> {
    fn drop(&mut self) {
        self.end();
    }
}
