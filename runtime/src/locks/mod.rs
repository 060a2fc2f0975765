//! Locks, events, conditions, semaphores, barriers: asyncio's `locks.py`.
//!
//! Each is an object of the loop's store with a line of waiters (see `store`, `waits`). Waiters stay in their line
//! until they run, woken or not, as CPython's do; so who is first, and who counts as waiting, reads the same.

mod lock;

pub use lock::{Acquire, Lock, LockGuard};
