//! A host, and what can happen to it.
//!
//! | | its programs | its kernel | peers see |
//! |---|---|---|---|
//! | `crash` | gone, no code of theirs runs | gone, without a word | silence; a reset once it is back |
//! | `shutdown` | cancelled, and waited for | closes what they had open | the end of streams |
//! | `pause` | stand still | lives: accepts, acknowledges until its windows are full | nobody answers |
//! | `freeze` | stand still | stands still too | silence |

use super::processes::Program;
use super::{State, World};
use counterpoint_net::StackSettings;
use counterpoint_runtime::kernel::{KernelWait, Line, Waiters};
use counterpoint_runtime::schedule::Touch;
use counterpoint_runtime::{Error, Op, Result};
use std::future::Future;
use std::net::IpAddr;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

/// A simulated machine, as the test sees it. A clone is the same host.
#[derive(Clone)]
pub struct Host {
    pub(super) world: World,
    pub(super) index: u32,
}

/// What the world knows of a host.
pub(super) struct HostEntry {
    pub(super) name: String,
    pub(super) stack: u32,
    pub(super) program: Program,
    pub(super) incarnation: u32,
    process: Option<u32>,
    /// How its program ended; none while it runs, and after a power cut.
    ended: Option<Result<()>>,
    paused: bool,
    frozen: bool,
    /// Somebody has looked at how it ended.
    seen: std::cell::Cell<bool>,
    waiters: Waiters,
}

impl HostEntry {
    pub(super) fn new(name: String, stack: u32, program: Program, waiters: Waiters) -> HostEntry {
        HostEntry {
            name,
            stack,
            program,
            incarnation: 0,
            process: None,
            ended: None,
            paused: false,
            frozen: false,
            seen: std::cell::Cell::new(false),
            waiters,
        }
    }

    pub(super) fn began(&mut self, process: u32) {
        (self.process, self.ended) = (Some(process), None);
        self.seen.set(false);
    }

    pub(super) fn unseen_failure(&self) -> Option<&Error> {
        let failure = self.ended.as_ref()?.as_ref().err()?;
        (!self.seen.get() && !failure.is_cancelled()).then_some(failure)
    }
}

impl State {
    /// Do its programs stand still?
    pub(super) fn is_stopped(&self, host: u32) -> bool {
        let host = &self.hosts.borrow()[host as usize];
        host.paused || host.frozen
    }

    /// The program of a host has ended.
    pub(super) fn host_ended(&self, host: u32, result: Result<()>) {
        let mut hosts = self.hosts.borrow_mut();
        let entry = &mut hosts[host as usize];
        (entry.process, entry.ended) = (None, Some(result));
        entry.waiters.wake(Line::Read);
        let what = match &entry.ended {
            Some(Err(error)) => format!("ends with an error: {error}"),
            _ => "ends".to_owned(),
        };
        let stack = entry.stack;
        self.network.with(|network| network.tell_of_host(stack, &what));
    }
}

impl Host {
    pub(super) fn new(world: World, index: u32) -> Host {
        Host { world, index }
    }

    fn with<R>(&self, f: impl FnOnce(&Rc<State>, &mut HostEntry) -> R) -> R {
        let state = self.world.state();
        let mut hosts = state.hosts.borrow_mut();
        f(&state, &mut hosts[self.index as usize])
    }

    /// The running step of the world's own loop does something to the host, or looks at it.
    fn touch(&self, touch: Touch) {
        let waiters = self.with(|_, host| host.waiters.clone());
        waiters.touch(touch);
    }

    pub(super) fn stack(&self) -> u32 {
        self.with(|_, host| host.stack)
    }

    /// Its name.
    pub fn name(&self) -> String {
        self.with(|_, host| host.name.clone())
    }

    /// Its addresses, the first the one that its connections come from.
    pub fn addresses(&self) -> Vec<IpAddr> {
        self.with(|state, host| state.network.with(|network| network.stack_addresses(host.stack).to_vec()))
    }

    /// Its first address.
    pub fn address(&self) -> IpAddr {
        self.addresses()[0]
    }

    /// Is its power on, and is it not suspended?
    pub fn is_up(&self) -> bool {
        self.touch(Touch::Read);
        self.with(|state, host| state.network.with(|network| network.is_up(host.stack)))
    }

    /// Does its program run: started, not ended, not crashed?
    pub fn is_running(&self) -> bool {
        self.touch(Touch::Read);
        self.with(|_, host| host.process.is_some())
    }

    /// How often its program was started.
    pub fn starts(&self) -> u32 {
        self.touch(Touch::Read);
        self.with(|_, host| host.incarnation)
    }

    /// Waits until its program has ended, and gives how. A host that crashed has not ended: it is waited for until it was
    /// started again and has.
    ///
    /// # Cancellation
    /// Nothing is lost: it may be awaited again.
    ///
    /// # Errors
    /// What its program returned; `Cancelled` if this task is, or if the program was shut down.
    #[track_caller]
    pub fn join(&self) -> Exited {
        let waiters = self.with(|_, host| host.waiters.clone());
        Exited { host: self.clone(), waiters, wait: KernelWait::new(Location::caller()) }
    }

    /// The power is cut: no code of the host runs any more, nothing of its kernel stays, and nobody is told.
    /// Its peers see silence. Crashing a host that is down does nothing.
    pub fn crash(&self) {
        self.touch(Touch::Write);
        let (state, stack, process) = self.with(|state, host| {
            (host.paused, host.frozen) = (false, false);
            (Rc::clone(state), host.stack, host.process.take())
        });
        if !state.network.with(|network| network.has_power(stack)) {
            return;
        }
        // The host is dead before its futures are dropped: no destructor can do anything.
        state.network.with(|network| network.cut_power(stack));
        if let Some(process) = process {
            state.kill_process(process);
        }
    }

    /// The power is back, or its program has ended: it is started again, in a new process. Of a host that runs it is cut
    /// first.
    ///
    /// # Errors
    /// `Runtime` if the world is at its end.
    pub fn restart(&self) -> Result<()> {
        self.touch(Touch::Write);
        if self.is_running() {
            self.crash();
        }
        let state = self.world.state();
        let stack = self.stack();
        state.network.with(|network| network.restore_power(stack));
        state.start_process(self.index)
    }

    /// Ends its program as SIGTERM does: the main task is cancelled. [`join`](Host::join) waits for the end.
    pub fn shutdown(&self) {
        self.touch(Touch::Write);
        let state = self.world.state();
        let process = self.with(|_, host| host.process);
        let Some(process) = process else { return };
        {
            let processes = state.processes.borrow();
            let entry = &processes[process as usize];
            if let (Some(event_loop), Some(main)) = (&entry.event_loop, &entry.main) {
                event_loop.enter(|| main.cancel());
            }
        }
        state.queue(process);
    }

    /// Its programs stand still (SIGSTOP, a long collection of garbage), while its kernel lives: connections are accepted
    /// and bytes acknowledged, and nobody answers.
    pub fn pause(&self) {
        self.touch(Touch::Write);
        self.with(|state, host| {
            if !host.paused {
                host.paused = true;
                state.network.with(|network| network.tell_of_host(host.stack, "is paused"));
            }
        });
    }

    /// Its programs go on. Timers that came meanwhile are due at once.
    pub fn resume(&self) {
        self.touch(Touch::Write);
        let process = self.with(|state, host| {
            if host.paused {
                host.paused = false;
                state.network.with(|network| network.tell_of_host(host.stack, "goes on"));
            }
            host.process
        });
        if let Some(process) = process {
            self.world.state().queue(process);
        }
    }

    /// The machine is suspended, its kernel too: it hears nothing, and its timers stand still.
    pub fn freeze(&self) {
        self.touch(Touch::Write);
        self.with(|state, host| {
            if !host.frozen {
                host.frozen = true;
                state.network.with(|network| network.freeze(host.stack));
            }
        });
    }

    /// A suspended machine goes on.
    pub fn thaw(&self) {
        self.touch(Touch::Write);
        let process = self.with(|state, host| {
            if host.frozen {
                host.frozen = false;
                state.network.with(|network| network.thaw(host.stack));
            }
            host.process
        });
        if let Some(process) = process {
            self.world.state().queue(process);
        }
    }

    /// Sets what its new sockets begin with.
    pub fn configure(&self, settings: StackSettings) {
        self.with(|state, host| state.network.with(|network| network.configure_stack(host.stack, settings)));
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.world.state.get_quietly().and_then(|state| {
            let hosts = state.hosts.try_borrow().ok()?;
            hosts.get(self.index as usize).map(|host| host.name.clone())
        });
        write!(f, "Host({})", name.as_deref().unwrap_or("?"))
    }
}

impl PartialEq for Host {
    fn eq(&self, other: &Host) -> bool {
        self.index == other.index && self.world.state.is_same(&other.world.state)
    }
}

impl Eq for Host {}

/// The future of [`Host::join`].
#[must_use = "nothing waits until it is awaited"]
pub struct Exited {
    host: Host,
    waiters: Waiters,
    wait: KernelWait,
}

impl Future for Exited {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        let mut fresh = !this.wait.begun();
        if this.wait.is_giving_way() {
            ready!(this.wait.end_giving_way(cx))?;
        }
        loop {
            if this.wait.begun() {
                match this.waiters.poll_wait(&mut this.wait, cx, Line::Read, Op::Exit) {
                    Poll::Ready(Ok(())) => {}
                    other => return other,
                }
            }
            let ended = this.host.with(|_, host| host.ended.clone());
            if let Some(result) = ended {
                if fresh && this.wait.gives_way(cx, Op::Exit) {
                    return Poll::Pending;
                }
                this.waiters.touch(Touch::Read);
                this.host.with(|_, host| host.seen.set(true));
                return Poll::Ready(result);
            }
            fresh = false;
            let polled = this.waiters.poll_wait(&mut this.wait, cx, Line::Read, Op::Exit);
            if polled.is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl Drop for Exited {
    fn drop(&mut self) {
        if self.wait.is_giving_way() {
            self.wait.end();
        }
        self.waiters.give_up(&mut self.wait, Line::Read);
    }
}
