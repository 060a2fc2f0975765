//! Counterpoint.
pub use counterpoint_runtime::*;
