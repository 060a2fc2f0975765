//! The seam downwards: what stands below a loop, and how it speaks to it.
//!
//! A loop knows neither hosts nor sockets. Below it may stand a [`Kernel`]: it owns the descriptors of the loop's
//! process, and it lets the time go on that the loop does not use. Before each tick the driver asks it, as CPython asks
//! its selector: [`Kernel::select`] says how late it is and which handles and waiting tasks have become ready
//! ([`Readiness`]). What happens below costs no tick, and a loop without a kernel pays nothing.
//!
//! What a kernel hands up has three shapes: a callback that runs each time its descriptor is ready
//! ([`EventLoop::call_when_ready`]), tasks in line for a thing of the kernel ([`Waiters`]), and values that a loop owns
//! behind handles that are `Send + Sync` ([`LoopOwned`]). For the network and the world; programs need none of it.

mod owned;
mod waiters;

pub use crate::waits::GiveWay;
pub use owned::LoopOwned;
pub use waiters::{KernelWait, Line, Waiters};

use crate::clock::Instant;
use crate::event_loop::EventLoop;
use crate::handles::Handle;
use crate::schedule::Touch;
use crate::slots::flag;
use crate::store::{self, access, access_current, access_quietly};
use crate::waits::{Rt, attention};
use crate::{Error, ErrorKind, Result};
use std::rc::Rc;

/// What stands below loops: asyncio's selector.
pub trait Kernel {
    /// What is ready for a process, once the loop's patience is over or something is: fills `ready` and says how late it
    /// is.
    ///
    /// Everything that is due below is done first. If then something is ready, or the loop has no patience, time stands
    /// still. Otherwise time goes on, event by event, until something is ready for a loop of this kernel or the patience
    /// ends; what makes nothing ready is invisible. `now` is the loop's own time.
    ///
    /// # Errors
    /// What ends the run.
    fn select(
        &self,
        process: Process,
        now: Instant,
        patience: Patience,
        ready: &mut Readiness,
    ) -> Result<Selected>;

    /// All loops that stand on this kernel: a deadlock is one of all of them.
    fn loops(&self) -> Vec<EventLoop> {
        Vec::new()
    }
}

/// By what a kernel knows the process of a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// The kernel's network.
    pub network: u64,
    /// The process there.
    pub number: u32,
}

/// How long a loop would wait: the timeout of asyncio's `select`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Not at all: something is ready in the loop.
    None,
    /// Until its next deadline.
    Until(Instant),
    /// For as long as it takes: it has no timer.
    Forever,
}

/// What came of a `select`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selected {
    /// So late it is; the loop's tick follows.
    At(Instant),
    /// Nothing below will ever make a loop ready.
    Never,
}

/// How a loop stands after a turn.
#[derive(Clone, Copy, Debug)]
pub struct Driven {
    /// Was there a tick?
    pub ran: bool,
    /// Is anything ready to run?
    pub ready: bool,
    /// The loop's own time.
    pub now: Instant,
    /// When its next timer is due.
    pub next_deadline: Option<Instant>,
    /// How many steps it has run.
    pub steps: u64,
    /// How many tasks have ended so far: whoever waits for the end of one looks when this moves.
    pub ended: u64,
}

/// A loop's kernel, and its process there.
#[derive(Clone)]
pub(crate) struct Attached {
    pub(crate) kernel: Rc<dyn Kernel>,
    pub(crate) process: Process,
}

/// What the kernel tells a loop at the start of a tick, in order. A buffer that is filled again and again.
#[derive(Default)]
pub struct Readiness(Vec<Entry>);

#[derive(Clone, Copy)]
enum Entry {
    Callback { slot: u32 },
    Waiters { object: u32, line: Line },
}

impl Readiness {
    /// Nothing.
    pub fn none() -> Readiness {
        Readiness::default()
    }

    /// These handles, made by [`EventLoop::call_when_ready`].
    pub fn of(handles: &[Handle]) -> Readiness {
        let mut ready = Readiness::none();
        handles.iter().for_each(|handle| ready.callback(handle));
        ready
    }

    /// A handle made by [`EventLoop::call_when_ready`] of the loop that is told. It must be alive until the tick.
    pub fn callback(&mut self, handle: &Handle) {
        self.0.push(Entry::Callback { slot: handle.slot() });
    }

    /// All tasks in one line of a thing of the kernel, of the loop that is told. It must be alive until the tick.
    pub fn waiters(&mut self, waiters: &Waiters, line: Line) {
        self.0.push(Entry::Waiters { object: waiters.slot(), line });
    }

    /// Is nothing ready?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets all, keeping the room.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn tell(&self, rt: &mut Rt, objects: &mut store::Objects) {
        for entry in &self.0 {
            match *entry {
                Entry::Callback { slot } => rt.schedule_once(slot),
                Entry::Waiters { object, line } => {
                    let object = &mut objects.slots[object as usize];
                    waiters::wake(rt, object, line);
                }
            }
        }
    }
}

impl EventLoop {
    /// Puts a kernel below the loop, which knows the loop's process by a name of its own.
    ///
    /// # Errors
    /// `Runtime` if one is there already, or if the loop is closed.
    pub fn attach(&self, kernel: Rc<dyn Kernel>, process: Process) -> Result<()> {
        let refused = access_quietly(self.id(), |l| {
            if l.kernel.is_some() {
                return Some(kernel);
            }
            l.kernel = Some(Attached { kernel, process });
            None
        });
        match refused {
            None => Err(Error::loop_is_closed()),
            Some(None) => Ok(()),
            Some(Some(_)) => {
                Err(Error::new(ErrorKind::Runtime, "this event loop stands on a kernel already"))
            }
        }
    }

    /// The process of the loop below; none without a kernel.
    pub fn process(&self) -> Option<Process> {
        access_quietly(self.id(), |l| l.kernel.as_ref().map(|attached| attached.process)).flatten()
    }

    /// The kernel that the loop stands on, if it has one.
    pub fn kernel(&self) -> Option<Rc<dyn Kernel>> {
        Some(self.attached()?.kernel)
    }

    pub(crate) fn attached(&self) -> Option<Attached> {
        access_quietly(self.id(), |l| l.kernel.clone()).flatten()
    }

    /// The number of the loop, which never repeats on this machine's thread: what a kernel knows it by.
    pub fn number(&self) -> u64 {
        self.id()
    }

    /// Moves the loop's time on, never back: what a driver does with loops that have nothing to do.
    pub fn wind_to(&self, now: Instant) {
        let _ = access_quietly(self.id(), |l| l.rt.set_now(l.rt.now.max(now.as_nanos())));
    }

    /// Marks the loop as running for as long as a driver of its own gives it ticks ([`EventLoop::drive`]).
    ///
    /// # Errors
    /// `Runtime` if it runs already.
    pub fn set_driven(&self, driven: bool) -> Result<()> {
        if !driven {
            crate::close::force_idle(self.id());
        }
        let refused = access_quietly(self.id(), |l| {
            let refused = driven && l.running;
            l.running = driven;
            refused
        });
        match refused {
            Some(false) => Ok(()),
            Some(true) => Err(Error::new(ErrorKind::Runtime, "this event loop is already running")),
            None => Err(Error::loop_is_closed()),
        }
    }

    /// One turn of a loop that another loop's driver drives: a tick, if anything is ready, due, or told by `ready`. The
    /// loop is the current one meanwhile. None if the loop is closed.
    ///
    /// A loop whose own time is ahead of `now` computes still, and gets no tick before that.
    ///
    /// # Panics
    /// If a step panics.
    pub fn drive(&self, now: Instant, ready: &Readiness) -> Option<Driven> {
        let _current = store::make_current(self.id());
        let runs = access(self.id(), |l| {
            if l.rt.now > now.as_nanos() {
                return false;
            }
            let woken = !l.rt.ready.is_empty() || l.stopping || !ready.is_empty();
            woken || l.next_deadline().is_some_and(|at| at <= now.as_nanos())
        })?;
        if runs {
            crate::tick::tick(self.id(), now, ready);
        }
        access(self.id(), |l| Driven {
            ran: runs,
            ready: !l.rt.ready.is_empty() || l.stopping,
            now: Instant::from_nanos(l.rt.now),
            next_deadline: l.next_deadline().map(Instant::from_nanos),
            steps: l.rt.steps,
            ended: l.rt.ended,
        })
    }

    /// Lets `f` run while this loop is the current one of the thread.
    pub fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        let _current = store::make_current(self.id());
        f()
    }

    /// How long the loop would wait for its kernel now.
    pub fn patience(&self) -> Patience {
        let patience = access_quietly(self.id(), |l| {
            if !l.rt.ready.is_empty() || l.stopping {
                return Patience::None;
            }
            match l.next_deadline() {
                Some(deadline) => Patience::Until(Instant::from_nanos(deadline)),
                None => Patience::Forever,
            }
        });
        patience.unwrap_or(Patience::Forever)
    }
}

/// The loop that is current on this thread and its process below it, as plain numbers: what a system call begins with.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The loop's number.
    pub event_loop: u64,
    /// The loop's time.
    pub now: Instant,
    /// Its process; none if no kernel stands below it.
    pub process: Option<Process>,
    /// Does anybody ask what its steps touch?
    pub watched: bool,
}

/// Who calls: the current loop, and its process. None if no loop is running or set on this thread.
pub fn caller() -> Option<Caller> {
    access_current(|l| Caller {
        event_loop: l.id,
        now: Instant::from_nanos(l.rt.now),
        process: l.kernel.as_ref().map(|attached| attached.process),
        watched: l.rt.watches_footprints(),
    })
}

/// Do awaits that could go on at once give way first? Then whoever would make a call without waiting asks
/// [`KernelWait::gives_way`] or awaits [`GiveWay`] before it. False without a loop.
#[inline]
pub fn is_every_await() -> bool {
    access_current(|l| l.rt.attention & attention::GIVES_WAY != 0).unwrap_or(false)
}

/// A key for a thing of the kernel that the running step has made, for [`touch`]; 0 while nobody asks what steps touch.
pub fn new_thing(kind: &str) -> u64 {
    access_current(|l| l.rt.new_thing(kind)).unwrap_or(0)
}

/// The running step touches a thing of the kernel. The key names it in every run, whoever touches it; the name is for
/// people. Costs a test while nobody asks.
#[inline]
pub fn touch(key: u64, touch: Touch, name: impl FnOnce() -> String) {
    let _ = access_current(|l| l.rt.touch_thing(key, touch, || name().into()));
}

/// A handle of the loop with this number, running or not; none if it is closed, or of another thread.
pub fn event_loop(number: u64) -> Option<EventLoop> {
    EventLoop::of(number)
}

/// The seed of the current loop's run, for what stands below it; 0 without a loop.
pub fn seed() -> u64 {
    access_current(|l| l.settings.seed).unwrap_or(0)
}

/// Are there loops on this thread that run as other threads of one program? They share what stands below.
pub fn has_threads() -> bool {
    store::threads_count() > 0
}

/// The loops that became ready while none of their own code ran: a program woke them across loops. A driver of many
/// loops asks for them after each tick.
pub fn take_woken_loops(woken: &mut Vec<u64>) {
    store::take_woken_loops(woken);
}

impl Rt {
    /// Makes a callback ready unless it is in the ready queue already.
    fn schedule_once(&mut self, slot: u32) {
        let this = self.slot_mut(slot);
        if this.node.flags & (flag::QUEUED | flag::DONE) == 0 {
            this.node.flags |= flag::QUEUED;
            self.schedule_callback(slot);
        }
    }
}

/// Is a handle of the loop with this number used where it belongs? False if the loop is closed.
///
/// # Panics
/// If the loop is another one than the running one, or another thread's: by name.
#[track_caller]
pub fn check_bound(event_loop: u64) -> bool {
    access(event_loop, |_| ()).is_some()
}
