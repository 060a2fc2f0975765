//! `timeout` and `wait_for`: a part of a task that may take only so long.
//!
//! ```text
//!  Created ──run──▶ Entered ──timer──▶ Expiring ──body ends──▶ Expired
//!                      └────────────────body ends────────────▶ Exited
//! ```
//! Entered: there is a timer, unless the deadline is `None`. Expiring: the timer has fired and cancelled the
//! task; the body has not ended yet, and there is no timer any more.
//!
//! A timeout cancels its own task, so what the body sees is an ordinary cancellation. At the end the timeout
//! takes its request back (`uncancel`); only if no other request is left, the cancellation becomes
//! [`ErrorKind::Timeout`]. So an outside cancellation in the same tick wins, and of two nested timeouts that
//! expire together the outer one speaks.
//!
//! `wait_for` is in `timeouts/wait_for.rs`.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::event_loop::no_loop_here;
use crate::schedule::Touch;
use crate::store::{ObjectKind, TypedRef};
use crate::{AnyTask, Error, ErrorKind, Handle, Instant, Result, TimerHandle};

mod wait_for;

pub use wait_for::{WaitFor, wait_for};

/// Makes a deadline, this much from now, for a part of a task.
///
/// [`Timeout::run`] runs the part. `None`: no deadline, until [`Timeout::reschedule`] sets one.
///
/// # Panics
/// If no event loop is running on this thread.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/timeouts.py`, `timeout`.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let deadline = asyncio::timeout(Duration::from_secs(1));
///     let outcome = deadline.run(async {
///         asyncio::sleep(Duration::from_secs(5)).await
///     });
///     assert!(outcome.await.unwrap_err().is_timeout());
///     assert!(deadline.expired());
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[track_caller]
pub fn timeout(delay: impl Into<Option<Duration>>) -> Timeout {
    let Ok(event_loop) = crate::get_running_loop() else { no_loop_here("timeout") };
    Timeout::new(delay.into().map(|delay| event_loop.time() + delay))
}

/// Makes a deadline at an instant of the loop's clock.
///
/// # Panics
/// If there is no event loop on this thread.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/timeouts.py`, `timeout_at`.
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let noon = asyncio::Instant::ZERO + std::time::Duration::from_secs(12 * 3600);
///     let waiting = asyncio::timeout_at(noon).run(asyncio::sleep(std::time::Duration::from_secs(24 * 3600)));
///     assert!(waiting.await.unwrap_err().is_timeout());
///     assert_eq!(asyncio::get_running_loop()?.time(), noon);
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[track_caller]
pub fn timeout_at(when: impl Into<Option<Instant>>) -> Timeout {
    Timeout::new(when.into())
}

/// A deadline for a part of a task; made by [`timeout`] or [`timeout_at`].
///
/// A handle: its clones are the same deadline, so that the part itself can
/// [`reschedule`](Timeout::reschedule) it.
#[derive(Clone)]
pub struct Timeout {
    deadline: TypedRef<Deadline>,
}

struct Deadline {
    state: State,
    when: Option<Instant>,
    timer: Option<Timer>,
    task: Option<AnyTask>,
    /// How many cancel requests the task had when the part began.
    cancelling: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Created,
    Entered,
    Expiring,
    Expired,
    Exited,
}

/// What will cancel the task: a deadline that has passed already needs no timer.
enum Timer {
    Soon(Handle),
    At(TimerHandle),
}

impl Timer {
    fn cancel(&self) {
        match self {
            Self::Soon(handle) => handle.cancel(),
            Self::At(timer) => timer.cancel(),
        }
    }
}

impl Timeout {
    #[track_caller]
    fn new(when: Option<Instant>) -> Self {
        let deadline = Deadline { state: State::Created, when, timer: None, task: None, cancelling: 0 };
        Self { deadline: TypedRef::new(ObjectKind::Timeout, deadline) }
    }

    /// Runs a part of the current task under this deadline.
    ///
    /// The part may borrow. It is run once: it belongs to the task in which the returned future is first
    /// polled.
    ///
    /// # Order
    /// 1 tick from the timer to the end of the part, and the error leaves in that tick. A deadline that has
    /// passed when the part begins fires one tick later. A part that ends without waiting never expires.
    ///
    /// # Cancellation
    /// An outside cancellation passes through, also if the deadline passes in the same tick. Dropping the
    /// future halfway takes the timer and a request not yet delivered back.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`], with the cancellation as its source, if the deadline passed and the part ended
    /// with that cancellation; else what the part returns: a part that swallows the cancellation
    /// is not failed. [`ErrorKind::Runtime`] outside a task, or if it has been run before.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/timeouts.py`, `Timeout.__aenter__`, `Timeout.__aexit__`.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use counterpoint_runtime as asyncio;
    ///
    /// asyncio::run(async {
    ///     let mut lines = Vec::new();
    ///     let reading = asyncio::timeout(Duration::from_secs(2)).run(async {
    ///         loop {
    ///             lines.push("a line");
    ///             asyncio::sleep(Duration::from_millis(900)).await?;
    ///         }
    ///         #[allow(unreachable_code)]
    ///         Ok(())
    ///     });
    ///     assert!(reading.await.unwrap_err().is_timeout());
    ///     assert_eq!(lines.len(), 3);
    ///     Ok(())
    /// })?;
    /// # Ok::<(), asyncio::Error>(())
    /// ```
    pub fn run<F, R>(&self, body: F) -> TimeoutRun<F>
    where
        F: Future<Output = Result<R>>,
    {
        TimeoutRun { timeout: self.clone(), entered: false, body: Some(body) }
    }

    /// The deadline, or `None` if there is none.
    ///
    /// # Examples
    /// See [`Timeout::reschedule`].
    pub fn when(&self) -> Option<Instant> {
        self.touching(Touch::Read, |deadline| deadline.when).flatten()
    }

    /// True once the deadline has passed while the part ran, whatever the part made of it.
    ///
    /// # Examples
    /// See [`timeout`].
    pub fn expired(&self) -> bool {
        matches!(self.state(), Some(State::Expiring | State::Expired))
    }

    /// Moves the deadline of a part that runs; `None` takes it away.
    ///
    /// # Order
    /// A deadline in the past fires in the next tick.
    ///
    /// # Errors
    /// [`ErrorKind::Runtime`] if the part has not begun, or has expired or ended.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/timeouts.py`, `Timeout.reschedule`.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use counterpoint_runtime as asyncio;
    ///
    /// asyncio::run(async {
    ///     let deadline = asyncio::timeout(Duration::from_secs(1));
    ///     deadline.run(async {
    ///         let later = deadline.when().map(|when| when + Duration::from_secs(9));
    ///         deadline.reschedule(later)?;
    ///         asyncio::sleep(Duration::from_secs(5)).await
    ///     }).await
    /// })?;
    /// # Ok::<(), asyncio::Error>(())
    /// ```
    #[track_caller]
    pub fn reschedule(&self, when: impl Into<Option<Instant>>) -> Result<()> {
        match self.state() {
            Some(State::Entered) => {}
            Some(State::Created) => {
                return Err(Error::new(ErrorKind::Runtime, "this timeout has not been entered"));
            }
            Some(state) => {
                let word = match state {
                    State::Expiring => "an expiring",
                    State::Expired => "an expired",
                    _ => "a finished",
                };
                let message = format!("{word} timeout cannot be rescheduled");
                return Err(Error::new(ErrorKind::Runtime, message));
            }
            None => return Err(Error::loop_is_closed()),
        }
        let when = when.into();
        if let Some(timer) = self.take_timer() {
            timer.cancel();
        }
        let timer = when.map(|when| self.arm(when));
        self.touching(Touch::Write, |deadline| {
            deadline.when = when;
            deadline.timer = timer;
        });
        Ok(())
    }

    #[track_caller]
    fn arm(&self, when: Instant) -> Timer {
        let Ok(event_loop) = crate::get_running_loop() else { no_loop_here("Timeout::reschedule") };
        let timeout = self.clone();
        if when <= event_loop.time() {
            Timer::Soon(event_loop.call_soon(move || timeout.expire()))
        } else {
            Timer::At(event_loop.call_at(when, move || timeout.expire()))
        }
    }

    /// `_on_timeout`: the timer has fired.
    fn expire(&self) {
        let task = self.touching(Touch::Write, |deadline| deadline.task.take()).flatten();
        let task = task.expect("a timer is set for a part that runs, and cancelled when it ends");
        task.cancel();
        let timer = self.touching(Touch::Write, |deadline| {
            deadline.task = Some(task);
            deadline.state = State::Expiring;
            deadline.timer.take()
        });
        drop(timer);
    }

    /// `__aenter__`.
    fn enter(&self) -> Result<()> {
        if self.state() != Some(State::Created) {
            return Err(Error::new(ErrorKind::Runtime, "this timeout has already been entered"));
        }
        let Some(task) = crate::current_task() else {
            return Err(Error::new(ErrorKind::Runtime, "a timeout can only be used inside a task"));
        };
        let cancelling = task.cancelling();
        let when = self.touching(Touch::Write, |deadline| {
            deadline.state = State::Entered;
            deadline.task = Some(task);
            deadline.cancelling = cancelling;
            deadline.when
        });
        match when.flatten() {
            Some(when) => self.reschedule(when),
            None => Ok(()),
        }
    }

    /// `__aexit__`, and what is left of it when the part was dropped halfway: the timer goes, and a request of
    /// our own is taken back. True if that was the only one, so that a cancellation is ours.
    fn exit(&self) -> bool {
        if let Some(timer) = self.take_timer() {
            timer.cancel();
        }
        let taken = self.touching(Touch::Write, |deadline| {
            let expiring = deadline.state == State::Expiring;
            deadline.state = if expiring { State::Expired } else { State::Exited };
            (expiring, deadline.task.take(), deadline.cancelling)
        });
        let Some((expiring, Some(task), cancelling)) = taken else { return false };
        expiring && task.uncancel() <= cancelling
    }

    fn state(&self) -> Option<State> {
        self.touching(Touch::Read, |deadline| deadline.state)
    }

    /// Lets `f` work on the deadline, which the running step touches so.
    #[track_caller]
    fn touching<R>(&self, touch: Touch, f: impl FnOnce(&mut Deadline) -> R) -> Option<R> {
        let slot = self.deadline.object().slot();
        self.deadline.access(|rt, _, deadline| {
            rt.touch(slot, touch);
            f(deadline)
        })
    }

    fn take_timer(&self) -> Option<Timer> {
        self.touching(Touch::Write, |deadline| deadline.timer.take()).flatten()
    }
}

/// `raise TimeoutError from cancelled`.
fn timed_out(cancelled: Error) -> Error {
    Error::timeout().with_source(cancelled)
}

impl fmt::Debug for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").field("state", &self.state()).field("when", &self.when()).finish()
    }
}

pin_project! {
    /// The future that [`Timeout::run`] returns.
    #[must_use = "the part runs when this is awaited"]
    pub struct TimeoutRun<F> {
        timeout: Timeout,
        entered: bool,
        // Dropped when it has ended, as a body's variables are.
        #[pin]
        body: Option<F>,
    }

    impl<F> PinnedDrop for TimeoutRun<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if *this.entered {
                // First the body: the wait that our request cancelled must be gone, so that taking the request
                // back takes back what is not delivered yet.
                this.body.set(None);
                this.timeout.exit();
            }
        }
    }
}

impl<F, R> Future for TimeoutRun<F>
where
    F: Future<Output = Result<R>>,
{
    type Output = Result<R>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<R>> {
        let mut this = self.project();
        if !*this.entered {
            this.timeout.enter()?;
            *this.entered = true;
        }
        let body = this.body.as_mut().as_pin_mut().expect("a timeout's part is not polled after its end");
        let outcome = ready!(body.poll(cx));
        *this.entered = false;
        this.body.set(None);
        let ours = this.timeout.exit();
        Poll::Ready(match outcome {
            Err(cancelled) if ours && cancelled.is_cancelled() => Err(timed_out(cancelled)),
            outcome => outcome,
        })
    }
}

impl<F> fmt::Debug for TimeoutRun<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutRun").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
