//! The queues, each against what CPython's does.

mod conserved;
mod halfway;
mod order;
mod priorities;
mod shutdown;
mod ticks;
