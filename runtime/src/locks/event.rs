//! `Event`: a flag that tasks wait for.
//!
//! `count` of the object is the flag. A wait that was woken is over even if the flag is cleared before its task runs:
//! nothing looks at the flag again, as in CPython.

use super::wake_all;
use crate::ops::Op;
use crate::schedule::Touch;
use crate::store::{ObjectKind, ObjectRef};
use crate::waits::{Resumed, Wait};
use crate::{Error, Result};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A flag that any number of tasks can wait for.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/locks.py`, `Event`.
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let opened = asyncio::Event::new().named("opened");
///     let visitor = asyncio::create_task({
///         let opened = opened.clone();
///         async move { opened.wait().await }
///     });
///     opened.set();
///     visitor.await
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[derive(Clone)]
pub struct Event {
    object: ObjectRef,
}

impl Event {
    /// Makes an event that is not set.
    ///
    /// # Panics
    /// Outside of an event loop.
    #[track_caller]
    #[expect(clippy::new_without_default, reason = "made in the current event loop, which there may not be")]
    pub fn new() -> Event {
        Event { object: ObjectRef::new(ObjectKind::Event) }
    }

    /// Gives the event a name for reports.
    pub fn named(self, name: impl Into<String>) -> Event {
        self.object.set_name(name.into());
        self
    }

    /// Sets the flag and wakes every task that waits, in the order in which they came.
    ///
    /// Setting a flag that is set does nothing. Clearing it at once does not take the wake-ups back.
    ///
    /// # Order
    /// The tasks that wait run one tick later.
    #[track_caller]
    pub fn set(&self) {
        let _ = self.object.access(|rt, object| {
            let woken = object.count == 0 && wake_all(rt, object.waiters);
            object.count = 1;
            rt.touch(self.object.slot(), if woken { Touch::Write } else { Touch::Set });
        });
    }

    /// Takes the flag back: who waits from now on waits for the next `set`.
    #[track_caller]
    pub fn clear(&self) {
        let _ = self.object.access(|rt, object| {
            rt.touch(self.object.slot(), Touch::write_if(object.count != 0));
            object.count = 0;
        });
    }

    /// Is the flag set? A closed loop's is not.
    #[track_caller]
    pub fn is_set(&self) -> bool {
        let set = self.object.access(|rt, object| {
            rt.touch(self.object.slot(), Touch::Read);
            object.count != 0
        });
        set.unwrap_or(false)
    }

    /// Waits until the flag is set.
    ///
    /// A flag that is set already does not suspend.
    ///
    /// # Order
    /// Returns one tick after `set`, even if `clear` follows at once.
    ///
    /// # Cancellation
    /// The place in the line is given up; nothing is lost, since `set` wakes all.
    ///
    /// # Errors
    /// Kind `Cancelled` if this task is cancelled while it waits; kind `Runtime` if the event loop is closed.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/locks.py`, `Event.wait`.
    #[track_caller]
    pub fn wait(&self) -> EventWait<'_> {
        EventWait { event: self, wait: Wait::new(Location::caller()) }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::debug(&self.object, f, |object| if object.count == 0 { "unset".into() } else { "set".into() })
    }
}

/// The future of [`Event::wait`].
#[must_use = "nothing waits until it is awaited"]
pub struct EventWait<'a> {
    event: &'a Event,
    wait: Wait,
}

impl Future for EventWait<'_> {
    type Output = Result<()>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let EventWait { event, wait } = self.get_mut();
        let slot = event.object.slot();
        let polled = event.object.access(|rt, object| {
            // One who waits changes nothing: `set` wakes all, in whatever order they came.
            if wait.begun() {
                match rt.resume_in(wait, cx, &mut object.waiters) {
                    Resumed::Pending => return Poll::Pending,
                    Resumed::Woken => {
                        rt.touch(slot, Touch::Read);
                        return Poll::Ready(Ok(()));
                    }
                    Resumed::Cancelled(error) => {
                        rt.touch(slot, Touch::Read);
                        return Poll::Ready(Err(error));
                    }
                    Resumed::GaveWay if object.count != 0 => {
                        rt.touch(slot, Touch::Read);
                        return Poll::Ready(Ok(()));
                    }
                    Resumed::GaveWay => {}
                }
            } else if object.count != 0 {
                return match rt.goes_on(wait, cx, Op::Wait, slot, Touch::Read) {
                    true => Poll::Ready(Ok(())),
                    false => Poll::Pending,
                };
            }
            rt.touch(slot, Touch::Read);
            rt.wait_in(wait, cx, &mut object.waiters, Op::Wait, slot);
            Poll::Pending
        });
        polled.unwrap_or_else(|| Poll::Ready(Err(Error::loop_is_closed())))
    }
}

impl Drop for EventWait<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.wait.begun() {
            self.give_up();
        }
    }
}

impl EventWait<'_> {
    #[cold]
    fn give_up(&mut self) {
        let EventWait { event, wait } = self;
        let slot = event.object.slot();
        let _ = event.object.access_quietly(|rt, object| {
            rt.touch(slot, Touch::Read);
            rt.abandon_in(wait, &mut object.waiters)
        });
    }
}
