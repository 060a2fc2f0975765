//! The locks, each against what CPython's does.

mod barriers;
mod conditions;
mod conserved;
mod events;
mod halfway;
mod semaphores;
mod ticks;
