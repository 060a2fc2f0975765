//! The seam: who calls a loop's tick, with what time and readiness.
//!
//! Here is the small virtual driver. Time stands still while anything is ready and jumps to the next deadline when
//! nothing is. It drives one loop to its end, and beside it the loops that run as other threads of the same program,
//! a tick each in turn. When nothing is ready anywhere and no timer is set, nothing can ever run again: a deadlock.

use crate::awaitable::{Awaitable, belongs_to};
use crate::clock::Instant;
use crate::deadlock::Deadlock;
use crate::event_loop::{EventLoop, Readiness};
use crate::futures::{DoneCallback, Future};
use crate::store::{self, access_quietly};
use crate::tick::{Turned, turn};
use crate::{Error, ErrorKind, Result};

impl EventLoop {
    /// Runs the loop until [`stop`](EventLoop::stop) is called.
    ///
    /// # Errors
    /// `Deadlock` if nothing can run any more, `Limit` at the limit of ticks, `Runtime` if a loop runs already.
    ///
    /// # Panics
    /// If a step panics.
    pub fn run_forever(&self) -> Result<()> {
        let _running = Running::start(self)?;
        while !self.turn()? {}
        self.refuse_divergence()
    }

    /// Runs the loop until the awaitable is done, and gives its result. A coroutine becomes a task.
    ///
    /// One more tick runs after the one in which it ended, as in CPython: what became ready before runs in it.
    ///
    /// # Errors
    /// Its own error; `Runtime` if the loop was stopped before it was done or runs already; `Deadlock` if nothing can
    /// run any more, `Limit` at the limit of ticks.
    ///
    /// # Panics
    /// If a step panics, or if the loop is closed.
    #[track_caller]
    pub fn run_until_complete<A: Awaitable>(&self, awaitable: A) -> Result<<A as Awaitable>::Output> {
        if self.is_closed() {
            crate::event_loop::loop_is_closed("run_until_complete");
        }
        self.refuse_to_run()?;
        let future = {
            let _current = store::make_current(self.id());
            awaitable.ensure_future()
        };
        if !belongs_to(&future, self.id()) {
            return Err(Error::new(
                ErrorKind::Value,
                "the future belongs to a different loop than the one asked to run it",
            ));
        }
        let callback = stop_when_done(&future, self.id());
        let ran = self.run_forever();
        future.remove_done_callback(&callback);
        ran?;
        if !future.done() {
            return Err(Error::new(ErrorKind::Runtime, "Event loop stopped before Future completed."));
        }
        A::claim(&future)
    }

    /// Lets the loop run as another thread of the program: whoever runs a loop on this thread drives it too, until
    /// [`stop`](EventLoop::stop) is called on it (`threading.Thread(target=loop.run_forever)`).
    ///
    /// # Errors
    /// `Runtime` if it runs already.
    pub fn run_in_thread(&self) -> Result<()> {
        let started = access_quietly(self.id(), |l| {
            let free = !l.running;
            if free {
                (l.running, l.in_thread) = (true, true);
            }
            free
        });
        if started == Some(true) {
            store::count_threads(1);
        }
        match started {
            None => Err(Error::loop_is_closed()),
            Some(false) => Err(Error::new(ErrorKind::Runtime, "this event loop is already running")),
            Some(true) => Ok(()),
        }
    }

    fn refuse_to_run(&self) -> Result<()> {
        if self.is_running() {
            return Err(Error::new(ErrorKind::Runtime, "this event loop is already running"));
        }
        if crate::event_loop::get_running_loop().is_ok() {
            let message = "cannot run the event loop while another loop is running";
            return Err(Error::new(ErrorKind::Runtime, message));
        }
        Ok(())
    }

    /// One turn of this loop, and one of each loop that runs as another thread. True once this loop was stopped.
    fn turn(&self) -> Result<bool> {
        if store::threads_count() == 0 && turn(self.id()) == Turned::Stopped {
            return Ok(true);
        }
        self.refuse_divergence()?;
        let threads = store::loops_in_threads();
        let mut idle = true;
        for thread in &threads {
            if thread.is_ready() {
                idle = false;
                thread.tick_as_thread();
            }
        }
        if self.is_ready() {
            self.refuse_over_limit(self.time())?;
            return Ok(!self.tick(self.time(), Readiness::none()));
        }
        if !idle {
            return Ok(false);
        }
        // Nothing is ready anywhere: time moves to the earliest deadline, and every loop is told of it.
        let earliest = threads.iter().chain([self]).filter_map(EventLoop::next_deadline).min();
        self.refuse_over_limit(earliest.unwrap_or(self.time()))?;
        let Some(deadline) = earliest else {
            return self.nothing_can_run(&threads);
        };
        for thread in threads.iter().filter(|thread| thread.next_deadline().is_some_and(|at| at <= deadline))
        {
            thread.wind_to(deadline);
            thread.tick_as_thread();
        }
        self.wind_to(deadline);
        if self.next_deadline().is_some_and(|at| at <= deadline) {
            return Ok(!self.tick(deadline, Readiness::none()));
        }
        Ok(false)
    }

    fn nothing_can_run(&self, threads: &[EventLoop]) -> Result<bool> {
        // The tick that found nothing to do is counted, as in CPython.
        self.tick(self.time(), Readiness::none());
        if self.is_ready() {
            return Ok(false); // another thread of the process woke a task meanwhile
        }
        let report = Deadlock::of(std::iter::once(self).chain(threads));
        Err(Error::wrap(ErrorKind::Deadlock, report))
    }

    fn tick_as_thread(&self) {
        let _current = store::make_current(self.id());
        if !self.tick(self.time(), Readiness::none()) {
            let _ = access_quietly(self.id(), |l| (l.running, l.in_thread) = (false, false));
            store::count_threads(-1);
        }
    }

    fn wind_to(&self, now: Instant) {
        let _ = access_quietly(self.id(), |l| l.rt.set_now(l.rt.now.max(now.as_nanos())));
    }

    /// A replay ends where it leaves its recording.
    fn refuse_divergence(&self) -> Result<()> {
        match access_quietly(self.id(), |l| l.rt.observed.diverged.take()).flatten() {
            None => Ok(()),
            Some(divergence) => Err(Error::wrap(ErrorKind::Runtime, divergence)),
        }
    }

    fn refuse_over_limit(&self, now: Instant) -> Result<()> {
        match access_quietly(self.id(), |l| l.limit_reached(now.as_nanos())).flatten() {
            None => Ok(()),
            Some(limit) => Err(Error::wrap(ErrorKind::Limit, limit)),
        }
    }
}

/// asyncio's `_run_until_complete_cb`. Not the caller's callback, so it has not the caller's place.
fn stop_when_done<T: 'static>(future: &Future<T>, loop_id: u64) -> DoneCallback {
    future.add_done_callback(move |_| {
        let _ = access_quietly(loop_id, |l| l.stopping = true);
    })
}

/// The loop runs, and is current on this thread, until this goes.
struct Running {
    loop_id: u64,
    _current: store::CurrentGuard,
}

impl Running {
    fn start(event_loop: &EventLoop) -> Result<Running> {
        event_loop.refuse_to_run()?;
        let started = access_quietly(event_loop.id(), |l| l.running = true);
        started.ok_or_else(Error::loop_is_closed)?;
        let _current = store::make_current(event_loop.id());
        // Code outside of tasks has the base context.
        let _ = access_quietly(event_loop.id(), |l| l.rt.context = l.rt.contexts.base);
        Ok(Running { loop_id: event_loop.id(), _current })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        crate::close::force_idle(self.loop_id);
    }
}
