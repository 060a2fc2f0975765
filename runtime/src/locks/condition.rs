//! `Condition`: tasks give a lock up, wait to be notified, and take the lock again.
//!
//! ```text
//!  Outside ──the lock is given up──► Waiting ──notified or cancelled──► Relocking ──the lock is taken──► Outside
//! ```
//!
//! * *Outside*: the task holds the lock (or nobody waits). *Waiting*: it stands in the condition's line. *Relocking*:
//!   in the lock's line. Nothing but the lock leads out of *Relocking*: a cancel request is kept, and delivered once the
//!   lock is held, because the code behind the await relies on holding it.
//! * An error that leaves a wait passes on the notification that it may have used up: a wait may therefore return
//!   without a reason, and its caller looks again (`wait_for` does).
//! * A wait that is *dropped* halfway does not hold the lock, whatever guard the caller still has. So a guard knows the
//!   number of its own hold, gives back that one and no other, and the wait restores the number when it relocks.

use super::{Acquire, Lock, wake_some};
use crate::ops::Op;
use crate::schedule::Touch;
use crate::store::{ObjectKind, ObjectRef};
use crate::waits::{Resumed, Wait};
use crate::{Error, Result};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A lock whose holders can wait for each other's changes.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/locks.py`, `Condition`.
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
/// use std::{cell::Cell, rc::Rc};
///
/// asyncio::run(async {
///     let (changed, balance) = (asyncio::Condition::new().named("balance"), Rc::new(Cell::new(0)));
///     let buyer = asyncio::create_task({
///         let (changed, balance) = (changed.clone(), balance.clone());
///         async move {
///             let _guard = changed.acquire().await?;
///             changed.wait_for(|| balance.get() >= 100).await?;
///             balance.set(balance.get() - 100);
///             Ok(())
///         }
///     });
///     asyncio::sleep(std::time::Duration::ZERO).await?;
///     let guard = changed.acquire().await?;
///     balance.set(120);
///     changed.notify_all()?;
///     drop(guard);
///     buyer.await?;
///     assert_eq!(balance.get(), 20);
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[derive(Clone)]
pub struct Condition {
    object: ObjectRef,
    lock: Lock,
}

impl Condition {
    /// Makes a condition with a lock of its own.
    ///
    /// # Panics
    /// Outside of an event loop.
    #[track_caller]
    #[expect(clippy::new_without_default, reason = "made in the current event loop, which there may not be")]
    pub fn new() -> Condition {
        let object = ObjectRef::new(ObjectKind::Condition);
        let _ = object.access(|_, object| object.count = OWN_LOCK);
        Condition { object, lock: Lock::new() }
    }

    /// Makes a condition on a lock that others may share.
    ///
    /// # Panics
    /// Outside of an event loop.
    #[track_caller]
    pub fn with_lock(lock: &Lock) -> Condition {
        Condition { object: ObjectRef::new(ObjectKind::Condition), lock: lock.clone() }
    }

    /// Gives the condition a name for reports, and its lock too if that is its own.
    pub fn named(self, name: impl Into<String>) -> Condition {
        let name = name.into();
        if self.object.access_quietly(|_, object| object.count) == Some(OWN_LOCK) {
            self.lock.object().set_name(name.clone());
        }
        self.object.set_name(name);
        self
    }

    /// Waits until the condition's lock is free, then takes it: see [`Lock::acquire`].
    #[track_caller]
    pub fn acquire(&self) -> Acquire<'_> {
        self.lock.acquire()
    }

    /// Gives the condition's lock back: see [`Lock::release`].
    ///
    /// # Errors
    /// Kind `Runtime` if nobody holds it.
    #[track_caller]
    pub fn release(&self) -> Result<()> {
        self.lock.release()
    }

    /// Does anybody hold the condition's lock?
    #[track_caller]
    pub fn locked(&self) -> bool {
        self.lock.locked()
    }

    /// Gives the lock up, waits until notified, and takes the lock again.
    ///
    /// It may also return without a notification, so look again at what you wait for, or use
    /// [`wait_for`](Condition::wait_for).
    ///
    /// # Order
    /// Returns one tick after the notification if the lock is free by then; several that are notified take the lock in the
    /// order in which they waited.
    ///
    /// # Cancellation
    /// Delivered once the lock is held again; the last request counts if there are several. A notification that this
    /// task may have used up goes to the next one. If the future is dropped instead, the lock is *not* held afterwards;
    /// a guard that is still in scope knows that, and gives nothing back.
    ///
    /// # Errors
    /// Kind `Runtime` if nobody holds the lock, or the event loop is closed; kind `Cancelled` if this task is cancelled
    /// while it waits.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/locks.py`, `Condition.wait`.
    #[track_caller]
    pub fn wait(&self) -> ConditionWait<'_> {
        let (wait, relock) = (Wait::new(Location::caller()), self.lock.acquire());
        ConditionWait { condition: self, wait, relock, phase: Phase::Outside, hold: 0, cancelled: None }
    }

    /// Waits until the predicate holds: looks at once, and after each notification.
    ///
    /// # Order
    /// Does not suspend if it holds already.
    ///
    /// # Cancellation
    /// As of [`wait`](Condition::wait).
    ///
    /// # Errors
    /// As of [`wait`](Condition::wait).
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/locks.py`, `Condition.wait_for`.
    #[track_caller]
    pub fn wait_for<P: FnMut() -> bool>(&self, predicate: P) -> ConditionWaitFor<'_, P> {
        ConditionWaitFor { wait: self.wait(), predicate, fresh: true }
    }

    /// Wakes the first `n` tasks that wait; they go on once they have the lock, which the caller should give back.
    ///
    /// # Order
    /// They run one tick later.
    ///
    /// # Errors
    /// Kind `Runtime` if nobody holds the lock, or the event loop is closed.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/locks.py`, `Condition.notify`.
    #[track_caller]
    pub fn notify(&self, n: usize) -> Result<()> {
        self.lock.check_held("cannot notify on un-acquired lock")?;
        self.wake(n);
        Ok(())
    }

    /// Wakes all tasks that wait, in order: see [`notify`](Condition::notify).
    ///
    /// # Errors
    /// Kind `Runtime` if nobody holds the lock, or the event loop is closed.
    #[track_caller]
    pub fn notify_all(&self) -> Result<()> {
        self.notify(usize::MAX)
    }

    fn wake(&self, n: usize) {
        let _ = self.object.access_quietly(|rt, object| {
            let woken = wake_some(rt, object.waiters, n);
            rt.touch(self.object.slot(), Touch::write_if(woken));
        });
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::debug(&self.object, f, |_| if self.locked() { "locked".into() } else { "unlocked".into() })
    }
}

/// `count` of a condition that made its lock itself.
const OWN_LOCK: u32 = 1;

/// Where a wait stands: see the head of this file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Outside,
    Waiting,
    Relocking,
}

/// The future of [`Condition::wait`].
#[must_use = "nothing waits until it is awaited"]
pub struct ConditionWait<'a> {
    condition: &'a Condition,
    wait: Wait,
    /// Polled in *Relocking*, as often as a cancel request ends it.
    relock: Acquire<'a>,
    phase: Phase,
    /// The number of the hold that was given up, which the caller's guard knows.
    hold: u32,
    /// The last cancel request that was delivered to this wait, while the lock is not held.
    cancelled: Option<Error>,
}

impl Future for ConditionWait<'_> {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        if this.phase == Phase::Outside {
            return this.begin(cx);
        }
        if this.phase == Phase::Waiting {
            ready!(this.resume(cx));
        }
        loop {
            match ready!(this.relock.poll_again(cx)) {
                Ok(guard) => break guard.leak(),
                Err(error) if error.is_cancelled() => this.cancelled = Some(error),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        this.condition.lock.restore_hold(this.hold);
        this.phase = Phase::Outside;
        let Some(error) = this.cancelled.take() else { return Poll::Ready(Ok(())) };
        this.condition.wake(1);
        Poll::Ready(Err(error))
    }
}

impl ConditionWait<'_> {
    fn begin(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let ConditionWait { condition, wait, phase, hold, .. } = self;
        *hold = condition.lock.check_held("cannot wait on un-acquired lock")?;
        condition.lock.release()?;
        let slot = condition.object.slot();
        let _ = condition.object.access(|rt, object| {
            rt.touch(slot, Touch::Write);
            rt.wait_in(wait, cx, &mut object.waiters, Op::Wait, slot);
        });
        *phase = Phase::Waiting;
        Poll::Pending
    }

    /// Under `every-await`: gives way before it finds that there is nothing to wait for. The lock stays held.
    fn gives_way(&mut self, cx: &mut Context<'_>) -> bool {
        let (object, wait) = (&self.condition.object, &mut self.wait);
        let slot = object.slot();
        object.access(|rt, _| rt.gives_way(wait, cx, Op::Wait, slot)).unwrap_or(false)
    }

    fn end_giving_way(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.phase != Phase::Outside || !self.wait.begun() {
            return Poll::Ready(Ok(()));
        }
        let wait = &mut self.wait;
        match self.condition.object.access(|rt, _| rt.resume(wait, cx)) {
            Some(Resumed::Pending) => Poll::Pending,
            Some(Resumed::Cancelled(error)) => Poll::Ready(Err(error)),
            Some(Resumed::Woken | Resumed::GaveWay) => Poll::Ready(Ok(())),
            None => Poll::Ready(Err(Error::loop_is_closed())),
        }
    }

    /// Leaves the condition's line once notified or cancelled.
    fn resume(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let ConditionWait { condition, wait, phase, cancelled, .. } = self;
        let slot = condition.object.slot();
        let resumed = condition.object.access(|rt, object| {
            rt.touch(slot, Touch::Read);
            rt.resume_in(wait, cx, &mut object.waiters)
        });
        match resumed {
            Some(Resumed::Pending) => return Poll::Pending,
            Some(Resumed::Cancelled(error)) => *cancelled = Some(error),
            Some(Resumed::Woken | Resumed::GaveWay) | None => {}
        }
        *phase = Phase::Relocking;
        Poll::Ready(())
    }
}

impl Drop for ConditionWait<'_> {
    fn drop(&mut self) {
        let ConditionWait { condition, wait, phase, .. } = self;
        let passes_on = match phase {
            Phase::Outside if wait.begun() => condition.object.access_quietly(|rt, _| rt.abandon(wait)),
            Phase::Outside => Some(false),
            Phase::Waiting => {
                let slot = condition.object.slot();
                condition.object.access_quietly(|rt, object| {
                    rt.touch(slot, Touch::Write);
                    rt.abandon_in(wait, &mut object.waiters)
                })
            }
            // If the lock was handed over, `relock` passes that on.
            Phase::Relocking => Some(true),
        };
        if passes_on == Some(true) {
            condition.wake(1);
        }
    }
}

/// The future of [`Condition::wait_for`].
#[must_use = "nothing waits until it is awaited"]
pub struct ConditionWaitFor<'a, P> {
    wait: ConditionWait<'a>,
    predicate: P,
    /// Nothing has suspended yet.
    fresh: bool,
}

// The predicate is called, never pinned.
impl<P> Unpin for ConditionWaitFor<'_, P> {}

impl<P: FnMut() -> bool> Future for ConditionWaitFor<'_, P> {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let ConditionWaitFor { wait, predicate, fresh } = self.get_mut();
        ready!(wait.end_giving_way(cx))?;
        loop {
            // Between two waits the lock is held: only then may the predicate look.
            if wait.phase == Phase::Outside && predicate() {
                if std::mem::take(fresh) && wait.gives_way(cx) {
                    return Poll::Pending;
                }
                return Poll::Ready(Ok(()));
            }
            *fresh = false;
            ready!(Pin::new(&mut *wait).poll(cx))?;
        }
    }
}
