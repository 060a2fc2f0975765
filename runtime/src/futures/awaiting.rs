//! Awaiting a future: the wait in its line, and the result that is found at its end.

use super::Future;
use crate::ops::Op;
use crate::schedule::Touch;
use crate::slots::flag;
use crate::store::{access, access_quietly};
use crate::waits::{MUST, Resumed, Rt, Wait};
use crate::{Error, ErrorKind, Result};
use std::future::IntoFuture;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Waits for the end of a future or task.
///
/// # Cancellation
/// Cancelling the task that waits cancels what it waits for first; `shield` stops that.
#[must_use = "futures do nothing unless awaited"]
pub struct Join<T> {
    pub(super) target: Future<T>,
    pub(super) wait: Wait,
}

impl<T: Clone + 'static> std::future::Future for Join<T> {
    type Output = Result<T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        self.get_mut().poll_with(cx, |result, target| Ok(result.with(target, T::clone)))
    }
}

impl<T: 'static> Join<T> {
    #[inline(always)]
    fn poll_with(
        &mut self,
        cx: &mut Context<'_>,
        read: impl FnOnce(Found, &Future<T>) -> Result<T>,
    ) -> Poll<Result<T>> {
        let target = self.target.slot;
        let wait = &mut self.wait;
        match access(self.target.loop_id, |l| l.rt.join(wait, cx, target)) {
            Some(Poll::Pending) => Poll::Pending,
            Some(Poll::Ready(Read::Finished(result))) => Poll::Ready(read(result, &self.target)),
            Some(Poll::Ready(Read::Failed(error))) => Poll::Ready(Err(error)),
            Some(Poll::Ready(Read::Pending)) => unreachable!("a wait that is over has a result"),
            None => Poll::Ready(Err(Error::loop_is_closed())),
        }
    }
}

/// Waits for the end of a future that nobody else reads: takes the result, so that it need not be cloned.
///
/// # Cancellation
/// As of [`Join`].
#[must_use = "futures do nothing unless awaited"]
pub struct Claim<T>(pub(super) Join<T>);

impl<T: 'static> std::future::Future for Claim<T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        self.get_mut().0.poll_with(cx, Found::take)
    }
}

impl<T> Drop for Join<T> {
    #[inline]
    fn drop(&mut self) {
        if self.wait.begun() {
            let wait = &mut self.wait;
            let target = self.target.slot;
            let _ = access_quietly(self.target.loop_id, |l| {
                let mut waiters = l.rt.slot(target).waiters;
                l.rt.abandon_in(wait, &mut waiters);
                l.rt.slot_mut(target).waiters = waiters;
            });
        }
    }
}

impl<T: Clone + 'static> IntoFuture for Future<T> {
    type Output = Result<T>;
    type IntoFuture = Join<T>;
    #[inline]
    #[track_caller]
    fn into_future(self) -> Join<T> {
        Join { target: self, wait: Wait::new(Location::caller()) }
    }
}

impl<T: Clone + 'static> IntoFuture for &Future<T> {
    type Output = Result<T>;
    type IntoFuture = Join<T>;
    #[track_caller]
    fn into_future(self) -> Join<T> {
        self.clone().into_future()
    }
}

/// What a reader finds.
pub(crate) enum Read {
    Pending,
    Failed(Error),
    Finished(Found),
}

/// Where a result lies.
pub(crate) struct Found(pub(super) *mut ());

#[allow(unsafe_code, reason = "the result's type is known to the handle alone")]
impl Found {
    /// Lets `f` look at the result, outside of any access.
    #[inline(always)]
    pub(super) fn with<T: 'static, R>(self, of: &Future<T>, f: impl FnOnce(&T) -> R) -> R {
        let _look = Look::begin(of.loop_id);
        // SAFETY: the pointer comes from the body of the slot that `of` names, as a `Result<T>`: the slot was made for
        // results of type `T`, since only then is there a `Future<T>` of it. Bodies are boxed, so it does not move. It
        // is dropped with the last handle, and we hold `of`, or with the loop, which is not closed during a look; it is
        // changed by `take` alone, which refuses during a look.
        match unsafe { &*self.0.cast::<Result<T>>() } {
            Ok(result) => f(result),
            Err(_) => unreachable!("a finished future has a result"),
        }
    }

    /// Takes the result; whoever reads it later finds an error in its place.
    pub(super) fn take<T: 'static>(self, of: &Future<T>) -> Result<T> {
        let free = access(of.loop_id, |l| {
            let free = l.rt.looks == 0;
            if free {
                l.rt.touch_slot(of.slot, Touch::Write);
                l.rt.slot_mut(of.slot).node.flags |= flag::TAKEN;
            }
            free
        });
        if free != Some(true) {
            return Err(Error::new(
                ErrorKind::InvalidState,
                "the result cannot be taken while it is looked at",
            ));
        }
        let taken = TAKEN.try_with(Error::clone).unwrap_or_else(|_| was_taken());
        // SAFETY: as in `with`; and no look at it is under way.
        std::mem::replace(unsafe { &mut *self.0.cast::<Result<T>>() }, Err(taken))
    }
}

thread_local! {
    /// What lies in the place of a result that was taken. Hardly ever does anybody look there, so it is made once.
    static TAKEN: Error = was_taken();
}

fn was_taken() -> Error {
    Error::new(ErrorKind::InvalidState, "the result was taken by the one who ran the coroutine")
}

/// Somebody looks at a result: code of the program that holds a reference into the loop's store. Until this goes the
/// loop is not closed and no result taken.
struct Look(u64);

impl Look {
    #[inline(always)]
    fn begin(loop_id: u64) -> Look {
        let _ = access_quietly(loop_id, |l| l.rt.looks += 1);
        Look(loop_id)
    }
}

impl Drop for Look {
    #[inline(always)]
    fn drop(&mut self) {
        let abandoned = access_quietly(self.0, |l| {
            l.rt.looks -= 1;
            l.rt.looks == 0 && l.handles == 0 && !l.running
        });
        if abandoned == Some(true) {
            crate::close::close(self.0);
        }
    }
}

impl Rt {
    #[inline(always)]
    fn join(&mut self, wait: &mut Wait, cx: &mut Context<'_>, target: u32) -> Poll<Read> {
        if !wait.begun() {
            if self.slot(target).is(flag::DONE) {
                return self.join_at_once(wait, cx, target);
            }
            self.begin_join(wait, cx, target);
            return Poll::Pending;
        }
        let mut waiters = self.slot(target).waiters;
        let resumed = self.resume_in(wait, cx, &mut waiters);
        self.slot_mut(target).waiters = waiters;
        match resumed {
            Resumed::Pending => Poll::Pending,
            Resumed::GaveWay => Poll::Ready(self.read(target)), // it was done, and stays so
            Resumed::Woken if target == self.current => Poll::Ready(Read::Failed(awaits_itself())),
            Resumed::Woken => Poll::Ready(self.read(target)),
            // A request came after the target was done. CPython reads the target first: its error counts as looked at,
            // and if it is a cancellation (a gather fails with one, too) that one is seen, with its message.
            Resumed::Cancelled(error) => match self.read(target) {
                Read::Failed(cancelled) if cancelled.is_cancelled() => Poll::Ready(Read::Failed(cancelled)),
                _ => Poll::Ready(Read::Failed(error)),
            },
        }
    }

    #[inline(always)]
    fn join_at_once(&mut self, wait: &mut Wait, cx: &mut Context<'_>, target: u32) -> Poll<Read> {
        if self.gives_way(wait, cx, Op::Await, target) {
            return Poll::Pending;
        }
        Poll::Ready(self.read(target))
    }

    fn begin_join(&mut self, wait: &mut Wait, cx: &mut Context<'_>, target: u32) {
        let current = self.current;
        self.touch_slot(target, Touch::Read);
        if target == current {
            // CPython throws the error into the task one tick later.
            self.begin(wait, cx, Op::AwaitSelf, target);
            if self.is_pending(wait.node) {
                self.wake(wait.node);
            }
            return;
        }
        let must =
            self.slot(current).node.state == MUST && cx.waker().data() as usize as u64 == self.current_word;
        if must {
            self.slot_mut(current).node.state = 0;
        }
        let mut waiters = self.slot(target).waiters;
        self.wait_in(wait, cx, &mut waiters, Op::Await, target);
        self.slot_mut(target).waiters = waiters;
        if must {
            // The request that was remembered goes to what the task waits for now.
            let message = self.messages.remove(&current);
            if !self.cancel(target, message.as_deref()) {
                self.slot_mut(current).node.state |= MUST;
                self.messages.extend(message.map(|message| (current, message)));
            }
        }
    }
}

fn awaits_itself() -> Error {
    Error::new(ErrorKind::Runtime, "a task cannot await itself")
}
