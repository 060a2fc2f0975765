//! The runtime's behaviour through its public API, one module an area.
mod clocks;
mod core;
mod gather;
mod locks;
mod misuse;
mod queues;
mod runners;
mod support;
mod taskgroups;
mod threads;
mod ticks;
mod ticks_groups;
mod ticks_limits;
mod timeouts;
mod wait;
mod words;
