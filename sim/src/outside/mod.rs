//! The outside, made deterministic: what the C library says of time and chance while a run is active on a thread.
//!
//! A run is a pure function of its seed, and code that asks the system instead of the loop would break that. So on
//! Linux this crate defines some functions of the C library itself; the whole binary then calls these. While a run is
//! active **on the calling thread** they answer from the run: clocks show virtual time, random bytes come from the seed,
//! a thread or a socket is refused and fails the run. Everywhere else they pass on to the real ones, which costs a
//! thread-local load and a jump.
//!
//! | file | defines |
//! |---|---|
//! | `time` | `clock_gettime`, `gettimeofday`, `time` |
//! | `entropy` | `getrandom`, `getentropy` |
//! | `threads` | `pthread_create` |
//! | `sockets` | `socket` |
//! | `syscalls` | `syscall`, for two of its numbers: some crates go around the functions |
//! | `next` | nothing: it finds the real ones |
//!
//! `std` takes the keys of its `HashMap`s once a thread, from `getrandom`. A thread on which anybody has asked for
//! random bytes is therefore *spent*: a run there would begin with keys that its seed does not fix. `fresh` lets the
//! next run begin on a thread that is not.
//!
//! Any of these functions may be called at any moment of a thread's life, from an allocator or a thread-local's
//! destructor too. So the state here is plain cells that are never destroyed, and nothing panics.
//!
//! Elsewhere than on 64-bit Linux with the GNU C library nothing is defined, and nothing is noticed.
#![cfg_attr(
    not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")),
    allow(dead_code, reason = "nothing calls it where nothing is interposed")
)]

mod fresh;

#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
mod entropy;
#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
mod next;
#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
mod sockets;
#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
mod syscalls;
#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
mod threads;
#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
mod time;

pub(crate) use fresh::{elsewhere, keep_fresh, on_fresh_thread, suspended};

use counterpoint_runtime::choices::{Purpose, Stream};
use counterpoint_runtime::{Instant, RunningStep, running_step, set_virtual_time, virtual_time};
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

/// What a run has of the outside, beside its time, which the runtime keeps.
#[derive(Clone, Copy)]
struct State {
    /// A run is active.
    active: bool,
    seed: u64,
    /// How often the run asked for random bytes.
    draws: u32,
}

impl State {
    const OUTSIDE: State = State { active: false, seed: 0, draws: 0 };
}

thread_local! {
    // Const initialised and without destructors, but for the last: see the header.
    static STATE: Cell<State> = const { Cell::new(State::OUTSIDE) };
    /// Somebody has asked for random bytes on this thread, in a run or not.
    static SPENT: Cell<bool> = const { Cell::new(false) };
    static ESCAPED: Cell<bool> = const { Cell::new(false) };
    /// The run's first use of what it must not use. Touched only when there is one.
    static ESCAPE: Cell<Option<Box<Escape>>> = const { Cell::new(None) };
}

/// A use of the outside that no run may make.
#[derive(Clone, Debug)]
pub(crate) struct Escape {
    pub(crate) call: Call,
    /// The step that made it; none for code outside of tasks.
    pub(crate) step: Option<RunningStep>,
    pub(crate) time: Instant,
}

/// What was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Thread,
    Socket,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Call::Thread => "thread started",
            Call::Socket => "real socket opened",
        })
    }
}

/// A run is active on this thread until this goes.
pub(crate) struct Inside {
    outer: State,
    time: Instant,
    escape: Option<Box<Escape>>,
    // Of this thread: it must not go to another one.
    _here: PhantomData<*const ()>,
}

/// Begins a run on this thread: the outside is its own until the guard goes. A run within a run hides the outer one.
pub(crate) fn enter(seed: u64) -> Inside {
    Inside {
        outer: STATE.replace(State { active: true, seed, draws: 0 }),
        time: set_virtual_time(Instant::ZERO),
        escape: take_escape(),
        _here: PhantomData,
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        STATE.set(self.outer);
        set_virtual_time(self.time);
        take_escape();
        if let Some(escape) = self.escape.take() {
            keep_box(escape);
        }
    }
}

/// What the run that is active here did that no run may do: the first such thing, once.
pub(crate) fn take_escape() -> Option<Box<Escape>> {
    if !ESCAPED.replace(false) {
        return None;
    }
    ESCAPE.try_with(Cell::take).ok().flatten()
}

fn keep_box(escape: Box<Escape>) {
    if ESCAPE.try_with(|kept| kept.set(Some(escape))).is_ok() {
        ESCAPED.set(true);
    }
}

#[inline(always)]
fn is_active() -> bool {
    STATE.get().active
}

/// Is a run active here, which must not make this call? It is noted.
#[inline(always)]
fn refuses(call: Call) -> bool {
    let active = is_active();
    if active && !ESCAPED.get() {
        note(call);
    }
    active
}

#[cold]
fn note(call: Call) {
    keep_box(Box::new(Escape { call, step: running_step(), time: virtual_time() }));
}

/// Somebody asks for random bytes: the stream to take them from, if a run is active.
fn draw() -> Option<Stream> {
    SPENT.set(true);
    let State { active, seed, draws } = STATE.get();
    if !active {
        return None;
    }
    STATE.set(State { active, seed, draws: draws.wrapping_add(1) });
    Some(Stream::new(seed, Purpose::Outside(draws)))
}
