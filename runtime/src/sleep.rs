//! Sleeping, and giving way.

use crate::clock::{Instant, nanos};
use crate::slots::{NONE, flag};
use crate::store::{access, access_current, access_quietly};
use crate::timers::Timer;
use crate::waits::{CANCELLED, MUST, Op, Resumed, Rt, Wait};
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
    Sleep { nanos: nanos(duration), loop_id: 0, wait: Wait::new(Location::caller()), absolute: false }
}

/// Waits until a moment of virtual time; if it has passed, until the next tick.
///
/// See [`sleep`] for the rest.
#[track_caller]
pub fn sleep_until(when: Instant) -> Sleep {
    Sleep { nanos: when.as_nanos(), loop_id: 0, wait: Wait::new(Location::caller()), absolute: true }
}

/// The future of [`sleep`].
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    /// Nanoseconds: from when it begins, or if `absolute` from the beginning of the run.
    nanos: u64,
    /// The loop in which it began, 0 before: a sleep that is moved out of its run must not end another's wait.
    loop_id: u64,
    wait: Wait,
    absolute: bool,
}

impl Future for Sleep {
    type Output = Result<()>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        if !this.wait.begun() {
            return this.begin(cx);
        }
        let (wait, gives_way) = (&mut this.wait, this.nanos == 0);
        let resumed = access(this.loop_id, |l| {
            if !gives_way {
                l.rt.drop_timer_if_cancelled(wait.node);
            }
            l.rt.resume(wait, cx)
        });
        match resumed {
            Some(Resumed::Woken) => Poll::Ready(Ok(())),
            Some(Resumed::Pending) => Poll::Pending,
            Some(Resumed::Cancelled(error)) => Poll::Ready(Err(error)),
            None => Poll::Ready(Err(Error::loop_is_closed())),
        }
    }
}

impl Sleep {
    #[inline(always)]
    fn begin(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let (wait, loop_id) = (&mut self.wait, &mut self.loop_id);
        let (nanos, absolute) = (self.nanos, self.absolute);
        let begun = access_current(|l| {
            *loop_id = l.id;
            if nanos == 0 && !absolute {
                l.rt.give_way(wait, cx);
            } else {
                let at = if absolute { nanos } else { l.rt.now.saturating_add(nanos) };
                l.rt.sleep(wait, cx, at);
            }
        });
        if begun.is_none() {
            crate::event_loop::no_loop_at("sleep", self.wait.place);
        }
        Poll::Pending
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
    fn give_way(&mut self, wait: &mut Wait, cx: &mut Context<'_>) {
        self.begin(wait, cx, Op::Yield, NONE);
        if self.is_pending(wait.node) {
            self.wake(wait.node);
        }
    }

    fn sleep(&mut self, wait: &mut Wait, cx: &mut Context<'_>, at: u64) {
        self.begin(wait, cx, Op::Sleep, NONE);
        let node = &mut self.slots[wait.node as usize].node;
        node.flags &= !flag::DUE;
        let timer = Timer { at, slot: wait.node, wait: node.wait };
        self.timers.push(timer);
    }

    /// CPython's `TimerHandle.cancel` in the `finally` of `sleep`: counted only while the timer is in the heap.
    #[inline(always)]
    fn drop_timer_if_cancelled(&mut self, node: u32) {
        if self.slot(node).node.state & (CANCELLED | MUST) != 0 && !self.is_pending(node) {
            self.cancel_timer_of(node);
        }
    }

    #[cold]
    fn cancel_timer_of(&mut self, node: u32) {
        let node = &mut self.slot_mut(node).node;
        if node.op == Op::Sleep && node.flags & flag::DUE == 0 {
            node.flags |= flag::DUE;
            self.timers.cancelled_count += 1;
        }
    }
}
