//! `as_completed`: results in the order in which they come.
//!
//! Everything starts at the call, as in 3.13: coroutines become tasks, and each item's callback puts it into a
//! line of done ones. The consumers take from that line as getters take from a queue: one that was woken and then
//! cancelled passes the wake on, so that no item is lost.
//!
//! There are two ways to consume, and they may be mixed. A plain `for` gives futures that each bring the *result*
//! of the next item, in whatever task they are awaited; [`next_done`](AsCompleted::next_done) stands for Python's
//! `async for` and brings the *futures* themselves. A timeout ends the second with one error, and the first
//! with one for each item left.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::ops::Op;
use crate::schedule::Touch;
use crate::store::{ObjectKind, TypedRef};
use crate::waits::{Resumed, Wait};
use crate::{Awaitable, DoneCallback, Error, EventLoop, Future, Result, TimerHandle};

/// Runs awaitables at once; gives their results in the order in which they come.
///
/// Coroutines become tasks at the call, in the order given; a task given twice is one item. Iterate with a plain
/// `for`, or with [`next_done`](AsCompleted::next_done).
///
/// # Order
/// 2 ticks from the end of an item to its consumer.
///
/// # Cancellation
/// Cancelling or dropping a consumer cancels no item.
///
/// # Errors
/// The items' own, where their results are awaited. [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) after a
/// [`timeout`](AsCompleted::timeout).
///
/// # Panics
/// If there is no event loop on this thread.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/tasks.py`, `as_completed`.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let answer = |seconds| async move {
///         asyncio::sleep(Duration::from_secs(seconds)).await?;
///         Ok(seconds)
///     };
///     let mut answers = Vec::new();
///     for next in asyncio::as_completed([answer(3), answer(1), answer(2)]) {
///         answers.push(next.await?);
///     }
///     assert_eq!(answers, [1, 2, 3]);
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[track_caller]
pub fn as_completed<A: Awaitable>(aws: impl IntoIterator<Item = A>) -> AsCompleted<<A as Awaitable>::Output> {
    let mut seen = BTreeSet::new();
    let mut items: Vec<Future<_>> = aws.into_iter().map(A::ensure_future).collect();
    items.retain(|item| seen.insert(item.slot));

    let left = items.len();
    let state = Completing { todo: BTreeMap::new(), done: VecDeque::new(), timer: None };
    let completing = TypedRef::new(ObjectKind::Combinator, state);
    for (number, item) in items.into_iter().enumerate() {
        let theirs = completing.clone();
        let callback = item.add_done_callback(move |_| complete(&theirs, number));
        let _ = completing.access(|_, _, state| state.todo.insert(number, (item, callback)));
    }
    AsCompleted { completing, left, claim: A::claim }
}

/// Results in the order in which they come; made by [`as_completed`].
pub struct AsCompleted<T: 'static> {
    completing: TypedRef<Completing<T>>,
    /// Items that no consumer has been made for.
    left: usize,
    claim: fn(&Future<T>) -> Result<T>,
}

struct Completing<T: 'static> {
    /// In the order given. An item that was done already is here until its callback has run.
    todo: BTreeMap<usize, (Future<T>, DoneCallback)>,
    /// In the order of completion; none stands for an item that was not done in time.
    done: VecDeque<Option<Future<T>>>,
    timer: Option<TimerHandle>,
}

/// `_handle_completion`.
fn complete<T: 'static>(completing: &TypedRef<Completing<T>>, number: usize) {
    let slot = completing.object().slot();
    let finished = completing.access(|rt, object, state| {
        rt.touch(slot, Touch::Write);
        // Not there any more: the timeout was here first.
        let (item, callback) = state.todo.remove(&number)?;
        state.done.push_back(Some(item));
        rt.pop_wake(&mut object.waiters);
        let timer = if state.todo.is_empty() { state.timer.take() } else { None };
        Some((callback, timer))
    });
    if let Some(Some((_, Some(timer)))) = finished {
        timer.cancel();
    }
}

/// `_handle_timeout`.
fn run_out_of_time<T: 'static>(completing: &TypedRef<Completing<T>>) {
    let slot = completing.object().slot();
    let late = completing.access(|rt, object, state| {
        rt.touch(slot, Touch::Write);
        for _ in 0..state.todo.len() {
            state.done.push_back(None);
            rt.pop_wake(&mut object.waiters);
        }
        std::mem::take(&mut state.todo)
    });
    for (item, callback) in late.unwrap_or_default().into_values() {
        item.remove_done_callback(&callback);
    }
}

impl<T: 'static> AsCompleted<T> {
    /// Gives up on what is not done after this time, counted from here; `None`: never.
    ///
    /// The items run on.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use counterpoint_runtime as asyncio;
    ///
    /// asyncio::run(async {
    ///     let slow = asyncio::sleep(Duration::from_secs(60));
    ///     for next in asyncio::as_completed([slow]).timeout(Duration::from_secs(1)) {
    ///         assert!(next.await.unwrap_err().is_timeout());
    ///     }
    ///     Ok(())
    /// })?;
    /// # Ok::<(), asyncio::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        if let Some(timeout) = timeout.into()
            && self.left > 0
            && let Some(event_loop) = EventLoop::of(self.completing.object().loop_id())
        {
            let theirs = self.completing.clone();
            let timer = event_loop.call_later(timeout, move || run_out_of_time(&theirs));
            let replaced = self.completing.access(|_, _, state| state.timer.replace(timer));
            drop(replaced);
        }
        self
    }

    /// Waits for the next item to be done: Python's `async for`. `None` when there is none left.
    ///
    /// Brings the futures that were given, so that they can be told apart; a coroutine's is its task. Their errors
    /// are theirs: nothing is raised here but a timeout.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) if the next item was not done in time;
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled) if this task is cancelled.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/tasks.py`, `_AsCompletedIterator.__anext__`.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use counterpoint_runtime as asyncio;
    ///
    /// asyncio::run(async {
    ///     let slow = asyncio::create_task(asyncio::sleep(Duration::from_secs(2)));
    ///     let quick = asyncio::create_task(asyncio::sleep(Duration::from_secs(1)));
    ///     let mut completed = asyncio::as_completed([&slow, &quick]);
    ///     assert_eq!(completed.next_done().await?, Some(quick.as_future()));
    ///     assert_eq!(completed.next_done().await?, Some(slow.as_future()));
    ///     assert_eq!(completed.next_done().await?, None);
    ///     Ok(())
    /// })?;
    /// # Ok::<(), asyncio::Error>(())
    /// ```
    #[track_caller]
    pub fn next_done(&mut self) -> NextDone<'_, T> {
        NextDone { next: None, place: Location::caller(), completed: self }
    }

    fn take_turn(&mut self, place: &'static Location<'static>) -> Option<Turn<T>> {
        self.left = self.left.checked_sub(1)?;
        Some(Turn { completing: self.completing.clone(), wait: Wait::new(place) })
    }
}

impl<T: 'static> Iterator for AsCompleted<T> {
    type Item = NextCompleted<T>;

    #[track_caller]
    fn next(&mut self) -> Option<NextCompleted<T>> {
        let turn = self.take_turn(Location::caller())?;
        Some(NextCompleted { turn, claim: self.claim })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T: 'static> ExactSizeIterator for AsCompleted<T> {}

impl<T: 'static> fmt::Debug for AsCompleted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted").field("left", &self.left).finish_non_exhaustive()
    }
}

/// The result of the next item to be done.
#[must_use = "an item that is not awaited is left out"]
pub struct NextCompleted<T: 'static> {
    turn: Turn<T>,
    claim: fn(&Future<T>) -> Result<T>,
}

impl<T: 'static> std::future::Future for NextCompleted<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let item = ready!(self.turn.poll(cx))?;
        Poll::Ready((self.claim)(&item))
    }
}

impl<T: 'static> fmt::Debug for NextCompleted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NextCompleted").finish_non_exhaustive()
    }
}

/// The future of [`AsCompleted::next_done`].
#[must_use = "nothing is waited for until this is awaited"]
pub struct NextDone<'a, T: 'static> {
    completed: &'a mut AsCompleted<T>,
    place: &'static Location<'static>,
    next: Option<Turn<T>>,
}

impl<T: 'static> std::future::Future for NextDone<'_, T> {
    type Output = Result<Option<Future<T>>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.next.is_none() {
            this.next = this.completed.take_turn(this.place);
        }
        let Some(next) = &mut this.next else { return Poll::Ready(Ok(None)) };
        next.poll(cx).map_ok(Some)
    }
}

impl<T: 'static> fmt::Debug for NextDone<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NextDone").finish_non_exhaustive()
    }
}

/// One consumer's turn: `_wait_for_one`, with the queue's `get` in it.
struct Turn<T: 'static> {
    completing: TypedRef<Completing<T>>,
    wait: Wait,
}

impl<T: 'static> Turn<T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Future<T>>> {
        let (wait, slot) = (&mut self.wait, self.completing.object().slot());
        let polled = self.completing.access(|rt, object, state| {
            let fresh = !wait.begun();
            if !fresh {
                let woken = rt.is_woken(wait.node);
                match rt.resume_in(wait, cx, &mut object.waiters) {
                    Resumed::Pending => return Poll::Pending,
                    Resumed::Woken | Resumed::GaveWay => {}
                    Resumed::Cancelled(error) => {
                        rt.touch(slot, Touch::Write);
                        if woken && !state.done.is_empty() {
                            rt.pop_wake(&mut object.waiters);
                        }
                        return Poll::Ready(Err(error));
                    }
                }
            }
            if fresh && !state.done.is_empty() && rt.gives_way(wait, cx, Op::Get, slot) {
                return Poll::Pending;
            }
            rt.touch(slot, Touch::Write);
            match state.done.pop_front() {
                Some(item) => Poll::Ready(item.ok_or_else(Error::timeout)),
                None => {
                    rt.wait_in(wait, cx, &mut object.waiters, Op::Get, slot);
                    Poll::Pending
                }
            }
        });
        polled.unwrap_or_else(|| Poll::Ready(Err(Error::loop_is_closed())))
    }
}

impl<T: 'static> Drop for Turn<T> {
    fn drop(&mut self) {
        let wait = &mut self.wait;
        if wait.begun() {
            let slot = self.completing.object().slot();
            let _ = self.completing.access_quietly(|rt, object, state| {
                rt.touch(slot, Touch::Write);
                if rt.abandon_in(wait, &mut object.waiters) && !state.done.is_empty() {
                    rt.pop_wake(&mut object.waiters);
                }
            });
        }
    }
}
