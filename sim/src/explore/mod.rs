//! Many runs of one simulation.

mod hunt;

pub use counterpoint_runtime::{Profile, Strategy};
pub use hunt::{Finding, Hunt, Hunted, hunt};
