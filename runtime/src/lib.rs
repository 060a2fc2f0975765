//! The event loop of Counterpoint: asyncio's semantics in Rust, on a virtual clock, with a seeded scheduler.
//!
//! Users take this through the crate `counterpoint`. Five layers; a module names its own layer and those below:
//!
//! | layer | modules | what |
//! |---|---|---|
//! | 0 words | [`error`](Error), [`clock`](Instant), `ops` | errors, virtual time, what is waited in |
//! | 1 parts | [`choices`], `lanes`, `profile`, `ready`, [`schedule`], `slots`, `strategy`, `timers`, `trace::event`, `trace::waiting` | know no loop |
//! | 2 the loop | `awaitable`, `bodies`, `close`, `contexts`, `deadlock`, `driver`, `event_loop`, `exceptions`, `footprints`, `futures`, `handles`, [`kernel`], `limits`, `picking`, `steps`, `store`, `tasks`, `tick`, [`trace`], `waits`, `wakers` | the one knot |
//! | 3 asyncio's library | `as_completed`, [`concurrent`], `executor`, `foreign`, `gather`, `locks`, `queues`, `random`, `runners`, `shared`, `shield`, `sleep`, `taskgroups`, `threads`, `threadsafe`, `timeouts`, `wait` | uses what layer 2 offers |
//!
//! The table is read by the tests: `tests/tidy/layers.rs` holds every module to it.
//!
//! Start with `tasks` (create_task, cancel), then `event_loop` and `tick` (one turn), `futures` (how an end wakes those
//! who wait), `waits` (the state of one wait), `slots` (what everything is made of).
#![deny(missing_docs)]

mod as_completed;
mod awaitable;
mod bodies;
pub mod choices;
mod clock;
mod close;
pub mod concurrent;
mod contexts;
mod deadlock;
mod driver;
mod error;
mod event_loop;
mod exceptions;
mod executor;
mod footprints;
mod foreign;
mod futures;
mod gather;
mod handles;
pub mod kernel;
mod lanes;
mod limits;
mod locks;
mod ops;
mod picking;
mod profile;
mod queues;
mod random;
mod ready;
mod runners;
pub mod schedule;
mod shared;
mod shield;
mod sleep;
mod slots;
mod steps;
mod store;
mod strategy;
mod taskgroups;
mod tasks;
mod threads;
mod threadsafe;
mod tick;
mod timeouts;
mod timers;
pub mod trace;
mod wait;
mod waits;
mod wakers;

pub use as_completed::{AsCompleted, NextCompleted, NextDone, as_completed};
pub use awaitable::{Awaitable, ensure_future};
pub use clock::{Instant, set_virtual_time, virtual_time};
pub use contexts::{Context, ContextToken, ContextVar, copy_context};
pub use deadlock::Deadlock;
pub use error::{Error, ErrorKind, Result};
pub use event_loop::{EventLoop, EventLoopBuilder, TaskFactory, get_running_loop, set_event_loop};
pub use exceptions::ErrorContext;
pub use executor::{Executor, IntoJob, Job, ShutdownDefaultExecutor};
pub use foreign::{Interruptible, interruptible};
pub use futures::{Claim, DoneCallback, Future, FutureState, Join};
pub use gather::{Gather, GatherAll, GatherWatch, Gatherable, gather};
pub use handles::{CallbackOutput, Handle, TimerHandle};
pub use kernel::Readiness;
pub use limits::Limit;
pub use locks::{
    Acquire, Barrier, BarrierWait, BoundedSemaphore, Condition, ConditionWait, ConditionWaitFor, Event,
    EventWait, Lock, LockGuard, Semaphore, SemaphoreAcquire, SemaphorePermit,
};
pub use ops::Op;
pub use profile::Profile;
pub use queues::{LifoQueue, PriorityQueue, Queue, QueueGet, QueueJoin, QueuePut, Refused};
pub use random::{TaskRng, rng};
pub use runners::{Runner, run};
pub use shared::{Shared, SharedRead, SharedWrite};
pub use shield::shield;
pub use sleep::{Sleep, sleep, sleep_until};
pub use steps::{RunningStep, running_step};
pub use store::ObjectKind;
pub use strategy::Strategy;
pub use taskgroups::{TaskGroup, TaskGroupRun};
pub use tasks::{AnyTask, Task, TaskBuilder, all_tasks, create_task, current_task};
pub use threads::{ToThread, to_thread};
pub use threadsafe::{run_coroutine_threadsafe, wrap_future};
pub use timeouts::{Timeout, TimeoutRun, WaitFor, timeout, timeout_at, wait_for};
pub use trace::WaitingTask;
pub use wait::{ReturnWhen, Wait, Waitable, wait};
