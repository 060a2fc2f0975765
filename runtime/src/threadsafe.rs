//! Bridges between [`concurrent::Future`]s and ours: `run_coroutine_threadsafe`, `wrap_future`.
//!
//! Each is two callbacks, CPython's `_chain_future`: the source's outcome is copied to the destination, and a
//! destination that is cancelled cancels the source. What concerns a loop goes through its
//! `call_soon_threadsafe`, and so costs a tick.

use crate::{EventLoop, Future, Result, concurrent, create_task};

/// Gives a coroutine to a loop, from outside it; the result comes as a [`concurrent::Future`].
///
/// The way from one loop of a process into another. Cancelling the returned future cancels the task.
///
/// # Order
/// The coroutine's first step is 2 ticks later: one makes the task, the next one steps it. The returned future is
/// done 1 tick after the task.
///
/// # Cancellation
/// A cancellation before the coroutine began does not prevent its first step, as in asyncio: it finds the task
/// 1 tick after that was made.
///
/// # Panics
/// If the loop is closed.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/tasks.py`, `run_coroutine_threadsafe`.
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let here = asyncio::get_running_loop()?;
///     let answer = asyncio::run_coroutine_threadsafe(async { Ok(42) }, &here);
///     assert!(!answer.done());
///     assert_eq!(asyncio::wrap_future(&answer).await?, 42);
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[track_caller]
pub fn run_coroutine_threadsafe<F, T>(coroutine: F, event_loop: &EventLoop) -> concurrent::Future<T>
where
    F: std::future::Future<Output = Result<T>> + 'static,
    T: 'static,
{
    let promised = concurrent::Future::new();
    let destination = promised.clone();
    event_loop.call_soon_threadsafe(move || {
        let source: Future<T> = create_task(coroutine).into();
        let cancelled = source.clone();
        destination.add_done_callback(move |destination| {
            if destination.cancelled()
                && let Some(source_loop) = EventLoop::of(cancelled.loop_id)
            {
                source_loop.call_soon_threadsafe(move || {
                    cancelled.cancel();
                });
            }
        });
        source.add_done_callback(move |source| complete(&destination, &source));
    });
    promised
}

/// `_set_concurrent_future_state`.
fn complete<T: 'static>(destination: &concurrent::Future<T>, source: &Future<T>) -> Result<()> {
    if source.cancelled() {
        destination.cancel();
    }
    if !destination.set_running_or_notify_cancel()? {
        return Ok(());
    }
    match source.take_result() {
        Ok(value) => destination.set_result(value),
        Err(error) => destination.set_exception(error),
    }
}

/// Wraps a [`concurrent::Future`] into one that can be awaited on this loop.
///
/// # Order
/// 2 ticks from its completion to the awaiter: one copies the result, the next one resumes.
///
/// # Cancellation
/// Cancelling the returned future cancels the concurrent one, 1 tick later, if nobody works on it yet; and the
/// other way round.
///
/// # Panics
/// If there is no event loop on this thread.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/futures.py`, `wrap_future`.
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let promised = asyncio::concurrent::Future::new();
///     let awaited = asyncio::wrap_future(&promised);
///     promised.set_result("here")?;
///     assert_eq!(awaited.await?, "here");
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[track_caller]
pub fn wrap_future<T: Clone + 'static>(source: &concurrent::Future<T>) -> Future<T> {
    let wrapped = Future::new();
    chain(source, &wrapped, concurrent::Future::result);
    wrapped
}

/// `_chain_future`. No handle of the loop is kept: a future that waits must not keep its loop alive.
pub(crate) fn chain<T: 'static>(
    source: &concurrent::Future<T>,
    destination: &Future<T>,
    read: fn(&concurrent::Future<T>) -> Result<T>,
) {
    let to_source = source.clone();
    destination.add_done_callback(move |destination| {
        if destination.cancelled() {
            to_source.cancel();
        }
    });
    let destination = destination.clone();
    source.add_done_callback(move |source| {
        if let Some(event_loop) = EventLoop::of(destination.loop_id) {
            event_loop.call_soon_threadsafe(move || copy(&source, &destination, read));
        }
    });
}

/// `_copy_future_state`. The handle that runs this is there even if the destination was cancelled meanwhile, so a
/// cancelled waiter costs an iteration.
fn copy<T: 'static>(
    source: &concurrent::Future<T>,
    destination: &Future<T>,
    read: fn(&concurrent::Future<T>) -> Result<T>,
) -> Result<()> {
    if destination.cancelled() {
        return Ok(());
    }
    if source.cancelled() {
        destination.cancel();
        return Ok(());
    }
    match read(source) {
        Ok(value) => destination.set_result(value),
        Err(error) => destination.set_exception(error),
    }
}
