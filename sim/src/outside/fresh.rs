//! Threads on which nobody has asked for random bytes yet.
//!
//! A run on a spent thread would meet `HashMap` keys that were drawn before it began. So it gets a fresh thread, which
//! costs some tens of microseconds; programs that never ask spend no thread, and pay nothing.
//!
//! These threads are ours and no part of a run, so they are started while no run is active on the calling thread.

use super::{SPENT, STATE, State};
use counterpoint_runtime::get_running_loop;
use std::panic::resume_unwind;
use tracing::dispatcher;
use tracing::subscriber::NoSubscriber;

/// As much as the main thread has, in most places: a program that has room for its calls on one has it on the other.
const STACK_BYTES: usize = 8 << 20;

/// Calls `f`, which makes a run, here, or on a fresh thread if this one is spent.
pub(crate) fn on_fresh_thread<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    // While a loop runs here, another run is refused, and so it must be on every thread.
    if SPENT.get() && get_running_loop().is_err() { elsewhere(f) } else { f() }
}

/// Calls `more` until it says false, each time on a thread that is not spent.
pub(crate) fn keep_fresh(mut more: impl FnMut() -> bool + Send) {
    let mut goes_on = true;
    let mut while_fresh = || {
        while goes_on && !SPENT.get() {
            goes_on = more();
        }
        goes_on
    };
    if while_fresh() {
        while elsewhere(&mut while_fresh) {}
    }
}

/// Calls `f` on a thread of its own, with this one's subscriber of log events; a panic goes on here.
pub(crate) fn elsewhere<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    let dispatch = dispatcher::get_default(Clone::clone);
    let logged = || {
        if dispatch.is::<NoSubscriber>() { f() } else { dispatcher::with_default(&dispatch, f) }
    };
    suspended(|| {
        std::thread::scope(|scope| {
            let builder = std::thread::Builder::new().stack_size(STACK_BYTES);
            let thread =
                builder.spawn_scoped(scope, logged).expect("the system has room for one more thread");
            thread.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    })
}

/// Calls `f`, which is no part of the run that may be active here.
pub(crate) fn suspended<R>(f: impl FnOnce() -> R) -> R {
    struct Restore(State);
    impl Drop for Restore {
        fn drop(&mut self) {
            STATE.set(self.0);
        }
    }
    let _restore = Restore(STATE.replace(State::OUTSIDE));
    f()
}
