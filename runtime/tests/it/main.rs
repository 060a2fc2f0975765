//! The runtime's behaviour through its public API, one module an area.
mod core;
mod locks;
mod queues;
mod support;
