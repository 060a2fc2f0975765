//! hyper on our loop: its timer and its executor, and its way of reading.
//!
//! A client or server of hyper takes [`Executor`] and [`Timer`] where an example of tokio's has `TokioExecutor` and
//! `TokioTimer`; our streams are hyper's `Read` and `Write` themselves.

use counterpoint_runtime::{Sleep, TaskBuilder, get_running_loop, sleep_until};
use hyper::rt::ReadBufCursor;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// Runs what hyper starts as tasks of the current loop, named `hyper`.
///
/// # Examples
/// ```
/// use hyper::rt::Executor as _;
/// counterpoint_runtime::run(async {
///     counterpoint_net::hyper::Executor::new().execute(async {});
///     Ok(())
/// })?;
/// # Ok::<(), counterpoint_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Executor;

impl Executor {
    /// The executor.
    pub fn new() -> Executor {
        Executor
    }
}

impl<F> hyper::rt::Executor<F> for Executor
where
    F: Future + 'static,
    F::Output: 'static,
{
    fn execute(&self, future: F) {
        let task = TaskBuilder::new().name("hyper").create_task(async move {
            future.await;
            Ok(())
        });
        drop(task);
    }
}

/// hyper's clock and timers on the loop's virtual time.
///
/// hyper asks `std` for the time by [`now`](hyper::rt::Timer::now); its instants are counted from the first one that it was told.
#[derive(Clone, Copy, Debug)]
pub struct Timer {
    origin: Instant,
    at: counterpoint_runtime::Instant,
}

impl Timer {
    /// A timer of the current loop.
    ///
    /// # Panics
    /// Outside of an event loop.
    #[expect(clippy::new_without_default, reason = "it belongs to a loop")]
    #[track_caller]
    pub fn new() -> Timer {
        Timer { origin: origin(), at: now() }
    }

    fn virtual_instant(&self, instant: Instant) -> counterpoint_runtime::Instant {
        self.at + instant.saturating_duration_since(self.origin)
    }
}

/// Where std's instants are counted from. A run shows virtual time here; elsewhere only differences matter.
#[expect(clippy::disallowed_methods, reason = "hyper's timers are of std's type, which nothing else makes")]
fn origin() -> Instant {
    Instant::now()
}

#[track_caller]
fn now() -> counterpoint_runtime::Instant {
    match get_running_loop() {
        Ok(event_loop) => event_loop.time(),
        Err(_) => panic!("hyper's Timer was made or used outside of a running event loop"),
    }
}

impl hyper::rt::Timer for Timer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(TimerSleep { sleep: sleep_until(now() + duration) })
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(TimerSleep { sleep: sleep_until(self.virtual_instant(deadline)) })
    }

    fn now(&self) -> Instant {
        self.origin + (now() - self.at)
    }
}

struct TimerSleep {
    sleep: Sleep,
}

impl Future for TimerSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // A cancel request is hyper's task's: what it waits for beside the timer tells it.
        match ready!(Pin::new(&mut self.sleep).poll(cx)) {
            Ok(()) | Err(_) => Poll::Ready(()),
        }
    }
}

impl hyper::rt::Sleep for TimerSleep {}

/// A read in hyper's way: into a buffer that may be uninitialised, which only a copy can fill without `unsafe`.
pub(crate) fn poll_read(
    mut buffer: ReadBufCursor<'_>,
    read: impl FnOnce(&mut [u8]) -> Poll<io::Result<usize>>,
) -> Poll<io::Result<()>> {
    let mut part = [0; 8192];
    let room = buffer.remaining().min(part.len());
    let count = ready!(read(&mut part[..room]))?;
    buffer.put_slice(&part[..count]);
    Poll::Ready(Ok(()))
}
