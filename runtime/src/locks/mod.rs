//! Locks: what tasks wait for until another task lets them go on.
//!
//! Each is one object of the loop with a line of waits in it, and each line works as CPython's deque of futures does:
//!
//! * Waking marks a wait as done; it stays in the line until its task runs and takes it out. So the walks below step
//!   over waits that are done, and a newcomer may stand behind one that has been served.
//! * A task that is cancelled after it was woken passes on what it was given (the lock, a permit, a notification).
//!   A future that is dropped halfway does the same at once: nobody will run to do it later.
//!
//! Under `every-await` a wait that could be over at once gives way first (`Rt::goes_on`), and then looks as if it had just
//! come. What each operation says it touches is the table of independence, `tests/it/independence.rs`.
//!
//! `lock.rs` is the example to read; `semaphore.rs` counts, `event.rs` wakes all, `condition.rs` gives a lock up while
//! it waits and takes it again, `barrier.rs` is a condition whose lock can never be contended.

mod barrier;
mod condition;
mod event;
mod lock;
mod semaphore;

pub use barrier::{Barrier, BarrierWait};
pub use condition::{Condition, ConditionWait, ConditionWaitFor};
pub use event::{Event, EventWait};
pub use lock::{Acquire, Lock, LockGuard};
pub use semaphore::{BoundedSemaphore, Semaphore, SemaphoreAcquire, SemaphorePermit};

use crate::schedule::Touch;
use crate::slots::{List, NONE};
use crate::store::{Object, ObjectRef};
use crate::waits::Rt;
use std::fmt;

/// Wakes the first wait of the line that is not done; false if there is none.
fn wake_next(rt: &mut Rt, line: List) -> bool {
    let mut node = rt.first(&line);
    while node != NONE {
        if rt.is_pending(node) {
            rt.wake(node);
            return true;
        }
        node = rt.next(node);
    }
    false
}

/// Wakes up to `limit` waits of the line that are not done, first come first served; false if there was none.
fn wake_some(rt: &mut Rt, line: List, limit: usize) -> bool {
    let mut left = limit;
    let mut node = rt.first(&line);
    while node != NONE && left > 0 {
        if rt.is_pending(node) {
            rt.wake(node);
            left -= 1;
        }
        node = rt.next(node);
    }
    left < limit
}

/// Wakes all waits of the line that are not done, in order; false if there was none.
pub(crate) fn wake_all(rt: &mut Rt, line: List) -> bool {
    wake_some(rt, line, usize::MAX)
}

/// Would CPython's `any(not w.cancelled() for w in waiters)` say so?
fn has_claimant(rt: &Rt, line: List) -> bool {
    let mut node = rt.first(&line);
    while node != NONE {
        if !rt.is_cancelled(node) {
            return true;
        }
        node = rt.next(node);
    }
    false
}

/// An object in words: its kind and name, and how it stands.
pub(crate) fn debug(
    object: &ObjectRef,
    f: &mut fmt::Formatter<'_>,
    state: impl FnOnce(&Object) -> String,
) -> fmt::Result {
    let state = object.access_quietly(|rt, this| {
        rt.touch(object.slot(), Touch::Read);
        state(this)
    });
    match state {
        Some(state) => write!(f, "{} [{state}]", object.name()),
        None => write!(f, "an object of a closed event loop"),
    }
}
