//! Sleeping, and giving way.

use crate::clock::{Instant, nanos};
use crate::slots::{NONE, flag};
use crate::store::{access, access_quietly, current_id};
use crate::timers::Timer;
use crate::waits::{MUST, Op, Resumed, Rt, Wait};
use crate::{Error, Result};
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Waits for a duration of virtual time.
///
/// Zero gives way once: the task goes to the end of the ready queue.
///
/// # Order
/// It goes on one tick after its timer fired, or one tick after it gave way. Sleeps of equal deadline end in the order
/// of CPython's heap, which is not the order in which they began.
///
/// # Cancellation
/// The timer is cancelled with the sleep.
///
/// # Errors
/// `Cancelled` if the task is cancelled meanwhile.
///
/// # Panics
/// When awaited outside of an event loop.
///
/// # Source
/// CPython 3.13, `asyncio.tasks.sleep`.
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
/// use std::time::Duration;
///
/// asyncio::run(async {
///     let begun = asyncio::get_running_loop()?.time();
///     asyncio::sleep(Duration::from_secs(3600)).await?; // takes no time at all
///     assert_eq!(asyncio::get_running_loop()?.time() - begun, Duration::from_secs(3600));
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[inline]
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    Sleep { until: Until::After(nanos(duration)), loop_id: 0, wait: Wait::new(Location::caller()) }
}

/// Waits until a moment of virtual time; if it has passed, until the next tick.
///
/// See [`sleep`] for the rest.
#[track_caller]
pub fn sleep_until(when: Instant) -> Sleep {
    Sleep { until: Until::At(when.as_nanos()), loop_id: 0, wait: Wait::new(Location::caller()) }
}

enum Until {
    After(u64),
    At(u64),
}

/// The future of [`sleep`].
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    until: Until,
    /// The loop in which it began, 0 before: a sleep that is moved out of its run must not end another's wait.
    loop_id: u64,
    wait: Wait,
}

impl Future for Sleep {
    type Output = Result<()>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        if this.loop_id == 0 {
            this.loop_id = current_id();
            if this.loop_id == 0 {
                crate::event_loop::no_loop_at("sleep", this.wait.place);
            }
        }
        let (wait, until) = (&mut this.wait, &this.until);
        let polled = access(this.loop_id, |l| match until {
            Until::After(0) => l.rt.give_way(wait, cx),
            Until::After(duration) => {
                let at = l.rt.now.saturating_add(*duration);
                l.rt.sleep(wait, cx, at)
            }
            Until::At(at) => l.rt.sleep(wait, cx, *at),
        });
        polled.unwrap_or_else(|| Poll::Ready(Err(Error::loop_is_closed())))
    }
}

impl Drop for Sleep {
    #[inline]
    fn drop(&mut self) {
        if self.wait.begun() {
            let wait = &mut self.wait;
            let _ = access_quietly(self.loop_id, |l| {
                l.rt.cancel_timer_of(wait.node);
                l.rt.abandon(wait);
            });
        }
    }
}

impl Rt {
    /// A bare yield: the task is ready again at once, behind the others.
    #[inline(always)]
    fn give_way(&mut self, wait: &mut Wait, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if wait.begun() {
            return match self.resume(wait, cx) {
                Resumed::Pending => Poll::Pending,
                Resumed::Woken => Poll::Ready(Ok(())),
                Resumed::Cancelled(error) => Poll::Ready(Err(error)),
            };
        }
        self.begin(wait, cx, Op::Yield, NONE);
        if self.is_pending(wait.node) {
            self.wake(wait.node);
        }
        Poll::Pending
    }

    #[inline(always)]
    fn sleep(&mut self, wait: &mut Wait, cx: &mut Context<'_>, at: u64) -> Poll<Result<()>> {
        if !wait.begun() {
            self.begin(wait, cx, Op::Sleep, NONE);
            let node = &mut self.slots[wait.node as usize].node;
            node.flags &= !flag::DUE;
            let timer = Timer { at, slot: wait.node, wait: node.wait };
            self.timers.push(timer);
            return Poll::Pending;
        }
        let node = wait.node;
        if self.slot(node).node.state & (crate::waits::CANCELLED | MUST) != 0 && !self.is_pending(node) {
            self.cancel_timer_of(node);
        }
        match self.resume(wait, cx) {
            Resumed::Pending => Poll::Pending,
            Resumed::Woken => Poll::Ready(Ok(())),
            Resumed::Cancelled(error) => Poll::Ready(Err(error)),
        }
    }

    /// CPython's `TimerHandle.cancel` in the `finally` of `sleep`: counted only while it is in the heap.
    #[cold]
    fn cancel_timer_of(&mut self, node: u32) {
        let node = &mut self.slot_mut(node).node;
        if node.op == Op::Sleep && node.flags & flag::DUE == 0 {
            node.flags |= flag::DUE;
            self.timers.cancelled_count += 1;
        }
    }
}
