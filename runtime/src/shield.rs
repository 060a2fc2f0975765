//! `shield`: cancelling the one who waits does not cancel what is waited for.
//!
//! Two futures chained by callbacks: the *inner* one's outcome is copied to the *outer* one, which is what is
//! awaited and cancelled.

use crate::{Awaitable, Future, Result};

/// Waits for an awaitable without passing on a cancellation.
///
/// A coroutine becomes a task at once. If the awaiting task is cancelled, the shielded task runs on, and the
/// await still returns the cancellation: shield protects the inner task only. What is done already is returned
/// itself.
///
/// # Order
/// 2 ticks from the end of the inner task to the awaiter; a cancellation arrives after 1.
///
/// # Cancellation
/// Not passed on. If the inner task is cancelled by others, the outer future is cancelled too, without a message.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/tasks.py`, `shield`.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let payment = asyncio::create_task(async {
///         asyncio::sleep(Duration::from_secs(2)).await?;
///         Ok("paid")
///     });
///     let waiting = asyncio::wait_for(asyncio::shield(&payment), Duration::from_secs(1)).await;
///     assert!(waiting.unwrap_err().is_timeout());
///     assert_eq!(payment.await?, "paid");
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[track_caller]
pub fn shield<A: Awaitable>(awaitable: A) -> Future<<A as Awaitable>::Output>
where
    <A as Awaitable>::Output: Clone,
{
    let inner = awaitable.ensure_future();
    if inner.done() {
        return inner;
    }
    let outer = Future::new();

    let to_outer = {
        let outer = outer.clone();
        inner.add_done_callback(move |inner| inner_done(&inner, &outer))
    };
    let to_inner = inner.clone();
    outer.add_done_callback(move |_| {
        if !to_inner.done() {
            to_inner.remove_done_callback(&to_outer);
        }
    });
    outer
}

/// The error of an outer future that somebody else completed goes to the loop's exception handler.
fn inner_done<T: Clone + 'static>(inner: &Future<T>, outer: &Future<T>) -> Result<()> {
    if outer.cancelled() {
        // Nobody waits any more: the error counts as looked at.
        let _ = inner.failure();
        return Ok(());
    }
    if inner.cancelled() {
        outer.cancel();
        return Ok(());
    }
    match inner.result() {
        Ok(value) => outer.set_result(value),
        Err(error) => outer.set_exception(error),
    }
}
