//! `wait`: until some or all of a set of futures are done, without looking at their results.
//!
//! Everything happens when the wait is first polled, because `asyncio.wait` is a coroutine: a private future
//! is awaited, which the callbacks of the items or the timer complete. What is *done* is asked when the waiter
//! resumes, so items that ended meanwhile are among the done ones.
//!
//! A wait that is dropped or cancelled takes its callbacks and its timer back; the items run on.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::{DoneCallback, Error, ErrorKind, Future, Join, Result, Task, TimerHandle};

/// When a [`wait`] is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReturnWhen {
    /// All items are done.
    #[default]
    AllCompleted,
    /// An item is done, in whatever way.
    FirstCompleted,
    /// An item failed (being cancelled is no failure), or all are done.
    FirstException,
}

/// What [`wait`] takes: tasks or futures.
pub trait Waitable: Clone + Unpin {
    /// The type of its result.
    type Output: 'static;

    /// The future itself; a task is one.
    #[doc(hidden)]
    fn to_future(&self) -> Future<Self::Output>;
}

impl<T: 'static> Waitable for Future<T> {
    type Output = T;

    fn to_future(&self) -> Future<T> {
        self.clone()
    }
}

impl<T: 'static> Waitable for Task<T> {
    type Output = T;

    fn to_future(&self) -> Future<T> {
        self.as_future()
    }
}

/// Waits until tasks or futures are done; returns the done and the pending ones.
///
/// Both lists are in the order given, each item once. Nothing is cancelled and no item's error is returned:
/// ask the items. By default it waits for all of them; [`return_when`](Wait::return_when) and
/// [`timeout`](Wait::timeout) end it sooner.
///
/// # Order
/// 2 ticks from the end of the deciding item to the waiter, also if all are done already; 1 tick from the timer.
/// Items that end in between are among the done ones.
///
/// # Cancellation
/// The items run on.
///
/// # Errors
/// [`ErrorKind::Value`] if there are no items. [`ErrorKind::Cancelled`] if this task is cancelled. Running out
/// of time is no error.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/tasks.py`, `wait`.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let quick = asyncio::create_task(asyncio::sleep(Duration::from_secs(1)));
///     let slow = asyncio::create_task(asyncio::sleep(Duration::from_secs(60)));
///     let (done, pending) = asyncio::wait([&quick, &slow].map(Clone::clone))
///         .return_when(asyncio::ReturnWhen::FirstCompleted)
///         .await?;
///     assert_eq!((done, pending), (vec![quick], vec![slow]));
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[track_caller]
pub fn wait<W: Waitable>(items: impl IntoIterator<Item = W>) -> Wait<W> {
    Wait {
        place: Location::caller(),
        items: items.into_iter().collect(),
        timeout: None,
        return_when: ReturnWhen::AllCompleted,
        callbacks: Vec::new(),
        waiter: None,
        timer: None,
    }
}

/// The coroutine that [`wait`] returns.
#[must_use = "nothing is waited for until this is awaited"]
pub struct Wait<W: Waitable> {
    place: &'static Location<'static>,
    items: Vec<W>,
    timeout: Option<Duration>,
    return_when: ReturnWhen,
    /// One for each item, once the wait has begun.
    callbacks: Vec<DoneCallback>,
    waiter: Option<Join<()>>,
    timer: Option<TimerHandle>,
}

impl<W: Waitable> Wait<W> {
    /// Ends the wait after this time; what is pending then is returned as pending. `None`: never.
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeout = timeout.into();
        self
    }

    /// Says what ends the wait.
    pub fn return_when(mut self, when: ReturnWhen) -> Self {
        self.return_when = when;
        self
    }

    fn begin(&mut self) -> Result<()> {
        if self.items.is_empty() {
            return Err(Error::new(ErrorKind::Value, "set of tasks or futures is empty"));
        }
        self.drop_duplicates();
        let event_loop = crate::get_running_loop()?;
        let waiter = Future::new();
        if let Some(timeout) = self.timeout {
            let waiter = waiter.clone();
            self.timer = Some(event_loop.call_later(timeout, move || release(&waiter)));
        }
        let completion = Rc::new(Completion {
            left: Cell::new(self.items.len()),
            return_when: self.return_when,
            timer: self.timer.clone(),
            waiter: waiter.clone(),
        });
        for item in &self.items {
            let completion = Rc::clone(&completion);
            let callback = item.to_future().add_done_callback(move |item| completion.item_done(&item));
            if self.return_when != ReturnWhen::FirstCompleted {
                callback.in_any_order(); // it counts
            }
            self.callbacks.push(callback);
        }
        self.waiter = Some(waiter.wait_at(self.place));
        Ok(())
    }

    fn drop_duplicates(&mut self) {
        let mut seen = BTreeSet::new();
        self.items.retain(|item| seen.insert(item.to_future().slot));
    }

    /// Takes callbacks and timer back, if the wait has begun.
    fn end(&mut self) {
        if self.waiter.take().is_none() {
            return;
        }
        if let Some(timer) = self.timer.take() {
            timer.cancel();
        }
        for (item, callback) in self.items.iter().zip(self.callbacks.drain(..)) {
            item.to_future().remove_done_callback(&callback);
        }
    }
}

/// What the items' callbacks share: `_on_completion` of `_wait`.
struct Completion {
    left: Cell<usize>,
    return_when: ReturnWhen,
    timer: Option<TimerHandle>,
    waiter: Future<()>,
}

impl Completion {
    fn item_done<T: 'static>(&self, item: &Future<T>) {
        self.left.set(self.left.get().saturating_sub(1));
        let over = self.left.get() == 0
            || match self.return_when {
                ReturnWhen::AllCompleted => false,
                ReturnWhen::FirstCompleted => true,
                // As in asyncio, the look counts as a look at the error.
                ReturnWhen::FirstException => item.failure().is_some(),
            };
        if over {
            if let Some(timer) = &self.timer {
                timer.cancel();
            }
            release(&self.waiter);
        }
    }
}

/// `_release_waiter`.
pub(crate) fn release(waiter: &Future<()>) {
    if !waiter.done() {
        let _ = waiter.set_result(());
    }
}

impl<W: Waitable> std::future::Future for Wait<W> {
    type Output = Result<(Vec<W>, Vec<W>)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.waiter.is_none() {
            this.begin()?;
        }
        let waiter = this.waiter.as_mut().expect("a wait that has begun has a waiter");
        let outcome = ready!(Pin::new(waiter).poll(cx));
        this.end();
        outcome?;
        Poll::Ready(Ok(this.items.drain(..).partition(|item| item.to_future().done())))
    }
}

impl<W: Waitable> Drop for Wait<W> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<W: Waitable> fmt::Debug for Wait<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("items", &self.items.len()).field("when", &self.return_when).finish()
    }
}
