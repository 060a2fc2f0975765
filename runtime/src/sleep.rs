//! Sleeping, and giving way.

use crate::clock::{Instant, nanos};
use crate::ops::Op;
use crate::slots::{NONE, flag};
use crate::store::{access, access_current, access_quietly};
use crate::timers::Timer;
use crate::waits::{CANCELLED, MUST, Resumed, Rt, WAITING, WOKEN, Wait, attention};
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
            Some(Resumed::Woken | Resumed::GaveWay) => Poll::Ready(Ok(())),
            Some(Resumed::Pending) => Poll::Pending,
            Some(Resumed::Cancelled(error)) => Poll::Ready(Err(error)),
            None => Poll::Ready(Err(Error::loop_is_closed())),
        }
    }
}

impl Sleep {
    #[inline(always)]
    fn begin(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.nanos != 0 || self.absolute {
            return self.begin_timer(cx);
        }
        let begun = access_current(|l| {
            self.loop_id = l.id;
            l.rt.give_way(&mut self.wait, cx);
        });
        if begun.is_none() {
            crate::event_loop::no_loop_at("sleep", self.wait.place);
        }
        Poll::Pending
    }

    #[inline(never)]
    fn begin_timer(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let begun = access_current(|l| {
            self.loop_id = l.id;
            let from = if self.absolute { 0 } else { l.rt.now };
            l.rt.sleep(&mut self.wait, cx, from.saturating_add(self.nanos));
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
    /// A bare yield: the task is ready again at once, behind the others. A wait that is woken as it begins.
    #[inline(always)]
    fn give_way(&mut self, wait: &mut Wait, cx: &mut Context<'_>) {
        let current = self.current;
        let own = cx.waker().data() as usize as u64 == self.current_word;
        let slot = &mut self.slots[current as usize];
        if own && slot.node.state == 0 && !slot.is(flag::QUEUED) && self.attention & attention::KEYS == 0 {
            slot.node.state = WAITING | WOKEN;
            slot.node.flags |= flag::QUEUED;
            (slot.node.op, slot.node.place) = (Op::Yield, Some(wait.place));
            wait.node = current;
            self.ready.push(slot.word);
        } else {
            self.give_way_rarely(wait, cx);
        }
    }

    #[inline(never)]
    fn give_way_rarely(&mut self, wait: &mut Wait, cx: &mut Context<'_>) {
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
