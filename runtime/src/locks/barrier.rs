//! `Barrier`: tasks wait until a number of them has come.
//!
//! ```text
//!             the last party comes            the last one leaves
//!  ┌► Filling ───────────────────► Draining ──────────────────────┐
//!  │     │ reset() with waiters                                   │
//!  │     └───────────────────────► Resetting ─────────────────────┤
//!  ├──────────────────────────────────────────────────────────────┘
//!  │     abort(), from any          reset() with waiters: Resetting
//!  └─────────────────── Broken ◄─── reset() without: Filling
//! ```
//!
//! * *Filling*: who comes waits. *Draining*, *Resetting*: those inside leave, the first with their index, the second with
//!   an error; newcomers wait in the same line until the state is *Filling* again. *Broken*: who is inside or comes
//!   gets an error.
//!
//! CPython builds it on a `Condition`, whose lock each wait takes again when it is woken. Nobody ever holds that lock
//! across an await, so it is never contended and decides nothing; here only the condition's line is left. What stays
//! visible is its rule that a cancelled wait notifies the next one: that one finds nothing changed and goes to the back
//! of the line.

use super::{wake_all, wake_next};
use crate::ops::Op;
use crate::schedule::Touch;
use crate::store::{Object, ObjectKind, TypedRef};
use crate::waits::{GiveWay, Resumed, Rt, Wait};
use crate::{Error, ErrorKind, Result};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Filling,
    Draining,
    Resetting,
    Broken,
}

/// A meeting point: tasks wait there until a number of them has come.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/locks.py`, `Barrier`.
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let start = asyncio::Barrier::new(2);
///     let runner = asyncio::create_task({
///         let start = start.clone();
///         async move { start.wait().await }
///     });
///     asyncio::sleep(std::time::Duration::ZERO).await?;
///     assert_eq!(start.n_waiting(), 1);
///     assert_eq!(start.wait().await?, 1); // the last to come does not suspend
///     assert_eq!(runner.await?, 0);
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[derive(Clone)]
pub struct Barrier {
    // `count`: the tasks inside, `extra`: the parties.
    object: TypedRef<State>,
}

impl Barrier {
    /// Makes a barrier for `parties` tasks.
    ///
    /// # Panics
    /// If `parties` is 0, and outside of an event loop.
    #[track_caller]
    pub fn new(parties: usize) -> Barrier {
        assert!(parties > 0, "Barrier::new(0): parties must be > 0, or nobody could ever pass.");
        let parties = u32::try_from(parties).expect("a barrier's parties fit 32 bits, as a loop's tasks do");
        let object = TypedRef::new(ObjectKind::Barrier, State::Filling);
        let _ = object.access(|_, object, _| object.extra = parties);
        Barrier { object }
    }

    /// Gives the barrier a name for reports.
    pub fn named(self, name: impl Into<String>) -> Barrier {
        self.object.object().set_name(name.into());
        self
    }

    /// Waits until all parties have come; returns the number in the order of coming, from 0.
    ///
    /// # Order
    /// The last to come does not suspend; the others run one tick later, in the order in which they came.
    ///
    /// # Cancellation
    /// The task leaves and one party more is awaited: the barrier does not break.
    ///
    /// # Errors
    /// Kind `BrokenBarrier` if the barrier is reset or aborted meanwhile, or was aborted before; kind `Cancelled` if this
    /// task is cancelled while it waits; kind `Runtime` if the event loop is closed.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/locks.py`, `Barrier.wait`.
    #[track_caller]
    pub fn wait(&self) -> BarrierWait<'_> {
        BarrierWait { barrier: self, wait: Wait::new(Location::caller()), inside: None }
    }

    /// Empties the barrier and mends it: who waits gets an error of kind `BrokenBarrier`.
    ///
    /// # Order
    /// Never suspends; the tasks that wait run one tick later.
    ///
    /// # Errors
    /// Kind `Runtime` if the event loop is closed.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/locks.py`, `Barrier.reset`.
    #[track_caller]
    pub fn reset(&self) -> impl Future<Output = Result<()>> + Send + Sync + '_ {
        let place = Location::caller();
        async move {
            GiveWay::at(place).await?;
            self.change(|object| if object.count > 0 { State::Resetting } else { State::Filling })
        }
    }

    /// Breaks the barrier: who waits or will wait gets an error of kind `BrokenBarrier`, until it is reset.
    ///
    /// # Order
    /// Never suspends; the tasks that wait run one tick later.
    ///
    /// # Errors
    /// Kind `Runtime` if the event loop is closed.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/locks.py`, `Barrier.abort`.
    #[track_caller]
    pub fn abort(&self) -> impl Future<Output = Result<()>> + Send + Sync + '_ {
        let place = Location::caller();
        async move {
            GiveWay::at(place).await?;
            self.change(|_| State::Broken)
        }
    }

    fn change(&self, to: impl FnOnce(&Object) -> State) -> Result<()> {
        let changed = self.object.access(|rt, object, state| {
            rt.touch(self.object.object().slot(), Touch::Write);
            *state = to(object);
            wake_all(rt, object.waiters);
        });
        changed.ok_or_else(Error::loop_is_closed)
    }

    /// The number of tasks that must come.
    #[track_caller]
    pub fn parties(&self) -> usize {
        self.look(|object, _| object.extra as usize).unwrap_or(0)
    }

    /// The number of tasks that wait for others to come.
    #[track_caller]
    pub fn n_waiting(&self) -> usize {
        self.look(|object, state| if state == State::Filling { object.count as usize } else { 0 })
            .unwrap_or(0)
    }

    /// Was the barrier aborted, and not reset since?
    #[track_caller]
    pub fn broken(&self) -> bool {
        self.look(|_, state| state == State::Broken).unwrap_or(false)
    }

    #[track_caller]
    fn look<R>(&self, f: impl FnOnce(&Object, State) -> R) -> Option<R> {
        self.object.access(|rt, object, state| {
            rt.touch(self.object.object().slot(), Touch::Read);
            f(object, *state)
        })
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::debug(self.object.object(), f, |object| format!("inside:{}/{}", object.count, object.extra))
    }
}

/// The future of [`Barrier::wait`].
#[must_use = "nothing waits until it is awaited"]
pub struct BarrierWait<'a> {
    barrier: &'a Barrier,
    wait: Wait,
    /// The number in the order of coming. None while the task has not come in: before the first poll, and while an
    /// earlier round drains.
    inside: Option<u32>,
}

impl Future for BarrierWait<'_> {
    type Output = Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<usize>> {
        let BarrierWait { barrier, wait, inside } = self.get_mut();
        let slot = barrier.object.object().slot();
        let polled = barrier.object.access(|rt, object, state| {
            if wait.begun() {
                let gave_way = rt.gave_way(wait);
                match rt.resume_in(wait, cx, &mut object.waiters) {
                    Resumed::Pending => return Poll::Pending,
                    Resumed::Woken | Resumed::GaveWay => {}
                    Resumed::Cancelled(error) if gave_way => return Poll::Ready(Err(error)),
                    Resumed::Cancelled(error) => {
                        rt.touch(slot, Touch::Write);
                        wake_next(rt, object.waiters);
                        if inside.take().is_some() {
                            leave(rt, object, state);
                        }
                        return Poll::Ready(Err(error));
                    }
                }
            } else if would_pass(object, *state) && rt.gives_way(wait, cx, Op::Wait, slot) {
                return Poll::Pending;
            }
            rt.touch(slot, Touch::Write);
            let polled = advance(rt, object, state, inside);
            if polled.is_pending() {
                rt.wait_in(wait, cx, &mut object.waiters, Op::Wait, slot);
            }
            polled
        });
        polled.unwrap_or_else(|| Poll::Ready(Err(Error::loop_is_closed())))
    }
}

/// Would one who comes now not have to wait?
fn would_pass(object: &Object, state: State) -> bool {
    state == State::Broken || state == State::Filling && object.count + 1 == object.extra
}

/// Goes on as far as the state lets this task; pending if it has to stand in the line (again).
fn advance(
    rt: &mut Rt,
    object: &mut Object,
    state: &mut State,
    inside: &mut Option<u32>,
) -> Poll<Result<usize>> {
    let index = match (*inside, *state) {
        (None, State::Draining | State::Resetting) | (Some(_), State::Filling) => return Poll::Pending,
        (None, State::Broken) => return Poll::Ready(Err(broken("Barrier aborted"))),
        (None, State::Filling) => {
            let index = object.count;
            object.count += 1;
            if object.count < object.extra {
                *inside = Some(index);
                return Poll::Pending;
            }
            *state = State::Draining;
            wake_all(rt, object.waiters);
            Ok(index as usize)
        }
        (Some(index), State::Draining) => Ok(index as usize),
        (Some(_), State::Resetting | State::Broken) => Err(broken("Abort or reset of barrier")),
    };
    *inside = None;
    leave(rt, object, state);
    Poll::Ready(index)
}

/// One task less inside. The last one opens the barrier for those who wait to come in.
fn leave(rt: &mut Rt, object: &mut Object, state: &mut State) {
    object.count -= 1;
    if object.count == 0 {
        if *state != State::Broken {
            *state = State::Filling;
        }
        wake_all(rt, object.waiters);
    }
}

#[cold]
fn broken(message: &str) -> Error {
    Error::new(ErrorKind::BrokenBarrier, message)
}

impl Drop for BarrierWait<'_> {
    fn drop(&mut self) {
        let BarrierWait { barrier, wait, inside } = self;
        if !wait.begun() {
            return;
        }
        let _ = barrier.object.access_quietly(|rt, object, state| {
            rt.touch(barrier.object.object().slot(), Touch::Write);
            // A wake-up need not be passed on: the state says what happened, and all were told.
            rt.abandon_in(wait, &mut object.waiters);
            if inside.take().is_some() {
                leave(rt, object, state);
            }
        });
    }
}
