//! The lock: one task at a time, in the order in which they asked.
//!
//! `count` is 1 while it is held. Releasing frees it and wakes the first in line, but whoever asks between that and the
//! waiter's run stands behind: the line is not jumped. A waiter that was woken and then cancelled or dropped passes
//! the lock on.
//!
//! `hold` is the number of the hold, 0 while the lock is free; `extra` is the last one given out. A guard gives back its
//! own hold and no other: not one that somebody else has by now, because `release` was called, or because a
//! `Condition.wait` that had given the lock up was dropped before it had it again.

use crate::ops::Op;
use crate::schedule::Touch;
use crate::slots::NONE;
use crate::store::{Object, ObjectKind, ObjectRef};
use crate::waits::{Resumed, Rt, Wait};
use crate::{Error, ErrorKind, Result};
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Mutual exclusion between tasks (`asyncio.Lock`). A clone is the same lock.
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let lock = asyncio::Lock::new();
///     let guard = lock.acquire().await?;
///     assert!(lock.locked());
///     drop(guard);
///     assert!(!lock.locked());
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[derive(Clone)]
pub struct Lock {
    object: ObjectRef,
}

impl Lock {
    /// Makes a free lock in the current loop.
    ///
    /// # Panics
    /// Outside of any event loop.
    #[expect(clippy::new_without_default, reason = "it needs a loop, which a default does not say")]
    #[track_caller]
    pub fn new() -> Lock {
        Lock { object: ObjectRef::new(ObjectKind::Lock) }
    }

    /// Gives the lock a name for reports.
    pub fn named(self, name: impl Into<String>) -> Lock {
        self.object.set_name(name.into());
        self
    }

    /// Waits until the lock is free, then takes it.
    ///
    /// Waiters are served in the order in which they asked. A free lock is taken without giving way.
    ///
    /// # Order
    /// The next waiter runs one tick after the lock is released.
    ///
    /// # Cancellation
    /// The place in the line is given up. If the lock had just been passed to this waiter, it passes to the next one,
    /// so it is never lost.
    ///
    /// # Errors
    /// `Cancelled` if this task is cancelled while it waits; the lock is then not held.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/locks.py`, `Lock.acquire`.
    #[inline]
    #[track_caller]
    pub fn acquire(&self) -> Acquire<'_> {
        Acquire { lock: self, wait: Wait::new(Location::caller()) }
    }

    /// Frees the lock, whoever holds it. Guards do this when they are dropped.
    ///
    /// # Errors
    /// `Runtime` if it is free.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/locks.py`, `Lock.release`.
    #[track_caller]
    pub fn release(&self) -> Result<()> {
        let held = self.object.access(|rt, object| {
            let held = object.count != 0;
            if held {
                release(rt, object, self.object.slot());
            } else {
                rt.touch(self.object.slot(), Touch::Read);
            }
            held
        });
        match held {
            Some(true) => Ok(()),
            Some(false) => Err(Error::new(ErrorKind::Runtime, "Lock is not acquired.")),
            None => Err(Error::loop_is_closed()),
        }
    }

    /// Is it held?
    #[track_caller]
    pub fn locked(&self) -> bool {
        let slot = self.object.slot();
        let locked = self.object.access(|rt, object| {
            rt.touch(slot, Touch::Read);
            object.count != 0
        });
        locked.unwrap_or(false)
    }

    pub(crate) fn object(&self) -> &ObjectRef {
        &self.object
    }

    /// The number of the hold; an error of kind `Runtime` with this message if the lock is free.
    #[track_caller]
    pub(super) fn check_held(&self, message: &str) -> Result<u32> {
        let hold = self.object.access(|rt, object| {
            rt.touch(self.object.slot(), Touch::Read);
            (object.count != 0).then_some(object.hold)
        });
        match hold {
            Some(Some(hold)) => Ok(hold),
            Some(None) => Err(Error::new(ErrorKind::Runtime, message)),
            None => Err(Error::loop_is_closed()),
        }
    }

    /// Lets the one who has just taken the lock go on under the number of an earlier hold.
    pub(super) fn restore_hold(&self, hold: u32) {
        let _ = self.object.access_quietly(|_, object| object.hold = hold);
    }
}

#[inline(always)]
fn release(rt: &mut Rt, object: &mut Object, slot: u32) {
    object.count = 0;
    object.hold = 0;
    object.holder = NONE;
    rt.touch(slot, Touch::Write);
    wake_first(rt, object);
}

/// Wakes the first in line, if it is not woken already.
#[inline(always)]
fn wake_first(rt: &mut Rt, object: &Object) {
    let first = rt.first(&object.waiters);
    if first != NONE && rt.is_pending(first) {
        rt.wake(first);
    }
}

/// Takes the lock for the running task; its guard will hold a handle and the number of the hold.
#[inline(always)]
fn take(rt: &Rt, object: &mut Object, place: &'static Location<'static>) -> u32 {
    object.count = 1;
    object.extra = object.extra.wrapping_add(1);
    object.hold = object.extra;
    object.holder = rt.current_mark();
    object.taken_at = Some(place);
    object.handles += 1;
    object.hold
}

/// The future of [`Lock::acquire`].
#[must_use = "futures do nothing unless awaited"]
pub struct Acquire<'a> {
    lock: &'a Lock,
    wait: Wait,
}

impl Future for Acquire<'_> {
    type Output = Result<LockGuard>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<LockGuard>> {
        self.get_mut().poll_as::<true>(cx)
    }
}

enum Polled {
    Pending,
    /// The lock is taken, under this number, and a handle of it raised for the guard.
    Taken(u32),
    Cancelled(Error),
}

impl Acquire<'_> {
    /// As `poll`, within an await that has suspended already: a free lock is taken without giving way first.
    pub(super) fn poll_again(&mut self, cx: &mut Context<'_>) -> Poll<Result<LockGuard>> {
        self.poll_as::<false>(cx)
    }

    #[inline(always)]
    fn poll_as<const GIVES_WAY: bool>(&mut self, cx: &mut Context<'_>) -> Poll<Result<LockGuard>> {
        let polled = if self.wait.begun() { self.resume(cx) } else { self.begin::<GIVES_WAY>(cx) };
        match polled {
            Some(Polled::Pending) => Poll::Pending,
            Some(Polled::Taken(hold)) => {
                Poll::Ready(Ok(LockGuard { object: ManuallyDrop::new(self.lock.object.raised()), hold }))
            }
            Some(Polled::Cancelled(error)) => Poll::Ready(Err(error)),
            None => Poll::Ready(Err(Error::loop_is_closed())),
        }
    }

    #[inline(always)]
    fn begin<const GIVES_WAY: bool>(&mut self, cx: &mut Context<'_>) -> Option<Polled> {
        let (wait, slot) = (&mut self.wait, self.lock.object.slot());
        self.lock.object.access(|rt, object| {
            if object.count == 0 && only_cancelled(rt, object) {
                if GIVES_WAY && !rt.goes_on(wait, cx, Op::Acquire, slot, Touch::Write) {
                    return Polled::Pending;
                }
                if !GIVES_WAY {
                    rt.touch(slot, Touch::Write);
                }
                return Polled::Taken(take(rt, object, wait.place));
            }
            rt.touch(slot, Touch::Write);
            rt.wait_in(wait, cx, &mut object.waiters, Op::Acquire, slot);
            Polled::Pending
        })
    }

    #[inline(always)]
    fn resume(&mut self, cx: &mut Context<'_>) -> Option<Polled> {
        let (wait, slot) = (&mut self.wait, self.lock.object.slot());
        self.lock.object.access(|rt, object| {
            if rt.resume_first(wait, &mut object.waiters) {
                rt.touch(slot, Touch::Write);
                return Polled::Taken(take(rt, object, wait.place));
            }
            resume_rarely(rt, object, wait, cx, slot)
        })
    }
}

/// A wait that was woken is the first in line as a rule. In every other case:
#[cold]
#[inline(never)]
fn resume_rarely(
    rt: &mut Rt,
    object: &mut Object,
    wait: &mut Wait,
    cx: &mut Context<'_>,
    slot: u32,
) -> Polled {
    let resumed = rt.resume_in(wait, cx, &mut object.waiters);
    if !matches!(resumed, Resumed::Pending) {
        rt.touch(slot, Touch::Write);
    }
    match resumed {
        Resumed::Pending => Polled::Pending,
        Resumed::Woken => Polled::Taken(take(rt, object, wait.place)),
        Resumed::GaveWay if object.count == 0 && only_cancelled(rt, object) => {
            Polled::Taken(take(rt, object, wait.place))
        }
        Resumed::GaveWay => {
            rt.wait_in(wait, cx, &mut object.waiters, Op::Acquire, slot);
            Polled::Pending
        }
        Resumed::Cancelled(error) => {
            if object.count == 0 {
                wake_first(rt, object);
            }
            Polled::Cancelled(error)
        }
    }
}

/// `all(w.cancelled() for w in self._waiters)`
#[inline(always)]
fn only_cancelled(rt: &Rt, object: &Object) -> bool {
    let mut node = rt.first(&object.waiters);
    while node != NONE {
        if !rt.is_cancelled(node) {
            return false;
        }
        node = rt.next(node);
    }
    true
}

impl Drop for Acquire<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.wait.begun() {
            let wait = &mut self.wait;
            let slot = self.lock.object.slot();
            let _ = self.lock.object.access_quietly(|rt, object| {
                rt.touch(slot, Touch::Write);
                rt.abandon_in(wait, &mut object.waiters);
                if object.count == 0 {
                    wake_first(rt, object);
                }
            });
        }
    }
}

/// Holds a lock, and frees it when it is dropped.
#[must_use = "the lock is freed at once if the guard is not kept"]
pub struct LockGuard {
    // Given back together with the lock, in one access.
    object: ManuallyDrop<ObjectRef>,
    /// The number of the hold that it gives back.
    hold: u32,
}

impl LockGuard {
    /// Lets go of the guard and leaves the lock held: somebody has to call [`Lock::release`].
    pub fn leak(self) {
        self.object.give_back(|_, _| {});
        std::mem::forget(self);
    }
}

impl Drop for LockGuard {
    #[inline]
    fn drop(&mut self) {
        let (slot, hold) = (self.object.slot(), self.hold);
        self.object.give_back(|rt, object| {
            if object.hold == hold {
                release(rt, object, slot);
            } else {
                rt.touch(slot, Touch::Read);
            }
        });
    }
}
