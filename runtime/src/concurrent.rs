//! Futures between threads and loops: `concurrent.futures.Future`, and the bridges to ours.
//!
//! A [`Future`] here belongs to no loop. It is completed by whoever does the work, and its callbacks run **at
//! once**, in the thread that completes it; the bridges' callbacks therefore do nothing but `call_soon_threadsafe`.
//!
//! ```text
//!   Pending ──set_running──▶ Running ──set_result / set_exception──▶ Finished
//!      ├─────────────────────────────────────────────────────────────▶ Finished
//!      └──cancel──▶ Cancelled ──set_running──▶ Notified
//! ```
//! What runs cannot be cancelled.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::schedule::Touch;
use crate::store::access_current_if_free;
use crate::{Error, ErrorKind, Result};

/// What footprints call it.
const NAME: &str = "concurrent.futures.Future";

/// A result that some other thread, or another loop, will bring: asyncio's `concurrent.futures.Future`.
///
/// A handle: clones are the same future. Made by [`run_coroutine_threadsafe`](crate::run_coroutine_threadsafe) and
/// [`Executor::submit`](crate::Executor::submit); await one through [`wrap_future`](crate::wrap_future).
///
/// # Source
/// CPython 3.13, `Lib/concurrent/futures/_base.py`, `Future`.
///
/// # Examples
/// ```
/// use counterpoint_runtime::concurrent;
///
/// let future = concurrent::Future::new();
/// assert!(future.set_running_or_notify_cancel()?);
/// assert!(!future.cancel(), "it is running");
/// future.set_result(7)?;
/// assert_eq!(future.result()?, 7);
/// # Ok::<(), counterpoint_runtime::Error>(())
/// ```
pub struct Future<T> {
    shared: Arc<Mutex<Shared<T>>>,
    /// What names it in footprints.
    key: u64,
}

struct Shared<T> {
    state: State<T>,
    callbacks: Vec<Callback<T>>,
}

type Callback<T> = Box<dyn FnOnce(Future<T>) + Send>;

enum State<T> {
    Pending,
    Running,
    Cancelled,
    /// Cancelled, and the one who would have done the work has been told.
    Notified,
    /// The result behind a pointer, so that it can be cloned after the lock is given back.
    Finished(Result<Arc<T>>),
}

/// What a [`concurrent::Future`](Future) has come to.
#[derive(Clone, Debug)]
pub enum FutureState {
    /// Nobody works on it yet.
    Pending,
    /// Somebody works on it: it cannot be cancelled any more.
    Running,
    /// Cancelled before anybody began.
    Cancelled,
    /// Finished with this error.
    Failed(Error),
    /// Finished with a result.
    Finished,
}

impl<T> Future<T> {
    /// Makes a future that is pending.
    #[must_use]
    pub fn new() -> Self {
        let shared = Shared { state: State::Pending, callbacks: Vec::new() };
        let key = access_current_if_free(|l| l.rt.new_thing(NAME)).unwrap_or(0);
        Self { shared: Arc::new(Mutex::new(shared)), key }
    }

    /// Says that the work begins; false if the future was cancelled, and then the work must not be done.
    ///
    /// # Errors
    /// [`ErrorKind::Runtime`] if it is running or finished, or was told so before.
    pub fn set_running_or_notify_cancel(&self) -> Result<bool> {
        self.touch(Touch::Write);
        let mut shared = self.lock();
        match shared.state {
            State::Pending => {
                shared.state = State::Running;
                Ok(true)
            }
            State::Cancelled => {
                shared.state = State::Notified;
                Ok(false)
            }
            _ => Err(Error::new(ErrorKind::Runtime, "this future is running or done")),
        }
    }

    /// Finishes the future with a result and runs its callbacks.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidState`] if it is done.
    pub fn set_result(&self, value: T) -> Result<()> {
        self.finish(Ok(value))
    }

    /// Finishes the future with an error and runs its callbacks.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidState`] if it is done.
    pub fn set_exception(&self, error: impl Into<Error>) -> Result<()> {
        self.finish(Err(error.into()))
    }

    /// Cancels the future if nobody works on it, and runs its callbacks; true if it is cancelled now.
    pub fn cancel(&self) -> bool {
        self.touch(Touch::Write);
        let mut shared = self.lock();
        match shared.state {
            State::Running | State::Finished(_) => return false,
            State::Cancelled | State::Notified => return true,
            State::Pending => shared.state = State::Cancelled,
        }
        self.run_callbacks(shared);
        true
    }

    /// True once it is cancelled or finished.
    #[must_use]
    pub fn done(&self) -> bool {
        self.touch(Touch::Read);
        matches!(self.lock().state, State::Cancelled | State::Notified | State::Finished(_))
    }

    /// True while somebody works on it.
    #[must_use]
    pub fn running(&self) -> bool {
        self.touch(Touch::Read);
        matches!(self.lock().state, State::Running)
    }

    /// True if it was cancelled.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.touch(Touch::Read);
        matches!(self.lock().state, State::Cancelled | State::Notified)
    }

    /// What it has come to.
    #[must_use]
    pub fn state(&self) -> FutureState {
        self.touch(Touch::Read);
        match &self.lock().state {
            State::Pending => FutureState::Pending,
            State::Running => FutureState::Running,
            State::Cancelled | State::Notified => FutureState::Cancelled,
            State::Finished(Err(error)) => FutureState::Failed(error.clone()),
            State::Finished(Ok(_)) => FutureState::Finished,
        }
    }

    /// The result. Never blocks: there is no other thread that could bring it meanwhile.
    ///
    /// # Errors
    /// The future's own; [`ErrorKind::Cancelled`] if it was cancelled; [`ErrorKind::InvalidState`] if it is not
    /// done.
    pub fn result(&self) -> Result<T>
    where
        T: Clone,
    {
        self.shared_result().map(|value| T::clone(&value))
    }

    /// The error, or `None` if there is a result.
    ///
    /// # Errors
    /// As [`Future::result`], without the future's own.
    pub fn exception(&self) -> Result<Option<Error>> {
        self.touch(Touch::Read);
        match &self.lock().state {
            State::Finished(outcome) => Ok(outcome.as_ref().err().cloned()),
            State::Cancelled | State::Notified => Err(Error::cancelled()),
            State::Pending | State::Running => {
                Err(Error::new(ErrorKind::InvalidState, "exception is not set"))
            }
        }
    }

    /// Runs `callback` when the future is done: in the thread that completes it, or at once if it is done.
    ///
    /// Callbacks run in the order of adding. A callback may be sent to another thread with the future; handles of
    /// ours can be.
    pub fn add_done_callback(&self, callback: impl FnOnce(Self) + Send + 'static) {
        self.touch(Touch::Write);
        let mut shared = self.lock();
        match shared.state {
            State::Pending | State::Running => shared.callbacks.push(Box::new(callback)),
            _ => {
                drop(shared);
                callback(self.clone());
            }
        }
    }

    /// The step that runs on this thread, if one does, touches the future.
    fn touch(&self, touch: Touch) {
        let _ = access_current_if_free(|l| l.rt.touch_thing(self.key, touch, || NAME.into()));
    }

    fn shared_result(&self) -> Result<Arc<T>> {
        self.touch(Touch::Read);
        match &self.lock().state {
            State::Finished(outcome) => outcome.clone(),
            State::Cancelled | State::Notified => Err(Error::cancelled()),
            State::Pending | State::Running => {
                Err(Error::new(ErrorKind::InvalidState, "result is not ready"))
            }
        }
    }

    /// Takes the result out, for whoever gave the future to nobody.
    pub(crate) fn claim(&self) -> Result<T> {
        let value = self.shared_result()?;
        let taken =
            Error::new(ErrorKind::InvalidState, "the result was taken by the one who made the future");
        self.lock().state = State::Finished(Err(taken));
        Arc::into_inner(value).ok_or_else(|| Error::new(ErrorKind::InvalidState, "the result is being read"))
    }

    fn finish(&self, outcome: Result<T>) -> Result<()> {
        self.touch(Touch::Write);
        let mut shared = self.lock();
        match shared.state {
            State::Pending | State::Running => shared.state = State::Finished(outcome.map(Arc::new)),
            _ => {
                // `outcome` is the user's: it must not be dropped under the lock.
                drop(shared);
                return Err(Error::new(ErrorKind::InvalidState, "this future is done already"));
            }
        }
        self.run_callbacks(shared);
        Ok(())
    }

    /// Called once: the state does not change any more after it.
    fn run_callbacks(&self, mut shared: MutexGuard<'_, Shared<T>>) {
        let callbacks = std::mem::take(&mut shared.callbacks);
        drop(shared);
        for callback in callbacks {
            callback(self.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared<T>> {
        // Nothing that can panic runs under it.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Future<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), key: self.key }
    }
}

impl<T> Default for Future<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> PartialEq for Future<T> {
    /// The same future, not an equal result.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T> Eq for Future<T> {}

impl<T> fmt::Debug for Future<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Future").field("state", &self.state()).finish()
    }
}
