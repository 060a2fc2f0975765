//! `Semaphore` and `BoundedSemaphore`: a number of permits, handed out in the order of asking.
//!
//! `count` of the object is the permits that nobody has or was promised; `extra` is the bound, `UNBOUNDED` if there is
//! none. A release gives the permit to the first wait *at once*: `count` does not show it in between, so no newcomer can
//! take it away. Permits are conserved:
//!
//! > `count` + permits held + waits that are woken = initial value + releases without a permit
//!
//! so who is cancelled or dropped while woken gives its permit back.

use super::{has_claimant, wake_next};
use crate::ops::Op;
use crate::schedule::Touch;
use crate::store::{Object, ObjectKind, ObjectRef};
use crate::waits::{Resumed, Rt, Wait};
use crate::{Error, ErrorKind, Result};
use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

const UNBOUNDED: u32 = u32::MAX;

/// A number of permits that tasks take and give back.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/locks.py`, `Semaphore`.
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let connections = asyncio::Semaphore::new(2);
///     let permit = connections.acquire().await?;
///     assert_eq!(connections.value(), 1);
///     drop(permit);
///     assert_eq!(connections.value(), 2);
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[derive(Clone)]
pub struct Semaphore {
    object: ObjectRef,
}

impl Semaphore {
    /// Makes a semaphore with `value` permits.
    ///
    /// # Panics
    /// Outside of an event loop.
    #[track_caller]
    pub fn new(value: u32) -> Semaphore {
        Semaphore::with_bound(value, UNBOUNDED)
    }

    #[track_caller]
    fn with_bound(value: u32, bound: u32) -> Semaphore {
        let object = ObjectRef::new(ObjectKind::Semaphore);
        let _ = object.access(|_, object| (object.count, object.extra) = (value, bound));
        Semaphore { object }
    }

    /// Gives the semaphore a name for reports.
    pub fn named(self, name: impl Into<String>) -> Semaphore {
        self.object.set_name(name.into());
        self
    }

    /// Waits until a permit is free, then takes it.
    ///
    /// Permits are given in the order in which tasks asked. A free one is taken without giving way, unless somebody
    /// waits: then the newcomer waits behind, even if more permits are free than there are waiters.
    ///
    /// # Order
    /// The next waiter runs one tick after the release.
    ///
    /// # Cancellation
    /// The place in the line is given up. A permit that had just been given to this task goes to the next one.
    ///
    /// # Errors
    /// Kind `Cancelled` if this task is cancelled while it waits; kind `Runtime` if the event loop is closed.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/locks.py`, `Semaphore.acquire`.
    #[track_caller]
    pub fn acquire(&self) -> SemaphoreAcquire<'_> {
        SemaphoreAcquire { semaphore: self, wait: Wait::new(Location::caller()) }
    }

    /// Gives a permit back, or a new one in: anybody may, as in asyncio.
    ///
    /// What [`acquire`](Semaphore::acquire) returned does so by itself when it is dropped.
    ///
    /// # Order
    /// The first waiter has the permit from now on, and runs one tick later.
    ///
    /// # Panics
    /// If the semaphore would hold 4,294,967,295 permits.
    #[track_caller]
    pub fn release(&self) {
        let released = self.object.access(|rt, object| give(rt, object, self.object.slot()));
        assert!(released != Some(false), "{self:?} was released too many times.\n{OVERFLOW}");
    }

    /// Would [`acquire`](Semaphore::acquire) have to wait? Either no permit is free or somebody waits already.
    #[track_caller]
    pub fn locked(&self) -> bool {
        let locked = self.object.access(|rt, object| {
            rt.touch(self.object.slot(), Touch::Read);
            is_locked(rt, object)
        });
        locked.unwrap_or(false)
    }

    /// The permits that nobody holds and that are promised to nobody.
    #[track_caller]
    pub fn value(&self) -> u32 {
        let value = self.object.access(|rt, object| {
            rt.touch(self.object.slot(), Touch::Read);
            object.count
        });
        value.unwrap_or(0)
    }
}

const OVERFLOW: &str =
    "Each acquire may be followed by one release: either `release()`, or the drop of the permit.";

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::debug(&self.object, f, |object| format!("value:{}", object.count))
    }
}

/// A semaphore that refuses more releases than acquires.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/locks.py`, `BoundedSemaphore`.
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let seats = asyncio::BoundedSemaphore::new(1);
///     let seat = seats.acquire().await?;
///     drop(seat);
///     assert_eq!(seats.release().unwrap_err().kind(), asyncio::ErrorKind::Value);
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[derive(Clone)]
pub struct BoundedSemaphore {
    semaphore: Semaphore,
}

impl BoundedSemaphore {
    /// Makes a semaphore with `value` permits, which is also the most that it may hold.
    ///
    /// # Panics
    /// Outside of an event loop.
    #[track_caller]
    pub fn new(value: u32) -> BoundedSemaphore {
        BoundedSemaphore { semaphore: Semaphore::with_bound(value, value) }
    }

    /// Gives the semaphore a name for reports.
    pub fn named(self, name: impl Into<String>) -> BoundedSemaphore {
        BoundedSemaphore { semaphore: self.semaphore.named(name) }
    }

    /// Waits until a permit is free, then takes it: see [`Semaphore::acquire`].
    #[track_caller]
    pub fn acquire(&self) -> SemaphoreAcquire<'_> {
        self.semaphore.acquire()
    }

    /// Gives a permit back.
    ///
    /// # Order
    /// The first waiter has the permit from now on, and runs one tick later.
    ///
    /// # Errors
    /// Kind `Value` if all permits are there already; kind `Runtime` if the event loop is closed.
    #[track_caller]
    pub fn release(&self) -> Result<()> {
        let object = &self.semaphore.object;
        let released = object.access(|rt, state| give(rt, state, object.slot()));
        match released {
            Some(true) => Ok(()),
            Some(false) => Err(Error::new(ErrorKind::Value, "BoundedSemaphore released too many times")),
            None => Err(Error::loop_is_closed()),
        }
    }

    /// Would [`acquire`](BoundedSemaphore::acquire) have to wait? See [`Semaphore::locked`].
    #[track_caller]
    pub fn locked(&self) -> bool {
        self.semaphore.locked()
    }

    /// The permits that nobody holds and that are promised to nobody.
    #[track_caller]
    pub fn value(&self) -> u32 {
        self.semaphore.value()
    }
}

impl fmt::Debug for BoundedSemaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.semaphore.fmt(f)
    }
}

/// `Semaphore.locked()` of CPython.
fn is_locked(rt: &Rt, object: &Object) -> bool {
    object.count == 0 || has_claimant(rt, object.waiters)
}

/// One permit more; false if the bound forbids it.
fn give(rt: &mut Rt, object: &mut Object, slot: u32) -> bool {
    if object.count >= object.extra {
        rt.touch(slot, Touch::Read);
        return false;
    }
    object.count += 1;
    let served = serve_next(rt, object);
    // At the bound it would have been refused if it had come before those who took.
    let plainly = !served && object.count < object.extra;
    rt.touch(slot, if plainly { Touch::Release } else { Touch::Write });
    true
}

/// Gives a free permit to the first wait that is not done; false if there is none.
fn serve_next(rt: &mut Rt, object: &mut Object) -> bool {
    let served = wake_next(rt, object.waiters);
    object.count -= u32::from(served);
    served
}

/// Gives out as many permits as are free: newcomers may have had to wait although there were some.
fn serve_all(rt: &mut Rt, object: &mut Object) {
    while object.count > 0 && serve_next(rt, object) {}
}

/// The future of [`Semaphore::acquire`].
#[must_use = "no permit is taken until it is awaited"]
pub struct SemaphoreAcquire<'a> {
    semaphore: &'a Semaphore,
    wait: Wait,
}

impl Future for SemaphoreAcquire<'_> {
    type Output = Result<SemaphorePermit>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let SemaphoreAcquire { semaphore, wait } = self.get_mut();
        let (slot, fresh) = (semaphore.object.slot(), !wait.begun());
        let polled = semaphore.object.access(|rt, object| {
            let given = wait.begun() && ready!(resume(rt, object, wait, cx, slot))?;
            if !given {
                if is_locked(rt, object) {
                    rt.touch(slot, Touch::Write);
                    rt.wait_in(wait, cx, &mut object.waiters, Op::Acquire, slot);
                    return Poll::Pending;
                }
                let touch = if object.count > 1 { Touch::Take } else { Touch::Write };
                if fresh && !rt.goes_on(wait, cx, Op::Acquire, slot, touch) {
                    return Poll::Pending;
                }
                if !fresh {
                    rt.touch(slot, touch);
                }
                object.count -= 1;
            }
            object.handles += 1; // the permit's
            let object = ManuallyDrop::new(semaphore.object.raised());
            Poll::Ready(Ok(SemaphorePermit { object }))
        });
        polled.unwrap_or_else(|| Poll::Ready(Err(Error::loop_is_closed())))
    }
}

/// True if it was given a permit; false if it gave way, and has to ask for one.
#[inline]
fn resume(
    rt: &mut Rt,
    object: &mut Object,
    wait: &mut Wait,
    cx: &mut Context<'_>,
    slot: u32,
) -> Poll<Result<bool>> {
    let given = rt.is_woken(wait.node);
    let result = match rt.resume_in(wait, cx, &mut object.waiters) {
        Resumed::Pending => return Poll::Pending,
        Resumed::GaveWay => return Poll::Ready(Ok(false)),
        Resumed::Woken => Ok(true),
        Resumed::Cancelled(error) => {
            object.count += u32::from(given);
            Err(error)
        }
    };
    rt.touch(slot, Touch::Write);
    serve_all(rt, object);
    Poll::Ready(result)
}

impl Drop for SemaphoreAcquire<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.wait.begun() {
            self.give_up();
        }
    }
}

impl SemaphoreAcquire<'_> {
    #[cold]
    fn give_up(&mut self) {
        let SemaphoreAcquire { semaphore, wait } = self;
        let _ = semaphore.object.access_quietly(|rt, object| {
            rt.touch(semaphore.object.slot(), Touch::Write);
            let given = rt.abandon_in(wait, &mut object.waiters);
            object.count += u32::from(given);
            serve_all(rt, object);
        });
    }
}

/// A permit of a [`Semaphore`]: given back when it is dropped.
#[must_use = "the permit is given back at once if it is not kept"]
pub struct SemaphorePermit {
    // Given back together with the permit, in one access.
    object: ManuallyDrop<ObjectRef>,
}

impl SemaphorePermit {
    /// Keeps the permit taken: somebody will call `release` for it.
    ///
    /// # Examples
    /// ```
    /// use counterpoint_runtime as asyncio;
    ///
    /// asyncio::run(async {
    ///     let turns = asyncio::Semaphore::new(1);
    ///     turns.acquire().await?.leak();
    ///     assert!(turns.locked());
    ///     turns.release();
    ///     assert!(!turns.locked());
    ///     Ok(())
    /// })?;
    /// # Ok::<(), asyncio::Error>(())
    /// ```
    pub fn leak(self) {
        self.object.give_back(|_, _| {});
        std::mem::forget(self);
    }
}

impl Drop for SemaphorePermit {
    #[inline]
    fn drop(&mut self) {
        let (slot, mut refused) = (self.object.slot(), false);
        self.object.give_back(|rt, object| {
            refused = !give(rt, object, slot);
            object.handles += u32::from(refused); // for the message
        });
        if refused {
            refuse(self.object.raised());
        }
    }
}

#[cold]
fn refuse(object: ObjectRef) {
    if !std::thread::panicking() {
        panic!(
            "{} was released too many times, the last time by the drop of a permit.\n{OVERFLOW}",
            object.name()
        );
    }
}

impl fmt::Debug for SemaphorePermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a permit of {}", self.object.name())
    }
}
