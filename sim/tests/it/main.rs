//! The facade through its public API, one module an area.
mod failures;
mod hunts;
mod outside;
mod partitions;
mod runs;
mod wire;
mod worlds;
