//! The facade through its public API, one module an area.
mod failures;
mod groups;
mod hunts;
mod outside;
mod partitions;
mod ports;
mod proofs;
mod runs;
mod shrinking;
mod wire;
mod worlds;
