//! The seam: who calls a loop's tick, with what time and readiness.
//!
//! Here is the small virtual driver. Time stands still while anything is ready and jumps to the next deadline when
//! nothing is. It drives one loop to its end, and beside it the loops that run as other threads of the same program,
//! a tick each in turn. When nothing is ready anywhere and no timer is set, nothing can ever run again: a deadlock.

use crate::awaitable::{Awaitable, belongs_to};
use crate::clock::Instant;
use crate::deadlock::Deadlock;
use crate::event_loop::{EventLoop, is_any_running};
use crate::futures::{DoneCallback, Erased, Future};
use crate::kernel::{Patience, Readiness, Selected};
use crate::slots::{Body, Ended};
use crate::store::{self, access_current, access_quietly};
use crate::tick::{Turned, turn};
use crate::{Error, ErrorKind, Result};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

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
        let mut ready = Readiness::none();
        while !self.turn(&mut ready)? {}
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
        let callback = stop_when_done(&future);
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
        if is_any_running() {
            let message = "cannot run the event loop while another loop is running";
            return Err(Error::new(ErrorKind::Runtime, message));
        }
        Ok(())
    }

    /// One turn of this loop, and one of each loop that runs as another thread. True once this loop was stopped.
    fn turn(&self, ready: &mut Readiness) -> Result<bool> {
        if store::threads_count() == 0 && turn(self.id()) == Turned::Stopped {
            return Ok(true);
        }
        self.refuse_divergence()?;
        if store::threads_count() == 0 {
            return self.turn_alone(ready);
        }
        store::take_woken_loops(&mut Vec::new()); // all of them are looked at
        let threads = store::loops_in_threads();
        let mut idle = true;
        for thread in &threads {
            if thread.look_below(Patience::None, ready)? != Selected::Never
                && (thread.is_ready() || !ready.is_empty())
            {
                idle = false;
                thread.tick_as_thread(ready);
            }
        }
        self.look_below(Patience::None, ready)?;
        if self.is_ready() || !ready.is_empty() {
            self.refuse_over_limit(self.time())?;
            return Ok(!self.tick(self.time(), ready));
        }
        if !idle {
            return Ok(false);
        }
        self.let_time_pass(&threads, ready)
    }

    /// Nothing is ready in any thread: time moves to the earliest deadline, or to what happens below first, and every
    /// loop is told of it.
    fn let_time_pass(&self, threads: &[EventLoop], ready: &mut Readiness) -> Result<bool> {
        let earliest = threads.iter().chain([self]).filter_map(EventLoop::next_deadline).min();
        self.refuse_over_limit(earliest.unwrap_or(self.time()))?;
        let Selected::At(now) =
            self.look_below(earliest.map_or(Patience::Forever, Patience::Until), ready)?
        else {
            return self.nothing_can_run(threads);
        };
        for thread in threads {
            thread.wind_to(now);
        }
        for thread in threads.iter().filter(|thread| thread.next_deadline().is_some_and(|at| at <= now)) {
            thread.tick_as_thread(&Readiness::none());
        }
        self.wind_to(now);
        if !ready.is_empty() || self.next_deadline().is_some_and(|at| at <= now) {
            return Ok(!self.tick(now, ready));
        }
        Ok(false)
    }

    /// One turn of a loop that stands on a kernel, or has nothing ready.
    fn turn_alone(&self, ready: &mut Readiness) -> Result<bool> {
        let patience = self.patience();
        let deadline = match patience {
            Patience::None | Patience::Forever => self.time(),
            Patience::Until(deadline) => deadline,
        };
        if self.attached().is_none() {
            self.refuse_over_limit(deadline)?;
        }
        let Selected::At(now) = self.look_below(patience, ready)? else {
            return self.nothing_can_run(&[]);
        };
        self.refuse_over_limit(now)?;
        Ok(!self.tick(now, ready))
    }

    /// Asks the kernel; without one, time is the driver's.
    fn look_below(&self, patience: Patience, ready: &mut Readiness) -> Result<Selected> {
        ready.clear();
        if let Some(below) = self.attached() {
            return below.kernel.select(below.process, self.time(), patience, ready);
        }
        Ok(match patience {
            Patience::None => Selected::At(self.time()),
            Patience::Until(deadline) => Selected::At(deadline.max(self.time())),
            Patience::Forever => Selected::Never,
        })
    }

    fn nothing_can_run(&self, threads: &[EventLoop]) -> Result<bool> {
        // The tick that found nothing to do is counted, as in CPython.
        self.tick(self.time(), &Readiness::none());
        if self.is_ready() {
            return Ok(false); // another thread of the process woke a task meanwhile
        }
        let below = self.kernel().map(|kernel| kernel.loops()).unwrap_or_default();
        let others = below.iter().filter(|other| *other != self && !threads.contains(other));
        let report = Deadlock::of(std::iter::once(self).chain(threads).chain(others));
        Err(Error::wrap(ErrorKind::Deadlock, report))
    }

    fn tick_as_thread(&self, ready: &Readiness) {
        let _current = store::make_current(self.id());
        if !self.tick(self.time(), ready) {
            let _ = access_quietly(self.id(), |l| (l.running, l.in_thread) = (false, false));
            store::count_threads(-1);
        }
    }

    /// A replay ends where it leaves its recording, and an exhaustive search where it would repeat a run.
    ///
    /// # Errors
    /// `Limit` for a run that would be repeated; `Runtime`, with the [`Divergence`](crate::choices::recording::Divergence), once.
    pub fn refuse_divergence(&self) -> Result<()> {
        match access_quietly(self.id(), |l| l.rt.observed.diverged.take()).flatten() {
            None if self.is_redundant() => {
                Err(Error::new(ErrorKind::Limit, "the run repeats one that was made, and ends here"))
            }
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

/// Not the caller's callback, so it has not the caller's place.
fn stop_when_done<T: 'static>(future: &Future<T>) -> DoneCallback {
    future.add_done_body(Box::pin(StopWhenDone), Location::caller())
}

/// asyncio's `_run_until_complete_cb`: the done callback that stops the loop. It holds nothing, so that no run allocates
/// for it.
struct StopWhenDone;

impl Body for StopWhenDone {
    fn run(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Ended> {
        let done = access_current(|l| {
            l.stopping = true;
            Future::<Erased>::counted(l.id, l.rt.slot(l.rt.current).node.object)
        });
        drop(done); // a callback is given a handle of what is done
        Poll::Ready(Ended::Finished)
    }

    fn result(self: Pin<&mut Self>) -> Option<*mut ()> {
        None
    }

    fn error(self: Pin<&mut Self>) -> Option<&mut Error> {
        None
    }

    fn end_with(self: Pin<&mut Self>, _: Error) {}

    fn function(&self) -> &'static str {
        "run_until_complete"
    }
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
