//! Counterpoint: deterministic simulation testing with the API and the order of Python's asyncio.
//!
//! A program opens with `use counterpoint as asyncio;`. The crate root holds the names that Python's `asyncio` has, and
//! [`Error`] and [`Result`]. Everything else has a home:
//!
//! | module | what |
//! |---|---|
//! | [`sim`] | one run of a program: [`Simulation`](sim::Simulation), its outcome, random numbers |
//! | [`explore`] | many runs: [`hunt`](explore::hunt) for a failure, [`prove`](explore::prove) that there is none, [`replay`](explore::replay) it |
//! | [`check`] | what is looked for: deadlocks |
//! | [`net`] | the simulated network |
//! | [`trace`], [`choices`] | what a run was made of: its events, its choices |
//! | `cli` | with the feature `cli`: a command line for a crate's own scenarios |
//!
//! # Examples
//! ```
//! use counterpoint as asyncio;
//! use counterpoint::{explore::hunt, sim::Simulation};
//! use std::{cell::Cell, rc::Rc, time::Duration};
//!
//! // Two tasks read a counter, give way, and write it back: one of the two updates may be lost.
//! async fn lost_update() -> asyncio::Result<()> {
//!     let counter = Rc::new(Cell::new(0));
//!     let first = asyncio::create_task(add_one(counter.clone()));
//!     add_one(counter.clone()).await?;
//!     first.await?;
//!     assert_eq!(counter.get(), 2);
//!     Ok(())
//! }
//!
//! async fn add_one(counter: Rc<Cell<u32>>) -> asyncio::Result<()> {
//!     let seen = counter.get();
//!     asyncio::sleep(Duration::ZERO).await?;
//!     counter.set(seen + 1);
//!     Ok(())
//! }
//!
//! let found = hunt(&Simulation::new(lost_update), 100);
//! assert!(!found.passed());
//! ```
//!
//! Layers; a module names its own layer and those below (`tests/tidy/layers.rs` reads this table):
//!
//! | layer | modules | what |
//! |---|---|---|
//! | 0 words | `explore::portfolio`, `outcome`, `panics`, `settings` | what a run is made of and ends in |
//! | 1 pure | `deviations`, `observed`, `recording`, `report`, `shrink`, `token`, `watch` | a run as a file, as few deviations, and as text for people |
//! | 2 outside | `log`, `outside` | what a program says by way of `tracing`, and asks of the C library |
//! | 3 the world | `world` | hosts, and what happens to them |
//! | 4 the end | `ending` | how a run ends, and what the outcome is |
//! | 5 one run | `run` | a program and all that decides how it goes |
//! | 6 many runs | `explore` | hunting, proving, replaying |
//! | 7 the surface | `cli` | the command line |
#![deny(missing_docs)]

#[cfg(feature = "cli")]
pub mod cli;
mod deviations;
mod ending;
pub mod explore;
mod log;
mod observed;
mod outcome;
mod outside;
mod panics;
mod recording;
mod report;
mod run;
mod settings;
mod shrink;
mod token;
mod watch;
mod world;

#[doc(inline)]
pub use counterpoint_net as net;
// asyncio's faces of the network.
pub use counterpoint_net::{
    BufferedProtocol, DatagramProtocol, DatagramTransport, EventLoopExt, IncompleteReadError,
    LimitOverrunError, Protocol, Server, StreamReader, StreamReaderProtocol, StreamWriter, Transport,
    open_connection, open_unix_connection, start_server, start_unix_server,
};
// What asyncio has, and the types of its values. What the runtime offers beyond has a home in one of the modules.
pub use counterpoint_runtime::{
    Acquire, AnyTask, AsCompleted, Awaitable, Barrier, BarrierWait, BoundedSemaphore, CallbackOutput, Claim,
    Condition, ConditionWait, ConditionWaitFor, Context, ContextToken, ContextVar, DoneCallback, Error,
    ErrorContext, ErrorKind, Event, EventLoop, EventLoopBuilder, EventWait, Executor, Future, FutureState,
    Gather, GatherAll, GatherWatch, Gatherable, Handle, Instant, Interruptible, IntoJob, Job, Join,
    LifoQueue, Lock, LockGuard, NextCompleted, NextDone, PriorityQueue, Queue, QueueGet, QueueJoin, QueuePut,
    Readiness, Refused, Result, ReturnWhen, Runner, Semaphore, SemaphoreAcquire, SemaphorePermit,
    ShutdownDefaultExecutor, Sleep, Task, TaskBuilder, TaskFactory, TaskGroup, TaskGroupRun, Timeout,
    TimeoutRun, TimerHandle, ToThread, Wait, WaitFor, Waitable, all_tasks, as_completed, choices, concurrent,
    copy_context, create_task, current_task, ensure_future, gather, get_running_loop, interruptible, run,
    run_coroutine_threadsafe, set_event_loop, shield, sleep, sleep_until, timeout, timeout_at, to_thread,
    trace, wait, wait_for, wrap_future,
};

/// One run of a program: what it is made of, and what it ended in.
pub mod sim {
    pub use crate::ending::Run;
    pub use crate::outcome::{Failure, FailureKind, Identity, Outcome};
    pub use crate::recording::{Recording, RecordingError};
    pub use crate::run::Simulation;
    pub use crate::world::{Cut, Exited, Host, HostBuilder, LinkBuilder, Partition, World, WorldError};
    pub use counterpoint_net::{Latency, Link, Preset, Ratio, StackSettings};
    pub use counterpoint_runtime::{Shared, SharedRead, SharedWrite, TaskRng, rng};
}

/// What is looked for in a run.
pub mod check {
    pub use counterpoint_runtime::{Deadlock, ObjectKind, Op, WaitingTask};
}
